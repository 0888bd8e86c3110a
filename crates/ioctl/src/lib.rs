//! The control interface of `mrx9p.sys`: codes and records shared by both sides.
//!
//! Every control uses `METHOD_BUFFERED`. Every record starts with its version and its size; integers are
//! little-endian and need no alignment; names are counted UTF-16 at the end of the record. `parse` never trusts
//! a byte, `build` and `write` produce what `parse` accepts, and a record that is accepted is rebuilt to the same
//! bytes. `docs/ioctl.md` describes it for other languages.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(test)]
extern crate std;

pub mod code;
pub mod connection;
pub mod irp;
mod record;
pub mod request;
pub mod selftest;
pub mod statistics;
pub mod version;

pub use code::ControlCode;
pub use connection::{
    AddConnection, AddFlags, Connection, ConnectionFlags, ConnectionList, ConnectionListWriter,
    ConnectionState, ConnectionView, DeleteConnection, DeleteLevel, EnumConnections, GetConnection,
};
pub use record::{Encode, VERSION};
pub use request::Request;
pub use statistics::Statistics;
pub use version::{Features, VersionInfo};

/// The device's name in the object manager.
pub const DEVICE_NAME: &str = r"\Device\Mrx9p";

/// The symbolic link that makes the device visible to programs of every session.
pub const LINK_NAME: &str = r"\DosDevices\Global\Mrx9p";

/// What a program opens to send controls.
pub const USER_PATH: &str = r"\\.\Mrx9p";

/// The device's security descriptor: SYSTEM and administrators everything, every authenticated user read access,
/// which [`ControlCode`]'s access bits turn into "may map drives, may not start or stop".
pub const DEVICE_SDDL: &str = "D:P(A;;GA;;;SY)(A;;GA;;;BA)(A;;GRGX;;;AU)";
