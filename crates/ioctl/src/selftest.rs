//! The self-test control: building, using and tearing down each object of the connection engine inside a loaded driver.
//!
//! Only drivers built with the cargo feature `selftest` answer it ([`crate::Features::SELFTEST`] tells), and the build
//! refuses to package such a one. It needs a handle with write access, which the device grants to administrators alone.
//!
//! Objects are named by [`Handle`]s, which belong to the control handle they were made through: nobody else can name them,
//! and when it is closed, what is left of them is torn down and forgotten. A handle stays valid after its object has been
//! torn down, so that the refusals of a dead object can be seen, until [`Request::Release`].
//!
//! The control succeeds as soon as the operation was carried out; [`Reply::status`] is what the engine said. The control
//! itself fails with the statuses of [`crate::request`], and with
//!
//! - [`Status::INVALID_HANDLE`] for a handle that names nothing, or something of another kind;
//! - [`Status::BUFFER_TOO_SMALL`] for an output buffer shorter than [`OUTPUT_SIZE`]; nothing was done then;
//! - [`Status::TOO_MANY_OPENED_FILES`] beyond [`MAX_OBJECTS`] handles.
//!
//! There is no compatibility between versions, as driver and harness are built together.

mod attempt;
mod reply;
mod request;

pub use attempt::{Attempt, Peers};
pub use reply::{Answer, Events, Facts, Object, Reply};
pub use request::{ConnectFlags, ConnectOptions, Request, Selection};

use crate::code::{ControlCode, WRITE_ACCESS, driver_code};
use nt::Status;

/// The self test's control code. Write access.
pub const CODE: ControlCode = driver_code(0xFF, WRITE_ACCESS);

/// The output buffer that the control wants at least, in bytes; every answer fits in it.
pub const OUTPUT_SIZE: usize = 16 * 1024;

/// The longest input, in bytes.
pub const MAX_INPUT: usize = 2 << 20;

/// Handles that a control handle may have at a time.
pub const MAX_OBJECTS: usize = 8192;

/// The first line of the answer to [`Request::Checks`]. Found in a driver image, it tells that the driver is not for release.
pub const MARKER: &str = "mrx9p with self tests, not for release";

/// An object of the engine. Never used twice by one driver.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(transparent)]
pub struct Handle(pub u32);

impl Handle {
    /// No object.
    pub const NONE: Self = Self(0);
}

/// What an object is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Kind {
    /// A bound transport.
    Binding = 1,
    /// A local address.
    Address = 2,
    /// A connection.
    Connection = 3,
    /// A virtual circuit.
    Circuit = 4,
}

impl TryFrom<u32> for Kind {
    type Error = Status;

    fn try_from(value: u32) -> Result<Self, Status> {
        [Self::Binding, Self::Address, Self::Connection, Self::Circuit]
            .into_iter()
            .find(|kind| *kind as u32 == value)
            .ok_or(Status::INVALID_PARAMETER)
    }
}
