//! What the mini-redirector keeps with the objects of the tree.

use core::future::{Future, ready};
use core::marker::PhantomData;
use core::ops::Deref;

use executive::mem::{AllocError, Arc};
use executive::sync::SpinLock;
use executive::task::{CancelToken, Notify, Semaphore};
use ninep::wire::OpenFlags;
use nt::Status;
use rdbss::Extensions;
use rxce::Transport;

use crate::create::folded_names::FoldedNames;
use crate::create::known_files::KnownFiles;
use crate::dormant::FileIdentity;
use crate::information::dos_attributes::Kept;
use crate::lock::{FileLocks, Identity};
use crate::names::ServerPath;
use crate::server::attachment::{Attached, Attachment};
use crate::server::client::OwnedFid;
use crate::server::{Link, Server};

/// What differs between the driver and a host process.
pub trait Platform: Send + Sync + 'static {
    /// How bytes reach a server.
    type Transport: Transport;
    /// What a FILE_OBJECT's `FsContext` points to: one per FCB, shared by all its handles. Must stay where it is made
    /// to be useful there, so a header that the I/O manager reads is boxed inside.
    type FcbHeader: Send + Sync + 'static;

    /// Makes the header of a new FCB.
    ///
    /// # Errors
    /// [`AllocError`].
    fn new_fcb_header() -> Result<Self::FcbHeader, AllocError>;

    /// Whether the mapped views of a file, which outlive handles and their share access, allow another open. Called before
    /// the server is asked for anything. Where nothing can be mapped, they always do.
    ///
    /// # Errors
    /// `SHARING_VIOLATION`, `CANNOT_DELETE`, `USER_MAPPED_FILE`; what writing their changes came to.
    fn views_allow(file: HeldHeader<Self>, open: MappedOpen) -> impl Future<Output = nt::Result> + Send
    where
        Self: Sized,
    {
        let _ = (file, open);
        ready(Ok(()))
    }
}

/// A file's header, which lives as long as this does.
pub struct HeldHeader<P: Platform>(pub(crate) Arc<SharedFile<P>>);

impl<P: Platform> Deref for HeldHeader<P> {
    type Target = P::FcbHeader;

    fn deref(&self) -> &P::FcbHeader {
        &self.0.header
    }
}

/// What an open wants of a file that may be mapped into memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MappedOpen {
    /// To read, write or delete it, rather than to look at its attributes.
    pub uses_data: bool,
    /// To write it.
    pub writes: bool,
    /// To delete it when the handle is closed.
    pub deletes: bool,
    /// To take its data away at once.
    pub truncates: bool,
    /// Others may write it meanwhile.
    pub shares_writing: bool,
}

/// The extensions of every object in the tree.
pub(crate) struct Objects<P>(PhantomData<fn() -> P>);

impl<P: Platform> Extensions for Objects<P> {
    type SrvCall = Arc<Server>;
    type NetRoot = Arc<ShareState>;
    type VNetRoot = Arc<View>;
    type Fcb = Arc<SharedFile<P>>;
    type SrvOpen = Arc<ServerOpen>;
    type Fobx = ();
    type Context = Arc<Control>;
}

/// What all handles of a file share: the extension of FCB.
pub(crate) struct SharedFile<P: Platform> {
    /// What the I/O manager sees of it.
    pub(crate) header: P::FcbHeader,
    /// Its byte-range locks.
    pub(crate) locks: FileLocks,
    /// One append at a time: where a file ends is asked first, and written there then.
    pub(crate) appending: Semaphore,
}

impl<P: Platform> SharedFile<P> {
    /// # Errors
    /// `INSUFFICIENT_RESOURCES`.
    pub(crate) fn try_new(identity: &Identity) -> nt::Result<Arc<Self>> {
        Ok(Arc::try_new(Self {
            header: P::new_fcb_header()?,
            locks: FileLocks::try_new(identity)?,
            appending: Semaphore::new(1),
        })?)
    }
}

/// A fid that can be replaced, and taken away from under those who use it.
///
/// Who has borrowed it keeps it until the end of its call; whoever comes later finds what is there then.
struct Revocable(SpinLock<nt::Result<Arc<OwnedFid>>>);

impl Revocable {
    fn try_new(fid: OwnedFid) -> Result<Self, AllocError> {
        Ok(Self(SpinLock::new(Ok(Arc::try_new(fid)?))))
    }

    /// The fid.
    ///
    /// # Errors
    /// `UNEXPECTED_NETWORK_ERROR` once it has been taken away: what every I/O on an orphaned handle answers. What
    /// [`Self::invalidate`] said.
    fn get(&self) -> nt::Result<Arc<OwnedFid>> {
        self.0.lock().clone()
    }

    /// Puts `fid` in the place of an earlier one, unless that was taken away. Errors as [`Self::get`].
    fn replace(&self, fid: &Arc<OwnedFid>) -> nt::Result {
        let old = {
            let mut held = self.0.lock();
            held.as_ref().map_err(|&status| status)?;
            core::mem::replace(&mut *held, Ok(Arc::clone(fid)))
        };
        // Not under the lock: it may be its last owner.
        drop(old);
        Ok(())
    }

    /// Takes the fid away; it is clunked when the last borrower is done. From then on [`Self::get`] says `status`; the
    /// first one counts. IRQL <= APC_LEVEL.
    fn invalidate(&self, status: Status) {
        let old = {
            let mut held = self.0.lock();
            if held.is_err() {
                return;
            }
            core::mem::replace(&mut *held, Err(status))
        };
        drop(old);
    }
}

/// What was opened on the server: the extension of SRV_OPEN. Its fid is had through
/// [`OpenFile::fid`](crate::OpenFile), which opens the file again where the session was lost.
pub(crate) struct ServerOpen {
    fid: Revocable,
    file: SpinLock<WhichFile>,
    /// One opens it again, the others wait and use what it got.
    pub(crate) reopening: Semaphore,
}

/// What it takes to open a file again.
#[derive(Clone, Copy)]
struct WhichFile {
    identity: FileIdentity,
    /// How it was opened; `None`: not at all, the fid was only walked to.
    flags: Option<OpenFlags>,
}

impl ServerOpen {
    /// `file`, open with `flags` if it is open at all.
    pub(crate) fn try_new(
        file: OwnedFid,
        flags: Option<OpenFlags>,
        identity: FileIdentity,
    ) -> Result<Arc<Self>, AllocError> {
        Arc::try_new(Self {
            fid: Revocable::try_new(file)?,
            file: SpinLock::new(WhichFile { identity, flags }),
            reopening: Semaphore::new(1),
        })
    }

    /// Which file it is of, and who could do what with that when it was opened.
    pub(crate) fn identity(&self) -> FileIdentity {
        self.file.lock().identity
    }

    /// How it was opened; `None`: not at all, the fid was only walked to.
    pub(crate) fn flags(&self) -> Option<OpenFlags> {
        self.file.lock().flags
    }

    /// Goes on with `fid`, which was walked to: another file, `identity`, has taken the place of the one that was opened.
    /// Errors as [`Self::current`].
    pub(crate) fn become_file(&self, fid: &Arc<OwnedFid>, identity: FileIdentity) -> nt::Result {
        self.fid.replace(fid)?;
        *self.file.lock() = WhichFile {
            identity,
            flags: None,
        };
        Ok(())
    }

    /// The fid as it is.
    ///
    /// # Errors
    /// `UNEXPECTED_NETWORK_ERROR` once it was closed; what [`Self::invalidate`] said.
    pub(crate) fn current(&self) -> nt::Result<Arc<OwnedFid>> {
        self.fid.get()
    }

    /// Goes on with `fid`, of a new session. Errors as [`Self::current`].
    pub(crate) fn replace(&self, fid: &Arc<OwnedFid>) -> nt::Result {
        self.fid.replace(fid)
    }

    /// The file is lost for good, for the reason `status`.
    pub(crate) fn invalidate(&self, status: Status) {
        self.fid.invalidate(status);
    }

    /// Closes it; the fid is clunked when the last borrower is done. IRQL <= APC_LEVEL.
    pub(crate) fn revoke(&self) {
        self.fid.invalidate(Status::UNEXPECTED_NETWORK_ERROR);
    }
}

/// What is known of a share by all who use it, as a change that one of them makes is the others' too: the extension of
/// NET_ROOT.
pub(crate) struct ShareState {
    /// Names that differ only in case.
    pub(crate) folded_names: FoldedNames,
    /// Whether files have attributes that Unix has no place for.
    pub(crate) kept: Kept,
}

impl ShareState {
    /// # Errors
    /// `INSUFFICIENT_RESOURCES`.
    pub(crate) fn try_new() -> nt::Result<Arc<Self>> {
        Ok(Arc::try_new(Self {
            folded_names: FoldedNames::try_new()?,
            kept: Kept::new(),
        })?)
    }
}

/// A user's root of a share: the extension of V_NET_ROOT. Its fid is had through [`View::root`], which attaches again where
/// the session was lost.
pub(crate) struct View {
    root: Revocable,
    /// What the server is reached by.
    pub(crate) link: Arc<Link>,
    /// How to attach again.
    pub(crate) attachment: Attachment,
    /// One attaches again, the others wait and use what it got.
    pub(crate) attaching: Semaphore,
    /// Group of the share's root directory, given to what is made below it.
    pub(crate) gid: u32,
    /// Who attached, as a number; `None` for one known by name alone.
    pub(crate) uid: Option<u32>,
    /// Files seen lately.
    pub(crate) known_files: KnownFiles,
    /// What is known of the share, through whichever view.
    pub(crate) share: Arc<ShareState>,
}

impl View {
    pub(crate) fn try_new(
        link: Arc<Link>,
        attached: Attached,
        share: Arc<ShareState>,
    ) -> nt::Result<Arc<Self>> {
        let Attached {
            root,
            attachment,
            gid,
            share_units: _,
        } = attached;
        Ok(Arc::try_new(Self {
            uid: attachment.uid(),
            root: Revocable::try_new(root)?,
            link,
            attachment,
            attaching: Semaphore::new(1),
            gid,
            known_files: KnownFiles::try_new()?,
            share,
        })?)
    }

    /// A file or directory came to be at `path`.
    pub(crate) fn added(&self, path: &ServerPath) {
        self.share.folded_names.added(path);
    }

    /// Nobody knows what is at `path`: what was to change that has failed, or was given up.
    pub(crate) fn doubtful(&self, path: &ServerPath) {
        self.share.folded_names.doubtful(path);
    }

    /// What was at `path` is not there any more.
    pub(crate) fn removed(&self, path: &ServerPath) {
        self.share.folded_names.removed(path);
        self.known_files.forget(path);
    }

    /// The fid as it is.
    ///
    /// # Errors
    /// `UNEXPECTED_NETWORK_ERROR` once the connection has been taken away.
    pub(crate) fn current(&self) -> nt::Result<Arc<OwnedFid>> {
        self.root.get()
    }

    /// Goes on with `root`, of a new session. Errors as [`Self::current`].
    pub(crate) fn replace(&self, root: &Arc<OwnedFid>) -> nt::Result {
        self.root.replace(root)
    }

    /// Detaches.
    pub(crate) fn revoke(&self) {
        self.root.invalidate(Status::UNEXPECTED_NETWORK_ERROR);
    }
}

/// How others reach into a request: the extension of its RX_CONTEXT.
pub(crate) struct Control {
    /// Ends the request early.
    pub(crate) cancel: CancelToken,
    woken: SpinLock<Option<nt::Result>>,
    wake: Notify,
}

impl Control {
    pub(crate) fn try_new(cancel: CancelToken) -> Result<Arc<Self>, AllocError> {
        Arc::try_new(Self {
            cancel,
            woken: SpinLock::new(None),
            wake: Notify::new(),
        })
    }

    /// Ends a wait with `result`.
    pub(crate) fn wake(&self, result: nt::Result) {
        *self.woken.lock() = Some(result);
        self.wake.notify_one();
    }

    /// Waits for [`Self::wake`]; the result is what it was given. What somebody else waited for and was cancelled is
    /// no failure of ours: then it is time to look again.
    pub(crate) async fn woken(&self) -> nt::Result {
        loop {
            match self.woken.lock().take() {
                Some(Err(Status::CANCELLED)) => return Ok(()),
                Some(result) => return result,
                None => {}
            }
            self.wake.notified().await;
        }
    }
}
