//! What all records share: the header, the checks in their fixed order, names behind the fixed part.

use alloc::vec::Vec;

use nt::{Name, NameBuf, Result, Status};
use zerocopy::little_endian::U32;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

/// The version of every record in this crate.
pub const VERSION: u32 = 1;

/// The start of every record.
#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub(crate) struct Header {
    version: U32,
    /// The whole record in bytes, names included.
    size: U32,
}

impl Header {
    pub(crate) fn new(size: usize) -> Self {
        // A size beyond 32 bits cannot be built: names are limited to 64 KiB, lists to an output buffer.
        Self {
            version: U32::new(VERSION),
            size: U32::new(u32::try_from(size).unwrap_or(u32::MAX)),
        }
    }
}

/// The fixed part of a record: a structure whose first field is the [`Header`].
pub(crate) trait Fixed: FromBytes + IntoBytes + Immutable + KnownLayout + Unaligned + Sized {
    const SIZE: usize = size_of::<Self>();
}

/// Something that can be written as a record.
pub trait Encode {
    /// The length of the record in bytes.
    fn encoded_len(&self) -> usize;

    /// Writes the record at the start of `out` and returns its length.
    ///
    /// # Errors
    /// [`Status::BUFFER_TOO_SMALL`] if it does not fit.
    fn write(&self, out: &mut [u8]) -> Result<usize>;

    /// The record in memory of its own.
    ///
    /// # Errors
    /// [`Status::INSUFFICIENT_RESOURCES`].
    fn build(&self) -> Result<Vec<u8>> {
        let mut bytes = zeroed(self.encoded_len())?;
        self.write(&mut bytes)?;
        Ok(bytes)
    }
}

pub(crate) fn zeroed(len: usize) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(len)?;
    bytes.resize(len, 0);
    Ok(bytes)
}

/// Checks the header and the length of a record that is the whole of `bytes`, and splits off its fixed part.
///
/// The order of the checks is documented: too short for a header, unknown version, stated size, fixed part.
pub(crate) fn read<T: Fixed>(bytes: &[u8]) -> Result<(&T, &[u8])> {
    let (header, _) = Header::ref_from_prefix(bytes).map_err(|_| Status::INFO_LENGTH_MISMATCH)?;
    if header.version.get() != VERSION {
        return Err(Status::UNKNOWN_REVISION);
    }
    if usize::try_from(header.size.get()) != Ok(bytes.len()) {
        return Err(Status::INFO_LENGTH_MISMATCH);
    }
    T::ref_from_prefix(bytes).map_err(|_| Status::INFO_LENGTH_MISMATCH)
}

/// The length in bytes that the record at the start of `bytes` states.
pub(crate) fn stated_size(bytes: &[u8]) -> Option<usize> {
    let (header, _) = Header::ref_from_prefix(bytes).ok()?;
    usize::try_from(header.size.get()).ok()
}

/// What follows a fixed part, taken piece by piece; at the end nothing may be left.
pub(crate) struct Tail<'a>(pub(crate) &'a [u8]);

impl<'a> Tail<'a> {
    pub(crate) fn bytes(&mut self, len: U32) -> Result<&'a [u8]> {
        let len = usize::try_from(len.get()).map_err(|_| Status::INVALID_PARAMETER)?;
        let (head, rest) = self.0.split_at_checked(len).ok_or(Status::INVALID_PARAMETER)?;
        self.0 = rest;
        Ok(head)
    }

    /// A name of at most `max_units` units, of which none is NUL.
    pub(crate) fn name(&mut self, len: U32, max_units: usize) -> Result<NameBuf> {
        let name = self.units(len, max_units)?;
        if name.as_name().contains(0) {
            Err(Status::INVALID_PARAMETER)
        } else {
            Ok(name)
        }
    }

    /// At most `max_units` units of any kind.
    pub(crate) fn units(&mut self, len: U32, max_units: usize) -> Result<NameBuf> {
        let (units, odd) = self.bytes(len)?.as_chunks::<2>();
        if !odd.is_empty() || units.len() > max_units {
            return Err(Status::INVALID_PARAMETER);
        }
        let mut name = NameBuf::try_with_capacity(units.len())?;
        for unit in units {
            name.try_push(u16::from_le_bytes(*unit))?;
        }
        Ok(name)
    }

    pub(crate) fn finish(self) -> Result {
        if self.0.is_empty() {
            Ok(())
        } else {
            Err(Status::INVALID_PARAMETER)
        }
    }

    /// As [`Tail::finish`], for records that are filled up with zeros to a multiple of eight bytes.
    pub(crate) fn finish_padded(self) -> Result {
        if self.0.len() < 8 && self.0.iter().all(|byte| *byte == 0) {
            Ok(())
        } else {
            Err(Status::INVALID_PARAMETER)
        }
    }
}

/// Writes pieces one after the other.
pub(crate) struct Sink<'a> {
    rest: &'a mut [u8],
    written: usize,
}

impl<'a> Sink<'a> {
    pub(crate) fn new(out: &'a mut [u8]) -> Self {
        Self {
            rest: out,
            written: 0,
        }
    }

    fn take(&mut self, len: usize) -> Result<&'a mut [u8]> {
        let rest = core::mem::take(&mut self.rest);
        let (head, tail) = rest.split_at_mut_checked(len).ok_or(Status::BUFFER_TOO_SMALL)?;
        self.rest = tail;
        self.written += len;
        Ok(head)
    }

    pub(crate) fn bytes(&mut self, bytes: &[u8]) -> Result<&mut Self> {
        self.take(bytes.len())?.copy_from_slice(bytes);
        Ok(self)
    }

    pub(crate) fn name(&mut self, name: Name<'_>) -> Result<&mut Self> {
        for (slot, unit) in self
            .take(byte_len(name))?
            .chunks_exact_mut(2)
            .zip(name.as_units())
        {
            slot.copy_from_slice(&unit.to_le_bytes());
        }
        Ok(self)
    }

    /// Zeros up to a multiple of eight bytes.
    pub(crate) fn pad(&mut self) -> Result<&mut Self> {
        let padding = self.written.next_multiple_of(8) - self.written;
        self.take(padding)?.fill(0);
        Ok(self)
    }

    pub(crate) fn finish(&self) -> usize {
        self.written
    }
}

pub(crate) fn byte_len(name: Name<'_>) -> usize {
    name.len() * 2
}

/// The length of a name as its record states it.
pub(crate) fn name_len(name: Name<'_>) -> U32 {
    data_len(byte_len(name))
}

pub(crate) fn data_len(len: usize) -> U32 {
    U32::new(u32::try_from(len).unwrap_or(u32::MAX))
}
