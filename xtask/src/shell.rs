//! Running one command in a prefix of its own, with the driver at hand.

use crate::project::Project;
use crate::{installation, package};
use anyhow::{Context, Result};
use std::process::ExitCode;

/// Runs `command` in a fresh prefix and gives its exit code.
pub(crate) fn run(project: &Project, command: &[String], show_log: bool) -> Result<ExitCode> {
    let prefix = installation::start(project, &package::assemble(project)?)?;
    let (program, arguments) = command.split_first().context("which command?")?;
    let status = prefix
        .program(program)
        .args(arguments)
        .status()
        .with_context(|| format!("cannot start {program}"))?;
    if show_log {
        eprint!("{}", prefix.driver_log());
    }
    let code = status
        .code()
        .and_then(|code| u8::try_from(code).ok())
        .unwrap_or(1);
    Ok(ExitCode::from(code))
}
