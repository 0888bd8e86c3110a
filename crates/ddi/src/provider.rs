//! The seam to the transports: what the driver or the host gives the engine when it starts it.
//!
//! The routines stand on one engine for the whole process, as RDBSS's do, so the transport behind them is chosen at run
//! time: [`Provider`] is what `rxce` asks of a transport, with the futures in boxes. [`Over`] makes one of any transport.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::future::Future;
use core::net::SocketAddr;
use core::pin::Pin;
use executive::mem::{AllocError, Arc, try_box};
use nt::{Name, Status};
use rxce::{Datagrams, Endpoint, Port, Transport};

/// A future in a box.
pub type Pending<'a, R> = Pin<Box<dyn Future<Output = R> + Send + 'a>>;

/// What a device carries.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Traffic {
    /// Connections.
    Streams,
    /// Datagrams.
    Datagrams,
}

/// A transport by the name that RxCeBuildTransport is given.
#[derive(Clone, Copy, Debug)]
pub struct Device {
    /// `\Device\Tcp`, say; compared without regard to case.
    pub name: &'static str,
    /// What it carries.
    pub traffic: Traffic,
    /// Whether its addresses are those of IPv6; otherwise of IPv4.
    pub ipv6: bool,
    /// Among several that connect, the lowest is best.
    pub rank: u32,
}

impl Device {
    /// Whether `address` is of the kind that it has.
    pub fn accepts(&self, address: &SocketAddr) -> bool {
        address.is_ipv6() == self.ipv6
    }

    pub(crate) fn is_named(&self, name: Name<'_>) -> bool {
        let mut units = name.as_units().iter();
        let mut same = true;
        for unit in self.name.encode_utf16() {
            same &= units
                .next()
                .is_some_and(|&other| nt::upcase(other) == nt::upcase(unit));
        }
        same && units.next().is_none()
    }
}

/// The devices that IP has, under the names that they have in NT.
pub const IP_DEVICES: [Device; 4] = [
    device("\\Device\\Tcp6", Traffic::Streams, true, 0),
    device("\\Device\\Tcp", Traffic::Streams, false, 1),
    device("\\Device\\Udp6", Traffic::Datagrams, true, 0),
    device("\\Device\\Udp", Traffic::Datagrams, false, 1),
];

const fn device(name: &'static str, traffic: Traffic, ipv6: bool, rank: u32) -> Device {
    Device {
        name,
        traffic,
        ipv6,
        rank,
    }
}

/// Makes connections and opens datagram addresses, on any of its devices.
///
/// # Invocation context
/// As for [`Transport`].
pub trait Provider: Send + Sync + 'static {
    /// What can be bound.
    fn devices(&self) -> &[Device];

    /// The hardware address of the adapter that `device` uses, if it has one.
    fn adapter_address(&self, device: &Device) -> Option<[u8; 6]>;

    /// [`Transport::connect`].
    ///
    /// # Errors
    /// [`AllocError`] when there is no memory for the box.
    fn connect(
        &self,
        local: SocketAddr,
        remote: SocketAddr,
    ) -> Result<Pending<'_, nt::Result<Box<dyn Line>>>, AllocError>;

    /// [`Datagrams::open`].
    ///
    /// # Errors
    /// As for [`Provider::connect`].
    fn open(&self, local: SocketAddr) -> Result<Pending<'_, nt::Result<Box<dyn Post>>>, AllocError>;
}

type Moved<R> = (Vec<u8>, nt::Result<R>);

/// An [`Endpoint`], its futures in boxes. A buffer is lost when there is no memory for the box.
#[expect(missing_docs, reason = "each is documented in Endpoint")]
pub trait Line: Send + Sync {
    fn send(&self, data: Vec<u8>) -> Result<Pending<'_, Moved<usize>>, AllocError>;
    fn receive(&self, buffer: Vec<u8>, offset: usize) -> Result<Pending<'_, Moved<usize>>, AllocError>;
    fn abort(&self);
    fn close(&self) -> Result<Pending<'_, nt::Result>, AllocError>;
}

/// A [`Port`], its futures in boxes. A buffer is lost when there is no memory for the box.
#[expect(missing_docs, reason = "each is documented in Port")]
pub trait Post: Send + Sync {
    fn local(&self) -> SocketAddr;
    fn send_to(&self, data: Vec<u8>, remote: SocketAddr) -> Result<Pending<'_, Moved<usize>>, AllocError>;
    fn receive_from(&self, buffer: Vec<u8>) -> Result<Pending<'_, Moved<(usize, SocketAddr)>>, AllocError>;
    fn abort(&self);
    fn close(&self) -> Result<Pending<'_, nt::Result>, AllocError>;
}

fn boxed<'a, R>(future: impl Future<Output = R> + Send + 'a) -> Result<Pending<'a, R>, AllocError> {
    Ok(Box::into_pin(try_box(future)?))
}

/// Any transport as a [`Provider`] of IP's devices.
pub struct Over<T> {
    transport: T,
    adapter_address: Option<[u8; 6]>,
}

impl<T: Datagrams> Over<T> {
    /// All of [`IP_DEVICES`] over `transport`; `adapter_address` is that of the adapter that it uses, if known.
    pub fn new(transport: T, adapter_address: Option<[u8; 6]>) -> Self {
        Over {
            transport,
            adapter_address,
        }
    }
}

impl<T: Datagrams> Provider for Over<T> {
    fn devices(&self) -> &[Device] {
        &IP_DEVICES
    }

    fn adapter_address(&self, _: &Device) -> Option<[u8; 6]> {
        self.adapter_address
    }

    fn connect(
        &self,
        local: SocketAddr,
        remote: SocketAddr,
    ) -> Result<Pending<'_, nt::Result<Box<dyn Line>>>, AllocError> {
        boxed(async move {
            let endpoint = self.transport.connect(local, remote).await?;
            let line: Box<dyn Line> = try_box(Lined(endpoint))?;
            Ok(line)
        })
    }

    fn open(&self, local: SocketAddr) -> Result<Pending<'_, nt::Result<Box<dyn Post>>>, AllocError> {
        boxed(async move {
            let port = self.transport.open(local).await?;
            let post: Box<dyn Post> = try_box(Posted(port))?;
            Ok(post)
        })
    }
}

struct Lined<E>(E);

impl<E: Endpoint> Line for Lined<E> {
    fn send(&self, data: Vec<u8>) -> Result<Pending<'_, Moved<usize>>, AllocError> {
        boxed(self.0.send(data))
    }
    fn receive(&self, buffer: Vec<u8>, offset: usize) -> Result<Pending<'_, Moved<usize>>, AllocError> {
        boxed(self.0.receive(buffer, offset))
    }
    fn abort(&self) {
        self.0.abort();
    }
    fn close(&self) -> Result<Pending<'_, nt::Result>, AllocError> {
        boxed(self.0.close())
    }
}

struct Posted<P>(P);

impl<P: Port> Post for Posted<P> {
    fn local(&self) -> SocketAddr {
        self.0.local()
    }
    fn send_to(&self, data: Vec<u8>, remote: SocketAddr) -> Result<Pending<'_, Moved<usize>>, AllocError> {
        boxed(self.0.send_to(data, remote))
    }
    fn receive_from(&self, buffer: Vec<u8>) -> Result<Pending<'_, Moved<(usize, SocketAddr)>>, AllocError> {
        boxed(self.0.receive_from(buffer))
    }
    fn abort(&self) {
        self.0.abort();
    }
    fn close(&self) -> Result<Pending<'_, nt::Result>, AllocError> {
        boxed(self.0.close())
    }
}

/// The provider that the engine was started with, as the transport that `rxce`'s objects stand on.
#[derive(Clone)]
pub(crate) struct Registered(Arc<Box<dyn Provider>>);

impl Registered {
    pub(crate) fn try_new(provider: Box<dyn Provider>) -> Result<Self, AllocError> {
        Ok(Registered(Arc::try_new(provider)?))
    }

    pub(crate) fn device(&self, name: Name<'_>) -> Option<Device> {
        self.0
            .devices()
            .iter()
            .find(|device| device.is_named(name))
            .copied()
    }

    pub(crate) fn adapter_address(&self, device: &Device) -> Option<[u8; 6]> {
        self.0.adapter_address(device)
    }
}

pub(crate) struct RegisteredLine(Box<dyn Line>);

pub(crate) struct RegisteredPost(Box<dyn Post>);

impl Transport for Registered {
    type Endpoint = RegisteredLine;

    async fn resolve(&self, _: Name<'_>, _: u16) -> nt::Result<Vec<SocketAddr>> {
        // The documented routines know no names, only addresses.
        Err(Status::NOT_SUPPORTED)
    }

    async fn connect(&self, local: SocketAddr, remote: SocketAddr) -> nt::Result<RegisteredLine> {
        let connecting = self.0.connect(local, remote)?;
        connecting.await.map(RegisteredLine)
    }
}

impl Datagrams for Registered {
    type Port = RegisteredPost;

    async fn open(&self, local: SocketAddr) -> nt::Result<RegisteredPost> {
        let opening = self.0.open(local)?;
        opening.await.map(RegisteredPost)
    }
}

/// What becomes of an operation that there was no memory to begin.
fn lost<R>(error: AllocError) -> Moved<R> {
    (Vec::new(), Err(error.into()))
}

/// Waits for a close. One that there is no memory for is an abort: what it would wait for goes with its object, which
/// aborts too.
async fn closed(closing: Result<Pending<'_, nt::Result>, AllocError>, abort: impl FnOnce()) -> nt::Result {
    match closing {
        Ok(closing) => closing.await,
        Err(_) => {
            abort();
            Ok(())
        }
    }
}

impl Endpoint for RegisteredLine {
    async fn send(&self, data: Vec<u8>) -> Moved<usize> {
        match self.0.send(data) {
            Ok(sending) => sending.await,
            Err(error) => lost(error),
        }
    }

    async fn receive(&self, buffer: Vec<u8>, offset: usize) -> Moved<usize> {
        match self.0.receive(buffer, offset) {
            Ok(receiving) => receiving.await,
            Err(error) => lost(error),
        }
    }

    fn abort(&self) {
        self.0.abort();
    }

    async fn close(&self) -> nt::Result {
        closed(self.0.close(), || self.0.abort()).await
    }
}

impl Port for RegisteredPost {
    fn local(&self) -> SocketAddr {
        self.0.local()
    }

    async fn send_to(&self, data: Vec<u8>, remote: SocketAddr) -> Moved<usize> {
        match self.0.send_to(data, remote) {
            Ok(sending) => sending.await,
            Err(error) => lost(error),
        }
    }

    async fn receive_from(&self, buffer: Vec<u8>) -> Moved<(usize, SocketAddr)> {
        match self.0.receive_from(buffer) {
            Ok(receiving) => receiving.await,
            Err(error) => lost(error),
        }
    }

    fn abort(&self) {
        self.0.abort();
    }

    async fn close(&self) -> nt::Result {
        closed(self.0.close(), || self.0.abort()).await
    }
}
