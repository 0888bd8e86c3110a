//! Content: where files end, and what writes and sizes make of them.

use nt::Status;

use super::{Cell, same};
use crate::world::{File, Open};

type Read = Result<&'static [u8], Status>;

pub(super) fn reads() -> Vec<Cell> {
    const TEN: &[u8] = b"0123456789";
    let rows: [(&[u8], u64, usize, Read, &str); 11] = [
        (TEN, 0, 10, Ok(TEN), "all of a file is read"),
        (TEN, 3, 4, Ok(b"3456"), "a part from the middle is read"),
        (TEN, 9, 1, Ok(b"9"), "the last byte is read"),
        (TEN, 8, 100, Ok(b"89"), "a read over the end gets what is there"),
        (TEN, 0, 11, Ok(TEN), "a read one byte too long gets the file"),
        (
            TEN,
            10,
            1,
            Err(Status::END_OF_FILE),
            "a read at the end is END_OF_FILE",
        ),
        (
            TEN,
            11,
            1,
            Err(Status::END_OF_FILE),
            "a read behind the end is END_OF_FILE",
        ),
        (
            TEN,
            1 << 40,
            9,
            Err(Status::END_OF_FILE),
            "a read far behind the end is END_OF_FILE",
        ),
        (TEN, 0, 0, Ok(b""), "a read of nothing gets nothing"),
        (TEN, 10, 0, Ok(b""), "a read of nothing at the end gets nothing"),
        (
            b"",
            0,
            1,
            Err(Status::END_OF_FILE),
            "a read of an empty file is END_OF_FILE",
        ),
    ];
    rows.into_iter()
        .map(|(content, offset, length, expected, name)| Cell {
            name: name.into(),
            check: Box::new(move |place| {
                std::fs::write(place.local("file"), content).unwrap();
                let file = open(place, &Open::read())?;
                same(file.read(offset, length), expected.map(<[u8]>::to_vec))
            }),
        })
        .collect()
}

fn open<'w>(place: &super::Place<'w>, how: &Open) -> Result<File<'w>, String> {
    let opened = place.world.open(&place.remote("file"), how);
    opened.map_err(|status| format!("{status:?}"))
}

/// What a step makes of a file that says `12345`.
type Step = fn(&File<'_>) -> nt::Result;

pub(super) fn writes() -> Vec<Cell> {
    let rows: [(&str, Step, &[u8]); 13] = [
        (
            "a write in a file replaces as much as it is long",
            |file| file.write(1, b"xy").map(drop),
            b"1xy45",
        ),
        (
            "a write over the end makes a file longer",
            |file| file.write(3, b"wxyz").map(drop),
            b"123wxyz",
        ),
        (
            "a write at the end makes a file longer",
            |file| file.write(5, b"6").map(drop),
            b"123456",
        ),
        (
            "a write behind the end leaves zeros between",
            |file| file.write(7, b"8").map(drop),
            b"12345\0\08",
        ),
        (
            "a write of nothing behind the end changes nothing",
            |file| file.write(9, b"").map(drop),
            b"12345",
        ),
        (
            "a write to the end of file appends",
            |file| file.append(b"67").map(drop),
            b"1234567",
        ),
        ("a smaller end of file cuts", |file| file.set_size(2), b"12"),
        (
            "a larger end of file adds zeros",
            |file| file.set_size(8),
            b"12345\0\0\0",
        ),
        ("an end of file of 0 empties", |file| file.set_size(0), b""),
        (
            "the same end of file changes nothing",
            |file| file.set_size(5),
            b"12345",
        ),
        (
            "what was cut off does not come back",
            |file| file.set_size(2).and_then(|()| file.set_size(5)),
            b"12\0\0\0",
        ),
        ("flushing changes nothing", |file| file.flush(), b"12345"),
        (
            "a write is seen by a read at once",
            |file| {
                file.write(0, b"X")?;
                assert_eq!(file.read(0, 2)?, b"X2");
                Ok(())
            },
            b"X2345",
        ),
    ];
    rows.into_iter()
        .map(|(name, step, expected)| Cell {
            name: name.into(),
            check: Box::new(move |place| {
                std::fs::write(place.local("file"), b"12345").unwrap();
                let file = open(place, &Open::write())?;
                same(step(&file), Ok(()))?;
                same(file.size(), Ok(expected.len() as u64))?;
                let other = open(place, &Open::read())?;
                if !expected.is_empty() {
                    same(other.read(0, 100), Ok(expected.to_vec()))?;
                }
                same(std::fs::read(place.local("file")).unwrap(), expected.to_vec())
            }),
        })
        .collect()
}
