//! What a sink hears, in which order, and which of several connections are kept.

use executive::mem::Arc;
use executive::sync::SpinLock;
use executive::task::Runtime;
use nt::{NameBuf, Status};
use rxce::memory::{Listener, MemoryEndpoint, Network};
use rxce::sockets::Sockets;
use rxce::state::State;
use rxce::{
    Address, AddressEvents, Attempt, Binding, CircuitId, ConnectOptions, Connection, ConnectionEvents,
    Counts, DatagramAddress, Disconnection, Endpoint, Indication, Selection, Winner, race,
};
use std::net::SocketAddr;
use std::time::Duration;

#[derive(Clone, PartialEq, Debug)]
enum Said {
    Received(Vec<u8>),
    Disconnected,
    Failed(Status),
    Submitted(usize),
    Completed(usize, nt::Result<usize>),
}

/// Takes so many bytes of what it is shown, one figure for each time, then everything.
struct Picky {
    takes: SpinLock<Vec<usize>>,
    heard: Arc<SpinLock<Vec<Said>>>,
}

impl Picky {
    fn say(&self, said: Said) {
        self.heard.lock().push(said);
    }
}

impl ConnectionEvents for Picky {
    fn receive(&self, _: CircuitId, data: &[u8]) -> Indication {
        self.say(Said::Received(data.to_vec()));
        let mut takes = self.takes.lock();
        if takes.is_empty() {
            Indication::Taken
        } else {
            Indication::Part(takes.remove(0))
        }
    }
    fn data_ready(&self, _: CircuitId, _: Vec<u8>, _: usize, _: Status) {}
    fn disconnect(&self, _: CircuitId, _: Disconnection) {
        self.say(Said::Disconnected);
    }
    fn error(&self, _: CircuitId, status: Status) {
        self.say(Said::Failed(status));
    }
    fn send_submitted(&self, _: CircuitId, context: usize) {
        self.say(Said::Submitted(context));
    }
    fn send_complete(&self, _: CircuitId, context: usize, _: Vec<u8>, result: nt::Result<usize>) {
        self.say(Said::Completed(context, result));
    }
}

struct Scene {
    runtime: Runtime,
    network: Network,
    binding: Binding<Network>,
    heard: Arc<SpinLock<Vec<Said>>>,
}

fn at(port: u16) -> SocketAddr {
    SocketAddr::from(([10, 0, 0, 1], port))
}

impl Scene {
    fn new(seed: u64) -> Scene {
        let runtime = Runtime::simulated(seed).unwrap();
        let network = Network::new(&runtime).unwrap();
        let name = NameBuf::try_from_str("net").unwrap();
        let binding = Binding::build(&runtime, network.clone(), name.as_name(), 0).unwrap();
        Scene {
            runtime,
            network,
            binding,
            heard: Arc::try_new(SpinLock::new(Vec::new())).unwrap(),
        }
    }

    fn sink(&self, takes: &[usize]) -> Box<dyn ConnectionEvents> {
        Box::new(Picky {
            takes: SpinLock::new(takes.to_vec()),
            heard: self.heard.clone(),
        })
    }

    fn connect(
        &self,
        takes: &[usize],
        options: ConnectOptions,
    ) -> (
        Connection<Network>,
        rxce::VirtualCircuit<Network>,
        MemoryEndpoint,
        Listener,
    ) {
        let listener = self.network.listen(at(1)).unwrap();
        let address = Address::build(&self.binding, None).unwrap();
        let building = Connection::build(&address, at(1), options, self.sink(takes));
        let (connection, circuit) = self.runtime.block_on(building).unwrap().unwrap();
        let server = self.runtime.block_on(listener.accept()).unwrap();
        (connection, circuit, server, listener)
    }

    fn send(&self, server: &MemoryEndpoint, data: &[u8]) {
        self.runtime
            .block_on(server.send(data.to_vec()))
            .unwrap()
            .1
            .unwrap();
        self.runtime.advance(Duration::from_millis(1));
    }

    fn heard(&self) -> Vec<Said> {
        std::mem::take(&mut *self.heard.lock())
    }
}

#[test]
fn what_is_not_taken_is_shown_again() {
    let scene = Scene::new(1);
    let (_connection, circuit, server, _listener) = scene.connect(&[2, 0, 3], ConnectOptions::default());
    scene.send(&server, b"abcde");
    // Two taken: the rest at once; none taken: the rest with what comes.
    let shown = |text: &[u8]| Said::Received(text.to_vec());
    assert_eq!(scene.heard(), [shown(b"abcde"), shown(b"cde")]);
    scene.send(&server, b"fg");
    assert_eq!(scene.heard(), [shown(b"cdefg"), shown(b"fg")]);
    assert_eq!(circuit.state(), State::Active);
}

/// Takes what it is shown first and wants no more.
struct Content(Arc<SpinLock<Vec<Said>>>);

impl ConnectionEvents for Content {
    fn receive(&self, _: CircuitId, data: &[u8]) -> Indication {
        self.0.lock().push(Said::Received(data.to_vec()));
        Indication::Last
    }
    fn data_ready(&self, _: CircuitId, _: Vec<u8>, _: usize, _: Status) {}
    fn disconnect(&self, _: CircuitId, _: Disconnection) {
        self.0.lock().push(Said::Disconnected);
    }
    fn error(&self, _: CircuitId, status: Status) {
        self.0.lock().push(Said::Failed(status));
    }
}

#[test]
fn a_sink_that_wants_no_more_hears_no_more_and_can_be_torn_down() {
    let scene = Scene::new(1);
    let listener = scene.network.listen(at(1)).unwrap();
    let address = Address::build(&scene.binding, None).unwrap();
    let sink = Box::new(Content(scene.heard.clone()));
    let building = Connection::build(&address, at(1), ConnectOptions::default(), sink);
    let (connection, circuit) = scene.runtime.block_on(building).unwrap().unwrap();
    let server = scene.runtime.block_on(listener.accept()).unwrap();
    scene.send(&server, b"bye");
    scene.send(&server, b"still there?");
    drop(server);
    scene.runtime.advance(Duration::from_secs(1));
    assert_eq!(scene.heard(), [Said::Received(b"bye".to_vec())]);
    assert_eq!(circuit.state(), State::Active);
    scene.runtime.block_on(circuit.tear_down()).unwrap().unwrap();
    connection.tear_down().unwrap();
}

#[test]
fn a_full_buffer_that_is_refused_fails_the_circuit() {
    let scene = Scene::new(1);
    let options = ConnectOptions {
        receive_buffer: 4,
        ..ConnectOptions::default()
    };
    let (_connection, circuit, server, _listener) = scene.connect(&[0, 0, 0], options);
    scene.send(&server, b"abcd");
    let heard = scene.heard();
    assert_eq!(heard.last(), Some(&Said::Failed(Status::DATA_NOT_ACCEPTED)));
    assert_eq!(circuit.state(), State::Disconnected);
    scene.runtime.block_on(circuit.tear_down()).unwrap().unwrap();
}

#[test]
fn submitted_sends_go_out_in_order() {
    for seed in 0..50 {
        let scene = Scene::new(seed);
        let (_connection, circuit, server, _listener) = scene.connect(&[], ConnectOptions::default());
        for number in 0..20_usize {
            circuit.submit(vec![number as u8; 3], number).unwrap();
        }
        scene.runtime.advance(Duration::from_secs(1));
        let (mut begun, mut ended, mut most) = (0, 0, 0);
        for said in scene.heard() {
            match said {
                Said::Submitted(number) => {
                    assert_eq!(number, begun, "seed {seed}");
                    begun += 1;
                    most = most.max(begun - ended);
                }
                Said::Completed(number, result) => {
                    assert!(number < begun, "seed {seed}");
                    assert_eq!((number, result), (ended, Ok(3)), "seed {seed}");
                    ended += 1;
                }
                other => panic!("{other:?}, seed {seed}"),
            }
        }
        assert_eq!((begun, ended), (20, 20), "seed {seed}");
        assert!((2..=4).contains(&most), "{most} at a time, seed {seed}");
        let mut arrived = Vec::new();
        while arrived.len() < 60 {
            let (data, count) = scene.runtime.block_on(server.receive(vec![0; 64], 0)).unwrap();
            arrived.extend_from_slice(&data[..count.unwrap()]);
        }
        let sent: Vec<u8> = (0..20_u8).flat_map(|number| [number; 3]).collect();
        assert_eq!(arrived, sent, "seed {seed}");
    }
}

#[test]
fn tear_down_completes_what_was_submitted() {
    let scene = Scene::new(1);
    let (_connection, circuit, _server, _listener) = scene.connect(&[], ConnectOptions::default());
    for number in 0..5 {
        circuit.submit(vec![0; 1 << 20], number).unwrap();
    }
    scene.runtime.block_on(circuit.tear_down()).unwrap().unwrap();
    let gone = Err(Status::CONNECTION_DISCONNECTED);
    let completed: Vec<Said> = scene
        .heard()
        .into_iter()
        .filter(|said| matches!(said, Said::Completed(..)))
        .collect();
    let wanted: Vec<Said> = (0..5).map(|number| Said::Completed(number, gone)).collect();
    assert_eq!(completed, wanted);
    assert_eq!(circuit.submit(vec![1], 9), Err(Status::CONNECTION_DISCONNECTED));
}

#[test]
fn a_paused_circuit_says_nothing_until_it_is_resumed() {
    let scene = Scene::new(1);
    let options = ConnectOptions {
        paused: true,
        ..ConnectOptions::default()
    };
    let (_connection, circuit, server, _listener) = scene.connect(&[], options);
    scene.send(&server, b"early");
    assert_eq!(scene.heard(), []);
    assert_eq!(circuit.submit(vec![1], 0), Err(Status::CONNECTION_DISCONNECTED));
    circuit.resume().unwrap();
    circuit.resume().unwrap();
    scene.runtime.advance(Duration::from_millis(1));
    assert_eq!(scene.heard(), [Said::Received(b"early".to_vec())]);
    scene.runtime.block_on(circuit.tear_down()).unwrap().unwrap();
    assert_eq!(circuit.resume(), Err(Status::INVALID_PARAMETER));
}

/// Races to ports: a listener at each that is not zero, refusal at the others.
#[test]
fn a_peer_that_never_stops_talking_lets_sends_and_others_go_first() {
    const TALK: usize = 5000;
    let scene = Scene::new(1);
    let options = ConnectOptions {
        // Each byte is a receive of its own, and all of them are there.
        receive_buffer: 1,
        paused: true,
        ..ConnectOptions::default()
    };
    let (_connection, circuit, server, _listener) = scene.connect(&[], options);
    scene
        .runtime
        .block_on(server.send(vec![0; TALK]))
        .unwrap()
        .1
        .unwrap();
    scene.runtime.advance(Duration::from_secs(1));
    circuit.resume().unwrap();
    circuit.submit(vec![1], 7).unwrap();
    let heard = scene.heard.clone();
    let other = async move { heard.lock().push(Said::Submitted(99)) };
    scene.runtime.spawn(other).unwrap();
    scene.runtime.run_until_stalled();
    let heard = scene.heard.lock();
    assert_eq!(
        heard
            .iter()
            .filter(|said| matches!(said, Said::Received(_)))
            .count(),
        TALK
    );
    let place = |wanted: Said| heard.iter().position(|said| *said == wanted).unwrap();
    assert!(
        place(Said::Completed(7, Ok(1))) < 200,
        "a send of its own circuit"
    );
    assert!(place(Said::Submitted(99)) < 200, "another task of the runtime");
}

fn run_race(
    scene: &Scene,
    address: &Address<Network>,
    ports: &[(u16, u32)],
    selection: Selection,
) -> nt::Result<Vec<Winner<Network>>> {
    let attempts = ports
        .iter()
        .map(|&(port, rank)| Attempt {
            address: address.clone(),
            remotes: vec![at(port)],
            rank,
            events: scene.sink(&[]),
        })
        .collect();
    let options = ConnectOptions {
        deadline: Duration::from_secs(5),
        ..ConnectOptions::default()
    };
    scene
        .runtime
        .block_on(race(attempts, selection, options))
        .unwrap()
}

#[test]
fn a_race_keeps_whom_it_should_and_gives_the_rest_back() {
    for seed in 0..20 {
        let scene = Scene::new(seed);
        let address = Address::build(&scene.binding, None).unwrap();
        let _one = scene.network.listen(at(1)).unwrap();
        let _two = scene.network.listen(at(2)).unwrap();
        scene.network.swallow(at(3)).unwrap();
        let run = |ports: &[(u16, u32)], selection| {
            let started = scene.runtime.now();
            let result = run_race(&scene, &address, ports, selection);
            let kept: Vec<usize> = result.iter().flatten().map(|winner| winner.index).collect();
            let counts = Counts {
                connections: kept.len(),
                circuits: kept.len(),
                ..Counts::default()
            };
            assert_eq!(address.counts(), Ok(counts), "losers have left");
            for winner in result.iter().flatten() {
                assert_eq!(winner.circuit.state(), State::Active);
                scene
                    .runtime
                    .block_on(winner.circuit.tear_down())
                    .unwrap()
                    .unwrap();
                winner.connection.tear_down().unwrap();
            }
            (result.err(), kept, scene.runtime.now().saturating_since(started))
        };
        // The black hole at 3 is not waited for once there is a first.
        let (error, kept, took) = run(&[(3, 0), (9, 0), (1, 0), (2, 0)], Selection::First);
        assert_eq!((error, kept.len()), (None, 1));
        assert!(kept == [2] || kept == [3]);
        assert!(took < Duration::from_secs(1));
        let (error, kept, took) = run(&[(3, 0), (1, 7), (2, 5), (1, 5)], Selection::Best);
        assert_eq!((error, kept), (None, vec![2]));
        assert!(took >= Duration::from_secs(5));
        let (error, kept, _) = run(&[(1, 0), (9, 0), (2, 0)], Selection::All);
        assert_eq!((error, kept), (None, vec![0, 2]));
        let (error, kept, _) = run(&[(9, 0), (8, 0)], Selection::All);
        assert_eq!((error, kept), (Some(Status::CONNECTION_REFUSED), vec![]));
        let (error, kept, _) = run(&[], Selection::First);
        assert_eq!((error, kept), (Some(Status::INVALID_PARAMETER), vec![]));
        assert_eq!(scene.heard(), [], "nobody was resumed");
    }
}

type Shared<T> = Arc<SpinLock<Vec<T>>>;

struct Mailbox(Shared<(SocketAddr, Vec<u8>)>, Shared<usize>);

impl AddressEvents for Mailbox {
    fn receive(&self, source: SocketAddr, data: &[u8]) {
        self.0.lock().push((source, data.to_vec()));
    }
    fn error(&self, _: Status) {}
    fn send_complete(&self, context: usize, result: nt::Result<usize>) {
        result.unwrap();
        self.1.lock().push(context);
    }
}

#[test]
fn datagrams_come_and_go() {
    let runtime = Runtime::start(2).unwrap();
    let name = NameBuf::try_from_str("udp").unwrap();
    let binding = Binding::build(&runtime, Sockets, name.as_name(), 0).unwrap();
    let received = Arc::try_new(SpinLock::new(Vec::new())).unwrap();
    let completed = Arc::try_new(SpinLock::new(Vec::new())).unwrap();
    let open = || {
        let events = Box::new(Mailbox(received.clone(), completed.clone()));
        let local = SocketAddr::from(([127, 0, 0, 1], 0));
        runtime
            .block_on(DatagramAddress::build(&binding, local, events))
            .unwrap()
            .unwrap()
    };
    let (one, two) = (open(), open());
    assert_eq!(binding.tear_down(), Err(Status::INVALID_PARAMETER));
    one.submit(b"hello".to_vec(), two.local(), 7).unwrap();
    let waiting = async {
        while received.lock().is_empty() || completed.lock().is_empty() {
            runtime.sleep(Duration::from_millis(5)).await;
        }
    };
    runtime
        .block_on(runtime.timeout(Duration::from_secs(20), waiting))
        .unwrap()
        .unwrap();
    assert_eq!(received.lock()[0], (one.local(), b"hello".to_vec()));
    assert_eq!(*completed.lock(), [7]);
    for address in [&one, &two] {
        runtime.block_on(address.tear_down()).unwrap().unwrap();
        assert_eq!(
            runtime.block_on(address.tear_down()).unwrap(),
            Err(Status::INVALID_PARAMETER)
        );
        assert_eq!(
            address.submit(vec![1], two.local(), 1),
            Err(Status::INVALID_PARAMETER)
        );
    }
    binding.tear_down().unwrap();
    runtime.shutdown();
}
