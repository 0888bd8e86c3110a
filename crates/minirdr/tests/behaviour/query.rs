//! IRP_MJ_QUERY_INFORMATION and IRP_MJ_QUERY_VOLUME_INFORMATION.

use std::os::unix::fs::MetadataExt;

use nt::{
    AccessMask, CreateDisposition, CreateOptions, FileInformationClass as Class, FsInformationClass, Status,
};

use crate::world::file::{File, u32_at, u64_at, utf16};
use crate::world::{Open, World};

/// Every class answered, with the size of its fixed part.
const CLASSES: [(Class, usize); 22] = [
    (Class::BASIC, 40),
    (Class::STANDARD, 24),
    (Class::INTERNAL, 8),
    (Class::EA, 4),
    (Class::ACCESS, 4),
    (Class::NAME, 4),
    (Class::POSITION, 8),
    (Class::MODE, 4),
    (Class::ALIGNMENT, 4),
    (Class::ALL, 100),
    (Class::NETWORK_OPEN, 56),
    (Class::ATTRIBUTE_TAG, 8),
    (Class::NORMALIZED_NAME, 4),
    (Class::STREAM, 24),
    (Class::COMPRESSION, 16),
    (Class::STANDARD_LINK, 12),
    (Class::ID, 24),
    (Class::IS_REMOTE_DEVICE, 1),
    (Class::REMOTE_PROTOCOL, 116),
    (Class::STAT, 72),
    (Class::STAT_LX, 96),
    (Class::STAT_BASIC, 104),
];

pub(crate) fn every_file_class(world: &World) {
    std::fs::write(world.path("file"), vec![7; 12_345]).unwrap();
    let file = world.open("file", &Open::write()).unwrap();
    let on_server = std::fs::metadata(world.path("file")).unwrap();
    let written = nt::FileTime::from_unix(on_server.mtime(), on_server.mtime_nsec() as u32);
    let basic = file.information(Class::BASIC).unwrap();
    assert_eq!(u64_at(&basic, 16), written.0 as u64);
    assert_eq!(u32_at(&basic, 32), 0x20, "FILE_ATTRIBUTE_ARCHIVE");
    let standard = file.information(Class::STANDARD).unwrap();
    assert_eq!(u64_at(&standard, 0), on_server.blocks() * 512, "AllocationSize");
    assert_eq!(u64_at(&standard, 8), 12_345, "EndOfFile");
    assert_eq!(u32_at(&standard, 16), 1, "NumberOfLinks");
    assert_eq!(standard[20..22], [0, 0], "DeletePending, Directory");
    assert_eq!(
        u64_at(&file.information(Class::INTERNAL).unwrap(), 0),
        on_server.ino()
    );
    assert_eq!(
        u32_at(&file.information(Class::ACCESS).unwrap(), 0),
        0x0012_019f,
        "generic rights are mapped"
    );
    assert_eq!(u64_at(&file.information(Class::POSITION).unwrap(), 0), 77);
    let name = file.information(Class::NAME).unwrap();
    let text = utf16(&name[4..]);
    assert_eq!(u32_at(&name, 0) as usize, name.len() - 4);
    assert_eq!(text, format!("{}\\file", world.unc()));
    let all = file.information(Class::ALL).unwrap();
    assert_eq!(all[..40], basic[..]);
    assert_eq!(all[40..64], standard[..]);
    assert_eq!(u64_at(&all, 64), on_server.ino());
    assert_eq!(u32_at(&all, 76), 0x0012_019f);
    assert_eq!(u64_at(&all, 80), 77);
    assert_eq!(u32_at(&all, 96) as usize, all.len() - 100);
    assert_eq!(utf16(&all[100..]), text);
    let network = file.information(Class::NETWORK_OPEN).unwrap();
    assert_eq!(network[..32], basic[..32]);
    assert_eq!(u64_at(&network, 40), 12_345);
    let folder = world.open("", &Open::directory()).unwrap();
    let standard = folder.information(Class::STANDARD).unwrap();
    assert_eq!((u64_at(&standard, 8), standard[21]), (0, 1));
    assert_eq!(u32_at(&folder.information(Class::BASIC).unwrap(), 32), 0x10);
    assert_eq!(
        file.query(Class::RENAME, 4096).err(),
        Some(Status::INVALID_INFO_CLASS)
    );
}

pub(crate) fn short_buffers(world: &World) {
    let file = world.open("file", &Open::create()).unwrap();
    for (class, fixed) in CLASSES {
        assert_eq!(
            file.query(class, fixed - 1).err(),
            Some(Status::INFO_LENGTH_MISMATCH),
            "{class:?}"
        );
        let (record, status) = file.query(class, fixed).unwrap();
        assert_eq!(record.len(), fixed, "{class:?}");
        let named = matches!(
            class,
            Class::NAME | Class::NORMALIZED_NAME | Class::ALL | Class::STREAM
        );
        assert_eq!(status == Status::BUFFER_OVERFLOW, named, "{class:?}");
    }
}

pub(crate) fn the_name_is_cut(world: &World) {
    let file = world.open("file", &Open::create()).unwrap();
    let whole = file.information(Class::NAME).unwrap();
    let (cut, status) = file.query(Class::NAME, whole.len() - 1).unwrap();
    assert_eq!(status, Status::BUFFER_OVERFLOW);
    assert_eq!(cut, whole[..whole.len() - 2]);
}

pub(crate) fn volume_classes(world: &World) {
    let folder = world.open("", &Open::directory()).unwrap();
    let (volume, _) = folder.volume(FsInformationClass::VOLUME, 4096).unwrap();
    let label = utf16(&volume[18..]);
    assert_eq!(u32_at(&volume, 12) as usize, volume.len() - 18);
    assert!(!label.is_empty());
    let (size, _) = folder.volume(FsInformationClass::SIZE, 4096).unwrap();
    assert_eq!(size.len(), 24);
    assert!(u64_at(&size, 0) >= u64_at(&size, 8) && u64_at(&size, 0) > 0);
    let (full, _) = folder.volume(FsInformationClass::FULL_SIZE, 4096).unwrap();
    assert_eq!(full.len(), 32);
    assert_eq!(u64_at(&full, 0), u64_at(&size, 0));
    assert_eq!(full[24..], size[16..]);
    let (device, _) = folder.volume(FsInformationClass::DEVICE, 8).unwrap();
    assert_eq!(u32_at(&device, 4) & 0x10, 0x10, "FILE_REMOTE_DEVICE");
    let (attribute, _) = folder.volume(FsInformationClass::ATTRIBUTE, 4096).unwrap();
    assert_eq!(u32_at(&attribute, 4), 255);
    assert_eq!(utf16(&attribute[12..]), "9P");
    for (class, fixed) in [
        (FsInformationClass::VOLUME, 18),
        (FsInformationClass::SIZE, 24),
        (FsInformationClass::FULL_SIZE, 32),
        (FsInformationClass::DEVICE, 8),
        (FsInformationClass::ATTRIBUTE, 12),
    ] {
        assert_eq!(
            folder.volume(class, fixed - 1).err(),
            Some(Status::INFO_LENGTH_MISMATCH)
        );
        let (whole, _) = folder.volume(class, 4096).unwrap();
        let is_named = whole.len() > fixed;
        let (cut, status) = folder.volume(class, fixed).unwrap();
        assert_eq!(cut.len(), fixed, "{class:?}");
        assert_eq!(status == Status::BUFFER_OVERFLOW, is_named, "{class:?}");
        if is_named {
            assert_eq!(cut, whole[..fixed], "with the name's whole length");
            let (cut, status) = folder.volume(class, fixed + 3).unwrap();
            assert_eq!(cut, whole[..fixed + 2], "a name is cut between its characters");
            assert_eq!(status, Status::BUFFER_OVERFLOW, "{class:?}");
        }
    }
    assert_eq!(
        folder.volume(FsInformationClass(99), 4096).err(),
        Some(Status::INVALID_INFO_CLASS)
    );
}

pub(crate) fn attributes_follow_the_server(world: &World) {
    std::fs::write(world.path("file"), b"1").unwrap();
    std::fs::hard_link(world.path("file"), world.path("other")).unwrap();
    let file = world.open("file", &Open::read()).unwrap();
    let standard = file.information(Class::STANDARD).unwrap();
    assert_eq!(u32_at(&standard, 16), 2, "NumberOfLinks");
    std::fs::write(world.path("other"), b"longer").unwrap();
    assert_eq!(file.size().unwrap(), 6);
}

/// What a handle has seen when it was opened is not what it tells once something has changed.
pub(crate) fn a_look_is_of_the_file_as_it_is(world: &World) {
    type Deed = fn(&World);
    fn all() -> Open {
        Open::read().access(AccessMask::FILE_ALL_ACCESS)
    }
    let deeds: [(&str, Deed); 6] = [
        ("written to", |world| {
            world.open("file", &all()).unwrap().write(5, b"6").unwrap();
        }),
        ("cut", |world| {
            world.open("file", &all()).unwrap().set_size(2).unwrap()
        }),
        ("emptied", |world| {
            let empty = all().disposition(CreateDisposition::OVERWRITE);
            drop(world.open("file", &empty).unwrap());
        }),
        ("linked", |world| {
            world
                .open("file", &all())
                .unwrap()
                .link("link", false, None)
                .unwrap();
        }),
        ("made read-only", |world| {
            let mut basic = [0; 40];
            basic[32] = 1;
            let file = world.open("file", &all()).unwrap();
            file.set(Class::BASIC, &basic).unwrap();
        }),
        ("one of two names less", |world| {
            let delete = Open::delete().options(CreateOptions::DELETE_ON_CLOSE);
            drop(world.open("other", &delete).unwrap());
        }),
    ];
    let look = Open::read().access(AccessMask::READ_ATTRIBUTES | AccessMask::SYNCHRONIZE);
    for (what, deed) in deeds {
        for name in ["file", "other", "link"] {
            let _ = std::fs::remove_file(world.path(name));
        }
        std::fs::write(world.path("file"), b"12345").unwrap();
        std::fs::hard_link(world.path("file"), world.path("other")).unwrap();
        let file = world.open("file", &look).unwrap();
        deed(world);
        let told = file.information(Class::STAT).unwrap();
        let now = world.open("file", &Open::read()).unwrap();
        let now = now.information(Class::STAT).unwrap();
        // All but the rights of the handle.
        assert_eq!(told[..68], now[..68], "{what}");
    }
}

pub(crate) fn a_pending_delete_counts_one_link_less(world: &World) {
    std::fs::write(world.path("file"), b"").unwrap();
    std::fs::hard_link(world.path("file"), world.path("other")).unwrap();
    let file = world.open("file", &Open::delete()).unwrap();
    file.set_delete(true).unwrap();
    let links = file.information(Class::STANDARD_LINK).unwrap();
    assert_eq!((u32_at(&links, 0), u32_at(&links, 4)), (1, 2));
    assert_eq!(links[8..10], [1, 0], "DeletePending, Directory");
    file.set_delete(false).unwrap();
}

pub(crate) fn files_have_no_short_name(world: &World) {
    let file = world
        .open("a file with a long name.text", &Open::create())
        .unwrap();
    let answer = file.query(Class::ALTERNATE_NAME, 4096);
    assert_eq!(answer.err(), Some(Status::OBJECT_NAME_NOT_FOUND));
}

pub(crate) fn a_file_has_one_stream_and_a_directory_none(world: &World) {
    std::fs::write(world.path("file"), b"12345").unwrap();
    let file = world.open("file", &Open::read()).unwrap();
    let streams = file.information(Class::STREAM).unwrap();
    assert_eq!(utf16(&streams[24..]), "::$DATA");
    assert_eq!(u64_at(&streams, 8), 5, "StreamSize");
    let folder = world.open("", &Open::directory()).unwrap();
    assert!(folder.information(Class::STREAM).unwrap().is_empty());
}

pub(crate) fn file_and_volume_agree_on_the_serial_number(world: &World) {
    let file = world.open("file", &Open::create()).unwrap();
    let id = file.information(Class::ID).unwrap();
    let (volume, _) = file.volume(FsInformationClass::VOLUME, 4096).unwrap();
    assert_eq!(u32_at(&volume, 8), u32_at(&id, 0), "the lower half");
    assert_eq!(id[8..16], file.information(Class::INTERNAL).unwrap()[..]);
    assert_eq!(id[16..], [0; 8]);
}

pub(crate) fn names_of_one_file_have_one_id(world: &World) {
    std::fs::write(world.path("file"), b"").unwrap();
    std::fs::hard_link(world.path("file"), world.path("other")).unwrap();
    std::fs::write(world.path("third"), b"").unwrap();
    let id = |name| {
        let file = world.open(name, &Open::read()).unwrap();
        file.information(Class::ID).unwrap()
    };
    assert_eq!(id("file"), id("other"));
    assert_ne!(id("file"), id("third"));
}

pub(crate) fn stat_carries_owner_and_mode(world: &World) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::write(world.path("file"), b"").unwrap();
    std::fs::set_permissions(world.path("file"), PermissionsExt::from_mode(0o4751)).unwrap();
    let on_server = std::fs::metadata(world.path("file")).unwrap();
    let file = world.open("file", &Open::read()).unwrap();
    let stat = file.information(Class::STAT_LX).unwrap();
    assert_eq!(u32_at(&stat, 72), 7, "LxFlags: owner, group and mode are there");
    assert_eq!(
        (u32_at(&stat, 76), u32_at(&stat, 80)),
        (on_server.uid(), on_server.gid())
    );
    assert_eq!(u32_at(&stat, 84), on_server.mode());
}

pub(crate) fn directories_are_not_case_sensitive(world: &World) {
    let folder = world.open("", &Open::directory()).unwrap();
    assert_eq!(folder.information(Class::CASE_SENSITIVE).unwrap(), [0; 4]);
    let set = folder.set(Class::CASE_SENSITIVE, &[1, 0, 0, 0]);
    assert_eq!(set, Err(Status::NOT_SUPPORTED));
    let file = world.open("file", &Open::create()).unwrap();
    let asked = file.query(Class::CASE_SENSITIVE, 4);
    assert_eq!(asked.err(), Some(Status::INVALID_PARAMETER));
}

pub(crate) fn the_mode_of_a_handle_can_be_set(world: &World) {
    let file = world.open("file", &Open::create()).unwrap();
    let before = u32_at(&file.information(Class::MODE).unwrap(), 0);
    assert_eq!(file.set(Class::MODE, &[6, 0, 0, 0]), Ok(()));
    assert_eq!(u32_at(&file.information(Class::MODE).unwrap(), 0), before | 6);
    let invalid = Err(Status::INVALID_PARAMETER);
    assert_eq!(file.set(Class::MODE, &[8, 0, 0, 0]), invalid);
    assert_eq!(file.set(Class::MODE, &[0; 4]), Ok(()));
    assert_eq!(u32_at(&file.information(Class::MODE).unwrap(), 0), before);
    // Whether a handle is synchronous at all is fixed when it is opened; whether alerts end its waits is not.
    let mode = |file: &File<'_>| u32_at(&file.information(Class::MODE).unwrap(), 0);
    assert_eq!(file.set(Class::MODE, &[0x20, 0, 0, 0]), invalid);
    let synchronous = Open::write().options(CreateOptions::SYNCHRONOUS_IO_NONALERT);
    let file = world.open("file", &synchronous).unwrap();
    assert_eq!(mode(&file), 0x20);
    assert_eq!(file.set(Class::MODE, &[4, 0, 0, 0]), invalid);
    assert_eq!(file.set(Class::MODE, &[0x30, 0, 0, 0]), invalid);
    assert_eq!(file.set(Class::MODE, &[0x14, 0, 0, 0]), Ok(()));
    assert_eq!(mode(&file), 0x14);
    // Without buffering there is nothing to write through.
    let unbuffered = Open::write().options(CreateOptions::NO_INTERMEDIATE_BUFFERING);
    let file = world.open("file", &unbuffered).unwrap();
    assert_eq!(file.set(Class::MODE, &[6, 0, 0, 0]), Ok(()));
    assert_eq!(mode(&file), 0xc);
    // And what is deleted on close does not say so here.
    let deleted = Open::delete().options(CreateOptions::DELETE_ON_CLOSE);
    assert_eq!(mode(&world.open("file", &deleted).unwrap()), 0);
}

pub(crate) fn short_records(world: &World) {
    let open = Open::create().access(AccessMask::FILE_ALL_ACCESS);
    let file = world.open("file", &open).unwrap();
    for (class, size) in [
        (Class::BASIC, 40),
        (Class::END_OF_FILE, 8),
        (Class::ALLOCATION, 8),
        (Class::VALID_DATA_LENGTH, 8),
        (Class::MODE, 4),
        (Class::DISPOSITION, 1),
        (Class::DISPOSITION_EX, 4),
        (Class::CASE_SENSITIVE, 4),
    ] {
        let short = file.set(class, &[0; 40][..size - 1]);
        assert_eq!(short, Err(Status::INFO_LENGTH_MISMATCH), "{class:?}");
        let expected = match class {
            Class::CASE_SENSITIVE => Err(Status::NOT_SUPPORTED),
            _ => Ok(()),
        };
        assert_eq!(file.set(class, &[0; 40][..size]), expected, "{class:?}");
    }
    assert_eq!(
        file.set(Class::STANDARD, &[0; 40]),
        Err(Status::INVALID_INFO_CLASS)
    );
}

pub(crate) fn volumes_say_what_they_can(world: &World) {
    let folder = world.open("", &Open::directory()).unwrap();
    let (attribute, _) = folder.volume(FsInformationClass::ATTRIBUTE, 4096).unwrap();
    let flags = u32_at(&attribute, 0);
    for (flag, name) in [
        (0x1, "FILE_CASE_SENSITIVE_SEARCH"),
        (0x2, "FILE_CASE_PRESERVED_NAMES"),
        (0x4, "FILE_UNICODE_ON_DISK"),
        (0x8, "FILE_PERSISTENT_ACLS"),
        (0x80, "FILE_SUPPORTS_REPARSE_POINTS"),
        (0x0040_0000, "FILE_SUPPORTS_HARD_LINKS"),
    ] {
        assert_ne!(flags & flag, 0, "{name}");
    }
    for (flag, name) in [
        (0x10, "FILE_FILE_COMPRESSION"),
        (0x20, "FILE_VOLUME_QUOTAS"),
        (0x0004_0000, "FILE_NAMED_STREAMS"),
    ] {
        assert_eq!(flags & flag, 0, "{name}");
    }
}

pub(crate) fn sectors_are_small_and_aligned(world: &World) {
    let folder = world.open("", &Open::directory()).unwrap();
    let (sectors, _) = folder.volume(FsInformationClass::SECTOR_SIZE, 4096).unwrap();
    assert_eq!(sectors.len(), 28);
    assert_eq!(u32_at(&sectors, 0), 512);
}

pub(crate) fn nothing_of_a_volume_can_be_set(world: &World) {
    let folder = world.open("", &Open::directory()).unwrap();
    for (class, len, status) in [
        (FsInformationClass::LABEL, 3, Status::INFO_LENGTH_MISMATCH),
        (FsInformationClass::LABEL, 10, Status::NOT_SUPPORTED),
        (FsInformationClass::CONTROL, 48, Status::NOT_SUPPORTED),
        (FsInformationClass::OBJECT_ID, 64, Status::NOT_SUPPORTED),
        (FsInformationClass::SIZE, 24, Status::INVALID_INFO_CLASS),
        (FsInformationClass(99), 24, Status::INVALID_INFO_CLASS),
    ] {
        let set = folder.file.set_volume(class, &[0; 64][..len]);
        assert_eq!(set, Err(status), "{class:?} of {len} bytes");
    }
}

pub(crate) fn valid_data_ends_within_the_file(world: &World) {
    let file = world.open("file", &Open::create()).unwrap();
    file.set_size(100).unwrap();
    let set = |length: u64| file.set(Class::VALID_DATA_LENGTH, &length.to_le_bytes());
    assert_eq!(set(100), Ok(()));
    assert_eq!(set(101), Err(Status::INVALID_PARAMETER));
    assert_eq!(set(u64::MAX), Err(Status::INVALID_PARAMETER));
}

pub(crate) fn attributes_need_the_right_to_set_them(world: &World) {
    std::fs::write(world.path("file"), b"").unwrap();
    let file = world.open("file", &Open::read()).unwrap();
    let mut basic = [0; 40];
    basic[32] = 1;
    assert_eq!(file.set(Class::BASIC, &basic), Err(Status::ACCESS_DENIED));
    let file = world.open("file", &Open::write()).unwrap();
    basic[32] = 0x10;
    assert_eq!(
        file.set(Class::BASIC, &basic),
        Err(Status::INVALID_PARAMETER),
        "a file is no directory"
    );
}

pub(crate) fn times_of_minus_one_and_minus_two_change_nothing(world: &World) {
    let file = world.open("file", &Open::create()).unwrap();
    let before = file.information(Class::BASIC).unwrap();
    for special in [-1_i64, -2, 0] {
        let mut basic = [0; 40];
        for at in [0, 8, 16, 24] {
            basic[at..at + 8].copy_from_slice(&special.to_le_bytes());
        }
        assert_eq!(file.set(Class::BASIC, &basic), Ok(()), "{special}");
    }
    assert_eq!(file.information(Class::BASIC).unwrap(), before);
    let mut basic = [0; 40];
    basic[0..8].copy_from_slice(&(-3_i64).to_le_bytes());
    assert_eq!(file.set(Class::BASIC, &basic), Err(Status::INVALID_PARAMETER));
}
