//! What moves a session's bytes: one virtual circuit, one task that sends, one that watches deadlines.
//!
//! The sending task owns the connection and its circuit from the first byte to the tear-down. It ends when the
//! [`Circuit`] is closed or dropped, when the connection does, and when the server broke the protocol.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::net::SocketAddr;
use core::sync::atomic::{AtomicU64, Ordering};
use core::time::Duration;

use executive::mem::{Arc, try_box};
use executive::task::{Either, Runtime, TaskHandle, select, yield_now};
use executive::time::Instant;
use ninep::session::Disconnect;
use nt::Status;
use rxce::{
    Address, CircuitId, ConnectOptions, Connection, ConnectionEvents, Disconnection, Indication, Transport,
    VirtualCircuit,
};

use crate::server::client::Client;
use crate::settings::Settings;

/// Bytes received at a time: a few answers of a busy server at once, each of which costs the same to hand on.
const RECEIVE_BUFFER: usize = 256 * 1024;
/// Longest wait for the answers to the last clunks before a circuit is closed.
const QUIET_WAIT: Duration = Duration::from_secs(2);

/// Sends that may end without a wait before the task goes on in its turn.
const SENDS_PER_TURN: u32 = 16;

/// A client with the task that carries it.
pub(crate) struct Circuit {
    line: Line,
    carrier: TaskHandle,
}

/// Keeps a client's tasks going: they hold the client themselves, so only this can tell that nobody wants it any more.
struct Line(Arc<Client>);

impl Drop for Line {
    fn drop(&mut self) {
        self.0.ended.cancel();
    }
}

/// Counts a session for as long as its circuit is carried.
struct Up(Arc<AtomicU64>);

impl Up {
    fn begin(sessions: &Arc<AtomicU64>) -> Self {
        sessions.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(sessions))
    }
}

impl Drop for Up {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Circuit {
    /// Connects to the first of `remotes` that answers and agrees on the version.
    ///
    /// # Errors
    /// The connect's status; `IO_TIMEOUT`; `NOT_SUPPORTED` for a server of another dialect;
    /// `INVALID_NETWORK_RESPONSE` for one that breaks the protocol. Nothing is left behind.
    pub(crate) async fn dial<T: Transport>(
        local: &Address<T>,
        remotes: &[SocketAddr],
        runtime: &Runtime,
        settings: &Settings,
        sessions: &Arc<AtomicU64>,
    ) -> nt::Result<Self> {
        let client = Client::try_new(runtime.clone(), settings)?;
        let events: Box<dyn ConnectionEvents> = try_box(Events(Arc::clone(&client)))?;
        let options = ConnectOptions {
            deadline: settings.request_timeout,
            receive_buffer: RECEIVE_BUFFER,
            ..ConnectOptions::default()
        };
        let (connection, vc) = Connection::build_any(local, remotes, options, events).await?;
        let carried = Arc::clone(&client);
        let up = Up::begin(sessions);
        let carrier = runtime.spawn(async move {
            carry(&carried, connection, vc).await;
            drop(up);
        })?;
        let circuit = Self {
            line: Line(client),
            carrier,
        };
        let watched = Arc::clone(circuit.client());
        let watching = runtime.spawn(async move { watch_deadlines(&watched).await });
        let negotiated = match watching {
            Ok(_) => circuit.client().negotiate().await,
            Err(error) => Err(error.into()),
        };
        match negotiated {
            Ok(()) => Ok(circuit),
            Err(status) => {
                circuit.close().await;
                Err(status)
            }
        }
    }

    /// The session.
    pub(crate) fn client(&self) -> &Arc<Client> {
        &self.line.0
    }

    /// Lets what was sent be answered, then disconnects and tears the circuit down. Returns when its tasks have ended.
    pub(crate) async fn close(self) {
        let Self { line, carrier } = self;
        let client = &line.0;
        // What is silent is not waited for.
        if !client.is_silent() {
            let deadline = client.runtime().now() + QUIET_WAIT;
            let _ = client.runtime().timeout_at(deadline, client.last_word()).await;
        }
        client.disconnect(Disconnect::Local);
        client.ended.cancel();
        carrier.join().await;
    }
}

impl Client {
    /// Ready when the server has answered everything and nothing more is received, or when the session is over. A
    /// circuit that is torn down with a receive pending breaks it off, and not every transport is good at that.
    async fn last_word(&self) {
        self.quiet().await;
        self.state().closing = true;
        // A session that is over, or a server that does not answer, has no last word.
        let _ = self.probe().await;
    }

    /// Ready when no request is outstanding and no fid is in use, or when the session is over.
    async fn quiet(&self) {
        loop {
            let freed = self.freed.notified();
            {
                let state = self.state();
                let session = &state.session;
                if session.ended().is_some() || (session.outstanding() == 0 && session.fids_in_use() == 0) {
                    return;
                }
            }
            freed.await;
        }
    }
}

/// Sends the session's bytes until it ends, then tears the circuit down.
async fn carry<T: Transport>(client: &Client, connection: Connection<T>, vc: VirtualCircuit<T>) {
    let mut sends = 0;
    loop {
        // Whoever polls this, a requester for one, has other things to do.
        sends = (sends + 1) % SENDS_PER_TURN;
        if sends == 0 {
            yield_now().await;
        }
        let wanted = client.transmit.notified();
        let (bytes, over) = {
            let mut state = client.state();
            (state.session.take_transmit(), state.session.ended().is_some())
        };
        if bytes.is_some() {
            // The queue has room again.
            client.freed.notify_all();
        }
        let sent = match bytes {
            _ if over => break,
            Some(bytes) => match select(client.ended.cancelled(), vc.send(bytes)).await {
                Either::Left(()) => break,
                Either::Right((buffer, result)) => {
                    client.state().session.recycle_transmit(buffer);
                    result
                }
            },
            None => match select(client.ended.cancelled(), wanted).await {
                Either::Left(()) => break,
                Either::Right(()) => Ok(0),
            },
        };
        if sent.is_err() {
            break;
        }
    }
    client.disconnect(Disconnect::Error);
    client.ended.cancel();
    client.freed.notify_all();
    // Both are local and always succeed here: the circuit is ours alone and no other circuit uses the connection.
    let _ = vc.tear_down().await;
    let _ = connection.tear_down();
}

/// Fails what the server does not answer in time.
async fn watch_deadlines(client: &Client) {
    loop {
        let started = client.deadline.notified();
        let next = client.expire();
        client.transmit.notify_one();
        client.freed.notify_all();
        let wait = async {
            match next {
                Some(deadline) => client.runtime().sleep_until(Instant::from_nanos(deadline)).await,
                None => started.await,
            }
        };
        if let Either::Left(()) = select(client.ended.cancelled(), wait).await {
            return;
        }
    }
}

/// What the circuit tells the session.
struct Events(Arc<Client>);

impl ConnectionEvents for Events {
    fn receive(&self, _circuit: CircuitId, data: &[u8]) -> Indication {
        let (goes_on, to_send, last) = self.0.input(data, |state| {
            let goes_on = state.session.ended().is_none();
            let last = !goes_on || (state.closing && !state.session.awaits_replies());
            (goes_on, state.session.wants_transmit(), last)
        });
        if !goes_on {
            self.0.ended.cancel();
        }
        // A reply may free a fid whose clunk is to be sent, and ends a request.
        if to_send {
            self.0.transmit.notify_one();
        }
        self.0.freed.notify_all();
        if last { Indication::Last } else { Indication::Taken }
    }

    fn data_ready(&self, _circuit: CircuitId, _buffer: Vec<u8>, _filled: usize, _status: Status) {}

    fn disconnect(&self, _circuit: CircuitId, how: Disconnection) {
        self.lost(match how {
            Disconnection::Released => Disconnect::Remote,
            Disconnection::Aborted => Disconnect::Error,
        });
    }

    fn error(&self, _circuit: CircuitId, _status: Status) {
        self.lost(Disconnect::Error);
    }
}

impl Events {
    fn lost(&self, reason: Disconnect) {
        self.0.disconnect(reason);
        self.0.ended.cancel();
        self.0.freed.notify_all();
    }
}
