//! Tasks on threads and in the simulator.

use super::scheduler::{Clock, Job, Shared};
use super::*;
use crate::irql::{Irql, at_dispatch};
use crate::mem::Arc;
use crate::sync::SpinLock;
use crate::time::Instant;
use core::future::{pending, poll_fn};
use core::sync::atomic::{AtomicUsize, Ordering};
use core::task::{Poll, Waker};
use core::time::Duration;
use std::vec::Vec;

fn shared<T>(value: T) -> Arc<T> {
    Arc::try_new(value).unwrap()
}

/// Notes at which IRQL it is dropped.
struct DropsAt(Arc<SpinLock<Vec<Irql>>>);

impl Drop for DropsAt {
    fn drop(&mut self) {
        let irql = Irql::current();
        self.0.lock().push(irql);
    }
}

#[test]
fn tasks_end_before_shutdown_returns() {
    let runtime = Runtime::start(3).unwrap();
    let count = shared(AtomicUsize::new(0));
    for n in 0..200 {
        let (count, inner) = (count.clone(), runtime.clone());
        let task = async move {
            for _ in 0..n % 7 {
                yield_now().await;
            }
            let late = count.clone();
            inner
                .spawn(async move {
                    _ = late.fetch_add(1, Ordering::Relaxed);
                })
                .unwrap();
            count.fetch_add(1, Ordering::Relaxed);
        };
        runtime.spawn(task).unwrap();
    }
    runtime.shutdown();
    assert_eq!(count.load(Ordering::Relaxed), 400);
    assert_eq!(runtime.live_tasks(), 0);
    assert!(runtime.spawn(async {}).is_err(), "nobody is left to run it");
    runtime.shutdown();
}

#[test]
fn values_cross_between_threads_under_load() {
    let runtime = Runtime::start(4).unwrap();
    let sum = shared(AtomicUsize::new(0));
    let mut senders = Vec::new();
    for _ in 0..500 {
        let (sender, receiver) = oneshot::<usize>().unwrap();
        let sum = sum.clone();
        runtime
            .spawn(async move {
                _ = sum.fetch_add(receiver.await.unwrap(), Ordering::Relaxed);
            })
            .unwrap();
        senders.push(sender);
    }
    std::thread::scope(|scope| {
        let mut chunks = Vec::new();
        while !senders.is_empty() {
            chunks.push(senders.split_off(senders.len().saturating_sub(125)));
        }
        for chunk in chunks {
            // As completion routines do.
            scope.spawn(move || {
                chunk
                    .into_iter()
                    .for_each(|sender| at_dispatch(|| sender.send(2).unwrap()))
            });
        }
    });
    runtime.shutdown();
    assert_eq!(sum.load(Ordering::Relaxed), 1000);
}

#[test]
fn block_on_waits_for_tasks_and_timers() {
    let runtime = Runtime::start(1).unwrap();
    let (sender, receiver) = oneshot().unwrap();
    let inner = runtime.clone();
    let task = async move {
        inner.sleep(Duration::from_millis(2)).await;
        sender.send(inner.now()).unwrap();
    };
    let before = runtime.now();
    runtime.spawn(task).unwrap();
    let after = runtime.block_on(receiver).unwrap().unwrap();
    assert!(after.saturating_since(before) >= Duration::from_millis(2));
    runtime.block_on(runtime.sleep(Duration::from_millis(1))).unwrap();
    assert_eq!(
        runtime.block_on(runtime.timeout(Duration::from_millis(1), pending::<()>())),
        Ok(Err(TimedOut))
    );
    assert_eq!(
        runtime.block_on(runtime.timeout(Duration::from_secs(600), async { 5 })),
        Ok(Ok(5))
    );
    runtime.shutdown();
}

/// A relative wait may count the time that the machine slept, which the clock does not: the worker is woken before the timer
/// is due. It sleeps again, for what is left.
#[test]
fn a_wait_that_ends_early_fires_no_timer() {
    let start = Instant::ORIGIN + Duration::from_secs(5);
    let clock = Clock::Virtual { now: start, seed: 1 };
    let shared = Shared::try_new(clock).unwrap();
    let due = start + Duration::from_secs(10);
    shared.arm(None, due, Waker::noop().clone()).unwrap();
    // The clock stood still, however long the wait was.
    for _wait in 0..3 {
        assert!(matches!(shared.next_job(), Job::Sleep(Some(until)) if until == due));
    }
    shared.set_virtual_now(due);
    assert!(matches!(shared.next_job(), Job::Fire(_)));
    assert!(matches!(shared.next_job(), Job::Sleep(None)));
}

#[test]
fn a_near_timer_is_not_missed_while_workers_sleep_for_a_far_one() {
    let runtime = Runtime::start(2).unwrap();
    let far = runtime.clone();
    let handle = runtime
        .spawn(async move { far.sleep(Duration::from_secs(3600)).await })
        .unwrap();
    for _ in 0..20 {
        runtime.block_on(runtime.sleep(Duration::from_millis(1))).unwrap();
    }
    handle.cancel();
    runtime.shutdown();
}

#[test]
fn a_cancelled_future_is_dropped_on_a_worker() {
    let drops = shared(SpinLock::new(Vec::new()));
    let runtime = Runtime::start(1).unwrap();
    let kept = DropsAt(drops.clone());
    let waker = shared(SpinLock::new(None::<Waker>));
    let (started, running) = oneshot::<()>().unwrap();
    let given = waker.clone();
    let mut started = Some(started);
    let task = async move {
        let _kept = kept;
        poll_fn(|context| {
            *given.lock() = Some(context.waker().clone());
            if let Some(started) = started.take() {
                started.send(()).unwrap();
            }
            Poll::<()>::Pending
        })
        .await;
    };
    let handle = runtime.spawn(task).unwrap();
    runtime.block_on(running).unwrap().unwrap();
    assert!(!handle.is_ended());
    at_dispatch(|| handle.cancel());
    runtime.block_on(handle.join()).unwrap();
    assert_eq!(*drops.lock(), [Irql::PASSIVE]);
    // The last waker goes at DISPATCH_LEVEL, as in a completion routine: there is nothing left for it to drop.
    at_dispatch(|| drop(waker.lock().take()));
    assert_eq!(drops.lock().len(), 1);
    runtime.shutdown();
}

#[test]
fn a_task_nobody_can_wake_is_kept_and_can_be_cancelled() {
    let runtime = Runtime::start(1).unwrap();
    let drops = shared(SpinLock::new(Vec::new()));
    let kept = DropsAt(drops.clone());
    drop(runtime.spawn(async move {
        let _kept = kept;
        pending::<()>().await;
    }));
    assert_eq!(runtime.live_tasks(), 1);
    runtime.cancel_all();
    runtime.shutdown();
    assert_eq!(*drops.lock(), [Irql::PASSIVE]);
}

#[test]
fn the_virtual_clock_moves_from_timer_to_timer() {
    let runtime = Runtime::simulated(1).unwrap();
    let seen = shared(SpinLock::new(Vec::new()));
    for ms in [30_u64, 10, 20] {
        let (runtime_, seen) = (runtime.clone(), seen.clone());
        runtime
            .spawn(async move {
                runtime_.sleep(Duration::from_millis(ms)).await;
                let now = runtime_.now();
                seen.lock().push((ms, now));
            })
            .unwrap();
    }
    runtime.run_until_stalled();
    assert!(seen.lock().is_empty());
    runtime.advance(Duration::from_millis(25));
    let at = |ms: u64| (ms, Instant::ORIGIN + Duration::from_millis(ms));
    assert_eq!(*seen.lock(), [at(10), at(20)]);
    assert_eq!(runtime.now(), Instant::ORIGIN + Duration::from_millis(25));
    runtime.shutdown();
    assert_eq!(*seen.lock(), [at(10), at(20), at(30)]);
    assert_eq!(runtime.system_time().0 % 10_000_000, 300_000);
}

#[test]
fn a_seed_decides_the_order_and_repeats_it() {
    let order = |seed| {
        let runtime = Runtime::simulated(seed).unwrap();
        let seen = shared(SpinLock::new(Vec::new()));
        for n in 0..8 {
            let seen = seen.clone();
            runtime.spawn(async move { seen.lock().push(n) }).unwrap();
        }
        runtime.shutdown();
        seen.lock().clone()
    };
    assert_eq!(order(7), order(7));
    assert!((0..20).any(|seed| order(seed) != order(7)));
}

#[test]
#[should_panic(expected = "the simulation is stuck")]
fn a_simulation_that_waits_for_nothing_is_noticed() {
    let runtime = Runtime::simulated(0).unwrap();
    let _never = runtime.block_on(pending::<()>());
}

#[test]
fn a_dropped_sleep_leaves_no_timer() {
    let runtime = Runtime::simulated(0).unwrap();
    let _done = runtime.block_on(runtime.timeout(Duration::from_secs(5), yield_now()));
    assert_eq!(runtime.0.next_deadline(), None);
}

#[test]
fn a_oneshot_tells_of_an_end_that_is_gone() {
    let runtime = Runtime::simulated(0).unwrap();
    let (sender, receiver) = oneshot::<u8>().unwrap();
    drop(sender);
    assert_eq!(runtime.block_on(receiver), Ok(Err(Closed)));
    let (sender, receiver) = oneshot::<u8>().unwrap();
    drop(receiver);
    assert_eq!(sender.send(9), Err(9));
}

#[test]
fn notify_one_frees_the_oldest_and_is_kept_for_the_next() {
    let runtime = Runtime::simulated(3).unwrap();
    let notify = Notify::new();
    notify.notify_one();
    runtime.block_on(notify.notified()).unwrap();
    let (mut first, mut second) = (notify.notified(), notify.notified());
    let poll = |future: &mut Notified<'_>| {
        let mut context = core::task::Context::from_waker(Waker::noop());
        core::pin::Pin::new(future).poll(&mut context).is_ready()
    };
    assert!(!poll(&mut first) && !poll(&mut second));
    notify.notify_one();
    assert!(!poll(&mut second));
    // The chosen one goes without looking: the next gets it.
    drop(first);
    assert!(poll(&mut second));
    let early = notify.notified();
    notify.notify_all();
    runtime.block_on(early).unwrap();
    assert!(!poll(&mut notify.notified()), "notify_all is not kept");
}

#[test]
fn what_notify_one_has_announced_outlives_a_notify_all() {
    let notify = Notify::new();
    let poll = |future: &mut Notified<'_>| {
        let mut context = core::task::Context::from_waker(Waker::noop());
        core::pin::Pin::new(future).poll(&mut context).is_ready()
    };
    let mut chosen = notify.notified();
    assert!(!poll(&mut chosen));
    notify.notify_one();
    notify.notify_all();
    drop(chosen);
    assert!(poll(&mut notify.notified()), "nobody has heard of it");
    let mut freed = notify.notified();
    assert!(!poll(&mut freed));
    notify.notify_all();
    drop(freed);
    assert!(!poll(&mut notify.notified()), "that was for those who waited");
}

#[test]
fn a_semaphore_lets_no_more_in_than_it_has_permits_for() {
    let runtime = Runtime::start(4).unwrap();
    let semaphore = shared(Semaphore::new(3));
    let (inside, most) = (shared(AtomicUsize::new(0)), shared(AtomicUsize::new(0)));
    for n in 0..100 {
        let (semaphore, inside, most) = (semaphore.clone(), inside.clone(), most.clone());
        let task = async move {
            // Some give up while they wait.
            if n % 5 == 0 {
                let _gave_up = select(yield_now(), semaphore.acquire()).await;
                return;
            }
            let _permit = semaphore.acquire().await;
            most.fetch_max(inside.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            yield_now().await;
            inside.fetch_sub(1, Ordering::SeqCst);
        };
        runtime.spawn(task).unwrap();
    }
    runtime.shutdown();
    assert!(most.load(Ordering::SeqCst) <= 3);
    assert_eq!(semaphore.free(), 3);
}

#[test]
fn a_token_calls_off_what_runs_under_it() {
    let runtime = Runtime::start(2).unwrap();
    let token = CancelToken::try_new().unwrap();
    assert_eq!(runtime.block_on(token.run(async { 1 })), Ok(Ok(1)));
    let (ended, end) = oneshot().unwrap();
    let work = token.run(pending::<()>());
    runtime
        .spawn(async move { ended.send(work.await).unwrap() })
        .unwrap();
    at_dispatch(|| token.cancel());
    assert_eq!(runtime.block_on(end), Ok(Ok(Err(Cancelled))));
    assert_eq!(runtime.block_on(token.run(async { 1 })), Ok(Err(Cancelled)));
    assert!(token.is_cancelled());
    runtime.shutdown();
}

#[test]
fn join_waits_for_both() {
    let runtime = Runtime::simulated(0).unwrap();
    let slow = async {
        runtime.sleep(Duration::from_secs(1)).await;
        1
    };
    assert_eq!(runtime.block_on(join(slow, async { 2 })), Ok((1, 2)));
}

#[test]
fn take_first_takes_what_is_ready_and_leaves_the_others() {
    let runtime = Runtime::simulated(0).unwrap();
    let after = |seconds: u64| {
        let runtime = runtime.clone();
        std::boxed::Box::pin(async move {
            runtime.sleep(Duration::from_secs(seconds)).await;
            seconds
        })
    };
    let mut running = std::vec![("slow", after(3)), ("quick", after(1)), ("as quick", after(1))];
    for expected in [("quick", 1), ("as quick", 1), ("slow", 3)] {
        assert_eq!(runtime.block_on(take_first(&mut running)), Ok(Some(expected)));
    }
    assert_eq!(runtime.block_on(take_first(&mut running)), Ok(None));
}

#[test]
fn a_future_apart_is_the_future() {
    let runtime = Runtime::simulated(0).unwrap();
    let sleeps = {
        let runtime = runtime.clone();
        async move {
            runtime.sleep(Duration::from_secs(1)).await;
            7
        }
    };
    assert_eq!(runtime.block_on(async { apart(sleeps).await + 1 }), Ok(8));
    let ready = core::future::ready([7_u8; 9]);
    assert_eq!(size_of_val(&apart(ready.clone())), size_of_val(&ready));
}

#[test]
fn who_brings_news_polls_the_task_that_waits_for_it() {
    let runtime = Runtime::simulated(0).unwrap();
    let notify = shared(Notify::new());
    let (sender, receiver) = oneshot().unwrap();
    let stage = shared(AtomicUsize::new(0));
    let handle = {
        let (notify, stage) = (notify.clone(), stage.clone());
        runtime.spawn(async move {
            notify.notified().await;
            stage.store(1, Ordering::SeqCst);
            assert_eq!(receiver.await, Ok(7));
        })
    };
    let handle = handle.unwrap();
    runtime.run_until_stalled();
    // Nobody but this thread polls it from here on.
    notify.notify_one();
    assert_eq!(stage.load(Ordering::SeqCst), 0, "a wake polls nothing");
    runtime.run_until_stalled();
    assert_eq!(stage.load(Ordering::SeqCst), 1);
    sender.send_here(7).unwrap();
    assert!(handle.is_ended());
    let waiting = notify.clone();
    let handle = runtime.spawn(async move { waiting.notified().await }).unwrap();
    runtime.run_until_stalled();
    notify.notify_one_here();
    assert!(handle.is_ended());
    assert_eq!(runtime.live_tasks(), 0);
}

#[test]
fn who_has_no_task_to_poll_just_wakes() {
    let runtime = Runtime::start(1).unwrap();
    let (sender, receiver) = oneshot().unwrap();
    std::thread::scope(|scope| {
        scope.spawn(|| sender.send_here(1).unwrap());
        assert_eq!(runtime.block_on(receiver), Ok(Ok(1)));
    });
    let notify = Notify::new();
    // Nobody waits yet: the next one does not have to.
    notify.notify_one_here();
    runtime.block_on(notify.notified()).unwrap();
    runtime.shutdown();
}
