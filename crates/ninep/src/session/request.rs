//! From a caller's request to its reply.

use alloc::vec::Vec;
use core::marker::PhantomData;
use core::task::Poll;

use super::error::{Error, Rule};
use super::slots::{CallerSide, Destination, FlushSide, Purpose, Slot};
use super::{Handshake, MAX_CLUNKS, Session};
use crate::wire::{
    DIALECT, Decode, Fid, FidEffect, FidUse, Message, MessageType, Request, Tag, Tclunk, Tflush, Tread,
    Tversion, frame_len,
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

/// How a read ended.
#[derive(Debug)]
pub struct ReadOutcome {
    /// The buffer given to [`Session::start_read`].
    pub buffer: Vec<u8>,
    /// Bytes at its start that hold data (0: end of file), or why there are none.
    pub result: Result<usize, Error>,
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
    /// Any request but version and flush; Tread gives its data through [`take_reply`](Self::take_reply) here, see
    /// [`start_read`](Self::start_read) for the way without a further copy.
    ///
    /// # Errors
    /// The request is not sent and nothing changed: [`Error::WindowFull`], [`Error::NoVersion`],
    /// [`Error::Reserved`], [`Error::UnknownFid`], [`Error::TooLong`], [`Error::OutOfMemory`], or why the session is
    /// over.
    pub fn start<R: Request>(&mut self, request: &R, deadline_ns: Option<u64>) -> Result<Tag, Error> {
        self.start_with(request, deadline_ns, None)
            .map_err(|(error, _)| error)
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
        self.occupy(tag, deadline_ns, None);
        Ok(tag)
    }

    /// Queues a read whose data goes straight into `buffer`: up to `buffer.len()` bytes, and no more than
    /// [`max_payload`](Self::max_payload). The session owns the buffer until [`take_read`](Self::take_read), and frees
    /// it when the request is abandoned.
    ///
    /// # Errors
    /// As [`start`](Self::start), with the buffer given back.
    pub fn start_read(
        &mut self,
        fid: Fid,
        offset: u64,
        buffer: Vec<u8>,
        deadline_ns: Option<u64>,
    ) -> Result<Tag, (Error, Vec<u8>)> {
        let count = u32::try_from(buffer.len())
            .unwrap_or(u32::MAX)
            .min(self.max_payload());
        self.start_with(
            &Tread { fid, offset, count },
            deadline_ns,
            Some(Destination { buffer, filled: 0 }),
        )
        .map_err(|(error, read)| (error, read.map(|read| read.buffer).unwrap_or_default()))
    }

    fn start_with<R: Request>(
        &mut self,
        request: &R,
        deadline: Option<u64>,
        read: Option<Destination>,
    ) -> Result<Tag, (Error, Option<Destination>)> {
        let fids = request.fids();
        let need = Need::of(request);
        let refusal = match self.ended {
            Some(error) => Some(error),
            None if self.handshake != Handshake::Agreed => Some(Error::NoVersion),
            None if matches!(R::TYPE, MessageType::TVERSION | MessageType::TFLUSH) => Some(Error::Reserved),
            None if request.asked() > self.max_payload() => Some(Error::TooLong),
            None if !self.has_room_for(need) => {
                self.was_short(need);
                Some(Error::WindowFull)
            }
            None => self.fids.begin(&fids).err(),
        };
        if let Some(error) = refusal {
            return Err((error, read));
        }
        match self.send(request, Purpose::Call, fids) {
            Ok(tag) => {
                self.occupy(tag, deadline, read);
                if let Some(slot) = self.slots.get_mut(tag) {
                    slot.data = need.data;
                }
                self.window.sent(need.data);
                Ok(tag)
            }
            Err(error) => {
                self.fids.unbegin(&fids);
                Err((error, read))
            }
        }
    }

    /// Has a caller wait for the reply to `tag`, which was sent just now.
    fn occupy(&mut self, tag: Tag, deadline: Option<u64>, read: Option<Destination>) {
        if let Some(slot) = self.slots.get_mut(tag) {
            slot.deadline = deadline;
            slot.caller = CallerSide::Waiting;
            slot.read = read;
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
            purpose,
            expected: <R::Reply<'static> as Message>::TYPE,
            check: check::<R>,
            asked: request.asked(),
            fids,
            data: 0,
            deadline: None,
            heard_before: self.statistics.bytes_received,
            caller: CallerSide::Gone,
            reply_owed: true,
            flush: FlushSide::Idle,
            read: None,
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
        self.take_outcome(tag, |slot| slot.expected == expected && slot.read.is_none())
            .map(|outcome| {
                outcome.and_then(|(body, _)| {
                    Ok(Response {
                        body: body?,
                        request: PhantomData,
                    })
                })
            })
    }

    /// The outcome of a [`start_read`](Self::start_read), as [`take_reply`](Self::take_reply). An unknown tag gives
    /// an empty buffer.
    pub fn take_read(&mut self, tag: Tag) -> Poll<ReadOutcome> {
        self.take_outcome(tag, |slot| slot.read.is_some())
            .map(|outcome| match outcome {
                Ok((body, Some(read))) => ReadOutcome {
                    buffer: read.buffer,
                    result: body.map(|_| read.filled),
                },
                Ok((_, None)) => ReadOutcome {
                    buffer: Vec::new(),
                    result: Err(Error::UnknownTag),
                },
                Err(error) => ReadOutcome {
                    buffer: Vec::new(),
                    result: Err(error),
                },
            })
    }

    #[expect(
        clippy::type_complexity,
        reason = "inner result is the request's, outer one the tag's"
    )]
    fn take_outcome(
        &mut self,
        tag: Tag,
        belongs: impl Fn(&Slot) -> bool,
    ) -> Poll<Result<(Result<Vec<u8>, Error>, Option<Destination>), Error>> {
        let slot = self
            .slots
            .get_mut(tag)
            .filter(|slot| slot.purpose == Purpose::Call && belongs(slot));
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
                // A frame that is still arriving for this tag finds no buffer and is skipped.
                let read = slot.read.as_mut().map(|read| Destination {
                    buffer: core::mem::take(&mut read.buffer),
                    filled: core::mem::take(&mut read.filled),
                });
                self.settle(tag);
                Poll::Ready(Ok((body, read)))
            }
        }
    }

    /// The caller walks away from a request, at any time. It is flushed, unless it releases a fid (a clunk or remove
    /// is better let run). A late reply is honoured: what it did to fids still counts. An unknown tag is left alone.
    pub fn abandon(&mut self, tag: Tag) {
        let Some(slot) = self.slots.get_mut(tag) else {
            return;
        };
        if slot.purpose != Purpose::Call || matches!(slot.caller, CallerSide::Gone) {
            return;
        }
        slot.caller = CallerSide::Gone;
        slot.deadline = None;
        if let Some(read) = &mut slot.read {
            read.buffer = Vec::new();
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
