//! `RxFinalizeConnection` and `RxForceFinalizeAllVNetRoots`: how connections are taken away.

use nt::{CreateOptions, Status};

use crate::condition::Condition;
use crate::effect::Effects;
use crate::extensions::Extensions;
use crate::fcb::FcbKind;
use crate::id::{ContextId, NetRootId, VNetRootId};
use crate::tree::{STALE, Tree, bump};

/// How hard `RxFinalizeConnection` tries (`ForceFilesClosed`, once called `Level`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u32)]
pub enum Level {
    /// `FALSE`: not while files or change notifications are open.
    Refuse = 0,
    /// `TRUE`: whatever is open.
    Force = 1,
    /// As `Refuse`, but the add-connection reference goes in any case: the connection ends with its last handle.
    RefuseDropRef = 0xFF,
}

impl Level {
    /// The level of a documented value.
    ///
    /// # Errors
    /// `INVALID_PARAMETER` for any other value: a caller that means force says exactly 1.
    pub const fn from_raw(raw: u32) -> nt::Result<Self> {
        match raw {
            0 => Ok(Self::Refuse),
            1 => Ok(Self::Force),
            0xFF => Ok(Self::RefuseDropRef),
            _ => Err(Status::INVALID_PARAMETER),
        }
    }
}

impl<X: Extensions> Tree<X> {
    /// Takes a connection away (`RxFinalizeConnection`): one view of a share or, with `None`, all of them.
    ///
    /// `Refuse` and `RefuseDropRef` succeed only if the view is not in use; then its add-connection reference goes
    /// and all requests still upon it are cancelled, and it disappears as soon as no caller holds a reference.
    /// `Force` always succeeds: all requests are cancelled, open files are orphaned, the name is gone at once, and
    /// the memory follows when the last handle is closed. `caller` is the request on whose behalf, which is not
    /// cancelled itself. Other views of the share are left alone.
    ///
    /// With `None`, the first failure ends the call; `Force` does not fail.
    ///
    /// # Errors
    /// - `CANCELLED`: the caller's request is to end. Nothing has changed.
    /// - `FILES_OPEN`: a file, or a directory, or a change notification is open.
    /// - `CONNECTION_IN_USE`: no handle exists, but a directory is being opened, or the connection itself is in the
    ///   making.
    /// - `LOCK_NOT_GRANTED`: no handle exists, but another request has one of the files to itself.
    /// - `INVALID_PARAMETER`: the share or view is gone, or the view is not of this share.
    pub fn finalize_connection(
        &mut self,
        net_root: NetRootId,
        v_net_root: Option<VNetRootId>,
        level: Level,
        caller: Option<ContextId>,
        effects: &mut Effects<X>,
    ) -> nt::Result {
        if let Some(caller) = caller {
            self.context(caller)?.check()?;
        }
        let first = self.net_root(net_root)?.v_net_roots.first();
        if let Some(id) = v_net_root {
            if self.v_net_root(id)?.net_root != net_root {
                return Err(Status::INVALID_PARAMETER);
            }
            return self.finalize_view(id, level, caller, effects);
        }
        bump(&mut self.net_roots.get_mut(net_root).ok_or(STALE)?.references)?;
        let mut result = Ok(());
        let mut next = first;
        while let Some(id) = next {
            next = self
                .v_net_roots
                .get(id)
                .and_then(|v_net_root| v_net_root.siblings.next());
            result = self.finalize_view(id, level, caller, effects);
            if result.is_err() {
                break;
            }
        }
        self.release_net_root(net_root, effects);
        result
    }

    /// Takes all views of a share away by force (`RxForceFinalizeAllVNetRoots`).
    ///
    /// # Errors
    /// `INVALID_PARAMETER` if the share is gone.
    pub fn force_finalize_all_v_net_roots(
        &mut self,
        net_root: NetRootId,
        caller: Option<ContextId>,
        effects: &mut Effects<X>,
    ) -> nt::Result {
        self.finalize_connection(net_root, None, Level::Force, caller, effects)
    }

    fn finalize_view(
        &mut self,
        id: VNetRootId,
        level: Level,
        caller: Option<ContextId>,
        effects: &mut Effects<X>,
    ) -> nt::Result {
        // A reference of our own keeps the view, and by it the share, alive to the end.
        bump(&mut self.v_net_roots.get_mut(id).ok_or(STALE)?.references)?;
        let force = level == Level::Force;
        // Dormant opens are no use of the view, whatever comes of this call.
        self.scavenge_v_net_root(id, effects);
        let result = if force { Ok(()) } else { self.check_idle(id) };
        if result.is_ok() {
            self.cancel_v_net_root_requests(id, caller, effects);
        }
        if force {
            self.detach_v_net_root(id, effects);
        }
        if let Some(v_net_root) = self.v_net_roots.get_mut(id) {
            v_net_root.finalization_done |= result.is_ok() && v_net_root.number_of_fobxs == 0;
        }
        if result.is_ok() || level == Level::RefuseDropRef {
            self.drop_connection_reference(id, effects);
        }
        self.release_v_net_root(id, effects);
        result
    }

    fn drop_connection_reference(&mut self, id: VNetRootId, effects: &mut Effects<X>) {
        let Some(v_net_root) = self.v_net_roots.get_mut(id) else {
            return;
        };
        if core::mem::replace(&mut v_net_root.connection_reference, false) {
            self.release_v_net_root(id, effects);
        }
    }

    /// Whether nothing uses the view. The worst finding counts, in whatever order things are found.
    fn check_idle(&self, id: VNetRootId) -> nt::Result {
        let v_net_root = self.v_net_root(id)?;
        if v_net_root.condition == Condition::InTransition {
            return Err(Status::CONNECTION_IN_USE);
        }
        if v_net_root.notifications > 0 || v_net_root.number_of_fobxs > 0 {
            return Err(Status::FILES_OPEN);
        }
        // No handle is left: what remains are opens under way.
        let mut finding = Ok(());
        for (_, srv_open) in v_net_root
            .srv_opens
            .iter(&self.srv_opens, |srv_open| &srv_open.by_v_net_root)
        {
            let Some(fcb) = self.fcbs.get(srv_open.fcb) else {
                continue;
            };
            if fcb.exclusive.is_some() {
                return Err(Status::LOCK_NOT_GRANTED);
            }
            let directory = match fcb.kind {
                FcbKind::Directory => true,
                FcbKind::File => false,
                FcbKind::Unknown => srv_open.options.contains(CreateOptions::DIRECTORY_FILE),
            };
            if srv_open.unclean_fobx_count > 0 {
                let status = if directory {
                    Status::CONNECTION_IN_USE
                } else {
                    Status::FILES_OPEN
                };
                if finding != Err(Status::FILES_OPEN) {
                    finding = Err(status);
                }
            }
        }
        finding
    }
}
