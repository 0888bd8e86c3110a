//! Making a connection: SRV_CALL by connecting, NET_ROOT and V_NET_ROOT by attaching.

use alloc::vec::Vec;

use executive::mem::{Arc, TryVec};
use executive::task::CancelToken;
use ninep::wire::{Fid, NO_UID, Tattach};
use nt::{Name, Status};
use rdbss::names::PathName;
use rdbss::{
    Connect, ConnectRequest, Creation, Effects, LogonId, MajorFunction, Owner, Shorten, Tree, VNetRootId,
};

use crate::client::{Client, OwnedFid};
use crate::names::ServerPath;
use crate::objects::{Objects, Platform, View};
use crate::server::Server;
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
            let found = self.tree().connect(&request)?;
            match found {
                Connect::Found(view) => return Ok(view),
                Connect::Wait => running.control.woken().await?,
                Connect::Create(creation) => {
                    let attempt = Attempt {
                        redirector: self,
                        view: creation.v_net_root,
                        open: true,
                    };
                    let made = self.make(&creation, name, user, running).await;
                    attempt.finish(made)?;
                    return Ok(creation.v_net_root);
                }
            }
        }
    }

    /// Connects, attaches, and reports each object of `creation` good.
    async fn make(
        &self,
        creation: &Creation,
        name: &PathName<'_>,
        user: Option<Name<'_>>,
        running: &Running<'_, P>,
    ) -> nt::Result {
        let server = match self.known_server(creation)? {
            Some(server) => server,
            None => {
                let port = name.server.port.unwrap_or(DEFAULT_PORT);
                Server::try_new(name.server.host, port)?
            }
        };
        let client = self.dial(&server).await?;
        if creation.new_srv_call {
            self.report(|tree, effects| tree.srv_call_good(creation.srv_call, Arc::clone(&server), effects))?;
        }
        let (root, gid, share_units) = attach(&client, name.path, user, self.settings().default_user).await?;
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
            self.report(|tree, effects| tree.net_root_good(net_root, (), effects))?;
        }
        let uid = who(user, self.settings().default_user)?.1;
        let view = View::try_new(root, gid, (uid != NO_UID).then_some(uid))?;
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

/// Attaches to the longest part of `path` that the server exports. The result is the root of that share, its group,
/// and the length of the attached part in units of `path`; the rest of `path` has been seen to be a directory.
///
/// Last comes a server that exports nothing but its root: there the first component is the share.
async fn attach(
    client: &Arc<Client>,
    path: Name<'_>,
    user: Option<Name<'_>>,
    default_user: u32,
) -> nt::Result<(OwnedFid, u32, usize)> {
    let whole = ServerPath::parse(path)?;
    let user = who(user, default_user)?;
    let mut refusal = None;
    let mut share = path;
    loop {
        let export = ServerPath::parse(share)?;
        let rest = whole.components().skip(export.components().count());
        let (shorter, _) = share.rsplit_once(u16::from(b'\\')).unwrap_or_default();
        let attached = attach_to(client, export.as_bytes(), &user, &mut refusal, rest).await;
        let attached = match attached {
            Err(status) if is_refusal(status) && shorter.is_empty() => below_root(client, &whole, &user)
                .await
                .map_err(|last| match last {
                    Status::INSUFFICIENT_RESOURCES => last,
                    _ => status,
                }),
            other => other,
        };
        match attached {
            Ok((root, gid)) => return Ok((root, gid, share.len())),
            Err(status) if is_refusal(status) => {
                // The refusal of the whole name is the one to report: the shorter ones were our own guesses.
                let first = *refusal.get_or_insert(status);
                match first {
                    _ if !shorter.is_empty() => share = shorter,
                    Status::ACCESS_DENIED => return Err(first),
                    _ => return Err(Status::BAD_NETWORK_NAME),
                }
            }
            Err(status) => return Err(status),
        }
    }
}

/// Attaches to `/export` and checks that `rest` below it is a directory. Where there is such an export, `refusal`
/// becomes that of a name whose rest is wrong.
async fn attach_to<'n>(
    client: &Arc<Client>,
    export: &[u8],
    (uname, n_uname): &(Vec<u8>, u32),
    refusal: &mut Option<Status>,
    rest: impl Iterator<Item = &'n [u8]> + Clone,
) -> nt::Result<(OwnedFid, u32)> {
    let mut aname = Vec::new();
    aname.try_push(b'/')?;
    aname.try_extend_from_slice(export)?;
    let root = OwnedFid::allocate(client)?;
    let request = Tattach {
        fid: root.fid(),
        afid: Fid::NONE,
        uname,
        aname: &aname,
        n_uname: *n_uname,
    };
    // A root that is no directory has nothing below it.
    if !client.call(&request, |reply| reply.qid.is_directory()).await? {
        return Err(Status::BAD_NETWORK_NAME);
    }
    *refusal = Some(Status::BAD_NETWORK_NAME);
    let gid = below(&root, rest).await?;
    Ok((root, gid))
}

/// The first component of `path` below the server's root, and the rest of it seen to be a directory.
async fn below_root(
    client: &Arc<Client>,
    path: &ServerPath,
    user: &(Vec<u8>, u32),
) -> nt::Result<(OwnedFid, u32)> {
    let (top, _) = attach_to(client, b"", user, &mut None, core::iter::empty()).await?;
    let root = top.walk(path.components().take(1)).await?;
    let gid = below(&root, path.components().skip(1)).await?;
    Ok((root, gid))
}

/// Checks that `names` below `root` are a directory; the result is the group of `root`, which new files get.
async fn below<'n>(root: &OwnedFid, names: impl Iterator<Item = &'n [u8]> + Clone) -> nt::Result<u32> {
    let share = root.client().getattr(root.fid()).await?;
    let target = root.walk(names).await?;
    let target = target.client().getattr(target.fid()).await?;
    if target.mode.is_directory() {
        Ok(share.gid)
    } else {
        Err(Status::BAD_NETWORK_NAME)
    }
}

/// The user of an attach, by name or by number.
fn who(user: Option<Name<'_>>, default_user: u32) -> nt::Result<(Vec<u8>, u32)> {
    let mut uname = Vec::new();
    let Some(user) = user else {
        return Ok((uname, default_user));
    };
    if let Some(uid) = decimal(user) {
        return Ok((uname, uid));
    }
    for c in char::decode_utf16(user.as_units().iter().copied()) {
        let c = c.map_err(|_| Status::INVALID_PARAMETER)?;
        uname.try_extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes())?;
    }
    Ok((uname, NO_UID))
}

/// Whether the server answered at all: a shorter name may fare better then.
fn is_refusal(status: Status) -> bool {
    !matches!(
        status,
        Status::INSUFFICIENT_RESOURCES
            | Status::IO_TIMEOUT
            | Status::CONNECTION_DISCONNECTED
            | Status::INVALID_NETWORK_RESPONSE
            | Status::CANCELLED
    )
}

/// A user given as a number.
fn decimal(user: Name<'_>) -> Option<u32> {
    let mut value = 0_u32;
    for &unit in user.as_units() {
        let digit = char::from_u32(u32::from(unit))?.to_digit(10)?;
        value = value.checked_mul(10)?.checked_add(digit)?;
    }
    (!user.is_empty() && value != NO_UID).then_some(value)
}
