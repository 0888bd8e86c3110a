//! Upper-casing as NT does it: one unit in, one unit out.

/// The upper-case form of one UTF-16 unit, as `RtlUpcaseUnicodeChar` defines it: a fixed one-to-one table.
///
/// A unit changes only if its upper-case form is one unit whose lower-case form is the unit again. So two different
/// lower-case letters never become equal (final sigma and sigma, long s and s, dotless i and i), and no character
/// outside ASCII becomes an ASCII one. Surrogates stay as they are.
#[must_use]
pub fn upcase(unit: u16) -> u16 {
    match unit {
        0x61..=0x7A => unit - 0x20,
        0..=0x7F | 0xD800..=0xDFFF => unit,
        // Alphabets whose small letters follow their capitals at one distance, and scripts without case: known without
        // a look into Unicode's tables.
        0xE0..=0xF6 | 0xF8..=0xFE | 0x3B1..=0x3C1 | 0x3C3..=0x3C9 | 0x430..=0x44F => unit - 0x20,
        0x450..=0x45F => unit - 0x50,
        0xA0..=0xB4
        | 0xB6..=0xDE
        | 0xF7
        | 0x391..=0x3A9
        | 0x400..=0x42F
        | 0x2E80..=0xA63F
        | 0xAC00..=0xD7FF
        | 0xE000..=0xFEFF => unit,
        // Greek with iota subscript: Unicode's full mapping is two characters, the simple one is this.
        0x1F80..=0x1F87 | 0x1F90..=0x1F97 | 0x1FA0..=0x1FA7 => unit + 8,
        0x1FB3 | 0x1FC3 | 0x1FF3 => unit + 9,
        _ => upcase_reversibly(unit).unwrap_or(unit),
    }
}

pub(super) fn upcase_reversibly(unit: u16) -> Option<u16> {
    let lower = char::from_u32(u32::from(unit))?;
    let upper = only(lower.to_uppercase())?;
    (only(upper.to_lowercase())? == lower).then(|| u16::try_from(u32::from(upper)).ok())?
}

fn only(mut characters: impl Iterator<Item = char>) -> Option<char> {
    let first = characters.next()?;
    characters.next().is_none().then_some(first)
}
