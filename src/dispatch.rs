//! From the major function of a request to the code that answers it.

use executive::stack::{self, Entrance};
use nt::Status;
use wdk_sys::{
    IRP_MJ_CLEANUP, IRP_MJ_CLOSE, IRP_MJ_CREATE, IRP_MJ_CREATE_MAILSLOT, IRP_MJ_CREATE_NAMED_PIPE,
    IRP_MJ_DEVICE_CONTROL, IRP_MJ_DIRECTORY_CONTROL, IRP_MJ_FILE_SYSTEM_CONTROL, IRP_MJ_FLUSH_BUFFERS,
    IRP_MJ_LOCK_CONTROL, IRP_MJ_QUERY_EA, IRP_MJ_QUERY_INFORMATION, IRP_MJ_QUERY_SECURITY,
    IRP_MJ_QUERY_VOLUME_INFORMATION, IRP_MJ_READ, IRP_MJ_SET_EA, IRP_MJ_SET_INFORMATION, IRP_MJ_SET_SECURITY,
    IRP_MJ_SET_VOLUME_INFORMATION, IRP_MJ_WRITE, NTSTATUS, PDEVICE_OBJECT, PIRP,
};

use crate::driver::Driver;
use crate::irp::Irp;
use crate::{create, data, directory, ea, fs_control, information, ioctl, lock, security};

/// Answers a request, or sees to it that it will be: the result is the dispatch routine's.
type Handler = fn(&Driver, Irp) -> NTSTATUS;

/// Every entry of the driver object's MajorFunction table.
///
/// # Invocation context
/// Called by the I/O manager in the context of whoever makes the request, at PASSIVE_LEVEL, or at APC_LEVEL for paging
/// I/O. Waits for nothing but mapped views, which are flushed in the requestor's thread (`sections`); requests that have to
/// wait otherwise are answered by a task.
pub(crate) unsafe extern "C" fn dispatch(device: PDEVICE_OBJECT, irp: PIRP) -> NTSTATUS {
    let _inside = stack::enter(Entrance::Dispatch);
    // SAFETY: the I/O manager hands each request over once; all that completes it is the value made here.
    let Some(irp) = (unsafe { Irp::take(irp) }) else {
        return Status::INVALID_PARAMETER.as_ntstatus();
    };
    // SAFETY: requests come for a live device of this driver.
    let Some(driver) = (unsafe { Driver::of(device) }) else {
        return irp.answer(Err(Status::DEVICE_NOT_READY));
    };
    handler(irp.stack().MajorFunction)(driver, irp)
}

/// The MajorFunction table. Before START, what is about files is refused by the mini-redirector, as no file can be open;
/// the device itself always answers.
fn handler(major: u8) -> Handler {
    match u32::from(major) {
        IRP_MJ_CREATE => create::create,
        IRP_MJ_CLEANUP => create::cleanup,
        IRP_MJ_CLOSE => create::close,
        IRP_MJ_READ => data::read,
        IRP_MJ_WRITE => data::write,
        IRP_MJ_FLUSH_BUFFERS => data::flush,
        IRP_MJ_QUERY_INFORMATION => information::query,
        IRP_MJ_SET_INFORMATION => information::set,
        IRP_MJ_QUERY_VOLUME_INFORMATION => information::query_volume,
        IRP_MJ_SET_VOLUME_INFORMATION => information::set_volume,
        IRP_MJ_DIRECTORY_CONTROL => directory::control,
        IRP_MJ_DEVICE_CONTROL => ioctl::control,
        IRP_MJ_LOCK_CONTROL => lock::control,
        IRP_MJ_FILE_SYSTEM_CONTROL => fs_control::control,
        IRP_MJ_QUERY_EA => ea::query,
        IRP_MJ_SET_EA => ea::set,
        IRP_MJ_QUERY_SECURITY => security::query,
        IRP_MJ_SET_SECURITY => security::set,
        // A redirector of files has neither pipes nor mailslots; the name is wrong, not the request.
        IRP_MJ_CREATE_NAMED_PIPE | IRP_MJ_CREATE_MAILSLOT => {
            |_, irp| irp.answer(Err(Status::OBJECT_NAME_INVALID))
        }
        // INTERNAL_DEVICE_CONTROL, SHUTDOWN, POWER, SYSTEM_CONTROL, DEVICE_CHANGE,
        // QUERY_QUOTA, SET_QUOTA, PNP.
        _ => |_, irp| irp.answer(Err(Status::INVALID_DEVICE_REQUEST)),
    }
}
