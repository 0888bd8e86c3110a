//! Drives the real driver, provider and programs from outside.
//!
//! `cargo xtask test` starts these tests with a Wine prefix in which the package is installed and the drivers run;
//! the demonstration uses the same means.

#![forbid(unsafe_code)]

mod script;

pub use script::{Script, fact};

use anyhow::{Context, Result, ensure};
use std::env;
use std::process::Command;

/// The variable that names what runs a Windows program here: Wine's loader, with its prefix in the environment.
pub const RUNNER: &str = "MRX9P_RUNNER";
/// The variable that names the folder of the package, as Windows programs do.
pub const PACKAGE: &str = "MRX9P_PACKAGE";
/// The variable with the driver's request deadline in milliseconds.
pub const REQUEST_TIMEOUT_MS: &str = "MRX9P_REQUEST_TIMEOUT_MS";

/// A command for a program of the package, as the environment says it is run.
///
/// # Errors
/// When nobody has prepared a driver: see [`RUNNER`].
pub fn program(name: &str) -> Result<Command> {
    let mut command = Command::new(prepared(RUNNER)?);
    command.arg(format!(r"{}\{name}", prepared(PACKAGE)?));
    Ok(command)
}

/// A harness that obeys lines, beside the prepared driver.
///
/// # Errors
/// As [`program`] and [`Script::start`].
pub fn script() -> Result<Script> {
    let mut script = Script::start(program("mrx9p-harness.exe")?)?;
    // One that runs already says so.
    script.ask("start")?;
    Ok(script)
}

/// Longest time in milliseconds that a single failing request may take: its deadline and a second.
///
/// # Errors
/// When nobody has prepared a driver.
pub fn limit_ms() -> Result<u64> {
    Ok(prepared(REQUEST_TIMEOUT_MS)?.parse::<u64>()? + 1_000)
}

/// A variable that whoever prepared a driver has set.
fn prepared(variable: &str) -> Result<String> {
    env::var(variable).with_context(|| {
        format!("{variable} is not set: these tests are started by `cargo xtask test --only driver`")
    })
}

/// The error of a line that must fail within [`limit_ms`].
///
/// # Errors
/// When it succeeds, or takes longer.
pub fn fails_in_time(script: &mut Script, line: &str) -> Result<String> {
    let answer = script.ask(line)?;
    let error = answer
        .strip_prefix("err ")
        .with_context(|| format!("`{line}` succeeded: {answer}"))?;
    let ms: u64 = fact(error, "ms")?.parse()?;
    ensure!(ms <= limit_ms()?, "`{line}` took {ms} ms");
    Ok(error.to_owned())
}

/// The figures of what is alive in the driver: objects, requests and memory, not totals.
///
/// # Errors
/// When the driver does not answer.
pub fn alive(script: &mut Script) -> Result<Vec<String>> {
    let facts = script.must("stats")?;
    let kinds = [
        "srv_calls",
        "net_roots",
        "v_net_roots",
        "fcbs",
        "srv_opens",
        "fobxs",
    ];
    kinds
        .iter()
        .map(|kind| Ok(format!("{kind}={}", fact(&facts, kind)?)))
        .collect()
}
