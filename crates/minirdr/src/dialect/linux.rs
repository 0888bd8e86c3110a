//! 9P2000.L: one small step per message.
//!
//! Its servers are of two kinds: those that remove and rename by directory and name (Tunlinkat, Trenameat), and those
//! that only do it by file (Tremove, Trename). Which kind one is shows when it is first asked.

mod listing;

use alloc::vec::Vec;

use executive::mem::TryVec;
use ninep::wire::{Treaddir, Tremove, Trename, Trenameat, Tunlinkat, UnlinkFlags};
use nt::Status;

use super::Listed;
use crate::server::client::OwnedFid;

pub(super) use listing::attributes_of;

/// Removes `name`, which leads to `target`, from a directory.
pub(super) async fn remove_name(
    parent: &OwnedFid,
    name: &[u8],
    target: OwnedFid,
    is_directory: bool,
) -> nt::Result {
    let client = parent.client();
    if client.works_by_name() {
        let flags = if is_directory {
            UnlinkFlags::REMOVE_DIRECTORY
        } else {
            UnlinkFlags::empty()
        };
        let request = Tunlinkat {
            dirfid: parent.fid(),
            name,
            flags,
        };
        match client.call(&request, |_| ()).await {
            Err(Status::NOT_SUPPORTED) => client.set_works_by_file(),
            removed => return removed,
        }
    }
    // By a fid of its own, so that the one in use stays usable to the end.
    target.end_by(|fid| Tremove { fid }).await
}

/// Gives `old_name`, which leads to `source`, another place and name; what has that name is replaced.
pub(super) async fn move_name(
    old_parent: &OwnedFid,
    old_name: &[u8],
    source: OwnedFid,
    new_parent: &OwnedFid,
    new_name: &[u8],
) -> nt::Result {
    let client = old_parent.client();
    if client.works_by_name() {
        let request = Trenameat {
            olddirfid: old_parent.fid(),
            oldname: old_name,
            newdirfid: new_parent.fid(),
            newname: new_name,
        };
        match client.call(&request, |_| ()).await {
            Err(Status::NOT_SUPPORTED) => client.set_works_by_file(),
            renamed => return renamed,
        }
    }
    // Never by a fid that is open: diod does not survive that.
    let request = Trename {
        fid: source.fid(),
        dfid: new_parent.fid(),
        name: new_name,
    };
    client.call(&request, |_| ()).await
}

/// Treaddir.
pub(super) async fn list(directory: &OwnedFid, cookie: u64, count: u32) -> nt::Result<Listed> {
    let request = Treaddir {
        fid: directory.fid(),
        offset: cookie,
        count,
    };
    let read = directory.client().call(&request, |reply| {
        let mut raw = Vec::new();
        let next = reply.entries.iter().last().map(|entry| entry.offset);
        raw.try_extend_from_slice(reply.entries.as_bytes())
            .map(|()| Listed { raw, next })
    });
    Ok(read.await??)
}
