//! IRP_MJ_FILE_SYSTEM_CONTROL: controls of open files, all of them METHOD_BUFFERED.

use nt::Status;
use wdk_sys::{IRP_MN_KERNEL_CALL, IRP_MN_USER_FS_REQUEST, METHOD_BUFFERED, NTSTATUS};

use crate::driver::Driver;
use crate::irp::{Irp, pend};

/// IRP_MJ_FILE_SYSTEM_CONTROL. Mounting and verifying volumes is not a redirector's.
pub(crate) fn control(driver: &Driver, irp: Irp) -> NTSTATUS {
    let minor = u32::from(irp.stack().MinorFunction);
    // SAFETY: this is a FILE_SYSTEM_CONTROL request, so its parameters are the FileSystemControl member; minor functions
    // that use another one are refused before these numbers are used.
    let parameters = unsafe { irp.stack().Parameters.FileSystemControl };
    let code = parameters.FsControlCode;
    // Before any buffer is looked at: where it is depends on the method.
    if !matches!(minor, IRP_MN_USER_FS_REQUEST | IRP_MN_KERNEL_CALL) || code & 3 != METHOD_BUFFERED {
        return irp.answer(Err(Status::INVALID_DEVICE_REQUEST));
    }
    let file = match irp.file() {
        Ok(file) => file,
        Err(_) => return irp.answer(Err(Status::INVALID_DEVICE_REQUEST)),
    };
    let (input, output) = (
        parameters.InputBufferLength as usize,
        parameters.OutputBufferLength as usize,
    );
    pend(driver.runtime(), irp, move |mut pending, cancel| async move {
        let result = match pending.irp().system_buffer(input.max(output)) {
            Ok(buffer) => file.fs_control(code, buffer, input, output, &cancel).await,
            Err(status) => Err(status),
        };
        pending.complete(result.map(|(written, status)| (status, written)));
    })
}
