//! Every allocation failing in turn, through the whole stack on one thread: redirector, engine and session under test,
//! a network in memory, and behind it a good server that never runs out of memory. Each part of what can be asked of a
//! drive is a sweep of its own. Whatever allocation fails: the status says so or the operation succeeds without it,
//! nothing leaks, and the drive works afterwards.

mod attributes;
mod basics;
mod connect;
mod delete;
#[path = "../simulated/drive.rs"]
mod drive;
#[path = "../simulated/good_server.rs"]
mod good_server;
mod information;
mod links;
mod locks;
mod lost;
mod notify;
#[expect(dead_code, reason = "each test file uses a part")]
#[path = "../world/open.rs"]
mod open;
#[path = "../world/records.rs"]
mod records;
#[path = "../simulated/mod.rs"]
mod simulated;

use std::alloc::System;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use drive::{Drive, SHARE, end, text};
use executive::mem::{Counting, sweep, unfailing};
use executive::task::{Notify, Runtime, select};
use good_server::serve_one;
use minirdr::{Level, MiniRedirector, ObjectCounts, Settings};
use nt::Status;
use open::Open;
use rxce::memory::{Listener, Network};
use simulated::{ADDRESS, Simulated};
use testserver::{MemoryFile, MemoryServer};

#[global_allocator]
static MEMORY: Counting<System> = Counting::new(System);

/// Polls `future` with no allocation failing.
async fn spared<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    poll_fn(|context| unfailing(|| future.as_mut().poll(context))).await
}

/// Serves one connection after the other, until it is told that the one it has is lost.
async fn serve(listener: Listener, server: MemoryServer, lost: Arc<Notify>) {
    loop {
        let endpoint = listener.accept().await;
        select(serve_one(&endpoint, &server), lost.notified()).await;
    }
}

/// What a part of the sweep works with.
struct Session<'a> {
    runtime: &'a Runtime,
    drive: Drive<'a>,
    server: &'a MemoryServer,
    lost: &'a Notify,
    data: &'a [u8],
    buffer: &'a mut [u8],
}

impl Session<'_> {
    /// The server drops the connection that there is, when it has stood a while: one that is lost again at once is not
    /// dialled again at once.
    async fn lose(&self) {
        spared(self.runtime.sleep(Duration::from_secs(60))).await;
        self.lost.notify_all();
    }

    /// Maps the drive, does `work` with it and takes it away.
    async fn mapped(&mut self, work: impl AsyncFn(&mut Self) -> nt::Result) -> nt::Result {
        self.drive.map().await?;
        work(self).await?;
        self.drive.unmap(Level::Refuse).await
    }
}

/// What is right about a result that need not be a success.
fn or<V>(result: nt::Result<V>, expected: &[Status]) -> nt::Result<Option<V>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(status) if expected.contains(&status) => Ok(None),
        Err(status) => Err(status),
    }
}

/// The length of an answer that is whole.
fn whole(answer: nt::Result<(usize, Status)>) -> nt::Result<usize> {
    let (length, status) = answer?;
    assert_eq!(status, Status::SUCCESS);
    Ok(length)
}

fn server() -> MemoryServer {
    let server = MemoryServer::new();
    for number in 0..10 {
        server.make(&format!("folder/{number}"), MemoryFile::File(Vec::new()));
    }
    server.make("Way", MemoryFile::Link(b"folder".into()));
    server
}

/// One run of it all, from nothing to nothing.
fn run(data: &[u8], buffer: &mut [u8], work: &impl AsyncFn(&mut Session<'_>) -> nt::Result) -> nt::Result {
    let (runtime, network, server, lost) = unfailing(|| {
        let server = server();
        let runtime = Runtime::simulated(7).unwrap();
        let network = Network::new(&runtime).unwrap();
        let listener = network.listen(ADDRESS).unwrap();
        let lost = Arc::new(Notify::new());
        let serving = serve(listener, server.clone(), Arc::clone(&lost));
        drop(runtime.spawn(spared(serving)).unwrap());
        (runtime, network, server, lost)
    });
    let server_tasks = runtime.live_tasks();
    let result = (|| {
        let redirector = MiniRedirector::<Simulated>::new(network, runtime.clone(), Settings::default())?;
        redirector.start()?;
        let drive = Drive {
            redirector: &redirector,
            letter: "X:",
            share: SHARE,
        };
        let mut session = Session {
            runtime: &runtime,
            drive,
            server: &server,
            lost: &lost,
            data,
            buffer,
        };
        let result = runtime.block_on(work(&mut session))?;
        unfailing(|| still_works(&runtime, drive));
        runtime.run_until_stalled();
        assert_eq!(redirector.statistics().objects, ObjectCounts::default());
        redirector.stop()?;
        result
    })();
    unfailing(|| {
        // Circuits that are being closed end now.
        runtime.advance(Duration::from_secs(30));
        assert_eq!(runtime.live_tasks(), server_tasks, "tasks are left");
        runtime.cancel_all();
        runtime.shutdown();
        let left = server.paths();
        let temporary = left.iter().find(|(path, _)| path.contains(".mrx9p-"));
        // Who has lost the server cannot clear up there.
        let cut_off = matches!(
            result,
            Err(Status::CONNECTION_ABORTED | Status::CONNECTION_DISCONNECTED)
        );
        assert!(
            cut_off || temporary.is_none(),
            "{result:?}: {temporary:?} is left"
        );
    });
    result
}

/// Looks whether the drive is still good for something, if there is one, and takes it away.
fn still_works(runtime: &Runtime, drive: Drive<'_>) {
    let name = text(drive.letter);
    if drive
        .redirector
        .find_connection(name.as_name(), drive::ME)
        .is_ok()
    {
        let opening = async {
            // A session may be lost; the next comes soon.
            for _ in 0..30 {
                if let Ok(file) = drive.open("folder", &Open::directory()).await {
                    end(file).await;
                    return;
                }
                runtime.sleep(Duration::from_secs(1)).await;
            }
            panic!("the drive works no more");
        };
        runtime.block_on(opening).unwrap();
    }
    let gone = runtime.block_on(drive.unmap(Level::Force)).unwrap();
    assert!(gone.is_ok() || gone == Err(Status::NOT_FOUND));
}

/// Sweeps over a part of what can be asked, of which at least `least` failures must be told to the caller.
fn every_allocation_fails(part: &str, least: u32, work: impl AsyncFn(&mut Session<'_>) -> nt::Result) {
    let data = vec![0x5a; 200_000];
    let mut buffer = vec![0; 200_000];
    // Once without failures: what the process keeps for good is made then.
    run(&data, &mut buffer, &work).unwrap();
    let (mut told, mut cut_off) = (0, 0);
    let swept = sweep(
        || run(&data, &mut buffer, &work),
        |run, result| {
            assert_eq!(run.leaked, 0, "failing allocation {} leaks", run.number);
            match result {
                Err(Status::INSUFFICIENT_RESOURCES) => told += 1,
                // The transport found no memory, and broke the connection.
                Err(
                    Status::CONNECTION_DISCONNECTED | Status::CONNECTION_ABORTED | Status::BAD_NETWORK_PATH,
                ) => cut_off += 1,
                // Ends and waits survive it.
                Ok(()) => {}
                Err(status) => panic!("failing allocation {} gives {status:?}", run.number),
            }
        },
    );
    let failures = swept.failures;
    println!(
        "sweep: {part}: {failures} allocations failed in turn: {told} told as such, {cut_off} cost the connection"
    );
    assert!(told > least, "{told} of {failures} reported");
}
