//! Attaching: from the name of a share to a fid of its root, at first and on every later session.

use alloc::vec::Vec;

use executive::mem::{Arc, TryVec};
use ninep::wire::{Fid, NO_UID, Tattach};
use nt::{Name, Status};

use crate::names::ServerPath;
use crate::server::client::{Client, OwnedFid};

/// How a share is attached to.
pub(crate) struct Attachment {
    aname: Vec<u8>,
    user: User,
    /// The component below the attached root that is the share, on a server that exports nothing but its root; else
    /// empty.
    component: Vec<u8>,
}

/// A share that was attached to for the first time.
pub(crate) struct Attached {
    /// Its root.
    pub(crate) root: OwnedFid,
    /// How to do it again.
    pub(crate) attachment: Attachment,
    /// The group of its root, which new files get.
    pub(crate) gid: u32,
    /// The length of the share's part of the name, in units.
    pub(crate) share_units: usize,
}

/// The user of an attach, by name or by number.
struct User {
    uname: Vec<u8>,
    n_uname: u32,
}

impl Attachment {
    /// Attaches to the longest part of `path` that the server exports; the rest of `path` has been seen to be a directory.
    ///
    /// Last comes a server that exports nothing but its root: there the first component is the share.
    ///
    /// # Errors
    /// `BAD_NETWORK_NAME`, `ACCESS_DENIED`; otherwise as [`Client::call`].
    pub(crate) async fn find(
        client: &Arc<Client>,
        path: Name<'_>,
        user: Option<Name<'_>>,
        default_user: u32,
    ) -> nt::Result<Attached> {
        let whole = ServerPath::parse(path)?;
        let mut refusal = None;
        let mut share = path;
        let mut attachment = Self {
            aname: Vec::new(),
            user: User::parse(user, default_user)?,
            component: Vec::new(),
        };
        loop {
            let export = ServerPath::parse(share)?;
            let rest = whole.components().skip(export.components().count());
            let (shorter, _) = share.rsplit_once(u16::from(b'\\')).unwrap_or_default();
            attachment.set_export(export.as_bytes())?;
            let attached = attachment.first(client, &mut refusal, rest).await;
            let attached = match attached {
                Err(status) if is_refusal(status) && shorter.is_empty() => {
                    attachment.set_below_root(&whole)?;
                    let rest = whole.components().skip(1);
                    let below = attachment.first(client, &mut None, rest).await;
                    below.map_err(|last| match last {
                        Status::INSUFFICIENT_RESOURCES => last,
                        _ => status,
                    })
                }
                other => other,
            };
            match attached {
                Ok((root, gid)) => {
                    return Ok(Attached {
                        root,
                        attachment,
                        gid,
                        share_units: share.len(),
                    });
                }
                Err(status) if is_refusal(status) => {
                    // The refusal of the whole name is the one to report: the shorter ones were our own guesses.
                    let first = *refusal.get_or_insert(status);
                    match first {
                        _ if !shorter.is_empty() => share = shorter,
                        Status::ACCESS_DENIED => return Err(first),
                        _ => return Err(Status::BAD_NETWORK_NAME),
                    }
                }
                Err(status) => return Err(status),
            }
        }
    }

    /// Who attaches, as a number; `None` for one known by name alone.
    pub(crate) fn uid(&self) -> Option<u32> {
        let uid = self.user.n_uname;
        (uid != NO_UID).then_some(uid)
    }

    /// Attaches; the result is a fid of the share's root.
    ///
    /// # Errors
    /// `BAD_NETWORK_NAME` where it is no directory; otherwise as [`Client::call`].
    pub(crate) async fn attach(&self, client: &Arc<Client>) -> nt::Result<OwnedFid> {
        let root = OwnedFid::allocate(client)?;
        let request = Tattach {
            fid: root.fid(),
            afid: Fid::NONE,
            uname: &self.user.uname,
            aname: &self.aname,
            n_uname: self.user.n_uname,
        };
        // A root that is no directory has nothing below it.
        if !client.call(&request, |reply| reply.qid.is_directory()).await? {
            return Err(Status::BAD_NETWORK_NAME);
        }
        if self.component.is_empty() {
            return Ok(root);
        }
        let share = root.walk(core::iter::once(&*self.component)).await?;
        if client.getattr(share.fid()).await?.mode.is_directory() {
            Ok(share)
        } else {
            Err(Status::BAD_NETWORK_NAME)
        }
    }

    /// [`Self::attach`] on a new session, where the share was there before.
    ///
    /// # Errors
    /// `NETWORK_NAME_DELETED` where the server refuses it now; otherwise as [`Client::call`].
    pub(crate) async fn attach_again(&self, client: &Arc<Client>) -> nt::Result<OwnedFid> {
        self.attach(client).await.map_err(|status| match status {
            status if is_refusal(status) => Status::NETWORK_NAME_DELETED,
            status => status,
        })
    }

    /// Attaches and checks that `rest` below the share is a directory; gives the group of the share's root, too. Where
    /// there is such an export, `refusal` becomes that of a name whose rest is wrong.
    async fn first<'n>(
        &self,
        client: &Arc<Client>,
        refusal: &mut Option<Status>,
        rest: impl Iterator<Item = &'n [u8]> + Clone,
    ) -> nt::Result<(OwnedFid, u32)> {
        let root = self.attach(client).await?;
        *refusal = Some(Status::BAD_NETWORK_NAME);
        let share = client.getattr(root.fid()).await?;
        let target = root.walk(rest).await?;
        if client.getattr(target.fid()).await?.mode.is_directory() {
            Ok((root, share.gid))
        } else {
            Err(Status::BAD_NETWORK_NAME)
        }
    }

    /// The export `/export`.
    fn set_export(&mut self, export: &[u8]) -> nt::Result {
        self.aname.clear();
        self.aname.try_push(b'/')?;
        self.aname.try_extend_from_slice(export)?;
        Ok(())
    }

    /// The first component of `path` below the server's root.
    fn set_below_root(&mut self, path: &ServerPath) -> nt::Result {
        self.set_export(b"")?;
        let component = path.components().next().unwrap_or_default();
        self.component.try_extend_from_slice(component)?;
        Ok(())
    }
}

impl User {
    fn parse(user: Option<Name<'_>>, default_user: u32) -> nt::Result<Self> {
        let mut uname = Vec::new();
        let n_uname = match user {
            None => default_user,
            Some(user) => match decimal(user) {
                Some(uid) => uid,
                None => {
                    for c in char::decode_utf16(user.as_units().iter().copied()) {
                        let c = c.map_err(|_| Status::INVALID_PARAMETER)?;
                        uname.try_extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes())?;
                    }
                    NO_UID
                }
            },
        };
        Ok(Self { uname, n_uname })
    }
}

/// Whether the server answered at all: a shorter name may fare better then.
fn is_refusal(status: Status) -> bool {
    !matches!(
        status,
        Status::INSUFFICIENT_RESOURCES
            | Status::IO_TIMEOUT
            | Status::CONNECTION_DISCONNECTED
            | Status::CONNECTION_ABORTED
            | Status::BAD_NETWORK_PATH
            | Status::INVALID_NETWORK_RESPONSE
            | Status::CANCELLED
    )
}

/// A user given as a number.
fn decimal(user: Name<'_>) -> Option<u32> {
    let mut value = 0_u32;
    for &unit in user.as_units() {
        let digit = char::from_u32(u32::from(unit))?.to_digit(10)?;
        value = value.checked_mul(10)?.checked_add(digit)?;
    }
    (!user.is_empty() && value != NO_UID).then_some(value)
}
