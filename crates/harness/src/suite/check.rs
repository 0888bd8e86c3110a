//! Checks that say what was expected and what came.

use std::fmt::Debug;
use std::time::{Duration, Instant};

use nt::{Status, Win32Error};

use super::Checked;
use crate::failure::Failure;

/// The two are the same.
pub(crate) fn equal<T: PartialEq + Debug>(what: &str, got: T, want: T) -> Checked {
    if got == want {
        Ok(())
    } else {
        Err(Failure::Wrong(format!("{what}: got {got:?}, expected {want:?}")))
    }
}

/// It holds.
pub(crate) fn holds(what: &str, condition: bool) -> Checked {
    if condition {
        Ok(())
    } else {
        Err(Failure::Wrong(format!("not so: {what}")))
    }
}

/// It fails with this status.
pub(crate) fn refused<T>(what: &str, got: Result<T, Status>, want: Status) -> Checked {
    refused_with_one_of(what, got, &[want])
}

/// It fails with one of these statuses: for places where the contract leaves a choice.
pub(crate) fn refused_with_one_of<T>(what: &str, got: Result<T, Status>, want: &[Status]) -> Checked {
    match got {
        Err(status) if want.contains(&status) => Ok(()),
        Err(status) => Err(Failure::Wrong(format!(
            "{what}: refused with {status}, expected {want:?}"
        ))),
        Ok(_) => Err(Failure::Wrong(format!("{what}: succeeded, expected {want:?}"))),
    }
}

/// It fails with this Win32 error.
pub(crate) fn refused_win32<T>(what: &str, got: Result<T, u32>, want: u32) -> Checked {
    let want_name = Win32Error(want);
    match got {
        Err(error) if error == want => Ok(()),
        Err(error) => Err(Failure::Wrong(format!(
            "{what}: refused with {}, expected {want_name}",
            Win32Error(error)
        ))),
        Ok(_) => Err(Failure::Wrong(format!("{what}: succeeded, expected {want_name}"))),
    }
}

/// It succeeds; a failure says what it was about.
pub(crate) fn done<T, E: Into<Outcome>>(what: &str, got: Result<T, E>) -> Result<T, Failure> {
    got.map_err(|error| match error.into() {
        Outcome::Status(status) => Failure::Wrong(format!("{what}: {status}")),
        Outcome::Win32(error) => Failure::Wrong(format!("{what}: {}", Win32Error(error))),
    })
}

/// Either kind of refusal.
pub(crate) enum Outcome {
    Status(Status),
    Win32(u32),
}

impl From<Status> for Outcome {
    fn from(status: Status) -> Self {
        Self::Status(status)
    }
}

impl From<u32> for Outcome {
    fn from(error: u32) -> Self {
        Self::Win32(error)
    }
}

/// It ends, whatever comes out, and does so before a bound that is far beyond any honest duration: a hang is a
/// failure, a slow machine is none.
pub(crate) fn bounded<T>(what: &str, limit: Duration, run: impl FnOnce() -> T) -> Result<T, Failure> {
    let start = Instant::now();
    let result = run();
    let taken = start.elapsed();
    if taken <= limit {
        Ok(result)
    } else {
        Err(Failure::Wrong(format!(
            "{what}: took {taken:?}, expected at most {limit:?}"
        )))
    }
}

/// It becomes true before the bound; asked again and again, not waited out.
pub(crate) fn eventually(limit: Duration, mut is_so: impl FnMut() -> Result<(), Failure>) -> Checked {
    let start = Instant::now();
    loop {
        match is_so() {
            Ok(()) => return Ok(()),
            Err(failure) if start.elapsed() > limit => return Err(failure),
            Err(_) => std::thread::sleep(Duration::from_millis(20)),
        }
    }
}
