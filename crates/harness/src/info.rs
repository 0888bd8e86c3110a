//! The documented file information records, read from and written to bytes.

use nt::{FileTime, Status};

/// `FILE_BASIC_INFORMATION`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Basic {
    pub(crate) created: FileTime,
    pub(crate) accessed: FileTime,
    pub(crate) written: FileTime,
    pub(crate) changed: FileTime,
    pub(crate) attributes: u32,
}

/// `FILE_STANDARD_INFORMATION`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Standard {
    pub(crate) allocation: u64,
    pub(crate) size: u64,
    pub(crate) links: u32,
    pub(crate) delete_pending: bool,
    pub(crate) directory: bool,
}

/// `FILE_NETWORK_OPEN_INFORMATION`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NetworkOpen {
    pub(crate) written: FileTime,
    pub(crate) allocation: u64,
    pub(crate) size: u64,
    pub(crate) attributes: u32,
}

/// One entry of a directory listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) name: Vec<u16>,
    pub(crate) size: u64,
    pub(crate) written: FileTime,
    pub(crate) attributes: u32,
}

pub(crate) const ATTRIBUTE_DIRECTORY: u32 = 0x10;
pub(crate) const ATTRIBUTE_REPARSE_POINT: u32 = 0x400;

pub(crate) const BASIC_BYTES: usize = 40;
pub(crate) const STANDARD_BYTES: usize = 24;
pub(crate) const NETWORK_OPEN_BYTES: usize = 56;
pub(crate) const POSITION_BYTES: usize = 8;
/// `FILE_ALL_INFORMATION` up to its name: basic, standard, internal, EA, access, position, mode, alignment, name
/// length.
pub(crate) const ALL_FIXED_BYTES: usize = 100;
/// Where the position stands in `FILE_ALL_INFORMATION`.
pub(crate) const ALL_POSITION_OFFSET: usize = 80;

impl Entry {
    pub(crate) fn is_directory(&self) -> bool {
        self.attributes & ATTRIBUTE_DIRECTORY != 0
    }

    /// `.` and `..`, which a listing has and nobody asks for.
    pub(crate) fn is_dots(&self) -> bool {
        const DOT: u16 = b'.' as u16;
        matches!(self.name.as_slice(), [DOT] | [DOT, DOT])
    }

    pub(crate) fn name_lossy(&self) -> String {
        String::from_utf16_lossy(&self.name)
    }
}

impl Basic {
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, Status> {
        Ok(Self {
            created: time(bytes, 0)?,
            accessed: time(bytes, 8)?,
            written: time(bytes, 16)?,
            changed: time(bytes, 24)?,
            attributes: u32_at(bytes, 32)?,
        })
    }
}

impl Standard {
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, Status> {
        Ok(Self {
            allocation: u64_at(bytes, 0)?,
            size: u64_at(bytes, 8)?,
            links: u32_at(bytes, 16)?,
            delete_pending: u8_at(bytes, 20)? != 0,
            directory: u8_at(bytes, 21)? != 0,
        })
    }
}

impl NetworkOpen {
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, Status> {
        Ok(Self {
            written: time(bytes, 16)?,
            allocation: u64_at(bytes, 32)?,
            size: u64_at(bytes, 40)?,
            attributes: u32_at(bytes, 48)?,
        })
    }
}

/// Reads a chain of `FILE_BOTH_DIR_INFORMATION` records.
pub(crate) fn both_directory(bytes: &[u8]) -> Result<Vec<Entry>, Status> {
    const NAME_OFFSET: usize = 94;
    let mut entries = Vec::new();
    let mut at: usize = 0;
    loop {
        let record = bytes.get(at..).ok_or(Status::INFO_LENGTH_MISMATCH)?;
        let next = size_at(record, 0)?;
        let end = NAME_OFFSET
            .checked_add(size_at(record, 60)?)
            .ok_or(Status::INFO_LENGTH_MISMATCH)?;
        if next != 0 && next < end {
            return Err(Status::INFO_LENGTH_MISMATCH);
        }
        let name = record.get(NAME_OFFSET..end).ok_or(Status::INFO_LENGTH_MISMATCH)?;
        entries.push(Entry {
            name: units(name),
            size: u64_at(record, 40)?,
            written: time(record, 24)?,
            attributes: u32_at(record, 56)?,
        });
        if next == 0 {
            return Ok(entries);
        }
        at = at.checked_add(next).ok_or(Status::INFO_LENGTH_MISMATCH)?;
    }
}

/// `FILE_RENAME_INFORMATION` for this pointer size, with no root directory.
pub(crate) fn rename(name: &[u16], replace: bool) -> Result<Vec<u8>, Status> {
    let bytes = u32::try_from(name.len().saturating_mul(2)).map_err(|_| Status::NAME_TOO_LONG)?;
    let pointer = size_of::<usize>();
    let mut record = vec![0_u8; pointer.saturating_mul(2)];
    if let Some(flag) = record.first_mut() {
        *flag = u8::from(replace);
    }
    record.extend_from_slice(&bytes.to_le_bytes());
    record.extend(name.iter().flat_map(|unit| unit.to_le_bytes()));
    // The structure's own size is a multiple of the pointer's.
    record.resize(record.len().max(pointer.saturating_mul(3)), 0);
    Ok(record)
}

/// `2024-02-29T12:34:56Z`, by the proleptic Gregorian calendar.
pub(crate) fn date(time: FileTime) -> String {
    let (seconds, _) = time.to_unix();
    let (days, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    // Days since 0000-03-01, split into 400-year eras: leap days then stand at the end of their years.
    let shifted = days + 719_468;
    let (era, day) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year + era * 400 + i64::from(month <= 2);
    let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

pub(crate) fn u32_at(bytes: &[u8], at: usize) -> Result<u32, Status> {
    array_at(bytes, at).map(u32::from_le_bytes)
}

pub(crate) fn u64_at(bytes: &[u8], at: usize) -> Result<u64, Status> {
    array_at(bytes, at).map(u64::from_le_bytes)
}

fn size_at(bytes: &[u8], at: usize) -> Result<usize, Status> {
    usize::try_from(u32_at(bytes, at)?).map_err(|_| Status::INFO_LENGTH_MISMATCH)
}

fn u8_at(bytes: &[u8], at: usize) -> Result<u8, Status> {
    bytes.get(at).copied().ok_or(Status::INFO_LENGTH_MISMATCH)
}

fn time(bytes: &[u8], at: usize) -> Result<FileTime, Status> {
    array_at(bytes, at).map(|bytes| FileTime(i64::from_le_bytes(bytes)))
}

fn array_at<const N: usize>(bytes: &[u8], at: usize) -> Result<[u8; N], Status> {
    let end = at.checked_add(N).ok_or(Status::INFO_LENGTH_MISMATCH)?;
    let found = bytes.get(at..end).ok_or(Status::INFO_LENGTH_MISMATCH)?;
    found.try_into().map_err(|_| Status::INFO_LENGTH_MISMATCH)
}

fn units(bytes: &[u8]) -> Vec<u16> {
    bytes
        .as_chunks::<2>()
        .0
        .iter()
        .map(|&pair| u16::from_le_bytes(pair))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(name: &str, next: u32, size: u64, attributes: u32) -> Vec<u8> {
        let mut bytes = vec![0_u8; 94];
        bytes[..4].copy_from_slice(&next.to_le_bytes());
        bytes[24..32].copy_from_slice(&7_u64.to_le_bytes());
        bytes[40..48].copy_from_slice(&size.to_le_bytes());
        bytes[56..60].copy_from_slice(&attributes.to_le_bytes());
        let name: Vec<u8> = name.encode_utf16().flat_map(u16::to_le_bytes).collect();
        bytes[60..64].copy_from_slice(&u32::try_from(name.len()).unwrap().to_le_bytes());
        bytes.extend(name);
        bytes
    }

    #[test]
    fn follows_the_chain_of_entries() {
        let mut bytes = record("ab", 104, 5, 0x80);
        bytes.resize(104, 0);
        bytes.extend(record("ü", 0, 0, ATTRIBUTE_DIRECTORY));
        let entries = both_directory(&bytes).unwrap();
        assert_eq!(entries.len(), 2);
        assert_eq!(
            (
                entries[0].name_lossy().as_str(),
                entries[0].size,
                entries[0].written.0
            ),
            ("ab", 5, 7)
        );
        assert!(entries[1].is_directory() && entries[1].name_lossy() == "ü");
    }

    #[test]
    fn broken_chains_are_errors() {
        let good = record("name", 0, 0, 0);
        for cut in 0..good.len() {
            assert!(both_directory(&good[..cut]).is_err(), "cut at {cut}");
        }
        assert!(
            both_directory(&record("name", 8, 0, 0)).is_err(),
            "entries overlap"
        );
        assert!(
            both_directory(&record("name", 5000, 0, 0)).is_err(),
            "next entry is outside"
        );
    }

    #[test]
    fn a_rename_record_holds_flag_length_and_name() {
        let bytes = rename(&[0x61, 0x62], true).unwrap();
        let pointer = size_of::<usize>();
        assert_eq!(bytes[0], 1);
        assert_eq!(u32_at(&bytes, 2 * pointer), Ok(4));
        assert_eq!(&bytes[2 * pointer + 4..2 * pointer + 8], b"a\0b\0");
    }

    #[test]
    fn dates_follow_the_calendar() {
        for (seconds, expected) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_709_210_096, "2024-02-29T12:34:56Z"),
            (4_107_542_399, "2100-02-28T23:59:59Z"),
            (-1, "1969-12-31T23:59:59Z"),
        ] {
            assert_eq!(date(FileTime::from_unix(seconds, 0)), expected);
        }
    }
}
