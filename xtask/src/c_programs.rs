//! The documented routines called from C, elsewhere than on the bare host: in Wine, and under the address sanitizer.
//!
//! The programs are those of `crates/ddi/tests`; so are the tests that compile them, serve them and count their checks.

use crate::prefix::Prefix;
use crate::process::capture;
use crate::programs;
use crate::project::Project;
use crate::stream::follow;
use crate::tally::Tally;
use crate::test::{follow_cargo_test, report, selects};
use crate::toolchain::{GNU, Toolchain, clean_environment};
use anyhow::{Context, Result, ensure};
use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

/// Compiling the test and running its program, both without a word, take seconds.
const SILENCE: Duration = Duration::from_secs(180);

/// A C program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Program {
    /// The connection engine's routines.
    RxCe,
    /// The object tree's routines.
    RxProcs,
}

impl Program {
    /// All of them.
    pub(crate) const ALL: [Self; 2] = [Self::RxCe, Self::RxProcs];

    /// The test program of `ddi` that runs it.
    fn test(self) -> &'static str {
        match self {
            Self::RxCe => "rxce_c",
            Self::RxProcs => "rxprocs_c",
        }
    }
}

/// Runs some in a prefix of their own, compiled by MinGW and linked with the static library for Windows.
pub(crate) fn in_wine(
    project: &Project,
    build: bool,
    programs: &[Program],
    filters: &[&str],
) -> Result<Tally> {
    let mut tally = Tally::default();
    let wanted: Vec<(&str, String)> = programs
        .iter()
        .map(|program| (program.test(), format!("{}_in_wine", program.test())))
        .filter(|(_, name)| selects(filters, name))
        .collect();
    if wanted.is_empty() {
        return Ok(tally);
    }
    if build {
        let step = crate::process::Step::begin("building the static library for C programs");
        let mut cargo = Toolchain::detect()?.gnu(project, "build")?;
        crate::process::run(&step, cargo.args(["-p", "ddihost"]))?;
        step.done();
    }
    let prefix = Prefix::create(project, |prefix| match programs::build_shim(project)? {
        Some(shim) => prefix.add_library(&shim),
        None => Ok(()),
    })?;
    for (program, name) in wanted {
        report(&mut tally, &name, run(project, &prefix, program));
    }
    Ok(tally)
}

fn run(project: &Project, prefix: &Prefix, program: &str) -> Result<()> {
    let library = project
        .generated("gnu")
        .join(GNU)
        .join("release")
        .join("libddihost.a");
    ensure!(library.is_file(), "{} is not built", library.display());
    let wine = prefix.runner();
    let mut cargo = Command::new("cargo");
    clean_environment(&mut cargo);
    cargo
        .current_dir(project.root())
        .args(["test", "-p", "ddi", "--test", program, "--", "--show-output"])
        .envs(wine.get_envs().filter_map(|(name, value)| Some((name, value?))))
        .env("DDI_CC", "x86_64-w64-mingw32-gcc")
        .env("DDI_LIBRARY", library)
        .env("DDI_UNDER", wine.get_program());
    let (mut checks, mut said) = (None, Vec::new());
    let status = follow(&mut cargo, SILENCE, |line| {
        if line.ends_with(" passed, 0 failed") {
            checks = Some(line.to_owned());
        }
        said.push(line.to_owned());
    })?;
    ensure!(status.success(), "{}", said.join("\n"));
    let checks = checks.with_context(|| format!("no checks were counted:\n{}", said.join("\n")))?;
    println!("{program}: of its checks in Wine, {checks}");
    Ok(())
}

/// The only host that the sanitized build is made for.
const HOST: &str = "x86_64-unknown-linux-gnu";

/// Runs them, and the other tests of `ddi`, with Rust and C under the address sanitizer: another build of everything, in a
/// folder of its own. rustup's toolchains bring the sanitizer's run-time library; Debian's do not.
pub(crate) fn under_address_sanitizer(project: &Project) -> Result<Tally> {
    let Some(runtime) = sanitizer_runtime(project)? else {
        println!(
            "the run under the address sanitizer is skipped: this Rust toolchain has no run-time library for it"
        );
        return Ok(Tally::default());
    };
    println!("under the address sanitizer:");
    let mut cargo = Command::new("cargo");
    clean_environment(&mut cargo);
    cargo
        .current_dir(project.root())
        // The option is an unstable one.
        .env("RUSTC_BOOTSTRAP", "1")
        .env("RUSTFLAGS", "-Zsanitizer=address")
        .env("DDI_SANITIZER", runtime)
        .args(["test", "-p", "ddi", "--tests", "--target", HOST, "--target-dir"])
        .arg(project.root().join("target/address-sanitizer"))
        .args(["--", "--show-output"]);
    follow_cargo_test(&mut cargo, |_| {})
}

fn sanitizer_runtime(project: &Project) -> Result<Option<PathBuf>> {
    let mut rustc = Command::new("rustc");
    clean_environment(&mut rustc);
    let toolchain = capture(rustc.current_dir(project.root()).args(["--print", "sysroot"]))?;
    let folder = PathBuf::from(toolchain.trim())
        .join("lib/rustlib")
        .join(HOST)
        .join("lib");
    let Ok(entries) = fs::read_dir(folder) else {
        return Ok(None);
    };
    let found = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .find(|file| file.to_string_lossy().ends_with("_rt.asan.a"));
    Ok(found)
}
