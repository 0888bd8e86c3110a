//! All tests: on this host, and against the real driver in Wine.

use crate::crash::{self, Crash, Culprit};
use crate::layer::{self, Selection};
use crate::prefix::{PACKAGE_FOLDER, Prefix};
use crate::process::find_program;
use crate::project::Project;
use crate::server::Server;
use crate::shell::{EXPORT_VARIABLE, UNC_VARIABLE};
use crate::stream::follow;
use crate::tally::Tally;
use crate::toolchain::clean_environment;
use crate::{c_programs, installation, package, setup};
use anyhow::{Result, anyhow, ensure};
use e2e::Script;
use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode};
use std::time::Duration;

/// A test program that prints nothing for so long hangs.
const SILENCE: Duration = Duration::from_secs(120);

/// Which tests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Rung {
    /// Unit, property, model and integration tests on this host.
    Host,
    /// The harness against the loaded driver, in Wine.
    Driver,
}

/// Runs the tests of the layers that `words` name, or all, and of these the ones whose names contain one of the other
/// words. The last line is `N passed, N failed`.
pub(crate) fn run(project: &Project, only: Option<Rung>, build: bool, words: &[String]) -> Result<ExitCode> {
    let mut tally = Tally::default();
    if only != Some(Rung::Host) {
        setup::ensure()?;
    }
    let selection = Selection::parse(words);
    if selection.layers.is_empty() {
        if only != Some(Rung::Driver) {
            tally = tally.plus(host(project, &selection.filters)?);
        }
        if only != Some(Rung::Host) {
            tally = tally.plus(driver(project, build, &selection.filters)?);
        }
    } else {
        tally = layer::test(project, only, build, &selection)?;
    }
    println!("{tally}");
    Ok(if tally.failed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// `cargo test` over the default members, and what they keep for a machine with diod.
fn host(project: &Project, filters: &[&str]) -> Result<Tally> {
    let mut cargo = Command::new("cargo");
    clean_environment(&mut cargo);
    cargo.current_dir(project.root());
    cargo.args(["test", "--no-fail-fast", "--"]).args(filters);
    let mut tally = follow_cargo_test(&mut cargo, |_| {})?;
    for package in layer::WITH_DIOD {
        tally = with_diod(project, package, filters, tally, |_| {})?;
    }
    Ok(tally)
}

/// Runs the tests of `package` that want a diod, where there is one, and adds them to `tally`, which has counted them as
/// skipped before.
pub(crate) fn with_diod(
    project: &Project,
    package: &str,
    filters: &[&str],
    mut tally: Tally,
    watch: impl FnMut(&str),
) -> Result<Tally> {
    if find_program("diod").is_none() {
        println!("the tests of {package} against diod are skipped: it is not installed (cargo xtask setup)");
        return Ok(tally);
    }
    let mut cargo = Command::new("cargo");
    clean_environment(&mut cargo);
    cargo
        .current_dir(project.root())
        .args(["test", "-p", package, "--test", "diod", "--"])
        .args(["--ignored", "--show-output"])
        .args(filters);
    let ignored = follow_cargo_test(&mut cargo, watch)?;
    tally.skipped = tally.skipped.saturating_sub(ignored.passed + ignored.failed);
    Ok(tally.plus(ignored))
}

/// Follows a `cargo test`, counts what it says and shows it, to `watch` too.
pub(crate) fn follow_cargo_test(cargo: &mut Command, mut watch: impl FnMut(&str)) -> Result<Tally> {
    let mut tally = Tally::default();
    let status = follow(cargo, 10 * SILENCE, |line| {
        println!("{line}");
        watch(line);
        tally.count_summary(line);
    })?;
    if !status.success() && tally.failed == 0 {
        // Something did not compile, or a test program died before its summary.
        report(&mut tally, "cargo_test", Err(anyhow!("{status}")));
    }
    Ok(tally)
}

/// Is a test of this name wanted?
pub(crate) fn selects(filters: &[&str], name: &str) -> bool {
    filters.is_empty() || filters.iter().any(|filter| name.contains(filter))
}

/// Which tests of the loaded driver.
#[derive(Debug)]
pub(crate) struct InDriver<'a> {
    /// Groups of the harness; none: all that the driver as shipped can run.
    pub(crate) groups: &'a [&'a str],
    /// Groups that are left out.
    pub(crate) skipped: &'a [&'a str],
    /// Parts of names; none: all.
    pub(crate) filters: &'a [&'a str],
    /// Whether to run the tests of package `e2e`.
    pub(crate) end_to_end: bool,
}

/// Some groups of the harness on the driver that is shipped.
pub(crate) fn groups_in_driver(project: &Project, build: bool, tests: &InDriver<'_>) -> Result<Tally> {
    if build {
        crate::build(project, None)?;
    }
    let package = package::assemble(project)?;
    past_crashes_of_wine(|| harness(project, &package, tests))
}

/// The packaged files, and the harness in a fresh prefix with a server.
fn driver(project: &Project, build: bool, filters: &[&str]) -> Result<Tally> {
    if build {
        crate::build(project, None)?;
        crate::build(project, Some(crate::Part::Selftest))?;
    }
    let package = package::assemble(project)?;
    let mut tally = Tally::default();
    for (name, outcome) in package::driver_checks(project, &package) {
        if selects(filters, name) {
            report(&mut tally, name, outcome);
        }
    }
    let name = "package::a_driver_with_self_tests_is_refused";
    if selects(filters, name) {
        report(&mut tally, name, self_tests_are_refused(project));
    }
    let all = InDriver {
        groups: &[],
        skipped: &[],
        filters,
        end_to_end: true,
    };
    tally = tally.plus(past_crashes_of_wine(|| harness(project, &package, &all))?);
    tally = tally.plus(past_crashes_of_wine(|| self_tests(project, &package, filters))?);
    tally = tally.plus(c_programs::in_wine(
        project,
        build,
        &c_programs::Program::ALL,
        filters,
    )?);
    let name = "service_does_not_stop_under_a_mapping";
    if selects(filters, name) {
        report(&mut tally, name, stop_under_a_mapping(project, &package));
    }
    Ok(tally)
}

/// Does a run again that ended in a crash of Wine's Winsock Kernel.
///
/// That kernel has a race: when a socket is closed with a request pending, the thread pool's callback for that request may
/// come after the socket has been freed, and the process of the drivers dies of what netio.sys does with it. Servers that
/// never answer make us close such sockets. A run that ends so says so, counts for nothing, and is repeated; so is, a few times,
/// one that ended where nobody saw the cause. Any other crash is a failure.
fn past_crashes_of_wine(mut run: impl FnMut() -> Result<(Tally, Vec<Crash>)>) -> Result<Tally> {
    // The self tests close several hundred such sockets: every third run or so meets the race.
    const REPETITIONS: usize = 19;
    // Now and then the debugger misses such an end. A bug of ours would come again, and be seen.
    const UNSEEN: usize = 2;
    let (mut repetitions, mut unseen) = (0, 0);
    loop {
        let (tally, crashes) = run()?;
        for crash in &crashes {
            println!("\n---- what crashed ----\n{crash}");
        }
        let has = |culprit| crashes.iter().any(|crash| crash.culprit == culprit);
        unseen += usize::from(has(Culprit::Unseen));
        if crashes.is_empty() || has(Culprit::Other) || unseen > UNSEEN || repetitions == REPETITIONS {
            return Ok(tally);
        }
        let whose = if has(Culprit::Unseen) {
            "Nobody saw who called that."
        } else {
            "That was Wine's netio.sys."
        };
        println!("{whose} Nothing of this run counts; once more.");
        repetitions += 1;
    }
}

/// The harness and the end-to-end tests on the driver that is shipped; with the crashes that there were.
fn harness(project: &Project, package: &Path, tests: &InDriver<'_>) -> Result<(Tally, Vec<Crash>)> {
    let server = Server::start(project, None)?;
    let prefix = installation::install(project, package)?;
    installation::shorten_deadlines(&prefix)?;
    installation::start(&prefix)?;
    let mut command = prefix.program("mrx9p-harness.exe");
    command
        .arg("run")
        .args(["--skip", SELF_TESTS])
        .args(tests.groups.iter().flat_map(|group| ["--group", group]))
        .args(tests.skipped.iter().flat_map(|group| ["--skip", group]))
        .args(tests.filters)
        .env(UNC_VARIABLE, server.unc())
        .env(EXPORT_VARIABLE, server.export());
    let (mut tally, complete) = run_harness(&mut command);
    report(&mut tally, "harness_runs_to_its_end", complete);
    if tests.end_to_end {
        tally = tally.plus(end_to_end(project, &prefix, tests.filters)?);
    }
    let unloaded = installation::unload(&prefix).map(drop);
    report(&mut tally, "drivers_unload_and_leave_nothing", unloaded);
    if tally.failed != 0 {
        println!("\n---- what the drivers printed ----\n{}", prefix.driver_log());
        println!("---- what the server printed ----\n{}", server.log());
    }
    Ok((tally, crash::told(&prefix)))
}

/// The harness's group for drivers with self tests.
const SELF_TESTS: &str = "rxce";

/// That group alone.
pub(crate) fn engine_in_driver(project: &Project, build: bool, filters: &[&str]) -> Result<Tally> {
    if build {
        crate::build(project, None)?;
        crate::build(project, Some(crate::Part::Selftest))?;
    }
    let package = package::assemble(project)?;
    past_crashes_of_wine(|| self_tests(project, &package, filters))
}

/// That group, on the driver that has them, in a prefix of its own. Result as for [`harness`].
fn self_tests(project: &Project, package: &Path, filters: &[&str]) -> Result<(Tally, Vec<Crash>)> {
    let server = Server::start(project, None)?;
    let prefix = installation::install(project, package)?;
    installation::replace_driver(project, &prefix)?;
    installation::start(&prefix)?;
    let mut command = prefix.program("mrx9p-harness.exe");
    command
        .args(["run", "--group", SELF_TESTS])
        .args(filters)
        .env(UNC_VARIABLE, server.unc());
    let (mut tally, complete) = run_harness(&mut command);
    report(&mut tally, "self_tests_run_to_their_end", complete);
    let unloaded = installation::unload(&prefix).map(drop);
    report(
        &mut tally,
        "driver_with_self_tests_unloads_and_leaves_nothing",
        unloaded,
    );
    if tally.failed != 0 {
        println!("\n---- what the drivers printed ----\n{}", prefix.driver_log());
    }
    Ok((tally, crash::told(&prefix)))
}

/// The packaging must not take the driver with self tests for the one to ship.
fn self_tests_are_refused(project: &Project) -> Result<()> {
    let image = project
        .binaries()
        .join(format!("{}.sys", crate::driver::Driver::Selftest.package()));
    ensure!(
        package::refuse_self_tests(&image).is_err(),
        "{} would be packaged",
        image.display()
    );
    Ok(())
}

/// Follows the harness; says what was counted and whether it came to its end.
fn run_harness(command: &mut Command) -> (Tally, Result<()>) {
    let mut tally = Tally::default();
    let mut closed = false;
    let ended = follow(command, SILENCE, |line| {
        // The closing line of all tests is ours.
        closed = closed || is_closing(line);
        if !is_closing(line) {
            println!("{line}");
        }
        tally.count_test(line);
    });
    let complete = match ended {
        Ok(status) if closed && (status.success() || tally.failed != 0) => Ok(()),
        Ok(status) => Err(anyhow!("the harness ended early: {status}")),
        Err(error) => Err(error),
    };
    (tally, complete)
}

/// The tests of package `e2e`, which bring servers of their own.
fn end_to_end(project: &Project, prefix: &Prefix, filters: &[&str]) -> Result<Tally> {
    let mut cargo = Command::new("cargo");
    clean_environment(&mut cargo);
    cargo
        .current_dir(project.root())
        .args(["test", "-p", "e2e", "--", "--test-threads=1"])
        .args(filters);
    // The environment of a program in the prefix, and what runs one.
    let program = prefix.runner();
    for (name, value) in program.get_envs() {
        match value {
            Some(value) => cargo.env(name, value),
            None => cargo.env_remove(name),
        };
    }
    cargo.env(e2e::RUNNER, program.get_program());
    cargo.env(e2e::PACKAGE, PACKAGE_FOLDER);
    cargo.env(
        e2e::REQUEST_TIMEOUT_MS,
        installation::TEST_REQUEST_TIMEOUT_MS.to_string(),
    );
    let mut tally = Tally::default();
    let status = follow(&mut cargo, 4 * SILENCE, |line| {
        println!("{line}");
        tally.count_summary(line);
    })?;
    if !status.success() && tally.failed == 0 {
        report(&mut tally, "cargo_test_e2e", Err(anyhow!("{status}")));
    }
    Ok(tally)
}

/// Asks the service manager to stop the service while a drive is mapped and a file is open: both go on. In a prefix of
/// its own, as Wine's service manager never forgets that it asked.
fn stop_under_a_mapping(project: &Project, package: &Path) -> Result<()> {
    let server = Server::start(project, None)?;
    fs::write(server.export().join("file"), "hello")?;
    let prefix = installation::install(project, package)?;
    installation::start(&prefix)?;
    let mut script = Script::start(prefix.program("mrx9p-harness.exe"))?;
    script.must("start")?;
    script.must(&format!("map X: {}", server.unc()))?;
    script.must(r"open f X:\file read")?;
    script.refused("stop", "STATUS_REDIRECTOR_HAS_OPEN_HANDLES")?;
    // Whatever the service manager makes of it, the driver stays: on Windows it says so, in Wine it may not.
    prefix.finish(prefix.program("net").args(["stop", installation::SERVICE]))?;
    let log = prefix.driver_log();
    ensure!(!log.contains("mrx9p: unloaded"), "{log}");
    let facts = script.must("read f 0 5")?;
    ensure!(facts.contains("hello"), "{facts}");
    script.must("close f")?;
    script.must("unmap X:")?;
    Ok(())
}

/// Shows the outcome of one test, and counts it.
pub(crate) fn report(tally: &mut Tally, name: &str, outcome: Result<()>) {
    println!(
        "test {name} ... {}",
        if outcome.is_ok() { "ok" } else { "FAILED" }
    );
    tally.count(outcome.is_ok());
    if let Err(error) = outcome {
        println!("{error:#}");
    }
}

/// `N passed, N failed`, as the harness ends.
fn is_closing(line: &str) -> bool {
    let mut words = line.split_whitespace();
    words.next().is_some_and(|number| number.parse::<u64>().is_ok()) && words.next() == Some("passed,")
}
