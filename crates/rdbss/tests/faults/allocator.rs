//! A global allocator that fails on demand and keeps count, per thread.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

std::thread_local! {
    /// How many more allocations of this thread succeed before one fails; `None`: all succeed.
    static LEFT: Cell<Option<u32>> = const { Cell::new(None) };
    /// Blocks this thread has allocated less those it has freed.
    static BALANCE: Cell<i64> = const { Cell::new(0) };
}

struct FailOnDemand;

#[global_allocator]
static ALLOCATOR: FailOnDemand = FailOnDemand;

fn must_fail() -> bool {
    // A thread that is ending has lost its LEFT; nothing of it is under test any more.
    let left = LEFT.try_with(|left| left.replace(left.get().and_then(|more| more.checked_sub(1))));
    left == Ok(Some(0))
}

fn note(blocks: i64) {
    // As above.
    _ = BALANCE.try_with(|balance| balance.set(balance.get() + blocks));
}

// SAFETY: every block comes from and goes back to `System`, with the layout it was asked for with; returning null is
// how an allocator says that it has no memory. The counters allocate nothing: they are constants in thread-local
// storage and have no destructors.
unsafe impl GlobalAlloc for FailOnDemand {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if must_fail() {
            return std::ptr::null_mut();
        }
        note(1);
        // SAFETY: the caller keeps `GlobalAlloc::alloc`'s contract, which is also `System`'s.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        note(-1);
        // SAFETY: the block came from `System` with this layout, as the caller promises of this allocator.
        unsafe { System.dealloc(block, layout) }
    }
}

/// Runs `body` with this thread's `n`-th allocation, counted from zero, failing. The second result says whether it
/// came to that.
pub(crate) fn fail_nth<R>(n: u32, body: impl FnOnce() -> R) -> (R, bool) {
    LEFT.set(Some(n));
    let result = body();
    (result, LEFT.replace(None).is_none())
}

/// Blocks this thread has allocated less those it has freed.
pub(crate) fn balance() -> i64 {
    BALANCE.get()
}
