//! Taking connections away that are in use: what `RxFinalizeConnection` promises at each level.

mod world;

use std::time::{Duration, Instant};

use minirdr::{Level, Settings};
use nt::{CreateDisposition, CreateOptions, FileInformationClass, FsInformationClass, Status};
use world::{Open, World, token};

#[test]
fn level_0_refuses_while_a_file_is_open() {
    let world = World::new();
    std::fs::write(world.path("file"), b"data").unwrap();
    world.map("X:").unwrap();
    let file = world.open("file", &Open::read()).unwrap();
    for _ in 0..2 {
        assert_eq!(world.unmap_at("X:", Level::Refuse), Err(Status::FILES_OPEN));
    }
    assert_eq!(file.read(0, 9).unwrap(), b"data", "the file still reads");
    assert_eq!(world.connections().len(), 1);
    // A handle that is cleaned up but not closed still counts.
    file.cleanup();
    assert_eq!(world.unmap_at("X:", Level::Refuse), Err(Status::FILES_OPEN));
    drop(file);
    let folder = world.open("", &Open::directory()).unwrap();
    assert_eq!(
        world.unmap_at("X:", Level::Refuse),
        Err(Status::FILES_OPEN),
        "a directory counts too"
    );
    drop(folder);
    world.unmap_at("X:", Level::Refuse).unwrap();
    assert_eq!(world.unmap_at("X:", Level::Refuse), Err(Status::NOT_FOUND));
    world.end();
}

#[test]
fn level_0xff_refuses_but_lets_the_connection_go_with_its_last_file() {
    let world = World::new();
    std::fs::write(world.path("file"), b"data").unwrap();
    world.map("X:").unwrap();
    let file = world.open("file", &Open::read()).unwrap();
    assert_eq!(
        world.unmap_at("X:", Level::RefuseDropRef),
        Err(Status::FILES_OPEN)
    );
    assert_eq!(file.read(0, 9).unwrap(), b"data");
    assert_eq!(world.connections().len(), 1, "its name is still there");
    drop(file);
    assert_eq!(world.connections().len(), 0);
    world.map("X:").unwrap();
    world.unmap_at("X:", Level::RefuseDropRef).unwrap();
    world.end();
}

#[test]
fn level_1_takes_it_away_at_once() {
    let world = World::new();
    std::fs::write(world.path("file"), b"data").unwrap();
    world.map("X:").unwrap();
    let file = world.open("file", &Open::write()).unwrap();
    let folder = world.open("", &Open::directory()).unwrap();
    let doomed = world
        .open("doomed", &Open::create().options(CreateOptions::DELETE_ON_CLOSE))
        .unwrap();
    world.unmap_at("X:", Level::Force).unwrap();
    assert_eq!(world.connections().len(), 0);
    let gone = Status::UNEXPECTED_NETWORK_ERROR;
    assert_eq!(file.read(0, 1), Err(gone));
    assert_eq!(file.write(0, b"x"), Err(gone));
    assert_eq!(file.append(b"x"), Err(gone));
    assert_eq!(file.flush(), Err(gone));
    assert_eq!(file.query(FileInformationClass::STANDARD, 99).err(), Some(gone));
    assert_eq!(file.set_size(0), Err(gone));
    assert_eq!(file.set_delete(true), Err(gone));
    assert_eq!(file.rename("other", true, None), Err(gone));
    assert_eq!(file.volume(FsInformationClass::SIZE, 99).err(), Some(gone));
    assert_eq!(folder.names().err(), Some(gone));
    assert_eq!(
        world.open_below(Some(&folder), "file", &Open::read()).err(),
        Some(gone)
    );
    // The letter is free, and what is mapped anew is another connection.
    world.map("X:").unwrap();
    let again = world.open("file", &Open::read()).unwrap();
    assert_eq!(again.read(0, 9).unwrap(), b"data");
    assert_eq!(file.read(0, 1), Err(gone));
    drop((file, folder, doomed));
    assert!(
        world.path("doomed").exists(),
        "an orphaned handle deletes nothing"
    );
    assert_eq!(again.read(0, 9).unwrap(), b"data");
    drop(again);
    world.unmap("X:").unwrap();
    world.end();
}

#[test]
fn level_1_ends_what_is_pending() {
    let settings = Settings {
        request_timeout: Duration::from_secs(60),
        ..Settings::default()
    };
    let world = World::with_settings(settings);
    std::fs::write(world.path("file"), b"data").unwrap();
    world.map("X:").unwrap();
    let file = world.open("file", &Open::read()).unwrap();
    world.embedded().set_stalled(true);
    let start = Instant::now();
    std::thread::scope(|scope| {
        let read = scope.spawn(|| file.read(0, 4));
        let open = scope.spawn(|| world.open("other", &Open::read()).err());
        // Both are under way when the server has got their messages or is about to: either way they are cancelled.
        while world.redirector.statistics().objects.contexts < 2 {
            std::thread::yield_now();
        }
        std::thread::sleep(Duration::from_millis(20));
        world.unmap_at("X:", Level::Force).unwrap();
        assert_eq!(read.join().unwrap(), Err(Status::CANCELLED));
        assert_eq!(open.join().unwrap(), Some(Status::CANCELLED));
    });
    assert!(
        start.elapsed() < Duration::from_secs(30),
        "nobody waited for the server"
    );
    drop(file);
    world.embedded().set_stalled(false);
    world.end();
}

#[test]
fn the_other_drive_of_a_share_is_undisturbed() {
    let world = World::new();
    std::fs::write(world.path("file"), b"data").unwrap();
    world.map("X:").unwrap();
    world.map("Y:").unwrap();
    let on_x = world.open("file", &Open::write()).unwrap();
    let on_y = world
        .open_full(
            &world.full("Y:", "file"),
            &Open::create().disposition(CreateDisposition::OPEN),
        )
        .unwrap();
    world.unmap_at("X:", Level::Force).unwrap();
    assert_eq!(on_x.read(0, 9), Err(Status::UNEXPECTED_NETWORK_ERROR));
    assert_eq!(on_y.read(0, 9).unwrap(), b"data");
    on_y.write(0, b"DATA").unwrap();
    drop(on_x);
    assert_eq!(on_y.read(0, 9).unwrap(), b"DATA");
    on_y.set_delete(true).unwrap();
    drop(on_y);
    assert!(!world.path("file").exists());
    world.unmap("Y:").unwrap();
    world.end();
}

#[test]
fn a_forced_disconnect_frees_the_fids_of_a_live_server() {
    let world = World::new();
    std::fs::write(world.path("file"), b"data").unwrap();
    world.map("X:").unwrap();
    world.map("Y:").unwrap();
    let files: Vec<_> = (0..20)
        .map(|_| world.open("file", &Open::read()).unwrap())
        .collect();
    world.unmap_at("X:", Level::Force).unwrap();
    // The session lives on for the other drive; its fids are clunked all the same, as `end` sees.
    drop(files);
    world.unmap("Y:").unwrap();
    world.end();
}

#[test]
fn a_request_can_be_cancelled_by_its_caller() {
    let settings = Settings {
        request_timeout: Duration::from_secs(60),
        ..Settings::default()
    };
    let world = World::with_settings(settings);
    std::fs::write(world.path("file"), vec![5; 1 << 20]).unwrap();
    world.map("X:").unwrap();
    let file = world.open("file", &Open::read()).unwrap();
    world.embedded().set_stalled(true);
    let cancel = token();
    let start = Instant::now();
    std::thread::scope(|scope| {
        let read = scope.spawn(|| {
            let mut buffer = vec![0; 1 << 20];
            world.block(file.file.read(0, &mut buffer, &cancel))
        });
        std::thread::sleep(Duration::from_millis(20));
        cancel.cancel();
        assert_eq!(read.join().unwrap(), Err(Status::CANCELLED));
    });
    assert!(start.elapsed() < Duration::from_secs(30));
    world.embedded().set_stalled(false);
    // The session has survived it.
    assert_eq!(file.read(0, 1 << 20).unwrap(), vec![5; 1 << 20]);
    drop(file);
    world.unmap("X:").unwrap();
    world.end();
}
