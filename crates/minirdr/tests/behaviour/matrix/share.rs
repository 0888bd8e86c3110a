//! Share access: what one handle allows the others, and what it wants of those that are there.

use nt::{AccessMask, ShareAccess, Status};

use super::{Cell, same};
use crate::world::Open;

const ACCESS: [(AccessMask, ShareAccess, &str); 3] = [
    (AccessMask::READ_DATA, ShareAccess::READ, "to read"),
    (AccessMask::WRITE_DATA, ShareAccess::WRITE, "to write"),
    (AccessMask::DELETE, ShareAccess::DELETE, "to delete"),
];

fn shares() -> [(ShareAccess, &'static str); 5] {
    [
        (ShareAccess::empty(), "nothing"),
        (ShareAccess::READ, "reading"),
        (ShareAccess::WRITE, "writing"),
        (ShareAccess::DELETE, "deleting"),
        (ShareAccess::all(), "everything"),
    ]
}

fn open(access: AccessMask, share: ShareAccess) -> Open {
    Open::read().access(access).share(share)
}

fn cell(name: String, first: Open, second: Open, allowed: bool) -> Cell {
    Cell {
        name,
        check: Box::new(move |place| {
            std::fs::write(place.local("file"), b"data").unwrap();
            let path = place.remote("file");
            let _held = place
                .world
                .open(&path, &first)
                .map_err(|status| format!("{status:?}"))?;
            let refused = place.world.open(&path, &second).err();
            same(refused, (!allowed).then_some(Status::SHARING_VIOLATION))
        }),
    }
}

pub(super) fn sharing() -> Vec<Cell> {
    let mut cells = Vec::new();
    for (share, what) in shares() {
        for (access, needed, how) in ACCESS {
            let allowed = share.contains(needed);
            let verdict = if allowed { "can be" } else { "cannot be" };
            cells.push(cell(
                format!("a file open and sharing {what} {verdict} opened {how}"),
                open(AccessMask::READ_DATA, share),
                // What the second wants to share has to allow what the first does.
                open(access, ShareAccess::all()),
                allowed,
            ));
            cells.push(cell(
                format!("a file open {how} {verdict} opened by who shares {what}"),
                open(access, ShareAccess::all()),
                open(AccessMask::READ_DATA, share),
                allowed,
            ));
        }
        cells.push(cell(
            format!("a file that is only looked at can be opened by who shares {what}"),
            open(AccessMask::READ_ATTRIBUTES, ShareAccess::empty()),
            open(AccessMask::READ_DATA | AccessMask::WRITE_DATA, share),
            true,
        ));
    }
    cells
}
