//! Locking a caller's buffer that comes as an address alone.
//!
//! The I/O manager describes the buffers of READ, WRITE and QUERY_DIRECTORY by an MDL, as the device asks (DO_DIRECT_IO). But
//! below MUP it looks at MUP's device, which asks for nothing: the same requests come with `Irp->UserBuffer`, which means
//! something in the caller's process only.

use core::mem::transmute;
use core::ptr;

use nt::Status;
use wdk_sys::ntddk::{IoAllocateMdl, IoFreeMdl, MmProbeAndLockPages};

use super::Irp;
use crate::guarded::{self, Raising};

/// What is done to the buffer: `LOCK_OPERATION`.
#[derive(Clone, Copy)]
pub(crate) enum Use {
    /// It is read: IoReadAccess.
    Input = 0,
    /// It is written: IoWriteAccess.
    Output = 1,
}

impl Irp {
    /// Sees to it that `len` bytes of the caller's buffer can be had by [`Irp::direct_buffer`] in a task. To be called in the
    /// caller's thread, by the dispatch routine, before the request is pending. IRQL <= APC_LEVEL.
    ///
    /// The MDL that is made is the request's: the I/O manager unlocks and frees it as its own, when the request is completed.
    ///
    /// # Errors
    /// `INVALID_USER_BUFFER` without a buffer; `INSUFFICIENT_RESOURCES`; what the memory manager says of it, such as
    /// STATUS_ACCESS_VIOLATION.
    pub(crate) fn lock_buffer(&mut self, len: usize, used: Use) -> nt::Result {
        let irp = self.raw.as_ptr();
        // SAFETY: by the invariant the IRP is live; the field is its driver's.
        if len == 0 || !unsafe { (*irp).MdlAddress }.is_null() {
            return Ok(());
        }
        let buffer = self.user_buffer();
        let bytes = u32::try_from(len).map_err(|_| Status::INVALID_USER_BUFFER)?;
        if buffer.is_null() {
            return Err(Status::INVALID_USER_BUFFER);
        }
        // SAFETY: the routine only makes a description; it becomes the IRP's, which has none.
        let mdl = unsafe { IoAllocateMdl(buffer, bytes, 0, 0, irp) };
        if mdl.is_null() {
            return Err(Status::INSUFFICIENT_RESOURCES);
        }
        // SAFETY: the routine's type but for the width of the last two arguments, which are in registers, and its result.
        let lock = unsafe { transmute::<*const (), Raising>(MmProbeAndLockPages as *const ()) };
        // SAFETY: by the invariant the IRP is live; its mode does not change while a driver owns it.
        let mode = unsafe { (*irp).RequestorMode };
        // SAFETY: the MDL is new, and describes what the caller says its buffer is: an exception says that it is not.
        let locked = unsafe { guarded::call(lock, mdl.cast(), usize::from(mode != 0), used as usize) };
        if locked.is_err() {
            // SAFETY: the MDL is the IRP's, and nothing is locked by it.
            unsafe { (*irp).MdlAddress = ptr::null_mut() };
            // SAFETY: as above; nobody knows it any more.
            unsafe { IoFreeMdl(mdl) };
        }
        locked
    }
}
