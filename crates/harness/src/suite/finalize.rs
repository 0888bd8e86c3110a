//! Taking connections away while they are in use: the three levels, and what remains of open files.

use client::names::{ConnectionName, DriveLetter, Unc};
use client::{drives, registry, wnet};
use ioctl::DeleteLevel;
use nt::{FileInformationClass, Status};

use super::check::{done, equal, refused, refused_win32, refused_with_one_of};
use super::environment::{Environment, Mapped};
use super::{Checked, tests};
use crate::connect::Connected;
use crate::failure::Failure;
use crate::files::{OpenFile, list, read_at, remove, write_file};
use crate::info;
use crate::open::OpenRequest;
use crate::path::Target;
use crate::runner::Test;

pub(crate) fn tests() -> Vec<Test<Environment>> {
    tests![
        level_0_refuses_while_a_file_is_open,
        level_0_refuses_again_and_again,
        level_0_refuses_while_a_directory_is_open,
        level_0_succeeds_after_cleanup_and_close,
        level_255_refuses_and_lets_go_of_the_connection,
        level_255_without_files_succeeds,
        level_1_orphans_open_files,
        an_orphan_fails_in_every_way_and_closes,
        an_orphaned_directory_fails_and_closes,
        the_letter_is_free_for_a_new_mapping_at_once,
        force_on_one_drive_leaves_the_other_alone,
        a_second_delete_finds_nothing,
        the_router_says_open_files,
        without_force_the_letter_stays,
    ]
}

const ERROR_OPEN_FILES: u32 = 2401;
const ERROR_NOT_CONNECTED: u32 = 2250;
const CONTENT: &[u8] = b"still here";

/// A mapped drive with an open file on it; the file stays behind on the share and is removed at the end.
struct InUse {
    mapped: Mapped,
    target: Target,
    file: Box<dyn OpenFile>,
}

impl InUse {
    fn new(environment: &Environment) -> Result<Self, Failure> {
        let mapped = environment.mapped()?;
        let target = mapped
            .root()
            .join(&format!("mrx9p-open-{}", std::process::id()))?;
        done("writing", write_file(&*environment.files, &target, CONTENT))?;
        let (file, _) = done("opening", environment.files.open(&target, &OpenRequest::read()))?;
        Ok(Self { mapped, target, file })
    }

    fn still_reads(&self) -> Checked {
        equal(
            "the open file reads",
            done("reading", read_at(&*self.file, 0, 100))?,
            CONTENT.to_vec(),
        )
    }

    fn is_orphan(&self) -> Checked {
        let read = read_at(&*self.file, 0, 100);
        refused("reading the orphan", read, Status::UNEXPECTED_NETWORK_ERROR)
    }

    /// Closes what is open and unmaps, for tests that end with the mapping in place.
    fn finish(mut self, environment: &Environment) -> Checked {
        done("closing", self.file.close())?;
        done("removing the file", remove(&*environment.files, &self.target))?;
        self.mapped.finish()
    }

    /// Closes what is open and removes the file over a new mapping, for tests that took the mapping away.
    fn finish_without_mapping(mut self, environment: &Environment) -> Checked {
        self.mapped.connected.forget();
        done("closing", self.file.close())?;
        clear(environment, &self.target)
    }
}

/// Removes a file that an earlier mapping of the share left behind.
pub(super) fn clear(environment: &Environment, target: &Target) -> Checked {
    let (_, name) = target
        .split()
        .ok_or_else(|| Failure::Wrong(format!("{target} has no name")))?;
    let mapped = environment.mapped()?;
    let target = mapped.root().join_units(&name)?;
    done("removing the file", remove(&*environment.files, &target))?;
    mapped.finish()
}

fn delete(environment: &Environment, in_use: &InUse, level: DeleteLevel) -> Result<nt::Result, Failure> {
    Ok(environment
        .device()?
        .delete_named(&in_use.mapped.drive.units(), level))
}

/// Removes the letter of a connection that was taken away below the router.
pub(super) fn drop_letter(drive: DriveLetter, share: &Unc) -> Checked {
    let name = ConnectionName {
        drive: Some(drive),
        remote: share.clone(),
    };
    done(
        "removing the letter",
        drives::remove(drive, &name.device_target()),
    )
}

fn level_0_refuses_while_a_file_is_open(environment: &Environment) -> Checked {
    let in_use = InUse::new(environment)?;
    refused(
        "delete",
        delete(environment, &in_use, DeleteLevel::Refuse)?,
        Status::FILES_OPEN,
    )?;
    in_use.still_reads()?;
    equal("connections", environment.device()?.connections()?.len(), 1)?;
    in_use.finish(environment)
}

fn level_0_refuses_again_and_again(environment: &Environment) -> Checked {
    let in_use = InUse::new(environment)?;
    for _ in 0..3 {
        refused(
            "delete",
            delete(environment, &in_use, DeleteLevel::Refuse)?,
            Status::FILES_OPEN,
        )?;
    }
    in_use.still_reads()?;
    in_use.finish(environment)
}

fn level_0_refuses_while_a_directory_is_open(environment: &Environment) -> Checked {
    let mapped = environment.mapped()?;
    let (mut root, _) = environment.files.open(&mapped.root(), &OpenRequest::list())?;
    let refusal = environment
        .device()?
        .delete_named(&mapped.drive.units(), DeleteLevel::Refuse);
    refused_with_one_of(
        "delete",
        refusal,
        &[Status::FILES_OPEN, Status::CONNECTION_IN_USE],
    )?;
    let listed = root.query_directory(FileInformationClass::BOTH_DIRECTORY, None, true, 65_536)?;
    done("the directory still lists", listed.status.ok())?;
    done("closing", root.close())?;
    mapped.finish()
}

fn level_0_succeeds_after_cleanup_and_close(environment: &Environment) -> Checked {
    let mut in_use = InUse::new(environment)?;
    done("cleaning up", in_use.file.cleanup())?;
    done("closing", in_use.file.close())?;
    done("delete", delete(environment, &in_use, DeleteLevel::Refuse)?)?;
    drop_letter(in_use.mapped.drive, environment.share()?)?;
    in_use.finish_without_mapping(environment)
}

fn level_255_refuses_and_lets_go_of_the_connection(environment: &Environment) -> Checked {
    let mut in_use = InUse::new(environment)?;
    refused(
        "delete",
        delete(environment, &in_use, DeleteLevel::DropReference)?,
        Status::FILES_OPEN,
    )?;
    in_use.still_reads()?;
    done("closing the last file", in_use.file.close())?;
    // What kept the connection is given up: with its last file it goes.
    let again = delete(environment, &in_use, DeleteLevel::Refuse)?;
    if again.is_err() {
        refused("deleting what went by itself", again, Status::NOT_FOUND)?;
    }
    equal("connections", environment.device()?.connections()?.len(), 0)?;
    drop_letter(in_use.mapped.drive, environment.share()?)?;
    in_use.finish_without_mapping(environment)
}

fn level_255_without_files_succeeds(environment: &Environment) -> Checked {
    let mut mapped = environment.mapped()?;
    let deleted = environment
        .device()?
        .delete_named(&mapped.drive.units(), DeleteLevel::DropReference);
    done("delete", deleted)?;
    equal("connections", environment.device()?.connections()?.len(), 0)?;
    drop_letter(mapped.drive, environment.share()?)?;
    mapped.connected.forget();
    Ok(())
}

fn level_1_orphans_open_files(environment: &Environment) -> Checked {
    let mut in_use = InUse::new(environment)?;
    done("unmapping by force", in_use.mapped.connected.cancel(true))?;
    equal("connections", environment.device()?.connections()?.len(), 0)?;
    equal(
        "link",
        done("looking the letter up", drives::query(in_use.mapped.drive))?,
        None,
    )?;
    in_use.is_orphan()?;
    done("cleaning the orphan up", in_use.file.cleanup())?;
    done("closing the orphan", in_use.file.close())?;
    clear(environment, &in_use.target)
}

fn an_orphan_fails_in_every_way_and_closes(environment: &Environment) -> Checked {
    let mapped = environment.mapped()?;
    let target = mapped
        .root()
        .join(&format!("mrx9p-orphan-{}", std::process::id()))?;
    done("writing", write_file(&*environment.files, &target, CONTENT))?;
    let request = OpenRequest::write(nt::CreateDisposition::OPEN);
    let (mut file, _) = done("opening", environment.files.open(&target, &request))?;
    let mut connected = mapped.connected;
    done("unmapping by force", connected.cancel(true))?;
    let dead = Status::UNEXPECTED_NETWORK_ERROR;
    refused("reading", read_at(&*file, 0, 10), dead)?;
    refused("writing", file.write(0, b"lost"), dead)?;
    let query = file
        .query(FileInformationClass::BASIC, info::BASIC_BYTES)
        .and_then(|reply| reply.status.ok());
    refused("querying", query, dead)?;
    refused(
        "setting",
        file.set(FileInformationClass::END_OF_FILE, &[0; 8]),
        dead,
    )?;
    refused("flushing", file.flush(), dead)?;
    done("closing", file.close())?;
    clear(environment, &target)
}

fn an_orphaned_directory_fails_and_closes(environment: &Environment) -> Checked {
    let mut mapped = environment.mapped()?;
    let (mut root, _) = environment.files.open(&mapped.root(), &OpenRequest::list())?;
    done("unmapping by force", mapped.connected.cancel(true))?;
    let listed = root.query_directory(FileInformationClass::BOTH_DIRECTORY, None, true, 65_536);
    let listed = listed.and_then(|reply| reply.status.ok());
    refused("listing", listed, Status::UNEXPECTED_NETWORK_ERROR)?;
    done("closing", root.close())
}

fn the_letter_is_free_for_a_new_mapping_at_once(environment: &Environment) -> Checked {
    let mut in_use = InUse::new(environment)?;
    done("unmapping by force", in_use.mapped.connected.cancel(true))?;
    let drive = in_use.mapped.drive;
    let mut again = done(
        "mapping the letter again",
        Connected::new(Some(drive), environment.share()?, None),
    )?;
    done(
        "listing through it",
        list(&*environment.files, &Target::root(drive)),
    )?;
    in_use.is_orphan()?;
    let (mut file, _) = done(
        "opening the file anew",
        environment.files.open(&in_use.target, &OpenRequest::read()),
    )?;
    equal("the new handle reads", read_at(&*file, 0, 100)?, CONTENT.to_vec())?;
    done("closing the new handle", file.close())?;
    done("closing the orphan", in_use.file.close())?;
    done("removing the file", remove(&*environment.files, &in_use.target))?;
    done("unmapping", again.cancel(false))
}

fn force_on_one_drive_leaves_the_other_alone(environment: &Environment) -> Checked {
    let mut first = InUse::new(environment)?;
    let second = environment.mapped()?;
    let (_, name) = first
        .target
        .split()
        .ok_or_else(|| Failure::Wrong("no name".to_owned()))?;
    let same_file = second.root().join_units(&name)?;
    let (mut file, _) = environment.files.open(&same_file, &OpenRequest::read())?;
    done(
        "unmapping the first by force",
        first.mapped.connected.cancel(true),
    )?;
    first.is_orphan()?;
    equal(
        "the file through the second",
        done("reading", read_at(&*file, 0, 100))?,
        CONTENT.to_vec(),
    )?;
    done("closing the orphan", first.file.close())?;
    done("closing the other", file.close())?;
    done("removing the file", remove(&*environment.files, &same_file))?;
    second.finish()
}

fn a_second_delete_finds_nothing(environment: &Environment) -> Checked {
    let mut mapped = environment.mapped()?;
    done("unmapping by force", mapped.connected.cancel(true))?;
    let device = environment.device()?;
    for level in [
        DeleteLevel::Refuse,
        DeleteLevel::Force,
        DeleteLevel::DropReference,
    ] {
        let refusal = device.delete_named(&mapped.drive.units(), level);
        refused(&format!("level {level:?}"), refusal, Status::NOT_FOUND)?;
    }
    refused_win32(
        "by the router",
        wnet::cancel(&mapped.drive.units(), true),
        ERROR_NOT_CONNECTED,
    )
}

fn the_router_says_open_files(environment: &Environment) -> Checked {
    let in_use = InUse::new(environment)?;
    refused_win32(
        "unmapping",
        wnet::cancel(&in_use.mapped.drive.units(), false),
        ERROR_OPEN_FILES,
    )?;
    in_use.still_reads()?;
    in_use.finish(environment)
}

fn without_force_the_letter_stays(environment: &Environment) -> Checked {
    let in_use = InUse::new(environment)?;
    let drive = in_use.mapped.drive;
    refused_win32("unmapping", wnet::cancel(&drive.units(), false), ERROR_OPEN_FILES)?;
    let name = ConnectionName {
        drive: Some(drive),
        remote: environment.share()?.clone(),
    };
    let target = done("looking the letter up", drives::query(drive))?.unwrap_or_default();
    equal(
        "link",
        String::from_utf16_lossy(&target),
        String::from_utf16_lossy(&name.device_target()),
    )?;
    let ours = registry::provider_name();
    let listed = done("listing", wnet::connections())?;
    let found = listed
        .iter()
        .any(|one| one.provider == ours && one.local == drive.to_string());
    equal("listed", found, true)?;
    done(
        "a second file opens",
        environment.files.open(&in_use.target, &OpenRequest::read()),
    )?
    .0
    .close()?;
    in_use.finish(environment)
}
