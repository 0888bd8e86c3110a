//! Tags, fids and qids.

use super::codec::{DecodeError, EncodeError, Field, Output, Reader};

/// Names a request on a connection from when it is sent until it is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tag(pub u16);

impl Tag {
    /// The tag of Tversion alone.
    pub const NONE: Self = Self(0xffff);
}

/// A client's number for a file on the server, from the walk or attach that makes it until it is clunked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fid(pub u32);

impl Fid {
    /// "No fid": the `afid` of an attach without authentication.
    pub const NONE: Self = Self(0xffff_ffff);
}

newtype_field!(Tag, Fid);

bitflags::bitflags! {
    /// Type bits of a [`Qid`].
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
    pub struct QidType: u8 {
        /// Directory.
        const DIRECTORY = 0x80;
        /// Append-only file.
        const APPEND = 0x40;
        /// Exclusive-use file.
        const EXCLUSIVE = 0x20;
        /// Mounted channel.
        const MOUNT = 0x10;
        /// Authentication file.
        const AUTH = 0x08;
        /// Temporary file.
        const TEMPORARY = 0x04;
        /// Symbolic link.
        const SYMLINK = 0x02;
        /// Hard link.
        const LINK = 0x01;
    }
}
flags_field!(QidType);

/// The server's identity of a file: two files are the same exactly when their paths are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Qid {
    /// Directory, symbolic link, or neither.
    pub kind: QidType,
    /// Changes with the file's contents on servers that keep it; diod always says 0.
    pub version: u32,
    /// Unique among the files of the server.
    pub path: u64,
}

impl Qid {
    /// Bytes on the wire.
    pub const LEN: usize = 13;

    /// Is it a directory?
    pub fn is_directory(&self) -> bool {
        self.kind.contains(QidType::DIRECTORY)
    }

    /// Is it a symbolic link?
    pub fn is_symlink(&self) -> bool {
        self.kind.contains(QidType::SYMLINK)
    }
}

impl<'a> Field<'a> for Qid {
    fn put<O: Output>(&self, out: &mut O) -> Result<(), EncodeError> {
        self.kind.put(out)?;
        self.version.put(out)?;
        self.path.put(out)
    }
    fn take(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        Ok(Self {
            kind: Field::take(reader)?,
            version: Field::take(reader)?,
            path: Field::take(reader)?,
        })
    }
}
