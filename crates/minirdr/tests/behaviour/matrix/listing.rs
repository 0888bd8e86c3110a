//! Directories: wildcards, and the names that NT could not have.

use super::{Cell, same};
use crate::world::Open;

const NAMES: [&str; 7] = [
    "a.txt",
    "b.txt",
    "c",
    "long name.txt",
    "two.dots.txt",
    "UPPER.TXT",
    ".hidden",
];

/// Patterns as the file system gets them; DOS_STAR is `<`, DOS_QM `>`, DOS_DOT `"`. `.` and `..` match, too, and are left out.
pub(super) fn wildcards() -> Vec<Cell> {
    let rows: [(&str, &[&str], &str); 14] = [
        ("*", &NAMES, "* matches every name"),
        (
            "*.txt",
            &["a.txt", "b.txt", "long name.txt", "two.dots.txt", "UPPER.TXT"],
            "* matches any characters, in any case",
        ),
        ("?.txt", &["a.txt", "b.txt"], "? matches one character"),
        ("a.txt", &["a.txt"], "a name without wildcards matches itself"),
        ("A.TXT", &["a.txt"], "a name matches in another case"),
        (
            "*.*.*",
            &["two.dots.txt"],
            "each dot of a pattern wants one in the name",
        ),
        (
            "*o*",
            &["long name.txt", "two.dots.txt"],
            "* stands on both sides",
        ),
        (
            "<.txt",
            &["a.txt", "b.txt", "long name.txt", "two.dots.txt", "UPPER.TXT"],
            "DOS_STAR reaches to the last dot",
        ),
        (
            "<\"<",
            &NAMES,
            "*.* of Win32, which becomes <\"<, matches names without a dot, too",
        ),
        ("c>>>", &["c"], "DOS_QM matches nothing at the end of a name"),
        ("c\"", &["c"], "DOS_DOT matches nothing at the end of a name"),
        ("?????????.txt", &["long name.txt"], "as many ? as characters"),
        ("two.*", &["two.dots.txt"], "* matches dots"),
        (".*", &[".hidden"], "a dot in front is a character as any"),
    ];
    rows.into_iter()
        .map(|(pattern, expected, rule)| Cell {
            name: format!("{pattern}: {rule}"),
            check: Box::new(move |place| {
                for name in NAMES {
                    std::fs::write(place.local(name), b"").unwrap();
                }
                let folder = place
                    .world
                    .open(&place.remote(""), &Open::directory())
                    .map_err(|status| format!("{status:?}"))?;
                let entries = folder
                    .entries(pattern, 64 * 1024)
                    .map_err(|status| format!("{status:?}"))?;
                let mut found: Vec<String> = entries.into_iter().map(|entry| entry.name).collect();
                found.retain(|name| name != "." && name != "..");
                found.sort();
                let mut expected: Vec<String> = expected.iter().map(|name| (*name).to_owned()).collect();
                expected.sort();
                same(found, expected)
            }),
        })
        .collect()
}

/// What a server's file may be called and NT's may not: shown in the private range, and opened by that name.
pub(super) fn forbidden_characters() -> Vec<Cell> {
    let mut rows: Vec<(String, String)> = "\"*:<>?\\|\u{1}\u{1f}"
        .chars()
        .map(|character| {
            let moved = char::from_u32(0xf000 + u32::from(character)).unwrap();
            (format!("x{character}y"), format!("x{moved}y"))
        })
        .collect();
    rows.push(("dot at the end.".into(), "dot at the end\u{f02e}".into()));
    rows.push(("space at the end ".into(), "space at the end\u{f020}".into()));
    rows.into_iter()
        .map(|(on_server, in_nt)| Cell {
            name: format!("{on_server:?} on the server is {in_nt:?} in NT"),
            check: Box::new(move |place| {
                std::fs::write(place.local(&on_server), b"content").unwrap();
                same(
                    place.world.list(&place.remote("")).map(|mut names| {
                        names.retain(|name| name != "." && name != "..");
                        names
                    }),
                    Ok(vec![in_nt.clone()]),
                )?;
                let file = place.world.open(&place.remote(&in_nt), &Open::read());
                let file = file.map_err(|status| format!("{status:?}"))?;
                same(file.read(0, 99), Ok(b"content".to_vec()))?;
                drop(file);
                std::fs::remove_file(place.local(&on_server)).unwrap();
                let made = place.world.open(&place.remote(&in_nt), &Open::create());
                made.map_err(|status| format!("{status:?}"))?;
                same(place.local(&on_server).exists(), true)
            }),
        })
        .collect()
}
