use super::{Case, DriveLetter, OpenName, PathName, check_relative, strip_prefix};
use crate::logon::LogonId;
use nt::{CreateOptions, Name, NameBuf, Status};
use proptest::prelude::*;
use std::string::{String, ToString};
use std::vec::Vec;

fn name(text: &str) -> NameBuf {
    NameBuf::try_from_str(text).unwrap()
}

/// Drive, logon id, host, port, path, trailing backslash.
type Parsed = (Option<char>, Option<u64>, String, Option<u16>, String, bool);

/// What a name parses to, spelt out.
fn parsed(text: &str) -> Result<Parsed, Status> {
    let text = name(text);
    PathName::parse(text.as_name()).map(|name| {
        (
            name.drive.map(|drive| char::from(drive.letter())),
            name.logon.map(|logon| logon.0),
            name.server.host.to_string(),
            name.server.port,
            name.path.to_string(),
            name.trailing_backslash,
        )
    })
}

#[test]
fn the_documented_forms() {
    let ok = |drive, logon, host: &str, port, path: &str, trailing| {
        Ok((drive, logon, host.to_string(), port, path.to_string(), trailing))
    };
    let cases = [
        (
            r"\;X:\srv\sh\a\b",
            ok(Some('X'), None, "srv", None, r"\sh\a\b", false),
        ),
        (
            r"\;x:\srv@5640\a\b\c",
            ok(Some('X'), None, "srv", Some(5640), r"\a\b\c", false),
        ),
        (
            r"\;X:0000000000001234\srv\sh\a",
            ok(Some('X'), Some(0x1234), "srv", None, r"\sh\a", false),
        ),
        (
            r"\;X:1f\srv\sh",
            ok(Some('X'), Some(0x1F), "srv", None, r"\sh", false),
        ),
        (r"\;:2\srv\sh", ok(None, None, "srv", None, r"\sh", false)),
        (r"\srv\sh\f", ok(None, None, "srv", None, r"\sh\f", false)),
        (r"\\srv\sh\f", ok(None, None, "srv", None, r"\sh\f", false)),
        (r"\srv\sh\", ok(None, None, "srv", None, r"\sh", true)),
        (
            r"\;X:\srv\sh\dir\",
            ok(Some('X'), None, "srv", None, r"\sh\dir", true),
        ),
        (
            r"\fe80--1.ipv6-literal.net@1\x",
            ok(None, None, "fe80--1.ipv6-literal.net", Some(1), r"\x", false),
        ),
        (
            r"\srv\sh\..x\...",
            ok(None, None, "srv", None, r"\sh\..x\...", false),
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(parsed(text), expected, "{text}");
    }
}

#[test]
fn the_documented_refusals() {
    let long_component = std::format!(r"\srv\{}", "x".repeat(256));
    let too_long = std::format!(r"\srv{}", r"\abcdefg".repeat(5000));
    let cases = [
        ("", Status::OBJECT_NAME_INVALID),
        ("x", Status::OBJECT_NAME_INVALID),
        (r"\", Status::OBJECT_NAME_INVALID),
        (r"srv\sh", Status::OBJECT_PATH_INVALID),
        (r"X:\srv\sh", Status::OBJECT_PATH_INVALID),
        (r"\\", Status::OBJECT_NAME_INVALID),
        (r"\\\srv\sh", Status::OBJECT_NAME_INVALID),
        (r"\;", Status::OBJECT_NAME_INVALID),
        (r"\;X", Status::OBJECT_NAME_INVALID),
        (r"\;X:", Status::OBJECT_NAME_INVALID),
        (r"\;X:\", Status::OBJECT_NAME_INVALID),
        (r"\;X:\srv", Status::OBJECT_NAME_INVALID),
        (r"\;X:\srv\", Status::OBJECT_NAME_INVALID),
        (r"\;X\srv\sh", Status::OBJECT_NAME_INVALID),
        (r"\;1:\srv\sh", Status::OBJECT_NAME_INVALID),
        (r"\;X:xyz\srv\sh", Status::OBJECT_NAME_INVALID),
        (r"\;X:00000000000012345\srv\sh", Status::OBJECT_NAME_INVALID),
        (r"\;LPT1:\srv\prn", Status::BAD_NETWORK_NAME),
        (r"\srv", Status::OBJECT_NAME_INVALID),
        (r"\srv\", Status::OBJECT_NAME_INVALID),
        (r"\srv\\sh", Status::OBJECT_NAME_INVALID),
        (r"\srv\sh\\a", Status::OBJECT_NAME_INVALID),
        (r"\srv\sh\a\\", Status::OBJECT_NAME_INVALID),
        (r"\srv\sh\.", Status::OBJECT_PATH_SYNTAX_BAD),
        (r"\srv\..\sh", Status::OBJECT_PATH_SYNTAX_BAD),
        (r"\;X:\srv\sh\a\..\b", Status::OBJECT_PATH_SYNTAX_BAD),
        (r"\srv\sh\a*", Status::OBJECT_NAME_INVALID),
        (r"\srv\sh\a?b", Status::OBJECT_NAME_INVALID),
        (r"\srv\sh/a", Status::OBJECT_NAME_INVALID),
        (r"\srv\sh\a:stream", Status::OBJECT_NAME_INVALID),
        ("\\srv\\sh\\a\u{1}", Status::OBJECT_NAME_INVALID),
        ("\\srv\\sh\\a\0", Status::OBJECT_NAME_INVALID),
        (r"\@564\sh", Status::OBJECT_NAME_INVALID),
        (r"\srv@\sh", Status::OBJECT_NAME_INVALID),
        (r"\srv@0\sh", Status::OBJECT_NAME_INVALID),
        (r"\srv@65536\sh", Status::OBJECT_NAME_INVALID),
        (r"\srv@SSL\sh", Status::OBJECT_NAME_INVALID),
        (r"\srv@SSL@443\sh", Status::OBJECT_NAME_INVALID),
        (long_component.as_str(), Status::OBJECT_NAME_INVALID),
        (too_long.as_str(), Status::OBJECT_PATH_INVALID),
    ];
    for (text, expected) in cases {
        // A text beyond what a NameBuf holds is still a name that a caller can point at.
        let units: Vec<u16> = text.encode_utf16().collect();
        assert_eq!(PathName::parse(Name::new(&units)).err(), Some(expected), "{text}");
    }
}

#[test]
fn options_are_judged_with_the_name() {
    let parse = |text: &str, options| OpenName::parse(name(text).as_name(), options).err();
    let (directory, file) = (CreateOptions::DIRECTORY_FILE, CreateOptions::NON_DIRECTORY_FILE);
    assert_eq!(parse("", CreateOptions::empty()), None);
    assert_eq!(
        parse(r"\srv\sh\a", directory | file),
        Some(Status::INVALID_PARAMETER)
    );
    assert_eq!(parse(r"\srv\sh\a\", file), Some(Status::OBJECT_NAME_INVALID));
    assert_eq!(parse(r"\srv\sh\a\", directory), None);
    assert_eq!(
        OpenName::parse(Name::EMPTY, CreateOptions::empty()),
        Ok(OpenName::Device)
    );
}

#[test]
fn relative_paths() {
    for (text, expected) in [
        ("", None),
        ("a", None),
        (r"a\b", None),
        (r"\a", Some(Status::OBJECT_NAME_INVALID)),
        (r"a\\b", Some(Status::OBJECT_NAME_INVALID)),
        (r"a\", Some(Status::OBJECT_NAME_INVALID)),
        ("..", Some(Status::OBJECT_PATH_SYNTAX_BAD)),
        (r"a\.", Some(Status::OBJECT_PATH_SYNTAX_BAD)),
    ] {
        assert_eq!(check_relative(name(text).as_name()).err(), expected, "{text}");
    }
}

#[test]
fn prefixes_end_where_components_end() {
    let strip = |text: &str, prefix: &str, case| {
        strip_prefix(name(text).as_name(), name(prefix).as_name(), case).map(|rest| rest.to_string())
    };
    assert_eq!(strip(r"\a\b", r"\a", Case::Sensitive), Some(r"\b".to_string()));
    assert_eq!(strip(r"\a", r"\a", Case::Sensitive), Some(String::new()));
    assert_eq!(strip(r"\ab", r"\a", Case::Sensitive), None);
    assert_eq!(strip(r"\A\b", r"\a", Case::Sensitive), None);
    assert_eq!(strip(r"\A\b", r"\a", Case::Ignored), Some(r"\b".to_string()));
    assert_eq!(strip(r"\a", r"\a\b", Case::Sensitive), None);
}

#[test]
fn drive_letters_fold() {
    assert_eq!(
        DriveLetter::new('q'.try_into().unwrap()).map(DriveLetter::letter),
        Some(b'Q')
    );
    assert_eq!(
        DriveLetter::new(0x17F),
        None,
        "not even what upper-cases to a letter"
    );
    assert_eq!(DriveLetter::new(b'1'.into()), None);
}

/// Units that make interesting names likely.
fn any_name() -> impl Strategy<Value = Vec<u16>> {
    let interesting = prop::sample::select(r"\\\\;:@.XYZ019*/ab".encode_utf16().collect::<Vec<_>>());
    prop::collection::vec(prop_oneof![4 => interesting, 1 => any::<u16>()], 0..40)
}

fn component() -> impl Strategy<Value = String> {
    "[a-zA-Z0-9_äß€ .-]{1,12}".prop_filter("special", |text| text != "." && text != "..")
}

proptest! {
    #[test]
    fn parsing_never_panics_and_what_it_accepts_is_clean(units in any_name()) {
        let name = Name::new(&units);
        for options in [CreateOptions::empty(), CreateOptions::DIRECTORY_FILE, CreateOptions::NON_DIRECTORY_FILE] {
            if let Ok(OpenName::Path(path)) = OpenName::parse(name, options) {
                prop_assert_eq!(path.path.first(), Some(b'\\'.into()));
                prop_assert!(path.full.len() <= units.len());
                prop_assert!(path.full.as_units().ends_with(path.path.as_units()));
                prop_assert!(!path.server.host.is_empty());
                for component in path.path.components() {
                    prop_assert!(!component.is_empty());
                    prop_assert!(!component.eq_str(".") && !component.eq_str(".."));
                }
            }
        }
        _ = check_relative(name);
    }

    #[test]
    fn well_formed_names_come_apart_as_they_were_put_together(
        letter in "[A-Za-z]", logon in any::<Option<u64>>(), drive in any::<bool>(),
        host in "[a-z][a-z0-9.-]{0,10}", port in prop::option::of(1..=u16::MAX),
        components in prop::collection::vec(component(), 1..6), trailing in any::<bool>(),
    ) {
        let mut text = String::new();
        if drive {
            text += &std::format!(r"\;{letter}:");
            if let Some(logon) = logon {
                text += &std::format!("{logon:016x}");
            }
        }
        text += &std::format!(r"\{host}");
        if let Some(port) = port {
            text += &std::format!("@{port}");
        }
        let path = std::format!(r"\{}", components.join(r"\"));
        text += &path;
        if trailing {
            text.push('\\');
        }
        let letter = letter.to_ascii_uppercase().chars().next();
        let expected = (
            letter.filter(|_| drive), logon.filter(|_| drive), host, port, path, trailing,
        );
        prop_assert_eq!(parsed(&text), Ok(expected));
        let text = name(&text);
        let logon_of = |name: Name<'_>| PathName::parse(name).unwrap().logon;
        prop_assert_eq!(logon_of(text.as_name()), logon.filter(|_| drive).map(LogonId));
    }
}
