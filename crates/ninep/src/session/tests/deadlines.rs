//! Deadlines on a clock of the test's own.

use super::super::Disconnect;
use super::*;

#[test]
fn the_next_deadline_is_the_earliest() {
    let mut bench = Bench::new();
    let root = bench.attached();
    assert_eq!(bench.session.poll_timeout(), None);
    let late = bench.session.start(&getattr(root), Some(300)).expect("room");
    let early = bench.session.start(&getattr(root), Some(100)).expect("room");
    bench.session.start(&getattr(root), None).expect("room");
    assert_eq!(bench.session.poll_timeout(), Some(100));
    bench.reply(early, &attributes(0)).expect("honest");
    assert_eq!(bench.session.poll_timeout(), Some(300));
    bench.session.abandon(late);
    assert_eq!(bench.session.poll_timeout(), None);
}

#[test]
fn a_request_in_time_is_left_alone() {
    let mut bench = Bench::new();
    let root = bench.attached();
    let tag = bench.session.start(&getattr(root), Some(100)).expect("room");
    bench.timeout(99);
    assert!(bench.is_pending::<Tgetattr>(tag));
    assert_eq!(bench.take_woken(), []);
}

#[test]
fn a_request_too_late_fails_and_is_flushed() {
    let mut bench = Bench::new();
    let root = bench.attached();
    let tag = bench.session.start(&getattr(root), Some(100)).expect("room");
    bench.sent();
    bench.timeout(100);
    assert_eq!(bench.take_woken(), [tag]);
    let flush = bench.sent_one();
    assert_eq!(flush.get::<Tflush>(), Tflush { oldtag: tag });
    bench.timeout(200);
    assert_eq!((bench.take_woken(), bench.sent()), (vec![], vec![]), "once");
    assert_eq!(bench.take::<Tgetattr>(tag).expect_err("late"), Error::TimedOut);
    bench.reply(tag, &attributes(1)).expect("a late reply is no lie");
    assert_eq!(bench.take_woken(), []);
    bench.reply(flush.tag, &Rflush {}).expect("honest");
    assert_eq!(bench.session.outstanding(), 0);
    assert_eq!(bench.session.statistics().timeouts, 1);
}

#[test]
fn an_untaken_timeout_survives_the_late_reply() {
    let mut bench = Bench::new();
    let root = bench.attached();
    let tag = bench.session.start(&getattr(root), Some(100)).expect("room");
    bench.sent();
    bench.timeout(100);
    let flush = bench.sent_one();
    bench.reply(tag, &attributes(1)).expect("a late reply is no lie");
    bench.reply(flush.tag, &Rflush {}).expect("honest");
    assert_eq!(bench.take::<Tgetattr>(tag).expect_err("late"), Error::TimedOut);
    assert_eq!(bench.session.outstanding(), 0);
}

#[test]
fn a_clunk_too_late_fails_but_is_not_flushed() {
    let mut bench = Bench::new();
    let root = bench.attached();
    let tag = bench
        .session
        .start(&Tclunk { fid: root }, Some(100))
        .expect("room");
    bench.sent();
    bench.timeout(100);
    assert_eq!(bench.take::<Tclunk>(tag).expect_err("late"), Error::TimedOut);
    assert_eq!(bench.sent(), []);
    assert_eq!(bench.session.fids_in_use(), 1, "not free before the answer");
    bench.reply(tag, &Rclunk {}).expect("honest");
    assert_eq!((bench.session.fids_in_use(), bench.session.outstanding()), (0, 0));
}

#[test]
fn a_server_that_never_answers_a_flush_keeps_its_tags_and_no_more() {
    let mut bench = Bench::with_window(2);
    let root = bench.attached();
    for _ in 0..2 {
        bench.session.start(&getattr(root), Some(1)).expect("room");
    }
    bench.timeout(1);
    for tag in bench.take_woken() {
        assert_eq!(bench.take::<Tgetattr>(tag).expect_err("late"), Error::TimedOut);
    }
    assert_eq!(bench.session.start(&getattr(root), None), Err(Error::WindowFull));
    bench
        .session
        .disconnect(Disconnect::Local, &mut |tag| panic!("{tag:?} has no caller"));
    assert_eq!(bench.session.outstanding(), 0);
}
