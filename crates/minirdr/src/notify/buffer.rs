//! Changes that wait to be read: FILE_NOTIFY_INFORMATION records, packed as the caller will get them.

use alloc::vec::Vec;

use executive::mem::{AllocError, TryVec};
use nt::{Name, Status};

use super::NotifyAction;

/// Bytes of a record before its name: NextEntryOffset, Action, FileNameLength.
const HEADER: usize = 12;

/// Changes in the order in which they happened, at most as many as fit the reader's buffer. If one is too many, all are
/// forgotten, and the reader has to look for itself (STATUS_NOTIFY_ENUM_DIR).
#[derive(Debug, Default)]
pub(super) struct ChangeBuffer {
    records: Vec<u8>,
    /// Where the newest record begins.
    newest: usize,
    /// Bytes of records that may be kept.
    limit: usize,
    overflowed: bool,
}

impl ChangeBuffer {
    /// Lets more be kept for a reader with a buffer of `limit` bytes.
    pub(super) fn grow(&mut self, limit: usize) {
        self.limit = self.limit.max(limit);
    }

    /// Notes a change. `name` is relative to the directory watched. One that repeats the newest is not noted twice.
    pub(super) fn push(&mut self, action: NotifyAction, name: Name<'_>) {
        if !self.overflowed && self.try_push(action, name).is_err() {
            self.overflow();
        }
    }

    fn try_push(&mut self, action: NotifyAction, name: Name<'_>) -> Result<(), AllocError> {
        if action == NotifyAction::MODIFIED && self.is_newest(action, name) {
            return Ok(());
        }
        let at = self.records.len().next_multiple_of(4);
        let name_len = name.len().saturating_mul(2);
        let end = at.saturating_add(HEADER).saturating_add(name_len);
        let (Ok(length), true) = (u32::try_from(name_len), end <= self.limit) else {
            return Err(AllocError);
        };
        self.records.try_reserve(end.saturating_sub(self.records.len()))?;
        // From here on there is room for everything.
        if !self.records.is_empty() {
            let distance = u32::try_from(at.saturating_sub(self.newest)).map_err(|_| AllocError)?;
            if let Some(next) = self
                .records
                .get_mut(self.newest..)
                .and_then(<[u8]>::first_chunk_mut)
            {
                *next = distance.to_le_bytes();
            }
            self.records.resize(at, 0);
        }
        self.newest = at;
        for word in [0, action.0, length] {
            self.records.try_extend_from_slice(&word.to_le_bytes())?;
        }
        for unit in name.as_units() {
            self.records.try_extend_from_slice(&unit.to_le_bytes())?;
        }
        Ok(())
    }

    /// Whether the newest record says just that.
    fn is_newest(&self, action: NotifyAction, name: Name<'_>) -> bool {
        let Some((header, noted)) = self
            .records
            .get(self.newest..)
            .and_then(<[u8]>::split_first_chunk::<HEADER>)
        else {
            return false;
        };
        let [_, _, _, _, a, b, c, d, ..] = *header;
        u32::from_le_bytes([a, b, c, d]) == action.0
            && noted
                .chunks_exact(2)
                .eq(name.as_units().iter().map(|unit| unit.to_le_bytes()))
    }

    fn overflow(&mut self) {
        *self = Self {
            limit: self.limit,
            overflowed: true,
            ..Self::default()
        };
    }

    /// Gives the changes to a reader: the number of bytes put at the start of `out`, or with `NOTIFY_ENUM_DIR` none.
    /// `None`: nothing has happened.
    pub(super) fn take(&mut self, out: &mut [u8]) -> Option<(usize, Status)> {
        if self.records.is_empty() && !self.overflowed {
            return None;
        }
        let taken = core::mem::take(self);
        self.limit = taken.limit;
        match out.get_mut(..taken.records.len()) {
            Some(out) if !taken.overflowed => {
                out.copy_from_slice(&taken.records);
                Some((taken.records.len(), Status::SUCCESS))
            }
            _ => Some((0, Status::NOTIFY_ENUM_DIR)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::VecDeque;
    use std::vec::Vec;

    /// What is in a buffer, read as a program reads it.
    fn parse(mut list: &[u8]) -> Vec<(u32, Vec<u16>)> {
        let mut found = Vec::new();
        while !list.is_empty() {
            let word = |at: usize| u32::from_le_bytes(list[at..at + 4].try_into().unwrap());
            let (next, action, length) = (word(0) as usize, word(4), word(8) as usize);
            let name = list[HEADER..HEADER + length]
                .chunks_exact(2)
                .map(|unit| u16::from_le_bytes([unit[0], unit[1]]))
                .collect();
            found.push((action, name));
            assert_eq!(next % 4, 0);
            if next == 0 {
                assert_eq!(list.len(), HEADER + length, "nothing follows the last one");
                break;
            }
            list = &list[next..];
        }
        found
    }

    #[derive(Clone, Debug)]
    enum Step {
        Change(u32, Vec<u16>),
        Read(usize),
    }

    fn any_step() -> impl Strategy<Value = Step> {
        let name = prop::collection::vec(97_u16..100, 1..6);
        prop_oneof![
            5 => (1_u32..=5, name).prop_map(|(action, name)| Step::Change(action, name)),
            1 => (0_usize..200).prop_map(Step::Read),
        ]
    }

    fn size(queue: &VecDeque<(u32, Vec<u16>)>) -> usize {
        queue.iter().fold(0_usize, |end, (_, name)| {
            end.next_multiple_of(4) + HEADER + name.len() * 2
        })
    }

    testserver::properties! {
        #[test]
        fn a_queue_with_a_limit(limit in 0_usize..150, steps in prop::collection::vec(any_step(), 1..60)) {
            let mut buffer = ChangeBuffer::default();
            buffer.grow(limit);
            let mut queue = VecDeque::new();
            let mut overflowed = false;
            for step in steps {
                match step {
                    Step::Change(action, name) => {
                        buffer.push(NotifyAction(action), Name::new(&name));
                        let change = (action, name);
                        let repeated = action == 3 && queue.back() == Some(&change);
                        if !overflowed && !repeated {
                            queue.push_back(change);
                            overflowed = size(&queue) > limit;
                        }
                    }
                    Step::Read(len) => {
                        let mut out = std::vec![0xee; len];
                        let taken = buffer.take(&mut out);
                        if overflowed || size(&queue) > len {
                            prop_assert_eq!(taken, Some((0, Status::NOTIFY_ENUM_DIR)));
                        } else if queue.is_empty() {
                            prop_assert_eq!(taken, None);
                        } else {
                            let (used, status) = taken.unwrap();
                            prop_assert_eq!(status, Status::SUCCESS);
                            prop_assert_eq!(used, size(&queue));
                            prop_assert_eq!(parse(&out[..used]), Vec::from(queue.clone()));
                        }
                        queue.clear();
                        overflowed = false;
                    }
                }
            }
        }
    }
}
