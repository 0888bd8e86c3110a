use std::vec;
use std::vec::Vec;

use ninep::wire::Mode;
use nt::{FileAttributes, FileInformationClass as Class, FileTime, NameBuf, Status};
use proptest::prelude::*;

use super::EntryList;
use crate::information::attributes::Attributes;
use crate::information::attributes::tests::reply;

const CLASSES: [(Class, usize, usize); 12] = [
    // Class, offset of the name's length, offset of the name: `[MS-FSCC]` 2.4.
    (Class::DIRECTORY, 60, 64),
    (Class::FULL_DIRECTORY, 60, 68),
    (Class::BOTH_DIRECTORY, 60, 94),
    (Class::NAMES, 8, 12),
    (Class::ID_BOTH_DIRECTORY, 60, 104),
    (Class::ID_FULL_DIRECTORY, 60, 80),
    (Class::ID_EXTD_DIRECTORY, 60, 88),
    (Class::ID_EXTD_BOTH_DIRECTORY, 60, 114),
    (Class::ID_64_EXTD_DIRECTORY, 60, 80),
    (Class::ID_64_EXTD_BOTH_DIRECTORY, 60, 106),
    (Class::ID_ALL_EXTD_DIRECTORY, 60, 96),
    (Class::ID_ALL_EXTD_BOTH_DIRECTORY, 60, 122),
];

fn u32_at(record: &[u8], at: usize) -> usize {
    u32::from_le_bytes(record[at..at + 4].try_into().unwrap()) as usize
}

/// The names in a list, each as its units' bytes.
fn names(list: &[u8], length_at: usize, name_at: usize) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    let mut at = 0;
    loop {
        let entry = &list[at..];
        let length = u32_at(entry, length_at);
        found.push(entry[name_at..name_at + length].to_vec());
        match u32_at(entry, 0) {
            0 => return found,
            next => {
                assert_eq!((at + next) % 8, 0, "entries are aligned");
                at += next;
            }
        }
    }
}

#[test]
fn fields_before_the_name() {
    let mut file = Attributes::new(&reply(Mode::REGULAR | 0o444), b".f");
    (file.end_of_file, file.allocation_size) = (0x1122_3344_5566, 0x2233_4455_6677);
    let times = [1, 2, 3, 4_i64];
    file.creation_time = FileTime(times[0]);
    file.last_access_time = FileTime(times[1]);
    file.last_write_time = FileTime(times[2]);
    file.change_time = FileTime(times[3]);
    let name = NameBuf::try_from_str(".f").unwrap();
    for (class, length_at, name_at) in CLASSES {
        let mut buffer = vec![0xaa; 200];
        let mut list = EntryList::new(class, &mut buffer).unwrap();
        list.push(name.as_name(), &file).unwrap();
        assert_eq!(list.used(), name_at + 4, "{class:?}: nothing behind the name");
        assert_eq!((u32_at(&buffer, 0), u32_at(&buffer, 4)), (0, 0), "{class:?}");
        assert_eq!(u32_at(&buffer, length_at), 4, "{class:?}");
        assert_eq!(buffer[name_at..name_at + 4], [b'.', 0, b'f', 0], "{class:?}");
        if class == Class::NAMES {
            continue;
        }
        let numbers: Vec<u64> = buffer[8..56]
            .chunks_exact(8)
            .map(|number| u64::from_le_bytes(number.try_into().unwrap()))
            .collect();
        assert_eq!(
            numbers,
            [1, 2, 3, 4, 0x1122_3344_5566, 0x2233_4455_6677],
            "{class:?}"
        );
        let shown = FileAttributes::READONLY | FileAttributes::HIDDEN | FileAttributes::ARCHIVE;
        assert_eq!(u32_at(&buffer, 56), shown.bits() as usize, "{class:?}");
        // ShortNameLength and ShortName.
        let short = match class {
            Class::BOTH_DIRECTORY | Class::ID_BOTH_DIRECTORY => 68..94,
            Class::ID_EXTD_BOTH_DIRECTORY => 88..114,
            Class::ID_64_EXTD_BOTH_DIRECTORY => 80..106,
            Class::ID_ALL_EXTD_BOTH_DIRECTORY => 96..122,
            _ => continue,
        };
        assert!(buffer[short].iter().all(|&byte| byte == 0), "{class:?}");
    }
}

#[test]
fn fields_behind_the_length() {
    let link = Attributes::new(&reply(Mode::SYMLINK | 0o777), b"l");
    let name = NameBuf::try_from_str("l").unwrap();
    let id = link.file_id.to_le_bytes();
    for (class, tag_at, id_at) in [
        (Class::FULL_DIRECTORY, 64, None),
        (Class::BOTH_DIRECTORY, 64, None),
        (Class::ID_BOTH_DIRECTORY, 64, Some(96)),
        (Class::ID_FULL_DIRECTORY, 64, Some(72)),
        (Class::ID_EXTD_DIRECTORY, 68, Some(72)),
        (Class::ID_EXTD_BOTH_DIRECTORY, 68, Some(72)),
        (Class::ID_64_EXTD_BOTH_DIRECTORY, 68, Some(72)),
        (Class::ID_ALL_EXTD_DIRECTORY, 68, Some(80)),
    ] {
        let mut buffer = vec![0xaa; 200];
        let mut list = EntryList::new(class, &mut buffer).unwrap();
        list.push(name.as_name(), &link).unwrap();
        let used = list.used();
        assert_eq!(u32_at(&buffer, tag_at), 0xa000_000c, "{class:?}");
        if let Some(at) = id_at {
            assert_eq!(buffer[at..at + 8], id, "{class:?}");
        }
        assert_eq!(buffer[used], 0xaa);
    }
    assert_eq!(
        EntryList::new(Class::ALL, &mut [0; 999]).err(),
        Some(Status::INVALID_INFO_CLASS)
    );
}

testserver::properties! {
    #[test]
    fn what_fits_is_there_and_nothing_else(
        pick in 0_usize..12,
        len in 0_usize..900,
        lengths in proptest::collection::vec(1_usize..60, 1..12),
    ) {
        let (class, length_at, name_at) = CLASSES[pick];
        let attributes = Attributes::new(&reply(Mode::REGULAR | 0o644), b"f");
        let mut buffer = vec![0xaa; len];
        let Ok(mut list) = EntryList::new(class, &mut buffer) else {
            prop_assert!(len < name_at);
            return Ok(());
        };
        let mut pushed = Vec::new();
        let mut cut = false;
        for length in lengths {
            let units = vec![u16::from(b'n'); length];
            let name = NameBuf::try_from_units(&units).unwrap();
            let was_empty = list.is_empty();
            let before = list.used();
            let predicted = list.end_with(before, name.as_name());
            match list.push(name.as_name(), &attributes) {
                Ok(()) => {
                    prop_assert_eq!(predicted, Some(list.used()));
                    pushed.push(length * 2);
                }
                Err(status) => {
                    prop_assert_eq!((status, predicted), (Status::BUFFER_OVERFLOW, None));
                    cut = was_empty;
                    prop_assert!(cut || list.used() == before);
                    break;
                }
            }
        }
        let used = list.used();
        prop_assert!(used <= len);
        if cut {
            prop_assert!(pushed.is_empty() && used >= name_at);
        } else if !pushed.is_empty() {
            let found: Vec<usize> = names(&buffer[..used], length_at, name_at).iter().map(Vec::len).collect();
            prop_assert_eq!(found, pushed);
        }
    }
}
