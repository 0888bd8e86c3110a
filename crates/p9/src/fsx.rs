//! `fsx`: random steps on files, each held against a model of what files are like.

mod model;
mod operation;
mod random;
mod replay;
mod shrink;

use std::ffi::{OsStr, OsString};
use std::time::Instant;

use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;

use crate::drive::Drive;
use crate::failure::Failure;
use crate::report::print;
use crate::tree;
use operation::{Limits, Operation};

/// What to do.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(crate) struct Plan {
    /// How many operations per seed.
    #[arg(long, value_name = "COUNT", default_value_t = 10_000)]
    ops: usize,
    /// Where the random numbers begin.
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    seed: u64,
    /// How many seeds in turn, from the first one on.
    #[arg(long, value_name = "COUNT", default_value_t = 1)]
    seeds: u64,
    /// How many handles may be open at once.
    #[arg(long, value_name = "COUNT", default_value_t = 6, value_parser = clap::value_parser!(u16).range(1..=1000))]
    handles: u16,
    /// How many names there are for files.
    #[arg(long, value_name = "COUNT", default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=1000))]
    files: u16,
    /// How large a file may grow, in bytes.
    #[arg(long, value_name = "BYTES", default_value_t = 256 << 10, value_parser = clap::value_parser!(u64).range(1..=1 << 30))]
    size: u64,
}

/// Tries with parts of a sequence that failed.
const TRIES: usize = 300;

/// Runs every seed, up to the first that fails.
pub(crate) fn run(drive: &Drive, path: &OsStr, plan: &Plan, json: bool) -> Result<(), Failure> {
    let limits = Limits {
        handles: plan.handles.into(),
        files: plan.files.into(),
        size: plan.size,
    };
    for seed in (plan.seed..).take(usize::try_from(plan.seeds).unwrap_or(usize::MAX)) {
        let start = Instant::now();
        one_seed(drive, path, seed, plan.ops, &limits)?;
        let seconds = start.elapsed().as_secs_f64();
        print(|out| {
            if json {
                let value = json!({ "seed": seed, "operations": plan.ops, "seconds": seconds });
                writeln!(out, "{value}")
            } else {
                writeln!(
                    out,
                    "seed {seed}: {} operations as the model says, {seconds:.1} s",
                    plan.ops
                )
            }
        })?;
    }
    Ok(())
}

fn one_seed(drive: &Drive, path: &OsStr, seed: u64, count: usize, limits: &Limits) -> Result<(), Failure> {
    let sequence = Operation::sequence(seed, count, limits);
    let bar = ProgressBar::new(count as u64);
    let style = ProgressStyle::with_template("seed {msg} {bar:30} {pos}/{len} {per_sec} {eta}");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar.set_message(seed.to_string());
    let mut number = 0;
    let mut attempt = |sequence: &[Operation], bar: &ProgressBar| {
        let directory = tree::child(
            path,
            format!("fsx-{}-{seed}-{number}", std::process::id()).as_ref(),
        );
        number += 1;
        in_directory(drive, &directory, || {
            replay::replay(drive, &directory, sequence, limits, || bar.inc(1))
        })
    };
    let failed = attempt(&sequence, &bar)?;
    bar.finish_and_clear();
    let Err(first) = failed else { return Ok(()) };
    eprintln!("p9: seed {seed}: {first}");
    let until = sequence.get(..=first.step).unwrap_or(&sequence);
    let hidden = ProgressBar::hidden();
    let mut last = first;
    let short = shrink::shrink(until, TRIES, |part| match attempt(part, &hidden) {
        Ok(Err(mismatch)) => {
            let step = mismatch.step;
            last = mismatch;
            Some(step)
        }
        // Without a directory nothing is learned.
        Ok(Ok(())) | Err(_) => None,
    });
    eprintln!("p9: the same with {} operations:", short.len());
    for operation in &short {
        eprintln!("    {operation}");
    }
    eprintln!("p9: {last}");
    Err(Failure::Some(1))
}

/// Makes a directory, does the work and removes it.
fn in_directory<V>(drive: &Drive, directory: &OsString, work: impl FnOnce() -> V) -> Result<V, Failure> {
    tree::make_directory(drive, directory, false)?;
    let result = work();
    tree::remove(drive, directory, true)?;
    Ok(result)
}
