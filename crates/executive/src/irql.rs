//! The interrupt request level: what the current thread may do.

use crate::backend;

/// An interrupt request level, as the kernel numbers them on x64.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Irql(pub u8);

impl Irql {
    /// Everything is allowed.
    pub const PASSIVE: Irql = Irql(0);
    /// Asynchronous procedure calls are held off; waiting is still allowed.
    pub const APC: Irql = Irql(1);
    /// No waiting and no paged memory: the level of completion routines and of code under a spin lock.
    pub const DISPATCH: Irql = Irql(2);

    /// The level of the calling thread; on the host, the simulated one.
    pub fn current() -> Irql {
        Irql(backend::current_irql())
    }
}

/// Runs `body` with this thread's simulated IRQL at DISPATCH_LEVEL, as a completion routine would run: what the kernel
/// forbids there panics. Tests and host transports only.
#[cfg(not(any(feature = "kernel", loom)))]
pub fn at_dispatch<R>(body: impl FnOnce() -> R) -> R {
    /// Lowers again even if `body` panics.
    struct Lower(u8);
    impl Drop for Lower {
        fn drop(&mut self) {
            backend::set_irql(self.0);
        }
    }
    let _lower = Lower(backend::raise_irql(Irql::DISPATCH.0));
    body()
}
