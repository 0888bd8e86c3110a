//! Random operations on the tree, against a model that keeps plain lists and recomputes everything.
//!
//! After every step the tree's invariants hold and the answers are the model's. Extensions are numbers that a ledger
//! follows: each must leave the tree exactly once, by the right kind of effect. Whoever waits must be woken.

mod files;
mod machine;
mod opens;
mod oracle;

use machine::{Machine, Op};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, TestRunner};
use std::cell::Cell;
use std::vec;
use std::vec::Vec;

fn op() -> impl Strategy<Value = Op> {
    let pick = any::<u8>;
    // Few names, and one of them much more often than the others: what is interesting happens where things meet.
    let few = || prop_oneof![5 => Just(0_u8), 1 => Just(1_u8)];
    prop_oneof![
        4 => (0..3_u8, 0..2_u8, few(), few(), prop_oneof![3 => Just(2_u8), 1 => 0..2_u8])
            .prop_map(|(drive, logon, host, share, user)| Op::Connect { drive, logon, host, share, user }),
        8 => pick().prop_map(Op::Advance),
        1 => pick().prop_map(Op::Fail),
        1 => (pick(), 0..3_u8).prop_map(|(view, level)| Op::Finalize { view, level }),
        1 => (pick(), prop_oneof![2 => Just(0_u8), 2 => Just(2_u8), 1 => Just(1_u8)]).prop_map(|(view, level)| Op::FinalizeAll { view, level }),
        1 => pick().prop_map(Op::Hold),
        2 => pick().prop_map(Op::Release),
        14 => (pick(), few(), prop_oneof![3 => Just(1_u8), 1 => 0..8_u8], prop_oneof![3 => Just(7_u8), 1 => 0..8_u8],
            prop::bool::weighted(0.8), prop::bool::weighted(0.1), any::<bool>()).prop_map(
            |(view, path, access, share, collapse, delete, waits)| Op::BeginOpen {
                view, path, access, share, collapse, delete, waits,
            }
        ),
        12 => (pick(), prop::bool::weighted(0.8)).prop_map(|(opening, ok)| Op::Complete { opening, ok }),
        3 => (pick(), any::<bool>()).prop_map(|(handle, deleted)| Op::Cleanup { handle, deleted }),
        4 => (pick(), prop::bool::weighted(0.7)).prop_map(|(handle, delayed)| Op::Close { handle, delayed }),
        2 => (0..6_u8).prop_map(Op::Tick),
        1 => pick().prop_map(Op::Disable),
        1 => (pick(), any::<bool>()).prop_map(|(handle, force)| Op::FinalizeOpen { handle, force }),
        1 => (pick(), any::<bool>()).prop_map(|(handle, force)| Op::FinalizeHandle { handle, force }),
        1 => (pick(), few()).prop_map(|(view, path)| Op::ByHand { view, path }),
        1 => (few(), any::<bool>()).prop_map(|(host, good)| Op::TouchServer { host, good }),
        1 => (pick(), any::<bool>()).prop_map(|(handle, device)| Op::CancelUpon { handle, device }),
        2 => (pick(), 0..4_u8).prop_map(|(target, kind)| Op::BeginRequest { target, kind }),
        2 => pick().prop_map(Op::EndRequest),
        1 => pick().prop_map(Op::CancelRequest),
        1 => (pick(), any::<bool>()).prop_map(|(handle, delete)| Op::SetDelete { handle, delete }),
        1 => (pick(), 0..3_u8, any::<bool>(), any::<bool>())
            .prop_map(|(handle, path, replace, ok)| Op::Rename { handle, path, replace, ok }),
    ]
}

/// What sequences of operations have come to.
#[derive(Clone, Copy, Debug, Default)]
struct Tally {
    sequences: usize,
    steps: usize,
    opens: u64,
    collapsed: u64,
    delayed_closes: u64,
    revived: u64,
}

impl Tally {
    fn run(&mut self, ops: &[Op]) {
        let mut machine = Machine::new();
        for op in ops {
            machine.step(op);
        }
        machine.tear_down();
        let totals = machine.tree.totals();
        self.sequences += 1;
        self.steps += machine.steps;
        self.opens += totals.opens;
        self.collapsed += totals.collapsed;
        self.delayed_closes += totals.delayed_closes;
        self.revived += totals.revived;
    }

    fn show(&self) {
        std::println!(
            "sweep: model: {} steps in {} sequences; {} opens, {} of them shared; {} delayed closes, {} of them revived",
            self.steps,
            self.sequences,
            self.opens,
            self.collapsed,
            self.delayed_closes,
            self.revived
        );
        // Random operations that never meet test nothing.
        assert!(self.collapsed > 0 && self.delayed_closes > 0 && self.revived > 0);
    }
}

#[test]
fn the_tree_does_what_the_model_does() {
    let tally = Cell::new(Tally::default());
    let mut runner = TestRunner::new(Config {
        cases: 150,
        ..Config::default()
    });
    let sequences = prop::collection::vec(op(), 1..200);
    let result = runner.run(&sequences, |ops| {
        let mut so_far = tally.get();
        so_far.run(&ops);
        tally.set(so_far);
        Ok(())
    });
    if let Err(failure) = result {
        panic!("{failure}");
    }
    tally.get().show();
}

/// The nightly setting: `RDBSS_MODEL_STEPS=1000000 cargo test -p rdbss --release -- --ignored million --nocapture`.
#[test]
#[ignore = "long: meant for the nightly run"]
fn a_million_steps() {
    let steps: usize = std::env::var("RDBSS_MODEL_STEPS")
        .ok()
        .and_then(|steps| steps.parse().ok())
        .unwrap_or(1_000_000);
    let mut runner = TestRunner::deterministic();
    let sequence = prop::collection::vec(op(), 200..400);
    let mut tally = Tally::default();
    while tally.steps < steps {
        let ops: Vec<Op> = sequence.new_tree(&mut runner).unwrap().current();
        tally.run(&ops);
    }
    tally.show();
}
