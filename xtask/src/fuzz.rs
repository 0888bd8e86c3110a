//! Fuzzing: each target of `fuzz/` for a while, under libFuzzer.
//!
//! The compiler's coverage instrumentation is there in stable toolchains; it takes the flags below, and a C++ compiler for
//! libFuzzer itself.

use crate::process::{self, Step, find_program};
use crate::project::Project;
use crate::stream::follow;
use crate::tally::Tally;
use crate::test::report;
use crate::toolchain::clean_environment;
use anyhow::{Context, Result, bail, ensure};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Duration;

/// What libFuzzer wants of the compiler.
const FLAGS: &str = "--cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares -Ccodegen-units=1";
/// The only host that the flags are tried on; naming it keeps them off build scripts.
const HOST: &str = "x86_64-unknown-linux-gnu";
/// Longest for one input, in seconds: nothing here takes milliseconds.
const INPUT_LIMIT: u32 = 5;

/// Runs the targets whose names contain one of `filters`, or all, each for `seconds`. The last line is `N passed, N failed`.
pub(crate) fn run(project: &Project, seconds: u32, filters: &[String]) -> Result<ExitCode> {
    ensure!(
        find_program("c++").is_some(),
        "libFuzzer is written in C++, and there is no c++ here (Debian: g++)"
    );
    let driver = build(project)?;
    let mut tally = Tally::default();
    for name in targets(project)? {
        if filters.is_empty() || filters.iter().any(|filter| name.contains(filter.as_str())) {
            report(&mut tally, &name, fuzz(project, &driver, &name, seconds));
        }
    }
    ensure!(tally.passed + tally.failed > 0, "there is no such target");
    println!("{tally}");
    Ok(if tally.failed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Each has a folder of inputs, which a test of `fuzz/` sees to.
fn targets(project: &Project) -> Result<Vec<String>> {
    let corpus = project.root().join("fuzz/corpus");
    let mut names = Vec::new();
    for entry in fs::read_dir(&corpus).with_context(|| format!("cannot read {}", corpus.display()))? {
        names.push(entry?.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    Ok(names)
}

fn folder(project: &Project) -> PathBuf {
    project.root().join("target/fuzz")
}

fn build(project: &Project) -> Result<PathBuf> {
    let step = Step::begin("building the fuzz targets");
    let folder = folder(project);
    let mut cargo = Command::new("cargo");
    clean_environment(&mut cargo);
    cargo
        .current_dir(project.root().join("fuzz/driver"))
        .env("RUSTFLAGS", FLAGS)
        .args(["build", "--release", "--target", HOST, "--target-dir"])
        .arg(&folder);
    process::run(&step, &mut cargo)?;
    step.done();
    Ok(folder.join(HOST).join("release/fuzz-driver"))
}

/// One target. New inputs that reach new code stay in `target/`; one that fails is a finding.
fn fuzz(project: &Project, driver: &Path, name: &str, seconds: u32) -> Result<()> {
    let grown = folder(project).join("corpus").join(name);
    let findings = folder(project).join("findings").join(name);
    fs::create_dir_all(&grown)?;
    fs::create_dir_all(&findings)?;
    // libFuzzer speaks on its error output.
    let mut command = Command::new("sh");
    command
        .args(["-c", "exec \"$0\" \"$@\" 2>&1"])
        .arg(driver)
        .env("FUZZ_TARGET", name)
        .arg(format!("-max_total_time={seconds}"))
        .arg(format!("-timeout={INPUT_LIMIT}"))
        .arg("-max_len=4096")
        .arg("-rss_limit_mb=1024")
        .arg("-print_final_stats=1")
        .arg(format!("-artifact_prefix={}/", findings.display()))
        .args([&grown, &project.root().join("fuzz/corpus").join(name)]);
    let (mut runs, mut covered, mut last) = (String::new(), String::new(), Vec::new());
    let silence = Duration::from_secs(u64::from(seconds) + 120);
    let status = follow(&mut command, silence, |line| {
        if let Some(count) = line.strip_prefix("stat::number_of_executed_units:") {
            runs = count.trim().to_owned();
        }
        if let Some((_, figures)) = line.split_once("cov: ") {
            covered = figures.split_whitespace().next().unwrap_or("?").to_owned();
        }
        last.push(line.to_owned());
        // A finding is told at the end.
        if last.len() > 60 {
            last.remove(0);
        }
    })?;
    if !status.success() {
        bail!("{}\nits input is in {}", last.join("\n"), findings.display());
    }
    println!("{name}: {runs} inputs in {seconds} s, {covered} branches");
    Ok(())
}
