//! What a runtime's threads share: the tasks, the ready ones, the timers, the clock.

use super::task_cell::Task;
use super::timers::{TimerId, Timers};
use crate::backend::Thread;
use crate::mem::{AllocError, Arc};
use crate::sync::{Event, Mutex, Rank, Reset, SpinLock};
use crate::time::Instant;
use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::task::Waker;

/// Room for timers that is reserved for each task ahead of time.
const TIMERS_PER_TASK: usize = 2;

/// The shared part of a runtime.
pub(super) struct Shared {
    state: SpinLock<Scheduler>,
    /// Whether the clock is a virtual one: known without the lock, as the real one is asked for the time by everybody.
    pub(super) is_simulated: bool,
    /// Signalled when a sleeping worker should look at `state` again. Auto-reset: it frees one worker, which passes it on
    /// when there is more to do than it can take.
    work: Event,
    /// The workers, until they are joined. Empty in the simulator.
    pub(super) threads: Mutex<Vec<Thread>>,
}

/// # Invariants
/// `tasks` owns every task whose future is not dropped yet, at the task's own index, `live` of them. `ready` holds each of
/// them at most once and has room for all of them; `free` holds every vacant index of `tasks` and has room for all.
struct Scheduler {
    tasks: Vec<Option<Arc<Task>>>,
    free: Vec<usize>,
    live: usize,
    ready: VecDeque<Arc<Task>>,
    timers: Timers,
    clock: Clock,
    /// Workers that wait for `work`, or have been freed from that wait and not come here yet.
    sleeping: usize,
    /// No worker is wanted any longer than there are tasks.
    stopping: bool,
}

/// Where a runtime takes its time from.
#[derive(Clone, Copy)]
pub(super) enum Clock {
    Real,
    #[cfg_attr(
        feature = "kernel",
        expect(dead_code, reason = "there is no simulator in the kernel")
    )]
    Virtual {
        now: Instant,
        /// State of the generator that picks the next ready task.
        seed: u64,
    },
}

/// What a worker does next.
pub(super) enum Job {
    /// Wake this one: its time has come.
    Fire(Waker),
    /// Poll this one.
    Run(Arc<Task>),
    /// Sleep until there is work, or until then.
    Sleep(Option<Instant>),
    /// All tasks have ended and no more are wanted.
    Exit,
}

impl Shared {
    pub(super) fn try_new(clock: Clock) -> Result<Self, AllocError> {
        let state = Scheduler {
            tasks: Vec::new(),
            free: Vec::new(),
            live: 0,
            ready: VecDeque::new(),
            timers: Timers::default(),
            clock,
            sleeping: 0,
            stopping: false,
        };
        Ok(Shared {
            state: SpinLock::ranked(state, Rank::EXECUTIVE),
            is_simulated: matches!(clock, Clock::Virtual { .. }),
            work: Event::try_new(Reset::Auto)?,
            threads: Mutex::try_new(Vec::new(), Rank(0))?,
        })
    }

    pub(super) fn now(&self) -> Instant {
        if self.is_simulated {
            self.state.lock().now()
        } else {
            Instant::real()
        }
    }

    /// The number of tasks whose future is not dropped yet.
    pub(super) fn live(&self) -> usize {
        self.state.lock().live
    }

    /// Takes a new task in and makes it ready. Refused, like a failed allocation, when the workers have gone.
    pub(super) fn admit(&self, task: &Arc<Task>) -> Result<(), AllocError> {
        let mut state = self.state.lock();
        if state.stopping && state.live == 0 {
            return Err(AllocError);
        }
        state.reserve()?;
        let index = match state.free.pop() {
            Some(index) => index,
            None => {
                state.tasks.push(None);
                state.tasks.len() - 1
            }
        };
        task.set_index(index);
        state.tasks[index] = Some(Arc::clone(task));
        state.live += 1;
        state.ready.push_back(Arc::clone(task));
        let rouse = state.sleeping > 0;
        drop(state);
        if rouse {
            self.work.set();
        }
        Ok(())
    }

    /// Makes a task ready that was not. Up to DISPATCH_LEVEL; allocates nothing.
    pub(super) fn enqueue(&self, task: Arc<Task>) {
        let mut state = self.state.lock();
        debug_assert!(
            state.ready.len() < state.ready.capacity(),
            "there is room for every task"
        );
        state.ready.push_back(task);
        let rouse = state.sleeping > 0;
        drop(state);
        if rouse {
            self.work.set();
        }
    }

    /// Lets go of a task whose future is dropped.
    pub(super) fn retire(&self, index: usize) {
        let mut state = self.state.lock();
        let task = state.tasks.get_mut(index).and_then(Option::take);
        if task.is_some() {
            state.free.push(index);
            state.live -= 1;
        }
        let rouse = state.stopping && state.live == 0 && state.sleeping > 0;
        drop(state);
        if rouse {
            self.work.set();
        }
        // Memory goes back outside the lock.
        drop(task);
    }

    /// Calls `visit` with every live task, one after the other and under no lock.
    pub(super) fn for_each_task(&self, mut visit: impl FnMut(&Arc<Task>)) {
        let mut index = 0;
        loop {
            let task = match self.state.lock().tasks.get(index) {
                None => return,
                Some(slot) => slot.clone(),
            };
            if let Some(task) = task {
                visit(&task);
            }
            index += 1;
        }
    }

    /// What a worker that was not asleep does next.
    pub(super) fn next_job(&self) -> Job {
        self.job(false)
    }

    /// What a worker that was asleep does next.
    pub(super) fn next_job_after_sleep(&self) -> Job {
        self.job(true)
    }

    fn job(&self, slept: bool) -> Job {
        let mut state = self.state.lock();
        if slept {
            state.sleeping -= 1;
        }
        let job = state.next_job();
        let (rouse_another, live) = (state.sleeping > 0, state.live);
        let more = !state.ready.is_empty() || (state.stopping && live == 0);
        drop(state);
        if !matches!(job, Job::Sleep(_)) && more && rouse_another {
            self.work.set();
        }
        job
    }

    /// Sleeps as [`Job::Sleep`] says. Called by workers only.
    pub(super) fn sleep(&self, until: Option<Instant>) {
        match until {
            None => self.work.wait(),
            Some(until) => {
                self.work.wait_for(until.saturating_since(self.now()));
            }
        }
    }

    /// Lets the workers go once all tasks have ended.
    pub(super) fn stop(&self) {
        self.state.lock().stopping = true;
        self.work.set();
    }

    /// Arms a timer, or tells an armed one to wake `waker` now. Fails when there is no memory for it.
    pub(super) fn arm(
        &self,
        id: Option<TimerId>,
        deadline: Instant,
        waker: Waker,
    ) -> Result<TimerId, AllocError> {
        let mut state = self.state.lock();
        let waker = match id {
            None => waker,
            Some(id) => match state.timers.exchange(id, waker) {
                Ok(former) => {
                    drop(state);
                    drop(former);
                    return Ok(id);
                }
                Err(waker) => waker,
            },
        };
        let nearest = state
            .timers
            .next_deadline()
            .is_none_or(|nearest| deadline < nearest);
        let id = state.timers.insert(deadline, waker)?;
        // A worker that sleeps until a later time has to look again.
        let rouse = nearest && state.sleeping > 0;
        drop(state);
        if rouse {
            self.work.set();
        }
        Ok(id)
    }

    /// Disarms a timer.
    pub(super) fn disarm(&self, id: TimerId) {
        let waker = self.state.lock().timers.remove(id);
        drop(waker);
    }

    /// The earliest deadline.
    #[cfg(not(feature = "kernel"))]
    pub(super) fn next_deadline(&self) -> Option<Instant> {
        self.state.lock().timers.next_deadline()
    }

    /// Moves a virtual clock forward.
    #[cfg(not(feature = "kernel"))]
    pub(super) fn set_virtual_now(&self, to: Instant) {
        if let Clock::Virtual { now, .. } = &mut self.state.lock().clock {
            *now = to.max(*now);
        }
    }
}

impl Scheduler {
    /// Makes room for one task more everywhere, so that nothing that happens to a task later allocates.
    fn reserve(&mut self) -> Result<(), AllocError> {
        let tasks = self.live + 1;
        self.tasks.try_reserve(1)?;
        let indices = self.tasks.capacity();
        self.free.try_reserve(indices - self.free.len())?;
        self.ready.try_reserve(tasks - self.ready.len())?;
        self.timers.reserve(tasks * TIMERS_PER_TASK)
    }

    fn now(&self) -> Instant {
        match self.clock {
            Clock::Real => Instant::real(),
            Clock::Virtual { now, .. } => now,
        }
    }

    fn next_job(&mut self) -> Job {
        if let Some(deadline) = self.timers.next_deadline() {
            let now = self.now();
            if deadline <= now
                && let Some(waker) = self.timers.pop_due(now)
            {
                return Job::Fire(waker);
            }
        }
        if let Some(task) = self.pick_ready() {
            return Job::Run(task);
        }
        if self.stopping && self.live == 0 {
            return Job::Exit;
        }
        // The simulator's thread does not wait for the event: it looks again by itself.
        self.sleeping += usize::from(matches!(self.clock, Clock::Real));
        Job::Sleep(self.timers.next_deadline())
    }

    /// The oldest ready task, or in the simulator any of them.
    fn pick_ready(&mut self) -> Option<Arc<Task>> {
        match &mut self.clock {
            Clock::Real => self.ready.pop_front(),
            Clock::Virtual { seed, .. } => {
                let count = self.ready.len() as u64;
                if count == 0 {
                    return None;
                }
                let pick = usize::try_from(draw(seed) % count).unwrap_or(0);
                self.ready.swap_remove_back(pick)
            }
        }
    }
}

/// The next number of a SplitMix64 generator.
fn draw(seed: &mut u64) -> u64 {
    *seed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mixed = (*seed ^ (*seed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}
