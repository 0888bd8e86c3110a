//! What an open that is only to look has seen, kept for the question that comes right behind it.
//!
//! NtQueryAttributesFile and GetFileAttributes open a file for its attributes alone, ask for them, and close it. The open has
//! asked the server already: who asks at once is told that, and waits for no second round trip. Nobody is told it twice, nor
//! later, nor after a change that this redirector has made, wherever: what an answer was about can have many names.

use alloc::boxed::Box;
use core::sync::atomic::Ordering;
use core::time::Duration;

use executive::mem::try_box;
use executive::sync::SpinLock;
use executive::time::Instant;
use nt::{AccessMask, CreateAction};

use crate::MiniRedirector;
use crate::file::OpenFile;
use crate::information::attributes::Attributes;
use crate::objects::Platform;

/// How long after an open a question belongs to it. Other clients' changes may be missed for as long.
const BELONGS_FOR: Duration = Duration::from_millis(10);

/// The rights of an open that is only to look.
const LOOKS: AccessMask = AccessMask::READ_ATTRIBUTES
    .union(AccessMask::READ_CONTROL)
    .union(AccessMask::SYNCHRONIZE);

/// What a handle's open has seen; nothing, once it was told.
pub(crate) struct FirstLook(SpinLock<Option<Box<Seen>>>);

struct Seen {
    attributes: Attributes,
    at: Instant,
    /// [`MiniRedirector::changes`] before it was looked.
    changes: u64,
}

impl<P: Platform> MiniRedirector<P> {
    /// How many requests that may change something on a server have ended so far.
    pub(crate) fn changes(&self) -> u64 {
        self.0.totals.changes.load(Ordering::Acquire)
    }

    /// A request that may have changed something on a server ends. Its caller is not to hear of it before.
    pub(crate) fn note_change(&self) {
        self.0.totals.changes.fetch_add(1, Ordering::AcqRel);
    }

    /// Keeps what an open has just seen, if it was only to look. `changes` is what [`Self::changes`] said before.
    pub(crate) fn first_look(
        &self,
        access: AccessMask,
        action: CreateAction,
        attributes: Attributes,
        changes: u64,
    ) -> FirstLook {
        // Where a link leads is another question.
        let looks = LOOKS.contains(access) && action == CreateAction::OPENED && !attributes.mode.is_symlink();
        let seen = looks.then(|| Seen {
            attributes,
            at: self.0.runtime.now(),
            changes,
        });
        // Without memory it is asked again.
        FirstLook(SpinLock::new(seen.and_then(|seen| try_box(seen).ok())))
    }
}

impl<P: Platform> OpenFile<P> {
    /// What the handle's open has seen, if that is still as good as asking the server: at most once.
    pub(crate) fn just_seen(&self) -> Option<Attributes> {
        let seen = self.first_look.0.lock().take()?;
        let now = self.redirector.0.runtime.now();
        let is_new = now.saturating_since(seen.at) < BELONGS_FOR && self.redirector.changes() == seen.changes;
        is_new.then_some(seen.attributes)
    }
}
