//! Servers that misbehave to order.

use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::frame::{Frame, NO_TAG, kind, put_string};
use crate::listen::Listening;

/// What a scripted server does next on a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Read one message; the answers that follow carry its tag.
    Read,
    /// Answer with a message of this type and body.
    Reply(u8, Vec<u8>),
    /// Answer with a message of this type and body and the tag given here.
    ReplyTagged(u16, u8, Vec<u8>),
    /// Send these bytes as they are.
    Raw(Vec<u8>),
    /// Send nothing and leave the connection open until the client closes it.
    Stall,
}

impl Step {
    /// `Rversion`.
    #[must_use]
    pub fn version(msize: u32, version: &str) -> Self {
        let mut body = msize.to_le_bytes().to_vec();
        put_string(&mut body, version.as_bytes());
        Self::Reply(kind::RVERSION, body)
    }

    /// `Rattach` with the qid of a folder.
    #[must_use]
    pub fn attach() -> Self {
        let mut qid = vec![0; 13];
        qid[0] = 0x80;
        Self::Reply(kind::RATTACH, qid)
    }

    /// `Rlerror`.
    #[must_use]
    pub fn error(errno: u32) -> Self {
        Self::Reply(kind::RLERROR, errno.to_le_bytes().to_vec())
    }
}

/// A server that plays a script on every connection and closes it at the end of the script. Ends when dropped.
#[derive(Debug)]
pub struct ScriptServer {
    listening: Listening,
    received: Arc<Mutex<Vec<Frame>>>,
}

impl ScriptServer {
    /// Plays `script` on every connection, on a free loopback port.
    ///
    /// # Errors
    /// No port is free.
    pub fn start(script: Vec<Step>) -> io::Result<Self> {
        Self::start_each(vec![script])
    }

    /// Plays one script per connection, in order, and the last one on all that follow.
    ///
    /// # Errors
    /// No port is free.
    pub fn start_each(scripts: Vec<Vec<Step>>) -> io::Result<Self> {
        let received = Arc::new(Mutex::new(Vec::new()));
        let listening = Listening::start(0, {
            let received = Arc::clone(&received);
            move |number, stream| {
                let number = usize::try_from(number).unwrap_or(usize::MAX);
                let script = scripts.get(number).or(scripts.last());
                // A client that has had enough closes: the script ends early.
                let _ = play(script.map(Vec::as_slice).unwrap_or_default(), stream, &received);
            }
        })?;
        Ok(Self { listening, received })
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

    /// Connections ever accepted.
    #[must_use]
    pub fn accepted(&self) -> u64 {
        self.listening.accepted()
    }

    /// Connections open now.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.listening.open_connections()
    }

    /// Waits until no connection is open; false if that takes longer than `limit`.
    #[must_use]
    pub fn wait_idle(&self, limit: Duration) -> bool {
        self.listening.wait_idle(limit)
    }

    /// Every message read so far, of all connections.
    #[must_use]
    pub fn received(&self) -> Vec<Frame> {
        self.received
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

fn play(script: &[Step], mut stream: TcpStream, received: &Mutex<Vec<Frame>>) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut tag = NO_TAG;
    for step in script {
        match step {
            Step::Read => {
                let Some(frame) = Frame::read(&mut stream, u32::MAX)? else {
                    return Ok(());
                };
                tag = frame.tag;
                received
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .push(frame);
            }
            Step::Reply(kind, body) => {
                stream.write_all(
                    &Frame {
                        kind: *kind,
                        tag,
                        body: body.clone(),
                    }
                    .bytes(),
                )?;
            }
            Step::ReplyTagged(tag, kind, body) => {
                stream.write_all(
                    &Frame {
                        kind: *kind,
                        tag: *tag,
                        body: body.clone(),
                    }
                    .bytes(),
                )?;
            }
            Step::Raw(bytes) => stream.write_all(bytes)?,
            Step::Stall => {
                let mut ignored = [0; 4096];
                while stream.read(&mut ignored)? != 0 {}
            }
        }
    }
    Ok(())
}

/// The message size used by the scripts below.
const MSIZE: u32 = 8192;

/// The version every client of ours speaks.
const VERSION: &str = "9P2000.L";

/// Every way in which a server can spoil the making of a connection (version, then attach): a mapping onto any of
/// them must fail, in bounded time, with nothing left behind. `Stall` entries need the client's own deadline.
#[must_use]
pub fn bad_handshakes() -> Vec<(&'static str, Vec<Step>)> {
    let agreed = |rest: &[Step]| {
        let mut script = vec![Step::Read, Step::version(MSIZE, VERSION), Step::Read];
        script.extend_from_slice(rest);
        script
    };
    let mut overlong_version = MSIZE.to_le_bytes().to_vec();
    overlong_version.extend([0xFF, 0xFF, b'9']);
    vec![
        ("closes at once", vec![]),
        ("closes instead of a version", vec![Step::Read]),
        ("never answers the version", vec![Step::Read, Step::Stall]),
        (
            "speaks another version",
            vec![Step::Read, Step::version(MSIZE, "9P2000.u"), Step::Stall],
        ),
        (
            "knows no version",
            vec![Step::Read, Step::version(MSIZE, "unknown"), Step::Stall],
        ),
        (
            "refuses the version",
            vec![Step::Read, Step::error(5), Step::Stall],
        ),
        (
            "raises the message size",
            vec![Step::Read, Step::version(u32::MAX, VERSION), Step::Stall],
        ),
        (
            "lowers the message size to nothing",
            vec![Step::Read, Step::version(0, VERSION), Step::Stall],
        ),
        (
            "cuts its version string",
            vec![
                Step::Read,
                Step::Reply(kind::RVERSION, overlong_version),
                Step::Stall,
            ],
        ),
        (
            "answers before it is asked",
            vec![Step::version(MSIZE, VERSION), Step::attach(), Step::Stall],
        ),
        (
            "answers in another protocol",
            vec![Step::Read, Step::Raw(b"HTTP/1.1 400 Bad Request\r\n\r\n".into())],
        ),
        (
            "sends a frame of no size",
            vec![Step::Read, Step::Raw(vec![0; 16]), Step::Stall],
        ),
        (
            "sends half a frame and closes",
            vec![Step::Read, Step::Raw(vec![21, 0, 0, 0, 101, 255, 255, 0])],
        ),
        (
            "sends half a frame and stalls",
            vec![Step::Read, Step::Raw(vec![21, 0, 0, 0, 101]), Step::Stall],
        ),
        (
            "sends noise",
            vec![Step::Read, Step::Raw((0..=255).cycle().take(4096).collect())],
        ),
        ("closes instead of an attach", agreed(&[])),
        ("never answers the attach", agreed(&[Step::Stall])),
        ("refuses the attach", agreed(&[Step::error(13), Step::Stall])),
        (
            "refuses the attach with no error",
            agreed(&[Step::error(0), Step::Stall]),
        ),
        (
            "answers the attach with another type",
            agreed(&[Step::Reply(kind::RWALK, vec![0, 0]), Step::Stall]),
        ),
        (
            "answers a tag nobody used",
            agreed(&[Step::ReplyTagged(0x7777, kind::RATTACH, vec![0; 13]), Step::Stall]),
        ),
        (
            "answers the attach with half a qid",
            agreed(&[Step::Reply(kind::RATTACH, vec![0x80; 6]), Step::Stall]),
        ),
        (
            "attaches a plain file",
            agreed(&[Step::Reply(kind::RATTACH, vec![0; 13]), Step::Stall]),
        ),
        (
            "sends a frame larger than agreed",
            agreed(&[
                Step::Reply(kind::RATTACH, vec![0x80; MSIZE as usize]),
                Step::Stall,
            ]),
        ),
        (
            "announces a frame of 2 GiB",
            agreed(&[Step::Raw(vec![0xFF, 0xFF, 0xFF, 0x7F, 105, 1, 0]), Step::Stall]),
        ),
        ("says nothing at all", vec![Step::Stall]),
    ]
}
