//! Making connections, telling which there are, and taking idle ones away.

mod world;

use minirdr::{Level, Settings};
use nt::Status;
use world::{ME, Open, World, name};

#[test]
fn two_drives_on_one_share() {
    let world = World::new();
    std::fs::write(world.path("file"), b"same").unwrap();
    world.map("X:").unwrap();
    world.map("Y:").unwrap();
    assert_eq!(world.map("X:"), Err(Status::CONNECTION_ACTIVE));
    assert_eq!(
        world.map("x:"),
        Err(Status::CONNECTION_ACTIVE),
        "letters have no case"
    );
    assert_eq!(world.embedded().accepted(), 1, "one session serves both");
    let on_x = world.open("file", &Open::read()).unwrap();
    let on_y = world.open_full(&world.full("Y:", "file"), &Open::read()).unwrap();
    assert_eq!(on_x.read(0, 9).unwrap(), on_y.read(0, 9).unwrap());
    let unc = world.unc();
    assert_eq!(
        world.connections(),
        [
            ("X:".into(), unc.clone(), String::new(), 1),
            ("Y:".into(), unc, String::new(), 1)
        ]
    );
    drop(on_x);
    world.unmap("X:").unwrap();
    assert_eq!(world.unmap("X:"), Err(Status::NOT_FOUND));
    assert_eq!(
        on_y.read(0, 9).unwrap(),
        b"same",
        "the other drive is undisturbed"
    );
    assert_eq!(
        world.open("file", &Open::read()).err(),
        Some(Status::BAD_NETWORK_NAME)
    );
    drop(on_y);
    world.unmap(&world.full("Y:", "")).unwrap();
    world.end();
}

#[test]
fn the_share_is_the_longest_name_that_the_server_exports() {
    let world = World::with_server(Settings::default(), |builder| builder.names(&["/export"]));
    std::fs::create_dir_all(world.path("sub/deep")).unwrap();
    std::fs::write(world.path("sub/deep/file"), b"found").unwrap();
    std::fs::write(world.path("plain"), b"").unwrap();
    // The server refuses `/other/…`; below its own export it attaches anywhere.
    world.map_name(&world.full("X:", "sub"), "").unwrap();
    let file = world.open("sub\\deep\\file", &Open::read()).unwrap();
    assert_eq!(file.read(0, 9).unwrap(), b"found");
    drop(file);
    // What is mapped is a part of the share: nothing above it can be reached through the drive.
    assert_eq!(
        world.open("plain", &Open::read()).err(),
        Some(Status::BAD_NETWORK_NAME)
    );
    world.unmap("X:").unwrap();
    for (below, status) in [
        ("none", Status::BAD_NETWORK_NAME),
        ("plain", Status::BAD_NETWORK_NAME),
    ] {
        assert_eq!(
            world.map_name(&world.full("X:", below), ""),
            Err(status),
            "{below}"
        );
    }
    world.end();
}

#[test]
fn a_server_that_exports_one_name_only_is_walked() {
    // diod attaches to its export alone: what is below it is walked to.
    let world = World::with_server(Settings::default(), |builder| builder.exact());
    std::fs::create_dir_all(world.path("sub/deep")).unwrap();
    std::fs::write(world.path("sub/deep/file"), b"found").unwrap();
    std::fs::write(world.path("sub/beside"), b"").unwrap();
    world.map_name(&world.full("X:", "sub\\deep"), "").unwrap();
    let tried: Vec<String> = world
        .embedded()
        .attaches()
        .into_iter()
        .map(|attach| attach.aname)
        .collect();
    assert_eq!(tried, ["/export/sub/deep", "/export/sub", "/export"]);
    let file = world.open("sub\\deep\\file", &Open::read()).unwrap();
    assert_eq!(file.read(0, 9).unwrap(), b"found");
    assert_eq!(
        world.list("sub\\deep").unwrap(),
        [".", "..", "file"],
        "the root of the drive"
    );
    assert_eq!(
        world.open("sub\\beside", &Open::read()).err(),
        Some(Status::BAD_NETWORK_NAME)
    );
    // A second mapping finds the share that is known by now.
    world.map_name(&world.full("Y:", "sub"), "").unwrap();
    let beside = world
        .open_full(&world.full("Y:", "sub\\beside"), &Open::read())
        .unwrap();
    drop((file, beside));
    assert_eq!(world.redirector.statistics().objects.net_roots, 1);
    world.unmap("X:").unwrap();
    world.unmap("Y:").unwrap();
    assert_eq!(
        world.map_name(&world.full("X:", "sub\\none"), ""),
        Err(Status::BAD_NETWORK_NAME)
    );
    world.end();
}

#[test]
fn a_server_that_exports_its_root_alone() {
    let world = World::with_server(Settings::default(), |builder| builder.names(&["/"]).exact());
    std::fs::create_dir_all(world.path("export/sub")).unwrap();
    std::fs::write(world.path("export/sub/file"), b"found").unwrap();
    std::fs::write(world.path("plain"), b"").unwrap();
    world.map("X:").unwrap();
    assert_eq!(world.list("").unwrap(), [".", "..", "sub"]);
    let file = world.open("sub\\file", &Open::read()).unwrap();
    assert_eq!(file.read(0, 9).unwrap(), b"found");
    drop(file);
    world.map_name(&world.full("Y:", "sub"), "").unwrap();
    for name in ["none", "plain"] {
        let name = format!("\\;Z:\\127.0.0.1@{}\\{name}", world.port);
        assert!(world.map_name(&name, "").is_err(), "{name}");
    }
    world.unmap("X:").unwrap();
    world.unmap("Y:").unwrap();
    world.end();
}

#[test]
fn names_without_a_drive() {
    let world = World::new();
    std::fs::create_dir(world.path("folder")).unwrap();
    std::fs::write(world.path("folder/file"), b"found").unwrap();
    // The first open makes the connection.
    let file = world
        .open_full(&world.full("", "folder\\file"), &Open::read())
        .unwrap();
    assert_eq!(file.read(0, 9).unwrap(), b"found");
    drop(file);
    assert_eq!(world.connections().len(), 0);
    assert_eq!(
        world.open_full(&world.full("", "none"), &Open::read()).err(),
        Some(Status::OBJECT_NAME_NOT_FOUND)
    );
    // It goes by itself when nothing uses it; an explicit one stays.
    world.map("").unwrap();
    assert_eq!(world.connections().len(), 1);
    let found = world
        .redirector
        .find_connection(name(&world.unc()).as_name(), ME)
        .unwrap();
    assert!(found.explicit && found.state == minirdr::LinkState::Up);
    assert!(found.local.as_name().is_empty());
    drop(
        world
            .open_full(&world.full("", "folder"), &Open::directory())
            .unwrap(),
    );
    world.unmap(&world.unc()).unwrap();
    assert_eq!(world.connections().len(), 0);
    assert_eq!(
        world
            .open_full(&format!("\\127.0.0.1@{}\\a\\b\\c", world.port), &Open::read())
            .err(),
        Some(Status::ACCESS_DENIED),
        "the server's own word for a share it does not have"
    );
    world.end();
}

#[test]
fn an_unmapped_name_of_a_share_several_folders_deep() {
    let world = World::with_server(Settings::default(), |builder| {
        builder.names(&["/srv/data/export"]).exact()
    });
    std::fs::write(world.path("file"), b"found").unwrap();
    let full = format!("\\127.0.0.1@{}\\srv\\data\\export\\file", world.port);
    let file = world.open_full(&full, &Open::read()).unwrap();
    assert_eq!(file.read(0, 9).unwrap(), b"found");
    assert!(world.connections()[0].1.ends_with("\\srv\\data\\export"));
    // The share is known now.
    let accepted = world.embedded().accepted();
    drop(world.open_full(&full, &Open::read()).unwrap());
    assert_eq!(world.embedded().accepted(), accepted);
    drop(file);
    world.end();
}

#[test]
fn users() {
    let world = World::with_server(Settings::default(), |builder| builder.users(&["alice", "1000"]));
    assert_eq!(world.map("X:"), Err(Status::ACCESS_DENIED));
    assert_eq!(
        world.map_name(&world.full("X:", ""), "bob"),
        Err(Status::ACCESS_DENIED)
    );
    world.map_name(&world.full("X:", ""), "alice").unwrap();
    assert_eq!(world.connections()[0].2, "alice");
    assert_eq!(
        world.map_name(&world.full("Y:", ""), "1000"),
        Err(Status::NETWORK_CREDENTIAL_CONFLICT),
        "one user at a time for a share"
    );
    world.unmap("X:").unwrap();
    world.map_name(&world.full("Y:", ""), "1000").unwrap();
    let last = world.embedded().attaches().pop().unwrap();
    assert_eq!((last.uname.as_str(), last.n_uname), ("", 1000));
    world.unmap("Y:").unwrap();
    world.end();
}

#[test]
fn who_names_no_user_is_the_one_that_the_session_uses_the_share_as() {
    let world = World::with_server(Settings::default(), |builder| {
        builder.names(&["/export"]).users(&["alice"]).exact()
    });
    std::fs::create_dir(world.path("sub")).unwrap();
    std::fs::write(world.path("sub/file"), b"found").unwrap();
    world.map_name(&world.full("X:", ""), "alice").unwrap();
    let last = |world: &World| world.embedded().attaches().pop().unwrap().uname;

    // A second drive, a use of the name without one, and a drive of a folder of the share.
    world.map("Y:").unwrap();
    assert_eq!(last(&world), "alice");
    let file = world
        .open_full(&world.full("", "sub\\file"), &Open::read())
        .unwrap();
    assert_eq!(
        (last(&world), file.read(0, 9).unwrap()),
        ("alice".into(), b"found".to_vec())
    );
    world.map_name(&world.full("Z:", "sub"), "").unwrap();
    assert_eq!(last(&world), "alice");
    let users: Vec<_> = world
        .connections()
        .into_iter()
        .map(|(_, _, user, _)| user)
        .collect();
    assert_eq!(users, ["alice"; 4]);
    drop(file);
    for drive in ["X:", "Y:", "Z:"] {
        world.unmap(drive).unwrap();
    }
    world.end();
}

#[test]
fn a_share_is_not_what_the_server_has_made_a_folder_of_another() {
    let mut world = World::with_server(Settings::default(), |builder| builder.names(&["/export"]));
    std::fs::create_dir(world.path("sub")).unwrap();
    std::fs::write(world.path("file"), b"wrong").unwrap();
    std::fs::write(world.path("sub/file"), b"right").unwrap();
    world.map_name(&world.full("X:", "sub"), "").unwrap();
    world.embedded().kill();
    let again = testserver::TestServer::builder(world.path(""))
        .names(&["/export"])
        .exact()
        .port(world.port)
        .start()
        .unwrap();
    world.server = world::Server::Embedded(again);
    let cancel = world::token();
    let name = name(&world.full("Y:", "sub"));
    let adding = || {
        let adding = world.redirector.add_connection(
            name.as_name(),
            nt::Name::default(),
            minirdr::LogonId(9),
            &cancel,
        );
        world.block(adding)
    };
    // Before, the loss has to be noticed, and the server found again.
    let lost = [
        Err(Status::BAD_NETWORK_PATH),
        Err(Status::CONNECTION_DISCONNECTED),
        Err(Status::CONNECTION_ABORTED),
    ];
    let mut answers = (0..2000).map(|_| {
        std::thread::sleep(std::time::Duration::from_millis(5));
        adding()
    });
    let answer = answers.find(|answer| !lost.contains(answer));
    assert_eq!(answer, Some(Err(Status::BAD_NETWORK_NAME)));
    world.unmap("X:").unwrap();
    world.end();
}

#[test]
fn names_that_are_refused_before_anything_is_sent() {
    let world = World::new();
    for bad in [
        "",
        "\\",
        "X:",
        "\\127.0.0.1",
        "\\;X:",
        "\\;X:\\127.0.0.1",
        "\\;X:\\127.0.0.1@99999\\a",
        "\\;X:\\127.0.0.1@0\\a",
        "\\;X:\\127.0.0.1\\..",
        "\\;X:\\127.0.0.1\\a\\..\\b",
        "\\;X:\\127.0.0.1\\a\\\\b",
        "\\;X:\\127.0.0.1\\a*b",
        "\\;LPT1:\\127.0.0.1\\a",
        "\\\\\\127.0.0.1\\a",
    ] {
        assert!(world.map_name(bad, "").is_err(), "{bad:?}");
    }
    assert!(world.unmap("XY").is_err());
    assert_eq!(world.unmap("X:"), Err(Status::NOT_FOUND));
    assert_eq!(world.embedded().accepted(), 0);
    world.end();
}

#[test]
fn a_server_that_is_not_there() {
    let world = World::new();
    world.embedded().kill();
    assert_eq!(world.map("X:"), Err(Status::BAD_NETWORK_PATH));
    assert_eq!(
        world.map_name("\\;X:\\no-such-host.invalid\\share", ""),
        Err(Status::BAD_NETWORK_PATH)
    );
    assert_eq!(
        world.map_name(&world.full("X:", ""), "user"),
        Err(Status::BAD_NETWORK_PATH)
    );
    assert_eq!(
        world.open_full(&world.full("", "file"), &Open::read()).err(),
        Some(Status::BAD_NETWORK_PATH)
    );
    world.end();
}

#[test]
fn starting_and_stopping() {
    let world = World::new();
    assert_eq!(world.redirector.start(), Err(Status::REDIRECTOR_STARTED));
    world.map("X:").unwrap();
    assert_eq!(
        world.redirector.stop(),
        Err(Status::REDIRECTOR_HAS_OPEN_HANDLES),
        "a drive is mapped"
    );
    let file = world.open("new", &Open::create()).unwrap();
    world.unmap_at("X:", Level::Force).unwrap();
    assert_eq!(
        world.redirector.stop(),
        Err(Status::REDIRECTOR_HAS_OPEN_HANDLES),
        "an orphaned handle is open"
    );
    drop(file);
    world.redirector.stop().unwrap();
    assert_eq!(world.redirector.stop(), Err(Status::REDIRECTOR_NOT_STARTED));
    assert_eq!(world.map("X:"), Err(Status::REDIRECTOR_NOT_STARTED));
    assert_eq!(
        world.open("new", &Open::read()).err(),
        Some(Status::REDIRECTOR_NOT_STARTED)
    );
    world.redirector.start().unwrap();
    world.map("X:").unwrap();
    world.unmap("X:").unwrap();
    world.end();
}

#[test]
fn many_at_once() {
    let world = World::new();
    std::fs::write(world.path("file"), b"x").unwrap();
    std::thread::scope(|scope| {
        for letter in 'D'..='K' {
            let world = &world;
            scope.spawn(move || {
                let drive = format!("{letter}:");
                for _ in 0..10 {
                    world.map(&drive).unwrap();
                    let file = world
                        .open_full(&world.full(&drive, "file"), &Open::read())
                        .unwrap();
                    assert_eq!(file.read(0, 9).unwrap(), b"x");
                    drop(file);
                    world.unmap(&drive).unwrap();
                }
            });
        }
    });
    world.end();
}
