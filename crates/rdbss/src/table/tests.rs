use super::{Chained, NameHasher, Table};
use crate::arena::Arena;
use crate::id::{FcbId, kind};
use nt::NameBuf;
use std::collections::HashSet;
use std::vec::Vec;

struct Entry {
    hash: u64,
    next: Option<FcbId>,
}

enum Entries {}

impl Chained<kind::Fcb, Entries> for Entry {
    fn hash(&self) -> u64 {
        self.hash
    }
    fn next(&self) -> Option<FcbId> {
        self.next
    }
    fn set_next(&mut self, next: Option<FcbId>) {
        self.next = next;
    }
}

#[test]
fn what_goes_in_is_found_until_it_is_taken_out() {
    let mut arena = Arena::new();
    let mut table = Table::<kind::Fcb, Entries>::new();
    let mut ids = Vec::new();
    for n in 0..1000_u64 {
        // Few hashes, so that chains are long and many objects share one.
        let id = arena
            .insert(Entry {
                hash: n % 37 * 16,
                next: None,
            })
            .unwrap();
        table.prepare(&mut arena).unwrap();
        table.insert(&mut arena, id);
        ids.push(id);
    }
    for (n, id) in ids.iter().enumerate() {
        if n % 2 == 0 {
            table.remove(&mut arena, *id);
            // A second time changes nothing.
            table.remove(&mut arena, *id);
        }
    }
    assert_eq!(table.len(), 500);
    for (n, id) in ids.iter().enumerate() {
        let found = table
            .candidates(&arena, n as u64 % 37 * 16)
            .any(|(candidate, _)| candidate == *id);
        assert_eq!(found, n % 2 == 1, "{n}");
    }
}

#[test]
fn case_does_not_change_a_hash_but_content_and_key_do() {
    let hash = |secret, text: &str| {
        NameHasher::new(secret)
            .name(NameBuf::try_from_str(text).unwrap().as_name())
            .finish()
    };
    assert_eq!(hash(5, "\\Server\\Ämter"), hash(5, "\\sERVER\\äMTER"));
    assert_ne!(hash(5, "\\server\\a"), hash(6, "\\server\\a"));
    let distinct: HashSet<_> = (0..10_000).map(|n| hash(5, &std::format!("\\d\\f{n}"))).collect();
    assert_eq!(distinct.len(), 10_000);
}
