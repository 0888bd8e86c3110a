//! The backend on loom, whose model checker then tries every interleaving. There is no IRQL and no time here: an event
//! is waited for until it is set.

use super::RawLock;
use crate::mem::AllocError;
use alloc::boxed::Box;
use core::cell::UnsafeCell;
use core::mem::transmute;
use loom::sync::{Condvar, Mutex, MutexGuard};
use loom::thread::JoinHandle;

pub(crate) fn current_irql() -> u8 {
    0
}

pub(crate) fn monotonic_ns() -> u64 {
    0
}

pub(crate) fn system_time() -> i64 {
    0
}

/// Both locks of the model.
pub struct ModelLock {
    lock: Mutex<()>,
    /// The holder's guard. INVARIANT: touched only by the thread that holds `lock`.
    guard: UnsafeCell<Option<MutexGuard<'static, ()>>>,
}

pub(crate) type RawSpin = ModelLock;
pub(crate) type RawMutex = ModelLock;

// SAFETY: the guard's cell is touched only by the thread that holds the lock.
unsafe impl Send for ModelLock {}
// SAFETY: as above.
unsafe impl Sync for ModelLock {}

impl ModelLock {
    pub(crate) fn new() -> Self {
        ModelLock {
            lock: Mutex::new(()),
            guard: UnsafeCell::new(None),
        }
    }

    pub(crate) fn try_new() -> Result<Self, AllocError> {
        Ok(Self::new())
    }
}

// SAFETY: loom's mutex has one holder.
unsafe impl RawLock for ModelLock {
    fn acquire(&self) -> u8 {
        let guard = self.lock.lock().unwrap();
        // SAFETY: the guard stays inside `self`, which is not moved while it is held (its users borrow it), and is
        // dropped by `release`.
        let guard = unsafe { transmute::<MutexGuard<'_, ()>, MutexGuard<'static, ()>>(guard) };
        // SAFETY: this thread holds the lock.
        unsafe { *self.guard.get() = Some(guard) };
        0
    }

    unsafe fn release(&self, _before: u8) {
        // SAFETY: this thread holds the lock.
        let guard = unsafe { (*self.guard.get()).take() };
        drop(guard);
    }
}

pub(crate) struct RawEvent {
    signalled: Mutex<bool>,
    changed: Condvar,
    auto_reset: bool,
}

impl RawEvent {
    pub(crate) fn try_new(auto_reset: bool, signalled: bool) -> Result<Self, AllocError> {
        Ok(RawEvent {
            signalled: Mutex::new(signalled),
            changed: Condvar::new(),
            auto_reset,
        })
    }

    pub(crate) fn set(&self) {
        *self.signalled.lock().unwrap() = true;
        self.changed.notify_all();
    }

    pub(crate) fn clear(&self) {
        *self.signalled.lock().unwrap() = false;
    }

    pub(crate) fn wait(&self, _timeout_ns: Option<u64>) -> bool {
        let mut signalled = self.signalled.lock().unwrap();
        while !*signalled {
            signalled = self.changed.wait(signalled).unwrap();
        }
        *signalled = !self.auto_reset;
        true
    }
}

pub(crate) struct Thread(JoinHandle<()>);

impl Thread {
    pub(crate) fn spawn(body: Box<dyn FnOnce() + Send>) -> nt::Result<Thread> {
        Ok(Thread(loom::thread::spawn(body)))
    }

    pub(crate) fn join(self) {
        self.0.join().unwrap();
    }
}
