//! What is done to one circuit.

use super::*;

impl World {
    pub(super) fn on_circuit(&mut self, number: usize, step: &Step) {
        let tag = self.next_tag;
        self.next_tag += 1;
        let Some((_, slot)) = pick(&mut self.circuits, number) else {
            return;
        };
        let Some(real) = slot.real.clone() else { return };
        let CircuitSlot { line, peer, .. } = slot;
        match *step {
            Step::Resume(_) => assert_eq!(real.resume(), line.resume()),
            Step::Send { len, .. } => {
                line.send(tag, len);
                let ended = self.ended.clone();
                let sending = async move {
                    let (data, result) = real.send(vec![tag as u8; len]).await;
                    assert_eq!(data.len(), len, "the buffer comes back");
                    ended.lock().push((tag, result));
                };
                self.runtime.spawn(sending).unwrap();
            }
            Step::Submit { len, .. } => {
                assert_eq!(real.submit(vec![tag as u8; len], tag), line.submit(tag, len));
            }
            Step::Disconnect(_) => assert_eq!(real.initiate_disconnect(), line.disconnect()),
            Step::TearDown(_) => {
                let wanted = line.tear_down();
                assert_eq!(self.runtime.block_on(real.tear_down()).unwrap(), wanted);
            }
            Step::TearDownHalfway(_) => self.tear_down_halfway(number, real),
            Step::Abandon(_) => {
                drop(real);
                if line.waiting.is_empty() {
                    self.abandon(number);
                }
            }
            Step::PeerSend { len, .. } => {
                if let Some(peer) = peer {
                    let _sent = now_or_never(peer.send(peer_bytes(slot.peer_sent, len)));
                    slot.peer_sent += len;
                    line.peer_sends(len);
                }
            }
            Step::PeerRead { len, .. } => self.peer_reads(number, len),
            Step::PeerClose(_) => {
                // Dropping it closes it.
                if peer.take().is_some() {
                    line.peer_ends(Disconnection::Released);
                }
            }
            Step::PeerReset(_) => {
                if let Some(peer) = peer.take() {
                    peer.reset();
                    line.peer_ends(Disconnection::Aborted);
                }
            }
            Step::Break { sending, bytes, .. } => {
                if let Some(peer) = peer {
                    let at = line.break_at(sending, bytes);
                    if sending {
                        peer.break_after_sending(at);
                    } else {
                        peer.break_after_receiving(at);
                    }
                }
            }
            _ => unreachable!("not about a circuit"),
        }
    }

    fn peer_reads(&mut self, number: usize, len: usize) {
        let (_, slot) = pick(&mut self.circuits, number).unwrap();
        let Some(peer) = &slot.peer else { return };
        let Some((data, Ok(count))) = now_or_never(peer.receive(vec![0; len], 0)) else {
            return;
        };
        let unread = &slot.line.to_peer[slot.line.read_by_peer..];
        assert_eq!(data[..count], unread[..len.min(unread.len())]);
        slot.line.peer_reads(count);
    }

    fn tear_down_halfway(&mut self, number: usize, real: VirtualCircuit<Network>) {
        let (_, slot) = pick(&mut self.circuits, number).unwrap();
        let busy = slot.line.is_busy();
        let wanted = slot.line.tear_down();
        match now_or_never(real.tear_down()) {
            Some(result) => {
                assert_eq!(result, wanted);
                assert!(wanted.is_err() || !busy);
            }
            None => {
                assert!(busy);
                assert_eq!(real.state(), State::TearDown);
                drop(real);
                self.abandon(number);
            }
        }
    }

    /// Lets go of the last handle.
    fn abandon(&mut self, number: usize) {
        let (_, slot) = pick(&mut self.circuits, number).unwrap();
        let _torn_down_already = slot.line.tear_down();
        let circuits = &self.connections[slot.connection].circuits;
        let echoing: Vec<_> = std::mem::take(&mut *circuits.lock());
        let others = echoing.into_iter().filter(|(id, _, _)| *id != slot.id);
        let others: Vec<_> = others.collect();
        *circuits.lock() = others;
        slot.real = None;
    }
}
