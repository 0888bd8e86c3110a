//! FILE_LOCK: the byte-range locks of one file.
//!
//! What `FsRtlProcessFileLock`, `FsRtlFastUnlockSingle` … and `FsRtlCheckLockForReadAccess` decide, as a pure table. An
//! FCB of RDBSS has a FILE_LOCK for the same purpose. It waits for nothing and knows no files: who waits asks again when
//! something was unlocked.
//!
//! The rules (`LockFileEx`, `[MS-FSA]` 2.1.4.10, 2.1.5.8, 2.1.5.9):
//! - an exclusive lock overlaps no other lock, not even one of its owner;
//! - a shared lock overlaps shared locks, and exclusive locks of its own owner;
//! - a read is refused where somebody else has an exclusive lock, a write also where anybody, its issuer included, has a
//!   shared one;
//! - an owner is a handle, a process and a key together;
//! - a range of no bytes overlaps only what has bytes on both sides of its place.
//!
//! A lock can be forfeited: lost where it counts, on the server. Then it is in nobody's way any more, but its owner is to
//! learn of it, so it stays in the table until it is unlocked.

use alloc::vec::Vec;

use nt::Status;

/// A range of bytes. Its last byte is at most at 2^64 - 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ByteRange {
    start: u64,
    length: u64,
}

impl ByteRange {
    /// `length` bytes from `start` on; no bytes are a range too.
    ///
    /// # Errors
    /// `INVALID_LOCK_RANGE` when it would go beyond byte 2^64 - 1.
    pub const fn new(start: u64, length: u64) -> nt::Result<Self> {
        if length > 0 && start.checked_add(length.saturating_sub(1)).is_none() {
            return Err(Status::INVALID_LOCK_RANGE);
        }
        Ok(Self { start, length })
    }

    /// The range of a transfer, cut where offsets end.
    #[must_use]
    pub const fn of_transfer(start: u64, length: u64) -> Self {
        let room = u64::MAX.saturating_sub(start);
        let length = if length > room { room } else { length };
        Self { start, length }
    }

    /// The offset of its first byte.
    #[must_use]
    pub const fn start(self) -> u64 {
        self.start
    }

    /// Its number of bytes.
    #[must_use]
    pub const fn length(self) -> u64 {
        self.length
    }

    /// Whether it has no bytes.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.length == 0
    }

    /// The offset of its last byte; `None` without bytes.
    #[must_use]
    pub const fn last(self) -> Option<u64> {
        match self.length.checked_sub(1) {
            Some(more) => self.start.checked_add(more),
            None => None,
        }
    }

    /// Whether two ranges are in each other's way.
    #[must_use]
    pub const fn overlaps(self, other: Self) -> bool {
        match (self.last(), other.last()) {
            (Some(last), Some(other_last)) => self.start <= other_last && other.start <= last,
            (None, Some(other_last)) => other.start < self.start && self.start <= other_last,
            (Some(last), None) => self.start < other.start && other.start <= last,
            (None, None) => false,
        }
    }

    /// The bytes that both have; `None` where there are none.
    #[must_use]
    pub fn intersection(self, other: Self) -> Option<Self> {
        let start = self.start.max(other.start);
        let last = self.last()?.min(other.last()?);
        let length = last.checked_sub(start)?.checked_add(1)?;
        Some(Self { start, length })
    }
}

/// Who owns a lock, or wants to do something with a locked range.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LockOwner<H> {
    /// The handle (the FILE_OBJECT).
    pub handle: H,
    /// The process.
    pub process: u64,
    /// `Parameters.LockControl.Key`.
    pub key: u32,
}

/// One lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Lock<H> {
    /// What is locked.
    pub range: ByteRange,
    /// Whether nobody else may read it either.
    pub exclusive: bool,
    /// Whose it is.
    pub owner: LockOwner<H>,
}

/// The locks of one file. Each call takes as long as there are locks.
#[derive(Debug)]
pub struct FileLock<H> {
    locks: Vec<Entry<H>>,
}

#[derive(Debug)]
struct Entry<H> {
    lock: Lock<H>,
    forfeited: bool,
}

impl<H> Default for FileLock<H> {
    fn default() -> Self {
        Self::new()
    }
}

impl<H> FileLock<H> {
    /// No locks. Allocates nothing.
    #[must_use]
    pub const fn new() -> Self {
        Self { locks: Vec::new() }
    }

    /// Whether nothing is locked, not even what was forfeited.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.locks.is_empty()
    }

    /// The locks that hold, oldest first.
    pub fn iter(&self) -> impl Iterator<Item = &Lock<H>> {
        self.locks
            .iter()
            .filter(|entry| !entry.forfeited)
            .map(|entry| &entry.lock)
    }
}

impl<H: Copy + Eq> FileLock<H> {
    /// Makes room for one more lock, so that the next [`FileLock::lock`] cannot fail for want of memory.
    ///
    /// # Errors
    /// `INSUFFICIENT_RESOURCES`.
    pub fn reserve(&mut self) -> nt::Result {
        Ok(self.locks.try_reserve(1)?)
    }

    /// Whether `wanted` would be granted.
    ///
    /// # Errors
    /// `LOCK_NOT_GRANTED`.
    pub fn check(&self, wanted: &Lock<H>) -> nt::Result {
        let in_the_way = |held: &Lock<H>| {
            held.range.overlaps(wanted.range)
                && (wanted.exclusive || (held.exclusive && held.owner != wanted.owner))
        };
        if self.iter().any(in_the_way) {
            Err(Status::LOCK_NOT_GRANTED)
        } else {
            Ok(())
        }
    }

    /// Grants `wanted`.
    ///
    /// # Errors
    /// `LOCK_NOT_GRANTED`, `INSUFFICIENT_RESOURCES`.
    pub fn lock(&mut self, wanted: Lock<H>) -> nt::Result {
        self.check(&wanted)?;
        self.reserve()?;
        self.locks.extend(core::iter::once(Entry {
            lock: wanted,
            forfeited: false,
        }));
        Ok(())
    }

    /// Takes the lock of `owner` on exactly `range` away (`FsRtlFastUnlockSingle`); of two, the exclusive one.
    ///
    /// # Errors
    /// `RANGE_NOT_LOCKED`.
    pub fn unlock_single(&mut self, range: ByteRange, owner: LockOwner<H>) -> nt::Result<Lock<H>> {
        let fits = |lock: &Lock<H>| lock.range == range && lock.owner == owner;
        self.take(|lock| fits(lock) && lock.exclusive)
            .or_else(|| self.take(fits))
            .ok_or(Status::RANGE_NOT_LOCKED)
    }

    /// Takes every lock away that `fits` (`FsRtlFastUnlockAll`, `FsRtlFastUnlockAllByKey`); the result is the oldest of
    /// them, and how many there were.
    pub fn unlock_all(&mut self, fits: impl Fn(&Lock<H>) -> bool) -> Option<(Lock<H>, usize)> {
        let (mut oldest, mut count) = (None, 0_usize);
        self.locks.retain(|entry| {
            let goes = fits(&entry.lock);
            if goes {
                oldest.get_or_insert(entry.lock);
                count = count.saturating_add(1);
            }
            !goes
        });
        oldest.map(|oldest| (oldest, count))
    }

    fn take(&mut self, fits: impl Fn(&Lock<H>) -> bool) -> Option<Lock<H>> {
        let place = self.locks.iter().position(|entry| fits(&entry.lock))?;
        Some(self.locks.remove(place).lock)
    }

    /// Forfeits the locks that `fits`.
    pub fn forfeit(&mut self, fits: impl Fn(&Lock<H>) -> bool) {
        for entry in self.locks.iter_mut().filter(|entry| fits(&entry.lock)) {
            entry.forfeited = true;
        }
    }

    /// Whether a handle that `is_meant` has forfeited a lock.
    pub fn has_forfeited(&self, is_meant: impl Fn(&H) -> bool) -> bool {
        self.locks
            .iter()
            .any(|entry| entry.forfeited && is_meant(&entry.lock.owner.handle))
    }

    /// Whether `owner` may read `range` (`FsRtlCheckLockForReadAccess`).
    ///
    /// # Errors
    /// `FILE_LOCK_CONFLICT`.
    pub fn check_read(&self, range: ByteRange, owner: LockOwner<H>) -> nt::Result {
        self.check_access(range, |held| held.exclusive && held.owner != owner)
    }

    /// Whether `owner` may write `range` (`FsRtlCheckLockForWriteAccess`).
    ///
    /// # Errors
    /// `FILE_LOCK_CONFLICT`.
    pub fn check_write(&self, range: ByteRange, owner: LockOwner<H>) -> nt::Result {
        self.check_access(range, |held| !held.exclusive || held.owner != owner)
    }

    fn check_access(&self, range: ByteRange, forbids: impl Fn(&Lock<H>) -> bool) -> nt::Result {
        let in_the_way = |held: &Lock<H>| held.range.overlaps(range) && forbids(held);
        if !range.is_empty() && self.iter().any(in_the_way) {
            Err(Status::FILE_LOCK_CONFLICT)
        } else {
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests;
