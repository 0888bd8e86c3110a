//! Names that differ only in case: what a server that distinguishes them calls the file that NT means.
//!
//! A name is tried as it is written first. Where the server has no such name, its directory is read once, and the one
//! name in it that is equal after upper-casing is the file's; where there are several, none is. What a directory holds
//! is kept for a while, so that a program that probes for many files does not read it for each. What this redirector
//! changes is changed here too, and a directory that it changes while that is being read is not kept; what others change
//! is seen when the time is over.

use alloc::vec::Vec;
use core::time::Duration;

use executive::mem::TryVec;
use executive::sync::{Mutex, Rank};
use executive::time::Instant;
use ninep::wire::{OpenFlags, Tlopen, Treaddir};
use nt::{Name, NameBuf, Status};

use crate::create::known_files::is_at_or_below;
use crate::names::{ServerPath, is_name, to_nt};
use crate::server::client::OwnedFid;

/// Directories kept, and bytes of names in all of them.
const DIRECTORIES: usize = 16;
const BYTES_KEPT: usize = 4 << 20;
/// Bytes of names that one look goes through: a hostile server's directory has no end.
const BYTES_READ: usize = 64 << 20;
/// How long a directory is believed not to have changed, at least; one that took long to read is kept ten times as long
/// as that took.
const FRESH: Duration = Duration::from_secs(2);
/// Bytes of entries asked for at a time.
const READDIR_MAX: u32 = 64 * 1024;

/// Which name of a directory is meant.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Folded {
    /// None is equal but for case.
    None,
    /// This one alone.
    One(Vec<u8>),
    /// More than one.
    Ambiguous,
}

/// The directories of one share that were read lately, through whichever view.
pub(crate) struct FoldedNames(Mutex<Table>);

#[derive(Default)]
struct Table {
    listings: Vec<Listing>,
    /// Directories that are being read.
    readings: Vec<Reading>,
    /// Readings ever begun: each has a number of its own.
    begun: u64,
}

struct Reading {
    number: u64,
    directory: Vec<u8>,
    /// This redirector has changed what is in it: what is read may be from before that.
    is_stale: bool,
}

/// A directory that is being read. Dropped, it is not any more.
struct ReadingHold<'a> {
    names: &'a FoldedNames,
    number: u64,
}

impl Drop for ReadingHold<'_> {
    fn drop(&mut self) {
        let mut table = self.names.0.lock();
        table.readings.retain(|reading| reading.number != self.number);
    }
}

/// The names in one directory.
struct Listing {
    directory: Vec<u8>,
    good_until: Instant,
    /// Each name after its length in one byte.
    names: Vec<u8>,
    /// Hash of the upper-cased name and its place in `names`, sorted.
    index: Vec<(u32, u32)>,
}

impl FoldedNames {
    pub(crate) fn try_new() -> nt::Result<Self> {
        Ok(Self(Mutex::try_new(Table::default(), Rank(40))?))
    }

    /// What the server calls `wanted` (a component in the server's spelling) in the directory `path` below `root`.
    ///
    /// # Errors
    /// `OBJECT_PATH_NOT_FOUND` where there is no such directory; the server's; `INSUFFICIENT_RESOURCES`.
    pub(crate) async fn find(&self, root: &OwnedFid, path: &[u8], wanted: &[u8]) -> nt::Result<Folded> {
        let mut spelling = NameBuf::default();
        to_nt(wanted, &mut spelling)?;
        let runtime = root.client().runtime();
        let begun = runtime.now();
        if let Some(found) = self.find_kept(path, spelling.as_name(), begun) {
            return found;
        }
        let reading = self.begin_reading(path)?;
        let directory = root.walk_to_parent(ServerPath::components_of(path)).await?;
        let mut search = Search {
            wanted: spelling,
            found: Folded::None,
            listing: Some(Listing::new()),
        };
        read_names(&directory, &mut search).await?;
        let now = runtime.now();
        let fresh = FRESH.max(now.saturating_since(begun).saturating_mul(10));
        if let Some(mut listing) = search.listing {
            listing.good_until = now + fresh;
            if listing.directory.try_extend_from_slice(path).is_ok() {
                listing.index.sort_unstable();
                self.keep(listing, &reading);
            }
        }
        Ok(search.found)
    }

    /// From now on it is seen whether this redirector changes the directory `path`.
    ///
    /// # Errors
    /// `INSUFFICIENT_RESOURCES`.
    fn begin_reading(&self, path: &[u8]) -> nt::Result<ReadingHold<'_>> {
        let mut directory = Vec::new();
        directory.try_extend_from_slice(path)?;
        let mut table = self.0.lock();
        table.begun = table.begun.wrapping_add(1);
        let number = table.begun;
        table.readings.try_push(Reading {
            number,
            directory,
            is_stale: false,
        })?;
        Ok(ReadingHold { names: self, number })
    }

    fn find_kept(&self, path: &[u8], wanted: Name<'_>, now: Instant) -> Option<nt::Result<Folded>> {
        let listings = &mut self.0.lock().listings;
        listings.retain(|listing| now < listing.good_until);
        let listing = listings.iter().find(|listing| listing.directory == path)?;
        Some(listing.find(wanted))
    }

    /// Keeps a listing as long as there is room: the oldest make way. One that may be from before a change is not kept.
    fn keep(&self, listing: Listing, reading: &ReadingHold<'_>) {
        let Table {
            listings, readings, ..
        } = &mut *self.0.lock();
        let is_it = |known: &&Reading| known.number == reading.number;
        if readings.iter().find(is_it).is_none_or(|known| known.is_stale) {
            return;
        }
        listings.retain(|other| other.directory != listing.directory);
        while !listings.is_empty()
            && (listings.len() >= DIRECTORIES
                || listings
                    .iter()
                    .map(Listing::bytes)
                    .sum::<usize>()
                    .saturating_add(listing.bytes())
                    > BYTES_KEPT)
        {
            listings.remove(0);
        }
        // Without memory it is read again.
        let _ = listings.try_push(listing);
    }

    /// `path` is there now.
    pub(crate) fn added(&self, path: &ServerPath) {
        self.update(path, |listing, name| listing.add(name).is_ok());
    }

    /// `path` is gone, and what was below it with it.
    pub(crate) fn removed(&self, path: &ServerPath) {
        let gone = |directory: &[u8]| is_at_or_below(directory, path.as_bytes());
        let table = &mut *self.0.lock();
        table.listings.retain(|listing| !gone(&listing.directory));
        for reading in &mut table.readings {
            reading.is_stale |= gone(&reading.directory);
        }
        table.update(path, |listing, name| listing.remove(name).is_ok());
    }

    /// `path` may have come or gone: nobody knows.
    pub(crate) fn doubtful(&self, path: &ServerPath) {
        self.update(path, |_, _| false);
    }

    fn update(&self, path: &ServerPath, change: impl Fn(&mut Listing, &[u8]) -> bool) {
        self.0.lock().update(path, change);
    }
}

impl Table {
    /// Changes the listing that `path` is in; one that cannot be changed is dropped, and one that is being read not kept.
    fn update(&mut self, path: &ServerPath, change: impl Fn(&mut Listing, &[u8]) -> bool) {
        if let Some((directory, name)) = path.split_last() {
            self.listings
                .retain_mut(|listing| listing.directory != directory || change(listing, name));
            for reading in &mut self.readings {
                reading.is_stale |= reading.directory == directory;
            }
        }
    }
}

impl Listing {
    const fn new() -> Self {
        Self {
            directory: Vec::new(),
            good_until: Instant::ORIGIN,
            names: Vec::new(),
            index: Vec::new(),
        }
    }

    fn bytes(&self) -> usize {
        let index = self.index.len().saturating_mul(size_of::<(u32, u32)>());
        self.names.len().saturating_add(index)
    }

    /// Appends a name, leaving the index unsorted.
    fn append(&mut self, name: &[u8], hash: u32) -> nt::Result {
        let at = self.store(name)?;
        Ok(self.index.try_push((hash, at))?)
    }

    fn store(&mut self, name: &[u8]) -> nt::Result<u32> {
        let length = u8::try_from(name.len()).map_err(|_| Status::OBJECT_NAME_INVALID)?;
        let at = u32::try_from(self.names.len()).map_err(|_| Status::INSUFFICIENT_RESOURCES)?;
        self.names.try_push(length)?;
        self.names.try_extend_from_slice(name)?;
        Ok(at)
    }

    fn add(&mut self, name: &[u8]) -> nt::Result {
        let hash = hash_of(name)?;
        if self.candidates(hash).any(|known| known == name) {
            return Ok(());
        }
        // Names that were removed still take room.
        if self.bytes() > BYTES_KEPT {
            return Err(Status::INSUFFICIENT_RESOURCES);
        }
        let at = self.store(name)?;
        self.index.try_reserve(1)?;
        let place = self.index.partition_point(|&entry| entry < (hash, at));
        self.index.insert(place, (hash, at));
        Ok(())
    }

    fn remove(&mut self, name: &[u8]) -> nt::Result {
        let hash = hash_of(name)?;
        let names = &self.names;
        self.index
            .retain(|&(known, at)| known != hash || name_at(names, at) != name);
        Ok(())
    }

    fn candidates(&self, hash: u32) -> impl Iterator<Item = &[u8]> {
        let start = self.index.partition_point(|&(known, _)| known < hash);
        let from = self.index.get(start..).unwrap_or_default();
        from.iter()
            .take_while(move |&&(known, _)| known == hash)
            .map(|&(_, at)| name_at(&self.names, at))
    }

    fn find(&self, wanted: Name<'_>) -> nt::Result<Folded> {
        let mut found = Folded::None;
        for name in self.candidates(folded_hash(wanted)) {
            let mut spelling = NameBuf::default();
            to_nt(name, &mut spelling)?;
            if spelling.as_name().eq_ignore_case(wanted) {
                found.one_more(name)?;
            }
        }
        Ok(found)
    }
}

impl Folded {
    fn one_more(&mut self, name: &[u8]) -> nt::Result {
        *self = match self {
            Self::None => {
                let mut copy = Vec::new();
                copy.try_extend_from_slice(name)?;
                Self::One(copy)
            }
            Self::One(_) | Self::Ambiguous => Self::Ambiguous,
        };
        Ok(())
    }
}

fn name_at(names: &[u8], at: u32) -> &[u8] {
    let rest = usize::try_from(at).ok().and_then(|at| names.get(at..));
    rest.and_then(<[u8]>::split_first)
        .and_then(|(&length, rest)| rest.get(..usize::from(length)))
        .unwrap_or_default()
}

fn hash_of(name: &[u8]) -> nt::Result<u32> {
    let mut spelling = NameBuf::default();
    to_nt(name, &mut spelling)?;
    Ok(folded_hash(spelling.as_name()))
}

fn folded_hash(name: Name<'_>) -> u32 {
    // CAST: the low half is as good a hash as the whole.
    name.hash_upcased() as u32
}

/// A look through a directory.
struct Search {
    wanted: NameBuf,
    found: Folded,
    /// What is to be kept; `None` once it has become too much.
    listing: Option<Listing>,
}

impl Search {
    fn see(&mut self, name: &[u8]) -> nt::Result {
        let mut spelling = NameBuf::default();
        to_nt(name, &mut spelling)?;
        if spelling.as_name().eq_ignore_case(self.wanted.as_name()) {
            self.found.one_more(name)?;
        }
        if let Some(listing) = &mut self.listing {
            listing.append(name, folded_hash(spelling.as_name()))?;
            if listing.bytes() > BYTES_KEPT {
                self.listing = None;
            }
        }
        Ok(())
    }
}

/// Shows every name in a directory to `search`.
async fn read_names(directory: &OwnedFid, search: &mut Search) -> nt::Result {
    let (client, fid) = (directory.client(), directory.fid());
    let open = Tlopen {
        fid,
        flags: OpenFlags::DIRECTORY,
    };
    client.call(&open, |_| ()).await?;
    let mut offset = 0;
    let mut bytes = 0_usize;
    while bytes < BYTES_READ {
        let request = Treaddir {
            fid,
            offset,
            count: client.payload_max().min(READDIR_MAX),
        };
        let seen = client.call(&request, |reply| -> nt::Result<_> {
            let mut last = None;
            for entry in reply.entries.iter() {
                last = Some(entry.offset);
                if is_name(entry.name) && entry.name != b"." && entry.name != b".." {
                    search.see(entry.name)?;
                }
            }
            Ok((last, reply.entries.byte_len()))
        });
        let (last, length) = seen.await??;
        bytes = bytes.saturating_add(length);
        match last {
            // A cookie that does not move would list the same names for ever.
            Some(cookie) if cookie == offset => return Err(Status::UNEXPECTED_NETWORK_ERROR),
            Some(cookie) => offset = cookie,
            None => return Ok(()),
        }
    }
    Err(Status::UNEXPECTED_NETWORK_ERROR)
}

#[cfg(test)]
mod tests {
    use super::{Folded, FoldedNames, Listing};
    use crate::names::ServerPath;
    use executive::time::Instant;
    use nt::NameBuf;

    fn path(text: &str) -> ServerPath {
        ServerPath::parse(NameBuf::try_from_str(text).unwrap().as_name()).unwrap()
    }

    fn kept(names: &FoldedNames, directory: &[u8], wanted: &str) -> Option<Folded> {
        let wanted = NameBuf::try_from_str(wanted).unwrap();
        names
            .find_kept(directory, wanted.as_name(), Instant::ORIGIN)
            .map(Result::unwrap)
    }

    fn keep(names: &FoldedNames, directory: &[u8], held: &[&str]) {
        let mut listing = Listing {
            directory: directory.into(),
            good_until: Instant::NEVER,
            ..Listing::new()
        };
        for name in held {
            listing.add(name.as_bytes()).unwrap();
        }
        names.keep(listing, &names.begin_reading(directory).unwrap());
    }

    #[test]
    fn one_name_is_meant_and_two_are_not() {
        let names = FoldedNames::try_new().unwrap();
        keep(&names, b"d", &["Read.me", "READ.ME", "Straße", "over"]);
        assert_eq!(kept(&names, b"d", "OVER"), Some(Folded::One(b"over".into())));
        assert_eq!(kept(&names, b"d", "STRAßE"), Some(Folded::One("Straße".into())));
        assert_eq!(kept(&names, b"d", "read.me"), Some(Folded::Ambiguous));
        assert_eq!(kept(&names, b"d", "none"), Some(Folded::None));
        assert_eq!(kept(&names, b"", "over"), None, "that directory was not read");
    }

    #[test]
    fn own_changes_are_followed() {
        let names = FoldedNames::try_new().unwrap();
        keep(&names, b"d", &["a", "sub"]);
        keep(&names, b"d/sub", &["x"]);
        names.added(&path("\\d\\B"));
        names.added(&path("\\d\\B"));
        assert_eq!(kept(&names, b"d", "b"), Some(Folded::One(b"B".into())));
        names.removed(&path("\\d\\a"));
        assert_eq!(kept(&names, b"d", "A"), Some(Folded::None));
        names.removed(&path("\\d\\sub"));
        assert_eq!(kept(&names, b"d/sub", "X"), None, "it went with its directory");
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let names = FoldedNames::try_new().unwrap();
        for number in 0..100_u32 {
            keep(&names, &number.to_le_bytes(), &["x"]);
        }
        assert_eq!(names.0.lock().listings.len(), super::DIRECTORIES);
        for directory in [b"long", b"more"] {
            let mut listing = Listing {
                directory: directory.to_vec(),
                good_until: Instant::NEVER,
                ..Listing::new()
            };
            for _ in 0..12_000 {
                listing.append(&[b'x'; 200], 0).unwrap();
            }
            names.keep(listing, &names.begin_reading(directory).unwrap());
        }
        assert_eq!(names.0.lock().listings.len(), 1, "both do not fit");
    }

    #[test]
    fn what_changes_while_it_is_read_is_not_kept() {
        type Change = fn(&FoldedNames);
        let changes: [(Change, bool); 8] = [
            (|names| names.added(&path("\\d\\sub\\new")), false),
            (|names| names.removed(&path("\\d\\sub\\a")), false),
            (|names| names.doubtful(&path("\\d\\sub\\a")), false),
            (|names| names.removed(&path("\\d\\sub")), false),
            (|names| names.removed(&path("\\d")), false),
            // Somewhere else.
            (|names| names.added(&path("\\d\\new")), true),
            (|names| names.removed(&path("\\d\\sub\\a\\b")), true),
            (|names| drop(names.begin_reading(b"d/sub").unwrap()), true),
        ];
        for (index, (change, is_kept)) in changes.into_iter().enumerate() {
            let names = FoldedNames::try_new().unwrap();
            let reading = names.begin_reading(b"d/sub").unwrap();
            let mut listing = Listing {
                directory: b"d/sub".into(),
                good_until: Instant::NEVER,
                ..Listing::new()
            };
            listing.add(b"a").unwrap();
            change(&names);
            names.keep(listing, &reading);
            drop(reading);
            assert_eq!(kept(&names, b"d/sub", "A").is_some(), is_kept, "{index}");
            assert!(names.0.lock().readings.is_empty());
        }
    }

    #[test]
    fn what_is_in_doubt_is_read_again() {
        let names = FoldedNames::try_new().unwrap();
        keep(&names, b"d", &["a"]);
        keep(&names, b"e", &["a"]);
        names.doubtful(&path("\\d\\b"));
        assert_eq!(kept(&names, b"d", "A"), None);
        assert_eq!(kept(&names, b"e", "A"), Some(Folded::One(b"a".into())));
    }
}
