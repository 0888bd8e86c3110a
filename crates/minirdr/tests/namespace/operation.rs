//! Steps on names and handles, drawn from a seed.

use nt::{AccessMask, CreateDisposition, ShareAccess};

use crate::model::Model;
use crate::weather::Luck;

/// Handles there can be at once.
pub(crate) const SLOTS: usize = 6;

/// Which mapping a step goes through.
pub(crate) const LETTERS: [&str; 2] = ["X:", "Y:"];

/// Where something may be. In any case: `D\F` is `d\f`.
const PATHS: [&str; 8] = ["f", "g", "d", "e", "d\\f", "d\\g", "e\\f", "d\\e"];

/// What an open wants the file to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Any,
    File,
    Directory,
}

/// How a file is opened.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Opening {
    pub(crate) access: AccessMask,
    pub(crate) share: ShareAccess,
    pub(crate) disposition: CreateDisposition,
    pub(crate) kind: Kind,
    pub(crate) delete_on_close: bool,
}

#[derive(Clone, Debug)]
pub(crate) enum Operation {
    Open {
        slot: usize,
        mapping: usize,
        path: String,
        opening: Opening,
    },
    /// Cleanup and close.
    Close {
        slot: usize,
    },
    /// FileDispositionInformation, and with POSIX's rules FileDispositionInformationEx.
    Doom {
        slot: usize,
        delete: bool,
        is_posix: bool,
    },
    /// Into its own directory, or through a handle of another.
    Rename {
        slot: usize,
        directory: Option<String>,
        name: String,
        replace: bool,
    },
    /// As a rename.
    Link {
        slot: usize,
        directory: Option<String>,
        name: String,
        replace: bool,
    },
    /// The names in a directory.
    List {
        mapping: usize,
        path: String,
    },
    Lock {
        slot: usize,
        start: u64,
        exclusive: bool,
    },
    Unlock {
        slot: usize,
        start: u64,
    },
    /// FileStandardInformation and FileInternalInformation.
    Look {
        slot: usize,
    },
    Unmap {
        mapping: usize,
        force: bool,
    },
    Map {
        mapping: usize,
    },
}

impl Operation {
    pub(crate) fn draw(luck: &mut Luck, model: &Model) -> Self {
        let mapping = luck.below(2) as usize;
        if !model.mapped[mapping] {
            return Self::Map { mapping };
        }
        let (open, free): (Vec<_>, Vec<_>) = (0..SLOTS).partition(|&slot| model.handles[slot].is_some());
        let pick = luck.below(40);
        if !free.is_empty() && (open.is_empty() || pick < 14) {
            return Self::Open {
                slot: free[luck.below(free.len() as u64) as usize],
                mapping,
                path: path(luck),
                opening: Opening::draw(luck),
            };
        }
        let slot = open[luck.below(open.len() as u64) as usize];
        if model.is_stray(slot) {
            return Self::Close { slot };
        }
        match pick {
            0..=17 => Self::Close { slot },
            18..=21 => Self::Doom {
                slot,
                delete: luck.below(4) != 0,
                is_posix: luck.below(3) == 0,
            },
            22..=27 => {
                let path = path(luck);
                let (directory, name) = path.rsplit_once('\\').unwrap_or(("", &path));
                let elsewhere = luck.below(2) == 0;
                let directory = elsewhere.then(|| directory.to_owned());
                let (name, replace) = (name.to_owned(), luck.below(2) == 0);
                if luck.below(3) == 0 {
                    Self::Link {
                        slot,
                        directory,
                        name,
                        replace,
                    }
                } else {
                    Self::Rename {
                        slot,
                        directory,
                        name,
                        replace,
                    }
                }
            }
            28..=30 => Self::List {
                mapping,
                path: ["", "d", "e", "d\\e"][luck.below(4) as usize].to_owned(),
            },
            31..=33 if model.is_locked_elsewhere(slot) => Self::Look { slot },
            31..=33 => Self::Lock {
                slot,
                start: luck.below(3) * 5,
                exclusive: luck.below(2) == 0,
            },
            34 | 35 => Self::Unlock {
                slot,
                start: luck.below(3) * 5,
            },
            36 | 37 => Self::Look { slot },
            _ => Self::Unmap {
                mapping,
                force: luck.below(3) == 0,
            },
        }
    }
}

/// A path, sometimes in capitals.
fn path(luck: &mut Luck) -> String {
    let path = PATHS[luck.below(PATHS.len() as u64) as usize];
    match luck.below(6) {
        0 => path.to_uppercase(),
        _ => path.to_owned(),
    }
}

impl Opening {
    fn draw(luck: &mut Luck) -> Self {
        let mut access = AccessMask::READ_ATTRIBUTES | AccessMask::SYNCHRONIZE;
        for right in [AccessMask::READ_DATA, AccessMask::WRITE_DATA, AccessMask::DELETE] {
            if luck.below(2) == 0 {
                access |= right;
            }
        }
        // Most programs share, or nothing would ever be open twice.
        let mut share = ShareAccess::all();
        for tolerated in [ShareAccess::READ, ShareAccess::WRITE, ShareAccess::DELETE] {
            if luck.below(6) == 0 {
                share -= tolerated;
            }
        }
        let disposition = CreateDisposition([1, 1, 1, 2, 3, 3, 4, 5, 0][luck.below(9) as usize]);
        let kind = match luck.below(4) {
            // A directory has no data to take away.
            _ if disposition.truncates() => Kind::File,
            0 => Kind::File,
            1 | 2 => Kind::Directory,
            _ => Kind::Any,
        };
        Self {
            access,
            share,
            disposition,
            kind,
            delete_on_close: access.contains(AccessMask::DELETE) && luck.below(6) == 0,
        }
    }

    /// To list a directory.
    pub(crate) fn listing() -> Self {
        Self {
            access: AccessMask::READ_DATA | AccessMask::READ_ATTRIBUTES | AccessMask::SYNCHRONIZE,
            share: ShareAccess::all(),
            disposition: CreateDisposition::OPEN,
            kind: Kind::Directory,
            delete_on_close: false,
        }
    }

    /// To rename something into a directory.
    pub(crate) fn target() -> Self {
        Self {
            access: AccessMask::READ_ATTRIBUTES | AccessMask::SYNCHRONIZE,
            ..Self::listing()
        }
    }
}
