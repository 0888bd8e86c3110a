//! IRP_MJ_QUERY_INFORMATION and IRP_MJ_QUERY_VOLUME_INFORMATION.

use std::os::unix::fs::MetadataExt;

use nt::{FileInformationClass as Class, FsInformationClass, Status};

use crate::world::file::{u32_at, u64_at, utf16};
use crate::world::{Open, World};

/// Every class answered, with the size of its fixed part.
const CLASSES: [(Class, usize); 12] = [
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
];

pub(crate) fn every_file_class(world: &World) {
    std::fs::write(world.path("file"), vec![7; 12_345]).unwrap();
    let file = world.open("file", &Open::write()).unwrap();
    let on_server = std::fs::metadata(world.path("file")).unwrap();
    let written = nt::FileTime::from_unix(on_server.mtime(), on_server.mtime_nsec() as u32);
    let basic = file.information(Class::BASIC).unwrap();
    assert_eq!(u64_at(&basic, 16), written.0 as u64);
    assert_eq!(u32_at(&basic, 32), 0x80, "FILE_ATTRIBUTE_NORMAL");
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
        let named = matches!(class, Class::NAME | Class::ALL);
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
        assert_eq!(folder.volume(class, fixed).unwrap().0.len(), fixed);
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
