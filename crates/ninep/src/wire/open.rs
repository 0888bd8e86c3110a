//! Open and create.

use super::codec::{FidUse, Request};
use super::{Fid, Mode, Qid};

bitflags::bitflags! {
    /// Linux open flags as 9P2000.L carries them (the generic ABI's numbers). Read-only is the absence of
    /// [`WRITE_ONLY`](Self::WRITE_ONLY) and [`READ_WRITE`](Self::READ_WRITE).
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
    pub struct OpenFlags: u32 {
        /// O_WRONLY.
        const WRITE_ONLY = 0o1;
        /// O_RDWR.
        const READ_WRITE = 0o2;
        /// O_CREAT.
        const CREATE = 0o100;
        /// O_EXCL: with create, the file must not exist.
        const EXCLUSIVE = 0o200;
        /// O_NOCTTY.
        const NO_CTTY = 0o400;
        /// O_TRUNC.
        const TRUNCATE = 0o1000;
        /// O_APPEND.
        const APPEND = 0o2000;
        /// O_NONBLOCK.
        const NON_BLOCK = 0o4000;
        /// O_DSYNC.
        const DSYNC = 0o10000;
        /// O_DIRECT.
        const DIRECT = 0o40000;
        /// O_LARGEFILE.
        const LARGE_FILE = 0o100000;
        /// O_DIRECTORY: it must be a directory.
        const DIRECTORY = 0o200000;
        /// O_NOFOLLOW.
        const NO_FOLLOW = 0o400000;
        /// O_NOATIME.
        const NO_ATIME = 0o1000000;
        /// O_SYNC (the bit beside O_DSYNC).
        const SYNC = 0o4000000;
    }
}
flags_field!(OpenFlags);

message! {
    /// Opens the file that `fid` was walked to.
    TLOPEN: Tlopen {
        /// Walked, not yet open.
        fid: Fid,
        /// How.
        flags: OpenFlags,
    }
}

message! {
    /// Open.
    RLOPEN: Rlopen {
        /// What was opened.
        qid: Qid,
        /// Largest read or write that is atomic; 0: whatever msize allows.
        iounit: u32,
    }
}

impl Request for Tlopen {
    type Reply<'r> = Rlopen;
    fn fids(&self) -> FidUse {
        FidUse::one(self.fid)
    }

    fn is_repeatable(&self) -> bool {
        !self
            .flags
            .intersects(OpenFlags::CREATE | OpenFlags::EXCLUSIVE | OpenFlags::TRUNCATE)
    }
}

message! {
    /// Creates a regular file in the directory `fid` and opens it; `fid` then is the new file.
    TLCREATE: Tlcreate<'a> {
        /// A directory, walked, not open.
        fid: Fid,
        /// Name in it.
        name: &'a [u8],
        /// How to open.
        flags: OpenFlags,
        /// Permission bits of the new file.
        mode: Mode,
        /// Group of the new file.
        gid: u32,
    }
}

message! {
    /// Created and open.
    RLCREATE: Rlcreate {
        /// The new file.
        qid: Qid,
        /// As in [`Rlopen`].
        iounit: u32,
    }
}

impl Request for Tlcreate<'_> {
    type Reply<'r> = Rlcreate;
    fn fids(&self) -> FidUse {
        FidUse::one(self.fid)
    }

    fn is_plausible(reply: &Self::Reply<'_>) -> bool {
        !reply.qid.is_directory()
    }
}
