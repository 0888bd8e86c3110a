//! Objects made one at a time (`RxCreateSrvCall` … `RxCreateNetFobx`), where [`Tree::connect`] and [`Tree::begin_open`] make
//! all that a connection or an open needs. Whoever makes an object holds a reference on it.

use nt::{AccessMask, CreateOptions, Name, NameBuf, ShareAccess, Status};

use crate::condition::Condition;
use crate::directory::parent_path;
use crate::effect::{Effects, try_node};
use crate::extensions::Extensions;
use crate::id::{ContextId, FcbId, FobxId, NetRootId, SrvCallId, SrvOpenId, VNetRootId};
use crate::names::ServerName;
use crate::open::OpenRequest;
use crate::rx_context::Wait;
use crate::srv_open::SrvOpenFlags;
use crate::tree::{STALE, Tree};

/// What came of a request for an object that the network has a say in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Making<T> {
    /// It is there and good. The caller holds a reference.
    Found(T),
    /// The caller is to make it, and to say when it is good, or bad. It holds a reference until then, and if it is good
    /// beyond that.
    Make(T),
    /// Somebody else is making it: an [`Effect::Wake`](crate::Effect::Wake) will say when to ask again.
    Wait,
}

/// An object with a condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Conditional {
    /// A server.
    SrvCall(SrvCallId),
    /// A share.
    NetRoot(NetRootId),
    /// A view.
    VNetRoot(VNetRootId),
}

impl<X: Extensions> Tree<X> {
    /// Finds or begins a server (`RxCreateSrvCall`), to be followed by [`Tree::srv_call_good`] or [`Tree::srv_call_bad`].
    ///
    /// # Errors
    /// `CANCELLED`: the request is to end. `INVALID_PARAMETER`: it has ended. `INSUFFICIENT_RESOURCES`.
    pub fn create_srv_call(
        &mut self,
        name: &ServerName<'_>,
        context: ContextId,
    ) -> nt::Result<Making<SrvCallId>> {
        self.context(context)?.check()?;
        let port = name.port.unwrap_or(self.config.default_port);
        if let Some(id) = self.find_srv_call(name.host, port) {
            if self.srv_call(id)?.condition.is_stable() {
                self.reference_srv_call(id)?;
                return Ok(Making::Found(id));
            }
            self.wait_for(context, Wait::SrvCall(id), true)?;
            return Ok(Making::Wait);
        }
        let (host, exit) = (NameBuf::try_from_units(name.host.as_units())?, try_node()?);
        self.srv_calls.reserve()?;
        self.hosts.prepare(&mut self.srv_calls)?;
        let id = self.add_srv_call(host, port, exit)?;
        self.reference_srv_call(id)?;
        Ok(Making::Make(id))
    }

    /// The server could not be made: those who wait for it are told `status`, its maker's reference is given back.
    ///
    /// # Errors
    /// `INVALID_PARAMETER` if it is gone, or not in transition, or nobody holds a reference on it.
    pub fn srv_call_bad(&mut self, id: SrvCallId, status: Status, effects: &mut Effects<X>) -> nt::Result {
        let srv_call = self.srv_calls.get_mut(id).ok_or(STALE)?;
        if srv_call.condition.is_stable() || srv_call.held == 0 {
            return Err(Status::INVALID_PARAMETER);
        }
        srv_call.condition = Condition::Bad;
        self.wake_waiters(Wait::SrvCall(id), Err(status), effects);
        self.detach_srv_call(id, effects);
        self.dereference_srv_call(id, effects)
    }

    /// Finds or begins a share, `\a\b`, of a server (`RxCreateNetRoot`), to be followed by [`Tree::net_root_good`] or
    /// [`Tree::net_root_bad`].
    ///
    /// # Errors
    /// As [`Tree::create_srv_call`]; `INVALID_PARAMETER` also if the server is gone or not good.
    pub fn create_net_root(
        &mut self,
        srv_call: SrvCallId,
        share: Name<'_>,
        context: ContextId,
    ) -> nt::Result<Making<NetRootId>> {
        self.context(context)?.check()?;
        if self.srv_call(srv_call)?.condition != Condition::Good {
            return Err(Status::INVALID_PARAMETER);
        }
        if let Some(id) = self.find_net_root(srv_call, share) {
            if self.net_root(id)?.condition.is_stable() {
                self.reference_net_root(id)?;
                return Ok(Making::Found(id));
            }
            self.wait_for(context, Wait::NetRoot(id), true)?;
            return Ok(Making::Wait);
        }
        let (share, exit) = (NameBuf::try_from_units(share.as_units())?, try_node()?);
        self.net_roots.reserve()?;
        self.shares.prepare(&mut self.net_roots)?;
        let id = self.add_net_root(srv_call, share, exit)?;
        self.reference_net_root(id)?;
        Ok(Making::Make(id))
    }

    /// The share could not be made; otherwise as [`Tree::srv_call_bad`].
    ///
    /// # Errors
    /// As [`Tree::srv_call_bad`].
    pub fn net_root_bad(&mut self, id: NetRootId, status: Status, effects: &mut Effects<X>) -> nt::Result {
        let net_root = self.net_roots.get_mut(id).ok_or(STALE)?;
        let unfit = net_root.condition.is_stable() || net_root.held == 0 || !net_root.v_net_roots.is_empty();
        if unfit {
            return Err(Status::INVALID_PARAMETER);
        }
        net_root.condition = Condition::Bad;
        self.wake_waiters(Wait::NetRoot(id), Err(status), effects);
        self.detach_net_root(id, effects);
        self.dereference_net_root(id, effects)
    }

    /// The condition of an object, if it is stable; otherwise `None`, and an [`Effect::Wake`](crate::Effect::Wake) will tell
    /// the request when to look again (`RxWaitForStableCondition`).
    ///
    /// # Errors
    /// `CANCELLED`: the request is to end. `INVALID_PARAMETER`: it has ended, or the object is gone.
    /// `INSUFFICIENT_RESOURCES`.
    pub fn wait_for_stable_condition(
        &mut self,
        object: Conditional,
        context: ContextId,
    ) -> nt::Result<Option<Condition>> {
        let (condition, wait) = match object {
            Conditional::SrvCall(id) => (self.srv_call(id)?.condition, Wait::SrvCall(id)),
            Conditional::NetRoot(id) => (self.net_root(id)?.condition, Wait::NetRoot(id)),
            Conditional::VNetRoot(id) => (self.v_net_root(id)?.condition, Wait::VNetRoot(id)),
        };
        if condition.is_stable() {
            return Ok(Some(condition));
        }
        self.wait_for(context, wait, false)?;
        Ok(None)
    }

    /// Makes the FCB of a path below a view's share, or finds it (`RxCreateNetFcb`). It does not keep the view.
    ///
    /// # Errors
    /// - `UNEXPECTED_NETWORK_ERROR`: the view was taken away. `INVALID_PARAMETER`: it is gone or not good.
    /// - `DELETE_PENDING`: the file is about to go. `LOCK_NOT_GRANTED`: a directory above it is being renamed.
    /// - `INSUFFICIENT_RESOURCES`.
    pub fn create_fcb(&mut self, v_net_root: VNetRootId, path: Name<'_>) -> nt::Result<FcbId> {
        let net_root = self.usable_view(v_net_root)?;
        if let Some(id) = self.find_fcb(net_root, path) {
            if self.fcb(id)?.state.contains(crate::FcbState::DELETE_ON_CLOSE) {
                return Err(Status::DELETE_PENDING);
            }
            self.reference_fcb(id)?;
            return Ok(id);
        }
        let parent = parent_path(path);
        let way = self.way_to(net_root, parent);
        if way.renaming.is_some() {
            return Err(Status::LOCK_NOT_GRANTED);
        }
        let (owned, exit) = (NameBuf::try_from_units(path.as_units())?, try_node()?);
        self.fcbs.reserve()?;
        self.paths.prepare(&mut self.fcbs)?;
        let directory = self.hold_directory(net_root, parent, &way)?;
        let id = self.add_fcb(net_root, owned, directory, exit)?;
        self.reference_fcb(id)?;
        Ok(id)
    }

    /// Makes a SRV_OPEN of a file, with what the mini-redirector keeps of it (`RxCreateSrvOpen`). No other open shares it,
    /// and it claims nothing of the file.
    ///
    /// # Errors
    /// As [`Tree::create_fcb`]; `INVALID_PARAMETER` also if the file is gone, or of another share, and
    /// `UNEXPECTED_NETWORK_ERROR` if it is orphaned.
    pub fn create_srv_open(
        &mut self,
        v_net_root: VNetRootId,
        fcb: FcbId,
        extension: X::SrvOpen,
    ) -> nt::Result<SrvOpenId> {
        let net_root = self.usable_view(v_net_root)?;
        let file = self.fcb(fcb)?;
        if file.net_root != net_root {
            return Err(Status::INVALID_PARAMETER);
        }
        if file.state.contains(crate::FcbState::ORPHANED) {
            return Err(Status::UNEXPECTED_NETWORK_ERROR);
        }
        let exit = try_node()?;
        self.srv_opens.reserve()?;
        let request = OpenRequest {
            v_net_root,
            path: Name::EMPTY,
            desired_access: AccessMask::empty(),
            share_access: ShareAccess::all(),
            options: CreateOptions::empty(),
            unc_name: false,
            collapse: None,
            context: None,
        };
        let id = self.add_srv_open(fcb, &request, exit)?;
        if let Some(srv_open) = self.srv_opens.get_mut(id) {
            srv_open.flags = SrvOpenFlags::COLLAPSING_DISABLED;
            srv_open.extension = Some(extension);
        }
        self.reference_srv_open(id)?;
        Ok(id)
    }

    /// Makes a handle of a SRV_OPEN (`RxCreateNetFobx`): it is open at once, and its own reference is the caller's. It claims
    /// nothing of the file.
    ///
    /// # Errors
    /// `INVALID_PARAMETER`: the open is gone. `FILE_CLOSED`: it is closed, or the server has not answered yet.
    /// `UNEXPECTED_NETWORK_ERROR`: its connection was taken away. `INSUFFICIENT_RESOURCES`.
    pub fn create_fobx(&mut self, srv_open: SrvOpenId, extension: X::Fobx) -> nt::Result<FobxId> {
        let object = self.srv_open(srv_open)?;
        let (fcb, v_net_root) = (object.fcb, object.v_net_root);
        if object.flags.contains(SrvOpenFlags::ORPHANED) {
            return Err(Status::UNEXPECTED_NETWORK_ERROR);
        }
        if object
            .flags
            .intersects(SrvOpenFlags::CLOSED | SrvOpenFlags::OPENING)
        {
            return Err(Status::FILE_CLOSED);
        }
        let exit = try_node()?;
        self.fobxs.reserve()?;
        let id = self.insert_fobx(fcb, srv_open, exit)?;
        if let Some(fobx) = self.fobxs.get_mut(id) {
            fobx.extension = Some(extension);
        }
        self.revive(srv_open);
        self.count_open(fcb, srv_open, v_net_root);
        Ok(id)
    }

    /// The share of a view through which something can be opened.
    pub(crate) fn usable_view(&self, id: VNetRootId) -> nt::Result<NetRootId> {
        let view = self.v_net_root(id)?;
        if !view.attached {
            return Err(Status::UNEXPECTED_NETWORK_ERROR);
        }
        if view.condition != Condition::Good {
            return Err(Status::INVALID_PARAMETER);
        }
        Ok(view.net_root)
    }
}
