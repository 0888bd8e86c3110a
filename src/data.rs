//! The bytes of files: IRP_MJ_READ, IRP_MJ_WRITE, IRP_MJ_FLUSH_BUFFERS.

use executive::task::CancelToken;
use minirdr::{Requestor, WritePosition};
use nt::{FileInformationClass, Status};
use wdk_sys::{IRP_PAGING_IO, LARGE_INTEGER, NTSTATUS};

use crate::driver::Driver;
use crate::file_object::FileObject;
use crate::irp::{Irp, PendingIrp, pend};
use crate::lock::requestor;
use crate::platform::OpenFile;

/// `FILE_WRITE_TO_END_OF_FILE` with a high part of -1.
const WRITE_TO_END_OF_FILE: i64 = -1;
/// `FILE_USE_FILE_POINTER_POSITION` with a high part of -1.
const USE_FILE_POINTER_POSITION: i64 = -2;

/// IRP_MJ_READ.
pub(crate) fn read(driver: &Driver, irp: Irp) -> NTSTATUS {
    // SAFETY: this is a READ request, so its parameters are the Read member.
    let read = unsafe { irp.stack().Parameters.Read };
    let (file, file_object) = match opened(&irp) {
        Ok(opened) => opened,
        Err(status) => return irp.answer(Err(status)),
    };
    let offset = match start(file_object, quad(read.ByteOffset)) {
        Ok(WritePosition::At(offset)) => offset,
        Ok(WritePosition::EndOfFile) => return irp.answer(Err(Status::INVALID_PARAMETER)),
        Err(status) => return irp.answer(Err(status)),
    };
    let (length, who) = (read.Length as usize, requestor(&irp, read.Key));
    if length == 0 {
        return irp.complete(Status::SUCCESS, 0);
    }
    pend(driver.runtime(), irp, move |mut pending, cancel| async move {
        let result = match pending.irp().direct_buffer(length) {
            Ok(buffer) => file.read_for(who, offset, buffer, &cancel).await,
            Err(status) => Err(status),
        };
        if let Ok(count) = result {
            advance(&mut pending, offset, count);
        }
        pending.complete(result.map(|count| (Status::SUCCESS, count)));
    })
}

/// IRP_MJ_WRITE.
pub(crate) fn write(driver: &Driver, irp: Irp) -> NTSTATUS {
    // SAFETY: this is a WRITE request, so its parameters are the Write member.
    let write = unsafe { irp.stack().Parameters.Write };
    let (file, file_object) = match opened(&irp) {
        Ok(opened) => opened,
        Err(status) => return irp.answer(Err(status)),
    };
    let position = match start(file_object, quad(write.ByteOffset)) {
        Ok(position) => position,
        Err(status) => return irp.answer(Err(status)),
    };
    let (length, who) = (write.Length as usize, requestor(&irp, write.Key));
    if length == 0 {
        return irp.complete(Status::SUCCESS, 0);
    }
    pend(driver.runtime(), irp, move |mut pending, cancel| async move {
        let result = write_to(&file, &mut pending, who, position, length, &cancel).await;
        pending.complete(result.map(|count| (Status::SUCCESS, count)));
    })
}

async fn write_to(
    file: &OpenFile,
    pending: &mut PendingIrp,
    who: Requestor,
    position: WritePosition,
    length: usize,
    cancel: &CancelToken,
) -> nt::Result<usize> {
    if who.paging {
        // The memory manager writes whole pages, and never extends a file: what lies behind its end is done with.
        let WritePosition::At(offset) = position else {
            return Err(Status::INVALID_PARAMETER);
        };
        let rest = end_of_file(file, cancel).await?.saturating_sub(offset);
        let within = usize::try_from(rest).unwrap_or(usize::MAX).min(length);
        let buffer = pending
            .irp()
            .direct_buffer(length)?
            .get(..within)
            .unwrap_or_default();
        if within == 0 {
            return Ok(length);
        }
        let count = file.write_for(who, position, buffer, cancel).await?.count;
        return Ok(if count == within { length } else { count });
    }
    let written = file
        .write_for(who, position, pending.irp().direct_buffer(length)?, cancel)
        .await?;
    advance(pending, written.offset, written.count);
    Ok(written.count)
}

/// The file's size as the server sees it, by FileStandardInformation.
async fn end_of_file(file: &OpenFile, cancel: &CancelToken) -> nt::Result<u64> {
    let mut record = [0; 24];
    let _ = file
        .query_information(FileInformationClass::STANDARD, 0, &mut record, cancel)
        .await?;
    let size = record.get(8..).and_then(|rest| rest.first_chunk::<8>());
    Ok(u64::from_le_bytes(*size.ok_or(Status::INFO_LENGTH_MISMATCH)?))
}

/// IRP_MJ_FLUSH_BUFFERS.
pub(crate) fn flush(driver: &Driver, irp: Irp) -> NTSTATUS {
    let file = match opened(&irp) {
        Ok((file, _)) => file,
        Err(status) => return irp.answer(Err(status)),
    };
    pend(driver.runtime(), irp, |pending, cancel| async move {
        let result = file.flush(&cancel).await;
        pending.complete(result.map(|()| (Status::SUCCESS, 0)));
    })
}

fn opened(irp: &Irp) -> nt::Result<(executive::mem::Arc<OpenFile>, FileObject<'_>)> {
    let file_object = irp.file_object().ok_or(Status::INVALID_DEVICE_REQUEST)?;
    Ok((file_object.file()?, file_object))
}

fn quad(offset: LARGE_INTEGER) -> i64 {
    // SAFETY: every bit pattern is a number, in each of the union's views.
    unsafe { offset.QuadPart }
}

fn is_paging(irp: &Irp) -> bool {
    irp.flags() & IRP_PAGING_IO != 0
}

/// Where a transfer starts: the request's offset, with the two special values that NtReadFile and NtWriteFile document.
///
/// # Errors
/// `INVALID_PARAMETER` for any other negative offset.
fn start(file_object: FileObject<'_>, offset: i64) -> nt::Result<WritePosition> {
    let offset = match offset {
        WRITE_TO_END_OF_FILE => return Ok(WritePosition::EndOfFile),
        USE_FILE_POINTER_POSITION => file_object.position(),
        offset => offset,
    };
    u64::try_from(offset)
        .map(WritePosition::At)
        .map_err(|_| Status::INVALID_PARAMETER)
}

/// After a transfer on a synchronous file object, the current byte offset is behind its last byte. Paging I/O belongs to
/// the file, not to the file object that happens to carry it.
fn advance(pending: &mut PendingIrp, offset: u64, count: usize) {
    if is_paging(pending.irp()) {
        return;
    }
    if let Some(file_object) = pending.file_object()
        && file_object.is_synchronous()
    {
        let end = offset.saturating_add(count as u64);
        file_object.set_position(i64::try_from(end).unwrap_or(i64::MAX));
    }
}
