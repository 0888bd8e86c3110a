//! Byte-range locks between handles of one redirector.

use minirdr::{LockRequest, Requestor, Unlock};
use nt::{AccessMask, CreateDisposition, Status};

use crate::world::{File, Open, World};

const NOT_GRANTED: nt::Result = Err(Status::LOCK_NOT_GRANTED);

/// A process of its own for each number.
fn process(number: u64) -> Requestor {
    Requestor {
        process: number,
        ..Requestor::default()
    }
}

fn two_handles<'w>(world: &'w World, name: &str) -> (File<'w>, File<'w>) {
    std::fs::write(world.path(name), [b'.'; 100]).unwrap();
    let open = || world.open(name, &Open::write()).unwrap();
    (open(), open())
}

pub(crate) fn exclusive_locks(world: &World) {
    let (one, two) = two_handles(world, "locked");
    one.lock(10, 10, true).unwrap();
    assert_eq!(two.lock(19, 1, true), NOT_GRANTED);
    assert_eq!(two.lock(0, 11, false), NOT_GRANTED);
    assert_eq!(one.lock(15, 1, true), NOT_GRANTED, "not even its own owner");
    two.lock(20, 10, true).unwrap();
    two.lock(0, 10, true).unwrap();
    one.unlock(10, 10).unwrap();
    two.lock(10, 10, true).unwrap();
}

pub(crate) fn shared_locks(world: &World) {
    let (one, two) = two_handles(world, "locked");
    one.lock(0, 50, false).unwrap();
    two.lock(25, 50, false).unwrap();
    assert_eq!(two.lock(0, 1, true), NOT_GRANTED);
    one.unlock(0, 50).unwrap();
    assert_eq!(one.lock(0, 50, true), NOT_GRANTED);
    one.lock(0, 25, true).unwrap();
    one.lock(0, 25, false).unwrap();
    // Of two locks on one range the exclusive one goes first.
    one.unlock(0, 25).unwrap();
    two.lock(0, 25, false).unwrap();
}

pub(crate) fn locks_stand_in_the_way_of_data(world: &World) {
    let (one, two) = two_handles(world, "locked");
    one.lock(10, 10, true).unwrap();
    assert_eq!(two.read(0, 10).unwrap().len(), 10);
    assert_eq!(two.read(0, 11), Err(Status::FILE_LOCK_CONFLICT));
    assert_eq!(two.write(19, b"x"), Err(Status::FILE_LOCK_CONFLICT));
    assert_eq!(two.read(15, 0).unwrap(), b"", "no bytes, no conflict");
    assert_eq!(two.write(15, b"").unwrap(), 0);
    assert_eq!(one.read(0, 30).unwrap().len(), 30);
    one.write(10, b"own").unwrap();
    // Another process, or another key, is another owner.
    assert_eq!(one.read_by(process(7), 10, 1), Err(Status::FILE_LOCK_CONFLICT));
    let key = Requestor {
        key: 3,
        ..Requestor::default()
    };
    assert_eq!(one.read_by(key, 10, 1), Err(Status::FILE_LOCK_CONFLICT));
    let paging = Requestor {
        paging: true,
        ..Requestor::default()
    };
    two.read_by(paging, 10, 1).unwrap();
    one.unlock(10, 10).unwrap();
    one.lock(10, 10, false).unwrap();
    two.read(10, 10).unwrap();
    assert_eq!(two.write(10, b"x"), Err(Status::FILE_LOCK_CONFLICT));
    assert_eq!(
        one.write(10, b"x"),
        Err(Status::FILE_LOCK_CONFLICT),
        "not even its owner"
    );
    assert_eq!(two.append(b"at the end").unwrap(), 10, "the end is not locked");
}

pub(crate) fn unlocking(world: &World) {
    let (one, two) = two_handles(world, "locked");
    let gone = Err(Status::RANGE_NOT_LOCKED);
    assert_eq!(one.unlock(0, 1), gone);
    assert_eq!(one.unlock_as(Unlock::All, process(0)), gone);
    one.lock(0, 10, true).unwrap();
    assert_eq!(one.unlock(0, 9), gone, "only as it was locked");
    assert_eq!(two.unlock(0, 10), gone, "only by its owner");
    assert_eq!(
        one.unlock_as(Unlock::Single { start: 0, length: 10 }, process(1)),
        gone
    );
    one.lock(10, 10, true).unwrap();
    one.lock_as(20, 10, true, process(1)).unwrap();
    one.unlock_as(Unlock::All, process(0)).unwrap();
    two.lock(0, 20, true).unwrap();
    assert_eq!(two.lock(20, 1, true), NOT_GRANTED, "another process's");
    let key = |key| Requestor {
        key,
        ..Requestor::default()
    };
    one.lock_as(40, 1, true, key(1)).unwrap();
    one.lock_as(50, 1, true, key(2)).unwrap();
    one.unlock_as(Unlock::AllByKey, key(1)).unwrap();
    two.lock(40, 1, true).unwrap();
    assert_eq!(two.lock(50, 1, true), NOT_GRANTED);
    // What is left goes with the handle.
    one.close();
    two.lock(50, 1, true).unwrap();
    two.lock(20, 1, true).unwrap();
}

pub(crate) fn ranges_at_the_edges(world: &World) {
    let (one, two) = two_handles(world, "locked");
    let invalid = Err(Status::INVALID_LOCK_RANGE);
    assert_eq!(one.lock(u64::MAX, 2, true), invalid);
    assert_eq!(one.unlock(u64::MAX, 2), invalid);
    one.lock(u64::MAX, 1, true).unwrap();
    assert_eq!(two.lock(u64::MAX - 1, 2, false), NOT_GRANTED);
    // Far beyond what POSIX has offsets for, and across that border.
    one.lock(1 << 63, 1, true).unwrap();
    two.lock((1 << 63) - 1, 1, true).unwrap();
    assert_eq!(two.lock((1 << 63) - 10, 20, true), NOT_GRANTED);
    // No bytes: in the way only of what has bytes on both sides.
    one.lock(10, 0, true).unwrap();
    two.lock(10, 0, true).unwrap();
    two.lock(10, 5, true).unwrap();
    assert_eq!(one.lock(9, 2, true), NOT_GRANTED);
    assert_eq!(one.lock(12, 0, true), NOT_GRANTED);
    two.unlock(10, 0).unwrap();
    assert_eq!(two.unlock(10, 0), Err(Status::RANGE_NOT_LOCKED));
}

pub(crate) fn what_can_be_locked(world: &World) {
    let folder = world.open("", &Open::directory()).unwrap();
    assert_eq!(folder.lock(0, 1, true), Err(Status::INVALID_PARAMETER));
    assert_eq!(folder.unlock(0, 1), Err(Status::INVALID_PARAMETER));
    std::fs::write(world.path("file"), b"data").unwrap();
    let looks = Open::read().access(AccessMask::READ_ATTRIBUTES);
    let looker = world.open("file", &looks).unwrap();
    assert_eq!(looker.lock(0, 1, false), Err(Status::ACCESS_DENIED));
    let reader = world.open("file", &Open::read()).unwrap();
    reader.lock(0, 1, true).unwrap();
    let writer = Open::write()
        .access(AccessMask::GENERIC_WRITE)
        .disposition(CreateDisposition::OPEN);
    let writer = world.open("file", &writer).unwrap();
    assert_eq!(writer.lock(0, 1, true), NOT_GRANTED);
    assert_eq!(writer.write(0, b"x"), Err(Status::FILE_LOCK_CONFLICT));
    reader.cleanup();
    writer.lock(0, 1, true).unwrap();
}

pub(crate) fn waiting_for_a_lock(world: &World) {
    let (one, two) = two_handles(world, "locked");
    one.lock(0, 10, true).unwrap();
    std::thread::scope(|scope| {
        let waiter = scope.spawn(|| two.lock_waiting(5, 10, true));
        while world.redirector.statistics().objects.contexts == 0 && !waiter.is_finished() {
            std::thread::yield_now();
        }
        assert!(!waiter.is_finished());
        one.unlock(0, 10).unwrap();
        waiter.join().unwrap().unwrap();
    });
    assert_eq!(one.lock(14, 1, false), NOT_GRANTED);
}

pub(crate) fn a_waiting_lock_is_cancelled(world: &World) {
    let (one, two) = two_handles(world, "locked");
    one.lock(0, 10, true).unwrap();
    let cancel = crate::world::token();
    std::thread::scope(|scope| {
        let waiter = scope.spawn(|| {
            let request = LockRequest {
                start: 0,
                length: 10,
                exclusive: true,
                fail_immediately: false,
            };
            world.block(two.file.lock(&request, &Requestor::default(), &cancel))
        });
        cancel.cancel();
        assert_eq!(waiter.join().unwrap(), Err(Status::CANCELLED));
        // And by the end of the handle that waits.
        let waiter = scope.spawn(|| two.lock_waiting(0, 10, false));
        while world.redirector.statistics().objects.contexts == 0 && !waiter.is_finished() {
            std::thread::yield_now();
        }
        two.cleanup();
        assert_eq!(waiter.join().unwrap(), Err(Status::CANCELLED));
    });
    one.unlock(0, 10).unwrap();
    one.lock(0, 10, true).unwrap();
}
