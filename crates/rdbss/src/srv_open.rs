//! SRV_OPEN: an open on the server.

use bitflags::bitflags;
use nt::{AccessMask, CreateOptions, ShareAccess};

use crate::effect::NodeBox;
use crate::extensions::Extensions;
use crate::id::{FcbId, VNetRootId, kind};
use crate::list::{Links, List};

bitflags! {
    /// Flags of a SRV_OPEN. The values are those of the documented `SRVOPEN_FLAG_`s where one exists.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct SrvOpenFlags: u32 {
        /// Closed on the server.
        const CLOSED = 0x4;
        /// Its last handle is closed, it itself is not yet: it is dormant.
        const CLOSE_DELAYED = 0x8;
        /// The file was renamed through it.
        const FILE_RENAMED = 0x10;
        /// The file was deleted.
        const FILE_DELETED = 0x20;
        /// No further open may share it.
        const COLLAPSING_DISABLED = 0x80;
        /// Its connection was taken away.
        const ORPHANED = 0x400;
        /// The server has not answered yet. (Not a documented flag.)
        const OPENING = 0x0001_0000;
        /// It may be dormant. (Not a documented flag.)
        const DELAYS_CLOSE = 0x0002_0000;
    }
}

/// An open on the server.
///
/// `references` = its FOBXs + 1 while dormant + references taken by callers. It goes at 0; on the server it is closed
/// when its last FOBX is, or when it has been dormant for its time.
pub struct SrvOpen<X: Extensions> {
    pub(crate) fcb: FcbId,
    pub(crate) v_net_root: VNetRootId,
    pub(crate) by_fcb: Links<kind::SrvOpen>,
    pub(crate) by_v_net_root: Links<kind::SrvOpen>,
    /// Among the dormant of its server and of all, oldest first.
    pub(crate) by_srv_call: Links<kind::SrvOpen>,
    pub(crate) by_due: Links<kind::SrvOpen>,
    /// While dormant: when it is closed.
    pub(crate) due: u64,
    pub(crate) desired_access: AccessMask,
    pub(crate) share_access: ShareAccess,
    pub(crate) options: CreateOptions,
    pub(crate) flags: SrvOpenFlags,
    pub(crate) references: u32,
    pub(crate) held: u32,
    pub(crate) open_count: u32,
    pub(crate) unclean_fobx_count: u32,
    pub(crate) fobxs: List<kind::Fobx>,
    pub(crate) extension: Option<X::SrvOpen>,
    pub(crate) exit: Option<NodeBox<X>>,
}

impl<X: Extensions> SrvOpen<X> {
    /// The file.
    #[must_use]
    pub const fn fcb(&self) -> FcbId {
        self.fcb
    }

    /// The view it was opened through.
    #[must_use]
    pub const fn v_net_root(&self) -> VNetRootId {
        self.v_net_root
    }

    /// The access it was opened for.
    #[must_use]
    pub const fn desired_access(&self) -> AccessMask {
        self.desired_access
    }

    /// What it lets others do.
    #[must_use]
    pub const fn share_access(&self) -> ShareAccess {
        self.share_access
    }

    /// Its flags.
    #[must_use]
    pub const fn flags(&self) -> SrvOpenFlags {
        self.flags
    }

    /// The documented reference count.
    #[must_use]
    pub const fn references(&self) -> u32 {
        self.references
    }

    /// Handles not yet closed (`OpenCount`).
    #[must_use]
    pub const fn open_count(&self) -> u32 {
        self.open_count
    }

    /// Handles not yet cleaned up (`UncleanFobxCount`).
    #[must_use]
    pub const fn unclean_fobx_count(&self) -> u32 {
        self.unclean_fobx_count
    }

    /// Whether its last handle is closed and it itself is not.
    #[must_use]
    pub const fn is_dormant(&self) -> bool {
        self.flags.contains(SrvOpenFlags::CLOSE_DELAYED)
    }

    /// The mini-redirector's part, from completion until it is closed on the server.
    #[must_use]
    pub const fn extension(&self) -> Option<&X::SrvOpen> {
        self.extension.as_ref()
    }
}
