//! One task: its future, and the state that says who may touch it.
//!
//! ```text
//!            wake                 a worker takes it
//!   IDLE ───────────▶ QUEUED ───────────────────────▶ RUNNING ──wake──▶ WOKEN
//!    ▲                  ▲                              │   │              │
//!    │                  └──────────────────────────────│───│──────────────┘ polled, pending
//!    └──────────────────────────── polled, pending ────┘   └─▶ DONE: ready or cancelled (from WOKEN too)
//! ```

use super::scheduler::Shared;
use super::waker::{TASK_TABLE, Wake, waker};
use crate::atomic::{AtomicBool, AtomicU8, AtomicUsize, Ordering};
use crate::mem::{AllocError, Arc};
use crate::sync::{Rank, SpinLock};
use alloc::boxed::Box;
use core::fmt;
use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll, RawWakerVTable, Waker};

/// Waits for a wake.
const IDLE: u8 = 0;
/// In the ready queue, once.
const QUEUED: u8 = 1;
/// A worker polls it.
const RUNNING: u8 = 2;
/// A worker polls it, and it has been woken since that began.
const WOKEN: u8 = 3;
/// Its future is dropped.
const DONE: u8 = 4;

pub(super) type BoxedFuture = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A spawned future. See the module about its state.
pub(super) struct Task {
    state: AtomicU8,
    /// The future shall be dropped instead of polled.
    cancelled: AtomicBool,
    /// Where the scheduler keeps it.
    index: AtomicUsize,
    shared: Arc<Shared>,
    /// `None` while a worker polls it, and in state DONE: so whoever drops the Task drops no future.
    future: SpinLock<Option<BoxedFuture>>,
    end: SpinLock<End>,
}

/// How a task's end is told.
struct End {
    ended: bool,
    waiter: Option<Waker>,
}

impl Task {
    /// Spawns `future` on the runtime that `shared` belongs to.
    pub(super) fn spawn(shared: &Arc<Shared>, future: BoxedFuture) -> Result<TaskHandle, AllocError> {
        let task = Arc::try_new(Task {
            state: AtomicU8::new(QUEUED),
            cancelled: AtomicBool::new(false),
            index: AtomicUsize::new(usize::MAX),
            shared: Arc::clone(shared),
            future: SpinLock::ranked(Some(future), Rank::EXECUTIVE),
            end: SpinLock::ranked(
                End {
                    ended: false,
                    waiter: None,
                },
                Rank::EXECUTIVE,
            ),
        })?;
        shared.admit(&task)?;
        Ok(TaskHandle { task })
    }

    pub(super) fn set_index(&self, index: usize) {
        self.index.store(index, Ordering::Relaxed);
    }

    /// Polls a task that came out of the ready queue. Runs foreign code, at PASSIVE_LEVEL.
    pub(super) fn run(this: Arc<Self>) {
        // Acquire: what the wakers did before they woke is seen by the poll.
        this.state.swap(RUNNING, Ordering::AcqRel);
        Task::poll(this);
    }

    /// Wakes a task. If it waits, the calling thread polls it, without a detour by the ready queue and a worker.
    pub(super) fn run_here(this: Arc<Self>) {
        // Acquire: what earlier wakers did before they woke, or the last poll, is seen by the poll.
        let waits = this
            .state
            .compare_exchange(IDLE, RUNNING, Ordering::AcqRel, Ordering::Acquire);
        match waits {
            Ok(_) => Task::poll(this),
            Err(_) => Task::wake(&this),
        }
    }

    /// Polls a task that is RUNNING, by the calling thread and no other.
    fn poll(this: Arc<Self>) {
        let Some(mut future) = this.future.lock().take() else {
            return;
        };
        if !this.cancelled.load(Ordering::Acquire) {
            let waker = waker(Arc::clone(&this));
            if future
                .as_mut()
                .poll(&mut Context::from_waker(&waker))
                .is_pending()
            {
                *this.future.lock() = Some(future);
                // Release: whoever polls next sees the future as it is now.
                let running = this
                    .state
                    .compare_exchange(RUNNING, IDLE, Ordering::AcqRel, Ordering::Acquire);
                if running.is_err() {
                    // Not a plain store: a wake that came after the exchange above is swallowed by this write, which
                    // therefore must acquire what happened before that wake.
                    this.state.swap(QUEUED, Ordering::AcqRel);
                    let shared = Arc::clone(&this.shared);
                    shared.enqueue(this);
                }
                return;
            }
        }
        drop(future);
        this.finish();
    }

    fn finish(&self) {
        self.state.store(DONE, Ordering::Release);
        let waiter = {
            let mut end = self.end.lock();
            end.ended = true;
            end.waiter.take()
        };
        self.shared.retire(self.index.load(Ordering::Relaxed));
        if let Some(waiter) = waiter {
            waiter.wake();
        }
    }

    /// Has the future dropped by a worker, soon.
    pub(super) fn cancel(this: &Arc<Self>) {
        this.cancelled.store(true, Ordering::Release);
        Task::wake(this);
    }
}

impl Wake for Task {
    const TABLE: &'static RawWakerVTable = &TASK_TABLE;

    fn wake(this: &Arc<Self>) {
        // Always a write, even where the state stays: the poll that is to come must see what happened before this wake.
        let before = this
            .state
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |state| {
                Some(match state {
                    IDLE => QUEUED,
                    RUNNING => WOKEN,
                    other => other,
                })
            });
        if before == Ok(IDLE) {
            this.shared.enqueue(Arc::clone(this));
        }
    }
}

/// A spawned task. Dropping the handle lets the task go on by itself.
pub struct TaskHandle {
    task: Arc<Task>,
}

impl TaskHandle {
    /// Has the task's future dropped on a worker, soon; a task that has ended already is not disturbed. Callable up to
    /// DISPATCH_LEVEL.
    pub fn cancel(&self) {
        Task::cancel(&self.task);
    }

    /// Whether the task has ended, by itself or cancelled; its future is dropped then.
    pub fn is_ended(&self) -> bool {
        self.task.end.lock().ended
    }

    /// Waits until the task has ended and its future is dropped. A wait that is dropped leaves its waker, which is memory alone,
    /// with the task until that ends.
    pub async fn join(self) {
        core::future::poll_fn(|context| self.poll_end(context)).await;
    }

    fn poll_end(&self, context: &Context<'_>) -> Poll<()> {
        let waker = context.waker().clone();
        let mut end = self.task.end.lock();
        if end.ended {
            return Poll::Ready(());
        }
        let former = end.waiter.replace(waker);
        drop(end);
        drop(former);
        Poll::Pending
    }
}

impl fmt::Debug for TaskHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaskHandle")
            .field("ended", &self.is_ended())
            .finish()
    }
}
