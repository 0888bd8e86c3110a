//! Making SRV_CALL, NET_ROOT and V_NET_ROOT.

use super::door::{Door, Handle, NetRootHandle, SrvCallHandle, perform, with};
use super::reference::{dereference, reference};
use super::{Object, number, opaque};
use crate::abi::UnicodeString;
use core::ffi::c_void;
use core::ptr;
use core::slice;
use nt::{Name, NameBuf, Status};
use rdbss::{
    Connect, ConnectRequest, Creation, Effects, LogonId, NetRootId, PathName, ServerName, Shorten, VNetRootId,
};

/// A copy of a name; empty for a null pointer.
///
/// # Safety
/// `string` is null, or points to a name whose buffer holds as much as it says.
pub(crate) unsafe fn read_name(string: *const UnicodeString) -> nt::Result<NameBuf> {
    // SAFETY: by the caller's word.
    let Some(string) = (unsafe { string.as_ref() }) else {
        return Ok(NameBuf::default());
    };
    if string.length == 0 {
        return Ok(NameBuf::default());
    }
    let well_formed = string.length.is_multiple_of(2)
        && string.length <= string.maximum_length
        && !string.buffer.is_null()
        && string.buffer.is_aligned();
    if !well_formed {
        return Err(Status::INVALID_PARAMETER);
    }
    // SAFETY: by the caller's word that many bytes are there; aligned.
    let units = unsafe { slice::from_raw_parts(string.buffer, usize::from(string.length / 2)) };
    NameBuf::try_from_units(units)
}

fn or_null(made: nt::Result<usize>) -> Object {
    made.map_or(ptr::null_mut(), opaque)
}

/// Makes a SRV_CALL named `Name` (`\server` or `\server@port`); the caller holds a reference. Its name is found once it has a
/// V_NET_ROOT. `InnerNamePrefix` and `RxConnectionId` are not used. IRQL <= APC_LEVEL. Null when the name is none, or there
/// is no memory.
///
/// # Safety
/// The names are null or valid.
#[unsafe(no_mangle)]
#[expect(non_snake_case, reason = "documented names")]
pub unsafe extern "system" fn RxCreateSrvCall(
    RxContext: Object,
    Name: *const UnicodeString,
    InnerNamePrefix: *const UnicodeString,
    RxConnectionId: *const c_void,
) -> Object {
    let _unused = (InnerNamePrefix, RxConnectionId);
    // SAFETY: handed down.
    let name = unsafe { read_name(Name) };
    or_null(name.and_then(|name| with(|door| create_srv_call(door, number(RxContext), name))))
}

fn create_srv_call(door: &mut Door, context: usize, name: NameBuf) -> nt::Result<usize> {
    door.context(context)?;
    let server = name
        .as_name()
        .split_at(1)
        .filter(|(slash, _)| slash.first() == Some(u16::from(b'\\')))
        .ok_or(Status::OBJECT_NAME_INVALID)?;
    ServerName::parse(server.1)?;
    door.reserve()?;
    Ok(door.add(Handle::SrvCall(SrvCallHandle {
        name,
        references: 1,
        id: None,
    })))
}

/// Makes a NET_ROOT named `Name` (`\server\share`) of `SrvCall`; the caller holds a reference. `NetRootFlags` and
/// `RxConnectionId` are not used. As [`RxCreateSrvCall`]; null also when the server is stale or not the name's.
///
/// # Safety
/// The name is null or valid.
#[unsafe(no_mangle)]
#[expect(non_snake_case, reason = "documented names")]
pub unsafe extern "system" fn RxCreateNetRoot(
    SrvCall: Object,
    Name: *const UnicodeString,
    NetRootFlags: u32,
    RxConnectionId: *const c_void,
) -> Object {
    let _unused = (NetRootFlags, RxConnectionId);
    // SAFETY: handed down.
    let name = unsafe { read_name(Name) };
    or_null(name.and_then(|name| with(|door| create_net_root(door, number(SrvCall), name))))
}

fn create_net_root(door: &mut Door, srv_call: usize, name: NameBuf) -> nt::Result<usize> {
    let parent = door.srv_call(srv_call)?;
    PathName::parse(name.as_name())?;
    if !is_below(name.as_name(), parent.name.as_name()) {
        return Err(Status::INVALID_PARAMETER);
    }
    door.reserve()?;
    // Given back once the tree counts it by itself.
    reference(door, srv_call)?;
    Ok(door.add(Handle::NetRoot(NetRootHandle {
        name,
        srv_call,
        references: 1,
        id: None,
    })))
}

/// Whether `name` is `prefix`, or goes on after it with a new component.
fn is_below(name: Name<'_>, prefix: Name<'_>) -> bool {
    name.split_at(prefix.len()).is_some_and(|(front, rest)| {
        front.eq_ignore_case(prefix) && (rest.is_empty() || rest.first() == Some(u16::from(b'\\')))
    })
}

/// Makes a V_NET_ROOT of `NetRoot`, or finds the one without a drive letter; the caller holds a reference. `LocalNetRootName`
/// is `\;X:`, or null or empty for one without a drive letter; `CanonicalName` is that and the name of the NET_ROOT, perhaps
/// with more components, which are put before every path. `FilePath` and `RxConnectionId` are not used. IRQL <= APC_LEVEL.
///
/// Null when a name is none or does not fit, an object is stale, the drive letter is taken, `RxContext` was cancelled, or
/// there is no memory.
///
/// # Safety
/// The names are null or valid.
#[unsafe(no_mangle)]
#[expect(non_snake_case, reason = "documented names")]
pub unsafe extern "system" fn RxCreateVNetRoot(
    RxContext: Object,
    NetRoot: Object,
    CanonicalName: *const UnicodeString,
    LocalNetRootName: *const UnicodeString,
    FilePath: *const UnicodeString,
    RxConnectionId: *const c_void,
) -> Object {
    let _unused = (FilePath, RxConnectionId);
    // SAFETY: handed down.
    let canonical = unsafe { read_name(CanonicalName) };
    // SAFETY: handed down.
    let local = unsafe { read_name(LocalNetRootName) };
    or_null(canonical.and_then(|canonical| {
        let local = local?;
        with(|door| {
            let names = (canonical.as_name(), local.as_name());
            create_v_net_root(door, number(RxContext), number(NetRoot), names)
        })
    }))
}

fn create_v_net_root(
    door: &mut Door,
    context: usize,
    net_root: usize,
    (canonical, local): (Name<'_>, Name<'_>),
) -> nt::Result<usize> {
    let context = door.context(context)?;
    let parent = door.net_root(net_root)?;
    let (front, rest) = canonical.split_at(local.len()).ok_or(Status::INVALID_PARAMETER)?;
    if !front.eq_ignore_case(local) || !is_below(rest, parent.name.as_name()) {
        return Err(Status::INVALID_PARAMETER);
    }
    let name = PathName::parse(canonical)?;
    let share = PathName::parse(parent.name.as_name())?.path.len();
    let known = parent.id;
    door.reserve()?;
    let request = ConnectRequest {
        name,
        logon: name.logon.unwrap_or(LogonId(0)),
        user: None,
        context,
    };
    let creation = match door.tree.connect(&request)? {
        Connect::Found(id) => return Ok(found(door, id, net_root)),
        // Nobody else makes anything while the lock is held.
        Connect::Wait => return Err(Status::CONNECTION_IN_USE),
        Connect::Create(creation) => creation,
    };
    let mut effects = Effects::new();
    let made = finish(door, creation, share, &request, &mut effects);
    let fits = made.and_then(|id| match known {
        Some(known) if known != id => Err(Status::INVALID_PARAMETER),
        _ => Ok(id),
    });
    match fits {
        Ok(id) => {
            bind(door, net_root, id)?;
            perform(effects);
            Ok(door.add(Handle::VNetRoot {
                id: creation.v_net_root,
                net_root,
            }))
        }
        Err(status) => {
            let failed = door
                .tree
                .connect_failed(creation.v_net_root, status, &mut effects);
            if failed.is_err() {
                // It was good already: the reference goes the usual way.
                let _given_back = door
                    .tree
                    .dereference_v_net_root(creation.v_net_root, &mut effects);
            }
            perform(effects);
            Err(status)
        }
    }
}

/// The number of a V_NET_ROOT that was there already.
fn found(door: &mut Door, id: VNetRootId, net_root: usize) -> usize {
    match door.view(id) {
        Some(number) => number,
        None => door.add(Handle::VNetRoot { id, net_root }),
    }
}

/// Makes good what the connect has begun, and says which NET_ROOT the view belongs to. There is no network to ask.
fn finish(
    door: &mut Door,
    creation: Creation,
    share: usize,
    request: &ConnectRequest<'_>,
    effects: &mut Effects<super::Opaque>,
) -> nt::Result<NetRootId> {
    let tree = &mut door.tree;
    if creation.new_srv_call {
        tree.srv_call_good(creation.srv_call, (), effects)?;
    }
    let (mut net_root, mut new) = (creation.net_root, creation.new_net_root);
    if share < request.name.path.len() {
        match tree.shorten_share(creation.v_net_root, share, request.context, effects)? {
            Shorten::Renamed => {}
            Shorten::Joined(other) => (net_root, new) = (other, false),
            Shorten::Wait => return Err(Status::CONNECTION_IN_USE),
        }
    }
    if new {
        tree.net_root_good(net_root, (), effects)?;
    }
    tree.v_net_root_good(creation.v_net_root, (), effects)?;
    Ok(net_root)
}

/// Brings the callers' references on a NET_ROOT and its SRV_CALL to where they belong, once both are in the tree.
fn bind(door: &mut Door, net_root: usize, id: NetRootId) -> nt::Result {
    let (srv_call, held) = match door.get_mut(net_root)? {
        Handle::NetRoot(handle) if handle.id.is_none() => {
            handle.id = Some(id);
            (handle.srv_call, core::mem::take(&mut handle.references))
        }
        _ => return Ok(()),
    };
    for _ in 0..held {
        door.tree.reference_net_root(id)?;
    }
    let srv_call_id = door.tree.net_root(id)?.srv_call();
    if let Handle::SrvCall(handle) = door.get_mut(srv_call)?
        && handle.id.is_none()
    {
        handle.id = Some(srv_call_id);
        for _ in 0..core::mem::take(&mut handle.references) {
            door.tree.reference_srv_call(srv_call_id)?;
        }
    }
    // That of the NET_ROOT, which the tree counts by itself from now on.
    dereference(door, srv_call)
}
