//! Several things done to one circuit at once.

use super::*;

impl World {
    /// Several things at once; the circuit's last.
    pub(super) fn storm(&mut self, number: usize, acts: &[(u64, Act)]) {
        let first_tag = self.next_tag;
        self.next_tag += acts.len();
        let (runtime, ended) = (self.runtime.clone(), self.ended.clone());
        let Some((_, slot)) = pick(&mut self.circuits, number) else {
            return;
        };
        let Some(circuit) = slot.real.clone() else { return };
        let journal = self.connections[slot.connection].journal.clone();
        let was_built = slot.line.tear_down().is_ok();
        let gathered = Gathered {
            peer_sent: slot.peer_sent,
            ..Gathered::default()
        };
        let peer = slot.peer.take().map(|peer| Arc::try_new(peer).unwrap());
        let storm = std::sync::Arc::new(Storm {
            runtime: runtime.clone(),
            circuit,
            peer: Arc::try_new(SpinLock::new(peer)).unwrap(),
            journal: journal.clone(),
            gathered: Arc::try_new(SpinLock::new(gathered)).unwrap(),
        });
        for (at, &(halves, act)) in acts.iter().enumerate() {
            storm.begin(halves, act, first_tag + at);
        }
        runtime.advance(Duration::from_millis(10));
        journal.lock().push((slot.id, Heard::Asked));
        runtime.block_on(storm.tear_down()).unwrap();
        runtime.advance(SETTLE);
        let gathered = std::mem::take(&mut *storm.gathered.lock());
        assert_eq!(gathered.torn_down, usize::from(was_built));
        slot.peer_sent = gathered.peer_sent;
        // Those that waited before have ended as well, one way or the other.
        let forecast = slot.line.forecast();
        for &(tag, _) in &forecast.waiting_sends {
            let mut ended = ended.lock();
            let at = ended.iter().position(|&(known, _)| known == tag).unwrap();
            let (_, result) = ended.swap_remove(at);
            drop(ended);
            assert!(may_end(result, result.unwrap_or(0)), "{result:?}");
        }
        let ended = forecast.sends.iter().filter_map(Told::completed);
        let mut wanted: Vec<usize> = ended.map(|(context, _)| context).collect();
        wanted.extend(&gathered.accepted);
        let heard = Self::heard(&journal, slot.id);
        Self::check_storm(slot, &heard, wanted);
    }

    fn check_storm(slot: &mut CircuitSlot, heard: &[Heard], mut wanted: Vec<usize>) {
        let (mut asked, mut over, mut ends) = (false, false, 0);
        let mut completed = Vec::new();
        for heard in heard {
            assert!(!over || *heard == Heard::Asked, "{heard:?} after the tear-down");
            match heard {
                Heard::Took(data) => {
                    assert!(!asked, "received after the end");
                    assert_eq!(*data, peer_bytes(slot.taken, data.len()));
                    slot.taken += data.len();
                }
                Heard::Ended(_) | Heard::Failed(_) => {
                    assert!(!asked, "the end was asked for");
                    ends += 1;
                }
                Heard::Echoed(context) => wanted.push(*context),
                Heard::Submitted(context) => slot.begins(*context),
                Heard::Completed(context, result) => {
                    assert!(may_end(*result, result.unwrap_or(0)), "{result:?}");
                    slot.ends(*context);
                    completed.push(*context);
                }
                Heard::Asked => asked = true,
                Heard::TornDown => over = true,
            }
        }
        assert!(ends <= 1);
        wanted.sort_unstable();
        completed.sort_unstable();
        assert_eq!(completed, wanted, "each submitted send completes once");
        slot.silent = true;
    }
}
