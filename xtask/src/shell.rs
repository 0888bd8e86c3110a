//! Running one command in a prefix of its own, with the driver and a server at hand.

use crate::project::Project;
use crate::server::Server;
use crate::{installation, package};
use anyhow::{Context, Result, bail};
use std::path::Path;
use std::process::ExitCode;

/// The variable, and the word in arguments (`%MRX9P_UNC%`), that name the export.
pub(crate) const UNC_VARIABLE: &str = "MRX9P_UNC";
/// The variable that names the exported folder on this machine, where there is one.
pub(crate) const EXPORT_VARIABLE: &str = "MRX9P_EXPORT";

/// What a shell is asked to do.
pub(crate) struct Request<'a> {
    /// `HOST@PORT\path`, or `diod` for a server of its own.
    pub(crate) server: Option<&'a str>,
    /// The folder that a server of its own exports; none: an empty one.
    pub(crate) export: Option<&'a Path>,
    /// The program and its arguments.
    pub(crate) command: &'a [String],
    /// Whether to show what the drivers printed.
    pub(crate) log: bool,
}

/// Runs the command in a fresh prefix and gives its exit code.
pub(crate) fn run(project: &Project, request: &Request<'_>) -> Result<ExitCode> {
    let server = match request.server {
        Some("diod") => Some(Server::start(project, request.export)?),
        _ => None,
    };
    let unc = match (&server, request.server) {
        (Some(server), _) => Some(server.unc()),
        (None, Some(name)) => Some(remote(name)?),
        (None, None) => None,
    };
    let prefix = installation::install(project, &package::assemble(project)?)?;
    installation::start(&prefix)?;
    if unc.is_some() {
        prefix.run("mrx9pctl.exe", &["start"])?;
    }
    let (program, arguments) = request.command.split_first().context("which command?")?;
    let mut command = prefix.program(program);
    for argument in arguments {
        match &unc {
            Some(unc) => command.arg(argument.replace(&format!("%{UNC_VARIABLE}%"), unc)),
            None => command.arg(argument),
        };
    }
    if let Some(unc) = &unc {
        command.env(UNC_VARIABLE, unc);
    }
    if let Some(server) = &server {
        command.env(EXPORT_VARIABLE, server.export());
    }
    let status = command
        .status()
        .with_context(|| format!("cannot start {program}"))?;
    if request.log {
        eprint!("{}", prefix.driver_log());
    }
    let code = status
        .code()
        .and_then(|code| u8::try_from(code).ok())
        .unwrap_or(1);
    Ok(ExitCode::from(code))
}

/// `HOST@PORT\path` as a UNC name.
fn remote(name: &str) -> Result<String> {
    let name = name.trim_start_matches('\\');
    match name.split_once('\\') {
        Some((host, path)) if !host.is_empty() && !path.is_empty() => Ok(format!("\\\\{name}")),
        _ => bail!("{name}: expected HOST@PORT\\path, or diod"),
    }
}

#[cfg(test)]
mod tests {
    use super::remote;

    #[test]
    fn a_server_is_named_with_host_and_path() {
        assert_eq!(
            remote(r"fs@1564\srv\data").expect("complete"),
            r"\\fs@1564\srv\data"
        );
        assert_eq!(remote(r"\\fs\data").expect("complete"), r"\\fs\data");
        for bad in ["", "fs", r"fs\", r"\\\data"] {
            assert!(remote(bad).is_err(), "{bad}");
        }
    }
}
