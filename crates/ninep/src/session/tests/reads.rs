//! Reads that land in the caller's buffer.

use super::super::{ReadOutcome, Rule};
use super::*;

fn reading(len: usize) -> (Bench, Tag, u32) {
    let mut bench = Bench::new();
    let root = bench.attached();
    let tag = bench
        .session
        .start_read(root, 100, vec![0xee; len], None)
        .expect("room");
    let sent = bench.sent_one();
    let request: Tread = sent.get();
    assert_eq!((request.fid, request.offset, sent.tag), (root, 100, tag));
    (bench, tag, request.count)
}

fn outcome(bench: &mut Bench, tag: Tag) -> ReadOutcome {
    match bench.session.take_read(tag) {
        Poll::Ready(outcome) => outcome,
        Poll::Pending => panic!("pending"),
    }
}

#[test]
fn a_full_read_fills_the_buffer() {
    let (mut bench, tag, count) = reading(5);
    assert_eq!(count, 5);
    bench
        .reply(
            tag,
            &Rread {
                data: Payload(b"hello"),
            },
        )
        .expect("honest");
    let read = outcome(&mut bench, tag);
    assert_eq!((read.result, &read.buffer[..]), (Ok(5), &b"hello"[..]));
}

#[test]
fn a_short_read_leaves_the_rest_alone() {
    let (mut bench, tag, _) = reading(5);
    bench.reply(tag, &Rread { data: Payload(b"he") }).expect("honest");
    let read = outcome(&mut bench, tag);
    assert_eq!((read.result, &read.buffer[..]), (Ok(2), &b"he\xee\xee\xee"[..]));
}

#[test]
fn no_data_is_the_end_of_the_file() {
    let (mut bench, tag, _) = reading(5);
    bench.reply(tag, &Rread { data: Payload(b"") }).expect("honest");
    assert_eq!(bench.take_woken(), [tag]);
    assert_eq!(outcome(&mut bench, tag).result, Ok(0));
}

#[test]
fn a_large_buffer_asks_for_what_a_frame_can_hold() {
    let (mut bench, tag, count) = reading(1 << 20);
    assert_eq!(count, MSIZE - 24);
    let data: Vec<u8> = (0..count).map(|at| at as u8).collect();
    for piece in frame(tag, &Rread { data: Payload(&data) }).chunks(1000) {
        bench.input(piece).expect("honest");
    }
    let read = outcome(&mut bench, tag);
    assert_eq!(read.result, Ok(data.len()));
    assert!(read.buffer[..data.len()] == data[..]);
}

#[test]
fn an_error_gives_the_buffer_back() {
    let (mut bench, tag, _) = reading(5);
    bench.reply(tag, &Rlerror { ecode: Errno(5) }).expect("honest");
    let read = outcome(&mut bench, tag);
    assert_eq!(
        (read.result, read.buffer.len()),
        (Err(Error::Remote(Errno(5))), 5)
    );
}

#[test]
fn a_refused_start_gives_the_buffer_back() {
    let mut bench = Bench::new();
    let (error, buffer) = bench
        .session
        .start_read(Fid(77), 0, vec![1; 9], None)
        .expect_err("no such fid");
    assert_eq!((error, buffer.len()), (Error::UnknownFid, 9));
}

#[test]
fn more_data_than_asked_is_a_violation() {
    let (mut bench, tag, _) = reading(5);
    let violation = bench
        .reply(
            tag,
            &Rread {
                data: Payload(b"hello!"),
            },
        )
        .expect_err("a lie");
    assert_eq!(
        (violation.rule, violation.expected, violation.got),
        (Rule::CountExceeded, 5, 6)
    );
    let read = outcome(&mut bench, tag);
    assert_eq!(
        (read.result, &read.buffer[..]),
        (Err(Error::Poisoned(violation)), &[0xee; 5][..])
    );
}

#[test]
fn a_count_that_is_not_the_frames_is_a_violation() {
    for (size, body) in [
        (7 + 4 + 2, &b"\x03\0\0\0ab"[..]),
        (7 + 4 + 2, b"\x01\0\0\0ab"),
        (7 + 3, b"\0\0\0"),
        (7, b""),
    ] {
        let (mut bench, tag, _) = reading(5);
        let violation = bench
            .input(&raw(size, MessageType::RREAD, tag, body))
            .expect_err("a lie");
        assert!(matches!(violation.rule, Rule::Malformed(_)), "{violation:?}");
    }
}

#[test]
fn abandoned_in_the_midst_of_its_data_the_rest_is_passed_over() {
    let (mut bench, tag, _) = reading(100);
    let reply = frame(
        tag,
        &Rread {
            data: Payload(&[7; 100]),
        },
    );
    for cut in [3, 8, 11, 50, 110] {
        let (mut bench, tag, _) = reading(100);
        bench.input(&reply[..cut]).expect("honest");
        bench.session.abandon(tag);
        assert_eq!(bench.sent_one().kind, MessageType::TFLUSH);
        bench.input(&reply[cut..]).expect("honest");
        assert_eq!(bench.take_woken(), []);
    }
    bench.session.abandon(tag);
    let flush = bench.sent_one();
    bench.reply(flush.tag, &Rflush {}).expect("honest");
    assert_eq!(bench.session.outstanding(), 0);
}

#[test]
fn timed_out_and_taken_in_the_midst_of_its_data() {
    let mut bench = Bench::new();
    let root = bench.attached();
    let tag = bench
        .session
        .start_read(root, 0, vec![0; 100], Some(10))
        .expect("room");
    let reply = frame(
        tag,
        &Rread {
            data: Payload(&[7; 100]),
        },
    );
    bench.input(&reply[..60]).expect("honest");
    bench.timeout(10);
    let read = outcome(&mut bench, tag);
    assert_eq!((read.result, read.buffer.len()), (Err(Error::TimedOut), 100));
    bench.input(&reply[60..]).expect("honest");
    assert_eq!(bench.session.outstanding(), 1, "the flush is still owed");
}
