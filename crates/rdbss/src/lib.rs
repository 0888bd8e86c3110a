//! The object tree of a network redirector, as RDBSS lays it out, as a pure data structure.
//!
//! SRV_CALL (server) > NET_ROOT (share) > V_NET_ROOT (drive letter or UNC view) and
//! NET_ROOT > FCB (file) > SRV_OPEN (open on the server) > FOBX (handle), and RX_CONTEXT (request).
//!
//! [`Tree`] decides who is connected, open, in use or gone. It does no I/O, takes no lock and knows no time: its owner
//! holds one lock for the length of a call, and what must happen outside comes back as [`Effects`]. The
//! mini-redirector's own data rides along in [`Extensions`].
//!
//! What needs the network comes in two steps around it: [`Tree::connect`] and what reports its parts good,
//! [`Tree::begin_open`] and [`Tree::complete_open`], [`Tree::begin_rename`] and [`Tree::complete_rename`]. What must not fail
//! (cleanup, close, cancelling, finalising) allocates nothing. A drive's life, with a mini-redirector that keeps nothing:
//!
//! ```
//! use nt::{NameBuf, Status};
//! use rdbss::{
//!     Config, Connect, ConnectRequest, DelayedClose, DriveLetter, Effects, Level, LogonId, MajorFunction, Owner,
//!     PathName, Request, SrvCallFlags, Tree,
//! };
//!
//! # fn main() -> nt::Result {
//! let mut tree: Tree<()> = Tree::new(Config {
//!     seed: 0x5EED, // in earnest, a number that nobody can guess
//!     default_port: 564,
//!     srv_call_flags: SrvCallFlags::empty(),
//!     delayed_close: DelayedClose::OFF,
//! });
//! let mut effects = Effects::new();
//! let context = tree.begin_request(Request {
//!     owner: Owner::Device,
//!     major: MajorFunction::DEVICE_CONTROL,
//!     minor: 0,
//!     cancellable: true,
//!     extension: (),
//! })?;
//!
//! let name = NameBuf::try_from_str(r"\;X:\server\share")?;
//! let name = PathName::parse(name.as_name())?;
//! let me = LogonId(0x3e7);
//! let Connect::Create(made) = tree.connect(&ConnectRequest { name, logon: me, user: None, context })? else {
//!     panic!("nothing of it was there");
//! };
//! // Here the lock is released, and the server asked. What it grants is reported from the top down.
//! tree.srv_call_good(made.srv_call, (), &mut effects)?;
//! tree.net_root_good(made.net_root, (), &mut effects)?;
//! tree.v_net_root_good(made.v_net_root, (), &mut effects)?;
//! // The drive stays though nobody uses it.
//! tree.take_connection_reference(made.v_net_root)?;
//! tree.dereference_v_net_root(made.v_net_root, &mut effects)?;
//!
//! let drive = DriveLetter::new(u16::from(b'x')).ok_or(Status::INVALID_PARAMETER)?;
//! assert_eq!(tree.find_connection(drive, me), Some(made.v_net_root));
//! tree.finalize_connection(made.net_root, Some(made.v_net_root), Level::Refuse, Some(context), &mut effects)?;
//! assert_eq!(tree.find_connection(drive, me), None);
//! // The lock released again: what the mini-redirector kept with view, share and server comes back, to be closed.
//! assert_eq!(effects.count(), 3);
//! tree.end_request(context, &mut Effects::new())?;
//! assert!(tree.is_empty());
//! # Ok(())
//! # }
//! ```
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
