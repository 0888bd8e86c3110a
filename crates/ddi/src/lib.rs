//! The one C door: the documented RxCe and Rx routines by name, for mini-redirectors written in C.
//!
//! - [`rxce`]: the eighteen routines of the connection engine, declared in `include/rxce.h`. Callers own the structures
//!   ([`abi`]); what the engine needs to know of them it keeps for itself, and a pointer is looked up before it is looked
//!   at. The transports and the system come in through two seams, [`provider::Provider`] and [`platform::Platform`], which
//!   [`start`] is given and [`stop`] lets go.
//! - [`rx`]: the routines of the object tree, declared in `include/rxprocs.h`. Objects are numbers; [`rx::start`] and
//!   [`rx::stop`] set the tree up and take it down.
//!
//! With the feature `host` an ordinary process plays the kernel, for C programs: `include/rxcehost.h`, `include/rxprocshost.h`.
//!
//! What each routine answers is said at the routine; how it differs from what is documented, in `docs/departures.md`. All of
//! them: IRQL <= APC_LEVEL, which they check.
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
