//! An IRP of our own for mrx9p's device.

use crate::file::File;
use crate::parameters::{Parameters, Passing};
use crate::stack;
use alloc::vec::Vec;
use core::ffi::c_void;
use core::future::poll_fn;
use core::mem;
use core::ptr::{self, NonNull};
use core::slice;
use core::task::{Poll, Waker};
use executive::mem::{AllocError, Arc, TryVec};
use executive::sync::SpinLock;
use nt::Status;
use wdk_sys::ntddk::{
    ExFreePool, IoAllocateIrp, IoAllocateMdl, IoCancelIrp, IoFreeIrp, IoFreeMdl, IofCallDriver,
    KeDelayExecutionThread, MmBuildMdlForNonPagedPool,
};
use wdk_sys::{
    DEVICE_OBJECT, IRP, LARGE_INTEGER, MDL, MDL_SOURCE_IS_NONPAGED_POOL, NTSTATUS, SL_INVOKE_ON_CANCEL,
    SL_INVOKE_ON_ERROR, SL_INVOKE_ON_SUCCESS, STATUS_MORE_PROCESSING_REQUIRED,
};

/// How an IRP ended.
#[derive(Clone, Copy)]
pub(crate) struct Outcome {
    pub(crate) status: Status,
    pub(crate) information: u64,
}

/// An IRP with everything it points to. It lives until its completion and until nobody may cancel it any more.
pub(crate) struct Inner {
    irp: NonNull<IRP>,
    mdl: Option<NonNull<MDL>>,
    pub(crate) parameters: Parameters,
    /// What the IRP's buffer is. Moving the vector does not move its memory.
    buffer: SpinLock<Vec<u8>>,
    file: Arc<File>,
    progress: SpinLock<Progress>,
}

#[derive(Default)]
struct Progress {
    outcome: Option<Outcome>,
    waiter: Option<Waker>,
}

// SAFETY: the IRP and what it points to are mrx9p's between `send` and completion, and this object's otherwise, of which
// only `send`, called once, touches them; IoCancelIrp may be called from anywhere as long as the IRP is allocated.
unsafe impl Send for Inner {}
// SAFETY: as above.
unsafe impl Sync for Inner {}

impl Inner {
    /// An IRP for the file's device. IRQL <= DISPATCH_LEVEL.
    pub(crate) fn try_new(
        file: Arc<File>,
        parameters: Parameters,
        mut buffer: Vec<u8>,
    ) -> Result<Arc<Self>, AllocError> {
        let passing = parameters.passing();
        let start = buffer.as_mut_ptr();
        // CAST: requests are bounded when they are parsed.
        let len = buffer.len() as u32;
        // SAFETY: the routine has no conditions but the IRQL.
        let irp = NonNull::new(unsafe { IoAllocateIrp(file.target.stack_size(), 0) }).ok_or(AllocError)?;
        // From here on drop frees the IRP.
        let mut inner = Inner {
            irp,
            mdl: None,
            parameters,
            buffer: SpinLock::new(buffer),
            file,
            progress: SpinLock::default(),
        };
        if passing == Passing::Mdl && len != 0 {
            // SAFETY: no IRP is named, so the call only makes the description.
            let mdl = unsafe { IoAllocateMdl(start.cast(), len, 0, 0, ptr::null_mut()) };
            let mdl = NonNull::new(mdl).ok_or(AllocError)?;
            inner.mdl = Some(mdl);
            // SAFETY: vectors are made by the driver's allocator: non-paged pool, which lives as long as `inner`.
            unsafe { MmBuildMdlForNonPagedPool(mdl.as_ptr()) };
            // SAFETY: the MDL is ours until the IRP is sent, and describes memory that is where `start` points.
            unsafe { complete_mdl(mdl, start) };
        }
        let inner = Arc::try_new(inner)?;
        // SAFETY: the IRP is fresh and has a stack location for the device.
        unsafe { inner.set_up(passing, start, len) };
        Ok(inner)
    }

    /// Fills the IRP in, all but its completion routine.
    ///
    /// # Safety
    /// The IRP is fresh, and has a stack location that nobody uses.
    unsafe fn set_up(&self, passing: Passing, start: *mut u8, len: u32) {
        // SAFETY: the IRP is ours alone.
        let irp = unsafe { &mut *self.irp.as_ptr() };
        irp.RequestorMode = self.parameters.requestor();
        irp.Flags = self.parameters.flags();
        irp.AssociatedIrp.SystemBuffer = match passing {
            Passing::System => start.cast(),
            _ => self.parameters.system_buffer().cast(),
        };
        if passing == Passing::User {
            irp.UserBuffer = start.cast();
        }
        if let Parameters::Create(create) = &self.parameters {
            irp.Overlay.AllocationSize.QuadPart = create.allocation.cast_signed();
        }
        irp.MdlAddress = self.mdl.map_or(ptr::null_mut(), NonNull::as_ptr);
        // SAFETY: this arm is the one in use outside of a completion port.
        let overlay = unsafe { &mut irp.Tail.Overlay };
        overlay.OriginalFileObject = self.file.object();
        // SAFETY: IoAllocateIrp made at least one location.
        let Some(mut location) = (unsafe { stack::next(self.irp) }) else {
            return;
        };
        // SAFETY: the location is zeroed and ours until the IRP is sent.
        let location = unsafe { location.as_mut() };
        self.parameters.fill(location, len);
        location.FileObject = self.file.object();
        location.DeviceObject = self.file.target.device();
    }

    /// Sends the IRP, once, and waits for its end. IRQL = PASSIVE_LEVEL.
    pub(crate) async fn send(this: &Arc<Self>) -> Outcome {
        Self::start(this);
        poll_fn(|context| {
            let waiter = context.waker().clone();
            let mut progress = this.progress.lock();
            if let Some(outcome) = progress.outcome {
                return Poll::Ready(outcome);
            }
            let before = progress.waiter.replace(waiter);
            drop(progress);
            drop(before);
            Poll::Pending
        })
        .await
    }

    /// Sends the IRP, once, and waits for its end as the I/O manager waits for a CLOSE: without letting go of the thread. It
    /// would wait for ever; here a test is to go on. IRQL = PASSIVE_LEVEL.
    fn send_and_block(this: &Arc<Self>) -> Option<Outcome> {
        /// 10 ms, relative, in units of 100 ns.
        const PAUSE: i64 = -100_000;
        /// Ten seconds of pauses.
        const PAUSES: u32 = 1000;
        Self::start(this);
        for _ in 0..PAUSES {
            let outcome = this.progress.lock().outcome;
            if outcome.is_some() {
                return outcome;
            }
            let mut pause = LARGE_INTEGER { QuadPart: PAUSE };
            // SAFETY: KernelMode, not alertable; the interval outlives the call. IRQL <= APC_LEVEL.
            let _ = unsafe { KeDelayExecutionThread(0, 0, &raw mut pause) };
        }
        None
    }

    /// Sends the IRP, once. IRQL = PASSIVE_LEVEL.
    fn start(this: &Arc<Self>) {
        let context = Arc::into_raw(this.clone());
        // SAFETY: the IRP has not been sent: its location is still the next one.
        if let Some(mut location) = unsafe { stack::next(this.irp) } {
            // SAFETY: as above.
            let location = unsafe { location.as_mut() };
            // What IoSetCompletionRoutine, an inline routine, does.
            location.CompletionRoutine = Some(completed);
            location.Context = context.cast_mut().cast();
            // CAST: the three flags are bits of a byte.
            location.Control = (SL_INVOKE_ON_SUCCESS | SL_INVOKE_ON_ERROR | SL_INVOKE_ON_CANCEL) as u8;
        }
        if this.parameters.is_cancelled() {
            this.cancel();
        }
        // SAFETY: the IRP is set up for this device; the completion routine keeps what it points to.
        let _told_by_the_irp = unsafe { IofCallDriver(this.file.target.device(), this.irp.as_ptr()) };
    }

    /// IoCancelIrp. IRQL <= DISPATCH_LEVEL.
    pub(crate) fn cancel(&self) {
        // SAFETY: the IRP is allocated as long as `self` lives; if it has ended, only a flag is set.
        let _had_routine = unsafe { IoCancelIrp(self.irp.as_ptr()) };
    }

    /// The reparse point's data that an open left for the I/O manager, which would free it too, after the IRP's end.
    pub(crate) fn take_reparse_data(&self) -> Vec<u8> {
        // SAFETY: the IRP is completed and ours.
        let tail = unsafe { &mut (*self.irp.as_ptr()).Tail };
        // SAFETY: the arm in use outside of a completion port.
        let overlay = unsafe { &mut tail.Overlay };
        let Some(buffer) = NonNull::new(mem::replace(&mut overlay.AuxiliaryBuffer, ptr::null_mut())) else {
            return Vec::new();
        };
        let mut data = Vec::new();
        // SAFETY: a reparse point's data begins with its tag, and the length of what follows the first eight bytes.
        let place = unsafe { buffer.cast::<u16>().add(2) };
        // SAFETY: as above.
        let length = unsafe { place.read_unaligned() };
        // SAFETY: the file system allocated that much.
        let whole = unsafe { slice::from_raw_parts(buffer.cast::<u8>().as_ptr(), usize::from(length) + 8) };
        // Without memory the test sees no data.
        let _kept = data.try_extend_from_slice(whole);
        // SAFETY: from pool, and left to whoever completes the open, as the I/O manager would.
        unsafe { ExFreePool(buffer.as_ptr().cast()) };
        data
    }

    /// The buffer, after the IRP's end.
    pub(crate) fn take_buffer(&self) -> Vec<u8> {
        mem::take(&mut *self.buffer.lock())
    }
}

/// Notes where the memory is, in the words of MmBuildMdlForNonPagedPool, which is a stub in some kernels (Wine's), as are
/// the routines that would map the MDL.
///
/// # Safety
/// `mdl` is the caller's, and describes the non-paged pool at `start`.
unsafe fn complete_mdl(mut mdl: NonNull<MDL>, start: *mut u8) {
    // CAST: the flag is a bit of sixteen.
    const NONPAGED: i16 = MDL_SOURCE_IS_NONPAGED_POOL as i16;
    // SAFETY: the caller's promise.
    let mdl = unsafe { mdl.as_mut() };
    if mdl.MdlFlags & NONPAGED == 0 {
        mdl.MdlFlags |= NONPAGED;
        mdl.MappedSystemVa = start.cast();
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        if let Some(mdl) = self.mdl {
            // Some kernels' IoFreeIrp (Wine's) frees the MDLs that it finds.
            // SAFETY: the IRP is still allocated, and ours.
            unsafe { (*self.irp.as_ptr()).MdlAddress = ptr::null_mut() };
            // SAFETY: the MDL was made by `try_new`; non-paged pool was not locked by it.
            unsafe { IoFreeMdl(mdl.as_ptr()) };
        }
        // SAFETY: the IRP was allocated by `try_new` and is not on its way: the completion routine owns a count until
        // then.
        unsafe { IoFreeIrp(self.irp.as_ptr()) };
    }
}

/// The completion routine.
///
/// # Safety
/// The I/O manager calls it once for each [`Inner::send`], with the context made there.
unsafe extern "C" fn completed(_: *mut DEVICE_OBJECT, _: *mut IRP, context: *mut c_void) -> NTSTATUS {
    // SAFETY: `send` gave this count to the routine.
    let inner = unsafe { Arc::<Inner>::from_raw(context.cast_const().cast()) };
    // SAFETY: the I/O manager has completed the IRP and leaves it to us.
    let block = unsafe { (*inner.irp.as_ptr()).IoStatus };
    // SAFETY: a completed IRP has a status, not the pointer that shares its place.
    let mut status = unsafe { block.__bindgen_anon_1.Status };
    if !matches!(inner.parameters, Parameters::Close)
        && let Some(close) = inner.file.one_ended()
        && Inner::send_and_block(&close).is_none()
    {
        status = Status::DEVICE_BUSY.as_ntstatus();
    }
    let waiter = {
        let mut progress = inner.progress.lock();
        progress.outcome = Some(Outcome {
            status: Status(status.cast_unsigned()),
            information: block.Information,
        });
        progress.waiter.take()
    };
    if let Some(waiter) = waiter {
        waiter.wake();
    }
    // The IRP is ours: the I/O manager must not touch it after this routine.
    STATUS_MORE_PROCESSING_REQUIRED
}
