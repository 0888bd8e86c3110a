//! Every message with generated contents through two codecs that know nothing of each other, ours and that of `rs9p`: the
//! same bytes from both, and each reads from the other's what was written.
//!
//! Where `rs9p` departs from the protocol, or leaves a part out, the test says so. It takes strings for UTF-8 and
//! drops unknown bits, so there are none here; our own tests have them.

#![cfg(unix)]

use ninep::wire::*;
use proptest::prelude::*;
use rs9p::FCall;
use rs9p::serialize::{read_msg, write_msg};

/// The frame that we make of a message.
fn ours<M: Message>(message: &M, tag: u16) -> Vec<u8> {
    let len = frame_len(message).expect("fits");
    let mut bytes = vec![0; len as usize];
    let mut out = Writer::new(&mut bytes);
    encode_frame(message, Tag(tag), &mut out).expect("room");
    assert_eq!(out.written(), bytes.len());
    bytes
}

/// The frame that `rs9p` makes; the size is left to its server's framing.
fn theirs(body: &FCall, tag: u16) -> Vec<u8> {
    let mut bytes = vec![0; 4];
    let message = rs9p::Msg {
        tag,
        body: body.clone(),
    };
    let written = write_msg(&mut bytes, &message).expect("memory");
    assert_eq!(written + 4, bytes.len());
    let len = u32::try_from(bytes.len()).expect("short");
    bytes[..4].copy_from_slice(&len.to_le_bytes());
    bytes
}

/// What we read from a frame: tag and message.
fn read_by_us<'a, M: Decode<'a>>(frame: &'a [u8]) -> (u16, M) {
    let (header, body) = frame.split_first_chunk().expect("a header");
    let header = Header::decode(header);
    assert_eq!((header.size as usize, header.kind), (frame.len(), M::TYPE));
    (header.tag.0, M::decode_body(body).expect("well-formed"))
}

/// What `rs9p` reads from a frame: tag and message. Nothing is left over.
fn read_by_them(frame: &[u8]) -> (u16, FCall) {
    let mut rest = &frame[4..];
    let message = read_msg(&mut rest).expect("well-formed");
    assert_eq!(rest, [0; 0], "left over of {message:?}");
    (message.tag, message.body)
}

/// The same message in our types and in theirs: the same bytes, and each reads the other's.
macro_rules! agree {
    ($tag:expr, $($message:ident $fields:tt = $call:expr;)*) => {$({
        let (message, call) = ($message $fields, $call);
        let (from_us, from_them) = (ours(&message, $tag), theirs(&call, $tag));
        prop_assert_eq!(&from_us, &from_them);
        prop_assert_eq!(read_by_us::<$message>(&from_them), ($tag, message));
        prop_assert_eq!(read_by_them(&from_us), ($tag, call));
    })*};
}

fn text() -> impl Strategy<Value = String> {
    proptest::collection::vec(any::<char>(), 0..40).prop_map(String::from_iter)
}

/// The same qid twice.
fn qid() -> impl Strategy<Value = (Qid, rs9p::QId)> {
    any::<(u8, u32, u64)>().prop_map(|(kind, version, path)| {
        let ours = Qid {
            kind: QidType::from_bits_retain(kind),
            version,
            path,
        };
        let typ = rs9p::QIdType::from_bits_truncate(kind);
        assert_eq!(typ.bits(), kind, "all bits have a meaning");
        (ours, rs9p::QId { typ, version, path })
    })
}

/// The same time twice. They count no seconds before 1970; on the wire it is all one.
fn time() -> impl Strategy<Value = (Time, rs9p::Time)> {
    any::<(i64, u64)>().prop_map(|(seconds, nanoseconds)| {
        let sec = seconds.cast_unsigned();
        let ours = Time { seconds, nanoseconds };
        (
            ours,
            rs9p::Time {
                sec,
                nsec: nanoseconds,
            },
        )
    })
}

/// The kind of a lock and what becomes of one, twice.
fn lock() -> impl Strategy<Value = ((LockType, rs9p::LockType), (LockStatus, rs9p::LockStatus))> {
    (0..3_u8, 0..4_u8).prop_map(|(kind, status)| {
        (
            (LockType(kind), rs9p::LockType::from_bits_truncate(kind)),
            (LockStatus(status), rs9p::LockStatus::from_bits_truncate(status)),
        )
    })
}

testserver::properties! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn session(
        tag in any::<u16>(),
        (a, b, c, old) in any::<(u32, u32, u32, u16)>(),
        (s, t) in (text(), text()),
        (qid, their_qid) in qid(),
    ) {
        let (fid, afid) = (Fid(a), Fid(b));
        let (uname, aname) = (s.as_bytes(), t.as_bytes());
        agree! { tag,
            Rlerror { ecode: Errno(a) } = FCall::RlError { ecode: a };
            Tversion { msize: a, version: uname } = FCall::TVersion { msize: a, version: s.clone() };
            Rversion { msize: a, version: uname } = FCall::RVersion { msize: a, version: s.clone() };
            Tauth { afid, uname, aname, n_uname: c } =
                FCall::TAuth { afid: b, uname: s.clone(), aname: t.clone(), n_uname: c };
            Rauth { aqid: qid } = FCall::RAuth { aqid: their_qid };
            Tattach { fid, afid, uname, aname, n_uname: c } =
                FCall::TAttach { fid: a, afid: b, uname: s.clone(), aname: t.clone(), n_uname: c };
            Rattach { qid } = FCall::RAttach { qid: their_qid };
            Tflush { oldtag: Tag(old) } = FCall::TFlush { oldtag: old };
            Rflush {} = FCall::RFlush;
            Tclunk { fid } = FCall::TClunk { fid: a };
            Rclunk {} = FCall::RClunk;
            Tremove { fid } = FCall::TRemove { fid: a };
            Rremove {} = FCall::RRemove;
        }
    }

    #[test]
    fn walks(
        tag in any::<u16>(),
        (a, b) in any::<(u32, u32)>(),
        names in proptest::collection::vec(text(), 0..=MAX_WALK),
        qids in proptest::collection::vec(qid(), 0..=MAX_WALK),
    ) {
        let list: Vec<&[u8]> = names.iter().map(String::as_bytes).collect();
        let (qids, wqids): (Vec<_>, Vec<_>) = qids.into_iter().unzip();
        agree! { tag,
            Twalk { fid: Fid(a), newfid: Fid(b), names: WalkNames::new(&list) } =
                FCall::TWalk { fid: a, newfid: b, wnames: names.clone() };
            Rwalk { qids: WalkQids::new(&qids) } = FCall::RWalk { wqids: wqids.clone() };
        }
    }

    #[test]
    fn data(
        tag in any::<u16>(),
        (a, b, x) in any::<(u32, u32, u64)>(),
        bytes in proptest::collection::vec(any::<u8>(), 0..5000),
    ) {
        let (fid, payload, data) = (Fid(a), Payload(&bytes), rs9p::Data(bytes.clone()));
        agree! { tag,
            Tread { fid, offset: x, count: b } = FCall::TRead { fid: a, offset: x, count: b };
            Rread { data: payload } = FCall::RRead { data: data.clone() };
            Twrite { fid, offset: x, data: payload } = FCall::TWrite { fid: a, offset: x, data: data.clone() };
            Rwrite { count: b } = FCall::RWrite { count: b };
            Rfsync {} = FCall::RFSync;
        }
        // They know Tfsync without its last field, which the protocol got later.
        let fsync = ours(&Tfsync { fid, datasync: b }, tag);
        let older = theirs(&FCall::TFSync { fid: a }, tag);
        prop_assert_eq!(&fsync[4..11], &older[4..11]);
        prop_assert_eq!(&fsync[11..], b.to_le_bytes());
    }

    #[test]
    fn opens(
        tag in any::<u16>(),
        (a, b, c, d) in any::<(u32, u32, u32, u32)>(),
        s in text(),
        (qid, their_qid) in qid(),
    ) {
        let (fid, name, flags) = (Fid(a), s.as_bytes(), OpenFlags::from_bits_retain(b));
        agree! { tag,
            Tlopen { fid, flags } = FCall::TlOpen { fid: a, flags: b };
            Rlopen { qid, iounit: b } = FCall::RlOpen { qid: their_qid, iounit: b };
            Tlcreate { fid, name, flags, mode: Mode(c), gid: d } =
                FCall::TlCreate { fid: a, name: s.clone(), flags: b, mode: c, gid: d };
            Rlcreate { qid, iounit: b } = FCall::RlCreate { qid: their_qid, iounit: b };
        }
    }

    #[test]
    fn attributes(
        tag in any::<u16>(),
        (a, b, c, d, e) in any::<(u32, u32, u32, u32, u32)>(),
        (x, y, z, u, v, w) in any::<(u64, u64, u64, u64, u64, u64)>(),
        (mask, times) in (0..=GetAttrMask::ALL.bits(), 0..=0x1ff_u32),
        ((qid, their_qid), (atime, atime2), (mtime, mtime2), (ctime, ctime2), (btime, _)) in
            (qid(), time(), time(), time(), time()),
    ) {
        let fid = Fid(a);
        let mask2 = rs9p::GetAttrMask::from_bits_retain(mask);
        let mask = GetAttrMask::from_bits_retain(mask);
        let stat = rs9p::Stat {
            mode: b, uid: c, gid: d, nlink: y, rdev: z, size: u, blksize: v, blocks: w,
            atime: atime2, mtime: mtime2, ctime: ctime2,
        };
        let statfs = rs9p::StatFs {
            typ: a, bsize: b, blocks: x, bfree: y, bavail: z, files: u, ffree: v, fsid: w, namelen: c,
        };
        let set = rs9p::SetAttr { mode: c, uid: d, gid: e, size: x, atime: atime2, mtime: mtime2 };
        let got = Rgetattr {
            valid: mask, qid, mode: Mode(b), uid: c, gid: d, nlink: y, rdev: z, size: u, blksize: v, blocks: w,
            atime, mtime, ctime, btime: Time::default(), generation: 0, data_version: 0,
        };
        let their_got = FCall::RGetAttr { valid: mask2, qid: their_qid, stat };
        agree! { tag,
            Tgetattr { fid, mask } = FCall::TGetAttr { fid: a, req_mask: mask2 };
            Rgetattr { ..got } = their_got.clone();
            Tsetattr {
                fid, valid: SetAttrMask::from_bits_retain(times), mode: Mode(c), uid: d, gid: e, size: x, atime, mtime,
            } = FCall::TSetAttr { fid: a, valid: rs9p::SetAttrMask::from_bits_retain(times), stat: set };
            Rsetattr {} = FCall::RSetAttr;
            Tstatfs { fid } = FCall::TStatFs { fid: a };
            Rstatfs {
                kind: a, bsize: b, blocks: x, bfree: y, bavail: z, files: u, ffree: v, fsid: w, namelen: c,
            } = FCall::RStatFs { statfs };
        }
        // They write zeros for birth, generation and version, and read past whatever is there: of the right length.
        let full = Rgetattr { btime, generation: x, data_version: y, ..got };
        prop_assert_eq!(read_by_them(&ours(&full, tag)), (tag, their_got));
    }

    #[test]
    fn extended_attributes(tag in any::<u16>(), (a, b, x) in any::<(u32, u32, u64)>(), s in text()) {
        let (fid, newfid, name) = (Fid(a), Fid(b), s.as_bytes());
        agree! { tag,
            Txattrwalk { fid, newfid, name } = FCall::TxAttrWalk { fid: a, newfid: b, name: s.clone() };
            Rxattrwalk { size: x } = FCall::RxAttrWalk { size: x };
            Txattrcreate { fid, name, attr_size: x, flags: b } =
                FCall::TxAttrCreate { fid: a, name: s.clone(), attr_size: x, flags: b };
            Rxattrcreate {} = FCall::RxAttrCreate;
        }
    }

    #[test]
    fn locks(
        tag in any::<u16>(),
        (a, b, flags) in (any::<u32>(), any::<u32>(), 0..4_u32),
        (x, y) in any::<(u64, u64)>(),
        ((kind, typ), (status, status2)) in lock(),
        s in text(),
    ) {
        let (fid, client_id) = (Fid(a), s.as_bytes());
        let flock = rs9p::Flock {
            typ, flags: rs9p::LockFlag::from_bits_truncate(flags), start: x, length: y, proc_id: b, client_id: s.clone(),
        };
        let getlock = rs9p::Getlock { typ, start: x, length: y, proc_id: b, client_id: s.clone() };
        let flags = LockFlags::from_bits_retain(flags);
        agree! { tag,
            Tlock { fid, kind, flags, start: x, length: y, proc_id: b, client_id } =
                FCall::TLock { fid: a, flock: flock.clone() };
            Rlock { status } = FCall::RLock { status: status2 };
            Tgetlock { fid, kind, start: x, length: y, proc_id: b, client_id } =
                FCall::TGetLock { fid: a, flock: getlock.clone() };
            Rgetlock { kind, start: x, length: y, proc_id: b, client_id } = FCall::RGetLock { flock: getlock.clone() };
        }
    }

    #[test]
    fn names(
        tag in any::<u16>(),
        (a, b, c, d, e) in any::<(u32, u32, u32, u32, u32)>(),
        (s, t) in (text(), text()),
        (qid, their_qid) in qid(),
    ) {
        let (fid, other, name, target) = (Fid(a), Fid(b), s.as_bytes(), t.as_bytes());
        agree! { tag,
            Tsymlink { dfid: fid, name, target, gid: b } =
                FCall::TSymlink { fid: a, name: s.clone(), symtgt: t.clone(), gid: b };
            Rsymlink { qid } = FCall::RSymlink { qid: their_qid };
            Tmknod { dfid: fid, name, mode: Mode(b), major: c, minor: d, gid: e } =
                FCall::TMkNod { dfid: a, name: s.clone(), mode: b, major: c, minor: d, gid: e };
            Rmknod { qid } = FCall::RMkNod { qid: their_qid };
            Trename { fid, dfid: other, name } = FCall::TRename { fid: a, dfid: b, name: s.clone() };
            Rrename {} = FCall::RRename;
            Treadlink { fid } = FCall::TReadLink { fid: a };
            Rreadlink { target } = FCall::RReadLink { target: t.clone() };
            Tlink { dfid: fid, fid: other, name } = FCall::TLink { dfid: a, fid: b, name: s.clone() };
            Rlink {} = FCall::RLink;
            Tmkdir { dfid: fid, name, mode: Mode(b), gid: c } =
                FCall::TMkDir { dfid: a, name: s.clone(), mode: b, gid: c };
            Rmkdir { qid } = FCall::RMkDir { qid: their_qid };
            Trenameat { olddirfid: fid, oldname: name, newdirfid: other, newname: target } =
                FCall::TRenameAt { olddirfid: a, oldname: s.clone(), newdirfid: b, newname: t.clone() };
            Rrenameat {} = FCall::RRenameAt;
            Tunlinkat { dirfid: fid, name, flags: UnlinkFlags::from_bits_retain(b) } =
                FCall::TUnlinkAt { dirfd: a, name: s.clone(), flags: b };
            Runlinkat {} = FCall::RUnlinkAt;
        }
    }

    #[test]
    fn listings(
        tag in any::<u16>(),
        (a, b, x) in any::<(u32, u32, u64)>(),
        entries in proptest::collection::vec((qid(), any::<(u64, u8)>(), text()), 0..30),
    ) {
        agree! { tag,
            Treaddir { fid: Fid(a), offset: x, count: b } = FCall::TReadDir { fid: a, offset: x, count: b };
        }
        let mut packed = vec![0; entries.len() * 200];
        let mut writer = Writer::new(&mut packed);
        for ((qid, _), (offset, kind), name) in &entries {
            let (qid, offset, kind) = (*qid, *offset, EntryType(*kind));
            DirEntry { qid, offset, kind, name: name.as_bytes() }.encode(&mut writer).expect("room");
        }
        let written = writer.written();
        let message = Rreaddir { entries: Entries::new(&packed[..written]).expect("whole") };
        let list = entries.into_iter().map(|((_, qid), (offset, typ), name)| rs9p::DirEntry { qid, offset, typ, name });
        let list: Vec<_> = list.collect();
        let from_them = theirs(&FCall::RReadDir { data: rs9p::DirEntryData::with(list.clone()) }, tag);
        prop_assert_eq!(&ours(&message, tag), &from_them);
        prop_assert_eq!(read_by_us::<Rreaddir>(&from_them), (tag, message));
        // Being a server's, their reader takes the length of a reply for a number of entries: it is given each alone.
        let mut rest = &packed[..written];
        for entry in list {
            prop_assert_eq!(rs9p::serialize::Decodable::decode(&mut rest).map_err(|error| error.kind()), Ok(entry));
        }
        prop_assert!(rest.is_empty());
    }
}
