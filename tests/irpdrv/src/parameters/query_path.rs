//! The question that MUP asks of each redirector: whose is this path?

use super::create::Context;
use alloc::vec::Vec;
use core::mem::offset_of;
use core::ptr;
use executive::mem::{AllocError, TryVec, TryZeroed};
use ioctl::irp::ControlFlags;
use nt::Name;
use wdk_sys::{PIO_SECURITY_CONTEXT, PVOID, ULONG, ULONG_PTR, UNICODE_STRING};

/// `IOCTL_REDIR_QUERY_PATH`: CTL_CODE(FILE_DEVICE_NETWORK_FILE_SYSTEM, 99, METHOD_NEITHER, FILE_ANY_ACCESS).
const QUERY_PATH: u32 = 0x14 << 16 | 99 << 2 | 3;
/// `IOCTL_REDIR_QUERY_PATH_EX`: the same with function 100.
const QUERY_PATH_EX: u32 = 0x14 << 16 | 100 << 2 | 3;

/// `GENERIC_READ`, as MUP asks on behalf of whoever opens a file for reading.
const ACCESS: u32 = 0x8000_0000;

/// `QUERY_PATH_REQUEST` up to its name.
#[repr(C)]
struct Request {
    name_length: ULONG,
    security: PIO_SECURITY_CONTEXT,
    name: [u16; 1],
}

/// `QUERY_PATH_REQUEST_EX`.
#[repr(C)]
struct RequestEx {
    security: PIO_SECURITY_CONTEXT,
    ea_length: ULONG,
    ea: PVOID,
    name: UNICODE_STRING,
    domain_service_name: UNICODE_STRING,
    ea_flags: ULONG_PTR,
    reserved: [ULONG_PTR; 3],
}

const _: () = assert!(offset_of!(Request, name) == 16 && offset_of!(RequestEx, name) == 24);

/// A question with everything its record points to.
pub(crate) struct QueryPath {
    pub(crate) flags: ControlFlags,
    /// The record.
    input: Vec<u8>,
    _units: Vec<u16>,
    _context: Context,
}

impl QueryPath {
    pub(crate) fn try_new(flags: ControlFlags, path: Name<'_>) -> Result<Self, AllocError> {
        let context = Context::try_new(ACCESS)?;
        let mut units = Vec::new();
        units.try_extend_from_slice(path.as_units())?;
        let bytes = units.len() * 2;
        let input = if flags.contains(ControlFlags::EXTENDED) {
            // CAST: names are bounded when they are parsed.
            let name = UNICODE_STRING {
                Length: bytes as u16,
                MaximumLength: bytes as u16,
                Buffer: units.as_mut_ptr(),
            };
            extended(&context, name)?
        } else {
            plain(&context, &units)?
        };
        Ok(QueryPath {
            flags,
            input,
            _units: units,
            _context: context,
        })
    }

    pub(super) fn code(&self) -> u32 {
        if self.flags.contains(ControlFlags::EXTENDED) {
            QUERY_PATH_EX
        } else {
            QUERY_PATH
        }
    }

    pub(super) fn input(&self) -> (*mut u8, u32) {
        // CAST: names are bounded when they are parsed.
        (self.input.as_ptr().cast_mut(), self.input.len() as u32)
    }
}

fn plain(context: &Context, units: &[u16]) -> Result<Vec<u8>, AllocError> {
    let mut record = Vec::try_zeroed(offset_of!(Request, name) + units.len() * 2)?;
    let head = Request {
        // CAST: names are bounded when they are parsed.
        name_length: (units.len() * 2) as u32,
        security: context.get(),
        name: [0],
    };
    // SAFETY: the record is longer than the fields before the name, which have no padding that is read; any address is
    // aligned for bytes.
    unsafe {
        ptr::copy_nonoverlapping(
            (&raw const head).cast::<u8>(),
            record.as_mut_ptr(),
            offset_of!(Request, name),
        );
    }
    for (place, unit) in record
        .iter_mut()
        .skip(offset_of!(Request, name))
        .zip(units.iter().flat_map(|unit| unit.to_le_bytes()))
    {
        *place = unit;
    }
    Ok(record)
}

fn extended(context: &Context, name: UNICODE_STRING) -> Result<Vec<u8>, AllocError> {
    let mut record = Vec::try_zeroed(size_of::<RequestEx>())?;
    let request = RequestEx {
        security: context.get(),
        ea_length: 0,
        ea: ptr::null_mut(),
        name,
        domain_service_name: UNICODE_STRING::default(),
        ea_flags: 0,
        reserved: [0; 3],
    };
    // SAFETY: the record is as long as the structure; the write makes no demand on its alignment.
    unsafe { record.as_mut_ptr().cast::<RequestEx>().write_unaligned(request) };
    Ok(record)
}
