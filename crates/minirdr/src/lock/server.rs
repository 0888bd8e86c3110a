//! Locks on the server: Tlock, as far as POSIX has what NT means by a lock.
//!
//! All locks of a file are held by one fid of its own, the carrier, in one owner's name. So the server never sets two
//! handles of this redirector against each other; between those the table decides. Whatever a lock takes away from the
//! server's record of that one owner (POSIX merges and splits an owner's ranges) is stated again from the table.
//!
//! What cannot be had:
//! - POSIX locks are advice: other clients' reads and writes are not stopped by them;
//! - offsets end at 2^63 - 1: what lies beyond, and ranges of no bytes, are locked here alone;
//! - a file that cannot be opened to write carries shared locks only;
//! - some servers (diod) lock whole files whatever the range, so that other clients are kept off all of it; on them the
//!   strongest lock is stated anew after every message, and a moment without it remains;
//! - on a server without locks they hold here alone.

use core::iter;

use executive::mem::Arc;
use ninep::wire::{LockFlags, LockStatus, LockType, OpenFlags, Tlock, Tlopen};
use nt::Status;
use rdbss::{ByteRange, Lock};

use super::{FileLocks, Holder};
use crate::file::OpenFile;
use crate::namespace;
use crate::objects::Platform;
use crate::server::client::OwnedFid;

/// The last byte that a POSIX lock reaches.
const LAST_OFFSET: u64 = i64::MAX.cast_unsigned();

/// The fid that holds a file's locks. Its clunk ends them.
pub(super) struct Carrier {
    fid: OwnedFid,
    writable: bool,
}

/// A message about locks is under way: dropped before it is answered, nobody knows what the server did.
struct Unanswered<'a>(Option<&'a FileLocks>);

impl Drop for Unanswered<'_> {
    fn drop(&mut self) {
        if let Some(locks) = self.0 {
            locks.unsettle();
        }
    }
}

/// `range` in Tlock's words: first byte and number of bytes, 0 for all that follow. `None`: nothing that it could say.
fn on_wire(range: ByteRange) -> Option<(u64, u64)> {
    let last = range.last()?;
    match range.start() {
        start if start > LAST_OFFSET => None,
        start if last >= LAST_OFFSET => Some((start, 0)),
        start => Some((start, range.length())),
    }
}

/// Whether the server can hold a lock on `range`.
pub(super) fn reaches(range: ByteRange) -> bool {
    on_wire(range).is_some()
}

impl<P: Platform> OpenFile<P> {
    /// Has the server grant `wanted`, which the table would grant too; `false`: somebody else is in the way. To be called
    /// in turn. Failed with `CONNECTION_DISCONNECTED`, it has not asked for it.
    ///
    /// # Errors
    /// The server's; as [`OpenFile::read`].
    pub(super) async fn lock_on_server(&self, wanted: &Lock<Holder>) -> nt::Result<bool> {
        let locks = &self.shared.locks;
        if locks.table.lock().local_only || !reaches(wanted.range) {
            return Ok(true);
        }
        let carrier = self.carrier().await?;
        if self.covered(wanted.range) {
            return Ok(true);
        }
        let status = match self.tell(&carrier, kind(wanted.exclusive), wanted.range).await {
            Err(Status::NOT_SUPPORTED) => {
                let unused = {
                    let mut table = locks.table.lock();
                    table.local_only = true;
                    table.carrier.take()
                };
                drop(unused);
                return Ok(true);
            }
            status => status?,
        };
        let granted = match status {
            LockStatus::SUCCESS => true,
            LockStatus::BLOCKED | LockStatus::GRACE => false,
            _ => return Err(Status::INSUFF_SERVER_RESOURCES),
        };
        if !(granted && wanted.exclusive) {
            self.restate(&carrier, wanted.range).await;
        }
        Ok(granted)
    }

    /// Has the server forget `range`, as far as the table does not hold it. To be called in turn.
    pub(super) async fn unlock_on_server(&self, range: ByteRange) {
        let locks = &self.shared.locks;
        let (carrier, last) = {
            let mut table = locks.table.lock();
            let last = table.locks.is_empty();
            let carrier = if last {
                table.unsettled = false;
                table.carrier.take()
            } else {
                table.carrier.clone()
            };
            (carrier, last)
        };
        let Some(carrier) = carrier else { return };
        if last {
            // Said, not only meant by the clunk: who asks next shall find the file free.
            if let Ok(everything) = ByteRange::new(0, u64::MAX) {
                let _ = self.tell(&carrier, LockType::UNLOCK, everything).await;
            }
            return;
        }
        if locks.table.lock().unsettled {
            let _ = self.settle(&carrier).await;
            return;
        }
        if !reaches(range) || self.covered(range) {
            return;
        }
        let _ = self.tell(&carrier, LockType::UNLOCK, range).await;
        self.restate(&carrier, range).await;
    }

    /// Sees to it that the locks are held on the present connection: those that another client has got meanwhile are
    /// forfeited.
    ///
    /// # Errors
    /// As [`OpenFile::read`].
    pub(super) async fn revive_locks(&self) -> nt::Result {
        let locks = &self.shared.locks;
        let is_lost = || {
            let carrier = locks.table.lock().carrier.clone();
            carrier.is_some_and(|carrier| !carrier.fid.client().is_usable())
        };
        if !is_lost() {
            return Ok(());
        }
        let _turn = locks.turn.acquire().await;
        if is_lost() {
            self.carrier().await?;
        }
        Ok(())
    }

    /// The fid that holds the file's locks: the present one, or a new one that takes up what the table says.
    pub(super) async fn carrier(&self) -> nt::Result<Arc<Carrier>> {
        let locks = &self.shared.locks;
        let (old, unsettled) = {
            let table = locks.table.lock();
            (table.carrier.clone(), table.unsettled)
        };
        if let Some(carrier) = &old
            && carrier.fid.client().is_usable()
        {
            if unsettled && !locks.is_empty() {
                self.settle(carrier).await?;
            }
            return Ok(Arc::clone(carrier));
        }
        let carrier = Arc::try_new(self.open_carrier().await?)?;
        if !locks.is_empty() {
            self.reclaim(&carrier).await?;
        }
        let old = {
            let mut table = locks.table.lock();
            table.unsettled = false;
            table.carrier.replace(Arc::clone(&carrier))
        };
        drop(old);
        Ok(carrier)
    }

    async fn open_carrier(&self) -> nt::Result<Carrier> {
        let open = self.fid().await?;
        let same = async {
            let walked = open.walk(iter::empty()).await?;
            Ok(namespace::check_same(walked, self.file_id()).await?.0)
        };
        let fid = match same.await {
            // Renamed, on a server whose fids are paths.
            Err(Status::OBJECT_NAME_NOT_FOUND | Status::OBJECT_PATH_NOT_FOUND) => {
                namespace::find(&self.place().await?).await?
            }
            same => same?,
        };
        let opened = |flags| Tlopen {
            fid: fid.fid(),
            flags,
        };
        let writable = match fid.client().call(&opened(OpenFlags::READ_WRITE), |_| ()).await {
            Err(Status::ACCESS_DENIED | Status::MEDIA_WRITE_PROTECTED) => {
                fid.client().call(&opened(OpenFlags::empty()), |_| ()).await?;
                false
            }
            outcome => outcome.map(|()| true)?,
        };
        Ok(Carrier { fid, writable })
    }

    /// One message about locks.
    async fn tell(&self, carrier: &Carrier, kind: LockType, range: ByteRange) -> nt::Result<LockStatus> {
        let Some((start, length)) = on_wire(range) else {
            return Ok(LockStatus::SUCCESS);
        };
        let locks = &self.shared.locks;
        let kind = match kind {
            LockType::WRITE if !carrier.writable => LockType::READ,
            kind => kind,
        };
        let request = Tlock {
            fid: carrier.fid.fid(),
            kind,
            flags: LockFlags::empty(),
            start,
            length,
            proc_id: locks.proc_id,
            client_id: self.redirector.0.lock_identity.client(),
        };
        let mut unanswered = Unanswered(Some(locks));
        let status = carrier.fid.client().call(&request, |reply| reply.status).await;
        // An error that came in answer is an answer too.
        if status.is_ok() || carrier.fid.client().is_usable() && status != Err(Status::IO_TIMEOUT) {
            unanswered.0 = None;
        }
        status
    }

    /// Whether one exclusive lock in the table has all of `range`: then the server need not hear of it.
    fn covered(&self, range: ByteRange) -> bool {
        let table = self.shared.locks.table.lock();
        table
            .locks
            .iter()
            .any(|held| held.exclusive && held.range.intersection(range) == Some(range))
    }

    /// States what the table holds within `range` once more, shared locks first; if there is nothing, the strongest lock
    /// elsewhere, for servers that lock whole files.
    async fn restate(&self, carrier: &Carrier, range: ByteRange) {
        let mut stated = false;
        for exclusive in [false, true] {
            let mut seen = 0;
            while let Some((at, held)) = self.held_from(seen, |held| {
                held.exclusive == exclusive && held.range.overlaps(range)
            }) {
                seen = at.saturating_add(1);
                if let Some(part) = held.range.intersection(range) {
                    stated |= exclusive;
                    let _ = self.tell(carrier, kind(exclusive), part).await;
                }
            }
        }
        if stated {
            return;
        }
        let strongest = self
            .held_from(0, |held| held.exclusive && reaches(held.range))
            .or_else(|| self.held_from(0, |held| reaches(held.range)));
        if let Some((_, held)) = strongest {
            let _ = self.tell(carrier, kind(held.exclusive), held.range).await;
        }
    }

    /// The first lock at or after place `from` that `fits`.
    fn held_from(&self, from: usize, fits: impl Fn(&Lock<Holder>) -> bool) -> Option<(usize, Lock<Holder>)> {
        let table = self.shared.locks.table.lock();
        table
            .locks
            .iter()
            .copied()
            .enumerate()
            .skip(from)
            .find(|(_, held)| fits(held))
    }

    /// Makes the server's record what the table says.
    async fn settle(&self, carrier: &Carrier) -> nt::Result {
        let everything = ByteRange::new(0, u64::MAX)?;
        self.tell(carrier, LockType::UNLOCK, everything).await?;
        self.reclaim(carrier).await?;
        self.shared.locks.table.lock().unsettled = false;
        Ok(())
    }

    /// Takes all locks of the table on a carrier that has none; forfeits those that somebody else has by now.
    async fn reclaim(&self, carrier: &Carrier) -> nt::Result {
        let mut seen = 0;
        while let Some((at, held)) = self.held_from(seen, |_| true) {
            // Not marked as taken back: diod refuses flags that it does not know.
            let told = self.tell(carrier, kind(held.exclusive), held.range).await?;
            if told == LockStatus::SUCCESS {
                seen = at.saturating_add(1);
            } else {
                self.shared.locks.table.lock().locks.forfeit(|lock| *lock == held);
            }
        }
        Ok(())
    }
}

fn kind(exclusive: bool) -> LockType {
    if exclusive {
        LockType::WRITE
    } else {
        LockType::READ
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_as_posix_has_them() {
        let wire = |start, length| on_wire(ByteRange::new(start, length).unwrap());
        assert_eq!(wire(5, 3), Some((5, 3)));
        assert_eq!(wire(5, 0), None, "no bytes");
        assert_eq!(wire(LAST_OFFSET, 1), Some((LAST_OFFSET, 0)));
        assert_eq!(wire(LAST_OFFSET - 1, 1), Some((LAST_OFFSET - 1, 1)));
        assert_eq!(wire(1, u64::MAX), Some((1, 0)));
        assert_eq!(wire(LAST_OFFSET + 1, 1), None, "beyond the last offset");
    }
}
