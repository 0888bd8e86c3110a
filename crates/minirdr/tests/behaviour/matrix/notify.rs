//! Change notification: what is told to whom.

use minirdr::{NotifyFilter, NotifyRequest, Sid};
use nt::{
    AccessMask, CreateDisposition, CreateOptions, FileInformationClass, SecurityInformation as Parts, Status,
};

use super::{Cell, Place, same};
use crate::behaviour::security::{allowing, set as set_security};
use crate::world::file::{u32_at, utf16};
use crate::world::{File, Open, World, token};

const FILTERS: [(NotifyFilter, &str); 9] = [
    (NotifyFilter::FILE_NAME, "names of files"),
    (NotifyFilter::DIR_NAME, "names of directories"),
    (NotifyFilter::ATTRIBUTES, "attributes"),
    (NotifyFilter::SIZE, "sizes"),
    (NotifyFilter::LAST_WRITE, "times of writing"),
    (NotifyFilter::LAST_ACCESS, "times of access"),
    (NotifyFilter::CREATION, "times of creation"),
    (NotifyFilter::EA, "extended attributes"),
    (NotifyFilter::SECURITY, "security"),
];

const ADDED: u32 = 1;
const REMOVED: u32 = 2;
const MODIFIED: u32 = 3;
const OLD: u32 = 4;
const NEW: u32 = 5;

/// A change, whether it is about a directory, who is told, and what.
struct Change {
    name: &'static str,
    of_directory: bool,
    told_to: &'static [NotifyFilter],
    told: &'static [(u32, &'static str)],
    make: fn(&Place<'_>),
}

fn folder() -> Open {
    Open::create().options(CreateOptions::DIRECTORY_FILE)
}

fn open<'w>(place: &Place<'w>, name: &str, open: &Open) -> File<'w> {
    place.world.open(&place.remote(name), open).unwrap()
}

const WRITTEN: &[NotifyFilter] = &[NotifyFilter::SIZE, NotifyFilter::LAST_WRITE];
const FILE: &[NotifyFilter] = &[NotifyFilter::FILE_NAME];
const DIRECTORY: &[NotifyFilter] = &[NotifyFilter::DIR_NAME];

/// FILE_BASIC_INFORMATION that sets one thing.
fn set_basic(place: &Place<'_>, at: usize, value: &[u8]) {
    let mut record = [0; 40];
    record[at..at + value.len()].copy_from_slice(value);
    let file = open(place, "file", &Open::write());
    file.set(FileInformationClass::BASIC, &record).unwrap();
}

const A_TIME: [u8; 8] = 130_000_000_000_000_000_i64.to_le_bytes();

const CHANGES: [Change; 22] = [
    Change {
        name: "making a file",
        of_directory: false,
        told_to: FILE,
        told: &[(ADDED, "new")],
        make: |place| drop(open(place, "new", &Open::create())),
    },
    Change {
        name: "making a directory",
        of_directory: true,
        told_to: DIRECTORY,
        told: &[(ADDED, "new")],
        make: |place| drop(open(place, "new", &folder())),
    },
    Change {
        name: "deleting a file",
        of_directory: false,
        told_to: FILE,
        told: &[(REMOVED, "file")],
        make: |place| open(place, "file", &Open::delete()).set_delete(true).unwrap(),
    },
    Change {
        name: "deleting a directory",
        of_directory: true,
        told_to: DIRECTORY,
        told: &[(REMOVED, "folder")],
        make: |place| open(place, "folder", &Open::delete()).set_delete(true).unwrap(),
    },
    Change {
        name: "renaming a file",
        of_directory: false,
        told_to: FILE,
        told: &[(OLD, "file"), (NEW, "other")],
        make: |place| {
            open(place, "file", &Open::delete())
                .rename("other", false, None)
                .unwrap()
        },
    },
    Change {
        name: "renaming a directory",
        of_directory: true,
        told_to: DIRECTORY,
        told: &[(OLD, "folder"), (NEW, "other")],
        make: |place| {
            open(place, "folder", &Open::delete())
                .rename("other", false, None)
                .unwrap()
        },
    },
    Change {
        name: "moving a file into another directory",
        of_directory: false,
        told_to: FILE,
        told: &[(REMOVED, "file")],
        make: |place| {
            let target = open(place, "folder", &Open::directory());
            let file = open(place, "file", &Open::delete());
            file.rename("file", false, Some(&target)).unwrap();
        },
    },
    Change {
        name: "writing",
        of_directory: false,
        told_to: WRITTEN,
        told: &[(MODIFIED, "file")],
        make: |place| {
            let written = open(place, "file", &Open::write()).write(0, b"more data");
            assert_eq!(written, Ok(9));
        },
    },
    Change {
        name: "setting the size",
        of_directory: false,
        told_to: WRITTEN,
        told: &[(MODIFIED, "file")],
        make: |place| open(place, "file", &Open::write()).set_size(2).unwrap(),
    },
    Change {
        name: "overwriting",
        of_directory: false,
        told_to: WRITTEN,
        told: &[(MODIFIED, "file")],
        make: |place| {
            let overwrite = Open::write().disposition(CreateDisposition::OVERWRITE);
            drop(open(place, "file", &overwrite));
        },
    },
    Change {
        name: "setting the time of access",
        of_directory: false,
        told_to: &[NotifyFilter::LAST_ACCESS],
        told: &[(MODIFIED, "file")],
        make: |place| set_basic(place, 8, &A_TIME),
    },
    Change {
        name: "setting the time of writing",
        of_directory: false,
        told_to: &[NotifyFilter::LAST_WRITE],
        told: &[(MODIFIED, "file")],
        make: |place| set_basic(place, 16, &A_TIME),
    },
    Change {
        name: "setting attributes",
        of_directory: false,
        told_to: &[NotifyFilter::ATTRIBUTES],
        told: &[(MODIFIED, "file")],
        make: |place| set_basic(place, 32, &[1]),
    },
    Change {
        name: "setting a list of rights",
        of_directory: false,
        told_to: &[NotifyFilter::SECURITY],
        told: &[(MODIFIED, "file")],
        make: |place| {
            let file = open(place, "file", &Open::read().access(AccessMask::FILE_ALL_ACCESS));
            let everyone = Sid::parse(&[1, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0]).unwrap();
            set_security(&file, Parts::DACL, &allowing(&[(0x1f_01ff, everyone)])).unwrap();
        },
    },
    Change {
        name: "appending",
        of_directory: false,
        told_to: WRITTEN,
        told: &[(MODIFIED, "file")],
        make: |place| {
            let appended = open(place, "file", &Open::write()).append(b"more");
            assert_eq!(appended, Ok(4));
        },
    },
    Change {
        name: "superseding",
        of_directory: false,
        told_to: WRITTEN,
        told: &[(MODIFIED, "file")],
        make: |place| {
            let supersede = Open::write().disposition(CreateDisposition::SUPERSEDE);
            drop(open(place, "file", &supersede));
        },
    },
    Change {
        name: "linking a file",
        of_directory: false,
        told_to: FILE,
        told: &[(ADDED, "link")],
        make: |place| {
            open(place, "file", &Open::read())
                .link("link", false, None)
                .unwrap()
        },
    },
    Change {
        name: "changing the case of a name",
        of_directory: false,
        told_to: FILE,
        told: &[(OLD, "file"), (NEW, "FILE")],
        make: |place| {
            open(place, "file", &Open::delete())
                .rename("FILE", false, None)
                .unwrap()
        },
    },
    Change {
        name: "deleting a file by POSIX's rules that stays open",
        of_directory: false,
        told_to: FILE,
        told: &[(REMOVED, "file")],
        make: |place| {
            let other = open(place, "file", &Open::read());
            open(place, "file", &Open::delete()).set_disposition(3).unwrap();
            drop(other);
        },
    },
    Change {
        name: "closing a file that goes with its handle",
        of_directory: false,
        told_to: FILE,
        told: &[(REMOVED, "file")],
        make: |place| {
            let doomed = Open::delete().options(CreateOptions::DELETE_ON_CLOSE);
            drop(open(place, "file", &doomed));
        },
    },
    Change {
        name: "what comes to nothing",
        of_directory: false,
        told_to: &[],
        told: &[],
        make: |place| {
            let file = open(place, "file", &Open::delete());
            for refused in [file.rename("folder", true, None), file.link("folder", true, None)] {
                assert_eq!(refused, Err(Status::ACCESS_DENIED));
            }
            file.set_delete(true).unwrap();
            file.set_delete(false).unwrap();
        },
    },
    Change {
        name: "reading and listing",
        of_directory: false,
        told_to: &[],
        told: &[],
        make: |place| {
            open(place, "file", &Open::read()).read(0, 4).unwrap();
            open(place, "folder", &Open::directory()).names().unwrap();
        },
    },
];

/// Has the handle watch from now on, with no request left waiting.
fn begin(world: &World, directory: &File<'_>, request: NotifyRequest) {
    let (before, cancel) = (world.redirector.statistics().watches, token());
    std::thread::scope(|scope| {
        let waiting =
            scope.spawn(|| world.block(directory.file.notify_change(request, &mut [0; 512], &cancel)));
        while world.redirector.statistics().watches == before && !waiting.is_finished() {
            std::thread::yield_now();
        }
        cancel.cancel();
        assert_eq!(waiting.join().unwrap(), Err(Status::CANCELLED));
    });
}

/// What was kept for the handle.
fn kept(world: &World, directory: &File<'_>, request: NotifyRequest) -> Vec<(u32, String)> {
    let (mut buffer, cancel) = ([0; 512], token());
    let told = directory.file.notify_change(request, &mut buffer, &cancel);
    let (used, status) = world.block(told).unwrap();
    assert_eq!(status, Status::SUCCESS);
    let (mut found, mut list) = (Vec::new(), &buffer[..used]);
    while !list.is_empty() {
        let (next, length) = (u32_at(list, 0) as usize, u32_at(list, 8) as usize);
        found.push((u32_at(list, 4), utf16(&list[12..12 + length])));
        list = if next == 0 { &[] } else { &list[next..] };
    }
    found
}

fn check(place: &Place<'_>, change: &Change, filter: NotifyFilter) -> Result<(), String> {
    std::fs::write(place.local("file"), b"data").unwrap();
    std::fs::create_dir(place.local("folder")).unwrap();
    // What ends the list is of the kind that the change is not about.
    let (ends, end) = if change.of_directory {
        (NotifyFilter::FILE_NAME, Open::create())
    } else {
        (NotifyFilter::DIR_NAME, folder())
    };
    let request = NotifyRequest {
        filter: filter.or(ends),
        watch_tree: false,
    };
    let directory = place.world.open(
        &place.remote("")[..place.remote("").len() - 1],
        &Open::directory(),
    );
    let directory = directory.map_err(|status| format!("{status:?}"))?;
    begin(place.world, &directory, request);
    (change.make)(place);
    drop(open(place, "end", &end));
    let mut expected = Vec::new();
    if change.told_to.contains(&filter) {
        expected.extend(
            change
                .told
                .iter()
                .map(|&(action, name)| (action, name.to_owned())),
        );
    }
    expected.push((ADDED, "end".to_owned()));
    same(kept(place.world, &directory, request), expected)
}

/// Every change against every filter.
pub(super) fn filters() -> Vec<Cell> {
    let mut cells = Vec::new();
    for change in CHANGES {
        let change: &'static Change = Box::leak(Box::new(change));
        for (filter, watched) in FILTERS {
            let verdict = if change.told_to.contains(&filter) {
                "is"
            } else {
                "is not"
            };
            cells.push(Cell {
                name: format!("{} {verdict} told to who watches {watched}", change.name),
                check: Box::new(move |place| check(place, change, filter)),
            });
        }
    }
    cells
}
