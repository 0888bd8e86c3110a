//! Open enumerations. A handle is a number that names a slot and its use, so a stale or invented handle is told
//! apart from a live one instead of being followed.

use std::sync::{Mutex, PoisonError};

use crate::packing::{Entry, Packed, pack};
use crate::wn::Wn;

/// Enumerations that one process may have open; far more than anyone has, a bound for the one who leaks them.
const MOST_OPEN: usize = 1024;

const SLOT_BITS: u32 = 12;
const SLOT_MASK: u32 = (1 << SLOT_BITS) - 1;

/// The open enumerations of this process.
pub(crate) static OPEN: Enumerations = Enumerations::new();

/// A set of enumerations, each a snapshot of the driver's list and a place in it.
pub(crate) struct Enumerations {
    slots: Mutex<Vec<Slot>>,
}

struct Slot {
    /// Counts the uses of the slot; part of the handle.
    generation: u32,
    cursor: Option<Cursor>,
}

struct Cursor {
    entries: Vec<Entry>,
    next: usize,
}

impl Enumerations {
    const fn new() -> Self {
        Self {
            slots: Mutex::new(Vec::new()),
        }
    }

    /// Starts an enumeration over `entries`; gives its handle, never 0.
    pub(crate) fn open(&self, entries: Vec<Entry>) -> Result<u32, Wn> {
        let mut slots = self.lock();
        let cursor = Some(Cursor { entries, next: 0 });
        if let Some((index, slot)) = slots
            .iter_mut()
            .enumerate()
            .find(|(_, slot)| slot.cursor.is_none())
        {
            slot.cursor = cursor;
            slot.generation = slot.generation.wrapping_add(1) & (u32::MAX >> SLOT_BITS);
            return Ok(handle(index, slot.generation));
        }
        let index = slots.len();
        if index >= MOST_OPEN {
            return Err(Wn::OUT_OF_MEMORY);
        }
        slots.try_reserve(1).map_err(|_| Wn::OUT_OF_MEMORY)?;
        slots.push(Slot {
            generation: 0,
            cursor,
        });
        Ok(handle(index, 0))
    }

    /// Fills `buffer` with the next entries, at most `most`.
    ///
    /// `WN_NO_MORE_ENTRIES` when none is left; `WN_MORE_DATA` with `Packed::needed` when not even one fits. Entries
    /// that did not fit behind others are given by the next call.
    pub(crate) fn next(&self, handle: u32, buffer: &mut [u8], base: usize, most: usize) -> (Wn, Packed) {
        let none = Packed { count: 0, needed: 0 };
        let mut slots = self.lock();
        let Some(cursor) = find(&mut slots, handle).and_then(|slot| slot.cursor.as_mut()) else {
            return (Wn::BAD_HANDLE, none);
        };
        let left = cursor.entries.get(cursor.next..).unwrap_or_default();
        if left.is_empty() {
            return (Wn::NO_MORE_ENTRIES, none);
        }
        if most == 0 {
            return (Wn::BAD_VALUE, none);
        }
        let packed = pack(buffer, base, left, most);
        cursor.next = cursor.next.saturating_add(packed.count);
        if packed.count == 0 {
            (Wn::MORE_DATA, packed)
        } else {
            (Wn::SUCCESS, packed)
        }
    }

    /// Ends an enumeration.
    pub(crate) fn close(&self, handle: u32) -> Wn {
        let mut slots = self.lock();
        match find(&mut slots, handle).and_then(|slot| slot.cursor.take()) {
            Some(_) => Wn::SUCCESS,
            None => Wn::BAD_HANDLE,
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Slot>> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn handle(index: usize, generation: u32) -> u32 {
    let slot = u32::try_from(index).unwrap_or(0).saturating_add(1);
    (generation << SLOT_BITS) | (slot & SLOT_MASK)
}

fn find(slots: &mut [Slot], handle: u32) -> Option<&mut Slot> {
    let index = usize::try_from((handle & SLOT_MASK).checked_sub(1)?).ok()?;
    slots
        .get_mut(index)
        .filter(|slot| slot.generation == handle >> SLOT_BITS)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries(count: usize) -> Vec<Entry> {
        (0..count)
            .map(|n| Entry {
                local: None,
                remote: format!(r"\\h\{n}").encode_utf16().collect(),
                provider: vec![u16::from(b'p')],
            })
            .collect()
    }

    #[test]
    fn walks_through_in_portions_and_then_says_no_more() {
        let all = Enumerations::new();
        let handle = all.open(entries(5)).unwrap();
        let mut buffer = [0_u8; 2000];
        assert_eq!(all.next(handle, &mut buffer, 0, 2).1.count, 2);
        assert_eq!(all.next(handle, &mut buffer, 0, usize::MAX).1.count, 3);
        assert_eq!(all.next(handle, &mut buffer, 0, 1).0, Wn::NO_MORE_ENTRIES);
        assert_eq!(all.close(handle), Wn::SUCCESS);
    }

    #[test]
    fn a_buffer_for_less_than_one_entry_loses_nothing() {
        let all = Enumerations::new();
        let handle = all.open(entries(2)).unwrap();
        let (result, packed) = all.next(handle, &mut [0; 10], 0, usize::MAX);
        assert_eq!((result, packed.count), (Wn::MORE_DATA, 0));
        let mut right = vec![0; packed.needed];
        assert_eq!(
            all.next(handle, &mut right, 0, usize::MAX),
            (
                Wn::SUCCESS,
                Packed {
                    count: 1,
                    needed: packed.needed
                }
            )
        );
        assert_eq!(all.next(handle, &mut right, 0, usize::MAX).0, Wn::SUCCESS);
        assert_eq!(all.next(handle, &mut right, 0, usize::MAX).0, Wn::NO_MORE_ENTRIES);
    }

    #[test]
    fn stale_and_invented_handles_are_refused() {
        let all = Enumerations::new();
        let first = all.open(entries(1)).unwrap();
        assert_eq!(all.close(first), Wn::SUCCESS);
        assert_eq!(all.close(first), Wn::BAD_HANDLE);
        let second = all.open(entries(1)).unwrap();
        assert_ne!(first, second, "the slot is used again under another handle");
        for bad in [0, first, u32::MAX, 0x0FFF, second + 1] {
            assert_eq!(all.next(bad, &mut [0; 500], 0, 1).0, Wn::BAD_HANDLE, "{bad:#x}");
        }
        assert_eq!(all.next(second, &mut [0; 500], 0, 1).0, Wn::SUCCESS);
    }

    #[test]
    fn a_leaking_caller_meets_a_bound() {
        let all = Enumerations::new();
        let opened: Vec<u32> = (0..MOST_OPEN).map(|_| all.open(Vec::new()).unwrap()).collect();
        assert_eq!(all.open(Vec::new()), Err(Wn::OUT_OF_MEMORY));
        assert_eq!(all.close(opened[7]), Wn::SUCCESS);
        assert!(all.open(Vec::new()).is_ok());
    }
}
