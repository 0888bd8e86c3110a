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

#[test]
fn a_session_is_exhausted_when_nobody_waits_for_any_of_what_it_has_room_for() {
    let mut bench = Bench::with_window(2);
    let root = bench.attached();
    bench.session.set_time(5);
    let first = bench.session.start(&getattr(root), Some(10)).expect("room");
    bench.session.set_time(7);
    let second = bench.session.start(&getattr(root), Some(12)).expect("room");
    bench.sent();
    bench.timeout(10);
    assert!(!bench.session.is_exhausted(20), "somebody waits for the second");
    bench.session.abandon(second);
    assert!(!bench.session.is_exhausted(20), "nobody has looked at the first");
    assert_eq!(bench.take::<Tgetattr>(first).expect_err("late"), Error::TimedOut);
    assert!(bench.session.is_exhausted(7));
    assert!(!bench.session.is_exhausted(6), "the second is newer than that");
    let flushes = bench.sent();
    assert_eq!(flushes.len(), 2);
    bench
        .reply(second, &attributes(0))
        .expect("a late reply is no lie");
    assert!(bench.session.is_exhausted(7), "its flush is not answered");
    bench.reply(flushes[1].tag, &Rflush {}).expect("honest");
    assert!(!bench.session.is_exhausted(20), "there is room");
    bench.session.start(&getattr(root), None).expect("room");
}

#[test]
fn data_past_its_deadline_is_not_under_way_any_more() {
    let mut bench = Bench::with_window(64);
    let root = bench.attached();
    let read = Tread {
        fid: root,
        offset: 0,
        count: MSIZE - 24,
    };
    let mut tags = Vec::new();
    while let Ok(tag) = bench.session.start(&read, Some(10)) {
        tags.push(tag);
    }
    bench.sent();
    // Half of them are given up; the others time out.
    let (gone, waiting) = tags.split_at(tags.len() / 2);
    gone.iter().for_each(|&tag| bench.session.abandon(tag));
    bench.sent();
    assert_eq!(bench.session.start(&read, Some(20)), Err(Error::WindowFull));
    assert_eq!(bench.session.poll_timeout(), Some(10));
    bench.timeout(10);
    let mut woken = bench.take_woken();
    woken.sort();
    assert_eq!(woken, waiting);
    let again = bench.session.start(&read, Some(20)).expect("room");
    // What comes late is not counted twice.
    let flushes = bench.sent().len() - 1;
    assert_eq!(flushes, waiting.len());
    for &tag in &tags {
        bench
            .reply(tag, &Rread { data: Payload(b"") })
            .expect("late is no lie");
    }
    assert_eq!(bench.session.poll_timeout(), Some(20));
    bench.reply(again, &Rread { data: Payload(b"") }).expect("honest");
    for _ in 0..bench.session.window() {
        bench
            .session
            .start(&read, Some(30))
            .expect("a whole window again");
    }
    assert_eq!(bench.session.start(&read, Some(30)), Err(Error::WindowFull));
}

#[test]
fn a_server_that_says_something_is_not_silent() {
    let mut bench = Bench::new();
    let root = bench.attached();
    let slow = bench.session.start(&getattr(root), Some(100)).expect("room");
    let quick = bench.session.start(&getattr(root), Some(200)).expect("room");
    bench.reply(quick, &attributes(0)).expect("honest");
    bench.timeout(100);
    assert_eq!(bench.take::<Tgetattr>(slow).expect_err("late"), Error::TimedOut);
    assert!(!bench.session.is_silent());
    bench.sent();
    bench.session.probe_liveness(300);
    assert_eq!(bench.sent(), [], "there is nothing to ask");
}

#[test]
fn a_silent_server_that_gives_a_sign_of_life_goes_on() {
    let mut bench = Bench::with_window(1);
    let root = bench.attached();
    for time in [100, 1000] {
        let late = bench.session.start(&getattr(root), Some(time)).expect("room");
        bench.sent();
        bench.timeout(time);
        assert!(bench.session.is_silent());
        let flush = bench.sent_one();
        bench.session.probe_liveness(time + 50);
        bench.session.probe_liveness(time + 50);
        let probe = bench.sent_one();
        assert_eq!(
            probe.get::<Tflush>().oldtag,
            Tag::NONE,
            "asked once, in spite of a full window"
        );
        assert_eq!(bench.session.poll_timeout(), Some(time + 50));
        bench.reply(late, &attributes(0)).expect("a late reply is no lie");
        assert!(!bench.session.is_silent(), "any byte will do");
        bench.timeout(time + 50);
        assert_eq!(bench.session.ended(), None);
        bench.reply(probe.tag, &Rflush {}).expect("honest");
        bench.reply(flush.tag, &Rflush {}).expect("honest");
        bench.take::<Tgetattr>(late).expect_err("late");
        bench.take_woken();
    }
}

#[test]
fn a_silent_server_that_gives_no_sign_of_life_ends_the_session() {
    let mut bench = Bench::new();
    let root = bench.attached();
    let late = bench.session.start(&getattr(root), Some(100)).expect("room");
    let other = bench.session.start(&getattr(root), Some(900)).expect("room");
    bench.timeout(100);
    bench.session.probe_liveness(150);
    bench.timeout(149);
    assert_eq!(bench.session.ended(), None);
    bench.timeout(150);
    let silent = Error::Disconnected(Disconnect::Silent);
    assert_eq!(bench.session.ended(), Some(silent));
    assert_eq!(bench.take::<Tgetattr>(late).expect_err("late"), Error::TimedOut);
    assert_eq!(bench.take::<Tgetattr>(other).expect_err("over"), silent);
    assert_eq!(bench.session.outstanding(), 0);
}
