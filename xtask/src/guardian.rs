//! Cleaning up whatever happens.
//!
//! A guardian is a shell that waits for the end of a pipe which only this process holds. When it is dropped, or when
//! this process ends in any way (a panic, Ctrl-C, a kill), the pipe closes and the guardian does its work. It is in a
//! process group of its own, so that Ctrl-C on the terminal does not reach it.

use anyhow::{Context, Result};
use std::ffi::OsStr;
use std::fs;
use std::io::Read;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};

/// A clean-up that will happen.
#[derive(Debug)]
pub(crate) struct Guardian {
    shell: Child,
    pipe: Option<ChildStdin>,
}

/// A program that ends with its guardian.
#[derive(Debug)]
pub(crate) struct Guarded {
    _guardian: Guardian,
    process: u32,
}

impl Guarded {
    /// Runs the program `arguments` with its output in `log`, and kills it at the end.
    pub(crate) fn start(arguments: &[&OsStr], log: &Path) -> Result<Self> {
        let script = "log=$1; shift; exec 3<&0\n\
                      \"$@\" </dev/null >\"$log\" 2>&1 3<&- &\n\
                      child=$!; echo $child; exec >&-; read -r _ <&3; kill -KILL $child; wait $child";
        let arguments = [&[log.as_os_str()], arguments].concat();
        let mut guardian = Guardian::start(script, &arguments, Stdio::piped())?;
        let mut said = String::new();
        if let Some(mut stdout) = guardian.shell.stdout.take() {
            stdout.read_to_string(&mut said)?;
        }
        let process = said
            .trim()
            .parse()
            .with_context(|| format!("the shell started no program: {said}"))?;
        Ok(Self {
            _guardian: guardian,
            process,
        })
    }

    /// Its number, which nobody else gets before the guardian is dropped.
    pub(crate) fn process(&self) -> u32 {
        self.process
    }

    /// Whether it has not ended yet.
    pub(crate) fn runs(&self) -> bool {
        // What is left of one that has ended is not an executable any more.
        fs::read_link(format!("/proc/{}/exe", self.process)).is_ok()
    }
}

impl Guardian {
    /// Arranges for the shell script `work` to run, with `arguments` as `$1`, `$2` …
    pub(crate) fn new(work: &str, arguments: &[&OsStr]) -> Result<Self> {
        Self::start(&format!("read -r _\n{work}"), arguments, Stdio::null())
    }

    fn start(script: &str, arguments: &[&OsStr], stdout: Stdio) -> Result<Self> {
        let mut shell = Command::new("/bin/sh")
            .arg("-c")
            .arg(script)
            .arg("guardian")
            .args(arguments)
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(stdout)
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

#[cfg(test)]
mod tests {
    use super::{Guarded, Guardian};
    use std::ffi::OsStr;
    use std::fs;
    use std::thread::yield_now;

    #[test]
    fn the_work_is_done_at_the_end_and_not_before() {
        let file = std::env::temp_dir().join(format!("guardian-{}", std::process::id()));
        fs::write(&file, "").expect("a file");
        let guardian = Guardian::new("rm -- \"$1\"", &[file.as_os_str()]).expect("a shell");
        assert!(file.exists());
        drop(guardian);
        assert!(!file.exists());
    }

    #[test]
    fn a_guarded_program_ends_with_its_guardian() {
        let log = std::env::temp_dir().join(format!("guarded-{}", std::process::id()));
        let words = ["sh", "-c", "echo $$; exec sleep 1000"].map(OsStr::new);
        let program = Guarded::start(&words, &log).expect("a shell");
        let said = format!("{}\n", program.process());
        while fs::read_to_string(&log).unwrap_or_default() != said {
            yield_now();
        }
        assert!(program.runs());
        // Comes back at once: the program does not outlive it.
        drop(program);
        fs::remove_file(&log).expect("the log");
    }

    #[test]
    fn a_guarded_program_that_has_ended_does_not_run() {
        let log = std::env::temp_dir().join(format!("ended-{}", std::process::id()));
        let program = Guarded::start(&[OsStr::new("true")], &log).expect("a shell");
        while program.runs() {
            yield_now();
        }
        drop(program);
        fs::remove_file(&log).expect("the log");
    }
}
