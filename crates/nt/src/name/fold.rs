//! Upper-casing as NT does it: one unit in, one unit out.

/// The upper-case form of one UTF-16 unit, as `RtlUpcaseUnicodeChar` defines it: a fixed one-to-one table.
///
/// Characters without a one-unit upper-case form, and surrogates, stay as they are. So do three characters that
/// Unicode folds into letters of another alphabet part (micro sign, dotless i, long s): NT keeps them apart, and
/// no character outside ASCII may ever become equal to an ASCII one.
#[must_use]
pub fn upcase(unit: u16) -> u16 {
    match unit {
        0x61..=0x7A => unit - 0x20,
        0..=0x7F | 0xB5 | 0x131 | 0x17F | 0xD800..=0xDFFF => unit,
        // Greek with iota subscript: Unicode's full mapping is two characters, the simple one is this.
        0x1F80..=0x1F87 | 0x1F90..=0x1F97 | 0x1FA0..=0x1FA7 => unit + 8,
        0x1FB3 | 0x1FC3 | 0x1FF3 => unit + 9,
        _ => upcase_by_unicode(unit),
    }
}

fn upcase_by_unicode(unit: u16) -> u16 {
    let Some(c) = char::from_u32(u32::from(unit)) else {
        return unit;
    };
    let mut upper = c.to_uppercase();
    match (upper.next(), upper.next()) {
        (Some(only), None) => u16::try_from(u32::from(only)).unwrap_or(unit),
        _ => unit,
    }
}
