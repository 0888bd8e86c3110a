//! Starting the driver's service. Errors are Win32 codes.

use std::ptr;

use windows_sys::Win32::Foundation::{ERROR_SERVICE_ALREADY_RUNNING, GetLastError};
use windows_sys::Win32::System::Services::{
    CloseServiceHandle, OpenSCManagerW, OpenServiceW, SC_HANDLE, SC_MANAGER_CONNECT, SERVICE_START,
    StartServiceW,
};

use crate::drives::terminated;
use crate::registry::SERVICE_NAME;

/// Loads the driver through the service manager; a driver that is loaded already is fine.
pub fn load() -> Result<(), u32> {
    // SAFETY: no names are passed: the local machine and its active database.
    let manager = Scm::checked(unsafe { OpenSCManagerW(ptr::null(), ptr::null(), SC_MANAGER_CONNECT) })?;
    let units: Vec<u16> = SERVICE_NAME.encode_utf16().collect();
    let name = terminated(&units);
    // SAFETY: the manager is open and the name is NUL-terminated.
    let service = Scm::checked(unsafe { OpenServiceW(manager.0, name.as_ptr(), SERVICE_START) })?;
    // SAFETY: the service is open with the right to start it; no arguments are passed.
    if unsafe { StartServiceW(service.0, 0, ptr::null()) } != 0 {
        return Ok(());
    }
    match last_error() {
        ERROR_SERVICE_ALREADY_RUNNING => Ok(()),
        error => Err(error),
    }
}

struct Scm(SC_HANDLE);

impl Scm {
    fn checked(handle: SC_HANDLE) -> Result<Self, u32> {
        if handle.is_null() {
            Err(last_error())
        } else {
            Ok(Self(handle))
        }
    }
}

impl Drop for Scm {
    fn drop(&mut self) {
        // SAFETY: opened in this module, closed once.
        unsafe { CloseServiceHandle(self.0) };
    }
}

fn last_error() -> u32 {
    // SAFETY: no arguments; reads the calling thread's last error.
    unsafe { GetLastError() }
}
