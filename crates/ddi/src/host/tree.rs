//! What stands above the object tree, played for C programs: opens, requests, added connections. `include/rxprocshost.h`.

use super::answer;
use crate::abi::{NtStatus, UnicodeString};
use crate::rx::{Handle, Object, number, opaque, start, stop, with};
use core::ptr;
use nt::{AccessMask, CreateOptions, ShareAccess, Status};
use rdbss::{BeginOpen, DriveLetter, Effects, FcbKind, LogonId, MajorFunction, OpenRequest, Opened, Owner};

/// Sets up the object tree.
///
/// STATUS_SUCCESS; STATUS_REDIRECTOR_STARTED; STATUS_INSUFFICIENT_RESOURCES.
#[unsafe(no_mangle)]
pub extern "system" fn RxHostInitialize() -> NtStatus {
    answer(start(0x5EED, 564))
}

/// Takes it down.
///
/// STATUS_SUCCESS; STATUS_REDIRECTOR_NOT_STARTED; STATUS_REDIRECTOR_HAS_OPEN_HANDLES while anything is in it.
#[unsafe(no_mangle)]
pub extern "system" fn RxHostUninitialize() -> NtStatus {
    answer(stop())
}

/// Takes the reference that adding a connection takes; STATUS_CONNECTION_ACTIVE when it has been taken.
#[unsafe(no_mangle)]
#[expect(non_snake_case, reason = "named like the routines that it goes with")]
pub extern "system" fn RxHostAddConnection(VNetRoot: Object) -> NtStatus {
    answer(with(|door| {
        let id = door.v_net_root(number(VNetRoot))?;
        if door.tree.take_connection_reference(id)? {
            Ok(())
        } else {
            Err(Status::CONNECTION_ACTIVE)
        }
    }))
}

/// Opens `Path` below a V_NET_ROOT, as a file or a directory.
///
/// STATUS_SUCCESS; what the tree says of it.
///
/// # Safety
/// The name is null or valid; `Fobx` points to room for the answer.
#[unsafe(no_mangle)]
#[expect(non_snake_case, reason = "named like the routines that it goes with")]
pub unsafe extern "system" fn RxHostOpen(
    VNetRoot: Object,
    Path: *const UnicodeString,
    Directory: u8,
    Fobx: *mut Object,
) -> NtStatus {
    // SAFETY: handed down.
    let begun = unsafe { RxHostBeginOpen(VNetRoot, Path, Directory, Fobx) };
    if begun != 0 {
        return begun;
    }
    // SAFETY: by the caller's word; just written.
    let fobx = unsafe { Fobx.read() };
    RxHostCompleteOpen(fobx, Directory)
}

/// The first half of [`RxHostOpen`]: the server has not answered yet.
///
/// STATUS_SUCCESS; what the tree says of it.
///
/// # Safety
/// The name is null or valid; `Fobx` points to room for the answer.
#[unsafe(no_mangle)]
#[expect(non_snake_case, reason = "named like the routines that it goes with")]
pub unsafe extern "system" fn RxHostBeginOpen(
    VNetRoot: Object,
    Path: *const UnicodeString,
    Directory: u8,
    Fobx: *mut Object,
) -> NtStatus {
    // SAFETY: handed down.
    let path = unsafe { crate::rx::read_name(Path) };
    let begun = path.and_then(|path| {
        with(|door| {
            let v_net_root = door.v_net_root(number(VNetRoot))?;
            door.reserve()?;
            let mut effects: Effects<()> = Effects::new();
            let begun = door.tree.begin_open(
                &OpenRequest {
                    v_net_root,
                    path: path.as_name(),
                    desired_access: AccessMask::from_bits_retain(1),
                    share_access: ShareAccess::all(),
                    options: options(Directory),
                    unc_name: false,
                    collapse: None,
                    context: None,
                },
                &mut effects,
            );
            drop(effects);
            match begun? {
                BeginOpen::Begun(opening) => Ok(door.number_of(Handle::Fobx(opening.fobx))),
                BeginOpen::Wait => Err(Status::PENDING),
            }
        })
    });
    let handle = begun.map_or(ptr::null_mut(), opaque);
    // SAFETY: by the caller's word.
    unsafe { Fobx.write(handle) };
    answer(begun.map(drop))
}

fn options(directory: u8) -> CreateOptions {
    if directory != 0 {
        CreateOptions::DIRECTORY_FILE
    } else {
        CreateOptions::NON_DIRECTORY_FILE
    }
}

/// The second half: the server has opened the file.
///
/// STATUS_SUCCESS; what the tree says of it.
#[unsafe(no_mangle)]
#[expect(non_snake_case, reason = "named like the routines that it goes with")]
pub extern "system" fn RxHostCompleteOpen(Fobx: Object, Directory: u8) -> NtStatus {
    answer(with(|door| {
        let id = door.fobx(number(Fobx))?;
        let opened = Opened {
            srv_open: Some(()),
            fobx: (),
            fcb: Some(()),
            kind: if Directory != 0 {
                FcbKind::Directory
            } else {
                FcbKind::File
            },
            collapsible: false,
            delays_close: false,
        };
        let mut effects: Effects<()> = Effects::new();
        let completed = door.tree.complete_open(id, Ok(opened), &mut effects);
        drop(effects);
        completed
    }))
}

/// Cleans a handle up and closes it.
///
/// STATUS_SUCCESS; STATUS_INVALID_PARAMETER for a stale handle.
#[unsafe(no_mangle)]
#[expect(non_snake_case, reason = "named like the routines that it goes with")]
pub extern "system" fn RxHostClose(Fobx: Object) -> NtStatus {
    answer(with(|door| {
        let id = door.fobx(number(Fobx))?;
        let mut effects: Effects<()> = Effects::new();
        let _cleanup = door.tree.cleanup(id, &mut effects)?;
        let closed = door.tree.close(id, &mut effects);
        door.perform(effects);
        closed
    }))
}

/// Gives a request the file of a handle to itself, until it ends.
///
/// STATUS_SUCCESS; STATUS_LOCK_NOT_GRANTED when another has it.
#[unsafe(no_mangle)]
#[expect(non_snake_case, reason = "named like the routines that it goes with")]
pub extern "system" fn RxHostAcquireExclusiveFcb(RxContext: Object, Fobx: Object) -> NtStatus {
    answer(with(|door| {
        let context = door.context(number(RxContext))?;
        let fobx = door.fobx(number(Fobx))?;
        let fcb = door.tree.srv_open(door.tree.fobx(fobx)?.srv_open())?.fcb();
        door.tree.lock_fcb(fcb, context)
    }))
}

/// Cancels a request, as its IRP would be.
///
/// STATUS_SUCCESS.
#[unsafe(no_mangle)]
#[expect(non_snake_case, reason = "named like the routines that it goes with")]
pub extern "system" fn RxHostCancel(RxContext: Object) -> NtStatus {
    answer(with(|door| {
        let id = door.context(number(RxContext))?;
        let mut effects: Effects<()> = Effects::new();
        let cancelled = door.tree.cancel_request(id, &mut effects);
        door.perform(effects);
        cancelled
    }))
}

/// Says on whose behalf the finalising routines are called from now on; null: nobody's.
///
/// STATUS_SUCCESS.
#[unsafe(no_mangle)]
#[expect(non_snake_case, reason = "named like the routines that it goes with")]
pub extern "system" fn RxHostActFor(RxContext: Object) -> NtStatus {
    answer(with(|door| {
        door.caller = match number(RxContext) {
            0 => None,
            context => Some(door.context(context)?),
        };
        Ok(())
    }))
}

/// Begins a request on a handle.
///
/// STATUS_SUCCESS; STATUS_UNEXPECTED_NETWORK_ERROR on one whose connection was taken away; what else the tree says of it.
///
/// # Safety
/// `RxContext` points to room for the answer.
#[unsafe(no_mangle)]
#[expect(non_snake_case, reason = "named like the routines that it goes with")]
pub unsafe extern "system" fn RxHostBeginRequest(
    Fobx: Object,
    MajorFunctionCode: u8,
    MinorFunctionCode: u8,
    RxContext: *mut Object,
) -> NtStatus {
    let begun = with(|door| {
        let owner = Owner::Fobx(door.fobx(number(Fobx))?);
        crate::rx::begin(door, owner, MajorFunction(MajorFunctionCode), MinorFunctionCode)
    });
    let context = begun.map_or(ptr::null_mut(), opaque);
    // SAFETY: by the caller's word.
    unsafe { RxContext.write(context) };
    answer(begun.map(drop))
}

/// Whether a request is to end.
#[unsafe(no_mangle)]
#[expect(non_snake_case, reason = "named like the routines that it goes with")]
pub extern "system" fn RxHostIsCancelled(RxContext: Object) -> u8 {
    let cancelled = with(|door| {
        let id = door.context(number(RxContext))?;
        Ok(door.tree.context(id)?.is_cancelled())
    });
    u8::from(cancelled.unwrap_or(false))
}

/// The V_NET_ROOT that a drive letter leads to; null when it leads nowhere.
#[unsafe(no_mangle)]
#[expect(non_snake_case, reason = "named like the routines that it goes with")]
pub extern "system" fn RxHostFindDrive(Letter: u16) -> Object {
    let found = with(|door| {
        let drive = DriveLetter::new(Letter).ok_or(Status::INVALID_PARAMETER)?;
        let id = door.tree.find_connection(drive, LogonId(0));
        id.and_then(|id| door.known(Handle::VNetRoot(id)))
            .ok_or(Status::INVALID_PARAMETER)
    });
    found.map_or(ptr::null_mut(), opaque)
}

/// How often an object is referenced, all told; zero when it is gone.
#[unsafe(no_mangle)]
#[expect(non_snake_case, reason = "named like the routines that it goes with")]
pub extern "system" fn RxHostReferences(Instance: Object) -> u32 {
    let references = with(|door| {
        Ok(match door.get(number(Instance))? {
            Handle::SrvCall(id) => door.tree.srv_call(id)?.references(),
            Handle::NetRoot(id) => door.tree.net_root(id)?.references(),
            Handle::VNetRoot(id) => door.tree.v_net_root(id)?.references(),
            Handle::Fcb(id) => door.tree.fcb(id)?.references(),
            Handle::SrvOpen(id) => door.tree.srv_open(id)?.references(),
            Handle::Fobx(id) => door.tree.fobx(id)?.references(),
            Handle::Context(_) => 1,
        })
    });
    references.unwrap_or(0)
}
