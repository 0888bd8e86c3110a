//! IRPs as owned values: whoever holds an [`Irp`] owes the I/O manager its completion, and pays it exactly once, as
//! dropping the value is what completes it.
//!
//! A request that cannot be answered at once becomes a [`PendingIrp`] in a task of its own ([`pend`]): marked pending,
//! cancellable, and completed when the task ends, whichever way it ends.

mod neither;
mod pending;
mod probe;

use core::ptr::NonNull;
use core::slice;

use executive::mem::Arc;
use executive::stack::{self, Call};
use nt::Status;
use wdk_sys::ntddk::{IoGetRequestorProcess, IofCompleteRequest, MmMapLockedPagesSpecifyCache};
use wdk_sys::{
    IO_NETWORK_INCREMENT, IO_STACK_LOCATION, IO_STATUS_BLOCK, IRP, MDL, MDL_MAPPED_TO_SYSTEM_VA,
    MDL_SOURCE_IS_NONPAGED_POOL, NTSTATUS, PIRP, PVOID, SL_PENDING_RETURNED, ULONG,
};

pub(crate) use pending::{PendingIrp, pend, pend_always};
pub(crate) use probe::Use;

use crate::file_object::FileObject;
use crate::platform::OpenFile;

/// `MODE.KernelMode`.
const KERNEL_MODE: i8 = 0;
/// `MEMORY_CACHING_TYPE.MmCached`.
const MM_CACHED: wdk_sys::MEMORY_CACHING_TYPE = 1;
/// `MM_PAGE_PRIORITY.NormalPagePriority`, and never executable (`MdlMappingNoExecute`).
const MAPPING_PRIORITY: ULONG = 16 | 0x4000_0000;

/// What a request comes to: its status and `IoStatus.Information`.
pub(crate) type Outcome = (Status, usize);

/// An IRP that is this driver's until it is completed, which is when the value is dropped.
///
/// # Invariants
/// `raw` points to an IRP that the I/O manager handed to this driver and that is not completed; `stack` is its current
/// stack location. No other `Irp` exists for it.
pub(crate) struct Irp {
    raw: NonNull<IRP>,
    stack: NonNull<IO_STACK_LOCATION>,
    outcome: Outcome,
}

// SAFETY: an IRP belongs to its driver, not to the thread that brought it; any thread may work on it and complete it.
unsafe impl Send for Irp {}
// SAFETY: through a shared reference only fields are read that do not change while the driver owns the IRP.
unsafe impl Sync for Irp {}

impl Irp {
    /// Takes charge of an IRP. Unless told better, it will be completed with `INVALID_DEVICE_REQUEST`.
    ///
    /// # Safety
    /// `irp` was handed to a dispatch routine of this driver, which calls this once and completes it by no other means.
    pub(crate) unsafe fn take(irp: PIRP) -> Option<Self> {
        let raw = NonNull::new(irp)?;
        // SAFETY: the caller's word: a live IRP, which nobody else changes here.
        let tail = unsafe { (*irp).Tail };
        // SAFETY: while a driver owns an IRP, its Tail is in the Overlay form (documented of IRP).
        let overlay = unsafe { tail.Overlay };
        // SAFETY: while a driver owns an IRP, the union holds its current stack location (IoGetCurrentIrpStackLocation).
        let stack = unsafe { overlay.__bindgen_anon_2.__bindgen_anon_1.CurrentStackLocation };
        Some(Self {
            raw,
            stack: NonNull::new(stack)?,
            outcome: (Status::INVALID_DEVICE_REQUEST, 0),
        })
    }

    /// The driver's own stack location.
    pub(crate) fn stack(&self) -> &IO_STACK_LOCATION {
        // SAFETY: by the invariant it lives as long as `self`; only `mark_pending` changes it, through `&mut self`.
        unsafe { self.stack.as_ref() }
    }

    /// `IRP_*` flags, such as `IRP_PAGING_IO`.
    pub(crate) fn flags(&self) -> u32 {
        // SAFETY: by the invariant the IRP is live; its flags do not change while a driver owns it.
        unsafe { (*self.raw.as_ptr()).Flags }
    }

    /// The process that made the request, as a number; 0 for one that no thread made.
    pub(crate) fn requestor_process(&self) -> u64 {
        // SAFETY: by the invariant the IRP is live.
        let tail = unsafe { (*self.raw.as_ptr()).Tail };
        // SAFETY: while a driver owns an IRP, its Tail is in the Overlay form (documented of IRP).
        if unsafe { tail.Overlay }.Thread.is_null() {
            return 0;
        }
        // SAFETY: by the invariant the IRP is live. The I/O manager keeps the thread, and with it its process, until
        // completion; only the address is taken.
        unsafe { IoGetRequestorProcess(self.raw.as_ptr()) }.addr() as u64
    }

    /// The file object that the request is for.
    pub(crate) fn file_object(&self) -> Option<FileObject<'_>> {
        // SAFETY: the I/O manager keeps a request's file object referenced until the request is completed, which is not
        // before `self` goes.
        unsafe { FileObject::new(self.stack().FileObject) }
    }

    /// The open file that the request is for.
    ///
    /// # Errors
    /// `INVALID_DEVICE_REQUEST` without a file object, and as [`FileObject::file`].
    pub(crate) fn file(&self) -> nt::Result<Arc<OpenFile>> {
        self.file_object().ok_or(Status::INVALID_DEVICE_REQUEST)?.file()
    }

    /// The first `len` bytes of the system buffer: both input and output of METHOD_BUFFERED and of information
    /// requests.
    ///
    /// # Errors
    /// `INVALID_PARAMETER` when there is no buffer for a length that is not zero.
    pub(crate) fn system_buffer(&mut self, len: usize) -> nt::Result<&mut [u8]> {
        if len == 0 {
            return Ok(&mut []);
        }
        // SAFETY: by the invariant the IRP is live; the field does not change while a driver owns it.
        let associated = unsafe { (*self.raw.as_ptr()).AssociatedIrp };
        // SAFETY: any bit pattern is a pointer; for buffered requests it is the system buffer's.
        let buffer = NonNull::new(unsafe { associated.SystemBuffer }).ok_or(Status::INVALID_PARAMETER)?;
        // SAFETY: the I/O manager allocated and filled at least the longer of the request's lengths, `len` is one of
        // them; the buffer is the driver's alone until completion, and `self` is borrowed as long as the slice lives.
        Ok(unsafe { slice::from_raw_parts_mut(buffer.as_ptr().cast(), len) })
    }

    /// The extended attributes of a CREATE request, `Parameters.Create.EaLength` bytes of them.
    ///
    /// # Errors
    /// `INVALID_PARAMETER` when there is no buffer for a length that is not zero.
    pub(crate) fn create_attributes(&self, len: usize) -> nt::Result<&[u8]> {
        if len == 0 {
            return Ok(&[]);
        }
        // SAFETY: by the invariant the IRP is live; the field does not change while a driver owns it.
        let associated = unsafe { (*self.raw.as_ptr()).AssociatedIrp };
        // SAFETY: any bit pattern is a pointer; for CREATE it is the I/O manager's copy of the attributes.
        let buffer = NonNull::new(unsafe { associated.SystemBuffer }).ok_or(Status::INVALID_PARAMETER)?;
        // SAFETY: the I/O manager made the copy as long as it says, and nobody writes to it until completion.
        Ok(unsafe { slice::from_raw_parts(buffer.as_ptr().cast(), len) })
    }

    /// The caller's buffer of a direct request (READ, WRITE, QUERY_DIRECTORY on a DO_DIRECT_IO device), mapped into
    /// system space. [`Self::lock_buffer`] has made such a request of one that was none.
    ///
    /// The pages are the caller's: it can change their contents meanwhile. What is read from the slice is data for the
    /// server and decides nothing here.
    ///
    /// # Errors
    /// `INVALID_USER_BUFFER` without a buffer, or with a shorter one than `len`; `INSUFFICIENT_RESOURCES` when there is
    /// no address space to map it.
    pub(crate) fn direct_buffer(&mut self, len: usize) -> nt::Result<&mut [u8]> {
        if len == 0 {
            return Ok(&mut []);
        }
        // SAFETY: by the invariant the IRP is live; the field does not change while a driver owns it.
        let mdl = unsafe { (*self.raw.as_ptr()).MdlAddress };
        let mdl = NonNull::new(mdl).ok_or(Status::INVALID_USER_BUFFER)?;
        // SAFETY: the I/O manager locked these pages for the request, or `lock_buffer` did; they stay locked until completion.
        let address = unsafe { system_address(mdl, len) }?;
        // SAFETY: the MDL describes at least `len` bytes (checked), mapped until completion; `self` is borrowed as long
        // as the slice lives.
        Ok(unsafe { slice::from_raw_parts_mut(address.as_ptr().cast(), len) })
    }

    /// Whether the request comes from the kernel (`Irp->RequestorMode`): its buffers are then what it says.
    pub(crate) fn is_from_kernel(&self) -> bool {
        // SAFETY: by the invariant the IRP is live; its mode does not change while a driver owns it.
        let mode = unsafe { (*self.raw.as_ptr()).RequestorMode };
        mode == KERNEL_MODE
    }

    /// `Irp->UserBuffer`: an address that nobody has looked at.
    pub(crate) fn user_buffer(&self) -> PVOID {
        // SAFETY: by the invariant the IRP is live; the field does not change while a driver owns it.
        unsafe { (*self.raw.as_ptr()).UserBuffer }
    }

    /// `Irp->UserBuffer` of a caller in the kernel, which is trusted to give an address that is valid anywhere.
    fn kernel_buffer(&self) -> nt::Result<NonNull<core::ffi::c_void>> {
        if !self.is_from_kernel() {
            return Err(Status::INVALID_USER_BUFFER);
        }
        NonNull::new(self.user_buffer()).ok_or(Status::INVALID_USER_BUFFER)
    }

    /// Completes the request here and now; the result is what the dispatch routine returns.
    pub(crate) fn complete(mut self, status: Status, information: usize) -> NTSTATUS {
        self.outcome = (status, information);
        status.as_ntstatus()
    }

    /// [`Self::complete`] for an outcome without information.
    pub(crate) fn answer(self, result: nt::Result) -> NTSTATUS {
        self.complete(Status::from(result), 0)
    }

    /// `IoMarkIrpPending`: from now on the dispatch routine returns STATUS_PENDING, whatever happens.
    fn mark_pending(&mut self) {
        // SAFETY: by the invariant it lives as long as `self`, which is borrowed mutably.
        let stack = unsafe { self.stack.as_mut() };
        stack.Control |= SL_PENDING_RETURNED as u8;
    }
}

impl Drop for Irp {
    fn drop(&mut self) {
        let (status, information) = self.outcome;
        let mut block = IO_STATUS_BLOCK::default();
        block.__bindgen_anon_1.Status = status.as_ntstatus();
        // An error carries no information: the I/O manager would copy that many bytes of the system buffer out.
        block.Information = if status.is_error() { 0 } else { information as u64 };
        // SAFETY: by the invariant the IRP is live and ours.
        unsafe { (*self.raw.as_ptr()).IoStatus = block };
        stack::note(Call::Completion);
        // SAFETY: by the invariant it is not completed yet, and no value that could touch it is left after this one.
        unsafe { IofCompleteRequest(self.raw.as_ptr(), IO_NETWORK_INCREMENT as i8) };
    }
}

/// `MmGetSystemAddressForMdlSafe` for at least `len` bytes.
///
/// # Safety
/// `mdl` describes locked pages, or pages of non-paged pool.
unsafe fn system_address(mdl: NonNull<MDL>, len: usize) -> nt::Result<NonNull<core::ffi::c_void>> {
    // SAFETY: the caller's word: a live MDL.
    let header = unsafe { mdl.read() };
    if (header.ByteCount as usize) < len {
        return Err(Status::INVALID_USER_BUFFER);
    }
    let mapped = if header.MdlFlags as u32 & (MDL_MAPPED_TO_SYSTEM_VA | MDL_SOURCE_IS_NONPAGED_POOL) != 0 {
        header.MappedSystemVa
    } else {
        // SAFETY: the pages are locked (the caller's word); not raising on failure, the routine answers null.
        unsafe {
            MmMapLockedPagesSpecifyCache(
                mdl.as_ptr(),
                KERNEL_MODE,
                MM_CACHED,
                core::ptr::null_mut(),
                0,
                MAPPING_PRIORITY as _,
            )
        }
    };
    NonNull::new(mapped).ok_or(Status::INSUFFICIENT_RESOURCES)
}
