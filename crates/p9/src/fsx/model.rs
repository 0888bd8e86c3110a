//! What files have to be like, in memory.

use nt::{CreateAction, CreateDisposition, Status};

use super::operation::{Operation, Range, Rights};
use super::random::content;

/// What a step gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// There was no handle: nothing was done.
    Nothing,
    Failed(Status),
    Done,
    Opened(CreateAction),
    Data(Vec<u8>),
    Count(usize),
    Size(u64),
    /// Names and sizes, by name.
    Listing(Vec<(usize, u64)>),
}

/// A directory, the files in it and the handles on them.
#[derive(Debug, Default)]
pub(crate) struct Model {
    /// By name: which file has it.
    names: Vec<Option<usize>>,
    files: Vec<File>,
    handles: Vec<Option<Handle>>,
}

#[derive(Debug, Default)]
struct File {
    content: Vec<u8>,
    handles: usize,
    /// Goes with its last handle.
    doomed: bool,
    /// In the order in which they were taken.
    locks: Vec<Lock>,
}

#[derive(Clone, Copy, Debug)]
struct Lock {
    slot: usize,
    range: Range,
    exclusive: bool,
}

#[derive(Clone, Copy, Debug)]
struct Handle {
    file: usize,
    rights: Rights,
}

impl Model {
    pub(crate) fn new(names: usize, handles: usize) -> Self {
        Self {
            names: vec![None; names],
            files: Vec::new(),
            handles: vec![None; handles],
        }
    }

    /// Does a step, and says what it has to give.
    pub(crate) fn apply(&mut self, operation: &Operation) -> Outcome {
        match *operation {
            Operation::Open {
                slot,
                file,
                disposition,
                rights,
            } => self.open(slot, file, disposition, rights),
            Operation::Close { slot } => self.close(slot),
            Operation::Rename { from, to, replace } => self.rename(from, to, replace),
            Operation::Delete { file } => self.delete(file),
            Operation::List => self.list(),
            _ => match operation
                .of_handle()
                .and_then(|slot| Some((slot, self.handles[slot]?)))
            {
                None => Outcome::Nothing,
                Some((slot, handle)) => self.files[handle.file].apply(handle.rights, slot, operation),
            },
        }
    }

    fn open(&mut self, slot: usize, name: usize, disposition: CreateDisposition, rights: Rights) -> Outcome {
        // A handle that is there is closed first.
        self.close(slot);
        let action = match (self.names[name], disposition) {
            // Nothing opens a file that is about to go.
            (Some(file), _) if self.files[file].doomed => return Outcome::Failed(Status::DELETE_PENDING),
            (Some(_), CreateDisposition::CREATE) => return Outcome::Failed(Status::OBJECT_NAME_COLLISION),
            (Some(_), CreateDisposition::OPEN | CreateDisposition::OPEN_IF) => CreateAction::OPENED,
            (Some(_), CreateDisposition::SUPERSEDE) => CreateAction::SUPERSEDED,
            (Some(_), _) => CreateAction::OVERWRITTEN,
            (None, CreateDisposition::OPEN | CreateDisposition::OVERWRITE) => {
                return Outcome::Failed(Status::OBJECT_NAME_NOT_FOUND);
            }
            (None, _) => CreateAction::CREATED,
        };
        let file = *self.names[name].get_or_insert_with(|| {
            self.files.push(File::default());
            self.files.len() - 1
        });
        if action != CreateAction::OPENED {
            self.files[file].content.clear();
        }
        self.files[file].handles += 1;
        self.handles[slot] = Some(Handle { file, rights });
        Outcome::Opened(action)
    }

    fn close(&mut self, slot: usize) -> Outcome {
        let Some(handle) = self.handles[slot].take() else {
            return Outcome::Nothing;
        };
        let file = &mut self.files[handle.file];
        file.handles -= 1;
        file.locks.retain(|lock| lock.slot != slot);
        if file.doomed && file.handles == 0 {
            self.forget(handle.file);
        }
        Outcome::Done
    }

    /// The file has no name any more.
    fn forget(&mut self, file: usize) {
        for name in &mut self.names {
            if *name == Some(file) {
                *name = None;
            }
        }
        self.files[file].content = Vec::new();
    }

    fn rename(&mut self, from: usize, to: usize, replace: bool) -> Outcome {
        let Some(file) = self.names[from] else {
            return Outcome::Failed(Status::OBJECT_NAME_NOT_FOUND);
        };
        if self.files[file].doomed {
            return Outcome::Failed(Status::DELETE_PENDING);
        }
        if from == to {
            return Outcome::Done;
        }
        if let Some(other) = self.names[to] {
            if !replace {
                return Outcome::Failed(Status::OBJECT_NAME_COLLISION);
            }
            // A file that somebody has open is not replaced.
            if self.files[other].handles != 0 {
                return Outcome::Failed(Status::ACCESS_DENIED);
            }
            self.forget(other);
        }
        self.names[to] = self.names[from].take();
        Outcome::Done
    }

    fn delete(&mut self, name: usize) -> Outcome {
        let Some(file) = self.names[name] else {
            return Outcome::Failed(Status::OBJECT_NAME_NOT_FOUND);
        };
        if self.files[file].doomed {
            return Outcome::Failed(Status::DELETE_PENDING);
        }
        if self.files[file].handles == 0 {
            self.forget(file);
        } else {
            self.files[file].doomed = true;
        }
        Outcome::Done
    }

    fn list(&self) -> Outcome {
        let named = self.names.iter().enumerate();
        Outcome::Listing(
            named
                .filter_map(|(name, file)| Some((name, self.files[(*file)?].content.len() as u64)))
                .collect(),
        )
    }

    /// Every file that is there: its name and its content.
    pub(crate) fn files(&self) -> impl Iterator<Item = (usize, &[u8])> {
        let named = self.names.iter().enumerate();
        named.filter_map(|(name, file)| {
            let file = &self.files[(*file)?];
            (!file.doomed).then_some((name, &file.content[..]))
        })
    }
}

impl File {
    /// A step of the handle in `slot`.
    fn apply(&mut self, rights: Rights, slot: usize, operation: &Operation) -> Outcome {
        match *operation {
            Operation::Lock { .. } | Operation::Unlock { .. } if rights == Rights::Append => {
                Outcome::Failed(Status::ACCESS_DENIED)
            }
            Operation::Lock { range, exclusive, .. } => self.lock(slot, range, exclusive),
            Operation::Unlock { range, .. } => {
                // An exclusive lock of the range goes first.
                let own = |lock: &Lock| lock.slot == slot && lock.range == range;
                let exclusive = self.locks.iter().position(|lock| own(lock) && lock.exclusive);
                match exclusive.or_else(|| self.locks.iter().position(own)) {
                    Some(index) => {
                        self.locks.remove(index);
                        Outcome::Done
                    }
                    None => Outcome::Failed(Status::RANGE_NOT_LOCKED),
                }
            }
            _ if self.is_barred(rights, slot, operation) => Outcome::Failed(Status::FILE_LOCK_CONFLICT),
            _ => on_handle(&mut self.content, rights, operation),
        }
    }

    fn lock(&mut self, slot: usize, range: Range, exclusive: bool) -> Outcome {
        // Who has an exclusive lock may take a shared one of the same bytes, too, and nobody else may.
        let barred = self
            .locks
            .iter()
            .any(|lock| lock.range.meets(range) && (exclusive || (lock.exclusive && lock.slot != slot)));
        if barred {
            return Outcome::Failed(Status::LOCK_NOT_GRANTED);
        }
        self.locks.push(Lock {
            slot,
            range,
            exclusive,
        });
        Outcome::Done
    }

    /// Whether a lock stands in the way of a read or write.
    fn is_barred(&self, rights: Rights, slot: usize, operation: &Operation) -> bool {
        let end = self.content.len() as u64;
        let (start, length, writes) = match *operation {
            Operation::Read { offset, length, .. } if rights.can_read() => (offset, length, false),
            Operation::Write { offset, length, .. } if rights.can_write() => (offset, length, true),
            Operation::Write { length, .. } | Operation::Append { length, .. } if rights != Rights::Read => {
                (end, length, true)
            }
            _ => return false,
        };
        let length = length as u64;
        let range = Range { start, length };
        // A shared lock lets nobody write, not even who has it.
        length != 0
            && self.locks.iter().any(|lock| {
                lock.range.meets(range) && if lock.exclusive { lock.slot != slot } else { writes }
            })
    }
}

/// A step on the file of a handle.
fn on_handle(content: &mut Vec<u8>, rights: Rights, operation: &Operation) -> Outcome {
    match *operation {
        Operation::Read { offset, length, .. } => read(content, rights, offset, length),
        Operation::Write {
            offset, length, salt, ..
        } if rights.can_write() => write(content, offset, length, salt),
        // A handle that may only append appends wherever it is told to write.
        Operation::Write { length, salt, .. } | Operation::Append { length, salt, .. }
            if rights != Rights::Read =>
        {
            let end = content.len() as u64;
            write(content, end, length, salt)
        }
        Operation::Write { .. } | Operation::Append { .. } => Outcome::Failed(Status::ACCESS_DENIED),
        Operation::SetSize { size, .. } if rights.can_write() => {
            resize(content, size);
            Outcome::Done
        }
        // Allocating more changes nothing that shows.
        Operation::SetAllocation { size, .. } if rights.can_write() => {
            if size < content.len() as u64 {
                resize(content, size);
            }
            Outcome::Done
        }
        Operation::SetSize { .. } | Operation::SetAllocation { .. } => Outcome::Failed(Status::ACCESS_DENIED),
        Operation::Size { .. } => Outcome::Size(content.len() as u64),
        _ => Outcome::Done,
    }
}

#[expect(clippy::cast_possible_truncation, reason = "files of a model fit in memory")]
fn read(content: &[u8], rights: Rights, offset: u64, length: usize) -> Outcome {
    if !rights.can_read() {
        return Outcome::Failed(Status::ACCESS_DENIED);
    }
    if length == 0 {
        return Outcome::Data(Vec::new());
    }
    match content.get(offset as usize..) {
        None | Some([]) => Outcome::Failed(Status::END_OF_FILE),
        Some(rest) => Outcome::Data(rest[..length.min(rest.len())].to_vec()),
    }
}

#[expect(clippy::cast_possible_truncation, reason = "files of a model fit in memory")]
fn write(file: &mut Vec<u8>, offset: u64, length: usize, salt: u64) -> Outcome {
    if length != 0 {
        let start = offset as usize;
        if file.len() < start + length {
            file.resize(start + length, 0);
        }
        file[start..start + length].copy_from_slice(&content(salt, length));
    }
    Outcome::Count(length)
}

#[expect(clippy::cast_possible_truncation, reason = "files of a model fit in memory")]
fn resize(content: &mut Vec<u8>, size: u64) {
    content.resize(size as usize, 0);
}

#[cfg(test)]
mod tests {
    use super::{Model, Outcome};
    use crate::fsx::operation::{Operation, Rights};
    use nt::{CreateAction, CreateDisposition, Status};

    fn open(slot: usize, file: usize) -> Operation {
        Operation::Open {
            slot,
            file,
            disposition: CreateDisposition::OPEN_IF,
            rights: Rights::Both,
        }
    }

    #[test]
    fn a_deleted_file_goes_with_its_last_handle() {
        let mut model = Model::new(2, 2);
        assert_eq!(model.apply(&open(0, 0)), Outcome::Opened(CreateAction::CREATED));
        assert_eq!(model.apply(&open(1, 0)), Outcome::Opened(CreateAction::OPENED));
        assert_eq!(model.apply(&Operation::Delete { file: 0 }), Outcome::Done);
        assert_eq!(model.apply(&open(1, 0)), Outcome::Failed(Status::DELETE_PENDING));
        assert_eq!(model.apply(&Operation::Close { slot: 0 }), Outcome::Done);
        assert_eq!(model.apply(&Operation::List), Outcome::Listing(vec![]));
    }

    #[test]
    fn a_hole_reads_as_zeros() {
        let mut model = Model::new(1, 1);
        model.apply(&open(0, 0));
        let write = Operation::Write {
            slot: 0,
            offset: 5,
            length: 1,
            salt: 1,
        };
        assert_eq!(model.apply(&write), Outcome::Count(1));
        let read = Operation::Read {
            slot: 0,
            offset: 0,
            length: 5,
        };
        assert_eq!(model.apply(&read), Outcome::Data(vec![0; 5]));
    }

    #[test]
    fn an_open_file_is_not_replaced() {
        let mut model = Model::new(2, 2);
        model.apply(&open(0, 0));
        model.apply(&open(1, 1));
        let rename = |replace| Operation::Rename {
            from: 0,
            to: 1,
            replace,
        };
        assert_eq!(model.apply(&rename(true)), Outcome::Failed(Status::ACCESS_DENIED));
        assert_eq!(
            model.apply(&rename(false)),
            Outcome::Failed(Status::OBJECT_NAME_COLLISION)
        );
        model.apply(&Operation::Close { slot: 1 });
        assert_eq!(model.apply(&rename(true)), Outcome::Done);
        assert_eq!(model.apply(&Operation::List), Outcome::Listing(vec![(1, 0)]));
    }
}
