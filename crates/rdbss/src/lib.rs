//! The object tree of a network redirector, as RDBSS lays it out, as a pure data structure.
//!
//! SRV_CALL (server) > NET_ROOT (share) > V_NET_ROOT (drive letter or UNC view) and
//! NET_ROOT > FCB (file) > SRV_OPEN (open on the server) > FOBX (handle), and RX_CONTEXT (request).
//!
//! [`Tree`] decides who is connected, open, in use or gone. It does no I/O, takes no lock and knows no time: its owner
//! holds one lock for the length of a call, and what must happen outside comes back as [`Effects`]. The
//! mini-redirector's own data rides along in [`Extensions`].
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(test)]
extern crate std;

mod arena;
mod close;
mod condition;
mod connect;
mod connection;
mod create;
mod directory;
mod dormant;
mod effect;
mod enumerate;
mod extensions;
mod fcb;
mod file_lock;
mod finalize;
mod finalize_object;
mod fobx;
mod id;
mod list;
mod logon;
mod making;
pub mod names;
mod net_root;
mod open;
mod request;
mod resolve;
mod rx_context;
mod share_access;
mod srv_call;
mod srv_open;
mod table;
mod tree;
mod v_net_root;
mod validate;

#[cfg(test)]
mod tests;

pub use close::{Cleanup, Replace};
pub use condition::Condition;
pub use connect::{Connect, ConnectRequest, Creation};
pub use connection::Level;
pub use create::{Conditional, Making};
pub use dormant::DelayedClose;
pub use effect::{Effect, Effects};
pub use enumerate::{Connection, Statistics, Totals};
pub use extensions::Extensions;
pub use fcb::{Fcb, FcbKind, FcbState};
pub use file_lock::{ByteRange, FileLock, Lock, LockOwner};
pub use fobx::{Fobx, FobxFlags};
pub use id::{ContextId, FcbId, FobxId, Id, NetRootId, SrvCallId, SrvOpenId, VNetRootId, kind};
pub use logon::LogonId;
pub use making::Shorten;
pub use names::{DriveLetter, OpenName, PathName, ServerName};
pub use net_root::NetRoot;
pub use open::{BeginOpen, OpenRequest, Opened, Opening};
pub use request::Request;
pub use resolve::Resolved;
pub use rx_context::{Context, ContextFlags, MajorFunction, NOTIFY_CHANGE_DIRECTORY, Owner};
pub use srv_call::{SrvCall, SrvCallFlags};
pub use srv_open::{SrvOpen, SrvOpenFlags};
pub use tree::{Chain, Config, Tree};
pub use v_net_root::VNetRoot;
pub use validate::Violation;
