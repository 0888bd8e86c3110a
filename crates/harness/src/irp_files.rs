//! Files through IRPs that the test driver builds: for hosts that cannot open a path below a device.

use client::drives;
use client::io::{Completion, File, OpenOptions};
use ioctl::Encode;
use ioctl::irp::{self, DirectoryFlags, Handle, Live, Open, Request};
use nt::{
    AccessMask, CreateOptions, FileAttributes, FileInformationClass, FsInformationClass, NameBuf, Result,
    Status,
};

use crate::files::{Files, InFlight, OpenFile, Reply};
use crate::info;
use crate::open::OpenRequest;
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

    fn open_handle(&self, path: &[u16], request: &OpenRequest) -> Result<(IrpFile, u32)> {
        let open = Request::Open(Open {
            path: NameBuf::try_from_units(path)?,
            related: Handle::NONE,
            access: request.access,
            share: request.share,
            disposition: request.disposition,
            options: request.options,
            attributes: FileAttributes::NORMAL,
        });
        let done = self
            .device
            .control(open.code().0, open.build()?, open.output_len())?
            .wait();
        let (reply, handle) = reply(&done)?;
        reply.status.ok()?;
        let file = IrpFile {
            device: self.device.clone(),
            handle,
            cleaned_up: false,
            closed: false,
        };
        Ok((file, u32::try_from(reply.information).unwrap_or(u32::MAX)))
    }
}

impl Files for IrpFiles {
    fn open(&self, target: &Target, request: &OpenRequest) -> Result<(Box<dyn OpenFile>, u32)> {
        let (file, action) = self.open_handle(&device_relative(target)?, request)?;
        Ok((Box::new(file), action))
    }

    /// As the I/O manager does it: the new parent directory is opened first and named with the request.
    fn rename(&self, from: &Target, to: &Target, replace: bool) -> Result {
        let (parent, name) = to.split().ok_or(Status::OBJECT_NAME_INVALID)?;
        let in_parent = OpenRequest {
            access: AccessMask::WRITE_DATA | AccessMask::SYNCHRONIZE,
            options: CreateOptions::DIRECTORY_FILE,
            ..OpenRequest::list()
        };
        let (mut directory, _) = self.open_handle(&device_relative(&parent)?, &in_parent)?;
        let (mut file, _) = self.open_handle(&device_relative(from)?, &OpenRequest::delete())?;
        let record = info::rename(&name, replace)?;
        let request = Request::SetInformation {
            handle: file.handle,
            class: FileInformationClass::RENAME,
            target: directory.handle,
            data: &record,
        };
        file.send(&request)?.data()?;
        file.close()?;
        directory.close()
    }

    fn kind(&self) -> &'static str {
        "IRPs from the test driver"
    }

    fn live(&self) -> Result<u64> {
        let request = Request::Count;
        let done = self
            .device
            .control(request.code().0, request.build()?, request.output_len())?
            .wait();
        Ok(Live::parse(&reply(&done)?.0.data()?)?.handles)
    }
}

impl IrpFile {
    fn send(&self, request: &Request<'_>) -> Result<Reply> {
        let done = self
            .device
            .control(request.code().0, request.build()?, request.output_len())?
            .wait();
        Ok(reply(&done)?.0)
    }
}

impl OpenFile for IrpFile {
    fn start_read(&self, offset: u64, length: usize) -> Result<InFlight> {
        let length = u32::try_from(length).map_err(|_| Status::INVALID_PARAMETER)?;
        let request = Request::Read {
            handle: self.handle,
            offset,
            length,
        };
        let pending = self
            .device
            .control(request.code().0, request.build()?, request.output_len())?;
        Ok(InFlight::new(pending, |completion| Ok(reply(&completion)?.0)))
    }

    fn write(&self, offset: u64, data: &[u8]) -> Result<usize> {
        let reply = self.send(&Request::Write {
            handle: self.handle,
            offset,
            data,
        })?;
        reply.status.ok()?;
        Ok(reply.information)
    }

    fn query(&self, class: FileInformationClass, length: usize) -> Result<Reply> {
        let length = u32::try_from(length).map_err(|_| Status::INVALID_PARAMETER)?;
        self.send(&Request::QueryInformation {
            handle: self.handle,
            class,
            length,
        })
    }

    fn set(&self, class: FileInformationClass, data: &[u8]) -> Result {
        let request = Request::SetInformation {
            handle: self.handle,
            class,
            target: Handle::NONE,
            data,
        };
        self.send(&request)?.status.ok()
    }

    fn query_directory(
        &self,
        class: FileInformationClass,
        pattern: Option<&[u16]>,
        restart: bool,
        length: usize,
    ) -> Result<Reply> {
        let length = u32::try_from(length).map_err(|_| Status::INVALID_PARAMETER)?;
        let flags = if restart {
            DirectoryFlags::RESTART_SCAN
        } else {
            DirectoryFlags::empty()
        };
        let pattern = NameBuf::try_from_units(pattern.unwrap_or_default())?;
        self.send(&Request::QueryDirectory {
            handle: self.handle,
            class,
            flags,
            pattern,
            length,
        })
    }

    fn query_volume(&self, class: FsInformationClass, length: usize) -> Result<Reply> {
        let length = u32::try_from(length).map_err(|_| Status::INVALID_PARAMETER)?;
        self.send(&Request::QueryVolume {
            handle: self.handle,
            class,
            length,
        })
    }

    fn flush(&self) -> Result {
        self.send(&Request::Flush { handle: self.handle })?.status.ok()
    }

    fn cancel(&self) -> Result {
        self.send(&Request::Cancel { handle: self.handle })?.status.ok()
    }

    fn cleanup(&mut self) -> Result {
        if self.cleaned_up {
            return Err(Status::FILE_CLOSED);
        }
        self.cleaned_up = true;
        self.send(&Request::Cleanup { handle: self.handle })?.status.ok()
    }

    fn close(&mut self) -> Result {
        if self.closed {
            return Ok(());
        }
        let cleaned_up = if self.cleaned_up { Ok(()) } else { self.cleanup() };
        self.closed = true;
        self.send(&Request::Close { handle: self.handle })?.status.ok()?;
        cleaned_up
    }
}

impl Drop for IrpFile {
    fn drop(&mut self) {
        // Whoever wants to know how it went closes by hand.
        let _outcome = self.close();
    }
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
