//! `UNICODE_STRING` at the border: views of ours for the kernel, views of the kernel's for us; and what is asked for by name.

use nt::{Name, Status};
use wdk_sys::ntddk::MmGetSystemRoutineAddress;
use wdk_sys::{PVOID, UNICODE_STRING};

/// Describes `units` for a kernel routine that only reads the string for the length of its call.
///
/// # Errors
/// `NAME_TOO_LONG` beyond the 65535 bytes that a `UNICODE_STRING` can count.
pub(crate) fn describe(units: &[u16]) -> nt::Result<UNICODE_STRING> {
    let bytes = u16::try_from(size_of_val(units)).map_err(|_| Status::NAME_TOO_LONG)?;
    Ok(UNICODE_STRING {
        Length: bytes,
        MaximumLength: bytes,
        Buffer: units.as_ptr().cast_mut(),
    })
}

/// The units that `string` counts; a missing buffer is an empty name.
///
/// # Safety
/// `string.Buffer`, where not null, points to `string.Length` readable bytes, aligned for `u16`, which nobody writes to
/// during `'a`.
pub(crate) unsafe fn view<'a>(string: &UNICODE_STRING) -> Name<'a> {
    if string.Buffer.is_null() {
        return Name::new(&[]);
    }
    let units = usize::from(string.Length) / size_of::<u16>();
    // SAFETY: the caller's word.
    Name::new(unsafe { core::slice::from_raw_parts(string.Buffer, units) })
}

/// The kernel's export of that name. IRQL = PASSIVE_LEVEL.
pub(crate) fn routine(name: &[u16]) -> Option<PVOID> {
    let mut name = describe(name).ok()?;
    // SAFETY: the name lives through the call. PASSIVE_LEVEL.
    let address = unsafe { MmGetSystemRoutineAddress(&raw mut name) };
    (!address.is_null()).then_some(address)
}
