//! Runs named tests in groups and reports as libtest does, with one more line at the end: `N passed, N failed`.

use std::io::{self, Write};
use std::time::Instant;

/// How a test ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Passed,
    /// With a word about what was done.
    PassedWith(String),
    Failed(String),
    /// It cannot run here, and why.
    Ignored(String),
}

/// A test: its name within the group, and what it does.
pub(crate) struct Test<E> {
    pub(crate) name: &'static str,
    pub(crate) run: fn(&E) -> Outcome,
}

/// Tests that belong together. A group may end with a check of what its tests left behind.
pub(crate) struct Group<E> {
    pub(crate) name: &'static str,
    pub(crate) tests: Vec<Test<E>>,
}

/// What to run, from the command line.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Selection {
    /// Only list the names.
    pub(crate) list: bool,
    filters: Vec<String>,
    exact: bool,
    /// Groups that are left out.
    skipped: Vec<String>,
    /// If there are any, the only groups that run.
    groups: Vec<String>,
}

impl Selection {
    /// Understands `--list`, `--exact`, `--group GROUP`, `--skip GROUP` and filters; a test runs when its name contains one
    /// of them.
    pub(crate) fn parse(words: &[String]) -> Result<Self, String> {
        let mut selection = Self::default();
        let mut words = words.iter();
        while let Some(word) = words.next() {
            match word.as_str() {
                "--skip" | "--group" => {
                    let group = words
                        .next()
                        .ok_or_else(|| format!("{word} which group?"))?
                        .clone();
                    if word == "--skip" {
                        selection.skipped.push(group);
                    } else {
                        selection.groups.push(group);
                    }
                }
                "--list" => selection.list = true,
                "--exact" => selection.exact = true,
                switch if switch.starts_with('-') => return Err(format!("unknown switch {switch}")),
                filter => selection.filters.push(filter.to_owned()),
            }
        }
        Ok(selection)
    }

    fn selects(&self, name: &str) -> bool {
        let group = name.split("::").next().unwrap_or(name);
        let listed = |groups: &[String]| groups.iter().any(|other| other == group);
        if listed(&self.skipped) || !(self.groups.is_empty() || listed(&self.groups)) {
            return false;
        }
        let matches = |filter: &String| {
            if self.exact {
                name == filter
            } else {
                name.contains(filter.as_str())
            }
        };
        self.filters.is_empty() || self.filters.iter().any(matches)
    }
}

/// Counts of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) passed: usize,
    pub(crate) failed: usize,
    pub(crate) ignored: usize,
}

/// The full names of the selected tests.
pub(crate) fn names<E>(groups: &[Group<E>], selection: &Selection) -> Vec<String> {
    let all = groups
        .iter()
        .flat_map(|group| group.tests.iter().map(|test| full_name(group, test)));
    all.filter(|name| selection.selects(name)).collect()
}

/// Runs the selected tests in order and writes the report. When one fails and `usable` says that the environment is not any
/// more, it is the last.
pub(crate) fn run<E>(
    groups: &[Group<E>],
    selection: &Selection,
    environment: &E,
    usable: fn(&E) -> bool,
    out: &mut dyn Write,
) -> io::Result<Tally> {
    let mut tally = Tally::default();
    let mut failures = Vec::new();
    let start = Instant::now();
    writeln!(out, "\nrunning {} tests", names(groups, selection).len())?;
    'all: for group in groups {
        for test in &group.tests {
            let name = full_name(group, test);
            if !selection.selects(&name) {
                continue;
            }
            write!(out, "test {name} ... ")?;
            out.flush()?;
            match (test.run)(environment) {
                Outcome::Passed => {
                    tally.passed = tally.passed.saturating_add(1);
                    writeln!(out, "ok")?;
                }
                Outcome::PassedWith(what) => {
                    tally.passed = tally.passed.saturating_add(1);
                    writeln!(out, "ok, {what}")?;
                }
                Outcome::Ignored(why) => {
                    tally.ignored = tally.ignored.saturating_add(1);
                    writeln!(out, "ignored, {why}")?;
                }
                Outcome::Failed(why) => {
                    tally.failed = tally.failed.saturating_add(1);
                    writeln!(out, "FAILED")?;
                    failures.push((name, why));
                    if !usable(environment) {
                        writeln!(out, "nothing is left to run the other tests on")?;
                        break 'all;
                    }
                }
            }
        }
    }
    report(&failures, tally, start, out)?;
    Ok(tally)
}

fn report(
    failures: &[(String, String)],
    tally: Tally,
    start: Instant,
    out: &mut dyn Write,
) -> io::Result<()> {
    if !failures.is_empty() {
        writeln!(out, "\nfailures:\n")?;
        for (name, why) in failures {
            writeln!(out, "---- {name} ----\n{why}\n")?;
        }
    }
    writeln!(
        out,
        "\n{} ignored; finished in {:.2}s",
        tally.ignored,
        start.elapsed().as_secs_f64()
    )?;
    writeln!(out, "{} passed, {} failed", tally.passed, tally.failed)?;
    out.flush()
}

fn full_name<E>(group: &Group<E>, test: &Test<E>) -> String {
    format!("{}::{}", group.name, test.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn groups() -> Vec<Group<u32>> {
        let good = Test {
            name: "good",
            run: |_| Outcome::Passed,
        };
        let bad = Test {
            name: "bad",
            run: |value| Outcome::Failed(format!("value is {value}")),
        };
        let later = Test {
            name: "later",
            run: |_| Outcome::Ignored("not here".to_owned()),
        };
        vec![
            Group {
                name: "a",
                tests: vec![good, bad],
            },
            Group {
                name: "b",
                tests: vec![later],
            },
        ]
    }

    fn selection(words: &[&str]) -> Selection {
        Selection::parse(&words.iter().map(|&word| word.to_owned()).collect::<Vec<_>>()).unwrap()
    }

    #[test]
    fn reports_each_test_and_counts_at_the_end() {
        let mut out = Vec::new();
        let tally = run(&groups(), &Selection::default(), &7, |_| true, &mut out).unwrap();
        assert_eq!(
            tally,
            Tally {
                passed: 1,
                failed: 1,
                ignored: 1
            }
        );
        let text = String::from_utf8(out).unwrap();
        for line in [
            "test a::good ... ok",
            "test a::bad ... FAILED",
            "test b::later ... ignored, not here",
            "value is 7",
        ] {
            assert!(text.contains(line), "{line} is missing in {text}");
        }
        assert_eq!(text.lines().last(), Some("1 passed, 1 failed"));
    }

    #[test]
    fn a_failure_that_leaves_nothing_to_test_on_is_the_last() {
        let mut out = Vec::new();
        let tally = run(&groups(), &Selection::default(), &7, |_| false, &mut out).unwrap();
        assert_eq!((tally.passed, tally.failed, tally.ignored), (1, 1, 0));
        let text = String::from_utf8(out).unwrap();
        assert!(!text.contains("b::later"), "{text}");
        assert_eq!(text.lines().last(), Some("1 passed, 1 failed"));
    }

    #[test]
    fn filters_select_by_part_of_the_name_or_exactly() {
        assert_eq!(names(&groups(), &selection(&["a::"])), ["a::good", "a::bad"]);
        assert_eq!(
            names(&groups(), &selection(&["ood", "later"])),
            ["a::good", "b::later"]
        );
        assert_eq!(
            names(&groups(), &selection(&["--exact", "good"])),
            Vec::<String>::new()
        );
        assert_eq!(names(&groups(), &selection(&["--exact", "a::good"])), ["a::good"]);
        assert_eq!(names(&groups(), &selection(&["--skip", "a"])), ["b::later"]);
        assert_eq!(
            names(&groups(), &selection(&["--group", "a", "good"])),
            ["a::good"]
        );
        assert!(selection(&["--list"]).list);
        assert!(Selection::parse(&["--skip".to_owned()]).is_err());
        assert!(Selection::parse(&["--nonsense".to_owned()]).is_err());
    }
}
