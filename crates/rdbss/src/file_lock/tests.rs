use super::*;
use proptest::prelude::*;
use std::vec::Vec;

type Table = FileLock<u8>;

fn range(start: u64, length: u64) -> ByteRange {
    ByteRange::new(start, length).unwrap()
}

fn owner(handle: u8) -> LockOwner<u8> {
    LockOwner {
        handle,
        process: 1,
        key: 0,
    }
}

fn lock(start: u64, length: u64, exclusive: bool, handle: u8) -> Lock<u8> {
    Lock {
        range: range(start, length),
        exclusive,
        owner: owner(handle),
    }
}

fn table(locks: &[Lock<u8>]) -> Table {
    let mut table = Table::new();
    for &lock in locks {
        table.lock(lock).unwrap();
    }
    table
}

#[test]
fn ranges_end_where_offsets_do() {
    assert_eq!(range(u64::MAX, 1).last(), Some(u64::MAX));
    assert_eq!(ByteRange::new(u64::MAX, 2), Err(Status::INVALID_LOCK_RANGE));
    assert_eq!(ByteRange::new(2, u64::MAX), Err(Status::INVALID_LOCK_RANGE));
    assert_eq!(range(1, u64::MAX).last(), Some(u64::MAX));
    assert_eq!(range(u64::MAX, 0).last(), None);
    assert!(range(u64::MAX - 1, 2).overlaps(range(0, u64::MAX)));
    assert_eq!(ByteRange::of_transfer(u64::MAX - 3, 100).length(), 3);
}

#[test]
fn a_range_of_no_bytes_is_only_inside_another() {
    let ten_to_nineteen = range(10, 10);
    for (place, overlaps) in [(9, false), (10, false), (11, true), (19, true), (20, false)] {
        assert_eq!(range(place, 0).overlaps(ten_to_nineteen), overlaps, "at {place}");
        assert_eq!(ten_to_nineteen.overlaps(range(place, 0)), overlaps, "at {place}");
    }
    assert!(!range(10, 0).overlaps(range(10, 0)));
}

#[test]
fn exclusive_locks_stand_alone() {
    let held = table(&[lock(10, 10, true, 1)]);
    assert_eq!(held.check(&lock(19, 1, true, 2)), Err(Status::LOCK_NOT_GRANTED));
    assert_eq!(held.check(&lock(19, 1, false, 2)), Err(Status::LOCK_NOT_GRANTED));
    assert_eq!(
        held.check(&lock(10, 10, true, 1)),
        Err(Status::LOCK_NOT_GRANTED),
        "of its own owner too"
    );
    held.check(&lock(20, 1, true, 2)).unwrap();
    held.check(&lock(12, 3, false, 1)).unwrap();
    let shared = table(&[lock(10, 10, false, 1)]);
    shared.check(&lock(5, 10, false, 2)).unwrap();
    assert_eq!(shared.check(&lock(5, 10, true, 1)), Err(Status::LOCK_NOT_GRANTED));
}

#[test]
fn locks_decide_over_data() {
    let exclusive = table(&[lock(10, 10, true, 1)]);
    exclusive.check_read(range(0, 30), owner(1)).unwrap();
    exclusive.check_write(range(0, 30), owner(1)).unwrap();
    exclusive.check_read(range(0, 10), owner(2)).unwrap();
    exclusive.check_read(range(15, 0), owner(2)).unwrap();
    let conflict = Err(Status::FILE_LOCK_CONFLICT);
    assert_eq!(exclusive.check_read(range(0, 11), owner(2)), conflict);
    assert_eq!(exclusive.check_write(range(19, 1), owner(2)), conflict);
    let other_key = LockOwner { key: 7, ..owner(1) };
    assert_eq!(exclusive.check_read(range(10, 1), other_key), conflict);
    let shared = table(&[lock(10, 10, false, 1)]);
    shared.check_read(range(0, 30), owner(2)).unwrap();
    assert_eq!(
        shared.check_write(range(0, 30), owner(1)),
        conflict,
        "nobody writes there"
    );
}

#[test]
fn unlocking_takes_the_exact_range_and_the_exclusive_lock_first() {
    let mut held = table(&[lock(0, 8, true, 1), lock(0, 8, false, 1)]);
    let gone = Err(Status::RANGE_NOT_LOCKED);
    assert_eq!(held.unlock_single(range(0, 7), owner(1)), gone);
    assert_eq!(held.unlock_single(range(0, 8), owner(2)), gone);
    assert!(held.unlock_single(range(0, 8), owner(1)).unwrap().exclusive);
    assert!(!held.unlock_single(range(0, 8), owner(1)).unwrap().exclusive);
    assert_eq!(held.unlock_single(range(0, 8), owner(1)), gone);
    assert!(held.is_empty());
}

#[test]
fn forfeited_locks_are_remembered_and_hold_nothing() {
    let mut held = table(&[lock(0, 8, true, 1), lock(10, 8, true, 2)]);
    held.forfeit(|lock| lock.owner.handle == 1);
    assert!(held.has_forfeited(|&handle| handle == 1));
    assert!(!held.has_forfeited(|&handle| handle == 2));
    held.lock(lock(0, 8, true, 3)).unwrap();
    held.check_write(range(0, 8), owner(3)).unwrap();
    assert_eq!(held.iter().count(), 2);
    held.unlock_single(range(0, 8), owner(1)).unwrap();
    assert!(!held.has_forfeited(|_| true));
}

/// The rules again, byte by byte and half byte by half byte: place p of the line is 2p, the gap before it 2p - 1.
#[derive(Default)]
struct Naive(Vec<Lock<u8>>);

impl Naive {
    /// The points a range covers on that line: its bytes and the gaps between them, or its one gap.
    fn points(range: ByteRange) -> Vec<u64> {
        let first = range.start() * 2;
        if range.is_empty() {
            return Vec::from([first.wrapping_sub(1)]);
        }
        (first..first + range.length() * 2 - 1).collect()
    }

    fn meet(one: ByteRange, other: ByteRange) -> bool {
        let points = Self::points(other);
        // Two gaps are never in each other's way.
        !(one.is_empty() && other.is_empty()) && Self::points(one).iter().any(|point| points.contains(point))
    }

    fn may_lock(&self, wanted: &Lock<u8>) -> bool {
        !self.0.iter().any(|held| {
            Self::meet(held.range, wanted.range)
                && match (held.exclusive, wanted.exclusive) {
                    (false, false) => false,
                    (true, false) => held.owner != wanted.owner,
                    (_, true) => true,
                }
        })
    }

    fn may_access(&self, range: ByteRange, owner: LockOwner<u8>, write: bool) -> bool {
        range.is_empty()
            || !self.0.iter().any(|held| {
                Self::meet(held.range, range)
                    && if held.exclusive {
                        held.owner != owner
                    } else {
                        write
                    }
            })
    }
}

#[derive(Clone, Debug)]
enum Step {
    Lock(Lock<u8>),
    Unlock(ByteRange, LockOwner<u8>),
    UnlockAll(LockOwner<u8>),
    UnlockKey(LockOwner<u8>),
    Cleanup(u8),
    Access(ByteRange, LockOwner<u8>),
}

fn any_range() -> impl Strategy<Value = ByteRange> {
    (0_u64..12, 0_u64..6).prop_map(|(start, length)| range(start, length))
}

fn any_owner() -> impl Strategy<Value = LockOwner<u8>> {
    (0_u8..3, 0_u64..2, 0_u32..2).prop_map(|(handle, process, key)| LockOwner { handle, process, key })
}

fn any_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (any_range(), any::<bool>(), any_owner())
            .prop_map(|(range, exclusive, owner)| Step::Lock(Lock { range, exclusive, owner })),
        2 => (any_range(), any_owner()).prop_map(|(range, owner)| Step::Unlock(range, owner)),
        1 => any_owner().prop_map(Step::UnlockAll),
        1 => any_owner().prop_map(Step::UnlockKey),
        1 => (0_u8..3).prop_map(Step::Cleanup),
        4 => (any_range(), any_owner()).prop_map(|(range, owner)| Step::Access(range, owner)),
    ]
}

fn take_all(table: &mut Table, model: &mut Naive, fits: impl Fn(&Lock<u8>) -> bool) {
    let oldest = model.0.iter().copied().find(|lock| fits(lock));
    let count = model.0.iter().filter(|lock| fits(lock)).count();
    model.0.retain(|lock| !fits(lock));
    assert_eq!(table.unlock_all(&fits), oldest.map(|oldest| (oldest, count)));
}

proptest! {
    #[test]
    fn the_table_does_what_the_rules_say(steps in prop::collection::vec(any_step(), 1..80)) {
        let (mut table, mut model) = (Table::new(), Naive::default());
        for step in steps {
            match step {
                Step::Lock(wanted) => {
                    let granted = table.lock(wanted).is_ok();
                    prop_assert_eq!(granted, model.may_lock(&wanted));
                    if granted {
                        model.0.push(wanted);
                    }
                }
                Step::Unlock(range, owner) => {
                    let mut places: Vec<usize> = (0..model.0.len())
                        .filter(|&place| model.0[place].range == range && model.0[place].owner == owner)
                        .collect();
                    places.sort_by_key(|&place| !model.0[place].exclusive);
                    let expected = places.first().map(|&place| model.0.remove(place));
                    prop_assert_eq!(table.unlock_single(range, owner).ok(), expected);
                }
                Step::UnlockAll(owner) => take_all(&mut table, &mut model, |lock| {
                    lock.owner.handle == owner.handle && lock.owner.process == owner.process
                }),
                Step::UnlockKey(owner) => take_all(&mut table, &mut model, |lock| lock.owner == owner),
                Step::Cleanup(handle) => {
                    take_all(&mut table, &mut model, |lock| lock.owner.handle == handle);
                }
                Step::Access(range, owner) => {
                    prop_assert_eq!(
                        table.check_read(range, owner).is_ok(),
                        model.may_access(range, owner, false)
                    );
                    prop_assert_eq!(
                        table.check_write(range, owner).is_ok(),
                        model.may_access(range, owner, true)
                    );
                }
            }
            let mut left: Vec<_> = table.iter().copied().collect();
            let mut expected = model.0.clone();
            let order = |lock: &Lock<u8>| {
                (lock.range.start(), lock.range.length(), lock.exclusive, lock.owner.handle,
                    lock.owner.process, lock.owner.key)
            };
            left.sort_by_key(order);
            expected.sort_by_key(order);
            prop_assert_eq!(left, expected);
        }
    }
}
