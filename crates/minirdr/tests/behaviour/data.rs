//! Reading and writing.

use std::sync::atomic::{AtomicBool, Ordering};

use nt::{AccessMask, CreateDisposition, CreateOptions, FileInformationClass, Status};

use crate::world::{Open, World};

/// Bytes without a short period.
fn pattern(len: usize) -> Vec<u8> {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut bytes = Vec::with_capacity(len + 8);
    while bytes.len() < len {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend(state.to_le_bytes());
    }
    bytes.truncate(len);
    bytes
}

pub(crate) fn large_transfers_in_odd_pieces(world: &World) {
    let data = pattern(5 * 1024 * 1024 + 4321);
    let file = world.open("large", &Open::create()).unwrap();
    let mut at = 0;
    for size in [1, 4095, 65_512, 65_513, 1 << 20, 3 << 20].into_iter().cycle() {
        let piece = &data[at..data.len().min(at + size)];
        if piece.is_empty() {
            break;
        }
        assert_eq!(file.write(at as u64, piece).unwrap(), piece.len());
        at += piece.len();
    }
    assert!(std::fs::read(world.path("large")).unwrap() == data);
    assert!(file.read(0, data.len()).unwrap() == data);
    for (at, len) in [
        (0, 1),
        (1, 65_512),
        (4095, 65_513),
        (777_777, 3_000_001),
        (data.len() - 9, 9),
    ] {
        assert!(
            file.read(at as u64, len).unwrap() == data[at..at + len],
            "{len} bytes at {at}"
        );
    }
    let statistics = world.redirector.statistics();
    assert_eq!(statistics.bytes_written, data.len() as u64);
    assert!(statistics.bytes_read > data.len() as u64);
}

pub(crate) fn the_end_of_a_file(world: &World) {
    std::fs::write(world.path("ten"), b"0123456789").unwrap();
    let file = world.open("ten", &Open::read()).unwrap();
    assert_eq!(file.read(8, 100).unwrap(), b"89", "what is there is read");
    assert_eq!(file.read(10, 1), Err(Status::END_OF_FILE));
    assert_eq!(file.read(1 << 40, 1), Err(Status::END_OF_FILE));
    assert_eq!(file.read(8, 0).unwrap(), b"", "nothing can be read anywhere");
    assert_eq!(file.read(10, 0).unwrap(), b"");
    // A window full of messages that find nothing.
    assert_eq!(file.read(10, 4 << 20), Err(Status::END_OF_FILE));
    assert_eq!(file.read(5, 4 << 20).unwrap(), b"56789");
    std::fs::write(world.path("empty"), b"").unwrap();
    let empty = world.open("empty", &Open::read()).unwrap();
    assert_eq!(empty.read(0, 1), Err(Status::END_OF_FILE));
    // A file that grew is read on.
    std::fs::write(world.path("ten"), b"0123456789ab").unwrap();
    assert_eq!(file.read(10, 100).unwrap(), b"ab");
}

pub(crate) fn writing_leaves_a_hole_that_reads_zero(world: &World) {
    let file = world.open("hole", &Open::create()).unwrap();
    file.write(100_000, b"end").unwrap();
    assert_eq!(file.write(5, b"").unwrap(), 0, "writing nothing changes nothing");
    let all = file.read(0, 200_000).unwrap();
    assert_eq!(all.len(), 100_003);
    assert!(all[..100_000].iter().all(|&byte| byte == 0));
    assert_eq!(file.size().unwrap(), 100_003);
}

pub(crate) fn appending(world: &World) {
    let file = world.open("log", &Open::create()).unwrap();
    file.append(b"one ").unwrap();
    file.append(b"two ").unwrap();
    // A handle with no right but to append writes at the end, wherever it says.
    let only = Open::write().access(AccessMask::APPEND_DATA | AccessMask::SYNCHRONIZE);
    let appender = world.open("log", &only).unwrap();
    appender.write(0, b"three").unwrap();
    assert_eq!(appender.read(0, 1), Err(Status::ACCESS_DENIED));
    assert_eq!(file.read(0, 100).unwrap(), b"one two three");
}

/// As a log that programs of two machines write: nothing of it is lost, whoever comes first.
pub(crate) fn an_append_lands_behind_what_others_wrote(world: &World) {
    use std::io::Write as _;
    const LINES: usize = 200;
    std::fs::write(world.path("log"), b"").unwrap();
    let access = AccessMask::APPEND_DATA | AccessMask::SYNCHRONIZE;
    let file = world.open("log", &Open::write().access(access)).unwrap();
    let done = AtomicBool::new(false);
    let theirs = std::thread::scope(|scope| {
        let path = world.path("log");
        let done = &done;
        let other = scope.spawn(move || {
            let mut log = std::fs::OpenOptions::new().append(true).open(path).unwrap();
            let mut lines = 0;
            while !done.load(Ordering::Relaxed) {
                log.write_all(&[b't'; 50]).unwrap();
                lines += 1;
                std::thread::yield_now();
            }
            lines
        });
        for _ in 0..LINES {
            assert_eq!(file.write(0, &[b'm'; 50]).unwrap(), 50);
        }
        done.store(true, Ordering::Relaxed);
        other.join().unwrap()
    });
    let log = std::fs::read(world.path("log")).unwrap();
    let whole = |by: u8| log.chunks(50).filter(|line| **line == [by; 50]).count();
    assert_eq!(
        (whole(b'm'), whole(b't')),
        (LINES, theirs),
        "every line is there, and whole"
    );
    assert_eq!(log.len(), (LINES + theirs) * 50);
    // More than one message carries comes in order.
    let long = pattern(300_000);
    let end = log.len();
    assert_eq!(file.append(&long).unwrap(), long.len());
    assert!(std::fs::read(world.path("log")).unwrap()[end..] == long);
}

/// Handles of one file, of which some only append, do not stand in each other's way.
pub(crate) fn one_who_appends_and_others(world: &World) {
    std::fs::write(world.path("file"), b"0123").unwrap();
    let appends = AccessMask::APPEND_DATA | AccessMask::READ_DATA | AccessMask::SYNCHRONIZE;
    let writer = world.open("file", &Open::write()).unwrap();
    let appender = world.open("file", &Open::write().access(appends)).unwrap();
    let again = world.open("file", &Open::write()).unwrap();
    let reader = world.open("file", &Open::read()).unwrap();
    appender.write(0, b"45").unwrap();
    again.write(0, b"A").unwrap();
    writer.write(1, b"B").unwrap();
    // To the end by the offset that says so.
    writer.append(b"67").unwrap();
    appender.write(2, b"8").unwrap();
    for file in [&reader, &appender, &writer] {
        assert_eq!(file.read(0, 99).unwrap(), b"AB2345678");
    }
    drop((writer, again));
    // What serves one who reads and appends serves readers, too; writers need their own.
    let late = world.open("file", &Open::write()).unwrap();
    late.write(0, b"X").unwrap();
    assert_eq!(late.read(0, 2).unwrap(), b"XB");
    assert_eq!(appender.set_size(1), Err(Status::ACCESS_DENIED));
    assert_eq!(late.size().unwrap(), 9);
}

pub(crate) fn rights_decide_over_data(world: &World) {
    std::fs::write(world.path("file"), b"data").unwrap();
    let reader = world.open("file", &Open::read()).unwrap();
    assert_eq!(reader.write(0, b"x"), Err(Status::ACCESS_DENIED));
    assert_eq!(reader.set_size(0), Err(Status::ACCESS_DENIED));
    let writer = world
        .open("file", &Open::write().access(AccessMask::GENERIC_WRITE))
        .unwrap();
    assert_eq!(writer.read(0, 1), Err(Status::ACCESS_DENIED));
    writer.write(0, b"D").unwrap();
    let looker = world
        .open("file", &Open::read().access(AccessMask::READ_ATTRIBUTES))
        .unwrap();
    assert_eq!(looker.read(0, 1), Err(Status::ACCESS_DENIED));
    assert_eq!(looker.size().unwrap(), 4, "attributes need no data");
    let all = world
        .open("file", &Open::read().access(AccessMask::MAXIMUM_ALLOWED))
        .unwrap();
    assert_eq!(all.read(0, 9).unwrap(), b"Data");
    std::fs::create_dir(world.path("folder")).unwrap();
    let folder = world.open("folder", &Open::directory()).unwrap();
    assert_eq!(folder.read(0, 1), Err(Status::INVALID_DEVICE_REQUEST));
    assert_eq!(folder.write(0, b"x"), Err(Status::INVALID_DEVICE_REQUEST));
}

pub(crate) fn beyond_four_gib(world: &World) {
    let file = world.open("sparse", &Open::create()).unwrap();
    let at = (5 << 30) + 123;
    file.write(at, b"far out").unwrap();
    assert_eq!(file.size().unwrap(), at + 7);
    assert_eq!(file.read(at, 100).unwrap(), b"far out");
    assert_eq!(file.read((4 << 30) - 2, 4).unwrap(), [0; 4]);
    assert_eq!(file.read(u64::MAX - 3, 100), Err(Status::INVALID_PARAMETER));
}

pub(crate) fn many_handles_at_once(world: &World) {
    let data = pattern(3 << 20);
    std::fs::write(world.path("shared"), &data).unwrap();
    std::thread::scope(|scope| {
        for number in 0..8_usize {
            let data = &data;
            scope.spawn(move || {
                let file = world.open("shared", &Open::read()).unwrap();
                let own = Open::create().disposition(CreateDisposition::OPEN_IF);
                let own = world.open(&format!("own{number}"), &own).unwrap();
                for round in 0..4 {
                    let at = (number * 7919 + round * 104_729) % (data.len() / 2);
                    let part = file.read(at as u64, data.len() / 2).unwrap();
                    assert!(part == data[at..at + data.len() / 2]);
                    own.write(at as u64, &part).unwrap();
                    assert!(own.read(at as u64, part.len()).unwrap() == part);
                }
            });
        }
    });
}

pub(crate) fn flushing(world: &World) {
    let file = world.open("flushed", &Open::create()).unwrap();
    file.write(0, b"data").unwrap();
    file.flush().unwrap();
    let reader = world.open("flushed", &Open::read()).unwrap();
    reader.flush().unwrap();
    world.open("", &Open::directory()).unwrap().flush().unwrap();
}

pub(crate) fn the_last_offset(world: &World) {
    std::fs::write(world.path("file"), b"data").unwrap();
    let file = world.open("file", &Open::write()).unwrap();
    let last = i64::MAX as u64;
    assert_eq!(file.read(last - 1, 1), Err(Status::END_OF_FILE));
    assert_eq!(
        file.read(last - 1, 100),
        Err(Status::END_OF_FILE),
        "cut, not refused"
    );
    assert_eq!(file.read(last + 1, 1), Err(Status::INVALID_PARAMETER));
    assert_eq!(file.write(last - 1, b"xx"), Err(Status::INVALID_PARAMETER));
    assert_eq!(file.write(last + 1, b"x"), Err(Status::INVALID_PARAMETER));
    assert_eq!(file.write(u64::MAX, b"x"), Err(Status::INVALID_PARAMETER));
    assert_eq!(
        file.set(FileInformationClass::END_OF_FILE, &(-1_i64).to_le_bytes()),
        Err(Status::INVALID_PARAMETER)
    );
    assert_eq!(file.size().unwrap(), 4, "nothing came of any of it");
}

pub(crate) fn transfers_of_nothing(world: &World) {
    std::fs::write(world.path("file"), b"data").unwrap();
    let file = world.open("file", &Open::write()).unwrap();
    assert_eq!(file.read(1 << 40, 0).unwrap(), b"");
    assert_eq!(file.write(1 << 40, b"").unwrap(), 0);
    assert_eq!(file.append(b"").unwrap(), 0);
    assert_eq!(file.size().unwrap(), 4);
    let reader = world.open("file", &Open::read()).unwrap();
    assert_eq!(
        reader.write(0, b""),
        Err(Status::ACCESS_DENIED),
        "the right to do it is needed all the same"
    );
}

pub(crate) fn appends_do_not_meet(world: &World) {
    std::fs::write(world.path("log"), b"").unwrap();
    std::thread::scope(|scope| {
        for letter in [b'a', b'b', b'c', b'd'] {
            scope.spawn(move || {
                let access = AccessMask::APPEND_DATA | AccessMask::SYNCHRONIZE;
                let file = world.open("log", &Open::write().access(access)).unwrap();
                for _ in 0..20 {
                    assert_eq!(file.append(&[letter; 50]).unwrap(), 50);
                }
            });
        }
    });
    let log = std::fs::read(world.path("log")).unwrap();
    assert_eq!(log.len(), 4 * 20 * 50);
    for line in log.chunks(50) {
        assert!(line.iter().all(|byte| *byte == line[0]), "a line is whole");
    }
}

pub(crate) fn whole_sectors_without_buffering(world: &World) {
    std::fs::write(world.path("file"), pattern(2000)).unwrap();
    let unbuffered = Open::write().options(CreateOptions::NO_INTERMEDIATE_BUFFERING);
    let file = world.open("file", &unbuffered).unwrap();
    let refused = Err(Status::INVALID_PARAMETER);
    assert_eq!(file.read(0, 100), refused);
    assert_eq!(file.read(100, 512), refused);
    assert_eq!(file.write(0, &[0; 511]), Err(Status::INVALID_PARAMETER));
    assert_eq!(file.read(512, 512).unwrap(), pattern(2000)[512..1024]);
    assert_eq!(
        file.read(1536, 512).unwrap().len(),
        2000 - 1536,
        "the end of the file need not be a sector's"
    );
    assert_eq!(file.write(2048, &[7; 512]).unwrap(), 512);
    assert_eq!(file.size().unwrap(), 2560);
}

pub(crate) fn writing_through(world: &World) {
    let through = Open::create().options(CreateOptions::WRITE_THROUGH);
    let file = world.open("file", &through).unwrap();
    assert_eq!(file.write(0, &pattern(100_000)).unwrap(), 100_000);
    assert_eq!(file.append(b"end").unwrap(), 3);
    assert_eq!(file.size().unwrap(), 100_003);
    assert!(std::fs::read(world.path("file")).unwrap().ends_with(b"end"));
}

pub(crate) fn sizes_and_the_space_set_aside(world: &World) {
    let file = world.open("file", &Open::create()).unwrap();
    let allocate = |bytes: u64| file.set(FileInformationClass::ALLOCATION, &bytes.to_le_bytes());
    file.write(0, &pattern(5000)).unwrap();
    allocate(1 << 20).unwrap();
    assert_eq!(file.size().unwrap(), 5000, "space set aside is no data");
    file.set_size(10_000).unwrap();
    assert_eq!(file.read(5000, 5000).unwrap(), [0; 5000], "what grew is zero");
    allocate(6000).unwrap();
    assert_eq!(file.size().unwrap(), 6000, "less space than data cuts it");
    file.set_size(100).unwrap();
    assert_eq!(file.read(0, 5000).unwrap(), pattern(5000)[..100]);
    file.set_size(200).unwrap();
    assert_eq!(file.read(100, 100).unwrap(), [0; 100], "what was cut off is gone");
    allocate(0).unwrap();
    assert_eq!(file.read(0, 1), Err(Status::END_OF_FILE));
    file.append(b"from the start").unwrap();
    assert_eq!(file.read(0, 100).unwrap(), b"from the start");
}
