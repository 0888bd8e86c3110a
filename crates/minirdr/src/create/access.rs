//! What the mode bits of a file let a user do, in NT's rights.
//!
//! The server decides; this answers what it is not asked when a file is opened: what MAXIMUM_ALLOWED comes to, and which
//! opens need not be tried. Who is in which group only the server knows, so a user who does not own the file is taken to
//! have what its group and everybody else have together.

use ninep::wire::Rgetattr;
use nt::{AccessMask, Status};

use crate::information::attributes::ANY_WRITE;

/// The rights that need a file open for writing.
pub(crate) const WRITES: AccessMask = AccessMask::WRITE_DATA.union(AccessMask::APPEND_DATA);

/// Whether all that `access` lets a handle write is at the end.
pub(crate) fn appends_only(access: AccessMask) -> bool {
    access & WRITES == AccessMask::APPEND_DATA
}

/// The rights that need a file open for reading. Execute permission is not asked for: programs on servers that were not
/// made for Windows rarely have it.
const READS: AccessMask = AccessMask::READ_DATA.union(AccessMask::EXECUTE);

/// Read, write and execute permission (4, 2, 1) of `user` on a file; `None` for a user of unknown number.
fn permissions(file: &Rgetattr, user: Option<u32>) -> u32 {
    let mode = file.mode.permissions();
    let (owner, others) = (mode >> 6, (mode >> 3) | mode);
    match user {
        Some(0) => 7,
        Some(user) if user == file.uid => owner & 7,
        Some(_) => others & 7,
        None => (owner | others) & 7,
    }
}

/// The rights that MAXIMUM_ALLOWED comes to.
pub(crate) fn maximum_allowed(file: &Rgetattr, user: Option<u32>) -> AccessMask {
    let permissions = permissions(file, user);
    // DELETE is a matter of the directory, which is asked when it comes to that.
    let mut allowed =
        AccessMask::READ_ATTRIBUTES | AccessMask::READ_CONTROL | AccessMask::SYNCHRONIZE | AccessMask::DELETE;
    if permissions & 4 != 0 {
        allowed |= READS | AccessMask::READ_EA;
    }
    let is_read_only = file.mode.is_regular() && file.mode.permissions() & ANY_WRITE == 0;
    if permissions & 2 != 0 && !is_read_only {
        allowed |= WRITES | AccessMask::WRITE_EA;
        if file.mode.is_directory() {
            allowed |= AccessMask::DELETE_CHILD;
        }
    }
    if user.is_none_or(|user| user == 0 || user == file.uid) {
        allowed |= AccessMask::WRITE_ATTRIBUTES | AccessMask::WRITE_DAC | AccessMask::WRITE_OWNER;
    }
    allowed
}

/// Whether `access` to the data of a file can be granted at all.
///
/// # Errors
/// `ACCESS_DENIED`.
pub(crate) fn check(file: &Rgetattr, user: Option<u32>, access: AccessMask) -> nt::Result {
    let permissions = permissions(file, user);
    let reads = access.intersects(READS) && permissions & 4 == 0;
    // On a directory these bits add files, which the server judges when one is made.
    let writes = access.intersects(WRITES) && permissions & 2 == 0 && !file.mode.is_directory();
    // Passing through a directory is not reading it.
    let reads = reads && (access.contains(AccessMask::READ_DATA) || !file.mode.is_directory());
    if reads || writes {
        Err(Status::ACCESS_DENIED)
    } else {
        Ok(())
    }
}

/// Whether `user` can be let take the name of `file` out of `directory`.
///
/// # Errors
/// `ACCESS_DENIED`.
pub(crate) fn check_removal(directory: &Rgetattr, file: &Rgetattr, user: Option<u32>) -> nt::Result {
    const WRITE_AND_PASS: u32 = 2 | 1;
    /// Only who owns a file, or the directory, takes its name away (S_ISVTX).
    const STICKY: u32 = 0o1000;
    let permitted = permissions(directory, user) & WRITE_AND_PASS == WRITE_AND_PASS;
    let owns = user.is_none_or(|user| [0, file.uid, directory.uid].contains(&user));
    if permitted && (owns || directory.mode.0 & STICKY == 0) {
        Ok(())
    } else {
        Err(Status::ACCESS_DENIED)
    }
}

#[cfg(test)]
mod tests {
    use super::{READS, WRITES, check, check_removal, maximum_allowed};
    use crate::information::attributes::tests::reply;
    use ninep::wire::{Mode, Rgetattr};
    use nt::AccessMask;

    fn file(mode: u32) -> Rgetattr {
        Rgetattr {
            uid: 1000,
            ..reply(Mode::REGULAR | mode)
        }
    }

    #[test]
    fn who_may_do_what() {
        // Mode, user; reads, writes.
        for (mode, user, reads, writes) in [
            (0o644, Some(1000), true, true),
            (0o644, Some(1), true, false),
            (0o644, Some(0), true, true),
            (0o600, Some(1), false, false),
            (0o600, None, true, true),
            (0o066, Some(1000), false, false),
            (0o060, Some(1), true, true),
            (0o200, Some(1000), false, true),
            (0o444, Some(0), true, false),
        ] {
            let file = file(mode);
            let allowed = maximum_allowed(&file, user);
            assert_eq!(allowed.contains(READS), reads, "{mode:o} {user:?}");
            assert_eq!(allowed.contains(WRITES), writes, "{mode:o} {user:?}");
            assert!(allowed.contains(AccessMask::READ_ATTRIBUTES | AccessMask::DELETE));
            assert_eq!(check(&file, user, AccessMask::READ_DATA).is_ok(), reads);
            assert_eq!(
                check(&file, user, AccessMask::APPEND_DATA).is_ok(),
                writes || mode == 0o444
            );
            check(&file, user, AccessMask::READ_ATTRIBUTES | AccessMask::DELETE).unwrap();
        }
    }

    #[test]
    fn who_may_take_names_away() {
        let owned_by = |uid, mode| Rgetattr { uid, ..reply(mode) };
        // Mode of the directory, which 1000 owns; owner of the file; user; may.
        for (mode, owner, user, may) in [
            (0o755, 0, Some(1000), true),
            (0o755, 5, Some(5), false),
            (0o755, 5, Some(0), true),
            (0o755, 5, None, true),
            (0o775, 0, Some(5), true),
            (0o555, 1000, Some(1000), false),
            (0o622, 5, Some(5), false),
            (0o1777, 5, Some(5), true),
            (0o1777, 6, Some(5), false),
            (0o1777, 6, Some(1000), true),
            (0o1777, 6, Some(0), true),
            (0o1777, 6, None, true),
        ] {
            let directory = owned_by(1000, Mode::DIRECTORY | mode);
            let file = owned_by(owner, Mode::REGULAR | 0o644);
            let allowed = check_removal(&directory, &file, user).is_ok();
            assert_eq!(allowed, may, "{mode:o} {owner} {user:?}");
        }
    }

    #[test]
    fn directories_are_passed_through_and_added_to_without_being_read() {
        let directory = Rgetattr {
            uid: 1000,
            ..reply(Mode::DIRECTORY | 0o711)
        };
        check(&directory, Some(1), AccessMask::EXECUTE | AccessMask::WRITE_DATA).unwrap();
        assert!(check(&directory, Some(1), AccessMask::READ_DATA).is_err());
    }
}
