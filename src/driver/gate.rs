//! Refusing to unload while anything is mapped or open.

use core::ptr::NonNull;

use executive::mem::AllocError;
use executive::sync::{Mutex, Rank};
use wdk_sys::DRIVER_OBJECT;

use crate::entry;
use crate::platform::Redirector;

/// Decides whether the driver object has an unload routine. A driver without one cannot be unloaded, and the service
/// manager says so to whoever stops the service; mappings and files stay as they are. The I/O manager itself knows
/// of open files, but not of mappings, which outlive their handles.
pub(crate) struct UnloadGate {
    object: NonNull<DRIVER_OBJECT>,
    /// One at a time, so that the last to look is the last to decide.
    turn: Mutex<()>,
}

// SAFETY: the driver object outlives the driver's code and belongs to no thread.
unsafe impl Send for UnloadGate {}
// SAFETY: as above; the one field written is written under `turn`.
unsafe impl Sync for UnloadGate {}

impl UnloadGate {
    pub(crate) fn new(object: NonNull<DRIVER_OBJECT>) -> Result<Self, AllocError> {
        Ok(Self {
            object,
            turn: Mutex::try_new((), Rank(0))?,
        })
    }

    /// To be called after every request that may have changed whether something is mapped or open. IRQL <= APC_LEVEL.
    pub(crate) fn refresh(&self, redirector: &Redirector) {
        let _turn = self.turn.lock();
        let routine: Option<unsafe extern "C" fn(*mut DRIVER_OBJECT)> = if is_in_use(redirector) {
            None
        } else {
            Some(entry::unload)
        };
        // SAFETY: the driver object is live while the driver's code runs; `turn` is held.
        unsafe { (*self.object.as_ptr()).DriverUnload = routine };
    }
}

/// Whether a connection or a file is there.
fn is_in_use(redirector: &Redirector) -> bool {
    let objects = redirector.statistics().objects;
    objects.v_net_roots != 0 || objects.fobxs != 0
}
