//! The classes made for `stat`: everything of a file in one record.

use super::{OpenState, file_id_128, links_that_stay, times};
use crate::information::attributes::Attributes;
use crate::information::encode::Encoder;
use crate::information::volume::{CHARACTERISTICS, FILE_DEVICE_DISK};

/// LX_FILE_METADATA_HAS_UID | _GID | _MODE.
const LX_HAS_OWNER_AND_MODE: u32 = 0x1 | 0x2 | 0x4;
/// LX_FILE_METADATA_HAS_DEVICE_ID.
const LX_HAS_DEVICE: u32 = 0x8;

/// FILE_STAT_INFORMATION.
pub(super) fn stat(out: &mut Encoder<'_>, attributes: &Attributes, open: &OpenState<'_>) -> nt::Result {
    common(out, attributes, open)?;
    out.u32(open.granted_access) // EffectiveAccess
}

/// FILE_STAT_LX_INFORMATION.
pub(super) fn stat_lx(out: &mut Encoder<'_>, attributes: &Attributes, open: &OpenState<'_>) -> nt::Result {
    stat(out, attributes, open)?;
    let device = attributes.device();
    let flags = device.map_or(LX_HAS_OWNER_AND_MODE, |_| LX_HAS_OWNER_AND_MODE | LX_HAS_DEVICE);
    out.u32(flags)?;
    out.u32(attributes.uid)?;
    out.u32(attributes.gid)?;
    out.u32(attributes.mode.0)?;
    let (major, minor) = device.unwrap_or_default();
    out.u32(major)?;
    out.u32(minor)
}

/// FILE_STAT_BASIC_INFORMATION.
pub(super) fn stat_basic(out: &mut Encoder<'_>, attributes: &Attributes, open: &OpenState<'_>) -> nt::Result {
    common(out, attributes, open)?;
    out.u32(FILE_DEVICE_DISK)?;
    out.u32(CHARACTERISTICS)?;
    out.u32(0)?; // Reserved
    out.u64(open.volume_serial)?;
    file_id_128(out, attributes.file_id)
}

fn common(out: &mut Encoder<'_>, attributes: &Attributes, open: &OpenState<'_>) -> nt::Result {
    out.u64(attributes.file_id)?;
    times(out, attributes)?;
    out.u64(attributes.allocation_size)?;
    out.u64(attributes.end_of_file)?;
    out.u32(attributes.file_attributes.bits())?;
    out.u32(attributes.reparse_tag())?;
    out.u32(links_that_stay(attributes, open))
}
