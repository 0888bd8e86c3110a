//! Circuits on the network in memory and on the simulated runtime: the engine's own cost, without threads.

use crate::{POOL, Row, median};
use criterion::Criterion;
use executive::task::Runtime;
use nt::{Name, NameBuf, Status};
use rxce::memory::{Link, Listener, MemoryEndpoint, Network};
use rxce::{
    Address, Binding, CircuitId, ConnectOptions, Connection, ConnectionEvents, Disconnection, Endpoint,
    Indication, Transport, VirtualCircuit,
};
use std::net::SocketAddr;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

/// How many circuits are alive meanwhile.
const LIVE: [usize; 3] = [1, 1_000, 100_000];
/// Bytes of the circuits' receive buffers.
const RECEIVE_BUFFER: usize = 64;

struct Deaf;

impl ConnectionEvents for Deaf {
    fn receive(&self, _: CircuitId, _: &[u8]) -> Indication {
        Indication::Taken
    }
    fn data_ready(&self, _: CircuitId, _: Vec<u8>, _: usize, _: Status) {}
    fn disconnect(&self, _: CircuitId, _: Disconnection) {}
    fn error(&self, _: CircuitId, _: Status) {}
}

fn connect<T: Transport>(runtime: &Runtime, transport: T) -> (Connection<T>, VirtualCircuit<T>) {
    let name = NameBuf::try_from_str("bench").unwrap();
    let binding = Binding::build(runtime, transport, name.as_name(), 0).unwrap();
    let address = Address::build(&binding, None).unwrap();
    let options = ConnectOptions {
        receive_buffer: RECEIVE_BUFFER,
        ..ConnectOptions::default()
    };
    let building = Connection::build(&address, remote(), options, Box::new(Deaf));
    runtime.block_on(building).unwrap().unwrap()
}

fn remote() -> SocketAddr {
    SocketAddr::from(([10, 0, 0, 1], 1))
}

fn now_or_never<F: Future>(future: F) -> Option<F::Output> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => Some(output),
        Poll::Pending => None,
    }
}

struct Crowd {
    runtime: Runtime,
    listener: Listener,
    connection: Connection<Network>,
    circuits: Vec<(VirtualCircuit<Network>, MemoryEndpoint)>,
}

impl Crowd {
    fn new(size: usize) -> Crowd {
        let runtime = Runtime::simulated(1).unwrap();
        let network = Network::new(&runtime).unwrap();
        network.set_link(Link {
            latency: Duration::ZERO,
            ..Link::default()
        });
        let listener = network.listen(remote()).unwrap();
        let (connection, first) = connect(&runtime, network);
        let peer = runtime.block_on(listener.accept()).unwrap();
        let mut crowd = Crowd {
            runtime,
            listener,
            connection,
            circuits: Vec::with_capacity(size),
        };
        crowd.circuits.push((first, peer));
        while crowd.circuits.len() < size {
            let one_more = crowd.build();
            crowd.circuits.push(one_more);
        }
        crowd.runtime.run_until_stalled();
        crowd
    }

    fn build(&self) -> (VirtualCircuit<Network>, MemoryEndpoint) {
        let building = self.connection.build_circuit();
        let circuit = self.runtime.block_on(building).unwrap().unwrap();
        let peer = self.runtime.block_on(self.listener.accept()).unwrap();
        (circuit, peer)
    }

    fn build_and_tear_down(&self) {
        let (circuit, _peer) = self.build();
        self.runtime.block_on(circuit.tear_down()).unwrap().unwrap();
    }

    /// There and back on one circuit.
    fn exchange(&self, at: usize, data: &mut Vec<u8>) {
        let (circuit, peer) = &self.circuits[at];
        let (back, sent) = self.runtime.block_on(circuit.send(std::mem::take(data))).unwrap();
        let (back, received) = now_or_never(peer.receive(back, 0)).unwrap();
        assert_eq!(sent, received);
        *data = now_or_never(peer.send(back)).unwrap().0;
        self.runtime.run_until_stalled();
    }

    fn end(self) {
        for (circuit, _) in &self.circuits {
            self.runtime.block_on(circuit.tear_down()).unwrap().unwrap();
        }
        self.connection.tear_down().unwrap();
        assert_eq!(self.runtime.live_tasks(), 0);
    }
}

/// Has criterion measure `body`, and keeps the median of what it sees after warming up, in ns.
fn measure(criterion: &mut Criterion, name: &str, mut body: impl FnMut()) -> f64 {
    let mut samples = Vec::new();
    criterion.bench_function(name, |bencher| {
        bencher.iter_custom(|iterations| {
            let start = Instant::now();
            for _ in 0..iterations {
                body();
            }
            let took = start.elapsed();
            samples.push(took.as_secs_f64() * 1e9 / iterations as f64);
            took
        });
    });
    let warm = samples.len().saturating_sub(20);
    median(samples.split_off(warm))
}

pub(crate) fn bench(criterion: &mut Criterion, rows: &mut Vec<Row>) {
    let mut measured = Vec::new();
    for live in LIVE {
        let crowd = Crowd::new(live);
        let building = measure(criterion, &format!("build and tear down, {live} live"), || {
            crowd.build_and_tear_down();
        });
        let mut data = vec![0; RECEIVE_BUFFER];
        let mut at = live / 2;
        let name = format!("64 bytes there and back, {live} live");
        let exchanging = measure(criterion, &name, || crowd.exchange(at, &mut data));
        let name = format!("64 bytes there and back on each in turn, {live} live");
        let in_turn = measure(criterion, &name, || {
            crowd.exchange(at, &mut data);
            at = (at + 1) % live;
        });
        measured.push((live, [building, exchanging, in_turn]));
        crowd.end();
    }
    let kinds = [
        ("build and tear down a circuit", "≤ 1.5"),
        ("64 bytes there and back", "≤ 1.5"),
        // With very many, this is what fetching a circuit from memory costs, not what finding it does.
        ("64 bytes there and back, each in turn", ""),
    ];
    for (kind, (what, wanted)) in kinds.into_iter().enumerate() {
        for &(live, ns) in &measured {
            let one = measured[0].1[kind];
            rows.push(Row {
                what: format!("{what}, {live} live"),
                value: format!("{:.2} µs", ns[kind] / 1000.0),
                ratio: (live > 1).then_some((ns[kind] / one, wanted)),
            });
        }
    }
}

// ---- memory ----

/// A transport that takes no memory, where nothing ever happens.
struct Nothing;

impl Transport for Nothing {
    type Endpoint = Nothing;

    async fn resolve(&self, _: Name<'_>, _: u16) -> nt::Result<Vec<SocketAddr>> {
        Err(Status::BAD_NETWORK_PATH)
    }

    async fn connect(&self, _: SocketAddr, _: SocketAddr) -> nt::Result<Nothing> {
        Ok(Nothing)
    }
}

impl Endpoint for Nothing {
    async fn send(&self, data: Vec<u8>) -> (Vec<u8>, nt::Result<usize>) {
        (data, Err(Status::CANCELLED))
    }

    async fn receive(&self, _: Vec<u8>, _: usize) -> (Vec<u8>, nt::Result<usize>) {
        std::future::pending().await
    }

    fn abort(&self) {}

    async fn close(&self) -> nt::Result {
        Ok(())
    }
}

/// Bytes that one circuit takes, beside its receive buffer and what the transport keeps.
pub(crate) fn bytes(rows: &mut Vec<Row>) {
    for live in LIVE {
        let runtime = Runtime::simulated(1).unwrap();
        let (connection, first) = connect(&runtime, Nothing);
        let mut circuits = Vec::with_capacity(live);
        runtime.run_until_stalled();
        let before = POOL.usage();
        for _ in 0..live {
            circuits.push(runtime.block_on(connection.build_circuit()).unwrap().unwrap());
        }
        runtime.run_until_stalled();
        let after = POOL.usage();
        let bytes = (after.live_bytes - before.live_bytes) as f64 / live as f64 - RECEIVE_BUFFER as f64;
        let blocks = (after.live_blocks - before.live_blocks) as f64 / live as f64;
        rows.push(Row {
            what: format!("memory per circuit, {live} live"),
            value: format!("{bytes:.0} B in {blocks:.1}"),
            ratio: None,
        });
        runtime.cancel_all();
        drop((circuits, first));
        runtime.shutdown();
    }
}
