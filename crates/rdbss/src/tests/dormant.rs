//! Delayed close: what stays open on the server after its last handle, for how long, and what it must give way to.

use super::world::{ME, SHARE_ALL, World, name};
use crate::{BeginOpen, FcbKind, FobxId, Level, OpenRequest, Opened, Opening, SrvOpenFlags, VNetRootId};
use nt::{AccessMask, CreateOptions, Status};
use std::string::{String, ToString};
use std::vec::Vec;

const READ: AccessMask = AccessMask::READ_DATA;
const READ_DELETE: AccessMask = AccessMask::READ_DATA.union(AccessMask::DELETE);
const SECOND: u64 = 1_000_000_000;
const NOTHING: [&str; 0] = [];

fn mapped() -> (World, VNetRootId) {
    let mut world = World::new();
    let view = world.map(r"\;X:\srv\share");
    world.drain();
    (world, view)
}

impl World {
    fn begin_shared(
        &mut self,
        view: VNetRootId,
        path: &str,
        access: AccessMask,
        options: CreateOptions,
    ) -> Opening {
        let path = name(path);
        let request = OpenRequest {
            v_net_root: view,
            path: path.as_name(),
            desired_access: access,
            share_access: SHARE_ALL,
            options,
            unc_name: false,
            collapse: Some(access),
            context: None,
        };
        match self.tree.begin_open(&request, &mut self.effects) {
            Ok(BeginOpen::Begun(opening)) => opening,
            other => panic!("{other:?}"),
        }
    }

    fn finish(&mut self, opening: Opening, kind: FcbKind, delays_close: bool) -> FobxId {
        let opened = Opened {
            srv_open: (!opening.collapsed).then(|| "fid".to_string()),
            fobx: super::world::Handle::default(),
            fcb: opening.new_fcb.then(|| "file".to_string()),
            kind,
            collapsible: true,
            delays_close,
        };
        self.tree
            .complete_open(opening.fobx, Ok(opened), &mut self.effects)
            .unwrap();
        opening.fobx
    }

    fn open_shared(&mut self, view: VNetRootId, path: &str) -> FobxId {
        let opening = self.begin_shared(view, path, READ, CreateOptions::empty());
        self.finish(opening, FcbKind::File, true)
    }

    fn shut_at(&mut self, fobx: FobxId, now: u64) -> Vec<String> {
        self.tree.cleanup(fobx, &mut self.effects).unwrap();
        self.tree.close_delayed(fobx, now, &mut self.effects).unwrap();
        self.drain()
    }

    fn leave_dormant(&mut self, view: VNetRootId, path: &str, now: u64) {
        let fobx = self.open_shared(view, path);
        assert_eq!(self.shut_at(fobx, now), ["handle"], "{path}");
    }

    fn dormant(&self) -> usize {
        self.tree.statistics().dormant
    }
}

#[test]
fn a_closed_open_is_dormant_for_its_time() {
    let (mut world, view) = mapped();
    assert_eq!(world.tree.next_scavenge(), None);
    world.leave_dormant(view, r"\f", SECOND);
    world.leave_dormant(view, r"\g", 3 * SECOND);
    assert_eq!(world.dormant(), 2);
    assert!(!world.tree.has_open_files(), "no handle is open");
    assert_eq!(world.tree.v_net_root(view).unwrap().number_of_fobxs(), 0);
    assert_eq!(world.tree.next_scavenge(), Some(11 * SECOND));
    world.tree.scavenge(11 * SECOND - 1, &mut world.effects);
    assert_eq!(world.drain(), NOTHING);
    world.tree.scavenge(11 * SECOND, &mut world.effects);
    assert_eq!(world.drain(), ["close fid", "file"]);
    assert_eq!(world.tree.next_scavenge(), Some(13 * SECOND));
    world.tree.scavenge(u64::MAX, &mut world.effects);
    assert_eq!(world.drain(), ["close fid", "file"]);
    assert_eq!(world.tree.next_scavenge(), None);
    assert_eq!(world.finalize(view, Level::Refuse), Status::SUCCESS);
    world.drain();
    assert!(world.tree.is_empty());
}

#[test]
fn the_next_open_shares_what_is_dormant() {
    let (mut world, view) = mapped();
    world.leave_dormant(view, r"\f", 0);
    let opening = world.begin_shared(view, r"\f", READ, CreateOptions::NON_DIRECTORY_FILE);
    assert!(opening.collapsed && !opening.new_fcb);
    assert_eq!((world.dormant(), world.tree.next_scavenge()), (0, None));
    let again = world.finish(opening, FcbKind::File, true);
    assert_eq!(world.tree.statistics().srv_opens, 1);
    // And is dormant again afterwards, for the whole time.
    assert_eq!(world.shut_at(again, 4 * SECOND), ["handle"]);
    assert_eq!(world.tree.next_scavenge(), Some(14 * SECOND));
    let totals = world.tree.totals();
    assert_eq!(
        (
            totals.opens,
            totals.collapsed,
            totals.delayed_closes,
            totals.revived,
            totals.scavenged
        ),
        (2, 1, 2, 1, 0)
    );
}

#[test]
fn what_does_not_go_with_it_is_opened_anew() {
    for (access, options) in [
        (READ | AccessMask::WRITE_DATA, CreateOptions::empty()),
        (READ_DELETE, CreateOptions::empty()),
        (AccessMask::MAXIMUM_ALLOWED, CreateOptions::empty()),
        (READ, CreateOptions::WRITE_THROUGH),
        (READ, CreateOptions::OPEN_REPARSE_POINT),
        (READ_DELETE, CreateOptions::DELETE_ON_CLOSE),
    ] {
        let (mut world, view) = mapped();
        world.leave_dormant(view, r"\f", 0);
        let opening = world.begin_shared(view, r"\f", access, options);
        assert!(!opening.collapsed, "{access:?} {options:?}");
        assert_eq!(world.dormant(), 1);
        world.finish(opening, FcbKind::File, true);
        world.drain();
    }
    // Another drive is another view, with another user's rights.
    let (mut world, view) = mapped();
    let other = world.map(r"\;Y:\srv\share");
    world.leave_dormant(view, r"\f", 0);
    assert!(
        !world
            .begin_shared(other, r"\f", READ, CreateOptions::empty())
            .collapsed
    );
    // Less access than it has is no hindrance.
    let less = world.begin_shared(view, r"\f", AccessMask::empty(), CreateOptions::empty());
    assert!(less.collapsed);
}

#[test]
fn the_oldest_goes_first() {
    let (mut world, view) = mapped();
    let server = world.tree.chain(view).unwrap().net_root.srv_call();
    world
        .tree
        .set_close_delayed_max(server, 2, &mut world.effects)
        .unwrap();
    world.leave_dormant(view, r"\1", 1);
    world.leave_dormant(view, r"\2", 2);
    let third = world.open_shared(view, r"\3");
    assert_eq!(world.shut_at(third, 3), ["close fid", "file", "handle"]);
    assert_eq!(world.tree.srv_call(server).unwrap().close_delayed(), 2);
    assert!(
        world
            .begin_shared(view, r"\2", READ, CreateOptions::empty())
            .collapsed
    );
    assert!(
        !world
            .begin_shared(view, r"\1", READ, CreateOptions::empty())
            .collapsed
    );
    world
        .tree
        .set_close_delayed_max(server, 0, &mut world.effects)
        .unwrap();
    assert_eq!(world.drain(), ["close fid", "file"]);
    let fourth = world.open_shared(view, r"\4");
    assert_eq!(world.shut_at(fourth, 4), ["close fid", "handle", "file"]);
}

#[test]
fn what_is_not_clean_is_closed_at_once() {
    let (mut world, view) = mapped();
    let closed = |world: &mut World, what: &str, fobx: FobxId| {
        assert!(
            world.shut_at(fobx, 0).contains(&"close fid".to_string()),
            "{what}"
        );
        assert_eq!(world.dormant(), 0, "{what}");
    };
    let opening = world.begin_shared(view, r"\d", READ, CreateOptions::empty());
    let directory = world.finish(opening, FcbKind::Directory, false);
    closed(&mut world, "one whose opener says so", directory);
    let opening = world.begin_shared(view, r"\f", READ_DELETE, CreateOptions::DELETE_ON_CLOSE);
    let doomed = world.finish(opening, FcbKind::File, true);
    let cleanup = world.tree.cleanup(doomed, &mut world.effects).unwrap();
    assert!(cleanup.delete);
    world.tree.complete_delete(cleanup.fcb, false).unwrap();
    world.tree.close_delayed(doomed, 0, &mut world.effects).unwrap();
    assert_eq!(world.drain(), ["close fid", "handle", "file"], "delete on close");
    let locked = world.open_shared(view, r"\f");
    let srv_open = world.tree.fobx(locked).unwrap().srv_open();
    assert_eq!(world.tree.disable_collapsing(srv_open), Ok(1));
    assert!(
        !world
            .begin_shared(view, r"\f", READ, CreateOptions::empty())
            .collapsed
    );
    closed(&mut world, "one with locks", locked);
    let (mut world, view) = mapped();
    let opening = world.begin_shared(view, r"\f", READ_DELETE, CreateOptions::empty());
    let moved = world.finish(opening, FcbKind::File, true);
    let fcb = world
        .tree
        .begin_rename(moved, name(r"\g").as_name(), false, &mut world.effects)
        .unwrap();
    world.tree.complete_rename(fcb, true, &mut world.effects).unwrap();
    closed(&mut world, "one that was renamed", moved);
    let orphan = world.open_shared(view, r"\h");
    assert_eq!(world.finalize(view, Level::Force), Status::SUCCESS);
    world.drain();
    world.shut_at(orphan, 0);
    assert!(world.tree.is_empty(), "an orphan");
}

#[test]
fn dormant_opens_are_no_use_of_a_connection() {
    for level in [Level::Refuse, Level::RefuseDropRef, Level::Force] {
        let (mut world, view) = mapped();
        world.leave_dormant(view, r"\f", 0);
        world.leave_dormant(view, r"\g", 0);
        assert_eq!(world.finalize(view, level), Status::SUCCESS);
        let gone = [
            "close fid",
            "file",
            "close fid",
            "file",
            "view",
            "share",
            "server",
        ];
        assert_eq!(world.drain(), gone, "{level:?}");
        assert!(world.tree.is_empty());
    }
    // Also where the call fails: they do not block a later one.
    let (mut world, view) = mapped();
    world.leave_dormant(view, r"\f", 0);
    let open = world.open_shared(view, r"\g");
    assert_eq!(world.finalize(view, Level::RefuseDropRef), Status::FILES_OPEN);
    assert_eq!(world.drain(), ["close fid", "file"]);
    // The connection ends with its last handle, which therefore leaves nothing dormant.
    let last = ["close fid", "handle", "file", "view", "share", "server"];
    assert_eq!(world.shut_at(open, 0), last);
    assert!(world.tree.is_empty());
}

#[test]
fn a_view_without_a_connection_goes_with_its_last_handle() {
    let mut world = World::new();
    let context = world.context();
    let creation = world.create(r"\srv\share", ME, None, context);
    let view = world.make_good(creation);
    world.end(context);
    let (first, second) = (world.open_shared(view, r"\1"), world.open_shared(view, r"\2"));
    world
        .tree
        .dereference_v_net_root(view, &mut world.effects)
        .unwrap();
    assert_eq!(
        world.shut_at(first, 0),
        ["handle"],
        "another handle keeps the view"
    );
    assert_eq!(world.dormant(), 1);
    let last = world.shut_at(second, 0);
    assert_eq!(last.iter().filter(|effect| *effect == "close fid").count(), 2);
    assert!(world.tree.is_empty());
}

#[test]
fn dormant_opens_give_way() {
    // To deletion, by disposition and on close.
    let (mut world, view) = mapped();
    world.leave_dormant(view, r"\f", 0);
    let opening = world.begin_shared(view, r"\f", READ_DELETE, CreateOptions::empty());
    let deleter = world.finish(opening, FcbKind::File, true);
    world
        .tree
        .set_delete_pending(deleter, false, &mut world.effects)
        .unwrap();
    assert_eq!((world.drain().len(), world.dormant()), (0, 1));
    world
        .tree
        .set_delete_pending(deleter, true, &mut world.effects)
        .unwrap();
    assert_eq!(world.drain(), ["close fid"]);
    let (mut world, view) = mapped();
    world.leave_dormant(view, r"\f", 0);
    let opening = world.begin_shared(view, r"\f", READ_DELETE, CreateOptions::DELETE_ON_CLOSE);
    let deleter = world.finish(opening, FcbKind::File, true);
    world.tree.cleanup(deleter, &mut world.effects).unwrap();
    assert_eq!(world.drain(), ["close fid"]);
    // To a rename: of the file, onto the file, of a directory above.
    let (mut world, view) = mapped();
    let directory = world.open_kind(view, r"\d", FcbKind::Directory).0;
    let opening = world.begin_shared(view, r"\f", READ_DELETE, CreateOptions::WRITE_THROUGH);
    let file = world.finish(opening, FcbKind::File, true);
    for path in [r"\f", r"\g", r"\d\e\h", r"\dd"] {
        world.leave_dormant(view, path, 0);
    }
    let fcb = world
        .tree
        .begin_rename(file, name(r"\g").as_name(), false, &mut world.effects)
        .unwrap();
    assert_eq!(world.drain(), ["close fid", "file", "close fid"]);
    world.tree.complete_rename(fcb, true, &mut world.effects).unwrap();
    world
        .tree
        .begin_rename(directory, name(r"\n").as_name(), false, &mut world.effects)
        .unwrap();
    assert_eq!(world.drain(), ["close fid", "file"]);
    assert_eq!(world.dormant(), 1, "a name that only begins alike is not below");
    // To an open of what has become a directory, or another kind of file.
    let (mut world, view) = mapped();
    world.leave_dormant(view, r"\f", 0);
    let opening = world.begin_shared(view, r"\f", READ, CreateOptions::DIRECTORY_FILE);
    assert_eq!(world.drain(), ["close fid", "file"]);
    assert!(opening.new_fcb && !opening.collapsed);
}

#[test]
fn whoever_holds_a_dormant_open_keeps_its_memory_only() {
    let (mut world, view) = mapped();
    let file = world.open_shared(view, r"\f");
    let srv_open = world.tree.fobx(file).unwrap().srv_open();
    world.tree.reference_srv_open(srv_open).unwrap();
    assert_eq!(world.shut_at(file, 0), ["handle"]);
    assert!(world.tree.srv_open(srv_open).unwrap().is_dormant());
    world.tree.scavenge(u64::MAX, &mut world.effects);
    assert_eq!(world.drain(), ["close fid"]);
    assert!(
        world
            .tree
            .srv_open(srv_open)
            .unwrap()
            .flags()
            .contains(SrvOpenFlags::CLOSED)
    );
    assert!(
        !world
            .begin_shared(view, r"\f", READ, CreateOptions::empty())
            .collapsed
    );
    world
        .tree
        .dereference_srv_open(srv_open, &mut world.effects)
        .unwrap();
    world.drain();
}
