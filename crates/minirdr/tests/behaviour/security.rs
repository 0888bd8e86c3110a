//! IRP_MJ_QUERY_SECURITY and IRP_MJ_SET_SECURITY.

use std::os::unix::fs::{MetadataExt, PermissionsExt};

use minirdr::{Caller, LogonId, Sid};
use nt::{AccessMask, SecurityInformation as Parts, Status};

use crate::world::file::{File, u32_at};
use crate::world::{ME, Open, World, token};

/// A user of this machine.
fn me() -> Sid {
    Sid::parse(&[1, 2, 0, 0, 0, 0, 0, 5, 21, 0, 0, 0, 0xe9, 3, 0, 0]).unwrap()
}

fn caller() -> Caller {
    Caller {
        logon: ME,
        user: Some(me()),
    }
}

fn query(file: &File<'_>, parts: Parts, caller: &Caller, len: usize) -> nt::Result<(Vec<u8>, Status)> {
    let mut buffer = vec![0xee; len];
    let (len, status) = file
        .world()
        .block(file.file.query_security(parts, caller, &mut buffer, &token()))?;
    if status == Status::SUCCESS {
        buffer.truncate(len);
        Ok((buffer, status))
    } else {
        Ok((vec![0; len], status))
    }
}

pub(crate) fn set(file: &File<'_>, parts: Parts, record: &[u8]) -> nt::Result {
    file.world()
        .block(file.file.set_security(parts, record, &caller(), &token()))
}

fn mode(world: &World, name: &str) -> u32 {
    std::fs::metadata(world.path(name)).unwrap().mode() & 0o7777
}

fn every_right() -> Open {
    Open::read().access(AccessMask::FILE_ALL_ACCESS)
}

/// A descriptor with a list of allowing entries.
pub(crate) fn allowing(entries: &[(u32, Sid)]) -> Vec<u8> {
    let mut list = Vec::new();
    for (mask, sid) in entries {
        list.extend([0, 0]);
        list.extend((8 + sid.as_bytes().len() as u16).to_le_bytes());
        list.extend(mask.to_le_bytes());
        list.extend(sid.as_bytes());
    }
    let mut record = vec![
        1, 0, 4, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 20, 0, 0, 0, 2, 0,
    ];
    record.extend((8 + list.len() as u16).to_le_bytes());
    record.extend((entries.len() as u16).to_le_bytes());
    record.extend([0, 0]);
    record.extend(list);
    record
}

fn owner_in(record: &[u8]) -> Sid {
    Sid::parse(&record[u32_at(record, 4) as usize..]).unwrap()
}

pub(crate) fn the_owner_is_the_user_of_the_mapping(world: &World) {
    std::fs::write(world.path("file"), b"").unwrap();
    let uid = std::fs::metadata(world.path("file")).unwrap().uid();
    let attached = minirdr::Settings::default().default_user;
    let file = world.open("file", &Open::read()).unwrap();
    let (record, _) = query(&file, Parts::OWNER, &caller(), 4096).unwrap();
    let expected = if uid == attached {
        me()
    } else {
        Sid::unix_user(uid)
    };
    assert_eq!(owner_in(&record), expected);
    // Whoever else looks sees a Unix user.
    let other = Caller {
        logon: LogonId(ME.0 + 1),
        ..caller()
    };
    for other in [
        other,
        Caller {
            user: None,
            ..caller()
        },
    ] {
        let (record, _) = query(&file, Parts::OWNER, &other, 4096).unwrap();
        assert_eq!(owner_in(&record), Sid::unix_user(uid));
    }
}

pub(crate) fn only_the_parts_asked_for_are_there(world: &World) {
    let file = world.open("file", &Open::create()).unwrap();
    for (parts, at) in [(Parts::OWNER, 4), (Parts::GROUP, 8), (Parts::DACL, 16)] {
        let (record, _) = query(&file, parts, &caller(), 4096).unwrap();
        for field in [4, 8, 12, 16] {
            assert_eq!(u32_at(&record, field) != 0, field == at, "{parts:?}");
        }
    }
}

pub(crate) fn a_short_buffer_is_told_the_length(world: &World) {
    let file = world.open("file", &Open::create()).unwrap();
    let parts = Parts::OWNER | Parts::GROUP | Parts::DACL;
    let (whole, _) = query(&file, parts, &caller(), 4096).unwrap();
    for len in [0, whole.len() - 1] {
        let (short, status) = query(&file, parts, &caller(), len).unwrap();
        assert_eq!((short.len(), status), (whole.len(), Status::BUFFER_OVERFLOW));
    }
}

pub(crate) fn a_list_becomes_permissions(world: &World) {
    std::fs::write(world.path("file"), b"").unwrap();
    let on_server = std::fs::metadata(world.path("file")).unwrap();
    let (owner, group) = (Sid::unix_user(on_server.uid()), Sid::unix_group(on_server.gid()));
    let everyone = Sid::parse(&[1, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0]).unwrap();
    let file = world.open("file", &every_right()).unwrap();
    for (entries, expected) in [
        (vec![(0x001f_01ff, owner)], 0o700),
        (vec![(0x0012_019f, owner), (0x0012_0089, group)], 0o640),
        (vec![(0x0012_00a9, everyone)], 0o555),
        (vec![(0x001f_01ff, everyone)], 0o777),
    ] {
        set(&file, Parts::DACL, &allowing(&entries)).unwrap();
        assert_eq!(mode(world, "file"), expected);
    }
}

pub(crate) fn what_was_read_can_be_set_again(world: &World) {
    std::fs::write(world.path("file"), b"").unwrap();
    let file = world.open("file", &every_right()).unwrap();
    for bits in [0o644, 0o600, 0o751, 0o077, 0o4755] {
        std::fs::set_permissions(world.path("file"), PermissionsExt::from_mode(bits)).unwrap();
        let (record, _) = query(&file, Parts::DACL, &caller(), 4096).unwrap();
        std::fs::set_permissions(world.path("file"), PermissionsExt::from_mode(bits & 0o7000)).unwrap();
        set(&file, Parts::DACL, &record).unwrap();
        assert_eq!(mode(world, "file"), bits, "{bits:o}");
    }
}

pub(crate) fn a_list_of_strangers_is_refused(world: &World) {
    let file = world
        .open("file", &Open::create().access(AccessMask::FILE_ALL_ACCESS))
        .unwrap();
    let before = mode(world, "file");
    let stranger = Sid::parse(&[1, 1, 0, 0, 0, 0, 0, 5, 11, 0, 0, 0]).unwrap();
    let answer = set(&file, Parts::DACL, &allowing(&[(0x001f_01ff, stranger)]));
    assert_eq!(answer, Err(Status::NOT_SUPPORTED));
    let answer = set(&file, Parts::OWNER, &allowing(&[]));
    assert_eq!(answer, Err(Status::INVALID_OWNER));
    assert_eq!(mode(world, "file"), before);
}

pub(crate) fn malformed_descriptors_are_refused(world: &World) {
    let file = world
        .open("file", &Open::create().access(AccessMask::FILE_ALL_ACCESS))
        .unwrap();
    let good = allowing(&[]);
    let mut beyond = good.clone();
    beyond[16] = 200;
    let mut longer = good.clone();
    longer[22] = 200;
    for (record, status) in [
        (&b""[..], Status::INVALID_SECURITY_DESCR),
        (&good[..19], Status::INVALID_SECURITY_DESCR),
        (&beyond, Status::INVALID_SECURITY_DESCR),
        (&longer, Status::INVALID_ACL),
    ] {
        assert_eq!(set(&file, Parts::DACL, record), Err(status));
    }
}

pub(crate) fn security_needs_its_rights(world: &World) {
    std::fs::write(world.path("file"), b"").unwrap();
    let attributes_only = Open::read().access(AccessMask::READ_ATTRIBUTES);
    let file = world.open("file", &attributes_only).unwrap();
    let asked = query(&file, Parts::DACL, &caller(), 4096);
    assert_eq!(asked.err(), Some(Status::ACCESS_DENIED), "READ_CONTROL");
    let file = world.open("file", &Open::write()).unwrap();
    for parts in [Parts::DACL, Parts::OWNER, Parts::GROUP] {
        let answer = set(&file, parts, &allowing(&[]));
        assert_eq!(answer, Err(Status::ACCESS_DENIED), "WRITE_DAC, WRITE_OWNER");
    }
    // An audit list, and what else is kept in one, takes the right that its kind wants; then it is refused all the same.
    let mut audits = allowing(&[(0x001f_01ff, me())]);
    audits[2] = 0x10;
    audits.copy_within(16..20, 12);
    let enough = AccessMask::FILE_ALL_ACCESS;
    for (part, right) in [
        (Parts::SACL, AccessMask::SYSTEM_SECURITY),
        (Parts::LABEL, AccessMask::WRITE_OWNER),
        (Parts::ATTRIBUTE, AccessMask::WRITE_DAC),
        (Parts::SCOPE, AccessMask::SYSTEM_SECURITY),
    ] {
        let all = enough | AccessMask::SYSTEM_SECURITY;
        for (access, status) in [(all - right, Status::ACCESS_DENIED), (all, Status::NOT_SUPPORTED)] {
            let file = world.open("file", &Open::read().access(access)).unwrap();
            assert_eq!(set(&file, part, &audits), Err(status), "{part:?} {access:?}");
        }
    }
    let asked = query(&file, Parts::SACL, &caller(), 4096);
    assert_eq!(asked.err(), Some(Status::ACCESS_DENIED), "ACCESS_SYSTEM_SECURITY");
}
