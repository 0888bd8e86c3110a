//! Rename and unlink.

use super::Fid;
use super::codec::{FidUse, Request};

message! {
    /// Moves the file of `fid` into the directory `dfid` under `name`, replacing what is there.
    TRENAME: Trename<'a> {
        /// The file.
        fid: Fid,
        /// Target directory.
        dfid: Fid,
        /// New name.
        name: &'a [u8],
    }
}

message! {
    /// Moved.
    RRENAME: Rrename {}
}

impl Request for Trename<'_> {
    type Reply<'r> = Rrename;
    fn fids(&self) -> FidUse {
        FidUse::two(self.fid, self.dfid)
    }
}

message! {
    /// Moves by names; not every server has it (errno 95), see [`Trename`].
    TRENAMEAT: Trenameat<'a> {
        /// Source directory.
        olddirfid: Fid,
        /// Name in it.
        oldname: &'a [u8],
        /// Target directory.
        newdirfid: Fid,
        /// New name.
        newname: &'a [u8],
    }
}

message! {
    /// Moved.
    RRENAMEAT: Rrenameat {}
}

impl Request for Trenameat<'_> {
    type Reply<'r> = Rrenameat;
    fn fids(&self) -> FidUse {
        FidUse::two(self.olddirfid, self.newdirfid)
    }
}

bitflags::bitflags! {
    /// Flags of [`Tunlinkat`].
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
    pub struct UnlinkFlags: u32 {
        /// AT_REMOVEDIR: the name is a directory.
        const REMOVE_DIRECTORY = 0x200;
    }
}
flags_field!(UnlinkFlags);

message! {
    /// Removes a name; not every server has it (errno 95), see [`Tremove`](super::Tremove).
    TUNLINKAT: Tunlinkat<'a> {
        /// Directory.
        dirfid: Fid,
        /// Name in it.
        name: &'a [u8],
        /// File or directory.
        flags: UnlinkFlags,
    }
}

message! {
    /// Removed.
    RUNLINKAT: Runlinkat {}
}

impl Request for Tunlinkat<'_> {
    type Reply<'r> = Runlinkat;
    fn fids(&self) -> FidUse {
        FidUse::one(self.dirfid)
    }
}
