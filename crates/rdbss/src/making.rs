//! Making a connection with the network's help: what was made is reported from the server down.

use nt::{NameBuf, Status};

use crate::condition::Condition;
use crate::effect::{Effect, Effects};
use crate::extensions::Extensions;
use crate::finalize::push;
use crate::id::{ContextId, NetRootId, SrvCallId, VNetRootId};
use crate::rx_context::Wait;
use crate::tree::{STALE, Tree};

/// What came of [`Tree::shorten_share`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shorten {
    /// The share in the making has the shorter name now: go on making it.
    Renamed,
    /// A share of that name was there already. The view belongs to it now, and the share in the making is gone.
    Joined(NetRootId),
    /// A share of that name is in the making: an [`Effect::Wake`] will say when to call again.
    Wait,
}

impl<X: Extensions> Tree<X> {
    /// The server answered: stores its extension and wakes whoever waits for it.
    ///
    /// # Errors
    /// `CANCELLED` if the server was finalised by force meanwhile: the extension leaves again as an effect, and the
    /// caller goes on with [`Tree::connect_failed`]. `INVALID_PARAMETER` if it is gone or not in transition; the
    /// extension is dropped.
    pub fn srv_call_good(
        &mut self,
        id: SrvCallId,
        extension: X::SrvCall,
        effects: &mut Effects<X>,
    ) -> nt::Result {
        let srv_call = self.srv_calls.get_mut(id).ok_or(STALE)?;
        if !srv_call.attached {
            let effect = |extension| Effect::FinalizeSrvCall {
                srv_call: id,
                extension,
            };
            push(effects, &mut srv_call.exit, Some(extension), effect);
            return Err(Status::CANCELLED);
        }
        become_good(&mut srv_call.condition)?;
        srv_call.extension = Some(extension);
        self.wake_waiters(Wait::SrvCall(id), Ok(()), effects);
        Ok(())
    }

    /// The share can be used: stores its extension and wakes whoever waits for it.
    ///
    /// # Errors
    /// As [`Tree::srv_call_good`]; `INVALID_PARAMETER` also if its server is not good yet.
    pub fn net_root_good(
        &mut self,
        id: NetRootId,
        extension: X::NetRoot,
        effects: &mut Effects<X>,
    ) -> nt::Result {
        let net_root = self.net_roots.get_mut(id).ok_or(STALE)?;
        if !net_root.attached {
            let effect = |extension| Effect::FinalizeNetRoot {
                net_root: id,
                extension,
            };
            push(effects, &mut net_root.exit, Some(extension), effect);
            return Err(Status::CANCELLED);
        }
        if self.srv_calls.get(net_root.srv_call).ok_or(STALE)?.condition != Condition::Good {
            return Err(Status::INVALID_PARAMETER);
        }
        become_good(&mut net_root.condition)?;
        net_root.extension = Some(extension);
        self.wake_waiters(Wait::NetRoot(id), Ok(()), effects);
        Ok(())
    }

    /// The view can be used: stores its extension and wakes whoever waits for it. The caller keeps its reference.
    ///
    /// # Errors
    /// As [`Tree::srv_call_good`]; `INVALID_PARAMETER` also if its share is not good yet.
    pub fn v_net_root_good(
        &mut self,
        id: VNetRootId,
        extension: X::VNetRoot,
        effects: &mut Effects<X>,
    ) -> nt::Result {
        let v_net_root = self.v_net_roots.get_mut(id).ok_or(STALE)?;
        if !v_net_root.attached {
            let effect = |extension| Effect::FinalizeVNetRoot {
                v_net_root: id,
                extension,
            };
            push(effects, &mut v_net_root.exit, Some(extension), effect);
            return Err(Status::CANCELLED);
        }
        if self.net_roots.get(v_net_root.net_root).ok_or(STALE)?.condition != Condition::Good {
            return Err(Status::INVALID_PARAMETER);
        }
        become_good(&mut v_net_root.condition)?;
        v_net_root.extension = Some(extension);
        self.wake_waiters(Wait::VNetRoot(id), Ok(()), effects);
        Ok(())
    }

    /// The connection could not be made: whatever of it is still in transition becomes bad and goes, those who wait
    /// for the same are told `status`, and the caller's reference on the view is given back. Requests upon the view,
    /// which can only be the caller's own, are not cancelled.
    ///
    /// # Errors
    /// `INVALID_PARAMETER` if the view is gone, or good already, or the caller holds no reference on it.
    pub fn connect_failed(&mut self, id: VNetRootId, status: Status, effects: &mut Effects<X>) -> nt::Result {
        let v_net_root = self.v_net_roots.get_mut(id).ok_or(STALE)?;
        if v_net_root.condition == Condition::Good {
            return Err(Status::INVALID_PARAMETER);
        }
        v_net_root.held = v_net_root.held.checked_sub(1).ok_or(Status::INVALID_PARAMETER)?;
        become_bad(&mut v_net_root.condition);
        let net_root_id = v_net_root.net_root;
        // Those who wait are told before the objects go, which would tell them to look again.
        if let Some(net_root) = self.net_roots.get_mut(net_root_id) {
            let srv_call_id = net_root.srv_call;
            if become_bad(&mut net_root.condition) {
                if self
                    .srv_calls
                    .get_mut(srv_call_id)
                    .is_some_and(|object| become_bad(&mut object.condition))
                {
                    self.wake_waiters(Wait::SrvCall(srv_call_id), Err(status), effects);
                }
                self.wake_waiters(Wait::NetRoot(net_root_id), Err(status), effects);
            }
        }
        self.wake_waiters(Wait::VNetRoot(id), Err(status), effects);
        self.detach_v_net_root(id, effects);
        self.release_v_net_root(id, effects);
        Ok(())
    }

    /// The server knows no share of the full name: makes the first `units` units of the view's path the share and
    /// the rest the prefix of all paths below the view.
    ///
    /// To be called while the share is in transition, by the one who makes it.
    ///
    /// # Errors
    /// - `INVALID_PARAMETER`: the share is not in the making for this view alone, or `units` does not end a component.
    /// - `CANCELLED`: the view was finalised by force meanwhile, or `context` is to end.
    /// - `NETWORK_CREDENTIAL_CONFLICT`: the session is connected to the shorter share as another user.
    /// - `INSUFFICIENT_RESOURCES`.
    pub fn shorten_share(
        &mut self,
        id: VNetRootId,
        units: usize,
        context: ContextId,
        effects: &mut Effects<X>,
    ) -> nt::Result<Shorten> {
        self.context(context)?.check()?;
        let v_net_root = self.v_net_root(id)?;
        if !v_net_root.attached {
            return Err(Status::CANCELLED);
        }
        let (old_id, logon) = (v_net_root.net_root, v_net_root.logon);
        let old = self.net_root(old_id)?;
        if old.condition.is_stable() || old.v_net_roots.len() != 1 {
            return Err(Status::INVALID_PARAMETER);
        }
        let srv_call_id = old.srv_call;
        let (share, rest) = v_net_root
            .path()
            .split_at(units)
            .ok_or(Status::INVALID_PARAMETER)?;
        let ends_component = rest.is_empty() || rest.first() == Some(b'\\'.into());
        if share.len() < 2 || !ends_component {
            return Err(Status::INVALID_PARAMETER);
        }
        let target = self
            .find_net_root(srv_call_id, share)
            .filter(|&target| target != old_id);
        let Some(target) = target else {
            let share = NameBuf::try_from_units(share.as_units())?;
            self.rename_net_root(old_id, share);
            self.set_share_units(id, units);
            return Ok(Shorten::Renamed);
        };
        if !self.net_root(target)?.condition.is_stable() {
            self.wait_for(context, Wait::NetRoot(target), false)?;
            return Ok(Shorten::Wait);
        }
        // Not even one without a user joins those of another: it was made before it could take that over.
        let user = v_net_root.user();
        if self
            .views_of(target, logon)
            .any(|(_, other)| other.user() != user)
        {
            return Err(Status::NETWORK_CREDENTIAL_CONFLICT);
        }
        self.move_v_net_root(id, target, effects);
        self.set_share_units(id, units);
        Ok(Shorten::Joined(target))
    }

    fn set_share_units(&mut self, id: VNetRootId, units: usize) {
        if let Some(v_net_root) = self.v_net_roots.get_mut(id) {
            v_net_root.share_units = units;
        }
    }

    fn rename_net_root(&mut self, id: NetRootId, share: NameBuf) {
        let Some(net_root) = self.net_roots.get(id) else {
            return;
        };
        let hash = self.share_hash(net_root.srv_call, share.as_name());
        self.shares.remove(&mut self.net_roots, id);
        if let Some(net_root) = self.net_roots.get_mut(id) {
            net_root.share = share;
            net_root.hash = hash;
        }
        self.shares.insert(&mut self.net_roots, id);
    }

    fn move_v_net_root(&mut self, id: VNetRootId, target: NetRootId, effects: &mut Effects<X>) {
        let Some(v_net_root) = self.v_net_roots.get(id) else {
            return;
        };
        let (old, logon) = (v_net_root.net_root, v_net_root.logon);
        let view_hash = self.view_hash(target, logon);
        self.views.remove(&mut self.v_net_roots, id);
        if let Some(net_root) = self.net_roots.get_mut(old) {
            net_root
                .v_net_roots
                .remove(&mut self.v_net_roots, id, |v_net_root| &mut v_net_root.siblings);
        }
        if let Some(v_net_root) = self.v_net_roots.get_mut(id) {
            v_net_root.net_root = target;
            v_net_root.view_hash = view_hash;
        }
        self.adopt_v_net_root(target, id);
        self.detach_net_root(old, effects);
        self.release_net_root(old, effects);
    }
}

fn become_good(condition: &mut Condition) -> nt::Result {
    if *condition != Condition::InTransition {
        return Err(Status::INVALID_PARAMETER);
    }
    *condition = Condition::Good;
    Ok(())
}

/// Returns whether this changed anything: only what is in transition can fail.
fn become_bad(condition: &mut Condition) -> bool {
    let changes = *condition == Condition::InTransition;
    if changes {
        *condition = Condition::Bad;
    }
    changes
}
