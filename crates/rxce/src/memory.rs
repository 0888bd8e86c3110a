//! A network in memory, on the clock of the runtime it is given: in the simulator every run of a seed is the same.
//!
//! Connections can be slow and narrow, carry sends in pieces, be refused, be swallowed, and break at any byte; datagrams can be
//! late and get lost. Like everything here it survives a failed allocation, so that fault sweeps may run over it.

mod pipe;
mod post;

use crate::transport::{Endpoint, Transport};
use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::future::pending;
use core::net::{IpAddr, SocketAddr};
use core::time::Duration;
use executive::mem::{Arc, TryVec};
use executive::sync::{Rank, SpinLock};
use executive::task::{Notify, Runtime};
use nt::{Name, NameBuf, Status};
use pipe::{End, Pipe};
use post::Office;

pub use post::{Mail, MemoryPort};

/// How connections behave.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Link {
    /// How long connecting takes, and every byte.
    pub latency: Duration,
    /// Bytes under way in one direction beyond which a send is pending.
    pub window: usize,
    /// Bytes that get through in a second, in each direction; zero: as many as there are.
    pub bandwidth: u64,
    /// Sends are carried in pieces of so many bytes, each of which arrives by itself; zero: whole.
    pub piece: usize,
}

impl Default for Link {
    fn default() -> Self {
        Link {
            latency: Duration::from_micros(100),
            window: 256 * 1024,
            bandwidth: 0,
            piece: 0,
        }
    }
}

/// A network. Clones are the same network.
#[derive(Clone)]
pub struct Network(Arc<Net>);

struct Net {
    runtime: Runtime,
    state: SpinLock<State>,
}

#[derive(Default)]
struct State {
    link: Link,
    names: Vec<(NameBuf, IpAddr)>,
    places: Vec<(SocketAddr, Place)>,
    office: Office,
}

#[derive(Clone)]
enum Place {
    Listening(Arc<Backlog>),
    BlackHole,
}

/// Connections that nobody has accepted yet.
struct Backlog {
    waiting: SpinLock<VecDeque<MemoryEndpoint>>,
    arrived: Notify,
}

impl Network {
    /// An empty network: every connection is refused.
    ///
    /// # Errors
    /// `INSUFFICIENT_RESOURCES`.
    pub fn new(runtime: &Runtime) -> nt::Result<Self> {
        let state = SpinLock::ranked(State::default(), Rank(100));
        Ok(Network(Arc::try_new(Net {
            runtime: runtime.clone(),
            state,
        })?))
    }

    /// How connections behave that are made from now on.
    pub fn set_link(&self, link: Link) {
        self.0.state.lock().link = link;
    }

    /// Gives `name` one more address.
    ///
    /// # Errors
    /// `INSUFFICIENT_RESOURCES`.
    pub fn add_name(&self, name: Name<'_>, address: IpAddr) -> nt::Result {
        let name = NameBuf::try_from_name(name)?;
        Ok(self.0.state.lock().names.try_push((name, address))?)
    }

    /// Listens at `address` until the listener is dropped.
    ///
    /// # Errors
    /// `ADDRESS_ALREADY_EXISTS` when something is there; `INSUFFICIENT_RESOURCES`.
    pub fn listen(&self, address: SocketAddr) -> nt::Result<Listener> {
        let backlog = Backlog {
            waiting: SpinLock::ranked(VecDeque::new(), Rank(101)),
            arrived: Notify::new(),
        };
        let backlog = Arc::try_new(backlog)?;
        self.occupy(address, Place::Listening(backlog.clone()))?;
        Ok(Listener {
            network: self.clone(),
            address,
            backlog,
        })
    }

    /// Makes `address` a place where connecting neither succeeds nor fails.
    ///
    /// # Errors
    /// As for [`Network::listen`].
    pub fn swallow(&self, address: SocketAddr) -> nt::Result {
        self.occupy(address, Place::BlackHole)
    }

    fn occupy(&self, address: SocketAddr, place: Place) -> nt::Result {
        let mut state = self.0.state.lock();
        if state.places.iter().any(|(taken, _)| *taken == address) {
            return Err(Status::ADDRESS_ALREADY_EXISTS);
        }
        Ok(state.places.try_push((address, place))?)
    }

    fn place(&self, address: SocketAddr) -> Option<Place> {
        let state = self.0.state.lock();
        let found = state.places.iter().find(|(taken, _)| *taken == address);
        found.map(|(_, place)| place.clone())
    }
}

impl Transport for Network {
    type Endpoint = MemoryEndpoint;

    async fn resolve(&self, host: Name<'_>, port: u16) -> nt::Result<Vec<SocketAddr>> {
        let mut found = Vec::new();
        if let Some(address) = numeric(host) {
            found.try_push(SocketAddr::new(address, port))?;
            return Ok(found);
        }
        let state = self.0.state.lock();
        for (name, address) in &state.names {
            if name.as_name().eq_ignore_case(host) {
                found.try_push(SocketAddr::new(*address, port))?;
            }
        }
        if found.is_empty() {
            Err(Status::BAD_NETWORK_PATH)
        } else {
            Ok(found)
        }
    }

    async fn connect(&self, _local: SocketAddr, remote: SocketAddr) -> nt::Result<MemoryEndpoint> {
        let runtime = &self.0.runtime;
        let link = self.0.state.lock().link;
        runtime.sleep(link.latency).await;
        let backlog = match self.place(remote) {
            None => return Err(Status::CONNECTION_REFUSED),
            Some(Place::BlackHole) => pending().await,
            Some(Place::Listening(backlog)) => backlog,
        };
        let up = Arc::try_new(Pipe::new(runtime.clone(), link))?;
        let down = Arc::try_new(Pipe::new(runtime.clone(), link))?;
        let ours = MemoryEndpoint {
            incoming: down.clone(),
            outgoing: up.clone(),
        };
        let theirs = MemoryEndpoint {
            incoming: up,
            outgoing: down,
        };
        {
            let mut waiting = backlog.waiting.lock();
            waiting.try_reserve(1)?;
            waiting.push_back(theirs);
        }
        backlog.arrived.notify_one();
        Ok(ours)
    }
}

/// Accepts connections at one address of a [`Network`]. Those that it has not accepted when it is dropped are closed.
pub struct Listener {
    network: Network,
    address: SocketAddr,
    backlog: Arc<Backlog>,
}

impl Listener {
    /// Waits for the next connection.
    pub async fn accept(&self) -> MemoryEndpoint {
        loop {
            let accepted = self.backlog.waiting.lock().pop_front();
            match accepted {
                Some(endpoint) => return endpoint,
                None => self.backlog.arrived.notified().await,
            }
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        let place = {
            let mut state = self.network.0.state.lock();
            let at = state.places.iter().position(|(taken, _)| *taken == self.address);
            at.map(|at| state.places.swap_remove(at))
        };
        drop(place);
        loop {
            let unwanted = self.backlog.waiting.lock().pop_front();
            if unwanted.is_none() {
                return;
            }
        }
    }
}

/// One end of a connection in memory; both ends are alike.
pub struct MemoryEndpoint {
    incoming: Arc<Pipe>,
    outgoing: Arc<Pipe>,
}

impl MemoryEndpoint {
    /// Ends the connection so that the other side sees a reset, after what is under way.
    pub fn reset(&self) {
        self.outgoing.end_writing(End::Reset);
        self.incoming.end_reading();
    }

    /// Breaks the connection, for both sides, right after the `bytes`-th byte that this side sends.
    pub fn break_after_sending(&self, bytes: u64) {
        self.outgoing.break_after(bytes);
    }

    /// Breaks the connection, for both sides, right after the `bytes`-th byte that this side is sent.
    pub fn break_after_receiving(&self, bytes: u64) {
        self.incoming.break_after(bytes);
    }
}

impl Endpoint for MemoryEndpoint {
    async fn send(&self, data: Vec<u8>) -> (Vec<u8>, nt::Result<usize>) {
        let result = self.outgoing.write(&data, &self.incoming).await;
        (data, result)
    }

    async fn receive(&self, mut buffer: Vec<u8>, offset: usize) -> (Vec<u8>, nt::Result<usize>) {
        let result = match buffer.get_mut(offset..) {
            Some(room) if !room.is_empty() => self.incoming.read(room).await,
            _ => Err(Status::INVALID_PARAMETER),
        };
        (buffer, result)
    }

    fn abort(&self) {
        self.outgoing.end_writing(End::Closed);
        self.incoming.end_reading();
    }

    async fn close(&self) -> nt::Result {
        // Operations live in their futures alone: there is nothing to wait for.
        self.abort();
        Ok(())
    }
}

impl Drop for MemoryEndpoint {
    fn drop(&mut self) {
        self.abort();
    }
}

/// The address that `host` spells, if it does.
fn numeric(host: Name<'_>) -> Option<IpAddr> {
    let mut text = [0_u8; 48];
    let room = text.get_mut(..host.len())?;
    for (byte, &unit) in room.iter_mut().zip(host.as_units()) {
        *byte = u8::try_from(unit).ok()?;
    }
    core::str::from_utf8(room).ok()?.parse().ok()
}
