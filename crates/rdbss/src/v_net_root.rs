//! V_NET_ROOT: a view of a share.

use nt::{Name, NameBuf};

use crate::condition::Condition;
use crate::effect::NodeBox;
use crate::extensions::Extensions;
use crate::id::{NetRootId, VNetRootId, kind};
use crate::list::{Links, List};
use crate::logon::LogonId;
use crate::names::DriveLetter;
use crate::table::Chained;

/// A view of a share: one drive letter of one logon session, or the session's use of the UNC name.
///
/// `references` = 1 + its SRV_OPENs + the add-connection reference, if taken + requests upon it + references taken by
/// callers. It is finalised when 1 is left.
pub struct VNetRoot<X: Extensions> {
    pub(crate) net_root: NetRootId,
    pub(crate) siblings: Links<kind::VNetRoot>,
    pub(crate) drive: Option<DriveLetter>,
    pub(crate) logon: LogonId,
    pub(crate) user: Option<NameBuf>,
    /// `\server\share\prefix`, as written by whoever made the connection.
    pub(crate) name: NameBuf,
    /// Length of `\server` in `name`.
    pub(crate) server_units: usize,
    /// Length of `\share` in `name`; what follows is the prefix of every path below.
    pub(crate) share_units: usize,
    pub(crate) drive_hash: u64,
    pub(crate) drive_chain: Option<VNetRootId>,
    pub(crate) view_hash: u64,
    pub(crate) view_chain: Option<VNetRootId>,
    pub(crate) attached: bool,
    pub(crate) condition: Condition,
    pub(crate) references: u32,
    pub(crate) held: u32,
    /// `AdditionalReferenceForDeleteFsctlTaken`.
    pub(crate) connection_reference: bool,
    /// `ConnectionFinalizationDone`.
    pub(crate) finalization_done: bool,
    pub(crate) number_of_opens: u32,
    pub(crate) number_of_fobxs: u32,
    pub(crate) srv_opens: List<kind::SrvOpen>,
    /// How many of `srv_opens` are dormant. They do not keep the view.
    pub(crate) dormant: u32,
    pub(crate) contexts: List<kind::Context>,
    /// How many of `contexts` wait for a change of a directory.
    pub(crate) notifications: u32,
    /// How many of `contexts` pin this object itself rather than a FOBX below it.
    pub(crate) pins: u32,
    pub(crate) waiters: List<kind::Context>,
    pub(crate) extension: Option<X::VNetRoot>,
    pub(crate) exit: Option<NodeBox<X>>,
}

impl<X: Extensions> VNetRoot<X> {
    /// The share it is a view of.
    #[must_use]
    pub const fn net_root(&self) -> NetRootId {
        self.net_root
    }

    /// Its drive letter; `None` for the UNC view.
    #[must_use]
    pub const fn drive(&self) -> Option<DriveLetter> {
        self.drive
    }

    /// The logon session it belongs to.
    #[must_use]
    pub const fn logon(&self) -> LogonId {
        self.logon
    }

    /// The user it was made for, if one was named.
    #[must_use]
    pub fn user(&self) -> Option<Name<'_>> {
        self.user.as_ref().map(NameBuf::as_name)
    }

    /// `\server\share\prefix`, as written by whoever made it.
    #[must_use]
    pub fn name(&self) -> Name<'_> {
        self.name.as_name()
    }

    /// `\share\prefix`.
    #[must_use]
    pub fn path(&self) -> Name<'_> {
        self.name
            .as_name()
            .split_at(self.server_units)
            .map_or(Name::EMPTY, |(_, path)| path)
    }

    /// What goes in front of every path opened through it: empty, or with a leading backslash (`NamePrefix`).
    #[must_use]
    pub fn prefix(&self) -> Name<'_> {
        self.path()
            .split_at(self.share_units)
            .map_or(Name::EMPTY, |(_, prefix)| prefix)
    }

    /// How far along it is.
    #[must_use]
    pub const fn condition(&self) -> Condition {
        self.condition
    }

    /// The documented reference count.
    #[must_use]
    pub const fn references(&self) -> u32 {
        self.references
    }

    /// Whether the add-connection reference is taken (`AdditionalReferenceForDeleteFsctlTaken`).
    #[must_use]
    pub const fn has_connection_reference(&self) -> bool {
        self.connection_reference
    }

    /// Whether `finalize_connection` found it without handles once (`ConnectionFinalizationDone`).
    #[must_use]
    pub const fn connection_finalization_done(&self) -> bool {
        self.finalization_done
    }

    /// Opens ever made through it (`NumberOfOpens`).
    #[must_use]
    pub const fn number_of_opens(&self) -> u32 {
        self.number_of_opens
    }

    /// Handles that are not closed (`NumberOfFobxs`).
    #[must_use]
    pub const fn number_of_fobxs(&self) -> u32 {
        self.number_of_fobxs
    }

    /// Requests under way upon it and below.
    #[must_use]
    pub const fn outstanding(&self) -> u32 {
        self.contexts.len()
    }

    /// Whether its name still leads to it.
    #[must_use]
    pub const fn is_attached(&self) -> bool {
        self.attached
    }

    /// The mini-redirector's part, from `Good` until finalisation.
    #[must_use]
    pub const fn extension(&self) -> Option<&X::VNetRoot> {
        self.extension.as_ref()
    }
}

/// The table of drives, by letter and logon session.
pub(crate) enum ByDrive {}

/// The table of all views, by share and logon session.
pub(crate) enum ByView {}

impl<X: Extensions> Chained<kind::VNetRoot, ByDrive> for VNetRoot<X> {
    fn hash(&self) -> u64 {
        self.drive_hash
    }

    fn next(&self) -> Option<VNetRootId> {
        self.drive_chain
    }

    fn set_next(&mut self, next: Option<VNetRootId>) {
        self.drive_chain = next;
    }
}

impl<X: Extensions> Chained<kind::VNetRoot, ByView> for VNetRoot<X> {
    fn hash(&self) -> u64 {
        self.view_hash
    }

    fn next(&self) -> Option<VNetRootId> {
        self.view_chain
    }

    fn set_next(&mut self, next: Option<VNetRootId>) {
        self.view_chain = next;
    }
}
