//! Storage for the objects of one kind.
//!
//! Slots live in chunks that never move, so a tree that grows copies none of its objects. A freed slot is reused
//! under a new serial number.

use core::num::NonZeroU32;

use alloc::vec::Vec;
use nt::Status;

use crate::id::Id;

/// Slots per chunk: small enough that a nearly empty tree stays small.
const CHUNK: usize = 32;

struct Slot<T> {
    /// Of the present occupant; meaningless while vacant.
    serial: NonZeroU32,
    /// While vacant: the next vacant slot.
    next_vacant: Option<u32>,
    value: Option<T>,
}

pub(crate) struct Arena<K, T> {
    chunks: Vec<Vec<Slot<T>>>,
    first_vacant: Option<u32>,
    live: usize,
    last_serial: NonZeroU32,
    kind: core::marker::PhantomData<fn() -> K>,
}

impl<K, T> Arena<K, T> {
    pub(crate) const fn new() -> Self {
        Self {
            chunks: Vec::new(),
            first_vacant: None,
            live: 0,
            last_serial: NonZeroU32::MAX,
            kind: core::marker::PhantomData,
        }
    }

    pub(crate) const fn len(&self) -> usize {
        self.live
    }

    /// Makes sure that the next [`Arena::insert`] succeeds.
    pub(crate) fn reserve(&mut self) -> nt::Result {
        if self.first_vacant.is_some() {
            return Ok(());
        }
        let start = self.chunks.len() * CHUNK;
        let end = u32::try_from(start + CHUNK).map_err(|_| Status::INSUFFICIENT_RESOURCES)?;
        let mut chunk = Vec::new();
        chunk.try_reserve_exact(CHUNK)?;
        self.chunks.try_reserve(1)?;
        // CAST: `start` is below `end`, which fits.
        let mut following = start as u32;
        chunk.resize_with(CHUNK, || {
            following += 1;
            Slot {
                serial: NonZeroU32::MIN,
                next_vacant: (following < end).then_some(following),
                value: None,
            }
        });
        self.chunks.extend(core::iter::once(chunk));
        self.first_vacant = Some(start as u32);
        Ok(())
    }

    /// Stores an object. Fails, with the object dropped, only if no slot was reserved and none can be had.
    pub(crate) fn insert(&mut self, value: T) -> nt::Result<Id<K>> {
        self.reserve()?;
        let serial = self.last_serial.checked_add(1).unwrap_or(NonZeroU32::MIN);
        let Some(index) = self.first_vacant else {
            return Err(Status::INSUFFICIENT_RESOURCES);
        };
        let Some(slot) = self.slot_mut(index) else {
            return Err(Status::INSUFFICIENT_RESOURCES);
        };
        slot.serial = serial;
        slot.value = Some(value);
        let next = slot.next_vacant.take();
        self.first_vacant = next;
        self.last_serial = serial;
        self.live += 1;
        Ok(Id::new(index, serial))
    }

    pub(crate) fn remove(&mut self, id: Id<K>) -> Option<T> {
        let vacant = self.first_vacant;
        let slot = self
            .slot_mut(id.index())
            .filter(|slot| slot.serial == id.serial())?;
        let value = slot.value.take()?;
        slot.next_vacant = vacant;
        self.first_vacant = Some(id.index());
        self.live -= 1;
        Some(value)
    }

    pub(crate) fn get(&self, id: Id<K>) -> Option<&T> {
        let slot = self.slot(id.index())?;
        if slot.serial == id.serial() {
            slot.value.as_ref()
        } else {
            None
        }
    }

    pub(crate) fn get_mut(&mut self, id: Id<K>) -> Option<&mut T> {
        let slot = self.slot_mut(id.index())?;
        if slot.serial == id.serial() {
            slot.value.as_mut()
        } else {
            None
        }
    }

    /// The occupied slots from `start` on, in slot order.
    pub(crate) fn iter_from(&self, start: u32) -> impl Iterator<Item = (Id<K>, &T)> {
        let start = start as usize;
        self.chunks
            .iter()
            .enumerate()
            .skip(start / CHUNK)
            .flat_map(|(chunk, slots)| {
                slots
                    .iter()
                    .enumerate()
                    .map(move |(at, slot)| (chunk * CHUNK + at, slot))
            })
            .skip(if start / CHUNK < self.chunks.len() {
                start % CHUNK
            } else {
                0
            })
            .filter_map(|(index, slot)| {
                // CAST: `reserve` never makes a slot whose index does not fit.
                slot.value
                    .as_ref()
                    .map(|value| (Id::new(index as u32, slot.serial), value))
            })
    }

    fn slot(&self, index: u32) -> Option<&Slot<T>> {
        let index = index as usize;
        self.chunks.get(index / CHUNK)?.get(index % CHUNK)
    }

    fn slot_mut(&mut self, index: u32) -> Option<&mut Slot<T>> {
        let index = index as usize;
        self.chunks.get_mut(index / CHUNK)?.get_mut(index % CHUNK)
    }
}

#[cfg(test)]
mod tests;
