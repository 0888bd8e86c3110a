//! Tversion, and what may go wrong with it.

use super::super::{Disconnect, Rule};
use super::*;

fn asked() -> Bench {
    let mut bench = Bench::unconnected(8);
    bench.session.start_version(Some(50)).expect("first");
    let sent = bench.sent_one();
    assert_eq!(sent.tag, Tag::NONE);
    assert_eq!(
        sent.get::<Tversion<'_>>(),
        Tversion {
            msize: MSIZE,
            version: b"9P2000.L"
        }
    );
    assert!(bench.session.poll_version().is_pending());
    bench
}

#[test]
fn a_lower_msize_is_taken_over() {
    let mut bench = asked();
    bench
        .reply(
            Tag::NONE,
            &Rversion {
                msize: 5000,
                version: DIALECT,
            },
        )
        .expect("honest");
    assert_eq!(bench.take_woken(), [Tag::NONE]);
    assert_eq!(bench.session.poll_version(), Poll::Ready(Ok(5000)));
    assert_eq!((bench.session.msize(), bench.session.max_payload()), (5000, 4976));
    assert_eq!(bench.session.poll_timeout(), None);
}

#[test]
fn no_less_is_offered_than_is_of_use() {
    for msize in [0, 1, 4095, 4096] {
        let config = Config {
            msize,
            ..Config::default()
        };
        let mut session = Session::new(config).expect("memory");
        session.start_version(None).expect("first");
        let sent = session.take_transmit().expect("a version");
        assert_eq!(sent[HEADER_LEN..][..4], 4096_u32.to_le_bytes());
    }
}

#[test]
fn nothing_goes_out_before_the_version_is_agreed() {
    let mut bench = Bench::unconnected(8);
    assert_eq!(bench.session.poll_version(), Poll::Ready(Err(Error::NoVersion)));
    let fid = bench.session.allocate_fid().expect("a fid");
    assert_eq!(bench.session.start(&getattr(fid), None), Err(Error::NoVersion));
    bench.session.start_version(None).expect("first");
    assert_eq!(bench.session.start(&getattr(fid), None), Err(Error::NoVersion));
    assert_eq!(bench.session.start_version(None), Err(Error::Reserved));
    assert_eq!(bench.sent_one().kind, MessageType::TVERSION);
}

#[test]
fn version_and_flush_are_the_sessions_own() {
    let mut bench = Bench::new();
    assert_eq!(bench.session.start_version(None), Err(Error::Reserved));
    let version = Tversion {
        msize: 1,
        version: b"",
    };
    assert_eq!(bench.session.start(&version, None), Err(Error::Reserved));
    assert_eq!(
        bench.session.start(&Tflush { oldtag: Tag(0) }, None),
        Err(Error::Reserved)
    );
    assert_eq!(bench.sent(), []);
}

/// What the server says to Tversion, and how the session ends.
fn refused(frame: &[u8]) -> Error {
    let mut bench = asked();
    let _ = bench.input(frame);
    assert_eq!(bench.take_woken(), [Tag::NONE]);
    let Poll::Ready(Err(error)) = bench.session.poll_version() else {
        panic!("accepted")
    };
    assert_eq!(bench.session.ended(), Some(error));
    assert_eq!(bench.session.allocate_fid(), Err(error));
    assert_eq!(bench.session.start_version(None), Err(error));
    error
}

#[test]
fn another_dialect_is_refused() {
    for version in [&b"unknown"[..], b"9P2000", b"9P2000.u", b"9P2000.L.Z", b""] {
        assert_eq!(
            refused(&frame(
                Tag::NONE,
                &Rversion {
                    msize: MSIZE,
                    version
                }
            )),
            Error::DialectRefused
        );
    }
    assert_eq!(
        refused(&frame(Tag::NONE, &Rlerror { ecode: Errno(5) })),
        Error::DialectRefused
    );
}

#[test]
fn an_msize_below_the_least_is_refused() {
    let choice = |msize| {
        frame(
            Tag::NONE,
            &Rversion {
                msize,
                version: DIALECT,
            },
        )
    };
    assert_eq!(refused(&choice(4095)), Error::DialectRefused);
    assert_eq!(refused(&choice(0)), Error::DialectRefused);
    let mut bench = asked();
    bench.input(&choice(4096)).expect("just enough");
    assert_eq!(bench.session.poll_version(), Poll::Ready(Ok(4096)));
}

#[test]
fn a_raised_msize_is_a_violation() {
    let choice = frame(
        Tag::NONE,
        &Rversion {
            msize: MSIZE + 1,
            version: DIALECT,
        },
    );
    let Error::Poisoned(violation) = refused(&choice) else {
        panic!("not poisoned")
    };
    assert_eq!(
        (violation.rule, violation.expected, violation.got),
        (Rule::MsizeRaised, MSIZE, MSIZE + 1)
    );
}

#[test]
fn any_other_answer_is_a_violation() {
    for frame in [
        frame(Tag::NONE, &Rclunk {}),
        frame(
            Tag(0),
            &Rversion {
                msize: MSIZE,
                version: DIALECT,
            },
        ),
        raw(8, MessageType::RVERSION, Tag::NONE, &[0]),
    ] {
        assert!(matches!(refused(&frame), Error::Poisoned(_)), "{frame:?}");
    }
}

#[test]
fn silence_ends_the_session_at_the_deadline() {
    let mut bench = asked();
    assert_eq!(bench.session.poll_timeout(), Some(50));
    bench.timeout(49);
    assert!(bench.session.poll_version().is_pending());
    bench.timeout(50);
    assert_eq!(bench.take_woken(), [Tag::NONE]);
    assert_eq!(
        bench.session.poll_version(),
        Poll::Ready(Err(Error::Disconnected(Disconnect::TimedOut)))
    );
    assert_eq!(bench.session.poll_timeout(), None);
    bench.timeout(60);
    assert_eq!(bench.take_woken(), []);
}

#[test]
fn a_second_rversion_is_a_violation() {
    let mut bench = Bench::new();
    let violation = bench
        .reply(
            Tag::NONE,
            &Rversion {
                msize: MSIZE,
                version: DIALECT,
            },
        )
        .expect_err("not asked");
    assert_eq!(violation.rule, Rule::UnknownTag);
}
