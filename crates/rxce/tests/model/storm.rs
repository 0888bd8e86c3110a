//! Several things done to one circuit at once: what may come of it, whatever the order.

use super::sink::{Heard, Journal};
use super::steps::Act;
use executive::mem::Arc;
use executive::sync::SpinLock;
use executive::task::Runtime;
use nt::Status;
use rxce::memory::{MemoryEndpoint, Network};
use rxce::{CircuitId, Endpoint, VirtualCircuit};
use std::time::Duration;

/// What the acts came to.
#[derive(Default)]
pub(crate) struct Gathered {
    pub(crate) accepted: Vec<usize>,
    pub(crate) sends: usize,
    pub(crate) torn_down: usize,
    pub(crate) peer_sent: usize,
}

pub(crate) struct Storm {
    pub(crate) runtime: Runtime,
    pub(crate) circuit: VirtualCircuit<Network>,
    pub(crate) peer: Arc<SpinLock<Option<Arc<MemoryEndpoint>>>>,
    pub(crate) journal: Journal,
    pub(crate) gathered: Arc<SpinLock<Gathered>>,
}

impl Storm {
    /// Does `act` after so many half milliseconds, beside whatever else happens.
    pub(crate) fn begin(self: &std::sync::Arc<Self>, halves: u64, act: Act, tag: usize) {
        let storm = self.clone();
        let acting = async move {
            storm.runtime.sleep(Duration::from_micros(500 * halves)).await;
            storm.act(act, tag).await;
        };
        self.runtime.spawn(acting).unwrap();
    }

    fn asked(&self, id: CircuitId) {
        self.journal.lock().push((id, Heard::Asked));
    }

    async fn act(&self, act: Act, tag: usize) {
        let id = self.circuit.id();
        match act {
            Act::Send(len) => {
                let (data, result) = self.circuit.send(vec![tag as u8; len]).await;
                assert_eq!(data.len(), len, "the buffer comes back");
                assert!(may_end(result, len), "{result:?}");
                self.gathered.lock().sends += 1;
            }
            Act::Submit(len) => match self.circuit.submit(vec![tag as u8; len], tag) {
                Ok(()) => self.gathered.lock().accepted.push(tag),
                Err(status) => assert_eq!(status, Status::CONNECTION_DISCONNECTED),
            },
            Act::Resume => match self.circuit.resume() {
                Ok(()) => {}
                Err(status) => assert_eq!(status, Status::INVALID_PARAMETER),
            },
            Act::Disconnect => match self.circuit.initiate_disconnect() {
                Ok(()) => self.asked(id),
                Err(status) => assert_eq!(status, Status::INVALID_PARAMETER),
            },
            Act::TearDown => {
                self.asked(id);
                self.tear_down().await;
            }
            Act::PeerSend(len) => {
                // Ours alone: the position of what the peer sends must be known.
                let peer = self.peer.lock().clone();
                let first = self.gathered.lock().peer_sent;
                self.gathered.lock().peer_sent += len;
                if let Some(peer) = peer {
                    let _sent = peer.send(peer_bytes(first, len)).await;
                }
            }
            Act::PeerRead(len) => {
                let peer = self.peer.lock().clone();
                if let Some(peer) = peer {
                    let reading = peer.receive(vec![0; len], 0);
                    let _read = self.runtime.timeout(Duration::from_millis(3), reading).await;
                }
            }
            Act::PeerClose => {
                let peer = self.peer.lock().take();
                peer.inspect(|peer| peer.abort());
            }
            Act::PeerReset => {
                let peer = self.peer.lock().take();
                peer.inspect(|peer| peer.reset());
            }
        }
    }

    /// One tear-down succeeds, whoever begins it; after that there is nothing to hear.
    pub(crate) async fn tear_down(&self) {
        match self.circuit.tear_down().await {
            Ok(()) => {
                self.gathered.lock().torn_down += 1;
                self.journal.lock().push((self.circuit.id(), Heard::TornDown));
            }
            Err(status) => assert_eq!(status, Status::INVALID_PARAMETER),
        }
    }
}

/// How a send may end when anything may happen meanwhile.
pub(crate) fn may_end(result: nt::Result<usize>, len: usize) -> bool {
    match result {
        Ok(sent) => sent == len,
        Err(status) => matches!(status, Status::CONNECTION_DISCONNECTED | Status::CONNECTION_RESET),
    }
}

/// What the peer sends: each byte says where it stands.
pub(crate) fn peer_bytes(first: usize, len: usize) -> Vec<u8> {
    (first..first + len).map(|at| (at * 7 + at / 256) as u8).collect()
}
