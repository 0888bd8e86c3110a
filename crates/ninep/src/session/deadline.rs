//! Deadlines on a clock that is passed in, and silence.

use super::error::{Disconnect, Error};
use super::slots::{CallerSide, Purpose};
use super::{Handshake, Session};
use crate::wire::{FidUse, Tag, Tflush};

/// Whether the server is heard of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Hearing {
    /// As far as anybody knows.
    #[default]
    Heard,
    /// A request ran into its deadline and not a byte had come since it was sent.
    Silent,
    /// The same, and it is being asked for a sign of life.
    Asked,
}

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
    /// them. A version that is not answered in time ends the session, and so does a
    /// [liveness probe](Self::probe_liveness).
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
            if slot.purpose == Purpose::Probe {
                if self.hearing == Hearing::Asked {
                    self.end(Error::Disconnected(Disconnect::Silent), wake);
                    return;
                }
                continue;
            }
            if slot.heard_before == self.statistics.bytes_received && self.hearing == Hearing::Heard {
                self.hearing = Hearing::Silent;
            }
            if slot.data > 0 {
                // A server that holds it back for ever must not hold up the transfers of others.
                self.window.lost(core::mem::take(&mut slot.data));
                self.window.timed_out();
            }
            if slot.is_waiting() {
                slot.caller = CallerSide::Ready(Err(Error::TimedOut));
                self.statistics.timeouts = self.statistics.timeouts.saturating_add(1);
                self.want_flush(tag);
                wake(tag);
            }
        }
        self.pump();
    }

    /// Has a request run into its deadline without a byte from the server since it was sent, and has none come to this
    /// moment? Whoever drives the session then [asks for a sign of life](Self::probe_liveness).
    pub fn is_silent(&self) -> bool {
        self.hearing != Hearing::Heard
    }

    /// Has the server taken all the room there is, and gives none of it back? Every request that may be outstanding was made at
    /// or before `made_ns`, its caller has gone, and neither it nor its flush has been answered: no more can be asked in
    /// this session, whatever else the server may say. Whoever drives the session then ends it.
    pub fn is_exhausted(&self, made_ns: u64) -> bool {
        !self.has_room()
            && self
                .slots
                .iter()
                .filter(|slot| slot.purpose == Purpose::Call)
                .all(|slot| matches!(slot.caller, CallerSide::Gone) && slot.queued_ns <= made_ns)
    }

    /// Asks a silent server for a sign of life. Any byte is one; if none has come by `deadline_ns`, the session ends
    /// with [`Disconnect::Silent`]. Takes no room from requests. Does nothing while the server is not
    /// [silent](Self::is_silent) or has been asked already.
    pub fn probe_liveness(&mut self, deadline_ns: u64) {
        if self.hearing != Hearing::Silent || self.ended.is_some() || self.handshake != Handshake::Agreed {
            return;
        }
        // The probe of an earlier silence may still be unanswered: once is enough.
        let earlier = self.slots.tags().find(|&tag| {
            self.slots
                .get(tag)
                .is_some_and(|slot| slot.purpose == Purpose::Probe)
        });
        let tag = match earlier {
            Some(tag) => tag,
            None => match self.send(&Tflush { oldtag: Tag::NONE }, Purpose::Probe, FidUse::default()) {
                Ok(tag) => tag,
                // No memory now: the next deadline tries again.
                Err(_) => return,
            },
        };
        if let Some(slot) = self.slots.get_mut(tag) {
            slot.deadline = Some(deadline_ns);
        }
        self.hearing = Hearing::Asked;
    }
}
