//! What happens on a connection, told to the handlers that its caller registered.

use super::circuit::CircuitState;
use super::mdl::Chain;
use crate::abi::{
    ConnectionHandler, DISCONNECT_ABORT, DISCONNECT_RELEASE, NtStatus, RECEIVE_NORMAL, VC_ACTIVE,
    VC_DISCONNECTED, ntstatus,
};
use crate::engine::Engine;
use crate::numbered::Numbered;
use alloc::vec::Vec;
use core::ffi::c_void;
use core::ptr;
use executive::mem::Arc;
use executive::sync::{Rank, SpinLock};
use executive::task::Sender;
use hashbrown::HashMap;
use nt::Status;
use rxce::{CircuitId, ConnectionEvents, Disconnection, Indication};

/// Bytes under way on one circuit beyond which a non-blocking send is refused.
pub(super) const SEND_WINDOW: usize = 256 * 1024;

/// A buffer that a Receive handler gave, and how much of it is to be filled.
pub(super) struct Fill {
    buffer: Chain,
    room: usize,
    filled: usize,
}

/// Sends of one circuit that have not ended.
pub(super) struct Sends {
    next: usize,
    waiting: HashMap<usize, Outgoing, Numbered>,
    /// Their bytes.
    under_way: usize,
    /// Whether a non-blocking send was refused since there last was room.
    refused: bool,
}

/// A send that has not ended.
struct Outgoing {
    context: usize,
    length: usize,
    /// Who waits for it, if it is synchronous.
    waiter: Option<Sender<Status>>,
}

/// What became of [`Sends::add`].
pub(super) enum Added {
    /// To be submitted with this number.
    Number(usize),
    /// Not now: a SendPossible event will say when.
    Refused,
}

impl Sends {
    pub(super) const fn new() -> Self {
        Sends {
            next: 0,
            waiting: HashMap::with_hasher(Numbered),
            under_way: 0,
            refused: false,
        }
    }

    /// Enters a send of `length` bytes.
    ///
    /// # Errors
    /// `INSUFFICIENT_RESOURCES`.
    pub(super) fn add(
        &mut self,
        context: usize,
        length: usize,
        waiter: Option<Sender<Status>>,
        non_blocking: bool,
    ) -> nt::Result<Added> {
        if non_blocking && self.under_way > 0 && self.under_way.saturating_add(length) > SEND_WINDOW {
            self.refused = true;
            return Ok(Added::Refused);
        }
        self.waiting
            .try_reserve(1)
            .map_err(|_| Status::INSUFFICIENT_RESOURCES)?;
        let number = self.next;
        self.next = self.next.wrapping_add(1);
        self.under_way += length;
        self.waiting.insert(
            number,
            Outgoing {
                context,
                length,
                waiter,
            },
        );
        Ok(Added::Number(number))
    }

    /// Takes out a send, and says how much room there is if that was waited for.
    fn end(&mut self, number: usize) -> Option<(Outgoing, Option<usize>)> {
        let send = self.waiting.remove(&number)?;
        self.under_way -= send.length;
        let room = SEND_WINDOW.saturating_sub(self.under_way);
        let possible = self.refused && room > 0;
        if possible {
            self.refused = false;
        }
        Some((send, possible.then_some(room)))
    }

    /// Takes out a send that was never submitted.
    pub(super) fn forget(&mut self, number: usize) {
        let waiter = self.end(number).and_then(|(send, _)| send.waiter);
        drop(waiter);
    }
}

/// What TDI_CONNECTION_INFO counts.
#[derive(Clone, Copy, Default)]
pub(super) struct Statistics {
    pub(super) sent: u32,
    pub(super) received: u32,
    pub(super) send_errors: u32,
    pub(super) receive_errors: u32,
}

/// The handlers of one connection, and the circuits that they hear of.
pub(crate) struct Listener {
    engine: Arc<Engine>,
    handler: ConnectionHandler,
    context: usize,
    circuits: SpinLock<HashMap<u64, Arc<CircuitState>, Numbered>>,
}

impl Listener {
    pub(super) fn new(engine: &Arc<Engine>, handler: ConnectionHandler, context: *mut c_void) -> Self {
        Listener {
            engine: engine.clone(),
            handler,
            context: context.expose_provenance(),
            circuits: SpinLock::ranked(HashMap::with_hasher(Numbered), Rank(90)),
        }
    }

    pub(super) fn context(&self) -> *mut c_void {
        ptr::with_exposed_provenance_mut(self.context)
    }

    /// Lets it hear of `circuit`.
    pub(super) fn add(&self, circuit: &Arc<CircuitState>) -> nt::Result {
        let mut circuits = self.circuits.lock();
        circuits
            .try_reserve(1)
            .map_err(|_| Status::INSUFFICIENT_RESOURCES)?;
        circuits.insert(circuit.circuit.id().0, circuit.clone());
        Ok(())
    }

    /// Lets it forget `circuit`, of which nothing more will be heard.
    pub(super) fn remove(&self, circuit: &CircuitState) {
        let forgotten = self.circuits.lock().remove(&circuit.circuit.id().0);
        drop(forgotten);
    }

    fn circuit(&self, id: CircuitId) -> Option<Arc<CircuitState>> {
        self.circuits.lock().get(&id.0).cloned()
    }

    /// Shows `data` to the handler once, and says how much of it was taken; `None` when it has to be asked again for the
    /// rest, as it gave a buffer.
    fn ask(&self, circuit: &CircuitState, data: &[u8]) -> (usize, Option<Fill>) {
        let Some(receive) = self.handler.receive else {
            return (data.len(), None);
        };
        // Before the call, so that whoever learns of it there finds it counted.
        let mut statistics = circuit.statistics.lock();
        statistics.received = statistics.received.saturating_add(1);
        drop(statistics);
        let length = data.len() as u32;
        let (mut taken, mut buffer, mut room) = (0_u32, ptr::null_mut(), 0_u32);
        // SAFETY: the caller's handler; every pointer is good for the length of the call, and the data is not written to.
        let status = unsafe {
            receive(
                self.context(),
                circuit.place(),
                RECEIVE_NORMAL,
                length,
                length,
                &raw mut taken,
                data.as_ptr().cast_mut().cast::<c_void>(),
                &raw mut buffer,
                &raw mut room,
            )
        };
        let taken = (taken as usize).min(data.len());
        if status == ntstatus(Status::SUCCESS) {
            return (taken, None);
        }
        if status != ntstatus(Status::MORE_PROCESSING_REQUIRED) {
            return (0, None);
        }
        // SAFETY: by the handler's contract an MDL, or null.
        let Ok(chain) = (unsafe { Chain::measure(buffer) }) else {
            return (taken, None);
        };
        let room = chain.length.min(room as usize);
        let fill = Fill {
            buffer: chain,
            room,
            filled: 0,
        };
        (taken, (room > 0).then_some(fill))
    }

    /// Copies what fits of `data` into the buffer, gives that back if it is full, and says how much that was.
    fn fill(&self, circuit: &CircuitState, mut fill: Fill, data: &[u8]) -> usize {
        let now = data.get(..fill.room - fill.filled).unwrap_or(data);
        // SAFETY: the handler gave the buffer away until data_ready.
        let copied = unsafe { fill.buffer.write(&*self.engine.platform, fill.filled, now) };
        if let Err(status) = copied {
            self.data_ready(circuit, &fill, status);
            return 0;
        }
        fill.filled += now.len();
        if fill.filled < fill.room {
            circuit.show_receive_mdl(fill.buffer.first);
            *circuit.fill.lock() = Some(fill);
        } else {
            self.data_ready(circuit, &fill, Status::SUCCESS);
        }
        now.len()
    }

    fn data_ready(&self, circuit: &CircuitState, fill: &Fill, status: Status) {
        circuit.show_receive_mdl(ptr::null_mut());
        if let Some(data_ready) = self.handler.data_ready {
            let filled = fill.filled as u32;
            // SAFETY: the caller's handler, with the buffer that it gave.
            unsafe { data_ready(self.context(), fill.buffer.first, filled, ntstatus(status)) };
        }
    }

    /// Shows `data` until it is taken, or refused; says how much was taken.
    fn receive(&self, circuit: &CircuitState, data: &[u8]) -> usize {
        let mut rest = data;
        loop {
            let pending = circuit.fill.lock().take();
            let (taken, fill) = match pending {
                Some(fill) => (0, Some(fill)),
                None if rest.is_empty() => break,
                None => self.ask(circuit, rest),
            };
            rest = rest.get(taken..).unwrap_or_default();
            match fill {
                Some(fill) if rest.is_empty() => {
                    circuit.show_receive_mdl(fill.buffer.first);
                    *circuit.fill.lock() = Some(fill);
                    break;
                }
                Some(fill) => {
                    let copied = self.fill(circuit, fill, rest);
                    rest = rest.get(copied..).unwrap_or_default();
                }
                None if taken == 0 => break,
                None => {}
            }
        }
        data.len() - rest.len()
    }

    /// The circuit has ended: gives back a buffer that will not be filled, then calls `handler`.
    fn ended(&self, circuit: &CircuitState, handler: impl FnOnce()) {
        circuit.change_state(VC_ACTIVE, VC_DISCONNECTED);
        self.engine.handle(|| {
            let pending = circuit.fill.lock().take();
            if let Some(fill) = pending {
                self.data_ready(circuit, &fill, Status::CONNECTION_DISCONNECTED);
            }
            handler();
        });
    }

    fn complete(&self, circuit: &CircuitState, number: usize, status: Status) {
        let ended = circuit.sends.lock().end(number);
        let Some((send, room)) = ended else { return };
        let mut statistics = circuit.statistics.lock();
        let count = if status.is_success() {
            &mut statistics.sent
        } else {
            &mut statistics.send_errors
        };
        *count = count.saturating_add(1);
        drop(statistics);
        if let Some(waiter) = send.waiter {
            // The routine waits for as long as it takes.
            let _heard = waiter.send(status);
        } else if let Some(complete) = self.handler.send_complete {
            let context: *mut c_void = ptr::with_exposed_provenance_mut(send.context);
            self.engine.handle(|| {
                // SAFETY: the caller's handler, with the contexts that it asked for.
                unsafe { complete(self.context(), circuit.place(), context, ntstatus(status)) }
            });
        }
        if let (Some(room), Some(possible)) = (room, self.handler.send_possible)
            && circuit.is_active()
        {
            self.engine.handle(|| {
                // SAFETY: the caller's handler, with the context that it asked for.
                unsafe { possible(self.context(), circuit.place(), room as u32) }
            });
        }
    }

    fn submitted(&self, circuit: &CircuitState, number: usize) {
        let sends = circuit.sends.lock();
        let context = match sends.waiting.get(&number) {
            Some(Outgoing {
                context,
                waiter: None,
                ..
            }) => *context,
            _ => return,
        };
        drop(sends);
        if let Some(submitted) = self.handler.send_submitted {
            let context: *mut c_void = ptr::with_exposed_provenance_mut(context);
            self.engine.handle(|| {
                // SAFETY: the caller's handler, with the contexts that it asked for.
                unsafe {
                    submitted(
                        self.context(),
                        circuit.place(),
                        context,
                        ntstatus(Status::SUCCESS),
                    )
                }
            });
        }
    }
}

/// A connection's listener, as its engine calls it.
pub(super) struct Sink(pub(super) Arc<Listener>);

impl ConnectionEvents for Sink {
    fn receive(&self, id: CircuitId, data: &[u8]) -> Indication {
        let Some(circuit) = self.0.circuit(id) else {
            return Indication::Taken;
        };
        Indication::Part(self.0.engine.handle(|| self.0.receive(&circuit, data)))
    }

    fn data_ready(&self, _: CircuitId, _: Vec<u8>, _: usize, _: Status) {
        // `receive` asks for no buffer to be filled: it fills the handlers' buffers by itself.
    }

    fn disconnect(&self, id: CircuitId, how: Disconnection) {
        let Some(circuit) = self.0.circuit(id) else { return };
        let flags = match how {
            Disconnection::Released => DISCONNECT_RELEASE,
            Disconnection::Aborted => DISCONNECT_ABORT,
        };
        self.0.ended(&circuit, || {
            let Some(disconnect) = self.0.handler.disconnect else {
                return;
            };
            let (context, place, none) = (self.0.context(), circuit.place(), ptr::null_mut());
            // SAFETY: the caller's handler, with the context that it asked for.
            unsafe { disconnect(context, place, 0, none, 0, none, flags) };
        });
    }

    fn error(&self, id: CircuitId, status: Status) {
        let Some(circuit) = self.0.circuit(id) else { return };
        {
            let mut statistics = circuit.statistics.lock();
            statistics.receive_errors = statistics.receive_errors.saturating_add(1);
        }
        self.0.ended(&circuit, || {
            let Some(error) = self.0.handler.error else { return };
            let status: NtStatus = ntstatus(status);
            // SAFETY: the caller's handler, with the context that it asked for.
            unsafe { error(self.0.context(), circuit.place(), status) };
        });
    }

    fn send_submitted(&self, id: CircuitId, number: usize) {
        if let Some(circuit) = self.0.circuit(id) {
            self.0.submitted(&circuit, number);
        }
    }

    fn send_complete(&self, id: CircuitId, number: usize, _: Vec<u8>, result: nt::Result<usize>) {
        if let Some(circuit) = self.0.circuit(id) {
            let status = result.err().unwrap_or(Status::SUCCESS);
            self.0.complete(&circuit, number, status);
        }
    }
}
