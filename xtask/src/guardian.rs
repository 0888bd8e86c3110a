//! Cleaning up whatever happens.
//!
//! A guardian is a shell that waits for the end of a pipe which only this process holds. When it is dropped, or when
//! this process ends in any way (a panic, Ctrl-C, a kill), the pipe closes and the guardian does its work. It is in a
//! process group of its own, so that Ctrl-C on the terminal does not reach it.

use anyhow::{Context, Result};
use std::ffi::OsStr;
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStdin, Command, Stdio};

/// A clean-up that will happen.
#[derive(Debug)]
pub(crate) struct Guardian {
    shell: Child,
    pipe: Option<ChildStdin>,
}

impl Guardian {
    /// Arranges for the shell script `work` to run, with `arguments` as `$1`, `$2` …
    pub(crate) fn new(work: &str, arguments: &[&OsStr]) -> Result<Self> {
        let mut shell = Command::new("/bin/sh")
            .arg("-c")
            .arg(format!("trap '' INT TERM HUP\nread -r _\n{work}"))
            .arg("guardian")
            .args(arguments)
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .context("cannot start a shell for the clean-up")?;
        let pipe = shell.stdin.take();
        Ok(Self { shell, pipe })
    }
}

impl Drop for Guardian {
    fn drop(&mut self) {
        drop(self.pipe.take());
        // Nothing is left to be done about a clean-up that fails.
        let _ = self.shell.wait();
    }
}
