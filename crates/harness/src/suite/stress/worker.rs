//! One thread of the stress test.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use client::device::Device;
use client::names::DriveLetter;
use ioctl::DeleteLevel;
use ioctl::irp::{Operation, WatchFlags};
use nt::{CreateDisposition, FileInformationClass, FsInformationClass, Status};

use super::random::Random;
use super::{FILE_BYTES, FILES, Field, content, name_of, target_of};
use crate::connect;
use crate::failure::Failure;
use crate::files::{Files, OpenFile, Reply, list_open};
use crate::info;
use crate::open::OpenRequest;
use crate::suite::Checked;

/// Handles that one thread keeps at most.
const MOST_OPEN: usize = 4;

/// What all threads did.
pub(super) fn total(counters: &[Arc<AtomicU64>]) -> u64 {
    counters
        .iter()
        .map(|counter| counter.load(Ordering::SeqCst))
        .fold(0, u64::saturating_add)
}

struct Open {
    file: Box<dyn OpenFile>,
    directory: bool,
}

pub(super) struct Worker<'f> {
    field: &'f Field,
    counter: Arc<AtomicU64>,
    random: Random,
    device: Device,
    files: Box<dyn Files>,
    open: Vec<Open>,
}

impl<'f> Worker<'f> {
    pub(super) fn new(field: &'f Field, counter: Arc<AtomicU64>, random: Random) -> Result<Self, Failure> {
        Ok(Self {
            field,
            counter,
            random,
            device: super::control_device()?,
            files: connect::files(),
            open: Vec::new(),
        })
    }

    /// Does one thing after the other until it is time to stop.
    pub(super) fn work(mut self) -> Checked {
        while !self.field.stop.load(Ordering::SeqCst) {
            let drive = self
                .random
                .one_of(&self.field.drives)
                .copied()
                .ok_or(Status::NO_SUCH_DEVICE)?;
            match self.random.below(32) {
                0..3 => self.map(drive),
                3 => self.unmap(drive),
                4..10 => self.open_file(drive)?,
                10..12 => self.open_directory(drive)?,
                12 => self.open_and_cancel(drive)?,
                13..18 => self.read()?,
                18..21 => self.write()?,
                21..23 => self.list(),
                23 => self.watch()?,
                24 => self.query(),
                25 => self.read_and_cancel()?,
                26 => self.look()?,
                _ => self.close()?,
            }
            self.counter.fetch_add(1, Ordering::SeqCst);
        }
        while !self.open.is_empty() {
            self.close()?;
            self.counter.fetch_add(1, Ordering::SeqCst);
        }
        Ok(())
    }

    fn map(&self, drive: DriveLetter) {
        // It may be there already, or be taken away meanwhile.
        let _mapped = self.device.add_connection(&name_of(self.field, drive), &[]);
    }

    fn unmap(&mut self, drive: DriveLetter) {
        let levels = [
            DeleteLevel::Refuse,
            DeleteLevel::DropReference,
            DeleteLevel::Force,
        ];
        if let Some(level) = self.random.one_of(&levels) {
            // It may not be there, or be in use.
            let _unmapped = self.device.delete_named(&drive.units(), *level);
        }
    }

    fn open_file(&mut self, drive: DriveLetter) -> Checked {
        let name = self.random.below(FILES).to_string();
        let target = target_of(self.field, drive, &name)?;
        let request = if self.random.below(2) == 0 {
            OpenRequest::read()
        } else {
            OpenRequest::write(CreateDisposition::OPEN)
        };
        if self.open.len() < MOST_OPEN
            && let Ok((file, _)) = self.files.open(&target, &request)
        {
            self.open.push(Open {
                file,
                directory: false,
            });
        }
        Ok(())
    }

    fn open_directory(&mut self, drive: DriveLetter) -> Checked {
        let target = target_of(self.field, drive, "")?;
        if self.open.len() < MOST_OPEN
            && let Ok((file, _)) = self.files.open(&target, &OpenRequest::list())
        {
            self.open.push(Open {
                file,
                directory: true,
            });
        }
        Ok(())
    }

    fn open_and_cancel(&mut self, drive: DriveLetter) -> Checked {
        let target = target_of(self.field, drive, "0")?;
        let Ok(opening) = self.files.start_open(&target, &OpenRequest::read()) else {
            return Ok(());
        };
        self.files.cancel_opens()?;
        // It may have been too late to cancel: then the file is open, and closed here.
        if let Ok((mut file, _)) = opening.wait()?.open() {
            file.close()?;
        }
        Ok(())
    }

    /// One of the open files or directories.
    fn pick(&mut self, directory: bool) -> Option<usize> {
        let all: Vec<usize> = self
            .open
            .iter()
            .enumerate()
            .filter(|(_, open)| open.directory == directory)
            .map(|(at, _)| at)
            .collect();
        self.random.one_of(&all).copied()
    }

    fn place(&mut self) -> (usize, usize) {
        let offset = self.random.below(FILE_BYTES);
        let length = self
            .random
            .below(FILE_BYTES.saturating_sub(offset))
            .saturating_add(1);
        (offset, length.min(FILE_BYTES.saturating_sub(offset)))
    }

    fn read(&mut self) -> Checked {
        let (offset, length) = self.place();
        let Some(open) = self.pick(false).and_then(|at| self.open.get(at)) else {
            return Ok(());
        };
        let at = u64::try_from(offset).unwrap_or(u64::MAX);
        check_read(&open.file.start_read(at, length)?.wait()?, offset)
    }

    fn read_and_cancel(&mut self) -> Checked {
        let (offset, length) = self.place();
        let Some(open) = self.pick(false).and_then(|at| self.open.get(at)) else {
            return Ok(());
        };
        let at = u64::try_from(offset).unwrap_or(u64::MAX);
        let reading = open.file.start_read(at, length)?;
        // It may be over already.
        let _cancelled = open.file.cancel();
        check_read(&reading.wait()?, offset)
    }

    fn write(&mut self) -> Checked {
        let (offset, length) = self.place();
        let Some(open) = self.pick(false).and_then(|at| self.open.get(at)) else {
            return Ok(());
        };
        let at = u64::try_from(offset).unwrap_or(u64::MAX);
        // Half of the handles may not write, and others have lost their connection.
        match open.file.write(at, &content(offset, length)) {
            Ok(written) if written > length => {
                Err(Failure::Wrong(format!("{written} bytes of {length} written")))
            }
            _ => Ok(()),
        }
    }

    fn list(&mut self) {
        if let Some(open) = self.pick(true).and_then(|at| self.open.get(at)) {
            let _listed = list_open(&*open.file, None);
        }
    }

    fn watch(&mut self) -> Checked {
        let Some(open) = self.pick(true).and_then(|at| self.open.get(at)) else {
            return Ok(());
        };
        let Ok(watching) = open.file.start(&Operation::NotifyChange {
            filter: 0x17,
            flags: WatchFlags::WATCH_TREE,
            length: 1024,
        }) else {
            return Ok(());
        };
        if let Err(watching) = watching.wait_for(Duration::from_millis(1)) {
            let _cancelled = open.file.cancel();
            let _ended = watching.wait()?;
        }
        Ok(())
    }

    fn query(&mut self) {
        let at = self.random.below(self.open.len());
        if let Some(open) = self.open.get(at) {
            let _queried = open
                .file
                .query(FileInformationClass::STANDARD, info::STANDARD_BYTES);
            let _volume = open.file.query_volume(FsInformationClass::SIZE, 24);
        }
    }

    fn look(&self) -> Checked {
        let _listed = self.device.connections()?;
        let figures = self.device.statistics()?;
        // Every handle is an open of a file.
        if figures.fobxs > 0 && (figures.srv_opens == 0 || figures.fcbs == 0) {
            return Err(Failure::Wrong(format!("handles without files: {figures:?}")));
        }
        Ok(())
    }

    fn close(&mut self) -> Checked {
        if self.open.is_empty() {
            return Ok(());
        }
        let at = self.random.below(self.open.len());
        let mut open = self.open.swap_remove(at);
        if self.random.below(2) == 0 {
            open.file.cleanup()?;
        }
        // Closing succeeds, whatever became of the connection.
        open.file.close()?;
        Ok(())
    }
}

/// What was read, if anything, is what stands there.
fn check_read(reply: &Reply, offset: usize) -> Checked {
    if reply.status.is_success() && reply.data != content(offset, reply.data.len()) {
        return Err(Failure::Wrong(format!(
            "{} bytes read at {offset} are not those of the file",
            reply.data.len()
        )));
    }
    Ok(())
}
