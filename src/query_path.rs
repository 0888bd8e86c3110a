//! IOCTL_REDIR_QUERY_PATH and IOCTL_REDIR_QUERY_PATH_EX: MUP asks whose a path is.
//!
//! Both are METHOD_NEITHER and for callers in the kernel alone: the input holds pointers. The answer,
//! QUERY_PATH_RESPONSE, is one number: how many bytes of the name are ours.

use core::mem::offset_of;
use core::ptr::NonNull;
use core::slice;

use nt::{NameBuf, Status};
use wdk_sys::{IO_SECURITY_CONTEXT, NTSTATUS, UNICODE_STRING};

use crate::driver::Driver;
use crate::irp::{Irp, pend};
use crate::{logon, unicode};

/// `CTL_CODE(FILE_DEVICE_NETWORK_FILE_SYSTEM, 99, METHOD_NEITHER, FILE_ANY_ACCESS)`.
const QUERY_PATH: u32 = 0x0014_018F;
/// The same with function 100.
const QUERY_PATH_EX: u32 = 0x0014_0193;
/// `QUERY_PATH_RESPONSE`, in bytes.
const RESPONSE_BYTES: usize = size_of::<u32>();

/// `QUERY_PATH_REQUEST` up to its name, which follows directly.
#[repr(C)]
#[derive(Clone, Copy)]
struct Request {
    /// In bytes.
    name_length: u32,
    security: *mut IO_SECURITY_CONTEXT,
    name: [u16; 0],
}

/// `QUERY_PATH_REQUEST_EX` up to its name; what follows says nothing to us.
#[repr(C)]
#[derive(Clone, Copy)]
struct RequestEx {
    security: *mut IO_SECURITY_CONTEXT,
    ea_length: u32,
    ea: *mut core::ffi::c_void,
    name: UNICODE_STRING,
}

const _: () = assert!(offset_of!(Request, name) == 16 && size_of::<Request>() == 16);
const _: () = assert!(offset_of!(RequestEx, name) == 24 && size_of::<RequestEx>() == 40);

/// Whether a control code is one of the two.
pub(crate) fn is_query(code: u32) -> bool {
    matches!(code, QUERY_PATH | QUERY_PATH_EX)
}

/// Answers one. A user's is `INVALID_DEVICE_REQUEST`, whatever is in it.
pub(crate) fn query(driver: &Driver, irp: Irp) -> NTSTATUS {
    if !irp.is_from_kernel() {
        return irp.answer(Err(Status::INVALID_DEVICE_REQUEST));
    }
    // SAFETY: this is a DEVICE_CONTROL request from the kernel, whose buffers are what it says.
    let question = unsafe { decode(&irp, driver) };
    let (name, logon, response) = match question {
        Ok(question) => question,
        Err(status) => return irp.answer(Err(status)),
    };
    let redirector = driver.redirector().clone();
    pend(driver.runtime(), irp, move |pending, cancel| async move {
        let claimed = redirector.query_path(name.as_name(), logon, &cancel).await;
        let answered = claimed.and_then(|units| {
            let bytes = u32::try_from(units.saturating_mul(2)).map_err(|_| Status::BAD_NETWORK_PATH)?;
            response.write(bytes);
            Ok((Status::SUCCESS, RESPONSE_BYTES))
        });
        pending.complete(answered);
    })
}

/// Where the answer goes: a caller's in the kernel, valid until its request is completed.
struct Response(NonNull<u32>);

// SAFETY: an address in the kernel, valid in every thread.
unsafe impl Send for Response {}

impl Response {
    /// To be called before the request is completed.
    fn write(&self, bytes: u32) {
        // SAFETY: `decode` saw that there is room, which the caller keeps until completion; alignment is not asked for.
        unsafe { self.0.write_unaligned(bytes) };
    }
}

/// The name, on whose behalf, and where the answer goes.
///
/// # Errors
/// `INVALID_PARAMETER` for buffers that are missing or too short.
///
/// # Safety
/// `irp` is a DEVICE_CONTROL request of one of the two codes whose issuer, in the kernel, vouches for its buffers.
unsafe fn decode(irp: &Irp, driver: &Driver) -> nt::Result<(NameBuf, minirdr::LogonId, Response)> {
    // SAFETY: the caller's word: the parameters are the DeviceIoControl member.
    let parameters = unsafe { irp.stack().Parameters.DeviceIoControl };
    let length = parameters.InputBufferLength as usize;
    let input = NonNull::new(parameters.Type3InputBuffer).ok_or(Status::INVALID_PARAMETER)?;
    let response = NonNull::new(irp.user_buffer()).ok_or(Status::INVALID_PARAMETER)?;
    if (parameters.OutputBufferLength as usize) < RESPONSE_BYTES {
        return Err(Status::INVALID_PARAMETER);
    }
    let (name, security) = if parameters.IoControlCode == QUERY_PATH {
        // SAFETY: the input is `length` bytes long (the caller's word).
        unsafe { plain(input.cast(), length) }?
    } else {
        // SAFETY: as above.
        unsafe { extended(input.cast(), length) }?
    };
    // SAFETY: null, or the security context of who opens the path, which lives as long as the request.
    let logon = unsafe { logon::of_context(security, driver.parameters().global_mappings) }?;
    Ok((name, logon, Response(response.cast())))
}

/// # Safety
/// There are `length` bytes at `input`.
unsafe fn plain(input: NonNull<u8>, length: usize) -> nt::Result<(NameBuf, *mut IO_SECURITY_CONTEXT)> {
    let room = length
        .checked_sub(size_of::<Request>())
        .ok_or(Status::INVALID_PARAMETER)?;
    // SAFETY: there is that much (checked); alignment is not asked for.
    let request = unsafe { input.cast::<Request>().read_unaligned() };
    let bytes = request.name_length as usize;
    if bytes > room || !bytes.is_multiple_of(2) {
        return Err(Status::INVALID_PARAMETER);
    }
    // SAFETY: the name begins there, within the input or at its end.
    let start = unsafe { input.add(size_of::<Request>()) };
    // SAFETY: the name is within the input (checked), which nobody changes while the request is dispatched.
    let name = unsafe { slice::from_raw_parts(start.as_ptr(), bytes) };
    let mut copy = NameBuf::try_with_capacity(bytes / 2)?;
    for unit in name.as_chunks::<2>().0 {
        copy.try_push(u16::from_le_bytes(*unit))?;
    }
    Ok((copy, request.security))
}

/// # Safety
/// There are `length` bytes at `input`, and the name that they describe is there, too.
unsafe fn extended(input: NonNull<u8>, length: usize) -> nt::Result<(NameBuf, *mut IO_SECURITY_CONTEXT)> {
    if length < size_of::<RequestEx>() {
        return Err(Status::INVALID_PARAMETER);
    }
    // SAFETY: there is that much (checked); alignment is not asked for.
    let request = unsafe { input.cast::<RequestEx>().read_unaligned() };
    // SAFETY: the caller's word.
    let name = unsafe { unicode::view(&request.name) };
    Ok((NameBuf::try_from_name(name)?, request.security))
}
