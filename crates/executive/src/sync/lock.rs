//! What both locks are: a raw lock of the system with the value it guards.

use super::rank::{self, Rank};
use crate::backend::RawLock;
use core::cell::UnsafeCell;
use core::fmt;
use core::marker::PhantomData;
use core::ops::{Deref, DerefMut};

/// A lock that owns what it guards: see [`Mutex`](super::Mutex) and [`SpinLock`](super::SpinLock).
pub struct Lock<R, T> {
    raw: R,
    rank: Rank,
    value: UnsafeCell<T>,
}

// SAFETY: whoever has the lock may move the value out on its own thread.
unsafe impl<R: RawLock, T: Send> Send for Lock<R, T> {}
// SAFETY: the raw lock lets one thread at a time at the value.
unsafe impl<R: RawLock, T: Send> Sync for Lock<R, T> {}

impl<R, T> Lock<R, T> {
    /// A free lock around `value`.
    pub(super) const fn around(raw: R, value: T, rank: Rank) -> Self {
        Lock {
            raw,
            rank,
            value: UnsafeCell::new(value),
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

impl<R: RawLock, T> Lock<R, T> {
    /// Waits until the lock is ours. A mutex is taken up to APC_LEVEL and holds the thread there, a spin lock up to
    /// DISPATCH_LEVEL and holds it there.
    #[track_caller]
    pub fn lock(&self) -> Guard<'_, R, T> {
        rank::acquire(self.rank);
        let irql = self.raw.acquire();
        Guard {
            lock: self,
            irql,
            _not_send: PhantomData,
        }
    }
}

impl<R, T> fmt::Debug for Lock<R, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Lock { .. }")
    }
}

/// The right to what a [`Lock`] guards, until it is dropped. Guards are dropped in the reverse order of taking.
#[must_use]
pub struct Guard<'a, R: RawLock, T> {
    lock: &'a Lock<R, T>,
    /// The level to return to.
    irql: u8,
    /// A lock is given back by the thread that took it, at whose level it is held.
    _not_send: PhantomData<*mut ()>,
}

// SAFETY: a shared guard gives no more than `&T`.
unsafe impl<R: RawLock, T: Sync> Sync for Guard<'_, R, T> {}

impl<R: RawLock, T> Deref for Guard<'_, R, T> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: the lock is ours as long as the guard lives.
        unsafe { &*self.lock.value.get() }
    }
}

impl<R: RawLock, T> DerefMut for Guard<'_, R, T> {
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: the lock is ours as long as the guard lives, and the guard is borrowed mutably.
        unsafe { &mut *self.lock.value.get() }
    }
}

impl<R: RawLock, T> Drop for Guard<'_, R, T> {
    fn drop(&mut self) {
        // SAFETY: this guard's creation acquired the lock on this thread (it is not Send) and got this level.
        unsafe { self.lock.raw.release(self.irql) };
        rank::release(self.lock.rank);
    }
}
