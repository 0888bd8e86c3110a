//! The rules of the house, as far as a program can hold them.

mod dependencies;
mod house_rules;

use crate::process::{self, Step};
use crate::project::Project;
use crate::tally::Tally;
use crate::toolchain::{Toolchain, clean_environment};
use crate::{driver, programs, setup};
use anyhow::Result;
use std::process::{Command, ExitCode};

/// Runs every check; the last line is `check: N passed, N failed`, with what was skipped for want of a tool.
pub(crate) fn run(project: &Project) -> Result<ExitCode> {
    setup::ensure()?;
    let mut tally = Tally::default();
    let mut report = |name: &str, outcome: Result<()>| {
        println!("{} - {name}", if outcome.is_ok() { "ok" } else { "not ok" });
        if let Err(error) = &outcome {
            println!("{error:#}");
        }
        tally.count(outcome.is_ok());
    };
    if has_cargo_deny() {
        report("licences and sources of dependencies", deny(project));
    }
    report(
        "formatted by rustfmt",
        cargo(project, &["fmt", "--all", "--check"]),
    );
    report("dependencies point down", dependencies::check(project));
    for (name, outcome) in house_rules::check(project)? {
        report(name, outcome);
    }
    report(
        "clippy on the host",
        cargo(
            project,
            &["clippy", "--quiet", "--all-targets", "--", "-D", "warnings"],
        ),
    );
    report(
        "links in the crates' documentation lead somewhere",
        document(project),
    );
    report("clippy on the drivers", clippy_drivers(project));
    report(
        "clippy on the provider and the programs",
        clippy_programs(project),
    );
    if !has_cargo_deny() {
        println!("skipped - licences and sources of dependencies: cargo-deny is not installed");
        tally.skipped += 1;
    }
    println!("check: {tally}");
    Ok(if tally.failed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn has_cargo_deny() -> bool {
    let asked = Command::new("cargo").args(["deny", "--version"]).output();
    asked.is_ok_and(|output| output.status.success())
}

/// What deny.toml asks for; advisories need a database from the network.
fn deny(project: &Project) -> Result<()> {
    cargo(
        project,
        &[
            "deny",
            "--log-level",
            "error",
            "check",
            "bans",
            "licenses",
            "sources",
        ],
    )
}

fn cargo(project: &Project, arguments: &[&str]) -> Result<()> {
    let step = Step::begin(format!("cargo {}", arguments.first().unwrap_or(&"")));
    let mut cargo = Command::new("cargo");
    clean_environment(&mut cargo);
    process::run(&step, cargo.current_dir(project.root()).args(arguments))
}

fn document(project: &Project) -> Result<()> {
    let step = Step::begin("cargo doc");
    let mut cargo = Command::new("cargo");
    clean_environment(&mut cargo);
    cargo
        .current_dir(project.root())
        .args(["doc", "--quiet", "--no-deps"])
        .env("RUSTDOCFLAGS", "-D warnings");
    process::run(&step, &mut cargo)
}

fn clippy_drivers(project: &Project) -> Result<()> {
    let step = Step::begin("clippy on the drivers");
    let mut cargo = Toolchain::detect()?.msvc(project, "clippy", &driver::prepare(project)?)?;
    for driver in driver::Driver::EVERY {
        cargo.args([
            "-p",
            driver.package(),
            "--features",
            &format!("{}/downlevel", driver.package()),
        ]);
    }
    process::run(&step, cargo.args(["--", "-D", "warnings"]))
}

fn clippy_programs(project: &Project) -> Result<()> {
    let step = Step::begin("clippy on the programs");
    let mut cargo = Toolchain::detect()?.gnu(project, "clippy")?;
    for (package, _) in programs::PROGRAMS {
        cargo.args(["-p", package]);
    }
    process::run(&step, cargo.args(["--", "-D", "warnings"]))
}
