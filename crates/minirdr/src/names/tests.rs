use std::string::{String, ToString};
use std::vec::Vec;

use nt::{Name, NameBuf, Status};
use proptest::prelude::*;

use super::{ServerPath, is_name, to_nt, to_server};

fn nt(name: &[u8]) -> NameBuf {
    let mut out = NameBuf::default();
    to_nt(name, &mut out).unwrap();
    out
}

fn server(name: Name<'_>) -> nt::Result<Vec<u8>> {
    let mut out = Vec::new();
    to_server(name, &mut out).map(|()| out)
}

/// What NT refuses in a name, wherever it comes from.
fn is_fit_for_nt(name: Name<'_>) -> bool {
    let forbidden = |&unit: &u16| unit < 0x20 || "\"*:<>?\\|/".encode_utf16().any(|bad| bad == unit);
    let last = name.as_units().last();
    !name.as_units().iter().any(forbidden)
        && last.is_some_and(|&unit| unit != u16::from(b'.') && unit != u16::from(b' '))
}

/// Any name that a file on a server can have.
fn server_names() -> impl Strategy<Value = Vec<u8>> {
    let pieces = prop_oneof![
        any::<char>().prop_map(|c| c.to_string().into_bytes()),
        "[ -~]".prop_map(String::into_bytes),
        Just(b".".to_vec()),
        Just(b" ".to_vec()),
        (0xf000_u32..0xf100).prop_map(|code| char::from_u32(code).unwrap().to_string().into_bytes()),
        any::<u8>().prop_map(|byte| Vec::from([byte])),
    ];
    proptest::collection::vec(pieces, 1..40)
        .prop_map(|pieces| pieces.concat())
        .prop_filter("no file can have it", |name| {
            is_name(name) && name != b"." && name != b".."
        })
}

/// Names as long as there can be, and a little longer: of one kind of character, with another at their end.
fn long_names() -> impl Strategy<Value = Vec<u8>> {
    let kinds: [&[u8]; 8] = [
        b"x",
        b":",
        b".",
        b" ",
        b"\xff",
        "\u{e9}".as_bytes(),
        "\u{f03a}".as_bytes(),
        "\u{1f980}".as_bytes(),
    ];
    (0..kinds.len(), 0..kinds.len(), 240_usize..262).prop_map(move |(most, last, length)| {
        let mut name = kinds[most].repeat(length / kinds[most].len());
        while name.len() < length {
            name.extend(kinds[last]);
        }
        name
    })
}

testserver::properties! {
    #[test]
    fn names_are_names_up_to_their_longest(name in long_names()) {
        let shown = nt(&name);
        // Longer ones are shown to nobody, and nobody can ask for them.
        let expected = if is_name(&name) { Ok(name.clone()) } else { Err(Status::OBJECT_NAME_INVALID) };
        prop_assert_eq!(server(shown.as_name()), expected);
        prop_assert_eq!(is_name(&name), name.len() <= 255);
        prop_assert!(shown.as_name().len() <= name.len(), "as many characters as bytes at most");
    }

    #[test]
    fn every_name_of_a_server_comes_back_unchanged(name in server_names()) {
        let shown = nt(&name);
        prop_assert!(is_fit_for_nt(shown.as_name()), "{:?}", shown.as_name().as_units());
        prop_assert_eq!(server(shown.as_name()), Ok(name));
    }

    #[test]
    fn different_names_stay_different(one in server_names(), other in server_names()) {
        prop_assert_eq!(one == other, nt(&one) == nt(&other));
    }

    #[test]
    fn nothing_dangerous_reaches_the_wire(units in proptest::collection::vec(any::<u16>(), 0..300)) {
        if let Ok(name) = server(Name::new(&units)) {
            prop_assert!(is_name(&name) && name != b"." && name != b"..");
        }
    }

    #[test]
    fn every_name_that_is_taken_is_the_spelling_of_its_file(units in proptest::collection::vec(prop_oneof![
        (0x80_u16..0x100).prop_map(|byte| 0xdc00 | byte),
        0xf000_u16..0xf080,
        Just(u16::from(b'.')),
        Just(u16::from(b' ')),
        Just(u16::from(b'x')),
        any::<u16>(),
    ], 1..12)) {
        if let Ok(name) = server(Name::new(&units)) {
            let shown = nt(&name);
            prop_assert_eq!(shown.as_name().as_units(), &units[..]);
        }
    }

    #[test]
    fn paths_come_back_unchanged(names in proptest::collection::vec(server_names(), 0..6)) {
        let names: Vec<&[u8]> = names.iter().map(Vec::as_slice).filter(|name| is_name(name)).collect();
        let path = ServerPath::from_components(names.iter().copied()).unwrap();
        let shown = path.to_nt().unwrap();
        let back = ServerPath::parse(shown.as_name()).unwrap();
        prop_assert_eq!(back.as_bytes(), path.as_bytes());
        prop_assert_eq!(path.len(), names.len());
    }

    #[test]
    fn paths_are_made_of_names(units in proptest::collection::vec(
        prop_oneof![Just(u16::from(b'\\')), Just(u16::from(b'.')), Just(u16::from(b'a')), any::<u16>()],
        0..60,
    )) {
        if let Ok(path) = ServerPath::parse(Name::new(&units)) {
            for name in path.components() {
                prop_assert!(is_name(name) && name != b"." && name != b"..");
            }
            let joined: Vec<&[u8]> = path.components().collect();
            prop_assert_eq!(joined.join(&b'/'), path.as_bytes());
        }
    }
}

#[test]
fn names_that_need_care() {
    for (on_server, in_nt) in [
        ("plain", "plain"),
        ("a:b", "a\u{f03a}b"),
        ("dot.", "dot\u{f02e}"),
        ("...", "..\u{f02e}"),
        (" ", "\u{f020}"),
        ("a. b", "a. b"),
    ] {
        assert_eq!(nt(on_server.as_bytes()).as_name().to_string(), in_nt);
    }
    assert_eq!(
        nt("\u{f03a}".as_bytes()).as_name().as_units(),
        [0xdcef, 0xdc80, 0xdcba]
    );
    assert_eq!(nt(b"\xff.").as_name().as_units(), [0xdcff, 0xf02e]);
    let refused = |name: &str| server(NameBuf::try_from_str(name).unwrap().as_name());
    for name in [
        "",
        "a/b",
        "a:b",
        "a*",
        "\u{f02f}x/",
        "\0",
        "dot.",
        "space ",
        "a\u{f02e}b",
        "a\u{f020}b",
        "...",
    ] {
        assert_eq!(refused(name), Err(Status::OBJECT_NAME_INVALID), "{name:?}");
    }
    // "é" spelled byte by byte.
    assert_eq!(
        server(Name::new(&[0xdcc3, 0xdca9])),
        Err(Status::OBJECT_NAME_INVALID)
    );
    for name in [".", "..", "\u{f02e}", "\u{f02e}.", "\u{f02e}\u{f02e}"] {
        assert_eq!(refused(name), Err(Status::OBJECT_PATH_SYNTAX_BAD), "{name:?}");
    }
    assert_eq!(server(Name::new(&[0xd800])), Err(Status::OBJECT_NAME_INVALID));
    assert_eq!(server(Name::new(&[0xdc2f])), Err(Status::OBJECT_NAME_INVALID));
}

#[test]
fn paths() {
    let parse = |path: &str| ServerPath::parse(NameBuf::try_from_str(path).unwrap().as_name());
    assert_eq!(parse("").unwrap().components().count(), 0);
    assert_eq!(parse("\\").unwrap().components().count(), 0);
    let path = parse("\\a\\b c\\d\\").unwrap();
    assert_eq!(path.as_bytes(), b"a/b c/d");
    assert_eq!(path.split_last(), Some((&b"a/b c"[..], &b"d"[..])));
    assert_eq!(parse("\\a").unwrap().split_last(), Some((&b""[..], &b"a"[..])));
    assert_eq!(parse("").unwrap().split_last(), None);
    assert!(parse("\\a\\\\b").is_err());
    assert!(parse("\\a\\..\\b").is_err());
}
