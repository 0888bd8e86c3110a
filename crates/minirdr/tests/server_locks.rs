//! Byte-range locks as other programs on the server meet them. diod has one lock per file, whatever the range, which
//! a program on the same machine sees as its own (flock). Ignored unless asked for, as it needs `diod`.

mod world;

use std::fs::{File as Local, TryLockError};
use std::time::{Duration, Instant};

use minirdr::{Level, LockRequest, Requestor, Settings};
use nt::Status;
use world::{File, Open, World, token};

/// The same file, behind the redirector's back.
fn outside(world: &World) -> Local {
    Local::options()
        .read(true)
        .write(true)
        .open(world.path("locked"))
        .unwrap()
}

fn is_blocked(outcome: Result<(), TryLockError>) -> bool {
    match outcome {
        Ok(()) => false,
        Err(TryLockError::WouldBlock) => true,
        Err(TryLockError::Error(error)) => panic!("{error}"),
    }
}

fn with_file(test: impl FnOnce(&World, File<'_>, Local)) {
    let world = World::with_diod();
    world.map("X:").unwrap();
    std::fs::write(world.path("locked"), [b'.'; 100]).unwrap();
    let file = world.open("locked", &Open::write()).unwrap();
    test(&world, file, outside(&world));
    world.unmap("X:").unwrap();
    world.end();
}

fn eventually_free(outside: &Local) {
    let start = Instant::now();
    while is_blocked(outside.try_lock()) {
        assert!(start.elapsed() < Duration::from_secs(20), "it stays locked");
        std::thread::sleep(Duration::from_millis(5));
    }
    outside.unlock().unwrap();
}

#[test]
#[ignore = "needs diod"]
fn others_are_kept_out() {
    with_file(|_, file, outside| {
        file.lock(0, 10, false).unwrap();
        assert!(!is_blocked(outside.try_lock_shared()), "both share");
        assert_eq!(file.lock(50, 10, true), Err(Status::LOCK_NOT_GRANTED));
        outside.unlock().unwrap();
        assert!(is_blocked(outside.try_lock()), "the shared lock holds");
        file.lock(50, 10, true).unwrap();
        assert!(is_blocked(outside.try_lock_shared()));
        file.unlock(50, 10).unwrap();
        file.unlock(0, 10).unwrap();
        assert!(!is_blocked(outside.try_lock()), "free at once");
    });
}

#[test]
#[ignore = "needs diod"]
fn what_is_left_still_holds() {
    with_file(|world, file, outside| {
        let other = world.open("locked", &Open::write()).unwrap();
        file.lock(0, 10, true).unwrap();
        other.lock(20, 10, true).unwrap();
        other.lock(40, 10, false).unwrap();
        assert!(is_blocked(outside.try_lock_shared()));
        file.unlock(0, 10).unwrap();
        assert!(is_blocked(outside.try_lock_shared()), "an exclusive one is left");
        other.unlock(20, 10).unwrap();
        assert!(is_blocked(outside.try_lock()), "a shared one is left");
        assert!(!is_blocked(outside.try_lock_shared()));
        outside.unlock().unwrap();
        // The last one goes with its handle.
        file.lock(0, 10, true).unwrap();
        other.close();
        assert!(is_blocked(outside.try_lock_shared()));
        file.close();
        assert!(!is_blocked(outside.try_lock()), "free when cleanup is over");
    });
}

#[test]
#[ignore = "needs diod"]
fn others_are_waited_for() {
    with_file(|world, file, outside| {
        outside.lock().unwrap();
        assert_eq!(file.lock(0, 10, true), Err(Status::LOCK_NOT_GRANTED));
        std::thread::scope(|scope| {
            let waiter = scope.spawn(|| file.lock_waiting(0, 10, true));
            while world.redirector.statistics().objects.contexts == 0 && !waiter.is_finished() {
                std::thread::yield_now();
            }
            assert!(!waiter.is_finished());
            outside.unlock().unwrap();
            waiter.join().unwrap().unwrap();
        });
        assert!(is_blocked(outside.try_lock_shared()));
        file.unlock(0, 10).unwrap();
        // A wait that is cancelled leaves nothing.
        outside.lock().unwrap();
        let cancel = token();
        let request = LockRequest {
            start: 0,
            length: 10,
            exclusive: true,
            fail_immediately: false,
        };
        std::thread::scope(|scope| {
            let waiter =
                scope.spawn(|| world.block(file.file.lock(&request, &Requestor::default(), &cancel)));
            while world.redirector.statistics().objects.contexts == 0 && !waiter.is_finished() {
                std::thread::yield_now();
            }
            cancel.cancel();
            assert_eq!(waiter.join().unwrap(), Err(Status::CANCELLED));
        });
        outside.unlock().unwrap();
        file.close();
        eventually_free(&outside);
    });
}

#[test]
#[ignore = "needs diod"]
fn a_renamed_file_keeps_its_locks() {
    with_file(|world, file, outside| {
        let mover = world.open("locked", &Open::delete()).unwrap();
        mover.rename("moved", false, None).unwrap();
        std::fs::write(world.path("locked"), b"another file").unwrap();
        file.lock(0, 10, true).unwrap();
        assert!(is_blocked(outside.try_lock()), "the file itself is locked");
        let other = Local::open(world.path("locked")).unwrap();
        assert!(!is_blocked(other.try_lock()), "its old name is not");
        mover.close();
        file.close();
        eventually_free(&outside);
    });
}

#[test]
#[ignore = "needs diod"]
fn a_forced_disconnect_ends_locks() {
    let world = World::with_diod();
    world.map("X:").unwrap();
    std::fs::write(world.path("locked"), [b'.'; 100]).unwrap();
    let file = world.open("locked", &Open::write()).unwrap();
    file.lock(0, 10, true).unwrap();
    let outside = outside(&world);
    assert!(is_blocked(outside.try_lock()));
    world.unmap_at("X:", Level::Force).unwrap();
    // The handle is still there; its locks are not.
    eventually_free(&outside);
    assert_eq!(file.unlock(0, 10), Err(Status::UNEXPECTED_NETWORK_ERROR));
    file.close();
    world.end();
}

/// Ends diod without a word.
fn kill(world: &World) {
    let world::Server::Diod(diod) = &world.server else {
        panic!("the server is not diod");
    };
    let kill = std::process::Command::new("kill")
        .args(["-KILL", &diod.process_id().to_string()])
        .status();
    assert!(kill.unwrap().success());
}

/// Locks a file, loses the server, does `meanwhile` before it comes back, then the rest with what the first read said.
fn after_a_loss(meanwhile: impl FnOnce(&Local), then: impl FnOnce(&File<'_>, nt::Result<Vec<u8>>, &Local)) {
    let settings = Settings {
        request_timeout: Duration::from_secs(1),
        ..Settings::default()
    };
    let world = World::with_diod_and(settings);
    world.map("X:").unwrap();
    std::fs::write(world.path("locked"), [b'.'; 100]).unwrap();
    let file = world.open("locked", &Open::write()).unwrap();
    let outside = outside(&world);
    file.lock(0, 10, true).unwrap();
    kill(&world);
    while file.read(0, 10) != Err(Status::CONNECTION_DISCONNECTED) {}
    meanwhile(&outside);
    let _again = testserver::Diod::start_at(&world.path(""), world.port);
    let start = Instant::now();
    let first = loop {
        let read = file.read(0, 10);
        let lost = [
            Err(Status::CONNECTION_DISCONNECTED),
            Err(Status::IO_TIMEOUT),
            Err(Status::BAD_NETWORK_PATH),
        ];
        if !lost.contains(&read) {
            break read;
        }
        assert!(
            start.elapsed() < Duration::from_secs(30),
            "it does not come back: {read:?}, {:?}",
            world.state("X:")
        );
        std::thread::sleep(Duration::from_millis(20));
    };
    then(&file, first, &outside);
    file.close();
    eventually_free(&outside);
    world.unmap("X:").unwrap();
    // diod saw the fids of the lost session go without a clunk.
    drop(world.end_without_server());
}

#[test]
#[ignore = "needs diod"]
fn a_lock_that_somebody_took_meanwhile_is_lost() {
    after_a_loss(
        |outside| outside.lock().unwrap(),
        |file, first, outside| {
            assert_eq!(first, Err(Status::FILE_INVALID), "the handle says so");
            assert_eq!(file.write(50, b"x"), Err(Status::FILE_INVALID));
            // Who gives the lost lock back can go on.
            file.unlock(0, 10).unwrap();
            assert_eq!(file.read(0, 10).unwrap().len(), 10);
            assert_eq!(file.lock(0, 10, true), Err(Status::LOCK_NOT_GRANTED));
            outside.unlock().unwrap();
            file.lock(0, 10, true).unwrap();
        },
    );
}

#[test]
#[ignore = "needs diod"]
fn a_lock_is_taken_again_after_a_loss() {
    after_a_loss(
        |_| {},
        |file, first, outside| {
            assert_eq!(first.unwrap().len(), 10);
            assert!(is_blocked(outside.try_lock_shared()));
            file.unlock(0, 10).unwrap();
        },
    );
}
