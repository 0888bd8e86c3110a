//! Clunk and remove: the end of a fid.

use super::Fid;
use super::codec::{FidUse, Request};

message! {
    /// Lets go of a fid. The fid is gone even when the reply is an error.
    TCLUNK: Tclunk {
        /// The fid.
        fid: Fid,
    }
}

message! {
    /// Clunked.
    RCLUNK: Rclunk {}
}

impl Request for Tclunk {
    type Reply<'r> = Rclunk;
    fn fids(&self) -> FidUse {
        FidUse::releasing(self.fid)
    }
}

message! {
    /// Removes the file and clunks the fid; the fid is gone even when the removal fails.
    TREMOVE: Tremove {
        /// The fid.
        fid: Fid,
    }
}

message! {
    /// Removed.
    RREMOVE: Rremove {}
}

impl Request for Tremove {
    type Reply<'r> = Rremove;
    fn fids(&self) -> FidUse {
        FidUse::releasing(self.fid)
    }
}
