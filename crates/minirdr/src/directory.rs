//! IRP_MN_QUERY_DIRECTORY: a directory read in the server's order, matched against NT's wildcards.
//!
//! The position is the server's cookie of the last entry delivered, never an index: entries that come or go between
//! two queries are neither repeated nor skipped where the server keeps its promise. `.` and `..` come first and from
//! here, whatever the server says of them.
//!
//! Only entries whose names fit the caller's buffer are looked at, so that nothing is asked twice.

mod entry;

mod endless;

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::ops::Range;

use executive::mem::{TryVec, try_box};
use executive::task::join_all;
use ninep::wire::{DirEntry, Entries, EntryType};
use nt::pattern::{Case, Pattern, has_wildcards};
use nt::{FileInformationClass, Name, NameBuf, Status};

use crate::create::target::Links;
use crate::dialect::{self, Listed};
use crate::directory::entry::EntryList;
pub(crate) use crate::directory::entry::needs_attributes;
use crate::information::attributes::Attributes;
use crate::information::dos_attributes;
use crate::names::{ServerPath, is_name, to_nt, to_server};
use crate::objects::View;
use crate::server::client::OwnedFid;
use endless::Cookies;

/// What a query asks for.
#[derive(Clone, Copy, Debug)]
pub struct DirectoryQuery<'a> {
    /// One of the directory classes.
    pub class: FileInformationClass,
    /// File name or pattern; it counts on a handle's first query and after a restart.
    pub pattern: Option<Name<'a>>,
    /// SL_RESTART_SCAN: from the beginning.
    pub restart: bool,
    /// SL_RETURN_SINGLE_ENTRY.
    pub single: bool,
}

/// Most entries looked at in one go.
const BATCH: usize = 256;
/// Symbolic links that are followed at a time.
const LINKS_AT_A_TIME: usize = 16;
/// Most files that one query takes note of.
const LEARNT: usize = 64;
/// Most bytes of entries asked for at a time.
const READDIR_MAX: u32 = 64 * 1024;
/// The names that every directory has.
pub(crate) const DOTS: [&[u8]; 2] = [b".", b".."];

/// Where a handle stands in its directory.
#[derive(Default)]
pub(crate) struct Scan {
    /// `None` until the first query, which fixes the pattern.
    pattern: Option<Pattern>,
    /// A pattern without wildcards, as the caller spells it: looked for by its name before anything is listed.
    literal: Option<NameBuf>,
    /// Where the next Treaddir goes on.
    cookies: Cookies,
    /// Whole entries as the server sent them.
    raw: Vec<u8>,
    position: Position,
    /// The server has no more.
    at_end: bool,
    /// Whether entries may have attributes that the server keeps for NT.
    pub(crate) kept: bool,
    /// A query was answered since the handle was opened or restarted: from then on an empty answer is the end.
    answered: bool,
}

/// Where a directory is, for what its listing teaches of the files in it.
pub(crate) struct Place<'a> {
    pub(crate) view: &'a View,
    pub(crate) path: ServerPath,
}

impl Place<'_> {
    /// Takes note of the file `name`: it can be opened by its id, and if it is a regular one at once. Without memory it is
    /// not known.
    fn learn(&mut self, name: &[u8], known: &Attributes) {
        if self.path.push(name).is_ok() {
            let is_regular = known.mode.is_regular();
            self.view.known_files.note(&self.path, known.file_id, is_regular);
            self.path.pop();
        }
    }

    /// Shows the symbolic links among the entries `names` that lead to directories as such: some at a time, as each takes
    /// several messages, one after the other.
    async fn follow_links(
        &self,
        links: &Links<'_>,
        names: &[&[u8]],
        found: &mut [Option<Attributes>],
    ) -> nt::Result {
        let mut followed = found.iter_mut().zip(names).filter_map(|(known, name)| {
            let known = known.as_mut().filter(|known| known.mode.is_symlink())?;
            Some((known, *name))
        });
        loop {
            let mut some = Vec::try_with_room(LINKS_AT_A_TIME)?;
            let mut following = Vec::try_with_room(LINKS_AT_A_TIME)?;
            for (known, name) in followed.by_ref().take(LINKS_AT_A_TIME) {
                let mut path = ServerPath::from_components(self.path.components())?;
                path.push(name)?;
                some.try_push(known)?;
                following.try_push(links.lead_to_directory(path))?;
            }
            if some.is_empty() {
                return Ok(());
            }
            for (known, leads) in some.into_iter().zip(join_all(following).await?) {
                if leads? {
                    known.show_directory();
                }
            }
        }
    }
}

/// What has been delivered or passed over.
#[derive(Clone, Copy, Default)]
struct Position {
    /// Of [`DOTS`].
    dots: usize,
    /// Bytes of `Scan::raw`.
    taken: usize,
}

/// An entry that matched, before its attributes are known.
struct Candidate {
    name: NameBuf,
    kind: EntryType,
    file_id: u64,
    /// The server's spelling in `Scan::raw`; `None` for a dot.
    raw_name: Option<Range<usize>>,
    /// The position behind it.
    end: Position,
}

/// The next entries that matched.
struct Batch {
    candidates: Vec<Candidate>,
    /// The position behind the last entry that was seen and need not be seen again.
    end: Position,
    /// The entry behind that matches, and has no room.
    full: bool,
}

impl Scan {
    /// Answers one query from `directory`, an open fid. `case` is how names match the pattern.
    ///
    /// # Errors
    /// `NO_SUCH_FILE` when nothing matches a first query, `NO_MORE_FILES` at the end, `INFO_LENGTH_MISMATCH`,
    /// `OBJECT_NAME_INVALID`, `INVALID_INFO_CLASS`; `INVALID_NETWORK_RESPONSE` for a listing that is malformed or never ends; the server's
    /// errors. `Ok` carries `BUFFER_OVERFLOW` with a first entry whose name was cut.
    pub(crate) async fn query(
        &mut self,
        directory: &OwnedFid,
        place: &mut Place<'_>,
        links: &Links<'_>,
        query: &DirectoryQuery<'_>,
        case: Case,
        buffer: &mut [u8],
    ) -> nt::Result<(usize, Status)> {
        let mut list = EntryList::new(query.class, buffer)?;
        self.begin(query, case)?;
        let collected = self.collect(directory, place, links, query, &mut list).await;
        let first = !self.answered;
        // Also what came before a failure is an answer: the end behind it is the end of a listing that had something.
        self.answered |= collected.is_ok() || !list.is_empty();
        match collected {
            // What came before a failure is delivered; the next query will meet the failure again.
            Err(status) if list.is_empty() => Err(status),
            Ok(Status::BUFFER_OVERFLOW) => Ok((list.used(), Status::BUFFER_OVERFLOW)),
            Ok(_) if list.is_empty() && first => Err(Status::NO_SUCH_FILE),
            Ok(_) if list.is_empty() => Err(Status::NO_MORE_FILES),
            Ok(_) | Err(_) => Ok((list.used(), Status::SUCCESS)),
        }
    }

    /// Takes over the pattern of a first or restarting query.
    ///
    /// # Errors
    /// `OBJECT_NAME_INVALID` for what is no name, wildcards and dots aside.
    fn begin(&mut self, query: &DirectoryQuery<'_>, case: Case) -> nt::Result {
        let takes_pattern = self.pattern.is_none() || query.restart;
        if takes_pattern
            && query
                .pattern
                .is_some_and(|pattern| pattern.as_units().iter().any(no_pattern_has))
        {
            return Err(Status::OBJECT_NAME_INVALID);
        }
        if query.restart {
            *self = Self {
                pattern: self.pattern.take(),
                literal: self.literal.take(),
                kept: self.kept,
                ..Self::default()
            };
        }
        if !takes_pattern {
            return Ok(());
        }
        match query.pattern {
            Some(pattern) if !pattern.is_empty() => {
                self.pattern = Some(Pattern::try_new(pattern, case)?);
                self.literal = if has_wildcards(pattern) {
                    None
                } else {
                    Some(NameBuf::try_from_name(pattern)?)
                };
            }
            _ if self.pattern.is_none() => self.pattern = Some(Pattern::try_any()?),
            _ => {}
        }
        Ok(())
    }

    /// Fills `list` until it is full or the directory ends. `BUFFER_OVERFLOW`: its only entry's name was cut.
    async fn collect(
        &mut self,
        directory: &OwnedFid,
        place: &mut Place<'_>,
        links: &Links<'_>,
        query: &DirectoryQuery<'_>,
        list: &mut EntryList<'_>,
    ) -> nt::Result<Status> {
        if !self.answered
            && let Some(found) = self.look_for_literal(directory, place, links).await?
        {
            return Ok(self.deliver_literal(&found, list));
        }
        let mut learnt = 0;
        loop {
            let batch = self.next_batch(list, if query.single { 1 } else { BATCH })?;
            if batch.candidates.is_empty() {
                self.position = batch.end;
                if batch.full || self.at_end {
                    return Ok(Status::SUCCESS);
                }
                self.read_more(directory).await?;
                continue;
            }
            let attributes = if needs_attributes(query.class) {
                self.attributes(directory, place, links, &batch.candidates)
                    .await?
            } else {
                Vec::new()
            };
            for (index, candidate) in batch.candidates.iter().enumerate() {
                let known = match attributes.get(index) {
                    // Gone between the listing and now.
                    Some(None) => continue,
                    Some(Some(known)) => *known,
                    None => Attributes::from_kind(candidate.kind, candidate.file_id),
                };
                if !attributes.is_empty()
                    && learnt < LEARNT
                    && let Some(name) = candidate.raw_name.clone().and_then(|range| self.raw.get(range))
                {
                    place.learn(name, &known);
                    learnt += 1;
                }
                let pushed = list.push(candidate.name.as_name(), &known);
                self.position = candidate.end;
                if pushed.is_err() {
                    // There was room for each: it is the first, whose name was cut.
                    return Ok(Status::BUFFER_OVERFLOW);
                }
                if query.single {
                    return Ok(Status::SUCCESS);
                }
            }
            self.position = batch.end;
        }
    }

    /// The next matching entries that there is room for, at most `wanted`.
    fn next_batch(&self, list: &EntryList<'_>, wanted: usize) -> nt::Result<Batch> {
        let mut batch = Batch {
            candidates: Vec::new(),
            end: self.position,
            full: false,
        };
        let mut used = list.used();
        let unread = self.raw.get(self.position.taken..).unwrap_or_default();
        let entries = Entries::new(unread).map_err(|_| Status::INVALID_NETWORK_RESPONSE)?;
        let dots = DOTS.iter().skip(self.position.dots).map(|dots| (*dots, None));
        let listed = entries.iter().map(|entry| (entry.name, Some(entry)));
        for (raw_name, entry) in dots.chain(listed) {
            let mut end = batch.end;
            let mut name = NameBuf::default();
            match &entry {
                None => {
                    end.dots += 1;
                    name.try_push_str(if end.dots == 1 { "." } else { ".." })?;
                }
                Some(entry) => {
                    end.taken += DirEntry::FIXED_LEN + entry.name.len();
                    // Dots have come already; what is no name could not be opened, and may be meant to mislead.
                    if !is_name(raw_name) || DOTS.contains(&raw_name) {
                        batch.end = end;
                        continue;
                    }
                    to_nt(raw_name, &mut name)?;
                }
            }
            if self.matches(name.as_name()) {
                match list.end_with(used, name.as_name()) {
                    Some(after) => used = after,
                    // The first entry is delivered with its name cut.
                    None if list.is_empty() && batch.candidates.is_empty() => used = usize::MAX,
                    None => {
                        batch.full = true;
                        break;
                    }
                }
                batch.candidates.try_push(Candidate {
                    name,
                    kind: entry.as_ref().map_or(EntryType::DIRECTORY, |entry| entry.kind),
                    file_id: entry.as_ref().map_or(0, |entry| entry.qid.path),
                    raw_name: entry.is_some().then(|| end.taken - raw_name.len()..end.taken),
                    end,
                })?;
            }
            batch.end = end;
            if batch.candidates.len() == wanted || used == usize::MAX {
                break;
            }
        }
        Ok(batch)
    }

    fn matches(&self, name: Name<'_>) -> bool {
        self.pattern.as_ref().is_none_or(|pattern| pattern.matches(name))
    }

    /// Fetches the next run of entries.
    async fn read_more(&mut self, directory: &OwnedFid) -> nt::Result {
        let count = directory.client().payload_max().min(READDIR_MAX);
        let Listed { raw, next } = dialect::list(directory, self.cookies.next(), count).await?;
        match next {
            Some(cookie) => self.cookies.advance(cookie)?,
            None => self.at_end = true,
        }
        self.raw = raw;
        self.position.taken = 0;
        Ok(())
    }

    /// The attributes of each candidate; `None` for one that is gone. `..` is never walked, as it could leave the share:
    /// both dots show the directory.
    async fn attributes(
        &self,
        directory: &OwnedFid,
        place: &Place<'_>,
        links: &Links<'_>,
        candidates: &[Candidate],
    ) -> nt::Result<Vec<Option<Attributes>>> {
        let mut names: Vec<&[u8]> = Vec::try_with_room(candidates.len())?;
        for range in candidates
            .iter()
            .filter_map(|candidate| candidate.raw_name.clone())
        {
            names.try_push(self.raw.get(range).unwrap_or_default())?;
        }
        let dots = candidates.len() - names.len();
        let mut attributes = Vec::try_with_room(candidates.len())?;
        if dots > 0 {
            let reply = directory.client().getattr(directory.fid()).await?;
            let mut own = Attributes::new(&reply, b".");
            if self.kept {
                own.add(dos_attributes::read(directory).await?);
            }
            for candidate in candidates.iter().take(dots) {
                let mut shown = own;
                if candidate.end.dots == DOTS.len() {
                    // What is above may be out of the share: it has no number here.
                    shown.file_id = 0;
                }
                attributes.try_push(Some(shown))?;
            }
        }
        for known in self.look_at(directory, place, links, &names).await? {
            attributes.try_push(known)?;
        }
        Ok(attributes)
    }

    /// The attributes of the entries `names`, dots aside.
    async fn look_at(
        &self,
        directory: &OwnedFid,
        place: &Place<'_>,
        links: &Links<'_>,
        names: &[&[u8]],
    ) -> nt::Result<Vec<Option<Attributes>>> {
        let mut found = dialect::attributes_of(directory, names, self.kept).await?;
        if found.iter().flatten().any(|known| known.mode.is_symlink()) {
            // Boxed: few listings need the room.
            Box::into_pin(try_box(place.follow_links(links, names, &mut found))?).await?;
        }
        Ok(found)
    }

    /// Looks for a pattern that is a name by that name: what most programs ask for is one file, and the directory may
    /// be large. Where there is none, the listing may still have one that differs in case.
    async fn look_for_literal(
        &self,
        directory: &OwnedFid,
        place: &Place<'_>,
        links: &Links<'_>,
    ) -> nt::Result<Option<Attributes>> {
        let Some(literal) = &self.literal else {
            return Ok(None);
        };
        let mut name = Vec::new();
        match to_server(literal.as_name(), &mut name) {
            Ok(()) => {}
            Err(Status::INSUFFICIENT_RESOURCES) => return Err(Status::INSUFFICIENT_RESOURCES),
            // A dot, or what no file is called.
            Err(_) => return Ok(None),
        }
        let names = [name.as_slice()];
        let mut found = self.look_at(directory, place, links, &names).await?;
        Ok(found.pop().flatten())
    }

    /// Delivers the only entry that a name without wildcards leads to.
    fn deliver_literal(&mut self, found: &Attributes, list: &mut EntryList<'_>) -> Status {
        let name = self.literal.as_ref().map(NameBuf::as_name).unwrap_or_default();
        let pushed = list.push(name, found);
        self.at_end = true;
        self.position.dots = DOTS.len();
        match pushed {
            Ok(()) => Status::SUCCESS,
            Err(_) => Status::BUFFER_OVERFLOW,
        }
    }
}

/// Whether a character is in no name and no wildcard either (`[MS-FSCC]` 2.1.5).
fn no_pattern_has(unit: &u16) -> bool {
    const NEVER: [u16; 4] = nt::ascii!("\\/:|");
    *unit < 0x20 || NEVER.contains(unit)
}

#[cfg(test)]
mod tests;
