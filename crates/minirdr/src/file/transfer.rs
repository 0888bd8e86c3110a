//! IRP_MJ_READ, IRP_MJ_WRITE and IRP_MJ_FLUSH_BUFFERS of an open file: what is checked before the bytes move.

use core::sync::atomic::Ordering;

use executive::task::CancelToken;
use nt::{AccessMask, CreateOptions, Status};
use rdbss::MajorFunction;

use crate::create::access::appends_only;
use crate::file::OpenFile;
use crate::file::data;
use crate::lock::Requestor;
use crate::objects::Platform;
use crate::server::client::{after_change, retried};

/// Transfers that bypass all caches begin and end at multiples of this: the sector size that every file here reports.
pub(crate) const SECTOR_SIZE: u64 = 512;

/// The first offset at which a file cannot have a byte.
const OFFSET_LIMIT: u64 = i64::MAX.cast_unsigned();

/// Where a write goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WritePosition {
    /// To this offset in bytes.
    At(u64),
    /// To the end of the file (FILE_WRITE_TO_END_OF_FILE, or a handle with no right but to append).
    EndOfFile,
}

/// What a write did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Written {
    /// Where it began; of a handle that only appends, where the file ended when the server was asked for that.
    pub offset: u64,
    /// The number of bytes written.
    pub count: usize,
}

impl<P: Platform> OpenFile<P> {
    /// [`Self::read_for`] nobody in particular.
    ///
    /// # Errors
    /// As [`Self::read_for`].
    pub fn read(
        &self,
        offset: u64,
        buffer: &mut [u8],
        cancel: &CancelToken,
    ) -> impl Future<Output = nt::Result<usize>> {
        self.read_for(Requestor::default(), offset, buffer, cancel)
    }

    /// Reads at `offset` (bytes); the result is the number of bytes read. Reading nothing succeeds anywhere.
    ///
    /// # Errors
    /// `END_OF_FILE`: nothing is there. `ACCESS_DENIED`: not opened to read. `INVALID_DEVICE_REQUEST`: a directory.
    /// `INVALID_PARAMETER`: beyond the last offset there is, or not in whole sectors on a handle without buffering.
    /// `FILE_LOCK_CONFLICT`: somebody has locked it. `FILE_INVALID`: a lock of the handle got lost with its connection.
    /// `UNEXPECTED_NETWORK_ERROR`: the connection was taken away. `IO_TIMEOUT`, `CONNECTION_DISCONNECTED`,
    /// `CANCELLED`, the server's error, `INSUFFICIENT_RESOURCES`.
    pub async fn read_for(
        &self,
        who: Requestor,
        offset: u64,
        buffer: &mut [u8],
        cancel: &CancelToken,
    ) -> nt::Result<usize> {
        self.check_data(AccessMask::READ_DATA | AccessMask::EXECUTE)?;
        self.check_sectors(who, Some(offset), buffer.len())?;
        let room = usize::try_from(room_behind(offset)?).unwrap_or(usize::MAX);
        let within = buffer.len().min(room);
        let buffer = buffer.get_mut(..within).unwrap_or_default();
        let running = self.begin(MajorFunction::READ, cancel)?;
        let read = running
            .run(async { retried!(self.read_at(&who, offset, buffer)) })
            .await?;
        let totals = &self.redirector.0.totals;
        totals.bytes_read.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }

    async fn read_at(&self, who: &Requestor, offset: u64, buffer: &mut [u8]) -> nt::Result<usize> {
        self.check_locks(who, offset, buffer.len(), false).await?;
        let open = self.fid().await?;
        data::read(open.client(), open.fid(), offset, buffer).await
    }

    /// [`Self::write_for`] nobody in particular; the result is the number of bytes written.
    ///
    /// # Errors
    /// As [`Self::write_for`].
    pub async fn write(
        &self,
        position: WritePosition,
        data: &[u8],
        cancel: &CancelToken,
    ) -> nt::Result<usize> {
        let written = self.write_for(Requestor::default(), position, data, cancel);
        Ok(written.await?.count)
    }

    /// Writes `data`, on a handle opened with FILE_WRITE_THROUGH down to the server's stable storage. Writing nothing
    /// succeeds anywhere and changes nothing.
    ///
    /// # Errors
    /// As [`Self::read_for`], `DISK_FULL`.
    pub async fn write_for(
        &self,
        who: Requestor,
        position: WritePosition,
        data: &[u8],
        cancel: &CancelToken,
    ) -> nt::Result<Written> {
        self.check_data(AccessMask::WRITE_DATA | AccessMask::APPEND_DATA)?;
        let position = match position {
            WritePosition::At(offset) if !appends_only(self.granted_access) => Some(offset),
            WritePosition::At(_) | WritePosition::EndOfFile => None,
        };
        self.check_sectors(who, position, data.len())?;
        if let Some(offset) = position {
            check_end(offset, data.len())?;
        }
        let running = self.begin(MajorFunction::WRITE, cancel)?;
        let written = running
            .run(async {
                let _turn = match position {
                    Some(_) => None,
                    None => Some(self.shared.appending.acquire().await),
                };
                retried!(self.write_at(&who, position, data))
            })
            .await?;
        let totals = &self.redirector.0.totals;
        totals
            .bytes_written
            .fetch_add(written.count as u64, Ordering::Relaxed);
        Ok(written)
    }

    /// Writes at `position`, or at the end. Failed with `CONNECTION_DISCONNECTED`, it has written nothing.
    async fn write_at(&self, who: &Requestor, position: Option<u64>, data: &[u8]) -> nt::Result<Written> {
        let offset = match position {
            Some(offset) => offset,
            None => {
                let end = self.getattr().await?.size;
                check_end(end, data.len())?;
                end
            }
        };
        self.check_locks(who, offset, data.len(), true).await?;
        let open = self.fid().await?;
        let count = if appends_only(self.granted_access) {
            data::append(open.client(), open.fid(), offset, data).await?
        } else {
            data::write(open.client(), open.fid(), offset, data).await?
        };
        if count > 0 {
            self.report_written();
            if self.options().contains(CreateOptions::WRITE_THROUGH) {
                let flushed = data::flush(open.client(), open.fid()).await;
                flushed.map_err(after_change)?;
            }
        }
        Ok(Written { offset, count })
    }

    /// Puts the file's data, or a directory's entries, on the server's stable storage. Nothing was written through a
    /// handle without the right to, so nothing is to be done for one.
    ///
    /// # Errors
    /// As [`Self::read_for`].
    pub async fn flush(&self, cancel: &CancelToken) -> nt::Result {
        let running = self.begin(MajorFunction::FLUSH_BUFFERS, cancel)?;
        let writes = AccessMask::WRITE_DATA | AccessMask::APPEND_DATA;
        if !self.is_directory && !self.granted_access.intersects(writes) {
            return Ok(());
        }
        running
            .run(async {
                retried!(async {
                    let open = self.fid().await?;
                    let flushed = data::flush(open.client(), open.fid()).await;
                    // Not every server can do it for a directory, nor for one that is not open to be listed.
                    if self.is_directory && open.client().is_usable() {
                        return Ok(());
                    }
                    flushed
                })
            })
            .await
    }

    fn check_data(&self, rights: AccessMask) -> nt::Result {
        if self.is_directory {
            return Err(Status::INVALID_DEVICE_REQUEST);
        }
        if !self.granted_access.intersects(rights) {
            return Err(Status::ACCESS_DENIED);
        }
        Ok(())
    }

    /// FILE_NO_INTERMEDIATE_BUFFERING demands whole sectors (`NtReadFile`, `NtWriteFile`).
    fn check_sectors(&self, who: Requestor, offset: Option<u64>, length: usize) -> nt::Result {
        let unbuffered = self.options().contains(CreateOptions::NO_INTERMEDIATE_BUFFERING) && !who.paging;
        let whole = |bytes: u64| bytes.is_multiple_of(SECTOR_SIZE);
        let aligned = offset.is_none_or(whole) && u64::try_from(length).is_ok_and(whole);
        if unbuffered && !aligned {
            return Err(Status::INVALID_PARAMETER);
        }
        Ok(())
    }
}

/// How many bytes there can be from `offset` on.
fn room_behind(offset: u64) -> nt::Result<u64> {
    OFFSET_LIMIT.checked_sub(offset).ok_or(Status::INVALID_PARAMETER)
}

/// Whether a write of `length` bytes at `offset` ends where files can.
fn check_end(offset: u64, length: usize) -> nt::Result {
    let length = u64::try_from(length).unwrap_or(u64::MAX);
    if length > room_behind(offset)? {
        return Err(Status::INVALID_PARAMETER);
    }
    Ok(())
}
