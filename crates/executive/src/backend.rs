//! The seam between this crate and the system below it: the whole of what a backend must provide.
//!
//! There are three backends with the same private items: `host` (std), `kernel` (the NT kernel, feature `kernel`) and
//! `model` (loom). Nothing outside this folder names std, wdk-sys or loom's threads.
//!
//! ```text
//! fn monotonic_ns() -> u64      Nanoseconds on a clock that never goes back (kernel: KeQueryUnbiasedInterruptTime; where
//!                               there is none, KeQueryTickCount). Any IRQL.
//! fn system_time() -> i64       100 ns units since 1601-01-01 UTC (kernel: KeQuerySystemTimePrecise; where there is none,
//!                               KeQuerySystemTime). Any IRQL.
//! fn current_irql() -> u8       KeGetCurrentIrql. Any IRQL.
//!
//! struct RawSpin: RawLock       One KSPIN_LOCK. May be moved while it is not held. Acquiring raises to DISPATCH_LEVEL and
//!                               spins (KeAcquireSpinLockRaiseToDpc, KeReleaseSpinLock). IRQL <= DISPATCH_LEVEL.
//!   const fn new() -> Self
//!
//! struct RawMutex: RawLock      One FAST_MUTEX, in memory of its own that does not move when RawMutex does. Acquiring waits,
//!                               then runs at APC_LEVEL (ExAcquireFastMutex, ExReleaseFastMutex). IRQL <= APC_LEVEL.
//!   fn try_new() -> Result<Self, AllocError>       IRQL <= DISPATCH_LEVEL.
//!   Dropped only when not held.
//!
//! struct RawEvent: Send + Sync  One KEVENT, in memory of its own that does not move when RawEvent does.
//!   fn try_new(auto_reset: bool, signalled: bool) -> Result<Self, AllocError>
//!                               auto_reset: SynchronizationEvent (a satisfied wait clears it and frees one waiter);
//!                               else NotificationEvent. IRQL <= DISPATCH_LEVEL.
//!   fn set(&self)               KeSetEvent(.., IO_NO_INCREMENT, FALSE). IRQL <= DISPATCH_LEVEL.
//!   fn clear(&self)             KeClearEvent. IRQL <= DISPATCH_LEVEL.
//!   fn wait(&self, timeout_ns: Option<u64>) -> bool
//!                               Waits (KernelMode, not alertable) until signalled: true; or until the time is up: false.
//!                               None waits for ever. A relative timeout, rounded up to the clock's unit, so that a
//!                               waiter never returns early. IRQL <= APC_LEVEL (<= DISPATCH_LEVEL for Some(0)).
//!   Dropped only when nobody waits or sets.
//!
//! struct Thread: Send + Sync    A system thread (PsCreateSystemThread, its handle swapped for a referenced object).
//!   fn spawn(body: Box<dyn FnOnce() + Send>) -> nt::Result<Thread>
//!                               Runs body once on a thread of its own at PASSIVE_LEVEL; body is dropped if there is no
//!                               thread. IRQL = PASSIVE_LEVEL.
//!   fn join(self)               Waits until the thread is gone, with all its code. IRQL <= APC_LEVEL.
//!   Dropped without a join, the thread goes on by itself.
//! ```

/// A lock of the system below, without what it guards. Not recursive.
///
/// # Safety
/// Between an `acquire` and its `release` no other `acquire` returns.
pub unsafe trait RawLock: Send + Sync {
    /// Waits until the lock is ours; the result is the IRQL before.
    fn acquire(&self) -> u8;

    /// Gives the lock back.
    ///
    /// # Safety
    /// This thread holds the lock, and `before` is what its `acquire` returned.
    unsafe fn release(&self, before: u8);
}

#[cfg(all(not(feature = "kernel"), not(loom)))]
mod host;
#[cfg(all(not(feature = "kernel"), not(loom)))]
pub(crate) use host::*;

#[cfg(all(feature = "kernel", not(loom)))]
mod kernel;
#[cfg(all(feature = "kernel", not(loom)))]
pub(crate) use kernel::*;

#[cfg(loom)]
mod model;
#[cfg(loom)]
pub(crate) use model::*;
