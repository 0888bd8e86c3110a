//! Edited copies of the two crates that only compile on a Windows host.
//!
//! wdk-build reads the kit's place from the registry and refuses other hosts; windows-future (a dependency of it)
//! does not compile elsewhere. Cargo is pointed at the copies by `paths`, so Cargo.lock and the registry stay as they
//! are. An edit whose pattern is not found exactly as often as expected is an error: a new version of the crate has
//! to be looked at by a person.

use crate::process::capture;
use crate::project::Project;
use crate::toolchain::clean_environment;
use anyhow::{Context, Result, bail};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Replaces `find`, which occurs `times` in `file`.
struct Edit {
    file: &'static str,
    find: &'static str,
    times: usize,
    replace: &'static str,
}

/// A crate with the edits that its copy gets.
struct Patched {
    name: &'static str,
    edits: &'static [Edit],
}

/// Bump when the edits change, so that old copies are replaced.
const EDITION: u32 = 1;

const PATCHED: [Patched; 2] = [
    Patched {
        name: "wdk-build",
        edits: &[
            // The registry is not there to be asked: WDKContentRoot says where the kit is.
            Edit {
                file: "src/utils.rs",
                find: "use windows::{\n    Win32::System::Registry::{\n        HKEY,\n        HKEY_LOCAL_MACHINE,\n        \
                       KEY_READ,\n        RRF_RT_REG_SZ,\n        RegCloseKey,\n        RegGetValueA,\n        \
                       RegOpenKeyExA,\n    },\n    core::{PCSTR, s},\n};\n",
                times: 1,
                replace: "macro_rules! s { ($text:literal) => { $text } }\nconst HKEY_LOCAL_MACHINE: () = ();\n",
            },
            Edit {
                file: "src/utils.rs",
                find: "    ffi::{CStr, OsStr},\n",
                times: 1,
                replace: "    ffi::OsStr,\n",
            },
            Edit {
                file: "src/utils.rs",
                find: "    key_handle: HKEY,\n    sub_key: PCSTR,\n    value: PCSTR,\n) -> Option<String> {\n",
                times: 1,
                replace: "    _key_handle: (),\n    _sub_key: &str,\n    _value: &str,\n) -> Option<String> {\n    \
                          None\n}\n\n#[cfg(any())]\nfn on_windows_only() -> Option<String> {\n",
            },
            // Build scripts are single-threaded where they set a variable.
            Edit {
                file: "src/utils.rs",
                find: "    compile_error!(\n        \"windows-drivers-rs is designed to be run on a Windows host \
                       machine in a WDK environment. \\\n         Please build using a Windows target.\"\n    );\n",
                times: 2,
                replace: "    panic!(\"environment variables are set by xtask on this host\");\n",
            },
            Edit {
                file: "src/cargo_make.rs",
                find: "std::os::windows::fs::symlink_file(",
                times: 2,
                replace: "std::os::unix::fs::symlink(",
            },
        ],
    },
    Patched {
        name: "windows-future",
        edits: &[Edit {
            file: "src/lib.rs",
            find: "#![expect(\n    missing_docs,",
            times: 1,
            replace: "#![cfg(windows)]\n#![expect(\n    missing_docs,",
        }],
    },
];

/// Makes the copies that are missing and gives their folders.
pub(crate) fn prepare(project: &Project) -> Result<Vec<PathBuf>> {
    let mut copies = Vec::new();
    let mut sources = None;
    for patched in &PATCHED {
        let version = locked_version(project, patched.name)?;
        let copy = project
            .generated("crates")
            .join(format!("{}-{version}-{EDITION}", patched.name));
        if !copy.is_dir() {
            if sources.is_none() {
                sources = Some(package_folders(project)?);
            }
            let folders = sources.as_deref().unwrap_or_default();
            let source = folders
                .iter()
                .find(|(name, found, _)| name == patched.name && *found == version)
                .map(|(_, _, folder)| folder)
                .with_context(|| format!("cargo knows no folder of {} {version}", patched.name))?;
            make_copy(source, &copy, patched)
                .with_context(|| format!("cannot adapt {} {version}", patched.name))?;
        }
        copies.push(copy);
    }
    Ok(copies)
}

/// Copies the crate beside its final place, edits it, and moves it there: a half-made copy is never used.
fn make_copy(source: &Path, copy: &Path, patched: &Patched) -> Result<()> {
    let draft = copy.with_extension(format!("draft{}", std::process::id()));
    copy_folder(source, &draft)?;
    for edit in patched.edits {
        let file = draft.join(edit.file);
        let text = fs::read_to_string(&file).with_context(|| format!("cannot read {}", edit.file))?;
        let text = text.replace("\r\n", "\n");
        let found = text.matches(edit.find).count();
        if found != edit.times {
            bail!(
                "{}: expected {} times, found {found} times:\n{}\nThe crate changed; adapt xtask/src/patch.rs.",
                edit.file,
                edit.times,
                edit.find
            );
        }
        fs::write(&file, text.replace(edit.find, edit.replace))?;
    }
    match fs::rename(&draft, copy) {
        Ok(()) => Ok(()),
        // Another build at the same time was first.
        Err(_) if copy.is_dir() => Ok(fs::remove_dir_all(&draft)?),
        Err(error) => Err(error).with_context(|| format!("cannot move {}", draft.display())),
    }
}

fn copy_folder(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from).with_context(|| format!("cannot list {}", from.display()))? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_folder(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), &target)?;
        }
    }
    Ok(())
}

/// The version that Cargo.lock names.
fn locked_version(project: &Project, name: &str) -> Result<String> {
    let lock = fs::read_to_string(project.source("Cargo.lock")).context("cannot read Cargo.lock")?;
    let entry = format!("name = \"{name}\"\nversion = \"");
    let mut found = lock.match_indices(&entry).filter_map(|(at, _)| {
        let rest = lock.get(at + entry.len()..)?;
        rest.split('"').next().map(str::to_owned)
    });
    let version = found
        .next()
        .with_context(|| format!("Cargo.lock has no {name}"))?;
    if found.next().is_some() {
        bail!("Cargo.lock has several versions of {name}");
    }
    Ok(version)
}

/// Name, version and folder of every package, downloaded where it was missing.
fn package_folders(project: &Project) -> Result<Vec<(String, String, PathBuf)>> {
    let mut cargo = Command::new("cargo");
    clean_environment(&mut cargo);
    let text = capture(
        cargo
            .current_dir(project.root())
            .args(["metadata", "--format-version", "1"]),
    )?;
    let metadata: Value = serde_json::from_str(&text).context("cargo metadata is not JSON")?;
    let packages = metadata["packages"]
        .as_array()
        .context("cargo metadata lists no packages")?;
    Ok(packages
        .iter()
        .filter_map(|package| {
            let folder = Path::new(package["manifest_path"].as_str()?).parent()?;
            Some((
                package["name"].as_str()?.to_owned(),
                package["version"].as_str()?.to_owned(),
                folder.to_path_buf(),
            ))
        })
        .collect())
}
