//! Servers for tests and the demo.
//!
//! [`TestServer`] serves a folder over 9P2000.L as a good server does; [`ScriptServer`] answers what a [`Step`] list
//! says, which is how bad servers are played. Both listen on loopback and end when they are dropped.

mod frame;
mod listen;
pub mod script;
#[cfg(unix)]
mod server;

pub use frame::{Frame, kind};
pub use script::{ScriptServer, Step};
#[cfg(unix)]
pub use server::{Attach, Builder, TestServer};
