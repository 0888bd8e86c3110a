//! FOBX: one handle of the caller.

use bitflags::bitflags;

use crate::effect::NodeBox;
use crate::extensions::Extensions;
use crate::id::{SrvOpenId, kind};
use crate::list::{Links, List};
use crate::share_access::Claim;

bitflags! {
    /// How far a handle has come.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct FobxFlags: u32 {
        /// The open has not completed.
        const OPENING = 0x1;
        /// The last reference to the file object's handle is gone.
        const CLEANED_UP = 0x2;
        /// The file object is gone.
        const CLOSED = 0x4;
        /// The file goes when this handle is cleaned up.
        const DELETE_ON_CLOSE = 0x8;
        /// Its claim is part of the file's share counts.
        const SHARES = 0x10;
        /// Opened through the UNC name.
        const UNC_NAME = 0x20;
        /// The file's name goes when this handle is cleaned up, whoever else has it open.
        const POSIX_DELETE = 0x40;
    }
}

/// One handle: what a file object's `FsContext2` stands for.
///
/// `references` = 1 until closed + requests upon it + references taken by callers. It goes at 0.
pub struct Fobx<X: Extensions> {
    pub(crate) srv_open: SrvOpenId,
    pub(crate) siblings: Links<kind::Fobx>,
    pub(crate) flags: FobxFlags,
    pub(crate) claim: Claim,
    pub(crate) references: u32,
    pub(crate) held: u32,
    pub(crate) contexts: List<kind::Context>,
    pub(crate) extension: Option<X::Fobx>,
    pub(crate) exit: Option<NodeBox<X>>,
}

impl<X: Extensions> Fobx<X> {
    /// The server's open behind it.
    #[must_use]
    pub const fn srv_open(&self) -> SrvOpenId {
        self.srv_open
    }

    /// Its flags.
    #[must_use]
    pub const fn flags(&self) -> FobxFlags {
        self.flags
    }

    /// The documented reference count.
    #[must_use]
    pub const fn references(&self) -> u32 {
        self.references
    }

    /// The mini-redirector's part, from completion of the open.
    #[must_use]
    pub const fn extension(&self) -> Option<&X::Fobx> {
        self.extension.as_ref()
    }
}
