//! Holding everything against the model.

use super::*;

impl World {
    /// What has been heard of one circuit since last time.
    pub(super) fn heard(journal: &Journal, id: CircuitId) -> Vec<Heard> {
        let all = std::mem::take(&mut *journal.lock());
        let (mine, others): (Vec<_>, Vec<_>) = all.into_iter().partition(|(known, _)| *known == id);
        *journal.lock() = others;
        mine.into_iter().map(|(_, heard)| heard).collect()
    }

    /// Holds everything against the model.
    pub(crate) fn check(&mut self) {
        for at in 0..self.bindings.len() {
            let wanted = self.bindings[at]
                .standing
                .then(|| self.binding_counts(at))
                .ok_or(Status::INVALID_PARAMETER);
            assert_eq!(self.bindings[at].real.counts(), wanted, "binding {at}");
        }
        for at in 0..self.addresses.len() {
            let wanted = self.addresses[at]
                .standing
                .then(|| self.address_counts(at))
                .ok_or(Status::INVALID_PARAMETER);
            assert_eq!(self.addresses[at].real.counts(), wanted, "address {at}");
        }
        for at in 0..self.connections.len() {
            let wanted = self.connections[at]
                .standing
                .then(|| self.connection_counts(at))
                .ok_or(Status::INVALID_PARAMETER);
            assert_eq!(self.connections[at].real.counts(), wanted, "connection {at}");
        }
        self.check_posts();
        for slot in &mut self.circuits {
            if let Some(real) = &slot.real {
                assert_eq!(real.state(), slot.line.state);
            }
            let forecast = slot.line.forecast();
            let heard = Self::heard(&self.connections[slot.connection].journal, slot.id);
            assert!(!slot.silent || heard.is_empty(), "{heard:?} after the tear-down");
            Self::check_heard(slot, heard, &forecast);
            for &(tag, outcome) in &forecast.waiting_sends {
                let mut ended = self.ended.lock();
                let at = ended.iter().position(|&(known, _)| known == tag);
                let (_, result) = ended.swap_remove(at.expect("the send has ended"));
                assert!(outcome.allows(result), "{result:?} instead of {outcome:?}");
            }
            slot.silent |= slot.line.state == State::Uninitialised;
        }
        assert_eq!(*self.ended.lock(), [], "sends end when they should");
    }

    fn check_heard(slot: &mut CircuitSlot, heard: Vec<Heard>, forecast: &Forecast) {
        let (mut taken, mut ends) = (0, Vec::new());
        let mut begun = forecast.sends.iter().filter_map(Told::submitted);
        let mut ended = forecast.sends.iter().filter_map(Told::completed);
        for heard in heard {
            match heard {
                Heard::Took(data) => {
                    assert_eq!(data, peer_bytes(slot.taken, data.len()));
                    assert_eq!(ends, [], "bytes after the end");
                    slot.taken += data.len();
                    taken += data.len();
                }
                Heard::Ended(_) | Heard::Failed(_) => ends.push(heard),
                Heard::Submitted(context) => {
                    assert_eq!(begun.next(), Some(context));
                    slot.begins(context);
                }
                Heard::Completed(context, result) => {
                    let (wanted, outcome) = ended.next().expect("a send that ends");
                    assert_eq!(context, wanted);
                    assert!(outcome.allows(result), "{result:?} instead of {outcome:?}");
                    slot.ends(context);
                }
                Heard::Echoed(_) => {}
                Heard::Asked | Heard::TornDown => unreachable!("a storm's"),
            }
        }
        assert_eq!(taken, forecast.taken, "bytes taken");
        assert_eq!(ends, forecast.ends);
        assert_eq!(begun.next(), None, "a send that the sink has not heard of");
        assert_eq!(ended.next(), None, "an end that the sink has not heard of");
    }
}

impl CircuitSlot {
    /// A submitted send has been handed to the transport, which has a few at a time.
    pub(super) fn begins(&mut self, context: usize) {
        self.sending.push_back(context);
        assert!(self.sending.len() <= LANES, "{:?}", self.sending);
    }

    /// A submitted send has ended: the one that began first.
    pub(super) fn ends(&mut self, context: usize) {
        assert_eq!(self.sending.pop_front(), Some(context));
    }
}
