//! REPARSE_DATA_BUFFER of a symbolic link ([MS-FSCC] 2.1.2.4).

use alloc::vec::Vec;

use executive::mem::TryVec;
use nt::{NameBuf, Status};

/// IO_REPARSE_TAG_SYMLINK.
pub(super) const SYMLINK_TAG: u32 = 0xa000_000c;
/// IO_REPARSE_TAG_RESERVED_ONE: this and what is below it is no tag.
const RESERVED_ONE: u32 = 1;
/// Tag, length of what follows, reserved.
const HEADER: usize = 8;
/// Offsets and lengths of both names, and flags, behind the header.
const NAMES: usize = HEADER + 12;
/// SYMLINK_FLAG_RELATIVE.
const RELATIVE: u32 = 1;
/// MAXIMUM_REPARSE_DATA_BUFFER_SIZE.
const MAXIMUM: usize = 16 * 1024;

/// What a symbolic link says, as NT writes it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ReparseData {
    /// The target as the object manager takes it.
    pub(super) substitute: NameBuf,
    /// The target as it is shown.
    pub(super) print: NameBuf,
    /// Whether the target begins where the link is, or at the root of its volume.
    pub(super) relative: bool,
}

impl ReparseData {
    /// Reads what FSCTL_SET_REPARSE_POINT was given.
    ///
    /// # Errors
    /// `IO_REPARSE_DATA_INVALID` for what does not fit together, `IO_REPARSE_TAG_INVALID` for a reserved tag,
    /// `NOT_SUPPORTED` for one that is not a symbolic link's, `INSUFFICIENT_RESOURCES`.
    pub(super) fn parse(record: &[u8]) -> nt::Result<Self> {
        let tag = header(record)?;
        if tag != SYMLINK_TAG {
            return Err(Status::NOT_SUPPORTED);
        }
        let field = |at| u16_at(record, at).map(usize::from);
        let flags = u32_at(record, HEADER + 8)?;
        let paths = record.get(NAMES..).ok_or(Status::IO_REPARSE_DATA_INVALID)?;
        let name = |offset: usize, length: usize| -> nt::Result<NameBuf> {
            let bytes = paths.get(offset..offset.saturating_add(length));
            let bytes = bytes.filter(|bytes| bytes.len().is_multiple_of(2));
            let mut name = NameBuf::default();
            for unit in bytes.ok_or(Status::IO_REPARSE_DATA_INVALID)?.chunks_exact(2) {
                let unit = unit.first_chunk::<2>().copied().unwrap_or_default();
                name.try_push(u16::from_le_bytes(unit))?;
            }
            Ok(name)
        };
        let substitute = name(field(HEADER)?, field(HEADER + 2)?)?;
        if substitute.is_empty() {
            return Err(Status::IO_REPARSE_DATA_INVALID);
        }
        Ok(Self {
            substitute,
            print: name(field(HEADER + 4)?, field(HEADER + 6)?)?,
            relative: flags & RELATIVE != 0,
        })
    }

    /// What FSCTL_GET_REPARSE_POINT answers.
    ///
    /// # Errors
    /// `IO_REPARSE_DATA_INVALID` if it is longer than NT allows, `INSUFFICIENT_RESOURCES`.
    pub(super) fn encode(&self) -> nt::Result<Vec<u8>> {
        let too_long = |_| Status::IO_REPARSE_DATA_INVALID;
        let bytes = |name: &NameBuf| u16::try_from(name.len().saturating_mul(2)).map_err(too_long);
        let (substitute, print) = (bytes(&self.substitute)?, bytes(&self.print)?);
        let length = usize::from(substitute) + usize::from(print) + (NAMES - HEADER);
        if length > MAXIMUM - HEADER {
            return Err(Status::IO_REPARSE_DATA_INVALID);
        }
        let mut record = Vec::try_with_room(HEADER + length)?;
        record.try_extend_from_slice(&SYMLINK_TAG.to_le_bytes())?;
        let length = u16::try_from(length).map_err(too_long)?;
        for field in [length, 0, 0, substitute, substitute, print] {
            record.try_extend_from_slice(&field.to_le_bytes())?;
        }
        let flags = if self.relative { RELATIVE } else { 0 };
        record.try_extend_from_slice(&flags.to_le_bytes())?;
        for &unit in self.substitute.as_units().iter().chain(self.print.as_units()) {
            record.try_extend_from_slice(&unit.to_le_bytes())?;
        }
        Ok(record)
    }
}

/// The tag that FSCTL_DELETE_REPARSE_POINT was given: in a header without data.
///
/// # Errors
/// `IO_REPARSE_DATA_INVALID`, `IO_REPARSE_TAG_INVALID`.
pub(super) fn tag_to_delete(record: &[u8]) -> nt::Result<u32> {
    let tag = header(record)?;
    if record.len() == HEADER {
        Ok(tag)
    } else {
        Err(Status::IO_REPARSE_DATA_INVALID)
    }
}

/// Checks a header against the record's length; the result is its tag.
fn header(record: &[u8]) -> nt::Result<u32> {
    let tag = u32_at(record, 0)?;
    let length = usize::from(u16_at(record, 4)?);
    if record.len() > MAXIMUM || record.len() != length.saturating_add(HEADER) {
        return Err(Status::IO_REPARSE_DATA_INVALID);
    }
    if tag <= RESERVED_ONE {
        return Err(Status::IO_REPARSE_TAG_INVALID);
    }
    Ok(tag)
}

/// Writes as much of `record` as there is room for.
///
/// # Errors
/// `BUFFER_TOO_SMALL` without room for a header.
pub(super) fn copy_out(record: &[u8], room: &mut [u8]) -> nt::Result<(usize, Status)> {
    if room.len() < HEADER {
        return Err(Status::BUFFER_TOO_SMALL);
    }
    let length = record.len().min(room.len());
    if let (Some(room), Some(part)) = (room.get_mut(..length), record.get(..length)) {
        room.copy_from_slice(part);
    }
    let status = if length < record.len() {
        Status::BUFFER_OVERFLOW
    } else {
        Status::SUCCESS
    };
    Ok((length, status))
}

fn u16_at(record: &[u8], at: usize) -> nt::Result<u16> {
    let bytes = record.get(at..).and_then(|rest| rest.first_chunk::<2>());
    bytes
        .map(|bytes| u16::from_le_bytes(*bytes))
        .ok_or(Status::IO_REPARSE_DATA_INVALID)
}

fn u32_at(record: &[u8], at: usize) -> nt::Result<u32> {
    let bytes = record.get(at..).and_then(|rest| rest.first_chunk::<4>());
    bytes
        .map(|bytes| u32::from_le_bytes(*bytes))
        .ok_or(Status::IO_REPARSE_DATA_INVALID)
}

#[cfg(test)]
mod tests {
    use super::{ReparseData, SYMLINK_TAG, copy_out, tag_to_delete};
    use nt::{NameBuf, Status};
    use proptest::prelude::*;
    use std::vec::Vec;

    fn data(text: &str) -> ReparseData {
        ReparseData {
            substitute: NameBuf::try_from_str(text).unwrap(),
            print: NameBuf::try_from_str("shown").unwrap(),
            relative: text.len().is_multiple_of(2),
        }
    }

    testserver::properties! {
        #[test]
        fn what_is_written_can_be_read(text in "\\PC{1,200}") {
            let record = data(&text).encode().unwrap();
            prop_assert_eq!(ReparseData::parse(&record), Ok(data(&text)));
        }

        #[test]
        fn any_bytes_have_a_status(mut record in proptest::collection::vec(any::<u8>(), 0..64), whole: bool) {
            if whole && record.len() >= 8 {
                record[..4].copy_from_slice(&SYMLINK_TAG.to_le_bytes());
                let length = record.len() as u16 - 8;
                record[4..6].copy_from_slice(&length.to_le_bytes());
            }
            let _ = ReparseData::parse(&record);
            let _ = tag_to_delete(&record);
        }
    }

    #[test]
    fn tags_and_lengths() {
        let header = |tag: u32, length: u16| {
            let mut record = Vec::from(tag.to_le_bytes());
            record.extend(length.to_le_bytes());
            record.extend([0, 0]);
            record
        };
        const JUNCTION: u32 = 0xa000_0003;
        for (tag, parse, delete) in [
            (
                0,
                Status::IO_REPARSE_TAG_INVALID,
                Err(Status::IO_REPARSE_TAG_INVALID),
            ),
            (JUNCTION, Status::NOT_SUPPORTED, Ok(JUNCTION)),
            (SYMLINK_TAG, Status::IO_REPARSE_DATA_INVALID, Ok(SYMLINK_TAG)),
        ] {
            assert_eq!(ReparseData::parse(&header(tag, 0)).err(), Some(parse), "{tag:x}");
            assert_eq!(tag_to_delete(&header(tag, 0)), delete, "{tag:x}");
        }
        assert_eq!(
            tag_to_delete(&header(SYMLINK_TAG, 1)),
            Err(Status::IO_REPARSE_DATA_INVALID)
        );
    }

    #[test]
    fn what_does_not_fit_is_cut() {
        let mut room = [0; 30];
        assert_eq!(copy_out(&[1; 7], &mut room[..7]), Err(Status::BUFFER_TOO_SMALL));
        assert_eq!(
            copy_out(&[1; 30], &mut room[..8]),
            Ok((8, Status::BUFFER_OVERFLOW))
        );
        assert_eq!(copy_out(&[1; 30], &mut room), Ok((30, Status::SUCCESS)));
    }
}
