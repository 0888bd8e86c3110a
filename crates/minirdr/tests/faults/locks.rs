//! Byte-range locks: shared ones, keys, waits for this redirector's handles and for others at the server.

use std::time::Duration;

use executive::mem::unfailing;
use executive::task::{CancelToken, join};
use minirdr::{LockRequest, Requestor, Unlock};
use nt::Status;

use crate::drive::end;
use crate::open::Open;
use crate::{Session, every_allocation_fails, or};

#[test]
fn every_allocation_of_locks_fails_in_turn() {
    every_allocation_fails("locks", 30, async |session| {
        session.mapped(async |session| session.locks().await).await
    });
}

#[test]
fn every_allocation_of_waits_for_locks_fails_in_turn() {
    every_allocation_fails("waits for locks", 20, async |session| {
        session.mapped(async |session| session.waits().await).await
    });
}

fn range(start: u64, exclusive: bool, fail_immediately: bool) -> LockRequest {
    LockRequest {
        start,
        length: 10,
        exclusive,
        fail_immediately,
    }
}

impl Session<'_> {
    async fn locks(&mut self) -> nt::Result {
        let cancel = CancelToken::try_new()?;
        let (one, two) = (
            self.drive.open("folder\\1", &Open::write()).await?,
            self.drive.open("folder\\1", &Open::read()).await?,
        );
        let keyed = Requestor {
            key: 7,
            ..Requestor::default()
        };
        let plain = Requestor::default();
        for start in 0..8 {
            one.lock(&range(20 * start, start % 2 == 0, true), &keyed, &cancel)
                .await?;
        }
        two.lock(&range(20, false, true), &plain, &cancel).await?;
        or(
            two.lock(&range(5, true, true), &plain, &cancel).await,
            &[Status::LOCK_NOT_GRANTED],
        )?;
        let what = Unlock::Single {
            start: 40,
            length: 10,
        };
        one.unlock(what, &keyed, &cancel).await?;
        one.unlock(Unlock::AllByKey, &keyed, &cancel).await?;
        two.unlock(Unlock::All, &plain, &cancel).await?;
        one.lock(&range(0, true, true), &plain, &cancel).await?;
        end(one).await;
        end(two).await;
        // At the latest the clunk does, which nobody waits for.
        crate::spared(self.runtime.sleep(Duration::from_secs(1))).await;
        assert!(!self.server.is_locked("folder/1"), "cleanup ends locks");
        Ok(())
    }

    async fn waits(&mut self) -> nt::Result {
        let cancel = CancelToken::try_new()?;
        let who = Requestor::default();
        let file = self.drive.open("folder\\2", &Open::write()).await?;
        // Somebody else at the server has it for a while.
        unfailing(|| self.server.lock("folder/2"));
        let (runtime, server) = (self.runtime, self.server);
        let request = range(0, true, false);
        let waiting = file.lock(&request, &who, &cancel);
        let freeing = crate::spared(async {
            runtime.sleep(Duration::from_secs(3)).await;
            server.unlock("folder/2");
        });
        let (waited, ()) = join(waiting, freeing).await;
        waited?;
        // A wait that is given up, and one that ends with its handle.
        let other = self.drive.open("folder\\2", &Open::write()).await?;
        let request = range(5, false, false);
        let waiting = other.lock(&request, &who, &cancel);
        let cancelling = async {
            crate::spared(runtime.sleep(Duration::from_secs(1))).await;
            cancel.cancel();
        };
        let (given_up, ()) = join(waiting, cancelling).await;
        or(given_up, &[Status::CANCELLED])?;
        let again = CancelToken::try_new()?;
        let waiting = other.lock(&request, &who, &again);
        let (ended, ()) = join(waiting, other.cleanup()).await;
        or(ended, &[Status::CANCELLED])?;
        end(other).await;
        end(file).await;
        Ok(())
    }
}
