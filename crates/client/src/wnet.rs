//! The WNet calls that `net use` makes: connect, disconnect, list. Errors are Win32 codes.

use std::ptr;

use windows_sys::Win32::Foundation::{
    ERROR_INVALID_PARAMETER, ERROR_MORE_DATA, ERROR_NO_MORE_ITEMS, ERROR_NOT_ENOUGH_MEMORY, ERROR_SUCCESS,
    HANDLE,
};
use windows_sys::Win32::NetworkManagement::WNet::{
    NETRESOURCEW, RESOURCE_CONNECTED, RESOURCETYPE_DISK, WNetAddConnection2W, WNetCancelConnection2W,
    WNetCloseEnum, WNetEnumResourceW, WNetGetConnectionW, WNetGetLastErrorW, WNetOpenEnumW,
};

use crate::drives::terminated;
use crate::names::DriveLetter;

/// One connection as the Multiple Provider Router lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// The drive, empty for a deviceless connection.
    pub local: String,
    /// `\\host@port\share`.
    pub remote: String,
    /// The provider's registered name.
    pub provider: String,
}

/// The bytes that one enumeration call may fill; grown when a single entry does not fit.
const FIRST_TRY_BYTES: usize = 16 * 1024;
const MOST_BYTES: usize = 1024 * 1024;

/// Maps `remote`, to `local` when there is one. `provider` keeps all other providers out of it.
pub fn add(
    local: Option<DriveLetter>,
    remote: &[u16],
    user: Option<&str>,
    provider: &str,
) -> Result<(), u32> {
    let mut local = local.map(|drive| terminated(&drive.units()));
    let mut remote = terminated(remote);
    let mut provider = wide(provider);
    let user = user.map(wide);
    let resource = NETRESOURCEW {
        dwScope: 0,
        dwType: RESOURCETYPE_DISK,
        dwDisplayType: 0,
        dwUsage: 0,
        lpLocalName: local.as_mut().map_or(ptr::null_mut(), |name| name.as_mut_ptr()),
        lpRemoteName: remote.as_mut_ptr(),
        lpComment: ptr::null_mut(),
        lpProvider: provider.as_mut_ptr(),
    };
    let user = user.as_ref().map_or(ptr::null(), |name| name.as_ptr());
    // SAFETY: every string is NUL-terminated and lives through the call; flags 0 asks for a temporary connection.
    check(unsafe { WNetAddConnection2W(&raw const resource, ptr::null(), user, 0) })
}

/// Unmaps a drive (`X:`) or a deviceless connection (`\\host@port\share`).
pub fn cancel(name: &[u16], force: bool) -> Result<(), u32> {
    let name = terminated(name);
    // SAFETY: the name is NUL-terminated and lives through the call.
    check(unsafe { WNetCancelConnection2W(name.as_ptr(), 0, i32::from(force)) })
}

/// The remote name that `drive` is mapped to.
pub fn remote_name(drive: DriveLetter) -> Result<String, u32> {
    let name = terminated(&drive.units());
    let mut buffer = vec![0_u16; 2048];
    let mut length = buffer.len() as u32;
    // SAFETY: the name is NUL-terminated, the buffer is `length` units long.
    check(unsafe { WNetGetConnectionW(name.as_ptr(), buffer.as_mut_ptr(), &raw mut length) })?;
    Ok(until_nul(&buffer))
}

/// Every connection of every provider.
pub fn connections() -> Result<Vec<Listed>, u32> {
    let mut handle: HANDLE = ptr::null_mut();
    // SAFETY: the handle is a local that lives through the call; no resource is given.
    check(unsafe {
        WNetOpenEnumW(
            RESOURCE_CONNECTED,
            RESOURCETYPE_DISK,
            0,
            ptr::null(),
            &raw mut handle,
        )
    })?;
    let enumeration = Enumeration(handle);
    let mut found = Vec::new();
    let mut bytes = FIRST_TRY_BYTES;
    loop {
        match enumeration.next(bytes, &mut found) {
            Ok(()) => {}
            Err(ERROR_NO_MORE_ITEMS) => return Ok(found),
            Err(ERROR_MORE_DATA) if bytes < MOST_BYTES => bytes = bytes.saturating_mul(4),
            Err(error) => return Err(error),
        }
    }
}

/// The text that a provider left behind with its last extended error on this thread.
pub fn last_extended_error() -> Option<(u32, String)> {
    let mut error = 0;
    let mut text = [0_u16; 512];
    let mut provider = [0_u16; 128];
    // SAFETY: both buffers are as long as stated and the code is a local.
    let result = unsafe {
        WNetGetLastErrorW(
            &raw mut error,
            text.as_mut_ptr(),
            text.len() as u32,
            provider.as_mut_ptr(),
            provider.len() as u32,
        )
    };
    (result == ERROR_SUCCESS && error != 0).then(|| (error, until_nul(&text)))
}

struct Enumeration(HANDLE);

impl Enumeration {
    fn next(&self, bytes: usize, found: &mut Vec<Listed>) -> Result<(), u32> {
        // u64 elements give the alignment that the structures need.
        let mut buffer = Vec::new();
        let words = bytes.div_ceil(size_of::<u64>());
        buffer
            .try_reserve_exact(words)
            .map_err(|_| ERROR_NOT_ENOUGH_MEMORY)?;
        buffer.resize(words, 0_u64);
        let mut count = u32::MAX;
        let mut length = u32::try_from(bytes).map_err(|_| ERROR_INVALID_PARAMETER)?;
        // SAFETY: the enumeration is open, the buffer is at least `length` bytes long.
        check(unsafe {
            WNetEnumResourceW(
                self.0,
                &raw mut count,
                buffer.as_mut_ptr().cast(),
                &raw mut length,
            )
        })?;
        for resource in resources_in(&buffer, count) {
            found.push(Listed {
                local: text_at(resource.lpLocalName, &buffer),
                remote: text_at(resource.lpRemoteName, &buffer),
                provider: text_at(resource.lpProvider, &buffer),
            });
        }
        Ok(())
    }
}

impl Drop for Enumeration {
    fn drop(&mut self) {
        // SAFETY: opened by `connections`, closed once.
        unsafe { WNetCloseEnum(self.0) };
    }
}

/// Local and remote name of the first `count` structures in an enumeration's buffer.
pub(crate) fn names_in(buffer: &[u64], count: u32) -> Vec<(String, String)> {
    let names = |one: &NETRESOURCEW| {
        (
            text_at(one.lpLocalName, buffer),
            text_at(one.lpRemoteName, buffer),
        )
    };
    resources_in(buffer, count).iter().map(names).collect()
}

/// The first `count` structures in an enumeration's buffer; no more than it can hold.
fn resources_in(buffer: &[u64], count: u32) -> &[NETRESOURCEW] {
    let most = size_of_val(buffer)
        .checked_div(size_of::<NETRESOURCEW>())
        .unwrap_or(0);
    let count = usize::try_from(count).unwrap_or(0).min(most);
    // SAFETY: the buffer is initialised, aligned for the structure and at least `count` structures long; integers
    // and raw pointers, which are all that the structure holds, may have any value.
    unsafe { std::slice::from_raw_parts(buffer.as_ptr().cast::<NETRESOURCEW>(), count) }
}

/// The string at `at`, which must lie inside `buffer`: a provider that points elsewhere is not believed.
fn text_at(at: *const u16, buffer: &[u64]) -> String {
    let Some(offset) = at.addr().checked_sub(buffer.as_ptr().addr()) else {
        return String::new();
    };
    let bytes: Vec<u8> = buffer
        .iter()
        .flat_map(|word| word.to_ne_bytes())
        .skip(offset)
        .collect();
    let (pairs, _) = bytes.as_chunks::<2>();
    let units: Vec<u16> = pairs
        .iter()
        .map(|&pair| u16::from_ne_bytes(pair))
        .take_while(|&unit| unit != 0)
        .collect();
    String::from_utf16_lossy(&units)
}

fn until_nul(units: &[u16]) -> String {
    String::from_utf16_lossy(units.split(|&unit| unit == 0).next().unwrap_or_default())
}

fn wide(text: &str) -> Vec<u16> {
    let units: Vec<u16> = text.encode_utf16().collect();
    terminated(&units)
}

fn check(error: u32) -> Result<(), u32> {
    if error == ERROR_SUCCESS {
        Ok(())
    } else {
        Err(error)
    }
}
