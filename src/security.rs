//! IRP_MJ_QUERY_SECURITY and IRP_MJ_SET_SECURITY.

use alloc::vec::Vec;

use executive::mem::{TryVec, TryZeroed};
use minirdr::Caller;
use nt::{SecurityInformation, Status};
use wdk_sys::ntddk::RtlLengthSecurityDescriptor;
use wdk_sys::{NTSTATUS, PSECURITY_DESCRIPTOR};

use crate::driver::Driver;
use crate::irp::{Irp, PendingIrp, pend};
use crate::logon;

/// More than any descriptor that the mini-redirector writes.
const DESCRIPTOR_MAX: usize = 4096;
/// Longest descriptor taken: more than NT allows.
const TAKEN_MAX: usize = 0x2_0000;
/// SE_SELF_RELATIVE.
const SELF_RELATIVE: u16 = 0x8000;

/// IRP_MJ_QUERY_SECURITY. A descriptor that does not fit is a warning with its length as information, which the I/O
/// manager makes `BUFFER_TOO_SMALL` of.
pub(crate) fn query(driver: &Driver, irp: Irp) -> NTSTATUS {
    // SAFETY: this is a QUERY_SECURITY request, so its parameters are the QuerySecurity member.
    let query = unsafe { irp.stack().Parameters.QuerySecurity };
    let length = (query.Length as usize).min(DESCRIPTOR_MAX);
    let parts = SecurityInformation::from_bits_retain(query.SecurityInformation);
    let (file, caller) = match irp.file().and_then(|file| Ok((file, caller(driver)?))) {
        Ok(decoded) => decoded,
        Err(status) => return irp.answer(Err(status)),
    };
    pend(driver.runtime(), irp, move |mut pending, cancel| async move {
        let result = async {
            let mut descriptor = Vec::try_zeroed(length)?;
            let (length, status) = file
                .query_security(parts, &caller, &mut descriptor, &cancel)
                .await?;
            if status == Status::SUCCESS {
                let descriptor = descriptor.get(..length).unwrap_or_default();
                pending.irp().give_to_caller(descriptor)?;
            }
            Ok((status, length))
        };
        let result = result.await;
        pending.complete(result);
    })
}

/// IRP_MJ_SET_SECURITY.
pub(crate) fn set(driver: &Driver, irp: Irp) -> NTSTATUS {
    // SAFETY: this is a SET_SECURITY request, so its parameters are the SetSecurity member.
    let set = unsafe { irp.stack().Parameters.SetSecurity };
    let parts = SecurityInformation::from_bits_retain(set.SecurityInformation);
    // SAFETY: the I/O manager's own copy of the descriptor, which lives until the request is completed.
    let descriptor = unsafe { copied(set.SecurityDescriptor) };
    let decoded = irp
        .file()
        .and_then(|file| Ok((file, caller(driver)?, descriptor?)));
    let (file, caller, descriptor) = match decoded {
        Ok(decoded) => decoded,
        Err(status) => return irp.answer(Err(status)),
    };
    pend(
        driver.runtime(),
        irp,
        move |pending: PendingIrp, cancel| async move {
            let result = file.set_security(parts, &descriptor, &caller, &cancel).await;
            pending.complete(result.map(|()| (Status::SUCCESS, 0)));
        },
    )
}

/// Who makes the request, in whose thread this is called.
fn caller(driver: &Driver) -> nt::Result<Caller> {
    Ok(Caller {
        logon: logon::of_caller(driver.parameters().global_mappings)?,
        user: logon::user_of_caller(),
    })
}

/// The bytes of a self-relative security descriptor.
///
/// # Errors
/// `INVALID_SECURITY_DESCR` for none, for one in absolute form, which the I/O manager does not pass on, and for one of
/// unreasonable length; `INSUFFICIENT_RESOURCES`.
///
/// # Safety
/// `descriptor` is null or a valid security descriptor that nobody changes meanwhile.
unsafe fn copied(descriptor: PSECURITY_DESCRIPTOR) -> nt::Result<Vec<u8>> {
    if descriptor.is_null() {
        return Err(Status::INVALID_SECURITY_DESCR);
    }
    // SAFETY: a descriptor of either form begins with revision and control, four bytes.
    let head = unsafe { descriptor.cast::<[u8; 4]>().read() };
    let [_, _, low, high] = head;
    if u16::from_le_bytes([low, high]) & SELF_RELATIVE == 0 {
        return Err(Status::INVALID_SECURITY_DESCR);
    }
    // SAFETY: a valid descriptor, by the caller's word.
    let length = unsafe { RtlLengthSecurityDescriptor(descriptor) } as usize;
    if length > TAKEN_MAX {
        return Err(Status::INVALID_SECURITY_DESCR);
    }
    // SAFETY: a self-relative descriptor is as long as the routine says, in one piece.
    let bytes = unsafe { core::slice::from_raw_parts(descriptor.cast::<u8>(), length) };
    let mut copy = Vec::new();
    copy.try_extend_from_slice(bytes)?;
    Ok(copy)
}
