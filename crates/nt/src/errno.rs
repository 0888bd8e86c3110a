//! Linux error numbers, as `Rlerror` of 9P2000.L carries them, and the one table that turns them into statuses.
//!
//! A status here is what the bare number means. Where the request gives it a sharper meaning (a walk that meets a
//! file half-way, a lock that is held) the mini-redirector decides before it falls back to this table.

use core::fmt;

use crate::Status;

/// A Linux error number. Any value is allowed, known or not: it comes from the server.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(transparent)]
#[must_use]
pub struct Errno(pub u32);

/// One row of the error table.
#[derive(Clone, Copy, Debug)]
pub struct ErrnoRow {
    /// The error number.
    pub errno: Errno,
    /// Its Linux name.
    pub name: &'static str,
    /// The status it becomes.
    pub status: Status,
}

macro_rules! errnos {
    ($($name:ident = $value:literal => $status:ident,)*) => {
        impl Errno {
            $(
                #[doc = concat!("`", stringify!($name), "`, which becomes [`Status::", stringify!($status), "`].")]
                pub const $name: Self = Self($value);
            )*

            /// Every Linux error number, in ascending order.
            pub const TABLE: &'static [ErrnoRow] = &[
                $(ErrnoRow { errno: Self($value), name: stringify!($name), status: Status::$status },)*
            ];
        }
    };
}

errnos! {
    EPERM = 1 => ACCESS_DENIED,
    ENOENT = 2 => OBJECT_NAME_NOT_FOUND,
    ESRCH = 3 => NOT_FOUND,
    EINTR = 4 => CANCELLED,
    EIO = 5 => IO_DEVICE_ERROR,
    ENXIO = 6 => NO_SUCH_DEVICE,
    E2BIG = 7 => EA_TOO_LARGE,
    ENOEXEC = 8 => BAD_FILE_TYPE,
    EBADF = 9 => INVALID_HANDLE,
    ECHILD = 10 => UNSUCCESSFUL,
    EAGAIN = 11 => NETWORK_BUSY,
    ENOMEM = 12 => INSUFF_SERVER_RESOURCES,
    EACCES = 13 => ACCESS_DENIED,
    EFAULT = 14 => IO_DEVICE_ERROR,
    ENOTBLK = 15 => INVALID_DEVICE_REQUEST,
    EBUSY = 16 => SHARING_VIOLATION,
    EEXIST = 17 => OBJECT_NAME_COLLISION,
    EXDEV = 18 => NOT_SAME_DEVICE,
    ENODEV = 19 => NO_SUCH_DEVICE,
    ENOTDIR = 20 => NOT_A_DIRECTORY,
    EISDIR = 21 => FILE_IS_A_DIRECTORY,
    EINVAL = 22 => INVALID_PARAMETER,
    ENFILE = 23 => TOO_MANY_OPENED_FILES,
    EMFILE = 24 => TOO_MANY_OPENED_FILES,
    ENOTTY = 25 => INVALID_DEVICE_REQUEST,
    ETXTBSY = 26 => SHARING_VIOLATION,
    EFBIG = 27 => FILE_TOO_LARGE,
    ENOSPC = 28 => DISK_FULL,
    ESPIPE = 29 => INVALID_DEVICE_REQUEST,
    EROFS = 30 => MEDIA_WRITE_PROTECTED,
    EMLINK = 31 => TOO_MANY_LINKS,
    EPIPE = 32 => PIPE_DISCONNECTED,
    EDOM = 33 => INVALID_PARAMETER,
    ERANGE = 34 => BUFFER_TOO_SMALL,
    EDEADLK = 35 => POSSIBLE_DEADLOCK,
    ENAMETOOLONG = 36 => NAME_TOO_LONG,
    ENOLCK = 37 => INSUFF_SERVER_RESOURCES,
    ENOSYS = 38 => NOT_SUPPORTED,
    ENOTEMPTY = 39 => DIRECTORY_NOT_EMPTY,
    ELOOP = 40 => REPARSE_POINT_NOT_RESOLVED,
    ENOMSG = 42 => UNSUCCESSFUL,
    EIDRM = 43 => UNSUCCESSFUL,
    ECHRNG = 44 => UNSUCCESSFUL,
    EL2NSYNC = 45 => UNSUCCESSFUL,
    EL3HLT = 46 => UNSUCCESSFUL,
    EL3RST = 47 => UNSUCCESSFUL,
    ELNRNG = 48 => UNSUCCESSFUL,
    EUNATCH = 49 => UNSUCCESSFUL,
    ENOCSI = 50 => UNSUCCESSFUL,
    EL2HLT = 51 => UNSUCCESSFUL,
    EBADE = 52 => UNSUCCESSFUL,
    EBADR = 53 => UNSUCCESSFUL,
    EXFULL = 54 => INSUFF_SERVER_RESOURCES,
    ENOANO = 55 => UNSUCCESSFUL,
    EBADRQC = 56 => INVALID_PARAMETER,
    EBADSLT = 57 => UNSUCCESSFUL,
    EBFONT = 59 => UNSUCCESSFUL,
    ENOSTR = 60 => UNSUCCESSFUL,
    ENODATA = 61 => NONEXISTENT_EA_ENTRY,
    ETIME = 62 => IO_TIMEOUT,
    ENOSR = 63 => INSUFF_SERVER_RESOURCES,
    ENONET = 64 => NETWORK_UNREACHABLE,
    ENOPKG = 65 => NOT_SUPPORTED,
    EREMOTE = 66 => PATH_NOT_COVERED,
    ENOLINK = 67 => NETWORK_NAME_DELETED,
    EADV = 68 => UNSUCCESSFUL,
    ESRMNT = 69 => UNSUCCESSFUL,
    ECOMM = 70 => IO_DEVICE_ERROR,
    EPROTO = 71 => INVALID_NETWORK_RESPONSE,
    EMULTIHOP = 72 => UNSUCCESSFUL,
    EDOTDOT = 73 => UNSUCCESSFUL,
    EBADMSG = 74 => DATA_ERROR,
    EOVERFLOW = 75 => INTEGER_OVERFLOW,
    ENOTUNIQ = 76 => DUPLICATE_NAME,
    EBADFD = 77 => INVALID_HANDLE,
    EREMCHG = 78 => NETWORK_NAME_DELETED,
    ELIBACC = 79 => UNSUCCESSFUL,
    ELIBBAD = 80 => UNSUCCESSFUL,
    ELIBSCN = 81 => UNSUCCESSFUL,
    ELIBMAX = 82 => UNSUCCESSFUL,
    ELIBEXEC = 83 => UNSUCCESSFUL,
    EILSEQ = 84 => OBJECT_NAME_INVALID,
    ERESTART = 85 => CANCELLED,
    ESTRPIPE = 86 => PIPE_DISCONNECTED,
    EUSERS = 87 => TOO_MANY_SESSIONS,
    ENOTSOCK = 88 => INVALID_HANDLE,
    EDESTADDRREQ = 89 => INVALID_ADDRESS,
    EMSGSIZE = 90 => INVALID_BUFFER_SIZE,
    EPROTOTYPE = 91 => NOT_SUPPORTED,
    ENOPROTOOPT = 92 => NOT_SUPPORTED,
    EPROTONOSUPPORT = 93 => NOT_SUPPORTED,
    ESOCKTNOSUPPORT = 94 => NOT_SUPPORTED,
    EOPNOTSUPP = 95 => NOT_SUPPORTED,
    EPFNOSUPPORT = 96 => NOT_SUPPORTED,
    EAFNOSUPPORT = 97 => NOT_SUPPORTED,
    EADDRINUSE = 98 => ADDRESS_ALREADY_EXISTS,
    EADDRNOTAVAIL = 99 => INVALID_ADDRESS,
    ENETDOWN = 100 => NETWORK_UNREACHABLE,
    ENETUNREACH = 101 => NETWORK_UNREACHABLE,
    ENETRESET = 102 => CONNECTION_RESET,
    ECONNABORTED = 103 => CONNECTION_ABORTED,
    ECONNRESET = 104 => CONNECTION_RESET,
    ENOBUFS = 105 => INSUFF_SERVER_RESOURCES,
    EISCONN = 106 => CONNECTION_ACTIVE,
    ENOTCONN = 107 => CONNECTION_INVALID,
    ESHUTDOWN = 108 => CONNECTION_DISCONNECTED,
    ETOOMANYREFS = 109 => INSUFF_SERVER_RESOURCES,
    ETIMEDOUT = 110 => IO_TIMEOUT,
    ECONNREFUSED = 111 => CONNECTION_REFUSED,
    EHOSTDOWN = 112 => HOST_DOWN,
    EHOSTUNREACH = 113 => HOST_UNREACHABLE,
    EALREADY = 114 => NETWORK_BUSY,
    EINPROGRESS = 115 => NETWORK_BUSY,
    ESTALE = 116 => FILE_CLOSED,
    EUCLEAN = 117 => DISK_CORRUPT_ERROR,
    ENOTNAM = 118 => UNSUCCESSFUL,
    ENAVAIL = 119 => UNSUCCESSFUL,
    EISNAM = 120 => UNSUCCESSFUL,
    EREMOTEIO = 121 => IO_DEVICE_ERROR,
    EDQUOT = 122 => QUOTA_EXCEEDED,
    ENOMEDIUM = 123 => NO_MEDIA_IN_DEVICE,
    EMEDIUMTYPE = 124 => UNRECOGNIZED_VOLUME,
    ECANCELED = 125 => CANCELLED,
    ENOKEY = 126 => ACCESS_DENIED,
    EKEYEXPIRED = 127 => ACCESS_DENIED,
    EKEYREVOKED = 128 => ACCESS_DENIED,
    EKEYREJECTED = 129 => ACCESS_DENIED,
    EOWNERDEAD = 130 => UNSUCCESSFUL,
    ENOTRECOVERABLE = 131 => UNSUCCESSFUL,
    ERFKILL = 132 => DEVICE_NOT_READY,
    EHWPOISON = 133 => DATA_ERROR,
}

impl Errno {
    fn row(self) -> Option<&'static ErrnoRow> {
        let at = Self::TABLE.binary_search_by_key(&self, |row| row.errno).ok()?;
        Self::TABLE.get(at)
    }

    /// The Linux name, if the value is a known one.
    #[must_use]
    pub fn name(self) -> Option<&'static str> {
        self.row().map(|row| row.name)
    }
}

impl From<Errno> for Status {
    /// The table's status; `INVALID_NETWORK_RESPONSE` for 0, which is no error and so never a valid answer;
    /// `UNSUCCESSFUL` for a number Linux does not have. Never a success and never a warning.
    fn from(errno: Errno) -> Self {
        match (errno.row(), errno.0) {
            (Some(row), _) => row.status,
            (None, 0) => Self::INVALID_NETWORK_RESPONSE,
            (None, _) => Self::UNSUCCESSFUL,
        }
    }
}

impl fmt::Debug for Errno {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for Errno {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => write!(f, "{name} ({})", self.0),
            None => write!(f, "errno {}", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Errno;
    use crate::Status;

    #[test]
    fn table_has_every_linux_number_once() {
        let mut expected = 1;
        for row in Errno::TABLE {
            // Linux has left these two numbers unused: they are older names' aliases.
            if expected == 41 || expected == 58 {
                expected += 1;
            }
            assert_eq!(row.errno.0, expected, "{}", row.name);
            expected += 1;
        }
        assert_eq!(expected, 134);
    }

    #[test]
    fn any_number_becomes_an_error() {
        for number in (0..300).chain([u32::MAX, 0x8000_0000]) {
            let status = Status::from(Errno(number));
            assert!(status.is_error(), "{number} became {status}");
        }
        assert_eq!(Status::from(Errno(0)), Status::INVALID_NETWORK_RESPONSE);
        assert_eq!(Status::from(Errno(41)), Status::UNSUCCESSFUL);
    }

    #[test]
    fn no_server_error_looks_like_a_failure_of_this_machine() {
        for row in Errno::TABLE {
            assert_ne!(row.status, Status::INSUFFICIENT_RESOURCES, "{}", row.name);
            assert_ne!(row.status, Status::UNEXPECTED_NETWORK_ERROR, "{}", row.name);
            assert_ne!(row.status, Status::RETRY, "{}", row.name);
        }
    }
}
