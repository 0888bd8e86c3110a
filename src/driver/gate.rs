//! Refusing to unload while anything is mapped or open.

use core::ptr::NonNull;
use core::sync::atomic::{Ordering, fence};

use executive::mem::{AllocError, Arc};
use executive::sync::{Mutex, Rank};
use nt::Status;
use wdk_sys::{DRIVER_OBJECT, DRVO_UNLOAD_INVOKED, PDRIVER_UNLOAD};

use crate::entry;
use crate::platform::Redirector;

/// Decides whether the driver object has an unload routine. A driver without one cannot be unloaded, and the service
/// manager says so to whoever stops the service; handles and mappings stay as they are.
///
/// The I/O manager itself knows of handles: asked to unload, it would wait for the last of them and let nobody in
/// meanwhile. It does not know of mappings, which outlive their handles. Handles count here all the same: an unload
/// that waits for one of them would find no routine once a mapping has been added through it. For that, a CREATE that was on
/// its way when an unload began is refused ([`Self::enter`]).
pub(crate) struct UnloadGate {
    object: NonNull<DRIVER_OBJECT>,
    /// One looks at a time, so that the last to look is the last to decide.
    state: Mutex<State>,
}

struct State {
    /// The handles that are open or being opened.
    handles: usize,
    /// The driver object has the routine.
    open: bool,
    /// What [`UnloadGate::was_asked`] said when the routine was put there: it tells of an unload that was refused.
    asked_before: bool,
}

// SAFETY: the driver object outlives the driver's code and belongs to no thread.
unsafe impl Send for UnloadGate {}
// SAFETY: as above; the one field written is written with `state` locked.
unsafe impl Sync for UnloadGate {}

impl UnloadGate {
    pub(crate) fn new(object: NonNull<DRIVER_OBJECT>) -> Result<Self, AllocError> {
        // DriverEntry has put the routine there.
        let state = State {
            handles: 0,
            open: true,
            asked_before: false,
        };
        Ok(Self {
            object,
            state: Mutex::try_new(state, Rank(0))?,
        })
    }

    /// Counts one more handle, before it is opened. IRQL <= APC_LEVEL.
    ///
    /// # Errors
    /// `NO_SUCH_DEVICE`, as the I/O manager answers those who come later, if an unload has begun. It counts a CREATE before
    /// it sends it, and waits for what comes of it, so this one is safe here; but it has found the routine already.
    pub(crate) fn enter(&self) -> nt::Result {
        let mut state = self.state.lock();
        let was_open = state.open;
        // First closed, then looked: an unload that begins after the look finds no routine.
        self.set(&mut state, false);
        if was_open && !state.asked_before && self.was_asked() {
            self.set(&mut state, true);
            return Err(Status::NO_SUCH_DEVICE);
        }
        state.handles += 1;
        Ok(())
    }

    /// Counts one handle less, when all that belongs to it is gone. IRQL <= APC_LEVEL.
    pub(crate) fn leave(&self, redirector: &Redirector) {
        let mut state = self.state.lock();
        state.handles = state.handles.saturating_sub(1);
        self.decide(&mut state, redirector);
    }

    /// Looks again, after something other than a handle has come or gone. IRQL <= APC_LEVEL.
    pub(crate) fn refresh(&self, redirector: &Redirector) {
        self.decide(&mut self.state.lock(), redirector);
    }

    fn decide(&self, state: &mut State, redirector: &Redirector) {
        let open = state.handles == 0 && !redirector.in_use();
        if open && !state.open {
            state.asked_before = self.was_asked();
        }
        self.set(state, open);
    }

    fn set(&self, state: &mut State, open: bool) {
        state.open = open;
        let routine: PDRIVER_UNLOAD = if open { Some(entry::unload) } else { None };
        // SAFETY: the driver object is live while the driver's code runs; `state` is locked.
        unsafe { (*self.object.as_ptr()).DriverUnload = routine };
        // What is looked at next is looked at after this.
        fence(Ordering::SeqCst);
    }

    /// Whether the I/O manager says that somebody has asked for an unload.
    fn was_asked(&self) -> bool {
        // SAFETY: the driver object is live while the driver's code runs; only an address is taken.
        let flags = unsafe { &raw const (*self.object.as_ptr()).Flags };
        // SAFETY: as above; the I/O manager changes the word at any time.
        unsafe { flags.read_volatile() & DRVO_UNLOAD_INVOKED != 0 }
    }
}

/// A handle that is being opened: counted, and no longer so when this is dropped, unless it is kept.
pub(crate) struct Pass {
    gate: Arc<UnloadGate>,
    redirector: Redirector,
    kept: bool,
}

impl Pass {
    /// # Errors
    /// As [`UnloadGate::enter`].
    pub(crate) fn new(gate: Arc<UnloadGate>, redirector: Redirector) -> nt::Result<Self> {
        gate.enter()?;
        Ok(Self {
            gate,
            redirector,
            kept: false,
        })
    }

    /// The handle is open; CLOSE will count it out.
    pub(crate) fn keep(mut self) {
        self.kept = true;
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        if !self.kept {
            self.gate.leave(&self.redirector);
        }
    }
}
