//! Win32 error codes, and which of them a status becomes.
//!
//! The network provider's `WN_*` results are Win32 errors under another name, so they are here as well.

use core::fmt;

use crate::Status;

/// A Win32 error code (`[MS-ERREF]` 2.2). Any value is allowed, known or not.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(transparent)]
#[must_use]
pub struct Win32Error(pub u32);

macro_rules! win32_errors {
    ($($name:ident = $value:literal,)*) => {
        impl Win32Error {
            $(#[doc = concat!("`ERROR_", stringify!($name), "`.")] pub const $name: Self = Self($value);)*

            /// Every Win32 error this project knows with its name, in ascending order of value.
            pub const TABLE: &'static [(Self, &'static str)] = &[
                $((Self($value), stringify!($name)),)*
            ];
        }
    };
}

win32_errors! {
    SUCCESS = 0,
    INVALID_FUNCTION = 1,
    FILE_NOT_FOUND = 2,
    PATH_NOT_FOUND = 3,
    TOO_MANY_OPEN_FILES = 4,
    ACCESS_DENIED = 5,
    INVALID_HANDLE = 6,
    NOT_ENOUGH_MEMORY = 8,
    NOT_SAME_DEVICE = 17,
    NO_MORE_FILES = 18,
    WRITE_PROTECT = 19,
    NOT_READY = 21,
    BAD_COMMAND = 22,
    CRC = 23,
    BAD_LENGTH = 24,
    GEN_FAILURE = 31,
    SHARING_VIOLATION = 32,
    LOCK_VIOLATION = 33,
    WRONG_DISK = 34,
    HANDLE_EOF = 38,
    NOT_SUPPORTED = 50,
    REM_NOT_LIST = 51,
    DUP_NAME = 52,
    BAD_NETPATH = 53,
    NETWORK_BUSY = 54,
    DEV_NOT_EXIST = 55,
    TOO_MANY_CMDS = 56,
    BAD_NET_RESP = 58,
    UNEXP_NET_ERR = 59,
    NETNAME_DELETED = 64,
    NETWORK_ACCESS_DENIED = 65,
    BAD_DEV_TYPE = 66,
    BAD_NET_NAME = 67,
    TOO_MANY_NAMES = 68,
    TOO_MANY_SESS = 69,
    SHARING_PAUSED = 70,
    REQ_NOT_ACCEP = 71,
    REDIR_PAUSED = 72,
    FILE_EXISTS = 80,
    ALREADY_ASSIGNED = 85,
    INVALID_PASSWORD = 86,
    INVALID_PARAMETER = 87,
    NET_WRITE_FAULT = 88,
    BROKEN_PIPE = 109,
    DISK_FULL = 112,
    SEM_TIMEOUT = 121,
    INSUFFICIENT_BUFFER = 122,
    INVALID_NAME = 123,
    INVALID_LEVEL = 124,
    DIR_NOT_EMPTY = 145,
    NOT_LOCKED = 158,
    BAD_ARGUMENTS = 160,
    BAD_PATHNAME = 161,
    BUSY = 170,
    ALREADY_EXISTS = 183,
    FILENAME_EXCED_RANGE = 206,
    BAD_FILE_TYPE = 222,
    FILE_TOO_LARGE = 223,
    PIPE_BUSY = 231,
    NO_DATA = 232,
    PIPE_NOT_CONNECTED = 233,
    MORE_DATA = 234,
    VC_DISCONNECTED = 240,
    INVALID_EA_NAME = 254,
    EA_LIST_INCONSISTENT = 255,
    NO_MORE_ITEMS = 259,
    DIRECTORY = 267,
    EAS_NOT_SUPPORTED = 282,
    OPLOCK_NOT_GRANTED = 300,
    INVALID_OPLOCK_PROTOCOL = 301,
    INVALID_LOCK_RANGE = 307,
    MR_MID_NOT_FOUND = 317,
    NO_SUCH_DEVICE = 433,
    INVALID_ADDRESS = 487,
    ARITHMETIC_OVERFLOW = 534,
    CANT_WAIT = 554,
    DATA_NOT_ACCEPTED = 592,
    FILE_SYSTEM_LIMITATION = 665,
    STOPPED_ON_SYMLINK = 681,
    OBJECT_NAME_EXISTS = 698,
    USER_APC = 737,
    ALERTED = 739,
    REPARSE = 741,
    NOTIFY_CLEANUP = 745,
    OPERATION_ABORTED = 995,
    IO_PENDING = 997,
    NOACCESS = 998,
    UNRECOGNIZED_VOLUME = 1005,
    FILE_INVALID = 1006,
    NOTIFY_ENUM_DIR = 1022,
    SERVICE_ALREADY_RUNNING = 1056,
    SERVICE_DOES_NOT_EXIST = 1060,
    SERVICE_NOT_ACTIVE = 1062,
    IO_DEVICE = 1117,
    NOT_ENOUGH_SERVER_MEMORY = 1130,
    POSSIBLE_DEADLOCK = 1131,
    TOO_MANY_LINKS = 1142,
    NOT_FOUND = 1168,
    NO_MATCH = 1169,
    BAD_DEVICE = 1200,
    CONNECTION_UNAVAIL = 1201,
    DEVICE_ALREADY_REMEMBERED = 1202,
    NO_NET_OR_BAD_PATH = 1203,
    BAD_PROVIDER = 1204,
    CANNOT_OPEN_PROFILE = 1205,
    BAD_PROFILE = 1206,
    NOT_CONTAINER = 1207,
    EXTENDED_ERROR = 1208,
    INVALID_NETNAME = 1214,
    SESSION_CREDENTIAL_CONFLICT = 1219,
    NO_NETWORK = 1222,
    CANCELLED = 1223,
    CONNECTION_REFUSED = 1225,
    GRACEFUL_DISCONNECT = 1226,
    ADDRESS_ALREADY_ASSOCIATED = 1227,
    ADDRESS_NOT_ASSOCIATED = 1228,
    CONNECTION_INVALID = 1229,
    CONNECTION_ACTIVE = 1230,
    NETWORK_UNREACHABLE = 1231,
    HOST_UNREACHABLE = 1232,
    PROTOCOL_UNREACHABLE = 1233,
    PORT_UNREACHABLE = 1234,
    REQUEST_ABORTED = 1235,
    CONNECTION_ABORTED = 1236,
    RETRY = 1237,
    CONNECTION_COUNT_LIMIT = 1238,
    NOT_AUTHENTICATED = 1244,
    HOST_DOWN = 1256,
    UNKNOWN_REVISION = 1305,
    REVISION_MISMATCH = 1306,
    INVALID_OWNER = 1307,
    INVALID_PRIMARY_GROUP = 1308,
    NO_SUCH_LOGON_SESSION = 1312,
    PRIVILEGE_NOT_HELD = 1314,
    NO_SUCH_USER = 1317,
    LOGON_FAILURE = 1326,
    INVALID_ACL = 1336,
    INVALID_SID = 1337,
    INVALID_SECURITY_DESCR = 1338,
    BAD_IMPERSONATION_LEVEL = 1346,
    INTERNAL_ERROR = 1359,
    FILE_CORRUPT = 1392,
    DISK_CORRUPT = 1393,
    NO_SYSTEM_RESOURCES = 1450,
    TIMEOUT = 1460,
    SYMLINK_CLASS_DISABLED = 1463,
    DEVICE_REMOVED = 1617,
    INVALID_USER_BUFFER = 1784,
    REDIRECTOR_HAS_OPEN_HANDLES = 1794,
    NOT_ENOUGH_QUOTA = 1816,
    CANT_ACCESS_FILE = 1920,
    CANT_RESOLVE_FILENAME = 1921,
    NOT_CONNECTED = 2250,
    OPEN_FILES = 2401,
    ACTIVE_CONNECTIONS = 2402,
    DEVICE_IN_USE = 2404,
    NOT_A_REPARSE_POINT = 4390,
    INVALID_REPARSE_DATA = 4392,
    REPARSE_TAG_INVALID = 4393,
    REPARSE_TAG_MISMATCH = 4394,
}

impl Win32Error {
    /// The name without its `ERROR_` prefix, if the value is a known one.
    #[must_use]
    pub fn name(self) -> Option<&'static str> {
        let at = Self::TABLE
            .binary_search_by_key(&self, |&(error, _)| error)
            .ok()?;
        Self::TABLE.get(at).map(|&(_, name)| name)
    }
}

impl From<Status> for Win32Error {
    /// What `RtlNtStatusToDosError` answers: the table's column for a known status, the low half of a status that
    /// wraps a Win32 error (`0xC007xxxx`, `0x8007xxxx`), `MR_MID_NOT_FOUND` for any other.
    fn from(status: Status) -> Self {
        match status.row() {
            Some(row) => Self(row.win32),
            None if matches!(status.0 >> 16, 0x8007 | 0xC007) => Self(status.0 & 0xFFFF),
            None => Self::MR_MID_NOT_FOUND,
        }
    }
}

impl fmt::Debug for Win32Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for Win32Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => write!(f, "ERROR_{name} ({})", self.0),
            None => write!(f, "Win32 error {}", self.0),
        }
    }
}

impl core::error::Error for Win32Error {}

#[cfg(test)]
mod tests {
    use super::Win32Error;
    use crate::Status;
    use std::format;

    #[test]
    fn table_is_strictly_ascending() {
        for pair in Win32Error::TABLE.windows(2) {
            assert!(pair[0].0 < pair[1].0, "{} before {}", pair[0].1, pair[1].1);
        }
    }

    #[test]
    fn every_status_becomes_a_named_error() {
        for row in Status::TABLE {
            let error = Win32Error::from(row.status);
            assert!(error.name().is_some(), "{} has the unnamed {error}", row.name);
        }
    }

    #[test]
    fn documented_pairs() {
        for (status, error) in [
            (Status::SUCCESS, 0),
            (Status::FILES_OPEN, 2401),
            (Status::CONNECTION_IN_USE, 2404),
            (Status::BAD_NETWORK_NAME, 67),
            (Status::BAD_NETWORK_PATH, 53),
            (Status::UNEXPECTED_NETWORK_ERROR, 59),
            (Status::OBJECT_NAME_NOT_FOUND, 2),
            (Status::OBJECT_PATH_NOT_FOUND, 3),
            (Status::OBJECT_NAME_COLLISION, 183),
            (Status::BUFFER_OVERFLOW, 234),
            (Status::NO_MORE_ENTRIES, 259),
            (Status::NETWORK_CREDENTIAL_CONFLICT, 1219),
            (Status::REDIRECTOR_HAS_OPEN_HANDLES, 1794),
        ] {
            assert_eq!(Win32Error::from(status).0, error, "{status}");
        }
    }

    #[test]
    fn statuses_outside_the_table() {
        assert_eq!(Win32Error::from(Status(0xC007_0043)), Win32Error::BAD_NET_NAME);
        assert_eq!(
            Win32Error::from(Status(0xDEAD_BEEF)),
            Win32Error::MR_MID_NOT_FOUND
        );
        assert_eq!(format!("{}", Win32Error(2401)), "ERROR_OPEN_FILES (2401)");
        assert_eq!(format!("{}", Win32Error(99_999)), "Win32 error 99999");
    }
}
