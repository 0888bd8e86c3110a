//! Applies operations to the tree and to the model, and compares.

use super::opens::{DELAY, DORMANT_MAX};
use super::oracle::{Expected, Model, Request, Server, Share, Upon, View};
use crate::{
    Condition, Config, Connect, ConnectRequest, ContextId, DelayedClose, DriveLetter, Effect, Effects,
    Extensions, Level, LogonId, MajorFunction, NOTIFY_CHANGE_DIRECTORY, Owner, PathName, SrvCallFlags, Tree,
};
use nt::{NameBuf, Status};
use std::collections::HashSet;
use std::format;
use std::string::String;
use std::vec::Vec;

/// Extensions are numbers of which the ledger knows.
#[derive(Debug)]
pub(super) enum Numbers {}

impl Extensions for Numbers {
    type SrvCall = (u8, u32);
    type NetRoot = (u8, u32);
    type VNetRoot = (u8, u32);
    type Fcb = (u8, u32);
    type SrvOpen = (u8, u32);
    type Fobx = (u8, u32);
    type Context = ();
}

#[derive(Clone, Debug)]
pub(super) enum Op {
    Connect {
        drive: u8,
        logon: u8,
        host: u8,
        share: u8,
        user: u8,
    },
    Advance(u8),
    Fail(u8),
    Finalize {
        view: u8,
        level: u8,
    },
    FinalizeAll {
        view: u8,
        level: u8,
    },
    Hold(u8),
    Release(u8),
    BeginOpen {
        view: u8,
        path: u8,
        access: u8,
        share: u8,
        collapse: bool,
        delete: bool,
        waits: bool,
    },
    Complete {
        opening: u8,
        ok: bool,
    },
    Cleanup {
        handle: u8,
        deleted: bool,
    },
    Close {
        handle: u8,
        delayed: bool,
    },
    BeginRequest {
        target: u8,
        kind: u8,
    },
    EndRequest(u8),
    CancelRequest(u8),
    CancelUpon {
        handle: u8,
        device: bool,
    },
    Tick(u8),
    Disable(u8),
    FinalizeOpen {
        handle: u8,
        force: bool,
    },
    FinalizeHandle {
        handle: u8,
        force: bool,
    },
    ByHand {
        view: u8,
        path: u8,
    },
    TouchServer {
        host: u8,
        good: bool,
    },
    SetDelete {
        handle: u8,
        delete: bool,
    },
    Rename {
        handle: u8,
        path: u8,
        replace: bool,
        ok: bool,
    },
}

pub(super) struct Machine {
    pub(super) tree: Tree<Numbers>,
    pub(super) effects: Effects<Numbers>,
    pub(super) model: Model,
    pub(super) now: u64,
    pub(super) steps: usize,
    /// Extensions inside the tree: what kind of object they are with, and their number.
    ledger: HashSet<(u8, u32)>,
    issued: u32,
}

pub(super) fn name(text: &str) -> NameBuf {
    NameBuf::try_from_str(text).unwrap()
}

pub(super) fn path_text(path: u8) -> String {
    format!("\\p{path}")
}

fn level(level: u8) -> Level {
    [Level::Refuse, Level::Force, Level::RefuseDropRef][usize::from(level)]
}

/// The index of one of `items` that `wanted` holds for, chosen by `choice`.
pub(super) fn choose<T>(items: &[T], choice: u8, wanted: impl Fn(usize, &T) -> bool) -> Option<usize> {
    let fits: Vec<usize> = items
        .iter()
        .enumerate()
        .filter(|(index, item)| wanted(*index, item))
        .map(|(index, _)| index)
        .collect();
    fits.get(usize::from(choice) % fits.len().max(1)).copied()
}

impl Machine {
    pub(super) fn new() -> Self {
        let config = Config {
            seed: 7,
            default_port: 564,
            srv_call_flags: SrvCallFlags::empty(),
            delayed_close: DelayedClose {
                per_srv_call: DORMANT_MAX as u32,
                nanoseconds: DELAY,
            },
        };
        Self {
            tree: Tree::new(config),
            effects: Effects::new(),
            model: Model::default(),
            now: 0,
            steps: 0,
            ledger: HashSet::new(),
            issued: 0,
        }
    }

    pub(super) fn step(&mut self, op: &Op) {
        match *op {
            Op::Connect {
                drive,
                logon,
                host,
                share,
                user,
            } => {
                let drive = (drive < 2).then_some(drive);
                self.connect(drive, logon, host, share, (user < 2).then_some(user));
            }
            Op::Advance(choice) => self.advance(choice),
            Op::Fail(choice) => self.fail(choice),
            Op::Finalize { view, level } => self.finalize(view, level),
            Op::FinalizeAll { view, level } => self.finalize_all(view, level),
            Op::Hold(choice) => self.hold(choice),
            Op::Release(choice) => self.release(choice),
            Op::BeginOpen { .. } => self.begin_open(op),
            Op::Complete { opening, ok } => self.complete(opening, ok),
            Op::Cleanup { handle, deleted } => self.cleanup(handle, deleted),
            Op::Close { handle, delayed } => self.close(handle, delayed),
            Op::Tick(by) => self.tick(by),
            Op::Disable(choice) => self.disable(choice),
            Op::FinalizeOpen { handle, force } => self.finalize_open(handle, force),
            Op::FinalizeHandle { handle, force } => self.finalize_handle(handle, force),
            Op::ByHand { view, path } => self.by_hand(view, path),
            Op::TouchServer { host, good } => self.touch_server(host, good),
            Op::CancelUpon { handle, device } => self.cancel_upon(handle, device),
            Op::BeginRequest { target, kind } => self.begin_request(target, kind),
            Op::EndRequest(choice) => self.end_request(choice),
            Op::CancelRequest(choice) => self.cancel_request(choice),
            Op::SetDelete { handle, delete } => self.set_delete(handle, delete),
            Op::Rename {
                handle,
                path,
                replace,
                ok,
            } => self.rename(handle, path, replace, ok),
        }
        self.steps += 1;
        self.check();
    }

    /// A new extension for an object of the kind.
    pub(super) fn issue(&mut self, kind: u8) -> (u8, u32) {
        self.issued += 1;
        self.ledger.insert((kind, self.issued));
        (kind, self.issued)
    }

    fn check(&mut self) {
        self.model.settle();
        for effect in core::mem::take(&mut self.effects) {
            let (kind, extension) = match effect {
                Effect::Wake { context, .. } => {
                    let request = self.request(context);
                    assert!(
                        core::mem::replace(&mut request.waiting, false),
                        "woken without waiting"
                    );
                    continue;
                }
                Effect::Cancel { context, .. } => {
                    let request = self.request(context);
                    assert!(
                        !core::mem::replace(&mut request.cancelled, true),
                        "cancelled twice"
                    );
                    request.waiting = false;
                    continue;
                }
                Effect::FinalizeSrvCall { extension, .. } => (0, extension),
                Effect::FinalizeNetRoot { extension, .. } => (1, extension),
                Effect::FinalizeVNetRoot { extension, .. } => (2, extension),
                Effect::DeallocateFcb { extension, .. } => (3, extension),
                Effect::CloseSrvOpen { extension, .. } => (4, extension),
                Effect::DeallocateFobx { extension, .. } => (5, extension),
            };
            assert_eq!(kind, extension.0, "an extension left by another kind's effect");
            assert!(self.ledger.remove(&extension), "an extension left twice");
        }
        self.tree.validate().unwrap();
        self.compare();
        self.compare_lives();
    }

    pub(super) fn request(&mut self, id: ContextId) -> &mut Request {
        self.model
            .requests
            .iter_mut()
            .find(|request| request.id == id)
            .unwrap()
    }

    /// Conditions only ever go on, and ids of what is gone are refused.
    fn compare_lives(&mut self) {
        for view in &mut self.model.views {
            assert_eq!(self.tree.v_net_root(view.id).is_err(), view.gone);
            if let Ok(object) = self.tree.v_net_root(view.id) {
                assert!(object.condition() >= view.condition, "a condition went back");
                view.condition = object.condition();
            }
        }
        for handle in &self.model.handles {
            assert_eq!(self.tree.fobx(handle.id).is_err(), handle.gone);
        }
        for open in 0..self.model.opens.len() {
            let found = self.tree.srv_open(self.model.opens[open].id);
            assert_eq!(found.is_ok(), self.model.is_alive(open));
        }
        for request in &self.model.requests {
            assert_eq!(self.tree.context(request.id).is_err(), request.ended);
        }
    }

    fn compare(&self) {
        let model = &self.model;
        let statistics = self.tree.statistics();
        assert_eq!(
            statistics.v_net_roots,
            model.views.iter().filter(|view| !view.gone).count()
        );
        assert_eq!(
            statistics.fobxs,
            model.handles.iter().filter(|handle| !handle.gone).count()
        );
        assert_eq!(
            statistics.contexts,
            model.requests.iter().filter(|request| !request.ended).count()
        );
        let alive = (0..model.opens.len()).filter(|&open| model.is_alive(open));
        assert_eq!(statistics.srv_opens, alive.count());
        let due = || model.opens.iter().filter_map(|open| open.due);
        assert_eq!(statistics.dormant, due().count());
        assert_eq!(self.tree.next_scavenge(), due().min());
        let open = model.handles.iter().any(|handle| !handle.closed && !handle.gone);
        assert_eq!(self.tree.has_open_files(), open);
        let shown: HashSet<_> = self
            .tree
            .connections(0, None)
            .map(|shown| (shown.v_net_root, shown.explicit))
            .collect();
        let expected: HashSet<_> = model
            .views
            .iter()
            .filter(|view| view.attached && view.good)
            .map(|view| (view.id, view.reference))
            .collect();
        assert_eq!(shown, expected);
        for (drive, logon) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
            let letter = DriveLetter::new(u16::from(b'X' + drive)).unwrap();
            let found = self.tree.find_connection(letter, LogonId(u64::from(logon) + 1));
            let expected = model
                .views
                .iter()
                .find(|view| view.attached && view.good && view.drive == Some(drive) && view.logon == logon);
            assert_eq!(found, expected.map(|view| view.id));
        }
        for request in &model.requests {
            assert!(
                request.ended || request.cancelled == request.to_cancel,
                "{request:?}"
            );
        }
    }

    pub(super) fn new_request(
        &mut self,
        upon: Upon,
        major: MajorFunction,
        minor: u8,
    ) -> nt::Result<ContextId> {
        let owner = match upon {
            Upon::Device => Owner::Device,
            Upon::View(view) => Owner::VNetRoot(self.model.views[view].id),
            Upon::Handle(handle) => Owner::Fobx(self.model.handles[handle].id),
        };
        let request = crate::Request {
            owner,
            major,
            minor,
            cancellable: true,
            extension: (),
        };
        let id = self.tree.begin_request(request)?;
        self.model.requests.push(Request {
            id,
            upon,
            notify: major == MajorFunction::DIRECTORY_CONTROL,
            cancelled: false,
            to_cancel: false,
            waiting: false,
            ended: false,
        });
        Ok(id)
    }

    fn connect(&mut self, drive: Option<u8>, logon: u8, host: u8, share: u8, user: Option<u8>) {
        let context = self.new_request(Upon::Device, MajorFunction::CREATE, 0).unwrap();
        let front = drive.map_or(String::new(), |drive| format!("\\;{}:", char::from(b'X' + drive)));
        let text = name(&format!("{front}\\host{host}\\share{share}"));
        let user_name = user.map(|user| name(&format!("user{user}")));
        let result = self.tree.connect(&ConnectRequest {
            name: PathName::parse(text.as_name()).unwrap(),
            logon: LogonId(u64::from(logon) + 1),
            user: user_name.as_ref().map(NameBuf::as_name),
            context,
        });
        match (result, self.model.connect(drive, logon, host, share, user)) {
            (Ok(Connect::Create(creation)), Expected::Create { server, share: known }) => {
                assert_eq!(
                    (creation.new_srv_call, creation.new_net_root),
                    (server.is_none(), known.is_none())
                );
                let model = &mut self.model;
                let server = server.unwrap_or_else(|| {
                    model.servers.push(Server {
                        host,
                        good: false,
                        attached: true,
                    });
                    model.servers.len() - 1
                });
                let root = known.unwrap_or_else(|| {
                    model.shares.push(Share {
                        server,
                        share,
                        good: false,
                        attached: true,
                    });
                    model.shares.len() - 1
                });
                let same = |view: &&View| view.attached && view.share == root && view.logon == logon;
                let known_user = model.views.iter().filter(same).find_map(|view| view.user);
                model.views.push(View {
                    id: creation.v_net_root,
                    share: root,
                    drive,
                    logon,
                    user: user.or(known_user),
                    good: false,
                    attached: true,
                    reference: false,
                    held: 1,
                    making: true,
                    gone: false,
                    condition: Condition::InTransition,
                });
                self.end(self.model.requests.len() - 1);
            }
            (Ok(Connect::Found(id)), Expected::Found(view)) => {
                assert_eq!(id, self.model.views[view].id);
                self.model.views[view].held += 1;
                self.end(self.model.requests.len() - 1);
            }
            (Ok(Connect::Wait), Expected::Wait) => self.request(context).waiting = true,
            (Err(status), Expected::Refused(expected)) => {
                assert_eq!(status, expected);
                self.end(self.model.requests.len() - 1);
            }
            (result, expected) => panic!("{result:?}, expected {expected:?}"),
        }
    }

    /// The next step of making a connection.
    fn advance(&mut self, choice: u8) {
        let Some(view) = choose(&self.model.views, choice, |_, view| view.making) else {
            return;
        };
        let share = self.model.views[view].share;
        let server = self.model.shares[share].server;
        let id = self.model.views[view].id;
        let attached = self.model.views[view].attached;
        let root_id = self.tree.v_net_root(id).unwrap().net_root();
        let server_id = self.tree.net_root(root_id).unwrap().srv_call();
        let result = if !self.model.servers[server].good {
            let extension = self.issue(0);
            self.model.servers[server].good = self.model.servers[server].attached;
            self.tree.srv_call_good(server_id, extension, &mut self.effects)
        } else if !self.model.shares[share].good {
            let extension = self.issue(1);
            self.model.shares[share].good = self.model.shares[share].attached;
            self.tree.net_root_good(root_id, extension, &mut self.effects)
        } else {
            let extension = self.issue(2);
            let result = self.tree.v_net_root_good(id, extension, &mut self.effects);
            if attached {
                self.model.views[view].good = true;
                self.model.views[view].making = false;
                self.model.views[view].reference = true;
                assert_eq!(self.tree.take_connection_reference(id), Ok(true));
                assert_eq!(self.tree.take_connection_reference(id), Ok(false));
            }
            result
        };
        assert_eq!(result, if attached { Ok(()) } else { Err(Status::CANCELLED) });
        if result.is_err() {
            self.fail_view(view);
        }
    }

    fn fail(&mut self, choice: u8) {
        if let Some(view) = choose(&self.model.views, choice, |_, view| view.making) {
            self.fail_view(view);
        }
    }

    fn fail_view(&mut self, view: usize) {
        let object = &mut self.model.views[view];
        object.making = false;
        object.held -= 1;
        object.attached = false;
        self.tree
            .connect_failed(object.id, Status::BAD_NETWORK_PATH, &mut self.effects)
            .unwrap();
    }

    fn finalize(&mut self, choice: u8, raw: u8) {
        let Some(view) = choose(&self.model.views, choice, |_, view| !view.gone) else {
            return;
        };
        let id = self.model.views[view].id;
        let net_root = self.tree.v_net_root(id).unwrap().net_root();
        self.model.scavenge(|open| open.view == view);
        let expected = self.model.finalize(view, level(raw) == Level::Force);
        let result = self
            .tree
            .finalize_connection(net_root, Some(id), level(raw), None, &mut self.effects);
        assert_eq!(Status::from(result), expected);
        self.finalized(view, level(raw), expected);
    }

    fn finalized(&mut self, view: usize, level: Level, result: Status) {
        if result == Status::SUCCESS {
            self.model.cancel(|model, upon| model.is_below(upon, view));
        }
        let object = &mut self.model.views[view];
        object.attached &= level != Level::Force;
        object.reference &= level == Level::Refuse && result != Status::SUCCESS;
    }

    fn finalize_all(&mut self, choice: u8, raw: u8) {
        let Some(first) = choose(&self.model.views, choice, |_, view| view.attached) else {
            return;
        };
        let share = self.model.views[first].share;
        let net_root = self
            .tree
            .v_net_root(self.model.views[first].id)
            .unwrap()
            .net_root();
        let result = self
            .tree
            .finalize_connection(net_root, None, level(raw), None, &mut self.effects);
        let mut expected = Status::SUCCESS;
        for view in 0..self.model.views.len() {
            if self.model.views[view].share != share || !self.model.views[view].attached {
                continue;
            }
            self.model.scavenge(|open| open.view == view);
            expected = self.model.finalize(view, level(raw) == Level::Force);
            self.finalized(view, level(raw), expected);
            if expected != Status::SUCCESS {
                break;
            }
        }
        assert_eq!(Status::from(result), expected);
    }

    fn hold(&mut self, choice: u8) {
        let Some(view) = choose(&self.model.views, choice, |_, view| !view.gone) else {
            return;
        };
        self.tree.reference_v_net_root(self.model.views[view].id).unwrap();
        self.model.views[view].held += 1;
    }

    fn release(&mut self, choice: u8) {
        let held = |_, view: &View| view.held > u32::from(view.making);
        let Some(view) = choose(&self.model.views, choice, held) else {
            return;
        };
        self.model.views[view].held -= 1;
        self.tree
            .dereference_v_net_root(self.model.views[view].id, &mut self.effects)
            .unwrap();
    }

    fn begin_request(&mut self, choice: u8, kind: u8) {
        let upon = match kind {
            0 => Some(Upon::Device),
            1 => choose(&self.model.views, choice, |_, view| !view.gone).map(Upon::View),
            _ => choose(&self.model.handles, choice, |_, handle| !handle.gone).map(Upon::Handle),
        };
        let Some(upon) = upon else { return };
        let expected = match upon {
            Upon::Device => Ok(()),
            Upon::View(view) if self.model.views[view].attached => Ok(()),
            Upon::Handle(handle) if !self.model.orphaned(handle) => {
                if self.model.handles[handle].cleaned {
                    Err(Status::FILE_CLOSED)
                } else {
                    Ok(())
                }
            }
            Upon::View(_) | Upon::Handle(_) => Err(Status::UNEXPECTED_NETWORK_ERROR),
        };
        let (major, minor) = match kind {
            3 => (MajorFunction::DIRECTORY_CONTROL, NOTIFY_CHANGE_DIRECTORY),
            _ => (MajorFunction::READ, 0),
        };
        assert_eq!(self.new_request(upon, major, minor).err(), expected.err());
    }

    fn end_request(&mut self, choice: u8) {
        if let Some(request) = choose(&self.model.requests, choice, |_, request| !request.ended) {
            self.end(request);
        }
    }

    pub(super) fn end(&mut self, request: usize) {
        let request = &mut self.model.requests[request];
        request.ended = true;
        request.waiting = false;
        self.tree.end_request(request.id, &mut self.effects).unwrap();
    }

    fn cancel_request(&mut self, choice: u8) {
        let Some(request) = choose(&self.model.requests, choice, |_, request| !request.ended) else {
            return;
        };
        let request = &mut self.model.requests[request];
        request.to_cancel = true;
        let id = request.id;
        self.tree.cancel_request(id, &mut self.effects).unwrap();
        assert!(self.tree.context(id).unwrap().is_cancelled());
    }

    /// Ends everything in the order in which a driver would, and finds nothing left.
    pub(super) fn tear_down(&mut self) {
        while self.model.views.iter().any(|view| view.making) {
            self.step(&Op::Advance(0));
        }
        while self
            .model
            .handles
            .iter()
            .any(|handle| handle.opening && !handle.gone)
        {
            self.step(&Op::Complete { opening: 0, ok: true });
        }
        assert!(
            !self.model.requests.iter().any(|request| request.waiting),
            "someone waits for nothing"
        );
        for handle in 0..self.model.handles.len() {
            if !self.model.handles[handle].closed {
                self.step(&Op::Close {
                    handle: 0,
                    delayed: true,
                });
            }
        }
        while self.model.requests.iter().any(|request| !request.ended) {
            self.step(&Op::EndRequest(0));
        }
        while self.model.views.iter().any(|view| view.held > 0) {
            self.step(&Op::Release(0));
        }
        while self.model.views.iter().any(|view| !view.gone) {
            self.step(&Op::Finalize { view: 0, level: 0 });
        }
        assert!(self.tree.is_empty(), "{:?}", self.tree.statistics());
        assert!(
            self.ledger.is_empty(),
            "extensions that never left: {:?}",
            self.ledger
        );
    }
}
