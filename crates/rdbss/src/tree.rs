//! The tree itself: its arenas and tables, access to its objects, references.

use nt::{Case, Name, Status};

use crate::arena::Arena;
use crate::directory::{ByParent, Directory};
use crate::dormant::DelayedClose;
use crate::effect::Effects;
use crate::enumerate::Totals;
use crate::extensions::Extensions;
use crate::fcb::{ByPath, Fcb};
use crate::fobx::Fobx;
use crate::id::{ContextId, FcbId, FobxId, NetRootId, SrvCallId, SrvOpenId, VNetRootId, kind};
use crate::list::List;
use crate::logon::LogonId;
use crate::names::{DriveLetter, component_at};
use crate::net_root::{ByShare, NetRoot};
use crate::rx_context::Context;
use crate::srv_call::{ByHost, SrvCall, SrvCallFlags};
use crate::srv_open::SrvOpen;
use crate::table::{NameHasher, Table};
use crate::v_net_root::{ByDrive, ByView, VNetRoot};

/// What every operation answers to an id whose object is gone or never was.
pub(crate) const STALE: Status = Status::INVALID_PARAMETER;

/// How a tree behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Config {
    /// A number that callers cannot guess: it keeps them from choosing names that crowd one hash chain.
    pub seed: u64,
    /// The port of a server whose name states none.
    pub default_port: u16,
    /// The flags that new servers start with.
    pub srv_call_flags: SrvCallFlags,
    /// How long opens outlive their last handle.
    pub delayed_close: DelayedClose,
}

/// All servers, shares, views, files, opens, handles and requests of one redirector device.
///
/// A plain data structure: no locks, no I/O, no time. Its owner keeps it behind one lock (at or below `APC_LEVEL`),
/// holds the lock for the length of a call and performs the [`Effects`] after releasing it. Nothing borrowed from
/// the tree survives the lock; ids do, and an id whose object has gone meanwhile is refused.
///
/// Operations that can fail leave the tree unchanged when they do, for want of memory as for any other reason,
/// unless they say otherwise.
pub struct Tree<X: Extensions> {
    pub(crate) srv_calls: Arena<kind::SrvCall, SrvCall<X>>,
    pub(crate) net_roots: Arena<kind::NetRoot, NetRoot<X>>,
    pub(crate) v_net_roots: Arena<kind::VNetRoot, VNetRoot<X>>,
    pub(crate) fcbs: Arena<kind::Fcb, Fcb<X>>,
    pub(crate) srv_opens: Arena<kind::SrvOpen, SrvOpen<X>>,
    pub(crate) fobxs: Arena<kind::Fobx, Fobx<X>>,
    pub(crate) contexts: Arena<kind::Context, Context<X>>,
    pub(crate) hosts: Table<kind::SrvCall, ByHost>,
    pub(crate) shares: Table<kind::NetRoot, ByShare>,
    pub(crate) drives: Table<kind::VNetRoot, ByDrive>,
    pub(crate) views: Table<kind::VNetRoot, ByView>,
    pub(crate) paths: Table<kind::Fcb, ByPath>,
    pub(crate) directories: Arena<kind::Directory, Directory>,
    pub(crate) below: Table<kind::Directory, ByParent>,
    /// The requests that are about no view.
    pub(crate) device_contexts: List<kind::Context>,
    /// All dormant opens, oldest first.
    pub(crate) dormant: List<kind::SrvOpen>,
    pub(crate) totals: Totals,
    /// Handles that are not closed, whether orphaned or not, and opens under way.
    pub(crate) handles: u32,
    pub(crate) config: Config,
}

impl<X: Extensions> Tree<X> {
    /// An empty tree. Allocates nothing.
    #[must_use]
    pub const fn new(config: Config) -> Self {
        Self {
            srv_calls: Arena::new(),
            net_roots: Arena::new(),
            v_net_roots: Arena::new(),
            fcbs: Arena::new(),
            srv_opens: Arena::new(),
            fobxs: Arena::new(),
            contexts: Arena::new(),
            hosts: Table::new(),
            shares: Table::new(),
            drives: Table::new(),
            views: Table::new(),
            paths: Table::new(),
            directories: Arena::new(),
            below: Table::new(),
            device_contexts: List::new(),
            dormant: List::new(),
            totals: Totals::NONE,
            handles: 0,
            config,
        }
    }

    /// The configuration.
    #[must_use]
    pub const fn config(&self) -> &Config {
        &self.config
    }

    /// The server of a share of a view, with both on the way.
    ///
    /// # Errors
    /// `INVALID_PARAMETER` if the view is gone.
    pub fn chain(&self, v_net_root: VNetRootId) -> nt::Result<Chain<'_, X>> {
        let v_net_root = self.v_net_root(v_net_root)?;
        let net_root = self.net_root(v_net_root.net_root)?;
        let srv_call = self.srv_call(net_root.srv_call)?;
        Ok(Chain {
            srv_call,
            net_root,
            v_net_root,
        })
    }

    /// Sets or, with an empty name, clears the domain of a server (`RxSetSrvCallDomainName`).
    ///
    /// # Errors
    /// `INVALID_PARAMETER` if the server is gone, `INSUFFICIENT_RESOURCES`.
    pub fn set_srv_call_domain_name(&mut self, id: SrvCallId, name: Name<'_>) -> nt::Result {
        let srv_call = self.srv_calls.get_mut(id).ok_or(STALE)?;
        srv_call.domain_name = nt::NameBuf::try_from_units(name.as_units())?;
        Ok(())
    }

    pub(crate) fn host_hash(&self, host: Name<'_>, port: u16) -> u64 {
        NameHasher::new(self.config.seed)
            .number(u64::from(port))
            .name(host)
            .finish()
    }

    /// To be given a share's name component by component: so all names that could cover a path are hashed in one pass.
    pub(crate) fn share_hasher(&self, srv_call: SrvCallId) -> NameHasher {
        NameHasher::new(self.config.seed).number(srv_call.to_raw())
    }

    pub(crate) fn share_hash(&self, srv_call: SrvCallId, share: Name<'_>) -> u64 {
        let (mut hasher, mut end) = (self.share_hasher(srv_call), 0);
        while let Some(component) = component_at(share, end) {
            hasher = hasher.name(component);
            end = end.saturating_add(component.len());
        }
        hasher.finish()
    }

    pub(crate) fn path_hash(&self, net_root: NetRootId, path: Name<'_>) -> u64 {
        NameHasher::new(self.config.seed)
            .number(net_root.to_raw())
            .name(path)
            .finish()
    }

    pub(crate) fn drive_hash(&self, drive: DriveLetter, logon: LogonId) -> u64 {
        NameHasher::new(self.config.seed)
            .number(logon.0)
            .number(u64::from(drive.unit()))
            .finish()
    }

    pub(crate) fn view_hash(&self, net_root: NetRootId, logon: LogonId) -> u64 {
        NameHasher::new(self.config.seed)
            .number(logon.0)
            .number(net_root.to_raw())
            .finish()
    }

    pub(crate) fn file_case(&self, net_root: NetRootId) -> Case {
        self.net_roots
            .get(net_root)
            .and_then(|net_root| self.srv_calls.get(net_root.srv_call))
            .map_or(Case::Sensitive, SrvCall::file_case)
    }

    /// The FCB that `path` leads to.
    /// Whether there is a directory at `path` below a view's share that is open and about to go: it takes no more files.
    ///
    /// # Errors
    /// As [`Tree::v_net_root`].
    pub fn is_directory_delete_pending(&self, v_net_root: VNetRootId, path: Name<'_>) -> nt::Result<bool> {
        let net_root = self.v_net_root(v_net_root)?.net_root;
        let Some(id) = self.find_fcb(net_root, path) else {
            return Ok(false);
        };
        let fcb = self.fcb(id)?;
        Ok(fcb.kind == crate::FcbKind::Directory && fcb.state.contains(crate::FcbState::DELETE_ON_CLOSE))
    }

    pub(crate) fn find_fcb(&self, net_root: NetRootId, path: Name<'_>) -> Option<FcbId> {
        let case = self.file_case(net_root);
        self.paths
            .candidates(&self.fcbs, self.path_hash(net_root, path))
            .find(|(_, fcb)| fcb.net_root == net_root && case.equal(fcb.path(), path))
            .map(|(id, _)| id)
    }
}

/// A view with the share and server above it.
pub struct Chain<'a, X: Extensions> {
    /// The server.
    pub srv_call: &'a SrvCall<X>,
    /// The share.
    pub net_root: &'a NetRoot<X>,
    /// The view.
    pub v_net_root: &'a VNetRoot<X>,
}

macro_rules! objects {
    ($($what:literal, $arena:ident: $id:ident, $object:ident, $get:ident, $extension_mut:ident, $reference:ident,
       $dereference:ident, $release:ident;)*) => {
        impl<X: Extensions> Tree<X> {
            $(
                #[doc = concat!("The ", $what, ".")]
                ///
                /// # Errors
                /// `INVALID_PARAMETER` if it is gone.
                pub fn $get(&self, id: $id) -> nt::Result<&$object<X>> {
                    self.$arena.get(id).ok_or(STALE)
                }

                #[doc = concat!("The mini-redirector's part of the ", $what, ", to change; `None` while there is none.")]
                ///
                /// # Errors
                /// `INVALID_PARAMETER` if the object is gone.
                pub fn $extension_mut(&mut self, id: $id) -> nt::Result<Option<&mut X::$object>> {
                    Ok(self.$arena.get_mut(id).ok_or(STALE)?.extension.as_mut())
                }

                #[doc = concat!("Takes a reference on the ", $what, " (`RxReference`).")]
                ///
                /// # Errors
                /// `INVALID_PARAMETER` if it is gone, `INSUFFICIENT_RESOURCES` if it cannot count further.
                pub fn $reference(&mut self, id: $id) -> nt::Result {
                    let object = self.$arena.get_mut(id).ok_or(STALE)?;
                    let held = object.held.checked_add(1).ok_or(Status::INSUFFICIENT_RESOURCES)?;
                    bump(&mut object.references)?;
                    object.held = held;
                    Ok(())
                }

                #[doc = concat!("Gives back a reference that the caller took on the ", $what,
                    " (`RxDereference`); the last one finalises it.")]
                ///
                /// # Errors
                /// `INVALID_PARAMETER` if it is gone or no caller holds a reference.
                pub fn $dereference(&mut self, id: $id, effects: &mut Effects<X>) -> nt::Result {
                    let object = self.$arena.get_mut(id).ok_or(STALE)?;
                    object.held = object.held.checked_sub(1).ok_or(Status::INVALID_PARAMETER)?;
                    self.$release(id, effects);
                    Ok(())
                }
            )*
        }
    };
}

objects! {
    "server", srv_calls: SrvCallId, SrvCall, srv_call, srv_call_extension_mut, reference_srv_call,
        dereference_srv_call, release_srv_call;
    "share", net_roots: NetRootId, NetRoot, net_root, net_root_extension_mut, reference_net_root,
        dereference_net_root, release_net_root;
    "view", v_net_roots: VNetRootId, VNetRoot, v_net_root, v_net_root_extension_mut, reference_v_net_root,
        dereference_v_net_root, release_v_net_root;
    "file", fcbs: FcbId, Fcb, fcb, fcb_extension_mut, reference_fcb, dereference_fcb, release_fcb;
    "open", srv_opens: SrvOpenId, SrvOpen, srv_open, srv_open_extension_mut, reference_srv_open,
        dereference_srv_open, release_srv_open;
    "handle", fobxs: FobxId, Fobx, fobx, fobx_extension_mut, reference_fobx, dereference_fobx, release_fobx;
}

impl<X: Extensions> Tree<X> {
    /// The request.
    ///
    /// # Errors
    /// `INVALID_PARAMETER` if it has ended.
    pub fn context(&self, id: ContextId) -> nt::Result<&Context<X>> {
        self.contexts.get(id).ok_or(STALE)
    }
}

/// One more of what `count` counts.
pub(crate) fn bump(count: &mut u32) -> nt::Result {
    *count = count.checked_add(1).ok_or(Status::INSUFFICIENT_RESOURCES)?;
    Ok(())
}

/// One less of what `count` counts.
pub(crate) fn drop_one(count: &mut u32) {
    debug_assert!(*count > 0, "a count fell below zero");
    *count = count.saturating_sub(1);
}
