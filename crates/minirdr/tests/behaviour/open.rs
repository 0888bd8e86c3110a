//! IRP_MJ_CREATE, rule by rule.

use std::os::unix::fs::{MetadataExt, PermissionsExt};

use minirdr::DirectoryQuery;
use nt::{
    AccessMask, CreateAction, CreateDisposition, CreateOptions, FileAttributes, FileInformationClass,
    ShareAccess, Status,
};

use crate::world::{Open, World, name};

/// What an open finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum There {
    Nothing,
    File,
    ReadOnly,
    Directory,
    Link,
}

const DISPOSITIONS: [CreateDisposition; 6] = [
    CreateDisposition::SUPERSEDE,
    CreateDisposition::OPEN,
    CreateDisposition::CREATE,
    CreateDisposition::OPEN_IF,
    CreateDisposition::OVERWRITE,
    CreateDisposition::OVERWRITE_IF,
];

impl There {
    fn make(self, world: &World, name: &str) {
        let path = world.path(name);
        match self {
            Self::Nothing => {}
            Self::File => std::fs::write(path, b"old").unwrap(),
            Self::ReadOnly => {
                std::fs::write(&path, b"old").unwrap();
                std::fs::set_permissions(path, PermissionsExt::from_mode(0o444)).unwrap();
            }
            Self::Directory => std::fs::create_dir(path).unwrap(),
            Self::Link => {
                std::fs::write(world.path("behind"), b"old").unwrap();
                std::os::unix::fs::symlink("behind", path).unwrap();
            }
        }
    }
}

/// What NT says of an open to read and write, by its disposition, whether it wants a directory, must not have one or takes
/// either, and what is there.
fn expected(
    disposition: CreateDisposition,
    wants: Option<bool>,
    there: There,
) -> Result<CreateAction, Status> {
    use CreateDisposition as D;
    if wants == Some(true) && disposition.truncates() {
        return Err(Status::INVALID_PARAMETER);
    }
    match there {
        There::Nothing if disposition.may_create() => return Ok(CreateAction::CREATED),
        There::Nothing => return Err(Status::OBJECT_NAME_NOT_FOUND),
        _ if disposition == D::CREATE => return Err(Status::OBJECT_NAME_COLLISION),
        There::Directory if wants == Some(false) => return Err(Status::FILE_IS_A_DIRECTORY),
        There::Directory if disposition.truncates() => return Err(Status::OBJECT_NAME_COLLISION),
        There::File | There::ReadOnly | There::Link if wants == Some(true) => {
            return Err(Status::NOT_A_DIRECTORY);
        }
        There::ReadOnly => return Err(Status::ACCESS_DENIED),
        There::File | There::Directory | There::Link => {}
    }
    Ok(match disposition {
        D::SUPERSEDE => CreateAction::SUPERSEDED,
        D::OVERWRITE | D::OVERWRITE_IF => CreateAction::OVERWRITTEN,
        _ => CreateAction::OPENED,
    })
}

pub(crate) fn every_disposition_of_every_kind_of_file(world: &World) {
    let kinds = [
        There::Nothing,
        There::File,
        There::ReadOnly,
        There::Directory,
        There::Link,
    ];
    for (number, there) in kinds.into_iter().enumerate() {
        for (index, disposition) in DISPOSITIONS.into_iter().enumerate() {
            for wants in [None, Some(false), Some(true)] {
                let options = match wants {
                    None => CreateOptions::empty(),
                    Some(false) => CreateOptions::NON_DIRECTORY_FILE,
                    Some(true) => CreateOptions::DIRECTORY_FILE,
                };
                let name = format!("{number}-{index}-{wants:?}");
                there.make(world, &name);
                let open = Open::write().disposition(disposition).options(options);
                let opened = world.open(&name, &open);
                let action = opened.as_ref().map(|file| file.action).map_err(|status| *status);
                let what = format!("{disposition:?} of {there:?}, directory: {wants:?}");
                assert_eq!(action, expected(disposition, wants, there), "{what}");
                let Ok(file) = opened else {
                    // What was refused is as it was.
                    match there {
                        There::File | There::ReadOnly => {
                            assert_eq!(std::fs::read(world.path(&name)).unwrap(), b"old", "{what}");
                        }
                        There::Nothing => assert!(!world.path(&name).exists(), "{what}"),
                        There::Directory | There::Link => {}
                    }
                    continue;
                };
                assert_eq!(file.file.is_directory(), world.path(&name).is_dir(), "{what}");
                if !file.file.is_directory() {
                    let kept = file.action == CreateAction::OPENED;
                    let content = std::fs::read(world.path(&name)).unwrap();
                    assert_eq!(content, if kept { &b"old"[..] } else { b"" }, "{what}");
                    file.write(0, b"new").unwrap();
                }
            }
        }
    }
}

pub(crate) fn options_that_contradict_each_other(world: &World) {
    std::fs::write(world.path("file"), b"").unwrap();
    let refused = |open: Open| world.open("file", &open).err();
    let invalid = Some(Status::INVALID_PARAMETER);
    let alertable = CreateOptions::SYNCHRONOUS_IO_ALERT;
    let synchronous = CreateOptions::SYNCHRONOUS_IO_NONALERT;
    assert_eq!(refused(Open::read().options(alertable | synchronous)), invalid);
    let without = AccessMask::READ_DATA;
    assert_eq!(
        refused(Open::read().access(without).options(synchronous)),
        invalid
    );
    assert_eq!(refused(Open::read().options(synchronous)), None);
    // To delete on close is to delete.
    assert_eq!(
        refused(Open::read().options(CreateOptions::DELETE_ON_CLOSE)),
        invalid
    );
    for past in [6, 7, 0xff] {
        assert_eq!(
            refused(Open::read().disposition(CreateDisposition(past))),
            invalid
        );
    }
    // No right at all, and bits that are none.
    for access in [0, 0x0200, 0x0400_0000, 0x0020_0080] {
        let access = AccessMask::from_bits_retain(access);
        assert_eq!(refused(Open::read().access(access)), Some(Status::ACCESS_DENIED));
    }
    let gone_at_once = Open::create()
        .attributes(FileAttributes::READONLY)
        .options(CreateOptions::DELETE_ON_CLOSE);
    assert_eq!(
        world.open("new", &gone_at_once).err(),
        Some(Status::CANNOT_DELETE)
    );
    assert!(!world.path("new").exists());
    let short_lived = Open::directory()
        .disposition(CreateDisposition::CREATE)
        .attributes(FileAttributes::TEMPORARY);
    assert_eq!(world.open("folder", &short_lived).err(), invalid);
    assert!(!world.path("folder").exists());
    for harmless in [
        CreateOptions::WRITE_THROUGH,
        CreateOptions::SEQUENTIAL_ONLY,
        CreateOptions::RANDOM_ACCESS,
        CreateOptions::NO_INTERMEDIATE_BUFFERING,
        CreateOptions::OPEN_FOR_BACKUP_INTENT,
        CreateOptions::NO_EA_KNOWLEDGE,
        CreateOptions::COMPLETE_IF_OPLOCKED,
        CreateOptions::NO_COMPRESSION,
    ] {
        assert_eq!(refused(Open::write().options(harmless)), None, "{harmless:?}");
    }
}

/// Who makes a file hears that there is one, whoever has it open and however.
pub(crate) fn what_is_there_is_not_made(world: &World) {
    std::fs::write(world.path("file"), b"").unwrap();
    std::fs::create_dir(world.path("folder")).unwrap();
    let alone = ShareAccess::empty();
    let _file = world.open("file", &Open::write().share(alone)).unwrap();
    let _folder = world.open("folder", &Open::directory().share(alone)).unwrap();
    for name in ["file", "folder"] {
        for options in [
            CreateOptions::empty(),
            CreateOptions::DIRECTORY_FILE,
            CreateOptions::NON_DIRECTORY_FILE,
        ] {
            let make = Open::write()
                .disposition(CreateDisposition::CREATE)
                .options(options);
            let made = world.open(name, &make).err();
            assert_eq!(made, Some(Status::OBJECT_NAME_COLLISION), "{name} {options:?}");
        }
        let or_open = Open::write().disposition(CreateDisposition::OPEN_IF);
        let opened = world.open(name, &or_open).err();
        assert_eq!(opened, Some(Status::SHARING_VIOLATION), "{name}");
    }
}

pub(crate) fn what_cannot_be_opened_keeps_its_data(world: &World) {
    std::fs::write(world.path("file"), b"kept").unwrap();
    let reader = world
        .open("file", &Open::read().share(ShareAccess::READ))
        .unwrap();
    for disposition in DISPOSITIONS {
        let open = Open::write().disposition(disposition);
        assert!(world.open("file", &open).is_err(), "{disposition:?}");
    }
    assert_eq!(reader.read(0, 9).unwrap(), b"kept");
}

pub(crate) fn overwriting_wants_to_be_tolerated(world: &World) {
    std::fs::write(world.path("file"), b"old").unwrap();
    // A handle that does not write itself still needs others to tolerate writing, or deletion.
    let overwrite = Open::read()
        .access(AccessMask::READ_ATTRIBUTES | AccessMask::READ_DATA)
        .disposition(CreateDisposition::OVERWRITE);
    let supersede = overwrite.disposition(CreateDisposition::SUPERSEDE);
    for (share, overwritten, superseded) in [
        (ShareAccess::READ, false, false),
        (ShareAccess::READ | ShareAccess::WRITE, true, false),
        (ShareAccess::READ | ShareAccess::DELETE, false, true),
    ] {
        for (open, tolerated) in [(overwrite, overwritten), (supersede, superseded)] {
            std::fs::write(world.path("file"), b"old").unwrap();
            let other = world.open("file", &Open::read().share(share)).unwrap();
            let opened = world.open("file", &open);
            let status = opened.as_ref().err().copied();
            let expected = (!tolerated).then_some(Status::SHARING_VIOLATION);
            assert_eq!(status, expected, "{share:?} {:?}", open.disposition);
            // The right was wanted for that moment only.
            if opened.is_ok() {
                let strict = Open::read().share(ShareAccess::READ);
                drop(world.open("file", &strict).unwrap());
            }
            drop((opened, other));
        }
    }
}

/// The data go whatever the handle is for, and only if it comes to be.
pub(crate) fn overwriting_by_one_who_does_not_write(world: &World) {
    use CreateDisposition as D;
    for access in [
        AccessMask::GENERIC_READ,
        AccessMask::READ_ATTRIBUTES,
        AccessMask::DELETE,
        AccessMask::GENERIC_EXECUTE,
        AccessMask::APPEND_DATA,
    ] {
        for disposition in [D::OVERWRITE, D::OVERWRITE_IF, D::SUPERSEDE] {
            for attributes in [FileAttributes::NORMAL, FileAttributes::READONLY] {
                let path = world.path("file");
                let _ = std::fs::remove_file(&path);
                std::fs::write(&path, b"old").unwrap();
                let open = Open::with(access, disposition).attributes(attributes);
                let file = world.open("file", &open).unwrap();
                let what = format!("{access:?} {disposition:?} {attributes:?}");
                assert_eq!(std::fs::read(&path).unwrap(), b"", "{what}");
                assert_eq!(file.size(), Ok(0), "{what}");
                let shown = (attributes - FileAttributes::NORMAL) | FileAttributes::ARCHIVE;
                assert_eq!(file.attributes(), shown, "{what}");
                drop(file);
            }
        }
    }
    // A look at a file behind a link empties that, and not the link.
    std::fs::write(world.path("behind"), b"old").unwrap();
    std::os::unix::fs::symlink("behind", world.path("link")).unwrap();
    let open = Open::with(AccessMask::READ_ATTRIBUTES, D::OVERWRITE);
    drop(world.open("link", &open).unwrap());
    assert_eq!(std::fs::read(world.path("behind")).unwrap(), b"");
    assert!(world.path("link").is_symlink());
}

pub(crate) fn overwriting_sets_read_only(world: &World) {
    for disposition in [CreateDisposition::OVERWRITE, CreateDisposition::SUPERSEDE] {
        let path = world.path("file");
        let _ = std::fs::remove_file(&path);
        std::fs::write(&path, b"old").unwrap();
        let open = Open::write()
            .disposition(disposition)
            .attributes(FileAttributes::READONLY);
        let file = world.open("file", &open).unwrap();
        file.write(0, b"the handle that made it so may write").unwrap();
        drop(file);
        assert!(std::fs::metadata(&path).unwrap().permissions().readonly());
        assert_eq!(
            world.open("file", &Open::write()).err(),
            Some(Status::ACCESS_DENIED)
        );
    }
}

pub(crate) fn a_hidden_name_can_be_overwritten(world: &World) {
    // NT refuses to overwrite a file that somebody has hidden; a dot is a name and not a wish.
    std::fs::write(world.path(".profile"), b"old").unwrap();
    let open = Open::write().disposition(CreateDisposition::OVERWRITE_IF);
    let file = world.open(".profile", &open).unwrap();
    assert_eq!(file.action, CreateAction::OVERWRITTEN);
    assert!(file.attributes().contains(FileAttributes::HIDDEN));
}

pub(crate) fn permissions_of_what_is_made(world: &World) {
    let mode = |name: &str| std::fs::metadata(world.path(name)).unwrap().mode() & 0o777;
    drop(world.open("file", &Open::create()).unwrap());
    assert_eq!(mode("file"), 0o644);
    drop(
        world
            .open("fixed", &Open::create().attributes(FileAttributes::READONLY))
            .unwrap(),
    );
    assert_eq!(mode("fixed"), 0o444);
    let directory = Open::directory().disposition(CreateDisposition::CREATE);
    drop(world.open("folder", &directory).unwrap());
    assert_eq!(mode("folder"), 0o755);
    // READONLY of a directory means something else to NT, and would shut everybody out here.
    drop(
        world
            .open("other", &directory.attributes(FileAttributes::READONLY))
            .unwrap(),
    );
    assert_eq!(mode("other"), 0o755);
}

/// Maps X: as a user who owns nothing there, with a file for each mode.
fn as_a_stranger(world: &World, modes: &[u32]) {
    std::fs::set_permissions(world.path(""), PermissionsExt::from_mode(0o755)).unwrap();
    for mode in modes {
        let path = world.path(&format!("{mode:03o}"));
        std::fs::write(&path, b"data").unwrap();
        std::fs::set_permissions(path, PermissionsExt::from_mode(*mode)).unwrap();
    }
    world.unmap("X:").unwrap();
    // A user whom every Unix knows.
    world.map_name(&world.full("X:", ""), "1").unwrap();
}

pub(crate) fn the_mode_decides_over_access(world: &World) {
    as_a_stranger(world, &[0o644, 0o600, 0o606, 0o602]);
    let denied = Some(Status::ACCESS_DENIED);
    for (name, reads, writes) in [
        ("644", true, false),
        ("600", false, false),
        ("606", true, true),
        ("602", false, true),
    ] {
        let read = world.open(name, &Open::read()).err();
        assert_eq!(read, denied.filter(|_| !reads), "{name}");
        let write = Open::read().access(AccessMask::WRITE_DATA);
        assert_eq!(
            world.open(name, &write).err(),
            denied.filter(|_| !writes),
            "{name}"
        );
        // Anybody may look.
        let look = Open::read().access(AccessMask::READ_ATTRIBUTES);
        assert_eq!(world.open(name, &look).unwrap().size().unwrap(), 4, "{name}");
    }
}

pub(crate) fn all_that_is_allowed(world: &World) {
    as_a_stranger(world, &[0o644, 0o600, 0o606, 0o444]);
    let maximum = Open::read().access(AccessMask::MAXIMUM_ALLOWED);
    for (name, reads, writes) in [
        ("644", true, false),
        ("600", false, false),
        ("606", true, true),
        ("444", true, false),
    ] {
        let file = world.open(name, &maximum).unwrap();
        let granted = file.granted_access();
        assert!(!granted.contains(AccessMask::MAXIMUM_ALLOWED));
        assert!(granted.contains(AccessMask::READ_ATTRIBUTES | AccessMask::SYNCHRONIZE));
        assert_eq!(granted.contains(AccessMask::READ_DATA), reads, "{name}");
        assert_eq!(granted.contains(AccessMask::WRITE_DATA), writes, "{name}");
        assert_eq!(file.read(0, 9).is_ok(), reads, "{name}");
        assert_eq!(file.write(0, b"data").is_ok(), writes, "{name}");
    }
    // What is asked for beside it is not given up.
    let more = Open::read().access(AccessMask::MAXIMUM_ALLOWED | AccessMask::WRITE_DATA);
    assert_eq!(world.open("644", &more).err(), Some(Status::ACCESS_DENIED));
}

pub(crate) fn all_that_is_allowed_is_claimed(world: &World) {
    std::fs::write(world.path("file"), b"").unwrap();
    let maximum = Open::read().access(AccessMask::MAXIMUM_ALLOWED);
    let file = world.open("file", &maximum).unwrap();
    assert!(file.granted_access().contains(AccessMask::WRITE_DATA));
    let no_writers = Open::read().share(ShareAccess::READ | ShareAccess::DELETE);
    assert_eq!(
        world.open("file", &no_writers).err(),
        Some(Status::SHARING_VIOLATION)
    );
    drop(file);
    let _strict = world.open("file", &no_writers).unwrap();
    assert_eq!(
        world.open("file", &maximum).err(),
        Some(Status::SHARING_VIOLATION)
    );
    // What is made by the way is its maker's.
    let made = world
        .open("made", &maximum.disposition(CreateDisposition::CREATE))
        .unwrap();
    assert!(made.granted_access().contains(AccessMask::FILE_ALL_ACCESS));
}

pub(crate) fn opening_by_an_id_from_a_listing(world: &World) {
    std::fs::create_dir(world.path("folder")).unwrap();
    std::fs::write(world.path("folder/file"), b"by id").unwrap();
    let folder = world.open("folder", &Open::directory()).unwrap();
    let pattern = name("f*");
    let query = DirectoryQuery {
        class: FileInformationClass::ID_BOTH_DIRECTORY,
        pattern: Some(pattern.as_name()),
        restart: true,
        single: false,
    };
    let (list, _) = folder.query_directory(&query, 4096).unwrap();
    let units: Vec<u16> = list[96..104]
        .chunks_exact(2)
        .map(|unit| u16::from_le_bytes([unit[0], unit[1]]))
        .collect();
    let open = Open::read().options(CreateOptions::OPEN_BY_FILE_ID);
    let file = world.open_units_below(Some(&folder), &units, &open).unwrap();
    assert_eq!(file.read(0, 9).unwrap(), b"by id");
}

pub(crate) fn opening_by_file_id(world: &World) {
    std::fs::create_dir(world.path("folder")).unwrap();
    std::fs::write(world.path("folder/file"), b"by id").unwrap();
    let volume = world.open("", &Open::directory()).unwrap();
    let open = Open::write().options(CreateOptions::OPEN_BY_FILE_ID);
    let by_id = |id: u64, open: &Open| {
        let units: Vec<u16> = (0..4).map(|unit| (id >> (16 * unit)) as u16).collect();
        world.open_units_below(Some(&volume), &units, open)
    };
    let file = world.open("folder\\file", &Open::read()).unwrap();
    let id = file.id();
    let same = by_id(id, &open).unwrap();
    assert_eq!(same.read(0, 9).unwrap(), b"by id");
    // Under its path, so that share access is that of one file.
    let strict = Open::read().share(ShareAccess::empty());
    assert_eq!(
        world.open("folder\\file", &strict).err(),
        Some(Status::SHARING_VIOLATION)
    );
    drop((file, same));
    // Renamed, it is found where it is.
    let moving = world.open("folder\\file", &Open::delete()).unwrap();
    moving.rename("moved", false, None).unwrap();
    drop(moving);
    assert_eq!(by_id(id, &open).unwrap().read(0, 9).unwrap(), b"by id");
    // Another file in its place is not it; an id of no file is no parameter.
    std::fs::rename(world.path("folder/moved"), world.path("elsewhere")).unwrap();
    std::fs::write(world.path("folder/moved"), b"another").unwrap();
    assert_eq!(by_id(id, &open).err(), Some(Status::INVALID_PARAMETER));
    assert_eq!(by_id(0x1234, &open).err(), Some(Status::INVALID_PARAMETER));
    assert_eq!(
        by_id(id, &open.disposition(CreateDisposition::OPEN_IF)).err(),
        Some(Status::INVALID_PARAMETER),
        "nothing is made without a name"
    );
    // 128 bits, of which the upper half is nothing.
    let folder = world.open("folder", &Open::directory()).unwrap();
    let id = folder.id();
    let long: Vec<u16> = (0..8)
        .map(|unit| if unit < 4 { (id >> (16 * unit)) as u16 } else { 0 })
        .collect();
    let listing = Open::directory().options(CreateOptions::OPEN_BY_FILE_ID | CreateOptions::DIRECTORY_FILE);
    let again = world.open_units_below(Some(&volume), &long, &listing).unwrap();
    assert!(again.file.is_directory());
    assert_eq!(
        world.open_units_below(Some(&volume), &long[..3], &listing).err(),
        Some(Status::INVALID_PARAMETER)
    );
    let both = listing.options(listing.options | CreateOptions::NON_DIRECTORY_FILE);
    assert_eq!(
        world.open_units_below(Some(&volume), &long, &both).err(),
        Some(Status::INVALID_PARAMETER)
    );
}

pub(crate) fn a_target_directory_tells_what_exists(world: &World) {
    std::fs::create_dir(world.path("folder")).unwrap();
    std::fs::write(world.path("folder/File"), b"").unwrap();
    std::os::unix::fs::symlink("nowhere", world.path("folder/link")).unwrap();
    let target = Open::read()
        .access(AccessMask::WRITE_DATA | AccessMask::SYNCHRONIZE)
        .target_directory();
    for (path, action) in [
        ("folder\\File", CreateAction::EXISTS),
        ("folder\\FILE", CreateAction::EXISTS),
        ("folder\\link", CreateAction::EXISTS),
        ("folder\\none", CreateAction::DOES_NOT_EXIST),
        ("FOLDER\\none", CreateAction::DOES_NOT_EXIST),
        ("folder", CreateAction::EXISTS),
        ("none", CreateAction::DOES_NOT_EXIST),
    ] {
        let directory = world.open(path, &target).unwrap();
        assert!(directory.file.is_directory());
        assert_eq!(directory.action, action, "{path}");
    }
    assert_eq!(
        world.open("folder\\a*", &target).err(),
        Some(Status::OBJECT_NAME_INVALID)
    );
}

pub(crate) fn streams_are_not_there(world: &World) {
    std::fs::write(world.path("file"), b"").unwrap();
    for name in ["file:stream", "file::$DATA", "file:", ":stream", "folder:a\\b"] {
        for open in [Open::read(), Open::create()] {
            assert_eq!(
                world.open(name, &open).err(),
                Some(Status::OBJECT_NAME_INVALID),
                "{name}"
            );
        }
    }
    assert_eq!(std::fs::read_dir(world.path("")).unwrap().count(), 1);
}

pub(crate) fn opening_again_sends_all_at_once(world: &World) {
    // A file seen before is opened without waiting to hear what it is. Should a FIFO have taken its place, that is seen.
    std::fs::write(world.path("file"), b"data").unwrap();
    for _ in 0..3 {
        assert_eq!(
            world.open("file", &Open::write()).unwrap().read(0, 9).unwrap(),
            b"data"
        );
    }
    std::fs::remove_file(world.path("file")).unwrap();
    let made = std::process::Command::new("mkfifo")
        .arg(world.path("file"))
        .status()
        .unwrap();
    assert!(made.success());
    assert_eq!(
        world.open("file", &Open::read()).err(),
        Some(Status::ACCESS_DENIED)
    );
    assert_eq!(
        world
            .open("file", &Open::read().access(AccessMask::WRITE_DATA))
            .err(),
        Some(Status::ACCESS_DENIED)
    );
}

pub(crate) fn rights_to_look_open_nothing(world: &World) {
    // Looking at a file and changing its attributes takes part in no sharing.
    std::fs::write(world.path("file"), b"").unwrap();
    let rights = AccessMask::READ_ATTRIBUTES
        | AccessMask::WRITE_ATTRIBUTES
        | AccessMask::READ_CONTROL
        | AccessMask::SYNCHRONIZE;
    let look = Open::read().access(rights).share(ShareAccess::empty());
    let first = world.open("file", &look).unwrap();
    let second = world.open("file", &look).unwrap();
    let alone = Open::write().share(ShareAccess::empty());
    let writer = world.open("file", &alone).unwrap();
    drop(world.open("file", &look).unwrap());
    assert_eq!(first.read(0, 1), Err(Status::ACCESS_DENIED));
    assert_eq!(second.write(0, b"x"), Err(Status::ACCESS_DENIED));
    drop(writer);
}
