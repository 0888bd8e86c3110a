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
const OPERATIONS: usize = 2_000;
const ROUNDS: usize = 5;
/// No round finds warm what another has touched.
const ALL: usize = ROUNDS * OPERATIONS;
const SIZES: [usize; 4] = [1_000, 10_000, 100_000, 1_000_000];
/// Files that the view has open whose finalisation is measured.
const FILES_OF_ONE: usize = 10;

/// One line of the table: what was measured at each size, in nanoseconds.
struct Line {
    what: &'static str,
    nanoseconds: Vec<f64>,
    cold: Vec<f64>,
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

/// The least mean of some rounds of `operation`.
fn measure(mut operation: impl FnMut(usize)) -> f64 {
    (0..ROUNDS)
        .map(|round| {
            let start = Instant::now();
            for number in 0..OPERATIONS {
                operation(round * OPERATIONS + number);
            }
            start.elapsed().as_nanos() as f64 / OPERATIONS as f64
        })
        .fold(f64::INFINITY, f64::min)
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
    .map(|what| Line {
        what,
        nanoseconds: Vec::new(),
        cold: Vec::new(),
    });
    for &size in sizes {
        let before = live_bytes();
        let mut world = World::new();
        let views: Vec<_> = (0..size).map(|number| world.map(number)).collect();
        let cold = Chase::over(live_bytes() - before).nanoseconds();
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
            line.nanoseconds.push(figure);
            line.cold.push(cold);
        }
        drop(views);
    }
    lines.into()
}

/// The finalisation alone of views that have a few files open.
fn finalise_one(world: &mut World, size: usize) -> f64 {
    (0..ROUNDS)
        .map(|round| {
            let doomed: Vec<_> = (0..100)
                .map(|number| {
                    let at = round * 100 + number;
                    let view = world.map_for(scatter(at) % size, 2 * size + at);
                    for file in 0..FILES_OF_ONE {
                        world.open(view, &format!(r"\v{at}\{file}"));
                    }
                    view
                })
                .collect();
            let start = Instant::now();
            for view in doomed {
                world.force(view);
            }
            start.elapsed().as_nanos() as f64 / 100.0
        })
        .fold(f64::INFINITY, f64::min)
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
    .map(|what| Line {
        what,
        nanoseconds: Vec::new(),
        cold: Vec::new(),
    });
    for &size in sizes {
        let before = live_bytes();
        let mut world = World::new();
        let view = world.map(0);
        let path = |number: usize| format!(r"\home\d{}\file{number}", number / 100);
        let handles: Vec<_> = (0..size).map(|number| world.open(view, &path(number))).collect();
        let cold = Chase::over(live_bytes() - before).nanoseconds();
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
            line.nanoseconds.push(figure);
            line.cold.push(cold);
        }
    }
    lines.into()
}

/// The table. Growth is from the smallest to the largest size; "colder reads" are how many reads of memory would cost as much
/// as the difference, each as much more than it did at the smallest size.
fn show(sizes: &[usize], lines: &[Line]) {
    println!(
        "{SHARES_PER_SERVER} shares a server, {VIEWS_PER_SHARE} views a share; ns per operation, least of {ROUNDS} means"
    );
    print!("{:<38}", "objects alive");
    for size in sizes {
        print!("{size:>10}");
    }
    println!("{:>8}{:>14}", "growth", "colder reads");
    for line in lines {
        let (first, last) = (line.nanoseconds[0], line.nanoseconds[line.nanoseconds.len() - 1]);
        let colder = (line.cold[line.cold.len() - 1] - line.cold[0]).max(0.1);
        print!("{:<38}", line.what);
        for figure in &line.nanoseconds {
            print!("{figure:>10.0}");
        }
        println!("{:>7.1}x{:>14.1}", last / first, (last - first) / colder);
        print!("{:<38}", "  one read of memory as large");
        for cold in &line.cold {
            print!("{cold:>10.1}");
        }
        println!("{:>7.1}x", line.cold[line.cold.len() - 1] / line.cold[0]);
    }
}

fn bytes() {
    println!();
    println!(
        "{:<12}{:>8}{:>12}{:>8}{:>28}",
        "object", "itself", "all told", "blocks", "documented members, at least"
    );
    for (kind, itself, make) in world::KINDS {
        const MADE: usize = 4_096;
        let mut world = World::new();
        let base = world.base(kind);
        let (bytes, blocks) = (live_bytes(), live_blocks());
        for number in 0..MADE {
            make(&mut world, &base, number);
        }
        let (bytes, blocks) = (live_bytes() - bytes, live_blocks() - blocks);
        println!(
            "{:<12}{:>8}{:>12.0}{:>8.1}{:>28}",
            kind.name(),
            itself(),
            bytes as f64 / MADE as f64,
            blocks as f64 / MADE as f64,
            documented::size(kind),
        );
    }
    println!("All told: with its name, its place in the tables, its exit and its share of spare room.");
}
