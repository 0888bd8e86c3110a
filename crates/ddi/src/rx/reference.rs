//! References, and the contexts on whose behalf things are made.

use super::door::{Door, Handle, perform, with};
use super::{Object, number, opaque};
use core::ffi::c_void;
use core::ptr;
use nt::Status;
use rdbss::{Effects, MajorFunction, Owner, Request};

/// Takes a reference on a SRV_CALL, NET_ROOT, V_NET_ROOT or FOBX. Does nothing for anything else. IRQL <= APC_LEVEL.
///
/// # Safety
/// The pointer is a number and is not followed.
#[unsafe(no_mangle)]
#[expect(non_snake_case, reason = "documented names")]
pub unsafe extern "system" fn RxReference(Instance: Object) {
    let _none_of_ours = with(|door| reference(door, number(Instance)));
}

pub(super) fn reference(door: &mut Door, number: usize) -> nt::Result {
    match door.get_mut(number)? {
        Handle::SrvCall(handle) if handle.id.is_none() => handle.references += 1,
        Handle::NetRoot(handle) if handle.id.is_none() => handle.references += 1,
        Handle::SrvCall(handle) => {
            let id = handle.id.ok_or(Status::INVALID_PARAMETER)?;
            door.tree.reference_srv_call(id)?;
        }
        Handle::NetRoot(handle) => {
            let id = handle.id.ok_or(Status::INVALID_PARAMETER)?;
            door.tree.reference_net_root(id)?;
        }
        Handle::VNetRoot { id, .. } => {
            let id = *id;
            door.tree.reference_v_net_root(id)?;
        }
        Handle::Fobx { id, .. } => {
            let id = *id;
            door.tree.reference_fobx(id)?;
        }
        Handle::Context(_) => return Err(Status::INVALID_PARAMETER),
    }
    Ok(())
}

/// Gives back a reference that a caller holds; the last one finalises the object, whatever `LockHoldingState` says: the
/// routine takes the lock by itself. Does nothing for an object that no caller holds a reference on. IRQL <= APC_LEVEL.
///
/// # Safety
/// The pointer is a number and is not followed.
#[unsafe(no_mangle)]
#[expect(non_snake_case, reason = "documented names")]
pub unsafe extern "system" fn RxDereference(Instance: Object, LockHoldingState: i32) {
    let _unused = LockHoldingState;
    let _none_of_ours = with(|door| dereference(door, number(Instance)));
}

pub(super) fn dereference(door: &mut Door, number: usize) -> nt::Result {
    let mut effects = Effects::new();
    match door.get_mut(number)? {
        Handle::SrvCall(handle) if handle.id.is_none() => {
            handle.references = handle.references.saturating_sub(1);
            if handle.references == 0 {
                door.forget(number);
            }
            return Ok(());
        }
        Handle::NetRoot(handle) if handle.id.is_none() => {
            handle.references = handle.references.saturating_sub(1);
            let (srv_call, left) = (handle.srv_call, handle.references);
            if left == 0 {
                door.forget(number);
                // That of the share on its server.
                return dereference(door, srv_call);
            }
            return Ok(());
        }
        Handle::SrvCall(handle) => {
            let id = handle.id.ok_or(Status::INVALID_PARAMETER)?;
            door.tree.dereference_srv_call(id, &mut effects)?;
        }
        Handle::NetRoot(handle) => {
            let id = handle.id.ok_or(Status::INVALID_PARAMETER)?;
            door.tree.dereference_net_root(id, &mut effects)?;
        }
        Handle::VNetRoot { id, .. } => {
            let id = *id;
            door.tree.dereference_v_net_root(id, &mut effects)?;
        }
        Handle::Fobx { id, .. } => {
            let id = *id;
            door.tree.dereference_fobx(id, &mut effects)?;
        }
        Handle::Context(_) => return Err(Status::INVALID_PARAMETER),
    }
    door.tidy(number);
    perform(effects);
    Ok(())
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
    Ok(door.add(Handle::Context(id)))
}

/// Ends a request. Does nothing for anything else. IRQL <= APC_LEVEL.
///
/// # Safety
/// The pointer is a number and is not followed.
#[unsafe(no_mangle)]
#[expect(non_snake_case, reason = "documented names")]
pub unsafe extern "system" fn RxDereferenceAndDeleteRxContext(RxContext: Object) {
    let _none_of_ours = with(|door| {
        let number = number(RxContext);
        let id = door.context(number)?;
        let mut effects = Effects::new();
        door.tree.end_request(id, &mut effects)?;
        door.forget(number);
        perform(effects);
        Ok(())
    });
}
