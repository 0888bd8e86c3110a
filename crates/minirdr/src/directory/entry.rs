//! The directory classes of IRP_MN_QUERY_DIRECTORY: one linked list of entries in the caller's buffer.

use nt::{FileInformationClass, Name, Status};

use crate::information::attributes::Attributes;
use crate::information::encode::Encoder;
use crate::information::{file_id_128, times};

/// Whether `class` carries more than names, so that the attributes of each entry must be fetched.
#[must_use]
pub(crate) fn needs_attributes(class: FileInformationClass) -> bool {
    class != FileInformationClass::NAMES
}

/// Offset of the name in an entry of `class`: the size of its fixed part.
const fn name_offset(class: FileInformationClass) -> Option<usize> {
    match class {
        FileInformationClass::DIRECTORY => Some(64),
        FileInformationClass::FULL_DIRECTORY => Some(68),
        FileInformationClass::BOTH_DIRECTORY => Some(94),
        FileInformationClass::NAMES => Some(12),
        FileInformationClass::ID_BOTH_DIRECTORY => Some(104),
        FileInformationClass::ID_FULL_DIRECTORY => Some(80),
        FileInformationClass::ID_EXTD_DIRECTORY => Some(88),
        FileInformationClass::ID_EXTD_BOTH_DIRECTORY => Some(114),
        FileInformationClass::ID_64_EXTD_DIRECTORY => Some(80),
        FileInformationClass::ID_64_EXTD_BOTH_DIRECTORY => Some(106),
        FileInformationClass::ID_ALL_EXTD_DIRECTORY => Some(96),
        FileInformationClass::ID_ALL_EXTD_BOTH_DIRECTORY => Some(122),
        _ => None,
    }
}

/// Writes a list of directory entries.
pub(crate) struct EntryList<'a> {
    out: Encoder<'a>,
    class: FileInformationClass,
    fixed: usize,
    previous: Option<usize>,
}

impl<'a> EntryList<'a> {
    /// An empty list of `class` in `buffer`.
    ///
    /// # Errors
    /// `INVALID_INFO_CLASS`; `INFO_LENGTH_MISMATCH` when not even the fixed part of one entry fits.
    pub(crate) fn new(class: FileInformationClass, buffer: &'a mut [u8]) -> nt::Result<Self> {
        let fixed = name_offset(class).ok_or(Status::INVALID_INFO_CLASS)?;
        let out = Encoder::new(buffer);
        out.require(fixed)?;
        Ok(Self {
            out,
            class,
            fixed,
            previous: None,
        })
    }

    /// Where a list that is used up to `used` would end with one more entry, of `name`; `None` where that does not fit.
    #[must_use]
    pub(crate) fn end_with(&self, used: usize, name: Name<'_>) -> Option<usize> {
        let start = if used == 0 { 0 } else { used.next_multiple_of(8) };
        let end = start
            .checked_add(self.fixed)?
            .checked_add(name.len().checked_mul(2)?)?;
        (end <= self.out.capacity()).then_some(end)
    }

    /// Bytes used by whole entries.
    #[must_use]
    pub(crate) fn used(&self) -> usize {
        self.out.used()
    }

    /// Whether the list holds an entry.
    #[must_use]
    pub(crate) fn is_empty(&self) -> bool {
        self.previous.is_none()
    }

    /// Appends an entry.
    ///
    /// # Errors
    /// `BUFFER_OVERFLOW` when it does not fit: the list is then as before, except that the *first* entry is left
    /// with its name cut, as NT does it.
    pub(crate) fn push(&mut self, name: Name<'_>, attributes: &Attributes) -> nt::Result {
        let end_of_previous = self.out.used();
        let result = self.try_push(name, attributes);
        match result {
            Ok(start) => {
                if let Some(previous) = self.previous {
                    let link = u32::try_from(start - previous).unwrap_or(0);
                    self.out.patch_u32(previous, link);
                }
                self.previous = Some(start);
                Ok(())
            }
            Err(_) => {
                if !self.is_empty() {
                    self.out.truncate(end_of_previous);
                }
                Err(Status::BUFFER_OVERFLOW)
            }
        }
    }

    fn try_push(&mut self, name: Name<'_>, attributes: &Attributes) -> nt::Result<usize> {
        let out = &mut self.out;
        if self.previous.is_some() {
            out.align(8)?;
        }
        let start = out.used();
        out.require(self.fixed)?;
        out.u32(0)?; // NextEntryOffset
        out.u32(0)?; // FileIndex: a cookie has no room in it, and NTFS gives none either
        if needs_attributes(self.class) {
            times(out, attributes)?;
            out.u64(attributes.end_of_file)?;
            out.u64(attributes.allocation_size)?;
            out.u32(attributes.file_attributes.bits())?;
        }
        out.u32(u32::try_from(name.as_units().len().saturating_mul(2)).unwrap_or(u32::MAX))?;
        self.class_fields(attributes)?;
        self.out.zeros(self.fixed - (self.out.used() - start))?;
        self.out.name(name)?;
        Ok(start)
    }

    /// What stands between the name's length and the name. There are no short names: their fields stay zero. EaSize
    /// holds the tag of a reparse point, as NTFS and Microsoft's redirectors have it.
    fn class_fields(&mut self, attributes: &Attributes) -> nt::Result {
        let out = &mut self.out;
        let tag = attributes.reparse_tag();
        match self.class {
            FileInformationClass::FULL_DIRECTORY | FileInformationClass::BOTH_DIRECTORY => out.u32(tag),
            FileInformationClass::ID_FULL_DIRECTORY => {
                out.u32(tag)?;
                out.zeros(4)?;
                out.u64(attributes.file_id)
            }
            FileInformationClass::ID_BOTH_DIRECTORY => {
                out.u32(tag)?;
                out.zeros(4 + 24)?; // ShortNameLength, ShortName, padding to 96
                out.u64(attributes.file_id)
            }
            FileInformationClass::ID_EXTD_DIRECTORY | FileInformationClass::ID_EXTD_BOTH_DIRECTORY => {
                out.u32(0)?; // EaSize
                out.u32(tag)?;
                file_id_128(out, attributes.file_id)
            }
            FileInformationClass::ID_64_EXTD_DIRECTORY | FileInformationClass::ID_64_EXTD_BOTH_DIRECTORY => {
                out.u32(0)?; // EaSize
                out.u32(tag)?;
                out.u64(attributes.file_id)
            }
            FileInformationClass::ID_ALL_EXTD_DIRECTORY
            | FileInformationClass::ID_ALL_EXTD_BOTH_DIRECTORY => {
                out.u32(0)?; // EaSize
                out.u32(tag)?;
                out.u64(attributes.file_id)?;
                file_id_128(out, attributes.file_id)
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests;
