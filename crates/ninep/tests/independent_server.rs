//! Agreement with an independent implementation: the `p9` crate's server, in this process, decodes what we encode and
//! encodes what we decode. Every request of the dialect goes through it, with field values whose effect can be seen in
//! the file system or in the reply.

#![cfg(unix)]

use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::task::Poll;

use ninep::session::{Config, Error, Response, Session};
use ninep::wire::*;
use p9_server::Server;

struct World {
    session: Session,
    server: Server,
    directory: tempfile::TempDir,
    root: Fid,
}

impl World {
    fn new() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let server = Server::new(directory.path(), Default::default(), Default::default()).expect("a server");
        let mut session = Session::new(Config {
            msize: 16_384,
            ..Config::default()
        })
        .expect("memory");
        session.start_version(None).expect("first");
        let mut world = Self {
            session,
            server,
            directory,
            root: Fid(0),
        };
        world.exchange();
        assert_eq!(world.session.poll_version(), Poll::Ready(Ok(16_384)));
        world.root = world.session.allocate_fid().expect("a fid");
        let attach = Tattach {
            fid: world.root,
            afid: Fid::NONE,
            uname: b"root",
            aname: b"/",
            n_uname: 0,
        };
        assert!(world.call(&attach).expect("attached").qid.is_directory());
        world
    }

    fn path(&self) -> &Path {
        self.directory.path()
    }

    /// Lets the server answer everything that was sent.
    fn exchange(&mut self) {
        while let Some(bytes) = self.session.take_transmit() {
            let mut requests = &bytes[..];
            let mut replies = Vec::new();
            while !requests.is_empty() {
                self.server
                    .handle_message(&mut requests, &mut replies)
                    .expect("well-formed");
            }
            self.session
                .handle_input(&replies, &mut |_| {})
                .expect("well-formed");
        }
    }

    fn respond<R: Request>(&mut self, request: &R) -> Result<Response<R>, Error> {
        let tag = self.session.start(request, None)?;
        self.exchange();
        match self.session.take_reply(tag) {
            Poll::Ready(result) => result,
            Poll::Pending => panic!("{:?} was not answered", R::TYPE),
        }
    }

    /// For requests whose reply owns all it has.
    fn call<R, M>(&mut self, request: &R) -> Result<M, Error>
    where
        R: for<'r> Request<Reply<'r> = M>,
        M: for<'r> Decode<'r>,
    {
        self.respond(request)?.get()
    }

    fn walk(&mut self, names: &[&[u8]]) -> Fid {
        let fid = self.session.allocate_fid().expect("a fid");
        let walked = self.respond(&Twalk {
            fid: self.root,
            newfid: fid,
            names: WalkNames::new(names),
        });
        assert_eq!(
            walked.expect("walked").get().expect("whole").qids.len(),
            names.len()
        );
        fid
    }

    fn finish(mut self) {
        self.session.discard(self.root);
        self.exchange();
        assert_eq!((self.session.fids_in_use(), self.session.outstanding()), (0, 0));
    }
}

#[test]
fn data_goes_through_unchanged() {
    let mut world = World::new();
    let fid = world.walk(&[]);
    let create = Tlcreate {
        fid,
        name: "größe".as_bytes(),
        flags: OpenFlags::READ_WRITE | OpenFlags::EXCLUSIVE,
        mode: Mode(0o640),
        gid: 0,
    };
    let created = world.call(&create).expect("created");
    let data: Vec<u8> = (0..9000_u32).map(|at| (at * 7) as u8).collect();
    let written = world
        .call(&Twrite {
            fid,
            offset: 5,
            data: Payload(&data),
        })
        .expect("written");
    assert_eq!(written.count, 9000);
    world.call(&Tfsync { fid, datasync: 1 }).expect("synced");
    let file = world.path().join("größe");
    assert_eq!(std::fs::read(&file).expect("the file")[5..], data);
    assert_eq!(
        std::fs::metadata(&file).expect("the file").ino(),
        created.qid.path
    );

    let reply = world
        .respond(&Tread {
            fid,
            offset: 1005,
            count: 100,
        })
        .expect("read");
    assert_eq!(reply.get().expect("whole").data.0, &data[1000..1100]);
    let reply = world
        .respond(&Tread {
            fid,
            offset: 8005,
            count: 4000,
        })
        .expect("read");
    assert_eq!(reply.get().expect("whole").data.0, &data[8000..]);
    world.call(&Tclunk { fid }).expect("clunked");
    world.finish();
}

#[test]
fn attributes_mean_the_same_on_both_sides() {
    let mut world = World::new();
    std::fs::write(world.path().join("file"), "0123456789").expect("written");
    let fid = world.walk(&[b"file"]);
    let set = Tsetattr {
        valid: SetAttrMask::MODE
            | SetAttrMask::SIZE
            | SetAttrMask::ATIME
            | SetAttrMask::ATIME_SET
            | SetAttrMask::MTIME
            | SetAttrMask::MTIME_SET,
        mode: Mode(0o604),
        size: 4,
        atime: Time {
            seconds: 1_111_111_111,
            nanoseconds: 222,
        },
        mtime: Time {
            seconds: 1_222_222_222,
            nanoseconds: 333,
        },
        ..Tsetattr::new(fid)
    };
    world.call(&set).expect("set");
    let got = world
        .call(&Tgetattr {
            fid,
            mask: GetAttrMask::BASIC,
        })
        .expect("attributes");
    let real = std::fs::metadata(world.path().join("file")).expect("the file");
    assert_eq!(
        (got.size, got.mode, got.nlink),
        (4, Mode(Mode::REGULAR | 0o604), 1)
    );
    assert_eq!((got.atime, got.mtime), (set.atime, set.mtime));
    assert_eq!(
        (got.qid.path, got.uid, got.gid),
        (real.ino(), real.uid(), real.gid())
    );
    assert_eq!(
        (got.blksize, got.blocks, got.rdev),
        (real.blksize(), real.blocks(), real.rdev())
    );
    assert_eq!(
        (got.ctime.seconds, got.ctime.nanoseconds),
        (real.ctime(), real.ctime_nsec() as u64)
    );
    let statfs = world.call(&Tstatfs { fid }).expect("statfs");
    assert_eq!(statfs.namelen, 255);
    assert!(statfs.bsize >= 512 && statfs.bfree <= statfs.blocks && statfs.ffree <= statfs.files);
    world.session.discard(fid);
    world.finish();
}

#[test]
fn links_lead_to_files() {
    let mut world = World::new();
    let root = world.root;
    let made = world
        .call(&Tmkdir {
            dfid: root,
            name: b"d",
            mode: Mode(0o711),
            gid: 0,
        })
        .expect("made");
    assert!(made.qid.is_directory());
    std::fs::write(world.path().join("d/one"), "x").expect("written");
    let one = world.walk(&[b"d", b"one"]);
    world
        .call(&Tlink {
            dfid: root,
            fid: one,
            name: b"hard",
        })
        .expect("linked");
    assert_eq!(
        std::fs::metadata(world.path().join("hard"))
            .expect("linked")
            .nlink(),
        2
    );
    std::os::unix::fs::symlink("d/one", world.path().join("soft")).expect("linked");
    let soft = world.walk(&[b"soft"]);
    assert_eq!(
        world
            .respond(&Treadlink { fid: soft })
            .expect("read")
            .get()
            .expect("whole")
            .target,
        b"d/one"
    );
    for fid in [one, soft] {
        world.session.discard(fid);
    }
    world.finish();
}

#[test]
fn names_move_and_go_by_name() {
    let mut world = World::new();
    let root = world.root;
    std::fs::create_dir(world.path().join("d")).expect("made");
    std::fs::write(world.path().join("d/one"), "x").expect("written");
    let d = world.walk(&[b"d"]);
    let moving = Trenameat {
        olddirfid: d,
        oldname: b"one",
        newdirfid: root,
        newname: b"two",
    };
    world.call(&moving).expect("moved");
    assert!(world.path().join("two").exists() && !world.path().join("d/one").exists());
    world
        .call(&Tunlinkat {
            dirfid: root,
            name: b"two",
            flags: UnlinkFlags::empty(),
        })
        .expect("gone");
    let refused = world.call(&Tunlinkat {
        dirfid: root,
        name: b"d",
        flags: UnlinkFlags::empty(),
    });
    assert!(
        matches!(refused, Err(Error::Remote(_))),
        "a directory needs the flag"
    );
    world
        .call(&Tunlinkat {
            dirfid: root,
            name: b"d",
            flags: UnlinkFlags::REMOVE_DIRECTORY,
        })
        .expect("gone");
    let left = std::fs::read_dir(world.path()).expect("listing").count();
    assert_eq!(left, 0);
    world.session.discard(d);
    world.finish();
}

#[test]
fn a_directory_is_listed_whole() {
    let mut world = World::new();
    for index in 0..300 {
        std::fs::write(world.path().join(format!("entry {index}")), "").expect("written");
    }
    std::fs::create_dir(world.path().join("sub")).expect("made");
    let fid = world.walk(&[]);
    world
        .call(&Tlopen {
            fid,
            flags: OpenFlags::DIRECTORY,
        })
        .expect("opened");
    let (mut names, mut offset) = (Vec::new(), 0);
    loop {
        let page = world
            .respond(&Treaddir {
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
            let directory = matches!(entry.name, b"." | b".." | b"sub");
            assert_eq!(
                entry.kind == EntryType::DIRECTORY,
                directory,
                "{}",
                entry.name.escape_ascii()
            );
            names.push(entry.name.to_vec());
        }
    }
    names.retain(|name| !matches!(&name[..], b"." | b".."));
    names.sort();
    let mut expected: Vec<Vec<u8>> = (0..300)
        .map(|index| format!("entry {index}").into_bytes())
        .collect();
    expected.push(b"sub".to_vec());
    expected.sort();
    assert_eq!(names, expected);
    world.session.discard(fid);
    world.finish();
}

/// What this server does not do it says so, under the right tag; which shows that it could read the request.
#[test]
fn refusals_are_errnos() {
    let mut world = World::new();
    std::fs::write(world.path().join("file"), "x").expect("written");
    let fid = world.walk(&[b"file"]);
    let spare = world.session.allocate_fid().expect("a fid");
    let root = world.root;
    let node = Tmknod {
        dfid: fid,
        name: b"n",
        mode: Mode(Mode::FIFO),
        major: 0,
        minor: 0,
        gid: 0,
    };
    let refusals = [
        world
            .call(&Tauth {
                afid: spare,
                uname: b"u",
                aname: b"a",
                n_uname: 1,
            })
            .err(),
        world
            .call(&Txattrwalk {
                fid,
                newfid: spare,
                name: b"user.x",
            })
            .err(),
        world
            .call(&Txattrcreate {
                fid,
                name: b"user.x",
                attr_size: 1,
                flags: 0,
            })
            .err(),
        world.call(&node).err(),
        world
            .call(&Trename {
                fid,
                dfid: root,
                name: b"other",
            })
            .err(),
        world
            .call(&Tsymlink {
                dfid: root,
                name: b"l",
                target: b"t",
                gid: 0,
            })
            .err(),
    ];
    for refusal in refusals {
        let Some(Error::Remote(errno)) = refusal else {
            panic!("{refusal:?}")
        };
        assert_ne!(
            errno,
            Errno(22),
            "EINVAL is what it says to a body that it cannot read"
        );
    }
    assert_eq!(world.session.ended(), None);
    world.session.discard(fid);
    world.session.discard(spare);
    world.finish();
}

/// This server refuses every remove and, against the protocol, keeps the fid.
#[test]
fn a_fid_that_a_server_keeps_after_remove_is_clunked_before_it_is_used_again() {
    let mut world = World::new();
    std::fs::write(world.path().join("file"), "x").expect("written");
    for _ in 0..3 {
        let fid = world.walk(&[b"file"]);
        assert!(matches!(world.call(&Tremove { fid }), Err(Error::Remote(_))));
        world.exchange();
        assert_eq!(world.session.fids_in_use(), 1);
    }
    world.finish();
}

#[test]
fn locks_are_answered() {
    let mut world = World::new();
    std::fs::write(world.path().join("file"), "x").expect("written");
    let fid = world.walk(&[b"file"]);
    world
        .call(&Tlopen {
            fid,
            flags: OpenFlags::READ_WRITE,
        })
        .expect("opened");
    let (kind, flags, client_id) = (LockType::READ, LockFlags::BLOCK, &b"client"[..]);
    let lock = Tlock {
        fid,
        kind,
        flags,
        start: 1,
        length: 2,
        proc_id: 3,
        client_id,
    };
    assert_eq!(world.call(&lock).expect("answered").status, LockStatus::SUCCESS);
    let question = Tgetlock {
        fid,
        kind,
        start: 1,
        length: 2,
        proc_id: 3,
        client_id,
    };
    let answer = world.respond(&question).expect("answered");
    assert_eq!(answer.get().expect("whole").kind, LockType::UNLOCK);
    world.session.discard(fid);
    world.finish();
}
