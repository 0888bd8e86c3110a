//! The events of a connection, written down until the harness asks.

use alloc::boxed::Box;
use alloc::vec::Vec;
use executive::mem::{AllocError, Arc, TryVec, try_box};
use executive::sync::SpinLock;
use ioctl::selftest::{Events, Reply};
use nt::Status;
use rxce::{CircuitId, ConnectionEvents, Disconnection, Indication};

/// Received bytes that are kept for the harness.
const KEPT: usize = 64 * 1024;

/// What a connection's handler has heard.
pub(super) struct Heard(SpinLock<State>);

#[derive(Default)]
struct State {
    events: Events,
    bytes: Vec<u8>,
}

/// The handler. The object that the harness asks shares the state with it.
struct Ear {
    heard: Arc<Heard>,
    refuses_data: bool,
}

impl Heard {
    /// A handler, and what it will have heard.
    pub(super) fn try_new(refuses_data: bool) -> Result<(Arc<Self>, Box<dyn ConnectionEvents>), AllocError> {
        let mut state = State::default();
        if !refuses_data {
            state.bytes.try_reserve_exact(KEPT)?;
        }
        let heard = Arc::try_new(Heard(SpinLock::new(state)))?;
        let ear = try_box(Ear {
            heard: heard.clone(),
            refuses_data,
        })?;
        Ok((heard, ear))
    }

    /// The events so far, with received bytes that have not been asked for yet, as many as fit into an answer.
    pub(super) fn take(&self, bytes: &mut Vec<u8>) -> Result<Events, AllocError> {
        bytes.try_reserve(Reply::MAX_RECEIVED)?;
        let mut state = self.0.lock();
        let count = state.bytes.len().min(Reply::MAX_RECEIVED);
        let (taken, rest) = state.bytes.split_at(count);
        bytes.try_extend_from_slice(taken)?;
        let left = rest.len();
        state.bytes.copy_within(count.., 0);
        state.bytes.truncate(left);
        Ok(state.events)
    }

    fn note(&self, change: impl FnOnce(&mut Events)) {
        change(&mut self.0.lock().events);
    }
}

impl State {
    fn receive(&mut self, data: &[u8]) {
        let room = KEPT.saturating_sub(self.bytes.len());
        let kept = data.get(..room).unwrap_or(data);
        self.events.received += data.len() as u64;
        self.events.lost += (data.len() - kept.len()) as u64;
        // The room was reserved: the vector does not grow.
        let _room = self.bytes.try_extend_from_slice(kept);
    }
}

impl ConnectionEvents for Ear {
    fn receive(&self, _: CircuitId, data: &[u8]) -> Indication {
        if self.refuses_data {
            return Indication::Part(0);
        }
        self.heard.0.lock().receive(data);
        Indication::Taken
    }

    fn data_ready(&self, _: CircuitId, _: Vec<u8>, _: usize, _: Status) {
        // It never asks for a buffer to be filled.
    }

    fn disconnect(&self, _: CircuitId, how: Disconnection) {
        self.heard.note(|events| match how {
            Disconnection::Released => events.released += 1,
            Disconnection::Aborted => events.aborted += 1,
        });
    }

    fn error(&self, _: CircuitId, status: Status) {
        self.heard.note(|events| {
            events.errors += 1;
            events.last_error = status.0.into();
        });
    }

    fn send_complete(&self, _: CircuitId, context: usize, _: Vec<u8>, result: nt::Result<usize>) {
        self.heard.note(|events| {
            match result {
                Ok(_) => events.sends_completed += 1,
                Err(_) => events.sends_failed += 1,
            }
            events.last_context = context as u64;
            events.last_send = Status::from(result.map(drop)).0.into();
        });
    }
}
