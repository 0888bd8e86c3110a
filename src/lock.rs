//! IRP_MJ_LOCK_CONTROL: byte-range locks.
//!
//! The rules are the mini-redirector's ([`minirdr::OpenFile::lock`]); the FsRtl package's FILE_LOCK is not used, as it is
//! memory that its user has to keep right, and completes IRPs by itself.

use minirdr::{LockRequest, Requestor, Unlock};
use nt::Status;
use wdk_sys::{
    IRP_MN_LOCK, IRP_MN_UNLOCK_ALL, IRP_MN_UNLOCK_ALL_BY_KEY, IRP_MN_UNLOCK_SINGLE, IRP_PAGING_IO,
    LARGE_INTEGER, NTSTATUS, SL_EXCLUSIVE_LOCK, SL_FAIL_IMMEDIATELY,
};

use crate::driver::Driver;
use crate::irp::{Irp, pend};

/// IRP_MJ_LOCK_CONTROL.
pub(crate) fn control(driver: &Driver, irp: Irp) -> NTSTATUS {
    let (file, action) = match irp.file().and_then(|file| Ok((file, Action::decode(&irp)?))) {
        Ok(decoded) => decoded,
        Err(status) => return irp.answer(Err(status)),
    };
    // SAFETY: this is a LOCK_CONTROL request, so its parameters are the LockControl member.
    let parameters = unsafe { irp.stack().Parameters.LockControl };
    let who = requestor(&irp, parameters.Key);
    pend(driver.runtime(), irp, move |pending, cancel| async move {
        let result = match action {
            Action::Lock(request) => file.lock(&request, &who, &cancel).await,
            Action::Unlock(what) => file.unlock(what, &who, &cancel).await,
        };
        pending.complete(result.map(|()| (Status::SUCCESS, 0)));
    })
}

/// On whose behalf a request was made: the process of the thread that made it, and its key.
pub(crate) fn requestor(irp: &Irp, key: u32) -> Requestor {
    Requestor {
        process: irp.requestor_process(),
        key,
        paging: irp.flags() & IRP_PAGING_IO != 0,
    }
}

/// What a request asks for.
enum Action {
    Lock(LockRequest),
    Unlock(Unlock),
}

impl Action {
    /// # Errors
    /// `INVALID_PARAMETER` without a length where one is needed; `INVALID_DEVICE_REQUEST` for an unknown minor function.
    fn decode(irp: &Irp) -> nt::Result<Self> {
        let stack = irp.stack();
        // SAFETY: this is a LOCK_CONTROL request, so its parameters are the LockControl member.
        let parameters = unsafe { stack.Parameters.LockControl };
        let start = unsigned(parameters.ByteOffset);
        let length = || {
            // SAFETY: for the two minor functions that have one: null, or the I/O manager's copy of the length, which
            // lives as long as the request.
            let length = unsafe { parameters.Length.as_ref() }.copied();
            length.map(unsigned).ok_or(Status::INVALID_PARAMETER)
        };
        let flags = u32::from(stack.Flags);
        match u32::from(stack.MinorFunction) {
            IRP_MN_LOCK => Ok(Self::Lock(LockRequest {
                start,
                length: length()?,
                exclusive: flags & SL_EXCLUSIVE_LOCK != 0,
                fail_immediately: flags & SL_FAIL_IMMEDIATELY != 0,
            })),
            IRP_MN_UNLOCK_SINGLE => Ok(Self::Unlock(Unlock::Single {
                start,
                length: length()?,
            })),
            IRP_MN_UNLOCK_ALL => Ok(Self::Unlock(Unlock::All)),
            IRP_MN_UNLOCK_ALL_BY_KEY => Ok(Self::Unlock(Unlock::AllByKey)),
            _ => Err(Status::INVALID_DEVICE_REQUEST),
        }
    }
}

/// Offsets and lengths of locks have no sign: they go up to 2^64 - 1.
fn unsigned(number: LARGE_INTEGER) -> u64 {
    // SAFETY: every bit pattern is a number, in each of the union's views.
    unsafe { number.QuadPart }.cast_unsigned()
}
