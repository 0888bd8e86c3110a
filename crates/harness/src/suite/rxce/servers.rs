//! The other sides of the checks: TCP servers on loopback, in threads of this program, until it ends.

use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::OnceLock;
use std::thread;
use std::time::Duration;

use ioctl::selftest::Peers;

use crate::failure::Failure;

/// What the closing server says.
pub(super) const FAREWELL: &[u8] = b"farewell";

/// What runs, and where.
pub(super) struct Servers {
    /// On 127.0.0.1.
    pub(super) peers: Peers,
    /// Echoes on ::1, where this machine has it.
    pub(super) echo_v6: Option<SocketAddr>,
    /// Nobody listens here on ::1.
    pub(super) refusing_v6: Option<SocketAddr>,
}

/// Starts the servers, once.
pub(super) fn servers() -> Result<&'static Servers, Failure> {
    static SERVERS: OnceLock<Result<Servers, String>> = OnceLock::new();
    SERVERS
        .get_or_init(|| start().map_err(|error| error.to_string()))
        .as_ref()
        .map_err(|error| Failure::Wrong(format!("the servers do not start: {error}")))
}

/// Nobody listens here (it is that of TCPMUX, RFC 1078), and nobody is given it by chance: ports that are free for the asking
/// may be asked for again by the next program.
const NOBODYS_PORT: u16 = 1;

fn start() -> io::Result<Servers> {
    let v4 = IpAddr::V4(Ipv4Addr::LOCALHOST);
    let v6 = IpAddr::V6(Ipv6Addr::LOCALHOST);
    let echo_v6 = serve(v6, echo).ok();
    Ok(Servers {
        peers: Peers {
            echo: serve(v4, echo)?,
            refusing: SocketAddr::new(v4, NOBODYS_PORT),
            closing: serve(v4, |mut stream| {
                let _told = stream.write_all(FAREWELL);
            })?,
            resetting: serve(v4, reset)?,
            silent: keep(v4)?,
        },
        refusing_v6: echo_v6.map(|_| SocketAddr::new(v6, NOBODYS_PORT)),
        echo_v6,
    })
}

/// Serves every connection to a new address on a thread of its own.
fn serve(ip: IpAddr, serve_one: fn(TcpStream)) -> io::Result<SocketAddr> {
    accept(ip, move |stream| {
        thread::spawn(move || serve_one(stream));
    })
}

/// Takes connections, and neither reads nor writes.
fn keep(ip: IpAddr) -> io::Result<SocketAddr> {
    let mut kept = Vec::new();
    accept(ip, move |stream| kept.push(stream))
}

fn accept(ip: IpAddr, mut handle: impl FnMut(TcpStream) + Send + 'static) -> io::Result<SocketAddr> {
    let listener = TcpListener::bind((ip, 0))?;
    let address = listener.local_addr()?;
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            handle(stream);
        }
    });
    Ok(address)
}

fn echo(mut stream: TcpStream) {
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(count @ 1..) = stream.read(&mut buffer) {
        let Some(got) = buffer.get(..count) else { return };
        if stream.write_all(got).is_err() {
            return;
        }
    }
}

/// Resets the connection once a byte has come. Not at once: Wine tells of a reset as of an orderly end when no receive is
/// pending as it comes.
fn reset(stream: TcpStream) {
    const BEFORE_THE_RESET: Duration = Duration::from_millis(150);
    if stream.peek(&mut [0]).is_ok() {
        thread::sleep(BEFORE_THE_RESET);
    }
    // Closing a socket that has unread bytes resets the connection.
    drop(stream);
}

/// An address where connecting gets no answer at all: its listener accepts nobody, and its queue is full.
pub(super) struct Unanswering {
    pub(super) address: SocketAddr,
    _listener: TcpListener,
    _queue: Vec<TcpStream>,
}

impl Unanswering {
    /// # Errors
    /// `Skipped` on a system that refuses when the queue is full, as Windows does.
    pub(super) fn open() -> Result<Self, Failure> {
        /// Longer than any answer on loopback takes.
        const PATIENCE: Duration = Duration::from_millis(300);
        const LONGEST_QUEUE: usize = 1024;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let mut queue = Vec::new();
        while queue.len() < LONGEST_QUEUE {
            match TcpStream::connect_timeout(&address, PATIENCE) {
                Ok(stream) => queue.push(stream),
                Err(error) if error.kind() == io::ErrorKind::TimedOut => {
                    return Ok(Self {
                        address,
                        _listener: listener,
                        _queue: queue,
                    });
                }
                Err(_) => break,
            }
        }
        Err(Failure::Skipped(
            "this system answers even when nobody accepts".to_owned(),
        ))
    }
}
