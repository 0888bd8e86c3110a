//! References, and the contexts on whose behalf things are made.

use super::create::read_name;
use super::door::{CancelRoutine, Door, Handle, with};
use super::{Object, number, opaque};
use crate::abi::{NtStatus, UnicodeString, ntstatus};
use core::ffi::c_void;
use core::ptr;
use nt::Status;
use rdbss::{Effects, MajorFunction, Owner, Request};

/// Takes a reference on a SRV_CALL, NET_ROOT, V_NET_ROOT, SRV_OPEN or FOBX. Does nothing for anything else: FCBs have
/// [`RxpReferenceNetFcb`]. IRQL <= APC_LEVEL.
///
/// # Safety
/// The pointer is a number and is not followed.
#[unsafe(no_mangle)]
#[expect(non_snake_case, reason = "documented names")]
pub unsafe extern "system" fn RxReference(Instance: Object) {
    let _none_of_ours = with(|door| match door.get(number(Instance))? {
        Handle::SrvCall(id) => door.tree.reference_srv_call(id),
        Handle::NetRoot(id) => door.tree.reference_net_root(id),
        Handle::VNetRoot(id) => door.tree.reference_v_net_root(id),
        Handle::SrvOpen(id) => door.tree.reference_srv_open(id),
        Handle::Fobx(id) => door.tree.reference_fobx(id),
        Handle::Fcb(_) | Handle::Context(_) => Err(Status::INVALID_PARAMETER),
    });
}

/// Gives back a reference that a caller holds; the last one finalises the object, whatever `LockHoldingState` says: the
/// routine takes the lock by itself. The reference that a FOBX was made with closes it. Does nothing for an object that no
/// caller holds a reference on, nor for an FCB. IRQL <= APC_LEVEL.
///
/// # Safety
/// The pointer is a number and is not followed.
#[unsafe(no_mangle)]
#[expect(non_snake_case, reason = "documented names")]
pub unsafe extern "system" fn RxDereference(Instance: Object, LockHoldingState: i32) {
    let _unused = LockHoldingState;
    let _none_of_ours = with(|door| {
        let mut effects = Effects::new();
        let tree_result = match door.get(number(Instance))? {
            Handle::SrvCall(id) => door.tree.dereference_srv_call(id, &mut effects),
            Handle::NetRoot(id) => door.tree.dereference_net_root(id, &mut effects),
            Handle::VNetRoot(id) => door.tree.dereference_v_net_root(id, &mut effects),
            Handle::SrvOpen(id) => door.tree.dereference_srv_open(id, &mut effects),
            Handle::Fobx(id) => match door.tree.dereference_fobx(id, &mut effects) {
                Err(Status::INVALID_PARAMETER) => {
                    door.tree.finalize_fobx(id, false, &mut effects).map(|_| ())
                }
                given_back => given_back,
            },
            Handle::Fcb(_) | Handle::Context(_) => Err(Status::INVALID_PARAMETER),
        };
        door.perform(effects);
        tree_result
    });
}

/// Takes a reference on an FCB. IRQL <= APC_LEVEL. The result is how many there are then, 0 for anything else.
///
/// # Safety
/// The pointer is a number and is not followed.
#[unsafe(no_mangle)]
#[expect(non_snake_case, reason = "documented names")]
pub unsafe extern "system" fn RxpReferenceNetFcb(Fcb: Object) -> i32 {
    let references = with(|door| {
        let id = door.fcb(number(Fcb))?;
        door.tree.reference_fcb(id)?;
        Ok(door.tree.fcb(id)?.references())
    });
    count(references)
}

/// Gives back a reference that a caller holds on an FCB. IRQL <= APC_LEVEL. The result is how many are left: 0 when it is gone,
/// as it is with the last of them, or no caller held one.
///
/// # Safety
/// The pointer is a number and is not followed.
#[unsafe(no_mangle)]
#[expect(non_snake_case, reason = "documented names")]
pub unsafe extern "system" fn RxpDereferenceNetFcb(Fcb: Object) -> i32 {
    count(with(|door| dereference_fcb(door, number(Fcb))))
}

/// As [`RxpDereferenceNetFcb`]; dormant opens go first. TRUE when the FCB is gone. `RxContext` and the other parameters change
/// nothing: an FCB is never forced. IRQL <= APC_LEVEL.
///
/// # Safety
/// The pointer is a number and is not followed.
#[unsafe(no_mangle)]
#[expect(non_snake_case, reason = "documented names")]
pub unsafe extern "system" fn RxpDereferenceAndFinalizeNetFcb(
    Fcb: Object,
    RxContext: Object,
    RecursiveFinalize: u8,
    ForceFinalize: u8,
) -> u8 {
    let _unused = (RxContext, RecursiveFinalize, ForceFinalize);
    let gone = with(|door| {
        let id = door.fcb(number(Fcb))?;
        let mut effects = Effects::new();
        door.tree.scavenge_fcb(id, &mut effects);
        door.perform(effects);
        Ok(dereference_fcb(door, number(Fcb))? == 0)
    });
    u8::from(gone.unwrap_or(false))
}

fn dereference_fcb(door: &mut Door, number: usize) -> nt::Result<u32> {
    let id = door.fcb(number)?;
    let mut effects = Effects::new();
    door.tree.dereference_fcb(id, &mut effects)?;
    door.perform(effects);
    Ok(door.tree.fcb(id).map_or(0, |fcb| fcb.references()))
}

fn count(references: nt::Result<u32>) -> i32 {
    i32::try_from(references.unwrap_or(0)).unwrap_or(i32::MAX)
}

/// Sets the domain of a SRV_CALL; a null or empty name clears it. IRQL <= APC_LEVEL.
///
/// STATUS_SUCCESS; STATUS_INSUFFICIENT_RESOURCES; STATUS_INVALID_PARAMETER for a stale server or a malformed name.
///
/// # Safety
/// The name is null or valid.
#[unsafe(no_mangle)]
#[expect(non_snake_case, reason = "documented names")]
pub unsafe extern "system" fn RxSetSrvCallDomainName(
    SrvCall: Object,
    DomainName: *const UnicodeString,
) -> NtStatus {
    // SAFETY: handed down.
    let name = unsafe { read_name(DomainName) };
    let set = name.and_then(|name| {
        with(|door| {
            let id = door.srv_call(number(SrvCall))?;
            door.tree.set_srv_call_domain_name(id, name.as_name())
        })
    });
    ntstatus(set.err().unwrap_or(Status::SUCCESS))
}

/// An RX_CONTEXT for work of the mini-redirector's own. `Irp`, `RxDeviceObject` and `InitialContextFlags` are not used.
/// IRQL <= APC_LEVEL. Null when there is no memory.
///
/// # Safety
/// Nothing is looked at.
#[unsafe(no_mangle)]
#[expect(non_snake_case, reason = "documented names")]
pub unsafe extern "system" fn RxCreateRxContext(
    Irp: *const c_void,
    RxDeviceObject: *const c_void,
    InitialContextFlags: u32,
) -> Object {
    let _unused = (Irp, RxDeviceObject, InitialContextFlags);
    let made = with(|door| begin(door, Owner::Device, MajorFunction::DEVICE_CONTROL, 0));
    made.map_or(ptr::null_mut(), opaque)
}

/// Registers a request.
pub(crate) fn begin(door: &mut Door, owner: Owner, major: MajorFunction, minor: u8) -> nt::Result<usize> {
    door.reserve()?;
    let id = door.tree.begin_request(Request {
        owner,
        major,
        minor,
        cancellable: true,
        extension: (),
    })?;
    Ok(door.number_of(Handle::Context(id)))
}

/// Says what is called when a request is cancelled, once, without a lock held; null: nothing. IRQL <= APC_LEVEL.
///
/// STATUS_SUCCESS; STATUS_CANCELLED when it has been cancelled already, so that its owner must end it by itself;
/// STATUS_INVALID_PARAMETER; STATUS_INSUFFICIENT_RESOURCES.
///
/// # Safety
/// The routine can be called with the request until that has ended, on any thread that cancels it.
#[unsafe(no_mangle)]
#[expect(non_snake_case, reason = "documented names")]
pub unsafe extern "system" fn RxSetMinirdrCancelRoutine(
    RxContext: Object,
    MRxCancelRoutine: Option<CancelRoutine>,
) -> NtStatus {
    let set = with(|door| {
        let id = door.context(number(RxContext))?;
        door.set_cancel_routine(id, MRxCancelRoutine)
    });
    ntstatus(set.err().unwrap_or(Status::SUCCESS))
}

/// Ends a request: its cancel routine is not called from then on, unless it runs already. Does nothing for anything else.
/// IRQL <= APC_LEVEL.
///
/// # Safety
/// The pointer is a number and is not followed.
#[unsafe(no_mangle)]
#[expect(non_snake_case, reason = "documented names")]
pub unsafe extern "system" fn RxDereferenceAndDeleteRxContext(RxContext: Object) {
    let _none_of_ours = with(|door| {
        let id = door.context(number(RxContext))?;
        door.forget_cancel_routine(id);
        let mut effects = Effects::new();
        door.tree.end_request(id, &mut effects)?;
        door.perform(effects);
        Ok(())
    });
}
