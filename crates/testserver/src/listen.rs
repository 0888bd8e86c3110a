//! The part both servers share: a listener thread, a thread per connection, and a sure end for all of them.

use std::collections::HashMap;
use std::io;
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// A listener whose connections are served by threads.
#[derive(Debug)]
pub(crate) struct Listening {
    addr: SocketAddr,
    open: Arc<Open>,
    acceptor: Mutex<Option<JoinHandle<()>>>,
}

/// The connections that are open, and whether new ones are taken.
#[derive(Debug, Default)]
struct Open {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    closing: bool,
    accepted: u64,
    streams: HashMap<u64, TcpStream>,
    threads: Vec<JoinHandle<()>>,
}

impl Open {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Listening {
    /// Listens on loopback (port 0: any free one) and runs `serve` on a thread for each connection, with its
    /// number in order of acceptance. A connection is closed when `serve` returns.
    pub(crate) fn start(
        port: u16,
        serve: impl Fn(u64, TcpStream) + Send + Sync + 'static,
    ) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))?;
        let addr = listener.local_addr()?;
        let open = Arc::new(Open::default());
        let acceptor = thread::Builder::new().name("9p-accept".into()).spawn({
            let open = Arc::clone(&open);
            move || accept(&listener, &open, &Arc::new(serve))
        })?;
        Ok(Self {
            addr,
            open,
            acceptor: Mutex::new(Some(acceptor)),
        })
    }

    pub(crate) fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Connections open now.
    pub(crate) fn open_connections(&self) -> usize {
        self.open.state().streams.len()
    }

    /// Connections ever accepted.
    pub(crate) fn accepted(&self) -> u64 {
        self.open.state().accepted
    }

    /// Waits until no connection is open; false if that takes longer than `limit`.
    pub(crate) fn wait_idle(&self, limit: Duration) -> bool {
        let deadline = Instant::now() + limit;
        let mut state = self.open.state();
        while !state.streams.is_empty() {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            state = self
                .open
                .changed
                .wait_timeout(state, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
        true
    }

    /// Ends every open connection at once, and goes on listening.
    pub(crate) fn drop_connections(&self) {
        for stream in self.open.state().streams.values() {
            // One that the client closed already is as good as ended.
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    /// Stops listening, ends every connection at once and waits for all threads. May be called again.
    pub(crate) fn end(&self) {
        self.open.state().closing = true;
        self.drop_connections();
        let acceptor = self
            .acceptor
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(acceptor) = acceptor {
            // The acceptor sees `closing` once a connection wakes it.
            let _ = TcpStream::connect(self.addr);
            let _ = acceptor.join();
        }
        self.drop_connections();
        let threads = std::mem::take(&mut self.open.state().threads);
        for thread in threads {
            let _ = thread.join();
        }
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.end();
    }
}

fn accept<F>(listener: &TcpListener, open: &Arc<Open>, serve: &Arc<F>)
where
    F: Fn(u64, TcpStream) + Send + Sync + 'static,
{
    for stream in listener.incoming() {
        let mut state = open.state();
        if state.closing {
            return;
        }
        // A connection that ended between its arrival and now is nobody's loss.
        let Ok(stream) = stream else { continue };
        let Ok(held) = stream.try_clone() else { continue };
        let number = state.accepted;
        state.accepted += 1;
        state.streams.insert(number, held);
        let (open, serve) = (Arc::clone(open), Arc::clone(serve));
        state.threads.push(thread::spawn(move || {
            // Held for its drop: a serving thread that panics must not leave its connection behind.
            let _ended = Ended { open, number };
            serve(number, stream);
        }));
    }
}

struct Ended {
    open: Arc<Open>,
    number: u64,
}

impl Drop for Ended {
    fn drop(&mut self) {
        if let Some(stream) = self.open.state().streams.remove(&self.number) {
            let _ = stream.shutdown(Shutdown::Both);
        }
        self.open.changed.notify_all();
    }
}
