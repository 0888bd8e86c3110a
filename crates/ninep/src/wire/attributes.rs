//! Getattr and setattr.

use super::codec::{DecodeError, EncodeError, FidUse, Field, Output, Reader, Request};
use super::{Fid, Qid};

/// Linux file mode: type and permission bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub struct Mode(pub u32);

impl Mode {
    /// S_IFMT: the bits that say the type.
    pub const TYPE_MASK: u32 = 0o170_000;
    /// S_IFIFO.
    pub const FIFO: u32 = 0o010_000;
    /// S_IFCHR.
    pub const CHARACTER_DEVICE: u32 = 0o020_000;
    /// S_IFDIR.
    pub const DIRECTORY: u32 = 0o040_000;
    /// S_IFBLK.
    pub const BLOCK_DEVICE: u32 = 0o060_000;
    /// S_IFREG.
    pub const REGULAR: u32 = 0o100_000;
    /// S_IFLNK.
    pub const SYMLINK: u32 = 0o120_000;
    /// S_IFSOCK.
    pub const SOCKET: u32 = 0o140_000;

    /// The type bits alone.
    pub fn file_type(self) -> u32 {
        self.0 & Self::TYPE_MASK
    }

    /// Permission, set-id and sticky bits alone.
    pub fn permissions(self) -> u32 {
        self.0 & 0o7777
    }

    /// Is it a directory?
    pub fn is_directory(self) -> bool {
        self.file_type() == Self::DIRECTORY
    }

    /// Is it a regular file?
    pub fn is_regular(self) -> bool {
        self.file_type() == Self::REGULAR
    }

    /// Is it a symbolic link?
    pub fn is_symlink(self) -> bool {
        self.file_type() == Self::SYMLINK
    }
}

newtype_field!(Mode);

/// A point in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Time {
    /// Seconds since 1970, negative before.
    pub seconds: i64,
    /// Nanoseconds into the second; an honest peer says less than 10⁹.
    pub nanoseconds: u64,
}

impl<'a> Field<'a> for Time {
    fn put<O: Output>(&self, out: &mut O) -> Result<(), EncodeError> {
        self.seconds.put(out)?;
        self.nanoseconds.put(out)
    }
    fn take(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        Ok(Self {
            seconds: Field::take(reader)?,
            nanoseconds: Field::take(reader)?,
        })
    }
}

bitflags::bitflags! {
    /// Which attributes are asked for, or valid in the reply.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
    pub struct GetAttrMask: u64 {
        /// `mode`.
        const MODE = 0x1;
        /// `nlink`.
        const NLINK = 0x2;
        /// `uid`.
        const UID = 0x4;
        /// `gid`.
        const GID = 0x8;
        /// `rdev`.
        const RDEV = 0x10;
        /// `atime`.
        const ATIME = 0x20;
        /// `mtime`.
        const MTIME = 0x40;
        /// `ctime`.
        const CTIME = 0x80;
        /// The qid's path as inode number.
        const INO = 0x100;
        /// `size`.
        const SIZE = 0x200;
        /// `blocks`.
        const BLOCKS = 0x400;
        /// `btime`.
        const BTIME = 0x800;
        /// `generation`.
        const GENERATION = 0x1000;
        /// `data_version`.
        const DATA_VERSION = 0x2000;
        /// What `stat` gives.
        const BASIC = 0x7ff;
        /// Everything.
        const ALL = 0x3fff;
    }
}

bitflags::bitflags! {
    /// Which attributes to set.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
    pub struct SetAttrMask: u32 {
        /// `mode`.
        const MODE = 0x1;
        /// `uid`.
        const UID = 0x2;
        /// `gid`.
        const GID = 0x4;
        /// `size`: truncate or extend.
        const SIZE = 0x8;
        /// Last access, the server's present time unless [`ATIME_SET`](Self::ATIME_SET).
        const ATIME = 0x10;
        /// Last write, the server's present time unless [`MTIME_SET`](Self::MTIME_SET).
        const MTIME = 0x20;
        /// Last change, always the server's present time.
        const CTIME = 0x40;
        /// Use `atime`.
        const ATIME_SET = 0x80;
        /// Use `mtime`.
        const MTIME_SET = 0x100;
    }
}
flags_field!(GetAttrMask, SetAttrMask);

message! {
    /// Asks for attributes.
    TGETATTR: Tgetattr {
        /// The file.
        fid: Fid,
        /// Which.
        mask: GetAttrMask,
    }
}

message! {
    /// Attributes; a field whose bit is not in `valid` means nothing.
    RGETATTR: Rgetattr {
        /// Which are valid.
        valid: GetAttrMask,
        /// Identity.
        qid: Qid,
        /// Type and permissions.
        mode: Mode,
        /// Owner.
        uid: u32,
        /// Group.
        gid: u32,
        /// Hard links.
        nlink: u64,
        /// Device number of a device file.
        rdev: u64,
        /// Bytes.
        size: u64,
        /// Preferred I/O size in bytes.
        blksize: u64,
        /// 512-byte blocks in use.
        blocks: u64,
        /// Last access.
        atime: Time,
        /// Last write.
        mtime: Time,
        /// Last change of attributes.
        ctime: Time,
        /// Birth.
        btime: Time,
        /// Inode generation.
        generation: u64,
        /// Changes with the data.
        data_version: u64,
    }
}

impl Request for Tgetattr {
    type Reply<'r> = Rgetattr;
    fn fids(&self) -> FidUse {
        FidUse::one(self.fid)
    }

    fn is_repeatable(&self) -> bool {
        true
    }
}

message! {
    /// Sets attributes.
    TSETATTR: Tsetattr {
        /// The file.
        fid: Fid,
        /// Which of the following count.
        valid: SetAttrMask,
        /// Permission bits.
        mode: Mode,
        /// Owner.
        uid: u32,
        /// Group.
        gid: u32,
        /// Bytes.
        size: u64,
        /// Last access.
        atime: Time,
        /// Last write.
        mtime: Time,
    }
}

impl Tsetattr {
    /// A request that sets nothing yet.
    pub fn new(fid: Fid) -> Self {
        Self {
            fid,
            valid: SetAttrMask::empty(),
            mode: Mode(0),
            uid: 0,
            gid: 0,
            size: 0,
            atime: Time::default(),
            mtime: Time::default(),
        }
    }
}

message! {
    /// Set.
    RSETATTR: Rsetattr {}
}

impl Request for Tsetattr {
    type Reply<'r> = Rsetattr;
    fn fids(&self) -> FidUse {
        FidUse::one(self.fid)
    }
}
