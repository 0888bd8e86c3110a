//! Opens that outlive their last handle: closing them when they are due, and seeing to it that an open which shares one
//! is of the file that its name leads to.

use core::sync::atomic::{AtomicBool, Ordering};

use executive::mem::Arc;
use executive::task::{Notify, select};
use executive::time::Instant;
use ninep::wire::{GetAttrMask, Mode, OpenFlags, Rgetattr, Time};
use nt::{AccessMask, CreateAction, CreateDisposition, Status};
use rdbss::Effects;

use crate::MiniRedirector;
use crate::create::access;
use crate::create::disposition::{OnServer, Wanted, check_existing};
use crate::create::lookup::Lookup;
use crate::dialect::look_up;
use crate::information::attributes::{Attributes, birth};
use crate::names::ServerPath;
use crate::objects::{Platform, ServerOpen, View};
use crate::server::client::OwnedFid;

/// The task that closes dormant opens in time. There is one exactly while something is dormant.
pub(crate) struct Scavenger {
    /// Changes under the tree's lock.
    running: AtomicBool,
    /// A view is gone, and what was dormant upon it.
    changed: Notify,
}

impl Scavenger {
    pub(crate) fn new() -> Self {
        Self {
            running: AtomicBool::new(false),
            changed: Notify::new(),
        }
    }

    /// Has the task look whether it still has something to do.
    pub(crate) fn look_again(&self) {
        if self.running.load(Ordering::Relaxed) {
            self.changed.notify_all();
        }
    }
}

impl<P: Platform> MiniRedirector<P> {
    /// Closes a handle; what it leaves dormant is closed by a task in its time.
    pub(crate) fn close_handle(&self, fobx: rdbss::FobxId) {
        let scavenger = &self.0.scavenger;
        let mut effects = Effects::new();
        let starts = {
            let mut tree = self.tree();
            // INVALID_PARAMETER would mean that the open never completed: then there is nothing to close.
            let _ = tree.close_delayed(fobx, self.0.runtime.now().as_nanos(), &mut effects);
            tree.next_scavenge().is_some() && !scavenger.running.swap(true, Ordering::Relaxed)
        };
        self.perform(effects);
        if starts {
            let redirector = self.clone();
            let task = async move { redirector.scavenge_in_time().await };
            if self.0.runtime.spawn(task).is_err() {
                // Without memory for a task, or with the runtime at its end, nothing stays dormant.
                self.scavenge(Instant::NEVER);
                scavenger.running.store(false, Ordering::Relaxed);
            }
        }
    }

    async fn scavenge_in_time(&self) {
        let scavenger = &self.0.scavenger;
        loop {
            let changed = scavenger.changed.notified();
            let due = {
                let tree = self.tree();
                let due = tree.next_scavenge();
                scavenger.running.store(due.is_some(), Ordering::Relaxed);
                due
            };
            let Some(due) = due else { return };
            let due = Instant::from_nanos(due);
            select(self.0.runtime.sleep_until(due), changed).await;
            self.scavenge(self.0.runtime.now());
        }
    }

    fn scavenge(&self, now: Instant) {
        let mut effects = Effects::new();
        self.tree().scavenge(now.as_nanos(), &mut effects);
        self.perform(effects);
    }
}

/// What of an open's access the server must have granted to the one it shares; `None` if it may share none: it makes or
/// empties the file, or all that it writes is to land at the end, which is a matter of how the server opened it.
pub(crate) fn shared_access(wanted: &Wanted) -> Option<AccessMask> {
    let data = AccessMask::READ_DATA | AccessMask::EXECUTE | AccessMask::WRITE_DATA | AccessMask::APPEND_DATA;
    let opens = matches!(
        wanted.disposition,
        CreateDisposition::OPEN | CreateDisposition::OPEN_IF
    );
    (opens && !access::appends_only(wanted.access)).then_some(wanted.access & data)
}

/// Whether later opens may share this one, and whether it may be dormant.
///
/// Directories are not shared: each handle lists them for itself. Nor is what was made by the open: the server has not
/// looked at the file's permissions then. What was open for writing is not dormant, as the server may do what it owes to
/// who wrote only when the file is closed: commit it, or let it be executed.
pub(crate) fn may_be_shared(open: &OnServer) -> (bool, bool) {
    let collapsible = open.attributes.mode.is_regular() && open.action != CreateAction::CREATED;
    let writes = open
        .flags
        .is_some_and(|flags| flags.intersects(OpenFlags::WRITE_ONLY | OpenFlags::READ_WRITE));
    (collapsible, collapsible && !writes)
}

/// What an open must still find for another to share it: the file, and who may do what with it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct FileIdentity {
    /// The qid path: the file's identity within the export while it is there.
    pub(crate) file_id: u64,
    /// How often the server has given `file_id` away, and when it did: a file that has come later is another. Many servers
    /// know neither.
    generation: Option<u64>,
    born: Option<Time>,
    mode: u32,
    uid: u32,
    gid: u32,
}

impl FileIdentity {
    pub(crate) fn of(reply: &Rgetattr) -> Self {
        Self {
            file_id: reply.qid.path,
            // diod says that both are valid, and leaves them zero.
            generation: Some(reply.generation)
                .filter(|&generation| reply.valid.contains(GetAttrMask::GENERATION) && generation != 0),
            born: birth(reply),
            mode: reply.mode.0,
            uid: reply.uid,
            gid: reply.gid,
        }
    }

    /// Whether what the server says now is of the same file, whatever may be done with it by now.
    ///
    /// A birth that has moved back is no other file's: some systems move it when an earlier time of writing is set.
    pub(crate) fn is_of(&self, now: &Rgetattr) -> bool {
        let now = Self::of(now);
        let same_generation = self.generation.zip(now.generation).is_none_or(|(a, b)| a == b);
        let moment = |time: Time| (time.seconds, time.nanoseconds);
        let births = self.born.zip(now.born);
        let born_later = births.is_some_and(|(was, is)| moment(is) > moment(was));
        self.file_id == now.file_id
            && Mode(self.mode).file_type() == Mode(now.mode).file_type()
            && same_generation
            && !born_later
    }
}

/// The attributes of the file at `path`, if `open` is still of that file and the server would open it just so again;
/// `None` if not, or if that cannot be told by one exchange: then the file is opened anew, which tells.
///
/// The walk says which file has the name now; the server cannot have given its qid path to another while it is open. The
/// attributes say whose it is and who may do what with it. Its data may have changed, as nothing of it is cached.
///
/// # Errors
/// `IO_TIMEOUT`: the server is silent, and asking it once more would take as long again.
pub(crate) async fn still_opens(
    open: &ServerOpen,
    view: &View,
    root: &OwnedFid,
    path: &ServerPath,
    wanted: &Wanted,
) -> nt::Result<Option<Attributes>> {
    let same_session = open
        .current()
        .is_ok_and(|file| Arc::ptr_eq(file.client(), root.client()));
    if !same_session {
        return Ok(None);
    }
    let found = match look_up(root, path, None).await {
        Ok(Lookup::Found(found)) => found,
        Err(Status::IO_TIMEOUT) => return Err(Status::IO_TIMEOUT),
        Ok(Lookup::Link(_) | Lookup::Missing(_)) | Err(_) => return Ok(None),
    };
    let name = path.split_last().map_or(&b""[..], |(_, name)| name);
    let attributes = Attributes::new(&found.reply, name);
    let fits = FileIdentity::of(&found.reply) == open.identity()
        && wanted.file_id.is_none_or(|id| id == attributes.file_id)
        && check_existing(&attributes, wanted).is_ok()
        && access::check(&found.reply, view.uid, wanted.access).is_ok();
    if fits {
        view.known_files.note(path, attributes.file_id, true);
    }
    Ok(fits.then_some(attributes))
}
