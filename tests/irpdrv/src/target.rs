//! Finding mrx9p's device.

use core::ffi::c_void;
use core::ptr::{self, NonNull};
use core::sync::atomic::{AtomicU32, Ordering};
use nt::Status;
use wdk_sys::ntddk::{MmGetSystemRoutineAddress, ObReferenceObjectByName, ObfDereferenceObject};
use wdk_sys::{
    _MODE, DEVICE_OBJECT, DRIVER_OBJECT, DRVO_UNLOAD_INVOKED, FILE_DEVICE_NETWORK_FILE_SYSTEM,
    OBJ_CASE_INSENSITIVE, POBJECT_TYPE, UNICODE_STRING,
};

/// Where a driver object can be: by the type of its service.
static DRIVER_NAMES: [&[u16]; 2] = [&wide(b"\\Driver\\Mrx9p\0"), &wide(b"\\FileSystem\\Mrx9p\0")];

/// ASCII as UTF-16.
pub(crate) const fn wide<const N: usize>(text: &[u8; N]) -> [u16; N] {
    let mut units = [0; N];
    let mut at = 0;
    while at < N {
        // CAST: ASCII.
        units[at] = text[at] as u16;
        at += 1;
    }
    units
}

/// The counted form of NUL-terminated constant text.
pub(crate) fn counted(text: &'static [u16]) -> UNICODE_STRING {
    // CAST: the constants of this driver are short.
    let bytes = size_of_val(text) as u16;
    UNICODE_STRING {
        Length: bytes.saturating_sub(2),
        MaximumLength: bytes,
        Buffer: text.as_ptr().cast_mut(),
    }
}

/// The device of a loaded mrx9p, whose driver object it keeps referenced.
pub(crate) struct Target {
    driver: NonNull<DRIVER_OBJECT>,
    device: NonNull<DEVICE_OBJECT>,
}

// SAFETY: driver and device objects belong to the whole system.
unsafe impl Send for Target {}
// SAFETY: as above; they are only passed on.
unsafe impl Sync for Target {}

impl Target {
    /// Finds it. IRQL = PASSIVE_LEVEL.
    ///
    /// # Errors
    /// NO_SUCH_DEVICE when mrx9p is not loaded or has no file system device.
    pub(crate) fn find() -> nt::Result<Self> {
        let driver = DRIVER_NAMES
            .iter()
            .find_map(|name| driver_by_name(name))
            .ok_or(Status::NO_SUCH_DEVICE)?;
        // From here on the reference is given back by drop.
        let mut target = Target {
            driver,
            device: NonNull::dangling(),
        };
        // SAFETY: the driver object is referenced.
        let mut device = unsafe { (*driver.as_ptr()).DeviceObject };
        while let Some(found) = NonNull::new(device) {
            // SAFETY: the list's devices live as long as the driver is loaded, which tests see to.
            let fields = unsafe { &*found.as_ptr() };
            if fields.DeviceType == FILE_DEVICE_NETWORK_FILE_SYSTEM {
                target.device = found;
                return Ok(target);
            }
            device = fields.NextDevice;
        }
        Err(Status::NO_SUCH_DEVICE)
    }

    pub(crate) fn device(&self) -> *mut DEVICE_OBJECT {
        self.device.as_ptr()
    }

    /// Has the driver object say that an unload has begun, or take that back: what the I/O manager does when it has decided
    /// to unload a driver.
    pub(crate) fn say_unload_begun(&self, begun: bool) {
        // SAFETY: the driver object is referenced; only an address is taken.
        let flags = unsafe { &raw mut (*self.driver.as_ptr()).Flags };
        // SAFETY: aligned and live as part of the object; whoever writes to it does so atomically, here at least.
        let flags = unsafe { AtomicU32::from_ptr(flags) };
        if begun {
            flags.fetch_or(DRVO_UNLOAD_INVOKED, Ordering::SeqCst);
        } else {
            flags.fetch_and(!DRVO_UNLOAD_INVOKED, Ordering::SeqCst);
        }
    }

    /// The stack locations that an IRP for the device needs.
    pub(crate) fn stack_size(&self) -> i8 {
        // SAFETY: the device was found in its driver's list.
        unsafe { (*self.device.as_ptr()).StackSize }
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        // SAFETY: this gives back the reference that `driver_by_name` took.
        let _left = unsafe { ObfDereferenceObject(self.driver.as_ptr().cast()) };
    }
}

/// A referenced driver object.
fn driver_by_name(name: &'static [u16]) -> Option<NonNull<DRIVER_OBJECT>> {
    let kind = driver_object_type()?;
    let mut name = counted(name);
    let mut object: *mut c_void = ptr::null_mut();
    // SAFETY: name and output live through the call; the type is the kernel's own.
    let status = unsafe {
        ObReferenceObjectByName(
            &raw mut name,
            OBJ_CASE_INSENSITIVE,
            ptr::null_mut(),
            0,
            kind,
            _MODE::KernelMode as i8,
            ptr::null_mut(),
            &raw mut object,
        )
    };
    if status < 0 {
        None
    } else {
        NonNull::new(object.cast())
    }
}

/// The value of the kernel's variable IoDriverObjectType, which no header declares.
fn driver_object_type() -> Option<POBJECT_TYPE> {
    static NAME: [u16; 19] = wide(b"IoDriverObjectType\0");
    let mut name = counted(&NAME);
    // SAFETY: the name lives through the call.
    let variable = unsafe { MmGetSystemRoutineAddress(&raw mut name) };
    let variable = NonNull::new(variable.cast::<POBJECT_TYPE>())?;
    // SAFETY: the export of that name is a pointer to the object type, set before any driver runs.
    Some(unsafe { *variable.as_ptr() })
}
