//! Taking connections, views, shares and servers away.

use super::door::{Door, perform, with};
use super::{Object, number};
use crate::abi::{NtStatus, ntstatus};
use nt::Status;
use rdbss::{Effects, Level, NetRootId, SrvCallId, VNetRootId};

/// Takes a connection away: one V_NET_ROOT, or all of `NetRoot` if `VNetRoot` is null. `ForceFilesClosed`: FALSE, not while
/// files or change notifications are open; TRUE, whatever is open; 0xff, as FALSE, but the reference that adding the
/// connection took goes in any case. IRQL <= APC_LEVEL.
///
/// STATUS_SUCCESS; STATUS_FILES_OPEN; STATUS_CONNECTION_IN_USE; STATUS_LOCK_NOT_GRANTED; STATUS_INVALID_PARAMETER for a stale
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
    let id = door.net_root(net_root)?.id.ok_or(Status::INVALID_PARAMETER)?;
    let view = match v_net_root {
        Some(number) => Some(door.v_net_root(number)?.0),
        None => None,
    };
    let mut effects = Effects::new();
    let result = door.tree.finalize_connection(id, view, level, None, &mut effects);
    match v_net_root {
        Some(number) => door.tidy(number),
        None => door.tidy_below(net_root),
    }
    perform(effects);
    result
}

/// Takes all V_NET_ROOTs of a NET_ROOT away by force. IRQL <= APC_LEVEL.
///
/// # Safety
/// The pointer is a number and is not followed.
#[unsafe(no_mangle)]
#[expect(non_snake_case, reason = "documented names")]
pub unsafe extern "system" fn RxForceFinalizeAllVNetRoots(NetRoot: Object) {
    let _none_of_ours = with(|door| finalize_connection(door, number(NetRoot), None, Level::Force));
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
    answer(with(|door| {
        let (id, net_root) = door.v_net_root(number(ThisVNetRoot))?;
        if ForceFinalize != 0 {
            finalize_connection(door, net_root, Some(number(ThisVNetRoot)), Level::Force)?;
        }
        Ok(door.tree.v_net_root(id).is_err())
    }))
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
    answer(with(|door| {
        let id = door
            .net_root(number(ThisNetRoot))?
            .id
            .ok_or(Status::INVALID_PARAMETER)?;
        if ForceFinalize != 0 {
            finalize_connection(door, number(ThisNetRoot), None, Level::Force)?;
        }
        Ok(door.tree.net_root(id).is_err())
    }))
}

/// Finalises a SRV_CALL with all of its NET_ROOTs; otherwise as [`RxFinalizeVNetRoot`].
///
/// # Safety
/// The pointer is a number and is not followed.
#[unsafe(no_mangle)]
#[expect(non_snake_case, reason = "documented names")]
pub unsafe extern "system" fn RxFinalizeSrvCall(ThisSrvCall: Object, ForceFinalize: u8) -> u8 {
    answer(with(|door| {
        let number = number(ThisSrvCall);
        let id = door.srv_call(number)?.id.ok_or(Status::INVALID_PARAMETER)?;
        if ForceFinalize != 0 {
            while let Some((net_root, view)) = view_of(door, id) {
                let mut effects = Effects::new();
                door.tree
                    .finalize_connection(net_root, Some(view), Level::Force, None, &mut effects)?;
                if let Some(view) = door.view(view) {
                    door.tidy(view);
                }
                perform(effects);
            }
            door.tidy(number);
        }
        Ok(door.tree.srv_call(id).is_err())
    }))
}

/// Some view that is on a server, if one is.
fn view_of(door: &Door, srv_call: SrvCallId) -> Option<(NetRootId, VNetRootId)> {
    door.tree.connections(0, None).find_map(|connection| {
        let net_root = door.tree.v_net_root(connection.v_net_root).ok()?.net_root();
        let on_it = door.tree.net_root(net_root).ok()?.srv_call() == srv_call;
        on_it.then_some((net_root, connection.v_net_root))
    })
}

fn answer(gone: nt::Result<bool>) -> u8 {
    u8::from(gone.unwrap_or(false))
}
