//! One exchange of each of the 28 messages.

use std::task::Poll;

use ninep::session::{Error, Session};
use ninep::wire::*;

/// The fids that an exchange may name: all known to the server but the last, which is only allocated.
#[derive(Clone, Copy)]
pub(crate) struct Fids {
    pub(crate) root: Fid,
    pub(crate) file: Fid,
    pub(crate) new: Fid,
}

/// A request with an honest reply.
pub(crate) struct Exchange {
    pub(crate) name: &'static str,
    pub(crate) start: fn(&mut Session, Fids, u64) -> Result<Tag, Error>,
    /// What becomes of it; `Ok` is an honest reply.
    pub(crate) take: fn(&mut Session, Tag) -> Poll<Result<(), Error>>,
    pub(crate) reply: fn(Tag) -> Vec<u8>,
    /// The request ends this fid.
    pub(crate) ends_file: bool,
}

pub(crate) fn frame<M: Message>(tag: Tag, message: &M) -> Vec<u8> {
    let mut out = vec![0; frame_len(message).unwrap() as usize];
    encode_frame(message, tag, &mut Writer::new(&mut out)).unwrap();
    out
}

/// `Request { fields } => reply, whether it ends the file's fid`; the name at the front is that of the fids at hand.
macro_rules! exchanges {
    ($fids:ident: $($request:ident { $($field:ident: $value:expr),* $(,)? } => $reply:expr, $ends_file:literal;)*) => {
        vec![$(Exchange {
            name: stringify!($request),
            start: |session, $fids, deadline| {
                session.start(&$request { $($field: $value),* }, Some(deadline))
            },
            take: |session, tag| session.take_reply::<$request>(tag).map(|outcome| outcome.map(drop)),
            reply: |tag| frame(tag, &$reply),
            ends_file: $ends_file,
        }),*]
    };
}

pub(crate) fn qid() -> Qid {
    Qid {
        kind: QidType::empty(),
        version: 0,
        path: 7,
    }
}

fn attributes() -> Rgetattr {
    Rgetattr {
        valid: GetAttrMask::BASIC,
        qid: qid(),
        mode: Mode(Mode::REGULAR | 0o644),
        uid: 0,
        gid: 0,
        nlink: 1,
        rdev: 0,
        size: 5,
        blksize: 4096,
        blocks: 8,
        atime: Time::default(),
        mtime: Time::default(),
        ctime: Time::default(),
        btime: Time::default(),
        generation: 0,
        data_version: 0,
    }
}

fn statfs() -> Rstatfs {
    Rstatfs {
        kind: 1,
        bsize: 4096,
        blocks: 9,
        bfree: 5,
        bavail: 4,
        files: 3,
        ffree: 2,
        fsid: 1,
        namelen: 255,
    }
}

/// All but Tversion and Tflush, which are the session's own.
pub(crate) fn exchanges() -> Vec<Exchange> {
    let mut all = exchanges! { fids:
        Tauth { afid: fids.new, uname: b"u", aname: b"/", n_uname: 0 } => Rauth { aqid: qid() }, false;
        Tattach { fid: fids.new, afid: Fid::NONE, uname: b"u", aname: b"/", n_uname: 0 } => Rattach { qid: qid() }, false;
        Twalk { fid: fids.root, newfid: fids.new, names: WalkNames::new(&[b"a"]) } => Rwalk { qids: WalkQids::new(&[qid()]) }, false;
        Twrite { fid: fids.file, offset: 0, data: Payload(b"12345") } => Rwrite { count: 5 }, false;
        Tclunk { fid: fids.file } => Rclunk {}, true;
        Tremove { fid: fids.file } => Rremove {}, true;
        Tstatfs { fid: fids.root } => statfs(), false;
        Tlopen { fid: fids.file, flags: OpenFlags::empty() } => Rlopen { qid: qid(), iounit: 0 }, false;
        Tlcreate { fid: fids.file, name: b"n", flags: OpenFlags::empty(), mode: Mode(0o644), gid: 0 }
            => Rlcreate { qid: qid(), iounit: 0 }, false;
        Tsymlink { dfid: fids.root, name: b"n", target: b"t", gid: 0 } => Rsymlink { qid: qid() }, false;
        Tmknod { dfid: fids.root, name: b"n", mode: Mode(0o644), major: 0, minor: 0, gid: 0 } => Rmknod { qid: qid() }, false;
        Trename { fid: fids.file, dfid: fids.root, name: b"n" } => Rrename {}, false;
        Treadlink { fid: fids.file } => Rreadlink { target: b"t" }, false;
        Tgetattr { fid: fids.file, mask: GetAttrMask::BASIC } => attributes(), false;
        Txattrwalk { fid: fids.file, newfid: fids.new, name: b"user.x" } => Rxattrwalk { size: 3 }, false;
        Txattrcreate { fid: fids.file, name: b"user.x", attr_size: 3, flags: 0 } => Rxattrcreate {}, false;
        Treaddir { fid: fids.file, offset: 0, count: 4096 } => Rreaddir { entries: Entries::new(&[]).unwrap() }, false;
        Tfsync { fid: fids.file, datasync: 0 } => Rfsync {}, false;
        Tlock { fid: fids.file, kind: LockType(1), flags: LockFlags::empty(), start: 0, length: 1, proc_id: 1, client_id: b"c" }
            => Rlock { status: LockStatus(0) }, false;
        Tgetlock { fid: fids.file, kind: LockType(1), start: 0, length: 1, proc_id: 1, client_id: b"c" }
            => Rgetlock { kind: LockType(2), start: 0, length: 1, proc_id: 1, client_id: b"c" }, false;
        Tlink { dfid: fids.root, fid: fids.file, name: b"n" } => Rlink {}, false;
        Tmkdir { dfid: fids.root, name: b"n", mode: Mode(0o755), gid: 0 } => Rmkdir { qid: Qid { kind: QidType::DIRECTORY, ..qid() } }, false;
        Trenameat { olddirfid: fids.root, oldname: b"a", newdirfid: fids.root, newname: b"b" } => Rrenameat {}, false;
        Tread { fid: fids.file, offset: 0, count: 16 } => Rread { data: Payload(b"12345") }, false;
        Tunlinkat { dirfid: fids.root, name: b"a", flags: UnlinkFlags::empty() } => Runlinkat {}, false;
    };
    all.push(Exchange {
        name: "Tsetattr",
        start: |session, fids, deadline| session.start(&Tsetattr::new(fids.file), Some(deadline)),
        take: |session, tag| {
            session
                .take_reply::<Tsetattr>(tag)
                .map(|outcome| outcome.map(drop))
        },
        reply: |tag| frame(tag, &Rsetattr {}),
        ends_file: false,
    });
    all
}
