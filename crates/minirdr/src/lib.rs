//! The mini-redirector: NT file semantics over 9P2000.L.
//!
//! The counterpart of MINIRDR_DISPATCH, as linear `async fn`s: the object tree of [`rdbss`] says who is connected,
//! open or gone, a session of [`ninep`] talks to the server over a circuit of [`rxce`], and a dropped future is a
//! cancelled request. The driver and the host tool run the same code; what differs between them is [`Platform`].
//!
//! Every request takes a [`CancelToken`](executive::task::CancelToken) of its own: its caller cancels it, and so does
//! whoever takes the connection away by force.

#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(test)]
extern crate std;

mod change;
mod connect;
mod create;
mod delete;
mod dialect;
mod directory;
mod disconnect;
mod dormant;
mod ea;
mod file;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
mod information;
mod lock;
mod names;
mod namespace;
mod notify;
mod objects;
mod query_path;
mod rename;
mod reparse;
mod request;
mod security;
mod server;
mod settings;

use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use executive::mem::Arc;
use executive::sync::{Mutex, MutexGuard, Rank};
use executive::task::Runtime;
use nt::Status;
use rdbss::{Config, DelayedClose, SrvCallFlags, Tree};
use rxce::{Address, Binding};

pub use create::{CreateRequest, Created};
pub use directory::DirectoryQuery;
pub use disconnect::Connection;
pub use ea::EaQuery;
pub use file::OpenFile;
pub use file::transfer::{WritePosition, Written};
pub use lock::{LockRequest, Requestor, Unlock};
pub use names::{to_nt, to_server};
pub use notify::{NotifyAction, NotifyFilter, NotifyRequest};
pub use objects::{HeldHeader, MappedOpen, Platform};
pub use rdbss::{Level, LogonId, Statistics as ObjectCounts};
pub use security::{Caller, Sid};
pub use server::link_state::LinkState;
pub use settings::{FileSystemName, Settings};

use dormant::Scavenger;
use objects::Objects;
use request::Running;
use server::Dialler;

/// Port of a server whose name states none (IANA: 9pfs).
pub const DEFAULT_PORT: u16 = 564;

/// A mini-redirector over one transport. Clones are the same one.
pub struct MiniRedirector<P: Platform>(Arc<Redirector<P>>);

struct Redirector<P: Platform> {
    binding: Binding<P::Transport>,
    dialler: Dialler<P::Transport>,
    runtime: Runtime,
    settings: Settings,
    /// What all that is random here comes from.
    seed: u64,
    /// Servers ever made.
    servers: AtomicU64,
    tree: Mutex<Tree<Objects<P>>>,
    started: AtomicBool,
    scavenger: Scavenger,
    totals: Totals,
    lock_identity: lock::Identity,
    watches: notify::Watches,
}

/// What has happened since the redirector was made.
#[derive(Debug)]
struct Totals {
    requests: AtomicU64,
    /// Those that have ended and may have changed something on a server.
    changes: AtomicU64,
    bytes_read: AtomicU64,
    bytes_written: AtomicU64,
}

/// How many objects there are, and what has been done with them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Statistics {
    /// The objects of the tree.
    pub objects: rdbss::Statistics,
    /// What opens have come to.
    pub opens: rdbss::Totals,
    /// Requests begun.
    pub requests: u64,
    /// File data read, in bytes.
    pub bytes_read: u64,
    /// File data written, in bytes.
    pub bytes_written: u64,
    /// Sessions with servers that are up now.
    pub sessions: u64,
    /// Sessions made anew after a loss.
    pub reconnects: u64,
    /// Handles that watch their directories for changes.
    pub watches: u64,
}

impl<P: Platform> Clone for MiniRedirector<P> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<P: Platform> MiniRedirector<P> {
    /// Binds `transport`; nothing is served before [`Self::start`]. IRQL = PASSIVE_LEVEL.
    ///
    /// # Errors
    /// `INSUFFICIENT_RESOURCES`.
    pub fn new(transport: P::Transport, runtime: Runtime, settings: Settings) -> nt::Result<Self> {
        let settings = settings.clamped();
        let name = nt::NameBuf::try_from_str("TCP")?;
        let binding = Binding::build(&runtime, transport, name.as_name(), 0)?;
        let address = Address::build(&binding, None)?;
        let settings = settings.clamped();
        // Unknown to callers before it is used; names that collide cost them time, not us safety.
        let seed = runtime.now().as_nanos() ^ runtime.system_time().0.cast_unsigned();
        let dialler = Dialler {
            local: address,
            runtime: runtime.clone(),
            settings,
            sessions: Arc::try_new(AtomicU64::new(0))?,
            reconnects: Arc::try_new(AtomicU64::new(0))?,
        };
        let config = Config {
            seed,
            default_port: DEFAULT_PORT,
            srv_call_flags: SrvCallFlags::empty(),
            delayed_close: DelayedClose {
                per_srv_call: settings.dormant_files,
                nanoseconds: u64::try_from(settings.dormant_time.as_nanos()).unwrap_or(u64::MAX),
            },
        };
        let lock_identity = lock::Identity::new(&runtime);
        Ok(Self(Arc::try_new(Redirector {
            lock_identity,
            watches: notify::Watches::try_new()?,
            binding,
            dialler,
            runtime,
            settings,
            seed,
            servers: AtomicU64::new(0),
            tree: Mutex::try_new(Tree::new(config), Rank(10))?,
            started: AtomicBool::new(false),
            scavenger: Scavenger::new(),
            totals: Totals {
                requests: AtomicU64::new(0),
                changes: AtomicU64::new(0),
                bytes_read: AtomicU64::new(0),
                bytes_written: AtomicU64::new(0),
            },
        })?))
    }

    /// Begins to serve.
    ///
    /// # Errors
    /// `REDIRECTOR_STARTED` if it does already.
    pub fn start(&self) -> nt::Result {
        match self.0.started.swap(true, Ordering::AcqRel) {
            true => Err(Status::REDIRECTOR_STARTED),
            false => Ok(()),
        }
    }

    /// Ends serving.
    ///
    /// # Errors
    /// `REDIRECTOR_NOT_STARTED`; `REDIRECTOR_HAS_OPEN_HANDLES` while there is a connection or a handle.
    pub fn stop(&self) -> nt::Result {
        self.check_started()?;
        // Under the tree's lock, so that no connection comes in between.
        let tree = self.tree();
        if is_in_use(&tree) {
            return Err(Status::REDIRECTOR_HAS_OPEN_HANDLES);
        }
        self.0.started.store(false, Ordering::Release);
        Ok(())
    }

    /// Whether there is a connection or a handle, of whatever logon session: exactly when [`Self::stop`] refuses.
    #[must_use]
    pub fn in_use(&self) -> bool {
        is_in_use(&self.tree())
    }

    /// What there is and what has been done.
    #[must_use]
    pub fn statistics(&self) -> Statistics {
        let totals = &self.0.totals;
        let (objects, opens) = {
            let tree = self.tree();
            (tree.statistics(), tree.totals())
        };
        Statistics {
            objects,
            opens,
            requests: totals.requests.load(Ordering::Relaxed),
            bytes_read: totals.bytes_read.load(Ordering::Relaxed),
            bytes_written: totals.bytes_written.load(Ordering::Relaxed),
            sessions: self.0.dialler.sessions.load(Ordering::Relaxed),
            reconnects: self.0.dialler.reconnects.load(Ordering::Relaxed),
            watches: self.0.watches.len(),
        }
    }

    /// # Errors
    /// `REDIRECTOR_NOT_STARTED`.
    fn check_started(&self) -> nt::Result {
        if self.0.started.load(Ordering::Acquire) {
            Ok(())
        } else {
            Err(Status::REDIRECTOR_NOT_STARTED)
        }
    }

    /// The object tree. Never hold it across a call out of this crate, an `await` or the drop of an extension.
    fn tree(&self) -> MutexGuard<'_, Tree<Objects<P>>> {
        self.0.tree.lock()
    }

    fn settings(&self) -> &Settings {
        &self.0.settings
    }

    /// What a new server's prober is seeded with.
    fn new_seed(&self) -> u64 {
        let count = self.0.servers.fetch_add(1, Ordering::Relaxed);
        self.0.seed ^ count.rotate_left(32)
    }
}

fn is_in_use<P: Platform>(tree: &Tree<Objects<P>>) -> bool {
    tree.has_open_files() || tree.has_views()
}

impl<P: Platform> Drop for Redirector<P> {
    fn drop(&mut self) {
        // Nothing stands on them any more: every circuit held the redirector's server, which held its parents.
        let _ = self.dialler.local.tear_down();
        let _ = self.binding.tear_down();
    }
}
