//! Handle numbers.

use crate::file::File;
use alloc::vec::Vec;
use executive::mem::{AllocError, Arc, TryVec};
use ioctl::irp::Handle;

/// The user's open file on our device, by the address of its FILE_OBJECT: told apart, never followed.
pub(crate) type Owner = usize;

/// Slots with a generation: a number that was closed is never mistaken for the one that has its slot now, until the slot
/// has been used 65 535 times more.
#[derive(Default)]
pub(crate) struct Handles {
    slots: Vec<Slot>,
}

struct Slot {
    /// Never 0, so that no handle is.
    generation: u16,
    entry: Option<Entry>,
}

struct Entry {
    file: Arc<File>,
    owner: Owner,
}

impl Handles {
    /// Files that have a number.
    pub(crate) fn len(&self) -> usize {
        self.slots.iter().filter(|slot| slot.entry.is_some()).count()
    }

    pub(crate) fn insert(&mut self, file: Arc<File>, owner: Owner) -> Result<Handle, AllocError> {
        let free = self.slots.iter().position(|slot| slot.entry.is_none());
        let at = match free {
            Some(at) => at,
            // The slot's index has sixteen bits.
            None if self.slots.len() > usize::from(u16::MAX) => return Err(AllocError),
            None => {
                self.slots.try_push(Slot {
                    generation: 1,
                    entry: None,
                })?;
                self.slots.len() - 1
            }
        };
        let slot = self.slots.get_mut(at).ok_or(AllocError)?;
        slot.entry = Some(Entry { file, owner });
        // CAST: bounded above.
        Ok(Handle(u32::from(slot.generation) << 16 | at as u32))
    }

    /// The file of a number, for its owner.
    pub(crate) fn get(&self, handle: Handle, owner: Owner) -> Option<Arc<File>> {
        // CAST: the low half is the index, the high half the generation.
        let slot = self.slots.get(usize::from(handle.0 as u16))?;
        let entry = slot.entry.as_ref()?;
        let fits = u32::from(slot.generation) == handle.0 >> 16 && entry.owner == owner;
        fits.then(|| entry.file.clone())
    }

    pub(crate) fn remove(&mut self, handle: Handle, owner: Owner) -> Option<Arc<File>> {
        let file = self.get(handle, owner)?;
        // CAST: as above.
        self.slots
            .get_mut(usize::from(handle.0 as u16))
            .and_then(Slot::vacate)?;
        Some(file)
    }

    /// An owner's files.
    pub(crate) fn all_of(&self, owner: Owner) -> Result<Vec<Arc<File>>, AllocError> {
        let mut files = Vec::new();
        for entry in self.slots.iter().filter_map(|slot| slot.entry.as_ref()) {
            if entry.owner == owner {
                files.try_push(entry.file.clone())?;
            }
        }
        Ok(files)
    }

    /// Takes one file of an owner away.
    pub(crate) fn remove_one_of(&mut self, owner: Owner) -> Option<Arc<File>> {
        let theirs = |slot: &&mut Slot| slot.entry.as_ref().is_some_and(|entry| entry.owner == owner);
        self.slots.iter_mut().find(theirs).and_then(Slot::vacate)
    }
}

impl Slot {
    fn vacate(&mut self) -> Option<Arc<File>> {
        let entry = self.entry.take()?;
        self.generation = self.generation.checked_add(1).unwrap_or(1);
        Some(entry.file)
    }
}
