//! The engine on a network that does its worst.

use executive::mem::{Arc, Counting, TryVec, TryZeroed, sweep, try_box};
use executive::sync::{Event, Reset, SpinLock};
use executive::task::{Runtime, oneshot, select};
use executive::time::Instant;
use nt::{NameBuf, Status};
use rxce::memory::{Link, MemoryEndpoint, Network};
use rxce::state::State;
use rxce::{
    Address, AddressEvents, Attempt, Binding, CircuitId, ConnectOptions, Connection, ConnectionEvents,
    Counts, DatagramAddress, Disconnection, Endpoint, Indication, Selection, VirtualCircuit, race,
};
use std::alloc::System;
use std::net::SocketAddr;
use std::time::Duration;

#[global_allocator]
static POOL: Counting<System> = Counting::new(System);

fn at(port: u16) -> SocketAddr {
    SocketAddr::from(([10, 0, 0, 1], port))
}

fn open(runtime: &Runtime, network: &Network) -> nt::Result<(Binding<Network>, Address<Network>)> {
    let name = NameBuf::try_from_str("net")?;
    let binding = Binding::build(runtime, network.clone(), name.as_name(), 3)?;
    let address = Address::build(&binding, None)?;
    Ok((binding, address))
}

fn options(seconds: u64) -> ConnectOptions {
    ConnectOptions {
        deadline: Duration::from_secs(seconds),
        ..ConnectOptions::default()
    }
}

/// A sink that hears nothing.
struct Deaf;

impl ConnectionEvents for Deaf {
    fn receive(&self, _: CircuitId, _: &[u8]) -> Indication {
        Indication::Taken
    }
    fn data_ready(&self, _: CircuitId, _: Vec<u8>, _: usize, _: Status) {}
    fn disconnect(&self, _: CircuitId, _: Disconnection) {}
    fn error(&self, _: CircuitId, _: Status) {}
}

#[test]
fn a_host_that_never_answers_costs_the_deadline() {
    let runtime = Runtime::simulated(1).unwrap();
    let network = Network::new(&runtime).unwrap();
    network.swallow(at(1)).unwrap();
    let (binding, address) = open(&runtime, &network).unwrap();
    let built = runtime
        .block_on(Connection::build(&address, at(1), options(7), Box::new(Deaf)))
        .unwrap();
    assert_eq!(built.err(), Some(Status::IO_TIMEOUT));
    assert_eq!(runtime.now(), Instant::ORIGIN + Duration::from_secs(7));
    assert_eq!(address.counts(), Ok(Counts::default()));
    address.tear_down().unwrap();
    binding.tear_down().unwrap();
    assert_eq!(
        Address::build(&binding, None).err(),
        Some(Status::INVALID_PARAMETER)
    );
}

#[test]
fn a_narrow_link_delivers_in_pieces_and_in_its_time() {
    let runtime = Runtime::simulated(1).unwrap();
    let network = Network::new(&runtime).unwrap();
    network.set_link(Link {
        latency: Duration::from_millis(10),
        window: 1 << 20,
        bandwidth: 1000,
        piece: 100,
    });
    let listener = network.listen(at(1)).unwrap();
    let (_binding, address) = open(&runtime, &network).unwrap();
    let building = Connection::build(&address, at(1), options(5), Box::new(Deaf));
    let (_connection, circuit) = runtime.block_on(building).unwrap().unwrap();
    let server = runtime.block_on(listener.accept()).unwrap();
    let began = runtime.now();
    let sent = runtime.block_on(circuit.send(vec![7; 250])).unwrap();
    assert_eq!(sent.1, Ok(250));
    for (count, after) in [(100, 110), (100, 210), (50, 260)] {
        let (_, got) = runtime.block_on(server.receive(vec![0; 1000], 0)).unwrap();
        assert_eq!(got, Ok(count));
        let took = runtime.now().saturating_since(began);
        assert_eq!(took, Duration::from_millis(after));
    }
    runtime.block_on(circuit.tear_down()).unwrap().unwrap();
}

#[test]
fn a_silent_address_does_not_hold_up_the_next() {
    let runtime = Runtime::simulated(1).unwrap();
    let network = Network::new(&runtime).unwrap();
    network.swallow(at(1)).unwrap();
    let listener = network.listen(at(2)).unwrap();
    let (_binding, address) = open(&runtime, &network).unwrap();
    // Silent, silent, refused, and then one that answers; the good one is not passed over for those behind it.
    let remotes = [at(1), at(1), at(9), at(2), at(9), at(1)];
    let building = Connection::build_any(&address, &remotes, options(30), Box::new(Deaf));
    let (connection, circuit) = runtime.block_on(building).unwrap().unwrap();
    assert_eq!(connection.remote(), at(2));
    // Two head starts of 250 ms, a refusal and a connect.
    let took = runtime.now().saturating_since(Instant::ORIGIN);
    assert!(took >= Duration::from_millis(500), "{took:?}");
    assert!(took < Duration::from_millis(600), "{took:?}");
    runtime.block_on(circuit.tear_down()).unwrap().unwrap();
    drop(listener);
}

#[test]
fn the_last_refusal_is_the_answer_when_no_address_is_left() {
    let runtime = Runtime::simulated(1).unwrap();
    let network = Network::new(&runtime).unwrap();
    network.swallow(at(1)).unwrap();
    let (_binding, address) = open(&runtime, &network).unwrap();
    for (remotes, status) in [
        (vec![at(8), at(9)], Status::CONNECTION_REFUSED),
        (vec![at(1), at(9)], Status::IO_TIMEOUT),
        (vec![], Status::INVALID_PARAMETER),
    ] {
        let building = Connection::build_any(&address, &remotes, options(5), Box::new(Deaf));
        assert_eq!(runtime.block_on(building).unwrap().err(), Some(status));
        assert_eq!(address.counts(), Ok(Counts::default()));
    }
}

#[test]
fn a_build_that_nobody_waits_for_leaves_nothing() {
    let runtime = Runtime::simulated(1).unwrap();
    let network = Network::new(&runtime).unwrap();
    let listener = network.listen(at(1)).unwrap();
    let (_binding, address) = open(&runtime, &network).unwrap();
    for us in [0, 50, 99, 100, 101] {
        let building = Connection::build(&address, at(1), options(5), Box::new(Deaf));
        let given_up = runtime.sleep(Duration::from_micros(us));
        runtime.block_on(select(given_up, building)).map(drop).unwrap();
        runtime.run_until_stalled();
        assert_eq!(address.counts(), Ok(Counts::default()), "given up after {us} us");
    }
    drop(listener);
}

/// Counts what it hears.
#[derive(Default)]
struct Heard {
    bytes: Vec<u8>,
    disconnects: Vec<Disconnection>,
    errors: usize,
}

struct Ear(Arc<SpinLock<Heard>>);

impl ConnectionEvents for Ear {
    fn receive(&self, _: CircuitId, data: &[u8]) -> Indication {
        self.0.lock().bytes.extend_from_slice(data);
        Indication::Taken
    }
    fn data_ready(&self, _: CircuitId, _: Vec<u8>, _: usize, _: Status) {}
    fn disconnect(&self, _: CircuitId, how: Disconnection) {
        self.0.lock().disconnects.push(how);
    }
    fn error(&self, _: CircuitId, _: Status) {
        self.0.lock().errors += 1;
    }
}

#[test]
fn a_break_at_any_byte_is_told_once() {
    const LEN: usize = 40;
    let message: Vec<u8> = (0..LEN as u8).collect();
    for breaks_at in 1..=LEN {
        for from_server in [false, true] {
            let runtime = Runtime::simulated(breaks_at as u64).unwrap();
            let network = Network::new(&runtime).unwrap();
            let listener = network.listen(at(1)).unwrap();
            let echoing = async move {
                let endpoint: MemoryEndpoint = listener.accept().await;
                if from_server {
                    endpoint.break_after_sending(breaks_at as u64);
                } else {
                    endpoint.break_after_receiving(breaks_at as u64);
                }
                while let (data, Ok(count @ 1..)) = endpoint.receive(vec![0; 16], 0).await {
                    if endpoint.send(data[..count].to_vec()).await.1.is_err() {
                        break;
                    }
                }
            };
            runtime.spawn(echoing).unwrap();
            let (binding, address) = open(&runtime, &network).unwrap();
            let heard = Arc::try_new(SpinLock::new(Heard::default())).unwrap();
            let building = Connection::build(&address, at(1), options(5), Box::new(Ear(heard.clone())));
            let (connection, circuit) = runtime.block_on(building).unwrap().unwrap();
            runtime.advance(Duration::from_millis(1));
            let _broken = runtime.block_on(circuit.send(message.clone())).unwrap();
            runtime.advance(Duration::from_secs(1));
            {
                let heard = heard.lock();
                assert_eq!(heard.disconnects, [Disconnection::Aborted], "byte {breaks_at}");
                assert_eq!(heard.errors, 0);
                assert_eq!(heard.bytes, message[..heard.bytes.len()]);
                assert!(heard.bytes.len() <= breaks_at);
            }
            assert_eq!(circuit.state(), State::Disconnected);
            runtime.block_on(circuit.tear_down()).unwrap().unwrap();
            connection.tear_down().unwrap();
            address.tear_down().unwrap();
            binding.tear_down().unwrap();
            runtime.cancel_all();
            runtime.shutdown();
            assert_eq!(heard.lock().disconnects.len(), 1);
        }
    }
}

/// A sink whose `receive` takes its time.
struct Slow {
    entered: Event,
    may_leave: Event,
    left: SpinLock<bool>,
}

struct SlowSink(Arc<Slow>);

impl ConnectionEvents for SlowSink {
    fn receive(&self, _: CircuitId, _: &[u8]) -> Indication {
        self.0.entered.set();
        self.0.may_leave.wait();
        *self.0.left.lock() = true;
        Indication::Taken
    }
    fn data_ready(&self, _: CircuitId, _: Vec<u8>, _: usize, _: Status) {}
    fn disconnect(&self, _: CircuitId, _: Disconnection) {}
    fn error(&self, _: CircuitId, _: Status) {}
}

#[test]
fn tear_down_waits_for_the_callback_that_runs() {
    let runtime = Runtime::start(2).unwrap();
    let network = Network::new(&runtime).unwrap();
    let listener = network.listen(at(1)).unwrap();
    let (_binding, address) = open(&runtime, &network).unwrap();
    let slow = Slow {
        entered: Event::try_new(Reset::Manual).unwrap(),
        may_leave: Event::try_new(Reset::Manual).unwrap(),
        left: SpinLock::new(false),
    };
    let slow = Arc::try_new(slow).unwrap();
    let building = Connection::build(&address, at(1), options(5), Box::new(SlowSink(slow.clone())));
    let (_connection, circuit) = runtime.block_on(building).unwrap().unwrap();
    let server = runtime.block_on(listener.accept()).unwrap();
    runtime.block_on(server.send(vec![1])).unwrap().1.unwrap();
    slow.entered.wait();
    let (done, torn_down) = oneshot().unwrap();
    let watched = slow.clone();
    let tearing = async move {
        let result = circuit.tear_down().await;
        let left = *watched.left.lock();
        done.send((result, left)).unwrap();
    };
    runtime.spawn(tearing).unwrap();
    slow.may_leave.set();
    assert_eq!(runtime.block_on(torn_down), Ok(Ok((Ok(()), true))));
    runtime.shutdown();
}

/// A sink that wants what follows the first bytes in a buffer of its own.
struct Hungry;

impl ConnectionEvents for Hungry {
    fn receive(&self, _: CircuitId, _: &[u8]) -> Indication {
        Vec::try_zeroed(8).map_or(Indication::Taken, Indication::Fill)
    }
    fn data_ready(&self, _: CircuitId, _: Vec<u8>, _: usize, _: Status) {}
    fn disconnect(&self, _: CircuitId, _: Disconnection) {}
    fn error(&self, _: CircuitId, _: Status) {}
}

/// Everything a mini-redirector does with the engine, on memory that may run out.
fn a_life(runtime: &Runtime) -> nt::Result {
    let network = Network::new(runtime)?;
    let listener = network.listen(at(1))?;
    network.swallow(at(3))?;
    let (binding, address) = open(runtime, &network)?;
    // The silent one has its head start, and is called off.
    let remotes = [at(3), at(1)];
    let building = Connection::build_any(&address, &remotes, options(5), try_box(Hungry)?);
    let (connection, circuit) = runtime.block_on(building)??;
    let server = runtime.block_on(listener.accept())?;
    let second: VirtualCircuit<Network> = runtime.block_on(connection.build_circuit())??;
    let (data, sent) = runtime.block_on(circuit.send(Vec::try_zeroed(1000)?))?;
    let submitted = second.submit(data, 1);
    // What the other side does is not under test; when there is no memory to wait with, it sends nothing.
    let _served = runtime.block_on(server.send(Vec::try_zeroed(20)?))?;
    runtime.advance(Duration::from_millis(1));
    let posted = a_datagram(runtime, &binding);
    let disconnected = second.initiate_disconnect();
    runtime.block_on(second.tear_down())??;
    drop(server);
    runtime.advance(Duration::from_millis(1));
    runtime.block_on(circuit.tear_down())??;
    connection.tear_down()?;
    let raced = [Selection::First, Selection::Best, Selection::All].map(|by| a_race(runtime, &address, by));
    // A circuit that could not be torn down for want of memory goes by itself.
    runtime.run_until_stalled();
    address.tear_down()?;
    binding.tear_down()?;
    drop(listener);
    sent.map(drop).and(submitted).and(disconnected).and(posted)?;
    raced.into_iter().collect()
}

/// Hears nothing of datagrams.
struct Unread;

impl AddressEvents for Unread {
    fn receive(&self, _: SocketAddr, _: &[u8]) {}
    fn error(&self, _: Status) {}
    fn send_complete(&self, _: usize, _: nt::Result<usize>) {}
}

/// From one address to another, both of which go again.
fn a_datagram(runtime: &Runtime, binding: &Binding<Network>) -> nt::Result {
    let open = |port| -> nt::Result<DatagramAddress<Network>> {
        let building = DatagramAddress::build(binding, at(port), try_box(Unread)?);
        runtime.block_on(building)?
    };
    let one = open(100)?;
    let two = open(0);
    let sent = Vec::try_zeroed(20)
        .map_err(Status::from)
        .and_then(|data| one.submit(data, at(100), 1));
    runtime.advance(Duration::from_millis(1));
    // The one is torn down, the other goes with its handle; both go so when there is no memory.
    let closed = two.and_then(|two| runtime.block_on(two.tear_down())?);
    drop(one);
    runtime.run_until_stalled();
    sent.and(closed)
}

/// Two ways that both succeed and one that does not; whoever wins is used and torn down.
fn a_race(runtime: &Runtime, address: &Address<Network>, selection: Selection) -> nt::Result {
    let mut attempts = Vec::try_with_room(3)?;
    for (rank, port) in [(0, 9), (2, 1), (1, 1)] {
        let mut remotes = Vec::try_with_room(2)?;
        remotes.try_extend_from_slice(&[at(9), at(port)])?;
        attempts.try_push(Attempt {
            address: address.clone(),
            remotes,
            rank,
            events: try_box(Deaf)?,
        })?;
    }
    let winners = match runtime.block_on(race(attempts, selection, options(2)))? {
        Ok(winners) => winners,
        // The last to fail was not the one that failed for memory.
        Err(Status::CONNECTION_REFUSED) => return Err(Status::INSUFFICIENT_RESOURCES),
        Err(status) => return Err(status),
    };
    assert!(winners.len() <= if selection == Selection::All { 2 } else { 1 });
    let mut result = Ok(());
    for winner in &winners {
        let used = winner
            .circuit
            .resume()
            .and_then(|()| winner.circuit.submit(Vec::try_zeroed(10)?, 0));
        result = result.and(used);
        runtime.block_on(winner.circuit.tear_down())??;
        winner.connection.tear_down()?;
    }
    result
}

#[test]
fn every_failed_allocation_is_reported_and_leaks_nothing() {
    let body = || -> nt::Result {
        let runtime = Runtime::simulated(1)?;
        let result = a_life(&runtime);
        runtime.run_until_stalled();
        let left = runtime.live_tasks();
        runtime.cancel_all();
        runtime.shutdown();
        assert_eq!(left, 0, "no pump outlives its handles");
        result
    };
    let mut survived = 0;
    let swept = sweep(body, |run, result| {
        assert_eq!(run.leaked, 0, "{run:?}: {result:?}");
        match result {
            Ok(()) => survived += u64::from(run.failed),
            Err(status) => assert_eq!(status, Status::INSUFFICIENT_RESOURCES, "{run:?}"),
        }
        assert!(run.failed || result.is_ok(), "{run:?}");
    });
    assert!(swept.failures > 150, "{swept:?}");
    let (failures, reported) = (swept.failures, swept.failures - survived);
    println!(
        "sweep: {failures} allocations of the engine failed in turn: {reported} reported, {survived} survived"
    );
}
