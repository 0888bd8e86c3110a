//! The model: what exists, in plain lists. Nothing is ever removed; what is gone says so.

use super::opens::Open;
use crate::{Condition, ContextId, FobxId, VNetRootId};
use nt::Status;
use std::vec::Vec;

/// A server, from the first connect to it until no share of it can be reached.
#[derive(Debug)]
pub(super) struct Server {
    pub(super) host: u8,
    pub(super) good: bool,
    pub(super) attached: bool,
}

#[derive(Debug)]
pub(super) struct Share {
    pub(super) server: usize,
    pub(super) share: u8,
    pub(super) good: bool,
    pub(super) attached: bool,
}

#[derive(Debug)]
pub(super) struct View {
    pub(super) id: VNetRootId,
    pub(super) share: usize,
    pub(super) drive: Option<u8>,
    pub(super) logon: u8,
    pub(super) user: Option<u8>,
    pub(super) good: bool,
    pub(super) attached: bool,
    pub(super) reference: bool,
    /// References that the test holds.
    pub(super) held: u32,
    /// Whether the test still has to make or fail it.
    pub(super) making: bool,
    pub(super) gone: bool,
    /// As it was last seen.
    pub(super) condition: Condition,
}

#[derive(Debug)]
pub(super) struct File {
    pub(super) share: usize,
    pub(super) path: u8,
    pub(super) named: bool,
    pub(super) delete_pending: bool,
}

#[derive(Debug)]
pub(super) struct Handle {
    pub(super) id: FobxId,
    pub(super) file: usize,
    pub(super) view: usize,
    pub(super) open: usize,
    /// Whether the open was there before it.
    pub(super) shares: bool,
    pub(super) access: u8,
    pub(super) sharing: u8,
    pub(super) delete_on_close: bool,
    pub(super) opening: bool,
    pub(super) cleaned: bool,
    pub(super) closed: bool,
    pub(super) gone: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Upon {
    Device,
    View(usize),
    Handle(usize),
}

#[derive(Debug)]
pub(super) struct Request {
    pub(super) id: ContextId,
    pub(super) upon: Upon,
    pub(super) notify: bool,
    /// Whether the tree said so.
    pub(super) cancelled: bool,
    /// Whether it should have.
    pub(super) to_cancel: bool,
    pub(super) waiting: bool,
    pub(super) ended: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Expected {
    Found(usize),
    Create {
        server: Option<usize>,
        share: Option<usize>,
    },
    Wait,
    Refused(Status),
}

#[derive(Debug, Default)]
pub(super) struct Model {
    pub(super) servers: Vec<Server>,
    pub(super) shares: Vec<Share>,
    pub(super) views: Vec<View>,
    pub(super) files: Vec<File>,
    pub(super) opens: Vec<Open>,
    /// Opens in the order in which they became dormant.
    pub(super) order: Vec<usize>,
    pub(super) handles: Vec<Handle>,
    pub(super) requests: Vec<Request>,
}

impl Model {
    pub(super) fn orphaned(&self, handle: usize) -> bool {
        let handle = &self.handles[handle];
        !self.views[handle.view].attached || self.opens[handle.open].orphaned
    }

    pub(super) fn requests_upon(&self, upon: Upon) -> bool {
        self.requests
            .iter()
            .any(|request| !request.ended && request.upon == upon)
    }

    /// Lets go what nothing holds any more, from the leaves up.
    pub(super) fn settle(&mut self) {
        for handle in 0..self.handles.len() {
            if self.handles[handle].closed && !self.requests_upon(Upon::Handle(handle)) {
                self.handles[handle].gone = true;
            }
        }
        for view in 0..self.views.len() {
            if !self.views[view].attached || !self.is_kept(view, None) {
                self.scavenge(|open| open.view == view);
            }
        }
        for file in 0..self.files.len() {
            let any_reachable = (0..self.opens.len()).any(|index| {
                let open = &self.opens[index];
                let reachable = self.views[open.view].attached && !open.orphaned;
                open.file == file && reachable && self.is_alive(index)
            });
            // Neither without handles nor with orphans alone does its path lead to it.
            self.files[file].named &= any_reachable;
        }
        for view in 0..self.views.len() {
            let used = self.views[view].held > 0
                || self.views[view].reference
                || self.requests_upon(Upon::View(view))
                || self
                    .handles
                    .iter()
                    .any(|handle| handle.view == view && !handle.gone);
            self.views[view].gone |= !used;
            self.views[view].attached &= used;
        }
        for share in 0..self.shares.len() {
            self.shares[share].attached &= self.views.iter().any(|view| view.share == share && view.attached);
        }
        for server in 0..self.servers.len() {
            self.servers[server].attached &= self
                .shares
                .iter()
                .any(|share| share.server == server && share.attached);
        }
    }

    pub(super) fn connect(
        &self,
        drive: Option<u8>,
        logon: u8,
        host: u8,
        share: u8,
        user: Option<u8>,
    ) -> Expected {
        let mut attached = self
            .views
            .iter()
            .enumerate()
            .filter(|(_, view)| view.attached && view.logon == logon);
        let same_drive = attached
            .clone()
            .find(|(_, view)| drive.is_some() && view.drive == drive);
        if let Some((_, view)) = same_drive {
            return if view.good {
                Expected::Refused(Status::CONNECTION_ACTIVE)
            } else {
                Expected::Wait
            };
        }
        let server = self
            .servers
            .iter()
            .position(|server| server.attached && server.host == host);
        let Some(server) = server else {
            return Expected::Create {
                server: None,
                share: None,
            };
        };
        if !self.servers[server].good {
            return Expected::Wait;
        }
        let share = self
            .shares
            .iter()
            .position(|known| known.attached && known.server == server && known.share == share);
        let Some(share) = share else {
            return Expected::Create {
                server: Some(server),
                share: None,
            };
        };
        if !self.shares[share].good {
            return Expected::Wait;
        }
        let mut on_share = attached.clone().filter(|(_, view)| view.share == share);
        if user.is_some() && on_share.any(|(_, view)| view.user != user) {
            return Expected::Refused(Status::NETWORK_CREDENTIAL_CONFLICT);
        }
        let deviceless = attached.find(|(_, view)| view.share == share && view.drive.is_none());
        match deviceless.filter(|_| drive.is_none()) {
            Some((view, known)) if known.good => Expected::Found(view),
            Some(_) => Expected::Wait,
            None => Expected::Create {
                server: Some(server),
                share: Some(share),
            },
        }
    }

    /// A new file that its path leads to.
    pub(super) fn add_file(&mut self, share: usize, path: u8) -> usize {
        self.files.push(File {
            share,
            path,
            named: true,
            delete_pending: false,
        });
        self.files.len() - 1
    }

    pub(super) fn find_file(&self, share: usize, path: u8) -> Option<usize> {
        self.files
            .iter()
            .position(|file| file.named && file.share == share && file.path == path)
    }

    /// Whether an open of `file` would be refused, and whether it could be worth waiting.
    pub(super) fn conflict(&self, file: usize, access: u8, sharing: u8) -> (bool, bool) {
        let claims = self.handles.iter().enumerate().filter(|(index, handle)| {
            handle.file == file && !handle.gone && !handle.cleaned && !self.orphaned(*index)
        });
        let conflicts = claims.clone().any(|(_, other)| {
            access != 0 && other.access != 0 && (access & !other.sharing != 0 || other.access & !sharing != 0)
        });
        let pending = self
            .handles
            .iter()
            .any(|handle| handle.file == file && !handle.gone && handle.opening);
        (conflicts, pending)
    }

    pub(super) fn has_unclean_reachable(&self, file: usize) -> bool {
        self.handles.iter().enumerate().any(|(index, handle)| {
            handle.file == file && !handle.gone && !handle.cleaned && !self.orphaned(index)
        })
    }

    /// Marks the requests that `doomed` holds for as such that are to be cancelled.
    pub(super) fn cancel(&mut self, doomed: impl Fn(&Self, Upon) -> bool) {
        for index in 0..self.requests.len() {
            if !self.requests[index].ended && doomed(self, self.requests[index].upon) {
                self.requests[index].to_cancel = true;
            }
        }
    }

    /// Whether a request upon `upon` is upon the view or below it.
    pub(super) fn is_below(&self, upon: Upon, view: usize) -> bool {
        match upon {
            Upon::Handle(handle) => self.handles[handle].view == view,
            Upon::View(at) => at == view,
            Upon::Device => false,
        }
    }

    /// The truth table.
    pub(super) fn finalize(&self, view: usize, force: bool) -> Status {
        if force {
            return Status::SUCCESS;
        }
        let object = &self.views[view];
        if object.attached && !object.good {
            return Status::CONNECTION_IN_USE;
        }
        let mut notifications = self
            .requests
            .iter()
            .filter(|request| !request.ended && request.notify && !request.to_cancel);
        let notified = notifications.any(|request| self.is_below(request.upon, view));
        let opened = self
            .handles
            .iter()
            .any(|handle| handle.view == view && !handle.closed && !handle.gone);
        if notified || opened {
            Status::FILES_OPEN
        } else {
            Status::SUCCESS
        }
    }
}
