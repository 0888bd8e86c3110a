//! Parsers of what programs send, for the fuzzer alone.

use nt::FileInformationClass;

use crate::set_information::Change;

/// Decodes the record of a set class.
pub fn set_information(class: u32, record: &[u8]) {
    let _ = Change::parse(FileInformationClass(class), record);
}
