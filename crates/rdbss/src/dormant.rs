//! Delayed close: a SRV_OPEN whose last handle is closed may stay open on the server for a while, dormant, for the next
//! open of the file to share.
//!
//! Dormant opens are nobody's use of anything. They have no claim on their file, do not count as open handles, keep no
//! view alive, and give way to whatever they could stand in the way of: deletion, rename, finalisation. The tree knows
//! no time: closes and scavenging are told it, and [`Tree::next_scavenge`] says when the next is due.

use crate::effect::Effects;
use crate::extensions::Extensions;
use crate::fcb::{FcbState, NO_DELAY};
use crate::id::{FcbId, NetRootId, SrvCallId, SrvOpenId, VNetRootId};
use crate::names::strip_prefix;
use crate::srv_open::{SrvOpen, SrvOpenFlags};
use crate::tree::{STALE, Tree, drop_one};

/// How long opens stay dormant, and how many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DelayedClose {
    /// Most dormant opens of one server (`MaximumNumberOfCloseDelayedFiles` of a new SRV_CALL); the oldest goes first.
    pub per_srv_call: u32,
    /// How long an open stays dormant, in nanoseconds. With 0 none does.
    pub nanoseconds: u64,
}

impl DelayedClose {
    /// Every open is closed with its last handle.
    pub const OFF: Self = Self {
        per_srv_call: 0,
        nanoseconds: 0,
    };
}

impl Default for DelayedClose {
    /// The documented 50 files and 10 seconds.
    fn default() -> Self {
        Self {
            per_srv_call: 50,
            nanoseconds: 10_000_000_000,
        }
    }
}

impl<X: Extensions> Tree<X> {
    /// When [`Tree::scavenge`] next has something to do, in the time that closes were told; `None` while nothing is
    /// dormant.
    #[must_use]
    pub fn next_scavenge(&self) -> Option<u64> {
        self.srv_opens.get(self.dormant.first()?).map(|open| open.due)
    }

    /// Closes the opens that have been dormant for their time.
    pub fn scavenge(&mut self, now: u64, effects: &mut Effects<X>) {
        while let Some(id) = self.dormant.first() {
            if self.srv_opens.get(id).is_some_and(|open| open.due > now) {
                return;
            }
            self.finalize_dormant(id, effects);
        }
    }

    /// Closes all dormant opens of a file (`RxScavengeRelatedFobxs`, before a purge).
    pub fn scavenge_fcb(&mut self, id: FcbId, effects: &mut Effects<X>) {
        let mut next = self.fcbs.get(id).and_then(|fcb| fcb.srv_opens.first());
        while let Some((id, srv_open)) = next.and_then(|id| Some((id, self.srv_opens.get(id)?))) {
            next = srv_open.by_fcb.next();
            if srv_open.is_dormant() {
                self.finalize_dormant(id, effects);
            }
        }
    }

    /// Closes all dormant opens that were made through a view.
    pub fn scavenge_v_net_root(&mut self, id: VNetRootId, effects: &mut Effects<X>) {
        let Some(view) = self.v_net_roots.get(id).filter(|view| view.dormant > 0) else {
            return;
        };
        let mut next = view.srv_opens.first();
        while let Some((id, srv_open)) = next.and_then(|id| Some((id, self.srv_opens.get(id)?))) {
            next = srv_open.by_v_net_root.next();
            if srv_open.is_dormant() {
                self.finalize_dormant(id, effects);
            }
        }
    }

    /// Closes all dormant opens on a share (`RxScavengeFobxsForNetRoot`).
    pub fn scavenge_net_root(&mut self, id: NetRootId, effects: &mut Effects<X>) {
        let mut next = self
            .net_roots
            .get(id)
            .and_then(|object| object.v_net_roots.first());
        while let Some((id, view)) = next.and_then(|id| Some((id, self.v_net_roots.get(id)?))) {
            next = view.siblings.next();
            self.scavenge_v_net_root(id, effects);
        }
    }

    /// Closes all dormant opens on a server.
    pub fn scavenge_srv_call(&mut self, id: SrvCallId, effects: &mut Effects<X>) {
        while let Some(id) = self.srv_calls.get(id).and_then(|object| object.dormant.first()) {
            self.finalize_dormant(id, effects);
        }
    }

    /// Closes all dormant opens of files below a directory.
    pub(crate) fn scavenge_below(&mut self, directory: FcbId, effects: &mut Effects<X>) {
        let Some(fcb) = self.fcbs.get(directory) else {
            return;
        };
        let net_root = fcb.net_root;
        let Some(server) = self.net_roots.get(net_root).map(|object| object.srv_call) else {
            return;
        };
        let case = self.file_case(net_root);
        // A server has but so many dormant opens, however many files are open.
        let mut next = self
            .srv_calls
            .get(server)
            .and_then(|object| object.dormant.first());
        while let Some((id, srv_open)) = next.and_then(|id| Some((id, self.srv_opens.get(id)?))) {
            next = srv_open.by_srv_call.next();
            let below = self.fcbs.get(srv_open.fcb).is_some_and(|file| {
                file.net_root == net_root
                    && self
                        .fcbs
                        .get(directory)
                        .is_some_and(|directory| strip_prefix(file.path(), directory.path(), case).is_some())
            });
            if below {
                self.finalize_dormant(id, effects);
            }
        }
    }

    /// Sets how many opens of a server may be dormant (`MaximumNumberOfCloseDelayedFiles`); what is above goes.
    ///
    /// # Errors
    /// `INVALID_PARAMETER` if the server is gone.
    pub fn set_close_delayed_max(
        &mut self,
        id: SrvCallId,
        most: u32,
        effects: &mut Effects<X>,
    ) -> nt::Result {
        self.srv_calls.get_mut(id).ok_or(STALE)?.close_delayed_max = most;
        self.limit_dormant(id, effects);
        Ok(())
    }

    /// From now on no further open shares a SRV_OPEN, and it is closed with its last handle: what a mini-redirector says
    /// when a handle has left something with the server's open that another must not find, such as a byte-range lock, or
    /// when the server's open turns out to be of another file. Returns how many handles, or opens under way, share it now.
    ///
    /// # Errors
    /// `INVALID_PARAMETER` if the open is gone.
    pub fn disable_collapsing(&mut self, id: SrvOpenId) -> nt::Result<u32> {
        let srv_open = self.srv_opens.get_mut(id).ok_or(STALE)?;
        srv_open.flags.insert(SrvOpenFlags::COLLAPSING_DISABLED);
        Ok(srv_open.unclean_fobx_count)
    }

    /// Keeps an open whose last handle was closed, if it may be kept. Returns whether it is.
    pub(crate) fn make_dormant(&mut self, id: SrvOpenId, now: u64, effects: &mut Effects<X>) -> bool {
        let Some(srv_call) = self.home_of_dormant(id) else {
            return false;
        };
        let due = now.saturating_add(self.config.delayed_close.nanoseconds);
        // In order of time, even should the caller's clock have gone back.
        let due = self
            .dormant
            .last()
            .and_then(|last| self.srv_opens.get(last))
            .map_or(due, |last| due.max(last.due));
        let Some(srv_open) = self.srv_opens.get_mut(id) else {
            return false;
        };
        srv_open.flags.insert(SrvOpenFlags::CLOSE_DELAYED);
        srv_open.references = srv_open.references.saturating_add(1);
        srv_open.due = due;
        let view = srv_open.v_net_root;
        if let Some(view) = self.v_net_roots.get_mut(view) {
            view.dormant = view.dormant.saturating_add(1);
        }
        self.dormant
            .push_back(&mut self.srv_opens, id, |open| &mut open.by_due);
        if let Some(object) = self.srv_calls.get_mut(srv_call) {
            object
                .dormant
                .push_back(&mut self.srv_opens, id, |open| &mut open.by_srv_call);
        }
        self.totals.delayed_closes = self.totals.delayed_closes.saturating_add(1);
        self.limit_dormant(srv_call, effects);
        true
    }

    /// The server of an open that may become dormant.
    fn home_of_dormant(&self, id: SrvOpenId) -> Option<SrvCallId> {
        let unfit = SrvOpenFlags::CLOSED
            | SrvOpenFlags::CLOSE_DELAYED
            | SrvOpenFlags::COLLAPSING_DISABLED
            | SrvOpenFlags::FILE_RENAMED
            | SrvOpenFlags::FILE_DELETED
            | SrvOpenFlags::ORPHANED
            | SrvOpenFlags::OPENING;
        let srv_open = self.srv_opens.get(id).filter(|open| {
            open.flags.contains(SrvOpenFlags::DELAYS_CLOSE) && !open.flags.intersects(unfit)
        })?;
        let fcb = self.fcbs.get(srv_open.fcb)?;
        let quiet = fcb.state.contains(FcbState::COLLAPSING_ENABLED)
            && !fcb.state.intersects(NO_DELAY)
            && fcb.rename.is_none()
            && fcb.exclusive.is_none();
        let view = self.v_net_roots.get(srv_open.v_net_root)?;
        // Beside itself, what is dormant, and this open, somebody must hold the view.
        let kept = view.attached && view.references > view.dormant.saturating_add(2);
        let srv_call_id = self.net_roots.get(view.net_root)?.srv_call;
        let srv_call = self.srv_calls.get(srv_call_id)?;
        let wanted = srv_call.close_delayed_max > 0 && self.config.delayed_close.nanoseconds > 0;
        (quiet && kept && wanted).then_some(srv_call_id)
    }

    fn limit_dormant(&mut self, id: SrvCallId, effects: &mut Effects<X>) {
        while let Some(oldest) = self
            .srv_calls
            .get(id)
            .filter(|object| object.dormant.len() > object.close_delayed_max)
            .and_then(|object| object.dormant.first())
        {
            self.finalize_dormant(oldest, effects);
        }
    }

    pub(crate) fn finalize_dormant(&mut self, id: SrvOpenId, effects: &mut Effects<X>) {
        self.totals.scavenged = self.totals.scavenged.saturating_add(1);
        self.unlink_dormant(id);
        self.close_srv_open(id, false, effects);
        self.release_srv_open(id, effects);
    }

    /// Wakes a dormant open for a handle, whose reference takes the place of dormancy's own.
    pub(crate) fn revive(&mut self, id: SrvOpenId) {
        if !self.srv_opens.get(id).is_some_and(SrvOpen::is_dormant) {
            return;
        }
        self.totals.revived = self.totals.revived.saturating_add(1);
        self.unlink_dormant(id);
        if let Some(srv_open) = self.srv_opens.get_mut(id) {
            drop_one(&mut srv_open.references);
        }
    }

    fn unlink_dormant(&mut self, id: SrvOpenId) {
        let Some(srv_open) = self.srv_opens.get_mut(id) else {
            return;
        };
        srv_open.flags.remove(SrvOpenFlags::CLOSE_DELAYED);
        let view = srv_open.v_net_root;
        self.dormant
            .remove(&mut self.srv_opens, id, |open| &mut open.by_due);
        let Some(view) = self.v_net_roots.get_mut(view) else {
            return;
        };
        drop_one(&mut view.dormant);
        let srv_call = self
            .net_roots
            .get(view.net_root)
            .map(|net_root| net_root.srv_call);
        if let Some(object) = srv_call.and_then(|id| self.srv_calls.get_mut(id)) {
            object
                .dormant
                .remove(&mut self.srv_opens, id, |open| &mut open.by_srv_call);
        }
    }
}
