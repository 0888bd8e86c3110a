//! Cleanup and close. Both work on orphaned handles, and neither can fail for want of memory.

use nt::{Name, NameBuf, Status};

use crate::directory::DirectoryId;
use crate::effect::Effects;
use crate::extensions::Extensions;
use crate::fcb::{Fcb, FcbKind, FcbState};
use crate::fobx::FobxFlags;
use crate::id::{ContextId, FcbId, FobxId};
use crate::rx_context::{ContextFlags, Wait};
use crate::srv_open::SrvOpenFlags;
use crate::tree::{STALE, Tree, drop_one};

/// What the cleanup of a handle leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cleanup {
    /// The file.
    pub fcb: FcbId,
    /// Whether no handle of the file is left that was not cleaned up, orphaned ones aside.
    pub last: bool,
    /// Whether the file is to be deleted on the server now. Until [`Tree::complete_delete`] says how that went, opens
    /// of it are refused.
    pub delete: bool,
    /// Whether the connection was taken away: there is no server to tell anything.
    pub orphaned: bool,
}

/// Whether a rename takes a name that another file has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replace {
    /// It does not.
    Never,
    /// It does unless that file is open.
    Closed,
    /// It does even so (FILE_RENAME_POSIX_SEMANTICS), if its handles let others delete it.
    Open,
}

impl From<bool> for Replace {
    fn from(replace: bool) -> Self {
        if replace { Self::Closed } else { Self::Never }
    }
}

impl<X: Extensions> Tree<X> {
    /// The last handle to a file object is gone (`IRP_MJ_CLEANUP`): its claims on the file end.
    ///
    /// # Errors
    /// `INVALID_PARAMETER` if the handle is gone or its open has not completed, `FILE_CLOSED` if it was cleaned up
    /// before.
    pub fn cleanup(&mut self, id: FobxId, effects: &mut Effects<X>) -> nt::Result<Cleanup> {
        let fobx = self.fobx(id)?;
        if fobx.flags.contains(FobxFlags::OPENING) {
            return Err(Status::INVALID_PARAMETER);
        }
        if fobx.flags.contains(FobxFlags::CLEANED_UP) {
            return Err(Status::FILE_CLOSED);
        }
        let delete_on_close = fobx.flags.contains(FobxFlags::DELETE_ON_CLOSE);
        let posix = fobx.flags.contains(FobxFlags::POSIX_DELETE);
        let srv_open = self.srv_open(fobx.srv_open)?;
        let (fcb_id, orphaned) = (srv_open.fcb, srv_open.flags.contains(SrvOpenFlags::ORPHANED));
        self.cancel_fobx_requests(id, effects)?;
        self.mark_cleaned_up(id);
        let fcb = self.fcbs.get_mut(fcb_id).ok_or(STALE)?;
        if delete_on_close && !orphaned {
            fcb.state.insert(FcbState::DELETE_ON_CLOSE);
            // This handle's own open keeps the file.
            self.scavenge_fcb(fcb_id, effects);
        }
        let last = !self.has_unclean_handles(fcb_id);
        let fcb = self.fcbs.get_mut(fcb_id).ok_or(STALE)?;
        // An orphaned file cannot be reached; if other views still reach it, the last of their handles decides.
        let delete = (last || posix)
            && !orphaned
            && !fcb.deleting
            && fcb.is_named()
            && fcb.state.contains(FcbState::DELETE_ON_CLOSE);
        fcb.deleting |= delete;
        Ok(Cleanup {
            fcb: fcb_id,
            last,
            delete,
            orphaned,
        })
    }

    /// Whether a handle of a file is not cleaned up through which the file can be reached.
    fn has_unclean_handles(&self, id: FcbId) -> bool {
        self.fcbs.get(id).is_some_and(|fcb| match fcb.orphaned_srv_opens {
            0 => fcb.unclean_count > 0,
            _ => fcb
                .srv_opens
                .iter(&self.srv_opens, |srv_open| &srv_open.by_fcb)
                .any(|(_, open)| open.unclean_fobx_count > 0 && !open.flags.contains(SrvOpenFlags::ORPHANED)),
        })
    }

    fn mark_cleaned_up(&mut self, id: FobxId) {
        let Some(fobx) = self.fobxs.get_mut(id) else {
            return;
        };
        if fobx.flags.contains(FobxFlags::CLEANED_UP) {
            return;
        }
        fobx.flags.insert(FobxFlags::CLEANED_UP);
        let Some(srv_open) = self.srv_opens.get_mut(fobx.srv_open) else {
            return;
        };
        drop_one(&mut srv_open.unclean_fobx_count);
        let fcb_id = srv_open.fcb;
        self.remove_share_claim(fcb_id, id);
        if let Some(fcb) = self.fcbs.get_mut(fcb_id) {
            drop_one(&mut fcb.unclean_count);
        }
    }

    /// The file object is gone (`IRP_MJ_CLOSE`). The id is not valid afterwards, except for requests still under way
    /// upon the handle. A handle that was never cleaned up is cleaned up by the way, without deleting anything.
    ///
    /// # Errors
    /// `INVALID_PARAMETER` if the handle is gone or its open has not completed.
    pub fn close(&mut self, id: FobxId, effects: &mut Effects<X>) -> nt::Result {
        self.close_at(id, None, effects)
    }

    /// As [`Tree::close`], at the time `now` (nanoseconds since any moment): if this was the last handle of a SRV_OPEN
    /// that may be dormant, that is not closed on the server yet.
    ///
    /// # Errors
    /// As [`Tree::close`].
    pub fn close_delayed(&mut self, id: FobxId, now: u64, effects: &mut Effects<X>) -> nt::Result {
        self.close_at(id, Some(now), effects)
    }

    fn close_at(&mut self, id: FobxId, now: Option<u64>, effects: &mut Effects<X>) -> nt::Result {
        let fobx = self.fobx(id)?;
        if fobx.flags.intersects(FobxFlags::OPENING | FobxFlags::CLOSED) {
            return Err(Status::INVALID_PARAMETER);
        }
        let srv_open_id = fobx.srv_open;
        self.cancel_fobx_requests(id, effects)?;
        self.mark_cleaned_up(id);
        if let Some(fobx) = self.fobxs.get_mut(id) {
            fobx.flags.insert(FobxFlags::CLOSED);
        }
        let srv_open = self.srv_opens.get_mut(srv_open_id).ok_or(STALE)?;
        drop_one(&mut srv_open.open_count);
        let closes_on_server = srv_open.open_count == 0 && srv_open.unclean_fobx_count == 0;
        let (fcb, v_net_root) = (srv_open.fcb, srv_open.v_net_root);
        if let Some(fcb) = self.fcbs.get_mut(fcb) {
            drop_one(&mut fcb.open_count);
        }
        if let Some(v_net_root) = self.v_net_roots.get_mut(v_net_root) {
            drop_one(&mut v_net_root.number_of_fobxs);
        }
        drop_one(&mut self.handles);
        let delayed = closes_on_server && now.is_some_and(|now| self.make_dormant(srv_open_id, now, effects));
        if closes_on_server && !delayed {
            self.close_srv_open(srv_open_id, false, effects);
        }
        self.release_fobx(id, effects);
        Ok(())
    }

    /// Sets or clears the wish that the file go when its last handle is cleaned up (`FileDispositionInformation`).
    ///
    /// # Errors
    /// `INVALID_PARAMETER` if the handle is gone, `FILE_CLOSED` if it was cleaned up, `UNEXPECTED_NETWORK_ERROR` if
    /// its connection was taken away, `ACCESS_DENIED` if it was not opened to delete.
    pub fn set_delete_pending(&mut self, id: FobxId, delete: bool, effects: &mut Effects<X>) -> nt::Result {
        let fcb = self.usable_fcb(id)?;
        if !self.fobx(id)?.claim.deletes() {
            return Err(Status::ACCESS_DENIED);
        }
        self.fcbs
            .get_mut(fcb)
            .ok_or(STALE)?
            .state
            .set(FcbState::DELETE_ON_CLOSE, delete);
        if delete {
            self.scavenge_fcb(fcb, effects);
        }
        Ok(())
    }

    /// Whether the file's name goes as soon as this handle is cleaned up, while other handles keep the file
    /// (FILE_DISPOSITION_POSIX_SEMANTICS). It counts while [`Tree::set_delete_pending`] says that the file is to go.
    ///
    /// # Errors
    /// As [`Tree::set_delete_pending`].
    pub fn set_posix_delete(&mut self, id: FobxId, posix: bool) -> nt::Result {
        self.set_delete_flag(id, FobxFlags::POSIX_DELETE, posix)
    }

    /// Sets or clears what FILE_DELETE_ON_CLOSE sets at an open (FILE_DISPOSITION_ON_CLOSE).
    ///
    /// # Errors
    /// As [`Tree::set_delete_pending`].
    pub fn set_delete_on_close(&mut self, id: FobxId, delete: bool) -> nt::Result {
        self.set_delete_flag(id, FobxFlags::DELETE_ON_CLOSE, delete)
    }

    fn set_delete_flag(&mut self, id: FobxId, flag: FobxFlags, on: bool) -> nt::Result {
        self.usable_fcb(id)?;
        let fobx = self.fobxs.get_mut(id).ok_or(STALE)?;
        if !fobx.claim.deletes() {
            return Err(Status::ACCESS_DENIED);
        }
        fobx.flags.set(flag, on);
        Ok(())
    }

    /// Says how the deletion went that [`Cleanup::delete`] asked for. A deleted file's path is free again; one that
    /// could not be deleted can be opened again.
    ///
    /// # Errors
    /// `INVALID_PARAMETER` if the file is gone or no deletion was asked for.
    pub fn complete_delete(&mut self, id: FcbId, deleted: bool) -> nt::Result {
        let fcb = self.fcbs.get_mut(id).ok_or(STALE)?;
        if !core::mem::replace(&mut fcb.deleting, false) {
            return Err(Status::INVALID_PARAMETER);
        }
        if deleted {
            let mut next = fcb.srv_opens.first();
            while let Some(srv_open) = next.and_then(|id| self.srv_opens.get_mut(id)) {
                srv_open.flags.insert(SrvOpenFlags::FILE_DELETED);
                next = srv_open.by_fcb.next();
            }
            self.remove_fcb_name(id);
        } else {
            fcb.state.remove(FcbState::DELETE_ON_CLOSE);
        }
        Ok(())
    }

    /// Begins a rename of a handle's file to `path`, a path below the same share. Nothing changes before
    /// [`Tree::complete_rename`], which cannot fail for want of memory.
    ///
    /// Dormant opens of the file, of the target and of files below a directory are closed, even if the rename then is
    /// refused.
    ///
    /// # Errors
    /// - `INVALID_PARAMETER`: the handle is gone. `FILE_CLOSED`: it was cleaned up. `UNEXPECTED_NETWORK_ERROR`: its
    ///   connection was taken away.
    /// - `ACCESS_DENIED`: the target (see [`Replace`]), or something below a directory that would move, is open.
    /// - `OBJECT_NAME_COLLISION`: the target is open and not to be replaced.
    /// - `DELETE_PENDING`: the file is about to go.
    /// - `LOCK_NOT_GRANTED`: another rename of the file, or of a directory above it or its target, is under way.
    /// - `INSUFFICIENT_RESOURCES`.
    pub fn begin_rename(
        &mut self,
        id: FobxId,
        path: Name<'_>,
        replace: impl Into<Replace>,
        effects: &mut Effects<X>,
    ) -> nt::Result<FcbId> {
        let fcb_id = self.check_new_name(id, path, replace, effects)?;
        let fcb = self.fcb(fcb_id)?;
        if fcb.rename.is_some() {
            return Err(Status::LOCK_NOT_GRANTED);
        }
        let is_directory = fcb.kind != FcbKind::File;
        self.scavenge_fcb(fcb_id, effects);
        if is_directory {
            self.scavenge_below(fcb_id, effects);
            if self.has_open_below(fcb_id) {
                return Err(Status::ACCESS_DENIED);
            }
        }
        let rename = self.prepare_rename(fcb_id, path, is_directory)?;
        self.fcbs.get_mut(fcb_id).ok_or(STALE)?.rename = Some(rename);
        Ok(fcb_id)
    }

    /// Whether a handle's file may take the name `path`, a path below the same share, as far as open files go. The result
    /// is the file.
    ///
    /// # Errors
    /// As [`Tree::begin_rename`], of which this is the first part.
    pub fn check_new_name(
        &mut self,
        id: FobxId,
        path: Name<'_>,
        replace: impl Into<Replace>,
        effects: &mut Effects<X>,
    ) -> nt::Result<FcbId> {
        let fcb_id = self.usable_fcb(id)?;
        let fcb = self.fcb(fcb_id)?;
        if fcb.state.contains(FcbState::DELETE_ON_CLOSE) {
            return Err(Status::DELETE_PENDING);
        }
        let net_root = fcb.net_root;
        let target = |tree: &Self| tree.find_fcb(net_root, path).filter(|&target| target != fcb_id);
        if let Some(target) = target(self) {
            self.scavenge_fcb(target, effects);
        }
        let Some(target) = target(self) else {
            return Ok(fcb_id);
        };
        let target = self.fcb(target)?;
        match replace.into() {
            Replace::Never => Err(Status::OBJECT_NAME_COLLISION),
            // Its handles keep it, if they let others delete it.
            Replace::Open if target.kind == FcbKind::File && target.share.all_share_delete() => Ok(fcb_id),
            Replace::Open | Replace::Closed => Err(Status::ACCESS_DENIED),
        }
    }

    /// Whether anything but the directory itself is open below it.
    fn has_open_below(&self, directory: FcbId) -> bool {
        let Some(fcb) = self.fcbs.get(directory) else {
            return false;
        };
        if fcb.path().is_empty() {
            let named = self
                .net_roots
                .get(fcb.net_root)
                .map_or(0, |net_root| net_root.named_fcbs);
            return named > 1;
        }
        self.is_used_below(fcb.net_root, fcb.path())
    }

    /// Says how the rename went that [`Tree::begin_rename`] began. Opens that waited for it look again.
    ///
    /// Should somebody have opened the target meanwhile, that FCB loses its name to this one.
    ///
    /// # Errors
    /// `INVALID_PARAMETER` if the file is gone or no rename was begun.
    pub fn complete_rename(&mut self, id: FcbId, renamed: bool, effects: &mut Effects<X>) -> nt::Result {
        let fcb = self.fcbs.get_mut(id).ok_or(STALE)?;
        let rename = fcb.rename.take().ok_or(Status::INVALID_PARAMETER)?;
        self.end_renaming(rename.itself);
        let unused = if renamed {
            self.book_rename(id, rename.path, rename.directory)
        } else {
            rename.directory
        };
        self.release_directory(unused);
        self.wake_waiters(Wait::Fcb(id), Ok(()), effects);
        Ok(())
    }

    /// Gives a file its new path, in a directory of which a use is taken over. Returns the use that is left over.
    fn book_rename(
        &mut self,
        id: FcbId,
        path: NameBuf,
        directory: Option<DirectoryId>,
    ) -> Option<DirectoryId> {
        let Some(fcb) = self.fcbs.get(id) else {
            return directory;
        };
        let net_root = fcb.net_root;
        let mut next = fcb.srv_opens.first();
        while let Some(srv_open) = next.and_then(|id| self.srv_opens.get_mut(id)) {
            srv_open.flags.insert(SrvOpenFlags::FILE_RENAMED);
            next = srv_open.by_fcb.next();
        }
        if let Some(other) = self
            .find_fcb(net_root, path.as_name())
            .filter(|&other| other != id)
        {
            self.remove_fcb_name(other);
        }
        let hash = self.path_hash(net_root, path.as_name());
        let named = self.fcbs.get(id).is_some_and(Fcb::is_named);
        if named {
            self.paths.remove(&mut self.fcbs, id);
        }
        let mut unused = directory;
        if let Some(fcb) = self.fcbs.get_mut(id) {
            fcb.path = path;
            fcb.hash = hash;
            if named {
                core::mem::swap(&mut fcb.directory, &mut unused);
            }
        }
        if named {
            self.paths.insert(&mut self.fcbs, id);
        }
        unused
    }

    /// Gives a request the file to itself (the FCB resource, exclusive), until [`Tree::unlock_fcb`] or its end. No
    /// other request's open of the file begins meanwhile.
    ///
    /// # Errors
    /// `LOCK_NOT_GRANTED` if another request has it, or this one has another; `CANCELLED` if the request is to end;
    /// `INVALID_PARAMETER` if the file or the request is gone.
    pub fn lock_fcb(&mut self, id: FcbId, context: ContextId) -> nt::Result {
        let request = self.contexts.get_mut(context).ok_or(STALE)?;
        if request.flags.contains(ContextFlags::CANCELLED) {
            return Err(Status::CANCELLED);
        }
        let fcb = self.fcbs.get_mut(id).ok_or(STALE)?;
        if fcb.exclusive.is_some() || request.exclusive.is_some() {
            return Err(Status::LOCK_NOT_GRANTED);
        }
        fcb.exclusive = Some(context);
        request.exclusive = Some(id);
        Ok(())
    }

    /// Gives the file back.
    ///
    /// # Errors
    /// `INVALID_PARAMETER` if the request does not have it.
    pub fn unlock_fcb(&mut self, id: FcbId, context: ContextId, effects: &mut Effects<X>) -> nt::Result {
        let fcb = self
            .fcbs
            .get_mut(id)
            .filter(|fcb| fcb.exclusive == Some(context))
            .ok_or(STALE)?;
        fcb.exclusive = None;
        if let Some(request) = self.contexts.get_mut(context) {
            request.exclusive = None;
        }
        self.wake_waiters(Wait::Fcb(id), Ok(()), effects);
        Ok(())
    }

    /// The file of a handle through which something can still be done.
    fn usable_fcb(&self, id: FobxId) -> nt::Result<FcbId> {
        let fobx = self.fobx(id)?;
        let srv_open = self.srv_open(fobx.srv_open)?;
        if fobx.flags.contains(FobxFlags::OPENING) {
            return Err(Status::INVALID_PARAMETER);
        }
        if fobx.flags.intersects(FobxFlags::CLEANED_UP | FobxFlags::CLOSED) {
            return Err(Status::FILE_CLOSED);
        }
        if srv_open.flags.contains(SrvOpenFlags::ORPHANED) {
            return Err(Status::UNEXPECTED_NETWORK_ERROR);
        }
        Ok(srv_open.fcb)
    }
}
