//! A mini-redirector of strings: what the tests put around a tree.

use crate::{
    BeginOpen, Config, Connect, ConnectRequest, ContextId, Creation, DelayedClose, DriveLetter, Effect,
    Effects, Extensions, FcbKind, FobxId, Level, LogonId, MajorFunction, NOTIFY_CHANGE_DIRECTORY, NetRootId,
    OpenRequest, Opened, Opening, Owner, PathName, Request, Resolved, SrvCallFlags, Tree, VNetRootId,
};
use nt::{AccessMask, CreateOptions, NameBuf, ShareAccess, Status};
use std::cell::Cell;
use std::format;
use std::rc::Rc;
use std::string::{String, ToString};
use std::vec::Vec;

#[derive(Debug)]
pub(crate) enum Strings {}

/// A handle's flag, as the data path would look at it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Handle(pub(crate) Rc<Cell<bool>>);

impl Extensions for Strings {
    type SrvCall = String;
    type NetRoot = String;
    type VNetRoot = String;
    type Fcb = String;
    type SrvOpen = String;
    type Fobx = Handle;
    type Context = &'static str;

    fn orphaned(fobx: &Handle) {
        fobx.0.set(true);
    }
}

pub(crate) const ME: LogonId = LogonId(0x1234);
pub(crate) const OTHER: LogonId = LogonId(0x5678);
pub(crate) const SHARE_ALL: ShareAccess = ShareAccess::all();

pub(crate) struct World {
    pub(crate) tree: Tree<Strings>,
    pub(crate) effects: Effects<Strings>,
}

pub(crate) fn name(text: &str) -> NameBuf {
    NameBuf::try_from_str(text).unwrap()
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with_flags(SrvCallFlags::empty())
    }

    pub(crate) fn with_flags(srv_call_flags: SrvCallFlags) -> Self {
        let config = Config {
            seed: 42,
            default_port: 564,
            srv_call_flags,
            delayed_close: DelayedClose::default(),
        };
        Self {
            tree: Tree::new(config),
            effects: Effects::new(),
        }
    }

    pub(crate) fn begin(&mut self, owner: Owner, major: MajorFunction, minor: u8) -> ContextId {
        let request = Request {
            owner,
            major,
            minor,
            cancellable: true,
            extension: "request",
        };
        self.tree.begin_request(request).unwrap()
    }

    pub(crate) fn context(&mut self) -> ContextId {
        self.begin(Owner::Device, MajorFunction::DEVICE_CONTROL, 0)
    }

    pub(crate) fn notify(&mut self, fobx: FobxId) -> ContextId {
        self.begin(
            Owner::Fobx(fobx),
            MajorFunction::DIRECTORY_CONTROL,
            NOTIFY_CHANGE_DIRECTORY,
        )
    }

    pub(crate) fn end(&mut self, context: ContextId) {
        self.tree.end_request(context, &mut self.effects).unwrap();
    }

    pub(crate) fn connect(
        &mut self,
        text: &str,
        logon: LogonId,
        user: Option<&str>,
        context: ContextId,
    ) -> nt::Result<Connect> {
        let (text, user) = (name(text), user.map(name));
        self.tree.connect(&ConnectRequest {
            name: PathName::parse(text.as_name()).unwrap(),
            logon,
            user: user.as_ref().map(NameBuf::as_name),
            context,
        })
    }

    pub(crate) fn create(
        &mut self,
        text: &str,
        logon: LogonId,
        user: Option<&str>,
        context: ContextId,
    ) -> Creation {
        match self.connect(text, logon, user, context).unwrap() {
            Connect::Create(creation) => creation,
            other => panic!("{text}: {other:?}"),
        }
    }

    /// The network's part of a connection that goes well.
    pub(crate) fn make_good(&mut self, creation: Creation) -> VNetRootId {
        if creation.new_srv_call {
            self.tree
                .srv_call_good(creation.srv_call, "server".to_string(), &mut self.effects)
                .unwrap();
        }
        if creation.new_net_root {
            self.tree
                .net_root_good(creation.net_root, "share".to_string(), &mut self.effects)
                .unwrap();
        }
        self.tree
            .v_net_root_good(creation.v_net_root, "view".to_string(), &mut self.effects)
            .unwrap();
        creation.v_net_root
    }

    /// A connection as ADD_CONNECTION makes it: with the add-connection reference, and no other.
    pub(crate) fn map_for(&mut self, text: &str, logon: LogonId) -> VNetRootId {
        let context = self.context();
        let creation = self.create(text, logon, None, context);
        let id = self.make_good(creation);
        assert!(self.tree.take_connection_reference(id).unwrap());
        self.tree.dereference_v_net_root(id, &mut self.effects).unwrap();
        self.end(context);
        id
    }

    pub(crate) fn map(&mut self, text: &str) -> VNetRootId {
        self.map_for(text, ME)
    }

    pub(crate) fn net_root_of(&self, v_net_root: VNetRootId) -> NetRootId {
        self.tree.v_net_root(v_net_root).unwrap().net_root()
    }

    pub(crate) fn finalize(&mut self, v_net_root: VNetRootId, level: Level) -> Status {
        let net_root = self.net_root_of(v_net_root);
        self.tree
            .finalize_connection(net_root, Some(v_net_root), level, None, &mut self.effects)
            .into()
    }

    pub(crate) fn resolve(&self, text: &str, logon: LogonId) -> Result<(VNetRootId, String), String> {
        let text = name(text);
        match self
            .tree
            .resolve(&PathName::parse(text.as_name()).unwrap(), logon)
        {
            Ok(Resolved::Path { v_net_root, path }) => Ok((v_net_root, path.as_name().to_string())),
            Ok(Resolved::NotConnected { share_units }) => Err(format!("not connected {share_units}")),
            Err(status) => Err(status.name().unwrap().to_string()),
        }
    }

    pub(crate) fn begin_open(
        &mut self,
        v_net_root: VNetRootId,
        path: &str,
        access: AccessMask,
        share: ShareAccess,
        options: CreateOptions,
    ) -> nt::Result<Opening> {
        self.begin_open_for(v_net_root, path, access, share, options, None)
            .map(|begun| match begun {
                BeginOpen::Begun(opening) => opening,
                BeginOpen::Wait => panic!("nobody is there to wait"),
            })
    }

    pub(crate) fn begin_open_for(
        &mut self,
        v_net_root: VNetRootId,
        path: &str,
        desired_access: AccessMask,
        share_access: ShareAccess,
        options: CreateOptions,
        context: Option<ContextId>,
    ) -> nt::Result<BeginOpen> {
        let path = name(path);
        self.tree.begin_open(
            &OpenRequest {
                v_net_root,
                path: path.as_name(),
                desired_access,
                share_access,
                options,
                unc_name: false,
                collapse: None,
                context,
            },
            &mut self.effects,
        )
    }

    pub(crate) fn complete(&mut self, opening: Opening, kind: FcbKind) -> (FobxId, Handle) {
        let handle = Handle::default();
        let opened = Opened {
            srv_open: (!opening.collapsed).then(|| "fid".to_string()),
            fobx: handle.clone(),
            fcb: opening.new_fcb.then(|| "file".to_string()),
            kind,
            collapsible: true,
            delays_close: false,
        };
        self.tree
            .complete_open(opening.fobx, Ok(opened), &mut self.effects)
            .unwrap();
        (opening.fobx, handle)
    }

    pub(crate) fn open_kind(
        &mut self,
        v_net_root: VNetRootId,
        path: &str,
        kind: FcbKind,
    ) -> (FobxId, Handle) {
        let opening = self
            .begin_open(
                v_net_root,
                path,
                AccessMask::READ_DATA,
                SHARE_ALL,
                CreateOptions::empty(),
            )
            .unwrap();
        self.complete(opening, kind)
    }

    pub(crate) fn open(&mut self, v_net_root: VNetRootId, path: &str) -> FobxId {
        self.open_kind(v_net_root, path, FcbKind::File).0
    }

    pub(crate) fn shut(&mut self, fobx: FobxId) {
        self.tree.cleanup(fobx, &mut self.effects).unwrap();
        self.tree.close(fobx, &mut self.effects).unwrap();
    }

    /// The effects so far, in words.
    pub(crate) fn drain(&mut self) -> Vec<String> {
        self.tree.validate().unwrap();
        core::mem::take(&mut self.effects)
            .map(|effect| describe(&effect))
            .collect()
    }

    pub(crate) fn drive(&self, letter: u8, logon: LogonId) -> Option<VNetRootId> {
        self.tree
            .find_connection(DriveLetter::new(letter.into()).unwrap(), logon)
    }
}

pub(crate) fn describe(effect: &Effect<Strings>) -> String {
    match effect {
        Effect::Wake { result: Ok(()), .. } => "wake".to_string(),
        Effect::Wake {
            result: Err(status), ..
        } => format!("fail {}", status.name().unwrap()),
        Effect::Cancel { .. } => "cancel".to_string(),
        Effect::CloseSrvOpen {
            forced: false,
            extension,
            ..
        } => format!("close {extension}"),
        Effect::CloseSrvOpen {
            forced: true,
            extension,
            ..
        } => format!("force closed {extension}"),
        Effect::DeallocateFobx { .. } => "handle".to_string(),
        Effect::DeallocateFcb { extension, .. }
        | Effect::FinalizeVNetRoot { extension, .. }
        | Effect::FinalizeNetRoot { extension, .. }
        | Effect::FinalizeSrvCall { extension, .. } => extension.clone(),
    }
}
