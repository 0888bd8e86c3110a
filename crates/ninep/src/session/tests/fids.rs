//! Fids: none leaks, none is reused too early.

use super::*;

/// A walk to one name under a new fid, sent; the fid is discarded and the walk abandoned, as a dropped future would.
fn dropped_walk() -> (Bench, Tag, Tag, Fid) {
    let mut bench = Bench::new();
    let root = bench.attached();
    let fid = bench.session.allocate_fid().expect("a fid");
    let walk = Twalk {
        fid: root,
        newfid: fid,
        names: WalkNames::new(&[b"x"]),
    };
    let tag = bench.session.start(&walk, None).expect("room");
    bench.sent();
    bench.session.abandon(tag);
    bench.session.discard(fid);
    let flush = bench.sent_one();
    assert_eq!(flush.kind, MessageType::TFLUSH);
    assert_eq!(bench.session.fids_in_use(), 2);
    (bench, tag, flush.tag, fid)
}

#[test]
fn a_fid_that_a_late_walk_made_is_clunked_and_then_free() {
    let (mut bench, tag, flush, fid) = dropped_walk();
    bench
        .reply(
            tag,
            &Rwalk {
                qids: WalkQids::new(&[qid(3)]),
            },
        )
        .expect("honest");
    let clunk = bench.sent_one();
    assert_eq!(clunk.get::<Tclunk>(), Tclunk { fid });
    assert_ne!(
        bench.session.allocate_fid(),
        Ok(fid),
        "not free before the answer"
    );
    bench.reply(clunk.tag, &Rclunk {}).expect("honest");
    assert_eq!(bench.session.allocate_fid(), Ok(fid));
    bench.reply(flush, &Rflush {}).expect("honest");
    assert_eq!(bench.session.outstanding(), 0);
    assert_eq!(bench.take_woken(), []);
}

#[test]
fn a_late_walk_that_failed_leaves_nothing_to_clunk() {
    let (mut bench, tag, flush, fid) = dropped_walk();
    bench.reply(tag, &Rlerror { ecode: Errno(2) }).expect("honest");
    bench.reply(flush, &Rflush {}).expect("honest");
    assert_eq!(bench.sent(), []);
    assert_eq!(bench.session.fids_in_use(), 1);
    assert_eq!(bench.session.allocate_fid(), Ok(fid));
}

#[test]
fn a_walk_that_stopped_short_is_clunked_in_case_the_server_kept_the_fid() {
    let (mut bench, tag, flush, fid) = dropped_walk();
    let nothing = Rwalk {
        qids: WalkQids::new(&[]),
    };
    bench.reply(tag, &nothing).expect("honest");
    let clunk = bench.sent_one();
    assert_eq!(clunk.get::<Tclunk>(), Tclunk { fid });
    bench.reply(flush, &Rflush {}).expect("honest");
    bench
        .reply(clunk.tag, &Rlerror { ecode: Errno(9) })
        .expect("it did not");
    assert_eq!(bench.session.fids_in_use(), 1);
    assert_eq!(bench.session.allocate_fid(), Ok(fid));
}

#[test]
fn a_flushed_walk_is_clunked_in_case_the_server_made_the_fid() {
    let (mut bench, _, flush, fid) = dropped_walk();
    bench.reply(flush, &Rflush {}).expect("honest");
    let clunk = bench.sent_one();
    assert_eq!(clunk.get::<Tclunk>(), Tclunk { fid });
    bench
        .reply(clunk.tag, &Rlerror { ecode: Errno(9) })
        .expect("it did not");
    assert_eq!(bench.session.fids_in_use(), 1);
    assert_eq!(bench.session.outstanding(), 0);
}

#[test]
fn a_fid_the_server_never_heard_of_is_free_at_once() {
    let mut bench = Bench::new();
    let fid = bench.session.allocate_fid().expect("a fid");
    bench.session.discard(fid);
    assert_eq!((bench.sent(), bench.session.fids_in_use()), (vec![], 0));
    bench.session.discard(fid);
    bench.session.discard(Fid::NONE);
    assert_eq!(bench.session.fids_in_use(), 0);
}

#[test]
fn the_clunk_waits_until_no_request_names_the_fid() {
    let mut bench = Bench::new();
    let root = bench.attached();
    let create = Tlcreate {
        fid: root,
        name: b"f",
        flags: OpenFlags::WRITE_ONLY,
        mode: Mode(0o644),
        gid: 0,
    };
    let create = bench.session.start(&create, None).expect("room");
    let attr = bench.session.start(&getattr(root), None).expect("room");
    bench.sent();
    bench.session.abandon(create);
    bench.session.discard(root);
    assert_eq!(bench.sent_one().kind, MessageType::TFLUSH);
    bench
        .reply(
            create,
            &Rlcreate {
                qid: qid(4),
                iounit: 0,
            },
        )
        .expect("honest");
    assert_eq!(bench.sent(), [], "the getattr still names it");
    bench.reply(attr, &attributes(1)).expect("honest");
    assert_eq!(bench.sent_one().get::<Tclunk>(), Tclunk { fid: root });
    bench
        .take::<Tgetattr>(attr)
        .expect("its own caller still gets it");
}

#[test]
fn a_fid_given_up_cannot_be_used() {
    let mut bench = Bench::new();
    let root = bench.attached();
    assert_eq!(
        bench.session.start(&getattr(Fid(50)), None),
        Err(Error::UnknownFid)
    );
    assert_eq!(
        bench.session.start(&getattr(Fid::NONE), None),
        Err(Error::UnknownFid)
    );
    let again = Tattach {
        fid: root,
        afid: Fid::NONE,
        uname: b"",
        aname: b"",
        n_uname: 0,
    };
    assert_eq!(
        bench.session.start(&again, None),
        Err(Error::UnknownFid),
        "it exists already"
    );
    let clunk = bench.session.start(&Tclunk { fid: root }, None).expect("room");
    assert_eq!(bench.session.start(&getattr(root), None), Err(Error::UnknownFid));
    bench.session.discard(root);
    bench.sent();
    bench.reply(clunk, &Rclunk {}).expect("honest");
    bench.take::<Tclunk>(clunk).expect("clunked");
    assert_eq!((bench.sent(), bench.session.fids_in_use()), (vec![], 0));
}

#[test]
fn many_discards_are_clunked_a_few_at_a_time() {
    let mut bench = Bench::with_window(64);
    let root = bench.attached();
    let mut fids = Vec::new();
    for _ in 0..50 {
        let fid = bench.cloned(root);
        fids.push(fid);
    }
    bench.sent();
    fids.iter().for_each(|fid| bench.session.discard(*fid));
    let mut clunked = Vec::new();
    loop {
        let sent = bench.sent();
        if sent.is_empty() {
            break;
        }
        assert!(sent.len() <= 48);
        for clunk in sent {
            clunked.push(clunk.get::<Tclunk>().fid);
            bench.reply(clunk.tag, &Rclunk {}).expect("honest");
        }
    }
    assert_eq!(clunked, fids, "in the order they were given up");
    assert_eq!(bench.session.fids_in_use(), 1);
}

#[test]
fn fids_run_out_with_an_error() {
    let mut bench = Bench::new();
    let fids: Vec<Fid> = (0..100)
        .map(|_| bench.session.allocate_fid().expect("a fid"))
        .collect();
    assert_eq!(bench.session.allocate_fid(), Err(Error::FidsExhausted));
    bench.session.discard(fids[40]);
    assert_eq!(bench.session.allocate_fid(), Ok(fids[40]));
}

#[test]
fn messages_sent_back_to_back_may_name_a_fid_before_it_exists() {
    let mut bench = Bench::new();
    let root = bench.attached();
    let fid = bench.session.allocate_fid().expect("a fid");
    let walk = Twalk {
        fid: root,
        newfid: fid,
        names: WalkNames::new(&[b"x"]),
    };
    let walk = bench.session.start(&walk, None).expect("room");
    let attr = bench.session.start(&getattr(fid), None).expect("room");
    let open = bench
        .session
        .start(
            &Tlopen {
                fid,
                flags: OpenFlags::empty(),
            },
            None,
        )
        .expect("room");
    assert_eq!(bench.sent().len(), 3);
    for tag in [walk, attr, open] {
        bench.reply(tag, &Rlerror { ecode: Errno(2) }).expect("honest");
    }
    bench.session.discard(fid);
    assert_eq!(
        (bench.sent(), bench.session.fids_in_use()),
        (vec![], 1),
        "no clunk of a fid that never was"
    );
}
