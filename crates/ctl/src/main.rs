//! mrx9pctl.exe: map, unmap and list drives through the WNet API.
#![forbid(unsafe_code)]
#![cfg_attr(
    not(windows),
    expect(dead_code, reason = "the commands that use it are for Windows alone")
)]

mod args;
mod order;

#[cfg(windows)]
mod commands;

#[cfg(windows)]
fn main() -> std::process::ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match args::parse(&words) {
        Ok(command) => commands::run(command),
        Err(problem) => {
            eprintln!("mrx9pctl: {problem}\n\n{}", args::USAGE);
            std::process::ExitCode::from(1)
        }
    }
}

#[cfg(not(windows))]
fn main() -> std::process::ExitCode {
    eprintln!("mrx9pctl works on Windows only");
    std::process::ExitCode::from(1)
}
