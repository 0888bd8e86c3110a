//! Every allocation of every operation fails in turn: the operation says so and has changed nothing. And the
//! operations that must not fail allocate nothing.

mod allocator;

use allocator::{balance, fail_nth};
use nt::{AccessMask, CreateOptions, Name, NameBuf, ShareAccess, Status};
use rdbss::{
    BeginOpen, Conditional, Config, Connect, ConnectRequest, ContextId, Creation, DelayedClose, Effects,
    FcbKind, FobxId, Level, LogonId, MajorFunction, Making, OpenRequest, Opened, Opening, Owner, PathName,
    Request, ServerName, SrvCallFlags, SrvCallId, Tree, VNetRootId,
};

const ME: LogonId = LogonId(1);

fn name(text: &str) -> NameBuf {
    NameBuf::try_from_str(text).unwrap()
}

struct World {
    tree: Tree<()>,
    effects: Effects<()>,
}

impl World {
    fn new() -> Self {
        let config = Config {
            seed: 1,
            default_port: 564,
            srv_call_flags: SrvCallFlags::empty(),
            delayed_close: DelayedClose::default(),
        };
        Self {
            tree: Tree::new(config),
            effects: Effects::new(),
        }
    }

    fn begin(&mut self, owner: Owner, major: MajorFunction) -> nt::Result<ContextId> {
        self.tree.begin_request(Request {
            owner,
            major,
            minor: 0,
            cancellable: true,
            extension: (),
        })
    }

    fn connect(&mut self, text: &NameBuf, user: Option<&NameBuf>, context: ContextId) -> nt::Result<Connect> {
        self.tree.connect(&ConnectRequest {
            name: PathName::parse(text.as_name()).unwrap(),
            logon: ME,
            user: user.map(NameBuf::as_name),
            context,
        })
    }

    fn create(&mut self, text: &str) -> Creation {
        let context = self.begin(Owner::Device, MajorFunction::CREATE).unwrap();
        let Ok(Connect::Create(creation)) = self.connect(&name(text), None, context) else {
            panic!("{text}")
        };
        self.tree.end_request(context, &mut self.effects).unwrap();
        creation
    }

    fn make_good(&mut self, creation: Creation) -> VNetRootId {
        if creation.new_srv_call {
            self.tree
                .srv_call_good(creation.srv_call, (), &mut self.effects)
                .unwrap();
        }
        if creation.new_net_root {
            self.tree
                .net_root_good(creation.net_root, (), &mut self.effects)
                .unwrap();
        }
        self.tree
            .v_net_root_good(creation.v_net_root, (), &mut self.effects)
            .unwrap();
        creation.v_net_root
    }

    fn map(&mut self, text: &str) -> VNetRootId {
        let creation = self.create(text);
        let view = self.make_good(creation);
        self.tree.take_connection_reference(view).unwrap();
        self.tree.dereference_v_net_root(view, &mut self.effects).unwrap();
        view
    }

    fn begin_open(
        &mut self,
        view: VNetRootId,
        path: &NameBuf,
        context: Option<ContextId>,
    ) -> nt::Result<BeginOpen> {
        self.tree.begin_open(
            &OpenRequest {
                v_net_root: view,
                path: path.as_name(),
                desired_access: AccessMask::READ_DATA | AccessMask::DELETE,
                share_access: ShareAccess::empty(),
                options: CreateOptions::empty(),
                unc_name: false,
                collapse: None,
                context,
            },
            &mut self.effects,
        )
    }

    fn opening(&mut self, view: VNetRootId, path: &str) -> Opening {
        let Ok(BeginOpen::Begun(opening)) = self.begin_open(view, &name(path), None) else {
            panic!("{path}")
        };
        opening
    }

    fn open(&mut self, view: VNetRootId, path: &str) -> FobxId {
        let opening = self.opening(view, path);
        self.tree
            .complete_open(opening.fobx, Ok(opened()), &mut self.effects)
            .unwrap();
        opening.fobx
    }

    fn open_directory(&mut self, view: VNetRootId, path: &str) -> FobxId {
        let opening = self.opening(view, path);
        let opened = Opened {
            kind: FcbKind::Directory,
            ..opened()
        };
        self.tree
            .complete_open(opening.fobx, Ok(opened), &mut self.effects)
            .unwrap();
        opening.fobx
    }

    /// A server without shares, which its maker holds.
    fn server(&mut self) -> SrvCallId {
        let context = self.begin(Owner::Device, MajorFunction::CREATE).unwrap();
        let host = name("server");
        let asked = ServerName::parse(host.as_name()).unwrap();
        let Ok(Making::Make(id)) = self.tree.create_srv_call(&asked, context) else {
            panic!("nothing is there")
        };
        self.tree.srv_call_good(id, (), &mut self.effects).unwrap();
        self.tree.end_request(context, &mut self.effects).unwrap();
        id
    }

    /// What can be seen of the tree without knowing its ids.
    fn visible(&self) -> String {
        let mut text = format!("{:?}", self.tree.statistics());
        for connection in self.tree.connections(0, None) {
            let chain = self.tree.chain(connection.v_net_root).unwrap();
            text += &format!(
                "\n{connection:?} {} {} {} {} {}",
                chain.srv_call.references(),
                chain.net_root.references(),
                chain.net_root.share(),
                chain.v_net_root.references(),
                chain.v_net_root.outstanding(),
            );
        }
        text
    }
}

fn opened() -> Opened<()> {
    Opened {
        srv_open: Some(()),
        fobx: (),
        fcb: Some(()),
        kind: FcbKind::File,
        collapsible: true,
        delays_close: true,
    }
}

/// Builds a world and runs an operation in it with its 1st, 2nd … allocation failing, until none fails any more.
fn each_allocation<T>(
    what: &str,
    prepare: impl Fn(&mut World) -> T,
    operate: impl Fn(&mut World, &T) -> nt::Result,
) {
    for n in 0.. {
        let mut world = World::new();
        let prepared = prepare(&mut world);
        let before = world.visible();
        let (result, failed) = fail_nth(n, || operate(&mut world, &prepared));
        world.tree.validate().unwrap();
        if !failed {
            assert!(n > 0, "{what} allocates nothing");
            assert_eq!(result, Ok(()), "{what}");
            println!("sweep: {what}: {n} allocations failed in turn");
            return;
        }
        assert_eq!(
            result,
            Err(Status::INSUFFICIENT_RESOURCES),
            "{what}, allocation {n}"
        );
        assert_eq!(world.visible(), before, "{what}, allocation {n}");
        assert_eq!(
            operate(&mut world, &prepared),
            Ok(()),
            "{what} once there is memory again"
        );
        world.tree.validate().unwrap();
    }
}

#[test]
fn what_allocates_can_fail_and_changes_nothing_then() {
    let unit = |result: nt::Result<Connect>| result.map(drop);
    let context = |world: &mut World| world.begin(Owner::Device, MajorFunction::CREATE).unwrap();
    each_allocation(
        "begin_request",
        |_| (),
        |world, ()| world.begin(Owner::Device, MajorFunction::READ).map(drop),
    );
    each_allocation(
        "connect, all new",
        |world| (context(world), name(r"\;X:\srv\share"), name("user")),
        |world, (context, text, user)| unit(world.connect(text, Some(user), *context)),
    );
    each_allocation(
        "connect, second drive",
        |world| {
            world.map(r"\;X:\srv\share");
            (context(world), name(r"\;Y:\srv\share"))
        },
        |world, (context, text)| unit(world.connect(text, None, *context)),
    );
    each_allocation(
        "connect, waiting",
        |world| {
            world.create(r"\;X:\srv\share");
            (context(world), name(r"\;Y:\srv\share"))
        },
        |world, (context, text)| match world.connect(text, None, *context)? {
            Connect::Wait => Ok(()),
            other => panic!("{other:?}"),
        },
    );
    each_allocation(
        "shorten_share",
        |world| {
            let creation = world.create(r"\;X:\srv\a\b");
            (creation.v_net_root, context(world))
        },
        |world, (view, context)| {
            world
                .tree
                .shorten_share(*view, 2, *context, &mut world.effects)
                .map(drop)
        },
    );
    each_allocation(
        "begin_open, new file",
        |world| (world.map(r"\;X:\srv\share"), name(r"\file")),
        |world, (view, path)| world.begin_open(*view, path, None).map(drop),
    );
    each_allocation(
        "begin_open, waiting",
        |world| {
            let view = world.map(r"\;X:\srv\share");
            world.opening(view, r"\file");
            (view, name(r"\file"), context(world))
        },
        |world, (view, path, context)| match world.begin_open(*view, path, Some(*context))? {
            BeginOpen::Wait => Ok(()),
            BeginOpen::Begun(_) => panic!("shared"),
        },
    );
    each_allocation(
        "begin_rename",
        |world| {
            let view = world.map(r"\;X:\srv\share");
            (world.open(view, r"\old"), name(r"\new"))
        },
        |world, (file, path)| {
            world
                .tree
                .begin_rename(*file, path.as_name(), false, &mut world.effects)
                .map(drop)
        },
    );
    each_allocation(
        "begin_open, new directories",
        |world| (world.map(r"\;X:\srv\share"), name(r"\a\b\c\file")),
        |world, (view, path)| world.begin_open(*view, path, None).map(drop),
    );
    each_allocation(
        "begin_rename, a directory into new ones",
        |world| {
            let view = world.map(r"\;X:\srv\share");
            (world.open_directory(view, r"\a\d"), name(r"\b\c\e"))
        },
        |world, (directory, path)| {
            world
                .tree
                .begin_rename(*directory, path.as_name(), false, &mut world.effects)
                .map(drop)
        },
    );
    each_allocation(
        "create_srv_call",
        |world| (context(world), name("server")),
        |world, (context, host)| {
            let host = ServerName::parse(host.as_name()).unwrap();
            world.tree.create_srv_call(&host, *context).map(drop)
        },
    );
    each_allocation(
        "create_net_root",
        |world| (context(world), world.server(), name(r"\share")),
        |world, (context, server, share)| {
            world
                .tree
                .create_net_root(*server, share.as_name(), *context)
                .map(drop)
        },
    );
    each_allocation(
        "wait_for_stable_condition",
        |world| (context(world), world.create(r"\;X:\srv\share").net_root),
        |world, (context, share)| {
            world
                .tree
                .wait_for_stable_condition(Conditional::NetRoot(*share), *context)
                .map(drop)
        },
    );
    each_allocation(
        "create_fcb",
        |world| (world.map(r"\;X:\srv\share"), name(r"\a\b\file")),
        |world, (view, path)| world.tree.create_fcb(*view, path.as_name()).map(drop),
    );
    each_allocation(
        "create_srv_open",
        |world| {
            let view = world.map(r"\;X:\srv\share");
            (view, world.tree.create_fcb(view, name(r"\f").as_name()).unwrap())
        },
        |world, (view, file)| world.tree.create_srv_open(*view, *file, ()).map(drop),
    );
    each_allocation(
        "create_fobx",
        |world| {
            let view = world.map(r"\;X:\srv\share");
            let file = world.tree.create_fcb(view, name(r"\f").as_name()).unwrap();
            world.tree.create_srv_open(view, file, ()).unwrap()
        },
        |world, srv_open| world.tree.create_fobx(*srv_open, ()).map(drop),
    );
    each_allocation(
        "resolve",
        |world| {
            world.map(r"\;X:\srv\share");
            name(r"\;X:\srv\share\d\f")
        },
        |world, text| {
            world
                .tree
                .resolve(&PathName::parse(text.as_name()).unwrap(), ME)
                .map(drop)
        },
    );
    each_allocation(
        "set_srv_call_domain_name",
        |world| (world.create(r"\;X:\srv\share").srv_call, name("domain")),
        |world, (server, domain)| world.tree.set_srv_call_domain_name(*server, domain.as_name()),
    );
}

/// Runs an operation in which no allocation may even be tried.
fn without_memory(what: &str, operate: impl FnOnce()) {
    let ((), tried) = fail_nth(0, operate);
    assert!(!tried, "{what} allocates");
}

#[test]
fn what_must_not_fail_allocates_nothing() {
    let mut world = World::new();
    let creation = world.create(r"\;X:\srv\share");
    without_memory("reporting success", || _ = world.make_good(creation));
    let view = creation.v_net_root;
    without_memory("references", || {
        world.tree.take_connection_reference(view).unwrap();
        world
            .tree
            .dereference_v_net_root(view, &mut world.effects)
            .unwrap();
    });
    let (first, second) = (world.opening(view, r"\1"), world.opening(view, r"\2"));
    without_memory("completing opens", || {
        world
            .tree
            .complete_open(first.fobx, Ok(opened()), &mut world.effects)
            .unwrap();
        let failed = world
            .tree
            .complete_open(second.fobx, Err(Status::IO_TIMEOUT), &mut world.effects);
        assert_eq!(failed, Err(Status::IO_TIMEOUT));
    });
    let fcb = world
        .tree
        .begin_rename(first.fobx, name(r"\3").as_name(), true, &mut world.effects)
        .unwrap();
    let request = world.begin(Owner::Fobx(first.fobx), MajorFunction::READ).unwrap();
    let other = world.create(r"\;Y:\elsewhere\share");
    let waiting = world.begin(Owner::Device, MajorFunction::CREATE).unwrap();
    assert_eq!(
        world.connect(&name(r"\elsewhere\share"), None, waiting),
        Ok(Connect::Wait)
    );
    without_memory("everything that takes down", || {
        world.tree.complete_rename(fcb, true, &mut world.effects).unwrap();
        world
            .tree
            .connect_failed(other.v_net_root, Status::BAD_NETWORK_PATH, &mut world.effects)
            .unwrap();
        world.tree.end_request(waiting, &mut world.effects).unwrap();
        world
            .tree
            .set_delete_pending(first.fobx, true, &mut world.effects)
            .unwrap();
        let net_root = world.tree.v_net_root(view).unwrap().net_root();
        let refused =
            world
                .tree
                .finalize_connection(net_root, Some(view), Level::Refuse, None, &mut world.effects);
        assert_eq!(refused, Err(Status::FILES_OPEN));
        world
            .tree
            .finalize_connection(net_root, None, Level::Force, None, &mut world.effects)
            .unwrap();
        world.tree.cleanup(first.fobx, &mut world.effects).unwrap();
        world.tree.close(first.fobx, &mut world.effects).unwrap();
        world.tree.end_request(request, &mut world.effects).unwrap();
        while world.effects.next().is_some() {}
    });
    assert!(world.tree.is_empty());
}

#[test]
fn what_is_dormant_comes_and_goes_without_memory() {
    let mut world = World::new();
    let view = world.map(r"\;X:\srv\share");
    let server = world.tree.chain(view).unwrap().net_root.srv_call();
    let file = world.open(view, r"\1");
    let others: Vec<_> = ["2", "3", "4"]
        .map(|path| world.open(view, &format!(r"\d\{path}")))
        .into();
    without_memory("delayed close", || {
        world.tree.cleanup(file, &mut world.effects).unwrap();
        world.tree.close_delayed(file, 0, &mut world.effects).unwrap();
    });
    assert_eq!(world.tree.statistics().dormant, 1);
    without_memory("scavenging", || {
        for (now, &other) in (1..).zip(&others) {
            world.tree.close_delayed(other, now, &mut world.effects).unwrap();
        }
        world.tree.scavenge(10_000_000_000, &mut world.effects);
        world
            .tree
            .set_close_delayed_max(server, 2, &mut world.effects)
            .unwrap();
        world.tree.scavenge_srv_call(server, &mut world.effects);
        while world.effects.next().is_some() {}
    });
    assert_eq!(world.tree.statistics().srv_opens, 0);
    let last = world.open(view, r"\5");
    world.tree.close_delayed(last, 9, &mut world.effects).unwrap();
    without_memory("finalising around what is dormant", || {
        let gone = world
            .tree
            .finalize_srv_call(server, true, None, &mut world.effects);
        assert_eq!(gone, Ok(true));
        while world.effects.next().is_some() {}
    });
    assert!(world.tree.is_empty());
}

#[test]
fn what_bad_ends_take_needs_no_memory() {
    let mut world = World::new();
    let context = world.begin(Owner::Device, MajorFunction::CREATE).unwrap();
    let host = name("server");
    let asked = ServerName::parse(host.as_name()).unwrap();
    let Ok(Making::Make(bad)) = world.tree.create_srv_call(&asked, context) else {
        panic!("nothing is there")
    };
    without_memory("reporting a bad server", || {
        world
            .tree
            .srv_call_bad(bad, Status::BAD_NETWORK_PATH, &mut world.effects)
            .unwrap();
    });
    let server = world.server();
    let share = name(r"\share");
    let Ok(Making::Make(bad)) = world.tree.create_net_root(server, share.as_name(), context) else {
        panic!("nothing is there")
    };
    let view = world.map(r"\;X:\other\share");
    let file = world.tree.create_fcb(view, name(r"\f").as_name()).unwrap();
    let srv_open = world.tree.create_srv_open(view, file, ()).unwrap();
    let fobx = world.tree.create_fobx(srv_open, ()).unwrap();
    let request = world.begin(Owner::Fobx(fobx), MajorFunction::READ).unwrap();
    without_memory("finalising one object at a time", || {
        let effects = &mut world.effects;
        world
            .tree
            .net_root_bad(bad, Status::BAD_NETWORK_NAME, effects)
            .unwrap();
        world.tree.finalize_srv_call(server, true, None, effects).unwrap();
        world.tree.dereference_srv_call(server, effects).unwrap();
        world.tree.cancel_srv_open_requests(srv_open, effects).unwrap();
        world.tree.cancel_device_requests(None, effects);
        world.tree.finalize_srv_open(srv_open, true, effects).unwrap();
        world.tree.finalize_fobx(fobx, true, effects).unwrap();
        world.tree.finalize_v_net_root(view, true, None, effects).unwrap();
        world.tree.end_request(request, effects).unwrap();
        world.tree.end_request(context, effects).unwrap();
        world.tree.dereference_srv_open(srv_open, effects).unwrap();
        world.tree.dereference_fcb(file, effects).unwrap();
        while world.effects.next().is_some() {}
    });
    assert!(world.tree.is_empty());
}

#[test]
fn a_life_with_any_allocation_failing_leaks_nothing() {
    let (share, file, end) = (name(r"\;X:\srv\share"), name(r"\file"), Name::EMPTY);
    let life = || -> nt::Result {
        let mut world = World::new();
        let context = world.begin(Owner::Device, MajorFunction::CREATE)?;
        let Connect::Create(creation) = world.connect(&share, None, context)? else {
            panic!("nothing is there")
        };
        let view = world.make_good(creation);
        let BeginOpen::Begun(opening) = world.begin_open(view, &file, None)? else {
            panic!("nothing waits")
        };
        world
            .tree
            .complete_open(opening.fobx, Ok(opened()), &mut world.effects)?;
        world.tree.resolve_relative(opening.fobx, end).map(drop)
    };
    for n in 0.. {
        let before = balance();
        let (result, failed) = fail_nth(n, life);
        let expected = if failed {
            Err(Status::INSUFFICIENT_RESOURCES)
        } else {
            Ok(())
        };
        assert_eq!(result, expected, "allocation {n}");
        assert_eq!(
            balance() - before,
            0,
            "blocks left behind with allocation {n} failing"
        );
        if !failed {
            assert!(n > 15, "only {n} allocations in a life");
            return;
        }
    }
}
