//! SRV_CALL: a server.

use bitflags::bitflags;
use nt::{Case, Name, NameBuf};

use crate::condition::Condition;
use crate::effect::NodeBox;
use crate::extensions::Extensions;
use crate::id::{SrvCallId, kind};
use crate::list::List;
use crate::table::Chained;

bitflags! {
    /// Flags of a SRV_CALL. The values are those of the documented `SRVCALL_FLAG_`s.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct SrvCallFlags: u32 {
        /// Share names differ by more than case.
        const CASE_INSENSITIVE_NETROOTS = 0x4;
        /// File names differ by more than case.
        const CASE_INSENSITIVE_FILENAMES = 0x8;
        /// The server takes part in DFS.
        const DFS_AWARE_SERVER = 0x10;
        /// It was finalised by force.
        const FORCE_FINALIZED = 0x20;
    }
}

/// A server.
///
/// `references` = 1 + its NET_ROOTs + references taken by callers. It is finalised when 1 is left.
pub struct SrvCall<X: Extensions> {
    pub(crate) name: NameBuf,
    pub(crate) port: u16,
    pub(crate) hash: u64,
    pub(crate) chain: Option<SrvCallId>,
    /// Whether the name is in the table: phase 1 of finalisation takes it out.
    pub(crate) attached: bool,
    pub(crate) condition: Condition,
    pub(crate) flags: SrvCallFlags,
    pub(crate) references: u32,
    pub(crate) held: u32,
    /// Those attached.
    pub(crate) net_roots: List<kind::NetRoot>,
    pub(crate) waiters: List<kind::Context>,
    /// Oldest first.
    pub(crate) dormant: List<kind::SrvOpen>,
    pub(crate) close_delayed_max: u32,
    pub(crate) domain_name: NameBuf,
    pub(crate) extension: Option<X::SrvCall>,
    pub(crate) exit: Option<NodeBox<X>>,
}

impl<X: Extensions> SrvCall<X> {
    /// The host's name, without a backslash, as first written.
    #[must_use]
    pub fn host(&self) -> Name<'_> {
        self.name.as_name()
    }

    /// The port. Together with the host it tells servers apart.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// How far along it is.
    #[must_use]
    pub const fn condition(&self) -> Condition {
        self.condition
    }

    /// Its flags.
    #[must_use]
    pub const fn flags(&self) -> SrvCallFlags {
        self.flags
    }

    /// The documented reference count.
    #[must_use]
    pub const fn references(&self) -> u32 {
        self.references
    }

    /// Its opens that are dormant (`NumberOfCloseDelayedFiles`).
    #[must_use]
    pub const fn close_delayed(&self) -> u32 {
        self.dormant.len()
    }

    /// How many of its opens may be dormant (`MaximumNumberOfCloseDelayedFiles`).
    #[must_use]
    pub const fn close_delayed_max(&self) -> u32 {
        self.close_delayed_max
    }

    /// The domain, empty unless set (`RxSetSrvCallDomainName`).
    #[must_use]
    pub fn domain_name(&self) -> Name<'_> {
        self.domain_name.as_name()
    }

    /// The mini-redirector's part, from `Good` until finalisation.
    #[must_use]
    pub const fn extension(&self) -> Option<&X::SrvCall> {
        self.extension.as_ref()
    }

    pub(crate) const fn share_case(&self) -> Case {
        case(self.flags.contains(SrvCallFlags::CASE_INSENSITIVE_NETROOTS))
    }

    pub(crate) const fn file_case(&self) -> Case {
        case(self.flags.contains(SrvCallFlags::CASE_INSENSITIVE_FILENAMES))
    }
}

const fn case(insensitive: bool) -> Case {
    if insensitive {
        Case::Ignored
    } else {
        Case::Sensitive
    }
}

/// The table of servers, by host and port.
pub(crate) enum ByHost {}

impl<X: Extensions> Chained<kind::SrvCall, ByHost> for SrvCall<X> {
    fn hash(&self) -> u64 {
        self.hash
    }

    fn next(&self) -> Option<SrvCallId> {
        self.chain
    }

    fn set_next(&mut self, next: Option<SrvCallId>) {
        self.chain = next;
    }
}
