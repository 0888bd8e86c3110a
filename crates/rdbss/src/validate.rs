//! Whether the tree is consistent: for tests and debug builds, as it looks at everything.

use crate::condition::Condition;
use crate::directory::parent_path;
use crate::extensions::Extensions;
use crate::fcb::FcbState;
use crate::fobx::FobxFlags;
use crate::id::{FcbId, Id, NetRootId, SrvCallId, SrvOpenId, VNetRootId};
use crate::rx_context::{Owner, Wait};
use crate::share_access::ShareCounts;
use crate::srv_open::SrvOpenFlags;
use crate::tree::Tree;

/// The invariant that does not hold.
pub type Violation = &'static str;

type Check = Result<(), Violation>;

fn ensure(holds: bool, violation: Violation) -> Check {
    if holds { Ok(()) } else { Err(violation) }
}

/// Whether what is `Good` has names leading to it and what is not attached is over.
fn check_condition(attached: bool, condition: Condition) -> Check {
    let fits = match condition {
        Condition::InTransition | Condition::Good => attached,
        Condition::Bad | Condition::Closed => !attached,
        Condition::Uninitialized | Condition::Closing => false,
    };
    ensure(fits, "a condition does not go with being attached")
}

fn count(items: impl Iterator) -> u32 {
    u32::try_from(items.count()).unwrap_or(u32::MAX)
}

impl<X: Extensions> Tree<X> {
    /// Checks every invariant of the tree: each count equals the sum of what it counts, every list holds exactly
    /// what belongs in it, names lead to what is attached and to nothing else.
    ///
    /// Takes time in proportion to the square of the tree's size.
    ///
    /// # Errors
    /// The first invariant that does not hold.
    pub fn validate(&self) -> Result<(), Violation> {
        for (id, _) in self.srv_calls.iter_from(0) {
            self.validate_srv_call(id)?;
        }
        for (id, _) in self.net_roots.iter_from(0) {
            self.validate_net_root(id)?;
        }
        for (id, _) in self.v_net_roots.iter_from(0) {
            self.validate_v_net_root(id)?;
        }
        for (id, _) in self.fcbs.iter_from(0) {
            self.validate_fcb(id)?;
        }
        for (id, _) in self.srv_opens.iter_from(0) {
            self.validate_srv_open(id)?;
        }
        self.validate_dormant()?;
        self.validate_directories()?;
        self.validate_fobxs()?;
        self.validate_contexts()?;
        let hosts = self
            .srv_calls
            .iter_from(0)
            .filter(|(_, object)| object.attached)
            .count();
        ensure(
            hosts == self.hosts.len(),
            "the table of servers holds something else than the attached",
        )?;
        let shares = self
            .net_roots
            .iter_from(0)
            .filter(|(_, object)| object.attached)
            .count();
        ensure(
            shares == self.shares.len(),
            "the table of shares holds something else than the attached",
        )?;
        let views = self
            .v_net_roots
            .iter_from(0)
            .filter(|(_, object)| object.attached)
            .count();
        ensure(
            views == self.views.len(),
            "the table of views holds something else than the attached",
        )?;
        let drives = self
            .v_net_roots
            .iter_from(0)
            .filter(|(_, view)| view.attached && view.drive.is_some())
            .count();
        ensure(
            drives == self.drives.len(),
            "the table of drives holds something else than the attached",
        )?;
        let paths = self
            .fcbs
            .iter_from(0)
            .filter(|(_, object)| object.is_named())
            .count();
        ensure(
            paths == self.paths.len(),
            "the table of paths holds something else than the named",
        )
    }

    fn validate_srv_call(&self, id: SrvCallId) -> Check {
        let object = self.srv_calls.get(id).ok_or("a server is gone")?;
        check_condition(object.attached, object.condition)?;
        let all = || {
            self.net_roots
                .iter_from(0)
                .filter(|(_, net_root)| net_root.srv_call == id)
        };
        ensure(
            object.references == 1 + count(all()) + object.held,
            "a server's references",
        )?;
        let listed = object
            .net_roots
            .iter(&self.net_roots, |net_root| &net_root.siblings);
        let attached = all().filter(|(_, net_root)| net_root.attached);
        ensure(
            same(listed, attached, object.net_roots.len()),
            "a server's list of shares",
        )?;
        ensure(
            object.extension.is_some() == (object.condition == Condition::Good),
            "a server's extension",
        )?;
        if object.attached {
            let found = self.find_srv_call(object.host(), object.port);
            ensure(found == Some(id), "a server's name leads elsewhere")?;
            ensure(
                !object.net_roots.is_empty() || object.held > 0,
                "a server outlived its shares",
            )?;
        } else {
            ensure(
                object.net_roots.is_empty(),
                "a detached server has an attached share",
            )?;
        }
        self.validate_waiters(Wait::SrvCall(id), object.waiters.len())
    }

    fn validate_net_root(&self, id: NetRootId) -> Check {
        let object = self.net_roots.get(id).ok_or("a share is gone")?;
        check_condition(object.attached, object.condition)?;
        let views = || {
            self.v_net_roots
                .iter_from(0)
                .filter(|(_, view)| view.net_root == id)
        };
        let fcbs = || self.fcbs.iter_from(0).filter(|(_, fcb)| fcb.net_root == id);
        let counted = 1 + count(views()) + count(fcbs()) + object.held;
        ensure(object.references == counted, "a share's references")?;
        let listed = object.v_net_roots.iter(&self.v_net_roots, |view| &view.siblings);
        let attached = views().filter(|(_, view)| view.attached);
        ensure(
            same(listed, attached, object.v_net_roots.len()),
            "a share's list of views",
        )?;
        let named = fcbs().filter(|(_, fcb)| fcb.is_named());
        ensure(object.named_fcbs == count(named), "a share's number of files")?;
        ensure(
            object.extension.is_some() == (object.condition == Condition::Good),
            "a share's extension",
        )?;
        let srv_call = self
            .srv_calls
            .get(object.srv_call)
            .ok_or("a share's server is gone")?;
        if object.attached {
            ensure(srv_call.attached, "an attached share has a detached server")?;
            let found = self.find_net_root(object.srv_call, object.share());
            ensure(found == Some(id), "a share's name leads elsewhere")?;
            ensure(
                !object.v_net_roots.is_empty() || object.held > 0,
                "a share outlived its views",
            )?;
        } else {
            ensure(
                object.v_net_roots.is_empty(),
                "a detached share has an attached view",
            )?;
        }
        if object.condition == Condition::Good {
            ensure(
                srv_call.condition == Condition::Good,
                "a good share of a server that is not",
            )?;
        }
        self.validate_waiters(Wait::NetRoot(id), object.waiters.len())
    }

    fn validate_v_net_root(&self, id: VNetRootId) -> Check {
        let object = self.v_net_roots.get(id).ok_or("a view is gone")?;
        check_condition(object.attached, object.condition)?;
        let opens = || {
            self.srv_opens
                .iter_from(0)
                .filter(|(_, srv_open)| srv_open.v_net_root == id)
        };
        let pins = count(
            self.contexts
                .iter_from(0)
                .filter(|(_, context)| context.owner == Owner::VNetRoot(id)),
        );
        ensure(object.pins == pins, "a view's pins")?;
        let counted = 1 + count(opens()) + u32::from(object.connection_reference) + pins + object.held;
        ensure(object.references == counted, "a view's references")?;
        let listed = object
            .srv_opens
            .iter(&self.srv_opens, |srv_open| &srv_open.by_v_net_root);
        ensure(
            same(listed, opens(), object.srv_opens.len()),
            "a view's list of opens",
        )?;
        let fobxs: u32 = opens().map(|(_, srv_open)| srv_open.open_count).sum();
        ensure(object.number_of_fobxs == fobxs, "a view's number of handles")?;
        let requests = || {
            self.contexts
                .iter_from(0)
                .filter(|(_, context)| context.v_net_root == Some(id))
        };
        let listed = object.contexts.iter(&self.contexts, |context| &context.siblings);
        ensure(
            same(listed, requests(), object.contexts.len()),
            "a view's list of requests",
        )?;
        let notifications = count(requests().filter(|(_, context)| context.counts_as_use()));
        ensure(
            object.notifications == notifications,
            "a view's number of notifications",
        )?;
        ensure(
            object.extension.is_some() == (object.condition == Condition::Good),
            "a view's extension",
        )?;
        let net_root = self
            .net_roots
            .get(object.net_root)
            .ok_or("a view's share is gone")?;
        if object.attached {
            ensure(net_root.attached, "an attached view has a detached share")?;
            ensure(object.references > 1, "a view outlived its users")?;
            let found = object
                .drive
                .and_then(|drive| self.find_drive(drive, object.logon));
            ensure(
                found == object.drive.map(|_| id),
                "a view's drive leads elsewhere",
            )?;
        } else {
            let orphaned = |flags: SrvOpenFlags| flags.contains(SrvOpenFlags::ORPHANED);
            ensure(
                opens().all(|(_, srv_open)| orphaned(srv_open.flags)),
                "an open of a detached view is not orphaned",
            )?;
        }
        self.validate_waiters(Wait::VNetRoot(id), object.waiters.len())
    }

    fn validate_fcb(&self, id: FcbId) -> Check {
        let object = self.fcbs.get(id).ok_or("a file is gone")?;
        let opens = || {
            self.srv_opens
                .iter_from(0)
                .filter(|(_, srv_open)| srv_open.fcb == id)
        };
        let number = count(opens());
        ensure(
            object.references == 1 + number + object.held,
            "a file's references",
        )?;
        ensure(number + object.held > 0, "a file outlived its users")?;
        let listed = object
            .srv_opens
            .iter(&self.srv_opens, |srv_open| &srv_open.by_fcb);
        ensure(
            same(listed, opens(), object.srv_opens.len()),
            "a file's list of opens",
        )?;
        let unclean: u32 = opens().map(|(_, srv_open)| srv_open.unclean_fobx_count).sum();
        ensure(object.unclean_count == unclean, "a file's unclean count")?;
        let open: u32 = opens().map(|(_, srv_open)| srv_open.open_count).sum();
        ensure(object.open_count == open, "a file's open count")?;
        let orphaned = count(opens().filter(|(_, srv_open)| srv_open.flags.contains(SrvOpenFlags::ORPHANED)));
        ensure(
            object.orphaned_srv_opens == orphaned,
            "a file's number of orphaned opens",
        )?;
        if number > 0 {
            ensure(
                object.state.contains(FcbState::ORPHANED) == (orphaned == number),
                "a file is orphaned exactly if all its opens are",
            )?;
        }
        if object.state.contains(FcbState::ORPHANED) {
            ensure(!object.is_named(), "an orphan can be reached by name")?;
        }
        if object.is_named() {
            let found = self.find_fcb(object.net_root, object.path());
            ensure(found == Some(id), "a file's path leads elsewhere")?;
        }
        let fobxs = self.fobxs.iter_from(0).filter(|(_, fobx)| {
            self.srv_opens
                .get(fobx.srv_open)
                .is_some_and(|srv_open| srv_open.fcb == id)
        });
        let (mut pending, mut share) = (0, ShareCounts::default());
        for (_, fobx) in fobxs {
            pending += u32::from(fobx.flags.contains(FobxFlags::OPENING));
            if fobx.flags.contains(FobxFlags::SHARES) {
                share.add(fobx.claim);
            }
        }
        ensure(
            object.pending_opens == pending,
            "a file's number of pending opens",
        )?;
        ensure(object.share == share, "a file's share counts")?;
        self.validate_waiters(Wait::Fcb(id), object.waiters.len())
    }

    fn validate_srv_open(&self, id: SrvOpenId) -> Check {
        let object = self.srv_opens.get(id).ok_or("an open is gone")?;
        let fobxs = || self.fobxs.iter_from(0).filter(|(_, fobx)| fobx.srv_open == id);
        ensure(
            object.references == count(fobxs()) + u32::from(object.is_dormant()) + object.held,
            "an open's references",
        )?;
        ensure(object.references > 0, "an open outlived its users")?;
        let listed = object.fobxs.iter(&self.fobxs, |fobx| &fobx.siblings);
        ensure(
            same(listed, fobxs(), object.fobxs.len()),
            "an open's list of handles",
        )?;
        let open = fobxs().filter(|(_, fobx)| !fobx.flags.intersects(FobxFlags::OPENING | FobxFlags::CLOSED));
        ensure(object.open_count == count(open), "an open's open count")?;
        let unclean = fobxs().filter(|(_, fobx)| !fobx.flags.contains(FobxFlags::CLEANED_UP));
        ensure(
            object.unclean_fobx_count == count(unclean),
            "an open's unclean count",
        )?;
        if object.flags.contains(SrvOpenFlags::ORPHANED) {
            let claims = |flags: FobxFlags| flags.contains(FobxFlags::SHARES);
            ensure(
                !fobxs().any(|(_, fobx)| claims(fobx.flags)),
                "an orphan still has a claim on its file",
            )?;
        }
        let closed = object.open_count == 0 && object.unclean_fobx_count == 0;
        ensure(
            !closed || object.is_dormant() || object.held > 0 || object.extension.is_none(),
            "the server's open outlived its handles",
        )?;
        if object.is_dormant() {
            let unfit = SrvOpenFlags::CLOSED | SrvOpenFlags::ORPHANED | SrvOpenFlags::COLLAPSING_DISABLED;
            ensure(closed && object.extension.is_some(), "a dormant open has handles")?;
            ensure(
                !object.flags.intersects(unfit),
                "a dormant open is unfit to be shared",
            )?;
        }
        if object.flags.contains(SrvOpenFlags::CLOSED) {
            ensure(object.extension.is_none(), "a closed open has an extension")?;
        }
        let fcb = self.fcbs.get(object.fcb).ok_or("an open's file is gone")?;
        let view = self
            .v_net_roots
            .get(object.v_net_root)
            .ok_or("an open's view is gone")?;
        ensure(
            fcb.net_root == view.net_root,
            "an open's file and view are on different shares",
        )
    }

    fn validate_directories(&self) -> Check {
        ensure(
            self.below.len() == self.directories.len(),
            "the table of directories holds something else than the directories",
        )?;
        for (id, directory) in self.directories.iter_from(0) {
            let files = self
                .fcbs
                .iter_from(0)
                .filter(|(_, fcb)| fcb.directory == Some(id));
            let below = self
                .directories
                .iter_from(0)
                .filter(|(_, other)| other.parent == Some(id));
            let renames = || {
                self.fcbs
                    .iter_from(0)
                    .filter_map(|(id, fcb)| Some((id, fcb.rename.as_ref()?)))
            };
            let there = renames().filter(|(_, rename)| rename.directory == Some(id));
            let itself = || renames().filter(|(_, rename)| rename.itself == Some(id));
            let counted = count(files) + count(below) + count(there) + count(itself());
            ensure(directory.uses == counted, "a directory's uses")?;
            ensure(directory.uses > 0, "a directory outlived its users")?;
            ensure(
                directory.renaming == itself().next().map(|(fcb, _)| fcb),
                "a directory's rename",
            )?;
        }
        for (_, fcb) in self.fcbs.iter_from(0) {
            ensure(
                fcb.is_named() || fcb.directory.is_none(),
                "a file without a name is in a directory",
            )?;
            if fcb.is_named() {
                let parent = parent_path(fcb.path());
                let way = self.way_to(fcb.net_root, parent);
                ensure(
                    way.leads_to(fcb.directory, parent),
                    "a file is in another directory",
                )?;
            }
        }
        Ok(())
    }

    fn validate_dormant(&self) -> Check {
        let all = || self.srv_opens.iter_from(0).filter(|(_, open)| open.is_dormant());
        let listed = || self.dormant.iter(&self.srv_opens, |open| &open.by_due);
        ensure(
            same(listed(), all(), self.dormant.len()),
            "the list of dormant opens",
        )?;
        let mut due = listed().map(|(_, open)| open.due);
        let mut last = due.next().unwrap_or_default();
        ensure(
            due.all(|due| core::mem::replace(&mut last, due) <= due),
            "the dormant opens are not in the order of time",
        )?;
        for (id, srv_call) in self.srv_calls.iter_from(0) {
            let on_it = all().filter(|(_, open)| {
                let view = self.v_net_roots.get(open.v_net_root);
                let net_root = view.and_then(|view| self.net_roots.get(view.net_root));
                net_root.is_some_and(|net_root| net_root.srv_call == id)
            });
            let listed = srv_call.dormant.iter(&self.srv_opens, |open| &open.by_srv_call);
            ensure(
                same(listed, on_it, srv_call.dormant.len()),
                "a server's list of dormant opens",
            )?;
            ensure(
                srv_call.dormant.len() <= srv_call.close_delayed_max,
                "a server has too many dormant opens",
            )?;
        }
        for (id, view) in self.v_net_roots.iter_from(0) {
            let through_it = all().filter(|(_, open)| open.v_net_root == id);
            ensure(
                view.dormant == count(through_it),
                "a view's number of dormant opens",
            )?;
            ensure(
                view.dormant == 0 || view.references > view.dormant.saturating_add(1),
                "a view is kept by dormant opens alone",
            )?;
        }
        let totals = self.totals;
        ensure(
            totals.delayed_closes == totals.revived + totals.scavenged + u64::from(self.dormant.len()),
            "the statistics of delayed closes",
        )
    }

    fn validate_fobxs(&self) -> Check {
        let mut handles = 0;
        for (id, fobx) in self.fobxs.iter_from(0) {
            let closed = fobx.flags.contains(FobxFlags::CLOSED);
            handles += u32::from(!closed);
            let requests = || {
                self.contexts
                    .iter_from(0)
                    .filter(|(_, context)| context.owner == Owner::Fobx(id))
            };
            let counted = u32::from(!closed) + count(requests()) + fobx.held;
            ensure(fobx.references == counted, "a handle's references")?;
            ensure(fobx.references > 0, "a handle outlived its users")?;
            let listed = fobx.contexts.iter(&self.contexts, |context| &context.by_fobx);
            ensure(
                same(listed, requests(), fobx.contexts.len()),
                "a handle's list of requests",
            )?;
            ensure(
                !closed || fobx.flags.contains(FobxFlags::CLEANED_UP),
                "a handle closed but not cleaned up",
            )?;
        }
        ensure(self.handles == handles, "the number of handles")
    }

    fn validate_contexts(&self) -> Check {
        for (id, context) in self.contexts.iter_from(0) {
            let expected = match context.owner {
                Owner::Device => None,
                Owner::VNetRoot(view) => Some(view),
                Owner::Fobx(fobx) => {
                    let fobx = self.fobxs.get(fobx).ok_or("a request's handle is gone")?;
                    self.srv_opens
                        .get(fobx.srv_open)
                        .map(|srv_open| srv_open.v_net_root)
                }
            };
            ensure(
                context.v_net_root == expected,
                "a request is upon another view than its owner",
            )?;
            ensure(
                !context.is_cancelled() || context.waits_for.is_none(),
                "a cancelled request waits",
            )?;
            if let Some(fcb) = context.exclusive {
                let holder = self.fcbs.get(fcb).and_then(|fcb| fcb.exclusive);
                ensure(holder == Some(id), "a request has a file that does not know it")?;
            }
        }
        let device = self
            .contexts
            .iter_from(0)
            .filter(|(_, context)| context.v_net_root.is_none());
        let listed = self
            .device_contexts
            .iter(&self.contexts, |context| &context.siblings);
        ensure(
            same(listed, device, self.device_contexts.len()),
            "the device's list of requests",
        )
    }

    fn validate_waiters(&self, wait: Wait, listed: u32) -> Check {
        let waiting = self
            .contexts
            .iter_from(0)
            .filter(|(_, context)| context.waits_for == Some(wait));
        ensure(count(waiting) == listed, "a list of waiters")
    }
}

/// Whether a list holds exactly the objects it should, each once.
fn same<'a, K, T: 'a>(
    listed: impl Iterator<Item = (Id<K>, &'a T)>,
    expected: impl Iterator<Item = (Id<K>, &'a T)>,
    length: u32,
) -> bool {
    // Ids are unique and both walks meet each object at most once, so equal numbers and equal sums of ids of one
    // arena leave no room for a difference that any operation could make.
    let tally = |(number, sum): (u32, u64), id: u64| (number.saturating_add(1), sum.wrapping_add(id));
    let listed = listed.map(|(id, _)| id.to_raw()).fold((0, 0), tally);
    let expected = expected.map(|(id, _)| id.to_raw()).fold((0, 0), tally);
    listed == expected && listed.0 == length
}
