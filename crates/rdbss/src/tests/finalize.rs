//! `RxFinalizeConnection`: the truth table row by row, then what force leaves behind.

use super::world::{ME, SHARE_ALL, World};
use crate::{FcbKind, FcbState, FobxId, Level, MajorFunction, Owner, SrvOpenFlags};
use nt::{AccessMask, CreateOptions, Status};
use std::string::String;
use std::vec::Vec;

const NOTHING: [String; 0] = [];

struct Row {
    what: &'static str,
    level: Level,
    file: bool,
    directory: bool,
    notify: bool,
    reference: bool,
    result: Status,
    reference_after: bool,
    name_after: bool,
}

#[rustfmt::skip]
fn table() -> Vec<Row> {
    let row = |what, level, [file, directory, notify, reference]: [bool; 4], result, reference_after, name_after| {
        Row { what, level, file, directory, notify, reference, result, reference_after, name_after }
    };
    const O: bool = false;
    const I: bool = true;
    use Level::{Force, Refuse, RefuseDropRef};
    std::vec![
        //                                                     file dir notify ref                    ref name
        row("refuse, idle",                     Refuse,        [O, O, O, I], Status::SUCCESS,    O, O),
        row("refuse, file open",                Refuse,        [I, O, O, I], Status::FILES_OPEN, I, I),
        row("refuse, file and notify",          Refuse,        [I, I, I, I], Status::FILES_OPEN, I, I),
        row("refuse, notify",                   Refuse,        [O, I, I, I], Status::FILES_OPEN, I, I),
        row("refuse, directory open",           Refuse,        [O, I, O, I], Status::FILES_OPEN, I, I),
        row("refuse, file open, no reference",  Refuse,        [I, O, O, O], Status::FILES_OPEN, O, I),
        row("drop, file open",                  RefuseDropRef, [I, O, O, I], Status::FILES_OPEN, O, I),
        row("drop, notify",                     RefuseDropRef, [O, I, I, I], Status::FILES_OPEN, O, I),
        row("drop, idle",                       RefuseDropRef, [O, O, O, I], Status::SUCCESS,    O, O),
        row("force, all open",                  Force,         [I, I, I, I], Status::SUCCESS,    O, O),
        row("force, idle, no reference",        Force,         [O, O, O, O], Status::SUCCESS,    O, O),
        row("force, file open, no reference",   Force,         [I, O, O, O], Status::SUCCESS,    O, O),
    ]
}

/// Each row with and without a reference of the caller's own, and twice: the repetition changes nothing.
#[test]
fn the_truth_table() {
    for row in table() {
        for own_reference in [true, false] {
            let mut world = World::new();
            let view = world.map(r"\;X:\srv\a");
            let mut handles: Vec<FobxId> = Vec::new();
            let mut notification = None;
            if row.file {
                handles.push(world.open(view, r"\f"));
            }
            if row.directory {
                let (directory, _) = world.open_kind(view, r"\d", FcbKind::Directory);
                handles.push(directory);
                notification = row.notify.then(|| world.notify(directory));
            }
            // A view without any reference is no more, so somebody holds it where the connection does not.
            let own_reference = own_reference || !row.reference;
            if own_reference {
                world.tree.reference_v_net_root(view).unwrap();
            }
            if !row.reference {
                // As after an earlier call with 0xff that found it in use.
                let busy = world.open(view, r"\busy");
                assert_eq!(world.finalize(view, Level::RefuseDropRef), Status::FILES_OPEN);
                world.shut(busy);
            }
            world.drain();

            assert_eq!(world.finalize(view, row.level), row.result, "{}", row.what);
            let cancels = world.drain().iter().filter(|effect| *effect == "cancel").count();
            assert_eq!(
                cancels,
                usize::from(row.notify && row.level == Level::Force),
                "{}",
                row.what
            );
            if let Ok(object) = world.tree.v_net_root(view) {
                assert_eq!(
                    object.has_connection_reference(),
                    row.reference_after,
                    "{}",
                    row.what
                );
                let references = object.references();
                assert_eq!(world.finalize(view, row.level), row.result, "{} again", row.what);
                if let Ok(object) = world.tree.v_net_root(view) {
                    assert_eq!(object.references(), references, "{} again", row.what);
                }
            }
            let present_while_held = own_reference && row.level != Level::Force;
            assert_eq!(
                world.drive(b'X', ME).is_some(),
                row.name_after || present_while_held,
                "{}",
                row.what
            );
            if own_reference {
                world
                    .tree
                    .dereference_v_net_root(view, &mut world.effects)
                    .unwrap();
            }
            assert_eq!(world.drive(b'X', ME).is_some(), row.name_after, "{}", row.what);
            world.drain();

            // In the end nothing remains, whatever was open.
            if let Some(notification) = notification {
                world.end(notification);
            }
            handles.into_iter().for_each(|handle| world.shut(handle));
            if row.reference_after {
                assert_eq!(
                    world.finalize(view, Level::Refuse),
                    Status::SUCCESS,
                    "{}",
                    row.what
                );
            }
            world.drain();
            assert!(
                world.tree.is_empty(),
                "{}: {:?}",
                row.what,
                world.tree.statistics()
            );
        }
    }
}

#[test]
fn a_cancelled_caller_changes_nothing() {
    for level in [Level::Refuse, Level::RefuseDropRef, Level::Force] {
        let mut world = World::new();
        let view = world.map(r"\;X:\srv\a");
        let caller = world.context();
        world.tree.cancel_request(caller, &mut world.effects).unwrap();
        let net_root = world.net_root_of(view);
        let result =
            world
                .tree
                .finalize_connection(net_root, Some(view), level, Some(caller), &mut world.effects);
        assert_eq!(result, Err(Status::CANCELLED));
        assert_eq!(world.drain(), ["cancel"]);
        assert!(world.tree.v_net_root(view).unwrap().has_connection_reference());
    }
}

#[test]
fn opens_under_way_are_use_too() {
    let cases = [
        (CreateOptions::DIRECTORY_FILE, false, Status::CONNECTION_IN_USE),
        (CreateOptions::empty(), false, Status::FILES_OPEN),
        (CreateOptions::NON_DIRECTORY_FILE, false, Status::FILES_OPEN),
        (CreateOptions::DIRECTORY_FILE, true, Status::LOCK_NOT_GRANTED),
        (CreateOptions::empty(), true, Status::LOCK_NOT_GRANTED),
    ];
    for (options, locked, expected) in cases {
        let mut world = World::new();
        let view = world.map(r"\;X:\srv\a");
        let context = world.context();
        let opening = world
            .begin_open(view, r"\d", AccessMask::READ_DATA, SHARE_ALL, options)
            .unwrap();
        if locked {
            world.tree.lock_fcb(opening.fcb, context).unwrap();
        }
        assert!(world.tree.has_open_files());
        assert_eq!(world.finalize(view, Level::Refuse), expected);
        assert!(world.tree.v_net_root(view).unwrap().has_connection_reference());
        assert_eq!(world.finalize(view, Level::RefuseDropRef), expected);
        assert!(!world.tree.v_net_root(view).unwrap().has_connection_reference());
        let failed = world
            .tree
            .complete_open(opening.fobx, Err(Status::NO_SUCH_FILE), &mut world.effects);
        assert_eq!(failed, Err(Status::NO_SUCH_FILE));
        assert_eq!(
            world.drain(),
            ["view", "share", "server"],
            "the failed open was its last use"
        );
        world.end(context);
        assert!(world.tree.is_empty());
    }
}

#[test]
fn a_file_outweighs_a_directory_in_any_order() {
    for options in [
        [CreateOptions::DIRECTORY_FILE, CreateOptions::NON_DIRECTORY_FILE],
        [CreateOptions::NON_DIRECTORY_FILE, CreateOptions::DIRECTORY_FILE],
    ] {
        let mut world = World::new();
        let view = world.map(r"\;X:\srv\a");
        world
            .begin_open(view, r"\1", AccessMask::READ_DATA, SHARE_ALL, options[0])
            .unwrap();
        world
            .begin_open(view, r"\2", AccessMask::READ_DATA, SHARE_ALL, options[1])
            .unwrap();
        assert_eq!(world.finalize(view, Level::Refuse), Status::FILES_OPEN);
    }
}

#[test]
fn force_orphans_and_cleanup_and_close_still_work() {
    let mut world = World::new();
    let view = world.map(r"\;X:\srv\a");
    let (file, flag) = world.open_kind(view, r"\f", FcbKind::File);
    let read = world.begin(Owner::Fobx(file), MajorFunction::READ, 0);
    let query = world.begin(Owner::VNetRoot(view), MajorFunction::QUERY_VOLUME_INFORMATION, 0);
    let caller = world.begin(Owner::VNetRoot(view), MajorFunction::DEVICE_CONTROL, 0);
    let net_root = world.net_root_of(view);
    world
        .tree
        .finalize_connection(
            net_root,
            Some(view),
            Level::Force,
            Some(caller),
            &mut world.effects,
        )
        .unwrap();
    assert_eq!(
        world.drain(),
        ["cancel", "cancel", "force closed fid", "view", "share", "server"],
        "requests first, then handles, then the connection from the leaf up; not the caller"
    );
    assert!(
        flag.0.get(),
        "the handle's own flag is up before the lock is released"
    );
    assert!(!world.tree.context(caller).unwrap().is_cancelled());
    assert_eq!(world.tree.connections(0, None).count(), 0);
    assert!(world.tree.has_open_files(), "the memory waits");
    let srv_open = world
        .tree
        .srv_open(world.tree.fobx(file).unwrap().srv_open())
        .unwrap();
    assert!(srv_open.flags().contains(SrvOpenFlags::ORPHANED));
    assert!(
        world
            .tree
            .fcb(srv_open.fcb())
            .unwrap()
            .state()
            .contains(FcbState::ORPHANED)
    );

    let request = |major| crate::Request {
        owner: Owner::Fobx(file),
        major,
        minor: 0,
        cancellable: true,
        extension: "late",
    };
    let refused = world.tree.begin_request(request(MajorFunction::READ));
    assert_eq!(refused.err(), Some(Status::UNEXPECTED_NETWORK_ERROR));
    let cleanup = world.tree.begin_request(request(MajorFunction::CLEANUP)).unwrap();
    let done = world.tree.cleanup(file, &mut world.effects).unwrap();
    assert!(done.orphaned && !done.delete);
    world.end(cleanup);
    let again = world.tree.cleanup(file, &mut world.effects);
    assert_eq!(again.err(), Some(Status::FILE_CLOSED));

    // The letter is free at once, and the same path is a new file.
    let new = world.map(r"\;X:\srv\a");
    assert_ne!(world.net_root_of(new), net_root);
    let new_file = world.open(new, r"\f");
    world.shut(new_file);
    assert_eq!(world.drain(), ["close fid", "handle", "file"]);

    world.tree.close(file, &mut world.effects).unwrap();
    assert_eq!(world.drain(), NOTHING, "a request still holds the handle");
    world.end(read);
    assert_eq!(world.drain(), ["handle", "file"]);
    world.end(query);
    world.end(caller);
    assert_eq!(world.finalize(new, Level::Refuse), Status::SUCCESS);
    world.drain();
    assert!(world.tree.is_empty());
}

#[test]
fn other_views_of_the_share_are_undisturbed() {
    let mut world = World::new();
    let (x, y) = (world.map(r"\;X:\srv\a"), world.map(r"\;Y:\srv\a"));
    let (mine, my_flag) = world.open_kind(x, r"\f", FcbKind::File);
    let (theirs, their_flag) = world.open_kind(y, r"\f", FcbKind::File);
    let read = world.begin(Owner::Fobx(theirs), MajorFunction::READ, 0);
    assert_eq!(world.finalize(x, Level::Force), Status::SUCCESS);
    assert_eq!(world.drain(), ["force closed fid", "view"]);
    assert!(my_flag.0.get() && !their_flag.0.get());
    assert_eq!(world.finalize(y, Level::Refuse), Status::FILES_OPEN);
    let fcb_of = |world: &World, fobx| {
        world
            .tree
            .srv_open(world.tree.fobx(fobx).unwrap().srv_open())
            .unwrap()
            .fcb()
    };
    let fcb = fcb_of(&world, theirs);
    assert!(!world.tree.fcb(fcb).unwrap().state().contains(FcbState::ORPHANED));
    let third = world.open(y, r"\f");
    assert_eq!(fcb_of(&world, third), fcb, "the file is still known by its path");
    // Once the others have closed it, what is left of it is an orphan.
    world.end(read);
    world.shut(theirs);
    world.shut(third);
    assert!(world.tree.fcb(fcb).unwrap().state().contains(FcbState::ORPHANED));
    let fresh = world.open(y, r"\f");
    assert_ne!(fcb_of(&world, fresh), fcb);
    world.shut(fresh);
    world.shut(mine);
    assert_eq!(world.finalize(y, Level::Refuse), Status::SUCCESS);
    world.drain();
    assert!(world.tree.is_empty());
}

#[test]
fn orphans_do_not_keep_a_file_from_being_deleted() {
    let mut world = World::new();
    let (x, y) = (world.map(r"\;X:\srv\a"), world.map(r"\;Y:\srv\a"));
    let options = CreateOptions::empty();
    let orphan = world.open(x, r"\f");
    let opening = world
        .begin_open(y, r"\f", AccessMask::DELETE, SHARE_ALL, options)
        .unwrap();
    let (file, _) = world.complete(opening, FcbKind::File);
    assert_eq!(world.finalize(x, Level::Force), Status::SUCCESS);
    world
        .tree
        .set_delete_pending(file, true, &mut world.effects)
        .unwrap();
    let done = world.tree.cleanup(file, &mut world.effects).unwrap();
    assert!(done.last && done.delete);
    world.tree.complete_delete(done.fcb, true).unwrap();
    world.tree.close(file, &mut world.effects).unwrap();
    let done = world.tree.cleanup(orphan, &mut world.effects).unwrap();
    assert!(done.last && !done.delete);
    world.tree.close(orphan, &mut world.effects).unwrap();
    assert_eq!(world.finalize(y, Level::Refuse), Status::SUCCESS);
    world.drain();
    assert!(world.tree.is_empty());
}

#[test]
fn orphans_do_not_count_for_sharing() {
    let mut world = World::new();
    let (x, y) = (world.map(r"\;X:\srv\a"), world.map(r"\;Y:\srv\a"));
    let exclusive = nt::ShareAccess::empty();
    let options = CreateOptions::empty();
    let opening = world
        .begin_open(x, r"\f", AccessMask::WRITE_DATA, exclusive, options)
        .unwrap();
    world.complete(opening, FcbKind::File);
    let refused = world.begin_open(y, r"\f", AccessMask::READ_DATA, SHARE_ALL, options);
    assert_eq!(refused.err(), Some(Status::SHARING_VIOLATION));
    assert_eq!(world.finalize(x, Level::Force), Status::SUCCESS);
    world
        .begin_open(y, r"\f", AccessMask::READ_DATA, SHARE_ALL, options)
        .unwrap();
    world.drain();
}

#[test]
fn without_a_view_named_all_views_of_the_share_go() {
    for level in [Level::Refuse, Level::Force] {
        let mut world = World::new();
        let x = world.map(r"\;X:\srv\a");
        let y = world.map(r"\;Y:\srv\a");
        let z = world.map(r"\;Z:\srv\other");
        let file = world.open(y, r"\f");
        let net_root = world.net_root_of(x);
        let result = world
            .tree
            .finalize_connection(net_root, None, level, None, &mut world.effects);
        world.drain();
        let force = level == Level::Force;
        assert_eq!(result, if force { Ok(()) } else { Err(Status::FILES_OPEN) });
        assert_eq!(world.drive(b'X', ME), None, "it came first and was idle");
        assert_eq!(world.drive(b'Y', ME).is_none(), force);
        assert_eq!(world.drive(b'Z', ME), Some(z));
        world.shut(file);
        world.drain();
    }
}

#[test]
fn arguments_that_do_not_fit() {
    let mut world = World::new();
    let x = world.map(r"\;X:\srv\a");
    let y = world.map(r"\;Y:\srv\b");
    let other = world.net_root_of(y);
    let result = world
        .tree
        .finalize_connection(other, Some(x), Level::Force, None, &mut world.effects);
    assert_eq!(result, Err(Status::INVALID_PARAMETER));
    assert_eq!(world.finalize(y, Level::Force), Status::SUCCESS);
    for view in [None, Some(x)] {
        let result = world
            .tree
            .finalize_connection(other, view, Level::Refuse, None, &mut world.effects);
        assert_eq!(result, Err(Status::INVALID_PARAMETER));
    }
    for raw in [2, 0xFE, 0x100, 0x1FF, u32::MAX] {
        assert_eq!(
            Level::from_raw(raw),
            Err(Status::INVALID_PARAMETER),
            "only 1 means force"
        );
    }
    for level in [Level::Refuse, Level::Force, Level::RefuseDropRef] {
        assert_eq!(Level::from_raw(level as u32), Ok(level));
    }
}

#[test]
fn finalization_done_is_remembered_until_the_next_open() {
    let mut world = World::new();
    let view = world.map(r"\;X:\srv\a");
    world.tree.reference_v_net_root(view).unwrap();
    assert_eq!(world.finalize(view, Level::Refuse), Status::SUCCESS);
    assert!(
        world
            .tree
            .v_net_root(view)
            .unwrap()
            .connection_finalization_done()
    );
    world.open(view, r"\f");
    assert!(
        !world
            .tree
            .v_net_root(view)
            .unwrap()
            .connection_finalization_done()
    );
    assert_eq!(world.finalize(view, Level::Refuse), Status::FILES_OPEN);
}

#[test]
fn requests_left_upon_an_idle_view_are_cancelled_with_it() {
    let mut world = World::new();
    let view = world.map(r"\;X:\srv\a");
    let query = world.begin(Owner::VNetRoot(view), MajorFunction::QUERY_VOLUME_INFORMATION, 0);
    assert_eq!(world.finalize(view, Level::Refuse), Status::SUCCESS);
    assert_eq!(world.drain(), ["cancel"]);
    assert_eq!(world.drive(b'X', ME), Some(view), "until the request lets go");
    world.end(query);
    assert_eq!(world.drain(), ["view", "share", "server"]);
}

#[test]
fn dropping_a_hundred_thousand_effects_takes_no_stack() {
    let mut world = World::new();
    let view = world.map(r"\;X:\srv\a");
    for _ in 0..100_000 {
        world.begin(Owner::VNetRoot(view), MajorFunction::QUERY_VOLUME_INFORMATION, 0);
    }
    assert_eq!(world.finalize(view, Level::Force), Status::SUCCESS);
    drop(core::mem::take(&mut world.effects));
}
