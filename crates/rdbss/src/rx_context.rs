//! RX_CONTEXT: a request under way.

use bitflags::bitflags;
use nt::Status;

use crate::effect::NodeBox;
use crate::extensions::Extensions;
use crate::id::{FcbId, FobxId, NetRootId, SrvCallId, VNetRootId, kind};
use crate::list::Links;

/// `IRP_MJ_`: what kind of request it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct MajorFunction(pub u8);

impl MajorFunction {
    /// `IRP_MJ_CREATE`.
    pub const CREATE: Self = Self(0x00);
    /// `IRP_MJ_CLOSE`.
    pub const CLOSE: Self = Self(0x02);
    /// `IRP_MJ_READ`.
    pub const READ: Self = Self(0x03);
    /// `IRP_MJ_WRITE`.
    pub const WRITE: Self = Self(0x04);
    /// `IRP_MJ_QUERY_INFORMATION`.
    pub const QUERY_INFORMATION: Self = Self(0x05);
    /// `IRP_MJ_SET_INFORMATION`.
    pub const SET_INFORMATION: Self = Self(0x06);
    /// IRP_MJ_QUERY_EA.
    pub const QUERY_EA: Self = Self(0x07);
    /// IRP_MJ_SET_EA.
    pub const SET_EA: Self = Self(0x08);
    /// `IRP_MJ_FLUSH_BUFFERS`.
    pub const FLUSH_BUFFERS: Self = Self(0x09);
    /// `IRP_MJ_QUERY_VOLUME_INFORMATION`.
    pub const QUERY_VOLUME_INFORMATION: Self = Self(0x0A);
    /// `IRP_MJ_DIRECTORY_CONTROL`.
    pub const DIRECTORY_CONTROL: Self = Self(0x0C);
    /// `IRP_MJ_FILE_SYSTEM_CONTROL`.
    pub const FILE_SYSTEM_CONTROL: Self = Self(0x0D);
    /// `IRP_MJ_DEVICE_CONTROL`.
    pub const DEVICE_CONTROL: Self = Self(0x0E);
    /// `IRP_MJ_LOCK_CONTROL`.
    pub const LOCK_CONTROL: Self = Self(0x11);
    /// `IRP_MJ_CLEANUP`.
    pub const CLEANUP: Self = Self(0x12);
    /// IRP_MJ_QUERY_SECURITY.
    pub const QUERY_SECURITY: Self = Self(0x14);
    /// IRP_MJ_SET_SECURITY.
    pub const SET_SECURITY: Self = Self(0x15);

    /// Whether the request takes a handle down: such requests work on orphaned handles and are never cancelled.
    #[must_use]
    pub fn takes_down(self) -> bool {
        self == Self::CLEANUP || self == Self::CLOSE
    }
}

/// `IRP_MN_NOTIFY_CHANGE_DIRECTORY`, of [`MajorFunction::DIRECTORY_CONTROL`].
pub const NOTIFY_CHANGE_DIRECTORY: u8 = 2;

bitflags! {
    /// Flags of a request. The values are those of the documented `RX_CONTEXT_FLAG_`s where one exists.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct ContextFlags: u32 {
        /// It is to end early.
        const CANCELLED = 0x0008_0000;
        /// It has a cancel routine. (Not a documented flag.)
        const CANCELLABLE = 0x1000_0000;
    }
}

/// What a request is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// The device, or nothing known yet.
    Device,
    /// A view of a share: an open under way, a request on a tree-connect handle.
    VNetRoot(VNetRootId),
    /// A handle.
    Fobx(FobxId),
}

/// What a request waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wait {
    SrvCall(SrvCallId),
    NetRoot(NetRootId),
    VNetRoot(VNetRootId),
    Fcb(FcbId),
}

/// A request under way.
///
/// It pins its owner: a FOBX or V_NET_ROOT with a request upon it stays in memory until the request ends.
pub struct Context<X: Extensions> {
    pub(crate) owner: Owner,
    /// The view that the owner is, or is below.
    pub(crate) v_net_root: Option<VNetRootId>,
    /// In the list of the device or of the V_NET_ROOT.
    pub(crate) siblings: Links<kind::Context>,
    /// In the list of the FOBX.
    pub(crate) by_fobx: Links<kind::Context>,
    pub(crate) by_waiter: Links<kind::Context>,
    pub(crate) major: MajorFunction,
    pub(crate) minor: u8,
    pub(crate) flags: ContextFlags,
    pub(crate) waits_for: Option<Wait>,
    /// Whether a failure of what it waits for is its own failure.
    pub(crate) shares_failure: bool,
    /// The FCB it has to itself.
    pub(crate) exclusive: Option<FcbId>,
    pub(crate) extension: X::Context,
    pub(crate) wake: Option<NodeBox<X>>,
    pub(crate) cancel: Option<NodeBox<X>>,
}

impl<X: Extensions> Context<X> {
    /// What it is about.
    #[must_use]
    pub const fn owner(&self) -> Owner {
        self.owner
    }

    /// Its major function.
    #[must_use]
    pub const fn major(&self) -> MajorFunction {
        self.major
    }

    /// Its minor function.
    #[must_use]
    pub const fn minor(&self) -> u8 {
        self.minor
    }

    /// Whether it is to end early.
    #[must_use]
    pub const fn is_cancelled(&self) -> bool {
        self.flags.contains(ContextFlags::CANCELLED)
    }

    /// The mini-redirector's part.
    #[must_use]
    pub const fn extension(&self) -> &X::Context {
        &self.extension
    }

    /// Whether it is a notification of changes that its view is in use by: one that is to end is not.
    pub(crate) fn counts_as_use(&self) -> bool {
        self.is_notification() && !self.is_cancelled()
    }

    /// Whether it waits for changes of a directory.
    #[must_use]
    pub fn is_notification(&self) -> bool {
        self.major == MajorFunction::DIRECTORY_CONTROL && self.minor == NOTIFY_CHANGE_DIRECTORY
    }

    /// `CANCELLED` if it is to end early.
    pub(crate) const fn check(&self) -> nt::Result {
        if self.is_cancelled() {
            Err(Status::CANCELLED)
        } else {
            Ok(())
        }
    }
}
