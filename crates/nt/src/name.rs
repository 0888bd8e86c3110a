//! Counted UTF-16 names: [`Name`] borrows, [`NameBuf`] owns.
//!
//! A name is a sequence of 16-bit units with no terminator and no promise that surrogates are paired, as in
//! `UNICODE_STRING`. Comparison is by unit, or by unit after [`upcase`].

mod buffer;
mod fold;

use core::fmt::{self, Write as _};

pub use buffer::NameBuf;
pub use fold::upcase;

/// The separator of NT paths.
pub const SEPARATOR: u16 = b'\\' as u16;

/// The longest name in units: a `UNICODE_STRING` counts bytes in a `USHORT`.
pub const MAX_UNITS: usize = 0xFFFE / 2;

/// Whether letters that differ in case alone are equal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Case {
    /// `a` and `A` are different.
    Sensitive,
    /// `a` and `A` are the same (after [`upcase`]).
    Ignored,
}

impl Case {
    /// Whether two names are one.
    #[must_use]
    pub fn equal(self, a: Name<'_>, b: Name<'_>) -> bool {
        match self {
            Self::Sensitive => a == b,
            Self::Ignored => a.eq_ignore_case(b),
        }
    }
}

/// A borrowed counted name.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Name<'a>(&'a [u16]);

impl<'a> Name<'a> {
    /// The name without units.
    pub const EMPTY: Name<'static> = Name(&[]);

    /// A view of these units.
    #[must_use]
    pub const fn new(units: &'a [u16]) -> Self {
        Self(units)
    }

    /// The units.
    #[must_use]
    pub const fn as_units(self) -> &'a [u16] {
        self.0
    }

    /// Length in units.
    #[must_use]
    pub const fn len(self) -> usize {
        self.0.len()
    }

    /// Whether there are no units.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0.is_empty()
    }

    /// The unit at `index`.
    #[must_use]
    pub fn get(self, index: usize) -> Option<u16> {
        self.0.get(index).copied()
    }

    /// The first unit.
    #[must_use]
    pub fn first(self) -> Option<u16> {
        self.0.first().copied()
    }

    /// The last unit.
    #[must_use]
    pub fn last(self) -> Option<u16> {
        self.0.last().copied()
    }

    /// Whether any unit equals `unit`.
    #[must_use]
    pub fn contains(self, unit: u16) -> bool {
        self.0.contains(&unit)
    }

    /// The first `count` units and the rest, or `None` if the name is shorter.
    #[must_use]
    pub fn split_at(self, count: usize) -> Option<(Self, Self)> {
        let (head, tail) = self.0.split_at_checked(count)?;
        Some((Self(head), Self(tail)))
    }

    /// What precedes and what follows the first `unit`, or `None` if it does not occur.
    #[must_use]
    pub fn split_once(self, unit: u16) -> Option<(Self, Self)> {
        let at = self.0.iter().position(|&candidate| candidate == unit)?;
        Some((Self(self.0.get(..at)?), Self(self.0.get(at + 1..)?)))
    }

    /// What precedes and what follows the last `unit`, or `None` if it does not occur.
    #[must_use]
    pub fn rsplit_once(self, unit: u16) -> Option<(Self, Self)> {
        let at = self.0.iter().rposition(|&candidate| candidate == unit)?;
        Some((Self(self.0.get(..at)?), Self(self.0.get(at + 1..)?)))
    }

    /// The name without one leading `unit`, or `None` if it starts otherwise.
    #[must_use]
    pub fn strip_unit(self, unit: u16) -> Option<Self> {
        let (&first, rest) = self.0.split_first()?;
        (first == unit).then_some(Self(rest))
    }

    /// The name without one trailing `unit`, or `None` if it ends otherwise.
    #[must_use]
    pub fn strip_last_unit(self, unit: u16) -> Option<Self> {
        let (&last, rest) = self.0.split_last()?;
        (last == unit).then_some(Self(rest))
    }

    /// The name without this prefix (compared after [`upcase`]), or `None` if it starts otherwise.
    #[must_use]
    pub fn strip_prefix_ignore_case(self, prefix: Name<'_>) -> Option<Self> {
        let (head, tail) = self.split_at(prefix.len())?;
        head.eq_ignore_case(prefix).then_some(tail)
    }

    /// Equality after upper-casing each unit.
    #[must_use]
    pub fn eq_ignore_case(self, other: Name<'_>) -> bool {
        self.0.len() == other.0.len()
            && self
                .0
                .iter()
                .zip(other.0)
                .all(|(&a, &b)| a == b || upcase(a) == upcase(b))
    }

    /// Equality with a string, unit by unit of its UTF-16 form.
    #[must_use]
    pub fn eq_str(self, other: &str) -> bool {
        self.0.iter().copied().eq(other.encode_utf16())
    }

    /// Equality with a string after upper-casing each unit.
    #[must_use]
    pub fn eq_str_ignore_case(self, other: &str) -> bool {
        self.0
            .iter()
            .map(|&unit| upcase(unit))
            .eq(other.encode_utf16().map(upcase))
    }

    /// A hash that is equal for names that are equal under [`Name::eq_ignore_case`] (FNV-1a, 64 bits).
    #[must_use]
    pub fn hash_upcased(self) -> u64 {
        self.0.iter().fold(0xCBF2_9CE4_8422_2325, |hash, &unit| {
            upcase(unit).to_le_bytes().iter().fold(hash, |hash, &byte| {
                (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01B3)
            })
        })
    }

    /// The parts between backslashes.
    ///
    /// One leading and one trailing backslash are not counted as separators, so `\a\b\` has two components and
    /// `\` and the empty name have none. Empty components (`\a\\b`) are yielded, for the caller to refuse.
    #[must_use]
    pub fn components(self) -> Components<'a> {
        let body = self.strip_unit(SEPARATOR).unwrap_or(self);
        let body = body.strip_last_unit(SEPARATOR).unwrap_or(body);
        // Only a doubled separator leaves an empty body that still stands for an (empty) component.
        let rest = (!body.is_empty() || self.len() > 1).then_some(body);
        Components { rest }
    }

    /// The characters, unpaired surrogates replaced by U+FFFD.
    pub fn chars_lossy(self) -> impl Iterator<Item = char> + 'a {
        char::decode_utf16(self.0.iter().copied()).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER))
    }
}

impl<'a> From<&'a [u16]> for Name<'a> {
    fn from(units: &'a [u16]) -> Self {
        Self(units)
    }
}

impl fmt::Display for Name<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.chars_lossy().try_for_each(|c| f.write_char(c))
    }
}

impl fmt::Debug for Name<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_char('"')?;
        for c in self.chars_lossy() {
            // A backslash is the separator: escaping it would make paths hard to read.
            if c == '\\' {
                f.write_char(c)?;
            } else {
                c.escape_debug().try_for_each(|c| f.write_char(c))?;
            }
        }
        f.write_char('"')
    }
}

/// The iterator of [`Name::components`].
#[derive(Clone, Debug)]
pub struct Components<'a> {
    rest: Option<Name<'a>>,
}

impl<'a> Components<'a> {
    /// What has not been yielded yet, without its leading backslash.
    #[must_use]
    pub fn as_name(&self) -> Name<'a> {
        self.rest.unwrap_or_default()
    }
}

impl<'a> Iterator for Components<'a> {
    type Item = Name<'a>;

    fn next(&mut self) -> Option<Name<'a>> {
        let rest = self.rest.take()?;
        match rest.split_once(SEPARATOR) {
            Some((head, tail)) => {
                self.rest = Some(tail);
                Some(head)
            }
            None => Some(rest),
        }
    }
}

/// The UTF-16 units of an ASCII literal as an array, at compile time: `ascii!("CON")`.
#[macro_export]
macro_rules! ascii {
    ($text:literal) => {{
        const UNITS: [u16; $text.len()] = $crate::name::ascii_units($text);
        UNITS
    }};
}

/// The work behind [`ascii!`]: meant for constants, where a text that is not `N` ASCII characters is a build error.
///
/// # Panics
/// At compile time, if the text is not ASCII or not `N` characters long.
#[doc(hidden)]
#[must_use]
pub const fn ascii_units<const N: usize>(text: &str) -> [u16; N] {
    let bytes = text.as_bytes();
    assert!(bytes.len() == N && text.is_ascii());
    let mut units = [0; N];
    let mut at = 0;
    while at < N {
        units[at] = bytes[at] as u16;
        at += 1;
    }
    units
}

#[cfg(test)]
mod tests;
