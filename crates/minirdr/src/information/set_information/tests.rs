use std::string::ToString;
use std::vec::Vec;

use nt::{CreateOptions, FileAttributes, FileInformationClass as Class, FileTime, NameBuf, Status};
use proptest::prelude::*;

use rdbss::Replace;

use super::{Change, DispositionFlags, RenameFlags, last_component};

#[test]
fn records() {
    let mut basic = [0; 40];
    basic[16..24].copy_from_slice(&77_i64.to_le_bytes());
    basic[32] = 1;
    let change = Change::parse(Class::BASIC, &basic).unwrap();
    assert!(matches!(
        change,
        Change::Basic {
            last_access: None,
            last_write: Some(FileTime(77)),
            attributes: FileAttributes::READONLY
        }
    ));
    let size = (5_i64 << 32).to_le_bytes();
    assert!(matches!(
        Change::parse(Class::END_OF_FILE, &size),
        Ok(Change::EndOfFile(0x5_0000_0000))
    ));
    assert!(matches!(
        Change::parse(Class::ALLOCATION, &size),
        Ok(Change::Allocation(0x5_0000_0000))
    ));
    for (class, record, expected) in [
        (Class::DISPOSITION, &[1][..], DispositionFlags::DELETE),
        (Class::DISPOSITION, &[0], DispositionFlags::empty()),
        (Class::DISPOSITION_EX, &[0x1b, 0, 0, 0], DispositionFlags::all()),
        (
            Class::DISPOSITION_EX,
            &[8, 0xff, 0xff, 0xff],
            DispositionFlags::ON_CLOSE,
        ),
    ] {
        let Ok(Change::Disposition(flags)) = Change::parse(class, record) else {
            panic!("no disposition");
        };
        assert_eq!(flags, expected);
    }
    let mut rename = Vec::from([1, 0, 0, 0, 0, 0, 0, 0, 9, 9, 9, 9, 9, 9, 9, 9, 4, 0, 0, 0]);
    rename.extend(b"a\0b\0junk");
    // The byte after the boolean is padding to the old class and flags to the new one.
    rename[1] = 0xff;
    rename[0] = 0x43;
    for (class, flags, replace) in [
        (Class::RENAME, RenameFlags::REPLACE_IF_EXISTS, Replace::Closed),
        (Class::RENAME_EX, RenameFlags::all(), Replace::Open),
        (Class::LINK, RenameFlags::REPLACE_IF_EXISTS, Replace::Closed),
        (Class::LINK_EX, RenameFlags::all(), Replace::Open),
    ] {
        let (Ok(Change::Rename(new)) | Ok(Change::Link(new))) = Change::parse(class, &rename) else {
            panic!("neither rename nor link");
        };
        assert_eq!((new.flags, new.flags.replace()), (flags, replace));
        assert_eq!(new.name.as_name().to_string(), "ab");
    }
    for length in [0, 3, 9, u32::MAX] {
        rename[16..20].copy_from_slice(&length.to_le_bytes());
        let parsed = Change::parse(Class::RENAME, &rename);
        assert_eq!(parsed.err(), Some(Status::INVALID_PARAMETER), "{length}");
    }
}

#[test]
fn modes() {
    for (bits, settable) in [
        (0, true),
        (0x2, true),
        (0x26, true),
        (0x30, false),
        (0x8, false),
        (0x1000, false),
    ] {
        let parsed = Change::parse(Class::MODE, &u32::to_le_bytes(bits));
        match parsed {
            Ok(Change::Mode(mode)) => assert!(settable && mode == CreateOptions::from_bits_retain(bits)),
            other => assert!(
                !settable && matches!(other, Err(Status::INVALID_PARAMETER)),
                "{bits:x}"
            ),
        }
    }
}

#[test]
fn last_components() {
    let last = |name: &str| {
        let name = NameBuf::try_from_str(name).unwrap();
        last_component(name.as_name()).map(|last| last.to_string())
    };
    assert_eq!(last("a").unwrap(), "a");
    assert_eq!(last("\\??\\X:\\a\\b").unwrap(), "b");
    assert_eq!(last("a\\"), Err(Status::OBJECT_NAME_INVALID));
}

testserver::properties! {
    #[test]
    fn any_bytes_have_a_status(class in 0_u32..80, record in proptest::collection::vec(any::<u8>(), 0..80)) {
        if let Err(status) = Change::parse(Class(class), &record) {
            prop_assert!(matches!(
                status,
                Status::INVALID_INFO_CLASS
                    | Status::INFO_LENGTH_MISMATCH
                    | Status::INVALID_PARAMETER
                    | Status::NOT_SUPPORTED
            ));
        }
    }
}
