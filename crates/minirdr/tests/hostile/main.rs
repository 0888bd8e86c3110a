//! Hostile servers under a mapped drive: for each type of message that the mini-redirector sends × ten troubles, a program
//! uses a drive on a server that spoils every answer to that type. Whatever comes of its operations, each of them ends
//! within bounded (virtual) time and with a status that says whose fault it was; the drive can be unmapped without force
//! afterwards, and nothing is left: no object, no task, no memory.

mod program;
mod server;
#[path = "../simulated/mod.rs"]
mod simulated;

use std::alloc::System;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use executive::mem::Counting;
use executive::task::Runtime;
use minirdr::{MiniRedirector, ObjectCounts, Settings};
use nt::Status;
use program::{Outcome, Program};
use rxce::memory::Network;
use server::{Plan, Server, TROUBLES, Trouble, kind};
use simulated::Simulated;

#[global_allocator]
static MEMORY: Counting<System> = Counting::new(System);

const ADDRESS: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1)), 564);

/// Longest that one operation may take, in virtual time: a few requests' deadlines of a second each, and reconnects.
const LIMIT: Duration = Duration::from_secs(20);

/// What came of one run.
struct Run {
    outcomes: Vec<Outcome>,
    seen: Vec<u8>,
    spoiled: u32,
}

fn run(folder: &Path, plan: Option<Plan>) -> Run {
    let _ = std::fs::remove_dir_all(folder);
    std::fs::create_dir_all(folder.join("folder")).unwrap();
    std::fs::write(folder.join("folder/leaf"), b"leaf").unwrap();
    std::fs::write(folder.join("there"), vec![7; 100_000]).unwrap();
    std::os::unix::fs::symlink("there", folder.join("link")).unwrap();
    let runtime = Runtime::simulated(7).unwrap();
    let network = Network::new(&runtime).unwrap();
    let listener = network.listen(ADDRESS).unwrap();
    let server = Server {
        runtime: runtime.clone(),
        folder: folder.to_owned(),
        plan,
        seen: Arc::new(Mutex::new(Vec::new())),
        spoiled: Arc::new(Mutex::new(0)),
    };
    drop(runtime.spawn(server.clone().serve(listener)).unwrap());
    let before = runtime.live_tasks();
    let settings = Settings {
        request_timeout: Duration::from_secs(1),
        ..Settings::default()
    };
    let redirector = MiniRedirector::<Simulated>::new(network, runtime.clone(), settings).unwrap();
    redirector.start().unwrap();
    let outcomes = {
        let mut program = Program::new(&runtime, &redirector);
        runtime.block_on(program.run()).unwrap();
        program.outcomes
    };
    assert_eq!(
        redirector.statistics().objects,
        ObjectCounts::default(),
        "{plan:?}: objects are left"
    );
    redirector.stop().unwrap();
    drop(redirector);
    // Circuits that are being closed, and late answers, end now.
    runtime.advance(Duration::from_secs(60));
    assert_eq!(runtime.live_tasks(), before, "{plan:?}: tasks are left");
    runtime.cancel_all();
    runtime.shutdown();
    let seen = server.seen.lock().unwrap().clone();
    let spoiled = *server.spoiled.lock().unwrap();
    Run {
        outcomes,
        seen,
        spoiled,
    }
}

/// Whether a server that is lost or lies may make an operation end so.
fn may_be(status: Status) -> bool {
    matches!(
        status,
        Status::IO_TIMEOUT
            | Status::CONNECTION_DISCONNECTED
            | Status::CONNECTION_ABORTED
            | Status::INVALID_NETWORK_RESPONSE
            | Status::BAD_NETWORK_PATH
            | Status::UNEXPECTED_NETWORK_ERROR
            | Status::NETWORK_NAME_DELETED
            | Status::FILE_INVALID
    )
}

/// What the first operation that failed says, where that is certain.
fn expected(trouble: Trouble) -> &'static [Status] {
    match trouble {
        Trouble::Close | Trouble::Reset => &[
            Status::CONNECTION_DISCONNECTED,
            Status::CONNECTION_ABORTED,
            Status::BAD_NETWORK_PATH,
        ],
        Trouble::Stall | Trouble::LateReply => &[
            Status::IO_TIMEOUT,
            Status::BAD_NETWORK_PATH,
            Status::CONNECTION_DISCONNECTED,
        ],
        _ => &[
            Status::INVALID_NETWORK_RESPONSE,
            Status::CONNECTION_DISCONNECTED,
            Status::CONNECTION_ABORTED,
            Status::BAD_NETWORK_PATH,
        ],
    }
}

fn check(plan: Plan, run: &Run) {
    assert!(run.spoiled > 0, "{plan:?}: nothing was spoiled");
    for outcome in &run.outcomes {
        assert!(
            outcome.took <= LIMIT,
            "{plan:?}: {} took {:?}",
            outcome.what,
            outcome.took
        );
    }
    let mut failures = run
        .outcomes
        .iter()
        .filter_map(|outcome| Some((outcome.what, outcome.result.err()?)));
    if let Some((what, first)) = failures.next() {
        assert!(
            expected(plan.trouble).contains(&first),
            "{plan:?}: {what} says {first:?}"
        );
    }
    // What fails afterwards fails for want of the server, or of what could not be made.
    for (what, status) in failures {
        let missing = matches!(
            status,
            Status::OBJECT_NAME_NOT_FOUND | Status::OBJECT_PATH_NOT_FOUND | Status::OBJECT_NAME_COLLISION
        );
        assert!(may_be(status) || missing, "{plan:?}: {what} says {status:?}");
    }
    let last = run.outcomes.last().unwrap();
    assert_eq!(
        (last.what, last.result),
        ("unmap", Ok(())),
        "{plan:?}: the mapping cannot be deleted"
    );
}

#[test]
fn every_message_that_is_sent_meets_every_trouble() {
    let folder = tempfile::tempdir().unwrap();
    let honest = run(folder.path(), None);
    for outcome in &honest.outcomes {
        assert_eq!(outcome.result, Ok(()), "{}", outcome.what);
    }
    let mut kinds = honest.seen;
    // Sent only to servers that do not work by name.
    kinds.extend([kind::TREMOVE, kind::TRENAME]);
    kinds.sort_unstable();
    kinds.dedup();
    for needed in [kind::TVERSION, kind::TATTACH, kind::TFLUSH, kind::TLOCK] {
        assert!(kinds.contains(&needed), "type {needed} is not sent");
    }
    let mut cells = 0;
    for &kind in &kinds {
        for trouble in TROUBLES {
            let plan = Plan { kind, trouble };
            check(plan, &run(folder.path(), Some(plan)));
            let kept = MEMORY.usage().live_blocks;
            let again = run(folder.path(), Some(plan));
            check(plan, &again);
            drop(again);
            assert!(
                MEMORY.usage().live_blocks <= kept,
                "{plan:?}: {} blocks are left",
                MEMORY.usage().live_blocks - kept
            );
            cells += 1;
        }
    }
    println!(
        "sweep: {} messages × {} troubles under a drive: {cells} cells; sent are the types {kinds:?}",
        kinds.len(),
        TROUBLES.len()
    );
}
