//! A server whose luck is in its seed: it dies at any byte, falls silent, is slow, is away for a while, and may come back
//! with other files.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use executive::task::{Either, Notify, Runtime, select};
use minirdr::{MiniRedirector, ObjectCounts, Settings, Statistics};
use rxce::Endpoint as _;
use rxce::memory::{MemoryEndpoint, Network};
use testserver::MemoryServer;

use crate::simulated::{ADDRESS, Simulated, receive_frame};

/// A SplitMix64 generator.
#[derive(Clone, Debug)]
pub(crate) struct Luck(pub(crate) u64);

impl Luck {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number below `limit`.
    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    fn milliseconds(&mut self, limit: u64) -> Duration {
        Duration::from_millis(self.below(limit))
    }
}

/// How a connection ends, if it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Lives,
    /// Closed after so many messages.
    Closes(u64),
    Resets(u64),
    /// Broken after so many bytes to the client, or from it.
    BreaksSending(u64),
    BreaksReceiving(u64),
    /// Reads and answers nothing after so many messages.
    FallsSilent(u64),
    /// Does not even read.
    Freezes(u64),
    /// Closed after so many messages, and nobody listens for a while.
    GoesAway(u64),
    /// The same, and other files are there afterwards.
    Changes(u64),
    /// Every answer takes a while.
    Drags(Duration),
}

impl Fate {
    fn draw(luck: &mut Luck) -> Self {
        let messages = luck.below(40);
        match luck.below(12) {
            0 => Self::Closes(messages),
            1 => Self::Resets(messages),
            2 => Self::BreaksSending(luck.below(4000)),
            3 => Self::BreaksReceiving(luck.below(4000)),
            4 => Self::FallsSilent(messages),
            5 => Self::Freezes(messages),
            6 => Self::GoesAway(messages),
            7 | 8 => Self::Changes(messages),
            9 => Self::Drags(luck.milliseconds(400)),
            _ => Self::Lives,
        }
    }
}

pub(crate) struct Server {
    pub(crate) runtime: Runtime,
    pub(crate) network: Network,
    pub(crate) address: SocketAddr,
    pub(crate) good: MemoryServer,
    pub(crate) luck: Mutex<Luck>,
    /// Changes files while nobody listens.
    change: fn(&Self),
    /// No more trouble from now on.
    pub(crate) calm: AtomicBool,
    /// Nobody listens.
    away: AtomicBool,
    leaves: Notify,
    /// Its tasks.
    pub(crate) tasks: AtomicUsize,
    /// Requests that have been read and not been answered.
    pub(crate) under_way: AtomicUsize,
    /// How often each file has been replaced.
    pub(crate) generations: [AtomicUsize; 4],
}

impl Server {
    pub(crate) fn new(
        runtime: &Runtime,
        network: &Network,
        address: SocketAddr,
        good: MemoryServer,
        seed: u64,
        change: fn(&Self),
    ) -> Arc<Self> {
        Arc::new(Self {
            runtime: runtime.clone(),
            network: network.clone(),
            address,
            good,
            luck: Mutex::new(Luck(seed)),
            change,
            calm: AtomicBool::new(false),
            away: AtomicBool::new(false),
            leaves: Notify::new(),
            tasks: AtomicUsize::new(0),
            under_way: AtomicUsize::new(0),
            generations: Default::default(),
        })
    }

    fn spawn(self: &Arc<Self>, task: impl Future<Output = ()> + Send + 'static) {
        self.tasks.fetch_add(1, Ordering::SeqCst);
        let ended = Arc::clone(self);
        let task = async move {
            task.await;
            ended.tasks.fetch_sub(1, Ordering::SeqCst);
        };
        drop(self.runtime.spawn(task).unwrap());
    }

    /// Listens from now on, with pauses.
    pub(crate) fn start(self: &Arc<Self>) {
        let server = Arc::clone(self);
        self.spawn(async move {
            loop {
                server.listen().await;
                let pause = server.luck.lock().unwrap().milliseconds(5000);
                server.runtime.sleep(pause).await;
                server.away.store(false, Ordering::SeqCst);
            }
        });
    }

    /// Accepts until it is away.
    async fn listen(self: &Arc<Self>) {
        let listener = self.network.listen(self.address).unwrap();
        loop {
            // Asked for first, so that no leaving is missed.
            let leaving = self.leaves.notified();
            if self.away.load(Ordering::SeqCst) {
                return;
            }
            let Either::Left(endpoint) = select(listener.accept(), leaving).await else {
                return;
            };
            let server = Arc::clone(self);
            self.spawn(async move { server.serve(endpoint).await });
        }
    }

    async fn serve(&self, endpoint: MemoryEndpoint) {
        let fate = match self.calm.load(Ordering::SeqCst) {
            true => Fate::Lives,
            false => Fate::draw(&mut self.luck.lock().unwrap()),
        };
        match fate {
            Fate::BreaksSending(bytes) => endpoint.break_after_sending(bytes),
            Fate::BreaksReceiving(bytes) => endpoint.break_after_receiving(bytes),
            _ => {}
        }
        let mut good = self.good.connect();
        let mut served = 0;
        loop {
            // Without a last message a frozen server would be a silent one.
            if fate == Fate::Freezes(served) {
                std::future::pending::<()>().await;
            }
            let Some(request) = receive_frame(&endpoint).await else {
                return;
            };
            match fate {
                Fate::Closes(last) if served == last => return,
                Fate::Resets(last) if served == last => return endpoint.reset(),
                Fate::FallsSilent(last) if served >= last => continue,
                Fate::GoesAway(last) | Fate::Changes(last) if served == last => {
                    if matches!(fate, Fate::Changes(_)) {
                        (self.change)(self);
                    }
                    self.away.store(true, Ordering::SeqCst);
                    self.leaves.notify_all();
                    return;
                }
                Fate::Drags(time) if !self.calm.load(Ordering::SeqCst) => {
                    self.under_way.fetch_add(1, Ordering::SeqCst);
                    self.runtime.sleep(time).await;
                    self.under_way.fetch_sub(1, Ordering::SeqCst);
                }
                _ => {}
            }
            served += 1;
            if endpoint.send(good.answer(&request)).await.1.is_err() {
                return;
            }
        }
    }
}

/// A redirector in the weather of one seed.
pub(crate) struct Outdoors<'a> {
    pub(crate) seed: u64,
    pub(crate) runtime: &'a Runtime,
    pub(crate) redirector: &'a MiniRedirector<Simulated>,
    pub(crate) server: &'a Arc<Server>,
}

/// The deadline of a request.
const DEADLINE: Duration = Duration::from_secs(1);

/// Does `work` in the weather of `seed`, with `good` for a server, and looks that no object and no task is left. `change`
/// changes files while nobody listens; `calm`: no trouble ever.
pub(crate) fn outdoors<V>(
    seed: u64,
    good: MemoryServer,
    change: fn(&Server),
    calm: bool,
    work: impl FnOnce(&Outdoors<'_>) -> V,
) -> (V, Statistics) {
    let runtime = Runtime::simulated(seed).unwrap();
    let network = Network::new(&runtime).unwrap();
    let server = Server::new(&runtime, &network, ADDRESS, good, seed ^ 0x5EED, change);
    server.calm.store(calm, Ordering::SeqCst);
    server.start();
    let settings = Settings {
        request_timeout: DEADLINE,
        ..Settings::default()
    };
    let redirector = MiniRedirector::<Simulated>::new(network, runtime.clone(), settings).unwrap();
    redirector.start().unwrap();
    let value = work(&Outdoors {
        seed,
        runtime: &runtime,
        redirector: &redirector,
        server: &server,
    });
    let statistics = redirector.statistics();
    let none = ObjectCounts::default();
    assert_eq!(statistics.objects, none, "seed {seed}: objects are left");
    redirector.stop().unwrap();
    drop(redirector);
    runtime.advance(Duration::from_secs(30));
    let left = runtime.live_tasks() - server.tasks.load(Ordering::SeqCst);
    assert_eq!(left, 0, "seed {seed}: tasks are left");
    runtime.cancel_all();
    runtime.shutdown();
    (value, statistics)
}
