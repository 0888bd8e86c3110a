//! The driver's memory: non-paged pool, counted.

use executive::mem::{Counting, Usage};
#[cfg(not(feature = "selftest"))]
use wdk_alloc::WdkAllocator as Pool;

#[cfg(feature = "selftest")]
use crate::selftest::Pool;

/// Every allocation of every layer comes through here, so that unloading can tell what it left behind.
#[global_allocator]
static POOL: Counting<Pool> = Counting::new(Pool);

/// The pool counts as they stand. Any IRQL.
pub(crate) fn usage() -> Usage {
    POOL.usage()
}
