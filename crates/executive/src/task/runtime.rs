//! The runtime: a few threads that poll tasks, or the simulator.

use super::combine::{Either, Mapped, select};
use super::scheduler::{Clock, Job, Shared};
use super::sleep::{Sleep, TimedOut};
use super::task_cell::{Task, TaskHandle};
use super::waker::{Wake, waker};
use crate::backend::Thread;
use crate::mem::{AllocError, Arc, TryVec, try_box};
use crate::stack::{self, Entrance};
use crate::sync::{Event, Reset};
use crate::time::{Instant, SystemTime};
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;
use core::future::Future;
use core::mem;
use core::pin::pin;
use core::task::{Context, Poll};
use core::time::Duration;

/// Runs tasks and tells the time. Cheap to clone; every clone is the same runtime.
///
/// Whoever starts one shuts it down; a runtime that is only dropped keeps its threads and tasks.
#[derive(Clone)]
pub struct Runtime(pub(super) Arc<Shared>);

impl Runtime {
    /// Starts a runtime of `threads` system threads (at least one). IRQL = PASSIVE_LEVEL.
    ///
    /// # Errors
    /// `INSUFFICIENT_RESOURCES`, or the reason why no thread could be made; none is left behind then.
    pub fn start(threads: usize) -> nt::Result<Runtime> {
        let runtime = Runtime(Arc::try_new(Shared::try_new(Clock::Real)?)?);
        for _ in 0..threads.max(1) {
            if let Err(status) = runtime.add_worker() {
                runtime.shutdown();
                return Err(status);
            }
        }
        Ok(runtime)
    }

    fn add_worker(&self) -> nt::Result<()> {
        let mut room = Vec::try_with_room(self.0.threads.lock().len() + 1)?;
        let shared = Arc::clone(&self.0);
        // Not under the mutex: a thread is made at PASSIVE_LEVEL.
        let thread = Thread::spawn(try_box(move || work(&shared))?)?;
        let mut threads = self.0.threads.lock();
        room.append(&mut threads);
        room.push(thread);
        *threads = room;
        Ok(())
    }

    /// The time of this runtime's clock. Callable up to DISPATCH_LEVEL.
    pub fn now(&self) -> Instant {
        self.0.now()
    }

    /// The wall clock; in the simulator, one that moves with the virtual clock from 2020-01-01 on.
    pub fn system_time(&self) -> nt::FileTime {
        /// 2020-01-01 UTC, in 100 ns since 1601.
        const START: i64 = 132_223_104_000_000_000;
        if !self.0.is_simulated {
            return SystemTime::now();
        }
        let passed = i64::try_from(self.now().as_nanos() / 100).unwrap_or(i64::MAX);
        nt::FileTime(START.saturating_add(passed))
    }

    /// Waits for `span`, at least.
    pub fn sleep(&self, span: Duration) -> Sleep {
        self.sleep_until(self.now() + span)
    }

    /// Waits until `deadline`; [`Instant::NEVER`] waits for ever.
    pub fn sleep_until(&self, deadline: Instant) -> Sleep {
        Sleep::new(self.clone(), deadline)
    }

    /// What `future` comes to within `span` from now; after that, `future` is dropped. The time is looked at last: a
    /// future that is ready in time is never refused for a late poll.
    pub fn timeout<F: Future>(
        &self,
        span: Duration,
        future: F,
    ) -> impl Future<Output = Result<F::Output, TimedOut>> + use<F> {
        self.timeout_at(self.now() + span, future)
    }

    /// As [`Runtime::timeout`], with the point in time.
    pub fn timeout_at<F: Future>(
        &self,
        deadline: Instant,
        future: F,
    ) -> impl Future<Output = Result<F::Output, TimedOut>> + use<F> {
        Mapped::new(select(future, self.sleep_until(deadline)), |first| match first {
            Either::Left(output) => Ok(output),
            Either::Right(()) => Err(TimedOut),
        })
    }

    /// Has `future` polled by the runtime's threads at PASSIVE_LEVEL. The task goes on when the handle is dropped. A poll that
    /// waits for something holds its thread; meanwhile the others run tasks, but a timer may fire late, as they sleep until
    /// the one that was next when they fell asleep.
    ///
    /// Callable up to DISPATCH_LEVEL if dropping `future` is.
    ///
    /// # Errors
    /// [`AllocError`] when there is no memory for the task, or when the runtime has been shut down; `future` is dropped.
    pub fn spawn(&self, future: impl Future<Output = ()> + Send + 'static) -> Result<TaskHandle, AllocError> {
        Task::spawn(&self.0, Box::into_pin(try_box(future)?))
    }

    /// Polls `future` on the calling thread and waits until it is ready. IRQL <= APC_LEVEL, and never on one of the
    /// runtime's own threads.
    ///
    /// In the simulator the calling thread runs the tasks meanwhile, and moves the clock when all of them wait.
    ///
    /// # Errors
    /// [`AllocError`] when there is no memory to wait with; `future` is dropped without having been polled.
    ///
    /// # Panics
    /// In the simulator, when `future` is pending and nothing is left that could wake it.
    pub fn block_on<F: Future>(&self, future: F) -> Result<F::Output, AllocError> {
        #[cfg(not(feature = "kernel"))]
        if self.0.is_simulated {
            return self.simulate(future);
        }
        let parked = Arc::try_new(Parked(Event::try_new(Reset::Auto)?))?;
        let waker = waker(Arc::clone(&parked));
        let mut future = pin!(future);
        loop {
            match future.as_mut().poll(&mut Context::from_waker(&waker)) {
                Poll::Ready(output) => return Ok(output),
                Poll::Pending => parked.0.wait(),
            }
        }
    }

    /// The number of tasks that have not ended.
    pub fn live_tasks(&self) -> usize {
        self.0.live()
    }

    /// Cancels every task that there is now, as [`TaskHandle::cancel`] does.
    pub fn cancel_all(&self) {
        self.0.for_each_task(Task::cancel);
    }

    /// Waits until every task has ended, joins the threads, and refuses new tasks from then on: when it returns, no code of
    /// this runtime runs any more. Tasks may still spawn others meanwhile. IRQL = PASSIVE_LEVEL, never on one of the
    /// runtime's own threads. Shutting down again does nothing.
    ///
    /// # Panics
    /// In the simulator, when a task is left that nothing will wake.
    pub fn shutdown(&self) {
        self.0.stop();
        #[cfg(not(feature = "kernel"))]
        if self.0.is_simulated {
            self.simulate_to_the_end();
        }
        let threads = mem::take(&mut *self.0.threads.lock());
        for thread in threads {
            thread.join();
        }
    }
}

impl fmt::Debug for Runtime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Runtime")
            .field("live_tasks", &self.live_tasks())
            .finish()
    }
}

/// A worker's life.
fn work(shared: &Shared) {
    let _inside = stack::enter(Entrance::Worker);
    let mut job = shared.next_job();
    loop {
        job = match job {
            Job::Fire(waker) => {
                waker.wake();
                shared.next_job()
            }
            Job::Run(task) => {
                Task::run(task);
                shared.next_job()
            }
            Job::Sleep(until) => {
                shared.sleep(until);
                shared.next_job_after_sleep()
            }
            Job::Exit => return,
        };
    }
}

/// A thread in [`Runtime::block_on`].
struct Parked(Event);

impl Wake for Parked {
    fn wake(this: &Arc<Self>) {
        this.0.set();
    }
}
