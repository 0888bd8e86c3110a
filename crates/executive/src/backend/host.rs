//! The backend on std, with a simulated IRQL that panics where the NT kernel would crash.

use super::RawLock;
use crate::mem::AllocError;
use alloc::boxed::Box;
use core::sync::atomic::{AtomicBool, Ordering};
use std::cell::Cell;
use std::sync::{Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

const PASSIVE_LEVEL: u8 = 0;
const APC_LEVEL: u8 = 1;
const DISPATCH_LEVEL: u8 = 2;

std::thread_local! {
    static IRQL: Cell<u8> = const { Cell::new(PASSIVE_LEVEL) };
}

pub(crate) fn current_irql() -> u8 {
    IRQL.get()
}

/// Raises this thread's simulated IRQL if it is lower, and returns what it was.
pub(crate) fn raise_irql(level: u8) -> u8 {
    let before = IRQL.get();
    IRQL.set(before.max(level));
    before
}

/// Puts this thread's simulated IRQL back.
pub(crate) fn set_irql(level: u8) {
    IRQL.set(level);
}

#[track_caller]
fn require_irql(highest: u8, what: &str) {
    let irql = IRQL.get();
    // Not while unwinding: a second panic would hide the first.
    assert!(
        irql <= highest || std::thread::panicking(),
        "{what} at IRQL {irql}: the kernel allows it up to {highest}"
    );
}

pub(crate) fn monotonic_ns() -> u64 {
    static ORIGIN: OnceLock<Instant> = OnceLock::new();
    u64::try_from(ORIGIN.get_or_init(Instant::now).elapsed().as_nanos()).unwrap_or(u64::MAX)
}

pub(crate) fn system_time() -> i64 {
    /// Seconds between 1601-01-01 and 1970-01-01.
    const EPOCHS_APART: u64 = 11_644_473_600;
    let since_1601 =
        SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default() + Duration::from_secs(EPOCHS_APART);
    i64::try_from(since_1601.as_nanos() / 100).unwrap_or(i64::MAX)
}

pub struct RawSpin(AtomicBool);

impl RawSpin {
    pub(crate) const fn new() -> Self {
        RawSpin(AtomicBool::new(false))
    }
}

// SAFETY: whoever sets the flag is the only one until it clears it.
unsafe impl RawLock for RawSpin {
    #[track_caller]
    fn acquire(&self) -> u8 {
        require_irql(DISPATCH_LEVEL, "acquiring a spin lock");
        let before = raise_irql(DISPATCH_LEVEL);
        let mut spins = 0_u32;
        while self
            .0
            .compare_exchange_weak(false, true, Ordering::Acquire, Ordering::Relaxed)
            .is_err()
        {
            // A host thread can lose its processor while it holds the lock; a kernel thread cannot.
            spins = spins.wrapping_add(1);
            if spins.is_multiple_of(64) {
                std::thread::yield_now();
            } else {
                core::hint::spin_loop();
            }
        }
        before
    }

    unsafe fn release(&self, before: u8) {
        self.0.store(false, Ordering::Release);
        set_irql(before);
    }
}

/// An event that is signalled while the mutex is free, and that who takes it resets.
pub struct RawMutex(RawEvent);

impl RawMutex {
    pub(crate) fn try_new() -> Result<Self, AllocError> {
        RawEvent::try_new(true, true).map(RawMutex)
    }
}

// SAFETY: a wait for an event that resets itself ends for one thread each time it is set, and it is set by its holder alone.
unsafe impl RawLock for RawMutex {
    #[track_caller]
    fn acquire(&self) -> u8 {
        require_irql(APC_LEVEL, "acquiring a mutex");
        self.0.wait(None);
        raise_irql(APC_LEVEL)
    }

    unsafe fn release(&self, before: u8) {
        require_irql(APC_LEVEL, "releasing a mutex");
        self.0.set();
        set_irql(before);
    }
}

pub(crate) struct RawEvent {
    state: Mutex<Signal>,
    changed: Condvar,
    auto_reset: bool,
}

struct Signal {
    signalled: bool,
    /// Threads in [`RawEvent::wait`] that wait: without any, to signal is no system call.
    waiting: usize,
}

impl RawEvent {
    pub(crate) fn try_new(auto_reset: bool, signalled: bool) -> Result<Self, AllocError> {
        Ok(RawEvent {
            state: Mutex::new(Signal {
                signalled,
                waiting: 0,
            }),
            changed: Condvar::new(),
            auto_reset,
        })
    }

    pub(crate) fn set(&self) {
        require_irql(DISPATCH_LEVEL, "setting an event");
        let mut state = locked(&self.state);
        state.signalled = true;
        let wanted = state.waiting > 0;
        drop(state);
        if !wanted {
            return;
        }
        if self.auto_reset {
            self.changed.notify_one();
        } else {
            self.changed.notify_all();
        }
    }

    pub(crate) fn clear(&self) {
        require_irql(DISPATCH_LEVEL, "clearing an event");
        locked(&self.state).signalled = false;
    }

    #[track_caller]
    pub(crate) fn wait(&self, timeout_ns: Option<u64>) -> bool {
        let highest = if timeout_ns == Some(0) {
            DISPATCH_LEVEL
        } else {
            APC_LEVEL
        };
        require_irql(highest, "waiting for an event");
        let until = timeout_ns.and_then(|ns| Instant::now().checked_add(Duration::from_nanos(ns)));
        let mut state = locked(&self.state);
        while !state.signalled {
            let left = until.map(|until| until.saturating_duration_since(Instant::now()));
            if left.is_some_and(|left| left.is_zero()) {
                return false;
            }
            state.waiting += 1;
            state = match left {
                None => self.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
                Some(left) => {
                    self.changed
                        .wait_timeout(state, left)
                        .unwrap_or_else(PoisonError::into_inner)
                        .0
                }
            };
            state.waiting -= 1;
        }
        state.signalled = !self.auto_reset;
        true
    }
}

pub(crate) struct Thread(JoinHandle<()>);

impl Thread {
    pub(crate) fn spawn(body: Box<dyn FnOnce() + Send>) -> nt::Result<Thread> {
        require_irql(PASSIVE_LEVEL, "creating a thread");
        let guarded = move || {
            /// A panic on a system thread is a bug check: do not let the others wait for it in vain.
            struct BugCheck;
            impl Drop for BugCheck {
                fn drop(&mut self) {
                    if std::thread::panicking() {
                        std::process::abort();
                    }
                }
            }
            let _bug_check = BugCheck;
            body();
        };
        std::thread::Builder::new()
            .name("executive".into())
            .spawn(guarded)
            .map(Thread)
            .map_err(|_| nt::Status::INSUFFICIENT_RESOURCES)
    }

    pub(crate) fn join(self) {
        require_irql(APC_LEVEL, "waiting for a thread");
        // The thread aborts the process rather than end in a panic, so there is nothing to hear.
        let _ended = self.0.join();
    }
}

/// The mutexes here guard plain flags, which no panic can leave half changed.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
