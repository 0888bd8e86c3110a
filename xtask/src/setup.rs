//! What has to be installed, and installing it on Debian.

use crate::process::{self, Step, find_program};
use anyhow::{Result, bail};
use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

/// One thing that the work needs: how to see that it is there, and the Debian package that brings it.
struct Need {
    package: &'static str,
    sign: Sign,
    purpose: &'static str,
    kind: Kind,
}

/// When it is needed.
#[derive(PartialEq, Eq)]
enum Kind {
    Always,
    /// On a machine without rustup's Windows targets.
    Toolchain,
    /// There is a substitute.
    Optional,
}

enum Sign {
    Program(&'static str),
    File(&'static str),
    /// A file below a folder whose name starts so.
    Below(&'static str, &'static str, &'static str),
}

const NEEDS: [Need; 15] = [
    need(
        "rustc-web",
        Sign::File("/usr/bin/rustc"),
        "compiler for the Windows targets",
        Kind::Toolchain,
    ),
    need(
        "cargo-web",
        Sign::File("/usr/bin/cargo"),
        "cargo of that compiler",
        Kind::Toolchain,
    ),
    need(
        "rust-web-src",
        Sign::File("/usr/lib/rustlib/src/rust/library/core/src/lib.rs"),
        "sources of the standard library",
        Kind::Toolchain,
    ),
    need(
        "rust-web-clippy",
        Sign::File("/usr/bin/cargo-clippy"),
        "lints for the Windows targets",
        Kind::Toolchain,
    ),
    need(
        "gcc-mingw-w64-x86-64",
        Sign::File("/usr/x86_64-w64-mingw32/include/ddk/ntifs.h"),
        "headers of the driver kit, linker of the programs",
        Kind::Always,
    ),
    need(
        "gcc-mingw-w64-x86-64",
        Sign::Program("x86_64-w64-mingw32-gcc"),
        "linker of the programs",
        Kind::Always,
    ),
    need(
        "clang",
        Sign::Program("clang"),
        "reading the kit's headers",
        Kind::Always,
    ),
    need(
        "libclang-dev",
        Sign::Below("/usr/lib", "llvm-", "lib/libclang.so"),
        "reading the kit's headers",
        Kind::Always,
    ),
    need(
        "llvm",
        Sign::Program("llvm-dlltool"),
        "import libraries",
        Kind::Always,
    ),
    need("lld", Sign::Program("lld-link"), "linking drivers", Kind::Always),
    need(
        "wine",
        Sign::Program("wine"),
        "running drivers and programs",
        Kind::Always,
    ),
    need(
        "wine64",
        Sign::Program("wineserver"),
        "running drivers and programs",
        Kind::Always,
    ),
    need(
        "osslsigncode",
        Sign::Program("osslsigncode"),
        "signing the package",
        Kind::Always,
    ),
    need(
        "openssl",
        Sign::Program("openssl"),
        "a certificate to sign with",
        Kind::Always,
    ),
    need(
        "diod",
        Sign::Program("diod"),
        "a 9P server to test against",
        Kind::Optional,
    ),
];

const fn need(package: &'static str, sign: Sign, purpose: &'static str, kind: Kind) -> Need {
    Need {
        package,
        sign,
        purpose,
        kind,
    }
}

impl Need {
    fn is_met(&self) -> bool {
        match self.sign {
            Sign::Program(name) => find_program(name).is_some(),
            Sign::File(path) => Path::new(path).exists(),
            Sign::Below(folder, prefix, file) => std::fs::read_dir(folder).is_ok_and(|entries| {
                entries.flatten().any(|entry| {
                    entry.file_name().to_string_lossy().starts_with(prefix)
                        && entry.path().join(file).exists()
                })
            }),
        }
    }
}

/// Sees to it that everything needed is installed. Quick when it is.
pub(crate) fn ensure() -> Result<()> {
    let rustup = crate::toolchain::rustup_has_windows_targets();
    let missing: Vec<&Need> = NEEDS
        .iter()
        .filter(|need| !(need.is_met() || (rustup && need.kind == Kind::Toolchain)))
        .collect();
    let (optional, required): (Vec<&Need>, Vec<&Need>) =
        missing.into_iter().partition(|need| need.kind == Kind::Optional);
    install(&required)?;
    if let Err(error) = install(&optional) {
        eprintln!("going on without: {error:#}");
    }
    Ok(())
}

fn install(missing: &[&Need]) -> Result<()> {
    if missing.is_empty() {
        return Ok(());
    }
    let mut packages: Vec<&str> = missing.iter().map(|need| need.package).collect();
    packages.dedup();
    if find_program("apt-get").is_none() {
        bail!("{}", elsewhere(missing));
    }
    if !is_root() {
        bail!(
            "missing packages; install them with\n  sudo apt-get install --no-install-recommends {}",
            packages.join(" ")
        );
    }
    let step = Step::begin(format!("installing {}", packages.join(" ")));
    if apt(&["install"], &packages).is_err() {
        apt(&["update"], &[])?;
        apt(&["install"], &packages)?;
    }
    step.done();
    let still: Vec<&Need> = missing.iter().copied().filter(|need| !need.is_met()).collect();
    if still.is_empty() {
        Ok(())
    } else {
        bail!("{}", elsewhere(&still))
    }
}

/// What a person has to bring on a system without Debian's packages.
fn elsewhere(missing: &[&Need]) -> String {
    let mut text = String::from("missing, and not to be installed from here (names are Debian's):");
    for need in missing {
        let _ = write!(text, "\n  {:24} {}", need.package, need.purpose);
    }
    text.push_str(
        "\nA Rust toolchain for Windows may also come from\n  \
         rustup target add x86_64-pc-windows-msvc x86_64-pc-windows-gnu",
    );
    text
}

fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt;
    Path::new("/proc/self")
        .metadata()
        .is_ok_and(|meta| meta.uid() == 0)
}

fn apt(verb: &[&str], packages: &[&str]) -> Result<()> {
    process::capture(
        Command::new("apt-get")
            .env("DEBIAN_FRONTEND", "noninteractive")
            .args(["-q", "-y", "--no-install-recommends"])
            .args(verb)
            .args(packages),
    )?;
    Ok(())
}
