//! Steps on real files, each held against the model.

use std::ffi::{OsStr, OsString};
use std::fmt;

use minirdr::WritePosition;
use nt::{AccessMask, CreateOptions, FileInformationClass, NameBuf, Status};

use crate::drive::{Drive, Open};
use crate::file::File;
use crate::tree;

use super::model::{Model, Outcome};
use super::operation::{Limits, Operation};
use super::random::content;

/// A step that gave something else than it has to.
#[derive(Debug)]
pub(crate) struct Mismatch {
    /// Its place in the sequence; the sequence's length for what was found afterwards.
    pub(crate) step: usize,
    pub(crate) what: String,
    expected: Outcome,
    found: Outcome,
}

/// Does `operations` in the empty directory `directory`, and looks at everything once more at the end. `done` is told of
/// each step.
pub(crate) fn replay(
    drive: &Drive,
    directory: &OsStr,
    operations: &[Operation],
    limits: &Limits,
    mut done: impl FnMut(),
) -> Result<(), Mismatch> {
    let mut model = Model::new(limits.files, limits.handles);
    let mut real = Real {
        drive,
        directory,
        slots: (0..limits.handles).map(|_| None).collect(),
    };
    for (step, operation) in operations.iter().enumerate() {
        let expected = model.apply(operation);
        let found = real.apply(operation).unwrap_or_else(Outcome::Failed);
        compare(step, || operation.to_string(), expected, found)?;
        done();
    }
    let step = operations.len();
    for slot in 0..limits.handles {
        model.apply(&Operation::Close { slot });
    }
    real.slots.clear();
    for (name, content) in model.files() {
        let found = real.whole(name, content.len()).unwrap_or_else(Outcome::Failed);
        let what = || format!("the content of file{name} at the end");
        compare(step, what, Outcome::Data(content.to_vec()), found)?;
    }
    let found = real.list().unwrap_or_else(Outcome::Failed);
    let what = || "what is listed at the end".into();
    compare(step, what, model.apply(&Operation::List), found)
}

fn compare(
    step: usize,
    what: impl FnOnce() -> String,
    expected: Outcome,
    found: Outcome,
) -> Result<(), Mismatch> {
    if expected == found {
        return Ok(());
    }
    Err(Mismatch {
        step,
        what: what(),
        expected,
        found,
    })
}

/// The files on the server.
struct Real<'d> {
    drive: &'d Drive,
    directory: &'d OsStr,
    slots: Vec<Option<File<'d>>>,
}

fn name(file: usize) -> String {
    format!("file{file}")
}

impl<'d> Real<'d> {
    fn path(&self, file: usize) -> OsString {
        tree::child(self.directory, name(file).as_ref())
    }

    fn apply(&mut self, operation: &Operation) -> nt::Result<Outcome> {
        match *operation {
            Operation::Open {
                slot,
                file,
                disposition,
                rights,
            } => {
                self.slots[slot] = None;
                let open = Open::existing(rights.access())
                    .with(CreateOptions::NON_DIRECTORY_FILE)
                    .disposition(disposition);
                let (opened, action) = self.drive.try_create(&self.path(file), open)?;
                self.slots[slot] = Some(opened);
                Ok(Outcome::Opened(action))
            }
            Operation::Close { slot } => Ok(match self.slots[slot].take() {
                Some(_) => Outcome::Done,
                None => Outcome::Nothing,
            }),
            Operation::Rename { from, to, replace } => {
                let new = NameBuf::try_from_str(&name(to))?;
                let file = self.to_change(from)?;
                file.rename(&new, None, replace)?;
                Ok(Outcome::Done)
            }
            Operation::Delete { file } => {
                self.to_change(file)?.delete()?;
                Ok(Outcome::Done)
            }
            Operation::List => self.list(),
            _ => match operation.of_handle().and_then(|slot| self.slots[slot].as_ref()) {
                None => Ok(Outcome::Nothing),
                Some(file) => on_file(file, operation),
            },
        }
    }

    /// A handle to rename or delete by.
    fn to_change(&self, file: usize) -> nt::Result<File<'d>> {
        let access = AccessMask::DELETE | AccessMask::READ_ATTRIBUTES | AccessMask::SYNCHRONIZE;
        self.drive.try_open(&self.path(file), Open::existing(access))
    }

    fn list(&self) -> nt::Result<Outcome> {
        let directory = Open::existing(AccessMask::READ_DATA | AccessMask::SYNCHRONIZE);
        let mut found = Vec::new();
        for entry in self.drive.try_open(self.directory, directory)?.entries()? {
            let number = entry.name.strip_prefix(b"file").unwrap_or_default();
            let number = str::from_utf8(number).ok().and_then(|number| number.parse().ok());
            // A file that nobody made here is told as one that cannot be.
            found.push((number.unwrap_or(usize::MAX), entry.information.size));
        }
        found.sort_unstable();
        Ok(Outcome::Listing(found))
    }

    /// All of a file, and a byte more if there is one.
    fn whole(&self, file: usize, length: usize) -> nt::Result<Outcome> {
        let file = self
            .drive
            .try_open(&self.path(file), Open::existing(AccessMask::FILE_GENERIC_READ))?;
        let mut buffer = vec![0xee; length + 1];
        let read = file.read(0, &mut buffer)?;
        buffer.truncate(read);
        Ok(Outcome::Data(buffer))
    }
}

fn on_file(file: &File<'_>, operation: &Operation) -> nt::Result<Outcome> {
    Ok(match *operation {
        Operation::Read { offset, length, .. } => {
            let mut buffer = vec![0xee; length];
            let read = file.read_once(offset, &mut buffer)?;
            buffer.truncate(read);
            Outcome::Data(buffer)
        }
        Operation::Write {
            offset, length, salt, ..
        } => Outcome::Count(file.write_once(WritePosition::At(offset), &content(salt, length))?),
        Operation::Append { length, salt, .. } => {
            Outcome::Count(file.write_once(WritePosition::EndOfFile, &content(salt, length))?)
        }
        Operation::SetSize { size, .. } => {
            file.set_size(FileInformationClass::END_OF_FILE, size)?;
            Outcome::Done
        }
        Operation::SetAllocation { size, .. } => {
            file.set_size(FileInformationClass::ALLOCATION, size)?;
            Outcome::Done
        }
        Operation::Flush { .. } => {
            file.flush()?;
            Outcome::Done
        }
        Operation::Size { .. } => Outcome::Size(file.size()?),
        Operation::Lock { range, exclusive, .. } => {
            file.lock(range.start, range.length, exclusive)?;
            Outcome::Done
        }
        Operation::Unlock { range, .. } => {
            file.unlock(range.start, range.length)?;
            Outcome::Done
        }
        _ => Outcome::Failed(Status::INVALID_PARAMETER),
    })
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "step {}: {}: ", self.step, self.what)?;
        if let (Outcome::Data(expected), Outcome::Data(found)) = (&self.expected, &self.found) {
            let at = expected.iter().zip(found).position(|(a, b)| a != b);
            let at = at.unwrap_or(expected.len().min(found.len()));
            return write!(
                f,
                "{} bytes expected, {} found; the first that differs is {at}: {} expected, {} found",
                expected.len(),
                found.len(),
                bytes(expected, at),
                bytes(found, at)
            );
        }
        write!(
            f,
            "{} expected, {} found",
            Shown(&self.expected),
            Shown(&self.found)
        )
    }
}

/// A few bytes from `at` on.
fn bytes(all: &[u8], at: usize) -> String {
    let part: Vec<_> = all
        .iter()
        .skip(at)
        .take(8)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("[{}]", part.join(" "))
}

/// An outcome in few words.
struct Shown<'a>(&'a Outcome);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Outcome::Data(data) => write!(f, "{} bytes", data.len()),
            Outcome::Failed(status) => match status.row() {
                Some(row) => write!(f, "STATUS_{}", row.name),
                None => write!(f, "{status}"),
            },
            other => write!(f, "{other:?}"),
        }
    }
}
