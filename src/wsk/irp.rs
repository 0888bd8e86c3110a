//! IRPs and MDLs of the driver's own making, for requests to Winsock Kernel.

use super::keep_loaded;
use super::operation::Outcome;
use core::ffi::c_void;
use core::ptr::{self, NonNull};
use executive::mem::AllocError;
use wdk_sys::ntddk::{
    IoAllocateIrp, IoAllocateMdl, IoCancelIrp, IoFreeIrp, IoFreeMdl, IofCompleteRequest,
    MmBuildMdlForNonPagedPool,
};
use wdk_sys::{
    IO_NO_INCREMENT, IO_STATUS_BLOCK, IRP, MDL, PIO_COMPLETION_ROUTINE, SL_INVOKE_ON_CANCEL,
    SL_INVOKE_ON_ERROR, SL_INVOKE_ON_SUCCESS,
};

/// An IRP with one stack location, for one request.
pub(super) struct Irp(NonNull<IRP>);

// SAFETY: an IRP belongs to no thread; its fields are touched by whoever the request's protocol says owns it.
unsafe impl Send for Irp {}
// SAFETY: as above.
unsafe impl Sync for Irp {}

impl Irp {
    /// IRQL <= DISPATCH_LEVEL.
    pub(super) fn try_new() -> Result<Self, AllocError> {
        // SAFETY: the routine has no conditions but the IRQL.
        let irp = unsafe { IoAllocateIrp(1, 0) };
        NonNull::new(irp).map(Irp).ok_or(AllocError)
    }

    pub(super) fn as_ptr(&self) -> *mut IRP {
        self.0.as_ptr()
    }

    /// `routine` runs however the request ends, and the driver stays loaded until it has returned: nothing else says when
    /// the last of them has, as it can only tell before that. Where the kernel cannot promise it, or has no memory to, this
    /// is what IoSetCompletionRoutine, an inline routine, does. IRQL <= DISPATCH_LEVEL.
    ///
    /// # Safety
    /// The IRP is not in use by a lower driver. `routine` bears being called with `context` when the request ends.
    pub(super) unsafe fn set_completion(&self, routine: PIO_COMPLETION_ROUTINE, context: *mut c_void) {
        let irp = self.as_ptr();
        // SAFETY: the caller's word.
        if unsafe { keep_loaded::set_completion(irp, routine, context) } {
            return;
        }
        // SAFETY: the IRP is ours.
        let tail = unsafe { (*irp).Tail };
        // SAFETY: this arm of the union is the one in use outside of a completion port.
        let overlay = unsafe { tail.Overlay };
        // SAFETY: as above; IoAllocateIrp set the pointer to just behind the only location.
        let behind = unsafe { overlay.__bindgen_anon_2.__bindgen_anon_1.CurrentStackLocation };
        // SAFETY: the location that the next driver will use lies just below.
        let next = unsafe { behind.sub(1) };
        // SAFETY: nobody uses the location before the request is made.
        let next = unsafe { &mut *next };
        next.CompletionRoutine = routine;
        next.Context = context;
        // CAST: the three flags are bits of a byte.
        next.Control = (SL_INVOKE_ON_SUCCESS | SL_INVOKE_ON_ERROR | SL_INVOKE_ON_CANCEL) as u8;
    }

    /// Ends a request that was not made, as a lower driver would: the completion routine runs here, and what holds the driver
    /// for it is given back. IRQL <= DISPATCH_LEVEL.
    ///
    /// # Safety
    /// [`Self::set_completion`] was called, and no lower driver has been given the IRP or has taken it.
    pub(super) unsafe fn fail(&self, status: nt::Status) {
        let irp = self.as_ptr();
        // What IoSetNextIrpStackLocation, an inline routine, does.
        // SAFETY: the IRP is ours (the caller's word).
        let tail = unsafe { &mut (*irp).Tail };
        // SAFETY: this arm of the union is the one in use outside of a completion port.
        let overlay = unsafe { &mut tail.Overlay };
        // SAFETY: as above.
        let location = unsafe { &mut overlay.__bindgen_anon_2.__bindgen_anon_1.CurrentStackLocation };
        // SAFETY: IoAllocateIrp set the pointer to just behind the only location, and nobody has moved it.
        *location = unsafe { location.sub(1) };
        // SAFETY: the IRP is ours.
        unsafe { (*irp).CurrentLocation -= 1 };
        let mut block = IO_STATUS_BLOCK::default();
        block.__bindgen_anon_1.Status = status.as_ntstatus();
        // SAFETY: as above.
        unsafe { (*irp).IoStatus = block };
        // SAFETY: the IRP is at its only location, ends here and nowhere else, and is freed no earlier than `self`.
        unsafe { IofCompleteRequest(irp, IO_NO_INCREMENT as i8) };
    }

    /// Asks whoever has the IRP to end it soon. IRQL <= DISPATCH_LEVEL.
    pub(super) fn cancel(&self) {
        // SAFETY: the IRP is allocated; if it has ended, no cancel routine is set and only a flag is.
        let _had_routine = unsafe { IoCancelIrp(self.as_ptr()) };
    }

    /// How the request ended.
    ///
    /// # Safety
    /// The IRP has been completed, and nobody writes to it any more.
    pub(super) unsafe fn outcome(&self) -> Outcome {
        // SAFETY: the caller's promise.
        let block = unsafe { (*self.as_ptr()).IoStatus };
        // SAFETY: a completed IRP has a status, not the pointer that shares its place.
        let status = unsafe { block.__bindgen_anon_1.Status };
        Outcome {
            status: nt::Status(status.cast_unsigned()),
            // CAST: a count of bytes or a pointer, as wide as the machine's.
            information: block.Information as usize,
        }
    }
}

impl Drop for Irp {
    fn drop(&mut self) {
        // SAFETY: the IRP was allocated here and no request is running with it: a running request owns its operation.
        unsafe { IoFreeIrp(self.as_ptr()) };
    }
}

/// The description of a piece of non-paged pool for a lower driver.
pub(super) struct Mdl(NonNull<MDL>);

// SAFETY: an MDL belongs to no thread.
unsafe impl Send for Mdl {}
// SAFETY: nothing is changed through a shared Mdl but by the driver it is given to.
unsafe impl Sync for Mdl {}

impl Mdl {
    /// IRQL <= DISPATCH_LEVEL.
    ///
    /// # Safety
    /// `start` and the `len` bytes behind it are pool of this driver's allocator, which is non-paged, and stay so as
    /// long as the Mdl is used.
    pub(super) unsafe fn try_new(start: *mut u8, len: u32) -> Result<Self, AllocError> {
        // SAFETY: no IRP is named, so the call only makes the description.
        let mdl = unsafe { IoAllocateMdl(start.cast(), len, 0, 0, ptr::null_mut()) };
        let mdl = NonNull::new(mdl).ok_or(AllocError)?;
        // SAFETY: the MDL describes non-paged pool: the caller's promise.
        unsafe { MmBuildMdlForNonPagedPool(mdl.as_ptr()) };
        Ok(Mdl(mdl))
    }

    pub(super) fn as_ptr(&self) -> *mut MDL {
        self.0.as_ptr()
    }
}

impl Drop for Mdl {
    fn drop(&mut self) {
        // SAFETY: the MDL was allocated here; pages of non-paged pool were not locked by it.
        unsafe { IoFreeMdl(self.as_ptr()) };
    }
}
