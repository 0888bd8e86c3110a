//! Sessions with servers that say anything.

use ninep::session::{Config, Session};
use ninep::wire::*;

use crate::bytes::Bytes;

const MSIZE: u32 = 4096;

fn frame<M: Message>(tag: Tag, message: &M) -> Vec<u8> {
    let mut out = vec![0; frame_len(message).expect("fits") as usize];
    encode_frame(message, tag, &mut Writer::new(&mut out)).expect("there is room");
    out
}

fn connected() -> Session {
    let config = Config {
        msize: MSIZE,
        max_outstanding: 4,
        max_fids: 16,
        ..Config::default()
    };
    let mut session = Session::new(config).expect("memory");
    session.start_version(None).expect("first");
    drain(&mut session);
    let version = Rversion {
        msize: MSIZE,
        version: DIALECT,
    };
    let version = frame(Tag::NONE, &version);
    session.handle_input(&version, &mut |_| {}).expect("honest");
    session
}

fn drain(session: &mut Session) {
    while let Some(bytes) = session.take_transmit() {
        assert!(bytes.len() <= 1 << 16, "what is queued is bounded");
        session.recycle_transmit(bytes);
    }
}

/// A server's bytes alone, in pieces: before the version was agreed, and after it.
pub(crate) fn input(data: &[u8]) {
    let Some((&first, rest)) = data.split_first() else {
        return;
    };
    let piece = usize::from(first >> 1).max(1);
    let mut session = if first & 1 == 0 {
        connected()
    } else {
        let mut session = Session::new(Config::default()).expect("memory");
        session.start_version(None).expect("first");
        session
    };
    for piece in rest.chunks(piece) {
        let over = session.ended();
        let taken = session.handle_input(piece, &mut |_| {});
        assert!(over.is_none() || session.ended() == over, "the first end counts");
        assert!(taken.is_ok() || session.is_poisoned());
        drain(&mut session);
    }
    assert_eq!(session.outstanding(), 0, "nobody asked for anything");
}

/// Whoever uses the session: requests, fids, and what has become of them.
#[derive(Default)]
struct User {
    fids: Vec<Fid>,
    /// Which of a few kinds of request.
    tags: Vec<(Tag, u8)>,
}

/// The input decides what both sides do: ask, walk away, let time pass, answer right or wrong.
pub(crate) fn exchange(data: &[u8]) {
    let mut bytes = Bytes(data);
    let (mut session, mut user, mut now) = (connected(), User::default(), 0_u64);
    while !bytes.is_empty() {
        match bytes.byte() % 10 {
            0 => user.fids.extend(session.allocate_fid().ok()),
            1..=3 => user.ask(&mut session, &mut bytes, now),
            4 => {
                if let Some((tag, _)) = user.pick(&mut bytes) {
                    session.abandon(tag);
                }
            }
            5 => {
                now += u64::from(bytes.byte());
                session.handle_timeout(now, &mut |_| {});
            }
            6 => answer(&mut session, &mut bytes),
            7 => {
                let count = usize::from(bytes.byte());
                let _ = session.handle_input(bytes.take(count), &mut |_| {});
            }
            8 => user.take(&mut session, &mut bytes),
            _ => {
                if !user.fids.is_empty() {
                    let index = usize::from(bytes.byte()) % user.fids.len();
                    session.discard(user.fids.swap_remove(index));
                }
            }
        }
        drain(&mut session);
        assert!(session.outstanding() <= 4);
    }
    for (tag, _) in user.tags.drain(..) {
        session.abandon(tag);
    }
    for fid in user.fids.drain(..) {
        session.discard(fid);
    }
    session.disconnect(ninep::session::Disconnect::Local, &mut |_| {});
    assert_eq!(
        (session.outstanding(), session.fids_in_use()),
        (0, 0),
        "nothing is left"
    );
}

impl User {
    fn ask(&mut self, session: &mut Session, bytes: &mut Bytes<'_>, now: u64) {
        let kind = bytes.byte() % 6;
        let deadline = Some(now + u64::from(bytes.byte()));
        let fid = |index: u8| self.fids.get(usize::from(index)).copied().unwrap_or(Fid(99));
        let (one, other) = (fid(bytes.byte() % 8), fid(bytes.byte() % 8));
        let started = match kind {
            0 => {
                let attach = Tattach {
                    fid: one,
                    afid: Fid::NONE,
                    uname: b"u",
                    aname: b"/",
                    n_uname: 0,
                };
                session.start(&attach, deadline)
            }
            1 => {
                let walk = Twalk {
                    fid: one,
                    newfid: other,
                    names: WalkNames::new(&[b"a", b"b"]),
                };
                session.start(&walk, deadline)
            }
            2 => {
                let request = Tgetattr {
                    fid: one,
                    mask: GetAttrMask::BASIC,
                };
                session.start(&request, deadline)
            }
            3 => {
                let request = Treaddir {
                    fid: one,
                    offset: 0,
                    count: 100,
                };
                session.start(&request, deadline)
            }
            4 => {
                let started = session.start(&Tclunk { fid: one }, deadline);
                if started.is_ok() {
                    // The request ends it now.
                    self.fids.retain(|&fid| fid != one);
                }
                started
            }
            _ => session.start(
                &Tread {
                    fid: one,
                    offset: 0,
                    count: 50,
                },
                deadline,
            ),
        };
        self.tags.extend(started.ok().map(|tag| (tag, kind)));
    }

    fn pick(&mut self, bytes: &mut Bytes<'_>) -> Option<(Tag, u8)> {
        let index = usize::from(bytes.byte()).checked_rem(self.tags.len())?;
        Some(self.tags.swap_remove(index))
    }

    fn take(&mut self, session: &mut Session, bytes: &mut Bytes<'_>) {
        let Some((tag, kind)) = self.pick(bytes) else {
            return;
        };
        let pending = match kind {
            0 => session.take_reply::<Tattach<'_>>(tag).is_pending(),
            1 => session.take_reply::<Twalk<'_>>(tag).is_pending(),
            2 => session.take_reply::<Tgetattr>(tag).is_pending(),
            3 => session.take_reply::<Treaddir>(tag).is_pending(),
            4 => session.take_reply::<Tclunk>(tag).is_pending(),
            _ => match session.take_reply::<Tread>(tag) {
                std::task::Poll::Pending => true,
                std::task::Poll::Ready(read) => {
                    let read = read.ok();
                    let reply = read.as_ref().and_then(|read| read.get().ok());
                    assert!(reply.is_none_or(|reply| reply.data.0.len() <= 50));
                    session.recycle_reply(
                        read.map(ninep::session::Response::into_buffer)
                            .unwrap_or_default(),
                    );
                    false
                }
            },
        };
        if pending {
            self.tags.push((tag, kind));
        }
    }
}

/// A frame that is well-formed, of any type, under a tag that may be in use.
fn answer(session: &mut Session, bytes: &mut Bytes<'_>) {
    let tag = Tag(u16::from(bytes.byte() % 24));
    let kind = bytes.byte();
    let count = usize::from(bytes.byte());
    let body = bytes.take(count);
    let mut frame = u32::try_from(7 + body.len())
        .expect("short")
        .to_le_bytes()
        .to_vec();
    frame.push(kind);
    frame.extend(tag.0.to_le_bytes());
    frame.extend(body);
    let _ = session.handle_input(&frame, &mut |_| {});
}
