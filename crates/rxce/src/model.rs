//! Every interleaving of connect, disconnect, tear-down and completing sends, by loom, with preemptions bounded at three.
//!
//! `RUSTFLAGS="--cfg loom" cargo test -p rxce --release --lib model`

use crate::*;
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::net::SocketAddr;
use core::time::Duration;
use executive::mem::Arc;
use executive::sync::SpinLock;
use executive::task::{Notify, Runtime};
use nt::{Name, NameBuf, Status};
use state::State;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::vec;

fn check(test: impl Fn() + Sync + Send + 'static) {
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(3);
    model.max_branches = 20_000;
    let runs = std::sync::Arc::new(AtomicUsize::new(0));
    let counted = runs.clone();
    model.check(move || {
        counted.fetch_add(1, SeqCst);
        test();
    });
    std::println!("sweep: {} interleavings", runs.load(SeqCst));
}

/// Connects at once, always to the same wire.
#[derive(Clone)]
struct Line(Arc<Wire>);

struct Wire {
    ended: SpinLock<Ended>,
    changed: Notify,
    /// Sends wait for the end.
    stuck: bool,
}

#[derive(Default)]
struct Ended {
    here: bool,
    there: bool,
}

impl Wire {
    fn end(&self, how: impl FnOnce(&mut Ended)) {
        how(&mut self.ended.lock());
        self.changed.notify_all();
    }
}

impl Transport for Line {
    type Endpoint = Line;

    async fn resolve(&self, _: Name<'_>, _: u16) -> nt::Result<Vec<SocketAddr>> {
        Err(Status::BAD_NETWORK_PATH)
    }

    async fn connect(&self, _: SocketAddr, _: SocketAddr) -> nt::Result<Line> {
        Ok(self.clone())
    }
}

impl Endpoint for Line {
    async fn send(&self, data: Vec<u8>) -> (Vec<u8>, nt::Result<usize>) {
        loop {
            let changed = self.0.changed.notified();
            let result = match *self.0.ended.lock() {
                Ended { here: true, .. } => Some(Err(Status::CANCELLED)),
                Ended { there: true, .. } => Some(Err(Status::CONNECTION_RESET)),
                _ if self.0.stuck => None,
                _ => Some(Ok(data.len())),
            };
            match result {
                Some(result) => return (data, result),
                None => changed.await,
            }
        }
    }

    async fn receive(&self, buffer: Vec<u8>, _: usize) -> (Vec<u8>, nt::Result<usize>) {
        loop {
            let changed = self.0.changed.notified();
            match *self.0.ended.lock() {
                Ended { here: true, .. } => return (buffer, Err(Status::CANCELLED)),
                Ended { there: true, .. } => return (buffer, Ok(0)),
                _ => {}
            }
            changed.await;
        }
    }

    fn abort(&self) {
        self.0.end(|ended| ended.here = true);
    }

    async fn close(&self) -> nt::Result {
        self.abort();
        Ok(())
    }
}

/// What the sink has heard. Not loom's atomics: nothing is to be ordered by them.
#[derive(Default)]
struct Heard {
    ends: AtomicUsize,
    completed: AtomicUsize,
    torn_down: AtomicUsize,
}

struct Ear(std::sync::Arc<Heard>);

impl Ear {
    fn hears(&self) {
        assert_eq!(self.0.torn_down.load(SeqCst), 0, "a callback after the tear-down");
    }
}

impl ConnectionEvents for Ear {
    fn receive(&self, _: CircuitId, _: &[u8]) -> Indication {
        Indication::Taken
    }
    fn data_ready(&self, _: CircuitId, _: Vec<u8>, _: usize, _: Status) {}
    fn disconnect(&self, _: CircuitId, _: Disconnection) {
        self.hears();
        self.0.ends.fetch_add(1, SeqCst);
    }
    fn error(&self, _: CircuitId, _: Status) {
        self.hears();
        self.0.ends.fetch_add(1, SeqCst);
    }
    fn send_complete(&self, _: CircuitId, _: usize, _: Vec<u8>, _: nt::Result<usize>) {
        self.hears();
        self.0.completed.fetch_add(1, SeqCst);
    }
}

struct Scene {
    runtime: Runtime,
    wire: Arc<Wire>,
    heard: std::sync::Arc<Heard>,
    address: Address<Line>,
    connection: Connection<Line>,
    circuit: Option<VirtualCircuit<Line>>,
}

impl Scene {
    fn new(stuck: bool, paused: bool) -> Scene {
        let runtime = Runtime::simulated(0).unwrap();
        let wire = Arc::try_new(Wire {
            ended: SpinLock::new(Ended::default()),
            changed: Notify::new(),
            stuck,
        })
        .unwrap();
        let name = NameBuf::try_from_str("net").unwrap();
        let binding = Binding::build(&runtime, Line(wire.clone()), name.as_name(), 0).unwrap();
        let address = Address::build(&binding, None).unwrap();
        let heard = std::sync::Arc::new(Heard::default());
        let building = Connection::build(&address, remote(), options(paused), Box::new(Ear(heard.clone())));
        let (connection, circuit) = runtime.block_on(building).unwrap().unwrap();
        Scene {
            runtime,
            wire,
            heard,
            address,
            connection,
            circuit: Some(circuit),
        }
    }

    fn circuit(&self) -> VirtualCircuit<Line> {
        self.circuit.clone().unwrap()
    }

    /// Has a task tear the circuit down.
    fn tear_down(&self) {
        let (circuit, heard) = (self.circuit(), self.heard.clone());
        let tearing = async move {
            match circuit.tear_down().await {
                Ok(()) => {
                    heard.torn_down.fetch_add(1, SeqCst);
                }
                Err(status) => assert_eq!(status, Status::INVALID_PARAMETER),
            }
        };
        self.runtime.spawn(tearing).unwrap();
    }

    /// Runs what is left. Nothing is, then, and the parents are free to go.
    fn end(mut self) {
        self.runtime.run_until_stalled();
        if let Some(circuit) = self.circuit.take() {
            assert_eq!(circuit.state(), State::Uninitialised);
            assert_eq!(self.heard.torn_down.load(SeqCst), 1, "one tear-down succeeds");
        }
        assert_eq!(self.runtime.live_tasks(), 0);
        self.connection.tear_down().unwrap();
        self.address.tear_down().unwrap();
    }
}

fn remote() -> SocketAddr {
    SocketAddr::from(([10, 0, 0, 1], 1))
}

fn options(paused: bool) -> ConnectOptions {
    ConnectOptions {
        deadline: Duration::from_secs(1),
        receive_buffer: 1,
        paused,
    }
}

#[test]
fn each_send_that_is_accepted_completes_before_the_tear_down_does() {
    check(|| {
        let scene = Scene::new(false, false);
        let circuit = scene.circuit();
        let submitting = loom::thread::spawn(move || {
            let accepted = (0..2).filter(|&context| circuit.submit(vec![0], context).is_ok());
            accepted.count()
        });
        scene.tear_down();
        scene.runtime.run_until_stalled();
        let accepted = submitting.join().unwrap();
        scene.runtime.run_until_stalled();
        assert_eq!(scene.heard.completed.load(SeqCst), accepted);
        scene.end();
    });
}

#[test]
fn the_end_of_a_stuck_send_is_told_once() {
    check(|| {
        let scene = Scene::new(true, false);
        scene.circuit().submit(vec![0], 1).unwrap();
        let circuit = scene.circuit();
        let disconnecting = loom::thread::spawn(move || {
            let status = circuit.initiate_disconnect().err();
            assert!(matches!(status, None | Some(Status::INVALID_PARAMETER)));
        });
        scene.tear_down();
        scene.runtime.run_until_stalled();
        disconnecting.join().unwrap();
        scene.runtime.run_until_stalled();
        assert_eq!(scene.heard.completed.load(SeqCst), 1);
        assert_eq!(scene.heard.ends.load(SeqCst), 0, "the end was asked for");
        scene.end();
    });
}

#[test]
fn both_sides_end_it_at_once() {
    check(|| {
        let scene = Scene::new(false, false);
        let (circuit, wire) = (scene.circuit(), scene.wire.clone());
        let disconnecting = loom::thread::spawn(move || circuit.initiate_disconnect().unwrap());
        let closing = loom::thread::spawn(move || wire.end(|ended| ended.there = true));
        scene.runtime.run_until_stalled();
        disconnecting.join().unwrap();
        closing.join().unwrap();
        scene.runtime.run_until_stalled();
        assert_eq!(scene.circuit().state(), State::Disconnected);
        assert!(scene.heard.ends.load(SeqCst) <= 1);
        scene.tear_down();
        scene.end();
    });
}

#[test]
fn a_tear_down_meets_the_peers_end() {
    check(|| {
        let scene = Scene::new(false, false);
        let wire = scene.wire.clone();
        let closing = loom::thread::spawn(move || wire.end(|ended| ended.there = true));
        scene.tear_down();
        scene.runtime.run_until_stalled();
        closing.join().unwrap();
        assert!(scene.heard.ends.load(SeqCst) <= 1);
        scene.end();
    });
}

#[test]
fn of_two_tear_downs_one_is_refused() {
    check(|| {
        let scene = Scene::new(false, false);
        let (circuit, runtime, heard) = (scene.circuit(), scene.runtime.clone(), scene.heard.clone());
        let tearing = async move {
            if circuit.tear_down().await.is_ok() {
                heard.torn_down.fetch_add(1, SeqCst);
            }
        };
        let other = loom::thread::spawn(move || drop(runtime.spawn(tearing).unwrap()));
        scene.tear_down();
        scene.runtime.run_until_stalled();
        other.join().unwrap();
        scene.end();
    });
}

#[test]
fn a_tear_down_meets_a_resume() {
    check(|| {
        let scene = Scene::new(false, true);
        let circuit = scene.circuit();
        let resuming = loom::thread::spawn(move || {
            let status = circuit.resume().err();
            assert!(matches!(status, None | Some(Status::INVALID_PARAMETER)));
        });
        scene.tear_down();
        scene.runtime.run_until_stalled();
        resuming.join().unwrap();
        scene.end();
    });
}

#[test]
fn the_last_handle_goes_while_the_peer_ends_it() {
    check(|| {
        let mut scene = Scene::new(false, false);
        let (circuit, wire) = (scene.circuit.take(), scene.wire.clone());
        let dropping = loom::thread::spawn(move || drop(circuit));
        wire.end(|ended| ended.there = true);
        scene.runtime.run_until_stalled();
        dropping.join().unwrap();
        scene.end();
    });
}

#[test]
fn a_connect_holds_its_parents_or_is_refused_by_them() {
    check(|| {
        let mut scene = Scene::new(false, true);
        drop(scene.circuit.take());
        scene.runtime.run_until_stalled();
        let connection = scene.connection.clone();
        let tearing = loom::thread::spawn(move || connection.tear_down());
        let built = scene.runtime.block_on(scene.connection.build_circuit()).unwrap();
        let torn_down = tearing.join().unwrap();
        match (&built, torn_down) {
            (Ok(_), Err(Status::INVALID_PARAMETER)) | (Err(Status::INVALID_PARAMETER), Ok(())) => {}
            (built, torn_down) => panic!("{:?} {torn_down:?}", built.as_ref().err()),
        }
        drop(built);
        scene.runtime.run_until_stalled();
        assert_eq!(scene.runtime.live_tasks(), 0);
        assert_eq!(scene.address.counts().unwrap().circuits, 0);
    });
}
