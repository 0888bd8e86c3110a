//! Build, test, package and demonstrate mrx9p.

mod driver;
mod guardian;
mod import_libs;
mod installation;
mod package;
mod patch;
mod pe;
mod prefix;
mod process;
mod programs;
mod project;
mod shell;
mod toolchain;
mod wdk_tree;

use anyhow::{Context, Result};
use clap::{Parser, Subcommand, ValueEnum};
use driver::Driver;
use project::Project;
use std::process::ExitCode;
use toolchain::Toolchain;

/// Build, test, package and demonstrate mrx9p.
#[derive(Parser)]
#[command(name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Build the drivers, the provider and the programs into target/windows/bin.
    Build {
        /// Build this part alone.
        #[arg(long)]
        only: Option<Part>,
    },
    /// Run a command in a fresh Wine prefix with the package installed and the drivers running.
    Shell {
        /// Show what the drivers printed.
        #[arg(long)]
        log: bool,
        /// A program of the package or of Windows, with its arguments.
        #[arg(last = true, required = true)]
        command: Vec<String>,
    },
    /// Run cargo for a Windows target: `cargo xtask cargo driver clippy -p mrx9p`.
    Cargo {
        /// Which target: the drivers' or the programs'.
        side: Side,
        /// The cargo command.
        verb: String,
        /// Its arguments.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
}

/// A part of the build.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// mrx9p.sys
    Driver,
    /// irpdrv.sys
    Irpdrv,
    /// mrx9pnp.dll, mrx9p-harness.exe, mrx9pctl.exe
    Programs,
}

/// A Windows target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Side {
    /// x86_64-pc-windows-msvc
    Driver,
    /// x86_64-pc-windows-gnu
    Program,
}

fn main() -> ExitCode {
    match work(Arguments::parse()) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn work(arguments: Arguments) -> Result<ExitCode> {
    let project = Project::locate()?;
    match arguments.command {
        Command::Build { only } => {
            build(&project, only)?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Shell { log, command } => {
            build(&project, None)?;
            shell::run(&project, &command, log)
        }
        Command::Cargo {
            side,
            verb,
            arguments,
        } => cargo(&project, side, &verb, &arguments),
    }
}

fn build(project: &Project, only: Option<Part>) -> Result<()> {
    let toolchain = Toolchain::detect()?;
    let drivers: &[Driver] = match only {
        None => &Driver::ALL,
        Some(Part::Driver) => &[Driver::Mrx9p],
        Some(Part::Irpdrv) => &[Driver::Irpdrv],
        Some(Part::Programs) => &[],
    };
    driver::build(project, toolchain, drivers)?;
    if matches!(only, None | Some(Part::Programs)) {
        programs::build(project, toolchain)?;
    }
    Ok(())
}

fn cargo(project: &Project, side: Side, verb: &str, arguments: &[String]) -> Result<ExitCode> {
    let toolchain = Toolchain::detect()?;
    let mut cargo = match side {
        Side::Driver => toolchain.msvc(project, verb, &driver::prepare(project)?)?,
        Side::Program => toolchain.gnu(project, verb)?,
    };
    let status = cargo.args(arguments).status().context("cannot start cargo")?;
    Ok(if status.success() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
