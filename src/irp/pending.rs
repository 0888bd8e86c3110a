//! Requests that are answered later, by a task.

use alloc::boxed::Box;
use core::ffi::c_void;
use core::future::Future;
use core::ptr;
use core::sync::atomic::{AtomicPtr, Ordering};

use executive::mem::{AllocError, Arc, try_box};
use executive::task::{CancelToken, Runtime};
use nt::Status;
use wdk_sys::ntddk::{IoAcquireCancelSpinLock, IoReleaseCancelSpinLock};
use wdk_sys::{IRP, NTSTATUS, PDEVICE_OBJECT, PIRP};

use super::{Irp, Outcome};
use crate::driver::wait_for;
use crate::file_object::FileObject;

/// An IRP that a task works on. It can be cancelled by its issuer; it is completed when the value is dropped.
///
/// # The cancel routine
/// While the routine is installed, the IRP's `DriverContext[0]` owns a boxed [`CancelToken`] for it. Who takes the
/// routine out of the IRP (an atomic exchange) owns the box: `IoCancelIrp`, which then calls the routine, or
/// [`PendingIrp::disarm`], after which it will never be called.
pub(crate) struct PendingIrp {
    irp: Irp,
    armed: bool,
}

impl PendingIrp {
    /// Makes a pending request of `irp`, which is marked pending already, with a cancel routine for `cancel`.
    fn new(irp: Irp, cancel: CancelToken) -> Result<Self, AllocError> {
        let mut pending = Self { irp, armed: false };
        pending.arm(try_box(cancel)?);
        Ok(pending)
    }

    /// The request.
    pub(crate) fn irp(&mut self) -> &mut Irp {
        &mut self.irp
    }

    /// The file object that the request is for.
    pub(crate) fn file_object(&self) -> Option<FileObject<'_>> {
        self.irp.file_object()
    }

    /// Completes the request.
    pub(crate) fn complete(mut self, result: nt::Result<Outcome>) {
        self.irp.outcome = result.unwrap_or_else(|status| (status, 0));
    }

    fn arm(&mut self, token: Box<CancelToken>) {
        let irp = self.irp.raw.as_ptr();
        // SAFETY: the IRP is live and its driver context is its driver's.
        let slot = unsafe { context_slot(irp) };
        slot.store(Box::into_raw(token).cast(), Ordering::Release);
        self.armed = true;
        let routine: unsafe extern "C" fn(PDEVICE_OBJECT, PIRP) = on_cancel;
        // SAFETY: the IRP is live.
        exchange(unsafe { routine_slot(irp) }, routine as *mut c_void);

        // Cancelled before there was a routine: nobody will call it then, unless IoCancelIrp found it just now.
        // SAFETY: the IRP is live.
        let flag = unsafe { &raw const (*irp).Cancel };
        // SAFETY: as above; the byte only ever goes from FALSE to TRUE.
        let cancelled = unsafe { flag.read_volatile() } != 0;
        if cancelled && let Some(token) = self.disarm() {
            token.cancel();
        }
    }

    /// Makes sure that the cancel routine neither runs nor will run; gives back its token if it never did.
    fn disarm(&mut self) -> Option<Box<CancelToken>> {
        if !core::mem::take(&mut self.armed) {
            return None;
        }
        let irp = self.irp.raw.as_ptr();
        // SAFETY: the IRP is live.
        let routine = exchange(unsafe { routine_slot(irp) }, ptr::null_mut());
        if routine.is_null() {
            // IoCancelIrp has it, and holds the cancel spin lock until the routine is done with the IRP: wait for that.
            let mut irql = 0;
            // SAFETY: callable up to DISPATCH_LEVEL, which no task exceeds; released right below.
            unsafe { IoAcquireCancelSpinLock(&raw mut irql) };
            // SAFETY: acquired right above, with this IRQL.
            unsafe { IoReleaseCancelSpinLock(irql) };
            return None;
        }
        // SAFETY: the IRP is live and its driver context is its driver's.
        let slot = unsafe { context_slot(irp) };
        let token = slot
            .swap(ptr::null_mut(), Ordering::Acquire)
            .cast::<CancelToken>();
        if token.is_null() {
            return None;
        }
        // SAFETY: `arm` put a box there, and taking the routine out made it ours.
        Some(unsafe { Box::from_raw(token) })
    }
}

impl Drop for PendingIrp {
    fn drop(&mut self) {
        self.disarm();
        // Dropping `irp` now completes it.
    }
}

/// Answers `irp` by the task that `work` describes; to be returned from the dispatch routine as is.
///
/// If the task cannot be made, the request completes with `INSUFFICIENT_RESOURCES`.
pub(crate) fn pend<F, Fut>(runtime: &Runtime, mut irp: Irp, work: F) -> NTSTATUS
where
    F: FnOnce(PendingIrp, CancelToken) -> Fut,
    Fut: Future<Output = ()> + Send + 'static,
{
    irp.mark_pending();
    // If nothing else is said before its end, the request failed for want of memory.
    irp.outcome = (Status::INSUFFICIENT_RESOURCES, 0);
    let started = CancelToken::try_new().and_then(|cancel| {
        let pending = PendingIrp::new(irp, cancel.clone())?;
        runtime.spawn(work(pending, cancel))
    });
    // What failed has dropped, hence completed, the request.
    drop(started);
    Status::PENDING.as_ntstatus()
}

/// As [`pend`], for the requests that must be done whatever happens and cannot be cancelled (CLEANUP, CLOSE). Without
/// memory for a task, the work is done before this returns.
pub(crate) fn pend_always<F, Fut>(runtime: &Runtime, mut irp: Irp, work: F) -> NTSTATUS
where
    F: Fn() -> Fut,
    Fut: Future<Output = ()> + Send + 'static,
{
    irp.mark_pending();
    irp.outcome = (Status::SUCCESS, 0);
    // The task and this routine share the request until the task is known to exist; the last to let go completes it.
    let Ok(mut request) = Arc::try_new(None) else {
        wait_for(runtime, work);
        drop(irp);
        return Status::PENDING.as_ntstatus();
    };
    if let Some(slot) = Arc::get_mut(&mut request) {
        *slot = Some(irp);
    }
    let task = {
        let request = request.clone();
        let work = work();
        async move {
            work.await;
            drop(request);
        }
    };
    if runtime.spawn(task).is_err() {
        wait_for(runtime, work);
    }
    Status::PENDING.as_ntstatus()
}

/// The cancel routine of every request that waits: takes the token out of the IRP and cancels the task by it.
///
/// # Invocation context
/// Called by `IoCancelIrp` at DISPATCH_LEVEL with the cancel spin lock held, which it must release.
unsafe extern "C" fn on_cancel(_device: PDEVICE_OBJECT, irp: PIRP) {
    // SAFETY: the IRP is live as long as the cancel spin lock is held: `disarm` waits for it before completion.
    let slot = unsafe { context_slot(irp) };
    let token = slot
        .swap(ptr::null_mut(), Ordering::Acquire)
        .cast::<CancelToken>();
    // SAFETY: as above.
    let irql = unsafe { (*irp).CancelIrql };
    if !token.is_null() {
        // SAFETY: `arm` put a box there; who calls this routine took it out of the IRP, which makes the box ours.
        let token = unsafe { Box::from_raw(token) };
        token.cancel();
    }
    // Last: from here on the request can complete, its handle be closed and the driver be unloaded.
    // SAFETY: IoCancelIrp acquired it and left the former IRQL in the IRP. The IRP is not touched any more after this.
    unsafe { IoReleaseCancelSpinLock(irql) };
}

/// `Irp->Tail.Overlay.DriverContext[0]`, a driver's own word, which is the first of `Tail`.
///
/// # Safety
/// `irp` is live, and this driver's, for as long as the result is used.
unsafe fn context_slot<'a>(irp: *mut IRP) -> &'a AtomicPtr<c_void> {
    // SAFETY: the caller's word.
    let word = unsafe { &raw mut (*irp).Tail };
    // SAFETY: aligned and live as part of the IRP; nobody but this module accesses it, always through an atomic.
    unsafe { AtomicPtr::from_ptr(word.cast()) }
}

/// `Irp->CancelRoutine`, which the I/O manager and drivers exchange atomically.
///
/// # Safety
/// `irp` is live for as long as the result is used.
unsafe fn routine_slot<'a>(irp: *mut IRP) -> &'a AtomicPtr<c_void> {
    // SAFETY: the caller's word.
    let word = unsafe { &raw mut (*irp).CancelRoutine };
    // SAFETY: aligned and live as part of the IRP; everyone accesses it by interlocked exchange.
    unsafe { AtomicPtr::from_ptr(word.cast()) }
}

/// `IoSetCancelRoutine`.
fn exchange(slot: &AtomicPtr<c_void>, routine: *mut c_void) -> *mut c_void {
    slot.swap(routine, Ordering::SeqCst)
}
