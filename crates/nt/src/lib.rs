//! NT vocabulary: statuses, counted UTF-16 names, times, access masks and information classes.
//!
//! This crate knows words, not behaviour: no I/O, no locks, no objects. Everything it allocates can fail and says
//! so with [`Status::INSUFFICIENT_RESOURCES`].
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(test)]
extern crate std;

#[macro_use]
mod open_enum;

pub mod access;
pub mod class;
pub mod errno;
pub mod name;
pub mod pattern;
pub mod status;
pub mod time;
pub mod win32;

pub use access::{
    AccessMask, CreateAction, CreateDisposition, CreateOptions, FileAttributes, SecurityInformation,
    ShareAccess,
};
pub use class::{FileInformationClass, FsInformationClass};
pub use errno::Errno;
pub use name::{Name, NameBuf, upcase};
pub use status::{Result, Status};
pub use time::FileTime;
pub use win32::Win32Error;
