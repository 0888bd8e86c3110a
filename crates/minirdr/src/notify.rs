//! Change notification: IRP_MN_NOTIFY_CHANGE_DIRECTORY.
//!
//! 9P tells nobody of changes, so what is reported is what this redirector has done itself, for whichever of its users:
//! files made, written, changed, renamed and removed. What other clients do to the server's files is not seen.
//!
//! A handle's first request fixes what it watches; from then on changes are kept for it between requests, as the FsRtl
//! routines do. A request that waits is a request upon the handle like any other: it is cancelled with it, and counts
//! as use of the connection.

mod buffer;

use alloc::vec::Vec;
use core::sync::atomic::{AtomicUsize, Ordering};

use executive::mem::{Arc, TryVec};
use executive::sync::{Mutex, Rank};
use executive::task::{CancelToken, Notify, Semaphore};
use nt::{AccessMask, CreateAction, Name, NameBuf, Status};
use rdbss::{FcbId, FcbState, FobxId, MajorFunction, NOTIFY_CHANGE_DIRECTORY, NetRootId, Owner, Tree};

use crate::MiniRedirector;
use crate::file::OpenFile;
use crate::objects::{Objects, Platform};
use buffer::ChangeBuffer;

/// Most bytes of changes kept for one handle between its requests.
const KEPT_MAX: usize = 64 * 1024;
/// Most handles that watch at a time.
const WATCHES_MAX: usize = 4096;

/// `FILE_NOTIFY_CHANGE_*`: kinds of change, as a watcher chooses them and a change is one of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotifyFilter(pub u32);

impl NotifyFilter {
    /// A file was made, renamed or removed.
    pub const FILE_NAME: Self = Self(0x001);
    /// A directory was.
    pub const DIR_NAME: Self = Self(0x002);
    /// Attributes.
    pub const ATTRIBUTES: Self = Self(0x004);
    /// The size.
    pub const SIZE: Self = Self(0x008);
    /// The time of the last write, which a write changes too.
    pub const LAST_WRITE: Self = Self(0x010);
    /// The time of the last access.
    pub const LAST_ACCESS: Self = Self(0x020);
    /// The time of creation.
    pub const CREATION: Self = Self(0x040);
    /// Extended attributes.
    pub const EA: Self = Self(0x080);
    /// The security descriptor.
    pub const SECURITY: Self = Self(0x100);
    /// Every bit with a meaning (`FILE_NOTIFY_VALID_MASK`).
    const VALID: Self = Self(0xfff);

    /// Both kinds.
    #[must_use]
    pub const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    const fn meets(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }
}

/// `FILE_ACTION_*`: what happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotifyAction(pub u32);

impl NotifyAction {
    /// There is a new name.
    pub const ADDED: Self = Self(1);
    /// A name is gone.
    pub const REMOVED: Self = Self(2);
    /// Something about the file is different.
    pub const MODIFIED: Self = Self(3);
    /// The name that a rename within a directory took away; its new one follows.
    pub const RENAMED_OLD_NAME: Self = Self(4);
    /// The name it gave.
    pub const RENAMED_NEW_NAME: Self = Self(5);
}

/// What a handle wants to hear of. Its first request decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotifyRequest {
    /// `Parameters.NotifyDirectory.CompletionFilter`.
    pub filter: NotifyFilter,
    /// SL_WATCH_TREE: what happens further below, too.
    pub watch_tree: bool,
}

/// Who watches: the counterpart of an FsRtl notify list.
pub(crate) struct Watches {
    list: Mutex<Vec<Arc<Watch>>>,
    /// How many there are; without any, nothing is reported.
    count: AtomicUsize,
}

/// One handle that watches.
struct Watch {
    fobx: FobxId,
    fcb: FcbId,
    net_root: NetRootId,
    request: NotifyRequest,
    state: Mutex<State>,
    /// One request at a time reads; the others wait behind it.
    turn: Semaphore,
    news: Notify,
}

#[derive(Default)]
struct State {
    changes: ChangeBuffer,
    /// Why those who wait need not wait any more.
    ended: Option<Status>,
}

impl Watches {
    /// # Errors
    /// `INSUFFICIENT_RESOURCES`.
    pub(crate) fn try_new() -> nt::Result<Self> {
        Ok(Self {
            list: Mutex::try_new(Vec::new(), Rank(40))?,
            count: AtomicUsize::new(0),
        })
    }

    /// How many handles watch.
    pub(crate) fn len(&self) -> u64 {
        // CAST: a count of objects in memory.
        self.count.load(Ordering::Acquire) as u64
    }

    fn is_empty(&self) -> bool {
        self.count.load(Ordering::Acquire) == 0
    }
}

impl Watch {
    fn try_new(fobx: FobxId, fcb: FcbId, net_root: NetRootId, request: NotifyRequest) -> nt::Result<Self> {
        Ok(Self {
            fobx,
            fcb,
            net_root,
            request,
            state: Mutex::try_new(State::default(), Rank(41))?,
            turn: Semaphore::new(1),
            news: Notify::new(),
        })
    }

    /// Ends the requests that wait.
    fn end(&self, status: Status) {
        self.state.lock().ended = Some(status);
        self.news.notify_all();
    }

    fn ended(&self) -> Option<Status> {
        self.state.lock().ended
    }

    /// What there is to tell a reader now.
    fn take(&self, buffer: &mut [u8]) -> Option<nt::Result<(usize, Status)>> {
        let mut state = self.state.lock();
        match state.ended {
            Some(status) => Some(outcome(status)),
            None => state.changes.take(buffer).map(Ok),
        }
    }
}

/// How a request ends without a change.
fn outcome(ended: Status) -> nt::Result<(usize, Status)> {
    if ended.is_error() {
        Err(ended)
    } else {
        Ok((0, ended))
    }
}

impl<P: Platform> OpenFile<P> {
    /// Waits for changes in the directory. The result is the number of bytes of FILE_NOTIFY_INFORMATION records written,
    /// or none with `NOTIFY_ENUM_DIR` (more happened than the buffer holds) or `NOTIFY_CLEANUP` (the handle is closed).
    ///
    /// # Errors
    /// `INVALID_PARAMETER`: not a directory, or nothing to watch for. `ACCESS_DENIED`: not opened to list.
    /// `DELETE_PENDING`: the directory is about to go. `CANCELLED`: also when the connection is taken away.
    /// `INSUFFICIENT_RESOURCES`: also with too many watchers.
    pub async fn notify_change(
        &self,
        request: NotifyRequest,
        buffer: &mut [u8],
        cancel: &CancelToken,
    ) -> nt::Result<(usize, Status)> {
        if !self.is_directory || !request.filter.meets(NotifyFilter::VALID) {
            return Err(Status::INVALID_PARAMETER);
        }
        if !self.granted_access.contains(AccessMask::READ_DATA) {
            return Err(Status::ACCESS_DENIED);
        }
        let running = self.redirector.begin_minor(
            Owner::Fobx(self.fobx),
            MajorFunction::DIRECTORY_CONTROL,
            NOTIFY_CHANGE_DIRECTORY,
            cancel,
        )?;
        let watch = self.watch(request, buffer.len())?;
        let waited = running
            .run(async {
                let _turn = watch.turn.acquire().await;
                loop {
                    let news = watch.news.notified();
                    if let Some(told) = watch.take(buffer) {
                        return told;
                    }
                    news.await;
                }
            })
            .await;
        match (waited, watch.ended()) {
            // The handle's cleanup cancels what waits for it, once it has said why.
            (Err(Status::CANCELLED), Some(status)) => outcome(status),
            (waited, _) => waited,
        }
    }

    /// The handle's watch: the one it has, or a new one.
    fn watch(&self, request: NotifyRequest, length: usize) -> nt::Result<Arc<Watch>> {
        let (fcb, net_root, delete_pending) = {
            let tree = self.redirector.tree();
            let id = tree.srv_open(self.srv_open)?.fcb();
            let fcb = tree.fcb(id)?;
            (
                id,
                fcb.net_root(),
                fcb.state().contains(FcbState::DELETE_ON_CLOSE),
            )
        };
        if delete_pending {
            return Err(Status::DELETE_PENDING);
        }
        let watches = &self.redirector.0.watches;
        let mut list = watches.list.lock();
        // Who cleans up says so first, and takes the watch away after that.
        if self.cleaned_up.load(Ordering::Acquire) {
            return Err(Status::FILE_CLOSED);
        }
        let known = list.iter().find(|watch| watch.fobx == self.fobx).cloned();
        let watch = match known {
            Some(watch) => watch,
            None => {
                if list.len() >= WATCHES_MAX {
                    return Err(Status::INSUFFICIENT_RESOURCES);
                }
                let watch = Arc::try_new(Watch::try_new(self.fobx, fcb, net_root, request)?)?;
                list.try_push(Arc::clone(&watch))?;
                watches.count.store(list.len(), Ordering::Release);
                watch
            }
        };
        let mut state = watch.state.lock();
        // A deletion that was taken back.
        state.ended = None;
        state.changes.grow(length.min(KEPT_MAX));
        drop(state);
        Ok(watch)
    }

    /// Ends the handle's watch: part of its cleanup.
    pub(crate) fn end_watch(&self) {
        let watches = &self.redirector.0.watches;
        if watches.is_empty() {
            return;
        }
        let gone = {
            let mut list = watches.list.lock();
            let place = list.iter().position(|watch| watch.fobx == self.fobx);
            let gone = place.map(|place| list.swap_remove(place));
            watches.count.store(list.len(), Ordering::Release);
            gone
        };
        if let Some(watch) = gone {
            watch.end(Status::NOTIFY_CLEANUP);
        }
    }

    /// Reports something about this file.
    pub(crate) fn report(&self, filter: NotifyFilter, action: NotifyAction) {
        if self.redirector.0.watches.is_empty() {
            return;
        }
        let tree = self.redirector.tree();
        let fcb = tree.srv_open(self.srv_open).and_then(|open| tree.fcb(open.fcb()));
        if let Ok(fcb) = fcb {
            self.redirector
                .0
                .watches
                .tell(&tree, fcb.net_root(), fcb.path(), filter, action);
        }
    }

    /// Reports that data was written.
    pub(crate) fn report_written(&self) {
        let filter = NotifyFilter::SIZE.or(NotifyFilter::LAST_WRITE);
        self.report(filter, NotifyAction::MODIFIED);
    }

    /// Reports that the file came or went.
    pub(crate) fn report_name(&self, action: NotifyAction) {
        self.report(self.name_filter(), action);
    }

    fn name_filter(&self) -> NotifyFilter {
        if self.is_directory {
            NotifyFilter::DIR_NAME
        } else {
            NotifyFilter::FILE_NAME
        }
    }

    /// Reports what an open did.
    pub(crate) fn report_opened(&self, action: CreateAction) {
        match action {
            CreateAction::CREATED => self.report_name(NotifyAction::ADDED),
            CreateAction::OVERWRITTEN | CreateAction::SUPERSEDED => self.report_written(),
            _ => {}
        }
    }

    /// Ends the requests that watch this directory, which is about to go.
    pub(crate) fn end_watches(&self) {
        let fcb = self
            .redirector
            .tree()
            .srv_open(self.srv_open)
            .map(|open| open.fcb());
        if let Ok(fcb) = fcb {
            self.redirector.end_watches_of(fcb);
        }
    }

    /// The file's path below its share, as NT spells it.
    pub(crate) fn nt_path(&self) -> nt::Result<NameBuf> {
        let tree = self.redirector.tree();
        NameBuf::try_from_name(tree.fcb(tree.srv_open(self.srv_open)?.fcb())?.path())
    }

    /// Reports that a file such as this came or went at `path`, a path below its share.
    pub(crate) fn report_at(&self, path: Name<'_>, action: NotifyAction) {
        if self.redirector.0.watches.is_empty() {
            return;
        }
        let tree = self.redirector.tree();
        if let Ok(fcb) = tree.srv_open(self.srv_open).and_then(|open| tree.fcb(open.fcb())) {
            let (watches, filter) = (&self.redirector.0.watches, self.name_filter());
            watches.tell(&tree, fcb.net_root(), path, filter, action);
        }
    }

    /// Reports that this file was called `old`, a path below its share, until now.
    pub(crate) fn report_renamed(&self, old: &NameBuf) {
        if self.redirector.0.watches.is_empty() {
            return;
        }
        let tree = self.redirector.tree();
        let fcb = tree.srv_open(self.srv_open).and_then(|open| tree.fcb(open.fcb()));
        let Ok(fcb) = fcb else { return };
        let (old, new) = (old.as_name(), fcb.path());
        let directory = |path: Name<'_>| {
            path.rsplit_once(u16::from(b'\\'))
                .map_or(0, |(directory, _)| directory.len())
        };
        let same_directory = old
            .split_at(directory(old))
            .zip(new.split_at(directory(new)))
            .is_some_and(|((old, _), (new, _))| old.eq_ignore_case(new));
        let (gone, come) = if same_directory {
            (NotifyAction::RENAMED_OLD_NAME, NotifyAction::RENAMED_NEW_NAME)
        } else {
            (NotifyAction::REMOVED, NotifyAction::ADDED)
        };
        let (watches, net_root) = (&self.redirector.0.watches, fcb.net_root());
        watches.tell(&tree, net_root, old, self.name_filter(), gone);
        watches.tell(&tree, net_root, new, self.name_filter(), come);
    }
}

impl<P: Platform> MiniRedirector<P> {
    /// Ends the requests that watch a directory which is about to go.
    pub(crate) fn end_watches_of(&self, fcb: FcbId) {
        let watches = &self.0.watches;
        if watches.is_empty() {
            return;
        }
        let list = watches.list.lock();
        for watch in list.iter().filter(|watch| watch.fcb == fcb) {
            watch.end(Status::DELETE_PENDING);
        }
    }
}

impl Watches {
    /// Tells those who watch for it of a change to the file at `path` below a share.
    fn tell<P: Platform>(
        &self,
        tree: &Tree<Objects<P>>,
        net_root: NetRootId,
        path: Name<'_>,
        filter: NotifyFilter,
        action: NotifyAction,
    ) {
        let list = self.list.lock();
        let concerned =
            |watch: &&Arc<Watch>| watch.net_root == net_root && watch.request.filter.meets(filter);
        for watch in list.iter().filter(concerned) {
            let below = tree.fcb(watch.fcb).ok().and_then(|directory| {
                path.strip_prefix_ignore_case(directory.path())?
                    .strip_unit(u16::from(b'\\'))
            });
            let Some(name) = below.filter(|name| !name.is_empty()) else {
                continue;
            };
            if watch.request.watch_tree || !name.contains(u16::from(b'\\')) {
                watch.state.lock().changes.push(action, name);
                watch.news.notify_all();
            }
        }
    }
}
