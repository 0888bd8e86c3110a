//! FCB: a file or directory, shared by all its opens.

use bitflags::bitflags;
use nt::{Name, NameBuf};

use crate::directory::{DirectoryId, Rename};
use crate::effect::NodeBox;
use crate::extensions::Extensions;
use crate::id::{ContextId, FcbId, NetRootId, kind};
use crate::list::List;
use crate::share_access::ShareCounts;
use crate::table::Chained;

bitflags! {
    /// State of an FCB. The values are those of the documented `FCB_STATE_`s where one exists.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct FcbState: u32 {
        /// The file goes when the last handle is cleaned up.
        const DELETE_ON_CLOSE = 0x1;
        /// Its connection was taken away: nothing but cleanup and close works.
        const ORPHANED = 0x80;
        /// Further opens may share a SRV_OPEN.
        const COLLAPSING_ENABLED = 0x0040_0000;
        /// Its path no longer leads to it.
        const NAME_ALREADY_REMOVED = 0x1000_0000;
    }
}

/// What lets no open of a file be dormant: it is about to go, or its name does not lead to it.
pub(crate) const NO_DELAY: FcbState = FcbState::DELETE_ON_CLOSE
    .union(FcbState::ORPHANED)
    .union(FcbState::NAME_ALREADY_REMOVED);

/// What an FCB stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FcbKind {
    /// Not known before the first open succeeds.
    Unknown,
    /// A directory.
    Directory,
    /// Anything else.
    File,
}

/// A file or directory.
///
/// `references` = 1 + its SRV_OPENs + references taken by callers. It is finalised when 1 is left.
pub struct Fcb<X: Extensions> {
    pub(crate) net_root: NetRootId,
    /// While it is named: a use of the directory it is in.
    pub(crate) directory: Option<DirectoryId>,
    pub(crate) path: NameBuf,
    pub(crate) hash: u64,
    pub(crate) chain: Option<FcbId>,
    pub(crate) state: FcbState,
    pub(crate) kind: FcbKind,
    pub(crate) references: u32,
    pub(crate) held: u32,
    pub(crate) unclean_count: u32,
    pub(crate) open_count: u32,
    /// Opens that have begun and not completed.
    pub(crate) pending_opens: u32,
    pub(crate) orphaned_srv_opens: u32,
    pub(crate) srv_opens: List<kind::SrvOpen>,
    pub(crate) share: ShareCounts,
    /// The request that has the FCB to itself.
    pub(crate) exclusive: Option<ContextId>,
    /// Whether the server is being asked to delete the file.
    pub(crate) deleting: bool,
    /// The rename under way.
    pub(crate) rename: Option<Rename>,
    pub(crate) waiters: List<kind::Context>,
    pub(crate) extension: Option<X::Fcb>,
    pub(crate) exit: Option<NodeBox<X>>,
}

impl<X: Extensions> Fcb<X> {
    /// The share it is on.
    #[must_use]
    pub const fn net_root(&self) -> NetRootId {
        self.net_root
    }

    /// Its path below the share: empty for the share's root, else with a leading backslash.
    #[must_use]
    pub fn path(&self) -> Name<'_> {
        self.path.as_name()
    }

    /// Its state.
    #[must_use]
    pub const fn state(&self) -> FcbState {
        self.state
    }

    /// What it is.
    #[must_use]
    pub const fn kind(&self) -> FcbKind {
        self.kind
    }

    /// The documented reference count.
    #[must_use]
    pub const fn references(&self) -> u32 {
        self.references
    }

    /// Handles not yet cleaned up, opens under way included (`UncleanCount`).
    #[must_use]
    pub const fn unclean_count(&self) -> u32 {
        self.unclean_count
    }

    /// Handles not yet closed (`OpenCount`).
    #[must_use]
    pub const fn open_count(&self) -> u32 {
        self.open_count
    }

    /// The mini-redirector's part, once set.
    #[must_use]
    pub const fn extension(&self) -> Option<&X::Fcb> {
        self.extension.as_ref()
    }

    pub(crate) const fn is_named(&self) -> bool {
        !self.state.contains(FcbState::NAME_ALREADY_REMOVED)
    }
}

/// The table of files, by share and path.
pub(crate) enum ByPath {}

impl<X: Extensions> Chained<kind::Fcb, ByPath> for Fcb<X> {
    fn hash(&self) -> u64 {
        self.hash
    }

    fn next(&self) -> Option<FcbId> {
        self.chain
    }

    fn set_next(&mut self, next: Option<FcbId>) {
        self.chain = next;
    }
}
