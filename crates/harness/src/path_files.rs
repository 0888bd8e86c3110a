//! Files through plain NT calls, as any program opens them. Nothing of this has been run yet: it takes a kernel whose
//! object manager hands paths below a device to its driver.

use client::io::{Completion, EaSelection, File, LockRange, OpenOptions};
use ioctl::irp::{LockFlags, LockFunction, OpenFlags, Operation, ScanFlags, WatchFlags};
use nt::{FileInformationClass, Result, Status};

use crate::files::{Files, InFlight, OpenFile, OpenInFlight, Opened, Reply};
use crate::info;
use crate::open::{OpenExtras, OpenRequest};
use crate::path::Target;

/// Opens by path: for hosts whose object manager hands paths below a device to its driver.
pub(crate) struct PathFiles;

struct PlainFile {
    /// `None` once closed.
    file: Option<File>,
}

impl Files for PathFiles {
    fn try_open(&self, target: &Target, request: &OpenRequest, extras: &OpenExtras<'_>) -> Result<Opened> {
        opened(File::open(&native_name(target), &options(request, extras)?))
    }

    fn start_open(&self, _: &Target, _: &OpenRequest) -> Result<OpenInFlight> {
        Err(Status::NOT_SUPPORTED)
    }

    fn open_device(&self, _: OpenFlags) -> Result<Box<dyn OpenFile>> {
        Err(Status::NOT_SUPPORTED)
    }

    fn builds_irps(&self) -> bool {
        false
    }

    fn cancel_opens(&self) -> Result {
        Err(Status::NOT_SUPPORTED)
    }

    fn rename(&self, from: &Target, to: &Target, replace: bool) -> Result {
        let (mut file, _) = self.open(from, &OpenRequest::delete())?;
        file.set(
            FileInformationClass::RENAME,
            &info::rename(&native_name(to), replace)?,
        )?;
        file.close()
    }

    fn kind(&self) -> &'static str {
        "plain file calls"
    }

    fn live(&self) -> Result<u64> {
        Ok(0)
    }
}

impl PlainFile {
    fn file(&self) -> Result<&File> {
        self.file.as_ref().ok_or(Status::FILE_CLOSED)
    }
}

impl OpenFile for PlainFile {
    fn start(&self, operation: &Operation<'_>) -> Result<InFlight> {
        start(self.file()?, operation)
    }

    fn open_relative(&self, _: &[u16], _: &OpenRequest, _: &OpenExtras<'_>) -> Result<Opened> {
        Err(Status::NOT_SUPPORTED)
    }

    fn cancel(&self) -> Result {
        self.file()?.cancel_all().ok()
    }

    fn cleanup(&mut self) -> Result {
        self.file.take().map(File::close).ok_or(Status::FILE_CLOSED)
    }

    fn close(&mut self) -> Result {
        // A handle that was cleaned up is closed already.
        drop(self.file.take());
        Ok(())
    }
}

fn options(request: &OpenRequest, extras: &OpenExtras<'_>) -> Result<OpenOptions> {
    if !extras.flags.is_empty() || !extras.ea.is_empty() || extras.allocation != 0 {
        return Err(Status::NOT_SUPPORTED);
    }
    Ok(OpenOptions {
        access: request.access.bits(),
        attributes: extras.attributes.bits(),
        share: request.share.bits(),
        disposition: request.disposition.0,
        options: request.options.bits(),
    })
}

fn opened(outcome: Result<(File, u32)>) -> Result<Opened> {
    let (status, information, file) = match outcome {
        Ok((file, action)) => (Status::SUCCESS, action, Some(file)),
        Err(status) => (status, 0, None),
    };
    Ok(Opened {
        status,
        information: usize::try_from(information).unwrap_or(usize::MAX),
        data: Vec::new(),
        file: file.map(|file| Box::new(PlainFile { file: Some(file) }) as Box<dyn OpenFile>),
    })
}

fn start(file: &File, operation: &Operation<'_>) -> Result<InFlight> {
    let later = |pending| InFlight::new(pending, |completion| Ok(reply(completion)));
    let now = |completion| InFlight::done(reply(completion));
    let size = |length: u32| usize::try_from(length).unwrap_or(usize::MAX);
    Ok(match operation {
        Operation::Read {
            offset,
            length,
            flags,
            ..
        } if flags.is_empty() => later(file.read(*offset, size(*length))?),
        Operation::Write {
            offset, data, flags, ..
        } if flags.is_empty() => later(file.write(*offset, data.to_vec())?),
        Operation::QueryInformation { class, length } => now(file.query_information(class.0, size(*length))?),
        Operation::SetInformation { class, data, .. } => now(file.set_information(class.0, data)?),
        Operation::QueryDirectory {
            class,
            flags,
            pattern,
            length,
            ..
        } => {
            let pattern = pattern.as_name();
            let pattern = (!pattern.is_empty()).then(|| pattern.as_units());
            let restart = flags.contains(ScanFlags::RESTART_SCAN);
            later(file.query_directory(class.0, pattern, restart, size(*length))?)
        }
        Operation::QueryVolume { class, length } => now(file.query_volume(class.0, size(*length))?),
        Operation::Flush => now(file.flush()?),
        _ => return start_other(file, operation),
    })
}

/// What the plain calls cannot ask for is `NOT_SUPPORTED`: unlocking more than one range, the flags of an IRP.
fn start_other(file: &File, operation: &Operation<'_>) -> Result<InFlight> {
    let later = |pending| InFlight::new(pending, |completion| Ok(reply(completion)));
    let now = |completion| InFlight::done(reply(completion));
    let size = |length: u32| usize::try_from(length).unwrap_or(usize::MAX);
    Ok(match operation {
        Operation::SetVolume { class, data } => now(file.set_volume(class.0, data)?),
        Operation::Lock {
            function,
            offset,
            span,
            key,
            flags,
        } => {
            let range = LockRange {
                offset: *offset,
                length: *span,
                key: *key,
            };
            match *function {
                LockFunction::LOCK => later(file.lock(
                    range,
                    flags.contains(LockFlags::EXCLUSIVE),
                    flags.contains(LockFlags::FAIL_IMMEDIATELY),
                )?),
                LockFunction::UNLOCK_SINGLE => now(file.unlock(range)?),
                _ => return Err(Status::NOT_SUPPORTED),
            }
        }
        Operation::QueryEa {
            flags,
            index,
            list,
            length,
        } => {
            let selection = EaSelection {
                list,
                index: flags.contains(ScanFlags::INDEX_SPECIFIED).then_some(*index),
                restart: flags.contains(ScanFlags::RESTART_SCAN),
                single: flags.contains(ScanFlags::RETURN_SINGLE_ENTRY),
            };
            now(file.query_ea(selection, size(*length))?)
        }
        Operation::SetEa { data } => now(file.set_ea(data)?),
        Operation::QuerySecurity { information, length } => {
            now(file.query_security(*information, size(*length))?)
        }
        Operation::SetSecurity {
            information,
            descriptor,
        } => now(file.set_security(*information, descriptor)?),
        Operation::NotifyChange {
            filter,
            flags,
            length,
        } => later(file.notify_change(*filter, flags.contains(WatchFlags::WATCH_TREE), size(*length))?),
        Operation::FsControl {
            control,
            flags,
            input,
            length,
        } if flags.is_empty() => later(file.fs_control(*control, input.to_vec(), size(*length))?),
        _ => return Err(Status::NOT_SUPPORTED),
    })
}

/// The path as the object manager wants it.
fn native_name(target: &Target) -> Vec<u16> {
    let prefix = match target {
        Target::Drive { .. } => r"\??\",
        Target::Unc(_) => r"\??\UNC",
    };
    let mut name: Vec<u16> = prefix.encode_utf16().collect();
    match target {
        Target::Drive { letter, rest } => {
            name.extend_from_slice(&letter.units());
            name.extend_from_slice(rest);
        }
        Target::Unc(unc) => name.extend_from_slice(unc.server_relative()),
    }
    name
}

fn reply(completion: Completion) -> Reply {
    let Completion {
        status,
        information,
        output: mut data,
    } = completion;
    data.truncate(information);
    Reply {
        status,
        information,
        data,
    }
}
