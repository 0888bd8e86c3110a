//! IRP_MJ_SET_INFORMATION and deletion.

use std::time::{Duration, SystemTime};

use nt::{CreateDisposition, CreateOptions, FileInformationClass, Status};

use crate::world::{Open, World};

pub(crate) fn renaming(world: &World) {
    let file = world.open("old", &Open::create()).unwrap();
    file.write(0, b"content").unwrap();
    let other = world.open("old", &Open::write()).unwrap();
    file.rename("new", false, None).unwrap();
    assert!(!world.path("old").exists());
    // Other handles go with it.
    assert_eq!(other.read(0, 9).unwrap(), b"content");
    other.set_size(3).unwrap();
    assert_eq!(other.size().unwrap(), 3);
    other.append(b"tent").unwrap();
    drop(other);
    assert_eq!(std::fs::read(world.path("new")).unwrap(), b"content");
    // The handle goes on as if nothing had happened, under the new name.
    assert_eq!(file.read(0, 9).unwrap(), b"content");
    assert_eq!(file.size().unwrap(), 7);
    let name = file.information(FileInformationClass::NAME).unwrap();
    assert!(crate::world::file::utf16(&name[4..]).ends_with("\\new"));
    let again = world.open("new", &Open::read()).unwrap();
    assert_eq!(again.read(0, 9).unwrap(), b"content");
    assert_eq!(
        world.open("old", &Open::read()).err(),
        Some(Status::OBJECT_NAME_NOT_FOUND)
    );
    // Into another directory.
    std::fs::create_dir(world.path("folder")).unwrap();
    let target = Open::read().target_directory();
    let folder = world.open("folder\\moved", &target).unwrap();
    drop(again);
    file.rename("moved", false, Some(&folder)).unwrap();
    assert_eq!(std::fs::read(world.path("folder/moved")).unwrap(), b"content");
    assert_eq!(file.read(0, 9).unwrap(), b"content");
    // And deleted under its last name.
    file.set_delete(true).unwrap();
    drop(file);
    assert!(!world.path("folder/moved").exists());
}

pub(crate) fn renaming_onto_another_file(world: &World) {
    let file = world.open("one", &Open::create()).unwrap();
    file.write(0, b"1").unwrap();
    std::fs::write(world.path("two"), b"2").unwrap();
    assert_eq!(
        file.rename("two", false, None),
        Err(Status::OBJECT_NAME_COLLISION)
    );
    assert_eq!(std::fs::read(world.path("two")).unwrap(), b"2");
    let open = world.open("two", &Open::read()).unwrap();
    assert_eq!(
        file.rename("two", true, None),
        Err(Status::ACCESS_DENIED),
        "an open file is not replaced"
    );
    drop(open);
    file.rename("two", true, None).unwrap();
    assert_eq!(std::fs::read(world.path("two")).unwrap(), b"1");
    assert!(!world.path("one").exists());
    // To its own name: nothing happens.
    file.rename("two", false, None).unwrap();
    assert_eq!(std::fs::read(world.path("two")).unwrap(), b"1");
    std::fs::create_dir(world.path("folder")).unwrap();
    assert_eq!(file.rename("folder", true, None), Err(Status::ACCESS_DENIED));
    assert_eq!(file.rename("a\\b", true, None), Err(Status::INVALID_PARAMETER));
    for bad in ["..", ".", "a*b"] {
        assert!(file.rename(bad, true, None).is_err(), "{bad:?}");
    }
    let reader = world.open("two", &Open::read()).unwrap();
    assert_eq!(reader.rename("three", true, None), Err(Status::ACCESS_DENIED));
}

pub(crate) fn renaming_directories(world: &World) {
    std::fs::create_dir_all(world.path("folder/sub")).unwrap();
    std::fs::write(world.path("folder/sub/file"), b"kept").unwrap();
    let folder = world.open("folder", &Open::delete()).unwrap();
    let inside = world.open("folder\\sub\\file", &Open::read()).unwrap();
    assert_eq!(
        folder.rename("moved", false, None),
        Err(Status::ACCESS_DENIED),
        "something below is open"
    );
    drop(inside);
    folder.rename("moved", false, None).unwrap();
    let inside = world.open("moved\\sub\\file", &Open::read()).unwrap();
    assert_eq!(inside.read(0, 9).unwrap(), b"kept");
    std::fs::create_dir(world.path("empty")).unwrap();
    drop(inside);
    assert_eq!(
        folder.rename("empty", true, None),
        Err(Status::ACCESS_DENIED),
        "a directory is not replaced"
    );
}

pub(crate) fn delete_on_close(world: &World) {
    let open = Open::create().options(CreateOptions::DELETE_ON_CLOSE);
    let file = world.open("brief", &open).unwrap();
    file.write(0, b"x").unwrap();
    assert!(world.path("brief").exists());
    assert_eq!(file.read(0, 1).unwrap(), b"x");
    // A second handle keeps it.
    let second = world.open("brief", &Open::read()).unwrap();
    drop(file);
    assert!(world.path("brief").exists(), "another handle is open");
    assert_eq!(
        world.open("brief", &Open::read()).err(),
        Some(Status::DELETE_PENDING)
    );
    assert_eq!(second.read(0, 1).unwrap(), b"x");
    drop(second);
    assert!(!world.path("brief").exists());
    let without_right = Open::read().options(CreateOptions::DELETE_ON_CLOSE);
    std::fs::write(world.path("kept"), b"").unwrap();
    assert!(world.open("kept", &without_right).is_err(), "DELETE is needed");
    assert!(world.path("kept").exists());
}

pub(crate) fn delete_pending(world: &World) {
    let file = world.open("doomed", &Open::create()).unwrap();
    file.write(0, b"x").unwrap();
    file.set_delete(true).unwrap();
    assert_eq!(
        world.open("doomed", &Open::read()).err(),
        Some(Status::DELETE_PENDING)
    );
    let standard = file.information(FileInformationClass::STANDARD).unwrap();
    assert_eq!(standard[20], 1, "DeletePending");
    file.set_delete(false).unwrap();
    drop(world.open("doomed", &Open::read()).unwrap());
    file.set(FileInformationClass::DISPOSITION_EX, &1_u32.to_le_bytes())
        .unwrap();
    file.cleanup();
    assert!(!world.path("doomed").exists(), "cleanup deletes, not close");
    // The name is free while the old handle is not closed yet.
    let new = world.open("doomed", &Open::create()).unwrap();
    new.write(0, b"new").unwrap();
    drop(file);
    assert_eq!(std::fs::read(world.path("doomed")).unwrap(), b"new");
    assert_eq!(
        world.open("doomed", &Open::read()).unwrap().set_delete(true),
        Err(Status::ACCESS_DENIED)
    );
}

pub(crate) fn directories_come_and_go(world: &World) {
    let make = Open::create().options(CreateOptions::DIRECTORY_FILE);
    let folder = world.open("folder", &make).unwrap();
    assert!(folder.file.is_directory());
    assert!(world.path("folder").is_dir());
    assert_eq!(
        world.open("folder", &make).err(),
        Some(Status::OBJECT_NAME_COLLISION)
    );
    drop(world.open("folder\\file", &Open::create()).unwrap());
    assert_eq!(folder.set_delete(true), Err(Status::DIRECTORY_NOT_EMPTY));
    drop(
        world
            .open(
                "folder\\file",
                &Open::delete().options(CreateOptions::DELETE_ON_CLOSE),
            )
            .unwrap(),
    );
    folder.set_delete(true).unwrap();
    drop(folder);
    assert!(!world.path("folder").exists());
    // One that fills up after it was marked stays, and can be opened again.
    let folder = world.open("folder", &make).unwrap();
    folder.set_delete(true).unwrap();
    std::fs::write(world.path("folder/late"), b"").unwrap();
    drop(folder);
    assert!(world.path("folder/late").exists());
    drop(world.open("folder", &Open::directory()).unwrap());
    // The root of the share cannot go.
    let root = world
        .open("", &Open::directory().access(Open::delete().access))
        .unwrap();
    assert_eq!(root.set_delete(true), Err(Status::CANNOT_DELETE));
    drop(root);
    assert!(world.path("").is_dir());
}

pub(crate) fn another_file_of_the_same_name_is_not_deleted(world: &World) {
    let file = world.open("name", &Open::create()).unwrap();
    file.write(0, b"ours").unwrap();
    file.set_delete(true).unwrap();
    // Somebody on the server puts another file in its place.
    std::fs::rename(world.path("name"), world.path("elsewhere")).unwrap();
    std::fs::write(world.path("name"), b"theirs").unwrap();
    drop(file);
    assert_eq!(std::fs::read(world.path("name")).unwrap(), b"theirs");
    assert_eq!(std::fs::read(world.path("elsewhere")).unwrap(), b"ours");
}

pub(crate) fn end_of_file(world: &World) {
    let file = world.open("sized", &Open::create()).unwrap();
    file.write(0, b"0123456789").unwrap();
    file.set_size(4).unwrap();
    assert_eq!(file.read(0, 100).unwrap(), b"0123");
    file.set_size(6).unwrap();
    assert_eq!(file.read(0, 100).unwrap(), b"0123\0\0");
    file.set_size(6 << 30).unwrap();
    assert_eq!(file.size().unwrap(), 6 << 30);
    let allocation = FileInformationClass::ALLOCATION;
    file.set(allocation, &(7_u64 << 30).to_le_bytes()).unwrap();
    assert_eq!(file.size().unwrap(), 6 << 30, "more space is no more file");
    file.set(allocation, &2_u64.to_le_bytes()).unwrap();
    assert_eq!(file.read(0, 100).unwrap(), b"01");
    assert_eq!(
        file.set(FileInformationClass::END_OF_FILE, &(-1_i64).to_le_bytes()),
        Err(Status::INVALID_PARAMETER)
    );
    assert_eq!(
        file.set(FileInformationClass::END_OF_FILE, &[0; 7]),
        Err(Status::INFO_LENGTH_MISMATCH)
    );
    assert_eq!(
        file.set(FileInformationClass::NAMES, &[0; 64]),
        Err(Status::INVALID_INFO_CLASS)
    );
    let folder = world.open("", &Open::directory()).unwrap();
    assert_eq!(folder.set_size(0), Err(Status::INVALID_PARAMETER));
}

/// FILE_BASIC_INFORMATION.
fn basic(access: i64, write: i64, attributes: u32) -> Vec<u8> {
    let mut record = Vec::new();
    for time in [0, access, write, 0] {
        record.extend(time.to_le_bytes());
    }
    record.extend(attributes.to_le_bytes());
    record.extend([0; 4]);
    record
}

pub(crate) fn times(world: &World) {
    let file = world.open("dated", &Open::create()).unwrap();
    let when = SystemTime::UNIX_EPOCH + Duration::new(1_234_567_890, 123_456_700);
    let ticks = nt::FileTime::from_unix(1_234_567_890, 123_456_700).0;
    file.set(FileInformationClass::BASIC, &basic(0, ticks, 0))
        .unwrap();
    let on_server = std::fs::metadata(world.path("dated")).unwrap();
    assert_eq!(on_server.modified().unwrap(), when);
    let record = file.information(FileInformationClass::BASIC).unwrap();
    assert_eq!(record[16..24], ticks.to_le_bytes(), "LastWriteTime");
    // 0, -1 and -2 leave a time as it is.
    file.set(FileInformationClass::BASIC, &basic(ticks + 10_000_000, 0, 0))
        .unwrap();
    file.set(FileInformationClass::BASIC, &basic(-1, -2, 0)).unwrap();
    let on_server = std::fs::metadata(world.path("dated")).unwrap();
    assert_eq!(on_server.modified().unwrap(), when);
    assert_eq!(on_server.accessed().unwrap(), when + Duration::from_secs(1));
    assert_eq!(
        file.set(FileInformationClass::BASIC, &basic(-3, 0, 0)),
        Err(Status::INVALID_PARAMETER)
    );
}

pub(crate) fn read_only(world: &World) {
    let file = world.open("fixed", &Open::create()).unwrap();
    let mode = || std::fs::metadata(world.path("fixed")).unwrap().permissions();
    file.set(FileInformationClass::BASIC, &basic(0, 0, 1)).unwrap();
    assert!(mode().readonly());
    let record = file.information(FileInformationClass::BASIC).unwrap();
    assert_eq!(
        record[32],
        0x20 | 1,
        "FILE_ATTRIBUTE_ARCHIVE | FILE_ATTRIBUTE_READONLY"
    );
    assert_eq!(file.set_delete(true), Err(Status::CANNOT_DELETE));
    file.set(FileInformationClass::BASIC, &basic(0, 0, 0x80)).unwrap();
    assert!(!mode().readonly());
    file.set_delete(true).unwrap();
    drop(file);
    // A replaced file must not be read-only either.
    let file = world.open("one", &Open::create()).unwrap();
    let fixed = Open::create()
        .disposition(CreateDisposition::CREATE)
        .attributes(nt::FileAttributes::READONLY);
    drop(world.open("fixed", &fixed).unwrap());
    assert_eq!(file.rename("fixed", true, None), Err(Status::ACCESS_DENIED));
}

pub(crate) fn another_file_takes_the_old_name_of_an_open_one(world: &World) {
    std::fs::write(world.path("first"), b"first").unwrap();
    std::fs::write(world.path("second"), b"the second").unwrap();
    let open = world.open("first", &Open::write()).unwrap();
    let rename = |from: &str, to: &str| {
        let file = world.open(from, &Open::delete()).unwrap();
        file.rename(to, false, None).unwrap();
    };
    rename("first", "elsewhere");
    rename("second", "first");
    assert_eq!(open.size().unwrap(), 5, "a handle is to a file, not to a name");
    open.append(b"!").unwrap();
    open.set_size(3).unwrap();
    assert_eq!(open.read(0, 99).unwrap(), b"fir");
    assert_eq!(std::fs::read(world.path("elsewhere")).unwrap(), b"fir");
    assert_eq!(std::fs::read(world.path("first")).unwrap(), b"the second");
}

pub(crate) fn allocation_needs_the_right_to_write(world: &World) {
    std::fs::write(world.path("file"), b"12345").unwrap();
    let allocate = |open: &Open, size: u64| {
        let file = world.open("file", open).unwrap();
        file.set(FileInformationClass::ALLOCATION, &size.to_le_bytes())
    };
    assert_eq!(allocate(&Open::read(), 100), Err(Status::ACCESS_DENIED));
    assert_eq!(allocate(&Open::read(), 1), Err(Status::ACCESS_DENIED));
    assert_eq!(allocate(&Open::write(), 100), Ok(()));
    assert_eq!(std::fs::read(world.path("file")).unwrap(), b"12345");
    assert_eq!(allocate(&Open::write(), 2), Ok(()));
    assert_eq!(std::fs::read(world.path("file")).unwrap(), b"12");
}
