//! The interface of the test driver in `tests/irpdrv`, which builds IRPs for `mrx9p.sys` on request.
//!
//! Some hosts cannot open a path below a device from user mode, and no program can send every IRP at will; the
//! test driver can. It keeps FILE_OBJECTs under handle numbers of its own, builds one IRP per request, waits for it
//! and answers with a [`Reply`]: the IRP's status and information, and the data it produced. The control itself
//! succeeds as soon as the IRP was sent; [`Reply::status`] is the IRP's outcome.
//!
//! Checks and statuses are those of [`crate::request`]; there is no compatibility between versions, as test
//! driver and harness are always built together.

pub mod code;
mod flags;
mod open;
mod operation;
mod reply;

use nt::{Result, Status};

pub use flags::{ControlFlags, LockFlags, OpenFlags, ScanFlags, TransferFlags, WatchFlags};
pub use open::Open;
pub use operation::{LockFunction, Operation};
pub use reply::{Live, Reply};

use crate::code::ControlCode;
use crate::record::Encode;

/// The test driver's device in the object manager.
pub const DEVICE_NAME: &str = r"\Device\Mrx9pIrp";

/// The symbolic link to it.
pub const LINK_NAME: &str = r"\DosDevices\Global\Mrx9pIrp";

/// What the harness opens.
pub const USER_PATH: &str = r"\\.\Mrx9pIrp";

/// The longest buffer an IRP is given, in bytes: bounds what a request can make the test driver allocate.
pub const MAX_TRANSFER: u32 = 16 << 20;

/// A FILE_OBJECT in the test driver. Never 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(transparent)]
pub struct Handle(pub u32);

impl Handle {
    /// No FILE_OBJECT.
    pub const NONE: Self = Self(0);
}

/// One request to the test driver.
#[derive(Debug, PartialEq, Eq)]
pub enum Request<'a> {
    /// See [`code::OPEN`].
    Open(Open<'a>),
    /// An IRP on a FILE_OBJECT that is open.
    On(Handle, Operation<'a>),
    /// See [`code::COUNT`].
    Count,
}

impl<'a> Request<'a> {
    /// The control code the request travels under.
    #[must_use]
    pub fn code(&self) -> ControlCode {
        match self {
            Self::Open(_) => code::OPEN,
            Self::On(_, operation) => operation.code(),
            Self::Count => code::COUNT,
        }
    }

    /// The length of the buffer for data to come back.
    #[must_use]
    pub fn data_capacity(&self) -> u32 {
        match self {
            Self::Open(open) => open.length,
            Self::On(_, operation) => operation.data_capacity(),
            // CAST: a small constant.
            Self::Count => Live::SIZE as u32,
        }
    }

    /// The output buffer the request needs.
    #[must_use]
    pub fn output_len(&self) -> usize {
        Reply::FIXED_SIZE.saturating_add(usize::try_from(self.data_capacity()).unwrap_or(usize::MAX))
    }

    /// Checks a request and the length of its output buffer.
    ///
    /// # Errors
    /// As [`crate::request`] says; [`Status::INVALID_PARAMETER`] also for a length over [`MAX_TRANSFER`].
    pub fn parse(code: ControlCode, input: &'a [u8], output_len: usize) -> Result<Self> {
        let request = match code {
            code::OPEN => Self::Open(Open::parse(input)?),
            code::COUNT if input.is_empty() => Self::Count,
            code::COUNT => return Err(Status::INFO_LENGTH_MISMATCH),
            _ => {
                let (handle, operation) = Operation::parse(code, input)?;
                Self::On(handle, operation)
            }
        };
        if request.data_capacity() > MAX_TRANSFER {
            return Err(Status::INVALID_PARAMETER);
        }
        if output_len < request.output_len() {
            Err(Status::BUFFER_TOO_SMALL)
        } else {
            Ok(request)
        }
    }
}

impl Encode for Request<'_> {
    fn encoded_len(&self) -> usize {
        match self {
            Self::Open(open) => open.encoded_len(),
            Self::On(_, operation) => operation.encoded_len(),
            Self::Count => 0,
        }
    }

    fn write(&self, out: &mut [u8]) -> Result<usize> {
        match self {
            Self::Open(open) => open.write(out),
            Self::On(handle, operation) => operation.write(*handle, out),
            Self::Count => Ok(0),
        }
    }
}

#[cfg(test)]
mod tests;
