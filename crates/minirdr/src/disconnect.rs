//! Taking connections away, and telling which there are.

use core::sync::atomic::Ordering;

use alloc::vec::Vec;

use executive::mem::{Arc, TryVec};
use executive::task::CancelToken;
use nt::{Name, NameBuf, Status};
use rdbss::names::{DriveLetter, PathName};
use rdbss::{Effects, Level, LogonId, MajorFunction, Owner, Tree, VNetRootId};

use crate::MiniRedirector;
use crate::objects::{Objects, Platform, SharedFile};
use crate::server::link_state::LinkState;

/// One connection, as an enumeration shows it.
#[derive(Debug)]
pub struct Connection {
    /// Where to go on after this one.
    pub next_index: u32,
    /// `X:`; empty for a connection without a drive letter.
    pub local: NameBuf,
    /// `\server@port\share`, as it was written when the connection was made.
    pub remote: NameBuf,
    /// The user it was made for; empty for the default user.
    pub user: NameBuf,
    /// The logon session it belongs to.
    pub logon: LogonId,
    /// Whether it was added, and so stays until it is deleted.
    pub explicit: bool,
    /// Where its session with the server stands.
    pub state: LinkState,
    /// Handles that are not closed.
    pub open_handles: u32,
}

impl<P: Platform> MiniRedirector<P> {
    /// Takes a connection away as `RxFinalizeConnection` does: `name` is `X:`, `\;X:\server@port\share` or
    /// `\server@port\share`.
    ///
    /// # Errors
    /// - `NOT_FOUND`: there is no such connection. A malformed name has its own status.
    /// - `FILES_OPEN`, `CONNECTION_IN_USE`, `LOCK_NOT_GRANTED`: it is in use, and `level` does not force.
    /// - `REDIRECTOR_NOT_STARTED`, `CANCELLED`, `INSUFFICIENT_RESOURCES`.
    pub async fn delete_connection(
        &self,
        name: Name<'_>,
        logon: LogonId,
        level: Level,
        cancel: &CancelToken,
    ) -> nt::Result {
        self.check_started()?;
        let request = self.begin(Owner::Device, MajorFunction::DEVICE_CONTROL, cancel)?;
        request
            .run(async {
                let mut effects = Effects::new();
                let result = {
                    let mut tree = self.tree();
                    find(&tree, name, logon).and_then(|view| {
                        let net_root = tree.v_net_root(view)?.net_root();
                        let caller = Some(request.context);
                        tree.finalize_connection(net_root, Some(view), level, caller, &mut effects)
                    })
                };
                self.perform(effects);
                result
            })
            .await
    }

    /// Shows the header of every file that is open through a connection, each once for every open; `name` as in
    /// [`Self::delete_connection`]. No lock is held meanwhile.
    ///
    /// # Errors
    /// `NOT_FOUND`, a malformed name's own status, `INSUFFICIENT_RESOURCES`.
    pub fn each_open_file(
        &self,
        name: Name<'_>,
        logon: LogonId,
        mut show: impl FnMut(&P::FcbHeader),
    ) -> nt::Result {
        let mut files: Vec<Arc<SharedFile<P>>> = Vec::new();
        {
            let tree = self.tree();
            let view = find(&tree, name, logon)?;
            for open in tree.srv_opens_of_v_net_root(view)? {
                if let Some(file) = tree.fcb(open.fcb())?.extension() {
                    files.try_push(Arc::clone(file))?;
                }
            }
        }
        files.iter().for_each(|file| show(&file.header));
        Ok(())
    }

    /// Takes every connection of every logon session away by force, and stops serving: for an unload that nothing can
    /// refuse any more. The sessions with servers end as tasks of the runtime.
    pub fn shut_down(&self) {
        self.0.started.store(false, Ordering::Release);
        loop {
            let mut effects = Effects::new();
            let ended = {
                let mut tree = self.tree();
                let Some(view) = tree.connections(0, None).map(|found| found.v_net_root).next() else {
                    return;
                };
                let net_root = tree.v_net_root(view).map(|view| view.net_root());
                net_root.and_then(|net_root| {
                    tree.finalize_connection(net_root, Some(view), Level::Force, None, &mut effects)
                })
            };
            self.perform(effects);
            // A forced disconnect succeeds, and what it took away is not met again.
            if ended.is_err() {
                return;
            }
        }
    }

    /// The first connection at or after `index` (0: the first of all) that belongs to `logon`.
    ///
    /// # Errors
    /// `NO_MORE_ENTRIES`, `REDIRECTOR_NOT_STARTED`, `INSUFFICIENT_RESOURCES`.
    pub fn connection(&self, index: u32, logon: LogonId) -> nt::Result<Connection> {
        self.check_started()?;
        let tree = self.tree();
        let found = tree
            .connections(index, Some(logon))
            .next()
            .ok_or(Status::NO_MORE_ENTRIES)?;
        describe(&tree, &found)
    }

    /// The connection of `name`, in any form that [`Self::delete_connection`] takes.
    ///
    /// # Errors
    /// `NOT_FOUND`, a malformed name's own status, `REDIRECTOR_NOT_STARTED`, `INSUFFICIENT_RESOURCES`.
    pub fn find_connection(&self, name: Name<'_>, logon: LogonId) -> nt::Result<Connection> {
        self.check_started()?;
        let tree = self.tree();
        let view = find(&tree, name, logon)?;
        let mut connections = tree.connections(0, Some(logon));
        let found = connections
            .find(|found| found.v_net_root == view)
            .ok_or(Status::NOT_FOUND)?;
        describe(&tree, &found)
    }
}

fn describe<P: Platform>(tree: &Tree<Objects<P>>, found: &rdbss::Connection<'_>) -> nt::Result<Connection> {
    let mut local = NameBuf::default();
    if let Some(drive) = found.drive {
        local.try_push_units(&[drive.unit(), u16::from(b':')])?;
    }
    let view = tree.v_net_root(found.v_net_root)?;
    Ok(Connection {
        next_index: found.next,
        local,
        remote: NameBuf::try_from_name(found.name)?,
        user: NameBuf::try_from_name(found.user.unwrap_or_default())?,
        logon: found.logon,
        explicit: found.explicit,
        state: view
            .extension()
            .map_or(LinkState::Closed, |view| view.link.state()),
        open_handles: found.open_handles,
    })
}

/// The view that a connection's name means.
fn find<P: Platform>(tree: &Tree<Objects<P>>, name: Name<'_>, logon: LogonId) -> nt::Result<VNetRootId> {
    if let &[letter, colon] = name.as_units()
        && colon == u16::from(b':')
    {
        let drive = DriveLetter::new(letter).ok_or(Status::OBJECT_NAME_INVALID)?;
        let view = tree.find_connection_in_any_condition(drive, logon);
        return view.ok_or(Status::NOT_FOUND);
    }
    let name = PathName::parse(name)?;
    let view = match name.drive {
        Some(drive) => tree.find_connection_in_any_condition(drive, logon),
        None => tree.find_unc_connection(&name, logon),
    };
    view.ok_or(Status::NOT_FOUND)
}
