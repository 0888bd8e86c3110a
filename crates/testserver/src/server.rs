//! The good server: a folder over 9P2000.L.

mod attach;
mod fids;

use std::fmt;
use std::io::{self, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

pub use attach::Attach;
use attach::Exports;
use fids::FidTable;

use crate::frame::{Frame, kind};
use crate::listen::Listening;

/// Message size the server offers unless told otherwise: 64 KiB of data and a header.
const DEFAULT_MSIZE: u32 = (64 << 10) + 24;

/// A 9P2000.L server for one folder, on loopback. Ends when dropped.
#[derive(Debug)]
pub struct TestServer {
    listening: Listening,
    shared: Arc<Shared>,
}

/// What the connections' threads share with the owner.
#[derive(Debug)]
struct Shared {
    exports: Exports,
    msize: u32,
    unclunked: AtomicUsize,
    requests: AtomicU64,
    attaches: Mutex<Vec<Attach>>,
    stalled: Mutex<bool>,
    resumed: Condvar,
    between: Option<Between>,
}

/// Who stands between the clients and the server: sees each request, has it acted on or not, and gives the answer, or an
/// error to end the connection.
struct Between(Box<Answer>);
type Answer = dyn Fn(&Frame, &mut Act<'_>) -> io::Result<Frame> + Send + Sync;

/// Acts on a request as the server does; the result is its answer.
pub type Act<'a> = dyn FnMut(&Frame) -> io::Result<Frame> + 'a;

impl fmt::Debug for Between {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Between")
    }
}

/// The settings of a [`TestServer`].
#[derive(Debug)]
pub struct Builder {
    folder: PathBuf,
    names: Vec<String>,
    exact: bool,
    users: Option<Vec<String>>,
    port: u16,
    msize: u32,
    between: Option<Between>,
}

impl Builder {
    /// The names the folder can be attached under (`aname`), instead of its absolute path and `/`. A name
    /// followed by `/a/b` attaches to the folder `a/b` below. Any other name is refused with `EPERM`.
    #[must_use]
    pub fn names(mut self, names: &[&str]) -> Self {
        self.names = names.iter().map(ToString::to_string).collect();
        self
    }

    /// Refuses `/a/b` below a name: as diod does, the server attaches to what it exports and nothing else.
    #[must_use]
    pub fn exact(mut self) -> Self {
        self.exact = true;
        self
    }

    /// The only users that may attach, by `uname` or by decimal `n_uname`; others are refused with `EPERM`.
    #[must_use]
    pub fn users(mut self, users: &[&str]) -> Self {
        self.users = Some(users.iter().map(ToString::to_string).collect());
        self
    }

    /// The port to listen on, to follow a server that was killed.
    #[must_use]
    pub fn port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// The largest message the server agrees to.
    #[must_use]
    pub fn msize(mut self, msize: u32) -> Self {
        self.msize = msize;
        self
    }

    /// Has `between` answer every request, with the server to ask: it may do something first, change an answer, or end the
    /// connection with an error before or after a request is acted on.
    #[must_use]
    pub fn between(
        mut self,
        between: impl Fn(&Frame, &mut Act<'_>) -> io::Result<Frame> + Send + Sync + 'static,
    ) -> Self {
        self.between = Some(Between(Box::new(between)));
        self
    }

    /// Starts the server.
    ///
    /// # Errors
    /// The folder does not exist; the port is taken.
    pub fn start(self) -> io::Result<TestServer> {
        let folder = self.folder.canonicalize()?;
        let names = match self.names.is_empty() {
            true => vec![folder.to_string_lossy().into_owned(), "/".into()],
            false => self.names,
        };
        let shared = Arc::new(Shared {
            exports: Exports {
                folder,
                names,
                exact: self.exact,
                users: self.users,
            },
            msize: self.msize,
            unclunked: AtomicUsize::new(0),
            requests: AtomicU64::new(0),
            attaches: Mutex::default(),
            stalled: Mutex::new(false),
            resumed: Condvar::new(),
            between: self.between,
        });
        let listening = Listening::start(self.port, {
            let shared = Arc::clone(&shared);
            move |_, stream| {
                // A client that breaks the protocol or the connection ends its own connection, no more.
                let _ = Connection::new(&shared).and_then(|connection| connection.serve(stream));
            }
        })?;
        Ok(TestServer { listening, shared })
    }
}

impl TestServer {
    /// Serves this folder with default settings, on a free port.
    ///
    /// # Errors
    /// The folder does not exist; no port is free.
    pub fn start(folder: impl AsRef<Path>) -> io::Result<Self> {
        Self::builder(folder).start()
    }

    /// Settings to be changed before the start.
    #[must_use]
    pub fn builder(folder: impl AsRef<Path>) -> Builder {
        Builder {
            folder: folder.as_ref().to_path_buf(),
            names: Vec::new(),
            exact: false,
            users: None,
            port: 0,
            msize: DEFAULT_MSIZE,
            between: None,
        }
    }

    /// Where the server listens.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.listening.addr()
    }

    /// The port the server listens on.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.addr().port()
    }

    /// Connections open now.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.listening.open_connections()
    }

    /// Connections ever accepted.
    #[must_use]
    pub fn accepted(&self) -> u64 {
        self.listening.accepted()
    }

    /// Messages ever received whole.
    #[must_use]
    pub fn requests(&self) -> u64 {
        self.shared.requests.load(Ordering::SeqCst)
    }

    /// Every attach that was tried, in order.
    #[must_use]
    pub fn attaches(&self) -> Vec<Attach> {
        self.shared
            .attaches
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Fids that clients still held when their connections ended: what they leaked. Connections that are still
    /// open do not count, see [`TestServer::wait_idle`].
    #[must_use]
    pub fn fids_unclunked(&self) -> usize {
        self.shared.unclunked.load(Ordering::SeqCst)
    }

    /// Waits until no connection is open; false if that takes longer than `limit`.
    #[must_use]
    pub fn wait_idle(&self, limit: Duration) -> bool {
        self.listening.wait_idle(limit)
    }

    /// While stalled, the server reads requests and does not act on them: alive and silent.
    pub fn set_stalled(&self, stalled: bool) {
        *self.shared.stalled.lock().unwrap_or_else(PoisonError::into_inner) = stalled;
        self.shared.resumed.notify_all();
    }

    /// Ends every connection at once; clients can connect again.
    pub fn drop_connections(&self) {
        self.listening.drop_connections();
    }

    /// Dies: every connection ends at once, nothing listens any more. What was counted stays readable.
    pub fn kill(&self) {
        // A stalled thread would wait for ever.
        self.set_stalled(false);
        self.listening.end();
    }

    /// Ends the server and reports the fids its clients leaked.
    #[must_use]
    pub fn stop(self) -> usize {
        self.kill();
        self.fids_unclunked()
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        self.kill();
    }
}

/// One client's connection: a server of its own, as fids belong to a connection.
struct Connection<'a> {
    shared: &'a Shared,
    server: p9_server::Server,
    fids: FidTable,
    msize: u32,
}

impl<'a> Connection<'a> {
    fn new(shared: &'a Shared) -> io::Result<Self> {
        let server = p9_server::Server::with_config(p9_server::Config {
            root: shared.exports.folder.clone().into(),
            msize: shared.msize,
            ..p9_server::Config::default()
        })?;
        Ok(Self {
            shared,
            server,
            fids: FidTable::default(),
            msize: shared.msize,
        })
    }

    fn serve(mut self, mut stream: TcpStream) -> io::Result<()> {
        stream.set_nodelay(true)?;
        while let Some(request) = Frame::read(&mut stream, self.msize)? {
            self.shared.requests.fetch_add(1, Ordering::SeqCst);
            self.wait_while_stalled();
            let reply = match &self.shared.between {
                Some(Between(between)) => between(&request, &mut |request| self.answer(request))?,
                None => self.answer(&request)?,
            };
            if reply.kind == kind::RVERSION {
                self.msize = reply.fields().u32().unwrap_or(self.msize);
            }
            self.fids.observe(&request, &reply);
            stream.write_all(&reply.bytes())?;
        }
        Ok(())
    }

    fn wait_while_stalled(&self) {
        let mut stalled = self.shared.stalled.lock().unwrap_or_else(PoisonError::into_inner);
        while *stalled {
            stalled = self
                .shared
                .resumed
                .wait(stalled)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn answer(&mut self, request: &Frame) -> io::Result<Frame> {
        if request.kind != kind::TATTACH {
            return self.call(request);
        }
        let Some(attach) = Attach::decode(request) else {
            return Ok(Frame::error(request.tag, attach::EINVAL));
        };
        self.shared
            .attaches
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(attach.clone());
        match self.shared.exports.resolve(&attach) {
            Ok(below) => self.attach_below(request, &attach, &below),
            Err(errno) => Ok(Frame::error(request.tag, errno)),
        }
    }

    /// Attaches to a folder below the exported one. The server underneath knows one root only, so this attaches a
    /// fid no client may use, walks from there and gives the hidden fid up again.
    fn attach_below(&mut self, request: &Frame, attach: &Attach, below: &[&str]) -> io::Result<Frame> {
        if below.is_empty() {
            return self.call(request);
        }
        let tag = request.tag;
        let attached = self.call(&attach::hidden_attach(tag))?;
        if attached.kind != kind::RATTACH {
            return Ok(attached);
        }
        let walked = self.call(&attach::hidden_walk(tag, attach.fid, below))?;
        self.call(&attach::clunk(tag, attach::HIDDEN_FID))?;
        let reply = attach::from_walk(&walked, below.len());
        if reply.kind != kind::RATTACH && attach::walked_wholly(&walked, below.len()) {
            // The name leads to something that is not a folder: the walk's fid must go.
            self.call(&attach::clunk(tag, attach.fid))?;
        }
        Ok(reply)
    }

    fn call(&mut self, request: &Frame) -> io::Result<Frame> {
        let mut reply = Vec::new();
        self.server
            .handle_message(&mut &request.bytes()[..], &mut reply)?;
        Frame::read(&mut &reply[..], u32::MAX)?.ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
    }
}

impl Drop for Connection<'_> {
    fn drop(&mut self) {
        self.shared.unclunked.fetch_add(self.fids.len(), Ordering::SeqCst);
    }
}
