//! The table of statuses: value, Win32 error and meaning, one row each, in ascending order.
//!
//! Values are those of `[MS-ERREF]` 2.3.1; the Win32 column says what the documented routine
//! `RtlNtStatusToDosError` answers for the value.

use super::Status;

/// One row of the status table.
#[derive(Clone, Copy, Debug)]
pub struct StatusRow {
    /// The status.
    pub status: Status,
    /// Its name without the `STATUS_` prefix.
    pub name: &'static str,
    /// The Win32 error `RtlNtStatusToDosError` gives for it.
    pub win32: u32,
    /// What it means, in one sentence.
    pub meaning: &'static str,
}

macro_rules! statuses {
    ($($name:ident = $value:literal, $win32:literal, $meaning:literal;)*) => {
        impl Status {
            $(#[doc = $meaning] pub const $name: Self = Self($value);)*

            /// Every status this project knows, in ascending order of value.
            pub const TABLE: &'static [StatusRow] = &[
                $(StatusRow { status: Self($value), name: stringify!($name), win32: $win32, meaning: $meaning },)*
            ];
        }
    };
}

statuses! {
    SUCCESS = 0x0000_0000, 0, "The operation succeeded.";
    USER_APC = 0x0000_00C0, 737, "A wait ended because a user APC was delivered.";
    ALERTED = 0x0000_0101, 739, "A wait ended because the thread was alerted.";
    TIMEOUT = 0x0000_0102, 1460, "A wait ended because its time was up (a success code).";
    PENDING = 0x0000_0103, 997, "The operation was started and completes later.";
    REPARSE = 0x0000_0104, 741, "The name leads elsewhere and must be looked up again.";
    MORE_ENTRIES = 0x0000_0105, 234, "More entries exist than were returned.";
    NOTIFY_CLEANUP = 0x0000_010B, 745, "A change notification ended because its handle was closed.";
    NOTIFY_ENUM_DIR = 0x0000_010C, 1022, "Changes were lost: the watcher must list the directory again.";
    OBJECT_NAME_EXISTS = 0x4000_0000, 698, "The object existed already and was opened.";
    DATATYPE_MISALIGNMENT = 0x8000_0002, 998, "A pointer or buffer is not aligned as its type requires.";
    BUFFER_OVERFLOW = 0x8000_0005, 234, "The data was cut to fit the buffer; its fixed part is valid.";
    NO_MORE_FILES = 0x8000_0006, 18, "A directory listing is at its end.";
    DEVICE_OFF_LINE = 0x8000_0010, 21, "The device is switched off.";
    DEVICE_BUSY = 0x8000_0011, 170, "The device is busy for the moment.";
    NO_MORE_EAS = 0x8000_0012, 259, "A listing of extended attributes is at its end.";
    INVALID_EA_NAME = 0x8000_0013, 254, "An extended attribute has a forbidden name.";
    EA_LIST_INCONSISTENT = 0x8000_0014, 255, "A list of extended attributes is malformed.";
    INVALID_EA_FLAG = 0x8000_0015, 255, "An extended attribute carries unknown flags.";
    NO_MORE_ENTRIES = 0x8000_001A, 259, "An enumeration is at its end.";
    REDIRECTOR_HAS_OPEN_HANDLES = 0x8000_0023, 1794, "The redirector cannot stop: mappings or files are in use.";
    STOPPED_ON_SYMLINK = 0x8000_002D, 681, "The open met a symbolic link the caller must resolve.";
    UNSUCCESSFUL = 0xC000_0001, 31, "The operation failed for a reason with no better name.";
    NOT_IMPLEMENTED = 0xC000_0002, 1, "The operation is not implemented.";
    INVALID_INFO_CLASS = 0xC000_0003, 87, "The information class is not known.";
    INFO_LENGTH_MISMATCH = 0xC000_0004, 24, "The buffer length does not suit the information class.";
    ACCESS_VIOLATION = 0xC000_0005, 998, "A user address is not accessible.";
    INVALID_HANDLE = 0xC000_0008, 6, "The handle does not fit the request.";
    INVALID_PARAMETER = 0xC000_000D, 87, "A parameter is malformed or contradicts another.";
    NO_SUCH_DEVICE = 0xC000_000E, 433, "The device does not exist.";
    NO_SUCH_FILE = 0xC000_000F, 2, "No file matches the search pattern.";
    INVALID_DEVICE_REQUEST = 0xC000_0010, 1, "The device does not know this request.";
    END_OF_FILE = 0xC000_0011, 38, "The read starts at or after the end of the file.";
    WRONG_VOLUME = 0xC000_0012, 34, "The volume is not the expected one.";
    NO_MEDIA_IN_DEVICE = 0xC000_0013, 21, "The device holds no medium.";
    MORE_PROCESSING_REQUIRED = 0xC000_0016, 234, "The request is not finished: the caller keeps it.";
    NO_MEMORY = 0xC000_0017, 8, "Virtual memory is exhausted.";
    NOT_MAPPED_VIEW = 0xC000_0019, 487, "The address range is not mapped.";
    ACCESS_DENIED = 0xC000_0022, 5, "The caller has no right to do this.";
    BUFFER_TOO_SMALL = 0xC000_0023, 122, "The buffer cannot hold even the fixed part of the answer.";
    OBJECT_TYPE_MISMATCH = 0xC000_0024, 6, "The object is not of the required type.";
    INVALID_PARAMETER_MIX = 0xC000_0030, 87, "Each parameter is valid, their combination is not.";
    DISK_CORRUPT_ERROR = 0xC000_0032, 1393, "The volume is damaged.";
    OBJECT_NAME_INVALID = 0xC000_0033, 123, "The name is malformed.";
    OBJECT_NAME_NOT_FOUND = 0xC000_0034, 2, "The last part of the name does not exist.";
    OBJECT_NAME_COLLISION = 0xC000_0035, 183, "The name exists already.";
    PORT_DISCONNECTED = 0xC000_0037, 6, "The port is not connected.";
    OBJECT_PATH_INVALID = 0xC000_0039, 161, "The path is malformed or leads through something that is not a directory.";
    OBJECT_PATH_NOT_FOUND = 0xC000_003A, 3, "A directory on the way to the name does not exist.";
    OBJECT_PATH_SYNTAX_BAD = 0xC000_003B, 161, "The path contains a component that is not allowed.";
    DATA_ERROR = 0xC000_003E, 23, "The data read is damaged.";
    CRC_ERROR = 0xC000_003F, 23, "The data read fails its checksum.";
    SHARING_VIOLATION = 0xC000_0043, 32, "Another open of the file does not share this access.";
    QUOTA_EXCEEDED = 0xC000_0044, 1816, "A quota is used up.";
    EAS_NOT_SUPPORTED = 0xC000_004F, 282, "The file system has no extended attributes.";
    EA_TOO_LARGE = 0xC000_0050, 255, "The extended attributes exceed their limit.";
    NONEXISTENT_EA_ENTRY = 0xC000_0051, 1392, "The extended attribute does not exist.";
    NO_EAS_ON_FILE = 0xC000_0052, 1392, "The file has no extended attributes.";
    EA_CORRUPT_ERROR = 0xC000_0053, 1392, "The extended attributes are damaged.";
    FILE_LOCK_CONFLICT = 0xC000_0054, 33, "Another byte-range lock forbids this access.";
    LOCK_NOT_GRANTED = 0xC000_0055, 33, "The lock cannot be had now.";
    DELETE_PENDING = 0xC000_0056, 5, "The file is about to be deleted.";
    CTL_FILE_NOT_SUPPORTED = 0xC000_0057, 50, "The file does not support this kind of control.";
    UNKNOWN_REVISION = 0xC000_0058, 1305, "The structure carries a version that is not known.";
    REVISION_MISMATCH = 0xC000_0059, 1306, "Two revisions are not compatible.";
    INVALID_OWNER = 0xC000_005A, 1307, "The security identifier cannot be the owner of this object.";
    INVALID_PRIMARY_GROUP = 0xC000_005B, 1308, "The security identifier cannot be the primary group of this object.";
    NO_SUCH_LOGON_SESSION = 0xC000_005F, 1312, "The logon session does not exist.";
    PRIVILEGE_NOT_HELD = 0xC000_0061, 1314, "The caller lacks a required privilege.";
    NO_SUCH_USER = 0xC000_0064, 1317, "The user does not exist.";
    WRONG_PASSWORD = 0xC000_006A, 86, "The password is wrong.";
    LOGON_FAILURE = 0xC000_006D, 1326, "The server does not accept these credentials.";
    INVALID_ACL = 0xC000_0077, 1336, "The access control list is malformed.";
    INVALID_SID = 0xC000_0078, 1337, "The security identifier is malformed.";
    INVALID_SECURITY_DESCR = 0xC000_0079, 1338, "The security descriptor is malformed.";
    RANGE_NOT_LOCKED = 0xC000_007E, 158, "The byte range to unlock is not locked.";
    DISK_FULL = 0xC000_007F, 112, "The volume has no free space.";
    INTEGER_OVERFLOW = 0xC000_0095, 534, "A number does not fit its type.";
    FILE_INVALID = 0xC000_0098, 1006, "The file is not the one that was opened any more.";
    INSUFFICIENT_RESOURCES = 0xC000_009A, 1450, "Memory or another system resource ran out.";
    MEDIA_WRITE_PROTECTED = 0xC000_00A2, 19, "The file system is read-only.";
    DEVICE_NOT_READY = 0xC000_00A3, 21, "The device is not ready.";
    BAD_IMPERSONATION_LEVEL = 0xC000_00A5, 1346, "The impersonation level does not allow this.";
    PIPE_NOT_AVAILABLE = 0xC000_00AC, 231, "No instance of the pipe is free.";
    PIPE_BUSY = 0xC000_00AE, 231, "The pipe is in use.";
    PIPE_DISCONNECTED = 0xC000_00B0, 233, "The pipe has no process at its other end.";
    PIPE_CLOSING = 0xC000_00B1, 232, "The pipe is being closed.";
    IO_TIMEOUT = 0xC000_00B5, 121, "The request was not answered in time.";
    FILE_FORCED_CLOSED = 0xC000_00B6, 38, "The file was closed by another process.";
    FILE_IS_A_DIRECTORY = 0xC000_00BA, 5, "The file is a directory, where another kind is required.";
    NOT_SUPPORTED = 0xC000_00BB, 50, "The request is not supported.";
    REMOTE_NOT_LISTENING = 0xC000_00BC, 51, "The remote computer is not listening.";
    DUPLICATE_NAME = 0xC000_00BD, 52, "The name is taken on the network.";
    BAD_NETWORK_PATH = 0xC000_00BE, 53, "The server cannot be found or reached.";
    NETWORK_BUSY = 0xC000_00BF, 54, "The network is busy.";
    DEVICE_DOES_NOT_EXIST = 0xC000_00C0, 55, "The network resource no longer exists.";
    TOO_MANY_COMMANDS = 0xC000_00C1, 56, "The limit of network commands is reached.";
    INVALID_NETWORK_RESPONSE = 0xC000_00C3, 58, "The server sent something its protocol does not allow.";
    UNEXPECTED_NETWORK_ERROR = 0xC000_00C4, 59, "The connection behind this object is gone.";
    NETWORK_NAME_DELETED = 0xC000_00C9, 64, "The share was deleted, or its connection was lost.";
    NETWORK_ACCESS_DENIED = 0xC000_00CA, 65, "The server denies access to the share.";
    BAD_DEVICE_TYPE = 0xC000_00CB, 66, "The share is not of the requested kind.";
    BAD_NETWORK_NAME = 0xC000_00CC, 67, "The server has no such share.";
    TOO_MANY_NAMES = 0xC000_00CD, 68, "The limit of network names is reached.";
    TOO_MANY_SESSIONS = 0xC000_00CE, 69, "The limit of network sessions is reached.";
    SHARING_PAUSED = 0xC000_00CF, 70, "The server is paused.";
    REQUEST_NOT_ACCEPTED = 0xC000_00D0, 71, "The server accepts no more connections.";
    REDIRECTOR_PAUSED = 0xC000_00D1, 72, "The redirector is paused.";
    NET_WRITE_FAULT = 0xC000_00D2, 88, "Writing to the network failed.";
    NOT_SAME_DEVICE = 0xC000_00D4, 17, "Source and target are on different volumes.";
    FILE_RENAMED = 0xC000_00D5, 5, "The file was renamed while open.";
    VIRTUAL_CIRCUIT_CLOSED = 0xC000_00D6, 240, "The virtual circuit was closed.";
    CANT_WAIT = 0xC000_00D8, 554, "The request would have to wait and may not.";
    OPLOCK_NOT_GRANTED = 0xC000_00E2, 300, "The oplock is refused.";
    INVALID_OPLOCK_PROTOCOL = 0xC000_00E3, 301, "The oplock acknowledgement is out of turn.";
    INTERNAL_ERROR = 0xC000_00E5, 1359, "An internal invariant does not hold.";
    INVALID_USER_BUFFER = 0xC000_00E8, 1784, "The caller's buffer is not accessible.";
    INVALID_PARAMETER_1 = 0xC000_00EF, 87, "The first parameter is invalid.";
    REDIRECTOR_NOT_STARTED = 0xC000_00FB, 3, "The redirector is not started.";
    REDIRECTOR_STARTED = 0xC000_00FC, 1056, "The redirector is started already.";
    DIRECTORY_NOT_EMPTY = 0xC000_0101, 145, "The directory is not empty.";
    NOT_A_DIRECTORY = 0xC000_0103, 267, "The file is not a directory, where one is required.";
    NAME_TOO_LONG = 0xC000_0106, 206, "The name is longer than the server allows.";
    FILES_OPEN = 0xC000_0107, 2401, "The connection cannot be deleted: files are open on it.";
    CONNECTION_IN_USE = 0xC000_0108, 2404, "The connection cannot be deleted: it is in use.";
    PROCESS_IS_TERMINATING = 0xC000_010A, 5, "The process is ending.";
    TOO_MANY_OPENED_FILES = 0xC000_011F, 4, "Too many files are open.";
    CANCELLED = 0xC000_0120, 995, "The request was cancelled.";
    CANNOT_DELETE = 0xC000_0121, 5, "The file may not be deleted.";
    FILE_DELETED = 0xC000_0123, 5, "The file was deleted while open.";
    FILE_CLOSED = 0xC000_0128, 6, "The handle has been closed or cleaned up.";
    LOCAL_DISCONNECT = 0xC000_013B, 64, "This side closed the transport connection.";
    REMOTE_DISCONNECT = 0xC000_013C, 64, "The other side closed the transport connection.";
    REMOTE_RESOURCES = 0xC000_013D, 51, "The remote computer ran out of resources.";
    LINK_FAILED = 0xC000_013E, 59, "The transport connection failed.";
    LINK_TIMEOUT = 0xC000_013F, 59, "The transport connection timed out.";
    INVALID_ADDRESS = 0xC000_0141, 59, "The transport address is invalid.";
    INVALID_LEVEL = 0xC000_0148, 124, "The level is not known.";
    UNRECOGNIZED_VOLUME = 0xC000_014F, 1005, "The volume holds no known file system.";
    DRIVER_INTERNAL_ERROR = 0xC000_0183, 1117, "The driver met an internal error.";
    INVALID_DEVICE_STATE = 0xC000_0184, 22, "The device is not in a state for this request.";
    IO_DEVICE_ERROR = 0xC000_0185, 1117, "The device reports an input/output error.";
    DEVICE_PROTOCOL_ERROR = 0xC000_0186, 1117, "The device broke its protocol.";
    TOO_LATE = 0xC000_0189, 19, "The request comes too late to take effect.";
    POSSIBLE_DEADLOCK = 0xC000_0194, 1131, "Waiting for this could never end.";
    NETWORK_CREDENTIAL_CONFLICT = 0xC000_0195, 1219, "The server is in use with other credentials.";
    INVALID_LOCK_RANGE = 0xC000_01A1, 307, "The byte range is invalid.";
    USER_SESSION_DELETED = 0xC000_0203, 59, "The server has ended the session.";
    INSUFF_SERVER_RESOURCES = 0xC000_0205, 1130, "The server ran out of memory or another resource.";
    INVALID_BUFFER_SIZE = 0xC000_0206, 1784, "The buffer's size is wrong.";
    INVALID_ADDRESS_COMPONENT = 0xC000_0207, 1214, "A part of the transport address is invalid.";
    INVALID_ADDRESS_WILDCARD = 0xC000_0208, 1214, "A transport address has a wildcard where none is allowed.";
    TOO_MANY_ADDRESSES = 0xC000_0209, 68, "The limit of transport addresses is reached.";
    ADDRESS_ALREADY_EXISTS = 0xC000_020A, 52, "The transport address is in use.";
    ADDRESS_CLOSED = 0xC000_020B, 64, "The transport address was closed.";
    CONNECTION_DISCONNECTED = 0xC000_020C, 64, "The connection has ended.";
    CONNECTION_RESET = 0xC000_020D, 64, "The other side reset the connection.";
    TOO_MANY_NODES = 0xC000_020E, 68, "The limit of transport nodes is reached.";
    TRANSACTION_ABORTED = 0xC000_020F, 59, "The transaction was aborted.";
    DATA_NOT_ACCEPTED = 0xC000_021B, 592, "The receiver did not take the data.";
    NOT_FOUND = 0xC000_0225, 1168, "The thing looked for was not found.";
    RETRY = 0xC000_022D, 1237, "The request must be tried again.";
    CONNECTION_REFUSED = 0xC000_0236, 1225, "The other side refuses connections.";
    GRACEFUL_DISCONNECT = 0xC000_0237, 1226, "The connection ended in an orderly way.";
    ADDRESS_ALREADY_ASSOCIATED = 0xC000_0238, 1227, "The connection has an address already.";
    ADDRESS_NOT_ASSOCIATED = 0xC000_0239, 1228, "The connection has no address yet.";
    CONNECTION_INVALID = 0xC000_023A, 1229, "The connection does not exist.";
    CONNECTION_ACTIVE = 0xC000_023B, 1230, "The connection is active already.";
    NETWORK_UNREACHABLE = 0xC000_023C, 1231, "The network cannot be reached.";
    HOST_UNREACHABLE = 0xC000_023D, 1232, "The host cannot be reached.";
    PROTOCOL_UNREACHABLE = 0xC000_023E, 1233, "The host does not speak the protocol.";
    PORT_UNREACHABLE = 0xC000_023F, 1234, "Nothing listens on the port.";
    REQUEST_ABORTED = 0xC000_0240, 1235, "The request was aborted.";
    CONNECTION_ABORTED = 0xC000_0241, 1236, "The connection was aborted by this side.";
    CONNECTION_COUNT_LIMIT = 0xC000_0246, 1238, "The limit of connections is reached.";
    PATH_NOT_COVERED = 0xC000_0257, 1232, "The path belongs to another server.";
    TOO_MANY_LINKS = 0xC000_0265, 1142, "The file has as many links as it can.";
    DFS_UNAVAILABLE = 0xC000_026D, 1201, "The distributed file system is not available.";
    VOLUME_DISMOUNTED = 0xC000_026E, 21, "The volume was dismounted.";
    NO_MATCH = 0xC000_0272, 1169, "Nothing matches.";
    NOT_A_REPARSE_POINT = 0xC000_0275, 4390, "The file is not a reparse point.";
    IO_REPARSE_TAG_INVALID = 0xC000_0276, 4393, "The reparse tag is invalid.";
    IO_REPARSE_TAG_MISMATCH = 0xC000_0277, 4394, "The reparse tag is not the one expected.";
    IO_REPARSE_DATA_INVALID = 0xC000_0278, 4392, "The reparse data is malformed.";
    IO_REPARSE_TAG_NOT_HANDLED = 0xC000_0279, 1920, "The reparse point is not followed here.";
    REPARSE_POINT_NOT_RESOLVED = 0xC000_0280, 1921, "The links lead nowhere or in a circle.";
    DIRECTORY_IS_A_REPARSE_POINT = 0xC000_0281, 161, "The directory is a reparse point.";
    DEVICE_REMOVED = 0xC000_02B6, 1617, "The device was removed.";
    HOST_DOWN = 0xC000_0350, 1256, "The host is down.";
    FILE_SYSTEM_LIMITATION = 0xC000_0427, 665, "The file system cannot do this.";
    SYMLINK_CLASS_DISABLED = 0xC000_0715, 1463, "Links of this kind are not followed.";
    BAD_FILE_TYPE = 0xC000_0903, 222, "The file is of a kind that cannot be used here.";
    FILE_TOO_LARGE = 0xC000_0904, 223, "The file is larger than the file system allows.";
}
