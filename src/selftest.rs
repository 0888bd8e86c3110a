//! Building, using and tearing down each object of the connection engine on request, over Winsock Kernel, inside the
//! loaded driver: what `ioctl::selftest` describes. Behind the cargo feature `selftest`, and never in a shipped build.
//!
//! - `table`: which objects have handles, and whose they are.
//! - `operate`: one request, carried out.
//! - `heard`: the events of a connection, written down until the harness asks.
//! - `pool`: how deep on the stack memory is asked for.
//! - `routines`: the documented routines, used by a C program.

mod heard;
mod operate;
mod pool;
mod routines;
mod table;

pub(crate) use pool::Pool;
pub(crate) use table::Table;

use ::ioctl::Encode;
use ::ioctl::selftest::{Answer, MAX_INPUT, OUTPUT_SIZE, Reply};
use alloc::vec::Vec;
use executive::mem::TryVec;
use nt::Status;
use wdk_sys::NTSTATUS;

use crate::driver::Driver;
use crate::irp::{Irp, pend, pend_always};

/// Whose a handle is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Owner {
    /// The file object at this address, through which it was made.
    Open(usize),
    /// One that is closing: the next file object may have its address already.
    Closing(u32),
}

/// IRP_MJ_DEVICE_CONTROL with the self test's code.
pub(crate) fn control(driver: &Driver, mut irp: Irp, input: usize, output: usize) -> NTSTATUS {
    let owner = owner(&irp);
    let input = match copy_input(&mut irp, input, output) {
        Ok(input) => input,
        Err(status) => return irp.answer(Err(status)),
    };
    if let Some((part, ports)) = routines::wanted(&input) {
        // In the caller's thread, which is none of the system's.
        let device = irp.stack().DeviceObject;
        let result = routines::run(driver.transport(), device, part, ports).and_then(|said| {
            let reply = Reply {
                status: Status::SUCCESS,
                answer: Answer::Text(&said),
            };
            let written = reply.write(irp.system_buffer(output)?)?;
            Ok(written)
        });
        return match result {
            Ok(written) => irp.complete(Status::SUCCESS, written),
            Err(status) => irp.answer(Err(status)),
        };
    }
    let (transport, runtime) = (driver.transport().clone(), driver.runtime().clone());
    let bench = operate::Bench {
        transport,
        runtime,
        table: driver.table(),
        owner,
    };
    pend(driver.runtime(), irp, move |mut pending, cancel| async move {
        let mut scratch = Vec::new();
        let reply = operate::carry_out(&bench, &input, &mut scratch, &cancel).await;
        let result = reply.and_then(|reply| {
            let written = reply.write(pending.irp().system_buffer(output)?)?;
            Ok((Status::SUCCESS, written))
        });
        pending.complete(result);
    })
}

/// Input and output of a buffered control share their memory, so the input is copied out.
fn copy_input(irp: &mut Irp, input: usize, output: usize) -> nt::Result<Vec<u8>> {
    if input > MAX_INPUT {
        return Err(Status::INVALID_PARAMETER);
    }
    let mut copy = Vec::new();
    copy.try_extend_from_slice(irp.system_buffer(input)?)?;
    // The record's own faults come first.
    ::ioctl::selftest::Request::parse(&copy)?;
    if output < OUTPUT_SIZE {
        return Err(Status::BUFFER_TOO_SMALL);
    }
    Ok(copy)
}

/// IRP_MJ_CLOSE of a control handle: what was made through it goes, in order, before the handle counts as closed.
pub(crate) fn close_control(driver: &Driver, irp: Irp) -> NTSTATUS {
    let (gate, redirector, table) = (driver.gate(), driver.redirector(), driver.table());
    let owner = table.disown(owner(&irp));
    pend_always(driver.runtime(), irp, || {
        let (gate, redirector, table) = (gate.clone(), redirector.clone(), table.clone());
        async move {
            table.close(owner).await;
            gate.leave(&redirector);
        }
    })
}

fn owner(irp: &Irp) -> Owner {
    Owner::Open(irp.stack().FileObject.addr())
}
