//! What the operations of the tree cost while 10³, 10⁴, 10⁵ and 10⁶ views or open files are alive, beside what one read of
//! equally cold memory costs; and how many bytes an object of each kind takes.
//!
//! `cargo xtask bench rdbss`; with a number as its argument it stops at that many objects.

mod documented;
mod memory;
mod world;

use memory::{Chase, live_blocks, live_bytes};
use std::time::Instant;
use world::{SHARES_PER_SERVER, VIEWS_PER_SHARE, World, drive_of};

/// Operations that a figure is the mean of, and how often it is taken; the least counts, as a busy machine only slows down.
const OPERATIONS: usize = 500;
const ROUNDS: usize = 20;
/// No round finds warm what another has touched.
const ALL: usize = ROUNDS * OPERATIONS;
/// The objects that are used over and over when it is to be seen what an operation costs without the memory.
const WARM: usize = 50;
const SIZES: [usize; 4] = [1_000, 10_000, 100_000, 1_000_000];
/// Files that the view has open whose finalisation is measured.
const FILES_OF_ONE: usize = 10;

/// One line of the table: what was measured at each size, in nanoseconds.
struct Line {
    what: &'static str,
    /// On the same few objects over and over.
    warm: Vec<f64>,
    /// On objects that have not been used for long.
    cold: Vec<f64>,
    /// One read of as much memory.
    read: Vec<f64>,
}

impl Line {
    fn new(what: &'static str) -> Self {
        Self {
            what,
            warm: Vec::new(),
            cold: Vec::new(),
            read: Vec::new(),
        }
    }
}

fn main() {
    let most = std::env::args()
        .filter_map(|argument| argument.parse().ok())
        .next()
        .unwrap_or(usize::MAX);
    let sizes: Vec<usize> = SIZES.into_iter().filter(|&size| size <= most).collect();
    let mut lines = views(&sizes);
    lines.extend(files(&sizes));
    show(&sizes, &lines);
    bytes();
}

/// The least mean of some rounds of `operation`, which is given a number: warm and cold.
fn measure(mut operation: impl FnMut(usize)) -> (f64, f64) {
    let mut least = |number: fn(usize) -> usize| {
        (0..ROUNDS)
            .map(|round| {
                let start = Instant::now();
                for at in 0..OPERATIONS {
                    operation(number(round * OPERATIONS + at));
                }
                start.elapsed().as_nanos() as f64 / OPERATIONS as f64
            })
            .fold(f64::INFINITY, f64::min)
    };
    let cold = least(|at| at);
    (least(|at| at % WARM), cold)
}

/// A number that looks random and is the same every time.
fn scatter(number: usize) -> usize {
    (number as u64 ^ 0x5DEE_CE66).wrapping_mul(0x9E37_79B9_7F4A_7C15) as usize >> 20
}

/// With that many views alive, spread over servers, shares, logon sessions and drive letters.
fn views(sizes: &[usize]) -> Vec<Line> {
    let mut lines = [
        "look a drive's name up",
        "map a drive and take it away",
        "finalise a view with 10 open files",
    ]
    .map(Line::new);
    for &size in sizes {
        let before = live_bytes();
        let mut world = World::new();
        let views: Vec<_> = (0..size).map(|number| world.map(number)).collect();
        let read = Chase::over(live_bytes() - before).nanoseconds();
        let names: Vec<_> = (0..ALL)
            .map(|at| drive_of(scatter(at) % size, r"\a\file"))
            .collect();
        let figures = [
            measure(|at| world.look_up(&names[at], scatter(at) % size)),
            measure(|at| {
                // On a share that others use, of a session that nobody else has.
                let view = world.map_for(scatter(at) % size, size + at);
                world.unmap(view);
            }),
            finalise_one(&mut world, size),
        ];
        for (line, figure) in lines.iter_mut().zip(figures) {
            line.warm.push(figure.0);
            line.cold.push(figure.1);
            line.read.push(read);
        }
        drop(views);
    }
    lines.into()
}

/// The finalisation alone of views that have a few files open: warm, just after they were opened, and cold, after many others.
fn finalise_one(world: &mut World, size: usize) -> (f64, f64) {
    const BATCH: usize = 50;
    let mut least = |rest: usize| {
        (0..ROUNDS)
            .map(|round| {
                let doomed: Vec<_> = (0..BATCH + rest)
                    .map(|number| {
                        let at = round * (BATCH + rest) + number;
                        let view = world.map_for(scatter(at) % size, 2 * size + at);
                        for file in 0..FILES_OF_ONE {
                            world.open(view, &format!(r"\v{at}\{file}"));
                        }
                        view
                    })
                    .collect();
                let start = Instant::now();
                for &view in doomed.iter().take(BATCH) {
                    world.force(view);
                }
                let spent = start.elapsed().as_nanos() as f64 / BATCH as f64;
                for &view in doomed.iter().skip(BATCH) {
                    world.force(view);
                }
                spent
            })
            .fold(f64::INFINITY, f64::min)
    };
    (least(0), least(size / 200))
}

/// With that many files open on one share, a hundred in each directory.
fn files(sizes: &[usize]) -> Vec<Line> {
    let mut lines = [
        "open a new file and close it",
        "open an open file again, close that",
        "close late, open again, close late",
        "begin and end a request on a handle",
        "rename a directory (nothing below)",
    ]
    .map(Line::new);
    for &size in sizes {
        let before = live_bytes();
        let mut world = World::new();
        let view = world.map(0);
        let path = |number: usize| format!(r"\home\d{}\file{number}", number / 100);
        let handles: Vec<_> = (0..size).map(|number| world.open(view, &path(number))).collect();
        let read = Chase::over(live_bytes() - before).nanoseconds();
        let known: Vec<_> = (0..ALL)
            .map(|at| world::name(&path(scatter(at) % size)))
            .collect();
        let new: Vec<_> = (0..ALL)
            .map(|at| world::name(&format!(r"\home\d{}\new{at}", scatter(at) % size / 100)))
            .collect();
        let directories: Vec<_> = (0..100)
            .map(|at| world.open_directory(view, &format!(r"\empty{at}")))
            .collect();
        let targets: Vec<_> = (0..100).map(|at| world::name(&format!(r"\moved{at}"))).collect();
        let figures = [
            measure(|at| world.open_and_close(view, &new[at])),
            measure(|at| world.open_and_close(view, &known[at])),
            measure(|at| world.open_and_close_late(view, &new[at % 20])),
            measure(|at| world.request(handles[scatter(at) % size])),
            measure(|at| world.rename_nothing(directories[at % 100], &targets[at % 100])),
        ];
        for (line, figure) in lines.iter_mut().zip(figures) {
            line.warm.push(figure.0);
            line.cold.push(figure.1);
            line.read.push(read);
        }
    }
    lines.into()
}

/// The table. Growth is from the smallest to the largest size. "In reads" is how many reads of memory, each as much dearer as
/// a read of that much memory is, cost as much as the cold operation has grown.
fn show(sizes: &[usize], lines: &[Line]) {
    println!("{SHARES_PER_SERVER} shares a server, {VIEWS_PER_SHARE} views a share, 100 files a directory.");
    println!(
        "ns per operation, the least of {ROUNDS} means: warm, on the same {WARM} objects over and over; cold, on others each time."
    );
    print!("{:<44}", "objects alive");
    for size in sizes {
        print!("{size:>10}");
    }
    println!("{:>9}{:>10}", "growth", "in reads");
    for line in lines {
        row(line.what, "warm", &line.warm);
        println!();
        row("", "cold", &line.cold);
        let read = (last(&line.read) - line.read[0]).max(0.1);
        println!("{:>10.1}", (last(&line.cold) - line.cold[0]) / read);
        row("", "a read", &line.read);
        println!();
    }
}

fn last(figures: &[f64]) -> f64 {
    figures[figures.len() - 1]
}

fn row(what: &str, how: &str, figures: &[f64]) {
    print!("{what:<37}{how:<7}");
    for figure in figures {
        print!("{figure:>10.0}");
    }
    print!("{:>8.1}x", last(figures) / figures[0]);
}

fn bytes() {
    println!();
    println!(
        "{:<12}{:>8}{:>12}{:>8}{:>31}",
        "object", "itself", "all told", "blocks", "documented members, at least"
    );
    for (kind, itself, make) in world::KINDS {
        const MADE: usize = 8_192;
        let mut world = World::new();
        let base = world.base(kind);
        let (bytes, blocks) = (live_bytes(), live_blocks());
        for number in 0..MADE {
            make(&mut world, &base, number);
        }
        let (bytes, blocks) = (live_bytes() - bytes, live_blocks() - blocks);
        println!(
            "{:<12}{:>8}{:>12.0}{:>8.1}{:>31}",
            kind.name(),
            itself(),
            bytes as f64 / MADE as f64,
            blocks as f64 / MADE as f64,
            documented::size(kind),
        );
    }
    println!("All told: with its name, its place in the tables, its exit and its share of spare room.");
}
