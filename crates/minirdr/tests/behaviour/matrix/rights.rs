//! Rights: what a handle was opened for is what can be done with it.

use nt::{AccessMask, FileInformationClass, Status};

use super::{Cell, same};
use crate::world::{File, Open};

const RIGHTS: [(AccessMask, &str); 5] = [
    (AccessMask::READ_DATA, "FILE_READ_DATA"),
    (AccessMask::WRITE_DATA, "FILE_WRITE_DATA"),
    (AccessMask::APPEND_DATA, "FILE_APPEND_DATA"),
    (AccessMask::DELETE, "DELETE"),
    (AccessMask::READ_ATTRIBUTES, "FILE_READ_ATTRIBUTES"),
];

type Deed = fn(&File<'_>) -> nt::Result;

fn rename(file: &File<'_>) -> nt::Result {
    file.rename("renamed", false, None)
}

fn deeds() -> [(&'static str, AccessMask, Deed); 7] {
    [
        ("read", AccessMask::READ_DATA, |file| file.read(0, 1).map(drop)),
        (
            "written",
            AccessMask::WRITE_DATA | AccessMask::APPEND_DATA,
            |file| file.write(0, b"x").map(drop),
        ),
        (
            "appended to",
            AccessMask::WRITE_DATA | AccessMask::APPEND_DATA,
            |file| file.append(b"x").map(drop),
        ),
        ("resized", AccessMask::WRITE_DATA, |file| file.set_size(2)),
        ("given less space", AccessMask::WRITE_DATA, |file| {
            file.set(FileInformationClass::ALLOCATION, &1_u64.to_le_bytes())
        }),
        ("renamed", AccessMask::DELETE, rename),
        ("marked for deletion", AccessMask::DELETE, |file| {
            file.set_delete(true)
        }),
    ]
}

pub(super) fn rights() -> Vec<Cell> {
    let mut cells = Vec::new();
    for (right, word) in RIGHTS {
        for (what, needed, deed) in deeds() {
            let allowed = right.intersects(needed);
            let verdict = if allowed { "can be" } else { "cannot be" };
            cells.push(Cell {
                name: format!("with {word} a file {verdict} {what}"),
                check: Box::new(move |place| {
                    std::fs::write(place.local("file"), b"data").unwrap();
                    let open = Open::read().access(right);
                    let file = place
                        .world
                        .open(&place.remote("file"), &open)
                        .map_err(|status| format!("{status:?}"))?;
                    let expected = if allowed {
                        Ok(())
                    } else {
                        Err(Status::ACCESS_DENIED)
                    };
                    same(deed(&file), expected)
                }),
            });
        }
    }
    cells
}
