//! Many threads at once map, open, read, write, list, watch, cancel and disconnect by force the same few names, at
//! random: nothing hangs, nothing is lost, and in the end the redirector has what it had before.
//!
//! `MRX9P_STRESS_SECONDS`, `MRX9P_STRESS_THREADS` and `MRX9P_STRESS_SEED` set how long, how many, and which way.

mod random;
mod worker;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use std::{env, mem};

use client::names::{ConnectionName, DriveLetter};
use client::{device::Device, drives};
use ioctl::{DeleteLevel, Statistics};
use nt::Status;

use super::Checked;
use super::check::{done, equal, eventually, holds};
use super::environment::{Environment, Scratch};
use super::leak::settled;
use crate::failure::Failure;
use crate::files::write_file;
use crate::path::Target;
use crate::runner::{Outcome, Test};

use random::Random;
use worker::Worker;

pub(crate) fn tests() -> Vec<Test<Environment>> {
    vec![Test {
        name: "threads_use_and_take_away_the_same_names",
        run: |environment| match stress(environment) {
            Ok(what) => Outcome::PassedWith(what),
            Err(failure) => super::outcome(Err(failure)),
        },
    }]
}

/// The drives that all threads share.
const DRIVES: usize = 3;
/// The files that all threads share.
const FILES: usize = 4;
/// The length of each file in bytes.
const FILE_BYTES: usize = 100_000;
/// A thread whose operation takes longer hangs: every request has a deadline far below this.
const HANG: Duration = Duration::from_secs(60);
/// Before anything is measured everything that grows once has grown.
const WARM_UP: Duration = Duration::from_secs(2);
/// What is freed by tasks that are ending must be gone after this time.
const POOL_LIMIT: Duration = Duration::from_secs(30);
/// When nothing has changed for so long, they have ended.
const POOL_PAUSE: Duration = Duration::from_millis(200);
/// Fewer operations than this for each allocation that stays are a leak.
const OPERATIONS_PER_ALLOCATION: u64 = 200;
/// More bytes than this that stay for each operation are a leak.
const BYTES_PER_OPERATION: u64 = 1;
/// Memory is compared this often: a table that doubles just then grows once, what leaks grows every time.
const MEASUREMENTS: u32 = 5;

/// What the threads work on.
struct Field {
    drives: Vec<DriveLetter>,
    share: client::names::Unc,
    /// The directory of the test on the share.
    directory: Vec<u16>,
    stop: AtomicBool,
}

/// The byte that stands at an offset of every file, always: each write writes what is there.
fn content_at(offset: usize) -> u8 {
    // CAST: what is below 251 fits.
    (offset % 251) as u8
}

fn content(offset: usize, length: usize) -> Vec<u8> {
    (offset..offset.saturating_add(length)).map(content_at).collect()
}

fn setting(name: &str, default: u64) -> u64 {
    env::var(name)
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(default)
}

fn stress(environment: &Environment) -> Result<String, Failure> {
    let mut scratch = environment.scratch()?;
    for file in 0..FILES {
        let target = scratch.path(&format!("{file}"))?;
        done(
            "writing",
            write_file(&*environment.files, &target, &content(0, FILE_BYTES)),
        )?;
    }
    let from_clock = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.subsec_nanos().into());
    let seed = setting("MRX9P_STRESS_SEED", from_clock);
    let threads = setting("MRX9P_STRESS_THREADS", 16);
    let seconds = setting("MRX9P_STRESS_SECONDS", 10);
    let field = Arc::new(Field {
        drives: environment.free_drives(DRIVES)?,
        share: environment.share()?.clone(),
        directory: scratch.below_share()?,
        stop: AtomicBool::new(false),
    });
    let links = Links::new(&field)?;
    let device = environment.device()?;
    let outcome = run(environment, &mut scratch, &field, (seed, threads, seconds));
    drop(links);
    let operations = outcome.map_err(|failure| Failure::Wrong(format!("seed {seed}: {failure}")))?;
    equal("connections besides ours", device.connections()?.len(), 1)?;
    scratch.finish()?;
    Ok(format!(
        "{operations} operations by {threads} threads in {seconds} s, seed {seed}"
    ))
}

/// The warm-up, the measured time, and what is left after each.
fn run(
    environment: &Environment,
    scratch: &mut Scratch<'_>,
    field: &Arc<Field>,
    (seed, threads, seconds): (u64, u64, u64),
) -> Result<u64, Failure> {
    let _warm = round(environment, field, seed ^ 1, threads, WARM_UP)?;
    let first = at_rest(environment, scratch)?;
    let whole = Duration::from_secs(seconds);
    let (mut operations, mut last) = (0_u64, first);
    for measurement in 0..MEASUREMENTS {
        let length = if measurement == 0 { whole } else { whole / 2 };
        let done = round(
            environment,
            field,
            seed.wrapping_add(measurement.into()),
            threads,
            length,
        )?;
        operations = operations.saturating_add(done);
        let before = mem::replace(&mut last, at_rest(environment, scratch)?);
        if no_growth(&before, &last, &Spare::default()).is_ok() {
            break;
        }
    }
    // Tables grow with the most that was ever under way at once, what leaks with every operation.
    let spare = Spare {
        allocations: operations / OPERATIONS_PER_ALLOCATION,
        bytes: operations.saturating_mul(BYTES_PER_OPERATION),
    };
    no_growth(&first, &last, &spare)?;
    Ok(operations)
}

/// What is allocated while nothing is connected. Then there is no session either, which keeps buffers for reuse.
fn at_rest(environment: &Environment, scratch: &mut Scratch<'_>) -> Result<Statistics, Failure> {
    scratch.leave()?;
    let before_this_group = *environment.baseline.borrow();
    settled(environment, &before_this_group)?;
    let device = environment.device()?;
    let mut seen = device.statistics()?;
    eventually(POOL_LIMIT, || {
        thread::sleep(POOL_PAUSE);
        let before = mem::replace(&mut seen, device.statistics()?);
        equal("bytes allocated", seen.pool_bytes, before.pool_bytes)
    })?;
    scratch.come_back()?;
    Ok(seen)
}

/// What the pool may have more of.
#[derive(Default)]
struct Spare {
    allocations: u64,
    bytes: u64,
}

/// That the pool has no more than before and to spare, and that no allocation has failed.
fn no_growth(before: &Statistics, after: &Statistics, spare: &Spare) -> Checked {
    let what = format!(
        "{} allocations of {} bytes stay {} of {}",
        before.pool_allocations, before.pool_bytes, after.pool_allocations, after.pool_bytes
    );
    let most = (
        before.pool_allocations.saturating_add(spare.allocations),
        before.pool_bytes.saturating_add(spare.bytes),
    );
    holds(
        &what,
        after.pool_allocations <= most.0 && after.pool_bytes <= most.1,
    )?;
    equal("failed allocations", after.pool_failures, before.pool_failures)
}

/// Lets the threads loose for a while; gives how much they did.
fn round(
    environment: &Environment,
    field: &Arc<Field>,
    seed: u64,
    threads: u64,
    length: Duration,
) -> Result<u64, Failure> {
    field.stop.store(false, Ordering::SeqCst);
    let (tell, told) = mpsc::channel();
    let mut counters = Vec::new();
    for thread in 0..threads {
        let counter = Arc::new(AtomicU64::new(0));
        counters.push(Arc::clone(&counter));
        let (field, tell) = (Arc::clone(field), tell.clone());
        thread::spawn(move || {
            let result = Worker::new(&field, counter, Random::new(seed, thread)).and_then(Worker::work);
            // Nobody listens any more after a failure.
            let _told = tell.send((thread, result));
        });
    }
    let outcome = watch(field, &counters, &told, length);
    // Whatever happened: the drives are not to stay.
    let device = environment.device()?;
    for drive in &field.drives {
        let gone = device.delete_named(&drive.units(), DeleteLevel::Force);
        if gone.is_err() && gone != Err(Status::NOT_FOUND) {
            return Err(Failure::Wrong(format!("deleting {drive}: {gone:?}")));
        }
    }
    outcome
}

/// Waits for the end of all threads, each of which must get on all the time.
fn watch(
    field: &Field,
    counters: &[Arc<AtomicU64>],
    told: &mpsc::Receiver<(u64, Checked)>,
    length: Duration,
) -> Result<u64, Failure> {
    const LOOK: Duration = Duration::from_millis(200);
    let start = Instant::now();
    // What each thread had done when it was last seen to get on; `None` once it has ended.
    let mut seen: Vec<Option<(u64, Instant)>> = counters.iter().map(|_| Some((0, start))).collect();
    let mut failure = None;
    while seen.iter().any(Option::is_some) {
        if start.elapsed() >= length {
            field.stop.store(true, Ordering::SeqCst);
        }
        match told.recv_timeout(LOOK) {
            Ok((thread, result)) => {
                let thread = usize::try_from(thread).unwrap_or(usize::MAX);
                seen.iter_mut().skip(thread).take(1).for_each(|seen| *seen = None);
                if let Err(why) = result {
                    field.stop.store(true, Ordering::SeqCst);
                    failure.get_or_insert(why);
                }
            }
            Err(mpsc::RecvTimeoutError::Timeout) => {}
            Err(mpsc::RecvTimeoutError::Disconnected) => {
                return Err(Failure::Wrong("a thread ended without a word".to_owned()));
            }
        }
        for (at, (counter, seen)) in counters.iter().zip(&mut seen).enumerate() {
            let Some((count, since)) = seen else { continue };
            let now = counter.load(Ordering::SeqCst);
            if now != *count {
                *seen = Some((now, Instant::now()));
            } else if since.elapsed() > HANG {
                field.stop.store(true, Ordering::SeqCst);
                return Err(Failure::Wrong(format!("thread {at} hangs in operation {now}")));
            }
        }
    }
    match failure {
        Some(why) => Err(why),
        None => Ok(worker::total(counters)),
    }
}

/// The drive letters, which lead to the connections whether they are there or not.
struct Links(Vec<(DriveLetter, Vec<u16>)>);

impl Links {
    fn new(field: &Field) -> Result<Self, Failure> {
        let mut links = Self(Vec::new());
        for drive in &field.drives {
            let target = name_of(field, *drive).device_target();
            done("defining the letter", drives::define(*drive, &target))?;
            links.0.push((*drive, target));
        }
        Ok(links)
    }
}

impl Drop for Links {
    fn drop(&mut self) {
        for (drive, target) in &self.0 {
            // It is certain to be there; nobody else changes it.
            let _removed = drives::remove(*drive, target);
        }
    }
}

fn name_of(field: &Field, drive: DriveLetter) -> ConnectionName {
    ConnectionName {
        drive: Some(drive),
        remote: field.share.clone(),
    }
}

/// A file of the test through one of the drives.
fn target_of(field: &Field, drive: DriveLetter, name: &str) -> Result<Target, Failure> {
    let directory = Target::root(drive).join_units(&field.directory)?;
    Ok(if name.is_empty() {
        directory
    } else {
        directory.join(name)?
    })
}

fn control_device() -> Result<Device, Failure> {
    Ok(Device::open()?)
}
