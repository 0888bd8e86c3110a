//! mrx9pnp.dll, the network provider: maps drives onto the redirector for the Multiple Provider Router.
//!
//! A name that is not ours is refused from its text alone, so that a machine with many providers stays fast. The
//! driver owns the list of connections; this DLL adds the drive letter to it, in the caller's own namespace, after
//! the driver has agreed, and takes the letter away after the driver has let go.
#![deny(unsafe_code)]
#![cfg_attr(
    not(windows),
    expect(dead_code, reason = "the exports that use it are for Windows alone")
)]

mod caps;
mod connect;
mod enumerate;
mod packing;
mod wn;

#[cfg(windows)]
pub mod exports;
#[cfg(windows)]
mod system;
