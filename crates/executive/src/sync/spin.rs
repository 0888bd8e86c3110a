//! The lock of completion routines.

use super::lock::Lock;
use super::rank::Rank;
use crate::backend::RawSpin;

/// Guards a `T` by spinning at DISPATCH_LEVEL (KSPIN_LOCK). For a few instructions at a time: no waiting, no paged
/// memory, no call into foreign code while it is held.
pub type SpinLock<T> = Lock<RawSpin, T>;

impl<T> SpinLock<T> {
    /// A free lock of [`Rank::LEAF`] around `value`.
    #[cfg(not(loom))]
    pub const fn new(value: T) -> Self {
        Self::ranked(value, Rank::LEAF)
    }

    /// A free lock around `value`.
    #[cfg(not(loom))]
    pub const fn ranked(value: T, rank: Rank) -> Self {
        Lock::around(RawSpin::new(), value, rank)
    }

    /// A free lock of [`Rank::LEAF`] around `value`.
    #[cfg(loom)]
    pub fn new(value: T) -> Self {
        Self::ranked(value, Rank::LEAF)
    }

    /// A free lock around `value`.
    #[cfg(loom)]
    pub fn ranked(value: T, rank: Rank) -> Self {
        Lock::around(RawSpin::new(), value, rank)
    }
}

impl<T: Default> Default for SpinLock<T> {
    fn default() -> Self {
        Self::new(T::default())
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::irql::Irql;

    #[test]
    fn the_level_rises_and_falls() {
        let lock = SpinLock::new(1);
        {
            let mut guard = lock.lock();
            *guard += 1;
            assert_eq!(Irql::current(), Irql::DISPATCH);
        }
        assert_eq!(Irql::current(), Irql::PASSIVE);
        assert_eq!(lock.into_inner(), 2);
    }

    #[test]
    #[cfg_attr(miri, ignore = "long there")]
    fn threads_take_turns() {
        let lock = SpinLock::new(0_u32);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..10_000).for_each(|_| *lock.lock() += 1));
            }
        });
        assert_eq!(*lock.lock(), 40_000);
    }

    #[test]
    #[should_panic(expected = "rank 3 is given back while [3, 4] are held")]
    #[cfg(debug_assertions)]
    fn a_lock_given_back_out_of_order_is_noticed() {
        let (low, high) = (SpinLock::ranked((), Rank(3)), SpinLock::ranked((), Rank(4)));
        let low = low.lock();
        let _high = high.lock();
        drop(low);
    }

    #[test]
    #[should_panic(expected = "rank 3 is taken while one of rank Some(4)")]
    #[cfg(debug_assertions)]
    fn a_broken_order_is_noticed() {
        let (low, high) = (SpinLock::ranked((), Rank(3)), SpinLock::ranked((), Rank(4)));
        let _high = high.lock();
        let _low = low.lock();
    }
}
