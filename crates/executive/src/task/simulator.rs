//! The simulator: the same scheduler with one thread, a virtual clock, and an order of tasks that a seed decides.

use super::runtime::Runtime;
use super::scheduler::{Clock, Job, Shared};
use super::task_cell::Task;
use super::waker::{Wake, waker};
use crate::atomic::{AtomicBool, Ordering};
use crate::mem::{AllocError, Arc};
use crate::time::Instant;
use core::future::Future;
use core::pin::pin;
use core::task::{Context, Poll};
use core::time::Duration;

/// The simulator's own verbs. Host only.
impl Runtime {
    /// A runtime without threads: tasks run only inside [`Runtime::run_until_stalled`], [`Runtime::advance`],
    /// [`Runtime::run_until`], [`Runtime::block_on`] and [`Runtime::shutdown`]. The clock starts at the origin and moves by
    /// those alone. `seed` decides which of several ready tasks goes first; the same seed gives the same run.
    ///
    /// # Errors
    /// [`AllocError`] when there is no memory for it.
    pub fn simulated(seed: u64) -> Result<Runtime, AllocError> {
        let shared = Shared::try_new(Clock::Virtual {
            now: Instant::ORIGIN,
            seed,
        })?;
        Ok(Runtime(Arc::try_new(shared)?))
    }

    /// Runs tasks until each of them waits for something, without moving the clock.
    pub fn run_until_stalled(&self) {
        while self.step() {}
    }

    /// Runs tasks while the clock moves on by `span`, from timer to timer.
    pub fn advance(&self, span: Duration) {
        self.run_until(self.now() + span);
    }

    /// Runs tasks while the clock moves on to `to`, from timer to timer.
    pub fn run_until(&self, to: Instant) {
        self.run_until_stalled();
        while let Some(next) = self.0.next_deadline().filter(|&next| next <= to) {
            self.0.set_virtual_now(next);
            self.run_until_stalled();
        }
        self.0.set_virtual_now(to);
    }

    /// Does one thing that can be done now; false if there is none.
    fn step(&self) -> bool {
        match self.0.next_job() {
            Job::Fire(waker) => waker.wake(),
            Job::Run(task) => Task::run(task),
            Job::Sleep(_) | Job::Exit => return false,
        }
        true
    }

    /// Moves the clock to the next timer; false if there is none.
    fn skip_to_next_timer(&self) -> bool {
        let Some(next) = self.0.next_deadline() else {
            return false;
        };
        self.0.set_virtual_now(next);
        true
    }

    pub(super) fn simulate<F: Future>(&self, future: F) -> Result<F::Output, AllocError> {
        let woken = Arc::try_new(Woken(AtomicBool::new(true)))?;
        let waker = waker(Arc::clone(&woken));
        let mut future = pin!(future);
        loop {
            if woken.0.swap(false, Ordering::AcqRel)
                && let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker))
            {
                return Ok(output);
            }
            let progress = self.step() || woken.0.load(Ordering::Acquire) || self.skip_to_next_timer();
            assert!(
                progress,
                "the simulation is stuck: block_on waits and nothing is left to wake it"
            );
        }
    }

    pub(super) fn simulate_to_the_end(&self) {
        self.run_until_stalled();
        while self.live_tasks() > 0 {
            assert!(
                self.skip_to_next_timer(),
                "the simulation is stuck: {} tasks wait for ever",
                self.live_tasks()
            );
            self.run_until_stalled();
        }
    }
}

/// Whether the future of a simulated `block_on` is to be polled again.
struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(this: &Arc<Self>) {
        this.0.store(true, Ordering::Release);
    }
}
