//! Tasks: futures that system threads poll at PASSIVE_LEVEL, and what they wait for.
//!
//! A [`Runtime`] is passed to whoever needs one; there is no global. Three kinds behind one type: system threads in the
//! kernel, host threads, and the simulator (one thread, virtual clock, seeded order).
//!
//! A dropped future is a cancelled request: every future here may be dropped at any time and leaves nothing behind.
//!
//! # What may happen at DISPATCH_LEVEL
//!
//! Completion routines run there, so waking must be possible there: it takes one spin lock, allocates nothing (the room
//! was reserved when the task was spawned) and sets an event. And a completion routine may be the one that drops the last
//! waker of a task, so that must not run the destructor of whatever the task's future holds. It cannot: the runtime itself
//! owns every task until its future is dropped, which happens on a worker at PASSIVE_LEVEL; a waker that outlives that
//! owns nothing but memory. Likewise [`Sender::send`] hands a value that nobody wants back to its caller.
//!
//! # When memory runs out
//!
//! Waiting must not fail. Where a future finds no room to leave its waker (rooms are reserved ahead, so that is rare), it
//! asks to be polled again at once: it is busy until memory comes back, and never late or lost.

mod cancel;
mod combine;
mod notify;
mod oneshot;
mod runtime;
mod scheduler;
mod semaphore;
#[cfg(not(feature = "kernel"))]
mod simulator;
mod sleep;
mod task_cell;
mod timers;
mod wait_list;
mod waker;

pub use cancel::{CancelToken, Cancelled};
pub use combine::{Apart, Either, Select, apart, join, join_all, select, take_first, yield_now};
pub use notify::{Notified, Notify};
pub use oneshot::{Closed, Receiver, Sender, oneshot};
pub use runtime::Runtime;
pub use semaphore::{Acquire, Permit, Semaphore};
pub use sleep::{Sleep, TimedOut};
pub use task_cell::TaskHandle;

#[cfg(all(test, not(loom)))]
mod tests;

#[cfg(all(test, loom))]
mod model;
