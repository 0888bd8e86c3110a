//! Opens of files that are mapped into memory: the views are asked before the server is, and what they say counts.

mod world;

use minirdr::MappedOpen;
use nt::{AccessMask, CreateDisposition, CreateOptions, ShareAccess, Status};
use world::{File, Open, World};

/// A file with a handle that keeps its header, and what that has been asked so far.
fn mapped(world: &World) -> File<'_> {
    world.map("X:").unwrap();
    std::fs::write(world.path("file"), b"as it was").unwrap();
    world.open("file", &Open::read()).unwrap()
}

fn asked(file: &File<'_>) -> Vec<MappedOpen> {
    std::mem::take(&mut *file.file.fcb_header().asked.lock().unwrap())
}

#[test]
fn views_are_asked_about_what_an_open_is_to_do() {
    let world = World::new();
    let first = mapped(&world);
    // Of a file that nobody has open, nothing is known.
    assert_eq!(asked(&first), []);
    let reads = MappedOpen {
        uses_data: true,
        writes: false,
        deletes: false,
        truncates: false,
        shares_writing: true,
    };
    let looks = MappedOpen {
        uses_data: false,
        ..reads
    };
    let writes = MappedOpen {
        writes: true,
        ..reads
    };
    let attributes = Open::read().access(AccessMask::READ_ATTRIBUTES);
    let cases = [
        (Open::read(), reads),
        (attributes, looks),
        (Open::write(), writes),
        (Open::read().access(AccessMask::APPEND_DATA), writes),
        (
            Open::read().share(ShareAccess::READ),
            MappedOpen {
                shares_writing: false,
                ..reads
            },
        ),
        (
            attributes.disposition(CreateDisposition::OVERWRITE),
            MappedOpen {
                truncates: true,
                ..writes
            },
        ),
        (
            Open::delete().options(CreateOptions::DELETE_ON_CLOSE),
            MappedOpen {
                deletes: true,
                ..reads
            },
        ),
    ];
    for (open, expected) in cases {
        drop(world.open("file", &open).unwrap());
        assert_eq!(asked(&first), [expected], "{open:?}");
        std::fs::write(world.path("file"), b"as it was").unwrap();
    }
}

#[test]
fn what_views_refuse_is_not_done() {
    let world = World::new();
    let first = mapped(&world);
    let views = first.file.fcb_header();
    for status in [Status::SHARING_VIOLATION, Status::CANNOT_DELETE] {
        *views.refusal.lock().unwrap() = Some(status);
        for disposition in [CreateDisposition::SUPERSEDE, CreateDisposition::OVERWRITE] {
            let open = Open::write().disposition(disposition);
            let refused = world.open("file", &open).err();
            assert_eq!(refused, Some(status), "{disposition:?}");
        }
        let open = Open::delete().options(CreateOptions::DELETE_ON_CLOSE);
        assert_eq!(world.open("file", &open).err(), Some(status));
    }
    *views.refusal.lock().unwrap() = None;
    // The file is as it was, and nothing is left of the opens: nobody else writes, and it is not about to go.
    assert_eq!(first.read(0, 100).unwrap(), b"as it was");
    let alone = Open::write().share(ShareAccess::READ);
    assert_eq!(
        world.open("file", &alone).unwrap().read(0, 100).unwrap(),
        b"as it was"
    );
}

#[test]
fn views_are_found_under_every_spelling() {
    let world = World::new();
    let first = mapped(&world);
    *first.file.fcb_header().refusal.lock().unwrap() = Some(Status::SHARING_VIOLATION);
    let refused = world.open("FILE", &Open::write()).err();
    assert_eq!(refused, Some(Status::SHARING_VIOLATION));
}
