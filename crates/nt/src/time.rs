//! NT time stamps.

/// 100-nanosecond intervals since 1601-01-01 00:00 UTC, the unit of every NT time.
///
/// Zero and negative values have meanings of their own in `SetInformation` (leave as it is, stop updating); as a
/// point in time they lie in or before 1601.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(transparent)]
pub struct FileTime(pub i64);

/// Intervals per second.
const PER_SECOND: i64 = 10_000_000;

/// Seconds from 1601-01-01 to 1970-01-01.
const UNIX_EPOCH_SECONDS: i64 = 11_644_473_600;

impl FileTime {
    /// The beginning of NT time.
    pub const ZERO: Self = Self(0);

    /// The beginning of Unix time.
    pub const UNIX_EPOCH: Self = Self(UNIX_EPOCH_SECONDS * PER_SECOND);

    /// From seconds and nanoseconds since 1970 as 9P carries them. Times outside NT's range (1601 to 30828)
    /// become its nearest end; nanoseconds beyond a second count as the last one.
    #[must_use]
    pub const fn from_unix(seconds: i64, nanoseconds: u32) -> Self {
        let capped = if nanoseconds > 999_999_999 {
            999_999_999
        } else {
            nanoseconds
        };
        let fraction = capped.cast_signed() / 100;
        let ticks = seconds
            .saturating_add(UNIX_EPOCH_SECONDS)
            .saturating_mul(PER_SECOND)
            // CAST: widening; `From` is not const.
            .saturating_add(fraction as i64);
        Self(if ticks < 0 { 0 } else { ticks })
    }

    /// Seconds (negative before 1970) and nanoseconds (0 to 999 999 900) since 1970.
    #[must_use]
    pub const fn to_unix(self) -> (i64, u32) {
        let seconds = self.0.div_euclid(PER_SECOND) - UNIX_EPOCH_SECONDS;
        // CAST: the Euclidean remainder lies in 0..10_000_000.
        let ticks = self.0.rem_euclid(PER_SECOND) as u32;
        (seconds, ticks * 100)
    }

    /// The raw value.
    #[must_use]
    pub const fn ticks(self) -> i64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::FileTime;
    use proptest::prelude::*;

    #[test]
    fn known_points() {
        assert_eq!(FileTime::UNIX_EPOCH.0, 116_444_736_000_000_000);
        assert_eq!(FileTime::from_unix(0, 0), FileTime::UNIX_EPOCH);
        assert_eq!(FileTime::from_unix(-11_644_473_600, 0), FileTime::ZERO);
        assert_eq!(
            FileTime::from_unix(1_000_000_000, 123_456_789).0,
            126_444_736_001_234_567
        );
        assert_eq!(FileTime::ZERO.to_unix(), (-11_644_473_600, 0));
        assert_eq!(FileTime(-1).to_unix(), (-11_644_473_601, 999_999_900));
    }

    #[test]
    fn out_of_range_saturates() {
        assert_eq!(FileTime::from_unix(i64::MIN, 0), FileTime::ZERO);
        assert_eq!(FileTime::from_unix(i64::MAX, u32::MAX).0, i64::MAX);
        assert_eq!(
            FileTime::from_unix(0, u32::MAX),
            FileTime::from_unix(0, 999_999_999)
        );
        for extreme in [i64::MIN, i64::MAX] {
            let (_, nanoseconds) = FileTime(extreme).to_unix();
            assert!(nanoseconds < 1_000_000_000);
        }
    }

    proptest! {
        #[test]
        fn nt_times_survive_unix(ticks in 0..i64::MAX) {
            let (seconds, nanoseconds) = FileTime(ticks).to_unix();
            prop_assert_eq!(FileTime::from_unix(seconds, nanoseconds), FileTime(ticks));
        }

        #[test]
        fn order_is_kept(a in any::<i64>(), b in any::<i64>(), n in 0..1_000_000_000_u32) {
            let (low, high) = (a.min(b), a.max(b));
            prop_assert!(FileTime::from_unix(low, n) <= FileTime::from_unix(high, n));
        }
    }
}
