//! Byte-exact frames, written out by hand from the protocol's description.

use std::fmt::Debug;
use std::vec;
use std::vec::Vec;

use crate::wire::*;

/// Hex digits in pairs; spaces are free; `'text'` stands for its bytes.
fn bytes(notation: &str) -> Vec<u8> {
    let mut out = Vec::new();
    for (index, part) in notation.split('\'').enumerate() {
        if index % 2 == 1 {
            out.extend_from_slice(part.as_bytes());
            continue;
        }
        let digits: Vec<u8> = part.bytes().filter(|byte| *byte != b' ').collect();
        assert!(digits.len().is_multiple_of(2), "odd hex in {part:?}");
        for pair in digits.chunks(2) {
            let pair = core::str::from_utf8(pair).expect("ascii");
            out.push(u8::from_str_radix(pair, 16).expect("hex"));
        }
    }
    out
}

fn encoded<M: Message>(message: &M, tag: Tag) -> Vec<u8> {
    let mut out = vec![0; frame_len(message).expect("fits") as usize];
    let mut writer = Writer::new(&mut out);
    encode_frame(message, tag, &mut writer).expect("room");
    assert_eq!(writer.written(), out.len());
    out
}

/// Checks that `message` under tag 0x0102 is exactly `frame`, and back.
fn exact<'a, M: Decode<'a> + PartialEq + Debug>(message: M, frame: &'a [u8]) {
    assert_eq!(encoded(&message, Tag(0x0102)), frame, "{message:?}");
    let header = Header::decode(frame.first_chunk().expect("a header"));
    assert_eq!(
        header,
        Header {
            size: frame.len() as u32,
            kind: M::TYPE,
            tag: Tag(0x0102)
        }
    );
    assert_eq!(M::decode_body(&frame[HEADER_LEN..]).expect("decodes"), message);
}

macro_rules! vector {
    ($name:ident: $message:expr, $notation:expr) => {
        #[test]
        fn $name() {
            exact($message, &bytes($notation));
        }
    };
}

const QID: Qid = Qid {
    kind: QidType::DIRECTORY,
    version: 0x0a0b_0c0d,
    path: 0x1112_1314_1516_1718,
};
/// The same on the wire, in a macro so that it can be concatenated.
macro_rules! qid {
    () => {
        "80 0d0c0b0a 1817161514131211"
    };
}

vector!(rlerror: Rlerror { ecode: Errno(2) }, "0b000000 07 0201 02000000");

vector!(tversion: Tversion { msize: 0x10000, version: DIALECT }, "15000000 64 0201 00000100 0800 '9P2000.L'");
vector!(rversion: Rversion { msize: 0x10000, version: DIALECT }, "15000000 65 0201 00000100 0800 '9P2000.L'");

vector!(tauth: Tauth { afid: Fid(9), uname: b"root", aname: b"/x", n_uname: NO_UID },
    "19000000 66 0201 09000000 0400 'root' 0200 '/x' ffffffff");
vector!(rauth: Rauth { aqid: QID }, concat!("14000000 67 0201 ", qid!()));
vector!(tattach: Tattach { fid: Fid(1), afid: Fid::NONE, uname: b"me", aname: b"/srv", n_uname: 1000 },
    "1d000000 68 0201 01000000 ffffffff 0200 'me' 0400 '/srv' e8030000");
vector!(rattach: Rattach { qid: QID }, concat!("14000000 69 0201 ", qid!()));

vector!(tflush: Tflush { oldtag: Tag(0x0304) }, "09000000 6c 0201 0403");
vector!(rflush: Rflush {}, "07000000 6d 0201");

vector!(twalk: Twalk { fid: Fid(1), newfid: Fid(2), names: WalkNames::new(&[b"usr", b"lib"]) },
    "1b000000 6e 0201 01000000 02000000 0200 0300 'usr' 0300 'lib'");
vector!(twalk_of_nothing: Twalk { fid: Fid(1), newfid: Fid(2), names: WalkNames::new(&[]) },
    "11000000 6e 0201 01000000 02000000 0000");
vector!(rwalk: Rwalk { qids: WalkQids::new(&[QID, QID]) },
    concat!("23000000 6f 0201 0200 ", qid!(), qid!()));

vector!(tread: Tread { fid: Fid(3), offset: 0x1_0000_0002, count: 0x1000 },
    "17000000 74 0201 03000000 0200000001000000 00100000");
vector!(rread: Rread { data: Payload(b"hello") }, "10000000 75 0201 05000000 'hello'");
vector!(twrite: Twrite { fid: Fid(3), offset: 7, data: Payload(b"hi") },
    "19000000 76 0201 03000000 0700000000000000 02000000 'hi'");
vector!(rwrite: Rwrite { count: 2 }, "0b000000 77 0201 02000000");
vector!(tfsync: Tfsync { fid: Fid(3), datasync: 1 }, "0f000000 32 0201 03000000 01000000");
vector!(rfsync: Rfsync {}, "07000000 33 0201");

vector!(tclunk: Tclunk { fid: Fid(3) }, "0b000000 78 0201 03000000");
vector!(rclunk: Rclunk {}, "07000000 79 0201");
vector!(tremove: Tremove { fid: Fid(3) }, "0b000000 7a 0201 03000000");
vector!(rremove: Rremove {}, "07000000 7b 0201");

vector!(tlopen: Tlopen { fid: Fid(4), flags: OpenFlags::READ_WRITE | OpenFlags::TRUNCATE },
    "0f000000 0c 0201 04000000 02020000");
vector!(rlopen: Rlopen { qid: QID, iounit: 0x2000 }, concat!("18000000 0d 0201 ", qid!(), "00200000"));
vector!(tlcreate: Tlcreate { fid: Fid(4), name: b"new", flags: OpenFlags::WRITE_ONLY, mode: Mode(0o644), gid: 5 },
    "1c000000 0e 0201 04000000 0300 'new' 01000000 a4010000 05000000");
vector!(rlcreate: Rlcreate { qid: QID, iounit: 0 }, concat!("18000000 0f 0201 ", qid!(), "00000000"));

vector!(tsymlink: Tsymlink { dfid: Fid(4), name: b"l", target: b"../t", gid: 6 },
    "18000000 10 0201 04000000 0100 'l' 0400 '../t' 06000000");
vector!(rsymlink: Rsymlink { qid: QID }, concat!("14000000 11 0201 ", qid!()));
vector!(tmknod: Tmknod { dfid: Fid(4), name: b"p", mode: Mode(Mode::FIFO | 0o600), major: 1, minor: 2, gid: 3 },
    "1e000000 12 0201 04000000 0100 'p' 80110000 01000000 02000000 03000000");
vector!(rmknod: Rmknod { qid: QID }, concat!("14000000 13 0201 ", qid!()));
vector!(treadlink: Treadlink { fid: Fid(4) }, "0b000000 16 0201 04000000");
vector!(rreadlink: Rreadlink { target: b"/t" }, "0b000000 17 0201 0200 '/t'");
vector!(tlink: Tlink { dfid: Fid(4), fid: Fid(5), name: b"h" }, "12000000 46 0201 04000000 05000000 0100 'h'");
vector!(rlink: Rlink {}, "07000000 47 0201");

vector!(trename: Trename { fid: Fid(4), dfid: Fid(5), name: b"n" }, "12000000 14 0201 04000000 05000000 0100 'n'");
vector!(rrename: Rrename {}, "07000000 15 0201");
vector!(trenameat: Trenameat { olddirfid: Fid(4), oldname: b"a", newdirfid: Fid(5), newname: b"bc" },
    "16000000 4a 0201 04000000 0100 'a' 05000000 0200 'bc'");
vector!(rrenameat: Rrenameat {}, "07000000 4b 0201");
vector!(tunlinkat: Tunlinkat { dirfid: Fid(4), name: b"d", flags: UnlinkFlags::REMOVE_DIRECTORY },
    "12000000 4c 0201 04000000 0100 'd' 00020000");
vector!(runlinkat: Runlinkat {}, "07000000 4d 0201");

vector!(tgetattr: Tgetattr { fid: Fid(4), mask: GetAttrMask::BASIC }, "13000000 18 0201 04000000 ff07000000000000");
vector!(rgetattr:
    Rgetattr {
        valid: GetAttrMask::ALL, qid: QID, mode: Mode(Mode::DIRECTORY | 0o755), uid: 1, gid: 2, nlink: 3, rdev: 4,
        size: 5, blksize: 6, blocks: 7,
        atime: Time { seconds: 8, nanoseconds: 9 }, mtime: Time { seconds: -1, nanoseconds: 10 },
        ctime: Time { seconds: 11, nanoseconds: 12 }, btime: Time { seconds: 13, nanoseconds: 14 },
        generation: 15, data_version: 16,
    },
    concat!("a0000000 19 0201 ff3f000000000000 ", qid!(), "ed410000 01000000 02000000",
        "0300000000000000 0400000000000000 0500000000000000 0600000000000000 0700000000000000",
        "0800000000000000 0900000000000000 ffffffffffffffff 0a00000000000000",
        "0b00000000000000 0c00000000000000 0d00000000000000 0e00000000000000",
        "0f00000000000000 1000000000000000"));
vector!(tsetattr:
    Tsetattr {
        fid: Fid(4), valid: SetAttrMask::SIZE | SetAttrMask::MTIME | SetAttrMask::MTIME_SET, mode: Mode(0o600), uid: 1,
        gid: 2, size: 3, atime: Time { seconds: 4, nanoseconds: 5 }, mtime: Time { seconds: 6, nanoseconds: 7 },
    },
    concat!("43000000 1a 0201 04000000 28010000 80010000 01000000 02000000 0300000000000000",
        "0400000000000000 0500000000000000 0600000000000000 0700000000000000"));
vector!(rsetattr: Rsetattr {}, "07000000 1b 0201");

vector!(tstatfs: Tstatfs { fid: Fid(4) }, "0b000000 08 0201 04000000");
vector!(rstatfs:
    Rstatfs {
        kind: 0x0102_1997, bsize: 4096, blocks: 1, bfree: 2, bavail: 3, files: 4, ffree: 5, fsid: 6, namelen: 255,
    },
    concat!("43000000 09 0201 97190201 00100000 0100000000000000 0200000000000000 0300000000000000",
        "0400000000000000 0500000000000000 0600000000000000 ff000000"));

vector!(txattrwalk: Txattrwalk { fid: Fid(4), newfid: Fid(5), name: b"user.a" },
    "17000000 1e 0201 04000000 05000000 0600 'user.a'");
vector!(rxattrwalk: Rxattrwalk { size: 300 }, "0f000000 1f 0201 2c01000000000000");
vector!(txattrcreate: Txattrcreate { fid: Fid(4), name: b"user.a", attr_size: 9, flags: 2 },
    "1f000000 20 0201 04000000 0600 'user.a' 0900000000000000 02000000");
vector!(rxattrcreate: Rxattrcreate {}, "07000000 21 0201");

vector!(treaddir: Treaddir { fid: Fid(4), offset: 0x20, count: 0x4000 },
    "17000000 28 0201 04000000 2000000000000000 00400000");
vector!(rreaddir:
    Rreaddir { entries: Entries::new(&bytes(concat!(qid!(), "0100000000000000 04 0100 '.'"))).expect("whole") },
    concat!("24000000 29 0201 19000000 ", qid!(), "0100000000000000 04 0100 '.'"));
vector!(tmkdir: Tmkdir { dfid: Fid(4), name: b"d", mode: Mode(0o755), gid: 1 },
    "16000000 48 0201 04000000 0100 'd' ed010000 01000000");
vector!(rmkdir: Rmkdir { qid: QID }, concat!("14000000 49 0201 ", qid!()));

vector!(tlock:
    Tlock {
        fid: Fid(4), kind: LockType::WRITE, flags: LockFlags::BLOCK, start: 1, length: 2, proc_id: 3, client_id: b"c",
    },
    "27000000 34 0201 04000000 01 01000000 0100000000000000 0200000000000000 03000000 0100 'c'");
vector!(rlock: Rlock { status: LockStatus::BLOCKED }, "08000000 35 0201 01");
vector!(tgetlock:
    Tgetlock { fid: Fid(4), kind: LockType::READ, start: 1, length: 2, proc_id: 3, client_id: b"c" },
    "23000000 36 0201 04000000 00 0100000000000000 0200000000000000 03000000 0100 'c'");
vector!(rgetlock:
    Rgetlock { kind: LockType::UNLOCK, start: 1, length: 2, proc_id: 3, client_id: b"c" },
    "1f000000 37 0201 02 0100000000000000 0200000000000000 03000000 0100 'c'");

#[test]
fn readdir_entries_come_out_one_by_one() {
    let packed = bytes(concat!(
        qid!(),
        "0100000000000000 04 0100 '.'",
        qid!(),
        "ffffffffffffffff 08 0200 'ab'"
    ));
    let entries = Entries::new(&packed).expect("whole entries");
    let found: Vec<_> = entries
        .iter()
        .map(|entry| (entry.offset, entry.kind, entry.name))
        .collect();
    assert_eq!(
        found,
        [
            (1, EntryType::DIRECTORY, &b"."[..]),
            (u64::MAX, EntryType::REGULAR, b"ab")
        ]
    );
    assert_eq!(entries.byte_len(), packed.len());
    for cut in 1..packed.len() {
        let whole = cut == 25;
        assert_eq!(Entries::new(&packed[..cut]).is_ok(), whole, "cut at {cut}");
    }
}

#[test]
fn every_type_has_its_own_number_and_name() {
    assert_eq!(MessageType::ALL.len(), 57, "28 pairs and Rlerror");
    for kind in MessageType::ALL {
        let name = kind.name().expect("named");
        assert_eq!(
            kind.0 % 2 == 0,
            name.starts_with('T'),
            "requests are even, replies odd: {name}"
        );
    }
    assert_eq!(MessageType(200).name(), None);
    assert_eq!(
        std::format!("{:?} {:?}", MessageType::TWALK, MessageType(200)),
        "Twalk type 200"
    );
}

#[test]
fn what_does_not_fit_is_refused() {
    let long = vec![b'x'; 65_536];
    assert_eq!(frame_len(&Rreadlink { target: &long }), Err(EncodeError::TooLong));
    assert_eq!(frame_len(&Rreadlink { target: &long[1..] }), Ok(7 + 2 + 65_535));
    let names = [&b"n"[..]; 17];
    let walk = |names| Twalk {
        fid: Fid(1),
        newfid: Fid(2),
        names,
    };
    assert_eq!(
        frame_len(&walk(WalkNames::new(&names))),
        Err(EncodeError::TooLong)
    );
    assert_eq!(frame_len(&walk(WalkNames::new(&names[1..]))), Ok(17 + 16 * 3));
    let mut small = [0; 10];
    let full = encode_frame(&Tclunk { fid: Fid(1) }, Tag(1), &mut Writer::new(&mut small));
    assert_eq!(full, Err(EncodeError::Full));
}

#[test]
fn a_walk_of_too_many_is_refused_before_its_names_are_looked_at() {
    let names = bytes("01000000 02000000 1100");
    assert_eq!(Twalk::decode_body(&names), Err(DecodeError::TooMany));
    assert_eq!(Rwalk::decode_body(&bytes("ffff")), Err(DecodeError::TooMany));
}
