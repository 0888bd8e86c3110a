//! The lock of ordinary threads.

use super::lock::{Guard, Lock};
use super::rank::Rank;
use crate::backend::RawMutex;
use crate::mem::AllocError;

/// Guards a `T` by waiting (FAST_MUTEX): up to APC_LEVEL, where its holder then runs. Never held across an `.await`
/// (its guard is not `Send`) nor across I/O.
pub type Mutex<T> = Lock<RawMutex, T>;

/// The right to what a [`Mutex`] guards.
pub type MutexGuard<'a, T> = Guard<'a, RawMutex, T>;

impl<T> Mutex<T> {
    /// A free mutex around `value`.
    ///
    /// # Errors
    /// [`AllocError`] when there is no memory for the kernel's part of it.
    pub fn try_new(value: T, rank: Rank) -> Result<Self, AllocError> {
        Ok(Lock::around(RawMutex::try_new()?, value, rank))
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::irql::at_dispatch;

    #[test]
    #[cfg_attr(miri, ignore = "long there")]
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
