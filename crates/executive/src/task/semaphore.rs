//! A number of permits, given out in the order of asking.

use super::wait_list::{Ticket, WaitList};
use crate::sync::{Rank, SpinLock};
use core::fmt;
use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll};

/// Lets a limited number of tasks at something. Permits are given back at up to DISPATCH_LEVEL.
pub struct Semaphore(SpinLock<State>);

struct State {
    free: usize,
    waiters: WaitList,
}

impl Semaphore {
    /// A semaphore with `permits` free permits.
    pub fn new(permits: usize) -> Self {
        Semaphore(SpinLock::ranked(
            State {
                free: permits,
                waiters: WaitList::default(),
            },
            Rank::EXECUTIVE,
        ))
    }

    /// Waits for a permit.
    pub fn acquire(&self) -> Acquire<'_> {
        Acquire {
            semaphore: self,
            ticket: None,
        }
    }

    /// The permits that nobody has.
    pub fn free(&self) -> usize {
        self.0.lock().free
    }

    fn release(&self) {
        let mut state = self.0.lock();
        let waker = state.waiters.grant();
        state.free += usize::from(waker.is_none());
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl fmt::Debug for Semaphore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Semaphore").field("free", &self.free()).finish()
    }
}

/// The wait of [`Semaphore::acquire`].
#[must_use = "futures do nothing unless polled"]
pub struct Acquire<'a> {
    semaphore: &'a Semaphore,
    ticket: Option<Ticket>,
}

impl<'a> Future for Acquire<'a> {
    type Output = Permit<'a>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Permit<'a>> {
        let semaphore = self.semaphore;
        let mut waker = context.waker().clone();
        let mut state = semaphore.0.lock();
        if let Some(ticket) = self.ticket {
            let turn = state.waiters.poll(ticket, &mut waker);
            drop(state);
            if turn.is_ready() {
                self.ticket = None;
            }
            return turn.map(|()| Permit { semaphore });
        }
        if state.free > 0 {
            state.free -= 1;
            return Poll::Ready(Permit { semaphore });
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

impl Drop for Acquire<'_> {
    fn drop(&mut self) {
        let Some(ticket) = self.ticket else { return };
        let left = self.semaphore.0.lock().waiters.leave(ticket);
        if left.is_some_and(|left| left.chosen) {
            self.semaphore.release();
        }
    }
}

/// One permit of a [`Semaphore`], until it is dropped.
#[derive(Debug)]
#[must_use]
pub struct Permit<'a> {
    semaphore: &'a Semaphore,
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        self.semaphore.release();
    }
}
