//! The lock of completion routines.

use super::rank::{self, Rank};
use crate::backend::RawSpin;
use core::cell::UnsafeCell;
use core::fmt;
use core::marker::PhantomData;
use core::ops::{Deref, DerefMut};

/// Guards a `T` by spinning at DISPATCH_LEVEL (KSPIN_LOCK). For a few instructions at a time: no waiting, no paged
/// memory, no call into foreign code while it is held.
pub struct SpinLock<T> {
    raw: RawSpin,
    rank: Rank,
    value: UnsafeCell<T>,
}

// SAFETY: whoever has the lock may move the value out on its own thread.
unsafe impl<T: Send> Send for SpinLock<T> {}
// SAFETY: the raw lock lets one thread at a time at the value.
unsafe impl<T: Send> Sync for SpinLock<T> {}

impl<T> SpinLock<T> {
    /// A free lock of [`Rank::LEAF`] around `value`.
    #[cfg(not(loom))]
    pub const fn new(value: T) -> Self {
        Self::ranked(value, Rank::LEAF)
    }

    /// A free lock around `value`.
    #[cfg(not(loom))]
    pub const fn ranked(value: T, rank: Rank) -> Self {
        SpinLock {
            raw: RawSpin::new(),
            rank,
            value: UnsafeCell::new(value),
        }
    }

    /// A free lock of [`Rank::LEAF`] around `value`.
    #[cfg(loom)]
    pub fn new(value: T) -> Self {
        Self::ranked(value, Rank::LEAF)
    }

    /// A free lock around `value`.
    #[cfg(loom)]
    pub fn ranked(value: T, rank: Rank) -> Self {
        SpinLock {
            raw: RawSpin::new(),
            rank,
            value: UnsafeCell::new(value),
        }
    }

    /// Spins until the lock is ours. Callable up to DISPATCH_LEVEL; the guard holds the thread at DISPATCH_LEVEL.
    #[track_caller]
    pub fn lock(&self) -> SpinLockGuard<'_, T> {
        rank::acquire(self.rank);
        let irql = self.raw.acquire();
        SpinLockGuard {
            lock: self,
            irql,
            _not_send: PhantomData,
        }
    }

    /// The value, of which the borrow checker knows that nobody else has it.
    pub fn get_mut(&mut self) -> &mut T {
        self.value.get_mut()
    }

    /// The value, out of its lock.
    pub fn into_inner(self) -> T {
        self.value.into_inner()
    }
}

impl<T: Default> Default for SpinLock<T> {
    fn default() -> Self {
        Self::new(T::default())
    }
}

impl<T> fmt::Debug for SpinLock<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SpinLock { .. }")
    }
}

/// The right to what a [`SpinLock`] guards, until it is dropped. Guards are dropped in the reverse order of taking.
#[must_use]
pub struct SpinLockGuard<'a, T> {
    lock: &'a SpinLock<T>,
    /// The level to return to.
    irql: u8,
    /// The level belongs to this thread.
    _not_send: PhantomData<*mut ()>,
}

// SAFETY: a shared guard gives no more than `&T`.
unsafe impl<T: Sync> Sync for SpinLockGuard<'_, T> {}

impl<T> Deref for SpinLockGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: the lock is ours as long as the guard lives.
        unsafe { &*self.lock.value.get() }
    }
}

impl<T> DerefMut for SpinLockGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: the lock is ours as long as the guard lives, and the guard is borrowed mutably.
        unsafe { &mut *self.lock.value.get() }
    }
}

impl<T> Drop for SpinLockGuard<'_, T> {
    fn drop(&mut self) {
        // SAFETY: this guard's creation acquired the lock on this thread (it is not Send) and got this level.
        unsafe { self.lock.raw.release(self.irql) };
        rank::release(self.lock.rank);
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
    #[should_panic(expected = "rank 3 is taken while one of rank Some(4)")]
    #[cfg(debug_assertions)]
    fn a_broken_order_is_noticed() {
        let (low, high) = (SpinLock::ranked((), Rank(3)), SpinLock::ranked((), Rank(4)));
        let _high = high.lock();
        let _low = low.lock();
    }
}
