//! A folder that looks like the Windows Driver Kit, made of mingw-w64's headers and a few of our own.
//!
//! wdk-build expects `Include/<version>/{km,km/crt,shared,um}` and `Lib/<version>/{km,um}/x64`.

use crate::project::{KIT_VERSION, Project};
use anyhow::{Context, Result, bail};
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

/// Where Debian puts the mingw-w64 headers.
const MINGW_HEADERS: &str = "/usr/x86_64-w64-mingw32/include";

/// Headers of ours in the place of, or besides, the kit's. Sources are in `xtask/wdk`.
const OWN_HEADERS: [&str; 2] = ["ntstrsafe.h", "wsk.h"];

/// Intrinsics, which bindgen needs none of: their AMX and AVX types only make it stumble.
const EMPTY_HEADERS: [&str; 11] = [
    "mmintrin.h",
    "xmmintrin.h",
    "emmintrin.h",
    "pmmintrin.h",
    "tmmintrin.h",
    "smmintrin.h",
    "nmmintrin.h",
    "immintrin.h",
    "x86intrin.h",
    "ammintrin.h",
    "mm3dnow.h",
];

/// Makes the tree if it is missing or its ingredients changed, and gives the fingerprint of its content.
pub(crate) fn prepare(project: &Project) -> Result<String> {
    let mingw = Path::new(MINGW_HEADERS);
    if !mingw.join("ddk").join("ntifs.h").is_file() {
        bail!("the mingw-w64 DDK headers are missing: run `cargo xtask setup`");
    }
    let fingerprint = fingerprint(project, mingw)?;
    let stamp = project.kit().join("fingerprint");
    if fs::read_to_string(&stamp).is_ok_and(|found| found == fingerprint) {
        return Ok(fingerprint);
    }
    let include = project.kit().join("Include").join(KIT_VERSION);
    if include.exists() {
        fs::remove_dir_all(&include).with_context(|| format!("cannot replace {}", include.display()))?;
    }
    let km = include.join("km");
    let crt = km.join("crt");
    for folder in [&crt, &include.join("shared"), &include.join("um")] {
        fs::create_dir_all(folder)?;
    }
    for side in ["km", "um"] {
        fs::create_dir_all(project.kit().join("Lib").join(KIT_VERSION).join(side).join("x64"))?;
    }
    link_all(&mingw.join("ddk"), &km, &OWN_HEADERS)?;
    link_all(
        mingw,
        &crt,
        &[&["ddk"], &OWN_HEADERS[..], &EMPTY_HEADERS[..]].concat(),
    )?;
    for name in OWN_HEADERS {
        symlink(own_header(project, name), km.join(name))?;
    }
    for name in EMPTY_HEADERS {
        fs::write(crt.join(name), "")?;
    }
    fs::write(stamp, &fingerprint)?;
    Ok(fingerprint)
}

fn own_header(project: &Project, name: &str) -> PathBuf {
    project.source("xtask/wdk").join(name)
}

fn link_all(from: &Path, to: &Path, except: &[&str]) -> Result<()> {
    for entry in fs::read_dir(from).with_context(|| format!("cannot list {}", from.display()))? {
        let name = entry?.file_name();
        if !except.iter().any(|skipped| name == *skipped) {
            symlink(from.join(&name), to.join(&name))?;
        }
    }
    Ok(())
}

/// Our headers by content, mingw's by size and time: enough to notice an edit and an upgrade.
fn fingerprint(project: &Project, mingw: &Path) -> Result<String> {
    let mut hasher = DefaultHasher::new();
    EMPTY_HEADERS.hash(&mut hasher);
    project.root().hash(&mut hasher);
    for name in OWN_HEADERS {
        let file = own_header(project, name);
        fs::read(&file)
            .with_context(|| format!("cannot read {}", file.display()))?
            .hash(&mut hasher);
    }
    for name in [
        "ddk/ntifs.h",
        "ddk/ntddk.h",
        "ddk/wdm.h",
        "ntdef.h",
        "ntstatus.h",
        "winnt.h",
    ] {
        let meta = fs::metadata(mingw.join(name)).with_context(|| format!("mingw-w64 has no {name}"))?;
        meta.len().hash(&mut hasher);
        meta.modified()?
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default()
            .hash(&mut hasher);
    }
    Ok(format!("{:016x}", hasher.finish()))
}
