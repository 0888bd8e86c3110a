//! The query classes of IRP_MJ_QUERY_VOLUME_INFORMATION, from Tstatfs.

use ninep::wire::Rstatfs;
use nt::{FsInformationClass, Name, Status};

use crate::encode::Encoder;
use crate::names::COMPONENT_BYTES_MAX;

/// What programs see as the file system's name.
const FILE_SYSTEM_NAME: [u16; 2] = nt::ascii!("9P");
/// FILE_DEVICE_DISK: what a network disk reports as its device type.
const FILE_DEVICE_DISK: u32 = 7;
/// FILE_REMOTE_DEVICE | FILE_DEVICE_IS_MOUNTED.
const CHARACTERISTICS: u32 = 0x10 | 0x20;
/// FILE_CASE_SENSITIVE_SEARCH | FILE_CASE_PRESERVED_NAMES | FILE_UNICODE_ON_DISK | FILE_SUPPORTS_HARD_LINKS.
const ATTRIBUTES: u32 = 0x1 | 0x2 | 0x4 | 0x0040_0000;
/// NT counts a volume in allocation units of sectors; 9P only has blocks.
const BYTES_PER_SECTOR: u32 = 512;

/// Encodes `class` into `buffer`; `label` is the volume's label. Result and errors as for
/// [`crate::information::query`].
pub(crate) fn query(
    class: FsInformationClass,
    statfs: &Rstatfs,
    label: Name<'_>,
    buffer: &mut [u8],
) -> nt::Result<(usize, Status)> {
    let mut out = Encoder::new(buffer);
    let result = match class {
        FsInformationClass::VOLUME => volume(&mut out, statfs, label),
        FsInformationClass::SIZE => size(&mut out, statfs),
        FsInformationClass::FULL_SIZE => full_size(&mut out, statfs),
        FsInformationClass::DEVICE => device(&mut out),
        FsInformationClass::ATTRIBUTE => attribute(&mut out),
        _ => Err(Status::INVALID_INFO_CLASS),
    };
    match result {
        Ok(()) => Ok((out.used(), Status::SUCCESS)),
        Err(Status::BUFFER_OVERFLOW) => Ok((out.used(), Status::BUFFER_OVERFLOW)),
        Err(status) => Err(status),
    }
}

fn volume(out: &mut Encoder<'_>, statfs: &Rstatfs, label: Name<'_>) -> nt::Result {
    out.require(18)?;
    out.u64(0)?; // VolumeCreationTime: unknown
    out.u32(serial_number(statfs.fsid))?;
    out.u32(u32::try_from(label.len().saturating_mul(2)).unwrap_or(u32::MAX))?;
    out.zeros(2)?; // SupportsObjects, padding
    out.name(label)
}

/// Folds the server's 64-bit id; the same export keeps its number.
fn serial_number(fsid: u64) -> u32 {
    let [a, b, c, d, e, f, g, h] = fsid.to_le_bytes();
    u32::from_le_bytes([a, b, c, d]) ^ u32::from_le_bytes([e, f, g, h])
}

fn sectors_per_unit(statfs: &Rstatfs) -> u32 {
    (statfs.bsize / BYTES_PER_SECTOR).max(1)
}

fn size(out: &mut Encoder<'_>, statfs: &Rstatfs) -> nt::Result {
    out.require(24)?;
    out.u64(statfs.blocks)?;
    out.u64(statfs.bavail)?;
    out.u32(sectors_per_unit(statfs))?;
    out.u32(BYTES_PER_SECTOR)
}

fn full_size(out: &mut Encoder<'_>, statfs: &Rstatfs) -> nt::Result {
    out.require(32)?;
    out.u64(statfs.blocks)?;
    out.u64(statfs.bavail)?; // CallerAvailableAllocationUnits
    out.u64(statfs.bfree)?; // ActualAvailableAllocationUnits
    out.u32(sectors_per_unit(statfs))?;
    out.u32(BYTES_PER_SECTOR)
}

fn device(out: &mut Encoder<'_>) -> nt::Result {
    out.require(8)?;
    out.u32(FILE_DEVICE_DISK)?;
    out.u32(CHARACTERISTICS)
}

fn attribute(out: &mut Encoder<'_>) -> nt::Result {
    out.require(12)?;
    out.u32(ATTRIBUTES)?;
    out.u32(u32::try_from(COMPONENT_BYTES_MAX).unwrap_or(u32::MAX))?;
    out.u32(u32::try_from(FILE_SYSTEM_NAME.len() * 2).unwrap_or(0))?;
    out.name(Name::new(&FILE_SYSTEM_NAME))
}
