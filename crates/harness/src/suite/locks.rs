//! Byte-range locks.

use std::time::Duration;

use ioctl::irp::{LockFlags, LockFunction, Operation, TransferFlags};
use nt::{CreateDisposition, Result, Status};

use super::check::{done, equal, holds, refused};
use super::environment::{Environment, Scratch};
use super::{Checked, tests};
use crate::failure::Failure;
use crate::files::{OpenFile, write_file};
use crate::open::OpenRequest;
use crate::runner::Test;

pub(crate) fn tests() -> Vec<Test<Environment>> {
    tests![
        an_exclusive_lock_keeps_others_out,
        shared_locks_keep_writers_out,
        locks_are_taken_back_as_they_were_made,
        locks_end_with_their_handle,
        a_lock_waits_for_another,
        a_waiting_lock_is_cancelled,
        keys_tell_owners_apart,
        impossible_locks,
    ]
}

const EXCLUSIVE: LockFlags = LockFlags::EXCLUSIVE.union(LockFlags::FAIL_IMMEDIATELY);
const SHARED: LockFlags = LockFlags::FAIL_IMMEDIATELY;
/// Far beyond what an answer takes.
const PATIENCE: Duration = Duration::from_secs(30);

fn lock_of(function: LockFunction, offset: u64, span: u64, key: u32, flags: LockFlags) -> Operation<'static> {
    Operation::Lock {
        function,
        offset,
        span,
        key,
        flags,
    }
}

fn lock(file: &dyn OpenFile, offset: u64, span: u64, flags: LockFlags) -> Result<()> {
    let operation = lock_of(LockFunction::LOCK, offset, span, 0, flags);
    file.send(&operation)?.status.ok()
}

fn unlock(file: &dyn OpenFile, function: LockFunction, offset: u64, span: u64) -> Result<()> {
    let operation = lock_of(function, offset, span, 0, LockFlags::empty());
    file.send(&operation)?.status.ok()
}

fn unlock_single(file: &dyn OpenFile, offset: u64, span: u64) -> Result<()> {
    unlock(file, LockFunction::UNLOCK_SINGLE, offset, span)
}

fn read(file: &dyn OpenFile, offset: u64, length: usize) -> Result<usize> {
    let reply = file.start_read(offset, length)?.wait()?;
    reply.data().map(|data| data.len())
}

/// Two handles.
type Two = (Box<dyn OpenFile>, Box<dyn OpenFile>);

/// A file of a hundred bytes, open twice.
fn opened_twice(environment: &Environment, scratch: &Scratch<'_>) -> Result<Two, Failure> {
    let (files, path) = (&*environment.files, scratch.path("locked")?);
    done("writing", write_file(files, &path, &[b'.'; 100]))?;
    let open = || files.open(&path, &OpenRequest::write(CreateDisposition::OPEN));
    let (one, two) = (done("opening", open())?.0, done("opening again", open())?.0);
    if lock(&*one, 0, 0, SHARED) == Err(Status::NOT_SUPPORTED) {
        return Err(Failure::Skipped("locks need the test driver here".to_owned()));
    }
    done("unlocking nothing", unlock_single(&*one, 0, 0))?;
    Ok((one, two))
}

fn an_exclusive_lock_keeps_others_out(environment: &Environment) -> Checked {
    let scratch = environment.scratch()?;
    let (mut one, mut two) = opened_twice(environment, &scratch)?;
    done("locking", lock(&*one, 10, 10, EXCLUSIVE))?;
    refused(
        "an overlapping lock",
        lock(&*two, 19, 2, EXCLUSIVE),
        Status::LOCK_NOT_GRANTED,
    )?;
    refused(
        "a shared one",
        lock(&*two, 0, 11, SHARED),
        Status::LOCK_NOT_GRANTED,
    )?;
    done("locking beside it", lock(&*two, 20, 10, EXCLUSIVE))?;
    refused("reading it", read(&*two, 0, 100), Status::FILE_LOCK_CONFLICT)?;
    refused("writing it", two.write(15, b"x"), Status::FILE_LOCK_CONFLICT)?;
    equal("reading before it", read(&*two, 0, 10), Ok(10))?;
    equal("the owner's reading", read(&*one, 0, 20), Ok(20))?;
    done("the owner's writing", one.write(10, b"x"))?;
    done("unlocking", unlock_single(&*one, 10, 10))?;
    equal("reading it now", read(&*two, 0, 100), Ok(100))?;
    done("closing", one.close())?;
    done("closing", two.close())?;
    scratch.finish()
}

fn shared_locks_keep_writers_out(environment: &Environment) -> Checked {
    let scratch = environment.scratch()?;
    let (mut one, mut two) = opened_twice(environment, &scratch)?;
    done("locking", lock(&*one, 0, 50, SHARED))?;
    done("sharing", lock(&*two, 25, 50, SHARED))?;
    refused(
        "an exclusive lock",
        lock(&*two, 0, 1, EXCLUSIVE),
        Status::LOCK_NOT_GRANTED,
    )?;
    equal("reading", read(&*two, 0, 100), Ok(100))?;
    refused("writing", two.write(0, b"x"), Status::FILE_LOCK_CONFLICT)?;
    refused(
        "the owner's writing",
        one.write(0, b"x"),
        Status::FILE_LOCK_CONFLICT,
    )?;
    done("closing", one.close())?;
    done("closing", two.close())?;
    scratch.finish()
}

fn locks_are_taken_back_as_they_were_made(environment: &Environment) -> Checked {
    let scratch = environment.scratch()?;
    let (mut one, mut two) = opened_twice(environment, &scratch)?;
    done("locking", lock(&*one, 0, 10, EXCLUSIVE))?;
    done("locking more", lock(&*one, 20, 10, EXCLUSIVE))?;
    let gone = Status::RANGE_NOT_LOCKED;
    refused("a part", unlock_single(&*one, 0, 9), gone)?;
    refused("somebody else's", unlock_single(&*two, 0, 10), gone)?;
    done("the whole", unlock_single(&*one, 0, 10))?;
    refused("twice", unlock_single(&*one, 0, 10), gone)?;
    done("all", unlock(&*one, LockFunction::UNLOCK_ALL, 0, 0))?;
    done("what was locked is free", lock(&*two, 0, 100, EXCLUSIVE))?;
    done("closing", one.close())?;
    done("closing", two.close())?;
    scratch.finish()
}

fn locks_end_with_their_handle(environment: &Environment) -> Checked {
    let scratch = environment.scratch()?;
    let (mut one, mut two) = opened_twice(environment, &scratch)?;
    done("locking", lock(&*one, 0, 10, EXCLUSIVE))?;
    done("locking more", lock(&*one, 90, u64::MAX - 90, EXCLUSIVE))?;
    done("cleaning up", one.cleanup())?;
    done("it is free", lock(&*two, 0, 100, EXCLUSIVE))?;
    done("closing", one.close())?;
    done("closing", two.close())?;
    scratch.finish()
}

fn a_lock_waits_for_another(environment: &Environment) -> Checked {
    let scratch = environment.scratch()?;
    let (mut one, mut two) = opened_twice(environment, &scratch)?;
    done("locking", lock(&*one, 0, 10, EXCLUSIVE))?;
    let wish = lock_of(LockFunction::LOCK, 5, 10, 0, LockFlags::EXCLUSIVE);
    let waiting = done("asking", two.start(&wish))?;
    let waiting = match waiting.wait_for(Duration::from_millis(200)) {
        Err(waiting) => waiting,
        Ok(reply) => return Err(Failure::Wrong(format!("it did not wait: {reply:?}"))),
    };
    done("unlocking", unlock_single(&*one, 0, 10))?;
    let reply = waiting.wait_for(PATIENCE);
    let granted = reply.map_err(|_| Failure::Wrong("it still waits".to_owned()))?;
    done("the lock", granted.and_then(|reply| reply.status.ok()))?;
    refused("it is held", lock(&*one, 14, 1, SHARED), Status::LOCK_NOT_GRANTED)?;
    done("closing", one.close())?;
    done("closing", two.close())?;
    scratch.finish()
}

fn a_waiting_lock_is_cancelled(environment: &Environment) -> Checked {
    let scratch = environment.scratch()?;
    let (mut one, mut two) = opened_twice(environment, &scratch)?;
    done("locking", lock(&*one, 0, 10, EXCLUSIVE))?;
    let wish = lock_of(LockFunction::LOCK, 5, 10, 0, LockFlags::EXCLUSIVE);
    let waiting = done("asking", two.start(&wish))?;
    holds(
        "it waits",
        waiting
            .wait_for(Duration::from_millis(200))
            .err()
            .is_some_and(|waiting| {
                let cancelled = two.cancel();
                let reply = waiting.wait_for(PATIENCE);
                cancelled.is_ok() && matches!(reply, Ok(Ok(reply)) if reply.status == Status::CANCELLED)
            }),
    )?;
    // A second one ends with its handle.
    let waiting = done("asking", two.start(&wish))?;
    done("cleaning up", two.cleanup())?;
    let reply = waiting.wait_for(PATIENCE);
    let ended = reply.map_err(|_| Failure::Wrong("it still waits".to_owned()))?;
    refused(
        "the lock of a closed handle",
        ended.and_then(|reply| reply.status.ok()),
        Status::CANCELLED,
    )?;
    done("unlocking", unlock_single(&*one, 0, 10))?;
    done("closing", one.close())?;
    done("closing", two.close())?;
    scratch.finish()
}

fn keys_tell_owners_apart(environment: &Environment) -> Checked {
    let scratch = environment.scratch()?;
    let (mut one, mut two) = opened_twice(environment, &scratch)?;
    let with_key = |function, offset, key| {
        one.send(&lock_of(function, offset, 10, key, EXCLUSIVE))
            .and_then(|reply| reply.status.ok())
    };
    done("locking", with_key(LockFunction::LOCK, 0, 1))?;
    done("with another key", with_key(LockFunction::LOCK, 20, 2))?;
    refused("no key", read(&*one, 0, 10), Status::FILE_LOCK_CONFLICT)?;
    let keyed = Operation::Read {
        offset: 0,
        length: 10,
        key: 1,
        flags: TransferFlags::empty(),
    };
    done("the key", one.send(&keyed).and_then(|reply| reply.status.ok()))?;
    done("by key", with_key(LockFunction::UNLOCK_ALL_BY_KEY, 0, 1))?;
    done("that one is free", lock(&*two, 0, 10, EXCLUSIVE))?;
    refused(
        "the other is not",
        lock(&*two, 20, 10, EXCLUSIVE),
        Status::LOCK_NOT_GRANTED,
    )?;
    done("closing", one.close())?;
    done("closing", two.close())?;
    scratch.finish()
}

fn impossible_locks(environment: &Environment) -> Checked {
    let scratch = environment.scratch()?;
    let (mut one, mut two) = opened_twice(environment, &scratch)?;
    refused(
        "beyond the last offset",
        lock(&*one, u64::MAX, 2, EXCLUSIVE),
        Status::INVALID_LOCK_RANGE,
    )?;
    done("the last byte there can be", lock(&*one, u64::MAX, 1, EXCLUSIVE))?;
    let directory = environment.files.open(&scratch.directory, &OpenRequest::list());
    let mut directory = done("opening the directory", directory)?.0;
    refused(
        "a directory",
        lock(&*directory, 0, 1, EXCLUSIVE),
        Status::INVALID_PARAMETER,
    )?;
    done("closing", directory.close())?;
    done("closing", one.close())?;
    done("closing", two.close())?;
    scratch.finish()
}
