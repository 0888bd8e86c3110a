//! Servers that break the protocol.

use proptest::prelude::*;

use super::super::Rule;
use super::*;

/// One request waiting and one lie; the session must end with `rule`.
fn lie(make: impl Fn(Tag) -> Vec<u8>) -> Violation {
    let mut bench = Bench::new();
    let root = bench.attached();
    let tag = bench.session.start(&getattr(root), None).expect("room");
    let other = bench
        .session
        .start(
            &Tlopen {
                fid: root,
                flags: OpenFlags::empty(),
            },
            None,
        )
        .expect("room");
    let violation = bench.input(&make(tag)).expect_err("a lie");
    assert!(bench.session.is_poisoned());
    assert_eq!(bench.take_woken(), [tag, other]);
    let poisoned = Error::Poisoned(violation);
    assert_eq!(bench.take::<Tgetattr>(tag).expect_err("poisoned"), poisoned);
    assert_eq!(bench.take::<Tlopen>(other).expect_err("poisoned"), poisoned);
    assert_eq!(bench.session.start(&getattr(root), None), Err(poisoned));
    assert_eq!(bench.session.allocate_fid(), Err(poisoned));
    assert_eq!(
        bench.input(&frame(tag, &attributes(1))),
        Err(violation),
        "the first one is kept"
    );
    assert_eq!(bench.sent(), [], "a poisoned session is silent");
    bench.session.discard(root);
    assert_eq!((bench.session.outstanding(), bench.session.fids_in_use()), (0, 0));
    violation
}

#[test]
fn frames_shorter_than_a_header() {
    for size in 0..7 {
        let violation = lie(|tag| raw(size, MessageType::RGETATTR, tag, &[]));
        assert_eq!(
            (violation.rule, violation.expected, violation.got),
            (Rule::FrameTooShort, 7, size)
        );
    }
}

#[test]
fn frames_longer_than_agreed() {
    for size in [MSIZE + 1, 0x7fff_ffff, u32::MAX] {
        let violation = lie(|tag| raw(size, MessageType::RGETATTR, tag, &[]));
        assert_eq!(
            (violation.rule, violation.expected, violation.got),
            (Rule::FrameTooLong, MSIZE, size)
        );
    }
}

#[test]
fn tags_that_nothing_waits_under() {
    for tag in [Tag(7), Tag(4000), Tag::NONE] {
        let violation = lie(|_| frame(tag, &attributes(1)));
        assert_eq!((violation.rule, violation.tag), (Rule::UnknownTag, tag));
    }
}

#[test]
fn the_same_reply_twice() {
    let mut bench = Bench::new();
    let root = bench.attached();
    let tag = bench.session.start(&getattr(root), None).expect("room");
    bench.reply(tag, &attributes(1)).expect("honest");
    assert_eq!(
        bench.reply(tag, &attributes(1)).expect_err("twice").rule,
        Rule::UnknownTag
    );
    bench
        .take::<Tgetattr>(tag)
        .expect("what came before the lie stays good");
}

#[test]
fn replies_of_every_other_type() {
    for kind in (0..=255).map(MessageType) {
        if kind == MessageType::RGETATTR || kind == MessageType::RLERROR {
            continue;
        }
        let violation = lie(|tag| raw(7, kind, tag, &[]));
        assert_eq!((violation.rule, violation.message), (Rule::UnexpectedType, kind));
        assert_eq!((violation.expected, violation.got), (25, u32::from(kind.0)));
    }
}

#[test]
fn bodies_too_short_and_too_long() {
    let whole = frame(Tag(0), &attributes(1)).split_off(HEADER_LEN);
    let violation = lie(|tag| raw(6 + whole.len() as u32, MessageType::RGETATTR, tag, &whole[1..]));
    assert_eq!(violation.rule, Rule::Malformed(DecodeError::Truncated));
    let violation = lie(|tag| {
        let mut frame = raw(8 + whole.len() as u32, MessageType::RGETATTR, tag, &whole);
        frame.push(0);
        frame
    });
    assert_eq!(violation.rule, Rule::Malformed(DecodeError::TrailingBytes));
    let violation = lie(|tag| raw(9, MessageType::RLERROR, tag, &[1, 0]));
    assert_eq!(violation.rule, Rule::Malformed(DecodeError::Truncated));
}

#[test]
fn an_error_that_is_none() {
    assert_eq!(
        lie(|tag| frame(tag, &Rlerror { ecode: Errno(0) })).rule,
        Rule::ErrorWithoutCode
    );
}

#[test]
fn counts_above_what_was_asked() {
    let packed = &mut [0; 200];
    let mut writer = Writer::new(packed);
    let entry = DirEntry {
        qid: qid(1),
        offset: 1,
        kind: EntryType::REGULAR,
        name: &[b'n'; 100],
    };
    entry.encode(&mut writer).expect("room");
    let written = writer.written();
    let entries = Entries::new(&packed[..written]).expect("whole");

    let mut bench = Bench::new();
    let root = bench.attached();
    let list = Treaddir {
        fid: root,
        offset: 0,
        count: written as u32 - 1,
    };
    let tag = bench.session.start(&list, None).expect("room");
    let violation = bench.reply(tag, &Rreaddir { entries }).expect_err("a lie");
    assert_eq!(violation.rule, Rule::CountExceeded);
    assert_eq!(
        (violation.expected, violation.got),
        (written as u32 - 1, written as u32)
    );

    let mut bench = Bench::new();
    let root = bench.attached();
    let write = Twrite {
        fid: root,
        offset: 0,
        data: Payload(b"abc"),
    };
    let tag = bench.session.start(&write, None).expect("room");
    assert_eq!(
        bench.reply(tag, &Rwrite { count: 4 }).expect_err("a lie").rule,
        Rule::CountExceeded
    );

    let mut bench = Bench::new();
    let root = bench.attached();
    let walk = Twalk {
        fid: root,
        newfid: root,
        names: WalkNames::new(&[b"a"]),
    };
    let tag = bench.session.start(&walk, None).expect("room");
    let qids = [directory(1), qid(2)];
    let violation = bench
        .reply(
            tag,
            &Rwalk {
                qids: WalkQids::new(&qids),
            },
        )
        .expect_err("a lie");
    assert_eq!(
        (violation.rule, violation.expected, violation.got),
        (Rule::CountExceeded, 1, 2)
    );
}

#[test]
fn a_generic_read_is_checked_as_well() {
    let mut bench = Bench::new();
    let root = bench.attached();
    let tag = bench
        .session
        .start(
            &Tread {
                fid: root,
                offset: 0,
                count: 2,
            },
            None,
        )
        .expect("room");
    assert_eq!(
        bench
            .reply(
                tag,
                &Rread {
                    data: Payload(b"abc")
                }
            )
            .expect_err("a lie")
            .rule,
        Rule::CountExceeded
    );
}

/// A frame whose parts are each either plausible or anything.
fn plausible_frame() -> impl Strategy<Value = Vec<u8>> {
    let kind = prop_oneof![
        any::<u8>(),
        proptest::sample::select(MessageType::ALL).prop_map(|kind| kind.0)
    ];
    let tag = prop_oneof![4 => 0_u16..6, 1 => any::<u16>()];
    let body = proptest::collection::vec(prop_oneof![0_u8..3, any::<u8>()], 0..60);
    (kind, tag, body, 0_u8..20, any::<u32>()).prop_map(|(kind, tag, body, honest, size)| {
        let size = if honest > 0 { 7 + body.len() as u32 } else { size };
        raw(size, MessageType(kind), Tag(tag), &body)
    })
}

#[test]
fn no_stream_of_frames_panics_or_leaves_a_caller_waiting() {
    const CASES: u32 = 1000;
    let seen = core::cell::Cell::new(0);
    let config = ProptestConfig::with_cases(CASES);
    let frames = proptest::collection::vec(plausible_frame(), 0..20);
    proptest!(config, |(frames in frames, cut in 1_usize..50)| {
        seen.set(seen.get() + frames.len());
        let mut bench = Bench::new();
        let root = bench.attached();
        let attr = bench.session.start(&getattr(root), None).expect("room");
        let read = bench.session.start(&Tread { fid: root, offset: 0, count: 10 }, None).expect("room");
        let clunk = bench.session.start(&Tclunk { fid: root }, None).expect("room");
        let stream: Vec<u8> = frames.concat();
        for piece in stream.chunks(cut) {
            if bench.input(piece).is_err() {
                break;
            }
        }
        let woken = &mut bench.woken;
        bench.session.disconnect(super::super::Disconnect::Error, &mut |tag| woken.push(tag));
        let mut woken = bench.take_woken();
        woken.sort();
        let mut expected = [attr, read, clunk];
        expected.sort();
        prop_assert_eq!(woken, expected);
        let _ = bench.take::<Tgetattr>(attr);
        let _ = bench.take::<Tread>(read);
        let _ = bench.take::<Tclunk>(clunk);
        prop_assert_eq!((bench.session.outstanding(), bench.session.fids_in_use()), (0, 0));
    });
    std::println!(
        "sweep: {CASES} streams of lies, {} frames, no caller left waiting",
        seen.get()
    );
}

#[test]
fn a_directory_that_is_none() {
    let mut bench = Bench::new();
    let root = bench.attached();
    let request = Tmkdir {
        dfid: root,
        name: b"made",
        mode: Mode(0o755),
        gid: 0,
    };
    let tag = bench.session.start(&request, None).expect("room");
    let violation = bench.reply(tag, &Rmkdir { qid: qid(2) }).expect_err("a lie");
    assert_eq!(
        (violation.rule, violation.message),
        (Rule::QidType, MessageType::RMKDIR)
    );
    assert!(bench.session.is_poisoned());
    assert_eq!(
        bench.take::<Tmkdir<'_>>(tag).expect_err("over"),
        Error::Poisoned(violation)
    );
}

/// What the session makes of the answer to `request`.
fn made<R: Request>(request: impl Fn(Fid) -> R, reply: &impl Message) -> Result<(), Rule> {
    let mut bench = Bench::new();
    let root = bench.attached();
    bench.session.start(&request(root), None).expect("room");
    let tag = bench.sent_one().tag;
    bench.reply(tag, reply).map_err(|violation| violation.rule)
}

#[test]
fn a_file_that_is_a_directory() {
    let create = |fid| Tlcreate {
        fid,
        name: b"made",
        flags: OpenFlags::CREATE,
        mode: Mode(0o644),
        gid: 0,
    };
    let link = |dfid| Tsymlink {
        dfid,
        name: b"made",
        target: b"there",
        gid: 0,
    };
    let device = |dfid| Tmknod {
        dfid,
        name: b"made",
        mode: Mode(Mode::FIFO),
        major: 0,
        minor: 0,
        gid: 0,
    };
    for (qid, expected) in [(qid(2), Ok(())), (directory(2), Err(Rule::QidType))] {
        assert_eq!(made(create, &Rlcreate { qid, iounit: 0 }), expected);
        assert_eq!(made(link, &Rsymlink { qid }), expected);
        assert_eq!(made(device, &Rmknod { qid }), expected);
    }
}

/// A walk through `kinds`; whether the session took it.
fn walk_through(kinds: &[QidType]) -> Result<(), Rule> {
    let mut bench = Bench::new();
    let root = bench.attached();
    let newfid = bench.session.allocate_fid().expect("a fid");
    let names: Vec<&[u8]> = kinds.iter().map(|_| &b"name"[..]).collect();
    let walk = Twalk {
        fid: root,
        newfid,
        names: WalkNames::new(&names),
    };
    let tag = bench.session.start(&walk, None).expect("room");
    let qids: Vec<Qid> = kinds.iter().map(|&kind| Qid { kind, ..qid(3) }).collect();
    let qids = WalkQids::new(&qids);
    bench
        .reply(tag, &Rwalk { qids })
        .map_err(|violation| violation.rule)
}

#[test]
fn a_walk_through_a_file() {
    let (file, link, directory) = (QidType::empty(), QidType::SYMLINK, QidType::DIRECTORY);
    for honest in [
        &[][..],
        &[file],
        &[link],
        &[directory, file],
        &[directory, link, directory, directory],
    ] {
        assert_eq!(walk_through(honest), Ok(()), "{honest:?}");
    }
    for lie in [&[file, file][..], &[directory, QidType::APPEND, directory]] {
        assert_eq!(walk_through(lie), Err(Rule::QidType), "{lie:?}");
    }
}
