//! What the opaque pointers stand for.

use crate::numbered::Numbered;
use executive::irql::Irql;
use executive::mem::Arc;
use executive::sync::{Mutex, Rank, SpinLock};
use hashbrown::HashMap;
use nt::{NameBuf, Status};
use rdbss::{
    Config, ContextId, DelayedClose, Effects, Extensions, FobxId, NetRootId, SrvCallFlags, SrvCallId, Tree,
    VNetRootId,
};

/// A mini-redirector that keeps nothing with the objects: who calls these routines keeps its own.
pub(crate) enum Opaque {}

impl Extensions for Opaque {
    type SrvCall = ();
    type NetRoot = ();
    type VNetRoot = ();
    type Fcb = ();
    type SrvOpen = ();
    type Fobx = ();
    type Context = ();
}

/// The first number that is given out, and the distance between two: as pointers to something would be.
const FIRST: usize = 0x1_0000;
const STEP: usize = 0x10;

static DOOR: SpinLock<Option<Arc<Mutex<Door>>>> = SpinLock::new(None);

/// The tree, and what its callers know its objects by.
pub(crate) struct Door {
    pub(crate) tree: Tree<Opaque>,
    handles: HashMap<usize, Handle, Numbered>,
    /// The numbers of V_NET_ROOTs by their ids.
    views: HashMap<u64, usize, Numbered>,
    next: usize,
}

/// What a number stands for.
pub(crate) enum Handle {
    SrvCall(SrvCallHandle),
    NetRoot(NetRootHandle),
    VNetRoot {
        id: VNetRootId,
        net_root: usize,
    },
    #[cfg_attr(
        not(feature = "host"),
        expect(dead_code, reason = "only the host opens files by this door")
    )]
    Fobx {
        id: FobxId,
        v_net_root: usize,
    },
    Context(ContextId),
}

/// A SRV_CALL. It comes into the tree with its first V_NET_ROOT.
pub(crate) struct SrvCallHandle {
    /// `\server`.
    pub(crate) name: NameBuf,
    /// Until it is in the tree: what its callers hold, and one for each NET_ROOT.
    pub(crate) references: u32,
    pub(crate) id: Option<SrvCallId>,
}

/// A NET_ROOT. It comes into the tree with its first V_NET_ROOT.
pub(crate) struct NetRootHandle {
    /// `\server\share`.
    pub(crate) name: NameBuf,
    pub(crate) srv_call: usize,
    /// Until it is in the tree: what its callers hold.
    pub(crate) references: u32,
    pub(crate) id: Option<NetRootId>,
}

/// Sets up the tree of the process. `seed` is a number that callers cannot guess. IRQL <= APC_LEVEL.
///
/// # Errors
/// `REDIRECTOR_STARTED` when there is one; `INSUFFICIENT_RESOURCES`.
pub fn start(seed: u64, default_port: u16) -> nt::Result {
    let config = Config {
        seed,
        default_port,
        srv_call_flags: SrvCallFlags::empty(),
        delayed_close: DelayedClose::OFF,
    };
    let door = Door {
        tree: Tree::new(config),
        handles: HashMap::with_hasher(Numbered),
        views: HashMap::with_hasher(Numbered),
        next: FIRST,
    };
    let door = Arc::try_new(Mutex::try_new(door, Rank(30))?)?;
    let mut place = DOOR.lock();
    if place.is_some() {
        drop(place);
        return Err(Status::REDIRECTOR_STARTED);
    }
    *place = Some(door);
    Ok(())
}

/// Takes the tree down. IRQL <= APC_LEVEL.
///
/// # Errors
/// `REDIRECTOR_NOT_STARTED` when there is none; `REDIRECTOR_HAS_OPEN_HANDLES` while anything is in it, or referenced.
pub fn stop() -> nt::Result {
    let empty = with(|door| Ok(door.tree.is_empty() && door.handles.is_empty()));
    match empty {
        Ok(true) => {}
        Ok(false) => return Err(Status::REDIRECTOR_HAS_OPEN_HANDLES),
        Err(_) => return Err(Status::REDIRECTOR_NOT_STARTED),
    }
    let door = DOOR.lock().take();
    drop(door);
    Ok(())
}

/// Runs `body` on the tree, with the lock held.
///
/// # Errors
/// `INVALID_PARAMETER` when there is no tree, or above APC_LEVEL; what `body` reports.
pub(crate) fn with<R>(body: impl FnOnce(&mut Door) -> nt::Result<R>) -> nt::Result<R> {
    if Irql::current() > Irql::APC {
        return Err(Status::INVALID_PARAMETER);
    }
    let door = DOOR.lock().clone().ok_or(Status::INVALID_PARAMETER)?;
    let mut door = door.lock();
    body(&mut door)
}

impl Door {
    /// What `number` stands for.
    ///
    /// # Errors
    /// `INVALID_PARAMETER` when it is stale or made up.
    pub(crate) fn get(&self, number: usize) -> nt::Result<&Handle> {
        self.handles.get(&number).ok_or(Status::INVALID_PARAMETER)
    }

    pub(crate) fn get_mut(&mut self, number: usize) -> nt::Result<&mut Handle> {
        self.handles.get_mut(&number).ok_or(Status::INVALID_PARAMETER)
    }

    /// Gets room for one number more.
    ///
    /// # Errors
    /// `INSUFFICIENT_RESOURCES`.
    pub(crate) fn reserve(&mut self) -> nt::Result {
        self.handles
            .try_reserve(1)
            .map_err(|_| Status::INSUFFICIENT_RESOURCES)?;
        self.views
            .try_reserve(1)
            .map_err(|_| Status::INSUFFICIENT_RESOURCES)
    }

    /// A number for `handle`. Room was reserved.
    pub(crate) fn add(&mut self, handle: Handle) -> usize {
        let number = self.next;
        self.next += STEP;
        if let Handle::VNetRoot { id, .. } = &handle {
            self.views.insert(id.to_raw(), number);
        }
        self.handles.insert(number, handle);
        number
    }

    pub(crate) fn view(&self, id: VNetRootId) -> Option<usize> {
        self.views.get(&id.to_raw()).copied()
    }

    pub(crate) fn forget(&mut self, number: usize) {
        if let Some(Handle::VNetRoot { id, .. }) = self.handles.remove(&number) {
            self.views.remove(&id.to_raw());
        }
    }

    /// # Errors
    /// `INVALID_PARAMETER` when `number` is no V_NET_ROOT.
    pub(crate) fn v_net_root(&self, number: usize) -> nt::Result<(VNetRootId, usize)> {
        match self.get(number)? {
            Handle::VNetRoot { id, net_root } => Ok((*id, *net_root)),
            _ => Err(Status::INVALID_PARAMETER),
        }
    }

    /// # Errors
    /// `INVALID_PARAMETER` when `number` is no NET_ROOT.
    pub(crate) fn net_root(&self, number: usize) -> nt::Result<&NetRootHandle> {
        match self.get(number)? {
            Handle::NetRoot(net_root) => Ok(net_root),
            _ => Err(Status::INVALID_PARAMETER),
        }
    }

    /// # Errors
    /// `INVALID_PARAMETER` when `number` is no SRV_CALL.
    pub(crate) fn srv_call(&self, number: usize) -> nt::Result<&SrvCallHandle> {
        match self.get(number)? {
            Handle::SrvCall(srv_call) => Ok(srv_call),
            _ => Err(Status::INVALID_PARAMETER),
        }
    }

    /// # Errors
    /// `INVALID_PARAMETER` when `number` is no RX_CONTEXT.
    pub(crate) fn context(&self, number: usize) -> nt::Result<ContextId> {
        match self.get(number)? {
            Handle::Context(id) => Ok(*id),
            _ => Err(Status::INVALID_PARAMETER),
        }
    }

    /// Whether what `number` stands for is gone from the tree, and what it belonged to.
    fn is_gone(&self, number: usize) -> Option<(bool, Option<usize>)> {
        let gone = |id: Option<bool>| id.unwrap_or(false);
        Some(match self.handles.get(&number)? {
            Handle::SrvCall(srv_call) => (gone(srv_call.id.map(|id| self.tree.srv_call(id).is_err())), None),
            Handle::NetRoot(net_root) => (
                gone(net_root.id.map(|id| self.tree.net_root(id).is_err())),
                Some(net_root.srv_call),
            ),
            Handle::VNetRoot { id, net_root } => (self.tree.v_net_root(*id).is_err(), Some(*net_root)),
            Handle::Fobx { id, v_net_root } => (self.tree.fobx(*id).is_err(), Some(*v_net_root)),
            Handle::Context(id) => (self.tree.context(*id).is_err(), None),
        })
    }

    /// Forgets a NET_ROOT's views, and then itself and its parent, as far as they are gone from the tree.
    pub(crate) fn tidy_below(&mut self, net_root: usize) {
        let tree = &self.tree;
        let views = &mut self.views;
        self.handles.retain(|_, handle| match handle {
            Handle::VNetRoot { id, net_root: parent } => {
                let gone = *parent == net_root && tree.v_net_root(*id).is_err();
                if gone {
                    views.remove(&id.to_raw());
                }
                !gone
            }
            _ => true,
        });
        self.tidy(net_root);
    }

    /// Forgets `number` and its parents, as far as they are gone from the tree.
    pub(crate) fn tidy(&mut self, number: usize) {
        let mut next = Some(number);
        while let Some(number) = next
            && let Some((gone, parent)) = self.is_gone(number)
        {
            if gone {
                self.forget(number);
            }
            next = parent;
        }
    }
}

/// There is no mini-redirector to call out to: extensions are empty, and who waits is none of these routines' callers.
pub(super) fn perform(effects: Effects<Opaque>) {
    drop(effects);
}
