//! IRPs for callers that talk to a transport by themselves.

use crate::abi::{Irp, Mdl};
use crate::engine::{self, Object};
use crate::platform::Rule;
use core::ptr;
use nt::Status;

/// Allocates an IRP with `StackSize` stack locations and `Buffer` (which may be null) as its MDL, and notes it: the engine
/// does not stop before it is freed. IRQL <= APC_LEVEL.
///
/// Null when there is no memory, or `StackSize` is not positive.
///
/// # Safety
/// `Buffer` is null or points to an MDL.
#[unsafe(no_mangle)]
#[expect(non_snake_case, reason = "documented names")]
pub unsafe extern "system" fn RxCeAllocateIrpWithMDL(
    StackSize: i8,
    ChargeQuota: u8,
    Buffer: *mut Mdl,
) -> *mut Irp {
    allocate(StackSize, ChargeQuota != 0, Buffer).unwrap_or(ptr::null_mut())
}

fn allocate(stack_size: i8, charge_quota: bool, mdl: *mut Mdl) -> nt::Result<*mut Irp> {
    let engine = engine::enter("RxCeAllocateIrpWithMDL", &[Rule::ApcLevel])?;
    if stack_size <= 0 || !mdl.is_aligned() {
        return Err(Status::INVALID_PARAMETER);
    }
    let irp = engine.platform.allocate_irp(stack_size, charge_quota, mdl);
    if irp.is_null() {
        return Err(Status::INSUFFICIENT_RESOURCES);
    }
    if let Err(status) = engine.admit(irp.addr(), Object::Irp) {
        // SAFETY: allocated just now, and nobody has it yet.
        unsafe { engine.platform.free_irp(irp) };
        return Err(status);
    }
    Ok(irp)
}

/// Frees an IRP from [`RxCeAllocateIrpWithMDL`]; its MDL stays the caller's. Any other pointer is left alone.
/// IRQL <= APC_LEVEL.
///
/// # Safety
/// Nobody uses the IRP any more.
#[unsafe(no_mangle)]
#[expect(non_snake_case, reason = "documented names")]
pub unsafe extern "system" fn RxCeFreeIrp(pIrp: *mut Irp) {
    let Ok(engine) = engine::enter("RxCeFreeIrp", &[Rule::ApcLevel]) else {
        return;
    };
    if engine.retire(pIrp.addr(), &Object::Irp).is_some() {
        // SAFETY: the table knew it as one of ours, and does not any more.
        unsafe { engine.platform.free_irp(pIrp) };
    }
}
