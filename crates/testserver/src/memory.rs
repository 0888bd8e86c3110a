//! A good server without a disk or a socket: requests in, replies out. It speaks all of 9P2000.L, extended attributes
//! and locks among it, and does everything in the order in which it is asked.

mod answer;
mod locks;
mod tree;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tree::{Ino, Kind, Tree};

/// Who is at the server without being a client.
const SOMEBODY: locks::Owner = (u32::MAX, Vec::new());

/// What clients share. Clones are the same server.
#[derive(Clone, Debug, Default)]
pub struct MemoryServer {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    tree: Mutex<Tree>,
    /// Types of messages that this server does not know.
    refused: Mutex<Vec<u8>>,
    connections: Mutex<u64>,
}

/// A file, as a test looks at it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MemoryFile {
    /// With its data.
    File(Vec<u8>),
    /// A directory.
    Directory,
    /// A symbolic link, with its text.
    Link(Vec<u8>),
    /// A device, FIFO or socket.
    Special,
}

/// One client's connection.
#[derive(Debug)]
pub struct MemoryConnection {
    shared: Arc<Shared>,
    number: u64,
    fids: BTreeMap<u32, Fid>,
    msize: u32,
}

/// What a fid stands for.
#[derive(Debug)]
struct Fid {
    ino: Ino,
    state: State,
}

#[derive(Debug)]
enum State {
    Walked,
    Opened,
    /// An extended attribute, or the list of their names, being read.
    ReadsAttribute(Vec<u8>),
    /// An extended attribute being written: it is set when the fid goes.
    WritesAttribute {
        name: Vec<u8>,
        value: Vec<u8>,
        size: usize,
    },
}

impl Shared {
    fn tree(&self) -> MutexGuard<'_, Tree> {
        self.tree.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl MemoryServer {
    /// A server with an empty root.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Answers messages of these types with `EOPNOTSUPP` from now on.
    pub fn refuse(&self, kinds: &[u8]) {
        let mut refused = self.shared.refused.lock().unwrap_or_else(PoisonError::into_inner);
        refused.clear();
        refused.extend_from_slice(kinds);
    }

    /// A new client.
    #[must_use]
    pub fn connect(&self) -> MemoryConnection {
        let mut connections = self
            .shared
            .connections
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        *connections += 1;
        MemoryConnection {
            shared: Arc::clone(&self.shared),
            number: *connections,
            fids: BTreeMap::new(),
            msize: answer::MSIZE,
        }
    }

    /// Makes a file, directory or link at a path from the root, and the directories that lead to it.
    ///
    /// # Panics
    /// If there is something of another kind.
    pub fn make(&self, path: &str, file: MemoryFile) {
        let mut tree = self.shared.tree();
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
        let mut at = tree::ROOT;
        for part in folder.split('/').filter(|part| !part.is_empty()) {
            at = match tree.look_up(at, part.as_bytes()) {
                Ok(found) => found,
                Err(_) => tree
                    .make(at, part.as_bytes(), answer::new_directory(), 0o777, 0)
                    .expect("a folder"),
            };
        }
        let kind = match file {
            MemoryFile::File(data) => Kind::File(data),
            MemoryFile::Directory => answer::new_directory(),
            MemoryFile::Link(target) => Kind::Link(target),
            MemoryFile::Special => Kind::Special,
        };
        tree.make(at, name.as_bytes(), kind, 0o666, 0)
            .expect("nothing is there yet");
    }

    /// Puts another file in the place of what is at a path from the root, as programs do that write a new one and rename
    /// it.
    pub fn replace(&self, path: &str, file: MemoryFile) {
        {
            let mut tree = self.shared.tree();
            let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
            if let Ok(folder) = tree.at(folder) {
                // Nothing there is as good.
                let _ = tree.unlink(folder, name.as_bytes(), None);
            }
        }
        self.make(path, file);
    }

    /// What is at a path from the root.
    #[must_use]
    pub fn file(&self, path: &str) -> Option<MemoryFile> {
        let tree = self.shared.tree();
        let node = tree.node(tree.at(path).ok()?).ok()?;
        Some(match &node.kind {
            Kind::File(data) => MemoryFile::File(data.clone()),
            Kind::Directory(_) => MemoryFile::Directory,
            Kind::Link(target) => MemoryFile::Link(target.clone()),
            Kind::Special => MemoryFile::Special,
        })
    }

    /// Every path below the root with the number of its file, by path.
    #[must_use]
    pub fn paths(&self) -> Vec<(String, u64)> {
        let mut found = Vec::new();
        self.shared.tree().paths(tree::ROOT, "", &mut found);
        found.sort();
        found
    }

    /// Somebody else locks all of the file at this path, if it is free.
    ///
    /// # Panics
    /// If there is no such file.
    pub fn lock(&self, path: &str) -> bool {
        let mut tree = self.shared.tree();
        let node = tree.at(path).and_then(|ino| tree.node_mut(ino));
        let node = node.expect("a file to lock");
        node.locks.lock(&SOMEBODY, (0, u64::MAX), true, (0, 0))
    }

    /// Takes the lock away that [`Self::lock`] took.
    ///
    /// # Panics
    /// If there is no such file.
    pub fn unlock(&self, path: &str) {
        let mut tree = self.shared.tree();
        let node = tree.at(path).and_then(|ino| tree.node_mut(ino));
        node.expect("a file to unlock")
            .locks
            .unlock(&SOMEBODY, (0, u64::MAX));
    }

    /// Whether anybody has a lock on the file at this path.
    #[must_use]
    pub fn is_locked(&self, path: &str) -> bool {
        let tree = self.shared.tree();
        let node = tree.at(path).and_then(|ino| tree.node(ino));
        node.is_ok_and(|node| !node.locks.is_empty())
    }
}

impl MemoryConnection {
    /// The message size that was agreed.
    #[must_use]
    pub fn msize(&self) -> u32 {
        self.msize
    }

    /// How many fids the client has.
    #[must_use]
    pub fn fids(&self) -> usize {
        self.fids.len()
    }

    /// Ends a fid. What was written to an attribute is set now.
    fn clunk(&mut self, number: u32) -> Result<(), tree::Errno> {
        let fid = self.fids.remove(&number).ok_or(answer::EBADF)?;
        let mut tree = self.shared.tree();
        let holder = (self.number, number);
        let mut done = Ok(());
        if let Ok(node) = tree.node_mut(fid.ino) {
            node.locks.release(holder);
            if let State::WritesAttribute { name, value, size } = fid.state {
                // Nothing of it has come, or not all.
                match value.len() == size {
                    true if size == 0 => {
                        done = node.attributes.remove(&name).map(drop).ok_or(answer::ENODATA)
                    }
                    true => drop(node.attributes.insert(name, value)),
                    false => done = Err(tree::EINVAL),
                }
            }
        }
        tree.release(fid.ino);
        done
    }

    fn clunk_all(&mut self) {
        while let Some((&number, _)) = self.fids.first_key_value() {
            // Nobody is there to be told.
            let _ = self.clunk(number);
        }
    }
}

impl Drop for MemoryConnection {
    fn drop(&mut self) {
        // A client that is lost has not said that its attributes are whole.
        for fid in self.fids.values_mut() {
            fid.state = State::Walked;
        }
        self.clunk_all();
    }
}

#[cfg(test)]
mod tests {
    use super::{MemoryConnection, MemoryFile, MemoryServer};
    use crate::frame::{Frame, kind, put_string};

    /// What `connection` answers, or the error number.
    fn ask(connection: &mut MemoryConnection, kind: u8, body: &[&[u8]]) -> Result<Vec<u8>, u32> {
        let body = body.concat();
        let reply = connection.answer(&Frame { kind, tag: 1, body }.bytes());
        let reply = Frame::read(&mut &reply[..], u32::MAX).unwrap().unwrap();
        assert_eq!(reply.tag, 1);
        if reply.kind == kind::RLERROR {
            return Err(reply.fields().u32().unwrap());
        }
        assert_eq!(reply.kind, kind + 1);
        Ok(reply.body)
    }

    fn word(number: u32) -> [u8; 4] {
        number.to_le_bytes()
    }

    fn name(text: &str) -> Vec<u8> {
        let mut name = Vec::new();
        put_string(&mut name, text.as_bytes());
        name
    }

    fn attached(server: &MemoryServer) -> MemoryConnection {
        let mut connection = server.connect();
        let nobody = word(u32::MAX);
        let attach = [&word(0)[..], &nobody, &name("u"), &name("/"), &nobody];
        ask(&mut connection, kind::TATTACH, &attach).unwrap();
        connection
    }

    fn walk(connection: &mut MemoryConnection, to: u32, path: &[&str]) -> Result<(), u32> {
        let mut names = (path.len() as u16).to_le_bytes().to_vec();
        path.iter().for_each(|part| names.extend(name(part)));
        let walked = ask(connection, kind::TWALK, &[&word(0), &word(to), &names])?;
        assert_eq!(walked.len(), 2 + 13 * path.len(), "all the way");
        Ok(())
    }

    #[test]
    fn files_are_made_written_moved_and_removed() {
        let server = MemoryServer::new();
        server.make("d/there", MemoryFile::File(b"old".into()));
        let mut one = attached(&server);
        walk(&mut one, 1, &["d"]).unwrap();
        let create = [&word(1)[..], &name("new"), &word(2), &word(0o644), &word(0)];
        ask(&mut one, kind::TLCREATE, &create).unwrap();
        ask(
            &mut one,
            kind::TWRITE,
            &[&word(1), &3_u64.to_le_bytes(), &word(4), b"data"],
        )
        .unwrap();
        assert_eq!(server.file("d/new"), Some(MemoryFile::File(b"\0\0\0data".into())));
        walk(&mut one, 2, &["d"]).unwrap();
        let rename = [&word(2)[..], &name("new"), &word(0), &name("moved")];
        ask(&mut one, kind::TRENAMEAT, &rename).unwrap();
        let read = ask(&mut one, kind::TREAD, &[&word(1), &5_u64.to_le_bytes(), &word(9)]);
        assert_eq!(
            read.unwrap(),
            b"\x02\0\0\0ta",
            "a fid is a file, whatever its name"
        );
        let unlink = |what: &str, flags| [word(0).to_vec(), name(what), word(flags).to_vec()].concat();
        assert_eq!(ask(&mut one, kind::TUNLINKAT, &[&unlink("d", 0x200)]), Err(39));
        ask(&mut one, kind::TUNLINKAT, &[&unlink("moved", 0)]).unwrap();
        assert_eq!(walk(&mut one, 3, &["moved"]), Err(2));
        let paths = server.paths();
        assert_eq!(
            paths.iter().map(|(path, _)| &path[..]).collect::<Vec<_>>(),
            ["d", "d/there"]
        );
    }

    #[test]
    fn attributes_are_set_when_they_are_whole() {
        let server = MemoryServer::new();
        server.make("f", MemoryFile::File(Vec::new()));
        let mut one = attached(&server);
        let value = |one: &mut MemoryConnection, fid| {
            walk(one, fid, &["f"]).unwrap();
            ask(
                one,
                kind::TXATTRWALK,
                &[&word(fid), &word(fid + 1), &name("user.x")],
            )?;
            ask(
                one,
                kind::TREAD,
                &[&word(fid + 1), &0_u64.to_le_bytes(), &word(99)],
            )
        };
        walk(&mut one, 1, &["f"]).unwrap();
        let create = [&word(1)[..], &name("user.x"), &5_u64.to_le_bytes(), &word(0)];
        ask(&mut one, kind::TXATTRCREATE, &create).unwrap();
        ask(
            &mut one,
            kind::TWRITE,
            &[&word(1), &0_u64.to_le_bytes(), &word(5), b"12345"],
        )
        .unwrap();
        assert_eq!(value(&mut one, 10), Err(61), "not yet");
        ask(&mut one, kind::TCLUNK, &[&word(1)]).unwrap();
        assert_eq!(value(&mut one, 20).unwrap(), b"\x05\0\0\x0012345");
    }

    #[test]
    fn locks_go_with_their_connection() {
        let server = MemoryServer::new();
        server.make("f", MemoryFile::File(Vec::new()));
        let (mut one, mut two) = (attached(&server), attached(&server));
        let lock = |connection: &mut MemoryConnection, owner: &str| {
            let range = [0_u64.to_le_bytes(), 10_u64.to_le_bytes()].concat();
            let lock = [&word(1)[..], &[1], &word(0), &range, &word(7), &name(owner)];
            ask(connection, kind::TLOCK, &lock).unwrap()
        };
        walk(&mut one, 1, &["f"]).unwrap();
        walk(&mut two, 1, &["f"]).unwrap();
        assert_eq!(lock(&mut one, "one"), [0]);
        assert_eq!(lock(&mut two, "two"), [1]);
        drop(one);
        assert_eq!(lock(&mut two, "two"), [0]);
        assert!(server.is_locked("f"));
    }
}
