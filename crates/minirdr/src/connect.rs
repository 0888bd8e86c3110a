//! Making a connection: SRV_CALL by connecting, NET_ROOT and V_NET_ROOT by attaching.

use executive::mem::Arc;
use executive::task::CancelToken;
use nt::{Name, NameBuf, Status};
use rdbss::names::PathName;
use rdbss::{
    Connect, ConnectRequest, Creation, Effects, LogonId, MajorFunction, Owner, Shorten, Tree, VNetRootId,
};

use crate::objects::{Objects, Platform, ShareState, View};
use crate::server::Server;
use crate::server::attachment::Attachment;
use crate::{DEFAULT_PORT, MiniRedirector, Running};

impl<P: Platform> MiniRedirector<P> {
    /// Makes a connection and keeps it until [`Self::delete_connection`]: `\;X:\server@port\share` for a drive,
    /// `\server@port\share` without one. An empty `user` is the default user.
    ///
    /// # Errors
    /// - a malformed name's own status, before anything is sent;
    /// - `REDIRECTOR_NOT_STARTED`; `CONNECTION_ACTIVE`: the drive letter is taken; `NETWORK_CREDENTIAL_CONFLICT`;
    /// - `BAD_NETWORK_PATH`: no such server, or it cannot be reached; `BAD_NETWORK_NAME`: it has no such share;
    ///   `ACCESS_DENIED`: it refuses the user; `NOT_SUPPORTED`: it speaks another dialect;
    ///   `INVALID_NETWORK_RESPONSE`: it breaks the protocol;
    /// - `CANCELLED`, `INSUFFICIENT_RESOURCES`.
    pub async fn add_connection(
        &self,
        name: Name<'_>,
        user: Name<'_>,
        logon: LogonId,
        cancel: &CancelToken,
    ) -> nt::Result {
        let name = PathName::parse(name)?;
        self.check_started()?;
        let user = (!user.is_empty()).then_some(user);
        let request = self.begin(Owner::Device, MajorFunction::DEVICE_CONTROL, cancel)?;
        request
            .run(async {
                let view = self.connect(&name, user, logon, &request).await?;
                let mut effects = Effects::new();
                let taken = {
                    let mut tree = self.tree();
                    let taken = tree.take_connection_reference(view);
                    // Cannot fail: `connect` gave this reference.
                    let _ = tree.dereference_v_net_root(view, &mut effects);
                    taken
                };
                self.perform(effects);
                taken.map(|_| ())
            })
            .await
    }

    /// Finds or makes the view of `name`. The caller holds a reference on it.
    pub(crate) async fn connect(
        &self,
        name: &PathName<'_>,
        user: Option<Name<'_>>,
        logon: LogonId,
        running: &Running<'_, P>,
    ) -> nt::Result<VNetRootId> {
        loop {
            let request = ConnectRequest {
                name: *name,
                logon,
                user,
                context: running.context,
            };
            let found = {
                let mut tree = self.tree();
                // Under the tree's lock, as `stop` is: what begins before it is seen by it, the rest is refused.
                self.check_started()?;
                tree.connect(&request)?
            };
            match found {
                Connect::Found(view) => return Ok(view),
                Connect::Wait => running.control.woken().await?,
                Connect::Create(creation) => {
                    let attempt = Attempt {
                        redirector: self,
                        view: creation.v_net_root,
                        open: true,
                    };
                    let made = self.make(&creation, name, running).await;
                    attempt.finish(made)?;
                    return Ok(creation.v_net_root);
                }
            }
        }
    }

    /// Connects, attaches, and reports each object of `creation` good.
    async fn make(&self, creation: &Creation, name: &PathName<'_>, running: &Running<'_, P>) -> nt::Result {
        // Where none was named, the session's.
        let user = match self.tree().v_net_root(creation.v_net_root)?.user() {
            Some(user) => Some(NameBuf::try_from_name(user)?),
            None => None,
        };
        let user = user.as_ref().map(NameBuf::as_name);
        let server = match self.known_server(creation)? {
            Some(server) => server,
            None => {
                let port = name.server.port.unwrap_or(DEFAULT_PORT);
                Server::try_new(name.server.host, port, self.new_seed())?
            }
        };
        let client = server.connect(&self.0.dialler).await?;
        if creation.new_srv_call {
            self.report(|tree, effects| tree.srv_call_good(creation.srv_call, Arc::clone(&server), effects))?;
        }
        let attached = Attachment::find(&client, name.path, user, self.settings().default_user).await?;
        let share_units = attached.share_units;
        let mut net_root = creation.net_root;
        let mut new_net_root = creation.new_net_root;
        while new_net_root && share_units < name.path.len() {
            let mut effects = Effects::new();
            let shortened =
                self.tree()
                    .shorten_share(creation.v_net_root, share_units, running.context, &mut effects);
            self.perform(effects);
            match shortened? {
                Shorten::Renamed => break,
                Shorten::Joined(target) => (net_root, new_net_root) = (target, false),
                Shorten::Wait => running.control.woken().await?,
            }
        }
        if new_net_root {
            let share = ShareState::try_new()?;
            self.report(|tree, effects| tree.net_root_good(net_root, share, effects))?;
        } else if net_root == creation.net_root && share_units < name.path.len() {
            // What others use as this share, the server gives this user as a folder of another: its paths begin elsewhere.
            return Err(Status::BAD_NETWORK_NAME);
        }
        let share = self.tree().net_root(net_root)?.extension().cloned();
        let share = share.ok_or(Status::UNEXPECTED_NETWORK_ERROR)?;
        let view = View::try_new(Arc::clone(server.link()), attached, share)?;
        self.report(|tree, effects| tree.v_net_root_good(creation.v_net_root, view, effects))
    }

    fn known_server(&self, creation: &Creation) -> nt::Result<Option<Arc<Server>>> {
        Ok(self
            .tree()
            .srv_call_extension_mut(creation.srv_call)?
            .map(|server| Arc::clone(server)))
    }

    /// Runs a step of the tree and performs its effects.
    fn report(
        &self,
        step: impl FnOnce(&mut Tree<Objects<P>>, &mut Effects<Objects<P>>) -> nt::Result,
    ) -> nt::Result {
        let mut effects = Effects::new();
        let result = step(&mut self.tree(), &mut effects);
        self.perform(effects);
        result
    }
}

/// A connection in the making. Dropped before it is finished, as a cancelled request is, it fails it.
struct Attempt<'a, P: Platform> {
    redirector: &'a MiniRedirector<P>,
    view: VNetRootId,
    open: bool,
}

impl<P: Platform> Attempt<'_, P> {
    fn finish(mut self, made: nt::Result) -> nt::Result {
        self.open = false;
        if let Err(status) = made {
            self.fail(status);
        }
        made
    }

    fn fail(&self, status: Status) {
        // INVALID_PARAMETER would mean that the view is good: then it is not in the making any more.
        let _ = self
            .redirector
            .report(|tree, effects| tree.connect_failed(self.view, status, effects));
    }
}

impl<P: Platform> Drop for Attempt<'_, P> {
    fn drop(&mut self) {
        if self.open {
            self.fail(Status::CANCELLED);
        }
    }
}
