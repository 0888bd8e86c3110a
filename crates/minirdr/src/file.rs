//! An open file: what FILE_OBJECT.FsContext2 holds, and what can be asked of it.

pub(crate) mod data;
pub(crate) mod first_look;
mod paging;
pub(crate) mod reopen;
pub(crate) mod transfer;

use core::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use executive::mem::Arc;
use executive::sync::{Mutex, Rank};
use executive::task::{CancelToken, Semaphore};
use ninep::wire::{Fid, Request, Rgetattr};
use nt::pattern::Case;
use nt::{AccessMask, CreateOptions, FileInformationClass, Status};
use rdbss::{Effects, FobxId, MajorFunction, Owner, SrvOpenId};

use crate::MiniRedirector;
use crate::directory::{self, DirectoryQuery, Scan, needs_attributes};
use crate::file::first_look::FirstLook;
use crate::file::reopen::of_a_handle;
use crate::names::ServerPath;
use crate::namespace::{self, Place};
use crate::notify::NotifyAction;
use crate::objects::{Platform, ServerOpen, SharedFile, View};
use crate::server::client::{OwnedFid, retried};

/// One handle.
///
/// Dropping it cleans it up and closes it, without deleting anything.
pub struct OpenFile<P: Platform> {
    pub(crate) redirector: MiniRedirector<P>,
    pub(crate) fobx: FobxId,
    pub(crate) srv_open: SrvOpenId,
    pub(crate) open: Arc<ServerOpen>,
    pub(crate) shared: Arc<SharedFile<P>>,
    pub(crate) is_directory: bool,
    pub(crate) granted_access: AccessMask,
    /// The create options as they are now: FileModeInformation changes some.
    pub(crate) options: AtomicU32,
    pub(crate) first_look: FirstLook,
    /// Extended attributes that queries have returned so far.
    pub(crate) ea_position: AtomicU32,
    pub(crate) scan: Mutex<Scan>,
    /// One directory query at a time.
    pub(crate) scanning: Semaphore,
    pub(crate) cleaned_up: AtomicBool,
    pub(crate) closed: AtomicBool,
}

impl<P: Platform> OpenFile<P> {
    pub(crate) fn new_scan() -> nt::Result<Mutex<Scan>> {
        Ok(Mutex::try_new(Scan::default(), Rank(30))?)
    }

    /// The handle's FOBX.
    pub(crate) fn fobx(&self) -> FobxId {
        self.fobx
    }

    /// The create options as they are now.
    pub(crate) fn options(&self) -> CreateOptions {
        CreateOptions::from_bits_retain(self.options.load(Ordering::Relaxed))
    }

    /// The header that all handles of the file share.
    #[must_use]
    pub fn fcb_header(&self) -> &P::FcbHeader {
        &self.shared.header
    }

    /// Whether it is a directory.
    #[must_use]
    pub fn is_directory(&self) -> bool {
        self.is_directory
    }

    /// Lists the directory. Result and errors: see [`DirectoryQuery`] and IRP_MN_QUERY_DIRECTORY: the number of bytes
    /// written, with `BUFFER_OVERFLOW` when the only entry's name was cut.
    ///
    /// # Errors
    /// `NO_SUCH_FILE`: nothing matches. `NO_MORE_FILES`: the end. `INVALID_PARAMETER`: not a directory.
    /// `OBJECT_NAME_INVALID`: no such pattern. `INVALID_INFO_CLASS`, `INFO_LENGTH_MISMATCH`; otherwise as [`Self::read`].
    pub async fn query_directory(
        &self,
        query: &DirectoryQuery<'_>,
        buffer: &mut [u8],
        cancel: &CancelToken,
    ) -> nt::Result<(usize, Status)> {
        if !self.is_directory {
            return Err(Status::INVALID_PARAMETER);
        }
        let running = self.begin(MajorFunction::DIRECTORY_CONTROL, cancel)?;
        running
            .run(async {
                let _turn = self.scanning.acquire().await;
                let mut scan = BorrowedScan {
                    scan: core::mem::take(&mut *self.scan.lock()),
                    home: &self.scan,
                };
                let case = if self.redirector.settings().case_sensitive {
                    Case::Sensitive
                } else {
                    Case::Ignored
                };
                let view = self.view()?;
                scan.scan.kept = needs_attributes(query.class) && self.keeps_attributes(&view).await?;
                let mut place = directory::Place {
                    view: &view,
                    path: self.path()?,
                };
                retried!(async {
                    let links = self.links(&view).await?;
                    let open = self.fid().await?;
                    scan.scan
                        .query(&open, &mut place, &links, query, case, buffer)
                        .await
                })
            })
            .await
    }

    /// IRP_MJ_CLEANUP: the last handle to the file object is gone. Deletes the file if that was asked for and this was
    /// the last handle of all. Always succeeds locally; a server that does not answer is waited for no longer than a
    /// request's deadline. Doing it again does nothing.
    pub async fn cleanup(&self) {
        // NT has nobody to tell that a deletion failed: the file is still there.
        let _ = self.clean_up().await;
    }

    /// Marks the file for deletion and cleans the handle up: what NtDeleteFile does, for callers that want to hear how
    /// the server took it. A file that has other handles goes with the last of them.
    ///
    /// # Errors
    /// As [`Self::set_information`] with `DISPOSITION`; the server's.
    pub async fn delete(&self, cancel: &CancelToken) -> nt::Result {
        self.set_information(FileInformationClass::DISPOSITION, &[1], None, cancel)
            .await?;
        self.clean_up().await
    }

    async fn clean_up(&self) -> nt::Result {
        if self.cleaned_up.swap(true, Ordering::AcqRel) {
            return Ok(());
        }
        self.end_watch();
        let mut effects = Effects::new();
        let cleanup = self.redirector.tree().cleanup(self.fobx, &mut effects);
        self.redirector.perform(effects);
        self.end_locks().await;
        let cleanup = cleanup?;
        if !cleanup.delete {
            if self.options().contains(CreateOptions::DELETE_ON_CLOSE) {
                // It goes with the last of the handles that are left.
                self.redirector.end_watches_of(cleanup.fcb);
            }
            return Ok(());
        }
        let runtime = &self.redirector.0.runtime;
        let limit = self.redirector.settings().request_timeout;
        let removing = async {
            retried!(async {
                let place = self.place().await?;
                namespace::remove(&place).await?;
                self.view()?.removed(&place.path);
                Ok(())
            })
        };
        let deleted = runtime
            .timeout(limit, removing)
            .await
            .unwrap_or(Err(Status::IO_TIMEOUT));
        self.redirector.note_change();
        // The deletion was asked for just now.
        let _ = self
            .redirector
            .tree()
            .complete_delete(cleanup.fcb, deleted.is_ok());
        if deleted.is_ok() {
            self.report_name(NotifyAction::REMOVED);
        }
        deleted
    }

    /// IRP_MJ_CLOSE: the file object is gone. Always succeeds locally; the server is told without waiting. Doing it
    /// again does nothing.
    pub fn close(&self) {
        if self.closed.swap(true, Ordering::AcqRel) {
            return;
        }
        self.redirector.close_handle(self.fobx);
    }

    /// Which file it is, whatever its name leads to: the qid path.
    pub(crate) fn file_id(&self) -> u64 {
        self.open.identity().file_id
    }

    /// The view the file was opened through.
    pub(crate) fn view(&self) -> nt::Result<Arc<View>> {
        let tree = self.redirector.tree();
        let srv_open = tree.srv_open(tree.fobx(self.fobx)?.srv_open())?;
        let view = tree.v_net_root(srv_open.v_net_root())?.extension();
        view.cloned().ok_or(Status::UNEXPECTED_NETWORK_ERROR)
    }

    /// The file's path below its share, as it is called now.
    pub(crate) fn path(&self) -> nt::Result<ServerPath> {
        let tree = self.redirector.tree();
        let srv_open = tree.srv_open(tree.fobx(self.fobx)?.srv_open())?;
        ServerPath::parse(tree.fcb(srv_open.fcb())?.path())
    }

    /// Where the file is now. Errors as [`Self::fid`].
    pub(crate) async fn place(&self) -> nt::Result<Place> {
        Ok(Place {
            root: self.root().await?,
            path: self.path()?,
            file_id: self.file_id(),
        })
    }

    /// The fid of its share's root, usable now. Errors as [`Self::fid`].
    pub(crate) async fn root(&self) -> nt::Result<Arc<OwnedFid>> {
        self.view()?.root().await.map_err(of_a_handle)
    }

    /// Asks something about the file that `make` puts into a message with its fid. Errors as [`Client::call`].
    ///
    /// [`Client::call`]: crate::server::client::Client::call
    pub(crate) async fn ask<R: Request, V>(
        &self,
        make: impl Fn(Fid) -> R,
        decode: impl Fn(R::Reply<'_>) -> V,
    ) -> nt::Result<V> {
        retried!(async {
            let open = self.fid().await?;
            match open.client().call(&make(open.fid()), &decode).await {
                // Renamed by another handle, on a server whose fids are paths.
                Err(Status::OBJECT_NAME_NOT_FOUND) => {
                    let file = namespace::find(&self.place().await?).await?;
                    file.client().call(&make(file.fid()), &decode).await
                }
                outcome => outcome,
            }
        })
    }

    /// What the server says of the file now, in its own terms.
    pub(crate) async fn getattr(&self) -> nt::Result<Rgetattr> {
        Ok(self.look().await?.0)
    }

    /// What the server says of the file now; and where it was found, if the handle's fid does not lead to it any more.
    pub(crate) async fn look(&self) -> nt::Result<(Rgetattr, Option<OwnedFid>)> {
        retried!(async {
            let open = self.fid().await?;
            match open.client().getattr(open.fid()).await {
                Ok(reply) if reply.qid.path == self.file_id() => Ok((reply, None)),
                // Renamed, on a server whose fids are paths, and maybe another file has the old name.
                Ok(_) | Err(Status::OBJECT_NAME_NOT_FOUND) => {
                    let file = namespace::find(&self.place().await?).await?;
                    let reply = file.client().getattr(file.fid()).await?;
                    Ok((reply, Some(file)))
                }
                Err(status) => Err(status),
            }
        })
    }

    /// As [`Self::ask`], for what changes the file: looks first whether the fid still leads to it, as on a server whose fids
    /// are paths another file may have its old name.
    pub(crate) async fn change<R: Request>(&self, make: impl Fn(Fid) -> R) -> nt::Result {
        retried!(async {
            let open = self.fid().await?;
            match open.client().getattr(open.fid()).await {
                Ok(reply) if reply.qid.path == self.file_id() => {
                    open.client().call(&make(open.fid()), |_| ()).await
                }
                Ok(_) | Err(Status::OBJECT_NAME_NOT_FOUND) => {
                    let file = namespace::find(&self.place().await?).await?;
                    file.client().call(&make(file.fid()), |_| ()).await
                }
                Err(status) => Err(status),
            }
        })
    }

    pub(crate) fn begin(
        &self,
        major: MajorFunction,
        cancel: &CancelToken,
    ) -> nt::Result<crate::request::Running<'_, P>> {
        self.redirector.begin(Owner::Fobx(self.fobx), major, cancel)
    }
}

impl<P: Platform> Drop for OpenFile<P> {
    fn drop(&mut self) {
        self.close();
    }
}

/// The directory position while a query works on it. A cancelled query puts it back too.
struct BorrowedScan<'a> {
    scan: Scan,
    home: &'a Mutex<Scan>,
}

impl Drop for BorrowedScan<'_> {
    fn drop(&mut self) {
        core::mem::swap(&mut *self.home.lock(), &mut self.scan);
    }
}
