//! Making objects: SRV_CALL, NET_ROOT, V_NET_ROOT, FCB, SRV_OPEN, FOBX.

use super::door::{Door, Handle, with};
use super::{Object, number, opaque};
use crate::abi::UnicodeString;
use core::ffi::c_void;
use core::ptr;
use nt::{Name, NameBuf, Status};
use rdbss::{
    Condition, Connect, ConnectRequest, Creation, Effects, LogonId, MajorFunction, Making, NetRootId, Owner,
    PathName, Request, ServerName, Shorten, SrvCallId,
};

/// A copy of a name; empty for a null pointer.
///
/// # Safety
/// `string` is null, or points to a name whose buffer holds as much as it says.
pub(crate) unsafe fn read_name(string: *const UnicodeString) -> nt::Result<NameBuf> {
    // SAFETY: by the caller's word.
    match unsafe { string.as_ref() } {
        // SAFETY: by the caller's word.
        Some(string) => unsafe { string.copy() },
        None => Ok(NameBuf::new()),
    }
}

fn or_null(made: nt::Result<usize>) -> Object {
    made.map_or(ptr::null_mut(), opaque)
}

/// Makes a SRV_CALL named `Name` (`\server` or `\server@port`); or finds it; the caller holds a reference.
/// `InnerNamePrefix` and `RxConnectionId` are not used. IRQL <= APC_LEVEL. Null when the name is none, or there
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
    let context = door.context(context)?;
    let server = name
        .as_name()
        .split_at(1)
        .filter(|(slash, _)| slash.first() == Some(u16::from(b'\\')))
        .ok_or(Status::OBJECT_NAME_INVALID)?;
    let server = ServerName::parse(server.1)?;
    door.reserve()?;
    let id = match door.tree.create_srv_call(&server, context)? {
        Making::Found(id) => id,
        // Nobody else makes anything while the lock is held.
        Making::Wait => return Err(Status::CONNECTION_IN_USE),
        Making::Make(id) => {
            let mut effects = Effects::new();
            door.tree.srv_call_good(id, (), &mut effects)?;
            door.perform(effects);
            id
        }
    };
    Ok(door.number_of(Handle::SrvCall(id)))
}

/// Makes a NET_ROOT named `Name` (`\server\share`) of `SrvCall`, or finds it; the caller holds a reference. `NetRootFlags` and
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
    let srv_call = door.srv_call(srv_call)?;
    let name = PathName::parse(name.as_name())?;
    if name.drive.is_some() || !is_server(door, srv_call, &name)? {
        return Err(Status::INVALID_PARAMETER);
    }
    door.reserve()?;
    // The documented routine has no context of its own.
    let context = door.tree.begin_request(Request {
        owner: Owner::Device,
        major: MajorFunction::CREATE,
        minor: 0,
        cancellable: false,
        extension: (),
    })?;
    let mut effects = Effects::new();
    let made = match door.tree.create_net_root(srv_call, name.path, context) {
        Ok(Making::Found(id)) => Ok(id),
        // Nobody else makes anything while the lock is held.
        Ok(Making::Wait) => Err(Status::CONNECTION_IN_USE),
        Ok(Making::Make(id)) => door.tree.net_root_good(id, (), &mut effects).map(|()| id),
        Err(status) => Err(status),
    };
    door.tree.end_request(context, &mut effects)?;
    door.perform(effects);
    made.map(|id| door.number_of(Handle::NetRoot(id)))
}

/// Whether a name is of something on a server.
fn is_server(door: &Door, id: SrvCallId, name: &PathName<'_>) -> nt::Result<bool> {
    let srv_call = door.tree.srv_call(id)?;
    let port = name.server.port.unwrap_or(door.tree.config().default_port);
    Ok(srv_call.port() == port && srv_call.host().eq_ignore_case(name.server.host))
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
    let net_root = door.net_root(net_root)?;
    let (front, rest) = canonical.split_at(local.len()).ok_or(Status::INVALID_PARAMETER)?;
    let name = PathName::parse(canonical)?;
    let parent = door.tree.net_root(net_root)?;
    // What was taken away is not made anew.
    let good = parent.condition() == Condition::Good;
    let fits = front.eq_ignore_case(local)
        && PathName::parse(rest)?.drive.is_none()
        && is_server(door, parent.srv_call(), &name)?
        && is_below(name.path, parent.share());
    if !good || !fits {
        return Err(Status::INVALID_PARAMETER);
    }
    let share = parent.share().len();
    door.reserve()?;
    let request = ConnectRequest {
        name,
        logon: name.logon.unwrap_or(LogonId(0)),
        user: None,
        context,
    };
    let mut effects = Effects::new();
    let creation = match door.tree.connect(&request)? {
        Connect::Found(id) if door.tree.v_net_root(id)?.net_root() == net_root => {
            return Ok(door.number_of(Handle::VNetRoot(id)));
        }
        Connect::Found(id) => {
            door.tree.dereference_v_net_root(id, &mut effects)?;
            door.perform(effects);
            return Err(Status::INVALID_PARAMETER);
        }
        // Nobody else makes anything while the lock is held.
        Connect::Wait => return Err(Status::CONNECTION_IN_USE),
        Connect::Create(creation) => creation,
    };
    let made = finish(door, creation, share, &request, &mut effects);
    let result = match made {
        Ok(id) if id == net_root => Ok(door.number_of(Handle::VNetRoot(creation.v_net_root))),
        Ok(_) => Err(Status::INVALID_PARAMETER),
        Err(status) => Err(status),
    };
    if let Err(status) = result {
        let failed = door
            .tree
            .connect_failed(creation.v_net_root, status, &mut effects);
        if failed.is_err() {
            // It was good already: the reference goes the usual way.
            let _given_back = door
                .tree
                .dereference_v_net_root(creation.v_net_root, &mut effects);
        }
    }
    door.perform(effects);
    result
}

/// Makes good what the connect has begun, and says which NET_ROOT the view belongs to. There is no network to ask.
fn finish(
    door: &mut Door,
    creation: Creation,
    share: usize,
    request: &ConnectRequest<'_>,
    effects: &mut Effects<()>,
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

/// Makes the FCB named `Name` (empty, or from a backslash on) below the share of `VNetRoot`, or finds it; the caller holds a
/// reference. IRQL <= APC_LEVEL. Null when the name is none, the view is stale or was taken away, `RxContext` was cancelled,
/// the file is about to go, or there is no memory.
///
/// # Safety
/// The name is null or valid.
#[unsafe(no_mangle)]
#[expect(non_snake_case, reason = "documented names")]
pub unsafe extern "system" fn RxCreateNetFcb(
    RxContext: Object,
    VNetRoot: Object,
    Name: *const UnicodeString,
) -> Object {
    // SAFETY: handed down.
    let name = unsafe { read_name(Name) };
    or_null(name.and_then(|name| {
        with(|door| {
            let context = door.context(number(RxContext))?;
            door.tree.check_request(context)?;
            let view = door.v_net_root(number(VNetRoot))?;
            check_path(name.as_name())?;
            door.reserve()?;
            let id = door.tree.create_fcb(view, name.as_name())?;
            Ok(door.number_of(Handle::Fcb(id)))
        })
    }))
}

/// Empty, or a path with a leading backslash.
fn check_path(path: Name<'_>) -> nt::Result {
    match path.strip_unit(u16::from(b'\\')) {
        Some(rest) if !rest.is_empty() => rdbss::names::check_relative(rest),
        _ if path.is_empty() => Ok(()),
        _ => Err(Status::OBJECT_NAME_INVALID),
    }
}

/// Makes a SRV_OPEN of `Fcb` by `VNetRoot`; the caller holds a reference. IRQL <= APC_LEVEL. Null when either is stale or was
/// taken away, they are of different shares, or there is no memory.
///
/// # Safety
/// The pointers are numbers and are not followed.
#[unsafe(no_mangle)]
#[expect(non_snake_case, reason = "documented names")]
pub unsafe extern "system" fn RxCreateSrvOpen(VNetRoot: Object, Fcb: Object) -> Object {
    or_null(with(|door| {
        let view = door.v_net_root(number(VNetRoot))?;
        let fcb = door.fcb(number(Fcb))?;
        door.reserve()?;
        let id = door.tree.create_srv_open(view, fcb, ())?;
        Ok(door.number_of(Handle::SrvOpen(id)))
    }))
}

/// Makes a FOBX of `MrxSrvOpen`: an open handle, of which the caller holds the one reference. IRQL <= APC_LEVEL. Null when the
/// open is stale, closed or was taken away, `RxContext` was cancelled, or there is no memory.
///
/// # Safety
/// The pointers are numbers and are not followed.
#[unsafe(no_mangle)]
#[expect(non_snake_case, reason = "documented names")]
pub unsafe extern "system" fn RxCreateNetFobx(RxContext: Object, MrxSrvOpen: Object) -> Object {
    or_null(with(|door| {
        let context = door.context(number(RxContext))?;
        door.tree.check_request(context)?;
        let srv_open = door.srv_open(number(MrxSrvOpen))?;
        door.reserve()?;
        let id = door.tree.create_fobx(srv_open, ())?;
        Ok(door.number_of(Handle::Fobx(id)))
    }))
}
