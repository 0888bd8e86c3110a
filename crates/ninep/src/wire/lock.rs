//! POSIX byte-range locks.

use super::Fid;
use super::codec::{FidUse, Request};

/// Kind of lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LockType(pub u8);

impl LockType {
    /// F_RDLCK: shared.
    pub const READ: Self = Self(0);
    /// F_WRLCK: exclusive.
    pub const WRITE: Self = Self(1);
    /// F_UNLCK: none.
    pub const UNLOCK: Self = Self(2);
}

bitflags::bitflags! {
    /// Flags of [`Tlock`].
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
    pub struct LockFlags: u32 {
        /// Wait for the lock; diod answers [`LockStatus::BLOCKED`] at once all the same.
        const BLOCK = 1;
        /// Taken back after the server restarted.
        const RECLAIM = 2;
    }
}
flags_field!(LockFlags);

/// What became of a lock request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LockStatus(pub u8);

impl LockStatus {
    /// Granted.
    pub const SUCCESS: Self = Self(0);
    /// Another holds it.
    pub const BLOCKED: Self = Self(1);
    /// Failed.
    pub const ERROR: Self = Self(2);
    /// The server is in its grace period.
    pub const GRACE: Self = Self(3);
}

newtype_field!(LockType, LockStatus);

message! {
    /// Takes or gives back a lock.
    TLOCK: Tlock<'a> {
        /// Open file.
        fid: Fid,
        /// Shared, exclusive or unlock.
        kind: LockType,
        /// Wait or not.
        flags: LockFlags,
        /// First byte.
        start: u64,
        /// Bytes; 0: to the end of the file whatever it becomes.
        length: u64,
        /// Owner's process number on the client.
        proc_id: u32,
        /// Owner's client name.
        client_id: &'a [u8],
    }
}

message! {
    /// Outcome.
    RLOCK: Rlock {
        /// Granted or not.
        status: LockStatus,
    }
}

impl Request for Tlock<'_> {
    type Reply<'r> = Rlock;
    fn fids(&self) -> FidUse {
        FidUse::one(self.fid)
    }
}

message! {
    /// Asks which lock would be in the way.
    TGETLOCK: Tgetlock<'a> {
        /// Open file.
        fid: Fid,
        /// Lock one would like to have.
        kind: LockType,
        /// First byte.
        start: u64,
        /// Bytes; 0: to the end.
        length: u64,
        /// Owner's process number.
        proc_id: u32,
        /// Owner's client name.
        client_id: &'a [u8],
    }
}

message! {
    /// The lock in the way, or [`LockType::UNLOCK`].
    RGETLOCK: Rgetlock<'a> {
        /// Its kind.
        kind: LockType,
        /// First byte.
        start: u64,
        /// Bytes.
        length: u64,
        /// Its owner's process number.
        proc_id: u32,
        /// Its owner's client name.
        client_id: &'a [u8],
    }
}

impl Request for Tgetlock<'_> {
    type Reply<'r> = Rgetlock<'r>;
    fn fids(&self) -> FidUse {
        FidUse::one(self.fid)
    }

    fn is_repeatable(&self) -> bool {
        true
    }
}
