//! `run`: the tests against the loaded driver.
//!
//! `MRX9P_UNC` names a share to test on (`\\127.0.0.1@5640\tmp\export`); without it the tests that need a server are
//! ignored. `MRX9P_EXPORT` is the same directory as this machine sees it (a Unix path stands for its place below
//! `Z:`); without it the tests that look behind the redirector's back are ignored.

mod attributes;
mod check;
mod content;
mod control;
mod directory;
mod environment;
mod file;
mod finalize;
mod information;
mod leak;
mod lifecycle;
mod locks;
mod mapping;
mod mup;
mod names;
mod network_provider;
mod notify;
mod paging;
mod query_path;
mod relay;
mod rxce;
mod stress;
mod truth_table;

use std::io;
use std::process::ExitCode;

use client::device::Device;

use crate::failure::Failure;
use crate::runner::{self, Group, Outcome, Selection};

use environment::Environment;

/// Lists test functions with their names.
macro_rules! tests {
    ($($name:ident),* $(,)?) => {
        vec![$(crate::runner::Test {
            name: stringify!($name),
            run: |environment| crate::suite::outcome($name(environment)),
        }),*]
    };
}
pub(crate) use tests;

/// A test's result before it is counted.
pub(crate) type Checked = Result<(), Failure>;

/// Runs what the words select.
pub(crate) fn run(words: &[String]) -> ExitCode {
    let selection = match Selection::parse(words) {
        Ok(selection) => selection,
        Err(problem) => {
            eprintln!("mrx9p-harness: {problem}");
            return ExitCode::from(1);
        }
    };
    if selection.list {
        for name in runner::names(&groups(true), &selection) {
            println!("{name}: test");
        }
        return ExitCode::SUCCESS;
    }
    let environment = match Environment::new() {
        Ok(environment) => environment,
        Err(failure) => {
            eprintln!("mrx9p-harness: the tests cannot start: {failure}");
            return ExitCode::from(2);
        }
    };
    println!("{environment}");
    let groups = groups(environment.has_self_tests());
    // A driver that has crashed, or gone for another reason, is not tested a hundred times more.
    let there = |_: &Environment| Device::open().is_ok();
    match runner::run(&groups, &selection, &environment, there, &mut io::stdout()) {
        Ok(tally) if tally.failed == 0 => ExitCode::SUCCESS,
        Ok(_) => ExitCode::from(101),
        Err(error) => {
            eprintln!("mrx9p-harness: {error}");
            ExitCode::from(2)
        }
    }
}

/// In this order: what is checked by later groups' tests is tested before. `self_tests`: whether the driver has them.
fn groups(self_tests: bool) -> Vec<Group<Environment>> {
    let mut groups = vec![
        Group {
            name: "control",
            tests: control::tests(),
        },
        Group {
            name: "mapping",
            tests: mapping::tests(),
        },
        Group {
            name: "provider",
            tests: network_provider::tests(),
        },
        Group {
            name: "query_path",
            tests: query_path::tests(),
        },
        Group {
            name: "file",
            tests: file::tests(),
        },
        Group {
            name: "content",
            tests: content::tests(),
        },
        Group {
            name: "paging",
            tests: paging::tests(),
        },
        Group {
            name: "mup",
            tests: mup::tests(),
        },
        Group {
            name: "information",
            tests: information::tests(),
        },
        Group {
            name: "attributes",
            tests: attributes::tests(),
        },
        Group {
            name: "directory",
            tests: directory::tests(),
        },
        Group {
            name: "names",
            tests: names::tests(),
        },
        Group {
            name: "locks",
            tests: locks::tests(),
        },
        Group {
            name: "notify",
            tests: notify::tests(),
        },
        Group {
            name: "finalize",
            tests: finalize::tests()
                .into_iter()
                .chain(truth_table::tests())
                .collect(),
        },
        Group {
            name: "stress",
            tests: stress::tests(),
        },
        Group {
            name: "lifecycle",
            tests: lifecycle::tests(),
        },
    ];
    groups.push(Group {
        name: "rxce",
        tests: rxce::tests(self_tests),
    });
    for group in &mut groups {
        group.tests.extend(leak::closing_check());
    }
    groups.push(Group {
        name: "leak",
        tests: leak::tests(),
    });
    groups
}

fn outcome(result: Checked) -> Outcome {
    match result {
        Ok(()) => Outcome::Passed,
        Err(Failure::Skipped(why)) => Outcome::Ignored(why),
        Err(failure) => Outcome::Failed(failure.to_string()),
    }
}
