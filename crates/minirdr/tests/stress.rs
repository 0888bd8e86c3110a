//! Threads that map, open, share, close, rename, delete and force apart the same few names at random: whatever they are
//! told, nothing hangs, nothing is left, and the figures agree in the end.

mod world;

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use minirdr::{Level, Settings};
use nt::{CreateDisposition, Status};
use world::{Open, World};

const THREADS: u64 = 8;
const STEPS: usize = 800;
const DRIVES: [&str; 3] = ["X:", "Y:", "Z:"];
const FILES: [&str; 6] = ["a", "b", r"d\c", r"d\e", r"d\f\g", "h"];

/// Numbers in no order, the same every time.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap() % end
    }

    fn one_of<T: Copy>(&mut self, items: &[T]) -> T {
        items[self.below(items.len())]
    }
}

/// One step; the result is whether something was opened.
fn step(world: &World, random: &mut Random) -> bool {
    let drive = random.one_of(&DRIVES);
    match random.below(12) {
        0 | 1 => {
            let _taken = world.map(drive);
            return false;
        }
        2 => {
            let levels = [Level::Refuse, Level::RefuseDropRef, Level::Force];
            let _in_use = world.unmap_at(drive, random.one_of(&levels));
            return false;
        }
        _ => {}
    }
    let path = world.full(drive, random.one_of(&FILES));
    let how = match random.below(8) {
        0 => Open::write(),
        1 => Open::delete(),
        2 => Open::create().disposition(CreateDisposition::OPEN_IF),
        _ => Open::read(),
    };
    let Ok(file) = world.open_full(&path, &how) else {
        return false;
    };
    match random.below(8) {
        0 => {
            let _denied = file.set_delete(true);
        }
        1 => {
            let _denied = file.rename(&format!("r{}", random.below(2)), random.below(2) == 0, None);
        }
        2 => {
            let _denied = file.write(0, b"other");
        }
        _ => {
            let _orphaned = file.read(0, 8);
        }
    }
    if random.below(2) == 0 {
        file.cleanup();
    }
    true
}

#[test]
fn many_threads_at_few_names() {
    let world = World::with_settings(Settings {
        dormant_time: Duration::from_secs(1),
        dormant_files: 4,
        ..Settings::default()
    });
    std::fs::create_dir_all(world.path("d/f")).unwrap();
    for file in FILES {
        std::fs::write(world.path(&file.replace('\\', "/")), b"data").unwrap();
    }
    let opened = AtomicU64::new(0);
    std::thread::scope(|scope| {
        for seed in 1..=THREADS {
            let (world, opened) = (&world, &opened);
            scope.spawn(move || {
                let mut random = Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15));
                for _ in 0..STEPS {
                    opened.fetch_add(u64::from(step(world, &mut random)), Ordering::Relaxed);
                }
            });
        }
    });
    for drive in DRIVES {
        let gone = world.unmap_at(drive, Level::Force);
        assert!(
            matches!(gone, Ok(()) | Err(Status::NOT_FOUND)),
            "{drive} {gone:?}"
        );
    }
    let figures = world.redirector.statistics().opens;
    let opened = opened.into_inner();
    println!("{opened} opens, {figures:?}");
    assert_eq!(figures.opens, opened);
    assert_eq!(figures.delayed_closes, figures.revived + figures.scavenged);
    assert!(figures.collapsed > 0 && figures.delayed_closes > 0, "nothing met");
    world.end();
}
