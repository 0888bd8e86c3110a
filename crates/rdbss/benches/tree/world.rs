//! A mini-redirector without a network.

use nt::{AccessMask, CreateOptions, NameBuf, ShareAccess};
use rdbss::{
    BeginOpen, Config, Connect, ConnectRequest, ContextId, DelayedClose, Effects, FcbId, FcbKind, Fobx,
    FobxId, Level, LogonId, MajorFunction, Making, NetRoot, NetRootId, OpenRequest, Opened, Owner, PathName,
    Request, ServerName, SrvCall, SrvCallFlags, SrvCallId, SrvOpen, SrvOpenId, Tree, VNetRoot, VNetRootId,
};

pub(crate) const SHARES_PER_SERVER: usize = 10;
pub(crate) const VIEWS_PER_SHARE: usize = 10;
const DRIVES: usize = 26;

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    SrvCall,
    NetRoot,
    VNetRoot,
    Fcb,
    SrvOpen,
    Fobx,
    Context,
}

impl Kind {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::SrvCall => "SRV_CALL",
            Self::NetRoot => "NET_ROOT",
            Self::VNetRoot => "V_NET_ROOT",
            Self::Fcb => "FCB",
            Self::SrvOpen => "SRV_OPEN",
            Self::Fobx => "FOBX",
            Self::Context => "RX_CONTEXT",
        }
    }
}

/// What there must be before objects of a kind are made.
pub(crate) struct Base {
    context: ContextId,
    srv_call: SrvCallId,
    view: VNetRootId,
    fcb: FcbId,
    srv_open: SrvOpenId,
}

type Make = fn(&mut World, &Base, usize);
/// A kind, the size of the object alone, and how one more is made.
type Row = (Kind, fn() -> usize, Make);

/// Each kind.
pub(crate) const KINDS: [Row; 7] = [
    (Kind::SrvCall, size_of::<SrvCall<()>>, |world, base, number| {
        world.srv_call(base.context, &format!("server{number:08}"));
    }),
    (Kind::NetRoot, size_of::<NetRoot<()>>, |world, base, number| {
        world.net_root(base.context, base.srv_call, &format!(r"\share{number:08}"));
    }),
    (Kind::VNetRoot, size_of::<VNetRoot<()>>, |world, _, number| {
        world.map_for(0, number + 1);
    }),
    (Kind::Fcb, size_of::<rdbss::Fcb<()>>, |world, base, number| {
        let path = name(&format!(r"\home\file{number:08}"));
        world.tree.create_fcb(base.view, path.as_name()).unwrap();
    }),
    (Kind::SrvOpen, size_of::<SrvOpen<()>>, |world, base, _| {
        world.tree.create_srv_open(base.view, base.fcb, ()).unwrap();
    }),
    (Kind::Fobx, size_of::<Fobx<()>>, |world, base, _| {
        world.tree.create_fobx(base.srv_open, ()).unwrap();
    }),
    (Kind::Context, size_of::<rdbss::Context<()>>, |world, _, _| {
        world.context(Owner::Device);
    }),
];

pub(crate) fn name(text: &str) -> NameBuf {
    NameBuf::try_from_str(text).unwrap()
}

/// The name of something on the drive of a view.
pub(crate) fn drive_of(number: usize, rest: &str) -> NameBuf {
    let drive = char::from(b'A' + (number % DRIVES) as u8);
    name(&format!(r"\;{drive}:{}{rest}", share_of(number)))
}

fn share_of(number: usize) -> String {
    let share = number / VIEWS_PER_SHARE;
    format!(r"\server{}\share{share}", share / SHARES_PER_SERVER)
}

fn logon_of(number: usize) -> LogonId {
    LogonId((number / DRIVES) as u64 + 1)
}

pub(crate) struct World {
    pub(crate) tree: Tree<()>,
    effects: Effects<()>,
    now: u64,
}

impl World {
    pub(crate) fn new() -> Self {
        let config = Config {
            seed: 0x5EED,
            default_port: 564,
            srv_call_flags: SrvCallFlags::empty(),
            delayed_close: DelayedClose::default(),
        };
        Self {
            tree: Tree::new(config),
            effects: Effects::new(),
            now: 0,
        }
    }

    fn settle(&mut self) {
        for effect in core::mem::take(&mut self.effects) {
            drop(effect);
        }
    }

    fn context(&mut self, owner: Owner) -> ContextId {
        let request = Request {
            owner,
            major: MajorFunction::CREATE,
            minor: 0,
            cancellable: true,
            extension: (),
        };
        self.tree.begin_request(request).unwrap()
    }

    pub(crate) fn base(&mut self, _: Kind) -> Base {
        let context = self.context(Owner::Device);
        let srv_call = self.srv_call(context, "a server");
        let view = self.map(0);
        let fcb = self.tree.create_fcb(view, name(r"\home\it").as_name()).unwrap();
        let srv_open = self.tree.create_srv_open(view, fcb, ()).unwrap();
        Base {
            context,
            srv_call,
            view,
            fcb,
            srv_open,
        }
    }

    fn srv_call(&mut self, context: ContextId, host: &str) -> SrvCallId {
        let host = name(host);
        let asked = ServerName::parse(host.as_name()).unwrap();
        let Making::Make(id) = self.tree.create_srv_call(&asked, context).unwrap() else {
            panic!("it is there")
        };
        self.tree.srv_call_good(id, (), &mut self.effects).unwrap();
        id
    }

    fn net_root(&mut self, context: ContextId, srv_call: SrvCallId, share: &str) -> NetRootId {
        let share = name(share);
        let made = self.tree.create_net_root(srv_call, share.as_name(), context);
        let Making::Make(id) = made.unwrap() else {
            panic!("it is there")
        };
        self.tree.net_root_good(id, (), &mut self.effects).unwrap();
        id
    }

    /// The view of that number, on its own drive of its own logon session.
    pub(crate) fn map(&mut self, number: usize) -> VNetRootId {
        self.connect(&drive_of(number, ""), logon_of(number))
    }

    /// A view on the share that the view `number` is on, of a session far away.
    pub(crate) fn map_for(&mut self, number: usize, session: usize) -> VNetRootId {
        self.connect(&drive_of(number, ""), LogonId(u64::MAX / 2 + session as u64))
    }

    fn connect(&mut self, full: &NameBuf, logon: LogonId) -> VNetRootId {
        let context = self.context(Owner::Device);
        let request = ConnectRequest {
            name: PathName::parse(full.as_name()).unwrap(),
            logon,
            user: None,
            context,
        };
        let Connect::Create(creation) = self.tree.connect(&request).unwrap() else {
            panic!("it is there")
        };
        let (tree, effects) = (&mut self.tree, &mut self.effects);
        if creation.new_srv_call {
            tree.srv_call_good(creation.srv_call, (), effects).unwrap();
        }
        if creation.new_net_root {
            tree.net_root_good(creation.net_root, (), effects).unwrap();
        }
        let view = creation.v_net_root;
        tree.v_net_root_good(view, (), effects).unwrap();
        assert!(tree.take_connection_reference(view).unwrap());
        tree.dereference_v_net_root(view, effects).unwrap();
        tree.end_request(context, effects).unwrap();
        view
    }

    pub(crate) fn look_up(&mut self, full: &NameBuf, number: usize) {
        let parsed = PathName::parse(full.as_name()).unwrap();
        let found = self.tree.resolve(&parsed, logon_of(number)).unwrap();
        assert!(matches!(found, rdbss::Resolved::Path { .. }));
    }

    fn finalize(&mut self, view: VNetRootId, level: Level) {
        let net_root = self.tree.v_net_root(view).unwrap().net_root();
        self.tree
            .finalize_connection(net_root, Some(view), level, None, &mut self.effects)
            .unwrap();
        self.settle();
    }

    pub(crate) fn unmap(&mut self, view: VNetRootId) {
        self.finalize(view, Level::Refuse);
    }

    pub(crate) fn force(&mut self, view: VNetRootId) {
        self.finalize(view, Level::Force);
    }

    fn open_path(&mut self, view: VNetRootId, path: &NameBuf, kind: FcbKind, collapse: bool) -> FobxId {
        let access = AccessMask::READ_DATA;
        let request = OpenRequest {
            v_net_root: view,
            path: path.as_name(),
            desired_access: access,
            share_access: ShareAccess::all(),
            options: CreateOptions::empty(),
            unc_name: false,
            collapse: collapse.then_some(access),
            context: None,
        };
        let BeginOpen::Begun(opening) = self.tree.begin_open(&request, &mut self.effects).unwrap() else {
            panic!("nobody stands in the way")
        };
        let opened = Opened {
            srv_open: (!opening.collapsed).then_some(()),
            fobx: (),
            fcb: opening.new_fcb.then_some(()),
            kind,
            collapsible: true,
            delays_close: true,
        };
        self.tree
            .complete_open(opening.fobx, Ok(opened), &mut self.effects)
            .unwrap();
        opening.fobx
    }

    pub(crate) fn open(&mut self, view: VNetRootId, path: &str) -> FobxId {
        self.open_path(view, &name(path), FcbKind::File, false)
    }

    pub(crate) fn open_directory(&mut self, view: VNetRootId, path: &str) -> FobxId {
        self.open_path(view, &name(path), FcbKind::Directory, false)
    }

    pub(crate) fn open_and_close(&mut self, view: VNetRootId, path: &NameBuf) {
        let handle = self.open_path(view, path, FcbKind::File, false);
        self.tree.cleanup(handle, &mut self.effects).unwrap();
        self.tree.close(handle, &mut self.effects).unwrap();
        self.settle();
    }

    pub(crate) fn open_and_close_late(&mut self, view: VNetRootId, path: &NameBuf) {
        self.now += 1;
        for _ in 0..2 {
            let handle = self.open_path(view, path, FcbKind::File, true);
            self.tree.cleanup(handle, &mut self.effects).unwrap();
            self.tree
                .close_delayed(handle, self.now, &mut self.effects)
                .unwrap();
        }
        self.settle();
    }

    pub(crate) fn request(&mut self, handle: FobxId) {
        let context = self.context(Owner::Fobx(handle));
        self.tree.end_request(context, &mut self.effects).unwrap();
    }

    pub(crate) fn rename_nothing(&mut self, directory: FobxId, path: &NameBuf) {
        let fcb = self
            .tree
            .begin_rename(directory, path.as_name(), false, &mut self.effects)
            .unwrap();
        self.tree.complete_rename(fcb, false, &mut self.effects).unwrap();
        self.settle();
    }
}
