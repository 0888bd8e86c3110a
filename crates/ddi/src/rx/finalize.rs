//! Taking connections, views, shares and servers away.

use super::door::{Door, with};
use super::{Object, number};
use crate::abi::{NtStatus, ntstatus};
use nt::Status;
use rdbss::{Effects, Level};

/// Takes a connection away: one V_NET_ROOT, or all of `NetRoot` if `VNetRoot` is null. `ForceFilesClosed`: FALSE, not while
/// files or change notifications are open; TRUE, whatever is open; 0xff, as FALSE, but the reference that adding the
/// connection took goes in any case. IRQL <= APC_LEVEL.
///
/// STATUS_SUCCESS; STATUS_CANCELLED; STATUS_FILES_OPEN; STATUS_CONNECTION_IN_USE; STATUS_LOCK_NOT_GRANTED; STATUS_INVALID_PARAMETER for a stale
/// object, a view of another share, or another value of the level.
///
/// # Safety
/// The pointers are numbers and are not followed.
#[unsafe(no_mangle)]
#[expect(non_snake_case, reason = "documented names")]
pub unsafe extern "system" fn RxFinalizeConnection(
    NetRoot: Object,
    VNetRoot: Object,
    ForceFilesClosed: u32,
) -> NtStatus {
    let level = Level::from_raw(ForceFilesClosed);
    let result = level.and_then(|level| {
        with(|door| {
            finalize_connection(
                door,
                number(NetRoot),
                Some(number(VNetRoot)).filter(|&v| v != 0),
                level,
            )
        })
    });
    ntstatus(result.err().unwrap_or(Status::SUCCESS))
}

fn finalize_connection(
    door: &mut Door,
    net_root: usize,
    v_net_root: Option<usize>,
    level: Level,
) -> nt::Result {
    let id = door.net_root(net_root)?;
    let view = match v_net_root {
        Some(number) => Some(door.v_net_root(number)?),
        None => None,
    };
    let mut effects = Effects::new();
    let caller = door.caller;
    let result = door
        .tree
        .finalize_connection(id, view, level, caller, &mut effects);
    door.perform(effects);
    result
}

/// Takes all V_NET_ROOTs of a NET_ROOT away by force. IRQL <= APC_LEVEL.
///
/// # Safety
/// The pointer is a number and is not followed.
#[unsafe(no_mangle)]
#[expect(non_snake_case, reason = "documented names")]
pub unsafe extern "system" fn RxForceFinalizeAllVNetRoots(NetRoot: Object) {
    let _none_of_ours = finalize(|door, effects| {
        let id = door.net_root(number(NetRoot))?;
        door.tree
            .force_finalize_all_v_net_roots(id, door.caller, effects)?;
        Ok(true)
    });
}

/// Runs a finalisation of one object; FALSE for anything that is none.
fn finalize(body: impl FnOnce(&mut Door, &mut Effects<()>) -> nt::Result<bool>) -> u8 {
    let gone = with(|door| {
        let mut effects = Effects::new();
        let gone = body(door, &mut effects);
        door.perform(effects);
        gone
    });
    u8::from(gone.unwrap_or(false))
}

/// Finalises a V_NET_ROOT: unless `ForceFinalize`, only one that nobody uses, and such a one is gone already. TRUE when it is
/// gone, memory and all; FALSE when somebody still holds it, or it was stale before. `RecursiveFinalize` changes nothing: what
/// is open below is orphaned. IRQL <= APC_LEVEL.
///
/// # Safety
/// The pointer is a number and is not followed.
#[unsafe(no_mangle)]
#[expect(non_snake_case, reason = "documented names")]
pub unsafe extern "system" fn RxFinalizeVNetRoot(
    ThisVNetRoot: Object,
    RecursiveFinalize: u8,
    ForceFinalize: u8,
) -> u8 {
    let _unused = RecursiveFinalize;
    finalize(|door, effects| {
        let id = door.v_net_root(number(ThisVNetRoot))?;
        door.tree
            .finalize_v_net_root(id, ForceFinalize != 0, door.caller, effects)
    })
}

/// Finalises a NET_ROOT with all of its V_NET_ROOTs; otherwise as [`RxFinalizeVNetRoot`].
///
/// # Safety
/// The pointer is a number and is not followed.
#[unsafe(no_mangle)]
#[expect(non_snake_case, reason = "documented names")]
pub unsafe extern "system" fn RxFinalizeNetRoot(
    ThisNetRoot: Object,
    RecursiveFinalize: u8,
    ForceFinalize: u8,
) -> u8 {
    let _unused = RecursiveFinalize;
    finalize(|door, effects| {
        let id = door.net_root(number(ThisNetRoot))?;
        door.tree
            .finalize_net_root(id, ForceFinalize != 0, door.caller, effects)
    })
}

/// Finalises a SRV_CALL with all of its NET_ROOTs; otherwise as [`RxFinalizeVNetRoot`].
///
/// # Safety
/// The pointer is a number and is not followed.
#[unsafe(no_mangle)]
#[expect(non_snake_case, reason = "documented names")]
pub unsafe extern "system" fn RxFinalizeSrvCall(ThisSrvCall: Object, ForceFinalize: u8) -> u8 {
    finalize(|door, effects| {
        let id = door.srv_call(number(ThisSrvCall))?;
        door.tree
            .finalize_srv_call(id, ForceFinalize != 0, door.caller, effects)
    })
}

/// Finalises an FCB that nobody uses; `RecursiveFinalize` and `ForceFinalize` change nothing, as an FCB is never forced, and
/// dormant opens go in any case. TRUE when it is gone; what `ReferenceCount` says is not
/// looked at. IRQL <= APC_LEVEL.
///
/// # Safety
/// The pointer is a number and is not followed.
#[unsafe(no_mangle)]
#[expect(non_snake_case, reason = "documented names")]
pub unsafe extern "system" fn RxFinalizeNetFcb(
    ThisFcb: Object,
    RecursiveFinalize: u8,
    ForceFinalize: u8,
    ReferenceCount: i32,
) -> u8 {
    let _unused = (RecursiveFinalize, ForceFinalize, ReferenceCount);
    finalize(|door, effects| {
        let id = door.fcb(number(ThisFcb))?;
        door.tree.finalize_fcb(id, effects)
    })
}

/// Finalises a SRV_OPEN: a dormant one is closed; with `ForceFinalize` any is, and its handles are orphaned. TRUE when it is
/// gone, memory and all. `RecursiveFinalize` changes nothing. IRQL <= APC_LEVEL.
///
/// # Safety
/// The pointer is a number and is not followed.
#[unsafe(no_mangle)]
#[expect(non_snake_case, reason = "documented names")]
pub unsafe extern "system" fn RxFinalizeSrvOpen(
    ThisSrvOpen: Object,
    RecursiveFinalize: u8,
    ForceFinalize: u8,
) -> u8 {
    let _unused = RecursiveFinalize;
    finalize(|door, effects| {
        let id = door.srv_open(number(ThisSrvOpen))?;
        door.tree.finalize_srv_open(id, ForceFinalize != 0, effects)
    })
}

/// Finalises a FOBX: closes a handle that nothing but itself holds, or any with `ForceFinalize`. TRUE when it is gone, memory
/// and all. `RecursiveFinalize` changes nothing. IRQL <= APC_LEVEL.
///
/// # Safety
/// The pointer is a number and is not followed.
#[unsafe(no_mangle)]
#[expect(non_snake_case, reason = "documented names")]
pub unsafe extern "system" fn RxFinalizeNetFobx(
    ThisFobx: Object,
    RecursiveFinalize: u8,
    ForceFinalize: u8,
) -> u8 {
    let _unused = RecursiveFinalize;
    finalize(|door, effects| {
        let id = door.fobx(number(ThisFobx))?;
        door.tree.finalize_fobx(id, ForceFinalize != 0, effects)
    })
}
