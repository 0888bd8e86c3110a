//! FileRenameInformation[Ex] and FileLinkInformation[Ex].

use std::os::unix::fs::{MetadataExt, PermissionsExt};

use nt::{AccessMask, CreateOptions, FileInformationClass, ShareAccess, Status};

use crate::world::{Open, World};

/// `FILE_RENAME_*` and `FILE_LINK_*`.
const REPLACE_IF_EXISTS: u32 = 0x1;
const POSIX_SEMANTICS: u32 = 0x2;
const IGNORE_READONLY: u32 = 0x40;

fn read_only(world: &World, name: &str) {
    std::fs::write(world.path(name), b"fixed").unwrap();
    std::fs::set_permissions(world.path(name), PermissionsExt::from_mode(0o444)).unwrap();
}

pub(crate) fn into_another_directory_and_back(world: &World) {
    std::fs::create_dir_all(world.path("a/b")).unwrap();
    let file = world.open("file", &Open::create()).unwrap();
    file.write(0, b"moved").unwrap();
    let target = Open::read().target_directory();
    for (into, name) in [("a\\x", "a/x"), ("a\\b\\y", "a/b/y"), ("z", "z")] {
        let directory = world.open(into, &target).unwrap();
        let last = into.rsplit('\\').next().unwrap();
        // The I/O manager gives the whole name beside the directory; the last component counts.
        file.rename(&format!("\\??\\X:\\{into}"), false, Some(&directory))
            .unwrap();
        assert_eq!(std::fs::read(world.path(name)).unwrap(), b"moved");
        let record = file.information(FileInformationClass::NAME).unwrap();
        assert!(crate::world::file::utf16(&record[4..]).ends_with(last));
    }
    // A directory does not move into itself.
    let folder = world.open("a", &Open::delete()).unwrap();
    let inside = world.open("a\\b\\c", &target).unwrap();
    assert!(folder.rename("c", false, Some(&inside)).is_err());
}

pub(crate) fn posix_rules_replace_an_open_file(world: &World) {
    let file = world.open("new", &Open::create()).unwrap();
    file.write(0, b"new").unwrap();
    std::fs::write(world.path("old"), b"old").unwrap();
    let reader = world.open("old", &Open::read()).unwrap();
    assert_eq!(
        file.rename_ex("old", REPLACE_IF_EXISTS),
        Err(Status::ACCESS_DENIED)
    );
    assert_eq!(
        file.rename_ex("old", POSIX_SEMANTICS),
        Err(Status::OBJECT_NAME_COLLISION),
        "to replace must be asked for"
    );
    file.rename_ex("old", REPLACE_IF_EXISTS | POSIX_SEMANTICS)
        .unwrap();
    assert_eq!(std::fs::read(world.path("old")).unwrap(), b"new");
    // The handle keeps what it has opened.
    assert_eq!(reader.read(0, 9).unwrap(), b"old");
    assert_eq!(
        world.open("old", &Open::read()).unwrap().read(0, 9).unwrap(),
        b"new"
    );
    drop(reader);
    assert!(world.path("old").exists());
    // One that does not let others delete it stays.
    std::fs::write(world.path("strict"), b"kept").unwrap();
    let strict = Open::read().share(ShareAccess::READ | ShareAccess::WRITE);
    let strict = world.open("strict", &strict).unwrap();
    assert_eq!(
        file.rename_ex("strict", REPLACE_IF_EXISTS | POSIX_SEMANTICS),
        Err(Status::ACCESS_DENIED)
    );
    assert_eq!(strict.read(0, 9).unwrap(), b"kept");
}

pub(crate) fn a_read_only_target_is_replaced_on_demand_only(world: &World) {
    read_only(world, "fixed");
    let file = world.open("file", &Open::create()).unwrap();
    assert_eq!(
        file.rename_ex("fixed", REPLACE_IF_EXISTS),
        Err(Status::ACCESS_DENIED)
    );
    assert_eq!(std::fs::read(world.path("fixed")).unwrap(), b"fixed");
    file.rename_ex("fixed", REPLACE_IF_EXISTS | IGNORE_READONLY)
        .unwrap();
    assert_eq!(std::fs::read(world.path("fixed")).unwrap(), b"");
}

pub(crate) fn only_the_case_changes(world: &World) {
    let file = world.open("readme", &Open::create()).unwrap();
    file.write(0, b"x").unwrap();
    file.rename("README", false, None).unwrap();
    assert!(world.path("README").exists() && !world.path("readme").exists());
    assert_eq!(file.read(0, 9).unwrap(), b"x");
    drop(file);
    let folder = Open::directory().disposition(nt::CreateDisposition::CREATE);
    drop(world.open("folder", &folder).unwrap());
    let folder = world.open("FOLDER", &Open::delete()).unwrap();
    folder.rename("Folder", false, None).unwrap();
    assert_eq!(world.list("").unwrap().len(), 4, "two files and two dots");
    assert!(world.path("Folder").is_dir());
}

pub(crate) fn a_name_in_another_case_is_taken(world: &World) {
    std::fs::write(world.path("Target"), b"old").unwrap();
    std::fs::write(world.path("Other"), b"old").unwrap();
    let file = world.open("file", &Open::create()).unwrap();
    file.write(0, b"new").unwrap();
    assert_eq!(
        file.rename("TARGET", false, None),
        Err(Status::OBJECT_NAME_COLLISION)
    );
    let open = world.open("target", &Open::read()).unwrap();
    assert_eq!(file.rename("TARGET", true, None), Err(Status::ACCESS_DENIED));
    drop(open);
    file.rename("TARGET", true, None).unwrap();
    // One file is left, under the name that was asked for.
    assert!(!world.path("Target").exists());
    assert_eq!(std::fs::read(world.path("TARGET")).unwrap(), b"new");
    assert_eq!(file.read(0, 9).unwrap(), b"new");
    // A link's name is taken in the same way.
    assert_eq!(
        file.link("OTHER", false, None),
        Err(Status::OBJECT_NAME_COLLISION)
    );
    file.link("OTHER", true, None).unwrap();
    assert!(!world.path("Other").exists());
    assert_eq!(std::fs::read(world.path("OTHER")).unwrap(), b"new");
}

pub(crate) fn the_last_rename_counts(world: &World) {
    let file = world
        .open("0", &Open::create().options(CreateOptions::DELETE_ON_CLOSE))
        .unwrap();
    for number in 1..20 {
        file.rename(&number.to_string(), false, None).unwrap();
    }
    assert!(world.path("19").exists());
    drop(file);
    assert_eq!(std::fs::read_dir(world.path("")).unwrap().count(), 0);
}

pub(crate) fn a_new_name_must_be_a_name(world: &World) {
    let file = world.open("file", &Open::create()).unwrap();
    for bad in ["a:b", "a*", "a?", "a/b", "dot.", "space ", "\u{f02e}", ""] {
        assert!(file.rename(bad, true, None).is_err(), "{bad:?}");
        assert!(file.link(bad, true, None).is_err(), "{bad:?}");
    }
    let long = "x".repeat(256);
    assert_eq!(file.rename(&long, false, None), Err(Status::OBJECT_NAME_INVALID));
    file.rename("dot\u{f02e}", false, None).unwrap();
    assert!(world.path("dot.").exists());
    let root = world
        .open("", &Open::directory().access(AccessMask::DELETE))
        .unwrap();
    assert_eq!(root.rename("x", false, None), Err(Status::ACCESS_DENIED));
}

pub(crate) fn a_hard_link(world: &World) {
    std::fs::create_dir(world.path("folder")).unwrap();
    let file = world.open("file", &Open::create()).unwrap();
    file.write(0, b"one file").unwrap();
    file.link("link", false, None).unwrap();
    let target = Open::read().target_directory();
    let folder = world.open("folder\\deep", &target).unwrap();
    file.link("deep", false, Some(&folder)).unwrap();
    assert_eq!(std::fs::metadata(world.path("file")).unwrap().nlink(), 3);
    for name in ["link", "folder/deep"] {
        assert_eq!(std::fs::read(world.path(name)).unwrap(), b"one file", "{name}");
    }
    let link = world.open("LINK", &Open::read()).unwrap();
    assert_eq!(link.id(), file.id());
    let record = link.information(FileInformationClass::STANDARD).unwrap();
    assert_eq!(crate::world::file::u32_at(&record, 16), 3, "links");
    drop(link);
    // Deleting one name leaves the others.
    file.set_delete(true).unwrap();
    drop(file);
    assert!(!world.path("file").exists());
    assert_eq!(std::fs::read(world.path("link")).unwrap(), b"one file");
}

pub(crate) fn a_hard_link_replaces_on_demand_only(world: &World) {
    let file = world.open("file", &Open::create()).unwrap();
    file.write(0, b"new").unwrap();
    std::fs::write(world.path("taken"), b"old").unwrap();
    read_only(world, "fixed");
    assert_eq!(
        file.link("taken", false, None),
        Err(Status::OBJECT_NAME_COLLISION)
    );
    let open = world.open("taken", &Open::read()).unwrap();
    assert_eq!(file.link("taken", true, None), Err(Status::ACCESS_DENIED));
    drop(open);
    file.link("taken", true, None).unwrap();
    assert_eq!(std::fs::read(world.path("taken")).unwrap(), b"new");
    assert_eq!(
        file.link_ex("fixed", REPLACE_IF_EXISTS),
        Err(Status::ACCESS_DENIED)
    );
    file.link_ex("fixed", REPLACE_IF_EXISTS | IGNORE_READONLY)
        .unwrap();
    assert_eq!(std::fs::read(world.path("fixed")).unwrap(), b"new");
    // To be linked where it is linked already changes nothing, however that is spelled.
    assert_eq!(file.link("FILE", false, None), Err(Status::OBJECT_NAME_COLLISION));
    file.link("FILE", true, None).unwrap();
    assert_eq!(
        file.link("taken", false, None),
        Err(Status::OBJECT_NAME_COLLISION)
    );
    file.link("taken", true, None).unwrap();
    assert_eq!(std::fs::metadata(world.path("file")).unwrap().nlink(), 3);
    assert_eq!(std::fs::read_dir(world.path("")).unwrap().count(), 3);
}

pub(crate) fn what_cannot_be_linked(world: &World) {
    std::fs::create_dir(world.path("folder")).unwrap();
    std::fs::write(world.path("file"), b"").unwrap();
    let rights = AccessMask::WRITE_ATTRIBUTES | AccessMask::READ_ATTRIBUTES;
    let folder = world.open("folder", &Open::read().access(rights)).unwrap();
    assert_eq!(folder.link("link", false, None), Err(Status::FILE_IS_A_DIRECTORY));
    let reader = world.open("file", &Open::read()).unwrap();
    reader.link("read", false, None).unwrap();
    assert_eq!(
        reader.link("read", false, None),
        Err(Status::OBJECT_NAME_COLLISION)
    );
    let file = world.open("file", &Open::read().access(rights)).unwrap();
    assert_eq!(
        file.link("sub\\link", false, None),
        Err(Status::INVALID_PARAMETER)
    );
    assert_eq!(file.link("folder", true, None), Err(Status::ACCESS_DENIED));
    file.link("link", false, None).unwrap();
}

pub(crate) fn one_of_two_links_replaces_the_other(world: &World) {
    // POSIX would leave both names; NT leaves one.
    std::fs::write(world.path("one"), b"x").unwrap();
    std::fs::hard_link(world.path("one"), world.path("two")).unwrap();
    let one = world.open("one", &Open::delete()).unwrap();
    assert_eq!(one.rename("two", false, None), Err(Status::OBJECT_NAME_COLLISION));
    one.rename("two", true, None).unwrap();
    assert!(!world.path("one").exists() && world.path("two").exists());
}

pub(crate) fn a_file_to_be_deleted_gets_no_new_name(world: &World) {
    let file = world.open("file", &Open::create()).unwrap();
    file.set_delete(true).unwrap();
    assert_eq!(file.rename("other", false, None), Err(Status::DELETE_PENDING));
    assert_eq!(file.link("other", false, None), Err(Status::DELETE_PENDING));
    file.set_delete(false).unwrap();
    file.rename("other", false, None).unwrap();
    drop(file);
    assert!(world.path("other").exists());
}

pub(crate) fn posix_rules_replace_an_empty_directory(world: &World) {
    const POSIX: u32 = REPLACE_IF_EXISTS | POSIX_SEMANTICS;
    for made in ["new/sub", "empty", "Other", "full/sub"] {
        std::fs::create_dir_all(world.path(made)).unwrap();
    }
    std::fs::write(world.path("file"), b"data").unwrap();
    let folder = world.open("new", &Open::delete()).unwrap();
    let names = [
        ("empty", POSIX_SEMANTICS, Status::OBJECT_NAME_COLLISION),
        ("empty", REPLACE_IF_EXISTS, Status::ACCESS_DENIED),
        ("full", POSIX, Status::DIRECTORY_NOT_EMPTY),
        ("file", POSIX, Status::NOT_A_DIRECTORY),
    ];
    for (name, flags, status) in names {
        assert_eq!(folder.rename_ex(name, flags), Err(status), "{name} {flags}");
    }
    let open = world.open("empty", &Open::directory()).unwrap();
    assert_eq!(folder.rename_ex("empty", POSIX), Err(Status::ACCESS_DENIED));
    drop(open);
    folder.rename_ex("empty", POSIX).unwrap();
    // One that is called otherwise is replaced, too, and the new name is as it was asked for.
    folder.rename_ex("OTHER", POSIX).unwrap();
    drop(folder);
    assert_eq!(world.list("").unwrap(), [".", "..", "OTHER", "file", "full"]);
    assert_eq!(world.list("other").unwrap(), [".", "..", "sub"]);
    let file = world.open("file", &Open::delete()).unwrap();
    assert_eq!(file.rename_ex("full", POSIX), Err(Status::FILE_IS_A_DIRECTORY));
}

pub(crate) fn a_directory_takes_no_files_place(world: &World) {
    std::fs::create_dir(world.path("folder")).unwrap();
    std::fs::write(world.path("file"), b"data").unwrap();
    let folder = world.open("folder", &Open::delete()).unwrap();
    assert_eq!(
        folder.rename("file", false, None),
        Err(Status::OBJECT_NAME_COLLISION)
    );
    assert_eq!(folder.rename("file", true, None), Err(Status::ACCESS_DENIED));
    assert_eq!(std::fs::read(world.path("file")).unwrap(), b"data");
}
