//! The kernel's events.

use crate::backend::RawEvent;
use crate::mem::AllocError;
use core::fmt;
use core::time::Duration;

/// What a satisfied wait does to an [`Event`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reset {
    /// It stays signalled and frees every waiter (NotificationEvent).
    Manual,
    /// It is cleared and frees one waiter (SynchronizationEvent).
    Auto,
}

/// A flag to wait for (KEVENT).
pub struct Event(RawEvent);

impl Event {
    /// An event that is not signalled.
    ///
    /// # Errors
    /// [`AllocError`] when there is no memory for it.
    pub fn try_new(reset: Reset) -> Result<Self, AllocError> {
        RawEvent::try_new(reset == Reset::Auto, false).map(Event)
    }

    /// Signals the event. Callable up to DISPATCH_LEVEL.
    pub fn set(&self) {
        self.0.set();
    }

    /// Makes the event not signalled. Callable up to DISPATCH_LEVEL.
    pub fn clear(&self) {
        self.0.clear();
    }

    /// Waits until the event is signalled. Callable up to APC_LEVEL.
    #[track_caller]
    pub fn wait(&self) {
        self.0.wait(None);
    }

    /// Waits until the event is signalled, for `timeout` at most; says whether it was. Callable up to APC_LEVEL, with no
    /// timeout at all up to DISPATCH_LEVEL.
    #[track_caller]
    pub fn wait_for(&self, timeout: Duration) -> bool {
        self.0
            .wait(Some(u64::try_from(timeout.as_nanos()).unwrap_or(u64::MAX)))
    }
}

impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Event { .. }")
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::irql::at_dispatch;

    #[test]
    fn an_auto_event_frees_one_wait_and_a_manual_one_all() {
        let auto = Event::try_new(Reset::Auto).unwrap();
        at_dispatch(|| auto.set());
        assert!(auto.wait_for(Duration::ZERO));
        assert!(!auto.wait_for(Duration::ZERO));
        let manual = Event::try_new(Reset::Manual).unwrap();
        manual.set();
        manual.wait();
        assert!(manual.wait_for(Duration::ZERO));
        manual.clear();
        assert!(!manual.wait_for(Duration::from_millis(1)));
    }

    #[test]
    fn a_waiter_is_freed_by_another_thread() {
        let event = Event::try_new(Reset::Auto).unwrap();
        std::thread::scope(|scope| {
            scope.spawn(|| event.set());
            event.wait();
        });
    }

    #[test]
    #[should_panic(expected = "waiting for an event at IRQL 2")]
    fn a_completion_routine_must_not_wait() {
        let event = Event::try_new(Reset::Auto).unwrap();
        at_dispatch(|| event.wait());
    }
}
