//! The sinks, and what they have heard.

use super::line::echo_context;
use super::steps::Taste;
use executive::mem::Arc;
use executive::sync::SpinLock;
use nt::Status;
use rxce::memory::Network;
use rxce::{CircuitId, ConnectionEvents, Disconnection, Indication, VirtualCircuit};

/// Bytes of every circuit's receive buffer.
pub(crate) const RECEIVE_BUFFER: usize = 64;
/// Bytes of the buffer that [`Taste::Fills`] offers.
pub(crate) const FILL: usize = 10;

#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Heard {
    /// Bytes that the sink has taken.
    Took(Vec<u8>),
    Ended(Disconnection),
    Failed(Status),
    Submitted(usize),
    Completed(usize, nt::Result<usize>),
    /// The sink itself has submitted a send.
    Echoed(usize),
    /// This side has asked for a disconnect or a tear-down.
    Asked,
    /// A tear-down has returned.
    TornDown,
}

/// What a connection's sink has heard, on all circuits.
pub(crate) type Journal = Arc<SpinLock<Vec<(CircuitId, Heard)>>>;

/// The circuits that a sink may submit on, each with how often it has.
pub(crate) type Circuits = Arc<SpinLock<Vec<(CircuitId, VirtualCircuit<Network>, usize)>>>;

pub(crate) struct Sink {
    pub(crate) taste: Taste,
    pub(crate) journal: Journal,
    pub(crate) circuits: Circuits,
}

impl Sink {
    fn hear(&self, circuit: CircuitId, heard: Heard) {
        self.journal.lock().push((circuit, heard));
    }

    fn echo(&self, id: CircuitId, data: &[u8]) {
        let found = {
            let mut circuits = self.circuits.lock();
            let found = circuits.iter_mut().find(|(known, _, _)| *known == id);
            found.map(|(_, circuit, count)| {
                *count += 1;
                (circuit.clone(), echo_context(*count - 1))
            })
        };
        if let Some((circuit, context)) = found {
            let tagged = vec![context as u8; data.len()];
            if circuit.submit(tagged, context).is_ok() {
                self.hear(id, Heard::Echoed(context));
            }
        }
    }
}

impl ConnectionEvents for Sink {
    fn receive(&self, circuit: CircuitId, data: &[u8]) -> Indication {
        assert!((1..=RECEIVE_BUFFER).contains(&data.len()));
        let taken = match self.taste {
            Taste::Refuses => return Indication::Part(0),
            Taste::Halves => data.len().div_ceil(2),
            Taste::Takes | Taste::Fills | Taste::Echoes | Taste::Quits => data.len(),
        };
        self.hear(circuit, Heard::Took(data[..taken].to_vec()));
        match self.taste {
            Taste::Fills => return Indication::Fill(vec![0; FILL]),
            Taste::Echoes => self.echo(circuit, data),
            Taste::Quits => return Indication::Last,
            Taste::Takes | Taste::Halves | Taste::Refuses => {}
        }
        if taken == data.len() {
            Indication::Taken
        } else {
            Indication::Part(taken)
        }
    }

    fn data_ready(&self, circuit: CircuitId, buffer: Vec<u8>, filled: usize, status: Status) {
        assert_eq!(buffer.len(), FILL);
        assert_eq!(status.is_success(), filled == FILL);
        self.hear(circuit, Heard::Took(buffer[..filled].to_vec()));
    }

    fn disconnect(&self, circuit: CircuitId, how: Disconnection) {
        self.hear(circuit, Heard::Ended(how));
    }

    fn error(&self, circuit: CircuitId, status: Status) {
        self.hear(circuit, Heard::Failed(status));
    }

    fn send_submitted(&self, circuit: CircuitId, context: usize) {
        self.hear(circuit, Heard::Submitted(context));
    }

    fn send_complete(&self, circuit: CircuitId, context: usize, data: Vec<u8>, result: nt::Result<usize>) {
        assert!(data.iter().all(|&byte| byte == context as u8), "another's buffer");
        self.hear(circuit, Heard::Completed(context, result));
    }
}
