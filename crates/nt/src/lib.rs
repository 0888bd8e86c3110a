//! NT vocabulary: statuses, counted UTF-16 names, times, access masks and information classes.
//!
//! This crate knows words, not behaviour: no I/O, no locks, no objects. Everything it allocates can fail and says
//! so with [`Status::INSUFFICIENT_RESOURCES`]. IRQL <= DISPATCH_LEVEL.
//!
//! - [`Status`] is `NTSTATUS`, with one table that gives each its name, its meaning and its Win32 error ([`Win32Error`]);
//!   [`Errno`] is what a 9P server answers, with the table of the statuses that its numbers become.
//! - [`Name`] borrows counted UTF-16, [`NameBuf`] owns it; [`upcase`] is how NT folds case, [`pattern`] how it matches
//!   wildcards.
//! - [`AccessMask`], [`ShareAccess`], [`CreateOptions`] and the rest of [`access`] are the parameters of an open; [`class`]
//!   names what can be asked of a file or volume. Integers from outside are open: any value is kept, known or not.
//! - [`FileTime`] counts 100 ns from 1601.
//!
//! ```
//! use nt::{Errno, Name, NameBuf, Status, Win32Error};
//!
//! # fn main() -> nt::Result {
//! let path = NameBuf::try_from_str(r"\Data\Été")?;
//! let parts: Vec<Name<'_>> = path.as_name().components().collect();
//! assert!(parts[1].eq_str_ignore_case("été"));
//!
//! let status = Status::from(Errno::ENOENT);
//! assert_eq!(status, Status::OBJECT_NAME_NOT_FOUND);
//! assert_eq!(Win32Error::from(status), Win32Error::FILE_NOT_FOUND);
//! # Ok(())
//! # }
//! ```
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
pub use name::{Case, Name, NameBuf, upcase};
pub use status::{Result, Status};
pub use time::FileTime;
pub use win32::Win32Error;
