//! Reading and writing.

use nt::{AccessMask, CreateDisposition, Status};

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
