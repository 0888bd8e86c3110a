//! Fids that outlive the session they were made on.
//!
//! A session that is lost takes its fids with it. What was open is opened again on the next session, lazily: by the first
//! operation that needs it. Names lead there, so a file counts as the same only if its qid's path and its type are, and
//! if it was not born later, where the server says when, and is of the same generation, where it counts them; a create is never repeated, as a file is opened again by a plain Tlopen and nothing else. Byte-range locks come back on
//! their own (`OpenFile::revive_locks`), before the next transfer that they could matter to.

use alloc::boxed::Box;

use executive::mem::{Arc, try_box};
use nt::Status;

use crate::create::lookup::open_found;
use crate::file::OpenFile;
use crate::objects::{Platform, ServerOpen, View};
use crate::server::client::OwnedFid;

impl View {
    /// The fid of the share's root, usable now: attached again where the session was lost. Not to be awaited with a lock
    /// held; a fid is asked for anew for every operation.
    ///
    /// # Errors
    /// `UNEXPECTED_NETWORK_ERROR` once the connection has been taken away; `BAD_NETWORK_PATH`, at once, while the server
    /// cannot be reached; `NETWORK_NAME_DELETED` where it does not export the share any more; as
    /// [`Client::call`](crate::server::client::Client::call).
    pub(crate) async fn root(&self) -> nt::Result<Arc<OwnedFid>> {
        let root = self.current()?;
        if root.client().is_usable() {
            return Ok(root);
        }
        drop(root);
        // Boxed: this is rare, and every request would be as large otherwise.
        Box::into_pin(try_box(self.attach_again())?).await
    }

    async fn attach_again(&self) -> nt::Result<Arc<OwnedFid>> {
        let _turn = self.attaching.acquire().await;
        let root = self.current()?;
        if root.client().is_usable() {
            return Ok(root);
        }
        drop(root);
        let client = self.link.client().await?;
        let root = Arc::try_new(self.attachment.attach_again(&client).await?)?;
        self.replace(&root)?;
        self.share.kept.forget();
        Ok(root)
    }
}

impl<P: Platform> OpenFile<P> {
    /// The file's fid, usable now: opened again where the session was lost. Every operation asks for it anew and keeps it
    /// for its own length only. Not to be awaited with a lock held.
    ///
    /// # Errors
    /// `UNEXPECTED_NETWORK_ERROR` once the connection has been taken away; `CONNECTION_DISCONNECTED`, at once, while the
    /// server cannot be reached; `FILE_INVALID` where another file, or none, has taken the place of the one that was
    /// opened, or it may not be opened any more; `NETWORK_NAME_DELETED` where the share is gone.
    pub(crate) async fn fid(&self) -> nt::Result<Arc<OwnedFid>> {
        self.fid_of(&self.open, || self.view()).await
    }

    /// As [`Self::fid`], of an open of the same file, maybe through another view.
    pub(crate) async fn fid_of(
        &self,
        open: &ServerOpen,
        view: impl FnOnce() -> nt::Result<Arc<View>>,
    ) -> nt::Result<Arc<OwnedFid>> {
        let fid = open.current()?;
        if fid.client().is_usable() {
            return Ok(fid);
        }
        drop(fid);
        let view = view()?;
        // Boxed for the same reason as above.
        let fid = Box::into_pin(try_box(self.open_again(open, &view))?).await;
        fid.map_err(of_a_handle)
    }

    async fn open_again(&self, open: &ServerOpen, view: &View) -> nt::Result<Arc<OwnedFid>> {
        let _turn = open.reopening.acquire().await;
        let fid = open.current()?;
        if fid.client().is_usable() {
            return Ok(fid);
        }
        drop(fid);
        let root = view.root().await?;
        let path = self.path()?;
        let found = async {
            let file = root.walk(path.components()).await?;
            let attributes = file.client().identify(file.fid()).await?;
            if !open.identity().is_of(&attributes) {
                return Err(Status::FILE_INVALID);
            }
            // Never created, never truncated: `flags` says how to read and write, and no more.
            if let Some(flags) = open.flags() {
                open_found(&file, &attributes, flags).await?;
            }
            Ok(file)
        };
        match found.await {
            Ok(file) => {
                let file = Arc::try_new(file)?;
                open.replace(&file)?;
                Ok(file)
            }
            Err(status) if may_pass(status) => Err(status),
            // The server has answered: it is not there, not the same, or not to be opened.
            Err(_) => {
                open.invalidate(Status::FILE_INVALID);
                Err(Status::FILE_INVALID)
            }
        }
    }
}

/// What a handle says where its server cannot be reached: it was, once.
pub(crate) fn of_a_handle(status: Status) -> Status {
    match status {
        Status::BAD_NETWORK_PATH => Status::CONNECTION_DISCONNECTED,
        other => other,
    }
}

/// Whether a failure to open a file again says nothing about the file.
pub(crate) fn may_pass(status: Status) -> bool {
    matches!(
        status,
        Status::INSUFFICIENT_RESOURCES
            | Status::TOO_MANY_OPENED_FILES
            | Status::IO_TIMEOUT
            | Status::CONNECTION_DISCONNECTED
            | Status::CONNECTION_ABORTED
            | Status::INVALID_NETWORK_RESPONSE
            | Status::CANCELLED
    )
}
