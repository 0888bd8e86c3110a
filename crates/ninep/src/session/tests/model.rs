//! Random callers against an honest server that answers in random order: nothing leaks on either side.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;

/// A step of the world.
#[derive(Debug, Clone, Copy)]
enum Step {
    /// A caller walks to a new fid; does the server find the name?
    Walk { found: bool },
    /// A caller asks about its n-th fid.
    Attributes { fid: usize },
    /// A caller reads its n-th fid.
    Read { fid: usize },
    /// A caller clunks its n-th fid and waits.
    Clunk { fid: usize },
    /// A caller drops its n-th fid.
    Discard { fid: usize },
    /// The n-th waiting caller goes away.
    Abandon { call: usize },
    /// The server answers the n-th frame it holds; a flushed request it may forget instead.
    Answer { frame: usize, forget: bool },
    /// Time passes.
    Tick,
    /// Woken callers look.
    Take,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => any::<bool>().prop_map(|found| Step::Walk { found }),
        2 => (0_usize..20).prop_map(|fid| Step::Attributes { fid }),
        2 => (0_usize..20).prop_map(|fid| Step::Read { fid }),
        1 => (0_usize..20).prop_map(|fid| Step::Clunk { fid }),
        2 => (0_usize..20).prop_map(|fid| Step::Discard { fid }),
        2 => (0_usize..20).prop_map(|call| Step::Abandon { call }),
        6 => (0_usize..20, any::<bool>()).prop_map(|(frame, forget)| Step::Answer { frame, forget }),
        1 => Just(Step::Tick),
        3 => Just(Step::Take),
    ]
}

/// A server's view: requests it holds by tag, fids it knows.
#[derive(Default)]
struct Server {
    held: Vec<Sent>,
    fids: BTreeSet<Fid>,
    /// What the server will find, by new fid.
    found: BTreeMap<Fid, bool>,
}

impl Server {
    fn receive(&mut self, frames: Vec<Sent>) {
        for frame in frames {
            assert!(
                self.held.iter().all(|held| held.tag != frame.tag),
                "{frame:?}: the tag is in use"
            );
            self.held.push(frame);
        }
    }

    fn answer(&mut self, index: usize, forget: bool) -> Vec<u8> {
        let request = self.held.remove(index);
        let tag = request.tag;
        match request.kind {
            MessageType::TWALK => {
                let walk: Twalk<'_> = request.get();
                if !self.found[&walk.newfid] {
                    return frame(tag, &Rlerror { ecode: Errno(2) });
                }
                assert!(self.fids.insert(walk.newfid), "{:?} exists already", walk.newfid);
                frame(
                    tag,
                    &Rwalk {
                        qids: WalkQids::new(&[qid(1)]),
                    },
                )
            }
            MessageType::TGETATTR => frame(tag, &attributes(1)),
            MessageType::TREAD => frame(
                tag,
                &Rread {
                    data: Payload(b"data"),
                },
            ),
            MessageType::TCLUNK => match self.fids.remove(&request.get::<Tclunk>().fid) {
                true => frame(tag, &Rclunk {}),
                false => frame(tag, &Rlerror { ecode: Errno(9) }),
            },
            MessageType::TFLUSH => {
                let old = request.get::<Tflush>().oldtag;
                let mut out = Vec::new();
                if let Some(index) = self.held.iter().position(|held| held.tag == old) {
                    // Either way it is over before Rflush; a request may be done and its reply dropped.
                    let reply = self.answer(index, false);
                    if !forget {
                        out = reply;
                    }
                }
                out.extend(frame(tag, &Rflush {}));
                out
            }
            kind => panic!("{kind:?} was never asked for"),
        }
    }
}

struct World {
    bench: Bench,
    root: Fid,
    server: Server,
    /// Fids that callers own.
    owned: Vec<Fid>,
    /// Callers that wait: their tags and what they wait for.
    calls: Vec<(Tag, Call)>,
    now: u64,
}

#[derive(Debug, Clone, Copy)]
enum Call {
    Walk(Fid),
    Attributes,
    Read,
    Clunk,
}

impl World {
    fn new() -> Self {
        let mut bench = Bench::with_window(6);
        let root = bench.attached();
        Self {
            bench,
            root,
            server: Server::default(),
            owned: Vec::new(),
            calls: Vec::new(),
            now: 0,
        }
    }

    fn deadline(&self) -> Option<u64> {
        Some(self.now + 3)
    }

    fn run(&mut self, step: Step) {
        match step {
            Step::Walk { found } => self.walk(found),
            Step::Attributes { fid } => {
                let Some(fid) = self.owned.get(fid).copied() else {
                    return;
                };
                if let Ok(tag) = self.bench.session.start(&getattr(fid), self.deadline()) {
                    self.calls.push((tag, Call::Attributes));
                }
            }
            Step::Read { fid } => {
                let Some(fid) = self.owned.get(fid).copied() else {
                    return;
                };
                let read = Tread {
                    fid,
                    offset: 0,
                    count: MSIZE / 2,
                };
                if let Ok(tag) = self.bench.session.start(&read, self.deadline()) {
                    self.calls.push((tag, Call::Read));
                }
            }
            Step::Clunk { fid } => {
                if fid < self.owned.len()
                    && let Ok(tag) = self
                        .bench
                        .session
                        .start(&Tclunk { fid: self.owned[fid] }, self.deadline())
                {
                    self.owned.remove(fid);
                    self.calls.push((tag, Call::Clunk));
                }
            }
            Step::Discard { fid } if fid < self.owned.len() => {
                self.bench.session.discard(self.owned.remove(fid))
            }
            Step::Abandon { call } if call < self.calls.len() => {
                let (tag, call) = self.calls.remove(call);
                self.bench.session.abandon(tag);
                if let Call::Walk(fid) = call {
                    self.bench.session.discard(fid);
                }
            }
            Step::Answer { frame, forget } if frame < self.server.held.len() => {
                let reply = self.server.answer(frame, forget);
                self.bench.input(&reply).expect("an honest server");
            }
            Step::Tick => {
                self.now += 1;
                self.bench.timeout(self.now);
            }
            Step::Take => self.take(),
            Step::Discard { .. } | Step::Abandon { .. } | Step::Answer { .. } => {}
        }
        let sent = self.bench.sent();
        self.server.receive(sent);
    }

    fn walk(&mut self, found: bool) {
        let fid = self.bench.session.allocate_fid().expect("a fid");
        let walk = Twalk {
            fid: self.root,
            newfid: fid,
            names: WalkNames::new(&[b"x"]),
        };
        match self.bench.session.start(&walk, self.deadline()) {
            Ok(tag) => {
                self.server.found.insert(fid, found);
                self.calls.push((tag, Call::Walk(fid)));
            }
            Err(error) => {
                assert_eq!(error, Error::WindowFull);
                self.bench.session.discard(fid);
            }
        }
    }

    fn take(&mut self) {
        self.bench.take_woken();
        for (tag, call) in core::mem::take(&mut self.calls) {
            match call {
                Call::Walk(fid) => match self.bench.session.take_reply::<Twalk<'_>>(tag) {
                    Poll::Pending => self.calls.push((tag, call)),
                    Poll::Ready(Ok(_)) => self.owned.push(fid),
                    Poll::Ready(Err(_)) => self.bench.session.discard(fid),
                },
                Call::Attributes if self.bench.is_pending::<Tgetattr>(tag) => self.calls.push((tag, call)),
                Call::Clunk if self.bench.is_pending::<Tclunk>(tag) => self.calls.push((tag, call)),
                Call::Read if self.bench.is_pending::<Tread>(tag) => self.calls.push((tag, call)),
                Call::Attributes | Call::Read | Call::Clunk => {}
            }
        }
    }

    /// Everybody lets go and the server answers everything.
    fn wind_down(&mut self) {
        self.take();
        while !self.calls.is_empty() {
            self.run(Step::Abandon { call: 0 });
        }
        while !self.owned.is_empty() {
            self.run(Step::Discard { fid: 0 });
        }
        while !self.server.held.is_empty() {
            self.run(Step::Answer {
                frame: 0,
                forget: false,
            });
        }
    }
}

#[test]
fn nothing_leaks() {
    const CASES: u32 = 600;
    let taken = core::cell::Cell::new(0);
    let config = ProptestConfig::with_cases(CASES);
    proptest!(config, |(steps in proptest::collection::vec(step(), 0..200))| {
        taken.set(taken.get() + steps.len());
        let mut world = World::new();
        for step in steps {
            world.run(step);
        }
        world.wind_down();
        prop_assert_eq!(world.bench.session.outstanding(), 0);
        prop_assert_eq!(world.bench.session.fids_in_use(), 1, "the root alone");
        // Which is true of so much only if nothing is under way.
        let nothing = world.bench.session.window.has_room(u32::MAX, MSIZE);
        prop_assert!(nothing, "data are left under way");
        prop_assert!(world.server.fids.is_empty(), "left on the server: {:?}", world.server.fids);
    });
    std::println!(
        "sweep: {CASES} random sessions, {} steps, nothing left of any",
        taken.get()
    );
}
