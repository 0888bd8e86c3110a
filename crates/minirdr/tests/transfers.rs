//! Transfers on servers that read and write less than they are asked to, that answer in no order, and that fail half way.

#[path = "simulated/drive.rs"]
mod drive;
#[path = "simulated/machine.rs"]
mod machine;
#[path = "world/open.rs"]
#[expect(dead_code, reason = "each test file uses a part")]
mod open;
mod simulated;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use drive::{File, end, token};
use executive::task::{Either, Notify, Runtime, select};
use machine::Machine;
use minirdr::{Level, Settings, WritePosition};
use nt::Status;
use open::Open;
use rxce::Endpoint as _;
use rxce::memory::{Listener, MemoryEndpoint, Network};
use simulated::{ADDRESS, receive_frame};
use testserver::{MemoryFile, MemoryServer, kind};

/// Small, so that transfers are many messages.
const MSIZE: u32 = 4096;
const ENOSPC: u32 = 28;
const EIO: u32 = 5;

/// A SplitMix64 generator that many draw from.
#[derive(Default)]
struct Luck(AtomicU64);

impl Luck {
    fn below(&self, limit: u64) -> u64 {
        const STEP: u64 = 0x9E37_79B9_7F4A_7C15;
        let mut z = self.0.fetch_add(STEP, Ordering::SeqCst).wrapping_add(STEP);
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % limit
    }
}

/// What a server makes of reads and writes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ways {
    /// Any part of what it is asked for, but for nothing; answers come in any order.
    Short,
    /// All of it below this offset, and this error behind it.
    Fails(u64, u32),
    /// All of it below this offset, and writes nothing behind it, without a word.
    WritesNothing(u64),
}

/// Answers that have not been sent yet.
#[derive(Default)]
struct Pending {
    replies: Mutex<Vec<Vec<u8>>>,
    changed: Notify,
}

/// The request as the server is to take it, or the body and type of another answer.
fn spoil(mut request: Vec<u8>, ways: Ways, luck: &Luck) -> Result<Vec<u8>, (u8, u32)> {
    let at = match request[4] {
        kind::TREAD | kind::TWRITE => u64::from_le_bytes(request[11..19].try_into().unwrap()),
        _ => return Ok(request),
    };
    let count = u32::from_le_bytes(request[19..23].try_into().unwrap());
    let last = at + u64::from(count);
    match ways {
        Ways::Short if count > 1 && luck.below(3) == 0 => {
            let less = 1 + luck.below(u64::from(count) - 1) as u32;
            request[19..23].copy_from_slice(&less.to_le_bytes());
            if request[4] == kind::TWRITE {
                request.truncate(23 + less as usize);
                let size = request.len() as u32;
                request[..4].copy_from_slice(&size.to_le_bytes());
            }
            Ok(request)
        }
        Ways::Fails(limit, errno) if last > limit => Err((kind::RLERROR, errno)),
        Ways::WritesNothing(limit) if last > limit && request[4] == kind::TWRITE => {
            Err((kind::TWRITE + 1, 0))
        }
        _ => Ok(request),
    }
}

/// Takes requests, as fast as they come.
async fn take(endpoint: &MemoryEndpoint, server: &MemoryServer, ways: Ways, luck: &Luck, pending: &Pending) {
    let mut connection = server.connect();
    while let Some(request) = receive_frame(endpoint).await {
        let (is_flush, tag) = (request[4] == kind::TFLUSH, [request[5], request[6]]);
        let old = request.get(7..9).map(<[u8]>::to_vec);
        let reply = match spoil(request, ways, luck) {
            Ok(request) => connection.answer(&request),
            Err((kind, number)) => {
                let mut reply = vec![11, 0, 0, 0, kind, tag[0], tag[1]];
                reply.extend(number.to_le_bytes());
                reply
            }
        };
        let mut replies = pending.replies.lock().unwrap();
        if is_flush {
            // What was given up is not answered behind this.
            replies.retain(|reply| Some(&reply[5..7]) != old.as_deref());
        }
        replies.push(reply);
        drop(replies);
        pending.changed.notify_one();
    }
}

/// Sends answers, any of them first.
async fn give(endpoint: &MemoryEndpoint, runtime: &Runtime, luck: &Luck, pending: &Pending) {
    loop {
        let changed = pending.changed.notified();
        let next = {
            let mut replies = pending.replies.lock().unwrap();
            match replies.len() as u64 {
                0 => None,
                count => Some(replies.swap_remove(luck.below(count) as usize)),
            }
        };
        let Some(reply) = next else {
            changed.await;
            continue;
        };
        if endpoint.send(reply).await.1.is_err() {
            return;
        }
        runtime.sleep(Duration::from_micros(luck.below(200))).await;
    }
}

async fn serve(listener: Listener, server: MemoryServer, runtime: Runtime, ways: Ways, luck: Arc<Luck>) {
    let endpoint = listener.accept().await;
    let pending = Pending::default();
    let taking = take(&endpoint, &server, ways, &luck, &pending);
    let giving = give(&endpoint, &runtime, &luck, &pending);
    let (Either::Left(()) | Either::Right(())) = select(taking, giving).await;
}

struct World {
    machine: Machine,
    server: MemoryServer,
    luck: Arc<Luck>,
}

impl World {
    fn new(seed: u64, ways: Ways, content: Vec<u8>) -> Self {
        let server = MemoryServer::new();
        server.make("file", MemoryFile::File(content));
        let runtime = Runtime::simulated(seed).unwrap();
        let network = Network::new(&runtime).unwrap();
        let listener = network.listen(ADDRESS).unwrap();
        let luck = Arc::new(Luck(AtomicU64::new(seed)));
        let serving = serve(listener, server.clone(), runtime.clone(), ways, Arc::clone(&luck));
        drop(runtime.spawn(serving).unwrap());
        let settings = Settings {
            msize: MSIZE,
            ..Settings::default()
        };
        Self {
            machine: Machine::new(&runtime, &network, settings),
            server,
            luck,
        }
    }

    fn open(&self) -> File {
        self.machine
            .block(self.machine.drive().open("file", &Open::write()))
            .unwrap()
    }

    fn read(&self, file: &File, offset: u64, length: usize) -> nt::Result<Vec<u8>> {
        let (mut buffer, cancel) = (vec![0xEE; length], token());
        let count = self.machine.block(file.read(offset, &mut buffer, &cancel))?;
        buffer.truncate(count);
        Ok(buffer)
    }

    fn write(&self, file: &File, offset: u64, data: &[u8]) -> nt::Result<usize> {
        let cancel = token();
        self.machine
            .block(file.write(WritePosition::At(offset), data, &cancel))
    }

    fn end(self, file: File) {
        self.machine.block(end(file));
        self.machine
            .block(self.machine.drive().unmap(Level::Refuse))
            .unwrap();
        self.machine.runtime.advance(Duration::from_secs(30));
        drop(self.machine.redirector);
        self.machine.runtime.cancel_all();
        self.machine.runtime.shutdown();
    }
}

#[test]
fn what_comes_in_parts_and_in_no_order_is_put_together() {
    const SEEDS: u64 = 40;
    const STEPS: u64 = 20;
    const SIZE: u64 = 100_000;
    let mut moved = 0;
    for seed in 0..SEEDS {
        let mut model: Vec<u8> = (0..SIZE).map(|at| (at ^ (at >> 7)) as u8).collect();
        let world = World::new(seed, Ways::Short, model.clone());
        let file = world.open();
        for step in 0..STEPS {
            let at = world.luck.below(model.len() as u64);
            let length = 1 + world.luck.below(SIZE) as usize;
            if step % 2 == 0 {
                let there = model.len().min(at as usize + length);
                let read = world.read(&file, at, length).unwrap();
                assert!(
                    read == model[at as usize..there],
                    "seed {seed}: {length} bytes at {at}"
                );
                moved += read.len();
            } else {
                let data: Vec<u8> = (0..length).map(|at| (at as u64 + seed + step) as u8).collect();
                assert_eq!(world.write(&file, at, &data), Ok(length), "seed {seed}");
                model.resize(model.len().max(at as usize + length), 0);
                model[at as usize..at as usize + length].copy_from_slice(&data);
                moved += length;
            }
        }
        let on_server = world.server.file("file");
        assert!(on_server == Some(MemoryFile::File(model)), "seed {seed}");
        world.end(file);
    }
    println!("sweep: {SEEDS} servers that do a part and answer in no order, {moved} bytes moved right");
}

#[test]
fn what_fails_half_way_fails() {
    const LIMIT: usize = 50_000;
    let all = vec![7; 100_000];
    for (ways, read, written) in [
        (
            Ways::Fails(LIMIT as u64, ENOSPC),
            Err(Status::DISK_FULL),
            Err(Status::DISK_FULL),
        ),
        (
            Ways::Fails(LIMIT as u64, EIO),
            Err(nt::Errno(EIO).into()),
            Err(nt::Errno(EIO).into()),
        ),
        (
            Ways::WritesNothing(LIMIT as u64),
            Ok(all.len()),
            Err(Status::DISK_FULL),
        ),
    ] {
        let world = World::new(1, ways, all.clone());
        let file = world.open();
        // Programs take a short read for the end of the file, and a write that succeeds for one of everything.
        let answer = world.read(&file, 0, all.len() + 5).map(|data| data.len());
        assert_eq!(answer, read);
        assert_eq!(world.write(&file, 0, &all), written);
        // What is in front of it is read and written.
        let front = &all[..LIMIT / 2];
        assert_eq!(world.read(&file, 0, front.len()).as_deref(), Ok(front));
        assert_eq!(world.write(&file, 0, front), Ok(front.len()));
        world.end(file);
    }
}
