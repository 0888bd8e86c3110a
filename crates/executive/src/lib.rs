//! What the NT executive gives a driver, behind one API: memory, locks, events, time, tasks.
//!
//! Everything above this crate is the same code inside the NT kernel, in an ordinary process and in the
//! simulator. What differs sits in one small private module, `backend`, of which there are three: the NT kernel
//! (feature `kernel`), std, and loom's model checker (`--cfg loom`).
//!
//! House rules that hold for every item here:
//! - nothing allocates infallibly: what allocates returns [`mem::AllocError`], which becomes
//!   `STATUS_INSUFFICIENT_RESOURCES`;
//! - wakers, [`sync::Event::set`], [`sync::SpinLock`] and the sending ends of [`task`]'s channels may be used up to
//!   DISPATCH_LEVEL; everything that can wait, up to APC_LEVEL;
//! - time is asked of the [`task::Runtime`], so that the simulator can bend it.
//!
//! The std backend keeps a simulated IRQL per thread and panics on a call that the real kernel forbids.
//!
//! # The way in
//!
//! [`task::Runtime`] runs futures on a few threads, or in the simulator, where the clock moves only when nothing else does:
//!
//! ```
//! use core::time::Duration;
//! use executive::task::{Runtime, TimedOut, oneshot};
//!
//! # fn main() -> Result<(), executive::mem::AllocError> {
//! // In a driver: `Runtime::start(4)`.
//! let runtime = Runtime::simulated(7)?;
//! let (answer, wait) = oneshot::<u32>()?;
//! let clock = runtime.clone();
//! runtime.spawn(async move {
//!     clock.sleep(Duration::from_secs(3600)).await;
//!     // As a completion routine would, at DISPATCH_LEVEL.
//!     let _unwanted = answer.send(42);
//! })?;
//! let wait = runtime.timeout(Duration::from_secs(60), wait);
//! assert_eq!(runtime.block_on(wait)?, Err(TimedOut), "an hour is too long, and took no time to find out");
//! runtime.shutdown();
//! # Ok(())
//! # }
//! ```
//!
//! [`mem`] has what allocates ([`mem::Arc`], [`mem::TryVec`], [`mem::try_box`]) and what counts allocations and makes them
//! fail in tests ([`mem::Counting`], [`mem::sweep`]); [`sync`] has locks that own what they guard; [`irql`] the level.
#![no_std]

extern crate alloc;
#[cfg(not(feature = "kernel"))]
extern crate std;

mod backend;

pub mod irql;
pub mod mem;
pub mod stack;
pub mod sync;
pub mod task;
pub mod time;

/// The atomics every primitive here is built on: core's, or loom's under the model checker.
mod atomic {
    #[cfg(not(loom))]
    pub(crate) use core::sync::atomic::{AtomicBool, AtomicU8, AtomicUsize, Ordering, fence};
    #[cfg(loom)]
    pub(crate) use loom::sync::atomic::{AtomicBool, AtomicU8, AtomicUsize, Ordering, fence};
}
