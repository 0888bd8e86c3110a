//! IRP_MJ_CREATE.

use nt::{AccessMask, CreateAction, CreateDisposition, CreateOptions, FileAttributes, ShareAccess, Status};

use crate::world::{Open, World};

pub(crate) fn dispositions(world: &World) {
    use CreateAction as A;
    use CreateDisposition as D;
    let table = [
        (D::SUPERSEDE, Ok((A::SUPERSEDED, 0)), Ok(A::CREATED)),
        (D::OPEN, Ok((A::OPENED, 3)), Err(Status::OBJECT_NAME_NOT_FOUND)),
        (D::CREATE, Err(Status::OBJECT_NAME_COLLISION), Ok(A::CREATED)),
        (D::OPEN_IF, Ok((A::OPENED, 3)), Ok(A::CREATED)),
        (
            D::OVERWRITE,
            Ok((A::OVERWRITTEN, 0)),
            Err(Status::OBJECT_NAME_NOT_FOUND),
        ),
        (D::OVERWRITE_IF, Ok((A::OVERWRITTEN, 0)), Ok(A::CREATED)),
    ];
    for (disposition, there, missing) in table {
        let open = Open::create().disposition(disposition);
        std::fs::write(world.path("there"), b"old").unwrap();
        let opened = world.open("there", &open);
        let result = opened.as_ref().map(|file| (file.action, file.size().unwrap()));
        assert_eq!(
            result.map_err(|status| *status),
            there,
            "{disposition:?} of an existing file"
        );
        drop(opened);
        let opened = world.open("missing", &open);
        let result = opened.as_ref().map(|file| file.action).map_err(|status| *status);
        assert_eq!(result, missing, "{disposition:?} of a missing file");
        drop(opened);
        assert_eq!(world.path("missing").exists(), missing.is_ok());
        let _ = std::fs::remove_file(world.path("missing"));
    }
    let bad = Open::create().disposition(CreateDisposition(6));
    assert_eq!(world.open("there", &bad).err(), Some(Status::INVALID_PARAMETER));
}

pub(crate) fn options_are_obeyed(world: &World) {
    std::fs::write(world.path("file"), b"x").unwrap();
    std::fs::create_dir(world.path("folder")).unwrap();
    let refused = |path: &str, open: Open| world.open(path, &open).err();
    let directory = CreateOptions::DIRECTORY_FILE;
    let no_directory = CreateOptions::NON_DIRECTORY_FILE;
    assert_eq!(
        refused("file", Open::read().options(directory)),
        Some(Status::NOT_A_DIRECTORY)
    );
    assert_eq!(
        refused("folder", Open::read().options(no_directory)),
        Some(Status::FILE_IS_A_DIRECTORY)
    );
    assert_eq!(
        refused("", Open::read().options(no_directory)),
        Some(Status::FILE_IS_A_DIRECTORY)
    );
    assert_eq!(
        refused("file", Open::read().options(directory | no_directory)),
        Some(Status::INVALID_PARAMETER)
    );
    assert_eq!(
        refused("file", Open::read().options(CreateOptions::OPEN_BY_FILE_ID)),
        Some(Status::INVALID_PARAMETER),
        "an id says nothing without a volume"
    );
    assert!(world.open("folder", &Open::read()).unwrap().file.is_directory());
    assert!(!world.open("file", &Open::read()).unwrap().file.is_directory());
    // A directory cannot be overwritten, but opened or made.
    let make = Open::directory().disposition(CreateDisposition::OPEN_IF);
    assert_eq!(world.open("folder", &make).unwrap().action, CreateAction::OPENED);
    assert_eq!(world.open("new", &make).unwrap().action, CreateAction::CREATED);
    assert!(world.path("new").is_dir());
    for disposition in [CreateDisposition::OVERWRITE_IF, CreateDisposition::SUPERSEDE] {
        let open = Open::create().disposition(disposition);
        assert!(
            world.open("folder", &open).is_err(),
            "{disposition:?} of a directory"
        );
        let open = open.options(directory);
        assert!(
            world.open("folder", &open).is_err(),
            "{disposition:?} of a directory as such"
        );
    }
    assert!(world.path("folder").is_dir());
    // A trailing backslash says directory.
    assert!(world.open("folder\\", &Open::read()).unwrap().file.is_directory());
    assert!(world.open("file\\", &Open::read()).is_err());
}

pub(crate) fn read_only_files(world: &World) {
    let read_only = Open::create().attributes(FileAttributes::READONLY);
    let file = world.open("fixed", &read_only).unwrap();
    file.write(0, b"first handle may write").unwrap();
    drop(file);
    let mode = std::fs::metadata(world.path("fixed")).unwrap().permissions();
    assert!(mode.readonly());
    let overwrite = Open::write().disposition(CreateDisposition::OVERWRITE);
    assert_eq!(world.open("fixed", &overwrite).err(), Some(Status::ACCESS_DENIED));
    assert_eq!(
        world
            .open("fixed", &Open::delete().options(CreateOptions::DELETE_ON_CLOSE))
            .err(),
        Some(Status::CANNOT_DELETE)
    );
    assert_eq!(
        world.open("fixed", &Open::write()).err(),
        Some(Status::ACCESS_DENIED)
    );
    assert_eq!(
        world.open("fixed", &Open::read()).unwrap().read(0, 5).unwrap(),
        b"first"
    );
}

pub(crate) fn share_access_is_held(world: &World) {
    std::fs::write(world.path("shared"), b"x").unwrap();
    let alone = world
        .open("shared", &Open::read().share(ShareAccess::READ))
        .unwrap();
    assert_eq!(
        world.open("shared", &Open::write()).err(),
        Some(Status::SHARING_VIOLATION)
    );
    assert_eq!(
        world.open("shared", &Open::delete()).err(),
        Some(Status::SHARING_VIOLATION)
    );
    let second = world.open("shared", &Open::read()).unwrap();
    // Looking at attributes is never in the way.
    let looker = Open::read()
        .access(AccessMask::READ_ATTRIBUTES)
        .share(ShareAccess::empty());
    drop(world.open("shared", &looker).unwrap());
    assert_eq!(
        world
            .open("shared", &Open::read().share(ShareAccess::empty()))
            .err(),
        Some(Status::SHARING_VIOLATION)
    );
    // Cleanup, not close, gives the claim back.
    alone.cleanup();
    second.cleanup();
    let exclusive = world
        .open("shared", &Open::write().share(ShareAccess::empty()))
        .unwrap();
    assert_eq!(
        world.open("shared", &Open::read()).err(),
        Some(Status::SHARING_VIOLATION)
    );
    drop((alone, second, exclusive));
    drop(world.open("shared", &Open::read()).unwrap());
}

pub(crate) fn missing_parts_of_a_path(world: &World) {
    std::fs::create_dir_all(world.path("a/b")).unwrap();
    std::fs::write(world.path("a/file"), b"").unwrap();
    let status = |path: &str, open: &Open| world.open(path, open).err();
    assert_eq!(status("none", &Open::read()), Some(Status::OBJECT_NAME_NOT_FOUND));
    assert_eq!(
        status("a\\b\\none", &Open::read()),
        Some(Status::OBJECT_NAME_NOT_FOUND)
    );
    assert_eq!(
        status("none\\file", &Open::read()),
        Some(Status::OBJECT_PATH_NOT_FOUND)
    );
    assert_eq!(
        status("a\\none\\file", &Open::read()),
        Some(Status::OBJECT_PATH_NOT_FOUND)
    );
    assert_eq!(
        status("a\\none\\file", &Open::create()),
        Some(Status::OBJECT_PATH_NOT_FOUND)
    );
    assert_eq!(
        status("a\\file\\below", &Open::read()),
        Some(Status::OBJECT_PATH_NOT_FOUND),
        "a file has nothing below it"
    );
    // Deeper than one Twalk reaches.
    let deep: Vec<String> = (0..40).map(|level| format!("level{level}")).collect();
    std::fs::create_dir_all(world.path(&deep.join("/"))).unwrap();
    std::fs::write(world.path(&format!("{}/leaf", deep.join("/"))), b"deep").unwrap();
    let leaf = format!("{}\\leaf", deep.join("\\"));
    assert_eq!(
        world.open(&leaf, &Open::read()).unwrap().read(0, 9).unwrap(),
        b"deep"
    );
    let none = format!("{}\\none", deep.join("\\"));
    assert_eq!(status(&none, &Open::read()), Some(Status::OBJECT_NAME_NOT_FOUND));
    assert_eq!(
        world.open(&none, &Open::create()).unwrap().action,
        CreateAction::CREATED
    );
    let gap = format!("{}\\none\\leaf", deep[..20].join("\\"));
    assert_eq!(status(&gap, &Open::read()), Some(Status::OBJECT_PATH_NOT_FOUND));
}

pub(crate) fn a_symbolic_link_is_opened_as_such_on_demand(world: &World) {
    std::fs::write(world.path("target"), b"x").unwrap();
    std::os::unix::fs::symlink("target", world.path("link")).unwrap();
    let as_link = Open::read()
        .access(AccessMask::READ_ATTRIBUTES)
        .options(CreateOptions::OPEN_REPARSE_POINT);
    let link = world.open("link", &as_link).unwrap();
    let record = link.information(nt::FileInformationClass::ATTRIBUTE_TAG).unwrap();
    assert_eq!(record[4..], 0xa000_000c_u32.to_le_bytes());
    drop(link);
    // What is deleted is the link.
    let delete = Open::delete().options(CreateOptions::OPEN_REPARSE_POINT | CreateOptions::DELETE_ON_CLOSE);
    drop(world.open("link", &delete).unwrap());
    assert!(world.path("link").symlink_metadata().is_err());
    assert!(world.path("target").exists());
}

pub(crate) fn fifos_are_looked_at_and_never_opened(world: &World) {
    let made = std::process::Command::new("mkfifo")
        .arg(world.path("fifo"))
        .status()
        .unwrap();
    assert!(made.success());
    assert_eq!(
        world.open("fifo", &Open::read()).err(),
        Some(Status::ACCESS_DENIED)
    );
    let overwrite = Open::write().disposition(CreateDisposition::OVERWRITE);
    assert_eq!(world.open("fifo", &overwrite).err(), Some(Status::ACCESS_DENIED));
    let looker = Open::read().access(AccessMask::READ_ATTRIBUTES);
    drop(world.open("fifo", &looker).unwrap());
    drop(
        world
            .open("fifo", &Open::delete().options(CreateOptions::DELETE_ON_CLOSE))
            .unwrap(),
    );
    assert!(!world.path("fifo").exists());
}

pub(crate) fn relative_opens(world: &World) {
    std::fs::create_dir_all(world.path("a/b")).unwrap();
    std::fs::write(world.path("a/b/c"), b"found").unwrap();
    let folder = world.open("a", &Open::directory()).unwrap();
    let file = world.open_below(Some(&folder), "b\\c", &Open::read()).unwrap();
    assert_eq!(file.read(0, 9).unwrap(), b"found");
    let same = world.open_below(Some(&folder), "", &Open::directory()).unwrap();
    assert_eq!(same.names().unwrap().len(), 3);
    let root = world.open("", &Open::directory()).unwrap();
    drop(world.open_below(Some(&root), "a\\b", &Open::directory()).unwrap());
    for bad in ["\\b", "..", "b\\..\\..", "."] {
        assert!(
            world.open_below(Some(&folder), bad, &Open::read()).is_err(),
            "{bad:?} is no relative name"
        );
    }
    assert!(world.open_below(Some(&file), "d", &Open::read()).is_err());
}

pub(crate) fn a_target_directory_is_opened_for_a_rename(world: &World) {
    std::fs::create_dir(world.path("folder")).unwrap();
    let target = Open::read()
        .access(AccessMask::WRITE_DATA | AccessMask::SYNCHRONIZE)
        .target_directory();
    let folder = world.open("folder\\whatever", &target).unwrap();
    assert!(folder.file.is_directory());
    // It is the path of the name that is wrong, not its end.
    std::fs::write(world.path("file"), b"").unwrap();
    for path in ["none\\whatever", "none\\folder\\whatever", "file\\whatever"] {
        let missing = world.open(path, &target).err();
        assert_eq!(missing, Some(Status::OBJECT_PATH_NOT_FOUND), "{path}");
    }
    let root = world.open("whatever", &target).unwrap();
    assert!(root.file.is_directory());
}

pub(crate) fn refused_before_anything_is_sent(world: &World) {
    for path in [
        "..\\x", "a\\..\\b", "a\\.\\b", "a\\\\b", "a*", "a?b", "a|b", "a<", "a:b", "a/b", "\u{1}",
    ] {
        let status = world.open(path, &Open::create()).err();
        assert!(
            matches!(
                status,
                Some(
                    Status::OBJECT_NAME_INVALID
                        | Status::OBJECT_PATH_SYNTAX_BAD
                        | Status::OBJECT_PATH_INVALID
                )
            ),
            "{path:?} gives {status:?}"
        );
    }
    assert_eq!(std::fs::read_dir(world.path("")).unwrap().count(), 0);
}
