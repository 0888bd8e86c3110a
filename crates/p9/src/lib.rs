//! The mini-redirector as a command-line tool for any host: all of it but the entry point, so that a test can be one, too.
#![forbid(unsafe_code)]

mod args;
mod bench;
mod clock;
mod drive;
mod failure;
mod file;
mod fsx;
mod listing;
mod report;
mod share;
mod transfer;
mod tree;

use std::process::ExitCode;

use clap::Parser as _;

use args::{Arguments, Command};
use drive::Drive;
use failure::Failure;

/// Does what the process's command line says.
#[must_use]
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("p9: {failure}");
            failure.exit_code()
        }
    }
}

fn run(arguments: &Arguments) -> Result<(), Failure> {
    let drive = Drive::map(arguments.command.share(), &arguments.options)?;
    let result = carry_out(&drive, arguments);
    // What was asked for has been done by now, or not; a server that is gone is no further failure.
    drive.unmap();
    result
}

fn carry_out(drive: &Drive, arguments: &Arguments) -> Result<(), Failure> {
    let json = arguments.options.json;
    match &arguments.command {
        Command::Ls {
            path,
            recursive,
            long,
            ..
        } => listing::list(drive, path, *recursive, *long, json),
        Command::Cat { path, .. } => transfer::cat(drive, path),
        Command::Get {
            path,
            local,
            recursive,
            ..
        } => tree::get(drive, path, local.as_deref(), *recursive),
        Command::Put {
            local,
            path,
            recursive,
            ..
        } => tree::put(drive, local, path.as_deref(), *recursive),
        Command::Stat { path, .. } => report::stat(drive, path, json),
        Command::Rm { path, recursive, .. } => tree::remove(drive, path, *recursive),
        Command::Mkdir { path, parents, .. } => tree::make_directory(drive, path, *parents),
        Command::Mv { from, to, .. } => tree::rename(drive, from, to),
        Command::Df { .. } => report::volume(drive, json),
        Command::Bench { path, plan, .. } => bench::run(drive, path, plan, json),
        Command::Fsx { path, plan, .. } => fsx::run(drive, path, plan, json),
    }
}
