//! Which Rust toolchain compiles for Windows, and the cargo commands that use it.
//!
//! A toolchain of rustup's with the Windows targets is taken when there is one. Otherwise Debian's `rustc-web`, which
//! ships the sources of the standard library for every target, builds `core` and `alloc` (or `std`) along.

use crate::process::{capture, find_program};
use crate::project::{KIT_VERSION, Project};
use anyhow::{Context, Result, bail};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The target of drivers.
pub(crate) const MSVC: &str = "x86_64-pc-windows-msvc";
/// The target of the DLL and the programs.
pub(crate) const GNU: &str = "x86_64-pc-windows-gnu";

/// Debian's toolchain.
const DEBIAN_RUSTC: &str = "/usr/bin/rustc";
const DEBIAN_CARGO: &str = "/usr/bin/cargo";
const DEBIAN_CLIPPY: &str = "/usr/bin/cargo-clippy";
const DEBIAN_LIBRARY_SOURCES: &str = "/usr/lib/rustlib/src/rust/library/core/src/lib.rs";

/// A way to compile for Windows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Toolchain {
    /// The active rustup toolchain, which has both Windows targets installed.
    Rustup,
    /// Debian's rustc-web and cargo-web, which build the standard library from source.
    Debian,
}

impl Toolchain {
    /// Finds the toolchain to use.
    pub(crate) fn detect() -> Result<Self> {
        if rustup_has_windows_targets() {
            return Ok(Self::Rustup);
        }
        if debian_is_complete() {
            return Ok(Self::Debian);
        }
        bail!(
            "no Rust toolchain for Windows: run `cargo xtask setup` (Debian), or \
             `rustup target add {MSVC} {GNU}`"
        )
    }

    /// A `cargo <verb>` for the driver packages. The kit (`WDKContentRoot`), the linker and the patched copies of
    /// crates are set up for it; `fingerprint` names the state of the kit, so that bindings follow its changes.
    pub(crate) fn msvc(self, project: &Project, verb: &str, kit: &KitState) -> Result<Command> {
        let mut cargo = self.cargo(project, verb, MSVC)?;
        let copies: Vec<String> = kit
            .patched
            .iter()
            .map(|copy| format!("'{}'", copy.display()))
            .collect();
        let include = clang_resources()?.join("include");
        cargo
            .arg("--config")
            .arg(format!("paths=[{}]", copies.join(",")))
            .env("WDKContentRoot", project.kit())
            .env("Version_Number", KIT_VERSION)
            .env("CARGO_TARGET_X86_64_PC_WINDOWS_MSVC_LINKER", &kit.linker)
            .env(
                "BINDGEN_EXTRA_CLANG_ARGS",
                format!(
                    "--target=x86_64-w64-mingw32 -fno-ms-compatibility -fms-extensions -isystem {} -DMRX9P_KIT={}",
                    include.display(),
                    kit.fingerprint
                ),
            );
        if self == Self::Debian {
            cargo.args([
                "-Zbuild-std=core,alloc",
                "-Zbuild-std-features=compiler-builtins-mem",
            ]);
        }
        Ok(cargo)
    }

    /// A `cargo <verb>` for the user-mode packages.
    pub(crate) fn gnu(self, project: &Project, verb: &str) -> Result<Command> {
        let mut cargo = self.cargo(project, verb, GNU)?;
        cargo
            .env(
                "CARGO_TARGET_X86_64_PC_WINDOWS_GNU_LINKER",
                "x86_64-w64-mingw32-gcc",
            )
            // DWARF inside an .exe is of no use to Windows' debuggers.
            .env("CARGO_PROFILE_RELEASE_STRIP", "symbols");
        if self == Self::Debian {
            cargo.arg("-Zbuild-std=std,panic_abort");
        }
        Ok(cargo)
    }

    fn cargo(self, project: &Project, verb: &str, target: &str) -> Result<Command> {
        let mut cargo = match self {
            Self::Rustup => Command::new(find_program("cargo").context("cargo is not on PATH")?),
            // Not through `cargo clippy`: that prefers rustup's clippy, for another compiler.
            Self::Debian if verb == "clippy" => Command::new(DEBIAN_CLIPPY),
            Self::Debian => Command::new(DEBIAN_CARGO),
        };
        clean_environment(&mut cargo);
        cargo
            .env("CARGO_FUTURE_INCOMPAT_REPORT_FREQUENCY", "never")
            .env("RUST_BACKTRACE", "0");
        if self == Self::Debian {
            cargo
                .env("RUSTC", DEBIAN_RUSTC)
                .env("RUSTC_BOOTSTRAP", "1")
                .env("CARGO", DEBIAN_CARGO);
        }
        // One folder per target: a driver and a program can be built at the same time. It has to lie below the
        // workspace, as wdk-build looks for Cargo.lock upwards from there.
        let folder = if target == MSVC { "msvc" } else { "gnu" };
        cargo
            .current_dir(project.root())
            .arg(verb)
            .args(["--release", "--target", target, "--target-dir"])
            .arg(project.generated(folder));
        Ok(cargo)
    }
}

/// What the driver build needs besides the toolchain.
#[derive(Debug, Clone)]
pub(crate) struct KitState {
    /// Names the content of the kit's headers.
    pub(crate) fingerprint: String,
    /// Folders of the crates that are built from an edited copy.
    pub(crate) patched: Vec<PathBuf>,
    /// The linker, named `lld-link`.
    pub(crate) linker: PathBuf,
}

/// Removes what `cargo run` told this process, as it concerns another toolchain or another package. User settings
/// (`CARGO_HOME`, `CARGO_NET_*`, `CARGO_HTTP_*`, …) stay.
pub(crate) fn clean_environment(command: &mut Command) {
    let ours = [
        "CARGO_HOME",
        "CARGO_NET_",
        "CARGO_HTTP_",
        "CARGO_REGISTR",
        "CARGO_SOURCE_",
        "CARGO_TERM_",
        "CARGO_BUILD_JOBS",
        "CARGO_TARGET_DIR",
    ];
    let theirs = ["CARGO", "RUSTC", "RUSTDOC", "RUSTFLAGS", "LD_LIBRARY_PATH"];
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        let stays = ours.iter().any(|prefix| text.starts_with(prefix));
        if !stays && theirs.iter().any(|prefix| text.starts_with(prefix)) {
            command.env_remove(&name);
        }
    }
}

/// Whether the active rustup toolchain has both Windows targets.
pub(crate) fn rustup_has_windows_targets() -> bool {
    let Some(rustup) = find_program("rustup") else {
        return false;
    };
    let installed = capture(Command::new(rustup).args(["target", "list", "--installed"])).unwrap_or_default();
    [MSVC, GNU]
        .iter()
        .all(|target| installed.lines().any(|line| line == *target))
}

fn debian_is_complete() -> bool {
    [DEBIAN_RUSTC, DEBIAN_CARGO, DEBIAN_LIBRARY_SOURCES]
        .iter()
        .all(|file| Path::new(file).exists())
}

/// Where clang keeps its own headers.
fn clang_resources() -> Result<PathBuf> {
    let clang = find_program("clang").context("clang is missing: run `cargo xtask setup`")?;
    let folder = capture(Command::new(clang).arg("-print-resource-dir"))?;
    Ok(PathBuf::from(OsString::from(folder.trim())))
}
