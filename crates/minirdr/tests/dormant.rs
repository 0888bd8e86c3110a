//! Opens that outlive their last handle, and opens that share one: what the server and its other users notice of it, which
//! must be nothing but fewer messages.

mod world;

use std::time::{Duration, Instant};

use minirdr::{Level, Settings};
use nt::Status;
use world::{Open, World};

/// A drive with one file on it.
fn mapped(settings: Settings) -> World {
    let world = World::with_settings(settings);
    std::fs::write(world.path("file"), b"data").unwrap();
    world.map("X:").unwrap();
    world
}

fn dormant(world: &World) -> usize {
    world.redirector.statistics().objects.dormant
}

fn collapsed(world: &World) -> u64 {
    world.redirector.statistics().opens.collapsed
}

fn end(world: World) {
    world.unmap("X:").unwrap();
    // Nothing dormant may be left in the tree, nor its fid on the server.
    world.end();
}

fn touch(world: &World) {
    drop(world.open("file", &Open::read()).unwrap());
}

#[test]
fn the_next_open_takes_over() {
    let world = mapped(Settings::default());
    touch(&world);
    assert_eq!((dormant(&world), collapsed(&world)), (1, 0));
    assert_eq!(world.redirector.statistics().objects.fobxs, 0);
    let before = world.embedded().requests();
    let file = world.open("file", &Open::read()).unwrap();
    let messages = world.embedded().requests() - before;
    assert!(
        messages <= 3,
        "a walk, a question and the walk's clunk, not {messages}"
    );
    assert_eq!((dormant(&world), collapsed(&world)), (0, 1));
    assert_eq!(file.read(0, 9).unwrap(), b"data");
    // Nothing is cached: what others write is read.
    std::fs::write(world.path("file"), b"other data").unwrap();
    assert_eq!(file.read(0, 99).unwrap(), b"other data");
    drop(file);
    assert_eq!(dormant(&world), 1);
    touch(&world);
    assert_eq!(collapsed(&world), 2, "a change of its data is none of the file");
    end(world);
}

#[test]
fn handles_share_an_open() {
    let world = mapped(Settings::default());
    let writer = world.open("file", &Open::write()).unwrap();
    let reader = world.open("file", &Open::read()).unwrap();
    assert_eq!(
        (collapsed(&world), world.redirector.statistics().objects.srv_opens),
        (1, 1)
    );
    assert_eq!(
        reader.write(0, b"no"),
        Err(Status::ACCESS_DENIED),
        "rights are the handle's"
    );
    writer.write(0, b"DATA").unwrap();
    drop(writer);
    assert_eq!(reader.read(0, 9).unwrap(), b"DATA");
    drop(reader);
    assert_eq!(dormant(&world), 0, "what was open for writing is closed at once");
    end(world);
}

#[test]
fn another_file_of_the_same_name_is_opened() {
    let world = mapped(Settings::default());
    touch(&world);
    std::fs::write(world.path("new"), b"another").unwrap();
    std::fs::rename(world.path("new"), world.path("file")).unwrap();
    let file = world.open("file", &Open::read()).unwrap();
    assert_eq!((collapsed(&world), dormant(&world)), (0, 0));
    assert_eq!(file.read(0, 9).unwrap(), b"another");
    drop(file);
    touch(&world);
    assert_eq!(collapsed(&world), 1);
    std::fs::remove_file(world.path("file")).unwrap();
    let gone = world.open("file", &Open::read()).err();
    assert_eq!(gone, Some(Status::OBJECT_NAME_NOT_FOUND));
    std::fs::create_dir(world.path("file")).unwrap();
    drop(world.open("file", &Open::directory()).unwrap());
    end(world);
}

#[test]
fn a_file_with_other_permissions_is_asked_for_anew() {
    use std::os::unix::fs::PermissionsExt;
    let world = mapped(Settings::default());
    touch(&world);
    let mode = |bits| std::fs::set_permissions(world.path("file"), PermissionsExt::from_mode(bits)).unwrap();
    mode(0o600);
    touch(&world);
    assert_eq!(collapsed(&world), 0);
    touch(&world);
    assert_eq!(collapsed(&world), 1);
    mode(0o444);
    let denied = world.open("file", &Open::write()).err();
    assert_eq!(denied, Some(Status::ACCESS_DENIED));
    end(world);
}

#[test]
fn what_is_dormant_stands_in_nobodys_way() {
    let world = mapped(Settings::default());
    std::fs::write(world.path("second"), b"").unwrap();
    std::fs::create_dir(world.path("folder")).unwrap();
    std::fs::write(world.path("folder/inner"), b"").unwrap();
    for path in ["file", "second", r"folder\inner"] {
        drop(world.open(path, &Open::read()).unwrap());
    }
    assert_eq!(dormant(&world), 3);
    let file = world.open("file", &Open::delete()).unwrap();
    file.rename("second", true, None).unwrap();
    assert_eq!(dormant(&world), 1);
    drop(file);
    touch_of(&world, "second");
    let file = world.open("second", &Open::delete()).unwrap();
    file.set_delete(true).unwrap();
    file.cleanup();
    drop(file);
    assert!(!world.path("second").exists());
    let folder = world.open("folder", &Open::delete()).unwrap();
    folder.rename("moved", false, None).unwrap();
    drop(folder);
    assert!(world.path("moved/inner").exists());
    assert_eq!(dormant(&world), 0);
    touch_of(&world, r"moved\inner");
    world.unmap_at("X:", Level::Force).unwrap();
    world.end();
}

fn touch_of(world: &World, path: &str) {
    drop(world.open(path, &Open::read()).unwrap());
}

#[test]
fn it_ends_in_time() {
    let world = mapped(Settings {
        dormant_time: Duration::from_secs(1),
        ..Settings::default()
    });
    touch(&world);
    assert_eq!(dormant(&world), 1);
    let limit = Instant::now() + Duration::from_secs(30);
    while dormant(&world) > 0 {
        assert!(Instant::now() < limit, "still dormant");
        std::thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(world.redirector.statistics().opens.scavenged, 1);
    end(world);
}

#[test]
fn nothing_is_dormant_where_that_is_turned_off() {
    let off = [
        Settings {
            dormant_files: 0,
            ..Settings::default()
        },
        Settings {
            dormant_time: Duration::ZERO,
            ..Settings::default()
        },
    ];
    for settings in off {
        let world = mapped(settings);
        touch(&world);
        assert_eq!(dormant(&world), 0);
        end(world);
    }
}

#[test]
fn a_server_keeps_only_so_many() {
    let world = mapped(Settings {
        dormant_files: 3,
        ..Settings::default()
    });
    for number in 0..8 {
        std::fs::write(world.path(&format!("{number}")), b"").unwrap();
        touch_of(&world, &format!("{number}"));
    }
    assert_eq!(dormant(&world), 3);
    end(world);
}

#[test]
fn a_lost_session_takes_what_is_dormant_with_it() {
    let world = mapped(Settings::default());
    touch(&world);
    world.embedded().drop_connections();
    // It is noticed, or made good already.
    let lost = (0..2000).any(|_| {
        std::thread::sleep(Duration::from_millis(5));
        world.state("X:") != minirdr::LinkState::Up || world.embedded().accepted() > 1
    });
    assert!(lost);
    // Whether the drive comes back by itself or not, no handle comes of a fid that the server has forgotten.
    let opened = world.open("file", &Open::read());
    assert_eq!(collapsed(&world), 0);
    if let Ok(file) = &opened {
        assert_eq!(file.read(0, 9).unwrap(), b"data");
    }
    drop(opened);
    world.unmap_at("X:", Level::Force).unwrap();
    // It counts the fids of the connection that was broken off as left behind.
    world.end_without_server();
}
