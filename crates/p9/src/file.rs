//! An open file, and the records that NT answers about it.

use executive::mem::Arc;
use minirdr::{DirectoryQuery, LockRequest, OpenFile, Requestor, Unlock, WritePosition};
use nt::{FileAttributes, FileInformationClass, FileTime, FsInformationClass, NameBuf, Status};

use crate::drive::{Drive, Host};
use crate::share::server_name;

/// A handle; cleaned up and closed when dropped.
pub(crate) struct File<'d> {
    drive: &'d Drive,
    file: Arc<OpenFile<Host>>,
}

/// What is known of a file.
#[derive(Clone, Debug)]
pub(crate) struct Information {
    pub(crate) creation_time: FileTime,
    pub(crate) last_access_time: FileTime,
    pub(crate) last_write_time: FileTime,
    pub(crate) change_time: FileTime,
    pub(crate) size: u64,
    pub(crate) allocation_size: u64,
    pub(crate) attributes: FileAttributes,
    pub(crate) file_id: u64,
}

/// A directory entry.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    /// As the server spells it.
    pub(crate) name: Vec<u8>,
    pub(crate) information: Information,
}

/// How full a volume is, in bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Volume {
    pub(crate) total: u64,
    pub(crate) available: u64,
    pub(crate) free: u64,
    pub(crate) unit: u64,
}

impl Information {
    pub(crate) fn is_directory(&self) -> bool {
        self.attributes.contains(FileAttributes::DIRECTORY)
    }

    pub(crate) fn is_link(&self) -> bool {
        self.attributes.contains(FileAttributes::REPARSE_POINT)
    }

    /// A directory as such: a link that leads to one is not.
    pub(crate) fn is_tree(&self) -> bool {
        self.is_directory() && !self.is_link()
    }

    /// `directory`, `link` or `file`.
    pub(crate) fn kind(&self) -> &'static str {
        match (self.is_directory(), self.is_link()) {
            (_, true) => "link",
            (true, false) => "directory",
            (false, false) => "file",
        }
    }
}

/// Bytes of a directory listing that are asked for at a time.
const LIST_BUFFER: usize = 128 * 1024;

impl<'d> File<'d> {
    pub(crate) fn new(drive: &'d Drive, file: Arc<OpenFile<Host>>) -> Self {
        Self { drive, file }
    }

    pub(crate) fn is_directory(&self) -> bool {
        self.file.is_directory()
    }

    /// Fills `buffer` from `offset` on as far as the file reaches.
    pub(crate) fn read(&self, offset: u64, buffer: &mut [u8]) -> nt::Result<usize> {
        match self.read_once(offset, buffer) {
            Err(Status::END_OF_FILE) => Ok(0),
            read => read,
        }
    }

    /// One read, with NT's answer at the end of the file.
    pub(crate) fn read_once(&self, offset: u64, buffer: &mut [u8]) -> nt::Result<usize> {
        self.drive
            .block(async |cancel| self.file.read(offset, buffer, cancel).await)
    }

    /// Writes all of `data`.
    pub(crate) fn write(&self, offset: u64, data: &[u8]) -> nt::Result {
        let mut done = 0;
        while let Some(rest) = data.get(done..).filter(|rest| !rest.is_empty()) {
            done += self.write_once(WritePosition::At(offset + done as u64), rest)?;
        }
        Ok(())
    }

    /// One write.
    pub(crate) fn write_once(&self, position: WritePosition, data: &[u8]) -> nt::Result<usize> {
        self.drive
            .block(async |cancel| self.file.write(position, data, cancel).await)
    }

    /// Says how the rest of what was written went, as far as the server tells.
    pub(crate) fn flush(&self) -> nt::Result {
        self.drive.block(async |cancel| self.file.flush(cancel).await)
    }

    /// Locks a range if it is free.
    pub(crate) fn lock(&self, start: u64, length: u64, exclusive: bool) -> nt::Result {
        let request = LockRequest {
            start,
            length,
            exclusive,
            fail_immediately: true,
        };
        let who = Requestor::default();
        self.drive
            .block(async |cancel| self.file.lock(&request, &who, cancel).await)
    }

    /// Unlocks a range that was locked by this handle.
    pub(crate) fn unlock(&self, start: u64, length: u64) -> nt::Result {
        let what = Unlock::Single { start, length };
        let who = Requestor::default();
        self.drive
            .block(async |cancel| self.file.unlock(what, &who, cancel).await)
    }

    /// Marks the file for deletion and lets go of it.
    pub(crate) fn delete(&self) -> nt::Result {
        self.drive.block(async |cancel| self.file.delete(cancel).await)
    }

    /// Sets the size, or with the class ALLOCATION how much is allocated.
    pub(crate) fn set_size(&self, class: FileInformationClass, size: u64) -> nt::Result {
        self.drive.block(async |cancel| {
            let record = size.to_le_bytes();
            self.file.set_information(class, &record, None, cancel).await
        })
    }

    /// Gives the file the name `new`, in the directory `target`, or else where it is.
    pub(crate) fn rename(&self, new: &NameBuf, target: Option<&File<'_>>, replace: bool) -> nt::Result {
        let units = new.as_name().as_units();
        let length = u32::try_from(units.len() * 2).map_err(|_| Status::NAME_TOO_LONG)?;
        // FILE_RENAME_INFORMATION: ReplaceIfExists, RootDirectory, FileNameLength, FileName.
        let mut record = vec![0; 16];
        record[0] = u8::from(replace);
        record.extend(length.to_le_bytes());
        record.extend(units.iter().flat_map(|unit| unit.to_le_bytes()));
        let class = FileInformationClass::RENAME;
        self.drive.block(async |cancel| {
            let target = target.map(|target| &*target.file);
            self.file.set_information(class, &record, target, cancel).await
        })
    }

    /// What is known of it now: FILE_STAT_INFORMATION has all of it.
    pub(crate) fn information(&self) -> nt::Result<Information> {
        let stat = self.query(FileInformationClass::STAT)?;
        Ok(Information {
            file_id: u64_at(&stat, 0)?,
            creation_time: time_at(&stat, 8)?,
            last_access_time: time_at(&stat, 16)?,
            last_write_time: time_at(&stat, 24)?,
            change_time: time_at(&stat, 32)?,
            allocation_size: u64_at(&stat, 40)?,
            size: u64_at(&stat, 48)?,
            attributes: FileAttributes::from_bits_retain(u32_at(&stat, 56)?),
        })
    }

    /// Hard links.
    pub(crate) fn links(&self) -> nt::Result<u32> {
        u32_at(&self.query(FileInformationClass::STANDARD)?, 16)
    }

    /// Its size, as NT's queries of one file have it.
    pub(crate) fn size(&self) -> nt::Result<u64> {
        u64_at(&self.query(FileInformationClass::STANDARD)?, 8)
    }

    fn query(&self, class: FileInformationClass) -> nt::Result<Vec<u8>> {
        let mut record = vec![0; 4096];
        let buffer = &mut record[..];
        let (used, _) = self
            .drive
            .block(async |cancel| self.file.query_information(class, 0, buffer, cancel).await)?;
        record.truncate(used);
        Ok(record)
    }

    /// The volume it is on.
    pub(crate) fn volume(&self) -> nt::Result<Volume> {
        let mut record = [0; 32];
        let buffer = &mut record[..];
        let class = FsInformationClass::FULL_SIZE;
        let _complete = self
            .drive
            .block(async |cancel| self.file.query_volume(class, buffer, cancel).await)?;
        let unit = u64::from(u32_at(&record, 24)?) * u64::from(u32_at(&record, 28)?);
        Ok(Volume {
            total: u64_at(&record, 0)?.saturating_mul(unit),
            available: u64_at(&record, 8)?.saturating_mul(unit),
            free: u64_at(&record, 16)?.saturating_mul(unit),
            unit,
        })
    }

    /// Everything in the directory but `.` and `..`, by name.
    pub(crate) fn entries(&self) -> nt::Result<Vec<Entry>> {
        let mut entries = Vec::new();
        let mut list = vec![0; LIST_BUFFER];
        let query = DirectoryQuery {
            class: FileInformationClass::ID_BOTH_DIRECTORY,
            pattern: None,
            restart: false,
            single: false,
        };
        loop {
            let buffer = &mut list[..];
            let listed = self
                .drive
                .block(async |cancel| self.file.query_directory(&query, buffer, cancel).await);
            match listed {
                Ok((used, _)) => parse_entries(list.get(..used).unwrap_or_default(), &mut entries)?,
                Err(Status::NO_MORE_FILES | Status::NO_SUCH_FILE) => break,
                Err(status) => return Err(status),
            }
        }
        entries.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(entries)
    }
}

impl Drop for File<'_> {
    fn drop(&mut self) {
        let _ = self.drive.block(async |_| {
            self.file.cleanup().await;
            Ok(())
        });
        self.file.close();
    }
}

/// Appends the entries of a FILE_ID_BOTH_DIR_INFORMATION list.
fn parse_entries(mut list: &[u8], entries: &mut Vec<Entry>) -> nt::Result {
    while !list.is_empty() {
        let length = u32_at(list, 60)? as usize;
        let name = list.get(104..104 + length).ok_or(Status::INFO_LENGTH_MISMATCH)?;
        let mut units = NameBuf::default();
        for unit in name.chunks_exact(2) {
            units.try_push(u16::from_le_bytes([unit[0], unit[1]]))?;
        }
        // `.` and `..` have no spelling either.
        if let Some(name) = server_name(&units) {
            entries.push(Entry {
                name,
                information: Information {
                    creation_time: time_at(list, 8)?,
                    last_access_time: time_at(list, 16)?,
                    last_write_time: time_at(list, 24)?,
                    change_time: time_at(list, 32)?,
                    size: u64_at(list, 40)?,
                    allocation_size: u64_at(list, 48)?,
                    attributes: FileAttributes::from_bits_retain(u32_at(list, 56)?),
                    file_id: u64_at(list, 96)?,
                },
            });
        }
        list = match u32_at(list, 0)? as usize {
            0 => &[],
            next => list.get(next..).ok_or(Status::INFO_LENGTH_MISMATCH)?,
        };
    }
    Ok(())
}

fn array_at<const N: usize>(record: &[u8], at: usize) -> nt::Result<[u8; N]> {
    let field = record.get(at..).and_then(|rest| rest.first_chunk());
    field.copied().ok_or(Status::INFO_LENGTH_MISMATCH)
}

fn u32_at(record: &[u8], at: usize) -> nt::Result<u32> {
    array_at(record, at).map(u32::from_le_bytes)
}

fn u64_at(record: &[u8], at: usize) -> nt::Result<u64> {
    array_at(record, at).map(u64::from_le_bytes)
}

fn time_at(record: &[u8], at: usize) -> nt::Result<FileTime> {
    array_at(record, at).map(|bytes| FileTime(i64::from_le_bytes(bytes)))
}
