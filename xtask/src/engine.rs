//! Everything of one layer at once: the connection engine's tests on every rung, and its bench.

use crate::c_programs;
use crate::project::Project;
use crate::tally::Tally;
use crate::test::{self, Rung};
use crate::toolchain::clean_environment;
use anyhow::{Context, Result, ensure};
use std::process::{Command, ExitCode};

/// The layer's name: as the filter of `test`, it stands for all tests of the engine.
pub(crate) const NAME: &str = "rxce";

/// Runs the engine's tests: its own, those of the documented routines with their C programs (under the address sanitizer and
/// in Wine, too), the races under loom, and the self tests of the loaded driver. What the sweeps went through is told at the end.
pub(crate) fn test(project: &Project, only: Option<Rung>, build: bool) -> Result<Tally> {
    let mut tally = Tally::default();
    let mut sweeps = Vec::new();
    if only != Some(Rung::Driver) {
        let mut cargo = cargo(project, "test");
        cargo.args(["-p", "rxce", "-p", "ddi", "--no-fail-fast"]);
        tally = tally.plus(test::follow_cargo_test(cargo.args(SHOWING), |line| {
            note(&mut sweeps, line);
        })?);
        tally = tally.plus(test::follow_cargo_test(&mut under_loom(project), |line| {
            note(&mut sweeps, line);
        })?);
        tally = tally.plus(c_programs::under_address_sanitizer(project)?);
    }
    if only != Some(Rung::Host) {
        tally = tally.plus(c_programs::in_wine(project, build, None)?);
        tally = tally.plus(test::engine_in_driver(project, build)?);
    }
    println!();
    for line in sweeps {
        println!("{line}");
    }
    Ok(tally)
}

const SHOWING: [&str; 2] = ["--", "--show-output"];

fn note(sweeps: &mut Vec<String>, line: &str) {
    if line.starts_with("sweep: ") || line.ends_with(" failed in turn") {
        sweeps.push(line.to_owned());
    }
}

/// The races, on loom's model checker: another build of everything, in a folder of its own.
fn under_loom(project: &Project) -> Command {
    let mut cargo = cargo(project, "test");
    cargo
        .env("RUSTFLAGS", "--cfg loom")
        .arg("--target-dir")
        .arg(project.root().join("target/loom"))
        .args(["-p", "rxce", "--release", "--lib", "model"])
        .args(SHOWING);
    cargo
}

/// Runs the engine's bench, which ends with a table.
pub(crate) fn bench(project: &Project, layer: &str) -> Result<ExitCode> {
    ensure!(layer == NAME, "there is no bench of {layer}, only of {NAME}");
    let mut cargo = cargo(project, "bench");
    let status = cargo
        .args(["-p", "rxce", "--bench", "engine"])
        .status()
        .context("cannot start cargo")?;
    Ok(if status.success() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn cargo(project: &Project, verb: &str) -> Command {
    let mut cargo = Command::new("cargo");
    clean_environment(&mut cargo);
    cargo.current_dir(project.root()).arg(verb);
    cargo
}
