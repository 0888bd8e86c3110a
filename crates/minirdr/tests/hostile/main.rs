//! Hostile servers under a mapped drive: for each type of message that the mini-redirector sends × ten troubles, a program
//! uses a drive on a server that spoils every answer to that type. Whatever comes of its operations, each of them ends
//! within bounded (virtual) time and with a status that says whose fault it was; the drive can be unmapped without force
//! afterwards, and nothing is left: no object, no task, no memory.
//!
//! And a good server whose connection is lost once, at each message in turn: all goes on as if nothing had happened, but for
//! what may have been done, which says so.

#[path = "../simulated/drive.rs"]
mod drive;
#[expect(dead_code, reason = "each test file uses a part")]
#[path = "../world/open.rs"]
mod open;
mod program;
#[path = "../world/records.rs"]
mod records;
mod server;
#[path = "../simulated/mod.rs"]
mod simulated;

use std::alloc::System;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use drive::{Drive, SHARE};
use executive::mem::Counting;
use executive::task::Runtime;
use minirdr::{MiniRedirector, ObjectCounts, Settings};
use nt::Status;
use program::{Outcome, Program};
use rxce::memory::Network;
use server::{Cut, Plan, Server};
use simulated::{ADDRESS, Simulated};
use testserver::{MemoryFile, MemoryServer, Trouble, kind};

#[global_allocator]
static MEMORY: Counting<System> = Counting::new(System);

/// Longest that one operation may take, in virtual time: a few requests' deadlines of a second each, and reconnects.
const LIMIT: Duration = Duration::from_secs(20);

/// What came of one run.
struct Run {
    outcomes: Vec<Outcome>,
    seen: Vec<u8>,
    spoiled: u32,
    /// Messages that the server has got.
    came: usize,
}

/// The server, with the files that the program expects.
fn good_server(plan: Option<Plan>) -> MemoryServer {
    let good = MemoryServer::new();
    good.make("folder/leaf", MemoryFile::File(b"leaf".into()));
    good.make("there", MemoryFile::File(vec![7; 100_000]));
    good.make("link", MemoryFile::Link(b"there".into()));
    let works_by_file = [kind::TREMOVE, kind::TRENAME];
    if plan.is_some_and(|plan| works_by_file.contains(&plan.kind)) {
        good.refuse(&[kind::TRENAMEAT, kind::TUNLINKAT]);
    }
    good
}

fn run(plan: Option<Plan>) -> Run {
    run_on(plan, None)
}

fn run_on(plan: Option<Plan>, cut: Option<Cut>) -> Run {
    let runtime = Runtime::simulated(7).unwrap();
    let network = Network::new(&runtime).unwrap();
    let listener = network.listen(ADDRESS).unwrap();
    let server = Server {
        runtime: runtime.clone(),
        good: good_server(plan),
        plan,
        cut,
        came: Arc::default(),
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
        let drive = Drive {
            redirector: &redirector,
            letter: "X:",
            share: SHARE,
        };
        let mut program = Program::new(&runtime, drive);
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
        came: server.came.load(Ordering::SeqCst),
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

/// Why no operation on a drive sends these; the session is attacked at them all the same.
const NEVER_SENT: [(u8, &str); 3] = [
    (kind::TAUTH, "mappings attach without an authentication server"),
    (kind::TMKNOD, "no request of NT makes devices, FIFOs or sockets"),
    (
        kind::TGETLOCK,
        "nobody asks who has a lock: it is asked for, or waited for",
    ),
];

/// One test alone in its process, as memory is counted for all of it.
#[test]
fn a_drive_on_a_bad_server() {
    one_lost_connection_goes_unnoticed_or_is_owned_up_to();
    every_message_that_is_sent_meets_every_trouble();
}

fn every_message_that_is_sent_meets_every_trouble() {
    let honest = run(None);
    for outcome in &honest.outcomes {
        assert_eq!(outcome.result, Ok(()), "{}", outcome.what);
    }
    let (mut cells, mut messages) = (0, 0);
    for &(kind, name) in kind::REQUESTS {
        let never = NEVER_SENT.iter().find(|(never, _)| *never == kind);
        // Sent only to servers that do not work by name.
        let sent = honest.seen.contains(&kind) || [kind::TREMOVE, kind::TRENAME].contains(&kind);
        assert_eq!(sent, never.is_none(), "{name}");
        if let Some((_, why)) = never {
            println!("{name}: not attacked under a drive: {why}");
            continue;
        }
        for trouble in Trouble::ALL {
            let plan = Plan { kind, trouble };
            check(plan, &run(Some(plan)));
            let kept = MEMORY.usage().live_blocks;
            let again = run(Some(plan));
            check(plan, &again);
            drop(again);
            assert!(
                MEMORY.usage().live_blocks <= kept,
                "{plan:?}: {} blocks are left",
                MEMORY.usage().live_blocks - kept
            );
            cells += 1;
        }
        messages += 1;
        println!("{name}: {} troubles", Trouble::ALL.len());
    }
    let never: Vec<_> = NEVER_SENT.iter().map(|(_, why)| *why).collect();
    println!(
        "sweep: {messages} messages × {} troubles under a drive: {cells} cells; {} messages are never sent: {}",
        Trouble::ALL.len(),
        never.len(),
        never.join("; ")
    );
}

/// What changes nothing on the server, or makes sure of it: none of it may fail for one lost connection.
const REPEATABLE: [&str; 12] = [
    "read",
    "query information",
    "query volume",
    "query EAs",
    "query security",
    "a read that is given up",
    "open by a link",
    "open a directory",
    "list",
    "unlock",
    "close of a directory",
    "close of a listed directory",
];

fn one_lost_connection_goes_unnoticed_or_is_owned_up_to() {
    let honest = run(None);
    let map = honest.outcomes.first().unwrap();
    assert_eq!(map.what, "map");
    let (mut unnoticed, mut owned_up) = (0, 0);
    for at in 0..honest.came {
        for acts in [false, true] {
            let cut = Cut { at, acts };
            let run = run_on(None, Some(cut));
            let failed = |outcome: &&Outcome| outcome.result.is_err();
            let Some(first) = run.outcomes.iter().find(failed) else {
                unnoticed += 1;
                continue;
            };
            owned_up += 1;
            let Outcome { what, result, .. } = first;
            if *what == "map" {
                // There is nothing yet to go on with.
                continue;
            }
            assert_eq!(*result, Err(Status::CONNECTION_ABORTED), "{cut:?}: {what}");
            assert!(!REPEATABLE.contains(what), "{cut:?}: {what}");
        }
    }
    println!(
        "sweep: a connection lost at each of {} messages, acted on or not: {unnoticed} times unnoticed, {owned_up} times said",
        honest.came
    );
    assert!(unnoticed > owned_up, "{unnoticed} to {owned_up}");
}
