//! The reference model of one circuit, with the wire it stands on and the peer at its other end.
//!
//! It knows no time: between two steps everything arrives that is under way.

use super::sink::{FILL, Heard, RECEIVE_BUFFER};
use super::steps::Taste;
use nt::Status;
use rxce::Disconnection;
use rxce::state::State;
use std::collections::VecDeque;

/// Bytes under way to the peer beyond which a send waits.
pub(crate) const WINDOW: usize = 100;

/// Submitted sends that the transport has at the same time.
pub(crate) const LANES: usize = 4;

/// How a send should end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Outcome {
    Sent(usize),
    /// This side has ended the circuit.
    Gone,
    /// The peer has, and the send may or may not know yet.
    Lost,
}

impl Outcome {
    pub(crate) fn allows(self, result: nt::Result<usize>) -> bool {
        match self {
            Outcome::Sent(len) => result == Ok(len),
            Outcome::Gone => result == Err(Status::CONNECTION_DISCONNECTED),
            Outcome::Lost => matches!(
                result,
                Err(Status::CONNECTION_DISCONNECTED | Status::CONNECTION_RESET)
            ),
        }
    }
}

/// What a sink should hear of sends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Told {
    Submitted(usize),
    Completed(usize, Outcome),
}

impl Told {
    pub(crate) fn submitted(&self) -> Option<usize> {
        match *self {
            Told::Submitted(context) => Some(context),
            Told::Completed(..) => None,
        }
    }

    pub(crate) fn completed(&self) -> Option<(usize, Outcome)> {
        match *self {
            Told::Completed(context, outcome) => Some((context, outcome)),
            Told::Submitted(_) => None,
        }
    }
}

enum Written {
    Done,
    /// Until the peer has read enough of what was written up to there.
    Waits(usize),
    Lost,
}

/// A send that has been written and not ended.
pub(crate) struct Pending {
    tag: usize,
    len: usize,
    end: usize,
}

/// What should happen between two looks.
#[derive(Default, Debug)]
pub(crate) struct Forecast {
    pub(crate) taken: usize,
    pub(crate) ends: Vec<Heard>,
    pub(crate) sends: Vec<Told>,
    pub(crate) waiting_sends: Vec<(usize, Outcome)>,
}

pub(crate) struct Line {
    pub(crate) state: State,
    /// Counted by its parents.
    pub(crate) attached: bool,
    pub(crate) pumped: bool,
    taste: Taste,
    /// Bytes that the peer has sent and the engine has not received.
    arriving: usize,
    sent_by_peer: u64,
    pub(crate) peer_end: Option<Disconnection>,
    peer_breaks_at: Option<u64>,
    /// Bytes that the sink has been shown and not taken.
    held: usize,
    /// The sink wants no more.
    deaf: bool,
    /// Bytes in the sink's own buffer.
    filling: Option<usize>,
    /// All that was ever written to the peer.
    pub(crate) to_peer: Vec<u8>,
    pub(crate) read_by_peer: usize,
    breaks_at: Option<u64>,
    wire_bears: bool,
    queue: VecDeque<(usize, usize)>,
    /// Submitted sends that the transport has.
    writing: VecDeque<Pending>,
    /// Sends that somebody waits for.
    pub(crate) waiting: Vec<Pending>,
    echoes: usize,
    forecast: Forecast,
}

/// The context of a circuit's n-th echo.
pub(crate) const fn echo_context(number: usize) -> usize {
    (1 << 32) | number
}

impl Line {
    pub(crate) fn new(taste: Taste, paused: bool) -> Self {
        Line {
            state: State::Active,
            attached: true,
            pumped: !paused,
            taste,
            arriving: 0,
            sent_by_peer: 0,
            peer_end: None,
            peer_breaks_at: None,
            held: 0,
            deaf: false,
            filling: None,
            to_peer: Vec::new(),
            read_by_peer: 0,
            breaks_at: None,
            wire_bears: true,
            queue: VecDeque::new(),
            writing: VecDeque::new(),
            waiting: Vec::new(),
            echoes: 0,
            forecast: Forecast::default(),
        }
    }

    pub(crate) fn forecast(&mut self) -> Forecast {
        std::mem::take(&mut self.forecast)
    }

    /// Whether a tear-down would have something to wait for.
    pub(crate) fn is_busy(&self) -> bool {
        self.pumped || !self.waiting.is_empty()
    }

    pub(crate) fn send(&mut self, tag: usize, len: usize) {
        if self.state != State::Active {
            return self.forecast.waiting_sends.push((tag, Outcome::Gone));
        }
        match self.write(tag, len) {
            Written::Done => self.forecast.waiting_sends.push((tag, Outcome::Sent(len))),
            Written::Lost => self.forecast.waiting_sends.push((tag, Outcome::Lost)),
            Written::Waits(end) => self.waiting.push(Pending { tag, len, end }),
        }
        self.settle();
    }

    pub(crate) fn submit(&mut self, context: usize, len: usize) -> nt::Result {
        if self.state != State::Active || !self.pumped {
            return Err(Status::CONNECTION_DISCONNECTED);
        }
        self.queue.push_back((context, len));
        self.settle();
        Ok(())
    }

    pub(crate) fn resume(&mut self) -> nt::Result {
        match self.state {
            State::Uninitialised | State::TearDown => return Err(Status::INVALID_PARAMETER),
            // A pump that finds the end at once.
            State::Disconnected => {}
            State::Active => {
                self.pumped = true;
                self.settle();
            }
        }
        Ok(())
    }

    pub(crate) fn disconnect(&mut self) -> nt::Result {
        match self.state {
            State::Uninitialised | State::TearDown => return Err(Status::INVALID_PARAMETER),
            State::Disconnected => {}
            State::Active => self.end_here(State::Disconnected),
        }
        Ok(())
    }

    pub(crate) fn tear_down(&mut self) -> nt::Result {
        if let State::Uninitialised | State::TearDown = self.state {
            return Err(Status::INVALID_PARAMETER);
        }
        self.end_here(State::Uninitialised);
        self.attached = false;
        Ok(())
    }

    pub(crate) fn peer_sends(&mut self, len: usize) {
        if self.peer_end.is_some() || self.is_ended_here() {
            return;
        }
        let bears = self
            .peer_breaks_at
            .map_or(u64::MAX, |limit| limit.saturating_sub(self.sent_by_peer));
        let count = len.min(usize::try_from(bears).unwrap_or(usize::MAX));
        self.arriving += count;
        self.sent_by_peer += count as u64;
        if self
            .peer_breaks_at
            .is_some_and(|limit| self.sent_by_peer >= limit)
        {
            self.peer_end = Some(Disconnection::Aborted);
            self.lose_wire();
        }
        self.settle();
    }

    pub(crate) fn peer_reads(&mut self, count: usize) {
        self.read_by_peer += count;
        self.settle();
    }

    pub(crate) fn peer_ends(&mut self, how: Disconnection) {
        if self.peer_end.is_none() && !self.is_ended_here() {
            self.peer_end = Some(how);
            self.lose_wire();
        }
        self.settle();
    }

    pub(crate) fn break_at(&mut self, sending: bool, bytes: u64) -> u64 {
        if sending {
            let at = self.sent_by_peer + bytes;
            self.peer_breaks_at = Some(at);
            at
        } else {
            let at = self.to_peer.len() as u64 + bytes;
            self.breaks_at = Some(at);
            at
        }
    }

    /// Whether this side has ended it: the peer's words are not heard any more.
    fn is_ended_here(&self) -> bool {
        self.state != State::Active && self.peer_end.is_none()
    }

    fn write(&mut self, tag: usize, len: usize) -> Written {
        if !self.wire_bears {
            return Written::Lost;
        }
        let written = self.to_peer.len() as u64;
        let bears = self
            .breaks_at
            .map_or(u64::MAX, |limit| limit.saturating_sub(written));
        let count = len.min(usize::try_from(bears).unwrap_or(usize::MAX));
        self.to_peer.extend(std::iter::repeat_n(tag as u8, count));
        if self
            .breaks_at
            .is_some_and(|limit| self.to_peer.len() as u64 >= limit)
        {
            self.peer_end.get_or_insert(Disconnection::Aborted);
            self.lose_wire();
            return Written::Lost;
        }
        let end = self.to_peer.len();
        if end - self.read_by_peer <= WINDOW {
            Written::Done
        } else {
            Written::Waits(end)
        }
    }

    fn complete(&mut self, context: usize, outcome: Outcome) {
        self.forecast.sends.push(Told::Completed(context, outcome));
    }

    fn end_sends(&mut self, outcome: Outcome) {
        while let Some(pending) = self.writing.pop_front() {
            self.complete(pending.tag, outcome);
        }
        let ended = self.waiting.drain(..).map(|pending| (pending.tag, outcome));
        self.forecast.waiting_sends.extend(ended);
    }

    fn lose_wire(&mut self) {
        self.wire_bears = false;
        self.end_sends(Outcome::Lost);
    }

    fn end_here(&mut self, state: State) {
        self.state = state;
        self.wire_bears = false;
        self.arriving = 0;
        self.end_sends(Outcome::Gone);
        self.drain_queue(Outcome::Gone);
        self.pumped = false;
    }

    fn drain_queue(&mut self, outcome: Outcome) {
        while let Some((context, _)) = self.queue.pop_front() {
            self.forecast.sends.push(Told::Submitted(context));
            self.complete(context, outcome);
        }
    }

    /// Ends the sends of which the peer has read enough.
    fn take_over(&mut self) {
        let read = self.read_by_peer;
        let taken = |pending: &mut Pending| pending.end <= read + WINDOW;
        while let Some(pending) = self.writing.pop_front_if(taken) {
            self.complete(pending.tag, Outcome::Sent(pending.len));
        }
        let ended = self.waiting.extract_if(.., taken);
        let ended = ended.map(|pending| (pending.tag, Outcome::Sent(pending.len)));
        self.forecast.waiting_sends.extend(ended);
    }

    /// All that happens by itself.
    fn settle(&mut self) {
        loop {
            self.take_over();
            if self.state != State::Active || !self.pumped {
                return;
            }
            if self.writing.len() < LANES
                && let Some((context, len)) = self.queue.pop_front()
            {
                self.forecast.sends.push(Told::Submitted(context));
                match self.write(context, len) {
                    Written::Done => self.complete(context, Outcome::Sent(len)),
                    Written::Lost => self.complete(context, Outcome::Lost),
                    Written::Waits(end) => self.writing.push_back(Pending {
                        tag: context,
                        len,
                        end,
                    }),
                }
                continue;
            }
            if self.deaf {
                return;
            }
            if self.arriving > 0 {
                self.receive();
                continue;
            }
            if let Some(how) = self.peer_end {
                self.forecast.taken += self.filling.take().unwrap_or(0);
                self.forecast.ends.push(Heard::Ended(how));
                self.state = State::Disconnected;
                self.drain_queue(Outcome::Lost);
                self.pumped = false;
            }
            return;
        }
    }

    /// One receive.
    fn receive(&mut self) {
        if let Some(filled) = self.filling {
            let count = self.arriving.min(FILL - filled);
            self.arriving -= count;
            self.filling = Some(filled + count);
            if filled + count == FILL {
                self.filling = None;
                self.forecast.taken += FILL;
            }
            return;
        }
        let count = self.arriving.min(RECEIVE_BUFFER - self.held);
        self.arriving -= count;
        match self.taste {
            Taste::Takes | Taste::Halves => self.forecast.taken += count,
            Taste::Fills => {
                self.forecast.taken += count;
                self.filling = Some(0);
            }
            Taste::Echoes => {
                self.forecast.taken += count;
                self.queue.push_back((echo_context(self.echoes), count));
                self.echoes += 1;
            }
            Taste::Quits => {
                self.forecast.taken += count;
                self.deaf = true;
            }
            Taste::Refuses => {
                self.held += count;
                if self.held == RECEIVE_BUFFER {
                    self.forecast.ends.push(Heard::Failed(Status::DATA_NOT_ACCEPTED));
                    self.end_here(State::Disconnected);
                }
            }
        }
    }
}
