//! Which opens of a file tolerate each other (`SHARE_ACCESS`, `IoCheckShareAccess`).

use nt::{AccessMask, ShareAccess, Status};

/// The part of an open that share access is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Claim {
    reads: bool,
    writes: bool,
    deletes: bool,
    share: ShareAccess,
}

impl Claim {
    pub(crate) fn new(access: AccessMask, share: ShareAccess) -> Self {
        let access = access.map_generic();
        Self {
            reads: access.intersects(AccessMask::READ_DATA | AccessMask::EXECUTE),
            writes: access.intersects(AccessMask::WRITE_DATA | AccessMask::APPEND_DATA),
            deletes: access.contains(AccessMask::DELETE),
            share,
        }
    }

    /// Whether it may delete the file.
    pub(crate) const fn deletes(self) -> bool {
        self.deletes
    }

    /// Opens that neither read, write nor delete do not take part.
    const fn counts(self) -> bool {
        self.reads || self.writes || self.deletes
    }
}

/// The sum of the claims on one file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ShareCounts {
    /// Opens that take part.
    opens: u32,
    /// Those that read.
    readers: u32,
    /// Those that write.
    writers: u32,
    /// Those that delete.
    deleters: u32,
    /// Those that tolerate readers.
    shared_read: u32,
    /// Those that tolerate writers.
    shared_write: u32,
    /// Those that tolerate deleters.
    shared_delete: u32,
}

impl ShareCounts {
    /// Whether `claim` goes with all claims counted here.
    ///
    /// # Errors
    /// `SHARING_VIOLATION`.
    pub(crate) fn check(&self, claim: Claim) -> nt::Result {
        if !claim.counts() {
            return Ok(());
        }
        let refused = claim.reads && self.shared_read < self.opens
            || claim.writes && self.shared_write < self.opens
            || claim.deletes && self.shared_delete < self.opens
            || self.readers > 0 && !claim.share.contains(ShareAccess::READ)
            || self.writers > 0 && !claim.share.contains(ShareAccess::WRITE)
            || self.deleters > 0 && !claim.share.contains(ShareAccess::DELETE);
        if refused {
            Err(Status::SHARING_VIOLATION)
        } else {
            Ok(())
        }
    }

    /// Whether all that are counted here let others delete the file.
    pub(crate) const fn all_share_delete(&self) -> bool {
        self.shared_delete == self.opens
    }

    pub(crate) fn add(&mut self, claim: Claim) {
        self.apply(claim, |count| *count = count.saturating_add(1));
    }

    pub(crate) fn remove(&mut self, claim: Claim) {
        self.apply(claim, |count| *count = count.saturating_sub(1));
    }

    fn apply(&mut self, claim: Claim, step: impl Fn(&mut u32)) {
        if !claim.counts() {
            return;
        }
        step(&mut self.opens);
        for (count, applies) in [
            (&mut self.readers, claim.reads),
            (&mut self.writers, claim.writes),
            (&mut self.deleters, claim.deletes),
            (&mut self.shared_read, claim.share.contains(ShareAccess::READ)),
            (&mut self.shared_write, claim.share.contains(ShareAccess::WRITE)),
            (&mut self.shared_delete, claim.share.contains(ShareAccess::DELETE)),
        ] {
            if applies {
                step(count);
            }
        }
    }
}

#[cfg(test)]
mod tests;
