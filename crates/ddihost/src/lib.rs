//! [`ddi`] as a static library, `libddihost.a`, for C programs of a host: what `include/rxcehost.h` and
//! `include/rxprocshost.h` declare, and all of `include/rxce.h` and `include/rxprocs.h` with it.
//!
//! A crate of its own, because a static library must bring everything along, a panic handler included, and a driver that
//! links [`ddi`] has its own.

pub use ddi;
