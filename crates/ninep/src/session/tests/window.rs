//! The window, the transmit buffers, and the end of the connection.

use super::super::Disconnect;
use super::super::Need;
use super::super::window::WINDOW_START;
use super::*;

#[test]
fn the_window_fills_and_opens_when_a_reply_is_taken() {
    let mut bench = Bench::with_window(2);
    let root = bench.attached();
    let first = bench.session.start(&getattr(root), None).expect("room");
    assert!(bench.session.has_room());
    bench.session.start(&getattr(root), None).expect("room");
    assert!(!bench.session.has_room());
    assert_eq!(bench.session.start(&getattr(root), None), Err(Error::WindowFull));
    bench.reply(first, &attributes(0)).expect("honest");
    assert_eq!(
        bench.session.start(&getattr(root), None),
        Err(Error::WindowFull),
        "not taken yet"
    );
    bench.take::<Tgetattr>(first).expect("reply");
    bench.session.start(&getattr(root), None).expect("room again");
    assert_eq!(bench.sent().len(), 3, "a refused start sends nothing");
}

#[test]
fn flushes_find_room_beside_a_full_window() {
    let mut bench = Bench::with_window(3);
    let root = bench.attached();
    let tags: Vec<Tag> = (0..3)
        .map(|_| bench.session.start(&getattr(root), None).expect("room"))
        .collect();
    bench.sent();
    tags.iter().for_each(|tag| bench.session.abandon(*tag));
    let flushes = bench.sent();
    assert_eq!(flushes.len(), 3);
    assert!(!bench.session.has_room());
    for flush in flushes.iter().rev() {
        bench.reply(flush.tag, &Rflush {}).expect("honest");
    }
    assert_eq!(bench.session.outstanding(), 0);
}

#[test]
fn every_tag_is_below_the_number_that_the_session_tells() {
    const CALLS: u16 = 4;
    let mut bench = Bench::with_window(CALLS);
    let root = bench.attached();
    let clones = 90;
    let mut fids = Vec::new();
    for _ in 0..clones {
        let newfid = bench.session.allocate_fid().expect("a fid");
        let clone = Twalk {
            fid: root,
            newfid,
            names: WalkNames::new(&[]),
        };
        let tag = bench.session.start(&clone, None).expect("room");
        let qids = WalkQids::new(&[]);
        bench.reply(tag, &Rwalk { qids }).expect("honest");
        bench.take::<Twalk<'_>>(tag).expect("cloned");
        fids.push(newfid);
    }
    bench.sent();
    // All that there can be at once: calls, a flush of each, clunks. A probe alone is not among them.
    let tags: Vec<Tag> = (0..CALLS)
        .map(|_| bench.session.start(&getattr(root), None).expect("room"))
        .collect();
    tags.into_iter().for_each(|tag| bench.session.abandon(tag));
    fids.into_iter().for_each(|fid| bench.session.discard(fid));
    let mut used: Vec<u16> = bench.sent().into_iter().map(|frame| frame.tag.0).collect();
    used.sort_unstable();
    used.dedup();
    assert!(used.last().is_some_and(|&last| last < bench.session.tags()));
    assert_eq!(used.len() + 1, usize::from(bench.session.tags()));
    assert!(used.len() < clones, "more clunks were wanted than may be sent");
}

#[test]
fn what_does_not_fit_is_refused_and_leaves_no_trace() {
    let mut bench = Bench::new();
    let root = bench.attached();
    let most = bench.session.max_payload() as usize;
    let data = vec![0; most + 1];
    let write = |data| Twrite {
        fid: root,
        offset: 0,
        data: Payload(data),
    };
    assert_eq!(bench.session.start(&write(&data), None), Err(Error::TooLong));
    let name = vec![b'n'; 70_000];
    let link = Tlink {
        dfid: root,
        fid: root,
        name: &name,
    };
    assert_eq!(bench.session.start(&link, None), Err(Error::TooLong));
    let link = Tlink {
        dfid: root,
        fid: root,
        name: &name[..9000],
    };
    assert_eq!(
        bench.session.start(&link, None),
        Err(Error::TooLong),
        "more than msize"
    );
    assert_eq!(
        bench.session.start(
            &Treaddir {
                fid: root,
                offset: 0,
                count: MSIZE
            },
            None
        ),
        Err(Error::TooLong)
    );
    assert_eq!((bench.sent(), bench.session.outstanding()), (vec![], 0));
    let tag = bench.session.start(&write(&data[1..]), None).expect("just fits");
    assert_eq!(bench.sent_one().get::<Twrite<'_>>().data.count() as usize, most);
    bench.reply(tag, &Rwrite { count: most as u32 }).expect("honest");
    bench.take::<Twrite<'_>>(tag).expect("written");
    bench.session.discard(root);
    assert_eq!(
        bench.sent_one().kind,
        MessageType::TCLUNK,
        "no refused request still names the fid"
    );
}

#[test]
fn sent_buffers_are_used_again() {
    let mut bench = Bench::new();
    let root = bench.attached();
    for _ in 0..3 {
        bench.session.start(&getattr(root), None).expect("room");
    }
    let first = bench.session.take_transmit().expect("bytes");
    let place = first.as_ptr();
    bench.session.recycle_transmit(first);
    assert_eq!(bench.session.take_transmit(), None);
    assert!(!bench.session.wants_transmit());
    bench.session.start(&getattr(root), None).expect("room");
    assert!(bench.session.wants_transmit());
    let second = bench.session.take_transmit().expect("bytes");
    assert_eq!(second.as_ptr(), place);
    assert_eq!(second.len(), 19);
}

#[test]
fn a_lost_connection_fails_everything_once() {
    let mut bench = Bench::new();
    let root = bench.attached();
    let waiting = bench.session.start(&getattr(root), Some(9)).expect("room");
    let answered = bench.session.start(&getattr(root), None).expect("room");
    let left = bench.session.start(&getattr(root), None).expect("room");
    bench.session.abandon(left);
    bench.reply(answered, &attributes(7)).expect("honest");
    bench.take_woken();
    let mut woken = Vec::new();
    bench
        .session
        .disconnect(Disconnect::Remote, &mut |tag| woken.push(tag));
    assert_eq!(woken, [waiting]);
    let gone = Error::Disconnected(Disconnect::Remote);
    bench
        .session
        .disconnect(Disconnect::Error, &mut |tag| panic!("{tag:?} woken twice"));
    assert_eq!(bench.session.ended(), Some(gone));
    assert_eq!(bench.take::<Tgetattr>(waiting).expect_err("lost"), gone);
    assert_eq!(
        bench
            .take::<Tgetattr>(answered)
            .expect("came in time")
            .get()
            .expect("whole")
            .size,
        7
    );
    assert_eq!(bench.session.start(&getattr(root), None), Err(gone));
    assert_eq!(bench.session.poll_timeout(), None);
    assert_eq!(bench.sent(), [], "nothing more goes out");
    bench.input(b"late bytes").expect("ignored");
    assert_eq!((bench.session.outstanding(), bench.session.fids_in_use()), (0, 1));
    bench.session.discard(root);
    assert_eq!((bench.sent(), bench.session.fids_in_use()), (vec![], 0));
    assert!(!bench.session.is_poisoned());
}

#[test]
fn counters_count() {
    let mut bench = Bench::new();
    let root = bench.attached();
    let before = bench.session.statistics();
    let tag = bench.session.start(&getattr(root), None).expect("room");
    bench.sent();
    bench.reply(tag, &attributes(7)).expect("honest");
    let after = bench.session.statistics();
    assert_eq!(
        (after.requests - before.requests, after.replies - before.replies),
        (1, 1)
    );
    assert_eq!(
        (
            after.bytes_sent - before.bytes_sent,
            after.bytes_received - before.bytes_received
        ),
        (19, 160)
    );
}

#[test]
fn a_probe_is_a_question_like_any_other_that_names_no_request() {
    let mut bench = Bench::new();
    assert!(!bench.session.awaits_replies());
    let tag = bench.session.start_probe(None).expect("room");
    let sent = bench.sent_one();
    assert_eq!(
        (sent.tag, sent.get::<Tflush>()),
        (tag, Tflush { oldtag: Tag::NONE })
    );
    assert!(bench.session.awaits_replies());
    bench.reply(tag, &Rflush {}).expect("honest");
    assert!(!bench.session.awaits_replies());
    assert_eq!(bench.take_woken(), [tag]);
    bench.take::<Tflush>(tag).expect("an answer");
    assert_eq!(bench.session.outstanding(), 0);
}

#[test]
fn a_probe_counts_against_the_window_and_needs_a_version() {
    let mut bench = Bench::unconnected(1);
    assert_eq!(bench.session.start_probe(None), Err(Error::NoVersion));
    let mut bench = Bench::with_window(1);
    bench.session.start_probe(None).expect("room");
    assert_eq!(bench.session.start_probe(None), Err(Error::WindowFull));
}

/// Starts writes of `data` until there is no room; how many were started.
fn write_until_full(bench: &mut Bench, fid: Fid, data: &[u8]) -> usize {
    let mut started = 0;
    loop {
        let request = Twrite {
            fid,
            offset: 0,
            data: Payload(data),
        };
        let has_room = bench.session.has_room_for(Need::of(&request));
        match bench.session.start(&request, None) {
            Ok(_) => started += 1,
            Err(error) => {
                assert_eq!((error, has_room), (Error::WindowFull, false));
                return started;
            }
        }
        assert!(has_room);
    }
}

#[test]
fn a_server_that_does_not_read_is_given_no_more() {
    const LIMIT: usize = 512 * 1024;
    let mut bench = Bench::with_window(4096);
    let root = bench.attached();
    // Small ones: the window is far from full, in bytes of data.
    let data = [0; 100];
    write_until_full(&mut bench, root, &data);
    let queued = bench.session.take_transmit().expect("queued").len();
    assert!(queued <= LIMIT && queued > LIMIT / 10, "{queued} bytes wait");
    // Flushes and clunks are not for callers to wait for.
    bench.session.discard(root);
}

#[test]
fn data_under_way_is_bounded_for_all_together() {
    let mut bench = Bench::with_window(4096);
    let root = bench.attached();
    let data = vec![0; bench.session.max_payload() as usize];
    assert_eq!(
        write_until_full(&mut bench, root, &data),
        usize::from(WINDOW_START)
    );
    let writes = bench.sent();
    assert!(
        bench.session.start(&getattr(root), None).is_ok(),
        "what carries no data goes on"
    );
    bench.reply(writes[0].tag, &Rwrite { count: 1 }).expect("honest");
    assert_eq!(
        write_until_full(&mut bench, root, &data),
        1,
        "one answered, one more"
    );
    bench.session.abandon(writes[1].tag);
    assert_eq!(
        write_until_full(&mut bench, root, &data),
        0,
        "given up is not answered"
    );
}
