//! Which objects have handles, and whose they are.

use alloc::vec::Vec;
use executive::mem::{Arc, TryVec};
use executive::sync::SpinLock;
use ioctl::selftest::{Handle, Kind, MAX_OBJECTS};
use nt::Status;
use rxce::{Address, Binding, Connection, VirtualCircuit};

use super::Owner;
use super::heard::Heard;
use crate::wsk::Wsk;

/// An object of the engine.
pub(super) enum Object {
    Binding(Binding<Wsk>),
    Address(Address<Wsk>),
    Connection(Connection<Wsk>, Arc<Heard>),
    Circuit(VirtualCircuit<Wsk>),
}

impl Clone for Object {
    fn clone(&self) -> Self {
        match self {
            Self::Binding(binding) => Self::Binding(binding.clone()),
            Self::Address(address) => Self::Address(address.clone()),
            Self::Connection(connection, heard) => Self::Connection(connection.clone(), heard.clone()),
            Self::Circuit(circuit) => Self::Circuit(circuit.clone()),
        }
    }
}

impl Object {
    pub(super) fn kind(&self) -> Kind {
        match self {
            Self::Binding(_) => Kind::Binding,
            Self::Address(_) => Kind::Address,
            Self::Connection(..) => Kind::Connection,
            Self::Circuit(_) => Kind::Circuit,
        }
    }

    /// The routine that tears it down.
    pub(super) async fn tear_down(&self) -> nt::Result {
        match self {
            Self::Binding(binding) => binding.tear_down(),
            Self::Address(address) => address.tear_down(),
            Self::Connection(connection, _) => connection.tear_down(),
            Self::Circuit(circuit) => circuit.tear_down().await,
        }
    }
}

/// An object with its handle.
struct Entry {
    owner: Owner,
    handle: Handle,
    parent: Handle,
    object: Object,
}

/// All handles of all owners.
pub(crate) struct Table(SpinLock<Entries>);

/// INVARIANT: `list` is sorted by handle, and an object's handle is greater than its parent's.
#[derive(Default)]
struct Entries {
    list: Vec<Entry>,
    last: u32,
    /// File objects that have been closed.
    closed: u32,
}

impl Table {
    pub(crate) fn new() -> Self {
        Self(SpinLock::default())
    }

    /// Gives `object` a handle. If it cannot, the object is dropped.
    ///
    /// # Errors
    /// TOO_MANY_OPENED_FILES, INSUFFICIENT_RESOURCES.
    pub(super) fn insert(&self, owner: Owner, parent: Handle, object: Object) -> nt::Result<Handle> {
        let mut entries = self.0.lock();
        let mine = entries.list.iter().filter(|entry| entry.owner == owner);
        let next = entries.last.checked_add(1).filter(|_| mine.count() < MAX_OBJECTS);
        let inserted = match next {
            None => Err((Status::TOO_MANY_OPENED_FILES, object)),
            Some(_) if entries.list.try_reserve(1).is_err() => Err((Status::INSUFFICIENT_RESOURCES, object)),
            Some(last) => {
                entries.last = last;
                let entry = Entry {
                    owner,
                    handle: Handle(last),
                    parent,
                    object,
                };
                // The room is there: the vector does not grow.
                let _room = entries.list.try_push(entry);
                Ok(Handle(last))
            }
        };
        drop(entries);
        // Objects are dropped under no lock.
        inserted.map_err(|(status, _object)| status)
    }

    /// The object behind a handle of the owner's.
    pub(super) fn find(&self, owner: Owner, handle: Handle) -> Option<Object> {
        let entries = self.0.lock();
        let at = entries.position(owner, handle)?;
        entries.list.get(at).map(|entry| entry.object.clone())
    }

    /// Takes a handle away, with its share in the object.
    pub(super) fn remove(&self, owner: Owner, handle: Handle) -> Option<Object> {
        let mut entries = self.0.lock();
        let at = entries.position(owner, handle)?;
        Some(entries.list.remove(at).object)
    }

    /// The owner's objects from the first one after `after` on, at most `most`.
    pub(super) fn list(
        &self,
        owner: Owner,
        after: Handle,
        most: usize,
    ) -> nt::Result<Vec<ioctl::selftest::Object>> {
        // In advance: under the lock it would be held long.
        let mut found = Vec::try_with_room(most)?;
        let entries = self.0.lock();
        let mine = entries
            .list
            .iter()
            .filter(|entry| entry.owner == owner && entry.handle > after);
        for entry in mine.take(most) {
            found.try_push(ioctl::selftest::Object {
                handle: entry.handle,
                kind: entry.object.kind(),
                parent: entry.parent,
                index: 0,
            })?;
        }
        drop(entries);
        Ok(found)
    }

    /// Makes what a file object has that of an owner that nobody can name, for [`Self::close`].
    pub(super) fn disown(&self, owner: Owner) -> Owner {
        let mut entries = self.0.lock();
        entries.closed = entries.closed.wrapping_add(1);
        let closing = Owner::Closing(entries.closed);
        for entry in &mut entries.list {
            if entry.owner == owner {
                entry.owner = closing;
            }
        }
        closing
    }

    /// Tears down and forgets all that the owner has: the youngest first, hence children before parents.
    pub(crate) async fn close(&self, owner: Owner) {
        while let Some(object) = self.take_last(owner) {
            // What was torn down before refuses; nobody is left to be told.
            let _refused = object.tear_down().await;
        }
    }

    fn take_last(&self, owner: Owner) -> Option<Object> {
        let mut entries = self.0.lock();
        let at = entries.list.iter().rposition(|entry| entry.owner == owner)?;
        Some(entries.list.remove(at).object)
    }
}

impl Entries {
    fn position(&self, owner: Owner, handle: Handle) -> Option<usize> {
        let at = self
            .list
            .binary_search_by_key(&handle, |entry| entry.handle)
            .ok()?;
        self.list.get(at).filter(|entry| entry.owner == owner).map(|_| at)
    }
}
