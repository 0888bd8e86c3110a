//! Parsers of what programs and servers send, for the fuzzer alone.

use nt::FileInformationClass;

use crate::information::set_information::Change;

/// Decodes the record of a set class.
pub fn set_information(class: u32, record: &[u8]) {
    let _ = Change::parse(FileInformationClass(class), record);
}

/// Decodes lists of extended attributes.
pub fn extended_attributes(record: &[u8]) {
    crate::ea::fuzz(record);
}

/// Decodes a security descriptor.
pub fn security_descriptor(record: &[u8]) {
    crate::security::fuzz(record);
}

/// Decodes reparse data.
pub fn reparse_data(record: &[u8]) {
    crate::reparse::fuzz(record);
}

/// Follows what a server's symbolic link says, and shows it to programs.
pub fn link_text(text: &[u8]) {
    crate::create::fuzz_link(text);
    crate::reparse::fuzz_text(text);
}

/// Reads a server's list of extended attributes, and the text that attributes of NT are kept as.
pub fn attribute_names(list: &[u8]) {
    crate::ea::fuzz_names(list);
    crate::information::dos_attributes::fuzz(list);
}
