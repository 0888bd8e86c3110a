//! How long to wait before the next attempt.

use core::time::Duration;

/// The first wait, doubled with every attempt.
const FIRST: Duration = Duration::from_millis(250);
/// The longest wait.
const LONGEST: Duration = Duration::from_secs(30);

/// Exponential back-off with jitter: of many clients that lost one server, each comes back at a time of its own.
#[derive(Debug)]
pub(crate) struct Backoff {
    seed: u64,
    attempts: u32,
}

impl Backoff {
    /// None tried yet. The same seed gives the same waits.
    pub(crate) fn new(seed: u64) -> Self {
        Self { seed, attempts: 0 }
    }

    /// Begins anew: what was tried has succeeded for good.
    pub(crate) fn reset(&mut self) {
        self.attempts = 0;
    }

    /// Whether nothing was tried since the beginning.
    pub(crate) fn is_new(&self) -> bool {
        self.attempts == 0
    }

    /// The wait before the next attempt: none before the first, then between half and all of a time that doubles.
    pub(crate) fn next_wait(&mut self) -> Duration {
        let attempts = self.attempts;
        self.attempts = attempts.saturating_add(1);
        let Some(doublings) = attempts.checked_sub(1) else {
            return Duration::ZERO;
        };
        let whole = FIRST
            .saturating_mul(1_u32.checked_shl(doublings).unwrap_or(u32::MAX))
            .min(LONGEST);
        let half = whole / 2;
        // In 1/65536 of the other half.
        let jitter = u32::from((self.random() >> 48) as u16);
        half.saturating_add(half.saturating_mul(jitter) / (1 << 16))
    }

    /// The next number of a SplitMix64 generator.
    fn random(&mut self) -> u64 {
        self.seed = self.seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.seed;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    fn waits(seed: u64) -> Vec<Duration> {
        let mut backoff = Backoff::new(seed);
        (0..40).map(|_| backoff.next_wait()).collect()
    }

    #[test]
    fn waits_double_within_bounds() {
        for seed in 0..100 {
            let waits = waits(seed);
            assert_eq!(waits[0], Duration::ZERO);
            for (n, wait) in waits.iter().enumerate().skip(1) {
                let whole = FIRST
                    .saturating_mul(1_u32.checked_shl(n as u32 - 1).unwrap_or(u32::MAX))
                    .min(LONGEST);
                assert!((whole / 2..=whole).contains(wait), "wait {n} is {wait:?}");
            }
        }
    }

    #[test]
    fn seeds_differ_and_repeat() {
        assert_eq!(waits(7), waits(7));
        assert_ne!(waits(7), waits(8));
    }

    #[test]
    fn a_reset_begins_anew() {
        let mut backoff = Backoff::new(1);
        backoff.next_wait();
        backoff.next_wait();
        backoff.reset();
        assert_eq!(backoff.next_wait(), Duration::ZERO);
    }
}
