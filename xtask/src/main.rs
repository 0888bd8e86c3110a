//! Build, test, package and demonstrate mrx9p.
#![forbid(unsafe_code)]

mod bench;
mod c_programs;
mod check;
mod crash;
mod demo;
mod driver;
mod fuzz;
mod guardian;
mod import_libs;
mod installation;
mod layer;
mod package;
mod patch;
mod pe;
mod prefix;
mod process;
mod programs;
mod project;
mod server;
mod setup;
mod shell;
mod stream;
mod tally;
mod test;
mod toolchain;
mod wdk_tree;

use anyhow::{Context, Result};
use clap::{Parser, Subcommand, ValueEnum};
use driver::Driver;
use project::Project;
use std::path::PathBuf;
use std::process::ExitCode;
use toolchain::Toolchain;

/// Build, test, package and demonstrate mrx9p.
#[derive(Parser)]
#[command(name = "xtask", bin_name = "cargo xtask")]
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
    /// Build and sign the installable package in target/package.
    Package,
    /// Install what is missing to build and run everything.
    Setup,
    /// Hold the sources against the rules of the house: rustfmt, clippy, dependencies.
    Check,
    /// Run the tests; the last line is `N passed, N failed`.
    Test {
        /// Run this rung alone.
        #[arg(long)]
        only: Option<test::Rung>,
        /// Take the binaries that were built last.
        #[arg(long)]
        no_build: bool,
        /// Names of layers (`rxce`, `rdbss`, `ninep`, `minirdr` …) to test alone, and parts of names of tests.
        words: Vec<String>,
    },
    /// Measure a layer; the last lines are a table.
    Bench {
        /// Which: `rxce`, the connection engine; `rdbss`, the object tree; `ninep`, 9P from the mini-redirector down.
        layer: String,
        /// Passed on to the bench.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Fuzz what reads bytes from outside, each target for a while; the last line is `N passed, N failed`.
    Fuzz {
        /// How long for each target.
        #[arg(long, default_value_t = 60)]
        seconds: u32,
        /// Parts of names of targets.
        filters: Vec<String>,
    },
    /// Show the whole job on a real server, step by step.
    Demo,
    /// Run a command in a fresh Wine prefix with the package installed and the drivers running.
    ///
    /// MRX9P_UNC in the command's environment, and %MRX9P_UNC% in its arguments, name the server's export.
    Shell {
        /// A 9P server: HOST@PORT\path, or `diod` for one that is started for the command.
        #[arg(long)]
        server: Option<String>,
        /// The folder that diod exports; an empty one if none is given.
        #[arg(long)]
        export: Option<PathBuf>,
        /// Show what the drivers printed.
        #[arg(long)]
        log: bool,
        /// Take the binaries that were built last.
        #[arg(long)]
        no_build: bool,
        /// A program of the package or of Windows, with its arguments.
        #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
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
    /// mrx9p.sys with its self tests, as mrx9p-selftest.sys; no part of an ordinary build
    Selftest,
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
            setup::ensure()?;
            build(&project, only)?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Package => {
            setup::ensure()?;
            build(&project, None)?;
            println!("{}", package::assemble(&project)?.display());
            Ok(ExitCode::SUCCESS)
        }
        Command::Setup => {
            setup::ensure()?;
            println!("everything is installed");
            Ok(ExitCode::SUCCESS)
        }
        Command::Check => check::run(&project),
        Command::Bench { layer, arguments } => bench::run(&project, &layer, &arguments),
        Command::Fuzz { seconds, filters } => fuzz::run(&project, seconds, &filters),
        Command::Test {
            only,
            no_build,
            words,
        } => test::run(&project, only, !no_build, &words),
        Command::Demo => demo::run(&project),
        Command::Shell {
            server,
            export,
            log,
            no_build,
            command,
        } => {
            setup::ensure()?;
            if !no_build {
                build(&project, None)?;
            }
            let request = shell::Request {
                server: server.as_deref(),
                export: export.as_deref(),
                command: &command,
                log,
            };
            shell::run(&project, &request)
        }
        Command::Cargo {
            side,
            verb,
            arguments,
        } => cargo(&project, side, &verb, &arguments),
    }
}

/// Builds everything, or one part.
fn build(project: &Project, only: Option<Part>) -> Result<()> {
    let toolchain = Toolchain::detect()?;
    let drivers: &[Driver] = match only {
        None => &Driver::ALL,
        Some(Part::Driver) => &[Driver::Mrx9p],
        Some(Part::Irpdrv) => &[Driver::Irpdrv],
        Some(Part::Selftest) => &[Driver::Selftest],
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
