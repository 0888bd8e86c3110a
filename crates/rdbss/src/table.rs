//! Hash tables of names, chained through the objects themselves.
//!
//! Only growth allocates, and growth that fails merely leaves longer chains: once [`Table::prepare`] has succeeded,
//! insertion cannot fail. That is what lets a rename be booked after the server has already done it.

use alloc::vec::Vec;

use crate::arena::Arena;
use crate::id::Id;

const SMALLEST: usize = 16;

/// The place of an object in the table `T`.
pub(crate) trait Chained<K, T> {
    fn hash(&self) -> u64;
    fn next(&self) -> Option<Id<K>>;
    fn set_next(&mut self, next: Option<Id<K>>);
}

/// A table of objects of kind `K`; `T` tells apart the tables that one kind of object can be in.
pub(crate) struct Table<K, T> {
    /// A power of two of chains, or none yet.
    chains: Vec<Option<Id<K>>>,
    len: usize,
    table: core::marker::PhantomData<fn() -> T>,
}

impl<K, T> Table<K, T> {
    pub(crate) const fn new() -> Self {
        Self {
            chains: Vec::new(),
            len: 0,
            table: core::marker::PhantomData,
        }
    }

    pub(crate) const fn len(&self) -> usize {
        self.len
    }

    /// Makes sure that the next [`Table::insert`] has a chain to put its object on.
    pub(crate) fn prepare<O: Chained<K, T>>(&mut self, arena: &mut Arena<K, O>) -> nt::Result {
        if self.len < self.chains.len() {
            return Ok(());
        }
        let wanted = (self.chains.len() * 2).max(SMALLEST);
        let mut chains = Vec::new();
        match chains.try_reserve_exact(wanted) {
            Ok(()) => {}
            // Longer chains will do.
            Err(_) if !self.chains.is_empty() => return Ok(()),
            Err(error) => return Err(error.into()),
        }
        chains.resize_with(wanted, || None);
        let old = core::mem::replace(&mut self.chains, chains);
        self.len = 0;
        for mut first in old {
            while let Some(id) = first {
                first = arena.get(id).and_then(Chained::next);
                self.insert(arena, id);
            }
        }
        Ok(())
    }

    pub(crate) fn insert<O: Chained<K, T>>(&mut self, arena: &mut Arena<K, O>, id: Id<K>) {
        let Some(object) = arena.get_mut(id) else { return };
        let Some(chain) = chain_mut(&mut self.chains, object.hash()) else {
            return;
        };
        object.set_next(chain.replace(id));
        self.len += 1;
    }

    /// Takes `id` out. Nothing happens if it is not in the table.
    pub(crate) fn remove<O: Chained<K, T>>(&mut self, arena: &mut Arena<K, O>, id: Id<K>) {
        let Some(object) = arena.get(id) else { return };
        let (hash, after) = (object.hash(), object.next());
        let Some(chain) = chain_mut(&mut self.chains, hash) else {
            return;
        };
        if *chain == Some(id) {
            *chain = after;
        } else {
            let mut at = *chain;
            loop {
                let Some(before) = at.and_then(|at| arena.get_mut(at)) else {
                    return;
                };
                at = before.next();
                if at == Some(id) {
                    before.set_next(after);
                    break;
                }
            }
        }
        if let Some(object) = arena.get_mut(id) {
            object.set_next(None);
        }
        self.len -= 1;
    }

    /// The objects whose hash is `hash`.
    pub(crate) fn candidates<'a, O: Chained<K, T>>(
        &self,
        arena: &'a Arena<K, O>,
        hash: u64,
    ) -> impl Iterator<Item = (Id<K>, &'a O)> {
        let mask = self.chains.len().wrapping_sub(1);
        // CAST: the mask keeps what fits.
        let mut next = self.chains.get(hash as usize & mask).copied().flatten();
        core::iter::from_fn(move || {
            let id = next?;
            let object = arena.get(id)?;
            next = object.next();
            Some((id, object))
        })
        .filter(move |(_, object)| object.hash() == hash)
    }
}

fn chain_mut<K>(chains: &mut [Option<Id<K>>], hash: u64) -> Option<&mut Option<Id<K>>> {
    let mask = chains.len().wrapping_sub(1);
    // CAST: the mask keeps what fits.
    chains.get_mut(hash as usize & mask)
}

/// Hashes names for all tables of a tree, equal for names that differ only in case.
///
/// A polynomial over the field of integers modulo 2⁶¹ − 1 at a secret point: callers who do not know the point
/// cannot choose names that share a chain.
#[derive(Clone, Copy)]
pub(crate) struct NameHasher {
    point: u64,
    state: u64,
}

const PRIME: u64 = (1 << 61) - 1;

impl NameHasher {
    pub(crate) const fn new(secret: u64) -> Self {
        // A point of few bits would keep short names of one length close together.
        let point = spread(secret ^ 0x9E37_79B9_7F4A_7C15) % PRIME;
        Self {
            point: if point < 2 { PRIME - 1 } else { point },
            state: 1,
        }
    }

    /// The hasher after one more name: three units at a time, and how many those are, so that no two names look alike.
    #[must_use]
    pub(crate) fn name(self, name: nt::Name<'_>) -> Self {
        name.as_units().chunks(3).fold(self, |hasher, units| {
            let packed = units
                .iter()
                .fold(1, |packed: u64, &unit| packed << 16 | u64::from(nt::upcase(unit)));
            hasher.value(packed)
        })
    }

    /// The hasher after one more number, such as a raw id.
    #[must_use]
    pub(crate) fn number(self, number: u64) -> Self {
        self.value(number >> 32).value(number & 0xFFFF_FFFF)
    }

    /// Takes in a value below 2⁵⁰.
    fn value(self, value: u64) -> Self {
        let product = u128::from(self.state) * u128::from(self.point) + u128::from(value) + 1;
        // CAST: the low 61 bits, and what lies above them: each is below 2⁶¹ as both factors are.
        let folded = (product as u64 & PRIME) + (product >> 61) as u64;
        Self {
            state: if folded >= PRIME { folded - PRIME } else { folded },
            ..self
        }
    }

    /// The hash.
    pub(crate) const fn finish(self) -> u64 {
        spread(self.state)
    }
}

/// Lets every bit of the result depend on every bit of `value`, reversibly.
const fn spread(value: u64) -> u64 {
    let value = (value ^ value >> 33).wrapping_mul(0xFF51_AFD7_ED55_8CCD);
    let value = (value ^ value >> 33).wrapping_mul(0xC4CE_B9FE_1A85_EC53);
    value ^ value >> 33
}

#[cfg(test)]
mod tests;
