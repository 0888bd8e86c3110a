//! Every allocation of the primitives failing in turn: an error each time, nothing left behind.

use executive::mem::{AllocError, Arc, Counting, TryVec, sweep, try_box};
use executive::task::{CancelToken, Runtime, oneshot};
use std::alloc::System;
use std::time::Duration;

#[global_allocator]
static POOL: Counting<System> = Counting::new(System);

#[test]
fn containers_report_and_leak_nothing() {
    let body = || -> Result<(), AllocError> {
        let boxed = try_box([0_u8; 64])?;
        let shared = Arc::try_new(boxed)?;
        let mut list = Vec::new();
        for _ in 0..10 {
            list.try_push(shared.clone())?;
        }
        Ok(())
    };
    let swept = sweep(body, |run, result| {
        assert_eq!(result.is_err(), run.failed, "{run:?}");
        assert_eq!(run.leaked, 0, "{run:?}");
    });
    assert!(swept.failures >= 4, "{swept:?}");
}

#[test]
fn a_simulated_run_reports_and_leaks_nothing() {
    let body = || -> Result<(), AllocError> {
        let runtime = Runtime::simulated(5)?;
        let token = CancelToken::try_new()?;
        let (sender, receiver) = oneshot::<Duration>()?;
        let inner = runtime.clone();
        let work = token.run(async move { inner.sleep(receiver.await.unwrap_or_default()).await });
        let worker = runtime.spawn(async move { _ = work.await })?;
        let started = sender.send(Duration::from_secs(1));
        let waited = runtime.block_on(runtime.timeout(Duration::from_millis(10), worker.join()));
        token.cancel();
        runtime.shutdown();
        assert_eq!(started, Ok(()));
        waited.map(drop)
    };
    let swept = sweep(body, |run, result| {
        // Waiting survives a failure of its own, so an error is not due each time; leaving nothing behind is.
        assert!(matches!(result, Ok(()) | Err(AllocError)), "{run:?}");
        assert_eq!(run.leaked, 0, "{run:?}");
    });
    assert!(swept.failures >= 8, "{swept:?}");
}
