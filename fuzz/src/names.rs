//! Names in both directions, and patterns.

use nt::pattern::{Case, Pattern};
use nt::{CreateOptions, Name, NameBuf};
use rdbss::names::{OpenName, PathName, ServerName};

use crate::bytes::units;

/// A server's name gets one NT spelling, which leads back to it.
pub(crate) fn to_nt(name: &[u8]) {
    let mut spelling = NameBuf::default();
    minirdr::to_nt(name, &mut spelling).expect("any name has a spelling");
    // What no file can be called may lead anywhere, or nowhere.
    if matches!(name, b"" | b"." | b"..") || name.len() > 255 || name.contains(&b'/') || name.contains(&0) {
        return;
    }
    let mut back = Vec::new();
    minirdr::to_server(spelling.as_name(), &mut back).expect("the way back");
    assert_eq!(back, name);
}

/// An NT name leads to one server's name at most, which never leads anywhere else.
pub(crate) fn to_server(data: &[u8]) {
    let units = units(data);
    let mut name = Vec::new();
    if minirdr::to_server(Name::new(&units), &mut name).is_err() {
        return;
    }
    assert!(!matches!(&name[..], b"" | b"." | b".."), "{name:?}");
    assert!(!name.contains(&b'/') && !name.contains(&0), "{name:?}");
    let mut again = NameBuf::default();
    minirdr::to_nt(&name, &mut again).expect("any name has a spelling");
    assert!(again.as_name() == Name::new(&units), "two spellings of {name:?}");
}

/// Names as they come with an open.
pub(crate) fn of_opens(data: &[u8]) {
    let Some((&options, rest)) = data.split_first() else {
        return;
    };
    let units = units(rest);
    let name = Name::new(&units);
    let options = CreateOptions::from_bits_retain(u32::from(options) << 8);
    let _ = OpenName::parse(name, options);
    let _ = ServerName::parse(name);
    let _ = rdbss::names::check_relative(name);
    if let Ok(parsed) = PathName::parse(name) {
        assert!(parsed.path.len() <= parsed.full.len());
        assert!(parsed.full.len() <= name.len());
    }
}

/// A pattern and a name, split at a unit of 0. Matching is bounded, and `*` alone matches everything.
pub(crate) fn pattern(data: &[u8]) {
    let units = units(data);
    let (pattern, name) = match units.iter().position(|&unit| unit == 0) {
        Some(at) => (&units[..at], &units[at + 1..]),
        None => (&units[..], &units[..]),
    };
    for case in [Case::Sensitive, Case::Ignored] {
        let Ok(parsed) = Pattern::try_new(Name::new(pattern), case) else {
            continue;
        };
        let matches = parsed.matches(Name::new(name));
        assert!(matches || !parsed.matches_all());
        if let Some(literal) = parsed.as_literal()
            && literal == Name::new(name)
        {
            assert!(matches, "a name matches itself");
        }
    }
}
