//! Names that the two sides spell differently.

use std::os::unix::ffi::OsStrExt;

use nt::Status;

use crate::world::{Open, World};

pub(crate) fn non_ascii_names(world: &World) {
    let names = ["grüße.txt", "日本語", "Ελλάδα", "🦀 crab", "e\u{301}", "\u{e9}"];
    for name in names {
        let file = world.open(name, &Open::create()).unwrap();
        file.write(0, name.as_bytes()).unwrap();
        drop(file);
        assert_eq!(std::fs::read(world.path(name)).unwrap(), name.as_bytes());
    }
    let listed = world.list("").unwrap();
    for name in names {
        assert!(listed.contains(&name.to_string()), "{name}");
        drop(world.open(name, &Open::read()).unwrap());
    }
}

pub(crate) fn names_that_nt_forbids(world: &World) {
    for (on_server, in_nt) in [
        ("a:b", "a\u{f03a}b"),
        ("what?", "what\u{f03f}"),
        ("star*", "star\u{f02a}"),
        ("say \"hi\"", "say \u{f022}hi\u{f022}"),
        ("back\\slash", "back\u{f05c}slash"),
        ("ends with dot.", "ends with dot\u{f02e}"),
        ("ends with space ", "ends with space\u{f020}"),
        ("tab\there", "tab\u{f009}here"),
        ("...", "..\u{f02e}"),
    ] {
        std::fs::write(world.path(on_server), on_server).unwrap();
        assert!(
            world.list("").unwrap().contains(&in_nt.to_string()),
            "{on_server:?}"
        );
        let file = world.open(in_nt, &Open::write()).unwrap();
        assert_eq!(file.read(0, 99).unwrap(), on_server.as_bytes());
        drop(file);
        std::fs::remove_file(world.path(on_server)).unwrap();
        drop(world.open(in_nt, &Open::create()).unwrap());
        assert!(world.path(on_server).exists(), "{on_server:?} is made again");
        std::fs::remove_file(world.path(on_server)).unwrap();
    }
}

pub(crate) fn invalid_utf8(world: &World) {
    let raw = std::ffi::OsStr::from_bytes(b"caf\xe9");
    std::fs::write(world.path("").join(raw), b"latin 1").unwrap();
    let folder = world.open("", &Open::directory()).unwrap();
    let pattern = crate::world::name("caf*");
    let query = minirdr::DirectoryQuery {
        class: nt::FileInformationClass::NAMES,
        pattern: Some(pattern.as_name()),
        restart: true,
        single: false,
    };
    // The server in this process refuses such names on the wire, and diod does not.
    let Ok((list, _)) = folder.query_directory(&query, 4096) else {
        return;
    };
    let units: Vec<u16> = list[12..]
        .chunks_exact(2)
        .map(|unit| u16::from_le_bytes([unit[0], unit[1]]))
        .collect();
    assert_eq!(units, [0x63, 0x61, 0x66, 0xdce9]);
}

pub(crate) fn long_names(world: &World) {
    let longest = "x".repeat(255);
    drop(world.open(&longest, &Open::create()).unwrap());
    assert!(world.path(&longest).exists());
    let too_long = "x".repeat(256);
    assert_eq!(
        world.open(&too_long, &Open::create()).err(),
        Some(Status::OBJECT_NAME_INVALID)
    );
    // 128 characters, 256 bytes.
    assert_eq!(
        world.open(&"é".repeat(128), &Open::create()).err(),
        Some(Status::OBJECT_NAME_INVALID)
    );
}

pub(crate) fn names_at_the_limit(world: &World) {
    // On the server 255 bytes each.
    let longest = [
        (format!("x{}", "é".repeat(127)), format!("x{}", "é".repeat(127))),
        (":".repeat(255), "\u{f03a}".repeat(255)),
        (
            format!("{}.", "y".repeat(254)),
            format!("{}\u{f02e}", "y".repeat(254)),
        ),
    ];
    for (on_server, in_nt) in &longest {
        drop(world.open(in_nt, &Open::create()).unwrap());
        assert!(world.path(on_server).exists());
        assert!(world.list("").unwrap().contains(in_nt));
        let file = world.open(in_nt, &Open::delete()).unwrap();
        // A byte more is no name, neither for a rename nor for a link.
        let longer = format!("{in_nt}x");
        assert_eq!(
            file.rename(&longer, false, None),
            Err(Status::OBJECT_NAME_INVALID)
        );
        assert_eq!(file.link(&longer, false, None), Err(Status::OBJECT_NAME_INVALID));
        file.rename("short", false, None).unwrap();
        file.rename(in_nt, false, None).unwrap();
        assert!(world.path(on_server).exists());
        file.set_delete(true).unwrap();
    }
    assert_eq!(world.list("").unwrap(), [".", ".."]);
}

pub(crate) fn names_of_devices_are_names(world: &World) {
    // Win32 takes them away, and programs get there with \\?\; NT knows nothing of them.
    for name in ["CON", "nul", "AUX.txt", "COM1", "LPT9.log", "$MFT", "PRN"] {
        drop(world.open(name, &Open::create()).unwrap());
        assert!(world.path(name).exists());
        let file = world.open(&name.to_lowercase(), &Open::delete()).unwrap();
        file.set_delete(true).unwrap();
        drop(file);
        assert!(!world.path(name).exists(), "{name}");
    }
}
