//! Servers for tests and the demo.
//!
//! [`TestServer`] serves a folder over 9P2000.L as a good server does; [`ScriptServer`] answers what a [`Step`] list
//! says, which is how bad servers are played; [`Diod`] is a process of a server that others
//! have made. All listen on loopback and end when they are dropped.

#[cfg(unix)]
mod diod;
mod frame;
mod listen;
pub mod script;
#[cfg(unix)]
mod server;

#[cfg(unix)]
pub use diod::Diod;
pub use frame::{Frame, kind};
pub use script::{ScriptServer, Step};
#[cfg(unix)]
pub use server::{Attach, Builder, TestServer};
