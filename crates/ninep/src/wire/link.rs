//! Hard and symbolic links.

use super::codec::{FidUse, Request};
use super::{Fid, Qid};

message! {
    /// Makes a symbolic link.
    TSYMLINK: Tsymlink<'a> {
        /// Directory.
        dfid: Fid,
        /// Name in it.
        name: &'a [u8],
        /// What the link says.
        target: &'a [u8],
        /// Group of the link.
        gid: u32,
    }
}

message! {
    /// Made.
    RSYMLINK: Rsymlink {
        /// The link.
        qid: Qid,
    }
}

impl Request for Tsymlink<'_> {
    type Reply<'r> = Rsymlink;
    fn fids(&self) -> FidUse {
        FidUse::one(self.dfid)
    }

    fn is_plausible(reply: &Self::Reply<'_>) -> bool {
        !reply.qid.is_directory()
    }
}

message! {
    /// Reads a symbolic link.
    TREADLINK: Treadlink {
        /// The link.
        fid: Fid,
    }
}

message! {
    /// What the link says.
    RREADLINK: Rreadlink<'a> {
        /// Its text, not resolved.
        target: &'a [u8],
    }
}

impl Request for Treadlink {
    type Reply<'r> = Rreadlink<'r>;
    fn fids(&self) -> FidUse {
        FidUse::one(self.fid)
    }

    fn is_repeatable(&self) -> bool {
        true
    }
}

message! {
    /// Makes a hard link.
    TLINK: Tlink<'a> {
        /// Directory of the new name.
        dfid: Fid,
        /// Existing file.
        fid: Fid,
        /// New name.
        name: &'a [u8],
    }
}

message! {
    /// Linked.
    RLINK: Rlink {}
}

impl Request for Tlink<'_> {
    type Reply<'r> = Rlink;
    fn fids(&self) -> FidUse {
        FidUse::two(self.dfid, self.fid)
    }
}
