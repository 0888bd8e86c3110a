//! Records that programs send with IRPs.

use crate::bytes::Bytes;

/// Set classes.
pub(crate) fn set_information(data: &[u8]) {
    let mut bytes = Bytes(data);
    let class = u32::from(bytes.byte());
    minirdr::fuzzing::set_information(class, bytes.0);
}
