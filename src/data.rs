//! The bytes of files: IRP_MJ_READ, IRP_MJ_WRITE, IRP_MJ_FLUSH_BUFFERS.

use executive::task::CancelToken;
use minirdr::{Requestor, WritePosition};
use nt::Status;
use wdk_sys::{IRP_MN_NORMAL, IRP_PAGING_IO, LARGE_INTEGER, NTSTATUS};

use crate::driver::Driver;
use crate::file_object::FileObject;
use crate::irp::{Irp, PendingIrp, Use, pend};
use crate::lock::requestor;
use crate::platform::OpenFile;

/// `FILE_WRITE_TO_END_OF_FILE` with a high part of -1.
const WRITE_TO_END_OF_FILE: i64 = -1;
/// `FILE_USE_FILE_POINTER_POSITION` with a high part of -1.
const USE_FILE_POINTER_POSITION: i64 = -2;

/// IRP_MJ_READ.
pub(crate) fn read(driver: &Driver, mut irp: Irp) -> NTSTATUS {
    // SAFETY: this is a READ request, so its parameters are the Read member.
    let read = unsafe { irp.stack().Parameters.Read };
    let (file, file_object) = match transferred(&irp) {
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
    if let Err(status) = irp.lock_buffer(length, Use::Output) {
        return irp.answer(Err(status));
    }
    if !who.paging {
        // What a view has changed is read as changed.
        let range = range(offset, read.Length);
        if let Err(status) = file.fcb_header().sections().flush_range(Some(range)) {
            return irp.answer(Err(status));
        }
    }
    pend(driver.runtime(), irp, move |mut pending, cancel| async move {
        let result = match pending.irp().direct_buffer(length) {
            Ok(buffer) if who.paging => file.read_paging(offset, buffer, &cancel).await,
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
pub(crate) fn write(driver: &Driver, mut irp: Irp) -> NTSTATUS {
    // SAFETY: this is a WRITE request, so its parameters are the Write member.
    let write = unsafe { irp.stack().Parameters.Write };
    let (file, file_object) = match transferred(&irp) {
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
    if let Err(status) = irp.lock_buffer(length, Use::Input) {
        return irp.answer(Err(status));
    }
    if !who.paging {
        // What a view has changed came before, and what it shows is old now. Where the file ends, only the server
        // knows; a page there that is written later would take what is appended now for the zeros that it shows.
        let range = match position {
            WritePosition::At(offset) => Some(range(offset, write.Length)),
            WritePosition::EndOfFile => None,
        };
        let sections = file.fcb_header().sections();
        if let Err(status) = sections.flush_range(range) {
            return irp.answer(Err(status));
        }
        sections.purge_range(range);
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
        let WritePosition::At(offset) = position else {
            return Err(Status::INVALID_PARAMETER);
        };
        let pages = pending.irp().direct_buffer(length)?;
        return file.write_paging(offset, pages, cancel).await;
    }
    let written = file
        .write_for(who, position, pending.irp().direct_buffer(length)?, cancel)
        .await?;
    advance(pending, written.offset, written.count);
    Ok(written.count)
}

/// IRP_MJ_FLUSH_BUFFERS.
pub(crate) fn flush(driver: &Driver, irp: Irp) -> NTSTATUS {
    let file = match opened(&irp) {
        Ok((file, _)) => file,
        Err(status) => return irp.answer(Err(status)),
    };
    if let Err(status) = file.fcb_header().sections().flush() {
        return irp.answer(Err(status));
    }
    pend(driver.runtime(), irp, |pending, cancel| async move {
        let result = file.flush(&cancel).await;
        pending.complete(result.map(|()| (Status::SUCCESS, 0)));
    })
}

/// # Errors
/// `INVALID_DEVICE_REQUEST` for the minor functions of files that the cache manager caches, whose MDL is none of a
/// caller's buffer (IRP_MN_MDL, IRP_MN_COMPLETE), and for IRP_MN_DPC, which comes at an IRQL at which nothing below can
/// be asked; as [`opened`].
fn transferred(irp: &Irp) -> nt::Result<(executive::mem::Arc<OpenFile>, FileObject<'_>)> {
    if u32::from(irp.stack().MinorFunction) != IRP_MN_NORMAL {
        return Err(Status::INVALID_DEVICE_REQUEST);
    }
    opened(irp)
}

fn opened(irp: &Irp) -> nt::Result<(executive::mem::Arc<OpenFile>, FileObject<'_>)> {
    let file_object = irp.file_object().ok_or(Status::INVALID_DEVICE_REQUEST)?;
    Ok((file_object.file()?, file_object))
}

fn quad(offset: LARGE_INTEGER) -> i64 {
    // SAFETY: every bit pattern is a number, in each of the union's views.
    unsafe { offset.QuadPart }
}

/// A transfer's range in the cache manager's terms.
fn range(offset: u64, length: u32) -> (i64, u32) {
    (i64::try_from(offset).unwrap_or(i64::MAX), length)
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
