//! A TCP connection and the operations that wait for it.
//!
//! The socket never blocks. An operation is tried at once by whoever begins it; what cannot be done then waits here, with
//! its buffer, until the reactor says that the socket may be tried again.

use super::reactor::Reactor;
use super::status;
use alloc::collections::VecDeque;
use alloc::vec::Vec;
use executive::task::{Receiver, Sender, oneshot};
use mio::Token;
use mio::net::TcpStream;
use nt::Status;
use std::io::{ErrorKind, Read, Write};
use std::net::Shutdown;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A buffer that comes back, and what has become of it.
pub(super) type Outcome = (Vec<u8>, nt::Result<usize>);

/// How an operation begins: done at once, or waiting.
pub(super) enum Begun {
    Done(Outcome),
    Waiting(Receiver<Outcome>),
}

pub(super) struct Line {
    token: Token,
    reactor: &'static Reactor,
    sends: Mutex<Queue>,
    receives: Mutex<Queue>,
}

/// The operations of one direction, in order.
struct Queue {
    waiting: VecDeque<Job>,
    /// `None` after an abort. Closed when both directions have let go of it.
    stream: Option<Arc<TcpStream>>,
}

/// An operation on `buffer[at..]`.
struct Job {
    buffer: Vec<u8>,
    at: usize,
    done: Sender<Outcome>,
}

/// An operation that has ended, to be told of under no lock.
type Ended = (Sender<Outcome>, Outcome);

impl Line {
    /// Takes a connection over.
    pub(super) fn new(stream: std::net::TcpStream) -> nt::Result<Arc<Line>> {
        let prepared = stream
            .set_nodelay(true)
            .and_then(|()| stream.set_nonblocking(true));
        prepared.map_err(|error| status(&error))?;
        let reactor = Reactor::get()?;
        let token = reactor.token();
        let mut stream = TcpStream::from_std(stream);
        reactor
            .register(&mut stream, token)
            .map_err(|error| status(&error))?;
        let stream = Arc::new(stream);
        let queue = || Queue {
            waiting: VecDeque::new(),
            stream: Some(Arc::clone(&stream)),
        };
        let line = Arc::new(Line {
            token,
            reactor,
            sends: Mutex::new(queue()),
            receives: Mutex::new(queue()),
        });
        // What happened before this is found by whoever tries: every operation is tried before it waits.
        reactor.enter(token, &line);
        Ok(line)
    }

    /// Begins to send all of `data`, after what waits already.
    pub(super) fn send(&self, data: Vec<u8>) -> Begun {
        lock(&self.sends).begin(data, 0, write)
    }

    /// Begins to receive into `buffer[offset..]`, which is not empty.
    pub(super) fn receive(&self, buffer: Vec<u8>, offset: usize) -> Begun {
        lock(&self.receives).begin(buffer, offset, read)
    }

    /// Goes on with the sends that wait, as far as the socket takes them.
    pub(super) fn proceed_sending(&self) {
        proceed(&self.sends, write);
    }

    /// Goes on with the receives that wait, as far as there is something to receive.
    pub(super) fn proceed_receiving(&self) {
        proceed(&self.receives, read);
    }

    /// Ends the connection: what waits is cancelled, and so is everything later. When this returns for the first time, the
    /// socket is closed.
    pub(super) fn abort(&self) {
        // Both directions give it up before it is shut down: otherwise a receive would see an end that the other side has
        // not made.
        let given_up = [&self.sends, &self.receives].map(|queue| {
            let mut queue = lock(queue);
            (queue.stream.take(), core::mem::take(&mut queue.waiting))
        });
        for (stream, waiting) in given_up {
            if let Some(stream) = stream {
                // Fails when the other side has reset the connection already, and then there is nothing to end.
                let _already_gone = stream.shutdown(Shutdown::Both);
            }
            tell(waiting.into_iter().map(|job| job.end(Err(Status::CANCELLED))));
        }
    }
}

/// Tries an operation on `buffer[*at..]`; `None` when the socket cannot do it, or the rest of it, for now.
type Attempt = fn(stream: &TcpStream, buffer: &mut [u8], at: &mut usize) -> Option<nt::Result<usize>>;

fn write(mut stream: &TcpStream, data: &mut [u8], sent: &mut usize) -> Option<nt::Result<usize>> {
    loop {
        let rest = data.get(*sent..).unwrap_or_default();
        if rest.is_empty() {
            return Some(Ok(data.len()));
        }
        match stream.write(rest) {
            Ok(0) => return Some(Err(Status::CONNECTION_DISCONNECTED)),
            Ok(count) => *sent += count,
            Err(error) => match error.kind() {
                ErrorKind::Interrupted => {}
                ErrorKind::WouldBlock => return None,
                _ => return Some(Err(status(&error))),
            },
        }
    }
}

fn read(mut stream: &TcpStream, buffer: &mut [u8], offset: &mut usize) -> Option<nt::Result<usize>> {
    loop {
        let room = buffer.get_mut(*offset..).unwrap_or_default();
        match stream.read(room) {
            Ok(count) => return Some(Ok(count)),
            Err(error) => match error.kind() {
                ErrorKind::Interrupted => {}
                ErrorKind::WouldBlock => return None,
                _ => return Some(Err(status(&error))),
            },
        }
    }
}

fn proceed(queue: &Mutex<Queue>, attempt: Attempt) {
    loop {
        let mut queue = lock(queue);
        let queue_now = &mut *queue;
        let (Some(stream), Some(job)) = (&queue_now.stream, queue_now.waiting.front_mut()) else {
            return;
        };
        let Some(result) = attempt(stream, &mut job.buffer, &mut job.at) else {
            return;
        };
        let ended = queue.waiting.pop_front().map(|job| job.end(result));
        drop(queue);
        if let Some((done, outcome)) = ended {
            // The reactor has nothing to do but to bring news: a detour by a worker would be one more thread to wake up.
            let _unwanted = done.send_here(outcome);
        }
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.reactor.leave(self.token);
    }
}

impl Queue {
    /// Tries at once, and waits if that is not enough, or others wait already.
    fn begin(&mut self, mut buffer: Vec<u8>, mut at: usize, attempt: Attempt) -> Begun {
        let Some(stream) = &self.stream else {
            return Begun::Done((buffer, Err(Status::CANCELLED)));
        };
        if self.waiting.is_empty()
            && let Some(result) = attempt(stream, &mut buffer, &mut at)
        {
            return Begun::Done((buffer, result));
        }
        match oneshot() {
            Err(error) => Begun::Done((buffer, Err(error.into()))),
            Ok((done, ended)) => {
                self.waiting.push_back(Job { buffer, at, done });
                Begun::Waiting(ended)
            }
        }
    }
}

impl Job {
    fn end(self, result: nt::Result<usize>) -> Ended {
        (self.done, (self.buffer, result))
    }
}

fn tell(ended: impl IntoIterator<Item = Ended>) {
    for (done, outcome) in ended {
        // When nobody waits for it any more, the buffer is dropped here.
        let _unwanted = done.send(outcome);
    }
}

fn lock(queue: &Mutex<Queue>) -> MutexGuard<'_, Queue> {
    queue.lock().unwrap_or_else(PoisonError::into_inner)
}
