use std::vec;
use std::vec::Vec;

use nt::Status;
use proptest::prelude::*;

use super::list::{FullList, Setting, is_name, parse_names, parse_settings};
use super::xattr::Names;

/// What [`FullList`] writes of these.
fn written(entries: &[(&[u8], &[u8])]) -> Vec<u8> {
    let mut buffer = vec![0xaa; 4096];
    let mut list = FullList::new(&mut buffer);
    for (name, value) in entries {
        list.push(name, value).unwrap();
    }
    let used = list.used();
    buffer.truncate(used);
    buffer
}

#[test]
fn what_is_written_is_what_is_read() {
    let list = written(&[(b"one", b"1"), (b"Two", b""), (b"three", b"33333")]);
    let settings = parse_settings(&list).unwrap();
    let expected = [(&b"ONE"[..], &b"1"[..]), (b"TWO", b""), (b"THREE", b"33333")];
    let expected: Vec<Setting<'_>> = expected
        .into_iter()
        .map(|(name, value)| Setting { name, value })
        .collect();
    assert_eq!(settings, expected);
    assert_eq!(
        list[..8],
        [16, 0, 0, 0, 0, 3, 1, 0],
        "offsets of [MS-FSCC] 2.4.15"
    );
}

#[test]
fn lists_of_names() {
    let list = b"\x08\0\0\0\x01A\0x\0\0\0\0\x02bc\0";
    assert_eq!(parse_names(list).unwrap(), [&b"A"[..], b"bc"]);
    let truncated = parse_names(&list[..list.len() - 1]);
    assert_eq!(truncated, Err((Status::EA_LIST_INCONSISTENT, 8)));
}

#[test]
fn malformed_lists_say_where() {
    let good = written(&[(b"a", b"1"), (b"b", b"2")]);
    let second = 12;
    for (at, byte, status) in [
        (second + 4, 0x40, Status::INVALID_EA_FLAG),
        (second + 5, 0, Status::EA_LIST_INCONSISTENT),
        (second + 8, b'*', Status::INVALID_EA_NAME),
        (second + 9, 1, Status::EA_LIST_INCONSISTENT),
        (second + 6, 200, Status::EA_LIST_INCONSISTENT),
        (second, 4, Status::EA_LIST_INCONSISTENT),
    ] {
        let mut list = good.clone();
        list[at] = byte;
        assert_eq!(parse_settings(&list).err(), Some((status, second)), "byte {at}");
    }
    assert_eq!(parse_settings(b"").err(), Some((Status::EA_LIST_INCONSISTENT, 0)));
    assert!(is_name(b"A.B-1") && !is_name(b"") && !is_name(b"a\x1f") && !is_name(&[b'a'; 255]));
}

#[test]
fn only_attributes_of_users_are_shown() {
    let list = b"security.selinux\0user.b\0user.\0user.A\0user.B\0user.a*\0trusted.c\0user.c";
    let names = Names::parse(list.to_vec()).unwrap();
    let shown: Vec<&[u8]> = (0..names.len())
        .map(|index| names.get(index).unwrap().0)
        .collect();
    assert_eq!(shown, [&b"user.A"[..], b"user.B", b"user.c"]);
    assert_eq!(names.find(b"a"), Some(&b"user.A"[..]));
    assert_eq!(names.find(b"C"), Some(&b"user.c"[..]));
    assert_eq!(names.find(b"d"), None);
}

testserver::properties! {
    #[test]
    fn any_bytes_are_a_list_or_say_where_not(list in proptest::collection::vec(any::<u8>(), 0..120)) {
        for outcome in [
            parse_settings(&list).map(|settings| settings.len()),
            parse_names(&list).map(|names| names.len()),
        ] {
            match outcome {
                Ok(count) => prop_assert!(count > 0 && count <= list.len()),
                Err((status, at)) => {
                    prop_assert!(status.is_warning());
                    prop_assert!(at <= list.len());
                }
            }
        }
    }

    /// Links of a damaged list lead nowhere twice: it ends.
    #[test]
    fn damaged_lists_end(damage in proptest::collection::vec((0_usize..60, any::<u8>()), 0..5)) {
        let mut list = written(&[(b"one", b"1"), (b"two", b"22"), (b"three", b"333")]);
        for (at, byte) in damage {
            if let Some(target) = list.get_mut(at) {
                *target = byte;
            }
        }
        if let Ok(settings) = parse_settings(&list) {
            prop_assert!(settings.iter().all(|setting| is_name(setting.name)));
        }
    }

    #[test]
    fn nothing_is_written_behind_the_buffer(
        len in 0_usize..100,
        sizes in proptest::collection::vec((1_usize..20, 0_usize..20), 1..8),
    ) {
        let mut buffer = vec![0xaa; len + 8];
        let mut list = FullList::new(&mut buffer[..len]);
        let mut count = 0;
        for (name, value) in sizes {
            let (name, value) = (vec![b'n'; name], vec![b'v'; value]);
            let fits = list.fits(&name, value.len());
            prop_assert_eq!(list.push(&name, &value).is_ok(), fits);
            if !fits {
                break;
            }
            count += 1;
        }
        let used = list.used();
        prop_assert!(buffer[used..].iter().all(|&byte| byte == 0xaa));
        if count > 0 {
            prop_assert_eq!(parse_settings(&buffer[..used]).unwrap().len(), count);
        }
    }

    #[test]
    fn any_list_of_names_is_ordered_and_found(list in proptest::collection::vec(
        prop_oneof![Just(0_u8), Just(b'a'), Just(b'A'), Just(b'.'), Just(b'u'), any::<u8>()], 0..60)) {
        let mut with_prefix = Vec::new();
        for name in list.split(|&byte| byte == 0) {
            with_prefix.extend(b"user.");
            with_prefix.extend(name);
            with_prefix.push(0);
        }
        let names = Names::parse(with_prefix).unwrap();
        for index in 0..names.len() {
            let (spelled, name) = names.get(index).unwrap();
            prop_assert_eq!(names.find(name), Some(spelled));
            prop_assert_eq!(names.find(&name.to_ascii_lowercase()), Some(spelled));
        }
    }
}
