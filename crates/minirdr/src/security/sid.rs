//! Security identifiers (`[MS-DTYP]` 2.4.2).

use core::fmt;

/// Longest SID, in bytes: 15 subauthorities.
pub(super) const MAX_BYTES: usize = 8 + 15 * 4;

/// A security identifier.
///
/// # Invariants
/// `bytes[..len]` is one whole SID of revision 1; the rest is zero.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Sid {
    bytes: [u8; MAX_BYTES],
    len: usize,
}

/// SECURITY_NT_AUTHORITY.
const NT_AUTHORITY: u8 = 5;
/// The authority of Unix users (subauthority 1) and groups (subauthority 2), as Samba uses it.
const UNIX_AUTHORITY: u8 = 22;

impl Sid {
    /// `S-1-1-0`.
    pub(super) const EVERYONE: Self = Self::one(1, 0);
    /// `S-1-3-4`: whoever the owner is.
    pub(super) const OWNER_RIGHTS: Self = Self::one(3, 4);
    /// `S-1-5-18`.
    pub(super) const LOCAL_SYSTEM: Self = Self::one(NT_AUTHORITY, 18);
    /// `S-1-5-32-544`.
    pub(super) const ADMINISTRATORS: Self = Self::two(NT_AUTHORITY, 32, 544);

    /// A SID of one subauthority.
    const fn one(authority: u8, subauthority: u32) -> Self {
        let mut sid = Self::two(authority, subauthority, 0);
        sid.bytes[1] = 1;
        sid.len = 12;
        sid
    }

    /// A SID of two subauthorities.
    const fn two(authority: u8, first: u32, second: u32) -> Self {
        let mut bytes = [0; MAX_BYTES];
        (bytes[0], bytes[1], bytes[7]) = (1, 2, authority);
        [bytes[8], bytes[9], bytes[10], bytes[11]] = first.to_le_bytes();
        [bytes[12], bytes[13], bytes[14], bytes[15]] = second.to_le_bytes();
        Self { bytes, len: 16 }
    }

    /// `S-1-22-1-uid`.
    #[must_use]
    pub fn unix_user(uid: u32) -> Self {
        Self::two(UNIX_AUTHORITY, 1, uid)
    }

    /// `S-1-22-2-gid`.
    #[must_use]
    pub fn unix_group(gid: u32) -> Self {
        Self::two(UNIX_AUTHORITY, 2, gid)
    }

    /// The SID at the start of `bytes`, whatever follows it; `None` where there is none.
    #[must_use]
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let &[revision, count, ..] = bytes else {
            return None;
        };
        if revision != 1 || count > 15 {
            return None;
        }
        let len = 8 + usize::from(count) * 4;
        let source = bytes.get(..len)?;
        let mut sid = Self {
            bytes: [0; MAX_BYTES],
            len,
        };
        sid.bytes.get_mut(..len)?.copy_from_slice(source);
        Some(sid)
    }

    /// The SID's bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }

    /// The number in `S-1-22-1-uid`.
    pub(super) fn unix_uid(&self) -> Option<u32> {
        self.unix_number(1)
    }

    /// The number in `S-1-22-2-gid`.
    pub(super) fn unix_gid(&self) -> Option<u32> {
        self.unix_number(2)
    }

    fn unix_number(&self, kind: u32) -> Option<u32> {
        let number = u32::from_le_bytes(*self.bytes.get(12..)?.first_chunk()?);
        (*self == Self::two(UNIX_AUTHORITY, kind, number)).then_some(number)
    }
}

impl fmt::Debug for Sid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (head, parts) = self.as_bytes().split_at_checked(8).unwrap_or_default();
        let authority = head
            .iter()
            .skip(2)
            .fold(0_u64, |value, &byte| value << 8 | u64::from(byte));
        write!(f, "S-1-{authority}")?;
        for part in parts.chunks_exact(4) {
            let part = part.first_chunk().copied().unwrap_or_default();
            write!(f, "-{}", u32::from_le_bytes(part))?;
        }
        Ok(())
    }
}
