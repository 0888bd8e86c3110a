//! Sending 64 KiB at a time over TCP on loopback: the engine beside a bare socket, in turns.

use crate::{Row, median};
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
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Instant;

const BLOCK: usize = 64 * 1024;
/// Blocks of one turn: 8 MiB. Turns are short, so that whatever else the machine does meets all of them alike.
const BLOCKS: usize = 128;
const ROUNDS: usize = 400;
/// Sends that are submitted and not complete.
const DEPTH: usize = 8;

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

/// Submits the next block when one has been sent, as whoever keeps several under way does.
struct Events {
    /// The circuit, and blocks that are still to be submitted.
    left: Mutex<(Option<VirtualCircuit<Sockets>>, usize)>,
    answered: Sender<()>,
}

impl Events {
    fn submit(&self, block: Vec<u8>) {
        let mut left = self.left.lock().unwrap();
        if let (Some(circuit), more @ 1..) = &mut *left {
            *more -= 1;
            circuit.submit(block, 0).unwrap();
        }
    }
}

struct Ear(Arc<Events>);

impl ConnectionEvents for Ear {
    fn receive(&self, _: CircuitId, _: &[u8]) -> Indication {
        self.0.answered.send(()).unwrap();
        Indication::Taken
    }
    fn data_ready(&self, _: CircuitId, _: Vec<u8>, _: usize, _: Status) {}
    fn disconnect(&self, _: CircuitId, _: Disconnection) {}
    fn error(&self, _: CircuitId, _: Status) {}
    fn send_complete(&self, _: CircuitId, _: usize, data: Vec<u8>, result: nt::Result<usize>) {
        assert_eq!(result, Ok(BLOCK));
        self.0.submit(data);
    }
}

fn submitted(events: &Events, blocks: &[Vec<u8>], answered: &Receiver<()>) -> f64 {
    let blocks = blocks.to_vec();
    events.left.lock().unwrap().1 = BLOCKS;
    let start = Instant::now();
    for block in blocks {
        events.submit(block);
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

/// What the rounds came to: each is set beside the bare socket's turns right before and right after it.
#[derive(Default)]
struct Turns {
    seconds: Vec<f64>,
    ratios: Vec<f64>,
}

impl Turns {
    fn note(&mut self, before: f64, took: f64, after: f64) {
        self.seconds.push(took);
        self.ratios.push(f64::midpoint(before, after) / took);
    }

    fn row(self, what: String, wanted: &'static str) -> Row {
        Row {
            what,
            value: rate(median(self.seconds)),
            ratio: Some((median(self.ratios), wanted)),
        }
    }
}

fn rate(seconds: f64) -> String {
    format!("{:.2} GB/s", (BLOCKS * BLOCK) as f64 / seconds / 1e9)
}

pub(crate) fn bench(rows: &mut Vec<Row>) {
    let server = sink();
    let runtime = Runtime::start(2).unwrap();
    let name = NameBuf::try_from_str("bench").unwrap();
    let binding = Binding::build(&runtime, Sockets, name.as_name(), 0).unwrap();
    let address = Address::build(&binding, None).unwrap();
    let (answers, answered) = mpsc::channel();
    let events = Arc::new(Events {
        left: Mutex::default(),
        answered: answers,
    });
    let ear = Box::new(Ear(events.clone()));
    let building = Connection::build(&address, server, ConnectOptions::default(), ear);
    let (connection, circuit) = runtime.block_on(building).unwrap().unwrap();
    events.left.lock().unwrap().0 = Some(circuit.clone());
    let blocks = vec![vec![1; BLOCK]; DEPTH];
    let mut stream = TcpStream::connect(server).unwrap();
    stream.set_nodelay(true).unwrap();
    let block = vec![1; BLOCK];
    let (mut bares, mut submits, mut awaits) = (Vec::new(), Turns::default(), Turns::default());
    for round in 0..=ROUNDS {
        let before = bare(&mut stream, &block);
        let submitting = submitted(&events, &blocks, &answered);
        let between = bare(&mut stream, &block);
        let awaiting = awaited(&runtime, &circuit, block.clone(), &answered);
        let after = bare(&mut stream, &block);
        // The first round warms up.
        if round > 0 {
            bares.push(between);
            submits.note(before, submitting, between);
            awaits.note(between, awaiting, after);
        }
    }
    rows.push(Row {
        what: "64 KiB sends, a bare socket".into(),
        value: rate(median(bares)),
        ratio: None,
    });
    rows.push(submits.row(format!("64 KiB sends, submitted, {DEPTH} at a time"), "≥ 0.95"));
    rows.push(awaits.row("64 KiB sends, each awaited".into(), "≥ 0.95"));
    events.left.lock().unwrap().0 = None;
    runtime.block_on(circuit.tear_down()).unwrap().unwrap();
    connection.tear_down().unwrap();
    runtime.shutdown();
}
