//! The mrx9p driver.
#![no_std]

#[cfg(feature = "downlevel")]
mod downlevel;

use core::ptr;
use wdk_alloc::WdkAllocator;
use wdk_sys::ntddk::{
    IoCreateDevice, IoCreateSymbolicLink, IoDeleteDevice, IoDeleteSymbolicLink, IofCompleteRequest,
    RtlInitUnicodeString,
};
use wdk_sys::{
    DEVICE_OBJECT, DRIVER_OBJECT, FALSE, FILE_DEVICE_NETWORK_FILE_SYSTEM, FILE_DEVICE_SECURE_OPEN,
    IO_NO_INCREMENT, IRP, IRP_MJ_CLEANUP, IRP_MJ_CLOSE, IRP_MJ_CREATE, IRP_MJ_DEVICE_CONTROL, NTSTATUS,
    PCUNICODE_STRING, STATUS_INVALID_DEVICE_REQUEST, STATUS_SUCCESS, UNICODE_STRING,
};
#[cfg(not(test))]
extern crate wdk_panic;

#[global_allocator]
static ALLOCATOR: WdkAllocator = WdkAllocator;

/// `\Device\Mrx9p`, NUL-terminated.
static DEVICE_NAME: [u16; 14] = wide(b"\\Device\\Mrx9p\0");
/// `\DosDevices\Global\Mrx9p`, NUL-terminated.
static LINK_NAME: [u16; 25] = wide(b"\\DosDevices\\Global\\Mrx9p\0");

/// FILE_DEVICE_NETWORK_FILE_SYSTEM, function 0x800, METHOD_BUFFERED, FILE_ANY_ACCESS.
const IOCTL_QUERY_VERSION: u32 = (FILE_DEVICE_NETWORK_FILE_SYSTEM << 16) | (0x800 << 2);

const fn wide<const N: usize>(text: &[u8; N]) -> [u16; N] {
    let mut units = [0; N];
    let mut at = 0;
    while at < N {
        units[at] = text[at] as u16;
        at += 1;
    }
    units
}

fn counted(text: &'static [u16]) -> UNICODE_STRING {
    let mut name = UNICODE_STRING::default();
    // SAFETY: `text` is NUL-terminated and lives for ever.
    unsafe { RtlInitUnicodeString(&raw mut name, text.as_ptr()) };
    name
}

/// The driver's entry point.
///
/// # Safety
/// Called by the I/O manager alone, at PASSIVE_LEVEL, with a valid driver object.
// SAFETY: the name is the one that the image's entry point must have, and no other symbol has it.
#[unsafe(export_name = "DriverEntry")]
pub unsafe extern "system" fn driver_entry(
    driver: &mut DRIVER_OBJECT,
    _registry: PCUNICODE_STRING,
) -> NTSTATUS {
    wdk::println!("mrx9p: loading");
    driver.DriverUnload = Some(unload);
    for major in [IRP_MJ_CREATE, IRP_MJ_CLEANUP, IRP_MJ_CLOSE, IRP_MJ_DEVICE_CONTROL] {
        driver.MajorFunction[major as usize] = Some(dispatch);
    }
    let mut name = counted(&DEVICE_NAME);
    let mut device = ptr::null_mut();
    // SAFETY: the arguments live through the call; the driver object is the one being initialised.
    let status = unsafe {
        IoCreateDevice(
            driver,
            0,
            &raw mut name,
            FILE_DEVICE_NETWORK_FILE_SYSTEM,
            FILE_DEVICE_SECURE_OPEN,
            FALSE as u8,
            &raw mut device,
        )
    };
    if !wdk::nt_success(status) {
        return status;
    }
    let mut link = counted(&LINK_NAME);
    // SAFETY: both names live through the call.
    let status = unsafe { IoCreateSymbolicLink(&raw mut link, &raw mut name) };
    if !wdk::nt_success(status) {
        // SAFETY: the device was made above and nobody else refers to it.
        unsafe { IoDeleteDevice(device) };
    }
    status
}

unsafe extern "C" fn unload(driver: *mut DRIVER_OBJECT) {
    let mut link = counted(&LINK_NAME);
    // SAFETY: the name lives through the call.
    let _ = unsafe { IoDeleteSymbolicLink(&raw mut link) };
    // SAFETY: the I/O manager passes the driver object that DriverEntry saw.
    let device = unsafe { (*driver).DeviceObject };
    if !device.is_null() {
        // SAFETY: the device is ours and no handle to it is open any more.
        unsafe { IoDeleteDevice(device) };
    }
    wdk::println!("mrx9p: unloaded");
}

unsafe extern "C" fn dispatch(_device: *mut DEVICE_OBJECT, irp: *mut IRP) -> NTSTATUS {
    // SAFETY: the I/O manager passes a valid IRP that is ours until it is completed.
    let request = unsafe { &mut *irp };
    // SAFETY: an IRP in dispatch uses this arm of its tail.
    let overlay = unsafe { &request.Tail.Overlay };
    // SAFETY: an IRP in dispatch has a current stack location.
    let location = unsafe { overlay.__bindgen_anon_2.__bindgen_anon_1.CurrentStackLocation };
    // SAFETY: as above; the location stays valid until the IRP is completed.
    let location = unsafe { &*location };
    let (status, information) = if u32::from(location.MajorFunction) == IRP_MJ_DEVICE_CONTROL {
        // SAFETY: the union's arm follows the major function.
        let parameters = unsafe { location.Parameters.DeviceIoControl };
        if parameters.IoControlCode == IOCTL_QUERY_VERSION && parameters.OutputBufferLength >= 4 {
            // SAFETY: the transfer method is METHOD_BUFFERED: this is the system buffer's arm.
            let buffer: *mut u32 = unsafe { request.AssociatedIrp.SystemBuffer }.cast();
            // SAFETY: the system buffer is at least as long as the output buffer.
            unsafe { buffer.write_unaligned(1) };
            (STATUS_SUCCESS, 4)
        } else {
            (STATUS_INVALID_DEVICE_REQUEST, 0)
        }
    } else {
        (STATUS_SUCCESS, 0)
    };
    request.IoStatus.__bindgen_anon_1.Status = status;
    request.IoStatus.Information = information;
    // SAFETY: the IRP is ours and is not touched after this.
    unsafe { IofCompleteRequest(irp, IO_NO_INCREMENT as i8) };
    status
}
