//! What 9P tells of a file, as NT names it.

use ninep::wire::{EntryType, GetAttrMask, Mode, Rgetattr, Time};
use nt::{FileAttributes, FileTime};

use crate::information::dos_attributes;

/// Any of the three write permissions of a mode.
pub(crate) const ANY_WRITE: u32 = 0o222;

/// NT's sizes are signed: a server may say more, and must not be taken to say less than nothing.
const SIZE_MAX: u64 = i64::MAX.cast_unsigned();

/// The attributes of one file at one moment, in NT's units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Attributes {
    /// Creation time; the oldest known time where the server has no birth time.
    pub creation_time: FileTime,
    /// Last access.
    pub last_access_time: FileTime,
    /// Last write of data.
    pub last_write_time: FileTime,
    /// Last change of data or attributes.
    pub change_time: FileTime,
    /// Size in bytes; 0 for a directory and for a symbolic link.
    pub end_of_file: u64,
    /// Bytes on disk.
    pub allocation_size: u64,
    /// `FILE_ATTRIBUTE_*`.
    pub file_attributes: FileAttributes,
    /// Hard links: 1 for a directory, of which Unix counts those of its subdirectories.
    pub number_of_links: u32,
    /// The server's qid path: the file's identity within the export.
    pub file_id: u64,
    /// Type and permissions, for what NT has no word for.
    pub mode: Mode,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Device number of a device file, as Linux encodes it.
    rdev: u64,
}

impl Attributes {
    /// Translates Rgetattr. `name` is the file's last component: a leading dot hides it, as on Unix.
    #[must_use]
    pub(crate) fn new(reply: &Rgetattr, name: &[u8]) -> Self {
        // The text of a link is no data of its own to NT.
        let has_size = !reply.mode.is_directory() && !reply.mode.is_symlink();
        let write = file_time(reply.mtime);
        let change = file_time(reply.ctime);
        Self {
            creation_time: birth(reply).map_or(write.min(change), file_time),
            last_access_time: file_time(reply.atime),
            last_write_time: write,
            change_time: change,
            end_of_file: if has_size { reply.size.min(SIZE_MAX) } else { 0 },
            allocation_size: if has_size {
                reply.blocks.saturating_mul(512).min(SIZE_MAX)
            } else {
                0
            },
            file_attributes: file_attributes(reply.mode, name),
            number_of_links: if reply.mode.is_directory() {
                1
            } else {
                u32::try_from(reply.nlink).unwrap_or(u32::MAX)
            },
            file_id: reply.qid.path,
            mode: reply.mode,
            uid: reply.uid,
            gid: reply.gid,
            rdev: reply.rdev,
        }
    }

    /// A file of which nothing is known, for queries that ask nothing of the server.
    #[must_use]
    pub(crate) fn unknown() -> Self {
        Self::from_kind(EntryType::UNKNOWN, 0)
    }

    /// What a directory entry alone tells: for listings of names, and where nothing more may be known.
    #[must_use]
    pub(crate) fn from_kind(kind: EntryType, file_id: u64) -> Self {
        let mode = match kind {
            EntryType::DIRECTORY => Mode(Mode::DIRECTORY),
            EntryType::SYMLINK => Mode(Mode::SYMLINK),
            _ => Mode(Mode::REGULAR | ANY_WRITE),
        };
        Self {
            creation_time: FileTime(0),
            last_access_time: FileTime(0),
            last_write_time: FileTime(0),
            change_time: FileTime(0),
            end_of_file: 0,
            allocation_size: 0,
            file_attributes: file_attributes(mode, b""),
            number_of_links: 1,
            file_id,
            mode,
            uid: 0,
            gid: 0,
            rdev: 0,
        }
    }

    /// Whether the file is a directory.
    #[must_use]
    pub(crate) fn is_directory(&self) -> bool {
        self.mode.is_directory()
    }

    /// Adds attributes that the server keeps for NT of such a file.
    pub(crate) fn add(&mut self, kept: FileAttributes) {
        self.file_attributes |= kept & dos_attributes::kept_of(self.is_directory());
    }

    /// It is a link that leads to a directory: NT takes it for one.
    pub(crate) fn show_directory(&mut self) {
        self.file_attributes |= FileAttributes::DIRECTORY;
    }

    /// Whether NT takes the file for a directory.
    #[must_use]
    pub(crate) fn is_shown_as_directory(&self) -> bool {
        self.file_attributes.contains(FileAttributes::DIRECTORY)
    }

    /// Takes the write permissions away.
    pub(crate) fn make_read_only(&mut self) {
        self.mode.0 &= !ANY_WRITE;
        self.file_attributes |= FileAttributes::READONLY;
    }

    /// Major and minor number of a device file.
    #[must_use]
    pub(crate) fn device(&self) -> Option<(u32, u32)> {
        let is_device = matches!(self.mode.file_type(), Mode::CHARACTER_DEVICE | Mode::BLOCK_DEVICE);
        // The bits of the two numbers lie interleaved in Linux's `dev_t`; each mask leaves at most 32 bits.
        let rdev = self.rdev;
        let major = (rdev >> 8) & 0xfff | (rdev >> 32) & 0xffff_f000;
        let minor = rdev & 0xff | (rdev >> 12) & 0xffff_ff00;
        let number = |bits: u64| u32::try_from(bits).unwrap_or(u32::MAX);
        is_device.then(|| (number(major), number(minor)))
    }

    /// IO_REPARSE_TAG_SYMLINK for a symbolic link, else 0.
    #[must_use]
    pub(crate) fn reparse_tag(&self) -> u32 {
        if self.mode.is_symlink() { 0xa000_000c } else { 0 }
    }

    /// Whether Tlopen may be sent: a FIFO, socket or device could block the server for good.
    #[must_use]
    pub(crate) fn is_openable(&self) -> bool {
        self.mode.is_directory() || self.mode.is_regular()
    }
}

/// When the file came to be, if the server knows. diod says that it does, and leaves it zero.
pub(crate) fn birth(reply: &Rgetattr) -> Option<Time> {
    let is_valid = reply.valid.contains(GetAttrMask::BTIME) && reply.btime != Time::default();
    is_valid.then_some(reply.btime)
}

/// A server's time in NT's units; nanoseconds beyond a second are a lie and count as none.
#[must_use]
pub(crate) fn file_time(time: Time) -> FileTime {
    FileTime::from_unix(time.seconds, u32::try_from(time.nanoseconds).unwrap_or(0))
}

fn file_attributes(mode: Mode, name: &[u8]) -> FileAttributes {
    let mut attributes = FileAttributes::empty();
    if mode.is_directory() {
        attributes |= FileAttributes::DIRECTORY;
    } else if mode.is_symlink() {
        attributes |= FileAttributes::REPARSE_POINT;
    } else if mode.is_regular() {
        attributes |= FileAttributes::ARCHIVE;
        if mode.permissions() & ANY_WRITE == 0 {
            attributes |= FileAttributes::READONLY;
        }
    }
    if name.first() == Some(&b'.') && name != b"." && name != b".." {
        attributes |= FileAttributes::HIDDEN;
    }
    if attributes.is_empty() {
        FileAttributes::NORMAL
    } else {
        attributes
    }
}

#[cfg(test)]
pub(crate) mod tests;
