//! Directories: readdir, mkdir, mknod.

use super::codec::{DecodeError, EncodeError, FidUse, Field, Output, Reader, Request};
use super::{Fid, Mode, Payload, Qid};

/// Linux `d_type`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EntryType(pub u8);

impl EntryType {
    /// DT_UNKNOWN: ask getattr.
    pub const UNKNOWN: Self = Self(0);
    /// DT_FIFO.
    pub const FIFO: Self = Self(1);
    /// DT_CHR.
    pub const CHARACTER_DEVICE: Self = Self(2);
    /// DT_DIR.
    pub const DIRECTORY: Self = Self(4);
    /// DT_BLK.
    pub const BLOCK_DEVICE: Self = Self(6);
    /// DT_REG.
    pub const REGULAR: Self = Self(8);
    /// DT_LNK.
    pub const SYMLINK: Self = Self(10);
    /// DT_SOCK.
    pub const SOCKET: Self = Self(12);
}

newtype_field!(EntryType);

/// One name in a directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DirEntry<'a> {
    /// Identity of the file.
    pub qid: Qid,
    /// Where to go on after this entry: the `offset` of the next [`Treaddir`]. Opaque and not ordered.
    pub offset: u64,
    /// Type, when the server knows it.
    pub kind: EntryType,
    /// Name; `.` and `..` come too.
    pub name: &'a [u8],
}

impl<'a> Field<'a> for DirEntry<'a> {
    fn put<O: Output>(&self, out: &mut O) -> Result<(), EncodeError> {
        self.qid.put(out)?;
        self.offset.put(out)?;
        self.kind.put(out)?;
        self.name.put(out)
    }
    fn take(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        Ok(Self {
            qid: Field::take(reader)?,
            offset: Field::take(reader)?,
            kind: Field::take(reader)?,
            name: Field::take(reader)?,
        })
    }
}

impl DirEntry<'_> {
    /// Bytes of an entry before its name: qid, offset, type, length of the name.
    pub const FIXED_LEN: usize = Qid::LEN + 8 + 1 + 2;

    /// Writes the entry as it stands in [`Rreaddir`]; for servers.
    pub fn encode<O: Output>(&self, out: &mut O) -> Result<(), EncodeError> {
        self.put(out)
    }
}

/// The entries of a readdir reply. Holding one proves that the bytes are whole entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entries<'a>(Payload<'a>);

impl<'a> Entries<'a> {
    /// Checks packed entries.
    pub fn new(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        while !reader.rest().is_empty() {
            DirEntry::take(&mut reader)?;
        }
        Ok(Self(Payload(bytes)))
    }

    /// The entries in the server's order.
    pub fn iter(&self) -> impl Iterator<Item = DirEntry<'a>> + use<'a> {
        let mut reader = Reader::new(self.0.0);
        core::iter::from_fn(move || Field::take(&mut reader).ok())
    }

    /// No entry: the end of the directory, or a count too small for the next name.
    pub fn is_empty(&self) -> bool {
        self.0.0.is_empty()
    }

    /// The packed entries.
    pub fn as_bytes(&self) -> &'a [u8] {
        self.0.0
    }

    /// Length in bytes.
    pub fn byte_len(&self) -> usize {
        self.0.0.len()
    }
}

impl<'a> Field<'a> for Entries<'a> {
    fn put<O: Output>(&self, out: &mut O) -> Result<(), EncodeError> {
        self.0.put(out)
    }
    fn take(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        Self::new(Payload::take(reader)?.0)
    }
}

message! {
    /// Reads entries of an open directory.
    TREADDIR: Treaddir {
        /// Open directory.
        fid: Fid,
        /// 0, or the `offset` of the last entry seen.
        offset: u64,
        /// Most bytes of entries to return. Ask for 4096 or more: with too few for one entry a server answers none,
        /// as it does at the end.
        count: u32,
    }
}

message! {
    /// Some entries; none at the end.
    RREADDIR: Rreaddir<'a> {
        /// Whole entries.
        entries: Entries<'a>,
    }
    count = |reply| reply.entries.0.count()
}

impl Request for Treaddir {
    type Reply<'r> = Rreaddir<'r>;
    fn fids(&self) -> FidUse {
        FidUse::one(self.fid)
    }
    fn asked(&self) -> u32 {
        self.count
    }

    fn is_repeatable(&self) -> bool {
        true
    }
}

message! {
    /// Makes a directory.
    TMKDIR: Tmkdir<'a> {
        /// Parent.
        dfid: Fid,
        /// Name in it.
        name: &'a [u8],
        /// Permission bits.
        mode: Mode,
        /// Group.
        gid: u32,
    }
}

message! {
    /// Made.
    RMKDIR: Rmkdir {
        /// The directory.
        qid: Qid,
    }
}

impl Request for Tmkdir<'_> {
    type Reply<'r> = Rmkdir;
    fn fids(&self) -> FidUse {
        FidUse::one(self.dfid)
    }

    fn is_plausible(reply: &Self::Reply<'_>) -> bool {
        reply.qid.is_directory()
    }
}

message! {
    /// Makes a device file, FIFO or socket.
    TMKNOD: Tmknod<'a> {
        /// Parent.
        dfid: Fid,
        /// Name in it.
        name: &'a [u8],
        /// Type and permission bits.
        mode: Mode,
        /// Major device number.
        major: u32,
        /// Minor device number.
        minor: u32,
        /// Group.
        gid: u32,
    }
}

message! {
    /// Made.
    RMKNOD: Rmknod {
        /// The file.
        qid: Qid,
    }
}

impl Request for Tmknod<'_> {
    type Reply<'r> = Rmknod;
    fn fids(&self) -> FidUse {
        FidUse::one(self.dfid)
    }

    fn is_plausible(reply: &Self::Reply<'_>) -> bool {
        !reply.qid.is_directory()
    }
}
