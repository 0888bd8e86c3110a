use std::vec;
use std::vec::Vec;

use ninep::wire::Rstatfs;
use nt::{FsInformationClass as Class, NameBuf, Status};
use proptest::prelude::*;

use super::{Space, Volume, query};

fn statfs(bsize: u32, blocks: u64, bfree: u64, bavail: u64) -> Rstatfs {
    Rstatfs {
        kind: 0,
        bsize,
        blocks,
        bfree,
        bavail,
        files: 0,
        ffree: 0,
        fsid: 0,
        namelen: 255,
    }
}

fn ask(class: Class, len: usize) -> nt::Result<(Vec<u8>, Status)> {
    let (label, name) = (
        NameBuf::try_from_str("export").unwrap(),
        NameBuf::try_from_str("NTFS").unwrap(),
    );
    let volume = Volume {
        label: label.as_name(),
        serial: 0x1122_3344_5566_7788,
        file_system_name: name.as_name(),
        extended_attributes: true,
    };
    let mut buffer = vec![0xaa; len];
    let (used, status) = query(class, Some(&statfs(4096, 10, 5, 4)), &volume, &mut buffer)?;
    assert!(
        buffer[used..].iter().all(|&byte| byte == 0xaa),
        "nothing is written behind the end"
    );
    buffer.truncate(used);
    Ok((buffer, status))
}

#[test]
fn blocks_become_units_of_whole_sectors() {
    let units = |bsize, blocks| {
        let space = Space::new(&statfs(bsize, blocks, 0, 0));
        (space.total, space.sectors_per_unit)
    };
    assert_eq!(units(4096, 100), (100, 8));
    assert_eq!(units(1 << 20, 100), (100, 2048));
    assert_eq!(units(1, 40_960), (10, 8), "counted over");
    assert_eq!(units(1000, 4096), (1000, 8));
    assert_eq!(units(0, 100), (0, 8), "no size at all");
    assert_eq!(units(4096, 0), (0, 8));
}

#[test]
fn parts_are_never_more_than_the_whole() {
    let space = Space::new(&statfs(4096, 10, 20, 30));
    assert_eq!((space.total, space.free, space.available), (10, 10, 10));
}

/// The offsets that `[MS-FSCC]` 2.5 gives.
#[test]
fn documented_offsets() {
    let u32_at = |record: &[u8], at: usize| u32::from_le_bytes(record[at..at + 4].try_into().unwrap());
    let volume = ask(Class::VOLUME, 99).unwrap().0;
    assert_eq!(u32_at(&volume, 8), 0x5566_7788, "the serial number's lower half");
    assert_eq!(u32_at(&volume, 12), 12);
    assert_eq!(volume[18..], *b"e\0x\0p\0o\0r\0t\0");
    let attribute = ask(Class::ATTRIBUTE, 99).unwrap().0;
    assert_eq!(u32_at(&attribute, 0) & 0x0080_0000, 0x0080_0000);
    assert_eq!(attribute[12..], *b"N\0T\0F\0S\0");
    assert_eq!(ask(Class::SECTOR_SIZE, 99).unwrap().0.len(), 28);
    assert_eq!(ask(Class::OBJECT_ID, 99).unwrap().0.len(), 64);
    let (cut, status) = ask(Class::ATTRIBUTE, 15).unwrap();
    assert_eq!((cut.len(), status), (14, Status::BUFFER_OVERFLOW));
    assert_eq!(u32_at(&cut, 8), 8, "the length is the whole name's");
}

testserver::properties! {
    #[test]
    fn no_figures_overflow(bsize: u32, blocks: u64, bfree: u64, bavail: u64) {
        let space = Space::new(&statfs(bsize, blocks, bfree, bavail));
        prop_assert!(space.sectors_per_unit > 0);
        prop_assert!(space.available <= space.free && space.free <= space.total);
        let bytes = space.total.checked_mul(u64::from(space.sectors_per_unit) * 512);
        prop_assert!(bytes.is_some_and(|bytes| i64::try_from(bytes).is_ok()));
    }

    #[test]
    fn no_class_and_no_length_leaves_the_buffer(class in 0_u32..20, len in 0_usize..120) {
        match ask(Class(class), len) {
            Ok((record, status)) => {
                prop_assert!(record.len() <= len);
                prop_assert!(matches!(status, Status::SUCCESS | Status::BUFFER_OVERFLOW));
            }
            Err(status) => {
                prop_assert!(matches!(status, Status::INVALID_INFO_CLASS | Status::INFO_LENGTH_MISMATCH));
            }
        }
    }
}
