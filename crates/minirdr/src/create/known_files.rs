//! Files seen lately: their identities, paths and kinds. Bounded, and a hint only: whoever uses it looks at the file.
//!
//! 9P opens nothing by qid, so FILE_OPEN_BY_FILE_ID works for files in here. And of a regular file it is known that
//! Tlopen will not block on it, so that it need not wait for the answer to Tgetattr.

use alloc::vec::Vec;

use executive::mem::TryVec;
use executive::sync::{Mutex, Rank};

use crate::names::ServerPath;

/// Files kept; the oldest give way.
const CAPACITY: usize = 256;

/// The files seen lately on one view.
pub(crate) struct KnownFiles(Mutex<Table>);

#[derive(Default)]
struct Table {
    files: Vec<KnownFile>,
    /// Where the next file goes once the table is full.
    next: usize,
}

struct KnownFile {
    file_id: u64,
    path: Vec<u8>,
    is_regular: bool,
}

impl KnownFiles {
    pub(crate) fn try_new() -> nt::Result<Self> {
        Ok(Self(Mutex::try_new(Table::default(), Rank(40))?))
    }

    /// Takes note of a file. Without memory it is not known, and that is all.
    pub(crate) fn note(&self, path: &ServerPath, file_id: u64, is_regular: bool) {
        let table = &mut *self.0.lock();
        let path = path.as_bytes();
        let found = table
            .files
            .iter()
            .position(|known| known.path == path || known.file_id == file_id);
        let file = KnownFile {
            file_id,
            path: Vec::new(),
            is_regular,
        };
        let at = match found {
            Some(at) => at,
            None if table.files.len() < CAPACITY => {
                if table.files.try_push(file).is_err() {
                    return;
                }
                table.files.len().saturating_sub(1)
            }
            None => {
                table.next = table.next.wrapping_add(1) % CAPACITY;
                table.next
            }
        };
        if let Some(known) = table.files.get_mut(at) {
            known.file_id = file_id;
            known.is_regular = is_regular;
            if known.path != path {
                known.path.clear();
                if known.path.try_extend_from_slice(path).is_err() {
                    table.files.swap_remove(at);
                }
            }
        }
    }

    /// The path that a file was seen under.
    ///
    /// # Errors
    /// `INSUFFICIENT_RESOURCES`.
    pub(crate) fn path_of(&self, file_id: u64) -> nt::Result<Option<ServerPath>> {
        let table = self.0.lock();
        let known = table.files.iter().find(|known| known.file_id == file_id);
        known
            .map(|known| ServerPath::from_components(ServerPath::components_of(&known.path)))
            .transpose()
    }

    /// Whether `path` was a regular file when it was last seen.
    pub(crate) fn is_regular(&self, path: &ServerPath) -> bool {
        let table = self.0.lock();
        table
            .files
            .iter()
            .any(|known| known.is_regular && known.path == path.as_bytes())
    }

    /// Forgets `path` and what is below it: it was renamed or removed.
    pub(crate) fn forget(&self, path: &ServerPath) {
        let table = &mut *self.0.lock();
        table
            .files
            .retain(|known| !is_at_or_below(&known.path, path.as_bytes()));
    }
}

/// Whether `path` is `top` or a path below it.
pub(crate) fn is_at_or_below(path: &[u8], top: &[u8]) -> bool {
    path.strip_prefix(top)
        .is_some_and(|rest| top.is_empty() || rest.is_empty() || rest.first() == Some(&b'/'))
}

#[cfg(test)]
mod tests {
    use super::{CAPACITY, KnownFiles};
    use crate::names::ServerPath;
    use nt::NameBuf;
    use std::format;

    fn path(text: &str) -> ServerPath {
        ServerPath::parse(NameBuf::try_from_str(text).unwrap().as_name()).unwrap()
    }

    #[test]
    fn a_file_is_found_by_its_id_until_it_is_forgotten() {
        let known = KnownFiles::try_new().unwrap();
        known.note(&path("\\a\\b"), 7, true);
        known.note(&path("\\a\\c"), 8, false);
        assert_eq!(known.path_of(7).unwrap().unwrap().as_bytes(), b"a/b");
        assert!(known.is_regular(&path("\\a\\b")) && !known.is_regular(&path("\\a\\c")));
        // The file moved: its old path is not known any more.
        known.note(&path("\\moved"), 7, true);
        assert_eq!(known.path_of(7).unwrap().unwrap().as_bytes(), b"moved");
        // Another file in its place.
        known.note(&path("\\moved"), 9, false);
        assert!(known.path_of(7).unwrap().is_none());
        known.forget(&path("\\a"));
        assert!(known.path_of(8).unwrap().is_none());
        assert!(known.path_of(9).unwrap().is_some(), "it is not below \\a");
    }

    #[test]
    fn the_oldest_give_way() {
        let known = KnownFiles::try_new().unwrap();
        for number in 0..3 * CAPACITY as u64 {
            known.note(&path(&format!("\\{number}")), number, true);
        }
        let found = (0..3 * CAPACITY as u64).filter(|&id| known.path_of(id).unwrap().is_some());
        assert_eq!(found.count(), CAPACITY);
        assert!(known.path_of(3 * CAPACITY as u64 - 1).unwrap().is_some());
    }
}
