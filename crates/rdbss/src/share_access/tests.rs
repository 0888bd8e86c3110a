use super::{Claim, ShareCounts};
use nt::{AccessMask, ShareAccess, Status};

const READ: AccessMask = AccessMask::READ_DATA;
const WRITE: AccessMask = AccessMask::WRITE_DATA;
const NONE: ShareAccess = ShareAccess::empty();

/// Every pair of (access, share) over read, write and delete, against the rule said plainly: each of the two must
/// share what the other does, unless one of them does nothing that takes part.
#[test]
fn two_opens_agree_exactly_if_each_shares_what_the_other_does() {
    let access = |bits: u32| {
        let mut mask = AccessMask::READ_ATTRIBUTES;
        mask.set(READ, bits & 1 != 0);
        mask.set(WRITE, bits & 2 != 0);
        mask.set(AccessMask::DELETE, bits & 4 != 0);
        mask
    };
    for first in 0..64_u32 {
        for second in 0..64_u32 {
            let (does1, shares1, does2, shares2) = (first & 7, first >> 3, second & 7, second >> 3);
            let one = Claim::new(access(does1), ShareAccess::from_bits_retain(shares1));
            let two = Claim::new(access(does2), ShareAccess::from_bits_retain(shares2));
            let mut counts = ShareCounts::default();
            counts.add(one);
            let agree = does1 == 0 || does2 == 0 || (does1 & !shares2 == 0 && does2 & !shares1 == 0);
            assert_eq!(counts.check(two).is_ok(), agree, "{one:?} then {two:?}");
            counts.remove(one);
            assert_eq!(counts, ShareCounts::default());
        }
    }
}

#[test]
fn generic_rights_and_execution_count() {
    let mut counts = ShareCounts::default();
    counts.add(Claim::new(AccessMask::EXECUTE, NONE));
    let generic = Claim::new(AccessMask::GENERIC_READ, ShareAccess::READ);
    assert_eq!(counts.check(generic), Err(Status::SHARING_VIOLATION));
    assert_eq!(counts.readers, 1);
}
