//! A sans-IO client session.
//!
//! The session is a state machine without clock, sockets, locks or threads. Whoever drives it (behind a lock of its
//! own) brings requests, received bytes and the time, and carries away bytes to send and replies:
//!
//! - **Commands**: [`start_version`](Session::start_version), [`start`](Session::start),
//!   [`abandon`](Session::abandon), [`discard`](Session::discard),
//!   [`disconnect`](Session::disconnect).
//! - **Events in**: [`handle_input`](Session::handle_input), [`handle_timeout`](Session::handle_timeout).
//! - **Suspicion**: [`is_silent`](Session::is_silent) after `handle_timeout`; then
//!   [`probe_liveness`](Session::probe_liveness).
//! - **Drains**: [`take_transmit`](Session::take_transmit) after every command and event until `None`;
//!   [`take_reply`](Session::take_reply) for each woken tag;
//!   [`poll_timeout`](Session::poll_timeout) to learn when to call `handle_timeout`.
//!
//! # Life of a tag
//! `start` gives a [`Tag`] to its caller, who owns it until `take_reply` is `Ready` or `abandon` is called, and must
//! do one of the two. The server's hold on the tag is apart from that: an abandoned or timed-out request is flushed,
//! and its tag is reused only when Rflush has come. Until then it counts against the window.
//!
//! # Life of a fid
//! [`allocate_fid`](Session::allocate_fid) gives a [`Fid`] to one owner. A request (attach, walk, xattrwalk) may make
//! it known to the server; whether that succeeds, fails, times out or is abandoned, the owner keeps the fid and ends
//! it exactly once: by [`discard`](Session::discard), or by starting Tclunk or Tremove on it (which take it over when
//! they return `Ok`). A discarded fid is clunked when, and only if, the server may know it and no request names it any
//! more; its number is reused after the answer. So a dropped future needs no more than `abandon(tag)` and `discard(fid)`.
//!
//! # A server that lies
//! The first broken rule ends the session: [`handle_input`](Session::handle_input) returns the [`Violation`], and every
//! request, then and later, fails with [`Error::Poisoned`].
//!
//! Nothing here panics or allocates infallibly. All calls are bounded by the window, so they may be made with a
//! spin lock held as far as the allocator allows.

use alloc::vec::Vec;

mod deadline;
mod error;
mod fids;
mod inbound;
mod order;
mod outgoing;
mod request;
mod slots;
mod spares;
mod window;

#[cfg(test)]
mod tests;

pub use self::error::{Disconnect, Error, Rule, Violation};
pub use self::request::{Need, Response};
pub use self::spares::SPARE_MIN;
pub use self::window::WINDOW_MAX;

use self::deadline::Hearing;
use self::fids::FidTable;
use self::inbound::Inbound;
use self::order::Order;
use self::outgoing::Outgoing;
use self::slots::{CallerSide, FlushSide, Purpose, SlotTable};
use self::spares::Spares;
use self::window::DataWindow;
use crate::wire::{Fid, IO_HEADER_LEN, Tag};

/// Least msize that is usable; a smaller choice of the server refuses the session.
pub const MIN_MSIZE: u32 = 4096;
/// Most requests that may be outstanding at once, whatever the configuration says.
pub const MAX_OUTSTANDING: u16 = 4096;
/// Clunks of discarded fids that may be outstanding beside the callers' window: enough to keep up with a listing, which
/// makes a fid for each entry, a few dozen at a time.
const MAX_CLUNKS: u16 = 48;

/// How a session is to behave.
#[derive(Debug, Clone, Copy)]
pub struct Config {
    /// Largest frame in bytes to propose; raised to [`MIN_MSIZE`] if smaller.
    pub msize: u32,
    /// Most requests outstanding at once; kept within 1 and [`MAX_OUTSTANDING`].
    pub max_outstanding: u16,
    /// Most fids in use at once.
    pub max_fids: u32,
    /// Full data messages under way at once: 1 to [`WINDOW_MAX`]; 0: as many as pay, up to
    /// [`WINDOW_MAX`].
    pub window: u16,
    /// Whether the server is taken to act on requests in the order in which they come before it has
    /// [shown](Session::keeps_order) it.
    pub assume_order: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            msize: 1 << 20,
            max_outstanding: 64,
            max_fids: 1 << 20,
            window: 0,
            assume_order: false,
        }
    }
}

/// Counters since the session began.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Statistics {
    /// Requests of callers.
    pub requests: u64,
    /// Replies and errors that reached their slot.
    pub replies: u64,
    /// Tflush sent.
    pub flushes: u64,
    /// Requests that ran into their deadline.
    pub timeouts: u64,
    /// Bytes handed to the transport.
    pub bytes_sent: u64,
    /// Bytes taken from the transport.
    pub bytes_received: u64,
}

/// A 9P2000.L session over one connection. See the [module](self).
#[derive(Debug)]
pub struct Session {
    handshake: Handshake,
    /// Why it is over, if it is.
    ended: Option<Error>,
    /// Proposed, then agreed.
    msize: u32,
    max_outstanding: u16,
    slots: SlotTable,
    calls: u16,
    clunks: u16,
    flushes_wanted: u16,
    fids: FidTable,
    inbound: Inbound,
    outgoing: Outgoing,
    spares: Spares,
    hearing: Hearing,
    window: DataWindow,
    order: Order,
    now_ns: u64,
    statistics: Statistics,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Handshake {
    NotStarted,
    Asked { deadline: Option<u64> },
    Agreed,
}

impl Session {
    /// A session that has sent nothing yet; takes the memory for its tags.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`].
    pub fn new(config: Config) -> Result<Self, Error> {
        let max_outstanding = config.max_outstanding.clamp(1, MAX_OUTSTANDING);
        Ok(Self {
            handshake: Handshake::NotStarted,
            ended: None,
            msize: config.msize.max(MIN_MSIZE),
            max_outstanding,
            // A flush for every call, the clunks and a probe beside: our own messages always find a slot.
            slots: SlotTable::new(max_outstanding * 2 + MAX_CLUNKS + 1)?,
            calls: 0,
            clunks: 0,
            flushes_wanted: 0,
            fids: FidTable::new(config.max_fids),
            inbound: Inbound::default(),
            outgoing: Outgoing::default(),
            spares: Spares::default(),
            hearing: Hearing::Heard,
            window: DataWindow::new(config.window),
            order: Order::new(config.assume_order),
            now_ns: 0,
            statistics: Statistics::default(),
        })
    }

    /// Largest frame in bytes: as proposed, then as agreed.
    pub fn msize(&self) -> u32 {
        self.msize
    }

    /// Most bytes of data in one read, write or readdir.
    pub fn max_payload(&self) -> u32 {
        self.msize.saturating_sub(IO_HEADER_LEN)
    }

    /// Whether the server has shown, with many requests under way, that it answers in the order in which it is asked, or is
    /// [taken](Config::assume_order) to; nothing since has spoken against it. Only then
    /// may a request name a fid that an unanswered request makes: a server that works on several requests at a time may know
    /// the fid not yet, or, worse, by half.
    pub fn keeps_order(&self) -> bool {
        self.order.is_kept()
    }

    /// Takes note that the server does not: it has refused a request for what the one before it was to make.
    pub fn set_out_of_order(&mut self) {
        self.order.break_up();
    }

    /// How many tags it uses at most: each is below this number, but for [`Tag::NONE`]. Fixed when it is made.
    pub fn tags(&self) -> u16 {
        self.slots.capacity()
    }

    /// May another request be started, as far as tags go?
    pub fn has_room(&self) -> bool {
        self.calls < self.max_outstanding
    }

    /// May a request of this size be started? Data messages share a [window](Config::window); and a server that does not
    /// read what it is sent is not given more until it does.
    pub fn has_room_for(&self, need: Need) -> bool {
        self.has_room()
            && self.window.has_room(need.data, self.max_payload())
            && self.outgoing.has_room(need.frame, self.msize)
    }

    /// Full data messages that may be under way now.
    pub fn window(&self) -> u16 {
        self.window.size()
    }

    /// Tells the time, in nanoseconds of the caller's clock, at which the next requests are made and the next input came. The
    /// window is judged by it.
    pub fn set_time(&mut self, now_ns: u64) {
        // Who looks at the clock first need not come first.
        self.now_ns = self.now_ns.max(now_ns);
    }

    /// Requests whose tag is not free yet: waiting, answered but not taken, or being flushed.
    pub fn outstanding(&self) -> u16 {
        self.calls
    }

    /// Does the server owe an answer?
    pub fn awaits_replies(&self) -> bool {
        self.slots
            .tags()
            .any(|tag| self.slots.get(tag).is_some_and(|slot| slot.reply_owed))
    }

    /// Fids with an owner or still to be forgotten by the server. 0 when everything is given back and answered.
    pub fn fids_in_use(&self) -> usize {
        self.fids.in_use()
    }

    /// Counters.
    pub fn statistics(&self) -> Statistics {
        self.statistics
    }

    /// Why the session is over: `None` while it is usable.
    pub fn ended(&self) -> Option<Error> {
        self.ended
    }

    /// Did the server break the protocol?
    pub fn is_poisoned(&self) -> bool {
        matches!(self.ended, Some(Error::Poisoned(_)))
    }

    /// A fid of one's own, not known to the server yet. See the [module](self) for its life.
    ///
    /// # Errors
    /// [`Error::FidsExhausted`], [`Error::OutOfMemory`], or why the session is over.
    pub fn allocate_fid(&mut self) -> Result<Fid, Error> {
        match self.ended {
            Some(error) => Err(error),
            None => self.fids.allocate(),
        }
    }

    /// Gives a fid up. If the server may know it, it is clunked as soon as no request names it; nobody waits.
    /// To be called once by the fid's owner, in any state of the session; it cannot fail.
    pub fn discard(&mut self, fid: Fid) {
        self.fids.discard(fid);
        self.pump();
    }

    /// Bytes to send, all that are queued, as a buffer of the caller's own. Give it back to
    /// [`recycle_transmit`](Self::recycle_transmit) when sent. Buffers must go out in the order they were taken.
    pub fn take_transmit(&mut self) -> Option<Vec<u8>> {
        self.pump();
        let bytes = self.outgoing.take()?;
        self.statistics.bytes_sent = self.statistics.bytes_sent.saturating_add(bytes.len() as u64);
        Some(bytes)
    }

    /// Is there something to send?
    pub fn wants_transmit(&self) -> bool {
        !self.outgoing.is_empty()
    }

    /// Takes a sent buffer back for reuse; its contents do not matter.
    pub fn recycle_transmit(&mut self, buffer: Vec<u8>) {
        let most = usize::try_from(self.msize)
            .unwrap_or(usize::MAX)
            .saturating_mul(4);
        self.outgoing.recycle(buffer, most);
    }

    /// Takes the buffer of a reply back for the next large ones; its contents do not matter.
    pub fn recycle_reply(&mut self, buffer: Vec<u8>) {
        self.spares.put(buffer);
    }

    /// The connection is gone: every request fails with [`Error::Disconnected`]. The first ending counts.
    pub fn disconnect(&mut self, reason: Disconnect, wake: &mut dyn FnMut(Tag)) {
        self.end(Error::Disconnected(reason), wake);
    }

    /// Ends the session with `error` for all callers. Waiting tags are woken; [`Tag::NONE`] if the version was awaited.
    fn end(&mut self, error: Error, wake: &mut dyn FnMut(Tag)) {
        if self.ended.is_some() {
            return;
        }
        self.ended = Some(error);
        self.outgoing.clear();
        self.inbound = Inbound::default();
        self.flushes_wanted = 0;
        self.clunks = 0;
        self.fids.server_gone();
        if matches!(self.handshake, Handshake::Asked { .. }) {
            wake(Tag::NONE);
        }
        for tag in self.slots.tags() {
            let Some(slot) = self.slots.get_mut(tag) else {
                continue;
            };
            slot.reply_owed = false;
            slot.flush = FlushSide::Idle;
            slot.deadline = None;
            if slot.is_waiting() {
                slot.caller = CallerSide::Ready(Err(error));
                wake(tag);
            }
            self.settle(tag);
        }
    }

    /// Frees a slot that both sides are through with.
    fn settle(&mut self, tag: Tag) {
        if !self.slots.get(tag).is_some_and(slots::Slot::is_over) {
            return;
        }
        let Some(slot) = self.slots.remove(tag) else {
            return;
        };
        if slot.flush == FlushSide::Wanted {
            self.flushes_wanted = self.flushes_wanted.saturating_sub(1);
        }
        // Nothing for one that was answered.
        self.window.lost(slot.data);
        match slot.purpose {
            Purpose::Call => self.calls = self.calls.saturating_sub(1),
            Purpose::Clunk => self.clunks = self.clunks.saturating_sub(1),
            Purpose::Flush { .. } | Purpose::Probe => {}
        }
    }
}
