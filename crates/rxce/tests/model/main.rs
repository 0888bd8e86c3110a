//! Random sequences of everything the engine can do and everything a network can do to it, against a reference model.
//!
//! After each step every status, state and count is the model's, and every sink has heard exactly what it should have:
//! nothing after a tear-down, each submitted send once, no disconnect that this side has asked for. A failing sequence is
//! cut down to what still fails and printed with its seed.
//!
//! `RXCE_MODEL_SEED=7 cargo test -p rxce --test model one_seed -- --ignored` runs one sequence again;
//! `RXCE_MODEL_SEQUENCES=200000 cargo test -p rxce --release --test model nightly -- --ignored --nocapture` runs many.

mod connecting;
mod line;
mod sink;
mod steps;
mod storm;
mod world;

use std::env;
use std::panic::{self, AssertUnwindSafe, catch_unwind};
use steps::{Rng, Step};
use world::World;

/// The longest sequence.
const STEPS: usize = 60;

fn sequence(seed: u64) -> Vec<Step> {
    let mut rng = Rng(seed);
    let len = 1 + rng.below(STEPS);
    (0..len).map(|_| Step::draw(&mut rng)).collect()
}

fn run(seed: u64, steps: &[Step]) {
    let mut world = World::new(seed);
    for step in steps {
        world.take(step);
        world.check();
    }
    world.end();
}

/// What makes a sequence fail, if it does.
fn failure(seed: u64, steps: &[Step]) -> Option<String> {
    let caught = catch_unwind(AssertUnwindSafe(|| run(seed, steps))).err()?;
    let text = caught.downcast_ref::<String>().cloned();
    Some(text.unwrap_or_else(|| {
        let text = caught.downcast_ref::<&str>().copied();
        text.unwrap_or("no message").to_owned()
    }))
}

/// Leaves out steps, many at first and single ones in the end, as long as the rest still fails.
fn shrink(seed: u64, mut steps: Vec<Step>) -> Vec<Step> {
    let mut chunk = steps.len().div_ceil(2).max(1);
    loop {
        let mut at = 0;
        let mut shorter = false;
        while at < steps.len() {
            let mut fewer = steps.clone();
            fewer.drain(at..(at + chunk).min(steps.len()));
            if failure(seed, &fewer).is_some() {
                (steps, shorter) = (fewer, true);
            } else {
                at += chunk;
            }
        }
        if chunk == 1 && !shorter {
            return steps;
        }
        chunk = chunk.div_ceil(2);
    }
}

fn check_one(seed: u64) -> usize {
    let steps = sequence(seed);
    if let Some(first) = failure(seed, &steps) {
        let hook = panic::take_hook();
        panic::set_hook(Box::new(|_| {}));
        let steps = shrink(seed, steps);
        let text = failure(seed, &steps).unwrap_or(first);
        panic::set_hook(hook);
        panic!("RXCE_MODEL_SEED={seed}: {text}\nin {steps:?}");
    }
    steps.len()
}

fn check_many(seeds: std::ops::Range<u64>) {
    let sequences = seeds.end - seeds.start;
    let steps: usize = seeds.map(check_one).sum();
    println!("sweep: {sequences} random sequences, {steps} steps, all as the model says");
}

fn number(variable: &str) -> Option<u64> {
    env::var(variable).ok()?.parse().ok()
}

#[test]
fn the_engine_does_what_the_model_does() {
    check_many(0..3_000);
}

#[test]
#[ignore = "nightly: RXCE_MODEL_SEQUENCES says how many, 200,000 unless told"]
fn nightly_sequences() {
    let first = number("RXCE_MODEL_SEED").unwrap_or(1_000_000);
    let count = number("RXCE_MODEL_SEQUENCES").unwrap_or(200_000);
    check_many(first..first + count);
}

#[test]
#[ignore = "for a look: RXCE_MODEL_SEED says which"]
fn one_seed() {
    let seed = number("RXCE_MODEL_SEED").unwrap_or(0);
    println!("{:#?}", sequence(seed));
    check_many(seed..seed + 1);
}
