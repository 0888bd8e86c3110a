//! A server and the session with it: the extension of SRV_CALL.

pub(crate) mod attachment;
mod backoff;
mod circuit;
pub(crate) mod client;
mod host;
pub(crate) mod link_state;

use core::sync::atomic::{AtomicU64, Ordering};
use core::time::Duration;

use executive::mem::Arc;
use executive::sync::{Mutex, Rank};
use executive::task::{CancelToken, Either, Notify, Runtime, Semaphore, select};
use executive::time::Instant;
use ninep::session;
use nt::{Name, NameBuf, Status};
use rxce::{Address, Transport};

use crate::server::backoff::Backoff;
use crate::server::circuit::Circuit;
use crate::server::client::{Client, patience};
use crate::server::host::transport_name;
use crate::server::link_state::{Admission, Event, LinkState};
use crate::settings::Settings;

/// A session that ends sooner than this is no proof that the server is well again.
const STABLE: Duration = Duration::from_secs(10);

/// One server. Dropping it ends its session and its prober; [`Self::close`] does so in an orderly way.
pub(crate) struct Server(Arc<Link>);

impl Drop for Server {
    fn drop(&mut self) {
        self.0.end();
    }
}

/// What a server is reached by: at most one circuit at a time, and a task that makes a new one when it is lost.
pub(crate) struct Link {
    host: NameBuf,
    port: u16,
    seed: u64,
    present: Mutex<Present>,
    /// The state has changed.
    changed: Notify,
    /// One dials, the others wait and use what it got.
    dialling: Semaphore,
    /// Nobody wants the server any more.
    closed: CancelToken,
}

struct Present {
    state: LinkState,
    circuit: Option<Circuit>,
    /// The prober runs.
    probed: bool,
    connected_at: Instant,
}

/// What it takes to reach servers.
pub(crate) struct Dialler<T: Transport> {
    /// Where connections are made from.
    pub(crate) local: Address<T>,
    /// Clock and tasks.
    pub(crate) runtime: Runtime,
    /// Deadlines and sizes.
    pub(crate) settings: Settings,
    /// Counts the sessions that are up.
    pub(crate) sessions: Arc<AtomicU64>,
    /// Counts the sessions that were made after a loss.
    pub(crate) reconnects: Arc<AtomicU64>,
}

impl<T: Transport> Clone for Dialler<T> {
    fn clone(&self) -> Self {
        Self {
            local: self.local.clone(),
            runtime: self.runtime.clone(),
            settings: self.settings,
            sessions: Arc::clone(&self.sessions),
            reconnects: Arc::clone(&self.reconnects),
        }
    }
}

impl Server {
    /// A server that nobody has connected to yet. `seed` decides when the prober tries.
    ///
    /// # Errors
    /// `INSUFFICIENT_RESOURCES`.
    pub(crate) fn try_new(host: Name<'_>, port: u16, seed: u64) -> nt::Result<Arc<Self>> {
        let present = Present {
            state: LinkState::Idle,
            circuit: None,
            probed: false,
            connected_at: Instant::ORIGIN,
        };
        let link = Arc::try_new(Link {
            host: NameBuf::try_from_name(host)?,
            port,
            seed,
            present: Mutex::try_new(present, Rank(15))?,
            changed: Notify::new(),
            dialling: Semaphore::new(1),
            closed: CancelToken::try_new()?,
        })?;
        Ok(Arc::try_new(Self(link))?)
    }

    /// Its link, for those who use its sessions.
    pub(crate) fn link(&self) -> &Arc<Link> {
        &self.0
    }

    /// A usable session with the server for somebody who connects: the present one, or a new one, dialled at once
    /// whatever state the link is in. From the first session on, a lost one is made anew by itself.
    ///
    /// # Errors
    /// `BAD_NETWORK_PATH` where the server cannot be reached, whatever the transport says: as Windows names a server
    /// that is not there. `NOT_SUPPORTED` and `INVALID_NETWORK_RESPONSE` as [`Circuit::dial`].
    pub(crate) async fn connect<T: Transport>(&self, dialler: &Dialler<T>) -> nt::Result<Arc<Client>> {
        let link = &self.0;
        let client = link.dial(dialler).await?;
        if !core::mem::replace(&mut link.present.lock().probed, true) {
            let (probed, dialler) = (Arc::clone(link), dialler.clone());
            let spawned = dialler
                .runtime
                .clone()
                .spawn(async move { keep_connected(&probed, &dialler).await });
            if let Err(error) = spawned {
                link.present.lock().probed = false;
                return Err(error.into());
            }
        }
        Ok(client)
    }

    /// Disconnects in an orderly way, and for good. A server that is silent or gone is not waited for.
    pub(crate) async fn close(&self) {
        let circuit = self.0.end();
        if let Some(circuit) = circuit {
            circuit.close().await;
        }
    }
}

impl Link {
    /// Where the connection stands.
    pub(crate) fn state(&self) -> LinkState {
        self.present.lock().state
    }

    /// The session, for a request: waits where one is expected soon.
    ///
    /// # Errors
    /// `BAD_NETWORK_PATH`, at once, while the server cannot be reached; `UNEXPECTED_NETWORK_ERROR` when nobody wants it
    /// any more.
    pub(crate) async fn client(&self) -> nt::Result<Arc<Client>> {
        loop {
            let changed = self.changed.notified();
            {
                let present = self.present.lock();
                match (present.state.admission(), &present.circuit) {
                    (Admission::Refuse(status), _) => return Err(status),
                    (Admission::Go, Some(circuit)) if circuit.client().is_usable() => {
                        return Ok(Arc::clone(circuit.client()));
                    }
                    // The session has ended just now; the prober is about to say so.
                    (Admission::Go | Admission::Wait, _) => {}
                }
            }
            changed.await;
        }
    }

    /// Ends it for good, now; what is left of the session is the caller's to close.
    fn end(&self) -> Option<Circuit> {
        let circuit = {
            let mut present = self.present.lock();
            present.state = present.state.on(Event::Close);
            present.circuit.take()
        };
        self.closed.cancel();
        self.changed.notify_all();
        circuit
    }

    fn on(&self, event: Event) {
        {
            let mut present = self.present.lock();
            let next = present.state.on(event);
            if next == present.state {
                return;
            }
            present.state = next;
        }
        self.changed.notify_all();
    }

    /// The session, if there is one that can be used.
    fn live(&self) -> Option<Arc<Client>> {
        let present = self.present.lock();
        let client = present.circuit.as_ref()?.client();
        client.is_usable().then(|| Arc::clone(client))
    }

    /// The present session, or a new one. Errors as [`Server::connect`].
    async fn dial<T: Transport>(&self, dialler: &Dialler<T>) -> nt::Result<Arc<Client>> {
        let _permit = self.dialling.acquire().await;
        if let Some(client) = self.live() {
            return Ok(client);
        }
        self.on(Event::Dial);
        let attempt = Attempt(self);
        let Dialler {
            local,
            runtime,
            settings,
            sessions,
            reconnects,
        } = dialler;
        let dialled = runtime.timeout(settings.request_timeout, async {
            let host = transport_name(self.host.as_name())?;
            let remotes = local
                .binding()
                .transport()
                .resolve(host.as_name(), self.port)
                .await?;
            Circuit::dial(local, &remotes, runtime, settings, sessions).await
        });
        let circuit = match dialled.await.unwrap_or(Err(Status::IO_TIMEOUT)) {
            Ok(circuit) => circuit,
            Err(status) => return Err(unreachable_status(status)),
        };
        let client = Arc::clone(circuit.client());
        let (unwanted, is_first) = {
            let mut present = self.present.lock();
            let is_first = present.state == LinkState::Idle;
            present.state = present.state.on(Event::Connected);
            if present.state == LinkState::Closed {
                (Some(circuit), is_first)
            } else {
                present.connected_at = runtime.now();
                (present.circuit.replace(circuit), is_first)
            }
        };
        attempt.succeeded();
        if let Some(unwanted) = unwanted {
            unwanted.close().await;
        }
        if !is_first {
            reconnects.fetch_add(1, Ordering::Relaxed);
        }
        Ok(client)
    }
}

/// An attempt to connect; dropped before it has succeeded, as a cancelled request is, it has failed.
struct Attempt<'a>(&'a Link);

impl Attempt<'_> {
    fn succeeded(self) {
        self.0.changed.notify_all();
        core::mem::forget(self);
    }
}

impl Drop for Attempt<'_> {
    fn drop(&mut self) {
        self.0.on(Event::Failed);
    }
}

/// Keeps the state of `link` true, and makes a new session where one is lost, until the link is closed.
async fn keep_connected<T: Transport>(link: &Link, dialler: &Dialler<T>) {
    let kept = async {
        let mut backoff = Backoff::new(link.seed);
        loop {
            match link.in_place() {
                Some(client) => watch(link, &client, dialler, &mut backoff).await,
                None => {
                    let wait = dialler.runtime.sleep(backoff.next_wait());
                    // Somebody else may be the one who gets through.
                    if let Either::Left(()) = select(wait, link.connected()).await {
                        dial_in_background(link, dialler).await;
                    }
                }
            }
        }
    };
    select(link.closed.cancelled(), kept).await;
}

impl Link {
    /// The session that is in place, over or not.
    fn in_place(&self) -> Option<Arc<Client>> {
        let present = self.present.lock();
        Some(Arc::clone(present.circuit.as_ref()?.client()))
    }

    /// Ready when there is a session in place.
    async fn connected(&self) {
        loop {
            let changed = self.changed.notified();
            if self.in_place().is_some() {
                return;
            }
            changed.await;
        }
    }

    /// Takes a session that has ended out of its place, and says so.
    fn lose(&self, client: &Arc<Client>, event: Event) -> Option<Circuit> {
        let lost = {
            let mut present = self.present.lock();
            let is_it = matches!(&present.circuit, Some(circuit) if Arc::ptr_eq(circuit.client(), client));
            if !is_it {
                return None;
            }
            present.state = present.state.on(event);
            present.circuit.take()
        };
        self.changed.notify_all();
        lost
    }
}

/// Dials; how it went is in the state. Requests that wait for the outcome are let go after a while.
async fn dial_in_background<T: Transport>(link: &Link, dialler: &Dialler<T>) {
    if link.state() == LinkState::Interrupted {
        let patience = dialler.runtime.sleep(patience(dialler.settings.request_timeout));
        // Called off, it has failed.
        select(patience, link.dial(dialler)).await;
    } else {
        let _ = link.dial(dialler).await;
    }
}

/// Follows one session to its end.
async fn watch<T: Transport>(link: &Link, client: &Arc<Client>, dialler: &Dialler<T>, backoff: &mut Backoff) {
    loop {
        let news = client.news.notified();
        match client.health() {
            Ok(true) => link.on(Event::Heard),
            Ok(false) => link.on(Event::Silent),
            Err(why) => {
                let up_for = dialler
                    .runtime
                    .now()
                    .saturating_since(link.present.lock().connected_at);
                let was_stable = up_for >= STABLE;
                if was_stable {
                    backoff.reset();
                }
                let closed = matches!(
                    why,
                    session::Error::Disconnected(session::Disconnect::Remote | session::Disconnect::Error)
                );
                let is_first = backoff.is_new();
                let event = if closed && is_first {
                    Event::Lost
                } else {
                    Event::Failed
                };
                if let Some(circuit) = link.lose(client, event) {
                    circuit.close().await;
                }
                return;
            }
        }
        news.await;
    }
}

/// What a caller learns of a failed connect: shortage and cancellation as they are, a server that answers wrongly as
/// such, everything else as a server that is not there.
fn unreachable_status(status: Status) -> Status {
    match status {
        Status::INSUFFICIENT_RESOURCES
        | Status::CANCELLED
        | Status::NOT_SUPPORTED
        | Status::INVALID_NETWORK_RESPONSE => status,
        _ => Status::BAD_NETWORK_PATH,
    }
}
