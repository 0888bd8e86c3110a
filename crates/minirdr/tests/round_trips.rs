//! How often an open waits for the server. The network in memory takes a fixed virtual time for a message to come back;
//! requests that are sent without waiting for each other come back together.

mod simulated;

use std::collections::VecDeque;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use executive::task::{CancelToken, Notify, Runtime};
use executive::time::Instant;
use minirdr::{CreateRequest, Level, LogonId, MiniRedirector, OpenFile, Settings, WritePosition};
use nt::{
    AccessMask, CreateDisposition, CreateOptions, FileAttributes, FileInformationClass as Class, Name,
    NameBuf, ShareAccess, Status,
};
use rxce::Endpoint;
use rxce::memory::Network;
use simulated::{ADDRESS, Simulated, receive_frame};

const ME: LogonId = LogonId(1);
const ROUND_TRIP: Duration = Duration::from_millis(6);

/// Message types of 9P2000.L.
const TLOPEN: u8 = 12;
const TLCREATE: u8 = 14;
const TGETATTR: u8 = 24;
const TSETATTR: u8 = 26;
const TXATTRWALK: u8 = 30;
const TWALK: u8 = 110;
const TCLUNK: u8 = 120;

/// How the server acts on requests.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Order {
    Kept,
    /// It acts on what asks for attributes or opens a file before it walks.
    Reversed,
    /// Kept; but what it says it has opened is a directory if it was no directory before, and the other way round.
    OpensAnother,
}

#[derive(Default)]
struct Wire {
    /// Answers on their way, and when they arrive.
    answers: Mutex<VecDeque<(Instant, Vec<u8>)>>,
    sent: Notify,
    /// The types of all requests but clunks, in the order they came.
    requests: Mutex<Vec<u8>>,
}

/// Serves one connection, each answer a round trip after its request.
async fn serve(
    runtime: Runtime,
    network: Network,
    folder: std::path::PathBuf,
    order: Order,
    wire: Arc<Wire>,
) {
    let listener = network.listen(ADDRESS).unwrap();
    let endpoint = Arc::new(listener.accept().await);
    let writer = {
        let (runtime, endpoint, wire) = (runtime.clone(), Arc::clone(&endpoint), Arc::clone(&wire));
        async move {
            loop {
                let next = wire.answers.lock().unwrap().pop_front();
                let Some((due, answer)) = next else {
                    wire.sent.notified().await;
                    continue;
                };
                runtime.sleep_until(due).await;
                if endpoint.send(answer).await.1.is_err() {
                    return;
                }
            }
        }
    };
    let _writer = runtime.spawn(writer).unwrap();
    let server = p9_server::Server::new(folder, Default::default(), Default::default()).unwrap();
    let server = Arc::new(Mutex::new(server));
    while let Some(request) = receive_frame(&endpoint).await {
        let kind = request[4];
        if kind != TCLUNK {
            wire.requests.lock().unwrap().push(kind);
        }
        let due = runtime.now() + ROUND_TRIP;
        let (late, server, wire) = (runtime.clone(), Arc::clone(&server), Arc::clone(&wire));
        let act = async move {
            if order == Order::Reversed && kind == TWALK {
                late.sleep(Duration::from_millis(1)).await;
            }
            let mut answer = Vec::new();
            server
                .lock()
                .unwrap()
                .handle_message(&mut &request[..], &mut answer)
                .unwrap();
            if order == Order::OpensAnother && kind == TLOPEN {
                // The type of the qid, which begins the body.
                answer[7] ^= 0x80;
            }
            wire.answers.lock().unwrap().push_back((due, answer));
            wire.sent.notify_one();
        };
        if order == Order::Reversed {
            drop(runtime.spawn(act).unwrap());
        } else {
            act.await;
        }
    }
}

struct World {
    runtime: Runtime,
    redirector: MiniRedirector<Simulated>,
    wire: Arc<Wire>,
}

impl World {
    fn new(folder: &Path, order: Order) -> Self {
        let runtime = Runtime::simulated(7).unwrap();
        let network = Network::new(&runtime).unwrap();
        let wire = Arc::new(Wire::default());
        let server = serve(
            runtime.clone(),
            network.clone(),
            folder.join("export"),
            order,
            Arc::clone(&wire),
        );
        drop(runtime.spawn(server).unwrap());
        runtime.run_until_stalled();
        // How a server is found to keep the order is the session's to know.
        let settings = Settings {
            assume_order: true,
            ..Settings::default()
        };
        let redirector = MiniRedirector::new(network, runtime.clone(), settings).unwrap();
        redirector.start().unwrap();
        let world = Self {
            runtime,
            redirector,
            wire,
        };
        world.block(world.redirector.add_connection(
            name("\\;X:\\10.0.0.1\\export").as_name(),
            Name::default(),
            ME,
            &token(),
        ));
        world
    }

    fn block<V>(&self, future: impl Future<Output = nt::Result<V>>) -> V {
        self.runtime.block_on(future).unwrap().unwrap()
    }

    /// Opens `path` and closes it again; the result is how many round trips the open took, and which messages.
    fn open(&self, path: &str, open: Open) -> (u128, Vec<u8>) {
        let (trips, messages, opened) = self.try_open(path, open);
        opened.unwrap();
        (trips, messages)
    }

    fn try_open(&self, path: &str, open: Open) -> (u128, Vec<u8>, nt::Result) {
        // What is left of before must not be counted.
        self.runtime.advance(Duration::from_millis(100));
        self.wire.requests.lock().unwrap().clear();
        let begun = self.runtime.now();
        let created = self.create(path, open);
        let trips = self.trips_since(begun);
        let messages = self.wire.requests.lock().unwrap().clone();
        (trips, messages, created.map(|file| self.close(&file)))
    }

    fn create(&self, path: &str, open: Open) -> nt::Result<executive::mem::Arc<OpenFile<Simulated>>> {
        let full = name(&format!("\\;X:\\10.0.0.1\\export\\{path}"));
        let request = CreateRequest {
            name: full.as_name(),
            related: None,
            logon: ME,
            desired_access: open.access,
            share_access: ShareAccess::all(),
            disposition: open.disposition,
            options: open.options,
            file_attributes: open.attributes,
            open_target_directory: false,
            case_sensitive: open.case_sensitive,
        };
        let cancel = token();
        let created = self.runtime.block_on(self.redirector.create(&request, &cancel));
        created.unwrap().map(|created| created.file)
    }

    fn close(&self, file: &OpenFile<Simulated>) {
        self.runtime.block_on(file.cleanup()).unwrap();
        file.close();
    }

    fn trips_since(&self, begun: Instant) -> u128 {
        self.runtime.now().saturating_since(begun).as_micros() / ROUND_TRIP.as_micros()
    }

    /// The messages since this was last asked.
    fn messages(&self) -> Vec<u8> {
        std::mem::take(&mut *self.wire.requests.lock().unwrap())
    }

    /// The file's size, and the messages that it took to hear of it.
    fn size(&self, file: &OpenFile<Simulated>) -> (u64, Vec<u8>) {
        self.messages();
        let (mut record, cancel) = ([0; 24], token());
        let asked = file.query_information(Class::STANDARD, 0, &mut record, &cancel);
        assert_eq!(self.block(asked), (24, Status::SUCCESS));
        (
            u64::from_le_bytes(*record[8..].first_chunk().unwrap()),
            self.messages(),
        )
    }

    fn end(self) {
        self.block(
            self.redirector
                .delete_connection(name("X:").as_name(), ME, Level::Refuse, &token()),
        );
        self.runtime.advance(Duration::from_secs(30));
        self.runtime.cancel_all();
        self.runtime.shutdown();
    }
}

#[derive(Clone, Copy)]
struct Open {
    access: AccessMask,
    disposition: CreateDisposition,
    options: CreateOptions,
    attributes: FileAttributes,
    case_sensitive: bool,
}

impl Open {
    fn with(access: AccessMask, disposition: CreateDisposition, options: CreateOptions) -> Self {
        Self {
            access,
            disposition,
            options,
            attributes: FileAttributes::NORMAL,
            case_sensitive: true,
        }
    }
}

fn name(text: &str) -> NameBuf {
    NameBuf::try_from_str(text).unwrap()
}

fn token() -> CancelToken {
    CancelToken::try_new().unwrap()
}

fn export() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(folder.path().join("export/folder")).unwrap();
    std::fs::write(folder.path().join("export/file"), b"data").unwrap();
    folder
}

#[test]
fn an_open_takes_as_few_round_trips_as_it_can() {
    let folder = export();
    let world = World::new(folder.path(), Order::Kept);
    let none = CreateOptions::empty();
    let overwrite = Open::with(AccessMask::GENERIC_WRITE, CreateDisposition::OVERWRITE, none);
    let read = Open::with(AccessMask::GENERIC_READ, CreateDisposition::OPEN, none);
    let look = Open::with(AccessMask::READ_ATTRIBUTES, CreateDisposition::OPEN, none);
    let list = Open::with(
        AccessMask::GENERIC_READ,
        CreateDisposition::OPEN,
        CreateOptions::DIRECTORY_FILE,
    );
    // What it is must be known before it is opened, as a FIFO could block the server.
    assert_eq!(world.open("file", read), (2, vec![TWALK, TGETATTR, TLOPEN]));
    // The open of the server that is left serves again, if its name still leads to the file.
    assert_eq!(world.open("file", read), (1, vec![TWALK, TGETATTR]));
    // A file seen before is opened at once.
    let write = Open::with(
        AccessMask::GENERIC_READ | AccessMask::GENERIC_WRITE,
        CreateDisposition::OPEN,
        none,
    );
    assert_eq!(world.open("file", write), (1, vec![TWALK, TGETATTR, TLOPEN]));
    // What it had in extended attributes goes with its data. A server that keeps none is asked for them once.
    assert_eq!(
        world.open("file", overwrite),
        (3, vec![TWALK, TGETATTR, TLOPEN, TXATTRWALK, TSETATTR])
    );
    assert_eq!(
        world.open("file", overwrite),
        (2, vec![TWALK, TGETATTR, TLOPEN, TSETATTR])
    );
    // Who does not write has it emptied by another fid, got while its own is not open.
    let emptied = Open {
        access: AccessMask::GENERIC_READ,
        ..overwrite
    };
    assert_eq!(
        world.open("file", emptied),
        (4, vec![TWALK, TGETATTR, TWALK, TLOPEN, TSETATTR])
    );
    let only_emptied = Open {
        access: AccessMask::READ_ATTRIBUTES,
        ..overwrite
    };
    assert_eq!(
        world.open("file", only_emptied),
        (2, vec![TWALK, TGETATTR, TSETATTR])
    );
    // The permission to write goes when it is no longer needed.
    let made_read_only = Open {
        attributes: FileAttributes::READONLY,
        ..overwrite
    };
    assert_eq!(
        world.open("file", made_read_only),
        (3, vec![TWALK, TGETATTR, TLOPEN, TSETATTR, TSETATTR])
    );
    assert_eq!(world.open("folder", list), (1, vec![TWALK, TGETATTR, TLOPEN]));
    assert_eq!(world.open("folder", look), (1, vec![TWALK, TGETATTR]));
    // Nothing there: what was sent ahead fails with the walk, and is not asked again.
    let (trips, messages, missing) = world.try_open("none", read);
    assert_eq!(missing, Err(Status::OBJECT_NAME_NOT_FOUND));
    assert_eq!((trips, messages), (1, vec![TWALK, TGETATTR]));
    // Made: the directory it goes to is looked for, and the name in another case in it.
    let make = Open::with(AccessMask::GENERIC_WRITE, CreateDisposition::CREATE, none);
    let (trips, messages) = world.open("new", make);
    assert_eq!(
        (trips, messages),
        (3, vec![TWALK, TGETATTR, TWALK, TLCREATE, TGETATTR])
    );
    world.end();
}

#[test]
fn what_a_handle_knows_is_not_asked() {
    let folder = export();
    let world = World::new(folder.path(), Order::Kept);
    let none = CreateOptions::empty();
    let read = Open::with(AccessMask::GENERIC_READ, CreateDisposition::OPEN, none);
    let file = world.create("file", read).unwrap();
    let cancel = token();
    world.messages();
    let mut record = [0; 256];
    for class in [
        Class::ACCESS,
        Class::NAME,
        Class::NORMALIZED_NAME,
        Class::POSITION,
        Class::MODE,
        Class::ALIGNMENT,
        Class::IS_REMOTE_DEVICE,
        Class::REMOTE_PROTOCOL,
        Class::INTERNAL,
        Class::ID,
    ] {
        let asked = world.block(file.query_information(class, 0, &mut record, &cancel));
        assert_eq!(asked.1, Status::SUCCESS, "{class:?}");
    }
    // Nor what is wrong with the question.
    for class in [Class::BASIC, Class::ALL, Class::STAT] {
        let asked = world
            .runtime
            .block_on(file.query_information(class, 0, &mut [0; 7], &cancel));
        assert_eq!(
            asked.unwrap().err(),
            Some(Status::INFO_LENGTH_MISMATCH),
            "{class:?}"
        );
    }
    assert_eq!(world.messages(), []);
    assert_eq!(world.size(&file), (4, vec![TGETATTR]));
    world.close(&file);
    drop(file);
    world.end();
}

#[test]
fn who_asks_at_once_is_told_what_the_open_saw() {
    let folder = export();
    let path = folder.path().join("export/file");
    std::fs::hard_link(&path, folder.path().join("export/other")).unwrap();
    let world = World::new(folder.path(), Order::Kept);
    let none = CreateOptions::empty();
    let rights = AccessMask::READ_ATTRIBUTES | AccessMask::SYNCHRONIZE;
    let look = Open::with(rights, CreateDisposition::OPEN, none);
    let open = |path, how| {
        world.runtime.advance(Duration::from_millis(100));
        world.create(path, how).unwrap()
    };
    let asked = vec![TGETATTR];
    let begun = world.runtime.now();
    let file = world.create("file", look).unwrap();
    assert_eq!(world.size(&file), (4, vec![]));
    assert_eq!(world.trips_since(begun), 1);
    // Once, and a directory like a file.
    assert_eq!(world.size(&file), (4, asked.clone()));
    world.close(&file);
    let directory = open("folder", look);
    assert_eq!(world.size(&directory), (0, vec![]));
    world.close(&directory);
    // Not later, when somebody else may have changed it.
    let file = open("file", look);
    world.runtime.advance(Duration::from_millis(10));
    std::fs::write(&path, b"longer").unwrap();
    assert_eq!(world.size(&file), (6, asked.clone()));
    world.close(&file);
    // Not after a change from here, under whichever name.
    let write = Open::with(AccessMask::GENERIC_WRITE, CreateDisposition::OPEN, none);
    let writer = open("other", write);
    let file = open("file", look);
    let data = [7; 9];
    world.block(writer.write(WritePosition::At(0), &data, &token()));
    assert_eq!(world.size(&file), (9, asked.clone()));
    world.close(&file);
    world.close(&writer);
    // Nor who may do more than look: who has opened a file to use it does not only ask once.
    let read = Open::with(AccessMask::GENERIC_READ, CreateDisposition::OPEN, none);
    let file = open("file", read);
    assert_eq!(world.size(&file), (9, asked));
    world.close(&file);
    drop((file, directory, writer));
    world.end();
}

#[test]
fn a_server_that_keeps_no_order_is_asked_in_order() {
    let folder = export();
    let world = World::new(folder.path(), Order::Reversed);
    let read = Open::with(
        AccessMask::GENERIC_READ,
        CreateDisposition::OPEN,
        CreateOptions::DIRECTORY_FILE,
    );
    // What was sent ahead was refused: it is sent again.
    let (_, messages) = world.open("folder", read);
    assert_eq!(messages, [TWALK, TGETATTR, TLOPEN, TGETATTR, TLOPEN]);
    world.end();
}

#[test]
fn what_a_server_opens_is_what_was_looked_at() {
    let folder = export();
    let world = World::new(folder.path(), Order::OpensAnother);
    let none = CreateOptions::empty();
    let read = Open::with(AccessMask::GENERIC_READ, CreateDisposition::OPEN, none);
    let list = CreateOptions::DIRECTORY_FILE;
    let list = Open::with(AccessMask::GENERIC_READ, CreateDisposition::OPEN, list);
    // Twice: the second open of a file is sent ahead, as that of a directory always is.
    for (path, open) in [("file", read), ("file", read), ("folder", list)] {
        let (_, messages, opened) = world.try_open(path, open);
        assert!(messages.contains(&TLOPEN), "{path}: {messages:?}");
        assert_eq!(opened, Err(Status::INVALID_NETWORK_RESPONSE), "{path}");
    }
    // The session goes on.
    let look = Open::with(AccessMask::READ_ATTRIBUTES, CreateDisposition::OPEN, none);
    assert_eq!(world.open("folder", look), (1, vec![TWALK, TGETATTR]));
    world.end();
}
