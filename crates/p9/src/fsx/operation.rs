//! What is done to files, and how it is chosen.

use std::fmt;

use nt::{AccessMask, CreateDisposition};

use super::random::Random;

/// One step. Slots are places for handles, files are names; a step on a slot without a handle does nothing, so that any
/// part of a sequence is one, too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    Open {
        slot: usize,
        file: usize,
        disposition: CreateDisposition,
        rights: Rights,
    },
    Close {
        slot: usize,
    },
    Read {
        slot: usize,
        offset: u64,
        length: usize,
    },
    Write {
        slot: usize,
        offset: u64,
        length: usize,
        salt: u64,
    },
    Append {
        slot: usize,
        length: usize,
        salt: u64,
    },
    SetSize {
        slot: usize,
        size: u64,
    },
    SetAllocation {
        slot: usize,
        size: u64,
    },
    Flush {
        slot: usize,
    },
    Size {
        slot: usize,
    },
    Lock {
        slot: usize,
        range: Range,
        exclusive: bool,
    },
    /// Of exactly this range.
    Unlock {
        slot: usize,
        range: Range,
    },
    Rename {
        from: usize,
        to: usize,
        replace: bool,
    },
    Delete {
        file: usize,
    },
    List,
}

/// Bytes of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Range {
    pub(crate) start: u64,
    pub(crate) length: u64,
}

impl Range {
    /// Whether both have a byte in common.
    pub(crate) fn meets(self, other: Self) -> bool {
        self.start < other.start + other.length && other.start < self.start + self.length
    }

    /// One of few, so that the same come up again.
    fn choose(random: &mut Random, limits: &Limits) -> Self {
        let unit = (limits.size / 4).max(1);
        Self {
            start: random.below(4) * unit,
            length: (1 + random.below(2)) * unit,
        }
    }
}

/// What a handle may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rights {
    Read,
    Write,
    Both,
    Append,
}

impl Rights {
    pub(crate) fn access(self) -> AccessMask {
        match self {
            Self::Read => AccessMask::FILE_GENERIC_READ,
            Self::Write => AccessMask::FILE_GENERIC_WRITE,
            Self::Both => AccessMask::FILE_GENERIC_READ | AccessMask::FILE_GENERIC_WRITE,
            Self::Append => AccessMask::APPEND_DATA | AccessMask::READ_ATTRIBUTES | AccessMask::SYNCHRONIZE,
        }
    }

    pub(crate) fn can_read(self) -> bool {
        matches!(self, Self::Read | Self::Both)
    }

    pub(crate) fn can_write(self) -> bool {
        matches!(self, Self::Write | Self::Both)
    }
}

/// How much of everything there may be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) handles: usize,
    pub(crate) files: usize,
    /// Of a file, in bytes.
    pub(crate) size: u64,
}

impl Operation {
    /// The slot of the handle that the step is done on, if it is done on one.
    pub(crate) fn of_handle(&self) -> Option<usize> {
        match *self {
            Self::Read { slot, .. }
            | Self::Write { slot, .. }
            | Self::Append { slot, .. }
            | Self::SetSize { slot, .. }
            | Self::SetAllocation { slot, .. }
            | Self::Flush { slot }
            | Self::Lock { slot, .. }
            | Self::Unlock { slot, .. }
            | Self::Size { slot } => Some(slot),
            Self::Open { .. }
            | Self::Close { .. }
            | Self::Rename { .. }
            | Self::Delete { .. }
            | Self::List => None,
        }
    }

    /// Chooses a step. It depends on the generator alone, not on what became of the steps before.
    pub(crate) fn choose(random: &mut Random, limits: &Limits) -> Self {
        let slot = index(random, limits.handles);
        let file = index(random, limits.files);
        let salt = random.next();
        match random.below(100) {
            0..14 => Self::Open {
                slot,
                file,
                disposition: disposition(random),
                rights: rights(random),
            },
            14..20 => Self::Close { slot },
            20..46 => Self::Read {
                slot,
                offset: offset(random, limits),
                length: length(random, limits),
            },
            46..70 => Self::Write {
                slot,
                offset: offset(random, limits),
                length: length(random, limits),
                salt,
            },
            70..76 => Self::Append {
                slot,
                length: length(random, limits).min(4096),
                salt,
            },
            76..82 => Self::SetSize {
                slot,
                size: random.below(limits.size),
            },
            82..84 => Self::SetAllocation {
                slot,
                size: random.below(limits.size),
            },
            84..87 => Self::Flush { slot },
            87..90 => Self::Size { slot },
            90 => Self::Lock {
                slot,
                range: Range::choose(random, limits),
                exclusive: random.one_in(2),
            },
            91 => Self::Unlock {
                slot,
                range: Range::choose(random, limits),
            },
            92..96 => Self::Rename {
                from: file,
                to: index(random, limits.files),
                replace: !random.one_in(3),
            },
            96..98 => Self::Delete { file },
            _ => Self::List,
        }
    }

    /// A sequence of `count` steps.
    pub(crate) fn sequence(seed: u64, count: usize, limits: &Limits) -> Vec<Self> {
        let mut random = Random::new(seed);
        (0..count).map(|_| Self::choose(&mut random, limits)).collect()
    }
}

#[expect(clippy::cast_possible_truncation, reason = "below a usize")]
fn index(random: &mut Random, limit: usize) -> usize {
    random.below(limit as u64) as usize
}

fn disposition(random: &mut Random) -> CreateDisposition {
    match random.below(12) {
        0..5 => CreateDisposition::OPEN_IF,
        5..8 => CreateDisposition::OPEN,
        8 => CreateDisposition::CREATE,
        9 => CreateDisposition::OVERWRITE,
        10 => CreateDisposition::OVERWRITE_IF,
        _ => CreateDisposition::SUPERSEDE,
    }
}

fn rights(random: &mut Random) -> Rights {
    match random.below(8) {
        0 => Rights::Read,
        1 => Rights::Write,
        2 => Rights::Append,
        _ => Rights::Both,
    }
}

/// Anywhere up to the largest size; now and then at a border that transfers like to trip over.
fn offset(random: &mut Random, limits: &Limits) -> u64 {
    match random.below(8) {
        0 => 0,
        1 => (random.below(limits.size) / 4096) * 4096,
        // The largest payloads of common message sizes: 64 KiB and 8 KiB less 24.
        2 => 65_512_u64.min(limits.size),
        3 => 8168_u64.min(limits.size),
        _ => random.below(limits.size),
    }
}

/// Mostly short; now and then several messages.
#[expect(clippy::cast_possible_truncation, reason = "lengths are far below 4 GiB")]
fn length(random: &mut Random, limits: &Limits) -> usize {
    let most = match random.below(16) {
        0 => limits.size,
        1..4 => limits.size / 8,
        4 => return 0,
        _ => 4096,
    };
    random.below(most.min(limits.size)) as usize
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Open {
                slot,
                file,
                disposition,
                rights,
            } => write!(f, "open    #{slot} file{file} {} {rights:?}", words(disposition)),
            Self::Close { slot } => write!(f, "close   #{slot}"),
            Self::Read { slot, offset, length } => write!(f, "read    #{slot} {offset}+{length}"),
            Self::Write {
                slot,
                offset,
                length,
                salt,
            } => write!(f, "write   #{slot} {offset}+{length} salt {salt:#x}"),
            Self::Append { slot, length, salt } => write!(f, "append  #{slot} +{length} salt {salt:#x}"),
            Self::SetSize { slot, size } => write!(f, "size    #{slot} = {size}"),
            Self::SetAllocation { slot, size } => write!(f, "alloc   #{slot} = {size}"),
            Self::Flush { slot } => write!(f, "flush   #{slot}"),
            Self::Size { slot } => write!(f, "size    #{slot} ?"),
            Self::Lock {
                slot,
                range: Range { start, length },
                exclusive,
            } => {
                let how = if exclusive { "exclusive" } else { "shared" };
                write!(f, "lock    #{slot} {start}+{length} {how}")
            }
            Self::Unlock {
                slot,
                range: Range { start, length },
            } => write!(f, "unlock  #{slot} {start}+{length}"),
            Self::Rename { from, to, replace } => {
                let how = if replace { "over" } else { "to" };
                write!(f, "rename  file{from} {how} file{to}")
            }
            Self::Delete { file } => write!(f, "delete  file{file}"),
            Self::List => f.write_str("list"),
        }
    }
}

fn words(disposition: CreateDisposition) -> &'static str {
    match disposition {
        CreateDisposition::SUPERSEDE => "supersede",
        CreateDisposition::OPEN => "open",
        CreateDisposition::CREATE => "create",
        CreateDisposition::OPEN_IF => "open_if",
        CreateDisposition::OVERWRITE => "overwrite",
        CreateDisposition::OVERWRITE_IF => "overwrite_if",
        _ => "?",
    }
}
