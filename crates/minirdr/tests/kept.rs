//! Attributes that the server keeps for NT: what they cost in messages, and how other redirectors come to see them. On a
//! server in memory, with a clock that the test moves.

#[path = "simulated/drive.rs"]
mod drive;
#[path = "simulated/machine.rs"]
mod machine;
#[path = "world/open.rs"]
#[expect(dead_code, reason = "each test file uses a part")]
mod open;
mod simulated;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use drive::{end, text, token};
use executive::task::{Either, Notify, Runtime, select};
use machine::Machine;
use minirdr::{DirectoryQuery, Level, Settings};
use nt::{AccessMask, FileAttributes as F, FileInformationClass as Class};
use open::Open;
use rxce::Endpoint;
use rxce::memory::{Listener, Network};
use simulated::{ADDRESS, receive_frame};
use testserver::{MemoryFile, MemoryServer};

const TGETATTR: u8 = 24;
const TXATTRWALK: u8 = 30;
const TREADDIR: u8 = 40;
const TWALK: u8 = 110;
const TREAD: u8 = 116;
const TCLUNK: u8 = 120;

/// What the connections of the server have together.
#[derive(Clone, Default)]
struct Served {
    server: MemoryServer,
    /// Requests, by type.
    counts: Arc<Mutex<BTreeMap<u8, usize>>>,
    lost: Arc<Notify>,
}

async fn serve(listener: Listener, served: Served, runtime: Runtime) {
    loop {
        let endpoint = listener.accept().await;
        let served = served.clone();
        let one = async move {
            let mut connection = served.server.connect();
            loop {
                let lost = served.lost.notified();
                let Either::Right(Some(request)) = select(lost, receive_frame(&endpoint)).await else {
                    return;
                };
                *served.counts.lock().unwrap().entry(request[4]).or_default() += 1;
                if endpoint.send(connection.answer(&request)).await.1.is_err() {
                    return;
                }
            }
        };
        drop(runtime.spawn(one).unwrap());
    }
}

/// A server, and two machines that have a drive on it.
struct Two {
    runtime: Runtime,
    served: Served,
    machines: [Machine; 2],
}

impl Two {
    /// With `files` of these names in the folder `folder`.
    fn new(files: &[String]) -> Self {
        let served = Served::default();
        served.server.make("folder", MemoryFile::Directory);
        for name in files {
            served
                .server
                .make(&format!("folder/{name}"), MemoryFile::File(Vec::new()));
        }
        let runtime = Runtime::simulated(11).unwrap();
        let network = Network::new(&runtime).unwrap();
        let listener = network.listen(ADDRESS).unwrap();
        drop(
            runtime
                .spawn(serve(listener, served.clone(), runtime.clone()))
                .unwrap(),
        );
        let machines = [(); 2].map(|()| {
            let settings = Settings {
                assume_order: true,
                ..Settings::default()
            };
            Machine::new(&runtime, &network, settings)
        });
        Self {
            runtime,
            served,
            machines,
        }
    }

    /// Has one machine set attributes.
    fn set(&self, machine: usize, path: &str, attributes: F) {
        let machine = &self.machines[machine];
        let open = Open::read().access(AccessMask::WRITE_ATTRIBUTES);
        let file = machine.block(machine.drive().open(path, &open)).unwrap();
        let mut record = [0; 40];
        record[32..36].copy_from_slice(&attributes.bits().to_le_bytes());
        let cancel = token();
        machine
            .block(file.set_information(Class::BASIC, &record, None, &cancel))
            .unwrap();
        machine.block(end(file));
    }

    /// What one machine sees in the folder: how many entries beside the dots, and how many of them are hidden.
    fn listed(&self, machine: usize) -> (usize, usize) {
        let machine = &self.machines[machine];
        let folder = machine
            .block(machine.drive().open("folder", &Open::directory()))
            .unwrap();
        let (any, cancel) = (text("*"), token());
        let query = DirectoryQuery {
            class: Class::DIRECTORY,
            pattern: Some(any.as_name()),
            restart: false,
            single: false,
        };
        let mut buffer = vec![0; 64 * 1024];
        // What is sent for the open must not count.
        self.served.counts.lock().unwrap().clear();
        let (used, _) = machine
            .block(folder.query_directory(&query, &mut buffer, &cancel))
            .unwrap();
        self.runtime.run_until_stalled();
        let counts = self.served.counts.lock().unwrap().clone();
        machine.block(end(folder));
        *self.served.counts.lock().unwrap() = counts;
        let (mut at, mut entries, mut hidden) = (0, 0, 0);
        loop {
            let u32_at = |at: usize| u32::from_le_bytes(buffer[at..at + 4].try_into().unwrap());
            entries += 1;
            hidden += usize::from(F::from_bits_retain(u32_at(at + 56)).contains(F::HIDDEN));
            match u32_at(at) as usize {
                0 => break,
                next => at += next,
            }
            assert!(at < used);
        }
        (entries - 2, hidden)
    }

    /// How many requests of a type the last listing took.
    fn count(&self, kind: u8) -> usize {
        self.served
            .counts
            .lock()
            .unwrap()
            .get(&kind)
            .copied()
            .unwrap_or(0)
    }

    /// Loses all connections, and waits until they are back.
    fn lose(&self) {
        self.served.lost.notify_all();
        self.runtime.advance(Duration::from_secs(3));
    }

    fn end(self) {
        for machine in &self.machines {
            machine.block(machine.drive().unmap(Level::Refuse)).unwrap();
        }
        self.runtime.advance(Duration::from_secs(30));
        drop(self.machines);
        self.runtime.cancel_all();
        self.runtime.shutdown();
    }
}

#[test]
fn what_an_entry_costs() {
    const FILES: usize = 100;
    const HIDDEN: usize = 7;
    let names: Vec<String> = (0..FILES).map(|number| format!("file{number}")).collect();
    let two = Two::new(&names);
    assert_eq!(two.listed(0), (FILES, 0));
    assert_eq!(two.count(TXATTRWALK), 1, "whether the share has any at all");
    assert_eq!(two.listed(0), (FILES, 0));
    assert_eq!(two.count(TXATTRWALK), 0, "once");
    // The directory itself, for the dots, is asked with every listing.
    assert_eq!((two.count(TWALK), two.count(TGETATTR)), (FILES, FILES + 1));
    for name in &names[..HIDDEN] {
        two.set(0, &format!("folder\\{name}"), F::HIDDEN);
    }
    assert_eq!(two.listed(0), (FILES, HIDDEN));
    assert_eq!(
        (two.count(TWALK), two.count(TGETATTR)),
        (FILES, FILES + 1),
        "no more than without"
    );
    assert_eq!(two.count(TXATTRWALK), FILES + 1, "a message for each");
    assert_eq!(two.count(TREAD), HIDDEN, "two for those that have some");
    assert!(two.count(TCLUNK) <= FILES + HIDDEN, "some wait for company");
    assert!(two.count(TREADDIR) <= 2);
    two.end();
}

#[test]
fn what_a_copy_costs() {
    const TXATTRCREATE: u8 = 32;
    let two = Two::new(&["one".into(), "two".into()]);
    two.served.counts.lock().unwrap().clear();
    // Programs that copy files set what the original has, which is ARCHIVE.
    for name in ["one", "two"] {
        two.set(0, &format!("folder\\{name}"), F::ARCHIVE);
        two.set(0, &format!("folder\\{name}"), F::NORMAL);
    }
    assert_eq!(two.count(TXATTRCREATE), 0, "nothing is kept");
    assert_eq!(two.count(TXATTRWALK), 1, "and looked for once");
    two.end();
}

#[test]
fn what_another_machine_sets_is_seen() {
    let two = Two::new(&["one".into(), "two".into()]);
    assert_eq!(two.listed(1), (2, 0));
    two.set(0, "folder\\one", F::HIDDEN);
    assert_eq!(two.listed(0), (2, 1));
    // The mark was not there a moment ago, and is not looked for again so soon.
    assert_eq!(two.listed(1), (2, 0));
    two.runtime.advance(Duration::from_secs(11));
    assert_eq!(two.listed(1), (2, 1));
    two.set(0, "folder\\two", F::HIDDEN);
    assert_eq!(two.listed(1), (2, 2), "it is known by now that there are some");
    two.end();
}

#[test]
fn a_share_that_is_attached_again_is_asked_again() {
    let two = Two::new(&["one".into()]);
    assert_eq!(two.listed(1), (1, 0));
    two.set(0, "folder\\one", F::HIDDEN);
    two.lose();
    assert_eq!(two.listed(1), (1, 1));
    assert_eq!(two.listed(1), (1, 1));
    assert_eq!(
        two.count(TXATTRWALK),
        2,
        "the file and the folder, and not the mark once more"
    );
    two.end();
}
