//! What a failed mapping leaves behind: nothing, down to the last allocation.
//!
//! One test alone in its process, as it counts what the process allocates.

mod world;

use std::alloc::System;
use std::time::{Duration, Instant};

use executive::mem::Counting;
use executive::task::Runtime;
use minirdr::{MiniRedirector, ObjectCounts, Settings};
use nt::Status;
use testserver::{ScriptServer, Step, script};
use world::{Host, ME, name, token};

#[global_allocator]
static MEMORY: Counting<System> = Counting::new(System);

/// The status that mapping a drive onto each bad server gives.
fn expected(trouble: &str) -> Status {
    match trouble {
        "closes at once"
        | "closes instead of a version"
        | "never answers the version"
        | "sends half a frame and closes"
        | "sends half a frame and stalls"
        | "says nothing at all" => Status::BAD_NETWORK_PATH,
        "speaks another version"
        | "knows no version"
        | "refuses the version"
        | "lowers the message size to nothing" => Status::NOT_SUPPORTED,
        "closes instead of an attach" => Status::CONNECTION_DISCONNECTED,
        "never answers the attach" => Status::IO_TIMEOUT,
        "refuses the attach" => Status::ACCESS_DENIED,
        "attaches a plain file" => Status::BAD_NETWORK_NAME,
        _ => Status::INVALID_NETWORK_RESPONSE,
    }
}

/// Maps a drive onto a server that plays `script`.
fn map(script: &[Step]) -> nt::Result {
    let server = ScriptServer::start(script.to_vec()).unwrap();
    let settings = Settings {
        request_timeout: Duration::from_secs(1),
        ..Settings::default()
    };
    let runtime = Runtime::start(1).unwrap();
    let redirector = MiniRedirector::<Host>::new(rxce::sockets::Sockets, runtime.clone(), settings).unwrap();
    redirector.start().unwrap();
    let full = name(&format!("\\;X:\\127.0.0.1@{}\\export", server.addr().port()));
    let start = Instant::now();
    let adding =
        runtime.block_on(redirector.add_connection(full.as_name(), nt::Name::default(), ME, &token()));
    assert!(
        start.elapsed() < Duration::from_secs(4),
        "connecting, the version and the attach have a second each"
    );
    assert_eq!(redirector.statistics().objects, ObjectCounts::default());
    drop(redirector);
    // Returns when no task is left.
    runtime.shutdown();
    assert!(
        server.wait_idle(Duration::from_secs(10)),
        "the connection stayed open"
    );
    adding.unwrap()
}

#[test]
fn a_bad_handshake_leaves_nothing() {
    // What the process keeps for good is made by the first run.
    let mut before = None;
    for _ in 0..2 {
        let results: Vec<_> = std::thread::scope(|scope| {
            let scripts = script::bad_handshakes();
            let runs: Vec<_> = scripts
                .into_iter()
                .map(|(trouble, script)| (trouble, scope.spawn(move || map(&script))))
                .collect();
            runs.into_iter()
                .map(|(trouble, run)| (trouble, run.join().unwrap_or_else(|_| panic!("{trouble}"))))
                .collect()
        });
        for (trouble, result) in results {
            assert_eq!(result, Err(expected(trouble)), "a server that {trouble}");
        }
        // The sockets' threads end when they find that nobody needs them any more.
        let start = Instant::now();
        while before.is_some_and(|before| MEMORY.usage().live_blocks > before) {
            assert!(
                start.elapsed() < Duration::from_secs(10),
                "{before:?} blocks before, {:?} after",
                MEMORY.usage()
            );
            std::thread::sleep(Duration::from_millis(10));
        }
        std::thread::sleep(Duration::from_millis(200));
        before = Some(MEMORY.usage().live_blocks);
    }
}
