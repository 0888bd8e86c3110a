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
    stream: TcpStream,
    token: Token,
    reactor: &'static Reactor,
    sends: Mutex<Queue>,
    receives: Mutex<Queue>,
}

/// The operations of one direction, in order.
#[derive(Default)]
struct Queue {
    waiting: VecDeque<Job>,
    aborted: bool,
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
        let line = Arc::new(Line {
            stream,
            token,
            reactor,
            sends: Mutex::default(),
            receives: Mutex::default(),
        });
        // What happened before this is found by whoever tries: every operation is tried before it waits.
        reactor.enter(token, &line);
        Ok(line)
    }

    /// Begins to send all of `data`, after what waits already.
    pub(super) fn send(&self, data: Vec<u8>) -> Begun {
        let mut sends = lock(&self.sends);
        if sends.aborted {
            return Begun::Done((data, Err(Status::CANCELLED)));
        }
        let mut sent = 0;
        if sends.waiting.is_empty() {
            match self.write(&data, &mut sent) {
                None => {}
                Some(result) => return Begun::Done((data, result)),
            }
        }
        sends.wait(data, sent)
    }

    /// Begins to receive into `buffer[offset..]`, which is not empty.
    pub(super) fn receive(&self, mut buffer: Vec<u8>, offset: usize) -> Begun {
        let mut receives = lock(&self.receives);
        if receives.aborted {
            return Begun::Done((buffer, Err(Status::CANCELLED)));
        }
        if receives.waiting.is_empty()
            && let Some(result) = self.read(&mut buffer, offset)
        {
            return Begun::Done((buffer, result));
        }
        receives.wait(buffer, offset)
    }

    /// Goes on with the sends that wait, as far as the socket takes them.
    pub(super) fn proceed_sending(&self) {
        self.proceed(&self.sends, |job| self.write(&job.buffer, &mut job.at));
    }

    /// Goes on with the receives that wait, as far as there is something to receive.
    pub(super) fn proceed_receiving(&self) {
        self.proceed(&self.receives, |job| self.read(&mut job.buffer, job.at));
    }

    fn proceed(&self, queue: &Mutex<Queue>, mut attempt: impl FnMut(&mut Job) -> Option<nt::Result<usize>>) {
        loop {
            let mut queue = lock(queue);
            let Some(job) = queue.waiting.front_mut() else {
                return;
            };
            let Some(result) = attempt(job) else { return };
            let ended = queue.waiting.pop_front().map(|job| job.end(result));
            drop(queue);
            tell(ended);
        }
    }

    /// Ends the connection: what waits is cancelled, and so is everything later.
    pub(super) fn abort(&self) {
        for queue in [&self.sends, &self.receives] {
            let mut queue = lock(queue);
            queue.aborted = true;
            let waiting = core::mem::take(&mut queue.waiting);
            drop(queue);
            tell(waiting.into_iter().map(|job| job.end(Err(Status::CANCELLED))));
        }
        // Fails when the other side has reset the connection already, and then there is nothing to end.
        let _already_gone = self.stream.shutdown(Shutdown::Both);
    }

    /// Writes what of `data` has not been; `None` when the socket takes no more for now.
    fn write(&self, data: &[u8], sent: &mut usize) -> Option<nt::Result<usize>> {
        loop {
            let rest = data.get(*sent..).unwrap_or_default();
            if rest.is_empty() {
                return Some(Ok(data.len()));
            }
            match (&self.stream).write(rest) {
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

    /// Reads into `buffer[offset..]`; `None` when there is nothing for now.
    fn read(&self, buffer: &mut [u8], offset: usize) -> Option<nt::Result<usize>> {
        loop {
            let room = buffer.get_mut(offset..).unwrap_or_default();
            match (&self.stream).read(room) {
                Ok(count) => return Some(Ok(count)),
                Err(error) => match error.kind() {
                    ErrorKind::Interrupted => {}
                    ErrorKind::WouldBlock => return None,
                    _ => return Some(Err(status(&error))),
                },
            }
        }
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.reactor.leave(self.token);
    }
}

impl Queue {
    fn wait(&mut self, buffer: Vec<u8>, at: usize) -> Begun {
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
