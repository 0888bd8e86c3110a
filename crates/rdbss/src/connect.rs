//! Tree connects: how SRV_CALL, NET_ROOT and V_NET_ROOT come into being.
//!
//! [`Tree::connect`] looks a connection up and, where parts are missing, publishes them in transition and tells its
//! caller to make them with the network's help. Whoever asks for the same parts meanwhile waits. The caller reports
//! with [`Tree::srv_call_good`], [`Tree::net_root_good`], [`Tree::v_net_root_good`], top down, or with
//! [`Tree::connect_failed`] at any point.

use nt::{Name, NameBuf, Status};

use crate::condition::Condition;
use crate::effect::{NodeBox, try_node};
use crate::extensions::Extensions;
use crate::id::{ContextId, NetRootId, SrvCallId, VNetRootId};
use crate::list::{Links, List};
use crate::logon::LogonId;
use crate::names::{DriveLetter, PathName};
use crate::net_root::NetRoot;
use crate::rx_context::Wait;
use crate::srv_call::SrvCall;
use crate::tree::{STALE, Tree, bump};
use crate::v_net_root::VNetRoot;

/// A tree connect.
#[derive(Clone, Copy, Debug)]
pub struct ConnectRequest<'a> {
    /// `\;X:\server\share` or `\server\share`: all of its path is tried as the share.
    pub name: PathName<'a>,
    /// Whose connection it is to be.
    pub logon: LogonId,
    /// The user to connect as, if one was named. Otherwise the view takes over the user that the session already
    /// uses the share as, or the longest known share above it, if it does: [`VNetRoot::user`] says who.
    pub user: Option<Name<'a>>,
    /// The request on whose behalf, which waits if it must.
    pub context: ContextId,
}

/// What came of [`Tree::connect`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Connect {
    /// The connection exists. The caller holds a reference on it.
    Found(VNetRootId),
    /// The caller is to make it. It holds a reference on the view, to be given back with
    /// [`Tree::dereference_v_net_root`] in the end; [`Tree::connect_failed`] gives it back by itself.
    Create(Creation),
    /// Somebody else is making it or a part of it: an [`Effect::Wake`](crate::Effect::Wake) will say when to call again.
    Wait,
}

/// The objects of a connection in the making.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Creation {
    /// The server.
    pub srv_call: SrvCallId,
    /// Whether it is in transition: to be reported with [`Tree::srv_call_good`].
    pub new_srv_call: bool,
    /// The share.
    pub net_root: NetRootId,
    /// Whether it is in transition: to be reported with [`Tree::net_root_good`].
    pub new_net_root: bool,
    /// The view, always in transition: to be reported with [`Tree::v_net_root_good`].
    pub v_net_root: VNetRootId,
}

/// Memory for what a connect makes, got before anything changes.
struct Parts<X: Extensions> {
    host: NameBuf,
    share: NameBuf,
    name: NameBuf,
    user: Option<NameBuf>,
    exits: [NodeBox<X>; 3],
}

impl<X: Extensions> Tree<X> {
    /// Finds or begins a tree connect.
    ///
    /// # Errors
    /// - `CONNECTION_ACTIVE`: the drive letter is taken in this logon session.
    /// - `NETWORK_CREDENTIAL_CONFLICT`: the session is connected to the share as another user.
    /// - `CANCELLED`: the request is to end.
    /// - `INVALID_PARAMETER`: the request has ended.
    /// - `INSUFFICIENT_RESOURCES`.
    pub fn connect(&mut self, request: &ConnectRequest<'_>) -> nt::Result<Connect> {
        self.context(request.context)?.check()?;
        if let Some(drive) = request.name.drive
            && let Some(id) = self.find_drive(drive, request.logon)
        {
            return self.connect_taken_drive(request, id);
        }
        let port = request.name.server.port.unwrap_or(self.config.default_port);
        let Some(srv_call_id) = self.find_srv_call(request.name.server.host, port) else {
            return self.begin_connect(request, None, None);
        };
        if !self.srv_call(srv_call_id)?.condition.is_stable() {
            return self.wait_to_connect(request, Wait::SrvCall(srv_call_id), true);
        }
        let Some(net_root_id) = self.find_net_root(srv_call_id, request.name.path) else {
            return self.begin_connect(request, Some(srv_call_id), None);
        };
        if !self.net_root(net_root_id)?.condition.is_stable() {
            let same_user = self.is_made_for(net_root_id, request);
            return self.wait_to_connect(request, Wait::NetRoot(net_root_id), same_user);
        }
        self.check_credentials(net_root_id, request.logon, request.user)?;
        if request.name.drive.is_none()
            && let Some(id) = self.find_deviceless(net_root_id, request.logon)
        {
            if !self.v_net_root(id)?.condition.is_stable() {
                return self.wait_to_connect(request, Wait::VNetRoot(id), true);
            }
            self.reference_v_net_root(id)?;
            return Ok(Connect::Found(id));
        }
        self.begin_connect(request, Some(srv_call_id), Some(net_root_id))
    }

    fn connect_taken_drive(&mut self, request: &ConnectRequest<'_>, id: VNetRootId) -> nt::Result<Connect> {
        let v_net_root = self.v_net_root(id)?;
        if v_net_root.condition.is_stable() {
            return Err(Status::CONNECTION_ACTIVE);
        }
        // Should the other attempt fail, this one has its own try, unless it would be the same again.
        let same = v_net_root.name().eq_ignore_case(request.name.full) && same_user(v_net_root, request);
        self.wait_to_connect(request, Wait::VNetRoot(id), same)
    }

    fn wait_to_connect(
        &mut self,
        request: &ConnectRequest<'_>,
        wait: Wait,
        same: bool,
    ) -> nt::Result<Connect> {
        self.wait_for(request.context, wait, same)?;
        Ok(Connect::Wait)
    }

    fn begin_connect(
        &mut self,
        request: &ConnectRequest<'_>,
        srv_call: Option<SrvCallId>,
        net_root: Option<NetRootId>,
    ) -> nt::Result<Connect> {
        let name = &request.name;
        let known = srv_call.and_then(|id| self.known_user(id, request));
        let parts = Parts {
            host: NameBuf::try_from_units(name.server.host.as_units())?,
            share: NameBuf::try_from_units(name.path.as_units())?,
            name: NameBuf::try_from_units(name.full.as_units())?,
            user: match request.user.or(known) {
                Some(user) => Some(NameBuf::try_from_units(user.as_units())?),
                None => None,
            },
            exits: [try_node()?, try_node()?, try_node()?],
        };
        self.srv_calls.reserve()?;
        self.net_roots.reserve()?;
        self.v_net_roots.reserve()?;
        self.hosts.prepare(&mut self.srv_calls)?;
        self.shares.prepare(&mut self.net_roots)?;
        self.drives.prepare(&mut self.v_net_roots)?;
        self.views.prepare(&mut self.v_net_roots)?;
        // No failure from here on.
        let Parts {
            host,
            share,
            name: full,
            user,
            exits: [srv_call_exit, net_root_exit, v_net_root_exit],
        } = parts;
        let (srv_call_id, new_srv_call) = match srv_call {
            Some(id) => (id, false),
            None => {
                let port = name.server.port.unwrap_or(self.config.default_port);
                (self.add_srv_call(host, port, srv_call_exit)?, true)
            }
        };
        let (net_root_id, new_net_root) = match net_root {
            Some(id) => (id, false),
            None => (self.add_net_root(srv_call_id, share, net_root_exit)?, true),
        };
        let v_net_root = VNetRootParts {
            drive: name.drive,
            logon: request.logon,
            user,
            server_units: full.as_name().len().saturating_sub(name.path.len()),
            share_units: name.path.len(),
            name: full,
        };
        let v_net_root_id = self.add_v_net_root(net_root_id, v_net_root, v_net_root_exit)?;
        Ok(Connect::Create(Creation {
            srv_call: srv_call_id,
            new_srv_call,
            net_root: net_root_id,
            new_net_root,
            v_net_root: v_net_root_id,
        }))
    }

    pub(crate) fn add_srv_call(
        &mut self,
        name: NameBuf,
        port: u16,
        exit: NodeBox<X>,
    ) -> nt::Result<SrvCallId> {
        let hash = self.host_hash(name.as_name(), port);
        let id = self.srv_calls.insert(SrvCall {
            name,
            port,
            hash,
            chain: None,
            attached: true,
            condition: Condition::InTransition,
            flags: self.config.srv_call_flags,
            references: 1,
            held: 0,
            net_roots: List::new(),
            waiters: List::new(),
            dormant: List::new(),
            close_delayed_max: self.config.delayed_close.per_srv_call,
            domain_name: NameBuf::default(),
            extension: None,
            exit: Some(exit),
        })?;
        self.hosts.insert(&mut self.srv_calls, id);
        Ok(id)
    }

    pub(crate) fn add_net_root(
        &mut self,
        srv_call: SrvCallId,
        share: NameBuf,
        exit: NodeBox<X>,
    ) -> nt::Result<NetRootId> {
        let hash = self.share_hash(srv_call, share.as_name());
        let id = self.net_roots.insert(NetRoot {
            srv_call,
            siblings: Links::new(),
            share,
            hash,
            chain: None,
            attached: true,
            condition: Condition::InTransition,
            references: 1,
            held: 0,
            v_net_roots: List::new(),
            named_fcbs: 0,
            waiters: List::new(),
            extension: None,
            exit: Some(exit),
        })?;
        if let Some(parent) = self.srv_calls.get_mut(srv_call) {
            parent.references = parent.references.saturating_add(1);
            parent
                .net_roots
                .push_back(&mut self.net_roots, id, |net_root| &mut net_root.siblings);
        }
        self.shares.insert(&mut self.net_roots, id);
        Ok(id)
    }

    /// The reference of the one who makes it is held from the start.
    fn add_v_net_root(
        &mut self,
        net_root: NetRootId,
        parts: VNetRootParts,
        exit: NodeBox<X>,
    ) -> nt::Result<VNetRootId> {
        let VNetRootParts {
            drive,
            logon,
            user,
            name,
            server_units,
            share_units,
        } = parts;
        let id = self.v_net_roots.insert(VNetRoot {
            net_root,
            siblings: Links::new(),
            drive,
            logon,
            user,
            name,
            server_units,
            share_units,
            drive_hash: drive.map_or(0, |drive| self.drive_hash(drive, logon)),
            drive_chain: None,
            view_hash: self.view_hash(net_root, logon),
            view_chain: None,
            attached: true,
            condition: Condition::InTransition,
            references: 2,
            held: 1,
            connection_reference: false,
            finalization_done: false,
            number_of_opens: 0,
            number_of_fobxs: 0,
            srv_opens: List::new(),
            dormant: 0,
            contexts: List::new(),
            notifications: 0,
            pins: 0,
            waiters: List::new(),
            extension: None,
            exit: Some(exit),
        })?;
        if drive.is_some() {
            self.drives.insert(&mut self.v_net_roots, id);
        }
        self.adopt_v_net_root(net_root, id);
        Ok(id)
    }

    pub(crate) fn adopt_v_net_root(&mut self, net_root: NetRootId, id: VNetRootId) {
        if let Some(parent) = self.net_roots.get_mut(net_root) {
            parent.references = parent.references.saturating_add(1);
            parent
                .v_net_roots
                .push_back(&mut self.v_net_roots, id, |v_net_root| &mut v_net_root.siblings);
        }
        self.views.insert(&mut self.v_net_roots, id);
    }

    /// Takes the add-connection reference: the one that keeps a connection alive when no handle does. At most one
    /// exists per view; returns whether this call took it.
    ///
    /// # Errors
    /// `INVALID_PARAMETER` if the view is gone, `CANCELLED` if it was finalised by force.
    pub fn take_connection_reference(&mut self, id: VNetRootId) -> nt::Result<bool> {
        let v_net_root = self.v_net_roots.get_mut(id).ok_or(STALE)?;
        if !v_net_root.attached {
            return Err(Status::CANCELLED);
        }
        if v_net_root.connection_reference {
            return Ok(false);
        }
        bump(&mut v_net_root.references)?;
        v_net_root.connection_reference = true;
        Ok(true)
    }

    /// `NETWORK_CREDENTIAL_CONFLICT` if the session uses the share as somebody else than `user`. Naming no user goes
    /// with any. Views of one share in one session all have the same user, so any of them tells.
    pub(crate) fn check_credentials(
        &self,
        net_root: NetRootId,
        logon: LogonId,
        user: Option<Name<'_>>,
    ) -> nt::Result {
        let Some(user) = user else { return Ok(()) };
        let conflicts = self
            .views_of(net_root, logon)
            .any(|(_, v_net_root)| v_net_root.user() != Some(user));
        if conflicts {
            Err(Status::NETWORK_CREDENTIAL_CONFLICT)
        } else {
            Ok(())
        }
    }

    /// Who a session that names no user is taken for: whoever it already uses the share as, or the share that the name may
    /// turn out to lie below.
    fn known_user(&self, srv_call: SrvCallId, request: &ConnectRequest<'_>) -> Option<Name<'_>> {
        let (share, _) = self.find_longest_share(srv_call, request.name.path)?;
        self.views_of(share, request.logon)
            .find_map(|(_, view)| view.user())
    }

    /// Whether the share in transition is being made for the same session and user.
    fn is_made_for(&self, net_root: NetRootId, request: &ConnectRequest<'_>) -> bool {
        self.views_of(net_root, request.logon)
            .any(|(_, v_net_root)| same_user(v_net_root, request))
    }

    pub(crate) fn views_of(
        &self,
        net_root: NetRootId,
        logon: LogonId,
    ) -> impl Iterator<Item = (VNetRootId, &VNetRoot<X>)> {
        self.views
            .candidates(&self.v_net_roots, self.view_hash(net_root, logon))
            .filter(move |(_, v_net_root)| v_net_root.net_root == net_root && v_net_root.logon == logon)
    }

    pub(crate) fn find_deviceless(&self, net_root: NetRootId, logon: LogonId) -> Option<VNetRootId> {
        self.views_of(net_root, logon)
            .find(|(_, v_net_root)| v_net_root.drive.is_none())
            .map(|(id, _)| id)
    }

    pub(crate) fn find_drive(&self, drive: DriveLetter, logon: LogonId) -> Option<VNetRootId> {
        self.drives
            .candidates(&self.v_net_roots, self.drive_hash(drive, logon))
            .find(|(_, v_net_root)| v_net_root.drive == Some(drive) && v_net_root.logon == logon)
            .map(|(id, _)| id)
    }

    pub(crate) fn find_srv_call(&self, host: Name<'_>, port: u16) -> Option<SrvCallId> {
        self.hosts
            .candidates(&self.srv_calls, self.host_hash(host, port))
            .find(|(_, srv_call)| srv_call.port == port && srv_call.host().eq_ignore_case(host))
            .map(|(id, _)| id)
    }

    pub(crate) fn find_net_root(&self, srv_call: SrvCallId, share: Name<'_>) -> Option<NetRootId> {
        self.find_hashed_net_root(srv_call, share, self.share_hash(srv_call, share))
    }

    /// [`Self::find_net_root`], where the hash of the name is known.
    pub(crate) fn find_hashed_net_root(
        &self,
        srv_call: SrvCallId,
        share: Name<'_>,
        hash: u64,
    ) -> Option<NetRootId> {
        let case = self.srv_calls.get(srv_call)?.share_case();
        self.shares
            .candidates(&self.net_roots, hash)
            .find(|(_, net_root)| net_root.srv_call == srv_call && case.equal(net_root.share(), share))
            .map(|(id, _)| id)
    }
}

/// What a new V_NET_ROOT is made of.
struct VNetRootParts {
    drive: Option<DriveLetter>,
    logon: LogonId,
    user: Option<NameBuf>,
    name: NameBuf,
    server_units: usize,
    share_units: usize,
}

fn same_user<X: Extensions>(v_net_root: &VNetRoot<X>, request: &ConnectRequest<'_>) -> bool {
    request.user.is_none_or(|user| v_net_root.user() == Some(user))
}
