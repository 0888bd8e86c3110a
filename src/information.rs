//! What is known of a file and of its volume: IRP_MJ_QUERY_INFORMATION, IRP_MJ_SET_INFORMATION,
//! IRP_MJ_QUERY_VOLUME_INFORMATION. All three use the system buffer.

use nt::{FileInformationClass, FsInformationClass, Status};
use wdk_sys::NTSTATUS;

use crate::driver::Driver;
use crate::file_object::FileObject;
use crate::irp::{Irp, Outcome, pend};
use crate::platform::OpenFile;
use crate::sections::USER_MAPPED_FILE;

/// IRP_MJ_QUERY_INFORMATION.
pub(crate) fn query(driver: &Driver, mut irp: Irp) -> NTSTATUS {
    // SAFETY: this is a QUERY_INFORMATION request, so its parameters are the QueryFile member.
    let query = unsafe { irp.stack().Parameters.QueryFile };
    let (length, class) = (
        query.Length as usize,
        FileInformationClass(number(query.FileInformationClass)),
    );
    let file = match irp.file() {
        Ok(file) => file,
        Err(status) => return irp.answer(Err(status)),
    };
    let position = irp.file_object().map_or(0, |file_object| file_object.position());
    let position = u64::try_from(position).unwrap_or(0);
    if class == FileInformationClass::POSITION {
        let result = irp
            .system_buffer(length)
            .and_then(|buffer| put(buffer, &position.to_le_bytes()));
        return match result {
            Ok(written) => irp.complete(Status::SUCCESS, written),
            Err(status) => irp.answer(Err(status)),
        };
    }
    pend(driver.runtime(), irp, move |mut pending, cancel| async move {
        let result = match pending.irp().system_buffer(length) {
            Ok(buffer) => file.query_information(class, position, buffer, &cancel).await,
            Err(status) => Err(status),
        };
        pending.complete(result.map(outcome));
    })
}

/// IRP_MJ_SET_INFORMATION.
pub(crate) fn set(driver: &Driver, mut irp: Irp) -> NTSTATUS {
    // SAFETY: this is a SET_INFORMATION request, so its parameters are the SetFile member.
    let set = unsafe { irp.stack().Parameters.SetFile };
    let (length, class) = (
        set.Length as usize,
        FileInformationClass(number(set.FileInformationClass)),
    );
    let file = match irp.file() {
        Ok(file) => file,
        Err(status) => return irp.answer(Err(status)),
    };
    if class == FileInformationClass::POSITION {
        let result = irp.system_buffer(length).and_then(|buffer| get(buffer));
        if let (Ok(offset), Some(file_object)) = (result, irp.file_object()) {
            file_object.set_position(offset);
        }
        return irp.answer(result.map(|_| ()));
    }
    let allowed = irp
        .system_buffer(length)
        .and_then(|data| check_views(&file, class, data));
    if let Err(status) = allowed {
        return irp.answer(Err(status));
    }
    // SAFETY: the directory that the I/O manager opened for the target of a rename or link, referenced until the request
    // completes, and on the same device; otherwise null. Whose it is, is looked at before it is used.
    let directory = match unsafe { FileObject::new(set.FileObject) } {
        None => None,
        Some(directory) => match directory.file() {
            Ok(directory) => Some(directory),
            // Another provider's, below MUP.
            Err(_) => return irp.answer(Err(Status::NOT_SAME_DEVICE)),
        },
    };
    pend(driver.runtime(), irp, move |mut pending, cancel| async move {
        let result = match pending.irp().system_buffer(length) {
            Ok(data) => {
                file.set_information(class, data, directory.as_deref(), &cancel)
                    .await
            }
            Err(status) => Err(status),
        };
        pending.complete(result.map(|()| (Status::SUCCESS, 0)));
    })
}

/// Whether the views of a file, mapped into memory, allow a change.
///
/// # Errors
/// `USER_MAPPED_FILE`: views show what is to be cut off. `CANNOT_DELETE`: the file runs as a program.
fn check_views(file: &OpenFile, class: FileInformationClass, data: &[u8]) -> nt::Result {
    let sections = file.fcb_header().sections();
    match class {
        FileInformationClass::END_OF_FILE | FileInformationClass::ALLOCATION => match get(data) {
            Ok(size) if !sections.may_end_at(size) => Err(USER_MAPPED_FILE),
            // What is wrong with the record is said by whoever reads it.
            _ => Ok(()),
        },
        FileInformationClass::DISPOSITION | FileInformationClass::DISPOSITION_EX => {
            let deletes = data.first().is_some_and(|flags| flags & 1 != 0);
            if deletes && !sections.may_be_deleted() {
                return Err(Status::CANNOT_DELETE);
            }
            Ok(())
        }
        _ => Ok(()),
    }
}

/// IRP_MJ_QUERY_VOLUME_INFORMATION.
pub(crate) fn query_volume(driver: &Driver, irp: Irp) -> NTSTATUS {
    // SAFETY: this is a QUERY_VOLUME_INFORMATION request, so its parameters are the QueryVolume member.
    let query = unsafe { irp.stack().Parameters.QueryVolume };
    let (length, class) = (
        query.Length as usize,
        FsInformationClass(number(query.FsInformationClass)),
    );
    let file = match irp.file() {
        Ok(file) => file,
        Err(status) => return irp.answer(Err(status)),
    };
    pend(driver.runtime(), irp, move |mut pending, cancel| async move {
        let result = match pending.irp().system_buffer(length) {
            Ok(buffer) => file.query_volume(class, buffer, &cancel).await,
            Err(status) => Err(status),
        };
        pending.complete(result.map(outcome));
    })
}

/// IRP_MJ_SET_VOLUME_INFORMATION.
pub(crate) fn set_volume(_: &Driver, mut irp: Irp) -> NTSTATUS {
    // SAFETY: this is a SET_VOLUME_INFORMATION request, so its parameters are the SetVolume member.
    let set = unsafe { irp.stack().Parameters.SetVolume };
    let class = FsInformationClass(number(set.FsInformationClass));
    let result = irp.file().and_then(|file| {
        let record = irp.system_buffer(set.Length as usize)?;
        file.set_volume(class, record)
    });
    irp.answer(result)
}

fn outcome((written, status): (usize, Status)) -> Outcome {
    (status, written)
}

/// A C enumeration's value, whichever integer the bindings give it.
pub(crate) fn number(class: impl TryInto<u32>) -> u32 {
    class.try_into().unwrap_or(u32::MAX)
}

fn put(buffer: &mut [u8], record: &[u8]) -> nt::Result<usize> {
    let target = buffer
        .get_mut(..record.len())
        .ok_or(Status::INFO_LENGTH_MISMATCH)?;
    target.copy_from_slice(record);
    Ok(record.len())
}

/// FILE_POSITION_INFORMATION.
///
/// # Errors
/// `INFO_LENGTH_MISMATCH`, `INVALID_PARAMETER` for a negative offset.
fn get(buffer: &[u8]) -> nt::Result<i64> {
    let record = buffer.first_chunk::<8>().ok_or(Status::INFO_LENGTH_MISMATCH)?;
    let offset = i64::from_le_bytes(*record);
    if offset < 0 {
        Err(Status::INVALID_PARAMETER)
    } else {
        Ok(offset)
    }
}
