//! The documented entry points of a network provider. Each is a thunk: pointers become checked slices, safe code
//! does the work, results are stored back. No panic leaves the DLL.
//!
//! UNSAFETY: the callers are the Multiple Provider Router and programs that load the DLL themselves. What their
//! pointers must satisfy is the documented contract of each function: strings are NULL or NUL-terminated,
//! structures and counters are NULL or valid for the call, buffers are as long as stated. Lengths are bounded
//! here all the same: a missing NUL is found after a fixed number of units instead of being chased.
#![expect(unsafe_code, reason = "the C entry points; everything behind them is safe")]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::{ptr, slice};

use client::names::{ConnectionName, MAX_CONNECTION_UNITS};
use client::registry;
use ioctl::connection::MAX_USER_UNITS;
use windows_sys::Win32::Foundation::{HANDLE, HWND};
use windows_sys::Win32::NetworkManagement::WNet::{
    NETRESOURCEW, RESOURCE_CONNECTED, RESOURCETYPE_ANY, RESOURCETYPE_DISK,
};

use crate::caps;
use crate::connect::{self, AddRequest, Redirector};
use crate::enumerate::OPEN;
use crate::packing::Entry;
use crate::system::{Driver, Letters};
use crate::wn::{self, Wn};

/// A local name is two units long; a little more is read so that a longer one is seen to be longer.
const MAX_LOCAL_UNITS: usize = 64;
const MAX_PROVIDER_UNITS: usize = 256;

/// Says what this provider supports, see `WNNC_*`. Does no I/O.
#[unsafe(no_mangle)]
pub extern "system" fn NPGetCaps(index: u32) -> u32 {
    caps::capability(index)
}

/// Connects as [`NPAddConnection3`] with no flags and no owner window.
///
/// # Safety
/// `resource` is NULL or a `NETRESOURCEW` whose strings are NULL or NUL-terminated, as are the other strings.
#[unsafe(no_mangle)]
pub unsafe extern "system" fn NPAddConnection(
    resource: *const NETRESOURCEW,
    password: *const u16,
    user: *const u16,
) -> u32 {
    // SAFETY: the caller's promise is the same one.
    unsafe { NPAddConnection3(ptr::null_mut(), resource, password, user, 0) }
}

/// Connects a drive, or nothing at all (deviceless), to a share.
///
/// The password is not looked at: 9P servers are told a user name and nothing else. No flag changes anything:
/// there is no dialog to show and nothing to remember.
///
/// # Safety
/// `resource` is NULL or a `NETRESOURCEW` whose strings are NULL or NUL-terminated, as are the other strings.
#[unsafe(no_mangle)]
pub unsafe extern "system" fn NPAddConnection3(
    _owner: HWND,
    resource: *const NETRESOURCEW,
    _password: *const u16,
    user: *const u16,
    _flags: u32,
) -> u32 {
    guarded(|| {
        if resource.is_null() {
            return Err(Wn::BAD_POINTER);
        }
        // SAFETY: not NULL, hence a valid structure by the caller's promise; its alignment is not relied on.
        let resource = unsafe { resource.read_unaligned() };
        // SAFETY: the caller's promise about strings, here and below.
        let remote = unsafe { string(resource.lpRemoteName, MAX_CONNECTION_UNITS, Wn::BAD_NETNAME) }?;
        // SAFETY: as above.
        let local = unsafe { string(resource.lpLocalName, MAX_LOCAL_UNITS, Wn::BAD_LOCALNAME) }?;
        // SAFETY: as above.
        let user = unsafe { string(user, MAX_USER_UNITS, Wn::BAD_USER) }?;
        // SAFETY: as above.
        let provider = unsafe { string(resource.lpProvider, MAX_PROVIDER_UNITS, Wn::BAD_NETNAME) }?;
        let request = AddRequest {
            resource_type: resource.dwType,
            local: local.as_deref(),
            remote: remote.as_deref(),
            user: user.as_deref(),
            // The router has compared the name with the registered one already.
            for_us: provider.is_some_and(|name| !name.is_empty()),
        };
        connect::add(&Driver, &Letters, &request)
    })
}

/// Disconnects a drive or a deviceless connection. Without `force` open files refuse it with `WN_OPEN_FILES`; with
/// it they become orphans, which fail from then on and still close.
///
/// # Safety
/// `name` is NULL or NUL-terminated.
#[unsafe(no_mangle)]
pub unsafe extern "system" fn NPCancelConnection(name: *const u16, force: i32) -> u32 {
    guarded(|| {
        // SAFETY: the caller's promise.
        let name = unsafe { string(name, MAX_CONNECTION_UNITS, Wn::NOT_CONNECTED) }?;
        connect::cancel(&Driver, &Letters, &name.unwrap_or_default(), force != 0)
    })
}

/// Gives the remote name of a connected drive. `length` counts UTF-16 units with the NUL; a buffer that is too
/// small gives `WN_MORE_DATA` and the length needed.
///
/// # Safety
/// `local` is NULL or NUL-terminated; `length` is NULL or valid; `remote` is NULL or has room for `*length` units.
#[unsafe(no_mangle)]
pub unsafe extern "system" fn NPGetConnection(local: *const u16, remote: *mut u16, length: *mut u32) -> u32 {
    guarded(|| {
        if length.is_null() {
            return Err(Wn::BAD_POINTER);
        }
        // SAFETY: the caller's promise.
        let local = unsafe { string(local, MAX_LOCAL_UNITS, Wn::NOT_CONNECTED) }?.unwrap_or_default();
        let mut name = connect::remote_of(&Driver, &Letters, &local)?.to_units();
        name.push(0);
        // SAFETY: not NULL, hence valid by the caller's promise.
        let room = unsafe { length.read_unaligned() };
        if remote.is_null() || usize::try_from(room).is_ok_and(|room| room < name.len()) {
            let needed = u32::try_from(name.len()).unwrap_or(u32::MAX);
            // SAFETY: as above.
            unsafe { length.write_unaligned(needed) };
            return Err(Wn::MORE_DATA);
        }
        // SAFETY: the caller's buffer holds `room` units, and the name is no longer than that.
        unsafe { ptr::copy_nonoverlapping(name.as_ptr(), remote, name.len()) };
        Ok(())
    })
}

/// Starts an enumeration of the caller's connections; other scopes are not supported.
///
/// # Safety
/// `handle` is NULL or valid.
#[unsafe(no_mangle)]
pub unsafe extern "system" fn NPOpenEnum(
    scope: u32,
    resource_type: u32,
    _usage: u32,
    _resource: *const NETRESOURCEW,
    handle: *mut HANDLE,
) -> u32 {
    guarded(|| {
        if handle.is_null() {
            return Err(Wn::BAD_POINTER);
        }
        if scope != RESOURCE_CONNECTED {
            return Err(Wn::NOT_SUPPORTED);
        }
        let disks = resource_type == RESOURCETYPE_ANY || resource_type & RESOURCETYPE_DISK != 0;
        let entries = if disks { connected()? } else { Vec::new() };
        let opened = OPEN.open(entries)?;
        let opened = usize::try_from(opened).map_err(|_| Wn::OUT_OF_MEMORY)?;
        // SAFETY: not NULL, hence valid by the caller's promise.
        unsafe { handle.write_unaligned(ptr::without_provenance_mut(opened)) };
        Ok(())
    })
}

/// Gives the next entries: structures from the front of the buffer, strings from its back. `count` is the most that
/// the caller wants and becomes what it got. `WN_MORE_DATA`, with the bytes needed in `size`, when not one entry
/// fits; `WN_NO_MORE_ENTRIES` at the end.
///
/// # Safety
/// `count` and `size` are NULL or valid; `buffer` is NULL or has room for `*size` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "system" fn NPEnumResource(
    handle: HANDLE,
    count: *mut u32,
    buffer: *mut core::ffi::c_void,
    size: *mut u32,
) -> u32 {
    guarded(|| {
        if count.is_null() || size.is_null() || buffer.is_null() {
            return Err(Wn::BAD_POINTER);
        }
        let handle = handle_number(handle)?;
        // SAFETY: not NULL, hence valid by the caller's promise.
        let most = unsafe { count.read_unaligned() };
        // SAFETY: as above.
        let room = unsafe { size.read_unaligned() };
        let (most, room) = (usize::try_from(most), usize::try_from(room));
        let (Ok(most), Ok(room)) = (most, room) else {
            return Err(Wn::BAD_VALUE);
        };
        let bytes = buffer.cast::<u8>();
        // SAFETY: the caller's buffer holds `room` bytes; this gives each of them a value.
        unsafe { ptr::write_bytes(bytes, 0, room) };
        // SAFETY: `room` bytes, just initialised, not used by anyone else during the call.
        let bytes = unsafe { slice::from_raw_parts_mut(bytes, room) };
        let (result, packed) = OPEN.next(handle, bytes, buffer.expose_provenance(), most);
        let given = u32::try_from(packed.count).unwrap_or(0);
        // SAFETY: `count` is valid, see above.
        unsafe { count.write_unaligned(given) };
        if result == Wn::MORE_DATA {
            let needed = u32::try_from(packed.needed).unwrap_or(u32::MAX);
            // SAFETY: `size` is valid, see above.
            unsafe { size.write_unaligned(needed) };
        }
        if result == Wn::SUCCESS {
            Ok(())
        } else {
            Err(result)
        }
    })
}

/// Ends an enumeration.
#[unsafe(no_mangle)]
pub extern "system" fn NPCloseEnum(handle: HANDLE) -> u32 {
    guarded(|| match OPEN.close(handle_number(handle)?) {
        Wn::SUCCESS => Ok(()),
        error => Err(error),
    })
}

/// The caller's connections, each with the name that our provider is registered by. No driver, no connections.
fn connected() -> Result<Vec<Entry>, Wn> {
    let connections = match Driver.connections().map_err(wn::from_status) {
        Ok(connections) => connections,
        Err(Wn::NO_NETWORK) => Vec::new(),
        Err(error) => return Err(error),
    };
    let provider: Vec<u16> = registry::provider_name().encode_utf16().collect();
    let entry = |connection: ConnectionName| Entry {
        local: connection.drive.map(|drive| drive.units().to_vec()),
        remote: connection.remote.to_units(),
        provider: provider.clone(),
    };
    Ok(connections.into_iter().map(entry).collect())
}

fn handle_number(handle: HANDLE) -> Result<u32, Wn> {
    u32::try_from(handle.addr()).map_err(|_| Wn::BAD_HANDLE)
}

/// Runs the body of an entry point: its result as a number, a panic (where panics unwind) as an internal error.
fn guarded(body: impl FnOnce() -> Result<(), Wn>) -> u32 {
    match catch_unwind(AssertUnwindSafe(body)) {
        Ok(Ok(())) => Wn::SUCCESS.0,
        Ok(Err(error)) => error.0,
        Err(_) => Wn::INTERNAL.0,
    }
}

/// Copies a NUL-terminated string of at most `most` units; NULL is `None`, a longer string is the error `long`.
///
/// # Safety
/// `pointer` is NULL or points to a string that ends with NUL.
unsafe fn string(pointer: *const u16, most: usize, long: Wn) -> Result<Option<Vec<u16>>, Wn> {
    if pointer.is_null() {
        return Ok(None);
    }
    let mut units = Vec::new();
    for index in 0..=most {
        // SAFETY: no NUL was met before `index`, so this unit still belongs to the string.
        let at = unsafe { pointer.add(index) };
        // SAFETY: as above; the alignment is not relied on.
        let unit = unsafe { at.read_unaligned() };
        if unit == 0 {
            return Ok(Some(units));
        }
        units.push(unit);
    }
    Err(long)
}
