//! Counting test results in what test programs print.

use std::fmt;

/// Results of tests.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) passed: u64,
    pub(crate) failed: u64,
    pub(crate) skipped: u64,
}

impl Tally {
    /// Both together.
    pub(crate) fn plus(self, other: Self) -> Self {
        Self {
            passed: self.passed + other.passed,
            failed: self.failed + other.failed,
            skipped: self.skipped + other.skipped,
        }
    }

    /// Counts one result.
    pub(crate) fn count(&mut self, passed: bool) {
        if passed {
            self.passed += 1;
        } else {
            self.failed += 1;
        }
    }

    /// Counts a line of libtest's summary: `test result: ok. 3 passed; 0 failed; 1 ignored; …`.
    pub(crate) fn count_summary(&mut self, line: &str) -> bool {
        let Some((_, counts)) = line
            .strip_prefix("test result: ")
            .and_then(|rest| rest.split_once(". "))
        else {
            return false;
        };
        for part in counts.split(';') {
            let mut words = part.split_whitespace();
            let (Some(number), Some(what)) = (words.next(), words.next()) else {
                continue;
            };
            let Ok(number) = number.parse::<u64>() else {
                continue;
            };
            match what {
                "passed" => self.passed += number,
                "failed" => self.failed += number,
                "ignored" => self.skipped += number,
                _ => {}
            }
        }
        true
    }

    /// Counts the line of one test: `test name ... ok`.
    pub(crate) fn count_test(&mut self, line: &str) -> bool {
        let Some((_, outcome)) = line
            .strip_prefix("test ")
            .and_then(|rest| rest.split_once(" ... "))
        else {
            return false;
        };
        match outcome.split([',', ' ', ';']).next() {
            Some("ok") => self.passed += 1,
            Some("ignored") => self.skipped += 1,
            _ => self.failed += 1,
        }
        true
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed", self.passed, self.failed)?;
        if self.skipped != 0 {
            write!(f, ", {} skipped", self.skipped)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::Tally;

    #[test]
    fn summaries_of_libtest_add_up() {
        let mut tally = Tally::default();
        assert!(
            tally.count_summary(
                "test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; x"
            )
        );
        assert!(
            tally.count_summary(
                "test result: FAILED. 1 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out"
            )
        );
        assert!(!tally.count_summary("test a ... ok"));
        assert_eq!(tally.to_string(), "4 passed, 2 failed, 1 skipped");
    }

    #[test]
    fn lines_of_tests_are_counted_by_their_outcome() {
        let mut tally = Tally::default();
        for line in [
            "test a::b ... ok",
            "test c ... FAILED",
            "test d ... ignored, needs Windows",
            "test e ... panicked",
        ] {
            assert!(tally.count_test(line));
        }
        assert!(!tally.count_test("running 4 tests"));
        assert_eq!(
            tally,
            Tally {
                passed: 1,
                failed: 2,
                skipped: 1
            }
        );
    }
}
