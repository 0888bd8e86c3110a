//! Doubly linked lists through the objects themselves: linking and unlinking allocate nothing.

use crate::arena::Arena;
use crate::id::Id;

/// The links of one object in one list.
pub(crate) struct Links<K> {
    prev: Option<Id<K>>,
    next: Option<Id<K>>,
}

impl<K> Links<K> {
    pub(crate) const fn new() -> Self {
        Self {
            prev: None,
            next: None,
        }
    }

    pub(crate) const fn next(&self) -> Option<Id<K>> {
        self.next
    }
}

/// The ends of a list. Which links of an object belong to it is told to each operation by `links`.
pub(crate) struct List<K> {
    head: Option<Id<K>>,
    tail: Option<Id<K>>,
    len: u32,
}

impl<K> List<K> {
    pub(crate) const fn new() -> Self {
        Self {
            head: None,
            tail: None,
            len: 0,
        }
    }

    pub(crate) const fn first(&self) -> Option<Id<K>> {
        self.head
    }

    pub(crate) const fn last(&self) -> Option<Id<K>> {
        self.tail
    }

    pub(crate) const fn len(&self) -> u32 {
        self.len
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.len == 0
    }

    pub(crate) fn push_back<T>(
        &mut self,
        arena: &mut Arena<K, T>,
        id: Id<K>,
        links: fn(&mut T) -> &mut Links<K>,
    ) {
        let Some(object) = arena.get_mut(id) else { return };
        *links(object) = Links {
            prev: self.tail,
            next: None,
        };
        match self.tail.and_then(|tail| arena.get_mut(tail)) {
            Some(tail) => links(tail).next = Some(id),
            None => self.head = Some(id),
        }
        self.tail = Some(id);
        self.len += 1;
    }

    /// Takes `id` out; it must be in this list.
    pub(crate) fn remove<T>(
        &mut self,
        arena: &mut Arena<K, T>,
        id: Id<K>,
        links: fn(&mut T) -> &mut Links<K>,
    ) {
        let Some(object) = arena.get_mut(id) else { return };
        let Links { prev, next } = core::mem::replace(links(object), Links::new());
        match prev.and_then(|prev| arena.get_mut(prev)) {
            Some(prev) => links(prev).next = next,
            None => self.head = next,
        }
        match next.and_then(|next| arena.get_mut(next)) {
            Some(next) => links(next).prev = prev,
            None => self.tail = prev,
        }
        self.len -= 1;
    }

    /// The members in order.
    pub(crate) fn iter<'a, T>(
        &self,
        arena: &'a Arena<K, T>,
        links: fn(&T) -> &Links<K>,
    ) -> impl Iterator<Item = (Id<K>, &'a T)> {
        let mut next = self.head;
        core::iter::from_fn(move || {
            let id = next?;
            let object = arena.get(id)?;
            next = links(object).next;
            Some((id, object))
        })
    }
}
