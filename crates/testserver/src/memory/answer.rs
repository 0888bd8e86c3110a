//! Message by message.

use std::collections::BTreeMap;

use super::locks::end_of;
use super::tree::{
    Directory, EEXIST, EFBIG, EINVAL, EISDIR, ENOENT, Errno, Ino, Kind, Node, ROOT, S_IFMT, Tree,
};
use super::{Fid, MemoryConnection, State};
use crate::frame::{Fields, Frame, NO_TAG, kind, put_string};

pub(super) const EBADF: Errno = 9;
pub(super) const ENODATA: Errno = 61;
const EOPNOTSUPP: Errno = 95;

/// The largest message that is agreed to.
pub(super) const MSIZE: u32 = (64 << 10) + 24;
const VERSION: &[u8] = b"9P2000.L";

/// What `Rread` and `Rreaddir` have besides data.
const DATA_HEADER: u32 = 11;

const O_TRUNC: u32 = 0o1000;
const AT_REMOVEDIR: u32 = 0x200;

/// Types of locks, and what becomes of asking for one.
const LOCK_SHARED: u8 = 0;
const LOCK_EXCLUSIVE: u8 = 1;
const LOCK_NONE: u8 = 2;
const LOCK_SUCCESS: u8 = 0;
const LOCK_BLOCKED: u8 = 1;

type Body = Result<Vec<u8>, Errno>;

pub(super) fn new_directory() -> Kind {
    Kind::Directory(Directory {
        parent: ROOT,
        entries: BTreeMap::new(),
    })
}

impl MemoryConnection {
    /// Does what `request` asks, a whole frame, and says what came of it.
    #[must_use]
    pub fn answer(&mut self, request: &[u8]) -> Vec<u8> {
        let Ok(Some(request)) = Frame::read(&mut &request[..], u32::MAX) else {
            return Frame::error(NO_TAG, EINVAL).bytes();
        };
        let refused = {
            let refused = self.shared.refused.lock();
            refused.is_ok_and(|refused| refused.contains(&request.kind))
        };
        let body = if refused {
            Err(EOPNOTSUPP)
        } else {
            self.body(&request)
        };
        let reply = match body {
            Ok(body) => Frame {
                kind: request.kind + 1,
                tag: request.tag,
                body,
            },
            Err(errno) => Frame::error(request.tag, errno),
        };
        reply.bytes()
    }

    fn body(&mut self, request: &Frame) -> Body {
        let mut fields = request.fields();
        // Whatever has another number of fields is malformed.
        self.dispatch(request.kind, &mut fields).unwrap_or(Err(EINVAL))
    }

    fn dispatch(&mut self, kind: u8, fields: &mut Fields<'_>) -> Option<Body> {
        Some(match kind {
            kind::TVERSION => self.version(fields.u32()?, fields.string()?),
            kind::TATTACH => self.attach(fields.u32()?),
            kind::TFLUSH | kind::TFSYNC => Ok(Vec::new()),
            kind::TWALK => return self.walk(fields),
            kind::TREAD | kind::TREADDIR => {
                let (fid, offset, count) = (fields.u32()?, fields.u64()?, fields.u32()?);
                let count = count.min(self.msize.saturating_sub(DATA_HEADER));
                match kind {
                    kind::TREAD => self.read(fid, offset, count as usize),
                    _ => self.read_directory(fid, offset, count as usize),
                }
            }
            kind::TWRITE => {
                let (fid, offset, count) = (fields.u32()?, fields.u64()?, fields.u32()?);
                self.write(fid, offset, fields.bytes(count as usize)?)
            }
            kind::TCLUNK => self.clunk(fields.u32()?).map(|()| Vec::new()),
            kind::TREMOVE => self.remove(fields.u32()?),
            kind::TSTATFS => self.look(fields.u32()?).map(|_| statfs()),
            kind::TLOPEN => self.open(fields.u32()?, fields.u32()?),
            kind::TGETATTR => self.look(fields.u32()?).and_then(|ino| self.getattr(ino)),
            kind::TSETATTR => return self.setattr(fields),
            kind::TREADLINK => self.readlink(fields.u32()?),
            kind::TLCREATE | kind::TSYMLINK | kind::TMKNOD | kind::TMKDIR | kind::TLINK => {
                return self.make(kind, fields);
            }
            kind::TRENAME | kind::TRENAMEAT | kind::TUNLINKAT => return self.names(kind, fields),
            kind::TXATTRWALK => self.walk_attribute(fields.u32()?, fields.u32()?, fields.string()?),
            kind::TXATTRCREATE => self.create_attribute(fields.u32()?, fields.string()?, fields.u64()?),
            kind::TLOCK | kind::TGETLOCK => return self.lock(kind, fields),
            kind::TAUTH => Err(ENOENT),
            _ => Err(EOPNOTSUPP),
        })
    }

    fn version(&mut self, msize: u32, version: &[u8]) -> Body {
        self.clunk_all();
        self.msize = msize.min(MSIZE);
        let mut body = self.msize.to_le_bytes().to_vec();
        put_string(&mut body, if version == VERSION { VERSION } else { b"unknown" });
        Ok(body)
    }

    fn look(&self, fid: u32) -> Result<Ino, Errno> {
        self.fids.get(&fid).map(|fid| fid.ino).ok_or(EBADF)
    }

    fn add(&mut self, number: u32, ino: Ino, state: State) -> Result<(), Errno> {
        if self.fids.contains_key(&number) {
            return Err(EEXIST);
        }
        self.shared.tree().hold(ino);
        self.fids.insert(number, Fid { ino, state });
        Ok(())
    }

    fn attach(&mut self, fid: u32) -> Body {
        self.add(fid, ROOT, State::Walked)?;
        qid(&self.shared.tree(), ROOT)
    }

    fn walk(&mut self, fields: &mut Fields<'_>) -> Option<Body> {
        let (fid, new, count) = (fields.u32()?, fields.u32()?, fields.u16()?);
        let mut names = Vec::new();
        for _ in 0..count {
            names.push(fields.string()?);
        }
        Some(self.walk_names(fid, new, &names))
    }

    fn walk_names(&mut self, fid: u32, new: u32, names: &[&[u8]]) -> Body {
        let mut at = self.look(fid)?;
        let mut qids = Vec::new();
        {
            let tree = self.shared.tree();
            for name in names {
                match tree.look_up(at, name) {
                    Ok(found) => at = found,
                    Err(errno) if qids.is_empty() => return Err(errno),
                    // A short walk makes no fid.
                    Err(_) => return Ok(counted(qids)),
                }
                qids.push(qid(&tree, at)?);
            }
        }
        if new == fid {
            self.clunk(fid)?;
        }
        self.add(new, at, State::Walked)?;
        Ok(counted(qids))
    }

    fn open(&mut self, number: u32, flags: u32) -> Body {
        let fid = self.fids.get_mut(&number).ok_or(EBADF)?;
        if !matches!(fid.state, State::Walked) {
            return Err(EINVAL);
        }
        let mut tree = self.shared.tree();
        if flags & 3 != 0 && tree.directory(fid.ino).is_ok() {
            return Err(EISDIR);
        }
        if flags & O_TRUNC != 0 {
            tree.node_mut(fid.ino)?.resize(0)?;
            tree.touch(fid.ino);
        }
        fid.state = State::Opened;
        opened(&tree, fid.ino)
    }

    fn read(&self, fid: u32, offset: u64, count: usize) -> Body {
        let fid = self.fids.get(&fid).ok_or(EBADF)?;
        let mut tree = self.shared.tree();
        let data: &[u8] = match &fid.state {
            State::ReadsAttribute(value) => value,
            State::Opened => tree.node_mut(fid.ino)?.data()?,
            State::Walked | State::WritesAttribute { .. } => return Err(EBADF),
        };
        let rest = usize::try_from(offset).ok().and_then(|offset| data.get(offset..));
        let part = rest.map_or(&[][..], |rest| &rest[..count.min(rest.len())]);
        Ok(with_length(part.to_vec()))
    }

    fn write(&mut self, fid: u32, offset: u64, data: &[u8]) -> Body {
        let fid = self.fids.get_mut(&fid).ok_or(EBADF)?;
        let mut tree = self.shared.tree();
        match &mut fid.state {
            State::WritesAttribute { value, size, .. } => {
                if offset != value.len() as u64 || value.len() + data.len() > *size {
                    return Err(EINVAL);
                }
                value.extend_from_slice(data);
            }
            State::Opened => {
                let node = tree.node_mut(fid.ino)?;
                let end = offset.checked_add(data.len() as u64).ok_or(EFBIG)?;
                if end > node.size() {
                    node.resize(end)?;
                }
                let start = usize::try_from(offset).map_err(|_| EFBIG)?;
                node.data()?[start..start + data.len()].copy_from_slice(data);
                tree.touch(fid.ino);
            }
            State::Walked | State::ReadsAttribute(_) => return Err(EBADF),
        }
        Ok((data.len() as u32).to_le_bytes().to_vec())
    }

    fn read_directory(&self, fid: u32, offset: u64, count: usize) -> Body {
        let tree = self.shared.tree();
        let ino = self.look(fid)?;
        let directory = tree.directory(ino)?;
        // Cookies of entries are greater.
        let mut all = vec![(1, &b"."[..], ino), (2, b"..", directory.parent)];
        let entries = directory.entries.iter();
        all.extend(entries.map(|(name, entry)| (entry.cookie, &name[..], entry.ino)));
        all.sort_unstable();
        let mut listed = Vec::new();
        for (cookie, name, ino) in all {
            let mut entry = qid(&tree, ino)?;
            entry.extend(cookie.to_le_bytes());
            entry.push(0);
            put_string(&mut entry, name);
            if cookie > offset {
                if listed.len() + entry.len() > count {
                    break;
                }
                listed.extend(entry);
            }
        }
        Ok(with_length(listed))
    }

    fn getattr(&self, ino: Ino) -> Body {
        /// All but birth time, generation and data version.
        const BASIC: u64 = 0x7ff;
        let tree = self.shared.tree();
        let node = tree.node(ino)?;
        let mut body = BASIC.to_le_bytes().to_vec();
        body.extend(qid(&tree, ino)?);
        for word in [node.mode, node.uid, node.gid] {
            body.extend(word.to_le_bytes());
        }
        for long in [node.names, 0, node.size(), 4096, node.size().div_ceil(512)] {
            body.extend(long.to_le_bytes());
        }
        for time in node.times.into_iter().chain([0]) {
            body.extend((time / 1_000_000_000).to_le_bytes());
            body.extend((time % 1_000_000_000).to_le_bytes());
        }
        body.extend([0; 16]);
        Ok(body)
    }

    fn setattr(&mut self, fields: &mut Fields<'_>) -> Option<Body> {
        let (fid, valid) = (fields.u32()?, fields.u32()?);
        let (mode, uid, gid) = (fields.u32()?, fields.u32()?, fields.u32()?);
        let size = fields.u64()?;
        let mut times = [0; 2];
        for time in &mut times {
            *time = fields
                .u64()?
                .wrapping_mul(1_000_000_000)
                .wrapping_add(fields.u64()?);
        }
        let set = || {
            let mut tree = self.shared.tree();
            let now = tree.tick();
            let node = tree.node_mut(self.look(fid)?)?;
            if valid & 8 != 0 {
                node.resize(size)?;
                node.times[1] = now;
            }
            if valid & 1 != 0 {
                node.mode = (node.mode & S_IFMT) | (mode & 0o7777);
            }
            if valid & 2 != 0 {
                node.uid = uid;
            }
            if valid & 4 != 0 {
                node.gid = gid;
            }
            // Access and modification: now, or what is given.
            for (index, (touched, given)) in [(0x10, 0x80), (0x20, 0x100)].into_iter().enumerate() {
                if valid & touched != 0 {
                    node.times[index] = if valid & given != 0 { times[index] } else { now };
                }
            }
            node.times[2] = now;
            Ok(Vec::new())
        };
        Some(set())
    }

    fn readlink(&self, fid: u32) -> Body {
        let tree = self.shared.tree();
        let Kind::Link(target) = &tree.node(self.look(fid)?)?.kind else {
            return Err(EINVAL);
        };
        let mut body = Vec::new();
        put_string(&mut body, target);
        Ok(body)
    }

    /// New names in a directory.
    fn make(&mut self, kind: u8, fields: &mut Fields<'_>) -> Option<Body> {
        let directory = fields.u32()?;
        let other = if kind == kind::TLINK { fields.u32()? } else { 0 };
        let name = fields.string()?;
        let (new, permissions) = match kind {
            kind::TLCREATE => {
                fields.u32()?;
                (Kind::File(Vec::new()), fields.u32()?)
            }
            kind::TSYMLINK => (Kind::Link(fields.string()?.to_vec()), 0o777),
            kind::TMKNOD => (Kind::Special, fields.u32()?),
            _ => (new_directory(), fields.u32().unwrap_or_default()),
        };
        let gid = fields.last_u32().unwrap_or_default();
        Some(self.look(directory).and_then(|at| {
            let mut tree = self.shared.tree();
            if kind == kind::TLINK {
                let linked = self.look(other)?;
                return tree.link(at, name, linked).map(|()| Vec::new());
            }
            let made = tree.make(at, name, new, permissions, gid)?;
            if kind != kind::TLCREATE {
                return qid(&tree, made);
            }
            // The directory's fid is the file's from now on.
            tree.hold(made);
            tree.release(at);
            let fid = Fid {
                ino: made,
                state: State::Opened,
            };
            self.fids.insert(directory, fid);
            opened(&tree, made)
        }))
    }

    /// Names that move or go.
    fn names(&mut self, kind: u8, fields: &mut Fields<'_>) -> Option<Body> {
        let (first, done) = (fields.u32()?, |()| Vec::new());
        Some(match kind {
            kind::TRENAME => {
                let (directory, name) = (fields.u32()?, fields.string()?);
                self.look(first).and_then(|ino| {
                    let mut tree = self.shared.tree();
                    let (from, old) = tree.name_of(ino)?;
                    tree.rename((from, &old), (self.look(directory)?, name)).map(done)
                })
            }
            kind::TRENAMEAT => {
                let (old, second, new) = (fields.string()?, fields.u32()?, fields.string()?);
                self.look(first).and_then(|from| {
                    let to = self.look(second)?;
                    self.shared.tree().rename((from, old), (to, new)).map(done)
                })
            }
            _ => {
                let (name, flags) = (fields.string()?, fields.u32()?);
                let directory = Some(flags & AT_REMOVEDIR != 0);
                self.look(first)
                    .and_then(|at| self.shared.tree().unlink(at, name, directory).map(done))
            }
        })
    }

    fn remove(&mut self, fid: u32) -> Body {
        let removed = self.look(fid).and_then(|ino| {
            let mut tree = self.shared.tree();
            let (directory, name) = tree.name_of(ino)?;
            tree.unlink(directory, &name, None)
        });
        // The fid goes whatever came of it.
        self.clunk(fid)?;
        removed.map(|()| Vec::new())
    }

    fn walk_attribute(&mut self, fid: u32, new: u32, name: &[u8]) -> Body {
        let ino = self.look(fid)?;
        let value = {
            let tree = self.shared.tree();
            let attributes = &tree.node(ino)?.attributes;
            if name.is_empty() {
                let names = attributes.keys().flat_map(|name| name.iter().chain([&0]));
                names.copied().collect()
            } else {
                attributes.get(name).ok_or(ENODATA)?.clone()
            }
        };
        let size = value.len() as u64;
        self.add(new, ino, State::ReadsAttribute(value))?;
        Ok(size.to_le_bytes().to_vec())
    }

    fn create_attribute(&mut self, fid: u32, name: &[u8], size: u64) -> Body {
        /// What Linux allows.
        const LARGEST: u64 = 65_536;
        const E2BIG: Errno = 7;
        if size > LARGEST {
            return Err(E2BIG);
        }
        let fid = self.fids.get_mut(&fid).ok_or(EBADF)?;
        fid.state = State::WritesAttribute {
            name: name.to_vec(),
            value: Vec::new(),
            size: size as usize,
        };
        Ok(Vec::new())
    }

    fn lock(&mut self, kind: u8, fields: &mut Fields<'_>) -> Option<Body> {
        let (number, wanted) = (fields.u32()?, fields.u8()?);
        if kind == kind::TLOCK {
            // Whether to wait: nobody is made to wait here.
            fields.u32()?;
        }
        let (start, length) = (fields.u64()?, fields.u64()?);
        let owner = (fields.u32()?, fields.string()?.to_vec());
        let range = (start, end_of(start, length));
        let exclusive = wanted == LOCK_EXCLUSIVE;
        let holder = (self.number, number);
        let lock = || {
            let ino = self.look(number)?;
            let mut tree = self.shared.tree();
            let locks = &mut tree.node_mut(ino)?.locks;
            if kind == kind::TGETLOCK {
                let found = locks.conflict(&owner, range, exclusive);
                return Ok(found_lock(found, range, owner));
            }
            let granted = match wanted {
                LOCK_NONE => {
                    locks.unlock(&owner, range);
                    true
                }
                _ => locks.lock(&owner, range, exclusive, holder),
            };
            Ok(vec![if granted { LOCK_SUCCESS } else { LOCK_BLOCKED }])
        };
        Some(lock())
    }
}

fn found_lock(
    found: Option<(u64, u64, bool, super::locks::Owner)>,
    asked: (u64, u64),
    owner: super::locks::Owner,
) -> Vec<u8> {
    let (kind, (start, end), (process, client)) = match found {
        None => (LOCK_NONE, asked, owner),
        Some((start, end, true, owner)) => (LOCK_EXCLUSIVE, (start, end), owner),
        Some((start, end, false, owner)) => (LOCK_SHARED, (start, end), owner),
    };
    let mut body = vec![kind];
    body.extend(start.to_le_bytes());
    body.extend(if end == u64::MAX { 0 } else { end - start }.to_le_bytes());
    body.extend(process.to_le_bytes());
    put_string(&mut body, &client);
    body
}

fn statfs() -> Vec<u8> {
    let mut body = [0x0102_1997_u32.to_le_bytes(), 4096_u32.to_le_bytes()].concat();
    for long in [1_u64 << 20, 1 << 19, 1 << 19, 1 << 16, 1 << 15, 1] {
        body.extend(long.to_le_bytes());
    }
    body.extend(255_u32.to_le_bytes());
    body
}

fn qid(tree: &Tree, ino: Ino) -> Body {
    let Node { kind, .. } = tree.node(ino)?;
    let bits = match kind {
        Kind::Directory(_) => 0x80,
        Kind::Link(_) => 0x02,
        Kind::File(_) | Kind::Special => 0,
    };
    let mut qid = vec![bits, 0, 0, 0, 0];
    qid.extend(ino.to_le_bytes());
    Ok(qid)
}

fn opened(tree: &Tree, ino: Ino) -> Body {
    let mut body = qid(tree, ino)?;
    // No word on how much is best at once.
    body.extend([0; 4]);
    Ok(body)
}

/// Qids with their number in front.
fn counted(qids: Vec<Vec<u8>>) -> Vec<u8> {
    let mut body = (qids.len() as u16).to_le_bytes().to_vec();
    body.extend(qids.concat());
    body
}

fn with_length(data: Vec<u8>) -> Vec<u8> {
    let mut body = (data.len() as u32).to_le_bytes().to_vec();
    body.extend(data);
    body
}
