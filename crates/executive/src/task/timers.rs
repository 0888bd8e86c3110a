//! The armed timers: a binary heap whose entries know their place, so that a timer can be taken out again.
//!
//! Most timers guard a request that completes long before; leaving them in until they are due would keep tens of
//! thousands of dead ones.

use crate::mem::AllocError;
use crate::time::Instant;
use alloc::vec::Vec;
use core::mem;
use core::task::Waker;

/// Names an armed timer; stale once it fired or was removed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct TimerId {
    slot: usize,
    /// Sets apart the successive timers of one slot.
    serial: u64,
}

/// # Invariants
/// `heap[i]` is not due before `heap[(i - 1) / 2]`; `slots[heap[i].slot]` is `Armed` with place `i`, and no other slot is
/// armed.
#[derive(Default)]
pub(super) struct Timers {
    heap: Vec<Entry>,
    slots: Vec<Slot>,
    /// The first free slot.
    free: Option<usize>,
    next_serial: u64,
}

/// Ordered by deadline; equal deadlines fire in the order of arming.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Entry {
    deadline: Instant,
    serial: u64,
    slot: usize,
}

enum Slot {
    Free { next: Option<usize> },
    Armed { place: usize, serial: u64, waker: Waker },
}

impl Timers {
    /// Makes room for `count` armed timers in all.
    pub(super) fn reserve(&mut self, count: usize) -> Result<(), AllocError> {
        self.heap.try_reserve(count.saturating_sub(self.heap.len()))?;
        self.slots.try_reserve(count.saturating_sub(self.slots.len()))?;
        Ok(())
    }

    /// The earliest deadline.
    pub(super) fn next_deadline(&self) -> Option<Instant> {
        self.heap.first().map(|entry| entry.deadline)
    }

    /// Arms a timer. On failure nothing has changed.
    pub(super) fn insert(&mut self, deadline: Instant, waker: Waker) -> Result<TimerId, AllocError> {
        self.heap.try_reserve(1)?;
        let place = self.heap.len();
        let serial = self.next_serial;
        let armed = Slot::Armed { place, serial, waker };
        let slot = match self.free {
            Some(slot) => {
                if let Slot::Free { next } = mem::replace(&mut self.slots[slot], armed) {
                    self.free = next;
                }
                slot
            }
            None => {
                self.slots.try_reserve(1)?;
                self.slots.push(armed);
                self.slots.len() - 1
            }
        };
        self.next_serial += 1;
        self.heap.push(Entry {
            deadline,
            serial,
            slot,
        });
        self.rise(place);
        Ok(TimerId { slot, serial })
    }

    /// Whom an armed timer wakes: exchanges it for `waker` and returns the former; gives `waker` back if the timer is no
    /// longer armed.
    pub(super) fn exchange(&mut self, id: TimerId, new: Waker) -> Result<Waker, Waker> {
        match self.slots.get_mut(id.slot) {
            Some(Slot::Armed { serial, waker, .. }) if *serial == id.serial => Ok(mem::replace(waker, new)),
            _ => Err(new),
        }
    }

    /// Disarms a timer, if it is still armed.
    pub(super) fn remove(&mut self, id: TimerId) -> Option<Waker> {
        match self.slots.get(id.slot) {
            Some(Slot::Armed { place, serial, .. }) if *serial == id.serial => self.take(*place),
            _ => None,
        }
    }

    /// Disarms the earliest timer if it is due at `now`, and returns whom to wake.
    pub(super) fn pop_due(&mut self, now: Instant) -> Option<Waker> {
        if self.next_deadline()? > now {
            return None;
        }
        self.take(0)
    }

    /// Takes the entry at `place` out of the heap and frees its slot.
    fn take(&mut self, place: usize) -> Option<Waker> {
        let entry = self.heap.swap_remove(place);
        if place < self.heap.len() {
            // The former last entry stands here now: it may belong further down or further up.
            self.settle(place);
            let place = self.sink(place);
            self.rise(place);
        }
        let freed = mem::replace(&mut self.slots[entry.slot], Slot::Free { next: self.free });
        self.free = Some(entry.slot);
        match freed {
            Slot::Armed { waker, .. } => Some(waker),
            Slot::Free { .. } => None,
        }
    }

    fn rise(&mut self, mut place: usize) {
        while place > 0 {
            let parent = (place - 1) / 2;
            if self.heap[parent] <= self.heap[place] {
                break;
            }
            self.heap.swap(parent, place);
            self.settle(place);
            place = parent;
        }
        self.settle(place);
    }

    fn sink(&mut self, mut place: usize) -> usize {
        loop {
            let left = 2 * place + 1;
            let Some(&left_entry) = self.heap.get(left) else {
                break;
            };
            let child = match self.heap.get(left + 1) {
                Some(&right_entry) if right_entry < left_entry => left + 1,
                _ => left,
            };
            if self.heap[place] <= self.heap[child] {
                break;
            }
            self.heap.swap(place, child);
            self.settle(place);
            place = child;
        }
        self.settle(place);
        place
    }

    /// Tells the slot of the entry at `place` where its entry is.
    fn settle(&mut self, here: usize) {
        let slot = self.heap[here].slot;
        if let Slot::Armed { place, .. } = &mut self.slots[slot] {
            *place = here;
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    impl Timers {
        fn check(&self) {
            for (place, entry) in self.heap.iter().enumerate() {
                assert!(place == 0 || self.heap[(place - 1) / 2] <= *entry);
                assert!(matches!(self.slots[entry.slot], Slot::Armed { place: known, .. } if known == place));
            }
            let armed = self
                .slots
                .iter()
                .filter(|slot| matches!(slot, Slot::Armed { .. }))
                .count();
            assert_eq!(armed, self.heap.len());
        }
    }

    #[derive(Clone, Debug)]
    enum Step {
        Insert(u64),
        Remove(usize),
        PopDue(u64),
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let step = prop_oneof![
            3 => (0_u64..50).prop_map(Step::Insert),
            2 => (0_usize..40).prop_map(Step::Remove),
            1 => (0_u64..50).prop_map(Step::PopDue),
        ];
        proptest::collection::vec(step, 0..200)
    }

    proptest! {
        #[test]
        #[cfg_attr(miri, ignore = "long there, and safe code")]
        fn behaves_as_an_ordered_map(steps in steps()) {
            let mut timers = Timers::default();
            let mut model = BTreeMap::new();
            let mut ids = Vec::new();
            for step in steps {
                match step {
                    Step::Insert(at) => {
                        let id = timers.insert(Instant::from_nanos(at), Waker::noop().clone()).unwrap();
                        model.insert((at, id.serial), id);
                        ids.push((at, id));
                    }
                    Step::Remove(n) => {
                        if let Some(&(at, id)) = ids.get(n) {
                            prop_assert_eq!(
                                timers.remove(id).is_some(),
                                model.remove(&(at, id.serial)).is_some()
                            );
                        }
                    }
                    Step::PopDue(now) => {
                        let due = model.keys().next().copied().filter(|&(at, _)| at <= now);
                        prop_assert_eq!(timers.pop_due(Instant::from_nanos(now)).is_some(), due.is_some());
                        if let Some(key) = due {
                            let id = model.remove(&key).unwrap();
                            prop_assert!(timers.exchange(id, Waker::noop().clone()).is_err());
                        }
                    }
                }
                timers.check();
                prop_assert_eq!(
                    timers.next_deadline(),
                    model.keys().next().map(|&(at, _)| Instant::from_nanos(at))
                );
            }
        }
    }
}
