//! TCP and UDP over std's sockets, for any host that has them.
//!
//! std knows blocking sockets alone, so each endpoint has two threads of its own: one sends, one receives. An operation is
//! handed to its thread together with its buffer, which is how it outlives a dropped future. Unlike kernel code this may
//! allocate infallibly: it is never part of a driver.

mod port;

use crate::transport::{Endpoint, Transport};
use alloc::string::ToString;
use alloc::vec::Vec;
use core::net::SocketAddr;
use core::sync::atomic::{AtomicBool, Ordering};
use executive::task::{Sender, oneshot};
use nt::{Name, Status};
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream, ToSocketAddrs};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

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
        if !local.ip().is_unspecified() || local.port() != 0 {
            return Err(Status::NOT_SUPPORTED);
        }
        let stream = on_a_thread(move || TcpStream::connect_timeout(&remote, CONNECT_LIMIT)).await?;
        SocketEndpoint::new(stream.map_err(|error| status(&error))?)
    }
}

/// An established TCP connection.
pub struct SocketEndpoint {
    line: Arc<Line>,
    sender: mpsc::Sender<Job>,
    receiver: mpsc::Sender<Job>,
}

/// What the endpoint and its threads share.
struct Line {
    stream: TcpStream,
    aborted: AtomicBool,
}

/// One operation on its way to a thread: `buffer[offset..]` is sent, or received into.
struct Job {
    buffer: Vec<u8>,
    offset: usize,
    done: Sender<(Vec<u8>, nt::Result<usize>)>,
}

impl SocketEndpoint {
    fn new(stream: TcpStream) -> nt::Result<Self> {
        stream.set_nodelay(true).map_err(|error| status(&error))?;
        let line = Arc::new(Line {
            stream,
            aborted: AtomicBool::new(false),
        });
        let sender = worker(&line, |mut stream, data| {
            stream.write_all(data).map(|()| data.len())
        })?;
        let receiver = worker(&line, |mut stream, room| {
            loop {
                match stream.read(room) {
                    Err(error) if error.kind() == ErrorKind::Interrupted => {}
                    other => return other,
                }
            }
        })?;
        Ok(SocketEndpoint {
            line,
            sender,
            receiver,
        })
    }

    async fn run(
        &self,
        thread: &mpsc::Sender<Job>,
        buffer: Vec<u8>,
        offset: usize,
    ) -> (Vec<u8>, nt::Result<usize>) {
        let (done, ended) = match oneshot() {
            Ok(channel) => channel,
            Err(error) => return (buffer, Err(error.into())),
        };
        if let Err(mpsc::SendError(job)) = thread.send(Job { buffer, offset, done }) {
            return (job.buffer, Err(Status::CONNECTION_DISCONNECTED));
        }
        ended
            .await
            .unwrap_or_else(|_| (Vec::new(), Err(Status::CONNECTION_DISCONNECTED)))
    }
}

impl Endpoint for SocketEndpoint {
    async fn send(&self, data: Vec<u8>) -> (Vec<u8>, nt::Result<usize>) {
        self.run(&self.sender, data, 0).await
    }

    async fn receive(&self, buffer: Vec<u8>, offset: usize) -> (Vec<u8>, nt::Result<usize>) {
        if offset >= buffer.len() {
            return (buffer, Err(Status::INVALID_PARAMETER));
        }
        self.run(&self.receiver, buffer, offset).await
    }

    fn abort(&self) {
        self.line.aborted.store(true, Ordering::SeqCst);
        // Fails when the other side has reset the connection already, and then every operation fails by itself.
        let _already_gone = self.line.stream.shutdown(Shutdown::Both);
    }

    async fn close(&self) -> nt::Result {
        self.abort();
        // Each thread works in order: when it has come to this empty job, nothing earlier is pending.
        let (_, _sent) = self.run(&self.sender, Vec::new(), 0).await;
        let (_, _received) = self.run(&self.receiver, Vec::new(), 0).await;
        Ok(())
    }
}

impl Drop for SocketEndpoint {
    fn drop(&mut self) {
        // Frees the threads from the operation they are in; they end when they find their channel closed.
        self.abort();
    }
}

/// Starts a thread that does its jobs one after the other, each by `operation`, until nobody can send it one any more.
fn worker(
    line: &Arc<Line>,
    operation: impl Fn(&TcpStream, &mut [u8]) -> io::Result<usize> + Send + 'static,
) -> nt::Result<mpsc::Sender<Job>> {
    let (sender, jobs) = mpsc::channel::<Job>();
    let line = Arc::clone(line);
    let work = move || {
        for mut job in jobs {
            let part = job.buffer.get_mut(job.offset..).unwrap_or_default();
            let aborted = || line.aborted.load(Ordering::SeqCst);
            let result = match if aborted() {
                Ok(0)
            } else {
                operation(&line.stream, part)
            } {
                Ok(count) if count > 0 => Ok(count),
                // A shut-down socket reads as if the other side had closed.
                Ok(_) | Err(_) if aborted() => Err(Status::CANCELLED),
                Ok(count) => Ok(count),
                Err(error) => Err(status(&error)),
            };
            // When nobody waits for it any more, the buffer is dropped here.
            let _unwanted = job.done.send((job.buffer, result));
        }
    };
    thread::Builder::new()
        .spawn(work)
        .map_err(|_| Status::INSUFFICIENT_RESOURCES)?;
    Ok(sender)
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
        ErrorKind::AddrNotAvailable | ErrorKind::InvalidInput => Status::INVALID_ADDRESS,
        _ => Status::UNEXPECTED_NETWORK_ERROR,
    }
}
