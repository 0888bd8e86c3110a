//! What exists: connections one after another, and how many objects of each kind.

use nt::Name;

use crate::condition::Condition;
use crate::extensions::Extensions;
use crate::id::{FcbId, VNetRootId};
use crate::logon::LogonId;
use crate::names::DriveLetter;
use crate::srv_open::SrvOpen;
use crate::tree::Tree;

/// A connection, as enumeration shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Connection<'a> {
    /// The view.
    pub v_net_root: VNetRootId,
    /// Where to resume so as to come to what follows.
    pub next: u32,
    /// The drive letter, if it has one.
    pub drive: Option<DriveLetter>,
    /// The logon session it belongs to.
    pub logon: LogonId,
    /// The user, if one was named.
    pub user: Option<Name<'a>>,
    /// `\server\share\prefix`, as its maker wrote it.
    pub name: Name<'a>,
    /// Whether it was added and not deleted since; otherwise it lasts only as long as somebody uses it.
    pub explicit: bool,
    /// Handles that are not closed.
    pub open_handles: u32,
}

/// The number of objects of each kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Statistics {
    /// Servers.
    pub srv_calls: usize,
    /// Shares.
    pub net_roots: usize,
    /// Views.
    pub v_net_roots: usize,
    /// Files.
    pub fcbs: usize,
    /// Opens on servers.
    pub srv_opens: usize,
    /// Of these, dormant ones.
    pub dormant: usize,
    /// Handles.
    pub fobxs: usize,
    /// Requests.
    pub contexts: usize,
}

/// What opens have come to since the tree was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Opens that succeeded.
    pub opens: u64,
    /// Of these, the ones that shared a SRV_OPEN that was there.
    pub collapsed: u64,
    /// Times that a SRV_OPEN became dormant.
    pub delayed_closes: u64,
    /// Times that an open began to share a dormant SRV_OPEN.
    pub revived: u64,
    /// Dormant SRV_OPENs that were closed.
    pub scavenged: u64,
}

impl Totals {
    pub(crate) const NONE: Self = Self {
        opens: 0,
        collapsed: 0,
        delayed_closes: 0,
        revived: 0,
        scavenged: 0,
    };
}

impl<X: Extensions> Tree<X> {
    /// What opens have come to. `delayed_closes` = `revived` + `scavenged` + what is dormant now.
    #[must_use]
    pub const fn totals(&self) -> Totals {
        self.totals
    }

    /// The connections from `resume` on (0 for all of them), of one logon session or of all.
    ///
    /// A connection that exists all the while is met exactly once by a walk that resumes at [`Connection::next`],
    /// whatever comes and goes between two calls.
    pub fn connections(&self, resume: u32, logon: Option<LogonId>) -> impl Iterator<Item = Connection<'_>> {
        self.v_net_roots
            .iter_from(resume)
            .filter(move |(_, view)| {
                view.condition == Condition::Good && logon.is_none_or(|logon| view.logon == logon)
            })
            .map(|(id, view)| Connection {
                v_net_root: id,
                next: id.index().saturating_add(1),
                drive: view.drive,
                logon: view.logon,
                user: view.user(),
                name: view.name(),
                explicit: view.connection_reference,
                open_handles: view.number_of_fobxs,
            })
    }

    /// The good connection of a drive letter in a logon session.
    #[must_use]
    pub fn find_connection(&self, drive: DriveLetter, logon: LogonId) -> Option<VNetRootId> {
        self.find_drive(drive, logon).filter(|&id| self.is_good(id))
    }

    /// Whether there is a view, be it in the making: a connection, or the use of a UNC name.
    #[must_use]
    pub const fn has_views(&self) -> bool {
        self.views.len() > 0
    }

    /// The connection of a drive letter in a logon session, even if it is in the making: what is to be taken away.
    #[must_use]
    pub fn find_connection_in_any_condition(&self, drive: DriveLetter, logon: LogonId) -> Option<VNetRootId> {
        self.find_drive(drive, logon)
    }

    /// The good UNC view that a logon session has of `\server\share`.
    #[must_use]
    pub fn find_unc_connection(
        &self,
        name: &crate::names::PathName<'_>,
        logon: LogonId,
    ) -> Option<VNetRootId> {
        let port = name.server.port.unwrap_or(self.config.default_port);
        let srv_call = self.find_srv_call(name.server.host, port)?;
        let net_root = self.find_net_root(srv_call, name.path)?;
        self.find_deviceless(net_root, logon)
            .filter(|&id| self.is_good(id))
    }

    /// The opens of a file on the server.
    ///
    /// # Errors
    /// `INVALID_PARAMETER` if the file is gone.
    pub fn srv_opens_of_fcb(&self, id: FcbId) -> nt::Result<impl Iterator<Item = &SrvOpen<X>>> {
        let opens = &self.fcb(id)?.srv_opens;
        let opens = opens.iter(&self.srv_opens, |srv_open| &srv_open.by_fcb);
        Ok(opens.map(|(_, srv_open)| srv_open))
    }

    /// The opens through a view on its server.
    ///
    /// # Errors
    /// `INVALID_PARAMETER` if the view is gone.
    pub fn srv_opens_of_v_net_root(&self, id: VNetRootId) -> nt::Result<impl Iterator<Item = &SrvOpen<X>>> {
        let opens = &self.v_net_root(id)?.srv_opens;
        let opens = opens.iter(&self.srv_opens, |srv_open| &srv_open.by_v_net_root);
        Ok(opens.map(|(_, srv_open)| srv_open))
    }

    /// How many objects of each kind are in memory.
    #[must_use]
    pub const fn statistics(&self) -> Statistics {
        Statistics {
            srv_calls: self.srv_calls.len(),
            net_roots: self.net_roots.len(),
            v_net_roots: self.v_net_roots.len(),
            fcbs: self.fcbs.len(),
            srv_opens: self.srv_opens.len(),
            // CAST: no machine has fewer bits than a count.
            dormant: self.dormant.len() as usize,
            fobxs: self.fobxs.len(),
            contexts: self.contexts.len(),
        }
    }

    /// Whether a handle is not closed yet or being opened, orphaned ones included: a redirector that is to stop
    /// answers `REDIRECTOR_HAS_OPEN_HANDLES`.
    #[must_use]
    pub const fn has_open_files(&self) -> bool {
        self.handles > 0
    }

    /// Whether nothing is left, requests included.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.srv_calls.len() == 0
            && self.net_roots.len() == 0
            && self.v_net_roots.len() == 0
            && self.fcbs.len() == 0
            && self.srv_opens.len() == 0
            && self.fobxs.len() == 0
            && self.contexts.len() == 0
            && self.directories.len() == 0
    }
}
