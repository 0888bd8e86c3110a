//! The model's opens on the server: which handles share one, which are dormant, and what takes those away. And the
//! operations on them.

use super::files::TOWARDS_FILE;
use super::machine::{Machine, choose, name, path_text};
use super::oracle::{Handle, Model, Upon};
use crate::{MajorFunction, Making, ServerName, SrvOpenId};
use nt::Status;
use std::format;

/// How long opens of the model are dormant, and how many of a server.
pub(super) const DELAY: u64 = 10;
pub(super) const DORMANT_MAX: usize = 3;

#[derive(Debug)]
pub(super) struct Open {
    pub(super) id: SrvOpenId,
    pub(super) file: usize,
    pub(super) view: usize,
    pub(super) access: u8,
    /// No other handle shares it, and it is never dormant.
    pub(super) alone: bool,
    /// Never dormant again.
    pub(super) renamed: bool,
    /// By itself, not with its view.
    pub(super) orphaned: bool,
    pub(super) closed: bool,
    /// While dormant: when it ends.
    pub(super) due: Option<u64>,
}

impl Model {
    fn handles_of(&self, open: usize) -> impl Iterator<Item = &Handle> {
        self.handles
            .iter()
            .filter(move |handle| handle.open == open && !handle.gone)
    }

    /// Whether the object is in memory.
    pub(super) fn is_alive(&self, open: usize) -> bool {
        self.opens[open].due.is_some() || self.handles_of(open).next().is_some()
    }

    /// What of the opens of a file an open with this access would share.
    pub(super) fn to_share(&self, file: usize, view: usize, access: u8) -> Option<usize> {
        (0..self.opens.len()).find(|&index| {
            let open = &self.opens[index];
            let opening = self
                .handles_of(index)
                .any(|handle| handle.opening && !handle.shares);
            open.file == file
                && open.view == view
                && open.access & access == access
                && !open.alone
                && !open.orphaned
                && !open.closed
                && !opening
                && self.is_alive(index)
        })
    }

    /// Ends what is dormant and `fits`.
    pub(super) fn scavenge(&mut self, fits: impl Fn(&Open) -> bool) {
        for open in &mut self.opens {
            if open.due.is_some() && fits(open) {
                open.due = None;
                open.closed = true;
            }
        }
    }

    /// Whether anything but dormant opens is upon a view, `without` aside.
    pub(super) fn is_kept(&self, view: usize, without: Option<usize>) -> bool {
        self.views[view].held > 0
            || self.views[view].reference
            || self.requests_upon(Upon::View(view))
            || (0..self.opens.len()).any(|index| {
                let open = &self.opens[index];
                open.view == view && open.due.is_none() && Some(index) != without && self.is_alive(index)
            })
    }

    fn server_of(&self, open: usize) -> usize {
        self.shares[self.views[self.opens[open].view].share].server
    }

    /// The last handle of an open has been closed at `now`.
    pub(super) fn close_open(&mut self, index: usize, now: Option<u64>) {
        let open = &self.opens[index];
        let file = &self.files[open.file];
        let fit = !open.closed
            && !open.alone
            && !open.renamed
            && !open.orphaned
            && self.views[open.view].attached
            && file.named
            && !file.delete_pending
            && self.is_kept(open.view, Some(index));
        let Some(now) = now.filter(|_| fit) else {
            self.opens[index].closed = true;
            return;
        };
        self.opens[index].due = Some(now + DELAY);
        self.order.retain(|&open| open != index);
        self.order.push(index);
        let server = self.server_of(index);
        let mut dormant = self
            .order
            .iter()
            .copied()
            .filter(|&other| self.opens[other].due.is_some() && self.server_of(other) == server);
        let oldest = dormant.next();
        if dormant.count() >= DORMANT_MAX
            && let Some(oldest) = oldest
        {
            let id = self.opens[oldest].id;
            self.scavenge(|open| open.id == id);
        }
    }
}

impl Machine {
    pub(super) fn tick(&mut self, by: u8) {
        self.now += u64::from(by);
        let now = self.now;
        self.tree.scavenge(now, &mut self.effects);
        self.model.scavenge(|open| open.due.is_some_and(|due| due <= now));
    }

    /// Says that a handle's open is not to be shared.
    pub(super) fn disable(&mut self, choice: u8) {
        let Some(handle) = choose(&self.model.handles, choice, |_, handle| !handle.gone) else {
            return;
        };
        let open = self.model.handles[handle].open;
        // A dormant one with a handle that has yet to go is told by nobody.
        if self.model.opens[open].due.is_some() {
            return;
        }
        let sharing = self.tree.disable_collapsing(self.model.opens[open].id).unwrap();
        let unclean = self
            .model
            .handles
            .iter()
            .filter(|handle| handle.open == open && !handle.gone && !handle.cleaned);
        assert_eq!(sharing as usize, unclean.count());
        self.model.opens[open].alone = true;
    }

    /// Takes one open away, whatever becomes of its view.
    pub(super) fn finalize_open(&mut self, choice: u8, force: bool) {
        let Some(handle) = choose(&self.model.handles, choice, |_, handle| !handle.gone) else {
            return;
        };
        let open = self.model.handles[handle].open;
        let id = self.model.opens[open].id;
        let gone = self.tree.finalize_srv_open(id, force, &mut self.effects);
        assert_eq!(gone, Ok(false), "its handle is still there");
        if self.model.opens[open].due.is_some() {
            self.model.scavenge(|other| other.id == id);
        } else if force {
            self.model.cancel(|model, upon| match upon {
                Upon::Handle(handle) => model.handles[handle].open == open,
                Upon::View(_) | Upon::Device => false,
            });
            self.model.opens[open].orphaned |= self.model.views[self.model.opens[open].view].attached;
        }
    }

    pub(super) fn finalize_handle(&mut self, choice: u8, force: bool) {
        let Some(handle) = choose(&self.model.handles, choice, |_, handle| !handle.gone) else {
            return;
        };
        let object = &self.model.handles[handle];
        let result = self.tree.finalize_fobx(object.id, force, &mut self.effects);
        if object.opening {
            assert_eq!(result, Err(Status::INVALID_PARAMETER));
            return;
        }
        let held = self.model.requests_upon(Upon::Handle(handle));
        assert_eq!(result, Ok(!held));
        if !object.closed && (force || !held) {
            self.closed(handle, None);
        }
    }

    /// A file, an open and a handle, made by hand, of which only the handle is kept.
    pub(super) fn by_hand(&mut self, choice: u8, path: u8) {
        let Some(view) = choose(&self.model.views, choice, |_, view| !view.gone) else {
            return;
        };
        let view_id = self.model.views[view].id;
        let root = self.model.views[view].share;
        let file = self.model.find_file(root, path);
        let result = self.tree.create_fcb(view_id, name(&path_text(path)).as_name());
        let expected = if !self.model.views[view].attached {
            Err(Status::UNEXPECTED_NETWORK_ERROR)
        } else if !self.model.views[view].good {
            Err(Status::INVALID_PARAMETER)
        } else if file.is_some_and(|file| self.model.files[file].delete_pending) {
            Err(Status::DELETE_PENDING)
        } else {
            Ok(())
        };
        assert_eq!(result.err(), expected.err());
        let Ok(fcb) = result else { return };
        let extension = self.issue(4);
        let srv_open = self.tree.create_srv_open(view_id, fcb, extension).unwrap();
        let extension = self.issue(5);
        let id = self.tree.create_fobx(srv_open, extension).unwrap();
        self.tree
            .dereference_srv_open(srv_open, &mut self.effects)
            .unwrap();
        self.tree.dereference_fcb(fcb, &mut self.effects).unwrap();
        let file = file.unwrap_or_else(|| self.model.add_file(root, path));
        self.model.opens.push(Open {
            id: srv_open,
            file,
            view,
            access: 0,
            alone: true,
            renamed: false,
            orphaned: false,
            closed: false,
            due: None,
        });
        self.model.handles.push(Handle {
            id,
            file,
            view,
            open: self.model.opens.len() - 1,
            shares: false,
            access: 0,
            sharing: TOWARDS_FILE,
            delete_on_close: false,
            opening: false,
            cleaned: false,
            closed: false,
            gone: false,
        });
    }

    /// Asks for a server by itself, and lets it go again at once.
    pub(super) fn touch_server(&mut self, host: u8, good: bool) {
        let context = self.new_request(Upon::Device, MajorFunction::CREATE, 0).unwrap();
        let text = name(&format!("host{host}"));
        let server = self
            .model
            .servers
            .iter()
            .position(|server| server.attached && server.host == host);
        let asked = ServerName::parse(text.as_name()).unwrap();
        match (self.tree.create_srv_call(&asked, context).unwrap(), server) {
            (Making::Make(id), None) => {
                if good {
                    let extension = self.issue(0);
                    self.tree.srv_call_good(id, extension, &mut self.effects).unwrap();
                    self.tree.dereference_srv_call(id, &mut self.effects).unwrap();
                } else {
                    self.tree
                        .srv_call_bad(id, Status::BAD_NETWORK_PATH, &mut self.effects)
                        .unwrap();
                }
                assert!(self.tree.srv_call(id).is_err());
            }
            (Making::Found(id), Some(server)) => {
                assert!(self.model.servers[server].good);
                self.tree.dereference_srv_call(id, &mut self.effects).unwrap();
            }
            (Making::Wait, Some(server)) => {
                assert!(!self.model.servers[server].good);
                self.request(context).waiting = true;
                return;
            }
            other => panic!("{other:?}"),
        }
        self.end(self.model.requests.len() - 1);
    }

    /// Cancels what is upon a handle's open, or upon the device.
    pub(super) fn cancel_upon(&mut self, choice: u8, device: bool) {
        if device {
            self.tree.cancel_device_requests(None, &mut self.effects);
            self.model.cancel(|_, upon| upon == Upon::Device);
            return;
        }
        let Some(handle) = choose(&self.model.handles, choice, |_, handle| !handle.gone) else {
            return;
        };
        let open = self.model.handles[handle].open;
        self.tree
            .cancel_srv_open_requests(self.model.opens[open].id, &mut self.effects)
            .unwrap();
        self.model.cancel(|model, upon| match upon {
            Upon::Handle(handle) => model.handles[handle].open == open,
            Upon::View(_) | Upon::Device => false,
        });
    }
}
