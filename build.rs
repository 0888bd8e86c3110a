//! Build configuration of the driver: the WDK's linker settings, and bindings to Winsock Kernel, which `wdk-sys`
//! does not cover.

use anyhow::{Context, Result};
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
    bind_wsk(&config)
}

/// Writes `OUT_DIR/wsk.rs` from the kit's wsk.h. Types that `wdk-sys` has (IRP, MDL, UNICODE_STRING …) are left out:
/// the including module brings them in with `use wdk_sys::*`.
fn bind_wsk(config: &Config) -> Result<()> {
    let out =
        std::path::PathBuf::from(std::env::var_os("OUT_DIR").context("cargo sets OUT_DIR")?).join("wsk.rs");
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
