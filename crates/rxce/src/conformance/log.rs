//! A sink that writes down what it hears.

use crate::event::{CircuitId, ConnectionEvents, Disconnection, Indication};
use alloc::boxed::Box;
use alloc::vec::Vec;
use executive::mem::{AllocError, Arc, TryVec, try_box};
use executive::sync::SpinLock;
use executive::task::Notify;
use nt::Status;

/// What a sink has heard.
pub(super) struct Log {
    heard: SpinLock<Heard>,
    changed: Notify,
}

#[derive(Default)]
pub(super) struct Heard {
    /// Bytes that came by `receive` and `data_ready`, in order, of all circuits.
    pub(super) bytes: Vec<u8>,
    /// Buffers that came back full by `data_ready`.
    pub(super) filled: usize,
    pub(super) disconnects: usize,
    pub(super) last_disconnect: Option<Disconnection>,
    pub(super) errors: usize,
    pub(super) sends_completed: usize,
    pub(super) sends_failed: usize,
    /// A byte could not be written down.
    pub(super) lost: bool,
}

/// The sink proper: the log is shared with the check.
struct Ear<F> {
    log: Arc<Log>,
    indicate: F,
}

impl Log {
    /// A log, and the sink that writes it. `indicate` decides what the sink does with received bytes.
    pub(super) fn try_new(
        indicate: impl Fn(&[u8]) -> Indication + Send + Sync + 'static,
    ) -> Result<(Arc<Log>, Box<dyn ConnectionEvents>), AllocError> {
        let log = Arc::try_new(Log {
            heard: SpinLock::new(Heard::default()),
            changed: Notify::new(),
        })?;
        let ear = try_box(Ear {
            log: log.clone(),
            indicate,
        })?;
        Ok((log, ear))
    }

    /// Waits until `enough` holds of what has been heard, and returns what `enough` does.
    pub(super) async fn wait<R>(&self, enough: impl Fn(&Heard) -> Option<R>) -> R {
        loop {
            let changed = self.changed.notified();
            let found = enough(&self.heard.lock());
            match found {
                Some(found) => return found,
                None => changed.await,
            }
        }
    }

    /// Looks at what has been heard so far.
    pub(super) fn look<R>(&self, look: impl Fn(&Heard) -> R) -> R {
        look(&self.heard.lock())
    }

    fn note(&self, change: impl FnOnce(&mut Heard)) {
        change(&mut self.heard.lock());
        self.changed.notify_all();
    }
}

impl Heard {
    fn take_bytes(&mut self, data: &[u8]) {
        self.lost |= self.bytes.try_extend_from_slice(data).is_err();
    }
}

impl<F: Fn(&[u8]) -> Indication + Send + Sync + 'static> ConnectionEvents for Ear<F> {
    fn receive(&self, _circuit: CircuitId, data: &[u8]) -> Indication {
        self.log.note(|heard| heard.take_bytes(data));
        (self.indicate)(data)
    }

    fn data_ready(&self, _circuit: CircuitId, buffer: Vec<u8>, filled: usize, status: Status) {
        self.log.note(|heard| {
            heard.take_bytes(buffer.get(..filled).unwrap_or_default());
            heard.filled += usize::from(status.is_success() && filled == buffer.len());
        });
    }

    fn disconnect(&self, _circuit: CircuitId, how: Disconnection) {
        self.log.note(|heard| {
            heard.disconnects += 1;
            heard.last_disconnect = Some(how);
        });
    }

    fn error(&self, _circuit: CircuitId, _status: Status) {
        self.log.note(|heard| heard.errors += 1);
    }

    fn send_complete(&self, _circuit: CircuitId, _context: usize, _data: Vec<u8>, result: nt::Result<usize>) {
        self.log.note(|heard| match result {
            Ok(_) => heard.sends_completed += 1,
            Err(_) => heard.sends_failed += 1,
        });
    }
}
