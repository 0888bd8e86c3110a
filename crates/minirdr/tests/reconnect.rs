//! Sessions that are lost and made anew under a mapped drive, and what becomes of what was open on them.

mod world;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use minirdr::{Level, LinkState, Settings};
use nt::{AccessMask, CreateDisposition, CreateOptions, FileInformationClass, Status};
use testserver::{Diod, TestServer};
use world::{Open, World};

/// Waits until `is_so`; bounded.
fn wait(what: &str, is_so: impl Fn() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < Duration::from_secs(60), "{what} does not come");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Has the server drop its connections, and waits for the next session.
fn lose(world: &World) {
    let before = world.redirector.statistics().reconnects;
    world.embedded().drop_connections();
    wait("the next session", || {
        world.redirector.statistics().reconnects > before
    });
    assert_eq!(world.state("X:"), LinkState::Up);
}

/// A server in the place of one that was killed.
fn restart(world: &World, name: &str) -> TestServer {
    TestServer::builder(world.path(""))
        .names(&[name])
        .port(world.port)
        .start()
        .unwrap()
}

#[test]
fn what_was_open_is_open_again() {
    let world = World::new();
    std::fs::write(world.path("read"), b"to be read").unwrap();
    std::fs::create_dir(world.path("folder")).unwrap();
    for n in 0..100 {
        std::fs::write(world.path(&format!("folder/{n}")), b"").unwrap();
    }
    world.map("X:").unwrap();
    let read = world.open("read", &Open::read()).unwrap();
    let written = world.open("written", &Open::create()).unwrap();
    written.write(0, b"first").unwrap();
    let appends = Open::read().access(AccessMask::APPEND_DATA | AccessMask::SYNCHRONIZE);
    let appended = world.open("written", &appends).unwrap();
    let folder = world.open("folder", &Open::directory()).unwrap();
    let doomed = world.open("read", &Open::delete().options(CreateOptions::DELETE_ON_CLOSE));
    let doomed = doomed.unwrap();
    lose(&world);
    assert_eq!(read.read(0, 99).unwrap(), b"to be read");
    // Made by one create, which is not made again: it would fail, or take the data away.
    assert_eq!(written.write(5, b", second").unwrap(), 8);
    assert_eq!(appended.append(b", third").unwrap(), 7);
    assert_eq!(written.read(0, 99).unwrap(), b"first, second, third");
    assert_eq!(written.size().unwrap(), 20);
    let listed = folder.names().unwrap();
    assert_eq!(listed.len(), 102, "a hundred, and both dots");
    lose(&world);
    drop(read);
    drop(doomed);
    wait("the deletion", || !world.path("read").exists());
    written.rename("renamed", false, None).unwrap();
    lose(&world);
    assert_eq!(written.read(0, 5).unwrap(), b"first", "found by its new name");
    drop((written, appended, folder));
    world.unmap("X:").unwrap();
    world.end_after_loss();
}

#[test]
fn an_overwritten_file_is_not_emptied_again() {
    let world = World::new();
    std::fs::write(world.path("file"), b"old").unwrap();
    world.map("X:").unwrap();
    let overwrite = Open::write().disposition(CreateDisposition::OVERWRITE_IF);
    let file = world.open("file", &overwrite).unwrap();
    file.write(0, b"new").unwrap();
    lose(&world);
    assert_eq!(file.read(0, 9).unwrap(), b"new");
    drop(file);
    world.unmap("X:").unwrap();
    world.end_after_loss();
}

#[test]
fn another_file_in_its_place_is_not_taken_for_it() {
    let world = World::with_settings(Settings {
        dormant_files: 0,
        ..Settings::default()
    });
    for name in ["replaced", "removed", "folder-now", "kept"] {
        std::fs::write(world.path(name), b"mine").unwrap();
    }
    world.map("X:").unwrap();
    let open = |name| world.open(name, &Open::write()).unwrap();
    let [replaced, removed, turned, kept] = [
        open("replaced"),
        open("removed"),
        open("folder-now"),
        open("kept"),
    ];
    // Beside the old one, so that it cannot have its inode.
    std::fs::write(world.path("other"), b"somebody else's").unwrap();
    std::fs::rename(world.path("other"), world.path("replaced")).unwrap();
    std::fs::remove_file(world.path("removed")).unwrap();
    std::fs::remove_file(world.path("folder-now")).unwrap();
    std::fs::create_dir(world.path("folder-now")).unwrap();
    lose(&world);
    for file in [&replaced, &removed, &turned] {
        assert_eq!(file.read(0, 4), Err(Status::FILE_INVALID));
        assert_eq!(file.write(0, b"x"), Err(Status::FILE_INVALID));
        assert_eq!(
            file.query(FileInformationClass::NETWORK_OPEN, 99).err(),
            Some(Status::FILE_INVALID)
        );
    }
    assert_eq!(kept.read(0, 4).unwrap(), b"mine");
    // For good, whatever comes back.
    std::fs::write(world.path("removed"), b"mine").unwrap();
    assert_eq!(removed.read(0, 4), Err(Status::FILE_INVALID));
    drop((replaced, removed, turned, kept));
    assert_eq!(std::fs::read(world.path("replaced")).unwrap(), b"somebody else's");
    world.unmap("X:").unwrap();
    world.end_after_loss();
}

/// What a server says of when its files came to be, and how often their numbers were given away before.
#[derive(Default)]
struct Births {
    known: AtomicBool,
    seconds: AtomicU64,
    generation: AtomicU64,
}

impl Births {
    /// Writes it into an Rgetattr.
    fn forge(&self, reply: &mut testserver::Frame) {
        const RGETATTR: u8 = 25;
        if reply.kind != RGETATTR {
            return;
        }
        if self.known.load(Ordering::SeqCst) {
            let valid = u64::from_le_bytes(reply.body[..8].try_into().unwrap()) | 0x800 | 0x1000;
            reply.body[..8].copy_from_slice(&valid.to_le_bytes());
        }
        let seconds = self.seconds.load(Ordering::SeqCst);
        reply.body[121..129].copy_from_slice(&seconds.to_le_bytes());
        let generation = self.generation.load(Ordering::SeqCst);
        reply.body[137..145].copy_from_slice(&generation.to_le_bytes());
    }
}

#[test]
fn a_later_file_of_the_same_number_is_not_taken_for_it() {
    // Whether the server knows; birth and generation when the file is opened and after the loss; whether it is the same.
    for (known, before, after, same) in [
        (true, (100, 7), (100, 7), true),
        (true, (100, 7), (101, 7), false),
        (true, (100, 7), (100, 8), false),
        // An earlier time of writing takes the birth back on some systems.
        (true, (100, 7), (99, 7), true),
        // Zero is no time and no number.
        (true, (0, 0), (101, 8), true),
        (true, (100, 7), (0, 0), true),
        (false, (100, 7), (101, 8), true),
    ] {
        let births = std::sync::Arc::new(Births::default());
        let said = std::sync::Arc::clone(&births);
        let world = World::with_server(Settings::default(), |builder| {
            builder.between(move |request, act| {
                let mut reply = act(request)?;
                said.forge(&mut reply);
                Ok(reply)
            })
        });
        let say = |(seconds, generation): (u64, u64)| {
            births.known.store(known, Ordering::SeqCst);
            births.seconds.store(seconds, Ordering::SeqCst);
            births.generation.store(generation, Ordering::SeqCst);
        };
        std::fs::write(world.path("file"), b"data").unwrap();
        say(before);
        world.map("X:").unwrap();
        let opened = world.open("file", &Open::write()).unwrap();
        let made = world.open("made", &Open::create()).unwrap();
        made.write(0, b"data").unwrap();
        say(after);
        for file in [&opened, &made] {
            assert_eq!(
                file.read(0, 4).unwrap(),
                b"data",
                "it is open, whatever the server says"
            );
        }
        lose(&world);
        let expected = if same {
            Ok(b"data".to_vec())
        } else {
            Err(Status::FILE_INVALID)
        };
        for file in [&opened, &made] {
            assert_eq!(file.read(0, 4), expected, "{known} {before:?} {after:?}");
        }
        drop((opened, made));
        world.unmap("X:").unwrap();
        world.end_after_loss();
    }
}

#[test]
fn pages_go_through_any_open_of_the_file_that_may() {
    let world = World::new();
    std::fs::write(world.path("file"), b"data").unwrap();
    world.map("X:").unwrap();
    world.map("Y:").unwrap();
    let reader = world.open("file", &Open::read()).unwrap();
    let writer = world
        .open_full(&world.full("Y:", "file"), &Open::write())
        .unwrap();
    let cancel = world::token();
    let page_out = |pages: &[u8]| world.block(reader.file.write_paging(0, pages, &cancel));
    assert_eq!(page_out(b"DATA"), Ok(4), "by the writer's open");
    lose(&world);
    assert_eq!(
        page_out(b"LATE"),
        Ok(4),
        "though the writer has done nothing since"
    );
    assert_eq!(writer.read(0, 9).unwrap(), b"LATE");
    lose(&world);
    drop(writer);
    assert_eq!(page_out(b"none"), Err(Status::ACCESS_DENIED));
    drop(reader);
    world.unmap("X:").unwrap();
    world.unmap("Y:").unwrap();
    world.end_after_loss();
}

#[test]
fn requests_under_way() {
    let world = World::new();
    std::fs::write(world.path("file"), b"data").unwrap();
    world.map("X:").unwrap();
    let file = world.open("file", &Open::write()).unwrap();
    world.embedded().set_stalled(true);
    let asked = world.embedded().requests();
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| file.read(0, 4));
        let queried = scope.spawn(|| file.size());
        let opened = scope.spawn(|| world.open("file", &Open::read()).map(drop));
        wait("the first", || world.embedded().requests() > asked);
        let writer = scope.spawn(|| file.write(0, b"DATA"));
        let made = scope.spawn(|| world.open("made", &Open::create()).map(drop));
        // A stalled server reads no further; what it has not read has been sent all the same.
        std::thread::sleep(Duration::from_millis(100));
        world.embedded().drop_connections();
        world.embedded().set_stalled(false);
        let read = reader.join().unwrap().unwrap();
        assert!(read == b"data" || read == b"DATA", "asked once more");
        assert_eq!(queried.join().unwrap(), Ok(4));
        assert_eq!(opened.join().unwrap(), Ok(()));
        // Nobody knows what became of it, unless it had not been sent yet.
        let written = writer.join().unwrap();
        assert!(
            matches!(written, Err(Status::CONNECTION_ABORTED) | Ok(4)),
            "{written:?}"
        );
        // It had only looked for the name as yet.
        assert_eq!(made.join().unwrap(), Ok(()));
    });
    drop(file);
    world.unmap("X:").unwrap();
    world.end_after_loss();
}

#[test]
fn a_server_that_is_away_for_a_while() {
    let world = World::new();
    std::fs::write(world.path("file"), b"data").unwrap();
    world.map("X:").unwrap();
    let file = world.open("file", &Open::write()).unwrap();
    let forced = world.map("Y:").map(|()| world.full("Y:", "file")).unwrap();
    let on_y = world.open_full(&forced, &Open::read()).unwrap();
    world.embedded().kill();
    wait("the loss", || {
        matches!(world.state("X:"), LinkState::Down | LinkState::Reconnecting)
    });
    let start = Instant::now();
    assert_eq!(file.read(0, 4), Err(Status::CONNECTION_DISCONNECTED));
    assert_eq!(file.write(0, b"x"), Err(Status::CONNECTION_DISCONNECTED));
    assert_eq!(
        world.open("file", &Open::read()).err(),
        Some(Status::BAD_NETWORK_PATH)
    );
    assert_eq!(
        world.unmap("X:"),
        Err(Status::FILES_OPEN),
        "the rules stay the same"
    );
    world.unmap_at("Y:", Level::Force).unwrap();
    assert_eq!(on_y.read(0, 4), Err(Status::UNEXPECTED_NETWORK_ERROR));
    assert!(
        start.elapsed() < Duration::from_secs(5),
        "nothing waits for the server"
    );
    let again = restart(&world, "/export");
    wait("the server", || world.state("X:") == LinkState::Up);
    assert_eq!(file.read(0, 4).unwrap(), b"data");
    assert_eq!(on_y.read(0, 4), Err(Status::UNEXPECTED_NETWORK_ERROR));
    drop((file, on_y));
    world.unmap("X:").unwrap();
    assert!(again.wait_idle(Duration::from_secs(10)));
    assert_eq!(again.stop(), 0, "the new session leaves no fid");
    world.end_without_server();
}

#[test]
fn a_share_that_is_gone_when_the_server_comes_back() {
    let world = World::new();
    std::fs::write(world.path("file"), b"data").unwrap();
    world.map("X:").unwrap();
    let file = world.open("file", &Open::write()).unwrap();
    world.embedded().kill();
    let again = restart(&world, "/other");
    wait("the server", || world.state("X:") == LinkState::Up);
    assert_eq!(file.read(0, 4), Err(Status::NETWORK_NAME_DELETED));
    assert_eq!(
        world.open("file", &Open::read()).err(),
        Some(Status::NETWORK_NAME_DELETED)
    );
    assert_eq!(again.stop(), 0);
    let again = restart(&world, "/export");
    wait("the share", || file.read(0, 4).is_ok());
    drop(file);
    world.unmap("X:").unwrap();
    assert!(again.wait_idle(Duration::from_secs(10)));
    assert_eq!(again.stop(), 0);
    world.end_without_server();
}

#[test]
fn letting_go_of_a_server_that_is_away() {
    let world = World::new();
    world.map("X:").unwrap();
    world.embedded().kill();
    wait("the loss", || {
        matches!(world.state("X:"), LinkState::Down | LinkState::Reconnecting)
    });
    let start = Instant::now();
    world.unmap("X:").unwrap();
    // Waits for every task, the prober too.
    world.end_without_server();
    assert!(start.elapsed() < Duration::from_secs(5));
}

#[test]
#[ignore = "needs diod"]
fn a_diod_that_is_killed_and_started_anew() {
    let world = World::with_diod();
    std::fs::write(world.path("kept"), b"kept").unwrap();
    std::fs::write(world.path("replaced"), b"mine").unwrap();
    world.map("X:").unwrap();
    let kept = world.open("kept", &Open::write()).unwrap();
    let made = world.open("made", &Open::create()).unwrap();
    let replaced = world.open("replaced", &Open::write()).unwrap();
    let folder = world.open("", &Open::directory()).unwrap();
    made.write(0, b"made").unwrap();
    let world::Server::Diod(diod) = &world.server else {
        unreachable!()
    };
    let killed = std::process::Command::new("kill")
        .args(["-9", &diod.process_id().to_string()])
        .status();
    assert!(killed.unwrap().success());
    wait("the loss", || {
        matches!(world.state("X:"), LinkState::Down | LinkState::Reconnecting)
    });
    std::fs::write(world.path("other"), b"somebody else's").unwrap();
    std::fs::rename(world.path("other"), world.path("replaced")).unwrap();
    let again = Diod::start_at(&world.path("").canonicalize().unwrap(), world.port);
    wait("the server", || world.state("X:") == LinkState::Up);
    assert_eq!(kept.read(0, 9).unwrap(), b"kept");
    assert_eq!(made.write(4, b", and kept").unwrap(), 10);
    assert_eq!(made.read(0, 99).unwrap(), b"made, and kept");
    assert_eq!(replaced.read(0, 9), Err(Status::FILE_INVALID));
    assert!(folder.names().unwrap().contains(&"made".to_owned()));
    drop((kept, made, replaced, folder));
    world.unmap("X:").unwrap();
    drop(world.end_without_server());
    again.stop();
}
