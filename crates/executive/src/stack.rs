//! How far the driver's code goes down the stacks it runs on, for builds that measure it (feature `stack`; without it, all of
//! this is nothing).
//!
//! A kernel stack has 24 KiB for everybody on it. A thread notes where the driver's code begins ([`enter`]), and the places
//! that others' code is called from, or that lie deep, note how far below that they are ([`note`]); `deepest` tells.

/// Where the driver's code begins on a stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entrance {
    /// A dispatch routine, in the thread of whoever makes the request.
    Dispatch,
    /// A thread of the runtime's.
    Worker,
    /// DriverEntry and the unload routine.
    Load,
}

/// What is called from there, at last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    /// The transport's provider.
    Network,
    /// The completion of a request.
    Completion,
    /// The pool.
    Pool,
}

#[cfg(feature = "stack")]
pub use measured::{deepest, enter, note};
#[cfg(not(feature = "stack"))]
pub use unmeasured::{enter, note};

#[cfg(feature = "stack")]
mod measured {
    use super::{Call, Entrance};
    use crate::backend;
    use core::hint::black_box;
    use core::sync::atomic::{AtomicUsize, Ordering};

    /// More threads than are ever inside the driver at a time in a test; what is beyond is not measured.
    const THREADS: usize = 64;
    /// No stack is so large: the thread's code runs on another one, as a deferred procedure call does.
    const ELSEWHERE: usize = 1 << 20;
    /// Entrances, and calls.
    const KINDS: usize = 3;

    /// A thread that is inside the driver: written by that thread alone.
    struct Inside {
        /// 0 for nobody.
        thread: AtomicUsize,
        top: AtomicUsize,
        entrance: AtomicUsize,
    }

    static INSIDE: [Inside; THREADS] = [const {
        Inside {
            thread: AtomicUsize::new(0),
            top: AtomicUsize::new(0),
            entrance: AtomicUsize::new(0),
        }
    }; THREADS];
    static DEEPEST: [[AtomicUsize; KINDS]; KINDS] = [const { [const { AtomicUsize::new(0) }; KINDS] }; KINDS];

    fn of_this_thread(thread: usize) -> Option<&'static Inside> {
        INSIDE
            .iter()
            .find(|inside| inside.thread.load(Ordering::Relaxed) == thread)
    }

    /// An address on the calling thread's stack, below its caller's frame.
    #[inline(never)]
    fn here() -> usize {
        let local = 0_u8;
        black_box(&raw const local).addr()
    }

    /// The thread is inside the driver until this is dropped.
    #[must_use]
    pub struct Entered(Option<&'static Inside>);

    /// Notes that the driver's code begins here, unless the thread is inside already. Any IRQL.
    #[inline(never)]
    pub fn enter(entrance: Entrance) -> Entered {
        let thread = backend::current_thread();
        if of_this_thread(thread).is_some() {
            return Entered(None);
        }
        let free = INSIDE.iter().find(|inside| {
            let taken = inside
                .thread
                .compare_exchange(0, thread, Ordering::Relaxed, Ordering::Relaxed);
            taken.is_ok()
        });
        if let Some(inside) = free {
            inside.top.store(here(), Ordering::Relaxed);
            inside.entrance.store(entrance as usize, Ordering::Relaxed);
        }
        Entered(free)
    }

    impl Drop for Entered {
        fn drop(&mut self) {
            if let Some(inside) = self.0 {
                inside.thread.store(0, Ordering::Relaxed);
            }
        }
    }

    /// Notes how far below its entrance the thread is. Any IRQL.
    #[inline(never)]
    pub fn note(call: Call) {
        let Some(inside) = of_this_thread(backend::current_thread()) else {
            return;
        };
        let depth = inside.top.load(Ordering::Relaxed).wrapping_sub(here());
        if depth < ELSEWHERE
            && let Some(calls) = DEEPEST.get(inside.entrance.load(Ordering::Relaxed))
            && let Some(deepest) = calls.get(call as usize)
        {
            deepest.fetch_max(depth, Ordering::Relaxed);
        }
    }

    /// The most bytes of stack from an entrance down to a call since this was asked last; 0 if there was none.
    pub fn deepest(entrance: Entrance, call: Call) -> usize {
        let calls = DEEPEST.get(entrance as usize);
        let deepest = calls.and_then(|calls| calls.get(call as usize));
        deepest.map_or(0, |deepest| deepest.swap(0, Ordering::Relaxed))
    }
}

#[cfg(not(feature = "stack"))]
mod unmeasured {
    use super::{Call, Entrance};

    /// Nothing.
    #[must_use]
    pub struct Entered;

    /// Nothing.
    #[inline(always)]
    pub fn enter(_: Entrance) -> Entered {
        Entered
    }

    /// Nothing.
    #[inline(always)]
    pub fn note(_: Call) {}
}
