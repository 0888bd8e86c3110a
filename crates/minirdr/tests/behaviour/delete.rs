//! FileDispositionInformation[Ex] and FILE_DELETE_ON_CLOSE.

use std::os::unix::fs::PermissionsExt;

use nt::{AccessMask, CreateAction, CreateOptions, Status};

use crate::world::{Open, World};

/// `FILE_DISPOSITION_*`.
const DELETE: u32 = 0x1;
const POSIX_SEMANTICS: u32 = 0x2;
const ON_CLOSE: u32 = 0x8;
const IGNORE_READONLY: u32 = 0x10;

pub(crate) fn a_file_goes_with_its_last_handle(world: &World) {
    let file = world.open("file", &Open::create()).unwrap();
    let other = world.open("file", &Open::write()).unwrap();
    file.set_disposition(DELETE).unwrap();
    drop(file);
    // It is there, can be used by who has it, and be opened by nobody.
    assert!(world.path("file").exists());
    other.write(0, b"still").unwrap();
    assert_eq!(
        world.open("file", &Open::read()).err(),
        Some(Status::DELETE_PENDING)
    );
    assert_eq!(
        world.open("FILE", &Open::create()).err(),
        Some(Status::DELETE_PENDING)
    );
    drop(other);
    assert!(!world.path("file").exists());
}

pub(crate) fn a_posix_deletion_frees_the_name_at_once(world: &World) {
    let file = world.open("file", &Open::create()).unwrap();
    file.write(0, b"old").unwrap();
    let other = world.open("file", &Open::write()).unwrap();
    file.set_disposition(DELETE | POSIX_SEMANTICS).unwrap();
    assert_eq!(
        world.open("file", &Open::read()).err(),
        Some(Status::DELETE_PENDING),
        "until its handle closes"
    );
    drop(file);
    assert!(!world.path("file").exists());
    // The other handle keeps the file, whoever has the name.
    let again = world.open("file", &Open::create()).unwrap();
    assert_eq!(again.action, CreateAction::CREATED);
    again.write(0, b"new").unwrap();
    assert_eq!(other.read(0, 9).unwrap(), b"old");
    other.write(3, b"er").unwrap();
    drop(other);
    drop(again);
    assert_eq!(std::fs::read(world.path("file")).unwrap(), b"new");
}

pub(crate) fn a_read_only_file_is_deleted_on_demand_only(world: &World) {
    std::fs::write(world.path("fixed"), b"").unwrap();
    std::fs::set_permissions(world.path("fixed"), PermissionsExt::from_mode(0o444)).unwrap();
    let file = world.open("fixed", &Open::delete()).unwrap();
    assert_eq!(file.set_delete(true), Err(Status::CANNOT_DELETE));
    assert_eq!(file.set_disposition(DELETE), Err(Status::CANNOT_DELETE));
    assert_eq!(
        file.set_disposition(DELETE | POSIX_SEMANTICS),
        Err(Status::CANNOT_DELETE)
    );
    file.set_disposition(DELETE | IGNORE_READONLY).unwrap();
    drop(file);
    assert!(!world.path("fixed").exists());
}

pub(crate) fn delete_on_close_is_set_and_taken_back(world: &World) {
    let on_close = Open::create().options(CreateOptions::DELETE_ON_CLOSE);
    // What the handle was opened with is not taken back by the file's disposition, only as what it is.
    let file = world.open("brief", &on_close).unwrap();
    file.set_delete(true).unwrap();
    file.set_delete(false).unwrap();
    drop(world.open("brief", &Open::read()).unwrap());
    drop(file);
    assert!(!world.path("brief").exists());
    let file = world.open("kept", &on_close).unwrap();
    file.set_disposition(ON_CLOSE).unwrap();
    drop(file);
    assert!(world.path("kept").exists());
    let file = world.open("kept", &Open::delete()).unwrap();
    file.set_disposition(ON_CLOSE | DELETE).unwrap();
    // The file is not about to go before its handle does.
    drop(world.open("kept", &Open::read()).unwrap());
    drop(file);
    assert!(!world.path("kept").exists());
}

pub(crate) fn a_directory_that_fills_up_stays(world: &World) {
    std::fs::create_dir(world.path("folder")).unwrap();
    let folder = world.open("folder", &Open::delete()).unwrap();
    folder.set_delete(true).unwrap();
    // By somebody else: no handle is needed for that.
    std::fs::write(world.path("folder/late"), b"").unwrap();
    drop(folder);
    assert!(world.path("folder/late").exists());
    // It can be used as before.
    drop(world.open("folder", &Open::directory()).unwrap());
}

pub(crate) fn the_root_of_a_share_stays(world: &World) {
    let root = world
        .open("", &Open::directory().access(AccessMask::DELETE))
        .unwrap();
    assert_eq!(root.set_delete(true), Err(Status::CANNOT_DELETE));
    assert_eq!(
        root.set_disposition(DELETE | POSIX_SEMANTICS),
        Err(Status::CANNOT_DELETE)
    );
    let doomed = Open::delete().options(CreateOptions::DELETE_ON_CLOSE);
    assert_eq!(world.open("", &doomed).err(), Some(Status::CANNOT_DELETE));
}

pub(crate) fn nothing_is_made_in_a_directory_that_goes(world: &World) {
    std::fs::create_dir(world.path("folder")).unwrap();
    let folder = world.open("folder", &Open::delete()).unwrap();
    folder.set_delete(true).unwrap();
    let pending = Some(Status::DELETE_PENDING);
    let new_folder = Open::create().options(CreateOptions::DIRECTORY_FILE);
    assert_eq!(world.open("folder\\new", &Open::create()).err(), pending);
    assert_eq!(world.open("FOLDER\\new", &new_folder).err(), pending);
    assert_eq!(
        world.open("folder\\new", &Open::read()).err(),
        Some(Status::OBJECT_NAME_NOT_FOUND)
    );
    // Below a file there is nothing, whatever becomes of it.
    let file = world.open("file", &Open::create()).unwrap();
    file.set_delete(true).unwrap();
    assert_eq!(
        world.open("file\\new", &Open::create()).err(),
        Some(Status::OBJECT_PATH_NOT_FOUND)
    );
    folder.set_delete(false).unwrap();
    drop(world.open("folder\\new", &Open::create()).unwrap());
    drop(folder);
    assert!(world.path("folder/new").exists());
}

pub(crate) fn a_directory_is_empty_when_the_last_name_in_it_goes(world: &World) {
    std::fs::create_dir(world.path("folder")).unwrap();
    let folder = world.open("folder", &Open::delete()).unwrap();
    let file = world.open("folder\\file", &Open::create()).unwrap();
    let other = world.open("folder\\file", &Open::read()).unwrap();
    // A file that is about to go is there until it does.
    file.set_disposition(DELETE).unwrap();
    drop(file);
    assert_eq!(folder.set_delete(true), Err(Status::DIRECTORY_NOT_EMPTY));
    drop(other);
    folder.set_delete(true).unwrap();
    folder.set_delete(false).unwrap();
    // By POSIX's rules its name goes first, and the directory can follow while the file is open.
    let file = world.open("folder\\file", &Open::create()).unwrap();
    file.write(0, b"kept").unwrap();
    let other = world.open("folder\\file", &Open::read()).unwrap();
    file.set_disposition(DELETE | POSIX_SEMANTICS).unwrap();
    drop(file);
    folder.set_delete(true).unwrap();
    drop(folder);
    assert!(!world.path("folder").exists());
    assert_eq!(other.read(0, 9).unwrap(), b"kept");
}

/// The name goes when the last handle does, and then nobody is told that it did not.
pub(crate) fn who_may_not_delete_hears_of_it(world: &World) {
    std::fs::create_dir_all(world.path("folder/below")).unwrap();
    std::fs::set_permissions(world.path(""), PermissionsExt::from_mode(0o755)).unwrap();
    std::fs::write(world.path("folder/file"), b"").unwrap();
    world.unmap("X:").unwrap();
    // A user whom every Unix knows, and who owns nothing here.
    world.map_name(&world.full("X:", ""), "1").unwrap();
    let modes = [(0o755, false), (0o777, true), (0o1777, false), (0o773, true)];
    for (mode, may) in modes {
        let permissions = PermissionsExt::from_mode(mode);
        std::fs::set_permissions(world.path("folder"), permissions).unwrap();
        for name in ["folder\\file", "folder\\below"] {
            let file = world.open(name, &Open::delete());
            let file = file.unwrap_or_else(|status| panic!("{mode:o} {name}: {status:?}"));
            for disposition in [DELETE, DELETE | POSIX_SEMANTICS, DELETE | ON_CLOSE] {
                let expected = if may { Ok(()) } else { Err(Status::ACCESS_DENIED) };
                assert_eq!(file.set_disposition(disposition), expected, "{mode:o} {name}");
                file.set_disposition(disposition & !DELETE).unwrap();
            }
        }
    }
    assert!(world.path("folder/file").exists() && world.path("folder/below").exists());
}

pub(crate) fn deletion_needs_the_right_to_delete(world: &World) {
    std::fs::write(world.path("file"), b"").unwrap();
    let writer = world.open("file", &Open::write()).unwrap();
    for refused in [
        writer.set_delete(true),
        writer.set_disposition(DELETE | POSIX_SEMANTICS),
        writer.set_disposition(DELETE | ON_CLOSE),
    ] {
        assert_eq!(refused, Err(Status::ACCESS_DENIED));
    }
    drop(writer);
    // Who may not delete at all does not hear what else would be in the way.
    let permissions = PermissionsExt::from_mode(0o444);
    std::fs::set_permissions(world.path("file"), permissions).unwrap();
    let reader = world.open("file", &Open::read()).unwrap();
    assert_eq!(reader.set_delete(true), Err(Status::ACCESS_DENIED));
    assert_eq!(reader.set_delete(false), Err(Status::ACCESS_DENIED));
    drop(reader);
    assert!(world.path("file").exists());
}

pub(crate) fn a_deleted_name_can_be_made_anew(world: &World) {
    for number in 0..5 {
        let file = world.open("again", &Open::create()).unwrap();
        assert_eq!(file.action, CreateAction::CREATED, "{number}");
        assert_eq!(file.size().unwrap(), 0);
        file.write(0, b"x").unwrap();
        file.set_delete(true).unwrap();
        drop(file);
        let folder = Open::directory()
            .access(AccessMask::GENERIC_READ | AccessMask::DELETE)
            .disposition(nt::CreateDisposition::CREATE);
        let folder = world.open("again", &folder).unwrap();
        assert!(folder.file.is_directory());
        folder.set_delete(true).unwrap();
    }
    assert_eq!(std::fs::read_dir(world.path("")).unwrap().count(), 0);
}

pub(crate) fn an_entry_that_is_not_empty_is_not_marked(world: &World) {
    std::fs::create_dir_all(world.path("folder/sub")).unwrap();
    let folder = world.open("folder", &Open::delete()).unwrap();
    for refused in [
        folder.set_delete(true),
        folder.set_disposition(DELETE | POSIX_SEMANTICS),
    ] {
        assert_eq!(refused, Err(Status::DIRECTORY_NOT_EMPTY));
    }
    let sub = world.open("folder\\sub", &Open::delete()).unwrap();
    sub.set_delete(true).unwrap();
    drop(sub);
    folder.set_delete(true).unwrap();
    drop(folder);
    assert!(!world.path("folder").exists());
}
