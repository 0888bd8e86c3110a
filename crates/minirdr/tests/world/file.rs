//! A handle of a test.

use minirdr::{DirectoryQuery, LockRequest, OpenFile, Requestor, Unlock, WritePosition};
use nt::{AccessMask, CreateAction, FileAttributes, FileInformationClass, FsInformationClass, Status};

use super::records::new_name;
use super::{Host, World, name, token};

/// An open handle. Dropped, it is cleaned up and closed, as the I/O manager does with one whose process ends.
pub(crate) struct File<'w> {
    pub(super) world: &'w World,
    pub(crate) file: executive::mem::Arc<OpenFile<Host>>,
    pub(crate) action: CreateAction,
}

/// One entry of a directory listing of the class FileBothDirectoryInformation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) name: String,
    pub(crate) size: u64,
    pub(crate) attributes: FileAttributes,
}

impl File<'_> {
    /// Where it is.
    pub(crate) fn world(&self) -> &World {
        self.world
    }

    pub(crate) fn read(&self, offset: u64, len: usize) -> nt::Result<Vec<u8>> {
        let mut buffer = vec![0xee; len];
        let read = self.world.block(self.file.read(offset, &mut buffer, &token()))?;
        buffer.truncate(read);
        Ok(buffer)
    }

    pub(crate) fn write(&self, offset: u64, data: &[u8]) -> nt::Result<usize> {
        self.world
            .block(self.file.write(WritePosition::At(offset), data, &token()))
    }

    pub(crate) fn append(&self, data: &[u8]) -> nt::Result<usize> {
        self.world
            .block(self.file.write(WritePosition::EndOfFile, data, &token()))
    }

    pub(crate) fn read_by(&self, who: Requestor, offset: u64, len: usize) -> nt::Result<Vec<u8>> {
        let (mut buffer, cancel) = (vec![0xee; len], token());
        let read = self.file.read_for(who, offset, &mut buffer, &cancel);
        let read = self.world.block(read)?;
        buffer.truncate(read);
        Ok(buffer)
    }

    pub(crate) fn write_by(&self, who: Requestor, offset: u64, data: &[u8]) -> nt::Result<usize> {
        let cancel = token();
        let written = self.file.write_for(who, WritePosition::At(offset), data, &cancel);
        Ok(self.world.block(written)?.count)
    }

    /// Locks a range if it is free.
    pub(crate) fn lock(&self, start: u64, length: u64, exclusive: bool) -> nt::Result {
        self.lock_as(start, length, exclusive, Requestor::default())
    }

    pub(crate) fn lock_as(&self, start: u64, length: u64, exclusive: bool, who: Requestor) -> nt::Result {
        let request = LockRequest {
            start,
            length,
            exclusive,
            fail_immediately: true,
        };
        self.world.block(self.file.lock(&request, &who, &token()))
    }

    /// Locks a range as soon as it is free.
    pub(crate) fn lock_waiting(&self, start: u64, length: u64, exclusive: bool) -> nt::Result {
        let request = LockRequest {
            start,
            length,
            exclusive,
            fail_immediately: false,
        };
        self.world
            .block(self.file.lock(&request, &Requestor::default(), &token()))
    }

    pub(crate) fn unlock(&self, start: u64, length: u64) -> nt::Result {
        self.unlock_as(Unlock::Single { start, length }, Requestor::default())
    }

    pub(crate) fn unlock_as(&self, what: Unlock, who: Requestor) -> nt::Result {
        self.world.block(self.file.unlock(what, &who, &token()))
    }

    pub(crate) fn flush(&self) -> nt::Result {
        self.world.block(self.file.flush(&token()))
    }

    pub(crate) fn query(&self, class: FileInformationClass, len: usize) -> nt::Result<(Vec<u8>, Status)> {
        let mut buffer = vec![0xee; len];
        let (used, status) =
            self.world
                .block(self.file.query_information(class, 77, &mut buffer, &token()))?;
        buffer.truncate(used);
        Ok((buffer, status))
    }

    /// A class that fits its buffer.
    pub(crate) fn information(&self, class: FileInformationClass) -> nt::Result<Vec<u8>> {
        let (record, status) = self.query(class, 4096)?;
        assert_eq!(status, Status::SUCCESS);
        Ok(record)
    }

    pub(crate) fn size(&self) -> nt::Result<u64> {
        Ok(u64_at(&self.information(FileInformationClass::STANDARD)?, 8))
    }

    pub(crate) fn volume(&self, class: FsInformationClass, len: usize) -> nt::Result<(Vec<u8>, Status)> {
        let mut buffer = vec![0xee; len];
        let (used, status) = self
            .world
            .block(self.file.query_volume(class, &mut buffer, &token()))?;
        buffer.truncate(used);
        Ok((buffer, status))
    }

    pub(crate) fn set(&self, class: FileInformationClass, record: &[u8]) -> nt::Result {
        self.set_beside(class, record, None)
    }

    pub(crate) fn set_beside(
        &self,
        class: FileInformationClass,
        record: &[u8],
        target: Option<&File<'_>>,
    ) -> nt::Result {
        let target = target.map(|file| &*file.file);
        self.world
            .block(self.file.set_information(class, record, target, &token()))
    }

    pub(crate) fn set_size(&self, size: u64) -> nt::Result {
        self.set(FileInformationClass::END_OF_FILE, &size.to_le_bytes())
    }

    pub(crate) fn set_delete(&self, delete: bool) -> nt::Result {
        self.set(FileInformationClass::DISPOSITION, &[u8::from(delete)])
    }

    /// Renames to `new`, in the directory `target` if that is given.
    pub(crate) fn rename(&self, new: &str, replace: bool, target: Option<&File<'_>>) -> nt::Result {
        self.set_name(FileInformationClass::RENAME, replace.into(), new, target)
    }

    /// FileRenameInformationEx: `flags` are `FILE_RENAME_*`.
    pub(crate) fn rename_ex(&self, new: &str, flags: u32) -> nt::Result {
        self.set_name(FileInformationClass::RENAME_EX, flags, new, None)
    }

    /// Makes the hard link `new`, in the directory `target` if that is given.
    pub(crate) fn link(&self, new: &str, replace: bool, target: Option<&File<'_>>) -> nt::Result {
        self.set_name(FileInformationClass::LINK, replace.into(), new, target)
    }

    /// FileLinkInformationEx: `flags` are `FILE_LINK_*`.
    pub(crate) fn link_ex(&self, new: &str, flags: u32) -> nt::Result {
        self.set_name(FileInformationClass::LINK_EX, flags, new, None)
    }

    fn set_name(
        &self,
        class: FileInformationClass,
        flags: u32,
        new: &str,
        target: Option<&File<'_>>,
    ) -> nt::Result {
        let record = new_name(new, flags);
        self.set_beside(class, &record, target)
    }

    /// FileDispositionInformationEx: `flags` are `FILE_DISPOSITION_*`.
    pub(crate) fn set_disposition(&self, flags: u32) -> nt::Result {
        self.set(FileInformationClass::DISPOSITION_EX, &flags.to_le_bytes())
    }

    /// The file id.
    pub(crate) fn id(&self) -> u64 {
        u64_at(&self.information(FileInformationClass::INTERNAL).unwrap(), 0)
    }

    pub(crate) fn attributes(&self) -> FileAttributes {
        let record = self.information(FileInformationClass::BASIC).unwrap();
        FileAttributes::from_bits_retain(u32_at(&record, 32))
    }

    pub(crate) fn granted_access(&self) -> AccessMask {
        let record = self.information(FileInformationClass::ACCESS).unwrap();
        AccessMask::from_bits_retain(u32_at(&record, 0))
    }

    /// A file system control with `input`, whose output may take `room` bytes.
    pub(crate) fn fs_control(&self, code: u32, input: &[u8], room: usize) -> nt::Result<(Vec<u8>, Status)> {
        let mut buffer = vec![0xee; room.max(input.len())];
        buffer[..input.len()].copy_from_slice(input);
        let cancel = token();
        let controlled = self
            .file
            .fs_control(code, &mut buffer, input.len(), room, &cancel);
        let (written, status) = self.world.block(controlled)?;
        buffer.truncate(written);
        Ok((buffer, status))
    }

    /// One query of the directory.
    pub(crate) fn query_directory(
        &self,
        query: &DirectoryQuery<'_>,
        len: usize,
    ) -> nt::Result<(Vec<u8>, Status)> {
        let mut buffer = vec![0xee; len];
        let (used, status) = self
            .world
            .block(self.file.query_directory(query, &mut buffer, &token()))?;
        buffer.truncate(used);
        Ok((buffer, status))
    }

    /// Everything in the directory that matches `pattern`, by queries with buffers of `len` bytes.
    pub(crate) fn entries(&self, pattern: &str, len: usize) -> nt::Result<Vec<Entry>> {
        let pattern = name(pattern);
        let mut query = DirectoryQuery {
            class: FileInformationClass::BOTH_DIRECTORY,
            pattern: Some(pattern.as_name()),
            restart: true,
            single: false,
        };
        let mut found = Vec::new();
        loop {
            match self.query_directory(&query, len) {
                Ok((buffer, _)) => found.extend(both_directory(&buffer)),
                Err(Status::NO_MORE_FILES) => return Ok(found),
                Err(status) => return Err(status),
            }
            query.restart = false;
        }
    }

    pub(crate) fn names(&self) -> nt::Result<Vec<String>> {
        Ok(self
            .entries("*", 64 * 1024)?
            .into_iter()
            .map(|entry| entry.name)
            .collect())
    }

    pub(crate) fn cleanup(&self) {
        self.world.block(self.file.cleanup());
    }

    pub(crate) fn close(self) {
        drop(self);
    }
}

impl Drop for File<'_> {
    fn drop(&mut self) {
        self.cleanup();
        self.file.close();
    }
}

/// The entries of a FILE_BOTH_DIR_INFORMATION list.
pub(crate) fn both_directory(list: &[u8]) -> Vec<Entry> {
    let mut entries = Vec::new();
    let mut at = 0;
    loop {
        let entry = &list[at..];
        let len = u32_at(entry, 60) as usize;
        entries.push(Entry {
            name: utf16(&entry[94..94 + len]),
            size: u64_at(entry, 40),
            attributes: FileAttributes::from_bits_retain(u32_at(entry, 56)),
        });
        match u32_at(entry, 0) as usize {
            0 => return entries,
            next => {
                assert_eq!(next % 8, 0, "entries are aligned");
                at += next;
            }
        }
    }
}

pub(crate) fn utf16(bytes: &[u8]) -> String {
    let units: Vec<u16> = bytes
        .chunks_exact(2)
        .map(|unit| u16::from_le_bytes([unit[0], unit[1]]))
        .collect();
    String::from_utf16_lossy(&units)
}

pub(crate) fn u32_at(record: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(record[at..at + 4].try_into().unwrap())
}

pub(crate) fn u64_at(record: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(record[at..at + 8].try_into().unwrap())
}
