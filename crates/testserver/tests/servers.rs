//! The servers themselves, seen from a client that is written by hand.
#![cfg(unix)]

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use testserver::{ScriptServer, Step, TestServer, kind, script};

/// Far above what a loopback answer takes; reached only when a test has failed.
const LIMIT: Duration = Duration::from_secs(20);

const TLOPEN: u8 = 12;
const RLOPEN: u8 = 13;
const TREAD: u8 = 116;
const RREAD: u8 = 117;

struct Client(TcpStream);

impl Client {
    fn connect(addr: SocketAddr) -> Self {
        let stream = TcpStream::connect(addr).unwrap();
        stream.set_read_timeout(Some(LIMIT)).unwrap();
        Self(stream)
    }

    fn send(&mut self, kind: u8, body: &[u8]) {
        let size = u32::try_from(7 + body.len()).unwrap();
        let frame = [&size.to_le_bytes()[..], &[kind, 1, 0], body].concat();
        self.0.write_all(&frame).unwrap();
    }

    /// The type and body of the next message, or `None` if the connection has ended.
    fn receive(&mut self) -> Option<(u8, Vec<u8>)> {
        let mut header = [0; 7];
        match self.0.read_exact(&mut header) {
            Ok(()) => {}
            Err(error)
                if matches!(
                    error.kind(),
                    ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset
                ) =>
            {
                return None;
            }
            Err(error) => panic!("no answer: {error}"),
        }
        let size = u32::from_le_bytes(header[..4].try_into().unwrap());
        let mut body = vec![0; size as usize - 7];
        self.0.read_exact(&mut body).unwrap();
        Some((header[4], body))
    }

    fn call(&mut self, kind: u8, body: &[u8]) -> (u8, Vec<u8>) {
        self.send(kind, body);
        self.receive().expect("the server answers")
    }

    fn version(&mut self) {
        let body = [&8192_u32.to_le_bytes()[..], &string("9P2000.L")].concat();
        assert_eq!(self.call(kind::TVERSION, &body).0, kind::RVERSION);
    }

    fn attach(&mut self, fid: u32, aname: &str) -> Result<Vec<u8>, u32> {
        let body = [
            &words(&[fid, u32::MAX])[..],
            &string("user"),
            &string(aname),
            &words(&[1000]),
        ]
        .concat();
        ok(self.call(kind::TATTACH, &body), kind::RATTACH)
    }

    fn walk(&mut self, from: u32, to: u32, names: &[&str]) -> Result<Vec<u8>, u32> {
        let mut body = words(&[from, to]);
        body.extend(u16::try_from(names.len()).unwrap().to_le_bytes());
        names.iter().for_each(|name| body.extend(string(name)));
        ok(self.call(kind::TWALK, &body), kind::RWALK)
    }

    fn clunk(&mut self, fid: u32) {
        assert_eq!(self.call(kind::TCLUNK, &words(&[fid])).0, kind::TCLUNK + 1);
    }
}

fn ok((kind, body): (u8, Vec<u8>), expected: u8) -> Result<Vec<u8>, u32> {
    if kind == kind::RLERROR {
        return Err(u32::from_le_bytes(body[..4].try_into().unwrap()));
    }
    assert_eq!(kind, expected);
    Ok(body)
}

fn words(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

fn string(text: &str) -> Vec<u8> {
    [
        &u16::try_from(text.len()).unwrap().to_le_bytes()[..],
        text.as_bytes(),
    ]
    .concat()
}

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(folder.path().join("a/b")).unwrap();
    std::fs::write(folder.path().join("a/b/file"), "contents").unwrap();
    folder
}

#[test]
fn a_file_is_read_and_nothing_is_leaked() {
    let folder = folder();
    let server = TestServer::start(&folder).unwrap();
    let mut client = Client::connect(server.addr());
    client.version();
    client.attach(0, "/").unwrap();
    client.walk(0, 1, &["a", "b", "file"]).unwrap();
    ok(client.call(TLOPEN, &words(&[1, 0])), RLOPEN).unwrap();
    let read = ok(client.call(TREAD, &words(&[1, 0, 0, 100])), RREAD).unwrap();
    assert_eq!(&read[4..], b"contents");
    client.clunk(1);
    client.clunk(0);
    drop(client);
    assert!(server.wait_idle(LIMIT));
    assert_eq!(server.requests(), 7);
    assert_eq!(server.stop(), 0);
}

#[test]
fn fids_left_behind_are_counted() {
    let folder = folder();
    let server = TestServer::start(&folder).unwrap();
    let mut client = Client::connect(server.addr());
    client.version();
    client.attach(0, "/").unwrap();
    client.walk(0, 1, &["a"]).unwrap();
    assert_eq!(client.walk(0, 2, &["nothing"]), Err(2));
    drop(client);
    assert!(server.wait_idle(LIMIT));
    assert_eq!(server.fids_unclunked(), 2);
}

#[test]
fn attaching_below_the_export_and_to_foreign_names() {
    let folder = folder();
    let server = TestServer::builder(&folder).names(&["/export"]).start().unwrap();
    let mut client = Client::connect(server.addr());
    client.version();
    let root = client.attach(0, "/export").unwrap();
    let below = client.attach(1, "/export/a/b").unwrap();
    assert_ne!(root, below);
    assert_eq!(below, client.walk(0, 2, &["a", "b"]).unwrap()[15..]);
    client.walk(1, 3, &["file"]).unwrap();
    assert_eq!(client.attach(4, "/export/a/missing"), Err(2));
    assert_eq!(client.attach(4, "/export/missing"), Err(2));
    assert_eq!(client.attach(4, "/export/a/b/file"), Err(20));
    assert_eq!(client.attach(4, "/other"), Err(1));
    // None of the failures holds on to the fid.
    client.attach(4, "/export/a").unwrap();
    let names: Vec<_> = server.attaches().into_iter().map(|attach| attach.aname).collect();
    assert_eq!(names[1], "/export/a/b");
    assert_eq!(names.len(), 7);
    drop(client);
    assert!(server.wait_idle(LIMIT));
    assert_eq!(server.fids_unclunked(), 5);
}

#[test]
fn the_absolute_path_is_a_name_by_default() {
    let folder = folder();
    let server = TestServer::start(&folder).unwrap();
    let mut client = Client::connect(server.addr());
    client.version();
    let path = folder.path().canonicalize().unwrap();
    client.attach(0, path.to_str().unwrap()).unwrap();
    client.attach(1, path.join("a").to_str().unwrap()).unwrap();
}

#[test]
fn users_can_be_refused() {
    let folder = folder();
    let server = TestServer::builder(&folder).users(&["1001"]).start().unwrap();
    let mut client = Client::connect(server.addr());
    client.version();
    assert_eq!(client.attach(0, "/"), Err(1));
    assert_eq!(server.attaches()[0].uname, "user");
}

#[test]
fn a_stalled_server_answers_late_and_a_killed_one_never() {
    let folder = folder();
    let server = TestServer::start(&folder).unwrap();
    let mut client = Client::connect(server.addr());
    client.version();
    server.set_stalled(true);
    client.send(kind::TFLUSH, &[9, 0]);
    client.0.set_nonblocking(true).unwrap();
    assert_eq!(client.0.read(&mut [0]).unwrap_err().kind(), ErrorKind::WouldBlock);
    client.0.set_nonblocking(false).unwrap();
    server.set_stalled(false);
    assert_eq!(client.receive().unwrap().0, kind::RFLUSH);

    server.set_stalled(true);
    client.send(kind::TFLUSH, &[9, 0]);
    let port = server.port();
    server.kill();
    // The last request may or may not have been answered on the way down.
    while client.receive().is_some() {}
    assert!(TcpStream::connect(server.addr()).is_err());
    let next = TestServer::builder(&folder).port(port).start().unwrap();
    Client::connect(next.addr()).version();
}

#[test]
fn dropped_connections_can_be_made_anew() {
    let folder = folder();
    let server = TestServer::start(&folder).unwrap();
    let mut client = Client::connect(server.addr());
    client.version();
    server.drop_connections();
    assert_eq!(client.receive(), None);
    Client::connect(server.addr()).version();
    assert_eq!(server.accepted(), 2);
}

#[test]
fn scripts_play_each_connection_its_part() {
    let agree = vec![
        Step::Read,
        Step::version(4096, "9P2000.L"),
        Step::Read,
        Step::attach(),
    ];
    let refuse = vec![Step::Read, Step::error(5)];
    let server = ScriptServer::start_each(vec![agree, refuse]).unwrap();
    let mut client = Client::connect(server.addr());
    client.version();
    client.attach(0, "x").unwrap();
    assert_eq!(client.receive(), None);
    for _ in 0..2 {
        let mut client = Client::connect(server.addr());
        assert_eq!(ok(client.call(kind::TVERSION, &[]), kind::RVERSION), Err(5));
    }
    assert!(server.wait_idle(LIMIT));
    let kinds: Vec<_> = server.received().iter().map(|frame| frame.kind).collect();
    assert_eq!(
        kinds,
        [kind::TVERSION, kind::TATTACH, kind::TVERSION, kind::TVERSION]
    );
}

/// Every bad handshake ends as soon as the client closes: no script can hang a test.
#[test]
fn bad_handshakes_end_with_their_client() {
    for (name, script) in script::bad_handshakes() {
        let server = ScriptServer::start(script).unwrap();
        let client = Client::connect(server.addr());
        drop(client);
        assert!(server.wait_idle(LIMIT), "{name}");
    }
}
