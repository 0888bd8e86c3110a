//! The control codes of the test driver.

use crate::code::{ANY_ACCESS, ControlCode, buffered_code};

/// `FILE_DEVICE_UNKNOWN`.
const DEVICE_TYPE: u32 = 0x22;

const fn irp_code(function: u32) -> ControlCode {
    buffered_code(DEVICE_TYPE, 0x100 | function, ANY_ACCESS)
}

/// `IRP_MJ_CREATE`.
pub const OPEN: ControlCode = irp_code(0);
/// `IRP_MJ_CLEANUP`.
pub const CLEANUP: ControlCode = irp_code(1);
/// `IRP_MJ_CLOSE`; frees the handle number.
pub const CLOSE: ControlCode = irp_code(2);
/// `IRP_MJ_READ`.
pub const READ: ControlCode = irp_code(3);
/// `IRP_MJ_WRITE`.
pub const WRITE: ControlCode = irp_code(4);
/// `IRP_MJ_QUERY_INFORMATION`.
pub const QUERY_INFORMATION: ControlCode = irp_code(5);
/// `IRP_MJ_SET_INFORMATION`.
pub const SET_INFORMATION: ControlCode = irp_code(6);
/// `IRP_MJ_DIRECTORY_CONTROL` with `IRP_MN_QUERY_DIRECTORY`.
pub const QUERY_DIRECTORY: ControlCode = irp_code(7);
/// `IRP_MJ_FLUSH_BUFFERS`.
pub const FLUSH: ControlCode = irp_code(8);
/// `IRP_MJ_QUERY_VOLUME_INFORMATION`.
pub const QUERY_VOLUME: ControlCode = irp_code(9);
/// `IoCancelIrp` on every IRP that is pending on the handle.
pub const CANCEL: ControlCode = irp_code(10);
/// What is alive in the test driver; the reply's data is a [`super::Live`].
pub const COUNT: ControlCode = irp_code(11);
