//! Completion routines that the driver outlives.
//!
//! A completion routine tells that its request has ended, and returns after that: when the last has told, the driver may
//! be unloaded under its last instructions. IoSetCompletionRoutineEx holds the driver's device, hence its code, until the
//! routine has returned.

use core::ffi::c_void;
use core::mem::transmute;
use core::ptr;
use core::sync::atomic::{AtomicPtr, Ordering};

use nt::{Status, ascii};
use wdk_sys::{DEVICE_OBJECT, IRP, NTSTATUS, PIO_COMPLETION_ROUTINE, PVOID};

use crate::device;
use crate::unicode::routine;

/// `IoSetCompletionRoutineEx`; the last three arguments say for which ends of the request: success, error, cancellation.
type SetCompletion = unsafe extern "C" fn(
    *mut DEVICE_OBJECT,
    *mut IRP,
    PIO_COMPLETION_ROUTINE,
    *mut c_void,
    u8,
    u8,
    u8,
) -> NTSTATUS;

/// The routine, null where the kernel has none.
static SET_COMPLETION: AtomicPtr<c_void> = AtomicPtr::new(ptr::null_mut());

/// Looks for the routine. IRQL = PASSIVE_LEVEL, before the first request.
pub(super) fn prepare() {
    // Wine exports the routine, too, but only to say that it is missing when it is called.
    if routine(&ascii!("wine_ntoskrnl_main_loop")).is_none()
        && let Some(address) = routine(&ascii!("IoSetCompletionRoutineEx"))
    {
        SET_COMPLETION.store(address, Ordering::Release);
    }
}

/// Sets `completion` for every end of the request, if the kernel can hold the driver meanwhile; whether it does. The
/// request must be made then: what holds the driver is given back by its completion. IRQL <= DISPATCH_LEVEL.
///
/// # Safety
/// `irp` is not in use by a lower driver. `completion` bears being called with `context` when the request ends.
pub(super) unsafe fn set_completion(
    irp: *mut IRP,
    completion: PIO_COMPLETION_ROUTINE,
    context: *mut c_void,
) -> bool {
    let address = SET_COMPLETION.load(Ordering::Acquire);
    let (false, Some(device)) = (address.is_null(), device::live()) else {
        return false;
    };
    // SAFETY: `prepare` found the routine of this name, which has this documented type.
    let set = unsafe { transmute::<PVOID, SetCompletion>(address) };
    // SAFETY: the device is live: it is deleted after the last request. The rest is the caller's word.
    let status = unsafe { set(device.as_ptr(), irp, completion, context, 1, 1, 1) };
    Status::from_ntstatus(status).is_success()
}
