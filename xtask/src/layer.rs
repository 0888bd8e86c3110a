//! Everything of one layer at once: its tests on every rung.

use crate::c_programs::{self, Program};
use crate::project::Project;
use crate::tally::Tally;
use crate::test::{self, InDriver, Rung};
use crate::toolchain::clean_environment;
use anyhow::Result;
use std::process::Command;

/// What belongs to a layer.
#[derive(Debug)]
pub(crate) struct Layer {
    /// As it is called on the command line.
    pub(crate) name: &'static str,
    /// The packages whose tests are all its own.
    packages: &'static [&'static str],
    /// Of these, the ones with tests that want a diod (`tests/diod.rs`).
    diod: &'static [&'static str],
    /// The package whose races run under loom.
    loom: Option<&'static str>,
    /// The C programs that call its documented routines.
    c_programs: &'static [Program],
    /// The harness's groups that run on the driver as shipped.
    groups: &'static [&'static str],
    /// Whether all groups that no layer names are its own, too.
    other_groups: bool,
    /// Whether the driver with self tests has a group of its name.
    self_tests: bool,
    /// Whether the end-to-end tests in Wine are its own.
    end_to_end: bool,
}

/// A layer of which nothing but its package's tests is known.
const fn plain(name: &'static str, packages: &'static [&'static str]) -> Layer {
    Layer {
        name,
        packages,
        diod: &[],
        loom: None,
        c_programs: &[],
        groups: &[],
        other_groups: false,
        self_tests: false,
        end_to_end: false,
    }
}

/// The layers, bottom up.
pub(crate) const LAYERS: &[Layer] = &[
    plain("nt", &["nt"]),
    Layer {
        loom: Some("executive"),
        ..plain("executive", &["executive"])
    },
    Layer {
        loom: Some("rxce"),
        c_programs: &Program::ALL,
        self_tests: true,
        ..plain("rxce", &["rxce", "ddi"])
    },
    Layer {
        c_programs: &[Program::RxProcs],
        groups: &["mapping", "query_path", "finalize", "stress", "lifecycle"],
        ..plain("rdbss", &["rdbss", "ddi"])
    },
    Layer {
        diod: &["ninep"],
        ..plain("ninep", &["ninep", "ninep-tests"])
    },
    Layer {
        diod: &["minirdr"],
        other_groups: true,
        end_to_end: true,
        ..plain("minirdr", &["minirdr"])
    },
    Layer {
        c_programs: &Program::ALL,
        ..plain("ddi", &["ddi"])
    },
    Layer {
        groups: &["control"],
        ..plain("ioctl", &["ioctl"])
    },
    Layer {
        groups: &["provider"],
        ..plain("provider", &["client"])
    },
    plain("testserver", &["testserver"]),
    Layer {
        diod: &["p9-tests"],
        ..plain("p9", &["p9", "p9-tests"])
    },
];

/// The packages with tests that want a diod.
pub(crate) const WITH_DIOD: [&str; 3] = ["ninep", "minirdr", "p9-tests"];

/// Which layers to test, and of them which tests.
#[derive(Debug, Default)]
pub(crate) struct Selection<'a> {
    /// None: all.
    pub(crate) layers: Vec<&'static Layer>,
    /// None: all; else the tests whose names contain one of these.
    pub(crate) filters: Vec<&'a str>,
}

impl<'a> Selection<'a> {
    /// Sorts words into names of layers and parts of names of tests.
    pub(crate) fn parse(words: &'a [String]) -> Self {
        let mut selection = Self::default();
        for word in words {
            match LAYERS.iter().find(|layer| layer.name == word) {
                Some(layer) => selection.layers.push(layer),
                None => selection.filters.push(word),
            }
        }
        selection
    }
}

/// Runs the tests of some layers. What the sweeps and properties went through is told at the end.
pub(crate) fn test(
    project: &Project,
    only: Option<Rung>,
    build: bool,
    selection: &Selection<'_>,
) -> Result<Tally> {
    let mut tally = Tally::default();
    let mut sweeps = Vec::new();
    if only != Some(Rung::Driver) {
        tally = tally.plus(host(project, selection, &mut sweeps)?);
    }
    if only != Some(Rung::Host) {
        tally = tally.plus(in_wine(project, build, selection)?);
    }
    println!();
    for line in sweeps {
        println!("{line}");
    }
    Ok(tally)
}

fn host(project: &Project, selection: &Selection<'_>, sweeps: &mut Vec<String>) -> Result<Tally> {
    let packages = union(selection, |layer| layer.packages);
    let mut cargo = cargo_test(project);
    for package in packages {
        // With the version, which all packages here share: the embedded server stands on a crate that is called p9, too.
        cargo.args(["-p", &format!("{package}@{}", env!("CARGO_PKG_VERSION"))]);
    }
    cargo.arg("--no-fail-fast").args(SHOWING).args(&selection.filters);
    let mut tally = test::follow_cargo_test(&mut cargo, |line| note(sweeps, line))?;
    for package in union(selection, |layer| layer.diod) {
        tally = test::with_diod(project, package, &selection.filters, tally, |line| {
            note(sweeps, line)
        })?;
    }
    if !selection.filters.is_empty() {
        // The rungs below run other builds of the same tests.
        return Ok(tally);
    }
    for package in selection.layers.iter().filter_map(|layer| layer.loom) {
        let mut cargo = under_loom(project, package);
        tally = tally.plus(test::follow_cargo_test(&mut cargo, |line| note(sweeps, line))?);
    }
    if !union(selection, |layer| layer.c_programs).is_empty() {
        tally = tally.plus(c_programs::under_address_sanitizer(project)?);
    }
    Ok(tally)
}

fn in_wine(project: &Project, build: bool, selection: &Selection<'_>) -> Result<Tally> {
    let mut tally = Tally::default();
    let programs = union(selection, |layer| layer.c_programs);
    if !programs.is_empty() {
        tally = tally.plus(c_programs::in_wine(
            project,
            build,
            &programs,
            &selection.filters,
        )?);
    }
    let groups = union(selection, |layer| layer.groups);
    let others = selection.layers.iter().any(|layer| layer.other_groups);
    if others || !groups.is_empty() {
        let named = LAYERS.iter().flat_map(|layer| layer.groups);
        let skipped: Vec<&str> = named.filter(|name| !groups.contains(name)).copied().collect();
        let tests = InDriver {
            groups: if others { &[] } else { &groups },
            skipped: if others { &skipped } else { &[] },
            filters: &selection.filters,
            end_to_end: selection.layers.iter().any(|layer| layer.end_to_end),
        };
        tally = tally.plus(test::groups_in_driver(project, build, &tests)?);
    }
    if selection.layers.iter().any(|layer| layer.self_tests) {
        tally = tally.plus(test::engine_in_driver(project, build, &selection.filters)?);
    }
    Ok(tally)
}

/// What the chosen layers have together, each once.
fn union<T: Copy + PartialEq + 'static>(
    selection: &Selection<'_>,
    of: impl Fn(&Layer) -> &'static [T],
) -> Vec<T> {
    let mut all = Vec::new();
    for one in selection.layers.iter().flat_map(|layer| of(layer)) {
        if !all.contains(one) {
            all.push(*one);
        }
    }
    all
}

const SHOWING: [&str; 2] = ["--", "--show-output"];

/// Keeps the lines in which tests say how much they went through.
fn note(sweeps: &mut Vec<String>, line: &str) {
    let tells = line.starts_with("sweep: ") || line.ends_with(" failed in turn");
    if tells && !sweeps.iter().any(|known| known == line) {
        sweeps.push(line.to_owned());
    }
}

/// The races, on loom's model checker: another build of everything, in a folder of its own.
fn under_loom(project: &Project, package: &str) -> Command {
    let mut cargo = cargo_test(project);
    cargo
        .env("RUSTFLAGS", "--cfg loom")
        .arg("--target-dir")
        .arg(project.root().join("target/loom"))
        .args(["-p", package, "--release", "--lib", "model"])
        .args(SHOWING);
    cargo
}

fn cargo_test(project: &Project) -> Command {
    let mut cargo = Command::new("cargo");
    clean_environment(&mut cargo);
    cargo.current_dir(project.root()).arg("test");
    cargo
}

#[cfg(test)]
mod tests {
    use super::{LAYERS, Selection, union};

    #[test]
    fn words_are_layers_or_parts_of_names() {
        let words = ["ninep", "minirdr", "rename"].map(str::to_owned);
        let selection = Selection::parse(&words);
        let names: Vec<_> = selection.layers.iter().map(|layer| layer.name).collect();
        assert_eq!(names, ["ninep", "minirdr"]);
        assert_eq!(selection.filters, ["rename"]);
    }

    #[test]
    fn a_package_that_two_layers_share_is_tested_once() {
        let words = ["rxce", "rdbss"].map(str::to_owned);
        let selection = Selection::parse(&words);
        assert_eq!(
            union(&selection, |layer| layer.packages),
            ["rxce", "ddi", "rdbss"]
        );
    }

    #[test]
    fn layers_are_named_once() {
        for (index, layer) in LAYERS.iter().enumerate() {
            assert!(LAYERS[..index].iter().all(|other| other.name != layer.name));
        }
    }
}
