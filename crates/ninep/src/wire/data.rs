//! Read, write, fsync.

use super::Fid;
use super::codec::{DecodeError, EncodeError, FidUse, Field, Output, Reader, Request};

/// What msize must leave beside the payload of a read or write. 23 bytes would do for Twrite; servers (diod, Linux)
/// reserve 24 and refuse more.
pub const IO_HEADER_LEN: u32 = 24;

/// File data: `count[4]` and that many bytes.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct Payload<'a>(pub &'a [u8]);

impl core::fmt::Debug for Payload<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "[{} bytes]", self.0.len())
    }
}

impl Payload<'_> {
    /// Length in bytes; saturates where the wire format would refuse.
    pub fn count(&self) -> u32 {
        u32::try_from(self.0.len()).unwrap_or(u32::MAX)
    }
}

impl<'a> Field<'a> for Payload<'a> {
    fn put<O: Output>(&self, out: &mut O) -> Result<(), EncodeError> {
        u32::try_from(self.0.len())
            .map_err(|_| EncodeError::TooLong)?
            .put(out)?;
        out.put(self.0)
    }
    fn take(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        let count = usize::try_from(u32::take(reader)?).map_err(|_| DecodeError::Truncated)?;
        Ok(Self(reader.take(count)?))
    }
}

message! {
    /// Reads from an open file.
    TREAD: Tread {
        /// Open fid.
        fid: Fid,
        /// Byte offset in the file.
        offset: u64,
        /// Most bytes to return; at most msize − [`IO_HEADER_LEN`].
        count: u32,
    }
}

message! {
    /// What was read; fewer bytes than asked does not mean end of file, none does.
    RREAD: Rread<'a> {
        /// The data.
        data: Payload<'a>,
    }
    count = |reply| reply.data.count()
}

impl Request for Tread {
    type Reply<'r> = Rread<'r>;
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
    /// Writes to an open file.
    TWRITE: Twrite<'a> {
        /// Open fid.
        fid: Fid,
        /// Byte offset in the file.
        offset: u64,
        /// The data; at most msize − [`IO_HEADER_LEN`] bytes.
        data: Payload<'a>,
    }
}

message! {
    /// Written.
    RWRITE: Rwrite {
        /// Bytes written, maybe fewer than sent.
        count: u32,
    }
    count = |reply| reply.count
}

impl Request for Twrite<'_> {
    type Reply<'r> = Rwrite;
    fn fids(&self) -> FidUse {
        FidUse::one(self.fid)
    }
    fn asked(&self) -> u32 {
        self.data.count()
    }
}

message! {
    /// Forces a file to stable storage.
    TFSYNC: Tfsync {
        /// Open fid.
        fid: Fid,
        /// Not 0: data only (fdatasync). Linux sends the field; servers without it ignore it.
        datasync: u32,
    }
}

message! {
    /// Done.
    RFSYNC: Rfsync {}
}

impl Request for Tfsync {
    type Reply<'r> = Rfsync;
    fn fids(&self) -> FidUse {
        FidUse::one(self.fid)
    }
}
