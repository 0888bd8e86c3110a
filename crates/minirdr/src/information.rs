//! The query classes of IRP_MJ_QUERY_INFORMATION, laid out as `FILE_*_INFORMATION` (`[MS-FSCC]` 2.4).

pub(crate) mod attributes;
pub(crate) mod dos_attributes;
pub(crate) mod encode;
mod query;
mod set_attributes;
pub(crate) mod set_information;
mod volume;

mod stat;

use nt::{FileInformationClass as Class, FileTime, Name, Status};

use crate::information::attributes::Attributes;
use crate::information::encode::Encoder;

/// What a query may ask of an open file beside its attributes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OpenState<'a> {
    /// Granted access of the handle, for FileAccessInformation and FileAllInformation.
    pub granted_access: u32,
    /// Mode options of the handle, for FileModeInformation.
    pub mode: u32,
    /// `FILE_OBJECT.CurrentByteOffset`.
    pub position: u64,
    /// Whether the file will go when its last handle does.
    pub delete_pending: bool,
    /// Size of the packed extended attributes, for FileEaInformation and FileAllInformation.
    pub ea_size: u32,
    /// The volume's serial number, all 64 bits of it.
    pub volume_serial: u64,
    /// Which file the handle is of, for the classes that say nothing else: that does not change.
    pub file_id: u64,
    /// `\server@port\share\path`, for FileNameInformation and FileAllInformation.
    pub name: Name<'a>,
}

/// Where the answer to a class comes from beside the handle itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sources {
    /// Tgetattr.
    pub attributes: bool,
    /// The attributes that NT has and Unix has not.
    pub dos_attributes: bool,
    /// The list of extended attributes.
    pub ea_size: bool,
}

/// Name of the only stream that a file has.
const DATA_STREAM: [u16; 7] = nt::ascii!("::$DATA");
/// Our net type (`WNNC_NET_*`), which the network provider reports, too: "9P" in the upper word.
const NET_TYPE: u32 = 0x3950_0000;

/// Size of the fixed part of a record of `class`; `None` for a class that is not answered.
const fn fixed_size(class: Class) -> Option<usize> {
    Some(match class {
        Class::IS_REMOTE_DEVICE => 1,
        Class::EA
        | Class::ACCESS
        | Class::NAME
        | Class::NORMALIZED_NAME
        | Class::ALTERNATE_NAME
        | Class::MODE
        | Class::ALIGNMENT
        | Class::CASE_SENSITIVE => 4,
        Class::INTERNAL | Class::POSITION | Class::ATTRIBUTE_TAG => 8,
        Class::STANDARD_LINK => 12,
        Class::COMPRESSION => 16,
        Class::STANDARD | Class::STREAM | Class::ID => 24,
        Class::BASIC => 40,
        Class::NETWORK_OPEN => 56,
        Class::STAT => 72,
        Class::STAT_LX => 96,
        Class::ALL => 100,
        Class::STAT_BASIC => 104,
        Class::REMOTE_PROTOCOL => 116,
        _ => return None,
    })
}

/// What to find out for a query of `class` into a buffer of `len` bytes.
///
/// # Errors
/// `INVALID_INFO_CLASS` for a class not answered here, `INFO_LENGTH_MISMATCH` for a buffer below the class's fixed
/// size: nothing need be asked of the server for that.
pub(crate) fn sources(class: Class, len: usize) -> nt::Result<Sources> {
    let fixed = fixed_size(class).ok_or(Status::INVALID_INFO_CLASS)?;
    if len < fixed {
        return Err(Status::INFO_LENGTH_MISMATCH);
    }
    let handle_alone = matches!(
        class,
        Class::ACCESS
            | Class::NAME
            | Class::NORMALIZED_NAME
            | Class::ALTERNATE_NAME
            | Class::POSITION
            | Class::MODE
            | Class::ALIGNMENT
            | Class::IS_REMOTE_DEVICE
            | Class::REMOTE_PROTOCOL
            | Class::INTERNAL
            | Class::ID
            | Class::EA
    );
    Ok(Sources {
        attributes: !handle_alone,
        dos_attributes: matches!(
            class,
            Class::BASIC
                | Class::ALL
                | Class::NETWORK_OPEN
                | Class::ATTRIBUTE_TAG
                | Class::STAT
                | Class::STAT_LX
                | Class::STAT_BASIC
        ),
        ea_size: matches!(class, Class::EA | Class::ALL),
    })
}

/// Encodes `class` into `buffer`; the result is the number of bytes written.
///
/// # Errors
/// As [`sources`]; `OBJECT_NAME_NOT_FOUND` for the short name, which no file has; `INVALID_PARAMETER` for the case
/// sensitivity of what is no directory. `BUFFER_OVERFLOW` comes with what fitted, as `Ok((bytes, BUFFER_OVERFLOW))`.
pub(crate) fn query(
    class: Class,
    attributes: &Attributes,
    open: &OpenState<'_>,
    buffer: &mut [u8],
) -> nt::Result<(usize, Status)> {
    sources(class, buffer.len())?;
    let mut out = Encoder::new(buffer);
    let result = match class {
        Class::BASIC => basic(&mut out, attributes),
        Class::STANDARD => standard(&mut out, attributes, open),
        Class::STANDARD_LINK => standard_link(&mut out, attributes, open),
        Class::INTERNAL => out.u64(open.file_id),
        Class::EA => out.u32(open.ea_size),
        Class::ACCESS => out.u32(open.granted_access),
        Class::POSITION => out.u64(open.position),
        Class::MODE => out.u32(open.mode),
        // FILE_BYTE_ALIGNMENT.
        Class::ALIGNMENT => out.u32(0),
        Class::NAME | Class::NORMALIZED_NAME => name(&mut out, open.name),
        Class::ALTERNATE_NAME => Err(Status::OBJECT_NAME_NOT_FOUND),
        Class::ALL => all(&mut out, attributes, open),
        Class::STREAM => streams(&mut out, attributes),
        Class::COMPRESSION => compression(&mut out, attributes),
        Class::NETWORK_OPEN => network_open(&mut out, attributes),
        Class::ATTRIBUTE_TAG => attribute_tag(&mut out, attributes),
        Class::ID => file_id(&mut out, open),
        Class::IS_REMOTE_DEVICE => out.u8(1),
        Class::REMOTE_PROTOCOL => remote_protocol(&mut out),
        Class::CASE_SENSITIVE => case_sensitive(&mut out, attributes),
        Class::STAT => stat::stat(&mut out, attributes, open),
        Class::STAT_LX => stat::stat_lx(&mut out, attributes, open),
        Class::STAT_BASIC => stat::stat_basic(&mut out, attributes, open),
        _ => Err(Status::INVALID_INFO_CLASS),
    };
    match result {
        Ok(()) => Ok((out.used(), Status::SUCCESS)),
        Err(Status::BUFFER_OVERFLOW) => Ok((out.used(), Status::BUFFER_OVERFLOW)),
        Err(status) => Err(status),
    }
}

fn basic(out: &mut Encoder<'_>, attributes: &Attributes) -> nt::Result {
    times(out, attributes)?;
    out.u32(attributes.file_attributes.bits())?;
    out.zeros(4)
}

/// The four times in the order every class has them.
pub(crate) fn times(out: &mut Encoder<'_>, attributes: &Attributes) -> nt::Result {
    let times: [FileTime; 4] = [
        attributes.creation_time,
        attributes.last_access_time,
        attributes.last_write_time,
        attributes.change_time,
    ];
    times.into_iter().try_for_each(|time| out.time(time))
}

/// NT counts the links that stay: one less while a delete is pending.
fn links_that_stay(attributes: &Attributes, open: &OpenState<'_>) -> u32 {
    attributes
        .number_of_links
        .saturating_sub(u32::from(open.delete_pending))
}

fn standard(out: &mut Encoder<'_>, attributes: &Attributes, open: &OpenState<'_>) -> nt::Result {
    out.u64(attributes.allocation_size)?;
    out.u64(attributes.end_of_file)?;
    out.u32(links_that_stay(attributes, open))?;
    out.u8(u8::from(open.delete_pending))?;
    out.u8(u8::from(attributes.is_shown_as_directory()))?;
    out.zeros(2)
}

fn standard_link(out: &mut Encoder<'_>, attributes: &Attributes, open: &OpenState<'_>) -> nt::Result {
    out.u32(links_that_stay(attributes, open))?; // NumberOfAccessibleLinks
    out.u32(attributes.number_of_links)?; // TotalNumberOfLinks
    out.u8(u8::from(open.delete_pending))?;
    out.u8(u8::from(attributes.is_shown_as_directory()))?;
    out.zeros(2)
}

fn name(out: &mut Encoder<'_>, name: Name<'_>) -> nt::Result {
    out.name_length(name)?;
    out.name(name)
}

fn all(out: &mut Encoder<'_>, attributes: &Attributes, open: &OpenState<'_>) -> nt::Result {
    basic(out, attributes)?;
    standard(out, attributes, open)?;
    out.u64(attributes.file_id)?;
    out.u32(open.ea_size)?;
    out.u32(open.granted_access)?;
    out.u64(open.position)?;
    out.u32(open.mode)?;
    out.u32(0)?; // AlignmentRequirement: FILE_BYTE_ALIGNMENT
    name(out, open.name)
}

/// A file has one stream, its data; a directory has none.
fn streams(out: &mut Encoder<'_>, attributes: &Attributes) -> nt::Result {
    if attributes.is_shown_as_directory() {
        return Ok(());
    }
    let stream = Name::new(&DATA_STREAM);
    out.u32(0)?; // NextEntryOffset
    out.name_length(stream)?;
    out.u64(attributes.end_of_file)?;
    out.u64(attributes.allocation_size)?;
    out.name(stream)
}

/// Nothing is compressed; what a file takes on disk may still be less than its size, as holes take nothing.
fn compression(out: &mut Encoder<'_>, attributes: &Attributes) -> nt::Result {
    out.u64(attributes.allocation_size)?;
    out.zeros(8) // COMPRESSION_FORMAT_NONE, no shifts, reserved
}

fn network_open(out: &mut Encoder<'_>, attributes: &Attributes) -> nt::Result {
    times(out, attributes)?;
    out.u64(attributes.allocation_size)?;
    out.u64(attributes.end_of_file)?;
    out.u32(attributes.file_attributes.bits())?;
    out.zeros(4)
}

fn attribute_tag(out: &mut Encoder<'_>, attributes: &Attributes) -> nt::Result {
    out.u32(attributes.file_attributes.bits())?;
    out.u32(attributes.reparse_tag())
}

fn file_id(out: &mut Encoder<'_>, open: &OpenState<'_>) -> nt::Result {
    out.u64(open.volume_serial)?;
    file_id_128(out, open.file_id)
}

/// FILE_ID_128: ours are of 64 bits.
pub(crate) fn file_id_128(out: &mut Encoder<'_>, file_id: u64) -> nt::Result {
    out.u64(file_id)?;
    out.u64(0)
}

/// FILE_REMOTE_PROTOCOL_INFORMATION, version 1: 9P2000.L has no versions of its own and no flags.
fn remote_protocol(out: &mut Encoder<'_>) -> nt::Result {
    out.u16(1)?; // StructureVersion
    out.u16(116)?; // StructureSize
    out.u32(NET_TYPE)?;
    out.u16(2000)?; // ProtocolMajorVersion
    out.zeros(116 - 10)
}

/// Names are found whatever their case, so no directory is case-sensitive the way NTFS means it.
fn case_sensitive(out: &mut Encoder<'_>, attributes: &Attributes) -> nt::Result {
    if attributes.is_shown_as_directory() {
        out.u32(0)
    } else {
        Err(Status::INVALID_PARAMETER)
    }
}

#[cfg(test)]
mod tests;
