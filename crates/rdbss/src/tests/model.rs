//! Random operations on the tree, against a model that keeps plain lists and recomputes everything.
//!
//! After every step the tree's invariants hold and the answers are the model's. Extensions are numbers that a ledger
//! follows: each must leave the tree exactly once, by the right kind of effect. Whoever waits must be woken.

mod files;
mod machine;
mod oracle;

use machine::{Machine, Op};
use proptest::prelude::*;
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
        1 => (pick(), 0..3_u8).prop_map(|(view, level)| Op::FinalizeAll { view, level }),
        1 => pick().prop_map(Op::Hold),
        2 => pick().prop_map(Op::Release),
        8 => (pick(), few(), 0..8_u8, prop_oneof![Just(7_u8), 0..8_u8], any::<[bool; 3]>()).prop_map(
            |(view, path, access, share, [collapse, delete, waits])| Op::BeginOpen {
                view, path, access, share, collapse, delete, waits,
            }
        ),
        6 => (pick(), any::<bool>()).prop_map(|(opening, ok)| Op::Complete { opening, ok }),
        3 => (pick(), any::<bool>()).prop_map(|(handle, deleted)| Op::Cleanup { handle, deleted }),
        3 => pick().prop_map(Op::Close),
        2 => (pick(), 0..4_u8).prop_map(|(target, kind)| Op::BeginRequest { target, kind }),
        2 => pick().prop_map(Op::EndRequest),
        1 => pick().prop_map(Op::CancelRequest),
        1 => (pick(), any::<bool>()).prop_map(|(handle, delete)| Op::SetDelete { handle, delete }),
        1 => (pick(), 0..3_u8, any::<bool>(), any::<bool>())
            .prop_map(|(handle, path, replace, ok)| Op::Rename { handle, path, replace, ok }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, ..ProptestConfig::default() })]

    #[test]
    fn the_tree_does_what_the_model_does(ops in prop::collection::vec(op(), 1..200)) {
        run(&ops);
    }
}

fn run(ops: &[Op]) {
    let mut machine = Machine::new();
    for op in ops {
        machine.step(op);
    }
    machine.tear_down();
}

/// The nightly setting: `RDBSS_MODEL_STEPS=1000000 cargo test -p rdbss --release -- --ignored million --nocapture`.
#[test]
#[ignore = "long: meant for the nightly run"]
fn a_million_steps() {
    use proptest::strategy::ValueTree;
    let steps: usize = std::env::var("RDBSS_MODEL_STEPS")
        .ok()
        .and_then(|steps| steps.parse().ok())
        .unwrap_or(1_000_000);
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let sequence = prop::collection::vec(op(), 200..400);
    let (mut done, mut sequences) = (0, 0);
    while done < steps {
        let ops: Vec<Op> = sequence.new_tree(&mut runner).unwrap().current();
        run(&ops);
        done += ops.len();
        sequences += 1;
    }
    std::println!("{done} steps in {sequences} sequences");
}
