//! Which directories have something open below them: what a rename of a directory must know, without a look at every open
//! file of the share.
//!
//! A tree of its own, of the directories above the named FCBs, each by its parent and its last component. A directory
//! exists here as long as something uses it: an FCB in it, a directory in it, a rename that leads there. Nothing here says
//! what there is on the server.

use nt::{Name, NameBuf, Status};

use crate::extensions::Extensions;
use crate::id::{FcbId, Id, NetRootId, kind};
use crate::names::component_at;
use crate::table::{Chained, NameHasher};
use crate::tree::{STALE, Tree, bump, drop_one};

pub(crate) type DirectoryId = Id<kind::Directory>;

const SEPARATOR: u16 = b'\\' as u16;

/// A directory with something open below it. The root of a share is none: it is not renamed.
pub(crate) struct Directory {
    pub(crate) net_root: NetRootId,
    pub(crate) parent: Option<DirectoryId>,
    /// The last component, with its backslash.
    pub(crate) name: NameBuf,
    hash: u64,
    chain: Option<DirectoryId>,
    /// FCBs and directories in it, and renames under way from or to here.
    pub(crate) uses: u32,
    /// The file that stands for this directory, while it is being renamed: nothing below is opened meanwhile.
    pub(crate) renaming: Option<FcbId>,
}

/// The table of directories, by share, parent and name.
pub(crate) enum ByParent {}

impl Chained<kind::Directory, ByParent> for Directory {
    fn hash(&self) -> u64 {
        self.hash
    }

    fn next(&self) -> Option<DirectoryId> {
        self.chain
    }

    fn set_next(&mut self, next: Option<DirectoryId>) {
        self.chain = next;
    }
}

/// How far the way to a directory is known.
pub(crate) struct Way {
    /// The last directory of it that exists; `None` for the root.
    at: Option<DirectoryId>,
    /// How many units of the path lead there.
    units: usize,
    /// The topmost directory of it that is being renamed.
    pub(crate) renaming: Option<FcbId>,
}

impl Way {
    /// Whether it leads all the way along `path`, and to `directory`.
    pub(crate) fn leads_to(&self, directory: Option<DirectoryId>, path: Name<'_>) -> bool {
        self.units == path.len() && self.at == directory
    }
}

/// The path of the directory that `path` is in; empty for what is in the root of the share.
pub(crate) fn parent_path(path: Name<'_>) -> Name<'_> {
    path.rsplit_once(SEPARATOR)
        .map_or(Name::EMPTY, |(parent, _)| parent)
}

impl<X: Extensions> Tree<X> {
    fn directory_hash(&self, net_root: NetRootId, parent: Option<DirectoryId>, name: Name<'_>) -> u64 {
        NameHasher::new(self.config.seed)
            .number(net_root.to_raw())
            .number(parent.map_or(0, Id::to_raw))
            .name(name)
            .finish()
    }

    /// The way to the directory at `path`.
    pub(crate) fn way_to(&self, net_root: NetRootId, path: Name<'_>) -> Way {
        let case = self.file_case(net_root);
        let mut way = Way {
            at: None,
            units: 0,
            renaming: None,
        };
        while let Some(name) = component_at(path, way.units) {
            let hash = self.directory_hash(net_root, way.at, name);
            let found = self.below.candidates(&self.directories, hash).find(|(_, known)| {
                known.net_root == net_root && known.parent == way.at && case.equal(known.name.as_name(), name)
            });
            let Some((id, directory)) = found else { break };
            way.at = Some(id);
            way.units = way.units.saturating_add(name.len());
            way.renaming = way.renaming.or(directory.renaming);
        }
        way
    }

    /// Whether something is open below the directory at `path`.
    pub(crate) fn is_used_below(&self, net_root: NetRootId, path: Name<'_>) -> bool {
        let way = self.way_to(net_root, path);
        way.units == path.len() && way.at.is_some()
    }

    /// Takes a use of the directory at `path`, to which `way` leads, and makes what is missing of it. `None` for the root.
    pub(crate) fn hold_directory(
        &mut self,
        net_root: NetRootId,
        path: Name<'_>,
        way: &Way,
    ) -> nt::Result<Option<DirectoryId>> {
        let (mut at, mut units) = (way.at, way.units);
        if let Some(id) = at {
            bump(&mut self.directories.get_mut(id).ok_or(STALE)?.uses)?;
        }
        while let Some(name) = component_at(path, units) {
            match self.make_directory(net_root, at, name) {
                Ok(id) => at = Some(id),
                Err(status) => {
                    self.release_directory(at);
                    return Err(status);
                }
            }
            units = units.saturating_add(name.len());
        }
        Ok(at)
    }

    /// Makes a directory that is used once, and takes the place of its maker's use of `parent`.
    fn make_directory(
        &mut self,
        net_root: NetRootId,
        parent: Option<DirectoryId>,
        name: Name<'_>,
    ) -> nt::Result<DirectoryId> {
        let hash = self.directory_hash(net_root, parent, name);
        let name = NameBuf::try_from_units(name.as_units())?;
        self.below.prepare(&mut self.directories)?;
        let id = self.directories.insert(Directory {
            net_root,
            parent,
            name,
            hash,
            chain: None,
            uses: 1,
            renaming: None,
        })?;
        self.below.insert(&mut self.directories, id);
        Ok(id)
    }

    /// Gives a use back. What nothing uses any more goes, up to the root.
    pub(crate) fn release_directory(&mut self, id: Option<DirectoryId>) {
        let mut next = id;
        while let Some(id) = next {
            let Some(directory) = self.directories.get_mut(id) else {
                return;
            };
            drop_one(&mut directory.uses);
            if directory.uses > 0 {
                return;
            }
            next = directory.parent;
            self.below.remove(&mut self.directories, id);
            self.directories.remove(id);
        }
    }
}

/// A rename under way: what it needs, so that it cannot fail for want of memory once the server has done it.
pub(crate) struct Rename {
    /// Where the file goes.
    pub(crate) path: NameBuf,
    /// A use of the directory there.
    pub(crate) directory: Option<DirectoryId>,
    /// Of a directory: a use of the directory itself, which lets nothing be opened below.
    pub(crate) itself: Option<DirectoryId>,
}

impl<X: Extensions> Tree<X> {
    /// Gets all that the rename of a file to `path` needs.
    ///
    /// # Errors
    /// `LOCK_NOT_GRANTED`: a directory above the file or above `path` is being renamed itself. `INSUFFICIENT_RESOURCES`.
    pub(crate) fn prepare_rename(
        &mut self,
        fcb: FcbId,
        path: Name<'_>,
        is_directory: bool,
    ) -> nt::Result<Rename> {
        let (net_root, new_path) = (self.fcb(fcb)?.net_root, path);
        let to = parent_path(new_path);
        let way = self.way_to(net_root, to);
        let own_way = self.way_to(net_root, self.fcb(fcb)?.path());
        if way.renaming.is_some() || own_way.renaming.is_some() {
            return Err(Status::LOCK_NOT_GRANTED);
        }
        let path = NameBuf::try_from_units(new_path.as_units())?;
        let own = if is_directory {
            Some(NameBuf::try_from_units(self.fcb(fcb)?.path().as_units())?)
        } else {
            None
        };
        let directory = self.hold_directory(net_root, to, &way)?;
        let mut itself = None;
        if let Some(own) = own {
            // The way there may have become longer just now.
            let own_way = self.way_to(net_root, own.as_name());
            match self.hold_directory(net_root, own.as_name(), &own_way) {
                Ok(held) => itself = held,
                Err(status) => {
                    self.release_directory(directory);
                    return Err(status);
                }
            }
            if let Some(held) = itself.and_then(|id| self.directories.get_mut(id)) {
                held.renaming = Some(fcb);
            }
        }
        Ok(Rename {
            path,
            directory,
            itself,
        })
    }

    /// Lets opens below a directory begin again that was being renamed.
    pub(crate) fn end_renaming(&mut self, itself: Option<DirectoryId>) {
        if let Some(directory) = itself.and_then(|id| self.directories.get_mut(id)) {
            directory.renaming = None;
        }
        self.release_directory(itself);
    }
}
