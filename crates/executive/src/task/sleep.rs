//! Waiting for a point in time.

use super::runtime::Runtime;
use super::timers::TimerId;
use crate::time::Instant;
use core::fmt;
use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll};

/// Ready once its deadline is reached. Made by [`Runtime::sleep`]. A dropped one leaves no timer behind.
#[derive(Debug)]
#[must_use = "futures do nothing unless polled"]
pub struct Sleep {
    runtime: Runtime,
    deadline: Instant,
    timer: Option<TimerId>,
}

impl Sleep {
    pub(super) fn new(runtime: Runtime, deadline: Instant) -> Self {
        Sleep {
            runtime,
            deadline,
            timer: None,
        }
    }

    /// When it will be ready.
    pub fn deadline(&self) -> Instant {
        self.deadline
    }
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if self.deadline == Instant::NEVER {
            return Poll::Pending;
        }
        if self.runtime.now() >= self.deadline {
            return Poll::Ready(());
        }
        match self
            .runtime
            .0
            .arm(self.timer, self.deadline, context.waker().clone())
        {
            Ok(timer) => self.timer = Some(timer),
            // No room for a timer: be polled again at once, until there is, or the time has come.
            Err(_) => context.waker().wake_by_ref(),
        }
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        if let Some(timer) = self.timer {
            self.runtime.0.disarm(timer);
        }
    }
}

/// The time was up first. Its NT name is `STATUS_IO_TIMEOUT`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TimedOut;

impl fmt::Display for TimedOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("timed out")
    }
}

impl core::error::Error for TimedOut {}

impl From<TimedOut> for nt::Status {
    fn from(_: TimedOut) -> Self {
        nt::Status::IO_TIMEOUT
    }
}
