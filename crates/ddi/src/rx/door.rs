//! What the opaque pointers stand for.

use super::{Object, opaque};
use crate::abi::NtStatus;
use crate::numbered::Numbered;
use executive::irql::Irql;
use executive::mem::Arc;
use executive::sync::{Mutex, Rank, SpinLock};
use hashbrown::HashMap;
use nt::Status;
use rdbss::{
    Config, ContextId, DelayedClose, Effect, Effects, FcbId, FobxId, NetRootId, SrvCallFlags, SrvCallId,
    SrvOpenId, Tree, VNetRootId,
};

/// The first number that is given out, and the distance between two: as pointers to something would be.
const FIRST: usize = 0x1_0000;
const STEP: usize = 0x10;

static DOOR: SpinLock<Option<Arc<Mutex<Door>>>> = SpinLock::new(None);

/// The tree, and what its callers know its objects by.
pub(crate) struct Door {
    pub(crate) tree: Tree<()>,
    handles: HashMap<usize, Handle, Numbered>,
    /// The numbers by what they stand for.
    numbers: HashMap<(u8, u64), usize, Numbered>,
    next: usize,
    /// The request on whose behalf connections are finalised, if there is one.
    pub(crate) caller: Option<ContextId>,
    /// What is called when a request is cancelled, by its id.
    cancel_routines: HashMap<u64, Cancel, Numbered>,
    /// How many of them are due.
    due: usize,
    /// Taken down, though somebody may still have it.
    closed: bool,
}

/// A cancel routine that was set.
struct Cancel {
    routine: CancelRoutine,
    /// The number of its request once that is cancelled: it is to be called as soon as the lock is released.
    due: Option<usize>,
}

/// PMRX_CALLDOWN, as a cancel routine: it is given the RX_CONTEXT; what it returns is not looked at.
pub type CancelRoutine = unsafe extern "system" fn(Object) -> NtStatus;

/// What a number stands for. The object may be gone: numbers are forgotten when they are next looked up, or all at once
/// before the tables would grow.
#[derive(Clone, Copy)]
pub(crate) enum Handle {
    SrvCall(SrvCallId),
    NetRoot(NetRootId),
    VNetRoot(VNetRootId),
    Fcb(FcbId),
    SrvOpen(SrvOpenId),
    Fobx(FobxId),
    Context(ContextId),
}

impl Handle {
    fn key(self) -> (u8, u64) {
        match self {
            Self::SrvCall(id) => (0, id.to_raw()),
            Self::NetRoot(id) => (1, id.to_raw()),
            Self::VNetRoot(id) => (2, id.to_raw()),
            Self::Fcb(id) => (3, id.to_raw()),
            Self::SrvOpen(id) => (4, id.to_raw()),
            Self::Fobx(id) => (5, id.to_raw()),
            Self::Context(id) => (6, id.to_raw()),
        }
    }

    fn is_alive(self, tree: &Tree<()>) -> bool {
        match self {
            Self::SrvCall(id) => tree.srv_call(id).is_ok(),
            Self::NetRoot(id) => tree.net_root(id).is_ok(),
            Self::VNetRoot(id) => tree.v_net_root(id).is_ok(),
            Self::Fcb(id) => tree.fcb(id).is_ok(),
            Self::SrvOpen(id) => tree.srv_open(id).is_ok(),
            Self::Fobx(id) => tree.fobx(id).is_ok(),
            Self::Context(id) => tree.context(id).is_ok(),
        }
    }
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
        numbers: HashMap::with_hasher(Numbered),
        next: FIRST,
        caller: None,
        cancel_routines: HashMap::with_hasher(Numbered),
        due: 0,
        closed: false,
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
    // Under its lock, so that nobody puts anything in between.
    let closed = with(|door| {
        door.closed = door.tree.is_empty();
        Ok(door.closed)
    });
    match closed {
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
    let mut guard = door.lock();
    if guard.closed {
        return Err(Status::INVALID_PARAMETER);
    }
    let result = body(&mut guard);
    // Cancelling needs no memory: what is due stays where it was set, and is looked for here.
    while let Some((routine, context)) = guard.take_due() {
        drop(guard);
        // SAFETY: by the word of who set it, as the cancel routine of this request; the lock is not held.
        let _not_looked_at = unsafe { routine(opaque(context)) };
        guard = door.lock();
    }
    result
}

impl Door {
    /// What `number` stands for.
    ///
    /// # Errors
    /// `INVALID_PARAMETER` when it is stale or made up.
    pub(crate) fn get(&mut self, number: usize) -> nt::Result<Handle> {
        let handle = *self.handles.get(&number).ok_or(Status::INVALID_PARAMETER)?;
        if handle.is_alive(&self.tree) {
            return Ok(handle);
        }
        self.handles.remove(&number);
        self.numbers.remove(&handle.key());
        Err(Status::INVALID_PARAMETER)
    }

    /// Gets room for one number more.
    ///
    /// # Errors
    /// `INSUFFICIENT_RESOURCES`.
    pub(crate) fn reserve(&mut self) -> nt::Result {
        if self.handles.len() == self.handles.capacity() {
            let tree = &self.tree;
            self.handles.retain(|_, handle| handle.is_alive(tree));
            let handles = &self.handles;
            self.numbers.retain(|_, number| handles.contains_key(number));
        }
        self.handles
            .try_reserve(1)
            .map_err(|_| Status::INSUFFICIENT_RESOURCES)?;
        self.numbers
            .try_reserve(1)
            .map_err(|_| Status::INSUFFICIENT_RESOURCES)
    }

    /// The number of an object: the one it has, or a new one, for which room was reserved.
    pub(crate) fn number_of(&mut self, handle: Handle) -> usize {
        if let Some(&number) = self.numbers.get(&handle.key()) {
            return number;
        }
        let number = self.next;
        self.next += STEP;
        self.numbers.insert(handle.key(), number);
        self.handles.insert(number, handle);
        number
    }

    /// Sets or clears what is called when a request is cancelled.
    ///
    /// # Errors
    /// `CANCELLED`: it has been. `INSUFFICIENT_RESOURCES`.
    pub(crate) fn set_cancel_routine(&mut self, id: ContextId, routine: Option<CancelRoutine>) -> nt::Result {
        self.tree.check_request(id)?;
        let Some(routine) = routine else {
            self.forget_cancel_routine(id);
            return Ok(());
        };
        self.cancel_routines
            .try_reserve(1)
            .map_err(|_| Status::INSUFFICIENT_RESOURCES)?;
        self.cancel_routines
            .insert(id.to_raw(), Cancel { routine, due: None });
        Ok(())
    }

    /// Calls nothing for a request any more, be it due: what ends is not cancelled.
    pub(crate) fn forget_cancel_routine(&mut self, id: ContextId) {
        let forgotten = self.cancel_routines.remove(&id.to_raw());
        if forgotten.is_some_and(|set| set.due.is_some()) {
            self.due -= 1;
        }
    }

    /// Does what the tree asked for: extensions are empty, and who waits is none of these routines' callers, but who is
    /// cancelled may have said what to call.
    pub(crate) fn perform(&mut self, effects: Effects<()>) {
        for effect in effects {
            let Effect::Cancel { context, .. } = effect else {
                continue;
            };
            let number = self.numbers.get(&Handle::Context(context).key()).copied();
            if let Some(set) = self.cancel_routines.get_mut(&context.to_raw())
                && number.is_some()
            {
                set.due = number;
                self.due += 1;
            }
        }
    }

    /// A cancel routine that is to be called, and the number of its request.
    fn take_due(&mut self) -> Option<(CancelRoutine, usize)> {
        if self.due == 0 {
            return None;
        }
        let (id, routine, number) = self
            .cancel_routines
            .iter()
            .find_map(|(&id, set)| Some((id, set.routine, set.due?)))?;
        self.cancel_routines.remove(&id);
        self.due -= 1;
        Some((routine, number))
    }

    /// The number that an object has, if it has one.
    #[cfg(feature = "host")]
    pub(crate) fn known(&self, handle: Handle) -> Option<usize> {
        self.numbers.get(&handle.key()).copied()
    }
}

/// Looks up a number that must be of one kind.
macro_rules! of_kind {
    ($($name:ident: $variant:ident, $id:ident;)*) => {
        impl Door {
            $(
                /// # Errors
                /// `INVALID_PARAMETER` when `number` is none of these.
                pub(crate) fn $name(&mut self, number: usize) -> nt::Result<$id> {
                    match self.get(number)? {
                        Handle::$variant(id) => Ok(id),
                        _ => Err(Status::INVALID_PARAMETER),
                    }
                }
            )*
        }
    };
}

of_kind! {
    srv_call: SrvCall, SrvCallId;
    net_root: NetRoot, NetRootId;
    v_net_root: VNetRoot, VNetRootId;
    fcb: Fcb, FcbId;
    srv_open: SrvOpen, SrvOpenId;
    fobx: Fobx, FobxId;
    context: Context, ContextId;
}
