//! What NT makes of names and handles, in memory and in the simplest way.

use nt::{AccessMask, CreateAction, CreateDisposition, ShareAccess, Status};

use crate::operation::{Kind, Opening, SLOTS};

/// What a step may come to: a success, or one of the failures that apply. Of several NT does not promise which.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Expected<V> {
    pub(crate) success: Option<V>,
    pub(crate) failures: Vec<Status>,
}

impl<V> Expected<V> {
    fn of(success: V, failures: Vec<Status>) -> Self {
        Self {
            success: failures.is_empty().then_some(success),
            failures,
        }
    }

    /// Of a handle whose connection was taken away; what is wrong with the request itself may be told first.
    fn orphaned() -> Self {
        Self {
            success: None,
            failures: vec![
                Status::UNEXPECTED_NETWORK_ERROR,
                Status::ACCESS_DENIED,
                Status::INVALID_PARAMETER,
            ],
        }
    }

    fn fails(status: Status) -> Self {
        Self {
            success: None,
            failures: vec![status],
        }
    }
}

type Node = usize;
const ROOT: Node = 0;

/// What temporary names begin with.
const TEMPORARY: &str = ".mrx9p-";

/// A name and what is known of it.
#[derive(Clone, Debug, Default)]
struct File {
    parent: Node,
    /// As it was spelled last.
    name: String,
    /// Names of one file have one number.
    number: usize,
    is_directory: bool,
    /// Goes with its last handle.
    is_doomed: bool,
    is_gone: bool,
}

/// A handle, of which requests can be made.
#[derive(Clone, Debug)]
pub(crate) struct Handle {
    pub(crate) node: Node,
    pub(crate) mapping: usize,
    access: AccessMask,
    share: ShareAccess,
    delete_on_close: bool,
    /// With it the name goes, whoever else has the file open.
    pub(crate) is_posix: bool,
    /// Where, and whether nobody else may have it.
    locks: Vec<(u64, bool)>,
    /// Its mapping was taken away.
    pub(crate) is_orphan: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct Model {
    files: Vec<File>,
    pub(crate) handles: [Option<Handle>; SLOTS],
    pub(crate) mapped: [bool; 2],
}

/// How long a lock is.
pub(crate) const LOCK_LENGTH: u64 = 7;

const SHARES: [(AccessMask, ShareAccess); 3] = [
    (AccessMask::READ_DATA, ShareAccess::READ),
    (AccessMask::WRITE_DATA, ShareAccess::WRITE),
    (AccessMask::DELETE, ShareAccess::DELETE),
];

impl Model {
    pub(crate) fn new() -> Self {
        let root = File {
            is_directory: true,
            ..File::default()
        };
        Self {
            files: vec![root],
            handles: Default::default(),
            mapped: [false; 2],
        }
    }

    fn child(&self, directory: Node, name: &str) -> Option<Node> {
        let is_it =
            |file: &File| !file.is_gone && file.parent == directory && file.name.eq_ignore_ascii_case(name);
        (1..self.files.len()).find(|&node| is_it(&self.files[node]))
    }

    fn children(&self, directory: Node) -> impl Iterator<Item = Node> {
        (1..self.files.len()).filter(move |&node| {
            let file = &self.files[node];
            !file.is_gone && file.parent == directory
        })
    }

    /// The directory that a path ends in and the name there.
    fn walk<'p>(&self, path: &'p str) -> Option<(Node, &'p str)> {
        let (folder, name) = path.rsplit_once('\\').unwrap_or(("", path));
        let directory = self.find(folder)?;
        self.files[directory].is_directory.then_some((directory, name))
    }

    pub(crate) fn find(&self, path: &str) -> Option<Node> {
        let mut parts = path.split('\\').filter(|part| !part.is_empty());
        parts.try_fold(ROOT, |at, part| self.child(at, part))
    }

    /// The path that the server has for a file.
    pub(crate) fn path(&self, node: Node) -> String {
        let file = &self.files[node];
        match file.parent {
            _ if node == ROOT => String::new(),
            ROOT => file.name.clone(),
            parent => format!("{}/{}", self.path(parent), file.name),
        }
    }

    /// All paths that there are.
    pub(crate) fn paths(&self) -> Vec<String> {
        let there = (1..self.files.len()).filter(|&node| !self.files[node].is_gone);
        let mut paths: Vec<_> = there.map(|node| self.path(node)).collect();
        paths.sort();
        paths
    }

    /// The live handles of a file.
    fn handles_of(&self, node: Node) -> impl Iterator<Item = &Handle> {
        let live = self.handles.iter().flatten().filter(|handle| !handle.is_orphan);
        live.filter(move |handle| handle.node == node)
    }

    fn is_open_below(&self, directory: Node) -> bool {
        self.children(directory)
            .any(|node| self.handles_of(node).next().is_some() || self.is_open_below(node))
    }

    fn violates_sharing(&self, node: Node, access: AccessMask, share: ShareAccess) -> bool {
        let takes_part = |access: AccessMask| SHARES.iter().any(|(right, _)| access.contains(*right));
        let clash = |one: AccessMask, other: ShareAccess| {
            SHARES
                .iter()
                .any(|(right, tolerated)| one.contains(*right) && !other.contains(*tolerated))
        };
        takes_part(access)
            && self.handles_of(node).any(|handle| {
                takes_part(handle.access) && (clash(access, handle.share) || clash(handle.access, share))
            })
    }

    /// What an open comes to; and where, if it does.
    pub(crate) fn can_open(&self, path: &str, opening: &Opening) -> Expected<CreateAction> {
        use CreateDisposition as D;
        let disposition = opening.disposition;
        let Some((directory, name)) = self.walk(path) else {
            let mut expected = Expected::fails(Status::OBJECT_PATH_NOT_FOUND);
            let folder = path.rsplit_once('\\').and_then(|(folder, _)| self.find(folder));
            if folder.is_some_and(|folder| self.files[folder].is_doomed) {
                // What is there is no directory, and about to go.
                expected.failures.push(Status::DELETE_PENDING);
            }
            return expected;
        };
        let found = if name.is_empty() {
            Some(ROOT)
        } else {
            self.child(directory, name)
        };
        let Some(node) = found else {
            if matches!(disposition, D::OPEN | D::OVERWRITE) {
                return Expected::fails(Status::OBJECT_NAME_NOT_FOUND);
            }
            if self.files[directory].is_doomed {
                return Expected::fails(Status::DELETE_PENDING);
            }
            return Expected::of(CreateAction::CREATED, Vec::new());
        };
        let file = &self.files[node];
        let (added, action) = match disposition {
            D::SUPERSEDE => (AccessMask::DELETE, CreateAction::SUPERSEDED),
            D::OVERWRITE | D::OVERWRITE_IF => (AccessMask::WRITE_DATA, CreateAction::OVERWRITTEN),
            _ => (AccessMask::empty(), CreateAction::OPENED),
        };
        let applies = [
            (disposition == D::CREATE, Status::OBJECT_NAME_COLLISION),
            // A directory that goes when it is closed is not asked first whether it is empty.
            (
                file.is_doomed || disposition.may_create() && self.files[directory].is_doomed,
                Status::DELETE_PENDING,
            ),
            (
                opening.kind == Kind::Directory && !file.is_directory,
                Status::NOT_A_DIRECTORY,
            ),
            (
                opening.kind == Kind::File && file.is_directory,
                Status::FILE_IS_A_DIRECTORY,
            ),
            (
                disposition.truncates() && file.is_directory,
                Status::OBJECT_NAME_COLLISION,
            ),
            (
                self.violates_sharing(node, opening.access | added, opening.share),
                Status::SHARING_VIOLATION,
            ),
        ];
        let failures = applies
            .into_iter()
            .filter_map(|(applies, status)| applies.then_some(status));
        Expected::of(action, failures.collect())
    }

    /// The same open, done.
    pub(crate) fn open(&mut self, mapping: usize, path: &str, opening: &Opening) -> Handle {
        let (directory, name) = self.walk(path).expect("the open is possible");
        let found = if name.is_empty() {
            Some(ROOT)
        } else {
            self.child(directory, name)
        };
        let node = found.unwrap_or_else(|| {
            self.files.push(File {
                parent: directory,
                name: name.to_owned(),
                number: self.files.len(),
                is_directory: opening.kind == Kind::Directory,
                ..File::default()
            });
            self.files.len() - 1
        });
        Handle {
            node,
            mapping,
            access: opening.access,
            share: opening.share,
            delete_on_close: opening.delete_on_close,
            is_posix: false,
            locks: Vec::new(),
            is_orphan: false,
        }
    }

    /// A handle goes; with the last of a doomed file that file does, if it can.
    pub(crate) fn close(&mut self, handle: &Handle) {
        let node = handle.node;
        if handle.is_orphan || self.files[node].is_gone {
            return;
        }
        self.files[node].is_doomed |= handle.delete_on_close;
        if self.files[node].is_doomed && (handle.is_posix || self.handles_of(node).next().is_none()) {
            self.files[node].is_doomed = false;
            self.files[node].is_gone = node != ROOT && self.children(node).next().is_none();
        }
    }

    /// The file of a handle that was to go is there all the same.
    pub(crate) fn stays(&mut self, node: Node) {
        self.files[node].is_gone = false;
    }

    /// Whether a handle's file has lost its name: what else can be done to it is not for here.
    pub(crate) fn is_stray(&self, slot: usize) -> bool {
        self.usable(slot)
            .is_some_and(|handle| self.files[handle.node].is_gone)
    }

    pub(crate) fn doom(&mut self, slot: usize, delete: bool, is_posix: bool) -> Expected<()> {
        let Some(handle) = self.usable(slot) else {
            return Expected::orphaned();
        };
        let (node, access) = (handle.node, handle.access);
        let full = delete && self.children(node).next().is_some();
        let applies = [
            (!access.contains(AccessMask::DELETE), Status::ACCESS_DENIED),
            (delete && node == ROOT, Status::CANNOT_DELETE),
            (full, Status::DIRECTORY_NOT_EMPTY),
        ];
        let failures = applies
            .into_iter()
            .filter_map(|(applies, status)| applies.then_some(status));
        let expected = Expected::of((), failures.collect());
        if expected.success.is_some() {
            self.files[node].is_doomed = delete;
            if let Some(handle) = &mut self.handles[slot] {
                handle.is_posix = is_posix;
            }
        }
        expected
    }

    fn usable(&self, slot: usize) -> Option<&Handle> {
        self.handles[slot].as_ref().filter(|handle| !handle.is_orphan)
    }

    /// What a rename comes to. `target`: the directory, where the name is not to stay in its own.
    pub(crate) fn can_rename(
        &self,
        slot: usize,
        target: Option<&str>,
        name: &str,
        replace: bool,
    ) -> Expected<()> {
        let Some(handle) = self.usable(slot) else {
            return Expected::orphaned();
        };
        let node = handle.node;
        if node == ROOT {
            return Expected {
                success: None,
                failures: vec![Status::ACCESS_DENIED, Status::INVALID_PARAMETER],
            };
        }
        let directory = self.directory_of(node, target);
        let other = self.child(directory, name).filter(|&other| other != node);
        let below_itself = self.is_at_or_below(directory, node);
        let is_in_use = |other: Node| self.handles_of(other).next().is_some();
        let target_is_open = target.is_some() && below_itself;
        let applies = [
            (!handle.access.contains(AccessMask::DELETE), Status::ACCESS_DENIED),
            (self.files[node].is_doomed, Status::DELETE_PENDING),
            (other.is_some_and(|_| !replace), Status::OBJECT_NAME_COLLISION),
            (
                other.is_some_and(|other| {
                    self.files[node].is_directory || self.files[other].is_directory || is_in_use(other)
                }),
                Status::ACCESS_DENIED,
            ),
            (self.is_open_below(node) || target_is_open, Status::ACCESS_DENIED),
            (below_itself, Status::INVALID_PARAMETER),
        ];
        let failures = applies
            .into_iter()
            .filter_map(|(applies, status)| applies.then_some(status));
        Expected::of((), failures.collect())
    }

    /// What a link to the file of a handle comes to; `target` as of a rename.
    pub(crate) fn can_link(
        &self,
        slot: usize,
        target: Option<&str>,
        name: &str,
        replace: bool,
    ) -> Expected<()> {
        let Some(handle) = self.usable(slot) else {
            let mut expected = Expected::orphaned();
            expected.failures.push(Status::FILE_IS_A_DIRECTORY);
            return expected;
        };
        let node = handle.node;
        let directory = self.directory_of(node, target);
        let taken = self.child(directory, name);
        let is_in_use = |other: Node| other != node && self.handles_of(other).next().is_some();
        let applies = [
            (self.files[node].is_directory, Status::FILE_IS_A_DIRECTORY),
            (self.files[node].is_doomed, Status::DELETE_PENDING),
            (taken.is_some() && !replace, Status::OBJECT_NAME_COLLISION),
            (
                taken.is_some_and(|taken| self.files[taken].is_directory || is_in_use(taken)),
                Status::ACCESS_DENIED,
            ),
        ];
        let failures = applies
            .into_iter()
            .filter_map(|(applies, status)| applies.then_some(status));
        Expected::of((), failures.collect())
    }

    /// The same link, made.
    pub(crate) fn link(&mut self, slot: usize, target: Option<&str>, name: &str) {
        let node = self.usable(slot).expect("the link is possible").node;
        let directory = self.directory_of(node, target);
        let number = self.files[node].number;
        match self.child(directory, name) {
            Some(own) if own == node => {}
            Some(other) if self.files[other].number == number => self.files[other].name = name.to_owned(),
            other => {
                if let Some(other) = other {
                    self.files[other].is_gone = true;
                }
                self.files.push(File {
                    parent: directory,
                    name: name.to_owned(),
                    number,
                    ..File::default()
                });
            }
        }
    }

    /// Takes note of temporary names that the server has: nobody came back to take them away.
    pub(crate) fn adopt_temporaries(&mut self, there: &[String]) {
        for path in there {
            let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
            let Some(parent) = self.find(&folder.replace('/', "\\")) else {
                continue;
            };
            if name.starts_with(TEMPORARY) && self.child(parent, name).is_none() {
                self.files.push(File {
                    parent,
                    name: name.to_owned(),
                    // No handle is ever its.
                    number: self.files.len(),
                    ..File::default()
                });
            }
        }
    }

    /// The directory that a new name of `node` is in.
    fn directory_of(&self, node: Node, target: Option<&str>) -> Node {
        target.map_or(self.files[node].parent, |path| {
            self.find(path).expect("it is open")
        })
    }

    fn is_at_or_below(&self, mut node: Node, above: Node) -> bool {
        while node != ROOT && node != above {
            node = self.files[node].parent;
        }
        node == above
    }

    pub(crate) fn rename(&mut self, slot: usize, target: Option<&str>, name: &str) {
        let node = self.usable(slot).expect("the rename is possible").node;
        let directory = self.directory_of(node, target);
        if let Some(other) = self.child(directory, name).filter(|&other| other != node) {
            self.files[other].is_gone = true;
        }
        self.files[node].parent = directory;
        self.files[node].name = name.to_owned();
    }

    /// How the file is spelled that a rename would replace.
    pub(crate) fn spelling(&self, slot: usize, target: Option<&str>, name: &str) -> Option<String> {
        let node = self.usable(slot)?.node;
        let directory = target.map_or(Some(self.files[node].parent), |path| self.find(path))?;
        Some(self.files[self.child(directory, name)?].name.clone())
    }

    /// The names in a directory.
    pub(crate) fn list(&self, path: &str) -> Vec<String> {
        let directory = self.find(path).expect("it was opened");
        let mut names: Vec<_> = self
            .children(directory)
            .map(|node| self.files[node].name.clone())
            .collect();
        names.extend([".".into(), "..".into()]);
        names.sort();
        names
    }

    /// Whether the file of a handle is locked under another of its names: then the server decides alone, and only as long as
    /// it has not forgotten.
    pub(crate) fn is_locked_elsewhere(&self, slot: usize) -> bool {
        let Some(node) = self.usable(slot).map(|handle| handle.node) else {
            return false;
        };
        self.handles.iter().flatten().any(|other| {
            other.node != node
                && self.files[other.node].number == self.files[node].number
                && !other.locks.is_empty()
        })
    }

    pub(crate) fn lock(&mut self, slot: usize, start: u64, exclusive: bool) -> Expected<()> {
        let Some(handle) = self.usable(slot) else {
            return Expected::orphaned();
        };
        let node = handle.node;
        let can_lock = handle
            .access
            .intersects(AccessMask::READ_DATA | AccessMask::WRITE_DATA);
        let meets = |&(other, _): &(u64, bool)| other < start + LOCK_LENGTH && start < other + LOCK_LENGTH;
        let taken = self.handles.iter().enumerate().any(|(other, handle)| {
            let Some(handle) = handle
                .as_ref()
                .filter(|handle| handle.node == node && !handle.is_orphan)
            else {
                return false;
            };
            // Who has it for himself may have it shared as well.
            let mut met = handle.locks.iter().filter(|lock| meets(lock));
            met.any(|&(_, theirs)| exclusive || theirs && other != slot)
        });
        let applies = [
            (self.files[node].is_directory, Status::INVALID_PARAMETER),
            (!can_lock, Status::ACCESS_DENIED),
            (taken, Status::LOCK_NOT_GRANTED),
        ];
        let failures = applies
            .into_iter()
            .filter_map(|(applies, status)| applies.then_some(status));
        let expected = Expected::of((), failures.collect());
        if expected.success.is_some()
            && let Some(handle) = &mut self.handles[slot]
        {
            handle.locks.push((start, exclusive));
        }
        expected
    }

    pub(crate) fn unlock(&mut self, slot: usize, start: u64) -> Expected<()> {
        let Some(handle) = self.usable(slot) else {
            return Expected::orphaned();
        };
        let is_directory = self.files[handle.node].is_directory;
        let can_lock = handle
            .access
            .intersects(AccessMask::READ_DATA | AccessMask::WRITE_DATA);
        let own = |lock: &(u64, bool)| lock.0 == start;
        let exclusive = handle.locks.iter().position(|lock| own(lock) && lock.1);
        let found = exclusive.or_else(|| handle.locks.iter().position(own));
        let applies = [
            (is_directory, Status::INVALID_PARAMETER),
            (!can_lock, Status::ACCESS_DENIED),
            (found.is_none(), Status::RANGE_NOT_LOCKED),
        ];
        let failures = applies
            .into_iter()
            .filter_map(|(applies, status)| applies.then_some(status));
        let expected = Expected::of((), failures.collect());
        if let (Some(()), Some(at), Some(handle)) = (&expected.success, found, &mut self.handles[slot]) {
            handle.locks.remove(at);
        }
        expected
    }

    /// Whether the file of a handle is to go, and whether it is a directory.
    pub(crate) fn look(&self, slot: usize) -> Expected<(bool, bool)> {
        match self.usable(slot) {
            None => Expected::orphaned(),
            Some(handle) => {
                let file = &self.files[handle.node];
                Expected::of((file.is_doomed, file.is_directory), Vec::new())
            }
        }
    }

    pub(crate) fn unmap(&mut self, mapping: usize, force: bool) -> Expected<()> {
        if !self.mapped[mapping] {
            return Expected::fails(Status::NOT_FOUND);
        }
        let is_its = |handle: &Handle| handle.mapping == mapping && !handle.is_orphan;
        if !force && self.handles.iter().flatten().any(is_its) {
            return Expected {
                success: None,
                failures: vec![Status::FILES_OPEN, Status::CONNECTION_IN_USE],
            };
        }
        self.mapped[mapping] = false;
        for slot in 0..SLOTS {
            let Some(handle) = self.handles[slot].as_mut().filter(|handle| is_its(handle)) else {
                continue;
            };
            let node = handle.node;
            handle.is_orphan = true;
            handle.locks.clear();
            // Whom nobody can reach nobody deletes.
            if self.handles_of(node).next().is_none() {
                self.files[node].is_doomed = false;
            }
        }
        Expected::of((), Vec::new())
    }
}
