//! Frames put together from pieces; replies in any order.

use super::*;

/// Requests outstanding, and a stream that answers them all.
struct Transcript {
    bench: Bench,
    stream: Vec<u8>,
    attr: Tag,
    walk: Tag,
    read: Tag,
    failed: Tag,
    empty: Tag,
}

fn transcript() -> Transcript {
    let mut bench = Bench::new();
    let root = bench.attached();
    let fid = bench.session.allocate_fid().expect("a fid");
    let session = &mut bench.session;
    let attr = session.start(&getattr(root), None).expect("room");
    let walk = session
        .start(
            &Twalk {
                fid: root,
                newfid: fid,
                names: WalkNames::new(&[b"a", b"b"]),
            },
            None,
        )
        .expect("room");
    let read = session
        .start(
            &Tread {
                fid: root,
                offset: 0,
                count: 64,
            },
            None,
        )
        .expect("room");
    let failed = session
        .start(
            &Tlopen {
                fid: root,
                flags: OpenFlags::empty(),
            },
            None,
        )
        .expect("room");
    let empty = session
        .start(
            &Tfsync {
                fid: root,
                datasync: 0,
            },
            None,
        )
        .expect("room");
    assert_eq!(bench.sent().len(), 5);
    let mut stream = Vec::new();
    // Not in the order of the requests.
    stream.extend(frame(empty, &Rfsync {}));
    stream.extend(frame(
        walk,
        &Rwalk {
            qids: WalkQids::new(&[directory(5), qid(6)]),
        },
    ));
    stream.extend(frame(
        read,
        &Rread {
            data: Payload(b"some file data"),
        },
    ));
    stream.extend(frame(failed, &Rlerror { ecode: Errno(13) }));
    stream.extend(frame(attr, &attributes(77)));
    Transcript {
        bench,
        stream,
        attr,
        walk,
        read,
        failed,
        empty,
    }
}

impl Transcript {
    fn check(mut self) {
        let bench = &mut self.bench;
        assert_eq!(
            bench.take_woken(),
            [self.empty, self.walk, self.read, self.failed, self.attr]
        );
        assert_eq!(
            bench
                .take::<Tgetattr>(self.attr)
                .expect("reply")
                .get()
                .expect("whole")
                .size,
            77
        );
        let walk = bench.take::<Twalk<'_>>(self.walk).expect("reply");
        assert_eq!(walk.get().expect("whole").qids.last(), Some(qid(6)));
        let read = bench.take::<Tread>(self.read).expect("data");
        assert_eq!(read.get().expect("whole").data.0, b"some file data");
        assert_eq!(
            bench.take::<Tlopen>(self.failed).expect_err("refused"),
            Error::Remote(Errno(13))
        );
        bench.take::<Tfsync>(self.empty).expect("reply");
        assert_eq!(bench.session.outstanding(), 0);
    }
}

#[test]
fn replies_come_in_any_order() {
    let mut transcript = transcript();
    let stream = transcript.stream.clone();
    transcript.bench.input(&stream).expect("honest");
    transcript.check();
}

#[test]
fn the_stream_may_be_cut_at_every_byte() {
    for cut in 0..=transcript().stream.len() {
        let mut transcript = transcript();
        let stream = transcript.stream.clone();
        let (front, back) = stream.split_at(cut);
        transcript.bench.input(front).expect("honest");
        transcript.bench.input(back).expect("honest");
        transcript.check();
    }
}

#[test]
fn the_stream_may_come_in_pieces_of_any_size() {
    for size in 1..40 {
        let mut transcript = transcript();
        let stream = transcript.stream.clone();
        for piece in stream.chunks(size) {
            transcript.bench.input(piece).expect("honest");
            transcript.bench.input(&[]).expect("nothing is fine");
        }
        transcript.check();
    }
}

#[test]
fn a_reply_is_not_there_before_its_last_byte() {
    let mut bench = Bench::new();
    let root = bench.attached();
    let tag = bench.session.start(&getattr(root), None).expect("room");
    let reply = frame(tag, &attributes(1));
    let (last, front) = reply.split_last().expect("bytes");
    bench.input(front).expect("honest");
    assert!(bench.is_pending::<Tgetattr>(tag));
    assert_eq!(bench.take_woken(), []);
    bench.input(&[*last]).expect("honest");
    assert_eq!(bench.take_woken(), [tag]);
    bench.take::<Tgetattr>(tag).expect("reply");
}

#[test]
fn a_reply_is_taken_once_and_only_as_what_was_asked() {
    let mut bench = Bench::new();
    let root = bench.attached();
    let tag = bench.session.start(&getattr(root), None).expect("room");
    bench.reply(tag, &attributes(1)).expect("honest");
    assert_eq!(
        bench.take::<Tlopen>(tag).expect_err("other type"),
        Error::UnknownTag
    );
    bench.take::<Tgetattr>(tag).expect("reply");
    assert_eq!(bench.take::<Tgetattr>(tag).expect_err("gone"), Error::UnknownTag);
    assert_eq!(
        bench.take::<Tgetattr>(Tag(999)).expect_err("never was"),
        Error::UnknownTag
    );
    assert_eq!(
        bench.take::<Tgetattr>(Tag::NONE).expect_err("never was"),
        Error::UnknownTag
    );
}
