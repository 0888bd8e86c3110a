//! The one C door: the documented RxCe and Rx routines by name, for mini-redirectors written in C.
//!
//! `include/rxce.h` declares them. Callers own the structures; what the engine needs to know of them it keeps for itself,
//! and a pointer is looked up before it is looked at. The transports and the system come in through two seams,
//! [`provider::Provider`] and [`platform::Platform`]; with the feature `host` an ordinary process stands in for both
//! (`include/rxcehost.h`).
#![no_std]

extern crate alloc;
#[cfg(any(test, feature = "host"))]
extern crate std;

pub mod abi;
mod engine;
#[cfg(feature = "host")]
pub mod host;
mod numbered;
pub mod platform;
pub mod provider;
pub mod rx;
pub mod rxce;
mod shown;
pub mod tdi;

pub use engine::{Parts, start, stop};
