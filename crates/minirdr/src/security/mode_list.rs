//! Permission bits as an access control list, and back.

use ninep::wire::Mode;
use nt::AccessMask;

use super::descriptor::{Ace, AceKind, Acl};
use super::sid::Sid;

/// Who a file's owner and group are.
#[derive(Clone, Copy, Debug)]
pub(super) struct Identities {
    /// The caller, and who that is on the server, where the mapping is the caller's own.
    pub me: Option<(Sid, u32)>,
    /// The file's owner.
    pub uid: u32,
    /// The file's group.
    pub gid: u32,
}

impl Identities {
    /// The owner's SID.
    pub(super) fn owner(&self) -> Sid {
        match self.me {
            Some((me, uid)) if uid == self.uid => me,
            _ => Sid::unix_user(self.uid),
        }
    }

    /// The group's SID.
    pub(super) fn group(&self) -> Sid {
        Sid::unix_group(self.gid)
    }

    /// The number of the user that `sid` stands for.
    pub(super) fn uid_of(&self, sid: &Sid) -> Option<u32> {
        match self.me {
            Some((me, uid)) if me == *sid => Some(uid),
            _ => sid.unix_uid(),
        }
    }

    fn is_owner(&self, sid: &Sid) -> bool {
        *sid == Sid::OWNER_RIGHTS || self.uid_of(sid) == Some(self.uid)
    }
}

/// Why a list is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ListFailure {
    /// It is no list at all.
    Malformed,
    /// It says something that permission bits cannot.
    NoPermissionBits,
}

/// Who a permission bit is for, and how far its three bits are shifted.
const CLASSES: [u32; 3] = [6, 3, 0];
/// What everyone may do who can reach a file, whatever its permissions say.
const ALWAYS: AccessMask = AccessMask::READ_ATTRIBUTES
    .union(AccessMask::READ_CONTROL)
    .union(AccessMask::SYNCHRONIZE);
/// What an owner may do, whatever the permissions say.
const OWNERS: AccessMask = AccessMask::WRITE_DAC
    .union(AccessMask::WRITE_OWNER)
    .union(AccessMask::WRITE_ATTRIBUTES)
    .union(AccessMask::DELETE);

/// The rights that three permission bits stand for, beyond [`ALWAYS`].
fn rights(bits: u32, is_directory: bool) -> AccessMask {
    let mut rights = AccessMask::empty();
    if bits & 4 != 0 {
        rights |= AccessMask::FILE_GENERIC_READ;
    }
    if bits & 2 != 0 {
        rights |= AccessMask::FILE_GENERIC_WRITE;
        if is_directory {
            rights |= AccessMask::DELETE_CHILD;
        }
    }
    if bits & 1 != 0 {
        rights |= AccessMask::FILE_GENERIC_EXECUTE;
    }
    rights
}

/// The entries that say `mode`, in the order they are looked at: at most five.
///
/// Permissions of Unix are those of the first class a user is in; entries of NT add up. So where a class may less than
/// one behind it, an entry takes that away again, right before the class's own rights.
pub(super) fn entries(mode: Mode, identities: &Identities) -> impl Iterator<Item = Ace> {
    let permissions = mode.permissions();
    let is_directory = mode.is_directory();
    let bits = |shift: u32| permissions >> shift & 7;
    let [owner, group, other] = CLASSES.map(bits);
    let deny = |sid, missing: u32| {
        let mask = rights(missing, is_directory) - rights(!missing & 7, is_directory) - ALWAYS;
        (missing != 0).then_some(Ace {
            kind: AceKind::Denied,
            mask,
            sid,
        })
    };
    let allow = |sid, bits, more: AccessMask| {
        Some(Ace {
            kind: AceKind::Allowed,
            mask: rights(bits, is_directory) | ALWAYS | more,
            sid,
        })
    };
    [
        deny(identities.owner(), (group | other) & !owner),
        allow(identities.owner(), owner, OWNERS),
        deny(identities.group(), other & !group),
        allow(identities.group(), group, AccessMask::empty()),
        allow(Sid::EVERYONE, other, AccessMask::empty()),
    ]
    .into_iter()
    .flatten()
}

/// What permission bits look at.
const READS: AccessMask = AccessMask::READ_DATA;
const WRITES: AccessMask = AccessMask::WRITE_DATA.union(AccessMask::APPEND_DATA);
const EXECUTES: AccessMask = AccessMask::EXECUTE;

/// The permission bits that `list` says for a file of `mode`; set-id and sticky bits stay. No list at all lets everyone
/// do everything.
///
/// # Errors
/// [`ListFailure`].
pub(super) fn permissions(
    list: Option<&Acl<'_>>,
    identities: &Identities,
    mode: Mode,
) -> Result<u32, ListFailure> {
    let kept = mode.permissions() & 0o7000;
    let Some(list) = list else {
        return Ok(kept | 0o777);
    };
    // What each class has been given and refused so far.
    let mut given = [AccessMask::empty(); 3];
    let mut refused = [AccessMask::empty(); 3];
    for ace in list.entries() {
        let Some(ace) = ace.ok_or(ListFailure::Malformed)? else {
            continue;
        };
        let members = members(&ace, identities)?;
        for ((given, refused), is_member) in given.iter_mut().zip(&mut refused).zip(members) {
            match ace.kind {
                _ if !is_member => {}
                AceKind::Other => {}
                AceKind::Allowed => *given |= ace.mask.map_generic() - *refused,
                AceKind::Denied => *refused |= ace.mask.map_generic() - *given,
            }
        }
    }
    let mut permissions = kept;
    for (given, shift) in given.into_iter().zip(CLASSES) {
        permissions |= bits(given)? << shift;
    }
    Ok(permissions)
}

/// Which of owner, group and others an entry is for.
fn members(ace: &Ace, identities: &Identities) -> Result<[bool; 3], ListFailure> {
    let sid = &ace.sid;
    if ace.kind == AceKind::Other {
        Err(ListFailure::NoPermissionBits)
    } else if *sid == Sid::EVERYONE {
        Ok([true; 3])
    } else if identities.is_owner(sid) {
        Ok([true, false, false])
    } else if sid.unix_gid() == Some(identities.gid) {
        Ok([false, true, false])
    } else if ace.kind == AceKind::Allowed && (*sid == Sid::LOCAL_SYSTEM || *sid == Sid::ADMINISTRATORS) {
        // The server's superuser has every right already.
        Ok([false; 3])
    } else {
        Err(ListFailure::NoPermissionBits)
    }
}

/// The three bits that rights come to.
fn bits(given: AccessMask) -> Result<u32, ListFailure> {
    // To append and not to write, or the other way, is no permission of Unix.
    if given.intersects(WRITES) && !given.contains(WRITES) {
        return Err(ListFailure::NoPermissionBits);
    }
    let bit = |right, bit| if given.contains(right) { bit } else { 0 };
    Ok(bit(READS, 4) | bit(WRITES, 2) | bit(EXECUTES, 1))
}
