//! Stack locations of IRPs.

use core::ptr::NonNull;
use wdk_sys::{IO_STACK_LOCATION, IRP};

/// IoGetCurrentIrpStackLocation, an inline routine.
///
/// # Safety
/// `irp` is live, and outside of a completion port, as it is with every driver.
pub(crate) unsafe fn current(irp: NonNull<IRP>) -> Option<NonNull<IO_STACK_LOCATION>> {
    // SAFETY: the IRP is live.
    let tail = unsafe { (*irp.as_ptr()).Tail };
    // SAFETY: the arm in use outside of a completion port.
    let overlay = unsafe { tail.Overlay };
    // SAFETY: as above.
    NonNull::new(unsafe { overlay.__bindgen_anon_2.__bindgen_anon_1.CurrentStackLocation })
}

/// IoGetNextIrpStackLocation, an inline routine.
///
/// # Safety
/// As [`current`]; and a location is left for the next driver.
pub(crate) unsafe fn next(irp: NonNull<IRP>) -> Option<NonNull<IO_STACK_LOCATION>> {
    // SAFETY: the caller's promise.
    let current = unsafe { current(irp) }?;
    // SAFETY: the locations are used downwards, and one is left.
    Some(unsafe { current.sub(1) })
}
