//! Buffers of large replies that were taken, for the next ones: neither allocated anew nor, being few and used in turn, cold.

use alloc::collections::TryReserveError;
use alloc::vec::Vec;
use core::ops::RangeInclusive;

/// Most of them.
const MOST: usize = 16;
/// Least room in bytes of a buffer that is worth giving back: what is smaller is quicker made than kept.
pub const SPARE_MIN: usize = 4096;
/// Room in bytes: what is larger is too much to keep.
const KEPT: RangeInclusive<usize> = SPARE_MIN..=(128 << 10);

/// Empty buffers, the last used one first.
#[derive(Debug, Default)]
pub(super) struct Spares(Vec<Vec<u8>>);

impl Spares {
    /// An empty buffer with room for `len` bytes.
    pub(super) fn take(&mut self, len: usize) -> Result<Vec<u8>, TryReserveError> {
        if KEPT.contains(&len)
            && let Some(at) = self.0.iter().rposition(|buffer| buffer.capacity() >= len)
        {
            return Ok(self.0.remove(at));
        }
        let mut buffer = Vec::new();
        buffer.try_reserve_exact(len)?;
        Ok(buffer)
    }

    /// Keeps a buffer, whatever is in it, if it is worth it.
    pub(super) fn put(&mut self, mut buffer: Vec<u8>) {
        // Without memory for its place it is let go.
        if KEPT.contains(&buffer.capacity()) && self.0.len() < MOST && self.0.try_reserve(1).is_ok() {
            buffer.clear();
            self.0.push(buffer);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_used_buffer_that_is_large_enough_comes_first() {
        let mut spares = Spares::default();
        for capacity in [64 << 10, 8192, 64 << 10] {
            spares.put(Vec::with_capacity(capacity));
        }
        let mut used = Vec::with_capacity(16 << 10);
        used.push(1);
        let place = used.as_ptr();
        spares.put(used);
        let first = spares.take(10_000).unwrap();
        assert_eq!((first.as_ptr(), first.len()), (place, 0));
        assert!(spares.take(10_000).unwrap().capacity() >= 64 << 10);
        assert_eq!(spares.0.len(), 2);
    }

    #[test]
    fn what_is_small_or_huge_or_too_much_is_not_kept() {
        let mut spares = Spares::default();
        spares.put(Vec::with_capacity(100));
        spares.put(Vec::with_capacity(1 << 20));
        assert!(spares.0.is_empty());
        for _ in 0..MOST + 3 {
            spares.put(Vec::with_capacity(4096));
        }
        assert_eq!(spares.0.len(), MOST);
        assert_eq!(spares.take(100).unwrap().capacity(), 100);
        assert_eq!(spares.0.len(), MOST);
    }
}
