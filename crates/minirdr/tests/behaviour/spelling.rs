//! Names whose case is another on the server, and names that can be spelled in one way only.

use nt::{AccessMask, CreateAction, CreateDisposition, Status};

use crate::world::{Open, World};

pub(crate) fn another_case_finds_the_file(world: &World) {
    std::fs::write(world.path("ReadMe.TXT"), b"found").unwrap();
    std::fs::write(world.path("Äpfel"), b"fruit").unwrap();
    for name in ["readme.txt", "README.TXT", "ReadMe.TXT"] {
        assert_eq!(
            world.open(name, &Open::read()).unwrap().read(0, 9).unwrap(),
            b"found"
        );
    }
    assert_eq!(
        world.open("äPFEL", &Open::read()).unwrap().read(0, 9).unwrap(),
        b"fruit"
    );
    // What is opened is the file under its own name, so its other handles are met.
    let file = world.open("readme.TXT", &Open::write()).unwrap();
    let record = file.information(nt::FileInformationClass::NAME).unwrap();
    assert!(crate::world::file::utf16(&record[4..]).ends_with("\\ReadMe.TXT"));
    let strict = Open::read().share(nt::ShareAccess::READ);
    assert_eq!(
        world.open("README.txt", &strict).err(),
        Some(Status::SHARING_VIOLATION)
    );
    for disposition in [CreateDisposition::OPEN_IF, CreateDisposition::OVERWRITE_IF] {
        let opened = world.open("Readme.Txt", &Open::write().disposition(disposition));
        assert_ne!(opened.unwrap().action, CreateAction::CREATED);
    }
}

pub(crate) fn the_exact_name_comes_first(world: &World) {
    for name in ["file", "File", "FILE"] {
        std::fs::write(world.path(name), name).unwrap();
    }
    for name in ["file", "File", "FILE"] {
        let file = world.open(name, &Open::read()).unwrap();
        assert_eq!(file.read(0, 9).unwrap(), name.as_bytes());
    }
}

pub(crate) fn ambiguous_names_are_not_guessed(world: &World) {
    std::fs::write(world.path("file"), b"").unwrap();
    std::fs::write(world.path("File"), b"").unwrap();
    assert_eq!(
        world.open("FILE", &Open::read()).err(),
        Some(Status::OBJECT_NAME_NOT_FOUND)
    );
    // It is none of the two, so it can be made.
    assert_eq!(
        world.open("FILE", &Open::create()).unwrap().action,
        CreateAction::CREATED
    );
    assert_eq!(std::fs::read_dir(world.path("")).unwrap().count(), 3);
}

pub(crate) fn directories_on_the_way_in_another_case(world: &World) {
    std::fs::create_dir_all(world.path("Program Files/Vendor/Tool")).unwrap();
    std::fs::write(world.path("Program Files/Vendor/Tool/x.exe"), b"MZ").unwrap();
    let file = world
        .open("PROGRAM FILES\\vendor\\tool\\X.EXE", &Open::read())
        .unwrap();
    assert_eq!(file.read(0, 9).unwrap(), b"MZ");
    let made = world.open("program files\\VENDOR\\new", &Open::create()).unwrap();
    assert_eq!(made.action, CreateAction::CREATED);
    assert!(world.path("Program Files/Vendor/new").exists());
    assert_eq!(
        world.open("program files\\none\\x", &Open::read()).err(),
        Some(Status::OBJECT_PATH_NOT_FOUND)
    );
    assert_eq!(
        world.open("program files\\vendor\\none", &Open::read()).err(),
        Some(Status::OBJECT_NAME_NOT_FOUND)
    );
}

pub(crate) fn nothing_is_made_beside_another_case(world: &World) {
    std::fs::write(world.path("File"), b"").unwrap();
    std::fs::create_dir(world.path("Folder")).unwrap();
    assert_eq!(
        world.open("FILE", &Open::create()).err(),
        Some(Status::OBJECT_NAME_COLLISION)
    );
    let make = Open::directory().disposition(CreateDisposition::CREATE);
    assert_eq!(
        world.open("FOLDER", &make).err(),
        Some(Status::OBJECT_NAME_COLLISION)
    );
    assert_eq!(std::fs::read_dir(world.path("")).unwrap().count(), 2);
}

pub(crate) fn case_counts_on_demand(world: &World) {
    std::fs::write(world.path("File"), b"").unwrap();
    let exact = Open::read().case_sensitive();
    assert_eq!(
        world.open("file", &exact).err(),
        Some(Status::OBJECT_NAME_NOT_FOUND)
    );
    drop(world.open("File", &exact).unwrap());
    let make = Open::create().case_sensitive();
    assert_eq!(world.open("file", &make).unwrap().action, CreateAction::CREATED);
    assert_eq!(std::fs::read_dir(world.path("")).unwrap().count(), 2);
}

pub(crate) fn changes_are_seen_at_once(world: &World) {
    std::fs::create_dir(world.path("folder")).unwrap();
    // The directory is read now, and kept.
    assert!(world.open("folder\\ONE", &Open::read()).is_err());
    drop(world.open("folder\\one", &Open::create()).unwrap());
    let one = world.open("folder\\ONE", &Open::delete()).unwrap();
    one.rename("Two", false, None).unwrap();
    drop(one);
    assert_eq!(
        world.open("folder\\ONE", &Open::read()).err(),
        Some(Status::OBJECT_NAME_NOT_FOUND)
    );
    let two = world.open("folder\\TWO", &Open::delete()).unwrap();
    two.set_delete(true).unwrap();
    drop(two);
    assert_eq!(
        world.open("folder\\TWO", &Open::read()).err(),
        Some(Status::OBJECT_NAME_NOT_FOUND)
    );
    // What others make is found under its own name whatever is kept.
    std::fs::write(world.path("folder/three"), b"").unwrap();
    drop(world.open("folder\\three", &Open::read()).unwrap());
    let folder = world.open("folder", &Open::delete()).unwrap();
    folder.rename("moved", false, None).unwrap();
    drop(folder);
    drop(world.open("MOVED\\THREE", &Open::read()).unwrap());
}

pub(crate) fn what_others_spell_otherwise_is_found(world: &World) {
    std::fs::create_dir(world.path("Folder")).unwrap();
    std::fs::write(world.path("Folder/one"), b"1").unwrap();
    // Both directories are read now, and kept.
    drop(world.open("FOLDER\\ONE", &Open::read()).unwrap());
    std::fs::rename(world.path("Folder/one"), world.path("Folder/One")).unwrap();
    let file = world.open("FOLDER\\ONE", &Open::read()).unwrap();
    let record = file.information(nt::FileInformationClass::NAME).unwrap();
    assert!(crate::world::file::utf16(&record[4..]).ends_with("\\One"));
    drop(file);
    std::fs::rename(world.path("Folder"), world.path("fOLDER")).unwrap();
    drop(world.open("FOLDER\\ONE", &Open::read()).unwrap());
    // What they take away does not give its spelling to what is made in its place.
    std::fs::remove_file(world.path("fOLDER/One")).unwrap();
    assert_eq!(
        world.open("FOLDER\\ONE", &Open::read()).err(),
        Some(Status::OBJECT_NAME_NOT_FOUND)
    );
    drop(world.open("FOLDER\\two", &Open::create()).unwrap());
    drop(world.open("FOLDER\\Two", &Open::read()).unwrap());
    std::fs::remove_file(world.path("fOLDER/two")).unwrap();
    let made = world.open("FOLDER\\TWO", &Open::create()).unwrap();
    assert_eq!(made.action, CreateAction::CREATED);
    drop(made);
    assert_eq!(world.list("fOLDER").unwrap(), [".", "..", "TWO"]);
    // Nor where all that is allowed is asked for, which is looked at first.
    drop(world.open("FOLDER\\Two", &Open::read()).unwrap());
    std::fs::remove_file(world.path("fOLDER/TWO")).unwrap();
    let all = Open::create().access(AccessMask::MAXIMUM_ALLOWED);
    drop(world.open("FOLDER\\tWo", &all).unwrap());
    assert_eq!(world.list("fOLDER").unwrap(), [".", "..", "tWo"]);
}

pub(crate) fn one_file_has_one_spelling(world: &World) {
    std::fs::write(world.path("dot."), b"").unwrap();
    std::fs::write(world.path("a.b"), b"").unwrap();
    for (name, status) in [
        ("dot\u{f02e}", None),
        ("dot.", Some(Status::OBJECT_NAME_INVALID)),
        ("a\u{f02e}b", Some(Status::OBJECT_NAME_INVALID)),
        ("space ", Some(Status::OBJECT_NAME_INVALID)),
        ("\u{f02e}\u{f02e}", Some(Status::OBJECT_PATH_SYNTAX_BAD)),
        ("\u{f02f}", Some(Status::OBJECT_NAME_NOT_FOUND)),
    ] {
        assert_eq!(world.open(name, &Open::read()).err(), status, "{name:?}");
    }
}

pub(crate) fn private_characters_on_the_server(world: &World) {
    // A character of the private range that stands for itself on the server is not taken for the one it would stand for
    // in NT.
    std::fs::write(world.path("a\u{f03a}b"), b"private").unwrap();
    std::fs::write(world.path("a:b"), b"colon").unwrap();
    let file = world.open("a\u{f03a}b", &Open::read()).unwrap();
    assert_eq!(file.read(0, 9).unwrap(), b"colon");
    let escaped: Vec<u16> = [0x61]
        .into_iter()
        .chain("\u{f03a}".bytes().map(|byte| 0xdc00 | u16::from(byte)))
        .chain([0x62])
        .collect();
    let mut full: Vec<u16> = world.full("X:", "").encode_utf16().collect();
    full.push(0x5c);
    full.extend(escaped);
    let file = world.open_units_below(None, &full, &Open::read()).unwrap();
    assert_eq!(file.read(0, 9).unwrap(), b"private");
}

pub(crate) fn changes_through_another_drive_are_seen_at_once(world: &World) {
    world.map("Y:").unwrap();
    std::fs::create_dir(world.path("folder")).unwrap();
    let on_y = |path: &str, open: &Open| world.open_full(&world.full("Y:", path), open).map(drop);
    // Y: has read the directory now.
    assert_eq!(
        on_y("folder\\ONE", &Open::read()).err(),
        Some(Status::OBJECT_NAME_NOT_FOUND)
    );
    drop(world.open("folder\\one", &Open::create()).unwrap());
    on_y("folder\\ONE", &Open::read()).unwrap();
    assert_eq!(
        on_y("folder\\ONE", &Open::create()).err(),
        Some(Status::OBJECT_NAME_COLLISION)
    );
    world
        .open("folder\\one", &Open::delete())
        .unwrap()
        .set_delete(true)
        .unwrap();
    on_y("folder\\ONE", &Open::create()).unwrap();
    assert!(world.path("folder/ONE").exists());
    world.unmap("Y:").unwrap();
}
