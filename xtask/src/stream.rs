//! Following what a program prints while it runs.

use anyhow::{Context, Result, bail};
use std::io::{BufRead, BufReader};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

/// Between a program's end and the last of its output.
const TAIL: Duration = Duration::from_millis(500);
const TICK: Duration = Duration::from_millis(50);

/// Runs `command` and gives each line of its output to `line`, until it ends. A program that is silent for longer than
/// `silence` is killed, which is an error.
///
/// The end of the program counts, not of its pipe: in Wine others may go on holding that.
pub(crate) fn follow(
    command: &mut Command,
    silence: Duration,
    mut line: impl FnMut(&str),
) -> Result<ExitStatus> {
    let name = command.get_program().display().to_string();
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start {name}"))?;
    let output = child.stdout.take().context("a piped output is there")?;
    let (sender, lines) = mpsc::channel();
    thread::spawn(move || {
        for bytes in BufReader::new(output).split(b'\n') {
            let Ok(bytes) = bytes else { return };
            let text = String::from_utf8_lossy(&bytes).trim_end_matches('\r').to_owned();
            if sender.send(text).is_err() {
                return;
            }
        }
    });
    let mut heard = Instant::now();
    let mut ended: Option<(ExitStatus, Instant)> = None;
    loop {
        match lines.recv_timeout(TICK) {
            Ok(text) => {
                heard = Instant::now();
                line(&text);
            }
            Err(RecvTimeoutError::Disconnected) => {
                return child.wait().with_context(|| format!("cannot wait for {name}"));
            }
            Err(RecvTimeoutError::Timeout) => match ended {
                Some((status, at)) if at.elapsed() > TAIL => return Ok(status),
                Some(_) => {}
                None => ended = child.try_wait()?.map(|status| (status, Instant::now())),
            },
        }
        if ended.is_none() && heard.elapsed() > silence {
            child.kill()?;
            child.wait()?;
            bail!("{name} said nothing for {} s and was killed", silence.as_secs());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::follow;
    use std::process::Command;
    use std::time::Duration;

    #[test]
    fn lines_come_with_the_exit_code() {
        let mut lines = Vec::new();
        let mut command = Command::new("sh");
        command.args(["-c", "echo one; echo two; exit 3"]);
        let status = follow(&mut command, Duration::from_secs(60), |line| {
            lines.push(line.to_owned())
        })
        .expect("sh");
        assert_eq!(
            (status.code(), lines),
            (Some(3), vec!["one".to_owned(), "two".to_owned()])
        );
    }

    #[test]
    fn a_program_that_leaves_its_pipe_to_another_does_not_hold_us_up() {
        let mut command = Command::new("sh");
        command.args(["-c", "sleep 600 & echo $!"]);
        let mut child = String::new();
        let status = follow(&mut command, Duration::from_secs(60), |line| {
            child = line.to_owned()
        })
        .expect("sh");
        assert!(status.success());
        assert!(Command::new("kill").arg(&child).status().expect("kill").success());
    }

    #[test]
    fn a_silent_program_is_killed() {
        let mut command = Command::new("sleep");
        assert!(follow(command.arg("600"), Duration::from_millis(1), |_| {}).is_err());
    }
}
