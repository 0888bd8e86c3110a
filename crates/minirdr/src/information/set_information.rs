//! The set classes of IRP_MJ_SET_INFORMATION, decoded.

use bitflags::bitflags;
use nt::{CreateOptions, FileAttributes, FileInformationClass, FileTime, Name, NameBuf, Status};
use rdbss::Replace;

use crate::notify::NotifyFilter;

/// What a caller wants changed; every variant is complete and within range.
#[derive(Debug)]
pub(crate) enum Change {
    /// FileBasicInformation: times to set (`None`: leave) and attributes (0: leave).
    Basic {
        /// Last access.
        last_access: Option<FileTime>,
        /// Last write.
        last_write: Option<FileTime>,
        /// `FILE_ATTRIBUTE_*`; empty to leave.
        attributes: FileAttributes,
    },
    /// FileEndOfFileInformation: truncate or extend to this many bytes.
    EndOfFile(u64),
    /// FileAllocationInformation: a size below the end of file truncates.
    Allocation(u64),
    /// FileValidDataLengthInformation: the bytes up to here are the caller's, not zeroes.
    ValidDataLength(u64),
    /// FileModeInformation.
    Mode(CreateOptions),
    /// FileDispositionInformation and -Ex.
    Disposition(DispositionFlags),
    /// FileRenameInformation and -Ex.
    Rename(NewName),
    /// FileLinkInformation and -Ex.
    Link(NewName),
}

/// A name that a file is to take.
#[derive(Debug)]
pub(crate) struct NewName {
    /// What may happen to a file that has it.
    pub(crate) flags: RenameFlags,
    /// One component, or a path whose last component counts beside the target directory.
    pub(crate) name: NameBuf,
}

bitflags! {
    /// `FILE_DISPOSITION_*` of FileDispositionInformationEx.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub(crate) struct DispositionFlags: u32 {
        /// Delete the file, or take that back.
        const DELETE = 0x1;
        /// The name goes when this handle closes, and the file with the last one.
        const POSIX_SEMANTICS = 0x2;
        /// It is the handle's delete-on-close that changes, not the file's disposition.
        const ON_CLOSE = 0x8;
        /// Delete a read-only file, too.
        const IGNORE_READONLY_ATTRIBUTE = 0x10;
    }

    /// `FILE_RENAME_*` of FileRenameInformationEx and `FILE_LINK_*` of FileLinkInformationEx.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub(crate) struct RenameFlags: u32 {
        /// A file that has the name is replaced.
        const REPLACE_IF_EXISTS = 0x1;
        /// It is even if it is open.
        const POSIX_SEMANTICS = 0x2;
        /// It is even if it is read-only.
        const IGNORE_READONLY_ATTRIBUTE = 0x40;
    }
}

impl RenameFlags {
    /// What open files are in the way of.
    pub(crate) fn replace(self) -> Replace {
        if !self.contains(Self::REPLACE_IF_EXISTS) {
            Replace::Never
        } else if self.contains(Self::POSIX_SEMANTICS) {
            Replace::Open
        } else {
            Replace::Closed
        }
    }
}

impl Change {
    /// What watchers hear of it; nothing where a name comes or goes, which is reported by who knows both.
    pub(crate) fn news(&self) -> Option<NotifyFilter> {
        match self {
            Self::Basic {
                last_access,
                last_write,
                attributes,
            } => {
                let kinds = [
                    (last_access.is_some(), NotifyFilter::LAST_ACCESS),
                    (last_write.is_some(), NotifyFilter::LAST_WRITE),
                    (!attributes.is_empty(), NotifyFilter::ATTRIBUTES),
                ];
                let changed = kinds.into_iter().filter(|(changed, _)| *changed);
                changed.map(|(_, kind)| kind).reduce(NotifyFilter::or)
            }
            Self::EndOfFile(_) | Self::Allocation(_) => Some(NotifyFilter::SIZE.or(NotifyFilter::LAST_WRITE)),
            Self::ValidDataLength(_)
            | Self::Mode(_)
            | Self::Disposition(_)
            | Self::Rename(_)
            | Self::Link(_) => None,
        }
    }

    /// Decodes the caller's record.
    ///
    /// # Errors
    /// `INVALID_INFO_CLASS` for a class not handled here, `NOT_SUPPORTED` for case sensitivity,
    /// `INFO_LENGTH_MISMATCH` for a short record, `INVALID_PARAMETER` for a negative size or a name that leaves the record, `INSUFFICIENT_RESOURCES`.
    pub(crate) fn parse(class: FileInformationClass, record: &[u8]) -> nt::Result<Self> {
        match class {
            FileInformationClass::BASIC => {
                // Up to the last field's padding.
                let _: [u8; 40] = array_at(record, 0)?;
                // Birth and change are the server's to say: 9P sets neither. A wrong one is refused all the same.
                let _ = (time(record, 0)?, time(record, 24)?);
                Ok(Self::Basic {
                    last_access: time(record, 8)?,
                    last_write: time(record, 16)?,
                    attributes: FileAttributes::from_bits_retain(u32_at(record, 32)?),
                })
            }
            FileInformationClass::END_OF_FILE => Ok(Self::EndOfFile(size(record)?)),
            FileInformationClass::ALLOCATION => Ok(Self::Allocation(size(record)?)),
            FileInformationClass::VALID_DATA_LENGTH => Ok(Self::ValidDataLength(size(record)?)),
            FileInformationClass::MODE => Ok(Self::Mode(mode(record)?)),
            // Names are found whatever their case, on every directory.
            FileInformationClass::CASE_SENSITIVE => u32_at(record, 0).and(Err(Status::NOT_SUPPORTED)),
            FileInformationClass::DISPOSITION => {
                let [delete] = array_at::<1>(record, 0)?;
                Ok(Self::Disposition(DispositionFlags::from_bits_truncate(
                    (delete != 0).into(),
                )))
            }
            FileInformationClass::DISPOSITION_EX => Ok(Self::Disposition(
                DispositionFlags::from_bits_truncate(u32_at(record, 0)?),
            )),
            FileInformationClass::RENAME | FileInformationClass::RENAME_EX => {
                new_name(record, class == FileInformationClass::RENAME_EX).map(Self::Rename)
            }
            FileInformationClass::LINK | FileInformationClass::LINK_EX => {
                new_name(record, class == FileInformationClass::LINK_EX).map(Self::Link)
            }
            _ => Err(Status::INVALID_INFO_CLASS),
        }
    }
}

fn array_at<const N: usize>(record: &[u8], offset: usize) -> nt::Result<[u8; N]> {
    let bytes = record.get(offset..).and_then(|rest| rest.first_chunk::<N>());
    bytes.copied().ok_or(Status::INFO_LENGTH_MISMATCH)
}

fn u32_at(record: &[u8], offset: usize) -> nt::Result<u32> {
    array_at(record, offset).map(u32::from_le_bytes)
}

/// A time to set: 0 leaves it as it is, and so do -1 and -2, which only switch automatic updates.
fn time(record: &[u8], offset: usize) -> nt::Result<Option<FileTime>> {
    let ticks = i64::from_le_bytes(array_at(record, offset)?);
    match ticks {
        ..-2 => Err(Status::INVALID_PARAMETER),
        -2..=0 => Ok(None),
        1.. => Ok(Some(FileTime(ticks))),
    }
}

fn size(record: &[u8]) -> nt::Result<u64> {
    let size = i64::from_le_bytes(array_at(record, 0)?);
    u64::try_from(size).map_err(|_| Status::INVALID_PARAMETER)
}

/// The options that FileModeInformation can change. Whether a handle is synchronous at all is fixed when it is opened.
pub(crate) const SETTABLE_MODE: CreateOptions = CreateOptions::WRITE_THROUGH
    .union(CreateOptions::SEQUENTIAL_ONLY)
    .union(SYNCHRONOUS);
/// The options of a synchronous handle: one of them.
pub(crate) const SYNCHRONOUS: CreateOptions =
    CreateOptions::SYNCHRONOUS_IO_ALERT.union(CreateOptions::SYNCHRONOUS_IO_NONALERT);

/// FILE_MODE_INFORMATION.
fn mode(record: &[u8]) -> nt::Result<CreateOptions> {
    let mode = CreateOptions::from_bits_retain(u32_at(record, 0)?);
    if SETTABLE_MODE.contains(mode) && !mode.contains(SYNCHRONOUS) {
        Ok(mode)
    } else {
        Err(Status::INVALID_PARAMETER)
    }
}

/// FILE_RENAME_INFORMATION or FILE_LINK_INFORMATION: what may be replaced at 0, a boolean or flags (`has_flags`).
fn new_name(record: &[u8], has_flags: bool) -> nt::Result<NewName> {
    let flags = if has_flags {
        RenameFlags::from_bits_truncate(u32_at(record, 0)?)
    } else {
        let [replace] = array_at::<1>(record, 0)?;
        RenameFlags::from_bits_truncate((replace != 0).into())
    };
    Ok(NewName {
        flags,
        name: rename_target(record)?,
    })
}

/// The name in such a record: its length in bytes at 16, the name at 20.
fn rename_target(record: &[u8]) -> nt::Result<NameBuf> {
    let length = usize::try_from(u32_at(record, 16)?).map_err(|_| Status::INVALID_PARAMETER)?;
    let end = length.checked_add(20).ok_or(Status::INVALID_PARAMETER)?;
    let bytes = record.get(20..end).ok_or(Status::INVALID_PARAMETER)?;
    if bytes.is_empty() || bytes.len() % 2 != 0 {
        return Err(Status::INVALID_PARAMETER);
    }
    let mut name = NameBuf::try_with_capacity(bytes.len() / 2)?;
    for unit in bytes.chunks_exact(2) {
        if let Some(unit) = unit.first_chunk::<2>() {
            name.try_push(u16::from_le_bytes(*unit))?;
        }
    }
    Ok(name)
}

/// The last component of a rename target.
///
/// # Errors
/// `OBJECT_NAME_INVALID` when there is none.
pub(crate) fn last_component(name: Name<'_>) -> nt::Result<Name<'_>> {
    let last = name.rsplit_once(u16::from(b'\\')).map_or(name, |(_, last)| last);
    if last.is_empty() {
        Err(Status::OBJECT_NAME_INVALID)
    } else {
        Ok(last)
    }
}

#[cfg(test)]
mod tests;
