//! NT wildcard patterns (`FsRtlIsNameInExpression`).
//!
//! | Unit | Matches |
//! |---|---|
//! | `*` | any run of units |
//! | `?` | exactly one unit |
//! | `<` (`DOS_STAR`) | any run of units that does not include the last dot of the name |
//! | `>` (`DOS_QM`) | one unit; before a dot and at the end of the name, nothing |
//! | `"` (`DOS_DOT`) | a dot; at the end of the name, nothing |
//!
//! Matching follows all possibilities at once (a set of positions in the pattern), so its time is at most the
//! product of both lengths, whatever the pattern.

pub use crate::name::Case;
use crate::name::NameBuf;
use crate::{Name, Result, Status, upcase};

const STAR: u16 = b'*' as u16;
const QUESTION: u16 = b'?' as u16;
const DOS_STAR: u16 = b'<' as u16;
const DOS_QM: u16 = b'>' as u16;
const DOS_DOT: u16 = b'"' as u16;
const DOT: u16 = b'.' as u16;

/// The longest pattern in units: twice the longest component NT allows, and then some.
pub const MAX_PATTERN_UNITS: usize = 511;

/// Whether the name has a wildcard unit, that is, whether it is a pattern (`FsRtlDoesNameContainWildCards`).
#[must_use]
pub fn has_wildcards(name: Name<'_>) -> bool {
    name.as_units()
        .iter()
        .any(|unit| matches!(*unit, STAR | QUESTION | DOS_STAR | DOS_QM | DOS_DOT))
}

/// A pattern ready for matching many names.
#[derive(Debug)]
pub struct Pattern {
    /// Upper-cased if case is ignored.
    units: NameBuf,
    case: Case,
}

impl Pattern {
    /// Prepares a pattern.
    ///
    /// # Errors
    /// [`Status::OBJECT_NAME_INVALID`] if it is longer than [`MAX_PATTERN_UNITS`],
    /// [`Status::INSUFFICIENT_RESOURCES`].
    pub fn try_new(pattern: Name<'_>, case: Case) -> Result<Self> {
        if pattern.len() > MAX_PATTERN_UNITS {
            return Err(Status::OBJECT_NAME_INVALID);
        }
        let mut units = NameBuf::try_from_name(pattern)?;
        if case == Case::Ignored {
            units.make_upcase();
        }
        Ok(Self { units, case })
    }

    /// The pattern every name matches.
    ///
    /// # Errors
    /// [`Status::INSUFFICIENT_RESOURCES`].
    pub fn try_any() -> Result<Self> {
        Self::try_new(Name::new(&[STAR]), Case::Sensitive)
    }

    /// Whether every name matches (the pattern is `*`).
    #[must_use]
    pub fn matches_all(&self) -> bool {
        self.units.as_units() == [STAR]
    }

    /// The pattern without wildcards is a name; this is it, upper-cased if case is ignored.
    #[must_use]
    pub fn as_literal(&self) -> Option<Name<'_>> {
        let name = self.units.as_name();
        (!has_wildcards(name)).then_some(name)
    }

    /// Whether the name matches. Allocates nothing.
    #[must_use]
    pub fn matches(&self, name: Name<'_>) -> bool {
        if self.matches_all() {
            return true;
        }
        let last_dot = name.as_units().iter().rposition(|&unit| unit == DOT);
        let mut here = Positions::default();
        here.insert(0);
        for (at, &unit) in name.as_units().iter().enumerate() {
            let unit = if self.case == Case::Ignored {
                upcase(unit)
            } else {
                unit
            };
            here = self.step(here, unit, Some(at) == last_dot);
        }
        self.accepts(here)
    }

    /// The positions reached from `here` by consuming one unit.
    fn step(&self, mut here: Positions, unit: u16, is_last_dot: bool) -> Positions {
        let mut next = Positions::default();
        // Positions reached without consuming lie ahead, so one ascending pass meets them all.
        for (at, &item) in self.units.as_units().iter().enumerate() {
            if !here.contains(at) {
                continue;
            }
            match item {
                STAR => {
                    here.insert(at + 1);
                    next.insert(at);
                }
                DOS_STAR => {
                    here.insert(at + 1);
                    if !is_last_dot {
                        next.insert(at);
                    }
                }
                DOS_QM if unit == DOT => here.insert(at + 1),
                DOS_QM | QUESTION => next.insert(at + 1),
                DOS_DOT if unit == DOT => next.insert(at + 1),
                literal if literal == unit && literal != DOS_DOT => next.insert(at + 1),
                _ => {}
            }
        }
        next
    }

    /// Whether the end of the name may be the end of the pattern too.
    fn accepts(&self, mut here: Positions) -> bool {
        for (at, item) in self.units.as_units().iter().enumerate() {
            if here.contains(at) && matches!(*item, STAR | DOS_STAR | DOS_QM | DOS_DOT) {
                here.insert(at + 1);
            }
        }
        here.contains(self.units.len())
    }
}

/// A set of positions in a pattern, its end included.
#[derive(Clone, Copy, Default)]
struct Positions([u64; (MAX_PATTERN_UNITS + 1) / 64]);

impl Positions {
    fn insert(&mut self, position: usize) {
        if let Some(word) = self.0.get_mut(position / 64) {
            *word |= 1 << (position % 64);
        }
    }

    fn contains(&self, position: usize) -> bool {
        self.0
            .get(position / 64)
            .is_some_and(|word| word >> (position % 64) & 1 == 1)
    }
}

#[cfg(test)]
mod tests {
    use super::{Case, MAX_PATTERN_UNITS, Pattern, has_wildcards};
    use crate::{NameBuf, Status};
    use proptest::prelude::*;
    use std::vec;

    fn is_match(pattern: &str, name: &str) -> bool {
        let (pattern, name) = (
            NameBuf::try_from_str(pattern).unwrap(),
            NameBuf::try_from_str(name).unwrap(),
        );
        Pattern::try_new(pattern.as_name(), Case::Ignored)
            .unwrap()
            .matches(name.as_name())
    }

    #[test]
    fn documented_wildcards() {
        for (pattern, name, expected) in [
            ("*", "", true),
            ("*", "any.thing", true),
            ("", "", true),
            ("", "a", false),
            ("abc", "ABC", true),
            ("abc", "abcd", false),
            ("a*c", "abbbc", true),
            ("a*c", "abbbcd", false),
            ("*.txt", "a.b.TXT", true),
            ("?.c", "a.c", true),
            ("?.c", ".c", false),
            ("a?", "a", false),
            ("*a*b*", "xxaxxbxx", true),
            ("*a*b*", "xxbxxaxx", false),
            // What Win32 makes of `*.`: names without extension.
            ("<", "readme", true),
            ("<", "readme.txt", false),
            ("<\"", "readme", true),
            ("<\"", "readme.", true),
            ("<.txt", "a.b.txt", true),
            ("<.b<", "a.b.txt", false),
            ("<.b*", "a.b.txt", true),
            ("<b", "a.b", false),
            // What Win32 makes of `???.???`.
            (">>>\">>>", "abc.de", true),
            (">>>\">>>", "a.d", true),
            (">>>\">>>", "abc", true),
            (">>>\">>>", "abcd.e", false),
            (">>>\">>>", "a.defg", false),
            // The DOS wildcard units stand for themselves nowhere.
            ("\"", "\"", false),
            ("É*", "été", true),
        ] {
            assert_eq!(is_match(pattern, name), expected, "{pattern} on {name}");
        }
    }

    #[test]
    fn case_counts_when_asked() {
        let pattern = NameBuf::try_from_str("a*").unwrap();
        let name = NameBuf::try_from_str("Abc").unwrap();
        let sensitive = Pattern::try_new(pattern.as_name(), Case::Sensitive).unwrap();
        assert!(!sensitive.matches(name.as_name()));
    }

    #[test]
    fn literal_and_wild() {
        let text = NameBuf::try_from_str("file.txt").unwrap();
        let pattern = Pattern::try_new(text.as_name(), Case::Ignored).unwrap();
        assert!(pattern.as_literal().unwrap().eq_str("FILE.TXT"));
        assert!(Pattern::try_any().unwrap().as_literal().is_none());
        for wild in ["*", "a?", "<", "a>", "\""] {
            assert!(
                has_wildcards(NameBuf::try_from_str(wild).unwrap().as_name()),
                "{wild}"
            );
        }
        assert!(!has_wildcards(text.as_name()));
    }

    #[test]
    fn longest_pattern_still_matches_and_longer_is_refused() {
        let longest = NameBuf::try_from_units(&vec![0x3F; MAX_PATTERN_UNITS]).unwrap();
        let pattern = Pattern::try_new(longest.as_name(), Case::Ignored).unwrap();
        assert!(
            pattern.matches(
                NameBuf::try_from_units(&vec![0x61; MAX_PATTERN_UNITS])
                    .unwrap()
                    .as_name()
            )
        );
        assert!(
            !pattern.matches(
                NameBuf::try_from_units(&vec![0x61; MAX_PATTERN_UNITS - 1])
                    .unwrap()
                    .as_name()
            )
        );
        let longer = NameBuf::try_from_units(&vec![0x3F; MAX_PATTERN_UNITS + 1]).unwrap();
        assert_eq!(
            Pattern::try_new(longer.as_name(), Case::Ignored).err(),
            Some(Status::OBJECT_NAME_INVALID)
        );
    }

    /// The definition in the module's table, tried possibility by possibility.
    fn oracle(pattern: &[u16], name: &[u16]) -> bool {
        let dot = u16::from(b'.');
        let Some((&item, rest)) = pattern.split_first() else {
            return name.is_empty();
        };
        let eat_one = || !name.is_empty() && oracle(rest, &name[1..]);
        match char::from_u32(u32::from(item)).unwrap() {
            '*' => (0..=name.len()).any(|run| oracle(rest, &name[run..])),
            '<' => {
                // The suffixes tried in this test end where the name ends, so their last dot is the name's.
                let last = name.iter().rposition(|&unit| unit == dot).unwrap_or(name.len());
                (0..=last).any(|run| oracle(rest, &name[run..]))
            }
            '?' => eat_one(),
            '>' if name.first().is_none_or(|&unit| unit == dot) => oracle(rest, name),
            '>' => eat_one(),
            '"' if name.is_empty() => oracle(rest, name),
            '"' => name[0] == dot && eat_one(),
            _ => name.first() == Some(&item) && eat_one(),
        }
    }

    proptest! {
        #[test]
        fn agrees_with_the_definition(pattern in "[ab.*?<>\"]{0,8}", name in "[ab.]{0,8}") {
            let units = |text: &str| text.encode_utf16().collect::<std::vec::Vec<_>>();
            prop_assert_eq!(
                Pattern::try_new(NameBuf::try_from_str(&pattern).unwrap().as_name(), Case::Sensitive)
                    .unwrap()
                    .matches(NameBuf::try_from_str(&name).unwrap().as_name()),
                oracle(&units(&pattern), &units(&name))
            );
        }
    }
}
