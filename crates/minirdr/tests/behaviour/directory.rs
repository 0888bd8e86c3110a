//! IRP_MN_QUERY_DIRECTORY.

use std::collections::BTreeSet;

use minirdr::DirectoryQuery;
use nt::{FileAttributes, FileInformationClass, Status};

use crate::world::file::{both_directory, u32_at, utf16};
use crate::world::{Open, World, name};

const CLASSES: [(FileInformationClass, usize, usize); 12] = [
    // Class, offset of the name's length, offset of the name.
    (FileInformationClass::DIRECTORY, 60, 64),
    (FileInformationClass::FULL_DIRECTORY, 60, 68),
    (FileInformationClass::BOTH_DIRECTORY, 60, 94),
    (FileInformationClass::NAMES, 8, 12),
    (FileInformationClass::ID_BOTH_DIRECTORY, 60, 104),
    (FileInformationClass::ID_FULL_DIRECTORY, 60, 80),
    (FileInformationClass::ID_EXTD_DIRECTORY, 60, 88),
    (FileInformationClass::ID_EXTD_BOTH_DIRECTORY, 60, 114),
    (FileInformationClass::ID_64_EXTD_DIRECTORY, 60, 80),
    (FileInformationClass::ID_64_EXTD_BOTH_DIRECTORY, 60, 106),
    (FileInformationClass::ID_ALL_EXTD_DIRECTORY, 60, 96),
    (FileInformationClass::ID_ALL_EXTD_BOTH_DIRECTORY, 60, 122),
];

pub(crate) fn nested_folders(world: &World) {
    std::fs::create_dir_all(world.path("a/b/c")).unwrap();
    std::fs::write(world.path("a/one"), b"12345").unwrap();
    std::fs::write(world.path("a/b/.hidden"), b"").unwrap();
    std::os::unix::fs::symlink("one", world.path("a/link")).unwrap();
    assert_eq!(world.list("").unwrap(), [".", "..", "a"]);
    assert_eq!(world.list("a").unwrap(), [".", "..", "b", "link", "one"]);
    assert_eq!(world.list("a\\b\\c").unwrap(), [".", ".."]);
    let entries = world
        .open("a", &Open::directory())
        .unwrap()
        .entries("*", 4096)
        .unwrap();
    let of = |wanted: &str| entries.iter().find(|entry| entry.name == wanted).unwrap();
    assert_eq!(of("one").size, 5);
    assert_eq!(of("one").attributes, FileAttributes::ARCHIVE);
    assert_eq!(of("b").attributes, FileAttributes::DIRECTORY);
    assert_eq!(of("b").size, 0);
    assert_eq!(of(".").attributes, FileAttributes::DIRECTORY);
    assert_eq!(of("link").attributes, FileAttributes::REPARSE_POINT);
    let hidden = world
        .open("a\\b", &Open::directory())
        .unwrap()
        .entries(".hidden", 4096)
        .unwrap();
    let shown = FileAttributes::HIDDEN | FileAttributes::ARCHIVE;
    assert_eq!(hidden[0].attributes, shown);
}

pub(crate) fn patterns(world: &World) {
    for file in ["a.txt", "b.txt", "B.TXT2", "readme", "x.tar.gz"] {
        std::fs::write(world.path(file), b"").unwrap();
    }
    let matches = |pattern: &str| -> Vec<String> {
        let folder = world.open("", &Open::directory()).unwrap();
        let mut names: Vec<String> = folder
            .entries(pattern, 4096)
            .unwrap()
            .into_iter()
            .map(|entry| entry.name)
            .collect();
        names.sort();
        names
    };
    assert_eq!(matches("*.txt"), ["a.txt", "b.txt"]);
    assert_eq!(matches("README"), ["readme"], "case does not count");
    assert_eq!(matches("?.t*"), ["B.TXT2", "a.txt", "b.txt", "x.tar.gz"]);
    assert_eq!(matches("*.gz"), ["x.tar.gz"]);
    assert_eq!(matches("<.gz"), ["x.tar.gz"]);
    assert_eq!(matches("*").len(), 7);
    let folder = world.open("", &Open::directory()).unwrap();
    assert_eq!(folder.entries("none*", 4096).err(), Some(Status::NO_SUCH_FILE));
}

pub(crate) fn restarting_and_single_entries(world: &World) {
    for number in 0..5 {
        std::fs::write(world.path(&format!("file{number}")), b"").unwrap();
    }
    let folder = world.open("", &Open::directory()).unwrap();
    let pattern = name("file*");
    let mut query = DirectoryQuery {
        class: FileInformationClass::BOTH_DIRECTORY,
        pattern: Some(pattern.as_name()),
        restart: false,
        single: true,
    };
    let first = |buffer: Vec<u8>| {
        let entries = both_directory(&buffer);
        assert_eq!(entries.len(), 1);
        entries[0].name.clone()
    };
    let mut seen = Vec::new();
    for _ in 0..3 {
        seen.push(first(folder.query_directory(&query, 4096).unwrap().0));
        // Later patterns do not count.
        query.pattern = None;
    }
    query.restart = true;
    assert_eq!(first(folder.query_directory(&query, 4096).unwrap().0), seen[0]);
    query.restart = false;
    query.single = false;
    let (rest, _) = folder.query_directory(&query, 4096).unwrap();
    let rest = both_directory(&rest);
    assert_eq!(rest.len(), 4, "the pattern of the first query stays");
    assert_eq!([rest[0].name.clone(), rest[1].name.clone()], seen[1..]);
    assert_eq!(
        folder.query_directory(&query, 4096).err(),
        Some(Status::NO_MORE_FILES)
    );
    assert_eq!(
        folder.query_directory(&query, 4096).err(),
        Some(Status::NO_MORE_FILES)
    );
    let other = name("*3");
    query.pattern = Some(other.as_name());
    query.restart = true;
    assert_eq!(first(folder.query_directory(&query, 4096).unwrap().0), "file3");
    // Two handles have two positions.
    let second = world.open("", &Open::directory()).unwrap();
    assert_eq!(second.names().unwrap().len(), 7);
}

pub(crate) fn tiny_buffers(world: &World) {
    let long = "n".repeat(100);
    std::fs::write(world.path(&long), b"").unwrap();
    std::fs::write(world.path("short"), b"").unwrap();
    let folder = world.open("", &Open::directory()).unwrap();
    let any = name("*");
    let query = DirectoryQuery {
        class: FileInformationClass::BOTH_DIRECTORY,
        pattern: Some(any.as_name()),
        restart: true,
        single: false,
    };
    assert_eq!(
        folder.query_directory(&query, 93).err(),
        Some(Status::INFO_LENGTH_MISMATCH)
    );
    // Room for one entry at a time: everything comes once.
    for len in [94 + 200, 300, 512] {
        let names: Vec<String> = folder
            .entries("*", len)
            .unwrap()
            .into_iter()
            .map(|entry| entry.name)
            .collect();
        assert_eq!(names.len(), 4, "buffers of {len} bytes");
        assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), 4);
    }
    // A first name that does not fit is cut, and passed.
    let only = name("n*");
    let query = DirectoryQuery {
        pattern: Some(only.as_name()),
        ..query
    };
    let (buffer, status) = folder.query_directory(&query, 94 + 21).unwrap();
    assert_eq!(status, Status::BUFFER_OVERFLOW);
    assert_eq!(buffer.len(), 94 + 20);
    assert_eq!(u32_at(&buffer, 60), 200, "the length is the whole name's");
    assert_eq!(utf16(&buffer[94..]), "n".repeat(10));
    let query = DirectoryQuery {
        restart: false,
        ..query
    };
    assert_eq!(
        folder.query_directory(&query, 4096).err(),
        Some(Status::NO_MORE_FILES)
    );
    let wrong = DirectoryQuery {
        class: FileInformationClass::BASIC,
        ..query
    };
    assert_eq!(
        folder.query_directory(&wrong, 4096).err(),
        Some(Status::INVALID_INFO_CLASS)
    );
}

pub(crate) fn many_entries(world: &World) {
    let mut expected = BTreeSet::from([".".to_string(), "..".to_string()]);
    std::fs::create_dir(world.path("many")).unwrap();
    for number in 0..2500 {
        let file = format!("a file with quite a long name, number {number}");
        std::fs::write(world.path("many").join(&file), b"").unwrap();
        expected.insert(file);
    }
    let folder = world.open("many", &Open::directory()).unwrap();
    for len in [4096, 64 * 1024] {
        let names: Vec<String> = folder
            .entries("*", len)
            .unwrap()
            .into_iter()
            .map(|entry| entry.name)
            .collect();
        assert_eq!(names.len(), expected.len(), "each once");
        assert_eq!(names.into_iter().collect::<BTreeSet<_>>(), expected);
    }
}

pub(crate) fn every_class_lists_the_same(world: &World) {
    std::fs::write(world.path("één"), b"1").unwrap();
    std::fs::write(world.path("two"), b"22").unwrap();
    let folder = world.open("", &Open::directory()).unwrap();
    for (class, length_at, name_at) in CLASSES {
        let any = name("*");
        let query = DirectoryQuery {
            class,
            pattern: Some(any.as_name()),
            restart: true,
            single: false,
        };
        let (list, _) = folder.query_directory(&query, 4096).unwrap();
        let mut names = BTreeSet::new();
        let mut at = 0;
        loop {
            let entry = &list[at..];
            let len = u32_at(entry, length_at) as usize;
            names.insert(utf16(&entry[name_at..name_at + len]));
            match u32_at(entry, 0) as usize {
                0 => break,
                next => at += next,
            }
        }
        let expected = [".", "..", "two", "één"].map(String::from);
        assert_eq!(names, BTreeSet::from(expected), "{class:?}");
    }
}

pub(crate) fn only_directories_are_listed(world: &World) {
    std::fs::write(world.path("file"), b"").unwrap();
    let file = world.open("file", &Open::read()).unwrap();
    assert_eq!(file.names().err(), Some(Status::INVALID_PARAMETER));
}

pub(crate) fn patterns_that_no_name_matches(world: &World) {
    let folder = world.open("", &Open::directory()).unwrap();
    for pattern in ["a\\b", "a/b", "file:stream", "a|b", "*\u{1f}", "\0"] {
        assert_eq!(
            folder.entries(pattern, 4096).err(),
            Some(Status::OBJECT_NAME_INVALID),
            "{pattern:?}"
        );
    }
    // The handle takes another after that, and that one counts.
    assert_eq!(folder.entries("nobody?", 4096).err(), Some(Status::NO_SUCH_FILE));
    assert_eq!(folder.entries("*", 4096).unwrap().len(), 2);
}

pub(crate) fn the_dots_come_first(world: &World) {
    for number in 0..20 {
        std::fs::write(world.path(&format!("{number}")), b"").unwrap();
    }
    let names = world.open("", &Open::directory()).unwrap().names().unwrap();
    assert_eq!(names[..2], [".", ".."]);
    assert_eq!(names.len(), 22, "each once");
    let dots = |pattern| {
        let folder = world.open("", &Open::directory()).unwrap();
        let entries = folder.entries(pattern, 4096).unwrap();
        entries.into_iter().map(|entry| entry.name).collect::<Vec<_>>()
    };
    assert_eq!(dots(".*"), [".", ".."]);
    assert_eq!(dots("."), ["."]);
    assert_eq!(dots(".."), [".."]);
    // What is above is not told: it may be out of the share.
    std::fs::create_dir(world.path("folder")).unwrap();
    let folder = world.open("folder", &Open::directory()).unwrap();
    let query = DirectoryQuery {
        class: FileInformationClass::ID_BOTH_DIRECTORY,
        pattern: None,
        restart: false,
        single: true,
    };
    let id = |entry: &[u8]| u64::from_le_bytes(entry[96..104].try_into().unwrap());
    assert_eq!(id(&folder.query_directory(&query, 4096).unwrap().0), folder.id());
    assert_eq!(id(&folder.query_directory(&query, 4096).unwrap().0), 0);
}

pub(crate) fn a_name_is_found_without_listing(world: &World) {
    for file in ["Readme", "README", "other"] {
        std::fs::write(world.path(file), b"12").unwrap();
    }
    let find = |pattern| {
        let folder = world.open("", &Open::directory()).unwrap();
        let entries = folder.entries(pattern, 4096)?;
        Ok(entries.into_iter().map(|entry| entry.name).collect::<Vec<_>>())
    };
    assert_eq!(find("README").unwrap(), ["README"], "as it is written");
    assert_eq!(find("OTHER").unwrap(), ["other"], "in another case");
    assert_eq!(find("nobody"), Err(Status::NO_SUCH_FILE));
    assert_eq!(
        find("nobody."),
        Err(Status::NO_SUCH_FILE),
        "what no file is called"
    );
    let folder = world.open("", &Open::directory()).unwrap();
    let pattern = name("Readme");
    let query = DirectoryQuery {
        class: FileInformationClass::BOTH_DIRECTORY,
        pattern: Some(pattern.as_name()),
        restart: true,
        single: true,
    };
    for _ in 0..2 {
        let (list, _) = folder.query_directory(&query, 4096).unwrap();
        assert_eq!(both_directory(&list)[0].size, 2);
    }
    let on = DirectoryQuery {
        restart: false,
        ..query
    };
    let after = folder.query_directory(&on, 4096);
    assert_eq!(after.err(), Some(Status::NO_MORE_FILES));
}

pub(crate) fn links_show_their_tag(world: &World) {
    std::os::unix::fs::symlink("nowhere", world.path("link")).unwrap();
    let folder = world.open("", &Open::directory()).unwrap();
    let pattern = name("link");
    for (class, tag_at) in [
        (FileInformationClass::FULL_DIRECTORY, 64),
        (FileInformationClass::BOTH_DIRECTORY, 64),
        (FileInformationClass::ID_BOTH_DIRECTORY, 64),
        (FileInformationClass::ID_FULL_DIRECTORY, 64),
        (FileInformationClass::ID_EXTD_DIRECTORY, 68),
    ] {
        let query = DirectoryQuery {
            class,
            pattern: Some(pattern.as_name()),
            restart: true,
            single: false,
        };
        let (list, _) = folder.query_directory(&query, 4096).unwrap();
        assert_eq!(
            u32_at(&list, tag_at),
            0xa000_000c,
            "IO_REPARSE_TAG_SYMLINK, {class:?}"
        );
    }
}

pub(crate) fn files_that_go_meanwhile_are_left_out(world: &World) {
    for number in 0..200 {
        std::fs::write(world.path(&format!("file{number}")), b"").unwrap();
    }
    let folder = world.open("", &Open::directory()).unwrap();
    let pattern = name("file*");
    let mut query = DirectoryQuery {
        class: FileInformationClass::BOTH_DIRECTORY,
        pattern: Some(pattern.as_name()),
        restart: true,
        single: true,
    };
    let (first, _) = folder.query_directory(&query, 4096).unwrap();
    let first = both_directory(&first)[0].name.clone();
    for number in 0..200 {
        let file = format!("file{number}");
        if file != first && number % 2 == 0 {
            std::fs::remove_file(world.path(&file)).unwrap();
        }
    }
    (query.restart, query.single) = (false, false);
    let mut seen = vec![first];
    loop {
        match folder.query_directory(&query, 4096) {
            Ok((list, _)) => seen.extend(both_directory(&list).into_iter().map(|entry| entry.name)),
            Err(status) => {
                assert_eq!(status, Status::NO_MORE_FILES);
                break;
            }
        }
    }
    let on_disk: BTreeSet<String> = std::fs::read_dir(world.path(""))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(seen.iter().cloned().collect::<BTreeSet<_>>(), on_disk);
    assert_eq!(seen.len(), on_disk.len(), "each once");
}

pub(crate) fn hidden_from_unix_is_hidden_here(world: &World) {
    std::fs::write(world.path(".profile"), b"").unwrap();
    let folder = world.open("", &Open::directory()).unwrap();
    let entries = folder.entries(".profile", 4096).unwrap();
    assert!(entries[0].attributes.contains(FileAttributes::HIDDEN));
}
