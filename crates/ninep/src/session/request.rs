//! From a caller's request to its reply.

use alloc::vec::Vec;
use core::marker::PhantomData;
use core::task::Poll;

use super::error::{Error, Rule};
use super::slots::{CallerSide, FlushSide, Purpose, Slot};
use super::{Handshake, MAX_CLUNKS, Session};
use crate::wire::{
    DIALECT, Decode, FidEffect, FidUse, Message, MessageType, Request, Tag, Tclunk, Tflush, Tversion,
    frame_len,
};

/// A successful reply to an `R`, owning its bytes.
#[derive(Debug)]
pub struct Response<R> {
    body: Vec<u8>,
    request: PhantomData<fn() -> R>,
}

impl<R: Request> Response<R> {
    /// The reply, borrowing from this response.
    ///
    /// # Errors
    /// [`Error::Malformed`], which cannot happen for what [`Session::take_reply`] gave out: bodies are checked on
    /// arrival and a bad one poisons the session.
    pub fn get(&self) -> Result<R::Reply<'_>, Error> {
        Ok(R::Reply::decode_body(&self.body)?)
    }

    /// Its bytes, as a buffer for [`Session::recycle_reply`].
    #[must_use]
    pub fn into_buffer(self) -> Vec<u8> {
        self.body
    }
}

/// What a request takes of a session's room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Need {
    /// Bytes of data that it asks for or carries.
    pub(super) data: u32,
    /// Bytes of its frame.
    pub(super) frame: u32,
}

impl Need {
    /// Of `request`.
    pub fn of<R: Request>(request: &R) -> Self {
        let is_data = matches!(R::TYPE, MessageType::TREAD | MessageType::TWRITE);
        Self {
            data: if is_data { request.asked() } else { 0 },
            // What does not fit a frame is refused for that.
            frame: frame_len(request).unwrap_or(0),
        }
    }
}

/// Decodes a body as the reply to an `R` and gives its count. The session keeps it as the slot's checker.
fn check<R: Request>(body: &[u8]) -> Result<u32, Rule> {
    let reply = R::Reply::decode_body(body).map_err(Rule::Malformed)?;
    if R::is_plausible(&reply) {
        Ok(reply.count())
    } else {
        Err(Rule::QidType)
    }
}

impl Session {
    /// Sends Tversion, which must come first. [`poll_version`](Self::poll_version) has the outcome after
    /// [`Tag::NONE`] was woken.
    ///
    /// # Errors
    /// [`Error::Reserved`] when it was sent before; [`Error::OutOfMemory`]; why the session is over.
    pub fn start_version(&mut self, deadline_ns: Option<u64>) -> Result<(), Error> {
        if let Some(error) = self.ended {
            return Err(error);
        }
        if self.handshake != Handshake::NotStarted {
            return Err(Error::Reserved);
        }
        let message = Tversion {
            msize: self.msize,
            version: DIALECT,
        };
        self.outgoing.push(&message, Tag::NONE, self.msize)?;
        self.handshake = Handshake::Asked {
            deadline: deadline_ns,
        };
        Ok(())
    }

    /// The agreed msize in bytes, when the server has answered.
    ///
    /// # Errors
    /// [`Error::DialectRefused`] or why else the session is over; [`Error::NoVersion`] before
    /// [`start_version`](Self::start_version).
    pub fn poll_version(&self) -> Poll<Result<u32, Error>> {
        match (self.ended, self.handshake) {
            (Some(error), _) => Poll::Ready(Err(error)),
            (None, Handshake::NotStarted) => Poll::Ready(Err(Error::NoVersion)),
            (None, Handshake::Asked { .. }) => Poll::Pending,
            (None, Handshake::Agreed) => Poll::Ready(Ok(self.msize)),
        }
    }

    /// Queues a request. `deadline_ns` is absolute on the clock of [`handle_timeout`](Self::handle_timeout).
    /// Any request but version and flush.
    ///
    /// # Errors
    /// The request is not sent and nothing changed: [`Error::WindowFull`], [`Error::NoVersion`],
    /// [`Error::Reserved`], [`Error::UnknownFid`], [`Error::TooLong`], [`Error::OutOfMemory`], or why the session is
    /// over.
    pub fn start<R: Request>(&mut self, request: &R, deadline_ns: Option<u64>) -> Result<Tag, Error> {
        let fids = request.fids();
        let need = Need::of(request);
        match self.ended {
            Some(error) => return Err(error),
            None if self.handshake != Handshake::Agreed => return Err(Error::NoVersion),
            None if matches!(R::TYPE, MessageType::TVERSION | MessageType::TFLUSH) => {
                return Err(Error::Reserved);
            }
            None if request.asked() > self.max_payload() => return Err(Error::TooLong),
            None if !self.has_room_for(need) => return Err(Error::WindowFull),
            None => self.fids.begin(&fids)?,
        }
        match self.send(request, Purpose::Call, fids) {
            Ok(tag) => {
                self.occupy(tag, deadline_ns);
                if let Some(slot) = self.slots.get_mut(tag) {
                    slot.data = need.data;
                }
                self.window.sent(need.data, self.now_ns);
                Ok(tag)
            }
            Err(error) => {
                self.fids.unbegin(&fids);
                Err(error)
            }
        }
    }

    /// Queues a question that any server answers at once and that changes nothing: a flush of a request that never was.
    /// Its reply is that of a [`Tflush`].
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub fn start_probe(&mut self, deadline_ns: Option<u64>) -> Result<Tag, Error> {
        match self.ended {
            Some(error) => return Err(error),
            None if self.handshake != Handshake::Agreed => return Err(Error::NoVersion),
            None if !self.has_room() => return Err(Error::WindowFull),
            None => {}
        }
        let tag = self.send(&Tflush { oldtag: Tag::NONE }, Purpose::Call, FidUse::default())?;
        self.occupy(tag, deadline_ns);
        Ok(tag)
    }

    /// Has a caller wait for the reply to `tag`, which was sent just now.
    fn occupy(&mut self, tag: Tag, deadline: Option<u64>) {
        if let Some(slot) = self.slots.get_mut(tag) {
            slot.deadline = deadline;
            slot.caller = CallerSide::Waiting;
        }
        self.calls = self.calls.saturating_add(1);
        self.statistics.requests = self.statistics.requests.saturating_add(1);
    }

    /// Queues a frame and occupies its slot, with nobody waiting.
    pub(super) fn send<R: Request>(
        &mut self,
        request: &R,
        purpose: Purpose,
        fids: FidUse,
    ) -> Result<Tag, Error> {
        let tag = self.slots.next_tag().ok_or(Error::WindowFull)?;
        self.outgoing.push(request, tag, self.msize)?;
        self.slots.insert(Slot {
            number: self.order.queue(),
            purpose,
            expected: <R::Reply<'static> as Message>::TYPE,
            check: check::<R>,
            asked: request.asked(),
            fids,
            data: 0,
            queued_ns: self.now_ns,
            deadline: None,
            heard_before: self.statistics.bytes_received,
            caller: CallerSide::Gone,
            reply_owed: true,
            flush: FlushSide::Idle,
        });
        Ok(tag)
    }

    /// The reply to the request of `tag`, which must be an `R`. `Ready` ends the caller's hold on the tag, except
    /// with [`Error::UnknownTag`], where there was none.
    ///
    /// # Errors
    /// [`Error::Remote`] when the server answered Rlerror; [`Error::TimedOut`]; [`Error::OutOfMemory`] when the reply
    /// could not be kept; why the session is over.
    pub fn take_reply<R: Request>(&mut self, tag: Tag) -> Poll<Result<Response<R>, Error>> {
        let expected = <R::Reply<'static> as Message>::TYPE;
        let slot = self
            .slots
            .get_mut(tag)
            .filter(|slot| slot.purpose == Purpose::Call && slot.expected == expected);
        let Some(slot) = slot else {
            return Poll::Ready(Err(Error::UnknownTag));
        };
        match core::mem::replace(&mut slot.caller, CallerSide::Gone) {
            CallerSide::Waiting => {
                slot.caller = CallerSide::Waiting;
                Poll::Pending
            }
            CallerSide::Gone => Poll::Ready(Err(Error::UnknownTag)),
            CallerSide::Ready(body) => {
                self.settle(tag);
                Poll::Ready(body.map(|body| Response {
                    body,
                    request: PhantomData,
                }))
            }
        }
    }

    /// The caller walks away from a request, at any time. It is flushed, unless it releases a fid (a clunk or remove
    /// is better let run). A late reply is honoured: what it did to fids still counts. Its data counts as under way until the
    /// server answers or its deadline passes. An unknown tag is left alone.
    pub fn abandon(&mut self, tag: Tag) {
        let Some(slot) = self.slots.get_mut(tag) else {
            return;
        };
        if slot.purpose != Purpose::Call || matches!(slot.caller, CallerSide::Gone) {
            return;
        }
        slot.caller = CallerSide::Gone;
        if slot.data == 0 {
            slot.deadline = None;
        }
        self.want_flush(tag);
        self.settle(tag);
        self.pump();
    }

    /// Marks an unanswered request for flushing.
    pub(super) fn want_flush(&mut self, tag: Tag) {
        if let Some(slot) = self.slots.get_mut(tag)
            && slot.reply_owed
            && slot.flush == FlushSide::Idle
            && !matches!(slot.fids.effect, FidEffect::Releases(_))
        {
            slot.flush = FlushSide::Wanted;
            self.flushes_wanted = self.flushes_wanted.saturating_add(1);
        }
    }

    /// Queues the session's own messages: flushes first, then clunks. What finds no memory stays wanted.
    pub(super) fn pump(&mut self) {
        if self.ended.is_some() || self.handshake != Handshake::Agreed {
            return;
        }
        if self.flushes_wanted > 0 {
            for tag in self.slots.tags() {
                if self
                    .slots
                    .get(tag)
                    .is_some_and(|slot| slot.flush == FlushSide::Wanted)
                    && !self.send_flush(tag)
                {
                    return;
                }
            }
        }
        while self.clunks < MAX_CLUNKS
            && let Some(fid) = self.fids.next_clunk()
        {
            let request = Tclunk { fid };
            if self.send(&request, Purpose::Clunk, request.fids()).is_err() {
                return;
            }
            self.fids.begin_clunk();
            self.clunks = self.clunks.saturating_add(1);
        }
    }

    fn send_flush(&mut self, tag: Tag) -> bool {
        let request = Tflush { oldtag: tag };
        if self
            .send(&request, Purpose::Flush { old: tag }, FidUse::default())
            .is_err()
        {
            return false;
        }
        if let Some(slot) = self.slots.get_mut(tag) {
            slot.flush = FlushSide::Sent;
        }
        self.flushes_wanted = self.flushes_wanted.saturating_sub(1);
        self.statistics.flushes = self.statistics.flushes.saturating_add(1);
        true
    }
}
