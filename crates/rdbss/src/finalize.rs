//! Finalisation: how objects leave.
//!
//! Two phases, as in RDBSS. Phase 1, *detach*: no name leads to the object any more, whoever waits for it is woken,
//! its extension leaves with an effect. Phase 2, *free*: the last reference goes, and with it the memory. Without
//! force both happen in one step, when the count comes down to what the object itself is worth: 1 for SRV_CALL,
//! NET_ROOT, V_NET_ROOT and FCB, 0 for SRV_OPEN and FOBX. With force, phase 1 of a V_NET_ROOT happens at once and
//! phase 2 when the last handle is closed.

use crate::condition::Condition;
use crate::effect::{Effect, Effects, NodeBox};
use crate::extensions::Extensions;
use crate::fcb::FcbState;
use crate::fobx::FobxFlags;
use crate::id::{FcbId, FobxId, NetRootId, SrvCallId, SrvOpenId, VNetRootId};
use crate::rx_context::Wait;
use crate::srv_call::SrvCallFlags;
use crate::srv_open::SrvOpenFlags;
use crate::tree::{Tree, drop_one};

impl<X: Extensions> Tree<X> {
    pub(crate) fn release_srv_call(&mut self, id: SrvCallId, effects: &mut Effects<X>) {
        let Some(srv_call) = self.srv_calls.get_mut(id) else {
            return;
        };
        drop_one(&mut srv_call.references);
        if srv_call.references <= 1 {
            self.detach_srv_call(id, effects);
            self.srv_calls.remove(id);
        }
    }

    pub(crate) fn release_net_root(&mut self, id: NetRootId, effects: &mut Effects<X>) {
        let Some(net_root) = self.net_roots.get_mut(id) else {
            return;
        };
        drop_one(&mut net_root.references);
        if net_root.references <= 1 {
            let srv_call = net_root.srv_call;
            self.detach_net_root(id, effects);
            self.net_roots.remove(id);
            self.release_srv_call(srv_call, effects);
        }
    }

    pub(crate) fn release_v_net_root(&mut self, id: VNetRootId, effects: &mut Effects<X>) {
        let Some(v_net_root) = self.v_net_roots.get_mut(id) else {
            return;
        };
        drop_one(&mut v_net_root.references);
        if v_net_root.dormant > 0 && v_net_root.references <= v_net_root.dormant.saturating_add(1) {
            // Only what is dormant is left upon it. A reference of our own, so that the last of them does not end here.
            v_net_root.references = v_net_root.references.saturating_add(1);
            self.scavenge_v_net_root(id, effects);
            if let Some(v_net_root) = self.v_net_roots.get_mut(id) {
                drop_one(&mut v_net_root.references);
            }
        }
        let Some(v_net_root) = self.v_net_roots.get_mut(id) else {
            return;
        };
        if v_net_root.references <= 1 {
            let net_root = v_net_root.net_root;
            self.detach_v_net_root(id, effects);
            self.v_net_roots.remove(id);
            self.release_net_root(net_root, effects);
        }
    }

    pub(crate) fn release_fcb(&mut self, id: FcbId, effects: &mut Effects<X>) {
        let Some(fcb) = self.fcbs.get_mut(id) else { return };
        drop_one(&mut fcb.references);
        if fcb.references > 1 {
            return;
        }
        self.remove_fcb_name(id);
        self.wake_waiters(Wait::Fcb(id), Ok(()), effects);
        let Some(mut fcb) = self.fcbs.remove(id) else {
            return;
        };
        if let Some(context) = fcb.exclusive.and_then(|context| self.contexts.get_mut(context)) {
            context.exclusive = None;
        }
        if let Some(rename) = fcb.rename.take() {
            self.release_directory(rename.directory);
            self.end_renaming(rename.itself);
        }
        push(effects, &mut fcb.exit, fcb.extension, |extension| {
            Effect::DeallocateFcb { fcb: id, extension }
        });
        self.release_net_root(fcb.net_root, effects);
    }

    pub(crate) fn release_srv_open(&mut self, id: SrvOpenId, effects: &mut Effects<X>) {
        let Some(srv_open) = self.srv_opens.get_mut(id) else {
            return;
        };
        drop_one(&mut srv_open.references);
        if srv_open.references > 0 {
            return;
        }
        self.close_srv_open(id, false, effects);
        let Some(srv_open) = self.srv_opens.get(id) else {
            return;
        };
        let (fcb_id, v_net_root_id) = (srv_open.fcb, srv_open.v_net_root);
        if let Some(fcb) = self.fcbs.get_mut(fcb_id) {
            fcb.srv_opens
                .remove(&mut self.srv_opens, id, |srv_open| &mut srv_open.by_fcb);
        }
        if let Some(v_net_root) = self.v_net_roots.get_mut(v_net_root_id) {
            v_net_root
                .srv_opens
                .remove(&mut self.srv_opens, id, |srv_open| &mut srv_open.by_v_net_root);
        }
        if let Some(srv_open) = self.srv_opens.remove(id)
            && srv_open.flags.contains(SrvOpenFlags::ORPHANED)
            && let Some(fcb) = self.fcbs.get_mut(fcb_id)
        {
            drop_one(&mut fcb.orphaned_srv_opens);
        }
        self.orphan_fcb_without_opens(fcb_id);
        self.release_fcb(fcb_id, effects);
        self.release_v_net_root(v_net_root_id, effects);
    }

    pub(crate) fn release_fobx(&mut self, id: FobxId, effects: &mut Effects<X>) {
        let Some(fobx) = self.fobxs.get_mut(id) else {
            return;
        };
        drop_one(&mut fobx.references);
        if fobx.references > 0 {
            return;
        }
        let srv_open_id = fobx.srv_open;
        if let Some(srv_open) = self.srv_opens.get_mut(srv_open_id) {
            srv_open
                .fobxs
                .remove(&mut self.fobxs, id, |fobx| &mut fobx.siblings);
        }
        let Some(mut fobx) = self.fobxs.remove(id) else {
            return;
        };
        push(effects, &mut fobx.exit, fobx.extension, |extension| {
            Effect::DeallocateFobx { fobx: id, extension }
        });
        self.release_srv_open(srv_open_id, effects);
    }

    /// Hands out the server's side of an open.
    pub(crate) fn close_srv_open(&mut self, id: SrvOpenId, forced: bool, effects: &mut Effects<X>) {
        let Some(srv_open) = self.srv_opens.get_mut(id) else {
            return;
        };
        srv_open.flags.insert(SrvOpenFlags::CLOSED);
        let extension = srv_open.extension.take();
        push(effects, &mut srv_open.exit, extension, |extension| {
            Effect::CloseSrvOpen {
                srv_open: id,
                extension,
                forced,
            }
        });
    }

    /// Phase 1 of a SRV_CALL.
    pub(crate) fn detach_srv_call(&mut self, id: SrvCallId, effects: &mut Effects<X>) {
        let Some(srv_call) = self.srv_calls.get_mut(id) else {
            return;
        };
        if !core::mem::replace(&mut srv_call.attached, false) {
            return;
        }
        close(&mut srv_call.condition);
        if srv_call.references > 1 {
            srv_call.flags.insert(SrvCallFlags::FORCE_FINALIZED);
        }
        let extension = srv_call.extension.take();
        push(effects, &mut srv_call.exit, extension, |extension| {
            Effect::FinalizeSrvCall {
                srv_call: id,
                extension,
            }
        });
        self.hosts.remove(&mut self.srv_calls, id);
        self.wake_waiters(Wait::SrvCall(id), Ok(()), effects);
    }

    /// Phase 1 of a NET_ROOT, and of its SRV_CALL if it was the last within reach there and no caller holds that.
    pub(crate) fn detach_net_root(&mut self, id: NetRootId, effects: &mut Effects<X>) {
        let Some(net_root) = self.net_roots.get_mut(id) else {
            return;
        };
        if !core::mem::replace(&mut net_root.attached, false) {
            return;
        }
        close(&mut net_root.condition);
        let srv_call_id = net_root.srv_call;
        let extension = net_root.extension.take();
        push(effects, &mut net_root.exit, extension, |extension| {
            Effect::FinalizeNetRoot {
                net_root: id,
                extension,
            }
        });
        self.shares.remove(&mut self.net_roots, id);
        self.wake_waiters(Wait::NetRoot(id), Ok(()), effects);
        let Some(srv_call) = self.srv_calls.get_mut(srv_call_id) else {
            return;
        };
        srv_call
            .net_roots
            .remove(&mut self.net_roots, id, |net_root| &mut net_root.siblings);
        // Whoever holds a reference may still make a share of it.
        if srv_call.net_roots.is_empty() && srv_call.held == 0 {
            self.detach_srv_call(srv_call_id, effects);
        }
    }

    /// Phase 1 of a V_NET_ROOT: opens orphaned and closed, name gone; and phase 1 of its NET_ROOT if it was the last
    /// within reach there.
    pub(crate) fn detach_v_net_root(&mut self, id: VNetRootId, effects: &mut Effects<X>) {
        let Some(v_net_root) = self.v_net_roots.get_mut(id) else {
            return;
        };
        if !core::mem::replace(&mut v_net_root.attached, false) {
            return;
        }
        close(&mut v_net_root.condition);
        self.orphan_srv_opens(id, effects);
        let Some(v_net_root) = self.v_net_roots.get_mut(id) else {
            return;
        };
        let net_root_id = v_net_root.net_root;
        let has_drive = v_net_root.drive.is_some();
        let extension = v_net_root.extension.take();
        push(effects, &mut v_net_root.exit, extension, |extension| {
            Effect::FinalizeVNetRoot {
                v_net_root: id,
                extension,
            }
        });
        if has_drive {
            self.drives.remove(&mut self.v_net_roots, id);
        }
        self.views.remove(&mut self.v_net_roots, id);
        self.wake_waiters(Wait::VNetRoot(id), Ok(()), effects);
        let Some(net_root) = self.net_roots.get_mut(net_root_id) else {
            return;
        };
        net_root
            .v_net_roots
            .remove(&mut self.v_net_roots, id, |v_net_root| &mut v_net_root.siblings);
        if net_root.v_net_roots.is_empty() {
            self.detach_net_root(net_root_id, effects);
        }
    }

    fn orphan_srv_opens(&mut self, v_net_root: VNetRootId, effects: &mut Effects<X>) {
        self.scavenge_v_net_root(v_net_root, effects);
        let mut next = self
            .v_net_roots
            .get(v_net_root)
            .and_then(|v_net_root| v_net_root.srv_opens.first());
        while let Some(id) = next {
            next = self
                .srv_opens
                .get(id)
                .and_then(|srv_open| srv_open.by_v_net_root.next());
            self.orphan_srv_open(id, effects);
        }
    }

    /// `RxOrphanSrvOpens` for one: its handles keep nothing but cleanup and close, the file stops counting its
    /// claims, and once all opens of the file are orphaned so is the file.
    pub(crate) fn orphan_srv_open(&mut self, id: SrvOpenId, effects: &mut Effects<X>) {
        let Some(srv_open) = self.srv_opens.get_mut(id) else {
            return;
        };
        if srv_open.flags.contains(SrvOpenFlags::ORPHANED) {
            return;
        }
        srv_open
            .flags
            .insert(SrvOpenFlags::ORPHANED | SrvOpenFlags::COLLAPSING_DISABLED);
        let fcb_id = srv_open.fcb;
        let mut next = srv_open.fobxs.first();
        while let Some(fobx_id) = next {
            self.remove_share_claim(fcb_id, fobx_id);
            let Some(fobx) = self.fobxs.get(fobx_id) else {
                break;
            };
            next = fobx.siblings.next();
            if let Some(extension) = &fobx.extension {
                X::orphaned(extension);
            }
        }
        self.close_srv_open(id, true, effects);
        let Some(fcb) = self.fcbs.get_mut(fcb_id) else {
            return;
        };
        fcb.orphaned_srv_opens = fcb.orphaned_srv_opens.saturating_add(1);
        self.orphan_fcb_without_opens(fcb_id);
        self.wake_waiters(Wait::Fcb(fcb_id), Ok(()), effects);
    }

    /// Orphans a file all of whose opens are orphaned, so that a new open of its path makes a new FCB.
    fn orphan_fcb_without_opens(&mut self, id: FcbId) {
        let Some(fcb) = self.fcbs.get_mut(id) else { return };
        if fcb.orphaned_srv_opens > 0 && fcb.orphaned_srv_opens == fcb.srv_opens.len() {
            fcb.state.insert(FcbState::ORPHANED);
            self.remove_fcb_name(id);
        }
    }

    /// Stops counting what a handle does and tolerates.
    pub(crate) fn remove_share_claim(&mut self, fcb: FcbId, fobx: FobxId) {
        let Some(fobx) = self.fobxs.get_mut(fobx) else {
            return;
        };
        if !fobx.flags.contains(FobxFlags::SHARES) {
            return;
        }
        fobx.flags.remove(FobxFlags::SHARES);
        if let Some(fcb) = self.fcbs.get_mut(fcb) {
            fcb.share.remove(fobx.claim);
        }
    }

    pub(crate) fn remove_fcb_name(&mut self, id: FcbId) {
        let Some(fcb) = self.fcbs.get_mut(id).filter(|fcb| fcb.is_named()) else {
            return;
        };
        fcb.state.insert(FcbState::NAME_ALREADY_REMOVED);
        let (net_root, directory) = (fcb.net_root, fcb.directory.take());
        self.paths.remove(&mut self.fcbs, id);
        self.release_directory(directory);
        if let Some(net_root) = self.net_roots.get_mut(net_root) {
            drop_one(&mut net_root.named_fcbs);
        }
    }
}

/// `Bad` says more than `Closed` and stays.
fn close(condition: &mut Condition) {
    if *condition != Condition::Bad {
        *condition = Condition::Closed;
    }
}

/// Hands out an extension, if there is one and it was not handed out before.
pub(crate) fn push<X: Extensions, E>(
    effects: &mut Effects<X>,
    node: &mut Option<NodeBox<X>>,
    extension: Option<E>,
    effect: impl FnOnce(E) -> Effect<X>,
) {
    if let Some(extension) = extension
        && let Some(node) = node.take()
    {
        effects.push(node, effect(extension));
    }
}
