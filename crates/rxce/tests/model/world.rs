//! The engine under test beside its model.

mod circuits;
mod compare;
mod connect;
mod posts;
mod storms;

use super::connecting::{self, LATENCY_MS};
use super::line::{Forecast, LANES, Line, Told, WINDOW};
use super::sink::{Circuits, Heard, Journal, RECEIVE_BUFFER, Sink};
use super::steps::{Act, Place, Step, Taste, Way};
use super::storm::{Gathered, Storm, may_end, peer_bytes};
use executive::mem::Arc;
use executive::sync::SpinLock;
use executive::task::{Either, Runtime, select};
use nt::{NameBuf, Status};
use posts::PostSlot;
use rxce::memory::{Link, Listener, MemoryEndpoint, Network};
use rxce::state::State;
use rxce::{
    Address, Attempt, Binding, CircuitId, ConnectOptions, Connection, ConnectionEvents, Counts,
    Disconnection, Endpoint, Selection, VirtualCircuit, race,
};
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

/// More than anything takes that is under way.
const SETTLE: Duration = Duration::from_millis(2 * LATENCY_MS);

const INVALID: nt::Result = Err(Status::INVALID_PARAMETER);

/// Sends, each by its tag, and what they have come to.
type Ended = Arc<SpinLock<Vec<(usize, nt::Result<usize>)>>>;

struct BindingSlot {
    real: Binding<Network>,
    standing: bool,
}

struct AddressSlot {
    real: Address<Network>,
    binding: usize,
    local: Option<SocketAddr>,
    standing: bool,
}

struct ConnectionSlot {
    real: Connection<Network>,
    address: usize,
    taste: Taste,
    paused: bool,
    journal: Journal,
    circuits: Circuits,
    standing: bool,
}

struct CircuitSlot {
    /// `None` once abandoned.
    real: Option<VirtualCircuit<Network>>,
    id: CircuitId,
    connection: usize,
    line: Line,
    peer: Option<MemoryEndpoint>,
    peer_sent: usize,
    taken: usize,
    /// Contexts of the sends that have begun and not ended.
    sending: VecDeque<usize>,
    silent: bool,
}

pub(crate) struct World {
    runtime: Runtime,
    network: Network,
    listeners: Vec<Listener>,
    bindings: Vec<BindingSlot>,
    addresses: Vec<AddressSlot>,
    connections: Vec<ConnectionSlot>,
    circuits: Vec<CircuitSlot>,
    posts: Vec<PostSlot>,
    /// Datagrams that the network has been given.
    datagrams: u64,
    /// What the sends that somebody waits for have come to.
    ended: Ended,
    next_tag: usize,
}

fn now_or_never<F: Future>(future: F) -> Option<F::Output> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => Some(output),
        Poll::Pending => None,
    }
}

fn pick<T>(slots: &mut [T], number: usize) -> Option<(usize, &mut T)> {
    let at = number.checked_rem(slots.len())?;
    slots.get_mut(at).map(|slot| (at, slot))
}

impl World {
    pub(crate) fn new(seed: u64) -> World {
        let runtime = Runtime::simulated(seed).unwrap();
        let network = Network::new(&runtime).unwrap();
        network.set_link(Link {
            latency: Duration::from_millis(LATENCY_MS),
            window: WINDOW,
            ..Link::default()
        });
        network.set_mail(Self::mail());
        network.swallow(Place::Silent.address()).unwrap();
        let accepting = [Place::Accepts(0), Place::Accepts(1), Place::AcceptsOn6];
        let listeners = accepting.map(|place| network.listen(place.address()).unwrap());
        let mut world = World {
            runtime,
            network,
            listeners: listeners.into(),
            bindings: Vec::new(),
            addresses: Vec::new(),
            connections: Vec::new(),
            circuits: Vec::new(),
            posts: Vec::new(),
            datagrams: 0,
            ended: Arc::try_new(SpinLock::new(Vec::new())).unwrap(),
            next_tag: 0,
        };
        world.build_binding();
        world.build_address(0, false);
        world
    }

    pub(crate) fn take(&mut self, step: &Step) {
        match *step {
            Step::BuildBinding => self.build_binding(),
            Step::TearDownBinding(binding) => self.tear_down_binding(binding),
            Step::BuildAddress { binding, local } => self.build_address(binding, local),
            Step::TearDownAddress(address) => self.tear_down_address(address),
            Step::Connect {
                way,
                deadline_ms,
                paused,
            } => self.connect(&way, deadline_ms, paused),
            Step::GiveUp { way, after_ms } => self.give_up(&way, after_ms),
            Step::Race {
                ways,
                count,
                selection,
            } => self.race(&ways[..count], selection),
            Step::BuildCircuit(connection) => self.build_circuit(connection),
            Step::TearDownConnection(connection) => self.tear_down_connection(connection),
            Step::Storm { circuit, acts } => self.storm(circuit, &acts),
            Step::OpenPost { binding, port } => self.open_post(binding, port),
            Step::Post {
                post,
                port,
                ref lens,
                count,
            } => self.post(post, port, &lens[..count]),
            Step::FailPost(post) => self.fail_post(post),
            Step::ClosePost { post, sends } => self.close_post(post, sends),
            Step::Pass { ms } => self.runtime.advance(Duration::from_millis(ms)),
            Step::Resume(circuit)
            | Step::Send { circuit, .. }
            | Step::Submit { circuit, .. }
            | Step::Disconnect(circuit)
            | Step::TearDown(circuit)
            | Step::TearDownHalfway(circuit)
            | Step::Abandon(circuit)
            | Step::PeerSend { circuit, .. }
            | Step::PeerRead { circuit, .. }
            | Step::PeerClose(circuit)
            | Step::PeerReset(circuit)
            | Step::Break { circuit, .. } => self.on_circuit(circuit, step),
        }
        self.runtime.advance(SETTLE);
    }

    fn build_binding(&mut self) {
        if self.bindings.len() == 3 {
            return;
        }
        let name = NameBuf::try_from_str("net").unwrap();
        let real = Binding::build(&self.runtime, self.network.clone(), name.as_name(), 0).unwrap();
        self.bindings.push(BindingSlot { real, standing: true });
    }

    fn tear_down_binding(&mut self, number: usize) {
        let (at, _) = pick(&mut self.bindings, number).unwrap();
        let in_use = self.binding_counts(at) != Counts::default();
        let slot = &mut self.bindings[at];
        let wanted = if slot.standing && in_use { INVALID } else { Ok(()) };
        assert_eq!(slot.real.tear_down(), wanted);
        slot.standing &= in_use;
    }

    fn build_address(&mut self, number: usize, local: bool) {
        if self.addresses.len() == 5 {
            return;
        }
        let (binding, slot) = pick(&mut self.bindings, number).unwrap();
        let local = local.then(|| SocketAddr::from(([10, 0, 0, 2], 0)));
        match Address::build(&slot.real, local) {
            Ok(real) => {
                assert!(slot.standing);
                self.addresses.push(AddressSlot {
                    real,
                    binding,
                    local,
                    standing: true,
                });
            }
            Err(status) => {
                assert_eq!((status, slot.standing), (Status::INVALID_PARAMETER, false));
            }
        }
    }

    fn tear_down_address(&mut self, number: usize) {
        let (at, _) = pick(&mut self.addresses, number).unwrap();
        let in_use = self.address_counts(at) != Counts::default();
        let slot = &mut self.addresses[at];
        let good = slot.standing && !in_use;
        assert_eq!(slot.real.tear_down(), if good { Ok(()) } else { INVALID });
        slot.standing &= !good;
    }

    fn tear_down_connection(&mut self, number: usize) {
        let Some((at, _)) = pick(&mut self.connections, number) else {
            return;
        };
        let in_use = self.connection_counts(at) != Counts::default();
        let slot = &mut self.connections[at];
        let good = slot.standing && !in_use;
        assert_eq!(slot.real.tear_down(), if good { Ok(()) } else { INVALID });
        slot.standing &= !good;
    }

    fn connection_counts(&self, at: usize) -> Counts {
        let on_it = |slot: &&CircuitSlot| slot.connection == at && slot.line.attached;
        Counts {
            circuits: self.circuits.iter().filter(on_it).count(),
            ..Counts::default()
        }
    }

    fn address_counts(&self, at: usize) -> Counts {
        let mut counts = Counts::default();
        for (index, connection) in self.connections.iter().enumerate() {
            if connection.standing && connection.address == at {
                counts.connections += 1;
                counts.circuits += self.connection_counts(index).circuits;
            }
        }
        counts
    }

    fn binding_counts(&self, at: usize) -> Counts {
        let mut counts = Counts::default();
        for (index, address) in self.addresses.iter().enumerate() {
            if address.standing && address.binding == at {
                let below = self.address_counts(index);
                counts.addresses += 1;
                counts.connections += below.connections;
                counts.circuits += below.circuits;
            }
        }
        counts.addresses += self
            .posts
            .iter()
            .filter(|post| post.standing && post.binding == at)
            .count();
        counts
    }

    /// Tears everything down, from the leaves up; nothing is left.
    pub(crate) fn end(mut self) {
        for at in 0..self.circuits.len() {
            self.take(&Step::TearDown(at));
            self.check();
        }
        for at in 0..self.connections.len() {
            self.take(&Step::TearDownConnection(at));
        }
        for at in 0..self.addresses.len() {
            self.take(&Step::TearDownAddress(at));
        }
        for at in 0..self.posts.len() {
            self.take(&Step::ClosePost { post: at, sends: 0 });
        }
        for at in 0..self.bindings.len() {
            self.take(&Step::TearDownBinding(at));
        }
        self.check();
        assert!(self.bindings.iter().all(|slot| !slot.standing));
        assert_eq!(self.runtime.live_tasks(), 0, "tasks are left");
        for slot in &self.connections {
            slot.circuits.lock().clear();
        }
        self.runtime.shutdown();
    }
}
