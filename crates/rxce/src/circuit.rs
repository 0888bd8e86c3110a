//! A virtual circuit: one stream of bytes.

mod sending;

use crate::connection::{Established, Sink};
use crate::event::{CircuitId, Disconnection, Indication};
use crate::family::Membership;
use crate::state::{Action, Event, State};
use crate::transport::{Endpoint, Transport};
use crate::turn::Turn;
use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::mem;
use executive::mem::{Arc, TryZeroed};
use executive::sync::SpinLock;
use executive::task::{Notify, join};
use nt::Status;
use sending::send_until_end;

/// Receives that may end without a wait before others on the same thread have a turn.
const RECEIVES_PER_TURN: usize = 64;

/// One stream of bytes to the other side: RXCE_VC. Handles may be cloned; all are the same object.
///
/// The last handle that is dropped without [`VirtualCircuit::tear_down`] ends the circuit too, but waits for nothing.
pub struct VirtualCircuit<T: Transport>(Arc<Handle<T>>);

/// What all handles share, and the receive pump does not.
struct Handle<T: Transport>(Arc<Circuit<T>>);

impl<T: Transport> Drop for Handle<T> {
    fn drop(&mut self) {
        if let Action::AbortAndDrain | Action::Drain = self.0.on(Event::TearDown) {
            self.0.endpoint.abort();
        }
    }
}

struct Circuit<T: Transport> {
    id: CircuitId,
    connection: Arc<Established<T>>,
    endpoint: T::Endpoint,
    life: SpinLock<Life>,
    /// Told when `Life::in_flight` falls to zero.
    quiet: Notify,
    /// Told when a send is submitted, and when none will be any more.
    work: Notify,
    memberships: SpinLock<Option<[Membership; 3]>>,
}

struct Life {
    state: State,
    /// Sends that have begun and not ended, with their `send_complete`, and the pump.
    in_flight: usize,
    /// Whether the pump runs.
    pumped: bool,
    /// Sends that were submitted and not begun, each with its context: all counted as in flight.
    submitted: VecDeque<(Vec<u8>, usize)>,
}

impl<T: Transport> VirtualCircuit<T> {
    /// Builds a circuit on an endpoint that is connected, and begins to receive unless it is to be paused.
    pub(crate) fn open(connection: &Arc<Established<T>>, endpoint: T::Endpoint) -> nt::Result<Self> {
        let memberships = connection.admit_circuit()?;
        let circuit = Arc::try_new(Circuit {
            id: connection.next_circuit_id(),
            connection: connection.clone(),
            endpoint,
            life: SpinLock::new(Life {
                state: State::Uninitialised,
                in_flight: 0,
                pumped: false,
                submitted: VecDeque::new(),
            }),
            quiet: Notify::new(),
            work: Notify::new(),
            memberships: SpinLock::new(Some(memberships)),
        })?;
        let handle = Arc::try_new(Handle(circuit.clone()))?;
        circuit.on(Event::Connected);
        let circuit = VirtualCircuit(handle);
        if !connection.options.paused {
            circuit.resume()?;
        }
        Ok(circuit)
    }

    /// Begins to receive, on a circuit that was built paused: from here on events come. Does nothing the second time.
    ///
    /// # Errors
    /// `INSUFFICIENT_RESOURCES`, and it may be tried again; `INVALID_PARAMETER` during and after tear-down.
    pub fn resume(&self) -> nt::Result {
        let circuit = &self.0.0;
        let buffer = Vec::try_zeroed(circuit.connection.options.receive_buffer)?;
        let Some(running) = Running::begin(circuit)? else {
            return Ok(());
        };
        circuit
            .connection
            .address
            .bound
            .runtime
            .spawn(pump(running, buffer))?;
        Ok(())
    }

    /// Which of its connection's circuits this is.
    pub fn id(&self) -> CircuitId {
        self.0.0.id
    }

    /// Where the circuit stands.
    pub fn state(&self) -> State {
        self.0.0.life.lock().state
    }

    /// Sends all of `data` and gives it back (RxCeSend, waiting for the end). Sends that begin one after the other go out in
    /// that order. A send that has begun must be polled on or dropped: tear-down waits for it.
    ///
    /// # Errors
    /// `CONNECTION_DISCONNECTED` when the circuit is not active, or ends meanwhile; `INSUFFICIENT_RESOURCES`; what
    /// [`Endpoint::send`] reports.
    pub async fn send(&self, data: Vec<u8>) -> (Vec<u8>, nt::Result<usize>) {
        let circuit = &self.0.0;
        match InFlight::of_send(circuit) {
            Ok(flight) => flight.send(data).await,
            Err(status) => (data, Err(status)),
        }
    }

    /// Begins to send all of `data` (RxCeSend, not waiting); the sink's `send_complete` hears `context` when it has ended.
    /// What is submitted goes out in the order of submission, and its ends are told in that order.
    ///
    /// # Errors
    /// `CONNECTION_DISCONNECTED` when the circuit is not active, or still paused; `INSUFFICIENT_RESOURCES`. The sink hears
    /// nothing then.
    pub fn submit(&self, data: Vec<u8>, context: usize) -> nt::Result {
        let circuit = &self.0.0;
        let mut life = circuit.life.lock();
        if let (_, Action::Refuse(status)) = life.state.on(Event::Send) {
            return Err(status);
        }
        if !life.pumped {
            return Err(Status::CONNECTION_DISCONNECTED);
        }
        life.submitted.try_reserve(1)?;
        life.submitted.push_back((data, context));
        life.in_flight += 1;
        drop(life);
        circuit.work.notify_all();
        Ok(())
    }

    /// Begins to end the circuit (RxCeInitiateVCDisconnect): what is in flight is broken off, and no `disconnect` event
    /// follows. It still has to be torn down. A circuit that is disconnected already stays so.
    ///
    /// # Errors
    /// `INVALID_PARAMETER` during and after tear-down.
    pub fn initiate_disconnect(&self) -> nt::Result {
        match self.0.0.on(Event::Disconnect) {
            Action::Refuse(status) => Err(status),
            Action::Abort => {
                self.0.0.endpoint.abort();
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Ends the circuit and leaves its parents (RxCeTearDownVC). When it returns, every send has ended, with its
    /// `send_complete`, no callback runs, and none will. Not to be awaited inside a callback of the same connection.
    ///
    /// A tear-down that is dropped half-way is not taken up again: the circuit then goes with its last handle.
    ///
    /// # Errors
    /// `INVALID_PARAMETER` when that has been begun already. What [`Endpoint::close`] reports; the circuit is torn down all
    /// the same.
    pub async fn tear_down(&self) -> nt::Result {
        let circuit = &self.0.0;
        match circuit.on(Event::TearDown) {
            Action::Refuse(status) => return Err(status),
            _ => circuit.endpoint.abort(),
        }
        loop {
            let quiet = circuit.quiet.notified();
            if circuit.life.lock().in_flight == 0 {
                break;
            }
            quiet.await;
        }
        let closed = circuit.endpoint.close().await;
        if circuit.on(Event::Quiet) == Action::Release {
            let memberships = circuit.memberships.lock().take();
            drop(memberships);
        }
        closed
    }
}

impl<T: Transport> Clone for VirtualCircuit<T> {
    fn clone(&self) -> Self {
        VirtualCircuit(self.0.clone())
    }
}

impl<T: Transport> Circuit<T> {
    /// Takes note of `event`, and says what is to be done about it.
    fn on(&self, event: Event) -> Action {
        let mut life = self.life.lock();
        let (next, action) = life.state.on(event);
        let ended = life.state == State::Active && next != State::Active;
        life.state = next;
        drop(life);
        if ended {
            self.work.notify_all();
        }
        action
    }

    /// The oldest send that was submitted and not begun.
    fn next_submitted(&self) -> Option<(Vec<u8>, usize)> {
        self.life.lock().submitted.pop_front()
    }

    /// So many less in flight.
    fn land(&self, count: usize) {
        let mut life = self.life.lock();
        life.in_flight -= count;
        let quiet = life.in_flight == 0;
        drop(life);
        if quiet {
            self.quiet.notify_all();
        }
    }

    fn sink(&self) -> Option<Sink> {
        self.connection.sink()
    }

    /// One receive, with the transport held to its word.
    async fn receive(&self, buffer: Vec<u8>, offset: usize) -> (Vec<u8>, nt::Result<usize>) {
        let (buffer, result) = self.endpoint.receive(buffer, offset).await;
        let room = buffer.len().saturating_sub(offset);
        match result {
            Ok(count) if count > room => (buffer, Err(Status::UNEXPECTED_NETWORK_ERROR)),
            other => (buffer, other),
        }
    }
}

/// Something that tear-down waits for.
struct InFlight<T: Transport>(Arc<Circuit<T>>);

impl<T: Transport> InFlight<T> {
    /// A place for one send, if the circuit is active.
    fn of_send(circuit: &Arc<Circuit<T>>) -> nt::Result<Self> {
        // The state is looked at and the place is taken in one go: a tear-down sees either both or none.
        let mut life = circuit.life.lock();
        match life.state.on(Event::Send) {
            (_, Action::Refuse(status)) => return Err(status),
            _ => life.in_flight += 1,
        }
        drop(life);
        Ok(InFlight(circuit.clone()))
    }

    async fn send(&self, data: Vec<u8>) -> (Vec<u8>, nt::Result<usize>) {
        let wanted = data.len();
        let (data, result) = self.0.endpoint.send(data).await;
        let result = match result {
            Ok(sent) if sent == wanted => Ok(sent),
            Ok(_) => Err(Status::UNEXPECTED_NETWORK_ERROR),
            // Whatever broke it off: the caller hears what a later send would hear.
            Err(_) if self.0.life.lock().state != State::Active => Err(Status::CONNECTION_DISCONNECTED),
            Err(status) => Err(status),
        };
        (data, result)
    }
}

impl<T: Transport> Drop for InFlight<T> {
    fn drop(&mut self) {
        self.0.land(1);
    }
}

/// The pump's place among what is in flight, and the promise that submitted sends are seen to.
struct Running<T: Transport>(Arc<Circuit<T>>);

impl<T: Transport> Running<T> {
    /// `None` when it runs already.
    fn begin(circuit: &Arc<Circuit<T>>) -> nt::Result<Option<Self>> {
        let mut life = circuit.life.lock();
        if let State::Uninitialised | State::TearDown = life.state {
            return Err(Status::INVALID_PARAMETER);
        }
        if mem::replace(&mut life.pumped, true) {
            return Ok(None);
        }
        life.in_flight += 1;
        drop(life);
        Ok(Some(Running(circuit.clone())))
    }
}

impl<T: Transport> Drop for Running<T> {
    fn drop(&mut self) {
        let mut life = self.0.life.lock();
        life.pumped = false;
        // Only a pump that was dropped half-way leaves any.
        let left = mem::take(&mut life.submitted);
        drop(life);
        self.0.land(1 + left.len());
    }
}

/// Receives until the circuit ends, and tells the sink; sends what is submitted.
async fn pump<T: Transport>(running: Running<T>, buffer: Vec<u8>) {
    let circuit = &running.0;
    let receiving = async {
        if let Some(end) = receive_until_end(circuit, buffer).await {
            indicate_end(circuit, end);
        }
    };
    join(receiving, send_until_end(circuit)).await;
}

fn indicate_end<T: Transport>(circuit: &Circuit<T>, end: nt::Result) {
    let (event, how) = match end {
        Ok(()) => (Event::RemoteClosed, Disconnection::Released),
        Err(Status::CONNECTION_RESET | Status::CONNECTION_ABORTED) => {
            (Event::RemoteClosed, Disconnection::Aborted)
        }
        Err(_) => (Event::Failed, Disconnection::Aborted),
    };
    let action = circuit.on(event);
    let Some(sink) = circuit.sink() else { return };
    match (action, end) {
        (Action::IndicateDisconnect, _) => sink.disconnect(circuit.id, how),
        (Action::IndicateError, Err(status)) => sink.error(circuit.id, status),
        _ => {}
    }
}

/// Hands on what arrives until the other side closes, or the transport reports an error; `None` when the sink wants no
/// more.
async fn receive_until_end<T: Transport>(circuit: &Circuit<T>, mut buffer: Vec<u8>) -> Option<nt::Result> {
    // The bytes at the front of the buffer that the sink has not taken.
    let mut held = 0;
    let mut turn = Turn::of(RECEIVES_PER_TURN);
    loop {
        if held == buffer.len() {
            circuit.endpoint.abort();
            return Some(Err(Status::DATA_NOT_ACCEPTED));
        }
        turn.step().await;
        let (back, result) = circuit.receive(buffer, held).await;
        buffer = back;
        match result {
            Ok(0) => return Some(Ok(())),
            Ok(count) => held += count,
            Err(status) => return Some(Err(status)),
        }
        while held > 0 {
            let (Some(data), Some(sink)) = (buffer.get(..held), circuit.sink()) else {
                break;
            };
            if circuit.on(Event::Received) != Action::Deliver {
                held = 0;
                break;
            }
            let taken = match sink.receive(circuit.id, data) {
                Indication::Taken => held,
                Indication::Part(taken) => taken.min(held),
                Indication::Fill(wanted) => {
                    let end = fill(circuit, &sink, wanted).await;
                    if end != Ok(true) {
                        return Some(end.map(|_| ()));
                    }
                    held
                }
                Indication::Last => return None,
            };
            buffer.copy_within(taken..held, 0);
            held -= taken;
            if taken == 0 {
                break;
            }
        }
    }
}

/// Receives into a buffer of the sink's until it is full, and gives it back. `Ok(false)`: the other side closed before that.
async fn fill<T: Transport>(circuit: &Circuit<T>, sink: &Sink, mut buffer: Vec<u8>) -> nt::Result<bool> {
    let mut filled = 0;
    let end = loop {
        if filled == buffer.len() {
            break Ok(true);
        }
        let (back, result) = circuit.receive(buffer, filled).await;
        buffer = back;
        match result {
            Ok(0) => break Ok(false),
            Ok(count) => filled += count,
            Err(status) => break Err(status),
        }
    };
    let status = match end {
        Ok(true) => Status::SUCCESS,
        Ok(false) => Status::CONNECTION_DISCONNECTED,
        Err(status) => status,
    };
    if circuit.on(Event::Received) == Action::Deliver {
        sink.data_ready(circuit.id, buffer, filled, status);
    }
    end
}
