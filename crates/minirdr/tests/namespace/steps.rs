//! Steps on a real drive, each held against the model.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use executive::task::Runtime;
use minirdr::{DirectoryQuery, Level, LockRequest, MiniRedirector, Requestor, Unlock};
use nt::{CreateAction, CreateOptions, FileInformationClass as Class, Status};

use crate::drive::{Drive, File, SHARE, end, token};
use crate::model::{Expected, LOCK_LENGTH, Model};
use crate::open::Open;
use crate::operation::{Kind, LETTERS, Opening, Operation, SLOTS};
use crate::records::new_name;
use crate::simulated::Simulated;
use crate::status::is_lost;
use crate::weather::{Luck, Outdoors, Server};

/// Steps of one seed.
const STEPS: usize = 60;
/// Longest that a step may take.
const LIMIT: Duration = Duration::from_secs(30);

/// What steps came to.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counts {
    pub(crate) steps: u64,
    pub(crate) succeeded: u64,
    pub(crate) refused: u64,
    pub(crate) lost: u64,
    /// Of those that lost the server, the ones that had been done.
    pub(crate) done: u64,
}

impl Counts {
    pub(crate) fn add(&mut self, other: &Self) {
        self.steps += other.steps;
        self.succeeded += other.succeeded;
        self.refused += other.refused;
        self.lost += other.lost;
        self.done += other.done;
    }
}

pub(crate) struct Program<'a> {
    seed: u64,
    luck: Luck,
    runtime: &'a Runtime,
    redirector: &'a MiniRedirector<Simulated>,
    server: &'a Arc<Server>,
    stormy: bool,
    model: Model,
    files: [Option<File>; SLOTS],
    log: Vec<String>,
    pub(crate) counts: Counts,
}

/// What a step came to.
enum Came<V> {
    /// To this, as the model says.
    To(V),
    /// To a failure, as the model says.
    Refused,
    /// To the loss of the server.
    Lost(Status),
}

/// Whether a status says that nothing was done.
fn is_undone(status: Status) -> bool {
    matches!(status, Status::CONNECTION_DISCONNECTED | Status::BAD_NETWORK_PATH)
}

impl Opening {
    fn as_open(&self) -> Open {
        let mut options = match self.kind {
            Kind::Any => CreateOptions::empty(),
            Kind::File => CreateOptions::NON_DIRECTORY_FILE,
            Kind::Directory => CreateOptions::DIRECTORY_FILE,
        };
        if self.delete_on_close {
            options |= CreateOptions::DELETE_ON_CLOSE;
        }
        Open::with(self.access, self.disposition)
            .share(self.share)
            .options(options)
    }
}

impl<'a> Program<'a> {
    pub(crate) fn new(outdoors: &Outdoors<'a>) -> Self {
        Self {
            seed: outdoors.seed,
            luck: Luck(outdoors.seed),
            runtime: outdoors.runtime,
            redirector: outdoors.redirector,
            server: outdoors.server,
            stormy: !outdoors.server.calm.load(Ordering::SeqCst),
            model: Model::new(),
            files: Default::default(),
            log: Vec::new(),
            counts: Counts::default(),
        }
    }

    fn drive(&self, mapping: usize) -> Drive<'a> {
        Drive {
            redirector: self.redirector,
            letter: LETTERS[mapping],
            share: SHARE,
        }
    }

    fn fail(&self, what: &str) -> ! {
        panic!(
            "seed {} ({}): {what}\nMINIRDR_MODEL_SEED={} has it again; the steps:\n    {}\nthe model has {:?}",
            self.seed,
            if self.stormy { "stormy" } else { "calm" },
            self.seed,
            self.log.join("\n    "),
            self.model.paths()
        );
    }

    pub(crate) async fn run(&mut self) {
        for mapping in 0..2 {
            let mut attempts = 0;
            while !self.model.mapped[mapping] {
                self.step(Operation::Map { mapping }).await;
                attempts += 1;
                self.runtime.sleep(Duration::from_millis(500)).await;
                assert!(attempts < 100, "seed {}: it cannot be mapped", self.seed);
            }
        }
        for _ in 0..STEPS {
            let operation = Operation::draw(&mut self.luck, &self.model);
            self.step(operation).await;
            if self.stormy && self.luck.below(4) == 0 {
                let idle = Duration::from_millis(self.luck.below(3000));
                self.runtime.sleep(idle).await;
            }
        }
        for slot in 0..SLOTS {
            self.step(Operation::Close { slot }).await;
        }
        for mapping in 0..2 {
            let force = false;
            self.step(Operation::Unmap { mapping, force }).await;
        }
    }

    async fn step(&mut self, operation: Operation) {
        self.log.push(format!("{operation:?}"));
        self.counts.steps += 1;
        let before = self.runtime.now();
        match operation {
            Operation::Open {
                slot,
                mapping,
                path,
                opening,
            } => self.open(slot, mapping, &path, &opening).await,
            Operation::Close { slot } => self.close(slot).await,
            Operation::Doom {
                slot,
                delete,
                is_posix,
            } => self.doom(slot, delete, is_posix).await,
            Operation::Rename {
                slot,
                directory,
                name,
                replace,
            } => self.rename(slot, directory.as_deref(), &name, replace).await,
            Operation::Link {
                slot,
                directory,
                name,
                replace,
            } => self.link(slot, directory.as_deref(), &name, replace).await,
            Operation::List { mapping, path } => self.list(mapping, &path).await,
            Operation::Lock {
                slot,
                start,
                exclusive,
            } => self.lock(slot, start, exclusive).await,
            Operation::Unlock { slot, start } => self.unlock(slot, start).await,
            Operation::Look { slot } => self.look(slot).await,
            Operation::Unmap { mapping, force } => self.unmap(mapping, force).await,
            Operation::Map { mapping } => self.map(mapping).await,
        }
        let took = self.runtime.now().saturating_since(before);
        if !self.stormy && took > LIMIT {
            self.fail(&format!("it took {took:?}"));
        }
        let there = self.there();
        if there != self.model.paths() {
            self.fail(&format!("the server has {there:?}"));
        }
    }

    /// What the server has.
    fn there(&self) -> Vec<String> {
        let paths = self.server.good.paths().into_iter();
        paths.map(|(path, _)| path).collect()
    }

    /// Holds a result against what it may be.
    fn judge<V: PartialEq + std::fmt::Debug>(
        &mut self,
        result: nt::Result<V>,
        expected: &Expected<V>,
    ) -> Came<V> {
        match result {
            Ok(value) if expected.success.as_ref() == Some(&value) => {
                self.counts.succeeded += 1;
                Came::To(value)
            }
            Err(status) if expected.failures.contains(&status) => {
                self.counts.refused += 1;
                Came::Refused
            }
            Err(status) if self.stormy && is_lost(status) => {
                self.counts.lost += 1;
                if let Some(last) = self.log.last_mut() {
                    last.push_str(&format!(" -> {status:?}"));
                }
                Came::Lost(status)
            }
            result => self.fail(&format!("it gives {result:?}, not {expected:?}")),
        }
    }

    /// Waits until the server has done all that it was asked, and no cache remembers what was before.
    async fn settle(&self) {
        loop {
            self.runtime.sleep(Duration::from_secs(25)).await;
            if self.server.under_way.load(Ordering::SeqCst) == 0 {
                return;
            }
        }
    }

    /// After a step that lost the server: the model is as before, or one of `after` if that is what the server has. The
    /// result is whether it was done.
    async fn reconcile(&mut self, status: Status, after: Vec<Model>) -> bool {
        self.settle().await;
        let there = self.there();
        if there == self.model.paths() {
            return false;
        }
        let Some(after) = after.into_iter().find(|after| there == after.paths()) else {
            self.fail(&format!("the server has {there:?}, neither this nor that"));
        };
        if is_undone(status) {
            self.fail(&format!(
                "{status:?} says that nothing was done, and the server has {there:?}"
            ));
        }
        self.model = after;
        self.counts.done += 1;
        true
    }

    async fn open(&mut self, slot: usize, mapping: usize, path: &str, opening: &Opening) {
        if self.files[slot].is_some() {
            self.close(slot).await;
        }
        if !self.model.mapped[mapping] {
            return;
        }
        let expected = self.model.can_open(path, opening);
        let created = self.drive(mapping).create(path, &opening.as_open(), &[]).await;
        let (result, file) = match created {
            Ok(created) => (Ok(created.action), Some(created.file)),
            Err(status) => (Err(status), None),
        };
        match self.judge(result, &expected) {
            Came::To(_) => {
                let handle = self.model.open(mapping, path, opening);
                self.model.handles[slot] = Some(handle);
                self.files[slot] = file;
            }
            Came::Refused => {}
            Came::Lost(status) => {
                let mut after = self.model.clone();
                if expected.success == Some(CreateAction::CREATED) {
                    after.open(mapping, path, opening);
                }
                self.reconcile(status, vec![after]).await;
            }
        }
    }

    async fn close(&mut self, slot: usize) {
        let (Some(file), Some(handle)) = (self.files[slot].take(), self.model.handles[slot].take()) else {
            return;
        };
        end(file).await;
        self.model.close(&handle);
        if self.stormy && self.there() != self.model.paths() {
            // Nobody is told that a deletion failed, or is still on its way.
            self.settle().await;
            if self.there() != self.model.paths() {
                self.model.stays(handle.node);
            }
        }
        if self.stormy && handle.is_posix {
            // A deletion that nobody knows to have been done leaves the others where they were, of a file that is gone.
            Box::pin(self.end_others(handle.node)).await;
        }
    }

    async fn doom(&mut self, slot: usize, delete: bool, is_posix: bool) {
        let Some(file) = self.files[slot].clone() else {
            return;
        };
        let before = self.model.clone();
        let expected = self.model.doom(slot, delete, is_posix);
        let flags = u32::from(delete) | u32::from(is_posix) << 1;
        let (record, cancel) = (flags.to_le_bytes(), token());
        let set = if is_posix {
            file.set_information(Class::DISPOSITION_EX, &record, None, &cancel)
        } else {
            file.set_information(Class::DISPOSITION, &record[..1], None, &cancel)
        };
        let set = set.await;
        if let Came::Lost(_) = self.judge(set, &expected) {
            // What the server is asked changes nothing.
            self.model = before;
        }
    }

    /// The directory that a new name is to be in: `None` where it cannot be opened.
    async fn open_target(&mut self, directory: Option<&str>) -> Option<Option<File>> {
        let Some(directory) = directory else {
            return Some(None);
        };
        let mapping = (0..2).find(|&mapping| self.model.mapped[mapping])?;
        let expected = self.model.can_open(directory, &Opening::target());
        let opened = self
            .drive(mapping)
            .open(directory, &Opening::target().as_open())
            .await;
        let (result, opened) = match opened {
            Ok(opened) => (Ok(CreateAction::OPENED), Some(opened)),
            Err(status) => (Err(status), None),
        };
        match self.judge(result, &expected) {
            Came::To(_) => Some(opened),
            Came::Refused | Came::Lost(_) => None,
        }
    }

    async fn link(&mut self, slot: usize, directory: Option<&str>, name: &str, replace: bool) {
        let Some(file) = self.files[slot].clone() else {
            return;
        };
        let Some(target) = self.open_target(directory).await else {
            return;
        };
        let expected = self.model.can_link(slot, directory, name, replace);
        let (record, cancel) = (new_name(name, replace.into()), token());
        let linked = file
            .set_information(Class::LINK, &record, target.as_deref(), &cancel)
            .await;
        if let Some(target) = target {
            end(target).await;
        }
        match self.judge(linked, &expected) {
            Came::To(()) => self.model.link(slot, directory, name),
            Came::Refused => {}
            Came::Lost(status) => {
                self.settle().await;
                let there = self.there();
                self.model.adopt_temporaries(&there);
                let mut after = Vec::new();
                if expected.success.is_some() {
                    // A file whose name differs in case alone is replaced under its own name first.
                    let spellings = [Some(name.to_owned()), self.model.spelling(slot, directory, name)];
                    for name in spellings.into_iter().flatten() {
                        let mut model = self.model.clone();
                        model.link(slot, directory, &name);
                        after.push(model);
                    }
                }
                self.reconcile(status, after).await;
            }
        }
    }

    async fn rename(&mut self, slot: usize, directory: Option<&str>, name: &str, replace: bool) {
        let Some(file) = self.files[slot].clone() else {
            return;
        };
        let Some(target) = self.open_target(directory).await else {
            return;
        };
        let expected = self.model.can_rename(slot, directory, name, replace);
        let (record, cancel) = (new_name(name, replace.into()), token());
        let renamed = file
            .set_information(Class::RENAME, &record, target.as_deref(), &cancel)
            .await;
        if let Some(target) = target {
            end(target).await;
        }
        match self.judge(renamed, &expected) {
            Came::To(()) => self.model.rename(slot, directory, name),
            Came::Refused => {}
            Came::Lost(status) => {
                let mut after = Vec::new();
                if expected.success.is_some() {
                    // A file whose name differs in case alone is replaced under its own name first.
                    let spellings = [Some(name.to_owned()), self.model.spelling(slot, directory, name)];
                    for name in spellings.into_iter().flatten() {
                        let mut model = self.model.clone();
                        model.rename(slot, directory, &name);
                        after.push(model);
                    }
                }
                if self.reconcile(status, after).await {
                    self.end_strays(slot).await;
                }
            }
        }
    }

    /// The redirector does not know that a file has another name now: its handles lead nowhere.
    async fn end_strays(&mut self, slot: usize) {
        if let Some(node) = self.model.handles[slot].as_ref().map(|handle| handle.node) {
            self.end_others(node).await;
        }
    }

    /// Ends all handles of a file.
    async fn end_others(&mut self, node: usize) {
        for other in 0..SLOTS {
            let stray = self.model.handles[other].as_ref();
            if stray.is_some_and(|handle| handle.node == node) {
                self.close(other).await;
            }
        }
        self.settle().await;
    }

    async fn list(&mut self, mapping: usize, path: &str) {
        if !self.model.mapped[mapping] {
            return;
        }
        let opening = Opening::listing();
        let expected = self.model.can_open(path, &opening);
        let opened = self.drive(mapping).open(path, &opening.as_open()).await;
        let (result, opened) = match opened {
            Ok(opened) => (Ok(CreateAction::OPENED), Some(opened)),
            Err(status) => (Err(status), None),
        };
        self.judge(result, &expected);
        let Some(directory) = opened else { return };
        let names = names(&directory).await;
        end(directory).await;
        let expected = Expected {
            success: Some(self.model.list(path)),
            failures: Vec::new(),
        };
        self.judge(names, &expected);
    }

    async fn lock(&mut self, slot: usize, start: u64, exclusive: bool) {
        let Some(file) = self.files[slot].clone() else {
            return;
        };
        let before = self.model.clone();
        let expected = self.model.lock(slot, start, exclusive);
        let request = LockRequest {
            start,
            length: LOCK_LENGTH,
            exclusive,
            fail_immediately: true,
        };
        let locked = file.lock(&request, &Requestor::default(), &token()).await;
        // A server that has not noticed that a session is lost holds what was locked on it.
        let path = before.handles[slot]
            .as_ref()
            .map(|handle| before.path(handle.node));
        let is_held = || path.is_some_and(|path| self.server.good.is_locked(&path));
        if self.stormy && locked == Err(Status::LOCK_NOT_GRANTED) && is_held() {
            self.model = before;
            return;
        }
        if let Came::Lost(_) = self.judge(locked, &expected) {
            self.model = before;
        }
    }

    async fn unlock(&mut self, slot: usize, start: u64) {
        let Some(file) = self.files[slot].clone() else {
            return;
        };
        let before = self.model.clone();
        let expected = self.model.unlock(slot, start);
        let length = LOCK_LENGTH;
        let what = Unlock::Single { start, length };
        let unlocked = file.unlock(what, &Requestor::default(), &token()).await;
        if let Came::Lost(_) = self.judge(unlocked, &expected) {
            self.model = before;
        }
    }

    async fn look(&mut self, slot: usize) {
        let Some(file) = self.files[slot].clone() else {
            return;
        };
        let expected = self.model.look(slot);
        let (mut record, cancel) = ([0; 24], token());
        let asked = file.query_information(Class::STANDARD, 0, &mut record, &cancel);
        let asked = asked.await.map(|_| (record[20] != 0, record[21] != 0));
        let Came::To(_) = self.judge(asked, &expected) else {
            return;
        };
        let Some(handle) = &self.model.handles[slot] else {
            return;
        };
        let path = self.model.path(handle.node);
        let mut paths = self.server.good.paths().into_iter();
        let Some((_, number)) = paths.find(|(there, _)| *there == path) else {
            return;
        };
        // The id alone the handle knows by itself.
        let (mut record, cancel) = ([0; 72], token());
        let asked = file.query_information(Class::STAT, 0, &mut record, &cancel);
        let asked = asked.await;
        let id = record.first_chunk().copied().unwrap();
        let asked = asked.map(|_| u64::from_le_bytes(id));
        let expected = Expected {
            success: Some(number),
            failures: Vec::new(),
        };
        self.judge(asked, &expected);
    }

    async fn unmap(&mut self, mapping: usize, force: bool) {
        let expected = self.model.unmap(mapping, force);
        let level = if force { Level::Force } else { Level::Refuse };
        let before = self.runtime.now();
        let gone = self.drive(mapping).unmap(level).await;
        if self.runtime.now() != before {
            self.fail("it waits for somebody");
        }
        if let Came::Lost(status) = self.judge(gone, &expected) {
            self.fail(&format!("it says {status:?}"));
        }
    }

    async fn map(&mut self, mapping: usize) {
        if self.model.mapped[mapping] {
            return;
        }
        let mapped = self.drive(mapping).map().await;
        let expected = Expected {
            success: Some(()),
            failures: Vec::new(),
        };
        if let Came::To(()) = self.judge(mapped, &expected) {
            self.model.mapped[mapping] = true;
        }
    }
}

/// Everything in a directory, by name.
async fn names(directory: &File) -> nt::Result<Vec<String>> {
    let query = DirectoryQuery {
        class: Class::NAMES,
        pattern: None,
        restart: false,
        single: true,
    };
    let mut names = Vec::new();
    loop {
        let (mut entry, cancel) = ([0; 600], token());
        match directory.query_directory(&query, &mut entry, &cancel).await {
            Ok(_) => {}
            Err(Status::NO_MORE_FILES) => break,
            Err(status) => return Err(status),
        }
        let length = u32::from_le_bytes([entry[8], entry[9], entry[10], entry[11]]) as usize;
        let units = entry[12..12 + length].chunks_exact(2);
        let units: Vec<_> = units.map(|unit| u16::from_le_bytes([unit[0], unit[1]])).collect();
        names.push(String::from_utf16_lossy(&units));
    }
    names.sort();
    Ok(names)
}
