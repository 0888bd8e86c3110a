//! Byte-range locks: IRP_MJ_LOCK_CONTROL, and what they mean to reads and writes.
//!
//! Locks are kept twice. The table of the file ([`rdbss::FileLock`]) has NT's rules and is asked by every transfer; it
//! holds between all handles of this redirector. The server holds them against everybody else, as far as 9P can:
//! [`server`] says how far that is.
//!
//! A lock that has to wait asks again: at once when something was unlocked here, with growing pauses when somebody
//! else has the range. The server is never asked to wait, as some servers stop answering altogether then.

mod server;

use core::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use core::time::Duration;

use executive::mem::Arc;
use executive::sync::{Mutex, Rank};
use executive::task::{CancelToken, Notify, Runtime, Semaphore, select};
use nt::{AccessMask, Status};
use rdbss::{ByteRange, FileLock, FobxId, Lock, LockOwner, MajorFunction, SrvOpenId};

use crate::file::OpenFile;
use crate::objects::Platform;
use crate::server::client::retried;
use server::Carrier;

/// First and longest pause between two tries for a lock that somebody else has on the server.
const FIRST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// On whose behalf a transfer or a lock is asked for. The default is nobody in particular: a host program.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Requestor {
    /// The process (`IoGetRequestorProcess`), as a number that no two live processes share.
    pub process: u64,
    /// `Parameters.Read.Key`, `Parameters.LockControl.Key`.
    pub key: u32,
    /// Paging I/O: it belongs to the file, and no lock stops it.
    pub paging: bool,
}

/// A lock, as IRP_MN_LOCK asks for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LockRequest {
    /// Offset of the first byte.
    pub start: u64,
    /// Number of bytes; none are a range too.
    pub length: u64,
    /// SL_EXCLUSIVE_LOCK.
    pub exclusive: bool,
    /// SL_FAIL_IMMEDIATELY: rather fails than waits.
    pub fail_immediately: bool,
}

/// Which locks IRP_MN_UNLOCK_… takes away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unlock {
    /// IRP_MN_UNLOCK_SINGLE: the requestor's lock on exactly this range.
    Single {
        /// Offset of the first byte.
        start: u64,
        /// Number of bytes.
        length: u64,
    },
    /// IRP_MN_UNLOCK_ALL: all locks of the requestor's process on this handle.
    All,
    /// IRP_MN_UNLOCK_ALL_BY_KEY: those of them with the requestor's key.
    AllByKey,
}

/// A handle, as the table of locks knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Holder {
    fobx: FobxId,
    srv_open: SrvOpenId,
}

/// How this redirector's locks are called on servers.
pub(crate) struct Identity {
    client: [u8; 22],
    owners: AtomicU32,
}

impl Identity {
    /// A name that no other redirector is likely to have.
    pub(crate) fn new(runtime: &Runtime) -> Self {
        let mut seed = runtime.now().as_nanos().rotate_left(32) ^ runtime.system_time().0.cast_unsigned();
        let mut client = *b"mrx9p-0000000000000000";
        for digit in client.iter_mut().skip(6) {
            // CAST: one hexadecimal digit.
            *digit = match (seed & 0xf) as u8 {
                small @ 0..=9 => b'0' + small,
                large => b'a' + (large - 10),
            };
            seed >>= 4;
        }
        Self {
            client,
            owners: AtomicU32::new(1),
        }
    }

    /// What Tlock calls the client.
    fn client(&self) -> &[u8] {
        &self.client
    }
}

/// The locks of one file: part of the extension of FCB.
pub(crate) struct FileLocks {
    table: Mutex<Table>,
    /// Locks in the table; transfers of a file without any need not look at it.
    held: AtomicUsize,
    /// One at a time speaks with the server about the file's locks.
    turn: Semaphore,
    /// Something was unlocked.
    freed: Notify,
    /// What Tlock calls the owner of all of them.
    proc_id: u32,
}

struct Table {
    locks: FileLock<Holder>,
    /// The fid that holds them on the server.
    carrier: Option<Arc<Carrier>>,
    /// What the server holds is not known to be what the table says.
    unsettled: bool,
    /// The server has no locks.
    local_only: bool,
}

/// What came of a try for a lock.
enum Attempt {
    Granted,
    /// Another handle of this redirector has the range.
    HeldHere,
    /// Somebody else has it on the server.
    HeldElsewhere,
}

impl FileLocks {
    /// # Errors
    /// `INSUFFICIENT_RESOURCES`.
    pub(crate) fn try_new(identity: &Identity) -> nt::Result<Self> {
        Ok(Self {
            table: Mutex::try_new(
                Table {
                    locks: FileLock::new(),
                    carrier: None,
                    unsettled: false,
                    local_only: false,
                },
                Rank(35),
            )?,
            held: AtomicUsize::new(0),
            turn: Semaphore::new(1),
            freed: Notify::new(),
            proc_id: identity.owners.fetch_add(1, Ordering::Relaxed),
        })
    }

    /// Whether no handle has a lock.
    pub(crate) fn is_empty(&self) -> bool {
        self.held.load(Ordering::Acquire) == 0
    }

    /// Takes away all that `fits`, here alone; the result is the first of it, and how many there were.
    fn take_all(&self, fits: impl Fn(&Lock<Holder>) -> bool) -> Option<(Lock<Holder>, usize)> {
        let mut table = self.table.lock();
        let taken = table.locks.unlock_all(fits)?;
        self.held.fetch_sub(taken.1, Ordering::AcqRel);
        Some(taken)
    }

    /// Takes away all that `fits` without a word to the server.
    fn forget(&self, fits: impl Fn(&Lock<Holder>) -> bool) {
        if self.take_all(fits).is_some() {
            self.unsettle();
            self.freed.notify_all();
        }
    }

    /// What the server holds may be more than the table says: the next who speaks with it sees to that. If nothing is to
    /// be held any more, the carrier's clunk does.
    fn unsettle(&self) {
        let unused = {
            let mut table = self.table.lock();
            table.unsettled = !table.locks.is_empty();
            if table.unsettled {
                None
            } else {
                table.carrier.take()
            }
        };
        // Not under the lock: it tells the session.
        drop(unused);
    }

    /// Ends the locks of an open whose connection was taken away. IRQL <= APC_LEVEL.
    pub(crate) fn orphan(&self, srv_open: SrvOpenId) {
        self.forget(|lock| lock.owner.handle.srv_open == srv_open);
    }
}

impl<P: Platform> OpenFile<P> {
    fn owner(&self, who: &Requestor) -> LockOwner<Holder> {
        LockOwner {
            handle: Holder {
                fobx: self.fobx,
                srv_open: self.srv_open,
            },
            process: who.process,
            key: who.key,
        }
    }

    /// Locks a range for `who`, and waits for it unless told not to.
    ///
    /// # Errors
    /// `LOCK_NOT_GRANTED`: somebody else has it. `INVALID_LOCK_RANGE`: it goes beyond the last offset there is.
    /// `INVALID_PARAMETER`: a directory. `ACCESS_DENIED`: opened neither to read nor to write. `CANCELLED`, also by the
    /// handle's cleanup; otherwise as [`OpenFile::read`].
    pub async fn lock(&self, request: &LockRequest, who: &Requestor, cancel: &CancelToken) -> nt::Result {
        let wanted = Lock {
            range: ByteRange::new(request.start, request.length)?,
            exclusive: request.exclusive,
            owner: self.owner(who),
        };
        self.check_lockable()?;
        let running = self.begin(MajorFunction::LOCK_CONTROL, cancel)?;
        running
            .run(async {
                let mut pause = FIRST_PAUSE;
                loop {
                    let freed = self.shared.locks.freed.notified();
                    match self.try_lock(wanted, cancel).await? {
                        Attempt::Granted => return Ok(()),
                        _ if request.fail_immediately => return Err(Status::LOCK_NOT_GRANTED),
                        Attempt::HeldHere => freed.await,
                        Attempt::HeldElsewhere => {
                            select(freed, self.redirector.0.runtime.sleep(pause)).await;
                            pause = pause.saturating_mul(2).min(LONGEST_PAUSE);
                        }
                    }
                }
            })
            .await
    }

    async fn try_lock(&self, wanted: Lock<Holder>, cancel: &CancelToken) -> nt::Result<Attempt> {
        let locks = &self.shared.locks;
        let _turn = locks.turn.acquire().await;
        {
            let mut table = locks.table.lock();
            if table.locks.check(&wanted).is_err() {
                return Ok(Attempt::HeldHere);
            }
            table.locks.reserve()?;
        }
        if !retried!(self.lock_on_server(&wanted))? {
            return Ok(Attempt::HeldElsewhere);
        }
        let (is_ended, is_uncarried) = {
            let mut table = locks.table.lock();
            // Who cleans up or takes the connection away says so first, and clears the table after that.
            let is_ended = cancel.is_cancelled() || self.cleaned_up.load(Ordering::Acquire);
            if !is_ended {
                // Nobody else has had the turn since the check.
                table.locks.lock(wanted)?;
                locks.held.fetch_add(1, Ordering::AcqRel);
            }
            let is_uncarried = table.carrier.is_none() && !table.local_only && server::reaches(wanted.range);
            (is_ended, is_uncarried)
        };
        if is_ended {
            locks.unsettle();
            return Err(Status::CANCELLED);
        }
        if is_uncarried {
            // The last lock before this one ended meanwhile, without waiting for its turn.
            let _ = self.carrier().await;
        }
        Ok(Attempt::Granted)
    }

    /// Takes locks of `who` away.
    ///
    /// # Errors
    /// `RANGE_NOT_LOCKED`: there are none; with [`Unlock::All`] and [`Unlock::AllByKey`], nobody has any on the file.
    /// `INVALID_LOCK_RANGE`, `INVALID_PARAMETER`: as [`Self::lock`]. Never the server's: a lock is gone here at once, and
    /// on the server when it can be reached.
    pub async fn unlock(&self, what: Unlock, who: &Requestor, cancel: &CancelToken) -> nt::Result {
        self.check_lockable()?;
        let owner = self.owner(who);
        let range = match what {
            Unlock::Single { start, length } => Some(ByteRange::new(start, length)?),
            Unlock::All | Unlock::AllByKey => None,
        };
        let running = self.begin(MajorFunction::LOCK_CONTROL, cancel)?;
        running
            .run(async {
                let locks = &self.shared.locks;
                match range {
                    Some(range) => {
                        locks.table.lock().locks.unlock_single(range, owner)?;
                        locks.held.fetch_sub(1, Ordering::AcqRel);
                        self.unlocked(range).await;
                    }
                    None if locks.is_empty() => return Err(Status::RANGE_NOT_LOCKED),
                    None => {
                        let of_process = |lock: &Lock<Holder>| {
                            lock.owner.handle == owner.handle && lock.owner.process == owner.process
                        };
                        if what == Unlock::All {
                            self.unlock_all(of_process).await;
                        } else {
                            self.unlock_all(|lock| of_process(lock) && lock.owner.key == owner.key)
                                .await;
                        }
                    }
                }
                Ok(())
            })
            .await
    }

    /// Takes away all locks that `fits` says, here and on the server.
    async fn unlock_all(&self, fits: impl Fn(&Lock<Holder>) -> bool) {
        let locks = &self.shared.locks;
        let Some((lock, count)) = locks.take_all(fits) else {
            return;
        };
        if count > 1 {
            // One message ends them all if nobody else has any; else all that is left is stated again.
            locks.table.lock().unsettled = true;
        }
        self.unlocked(lock.range).await;
    }

    /// Tells the server that `range` is unlocked, and those who wait for it here.
    async fn unlocked(&self, range: ByteRange) {
        let locks = &self.shared.locks;
        let limit = self.redirector.settings().request_timeout;
        let telling = async {
            let _turn = locks.turn.acquire().await;
            self.unlock_on_server(range).await;
        };
        let told = self.redirector.0.runtime.timeout(limit, telling).await;
        if told.is_err() {
            locks.unsettle();
        }
        locks.freed.notify_all();
    }

    /// Ends the handle's locks: part of its cleanup. Always succeeds here; the server has the time of one request.
    pub(crate) async fn end_locks(&self) {
        let locks = &self.shared.locks;
        if locks.is_empty() {
            // A lock that was refused may have left a fid open.
            locks.unsettle();
            return;
        }
        let fobx = self.fobx;
        let own = |lock: &Lock<Holder>| lock.owner.handle.fobx == fobx;
        // Without a connection there is nobody to tell.
        if self.open.current().is_ok_and(|open| open.client().is_usable()) {
            let limit = self.redirector.settings().request_timeout;
            let _ = self
                .redirector
                .0
                .runtime
                .timeout(limit, self.unlock_all(own))
                .await;
        }
        locks.forget(own);
    }

    /// Whether a transfer of `length` bytes at `start` may take place. Errors: `FILE_LOCK_CONFLICT`; `FILE_INVALID` where
    /// locks of this handle got lost with a connection.
    pub(crate) async fn check_locks(
        &self,
        who: &Requestor,
        start: u64,
        length: usize,
        write: bool,
    ) -> nt::Result {
        let locks = &self.shared.locks;
        if who.paging || locks.is_empty() {
            return Ok(());
        }
        self.revive_locks().await?;
        let range = ByteRange::of_transfer(start, u64::try_from(length).unwrap_or(u64::MAX));
        let owner = self.owner(who);
        let table = locks.table.lock();
        if table.locks.has_forfeited(|holder| holder.fobx == self.fobx) {
            return Err(Status::FILE_INVALID);
        }
        if write {
            table.locks.check_write(range, owner)
        } else {
            table.locks.check_read(range, owner)
        }
    }

    fn check_lockable(&self) -> nt::Result {
        if self.is_directory {
            return Err(Status::INVALID_PARAMETER);
        }
        if self
            .granted_access
            .intersects(AccessMask::READ_DATA | AccessMask::WRITE_DATA)
        {
            Ok(())
        } else {
            Err(Status::ACCESS_DENIED)
        }
    }
}
