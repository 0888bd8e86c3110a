//! Control codes.

use core::fmt;

/// `FILE_DEVICE_NETWORK_REDIRECTOR`.
const DEVICE_TYPE: u32 = 0x28;
/// The first function number that is free for vendors.
const VENDOR_FUNCTION: u32 = 0x800;
/// `FILE_ANY_ACCESS`.
pub(crate) const ANY_ACCESS: u32 = 0;
/// `FILE_READ_ACCESS`.
pub(crate) const READ_ACCESS: u32 = 1;
/// `FILE_WRITE_ACCESS`.
pub(crate) const WRITE_ACCESS: u32 = 2;

/// `CTL_CODE` with `METHOD_BUFFERED` (0) and a vendor's function number.
pub(crate) const fn buffered_code(device_type: u32, function: u32, access: u32) -> ControlCode {
    ControlCode(device_type << 16 | access << 14 | (VENDOR_FUNCTION | function) << 2)
}

/// A code of the driver's.
pub(crate) const fn driver_code(function: u32, access: u32) -> ControlCode {
    buffered_code(DEVICE_TYPE, function, access)
}

/// A device control code. Any value is allowed: it comes from outside.
///
/// Bits: device type 31–16, required access 15–14, function 13–2, method 1–0. The I/O manager checks the required
/// access against the handle before the driver sees the request.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
#[repr(transparent)]
pub struct ControlCode(pub u32);

impl ControlCode {
    /// Answers [`crate::VersionInfo`]. Read access.
    pub const QUERY_VERSION: Self = driver_code(0, READ_ACCESS);
    /// Starts the redirector. Write access, which the device grants to administrators and SYSTEM.
    pub const START: Self = driver_code(1, WRITE_ACCESS);
    /// Stops the redirector. Write access, which the device grants to administrators and SYSTEM.
    pub const STOP: Self = driver_code(2, WRITE_ACCESS);
    /// Takes [`crate::AddConnection`]. Read access: every user may map drives in the own logon session.
    pub const ADD_CONNECTION: Self = driver_code(3, READ_ACCESS);
    /// Takes [`crate::DeleteConnection`]. Read access: every user may unmap drives of the own logon session.
    pub const DELETE_CONNECTION: Self = driver_code(4, READ_ACCESS);
    /// Takes [`crate::EnumConnections`], answers [`crate::ConnectionList`]. Read access.
    pub const ENUM_CONNECTIONS: Self = driver_code(5, READ_ACCESS);
    /// Takes [`crate::GetConnection`], answers [`crate::Connection`]. Read access.
    pub const GET_CONNECTION: Self = driver_code(6, READ_ACCESS);
    /// Answers [`crate::Statistics`]. Read access.
    pub const GET_STATISTICS: Self = driver_code(7, READ_ACCESS);

    /// Every code of the driver with its name.
    pub const TABLE: &'static [(Self, &'static str)] = &[
        (Self::QUERY_VERSION, "QUERY_VERSION"),
        (Self::START, "START"),
        (Self::STOP, "STOP"),
        (Self::ADD_CONNECTION, "ADD_CONNECTION"),
        (Self::DELETE_CONNECTION, "DELETE_CONNECTION"),
        (Self::ENUM_CONNECTIONS, "ENUM_CONNECTIONS"),
        (Self::GET_CONNECTION, "GET_CONNECTION"),
        (Self::GET_STATISTICS, "GET_STATISTICS"),
    ];

    /// The name, if the code is one of the driver's.
    #[must_use]
    pub fn name(self) -> Option<&'static str> {
        Self::TABLE
            .iter()
            .find(|(code, _)| *code == self)
            .map(|(_, name)| *name)
    }
}

impl fmt::Debug for ControlCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "ControlCode(0x{:08X})", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::ControlCode;

    /// These numbers are compiled into other programs: they never change.
    #[test]
    fn values_are_fixed() {
        let values: std::vec::Vec<_> = ControlCode::TABLE.iter().map(|(code, _)| code.0).collect();
        assert_eq!(
            values,
            [
                0x0028_6000,
                0x0028_A004,
                0x0028_A008,
                0x0028_600C,
                0x0028_6010,
                0x0028_6014,
                0x0028_6018,
                0x0028_601C,
            ]
        );
    }
}
