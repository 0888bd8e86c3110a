//! TCP and UDP over the host's sockets, for any host that has them.
//!
//! One thread of the process waits for all TCP sockets (`reactor`); none of them ever blocks anybody. Operations that wait
//! lie with their connection (`line`), which is how they outlive a dropped future. UDP has two threads for each port.
//! Unlike kernel code this may allocate infallibly: it is never part of a driver.

mod line;
mod port;
mod reactor;

use crate::transport::{Endpoint, Transport};
use alloc::string::ToString;
use alloc::vec::Vec;
use core::net::SocketAddr;
use core::time::Duration;
use executive::task::oneshot;
use line::{Begun, Line, Outcome};
use nt::{Name, Status};
use socket2::{Domain, Protocol, Socket, Type};
use std::io::{self, ErrorKind};
use std::net::{TcpStream, ToSocketAddrs};
use std::sync::Arc;
use std::thread;

/// How long a connect may hold on to its thread after everyone has stopped waiting for it.
const CONNECT_LIMIT: Duration = Duration::from_secs(60);

pub use port::SocketPort;

/// The host's TCP, and UDP.
#[derive(Clone, Copy, Default, Debug)]
pub struct Sockets;

impl Transport for Sockets {
    type Endpoint = SocketEndpoint;

    async fn resolve(&self, host: Name<'_>, port: u16) -> nt::Result<Vec<SocketAddr>> {
        let host = host.to_string();
        let found = on_a_thread(move || (host.as_str(), port).to_socket_addrs().map(Vec::from_iter)).await?;
        match found {
            Ok(addresses) if !addresses.is_empty() => Ok(addresses),
            _ => Err(Status::BAD_NETWORK_PATH),
        }
    }

    async fn connect(&self, local: SocketAddr, remote: SocketAddr) -> nt::Result<SocketEndpoint> {
        let stream = on_a_thread(move || establish(local, remote)).await?;
        let line = Line::new(stream.map_err(|error| status(&error))?)?;
        Ok(SocketEndpoint(line))
    }
}

/// Connects to `remote`, from `local` unless that leaves the choice to the system.
fn establish(local: SocketAddr, remote: SocketAddr) -> io::Result<TcpStream> {
    if local.ip().is_unspecified() && local.port() == 0 {
        return TcpStream::connect_timeout(&remote, CONNECT_LIMIT);
    }
    let socket = Socket::new(Domain::for_address(remote), Type::STREAM, Some(Protocol::TCP))?;
    socket.bind(&local.into())?;
    socket.connect_timeout(&remote.into(), CONNECT_LIMIT)?;
    Ok(socket.into())
}

/// An established TCP connection.
pub struct SocketEndpoint(Arc<Line>);

impl Endpoint for SocketEndpoint {
    async fn send(&self, data: Vec<u8>) -> (Vec<u8>, nt::Result<usize>) {
        ended(self.0.send(data)).await
    }

    async fn receive(&self, buffer: Vec<u8>, offset: usize) -> (Vec<u8>, nt::Result<usize>) {
        if offset >= buffer.len() {
            return (buffer, Err(Status::INVALID_PARAMETER));
        }
        ended(self.0.receive(buffer, offset)).await
    }

    fn abort(&self) {
        self.0.abort();
    }

    async fn close(&self) -> nt::Result {
        // Whatever waited has been told, and the socket is closed.
        self.0.abort();
        Ok(())
    }
}

impl Drop for SocketEndpoint {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn ended(begun: Begun) -> Outcome {
    match begun {
        Begun::Done(outcome) => outcome,
        Begun::Waiting(ended) => ended
            .await
            .unwrap_or_else(|_| (Vec::new(), Err(Status::CONNECTION_DISCONNECTED))),
    }
}

/// What `body` returns, run on a helper thread. When nobody waits for it any more, it is dropped there.
async fn on_a_thread<R: Send + 'static>(body: impl FnOnce() -> R + Send + 'static) -> nt::Result<R> {
    let (done, ended) = oneshot()?;
    let work = move || drop(done.send(body()));
    thread::Builder::new()
        .spawn(work)
        .map_err(|_| Status::INSUFFICIENT_RESOURCES)?;
    ended.await.map_err(|_| Status::UNEXPECTED_NETWORK_ERROR)
}

/// The NT name of a socket's error.
fn status(error: &io::Error) -> Status {
    match error.kind() {
        ErrorKind::ConnectionRefused => Status::CONNECTION_REFUSED,
        ErrorKind::ConnectionReset => Status::CONNECTION_RESET,
        ErrorKind::ConnectionAborted => Status::CONNECTION_ABORTED,
        ErrorKind::BrokenPipe | ErrorKind::NotConnected => Status::CONNECTION_DISCONNECTED,
        ErrorKind::HostUnreachable => Status::HOST_UNREACHABLE,
        ErrorKind::NetworkUnreachable => Status::NETWORK_UNREACHABLE,
        ErrorKind::TimedOut | ErrorKind::WouldBlock => Status::IO_TIMEOUT,
        ErrorKind::OutOfMemory => Status::INSUFFICIENT_RESOURCES,
        ErrorKind::AddrInUse => Status::ADDRESS_ALREADY_EXISTS,
        ErrorKind::AddrNotAvailable | ErrorKind::InvalidInput => Status::INVALID_ADDRESS,
        _ => Status::UNEXPECTED_NETWORK_ERROR,
    }
}
