//! Sending 64 KiB at a time over TCP on loopback: the engine beside a bare socket, in turns.

use crate::Row;
use executive::task::Runtime;
use nt::{NameBuf, Status};
use rxce::sockets::Sockets;
use rxce::{
    Address, Binding, CircuitId, ConnectOptions, Connection, ConnectionEvents, Disconnection, Indication,
    VirtualCircuit,
};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::Instant;

const BLOCK: usize = 64 * 1024;
/// Blocks of one measurement: 64 MiB.
const BLOCKS: usize = 1024;
const ROUNDS: usize = 40;
/// Sends that are submitted and not complete.
const DEPTH: usize = 4;

/// A server that takes `BLOCKS` blocks on each connection, answers with one byte, and so on.
fn sink() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            thread::spawn(move || {
                let mut buffer = vec![0; 4 * BLOCK];
                let mut left = BLOCKS * BLOCK;
                while let Ok(count @ 1..) = stream.read(&mut buffer) {
                    left -= count;
                    if left == 0 {
                        stream.write_all(&[1]).unwrap();
                        left = BLOCKS * BLOCK;
                    }
                }
            });
        }
    });
    address
}

fn bare(stream: &mut TcpStream, block: &[u8]) -> f64 {
    let start = Instant::now();
    for _ in 0..BLOCKS {
        stream.write_all(block).unwrap();
    }
    stream.read_exact(&mut [0]).unwrap();
    start.elapsed().as_secs_f64()
}

struct Events {
    /// Blocks come back through here.
    freed: Sender<Vec<u8>>,
    answered: Sender<()>,
}

impl ConnectionEvents for Events {
    fn receive(&self, _: CircuitId, _: &[u8]) -> Indication {
        self.answered.send(()).unwrap();
        Indication::Taken
    }
    fn data_ready(&self, _: CircuitId, _: Vec<u8>, _: usize, _: Status) {}
    fn disconnect(&self, _: CircuitId, _: Disconnection) {}
    fn error(&self, _: CircuitId, _: Status) {}
    fn send_complete(&self, _: CircuitId, _: usize, data: Vec<u8>, result: nt::Result<usize>) {
        assert_eq!(result, Ok(BLOCK));
        // Nobody waits for the last ones.
        let _unwanted = self.freed.send(data);
    }
}

fn submitted(circuit: &VirtualCircuit<Sockets>, free: &Receiver<Vec<u8>>, answered: &Receiver<()>) -> f64 {
    let start = Instant::now();
    for number in 0..BLOCKS {
        circuit.submit(free.recv().unwrap(), number).unwrap();
    }
    answered.recv().unwrap();
    start.elapsed().as_secs_f64()
}

fn awaited(
    runtime: &Runtime,
    circuit: &VirtualCircuit<Sockets>,
    mut block: Vec<u8>,
    answered: &Receiver<()>,
) -> f64 {
    let start = Instant::now();
    let sending = async {
        for _ in 0..BLOCKS {
            let (back, sent) = circuit.send(block).await;
            assert_eq!(sent, Ok(BLOCK));
            block = back;
        }
    };
    runtime.block_on(sending).unwrap();
    answered.recv().unwrap();
    start.elapsed().as_secs_f64()
}

/// The undisturbed one: what else the machine does only ever makes it slower.
fn best(of: Vec<f64>) -> f64 {
    of.into_iter().fold(f64::INFINITY, f64::min)
}

pub(crate) fn bench(rows: &mut Vec<Row>) {
    let server = sink();
    let runtime = Runtime::start(2).unwrap();
    let name = NameBuf::try_from_str("bench").unwrap();
    let binding = Binding::build(&runtime, Sockets, name.as_name(), 0).unwrap();
    let address = Address::build(&binding, None).unwrap();
    let ((freed, free), (answers, answered)) = (mpsc::channel(), mpsc::channel());
    for _ in 0..DEPTH {
        freed.send(vec![1; BLOCK]).unwrap();
    }
    let events = Box::new(Events {
        freed,
        answered: answers,
    });
    let building = Connection::build(&address, server, ConnectOptions::default(), events);
    let (connection, circuit) = runtime.block_on(building).unwrap().unwrap();
    let mut stream = TcpStream::connect(server).unwrap();
    stream.set_nodelay(true).unwrap();
    let block = vec![1; BLOCK];
    let (mut bares, mut submits, mut awaits) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..=ROUNDS {
        let took = [
            thread::scope(|scope| scope.spawn(|| bare(&mut stream, &block)).join().unwrap()),
            submitted(&circuit, &free, &answered),
            awaited(&runtime, &circuit, block.clone(), &answered),
        ];
        // The first round warms up.
        if round > 0 {
            bares.push(took[0]);
            submits.push(took[1]);
            awaits.push(took[2]);
        }
    }
    let [bare, submits, awaits] = [bares, submits, awaits].map(best);
    let rate = |seconds: f64| format!("{:.2} GB/s", (BLOCKS * BLOCK) as f64 / seconds / 1e9);
    rows.push(Row {
        what: "64 KiB sends, a bare socket".into(),
        value: rate(bare),
        ratio: None,
    });
    rows.push(Row {
        what: format!("64 KiB sends, submitted, {DEPTH} at a time"),
        value: rate(submits),
        ratio: Some((bare / submits, "≥ 0.95")),
    });
    rows.push(Row {
        what: "64 KiB sends, each awaited".into(),
        value: rate(awaits),
        ratio: Some((bare / awaits, "")),
    });
    runtime.block_on(circuit.tear_down()).unwrap().unwrap();
    connection.tear_down().unwrap();
    runtime.shutdown();
}
