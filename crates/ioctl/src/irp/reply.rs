//! What the test driver answers.

use nt::{Result, Status};
use zerocopy::little_endian::{U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use super::Handle;
use crate::record::{Encode, Fixed, Header, Sink, Tail, data_len, read};

/// The outcome of an IRP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reply<'a> {
    /// `IoStatus.Status`.
    pub status: Status,
    /// `IoStatus.Information`.
    pub information: u64,
    /// The new FILE_OBJECT of a successful open, otherwise [`Handle::NONE`].
    pub handle: Handle,
    /// What the IRP wrote to its buffer: `information` bytes at most.
    pub data: &'a [u8],
}

#[derive(FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
struct Layout {
    header: Header,
    status: U32,
    handle: U32,
    information: U64,
    data_len: U32,
    reserved: U32,
}

impl Fixed for Layout {}

impl<'a> Reply<'a> {
    /// The length of the reply without data, and where the data begins.
    pub const FIXED_SIZE: usize = Layout::SIZE;

    /// A reply without data.
    #[must_use]
    pub const fn of(status: Status, information: u64) -> Self {
        Self {
            status,
            information,
            handle: Handle::NONE,
            data: &[],
        }
    }

    /// Writes the fixed part in front of `data_len` bytes that are in `out` already, behind
    /// [`Reply::FIXED_SIZE`]; `self.data` is ignored. Returns the length of the whole reply.
    ///
    /// # Errors
    /// [`Status::BUFFER_TOO_SMALL`] if `out` is shorter than the reply.
    pub fn write_around(&self, out: &mut [u8], data_len: usize) -> Result<usize> {
        let size = Layout::SIZE.saturating_add(data_len);
        if out.len() < size {
            return Err(Status::BUFFER_TOO_SMALL);
        }
        Sink::new(out).bytes(self.layout(data_len).as_bytes())?;
        Ok(size)
    }

    /// Reads a reply: exactly the bytes the test driver returned.
    ///
    /// # Errors
    /// As [`crate::request`] says.
    pub fn parse(bytes: &'a [u8]) -> Result<Self> {
        let (layout, rest) = read::<Layout>(bytes)?;
        let mut tail = Tail(rest);
        let data = tail.bytes(layout.data_len)?;
        tail.finish()?;
        if layout.reserved.get() != 0 {
            return Err(Status::INVALID_PARAMETER);
        }
        Ok(Self {
            status: Status(layout.status.get()),
            information: layout.information.get(),
            handle: Handle(layout.handle.get()),
            data,
        })
    }

    fn layout(&self, data: usize) -> Layout {
        Layout {
            header: Header::new(Layout::SIZE.saturating_add(data)),
            status: U32::new(self.status.0),
            handle: U32::new(self.handle.0),
            information: U64::new(self.information),
            data_len: data_len(data),
            reserved: U32::ZERO,
        }
    }
}

impl Encode for Reply<'_> {
    fn encoded_len(&self) -> usize {
        Layout::SIZE + self.data.len()
    }

    fn write(&self, out: &mut [u8]) -> Result<usize> {
        Ok(Sink::new(out)
            .bytes(self.layout(self.data.len()).as_bytes())?
            .bytes(self.data)?
            .finish())
    }
}

/// What is alive in the test driver: all zero at the end of a test that closed what it opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Live {
    /// FILE_OBJECTs that were opened and not closed.
    pub handles: u64,
    /// IRPs that were sent and did not complete.
    pub pending: u64,
    /// IRPs ever sent.
    pub sent: u64,
}

impl Live {
    /// The length of the record.
    pub const SIZE: usize = 24;

    /// The bytes that are the reply's data.
    #[must_use]
    pub fn to_bytes(self) -> [u8; Self::SIZE] {
        let figures = [self.handles, self.pending, self.sent].map(U64::new);
        zerocopy::transmute!(figures)
    }

    /// Reads the reply's data.
    ///
    /// # Errors
    /// [`Status::INFO_LENGTH_MISMATCH`] if it is not [`Live::SIZE`] bytes long.
    pub fn parse(data: &[u8]) -> Result<Self> {
        let figures = <[U64; 3]>::ref_from_bytes(data).map_err(|_| Status::INFO_LENGTH_MISMATCH)?;
        let [handles, pending, sent] = figures.map(U64::get);
        Ok(Self {
            handles,
            pending,
            sent,
        })
    }
}
