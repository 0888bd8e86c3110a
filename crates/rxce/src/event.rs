//! What happens on a connection, and who hears of it.

use alloc::vec::Vec;
use nt::Status;

/// Tells apart the circuits of one connection; never used again after a circuit has gone.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct CircuitId(pub u64);

/// How the other side ended a circuit (TDI_DISCONNECT_RELEASE, TDI_DISCONNECT_ABORT).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Disconnection {
    /// It closed in an orderly way, after everything it had to say.
    Released,
    /// It reset the connection; some of what it said may be lost.
    Aborted,
}

/// What a sink did with the bytes it was shown.
#[derive(Debug)]
pub enum Indication {
    /// It took all of them.
    Taken,
    /// It took so many, the first ones. The others are shown again: at once if it took any, otherwise together with what
    /// arrives next. When it has refused a whole receive buffer, the circuit fails with `DATA_NOT_ACCEPTED`.
    Part(usize),
    /// It took all of them, and wants the bytes that follow put straight into this buffer (`MORE_PROCESSING_REQUIRED` with a
    /// buffer, in the documented routines). [`ConnectionEvents::data_ready`] gives it back when it is full.
    Fill(Vec<u8>),
    /// It took all of them and wants no more: nothing further is received on the circuit, and no end of it is told. For a
    /// circuit that is about to be torn down, which then has no receive to break off.
    Last,
}

/// Hears of what happens on a connection's circuits: RXCE_CONNECTION_EVENT_HANDLER.
///
/// # Invocation context
/// At PASSIVE_LEVEL on a thread of the runtime, with no lock of the engine held; for one circuit, one call at a time. It may
/// submit sends, and may wait for a lock; while it runs, nothing more is received on that circuit, and no submitted send
/// begins. It must not wait for a tear-down of its own circuit, which waits for it, nor for another call to come.
pub trait ConnectionEvents: Send + Sync + 'static {
    /// Bytes have arrived, at least one, in order.
    fn receive(&self, circuit: CircuitId, data: &[u8]) -> Indication;

    /// The buffer from [`Indication::Fill`] comes back with `filled` bytes in it: all of it with `SUCCESS`, or less with the
    /// reason why no more will come (`disconnect` or `error` follows).
    fn data_ready(&self, circuit: CircuitId, buffer: Vec<u8>, filled: usize, status: Status);

    /// The other side has ended the circuit. Told once, and never after this side has asked for it.
    fn disconnect(&self, circuit: CircuitId, how: Disconnection);

    /// The transport has failed for a reason of its own, and the circuit is disconnected. Told once, instead of
    /// `disconnect`.
    fn error(&self, circuit: CircuitId, status: Status);

    /// A send that was submitted with `context` is handed to the transport. `send_complete` follows.
    fn send_submitted(&self, circuit: CircuitId, context: usize) {
        let _unused = (circuit, context);
    }

    /// A send that was submitted with `context` has ended; its buffer comes back. Told for each of them, at the latest while
    /// the circuit is torn down.
    fn send_complete(&self, circuit: CircuitId, context: usize, data: Vec<u8>, result: nt::Result<usize>) {
        let _unused = (circuit, context, data, result);
    }
}
