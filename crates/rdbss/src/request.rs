//! The registry of requests: so that all that is under way upon a view, a handle or the device can be cancelled.

use nt::Status;

use crate::effect::{Effect, Effects, try_node};
use crate::extensions::Extensions;
use crate::fobx::FobxFlags;
use crate::id::{ContextId, FobxId, SrvOpenId, VNetRootId};
use crate::list::Links;
use crate::rx_context::{Context, ContextFlags, MajorFunction, Owner, Wait};
use crate::srv_open::SrvOpenFlags;
use crate::tree::{STALE, Tree, bump, drop_one};

/// A request that begins.
#[derive(Clone, Debug)]
pub struct Request<E> {
    /// What it is about.
    pub owner: Owner,
    /// Its major function.
    pub major: MajorFunction,
    /// Its minor function.
    pub minor: u8,
    /// Whether it can be cancelled. Never true of cleanup and close, whatever is said here.
    pub cancellable: bool,
    /// The mini-redirector's part.
    pub extension: E,
}

impl<X: Extensions> Tree<X> {
    /// Registers a request, which pins what it is about until [`Tree::end_request`].
    ///
    /// # Errors
    /// - `INVALID_PARAMETER`: what it is about is gone.
    /// - `UNEXPECTED_NETWORK_ERROR`: its connection was taken away (cleanup and close still work).
    /// - `FILE_CLOSED`: the handle was cleaned up (close still works).
    /// - `INSUFFICIENT_RESOURCES`.
    pub fn begin_request(&mut self, request: Request<X::Context>) -> nt::Result<ContextId> {
        let Request {
            owner,
            major,
            minor,
            cancellable,
            extension,
        } = request;
        let v_net_root = self.check_owner(owner, major)?;
        let cancellable = cancellable && !major.takes_down();
        let cancel = if cancellable { Some(try_node()?) } else { None };
        let flags = if cancellable {
            ContextFlags::CANCELLABLE
        } else {
            ContextFlags::empty()
        };
        self.contexts.reserve()?;
        self.pin_owner(owner)?;
        let id = self.contexts.insert(Context {
            owner,
            v_net_root,
            siblings: Links::new(),
            by_fobx: Links::new(),
            by_waiter: Links::new(),
            major,
            minor,
            flags,
            waits_for: None,
            shares_failure: false,
            exclusive: None,
            extension,
            wake: None,
            cancel,
        })?;
        self.link_request(id);
        Ok(id)
    }

    /// Says what a request turned out to be about: an open starts on the device and moves to the view that its name
    /// leads to, so that taking the view away cancels it.
    ///
    /// # Errors
    /// As [`Tree::begin_request`]; `CANCELLED` if the request is to end.
    pub fn set_request_owner(&mut self, id: ContextId, owner: Owner, effects: &mut Effects<X>) -> nt::Result {
        let context = self.context(id)?;
        context.check()?;
        let (old, major) = (context.owner, context.major);
        let v_net_root = self.check_owner(owner, major)?;
        self.pin_owner(owner)?;
        self.unlink_request(id);
        if let Some(context) = self.contexts.get_mut(id) {
            context.owner = owner;
            context.v_net_root = v_net_root;
        }
        self.link_request(id);
        self.unpin_owner(old, effects);
        Ok(())
    }

    /// Ends a request, whatever became of it, and gives back the mini-redirector's part.
    ///
    /// # Errors
    /// `INVALID_PARAMETER` if it has ended already.
    pub fn end_request(&mut self, id: ContextId, effects: &mut Effects<X>) -> nt::Result<X::Context> {
        let context = self.context(id)?;
        let (owner, exclusive) = (context.owner, context.exclusive);
        self.stop_waiting(id);
        if let Some(fcb) = exclusive {
            self.unlock_fcb(fcb, id, effects)?;
        }
        self.unlink_request(id);
        let context = self.contexts.remove(id).ok_or(STALE)?;
        self.unpin_owner(owner, effects);
        Ok(context.extension)
    }

    /// Cancels one request, as `IoCancelIrp` asks. A request cancelled once is not cancelled again; one that cannot
    /// be cancelled runs on.
    ///
    /// # Errors
    /// `INVALID_PARAMETER` if it has ended.
    pub fn cancel_request(&mut self, id: ContextId, effects: &mut Effects<X>) -> nt::Result {
        let context = self.contexts.get_mut(id).ok_or(STALE)?;
        let Some(node) = context.cancel.take() else {
            return Ok(());
        };
        let (notified, v_net_root) = (context.is_notification(), context.v_net_root);
        context.flags.insert(ContextFlags::CANCELLED);
        let extension = context.extension.clone();
        if notified && let Some(view) = v_net_root.and_then(|id| self.v_net_roots.get_mut(id)) {
            // It is no use of the view any more, though it has yet to end.
            drop_one(&mut view.notifications);
        }
        // Whoever is cancelled need not be woken as well.
        self.stop_waiting(id);
        effects.push(
            node,
            Effect::Cancel {
                context: id,
                extension,
            },
        );
        Ok(())
    }

    /// Cancels all requests upon a handle.
    ///
    /// # Errors
    /// `INVALID_PARAMETER` if it is gone.
    pub fn cancel_fobx_requests(&mut self, fobx: FobxId, effects: &mut Effects<X>) -> nt::Result {
        let mut next = self.fobx(fobx)?.contexts.first();
        while let Some(id) = next {
            next = self.contexts.get(id).and_then(|context| context.by_fobx.next());
            _ = self.cancel_request(id, effects);
        }
        Ok(())
    }

    /// Cancels all requests upon the handles of an open.
    ///
    /// # Errors
    /// `INVALID_PARAMETER` if it is gone.
    pub fn cancel_srv_open_requests(&mut self, srv_open: SrvOpenId, effects: &mut Effects<X>) -> nt::Result {
        let mut next = self.srv_open(srv_open)?.fobxs.first();
        while let Some(id) = next {
            next = self.fobxs.get(id).and_then(|fobx| fobx.siblings.next());
            self.cancel_fobx_requests(id, effects)?;
        }
        Ok(())
    }

    /// Cancels all requests that are about no view: those upon the device, and opens whose name has led nowhere yet.
    pub fn cancel_device_requests(&mut self, spare: Option<ContextId>, effects: &mut Effects<X>) {
        let mut next = self.device_contexts.first();
        while let Some(id) = next {
            next = self.contexts.get(id).and_then(|context| context.siblings.next());
            if Some(id) != spare {
                _ = self.cancel_request(id, effects);
            }
        }
    }

    /// Whether a request may go on. One that is cancelled before it starts does nothing.
    ///
    /// # Errors
    /// `CANCELLED`: it is to end. `INVALID_PARAMETER`: it has ended.
    pub fn check_request(&self, id: ContextId) -> nt::Result {
        self.context(id)?.check()
    }

    /// Cancels all requests upon a view and below it. Does nothing for one that is gone.
    pub fn cancel_v_net_root_requests(
        &mut self,
        v_net_root: VNetRootId,
        spare: Option<ContextId>,
        effects: &mut Effects<X>,
    ) {
        let mut next = self
            .v_net_roots
            .get(v_net_root)
            .and_then(|object| object.contexts.first());
        while let Some(id) = next {
            next = self.contexts.get(id).and_then(|context| context.siblings.next());
            if Some(id) != spare {
                _ = self.cancel_request(id, effects);
            }
        }
    }

    /// Makes a request wait. `shares_failure`: see [`Effect::Wake`].
    pub(crate) fn wait_for(&mut self, id: ContextId, wait: Wait, shares_failure: bool) -> nt::Result {
        let context = self.contexts.get_mut(id).ok_or(STALE)?;
        context.check()?;
        if context.wake.is_none() {
            context.wake = Some(try_node()?);
        }
        self.stop_waiting(id);
        let waiters = match wait {
            Wait::SrvCall(at) => self.srv_calls.get_mut(at).map(|object| &mut object.waiters),
            Wait::NetRoot(at) => self.net_roots.get_mut(at).map(|object| &mut object.waiters),
            Wait::VNetRoot(at) => self.v_net_roots.get_mut(at).map(|object| &mut object.waiters),
            Wait::Fcb(at) => self.fcbs.get_mut(at).map(|object| &mut object.waiters),
        };
        waiters
            .ok_or(STALE)?
            .push_back(&mut self.contexts, id, |context| &mut context.by_waiter);
        if let Some(context) = self.contexts.get_mut(id) {
            context.waits_for = Some(wait);
            context.shares_failure = shares_failure;
        }
        Ok(())
    }

    /// Wakes all that wait for an object, in the order in which they came.
    pub(crate) fn wake_waiters(&mut self, wait: Wait, result: Result<(), Status>, effects: &mut Effects<X>) {
        while let Some(context) = self.first_waiter(wait) {
            self.wake(context, result, effects);
        }
    }

    fn first_waiter(&self, wait: Wait) -> Option<ContextId> {
        match wait {
            Wait::SrvCall(at) => self.srv_calls.get(at)?.waiters.first(),
            Wait::NetRoot(at) => self.net_roots.get(at)?.waiters.first(),
            Wait::VNetRoot(at) => self.v_net_roots.get(at)?.waiters.first(),
            Wait::Fcb(at) => self.fcbs.get(at)?.waiters.first(),
        }
    }

    fn wake(&mut self, id: ContextId, result: Result<(), Status>, effects: &mut Effects<X>) {
        self.stop_waiting(id);
        let Some(context) = self.contexts.get_mut(id) else {
            return;
        };
        let result = if context.shares_failure { result } else { Ok(()) };
        if let Some(node) = context.wake.take() {
            let extension = context.extension.clone();
            effects.push(
                node,
                Effect::Wake {
                    context: id,
                    extension,
                    result,
                },
            );
        }
    }

    fn stop_waiting(&mut self, id: ContextId) {
        let Some(wait) = self
            .contexts
            .get_mut(id)
            .and_then(|context| context.waits_for.take())
        else {
            return;
        };
        let waiters = match wait {
            Wait::SrvCall(at) => self.srv_calls.get_mut(at).map(|object| &mut object.waiters),
            Wait::NetRoot(at) => self.net_roots.get_mut(at).map(|object| &mut object.waiters),
            Wait::VNetRoot(at) => self.v_net_roots.get_mut(at).map(|object| &mut object.waiters),
            Wait::Fcb(at) => self.fcbs.get_mut(at).map(|object| &mut object.waiters),
        };
        if let Some(waiters) = waiters {
            waiters.remove(&mut self.contexts, id, |context| &mut context.by_waiter);
        }
    }

    /// The view that `owner` is or is below, if a request of this kind may begin upon it.
    fn check_owner(&self, owner: Owner, major: MajorFunction) -> nt::Result<Option<VNetRootId>> {
        match owner {
            Owner::Device => Ok(None),
            Owner::VNetRoot(id) => {
                if !self.v_net_root(id)?.attached && !major.takes_down() {
                    return Err(Status::UNEXPECTED_NETWORK_ERROR);
                }
                Ok(Some(id))
            }
            Owner::Fobx(id) => {
                let fobx = self.fobx(id)?;
                let srv_open = self.srv_open(fobx.srv_open)?;
                if srv_open.flags.contains(SrvOpenFlags::ORPHANED) && !major.takes_down() {
                    return Err(Status::UNEXPECTED_NETWORK_ERROR);
                }
                if fobx.flags.contains(FobxFlags::CLOSED)
                    || fobx.flags.contains(FobxFlags::CLEANED_UP) && major != MajorFunction::CLOSE
                {
                    return Err(Status::FILE_CLOSED);
                }
                Ok(Some(srv_open.v_net_root))
            }
        }
    }

    fn pin_owner(&mut self, owner: Owner) -> nt::Result {
        match owner {
            Owner::Device => Ok(()),
            Owner::VNetRoot(id) => {
                let v_net_root = self.v_net_roots.get_mut(id).ok_or(STALE)?;
                bump(&mut v_net_root.references)?;
                v_net_root.pins = v_net_root.pins.saturating_add(1);
                Ok(())
            }
            Owner::Fobx(id) => bump(&mut self.fobxs.get_mut(id).ok_or(STALE)?.references),
        }
    }

    fn unpin_owner(&mut self, owner: Owner, effects: &mut Effects<X>) {
        match owner {
            Owner::Device => {}
            Owner::VNetRoot(id) => {
                if let Some(v_net_root) = self.v_net_roots.get_mut(id) {
                    drop_one(&mut v_net_root.pins);
                }
                self.release_v_net_root(id, effects);
            }
            Owner::Fobx(id) => self.release_fobx(id, effects),
        }
    }

    fn link_request(&mut self, id: ContextId) {
        let Some(context) = self.contexts.get(id) else {
            return;
        };
        let (owner, v_net_root, notifies) = (context.owner, context.v_net_root, context.counts_as_use());
        match v_net_root.and_then(|id| self.v_net_roots.get_mut(id)) {
            Some(v_net_root) => {
                v_net_root.notifications = v_net_root.notifications.saturating_add(u32::from(notifies));
                v_net_root
                    .contexts
                    .push_back(&mut self.contexts, id, |context| &mut context.siblings);
            }
            None => self
                .device_contexts
                .push_back(&mut self.contexts, id, |context| &mut context.siblings),
        }
        if let Owner::Fobx(fobx) = owner
            && let Some(fobx) = self.fobxs.get_mut(fobx)
        {
            fobx.contexts
                .push_back(&mut self.contexts, id, |context| &mut context.by_fobx);
        }
    }

    fn unlink_request(&mut self, id: ContextId) {
        let Some(context) = self.contexts.get(id) else {
            return;
        };
        let (owner, v_net_root, notifies) = (context.owner, context.v_net_root, context.counts_as_use());
        match v_net_root.and_then(|id| self.v_net_roots.get_mut(id)) {
            Some(v_net_root) => {
                v_net_root.notifications = v_net_root.notifications.saturating_sub(u32::from(notifies));
                v_net_root
                    .contexts
                    .remove(&mut self.contexts, id, |context| &mut context.siblings);
            }
            None => self
                .device_contexts
                .remove(&mut self.contexts, id, |context| &mut context.siblings),
        }
        if let Owner::Fobx(fobx) = owner
            && let Some(fobx) = self.fobxs.get_mut(fobx)
        {
            fobx.contexts
                .remove(&mut self.contexts, id, |context| &mut context.by_fobx);
        }
    }
}
