//! Change notification.

use minirdr::{Level, NotifyFilter, NotifyRequest};
use nt::{CreateDisposition, CreateOptions, FileInformationClass, Status};

use crate::world::file::{u32_at, utf16};
use crate::world::records::full_ea;
use crate::world::{File, Open, World, token};

const NAMES: NotifyFilter = NotifyFilter::FILE_NAME.or(NotifyFilter::DIR_NAME);
const EVERYTHING: NotifyFilter = NotifyFilter(0xfff);

type Told = nt::Result<(Vec<(u32, String)>, Status)>;

/// One request; what it told.
fn listen(world: &World, directory: &File<'_>, filter: NotifyFilter, watch_tree: bool, len: usize) -> Told {
    let (mut buffer, cancel) = (vec![0xee; len], token());
    let request = NotifyRequest { filter, watch_tree };
    let (used, status) = world.block(directory.file.notify_change(request, &mut buffer, &cancel))?;
    Ok((records(&buffer[..used]), status))
}

fn records(mut list: &[u8]) -> Vec<(u32, String)> {
    let mut found = Vec::new();
    while !list.is_empty() {
        let (next, length) = (u32_at(list, 0) as usize, u32_at(list, 8) as usize);
        found.push((u32_at(list, 4), utf16(&list[12..12 + length])));
        if next == 0 {
            break;
        }
        list = &list[next..];
    }
    found
}

/// What a request that waits before `change` tells after it.
fn heard(
    world: &World,
    directory: &File<'_>,
    filter: NotifyFilter,
    watch_tree: bool,
    change: impl FnOnce(),
) -> Told {
    std::thread::scope(|scope| {
        let before = world.redirector.statistics().watches;
        let waiter = scope.spawn(|| listen(world, directory, filter, watch_tree, 4096));
        wait_for_watch(world, before, || waiter.is_finished());
        change();
        waiter.join().unwrap()
    })
}

fn wait_for_watch(world: &World, before: u64, is_over: impl Fn() -> bool) {
    // A request that is known waits, or will find what happens from now on.
    while world.redirector.statistics().watches == before && !is_over() {
        std::thread::yield_now();
    }
}

fn told(changes: &[(u32, &str)]) -> Told {
    let changes = changes.iter().map(|&(action, name)| (action, name.to_owned()));
    Ok((changes.collect(), Status::SUCCESS))
}

fn make(world: &World, path: &str) {
    world.open(path, &Open::create()).unwrap();
}

pub(crate) fn names_come_and_go(world: &World) {
    let root = world.open("", &Open::directory()).unwrap();
    let first = heard(world, &root, NAMES, false, || make(world, "file"));
    assert_eq!(first, told(&[(1, "file")]));
    // From the first request on everything is kept for the next.
    let folder = Open::create().options(CreateOptions::DIRECTORY_FILE);
    world.open("folder", &folder).unwrap();
    let file = world.open("file", &Open::delete()).unwrap();
    file.rename("other", false, None).unwrap();
    let target = world.open("folder", &Open::directory()).unwrap();
    file.rename("moved", false, Some(&target)).unwrap();
    target.close();
    file.set_delete(true).unwrap();
    file.close();
    world
        .open("folder", &Open::delete())
        .unwrap()
        .set_delete(true)
        .unwrap();
    assert_eq!(
        listen(world, &root, NAMES, false, 4096),
        told(&[
            (1, "folder"),
            (4, "file"),
            (5, "other"),
            (2, "other"),
            (2, "folder"),
        ])
    );
}

pub(crate) fn the_filter_decides(world: &World) {
    std::fs::create_dir(world.path("folder")).unwrap();
    std::fs::write(world.path("folder/file"), b"data").unwrap();
    let watched = |filter| {
        let folder = world.open("folder", &Open::directory()).unwrap();
        let file = world.open("folder\\file", &Open::write()).unwrap();
        let last = Open::create().options(CreateOptions::DIRECTORY_FILE);
        let name = format!("folder\\end{}", filter_number(filter));
        let told = heard(world, &folder, filter.or(NotifyFilter::DIR_NAME), false, || {
            file.write(0, b"more data").unwrap();
            file.set_size(3).unwrap();
            let mut times = [0; 40];
            times[8..16].copy_from_slice(&130_000_000_000_000_000_i64.to_le_bytes());
            file.set(FileInformationClass::BASIC, &times).unwrap();
            world.open(&name, &last).unwrap();
        });
        let mut changes = told.unwrap().0;
        while changes.last().is_none_or(|(action, _)| *action != 1) {
            changes.extend(listen(world, &folder, filter, false, 4096).unwrap().0);
        }
        changes.pop();
        // A reader that was quick has had the first of them already.
        changes.dedup();
        changes
    };
    let modified = [(3, "file".to_owned())];
    assert_eq!(watched(NotifyFilter::SIZE), modified);
    assert_eq!(watched(NotifyFilter::LAST_WRITE), modified);
    assert_eq!(watched(NotifyFilter::LAST_ACCESS), modified);
    assert_eq!(watched(NotifyFilter::FILE_NAME), []);
    assert_eq!(watched(NotifyFilter::SECURITY), []);
}

fn filter_number(filter: NotifyFilter) -> u32 {
    filter.0
}

pub(crate) fn trees_and_directories_alone(world: &World) {
    std::fs::create_dir_all(world.path("a/b/c")).unwrap();
    std::fs::create_dir(world.path("ab")).unwrap();
    let tree = world.open("a", &Open::directory()).unwrap();
    let alone = world.open("a", &Open::directory()).unwrap();
    let heard_tree = heard(world, &tree, NAMES, true, || {
        make(world, "ab\\beside");
        make(world, "above");
        make(world, "a\\b\\c\\deep");
    });
    assert_eq!(heard_tree, told(&[(1, "b\\c\\deep")]));
    let heard_alone = heard(world, &alone, NAMES, false, || {
        make(world, "a\\b\\not");
        make(world, "a\\near");
    });
    assert_eq!(heard_alone, told(&[(1, "near")]));
    assert_eq!(
        listen(world, &tree, NAMES, true, 4096),
        told(&[(1, "b\\not"), (1, "near")])
    );
}

pub(crate) fn a_replaced_file_is_told_of(world: &World) {
    make(world, "old");
    make(world, "new");
    let root = world.open("", &Open::directory()).unwrap();
    let file = world.open("old", &Open::delete()).unwrap();
    let first = heard(world, &root, NAMES, false, || make(world, "more"));
    assert_eq!(first, told(&[(1, "more")]));
    file.rename("new", true, None).unwrap();
    assert_eq!(
        listen(world, &root, NAMES, false, 4096),
        told(&[(2, "new"), (4, "old"), (5, "new")])
    );
}

pub(crate) fn opens_that_change_a_file(world: &World) {
    std::fs::write(world.path("file"), b"data").unwrap();
    let root = world.open("", &Open::directory()).unwrap();
    let overwrite = Open::write().disposition(CreateDisposition::OVERWRITE);
    let changed = heard(world, &root, EVERYTHING, false, || {
        world.open("file", &Open::read()).unwrap().read(0, 4).unwrap();
        world.open("file", &overwrite).unwrap();
    });
    assert_eq!(changed, told(&[(3, "file")]));
    make(world, "new");
    let own = Open::create().options(CreateOptions::DELETE_ON_CLOSE);
    world.open("brief", &own).unwrap();
    assert_eq!(
        listen(world, &root, EVERYTHING, false, 4096),
        told(&[(1, "new"), (1, "brief"), (2, "brief")])
    );
}

pub(crate) fn too_much_to_tell(world: &World) {
    let overflow: Told = Ok((Vec::new(), Status::NOTIFY_ENUM_DIR));
    let root = world.open("", &Open::directory()).unwrap();
    let first = heard(world, &root, NAMES, false, || make(world, "first"));
    assert_eq!(first, told(&[(1, "first")]));
    for number in 0..300 {
        make(world, &format!("a rather long name {number}"));
    }
    assert_eq!(listen(world, &root, NAMES, false, 4096), overflow);
    make(world, "afterwards");
    assert_eq!(listen(world, &root, NAMES, false, 8), overflow, "it does not fit");
    // A reader without a buffer wants to know that, not what.
    let silent = world.open("", &Open::directory()).unwrap();
    std::thread::scope(|scope| {
        let before = world.redirector.statistics().watches;
        let waiter = scope.spawn(|| listen(world, &silent, NAMES, false, 0));
        wait_for_watch(world, before, || waiter.is_finished());
        make(world, "last");
        assert_eq!(waiter.join().unwrap(), overflow);
    });
}

pub(crate) fn how_waiting_ends(world: &World) {
    std::fs::create_dir(world.path("folder")).unwrap();
    let folder = world.open("folder", &Open::directory()).unwrap();
    let ended = heard(world, &folder, NAMES, false, || folder.cleanup());
    assert_eq!(ended, Ok((Vec::new(), Status::NOTIFY_CLEANUP)));
    assert_eq!(
        listen(world, &folder, NAMES, false, 100),
        Err(Status::FILE_CLOSED)
    );
    let folder = world.open("folder", &Open::directory()).unwrap();
    let ended = heard(world, &folder, NAMES, false, || {
        let doomed = world.open("folder", &Open::delete()).unwrap();
        doomed.set_delete(true).unwrap();
        assert_eq!(
            listen(world, &folder, NAMES, false, 100),
            Err(Status::DELETE_PENDING)
        );
        doomed.set_delete(false).unwrap();
    });
    assert_eq!(ended, Err(Status::DELETE_PENDING));
    // Cancelled by its caller.
    std::thread::scope(|scope| {
        let (cancel, request) = (
            token(),
            NotifyRequest {
                filter: NAMES,
                watch_tree: true,
            },
        );
        let waiter = scope.spawn({
            let (cancel, folder) = (cancel.clone(), &folder);
            move || world.block(folder.file.notify_change(request, &mut [0; 64], &cancel))
        });
        cancel.cancel();
        assert_eq!(waiter.join().unwrap(), Err(Status::CANCELLED));
    });
}

pub(crate) fn what_is_made_and_taken_back_is_told_of(world: &World) {
    let root = world.open("", &Open::directory()).unwrap();
    let first = heard(world, &root, NAMES, false, || make(world, "first"));
    assert_eq!(first, told(&[(1, "first")]));
    // A new file that cannot have its extended attributes goes again; on some servers it can.
    let huge = full_ea(&[("HUGE", &[1; 65_535])]);
    let expected: &[_] = match world.open_with_ea("new", &Open::create(), &huge) {
        Ok(_) => &[(1, "new")],
        Err(_) => &[(1, "new"), (2, "new")],
    };
    assert_eq!(listen(world, &root, NAMES, false, 4096), told(expected));
}

pub(crate) fn a_disconnect_ends_waiting(world: &World) {
    world.map("Y:").unwrap();
    std::fs::create_dir(world.path("folder")).unwrap();
    let watch_on_y = || {
        world
            .open_full(&world.full("Y:", "folder"), &Open::directory())
            .unwrap()
    };
    let other = world.open("folder", &Open::directory()).unwrap();
    let folder = watch_on_y();
    let ended = heard(world, &folder, NAMES, false, || {
        // It uses the connection.
        assert_eq!(world.unmap("Y:"), Err(Status::FILES_OPEN));
        world.unmap_at("Y:", Level::Force).unwrap();
    });
    assert_eq!(ended, Err(Status::CANCELLED));
    // Its handle is told of nothing any more, and others of the same directory as before.
    let first = heard(world, &other, NAMES, false, || make(world, "folder\\file"));
    assert_eq!(first, told(&[(1, "file")]));
    assert_eq!(
        listen(world, &folder, NAMES, false, 100),
        Err(Status::UNEXPECTED_NETWORK_ERROR)
    );
}

pub(crate) fn names_before_and_behind_the_end_of_a_buffer(world: &World) {
    std::fs::create_dir(world.path("folder")).unwrap();
    let folder = world.open("folder", &Open::directory()).unwrap();
    let keep = |len: usize| {
        std::thread::scope(|scope| {
            let before = world.redirector.statistics().watches;
            let waiter = scope.spawn(|| listen(world, &folder, NAMES, false, len));
            wait_for_watch(world, before, || waiter.is_finished());
            make(world, "folder\\first");
            waiter.join().unwrap()
        })
    };
    // Records begin at multiples of 4: 12 and 2 of "a" with 2 to fill up, and 12 and 6 of "abc".
    let both = 16 + 18;
    assert_eq!(keep(both), told(&[(1, "first")]));
    make(world, "folder\\a");
    make(world, "folder\\abc");
    assert_eq!(
        listen(world, &folder, NAMES, false, both),
        told(&[(1, "a"), (1, "abc")])
    );
    make(world, "folder\\b");
    make(world, "folder\\bcde");
    assert_eq!(
        listen(world, &folder, NAMES, false, both),
        Ok((Vec::new(), Status::NOTIFY_ENUM_DIR)),
        "two bytes too many"
    );
}

pub(crate) fn what_can_be_watched(world: &World) {
    std::fs::write(world.path("file"), b"data").unwrap();
    let file = world.open("file", &Open::read()).unwrap();
    assert_eq!(
        listen(world, &file, NAMES, false, 100),
        Err(Status::INVALID_PARAMETER)
    );
    let root = world.open("", &Open::directory()).unwrap();
    assert_eq!(
        listen(world, &root, NotifyFilter(0), false, 100),
        Err(Status::INVALID_PARAMETER)
    );
    let looks = Open::directory().access(nt::AccessMask::READ_ATTRIBUTES);
    let looker = world.open("", &looks).unwrap();
    assert_eq!(
        listen(world, &looker, NAMES, false, 100),
        Err(Status::ACCESS_DENIED)
    );
}
