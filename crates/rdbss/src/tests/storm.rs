//! Everything at once: random calls with ids of any age, steps that are begun and ended in any order, no model. After each
//! call the invariants hold; in the end everything can be taken apart, and nothing is left. What the model leaves out is in
//! here: shares within shares, renames and deletions under way while others come and go, POSIX deletion, files that a request
//! has to itself, owners that change.
//!
//! More of them: `RDBSS_STORMS=20000 cargo test -p rdbss --release storm`.

use crate::{
    BeginOpen, Config, Connect, ConnectRequest, ContextId, Creation, DelayedClose, Effect, Effects,
    Extensions, FcbId, FcbKind, FobxId, Level, LogonId, MajorFunction, NOTIFY_CHANGE_DIRECTORY, OpenRequest,
    Opened, Opening, Owner, PathName, Replace, Request, SrvCallFlags, SrvOpenId, Tree, VNetRootId,
};
use nt::{AccessMask, CreateOptions, ShareAccess, Status};
use proptest::prelude::*;
use std::rc::Rc;
use std::vec::Vec;

use super::world::name;

#[derive(Debug)]
enum Counted {}

/// What the mini-redirector keeps with an object: one of so many that there are.
type Token = Rc<()>;

impl Extensions for Counted {
    type SrvCall = Token;
    type NetRoot = Token;
    type VNetRoot = Token;
    type Fcb = Token;
    type SrvOpen = Token;
    type Fobx = Token;
    type Context = Token;
}

const NAMES: [&str; 6] = [
    r"\;X:\s\a",
    r"\;Y:\s\a\b",
    r"\;Z:\s\a\b\c",
    r"\s\a",
    r"\s\a\b",
    r"\t\d",
];
const PATHS: [&str; 7] = ["", r"\f", r"\d", r"\d\f", r"\d\e", r"\d\e\f", r"\g"];

struct Storm {
    tree: Tree<Counted>,
    effects: Effects<Counted>,
    token: Token,
    contexts: Vec<ContextId>,
    making: Vec<Creation>,
    views: Vec<VNetRootId>,
    openings: Vec<Opening>,
    handles: Vec<FobxId>,
    /// Files, every one that was ever met.
    files: Vec<FcbId>,
    deletions: Vec<FcbId>,
    renames: Vec<FcbId>,
    /// References that were taken: one entry for each.
    held_views: Vec<VNetRootId>,
    held_files: Vec<FcbId>,
    held_opens: Vec<SrvOpenId>,
    woken: Vec<ContextId>,
    waiting: Vec<ContextId>,
}

/// One of `things`, whichever `choice` says.
fn pick<T: Copy>(things: &[T], choice: u8) -> Option<T> {
    things.get(usize::from(choice) % things.len().max(1)).copied()
}

/// As [`pick`], and takes it out.
fn take<T>(things: &mut Vec<T>, choice: u8) -> Option<T> {
    let at = usize::from(choice) % things.len().max(1);
    (at < things.len()).then(|| things.swap_remove(at))
}

impl Storm {
    fn new() -> Self {
        let config = Config {
            seed: 1,
            default_port: 564,
            srv_call_flags: SrvCallFlags::empty(),
            delayed_close: DelayedClose {
                per_srv_call: 2,
                nanoseconds: 10,
            },
        };
        Self {
            tree: Tree::new(config),
            effects: Effects::new(),
            token: Rc::new(()),
            contexts: Vec::new(),
            making: Vec::new(),
            views: Vec::new(),
            openings: Vec::new(),
            handles: Vec::new(),
            files: Vec::new(),
            deletions: Vec::new(),
            renames: Vec::new(),
            held_views: Vec::new(),
            held_files: Vec::new(),
            held_opens: Vec::new(),
            woken: Vec::new(),
            waiting: Vec::new(),
        }
    }

    fn token(&self) -> Token {
        self.token.clone()
    }

    fn begin(&mut self, owner: Owner, kind: u8) -> Option<ContextId> {
        let (major, minor) = match kind % 4 {
            0 => (MajorFunction::READ, 0),
            1 => (MajorFunction::DIRECTORY_CONTROL, NOTIFY_CHANGE_DIRECTORY),
            2 => (MajorFunction::CLEANUP, 0),
            _ => (MajorFunction::CREATE, 0),
        };
        let request = Request {
            owner,
            major,
            minor,
            cancellable: kind % 8 < 6,
            extension: self.token(),
        };
        let id = self.tree.begin_request(request).ok()?;
        self.contexts.push(id);
        Some(id)
    }

    fn owner(&self, a: u8, b: u8) -> Owner {
        match (b % 3, pick(&self.views, a), pick(&self.handles, a)) {
            (0, Some(view), _) => Owner::VNetRoot(view),
            (1, _, Some(handle)) => Owner::Fobx(handle),
            _ => Owner::Device,
        }
    }

    /// A request for something that may have to wait.
    fn waiter(&mut self) -> ContextId {
        self.begin(Owner::Device, 3).unwrap()
    }

    fn connect(&mut self, a: u8, b: u8) {
        let context = self.waiter();
        let (text, user) = (name(pick(&NAMES, a).unwrap()), name("bob"));
        let request = ConnectRequest {
            name: PathName::parse(text.as_name()).unwrap(),
            logon: LogonId(u64::from(b % 2) + 1),
            user: (b % 8 == 2).then(|| user.as_name()),
            context,
        };
        match self.tree.connect(&request) {
            Ok(Connect::Create(creation)) => self.making.push(creation),
            Ok(Connect::Found(view)) => self.held_views.push(view),
            Ok(Connect::Wait) => self.waiting.push(context),
            Err(status) => assert!(
                [Status::CONNECTION_ACTIVE, Status::NETWORK_CREDENTIAL_CONFLICT].contains(&status),
                "{status}"
            ),
        }
    }

    /// Whatever is due of a connection in the making.
    fn advance(&mut self, a: u8, b: u8) {
        let Some(made) = take(&mut self.making, a) else {
            return;
        };
        let token = self.token();
        let _known = self
            .tree
            .srv_call_good(made.srv_call, token.clone(), &mut self.effects);
        if b.is_multiple_of(4) {
            let context = self.waiter();
            let units = 2 * (usize::from(b / 4) % 3 + 1);
            let shortened = self
                .tree
                .shorten_share(made.v_net_root, units, context, &mut self.effects);
            if shortened == Ok(crate::Shorten::Wait) {
                self.waiting.push(context);
                self.making.push(made);
                return;
            }
        }
        // Perhaps another by now.
        let net_root = self
            .tree
            .v_net_root(made.v_net_root)
            .map(crate::VNetRoot::net_root);
        if let Ok(net_root) = net_root {
            let _known = self
                .tree
                .net_root_good(net_root, token.clone(), &mut self.effects);
        }
        let good = self
            .tree
            .v_net_root_good(made.v_net_root, token, &mut self.effects);
        if good.is_err() {
            return self.fail(made);
        }
        self.views.push(made.v_net_root);
        self.held_views.push(made.v_net_root);
        if !b.is_multiple_of(3) {
            let _taken = self.tree.take_connection_reference(made.v_net_root);
        }
    }

    fn fail(&mut self, made: Creation) {
        let status = Status::BAD_NETWORK_PATH;
        let _ = self
            .tree
            .connect_failed(made.v_net_root, status, &mut self.effects);
    }

    fn open(&mut self, a: u8, b: u8, c: u8) {
        let Some(v_net_root) = pick(&self.views, a) else {
            return;
        };
        let context = self.waiter();
        let path = name(pick(&PATHS, b).unwrap());
        let access = AccessMask::READ_DATA | AccessMask::DELETE;
        let begun = self.tree.begin_open(
            &OpenRequest {
                v_net_root,
                path: path.as_name(),
                desired_access: if c & 1 == 0 { access } else { AccessMask::READ_DATA },
                share_access: if c & 6 == 0 {
                    ShareAccess::READ
                } else {
                    ShareAccess::all()
                },
                options: if c & 24 == 0 {
                    CreateOptions::DELETE_ON_CLOSE
                } else {
                    CreateOptions::empty()
                },
                unc_name: false,
                collapse: (c & 32 == 0).then_some(AccessMask::READ_DATA),
                context: Some(context),
            },
            &mut self.effects,
        );
        match begun {
            Ok(BeginOpen::Begun(opening)) => {
                self.files.push(opening.fcb);
                self.openings.push(opening);
            }
            Ok(BeginOpen::Wait) => self.waiting.push(context),
            Err(_) => {}
        }
    }

    fn complete(&mut self, opening: Opening, ok: bool, directory: bool) {
        let result = if ok {
            Ok(Opened {
                srv_open: (!opening.collapsed).then(|| self.token()),
                fobx: self.token(),
                fcb: Some(self.token()),
                kind: if directory {
                    FcbKind::Directory
                } else {
                    FcbKind::File
                },
                collapsible: !directory,
                delays_close: !directory,
            })
        } else {
            Err(Status::ACCESS_DENIED)
        };
        if self
            .tree
            .complete_open(opening.fobx, result, &mut self.effects)
            .is_ok()
        {
            self.handles.push(opening.fobx);
        }
    }

    fn cleanup(&mut self, handle: FobxId) {
        if let Ok(done) = self.tree.cleanup(handle, &mut self.effects)
            && done.delete
        {
            self.deletions.push(done.fcb);
        }
    }

    fn close(&mut self, handle: FobxId, b: u8) {
        let _ = match b % 2 {
            0 => self.tree.close(handle, &mut self.effects),
            _ => self.tree.close_delayed(handle, u64::from(b), &mut self.effects),
        };
    }

    fn finalize(&mut self, a: u8, b: u8) {
        let Some(view) = pick(&self.views, a) else { return };
        let Ok(net_root) = self.tree.v_net_root(view).map(crate::VNetRoot::net_root) else {
            return;
        };
        let level = [Level::Refuse, Level::RefuseDropRef, Level::Force][usize::from(b) % 3];
        let view = (!b.is_multiple_of(7)).then_some(view);
        let _ = self
            .tree
            .finalize_connection(net_root, view, level, None, &mut self.effects);
    }

    fn on_file(&mut self, a: u8, b: u8, c: u8) {
        let Some(handle) = pick(&self.handles, a) else {
            return;
        };
        let effects = &mut self.effects;
        let _ = match c % 6 {
            0 => self
                .tree
                .set_delete_pending(handle, !b.is_multiple_of(4), effects),
            1 => self.tree.set_posix_delete(handle, true),
            2 => self.tree.set_delete_on_close(handle, b.is_multiple_of(2)),
            3 => {
                let replace = [Replace::Never, Replace::Closed, Replace::Open][usize::from(b) % 3];
                let path = name(pick(&PATHS, b / 3).unwrap());
                self.tree
                    .begin_rename(handle, path.as_name(), replace, effects)
                    .map(|file| self.renames.push(file))
            }
            4 => self
                .tree
                .finalize_fobx(handle, b.is_multiple_of(2), effects)
                .map(drop),
            _ => {
                let open = self.tree.fobx(handle).map(crate::Fobx::srv_open);
                open.and_then(|open| self.tree.finalize_srv_open(open, b.is_multiple_of(4), effects))
                    .map(drop)
            }
        };
    }

    fn by_hand(&mut self, a: u8, b: u8, c: u8) {
        let Some(view) = pick(&self.views, a) else { return };
        match c % 3 {
            0 => {
                let path = name(pick(&PATHS, b).unwrap());
                if let Ok(file) = self.tree.create_fcb(view, path.as_name()) {
                    self.held_files.push(file);
                    self.files.push(file);
                }
            }
            1 => {
                let token = self.token();
                if let Some(file) = pick(&self.files, b)
                    && let Ok(open) = self.tree.create_srv_open(view, file, token)
                {
                    self.held_opens.push(open);
                }
            }
            _ => {
                let token = self.token();
                if let Some(open) = pick(&self.held_opens, b)
                    && let Ok(handle) = self.tree.create_fobx(open, token)
                {
                    self.handles.push(handle);
                }
            }
        }
    }

    fn request(&mut self, a: u8, b: u8, c: u8) {
        match c % 6 {
            0 | 1 => {
                let owner = self.owner(a, b);
                self.begin(owner, b);
            }
            2 => {
                if let Some(context) = pick(&self.contexts, a) {
                    let _ = self.tree.cancel_request(context, &mut self.effects);
                }
            }
            3 => {
                if let Some(context) = take(&mut self.contexts, a) {
                    let _ = self.tree.end_request(context, &mut self.effects);
                }
            }
            4 => {
                let owner = self.owner(b, c / 6);
                if let Some(context) = pick(&self.contexts, a) {
                    let _ = self.tree.set_request_owner(context, owner, &mut self.effects);
                }
            }
            _ => {
                if let (Some(context), Some(file)) = (pick(&self.contexts, a), pick(&self.files, b)) {
                    let _ = match c / 6 % 2 {
                        0 => self.tree.lock_fcb(file, context),
                        _ => self.tree.unlock_fcb(file, context, &mut self.effects),
                    };
                }
            }
        }
    }

    fn step(&mut self, (op, a, b, c): (u8, u8, u8, u8)) {
        match op % 16 {
            0 => self.connect(a, b),
            1 | 2 => self.advance(a, b),
            3 if c.is_multiple_of(4) => {
                if let Some(made) = take(&mut self.making, a) {
                    self.fail(made);
                }
            }
            3..=5 => self.open(a, b, c),
            6 | 7 => {
                if let Some(opening) = take(&mut self.openings, a) {
                    self.complete(opening, !b.is_multiple_of(4), c.is_multiple_of(3));
                }
            }
            8 => {
                if let Some(handle) = pick(&self.handles, a) {
                    self.cleanup(handle);
                }
            }
            9 => {
                if let Some(handle) = pick(&self.handles, a) {
                    self.close(handle, b);
                }
            }
            10 if c.is_multiple_of(3) => self.finalize(a, b),
            10 => {
                if let Some(view) = take(&mut self.held_views, a) {
                    let _ = self.tree.dereference_v_net_root(view, &mut self.effects);
                }
            }
            11 => self.on_file(a, b, c),
            12 => {
                if let Some(file) = take(&mut self.deletions, a) {
                    let _ = self.tree.complete_delete(file, b.is_multiple_of(2));
                }
                if let Some(file) = take(&mut self.renames, a) {
                    let _ = self
                        .tree
                        .complete_rename(file, b.is_multiple_of(2), &mut self.effects);
                }
            }
            13 => self.by_hand(a, b, c),
            14 => self.request(a, b, c),
            _ => self.tree.scavenge(u64::from(a), &mut self.effects),
        }
        self.settle();
    }

    fn settle(&mut self) {
        self.tree.validate().unwrap();
        for effect in core::mem::take(&mut self.effects) {
            if let Effect::Wake { context, .. } | Effect::Cancel { context, .. } = effect {
                self.woken.push(context);
            }
        }
    }

    /// Ends everything, in an order that `choice` decides.
    fn take_apart(mut self, choice: u8) {
        while let Some(made) = take(&mut self.making, choice) {
            self.fail(made);
        }
        while let Some(opening) = take(&mut self.openings, choice) {
            self.complete(opening, false, false);
        }
        while let Some(file) = take(&mut self.renames, choice) {
            let _ = self.tree.complete_rename(file, true, &mut self.effects);
        }
        while let Some(handle) = take(&mut self.handles, choice) {
            self.cleanup(handle);
            self.close(handle, choice);
        }
        while let Some(file) = take(&mut self.deletions, choice) {
            let _ = self.tree.complete_delete(file, true);
        }
        for context in core::mem::take(&mut self.contexts) {
            for &file in &self.files {
                let _ = self.tree.unlock_fcb(file, context, &mut self.effects);
            }
            self.contexts.push(context);
        }
        self.settle();
        // Nothing is under way any more: whoever waited has been told to look again.
        while let Some(context) = take(&mut self.waiting, choice) {
            let ended = self.tree.context(context).is_err();
            assert!(
                ended || self.woken.contains(&context),
                "somebody waits for what will not come"
            );
        }
        while let Some(context) = take(&mut self.contexts, choice) {
            let _ = self.tree.end_request(context, &mut self.effects);
        }
        while let Some(file) = self.held_files.pop() {
            let _ = self.tree.dereference_fcb(file, &mut self.effects);
        }
        while let Some(open) = self.held_opens.pop() {
            let _ = self.tree.dereference_srv_open(open, &mut self.effects);
        }
        while let Some(view) = self.held_views.pop() {
            let _ = self.tree.dereference_v_net_root(view, &mut self.effects);
        }
        while let Some(view) = self.views.pop() {
            let _ = self.tree.finalize_v_net_root(view, true, None, &mut self.effects);
        }
        self.settle();
        assert!(self.tree.is_empty(), "{:?}", self.tree.statistics());
        drop(self.effects);
        assert_eq!(Rc::strong_count(&self.token), 1, "an extension was lost");
    }
}

/// A few by default: the checks after each step look at everything.
fn cases() -> u32 {
    let asked = std::env::var("RDBSS_STORMS").ok();
    asked.and_then(|asked| asked.parse().ok()).unwrap_or(100)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(cases()))]

    #[test]
    fn whatever_is_called_the_tree_holds_together(
        steps in prop::collection::vec(any::<(u8, u8, u8, u8)>(), 1..300),
        choice in any::<u8>(),
    ) {
        let mut storm = Storm::new();
        for step in steps {
            storm.step(step);
        }
        storm.take_apart(choice);
    }
}
