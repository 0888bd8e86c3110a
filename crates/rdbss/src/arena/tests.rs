use super::Arena;
use crate::id::{Id, kind};
use std::vec::Vec;

type Letters = Arena<kind::Fcb, char>;

#[test]
fn an_id_dies_with_its_object() {
    let mut arena = Letters::new();
    let a = arena.insert('a').unwrap();
    assert_eq!(arena.remove(a), Some('a'));
    let b = arena.insert('b').unwrap();
    assert_eq!(a.index(), b.index(), "the slot is reused");
    assert_eq!(arena.get(a), None);
    assert_eq!(arena.get_mut(a), None);
    assert_eq!(arena.remove(a), None);
    assert_eq!(arena.get(b), Some(&'b'));
    assert_eq!(arena.len(), 1);
}

#[test]
fn iteration_resumes_at_any_slot() {
    let mut arena = Letters::new();
    let ids: Vec<_> = (0..100).map(|_| arena.insert('x').unwrap()).collect();
    for id in ids.iter().step_by(3) {
        arena.remove(*id);
    }
    for start in [0, 1, 31, 32, 33, 99, 100, 1000] {
        let expected: Vec<_> = ids
            .iter()
            .enumerate()
            .filter(|(n, id)| n % 3 != 0 && id.index() >= start)
            .map(|(_, id)| *id)
            .collect();
        let seen: Vec<_> = arena.iter_from(start).map(|(id, _)| id).collect();
        assert_eq!(seen, expected, "from {start}");
    }
}

#[test]
fn raw_form_round_trips_and_zero_is_no_id() {
    let mut arena = Letters::new();
    let id = arena.insert('a').unwrap();
    assert_eq!(Id::from_raw(id.to_raw()), Some(id));
    assert_eq!(Id::<kind::Fcb>::from_raw(0), None);
    assert_eq!(Id::<kind::Fcb>::from_raw(7), None);
}
