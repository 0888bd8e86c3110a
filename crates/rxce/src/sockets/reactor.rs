//! The one thread of the process that waits for its sockets, all of them at once.

use super::line::Line;
use mio::event::Source;
use mio::{Events, Interest, Poll, Registry, Token};
use nt::Status;
use std::collections::HashMap;
use std::io::{self, ErrorKind};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};
use std::thread;

/// Events that are fetched at a time.
const BATCH: usize = 256;

static REACTOR: OnceLock<Option<Reactor>> = OnceLock::new();

/// Knows every line that there is. Its thread runs as long as the process does.
pub(super) struct Reactor {
    registry: Registry,
    lines: Mutex<Lines>,
}

#[derive(Default)]
struct Lines {
    by_token: HashMap<Token, Weak<Line>>,
    next: usize,
}

impl Reactor {
    /// The reactor of the process, started when it is first asked for.
    ///
    /// # Errors
    /// `INSUFFICIENT_RESOURCES` when it cannot be started.
    pub(super) fn get() -> nt::Result<&'static Reactor> {
        let started = REACTOR.get_or_init(|| Self::start().ok());
        started.as_ref().ok_or(Status::INSUFFICIENT_RESOURCES)
    }

    fn start() -> io::Result<Reactor> {
        let poll = Poll::new()?;
        let reactor = Reactor {
            registry: poll.registry().try_clone()?,
            lines: Mutex::default(),
        };
        thread::Builder::new()
            .name("sockets".into())
            .spawn(move || serve(poll))?;
        Ok(reactor)
    }

    /// A token that no line has had before.
    pub(super) fn token(&self) -> Token {
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        lines.next += 1;
        Token(lines.next)
    }

    /// Has `line` hear under `token` of everything that happens to `source` from now on.
    pub(super) fn register(&self, source: &mut impl Source, token: Token) -> io::Result<()> {
        let interest = Interest::READABLE | Interest::WRITABLE;
        self.registry.register(source, token, interest)
    }

    pub(super) fn enter(&self, token: Token, line: &Arc<Line>) {
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        lines.by_token.insert(token, Arc::downgrade(line));
    }

    /// Forgets a line. Its socket has left, or leaves when it is closed.
    pub(super) fn leave(&self, token: Token) {
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        lines.by_token.remove(&token);
    }

    fn line(&self, token: Token) -> Option<Arc<Line>> {
        let lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        lines.by_token.get(&token)?.upgrade()
    }
}

/// The life of the reactor's thread.
fn serve(mut poll: Poll) {
    let reactor = REACTOR.wait();
    let Some(reactor) = reactor else { return };
    let mut events = Events::with_capacity(BATCH);
    loop {
        match poll.poll(&mut events, None) {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            // Nothing else can go wrong with a selector that is there.
            Err(_) => return,
        }
        for event in &events {
            let Some(line) = reactor.line(event.token()) else {
                continue;
            };
            let broken = event.is_error();
            if broken || event.is_readable() || event.is_read_closed() {
                line.proceed_receiving();
            }
            if broken || event.is_writable() || event.is_write_closed() {
                line.proceed_sending();
            }
        }
    }
}
