//! Locks that own what they guard, and events.
//!
//! Locks are ranked: a thread takes them in rising [`Rank`], never two of one rank, and gives
//! them back in the reverse order. The host checks both in debug builds.

mod event;
mod lock;
mod mutex;
mod rank;
mod spin;

pub use event::{Event, Reset};
pub use lock::{Guard, Lock};
pub use mutex::{Mutex, MutexGuard};
pub use rank::Rank;
pub use spin::SpinLock;
