//! The demonstration: the whole job in steps, each with its figures.

mod content;

use crate::prefix::Prefix;
use crate::project::Project;
use crate::server::Server;
use crate::tally::Tally;
use crate::{build, installation, package, setup};
use anyhow::{Context, Result, bail, ensure};
use content::{LARGE, LARGE_LEN, SMALL, SMALL_TEXT};
use e2e::{Script, fact};
use std::fs;
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

/// What a failure may take beyond that.
const GRACE_MS: u64 = 1_000;

/// Runs the demonstration. Every step prints `ok N - what`, the last line is `demo: N passed, N failed`.
pub(crate) fn run(project: &Project) -> Result<ExitCode> {
    setup::ensure()?;
    let building = Instant::now();
    build(project, None)?;
    let package = package::assemble(project)?;
    println!(
        "# built and packaged in {:.1} s",
        building.elapsed().as_secs_f64()
    );
    let server = Server::start(project, None)?;
    content::fill(server.export())?;
    let mut steps = Steps::default();
    let Some(prefix) = install(&mut steps, project, &package) else {
        return Ok(steps.finish());
    };
    let demo = Demo {
        prefix: &prefix,
        unc: server.unc(),
        server: &server,
    };
    demo.map(&mut steps);
    demo.files(&mut steps)?;
    demo.disconnect(&mut steps)?;
    lose_a_server(&mut steps, project, &prefix)?;
    steps.step(
        "driver stopped and unloaded, pool allocations outstanding 0, no unclunked fid",
        || unload(&prefix, &server),
    );
    if steps.tally.failed != 0 {
        println!("# the drivers said:\n{}", prefix.driver_log());
        println!("# the server said:\n{}", server.log());
    }
    Ok(steps.finish())
}

fn install(steps: &mut Steps, project: &Project, package: &Path) -> Option<Prefix> {
    let prefix = steps.step_with("installed through the INF", || {
        let prefix = installation::install(project, package)?;
        installation::shorten_deadlines(&prefix)?;
        Ok((prefix, "mrx9p.sys, mrx9pnp.dll".to_owned()))
    })?;
    steps.step("service running, redirector started", || {
        installation::start(&prefix)?;
        prefix.run("mrx9pctl.exe", &["start"])?;
        Ok(installation::SERVICE.to_owned())
    });
    Some(prefix)
}

fn script(prefix: &Prefix) -> Result<Script> {
    Script::start(prefix.program("mrx9p-harness.exe"))
}

/// A prefix with the driver running, and a server.
struct Demo<'a> {
    prefix: &'a Prefix,
    unc: String,
    server: &'a Server,
}

impl Demo<'_> {
    fn script(&self) -> Result<Script> {
        script(self.prefix)
    }

    fn map(&self, steps: &mut Steps) {
        steps.step("X: mapped through the network provider", || {
            self.prefix.run("mrx9pctl.exe", &["use", "X:", &self.unc])?;
            Ok(self.unc.clone())
        });
        steps.step("X: listed by WNetEnumResource", || {
            let listed = self.script()?.must("enum")?;
            ensure!(
                listed.contains(&format!("X:={}", self.unc)),
                "listed are: {listed}"
            );
            Ok(String::new())
        });
        steps.step("X: resolves in the object manager", || {
            let facts = self.script()?.must("getdos X:")?;
            let target = fact(&facts, "target")?;
            let wanted = format!(
                r"\Device\Mrx9p\;X:{}",
                self.unc.trim_start_matches('\\').replacen("", r"\", 1)
            );
            ensure!(target == wanted, "it resolves to {target}, not {wanted}");
            Ok(target.to_owned())
        });
    }

    fn files(&self, steps: &mut Steps) -> Result<()> {
        steps.step(
            "directory listing equals the server's, nested and in several scripts",
            || {
                let printed = self
                    .prefix
                    .run("mrx9p-harness.exe", &["ls", "-R", "--tsv", r"X:\"])?;
                let seen = content::parse_listing(&printed)?;
                let there = content::listing(self.server.export())?;
                for path in there.keys().chain(seen.keys()) {
                    ensure!(
                        there.get(path) == seen.get(path),
                        "{path}: {:?} on the server, {:?} through X:",
                        there.get(path),
                        seen.get(path)
                    );
                }
                Ok(format!("{} entries", seen.len()))
            },
        );
        steps.step("64 MiB read, SHA-256 equal", || {
            let mut script = self.script()?;
            script.must(&format!(r"open f X:\{LARGE} read"))?;
            let facts = script.must("sha256 f")?;
            script.must("close f")?;
            ensure!(fact(&facts, "n")? == LARGE_LEN.to_string(), "{facts}");
            ensure!(
                fact(&facts, "sha256")? == content::sha256(&self.server.export().join(LARGE))?,
                "{facts}"
            );
            Ok(format!("{} MB/s with hashing", fact(&facts, "mbps")?))
        });
        steps.step("64 MiB written, SHA-256 equal on the server", || {
            let local = self.prefix.path(r"C:\copy.bin");
            fs::copy(self.server.export().join(LARGE), &local)?;
            let said = self
                .prefix
                .run("mrx9p-harness.exe", &["put", r"C:\copy.bin", r"X:\copy.bin"])?;
            let written = self.server.export().join("copy.bin");
            ensure!(fs::metadata(&written)?.len() == LARGE_LEN, "{said}");
            ensure!(
                content::sha256(&written)? == content::sha256(&local)?,
                "the copy differs"
            );
            Ok(said.rsplit(", ").next().unwrap_or_default().trim().to_owned())
        });
        Ok(())
    }

    fn disconnect(&self, steps: &mut Steps) -> Result<()> {
        let mut script = self.script()?;
        steps.step(
            "use X: /d with a file open is refused with 2401, the file still reads",
            || {
                script.must(&format!(r"open f X:\{SMALL} read"))?;
                let said = self.prefix.run("mrx9pctl.exe", &["use", "X:", "/d"]);
                let said = match said {
                    Ok(said) => bail!("it was not refused: {said}"),
                    Err(error) => format!("{error:#}"),
                };
                ensure!(said.contains("2401"), "{said}");
                let facts = script.must("read f 0 100")?;
                ensure!(facts.contains(SMALL_TEXT), "{facts}");
                Ok("ERROR_OPEN_FILES".to_owned())
            },
        );
        steps.step(
            "forced, it succeeds; the old handle fails and still closes",
            || {
                self.prefix.run("mrx9pctl.exe", &["use", "X:", "/d", "/y"])?;
                let error = script.refused("read f 0 100", "STATUS_UNEXPECTED_NETWORK_ERROR")?;
                script.must("close f")?;
                Ok(error)
            },
        );
        steps.step("X: gone from enumeration and from the object manager", || {
            let listed = script.must("enum")?;
            ensure!(!listed.contains("X:="), "listed are: {listed}");
            script.refused("getdos X:", "ERROR_FILE_NOT_FOUND")
        });
        Ok(())
    }
}

/// A server of its own, killed with a file open.
fn lose_a_server(steps: &mut Steps, project: &Project, prefix: &Prefix) -> Result<()> {
    let mut server = Server::start(project, None)?;
    fs::write(server.export().join(SMALL), SMALL_TEXT)?;
    let unc = server.unc();
    let mut script = script(prefix)?;
    steps.step(
        "mapped again, server killed: a read fails in time, unmapping works",
        || {
            script.must(&format!("map X: {unc}"))?;
            script.must(&format!(r"open f X:\{SMALL} read"))?;
            script.must("read f 0 100")?;
            server.kill();
            let (error, ms) = timed(&mut script, "read f 0 100")?;
            script.must("close f")?;
            script.must("unmap X:")?;
            Ok(format!("{error} after {ms} ms"))
        },
    );
    steps.step(
        "mapping a server that is not there fails clearly and in time",
        || {
            let (error, ms) = timed(&mut script, &format!("map X: {unc}"))?;
            script.refused("getdos X:", "ERROR_FILE_NOT_FOUND")?;
            Ok(format!("{error} after {ms} ms"))
        },
    );
    Ok(())
}

/// Asks for what must fail within a request's deadline and the grace; the error and the milliseconds it took.
fn timed(script: &mut Script, line: &str) -> Result<(String, u64)> {
    let answer = script.ask(line)?;
    let Some(error) = answer.strip_prefix("err ") else {
        bail!("`{line}` succeeded: {answer}")
    };
    let ms: u64 = fact(error, "ms")?.parse().context("milliseconds")?;
    ensure!(
        ms <= u64::from(installation::TEST_REQUEST_TIMEOUT_MS) + GRACE_MS,
        "`{line}` took {ms} ms"
    );
    let name = error.split(" ms=").next().unwrap_or(error);
    Ok((name.to_owned(), ms))
}

/// Unloads both drivers and looks at what they and the server had to say.
fn unload(prefix: &Prefix, server: &Server) -> Result<String> {
    prefix.run("mrx9pctl.exe", &["stop"])?;
    let outstanding = installation::unload(prefix)?;
    server.nothing_left()?;
    Ok(outstanding)
}

/// Numbered steps with their outcomes.
#[derive(Debug, Default)]
struct Steps {
    number: usize,
    tally: Tally,
}

impl Steps {
    /// Does one step; `work` gives its figures.
    fn step(&mut self, what: &str, work: impl FnOnce() -> Result<String>) {
        self.step_with(what, || Ok(((), work()?)));
    }

    /// Does one step that makes something for the next ones.
    fn step_with<T>(&mut self, what: &str, work: impl FnOnce() -> Result<(T, String)>) -> Option<T> {
        self.number += 1;
        let outcome = work();
        self.tally.count(outcome.is_ok());
        match outcome {
            Ok((made, figures)) if figures.is_empty() => {
                println!("ok {} - {what}", self.number);
                Some(made)
            }
            Ok((made, figures)) => {
                println!("ok {} - {what} ({figures})", self.number);
                Some(made)
            }
            Err(error) => {
                println!("not ok {} - {what}\n{error:#}", self.number);
                None
            }
        }
    }

    fn finish(self) -> ExitCode {
        println!("demo: {}", self.tally);
        if self.tally.failed == 0 {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        }
    }
}
