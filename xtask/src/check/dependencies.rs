//! Which package may depend on which: the picture of docs/architecture.md as a table.

use crate::process::capture;
use crate::project::Project;
use crate::toolchain::clean_environment;
use anyhow::{Context, Result, bail};
use serde_json::Value;
use std::collections::BTreeSet;
use std::process::Command;

/// A package, and the packages of the workspace that it may use.
const ALLOWED: [(&str, &[&str]); 19] = [
    ("nt", &[]),
    ("executive", &["nt"]),
    ("rxce", &["executive", "nt"]),
    ("rdbss", &["nt"]),
    ("ninep", &[]),
    ("minirdr", &["executive", "ninep", "nt", "rdbss", "rxce"]),
    ("ddi", &["executive", "nt", "rdbss", "rxce"]),
    ("ddihost", &["ddi"]),
    ("ioctl", &["nt"]),
    ("client", &["ioctl", "nt"]),
    ("provider", &["client", "ioctl", "nt"]),
    ("harness", &["client", "ioctl", "nt"]),
    ("ctl", &["client", "ioctl", "nt"]),
    ("p9", &["executive", "minirdr", "nt", "rxce"]),
    ("testserver", &[]),
    (
        "mrx9p",
        &["ddi", "executive", "ioctl", "minirdr", "nt", "rdbss", "rxce"],
    ),
    (
        "mrx9p-selftest",
        &["ddi", "executive", "ioctl", "minirdr", "nt", "rdbss", "rxce"],
    ),
    ("irpdrv", &["executive", "ioctl", "nt"]),
    ("xtask", &["e2e", "ioctl", "testserver"]),
];

/// Packages for tests alone, which may use anything.
const FREE: [&str; 4] = ["e2e", "fuzz-targets", "ninep-tests", "p9-tests"];

/// What tests of any package may use besides.
const FOR_TESTS: [&str; 2] = ["ddihost", "testserver"];

/// Outside packages that belong in few places, by the beginning of their name.
const RESERVED: [(&str, &[&str]); 2] = [
    ("wdk", &["mrx9p", "mrx9p-selftest", "irpdrv", "executive"]),
    ("windows-sys", &["client", "provider", "harness", "ctl"]),
];

/// What code that ends up in the kernel may use from outside.
const KERNEL: [&str; 8] = [
    "nt",
    "executive",
    "rxce",
    "rdbss",
    "ninep",
    "minirdr",
    "ioctl",
    "mrx9p",
];
const KERNEL_SAFE: [&str; 4] = ["bitflags", "zerocopy", "hashbrown", "wdk"];

/// Optional dependencies of layers which only host builds turn on.
const HOST_ONLY: [(&str, &str); 3] = [("executive", "loom"), ("rxce", "mio"), ("rxce", "socket2")];

/// Holds every manifest against the tables.
pub(crate) fn check(project: &Project) -> Result<()> {
    let mut cargo = Command::new("cargo");
    clean_environment(&mut cargo);
    cargo
        .current_dir(project.root())
        .args(["metadata", "--no-deps", "--format-version", "1"]);
    let metadata: Value =
        serde_json::from_str(&capture(&mut cargo)?).context("cargo metadata is not JSON")?;
    let problems = problems(&metadata);
    if problems.is_empty() {
        Ok(())
    } else {
        bail!("  {}", problems.join("\n  "))
    }
}

fn problems(metadata: &Value) -> Vec<String> {
    let none = Vec::new();
    let packages = metadata["packages"].as_array().unwrap_or(&none);
    let ours: BTreeSet<&str> = packages
        .iter()
        .filter_map(|package| package["name"].as_str())
        .collect();
    let mut problems = Vec::new();
    for package in packages {
        let name = package["name"].as_str().unwrap_or_default();
        if FREE.contains(&name) {
            continue;
        }
        let Some((_, allowed)) = ALLOWED.iter().find(|(known, _)| *known == name) else {
            problems.push(format!("{name}: has no entry in xtask/src/check/dependencies.rs"));
            continue;
        };
        for dependency in package["dependencies"].as_array().unwrap_or(&none) {
            let used = dependency["name"].as_str().unwrap_or_default();
            let local = ours.contains(used) && !dependency["path"].is_null();
            let kind = dependency["kind"].as_str().unwrap_or("normal");
            if let Some(problem) = problem(name, allowed, used, local, kind) {
                problems.push(problem);
            }
        }
    }
    problems
}

/// What is wrong with `name` using `used`.
fn problem(name: &str, allowed: &[&str], used: &str, local: bool, kind: &str) -> Option<String> {
    if local {
        let for_tests = kind == "dev" && FOR_TESTS.contains(&used);
        // A package that turns on more of itself for its tests.
        let itself = kind == "dev" && used == name;
        return (!allowed.contains(&used) && !for_tests && !itself)
            .then(|| format!("{name} must not know {used}"));
    }
    if let Some((_, holders)) = RESERVED.iter().find(|(prefix, _)| used.starts_with(prefix))
        && !holders.contains(&name)
    {
        return Some(format!("{name} must not use {used}"));
    }
    let host_only = HOST_ONLY.contains(&(name, used));
    let safe = KERNEL_SAFE.iter().any(|prefix| used.starts_with(prefix));
    (kind == "normal" && KERNEL.contains(&name) && !safe && !host_only)
        .then(|| format!("{name}: {used} is not known to be fit for the kernel"))
}

#[cfg(test)]
mod tests {
    use super::problem;

    #[test]
    fn arrows_point_down() {
        assert_eq!(problem("rxce", &["nt"], "nt", true, "normal"), None);
        assert!(problem("nt", &[], "rxce", true, "normal").is_some());
        assert!(problem("nt", &[], "rxce", true, "dev").is_some());
        assert_eq!(problem("ninep", &[], "testserver", true, "dev"), None);
        assert_eq!(problem("rxce", &["nt"], "rxce", true, "dev"), None);
    }

    #[test]
    fn outside_packages_stay_in_their_places() {
        assert!(problem("rdbss", &[], "wdk-sys", false, "normal").is_some());
        assert_eq!(problem("executive", &[], "wdk-sys", false, "normal"), None);
        assert!(problem("ninep", &[], "serde", false, "normal").is_some());
        assert_eq!(problem("ninep", &[], "proptest", false, "dev"), None);
        assert_eq!(problem("mrx9p", &[], "bindgen", false, "build"), None);
    }
}
