//! A connection: a remote address, its circuits, and who hears of what happens on them.

use crate::address::{Address, Opened};
use crate::circuit::VirtualCircuit;
use crate::connect::connect_any;
use crate::event::{CircuitId, ConnectionEvents};
use crate::family::{Counts, Family, Kind, Membership};
use crate::transport::Transport;
use alloc::boxed::Box;
use core::net::SocketAddr;
use core::time::Duration;
use executive::mem::Arc;
use executive::sync::SpinLock;
use nt::Status;

/// A connection to a remote address: RXCE_CONNECTION. Handles may be cloned; all are the same object.
pub struct Connection<T: Transport>(Arc<Established<T>>);

/// How to connect.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ConnectOptions {
    /// How long connecting may take, all addresses together.
    pub deadline: Duration,
    /// Bytes of each circuit's receive buffer: the most that one `receive` event brings. At least 1.
    pub receive_buffer: usize,
    /// Whether a circuit does nothing but be connected until [`VirtualCircuit::resume`]: so its builder can make itself
    /// ready for events, or decide against it.
    pub paused: bool,
}

impl Default for ConnectOptions {
    fn default() -> Self {
        ConnectOptions {
            deadline: Duration::from_secs(30),
            receive_buffer: 64 * 1024,
            paused: false,
        }
    }
}

pub(crate) type Sink = Arc<Box<dyn ConnectionEvents>>;

pub(crate) struct Established<T: Transport> {
    pub(crate) address: Arc<Opened<T>>,
    pub(crate) family: Arc<Family>,
    pub(crate) options: ConnectOptions,
    remote: SocketAddr,
    /// Given back on tear-down, so that a sink may own handles of what it hears from.
    sink: SpinLock<Option<Sink>>,
    memberships: SpinLock<Option<[Membership; 2]>>,
    next_circuit: SpinLock<u64>,
}

impl<T: Transport> Connection<T> {
    /// Connects from `address` to `remote` and builds the connection and its first circuit (RxCeBuildConnection). The bytes
    /// that arrive go to `events` from then on, perhaps before this returns. On failure, or when the future is dropped,
    /// nothing is left behind.
    ///
    /// # Errors
    /// `INVALID_PARAMETER` for an address that has been torn down or options out of range; `IO_TIMEOUT` after the deadline;
    /// `INSUFFICIENT_RESOURCES`; what [`Transport::connect`] reports.
    pub async fn build(
        address: &Address<T>,
        remote: SocketAddr,
        options: ConnectOptions,
        events: Box<dyn ConnectionEvents>,
    ) -> nt::Result<(Self, VirtualCircuit<T>)> {
        Self::build_any(address, &[remote], options, events).await
    }

    /// As [`Connection::build`], with several addresses of one host, best first: whichever answers first is taken. Each is
    /// tried as soon as the one before it has failed, or has kept silent for a quarter of a second.
    ///
    /// # Errors
    /// As for `build`, `INVALID_PARAMETER` for no address at all; when every address fails, what the last one reported.
    pub async fn build_any(
        address: &Address<T>,
        remotes: &[SocketAddr],
        options: ConnectOptions,
        events: Box<dyn ConnectionEvents>,
    ) -> nt::Result<(Self, VirtualCircuit<T>)> {
        if remotes.is_empty() || options.receive_buffer == 0 {
            return Err(Status::INVALID_PARAMETER);
        }
        let opened = &address.0;
        // Before anything is sent: while these are held, the address cannot be torn down.
        let memberships = [
            Family::admit(&opened.family, Kind::Connection)?,
            Family::admit(&opened.bound.family, Kind::Connection)?,
        ];
        let family = Family::try_new()?;
        let sink = Arc::try_new(events)?;
        let deadline = opened.bound.runtime.now() + options.deadline;
        let (remote, endpoint) = connect_any(opened, remotes, deadline).await?;
        let established = Established {
            address: opened.clone(),
            family,
            options,
            remote,
            sink: SpinLock::new(Some(sink)),
            memberships: SpinLock::new(Some(memberships)),
            next_circuit: SpinLock::new(0),
        };
        let connection = Connection(Arc::try_new(established)?);
        let circuit = VirtualCircuit::open(&connection.0, endpoint)?;
        Ok((connection, circuit))
    }

    /// Connects once more to the same remote address and adds a circuit (RxCeBuildVC).
    ///
    /// # Errors
    /// As for [`Connection::build`]; `INVALID_PARAMETER` when the connection has been torn down.
    pub async fn build_circuit(&self) -> nt::Result<VirtualCircuit<T>> {
        let opened = &self.0.address;
        // As in build: a parent stays until the circuit stands on it.
        let _staying = Family::admit(&self.0.family, Kind::Circuit)?;
        let deadline = opened.bound.runtime.now() + self.0.options.deadline;
        let (_, endpoint) = connect_any(opened, &[self.0.remote], deadline).await?;
        VirtualCircuit::open(&self.0, endpoint)
    }

    /// The address that answered.
    pub fn remote(&self) -> SocketAddr {
        self.0.remote
    }

    /// The circuits on it.
    ///
    /// # Errors
    /// `INVALID_PARAMETER` after tear-down.
    pub fn counts(&self) -> nt::Result<Counts> {
        self.0.family.counts()
    }

    /// Ends the connection and drops its sink (RxCeTearDownConnection).
    ///
    /// # Errors
    /// `INVALID_PARAMETER` while a circuit stands on it, and when that has been done already.
    pub fn tear_down(&self) -> nt::Result {
        self.0.family.dissolve()?;
        let sink = self.0.sink.lock().take();
        let memberships = self.0.memberships.lock().take();
        // The sink is foreign code's: it goes under no lock.
        drop(sink);
        drop(memberships);
        Ok(())
    }
}

impl<T: Transport> Clone for Connection<T> {
    fn clone(&self) -> Self {
        Connection(self.0.clone())
    }
}

impl<T: Transport> Established<T> {
    /// Who hears of what happens, until the connection is torn down.
    pub(crate) fn sink(&self) -> Option<Sink> {
        self.sink.lock().clone()
    }

    pub(crate) fn next_circuit_id(&self) -> CircuitId {
        let mut next = self.next_circuit.lock();
        let id = CircuitId(*next);
        *next += 1;
        id
    }

    /// A circuit's place with each of its parents.
    pub(crate) fn admit_circuit(&self) -> nt::Result<[Membership; 3]> {
        Ok([
            Family::admit(&self.family, Kind::Circuit)?,
            Family::admit(&self.address.family, Kind::Circuit)?,
            Family::admit(&self.address.bound.family, Kind::Circuit)?,
        ])
    }
}
