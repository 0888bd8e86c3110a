//! From names to views and paths.

use nt::{Name, NameBuf, Status};

use crate::condition::Condition;
use crate::extensions::Extensions;
use crate::fcb::FcbKind;
use crate::fobx::FobxFlags;
use crate::id::{FobxId, NetRootId, SrvCallId, VNetRootId};
use crate::logon::LogonId;
use crate::names::{self, PathName};
use crate::srv_open::SrvOpenFlags;
use crate::tree::Tree;

/// Where a name leads.
#[derive(Debug)]
pub enum Resolved {
    /// To this path below the share of this view (the view's prefix is in it already).
    Path {
        /// The view.
        v_net_root: VNetRootId,
        /// Below the share: empty for its root, else with a leading backslash.
        path: NameBuf,
    },
    /// To a share that this session has no UNC view of. One is to be made with [`Tree::connect`] first.
    NotConnected {
        /// How much of the name's path a share already known on the server covers, in units; 0 if none.
        share_units: usize,
    },
}

impl<X: Extensions> Tree<X> {
    /// Finds the view and the path that an open's name leads to.
    ///
    /// A drive leads to the view mapped to it, and the rest of the name must begin with what it is mapped to. The UNC
    /// form leads to the known share with the longest name that covers whole components.
    ///
    /// # Errors
    /// - `BAD_NETWORK_NAME`: the drive is not mapped in this logon session, or to something else.
    /// - `INSUFFICIENT_RESOURCES`.
    pub fn resolve(&self, name: &PathName<'_>, logon: LogonId) -> nt::Result<Resolved> {
        // Where mappings are global, the logon id that a name states distinguishes nothing.
        let stated = name.logon.filter(|_| logon != LogonId::GLOBAL);
        if stated.is_some_and(|stated| stated != logon) {
            return Err(Status::BAD_NETWORK_NAME);
        }
        match name.drive {
            Some(drive) => {
                let id = self
                    .find_connection(drive, logon)
                    .ok_or(Status::BAD_NETWORK_NAME)?;
                self.resolve_below_drive(id, name)
            }
            None => self.resolve_unc(name, logon),
        }
    }

    /// The view and path of an open relative to a handle. `rest` has no leading and no trailing backslash; empty, it
    /// opens the same file again.
    ///
    /// # Errors
    /// As [`names::check_relative`]; `INVALID_PARAMETER` if the handle is gone, `UNEXPECTED_NETWORK_ERROR` if its
    /// connection was taken away, `FILE_CLOSED` if it was cleaned up, `OBJECT_PATH_NOT_FOUND` below what is no
    /// directory, `OBJECT_PATH_INVALID` if the path gets too long, `INSUFFICIENT_RESOURCES`.
    pub fn resolve_relative(&self, fobx: FobxId, rest: Name<'_>) -> nt::Result<(VNetRootId, NameBuf)> {
        names::check_relative(rest)?;
        let fobx = self.fobx(fobx)?;
        let srv_open = self.srv_open(fobx.srv_open)?;
        if srv_open.flags.contains(SrvOpenFlags::ORPHANED) {
            return Err(Status::UNEXPECTED_NETWORK_ERROR);
        }
        if fobx.flags.intersects(FobxFlags::CLEANED_UP | FobxFlags::CLOSED) {
            return Err(Status::FILE_CLOSED);
        }
        let fcb = self.fcb(srv_open.fcb)?;
        if !rest.is_empty() && fcb.kind == FcbKind::File {
            return Err(Status::OBJECT_PATH_NOT_FOUND);
        }
        Ok((srv_open.v_net_root, join(fcb.path(), rest)?))
    }

    fn resolve_below_drive(&self, id: VNetRootId, name: &PathName<'_>) -> nt::Result<Resolved> {
        let chain = self.chain(id)?;
        let port = name.server.port.unwrap_or(self.config.default_port);
        let same_server =
            chain.srv_call.port() == port && chain.srv_call.host().eq_ignore_case(name.server.host);
        let rest = names::strip_prefix(name.path, chain.v_net_root.path(), chain.srv_call.share_case())
            .filter(|_| same_server)
            .ok_or(Status::BAD_NETWORK_NAME)?;
        let path = concatenate(chain.v_net_root.prefix(), rest)?;
        Ok(Resolved::Path { v_net_root: id, path })
    }

    fn resolve_unc(&self, name: &PathName<'_>, logon: LogonId) -> nt::Result<Resolved> {
        let port = name.server.port.unwrap_or(self.config.default_port);
        let Some(srv_call) = self.find_srv_call(name.server.host, port) else {
            return Ok(Resolved::NotConnected { share_units: 0 });
        };
        let Some((net_root, share_units)) = self.find_longest_share(srv_call, name.path) else {
            return Ok(Resolved::NotConnected { share_units: 0 });
        };
        let view = self.find_deviceless(net_root, logon);
        match view.filter(|&id| self.is_good(id)) {
            Some(v_net_root) => {
                let rest = name
                    .path
                    .split_at(share_units)
                    .map_or(Name::EMPTY, |(_, rest)| rest);
                Ok(Resolved::Path {
                    v_net_root,
                    path: NameBuf::try_from_units(rest.as_units())?,
                })
            }
            None => Ok(Resolved::NotConnected { share_units }),
        }
    }

    /// The good share whose name is the longest that covers whole components at the front of `path`, and its length.
    pub(crate) fn find_longest_share(
        &self,
        srv_call: SrvCallId,
        path: Name<'_>,
    ) -> Option<(NetRootId, usize)> {
        let (mut hasher, mut end, mut longest) = (self.share_hasher(srv_call), 0_usize, None);
        while let Some(component) = names::component_at(path, end) {
            hasher = hasher.name(component);
            end = end.saturating_add(component.len());
            let (front, _) = path.split_at(end)?;
            let found = self
                .find_hashed_net_root(srv_call, front, hasher.finish())
                .and_then(|id| Some((id, self.net_roots.get(id)?)));
            if let Some((id, net_root)) = found
                && net_root.condition == Condition::Good
            {
                longest = Some((id, end));
            }
        }
        longest
    }

    pub(crate) fn is_good(&self, id: VNetRootId) -> bool {
        self.v_net_root(id)
            .is_ok_and(|v_net_root| v_net_root.condition == Condition::Good)
    }
}

/// `base`, a backslash unless there is nothing to separate, `rest`.
fn join(base: Name<'_>, rest: Name<'_>) -> nt::Result<NameBuf> {
    let separator: &[u16] = if rest.is_empty() { &[] } else { &[b'\\' as u16] };
    concatenate_all(&[base.as_units(), separator, rest.as_units()])
}

fn concatenate(a: Name<'_>, b: Name<'_>) -> nt::Result<NameBuf> {
    concatenate_all(&[a.as_units(), b.as_units()])
}

fn concatenate_all(parts: &[&[u16]]) -> nt::Result<NameBuf> {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    if length > nt::name::MAX_UNITS {
        return Err(Status::OBJECT_PATH_INVALID);
    }
    let mut joined = NameBuf::default();
    parts.iter().try_for_each(|part| joined.try_push_units(part))?;
    Ok(joined)
}
