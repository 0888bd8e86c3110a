//! IRP_MJ_QUERY_EA and IRP_MJ_SET_EA. Both describe their buffer by an MDL.

use alloc::vec::Vec;

use executive::mem::TryVec;
use minirdr::EaQuery;
use nt::Status;
use wdk_sys::{NTSTATUS, SL_INDEX_SPECIFIED, SL_RESTART_SCAN, SL_RETURN_SINGLE_ENTRY};

use crate::driver::Driver;
use crate::irp::{Irp, Use, pend};

/// Longest list taken, in bytes: more than one of attributes that fit any file.
const LIST_MAX: usize = 1 << 20;

/// IRP_MJ_QUERY_EA.
pub(crate) fn query(driver: &Driver, mut irp: Irp) -> NTSTATUS {
    // SAFETY: this is a QUERY_EA request, so its parameters are the QueryEa member.
    let query = unsafe { irp.stack().Parameters.QueryEa };
    let flags = u32::from(irp.stack().Flags);
    let length = query.Length as usize;
    // SAFETY: null, or the I/O manager's own copy of the caller's list, which lives as long as the request.
    let names = unsafe { copied(query.EaList.cast(), query.EaListLength as usize) };
    let (file, names) = match irp.file().and_then(|file| Ok((file, names?))) {
        Ok(decoded) => decoded,
        Err(status) => return irp.answer(Err(status)),
    };
    if let Err(status) = irp.lock_buffer(length, Use::Output) {
        return irp.answer(Err(status));
    }
    pend(driver.runtime(), irp, move |mut pending, cancel| async move {
        let query = EaQuery {
            names: names.as_deref(),
            index: (flags & SL_INDEX_SPECIFIED != 0).then_some(query.EaIndex),
            restart: flags & SL_RESTART_SCAN != 0,
            single: flags & SL_RETURN_SINGLE_ENTRY != 0,
        };
        let result = match pending.irp().direct_buffer(length) {
            Ok(buffer) => file.query_ea(&query, buffer, &cancel).await,
            Err(status) => Err(status),
        };
        pending.complete(result.map(|(information, status)| (status, information)));
    })
}

/// IRP_MJ_SET_EA.
pub(crate) fn set(driver: &Driver, mut irp: Irp) -> NTSTATUS {
    // SAFETY: this is a SET_EA request, so its parameters are the SetEa member.
    let length = unsafe { irp.stack().Parameters.SetEa }.Length as usize;
    if length > LIST_MAX {
        return irp.answer(Err(Status::EA_TOO_LARGE));
    }
    // The pages are the caller's, who may write to them meanwhile: what is judged is a copy.
    let mut list = Vec::new();
    let copied = irp
        .lock_buffer(length, Use::Input)
        .and_then(|()| irp.direct_buffer(length))
        .and_then(|buffer| Ok(list.try_extend_from_slice(buffer)?));
    let file = match copied.and_then(|()| irp.file()) {
        Ok(file) => file,
        Err(status) => return irp.answer(Err(status)),
    };
    pend(driver.runtime(), irp, move |pending, cancel| async move {
        let result = file.set_ea(&list, &cancel).await;
        pending.complete(result.map(|(information, status)| (status, information)));
    })
}

/// A copy of a caller's list; `None` where there is none.
///
/// # Errors
/// `EA_LIST_INCONSISTENT` for one of unreasonable length; `INSUFFICIENT_RESOURCES`.
///
/// # Safety
/// `list` is null or leads to `length` bytes that nobody changes meanwhile.
unsafe fn copied(list: *const u8, length: usize) -> nt::Result<Option<Vec<u8>>> {
    if list.is_null() || length == 0 {
        return Ok(None);
    }
    if length > LIST_MAX {
        return Err(Status::EA_LIST_INCONSISTENT);
    }
    // SAFETY: the caller's word.
    let bytes = unsafe { core::slice::from_raw_parts(list, length) };
    let mut copy = Vec::new();
    copy.try_extend_from_slice(bytes)?;
    Ok(Some(copy))
}
