//! The 9P session as `async` calls.
//!
//! The session itself owns no socket and no clock. [`crate::server::circuit`] moves its bytes; this module turns a request
//! into a future. A future that is dropped abandons its request: the caller is released at once, the tag when the
//! server has answered the flush.

use alloc::vec::Vec;
use core::future::poll_fn;
use core::sync::atomic::{AtomicBool, Ordering};
use core::task::{Context, Poll, Waker};
use core::time::Duration;

use executive::mem::{Arc, TryVec};
use executive::sync::{Mutex, MutexGuard, Rank};
use executive::task::{CancelToken, Notify, Runtime};
use ninep::session::{self, Disconnect, Error, Need, SPARE_MIN, Session};
use ninep::wire::{Fid, GetAttrMask, MAX_WALK, Request, Rgetattr, Tag, Tflush, Tgetattr, Twalk, WalkNames};
use nt::Status;

use crate::dialect::Dialect;
use crate::settings::Settings;

/// Requests of all callers that may be outstanding in one session.
const MAX_OUTSTANDING: u16 = 128;

/// One 9P session, shared by everything that uses one server.
pub(crate) struct Client {
    runtime: Runtime,
    state: Mutex<State>,
    request_timeout: Duration,
    dialect: Dialect,
    /// The server has refused Tunlinkat or Trenameat as unknown.
    by_file: AtomicBool,
    /// The server has refused to list extended attributes.
    without_xattrs: AtomicBool,
    /// Bytes wait to be sent, or the session ended.
    pub(crate) transmit: Notify,
    /// A deadline exists where there was none.
    pub(crate) deadline: Notify,
    /// A request ended: another may start, or the session may be idle.
    pub(crate) freed: Notify,
    /// [`Self::health`] has changed.
    pub(crate) news: Notify,
    /// The session has ended.
    over: AtomicBool,
    /// Ends the tasks that move the session's bytes.
    pub(crate) ended: CancelToken,
}

pub(crate) struct State {
    pub(crate) session: Session,
    /// By tag; the last one waits for the version.
    wakers: Vec<Option<Waker>>,
    /// The deadline task sleeps without a deadline.
    pub(crate) deadline_idle: bool,
    /// What the server answers next may be the last that is received.
    pub(crate) closing: bool,
}

impl State {
    /// Who waits for `tag`.
    fn take_waker(wakers: &mut [Option<Waker>], tag: Tag) -> Option<Waker> {
        let slot = if tag == Tag::NONE {
            wakers.last_mut()
        } else {
            wakers.get_mut(usize::from(tag.0))
        };
        slot.and_then(Option::take)
    }

    /// Keeps `waker` for `tag`; without a place for it the waiter is asked to come back at once.
    fn register(&mut self, tag: Tag, context: &mut Context<'_>) {
        let slot = if tag == Tag::NONE {
            self.wakers.last_mut()
        } else {
            self.wakers.get_mut(usize::from(tag.0))
        };
        match slot {
            Some(slot) => *slot = Some(context.waker().clone()),
            None => context.waker().wake_by_ref(),
        }
    }

    /// What `step` does to the session; it is given what takes note of whom to wake.
    fn step(&mut self, woken: &mut Woken, step: impl FnOnce(&mut Session, &mut dyn FnMut(Tag))) {
        let Self { session, wakers, .. } = self;
        step(session, &mut |tag| {
            if let Some(waker) = Self::take_waker(wakers, tag) {
                woken.push(waker);
            }
        });
    }
}

/// Waiters to be woken when the session's lock is free: sooner, each would only wait for it.
#[derive(Default)]
struct Woken {
    wakers: [Option<Waker>; Self::ROOM],
    count: usize,
}

impl Woken {
    /// About as many replies as are received at once.
    const ROOM: usize = 16;

    fn push(&mut self, waker: Waker) {
        match self.wakers.get_mut(self.count) {
            Some(place) => {
                *place = Some(waker);
                self.count += 1;
            }
            None => waker.wake(),
        }
    }

    fn wake(self) {
        self.wakers.into_iter().flatten().for_each(Waker::wake);
    }
}

impl Client {
    /// A session that has not said anything yet.
    pub(crate) fn try_new(runtime: Runtime, settings: &Settings) -> nt::Result<Arc<Self>> {
        let config = session::Config {
            msize: settings.msize,
            max_outstanding: MAX_OUTSTANDING,
            window: settings.window,
            assume_order: settings.assume_order,
            ..session::Config::default()
        };
        let session = Session::new(config).map_err(status)?;
        // One for each tag, and one for the version.
        let places = usize::from(session.tags()).saturating_add(1);
        let mut wakers = Vec::try_with_room(places)?;
        for _ in 0..places {
            wakers.try_push(None)?;
        }
        Ok(Arc::try_new(Self {
            runtime,
            state: Mutex::try_new(
                State {
                    session,
                    wakers,
                    deadline_idle: true,
                    closing: false,
                },
                Rank(20),
            )?,
            request_timeout: settings.request_timeout,
            dialect: Dialect::Linux,
            by_file: AtomicBool::new(false),
            without_xattrs: AtomicBool::new(false),
            transmit: Notify::new(),
            deadline: Notify::new(),
            freed: Notify::new(),
            news: Notify::new(),
            over: AtomicBool::new(false),
            ended: CancelToken::try_new()?,
        })?)
    }

    /// The session, for the tasks that move its bytes.
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }

    /// The clock and tasks this session lives by.
    pub(crate) fn runtime(&self) -> &Runtime {
        &self.runtime
    }

    /// Whether requests can still succeed. Takes no lock.
    pub(crate) fn is_usable(&self) -> bool {
        !self.over.load(Ordering::Acquire)
    }

    /// `Ok(true)` as long as nothing speaks against the server, `Ok(false)` while it is silent.
    ///
    /// # Errors
    /// Why the session is over.
    pub(crate) fn health(&self) -> Result<bool, Error> {
        let state = self.state();
        match state.session.ended() {
            Some(why) => Err(why),
            None => Ok(!state.session.is_silent()),
        }
    }

    /// Has something happen to the session, and tells those who follow it.
    fn happen<V>(&self, what: impl FnOnce(&mut State, &mut Woken) -> V) -> V {
        let mut woken = Woken::default();
        let (outcome, news) = {
            let mut state = self.state();
            let before = state.session.is_silent();
            let outcome = what(&mut state, &mut woken);
            let over = state.session.ended().is_some();
            // Before the lock is let go, so that who finds a waiter failed finds the session over, too.
            let ended = over && !self.over.swap(true, Ordering::AcqRel);
            (outcome, ended || before != state.session.is_silent())
        };
        woken.wake();
        if news {
            self.news.notify_one();
        }
        outcome
    }

    /// Gives received bytes to the session; the result is what `then` says of it afterwards.
    pub(crate) fn input<V>(&self, bytes: &[u8], then: impl FnOnce(&State) -> V) -> V {
        let now = self.runtime.now().as_nanos();
        self.happen(|state, woken| {
            state.session.set_time(now);
            // A violation is why the session is over then.
            state.step(woken, |session, wake| {
                let _ = session.handle_input(bytes, wake);
            });
            then(state)
        })
    }

    /// Fails every request; the first reason counts.
    pub(crate) fn disconnect(&self, reason: Disconnect) {
        self.happen(|state, woken| state.step(woken, |session, wake| session.disconnect(reason, wake)));
    }

    /// Fails the requests whose deadline has passed, and asks a silent server for a sign of life. The result is the next
    /// deadline.
    pub(crate) fn expire(&self) -> Option<u64> {
        let now = self.runtime.now();
        let probe_deadline = (now + patience(self.request_timeout)).as_nanos();
        self.happen(|state, woken| {
            state.step(woken, |session, wake| {
                session.handle_timeout(now.as_nanos(), wake)
            });
            state.session.probe_liveness(probe_deadline);
            let next = state.session.poll_timeout();
            state.deadline_idle = next.is_none();
            next
        })
    }

    /// What is spoken with the server.
    pub(crate) fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// Whether to remove and rename by directory and name.
    pub(crate) fn works_by_name(&self) -> bool {
        !self.by_file.load(Ordering::Relaxed)
    }

    /// Takes note that the server removes and renames by file alone.
    pub(crate) fn set_works_by_file(&self) {
        self.by_file.store(true, Ordering::Relaxed);
    }

    /// Whether the server keeps no extended attributes.
    pub(crate) fn refuses_xattrs(&self) -> bool {
        self.without_xattrs.load(Ordering::Relaxed)
    }

    /// Takes note that the server keeps no extended attributes.
    pub(crate) fn set_refuses_xattrs(&self) {
        self.without_xattrs.store(true, Ordering::Relaxed);
    }

    /// Whether a request may name a fid that an unanswered request before it makes.
    pub(crate) fn keeps_order(&self) -> bool {
        self.state().session.keeps_order()
    }

    /// Takes note that the server acts on requests in no order.
    pub(crate) fn set_out_of_order(&self) {
        self.state().session.set_out_of_order();
    }

    /// Most bytes of data in one message.
    pub(crate) fn payload_max(&self) -> u32 {
        self.state().session.max_payload()
    }

    /// Agrees on the version; the first exchange of a session.
    ///
    /// # Errors
    /// `NOT_SUPPORTED` when the server does not speak 9P2000.L; otherwise as [`Self::call`].
    pub(crate) async fn negotiate(&self) -> nt::Result {
        self.begin(|session, deadline| session.start_version(deadline))
            .map_err(status)?;
        let agreed = poll_fn(|context| {
            let mut state = self.state();
            let outcome = state.session.poll_version();
            if outcome.is_pending() {
                state.register(Tag::NONE, context);
                self.send_before_waiting(state);
            }
            outcome
        });
        agreed.await.map(|_msize| ()).map_err(status)
    }

    /// Sends what is queued, if it waits: for who is about to wait for an answer, and has nothing better to do.
    fn send_before_waiting(&self, state: MutexGuard<'_, State>) {
        let unsent = state.session.wants_transmit();
        drop(state);
        if unsent {
            self.transmit.notify_one_here();
        }
    }

    /// Starts something in the session, given the deadline that it gets. It is sent when somebody
    /// [waits](Self::send_before_waiting).
    fn begin<V, E>(&self, start: impl FnOnce(&mut Session, Option<u64>) -> Result<V, E>) -> Result<V, E> {
        let now = self.runtime.now();
        let deadline = Some((now + self.request_timeout).as_nanos());
        let (started, first_deadline) = {
            let mut state = self.state();
            state.session.set_time(now.as_nanos());
            (start(&mut state.session, deadline)?, state.deadline_idle)
        };
        if first_deadline {
            self.deadline.notify_one();
        }
        Ok(started)
    }

    /// Starts `request` if the session has room for one more.
    ///
    /// # Errors
    /// As [`Self::call`], except the server's.
    pub(crate) fn try_start<R: Request>(&self, request: &R) -> nt::Result<Option<Pending<'_, R>>> {
        match self.begin(|session, deadline| session.start(request, deadline)) {
            Ok(tag) => Ok(Some(Pending {
                hold: self.hold(tag),
                repeatable: request.is_repeatable(),
                request: core::marker::PhantomData,
            })),
            Err(Error::WindowFull) => Ok(None),
            Err(error) => Err(unsent_status(error)),
        }
    }

    /// Whether the server has missed a deadline in silence.
    pub(crate) fn is_silent(&self) -> bool {
        self.state().session.is_silent()
    }

    /// Asks the server something that changes nothing, and waits for the answer. Errors as [`Self::call`].
    pub(crate) async fn probe(&self) -> nt::Result {
        let tag = self.begin(Session::start_probe).map_err(status)?;
        let pending = Pending::<Tflush> {
            hold: self.hold(tag),
            repeatable: true,
            request: core::marker::PhantomData,
        };
        pending.reply(|_| ()).await
    }

    /// Waits until there is room for one more request, of this size. Must be awaited with no unanswered or untaken request of one's own:
    /// callers that hold a part of the room while they wait for more could all wait for each other.
    ///
    /// # Errors
    /// `IO_TIMEOUT` when that takes as long as a request may: a server that has gone silent answers no flush either, so
    /// that the room of requests which have timed out does not come back. Where such requests have all the room, the session
    /// is ended: a new one has room again.
    pub(crate) async fn room(&self, need: Need) -> nt::Result {
        let begun = self.runtime.now();
        let wait = async {
            loop {
                let freed = self.freed.notified();
                {
                    let state = self.state();
                    // On a session that is over the next request hears so.
                    if state.session.has_room_for(need) || state.session.ended().is_some() {
                        return;
                    }
                    self.send_before_waiting(state);
                }
                freed.await;
            }
        };
        let waited = self.runtime.timeout(self.request_timeout, wait);
        let Err(elapsed) = waited.await else {
            return Ok(());
        };
        self.happen(|state, woken| {
            if state.session.is_exhausted(begun.as_nanos()) {
                state.step(woken, |session, wake| {
                    session.disconnect(Disconnect::Exhausted, wake)
                });
            }
        });
        Err(elapsed.into())
    }

    /// Sends `request` and gives `decode` its reply.
    ///
    /// # Errors
    /// - The server's error by [`Status`]'s errno table; `INSUFFICIENT_RESOURCES`;
    /// - `CONNECTION_DISCONNECTED` when the session is over and the request was not sent, or changes nothing: it may be
    ///   made again on another session ([`retried`]);
    /// - when the server may or may not have done it: `CONNECTION_ABORTED` when the connection went, `IO_TIMEOUT` when
    ///   there was no answer in time, `INVALID_NETWORK_RESPONSE` when the server broke the protocol.
    pub(crate) async fn call<R: Request, V>(
        &self,
        request: &R,
        decode: impl FnOnce(R::Reply<'_>) -> V,
    ) -> nt::Result<V> {
        loop {
            if let Some(pending) = self.try_start(request)? {
                return pending.reply(decode).await;
            }
            self.room(Need::of(request)).await?;
        }
    }

    /// The attributes of `fid`. Errors as [`Self::call`].
    pub(crate) async fn getattr(&self, fid: Fid) -> nt::Result<Rgetattr> {
        self.call(&basic_attributes(fid), |reply| reply).await
    }

    /// The attributes of `fid`, and what tells its file from an earlier or later one of the same number. Errors as
    /// [`Self::call`].
    pub(crate) async fn identify(&self, fid: Fid) -> nt::Result<Rgetattr> {
        self.call(&identifying_attributes(fid), |reply| reply).await
    }

    fn hold(&self, tag: Tag) -> TagHold<'_> {
        TagHold {
            client: self,
            tag,
            taken: false,
        }
    }
}

/// A fid of ours, clunked when dropped.
pub(crate) struct OwnedFid {
    client: Arc<Client>,
    fid: Fid,
    /// A request that ends the fid has taken it over.
    taken_over: bool,
}

impl OwnedFid {
    /// A fid the server does not know yet.
    ///
    /// # Errors
    /// `TOO_MANY_OPENED_FILES`, `INSUFFICIENT_RESOURCES`, or why the session is over.
    pub(crate) fn allocate(client: &Arc<Client>) -> nt::Result<Self> {
        let fid = client.state().session.allocate_fid().map_err(status)?;
        Ok(Self {
            client: Arc::clone(client),
            fid,
            taken_over: false,
        })
    }

    /// The number on the wire.
    pub(crate) fn fid(&self) -> Fid {
        self.fid
    }

    /// The session it belongs to.
    pub(crate) fn client(&self) -> &Arc<Client> {
        &self.client
    }

    /// Lets a request end the fid on the server (Tremove): nothing is clunked afterwards. Errors as [`Client::call`].
    pub(crate) async fn end_by<R: Request>(mut self, request: impl FnOnce(Fid) -> R) -> nt::Result {
        let request = request(self.fid);
        loop {
            if let Some(pending) = self.client.try_start(&request)? {
                self.taken_over = true;
                return pending.reply(|_| ()).await;
            }
            self.client.room(Need::of(&request)).await?;
        }
    }

    /// A new fid for the file at `names` below this one; no names give a second fid for the same file. Walks of more
    /// than one message go step by step.
    ///
    /// # Errors
    /// `OBJECT_NAME_NOT_FOUND` when only the last name is missing, `OBJECT_PATH_NOT_FOUND` when an earlier one is;
    /// otherwise as [`Client::call`].
    pub(crate) async fn walk<'n>(&self, names: impl Iterator<Item = &'n [u8]> + Clone) -> nt::Result<Self> {
        let target = Self::allocate(&self.client)?;
        let mut from = self.fid;
        let mut names = names.peekable();
        loop {
            let mut step: [&[u8]; MAX_WALK] = [&[]; MAX_WALK];
            let mut len = 0;
            for slot in &mut step {
                let Some(name) = names.next() else { break };
                *slot = name;
                len += 1;
            }
            let is_last = names.peek().is_none();
            let step = step.get(..len).unwrap_or_default();
            let request = Twalk {
                fid: from,
                newfid: target.fid,
                names: WalkNames::new(step),
            };
            let walked = self.client.call(&request, |reply| {
                let stopped_at_directory = reply.qids.last().is_none_or(|qid| qid.is_directory());
                (reply.qids.len(), stopped_at_directory)
            });
            match walked.await {
                Ok((walked, _)) if walked == len => {}
                // A walk that stops early makes no fid.
                Ok((walked, true)) if is_last && walked + 1 == len => {
                    return Err(Status::OBJECT_NAME_NOT_FOUND);
                }
                Ok(_) => return Err(Status::OBJECT_PATH_NOT_FOUND),
                // Only a walk that fails at its first name is answered with an error.
                Err(Status::OBJECT_NAME_NOT_FOUND) if !(is_last && len <= 1) => {
                    return Err(Status::OBJECT_PATH_NOT_FOUND);
                }
                // This is no directory itself.
                Err(Status::NOT_A_DIRECTORY) => return Err(Status::OBJECT_PATH_NOT_FOUND),
                Err(status) => return Err(status),
            }
            if is_last {
                return Ok(target);
            }
            from = target.fid;
        }
    }

    /// [`Self::walk`] to a directory in which something is to be done: whichever name is missing,
    /// `OBJECT_PATH_NOT_FOUND`.
    pub(crate) async fn walk_to_parent<'n>(
        &self,
        names: impl Iterator<Item = &'n [u8]> + Clone,
    ) -> nt::Result<Self> {
        self.walk(names).await.map_err(|status| match status {
            Status::OBJECT_NAME_NOT_FOUND => Status::OBJECT_PATH_NOT_FOUND,
            other => other,
        })
    }
}

impl Drop for OwnedFid {
    fn drop(&mut self) {
        if !self.taken_over {
            self.client.state().session.discard(self.fid);
            self.client.transmit.notify_one();
        }
    }
}

/// A request under way. Dropping it abandons the request.
#[must_use]
pub(crate) struct Pending<'a, R: Request> {
    hold: TagHold<'a>,
    repeatable: bool,
    request: core::marker::PhantomData<fn() -> R>,
}

impl<'a, R: Request> Pending<'a, R> {
    /// The same request without what it borrowed, which was sent: `S` is `R` for any lifetime.
    pub(crate) fn detach<S: Request>(self) -> Pending<'a, S> {
        Pending {
            hold: self.hold,
            repeatable: self.repeatable,
            request: core::marker::PhantomData,
        }
    }

    /// Waits for the reply and gives it to `decode`. Errors as [`Client::call`].
    pub(crate) async fn reply<V>(mut self, decode: impl FnOnce(R::Reply<'_>) -> V) -> nt::Result<V> {
        let repeatable = self.repeatable;
        let response = self
            .hold
            .outcome(|session, tag| session.take_reply::<R>(tag))
            .await
            .map_err(|error| match status(error) {
                Status::CONNECTION_DISCONNECTED if !repeatable => Status::CONNECTION_ABORTED,
                status => status,
            })?;
        let decoded = response.get().map(decode).map_err(status);
        let buffer = response.into_buffer();
        if buffer.capacity() >= SPARE_MIN {
            self.hold.client.state().session.recycle_reply(buffer);
        }
        decoded
    }
}

/// A tag that is ours until its outcome is taken.
struct TagHold<'a> {
    client: &'a Client,
    tag: Tag,
    /// From then on the tag may be another caller's.
    taken: bool,
}

impl TagHold<'_> {
    /// Waits until `take` has the outcome.
    async fn outcome<V>(&mut self, take: impl Fn(&mut Session, Tag) -> Poll<V>) -> V {
        poll_fn(|context| {
            let mut state = self.client.state();
            let outcome = take(&mut state.session, self.tag);
            if outcome.is_pending() {
                state.register(self.tag, context);
                self.client.send_before_waiting(state);
            } else {
                self.taken = true;
            }
            outcome
        })
        .await
    }
}

impl Drop for TagHold<'_> {
    fn drop(&mut self) {
        if !self.taken {
            self.client.state().session.abandon(self.tag);
            self.client.transmit.notify_one();
        }
        self.client.freed.notify_all();
    }
}

/// Asks for every attribute that NT has a place for.
pub(crate) fn basic_attributes(fid: Fid) -> Tgetattr {
    Tgetattr {
        fid,
        mask: GetAttrMask::BASIC | GetAttrMask::BTIME,
    }
}

/// As [`basic_attributes`], and what tells the file from others that have had its number: some servers must open it to know.
pub(crate) fn identifying_attributes(fid: Fid) -> Tgetattr {
    let mut request = basic_attributes(fid);
    request.mask |= GetAttrMask::GENERATION;
    request
}

/// How long a server that may be gone is waited for: one that is silent for a sign of life, one that closed the connection
/// for a new one.
pub(crate) fn patience(request_timeout: Duration) -> Duration {
    (request_timeout / 2).min(Duration::from_secs(5))
}

/// How a failure to send a request looks to NT: where the session is over, for whatever reason, another one may serve.
fn unsent_status(error: Error) -> Status {
    match error {
        Error::Disconnected(_) | Error::Poisoned(_) | Error::Malformed(_) => Status::CONNECTION_DISCONNECTED,
        other => status(other),
    }
}

/// Does `what`, a future that is made anew each time, once more where its session was lost before it could change anything. It asks for its fids anew each time,
/// and says [`after_change`] of what fails when something has been changed.
///
/// # Errors
/// As `what`.
///
/// Not a function that takes an async closure: the compiler does not see that what such a function returns is `Send`, which
/// every future of the driver must be.
macro_rules! retried {
    ($what:expr) => {{
        let mut is_first = true;
        loop {
            match $what.await {
                Err(nt::Status::CONNECTION_DISCONNECTED) if is_first => is_first = false,
                outcome => break outcome,
            }
        }
    }};
}
pub(crate) use retried;

/// The status of an operation that has changed something and then failed with `status`: nobody may try it again.
pub(crate) fn after_change(status: Status) -> Status {
    match status {
        Status::CONNECTION_DISCONNECTED => Status::CONNECTION_ABORTED,
        other => other,
    }
}

/// Whether what failed with `status` may have changed something all the same.
pub(crate) fn leaves_doubt(status: Status) -> bool {
    matches!(
        status,
        Status::CONNECTION_ABORTED
            | Status::IO_TIMEOUT
            | Status::INVALID_NETWORK_RESPONSE
            | Status::CANCELLED
            | Status::INSUFFICIENT_RESOURCES
    )
}

/// How a failure of the session looks to NT.
pub(crate) fn status(error: Error) -> Status {
    match error {
        Error::Remote(errno) => Status::from(nt::Errno(errno.0)),
        Error::TimedOut | Error::Disconnected(Disconnect::TimedOut) => Status::IO_TIMEOUT,
        Error::Disconnected(_) => Status::CONNECTION_DISCONNECTED,
        Error::DialectRefused => Status::NOT_SUPPORTED,
        Error::Poisoned(_) | Error::Malformed(_) => Status::INVALID_NETWORK_RESPONSE,
        Error::OutOfMemory => Status::INSUFFICIENT_RESOURCES,
        Error::FidsExhausted => Status::TOO_MANY_OPENED_FILES,
        Error::TooLong => Status::NAME_TOO_LONG,
        Error::UnknownFid => Status::FILE_CLOSED,
        Error::WindowFull | Error::NoVersion | Error::Reserved | Error::UnknownTag => Status::INTERNAL_ERROR,
    }
}
