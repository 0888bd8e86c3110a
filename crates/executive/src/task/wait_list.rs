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
    /// Granted together with others, and not alone.
    shared: bool,
}

/// A place that was left.
pub(super) struct Left {
    /// It had been granted, alone, and whoever left it has not been told: it is somebody else's now.
    pub(super) chosen: bool,
    /// Dropped by who has the place, under no lock.
    _waker: Option<Waker>,
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
            shared: false,
        });
        Ok(ticket)
    }

    /// Leaves the list if it is granted; else stays, to be woken by `waker`, which is exchanged for the former: wakers are
    /// dropped under no lock.
    pub(super) fn poll(&mut self, ticket: Ticket, waker: &mut Waker) -> Poll<()> {
        let Some(place) = self.find(ticket) else {
            return Poll::Ready(());
        };
        if place < self.granted {
            self.leave(ticket);
            return Poll::Ready(());
        }
        if let Some(known) = self
            .waiters
            .get_mut(place)
            .and_then(|waiter| waiter.waker.as_mut())
        {
            mem::swap(known, waker);
        }
        Poll::Pending
    }

    /// Leaves the list; `None` for one that has left.
    pub(super) fn leave(&mut self, ticket: Ticket) -> Option<Left> {
        let place = self.find(ticket)?;
        let Waiter { waker, shared, .. } = self.waiters.remove(place)?;
        let granted = place < self.granted;
        self.granted -= usize::from(granted);
        Some(Left {
            chosen: granted && !shared,
            _waker: waker,
        })
    }

    /// Grants the one that waits longest, and returns whom to wake.
    pub(super) fn grant(&mut self) -> Option<Waker> {
        let waiter = self.waiters.get_mut(self.granted)?;
        self.granted += 1;
        mem::take(&mut waiter.waker)
    }

    /// The ticket that the next one to join gets.
    pub(super) fn end(&self) -> Ticket {
        Ticket(self.next_ticket)
    }

    /// Grants the one that waits longest, together with all others that have joined before `end`, and returns whom to wake.
    pub(super) fn grant_before(&mut self, end: Ticket) -> Option<Waker> {
        let waiter = self.waiters.get_mut(self.granted)?;
        if waiter.ticket.0 >= end.0 {
            return None;
        }
        waiter.shared = true;
        self.grant()
    }

    fn find(&self, ticket: Ticket) -> Option<usize> {
        self.waiters
            .binary_search_by_key(&ticket.0, |waiter| waiter.ticket.0)
            .ok()
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn who_joins_later_is_not_granted_with_the_others() {
        let mut list = WaitList::default();
        let join = |list: &mut WaitList| list.join(Waker::noop().clone()).unwrap();
        let (first, second) = (join(&mut list), join(&mut list));
        let end = list.end();
        assert!(list.grant_before(end).is_some());
        // What may happen while the first is woken.
        assert!(list.leave(second).is_some_and(|left| !left.chosen));
        let late = join(&mut list);
        assert!(list.grant_before(end).is_none());
        let mut waker = Waker::noop().clone();
        assert!(list.poll(late, &mut waker).is_pending());
        assert!(list.poll(first, &mut waker).is_ready());
        assert!(list.leave(first).is_none());
        assert!(list.grant().is_some());
        assert!(list.leave(late).is_some_and(|left| left.chosen));
    }
}
