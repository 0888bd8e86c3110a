//! Names, hard links, handles, deletions by NT's rules and POSIX's, share modes and locks against a model: random steps
//! through two mappings of one share, on a virtual clock, two thirds of them in bad weather. In calm weather each step comes
//! to what the model says. In bad weather a step may end with a status that says how the server was lost; then the server's
//! files say whether it was done, and it was done wholly or not at all, and not at all where the status says so.
//!
//! `MINIRDR_MODEL_SEEDS` overrides how many seeds there are (100,000 is for the night), `MINIRDR_MODEL_SEED` has one run
//! alone.

#[path = "../simulated/drive.rs"]
mod drive;
mod model;
#[expect(dead_code, reason = "each test file uses a part")]
#[path = "../world/open.rs"]
mod open;
mod operation;
#[path = "../world/records.rs"]
#[expect(dead_code, reason = "each test file uses a part")]
mod records;
#[path = "../simulated/mod.rs"]
mod simulated;
#[path = "../world/status.rs"]
mod status;
mod steps;
#[expect(dead_code, reason = "each test file uses a part")]
#[path = "../simulated/weather.rs"]
mod weather;

use std::alloc::System;
use std::env;

use executive::mem::Counting;
use steps::{Counts, Program};
use testserver::MemoryServer;
use weather::outdoors;

#[global_allocator]
static MEMORY: Counting<System> = Counting::new(System);

/// Seeds without `MINIRDR_MODEL_SEEDS`.
const SEEDS: u64 = 300;

fn number(variable: &str) -> Option<u64> {
    env::var(variable).ok()?.parse().ok()
}

/// One run, from nothing to nothing.
fn run(seed: u64) -> Counts {
    let calm = seed.is_multiple_of(3);
    let ran = outdoors(
        seed,
        MemoryServer::new(),
        |_| {},
        calm,
        |outdoors| {
            let mut program = Program::new(outdoors);
            outdoors.runtime.block_on(program.run()).unwrap();
            program.counts
        },
    );
    ran.0
}

#[test]
fn names_and_handles_are_what_the_model_says() {
    let seeds = match number("MINIRDR_MODEL_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("MINIRDR_MODEL_SEEDS").unwrap_or(SEEDS),
    };
    let mut all = Counts::default();
    // Once for what the process keeps for good.
    run(0);
    for seed in seeds.clone() {
        let kept = MEMORY.usage().live_blocks;
        let counts = run(seed);
        all.add(&counts);
        let left = MEMORY.usage().live_blocks.saturating_sub(kept);
        assert_eq!(left, 0, "seed {seed}: {left} blocks of memory are left");
    }
    println!(
        "sweep: names against a model: {} seeds, {} steps: {} succeeded, {} were refused as the model says, {} lost the server, of which {} had been done",
        seeds.count(),
        all.steps,
        all.succeeded,
        all.refused,
        all.lost,
        all.done
    );
    assert!(all.succeeded > all.steps / 3, "nothing but storm");
}
