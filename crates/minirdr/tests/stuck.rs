//! A server that is well but for one file: reads of it are never answered, nor are their flushes, as on a server whose own
//! disk hangs. Whoever uses that file waits for nothing; everybody else goes on.

#[path = "simulated/drive.rs"]
mod drive;
#[path = "simulated/machine.rs"]
mod machine;
#[path = "world/open.rs"]
#[expect(dead_code, reason = "each test file uses a part")]
mod open;
mod simulated;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use drive::{File, end, token};
use executive::task::Runtime;
use machine::Machine;
use minirdr::{Level, ObjectCounts, Settings, WritePosition};
use nt::Status;
use open::Open;
use rxce::Endpoint as _;
use rxce::memory::{Listener, MemoryEndpoint, Network};
use simulated::{ADDRESS, receive_frame};
use testserver::{MemoryFile, MemoryServer, kind};

/// Reads from here on are never answered.
const STUCK: u64 = 1 << 40;
/// The deadline of a request.
const DEADLINE: Duration = Duration::from_secs(1);

/// Answers everything but those reads and the flushes of them.
async fn serve_one(endpoint: &MemoryEndpoint, server: &MemoryServer) {
    let (mut connection, mut stuck) = (server.connect(), BTreeSet::new());
    while let Some(request) = receive_frame(endpoint).await {
        let (tag, old) = (&request[5..7], request.get(7..9));
        let offset = request
            .get(11..19)
            .map(|bytes| u64::from_le_bytes(bytes.try_into().unwrap()));
        let is_stuck = match request[4] {
            kind::TREAD if offset.is_some_and(|offset| offset >= STUCK) => stuck.insert(tag.to_vec()),
            kind::TFLUSH => old.is_some_and(|old| stuck.contains(old)),
            _ => false,
        };
        if !is_stuck && endpoint.send(connection.answer(&request)).await.1.is_err() {
            return;
        }
    }
}

async fn serve(listener: Listener, server: MemoryServer, runtime: Runtime, accepted: Arc<AtomicUsize>) {
    loop {
        let endpoint = listener.accept().await;
        accepted.fetch_add(1, Ordering::SeqCst);
        let server = server.clone();
        drop(
            runtime
                .spawn(async move { serve_one(&endpoint, &server).await })
                .unwrap(),
        );
    }
}

struct World {
    machine: Machine,
    accepted: Arc<AtomicUsize>,
    tasks: usize,
}

impl World {
    fn new() -> Self {
        let server = MemoryServer::new();
        server.make("file", MemoryFile::File(vec![7; 100_000]));
        let runtime = Runtime::simulated(5).unwrap();
        let network = Network::new(&runtime).unwrap();
        let listener = network.listen(ADDRESS).unwrap();
        let accepted = Arc::new(AtomicUsize::new(0));
        let serving = serve(listener, server, runtime.clone(), Arc::clone(&accepted));
        drop(runtime.spawn(serving).unwrap());
        let settings = Settings {
            request_timeout: DEADLINE,
            ..Settings::default()
        };
        let tasks = runtime.live_tasks();
        Self {
            machine: Machine::new(&runtime, &network, settings),
            accepted,
            tasks,
        }
    }

    fn open(&self) -> File {
        self.machine
            .block(self.machine.drive().open("file", &Open::write()))
            .unwrap()
    }

    /// Has so many readers at a time meet what is stuck; each waits until its deadline, or gives up before that.
    fn get_stuck(&self, file: &File, readers: usize, length: usize, gives_up: bool) {
        let tasks: Vec<_> = (0..readers)
            .map(|_| {
                let (file, runtime) = (executive::mem::Arc::clone(file), self.machine.runtime.clone());
                let reading = async move {
                    let (mut buffer, cancel) = (vec![0; length], token());
                    let read = file.read(STUCK, &mut buffer, &cancel);
                    if gives_up {
                        assert!(runtime.timeout(DEADLINE / 2, read).await.is_err());
                    } else {
                        assert_eq!(read.await, Err(Status::IO_TIMEOUT));
                    }
                };
                self.machine.runtime.spawn(reading).unwrap()
            })
            .collect();
        for task in tasks {
            self.machine.block(task.join());
        }
    }

    fn end(self) {
        self.machine
            .block(self.machine.drive().unmap(Level::Refuse))
            .unwrap();
        assert_eq!(
            self.machine.redirector.statistics().objects,
            ObjectCounts::default()
        );
        self.machine.redirector.stop().unwrap();
        drop(self.machine.redirector);
        self.machine.runtime.advance(Duration::from_secs(60));
        // The server's own: one for each connection, which ends with it.
        assert_eq!(self.machine.runtime.live_tasks(), self.tasks);
        self.machine.runtime.cancel_all();
        self.machine.runtime.shutdown();
    }
}

#[test]
fn transfers_of_other_files_go_on() {
    for gives_up in [false, true] {
        let world = World::new();
        let (stuck, file) = (world.open(), world.open());
        // Each takes a window's worth of data, and more.
        for _ in 0..3 {
            world.get_stuck(&stuck, 1, 4 << 20, gives_up);
        }
        // Those that were given up are under way until their deadline.
        world.machine.runtime.advance(DEADLINE);
        let (mut buffer, cancel) = (vec![0; 100_000], token());
        assert_eq!(
            world.machine.block(file.read(0, &mut buffer, &cancel)),
            Ok(100_000)
        );
        assert_eq!(
            world
                .machine
                .block(file.write(WritePosition::At(0), &[8; 100_000], &cancel)),
            Ok(100_000)
        );
        assert_eq!(world.accepted.load(Ordering::SeqCst), 1, "on the same session");
        world.machine.block(end(stuck));
        world.machine.block(end(file));
        world.end();
    }
}

#[test]
fn a_session_without_any_room_left_is_replaced() {
    let world = World::new();
    let (stuck, file) = (world.open(), world.open());
    let (mut buffer, cancel) = ([0; 8], token());
    let mut rounds = 0;
    while world.accepted.load(Ordering::SeqCst) == 1 {
        // A few at a time, so that the server is heard of all the while.
        world.get_stuck(&stuck, 10, 8, false);
        // Who finds no room waits for it no longer than for an answer.
        match world.machine.block(file.read(0, &mut buffer, &cancel)) {
            Ok(read) => assert_eq!(read, 8),
            Err(status) => assert_eq!(status, Status::IO_TIMEOUT),
        }
        world.machine.runtime.advance(Duration::from_secs(1));
        rounds += 1;
        assert!(rounds < 30, "nobody gets any further");
    }
    assert!(rounds > 10, "not before there is no room: {rounds}");
    assert_eq!(world.machine.block(file.read(0, &mut buffer, &cancel)), Ok(8));
    assert_eq!(world.machine.redirector.statistics().reconnects, 1);
    world.machine.block(end(stuck));
    world.machine.block(end(file));
    world.end();
}
