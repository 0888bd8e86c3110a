//! UDP over std's sockets: as for TCP, two threads serve each port.

use super::{Sockets, on_a_thread, status};
use crate::datagram::{Datagrams, Port};
use alloc::vec::Vec;
use core::net::SocketAddr;
use core::sync::atomic::{AtomicBool, Ordering};
use executive::task::{Sender, oneshot};
use nt::Status;
use std::io::{self, ErrorKind};
use std::net::UdpSocket;
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread;
use std::time::Duration;

/// How soon a waiting receive sees that it has been called off.
const CALL_OFF: Duration = Duration::from_millis(20);

/// What is left of an IPv4 packet after its headers.
const LARGEST: usize = 65_507;

type Outcome = (Vec<u8>, nt::Result<(usize, SocketAddr)>);

/// An open UDP socket.
pub struct SocketPort {
    shared: Arc<Shared>,
    sender: mpsc::Sender<Job>,
    receiver: mpsc::Sender<Job>,
}

struct Shared {
    /// `None` once closed.
    socket: Mutex<Option<Arc<UdpSocket>>>,
    local: SocketAddr,
    aborted: AtomicBool,
}

/// One operation on its way to a thread.
struct Job {
    buffer: Vec<u8>,
    remote: SocketAddr,
    done: Sender<Outcome>,
}

impl Datagrams for Sockets {
    type Port = SocketPort;

    async fn open(&self, local: SocketAddr) -> nt::Result<SocketPort> {
        let bound = on_a_thread(move || {
            let socket = UdpSocket::bind(local)?;
            socket.set_read_timeout(Some(CALL_OFF))?;
            let local = socket.local_addr()?;
            Ok::<_, io::Error>((socket, local))
        })
        .await?;
        let (socket, local) = bound.map_err(|error| status(&error))?;
        let shared = Arc::new(Shared {
            socket: Mutex::new(Some(Arc::new(socket))),
            local,
            aborted: AtomicBool::new(false),
        });
        let sender = worker(&shared, |_, socket, data, remote| {
            let sent = socket.send_to(data, remote)?;
            Ok((sent, remote))
        })?;
        let receiver = worker(&shared, |shared, socket, room, _| {
            loop {
                match socket.recv_from(room) {
                    Err(error) if passes(&error) && !shared.aborted.load(Ordering::SeqCst) => {}
                    other => return other,
                }
            }
        })?;
        Ok(SocketPort {
            shared,
            sender,
            receiver,
        })
    }
}

/// Whether a receive may be tried again. A refused datagram is reported to the socket that sent it; it concerns no receive.
fn passes(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::Interrupted
            | ErrorKind::WouldBlock
            | ErrorKind::TimedOut
            | ErrorKind::ConnectionRefused
            | ErrorKind::ConnectionReset
    )
}

impl SocketPort {
    async fn run(&self, thread: &mpsc::Sender<Job>, buffer: Vec<u8>, remote: SocketAddr) -> Outcome {
        let (done, ended) = match oneshot() {
            Ok(channel) => channel,
            Err(error) => return (buffer, Err(error.into())),
        };
        if let Err(mpsc::SendError(job)) = thread.send(Job { buffer, remote, done }) {
            return (job.buffer, Err(Status::CANCELLED));
        }
        ended
            .await
            .unwrap_or_else(|_| (Vec::new(), Err(Status::CANCELLED)))
    }
}

impl Port for SocketPort {
    fn local(&self) -> SocketAddr {
        self.shared.local
    }

    async fn send_to(&self, data: Vec<u8>, remote: SocketAddr) -> (Vec<u8>, nt::Result<usize>) {
        if data.len() > LARGEST {
            return (data, Err(Status::INVALID_BUFFER_SIZE));
        }
        let (data, result) = self.run(&self.sender, data, remote).await;
        (data, result.map(|(count, _)| count))
    }

    async fn receive_from(&self, buffer: Vec<u8>) -> Outcome {
        self.run(&self.receiver, buffer, self.shared.local).await
    }

    fn abort(&self) {
        self.shared.aborted.store(true, Ordering::SeqCst);
    }

    async fn close(&self) -> nt::Result {
        self.abort();
        // Each thread works in order: when it has come to this empty job, nothing earlier is pending.
        let (_, _sent) = self.run(&self.sender, Vec::new(), self.shared.local).await;
        let (_, _received) = self.run(&self.receiver, Vec::new(), self.shared.local).await;
        drop(self.shared.take());
        Ok(())
    }
}

impl Drop for SocketPort {
    fn drop(&mut self) {
        self.abort();
    }
}

impl Shared {
    fn socket(&self) -> Option<Arc<UdpSocket>> {
        self.socket.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn take(&self) -> Option<Arc<UdpSocket>> {
        self.socket.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// Starts a thread that does its jobs one after the other, until nobody can send it one any more.
fn worker(
    shared: &Arc<Shared>,
    operation: impl Fn(&Shared, &UdpSocket, &mut [u8], SocketAddr) -> io::Result<(usize, SocketAddr)>
    + Send
    + 'static,
) -> nt::Result<mpsc::Sender<Job>> {
    let (sender, jobs) = mpsc::channel::<Job>();
    let shared = Arc::clone(shared);
    let work = move || {
        for mut job in jobs {
            let aborted = || shared.aborted.load(Ordering::SeqCst);
            let result = match shared.socket().filter(|_| !aborted()) {
                None => Err(Status::CANCELLED),
                Some(socket) => match operation(&shared, &socket, &mut job.buffer, job.remote) {
                    Ok(done) => Ok(done),
                    Err(_) if aborted() => Err(Status::CANCELLED),
                    Err(error) => Err(status(&error)),
                },
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
