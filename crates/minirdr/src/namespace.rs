//! Taking names away and giving new ones. Which messages that takes is the dialect's business.
//!
//! NT deletes and renames the file that was opened, whatever its name leads to by then. So the name is looked at first:
//! if somebody has put another file there, it stays where it is. 9P has no way to do both in one step.
//!
//! Some servers (diod) keep a path behind each fid, not a file: after a rename, the fids that did not take part in it
//! lead nowhere, though data still flows through those that are open. [`find`] leads back to the file.

use alloc::boxed::Box;

use executive::mem::{Arc, try_box};
use ninep::wire::{Rgetattr, Tlink};
use nt::{FileAttributes, Status};

use crate::create::lookup::{Found, Lookup};
use crate::dialect::{look_up, move_name, remove_name};
use crate::file::OpenFile;
use crate::information::attributes::Attributes;
use crate::information::set_information::RenameFlags;
use crate::names::ServerPath;
use crate::objects::Platform;
use crate::server::client::{OwnedFid, after_change, retried};

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
    Ok(check_same(target, place.file_id).await?.0)
}

/// Removes the file at `place`.
///
/// # Errors
/// As [`find`]; `ACCESS_DENIED` for the share's root.
pub(crate) async fn remove(place: &Place) -> nt::Result {
    let (parent, name) = parent_of(&place.root, &place.path).await?;
    let target = same_at(&parent, name, place.file_id).await?;
    remove_name(&parent, name, target.file, target.reply.mode.is_directory()).await
}

/// Gives the file at `place` the path `to`; `flags` say what may be replaced. The result is whether another file was.
///
/// # Errors
/// As [`remove`]; `OBJECT_PATH_NOT_FOUND` where the new directory does not exist; `OBJECT_NAME_COLLISION` where the
/// new name is taken and not to be replaced; `ACCESS_DENIED` where it is a directory's or a read-only file's. By POSIX's
/// rules a directory replaces an empty one: `DIRECTORY_NOT_EMPTY`, `NOT_A_DIRECTORY` and `FILE_IS_A_DIRECTORY` otherwise.
pub(crate) async fn rename(place: &Place, to: &ServerPath, flags: RenameFlags) -> nt::Result<bool> {
    let (old_parent, old_name) = parent_of(&place.root, &place.path).await?;
    let Found {
        file: source,
        reply: found,
        ..
    } = same_at(&old_parent, old_name, place.file_id).await?;
    let (new_parent, new_name) = parent_of(&place.root, to).await?;
    let is_directory = found.mode.is_directory();
    let taken = check_target(&new_parent, new_name, place.file_id, is_directory, flags).await?;
    match taken {
        // Two names of one file: POSIX would leave both.
        Taken::BySame if found.nlink > 1 && !same_but_for_case(&place.path, to)? => {
            if !flags.contains(RenameFlags::REPLACE_IF_EXISTS) {
                return Err(Status::OBJECT_NAME_COLLISION);
            }
            remove_name(&old_parent, old_name, source, false).await?;
        }
        Taken::BySame | Taken::ByOther | Taken::Free => {
            move_name(&old_parent, old_name, source, &new_parent, new_name).await?;
        }
    }
    Ok(matches!(taken, Taken::ByOther))
}

/// Gives the file at `place` the path `to` as a further name; `flags` say what may be replaced. A name that may be left
/// beside `to` when this has failed goes to `left`.
///
/// # Errors
/// As [`rename`].
pub(crate) async fn link(
    place: &Place,
    to: &ServerPath,
    flags: RenameFlags,
    left: &mut Option<TemporaryName>,
) -> nt::Result<bool> {
    let source = find(place).await?;
    let (parent, name) = parent_of(&place.root, to).await?;
    match check_target(&parent, name, place.file_id, false, flags).await? {
        Taken::Free => link_as(&parent, &source, name).await.map(|()| false),
        Taken::BySame if flags.contains(RenameFlags::REPLACE_IF_EXISTS) => Ok(false),
        Taken::BySame => Err(Status::OBJECT_NAME_COLLISION),
        // POSIX links replace nothing, but renames do, and at once.
        Taken::ByOther => {
            let temporary = left.insert(TemporaryName::new(&parent));
            match link_as(&parent, &source, temporary.as_bytes()).await {
                Ok(()) => {}
                Err(status) => {
                    // Somebody else's, then.
                    if status == Status::OBJECT_NAME_COLLISION {
                        *left = None;
                    }
                    return Err(status);
                }
            }
            let placing = async {
                let made = parent.walk(core::iter::once(temporary.as_bytes())).await?;
                move_name(&parent, temporary.as_bytes(), made, &parent, name).await
            };
            placing.await.map_err(after_change)?;
            *left = None;
            Ok(true)
        }
    }
}

impl<P: Platform> OpenFile<P> {
    /// Takes away what may be left of a failure under a temporary name beside `path`, as well as that goes, and if need be
    /// on a new session: the failure is what counts.
    pub(crate) async fn take_back(&self, path: &ServerPath, temporary: &TemporaryName, is_directory: bool) {
        let name = temporary.as_bytes();
        let taking_back = async {
            retried!(async {
                let root = self.root().await?;
                let (parent, _) = parent_of(&root, path).await?;
                let made = parent.walk(core::iter::once(name)).await?;
                remove_name(&parent, name, made, is_directory).await
            })
        };
        // Boxed: hardly ever is the room needed.
        if let Ok(taking_back) = try_box(taking_back) {
            let _: nt::Result = Box::into_pin(taking_back).await;
        }
    }
}

/// Changes the name of a further link of the file at `place` from `from` to `to`.
pub(crate) async fn respell(place: &Place, from: &ServerPath, to: &ServerPath) -> nt::Result {
    let (old_parent, old_name) = parent_of(&place.root, from).await?;
    let (new_parent, new_name) = parent_of(&place.root, to).await?;
    let source = old_parent.walk(core::iter::once(old_name)).await?;
    move_name(&old_parent, old_name, source, &new_parent, new_name).await
}

async fn link_as(parent: &OwnedFid, source: &OwnedFid, name: &[u8]) -> nt::Result {
    let request = Tlink {
        dfid: parent.fid(),
        fid: source.fid(),
        name,
    };
    parent.client().call(&request, |_| ()).await
}

/// Who has the name that a file is to take.
enum Taken {
    Free,
    /// The file itself.
    BySame,
    /// A file that may be replaced.
    ByOther,
}

/// Whether the file `file_id`, which may be a directory, may take `name`.
async fn check_target(
    parent: &OwnedFid,
    name: &[u8],
    file_id: u64,
    is_directory: bool,
    flags: RenameFlags,
) -> nt::Result<Taken> {
    let Some(Found { reply, .. }) = entry(parent, name).await? else {
        return Ok(Taken::Free);
    };
    if reply.qid.path == file_id {
        return Ok(Taken::BySame);
    }
    if !flags.contains(RenameFlags::REPLACE_IF_EXISTS) {
        return Err(Status::OBJECT_NAME_COLLISION);
    }
    let attributes = Attributes::new(&reply, name);
    match (is_directory, attributes.is_directory()) {
        (false, false) => {}
        _ if !flags.contains(RenameFlags::POSIX_SEMANTICS) => return Err(Status::ACCESS_DENIED),
        // Whether it is empty, the server says.
        (true, true) => return Ok(Taken::ByOther),
        (true, false) => return Err(Status::NOT_A_DIRECTORY),
        (false, true) => return Err(Status::FILE_IS_A_DIRECTORY),
    }
    // POSIX looks at no permission of the file itself.
    let is_read_only = attributes.file_attributes.contains(FileAttributes::READONLY)
        && !flags.contains(RenameFlags::IGNORE_READONLY_ATTRIBUTE);
    if is_read_only {
        return Err(Status::ACCESS_DENIED);
    }
    Ok(Taken::ByOther)
}

/// Whether two paths are one to a server that does not distinguish case.
fn same_but_for_case(a: &ServerPath, b: &ServerPath) -> nt::Result<bool> {
    Ok(a.to_nt()?.as_name().eq_ignore_case(b.to_nt()?.as_name()))
}

/// A name for what is moved to its own as soon as it is whole.
pub(crate) struct TemporaryName([u8; Self::PREFIX.len() + 16]);

impl TemporaryName {
    const PREFIX: &[u8] = b".mrx9p-";

    /// A name that nothing in `parent` has, by all likelihood: who makes something of this name makes sure.
    pub(crate) fn new(parent: &OwnedFid) -> Self {
        let now = parent.client().runtime().now().as_nanos();
        let mut number = now ^ u64::from(parent.fid().0) << 40;
        let mut name = [0; Self::PREFIX.len() + 16];
        let (prefix, digits) = name.split_at_mut(Self::PREFIX.len());
        prefix.copy_from_slice(Self::PREFIX);
        for digit in digits {
            *digit = match (number & 15) as u8 {
                low @ ..10 => b'0' + low,
                high => b'a' + (high - 10),
            };
            number >>= 4;
        }
        Self(name)
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// The directory that `path` is in, and the name in it.
pub(crate) async fn parent_of<'p>(root: &OwnedFid, path: &'p ServerPath) -> nt::Result<(OwnedFid, &'p [u8])> {
    // The share's root has no name in it.
    let (directory, name) = path.split_last().ok_or(Status::ACCESS_DENIED)?;
    let parent = root.walk_to_parent(ServerPath::components_of(directory)).await?;
    Ok((parent, name))
}

/// The entry `name` of a directory, if it is there. A symbolic link is not followed.
pub(crate) async fn entry(directory: &OwnedFid, name: &[u8]) -> nt::Result<Option<Found>> {
    let path = ServerPath::from_components(core::iter::once(name))?;
    match look_up(directory, &path, None).await? {
        Lookup::Found(found) => Ok(Some(found)),
        Lookup::Missing(_) | Lookup::Link(_) => Ok(None),
    }
}

/// The entry `name` of a directory, if it is the file `file_id`; else `OBJECT_NAME_NOT_FOUND`.
pub(crate) async fn same_at(directory: &OwnedFid, name: &[u8], file_id: u64) -> nt::Result<Found> {
    let found = entry(directory, name).await?;
    found
        .filter(|found| found.reply.qid.path == file_id)
        .ok_or(Status::OBJECT_NAME_NOT_FOUND)
}

/// `target` and what it is, if it is the file `file_id`; else `OBJECT_NAME_NOT_FOUND`.
pub(crate) async fn check_same(target: OwnedFid, file_id: u64) -> nt::Result<(OwnedFid, Rgetattr)> {
    let reply = target.client().getattr(target.fid()).await?;
    if reply.qid.path == file_id {
        Ok((target, reply))
    } else {
        Err(Status::OBJECT_NAME_NOT_FOUND)
    }
}
