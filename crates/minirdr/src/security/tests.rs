use std::format;
use std::vec;
use std::vec::Vec;

use ninep::wire::{Mode, SetAttrMask};
use nt::{SecurityInformation, Status};
use proptest::prelude::*;

use super::descriptor::{Descriptor, encode};
use super::mode_list::{Identities, ListFailure, permissions};
use super::{Sid, change};
use crate::information::attributes::tests::reply;

/// `S-1-5-21-1-2-3-1001`.
fn somebody() -> Sid {
    let mut bytes = vec![1, 5, 0, 0, 0, 0, 0, 5];
    for part in [21_u32, 1, 2, 3, 1001] {
        bytes.extend(part.to_le_bytes());
    }
    Sid::parse(&bytes).unwrap()
}

fn identities() -> Identities {
    Identities {
        me: Some((somebody(), 1000)),
        uid: 1000,
        gid: 50,
    }
}

fn all() -> SecurityInformation {
    SecurityInformation::OWNER | SecurityInformation::GROUP | SecurityInformation::DACL
}

fn describe(mode: u32, identities: &Identities) -> Vec<u8> {
    let mut buffer = vec![0xaa; 400];
    let (len, status) = encode(all(), Mode(mode), identities, &mut buffer).unwrap();
    assert_eq!(status, Status::SUCCESS);
    assert!(buffer[len..].iter().all(|&byte| byte == 0xaa));
    buffer.truncate(len);
    buffer
}

/// A descriptor with these entries: type, flags, mask, SID.
fn with_entries(entries: &[(u8, u8, u32, Sid)]) -> Vec<u8> {
    let mut list = Vec::new();
    for (kind, flags, mask, sid) in entries {
        let sid = sid.as_bytes();
        list.extend([*kind, *flags]);
        list.extend((8 + sid.len() as u16).to_le_bytes());
        list.extend(mask.to_le_bytes());
        list.extend(sid);
    }
    let mut record = vec![1, 0, 4, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 20, 0, 0, 0];
    record.extend([2, 0]);
    record.extend((8 + list.len() as u16).to_le_bytes());
    record.extend((entries.len() as u16).to_le_bytes());
    record.extend([0, 0]);
    record.extend(list);
    record
}

fn permissions_of(record: &[u8]) -> Result<u32, ListFailure> {
    let descriptor = Descriptor::parse(record).unwrap();
    permissions(
        descriptor.dacl.as_ref(),
        &identities(),
        Mode(Mode::REGULAR | 0o4000),
    )
}

const EVERYTHING: u32 = 0x001f_01ff;

#[test]
fn owner_and_group() {
    let record = describe(Mode::REGULAR | 0o644, &identities());
    let descriptor = Descriptor::parse(&record).unwrap();
    assert_eq!(descriptor.owner, Some(somebody()), "the mapping's user");
    assert_eq!(format!("{:?}", descriptor.group.unwrap()), "S-1-22-2-50");
    let strangers = Identities {
        uid: 7,
        ..identities()
    };
    let record = describe(Mode::REGULAR | 0o644, &strangers);
    let owner = Descriptor::parse(&record).unwrap().owner.unwrap();
    assert_eq!(format!("{owner:?}"), "S-1-22-1-7");
}

#[test]
fn the_length_is_said_where_there_is_no_room() {
    let whole = describe(Mode::REGULAR | 0o644, &identities()).len();
    for len in [0, 19, whole - 1] {
        let mut buffer = vec![0xaa; len];
        let answer = encode(all(), Mode(Mode::REGULAR | 0o644), &identities(), &mut buffer);
        assert_eq!(answer, Ok((whole, Status::BUFFER_OVERFLOW)));
        assert!(buffer.iter().all(|&byte| byte == 0xaa));
    }
    let mut buffer = [0; 20];
    let none = encode(SecurityInformation::SACL, Mode(0), &identities(), &mut buffer);
    assert_eq!(none, Ok((20, Status::SUCCESS)), "a descriptor of no part");
}

/// A list that says what it is about one by one.
#[test]
fn lists_that_permission_bits_can_say() {
    let group = Sid::unix_group(50);
    for (entries, expected) in [
        (vec![], 0o000),
        (vec![(0, 0, EVERYTHING, Sid::EVERYONE)], 0o777),
        (vec![(0, 0, 0x1000_0000, somebody())], 0o700),
        (vec![(0, 0, 0x8000_0000, Sid::OWNER_RIGHTS)], 0o400),
        (
            vec![
                (0, 0, 0x0012_0089, group),
                (0, 0, EVERYTHING, Sid::unix_user(1000)),
            ],
            0o740,
        ),
        (
            vec![(1, 0, 2 | 4, somebody()), (0, 0, EVERYTHING, Sid::EVERYONE)],
            0o577,
        ),
        // What is granted first cannot be taken away.
        (
            vec![(0, 0, EVERYTHING, Sid::EVERYONE), (1, 0, EVERYTHING, somebody())],
            0o777,
        ),
        (
            vec![
                (0, 0, EVERYTHING, Sid::LOCAL_SYSTEM),
                (0, 0, EVERYTHING, Sid::ADMINISTRATORS),
            ],
            0,
        ),
        (vec![(0, 0x8, EVERYTHING, Sid::EVERYONE)], 0o000),
    ] {
        assert_eq!(
            permissions_of(&with_entries(&entries)),
            Ok(0o4000 | expected),
            "{entries:?}"
        );
    }
    let no_list = vec![1, 0, 4, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    assert_eq!(permissions_of(&no_list), Ok(0o4777), "no list refuses nothing");
}

#[test]
fn lists_that_permission_bits_cannot_say() {
    let other = Sid::parse(&[1, 1, 0, 0, 0, 0, 0, 5, 11, 0, 0, 0]).unwrap();
    for entries in [
        vec![(0, 0, EVERYTHING, other)],
        vec![(1, 0, EVERYTHING, Sid::LOCAL_SYSTEM)],
        vec![(0, 0, EVERYTHING, Sid::unix_user(1001))],
        vec![(0, 0, 4, somebody())],
        vec![(5, 0, EVERYTHING, somebody())],
    ] {
        let said = permissions_of(&with_entries(&entries));
        assert_eq!(said, Err(ListFailure::NoPermissionBits), "{entries:?}");
    }
}

#[test]
fn only_what_differs_is_told_to_the_server() {
    let mut now = reply(Mode::REGULAR | 0o640);
    (now.uid, now.gid) = (1000, 50);
    let record = describe(now.mode.0, &identities());
    let descriptor = Descriptor::parse(&record).unwrap();
    let request = change(all(), &descriptor, &now, &identities()).unwrap();
    assert_eq!(request.valid, SetAttrMask::empty());
    let strangers = Identities {
        uid: 7,
        gid: 8,
        ..identities()
    };
    let record = describe(Mode::REGULAR | 0o604, &strangers);
    let descriptor = Descriptor::parse(&record).unwrap();
    let request = change(all(), &descriptor, &now, &identities()).unwrap();
    assert_eq!(
        request.valid,
        SetAttrMask::UID | SetAttrMask::GID | SetAttrMask::MODE
    );
    assert_eq!((request.uid, request.gid, request.mode), (7, 8, Mode(0o604)));
    let owner = SecurityInformation::OWNER;
    let empty = Descriptor::parse(&record[..20]);
    assert_eq!(
        empty.err(),
        Some(Status::INVALID_SECURITY_DESCR),
        "offsets lead out of it"
    );
    let none = with_entries(&[]);
    let none = Descriptor::parse(&none).unwrap();
    assert_eq!(
        change(owner, &none, &now, &identities()).err(),
        Some(Status::INVALID_OWNER)
    );
}

testserver::properties! {
    /// What a list says is what it was made from, whatever the permissions are.
    #[test]
    fn permissions_survive_the_way_there_and_back(bits in 0_u32..0o10000, is_directory: bool, mine: bool) {
        let kind = if is_directory { Mode::DIRECTORY } else { Mode::REGULAR };
        let identities = Identities { uid: if mine { 1000 } else { 7 }, ..identities() };
        let record = describe(kind | bits, &identities);
        let descriptor = Descriptor::parse(&record).unwrap();
        let said = permissions(descriptor.dacl.as_ref(), &identities, Mode(kind | bits & 0o7000));
        prop_assert_eq!(said, Ok(bits));
    }

    #[test]
    fn any_bytes_have_a_status(record in proptest::collection::vec(any::<u8>(), 0..200)) {
        judge(&record)?;
    }

    /// Descriptors that were good but for a few bytes, or cut.
    #[test]
    fn damaged_descriptors_have_a_status(
        bits in 0_u32..0o1000,
        damage in proptest::collection::vec((0_usize..200, any::<u8>()), 0..6),
        cut in 0_usize..200,
    ) {
        let mut record = describe(Mode::REGULAR | bits, &identities());
        for (at, byte) in damage {
            if let Some(target) = record.get_mut(at) {
                *target = byte;
            }
        }
        judge(record.get(..cut).unwrap_or(&record))?;
    }
}

/// Takes a record for what it is, without a panic.
fn judge(record: &[u8]) -> Result<(), TestCaseError> {
    match Descriptor::parse(record) {
        Ok(descriptor) => {
            let _ = descriptor.has_audit_entries();
            let said = permissions(descriptor.dacl.as_ref(), &identities(), Mode(Mode::REGULAR));
            prop_assert!(said.is_err() || said.is_ok_and(|bits| bits <= 0o777));
        }
        Err(status) => prop_assert!(matches!(
            status,
            Status::INVALID_SECURITY_DESCR | Status::INVALID_SID | Status::INVALID_ACL
        )),
    }
    Ok(())
}
