//! The query classes of IRP_MJ_QUERY_VOLUME_INFORMATION (`[MS-FSCC]` 2.5), from Tstatfs and from what the volume is
//! called.

use ninep::wire::Rstatfs;
use nt::{FsInformationClass as Class, Name, Status};

use crate::information::encode::Encoder;
use crate::names::COMPONENT_BYTES_MAX;

/// FILE_DEVICE_DISK: what a network disk reports as its device type.
pub(crate) const FILE_DEVICE_DISK: u32 = 7;
/// FILE_REMOTE_DEVICE | FILE_DEVICE_IS_MOUNTED.
pub(crate) const CHARACTERISTICS: u32 = 0x10 | 0x20;
/// FILE_CASE_SENSITIVE_SEARCH | FILE_CASE_PRESERVED_NAMES | FILE_UNICODE_ON_DISK | FILE_PERSISTENT_ACLS |
/// FILE_SUPPORTS_REPARSE_POINTS | FILE_SUPPORTS_HARD_LINKS.
const ATTRIBUTES: u32 = 0x1 | 0x2 | 0x4 | 0x8 | 0x80 | 0x0040_0000;
/// FILE_SUPPORTS_EXTENDED_ATTRIBUTES.
const EXTENDED_ATTRIBUTES: u32 = 0x0080_0000;
/// NT counts a volume in allocation units of sectors; 9P only has blocks.
const BYTES_PER_SECTOR: u32 = 512;
/// The allocation unit where the server's block is of no use as one.
const DEFAULT_UNIT: u32 = 4096;

/// What a share is as a volume.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Volume<'a> {
    /// The label: the share's name.
    pub label: Name<'a>,
    /// The serial number, derived from the share's full name: the same on every machine, at every time.
    pub serial: u64,
    /// What programs see as the file system's name.
    pub file_system_name: Name<'a>,
    /// Whether the server keeps extended attributes, as far as it is known.
    pub extended_attributes: bool,
}

/// Size of the fixed part of a record of `class`; `None` for a class that is not answered.
const fn fixed_size(class: Class) -> Option<usize> {
    Some(match class {
        Class::DEVICE => 8,
        Class::ATTRIBUTE => 12,
        Class::VOLUME => 18,
        Class::SIZE => 24,
        Class::SECTOR_SIZE => 28,
        Class::FULL_SIZE => 32,
        Class::OBJECT_ID => 64,
        _ => return None,
    })
}

/// What setting `class` from a record of `len` bytes comes to: 9P has nothing to set of a volume.
///
/// # Errors
/// Always: `NOT_SUPPORTED` for the label, the controls and the object id, `INFO_LENGTH_MISMATCH` for a record of theirs
/// that is too short; `INVALID_INFO_CLASS` for what cannot be set of any volume.
pub(crate) fn set(class: Class, len: usize) -> nt::Result {
    let fixed = match class {
        Class::LABEL => 4,
        Class::CONTROL => 48,
        Class::OBJECT_ID => 64,
        _ => return Err(Status::INVALID_INFO_CLASS),
    };
    Err(if len < fixed {
        Status::INFO_LENGTH_MISMATCH
    } else {
        Status::NOT_SUPPORTED
    })
}

/// Whether the server must be asked for its figures to answer `class` into a buffer of `len` bytes. Errors as
/// [`crate::information::sources`].
pub(crate) fn needs_figures(class: Class, len: usize) -> nt::Result<bool> {
    let fixed = fixed_size(class).ok_or(Status::INVALID_INFO_CLASS)?;
    if len < fixed {
        return Err(Status::INFO_LENGTH_MISMATCH);
    }
    Ok(matches!(class, Class::SIZE | Class::FULL_SIZE))
}

/// Encodes `class` into `buffer`. Result and errors as for [`crate::information::query()`].
pub(crate) fn query(
    class: Class,
    statfs: Option<&Rstatfs>,
    volume: &Volume<'_>,
    buffer: &mut [u8],
) -> nt::Result<(usize, Status)> {
    needs_figures(class, buffer.len())?;
    let mut out = Encoder::new(buffer);
    let space = statfs.map(Space::new).unwrap_or_default();
    let result = match class {
        Class::VOLUME => label(&mut out, volume),
        Class::SIZE => size(&mut out, &space),
        Class::FULL_SIZE => full_size(&mut out, &space),
        Class::DEVICE => out.u32(FILE_DEVICE_DISK).and_then(|()| out.u32(CHARACTERISTICS)),
        Class::ATTRIBUTE => attribute(&mut out, volume),
        Class::SECTOR_SIZE => sector_size(&mut out),
        Class::OBJECT_ID => object_id(&mut out, volume),
        _ => Err(Status::INVALID_INFO_CLASS),
    };
    match result {
        Ok(()) => Ok((out.used(), Status::SUCCESS)),
        Err(Status::BUFFER_OVERFLOW) => Ok((out.used(), Status::BUFFER_OVERFLOW)),
        Err(status) => Err(status),
    }
}

fn label(out: &mut Encoder<'_>, volume: &Volume<'_>) -> nt::Result {
    let [a, b, c, d, ..] = volume.serial.to_le_bytes();
    out.u64(0)?; // VolumeCreationTime: unknown
    out.bytes(&[a, b, c, d])?;
    out.name_length(volume.label)?;
    out.zeros(2)?; // SupportsObjects, padding
    out.name(volume.label)
}

/// A volume's space in allocation units that NT's programs can reckon with: they multiply the three figures, in 64 bits
/// and signed.
#[derive(Debug, Default, PartialEq, Eq)]
struct Space {
    total: u64,
    /// Free to the caller; never more than `free`.
    available: u64,
    /// Free at all; never more than `total`.
    free: u64,
    sectors_per_unit: u32,
}

impl Space {
    /// From what the server says, which may be anything.
    fn new(statfs: &Rstatfs) -> Self {
        let block = statfs.bsize;
        // A block that is no whole number of sectors, or none at all, is counted over into units that are.
        let unit = if block >= BYTES_PER_SECTOR && block.is_multiple_of(BYTES_PER_SECTOR) {
            block
        } else {
            DEFAULT_UNIT
        };
        let most = i64::MAX.cast_unsigned() / u64::from(unit);
        let units = |blocks: u64| {
            let bytes = u128::from(blocks) * u128::from(block);
            u64::try_from(bytes / u128::from(unit))
                .unwrap_or(u64::MAX)
                .min(most)
        };
        let total = units(statfs.blocks);
        let free = units(statfs.bfree).min(total);
        Self {
            total,
            available: units(statfs.bavail).min(free),
            free,
            sectors_per_unit: unit / BYTES_PER_SECTOR,
        }
    }
}

fn size(out: &mut Encoder<'_>, space: &Space) -> nt::Result {
    out.u64(space.total)?;
    out.u64(space.available)?;
    out.u32(space.sectors_per_unit)?;
    out.u32(BYTES_PER_SECTOR)
}

fn full_size(out: &mut Encoder<'_>, space: &Space) -> nt::Result {
    out.u64(space.total)?;
    out.u64(space.available)?; // CallerAvailableAllocationUnits
    out.u64(space.free)?; // ActualAvailableAllocationUnits
    out.u32(space.sectors_per_unit)?;
    out.u32(BYTES_PER_SECTOR)
}

fn attribute(out: &mut Encoder<'_>, volume: &Volume<'_>) -> nt::Result {
    let extended = if volume.extended_attributes {
        EXTENDED_ATTRIBUTES
    } else {
        0
    };
    out.u32(ATTRIBUTES | extended)?;
    out.u32(u32::try_from(COMPONENT_BYTES_MAX).unwrap_or(u32::MAX))?;
    out.name_length(volume.file_system_name)?;
    out.name(volume.file_system_name)
}

/// FILE_FS_SECTOR_SIZE_INFORMATION: there are no sectors, so every offset is aligned and atomic in the smallest unit.
fn sector_size(out: &mut Encoder<'_>) -> nt::Result {
    out.u32(BYTES_PER_SECTOR)?; // LogicalBytesPerSector
    out.u32(BYTES_PER_SECTOR)?; // PhysicalBytesPerSectorForAtomicity
    out.u32(BYTES_PER_SECTOR)?; // PhysicalBytesPerSectorForPerformance
    out.u32(BYTES_PER_SECTOR)?; // FileSystemEffectivePhysicalBytesPerSectorForAtomicity
    out.u32(0x1 | 0x2)?; // SSINFO_FLAGS_ALIGNED_DEVICE | _PARTITION_ALIGNED_ON_DEVICE
    out.u32(0)?; // ByteOffsetForSectorAlignment
    out.u32(0) // ByteOffsetForPartitionAlignment
}

/// FILE_FS_OBJECTID_INFORMATION: an id made of the serial number, and no extended information.
fn object_id(out: &mut Encoder<'_>, volume: &Volume<'_>) -> nt::Result {
    out.u64(volume.serial)?;
    out.u64(volume.serial.rotate_left(32))?;
    out.zeros(48)
}

#[cfg(test)]
mod tests;
