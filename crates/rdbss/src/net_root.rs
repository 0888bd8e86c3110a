//! NET_ROOT: a share.

use nt::{Name, NameBuf};

use crate::condition::Condition;
use crate::effect::NodeBox;
use crate::extensions::Extensions;
use crate::id::{NetRootId, SrvCallId, kind};
use crate::list::{Links, List};
use crate::table::Chained;

/// A share of a server.
///
/// `references` = 1 + its FCBs + its V_NET_ROOTs (those already out of reach included) + references taken by callers.
/// It is finalised when 1 is left, and out of reach as soon as its last V_NET_ROOT is.
pub struct NetRoot<X: Extensions> {
    pub(crate) srv_call: SrvCallId,
    pub(crate) siblings: Links<kind::NetRoot>,
    pub(crate) share: NameBuf,
    pub(crate) hash: u64,
    pub(crate) chain: Option<NetRootId>,
    pub(crate) attached: bool,
    pub(crate) condition: Condition,
    pub(crate) references: u32,
    pub(crate) held: u32,
    /// Those attached.
    pub(crate) v_net_roots: List<kind::VNetRoot>,
    /// Those that are named.
    pub(crate) named_fcbs: u32,
    pub(crate) waiters: List<kind::Context>,
    pub(crate) extension: Option<X::NetRoot>,
    pub(crate) exit: Option<NodeBox<X>>,
}

impl<X: Extensions> NetRoot<X> {
    /// The server it is on.
    #[must_use]
    pub const fn srv_call(&self) -> SrvCallId {
        self.srv_call
    }

    /// Its name below the server: `\a\b`.
    #[must_use]
    pub fn share(&self) -> Name<'_> {
        self.share.as_name()
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

    /// The files that a path leads to on it (`NumberOfFcbs`).
    #[must_use]
    pub const fn number_of_fcbs(&self) -> u32 {
        self.named_fcbs
    }

    /// The views of it that can be reached (`NumberOfVirtualNetRoots`).
    #[must_use]
    pub const fn number_of_v_net_roots(&self) -> u32 {
        self.v_net_roots.len()
    }

    /// The mini-redirector's part, from `Good` until finalisation.
    #[must_use]
    pub const fn extension(&self) -> Option<&X::NetRoot> {
        self.extension.as_ref()
    }
}

/// The table of shares, by server and share name.
pub(crate) enum ByShare {}

impl<X: Extensions> Chained<kind::NetRoot, ByShare> for NetRoot<X> {
    fn hash(&self) -> u64 {
        self.hash
    }

    fn next(&self) -> Option<NetRootId> {
        self.chain
    }

    fn set_next(&mut self, next: Option<NetRootId>) {
        self.chain = next;
    }
}
