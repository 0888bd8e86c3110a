//! How fast files are over 9P: our windows beside each other, beside diodcat, and beside bare TCP.
//!
//! Every contestant is a process of its own against one diod, in turns, several rounds; the medians count, and what matters
//! are the ratios within one run. `cargo xtask bench ninep [--size BYTES] [--rounds COUNT] [--entries COUNT]`.

mod contest;
mod delay;
mod memory;
mod plot;
mod report;
mod tcp;

use std::alloc::System;
use std::error::Error;
use std::path::{Path, PathBuf};

use contest::{Course, Row, Runner};
use executive::mem::Counting;
use report::Report;
use testserver::Diod;

#[global_allocator]
static MEMORY: Counting<System> = Counting::new(System);

type Result<V = ()> = std::result::Result<V, Box<dyn Error>>;

/// How much of everything.
struct Extent {
    size: u64,
    rounds: usize,
    entries: u32,
    seconds: f64,
    /// Bytes over the emulated distance.
    far_size: u64,
}

impl Extent {
    fn from_arguments() -> Result<Self> {
        let mut extent = Self {
            size: 1 << 30,
            rounds: 5,
            entries: 100_000,
            seconds: 2.0,
            far_size: 64 << 20,
        };
        let mut words = std::env::args().skip(1);
        while let Some(word) = words.next() {
            if word == "--bench" || word == "--" {
                // cargo says so to every bench.
                continue;
            }
            let value = words.next().ok_or_else(|| format!("{word} needs a value"))?;
            match word.as_str() {
                "--size" => extent.size = value.parse()?,
                "--rounds" => extent.rounds = value.parse()?,
                "--entries" => extent.entries = value.parse()?,
                "--seconds" => extent.seconds = value.parse()?,
                "--far-size" => extent.far_size = value.parse()?,
                _ => return Err(format!("unknown option {word}").into()),
            }
        }
        Ok(extent)
    }
}

fn main() -> Result {
    let extent = Extent::from_arguments()?;
    // In memory where there is room: the server's disk is not what is measured.
    let folder = if Path::new("/dev/shm").is_dir() {
        tempfile::tempdir_in("/dev/shm")?
    } else {
        tempfile::tempdir()?
    };
    let diod = Diod::start(folder.path());
    let course = Course::prepare(folder.path(), &diod, &extent)?;
    let mut report = Report::new(&extent);
    near(&course, &extent, &mut report)?;
    small(&course, &extent, &mut report)?;
    // Before there is a proxy, whose threads give their buffers back when they please.
    report.memory = Some(memory::measure(&MEMORY, &course)?);
    far(&course, &extent, &mut report)?;
    diod.stop();
    let target = target();
    std::fs::create_dir_all(&target)?;
    report.write(&target)?;
    Ok(())
}

/// `target/bench/ninep`.
fn target() -> PathBuf {
    let program = PathBuf::from(env!("CARGO_BIN_EXE_p9-tests"));
    let target = program.parent().and_then(Path::parent);
    target.unwrap_or(Path::new("target")).join("bench").join("ninep")
}

/// The windows that are compared; `None` is what the tool does when nobody says anything.
const WINDOWS: [Option<u16>; 4] = [Some(1), Some(4), Some(16), None];

fn label(window: Option<u16>) -> String {
    window.map_or("adaptive".into(), |window| format!("window {window}"))
}

/// Large files over loopback.
fn near(course: &Course, extent: &Extent, report: &mut Report) -> Result {
    for round in 0..extent.rounds {
        eprintln!("sequential, round {} of {}", round + 1, extent.rounds);
        let mut contestants: Vec<Box<dyn Fn() -> Result<Vec<Row>>>> = Vec::new();
        for window in WINDOWS {
            contestants.push(Box::new(move || {
                Runner::p9(course, label(window), window, &["--only=write,read"])
            }));
        }
        contestants.push(Box::new(|| Runner::diodcat(course, 1)));
        contestants.push(Box::new(|| Runner::diodcat(course, 4)));
        contestants.push(Box::new(|| Runner::several(course, 2)));
        contestants.push(Box::new(|| tcp::blast(course.size)));
        // Who comes first rotates: nobody has the warmer caches all the time.
        let count = contestants.len();
        contestants.rotate_left(round % count);
        for contestant in &contestants {
            report.add(contestant()?);
        }
    }
    Ok(())
}

/// Small reads, names and a listing.
fn small(course: &Course, extent: &Extent, report: &mut Report) -> Result {
    let seconds = format!("--seconds={}", extent.seconds);
    for round in 0..extent.rounds {
        eprintln!("small, round {} of {}", round + 1, extent.rounds);
        let words = ["--only=random,stat,open,list", &seconds];
        report.add(Runner::p9(course, label(None), None, &words)?);
    }
    Ok(())
}

/// A round trip of 6 ms, by a proxy that holds everything back.
fn far(course: &Course, extent: &Extent, report: &mut Report) -> Result {
    let proxy = delay::Proxy::start(course.port, std::time::Duration::from_millis(3))?;
    let size = format!("--size={}", extent.far_size);
    for round in 0..extent.rounds.min(3) {
        eprintln!("6 ms away, round {} of {}", round + 1, extent.rounds.min(3));
        for window in WINDOWS {
            let name = format!("{} at 6 ms", label(window));
            let there = course.behind(proxy.port());
            report.add(Runner::p9(&there, name, window, &["--only=read", &size])?);
        }
    }
    Ok(())
}
