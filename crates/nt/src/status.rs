//! `NTSTATUS` as a type of its own.

mod table;

use core::fmt;

pub use table::StatusRow;

/// A result whose error is a [`Status`].
pub type Result<T = (), E = Status> = core::result::Result<T, E>;

/// An `NTSTATUS` value.
///
/// The top two bits are the severity: 0 success, 1 information, 2 warning, 3 error. Any value is allowed, known
/// or not: statuses come from outside.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(transparent)]
#[must_use]
pub struct Status(pub u32);

impl Status {
    /// The kernel's signed representation (`NTSTATUS` is a `LONG`).
    #[must_use]
    pub const fn as_ntstatus(self) -> i32 {
        self.0.cast_signed()
    }

    /// From the kernel's signed representation.
    pub const fn from_ntstatus(value: i32) -> Self {
        Self(value.cast_unsigned())
    }

    /// Success or information, as `NT_SUCCESS` defines it. `PENDING` counts as success.
    #[must_use]
    pub const fn is_success(self) -> bool {
        self.0 < 0x8000_0000
    }

    /// Severity warning (`NT_WARNING`): not a success, yet output may have been produced.
    #[must_use]
    pub const fn is_warning(self) -> bool {
        self.0 >> 30 == 2
    }

    /// Severity error (`NT_ERROR`).
    #[must_use]
    pub const fn is_error(self) -> bool {
        self.0 >> 30 == 3
    }

    /// `Ok` for success and information, `Err` for warnings and errors.
    ///
    /// # Errors
    /// The status itself if it is not a success.
    pub const fn ok(self) -> Result {
        if self.is_success() { Ok(()) } else { Err(self) }
    }

    /// The row of the status table for this value, if it is a known one.
    #[must_use]
    pub fn row(self) -> Option<&'static StatusRow> {
        let at = Self::TABLE
            .binary_search_by_key(&self.0, |row| row.status.0)
            .ok()?;
        Self::TABLE.get(at)
    }

    /// The name without its `STATUS_` prefix, if the value is a known one.
    #[must_use]
    pub fn name(self) -> Option<&'static str> {
        self.row().map(|row| row.name)
    }
}

impl fmt::Debug for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => write!(f, "STATUS_{name} (0x{:08X})", self.0),
            None => write!(f, "status 0x{:08X}", self.0),
        }
    }
}

impl core::error::Error for Status {}

impl From<Result> for Status {
    fn from(result: Result) -> Self {
        match result {
            Ok(()) => Self::SUCCESS,
            Err(status) => status,
        }
    }
}

impl From<alloc::collections::TryReserveError> for Status {
    fn from(_: alloc::collections::TryReserveError) -> Self {
        Self::INSUFFICIENT_RESOURCES
    }
}

#[cfg(test)]
mod tests {
    use super::Status;
    use std::format;

    #[test]
    fn table_is_strictly_ascending() {
        for pair in Status::TABLE.windows(2) {
            assert!(
                pair[0].status.0 < pair[1].status.0,
                "{} before {}",
                pair[0].name,
                pair[1].name
            );
        }
    }

    #[test]
    fn documented_values() {
        let facts = [
            (Status::SUCCESS, 0),
            (Status::PENDING, 0x103),
            (Status::BUFFER_OVERFLOW, 0x8000_0005),
            (Status::REDIRECTOR_HAS_OPEN_HANDLES, 0x8000_0023),
            (Status::LOCK_NOT_GRANTED, 0xC000_0055),
            (Status::UNEXPECTED_NETWORK_ERROR, 0xC000_00C4),
            (Status::REDIRECTOR_NOT_STARTED, 0xC000_00FB),
            (Status::REDIRECTOR_STARTED, 0xC000_00FC),
            (Status::FILES_OPEN, 0xC000_0107),
            (Status::CONNECTION_IN_USE, 0xC000_0108),
            (Status::CANCELLED, 0xC000_0120),
            (Status::NETWORK_CREDENTIAL_CONFLICT, 0xC000_0195),
            (Status::CONNECTION_ACTIVE, 0xC000_023B),
        ];
        for (status, value) in facts {
            assert_eq!(status.0, value, "{status}");
        }
    }

    #[test]
    fn severities() {
        for (status, success, warning, error) in [
            (Status::SUCCESS, true, false, false),
            (Status::OBJECT_NAME_EXISTS, true, false, false),
            (Status::NO_MORE_FILES, false, true, false),
            (Status::ACCESS_DENIED, false, false, true),
        ] {
            assert_eq!(
                (status.is_success(), status.is_warning(), status.is_error()),
                (success, warning, error),
                "{status}"
            );
            assert_eq!(Status::from(status.ok()).is_success(), success);
        }
    }

    #[test]
    fn text_names_the_known_and_shows_the_unknown() {
        assert_eq!(
            format!("{}", Status::FILES_OPEN),
            "STATUS_FILES_OPEN (0xC0000107)"
        );
        assert_eq!(format!("{:?}", Status(0xC012_3456)), "status 0xC0123456");
    }

    #[test]
    fn signed_form_round_trips() {
        assert_eq!(Status::FILES_OPEN.as_ntstatus(), -1_073_741_561);
        assert_eq!(Status::from_ntstatus(-1_073_741_561), Status::FILES_OPEN);
    }
}
