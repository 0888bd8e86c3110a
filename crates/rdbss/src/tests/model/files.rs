//! The operations on files: open, cleanup, close, delete, rename.

use super::machine::{Machine, Op, choose, name, path_text};
use super::opens::Open;
use super::oracle::{Handle, Upon};
use crate::{BeginOpen, FcbKind, MajorFunction, OpenRequest, Opened};
use nt::{AccessMask, CreateOptions, ShareAccess, Status};

/// Sharing that tolerates everything.
pub(super) const TOWARDS_FILE: u8 = 7;

impl Machine {
    pub(super) fn begin_open(&mut self, op: &Op) {
        let Op::BeginOpen {
            view,
            path,
            access,
            share,
            collapse,
            delete,
            waits,
        } = *op
        else {
            return;
        };
        let Some(view) = choose(&self.model.views, view, |_, view| !view.gone) else {
            return;
        };
        let context = waits.then(|| self.new_request(Upon::Device, MajorFunction::CREATE, 0).unwrap());
        let mut desired_access = AccessMask::READ_ATTRIBUTES;
        desired_access.set(AccessMask::READ_DATA, access & 1 != 0);
        desired_access.set(AccessMask::WRITE_DATA, access & 2 != 0);
        desired_access.set(AccessMask::DELETE, access & 4 != 0);
        let text = name(&path_text(path));
        let result = self.tree.begin_open(
            &OpenRequest {
                v_net_root: self.model.views[view].id,
                path: text.as_name(),
                desired_access,
                share_access: ShareAccess::from_bits_retain(u32::from(share)),
                options: if delete {
                    CreateOptions::DELETE_ON_CLOSE
                } else {
                    CreateOptions::empty()
                },
                unc_name: false,
                collapse: collapse.then_some(desired_access),
                context,
            },
            &mut self.effects,
        );
        let root = self.model.views[view].share;
        let file = self.model.find_file(root, path);
        let (conflict, pending) =
            file.map_or((false, false), |file| self.model.conflict(file, access, share));
        let expected = if !self.model.views[view].attached {
            Err(Status::UNEXPECTED_NETWORK_ERROR)
        } else if !self.model.views[view].good {
            Err(Status::INVALID_PARAMETER)
        } else if file.is_some_and(|file| self.model.files[file].delete_pending) {
            Err(Status::DELETE_PENDING)
        } else if conflict && !(pending && waits) {
            Err(Status::SHARING_VIOLATION)
        } else {
            Ok(conflict)
        };
        match (result, expected) {
            (Ok(BeginOpen::Wait), Ok(true)) => {
                self.request(context.unwrap()).waiting = true;
                return;
            }
            (Ok(BeginOpen::Begun(opening)), Ok(false)) => {
                assert_eq!(opening.new_fcb, file.is_none());
                let shared = file
                    .filter(|_| collapse && !delete)
                    .and_then(|file| self.model.to_share(file, view, access));
                assert_eq!(opening.collapsed, shared.is_some());
                let model = &mut self.model;
                let file = file.unwrap_or_else(|| model.add_file(root, path));
                let open = shared.unwrap_or_else(|| {
                    model.opens.push(Open {
                        id: opening.srv_open,
                        file,
                        view,
                        access,
                        alone: delete,
                        renamed: false,
                        orphaned: false,
                        closed: false,
                        due: None,
                    });
                    model.opens.len() - 1
                });
                assert_eq!(model.opens[open].id, opening.srv_open);
                model.opens[open].due = None;
                model.handles.push(Handle {
                    id: opening.fobx,
                    file,
                    view,
                    open,
                    shares: shared.is_some(),
                    access,
                    sharing: share,
                    delete_on_close: delete,
                    opening: true,
                    cleaned: false,
                    closed: false,
                    gone: false,
                });
            }
            (result, expected) => assert_eq!(result.err(), expected.err()),
        }
        if waits {
            self.end(self.model.requests.len() - 1);
        }
    }

    pub(super) fn complete(&mut self, choice: u8, ok: bool) {
        let opening = |_, handle: &Handle| handle.opening && !handle.gone;
        let Some(handle) = choose(&self.model.handles, choice, opening) else {
            return;
        };
        let id = self.model.handles[handle].id;
        let orphaned = self.model.orphaned(handle);
        let srv_open = self.tree.fobx(id).unwrap().srv_open();
        let result = if ok {
            let object = self.tree.srv_open(srv_open).unwrap();
            let collapsed = !object.flags().contains(crate::SrvOpenFlags::OPENING);
            let known = self.tree.fcb(object.fcb()).unwrap().extension().is_some();
            Ok(Opened {
                srv_open: (!collapsed).then(|| self.issue(4)),
                fobx: self.issue(5),
                fcb: (!known).then(|| self.issue(3)),
                kind: FcbKind::File,
                collapsible: true,
                delays_close: true,
            })
        } else {
            Err(Status::ACCESS_DENIED)
        };
        let result = self.tree.complete_open(id, result, &mut self.effects);
        let expected = match (ok, orphaned) {
            (true, false) => Ok(()),
            (true, true) => Err(Status::UNEXPECTED_NETWORK_ERROR),
            (false, _) => Err(Status::ACCESS_DENIED),
        };
        assert_eq!(result, expected);
        let object = &mut self.model.handles[handle];
        object.opening = false;
        if expected.is_err() {
            self.closed(handle, None);
        }
    }

    pub(super) fn cleanup(&mut self, choice: u8, deleted: bool) {
        let open = |_, handle: &Handle| !handle.closed && !handle.gone;
        let Some(handle) = choose(&self.model.handles, choice, open) else {
            return;
        };
        let result = self
            .tree
            .cleanup(self.model.handles[handle].id, &mut self.effects);
        let orphaned = self.model.orphaned(handle);
        let object = &mut self.model.handles[handle];
        if object.opening || object.cleaned {
            let expected = if object.opening {
                Status::INVALID_PARAMETER
            } else {
                Status::FILE_CLOSED
            };
            assert_eq!(result.err(), Some(expected));
            return;
        }
        object.cleaned = true;
        self.model.cancel(|_, upon| upon == Upon::Handle(handle));
        let object = &self.model.handles[handle];
        let (file, delete_on_close) = (object.file, object.delete_on_close);
        self.model.files[file].delete_pending |= delete_on_close && !orphaned;
        if delete_on_close && !orphaned {
            self.model.scavenge(|open| open.file == file);
        }
        let last = !self.model.has_unclean_reachable(file);
        let delete = last && !orphaned && self.model.files[file].delete_pending;
        let cleanup = result.unwrap();
        assert_eq!(
            (cleanup.last, cleanup.delete, cleanup.orphaned),
            (last, delete, orphaned)
        );
        if delete {
            self.tree.complete_delete(cleanup.fcb, deleted).unwrap();
            self.model.files[file].named &= !deleted;
            self.model.files[file].delete_pending &= deleted;
        }
    }

    pub(super) fn close(&mut self, choice: u8, delayed: bool) {
        let open = |_, handle: &Handle| !handle.closed && !handle.gone;
        let Some(handle) = choose(&self.model.handles, choice, open) else {
            return;
        };
        let id = self.model.handles[handle].id;
        let now = delayed.then_some(self.now);
        let result = match now {
            Some(now) => self.tree.close_delayed(id, now, &mut self.effects),
            None => self.tree.close(id, &mut self.effects),
        };
        if self.model.handles[handle].opening {
            assert_eq!(result, Err(Status::INVALID_PARAMETER));
            return;
        }
        result.unwrap();
        self.closed(handle, now);
    }

    /// A handle has been closed, at a time if its open may be dormant.
    pub(super) fn closed(&mut self, handle: usize, now: Option<u64>) {
        let object = &mut self.model.handles[handle];
        (object.cleaned, object.closed) = (true, true);
        let open = object.open;
        self.model.cancel(|_, upon| upon == Upon::Handle(handle));
        let mut others = self.model.handles.iter().filter(|other| other.open == open);
        if others.all(|other| other.closed || other.gone) {
            self.model.close_open(open, now);
        }
    }

    pub(super) fn set_delete(&mut self, choice: u8, delete: bool) {
        let Some(handle) = choose(&self.model.handles, choice, |_, handle| !handle.gone) else {
            return;
        };
        let result = self
            .tree
            .set_delete_pending(self.model.handles[handle].id, delete, &mut self.effects);
        let expected = self.usable(handle).and_then(|()| {
            if self.model.handles[handle].access & 4 != 0 {
                Ok(())
            } else {
                Err(Status::ACCESS_DENIED)
            }
        });
        assert_eq!(result, expected);
        if expected.is_ok() {
            let file = self.model.handles[handle].file;
            self.model.files[file].delete_pending = delete;
            if delete {
                self.model.scavenge(|open| open.file == file);
            }
        }
    }

    pub(super) fn usable(&self, handle: usize) -> nt::Result {
        let object = &self.model.handles[handle];
        if object.opening {
            Err(Status::INVALID_PARAMETER)
        } else if object.cleaned {
            Err(Status::FILE_CLOSED)
        } else if self.model.orphaned(handle) {
            Err(Status::UNEXPECTED_NETWORK_ERROR)
        } else {
            Ok(())
        }
    }

    pub(super) fn rename(&mut self, choice: u8, path: u8, replace: bool, ok: bool) {
        let Some(handle) = choose(&self.model.handles, choice, |_, handle| !handle.gone) else {
            return;
        };
        let file = self.model.handles[handle].file;
        let text = name(&path_text(path));
        let result = self.tree.begin_rename(
            self.model.handles[handle].id,
            text.as_name(),
            replace,
            &mut self.effects,
        );
        let share = self.model.files[file].share;
        if self.usable(handle).is_ok() && !self.model.files[file].delete_pending {
            if let Some(target) = self.model.find_file(share, path).filter(|&other| other != file) {
                self.model.scavenge(|open| open.file == target);
                self.model.settle();
            }
            if self
                .model
                .find_file(share, path)
                .is_none_or(|other| other == file)
            {
                self.model.scavenge(|open| open.file == file);
            }
        }
        let target = self.model.find_file(share, path).filter(|&other| other != file);
        let expected = self.usable(handle).and_then(|()| match target {
            _ if self.model.files[file].delete_pending => Err(Status::DELETE_PENDING),
            Some(_) if replace => Err(Status::ACCESS_DENIED),
            Some(_) => Err(Status::OBJECT_NAME_COLLISION),
            None => Ok(()),
        });
        assert_eq!(result.err(), expected.err());
        if let Ok(fcb) = result {
            self.tree.complete_rename(fcb, ok, &mut self.effects).unwrap();
            if ok {
                self.model.files[file].path = path;
                for open in self.model.opens.iter_mut().filter(|open| open.file == file) {
                    // What was renamed is not dormant, but may still be shared.
                    open.renamed = true;
                }
            }
        }
    }
}
