//! The client's side of the fid table.

use alloc::vec::Vec;

use super::error::Error;
use crate::wire::{Fid, FidEffect, FidUse};

/// All fids of a session. A fid number is the index of its entry and is reused only once the server has answered
/// the clunk, or never heard of it.
#[derive(Debug)]
pub(super) struct FidTable {
    entries: Vec<Entry>,
    limit: usize,
    free: Option<u32>,
    queue: Option<(u32, u32)>,
    in_use: usize,
}

#[derive(Debug, Clone, Copy)]
enum Entry {
    Free { next: Option<u32> },
    Held(Held),
}

#[derive(Debug, Clone, Copy)]
struct Held {
    /// May the server know this fid?
    on_server: bool,
    /// Unanswered requests that name it.
    in_flight: u32,
    fate: Fate,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// Its owner has it.
    Kept,
    /// Nobody wants it; to be clunked when no request names it any more.
    Discarded,
    /// In the queue of fids to clunk.
    Queued { next: Option<u32> },
    /// A clunk or remove is on its way; the answer frees it.
    Releasing,
}

/// How a request that names fids ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    /// The server did it all.
    Done,
    /// The server did not do it.
    Failed,
    /// Cannot be told.
    Unknown,
}

impl FidTable {
    pub(super) fn new(limit: u32) -> Self {
        // The highest number is "no fid", and indices must fit.
        let limit = usize::try_from(limit).unwrap_or(usize::MAX).min(0x7fff_ffff);
        Self {
            entries: Vec::new(),
            limit,
            free: None,
            queue: None,
            in_use: 0,
        }
    }

    pub(super) fn in_use(&self) -> usize {
        self.in_use
    }

    pub(super) fn allocate(&mut self) -> Result<Fid, Error> {
        let held = Entry::Held(Held {
            on_server: false,
            in_flight: 0,
            fate: Fate::Kept,
        });
        if let Some(number) = self.free
            && let Some(entry) = self.entry_mut(number)
            && let Entry::Free { next } = *entry
        {
            *entry = held;
            self.free = next;
            self.in_use += 1;
            return Ok(Fid(number));
        }
        if self.entries.len() >= self.limit {
            return Err(Error::FidsExhausted);
        }
        let number = u32::try_from(self.entries.len()).map_err(|_| Error::FidsExhausted)?;
        self.entries.try_reserve(1)?;
        self.entries.push(held);
        self.in_use += 1;
        Ok(Fid(number))
    }

    /// Counts a request in. Nothing changes on error.
    pub(super) fn begin(&mut self, uses: &FidUse) -> Result<(), Error> {
        for fid in uses.used.iter().flatten() {
            self.kept(*fid)?;
        }
        if let FidEffect::Creates(fid) = uses.effect
            && self.kept(fid)?.on_server
        {
            return Err(Error::UnknownFid);
        }
        self.each_mut(uses, |held| held.in_flight = held.in_flight.saturating_add(1));
        if let FidEffect::Releases(fid) = uses.effect
            && let Some(held) = self.held_mut(fid)
        {
            held.fate = Fate::Releasing;
        }
        Ok(())
    }

    /// Takes back [`begin`](Self::begin) of a request that was never sent.
    pub(super) fn unbegin(&mut self, uses: &FidUse) {
        if let FidEffect::Releases(fid) = uses.effect
            && let Some(held) = self.held_mut(fid)
        {
            held.fate = Fate::Kept;
        }
        self.each_mut(uses, |held| held.in_flight = held.in_flight.saturating_sub(1));
    }

    /// Counts a request out.
    pub(super) fn end(&mut self, uses: &FidUse, ending: Ending) {
        if let FidEffect::Creates(fid) = uses.effect
            && ending != Ending::Failed
            && let Some(held) = self.held_mut(fid)
        {
            held.on_server = true;
        }
        // A remove that failed should have let go of the fid all the same; not every server does. A clunk makes sure.
        if let FidEffect::Releases(fid) = uses.effect
            && ending == Ending::Failed
            && let Some(held) = self.held_mut(fid)
        {
            held.fate = Fate::Discarded;
        }
        self.each_mut(uses, |held| held.in_flight = held.in_flight.saturating_sub(1));
        for fid in named(uses) {
            self.settle(fid);
        }
    }

    /// The owner gives the fid up. A fid that is not held, or was given up before, is left alone.
    pub(super) fn discard(&mut self, fid: Fid) {
        if let Some(held) = self.held_mut(fid)
            && held.fate == Fate::Kept
        {
            held.fate = Fate::Discarded;
            self.settle(fid);
        }
    }

    /// The next fid to clunk; it stays queued.
    pub(super) fn next_clunk(&self) -> Option<Fid> {
        self.queue.map(|(head, _)| Fid(head))
    }

    /// The clunk of [`next_clunk`](Self::next_clunk) is sent; returns what it uses, for [`end`](Self::end).
    pub(super) fn begin_clunk(&mut self) -> Option<FidUse> {
        let (head, tail) = self.queue?;
        let held = self.held_mut(Fid(head))?;
        let Fate::Queued { next } = held.fate else {
            return None;
        };
        held.fate = Fate::Releasing;
        held.in_flight = held.in_flight.saturating_add(1);
        self.queue = next.map(|next| (next, tail));
        Some(FidUse::releasing(Fid(head)))
    }

    /// The session is over: the server's fids are gone, those of owners stay until discarded.
    pub(super) fn server_gone(&mut self) {
        self.queue = None;
        for number in 0..u32::try_from(self.entries.len()).unwrap_or(u32::MAX) {
            if let Some(held) = self.held_mut(Fid(number)) {
                held.in_flight = 0;
                held.on_server = false;
                if held.fate != Fate::Kept {
                    self.free(number);
                }
            }
        }
    }

    /// Moves a fid that no request names any more to where its fate says.
    fn settle(&mut self, fid: Fid) {
        let Some(held) = self.held_mut(fid) else { return };
        if held.in_flight != 0 {
            return;
        }
        match held.fate {
            Fate::Kept | Fate::Queued { .. } => {}
            Fate::Discarded if held.on_server => self.enqueue(fid),
            Fate::Discarded | Fate::Releasing => self.free(fid.0),
        }
    }

    fn enqueue(&mut self, fid: Fid) {
        let head = match self.queue {
            None => fid.0,
            Some((head, tail)) => {
                if let Some(last) = self.held_mut(Fid(tail)) {
                    last.fate = Fate::Queued { next: Some(fid.0) };
                }
                head
            }
        };
        self.queue = Some((head, fid.0));
        if let Some(held) = self.held_mut(fid) {
            held.fate = Fate::Queued { next: None };
        }
    }

    fn free(&mut self, number: u32) {
        let next = self.free;
        if let Some(entry) = self.entry_mut(number) {
            *entry = Entry::Free { next };
            self.free = Some(number);
            self.in_use = self.in_use.saturating_sub(1);
        }
    }

    fn kept(&mut self, fid: Fid) -> Result<&mut Held, Error> {
        self.held_mut(fid)
            .filter(|held| held.fate == Fate::Kept)
            .ok_or(Error::UnknownFid)
    }

    fn each_mut(&mut self, uses: &FidUse, change: impl Fn(&mut Held)) {
        for fid in named(uses) {
            if let Some(held) = self.held_mut(fid) {
                change(held);
            }
        }
    }

    fn held_mut(&mut self, fid: Fid) -> Option<&mut Held> {
        match self.entry_mut(fid.0)? {
            Entry::Held(held) => Some(held),
            Entry::Free { .. } => None,
        }
    }

    fn entry_mut(&mut self, number: u32) -> Option<&mut Entry> {
        self.entries.get_mut(usize::try_from(number).ok()?)
    }
}

/// Each fid of a request, the created one included. One named twice is counted twice, in and out alike.
fn named(uses: &FidUse) -> impl Iterator<Item = Fid> + use<> {
    let created = match uses.effect {
        FidEffect::Creates(fid) => Some(fid),
        FidEffect::Keeps | FidEffect::Releases(_) => None,
    };
    uses.used.into_iter().chain([created]).flatten()
}
