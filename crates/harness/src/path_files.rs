//! Files through plain NT calls, as any program opens them.

use client::io::{Completion, File, OpenOptions};
use nt::{FileAttributes, FileInformationClass, FsInformationClass, Result, Status};

use crate::files::{Files, InFlight, OpenFile, Reply};
use crate::info;
use crate::open::OpenRequest;
use crate::path::Target;

/// Opens by path: for hosts whose object manager hands paths below a device to its driver.
pub(crate) struct PathFiles;

struct PlainFile {
    /// `None` once closed.
    file: Option<File>,
}

impl Files for PathFiles {
    fn open(&self, target: &Target, request: &OpenRequest) -> Result<(Box<dyn OpenFile>, u32)> {
        let options = OpenOptions {
            access: request.access.bits(),
            attributes: FileAttributes::NORMAL.bits(),
            share: request.share.bits(),
            disposition: request.disposition.0,
            options: request.options.bits(),
        };
        let (file, action) = File::open(&native_name(target), &options)?;
        Ok((Box::new(PlainFile { file: Some(file) }), action))
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
    fn start_read(&self, offset: u64, length: usize) -> Result<InFlight> {
        Ok(InFlight::new(self.file()?.read(offset, length)?, |completion| {
            Ok(reply(completion))
        }))
    }

    fn write(&self, offset: u64, data: &[u8]) -> Result<usize> {
        let done = self.file()?.write(offset, data.to_vec())?.wait();
        done.status.ok()?;
        Ok(done.information)
    }

    fn query(&self, class: FileInformationClass, length: usize) -> Result<Reply> {
        Ok(reply(self.file()?.query_information(class.0, length)?))
    }

    fn set(&self, class: FileInformationClass, data: &[u8]) -> Result {
        self.file()?.set_information(class.0, data)?.status.ok()
    }

    fn query_directory(
        &self,
        class: FileInformationClass,
        pattern: Option<&[u16]>,
        restart: bool,
        length: usize,
    ) -> Result<Reply> {
        Ok(reply(
            self.file()?
                .query_directory(class.0, pattern, restart, length)?
                .wait(),
        ))
    }

    fn query_volume(&self, class: FsInformationClass, length: usize) -> Result<Reply> {
        Ok(reply(self.file()?.query_volume(class.0, length)?))
    }

    fn flush(&self) -> Result {
        self.file()?.flush()?.status.ok()
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
