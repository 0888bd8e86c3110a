//! mrx9p-harness.exe: named tests and file commands against the loaded driver.
#![forbid(unsafe_code)]
#![cfg_attr(
    not(windows),
    expect(dead_code, reason = "the commands that use it are for Windows alone")
)]

mod info;
mod language;
mod open;
mod path;
mod runner;

#[cfg(windows)]
mod commands;
#[cfg(windows)]
mod connect;
#[cfg(windows)]
mod failure;
#[cfg(windows)]
mod files;
#[cfg(windows)]
mod irp_files;
#[cfg(windows)]
mod path_files;
#[cfg(windows)]
mod script;
#[cfg(windows)]
mod suite;

#[cfg(windows)]
fn main() -> std::process::ExitCode {
    use failure::Failure;
    use std::process::ExitCode;

    let words: Vec<String> = std::env::args().skip(1).collect();
    let outcome = match words.split_first() {
        Some((verb, [])) if ["help", "--help", "-h", "/?"].contains(&verb.as_str()) => {
            println!("{}", usage());
            Ok(())
        }
        Some((verb, [])) if verb == "script" => script::run(),
        Some((verb, rest)) if verb == "run" => return suite::run(rest),
        Some((verb, rest)) => commands::run(verb, rest)
            .unwrap_or_else(|| Err(Failure::Usage(format!("{verb}: unknown, or wrong arguments")))),
        None => Err(Failure::Usage("no command".to_owned())),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Usage(problem)) => {
            eprintln!("mrx9p-harness: {problem}\n\n{}", usage());
            ExitCode::from(1)
        }
        Err(failure) => {
            eprintln!("mrx9p-harness: {failure}");
            ExitCode::from(2)
        }
    }
}

/// Every command with its arguments.
#[cfg(windows)]
fn usage() -> String {
    format!(
        "usage: mrx9p-harness COMMAND …\n{}\n\
         \x20                            PATH is X:\\… or \\\\host[@port]\\share\\…\n\
         \x20 run [--list] [FILTER]…     run the tests whose names contain a filter; MRX9P_UNC names the share\n\
         \x20                            to test on, MRX9P_EXPORT its directory, if it can be seen from here;\n\
         \x20                            --group GROUP and --skip GROUP select groups; MRX9P_STRESS_SECONDS,\n\
         \x20                            MRX9P_STRESS_THREADS and MRX9P_STRESS_SEED set the group stress\n\
         \x20 help                       show this\n\
         \x20 script                     obey lines from the standard input:\n{}\n\
         Exit code: 0 done, 1 wrong command line, 2 refused, 101 a test failed.",
        commands::USAGE,
        language::USAGE
    )
}

#[cfg(not(windows))]
fn main() -> std::process::ExitCode {
    eprintln!("mrx9p-harness works on Windows only");
    std::process::ExitCode::from(1)
}
