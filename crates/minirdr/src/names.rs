//! File names between NT (UTF-16, `\`) and the server (bytes, `/`).
//!
//! Every name a server can hold has one NT spelling and comes back unchanged:
//! - a character NT forbids in a name is moved to the private range U+F000 + c, as other Windows clients of Unix
//!   servers do; so is a `.` or a space at the end of a name, which Win32 would strip;
//! - a byte that is not UTF-8 becomes the unpaired surrogate U+DC00 + byte, and so does each byte of a character that is
//!   in the private range already.
//!
//! On the way to the server the same rules run backwards, and what could leave the share (`.`, `..`, an empty
//! component, `/`, NUL) is refused before anything is sent.

use alloc::vec::Vec;
use executive::mem::TryVec;
use nt::{Name, NameBuf, Status};

/// Longest name of one component, in bytes on the server (NAME_MAX of the file systems behind 9P servers).
pub(crate) const COMPONENT_BYTES_MAX: usize = 255;

const PRIVATE_BASE: u32 = 0xf000;
const BYTE_ESCAPE_BASE: u16 = 0xdc00;

/// Whether NT forbids `c` inside a file name (`\` separates, the rest is refused by the I/O manager or Win32).
const fn is_forbidden(c: u32) -> bool {
    c < 0x20 || matches!(c, 0x22 | 0x2a | 0x3a | 0x3c | 0x3e | 0x3f | 0x5c | 0x7c)
}

/// Whether `c` needs the private range when it is the last character of a name.
const fn is_forbidden_last(c: u32) -> bool {
    matches!(c, 0x20 | 0x2e)
}

/// Appends the server's spelling of one NT component to `out`. Each server name has one NT spelling, the one that
/// [`to_nt`] gives, and no other is taken: two spellings of one file would be two files to share access and caches.
///
/// # Errors
/// - `OBJECT_NAME_INVALID`: empty, too long, a wildcard or another forbidden character, `/`, a dot or space at the end
///   that is not spelled U+F02E or U+F020, or another spelling that no server name has in NT.
/// - `OBJECT_PATH_SYNTAX_BAD`: `.` or `..`, spelled directly or through the private range.
/// - `INSUFFICIENT_RESOURCES`.
pub fn to_server(component: Name<'_>, out: &mut Vec<u8>) -> nt::Result {
    let start = out.len();
    let mut escaped = false;
    let mut chars = char::decode_utf16(component.as_units().iter().copied()).peekable();
    let mut misspelled = false;
    while let Some(unit) = chars.next() {
        match unit {
            Ok(c) => misspelled |= push_char(c, chars.peek().is_none(), out)?,
            Err(lone) => {
                escaped = true;
                let byte = lone.unpaired_surrogate().wrapping_sub(BYTE_ESCAPE_BASE);
                match u8::try_from(byte) {
                    Ok(byte @ 0x80..) => out.try_push(byte)?,
                    _ => return Err(Status::OBJECT_NAME_INVALID),
                }
            }
        }
    }
    match out.get(start..) {
        None | Some(b"") => Err(Status::OBJECT_NAME_INVALID),
        Some(b"." | b"..") => Err(Status::OBJECT_PATH_SYNTAX_BAD),
        Some(name) if misspelled || name.len() > COMPONENT_BYTES_MAX => Err(Status::OBJECT_NAME_INVALID),
        // Escaped bytes may come to a character that needs no escape.
        Some(name) if escaped && !is_spelling(component, name)? => Err(Status::OBJECT_NAME_INVALID),
        Some(_) => Ok(()),
    }
}

/// Whether `component` is what NT calls the server's `name`.
fn is_spelling(component: Name<'_>, name: &[u8]) -> nt::Result<bool> {
    let mut spelling = NameBuf::default();
    to_nt(name, &mut spelling)?;
    Ok(spelling.as_name() == component)
}

/// The character that `c` of the private range stands for.
fn moved_from(c: char) -> Option<char> {
    let original = u32::from(c).checked_sub(PRIVATE_BASE).filter(|&code| code != 0)?;
    let is_moved = is_forbidden(original) || is_forbidden_last(original);
    char::from_u32(original).filter(|_| is_moved)
}

/// Appends one character in the server's spelling. The result is whether NT spells it otherwise in this place.
fn push_char(c: char, is_last: bool, out: &mut Vec<u8>) -> nt::Result<bool> {
    let (c, misspelled) = match moved_from(c) {
        Some(original) => (original, is_forbidden_last(u32::from(original)) && !is_last),
        None if is_forbidden(u32::from(c)) || c == '/' => return Err(Status::OBJECT_NAME_INVALID),
        None => (c, is_last && is_forbidden_last(u32::from(c))),
    };
    let mut utf8 = [0; 4];
    out.try_extend_from_slice(c.encode_utf8(&mut utf8).as_bytes())?;
    Ok(misspelled)
}

/// The NT spelling of one server name, appended to `out`. Not for `.` and `..`, which mean the same on both sides.
///
/// # Errors
/// `INSUFFICIENT_RESOURCES`; nothing a server sends is refused here.
pub fn to_nt(name: &[u8], out: &mut NameBuf) -> nt::Result {
    let mut rest = name;
    while !rest.is_empty() {
        let (valid, invalid, next) = split_utf8(rest);
        let mut chars = valid.chars().peekable();
        while let Some(c) = chars.next() {
            let code = u32::from(c);
            let last = chars.peek().is_none() && invalid.is_empty() && next.is_empty();
            if moved_from(c).is_some() {
                push_bytes(c.encode_utf8(&mut [0; 4]).as_bytes(), out)?;
                continue;
            }
            let moved = is_forbidden(code) || (last && is_forbidden_last(code));
            let c = if moved {
                char::from_u32(PRIVATE_BASE + code).unwrap_or(c)
            } else {
                c
            };
            let mut units = [0; 2];
            out.try_push_units(c.encode_utf16(&mut units))?;
        }
        push_bytes(invalid, out)?;
        rest = next;
    }
    Ok(())
}

/// Appends bytes that stand for themselves.
fn push_bytes(bytes: &[u8], out: &mut NameBuf) -> nt::Result {
    for &byte in bytes {
        // `byte` is ≥ 0x80: ASCII is never invalid UTF-8, nor a part of a longer character.
        out.try_push_units(&[BYTE_ESCAPE_BASE | u16::from(byte)])?;
    }
    Ok(())
}

/// Whether a server may call a file so: what is not a name cannot be opened, and is not shown either.
#[must_use]
pub(crate) fn is_name(name: &[u8]) -> bool {
    !name.is_empty() && name.len() <= COMPONENT_BYTES_MAX && !name.iter().any(|byte| matches!(byte, 0 | b'/'))
}

/// Splits off the longest valid UTF-8 head, then the bytes that stopped it.
fn split_utf8(bytes: &[u8]) -> (&str, &[u8], &[u8]) {
    match core::str::from_utf8(bytes) {
        Ok(all) => (all, &[], &[]),
        Err(error) => {
            let (valid, rest) = bytes
                .split_at_checked(error.valid_up_to())
                .unwrap_or((bytes, &[]));
            let bad = error.error_len().unwrap_or(rest.len());
            let (invalid, next) = rest.split_at_checked(bad).unwrap_or((rest, &[]));
            (core::str::from_utf8(valid).unwrap_or(""), invalid, next)
        }
    }
}

/// A path below a V_NET_ROOT in the server's spelling: components joined by `/`, each checked by [`to_server`].
///
/// # Invariants
/// No component is empty, `.` or `..`, and none holds `/` or NUL. The share's root is the empty path.
#[derive(Debug, Default)]
pub(crate) struct ServerPath(Vec<u8>);

impl ServerPath {
    /// Parses a path with `\` between components; a leading `\` is optional, a single trailing one is ignored.
    ///
    /// # Errors
    /// As [`to_server`], for any component.
    pub(crate) fn parse(path: Name<'_>) -> nt::Result<Self> {
        let separator = u16::from(b'\\');
        let mut bytes = Vec::new();
        let units = path.as_units();
        let units = units.strip_prefix(&[separator]).unwrap_or(units);
        let units = units.strip_suffix(&[separator]).unwrap_or(units);
        if units.is_empty() {
            return Ok(Self(bytes));
        }
        for component in units.split(|&unit| unit == separator) {
            if !bytes.is_empty() {
                bytes.try_push(b'/')?;
            }
            to_server(Name::new(component), &mut bytes)?;
        }
        Ok(Self(bytes))
    }

    /// The path of components in the server's spelling, which have been checked before: see [`is_name`].
    ///
    /// # Errors
    /// `OBJECT_NAME_INVALID` for what is no name, `INSUFFICIENT_RESOURCES`.
    pub(crate) fn from_components<'c>(components: impl Iterator<Item = &'c [u8]>) -> nt::Result<Self> {
        let mut path = Self::default();
        for component in components {
            path.push(component)?;
        }
        Ok(path)
    }

    /// Appends a component in the server's spelling. Errors as [`Self::from_components`].
    pub(crate) fn push(&mut self, component: &[u8]) -> nt::Result {
        if !is_name(component) || matches!(component, b"." | b"..") {
            return Err(Status::OBJECT_NAME_INVALID);
        }
        if !self.0.is_empty() {
            self.0.try_push(b'/')?;
        }
        Ok(self.0.try_extend_from_slice(component)?)
    }

    /// Takes the last component away; `false` if this is the share's root.
    pub(crate) fn pop(&mut self) -> bool {
        let cut = self.split_last().map(|(directory, _)| directory.len());
        cut.inspect(|&cut| self.0.truncate(cut)).is_some()
    }

    /// The path in NT's spelling: empty for the share's root, else with a leading backslash.
    ///
    /// # Errors
    /// `OBJECT_PATH_INVALID` if that is too long, `INSUFFICIENT_RESOURCES`.
    pub(crate) fn to_nt(&self) -> nt::Result<NameBuf> {
        let mut path = NameBuf::default();
        for component in self.components() {
            path.try_push(nt::name::SEPARATOR)?;
            to_nt(component, &mut path)?;
        }
        if path.len() > nt::name::MAX_UNITS {
            return Err(Status::OBJECT_PATH_INVALID);
        }
        Ok(path)
    }

    /// Whether it is the share's root, which has no name.
    pub(crate) fn is_root(&self) -> bool {
        self.as_bytes().is_empty()
    }

    /// How many components there are.
    pub(crate) fn len(&self) -> usize {
        self.components().count()
    }

    /// The components, outermost first; none for the share's root.
    pub(crate) fn components(&self) -> impl Iterator<Item = &[u8]> + Clone {
        Self::components_of(&self.0)
    }

    /// The components of a part of such a path.
    pub(crate) fn components_of(part: &[u8]) -> impl Iterator<Item = &[u8]> + Clone {
        part.split(|&byte| byte == b'/')
            .filter(|component| !component.is_empty())
    }

    /// The directory part and the last component, unless this is the share's root.
    #[must_use]
    pub(crate) fn split_last(&self) -> Option<(&[u8], &[u8])> {
        if self.0.is_empty() {
            return None;
        }
        let cut = self.0.iter().rposition(|&byte| byte == b'/');
        match cut {
            Some(cut) => Some((self.0.get(..cut)?, self.0.get(cut + 1..)?)),
            None => Some((&[], &self.0)),
        }
    }

    /// The whole path, `/` between components.
    #[must_use]
    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

#[cfg(test)]
mod tests;
