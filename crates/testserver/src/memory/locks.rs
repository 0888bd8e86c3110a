//! Byte-range locks of one file, as POSIX has them.

/// Who holds a lock: a process of a client.
pub(super) type Owner = (u32, Vec<u8>);

#[derive(Clone, Debug)]
struct Lock {
    owner: Owner,
    /// First byte and the one after the last.
    start: u64,
    end: u64,
    exclusive: bool,
    /// The connection and fid that it was taken through: it goes with them.
    holder: (u64, u32),
}

/// A request's range: no length is everything up to the end.
pub(super) fn end_of(start: u64, length: u64) -> u64 {
    match length {
        0 => u64::MAX,
        length => start.saturating_add(length),
    }
}

#[derive(Debug, Default)]
pub(super) struct Locks(Vec<Lock>);

impl Locks {
    /// The first lock of somebody else that stands in the way: its range and kind.
    pub(super) fn conflict(
        &self,
        owner: &Owner,
        (start, end): (u64, u64),
        exclusive: bool,
    ) -> Option<(u64, u64, bool, Owner)> {
        let other = self.0.iter().find(|lock| {
            lock.owner != *owner && lock.start < end && start < lock.end && (exclusive || lock.exclusive)
        })?;
        Some((other.start, other.end, other.exclusive, other.owner.clone()))
    }

    /// Takes a lock in the place of what its owner has there. False if somebody else's stands in the way.
    pub(super) fn lock(
        &mut self,
        owner: &Owner,
        range: (u64, u64),
        exclusive: bool,
        holder: (u64, u32),
    ) -> bool {
        if self.conflict(owner, range, exclusive).is_some() {
            return false;
        }
        self.unlock(owner, range);
        self.0.push(Lock {
            owner: owner.clone(),
            start: range.0,
            end: range.1,
            exclusive,
            holder,
        });
        true
    }

    /// Gives up what an owner has in a range.
    pub(super) fn unlock(&mut self, owner: &Owner, (start, end): (u64, u64)) {
        for mut lock in std::mem::take(&mut self.0) {
            if lock.owner != *owner || lock.end <= start || end <= lock.start {
                self.0.push(lock);
                continue;
            }
            if lock.start < start {
                let front = Lock {
                    end: start,
                    ..lock.clone()
                };
                self.0.push(front);
            }
            if end < lock.end {
                lock.start = end;
                self.0.push(lock);
            }
        }
    }

    /// Gives up what was taken through a fid that has gone.
    pub(super) fn release(&mut self, holder: (u64, u32)) {
        self.0.retain(|lock| lock.holder != holder);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::{Locks, end_of};

    #[test]
    fn an_owners_ranges_replace_each_other() {
        let (one, two) = ((1, b"a".to_vec()), (1, b"b".to_vec()));
        let mut locks = Locks::default();
        assert!(locks.lock(&one, (0, end_of(0, 0)), true, (1, 1)));
        assert!(!locks.lock(&two, (5, 6), false, (1, 2)));
        locks.unlock(&one, (5, 10));
        assert!(locks.lock(&two, (5, 10), true, (1, 2)));
        assert!(!locks.lock(&two, (5, 11), true, (1, 2)));
        assert!(locks.lock(&one, (0, 5), false, (1, 1)));
        assert!(locks.lock(&two, (0, 5), false, (1, 2)), "both may read");
        locks.release((1, 1));
        locks.release((1, 2));
        assert!(locks.is_empty());
    }
}
