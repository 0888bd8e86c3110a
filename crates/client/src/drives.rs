//! Drive letters: symbolic links in the caller's own view of the object manager.

use std::ptr;

use windows_sys::Win32::Foundation::{
    ERROR_FILE_NOT_FOUND, ERROR_INSUFFICIENT_BUFFER, ERROR_NOT_ENOUGH_MEMORY, GetLastError,
};
use windows_sys::Win32::Storage::FileSystem::{
    DDD_EXACT_MATCH_ON_REMOVE, DDD_NO_BROADCAST_SYSTEM, DDD_RAW_TARGET_PATH, DDD_REMOVE_DEFINITION,
    DefineDosDeviceW, QueryDosDeviceW,
};

use crate::names::DriveLetter;

/// Enough for any target that we make, and for most that others make.
const FIRST_TRY_UNITS: usize = 2048;
/// `QueryDosDeviceW` gives whole lists of targets; beyond this length something is wrong.
const MOST_UNITS: usize = 64 * 1024;

/// What the drive stands for: the topmost target of its link, `None` when the letter is free. Errors are Win32 codes.
pub fn query(drive: DriveLetter) -> Result<Option<Vec<u16>>, u32> {
    let name = terminated(&drive.units());
    let mut buffer = Vec::new();
    let mut length = FIRST_TRY_UNITS;
    loop {
        buffer
            .try_reserve_exact(length)
            .map_err(|_| ERROR_NOT_ENOUGH_MEMORY)?;
        buffer.resize(length, 0_u16);
        let capacity = u32::try_from(buffer.len()).map_err(|_| ERROR_NOT_ENOUGH_MEMORY)?;
        // SAFETY: the name is NUL-terminated and the buffer is `capacity` units long.
        let written = unsafe { QueryDosDeviceW(name.as_ptr(), buffer.as_mut_ptr(), capacity) };
        if written != 0 {
            // The first string is the link that counts; older definitions of the letter follow it.
            let target = buffer.split(|&unit| unit == 0).next().unwrap_or_default();
            return Ok(Some(target.to_vec()));
        }
        // SAFETY: no arguments; reads the calling thread's last error.
        match unsafe { GetLastError() } {
            ERROR_FILE_NOT_FOUND => return Ok(None),
            ERROR_INSUFFICIENT_BUFFER if length < MOST_UNITS => length = length.saturating_mul(4),
            error => return Err(error),
        }
    }
}

/// Makes the drive stand for `target`, a name in the object manager (`\Device\…`). Errors are Win32 codes.
pub fn define(drive: DriveLetter, target: &[u16]) -> Result<(), u32> {
    change(DDD_RAW_TARGET_PATH | DDD_NO_BROADCAST_SYSTEM, drive, Some(target))
}

/// Takes exactly this definition of the drive away again. Errors are Win32 codes.
pub fn remove(drive: DriveLetter, target: &[u16]) -> Result<(), u32> {
    let flags =
        DDD_REMOVE_DEFINITION | DDD_EXACT_MATCH_ON_REMOVE | DDD_RAW_TARGET_PATH | DDD_NO_BROADCAST_SYSTEM;
    change(flags, drive, Some(target))
}

fn change(flags: u32, drive: DriveLetter, target: Option<&[u16]>) -> Result<(), u32> {
    let name = terminated(&drive.units());
    let target = target.map(terminated);
    let target = target.as_ref().map_or(ptr::null(), |units| units.as_ptr());
    // SAFETY: both strings are NUL-terminated and live through the call.
    if unsafe { DefineDosDeviceW(flags, name.as_ptr(), target) } != 0 {
        return Ok(());
    }
    // SAFETY: no arguments; reads the calling thread's last error.
    Err(unsafe { GetLastError() })
}

/// The units with a NUL behind them; an embedded NUL ends the name early, as it does for Windows.
pub(crate) fn terminated(units: &[u16]) -> Vec<u16> {
    let mut name: Vec<u16> = units.iter().copied().take_while(|&unit| unit != 0).collect();
    name.push(0);
    name
}
