//! Records of the control interface, from programs that may be anybody's.

use ioctl::{ControlCode, Encode, Request};

use crate::bytes::Bytes;

/// What was read is written as it was read.
fn same<E: Encode>(record: &E, input: &[u8]) {
    let mut again = vec![0; record.encoded_len()];
    let written = record.write(&mut again).expect("there is room");
    assert_eq!(&again[..written], input);
}

fn code(bytes: &mut Bytes<'_>) -> ControlCode {
    let index = usize::from(bytes.byte());
    let known = ControlCode::TABLE.get(index % (ControlCode::TABLE.len() + 1));
    known.map_or_else(|| ControlCode(bytes.u32()), |(code, _)| *code)
}

pub(crate) fn requests(data: &[u8]) {
    let mut bytes = Bytes(data);
    let code = code(&mut bytes);
    let output = usize::from(bytes.byte()) * 64;
    let _ = Request::parse(code, bytes.0, output);
    // The records by themselves, whatever the code.
    if let Ok(record) = ioctl::AddConnection::parse(bytes.0) {
        same(&record, bytes.0);
    }
    if let Ok(record) = ioctl::connection::DeleteConnection::parse(bytes.0) {
        same(&record, bytes.0);
    }
    if let Ok(record) = ioctl::connection::EnumConnections::parse(bytes.0) {
        same(&record, bytes.0);
    }
}

pub(crate) fn replies(data: &[u8]) {
    let _ = ioctl::VersionInfo::parse(data);
    let _ = ioctl::Statistics::parse(data);
    let _ = ioctl::connection::Connection::parse(data);
    if let Ok(list) = ioctl::connection::ConnectionList::parse(data) {
        // However many it says there are.
        let _ = list.into_iter().take(1000).count();
    }
}

pub(crate) fn irps(data: &[u8]) {
    let mut bytes = Bytes(data);
    // The test driver's codes lie beside each other.
    let code = ControlCode(
        ioctl::irp::code::OPEN
            .0
            .wrapping_add(u32::from(bytes.byte()) << 2),
    );
    let output = usize::try_from(bytes.u32()).unwrap_or(usize::MAX);
    if let Ok(request) = ioctl::irp::Request::parse(code, bytes.0, output) {
        same(&request, bytes.0);
    }
    let _ = ioctl::irp::Reply::parse(bytes.0);
}

pub(crate) fn selftests(data: &[u8]) {
    let _ = ioctl::selftest::Request::parse(data);
    let _ = ioctl::selftest::Reply::parse(data);
}
