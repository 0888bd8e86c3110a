//! Outstanding requests by tag.

use alloc::vec::Vec;

use super::error::{Error, Rule};
use crate::wire::{FidUse, MessageType, Tag};

/// A request from when it is queued until both sides are through with its tag.
#[derive(Debug)]
pub(super) struct Slot {
    /// Its place among all requests.
    pub(super) number: u64,
    pub(super) purpose: Purpose,
    /// Reply type; Rlerror may come in its place.
    pub(super) expected: MessageType,
    /// Decodes a reply body of the expected type and gives its count, or the rule that it breaks.
    pub(super) check: fn(&[u8]) -> Result<u32, Rule>,
    /// Most the reply may carry.
    pub(super) asked: u32,
    pub(super) fids: FidUse,
    /// Bytes of data that count as under way.
    pub(super) data: u32,
    /// When it was queued.
    pub(super) queued_ns: u64,
    /// Absolute, in nanoseconds of the driver's clock.
    pub(super) deadline: Option<u64>,
    /// Bytes that had come from the server when it was queued.
    pub(super) heard_before: u64,
    pub(super) caller: CallerSide,
    /// The server has not answered and must.
    pub(super) reply_owed: bool,
    pub(super) flush: FlushSide,
}

/// Why a request is outstanding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// A caller's.
    Call,
    /// Ours: gives up the request of tag `old`.
    Flush { old: Tag },
    /// Ours: clunks a discarded fid.
    Clunk,
    /// Ours: asks a silent server for a sign of life.
    Probe,
}

/// The caller's half of a slot.
#[derive(Debug)]
pub(super) enum CallerSide {
    /// It waits.
    Waiting,
    /// It can take this: the reply's body.
    Ready(Result<Vec<u8>, Error>),
    /// It took the outcome, or walked away.
    Gone,
}

/// Is the request being flushed?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FlushSide {
    /// No.
    Idle,
    /// Tflush could not be queued yet.
    Wanted,
    /// Rflush is owed.
    Sent,
}

impl Slot {
    /// Are both sides through?
    pub(super) fn is_over(&self) -> bool {
        matches!(self.caller, CallerSide::Gone) && !self.reply_owed && self.flush != FlushSide::Sent
    }

    pub(super) fn is_waiting(&self) -> bool {
        matches!(self.caller, CallerSide::Waiting)
    }
}

#[derive(Debug)]
enum Entry {
    Free { next: Option<u16> },
    Used(Slot),
}

/// A fixed number of slots; the tag is the index.
#[derive(Debug)]
pub(super) struct SlotTable {
    entries: Vec<Entry>,
    free: Option<u16>,
}

impl SlotTable {
    /// A table of `capacity` slots, all memory taken now.
    pub(super) fn new(capacity: u16) -> Result<Self, Error> {
        let mut entries = Vec::new();
        entries.try_reserve_exact(usize::from(capacity))?;
        for index in 0..capacity {
            let next = index.checked_add(1).filter(|next| *next < capacity);
            entries.push(Entry::Free { next });
        }
        Ok(Self {
            entries,
            free: (capacity > 0).then_some(0),
        })
    }

    /// How many slots there are.
    pub(super) fn capacity(&self) -> u16 {
        // Made from a number of this type.
        u16::try_from(self.entries.len()).unwrap_or(u16::MAX)
    }

    /// The tag that the next [`insert`](Self::insert) will take.
    pub(super) fn next_tag(&self) -> Option<Tag> {
        self.free.map(Tag)
    }

    /// Occupies the slot of [`next_tag`](Self::next_tag).
    pub(super) fn insert(&mut self, slot: Slot) {
        if let Some(index) = self.free
            && let Some(entry) = self.entries.get_mut(usize::from(index))
            && let Entry::Free { next } = *entry
        {
            *entry = Entry::Used(slot);
            self.free = next;
        }
    }

    pub(super) fn get(&self, tag: Tag) -> Option<&Slot> {
        match self.entries.get(usize::from(tag.0))? {
            Entry::Used(slot) => Some(slot),
            Entry::Free { .. } => None,
        }
    }

    pub(super) fn get_mut(&mut self, tag: Tag) -> Option<&mut Slot> {
        match self.entries.get_mut(usize::from(tag.0))? {
            Entry::Used(slot) => Some(slot),
            Entry::Free { .. } => None,
        }
    }

    pub(super) fn remove(&mut self, tag: Tag) -> Option<Slot> {
        let entry = self.entries.get_mut(usize::from(tag.0))?;
        if matches!(entry, Entry::Free { .. }) {
            return None;
        }
        let old = core::mem::replace(entry, Entry::Free { next: self.free });
        self.free = Some(tag.0);
        match old {
            Entry::Used(slot) => Some(slot),
            Entry::Free { .. } => None,
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Slot> {
        self.entries.iter().filter_map(|entry| match entry {
            Entry::Used(slot) => Some(slot),
            Entry::Free { .. } => None,
        })
    }

    /// Every tag there can be, for walks that change the table.
    pub(super) fn tags(&self) -> impl Iterator<Item = Tag> + use<> {
        (0..self.capacity()).map(Tag)
    }
}
