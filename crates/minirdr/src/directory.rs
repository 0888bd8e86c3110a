//! IRP_MN_QUERY_DIRECTORY: a directory read in the server's order, matched against NT's wildcards.
//!
//! The position is the server's cookie of the last entry delivered, never an index: entries that come or go between
//! two queries are neither repeated nor skipped where the server keeps its promise.

use alloc::vec::Vec;

use executive::mem::TryVec;
use executive::task::join_all;
use ninep::wire::{DirEntry, Entries, EntryType, Qid};
use nt::pattern::{Case, Pattern};
use nt::{FileInformationClass, Name, NameBuf, Status};

use crate::attributes::Attributes;
use crate::client::OwnedFid;
use crate::dialect::{self, Listed};
use crate::directory_entry::{EntryList, needs_attributes};
use crate::names::{is_name, to_nt};

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

/// Entries whose attributes are asked for at the same time.
const BATCH: usize = 16;
/// Most bytes of entries asked for at a time.
const READDIR_MAX: u32 = 64 * 1024;

/// Where a handle stands in its directory.
#[derive(Default)]
pub(crate) struct Scan {
    /// `None` until the first query, which fixes the pattern.
    pattern: Option<Pattern>,
    /// The server's cookie of the last entry in `raw`: where the next Treaddir goes on.
    cookie: u64,
    /// Whole entries as the server sent them.
    raw: Vec<u8>,
    /// Bytes of `raw` already delivered or passed over.
    taken: usize,
    /// The server has no more.
    at_end: bool,
    /// A query was answered since the handle was opened or restarted: from then on an empty answer is the end.
    answered: bool,
}

/// An entry that matched, before its attributes are known.
struct Candidate {
    name: NameBuf,
    kind: EntryType,
    qid: Qid,
    /// Range of the server's spelling in `Scan::raw`.
    raw_name: core::ops::Range<usize>,
}

impl Scan {
    /// Answers one query from `directory`, an open fid.
    ///
    /// # Errors
    /// `NO_SUCH_FILE` when nothing matches a first query, `NO_MORE_FILES` at the end, `INFO_LENGTH_MISMATCH`,
    /// `INVALID_INFO_CLASS`; the server's errors. `Ok` carries `BUFFER_OVERFLOW` with a first entry whose name was cut.
    pub(crate) async fn query(
        &mut self,
        directory: &OwnedFid,
        query: &DirectoryQuery<'_>,
        buffer: &mut [u8],
    ) -> nt::Result<(usize, Status)> {
        let mut list = EntryList::new(query.class, buffer)?;
        self.begin(query)?;
        let collected = self.collect(directory, query, &mut list).await;
        let first = !self.answered;
        self.answered |= collected.is_ok();
        match collected {
            // What came before a failure is delivered; the next query will meet the failure again.
            Err(status) if list.is_empty() => Err(status),
            Ok(Status::BUFFER_OVERFLOW) => Ok((list.used(), Status::BUFFER_OVERFLOW)),
            Ok(_) if list.is_empty() && first => Err(Status::NO_SUCH_FILE),
            Ok(_) if list.is_empty() => Err(Status::NO_MORE_FILES),
            Ok(_) | Err(_) => Ok((list.used(), Status::SUCCESS)),
        }
    }

    /// Fills `list` until it is full or the directory ends. `BUFFER_OVERFLOW`: its only entry's name was cut.
    async fn collect(
        &mut self,
        directory: &OwnedFid,
        query: &DirectoryQuery<'_>,
        list: &mut EntryList<'_>,
    ) -> nt::Result<Status> {
        loop {
            let wanted = if query.single { 1 } else { BATCH };
            let (batch, end) = self.next_batch(wanted)?;
            if batch.is_empty() {
                self.taken = end;
                if self.at_end {
                    return Ok(Status::SUCCESS);
                }
                self.read_more(directory).await?;
                continue;
            }
            let attributes = if needs_attributes(query.class) {
                self.attributes(directory, &batch).await?
            } else {
                Vec::new()
            };
            for (index, candidate) in batch.iter().enumerate() {
                let known = match attributes.get(index) {
                    // Gone between the listing and now.
                    Some(None) => continue,
                    Some(Some(known)) => *known,
                    None => Attributes::from_kind(candidate.kind, candidate.qid.path),
                };
                match list.push(candidate.name.as_name(), &known) {
                    Ok(()) => self.deliver(candidate),
                    Err(_) if list.is_empty() => {
                        self.deliver(candidate);
                        return Ok(Status::BUFFER_OVERFLOW);
                    }
                    Err(_) => return Ok(Status::SUCCESS),
                }
                if query.single {
                    return Ok(Status::SUCCESS);
                }
            }
            self.taken = end;
        }
    }

    /// Takes over the pattern of a first or restarting query.
    fn begin(&mut self, query: &DirectoryQuery<'_>) -> nt::Result {
        if query.restart {
            *self = Self {
                pattern: self.pattern.take(),
                ..Self::default()
            };
        }
        if self.pattern.is_some() && !query.restart {
            return Ok(());
        }
        match query.pattern {
            Some(pattern) if !pattern.is_empty() => {
                self.pattern = Some(Pattern::try_new(pattern, Case::Ignored)?);
            }
            _ if self.pattern.is_none() => self.pattern = Some(Pattern::try_any()?),
            _ => {}
        }
        Ok(())
    }

    /// Marks everything up to `candidate` as delivered.
    fn deliver(&mut self, candidate: &Candidate) {
        self.taken = candidate.raw_name.end;
    }

    /// The next matching entries, at most `wanted`, and where they end in `raw`.
    fn next_batch(&self, wanted: usize) -> nt::Result<(Vec<Candidate>, usize)> {
        let mut batch = Vec::new();
        let mut end = self.taken;
        let unread = self.raw.get(self.taken..).unwrap_or_default();
        let entries = Entries::new(unread).map_err(|_| Status::UNEXPECTED_NETWORK_ERROR)?;
        for entry in entries.iter() {
            let start = end + (DirEntry::FIXED_LEN);
            end = start + entry.name.len();
            if !is_name(entry.name) {
                continue;
            }
            let mut name = NameBuf::default();
            match entry.name {
                // The two names that mean the same on both sides; everywhere else a last dot is moved.
                dots @ (b"." | b"..") => {
                    for &dot in dots {
                        name.try_push(u16::from(dot))?;
                    }
                }
                other => to_nt(other, &mut name)?,
            }
            if self
                .pattern
                .as_ref()
                .is_none_or(|pattern| pattern.matches(name.as_name()))
            {
                batch.try_push(Candidate {
                    name,
                    kind: entry.kind,
                    qid: entry.qid,
                    raw_name: start..end,
                })?;
            }
            if batch.len() == wanted {
                break;
            }
        }
        Ok((batch, end))
    }

    /// Fetches the next run of entries.
    async fn read_more(&mut self, directory: &OwnedFid) -> nt::Result {
        let count = directory.client().payload_max().min(READDIR_MAX);
        let Listed { raw, next } = dialect::list(directory, self.cookie, count).await?;
        match next {
            // A cookie that does not move would list the same names for ever.
            Some(cookie) if cookie == self.cookie => return Err(Status::UNEXPECTED_NETWORK_ERROR),
            Some(cookie) => self.cookie = cookie,
            None => self.at_end = true,
        }
        self.raw = raw;
        self.taken = 0;
        Ok(())
    }

    /// The attributes of each candidate, asked for side by side; `None` for one that is gone.
    async fn attributes(
        &self,
        directory: &OwnedFid,
        batch: &[Candidate],
    ) -> nt::Result<Vec<Option<Attributes>>> {
        let mut futures = Vec::try_with_room(batch.len())?;
        for candidate in batch {
            let name = self.raw.get(candidate.raw_name.clone()).unwrap_or_default();
            futures.try_push(dialect::entry_attributes(directory, name))?;
        }
        let mut attributes = Vec::try_with_room(batch.len())?;
        for known in join_all(futures).await? {
            attributes.try_push(known?)?;
        }
        Ok(attributes)
    }
}
