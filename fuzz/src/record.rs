//! Records that programs send with IRPs, and what servers keep for them.

use crate::bytes::Bytes;

/// Set classes.
pub(crate) fn set_information(data: &[u8]) {
    let mut bytes = Bytes(data);
    let class = u32::from(bytes.byte());
    minirdr::fuzzing::set_information(class, bytes.0);
}

/// FILE_FULL_EA_INFORMATION and FILE_GET_EA_INFORMATION.
pub(crate) fn extended_attributes(data: &[u8]) {
    minirdr::fuzzing::extended_attributes(data);
}

/// SECURITY_DESCRIPTOR, self-relative.
pub(crate) fn security_descriptor(data: &[u8]) {
    minirdr::fuzzing::security_descriptor(data);
}

/// REPARSE_DATA_BUFFER.
pub(crate) fn reparse_data(data: &[u8]) {
    minirdr::fuzzing::reparse_data(data);
}

/// What a server's symbolic link says.
pub(crate) fn link_text(data: &[u8]) {
    minirdr::fuzzing::link_text(data);
}

/// A server's list of extended attributes.
pub(crate) fn attribute_names(data: &[u8]) {
    minirdr::fuzzing::attribute_names(data);
}
