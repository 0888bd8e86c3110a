//! Objects made and finalised one at a time, conditions and those who wait for them, requests cancelled by what they are upon.

use super::world::{Handle, ME, OTHER, World, name};
use crate::{
    BeginOpen, Condition, Conditional, ContextId, FcbKind, FobxId, Level, MajorFunction, Making,
    NOTIFY_CHANGE_DIRECTORY, NetRootId, Owner, ServerName, SrvCallId, VNetRootId,
};
use nt::{AccessMask, CreateOptions, NameBuf, ShareAccess, Status};
use std::string::ToString;

const NOTHING: [&str; 0] = [];

impl World {
    fn srv_call(&mut self, host: &str, context: ContextId) -> nt::Result<Making<SrvCallId>> {
        let host: NameBuf = name(host);
        self.tree
            .create_srv_call(&ServerName::parse(host.as_name()).unwrap(), context)
    }

    fn good_srv_call(&mut self, host: &str, context: ContextId) -> SrvCallId {
        let Ok(Making::Make(id)) = self.srv_call(host, context) else {
            panic!("{host}")
        };
        self.tree
            .srv_call_good(id, "server".to_string(), &mut self.effects)
            .unwrap();
        id
    }

    fn good_net_root(&mut self, server: SrvCallId, share: &str, context: ContextId) -> NetRootId {
        let Ok(Making::Make(id)) = self.tree.create_net_root(server, name(share).as_name(), context) else {
            panic!("{share}")
        };
        self.tree
            .net_root_good(id, "share".to_string(), &mut self.effects)
            .unwrap();
        id
    }
}

#[test]
fn servers_and_shares_are_made_one_at_a_time() {
    let mut world = World::new();
    let (maker, waiter) = (world.context(), world.context());
    let Ok(Making::Make(server)) = world.srv_call("host", maker) else {
        panic!()
    };
    assert_eq!(
        world.tree.srv_call(server).unwrap().condition(),
        Condition::InTransition
    );
    assert_eq!(
        world.srv_call("HOST", waiter),
        Ok(Making::Wait),
        "one host, however it is written"
    );
    assert_eq!(
        world
            .tree
            .create_net_root(server, name(r"\share").as_name(), maker)
            .err(),
        Some(Status::INVALID_PARAMETER),
        "not before the server is good"
    );
    world
        .tree
        .srv_call_good(server, "server".to_string(), &mut world.effects)
        .unwrap();
    assert_eq!(world.drain(), ["wake"]);
    assert_eq!(world.srv_call("host", waiter), Ok(Making::Found(server)));
    assert_eq!(world.tree.srv_call(server).unwrap().references(), 3);
    let share = world.good_net_root(server, r"\share", maker);
    let again = world
        .tree
        .create_net_root(server, name(r"\share").as_name(), waiter);
    assert_eq!(again, Ok(Making::Found(share)));
    // A view comes to the share that is there.
    let creation = world.create(r"\;X:\host\share", ME, None, maker);
    assert_eq!((creation.srv_call, creation.net_root), (server, share));
    assert!(!creation.new_srv_call && !creation.new_net_root);
    let view = world.make_good(creation);
    world
        .tree
        .dereference_v_net_root(view, &mut world.effects)
        .unwrap();
    assert_eq!(
        world.drain(),
        ["view", "share"],
        "the last view takes the share's name along"
    );
    for _ in 0..2 {
        world
            .tree
            .dereference_net_root(share, &mut world.effects)
            .unwrap();
    }
    world
        .tree
        .dereference_srv_call(server, &mut world.effects)
        .unwrap();
    world
        .tree
        .dereference_srv_call(server, &mut world.effects)
        .unwrap();
    assert_eq!(world.drain(), ["server"]);
    world.end(maker);
    world.end(waiter);
    assert!(world.tree.is_empty());
}

#[test]
fn those_who_wait_for_what_turns_bad_are_told() {
    let mut world = World::new();
    let (maker, waiter, other) = (world.context(), world.context(), world.context());
    let Ok(Making::Make(server)) = world.srv_call("host", maker) else {
        panic!()
    };
    assert_eq!(world.srv_call("host", waiter), Ok(Making::Wait));
    let object = Conditional::SrvCall(server);
    assert_eq!(world.tree.wait_for_stable_condition(object, other), Ok(None));
    assert_eq!(
        world.connect(r"\;X:\host\share", ME, None, maker),
        Ok(crate::Connect::Wait),
        "a connect waits, too"
    );
    world
        .tree
        .srv_call_bad(server, Status::BAD_NETWORK_PATH, &mut world.effects)
        .unwrap();
    // Who asked for the same has failed with it; who only looks, looks again.
    assert_eq!(
        world.drain(),
        ["fail BAD_NETWORK_PATH", "wake", "fail BAD_NETWORK_PATH"]
    );
    assert!(world.tree.srv_call(server).is_err());
    let server = world.good_srv_call("host", maker);
    let object = Conditional::SrvCall(server);
    assert_eq!(
        world.tree.wait_for_stable_condition(object, other),
        Ok(Some(Condition::Good))
    );
    let Ok(Making::Make(share)) = world.tree.create_net_root(server, name(r"\s").as_name(), maker) else {
        panic!()
    };
    assert_eq!(
        world
            .tree
            .wait_for_stable_condition(Conditional::NetRoot(share), other),
        Ok(None)
    );
    world
        .tree
        .net_root_bad(share, Status::BAD_NETWORK_NAME, &mut world.effects)
        .unwrap();
    assert_eq!(world.drain(), ["wake"]);
    assert_eq!(
        world
            .tree
            .srv_call_bad(server, Status::BAD_NETWORK_PATH, &mut world.effects),
        Err(Status::INVALID_PARAMETER),
        "what is good does not turn bad"
    );
    // A request that is to end makes nothing.
    world.tree.cancel_request(other, &mut world.effects).unwrap();
    assert_eq!(world.srv_call("elsewhere", other).err(), Some(Status::CANCELLED));
    assert_eq!(world.tree.check_request(other), Err(Status::CANCELLED));
    assert_eq!(world.tree.check_request(maker), Ok(()));
    assert_eq!(world.tree.statistics().srv_calls, 1);
    world.drain();
}

/// A file with one handle, each object of it made by itself.
fn by_hand(world: &mut World, view: VNetRootId) -> (crate::FcbId, crate::SrvOpenId, FobxId, Handle) {
    let fcb = world.tree.create_fcb(view, name(r"\d\f").as_name()).unwrap();
    let srv_open = world.tree.create_srv_open(view, fcb, "fid".to_string()).unwrap();
    let handle = Handle::default();
    let fobx = world.tree.create_fobx(srv_open, handle.clone()).unwrap();
    (fcb, srv_open, fobx, handle)
}

#[test]
fn files_opens_and_handles_are_made_one_at_a_time() {
    let mut world = World::new();
    let view = world.map(r"\;X:\srv\share");
    let (fcb, srv_open, fobx, _) = by_hand(&mut world, view);
    assert_eq!(world.tree.create_fcb(view, name(r"\d\f").as_name()), Ok(fcb));
    assert_eq!(
        world.tree.fcb(fcb).unwrap().references(),
        4,
        "itself, two callers, an open"
    );
    assert_eq!(world.tree.srv_open(srv_open).unwrap().references(), 2);
    assert_eq!(world.tree.fobx(fobx).unwrap().references(), 1);
    assert_eq!(world.tree.v_net_root(view).unwrap().number_of_fobxs(), 1);
    assert_eq!(world.drain(), NOTHING);
    // In use by its handle, and no more by what callers hold of the rest.
    assert_eq!(world.finalize(view, Level::Refuse), Status::FILES_OPEN);
    assert_eq!(
        world.tree.finalize_fobx(fobx, false, &mut world.effects),
        Ok(true)
    );
    assert_eq!(world.drain(), ["close fid", "handle"]);
    assert_eq!(
        world.tree.create_fobx(srv_open, Handle::default()).err(),
        Some(Status::FILE_CLOSED)
    );
    assert_eq!(
        world.tree.finalize_srv_open(srv_open, false, &mut world.effects),
        Ok(false)
    );
    assert_eq!(world.tree.finalize_fcb(fcb, &mut world.effects), Ok(false));
    assert_eq!(world.finalize(view, Level::Refuse), Status::SUCCESS);
    world
        .tree
        .dereference_srv_open(srv_open, &mut world.effects)
        .unwrap();
    assert_eq!(world.drain(), ["view", "share", "server"]);
    for _ in 0..2 {
        world.tree.dereference_fcb(fcb, &mut world.effects).unwrap();
    }
    assert!(world.tree.fcb(fcb).is_err() && world.tree.is_empty());
    world.drain();
}

#[test]
fn force_takes_one_object_at_a_time() {
    let mut world = World::new();
    let view = world.map(r"\;X:\srv\share");
    let other = world.map_for(r"\;X:\srv\share", OTHER);
    let (fcb, srv_open, fobx, handle) = by_hand(&mut world, view);
    let request = world.begin(Owner::Fobx(fobx), MajorFunction::READ, 0);
    world.drain();
    assert_eq!(
        world.tree.finalize_srv_open(srv_open, true, &mut world.effects),
        Ok(false)
    );
    assert_eq!(world.drain(), ["cancel", "force closed fid"]);
    assert!(handle.0.get() && world.tree.v_net_root(view).unwrap().is_attached());
    assert_eq!(
        world.tree.create_srv_open(view, fcb, "fid".to_string()).err(),
        Some(Status::UNEXPECTED_NETWORK_ERROR)
    );
    // A handle with a request upon it is closed, and its memory waits.
    assert_eq!(
        world.tree.finalize_fobx(fobx, false, &mut world.effects),
        Ok(false)
    );
    assert!(world.tree.has_open_files(), "somebody else holds it");
    assert_eq!(
        world.tree.finalize_fobx(fobx, true, &mut world.effects),
        Ok(false)
    );
    assert!(!world.tree.has_open_files());
    world.end(request);
    assert_eq!(world.drain(), ["handle"]);
    world
        .tree
        .dereference_srv_open(srv_open, &mut world.effects)
        .unwrap();
    world.tree.dereference_fcb(fcb, &mut world.effects).unwrap();
    assert_eq!(
        world
            .tree
            .finalize_v_net_root(view, false, None, &mut world.effects),
        Ok(false)
    );
    assert_eq!(
        world
            .tree
            .finalize_v_net_root(view, true, None, &mut world.effects),
        Ok(true)
    );
    let share = world.net_root_of(other);
    let server = world.tree.net_root(share).unwrap().srv_call();
    world.tree.reference_srv_call(server).unwrap();
    let file = world.open(other, r"\f");
    world.drain();
    assert_eq!(
        world
            .tree
            .finalize_net_root(share, false, None, &mut world.effects),
        Ok(false)
    );
    assert_eq!(
        world
            .tree
            .finalize_srv_call(server, true, None, &mut world.effects),
        Ok(false)
    );
    assert_eq!(world.drain(), ["force closed fid", "view", "share", "server"]);
    assert_eq!(
        world.tree.srv_call(server).unwrap().condition(),
        Condition::Closed
    );
    world.shut(file);
    world
        .tree
        .dereference_srv_call(server, &mut world.effects)
        .unwrap();
    world.drain();
    assert!(world.tree.is_empty());
}

#[test]
fn requests_are_cancelled_by_what_they_are_upon() {
    let mut world = World::new();
    let view = world.map(r"\;X:\srv\share");
    let (first, second) = (world.open(view, r"\1"), world.open(view, r"\2"));
    let device = world.context();
    let on_view = world.begin(Owner::VNetRoot(view), MajorFunction::CREATE, 0);
    let on_first = world.begin(Owner::Fobx(first), MajorFunction::READ, 0);
    let on_second = world.begin(Owner::Fobx(second), MajorFunction::WRITE, 0);
    let cleanup = world.begin(Owner::Fobx(second), MajorFunction::CLEANUP, 0);
    let cancelled = |world: &World| {
        [device, on_view, on_first, on_second, cleanup]
            .map(|id| world.tree.context(id).unwrap().is_cancelled())
    };
    let srv_open = world.tree.fobx(first).unwrap().srv_open();
    world
        .tree
        .cancel_srv_open_requests(srv_open, &mut world.effects)
        .unwrap();
    assert_eq!(cancelled(&world), [false, false, true, false, false]);
    world.tree.cancel_device_requests(None, &mut world.effects);
    assert_eq!(cancelled(&world), [true, false, true, false, false]);
    world
        .tree
        .cancel_v_net_root_requests(view, Some(on_view), &mut world.effects);
    assert_eq!(cancelled(&world), [true, false, true, true, false]);
    world
        .tree
        .cancel_v_net_root_requests(view, None, &mut world.effects);
    assert_eq!(cancelled(&world), [true, true, true, true, false]);
    assert_eq!(world.drain(), ["cancel"; 4]);
}

#[test]
fn a_notification_is_use_until_it_is_to_end() {
    let mut world = World::new();
    let view = world.map(r"\;X:\srv\share");
    let directory = world.open_kind(view, r"\d", FcbKind::Directory).0;
    let notify = world.notify(directory);
    assert!(world.tree.context(notify).unwrap().is_notification());
    assert_eq!(
        world.tree.context(notify).unwrap().minor(),
        NOTIFY_CHANGE_DIRECTORY
    );
    // Its handle closed, it is cancelled but has not ended: that is no use any more.
    world.shut(directory);
    assert_eq!(world.finalize(view, Level::Refuse), Status::SUCCESS);
    world.end(notify);
    world.drain();
    assert!(world.tree.is_empty());
    // Success takes along what was begun upon the view itself.
    let view = world.map(r"\;X:\srv\share");
    let notify = world.begin(
        Owner::VNetRoot(view),
        MajorFunction::DIRECTORY_CONTROL,
        NOTIFY_CHANGE_DIRECTORY,
    );
    assert_eq!(world.finalize(view, Level::Refuse), Status::FILES_OPEN);
    assert_eq!(world.finalize(view, Level::RefuseDropRef), Status::FILES_OPEN);
    assert_eq!(world.drain(), NOTHING);
    world.tree.cancel_request(notify, &mut world.effects).unwrap();
    assert_eq!(world.finalize(view, Level::Refuse), Status::SUCCESS);
    world.end(notify);
    world.drain();
    assert!(world.tree.is_empty());
}

#[test]
fn the_statuses_of_a_refusal() {
    let mut world = World::new();
    let context = world.context();
    // In the making.
    let creation = world.create(r"\;X:\srv\share", ME, None, context);
    assert_eq!(
        world.finalize(creation.v_net_root, Level::Refuse),
        Status::CONNECTION_IN_USE
    );
    let view = world.make_good(creation);
    // Only a directory is being opened; then a file, too.
    let open = |world: &mut World, path: &str, options| {
        let begun = world.begin_open_for(
            view,
            path,
            AccessMask::READ_DATA,
            ShareAccess::all(),
            options,
            None,
        );
        let Ok(BeginOpen::Begun(opening)) = begun else {
            panic!("{path}")
        };
        opening
    };
    let directory = open(&mut world, r"\d", CreateOptions::DIRECTORY_FILE);
    assert_eq!(world.finalize(view, Level::Refuse), Status::CONNECTION_IN_USE);
    let file = open(&mut world, r"\f", CreateOptions::NON_DIRECTORY_FILE);
    assert_eq!(world.finalize(view, Level::Refuse), Status::FILES_OPEN);
    // Somebody has a file to itself.
    let holder = world.context();
    world.tree.lock_fcb(file.fcb, holder).unwrap();
    assert_eq!(world.finalize(view, Level::Refuse), Status::LOCK_NOT_GRANTED);
    // The caller itself is to end.
    world.tree.cancel_request(context, &mut world.effects).unwrap();
    let net_root = world.net_root_of(view);
    let result = world.tree.finalize_connection(
        net_root,
        Some(view),
        Level::Force,
        Some(context),
        &mut world.effects,
    );
    assert_eq!(result, Err(Status::CANCELLED));
    assert!(world.tree.v_net_root(view).unwrap().is_attached());
    world.complete(directory, FcbKind::Directory);
    world.drain();
}
