//! A good server that spoils its answers to messages of one type.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use executive::task::Runtime;
use rxce::Endpoint as _;
use rxce::memory::{Listener, MemoryEndpoint};
use testserver::{MemoryServer, Trouble, kind};

use crate::simulated::receive_frame;

/// A read at this offset is answered only after [`SLOW`].
pub(crate) const SLOW_OFFSET: u64 = 77_777;
pub(crate) const SLOW: Duration = Duration::from_millis(500);
/// When late replies come: long after their requests' deadline.
const LATE: Duration = Duration::from_secs(3);

/// The answers to which messages are spoiled, and how.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    pub(crate) kind: u8,
    pub(crate) trouble: Trouble,
}

/// Which message, of all that come, the connection is lost at.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cut {
    /// So many come before it.
    pub(crate) at: usize,
    /// The server acts on it all the same.
    pub(crate) acts: bool,
}

/// What all connections of one server have together.
#[derive(Clone)]
pub(crate) struct Server {
    pub(crate) runtime: Runtime,
    pub(crate) good: MemoryServer,
    pub(crate) plan: Option<Plan>,
    pub(crate) cut: Option<Cut>,
    /// How many messages have come.
    pub(crate) came: Arc<AtomicUsize>,
    /// Every type that was sent here.
    pub(crate) seen: Arc<Mutex<Vec<u8>>>,
    /// How many answers were spoiled.
    pub(crate) spoiled: Arc<Mutex<u32>>,
}

/// What becomes of the connection.
#[derive(PartialEq, Eq)]
enum Then {
    GoOn,
    End,
}

impl Server {
    /// Serves one connection after the other, each in a task of its own.
    pub(crate) async fn serve(self, listener: Listener) {
        loop {
            let endpoint = listener.accept().await;
            let server = self.clone();
            drop(
                self.runtime
                    .spawn(async move { server.serve_one(&endpoint).await })
                    .unwrap(),
            );
        }
    }

    async fn serve_one(&self, endpoint: &MemoryEndpoint) {
        let mut good = self.good.connect();
        while let Some(request) = receive_frame(endpoint).await {
            let kind = request[4];
            {
                let mut seen = self.seen.lock().unwrap();
                if !seen.contains(&kind) {
                    seen.push(kind);
                }
            }
            let number = self.came.fetch_add(1, Ordering::SeqCst);
            let cut = self.cut.filter(|cut| cut.at == number);
            if cut.is_some_and(|cut| !cut.acts) {
                return;
            }
            let reply = good.answer(&request);
            if cut.is_some() {
                return;
            }
            if kind == kind::TREAD && request[11..19] == SLOW_OFFSET.to_le_bytes() {
                // A flush may come meanwhile: its answer goes behind.
                self.runtime.sleep(SLOW).await;
            }
            let then = match self.plan.filter(|plan| plan.kind == kind) {
                Some(plan) => self.spoil(endpoint, plan.trouble, reply, good.msize()).await,
                None => sent(endpoint, reply).await,
            };
            if then == Then::End {
                return;
            }
        }
    }

    async fn spoil(&self, endpoint: &MemoryEndpoint, trouble: Trouble, reply: Vec<u8>, msize: u32) -> Then {
        *self.spoiled.lock().unwrap() += 1;
        match trouble {
            Trouble::Close => return Then::End,
            Trouble::Reset => {
                endpoint.reset();
                return Then::End;
            }
            Trouble::Stall => return Then::GoOn,
            Trouble::LateReply => {
                self.runtime.sleep(LATE).await;
                return sent(endpoint, reply).await;
            }
            _ => {}
        }
        match trouble.spoil(reply, msize) {
            Some(bytes) => sent(endpoint, bytes).await,
            None => Then::GoOn,
        }
    }
}

async fn sent(endpoint: &MemoryEndpoint, bytes: Vec<u8>) -> Then {
    match endpoint.send(bytes).await.1 {
        Ok(_) => Then::GoOn,
        Err(_) => Then::End,
    }
}
