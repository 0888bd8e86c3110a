//! Change notification.

use std::time::Duration;

use ioctl::irp::{Operation, WatchFlags};
use nt::{Result, Status};

use super::check::{done, equal, refused};
use super::environment::{Environment, Scratch};
use super::{Checked, tests};
use crate::failure::Failure;
use crate::files::{InFlight, OpenFile, Reply, make_directory, remove, write_file};
use crate::open::OpenRequest;
use crate::runner::Test;

pub(crate) fn tests() -> Vec<Test<Environment>> {
    tests![
        a_watcher_hears_of_a_new_file,
        changes_are_kept_between_requests,
        a_tree_is_watched,
        too_many_changes_are_forgotten,
        a_watch_ends_with_its_handle,
        a_watch_is_cancelled,
        a_watch_counts_as_use_and_ends_by_force,
        only_directories_are_watched,
    ]
}

/// FILE_NOTIFY_CHANGE_FILE_NAME and _DIR_NAME.
const NAMES: u32 = 0x3;
/// Far beyond what an answer takes.
const PATIENCE: Duration = Duration::from_secs(30);

const ADDED: u32 = 1;
const REMOVED: u32 = 2;
const RENAMED_OLD: u32 = 4;
const RENAMED_NEW: u32 = 5;

fn watch(flags: WatchFlags, length: u32) -> Operation<'static> {
    Operation::NotifyChange {
        filter: NAMES,
        flags,
        length,
    }
}

/// Starts to watch; by the time it returns the request waits, or what happens from then on is kept for it.
fn start(directory: &dyn OpenFile, flags: WatchFlags, length: u32) -> Result<InFlight, Failure> {
    let started = directory.start(&watch(flags, length));
    if matches!(started, Err(Status::NOT_SUPPORTED)) {
        return Err(Failure::Skipped("watching needs the test driver here".to_owned()));
    }
    let started = done("watching", started)?;
    match started.wait_for(Duration::from_millis(200)) {
        Err(waiting) => Ok(waiting),
        Ok(reply) => Err(Failure::Wrong(format!("it did not wait: {reply:?}"))),
    }
}

fn answer(waiting: InFlight) -> Result<Reply, Failure> {
    let reply = waiting
        .wait_for(PATIENCE)
        .map_err(|_| Failure::Wrong("it still waits".to_owned()))?;
    done("the notification", reply)
}

/// The actions and names in FILE_NOTIFY_INFORMATION records.
fn changes(reply: &Reply) -> Result<Vec<(u32, String)>, Failure> {
    let mut found = Vec::new();
    let mut rest = reply.data.as_slice();
    let cut = || Failure::Wrong("a record is cut off".to_owned());
    while !rest.is_empty() {
        let word = |at: usize| {
            let bytes = rest.get(at..).and_then(|rest| rest.first_chunk::<4>());
            bytes.map(|bytes| u32::from_le_bytes(*bytes)).ok_or_else(cut)
        };
        let length = usize::try_from(word(8)?).map_err(|_| cut())?;
        let name = rest
            .get(12..)
            .and_then(|name| name.get(..length))
            .ok_or_else(cut)?;
        let units: Vec<u16> = name
            .chunks_exact(2)
            .filter_map(|unit| unit.first_chunk::<2>())
            .map(|unit| u16::from_le_bytes(*unit))
            .collect();
        found.push((word(4)?, String::from_utf16_lossy(&units)));
        let next = usize::try_from(word(0)?).map_err(|_| cut())?;
        if next == 0 {
            break;
        }
        rest = rest.get(next..).ok_or_else(cut)?;
    }
    Ok(found)
}

fn expect(what: &str, reply: &Reply, want: &[(u32, &str)]) -> Checked {
    equal(what, reply.status, Status::SUCCESS)?;
    let want: Vec<_> = want
        .iter()
        .map(|&(action, name)| (action, name.to_owned()))
        .collect();
    equal(what, changes(reply)?, want)
}

fn open_directory(environment: &Environment, scratch: &Scratch<'_>) -> Result<Box<dyn OpenFile>, Failure> {
    let opened = environment.files.open(&scratch.directory, &OpenRequest::list());
    Ok(done("opening the directory", opened)?.0)
}

fn a_watcher_hears_of_a_new_file(environment: &Environment) -> Checked {
    let scratch = environment.scratch()?;
    let files = &*environment.files;
    let mut directory = open_directory(environment, &scratch)?;
    let waiting = start(&*directory, WatchFlags::empty(), 4096)?;
    done("writing", write_file(files, &scratch.path("new")?, b"data"))?;
    expect("what is told", &answer(waiting)?, &[(ADDED, "new")])?;
    done("closing", directory.close())?;
    scratch.finish()
}

fn changes_are_kept_between_requests(environment: &Environment) -> Checked {
    let scratch = environment.scratch()?;
    let files = &*environment.files;
    let mut directory = open_directory(environment, &scratch)?;
    let waiting = start(&*directory, WatchFlags::empty(), 4096)?;
    done("writing", write_file(files, &scratch.path("one")?, b"data"))?;
    expect("what is told", &answer(waiting)?, &[(ADDED, "one")])?;
    let (one, two) = (scratch.path("one")?, scratch.path("two")?);
    done("renaming", files.rename(&one, &two, false))?;
    done("removing", remove(files, &two))?;
    let reply = done(
        "the next request",
        directory.send(&watch(WatchFlags::empty(), 4096)),
    )?;
    let kept = [(RENAMED_OLD, "one"), (RENAMED_NEW, "two"), (REMOVED, "two")];
    expect("what was kept", &reply, &kept)?;
    done("closing", directory.close())?;
    scratch.finish()
}

fn a_tree_is_watched(environment: &Environment) -> Checked {
    let scratch = environment.scratch()?;
    let files = &*environment.files;
    let below = scratch.path("below")?;
    done("making a directory", make_directory(files, &below))?;
    let mut tree = open_directory(environment, &scratch)?;
    let mut alone = open_directory(environment, &scratch)?;
    let in_tree = start(&*tree, WatchFlags::WATCH_TREE, 4096)?;
    let in_directory = start(&*alone, WatchFlags::empty(), 4096)?;
    done("writing", write_file(files, &below.join("deep")?, b"data"))?;
    done("writing", write_file(files, &scratch.path("near")?, b"data"))?;
    expect("in the tree", &answer(in_tree)?, &[(ADDED, r"below\deep")])?;
    expect("in the directory", &answer(in_directory)?, &[(ADDED, "near")])?;
    done("closing", tree.close())?;
    done("closing", alone.close())?;
    scratch.finish()
}

fn too_many_changes_are_forgotten(environment: &Environment) -> Checked {
    let scratch = environment.scratch()?;
    let files = &*environment.files;
    let mut directory = open_directory(environment, &scratch)?;
    let waiting = start(&*directory, WatchFlags::empty(), 64)?;
    let long = "a name for which sixty-four bytes are not enough";
    done("writing", write_file(files, &scratch.path(long)?, b"data"))?;
    let reply = answer(waiting)?;
    equal("status", reply.status, Status::NOTIFY_ENUM_DIR)?;
    equal("information", reply.information, 0)?;
    done("closing", directory.close())?;
    scratch.finish()
}

fn a_watch_ends_with_its_handle(environment: &Environment) -> Checked {
    let scratch = environment.scratch()?;
    let mut directory = open_directory(environment, &scratch)?;
    let waiting = start(&*directory, WatchFlags::empty(), 4096)?;
    done("cleaning up", directory.cleanup())?;
    equal("status", answer(waiting)?.status, Status::NOTIFY_CLEANUP)?;
    done("closing", directory.close())?;
    scratch.finish()
}

fn a_watch_is_cancelled(environment: &Environment) -> Checked {
    let scratch = environment.scratch()?;
    let files = &*environment.files;
    let mut directory = open_directory(environment, &scratch)?;
    let waiting = start(&*directory, WatchFlags::empty(), 4096)?;
    done("cancelling", directory.cancel())?;
    equal("status", answer(waiting)?.status, Status::CANCELLED)?;
    // The handle goes on watching.
    done("writing", write_file(files, &scratch.path("new")?, b"data"))?;
    let reply = done(
        "the next request",
        directory.send(&watch(WatchFlags::empty(), 4096)),
    )?;
    expect("what was kept", &reply, &[(ADDED, "new")])?;
    done("closing", directory.close())?;
    scratch.finish()
}

fn a_watch_counts_as_use_and_ends_by_force(environment: &Environment) -> Checked {
    let mut mapped = environment.mapped()?;
    let root = environment.files.open(&mapped.root(), &OpenRequest::list());
    let mut root = done("opening the root", root)?.0;
    let waiting = start(&*root, WatchFlags::WATCH_TREE, 4096)?;
    if mapped.connected.cancel(false).is_ok() {
        return Err(Failure::Wrong("a watched drive was taken away".to_owned()));
    }
    done("unmapping by force", mapped.connected.cancel(true))?;
    equal("status", answer(waiting)?.status, Status::CANCELLED)?;
    refused(
        "watching on",
        root.send(&watch(WatchFlags::empty(), 64))
            .and_then(|reply| reply.status.ok()),
        Status::UNEXPECTED_NETWORK_ERROR,
    )?;
    done("closing", root.close())
}

fn only_directories_are_watched(environment: &Environment) -> Checked {
    let scratch = environment.scratch()?;
    let files = &*environment.files;
    let path = scratch.path("file")?;
    done("writing", write_file(files, &path, b"data"))?;
    let mut file = done("opening", files.open(&path, &OpenRequest::read()))?.0;
    let refusal = file.send(&watch(WatchFlags::empty(), 64));
    if matches!(refusal, Err(Status::NOT_SUPPORTED)) {
        return Err(Failure::Skipped("watching needs the test driver here".to_owned()));
    }
    refused(
        "a file",
        refusal.and_then(|reply| reply.status.ok()),
        Status::INVALID_PARAMETER,
    )?;
    done("closing", file.close())?;
    scratch.finish()
}
