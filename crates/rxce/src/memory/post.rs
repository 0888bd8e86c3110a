//! Datagrams of the network in memory.

use super::Network;
use crate::datagram::{Datagrams, Port};
use alloc::vec::Vec;
use core::net::SocketAddr;
use core::time::Duration;
use executive::mem::{Arc, TryVec};
use executive::sync::{Rank, SpinLock};
use executive::task::{Notify, Runtime, select};
use executive::time::Instant;
use nt::Status;

/// The most that a datagram holds, as over IPv4.
const LARGEST: usize = 65_507;
/// Datagrams that wait at one port; what comes beyond that is lost.
const ROOM: usize = 64;
/// Where ports begin that the network chooses.
const FIRST_CHOSEN: u16 = 49_152;

/// How datagrams fare.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Mail {
    /// How long a datagram takes.
    pub latency: Duration,
    /// Every so-many-th is lost; zero: none.
    pub lose_every: u64,
    /// Every so-many-th takes `delay` longer, so that later ones overtake it; zero: none.
    pub delay_every: u64,
    /// See `delay_every`.
    pub delay: Duration,
}

/// The datagram side of a network.
#[derive(Default)]
pub(super) struct Office {
    pub(super) mail: Mail,
    /// Datagrams that have ever been sent.
    sent: u64,
    boxes: Vec<Arc<Letterbox>>,
}

struct Letterbox {
    local: SocketAddr,
    state: SpinLock<State>,
    /// Told of every change that someone may wait for.
    changed: Notify,
}

#[derive(Default)]
struct State {
    waiting: Vec<Letter>,
    aborted: bool,
    failed: Option<Status>,
}

struct Letter {
    arrives: Instant,
    source: SocketAddr,
    data: Vec<u8>,
}

impl Network {
    /// How datagrams fare from now on.
    pub fn set_mail(&self, mail: Mail) {
        self.0.state.lock().office.mail = mail;
    }

    /// How many datagrams have been sent on it, those that were lost included.
    pub fn datagrams_sent(&self) -> u64 {
        self.0.state.lock().office.sent
    }

    /// Makes receiving at `local` fail with `status`, as when its adapter goes away.
    ///
    /// # Errors
    /// `INVALID_ADDRESS` when nobody has opened it.
    pub fn fail_port(&self, local: SocketAddr, status: Status) -> nt::Result {
        let found = self.0.state.lock().office.at(local);
        let letterbox = found.ok_or(Status::INVALID_ADDRESS)?;
        letterbox.state.lock().failed = Some(status);
        letterbox.changed.notify_all();
        Ok(())
    }

    fn post(&self, source: SocketAddr, remote: SocketAddr, data: &[u8]) -> nt::Result {
        let mut copy = Vec::try_with_room(data.len())?;
        copy.try_extend_from_slice(data)?;
        let now = self.0.runtime.now();
        let (found, arrives) = {
            let mut state = self.0.state.lock();
            let office = &mut state.office;
            office.sent += 1;
            let falls_on = |every: u64| every > 0 && office.sent.is_multiple_of(every);
            let mut arrives = now + office.mail.latency;
            if falls_on(office.mail.delay_every) {
                arrives = arrives + office.mail.delay;
            }
            let lost = falls_on(office.mail.lose_every);
            (office.at(remote).filter(|_| !lost), arrives)
        };
        // As on any network, the sender does not hear of a datagram that nobody gets.
        let Some(letterbox) = found else { return Ok(()) };
        let mut state = letterbox.state.lock();
        if state.waiting.len() < ROOM {
            state.waiting.try_push(Letter {
                arrives,
                source,
                data: copy,
            })?;
        }
        drop(state);
        letterbox.changed.notify_all();
        Ok(())
    }
}

impl Office {
    fn at(&self, local: SocketAddr) -> Option<Arc<Letterbox>> {
        let found = self.boxes.iter().find(|letterbox| letterbox.local == local);
        found.cloned()
    }

    /// `local`, with a port that is free if it says none.
    fn choose(&self, local: SocketAddr) -> nt::Result<SocketAddr> {
        let is_free = |address: &SocketAddr| self.boxes.iter().all(|letterbox| letterbox.local != *address);
        if local.port() != 0 {
            return Some(local).filter(is_free).ok_or(Status::ADDRESS_ALREADY_EXISTS);
        }
        let mut chosen = (FIRST_CHOSEN..=u16::MAX).map(|port| SocketAddr::new(local.ip(), port));
        chosen.find(is_free).ok_or(Status::ADDRESS_ALREADY_EXISTS)
    }
}

impl Datagrams for Network {
    type Port = MemoryPort;

    async fn open(&self, local: SocketAddr) -> nt::Result<MemoryPort> {
        let mut state = self.0.state.lock();
        let letterbox = Arc::try_new(Letterbox {
            local: state.office.choose(local)?,
            state: SpinLock::ranked(State::default(), Rank(101)),
            changed: Notify::new(),
        })?;
        state.office.boxes.try_push(letterbox.clone())?;
        Ok(MemoryPort {
            network: self.clone(),
            letterbox,
        })
    }
}

/// An address of the network in memory that is open for datagrams.
pub struct MemoryPort {
    network: Network,
    letterbox: Arc<Letterbox>,
}

impl MemoryPort {
    fn runtime(&self) -> &Runtime {
        &self.network.0.runtime
    }

    /// The letter that has arrived first, or when to look again.
    fn look(&self) -> Result<nt::Result<Letter>, Instant> {
        let mut state = self.letterbox.state.lock();
        if state.aborted {
            return Ok(Err(Status::CANCELLED));
        }
        if let Some(status) = state.failed {
            return Ok(Err(status));
        }
        let first = state
            .waiting
            .iter()
            .enumerate()
            .min_by_key(|(_, letter)| letter.arrives);
        match first.map(|(at, letter)| (at, letter.arrives)) {
            None => Err(Instant::NEVER),
            Some((_, arrives)) if arrives > self.runtime().now() => Err(arrives),
            Some((at, _)) => Ok(Ok(state.waiting.remove(at))),
        }
    }
}

impl Port for MemoryPort {
    fn local(&self) -> SocketAddr {
        self.letterbox.local
    }

    async fn send_to(&self, data: Vec<u8>, remote: SocketAddr) -> (Vec<u8>, nt::Result<usize>) {
        let result = if data.len() > LARGEST {
            Err(Status::INVALID_BUFFER_SIZE)
        } else if self.letterbox.state.lock().aborted {
            Err(Status::CANCELLED)
        } else {
            self.network.post(self.letterbox.local, remote, &data)
        };
        let len = data.len();
        (data, result.map(|()| len))
    }

    async fn receive_from(&self, mut buffer: Vec<u8>) -> (Vec<u8>, nt::Result<(usize, SocketAddr)>) {
        loop {
            let changed = self.letterbox.changed.notified();
            let found = self.look();
            let until = match found {
                Ok(Ok(letter)) => {
                    let count = letter.data.len().min(buffer.len());
                    if let (Some(to), Some(from)) = (buffer.get_mut(..count), letter.data.get(..count)) {
                        to.copy_from_slice(from);
                    }
                    return (buffer, Ok((count, letter.source)));
                }
                Ok(Err(status)) => return (buffer, Err(status)),
                Err(until) => until,
            };
            select(changed, self.runtime().sleep_until(until)).await;
        }
    }

    fn abort(&self) {
        self.letterbox.state.lock().aborted = true;
        self.letterbox.changed.notify_all();
    }

    async fn close(&self) -> nt::Result {
        // Operations live in their futures alone: there is nothing to wait for.
        self.leave();
        Ok(())
    }
}

impl MemoryPort {
    /// Aborts, and frees the address.
    fn leave(&self) {
        self.abort();
        let mut state = self.network.0.state.lock();
        let boxes = &mut state.office.boxes;
        let at = boxes
            .iter()
            .position(|letterbox| Arc::ptr_eq(letterbox, &self.letterbox));
        let mine = at.map(|at| boxes.swap_remove(at));
        drop(state);
        drop(mine);
    }
}

impl Drop for MemoryPort {
    fn drop(&mut self) {
        self.leave();
    }
}
