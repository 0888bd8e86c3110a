//! Paging I/O: what the memory manager reads and writes for mapped views of a file.
//!
//! It belongs to the file, not to the handle that the memory manager happens to name: that one may be cleaned up, as views
//! outlive handles, and may have been opened for less than another handle was. Byte-range locks do not bind it, and it
//! never extends a file.

use core::sync::atomic::Ordering;

use executive::mem::Arc;
use executive::task::CancelToken;
use nt::{AccessMask, Status};
use rdbss::{MajorFunction, Owner, SrvOpenFlags};

use crate::file::OpenFile;
use crate::file::data;
use crate::objects::{Platform, ServerOpen, View};
use crate::request::Running;
use crate::server::client::{OwnedFid, retried};

impl<P: Platform> OpenFile<P> {
    /// Reads pages at `offset` (bytes); the result is the number of bytes read.
    ///
    /// # Errors
    /// `END_OF_FILE`: nothing is there. `ACCESS_DENIED`: no open of the file is for reading. `UNEXPECTED_NETWORK_ERROR`:
    /// the connection was taken away. Otherwise as [`OpenFile::read`].
    pub async fn read_paging(
        &self,
        offset: u64,
        buffer: &mut [u8],
        cancel: &CancelToken,
    ) -> nt::Result<usize> {
        let running = self.begin_paging(MajorFunction::READ, cancel)?;
        let read = running
            .run(async {
                retried!(async {
                    let rights = AccessMask::READ_DATA | AccessMask::EXECUTE;
                    let open = self.paging_fid(rights).await?;
                    data::read(open.client(), open.fid(), offset, buffer).await
                })
            })
            .await?;
        let totals = &self.redirector.0.totals;
        totals.bytes_read.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }

    /// Writes pages at `offset`. What lies behind the file's end is not written, and counts as done. The result is the
    /// number of bytes done with.
    ///
    /// # Errors
    /// `ACCESS_DENIED`: no open of the file is for writing. Otherwise as [`Self::read_paging`], and `DISK_FULL`.
    pub async fn write_paging(&self, offset: u64, pages: &[u8], cancel: &CancelToken) -> nt::Result<usize> {
        let running = self.begin_paging(MajorFunction::WRITE, cancel)?;
        running
            .run(async { retried!(self.write_pages(offset, pages)) })
            .await
    }

    /// Failed with `CONNECTION_DISCONNECTED`, it has written nothing.
    async fn write_pages(&self, offset: u64, pages: &[u8]) -> nt::Result<usize> {
        let open = self.paging_fid(AccessMask::WRITE_DATA).await?;
        let size = open.client().getattr(open.fid()).await?.size;
        let rest = usize::try_from(size.saturating_sub(offset)).unwrap_or(usize::MAX);
        let within = pages.get(..rest.min(pages.len())).unwrap_or_default();
        let count = data::write(open.client(), open.fid(), offset, within).await?;
        let totals = &self.redirector.0.totals;
        totals.bytes_written.fetch_add(count as u64, Ordering::Relaxed);
        Ok(pages.len())
    }

    /// A request upon the view: one upon the handle is refused once that is cleaned up.
    fn begin_paging(&self, major: MajorFunction, cancel: &CancelToken) -> nt::Result<Running<'_, P>> {
        if self.is_directory {
            return Err(Status::INVALID_DEVICE_REQUEST);
        }
        let view = {
            let tree = self.redirector.tree();
            tree.srv_open(tree.fobx(self.fobx)?.srv_open())?.v_net_root()
        };
        self.redirector.begin(Owner::VNetRoot(view), major, cancel)
    }

    /// The fid of this handle if that was opened for one of `rights`, else of any that was.
    async fn paging_fid(&self, rights: AccessMask) -> nt::Result<Arc<OwnedFid>> {
        if self.granted_access.intersects(rights) {
            return self.fid().await;
        }
        let (open, view) = self.other_open(rights)?;
        self.fid_of(&open, || Ok(view)).await
    }

    /// An open of the file for one of `rights`, and the view it was made through.
    fn other_open(&self, rights: AccessMask) -> nt::Result<(Arc<ServerOpen>, Arc<View>)> {
        let tree = self.redirector.tree();
        let fcb = tree.srv_open(tree.fobx(self.fobx)?.srv_open())?.fcb();
        tree.srv_opens_of_fcb(fcb)?
            .filter(|open| !open.flags().contains(SrvOpenFlags::ORPHANED))
            .filter(|open| open.desired_access().intersects(rights))
            .find_map(|open| {
                let view = tree.v_net_root(open.v_net_root()).ok()?.extension()?;
                Some((Arc::clone(open.extension()?), Arc::clone(view)))
            })
            .ok_or(Status::ACCESS_DENIED)
    }
}
