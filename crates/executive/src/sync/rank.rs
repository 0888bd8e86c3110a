//! The order in which locks are taken.

/// A lock's place in the order: a thread that holds a lock may take only locks of higher rank, and so no two threads
/// can wait for each other. Debug builds on the host panic when the order is broken.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Rank(pub u8);

impl Rank {
    /// For a lock under which no other is taken (waking a task is fine: this crate's own locks rank higher).
    pub const LEAF: Rank = Rank(254);
    /// The locks inside this crate: tasks may be woken and channels used under any lock but these.
    pub(crate) const EXECUTIVE: Rank = Rank(255);
}

#[cfg(all(debug_assertions, not(feature = "kernel"), not(loom)))]
mod held {
    use super::Rank;
    use std::cell::RefCell;

    std::thread_local! {
        /// The ranks this thread holds: at most a handful, kept in place so that the check allocates nothing.
        static HELD: RefCell<([u8; 16], usize)> = const { RefCell::new(([0; 16], 0)) };
    }

    #[track_caller]
    pub(crate) fn acquire(rank: Rank) {
        HELD.with_borrow_mut(|(ranks, len)| {
            let highest = ranks[..*len].iter().max();
            assert!(
                highest.is_none_or(|&highest| highest < rank.0) || std::thread::panicking(),
                "a lock of rank {} is taken while one of rank {highest:?} is held",
                rank.0
            );
            ranks[*len] = rank.0;
            *len += 1;
        });
    }

    #[track_caller]
    pub(crate) fn release(rank: Rank) {
        HELD.with_borrow_mut(|(ranks, len)| {
            // Each goes back to the level at which it was taken: out of order, the thread would be at the wrong one.
            assert!(
                ranks[..*len].last() == Some(&rank.0) || std::thread::panicking(),
                "a lock of rank {} is given back while {:?} are held",
                rank.0,
                &ranks[..*len]
            );
            *len = len.saturating_sub(1);
        });
    }
}

#[cfg(not(all(debug_assertions, not(feature = "kernel"), not(loom))))]
mod held {
    use super::Rank;

    pub(crate) fn acquire(_rank: Rank) {}

    pub(crate) fn release(_rank: Rank) {}
}

pub(super) use held::{acquire, release};
