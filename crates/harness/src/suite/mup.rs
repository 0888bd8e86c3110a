//! Requests as they come where the driver is one of many: by MUP, or meant for another.

use ioctl::ControlCode;
use ioctl::irp::{ControlFlags, Operation, TransferFlags};
use nt::{CreateDisposition, Status};

use super::check::{done, equal};
use super::environment::Environment;
use super::{Checked, tests};
use crate::files::{OpenFile, Reply, read_file, write_file};
use crate::open::OpenRequest;
use crate::runner::Test;

pub(crate) fn tests() -> Vec<Test<Environment>> {
    tests![buffers_that_are_addresses_alone, controls_of_others_on_a_file]
}

/// MUP's device does not say how it wants buffers: they come as addresses in the caller's process, for the driver to lock.
fn buffers_that_are_addresses_alone(environment: &Environment) -> Checked {
    environment.needs_irps()?;
    let scratch = environment.scratch()?;
    let path = scratch.path("file")?;
    done("writing", write_file(&*environment.files, &path, b"content"))?;
    let request = OpenRequest::write(CreateDisposition::OPEN);
    let (mut file, _) = done("opening", environment.files.open(&path, &request))?;
    if let Some(data) = unless_unmapped(read(&*file, 7)?)? {
        equal("read", data, b"content".to_vec())?;
    }
    equal("nothing read", read(&*file, 0)?.status, Status::SUCCESS)?;
    let written = file.send(&Operation::Write {
        offset: 0,
        data: b"CONTENT",
        key: 0,
        flags: TransferFlags::AS_USER,
    })?;
    let written = unless_unmapped(written)?.is_some();
    done("closing", file.close())?;
    let left = done("reading", read_file(&*environment.files, &path))?;
    let expected = if written { b"CONTENT" } else { b"content" };
    equal("left in the file", left, expected.to_vec())?;
    scratch.finish()
}

/// Programs try what a volume or a disk would answer on any file that they have open.
fn controls_of_others_on_a_file(environment: &Environment) -> Checked {
    /// IOCTL_MOUNTDEV_QUERY_DEVICE_NAME, IOCTL_DISK_GET_DRIVE_GEOMETRY, and one that is METHOD_NEITHER.
    const OTHERS: [u32; 3] = [0x004D_0008, 0x0007_0000, 0x0014_0003];
    environment.needs_irps()?;
    let scratch = environment.scratch()?;
    let (mut file, _) = done(
        "opening",
        environment.files.open(&scratch.directory, &OpenRequest::list()),
    )?;
    let ours = ControlCode::GET_STATISTICS.0;
    let expected = OTHERS.map(|code| (code, Status::INVALID_DEVICE_REQUEST));
    for (code, status) in expected.into_iter().chain([(ours, Status::INVALID_HANDLE)]) {
        let reply = file.send(&Operation::DeviceControl {
            control: code,
            flags: ControlFlags::empty(),
            input: &[],
            length: 64,
        })?;
        equal(&format!("control {code:#x}"), reply.status, status)?;
    }
    done("closing", file.close())?;
    scratch.finish()
}

fn read(file: &dyn OpenFile, length: u32) -> nt::Result<Reply> {
    file.send(&Operation::Read {
        offset: 0,
        length,
        key: 0,
        flags: TransferFlags::AS_USER,
    })
}

/// The data of a success; nothing on a kernel that locks pages but maps none of them (Wine's).
fn unless_unmapped(reply: Reply) -> nt::Result<Option<Vec<u8>>> {
    match reply.status {
        Status::INSUFFICIENT_RESOURCES => Ok(None),
        _ => reply.data().map(Some),
    }
}
