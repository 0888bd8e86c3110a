//! Tests of the session against a scripted peer.

mod abandon;
mod deadlines;
mod fids;
mod handshake;
mod input;
mod lies;
mod model;
mod reads;
mod window;

use core::task::Poll;
use std::vec;
use std::vec::Vec;

use super::{Config, Error, Response, Session, Violation};
use crate::wire::*;

const MSIZE: u32 = 8192;

/// A frame that the session sent.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Sent {
    tag: Tag,
    kind: MessageType,
    body: Vec<u8>,
}

impl Sent {
    fn get<'a, M: Decode<'a>>(&'a self) -> M {
        assert_eq!(self.kind, M::TYPE);
        M::decode_body(&self.body).expect("the session sends what decodes")
    }
}

/// A session and everything that was seen of it.
struct Bench {
    session: Session,
    woken: Vec<Tag>,
}

impl Bench {
    fn unconnected(max_outstanding: u16) -> Self {
        let config = Config {
            msize: MSIZE,
            max_outstanding,
            max_fids: 100,
            ..Config::default()
        };
        Self {
            session: Session::new(config).expect("memory"),
            woken: Vec::new(),
        }
    }

    /// Version agreed, nothing outstanding.
    fn with_window(max_outstanding: u16) -> Self {
        let mut bench = Self::unconnected(max_outstanding);
        bench.session.start_version(None).expect("first");
        assert_eq!(bench.sent().len(), 1);
        bench
            .reply(
                Tag::NONE,
                &Rversion {
                    msize: MSIZE,
                    version: DIALECT,
                },
            )
            .expect("honest");
        assert_eq!(bench.take_woken(), [Tag::NONE]);
        bench
    }

    fn new() -> Self {
        Self::with_window(8)
    }

    /// A fid that the server knows.
    fn attached(&mut self) -> Fid {
        let fid = self.session.allocate_fid().expect("a fid");
        let attach = Tattach {
            fid,
            afid: Fid::NONE,
            uname: b"u",
            aname: b"/",
            n_uname: 0,
        };
        let tag = self.session.start(&attach, None).expect("room");
        self.sent();
        self.reply(tag, &Rattach { qid: qid(1) }).expect("honest");
        self.take::<Tattach<'_>>(tag).expect("attached");
        self.take_woken();
        fid
    }

    /// A further fid for what `from` stands for, known to the server as well.
    fn cloned(&mut self, from: Fid) -> Fid {
        let fid = self.session.allocate_fid().expect("a fid");
        let walk = Twalk {
            fid: from,
            newfid: fid,
            names: WalkNames::new(&[]),
        };
        let tag = self.session.start(&walk, None).expect("room");
        let reply = Rwalk {
            qids: WalkQids::new(&[]),
        };
        self.reply(tag, &reply).expect("honest");
        self.take::<Twalk<'_>>(tag).expect("cloned");
        fid
    }

    fn input(&mut self, bytes: &[u8]) -> Result<(), Violation> {
        let woken = &mut self.woken;
        self.session.handle_input(bytes, &mut |tag| woken.push(tag))
    }

    fn reply<M: Message>(&mut self, tag: Tag, message: &M) -> Result<(), Violation> {
        self.input(&frame(tag, message))
    }

    fn timeout(&mut self, now: u64) {
        let woken = &mut self.woken;
        self.session.handle_timeout(now, &mut |tag| woken.push(tag));
    }

    fn take_woken(&mut self) -> Vec<Tag> {
        core::mem::take(&mut self.woken)
    }

    /// Everything sent since the last look, as frames.
    fn sent(&mut self) -> Vec<Sent> {
        let mut frames = Vec::new();
        while let Some(bytes) = self.session.take_transmit() {
            let mut rest = &bytes[..];
            while let Some(header) = rest.first_chunk() {
                let header = Header::decode(header);
                let (frame, after) = rest.split_at(header.size as usize);
                frames.push(Sent {
                    tag: header.tag,
                    kind: header.kind,
                    body: frame[HEADER_LEN..].to_vec(),
                });
                rest = after;
            }
            assert!(rest.is_empty(), "half a frame sent");
            self.session.recycle_transmit(bytes);
        }
        frames
    }

    /// The one frame sent since the last look.
    fn sent_one(&mut self) -> Sent {
        let mut frames = self.sent();
        assert_eq!(frames.len(), 1, "{frames:?}");
        frames.remove(0)
    }

    fn take<R: Request>(&mut self, tag: Tag) -> Result<Response<R>, Error> {
        match self.session.take_reply::<R>(tag) {
            Poll::Ready(result) => result,
            Poll::Pending => panic!("{tag:?} is still pending"),
        }
    }

    fn is_pending<R: Request>(&mut self, tag: Tag) -> bool {
        self.session.take_reply::<R>(tag).is_pending()
    }
}

fn qid(path: u64) -> Qid {
    Qid {
        kind: QidType::empty(),
        version: 0,
        path,
    }
}

fn directory(path: u64) -> Qid {
    Qid {
        kind: QidType::DIRECTORY,
        ..qid(path)
    }
}

fn frame<M: Message>(tag: Tag, message: &M) -> Vec<u8> {
    let mut out = vec![0; frame_len(message).expect("fits") as usize];
    encode_frame(message, tag, &mut Writer::new(&mut out)).expect("room");
    out
}

/// A frame with a header that says what it likes.
fn raw(size: u32, kind: MessageType, tag: Tag, body: &[u8]) -> Vec<u8> {
    let mut out = size.to_le_bytes().to_vec();
    out.push(kind.0);
    out.extend_from_slice(&tag.0.to_le_bytes());
    out.extend_from_slice(body);
    out
}

fn getattr(fid: Fid) -> Tgetattr {
    Tgetattr {
        fid,
        mask: GetAttrMask::BASIC,
    }
}

fn attributes(size: u64) -> Rgetattr {
    Rgetattr {
        valid: GetAttrMask::BASIC,
        qid: qid(1),
        mode: Mode(Mode::REGULAR | 0o644),
        uid: 0,
        gid: 0,
        nlink: 1,
        rdev: 0,
        size,
        blksize: 4096,
        blocks: 0,
        atime: Time::default(),
        mtime: Time::default(),
        ctime: Time::default(),
        btime: Time::default(),
        generation: 0,
        data_version: 0,
    }
}

#[test]
fn a_session_can_move_between_threads() {
    fn is_send<T: Send>() {}
    is_send::<Session>();
    is_send::<Response<Twalk<'static>>>();
}
