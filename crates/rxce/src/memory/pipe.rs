//! One direction of a connection in memory.

use super::Link;
use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::num::NonZero;
use core::time::Duration;
use executive::mem::TryVec;
use executive::sync::{Rank, SpinLock};
use executive::task::{Notify, Runtime, select};
use executive::time::Instant;
use nt::Status;

/// How the writing side ended.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    Closed,
    Reset,
}

pub(super) struct Pipe {
    runtime: Runtime,
    link: Link,
    state: SpinLock<State>,
    /// Told of every change that someone may wait for.
    changed: Notify,
}

#[derive(Default)]
struct State {
    chunks: VecDeque<Chunk>,
    /// Bytes ever written.
    written: u64,
    /// Bytes ever read.
    read: u64,
    /// Until when the link is busy with what was written.
    busy: Option<Instant>,
    break_after: Option<u64>,
    /// The writing side has ended: how, and when the reading side gets to know.
    end: Option<(Instant, End)>,
    /// The writing side ended by itself, so that its own operations are cancelled.
    writer_gone: bool,
    reader_gone: bool,
}

struct Chunk {
    arrives: Instant,
    data: Vec<u8>,
    /// How much of it has been read.
    read: usize,
}

/// What a look at a pipe found.
enum Look {
    Done(nt::Result<usize>),
    /// Nothing yet: look again at this time, or after a change.
    Wait(Instant),
}

impl Pipe {
    pub(super) fn new(runtime: Runtime, link: Link) -> Self {
        let state = SpinLock::ranked(State::default(), Rank(102));
        Pipe {
            runtime,
            link,
            state,
            changed: Notify::new(),
        }
    }

    /// Writes all of `data` at once, so that it is never mixed with another write, then waits until of all that was written
    /// up to its end no more is under way than the window. `back` is the other direction, which breaks with this one.
    pub(super) async fn write(&self, data: &[u8], back: &Pipe) -> nt::Result<usize> {
        let Some(end) = self.append(data)? else {
            back.break_now();
            self.changed.notify_all();
            return Err(Status::CONNECTION_RESET);
        };
        self.changed.notify_all();
        let window = self.link.window as u64;
        loop {
            let changed = self.changed.notified();
            {
                let state = self.state.lock();
                // What has found room stays taken over, whatever has happened since.
                if end.saturating_sub(state.read) <= window {
                    return Ok(data.len());
                }
                state.may_write()?;
            }
            changed.await;
        }
    }

    /// Puts `data` under way, as much of it as the pipe bears, and says how much has been written with it; `None` when it
    /// broke.
    fn append(&self, data: &[u8]) -> nt::Result<Option<u64>> {
        let now = self.runtime.now();
        let piece = NonZero::new(self.link.piece).map_or(data.len().max(1), NonZero::get);
        let mut pieces = Vec::try_with_room(data.len().div_ceil(piece))?;
        let mut state = self.state.lock();
        state.may_write()?;
        let bears = state
            .break_after
            .map_or(u64::MAX, |limit| limit.saturating_sub(state.written));
        let count = data.len().min(usize::try_from(bears).unwrap_or(usize::MAX));
        // All memory that there must be, before anything is under way.
        for part in data.get(..count).unwrap_or(data).chunks(piece) {
            let mut copy = Vec::try_with_room(part.len())?;
            copy.try_extend_from_slice(part)?;
            pieces.try_push(copy)?;
        }
        state
            .chunks
            .try_reserve(pieces.len())
            .map_err(|_| Status::INSUFFICIENT_RESOURCES)?;
        let mut arrives = now + self.link.latency;
        for data in pieces {
            let gone = state.busy.filter(|busy| *busy > now).unwrap_or(now) + self.takes(data.len());
            state.busy = Some(gone);
            arrives = gone + self.link.latency;
            state.chunks.push_back(Chunk {
                arrives,
                data,
                read: 0,
            });
        }
        state.written += count as u64;
        let broken = state.break_after.is_some_and(|limit| state.written >= limit);
        if broken {
            state.end = Some((arrives, End::Reset));
        }
        Ok((!broken).then_some(state.written))
    }

    /// How long the link is busy with so many bytes.
    fn takes(&self, bytes: usize) -> Duration {
        NonZero::new(self.link.bandwidth).map_or(Duration::ZERO, |bandwidth| {
            Duration::from_nanos((bytes as u64).saturating_mul(1_000_000_000) / bandwidth)
        })
    }

    /// When what is under way now has arrived, and so the end that is put behind it.
    fn arrival_of_the_end(&self, state: &State) -> Instant {
        let now = self.runtime.now();
        state.busy.filter(|busy| *busy > now).unwrap_or(now) + self.link.latency
    }

    /// Waits for bytes and moves them to `room`; zero at an orderly end.
    pub(super) async fn read(&self, room: &mut [u8]) -> nt::Result<usize> {
        loop {
            let changed = self.changed.notified();
            let now = self.runtime.now();
            let look = self.state.lock().look(room, now);
            match look {
                Look::Done(result) => {
                    self.changed.notify_all();
                    return result;
                }
                Look::Wait(until) => {
                    select(changed, self.runtime.sleep_until(until)).await;
                }
            }
        }
    }

    /// The writing side ends by itself.
    pub(super) fn end_writing(&self, end: End) {
        let mut state = self.state.lock();
        let arrives = self.arrival_of_the_end(&state);
        state.writer_gone = true;
        state.end.get_or_insert((arrives, end));
        drop(state);
        self.changed.notify_all();
    }

    /// The reading side ends by itself.
    pub(super) fn end_reading(&self) {
        self.state.lock().reader_gone = true;
        self.changed.notify_all();
    }

    /// Breaks the connection once `bytes` have been written in all.
    pub(super) fn break_after(&self, bytes: u64) {
        self.state.lock().break_after = Some(bytes);
    }

    fn break_now(&self) {
        let mut state = self.state.lock();
        let arrives = self.arrival_of_the_end(&state);
        state.end.get_or_insert((arrives, End::Reset));
        drop(state);
        self.changed.notify_all();
    }
}

impl State {
    fn may_write(&self) -> nt::Result {
        match self.end {
            _ if self.writer_gone => Err(Status::CANCELLED),
            Some(_) => Err(Status::CONNECTION_RESET),
            None if self.reader_gone => Err(Status::CONNECTION_RESET),
            None => Ok(()),
        }
    }

    fn look(&mut self, room: &mut [u8], now: Instant) -> Look {
        if self.reader_gone {
            return Look::Done(Err(Status::CANCELLED));
        }
        let mut count = 0;
        while count < room.len()
            && let Some(chunk) = self.chunks.front_mut().filter(|chunk| chunk.arrives <= now)
        {
            let left = chunk.data.get(chunk.read..).unwrap_or_default();
            let part = left.len().min(room.len() - count);
            if let (Some(to), Some(from)) = (room.get_mut(count..count + part), left.get(..part)) {
                to.copy_from_slice(from);
            }
            chunk.read += part;
            count += part;
            self.read += part as u64;
            if chunk.read == chunk.data.len() {
                self.chunks.pop_front();
            }
        }
        if count > 0 {
            return Look::Done(Ok(count));
        }
        match (self.chunks.front(), self.end) {
            (Some(chunk), _) => Look::Wait(chunk.arrives),
            (None, None) => Look::Wait(Instant::NEVER),
            (None, Some((arrives, _))) if arrives > now => Look::Wait(arrives),
            (None, Some((_, End::Closed))) => Look::Done(Ok(0)),
            (None, Some((_, End::Reset))) => Look::Done(Err(Status::CONNECTION_RESET)),
        }
    }
}
