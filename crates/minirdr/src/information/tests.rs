use std::vec;
use std::vec::Vec;

use ninep::wire::Mode;
use nt::{FileInformationClass as Class, NameBuf, Status};
use proptest::prelude::*;

use super::{OpenState, query};
use crate::information::attributes::Attributes;
use crate::information::attributes::tests::reply;

fn ask(class: Class, len: usize) -> nt::Result<(Vec<u8>, Status)> {
    let attributes = Attributes::new(&reply(Mode::REGULAR | 0o644), b"f");
    let name = NameBuf::try_from_str("\\h\\s\\f").unwrap();
    let open = OpenState {
        granted_access: 0x0012_0089,
        mode: 0x20,
        position: 99,
        delete_pending: true,
        ea_size: 7,
        volume_serial: 0x99,
        file_id: 0x1122_3344_5566_7788,
        name: name.as_name(),
    };
    let mut buffer = vec![0xaa; len];
    let (used, status) = query(class, &attributes, &open, &mut buffer)?;
    assert!(
        buffer[used..].iter().all(|&byte| byte == 0xaa),
        "nothing is written behind the end"
    );
    buffer.truncate(used);
    Ok((buffer, status))
}

/// The offsets that `[MS-FSCC]` 2.4 gives.
#[test]
fn documented_offsets() {
    let attributes = Attributes::new(&reply(Mode::REGULAR | 0o644), b"f");
    let all = ask(Class::ALL, 999).unwrap().0;
    let u32_at = |at: usize| u32::from_le_bytes(all[at..at + 4].try_into().unwrap());
    let u64_at = |at: usize| u64::from_le_bytes(all[at..at + 8].try_into().unwrap());
    for (at, time) in [
        (0, attributes.creation_time),
        (8, attributes.last_access_time),
        (16, attributes.last_write_time),
        (24, attributes.change_time),
    ] {
        assert_eq!(u64_at(at), time.0 as u64);
    }
    assert_eq!(u32_at(32), 0x20);
    assert_eq!((u64_at(40), u64_at(48)), (32 * 512, 12_345));
    assert_eq!(u32_at(56), 2, "one link is about to go");
    assert_eq!(all[60..64], [1, 0, 0, 0]);
    assert_eq!(u64_at(64), attributes.file_id);
    assert_eq!((u32_at(72), u32_at(76)), (7, 0x0012_0089));
    assert_eq!((u64_at(80), u32_at(88), u32_at(92)), (99, 0x20, 0));
    assert_eq!(u32_at(96), 12);
    assert_eq!(all[100..], *b"\\\0h\0\\\0s\0\\\0f\0");
    let network = ask(Class::NETWORK_OPEN, 56).unwrap().0;
    assert_eq!(network[..32], all[..32]);
    assert_eq!(network[32..40], all[40..48]);
    assert_eq!(network[40..48], all[48..56]);
    assert_eq!(network[48..56], all[32..40]);
}

/// The classes of `stat`, whose parts are those of older classes.
#[test]
fn stat_classes_agree_with_the_others() {
    let (all, network) = (
        ask(Class::ALL, 999).unwrap().0,
        ask(Class::NETWORK_OPEN, 56).unwrap().0,
    );
    let (stat, lx) = (
        ask(Class::STAT, 72).unwrap().0,
        ask(Class::STAT_LX, 96).unwrap().0,
    );
    let basic = ask(Class::STAT_BASIC, 104).unwrap().0;
    assert_eq!(stat[..8], all[64..72], "FileId");
    assert_eq!(stat[8..60], network[..52], "times, sizes, attributes");
    assert_eq!(stat[60..64], [0; 4], "ReparseTag");
    assert_eq!(stat[64..68], all[56..60], "NumberOfLinks");
    assert_eq!(stat[68..72], all[76..80], "EffectiveAccess");
    assert_eq!((&lx[..72], &basic[..68]), (&stat[..], &stat[..68]));
    let lx_at = |at: usize| u32::from_le_bytes(lx[at..at + 4].try_into().unwrap());
    assert_eq!((lx_at(72), lx_at(76), lx_at(80)), (7, 1000, 1000));
    assert_eq!(lx_at(84), 0o100_644);
    assert_eq!(basic[80..88], 0x99_u64.to_le_bytes(), "VolumeSerialNumber");
    assert_eq!(basic[88..96], stat[..8]);
    assert_eq!(ask(Class::ID, 24).unwrap().0, basic[80..104]);
}

#[test]
fn a_file_has_one_stream() {
    let (stream, status) = ask(Class::STREAM, 999).unwrap();
    assert_eq!((stream.len(), status), (38, Status::SUCCESS));
    assert_eq!(stream[24..], *b":\0:\0$\0D\0A\0T\0A\0");
    let (cut, status) = ask(Class::STREAM, 30).unwrap();
    assert_eq!((cut.len(), status), (30, Status::BUFFER_OVERFLOW));
    assert_eq!(ask(Class::REMOTE_PROTOCOL, 999).unwrap().0.len(), 116);
}

testserver::properties! {
    #[test]
    fn no_class_and_no_length_leaves_the_buffer(class in 0_u32..90, len in 0_usize..200) {
        match ask(Class(class), len) {
            Ok((record, status)) => {
                prop_assert!(record.len() <= len);
                prop_assert!(matches!(status, Status::SUCCESS | Status::BUFFER_OVERFLOW));
            }
            Err(status) => {
                prop_assert!(matches!(
                    status,
                    Status::INVALID_INFO_CLASS
                        | Status::INFO_LENGTH_MISMATCH
                        | Status::OBJECT_NAME_NOT_FOUND
                        | Status::INVALID_PARAMETER
                ));
            }
        }
    }
}
