//! Measuring a layer.

use crate::project::Project;
use crate::toolchain::clean_environment;
use anyhow::{Context, Result, bail};
use std::process::{Command, ExitCode};

/// The layers that have a bench, the package that it is in, and its name there.
const BENCHES: [(&str, &str, &str); 3] = [
    ("rxce", "rxce", "engine"),
    ("rdbss", "rdbss", "tree"),
    ("ninep", "p9-tests", "ninep"),
];

/// Runs the bench of `layer`, which ends with a table.
pub(crate) fn run(project: &Project, layer: &str, arguments: &[String]) -> Result<ExitCode> {
    let Some((_, package, bench)) = BENCHES.iter().find(|(name, ..)| *name == layer) else {
        let names: Vec<_> = BENCHES.iter().map(|(name, ..)| *name).collect();
        bail!("there is no bench of {layer}, only of {}", names.join(", "));
    };
    let mut cargo = Command::new("cargo");
    clean_environment(&mut cargo);
    let status = cargo
        .current_dir(project.root())
        .args(["bench", "-p", package, "--bench", bench, "--"])
        .args(arguments)
        .status()
        .context("cannot start cargo")?;
    Ok(if status.success() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
