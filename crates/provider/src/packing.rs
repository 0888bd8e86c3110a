//! The result buffer of an enumeration: `NETRESOURCEW` structures from the front, their strings from the back.

/// One resource to report. Strings are without a closing NUL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    /// The drive, or nothing for a deviceless connection.
    pub(crate) local: Option<Vec<u16>>,
    pub(crate) remote: Vec<u16>,
    pub(crate) provider: Vec<u16>,
}

/// How much fitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Packed {
    /// Entries written.
    pub(crate) count: usize,
    /// Bytes that the first entry left out needs, 0 when none was left out.
    pub(crate) needed: usize,
}

const SCOPE_CONNECTED: u32 = 1;
const TYPE_DISK: u32 = 1;
const DISPLAY_SHARE: u32 = 3;
const USAGE_CONNECTABLE: u32 = 1;

const POINTER: usize = size_of::<usize>();
/// Four 32-bit fields and four pointers: the documented `NETRESOURCEW`.
const STRUCTURE: usize = 4 * 4 + 4 * POINTER;

/// Writes as many entries as fit, at most `most`. `base` is the address at which the caller sees `buffer`: the
/// pointers in the structures are computed from it.
pub(crate) fn pack(buffer: &mut [u8], base: usize, entries: &[Entry], most: usize) -> Packed {
    let mut front = 0;
    // Strings stand on even addresses.
    let odd = base.wrapping_add(buffer.len()) % 2;
    let mut back = buffer.len().saturating_sub(odd);
    let mut count: usize = 0;
    for entry in entries.iter().take(most) {
        let Some(next_back) = write_entry(buffer, base, entry, front, back) else {
            return Packed {
                count,
                needed: bytes_of(entry).saturating_add(odd),
            };
        };
        front = front.saturating_add(STRUCTURE);
        back = next_back;
        count = count.saturating_add(1);
    }
    Packed { count, needed: 0 }
}

/// The bytes that an entry takes: its structure and its strings with their NULs.
fn bytes_of(entry: &Entry) -> usize {
    strings(entry)
        .into_iter()
        .flatten()
        .fold(STRUCTURE, |sum, text| sum.saturating_add(bytes_with_nul(text)))
}

/// In the order of the structure's pointers: local name, remote name, comment (always NULL), provider.
///
/// A deviceless connection should have NULL for its local name. It gets an empty string: there are routers (Wine's)
/// that read the name of a connection without looking at the pointer, and would take the program down that lists
/// its drives. Whoever looks for a letter finds none either way.
fn strings(entry: &Entry) -> [Option<&[u16]>; 4] {
    let local = entry.local.as_deref().unwrap_or_default();
    [
        Some(local),
        Some(entry.remote.as_slice()),
        None,
        Some(entry.provider.as_slice()),
    ]
}

fn bytes_with_nul(text: &[u16]) -> usize {
    text.len().saturating_add(1).saturating_mul(2)
}

/// Writes one entry between `front` and `back`; the new `back`, or `None` when it does not fit.
fn write_entry(buffer: &mut [u8], base: usize, entry: &Entry, front: usize, back: usize) -> Option<usize> {
    if back.checked_sub(front)? < bytes_of(entry) {
        return None;
    }
    let mut structure = Vec::with_capacity(STRUCTURE);
    for field in [SCOPE_CONNECTED, TYPE_DISK, DISPLAY_SHARE, USAGE_CONNECTABLE] {
        structure.extend_from_slice(&field.to_ne_bytes());
    }
    let mut back = back;
    for text in strings(entry) {
        let address = match text {
            None => 0,
            Some(text) => {
                let start = back.checked_sub(bytes_with_nul(text))?;
                let bytes: Vec<u8> = text
                    .iter()
                    .chain(&[0])
                    .flat_map(|unit| unit.to_ne_bytes())
                    .collect();
                buffer.get_mut(start..back)?.copy_from_slice(&bytes);
                back = start;
                base.wrapping_add(start)
            }
        };
        structure.extend_from_slice(&address.to_ne_bytes());
    }
    buffer
        .get_mut(front..front.checked_add(STRUCTURE)?)?
        .copy_from_slice(&structure);
    Some(back)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE: usize = 0x10_0000;

    fn wide(text: &str) -> Vec<u16> {
        text.encode_utf16().collect()
    }

    fn entry(local: Option<&str>, remote: &str) -> Entry {
        Entry {
            local: local.map(wide),
            remote: wide(remote),
            provider: wide("mrx9p"),
        }
    }

    fn word(buffer: &[u8], at: usize) -> usize {
        usize::from_ne_bytes(buffer[at..at + POINTER].try_into().unwrap())
    }

    fn string(buffer: &[u8], at: usize) -> String {
        let start = word(buffer, at) - BASE;
        let units: Vec<u16> = buffer[start..]
            .as_chunks::<2>()
            .0
            .iter()
            .map(|&pair| u16::from_ne_bytes(pair))
            .take_while(|&unit| unit != 0)
            .collect();
        String::from_utf16(&units).unwrap()
    }

    #[test]
    fn structures_grow_from_the_front_and_strings_from_the_back() {
        let entries = [entry(Some("X:"), r"\\h@1\a"), entry(None, r"\\h\b\c")];
        let mut buffer = vec![0xAA_u8; 400];
        assert_eq!(
            pack(&mut buffer, BASE, &entries, usize::MAX),
            Packed { count: 2, needed: 0 }
        );
        assert_eq!(&buffer[..16], [1, 0, 0, 0, 1, 0, 0, 0, 3, 0, 0, 0, 1, 0, 0, 0]);
        assert_eq!(string(&buffer, 16), "X:");
        assert_eq!(string(&buffer, 16 + POINTER), r"\\h@1\a");
        assert_eq!(word(&buffer, 16 + 2 * POINTER), 0, "no comment");
        assert_eq!(string(&buffer, 16 + 3 * POINTER), "mrx9p");
        let second = STRUCTURE + 16;
        assert_eq!(string(&buffer, second), "", "deviceless: an empty local name");
        assert_eq!(string(&buffer, second + POINTER), r"\\h\b\c");
        assert_eq!(
            word(&buffer, 16) - BASE,
            400 - 6,
            "the first string ends the buffer"
        );
    }

    #[test]
    fn the_count_limits_and_what_does_not_fit_is_told() {
        let entries = [entry(Some("X:"), r"\\h\a"), entry(Some("Y:"), r"\\h\b")];
        let one = bytes_of(&entries[0]);
        let mut buffer = vec![0_u8; 1000];
        assert_eq!(
            pack(&mut buffer, BASE, &entries, 1),
            Packed { count: 1, needed: 0 }
        );
        assert_eq!(
            pack(&mut buffer, BASE, &entries, 0),
            Packed { count: 0, needed: 0 }
        );
        assert_eq!(
            pack(&mut buffer[..one], BASE, &entries, 9),
            Packed {
                count: 1,
                needed: one
            }
        );
        assert_eq!(
            pack(&mut buffer[..2 * one], BASE, &entries, 9),
            Packed { count: 2, needed: 0 }
        );
        assert_eq!(pack(&mut buffer[..one - 1], BASE, &entries, 9).count, 0);
        assert_eq!(
            pack(&mut [], BASE, &entries, 9),
            Packed {
                count: 0,
                needed: one
            }
        );
    }

    #[test]
    fn an_entry_that_does_not_fit_leaves_the_buffer_alone() {
        let entries = [entry(Some("X:"), r"\\host\share")];
        let mut buffer = vec![0x55_u8; bytes_of(&entries[0]) - 2];
        pack(&mut buffer, BASE, &entries, 9);
        assert!(buffer.iter().all(|&byte| byte == 0x55));
    }

    #[test]
    fn an_odd_end_still_gives_even_string_addresses() {
        let entries = [entry(Some("X:"), r"\\h\a")];
        let mut buffer = vec![0_u8; bytes_of(&entries[0]) + 1];
        assert_eq!(pack(&mut buffer, BASE, &entries, 9).count, 1);
        assert_eq!(word(&buffer, 16) % 2, 0);
        let needed = pack(&mut buffer[..STRUCTURE + 1], BASE, &entries, 9).needed;
        assert_eq!(pack(&mut vec![0_u8; needed], BASE, &entries, 9).count, 1);
    }
}
