//! Test driver that builds file objects and IRPs and sends them to mrx9p, where user mode cannot cause them.
#![no_std]

extern crate alloc;

mod control;
#[cfg(feature = "downlevel")]
#[path = "../../../src/downlevel.rs"]
mod downlevel;
mod file;
mod handles;
mod inner;
mod parameters;
mod serve;
mod stack;
mod target;

#[cfg(not(test))]
extern crate wdk_panic;

use wdk_alloc::WdkAllocator;
use wdk_sys::{DRIVER_OBJECT, NTSTATUS, PCUNICODE_STRING};

#[global_allocator]
static ALLOCATOR: WdkAllocator = WdkAllocator;

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
    match control::start(driver) {
        Ok(()) => nt::Status::SUCCESS.as_ntstatus(),
        Err(status) => status.as_ntstatus(),
    }
}
