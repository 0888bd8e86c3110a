//! Deadlines on a clock that is passed in.

use super::error::{Disconnect, Error};
use super::slots::CallerSide;
use super::{Handshake, Session};
use crate::wire::Tag;

impl Session {
    /// When [`handle_timeout`](Self::handle_timeout) is next due, in nanoseconds of the caller's clock. May change
    /// with every other call.
    pub fn poll_timeout(&self) -> Option<u64> {
        let version = match self.handshake {
            Handshake::Asked { deadline } if self.ended.is_none() => deadline,
            Handshake::Asked { .. } | Handshake::NotStarted | Handshake::Agreed => None,
        };
        self.slots
            .iter()
            .filter_map(|slot| slot.deadline)
            .chain(version)
            .min()
    }

    /// Fails the requests whose deadline is at or before `now_ns` with [`Error::TimedOut`], wakes them and flushes
    /// them. A version that is not answered in time ends the session.
    pub fn handle_timeout(&mut self, now_ns: u64, wake: &mut dyn FnMut(Tag)) {
        if let Handshake::Asked {
            deadline: Some(deadline),
        } = self.handshake
            && deadline <= now_ns
        {
            self.end(Error::Disconnected(Disconnect::TimedOut), wake);
            return;
        }
        for tag in self.slots.tags() {
            let Some(slot) = self.slots.get_mut(tag) else {
                continue;
            };
            if slot.deadline.is_none_or(|deadline| deadline > now_ns) {
                continue;
            }
            slot.deadline = None;
            if slot.is_waiting() {
                slot.caller = CallerSide::Ready(Err(Error::TimedOut));
                self.statistics.timeouts = self.statistics.timeouts.saturating_add(1);
                self.want_flush(tag);
                wake(tag);
            }
        }
        self.pump();
    }
}
