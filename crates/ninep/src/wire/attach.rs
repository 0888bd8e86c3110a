//! Auth and attach: who the user is, and the root of a tree.

use super::codec::{FidUse, Request};
use super::{Fid, Qid};

/// `n_uname` when the user is given by name.
pub const NO_UID: u32 = 0xffff_ffff;

message! {
    /// Asks for a file through which to authenticate.
    TAUTH: Tauth<'a> {
        /// New fid of the authentication file.
        afid: Fid,
        /// User name.
        uname: &'a [u8],
        /// Tree the attach will name.
        aname: &'a [u8],
        /// Numeric user id, or [`NO_UID`].
        n_uname: u32,
    }
}

message! {
    /// The authentication file exists.
    RAUTH: Rauth {
        /// Its qid.
        aqid: Qid,
    }
}

impl Request for Tauth<'_> {
    type Reply<'r> = Rauth;
    fn fids(&self) -> FidUse {
        FidUse::default().creating(self.afid)
    }

    fn is_repeatable(&self) -> bool {
        true
    }
}

message! {
    /// Makes `fid` the root of the tree `aname` for a user.
    TATTACH: Tattach<'a> {
        /// New fid.
        fid: Fid,
        /// Authentication file, or [`Fid::NONE`].
        afid: Fid,
        /// User name; may be empty with a numeric id.
        uname: &'a [u8],
        /// Tree: the exported path.
        aname: &'a [u8],
        /// Numeric user id, or [`NO_UID`].
        n_uname: u32,
    }
}

message! {
    /// Attached.
    RATTACH: Rattach {
        /// Qid of the root.
        qid: Qid,
    }
}

impl Request for Tattach<'_> {
    type Reply<'r> = Rattach;
    fn fids(&self) -> FidUse {
        let afid = if self.afid == Fid::NONE {
            FidUse::default()
        } else {
            FidUse::one(self.afid)
        };
        afid.creating(self.fid)
    }

    fn is_repeatable(&self) -> bool {
        true
    }
}
