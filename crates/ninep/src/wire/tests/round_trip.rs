//! Every message with random contents: there and back, and never from a part of its bytes.

use std::vec;
use std::vec::Vec;

use proptest::prelude::*;

use crate::wire::*;

/// Encodes, decodes, and checks that neither a proper prefix nor a longer body passes.
macro_rules! round_trip {
    ($($message:ident $fields:tt)*) => {$({
        let message = $message $fields;
        let mut body = Length::default();
        message.encode_body(&mut body).expect("fits");
        let mut bytes = vec![0; body.0 + 1];
        message.encode_body(&mut Writer::new(&mut bytes)).expect("room");
        let exact = &bytes[..body.0];
        prop_assert_eq!($message::decode_body(exact), Ok(message));
        prop_assert_eq!($message::decode_body(&bytes), Err(DecodeError::TrailingBytes));
        // All cuts of a short body, some of a long one.
        for cut in (0..body.0).step_by(1 + body.0 / 64) {
            prop_assert_eq!($message::decode_body(&exact[..cut]), Err(DecodeError::Truncated));
        }
    })*};
}

fn text() -> impl Strategy<Value = Vec<u8>> {
    proptest::collection::vec(any::<u8>(), 0..40)
}

fn qid() -> impl Strategy<Value = Qid> {
    any::<(u8, u32, u64)>().prop_map(|(kind, version, path)| Qid {
        kind: QidType::from_bits_retain(kind),
        version,
        path,
    })
}

fn time() -> impl Strategy<Value = Time> {
    any::<(i64, u64)>().prop_map(|(seconds, nanoseconds)| Time { seconds, nanoseconds })
}

testserver::properties! {
    #[test]
    fn messages_of_plain_fields(
        (a, b, c, d, e) in any::<(u32, u32, u32, u32, u32)>(),
        (x, y, z, u, v, w) in any::<(u64, u64, u64, u64, u64, u64)>(),
        (tag, byte) in any::<(u16, u8)>(),
        (qid, atime, mtime, ctime, btime) in (qid(), time(), time(), time(), time()),
    ) {
        let fid = Fid(a);
        round_trip! {
            Rlerror { ecode: Errno(a) }
            Rauth { aqid: qid }
            Rattach { qid }
            Tflush { oldtag: Tag(tag) }
            Rflush {}
            Tread { fid, offset: x, count: b }
            Rwrite { count: b }
            Tclunk { fid }
            Rclunk {}
            Tremove { fid }
            Rremove {}
            Tfsync { fid, datasync: b }
            Rfsync {}
            Tstatfs { fid }
            Rstatfs { kind: a, bsize: b, blocks: x, bfree: y, bavail: z, files: u, ffree: v, fsid: w, namelen: c }
            Tlopen { fid, flags: OpenFlags::from_bits_retain(b) }
            Rlopen { qid, iounit: b }
            Rlcreate { qid, iounit: b }
            Rsymlink { qid }
            Rmknod { qid }
            Rrename {}
            Treadlink { fid }
            Tgetattr { fid, mask: GetAttrMask::from_bits_retain(x) }
            Rgetattr {
                valid: GetAttrMask::from_bits_retain(x), qid, mode: Mode(b), uid: c, gid: d, nlink: y, rdev: z,
                size: u, blksize: v, blocks: w, atime, mtime, ctime, btime, generation: x,
                data_version: y,
            }
            Tsetattr {
                fid, valid: SetAttrMask::from_bits_retain(b), mode: Mode(c), uid: d, gid: e, size: x,
                atime, mtime,
            }
            Rsetattr {}
            Rxattrwalk { size: x }
            Rxattrcreate {}
            Treaddir { fid, offset: x, count: b }
            Rlock { status: LockStatus(byte) }
            Rlink {}
            Rmkdir { qid }
            Rrenameat {}
            Runlinkat {}
        }
    }

    #[test]
    fn messages_with_strings(
        (a, b, c, d) in any::<(u32, u32, u32, u32)>(),
        (x, y, byte) in any::<(u64, u64, u8)>(),
        (s, t, data) in (text(), text(), proptest::collection::vec(any::<u8>(), 0..5000)),
    ) {
        let (fid, other) = (Fid(a), Fid(b));
        let (name, text) = (&s[..], &t[..]);
        let payload = Payload(&data);
        round_trip! {
            Tversion { msize: a, version: name }
            Rversion { msize: a, version: name }
            Tauth { afid: fid, uname: name, aname: text, n_uname: b }
            Tattach { fid, afid: other, uname: name, aname: text, n_uname: c }
            Rread { data: payload }
            Twrite { fid, offset: x, data: payload }
            Tlcreate { fid, name, flags: OpenFlags::from_bits_retain(b), mode: Mode(c), gid: d }
            Tsymlink { dfid: fid, name, target: text, gid: b }
            Tmknod { dfid: fid, name, mode: Mode(b), major: c, minor: d, gid: a }
            Trename { fid, dfid: other, name }
            Rreadlink { target: text }
            Txattrwalk { fid, newfid: other, name }
            Txattrcreate { fid, name, attr_size: x, flags: b }
            Tlock {
                fid, kind: LockType(byte), flags: LockFlags::from_bits_retain(b), start: x, length: y, proc_id: c,
                client_id: name,
            }
            Tgetlock { fid, kind: LockType(byte), start: x, length: y, proc_id: c, client_id: name }
            Rgetlock { kind: LockType(byte), start: x, length: y, proc_id: c, client_id: name }
            Tlink { dfid: fid, fid: other, name }
            Tmkdir { dfid: fid, name, mode: Mode(b), gid: c }
            Trenameat { olddirfid: fid, oldname: name, newdirfid: other, newname: text }
            Tunlinkat { dirfid: fid, name, flags: UnlinkFlags::from_bits_retain(b) }
        }
    }

    #[test]
    fn messages_with_lists(
        (a, b) in any::<(u32, u32)>(),
        names in proptest::collection::vec(text(), 0..=MAX_WALK),
        qids in proptest::collection::vec(qid(), 0..=MAX_WALK),
    ) {
        let names: Vec<&[u8]> = names.iter().map(|name| &name[..]).collect();
        let mut packed = vec![0; 2048];
        let mut writer = Writer::new(&mut packed);
        for (qid, name) in qids.iter().zip(&names) {
            DirEntry { qid: *qid, offset: qid.path, kind: EntryType(1), name }.encode(&mut writer).expect("room");
        }
        let written = writer.written();
        let entries = Entries::new(&packed[..written]).expect("whole");
        round_trip! {
            Twalk { fid: Fid(a), newfid: Fid(b), names: WalkNames::new(&names) }
            Rwalk { qids: WalkQids::new(&qids) }
            Rreaddir { entries }
        }
    }
}
