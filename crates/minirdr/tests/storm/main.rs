//! A drive in bad weather, a thousand times: a program reads, writes and lists on a server that is lost in every way, all
//! on a virtual clock. Whatever happens, each operation ends within bounded time and says the truth about what was
//! written; no handle reads a file that is not its own; the drive comes back with the server, it can be taken away in any
//! state, and nothing is left.

#[path = "../simulated/drive.rs"]
mod drive;
#[expect(dead_code, reason = "each test file uses a part")]
#[path = "../world/open.rs"]
mod open;
#[path = "../simulated/mod.rs"]
mod simulated;
#[path = "../world/status.rs"]
mod status;
#[path = "../simulated/weather.rs"]
mod weather;

use std::alloc::System;
use std::collections::BTreeSet;
use std::sync::atomic::Ordering;
use std::time::Duration;

use drive::{Drive, SHARE, token};
use executive::mem::{Arc, Counting};
use executive::task::Runtime;
use minirdr::{DirectoryQuery, Level, MiniRedirector, OpenFile, WritePosition};
use nt::{FileInformationClass, Status};
use open::Open;
use simulated::Simulated;
use status::is_lost;
use testserver::{MemoryFile, MemoryServer};
use weather::{Luck, Server, outdoors};

#[global_allocator]
static MEMORY: Counting<System> = Counting::new(System);

const SEEDS: u64 = 1000;
/// Longest that an operation may take: a few requests, one of them too late, a new session and all of it once more.
const LIMIT: Duration = Duration::from_secs(10);

/// A handle, and which file it is of.
struct Handle {
    file: Arc<OpenFile<Simulated>>,
    which: usize,
    /// How often the file had been replaced when it was opened.
    generation: usize,
}

/// What may be in a file: one byte, 3000 times.
#[derive(Default)]
struct Contents {
    /// What the last write that succeeded left, and what writes may leave of which that is not known.
    possible: BTreeSet<u8>,
    unknown: BTreeSet<u8>,
}

struct Program<'a> {
    seed: u64,
    luck: Luck,
    runtime: &'a Runtime,
    redirector: &'a MiniRedirector<Simulated>,
    server: &'a Server,
    handles: Vec<Handle>,
    contents: [Contents; 4],
    generations: [usize; 4],
    successes: u32,
}

impl<'a> Program<'a> {
    fn drive(&self) -> Drive<'a> {
        Drive {
            redirector: self.redirector,
            letter: "X:",
            share: SHARE,
        }
    }

    /// Notes what an operation came to, and how long it took.
    async fn timed<V>(&mut self, what: &str, work: impl Future<Output = nt::Result<V>>) -> nt::Result<V> {
        let before = self.runtime.now();
        let result = work.await;
        let took = self.runtime.now().saturating_since(before);
        assert!(took <= LIMIT, "seed {}: {what} took {took:?}", self.seed);
        match &result {
            Ok(_) => self.successes += 1,
            Err(status) => assert!(
                is_lost(*status) || *status == Status::FILE_INVALID,
                "seed {}: {what} says {status:?}",
                self.seed
            ),
        }
        result
    }

    async fn open(&mut self, which: usize) {
        let (drive, path) = (self.drive(), format!("file{which}"));
        let open = Open::write();
        let opening = drive.open(&path, &open);
        if let Ok(file) = self.timed("open", opening).await {
            let generation = self.server.generations[which].load(Ordering::SeqCst);
            self.handles.push(Handle {
                file,
                which,
                generation,
            });
        }
    }

    /// Forgets what was known of files that have been replaced.
    fn look_for_new_files(&mut self) {
        for which in 0..4 {
            let generation = self.server.generations[which].load(Ordering::SeqCst);
            if generation != self.generations[which] {
                self.generations[which] = generation;
                // What was under way may have met the new file or the old one.
                self.contents[which].possible.insert(0);
            }
        }
    }

    async fn read(&mut self, at: usize) {
        let Handle {
            file,
            which,
            generation,
        } = &self.handles[at];
        let (file, which, generation) = (Arc::clone(file), *which, *generation);
        // The server replaces files only when it has dropped its connections.
        let is_stale = generation < self.server.generations[which].load(Ordering::SeqCst);
        let (mut buffer, cancel) = (vec![0xEE; 3000], token());
        let read = self.timed("read", file.read(0, &mut buffer, &cancel)).await;
        self.look_for_new_files();
        let seed = self.seed;
        match read {
            Ok(count) => {
                assert_eq!(count, 3000, "seed {seed}: a read of file {which}");
                assert!(
                    buffer.iter().all(|byte| *byte == buffer[0]),
                    "seed {seed}: a torn read"
                );
                let contents = &self.contents[which];
                let known = contents.possible.contains(&buffer[0]) || contents.unknown.contains(&buffer[0]);
                assert!(
                    known,
                    "seed {seed}: file {which} has {}, not {contents:?}",
                    buffer[0],
                    contents = contents.possible
                );
                assert!(
                    !is_stale,
                    "seed {seed}: a handle reads a file that is not its own"
                );
            }
            Err(Status::FILE_INVALID) => {
                assert!(
                    self.generations[which] > 0,
                    "seed {seed}: file {which} was never replaced"
                );
                drop(self.handles.swap_remove(at));
            }
            Err(_) => {}
        }
    }

    async fn write(&mut self, at: usize, value: u8) {
        let Handle { file, which, .. } = &self.handles[at];
        let (file, which) = (Arc::clone(file), *which);
        let (data, cancel) = (vec![value; 3000], token());
        let written = self
            .timed("write", file.write(WritePosition::At(0), &data, &cancel))
            .await;
        self.look_for_new_files();
        match written {
            Ok(count) => {
                assert_eq!(count, 3000);
                let contents = &mut self.contents[which];
                contents.possible.clear();
                contents.possible.insert(value);
                if self.generations[which] > 0 {
                    // Another handle may be of the file before it.
                    contents.possible.insert(0);
                }
            }
            Err(Status::FILE_INVALID) => drop(self.handles.swap_remove(at)),
            // Says that it was not done: the value must never be met.
            Err(Status::CONNECTION_DISCONNECTED | Status::BAD_NETWORK_PATH) => {}
            Err(_) => {
                self.contents[which].unknown.insert(value);
            }
        }
    }

    async fn list(&mut self) {
        let drive = self.drive();
        let listing = async {
            let folder = drive.open("", &Open::directory()).await?;
            let query = DirectoryQuery {
                class: FileInformationClass::NAMES,
                pattern: None,
                restart: false,
                single: false,
            };
            let mut buffer = [0; 4000];
            let cancel = token();
            let listed = folder.query_directory(&query, &mut buffer, &cancel).await;
            drive::end(folder).await;
            listed
        };
        let _ = self.timed("list", listing).await;
    }

    async fn run(&mut self) {
        for _ in 0..40 {
            let drive = self.drive();
            if self.timed("map", drive.map()).await.is_ok() {
                self.use_it().await;
                return;
            }
            self.runtime.sleep(Duration::from_millis(500)).await;
        }
        panic!("seed {}: the drive cannot be mapped in 40 attempts", self.seed);
    }

    async fn use_it(&mut self) {
        for step in 1..=30 {
            let pick = match self.handles.len() {
                0 => 0,
                _ => self.luck.below(8),
            };
            let at = self.luck.below(self.handles.len().max(1) as u64) as usize;
            match pick {
                0 | 1 => {
                    let which = self.luck.below(4) as usize;
                    self.open(which).await;
                }
                2..=4 => self.read(at).await,
                5 | 6 => self.write(at, step).await,
                _ => self.list().await,
            }
            if self.luck.below(4) == 0 {
                let idle = Duration::from_millis(self.luck.below(3000));
                self.runtime.sleep(idle).await;
            }
        }
        // Taken away in whatever state it is; or waited for until it is well again.
        if self.luck.below(3) == 0 {
            self.unmap(Level::Force).await;
            self.handles.clear();
            return;
        }
        self.server.calm.store(true, Ordering::SeqCst);
        let before = self.runtime.now();
        // The connection may be one of those that are not calm yet: ask until it is replaced.
        let mut calm = 0;
        while calm < 3 {
            let well = self.successes;
            self.list().await;
            calm = if self.successes > well { calm + 1 } else { 0 };
            self.runtime.sleep(Duration::from_millis(100)).await;
            let waited = self.runtime.now().saturating_since(before);
            assert!(
                waited < Duration::from_secs(120),
                "seed {}: the drive does not come back",
                self.seed
            );
        }
        for at in (0..self.handles.len()).rev() {
            self.read(at).await;
        }
        self.handles.clear();
        self.unmap(Level::Refuse).await;
    }

    async fn unmap(&mut self, level: Level) {
        let before = self.runtime.now();
        let gone = self.drive().unmap(level).await;
        assert_eq!(gone, Ok(()), "seed {}", self.seed);
        let took = self.runtime.now().saturating_since(before);
        assert_eq!(took, Duration::ZERO, "seed {}: it waits for nobody", self.seed);
    }
}

/// Puts another file in the place of one.
fn replace_a_file(server: &Server) {
    let which = server.luck.lock().unwrap().below(4) as usize;
    server
        .good
        .replace(&format!("file{which}"), MemoryFile::File(vec![0; 3000]));
    server.generations[which].fetch_add(1, Ordering::SeqCst);
}

/// One run; the result is the number of operations that succeeded, and of sessions made anew.
fn run(seed: u64) -> (u32, u64) {
    let good = MemoryServer::new();
    for which in 0..4 {
        good.make(&format!("file{which}"), MemoryFile::File(vec![0; 3000]));
    }
    let (successes, statistics) = outdoors(seed, good, replace_a_file, false, |outdoors| {
        let mut program = Program {
            seed: outdoors.seed,
            luck: Luck(outdoors.seed),
            runtime: outdoors.runtime,
            redirector: outdoors.redirector,
            server: outdoors.server,
            handles: Vec::new(),
            contents: Default::default(),
            generations: [0; 4],
            successes: 0,
        };
        for contents in &mut program.contents {
            contents.possible.insert(0);
        }
        outdoors.runtime.block_on(program.run()).unwrap();
        program.successes
    });
    (successes, statistics.reconnects)
}

#[test]
fn a_thousand_storms() {
    let (mut successes, mut reconnects) = (0, 0);
    for seed in [3, 14, 159] {
        let same = run(seed) == run(seed);
        assert!(same, "the same seed {seed} is not the same storm");
    }
    for seed in 0..SEEDS {
        let kept = MEMORY.usage().live_blocks;
        let (done, anew) = run(seed);
        successes += u64::from(done);
        reconnects += anew;
        let left = MEMORY.usage().live_blocks.saturating_sub(kept);
        assert_eq!(left, 0, "seed {seed}: {left} blocks of memory are left");
    }
    println!("sweep: {SEEDS} storms: {successes} operations succeeded, {reconnects} sessions were made anew");
    assert!(reconnects > SEEDS / 2, "no storm at all: {reconnects} reconnects");
    assert!(successes > SEEDS * 10, "nothing but storm: {successes} successes");
}
