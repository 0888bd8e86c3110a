//! The session against a real diod on loopback.
//!
//! Ignored unless asked for (`--include-ignored`), as it needs `diod` installed; asked for without it, it fails.

#![cfg(unix)]

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::path::Path;
use std::task::Poll;
use std::time::Duration;

use ninep::session::{Config, Disconnect, Error, Need, Response, Session};
use ninep::wire::*;

/// Longest that anything here may take before the test fails.
const PATIENCE: Duration = Duration::from_secs(60);

/// A diod of the test's own, serving one directory.
struct Diod {
    server: testserver::Diod,
    export: tempfile::TempDir,
}

impl Diod {
    fn start() -> Self {
        let export = tempfile::tempdir().expect("a directory to export");
        let server = testserver::Diod::start(export.path());
        Self { server, export }
    }

    fn path(&self) -> &Path {
        self.export.path()
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.server.port())).expect("diod listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        stream.set_nodelay(true).expect("no delay");
        stream
    }
}

/// The simplest driver there is: one thread, blocking.
struct Client {
    session: Session,
    stream: TcpStream,
}

impl Client {
    fn connect(diod: &Diod, msize: u32) -> Self {
        let session = Session::new(Config {
            msize,
            ..Config::default()
        })
        .expect("memory");
        let mut client = Self {
            session,
            stream: diod.connect(),
        };
        client.session.start_version(None).expect("first");
        while client.session.poll_version().is_pending() {
            client.turn();
        }
        assert!(
            matches!(client.session.poll_version(), Poll::Ready(Ok(_))),
            "{:?}",
            client.session.ended()
        );
        client
    }

    /// Sends what there is and takes some input.
    fn turn(&mut self) {
        self.flush_out();
        let mut buffer = [0; 50_000];
        let received = self.stream.read(&mut buffer).expect("diod answers");
        if received == 0 {
            self.session.disconnect(Disconnect::Remote, &mut |_| {});
            return;
        }
        self.session
            .handle_input(&buffer[..received], &mut |_| {})
            .expect("diod keeps the protocol");
    }

    fn flush_out(&mut self) {
        while let Some(bytes) = self.session.take_transmit() {
            self.stream.write_all(&bytes).expect("diod reads");
            self.session.recycle_transmit(bytes);
        }
    }

    fn wait<R: Request>(&mut self, tag: Tag) -> Result<Response<R>, Error> {
        loop {
            match self.session.take_reply(tag) {
                Poll::Ready(result) => return result,
                Poll::Pending => self.turn(),
            }
        }
    }

    fn call<R: Request>(&mut self, request: &R) -> Result<Response<R>, Error> {
        let tag = self.session.start(request, None)?;
        self.wait(tag)
    }

    fn attach(&mut self, diod: &Diod) -> Fid {
        let fid = self.session.allocate_fid().expect("a fid");
        let aname = diod.path().as_os_str().as_encoded_bytes();
        self.call(&Tattach {
            fid,
            afid: Fid::NONE,
            uname: b"root",
            aname,
            n_uname: NO_UID,
        })
        .expect("attached");
        fid
    }

    fn walk(&mut self, from: Fid, names: &[&[u8]]) -> Result<Fid, Error> {
        let fid = self.session.allocate_fid()?;
        let walked = self.call(&Twalk {
            fid: from,
            newfid: fid,
            names: WalkNames::new(names),
        });
        match walked.and_then(|reply| Ok(reply.get()?.qids.len())) {
            Ok(len) if len == names.len() => Ok(fid),
            Ok(_) => {
                self.session.discard(fid);
                Err(Error::Remote(Errno(2)))
            }
            Err(error) => {
                self.session.discard(fid);
                Err(error)
            }
        }
    }

    fn open(&mut self, root: Fid, names: &[&[u8]], flags: OpenFlags) -> Fid {
        let fid = self.walk(root, names).expect("walked");
        self.call(&Tlopen { fid, flags }).expect("opened");
        fid
    }

    fn create(&mut self, root: Fid, name: &[u8]) -> Fid {
        let fid = self.walk(root, &[]).expect("cloned");
        let flags = OpenFlags::READ_WRITE | OpenFlags::EXCLUSIVE;
        self.call(&Tlcreate {
            fid,
            name,
            flags,
            mode: Mode(0o644),
            gid: 0,
        })
        .expect("created");
        fid
    }

    /// Waits until the server has answered everything, and checks that nothing is left.
    fn finish(mut self, root: Fid) {
        self.session.discard(root);
        while self.session.fids_in_use() > 0 || self.session.outstanding() > 0 {
            self.turn();
        }
        assert_eq!(self.session.ended(), None);
    }
}

/// Bytes that are different everywhere.
fn pattern(len: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    (0..len)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state as u8
        })
        .collect()
}

#[test]
#[ignore = "needs diod"]
fn msize_is_lowered_to_what_the_server_takes() {
    let diod = Diod::start();
    let mut client = Client::connect(&diod, 1 << 20);
    assert!(client.session.msize() <= 1 << 20);
    assert!(client.session.msize() >= 65_536, "{}", client.session.msize());
    let root = client.attach(&diod);
    client.finish(root);
}

#[test]
#[ignore = "needs diod"]
fn reads_are_pipelined_and_land_in_their_buffers() {
    let diod = Diod::start();
    let data = pattern(5_000_000);
    std::fs::write(diod.path().join("big"), &data).expect("written");
    let mut client = Client::connect(&diod, 65_536);
    let root = client.attach(&diod);
    let fid = client.open(root, &[b"big"], OpenFlags::empty());
    let chunk = client.session.max_payload() as usize;
    let mut got = vec![0; data.len()];
    let mut waiting = Vec::new();
    let mut next = 0;
    while next < data.len() || !waiting.is_empty() {
        while next < data.len() {
            let len = chunk.min(data.len() - next);
            let read = Tread {
                fid,
                offset: next as u64,
                count: len as u32,
            };
            if !client.session.has_room_for(Need::of(&read)) {
                break;
            }
            let tag = client.session.start(&read, None).expect("room");
            waiting.push((tag, next, len));
            next += len;
        }
        client.turn();
        waiting.retain(|(tag, at, len)| match client.session.take_reply::<Tread>(*tag) {
            Poll::Pending => true,
            Poll::Ready(read) => {
                let read = read.expect("data");
                got[*at..*at + *len].copy_from_slice(read.get().expect("whole").data.0);
                client.session.recycle_reply(read.into_buffer());
                false
            }
        });
    }
    assert!(got == data, "the data is not the file's");
    client.session.discard(fid);
    client.finish(root);
}

#[test]
#[ignore = "needs diod"]
fn writes_are_pipelined_and_synced() {
    let diod = Diod::start();
    let data = pattern(3_000_000);
    let mut client = Client::connect(&diod, 65_536);
    let root = client.attach(&diod);
    let fid = client.create(root, b"out");
    let chunk = client.session.max_payload() as usize;
    let mut tags = Vec::new();
    for (index, piece) in data.chunks(chunk).enumerate() {
        let write = Twrite {
            fid,
            offset: (index * chunk) as u64,
            data: Payload(piece),
        };
        while !client.session.has_room_for(Need::of(&write)) {
            client.turn();
            tags.retain(|(tag, len)| match client.session.take_reply::<Twrite<'_>>(*tag) {
                Poll::Pending => true,
                Poll::Ready(reply) => {
                    assert_eq!(reply.expect("written").get().expect("whole").count, *len);
                    false
                }
            });
        }
        tags.push((
            client.session.start(&write, None).expect("room"),
            piece.len() as u32,
        ));
    }
    for (tag, len) in tags {
        assert_eq!(
            client
                .wait::<Twrite<'_>>(tag)
                .expect("written")
                .get()
                .expect("whole")
                .count,
            len
        );
    }
    client.call(&Tfsync { fid, datasync: 0 }).expect("synced");
    let attributes = client
        .call(&Tgetattr {
            fid,
            mask: GetAttrMask::ALL,
        })
        .expect("attributes");
    assert_eq!(attributes.get().expect("whole").size, data.len() as u64);
    client.call(&Tclunk { fid }).expect("clunked");
    assert!(std::fs::read(diod.path().join("out")).expect("the file") == data);
    client.finish(root);
}

#[test]
#[ignore = "needs diod"]
fn a_directory_lists_page_by_page() {
    let diod = Diod::start();
    let names: Vec<String> = (0..500)
        .map(|index| format!("file-{index:04}-\u{e4}\u{1f980}"))
        .collect();
    for name in &names {
        std::fs::write(diod.path().join(name), "").expect("written");
    }
    let mut client = Client::connect(&diod, 65_536);
    let root = client.attach(&diod);
    let fid = client.open(root, &[], OpenFlags::DIRECTORY);
    let mut found = Vec::new();
    let mut offset = 0;
    loop {
        let page = client
            .call(&Treaddir {
                fid,
                offset,
                count: 4096,
            })
            .expect("a page");
        let entries = page.get().expect("whole").entries;
        if entries.is_empty() {
            break;
        }
        for entry in entries.iter() {
            offset = entry.offset;
            found.push(String::from_utf8(entry.name.to_vec()).expect("UTF-8"));
        }
    }
    found.sort();
    let mut expected = names;
    expected.extend([".".to_owned(), "..".to_owned()]);
    expected.sort();
    assert_eq!(found, expected);
    client.session.discard(fid);
    client.finish(root);
}

#[test]
#[ignore = "needs diod"]
fn attributes_change() {
    let diod = Diod::start();
    let mut client = Client::connect(&diod, 65_536);
    let root = client.attach(&diod);
    let file = client.create(root, b"one");
    let mtime = Time {
        seconds: 1_000_000_000,
        nanoseconds: 500,
    };
    let set = Tsetattr {
        valid: SetAttrMask::SIZE | SetAttrMask::MTIME | SetAttrMask::MTIME_SET,
        size: 1 << 33,
        mtime,
        ..Tsetattr::new(file)
    };
    client.call(&set).expect("set");
    let attributes = client
        .call(&Tgetattr {
            fid: file,
            mask: GetAttrMask::BASIC,
        })
        .expect("attributes");
    let attributes = attributes.get().expect("whole");
    assert_eq!((attributes.size, attributes.mtime), (1 << 33, mtime));
    assert!(attributes.mode.is_regular() && attributes.mode.permissions() == 0o644);
    let statfs = client.call(&Tstatfs { fid: root }).expect("statfs");
    assert!(statfs.get().expect("whole").namelen >= 255);
    let lock = Tlock {
        fid: file,
        kind: LockType::WRITE,
        flags: LockFlags::empty(),
        start: 0,
        length: 10,
        proc_id: 1,
        client_id: b"me",
    };
    let outcome = client.call(&lock).expect("asked");
    assert_eq!(outcome.get().expect("whole").status, LockStatus::SUCCESS);
    client.session.discard(file);
    client.finish(root);
}

#[test]
#[ignore = "needs diod"]
fn names_change() {
    let diod = Diod::start();
    let mut client = Client::connect(&diod, 65_536);
    let root = client.attach(&diod);
    client
        .call(&Tmkdir {
            dfid: root,
            name: b"dir",
            mode: Mode(0o755),
            gid: 0,
        })
        .expect("made");
    let dir = client.walk(root, &[b"dir"]).expect("walked");
    let file = client.create(dir, b"one");
    client
        .call(&Tlink {
            dfid: root,
            fid: file,
            name: b"hard",
        })
        .expect("linked");
    client
        .call(&Tsymlink {
            dfid: root,
            name: b"soft",
            target: b"dir/one",
            gid: 0,
        })
        .expect("linked");
    let soft = client.walk(root, &[b"soft"]).expect("walked");
    let target = client.call(&Treadlink { fid: soft }).expect("read");
    assert_eq!(target.get().expect("whole").target, b"dir/one");
    // Never through an open fid: diod 1.0.24 aborts on an assertion (its path must have no open file).
    let fresh = client.walk(root, &[b"dir", b"one"]).expect("walked");
    client
        .call(&Trename {
            fid: fresh,
            dfid: root,
            name: b"two",
        })
        .expect("renamed");
    assert!(diod.path().join("two").exists() && !diod.path().join("dir/one").exists());

    client.call(&Tremove { fid: soft }).expect("removed");
    // The fid that was open keeps diod's old path; the one that renamed has the new one.
    client.session.discard(file);
    client.call(&Tremove { fid: fresh }).expect("removed");
    client.call(&Tremove { fid: dir }).expect("removed");
    let left = std::fs::read_dir(diod.path()).expect("listing");
    let left: Vec<_> = left.map(|entry| entry.expect("entry").file_name()).collect();
    assert_eq!(left, ["hard"]);
    client.finish(root);
}

#[test]
#[ignore = "needs diod"]
fn refusals_are_errnos_and_the_session_goes_on() {
    let diod = Diod::start();
    std::fs::write(diod.path().join("file"), "x").expect("written");
    let mut client = Client::connect(&diod, 65_536);
    let root = client.attach(&diod);
    assert_eq!(
        client.walk(root, &[b"missing"]).expect_err("not there"),
        Error::Remote(Errno(2))
    );
    assert_eq!(
        client.walk(root, &[b"file", b"x"]).expect_err("half way"),
        Error::Remote(Errno(2))
    );
    let made = client.call(&Tmkdir {
        dfid: root,
        name: b"file",
        mode: Mode(0o755),
        gid: 0,
    });
    assert_eq!(made.expect_err("exists"), Error::Remote(Errno(17)));
    let attach = Tattach {
        fid: Fid(0),
        afid: Fid::NONE,
        uname: b"root",
        aname: b"/nowhere",
        n_uname: NO_UID,
    };
    let fid = client.session.allocate_fid().expect("a fid");
    assert_eq!(
        client
            .call(&Tattach { fid, ..attach })
            .expect_err("no such export"),
        Error::Remote(Errno(1))
    );
    client.session.discard(fid);
    client.finish(root);
}

#[test]
#[ignore = "needs diod"]
fn walk_attributes_and_open_go_out_together() {
    let diod = Diod::start();
    std::fs::write(diod.path().join("file"), "twelve bytes").expect("written");
    let mut client = Client::connect(&diod, 65_536);
    let root = client.attach(&diod);
    let fid = client.session.allocate_fid().expect("a fid");
    let walk = Twalk {
        fid: root,
        newfid: fid,
        names: WalkNames::new(&[b"file"]),
    };
    let walk = client.session.start(&walk, None).expect("room");
    let attr = client
        .session
        .start(
            &Tgetattr {
                fid,
                mask: GetAttrMask::BASIC,
            },
            None,
        )
        .expect("room");
    client.wait::<Twalk<'_>>(walk).expect("walked");
    let attributes = client.wait::<Tgetattr>(attr);
    // diod may take the two in either order; an honest answer is either of these.
    match attributes {
        Ok(reply) => assert_eq!(reply.get().expect("whole").size, 12),
        Err(error) => assert!(matches!(error, Error::Remote(_)), "{error:?}"),
    }
    client.session.discard(fid);
    client.finish(root);
}

#[test]
#[ignore = "needs diod"]
fn abandoned_requests_leave_nothing_behind() {
    let diod = Diod::start();
    std::fs::write(diod.path().join("file"), pattern(100_000)).expect("written");
    let mut client = Client::connect(&diod, 65_536);
    let root = client.attach(&diod);
    let file = client.open(root, &[b"file"], OpenFlags::empty());
    for round in 0..200 {
        let fid = client.session.allocate_fid().expect("a fid");
        let walk = Twalk {
            fid: root,
            newfid: fid,
            names: WalkNames::new(&[b"file"]),
        };
        let read = Tread {
            fid: file,
            offset: 0,
            count: 60_000,
        };
        // What was abandoned counts as under way until it is answered, and walks may be answered before reads.
        while !client.session.has_room_for(Need::of(&read)) {
            client.turn();
        }
        let walk = client.session.start(&walk, None).expect("room");
        let read = client.session.start(&read, None).expect("room");
        if round % 2 == 0 {
            client.flush_out();
        }
        client.session.abandon(walk);
        client.session.discard(fid);
        client.session.abandon(read);
        while client.session.outstanding() > 30 {
            client.turn();
        }
    }
    client.session.discard(file);
    client.finish(root);
}

#[test]
#[ignore = "needs diod"]
fn a_killed_server_fails_what_waits() {
    let mut diod = Diod::start();
    let mut client = Client::connect(&diod, 65_536);
    let root = client.attach(&diod);
    diod.server.kill();
    let tag = client
        .session
        .start(
            &Tgetattr {
                fid: root,
                mask: GetAttrMask::BASIC,
            },
            None,
        )
        .expect("room");
    while let Some(bytes) = client.session.take_transmit() {
        let _ = client.stream.write_all(&bytes);
    }
    let mut woken = Vec::new();
    match client.stream.read(&mut [0; 100]) {
        Ok(0) => client
            .session
            .disconnect(Disconnect::Remote, &mut |tag| woken.push(tag)),
        Ok(_) => panic!("an answer from the dead"),
        Err(_) => client
            .session
            .disconnect(Disconnect::Error, &mut |tag| woken.push(tag)),
    }
    assert_eq!(woken, [tag]);
    assert!(matches!(
        client.wait::<Tgetattr>(tag),
        Err(Error::Disconnected(_))
    ));
    client.session.discard(root);
    assert_eq!(
        (client.session.fids_in_use(), client.session.outstanding()),
        (0, 0)
    );
}
