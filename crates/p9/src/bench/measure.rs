//! The measurements.

use std::ffi::{OsStr, OsString};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use nt::{AccessMask, CreateDisposition, CreateOptions};

use crate::drive::{Drive, Open};
use crate::failure::Failure;
use crate::report::to_look_at;
use crate::tree;

use super::process::Usage;
use super::{Plan, What};

/// Bytes of one read or write of many: what programs that copy files ask for at once.
pub(super) const BLOCK: usize = 4 << 20;
/// Bytes of a small read.
const PAGE: usize = 4096;
/// How many at a time, beside one.
const DEPTH: u32 = 16;

/// One result.
#[derive(Clone, Debug)]
pub(crate) struct Measurement {
    pub(crate) what: &'static str,
    /// How many at a time.
    pub(crate) depth: u32,
    pub(crate) count: u64,
    /// If it was about content.
    pub(crate) bytes: Option<u64>,
    pub(crate) seconds: f64,
    /// Of this process.
    pub(crate) cpu_seconds: f64,
}

impl Measurement {
    /// Bytes per second if it was about content, else how many per second.
    #[expect(clippy::cast_precision_loss, reason = "a rate needs no more than 52 bits")]
    pub(crate) fn rate(&self) -> f64 {
        self.bytes.unwrap_or(self.count) as f64 / self.seconds.max(1e-9)
    }

    #[expect(clippy::cast_precision_loss, reason = "a rate needs no more than 52 bits")]
    pub(crate) fn cpu_per_gib(&self) -> Option<f64> {
        let gib = self.bytes? as f64 / f64::from(1 << 30);
        Some(self.cpu_seconds / gib)
    }
}

/// The place of a bench: a large file and a directory with many.
pub(crate) struct Course<'d> {
    drive: &'d Drive,
    directory: OsString,
    file: OsString,
    many: OsString,
    size: u64,
    limit: Duration,
    keep: bool,
}

impl<'d> Course<'d> {
    /// Makes what is missing.
    pub(crate) fn prepare(drive: &'d Drive, path: &OsStr, plan: &Plan) -> Result<Self, Failure> {
        let directory = tree::child(path, "p9-bench".as_ref());
        let course = Self {
            drive,
            file: tree::child(&directory, "file".as_ref()),
            many: tree::child(&directory, "many".as_ref()),
            directory,
            size: plan.size - plan.size % BLOCK as u64,
            limit: Duration::from_secs_f64(plan.seconds),
            keep: plan.keep,
        };
        let seconds = course.make(plan);
        if seconds.is_err() {
            // What is there of it is not wanted.
            let _ = course.clear();
        }
        seconds.map(|()| course)
    }

    fn make(&self, plan: &Plan) -> Result<(), Failure> {
        let wanted = |what| plan.only.is_empty() || plan.only.contains(&what);
        tree::make_directory(self.drive, &self.directory, true)?;
        let there = self.drive.try_open(&self.many, to_look_at()).is_ok();
        if wanted(What::List) && !there {
            tree::make_directory(self.drive, &self.many, false)?;
            self.make_many(plan.entries)?;
        }
        let file = self.drive.try_open(&self.file, to_look_at());
        let there = file.is_ok_and(|file| file.size().is_ok_and(|size| size >= self.size));
        // Writing comes first, and makes it.
        if !there && !wanted(What::Write) {
            self.write()?;
        }
        Ok(())
    }

    fn make_many(&self, entries: u32) -> Result<(), Failure> {
        let each = |thread: u32| {
            for number in (thread..entries).step_by(DEPTH as usize) {
                let path = tree::child(&self.many, format!("entry {number:06}").as_ref());
                let make = Open::existing(AccessMask::WRITE_DATA).disposition(CreateDisposition::OPEN_IF);
                self.drive.try_open(&path, make)?;
            }
            Ok(())
        };
        at_once(DEPTH, each).map_err(|status| Failure::remote("cannot make files", status))
    }

    /// Removes what was made, unless it is to be kept.
    pub(crate) fn clear(&self) -> Result<(), Failure> {
        if self.keep {
            return Ok(());
        }
        tree::remove(self.drive, &self.directory, true)
    }

    pub(crate) fn measure(&self, what: What) -> Result<Vec<Measurement>, Failure> {
        match what {
            What::Write => Ok(vec![self.write()?]),
            What::Read => Ok(vec![self.read()?]),
            What::List => Ok(vec![self.list()?]),
            What::Random => self.at_both_depths(|depth| self.random(depth)),
            What::Stat => self.at_both_depths(|depth| {
                self.often("stat", depth, |path| {
                    self.drive.try_open(path, to_look_at())?.information().map(drop)
                })
            }),
            What::Open => self.at_both_depths(|depth| {
                let open =
                    Open::existing(AccessMask::FILE_GENERIC_READ).with(CreateOptions::NON_DIRECTORY_FILE);
                self.often("open and close", depth, |path| {
                    self.drive.try_open(path, open).map(drop)
                })
            }),
        }
    }

    fn at_both_depths(
        &self,
        measure: impl Fn(u32) -> nt::Result<Measurement>,
    ) -> Result<Vec<Measurement>, Failure> {
        [1, DEPTH]
            .into_iter()
            .map(|depth| measure(depth).map_err(|status| Failure::remote("the bench failed", status)))
            .collect()
    }

    fn write(&self) -> Result<Measurement, Failure> {
        let open = Open::existing(AccessMask::FILE_GENERIC_WRITE)
            .with(CreateOptions::NON_DIRECTORY_FILE)
            .disposition(CreateDisposition::OVERWRITE_IF);
        let file = self.drive.open(&self.file, open)?;
        let block: Vec<u8> = (0..BLOCK).map(|index| (index % 251) as u8).collect();
        let watch = Watch::start();
        let mut at = 0;
        while at < self.size {
            file.write(at, &block)
                .map_err(|status| Failure::remote("cannot write", status))?;
            at += BLOCK as u64;
        }
        Ok(watch.stop("sequential write", 1, self.size / BLOCK as u64, Some(self.size)))
    }

    fn read(&self) -> Result<Measurement, Failure> {
        let open = Open::existing(AccessMask::FILE_GENERIC_READ).with(CreateOptions::NON_DIRECTORY_FILE);
        let file = self.drive.open(&self.file, open)?;
        let mut block = vec![0; BLOCK];
        let watch = Watch::start();
        let mut at = 0;
        while at < self.size {
            let read = file
                .read(at, &mut block)
                .map_err(|status| Failure::remote("cannot read", status))?;
            if read == 0 {
                return Err(Failure::Senseless("the file of the bench is too short".into()));
            }
            at += read as u64;
        }
        Ok(watch.stop("sequential read", 1, self.size / BLOCK as u64, Some(self.size)))
    }

    fn random(&self, depth: u32) -> nt::Result<Measurement> {
        let open = Open::existing(AccessMask::FILE_GENERIC_READ).with(CreateOptions::NON_DIRECTORY_FILE);
        let file = self.drive.try_open(&self.file, open)?;
        let (pages, count) = (self.size / PAGE as u64, AtomicU64::new(0));
        let watch = Watch::start();
        at_once(depth, |thread| {
            let mut page = [0; PAGE];
            // The same pages each time, in no order that a server could guess.
            let mut state = 0x2545_f491_4f6c_dd1d_u64 ^ u64::from(thread);
            while watch.started.elapsed() < self.limit {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                file.read(state % pages * PAGE as u64, &mut page)?;
                count.fetch_add(1, Ordering::Relaxed);
            }
            Ok(())
        })?;
        Ok(watch.stop("4 KiB random reads", depth, count.into_inner(), None))
    }

    /// Does something to the file's path again and again.
    fn often(
        &self,
        what: &'static str,
        depth: u32,
        each: impl Fn(&OsStr) -> nt::Result + Sync,
    ) -> nt::Result<Measurement> {
        let count = AtomicU64::new(0);
        let watch = Watch::start();
        at_once(depth, |_| {
            while watch.started.elapsed() < self.limit {
                each(&self.file)?;
                count.fetch_add(1, Ordering::Relaxed);
            }
            Ok(())
        })?;
        Ok(watch.stop(what, depth, count.into_inner(), None))
    }

    fn list(&self) -> Result<Measurement, Failure> {
        let open = Open::existing(AccessMask::READ_DATA | AccessMask::READ_ATTRIBUTES)
            .with(CreateOptions::DIRECTORY_FILE);
        let directory = self.drive.open(&self.many, open)?;
        let watch = Watch::start();
        let entries = directory
            .entries()
            .map_err(|status| Failure::remote("cannot list", status))?;
        Ok(watch.stop("entries listed", 1, entries.len() as u64, None))
    }
}

/// Does `work` on so many threads at once; the first failure counts.
fn at_once(threads: u32, work: impl Fn(u32) -> nt::Result + Sync) -> nt::Result {
    thread::scope(|scope| {
        let work = &work;
        let running: Vec<_> = (0..threads)
            .map(|number| scope.spawn(move || work(number)))
            .collect();
        let results = running
            .into_iter()
            .map(|thread| thread.join().unwrap_or(Err(nt::Status::UNSUCCESSFUL)));
        results.fold(Ok(()), nt::Result::and)
    })
}

/// Time and processor time since it was started.
struct Watch {
    started: Instant,
    usage: Usage,
}

impl Watch {
    fn start() -> Self {
        Self {
            usage: Usage::now(),
            started: Instant::now(),
        }
    }

    fn stop(&self, what: &'static str, depth: u32, count: u64, bytes: Option<u64>) -> Measurement {
        Measurement {
            what,
            depth,
            count,
            bytes,
            seconds: self.started.elapsed().as_secs_f64(),
            cpu_seconds: Usage::now().cpu_seconds - self.usage.cpu_seconds,
        }
    }
}
