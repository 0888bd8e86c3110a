//! The lock of ordinary threads.

use super::rank::{self, Rank};
use crate::backend::RawMutex;
use crate::mem::AllocError;
use core::cell::UnsafeCell;
use core::fmt;
use core::marker::PhantomData;
use core::ops::{Deref, DerefMut};

/// Guards a `T` by waiting (FAST_MUTEX): up to APC_LEVEL, where its holder then runs. Never held across an `.await`
/// (its guard is not `Send`) nor across I/O.
pub struct Mutex<T> {
    raw: RawMutex,
    rank: Rank,
    value: UnsafeCell<T>,
}

// SAFETY: whoever has the lock may move the value out on its own thread.
unsafe impl<T: Send> Send for Mutex<T> {}
// SAFETY: the raw lock lets one thread at a time at the value.
unsafe impl<T: Send> Sync for Mutex<T> {}

impl<T> Mutex<T> {
    /// A free mutex around `value`.
    ///
    /// # Errors
    /// [`AllocError`] when there is no memory for the kernel's part of it.
    pub fn try_new(value: T, rank: Rank) -> Result<Self, AllocError> {
        Ok(Mutex {
            raw: RawMutex::try_new()?,
            rank,
            value: UnsafeCell::new(value),
        })
    }

    /// Waits until the mutex is ours. Callable up to APC_LEVEL; the guard holds the thread at APC_LEVEL.
    #[track_caller]
    pub fn lock(&self) -> MutexGuard<'_, T> {
        rank::acquire(self.rank);
        let irql = self.raw.acquire();
        MutexGuard {
            lock: self,
            irql,
            _not_send: PhantomData,
        }
    }

    /// The value, of which the borrow checker knows that nobody else has it.
    pub fn get_mut(&mut self) -> &mut T {
        self.value.get_mut()
    }

    /// The value, out of its mutex.
    pub fn into_inner(self) -> T {
        self.value.into_inner()
    }
}

impl<T> fmt::Debug for Mutex<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Mutex { .. }")
    }
}

/// The right to what a [`Mutex`] guards, until it is dropped. Guards are dropped in the reverse order of taking.
#[must_use]
pub struct MutexGuard<'a, T> {
    lock: &'a Mutex<T>,
    /// The level to return to.
    irql: u8,
    /// A mutex is given back by the thread that took it.
    _not_send: PhantomData<*mut ()>,
}

// SAFETY: a shared guard gives no more than `&T`.
unsafe impl<T: Sync> Sync for MutexGuard<'_, T> {}

impl<T> Deref for MutexGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: the mutex is ours as long as the guard lives.
        unsafe { &*self.lock.value.get() }
    }
}

impl<T> DerefMut for MutexGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: the mutex is ours as long as the guard lives, and the guard is borrowed mutably.
        unsafe { &mut *self.lock.value.get() }
    }
}

impl<T> Drop for MutexGuard<'_, T> {
    fn drop(&mut self) {
        // SAFETY: this guard's creation acquired the mutex on this thread (it is not Send) and got this level.
        unsafe { self.lock.raw.release(self.irql) };
        rank::release(self.lock.rank);
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::irql::at_dispatch;

    #[test]
    fn threads_take_turns() {
        let lock = Mutex::try_new(0_u32, Rank::LEAF).unwrap();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..5_000).for_each(|_| *lock.lock() += 1));
            }
        });
        assert_eq!(lock.into_inner(), 20_000);
    }

    #[test]
    #[should_panic(expected = "acquiring a mutex at IRQL 2")]
    fn a_completion_routine_must_not_wait() {
        let lock = Mutex::try_new((), Rank::LEAF).unwrap();
        at_dispatch(|| drop(lock.lock()));
    }
}
