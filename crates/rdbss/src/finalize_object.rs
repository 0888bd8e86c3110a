//! Finalisation of one object (`RxFinalizeSrvCall` … `RxFinalizeNetFobx`). Each answers whether the object is gone, memory and
//! all: TRUE and FALSE of the documented routines.
//!
//! Without force only what nobody uses goes, and such an object is gone already, dormant opens aside. With force the first
//! phase happens at once: no name leads to the object and nothing goes through it any more; its memory waits for those who
//! still hold it.

use nt::Status;

use crate::connection::Level;
use crate::effect::Effects;
use crate::extensions::Extensions;
use crate::fobx::FobxFlags;
use crate::id::{ContextId, FcbId, FobxId, NetRootId, SrvCallId, SrvOpenId, VNetRootId};
use crate::tree::{STALE, Tree, bump};

impl<X: Extensions> Tree<X> {
    /// `RxFinalizeSrvCall`, with all of its shares.
    ///
    /// # Errors
    /// `INVALID_PARAMETER` if the server is gone.
    pub fn finalize_srv_call(
        &mut self,
        id: SrvCallId,
        force: bool,
        caller: Option<ContextId>,
        effects: &mut Effects<X>,
    ) -> nt::Result<bool> {
        bump(&mut self.srv_calls.get_mut(id).ok_or(STALE)?.references)?;
        self.scavenge_srv_call(id, effects);
        if force {
            // The last share takes the server's name along, but not that of one without shares.
            while let Some(net_root) = self.srv_calls.get(id).and_then(|object| object.net_roots.first()) {
                if self.finalize_net_root(net_root, true, caller, effects).is_err() {
                    break;
                }
            }
            self.detach_srv_call(id, effects);
        }
        self.release_srv_call(id, effects);
        Ok(self.srv_calls.get(id).is_none())
    }

    /// `RxFinalizeNetRoot`, with all of its views.
    ///
    /// # Errors
    /// `INVALID_PARAMETER` if the share is gone.
    pub fn finalize_net_root(
        &mut self,
        id: NetRootId,
        force: bool,
        caller: Option<ContextId>,
        effects: &mut Effects<X>,
    ) -> nt::Result<bool> {
        bump(&mut self.net_roots.get_mut(id).ok_or(STALE)?.references)?;
        self.scavenge_net_root(id, effects);
        if force {
            // Every view comes off the list, whether anybody still holds it or not.
            while let Some(view) = self
                .net_roots
                .get(id)
                .and_then(|object| object.v_net_roots.first())
            {
                let caller = caller_of(caller, self);
                let gone = self.finalize_connection(id, Some(view), Level::Force, caller, effects);
                if gone.is_err() {
                    break;
                }
            }
            self.detach_net_root(id, effects);
        }
        self.release_net_root(id, effects);
        Ok(self.net_roots.get(id).is_none())
    }

    /// `RxFinalizeVNetRoot`. With force the add-connection reference goes, too.
    ///
    /// # Errors
    /// `INVALID_PARAMETER` if the view is gone.
    pub fn finalize_v_net_root(
        &mut self,
        id: VNetRootId,
        force: bool,
        caller: Option<ContextId>,
        effects: &mut Effects<X>,
    ) -> nt::Result<bool> {
        let net_root = self.v_net_root(id)?.net_root;
        if force {
            self.finalize_connection(net_root, Some(id), Level::Force, caller_of(caller, self), effects)?;
        } else {
            self.scavenge_v_net_root(id, effects);
        }
        Ok(self.v_net_roots.get(id).is_none())
    }

    /// `RxFinalizeNetFcb`: never by force. Dormant opens of the file go.
    ///
    /// # Errors
    /// `INVALID_PARAMETER` if the file is gone.
    pub fn finalize_fcb(&mut self, id: FcbId, effects: &mut Effects<X>) -> nt::Result<bool> {
        self.fcb(id)?;
        self.scavenge_fcb(id, effects);
        Ok(self.fcbs.get(id).is_none())
    }

    /// `RxFinalizeSrvOpen`. With force it is closed on the server and its handles are orphaned (`MRxForceClosed`).
    ///
    /// # Errors
    /// `INVALID_PARAMETER` if the open is gone.
    pub fn finalize_srv_open(
        &mut self,
        id: SrvOpenId,
        force: bool,
        effects: &mut Effects<X>,
    ) -> nt::Result<bool> {
        if self.srv_open(id)?.is_dormant() {
            self.finalize_dormant(id, effects);
        } else if force {
            self.cancel_srv_open_requests(id, effects)?;
            self.orphan_srv_open(id, effects);
        }
        Ok(self.srv_opens.get(id).is_none())
    }

    /// `RxFinalizeNetFobx`: closes a handle that nothing but itself holds, or any with force.
    ///
    /// # Errors
    /// `INVALID_PARAMETER` if the handle is gone or its open has not completed.
    pub fn finalize_fobx(&mut self, id: FobxId, force: bool, effects: &mut Effects<X>) -> nt::Result<bool> {
        let fobx = self.fobx(id)?;
        if fobx.flags.contains(FobxFlags::OPENING) {
            return Err(Status::INVALID_PARAMETER);
        }
        let is_open = !fobx.flags.contains(FobxFlags::CLOSED);
        if is_open && (force || fobx.references == 1) {
            self.close(id, effects)?;
        }
        Ok(self.fobxs.get(id).is_none())
    }
}

/// The caller's request, unless it is cancelled: what has begun is finished all the same.
fn caller_of<X: Extensions>(caller: Option<ContextId>, tree: &Tree<X>) -> Option<ContextId> {
    caller.filter(|&id| tree.context(id).is_ok_and(|context| !context.is_cancelled()))
}
