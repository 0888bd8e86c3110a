//! Points in time. Code that is to run in the simulator asks [`crate::task::Runtime::now`] for them.

use crate::backend;
use core::fmt;
use core::ops::Add;
use core::time::Duration;

/// A point on a clock that never goes back and stands still while the machine sleeps (unbiased interrupt time), in
/// nanoseconds since an arbitrary origin. Good for 584 years; arithmetic saturates.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant(u64);

impl Instant {
    /// The origin of the clock.
    pub const ORIGIN: Instant = Instant(0);
    /// Later than anything that will happen.
    pub const NEVER: Instant = Instant(u64::MAX);

    /// The point `ns` nanoseconds after the origin.
    pub const fn from_nanos(ns: u64) -> Instant {
        Instant(ns)
    }

    /// Nanoseconds since the origin.
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// The machine's clock. Callable at any IRQL. Prefer [`crate::task::Runtime::now`].
    pub(crate) fn real() -> Instant {
        Instant(backend::monotonic_ns())
    }

    /// How long after `earlier` this is; zero if it is not.
    pub const fn saturating_since(self, earlier: Instant) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

impl Add<Duration> for Instant {
    type Output = Instant;

    fn add(self, span: Duration) -> Instant {
        let ns = u64::try_from(span.as_nanos()).unwrap_or(u64::MAX);
        Instant(self.0.saturating_add(ns))
    }
}

impl fmt::Debug for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", Duration::from_nanos(self.0))
    }
}

/// The wall clock.
#[derive(Clone, Copy, Debug)]
pub struct SystemTime;

impl SystemTime {
    /// The machine's wall clock (KeQuerySystemTimePrecise). Callable at any IRQL. Code that is to run in the simulator
    /// asks [`crate::task::Runtime::system_time`].
    pub fn now() -> nt::FileTime {
        nt::FileTime(backend::system_time())
    }
}
