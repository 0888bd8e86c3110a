//! Servers that die, stall or lie under a mapped drive or while it is being made.
//!
//! Times are only ever bounded from above, and far above what they should be.

mod world;

use std::time::{Duration, Instant};

use minirdr::{Level, LinkState, Settings};
use nt::{FileInformationClass, Status};
use testserver::TestServer;
use world::status::is_lost;
use world::{Open, World, token};

/// The shortest deadlines there are.
fn impatient() -> Settings {
    Settings {
        request_timeout: Duration::from_secs(1),
        ..Settings::default()
    }
}

/// What `attempt` comes to once the server is found again.
fn once_back<V>(mut attempt: impl FnMut() -> nt::Result<V>) -> V {
    let start = Instant::now();
    loop {
        match attempt() {
            Ok(value) => return value,
            Err(status) => assert!(is_lost(status), "{status:?}"),
        }
        assert!(
            start.elapsed() < Duration::from_secs(60),
            "the server is not found again"
        );
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_server_killed_under_an_open_file() {
    let world = World::with_settings(impatient());
    std::fs::write(world.path("file"), b"data").unwrap();
    world.map("X:").unwrap();
    let file = world.open("file", &Open::write()).unwrap();
    let folder = world.open("", &Open::directory()).unwrap();
    world.embedded().kill();
    let start = Instant::now();
    assert!(is_lost(file.read(0, 4).unwrap_err()));
    assert!(
        start.elapsed() < Duration::from_secs(2),
        "within the deadline and a second"
    );
    assert!(is_lost(file.write(0, b"x").unwrap_err()));
    assert!(is_lost(file.flush().unwrap_err()));
    assert!(is_lost(folder.names().unwrap_err()));
    assert!(is_lost(file.query(FileInformationClass::BASIC, 99).unwrap_err()));
    assert!(is_lost(world.open("file", &Open::read()).err().unwrap()));
    assert_eq!(
        world.unmap("X:"),
        Err(Status::FILES_OPEN),
        "its rules stay the same"
    );
    assert!(!world.connections().is_empty());
    drop((file, folder));
    world.unmap("X:").unwrap();
    assert_eq!(world.map("X:"), Err(Status::BAD_NETWORK_PATH));
    // Back on the same port.
    let again = TestServer::builder(world.path(""))
        .names(&["/export"])
        .port(world.port)
        .start()
        .unwrap();
    world.map("X:").unwrap();
    let file = world.open("file", &Open::read()).unwrap();
    assert_eq!(file.read(0, 4).unwrap(), b"data");
    drop(file);
    world.unmap("X:").unwrap();
    assert!(again.wait_idle(Duration::from_secs(10)));
    assert_eq!(again.stop(), 0);
    world.end_without_server();
}

#[test]
fn a_server_killed_under_pending_requests() {
    let world = World::with_settings(Settings::default());
    std::fs::write(world.path("file"), vec![1; 1 << 20]).unwrap();
    world.map("X:").unwrap();
    let file = world.open("file", &Open::read()).unwrap();
    world.embedded().set_stalled(true);
    let start = Instant::now();
    std::thread::scope(|scope| {
        let readers = [(); 4].map(|()| scope.spawn(|| file.read(0, 1 << 20)));
        std::thread::sleep(Duration::from_millis(30));
        world.embedded().drop_connections();
        for reader in readers {
            let read = reader.join().unwrap().map(|data| data.len());
            assert!(is_lost(read.unwrap_err()));
        }
    });
    world.embedded().kill();
    assert!(
        start.elapsed() < Duration::from_secs(8),
        "the end of the connection is noticed before the deadline"
    );
    // A new drive gets a new session when the server is back, beside the dead drive.
    let again = TestServer::builder(world.path(""))
        .names(&["/export"])
        .port(world.port)
        .start()
        .unwrap();
    world.map("Y:").unwrap();
    let on_y = world.open_full(&world.full("Y:", "file"), &Open::read()).unwrap();
    assert_eq!(on_y.read(0, 3).unwrap(), [1; 3]);
    assert_eq!(
        file.read(0, 3).unwrap(),
        [1; 3],
        "opened again on the new session"
    );
    drop((file, on_y));
    world.unmap("X:").unwrap();
    world.unmap("Y:").unwrap();
    assert!(again.wait_idle(Duration::from_secs(10)));
    assert_eq!(again.stop(), 0);
    world.end_without_server();
}

#[test]
fn a_silent_server_whose_session_is_full() {
    // More than a session has room for.
    const READERS: usize = 140;
    let world = World::with_settings(impatient());
    std::fs::write(world.path("file"), b"data").unwrap();
    world.map("X:").unwrap();
    let file = world.open("file", &Open::read()).unwrap();
    world.embedded().set_stalled(true);
    let (done, ended) = std::sync::mpsc::channel::<()>();
    std::thread::scope(|scope| {
        // Frees a reader that waits for ever, who will then have read what it should not.
        scope.spawn(|| {
            let ended = ended;
            if ended.recv_timeout(Duration::from_secs(30)).is_err() {
                world.embedded().set_stalled(false);
            }
        });
        let readers: Vec<_> = (0..READERS).map(|_| scope.spawn(|| file.read(0, 4))).collect();
        for reader in readers {
            assert!(is_lost(reader.join().unwrap().unwrap_err()));
        }
        assert!(is_lost(file.read(0, 4).unwrap_err()));
        assert!(is_lost(world.open("file", &Open::read()).err().unwrap()));
        done.send(()).unwrap();
    });
    world.embedded().set_stalled(false);
    assert_eq!(once_back(|| file.read(0, 4)), b"data");
    drop(file);
    world.unmap("X:").unwrap();
    world.end_after_loss();
}

#[test]
fn a_server_that_falls_silent() {
    let world = World::with_settings(impatient());
    std::fs::write(world.path("file"), b"data").unwrap();
    world.map("X:").unwrap();
    let file = world.open("file", &Open::write()).unwrap();
    world.embedded().set_stalled(true);
    let start = Instant::now();
    assert_eq!(file.read(0, 4), Err(Status::IO_TIMEOUT));
    assert!(start.elapsed() < Duration::from_secs(2));
    // From now on it is suspect, then down, and costs nobody a deadline any more.
    let start = Instant::now();
    assert!(is_lost(world.open("file", &Open::read()).err().unwrap()));
    assert!(start.elapsed() < Duration::from_secs(2));
    assert_ne!(world.state("X:"), LinkState::Up);
    let start = Instant::now();
    for _ in 0..100 {
        assert_eq!(file.read(0, 4), Err(Status::CONNECTION_DISCONNECTED));
        assert_eq!(
            world.open("file", &Open::delete()).err(),
            Some(Status::BAD_NETWORK_PATH)
        );
    }
    assert!(
        start.elapsed() < Duration::from_secs(1),
        "a hundred of each at once"
    );
    assert_eq!(
        world.map("Y:"),
        Err(Status::BAD_NETWORK_PATH),
        "whoever connects dials"
    );
    // Once it speaks again, everything goes on.
    world.embedded().set_stalled(false);
    assert_eq!(once_back(|| file.read(0, 4)), b"data");
    assert_eq!(world.state("X:"), LinkState::Up);
    assert!(world.redirector.statistics().reconnects >= 1);
    assert_eq!(file.set_delete(true), Err(Status::ACCESS_DENIED));
    world.embedded().set_stalled(true);
    let start = Instant::now();
    drop(file);
    world.unmap_at("X:", Level::Force).unwrap();
    assert!(
        start.elapsed() < Duration::from_secs(5),
        "letting go waits for nobody"
    );
    world.embedded().set_stalled(false);
    world.end_after_loss();
}

#[test]
fn a_delete_that_the_server_does_not_answer() {
    let world = World::with_settings(impatient());
    world.map("X:").unwrap();
    let file = world.open("file", &Open::create()).unwrap();
    file.set_delete(true).unwrap();
    world.embedded().set_stalled(true);
    let start = Instant::now();
    file.cleanup();
    assert!(start.elapsed() < Duration::from_secs(2), "cleanup is bounded");
    world.embedded().set_stalled(false);
    drop(file);
    world.unmap("X:").unwrap();
    world.end_after_loss();
}

#[test]
fn cancelling_while_a_drive_is_being_made() {
    let settings = Settings {
        request_timeout: Duration::from_secs(60),
        ..Settings::default()
    };
    let world = World::with_settings(settings);
    world.embedded().set_stalled(true);
    let cancel = token();
    let start = Instant::now();
    std::thread::scope(|scope| {
        let full = world::name(&world.full("X:", ""));
        let redirector = &world.redirector;
        let (runtime, cancelled) = (&world.runtime, &cancel);
        let mapping = scope.spawn(move || {
            let adding = redirector.add_connection(full.as_name(), nt::Name::default(), world::ME, cancelled);
            runtime.block_on(adding).unwrap()
        });
        while world.embedded().accepted() == 0 {
            std::thread::yield_now();
        }
        std::thread::sleep(Duration::from_millis(20));
        // Somebody else waits for the same connection, and has a try of its own when the first gives up.
        let other = scope.spawn(|| world.map("Y:"));
        std::thread::sleep(Duration::from_millis(20));
        cancel.cancel();
        assert_eq!(mapping.join().unwrap(), Err(Status::CANCELLED));
        world.embedded().set_stalled(false);
        assert_eq!(other.join().unwrap(), Ok(()));
    });
    assert!(start.elapsed() < Duration::from_secs(30));
    world.unmap("Y:").unwrap();
    world.end();
}
