//! 9P2000.L, the Linux dialect of the Plan 9 file protocol: wire format and a client session.
//!
//! - [`wire`]: every message of the dialect as a typed struct. Decoding borrows from the input, allocates nothing
//!   and gives an error, never a panic, for any bytes.
//! - [`session`]: a sans-IO client. It turns requests into bytes to send, and received bytes into replies; it owns
//!   tags, fids, flushing and deadlines, and does no I/O, no waiting and no locking of its own.
//!
//! The crate knows nothing of NT or of redirectors: errors are Linux errnos, names are bytes, times are numbers.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(test)]
extern crate std;

pub mod session;
pub mod wire;
