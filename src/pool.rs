//! The driver's memory: non-paged pool, counted.

use executive::mem::{Counting, Usage};
use wdk_alloc::WdkAllocator;

/// Every allocation of every layer comes through here, so that unloading can tell what it left behind.
#[global_allocator]
static POOL: Counting<WdkAllocator> = Counting::new(WdkAllocator);

/// The pool counts as they stand. Any IRQL.
pub(crate) fn usage() -> Usage {
    POOL.usage()
}
