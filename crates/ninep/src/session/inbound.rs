//! From received bytes to replies: frames put together from pieces of any size.

use alloc::vec::Vec;

use super::deadline::Hearing;
use super::error::{Error, Rule, Violation};
use super::fids::Ending;
use super::slots::{CallerSide, FlushSide, Purpose};
use super::{Handshake, MIN_MSIZE, Session};
use crate::wire::{
    DIALECT, Decode, FidEffect, HEADER_LEN, Header, IO_HEADER_LEN, MessageType, Rlerror, Rversion, Tag,
};

/// Where in a frame the input stands.
#[derive(Debug)]
pub(super) enum Inbound {
    /// Collecting a header.
    Header { bytes: [u8; HEADER_LEN], have: usize },
    /// Collecting a body of `left` more bytes.
    Body {
        header: Header,
        body: Vec<u8>,
        left: usize,
    },
    /// Passing over a body for which there was no memory.
    Lost { header: Header, left: usize },
}

impl Default for Inbound {
    fn default() -> Self {
        Self::Header {
            bytes: [0; HEADER_LEN],
            have: 0,
        }
    }
}

type Wake<'a> = &'a mut dyn FnMut(Tag);

impl Session {
    /// Takes received bytes, cut anywhere. `wake` is called for every tag that can be taken now ([`Tag::NONE`]: the
    /// version); it must not call back into the session. A wake is a hint: by the
    /// time it is followed, the tag may have been abandoned and be another caller's, so a woken caller asks again.
    ///
    /// # Errors
    /// The broken rule, if the server broke one now or before: the session is over then. After any other end the
    /// bytes are ignored.
    pub fn handle_input(&mut self, bytes: &[u8], wake: &mut dyn FnMut(Tag)) -> Result<(), Violation> {
        let mut rest = bytes;
        if !bytes.is_empty() {
            self.hearing = Hearing::Heard;
        }
        while self.ended.is_none() && !rest.is_empty() {
            let before = rest.len();
            let result = self.step(&mut rest, wake);
            let used = before.saturating_sub(rest.len()) as u64;
            self.statistics.bytes_received = self.statistics.bytes_received.saturating_add(used);
            if let Err(violation) = result {
                self.end(Error::Poisoned(violation), wake);
            }
        }
        self.pump();
        match self.ended {
            Some(Error::Poisoned(violation)) => Err(violation),
            _ => Ok(()),
        }
    }

    /// Takes bytes up to the end of the present part of the frame. Uses at least one, or completes a part.
    fn step(&mut self, rest: &mut &[u8], wake: Wake<'_>) -> Result<(), Violation> {
        match core::mem::take(&mut self.inbound) {
            Inbound::Header { mut bytes, mut have } => {
                have = fill(&mut bytes, have, rest);
                if have < HEADER_LEN {
                    self.inbound = Inbound::Header { bytes, have };
                    return Ok(());
                }
                self.begin_body(Header::decode(&bytes), wake)
            }
            Inbound::Body {
                header,
                mut body,
                left,
            } => {
                let chunk = split(rest, left);
                // Room for the whole body was reserved when it began.
                body.extend_from_slice(chunk);
                let left = left.saturating_sub(chunk.len());
                self.go_on(Inbound::Body { header, body, left }, wake)
            }
            Inbound::Lost { header, left } => {
                let left = left.saturating_sub(split(rest, left).len());
                self.go_on(Inbound::Lost { header, left }, wake)
            }
        }
    }

    /// Judges a header and decides where its body goes.
    fn begin_body(&mut self, header: Header, wake: Wake<'_>) -> Result<(), Violation> {
        let least = HEADER_LEN as u32;
        if header.size < least {
            return Err(broken(header, Rule::FrameTooShort, least, header.size));
        }
        if header.size > self.msize {
            return Err(broken(header, Rule::FrameTooLong, self.msize, header.size));
        }
        self.judge_reply(header)?;
        let left = usize::try_from(header.size - least).unwrap_or(usize::MAX);
        let next = match self.spares.take(left) {
            Ok(body) => Inbound::Body { header, body, left },
            Err(_) => Inbound::Lost { header, left },
        };
        self.go_on(next, wake)
    }

    /// Is this a reply that is owed?
    fn judge_reply(&self, header: Header) -> Result<(), Violation> {
        let expected = if header.tag == Tag::NONE && matches!(self.handshake, Handshake::Asked { .. }) {
            MessageType::RVERSION
        } else {
            let slot = self.slots.get(header.tag).filter(|slot| slot.reply_owed);
            slot.ok_or(broken(header, Rule::UnknownTag, 0, u32::from(header.tag.0)))?
                .expected
        };
        if header.kind == expected || header.kind == MessageType::RLERROR {
            Ok(())
        } else {
            Err(broken(
                header,
                Rule::UnexpectedType,
                u32::from(expected.0),
                u32::from(header.kind.0),
            ))
        }
    }

    /// Keeps the state for the next bytes, or finishes the frame when it is whole.
    fn go_on(&mut self, next: Inbound, wake: Wake<'_>) -> Result<(), Violation> {
        match next {
            Inbound::Body {
                header,
                body,
                left: 0,
            } if header.tag == Tag::NONE => self.finish_version(header, &body, wake),
            Inbound::Body {
                header,
                body,
                left: 0,
            } => self.finish(header, Ok(body), wake),
            // Without memory for a few bytes of Rversion there is no session to be had.
            Inbound::Lost { header, left: 0 } if header.tag == Tag::NONE => {
                self.end(Error::OutOfMemory, wake);
                Ok(())
            }
            Inbound::Lost { header, left: 0 } => self.finish(header, Err(Error::OutOfMemory), wake),
            unfinished => {
                self.inbound = unfinished;
                Ok(())
            }
        }
    }

    fn finish_version(&mut self, header: Header, body: &[u8], wake: Wake<'_>) -> Result<(), Violation> {
        let malformed = |error| broken(header, Rule::Malformed(error), 0, header.size);
        if header.kind == MessageType::RLERROR {
            Rlerror::decode_body(body).map_err(malformed)?;
            self.end(Error::DialectRefused, wake);
            return Ok(());
        }
        let reply = Rversion::decode_body(body).map_err(malformed)?;
        if reply.version != DIALECT {
            self.end(Error::DialectRefused, wake);
            return Ok(());
        }
        if reply.msize > self.msize {
            return Err(broken(header, Rule::MsizeRaised, self.msize, reply.msize));
        }
        if reply.msize < MIN_MSIZE {
            self.end(Error::DialectRefused, wake);
            return Ok(());
        }
        self.msize = reply.msize;
        self.handshake = Handshake::Agreed;
        wake(Tag::NONE);
        Ok(())
    }

    /// A whole reply is there: its effects, then its delivery.
    fn finish(
        &mut self,
        header: Header,
        body: Result<Vec<u8>, Error>,
        wake: Wake<'_>,
    ) -> Result<(), Violation> {
        self.statistics.replies = self.statistics.replies.saturating_add(1);
        let Some(slot) = self.slots.get(header.tag) else {
            return Ok(());
        };
        self.order.answer(slot.number);
        let (outcome, ending) = match body {
            Err(error) => (Err(error), Ending::Unknown),
            Ok(body) if header.kind == MessageType::RLERROR => {
                let reply = Rlerror::decode_body(&body)
                    .map_err(|error| broken(header, Rule::Malformed(error), 0, header.size))?;
                if reply.ecode.0 == 0 {
                    return Err(broken(header, Rule::ErrorWithoutCode, 1, 0));
                }
                // An error to a clunk means that there was no such fid: it is gone either way.
                let clunk = slot.expected == MessageType::RCLUNK;
                let ending = if clunk { Ending::Done } else { Ending::Failed };
                (Err(Error::Remote(reply.ecode)), ending)
            }
            Ok(body) => {
                let count = (slot.check)(&body).map_err(|rule| broken(header, rule, 0, header.size))?;
                if count > slot.asked {
                    return Err(broken(header, Rule::CountExceeded, slot.asked, count));
                }
                // A walk that stopped short makes no fid, but some servers (diod) keep one all the same. To others the
                // clunk of it is an error that does no harm.
                let stopped = count < slot.asked && matches!(slot.fids.effect, FidEffect::Creates(_));
                (Ok(body), if stopped { Ending::Unknown } else { Ending::Done })
            }
        };
        match slot.purpose {
            Purpose::Flush { old } => self.finish_flush(old),
            Purpose::Call | Purpose::Clunk | Purpose::Probe => {
                self.finish_call(header.tag, outcome, ending, wake)
            }
        }
        if let Some(slot) = self.slots.get_mut(header.tag) {
            slot.reply_owed = false;
        }
        self.settle(header.tag);
        Ok(())
    }

    fn finish_call(&mut self, tag: Tag, outcome: Result<Vec<u8>, Error>, ending: Ending, wake: Wake<'_>) {
        let Some(slot) = self.slots.get_mut(tag) else {
            return;
        };
        slot.deadline = None;
        let data = core::mem::take(&mut slot.data);
        let payload = self.msize.saturating_sub(IO_HEADER_LEN);
        self.window.answered(data, slot.queued_ns, self.now_ns, payload);
        if slot.flush == FlushSide::Wanted {
            slot.flush = FlushSide::Idle;
            self.flushes_wanted = self.flushes_wanted.saturating_sub(1);
        }
        let uses = slot.fids;
        if slot.is_waiting() {
            slot.caller = CallerSide::Ready(outcome);
            wake(tag);
        }
        self.fids.end(&uses, ending);
    }

    /// Rflush: the flushed request will not be answered any more, if it was not.
    fn finish_flush(&mut self, old: Tag) {
        let Some(slot) = self.slots.get_mut(old) else {
            return;
        };
        slot.flush = FlushSide::Idle;
        let unanswered = core::mem::replace(&mut slot.reply_owed, false);
        let uses = slot.fids;
        if unanswered {
            // By the protocol the request never happened. A fid it would have made is clunked all the same, as a
            // server that made it and dropped the reply would keep it for ever; the clunk's error does no harm.
            self.fids.end(&uses, Ending::Unknown);
        }
        self.settle(old);
    }
}

/// Moves bytes from `rest` into `target` from `have` on; returns how many there are now.
fn fill(target: &mut [u8], have: usize, rest: &mut &[u8]) -> usize {
    let Some(room) = target.get_mut(have..) else {
        return have;
    };
    let chunk = split(rest, room.len());
    if let Some(room) = room.get_mut(..chunk.len()) {
        room.copy_from_slice(chunk);
    }
    have.saturating_add(chunk.len())
}

/// Takes up to `most` bytes off the front of `rest`.
fn split<'a>(rest: &mut &'a [u8], most: usize) -> &'a [u8] {
    let (taken, left) = rest.split_at_checked(most).unwrap_or((rest, &[]));
    *rest = left;
    taken
}

fn broken(header: Header, rule: Rule, expected: u32, got: u32) -> Violation {
    Violation {
        rule,
        message: header.kind,
        tag: header.tag,
        expected,
        got,
    }
}
