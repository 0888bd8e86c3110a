//! A harness that obeys lines: holds files open beside a driver while its caller does other things.

use anyhow::{Context, Result, bail};
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

/// Longest wait for an answer. Every request of the driver has a shorter deadline: more is a hang.
const ANSWER_LIMIT: Duration = Duration::from_secs(60);

/// A running `mrx9p-harness.exe script`. Dropping it closes what it holds open.
#[derive(Debug)]
pub struct Script {
    child: Child,
    input: Option<ChildStdin>,
    answers: Receiver<String>,
}

impl Script {
    /// Starts one; `harness` is the command that runs `mrx9p-harness.exe`, without arguments.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start(mut harness: Command) -> Result<Self> {
        let mut child = harness
            .arg("script")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .context("cannot start the harness")?;
        let input = child.stdin.take();
        let output = child.stdout.take().context("a piped output is there")?;
        let (sender, answers) = mpsc::channel();
        thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                if sender.send(line.trim_end().to_owned()).is_err() {
                    return;
                }
            }
        });
        Ok(Self {
            child,
            input,
            answers,
        })
    }

    /// The answer to one line: `ok …` or `err …`.
    ///
    /// # Errors
    /// When the harness has ended, or does not answer.
    pub fn ask(&mut self, line: &str) -> Result<String> {
        let input = self.input.as_mut().context("the harness has been told to end")?;
        writeln!(input, "{line}")?;
        input.flush()?;
        self.answers
            .recv_timeout(ANSWER_LIMIT)
            .with_context(|| format!("no answer to `{line}`"))
    }

    /// The facts of an answer that must be `ok`.
    ///
    /// # Errors
    /// Any other answer, and as [`Self::ask`].
    pub fn must(&mut self, line: &str) -> Result<String> {
        let answer = self.ask(line)?;
        match answer.strip_prefix("ok ") {
            Some(facts) => Ok(facts.to_owned()),
            None => bail!("`{line}`: {answer}"),
        }
    }

    /// The rest of an answer that must be `err` with `expected` in it.
    ///
    /// # Errors
    /// Any other answer, and as [`Self::ask`].
    pub fn refused(&mut self, line: &str, expected: &str) -> Result<String> {
        let answer = self.ask(line)?;
        match answer.strip_prefix("err ") {
            Some(error) if error.split(' ').any(|word| word == expected) => Ok(error.to_owned()),
            _ => bail!("`{line}` should fail with {expected}: {answer}"),
        }
    }
}

impl Drop for Script {
    fn drop(&mut self) {
        // The end of its input ends it; one that hangs must not hang us.
        drop(self.input.take());
        for _ in 0..100 {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return;
            }
            thread::sleep(Duration::from_millis(50));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The value of `key=` in an answer's facts.
///
/// # Errors
/// When there is no such fact.
pub fn fact<'a>(facts: &'a str, key: &str) -> Result<&'a str> {
    facts
        .split(' ')
        .find_map(|fact| fact.strip_prefix(key)?.strip_prefix('='))
        .with_context(|| format!("no {key} in `{facts}`"))
}

#[cfg(test)]
mod tests {
    use super::fact;

    #[test]
    fn facts_are_found_by_their_whole_key() {
        let facts = "n=5 sha256=ab ms=12";
        assert_eq!(fact(facts, "n").expect("there"), "5");
        assert_eq!(fact(facts, "ms").expect("there"), "12");
        assert!(fact(facts, "s").is_err());
    }
}
