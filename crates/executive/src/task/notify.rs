//! Telling tasks that something has changed.

use super::wait_list::{Ticket, WaitList};
use super::waker::wake_here;
use crate::sync::{Rank, SpinLock};
use core::fmt;
use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll, Waker};

/// Lets tasks wait for a change that others announce. Announcing is possible up to DISPATCH_LEVEL.
///
/// The pattern that loses nothing: make the [`Notify::notified`] future, look at the condition, then await the future.
pub struct Notify(SpinLock<State>);

#[derive(Default)]
struct State {
    /// A `notify_one` that found nobody.
    permit: bool,
    /// Counts the calls of `notify_all`.
    round: u64,
    waiters: WaitList,
}

impl Notify {
    /// Nobody waits, nothing is announced.
    pub fn new() -> Self {
        Notify(SpinLock::ranked(State::default(), Rank::EXECUTIVE))
    }

    /// Frees the one that waits longest; if nobody waits, the next that would.
    pub fn notify_one(&self) {
        if let Some(waker) = self.choose() {
            waker.wake();
        }
    }

    /// As [`Notify::notify_one`]; if who waits longest is a task, the calling thread polls it, and has done so when this
    /// returns. For who would only wait for the outcome. Up to APC_LEVEL, under no lock; the task must not mind who polls it.
    pub fn notify_one_here(&self) {
        if let Some(waker) = self.choose() {
            wake_here(waker);
        }
    }

    fn choose(&self) -> Option<Waker> {
        let mut state = self.0.lock();
        let waker = state.waiters.grant();
        state.permit |= waker.is_none();
        waker
    }

    /// Frees everyone whose [`Notify::notified`] has been called already, polled or not.
    pub fn notify_all(&self) {
        let mut state = self.0.lock();
        state.round += 1;
        let end = state.waiters.end();
        while let Some(waker) = state.waiters.grant_before(end) {
            drop(state);
            waker.wake();
            state = self.0.lock();
        }
    }

    /// Ready after the next `notify_one` that is meant for it, or after any `notify_all` from this call on.
    pub fn notified(&self) -> Notified<'_> {
        Notified {
            notify: self,
            round: self.0.lock().round,
            ticket: None,
        }
    }
}

impl Default for Notify {
    fn default() -> Self {
        Notify::new()
    }
}

impl fmt::Debug for Notify {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Notify { .. }")
    }
}

/// The wait of [`Notify::notified`]. One that is dropped after it was chosen by `notify_one` passes that on.
#[must_use = "futures do nothing unless polled"]
pub struct Notified<'a> {
    notify: &'a Notify,
    round: u64,
    ticket: Option<Ticket>,
}

impl Future for Notified<'_> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let mut waker = context.waker().clone();
        let mut state = self.notify.0.lock();
        if let Some(ticket) = self.ticket {
            let turn = state.waiters.poll(ticket, &mut waker);
            drop(state);
            if turn.is_ready() {
                self.ticket = None;
            }
            return turn;
        }
        if state.round != self.round || core::mem::take(&mut state.permit) {
            return Poll::Ready(());
        }
        let joined = state.waiters.join(waker);
        drop(state);
        match joined {
            Ok(ticket) => self.ticket = Some(ticket),
            Err(_) => context.waker().wake_by_ref(),
        }
        Poll::Pending
    }
}

impl Drop for Notified<'_> {
    fn drop(&mut self) {
        let Some(ticket) = self.ticket else { return };
        let left = self.notify.0.lock().waiters.leave(ticket);
        if left.is_some_and(|left| left.chosen) {
            self.notify.notify_one();
        }
    }
}
