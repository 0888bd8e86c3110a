//! Answers to requests that describe their caller's buffer by its address alone (METHOD_NEITHER), such as
//! IRP_MJ_QUERY_SECURITY. That address means something in the caller's process only, where no task runs.

use core::ptr;

use nt::Status;
use wdk_sys::ntddk::ExAllocatePool2;
use wdk_sys::{IRP_BUFFERED_IO, IRP_DEALLOCATE_BUFFER, IRP_INPUT_OPERATION, SIZE_T};

use super::Irp;

/// POOL_FLAG_NON_PAGED: the I/O manager frees the buffer at whatever IRQL the request completes.
const NON_PAGED: u64 = 0x40;
/// Pool tag of answers: `9PAn`.
const TAG: u32 = u32::from_le_bytes(*b"9PAn");

impl Irp {
    /// Gives `answer` to the caller, to be called right before completing the request with its length as information.
    ///
    /// A caller in the kernel has it in its buffer at once. For one in user mode it becomes a system buffer of the
    /// request, which the I/O manager copies to the caller's buffer, in the caller's process, and frees: what it does
    /// for the requests that it buffers itself.
    ///
    /// # Errors
    /// `INVALID_USER_BUFFER` where a caller in the kernel gave none; `INSUFFICIENT_RESOURCES`.
    pub(crate) fn give_to_caller(&mut self, answer: &[u8]) -> nt::Result {
        if answer.is_empty() {
            return Ok(());
        }
        if let Ok(target) = self.kernel_buffer() {
            // SAFETY: a caller in the kernel vouches for its buffer, whose length the answer does not exceed (the
            // answer was made for that length); the answer lies elsewhere.
            unsafe { ptr::copy_nonoverlapping(answer.as_ptr(), target.as_ptr().cast(), answer.len()) };
            return Ok(());
        }
        if self.is_from_kernel() {
            return Err(Status::INVALID_USER_BUFFER);
        }
        // SAFETY: IRQL <= DISPATCH_LEVEL, the length is not zero.
        let memory = unsafe { ExAllocatePool2(NON_PAGED, answer.len() as SIZE_T, TAG) };
        if memory.is_null() {
            return Err(Status::INSUFFICIENT_RESOURCES);
        }
        // SAFETY: the pool gave that many bytes, which are nobody else's.
        unsafe { ptr::copy_nonoverlapping(answer.as_ptr(), memory.cast(), answer.len()) };
        let irp = self.raw.as_ptr();
        let associated = wdk_sys::_IRP__bindgen_ty_1 { SystemBuffer: memory };
        // SAFETY: by the invariant the IRP is live and ours; a request of this kind has no system buffer yet.
        unsafe { (*irp).AssociatedIrp = associated };
        // SAFETY: as above. The flags have the I/O manager copy `IoStatus.Information` bytes out and free the buffer.
        unsafe { (*irp).Flags |= IRP_BUFFERED_IO | IRP_DEALLOCATE_BUFFER | IRP_INPUT_OPERATION };
        Ok(())
    }
}
