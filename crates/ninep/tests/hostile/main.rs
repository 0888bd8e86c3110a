//! Hostile servers at every message: 28 messages × 10 troubles, each cell with what has to come of it. No clock, no
//! socket: the session is given the bytes, the ends and the time that such a server makes.

mod messages;

use std::task::Poll;

use messages::{Exchange, Fids, exchanges, frame, qid};
use ninep::session::{Config, Disconnect, Error, Rule, Session, Violation};
use ninep::wire::*;
use testserver::Trouble;

const MSIZE: u32 = 8192;
/// When requests time out.
const DEADLINE: u64 = 1_000;

/// A session with the server's side of it.
struct Line {
    session: Session,
    /// What the session has sent and nobody has looked at.
    sent: Vec<u8>,
}

impl Line {
    fn new() -> Self {
        let config = Config {
            msize: MSIZE,
            max_outstanding: 8,
            max_fids: 100,
            ..Config::default()
        };
        Self {
            session: Session::new(config).unwrap(),
            sent: Vec::new(),
        }
    }

    fn connected() -> Self {
        let mut line = Self::new();
        line.session.start_version(None).unwrap();
        line.input(&honest_version()).unwrap();
        line
    }

    fn input(&mut self, bytes: &[u8]) -> Result<(), Violation> {
        self.session.handle_input(bytes, &mut |_| {})
    }

    /// The headers and bodies of what was sent since the last look.
    fn frames(&mut self) -> Vec<(Header, Vec<u8>)> {
        while let Some(bytes) = self.session.take_transmit() {
            self.sent.extend(&bytes);
            self.session.recycle_transmit(bytes);
        }
        let sent = std::mem::take(&mut self.sent);
        let (mut rest, mut frames) = (&sent[..], Vec::new());
        while let Some(header) = rest.first_chunk() {
            let header = Header::decode(header);
            let (whole, after) = rest.split_at(header.size as usize);
            frames.push((header, whole[HEADER_LEN..].to_vec()));
            rest = after;
        }
        frames
    }

    fn walked(&mut self, from: Fid) -> Fid {
        let newfid = self.session.allocate_fid().unwrap();
        let request = Twalk {
            fid: from,
            newfid,
            names: WalkNames::new(&[b"x"]),
        };
        let tag = self.session.start(&request, None).unwrap();
        let qids = [qid()];
        let reply = Rwalk {
            qids: WalkQids::new(&qids),
        };
        self.input(&frame(tag, &reply)).unwrap();
        assert!(matches!(
            self.session.take_reply::<Twalk<'_>>(tag),
            Poll::Ready(Ok(_))
        ));
        newfid
    }

    fn fids(&mut self) -> Fids {
        let root = self.session.allocate_fid().unwrap();
        let attach = Tattach {
            fid: root,
            afid: Fid::NONE,
            uname: b"u",
            aname: b"/",
            n_uname: 0,
        };
        let tag = self.session.start(&attach, None).unwrap();
        self.input(&frame(tag, &Rattach { qid: qid() })).unwrap();
        assert!(matches!(
            self.session.take_reply::<Tattach<'_>>(tag),
            Poll::Ready(Ok(_))
        ));
        let file = self.walked(root);
        let new = self.session.allocate_fid().unwrap();
        self.frames();
        Fids { root, file, new }
    }

    /// Gives everything back, with a server that is honest from here on, and looks that nothing is left.
    fn end(mut self, fids: Option<Fids>, file_is_gone: bool, cell: &str) {
        if let Some(fids) = fids {
            self.session.discard(fids.root);
            self.session.discard(fids.new);
            if !file_is_gone {
                self.session.discard(fids.file);
            }
        }
        // Each answer may let the session say more, but not for ever.
        for _ in 0..20 {
            for (header, _) in self.frames() {
                let answer = match header.kind {
                    MessageType::TFLUSH => frame(header.tag, &Rflush {}),
                    MessageType::TCLUNK => frame(header.tag, &Rclunk {}),
                    _ => continue,
                };
                if self.session.ended().is_none() {
                    self.input(&answer)
                        .unwrap_or_else(|lie| panic!("{cell}: {lie:?}"));
                }
            }
        }
        let still_on = self.session.ended().is_none();
        if still_on && self.session.awaits_replies() {
            // What the server never answered goes with the connection.
            self.session.disconnect(Disconnect::Local, &mut |_| {});
        }
        assert_eq!(self.session.outstanding(), 0, "{cell}: a tag is left");
        assert_eq!(self.session.fids_in_use(), 0, "{cell}: a fid is left");
    }
}

fn honest_version() -> Vec<u8> {
    let reply = Rversion {
        msize: MSIZE,
        version: DIALECT,
    };
    frame(Tag::NONE, &reply)
}

/// Plays a server that spoils the reply to the message that was sent under `tag`. `reply` is the honest one.
fn spoil(line: &mut Line, trouble: Trouble, tag: Tag, reply: &dyn Fn(Tag) -> Vec<u8>) {
    let session = &mut line.session;
    match trouble {
        Trouble::Close => session.disconnect(Disconnect::Remote, &mut |_| {}),
        Trouble::Reset => session.disconnect(Disconnect::Error, &mut |_| {}),
        Trouble::Stall | Trouble::LateReply => session.handle_timeout(DEADLINE, &mut |_| {}),
        _ => {}
    }
    if let Some(bytes) = trouble.spoil(reply(tag), MSIZE) {
        // What the session says to it is looked at afterwards.
        let _ = line.input(&bytes);
    }
}

/// Whether the session ended as it has to.
fn check_end(session: &Session, trouble: Trouble, cell: &str) {
    let rule = match session.ended() {
        Some(Error::Poisoned(violation)) => Some(violation.rule),
        _ => None,
    };
    let fits = match trouble {
        Trouble::Close => session.ended() == Some(Error::Disconnected(Disconnect::Remote)),
        Trouble::Reset => session.ended() == Some(Error::Disconnected(Disconnect::Error)),
        // Silence is not the end: the server may be slow.
        Trouble::Stall | Trouble::LateReply => session.ended().is_none(),
        Trouble::Garbage | Trouble::Oversized => rule == Some(Rule::FrameTooLong),
        Trouble::Truncated => matches!(rule, Some(Rule::Malformed(_) | Rule::FrameTooShort)),
        Trouble::WrongTag | Trouble::DuplicateReply => rule == Some(Rule::UnknownTag),
        Trouble::WrongType => rule == Some(Rule::UnexpectedType),
    };
    assert!(fits, "{cell}: the session ended by {:?}", session.ended());
}

fn ordinary(exchange: &Exchange, trouble: Trouble) {
    let cell = format!("{} × {trouble:?}", exchange.name);
    let mut line = Line::connected();
    let fids = line.fids();
    let tag = (exchange.start)(&mut line.session, fids, DEADLINE).unwrap();
    assert_eq!(line.frames().len(), 1, "{cell}: one message is sent");
    spoil(&mut line, trouble, tag, &exchange.reply);
    check_end(&line.session, trouble, &cell);
    let outcome = match (exchange.take)(&mut line.session, tag) {
        Poll::Ready(outcome) => outcome,
        Poll::Pending => panic!("{cell}: its caller waits for ever"),
    };
    let fits = match (trouble, &outcome) {
        // What came before the lie is good.
        (Trouble::DuplicateReply, Ok(())) => true,
        (Trouble::Stall | Trouble::LateReply, Err(Error::TimedOut)) => true,
        (Trouble::Close | Trouble::Reset, Err(Error::Disconnected(_))) => true,
        (_, Err(Error::Poisoned(_))) => !matches!(trouble, Trouble::DuplicateReply),
        _ => false,
    };
    assert!(fits, "{cell}: its caller got {outcome:?}");
    if trouble == Trouble::LateReply {
        line.input(&(exchange.reply)(tag))
            .unwrap_or_else(|lie| panic!("{cell}: late is no lie: {lie:?}"));
    }
    line.end(Some(fids), exchange.ends_file, &cell);
}

fn version(trouble: Trouble) {
    let cell = format!("Tversion × {trouble:?}");
    let mut line = Line::new();
    line.session.start_version(Some(DEADLINE)).unwrap();
    assert_eq!(line.frames().len(), 1);
    let honest = |tag| {
        let reply = Rversion {
            msize: MSIZE,
            version: DIALECT,
        };
        frame(tag, &reply)
    };
    spoil(&mut line, trouble, Tag::NONE, &honest);
    let ended = line.session.ended();
    match trouble {
        // There is no session to be kept.
        Trouble::Stall | Trouble::LateReply => {
            assert_eq!(ended, Some(Error::Disconnected(Disconnect::TimedOut)), "{cell}");
        }
        _ => check_end(&line.session, trouble, &cell),
    }
    assert!(
        matches!(line.session.poll_version(), Poll::Ready(Err(_))),
        "{cell}: nobody may go on"
    );
    if trouble == Trouble::LateReply {
        // Too late: it is over, and stays so.
        let _ = line.input(&honest_version());
        assert_eq!(line.session.ended(), ended, "{cell}");
    }
    line.end(None, false, &cell);
}

/// The caller of another request has gone, and the server spoils the reply to its flush.
fn flush(trouble: Trouble) {
    let cell = format!("Tflush × {trouble:?}");
    let mut line = Line::connected();
    let fids = line.fids();
    let request = Tgetattr {
        fid: fids.file,
        mask: GetAttrMask::BASIC,
    };
    let old = line.session.start(&request, Some(DEADLINE)).unwrap();
    line.frames();
    line.session.abandon(old);
    let sent = line.frames();
    assert_eq!(sent.len(), 1, "{cell}");
    assert_eq!(sent[0].0.kind, MessageType::TFLUSH, "{cell}");
    let tag = sent[0].0.tag;
    spoil(&mut line, trouble, tag, &|tag| frame(tag, &Rflush {}));
    check_end(&line.session, trouble, &cell);
    if matches!(trouble, Trouble::Stall | Trouble::LateReply) {
        // Its room is not given to anybody else as long as the server may still answer.
        assert_eq!(line.session.outstanding(), 1, "{cell}");
    }
    if trouble == Trouble::LateReply {
        line.input(&frame(tag, &Rflush {})).unwrap();
    }
    line.end(Some(fids), false, &cell);
}

#[test]
fn every_message_meets_every_trouble() {
    let exchanges = exchanges();
    let (mut cells, mut messages) = (0, 0);
    for exchange in &exchanges {
        messages += 1;
        for trouble in Trouble::ALL {
            ordinary(exchange, trouble);
            cells += 1;
        }
    }
    for whole in [version, flush] {
        messages += 1;
        for trouble in Trouble::ALL {
            whole(trouble);
            cells += 1;
        }
    }
    assert_eq!((messages, cells), (28, 280));
    println!(
        "sweep: {messages} messages × {} troubles at the session: {cells} cells",
        Trouble::ALL.len()
    );
}
