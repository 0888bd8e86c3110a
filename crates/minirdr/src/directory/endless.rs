//! Telling a large directory from one that never ends.

use nt::Status;

/// Most runs of entries in one listing: of the largest directories that there are, several times over.
const RUNS_MAX: u64 = 1 << 24;

/// The cookies of a listing, as the server hands them out.
///
/// A cookie that comes again makes the listing go round. One is remembered at a time, at ever longer distances (Brent's
/// cycle detection): a listing that goes round meets it again within three rounds, and no memory is needed for that.
#[derive(Debug, Default)]
pub(super) struct Cookies {
    next: u64,
    remembered: u64,
    /// Runs since then.
    since: u64,
    /// Runs until another is remembered.
    distance: u64,
    runs: u64,
}

impl Cookies {
    /// Where the next run begins.
    pub(super) fn next(&self) -> u64 {
        self.next
    }

    /// Takes note of where a run ended.
    ///
    /// # Errors
    /// `INVALID_NETWORK_RESPONSE`: the listing does not end.
    pub(super) fn advance(&mut self, cookie: u64) -> nt::Result {
        self.runs = self.runs.saturating_add(1);
        if cookie == self.next || cookie == self.remembered || self.runs > RUNS_MAX {
            return Err(Status::INVALID_NETWORK_RESPONSE);
        }
        self.next = cookie;
        self.since = self.since.saturating_add(1);
        if self.since >= self.distance {
            self.remembered = cookie;
            self.distance = self.distance.saturating_mul(2).max(1);
            self.since = 0;
        }
        Ok(())
    }
}
