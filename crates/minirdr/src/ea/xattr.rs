//! Extended attributes of Linux by 9P: Txattrwalk to read, Txattrcreate to set.

use alloc::vec::Vec;
use core::cmp::Ordering;
use core::ops::Range;

use executive::mem::{TryVec, TryZeroed};
use ninep::wire::{Tclunk, Txattrcreate, Txattrwalk};
use nt::Status;

use super::list::is_name;
use crate::file::data;
use crate::server::client::OwnedFid;

/// The attributes that users may set; all others are the system's.
const PREFIX: &[u8] = b"user.";
/// Longest list of names (XATTR_LIST_MAX of Linux).
const LIST_MAX: u64 = 65_536;
/// Longest value that NT has a field for; Linux's own bound (XATTR_SIZE_MAX) is one byte more.
const VALUE_MAX: u64 = 65_535;
/// Most attributes shown of one file.
const NAMES_MAX: usize = 4096;

/// Those of them that this redirector keeps for itself. Attributes that it makes for programs are in upper case.
const OWN: &[u8] = b"mrx9p.";

/// What NT calls the attribute that the server calls `name`; `None` where it cannot, or may not, see it.
fn shown(name: &[u8]) -> Option<&[u8]> {
    let name = name.strip_prefix(PREFIX)?;
    (is_name(name) && !name.starts_with(OWN)).then_some(name)
}

/// Compares names as NT spells them; of names that differ in case alone the one in upper case comes first.
fn compare(a: &[u8], b: &[u8]) -> Ordering {
    let upper = |name: &[u8], index| name.get(index).map(u8::to_ascii_uppercase);
    let longest = a.len().max(b.len());
    let differs = (0..longest)
        .map(|index| upper(a, index).cmp(&upper(b, index)))
        .find(|ordering| ordering.is_ne());
    differs.unwrap_or_else(|| a.cmp(b))
}

/// The attributes of one file that NT can see.
#[derive(Debug, Default)]
pub(crate) struct Names {
    list: Vec<u8>,
    /// Where each name is in `list`, in the order of the names as NT spells them.
    ranges: Vec<Range<usize>>,
}

impl Names {
    /// The attributes of `file`, by name, each once.
    ///
    /// # Errors
    /// `EAS_NOT_SUPPORTED`; `INVALID_NETWORK_RESPONSE` for a list longer than Linux allows; otherwise the server's.
    pub(crate) async fn of(file: &OwnedFid) -> nt::Result<Self> {
        if file.client().refuses_xattrs() {
            return Err(Status::EAS_NOT_SUPPORTED);
        }
        let list = match read(file, b"", LIST_MAX).await {
            Err(Status::NOT_SUPPORTED) => {
                file.client().set_refuses_xattrs();
                return Err(Status::EAS_NOT_SUPPORTED);
            }
            list => list?.ok_or(Status::INVALID_NETWORK_RESPONSE)?,
        };
        Self::parse(list)
    }

    /// Takes a list of names, each with its NUL.
    pub(crate) fn parse(list: Vec<u8>) -> nt::Result<Self> {
        let mut ranges = Vec::new();
        let mut start = 0;
        for name in list.split(|&byte| byte == 0) {
            let range = start..start + name.len();
            start = range.end + 1;
            if shown(name).is_some() && ranges.len() < NAMES_MAX {
                ranges.try_push(range)?;
            }
        }
        let spelled = |range: &Range<usize>| list.get(range.clone()).unwrap_or_default();
        ranges.sort_unstable_by(|a, b| compare(spelled(a), spelled(b)));
        ranges.dedup_by(|a, b| spelled(a).eq_ignore_ascii_case(spelled(b)));
        Ok(Self { list, ranges })
    }

    /// Whether the server has the attribute `name`, shown or not.
    pub(crate) fn has(&self, name: &[u8]) -> bool {
        self.list.split(|&byte| byte == 0).any(|other| other == name)
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.ranges.len()
    }

    /// The `index`th name: as the server spells it, and as NT does but for its case.
    pub(crate) fn get(&self, index: usize) -> Option<(&[u8], &[u8])> {
        let name = self.list.get(self.ranges.get(index)?.clone())?;
        Some((name, shown(name)?))
    }

    /// The server's spelling of the attribute that NT calls `name`.
    pub(crate) fn find(&self, name: &[u8]) -> Option<&[u8]> {
        let range = self.ranges.binary_search_by(|range| {
            let known = self.list.get(range.clone()).unwrap_or_default();
            let known = known.get(PREFIX.len()..).unwrap_or_default();
            if known.eq_ignore_ascii_case(name) {
                Ordering::Equal
            } else {
                compare(known, name)
            }
        });
        Some(self.get(range.ok()?)?.0)
    }
}

/// How long the value of `name` is. Errors as [`read`].
pub(crate) async fn value_len(file: &OwnedFid, name: &[u8]) -> nt::Result<u64> {
    Ok(walk(file, name).await?.1)
}

/// The value of `name`; `None` where it is longer than NT can say.
///
/// # Errors
/// `NONEXISTENT_EA_ENTRY`; otherwise the server's.
pub(crate) async fn value(file: &OwnedFid, name: &[u8]) -> nt::Result<Option<Vec<u8>>> {
    read(file, name, VALUE_MAX).await
}

async fn walk(file: &OwnedFid, name: &[u8]) -> nt::Result<(OwnedFid, u64)> {
    let view = OwnedFid::allocate(file.client())?;
    let request = Txattrwalk {
        fid: file.fid(),
        newfid: view.fid(),
        name,
    };
    let size = file.client().call(&request, |reply| reply.size).await?;
    Ok((view, size))
}

/// An attribute, or the list of names; `None` where it is longer than `most`.
async fn read(file: &OwnedFid, name: &[u8], most: u64) -> nt::Result<Option<Vec<u8>>> {
    let (view, size) = walk(file, name).await?;
    let Some(size) = usize::try_from(size).ok().filter(|_| size <= most) else {
        return Ok(None);
    };
    let mut buffer = Vec::try_zeroed(size)?;
    let read = match data::read(view.client(), view.fid(), 0, &mut buffer).await {
        // It has become shorter meanwhile.
        Err(Status::END_OF_FILE) => 0,
        read => read?,
    };
    buffer.truncate(read);
    Ok(Some(buffer))
}

/// Sets the attribute `name` of `file`, or with an empty value removes it. `is_known` says that it is there.
///
/// # Errors
/// `EAS_NOT_SUPPORTED`; `EA_TOO_LARGE` where there is no room for it; otherwise the server's.
pub(crate) async fn set(file: &OwnedFid, name: &[u8], value: &[u8]) -> nt::Result {
    /// XATTR_REPLACE: what is removed must be there.
    const REPLACE: u32 = 2;
    let writer = file.walk(core::iter::empty()).await?;
    let request = Txattrcreate {
        fid: writer.fid(),
        name,
        attr_size: u64::try_from(value.len()).unwrap_or(u64::MAX),
        flags: if value.is_empty() { REPLACE } else { 0 },
    };
    let client = file.client();
    let stored = match client.call(&request, |_| ()).await {
        Ok(()) => match data::write(client, writer.fid(), 0, value).await {
            // The server takes the value when it is told that it is whole.
            Ok(_) => writer.end_by(|fid| Tclunk { fid }).await,
            Err(status) => Err(status),
        },
        Err(status) => Err(status),
    };
    stored.map_err(|status| match status {
        Status::NOT_SUPPORTED => Status::EAS_NOT_SUPPORTED,
        Status::DISK_FULL | Status::BUFFER_TOO_SMALL | Status::FILE_TOO_LARGE => Status::EA_TOO_LARGE,
        status => status,
    })
}

/// Sets the attribute that NT calls `name`: the one that the server has, however it spells it, or a new one in upper
/// case, as NT does it. What is not there need not be removed. Errors as [`set`].
pub(crate) async fn set_by_name(file: &OwnedFid, names: &Names, name: &[u8], value: &[u8]) -> nt::Result {
    if let Some(known) = names.find(name) {
        return set(file, known, value).await;
    }
    if value.is_empty() {
        return Ok(());
    }
    let mut spelled = Vec::try_with_room(PREFIX.len() + name.len())?;
    spelled.try_extend_from_slice(PREFIX)?;
    for byte in name {
        spelled.try_push(byte.to_ascii_uppercase())?;
    }
    set(file, &spelled, value).await
}
