//! Extended attributes.

use super::Fid;
use super::codec::{FidUse, Request};

message! {
    /// Makes `newfid` a readable view of an attribute, or of the list of names when `name` is empty.
    TXATTRWALK: Txattrwalk<'a> {
        /// The file.
        fid: Fid,
        /// New fid.
        newfid: Fid,
        /// Attribute name, or empty.
        name: &'a [u8],
    }
}

message! {
    /// The view is there.
    RXATTRWALK: Rxattrwalk {
        /// Bytes to read from it.
        size: u64,
    }
}

impl Request for Txattrwalk<'_> {
    type Reply<'r> = Rxattrwalk;
    fn fids(&self) -> FidUse {
        FidUse::one(self.fid).creating(self.newfid)
    }

    fn is_repeatable(&self) -> bool {
        true
    }
}

message! {
    /// Turns `fid` into a write-only view of an attribute; the clunk of it stores the value.
    TXATTRCREATE: Txattrcreate<'a> {
        /// A walked clone of the file's fid.
        fid: Fid,
        /// Attribute name.
        name: &'a [u8],
        /// Bytes that will be written.
        attr_size: u64,
        /// XATTR_CREATE 1, XATTR_REPLACE 2, or 0.
        flags: u32,
    }
}

message! {
    /// Ready for the value.
    RXATTRCREATE: Rxattrcreate {}
}

impl Request for Txattrcreate<'_> {
    type Reply<'r> = Rxattrcreate;
    fn fids(&self) -> FidUse {
        FidUse::one(self.fid)
    }
}
