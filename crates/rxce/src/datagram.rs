//! Datagrams: a local address that sends and receives them.

use crate::address::Address;
use crate::binding::Binding;
use crate::transport::Transport;
use crate::turn::Turn;
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::future::Future;
use core::net::SocketAddr;
use executive::mem::{Arc, TryZeroed};
use executive::sync::SpinLock;
use executive::task::Notify;
use nt::Status;

/// The most that one datagram holds: what IPv4 and IPv6 without jumbograms can carry.
const LARGEST: usize = 64 * 1024;

/// Datagrams that may come without a wait before others on the same thread have a turn.
const DATAGRAMS_PER_TURN: usize = 64;

/// A transport that has datagrams, too.
pub trait Datagrams: Transport {
    /// An open local address.
    type Port: Port;

    /// Opens `local` for datagrams; port zero leaves the choice of the port to the transport.
    ///
    /// # Errors
    /// `ADDRESS_ALREADY_EXISTS` when it is in use, `INVALID_ADDRESS` when it is not local, `INSUFFICIENT_RESOURCES`.
    fn open(&self, local: SocketAddr) -> impl Future<Output = nt::Result<Self::Port>> + Send;
}

/// An open local address for datagrams. As for [`Endpoint`](crate::Endpoint), an operation owns its buffer and outlives its
/// future.
///
/// # Invocation context
/// As for [`Endpoint`](crate::Endpoint).
pub trait Port: Send + Sync + 'static {
    /// The address that it has.
    fn local(&self) -> SocketAddr;

    /// Sends `data`, which is not empty, as one datagram.
    ///
    /// # Errors
    /// `INVALID_BUFFER_SIZE` for more than a datagram holds; `CANCELLED` after an abort; what the transport reports.
    fn send_to(
        &self,
        data: Vec<u8>,
        remote: SocketAddr,
    ) -> impl Future<Output = (Vec<u8>, nt::Result<usize>)> + Send;

    /// Receives one datagram into `buffer`, cut to fit, and says how long it is and where it comes from. One at a time.
    ///
    /// # Errors
    /// `CANCELLED` after an abort; what the transport reports, and that only when no further receive can succeed.
    fn receive_from(
        &self,
        buffer: Vec<u8>,
    ) -> impl Future<Output = (Vec<u8>, nt::Result<(usize, SocketAddr)>)> + Send;

    /// Ends it now: every operation completes soon. Does not wait. Idempotent.
    fn abort(&self);

    /// Aborts, waits until nothing is pending, and gives the address up.
    ///
    /// # Errors
    /// What the transport reports; everything has been given back all the same.
    fn close(&self) -> impl Future<Output = nt::Result> + Send;
}

/// Hears of what happens on a datagram address: RXCE_ADDRESS_EVENT_HANDLER.
///
/// # Invocation context
/// As for [`ConnectionEvents`](crate::ConnectionEvents); `send_complete` may run beside the others and itself.
pub trait AddressEvents: Send + Sync + 'static {
    /// A datagram has come from `source`.
    fn receive(&self, source: SocketAddr, data: &[u8]);

    /// The address is of no use any more. Told once.
    fn error(&self, status: Status);

    /// A datagram that was submitted with `context` has ended. Told for each of them, at the latest during tear-down.
    fn send_complete(&self, context: usize, result: nt::Result<usize>);
}

/// A local address for datagrams. Handles may be cloned; all are the same object.
///
/// The last handle that is dropped without [`DatagramAddress::tear_down`] closes it too, but waits for nothing.
pub struct DatagramAddress<T: Datagrams>(Arc<Handle<T>>);

/// What all handles share, and the receive pump does not.
struct Handle<T: Datagrams>(Arc<Open<T>>);

impl<T: Datagrams> Drop for Handle<T> {
    fn drop(&mut self) {
        self.0.life.lock().active = false;
        self.0.port.abort();
    }
}

struct Open<T: Datagrams> {
    address: Address<T>,
    port: T::Port,
    events: Box<dyn AddressEvents>,
    life: SpinLock<Life>,
    /// Told when `Life::in_flight` falls to zero.
    quiet: Notify,
}

struct Life {
    /// Neither failed nor being torn down.
    active: bool,
    torn_down: bool,
    /// Sends, and the receive pump.
    in_flight: usize,
}

impl<T: Datagrams> DatagramAddress<T> {
    /// Opens `local` and begins to receive.
    ///
    /// # Errors
    /// `INVALID_PARAMETER` when the binding has been torn down; `INSUFFICIENT_RESOURCES`; what [`Datagrams::open`] reports.
    pub async fn build(
        binding: &Binding<T>,
        local: SocketAddr,
        events: Box<dyn AddressEvents>,
    ) -> nt::Result<Self> {
        let address = Address::build(binding, Some(local))?;
        let buffer = Vec::try_zeroed(LARGEST)?;
        let port = binding.transport().open(local).await?;
        let open = Arc::try_new(Open {
            address,
            port,
            events,
            life: SpinLock::new(Life {
                active: true,
                torn_down: false,
                in_flight: 0,
            }),
            quiet: Notify::new(),
        })?;
        let handle = Arc::try_new(Handle(open.clone()))?;
        let flight = InFlight::begin(&open)?;
        binding.runtime().spawn(pump(flight, buffer))?;
        Ok(DatagramAddress(handle))
    }

    /// The address that it has.
    pub fn local(&self) -> SocketAddr {
        self.open().port.local()
    }

    /// Begins to send `data` to `remote` as one datagram; `send_complete` hears `context` when that has ended. Datagrams may
    /// overtake each other.
    ///
    /// # Errors
    /// `INVALID_PARAMETER` after a failure and during and after tear-down; `INSUFFICIENT_RESOURCES`. The sink hears nothing
    /// then.
    pub fn submit(&self, data: Vec<u8>, remote: SocketAddr, context: usize) -> nt::Result {
        let flight = InFlight::begin(self.open())?;
        let sending = async move {
            let (_, result) = flight.0.port.send_to(data, remote).await;
            flight.0.events.send_complete(context, result);
            drop(flight);
        };
        self.open().address.binding().runtime().spawn(sending)?;
        Ok(())
    }

    /// Closes it. When this returns, every send has ended and no callback will come. Not to be awaited in a callback.
    ///
    /// # Errors
    /// `INVALID_PARAMETER` when that has been begun already; what [`Port::close`] reports.
    pub async fn tear_down(&self) -> nt::Result {
        let open = self.open();
        {
            let mut life = open.life.lock();
            if core::mem::replace(&mut life.torn_down, true) {
                return Err(Status::INVALID_PARAMETER);
            }
            life.active = false;
        }
        open.port.abort();
        loop {
            let quiet = open.quiet.notified();
            if open.life.lock().in_flight == 0 {
                break;
            }
            quiet.await;
        }
        let closed = open.port.close().await;
        open.address.tear_down()?;
        closed
    }

    fn open(&self) -> &Arc<Open<T>> {
        &self.0.0
    }
}

impl<T: Datagrams> Clone for DatagramAddress<T> {
    fn clone(&self) -> Self {
        DatagramAddress(self.0.clone())
    }
}

/// Something that tear-down waits for.
struct InFlight<T: Datagrams>(Arc<Open<T>>);

impl<T: Datagrams> InFlight<T> {
    fn begin(open: &Arc<Open<T>>) -> nt::Result<Self> {
        let mut life = open.life.lock();
        if !life.active {
            return Err(Status::INVALID_PARAMETER);
        }
        life.in_flight += 1;
        drop(life);
        Ok(InFlight(open.clone()))
    }
}

impl<T: Datagrams> Drop for InFlight<T> {
    fn drop(&mut self) {
        let mut life = self.0.life.lock();
        life.in_flight -= 1;
        let quiet = life.in_flight == 0;
        drop(life);
        if quiet {
            self.0.quiet.notify_all();
        }
    }
}

/// Receives until the address ends.
async fn pump<T: Datagrams>(flight: InFlight<T>, mut buffer: Vec<u8>) {
    let open = &flight.0;
    let mut turn = Turn::of(DATAGRAMS_PER_TURN);
    let status = loop {
        turn.step().await;
        let (back, result) = open.port.receive_from(buffer).await;
        buffer = back;
        let (count, source) = match result {
            Ok(received) => received,
            Err(status) => break status,
        };
        if !open.life.lock().active {
            return;
        }
        if let Some(data) = buffer.get(..count) {
            open.events.receive(source, data);
        }
    };
    let failed = core::mem::replace(&mut open.life.lock().active, false);
    if failed {
        open.events.error(status);
    }
}
