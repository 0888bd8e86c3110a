use super::{MAX_UNITS, Name, NameBuf, SEPARATOR, upcase};
use crate::Status;
use proptest::prelude::*;
use std::{format, string::String, string::ToString as _, vec, vec::Vec};

fn buf(text: &str) -> NameBuf {
    NameBuf::try_from_str(text).unwrap()
}

fn parts(text: &str) -> Vec<String> {
    buf(text)
        .as_name()
        .components()
        .map(|part| part.to_string())
        .collect()
}

#[test]
fn components_ignore_one_separator_at_each_end() {
    assert_eq!(parts(""), Vec::<String>::new());
    assert_eq!(parts("\\"), Vec::<String>::new());
    assert_eq!(parts("a"), ["a"]);
    assert_eq!(parts("\\a\\b"), ["a", "b"]);
    assert_eq!(parts("\\a\\b\\"), ["a", "b"]);
    assert_eq!(parts("\\a\\\\b"), ["a", "", "b"]);
    assert_eq!(parts("\\\\"), [""]);
    assert_eq!(parts("\\\\a"), ["", "a"]);
    assert_eq!(parts("a\\\\"), ["a", ""]);
}

#[test]
fn components_know_what_is_left() {
    let name = buf("\\server\\share\\a\\b");
    let mut components = name.as_name().components();
    components.next();
    components.next();
    assert!(components.as_name().eq_str("a\\b"));
}

#[test]
fn upcase_facts() {
    for (lower, upper) in [
        ('a', 'A'),
        ('z', 'Z'),
        ('[', '['),
        ('é', 'É'),
        ('ÿ', 'Ÿ'),
        ('÷', '÷'),
        ('ß', 'ß'),
        ('ж', 'Ж'),
        ('ω', 'Ω'),
        ('ᾳ', 'ᾼ'),
        ('µ', 'µ'),
        ('ı', 'ı'),
        ('ſ', 'ſ'),
        ('σ', 'Σ'),
        ('ς', 'ς'),
        ('ǆ', 'Ǆ'),
        ('ǅ', 'ǅ'),
        ('漢', '漢'),
    ] {
        assert_eq!(upcase(lower as u16), upper as u16, "{lower}");
    }
}

#[test]
fn upcase_of_common_scripts_is_what_the_tables_say() {
    let iota_subscript = |unit: u16| (0x1F80..=0x1FFF).contains(&unit);
    for unit in (0..=u16::MAX).filter(|&unit| !iota_subscript(unit)) {
        let expected = match super::fold::upcase_reversibly(unit) {
            // No character outside ASCII becomes an ASCII one.
            Some(upper) if unit < 0x80 || upper >= 0x80 => upper,
            _ => unit,
        };
        assert_eq!(upcase(unit), expected, "U+{unit:04X}");
    }
}

#[test]
fn upcase_is_idempotent_and_keeps_ascii_apart() {
    for unit in 0..=u16::MAX {
        let upper = upcase(unit);
        assert_eq!(upcase(upper), upper, "U+{unit:04X}");
        assert_eq!(unit < 0x80, upper < 0x80, "U+{unit:04X}");
    }
}

#[test]
fn names_longer_than_a_counted_string_are_refused() {
    let units = vec![u16::from(b'a'); MAX_UNITS];
    let mut name = NameBuf::try_from_units(&units).unwrap();
    assert_eq!(name.try_push(0x41), Err(Status::NAME_TOO_LONG));
    assert_eq!(name.try_push_str("bc"), Err(Status::NAME_TOO_LONG));
    assert_eq!(name.try_reserve(usize::MAX), Err(Status::NAME_TOO_LONG));
    assert_eq!(name.len(), MAX_UNITS);
}

#[test]
fn splitting_and_stripping() {
    let name = buf("\\Server\\share");
    let name = name.as_name();
    assert_eq!(
        name.split_once(SEPARATOR),
        Some((Name::EMPTY, name.split_at(1).unwrap().1))
    );
    assert!(name.rsplit_once(SEPARATOR).unwrap().1.eq_str("share"));
    assert!(
        name.strip_prefix_ignore_case(buf("\\SERVER").as_name())
            .unwrap()
            .eq_str("\\share")
    );
    assert_eq!(
        name.strip_prefix_ignore_case(buf("\\SERVER\\share\\x").as_name()),
        None
    );
    assert_eq!(name.split_at(99), None);
    assert_eq!(Name::EMPTY.strip_unit(SEPARATOR), None);
    assert!(name.eq_str_ignore_case("\\sERVER\\SHARE"));
}

#[test]
fn text_forms() {
    let name = NameBuf::try_from_units(&[0x41, 0xD800, SEPARATOR, 0x0A]).unwrap();
    assert_eq!(name.to_string(), "A\u{FFFD}\\\n");
    assert_eq!(format!("{name:?}"), "\"A\u{FFFD}\\\\n\"");
    assert_eq!(ascii!("Az"), [0x41, 0x7A]);
}

#[test]
fn decimals() {
    for number in [0, 7, 10, 1_234, u64::MAX] {
        let mut name = buf("n");
        name.try_push_decimal(number).unwrap();
        assert_eq!(name.to_string(), format!("n{number}"));
    }
}

proptest! {
    #[test]
    fn equal_names_hash_alike(units in prop::collection::vec(any::<u16>(), 0..40)) {
        let name = NameBuf::try_from_units(&units).unwrap();
        let mut upper = name.try_clone().unwrap();
        upper.make_upcase();
        prop_assert!(name.as_name().eq_ignore_case(upper.as_name()));
        prop_assert_eq!(name.as_name().hash_upcased(), upper.as_name().hash_upcased());
    }

    #[test]
    fn components_join_back(parts in prop::collection::vec("[a-z.]{0,5}", 1..6)) {
        let text = format!("\\{}", parts.join("\\"));
        prop_assume!(!text.ends_with('\\'));
        prop_assert_eq!(self::parts(&text), parts);
    }

    #[test]
    fn strings_survive(text in any::<String>()) {
        prop_assert_eq!(buf(&text).to_string(), text);
    }
}
