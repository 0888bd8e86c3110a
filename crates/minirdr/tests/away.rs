//! Servers that stay away, that come and go, and that come back as another: how often they are tried, and what becomes of a
//! drive and of what was open on it. On virtual time.

#[path = "simulated/drive.rs"]
mod drive;
#[path = "simulated/machine.rs"]
mod machine;
#[path = "world/open.rs"]
#[expect(dead_code, reason = "each test file uses a part")]
mod open;
mod simulated;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use drive::{Drive, File, end, token};
use executive::task::{Either, Notify, Runtime, select};
use executive::time::Instant;
use machine::Machine;
use minirdr::{Level, LinkState, ObjectCounts, Settings, WritePosition};
use nt::Status;
use open::Open;
use rxce::Endpoint as _;
use rxce::memory::{Listener, Network};
use simulated::{ADDRESS, receive_frame};
use testserver::{MemoryFile, MemoryServer, kind};

const HOUR: Duration = Duration::from_secs(3600);
const SIZE: usize = 100_000;

/// How the server is at present.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Mood {
    Good,
    /// Closes every connection at once.
    Away,
    /// Takes every connection, and says nothing.
    Mute,
    /// Makes sessions, and closes them at the first request for attributes.
    ComesAndGoes,
    /// Agrees to messages of this size.
    Msize(u32),
    /// Says that it speaks this.
    Speaks(&'static [u8]),
    /// Attaches to something that is no directory.
    AttachesFile,
}

impl Mood {
    /// The answer as the server gives it; `None`: it closes the connection.
    fn answer(&self, request: &[u8], mut honest: Vec<u8>) -> Option<Vec<u8>> {
        match self {
            Self::ComesAndGoes if request[4] == kind::TGETATTR => return None,
            Self::Msize(msize) if request[4] == kind::TVERSION => {
                honest[7..11].copy_from_slice(&msize.to_le_bytes());
            }
            Self::Speaks(dialect) if request[4] == kind::TVERSION => {
                honest.truncate(11);
                honest.extend((dialect.len() as u16).to_le_bytes());
                honest.extend(*dialect);
                let size = honest.len() as u32;
                honest[..4].copy_from_slice(&size.to_le_bytes());
            }
            // The type of its qid.
            Self::AttachesFile if request[4] == kind::TATTACH => honest[7] = 0,
            _ => {}
        }
        Some(honest)
    }
}

struct Present {
    mood: Mood,
    server: MemoryServer,
    /// When connections were made.
    accepted: Vec<Instant>,
}

#[derive(Clone)]
struct Server {
    present: Arc<Mutex<Present>>,
    /// All connections are lost.
    lost: Arc<Notify>,
}

async fn serve(listener: Listener, server: Server, runtime: Runtime) {
    loop {
        let endpoint = listener.accept().await;
        let (mood, mut good) = {
            let mut present = server.present.lock().unwrap();
            present.accepted.push(runtime.now());
            (present.mood.clone(), present.server.connect())
        };
        let lost = Arc::clone(&server.lost);
        if mood == Mood::Away {
            continue;
        }
        let one = async move {
            loop {
                let Either::Right(Some(request)) = select(lost.notified(), receive_frame(&endpoint)).await
                else {
                    return;
                };
                if mood == Mood::Mute {
                    continue;
                }
                let honest = good.answer(&request);
                let Some(answer) = mood.answer(&request, honest) else {
                    return;
                };
                if endpoint.send(answer).await.1.is_err() {
                    return;
                }
            }
        };
        drop(runtime.spawn(one).unwrap());
    }
}

struct World {
    machine: Machine,
    server: Server,
    tasks: usize,
}

/// A server with one file, all of whose bytes are the same. `before` files were made before it.
fn good_server(byte: u8, before: usize) -> MemoryServer {
    let server = MemoryServer::new();
    for number in 0..before {
        server.make(&format!("before{number}"), MemoryFile::Directory);
    }
    server.make("file", MemoryFile::File(vec![byte; SIZE]));
    server
}

impl World {
    /// With a drive X:.
    fn new() -> Self {
        let runtime = Runtime::simulated(3).unwrap();
        let network = Network::new(&runtime).unwrap();
        let listener = network.listen(ADDRESS).unwrap();
        let present = Present {
            mood: Mood::Good,
            server: good_server(1, 0),
            accepted: Vec::new(),
        };
        let server = Server {
            present: Arc::new(Mutex::new(present)),
            lost: Arc::new(Notify::new()),
        };
        let serving = serve(listener, server.clone(), runtime.clone());
        drop(runtime.spawn(serving).unwrap());
        let tasks = runtime.live_tasks();
        Self {
            machine: Machine::new(&runtime, &network, Settings::default()),
            server,
            tasks,
        }
    }

    fn drive(&self, letter: &'static str) -> Drive<'_> {
        Drive {
            letter,
            ..self.machine.drive()
        }
    }

    fn open(&self) -> nt::Result<File> {
        self.machine
            .block(self.machine.drive().open("file", &Open::write()))
    }

    fn read(&self, file: &File) -> nt::Result<Vec<u8>> {
        let (mut buffer, cancel) = (vec![0; SIZE], token());
        let count = self.machine.block(file.read(0, &mut buffer, &cancel))?;
        buffer.truncate(count);
        Ok(buffer)
    }

    fn state(&self) -> LinkState {
        let name = drive::text("X:");
        self.machine
            .redirector
            .find_connection(name.as_name(), drive::ME)
            .unwrap()
            .state
    }

    fn accepted(&self) -> Vec<Instant> {
        self.server.present.lock().unwrap().accepted.clone()
    }

    /// From now on the server is like that; its connections are lost.
    fn becomes(&self, mood: Mood) {
        self.server.present.lock().unwrap().mood = mood;
        self.server.lost.notify_all();
    }

    fn unmap(&self, letter: &'static str) {
        let before = self.machine.runtime.now();
        assert_eq!(
            self.machine.block(self.drive(letter).unmap(Level::Refuse)),
            Ok(())
        );
        assert_eq!(self.machine.runtime.now(), before, "it waits for nobody");
    }

    fn end(self) {
        self.unmap("X:");
        assert_eq!(
            self.machine.redirector.statistics().objects,
            ObjectCounts::default()
        );
        self.machine.runtime.advance(Duration::from_secs(30));
        let tried = self.accepted().len();
        // Nobody wants the server any more: nothing is left that would ask for it.
        assert_eq!(self.machine.runtime.live_tasks(), self.tasks);
        self.machine.runtime.advance(HOUR);
        assert_eq!(self.accepted().len(), tried);
        self.machine.redirector.stop().unwrap();
        drop(self.machine.redirector);
        self.machine.runtime.cancel_all();
        self.machine.runtime.shutdown();
    }
}

#[test]
fn a_server_that_stays_away_is_tried_by_one_and_ever_less_often() {
    let world = World::new();
    world.machine.block(world.drive("Y:").map()).unwrap();
    let file = world.open().unwrap();
    world.becomes(Mood::Away);
    world.machine.runtime.advance(Duration::from_millis(100));
    assert_eq!(world.accepted().len(), 2, "tried again at once");
    for _minute in 0..60 {
        world.machine.runtime.advance(Duration::from_secs(60));
        // Requests fail without asking: they make nobody try.
        let (before, tried) = (world.machine.runtime.now(), world.accepted().len());
        assert_eq!(world.read(&file).err(), Some(Status::CONNECTION_DISCONNECTED));
        assert_eq!(world.open().err(), Some(Status::BAD_NETWORK_PATH));
        assert_eq!(
            (world.machine.runtime.now(), world.accepted().len()),
            (before, tried)
        );
    }
    let accepted = world.accepted();
    let pauses: Vec<Duration> = accepted[1..]
        .windows(2)
        .map(|pair| pair[1].saturating_since(pair[0]))
        .collect();
    assert!(pauses.len() > 120, "tried only {} times in an hour", pauses.len());
    let dialling = Duration::from_millis(10);
    for (number, &pause) in pauses.iter().enumerate() {
        let whole = Duration::from_millis(250 << number.min(10)).min(Duration::from_secs(30));
        assert!(
            (whole / 2..whole + dialling).contains(&pause),
            "pause {number} is {pause:?}: it is one who tries"
        );
    }
    // Back, and found by who tries.
    world.becomes(Mood::Good);
    world.machine.runtime.advance(Duration::from_secs(31));
    assert_eq!(world.read(&file), Ok(vec![1; SIZE]));
    assert_eq!(world.machine.redirector.statistics().reconnects, 1);
    world.machine.block(end(file));
    world.unmap("Y:");
    world.becomes(Mood::Away);
    world.machine.runtime.advance(HOUR);
    world.end();
}

#[test]
fn a_server_that_comes_and_goes_is_not_dialled_at_once_each_time() {
    let world = World::new();
    let file = world.open().unwrap();
    world.becomes(Mood::ComesAndGoes);
    let until = world.machine.runtime.now() + HOUR;
    // A program that does not give up.
    while world.machine.runtime.now() < until {
        assert!(world.read(&file).is_err());
        world.machine.runtime.advance(Duration::from_millis(500));
    }
    let tried = world.accepted().len();
    assert!((120..260).contains(&tried), "{tried} sessions in an hour");
    world.becomes(Mood::Good);
    world.machine.runtime.advance(Duration::from_secs(31));
    assert_eq!(world.read(&file), Ok(vec![1; SIZE]));
    // Well for a while, it is dialled at once again, and requests wait for that.
    world.machine.runtime.advance(Duration::from_secs(11));
    world.becomes(Mood::Good);
    assert_eq!(world.read(&file), Ok(vec![1; SIZE]));
    world.machine.block(end(file));
    world.end();
}

#[test]
fn a_server_that_was_well_is_waited_for_but_not_for_long() {
    let world = World::new();
    let file = world.open().unwrap();
    // It starts anew, as it seems: its first request is answered by the new session.
    world.machine.runtime.advance(Duration::from_secs(11));
    let before = world.machine.runtime.now();
    world.becomes(Mood::Good);
    assert_eq!(world.read(&file), Ok(vec![1; SIZE]));
    let took = world.machine.runtime.now().saturating_since(before);
    assert!(took < Duration::from_millis(50), "{took:?}");
    // It does not: half a request's deadline is enough.
    world.machine.runtime.advance(Duration::from_secs(11));
    let before = world.machine.runtime.now();
    world.becomes(Mood::Mute);
    assert_eq!(world.read(&file).err(), Some(Status::CONNECTION_DISCONNECTED));
    let took = world.machine.runtime.now().saturating_since(before);
    let patience = Settings::default().request_timeout / 2;
    assert!(
        (patience..patience + Duration::from_millis(50)).contains(&took),
        "{took:?}"
    );
    // From then on nobody waits.
    let before = world.machine.runtime.now();
    assert_eq!(world.read(&file).err(), Some(Status::CONNECTION_DISCONNECTED));
    assert_eq!(world.open().err(), Some(Status::BAD_NETWORK_PATH));
    assert_eq!(world.machine.runtime.now(), before);
    // Who maps a drive dials, and has the time of a request for it.
    assert_eq!(
        world.machine.block(world.drive("Y:").map()),
        Err(Status::BAD_NETWORK_PATH)
    );
    let took = world.machine.runtime.now().saturating_since(before);
    assert!(took <= 2 * Settings::default().request_timeout, "{took:?}");
    world.machine.block(end(file));
    world.end();
}

#[test]
fn a_server_that_comes_back_with_other_messages() {
    let world = World::new();
    let file = world.open().unwrap();
    for msize in [4096, 50_000, 5000, (64 << 10) + 24] {
        world.becomes(Mood::Msize(msize));
        world.machine.runtime.advance(Duration::from_secs(60));
        let (data, cancel) = (vec![msize as u8 | 1; SIZE], token());
        let written = file.write(WritePosition::At(0), &data, &cancel);
        assert_eq!(world.machine.block(written), Ok(SIZE), "{msize}");
        assert!(world.read(&file) == Ok(data), "{msize}");
    }
    world.machine.block(end(file));
    world.end();
}

#[test]
fn a_server_that_comes_back_and_cannot_be_used() {
    for mood in [
        // More than was offered, and less than is of use.
        Mood::Msize((1 << 20) + 1),
        Mood::Msize(4095),
        Mood::Speaks(b"unknown"),
        Mood::Speaks(b"9P2000"),
        Mood::Speaks(b"9P2000.L.Z"),
    ] {
        let world = World::new();
        let file = world.open().unwrap();
        world.becomes(mood.clone());
        for _ in 0..20 {
            world.machine.runtime.advance(Duration::from_secs(10));
            let before = world.machine.runtime.now();
            assert_eq!(
                world.read(&file).err(),
                Some(Status::CONNECTION_DISCONNECTED),
                "{mood:?}"
            );
            assert_eq!(world.open().err(), Some(Status::BAD_NETWORK_PATH), "{mood:?}");
            assert_eq!(
                world.machine.runtime.now(),
                before,
                "{mood:?}: they wait for nobody"
            );
            assert!(
                matches!(world.state(), LinkState::Down | LinkState::Reconnecting),
                "{mood:?}"
            );
        }
        world.becomes(Mood::Good);
        world.machine.runtime.advance(Duration::from_secs(31));
        assert_eq!(world.read(&file), Ok(vec![1; SIZE]), "{mood:?}");
        world.machine.block(end(file));
        world.end();
    }
}

#[test]
fn a_share_whose_root_is_no_directory_any_more() {
    let world = World::new();
    let file = world.open().unwrap();
    world.becomes(Mood::AttachesFile);
    world.machine.runtime.advance(Duration::from_secs(60));
    assert_eq!(world.state(), LinkState::Up);
    assert_eq!(world.read(&file).err(), Some(Status::NETWORK_NAME_DELETED));
    assert_eq!(world.open().err(), Some(Status::NETWORK_NAME_DELETED));
    world.becomes(Mood::Good);
    world.machine.runtime.advance(Duration::from_secs(60));
    assert_eq!(
        world.read(&file),
        Ok(vec![1; SIZE]),
        "it was the share that was gone"
    );
    world.machine.block(end(file));
    world.end();
}

#[test]
fn another_share_in_its_place() {
    let world = World::new();
    let file = world.open().unwrap();
    world.server.present.lock().unwrap().server = good_server(2, 1);
    world.becomes(Mood::Good);
    world.machine.runtime.advance(Duration::from_secs(60));
    assert_eq!(
        world.read(&file).err(),
        Some(Status::FILE_INVALID),
        "another file"
    );
    // Its name leads to what is there now.
    let new = world.open().unwrap();
    assert_eq!(world.read(&new), Ok(vec![2; SIZE]));
    assert_eq!(world.read(&file).err(), Some(Status::FILE_INVALID));
    world.machine.block(end(file));
    world.machine.block(end(new));
    world.end();
}
