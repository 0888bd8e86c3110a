//! Every interleaving of wake, poll, cancel and send, by loom. Preemptions are bounded at three: that is where the known
//! kinds of lost wake-ups show, and it keeps a run under a minute.

use super::*;
use crate::mem::Arc;
use crate::task::runtime::Runtime;
use core::future::poll_fn;
use core::task::{Poll, Waker};
use loom::sync::Mutex;
use loom::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

fn check(test: impl Fn() + Sync + Send + 'static) {
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(3);
    model.check(test);
}

/// A future that is ready once `flag` is set, and leaves its waker in `slot`.
async fn flagged(flag: Arc<AtomicBool>, slot: Arc<Mutex<Option<Waker>>>) {
    poll_fn(|context| {
        *slot.lock().unwrap() = Some(context.waker().clone());
        // Relaxed on purpose: the wake itself must carry the news.
        if flag.load(Ordering::Relaxed) {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    })
    .await;
}

#[test]
fn a_wake_during_a_poll_is_not_lost() {
    check(|| {
        let runtime = Runtime::simulated(0).unwrap();
        let flag = Arc::try_new(AtomicBool::new(false)).unwrap();
        let slot = Arc::try_new(Mutex::new(None)).unwrap();
        let handle = runtime.spawn(flagged(flag.clone(), slot.clone())).unwrap();
        let thread = loom::thread::spawn(move || {
            flag.store(true, Ordering::Relaxed);
            let waker: Option<Waker> = slot.lock().unwrap().take();
            if let Some(waker) = waker {
                waker.wake();
            }
        });
        runtime.run_until_stalled();
        thread.join().unwrap();
        runtime.run_until_stalled();
        assert!(handle.is_ended());
        assert_eq!(runtime.live_tasks(), 0);
    });
}

#[test]
fn a_wake_during_a_poll_by_another_waker_is_not_lost() {
    check(|| {
        let runtime = Runtime::simulated(0).unwrap();
        let flag = Arc::try_new(AtomicBool::new(false)).unwrap();
        let slot = Arc::try_new(Mutex::new(None)).unwrap();
        let handle = runtime.spawn(flagged(flag.clone(), slot.clone())).unwrap();
        runtime.run_until_stalled();
        let other = slot.lock().unwrap().clone();
        let thread = loom::thread::spawn(move || {
            let waker: Option<Waker> = slot.lock().unwrap().take();
            if let Some(waker) = waker {
                crate::task::waker::wake_here(waker);
            }
        });
        flag.store(true, Ordering::Relaxed);
        if let Some(waker) = other {
            waker.wake();
        }
        runtime.run_until_stalled();
        thread.join().unwrap();
        runtime.run_until_stalled();
        assert!(handle.is_ended());
        assert_eq!(runtime.live_tasks(), 0);
    });
}

#[test]
fn cancel_and_wake_race_to_one_end() {
    check(|| {
        let runtime = Runtime::simulated(0).unwrap();
        let flag = Arc::try_new(AtomicBool::new(false)).unwrap();
        let slot = Arc::try_new(Mutex::new(None)).unwrap();
        let handle = Arc::try_new(runtime.spawn(flagged(flag.clone(), slot.clone())).unwrap()).unwrap();
        let waking = loom::thread::spawn(move || {
            let waker: Option<Waker> = slot.lock().unwrap().take();
            if let Some(waker) = waker {
                waker.wake();
            }
        });
        let cancelling = handle.clone();
        let cancel = loom::thread::spawn(move || cancelling.cancel());
        runtime.run_until_stalled();
        waking.join().unwrap();
        cancel.join().unwrap();
        runtime.run_until_stalled();
        assert!(handle.is_ended());
        assert_eq!(runtime.live_tasks(), 0);
    });
}

#[test]
fn a_value_is_received_or_comes_back() {
    check(|| {
        let drops = Arc::try_new(AtomicUsize::new(0)).unwrap();
        struct Counted(Arc<AtomicUsize>);
        impl Drop for Counted {
            fn drop(&mut self) {
                self.0.fetch_add(1, Ordering::Relaxed);
            }
        }
        let (sender, receiver) = oneshot::<Counted>().unwrap();
        let value = Counted(drops.clone());
        let thread = loom::thread::spawn(move || drop(sender.send(value)));
        drop(receiver);
        thread.join().unwrap();
        assert_eq!(drops.load(Ordering::Relaxed), 1);
    });
}

#[test]
fn a_sent_value_wakes_its_receiver() {
    check(|| {
        let runtime = Runtime::simulated(0).unwrap();
        let (sender, receiver) = oneshot::<u8>().unwrap();
        let handle = runtime
            .spawn(async move { assert_eq!(receiver.await, Ok(3)) })
            .unwrap();
        let thread = loom::thread::spawn(move || sender.send(3).unwrap());
        runtime.run_until_stalled();
        thread.join().unwrap();
        runtime.run_until_stalled();
        assert!(handle.is_ended());
    });
}

#[test]
fn a_sleeping_worker_hears_of_a_new_task_and_of_the_end() {
    check(|| {
        let runtime = Runtime::start(1).unwrap();
        let flag = Arc::try_new(AtomicBool::new(false)).unwrap();
        let set = flag.clone();
        runtime
            .spawn(async move { set.store(true, Ordering::Relaxed) })
            .unwrap();
        runtime.shutdown();
        assert!(flag.load(Ordering::Relaxed));
    });
}

#[test]
fn a_token_cancels_whoever_waits() {
    check(|| {
        let runtime = Runtime::simulated(0).unwrap();
        let token = CancelToken::try_new().unwrap();
        let waiting = token.cancelled();
        let handle = runtime.spawn(waiting).unwrap();
        let thread = loom::thread::spawn(move || token.cancel());
        runtime.run_until_stalled();
        thread.join().unwrap();
        runtime.run_until_stalled();
        assert!(handle.is_ended());
    });
}
