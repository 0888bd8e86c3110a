//! The truth table of `RxFinalizeConnection` (docs/rdbss.md), row by row, through DELETE_CONNECTION.
//!
//! One row cannot be caused: nothing in this driver has a file to itself (`rdbss::Tree::lock_fcb`, for mini-redirectors that
//! want it), so LOCK_NOT_GRANTED is never answered. The tree's own tests have it, and those in C.
//!
//! What is to be under way while a connection is taken away is kept so by a [`Relay`] that holds the server's answers
//! back.

use std::time::Duration;

use client::io::Pending;
use client::names::{ConnectionName, DriveLetter, Unc};
use client::wnet;
use ioctl::irp::{ControlFlags, OpenFlags, Operation, WatchFlags};
use ioctl::{AddConnection, ControlCode, DeleteConnection, DeleteLevel, Encode};
use nt::{FileInformationClass, Name, Status};

use super::check::{done, equal, eventually, refused, refused_win32, refused_with_one_of};
use super::environment::{Environment, Mapped};
use super::finalize::{clear, drop_letter};
use super::relay::Relay;
use super::{Checked, tests};
use crate::failure::Failure;
use crate::files::{InFlight, OpenFile, OpenInFlight, read_at, write_file};
use crate::open::OpenRequest;
use crate::path::Target;
use crate::runner::Test;

/// What a connection is used by when it is to be taken away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Use {
    Nothing,
    File,
    Directory,
    /// A file whose handle is gone while something still refers to it.
    CleanedUp,
    Notification,
    Read,
    OpeningFile,
    OpeningDirectory,
    /// The connection itself is in the making.
    Making,
    /// The request to take the connection away was itself cancelled before.
    Cancelled,
}

macro_rules! rows {
    ($($name:ident: $level:ident, $use:ident => $status:ident),* $(,)?) => {
        pub(crate) fn tests() -> Vec<Test<Environment>> {
            tests![$($name),*]
        }
        $(fn $name(environment: &Environment) -> Checked {
            row(environment, DeleteLevel::$level, Use::$use, Status::$status)
        })*
    };
}

rows! {
    row_0_nothing_open: Refuse, Nothing => SUCCESS,
    row_0_a_file_open: Refuse, File => FILES_OPEN,
    row_0_a_directory_open: Refuse, Directory => FILES_OPEN,
    row_0_a_file_cleaned_up_but_not_closed: Refuse, CleanedUp => FILES_OPEN,
    row_0_a_change_notification_pending: Refuse, Notification => FILES_OPEN,
    row_0_a_read_under_way: Refuse, Read => FILES_OPEN,
    row_0_a_file_being_opened: Refuse, OpeningFile => FILES_OPEN,
    row_0_a_directory_being_opened: Refuse, OpeningDirectory => CONNECTION_IN_USE,
    row_0_the_connection_in_the_making: Refuse, Making => CONNECTION_IN_USE,
    row_0_the_request_cancelled: Refuse, Cancelled => CANCELLED,
    row_255_nothing_open: DropReference, Nothing => SUCCESS,
    row_255_a_file_open: DropReference, File => FILES_OPEN,
    row_255_a_directory_open: DropReference, Directory => FILES_OPEN,
    row_255_a_file_cleaned_up_but_not_closed: DropReference, CleanedUp => FILES_OPEN,
    row_255_a_change_notification_pending: DropReference, Notification => FILES_OPEN,
    row_255_a_read_under_way: DropReference, Read => FILES_OPEN,
    row_255_a_file_being_opened: DropReference, OpeningFile => FILES_OPEN,
    row_255_a_directory_being_opened: DropReference, OpeningDirectory => CONNECTION_IN_USE,
    row_255_the_connection_in_the_making: DropReference, Making => CONNECTION_IN_USE,
    row_255_the_request_cancelled: DropReference, Cancelled => CANCELLED,
    row_1_nothing_open: Force, Nothing => SUCCESS,
    row_1_a_file_open: Force, File => SUCCESS,
    row_1_a_directory_open: Force, Directory => SUCCESS,
    row_1_a_file_cleaned_up_but_not_closed: Force, CleanedUp => SUCCESS,
    row_1_a_change_notification_pending: Force, Notification => SUCCESS,
    row_1_a_read_under_way: Force, Read => SUCCESS,
    row_1_a_file_being_opened: Force, OpeningFile => SUCCESS,
    row_1_a_directory_being_opened: Force, OpeningDirectory => SUCCESS,
    row_1_the_connection_in_the_making: Force, Making => SUCCESS,
    row_1_the_request_cancelled: Force, Cancelled => CANCELLED,
}

const CONTENT: &[u8] = b"in the table";
const ERROR_OPEN_FILES: u32 = 2401;
const ERROR_DEVICE_IN_USE: u32 = 2404;
/// What waits for something that is certain to come.
const LIMIT: Duration = Duration::from_secs(30);
/// A request that is held back fails at its deadline; on a machine too busy to be faster the row is tried again.
const ATTEMPTS: u32 = 5;

fn row(environment: &Environment, level: DeleteLevel, used_by: Use, expected: Status) -> Checked {
    environment.share()?;
    let gone = expected == Status::SUCCESS;
    for _ in 0..ATTEMPTS {
        let mut case = Case::new(environment, used_by)?;
        let first = case.delete(level)?;
        let second = case.delete(level)?;
        if level == DeleteLevel::Refuse {
            case.router_agrees(expected)?;
        }
        if !gone && !case.still_runs()? {
            // The deadline came first: this attempt shows nothing.
            continue;
        }
        equal("result", Status::from(first), expected)?;
        let repeated = if gone { Status::NOT_FOUND } else { expected };
        equal("result of a repetition", Status::from(second), repeated)?;
        // What has lost the reference that keeps it is not listed, although it is still there.
        if gone || level == DeleteLevel::Refuse {
            equal("listed", case.is_listed()?, !gone && used_by != Use::Making)?;
        }
        return case.end(level, gone);
    }
    Err(Failure::Wrong(format!("{ATTEMPTS} attempts were too slow")))
}

/// What runs on the connection.
enum Running {
    Request(InFlight),
    Open(OpenInFlight),
    Adding(Pending),
}

/// A connection that is used in one way.
struct Case<'e> {
    environment: &'e Environment,
    used_by: Use,
    drive: DriveLetter,
    /// The connection, if the router made it.
    mapped: Option<Mapped>,
    share: Unc,
    target: Target,
    file: Option<Box<dyn OpenFile>>,
    running: Option<Running>,
    relay: Option<Relay>,
}

impl<'e> Case<'e> {
    fn new(environment: &'e Environment, used_by: Use) -> Result<Self, Failure> {
        let held = matches!(
            used_by,
            Use::Read | Use::OpeningFile | Use::OpeningDirectory | Use::Making
        );
        let of_irps = held || matches!(used_by, Use::CleanedUp | Use::Notification | Use::Cancelled);
        if of_irps {
            environment.needs_irps()?;
        }
        let relay = held.then(|| Relay::new(environment.share()?)).transpose()?;
        let share = relay
            .as_ref()
            .map_or(environment.share(), |relay| Ok(relay.share()))?
            .clone();
        let mapped = (used_by != Use::Making)
            .then(|| environment.mapped_at(&share))
            .transpose()?;
        let drive = mapped
            .as_ref()
            .map_or_else(|| environment.free_drive(), |mapped| Ok(mapped.drive))?;
        let target = Target::root(drive).join(&format!("mrx9p-row-{}", std::process::id()))?;
        let mut case = Case {
            environment,
            used_by,
            drive,
            mapped,
            share,
            target,
            file: None,
            running: None,
            relay,
        };
        if used_by != Use::Making {
            done("writing", write_file(&*environment.files, &case.target, CONTENT))?;
        }
        case.use_it()?;
        Ok(case)
    }

    fn use_it(&mut self) -> Checked {
        let files = &*self.environment.files;
        let to_open = match self.used_by {
            Use::File | Use::CleanedUp | Use::Read => Some((self.target.clone(), OpenRequest::read())),
            Use::Directory | Use::Notification => Some((Target::root(self.drive), OpenRequest::list())),
            _ => None,
        };
        if let Some((target, request)) = to_open {
            self.file = Some(done("opening", files.open(&target, &request))?.0);
        }
        if let Some(relay) = &self.relay {
            relay.hold();
        }
        let running = match (self.used_by, &mut self.file) {
            (Use::CleanedUp, Some(file)) => {
                done("cleaning up", file.cleanup())?;
                None
            }
            (Use::Notification, Some(directory)) => Some(Running::Request(notification(&**directory)?)),
            (Use::Read, Some(file)) => Some(Running::Request(file.start_read(0, 100)?)),
            (Use::OpeningFile, _) => Some(Running::Open(
                files.start_open(&self.target, &OpenRequest::read())?,
            )),
            (Use::OpeningDirectory, _) => {
                let root = Target::root(self.drive);
                Some(Running::Open(files.start_open(&root, &OpenRequest::list())?))
            }
            (Use::Making, _) => Some(Running::Adding(self.add()?)),
            _ => None,
        };
        self.running = running;
        if self.running.is_some() {
            eventually(LIMIT, || {
                let contexts = self.environment.device()?.statistics()?.contexts;
                if contexts > 0 {
                    Ok(())
                } else {
                    Err(Failure::Wrong("nothing is under way".to_owned()))
                }
            })?;
        }
        Ok(())
    }

    fn name(&self) -> ConnectionName {
        ConnectionName {
            drive: Some(self.drive),
            remote: self.share.clone(),
        }
    }

    fn add(&self) -> Result<Pending, Failure> {
        let name = self.name().to_units();
        let request = AddConnection::try_new(Name::new(&name), Name::new(&[]))?.build()?;
        Ok(self
            .environment
            .device()?
            .begin_raw(ControlCode::ADD_CONNECTION, &request, 0)?)
    }

    fn delete(&self, level: DeleteLevel) -> Result<nt::Result, Failure> {
        if self.used_by != Use::Cancelled {
            return Ok(self
                .environment
                .device()?
                .delete_named(&self.drive.units(), level));
        }
        let drive = self.drive.units();
        let input = DeleteConnection::try_new(Name::new(&drive), level)?.build()?;
        let device = self.environment.files.open_device(OpenFlags::empty())?;
        let reply = device.send(&Operation::DeviceControl {
            control: ControlCode::DELETE_CONNECTION.0,
            flags: ControlFlags::CANCELLED,
            input: &input,
            length: 0,
        })?;
        Ok(reply.status.ok())
    }

    /// The router passes the refusal on, as Win32 knows it.
    fn router_agrees(&self, expected: Status) -> Checked {
        let error = match expected {
            Status::FILES_OPEN => ERROR_OPEN_FILES,
            Status::CONNECTION_IN_USE => ERROR_DEVICE_IN_USE,
            _ => return Ok(()),
        };
        if self.mapped.is_none() {
            return Ok(());
        }
        refused_win32(
            "through the router",
            wnet::cancel(&self.drive.units(), false),
            error,
        )
    }

    /// Whether what is to run does so still; true if nothing is to.
    fn still_runs(&mut self) -> Result<bool, Failure> {
        let at_once = Duration::ZERO;
        let still = match self.running.take() {
            None => return Ok(true),
            Some(Running::Request(request)) => request.wait_for(at_once).err().map(Running::Request),
            Some(Running::Open(open)) => open.wait_for(at_once).err().map(Running::Open),
            Some(Running::Adding(adding)) => adding.wait_for(at_once).err().map(Running::Adding),
        };
        self.running = still;
        Ok(self.running.is_some())
    }

    fn is_listed(&self) -> Result<bool, Failure> {
        let connections = self.environment.device()?.connections()?;
        Ok(connections.iter().any(|one| one.name.drive == Some(self.drive)))
    }

    /// Sees what has become of everything, closes what is open, and takes away what is left.
    fn end(mut self, level: DeleteLevel, gone: bool) -> Checked {
        if let Some(relay) = &self.relay {
            relay.let_through();
        }
        self.end_running(gone)?;
        if let Some(mut file) = self.file.take() {
            if self.used_by != Use::CleanedUp {
                self.check_file(&*file, gone)?;
            }
            done("closing", file.close())?;
        }
        let device = self.environment.device()?;
        if let Some(mapped) = &mut self.mapped {
            if gone || (level == DeleteLevel::DropReference && self.used_by != Use::Cancelled) {
                drop_letter(self.drive, &self.share)?;
                mapped.connected.forget();
            } else {
                done(
                    "unmapping what is not used any more",
                    mapped.connected.cancel(false),
                )?;
            }
        } else if !gone {
            done(
                "deleting what has been made",
                device.delete_named(&self.drive.units(), DeleteLevel::Refuse),
            )?;
        }
        eventually(LIMIT, || equal("connections", device.connections()?.len(), 0))?;
        refused(
            "deleting what is gone",
            device.delete_named(&self.drive.units(), DeleteLevel::Force),
            Status::NOT_FOUND,
        )?;
        if self.used_by == Use::Making {
            return Ok(());
        }
        clear(self.environment, &self.target)
    }

    fn end_running(&mut self, gone: bool) -> Checked {
        let ended = match self.running.take() {
            None => return Ok(()),
            Some(Running::Request(request)) => {
                if self.used_by == Use::Notification && !gone {
                    let directory = self.file.as_ref().ok_or(Status::INVALID_HANDLE)?;
                    done("cancelling the notification", directory.cancel())?;
                }
                request.wait()?.status
            }
            Some(Running::Open(open)) => {
                let opened = open.wait()?;
                self.file = opened.file;
                opened.status
            }
            Some(Running::Adding(adding)) => adding.wait().status,
        };
        let cancelled = [Status::CANCELLED, Status::UNEXPECTED_NETWORK_ERROR];
        match self.used_by {
            Use::Notification if !gone => equal("the notification", ended, Status::CANCELLED),
            // One that ends because its directory goes may say so (STATUS_NOTIFY_CLEANUP).
            Use::Notification if ended == Status(0x10B) => Ok(()),
            _ if gone => refused_with_one_of("what was under way", ended.ok(), &cancelled),
            _ => done("what was under way", ended.ok()),
        }
    }

    fn check_file(&self, file: &dyn OpenFile, gone: bool) -> Checked {
        let class = FileInformationClass::BOTH_DIRECTORY;
        let result = match self.used_by {
            Use::Directory | Use::Notification | Use::OpeningDirectory => file
                .query_directory(class, None, true, 65_536)
                .and_then(|reply| reply.status.ok()),
            _ => read_at(file, 0, 100).and_then(|read| {
                if read == CONTENT {
                    Ok(())
                } else {
                    Err(Status::DISK_CORRUPT_ERROR)
                }
            }),
        };
        if gone {
            refused("using the orphan", result, Status::UNEXPECTED_NETWORK_ERROR)
        } else {
            done("using the file", result)
        }
    }
}

impl Drop for Case<'_> {
    fn drop(&mut self) {
        // What is still held back must end before the relay does.
        self.relay.iter().for_each(Relay::let_through);
    }
}

fn notification(directory: &dyn OpenFile) -> Result<InFlight, Failure> {
    let asked = directory.start(&Operation::NotifyChange {
        filter: 0x17,
        flags: WatchFlags::empty(),
        length: 4096,
    })?;
    match asked.wait_for(Duration::from_millis(100)) {
        Err(waiting) => Ok(waiting),
        Ok(Ok(reply))
            if matches!(
                reply.status,
                Status::NOT_SUPPORTED | Status::INVALID_DEVICE_REQUEST
            ) =>
        {
            Err(Failure::Skipped("the driver reports no changes".to_owned()))
        }
        Ok(reply) => Err(Failure::Wrong(format!(
            "the notification does not wait: {reply:?}"
        ))),
    }
}
