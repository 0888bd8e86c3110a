//! Files as NT sees them, behind one trait with two implementations: plain file calls, and IRPs sent through the
//! test driver on hosts that cannot open a path below a device.

use std::time::Duration;

use client::io::{Completion, Pending};
use ioctl::irp::{Handle, OpenFlags, Operation, ScanFlags, TransferFlags};
use nt::{CreateDisposition, FileInformationClass, FsInformationClass, NameBuf, Result, Status};

use crate::info::{self, Entry};
use crate::open::{CHUNK, OpenExtras, OpenRequest};
use crate::path::Target;

const DIRECTORY_BUFFER: usize = 64 * 1024;
/// A listing that goes on beyond this many answers never ends.
const MOST_ANSWERS: usize = 1 << 20;

/// What a request gave.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub(crate) status: Status,
    /// `IoStatus.Information`, 0 for a failure.
    pub(crate) information: usize,
    /// The bytes that were written to the output buffer.
    pub(crate) data: Vec<u8>,
}

impl Reply {
    /// The data of a success; every other status is an error.
    pub(crate) fn data(self) -> Result<Vec<u8>> {
        self.status.ok()?;
        Ok(self.data)
    }
}

/// What an open came to.
pub(crate) struct Opened {
    /// The status, also of a failure.
    pub(crate) status: Status,
    /// `IoStatus.Information`: the create action, or the tag of the reparse point that the open ended at.
    pub(crate) information: usize,
    /// The reparse point's data, where it can be seen.
    pub(crate) data: Vec<u8>,
    /// The file, if it is open.
    pub(crate) file: Option<Box<dyn OpenFile>>,
}

/// Opens files.
pub(crate) trait Files {
    /// Opens or creates a file, and gives whatever came of it.
    fn try_open(&self, target: &Target, request: &OpenRequest, extras: &OpenExtras<'_>) -> Result<Opened>;
    /// Opens or creates a file; gives it with the create action.
    fn open(&self, target: &Target, request: &OpenRequest) -> Result<(Box<dyn OpenFile>, u32)> {
        self.try_open(target, request, &OpenExtras::default())?.open()
    }
    /// Starts an open whose end nobody waits for yet.
    ///
    /// # Errors
    /// [`Status::NOT_SUPPORTED`] where opens do not return before they are over.
    fn start_open(&self, target: &Target, request: &OpenRequest) -> Result<OpenInFlight>;
    /// Cancels the opens that [`Files::start_open`] started.
    fn cancel_opens(&self) -> Result;
    /// Opens the redirector's device itself, as a driver does.
    ///
    /// # Errors
    /// [`Status::NOT_SUPPORTED`] where only drivers can.
    fn open_device(&self, flags: OpenFlags) -> Result<Box<dyn OpenFile>>;
    /// Whether every operation is an IRP of our making.
    fn builds_irps(&self) -> bool;
    /// Renames `from`; `replace` allows the new name to exist.
    fn rename(&self, from: &Target, to: &Target, replace: bool) -> Result;
    /// In a word, for messages.
    fn kind(&self) -> &'static str;
    /// File objects that the implementation itself still keeps, for leak checks.
    fn live(&self) -> Result<u64>;
}

impl Opened {
    /// The file and the create action of an open that succeeded.
    pub(crate) fn open(self) -> Result<(Box<dyn OpenFile>, u32)> {
        match self.file {
            Some(file) => Ok((file, u32::try_from(self.information).unwrap_or(u32::MAX))),
            None => Err(self.status),
        }
    }
}

/// An open file. Dropping it cleans up and closes.
pub(crate) trait OpenFile {
    /// Starts any operation. Which directory a rename is to is not said by [`Operation::SetInformation`] here, but by
    /// [`Files::rename`].
    fn start(&self, operation: &Operation<'_>) -> Result<InFlight>;
    /// Opens or creates a file whose name is relative to this one; or, with the option, by its number.
    fn open_relative(&self, name: &[u16], request: &OpenRequest, extras: &OpenExtras<'_>) -> Result<Opened>;
    /// Cancels what runs on the file.
    fn cancel(&self) -> Result;
    /// Ends the use of the handle (`IRP_MJ_CLEANUP`). Where a handle cannot be cleaned up alone, this closes it.
    fn cleanup(&mut self) -> Result;
    /// Gives the file object up (`IRP_MJ_CLOSE`); cleans up before if that was not done.
    fn close(&mut self) -> Result;

    /// Does an operation.
    fn send(&self, operation: &Operation<'_>) -> Result<Reply> {
        self.start(operation)?.wait()
    }

    /// Starts a read.
    fn start_read(&self, offset: u64, length: usize) -> Result<InFlight> {
        self.start(&Operation::Read {
            offset,
            length: buffer_length(length)?,
            key: 0,
            flags: TransferFlags::empty(),
        })
    }

    /// Writes; gives the number of bytes written.
    fn write(&self, offset: u64, data: &[u8]) -> Result<usize> {
        let reply = self.send(&Operation::Write {
            offset,
            data,
            key: 0,
            flags: TransferFlags::empty(),
        })?;
        reply.status.ok()?;
        Ok(reply.information)
    }

    /// Queries an information class.
    fn query(&self, class: FileInformationClass, length: usize) -> Result<Reply> {
        let length = buffer_length(length)?;
        self.send(&Operation::QueryInformation { class, length })
    }

    /// Sets an information class.
    fn set(&self, class: FileInformationClass, data: &[u8]) -> Result {
        let operation = Operation::SetInformation {
            class,
            target: Handle::NONE,
            data,
        };
        self.send(&operation)?.status.ok()
    }

    /// Queries the directory's next entries.
    fn query_directory(
        &self,
        class: FileInformationClass,
        pattern: Option<&[u16]>,
        restart: bool,
        length: usize,
    ) -> Result<Reply> {
        let flags = if restart {
            ScanFlags::RESTART_SCAN
        } else {
            ScanFlags::empty()
        };
        self.send(&Operation::QueryDirectory {
            class,
            flags,
            index: 0,
            pattern: NameBuf::try_from_units(pattern.unwrap_or_default())?,
            length: buffer_length(length)?,
        })
    }

    /// Queries the volume.
    fn query_volume(&self, class: FsInformationClass, length: usize) -> Result<Reply> {
        let length = buffer_length(length)?;
        self.send(&Operation::QueryVolume { class, length })
    }

    /// Writes everything out.
    fn flush(&self) -> Result {
        self.send(&Operation::Flush)?.status.ok()
    }
}

fn buffer_length(length: usize) -> Result<u32> {
    u32::try_from(length).map_err(|_| Status::INVALID_PARAMETER)
}

/// An operation on its way.
pub(crate) struct InFlight(Progress);

enum Progress {
    Done(Result<Reply>),
    Running {
        pending: Pending,
        decode: fn(Completion) -> Result<Reply>,
    },
}

impl InFlight {
    pub(crate) fn new(pending: Pending, decode: fn(Completion) -> Result<Reply>) -> Self {
        Self(Progress::Running { pending, decode })
    }

    /// What was over when its call returned.
    pub(crate) fn done(reply: Reply) -> Self {
        Self(Progress::Done(Ok(reply)))
    }

    /// Waits without limit.
    pub(crate) fn wait(self) -> Result<Reply> {
        match self.0 {
            Progress::Done(reply) => reply,
            Progress::Running { pending, decode } => decode(pending.wait()),
        }
    }

    /// Waits for at most `limit`; gives itself back when the operation still runs.
    pub(crate) fn wait_for(self, limit: Duration) -> Result<Result<Reply>, Self> {
        match self.0 {
            Progress::Done(reply) => Ok(reply),
            Progress::Running { pending, decode } => match pending.wait_for(limit) {
                Ok(completion) => Ok(decode(completion)),
                Err(pending) => Err(Self(Progress::Running { pending, decode })),
            },
        }
    }
}

/// An open on its way.
pub(crate) struct OpenInFlight {
    pending: Pending,
    decode: Box<dyn FnOnce(Completion) -> Result<Opened>>,
}

impl OpenInFlight {
    pub(crate) fn new(pending: Pending, decode: impl FnOnce(Completion) -> Result<Opened> + 'static) -> Self {
        Self {
            pending,
            decode: Box::new(decode),
        }
    }

    /// Waits without limit.
    pub(crate) fn wait(self) -> Result<Opened> {
        (self.decode)(self.pending.wait())
    }

    /// Waits for at most `limit`; gives itself back when the open still runs.
    pub(crate) fn wait_for(self, limit: Duration) -> Result<Result<Opened>, Self> {
        let decode = self.decode;
        match self.pending.wait_for(limit) {
            Ok(completion) => Ok(decode(completion)),
            Err(pending) => Err(Self { pending, decode }),
        }
    }
}

/// Reads up to `length` bytes; less at the end of the file, nothing behind it.
pub(crate) fn read_at(file: &dyn OpenFile, offset: u64, length: usize) -> Result<Vec<u8>> {
    let reply = file.start_read(offset, length)?.wait()?;
    match reply.status {
        Status::END_OF_FILE => Ok(Vec::new()),
        _ => reply.data(),
    }
}

/// Reads a whole file piece by piece.
pub(crate) fn read_through(file: &dyn OpenFile, mut each: impl FnMut(&[u8]) -> Result) -> Result<u64> {
    let mut offset: u64 = 0;
    loop {
        let piece = read_at(file, offset, CHUNK)?;
        if piece.is_empty() {
            return Ok(offset);
        }
        each(&piece)?;
        offset = offset.saturating_add(length_of(&piece));
    }
}

/// A whole file.
pub(crate) fn read_file(files: &dyn Files, target: &Target) -> Result<Vec<u8>> {
    let (mut file, _) = files.open(target, &OpenRequest::read())?;
    let mut all = Vec::new();
    read_through(&*file, |piece| {
        all.extend_from_slice(piece);
        Ok(())
    })?;
    file.close()?;
    Ok(all)
}

/// Writes all of `data` at `offset`.
pub(crate) fn write_all(file: &dyn OpenFile, mut offset: u64, data: &[u8]) -> Result {
    for piece in data.chunks(CHUNK) {
        let mut left = piece;
        while !left.is_empty() {
            let written = file.write(offset, left)?;
            if written == 0 {
                return Err(Status::DISK_FULL);
            }
            left = left.get(written..).ok_or(Status::INVALID_NETWORK_RESPONSE)?;
            offset = offset.saturating_add(u64::try_from(written).unwrap_or(u64::MAX));
        }
    }
    Ok(())
}

/// Makes a file with this content; one that exists is replaced.
pub(crate) fn write_file(files: &dyn Files, target: &Target, data: &[u8]) -> Result {
    let (mut file, _) = files.open(target, &OpenRequest::write(CreateDisposition::OVERWRITE_IF))?;
    write_all(&*file, 0, data)?;
    file.close()
}

/// The entries of an open directory that match `pattern`, as many as there are.
pub(crate) fn list_open(file: &dyn OpenFile, pattern: Option<&[u16]>) -> Result<Vec<Entry>> {
    let mut entries = Vec::new();
    for answer in 0..MOST_ANSWERS {
        let restart = answer == 0;
        let class = FileInformationClass::BOTH_DIRECTORY;
        let reply = file.query_directory(class, pattern.filter(|_| restart), restart, DIRECTORY_BUFFER)?;
        match reply.status {
            Status::NO_MORE_FILES => return Ok(entries),
            Status::NO_SUCH_FILE if restart => return Ok(entries),
            _ => entries.extend(info::both_directory(&reply.data()?)?),
        }
    }
    Err(Status::INVALID_NETWORK_RESPONSE)
}

/// The entries of a directory without `.` and `..`, in the order of their names.
pub(crate) fn list(files: &dyn Files, target: &Target) -> Result<Vec<Entry>> {
    let (mut directory, _) = files.open(target, &OpenRequest::list())?;
    let mut entries = list_open(&*directory, None)?;
    directory.close()?;
    entries.retain(|entry| !entry.is_dots());
    entries.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(entries)
}

/// Makes a directory.
pub(crate) fn make_directory(files: &dyn Files, target: &Target) -> Result {
    let (mut directory, _) = files.open(target, &OpenRequest::make_directory())?;
    directory.close()
}

/// Deletes a file or an empty directory.
pub(crate) fn remove(files: &dyn Files, target: &Target) -> Result {
    let (mut file, _) = files.open(target, &OpenRequest::delete())?;
    file.set(FileInformationClass::DISPOSITION, &[1])?;
    file.close()
}

/// Deletes a directory with everything in it.
pub(crate) fn remove_tree(files: &dyn Files, target: &Target) -> Result {
    for entry in list(files, target)? {
        let child = target
            .join_units(&entry.name)
            .map_err(|_| Status::OBJECT_NAME_INVALID)?;
        let real_directory = entry.is_directory() && entry.attributes & info::ATTRIBUTE_REPARSE_POINT == 0;
        if real_directory {
            remove_tree(files, &child)?;
        } else {
            remove(files, &child)?;
        }
    }
    remove(files, target)
}

fn length_of(piece: &[u8]) -> u64 {
    u64::try_from(piece.len()).unwrap_or(u64::MAX)
}
