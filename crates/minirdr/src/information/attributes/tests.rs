use std::vec;
use std::vec::Vec;

use ninep::wire::{GetAttrMask, Mode, Qid, QidType, Rgetattr, Time};
use nt::{FileAttributes, FileTime};

use super::Attributes;

/// What a server says of a file of this mode.
pub(crate) fn reply(mode: u32) -> Rgetattr {
    let time = |seconds| Time {
        seconds,
        nanoseconds: 100,
    };
    Rgetattr {
        valid: GetAttrMask::BASIC,
        qid: Qid {
            kind: QidType::empty(),
            version: 0,
            path: 0x1122_3344_5566_7788,
        },
        mode: Mode(mode),
        uid: 1000,
        gid: 1000,
        nlink: 3,
        rdev: 0,
        size: 12_345,
        blksize: 4096,
        blocks: 32,
        atime: time(3),
        mtime: time(5),
        ctime: time(4),
        btime: Time::default(),
        generation: 0,
        data_version: 0,
    }
}

#[test]
fn a_file() {
    let attributes = Attributes::new(&reply(Mode::REGULAR | 0o644), b"name");
    assert_eq!(attributes.last_write_time, FileTime::from_unix(5, 100));
    assert_eq!(attributes.change_time, FileTime::from_unix(4, 100));
    assert_eq!(
        attributes.creation_time,
        FileTime::from_unix(4, 100),
        "the oldest known"
    );
    assert_eq!(
        (attributes.end_of_file, attributes.allocation_size),
        (12_345, 32 * 512)
    );
    assert_eq!(attributes.file_id, 0x1122_3344_5566_7788);
    assert_eq!(attributes.number_of_links, 3);
    assert_eq!(attributes.reparse_tag(), 0);
}

#[test]
fn flags() {
    use FileAttributes as F;
    for (mode, name, flags) in [
        (Mode::REGULAR | 0o644, &b"a"[..], F::ARCHIVE),
        (Mode::REGULAR | 0o444, b"a", F::ARCHIVE | F::READONLY),
        (Mode::REGULAR | 0o444, b".a", F::ARCHIVE | F::READONLY | F::HIDDEN),
        (Mode::FIFO | 0o644, b"a", F::NORMAL),
        (Mode::DIRECTORY | 0o755, b"a", F::DIRECTORY),
        (Mode::DIRECTORY | 0o555, b"a", F::DIRECTORY),
        (Mode::DIRECTORY | 0o755, b".git", F::DIRECTORY | F::HIDDEN),
        (Mode::DIRECTORY | 0o755, b".", F::DIRECTORY),
        (Mode::DIRECTORY | 0o755, b"..", F::DIRECTORY),
        (Mode::SYMLINK | 0o777, b"a", F::REPARSE_POINT),
    ] {
        let attributes = Attributes::new(&reply(mode), name);
        assert_eq!(attributes.file_attributes, flags, "{mode:o} {name:?}");
        let is_directory = flags.contains(F::DIRECTORY);
        assert_eq!(attributes.is_directory(), is_directory);
        assert_eq!(
            attributes.end_of_file == 0,
            is_directory || flags.contains(F::REPARSE_POINT),
            "directories and links have no size of their own"
        );
    }
}

#[test]
fn figures_that_lie_do_no_harm() {
    let mut lying = reply(Mode::REGULAR);
    lying.nlink = u64::MAX;
    lying.blocks = u64::MAX;
    lying.size = u64::MAX;
    lying.mtime = Time {
        seconds: i64::MAX,
        nanoseconds: u64::MAX,
    };
    let times: Vec<Time> = vec![
        lying.mtime,
        Time {
            seconds: i64::MIN,
            nanoseconds: 0,
        },
    ];
    for time in times {
        lying.mtime = time;
        let attributes = Attributes::new(&lying, b"");
        assert_eq!(attributes.number_of_links, u32::MAX);
        assert_eq!(attributes.allocation_size, i64::MAX as u64, "signed to NT");
        assert_eq!(attributes.end_of_file, i64::MAX as u64);
    }
}
