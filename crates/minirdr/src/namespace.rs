//! Taking names away and giving new ones, on servers of either kind: those that work by directory and name
//! (Tunlinkat, Trenameat) and those that only work by file (Tremove, Trename).
//!
//! NT deletes and renames the file that was opened, whatever its name leads to by then. So the name is looked at first:
//! if somebody has put another file there, it stays where it is. 9P has no way to do both in one step.

use ninep::wire::{Tremove, Trename, Trenameat, Tunlinkat, UnlinkFlags};
use nt::{FileAttributes, Status};

use crate::attributes::Attributes;
use crate::client::OwnedFid;
use crate::names::ServerPath;

/// Removes the file of `open`, whose path below `root` is `path`.
///
/// # Errors
/// `OBJECT_NAME_NOT_FOUND` where the name leads to another file or none; otherwise the server's.
pub(crate) async fn remove(
    root: &OwnedFid,
    path: &ServerPath,
    open: &OwnedFid,
    is_directory: bool,
) -> nt::Result {
    let (parent, name) = parent_of(root, path).await?;
    let target = same_file(&parent, name, open).await?;
    let client = open.client();
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

/// Gives the file of `open`, whose path below `root` is `from`, the path `to`; an existing file is replaced.
///
/// # Errors
/// As [`remove`]; `OBJECT_PATH_NOT_FOUND` where the new directory does not exist; `OBJECT_NAME_COLLISION` where the
/// new name is taken and not to be replaced.
pub(crate) async fn rename(
    root: &OwnedFid,
    from: &ServerPath,
    to: &ServerPath,
    open: &OwnedFid,
    replace: bool,
) -> nt::Result {
    let client = open.client();
    let (old_parent, old_name) = parent_of(root, from).await?;
    let source = same_file(&old_parent, old_name, open).await?;
    let (new_parent, new_name) = parent_of(root, to).await?;
    check_target(&new_parent, new_name, &source, replace).await?;
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
    // By the open's own fid: a server that keeps paths behind its fids then knows the new one.
    let request = Trename {
        fid: open.fid(),
        dfid: new_parent.fid(),
        name: new_name,
    };
    client.call(&request, |_| ()).await
}

/// Whether a rename of `source` to `name` may take that name.
async fn check_target(parent: &OwnedFid, name: &[u8], source: &OwnedFid, replace: bool) -> nt::Result {
    let taken = match parent.walk(core::iter::once(name)).await {
        Ok(taken) => taken,
        Err(Status::OBJECT_NAME_NOT_FOUND) => return Ok(()),
        Err(status) => return Err(status),
    };
    // The file itself, under its own name in another case on a server that folds case.
    if is_same(&taken, source).await? {
        return Ok(());
    }
    if !replace {
        return Err(Status::OBJECT_NAME_COLLISION);
    }
    // POSIX would replace an empty directory, and looks at no permission of the file itself.
    let reply = taken.client().getattr(taken.fid()).await?;
    let attributes = Attributes::new(&reply, name);
    if attributes.is_directory() || attributes.file_attributes.contains(FileAttributes::READONLY) {
        return Err(Status::ACCESS_DENIED);
    }
    Ok(())
}

/// The directory that `path` is in, and the name in it.
async fn parent_of<'p>(root: &OwnedFid, path: &'p ServerPath) -> nt::Result<(OwnedFid, &'p [u8])> {
    // The share's root has no name in it.
    let (directory, name) = path.split_last().ok_or(Status::ACCESS_DENIED)?;
    let parent = root
        .walk(ServerPath::components_of(directory))
        .await
        .map_err(|status| match status {
            Status::OBJECT_NAME_NOT_FOUND => Status::OBJECT_PATH_NOT_FOUND,
            other => other,
        })?;
    Ok((parent, name))
}

/// A fid for `name`, if that still is the file of `open`.
async fn same_file(parent: &OwnedFid, name: &[u8], open: &OwnedFid) -> nt::Result<OwnedFid> {
    let target = parent.walk(core::iter::once(name)).await?;
    if is_same(&target, open).await? {
        Ok(target)
    } else {
        Err(Status::OBJECT_NAME_NOT_FOUND)
    }
}

async fn is_same(one: &OwnedFid, other: &OwnedFid) -> nt::Result<bool> {
    let one = one.client().getattr(one.fid()).await?;
    let other = other.client().getattr(other.fid()).await?;
    Ok(one.qid.path == other.qid.path)
}
