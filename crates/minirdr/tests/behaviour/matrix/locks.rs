//! Byte-range locks: who stands in whose way.

use minirdr::Requestor;
use nt::Status;

use super::{Cell, Place, same};
use crate::world::{File, Open};

/// Who comes second, as seen from the owner of the lock.
#[derive(Clone, Copy, Debug)]
enum Second {
    Owner,
    OtherHandle,
    OtherProcess,
    OtherKey,
    Pager,
}

impl Second {
    const ALL: [Self; 5] = [
        Self::Owner,
        Self::OtherHandle,
        Self::OtherProcess,
        Self::OtherKey,
        Self::Pager,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Owner => "its owner",
            Self::OtherHandle => "another handle",
            Self::OtherProcess => "another process with the same handle",
            Self::OtherKey => "another key with the same handle",
            Self::Pager => "paging I/O",
        }
    }

    fn requestor(self) -> Requestor {
        Requestor {
            process: u64::from(matches!(self, Self::OtherProcess)),
            key: u32::from(matches!(self, Self::OtherKey)),
            paging: matches!(self, Self::Pager),
        }
    }

    fn handle<'f, 'w>(self, owner: &'f File<'w>, other: &'f File<'w>) -> &'f File<'w> {
        match self {
            Self::Owner | Self::OtherProcess | Self::OtherKey => owner,
            Self::OtherHandle | Self::Pager => other,
        }
    }
}

fn kind(exclusive: bool) -> &'static str {
    if exclusive {
        "an exclusive lock"
    } else {
        "a shared lock"
    }
}

/// A file of a hundred bytes, open twice, with bytes 10 to 19 locked by the first.
fn with_lock(
    place: &Place<'_>,
    exclusive: bool,
    check: impl FnOnce(&File<'_>, &File<'_>) -> Result<(), String>,
) -> Result<(), String> {
    std::fs::write(place.local("file"), [b'.'; 100]).unwrap();
    let path = place.remote("file");
    let open = || place.world.open(&path, &Open::write()).unwrap();
    let (owner, other) = (open(), open());
    owner.lock(10, 10, exclusive).unwrap();
    check(&owner, &other)
}

fn cell(name: String, check: impl Fn(&Place<'_>) -> Result<(), String> + 'static) -> Cell {
    Cell {
        name,
        check: Box::new(check),
    }
}

/// Locks against locks.
pub(super) fn locks() -> Vec<Cell> {
    let mut cells = Vec::new();
    for held in [true, false] {
        for wanted in [true, false] {
            for second in [
                Second::Owner,
                Second::OtherHandle,
                Second::OtherProcess,
                Second::OtherKey,
            ] {
                let granted = !wanted && (!held || matches!(second, Second::Owner));
                let verdict = if granted { "can" } else { "cannot" };
                let name = format!(
                    "where there is {}, {} {verdict} get {}",
                    kind(held),
                    second.name(),
                    kind(wanted)
                );
                cells.push(cell(name, move |place| {
                    with_lock(place, held, |owner, other| {
                        let got = second.handle(owner, other);
                        let got = got.lock_as(15, 10, wanted, second.requestor());
                        same(
                            got,
                            if granted {
                                Ok(())
                            } else {
                                Err(Status::LOCK_NOT_GRANTED)
                            },
                        )
                    })
                }));
            }
        }
    }
    cells
}

/// Ranges against ranges.
pub(super) fn lock_ranges() -> Vec<Cell> {
    let ranges: [(&str, u64, u64, nt::Result); 14] = [
        ("ending before the first byte", 5, 5, Ok(())),
        ("ending with the first byte", 5, 6, Err(Status::LOCK_NOT_GRANTED)),
        ("the same", 10, 10, Err(Status::LOCK_NOT_GRANTED)),
        ("one byte inside", 15, 1, Err(Status::LOCK_NOT_GRANTED)),
        ("around it all", 0, 100, Err(Status::LOCK_NOT_GRANTED)),
        (
            "beginning with the last byte",
            19,
            5,
            Err(Status::LOCK_NOT_GRANTED),
        ),
        ("beginning behind the last byte", 20, 5, Ok(())),
        ("far behind the end of the file", 1 << 40, 1, Ok(())),
        ("of no bytes at the first byte", 10, 0, Ok(())),
        ("of no bytes inside", 15, 0, Err(Status::LOCK_NOT_GRANTED)),
        ("of no bytes behind the last byte", 20, 0, Ok(())),
        ("up to the last offset", 20, u64::MAX - 19, Ok(())),
        (
            "beyond the last offset",
            20,
            u64::MAX - 18,
            Err(Status::INVALID_LOCK_RANGE),
        ),
        (
            "that would wrap around",
            u64::MAX,
            u64::MAX,
            Err(Status::INVALID_LOCK_RANGE),
        ),
    ];
    let cells = ranges.into_iter().map(|(what, start, length, expected)| {
        let verdict = if expected.is_ok() { "can" } else { "cannot" };
        cell(
            format!("beside an exclusive lock, a range {what} {verdict} be locked"),
            move |place| {
                with_lock(place, true, |_, other| {
                    same(other.lock(start, length, true), expected)
                })
            },
        )
    });
    cells.collect()
}

/// Locks against data.
pub(super) fn locked_data() -> Vec<Cell> {
    let mut cells = Vec::new();
    for held in [true, false] {
        for second in Second::ALL {
            for write in [true, false] {
                let allowed = match second {
                    Second::Pager => true,
                    Second::Owner => held || !write,
                    _ => !held && !write,
                };
                let verdict = if allowed { "can" } else { "cannot" };
                let verb = if write { "write" } else { "read" };
                let name = format!("under {}, {} {verdict} {verb}", kind(held), second.name());
                cells.push(cell(name, move |place| {
                    with_lock(place, held, |owner, other| {
                        let (file, who) = (second.handle(owner, other), second.requestor());
                        let done = if write {
                            file.write_by(who, 19, b"xx").map(drop)
                        } else {
                            file.read_by(who, 19, 2).map(drop)
                        };
                        same(
                            done,
                            if allowed {
                                Ok(())
                            } else {
                                Err(Status::FILE_LOCK_CONFLICT)
                            },
                        )
                    })
                }));
            }
        }
    }
    cells
}
