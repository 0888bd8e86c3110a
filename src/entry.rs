//! DriverEntry and the unload routine.

use core::fmt;
use core::ptr::NonNull;

use executive::stack::{self, Entrance};
use nt::Status;
use wdk_sys::{DRIVER_OBJECT, NTSTATUS, PCUNICODE_STRING};

use crate::dispatch::dispatch;
use crate::driver::Driver;
use crate::{pool, unicode};

/// The driver's entry point.
///
/// # Safety
/// Called by the I/O manager alone, at PASSIVE_LEVEL, with a driver object and the path of the service's registry key.
// SAFETY: the name is the one that the image's entry point must have, and no other symbol has it.
#[unsafe(export_name = "DriverEntry")]
pub(crate) unsafe extern "system" fn driver_entry(
    driver: &mut DRIVER_OBJECT,
    registry_path: PCUNICODE_STRING,
) -> NTSTATUS {
    let _inside = stack::enter(Entrance::Load);
    // SAFETY: the I/O manager's word: null (which it never is) or a string that lives as long as this call.
    let path = unsafe { registry_path.as_ref() };
    // SAFETY: as above.
    let path = path.map_or(nt::Name::new(&[]), |path| unsafe { unicode::view(path) });
    driver.DriverUnload = Some(unload);
    driver.MajorFunction.fill(Some(dispatch));
    match Driver::start(NonNull::from(driver), path) {
        Ok(started) => {
            started.publish();
            Status::SUCCESS.as_ntstatus()
        }
        Err(status) => {
            wdk::println!("mrx9p: cannot start: {status}; {Outstanding}");
            status.as_ntstatus()
        }
    }
}

/// The unload routine: takes everything apart and says whether anything was left behind.
///
/// # Safety
/// Called by the I/O manager alone, at PASSIVE_LEVEL, once, after a DriverEntry that succeeded, when no handle is open.
pub(crate) unsafe extern "C" fn unload(driver: *mut DRIVER_OBJECT) {
    let _inside = stack::enter(Entrance::Load);
    // SAFETY: the I/O manager passes the driver object that DriverEntry saw.
    let device = unsafe { (*driver).DeviceObject };
    if !device.is_null() {
        // SAFETY: the driver's one device, whose context is taken below and not before.
        if let Some(started) = unsafe { Driver::of(device) } {
            started.device().leave_mup();
        }
        // SAFETY: the driver's one device; without a handle, and without MUP, there is no request either.
        if let Some(started) = unsafe { Driver::take(device) } {
            started.stop();
        }
    }
    wdk::println!("mrx9p: unloaded, {Outstanding}");
}

/// What was allocated and not freed, in the words that tests look for.
struct Outstanding;

impl fmt::Display for Outstanding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let usage = pool::usage();
        write!(
            f,
            "pool allocations outstanding: {} ({} B)",
            usage.live_blocks, usage.live_bytes
        )
    }
}
