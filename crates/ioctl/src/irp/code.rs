//! The control codes of the test driver.

use crate::code::{ANY_ACCESS, ControlCode, buffered_code};

/// `FILE_DEVICE_UNKNOWN`.
const DEVICE_TYPE: u32 = 0x22;

const fn irp_code(function: u32) -> ControlCode {
    buffered_code(DEVICE_TYPE, 0x100 | function, ANY_ACCESS)
}

/// `IRP_MJ_CREATE`.
pub const OPEN: ControlCode = irp_code(0);
/// What is alive in the test driver; the reply's data is a [`super::Live`].
pub const COUNT: ControlCode = irp_code(1);
/// `IRP_MJ_CLEANUP`.
pub const CLEANUP: ControlCode = irp_code(2);
/// `IRP_MJ_CLOSE`; frees the handle number.
pub const CLOSE: ControlCode = irp_code(3);
/// `IRP_MJ_READ`.
pub const READ: ControlCode = irp_code(4);
/// `IRP_MJ_WRITE`.
pub const WRITE: ControlCode = irp_code(5);
/// `IRP_MJ_QUERY_INFORMATION`.
pub const QUERY_INFORMATION: ControlCode = irp_code(6);
/// `IRP_MJ_SET_INFORMATION`.
pub const SET_INFORMATION: ControlCode = irp_code(7);
/// `IRP_MJ_DIRECTORY_CONTROL` with `IRP_MN_QUERY_DIRECTORY`.
pub const QUERY_DIRECTORY: ControlCode = irp_code(8);
/// `IRP_MJ_DIRECTORY_CONTROL` with `IRP_MN_NOTIFY_CHANGE_DIRECTORY`.
pub const NOTIFY_CHANGE: ControlCode = irp_code(9);
/// `IRP_MJ_FLUSH_BUFFERS`.
pub const FLUSH: ControlCode = irp_code(10);
/// `IRP_MJ_QUERY_VOLUME_INFORMATION`.
pub const QUERY_VOLUME: ControlCode = irp_code(11);
/// `IRP_MJ_SET_VOLUME_INFORMATION`.
pub const SET_VOLUME: ControlCode = irp_code(12);
/// `IRP_MJ_LOCK_CONTROL`, in any of its minor functions.
pub const LOCK: ControlCode = irp_code(13);
/// `IRP_MJ_QUERY_EA`.
pub const QUERY_EA: ControlCode = irp_code(14);
/// `IRP_MJ_SET_EA`.
pub const SET_EA: ControlCode = irp_code(15);
/// `IRP_MJ_QUERY_SECURITY`.
pub const QUERY_SECURITY: ControlCode = irp_code(16);
/// `IRP_MJ_SET_SECURITY`.
pub const SET_SECURITY: ControlCode = irp_code(17);
/// `IRP_MJ_FILE_SYSTEM_CONTROL`.
pub const FS_CONTROL: ControlCode = irp_code(18);
/// `IRP_MJ_DEVICE_CONTROL`.
pub const DEVICE_CONTROL: ControlCode = irp_code(19);
/// `IRP_MJ_DEVICE_CONTROL` with `IOCTL_REDIR_QUERY_PATH` or `IOCTL_REDIR_QUERY_PATH_EX`, as MUP sends it.
pub const QUERY_PATH: ControlCode = irp_code(20);
/// `IoCancelIrp` on every IRP that is pending on the handle, or with no handle on every open under way.
pub const CANCEL: ControlCode = irp_code(21);
