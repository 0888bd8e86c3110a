//! The files of a server in memory: inodes and the names that lead to them.

use std::collections::BTreeMap;

use super::locks::Locks;

pub(super) const ENOENT: u32 = 2;
pub(super) const EEXIST: u32 = 17;
pub(super) const ENOTDIR: u32 = 20;
pub(super) const EISDIR: u32 = 21;
pub(super) const EINVAL: u32 = 22;
pub(super) const EFBIG: u32 = 27;
pub(super) const ENAMETOOLONG: u32 = 36;
pub(super) const ENOTEMPTY: u32 = 39;

/// An error number of Linux.
pub(super) type Errno = u32;

/// The largest file.
const LARGEST: usize = 64 << 20;

/// Bits of a mode that tell kinds of files apart.
pub(super) const S_IFMT: u32 = 0o170_000;
pub(super) const S_IFDIR: u32 = 0o040_000;
const S_IFREG: u32 = 0o100_000;
const S_IFLNK: u32 = 0o120_000;

/// An inode's number.
pub(super) type Ino = u64;

/// The root's number.
pub(super) const ROOT: Ino = 1;

/// What an inode is of.
#[derive(Debug)]
pub(super) enum Kind {
    File(Vec<u8>),
    Directory(Directory),
    Link(Vec<u8>),
    /// A device, FIFO or socket; its kind is in its mode.
    Special,
}

#[derive(Debug)]
pub(super) struct Directory {
    pub(super) parent: Ino,
    pub(super) entries: BTreeMap<Vec<u8>, Entry>,
}

/// What a name leads to. Cookies grow, so that a listing goes on where it was whatever comes and goes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    pub(super) ino: Ino,
    pub(super) cookie: u64,
}

#[derive(Debug)]
pub(super) struct Node {
    pub(super) kind: Kind,
    /// Kind and permissions.
    pub(super) mode: u32,
    pub(super) uid: u32,
    pub(super) gid: u32,
    pub(super) names: u64,
    /// Fids that stand for it.
    pub(super) fids: u64,
    /// Last access, modification and change, in nanoseconds.
    pub(super) times: [u64; 3],
    pub(super) attributes: BTreeMap<Vec<u8>, Vec<u8>>,
    pub(super) locks: Locks,
}

impl Node {
    fn new(kind: Kind, permissions: u32, gid: u32, now: u64) -> Self {
        let kind_bits = match kind {
            Kind::File(_) => S_IFREG,
            Kind::Directory(_) => S_IFDIR,
            Kind::Link(_) => S_IFLNK,
            Kind::Special => permissions & S_IFMT,
        };
        Self {
            kind,
            mode: kind_bits | (permissions & 0o7777),
            uid: 0,
            gid,
            names: 1,
            fids: 0,
            times: [now; 3],
            attributes: BTreeMap::new(),
            locks: Locks::default(),
        }
    }

    pub(super) fn size(&self) -> u64 {
        match &self.kind {
            Kind::File(data) | Kind::Link(data) => data.len() as u64,
            Kind::Directory(_) | Kind::Special => 0,
        }
    }

    pub(super) fn data(&mut self) -> Result<&mut Vec<u8>, Errno> {
        match &mut self.kind {
            Kind::File(data) => Ok(data),
            Kind::Directory(_) => Err(EISDIR),
            Kind::Link(_) | Kind::Special => Err(EINVAL),
        }
    }

    /// Cuts or fills with zeros.
    pub(super) fn resize(&mut self, size: u64) -> Result<(), Errno> {
        let size = usize::try_from(size).map_err(|_| EFBIG)?;
        if size > LARGEST {
            return Err(EFBIG);
        }
        self.data()?.resize(size, 0);
        Ok(())
    }
}

#[derive(Debug)]
pub(super) struct Tree {
    nodes: BTreeMap<Ino, Node>,
    /// The next inode, cookie and tick of the clock: none comes twice.
    next: u64,
}

impl Default for Tree {
    fn default() -> Self {
        let root = Directory {
            parent: ROOT,
            entries: BTreeMap::new(),
        };
        let root = Node::new(Kind::Directory(root), 0o777, 0, 0);
        Self {
            nodes: BTreeMap::from([(ROOT, root)]),
            next: 10,
        }
    }
}

impl Tree {
    pub(super) fn tick(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    /// # Errors
    /// `ENOENT`: there is no such inode any more.
    pub(super) fn node(&self, ino: Ino) -> Result<&Node, Errno> {
        self.nodes.get(&ino).ok_or(ENOENT)
    }

    pub(super) fn node_mut(&mut self, ino: Ino) -> Result<&mut Node, Errno> {
        self.nodes.get_mut(&ino).ok_or(ENOENT)
    }

    pub(super) fn directory(&self, ino: Ino) -> Result<&Directory, Errno> {
        match &self.node(ino)?.kind {
            Kind::Directory(directory) => Ok(directory),
            _ => Err(ENOTDIR),
        }
    }

    fn entries(&mut self, ino: Ino) -> Result<&mut BTreeMap<Vec<u8>, Entry>, Errno> {
        match &mut self.node_mut(ino)?.kind {
            Kind::Directory(directory) => Ok(&mut directory.entries),
            _ => Err(ENOTDIR),
        }
    }

    pub(super) fn look_up(&self, directory: Ino, name: &[u8]) -> Result<Ino, Errno> {
        let found = self.directory(directory)?;
        match name {
            b"." => Ok(directory),
            b".." => Ok(found.parent),
            _ => found.entries.get(name).map(|entry| entry.ino).ok_or(ENOENT),
        }
    }

    /// Makes something new. A directory's parent is set here.
    pub(super) fn make(
        &mut self,
        directory: Ino,
        name: &[u8],
        mut kind: Kind,
        permissions: u32,
        gid: u32,
    ) -> Result<Ino, Errno> {
        check_name(name)?;
        if self.look_up(directory, name).is_ok() {
            return Err(EEXIST);
        }
        self.directory(directory)?;
        if let Kind::Directory(made) = &mut kind {
            made.parent = directory;
        }
        let ino = self.tick();
        self.nodes.insert(ino, Node::new(kind, permissions, gid, ino));
        self.enter(directory, name, ino)?;
        Ok(ino)
    }

    fn enter(&mut self, directory: Ino, name: &[u8], ino: Ino) -> Result<(), Errno> {
        let cookie = self.tick();
        self.entries(directory)?
            .insert(name.to_vec(), Entry { ino, cookie });
        self.touch(directory);
        Ok(())
    }

    /// Modification and change are now.
    pub(super) fn touch(&mut self, ino: Ino) {
        let now = self.tick();
        if let Some(node) = self.nodes.get_mut(&ino) {
            node.times[1..].fill(now);
        }
    }

    pub(super) fn link(&mut self, directory: Ino, name: &[u8], ino: Ino) -> Result<(), Errno> {
        check_name(name)?;
        if self.look_up(directory, name).is_ok() {
            return Err(EEXIST);
        }
        self.node_mut(ino)?.names += 1;
        self.enter(directory, name, ino)
    }

    /// Takes a name away. `directory_wanted`: rmdir, else unlink; none: whatever it is.
    pub(super) fn unlink(
        &mut self,
        directory: Ino,
        name: &[u8],
        directory_wanted: Option<bool>,
    ) -> Result<(), Errno> {
        check_name(name)?;
        let ino = self.look_up(directory, name)?;
        match (&self.node(ino)?.kind, directory_wanted) {
            (Kind::Directory(_), Some(false)) => return Err(EISDIR),
            (Kind::Directory(found), _) if !found.entries.is_empty() => return Err(ENOTEMPTY),
            (Kind::Directory(_), _) | (_, None | Some(false)) => {}
            (_, Some(true)) => return Err(ENOTDIR),
        }
        self.entries(directory)?.remove(name);
        self.touch(directory);
        self.node_mut(ino)?.names -= 1;
        self.forget_unused(ino);
        Ok(())
    }

    pub(super) fn rename(&mut self, from: (Ino, &[u8]), to: (Ino, &[u8])) -> Result<(), Errno> {
        check_name(from.1)?;
        check_name(to.1)?;
        let ino = self.look_up(from.0, from.1)?;
        // A directory does not go below itself.
        let mut above = to.0;
        while above != ROOT {
            if above == ino {
                return Err(EINVAL);
            }
            above = self.directory(above)?.parent;
        }
        let moves_directory = matches!(self.node(ino)?.kind, Kind::Directory(_));
        match self.look_up(to.0, to.1) {
            // Two names of one file: nothing is done.
            Ok(old) if old == ino => return Ok(()),
            Ok(_) => self.unlink(to.0, to.1, Some(moves_directory))?,
            Err(ENOENT) => {}
            Err(errno) => return Err(errno),
        }
        self.entries(from.0)?.remove(from.1);
        self.touch(from.0);
        self.enter(to.0, to.1, ino)?;
        if let Kind::Directory(moved) = &mut self.node_mut(ino)?.kind {
            moved.parent = to.0;
        }
        Ok(())
    }

    /// Some name of `ino`, and the directory it is in.
    pub(super) fn name_of(&self, ino: Ino) -> Result<(Ino, Vec<u8>), Errno> {
        let mut names = self.nodes.iter().filter_map(|(&directory, node)| {
            let Kind::Directory(found) = &node.kind else {
                return None;
            };
            let mut entries = found.entries.iter();
            let (name, _) = entries.find(|(_, entry)| entry.ino == ino)?;
            Some((directory, name.clone()))
        });
        names.next().ok_or(ENOENT)
    }

    pub(super) fn hold(&mut self, ino: Ino) {
        if let Some(node) = self.nodes.get_mut(&ino) {
            node.fids += 1;
        }
    }

    pub(super) fn release(&mut self, ino: Ino) {
        if let Some(node) = self.nodes.get_mut(&ino) {
            node.fids -= 1;
            self.forget_unused(ino);
        }
    }

    fn forget_unused(&mut self, ino: Ino) {
        let unused = |node: &Node| node.names == 0 && node.fids == 0;
        if self.nodes.get(&ino).is_some_and(unused) {
            self.nodes.remove(&ino);
        }
    }

    /// What a path from the root leads to.
    pub(super) fn at(&self, path: &str) -> Result<Ino, Errno> {
        let mut parts = path.split('/').filter(|part| !part.is_empty());
        parts.try_fold(ROOT, |at, part| self.look_up(at, part.as_bytes()))
    }

    /// Every path below `directory`, and what it leads to.
    pub(super) fn paths(&self, directory: Ino, before: &str, found: &mut Vec<(String, Ino)>) {
        let Ok(listed) = self.directory(directory) else {
            return;
        };
        for (name, entry) in &listed.entries {
            let path = format!("{before}{}", String::from_utf8_lossy(name));
            self.paths(entry.ino, &format!("{path}/"), found);
            found.push((path, entry.ino));
        }
    }
}

fn check_name(name: &[u8]) -> Result<(), Errno> {
    match name {
        b"" => Err(ENOENT),
        b"." | b".." => Err(EINVAL),
        _ if name.len() > 255 => Err(ENAMETOOLONG),
        _ if name.contains(&b'/') || name.contains(&0) => Err(EINVAL),
        _ => Ok(()),
    }
}
