//! Requests that nobody waits for any more.

use super::super::Rule;
use super::*;

fn abandoned() -> (Bench, Tag, Tag) {
    let mut bench = Bench::new();
    let root = bench.attached();
    let tag = bench.session.start(&getattr(root), None).expect("room");
    bench.sent();
    bench.session.abandon(tag);
    let flush = bench.sent_one();
    assert_eq!(flush.get::<Tflush>(), Tflush { oldtag: tag });
    assert_ne!(flush.tag, tag);
    assert_eq!(
        bench.take::<Tgetattr>(tag).expect_err("walked away"),
        Error::UnknownTag
    );
    (bench, tag, flush.tag)
}

#[test]
fn the_tag_is_free_after_rflush() {
    let (mut bench, tag, flush) = abandoned();
    assert_eq!(bench.session.outstanding(), 1);
    bench.reply(flush, &Rflush {}).expect("honest");
    assert_eq!(bench.session.outstanding(), 0);
    assert_eq!(bench.take_woken(), []);
    let root = bench.attached();
    let tags: Vec<Tag> = (0..8)
        .map(|_| bench.session.start(&getattr(root), None).expect("room"))
        .collect();
    assert!(tags.contains(&tag), "the tag is in use again: {tags:?}");
}

#[test]
fn a_late_reply_is_taken_and_the_tag_still_waits_for_rflush() {
    let (mut bench, tag, flush) = abandoned();
    bench.reply(tag, &attributes(1)).expect("a late reply is no lie");
    assert_eq!(bench.take_woken(), []);
    let root = bench.attached();
    for _ in 0..7 {
        assert_ne!(bench.session.start(&getattr(root), None), Ok(tag));
    }
    bench.reply(flush, &Rflush {}).expect("honest");
    assert_eq!(bench.session.start(&getattr(root), None).map(|_| ()), Ok(()));
}

#[test]
fn a_reply_after_rflush_is_a_violation() {
    let (mut bench, tag, flush) = abandoned();
    bench.reply(flush, &Rflush {}).expect("honest");
    let violation = bench.reply(tag, &attributes(1)).expect_err("a lie");
    assert_eq!((violation.rule, violation.tag), (Rule::UnknownTag, tag));
}

#[test]
fn two_late_replies_are_a_violation() {
    let (mut bench, tag, _) = abandoned();
    bench.reply(tag, &attributes(1)).expect("a late reply is no lie");
    bench.reply(tag, &attributes(1)).expect_err("twice");
}

#[test]
fn a_late_reply_of_the_wrong_type_is_a_violation() {
    let (mut bench, tag, _) = abandoned();
    assert_eq!(
        bench.reply(tag, &Rclunk {}).expect_err("a lie").rule,
        Rule::UnexpectedType
    );
}

#[test]
fn an_error_to_a_flush_counts_as_rflush() {
    let (mut bench, _, flush) = abandoned();
    bench
        .reply(flush, &Rlerror { ecode: Errno(95) })
        .expect("sloppy, harmless");
    assert_eq!(bench.session.outstanding(), 0);
}

#[test]
fn an_answered_request_is_not_flushed() {
    let mut bench = Bench::new();
    let root = bench.attached();
    let tag = bench.session.start(&getattr(root), None).expect("room");
    bench.sent();
    bench.reply(tag, &attributes(1)).expect("honest");
    bench.session.abandon(tag);
    assert_eq!(bench.sent(), []);
    assert_eq!(bench.session.outstanding(), 0);
    bench.session.abandon(tag);
    bench.session.abandon(Tag(500));
    assert_eq!(bench.sent(), []);
}

#[test]
fn abandoning_twice_flushes_once() {
    let (mut bench, tag, _) = abandoned();
    bench.session.abandon(tag);
    assert_eq!(bench.sent(), []);
}

#[test]
fn a_flush_is_never_flushed() {
    let (mut bench, tag, flush) = abandoned();
    bench.session.abandon(flush);
    assert_eq!(bench.session.poll_timeout(), None);
    bench.timeout(u64::MAX);
    assert_eq!((bench.sent(), bench.take_woken()), (vec![], vec![]));
    assert_eq!(bench.session.outstanding(), 1, "{tag:?} is not free");
    bench.reply(flush, &Rflush {}).expect("honest");
    assert_eq!(bench.session.outstanding(), 0);
}

#[test]
fn a_clunk_is_left_to_run() {
    let mut bench = Bench::new();
    let root = bench.attached();
    for remove in [false, true] {
        let fid = bench.cloned(root);
        let tag = match remove {
            false => bench.session.start(&Tclunk { fid }, None),
            true => bench.session.start(&Tremove { fid }, None),
        }
        .expect("room");
        bench.sent();
        bench.session.abandon(tag);
        assert_eq!(bench.sent(), [], "no flush");
        assert_eq!(bench.session.fids_in_use(), 2);
        bench.reply(tag, &Rlerror { ecode: Errno(5) }).expect("honest");
        if remove {
            assert_eq!(
                bench.session.fids_in_use(),
                2,
                "some servers keep the fid of a failed remove"
            );
            let clunk = bench.sent_one();
            assert_eq!(clunk.get::<Tclunk>(), Tclunk { fid });
            bench
                .reply(clunk.tag, &Rlerror { ecode: Errno(9) })
                .expect("this one did not");
        }
        assert_eq!(
            bench.session.fids_in_use(),
            1,
            "gone, though the server complained"
        );
        assert_eq!((bench.session.outstanding(), bench.sent()), (0, vec![]));
        bench.take_woken();
    }
}
