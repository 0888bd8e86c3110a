//! The steps, and how they are drawn.

use rxce::Selection;

/// A SplitMix64 generator.
pub(crate) struct Rng(pub(crate) u64);

impl Rng {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `bound`.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())]
    }

    fn chance(&mut self, one_in: usize) -> bool {
        self.below(one_in) == 0
    }
}

/// What there is at a remote address.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Place {
    Accepts(u8),
    AcceptsOn6,
    Refuses,
    RefusesOn6,
    Silent,
}

/// How a sink treats what it is shown.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Taste {
    Takes,
    /// Takes the greater half, again and again.
    Halves,
    /// Takes all, and wants the next bytes put into a buffer of its own.
    Fills,
    Refuses,
    /// Takes all, and submits the same bytes.
    Echoes,
    /// Takes what comes first, and wants no more.
    Quits,
}

/// One way to connect.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Way {
    pub(crate) address: usize,
    /// The first `count` of `places`.
    pub(crate) places: [Place; 3],
    pub(crate) count: usize,
    pub(crate) rank: u32,
    pub(crate) taste: Taste,
}

impl Way {
    pub(crate) fn places(&self) -> &[Place] {
        &self.places[..self.count]
    }
}

/// Something done to one circuit while other things are.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Act {
    Send(usize),
    Submit(usize),
    Resume,
    Disconnect,
    TearDown,
    PeerSend(usize),
    PeerRead(usize),
    PeerClose,
    PeerReset,
}

/// One step. Objects are picked by a number, modulo how many there are.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Step {
    BuildBinding,
    TearDownBinding(usize),
    BuildAddress {
        binding: usize,
        local: bool,
    },
    TearDownAddress(usize),
    Connect {
        way: Way,
        deadline_ms: u64,
        paused: bool,
    },
    GiveUp {
        way: Way,
        after_ms: u64,
    },
    Race {
        ways: [Way; 3],
        count: usize,
        selection: Selection,
    },
    BuildCircuit(usize),
    TearDownConnection(usize),
    Resume(usize),
    Send {
        circuit: usize,
        len: usize,
    },
    Submit {
        circuit: usize,
        len: usize,
    },
    Disconnect(usize),
    TearDown(usize),
    TearDownHalfway(usize),
    Abandon(usize),
    PeerSend {
        circuit: usize,
        len: usize,
    },
    PeerRead {
        circuit: usize,
        len: usize,
    },
    PeerClose(usize),
    PeerReset(usize),
    /// The connection breaks at the so-many-th byte from now that the peer sends, or is sent.
    Break {
        circuit: usize,
        sending: bool,
        bytes: u64,
    },
    /// Several acts, each so many half milliseconds from now; then the circuit is torn down.
    Storm {
        circuit: usize,
        acts: [(u64, Act); 5],
    },
    OpenPost {
        binding: usize,
        port: u16,
    },
    /// The first `count` of `lens` go out as datagrams, all at once.
    Post {
        post: usize,
        port: u16,
        lens: [usize; 4],
        count: usize,
    },
    FailPost(usize),
    /// Torn down with so many sends just begun.
    ClosePost {
        post: usize,
        sends: usize,
    },
    Pass {
        ms: u64,
    },
}

const TASTES: [Taste; 8] = [
    Taste::Takes,
    Taste::Takes,
    Taste::Halves,
    Taste::Fills,
    Taste::Refuses,
    Taste::Echoes,
    Taste::Echoes,
    Taste::Quits,
];

const PLACES: [Place; 8] = [
    Place::Accepts(0),
    Place::Accepts(0),
    Place::Accepts(1),
    Place::AcceptsOn6,
    Place::AcceptsOn6,
    Place::Refuses,
    Place::RefusesOn6,
    Place::Silent,
];

fn way(rng: &mut Rng) -> Way {
    let places = [(); 3].map(|()| rng.pick(&PLACES));
    Way {
        address: rng.below(8),
        places,
        count: if rng.chance(3) { rng.below(4) } else { 1 },
        rank: rng.below(2) as u32,
        taste: rng.pick(&TASTES),
    }
}

fn act(rng: &mut Rng) -> Act {
    match rng.below(11) {
        0 | 1 => Act::Send(1 + rng.below(90)),
        2 | 3 => Act::Submit(1 + rng.below(90)),
        4 => Act::Disconnect,
        5 => Act::TearDown,
        6 => Act::PeerSend(1 + rng.below(90)),
        7 => Act::PeerRead(1 + rng.below(200)),
        8 => Act::PeerClose,
        9 => Act::PeerReset,
        _ => Act::Resume,
    }
}

impl Step {
    pub(crate) fn draw(rng: &mut Rng) -> Step {
        let circuit = rng.below(16);
        let len = 1 + rng.below(90);
        match rng.below(74) {
            0 | 1 => Step::BuildBinding,
            2 => Step::TearDownBinding(rng.below(4)),
            3..=5 => Step::BuildAddress {
                binding: rng.below(4),
                local: rng.chance(3),
            },
            6 | 7 => Step::TearDownAddress(rng.below(8)),
            8..=13 => Step::Connect {
                way: way(rng),
                deadline_ms: rng.pick(&[400, 2000]),
                paused: rng.chance(4),
            },
            14 => Step::GiveUp {
                way: way(rng),
                after_ms: rng.pick(&[0, 1, 200, 300, 1000]),
            },
            15..=17 => Step::Race {
                ways: [(); 3].map(|()| way(rng)),
                count: rng.below(4),
                selection: rng.pick(&[Selection::First, Selection::Best, Selection::All]),
            },
            18..=20 => Step::BuildCircuit(rng.below(8)),
            21 | 22 => Step::TearDownConnection(rng.below(8)),
            23..=26 => Step::Resume(circuit),
            27..=29 => Step::Send { circuit, len },
            30..=35 => Step::Submit { circuit, len },
            36 | 37 => Step::Disconnect(circuit),
            38..=40 => Step::TearDown(circuit),
            41 => Step::TearDownHalfway(circuit),
            42 => Step::Abandon(circuit),
            43..=48 => Step::PeerSend { circuit, len },
            49..=52 => Step::PeerRead {
                circuit,
                len: 1 + rng.below(200),
            },
            53 => Step::PeerClose(circuit),
            54 => Step::PeerReset(circuit),
            55..=57 => Step::Break {
                circuit,
                sending: rng.chance(2),
                bytes: rng.below(120) as u64,
            },
            58..=61 => Step::Storm {
                circuit,
                acts: [(); 5].map(|()| (rng.below(5) as u64, act(rng))),
            },
            62..=64 => Step::OpenPost {
                binding: rng.below(4),
                port: rng.below(3) as u16,
            },
            65..=69 => Step::Post {
                post: rng.below(6),
                port: rng.below(3) as u16,
                lens: [(); 4].map(|()| 1 + rng.below(80)),
                count: 1 + rng.below(4),
            },
            70 => Step::FailPost(rng.below(6)),
            71 => Step::ClosePost {
                post: rng.below(6),
                sends: rng.below(3),
            },
            _ => Step::Pass {
                ms: rng.below(3000) as u64,
            },
        }
    }
}
