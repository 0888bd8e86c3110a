//! Self-relative security descriptors (`[MS-DTYP]` 2.4.6), written and read.

use ninep::wire::Mode;
use nt::{AccessMask, SecurityInformation, Status};

use super::mode_list::{Identities, entries};
use super::sid::Sid;
use crate::information::encode::Encoder;

/// Size of SECURITY_DESCRIPTOR_RELATIVE.
const HEADER: usize = 20;
/// Size of ACL.
const ACL_HEADER: usize = 8;
/// Size of ACCESS_ALLOWED_ACE up to its SID.
const ACE_HEADER: usize = 8;
/// SE_SELF_RELATIVE.
const SELF_RELATIVE: u16 = 0x8000;
/// SE_DACL_PRESENT.
const DACL_PRESENT: u16 = 0x0004;
/// SE_SACL_PRESENT.
const SACL_PRESENT: u16 = 0x0010;
/// ACL_REVISION.
const ACL_REVISION: u8 = 2;
/// ACL_REVISION_DS.
const ACL_REVISION_DS: u8 = 4;
/// INHERIT_ONLY_ACE: the entry is not about the file itself.
const INHERIT_ONLY: u8 = 0x08;

/// What an entry does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AceKind {
    /// ACCESS_ALLOWED_ACE_TYPE.
    Allowed,
    /// ACCESS_DENIED_ACE_TYPE.
    Denied,
    /// Any other type.
    Other,
}

/// An access control entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ace {
    pub kind: AceKind,
    pub mask: AccessMask,
    pub sid: Sid,
}

/// Writes the `parts` of the descriptor of a file of `mode`. Result as [`crate::OpenFile::query_security`].
pub(super) fn encode(
    parts: SecurityInformation,
    mode: Mode,
    identities: &Identities,
    buffer: &mut [u8],
) -> nt::Result<(usize, Status)> {
    let owner = parts
        .contains(SecurityInformation::OWNER)
        .then(|| identities.owner());
    let group = parts
        .contains(SecurityInformation::GROUP)
        .then(|| identities.group());
    let with_dacl = parts.contains(SecurityInformation::DACL);
    let dacl_len = if with_dacl { acl_len(mode, identities) } else { 0 };
    let sid_len = |sid: &Option<Sid>| sid.as_ref().map_or(0, |sid| sid.as_bytes().len());
    let (dacl_at, owner_at) = (HEADER, HEADER + dacl_len);
    let group_at = owner_at + sid_len(&owner);
    let len = group_at + sid_len(&group);
    if buffer.len() < len {
        return Ok((len, Status::BUFFER_OVERFLOW));
    }
    let mut out = Encoder::new(buffer);
    let offset = |at: usize, present: bool| u32::try_from(if present { at } else { 0 }).unwrap_or(0);
    out.bytes(&[1, 0])?; // Revision, Sbz1
    out.u16(SELF_RELATIVE | if with_dacl { DACL_PRESENT } else { 0 })?;
    out.u32(offset(owner_at, owner.is_some()))?;
    out.u32(offset(group_at, group.is_some()))?;
    out.u32(0)?; // Sacl
    out.u32(offset(dacl_at, with_dacl))?;
    if with_dacl {
        encode_acl(&mut out, mode, identities, dacl_len)?;
    }
    for sid in owner.iter().chain(&group) {
        out.bytes(sid.as_bytes())?;
    }
    Ok((len, Status::SUCCESS))
}

fn acl_len(mode: Mode, identities: &Identities) -> usize {
    entries(mode, identities).fold(ACL_HEADER, |len, ace| len + ACE_HEADER + ace.sid.as_bytes().len())
}

fn encode_acl(out: &mut Encoder<'_>, mode: Mode, identities: &Identities, len: usize) -> nt::Result {
    let count = entries(mode, identities).count();
    out.bytes(&[ACL_REVISION, 0])?;
    out.u16(u16::try_from(len).unwrap_or(u16::MAX))?;
    out.u16(u16::try_from(count).unwrap_or(u16::MAX))?;
    out.u16(0)?; // Sbz2
    for ace in entries(mode, identities) {
        let kind = match ace.kind {
            AceKind::Allowed => 0,
            AceKind::Denied | AceKind::Other => 1,
        };
        let sid = ace.sid.as_bytes();
        out.bytes(&[kind, 0])?; // AceType, AceFlags
        out.u16(u16::try_from(ACE_HEADER + sid.len()).unwrap_or(u16::MAX))?;
        out.u32(ace.mask.bits())?;
        out.bytes(sid)?;
    }
    Ok(())
}

/// A descriptor as a caller gave it, checked.
#[derive(Clone, Copy, Debug)]
pub(super) struct Descriptor<'a> {
    pub owner: Option<Sid>,
    pub group: Option<Sid>,
    /// `None`: no list, which lets everyone do everything.
    pub dacl: Option<Acl<'a>>,
    sacl: Option<Acl<'a>>,
}

impl<'a> Descriptor<'a> {
    /// # Errors
    /// `INVALID_SECURITY_DESCR`, `INVALID_SID`, `INVALID_ACL`.
    pub(super) fn parse(record: &'a [u8]) -> nt::Result<Self> {
        let header = record
            .first_chunk::<HEADER>()
            .ok_or(Status::INVALID_SECURITY_DESCR)?;
        let [revision, _, low, high, offsets @ ..] = header;
        let control = u16::from_le_bytes([*low, *high]);
        if *revision != 1 || control & SELF_RELATIVE == 0 {
            return Err(Status::INVALID_SECURITY_DESCR);
        }
        // Each part of a descriptor begins behind its header; 0 means that there is none.
        let part = |index: usize| -> nt::Result<Option<&'a [u8]>> {
            let bytes = offsets.get(index * 4..).and_then(|rest| rest.first_chunk());
            let offset = bytes.map_or(0, |bytes| u32::from_le_bytes(*bytes));
            let offset = usize::try_from(offset).map_err(|_| Status::INVALID_SECURITY_DESCR)?;
            match offset {
                0 => Ok(None),
                1..HEADER => Err(Status::INVALID_SECURITY_DESCR),
                _ => match record.get(offset..) {
                    Some(part) => Ok(Some(part)),
                    None => Err(Status::INVALID_SECURITY_DESCR),
                },
            }
        };
        let sid = |index| -> nt::Result<Option<Sid>> {
            part(index)?
                .map(|bytes| Sid::parse(bytes).ok_or(Status::INVALID_SID))
                .transpose()
        };
        let acl = |index, present: u16| -> nt::Result<Option<Acl<'a>>> {
            match part(index)? {
                Some(bytes) if control & present != 0 => {
                    Acl::parse(bytes).map(Some).ok_or(Status::INVALID_ACL)
                }
                _ => Ok(None),
            }
        };
        Ok(Self {
            owner: sid(0)?,
            group: sid(1)?,
            sacl: acl(2, SACL_PRESENT)?,
            dacl: acl(3, DACL_PRESENT)?,
        })
    }

    /// Whether it asks for accesses to be audited.
    pub(super) fn has_audit_entries(&self) -> bool {
        self.sacl.is_some_and(|list| list.count > 0)
    }
}

/// An access control list. Its entries are checked as they are read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Acl<'a> {
    entries: &'a [u8],
    count: u16,
}

impl<'a> Acl<'a> {
    /// The list at the start of `bytes`, whatever follows it.
    fn parse(bytes: &'a [u8]) -> Option<Self> {
        let &[revision, _, size_low, size_high, count_low, count_high, _, _] =
            bytes.first_chunk::<ACL_HEADER>()?;
        let size = usize::from(u16::from_le_bytes([size_low, size_high]));
        let known = (ACL_REVISION..=ACL_REVISION_DS).contains(&revision);
        known.then_some(Self {
            entries: bytes.get(ACL_HEADER..size)?,
            count: u16::from_le_bytes([count_low, count_high]),
        })
    }

    /// The entries: `None` for a malformed one, behind which nothing follows; `Some(None)` for one that is not about the
    /// file itself.
    pub(super) fn entries(&self) -> impl Iterator<Item = Option<Option<Ace>>> + use<'a> {
        let mut rest = self.entries;
        let mut left = self.count;
        core::iter::from_fn(move || {
            left = left.checked_sub(1)?;
            let entry = Self::split_entry(&mut rest);
            if entry.is_none() {
                left = 0;
            }
            Some(entry)
        })
    }

    fn split_entry(rest: &mut &'a [u8]) -> Option<Option<Ace>> {
        let &[kind, flags, size_low, size_high, m0, m1, m2, m3] = rest.first_chunk::<ACE_HEADER>()?;
        let size = usize::from(u16::from_le_bytes([size_low, size_high]));
        let (entry, behind) = rest.split_at_checked(size)?;
        *rest = behind;
        if flags & INHERIT_ONLY != 0 {
            return Some(None);
        }
        let kind = match kind {
            0 => AceKind::Allowed,
            1 => AceKind::Denied,
            _ => AceKind::Other,
        };
        // What else an entry of another type holds comes before its SID.
        let sid = match kind {
            AceKind::Other => Sid::EVERYONE,
            _ => Sid::parse(entry.get(ACE_HEADER..)?)?,
        };
        Some(Some(Ace {
            kind,
            mask: AccessMask::from_bits_retain(u32::from_le_bytes([m0, m1, m2, m3])),
            sid,
        }))
    }
}
