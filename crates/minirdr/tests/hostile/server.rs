//! A good server that spoils its answers to messages of one type.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use executive::task::Runtime;
use rxce::Endpoint as _;
use rxce::memory::{Listener, MemoryEndpoint};

use crate::simulated::receive_frame;

/// What the server does instead of an honest reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    Close,
    Reset,
    Stall,
    Garbage,
    Truncated,
    Oversized,
    WrongTag,
    DuplicateReply,
    LateReply,
    WrongType,
}

pub(crate) const TROUBLES: [Trouble; 10] = [
    Trouble::Close,
    Trouble::Reset,
    Trouble::Stall,
    Trouble::Garbage,
    Trouble::Truncated,
    Trouble::Oversized,
    Trouble::WrongTag,
    Trouble::DuplicateReply,
    Trouble::LateReply,
    Trouble::WrongType,
];

/// Types of messages, by the protocol's numbers.
pub(crate) mod kind {
    pub(crate) const RLERROR: u8 = 7;
    pub(crate) const TRENAME: u8 = 20;
    pub(crate) const TLOCK: u8 = 52;
    pub(crate) const TRENAMEAT: u8 = 74;
    pub(crate) const TUNLINKAT: u8 = 76;
    pub(crate) const TVERSION: u8 = 100;
    pub(crate) const TATTACH: u8 = 104;
    pub(crate) const TFLUSH: u8 = 108;
    pub(crate) const TREAD: u8 = 116;
    pub(crate) const TCLUNK: u8 = 120;
    pub(crate) const TREMOVE: u8 = 122;
}

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

/// What all connections of one server have together.
#[derive(Clone)]
pub(crate) struct Server {
    pub(crate) runtime: Runtime,
    pub(crate) folder: PathBuf,
    pub(crate) plan: Option<Plan>,
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
        let good = p9_server::Server::new(&*self.folder, Default::default(), Default::default());
        let mut good = good.unwrap();
        while let Some(request) = receive_frame(endpoint).await {
            let (kind, tag) = (request[4], [request[5], request[6]]);
            {
                let mut seen = self.seen.lock().unwrap();
                if !seen.contains(&kind) {
                    seen.push(kind);
                }
            }
            let mut reply = Vec::new();
            good.handle_message(&mut &request[..], &mut reply).unwrap();
            let by_file = matches!(
                self.plan.map(|plan| plan.kind),
                Some(kind::TREMOVE | kind::TRENAME)
            );
            if kind == kind::TLOCK {
                // The good server knows no locks: granted.
                reply = frame(kind + 1, tag, &[0]);
            }
            if by_file && matches!(kind, kind::TRENAMEAT | kind::TUNLINKAT) {
                // EOPNOTSUPP: the client is to rename and remove by file.
                reply = frame(kind::RLERROR, tag, &95_u32.to_le_bytes());
            }
            if by_file && matches!(kind, kind::TRENAME | kind::TREMOVE) {
                // The good server works by name alone: said to be done.
                reply = frame(kind + 1, tag, &[]);
            }
            let slow = kind == kind::TREAD && request[11..19] == SLOW_OFFSET.to_le_bytes();
            let then = match self.plan.filter(|plan| plan.kind == kind) {
                _ if slow => {
                    self.later(endpoint, reply).await;
                    Then::GoOn
                }
                Some(plan) => self.spoil(endpoint, plan.trouble, kind, tag, reply).await,
                None => sent(endpoint, reply).await,
            };
            if then == Then::End {
                return;
            }
        }
    }

    /// Answers after a while, in which a flush may come: its answer goes first, then.
    async fn later(&self, endpoint: &MemoryEndpoint, reply: Vec<u8>) {
        self.runtime.sleep(SLOW).await;
        let _ = sent(endpoint, reply).await;
    }

    async fn spoil(
        &self,
        endpoint: &MemoryEndpoint,
        trouble: Trouble,
        kind: u8,
        tag: [u8; 2],
        mut reply: Vec<u8>,
    ) -> Then {
        *self.spoiled.lock().unwrap() += 1;
        match trouble {
            Trouble::Close => return Then::End,
            Trouble::Reset => {
                endpoint.reset();
                return Then::End;
            }
            Trouble::Stall => return Then::GoOn,
            Trouble::LateReply => self.runtime.sleep(LATE).await,
            Trouble::Garbage => reply = vec![0xa5; 64],
            Trouble::Truncated => {
                let size = (reply.len() as u32 - 1).to_le_bytes();
                reply[..4].copy_from_slice(&size);
                if reply.len() > 7 {
                    reply.pop();
                }
            }
            Trouble::Oversized => {
                let size = 1_u32 << 24;
                reply[..4].copy_from_slice(&size.to_le_bytes());
            }
            Trouble::WrongTag => reply[5..7].copy_from_slice(&0x7777_u16.to_le_bytes()),
            Trouble::WrongType => {
                let other = if kind == kind::TCLUNK {
                    51
                } else {
                    kind::TCLUNK + 1
                };
                reply = frame(other, tag, &[]);
            }
            Trouble::DuplicateReply => reply.extend_from_slice(&reply.clone()),
        }
        sent(endpoint, reply).await
    }
}

async fn sent(endpoint: &MemoryEndpoint, bytes: Vec<u8>) -> Then {
    match endpoint.send(bytes).await.1 {
        Ok(_) => Then::GoOn,
        Err(_) => Then::End,
    }
}

fn frame(kind: u8, tag: [u8; 2], body: &[u8]) -> Vec<u8> {
    let mut bytes = (7 + body.len() as u32).to_le_bytes().to_vec();
    bytes.push(kind);
    bytes.extend(tag);
    bytes.extend(body);
    bytes
}
