//! Statfs: the file system behind a fid.

use super::Fid;
use super::codec::{FidUse, Request};

message! {
    /// Asks about the file system.
    TSTATFS: Tstatfs {
        /// Any file in it.
        fid: Fid,
    }
}

message! {
    /// Linux `statfs`.
    RSTATFS: Rstatfs {
        /// File system magic number.
        kind: u32,
        /// Block size in bytes; the unit of the block counts.
        bsize: u32,
        /// Blocks in all.
        blocks: u64,
        /// Free blocks.
        bfree: u64,
        /// Free blocks for ordinary users.
        bavail: u64,
        /// Files in all.
        files: u64,
        /// Free file slots.
        ffree: u64,
        /// File system id.
        fsid: u64,
        /// Longest name in bytes.
        namelen: u32,
    }
}

impl Request for Tstatfs {
    type Reply<'r> = Rstatfs;
    fn fids(&self) -> FidUse {
        FidUse::one(self.fid)
    }

    fn is_repeatable(&self) -> bool {
        true
    }
}
