//! Who waits for a thing, in the order of arrival, and who has been given it but does not know yet.

use crate::mem::AllocError;
use alloc::collections::VecDeque;
use core::mem;
use core::task::{Poll, Waker};

/// # Invariants
/// Tickets rise from front to back. The first `granted` waiters have no waker, all others have one.
#[derive(Default)]
pub(super) struct WaitList {
    waiters: VecDeque<Waiter>,
    granted: usize,
    next_ticket: u64,
}

/// A place in a [`WaitList`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Ticket(u64);

struct Waiter {
    ticket: Ticket,
    /// `None` once granted.
    waker: Option<Waker>,
}

impl WaitList {
    /// Joins the list at the back.
    pub(super) fn join(&mut self, waker: Waker) -> Result<Ticket, AllocError> {
        self.waiters.try_reserve(1)?;
        let ticket = Ticket(self.next_ticket);
        self.next_ticket += 1;
        self.waiters.push_back(Waiter {
            ticket,
            waker: Some(waker),
        });
        Ok(ticket)
    }

    /// Leaves the list if it is granted; else stays, to be woken by `waker`.
    pub(super) fn poll(&mut self, ticket: Ticket, waker: Waker) -> Poll<()> {
        let Some(place) = self.find(ticket) else {
            return Poll::Ready(());
        };
        if place < self.granted {
            self.leave(ticket);
            return Poll::Ready(());
        }
        if let Some(waiter) = self.waiters.get_mut(place) {
            waiter.waker = Some(waker);
        }
        Poll::Pending
    }

    /// Leaves the list; says whether it had been granted.
    pub(super) fn leave(&mut self, ticket: Ticket) -> bool {
        let Some(place) = self.find(ticket) else {
            return false;
        };
        self.waiters.remove(place);
        let granted = place < self.granted;
        self.granted -= usize::from(granted);
        granted
    }

    /// Grants the one that waits longest, and returns whom to wake.
    pub(super) fn grant(&mut self) -> Option<Waker> {
        let waiter = self.waiters.get_mut(self.granted)?;
        self.granted += 1;
        mem::take(&mut waiter.waker)
    }

    /// How many wait and have not been granted.
    pub(super) fn waiting(&self) -> usize {
        self.waiters.len() - self.granted
    }

    fn find(&self, ticket: Ticket) -> Option<usize> {
        self.waiters
            .binary_search_by_key(&ticket.0, |waiter| waiter.ticket.0)
            .ok()
    }
}
