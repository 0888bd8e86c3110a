//! The control that runs the transport's conformance checks inside the loaded driver. Never in a shipped build.

use ::ioctl::ControlCode;
use nt::Status;
use wdk_sys::NTSTATUS;

use crate::driver::Driver;
use crate::irp::{Irp, pend};
use crate::wsk::selftest;

/// The self test's control code.
pub(super) const CODE: ControlCode = ControlCode(selftest::CONTROL_CODE);

/// Runs the checks: see [`selftest::run`] for input and output.
pub(super) fn control(driver: &Driver, mut irp: Irp, input: usize, output: usize) -> NTSTATUS {
    // Input and output of a buffered control share their memory, so the input is copied out.
    let mut ports = [0; 10];
    let copied = irp.system_buffer(input).and_then(|given| {
        let given = given.first_chunk::<10>().ok_or(Status::INVALID_PARAMETER)?;
        ports = *given;
        Ok(())
    });
    if let Err(status) = copied {
        return irp.answer(Err(status));
    }
    let (transport, runtime) = (driver.transport().clone(), driver.runtime().clone());
    pend(driver.runtime(), irp, move |mut pending, _cancel| async move {
        let result = match pending.irp().system_buffer(output) {
            Ok(text) => selftest::run(transport, &runtime, &ports, text).await,
            Err(status) => Err(status),
        };
        pending.complete(result.map(|written| (Status::SUCCESS, written)));
    })
}
