//! Reads: the replies that are large.

use super::super::Rule;
use super::*;

fn reading(count: u32) -> (Bench, Tag) {
    let mut bench = Bench::new();
    let root = bench.attached();
    let read = Tread {
        fid: root,
        offset: 100,
        count,
    };
    let tag = bench.session.start(&read, None).expect("room");
    let sent = bench.sent_one();
    let request: Tread = sent.get();
    assert_eq!(
        (request.fid, request.offset, request.count, sent.tag),
        (root, 100, count, tag)
    );
    (bench, tag)
}

fn data(bench: &mut Bench, tag: Tag) -> Vec<u8> {
    let reply = bench.take::<Tread>(tag).expect("data");
    reply.get().expect("whole").data.0.to_vec()
}

#[test]
fn a_read_gives_what_came() {
    for content in [&b"hello"[..], b"he", b""] {
        let (mut bench, tag) = reading(5);
        let reply = Rread {
            data: Payload(content),
        };
        bench.reply(tag, &reply).expect("honest");
        assert_eq!(bench.take_woken(), [tag]);
        assert_eq!(data(&mut bench, tag), content);
    }
}

#[test]
fn a_read_asks_for_no_more_than_a_frame_can_hold() {
    let (mut bench, tag) = reading(MSIZE - 24);
    let content: Vec<u8> = (0..MSIZE - 24).map(|at| at as u8).collect();
    let reply = frame(
        tag,
        &Rread {
            data: Payload(&content),
        },
    );
    for piece in reply.chunks(1000) {
        bench.input(piece).expect("honest");
    }
    assert!(data(&mut bench, tag) == content);
    let more = Tread {
        fid: bench.attached(),
        offset: 0,
        count: MSIZE - 23,
    };
    assert_eq!(bench.session.start(&more, None), Err(Error::TooLong));
}

#[test]
fn a_buffer_that_comes_back_holds_the_next_large_reply() {
    let (mut bench, first) = reading(5000);
    let root = bench.attached();
    let of = |tag, byte, len| {
        let content = std::vec![byte; len];
        frame(
            tag,
            &Rread {
                data: Payload(&content),
            },
        )
    };
    bench.input(&of(first, 1, 5000)).expect("honest");
    let reply = bench.take::<Tread>(first).expect("data");
    let place = reply.get().expect("whole").data.0.as_ptr();
    bench.session.recycle_reply(reply.into_buffer());
    let read = Tread {
        fid: root,
        offset: 0,
        count: 5000,
    };
    let second = bench.session.start(&read, None).expect("room");
    bench.input(&of(second, 2, 4500)).expect("honest");
    let reply = bench.take::<Tread>(second).expect("data");
    let data = reply.get().expect("whole").data.0;
    assert_eq!((data.as_ptr(), data), (place, &[2; 4500][..]));
}

#[test]
fn more_data_than_asked_is_a_violation() {
    let (mut bench, tag) = reading(5);
    let reply = Rread {
        data: Payload(b"hello!"),
    };
    let violation = bench.reply(tag, &reply).expect_err("a lie");
    assert_eq!(
        (violation.rule, violation.expected, violation.got),
        (Rule::CountExceeded, 5, 6)
    );
    let error = bench.take::<Tread>(tag).expect_err("over");
    assert_eq!(error, Error::Poisoned(violation));
}

#[test]
fn a_count_that_is_not_the_frames_is_a_violation() {
    for (size, body) in [
        (7 + 4 + 2, &b"\x03\0\0\0ab"[..]),
        (7 + 4 + 2, b"\x01\0\0\0ab"),
        (7 + 3, b"\0\0\0"),
        (7, b""),
    ] {
        let (mut bench, tag) = reading(5);
        let violation = bench
            .input(&raw(size, MessageType::RREAD, tag, body))
            .expect_err("a lie");
        assert!(matches!(violation.rule, Rule::Malformed(_)), "{violation:?}");
    }
}

#[test]
fn abandoned_in_the_midst_of_its_data_the_rest_is_passed_over() {
    for cut in [3, 8, 11, 50, 110] {
        let (mut bench, tag) = reading(100);
        let reply = frame(
            tag,
            &Rread {
                data: Payload(&[7; 100]),
            },
        );
        bench.input(&reply[..cut]).expect("honest");
        bench.session.abandon(tag);
        let flush = bench.sent_one();
        assert_eq!(flush.kind, MessageType::TFLUSH);
        bench.input(&reply[cut..]).expect("honest");
        assert_eq!(bench.take_woken(), []);
        bench.reply(flush.tag, &Rflush {}).expect("honest");
        assert_eq!(bench.session.outstanding(), 0);
    }
}

#[test]
fn timed_out_and_taken_in_the_midst_of_its_data() {
    let mut bench = Bench::new();
    let root = bench.attached();
    let read = Tread {
        fid: root,
        offset: 0,
        count: 100,
    };
    let tag = bench.session.start(&read, Some(10)).expect("room");
    let reply = frame(
        tag,
        &Rread {
            data: Payload(&[7; 100]),
        },
    );
    bench.input(&reply[..60]).expect("honest");
    bench.timeout(10);
    assert_eq!(bench.take::<Tread>(tag).expect_err("late"), Error::TimedOut);
    bench.input(&reply[60..]).expect("honest");
    assert_eq!(bench.session.outstanding(), 1, "the flush is still owed");
}
