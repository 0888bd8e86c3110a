//! An allocator that counts, and on the host fails on demand.

use alloc::alloc::{GlobalAlloc, Layout};
use core::ptr;
use core::sync::atomic::{AtomicUsize, Ordering};

/// Wraps the global allocator and counts what goes through it. The driver reports the counts after its unload work is
/// done, when nothing may be live any more; tests compare them before and after.
///
/// `#[global_allocator] static POOL: Counting<System> = Counting::new(System);`
#[derive(Debug)]
pub struct Counting<A> {
    inner: A,
    live_bytes: AtomicUsize,
    live_blocks: AtomicUsize,
    total_blocks: AtomicUsize,
    refused_blocks: AtomicUsize,
}

/// What a [`Counting`] allocator has seen. The figures are read one by one, so they fit together only when nobody else
/// allocates meanwhile.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Usage {
    /// Bytes allocated and not yet freed.
    pub live_bytes: usize,
    /// Blocks allocated and not yet freed.
    pub live_blocks: usize,
    /// Blocks ever allocated; a block that grows in place counts again.
    pub total_blocks: usize,
    /// Allocations that the memory behind refused.
    pub refused_blocks: usize,
}

impl<A> Counting<A> {
    /// Counts what goes through `inner`.
    pub const fn new(inner: A) -> Self {
        Counting {
            inner,
            live_bytes: AtomicUsize::new(0),
            live_blocks: AtomicUsize::new(0),
            total_blocks: AtomicUsize::new(0),
            refused_blocks: AtomicUsize::new(0),
        }
    }

    /// The counts as they stand.
    pub fn usage(&self) -> Usage {
        Usage {
            live_bytes: self.live_bytes.load(Ordering::Relaxed),
            live_blocks: self.live_blocks.load(Ordering::Relaxed),
            total_blocks: self.total_blocks.load(Ordering::Relaxed),
            refused_blocks: self.refused_blocks.load(Ordering::Relaxed),
        }
    }

    fn allocated(&self, block: *mut u8, size: usize) -> *mut u8 {
        if block.is_null() {
            self.refused_blocks.fetch_add(1, Ordering::Relaxed);
        } else {
            note_balance(1);
            self.live_bytes.fetch_add(size, Ordering::Relaxed);
            self.live_blocks.fetch_add(1, Ordering::Relaxed);
            self.total_blocks.fetch_add(1, Ordering::Relaxed);
        }
        block
    }

    fn freed(&self, size: usize) {
        note_balance(-1);
        self.live_bytes.fetch_sub(size, Ordering::Relaxed);
        self.live_blocks.fetch_sub(1, Ordering::Relaxed);
    }
}

// SAFETY: every block comes from and goes back to `inner`, which keeps the contract; a null that we answer of our own
// accord is the contract's "out of memory".
unsafe impl<A: GlobalAlloc> GlobalAlloc for Counting<A> {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if must_fail() {
            return ptr::null_mut();
        }
        // SAFETY: the caller's word on `layout` is handed down.
        self.allocated(unsafe { self.inner.alloc(layout) }, layout.size())
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        if must_fail() {
            return ptr::null_mut();
        }
        // SAFETY: the caller's word on `layout` is handed down.
        self.allocated(unsafe { self.inner.alloc_zeroed(layout) }, layout.size())
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: the caller's word on `block` and `layout` is handed down; every block of ours is one of inner's.
        unsafe { self.inner.dealloc(block, layout) };
        self.freed(layout.size());
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        if must_fail() {
            return ptr::null_mut();
        }
        // SAFETY: the caller's word is handed down.
        let moved = unsafe { self.inner.realloc(block, layout, size) };
        if !moved.is_null() {
            self.freed(layout.size());
        }
        self.allocated(moved, size)
    }
}

#[cfg(feature = "kernel")]
const fn must_fail() -> bool {
    false
}

#[cfg(feature = "kernel")]
const fn note_balance(_blocks: isize) {}

#[cfg(not(feature = "kernel"))]
pub use on_demand::{Run, Sweep, fail_nth, sweep, unfailing};
#[cfg(not(feature = "kernel"))]
use on_demand::{must_fail, note_balance};

/// Failing allocations for the host's fault sweeps.
#[cfg(not(feature = "kernel"))]
mod on_demand {
    use std::cell::Cell;

    std::thread_local! {
        /// How many more allocations of this thread succeed before one fails; `None`: all succeed.
        static LEFT: Cell<Option<u64>> = const { Cell::new(None) };
        /// Blocks this thread has allocated, less those it has freed.
        static BALANCE: Cell<isize> = const { Cell::new(0) };
    }

    pub(super) fn must_fail() -> bool {
        // A thread that is ending has lost its LEFT: nothing of it is under test any more.
        LEFT.try_with(|left| match left.get() {
            None => false,
            Some(0) => {
                left.set(None);
                true
            }
            Some(more) => {
                left.set(Some(more - 1));
                false
            }
        })
        .unwrap_or(false)
    }

    pub(super) fn note_balance(blocks: isize) {
        // As above.
        let _ending = BALANCE.try_with(|balance| balance.set(balance.get() + blocks));
    }

    /// Runs `body` with this thread's `n`-th allocation (counted from zero) failing, once. The second result says
    /// whether it came to that. Needs [`super::Counting`] as the global allocator.
    pub fn fail_nth<R>(n: u64, body: impl FnOnce() -> R) -> (R, bool) {
        /// Disarms even if `body` panics.
        struct Disarm;
        impl Drop for Disarm {
            fn drop(&mut self) {
                LEFT.set(None);
            }
        }
        let disarm = Disarm;
        LEFT.set(Some(n));
        let result = body();
        let failed = LEFT.get().is_none();
        drop(disarm);
        (result, failed)
    }

    /// Runs `body` with none of this thread's allocations failing: what is not under test, such as the server at the other
    /// end of a simulated network.
    pub fn unfailing<R>(body: impl FnOnce() -> R) -> R {
        /// Goes on counting down even if `body` panics.
        struct Resume(Option<u64>);
        impl Drop for Resume {
            fn drop(&mut self) {
                LEFT.set(self.0);
            }
        }
        let _resume = Resume(LEFT.take());
        body()
    }

    /// What a [`sweep`] went through.
    #[derive(Clone, Copy, PartialEq, Eq, Debug)]
    pub struct Sweep {
        /// Runs in which an allocation failed: one per allocation that the body makes.
        pub failures: u64,
    }

    /// One run of a [`sweep`].
    #[derive(Clone, Copy, PartialEq, Eq, Debug)]
    pub struct Run {
        /// Which allocation was to fail, counted from zero.
        pub number: u64,
        /// Whether it came to that. Only in the last run it does not.
        pub failed: bool,
        /// Blocks that this thread allocated and did not free. With everything on one thread, as in the simulator, that is
        /// what the run left behind.
        pub leaked: isize,
    }

    /// Runs `body` with its first allocation failing, then with its second, and so on until a run gets all it asks for.
    /// After each run `judge` is told about it and given what `body` returned.
    ///
    /// # Panics
    /// If the body has made 100,000 allocations and no end is in sight.
    pub fn sweep<R>(mut body: impl FnMut() -> R, mut judge: impl FnMut(Run, R)) -> Sweep {
        for number in 0..100_000 {
            let before = BALANCE.get();
            let (result, failed) = fail_nth(number, &mut body);
            judge(
                Run {
                    number,
                    failed,
                    leaked: BALANCE.get() - before,
                },
                result,
            );
            if !failed {
                return Sweep { failures: number };
            }
        }
        panic!("a sweep that does not end: does the body allocate without bound?");
    }
}
