//! Tree connects: who makes, who waits, who is refused, what a failure leaves.

use super::world::{ME, OTHER, World, name};
use crate::{Condition, Connect, Level, MajorFunction, Owner, PathName, Shorten};
use nt::Status;
use std::string::{String, ToString};
use std::vec::Vec;

const NOTHING: [String; 0] = [];

#[test]
fn a_connection_lives_on_its_reference_and_leaves_nothing() {
    let mut world = World::new();
    let view = world.map(r"\;X:\srv\export");
    assert_eq!(world.drain(), NOTHING);
    assert_eq!(world.drive(b'x', ME), Some(view));
    assert_eq!(world.drive(b'X', OTHER), None);
    assert_eq!(
        world.tree.v_net_root(view).unwrap().references(),
        2,
        "its own and the connection's"
    );
    assert!(
        !world.tree.take_connection_reference(view).unwrap(),
        "at most one exists"
    );
    assert_eq!(world.finalize(view, Level::Refuse), Status::SUCCESS);
    assert_eq!(world.drain(), ["view", "share", "server"]);
    assert!(world.tree.is_empty());
    assert_eq!(world.tree.v_net_root(view).err(), Some(Status::INVALID_PARAMETER));
}

#[test]
fn the_documented_counts() {
    let mut world = World::new();
    let x = world.map(r"\;X:\srv\a");
    let y = world.map(r"\;Y:\srv\b");
    let z = world.map(r"\;Z:\srv\b");
    let chain = world.tree.chain(x).unwrap();
    assert_eq!(chain.srv_call.references(), 3, "two shares and its own");
    assert_eq!(
        world.tree.chain(y).unwrap().net_root.references(),
        3,
        "two views and its own"
    );
    assert_eq!(world.net_root_of(y), world.net_root_of(z));
    let file = world.open(y, r"\f");
    assert_eq!(
        world.tree.chain(y).unwrap().net_root.references(),
        4,
        "and a file"
    );
    assert_eq!(world.tree.v_net_root(y).unwrap().references(), 3, "an open more");
    let srv_open = world
        .tree
        .srv_open(world.tree.fobx(file).unwrap().srv_open())
        .unwrap();
    assert_eq!(
        (
            srv_open.references(),
            world.tree.fcb(srv_open.fcb()).unwrap().references()
        ),
        (1, 2)
    );
    world.shut(file);
    assert_eq!(world.drain(), ["close fid", "handle", "file"]);
}

#[test]
fn a_letter_is_mapped_once_per_logon_session() {
    let mut world = World::new();
    world.map(r"\;X:\srv\a");
    let context = world.context();
    for text in [r"\;X:\srv\a", r"\;x:\srv\b", r"\;X:\elsewhere\a"] {
        assert_eq!(
            world.connect(text, ME, None, context),
            Err(Status::CONNECTION_ACTIVE),
            "{text}"
        );
    }
    let other = world.map_for(r"\;X:\srv\b", OTHER);
    assert_eq!(world.drive(b'X', OTHER), Some(other));
    assert_eq!(world.drain(), NOTHING);
}

#[test]
fn the_second_of_two_waits_and_then_finds() {
    let mut world = World::new();
    let (first, second) = (world.context(), world.context());
    let creation = world.create(r"\srv\a", ME, None, first);
    assert!(creation.new_srv_call && creation.new_net_root);
    assert_eq!(world.connect(r"\SRV\a", ME, None, second), Ok(Connect::Wait));
    assert_eq!(world.drain(), NOTHING);
    world
        .tree
        .srv_call_good(creation.srv_call, "server".to_string(), &mut world.effects)
        .unwrap();
    assert_eq!(world.drain(), ["wake"]);
    assert_eq!(
        world.connect(r"\srv\a", ME, None, second),
        Ok(Connect::Wait),
        "now for the share"
    );
    world
        .tree
        .net_root_good(creation.net_root, "share".to_string(), &mut world.effects)
        .unwrap();
    assert_eq!(world.drain(), ["wake"]);
    assert_eq!(
        world.connect(r"\srv@564\a", ME, None, second),
        Ok(Connect::Wait),
        "now for the view"
    );
    world
        .tree
        .v_net_root_good(creation.v_net_root, "view".to_string(), &mut world.effects)
        .unwrap();
    assert_eq!(world.drain(), ["wake"]);
    assert_eq!(
        world.connect(r"\srv\a", ME, None, second),
        Ok(Connect::Found(creation.v_net_root))
    );
    assert_eq!(
        world.tree.v_net_root(creation.v_net_root).unwrap().references(),
        3
    );
}

#[test]
fn who_waited_for_the_same_shares_the_failure_and_who_did_not_looks_again() {
    let mut world = World::new();
    let contexts: Vec<_> = (0..4).map(|_| world.context()).collect();
    let server = world.map(r"\;A:\srv\known");
    let creation = world.create(r"\;X:\srv\a", ME, Some("u"), contexts[0]);
    assert!(!creation.new_srv_call && creation.new_net_root);
    assert_eq!(
        world.connect(r"\;Y:\srv\a", ME, Some("u"), contexts[1]),
        Ok(Connect::Wait)
    );
    assert_eq!(
        world.connect(r"\;Y:\srv\a", OTHER, Some("u"), contexts[2]),
        Ok(Connect::Wait)
    );
    assert_eq!(
        world.connect(r"\;X:\srv\b", ME, None, contexts[3]),
        Ok(Connect::Wait)
    );
    world
        .tree
        .connect_failed(creation.v_net_root, Status::BAD_NETWORK_NAME, &mut world.effects)
        .unwrap();
    assert_eq!(world.drain(), ["fail BAD_NETWORK_NAME", "wake", "wake"]);
    assert_eq!(
        world.tree.v_net_root(creation.v_net_root).err(),
        Some(Status::INVALID_PARAMETER)
    );
    assert_eq!(
        world.tree.chain(server).unwrap().srv_call.condition(),
        Condition::Good
    );
    assert!(world.create(r"\;X:\srv\b", ME, None, contexts[3]).new_net_root);
}

#[test]
fn a_server_that_is_not_there_leaves_nothing() {
    let mut world = World::new();
    let (first, second) = (world.context(), world.context());
    let creation = world.create(r"\;X:\srv\a", ME, None, first);
    assert_eq!(
        world.connect(r"\;Y:\srv\b", OTHER, None, second),
        Ok(Connect::Wait)
    );
    world
        .tree
        .connect_failed(creation.v_net_root, Status::BAD_NETWORK_PATH, &mut world.effects)
        .unwrap();
    assert_eq!(world.drain(), ["fail BAD_NETWORK_PATH"]);
    world.end(first);
    world.end(second);
    assert!(world.tree.is_empty());
}

#[test]
fn a_share_refused_after_the_server_answered_lets_the_server_go() {
    let mut world = World::new();
    let context = world.context();
    let creation = world.create(r"\;X:\srv\a", ME, None, context);
    world
        .tree
        .srv_call_good(creation.srv_call, "server".to_string(), &mut world.effects)
        .unwrap();
    world
        .tree
        .connect_failed(creation.v_net_root, Status::ACCESS_DENIED, &mut world.effects)
        .unwrap();
    assert_eq!(world.drain(), ["server"]);
    world.end(context);
    assert!(world.tree.is_empty());
}

#[test]
fn conditions_go_up_from_the_server_and_only_once() {
    let mut world = World::new();
    let context = world.context();
    let creation = world.create(r"\;X:\srv\a", ME, None, context);
    let effects = &mut world.effects;
    let tree = &mut world.tree;
    let share = || "share".to_string();
    assert_eq!(
        tree.net_root_good(creation.net_root, share(), effects),
        Err(Status::INVALID_PARAMETER)
    );
    tree.srv_call_good(creation.srv_call, share(), effects).unwrap();
    assert_eq!(
        tree.srv_call_good(creation.srv_call, share(), effects),
        Err(Status::INVALID_PARAMETER)
    );
    assert_eq!(
        tree.v_net_root_good(creation.v_net_root, share(), effects),
        Err(Status::INVALID_PARAMETER)
    );
    tree.net_root_good(creation.net_root, share(), effects).unwrap();
    tree.v_net_root_good(creation.v_net_root, share(), effects)
        .unwrap();
    let failed = tree.connect_failed(creation.v_net_root, Status::IO_TIMEOUT, effects);
    assert_eq!(failed, Err(Status::INVALID_PARAMETER), "too late");
}

#[test]
fn one_session_is_one_user_on_a_share() {
    let mut world = World::new();
    let context = world.context();
    let creation = world.create(r"\;X:\srv\a", ME, Some("bob"), context);
    world.make_good(creation);
    let connect = |world: &mut World, logon, user| world.connect(r"\;Y:\srv\a", logon, user, context);
    assert_eq!(
        connect(&mut world, ME, Some("eve")),
        Err(Status::NETWORK_CREDENTIAL_CONFLICT)
    );
    assert!(matches!(
        connect(&mut world, OTHER, Some("eve")),
        Ok(Connect::Create(_))
    ));
    let Ok(Connect::Create(creation)) = connect(&mut world, ME, None) else {
        panic!()
    };
    let view = world.tree.v_net_root(creation.v_net_root).unwrap();
    assert_eq!(view.user().unwrap().to_string(), "bob", "taken over");
    assert_eq!(world.drain(), NOTHING);
}

#[test]
fn a_cancelled_request_neither_connects_nor_waits_on() {
    let mut world = World::new();
    let (first, second) = (world.context(), world.context());
    world.create(r"\;X:\srv\a", ME, None, first);
    assert_eq!(world.connect(r"\;Y:\srv\a", ME, None, second), Ok(Connect::Wait));
    world.tree.cancel_request(second, &mut world.effects).unwrap();
    world.tree.cancel_request(second, &mut world.effects).unwrap();
    assert_eq!(world.drain(), ["cancel"], "once");
    assert_eq!(
        world.connect(r"\;Y:\srv\a", ME, None, second),
        Err(Status::CANCELLED)
    );
    assert_eq!(world.drain(), NOTHING);
}

#[test]
fn taken_away_while_in_the_making() {
    let mut world = World::new();
    let context = world.context();
    let creation = world.create(r"\;X:\srv\a", ME, None, context);
    world
        .tree
        .set_request_owner(context, Owner::VNetRoot(creation.v_net_root), &mut world.effects)
        .unwrap();
    assert_eq!(
        world.finalize(creation.v_net_root, Level::Refuse),
        Status::CONNECTION_IN_USE
    );
    assert_eq!(world.finalize(creation.v_net_root, Level::Force), Status::SUCCESS);
    assert_eq!(world.drain(), ["cancel"]);
    let late = world
        .tree
        .srv_call_good(creation.srv_call, "server".to_string(), &mut world.effects);
    assert_eq!(late, Err(Status::CANCELLED));
    assert_eq!(world.drain(), ["server"], "what came late leaves again");
    world
        .tree
        .connect_failed(creation.v_net_root, Status::CANCELLED, &mut world.effects)
        .unwrap();
    world.end(context);
    assert_eq!(world.drain(), NOTHING);
    assert!(world.tree.is_empty());
}

#[test]
fn a_share_found_to_be_shorter() {
    let mut world = World::new();
    let context = world.context();
    let creation = world.create(r"\;X:\srv\a\b\c", ME, None, context);
    let view = creation.v_net_root;
    world
        .tree
        .srv_call_good(creation.srv_call, "server".to_string(), &mut world.effects)
        .unwrap();
    for units in [0, 1, 3, 100] {
        let refused = world.tree.shorten_share(view, units, context, &mut world.effects);
        assert_eq!(refused, Err(Status::INVALID_PARAMETER), "{units}");
    }
    assert_eq!(
        world.tree.shorten_share(view, 4, context, &mut world.effects),
        Ok(Shorten::Renamed)
    );
    assert_eq!(
        world.tree.shorten_share(view, 2, context, &mut world.effects),
        Ok(Shorten::Renamed)
    );
    world
        .tree
        .net_root_good(creation.net_root, "share".to_string(), &mut world.effects)
        .unwrap();
    world
        .tree
        .v_net_root_good(view, "view".to_string(), &mut world.effects)
        .unwrap();
    assert_eq!(
        world
            .tree
            .net_root(creation.net_root)
            .unwrap()
            .share()
            .to_string(),
        r"\a"
    );
    assert_eq!(world.tree.v_net_root(view).unwrap().prefix().to_string(), r"\b\c");
    assert_eq!(
        world.resolve(r"\;X:\srv\a\b\c\f", ME),
        Ok((view, r"\b\c\f".to_string()))
    );
    assert_eq!(
        world.resolve(r"\;X:\srv\a\b", ME),
        Err("BAD_NETWORK_NAME".to_string())
    );

    // A second connection through the same share joins it.
    let creation = world.create(r"\;Y:\srv\a\d", ME, None, context);
    assert!(creation.new_net_root);
    let joined = world
        .tree
        .shorten_share(creation.v_net_root, 2, context, &mut world.effects);
    assert_eq!(joined, Ok(Shorten::Joined(world.net_root_of(view))));
    assert_eq!(
        world.tree.net_root(creation.net_root).err(),
        Some(Status::INVALID_PARAMETER)
    );
    world
        .tree
        .v_net_root_good(creation.v_net_root, "view".to_string(), &mut world.effects)
        .unwrap();
    assert_eq!(
        world.resolve(r"\;Y:\srv\a\d\f", ME),
        Ok((creation.v_net_root, r"\d\f".to_string()))
    );
    assert_eq!(world.drain(), NOTHING);
}

#[test]
fn who_names_no_user_is_taken_for_the_one_of_the_share_above() {
    let mut world = World::new();
    let context = world.context();
    let bob = world.create(r"\;X:\srv\a", ME, Some("bob"), context);
    let bob = world.make_good(bob);
    let user = |world: &World, view| {
        world
            .tree
            .v_net_root(view)
            .unwrap()
            .user()
            .map(|user| user.to_string())
    };

    // It may turn out to be a prefix below that share.
    let below = world.create(r"\;Y:\srv\a\d", ME, None, context);
    assert!(below.new_net_root);
    assert_eq!(user(&world, below.v_net_root), Some("bob".to_string()));
    let joined = world
        .tree
        .shorten_share(below.v_net_root, 2, context, &mut world.effects);
    assert_eq!(joined, Ok(Shorten::Joined(world.net_root_of(bob))));
    world
        .tree
        .v_net_root_good(below.v_net_root, "view".to_string(), &mut world.effects)
        .unwrap();
    // All views of the share still have one user: naming that one is no conflict.
    let third = world.create(r"\;Z:\srv\a", ME, Some("bob"), context);
    world.make_good(third);

    let beside = world.create(r"\;V:\srv\ab", ME, None, context);
    assert_eq!(user(&world, beside.v_net_root), None, "by whole components");
    let elsewhere = world.create(r"\;X:\srv\a\d", OTHER, None, context);
    assert_eq!(user(&world, elsewhere.v_net_root), None, "another session");
}

#[test]
fn nobody_joins_a_share_as_another_user() {
    let mut world = World::new();
    let context = world.context();
    let early = world.create(r"\;X:\srv\a\d", ME, None, context);
    world
        .tree
        .srv_call_good(early.srv_call, "server".to_string(), &mut world.effects)
        .unwrap();
    let bob = world.create(r"\;Y:\srv\a", ME, Some("bob"), context);
    world.make_good(bob);
    assert_eq!(
        world
            .tree
            .shorten_share(early.v_net_root, 2, context, &mut world.effects),
        Err(Status::NETWORK_CREDENTIAL_CONFLICT),
        "it attached as nobody"
    );
    let failure = Status::NETWORK_CREDENTIAL_CONFLICT;
    world
        .tree
        .connect_failed(early.v_net_root, failure, &mut world.effects)
        .unwrap();
}

#[test]
fn a_name_of_thousands_of_components() {
    let mut world = World::new();
    let short = world.map(r"\srv\a");
    let rest = r"\a".repeat(16_000);
    let long = std::format!(r"\srv{rest}");
    assert_eq!(
        world.resolve(&long, ME),
        Ok((short, r"\a".repeat(15_999))),
        "of all names that could be a share's"
    );
}

#[test]
fn names_lead_to_views() {
    let mut world = World::new();
    let x = world.map(r"\;X:\srv\a");
    let text = |text: &str| text.to_string();
    assert_eq!(world.resolve(r"\;X:\srv\a\d\f", ME), Ok((x, text(r"\d\f"))));
    assert_eq!(world.resolve(r"\;X:\SRV@564\a", ME), Ok((x, text(""))));
    assert_eq!(world.resolve(r"\;X:1234\srv\a", ME), Ok((x, text(""))));
    for refused in [
        r"\;X:\srv\ab",
        r"\;X:\srv\A",
        r"\;X:\srv@1\a",
        r"\;X:\other\a",
        r"\;Y:\srv\a",
        r"\;X:99\srv\a",
    ] {
        assert_eq!(
            world.resolve(refused, ME),
            Err(text("BAD_NETWORK_NAME")),
            "{refused}"
        );
    }
    assert_eq!(world.resolve(r"\;X:\srv\a", OTHER), Err(text("BAD_NETWORK_NAME")));
    assert_eq!(
        world.resolve(r"\srv\a\f", ME),
        Err(text("not connected 2")),
        "a drive is no UNC view"
    );
    assert_eq!(world.resolve(r"\other\a\f", ME), Err(text("not connected 0")));

    let short = world.map(r"\srv\a");
    let long = world.map(r"\srv\a\b");
    assert_ne!(short, x);
    assert_eq!(world.resolve(r"\srv\a\f", ME), Ok((short, text(r"\f"))));
    assert_eq!(
        world.resolve(r"\srv\a\b\f", ME),
        Ok((long, text(r"\f"))),
        "the longest share wins"
    );
    assert_eq!(
        world.resolve(r"\srv\a\bc", ME),
        Ok((short, text(r"\bc"))),
        "by whole components"
    );
    assert_eq!(world.finalize(x, Level::Refuse), Status::SUCCESS);
    assert_eq!(
        world.resolve(r"\srv\a\f", ME),
        Ok((short, text(r"\f"))),
        "the drive's end disturbs nobody"
    );
    let unc = name(r"\srv\a");
    let unc = PathName::parse(unc.as_name()).unwrap();
    assert_eq!(world.tree.find_unc_connection(&unc, ME), Some(short));
}

#[test]
fn relative_names_start_at_their_handle() {
    let mut world = World::new();
    let x = world.map(r"\;X:\srv\a");
    let (directory, _) = world.open_kind(x, r"\d", crate::FcbKind::Directory);
    let file = world.open(x, r"\f");
    let relative = |world: &World, fobx, rest: &str| {
        let resolved = world.tree.resolve_relative(fobx, name(rest).as_name());
        resolved.map(|(view, path)| (view, path.as_name().to_string()))
    };
    assert_eq!(
        relative(&world, directory, r"e\f"),
        Ok((x, r"\d\e\f".to_string()))
    );
    assert_eq!(relative(&world, directory, ""), Ok((x, r"\d".to_string())));
    assert_eq!(relative(&world, file, ""), Ok((x, r"\f".to_string())));
    assert_eq!(relative(&world, file, "g"), Err(Status::OBJECT_PATH_NOT_FOUND));
    assert_eq!(
        relative(&world, directory, r"\g"),
        Err(Status::OBJECT_NAME_INVALID)
    );
    world.tree.cleanup(directory, &mut world.effects).unwrap();
    assert_eq!(relative(&world, directory, "g"), Err(Status::FILE_CLOSED));
    assert_eq!(world.finalize(x, Level::Force), Status::SUCCESS);
    assert_eq!(relative(&world, file, ""), Err(Status::UNEXPECTED_NETWORK_ERROR));
}

#[test]
fn enumeration_resumes_and_filters() {
    let mut world = World::new();
    let letters: Vec<u8> = (b'A'..=b'Z').collect();
    for &letter in &letters {
        let logon = if letter % 2 == 0 { ME } else { OTHER };
        world.map_for(
            &std::format!(r"\;{}:\srv\{}", char::from(letter), char::from(letter)),
            logon,
        );
    }
    let mut seen = Vec::new();
    let mut resume = 0;
    loop {
        let next = world
            .tree
            .connections(resume, None)
            .next()
            .map(|found| (found.drive.unwrap().letter(), found.next));
        let Some((letter, next)) = next else { break };
        seen.push(letter);
        resume = next;
        // What goes behind or ahead of the walk does not lead it astray.
        if letter == b'C' {
            let (behind, ahead) = (world.drive(b'B', ME).unwrap(), world.drive(b'F', ME).unwrap());
            assert_eq!(world.finalize(behind, Level::Refuse), Status::SUCCESS);
            assert_eq!(world.finalize(ahead, Level::Refuse), Status::SUCCESS);
        }
    }
    let expected: Vec<u8> = letters.iter().copied().filter(|&letter| letter != b'F').collect();
    assert_eq!(seen, expected);
    assert_eq!(world.tree.connections(0, Some(ME)).count(), 11);
    assert_eq!(world.tree.connections(0, Some(OTHER)).count(), 13);
    assert_eq!(world.tree.statistics().v_net_roots, 24);
    let first = world.tree.connections(0, Some(OTHER)).next().unwrap();
    assert_eq!(
        (first.name.to_string(), first.explicit),
        (r"\srv\A".to_string(), true)
    );
    let context = world.begin(Owner::Device, MajorFunction::CREATE, 0);
    world.create(r"\;B:\srv\new", ME, None, context);
    assert_eq!(
        world.tree.connections(0, Some(ME)).count(),
        11,
        "what is in the making is not shown"
    );
}
