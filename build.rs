//! Build configuration of the driver: the WDK's linker settings, and bindings to Winsock Kernel, which `wdk-sys`
//! does not cover; for the self tests, a C program.

use anyhow::{Context, Result, ensure};
use std::path::PathBuf;
use std::process::Command;
use wdk_build::{BuilderExt, Config};

fn main() -> Result<()> {
    let config = Config::from_env_auto().context("no WDK configuration")?;
    config
        .configure_binary_build()
        .context("cannot configure the driver's link")?;
    // The loader checks the image's checksum; the linker computes one only for release images.
    println!("cargo::rustc-cdylib-link-arg=/RELEASE");
    // Winsock Kernel.
    println!("cargo::rustc-link-lib=netio");
    // Its frames would not fit on a kernel stack (docs/adr/0012): it can be checked, but not linked.
    if variable("OPT_LEVEL")? == "0" {
        println!("cargo::warning=an unoptimised driver overflows kernel stacks: build it with --release");
        println!("cargo::rustc-cdylib-link-arg=build-the-driver-with---release.lib");
    }
    bind_wsk(&config)?;
    // The self tests use the documented routines from C, as a mini-redirector written in C would.
    if std::env::var_os("CARGO_FEATURE_SELFTEST").is_some() {
        compile_program()?;
    }
    Ok(())
}

/// Compiles the C program that uses every documented routine, and has it linked into the driver.
fn compile_program() -> Result<()> {
    let package = PathBuf::from(variable("CARGO_MANIFEST_DIR")?);
    let root = package
        .ancestors()
        .find(|folder| folder.join("include/rxce.h").is_file());
    let root = root.context("include/rxce.h is missing")?;
    let sources = root.join("crates/ddi/tests");
    let object = PathBuf::from(variable("OUT_DIR")?).join("rxce.obj");
    let status = Command::new("clang")
        .args(["--target=x86_64-pc-windows-msvc", "-c", "-O2", "-g", "-gcodeview"])
        // No run-time library, and no check of the stack, which is far larger than its frames.
        .args(["-ffreestanding", "-fno-stack-protector", "-mno-stack-arg-probe"])
        .args(["-Wall", "-Wextra", "-Werror", "-Wframe-larger-than=4000"])
        .arg("-DRXCE_IN_DRIVER")
        .arg("-I")
        .arg(root.join("include"))
        .arg(sources.join("rxce.c"))
        .arg("-o")
        .arg(&object)
        .status()
        .context("cannot start clang")?;
    ensure!(status.success(), "clang does not compile rxce.c");
    println!("cargo::rustc-cdylib-link-arg={}", object.display());
    for used in [&sources, &root.join("include"), &root.join("build.rs")] {
        println!("cargo::rerun-if-changed={}", used.display());
    }
    Ok(())
}

fn variable(name: &str) -> Result<String> {
    std::env::var(name).with_context(|| format!("cargo sets {name}"))
}

/// Writes `OUT_DIR/wsk.rs` from the kit's wsk.h. Types that `wdk-sys` has (IRP, MDL, UNICODE_STRING …) are left out:
/// the including module brings them in with `use wdk_sys::*`.
fn bind_wsk(config: &Config) -> Result<()> {
    let out = PathBuf::from(variable("OUT_DIR")?).join("wsk.rs");
    bindgen::Builder::wdk_default(config)
        .context("no settings for bindgen")?
        .header_contents("wsk-input.h", "#include \"ntifs.h\"\n#include \"wsk.h\"\n")
        .allowlist_recursively(false)
        .allowlist_item("_?P?WSK_.*")
        .allowlist_item("PFN_WSK_.*")
        .allowlist_item("Wsk.*")
        .allowlist_item("P?SOCKADDR.*|sockaddr.*|P?IN6?_ADDR|in6?_addr.*|P?SCOPE_ID.*")
        .allowlist_item("P?ADDRINFOEXW|addrinfoexW|P?CMSGHDR|cmsghdr|ADDRESS_FAMILY")
        .allowlist_item(
            "AF_INET6?|AF_UNSPEC|SOCK_STREAM|SOCK_DGRAM|IPPROTO(_TCP)?|SOL_SOCKET|SO_.*BUF|SO_KEEPALIVE|TCP_NODELAY",
        )
        .allowlist_item("AI_.*|NS_ALL")
        .generate()
        .context("cannot read wsk.h")?
        .write_to_file(&out)
        .with_context(|| format!("cannot write {}", out.display()))
}
