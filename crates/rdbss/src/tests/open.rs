//! Opens, cleanup, close, deletion, renaming.

use super::world::{Handle, ME, SHARE_ALL, World, name};
use crate::{BeginOpen, FcbKind, Level, MajorFunction, OpenRequest, Opened, Owner, Replace, SrvCallFlags};
use nt::{AccessMask, CreateOptions, ShareAccess, Status};
use std::format;
use std::string::{String, ToString};

const NOTHING: [String; 0] = [];
const READ: AccessMask = AccessMask::READ_DATA;
const ANY: CreateOptions = CreateOptions::empty();
const ALONE: ShareAccess = ShareAccess::empty();

fn mapped() -> (World, crate::VNetRootId) {
    let mut world = World::new();
    let view = world.map(r"\;X:\srv\a");
    (world, view)
}

#[test]
fn counts_follow_cleanup_and_close() {
    let (mut world, view) = mapped();
    let (first, second) = (world.open(view, r"\f"), world.open(view, r"\f"));
    let fcb = world
        .tree
        .srv_open(world.tree.fobx(first).unwrap().srv_open())
        .unwrap()
        .fcb();
    let counts = |world: &World| {
        let fcb = world.tree.fcb(fcb).unwrap();
        (
            fcb.unclean_count(),
            fcb.open_count(),
            world.tree.v_net_root(view).unwrap().number_of_fobxs(),
        )
    };
    assert_eq!(counts(&world), (2, 2, 2));
    let cleanup = world.tree.cleanup(first, &mut world.effects).unwrap();
    assert!(!cleanup.last);
    assert_eq!(counts(&world), (1, 2, 2));
    world.tree.close(first, &mut world.effects).unwrap();
    assert_eq!(counts(&world), (1, 1, 1));
    assert_eq!(world.drain(), ["close fid", "handle"]);
    assert_eq!(
        world.tree.close(first, &mut world.effects),
        Err(Status::INVALID_PARAMETER),
        "it is gone"
    );
    let cleanup = world.tree.cleanup(second, &mut world.effects).unwrap();
    assert!(cleanup.last && !cleanup.delete);
    assert_eq!(world.drain(), NOTHING);
    assert_eq!(
        world.finalize(view, Level::Refuse),
        Status::FILES_OPEN,
        "cleaned up is not closed"
    );
    world.tree.close(second, &mut world.effects).unwrap();
    assert_eq!(world.drain(), ["close fid", "handle", "file"]);
    assert!(!world.tree.has_open_files());
}

#[test]
fn a_failed_open_leaves_nothing_and_an_unfinished_one_cannot_be_closed() {
    let (mut world, view) = mapped();
    let opening = world
        .begin_open(view, r"\f", READ, ALONE, CreateOptions::DELETE_ON_CLOSE)
        .unwrap();
    assert!(opening.new_fcb && !opening.collapsed);
    assert_eq!(
        world.tree.cleanup(opening.fobx, &mut world.effects).err(),
        Some(Status::INVALID_PARAMETER)
    );
    assert_eq!(
        world.tree.close(opening.fobx, &mut world.effects),
        Err(Status::INVALID_PARAMETER)
    );
    let failed = world
        .tree
        .complete_open(opening.fobx, Err(Status::ACCESS_DENIED), &mut world.effects);
    assert_eq!(failed, Err(Status::ACCESS_DENIED));
    assert_eq!(world.drain(), NOTHING);
    assert_eq!(
        (world.tree.statistics().fcbs, world.tree.statistics().v_net_roots),
        (0, 1)
    );
}

#[test]
fn a_conflict_with_an_open_under_way_waits_for_its_outcome() {
    for fails in [true, false] {
        let (mut world, view) = mapped();
        let first = world.begin_open(view, r"\f", READ, ALONE, ANY).unwrap();
        let context = world.context();
        let second =
            |world: &mut World, context| world.begin_open_for(view, r"\f", READ, SHARE_ALL, ANY, context);
        assert_eq!(
            second(&mut world, None),
            Err(Status::SHARING_VIOLATION),
            "nobody to wait"
        );
        assert_eq!(second(&mut world, Some(context)), Ok(BeginOpen::Wait));
        if fails {
            _ = world
                .tree
                .complete_open(first.fobx, Err(Status::IO_TIMEOUT), &mut world.effects);
        } else {
            world.complete(first, FcbKind::File);
        }
        assert_eq!(world.drain(), ["wake"]);
        let again = second(&mut world, Some(context));
        assert_eq!(again.err(), (!fails).then_some(Status::SHARING_VIOLATION));
        world.drain();
    }
}

#[test]
fn taken_away_while_opening() {
    let (mut world, view) = mapped();
    let opening = world.begin_open(view, r"\f", READ, SHARE_ALL, ANY).unwrap();
    assert_eq!(world.finalize(view, Level::Force), Status::SUCCESS);
    assert_eq!(world.drain(), ["view", "share", "server"]);
    let opened = Opened {
        srv_open: Some("fid".to_string()),
        fobx: Handle::default(),
        fcb: Some("file".to_string()),
        kind: FcbKind::File,
        collapsible: true,
        delays_close: false,
    };
    let result = world
        .tree
        .complete_open(opening.fobx, Ok(opened), &mut world.effects);
    assert_eq!(result, Err(Status::UNEXPECTED_NETWORK_ERROR));
    assert_eq!(
        world.drain(),
        ["close fid", "handle", "file"],
        "what came late leaves again"
    );
    assert!(world.tree.is_empty());
}

#[test]
fn kinds_are_enforced_once_known() {
    let (mut world, view) = mapped();
    world.open_kind(view, r"\d", FcbKind::Directory);
    world.open(view, r"\f");
    let file = world.begin_open(view, r"\d", READ, SHARE_ALL, CreateOptions::NON_DIRECTORY_FILE);
    assert_eq!(file.err(), Some(Status::FILE_IS_A_DIRECTORY));
    let directory = world.begin_open(view, r"\f", READ, SHARE_ALL, CreateOptions::DIRECTORY_FILE);
    assert_eq!(directory.err(), Some(Status::NOT_A_DIRECTORY));
    assert_eq!(world.drain(), NOTHING);
}

#[test]
fn case_matters_where_the_server_says_so() {
    for (flags, one_file) in [
        (SrvCallFlags::empty(), false),
        (
            SrvCallFlags::CASE_INSENSITIVE_FILENAMES | SrvCallFlags::CASE_INSENSITIVE_NETROOTS,
            true,
        ),
    ] {
        let mut world = World::with_flags(flags);
        let view = world.map(r"\;X:\srv\a");
        world.open(view, r"\Ämter");
        world.open(view, r"\äMTER");
        assert_eq!(world.tree.statistics().fcbs == 1, one_file);
        world.map(r"\;Y:\SRV\A");
        assert_eq!(world.tree.statistics().net_roots == 1, one_file);
        assert_eq!(
            world.tree.statistics().srv_calls,
            1,
            "hosts never differ by case alone"
        );
    }
}

#[test]
fn compatible_opens_collapse_onto_one_open_of_the_server() {
    let (mut world, view) = mapped();
    let first = world.open(view, r"\f");
    let path = name(r"\f");
    let request = OpenRequest {
        v_net_root: view,
        path: path.as_name(),
        desired_access: READ,
        share_access: SHARE_ALL,
        options: ANY,
        unc_name: false,
        collapse: Some(READ),
        context: None,
    };
    let Ok(BeginOpen::Begun(opening)) = world.tree.begin_open(&request, &mut world.effects) else {
        panic!()
    };
    assert!(opening.collapsed && !opening.new_fcb);
    let (second, _) = world.complete(opening, FcbKind::File);
    let differing = OpenRequest {
        options: CreateOptions::WRITE_THROUGH,
        ..request
    };
    let Ok(BeginOpen::Begun(opening)) = world.tree.begin_open(&differing, &mut world.effects) else {
        panic!()
    };
    assert!(!opening.collapsed);
    world.complete(opening, FcbKind::File);
    assert_eq!(world.tree.statistics().srv_opens, 2);
    world.shut(first);
    assert_eq!(world.drain(), ["handle"], "the server's open lives on");
    let Ok(BeginOpen::Begun(third)) = world.tree.begin_open(&request, &mut world.effects) else {
        panic!()
    };
    assert!(third.collapsed);
    world.shut(second);
    assert_eq!(world.drain(), ["handle"], "an open under way counts on it");
    let (third, _) = world.complete(third, FcbKind::File);
    world.shut(third);
    assert_eq!(world.drain(), ["close fid", "handle"]);
}

#[test]
fn the_last_cleanup_deletes() {
    let (mut world, view) = mapped();
    let access = READ | AccessMask::DELETE;
    let options = CreateOptions::DELETE_ON_CLOSE;
    let opening = world.begin_open(view, r"\f", access, SHARE_ALL, options).unwrap();
    let (deleter, _) = world.complete(opening, FcbKind::File);
    let reader = world.open(view, r"\f");
    let cleanup = world.tree.cleanup(deleter, &mut world.effects).unwrap();
    assert!(!cleanup.delete, "another handle is left");
    let late = world.begin_open(view, r"\f", READ, SHARE_ALL, ANY);
    assert_eq!(late.err(), Some(Status::DELETE_PENDING));
    let cleanup = world.tree.cleanup(reader, &mut world.effects).unwrap();
    assert!(cleanup.last && cleanup.delete);
    let late = world.begin_open(view, r"\f", READ, SHARE_ALL, ANY);
    assert_eq!(
        late.err(),
        Some(Status::DELETE_PENDING),
        "while the server is asked"
    );
    world.tree.complete_delete(cleanup.fcb, true).unwrap();
    assert_eq!(
        world.tree.complete_delete(cleanup.fcb, true),
        Err(Status::INVALID_PARAMETER),
        "once"
    );
    let fresh = world.begin_open(view, r"\f", READ, SHARE_ALL, ANY).unwrap();
    assert!(fresh.new_fcb, "the name is free again");
    world.tree.close(deleter, &mut world.effects).unwrap();
    world.tree.close(reader, &mut world.effects).unwrap();
    world.drain();
}

#[test]
fn a_deletion_can_be_taken_back_or_fail() {
    let (mut world, view) = mapped();
    let opening = world
        .begin_open(view, r"\f", AccessMask::DELETE, SHARE_ALL, ANY)
        .unwrap();
    let (deleter, _) = world.complete(opening, FcbKind::File);
    let reader = world.open(view, r"\f");
    assert_eq!(
        world.tree.set_delete_pending(reader, true, &mut world.effects),
        Err(Status::ACCESS_DENIED)
    );
    world
        .tree
        .set_delete_pending(deleter, true, &mut world.effects)
        .unwrap();
    world
        .tree
        .set_delete_pending(deleter, false, &mut world.effects)
        .unwrap();
    world.shut(reader);
    world
        .tree
        .set_delete_pending(deleter, true, &mut world.effects)
        .unwrap();
    let cleanup = world.tree.cleanup(deleter, &mut world.effects).unwrap();
    assert!(cleanup.delete);
    assert_eq!(
        world.tree.set_delete_pending(deleter, false, &mut world.effects),
        Err(Status::FILE_CLOSED)
    );
    world.tree.complete_delete(cleanup.fcb, false).unwrap();
    world.begin_open(view, r"\f", READ, SHARE_ALL, ANY).unwrap();
    world.drain();
}

#[test]
fn a_posix_deletion_takes_the_name_and_leaves_the_other_handles() {
    let (mut world, view) = mapped();
    let opening = world
        .begin_open(view, r"\f", AccessMask::DELETE, SHARE_ALL, ANY)
        .unwrap();
    let (deleter, _) = world.complete(opening, FcbKind::File);
    let reader = world.open(view, r"\f");
    assert_eq!(
        world.tree.set_posix_delete(reader, true),
        Err(Status::ACCESS_DENIED)
    );
    world
        .tree
        .set_delete_pending(deleter, true, &mut world.effects)
        .unwrap();
    world.tree.set_posix_delete(deleter, true).unwrap();
    let cleanup = world.tree.cleanup(deleter, &mut world.effects).unwrap();
    assert!(cleanup.delete && !cleanup.last);
    world.tree.complete_delete(cleanup.fcb, true).unwrap();
    // The name is free for another file.
    let again = world.begin_open(view, r"\f", READ, SHARE_ALL, ANY).unwrap();
    assert_ne!(again.fcb, cleanup.fcb);
    world.complete(again, FcbKind::File);
    let last = world.tree.cleanup(reader, &mut world.effects).unwrap();
    assert!(last.last && !last.delete, "it is gone already");
    world.drain();
}

#[test]
fn delete_on_close_can_be_set_and_taken_back_later() {
    let (mut world, view) = mapped();
    for (set, deleted) in [(true, true), (false, false)] {
        let options = CreateOptions::DELETE_ON_CLOSE;
        let opening = world
            .begin_open(view, r"\f", AccessMask::DELETE, SHARE_ALL, options)
            .unwrap();
        let (file, _) = world.complete(opening, FcbKind::File);
        world.tree.set_delete_on_close(file, set).unwrap();
        let cleanup = world.tree.cleanup(file, &mut world.effects).unwrap();
        assert_eq!(cleanup.delete, deleted);
        if deleted {
            world.tree.complete_delete(cleanup.fcb, true).unwrap();
        }
    }
    world.drain();
}

#[test]
fn an_open_file_that_tolerates_deletion_is_replaced_by_posix_rules() {
    let (mut world, view) = mapped();
    let file = world.open(view, r"\old");
    let target = world.open(view, r"\new");
    let begin = |world: &mut World, replace: Replace| {
        world
            .tree
            .begin_rename(file, name(r"\new").as_name(), replace, &mut world.effects)
    };
    assert_eq!(
        begin(&mut world, Replace::Closed).err(),
        Some(Status::ACCESS_DENIED)
    );
    let fcb = begin(&mut world, Replace::Open).unwrap();
    world.tree.complete_rename(fcb, true, &mut world.effects).unwrap();
    let opening = world.begin_open(view, r"\new", READ, SHARE_ALL, ANY).unwrap();
    assert_eq!(opening.fcb, fcb);
    world.complete(opening, FcbKind::File);
    world.shut(target);
    let strict = world
        .begin_open(view, r"\third", READ, ShareAccess::READ, ANY)
        .unwrap();
    world.complete(strict, FcbKind::File);
    let denied = world
        .tree
        .begin_rename(file, name(r"\third").as_name(), Replace::Open, &mut world.effects);
    assert_eq!(denied.err(), Some(Status::ACCESS_DENIED));
    world.drain();
}

#[test]
fn a_renamed_file_is_found_under_its_new_name_only() {
    let (mut world, view) = mapped();
    let file = world.open(view, r"\old");
    let fcb = world
        .tree
        .begin_rename(file, name(r"\new").as_name(), false, &mut world.effects)
        .unwrap();
    let twice = world
        .tree
        .begin_rename(file, name(r"\newer").as_name(), false, &mut world.effects);
    assert_eq!(twice.err(), Some(Status::LOCK_NOT_GRANTED));
    world.tree.complete_rename(fcb, true, &mut world.effects).unwrap();
    assert_eq!(world.tree.fcb(fcb).unwrap().path().to_string(), r"\new");
    let found = |world: &mut World, path: &str| {
        let opening = world.begin_open(view, path, READ, SHARE_ALL, ANY).unwrap();
        world.complete(opening, FcbKind::File);
        opening.fcb == fcb
    };
    assert!(found(&mut world, r"\new"));
    assert!(!found(&mut world, r"\old"));
    let onto_open = |world: &mut World, replace| {
        world
            .tree
            .begin_rename(file, name(r"\old").as_name(), replace, &mut world.effects)
    };
    assert_eq!(onto_open(&mut world, true).err(), Some(Status::ACCESS_DENIED));
    assert_eq!(
        onto_open(&mut world, false).err(),
        Some(Status::OBJECT_NAME_COLLISION)
    );
    // One that fails on the server changes nothing.
    world
        .tree
        .begin_rename(file, name(r"\third").as_name(), true, &mut world.effects)
        .unwrap();
    world
        .tree
        .complete_rename(fcb, false, &mut world.effects)
        .unwrap();
    assert_eq!(world.tree.fcb(fcb).unwrap().path().to_string(), r"\new");
    world.drain();
}

#[test]
fn a_directory_with_open_files_below_does_not_move() {
    let (mut world, view) = mapped();
    let (directory, _) = world.open_kind(view, r"\d", FcbKind::Directory);
    let below = world.open(view, r"\d\e\f");
    world.open(view, r"\dx");
    let rename = |world: &mut World| {
        world
            .tree
            .begin_rename(directory, name(r"\n").as_name(), false, &mut world.effects)
    };
    assert_eq!(rename(&mut world).err(), Some(Status::ACCESS_DENIED));
    world.shut(below);
    assert!(rename(&mut world).is_ok());
    world.drain();
}

#[test]
fn a_target_opened_while_the_server_renames_over_it_loses_its_name() {
    let (mut world, view) = mapped();
    let file = world.open(view, r"\old");
    let fcb = world
        .tree
        .begin_rename(file, name(r"\new").as_name(), true, &mut world.effects)
        .unwrap();
    let loser = world.open(view, r"\new");
    world.tree.complete_rename(fcb, true, &mut world.effects).unwrap();
    let opening = world.begin_open(view, r"\new", READ, SHARE_ALL, ANY).unwrap();
    assert_eq!(opening.fcb, fcb);
    world.drain();
    world.shut(loser);
    assert_eq!(world.drain(), ["close fid", "handle", "file"]);
}

#[test]
fn one_request_at_a_time_has_a_file_to_itself() {
    let (mut world, view) = mapped();
    world.open(view, r"\f");
    let (one, two) = (world.context(), world.context());
    let opening = world.begin_open(view, r"\f", READ, SHARE_ALL, ANY).unwrap();
    world.complete(opening, FcbKind::File);
    world.tree.lock_fcb(opening.fcb, one).unwrap();
    assert_eq!(
        world.tree.lock_fcb(opening.fcb, two),
        Err(Status::LOCK_NOT_GRANTED)
    );
    let blocked = world.begin_open(view, r"\f", READ, SHARE_ALL, ANY);
    assert_eq!(blocked.err(), Some(Status::LOCK_NOT_GRANTED));
    let waits = world.begin_open_for(view, r"\f", READ, SHARE_ALL, ANY, Some(two));
    assert_eq!(waits, Ok(BeginOpen::Wait));
    world.end(one);
    assert_eq!(
        world.drain(),
        ["wake"],
        "the end of a request gives back what it had"
    );
    world.tree.lock_fcb(opening.fcb, two).unwrap();
    world
        .tree
        .unlock_fcb(opening.fcb, two, &mut world.effects)
        .unwrap();
}

#[test]
fn requests_pin_and_cleanup_cancels_them() {
    let (mut world, view) = mapped();
    let file = world.open(view, r"\f");
    let read = world.begin(Owner::Fobx(file), MajorFunction::READ, 0);
    let close = world.begin(Owner::Fobx(file), MajorFunction::CLOSE, 0);
    assert_eq!(world.tree.v_net_root(view).unwrap().outstanding(), 2);
    world.tree.cleanup(file, &mut world.effects).unwrap();
    assert_eq!(world.drain(), ["cancel"], "close is never cancelled");
    let late = crate::Request {
        owner: Owner::Fobx(file),
        major: MajorFunction::READ,
        minor: 0,
        cancellable: true,
        extension: "late",
    };
    assert_eq!(world.tree.begin_request(late).err(), Some(Status::FILE_CLOSED));
    world.tree.close(file, &mut world.effects).unwrap();
    assert_eq!(world.drain(), ["close fid"]);
    world.end(read);
    world.end(close);
    assert_eq!(world.drain(), ["handle", "file"]);
    assert_eq!(
        world.tree.end_request(read, &mut world.effects).err(),
        Some(Status::INVALID_PARAMETER)
    );
    let all = world.context();
    world.tree.cancel_device_requests(None, &mut world.effects);
    assert_eq!(world.drain(), ["cancel"]);
    assert!(world.tree.context(all).unwrap().is_cancelled());
    assert_eq!(world.drive(b'X', ME), Some(view));
}

#[test]
fn nothing_is_opened_below_a_directory_on_the_move() {
    let (mut world, view) = mapped();
    let directory = world.open_kind(view, r"\a\d", FcbKind::Directory).0;
    let fcb = world
        .tree
        .begin_rename(directory, name(r"\b\e").as_name(), false, &mut world.effects)
        .unwrap();
    let context = world.context();
    let below = |world: &mut World, path: &str, context| {
        world.begin_open_for(view, path, READ, SHARE_ALL, ANY, context)
    };
    let refused = below(&mut world, r"\a\d\x\f", None).err();
    assert_eq!(refused, Some(Status::LOCK_NOT_GRANTED));
    assert_eq!(below(&mut world, r"\a\d\x\f", Some(context)), Ok(BeginOpen::Wait));
    assert!(matches!(
        below(&mut world, r"\a\dd\f", None),
        Ok(BeginOpen::Begun(_))
    ));
    // Nor is a directory moved there meanwhile, nor one below it.
    let other = world.open_kind(view, r"\o", FcbKind::Directory).0;
    let into = world
        .tree
        .begin_rename(other, name(r"\a\d\o").as_name(), false, &mut world.effects);
    assert_eq!(into.err(), Some(Status::LOCK_NOT_GRANTED));
    world.tree.complete_rename(fcb, true, &mut world.effects).unwrap();
    assert_eq!(world.drain(), ["wake"]);
    assert!(matches!(
        below(&mut world, r"\a\d\x\f", Some(context)),
        Ok(BeginOpen::Begun(_))
    ));
    assert!(matches!(
        below(&mut world, r"\b\e\f", None),
        Ok(BeginOpen::Begun(_))
    ));
    let again = world
        .tree
        .begin_rename(directory, name(r"\n").as_name(), false, &mut world.effects);
    assert_eq!(again.err(), Some(Status::ACCESS_DENIED), "a file is open below");
    world.drain();
}

#[test]
fn a_path_of_very_many_components_costs_what_it_is_long() {
    let (mut world, view) = mapped();
    let deep = r"\d".repeat(16_000);
    let started = world.open(view, &deep);
    assert!(
        world
            .begin_open(view, &format!(r"{deep}\f"), READ, SHARE_ALL, ANY)
            .is_ok()
    );
    world.tree.close(started, &mut world.effects).unwrap();
    for effect in core::mem::take(&mut world.effects) {
        drop(effect);
    }
}
