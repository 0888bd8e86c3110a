//! Servers for tests and the demo.
//!
//! [`TestServer`] serves a folder over 9P2000.L as a good server does; [`ScriptServer`] answers what a [`Step`] list
//! says, which is how bad servers are played; [`Diod`] is a process of a server that others
//! have made. All of these listen on loopback and end when they are dropped. [`MemoryServer`] has neither socket nor disk,
//! for networks in memory; [`Trouble`] is what a hostile server does to a reply. Beside them,
//! [`properties!`] tells how many cases a property test ran.

#[cfg(unix)]
mod diod;
mod frame;
mod listen;
pub mod memory;
mod properties;
pub mod script;
#[cfg(unix)]
mod server;
mod trouble;

#[cfg(unix)]
pub use diod::{Diod, free_port, listens};
pub use frame::{Frame, kind};
pub use memory::{MemoryConnection, MemoryFile, MemoryServer};
pub use script::{ScriptServer, Step};
#[cfg(unix)]
pub use server::{Act, Attach, Builder, TestServer};
pub use trouble::Trouble;
