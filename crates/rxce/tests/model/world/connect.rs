//! Connections and circuits being built.

use super::*;

impl World {
    fn new_sink(taste: Taste) -> (Journal, Circuits, Box<dyn ConnectionEvents>) {
        let journal: Journal = Arc::try_new(SpinLock::new(Vec::new())).unwrap();
        let circuits: Circuits = Arc::try_new(SpinLock::new(Vec::new())).unwrap();
        let sink = Sink {
            taste,
            journal: journal.clone(),
            circuits: circuits.clone(),
        };
        (journal, circuits, Box::new(sink))
    }

    fn options(deadline_ms: u64, paused: bool) -> ConnectOptions {
        ConnectOptions {
            deadline: Duration::from_millis(deadline_ms),
            receive_buffer: RECEIVE_BUFFER,
            paused,
        }
    }

    /// What the model says of one way, and whether the address takes part at all.
    fn forecast(&mut self, way: &Way, deadline_ms: u64) -> (usize, connecting::Outcome) {
        let (at, slot) = pick(&mut self.addresses, way.address).unwrap();
        let outcome = if slot.standing {
            let family = slot.local.map(|local| local.is_ipv4());
            connecting::attempt(way.places(), family, deadline_ms)
        } else {
            (Err(Status::INVALID_PARAMETER), 0)
        };
        (at, outcome)
    }

    fn is_full(&self) -> bool {
        self.connections.len() > 8 || self.circuits.len() > 10
    }

    pub(super) fn connect(&mut self, way: &Way, deadline_ms: u64, paused: bool) {
        if self.is_full() {
            return;
        }
        let (at, (outcome, after_ms)) = self.forecast(way, deadline_ms);
        let address = self.addresses[at].real.clone();
        let (journal, circuits, sink) = Self::new_sink(way.taste);
        let remotes: Vec<_> = way.places().iter().map(|place| place.address()).collect();
        let options = Self::options(deadline_ms, paused);
        let started = self.runtime.now();
        if after_ms > 0 {
            // While it connects, its address stays.
            let (runtime, address) = (self.runtime.clone(), address.clone());
            let trying = async move {
                runtime.sleep(Duration::from_micros(500)).await;
                assert_eq!(address.tear_down(), INVALID);
            };
            self.runtime.spawn(trying).unwrap();
        }
        let building = Connection::build_any(&address, &remotes, options, sink);
        let built = self.runtime.block_on(building).unwrap();
        let took = self.runtime.now().saturating_since(started);
        assert_eq!(took, Duration::from_millis(after_ms));
        assert_eq!(built.as_ref().err(), outcome.as_ref().err());
        let (Ok((real, circuit)), Ok(remote)) = (built, outcome) else {
            return;
        };
        assert_eq!(real.remote(), remote.address());
        self.connections.push(ConnectionSlot {
            real,
            address: at,
            taste: way.taste,
            paused,
            journal,
            circuits,
            standing: true,
        });
        let peer = self.accepted().pop().unwrap();
        self.add_circuit(self.connections.len() - 1, circuit, peer);
    }

    pub(super) fn give_up(&mut self, way: &Way, after_ms: u64) {
        let (at, (_, needs_ms)) = self.forecast(way, 5000);
        let address = self.addresses[at].real.clone();
        let (journal, _, sink) = Self::new_sink(way.taste);
        let remotes: Vec<_> = way.places().iter().map(|place| place.address()).collect();
        let building = Connection::build_any(&address, &remotes, Self::options(5000, false), sink);
        let given_up = self.runtime.sleep(Duration::from_micros(after_ms * 1000 + 500));
        match self.runtime.block_on(select(given_up, building)).unwrap() {
            Either::Left(()) => assert!(after_ms < needs_ms),
            // Dropped at once: it goes with its last handles, and tells nobody.
            Either::Right(_) => assert!(needs_ms <= after_ms),
        }
        self.accepted();
        self.runtime.advance(SETTLE);
        assert_eq!(*journal.lock(), []);
    }

    pub(super) fn race(&mut self, ways: &[Way], selection: Selection) {
        if self.is_full() {
            return;
        }
        let mut attempts = Vec::new();
        let mut sinks = Vec::new();
        let mut outcomes = Vec::new();
        for way in ways {
            let (at, outcome) = self.forecast(way, 1000);
            let (journal, circuits, events) = Self::new_sink(way.taste);
            attempts.push(Attempt {
                address: self.addresses[at].real.clone(),
                remotes: way.places().iter().map(|place| place.address()).collect(),
                rank: way.rank,
                events,
            });
            sinks.push((at, journal, circuits));
            outcomes.push(outcome);
        }
        let prize = connecting::race(ways, &outcomes, selection);
        let started = self.runtime.now();
        let racing = race(attempts, selection, Self::options(1000, false));
        let raced = self.runtime.block_on(racing).unwrap();
        let took = self.runtime.now().saturating_since(started);
        assert_eq!(took, Duration::from_millis(prize.after_ms));
        let winners = match raced {
            Ok(winners) => winners,
            Err(status) => {
                assert!(prize.statuses.contains(&status), "{status:?}");
                return;
            }
        };
        let kept: Vec<usize> = winners.iter().map(|winner| winner.index).collect();
        assert!(prize.kept.contains(&kept), "{kept:?}");
        let mut peers = self.matched(winners.iter().map(|winner| &winner.circuit));
        for winner in winners.into_iter().rev() {
            let (address, journal, circuits) = sinks.swap_remove(winner.index);
            let remote = outcomes[winner.index].0.unwrap();
            assert_eq!(winner.connection.remote(), remote.address());
            self.connections.push(ConnectionSlot {
                real: winner.connection,
                address,
                taste: ways[winner.index].taste,
                paused: true,
                journal,
                circuits,
                standing: true,
            });
            let peer = peers.pop().unwrap();
            let circuit = self.connections.len() - 1;
            self.add_circuit(circuit, winner.circuit, peer);
            let line = &mut self.circuits.last_mut().unwrap().line;
            line.to_peer.extend([0xee; 2]);
            line.read_by_peer = 2;
        }
        for (_, journal, _) in sinks {
            assert_eq!(*journal.lock(), [], "losers hear nothing");
        }
    }

    pub(super) fn build_circuit(&mut self, number: usize) {
        if self.is_full() {
            return;
        }
        let Some((at, slot)) = pick(&mut self.connections, number) else {
            return;
        };
        let (real, standing) = (slot.real.clone(), slot.standing);
        match self.runtime.block_on(real.build_circuit()).unwrap() {
            Ok(circuit) => {
                assert!(standing);
                let peer = self.accepted().pop().unwrap();
                self.add_circuit(at, circuit, peer);
            }
            Err(status) => assert_eq!((status, standing), (Status::INVALID_PARAMETER, false)),
        }
    }

    /// The other ends of whatever has been connected.
    fn accepted(&self) -> Vec<MemoryEndpoint> {
        let accept = |listener| std::iter::from_fn(move || now_or_never(Listener::accept(listener)));
        self.listeners.iter().flat_map(accept).collect()
    }

    /// The other ends of `circuits`, in their order: each is told who it is.
    fn matched<'a>(
        &self,
        circuits: impl Iterator<Item = &'a VirtualCircuit<Network>>,
    ) -> Vec<MemoryEndpoint> {
        let mut strangers = self.accepted();
        let matched = circuits.map(|circuit| {
            let hello = self.runtime.block_on(circuit.send(vec![0xee; 2])).unwrap();
            assert_eq!(hello.1, Ok(2));
            self.runtime.advance(SETTLE);
            let hears = |end: &MemoryEndpoint| {
                now_or_never(end.receive(vec![0; 9], 0)).is_some_and(|(_, count)| count == Ok(2))
            };
            let at = strangers.iter().position(hears).unwrap();
            strangers.swap_remove(at)
        });
        matched.collect()
    }

    fn add_circuit(&mut self, connection: usize, real: VirtualCircuit<Network>, peer: MemoryEndpoint) {
        let slot = &self.connections[connection];
        let id = real.id();
        if slot.taste == Taste::Echoes {
            slot.circuits.lock().push((id, real.clone(), 0));
        }
        self.circuits.push(CircuitSlot {
            real: Some(real),
            id,
            connection,
            line: Line::new(slot.taste, slot.paused),
            peer: Some(peer),
            peer_sent: 0,
            taken: 0,
            sending: VecDeque::new(),
            silent: false,
        });
    }
}
