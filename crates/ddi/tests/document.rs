//! Holds docs/rxce.md against the header and the code: every routine has a row, and every link leads somewhere.

use std::fs;
use std::path::Path;

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

/// The routines that a header declares.
fn declared(header: &str, prefix: &str) -> Vec<String> {
    let text = fs::read_to_string(root().join("include").join(header)).unwrap();
    let mut names: Vec<String> = text
        .lines()
        .filter_map(|line| line.split_once(" NTAPI ").map(|(_, rest)| rest))
        .filter_map(|rest| rest.split_once('('))
        .map(|(name, _)| name.trim().to_owned())
        .filter(|name| name.starts_with(prefix))
        .collect();
    names.sort();
    names
}

/// The targets of the links in `text`.
fn links(text: &str) -> Vec<&str> {
    text.split("](")
        .skip(1)
        .filter_map(|rest| rest.split_once(')').map(|(link, _)| link))
        .collect()
}

#[test]
fn every_routine_has_a_row_that_leads_to_its_code_and_its_tests() {
    let document = fs::read_to_string(root().join("docs/rxce.md")).unwrap();
    let routines = declared("rxce.h", "RxCe");
    assert_eq!(routines.len(), 18, "{routines:?}");
    for routine in &routines {
        let row = document
            .lines()
            .find(|line| line.starts_with(&format!("| {routine} |")))
            .unwrap_or_else(|| panic!("{routine} has no row"));
        let links = links(row);
        let read = |link: &str| fs::read_to_string(root().join("docs").join(link)).unwrap();
        let (code, tests) = links.split_first().unwrap();
        assert!(
            read(code).contains(&format!("fn {routine}(")),
            "{routine} is not in {code}"
        );
        assert!(!tests.is_empty(), "{routine} has no tests");
        let called = [routine.as_str(), "BUILD(", "race("];
        for test in tests {
            let text = read(test);
            assert!(
                called.iter().any(|name| text.contains(name)),
                "{test} does not call {routine}"
            );
        }
    }
}

#[test]
fn every_link_leads_somewhere() {
    for page in ["rxce.md", "departures.md"] {
        let text = fs::read_to_string(root().join("docs").join(page)).unwrap();
        for link in links(&text) {
            let target = link.split_once('#').map_or(link, |(file, _)| file);
            assert!(root().join("docs").join(target).exists(), "{page}: {link}");
        }
    }
}
