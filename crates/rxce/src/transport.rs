//! What the engine asks of a transport.

use alloc::vec::Vec;
use core::future::Future;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use nt::Name;

/// Makes connections: WSK in the kernel, sockets on a host, a network in memory under test.
///
/// # Invocation context
/// Called and polled up to APC_LEVEL; wakers may be called up to DISPATCH_LEVEL. A dropped future withdraws its request:
/// whatever the transport makes for it later, the transport itself puts away.
pub trait Transport: Send + Sync + 'static {
    /// An established connection.
    type Endpoint: Endpoint;

    /// The addresses of `host` (a name or a numeric address), best first, with `port`; never an empty list.
    ///
    /// # Errors
    /// `BAD_NETWORK_PATH` when there is no such host, `INSUFFICIENT_RESOURCES`, or the reason why it cannot be found out.
    fn resolve(&self, host: Name<'_>, port: u16) -> impl Future<Output = nt::Result<Vec<SocketAddr>>> + Send;

    /// Connects to `remote` from `local`; an unspecified `local` ([`unspecified`]) leaves the choice to the transport. Small
    /// sends go out at once (no Nagle). Has no deadline of its own to count on: the engine sets one.
    ///
    /// # Errors
    /// `CONNECTION_REFUSED`, `HOST_UNREACHABLE`, `NETWORK_UNREACHABLE`, `IO_TIMEOUT`, `INSUFFICIENT_RESOURCES`; about
    /// `local`, `INVALID_ADDRESS` or `NOT_SUPPORTED` when it is none of this machine's, `ADDRESS_ALREADY_EXISTS` when it is
    /// in use.
    fn connect(
        &self,
        local: SocketAddr,
        remote: SocketAddr,
    ) -> impl Future<Output = nt::Result<Self::Endpoint>> + Send;
}

/// One established stream connection.
///
/// An operation owns its buffer while it runs, and gives it back when it completes. The future only waits: when it is
/// dropped, the operation goes on, and the transport keeps the buffer until it has ended. Dropping an endpoint does what
/// [`Endpoint::abort`] and [`Endpoint::close`] do, without waiting.
///
/// # Invocation context
/// As for [`Transport`]; [`Endpoint::abort`] up to DISPATCH_LEVEL.
pub trait Endpoint: Send + Sync + 'static {
    /// Sends all of `data`, after whatever earlier calls send and never mixed with it (the order is that of the first
    /// polls). Completes with `data.len()` once the transport has taken over all of it, or with an error; on an error the
    /// other side has got any part of it. Several sends may be pending.
    ///
    /// # Errors
    /// `CANCELLED` after an abort, `CONNECTION_RESET`, `CONNECTION_ABORTED` or `CONNECTION_DISCONNECTED` when the
    /// connection is gone, `INSUFFICIENT_RESOURCES`.
    fn send(&self, data: Vec<u8>) -> impl Future<Output = (Vec<u8>, nt::Result<usize>)> + Send;

    /// Receives what has arrived, at least one byte, into `buffer[offset..]`; the buffer's length stays. Completes with the
    /// number of bytes, zero once the other side has closed in an orderly way and everything before that has been received.
    /// `buffer[offset..]` is not empty; one receive at a time.
    ///
    /// # Errors
    /// `CANCELLED` after an abort, `CONNECTION_RESET` or `CONNECTION_ABORTED` when the connection broke,
    /// `INVALID_PARAMETER` when there is no room after `offset`, `INSUFFICIENT_RESOURCES`.
    fn receive(
        &self,
        buffer: Vec<u8>,
        offset: usize,
    ) -> impl Future<Output = (Vec<u8>, nt::Result<usize>)> + Send;

    /// Ends the connection now: every pending operation completes soon (with `CANCELLED` unless it was done already), and so
    /// does every later one. Does not wait. Idempotent.
    fn abort(&self);

    /// Aborts if that has not been done, and waits until no operation is pending and what the transport keeps for the
    /// connection has been given back.
    ///
    /// # Errors
    /// What the transport reports; everything has been given back all the same.
    fn close(&self) -> impl Future<Output = nt::Result> + Send;
}

/// The local address that leaves the choice to the transport, of the same family as `remote`.
pub fn unspecified(remote: SocketAddr) -> SocketAddr {
    match remote {
        SocketAddr::V4(_) => SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0),
        SocketAddr::V6(_) => SocketAddr::new(IpAddr::V6(Ipv6Addr::UNSPECIFIED), 0),
    }
}
