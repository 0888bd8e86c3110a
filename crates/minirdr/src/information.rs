//! The query classes of IRP_MJ_QUERY_INFORMATION, laid out as `FILE_*_INFORMATION`.

use nt::{FileInformationClass, Name, Status};

use crate::attributes::Attributes;
use crate::encode::Encoder;

/// What a query may ask of an open file beside its attributes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OpenState<'a> {
    /// Granted access of the handle, for FileAccessInformation and FileAllInformation.
    pub granted_access: u32,
    /// Create options of the handle, for FileModeInformation.
    pub mode: u32,
    /// `FILE_OBJECT.CurrentByteOffset`.
    pub position: u64,
    /// Whether the file will go when its last handle does.
    pub delete_pending: bool,
    /// `\server@port\share\path`, for FileNameInformation and FileAllInformation.
    pub name: Name<'a>,
}

/// Size of the fixed part of FILE_ALL_INFORMATION, the name's length field included.
const ALL_FIXED: usize = 100;

/// Encodes `class` into `buffer`; the result is the number of bytes written.
///
/// # Errors
/// `INVALID_INFO_CLASS` for a class not answered here, `INFO_LENGTH_MISMATCH` for a buffer below the class's fixed
/// size. `BUFFER_OVERFLOW` comes with what fitted, as `Ok((bytes, BUFFER_OVERFLOW))`.
pub(crate) fn query(
    class: FileInformationClass,
    attributes: &Attributes,
    open: &OpenState<'_>,
    buffer: &mut [u8],
) -> nt::Result<(usize, Status)> {
    let mut out = Encoder::new(buffer);
    let result = match class {
        FileInformationClass::BASIC => basic(&mut out, attributes),
        FileInformationClass::STANDARD => standard(&mut out, attributes, open),
        FileInformationClass::INTERNAL => out.require(8).and_then(|()| out.u64(attributes.file_id)),
        FileInformationClass::EA => out.require(4).and_then(|()| out.u32(0)),
        FileInformationClass::ACCESS => out.require(4).and_then(|()| out.u32(open.granted_access)),
        FileInformationClass::POSITION => out.require(8).and_then(|()| out.u64(open.position)),
        FileInformationClass::MODE => out.require(4).and_then(|()| out.u32(open.mode)),
        FileInformationClass::ALIGNMENT => out.require(4).and_then(|()| out.u32(0)),
        FileInformationClass::NAME => out.require(4).and_then(|()| name(&mut out, open.name)),
        FileInformationClass::ALL => all(&mut out, attributes, open),
        FileInformationClass::NETWORK_OPEN => network_open(&mut out, attributes),
        FileInformationClass::ATTRIBUTE_TAG => attribute_tag(&mut out, attributes),
        _ => Err(Status::INVALID_INFO_CLASS),
    };
    match result {
        Ok(()) => Ok((out.used(), Status::SUCCESS)),
        Err(Status::BUFFER_OVERFLOW) => Ok((out.used(), Status::BUFFER_OVERFLOW)),
        Err(status) => Err(status),
    }
}

fn basic(out: &mut Encoder<'_>, attributes: &Attributes) -> nt::Result {
    out.require(40)?;
    times(out, attributes)?;
    out.u32(attributes.file_attributes.bits())?;
    out.zeros(4)
}

/// The four times in the order every class has them.
pub(crate) fn times(out: &mut Encoder<'_>, attributes: &Attributes) -> nt::Result {
    out.time(attributes.creation_time)?;
    out.time(attributes.last_access_time)?;
    out.time(attributes.last_write_time)?;
    out.time(attributes.change_time)
}

fn standard(out: &mut Encoder<'_>, attributes: &Attributes, open: &OpenState<'_>) -> nt::Result {
    out.require(24)?;
    out.u64(attributes.allocation_size)?;
    out.u64(attributes.end_of_file)?;
    // NT counts the links that stay: one less while a delete is pending.
    out.u32(
        attributes
            .number_of_links
            .saturating_sub(u32::from(open.delete_pending)),
    )?;
    out.u8(u8::from(open.delete_pending))?;
    out.u8(u8::from(attributes.is_directory()))?;
    out.zeros(2)
}

fn name(out: &mut Encoder<'_>, name: Name<'_>) -> nt::Result {
    out.u32(byte_length(name))?;
    out.name(name)
}

fn byte_length(name: Name<'_>) -> u32 {
    u32::try_from(name.as_units().len().saturating_mul(2)).unwrap_or(u32::MAX)
}

fn all(out: &mut Encoder<'_>, attributes: &Attributes, open: &OpenState<'_>) -> nt::Result {
    out.require(ALL_FIXED)?;
    basic(out, attributes)?;
    standard(out, attributes, open)?;
    out.u64(attributes.file_id)?;
    out.u32(0)?; // EaSize
    out.u32(open.granted_access)?;
    out.u64(open.position)?;
    out.u32(open.mode)?;
    out.u32(0)?; // AlignmentRequirement: FILE_BYTE_ALIGNMENT
    name(out, open.name)
}

fn network_open(out: &mut Encoder<'_>, attributes: &Attributes) -> nt::Result {
    out.require(56)?;
    times(out, attributes)?;
    out.u64(attributes.allocation_size)?;
    out.u64(attributes.end_of_file)?;
    out.u32(attributes.file_attributes.bits())?;
    out.zeros(4)
}

fn attribute_tag(out: &mut Encoder<'_>, attributes: &Attributes) -> nt::Result {
    out.require(8)?;
    out.u32(attributes.file_attributes.bits())?;
    out.u32(attributes.reparse_tag())
}

#[cfg(test)]
mod tests;
