//! Taking names away and giving new ones, on servers of either kind: those that work by directory and name
//! (Tunlinkat, Trenameat) and those that only work by file (Tremove, Trename).
//!
//! NT deletes and renames the file that was opened, whatever its name leads to by then. So the name is looked at first:
//! if somebody has put another file there, it stays where it is. 9P has no way to do both in one step.
//!
//! Some servers (diod) keep a path behind each fid, not a file: after a rename, the fids that did not take part in it
//! lead nowhere, though data still flows through those that are open. [`find`] leads back to the file.

use executive::mem::Arc;
use ninep::wire::{Tremove, Trename, Trenameat, Tunlinkat, UnlinkFlags};
use nt::{FileAttributes, Status};

use crate::attributes::Attributes;
use crate::client::OwnedFid;
use crate::names::ServerPath;

/// An open file as its name finds it.
pub(crate) struct Place {
    /// The root of its share.
    pub(crate) root: Arc<OwnedFid>,
    /// Its path below that, as this redirector knows it.
    pub(crate) path: ServerPath,
    /// Its qid path: which file it is.
    pub(crate) file_id: u64,
}

/// A new fid for the file at `place`.
///
/// # Errors
/// `OBJECT_NAME_NOT_FOUND` where the name leads to another file or none; otherwise the server's.
pub(crate) async fn find(place: &Place) -> nt::Result<OwnedFid> {
    let target = place.root.walk(place.path.components()).await?;
    check_same(target, place.file_id).await
}

/// Removes the file at `place`.
///
/// # Errors
/// As [`find`]; `ACCESS_DENIED` for the share's root.
pub(crate) async fn remove(place: &Place, is_directory: bool) -> nt::Result {
    let (parent, name) = parent_of(&place.root, &place.path).await?;
    let target = parent.walk(core::iter::once(name)).await?;
    let target = check_same(target, place.file_id).await?;
    let client = place.root.client();
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

/// Gives the file at `place` the path `to`; an existing file is replaced if `replace` says so.
///
/// # Errors
/// As [`remove`]; `OBJECT_PATH_NOT_FOUND` where the new directory does not exist; `OBJECT_NAME_COLLISION` where the
/// new name is taken and not to be replaced; `ACCESS_DENIED` where it is a directory's or a read-only file's.
pub(crate) async fn rename(place: &Place, to: &ServerPath, replace: bool) -> nt::Result {
    let client = place.root.client();
    let (old_parent, old_name) = parent_of(&place.root, &place.path).await?;
    let source = old_parent.walk(core::iter::once(old_name)).await?;
    let source = check_same(source, place.file_id).await?;
    let (new_parent, new_name) = parent_of(&place.root, to).await?;
    check_target(&new_parent, new_name, place.file_id, replace).await?;
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

/// Whether a rename of the file `file_id` to `name` may take that name.
async fn check_target(parent: &OwnedFid, name: &[u8], file_id: u64, replace: bool) -> nt::Result {
    let taken = match parent.walk(core::iter::once(name)).await {
        Ok(taken) => taken,
        Err(Status::OBJECT_NAME_NOT_FOUND) => return Ok(()),
        Err(status) => return Err(status),
    };
    let reply = taken.client().getattr(taken.fid()).await?;
    // The file itself, under its own name in another case on a server that folds case.
    if reply.qid.path == file_id {
        return Ok(());
    }
    if !replace {
        return Err(Status::OBJECT_NAME_COLLISION);
    }
    // POSIX would replace an empty directory, and looks at no permission of the file itself.
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
    let parent = root.walk_to_parent(ServerPath::components_of(directory)).await?;
    Ok((parent, name))
}

/// `target`, if it is the file `file_id`.
async fn check_same(target: OwnedFid, file_id: u64) -> nt::Result<OwnedFid> {
    if target.client().getattr(target.fid()).await?.qid.path == file_id {
        Ok(target)
    } else {
        Err(Status::OBJECT_NAME_NOT_FOUND)
    }
}
