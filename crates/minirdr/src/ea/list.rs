//! Lists of extended attributes as NT lays them out (`[MS-FSCC]` 2.4.15, 2.4.16), read and written.

use alloc::vec::Vec;

use executive::mem::TryVec;
use nt::Status;

use crate::information::encode::Encoder;

/// Size of FILE_FULL_EA_INFORMATION up to its name.
const FULL_HEADER: usize = 8;
/// Size of FILE_GET_EA_INFORMATION up to its name.
const GET_HEADER: usize = 5;
/// FILE_NEED_EA: a program that does not understand the attribute should not use the file.
const NEED_EA: u8 = 0x80;

/// What is wrong with a caller's list: the status, and at which offset.
pub(super) type ListError = (Status, usize);

/// An attribute to set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Setting<'a> {
    pub name: &'a [u8],
    /// Empty: to be removed.
    pub value: &'a [u8],
}

/// The entry at `at`, given the offset of the next one; its size in bytes.
type Split<'a, T> = fn(&'a [u8]) -> Result<(T, usize), Status>;

/// FILE_FULL_EA_INFORMATION entries.
///
/// # Errors
/// `EA_LIST_INCONSISTENT`, `INVALID_EA_NAME`, `INVALID_EA_FLAG`, `INSUFFICIENT_RESOURCES`.
pub(super) fn parse_settings(list: &[u8]) -> Result<Vec<Setting<'_>>, ListError> {
    parse(list, |entry| {
        let &[_, _, _, _, flags, name_len, low, high] = entry
            .first_chunk::<FULL_HEADER>()
            .ok_or(Status::EA_LIST_INCONSISTENT)?;
        let name = name_at(entry, FULL_HEADER, name_len)?;
        if flags & !NEED_EA != 0 {
            return Err(Status::INVALID_EA_FLAG);
        }
        let start = FULL_HEADER + name.len() + 1;
        let end = start + usize::from(u16::from_le_bytes([low, high]));
        let value = entry.get(start..end).ok_or(Status::EA_LIST_INCONSISTENT)?;
        Ok((Setting { name, value }, end))
    })
}

/// FILE_GET_EA_INFORMATION entries. Errors as [`parse_settings`].
pub(super) fn parse_names(list: &[u8]) -> Result<Vec<&[u8]>, ListError> {
    parse(list, |entry| {
        let &[_, _, _, _, name_len] = entry
            .first_chunk::<GET_HEADER>()
            .ok_or(Status::EA_LIST_INCONSISTENT)?;
        let name = name_at(entry, GET_HEADER, name_len)?;
        Ok((name, GET_HEADER + name.len() + 1))
    })
}

/// A name with its NUL.
fn name_at(entry: &[u8], start: usize, len: u8) -> Result<&[u8], Status> {
    let end = start + usize::from(len);
    let name = entry.get(start..end).ok_or(Status::EA_LIST_INCONSISTENT)?;
    match entry.get(end) {
        Some(0) if is_name(name) => Ok(name),
        Some(0) => Err(Status::INVALID_EA_NAME),
        _ => Err(Status::EA_LIST_INCONSISTENT),
    }
}

/// Follows the links of a list: each leads on, to an aligned entry behind the one that it is in.
fn parse<'a, T>(list: &'a [u8], split: Split<'a, T>) -> Result<Vec<T>, ListError> {
    let mut entries = Vec::new();
    let mut at = 0;
    loop {
        let inconsistent = (Status::EA_LIST_INCONSISTENT, at);
        let entry = list.get(at..).ok_or(inconsistent)?;
        let (value, size) = split(entry).map_err(|status| (status, at))?;
        entries
            .try_push(value)
            .map_err(|_| (Status::INSUFFICIENT_RESOURCES, at))?;
        let next = entry.first_chunk().map_or(0, |next| u32::from_le_bytes(*next));
        let next = usize::try_from(next).map_err(|_| inconsistent)?;
        if next == 0 {
            return Ok(entries);
        }
        if next < size || !next.is_multiple_of(4) || next >= entry.len() {
            return Err(inconsistent);
        }
        at += next;
    }
}

/// Whether NT lets an attribute be called so: 1 to 254 bytes, without control characters and those that have a meaning
/// in lists of names.
pub(super) fn is_name(name: &[u8]) -> bool {
    let is_forbidden = |byte: &u8| *byte < 0x20 || b"\\/:*?\"<>|,+=[];".contains(byte);
    (1..=254).contains(&name.len()) && !name.iter().any(is_forbidden)
}

/// Writes FILE_FULL_EA_INFORMATION entries.
pub(super) struct FullList<'a> {
    out: Encoder<'a>,
    previous: Option<usize>,
}

impl<'a> FullList<'a> {
    pub(super) fn new(buffer: &'a mut [u8]) -> Self {
        Self {
            out: Encoder::new(buffer),
            previous: None,
        }
    }

    /// Bytes used.
    pub(super) fn used(&self) -> usize {
        self.out.used()
    }

    /// Whether there is no entry yet.
    pub(super) fn is_empty(&self) -> bool {
        self.previous.is_none()
    }

    /// Whether an entry fits.
    pub(super) fn fits(&self, name: &[u8], value_len: usize) -> bool {
        let start = self.out.used().next_multiple_of(4);
        let len = FULL_HEADER + name.len() + 1 + value_len;
        self.out
            .capacity()
            .checked_sub(start)
            .is_some_and(|room| room >= len)
    }

    /// Appends an entry, its name upper-cased.
    ///
    /// # Errors
    /// `INFO_LENGTH_MISMATCH` where it does not fit: the list is as before.
    pub(super) fn push(&mut self, name: &[u8], value: &[u8]) -> nt::Result {
        if !self.fits(name, value.len()) {
            return Err(Status::INFO_LENGTH_MISMATCH);
        }
        let out = &mut self.out;
        if self.previous.is_some() {
            out.align(4)?;
        }
        let start = out.used();
        out.u32(0)?; // NextEntryOffset
        out.u8(0)?; // Flags
        out.u8(u8::try_from(name.len()).unwrap_or(u8::MAX))?;
        out.u16(u16::try_from(value.len()).unwrap_or(u16::MAX))?;
        for byte in name {
            out.u8(byte.to_ascii_uppercase())?;
        }
        out.u8(0)?;
        out.bytes(value)?;
        if let Some(previous) = self.previous {
            let link = u32::try_from(start.saturating_sub(previous)).unwrap_or(0);
            self.out.patch_u32(previous, link);
        }
        self.previous = Some(start);
        Ok(())
    }
}
