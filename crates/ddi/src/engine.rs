//! The one engine that the documented routines stand on, and its table of the objects that callers have built.
//!
//! An object is known by where its caller keeps it. The table is asked before anything at that place is looked at: a
//! pointer that is not in it belongs to nothing of ours, so what it points to, if anything, is left alone.

use crate::numbered::Numbered;
use crate::platform::{Platform, Rule};
use crate::provider::{Provider, Registered};
use crate::rxce::address::AddressState;
use crate::rxce::circuit::CircuitState;
use crate::rxce::connection::ConnectionState;
use crate::rxce::transport::TransportState;
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::future::Future;
use core::sync::atomic::{AtomicUsize, Ordering};
use core::time::Duration;
use executive::irql::Irql;
use executive::mem::{Arc, TryVec};
use executive::sync::{Mutex, Rank, SpinLock};
use executive::task::{Notify, Runtime};
use hashbrown::HashMap;
use nt::{FileTime, Status};

/// The engine that runs, if one does.
static ENGINE: SpinLock<Option<Arc<Engine>>> = SpinLock::new(None);

/// What the routines stand on.
pub(crate) struct Engine {
    pub(crate) runtime: Runtime,
    pub(crate) provider: Registered,
    pub(crate) platform: Box<dyn Platform>,
    pub(crate) connect_timeout: Duration,
    pub(crate) started: FileTime,
    objects: Mutex<Objects>,
    /// The threads that are in an event handler: each worker of the runtime at most once, so there is room.
    in_handlers: SpinLock<Vec<usize>>,
    /// Connects over multiple transports that have not been completed.
    attempts: SpinLock<usize>,
    attempt_ended: Notify,
    next_number: AtomicUsize,
}

/// What is built, by its place.
struct Objects {
    built: HashMap<usize, Object, Numbered>,
    /// Nothing more is built.
    closed: bool,
}

/// What is built at some place.
#[derive(Clone)]
pub(crate) enum Object {
    /// Something that is not finished yet.
    Building,
    Transport(Arc<TransportState>),
    Address(Arc<AddressState>),
    Connection(Arc<ConnectionState>),
    Circuit(Arc<CircuitState>),
    /// An IRP from RxCeAllocateIrpWithMDL.
    Irp,
}

impl Object {
    fn is(&self, other: &Self) -> bool {
        match (self, other) {
            (Object::Building, Object::Building) | (Object::Irp, Object::Irp) => true,
            (Object::Transport(one), Object::Transport(two)) => Arc::ptr_eq(one, two),
            (Object::Address(one), Object::Address(two)) => Arc::ptr_eq(one, two),
            (Object::Connection(one), Object::Connection(two)) => Arc::ptr_eq(one, two),
            (Object::Circuit(one), Object::Circuit(two)) => Arc::ptr_eq(one, two),
            (
                Object::Building
                | Object::Irp
                | Object::Transport(_)
                | Object::Address(_)
                | Object::Connection(_)
                | Object::Circuit(_),
                _,
            ) => false,
        }
    }
}

/// How the engine is started.
pub struct Parts {
    /// What it runs on. Shut down by whoever started it, after [`stop`].
    pub runtime: Runtime,
    /// The runtime's threads; one for the simulator.
    pub threads: usize,
    /// The transports.
    pub provider: Box<dyn Provider>,
    /// The system.
    pub platform: Box<dyn Platform>,
    /// How long a connect may take.
    pub connect_timeout: Duration,
}

/// Starts the engine: until then every routine refuses its work. IRQL <= APC_LEVEL.
///
/// # Errors
/// `REDIRECTOR_STARTED` when one runs already; `INSUFFICIENT_RESOURCES`.
pub fn start(parts: Parts) -> nt::Result {
    let started = parts.runtime.system_time();
    let objects = Objects {
        built: HashMap::with_hasher(Numbered),
        closed: false,
    };
    let engine = Engine {
        runtime: parts.runtime,
        provider: Registered::try_new(parts.provider)?,
        platform: parts.platform,
        connect_timeout: parts.connect_timeout,
        started,
        objects: Mutex::try_new(objects, Rank(40))?,
        in_handlers: SpinLock::new(Vec::try_with_room(parts.threads + 1)?),
        attempts: SpinLock::new(0),
        attempt_ended: Notify::new(),
        next_number: AtomicUsize::new(1),
    };
    let engine = Arc::try_new(engine)?;
    let mut running = ENGINE.lock();
    if running.is_some() {
        drop(running);
        return Err(Status::REDIRECTOR_STARTED);
    }
    *running = Some(engine);
    Ok(())
}

/// Stops the engine: waits for connects over multiple transports that are under way, losers included. IRQL <= APC_LEVEL,
/// not on a thread of its runtime. Afterwards the runtime may be shut down.
///
/// # Errors
/// `REDIRECTOR_NOT_STARTED` when none runs; `CONNECTION_IN_USE` while callers keep anything that they have built, which
/// then stays as it is; `INSUFFICIENT_RESOURCES`.
pub fn stop() -> nt::Result {
    let engine = running().ok_or(Status::REDIRECTOR_NOT_STARTED)?;
    engine.runtime.block_on(engine.attempts_over())?;
    {
        // An attempt begins with a place of its own in the table, and may outlive that.
        let mut objects = engine.objects.lock();
        if objects.closed {
            return Err(Status::REDIRECTOR_NOT_STARTED);
        }
        if !objects.built.is_empty() || *engine.attempts.lock() > 0 {
            return Err(Status::CONNECTION_IN_USE);
        }
        objects.closed = true;
    }
    let stopped = ENGINE.lock().take();
    drop(stopped);
    Ok(())
}

/// The engine, whatever the context of the caller.
pub(crate) fn running() -> Option<Arc<Engine>> {
    ENGINE.lock().clone()
}

/// The engine, for `routine`, whose caller keeps all of `rules`.
///
/// # Errors
/// `INVALID_PARAMETER` when no engine runs or a rule is broken.
pub(crate) fn enter(routine: &'static str, rules: &[Rule]) -> nt::Result<Arc<Engine>> {
    let engine = running().ok_or(Status::INVALID_PARAMETER)?;
    for &rule in rules {
        let kept = match rule {
            Rule::ApcLevel => Irql::current() <= Irql::APC,
            Rule::WorkerThread => engine.in_handler() || engine.platform.is_system_worker(),
            Rule::NotInHandler => !engine.in_handler(),
        };
        if !kept {
            engine.platform.violation(routine, rule);
            return Err(Status::INVALID_PARAMETER);
        }
    }
    Ok(engine)
}

impl Engine {
    /// What `look` makes of what is at `place`. As long as it looks, nothing that is built is torn down; it takes no lock but
    /// leaves, and drops nothing.
    ///
    /// # Errors
    /// `INVALID_PARAMETER` when nothing is there; what `look` reports.
    pub(crate) fn look<T, R>(
        &self,
        place: *const T,
        look: impl FnOnce(&Object) -> nt::Result<R>,
    ) -> nt::Result<R> {
        let objects = self.objects.lock();
        look(
            objects
                .built
                .get(&place.addr())
                .ok_or(Status::INVALID_PARAMETER)?,
        )
    }

    /// Whether anything is at `place`.
    pub(crate) fn is_taken<T>(&self, place: *const T) -> bool {
        self.objects.lock().built.contains_key(&place.addr())
    }

    /// Takes `object` out, so that nobody finds it any more, but keeps its place until the claim is dropped.
    ///
    /// # Errors
    /// `INVALID_PARAMETER` when it is not what is at `place`: somebody else has been faster.
    pub(crate) fn detach<T>(this: &Arc<Self>, place: *const T, object: &Object) -> nt::Result<Claim> {
        let mut objects = this.objects.lock();
        let entry = objects
            .built
            .get_mut(&place.addr())
            .filter(|entry| entry.is(object))
            .ok_or(Status::INVALID_PARAMETER)?;
        let former = core::mem::replace(entry, Object::Building);
        drop(objects);
        // Not the last of it, as the caller has one; but in any case under no lock.
        drop(former);
        Ok(Claim {
            engine: this.clone(),
            place: place.addr(),
            fulfilled: false,
        })
    }

    /// Takes `place` for something to be built there.
    ///
    /// # Errors
    /// `INVALID_PARAMETER` when it is null or not aligned, or something is built there; `INSUFFICIENT_RESOURCES`.
    pub(crate) fn claim<T>(this: &Arc<Self>, place: *mut T) -> nt::Result<Claim> {
        if place.is_null() || !place.is_aligned() {
            return Err(Status::INVALID_PARAMETER);
        }
        this.admit(place.addr(), Object::Building)?;
        Ok(Claim {
            engine: this.clone(),
            place: place.addr(),
            fulfilled: false,
        })
    }

    /// Enters `object` as what is at `place`.
    ///
    /// # Errors
    /// As for [`Engine::claim`]; `INVALID_PARAMETER` also once the engine has been stopped.
    pub(crate) fn admit(&self, place: usize, object: Object) -> nt::Result {
        let mut objects = self.objects.lock();
        if objects.closed || objects.built.contains_key(&place) {
            return Err(Status::INVALID_PARAMETER);
        }
        objects
            .built
            .try_reserve(1)
            .map_err(|_| Status::INSUFFICIENT_RESOURCES)?;
        objects.built.insert(place, object);
        Ok(())
    }

    /// Forgets `object` if it is still what is at `place`, and hands the table's part of it out: the caller drops it, under
    /// no lock. `None` when somebody else has been faster.
    pub(crate) fn retire(&self, place: usize, object: &Object) -> Option<Object> {
        let mut objects = self.objects.lock();
        if objects.built.get(&place).is_some_and(|there| there.is(object)) {
            objects.built.remove(&place)
        } else {
            None
        }
    }

    /// The first circuit that `wanted` says yes to. `wanted` takes no lock but leaves.
    pub(crate) fn find_circuit(&self, wanted: impl Fn(&CircuitState) -> bool) -> Option<Arc<CircuitState>> {
        let objects = self.objects.lock();
        objects.built.values().find_map(|object| match object {
            Object::Circuit(circuit) if wanted(circuit) => Some(circuit.clone()),
            _ => None,
        })
    }

    /// A number that no object had before.
    pub(crate) fn next_number(&self) -> usize {
        self.next_number.fetch_add(1, Ordering::Relaxed)
    }

    /// What `future` makes, waiting for it whatever it takes: for what must not fail for want of memory.
    pub(crate) fn wait_for<F: Future>(&self, future: impl Fn() -> F) -> F::Output {
        loop {
            // On failure the future has not been polled: nothing is lost by making another.
            if let Ok(output) = self.runtime.block_on(future()) {
                return output;
            }
        }
    }

    /// Runs an event handler, remembering that this thread is in one.
    pub(crate) fn handle<R>(&self, handler: impl FnOnce() -> R) -> R {
        let thread = self.platform.current_thread();
        {
            let mut inside = self.in_handlers.lock();
            if inside.len() < inside.capacity() {
                inside.push(thread);
            }
        }
        let output = handler();
        let mut inside = self.in_handlers.lock();
        if let Some(at) = inside.iter().rposition(|&other| other == thread) {
            inside.swap_remove(at);
        }
        output
    }

    fn in_handler(&self) -> bool {
        let thread = self.platform.current_thread();
        self.in_handlers.lock().contains(&thread)
    }

    /// Notes that a connect over multiple transports is under way, until that is dropped.
    pub(crate) fn begin_attempt(this: &Arc<Self>) -> UnderWay {
        *this.attempts.lock() += 1;
        UnderWay(this.clone())
    }

    async fn attempts_over(&self) {
        loop {
            let ended = self.attempt_ended.notified();
            if *self.attempts.lock() == 0 {
                return;
            }
            ended.await;
        }
    }
}

/// A connect over multiple transports that has not been completed.
pub(crate) struct UnderWay(Arc<Engine>);

impl Drop for UnderWay {
    fn drop(&mut self) {
        *self.0.attempts.lock() -= 1;
        self.0.attempt_ended.notify_all();
    }
}

/// A place where something is being built. Dropped, it is free again.
pub(crate) struct Claim {
    engine: Arc<Engine>,
    place: usize,
    fulfilled: bool,
}

impl Claim {
    /// From now on `object` is what is there.
    pub(crate) fn fulfil(mut self, object: Object) {
        self.fulfilled = true;
        // The entry is there, so this allocates nothing.
        let _building = self.engine.objects.lock().built.insert(self.place, object);
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        if !self.fulfilled {
            self.engine.retire(self.place, &Object::Building);
        }
    }
}
