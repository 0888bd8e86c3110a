//! What every user-mode program of mrx9p needs from Windows, wrapped so that the programs themselves hold no
//! unsafe code: the driver's control device, NT file I/O, drive letters, the WNet API, the registry.
//!
//! The names of things ([`names`]) are plain text work and build on every host; the rest is Windows only.

pub mod names;

#[cfg(windows)]
pub mod device;
#[cfg(windows)]
pub mod drives;
#[cfg(windows)]
pub mod io;
#[cfg(windows)]
pub mod message;
#[cfg(windows)]
pub mod provider;
#[cfg(windows)]
pub mod registry;
#[cfg(windows)]
pub mod service;
#[cfg(windows)]
pub mod wnet;
