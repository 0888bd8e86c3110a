//! What the routines need of the system beyond transports, from the kernel itself.

use core::ffi::c_void;
use core::ptr::{self, NonNull};
use core::sync::atomic::{AtomicU32, Ordering};
use core::time::Duration;
use ddi::abi::{Irp, Mdl};
use ddi::platform::{Platform, Rule};
use executive::mem::AllocError;
use wdk_sys::ntddk::{
    IoAllocateIrp, IoFreeIrp, KeDelayExecutionThread, MmMapLockedPagesSpecifyCache, ObfDereferenceObject,
    ObfReferenceObject, PsIsSystemThread,
};
use wdk_sys::{
    IRP, KIRQL, LARGE_INTEGER, MDL, MDL_MAPPED_TO_SYSTEM_VA, MDL_SOURCE_IS_NONPAGED_POOL, PETHREAD,
};

unsafe extern "C" {
    /// What KeRaiseIrql, an inline routine, calls.
    fn KfRaiseIrql(new: KIRQL) -> KIRQL;
    fn KeLowerIrql(new: KIRQL);
    /// What PsGetCurrentThread is.
    fn KeGetCurrentThread() -> PETHREAD;
}

static VIOLATIONS: AtomicU32 = AtomicU32::new(0);
static DEVICE_REFERENCES: AtomicU32 = AtomicU32::new(0);

pub(super) fn violations() -> u32 {
    VIOLATIONS.load(Ordering::Relaxed)
}

pub(super) fn device_references() -> u32 {
    DEVICE_REFERENCES.load(Ordering::Relaxed)
}

/// Runs `body` at DISPATCH_LEVEL, where there is such a thing.
pub(super) fn at_dispatch<R>(body: impl FnOnce() -> R) -> R {
    const DISPATCH_LEVEL: KIRQL = 2;
    // SAFETY: callers are at or below it.
    let before = unsafe { KfRaiseIrql(DISPATCH_LEVEL) };
    let output = body();
    // SAFETY: it was raised from there, above.
    unsafe { KeLowerIrql(before) };
    output
}

/// Waits, at PASSIVE_LEVEL.
pub(super) fn sleep(span: Duration) {
    let units = i64::try_from(span.as_nanos() / 100).unwrap_or(i64::MAX);
    // A negative time counts from now.
    let mut interval = LARGE_INTEGER { QuadPart: -units };
    // SAFETY: the interval lives through the call; callers are at PASSIVE_LEVEL.
    let _timed_out = unsafe { KeDelayExecutionThread(0, 0, &raw mut interval) };
}

fn thread() -> PETHREAD {
    // SAFETY: the routine has no conditions.
    unsafe { KeGetCurrentThread() }
}

/// The NT kernel.
pub(super) struct Kernel;

impl Platform for Kernel {
    fn current_thread(&self) -> usize {
        thread().addr()
    }

    fn is_system_worker(&self) -> bool {
        // SAFETY: the current thread is one.
        unsafe { PsIsSystemThread(thread()) != 0 }
    }

    fn violation(&self, _: &'static str, _: Rule) {
        VIOLATIONS.fetch_add(1, Ordering::Relaxed);
    }

    unsafe fn map(&self, mdl: *mut Mdl) -> Option<NonNull<u8>> {
        /// MmCached, KernelMode; NormalPagePriority without leave to execute.
        const CACHED: i32 = 1;
        const KERNEL_MODE: i8 = 0;
        const PRIORITY: u32 = 16 | 0x4000_0000;
        // CAST: two flags of a 16-bit field.
        let mapped = (MDL_MAPPED_TO_SYSTEM_VA | MDL_SOURCE_IS_NONPAGED_POOL) as i16;
        // SAFETY: by the caller's word a valid MDL.
        let known = unsafe { &*mdl };
        if known.mdl_flags & mapped != 0 {
            return NonNull::new(known.mapped_system_va.cast());
        }
        // SAFETY: a caller's MDL describes locked pages.
        let place = unsafe {
            MmMapLockedPagesSpecifyCache(
                mdl.cast::<MDL>(),
                KERNEL_MODE,
                CACHED,
                ptr::null_mut(),
                0,
                PRIORITY,
            )
        };
        NonNull::new(place.cast())
    }

    fn allocate_irp(&self, stack_size: i8, charge_quota: bool, mdl: *mut Mdl) -> *mut Irp {
        // SAFETY: the routine has no conditions but the IRQL.
        let irp = unsafe { IoAllocateIrp(stack_size, u8::from(charge_quota)) };
        if !irp.is_null() {
            // SAFETY: new, and nobody else's.
            unsafe { (*irp).MdlAddress = mdl.cast::<MDL>() };
        }
        irp.cast()
    }

    unsafe fn free_irp(&self, irp: *mut Irp) {
        // SAFETY: by the caller's word it came from allocate_irp.
        unsafe { IoFreeIrp(irp.cast::<IRP>()) };
    }

    unsafe fn reference_device(&self, device: *mut c_void) -> Result<(), AllocError> {
        // SAFETY: by the caller's word a device object.
        unsafe { ObfReferenceObject(device) };
        DEVICE_REFERENCES.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    unsafe fn dereference_device(&self, device: *mut c_void) {
        DEVICE_REFERENCES.fetch_sub(1, Ordering::Relaxed);
        // SAFETY: referenced before, by the caller's word.
        unsafe { ObfDereferenceObject(device) };
    }
}
