//! IRP_MJ_QUERY_SECURITY and IRP_MJ_SET_SECURITY: owner, group and permissions of Unix as security descriptors.
//!
//! The owner is whom the mapping belongs to where that is the user who attached, else `S-1-22-1-uid`; the group is
//! `S-1-22-2-gid`: the identities that Samba gives to Unix users and groups. The list says what the permission bits say,
//! and only lists that permission bits can say are taken.

mod descriptor;
mod mode_list;
mod sid;

use executive::task::CancelToken;
use ninep::wire::{Fid, Mode, Rgetattr, SetAttrMask, Tsetattr};
use nt::{AccessMask, SecurityInformation, Status};
use rdbss::{LogonId, MajorFunction};

pub use sid::Sid;

use crate::file::OpenFile;
use crate::notify::{NotifyAction, NotifyFilter};
use crate::objects::Platform;
use descriptor::Descriptor;
use mode_list::{Identities, ListFailure};

/// Who asks about security.
#[derive(Clone, Copy, Debug)]
pub struct Caller {
    /// The caller's logon session.
    pub logon: LogonId,
    /// The caller's user, if that is known.
    pub user: Option<Sid>,
}

impl<P: Platform> OpenFile<P> {
    /// Writes the wanted parts of the file's security descriptor, in self-relative form. The result is the length of the
    /// descriptor, with `BUFFER_OVERFLOW` when it is longer than `buffer`, in which then nothing is written.
    ///
    /// # Errors
    /// `ACCESS_DENIED` without READ_CONTROL (for an audit list, ACCESS_SYSTEM_SECURITY); otherwise as
    /// [`OpenFile::read`].
    pub async fn query_security(
        &self,
        parts: SecurityInformation,
        caller: &Caller,
        buffer: &mut [u8],
        cancel: &CancelToken,
    ) -> nt::Result<(usize, Status)> {
        let mut needed = AccessMask::empty();
        if parts.intersects(!SecurityInformation::SACL) {
            needed |= AccessMask::READ_CONTROL;
        }
        if parts.contains(SecurityInformation::SACL) {
            needed |= AccessMask::SYSTEM_SECURITY;
        }
        self.check_granted(needed)?;
        let running = self.begin(MajorFunction::QUERY_SECURITY, cancel)?;
        running
            .run(async {
                let now = self.getattr().await?;
                let identities = self.identities(&now, caller)?;
                descriptor::encode(parts, now.mode, &identities, buffer)
            })
            .await
    }

    /// Sets the parts of the file's security that `record`, a self-relative security descriptor, says.
    ///
    /// # Errors
    /// - `INVALID_SECURITY_DESCR`, `INVALID_ACL`, `INVALID_SID`: the record is malformed;
    /// - `ACCESS_DENIED` without WRITE_DAC, WRITE_OWNER or ACCESS_SYSTEM_SECURITY, or where the server says so;
    /// - `INVALID_OWNER`, `INVALID_PRIMARY_GROUP`: not a Unix user or group;
    /// - `NOT_SUPPORTED`: a list that permission bits cannot say, or an audit list;
    /// - otherwise as [`OpenFile::read`].
    pub async fn set_security(
        &self,
        parts: SecurityInformation,
        record: &[u8],
        caller: &Caller,
        cancel: &CancelToken,
    ) -> nt::Result {
        let descriptor = Descriptor::parse(record)?;
        self.check_granted(needed_to_set(parts))?;
        if parts.intersects(IN_AUDIT_LIST) && descriptor.has_audit_entries() {
            return Err(Status::NOT_SUPPORTED);
        }
        let running = self.begin(MajorFunction::SET_SECURITY, cancel)?;
        running
            .run(async {
                let now = self.getattr().await?;
                let identities = self.identities(&now, caller)?;
                let request = change(parts, &descriptor, &now, &identities)?;
                if request.valid.is_empty() {
                    Ok(())
                } else {
                    self.change(|fid| Tsetattr { fid, ..request }).await?;
                    self.report(NotifyFilter::SECURITY, NotifyAction::MODIFIED);
                    Ok(())
                }
            })
            .await
    }

    fn check_granted(&self, needed: AccessMask) -> nt::Result {
        if self.granted_access.contains(needed) {
            Ok(())
        } else {
            Err(Status::ACCESS_DENIED)
        }
    }

    /// Who the file's owner and group are to the caller.
    fn identities(&self, now: &Rgetattr, caller: &Caller) -> nt::Result<Identities> {
        let attached = self.view()?.uid;
        let tree = self.redirector.tree();
        let srv_open = tree.srv_open(tree.fobx(self.fobx())?.srv_open())?;
        let mapping_logon = tree.v_net_root(srv_open.v_net_root())?.logon();
        // A logon session has one user: who asks from the mapping's is whom the mapping belongs to.
        let me = caller.user.filter(|_| caller.logon == mapping_logon);
        Ok(Identities {
            me: me.zip(attached),
            uid: now.uid,
            gid: now.gid,
        })
    }
}

/// What an audit list holds.
const IN_AUDIT_LIST: SecurityInformation = SecurityInformation::SACL
    .union(SecurityInformation::LABEL)
    .union(SecurityInformation::ATTRIBUTE)
    .union(SecurityInformation::SCOPE);

/// The rights that setting `parts` takes (`SeSetSecurityAccessMask`).
fn needed_to_set(parts: SecurityInformation) -> AccessMask {
    use SecurityInformation as Parts;
    let rights = [
        (
            Parts::OWNER | Parts::GROUP | Parts::LABEL,
            AccessMask::WRITE_OWNER,
        ),
        (Parts::DACL | Parts::ATTRIBUTE, AccessMask::WRITE_DAC),
        (Parts::SACL | Parts::SCOPE, AccessMask::SYSTEM_SECURITY),
    ];
    let needed = rights.into_iter().filter(|(of, _)| parts.intersects(*of));
    needed.fold(AccessMask::empty(), |needed, (_, right)| needed | right)
}

/// What the server is to be told for `descriptor`. Errors as [`OpenFile::set_security`].
fn change(
    parts: SecurityInformation,
    descriptor: &Descriptor<'_>,
    now: &Rgetattr,
    identities: &Identities,
) -> nt::Result<Tsetattr> {
    let mut request = Tsetattr::new(Fid::NONE);
    let mut after = *identities;
    if parts.contains(SecurityInformation::OWNER) {
        let owner = descriptor.owner.ok_or(Status::INVALID_OWNER)?;
        let uid = identities.uid_of(&owner).ok_or(Status::INVALID_OWNER)?;
        if uid != now.uid {
            (request.uid, after.uid) = (uid, uid);
            request.valid |= SetAttrMask::UID;
        }
    }
    if parts.contains(SecurityInformation::GROUP) {
        let group = descriptor.group.ok_or(Status::INVALID_PRIMARY_GROUP)?;
        let gid = group.unix_gid().ok_or(Status::INVALID_PRIMARY_GROUP)?;
        if gid != now.gid {
            (request.gid, after.gid) = (gid, gid);
            request.valid |= SetAttrMask::GID;
        }
    }
    if parts.contains(SecurityInformation::DACL) {
        let wanted = mode_list::permissions(descriptor.dacl.as_ref(), &after, now.mode);
        let permissions = wanted.map_err(|failure| match failure {
            ListFailure::Malformed => Status::INVALID_ACL,
            ListFailure::NoPermissionBits => Status::NOT_SUPPORTED,
        })?;
        // A symbolic link has no permissions of its own: a server would change those of its target.
        if now.mode.is_symlink() {
            return Err(Status::NOT_SUPPORTED);
        }
        if permissions != now.mode.permissions() {
            request.mode = Mode(permissions);
            request.valid |= SetAttrMask::MODE;
        }
    }
    Ok(request)
}

/// Reads `record` as a descriptor, and its list as permissions.
#[cfg(feature = "fuzzing")]
pub(crate) fn fuzz(record: &[u8]) {
    let Ok(descriptor) = Descriptor::parse(record) else {
        return;
    };
    let _ = descriptor.has_audit_entries();
    let identities = Identities {
        me: None,
        uid: 1000,
        gid: 100,
    };
    let permissions = mode_list::permissions(descriptor.dacl.as_ref(), &identities, Mode(0o644));
    assert!(permissions.map_or(true, |bits| bits <= 0o7777));
}

#[cfg(test)]
mod tests;
