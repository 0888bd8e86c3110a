//! Refusing to unload while anything is mapped or open.

use core::ptr::NonNull;

use executive::mem::{AllocError, Arc};
use executive::sync::{Mutex, Rank};
use wdk_sys::DRIVER_OBJECT;

use crate::entry;
use crate::platform::Redirector;

/// Decides whether the driver object has an unload routine. A driver without one cannot be unloaded, and the service
/// manager says so to whoever stops the service; handles and mappings stay as they are.
///
/// The I/O manager itself knows of handles: asked to unload, it would wait for the last of them and let nobody in
/// meanwhile. It does not know of mappings, which outlive their handles. Handles count here all the same: an unload
/// that waits for one of them would find no routine once a mapping has been added through it.
pub(crate) struct UnloadGate {
    object: NonNull<DRIVER_OBJECT>,
    /// The handles that are open or being opened. One looks at a time, so that the last to look is the last to decide.
    handles: Mutex<usize>,
}

// SAFETY: the driver object outlives the driver's code and belongs to no thread.
unsafe impl Send for UnloadGate {}
// SAFETY: as above; the one field written is written with `handles` locked.
unsafe impl Sync for UnloadGate {}

impl UnloadGate {
    pub(crate) fn new(object: NonNull<DRIVER_OBJECT>) -> Result<Self, AllocError> {
        Ok(Self {
            object,
            handles: Mutex::try_new(0, Rank(0))?,
        })
    }

    /// Counts one more handle, before it is opened. IRQL <= APC_LEVEL.
    pub(crate) fn enter(&self) {
        let mut handles = self.handles.lock();
        *handles += 1;
        self.set(None);
    }

    /// Counts one handle less, when all that belongs to it is gone. IRQL <= APC_LEVEL.
    pub(crate) fn leave(&self, redirector: &Redirector) {
        let mut handles = self.handles.lock();
        *handles = handles.saturating_sub(1);
        self.decide(*handles, redirector);
    }

    /// Looks again, after something other than a handle has come or gone. IRQL <= APC_LEVEL.
    pub(crate) fn refresh(&self, redirector: &Redirector) {
        let handles = self.handles.lock();
        self.decide(*handles, redirector);
    }

    fn decide(&self, handles: usize, redirector: &Redirector) {
        let in_use = handles != 0 || redirector.in_use();
        self.set(if in_use { None } else { Some(entry::unload) });
    }

    /// To be called with `handles` locked.
    fn set(&self, routine: Option<unsafe extern "C" fn(*mut DRIVER_OBJECT)>) {
        // SAFETY: the driver object is live while the driver's code runs; `handles` is locked.
        unsafe { (*self.object.as_ptr()).DriverUnload = routine };
    }
}

/// A handle that is being opened: counted, and no longer so when this is dropped, unless it is kept.
pub(crate) struct Pass {
    gate: Arc<UnloadGate>,
    redirector: Redirector,
    kept: bool,
}

impl Pass {
    pub(crate) fn new(gate: Arc<UnloadGate>, redirector: Redirector) -> Self {
        gate.enter();
        Self {
            gate,
            redirector,
            kept: false,
        }
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
