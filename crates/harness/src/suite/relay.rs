//! A relay in front of a server that can hold the server's answers back: what is asked meanwhile stays under way.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use client::names::Unc;

use crate::failure::Failure;

/// The port of a server whose name states none.
const DEFAULT_PORT: u16 = 564;
const CHUNK_BYTES: usize = 64 * 1024;

/// The relay. When dropped it closes its connections and ends its threads.
pub(crate) struct Relay {
    share: Unc,
    port: u16,
    line: Arc<Line>,
    acceptor: Option<JoinHandle<()>>,
}

/// What the relay's threads share.
#[derive(Default)]
struct Line {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    holding: bool,
    closed: bool,
    /// Both ends of every connection.
    streams: Vec<TcpStream>,
    pumps: Vec<JoinHandle<()>>,
}

impl Relay {
    /// A relay in front of the server of `share`, on a port of its own.
    pub(crate) fn new(share: &Unc) -> Result<Self, Failure> {
        let host = String::from_utf16_lossy(share.host());
        let host = host.split('@').next().unwrap_or_default().to_owned();
        let server = (host, share.port().unwrap_or(DEFAULT_PORT));
        let listener = TcpListener::bind(("127.0.0.1", 0))?;
        let port = listener.local_addr()?.port();
        let name = format!(r"\\127.0.0.1@{port}{}", String::from_utf16_lossy(share.share()));
        let share =
            Unc::parse_str(&name).map_err(|problem| Failure::Wrong(format!("{name}: {problem:?}")))?;
        let line = Arc::new(Line::default());
        let acceptor = {
            let line = Arc::clone(&line);
            thread::spawn(move || {
                while let Ok((client, _)) = listener.accept() {
                    if line.lock().closed {
                        break;
                    }
                    // A connection that cannot be made is closed: whoever made it sees that.
                    let _made = TcpStream::connect((server.0.as_str(), server.1))
                        .and_then(|server| line.join(client, server));
                }
            })
        };
        Ok(Self {
            share,
            port,
            line,
            acceptor: Some(acceptor),
        })
    }

    /// The share as it is called through the relay.
    pub(crate) fn share(&self) -> &Unc {
        &self.share
    }

    /// Holds back all answers from here on.
    pub(crate) fn hold(&self) {
        self.line.lock().holding = true;
    }

    /// Lets through what was held back and all that follows.
    pub(crate) fn let_through(&self) {
        self.line.lock().holding = false;
        self.line.changed.notify_all();
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        let (streams, pumps) = {
            let mut state = self.line.lock();
            state.closed = true;
            (
                std::mem::take(&mut state.streams),
                std::mem::take(&mut state.pumps),
            )
        };
        self.line.changed.notify_all();
        for stream in &streams {
            // It may be closed already.
            let _closed = stream.shutdown(Shutdown::Both);
        }
        // Wakes the acceptor, which then sees that the line is closed.
        let _woken = TcpStream::connect(("127.0.0.1", self.port));
        for thread in pumps.into_iter().chain(self.acceptor.take()) {
            let _ended = thread.join();
        }
    }
}

impl Line {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits while answers are held back; false once the line is closed.
    fn pass(&self) -> bool {
        let mut state = self.lock();
        while state.holding && !state.closed {
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        !state.closed
    }

    /// Passes on what either side says until one of them ends.
    fn join(self: &Arc<Self>, client: TcpStream, server: TcpStream) -> std::io::Result<()> {
        let (asking, answering) = (
            (client.try_clone()?, server.try_clone()?),
            (server.try_clone()?, client.try_clone()?),
        );
        let line = Arc::clone(self);
        let mut state = self.lock();
        state
            .pumps
            .push(thread::spawn(move || pump(asking.0, asking.1, || true)));
        state.pumps.push(thread::spawn(move || {
            pump(answering.0, answering.1, || line.pass())
        }));
        state.streams.extend([client, server]);
        Ok(())
    }
}

fn pump(mut from: TcpStream, mut to: TcpStream, may_pass: impl Fn() -> bool) {
    let mut buffer = vec![0; CHUNK_BYTES];
    loop {
        let read = match from.read(&mut buffer) {
            Ok(0) | Err(_) => break,
            Ok(read) => read,
        };
        let Some(said) = buffer.get(..read) else { break };
        if !may_pass() || to.write_all(said).is_err() {
            break;
        }
    }
    // The other side hears of the end of this one.
    let _closed = (from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both));
}
