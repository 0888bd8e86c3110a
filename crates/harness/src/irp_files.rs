//! Files through IRPs that the test driver builds: for hosts that cannot open a path below a device.

use client::drives;
use client::io::{Completion, File, OpenOptions, Pending};
use ioctl::Encode;
use ioctl::irp::{self, Handle, Live, Open, OpenFlags, Operation, Request};
use nt::{AccessMask, CreateOptions, FileInformationClass, NameBuf, Result, Status};

use crate::files::{Files, InFlight, OpenFile, OpenInFlight, Opened, Reply};
use crate::info;
use crate::open::{OpenExtras, OpenRequest};
use crate::path::Target;

/// The test driver's device.
pub(crate) struct IrpFiles {
    device: File,
}

struct IrpFile {
    device: File,
    handle: Handle,
    cleaned_up: bool,
    closed: bool,
}

impl IrpFiles {
    /// Opens the test driver; fails where it is not loaded.
    pub(crate) fn open_driver() -> Result<Self> {
        const GENERIC_READ_WRITE: u32 = 0xC000_0000;
        const SHARE_ALL: u32 = 7;
        const FILE_OPEN: u32 = 1;
        let name: Vec<u16> = irp::USER_PATH
            .replacen(r"\\.\", r"\??\", 1)
            .encode_utf16()
            .collect();
        let options = OpenOptions {
            access: GENERIC_READ_WRITE,
            attributes: 0,
            share: SHARE_ALL,
            disposition: FILE_OPEN,
            options: 0,
        };
        Ok(Self {
            device: File::open(&name, &options)?.0,
        })
    }

    fn open_handle(&self, target: &Target, request: &OpenRequest) -> Result<IrpFile> {
        let open = open_of(
            &device_relative(target)?,
            Handle::NONE,
            request,
            &OpenExtras::default(),
        )?;
        let (reply, handle) = reply(&control(&self.device, &Request::Open(open))?.wait())?;
        file_of(&self.device, handle).ok_or(reply.status)
    }
}

impl Files for IrpFiles {
    fn try_open(&self, target: &Target, request: &OpenRequest, extras: &OpenExtras<'_>) -> Result<Opened> {
        let open = open_of(&device_relative(target)?, Handle::NONE, request, extras)?;
        opened(&self.device, open)
    }

    fn start_open(&self, target: &Target, request: &OpenRequest) -> Result<OpenInFlight> {
        let extras = OpenExtras::default();
        let open = open_of(&device_relative(target)?, Handle::NONE, request, &extras)?;
        let pending = control(&self.device, &Request::Open(open))?;
        let device = self.device.clone();
        Ok(OpenInFlight::new(pending, move |completion| {
            outcome(&device, &completion)
        }))
    }

    fn open_device(&self, flags: OpenFlags) -> Result<Box<dyn OpenFile>> {
        let open = open_of(
            &[],
            Handle::NONE,
            &OpenRequest::attributes(),
            &OpenExtras {
                flags,
                ..OpenExtras::default()
            },
        )?;
        Ok(opened(&self.device, open)?.open()?.0)
    }

    fn builds_irps(&self) -> bool {
        true
    }

    fn cancel_opens(&self) -> Result {
        let request = Request::On(Handle::NONE, Operation::Cancel);
        reply(&control(&self.device, &request)?.wait())?.0.status.ok()
    }

    /// As the I/O manager does it: the new parent directory is opened first and named with the request.
    fn rename(&self, from: &Target, to: &Target, replace: bool) -> Result {
        let (parent, name) = to.split().ok_or(Status::OBJECT_NAME_INVALID)?;
        let in_parent = OpenRequest {
            access: AccessMask::WRITE_DATA | AccessMask::SYNCHRONIZE,
            options: CreateOptions::DIRECTORY_FILE,
            ..OpenRequest::list()
        };
        let mut directory = self.open_handle(&parent, &in_parent)?;
        let mut file = self.open_handle(from, &OpenRequest::delete())?;
        let record = info::rename(&name, replace)?;
        let operation = Operation::SetInformation {
            class: FileInformationClass::RENAME,
            target: directory.handle,
            data: &record,
        };
        file.send(&operation)?.data()?;
        file.close()?;
        directory.close()
    }

    fn kind(&self) -> &'static str {
        "IRPs from the test driver"
    }

    fn live(&self) -> Result<u64> {
        let done = control(&self.device, &Request::Count)?.wait();
        Ok(Live::parse(&reply(&done)?.0.data()?)?.handles)
    }
}

impl OpenFile for IrpFile {
    fn start(&self, operation: &Operation<'_>) -> Result<InFlight> {
        let pending = self.device.control(
            operation.code().0,
            operation.build_on(self.handle)?,
            operation.output_len(),
        )?;
        Ok(InFlight::new(pending, |completion| Ok(reply(&completion)?.0)))
    }

    fn open_relative(&self, name: &[u16], request: &OpenRequest, extras: &OpenExtras<'_>) -> Result<Opened> {
        opened(&self.device, open_of(name, self.handle, request, extras)?)
    }

    fn cancel(&self) -> Result {
        self.send(&Operation::Cancel)?.status.ok()
    }

    fn cleanup(&mut self) -> Result {
        if self.cleaned_up {
            return Err(Status::FILE_CLOSED);
        }
        self.cleaned_up = true;
        self.send(&Operation::Cleanup)?.status.ok()
    }

    fn close(&mut self) -> Result {
        if self.closed {
            return Ok(());
        }
        let cleaned_up = if self.cleaned_up { Ok(()) } else { self.cleanup() };
        self.closed = true;
        self.send(&Operation::Close)?.status.ok()?;
        cleaned_up
    }
}

impl Drop for IrpFile {
    fn drop(&mut self) {
        // Whoever wants to know how it went closes by hand.
        let _outcome = self.close();
    }
}

fn open_of<'a>(
    path: &[u16],
    related: Handle,
    request: &OpenRequest,
    extras: &OpenExtras<'a>,
) -> Result<Open<'a>> {
    Ok(Open {
        path: NameBuf::try_from_units(path)?,
        related,
        access: request.access,
        share: request.share,
        disposition: request.disposition,
        options: request.options,
        attributes: extras.attributes,
        flags: extras.flags,
        allocation: extras.allocation,
        length: extras.reparse_length,
        ea: extras.ea,
    })
}

fn opened(device: &File, open: Open<'_>) -> Result<Opened> {
    outcome(device, &control(device, &Request::Open(open))?.wait())
}

fn outcome(device: &File, done: &Completion) -> Result<Opened> {
    let (reply, handle) = reply(done)?;
    let file = file_of(device, handle);
    Ok(Opened {
        status: reply.status,
        information: reply.information,
        data: reply.data,
        file: file.map(|file| Box::new(file) as Box<dyn OpenFile>),
    })
}

fn file_of(device: &File, handle: Handle) -> Option<IrpFile> {
    (handle != Handle::NONE).then(|| IrpFile {
        device: device.clone(),
        handle,
        cleaned_up: false,
        closed: false,
    })
}

fn control(device: &File, request: &Request<'_>) -> Result<Pending> {
    device.control(request.code().0, request.build()?, request.output_len())
}

/// What the driver sees of a path: the drive's link without the device name, then the rest.
fn device_relative(target: &Target) -> Result<Vec<u16>> {
    match target {
        Target::Unc(unc) => Ok(unc.server_relative().to_vec()),
        Target::Drive { letter, rest } => {
            let link = drives::query(*letter).map_err(|_| Status::OBJECT_PATH_NOT_FOUND)?;
            let link = link.ok_or(Status::OBJECT_PATH_NOT_FOUND)?;
            let device = ioctl::DEVICE_NAME.encode_utf16().count();
            let below = link
                .get(device..)
                .filter(|below| below.starts_with(&[u16::from(b'\\'), u16::from(b';')]));
            let mut name = below.ok_or(Status::OBJECT_PATH_NOT_FOUND)?.to_vec();
            name.extend_from_slice(rest);
            Ok(name)
        }
    }
}

/// Reads what the test driver answered: the IRP's outcome and the handle of an open.
fn reply(done: &Completion) -> Result<(Reply, Handle)> {
    done.status.ok()?;
    let written = done
        .output
        .get(..done.information)
        .ok_or(Status::INFO_LENGTH_MISMATCH)?;
    let reply = irp::Reply::parse(written)?;
    let failed = reply.status.is_error();
    let information = usize::try_from(reply.information).unwrap_or(usize::MAX);
    let information = if failed { 0 } else { information };
    Ok((
        Reply {
            status: reply.status,
            information,
            data: reply.data.to_vec(),
        },
        reply.handle,
    ))
}
