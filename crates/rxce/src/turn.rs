//! Turns: what is always ready lets others on the same thread go first now and then.

use executive::task::yield_now;

/// Counts steps that may all have been ready at once. A peer that never stops talking would otherwise hold a thread of the
/// runtime, and with it the timers and all that waits there.
pub(crate) struct Turn {
    steps: usize,
    taken: usize,
}

impl Turn {
    /// Turns of so many steps.
    pub(crate) const fn of(steps: usize) -> Self {
        Turn { steps, taken: 0 }
    }

    /// A step more. The last of a turn lets others go first.
    pub(crate) async fn step(&mut self) {
        self.taken += 1;
        if self.taken >= self.steps {
            self.taken = 0;
            yield_now().await;
        }
    }
}
