//! The mrx9p driver: a network mini-redirector for 9P2000.L file servers.
//!
//! This package is thin: it decodes IRPs into typed requests, hands them to the mini-redirector below and encodes what
//! comes back. What a request means is decided in `crates/`, where the same code runs in the kernel, in an ordinary
//! process and in the simulator.
//!
//! ```text
//! entry    DriverEntry, unload                  dispatch   major function to handler
//! driver   what is built and taken apart        create     open, cleanup, close
//! device   device, link, security               data       read, write, flush
//! registry parameters                           information, directory, ioctl
//! irp      owned IRPs, cancellation             fcb, file_object   what NT finds behind a FILE_OBJECT
//! wsk      sockets                              logon      whose mappings a request sees
//! sections mapped views                         work_item  what a task must not wait for
//! guarded  routines that raise exceptions
//! ```
#![no_std]

extern crate alloc;
#[cfg(not(test))]
extern crate wdk_panic;

#[cfg(feature = "downlevel")]
mod downlevel;

mod create;
mod data;
mod device;
mod directory;
mod dispatch;
mod driver;
mod ea;
mod entry;
mod fcb;
mod file_object;
mod fs_control;
mod guarded;
mod information;
mod ioctl;
mod irp;
mod layout;
mod lock;
mod logon;
mod mup;
mod platform;
mod pool;
mod query_path;
mod registry;
mod sections;
mod security;
#[cfg(feature = "selftest")]
mod selftest;
mod unicode;
mod work_item;
mod wsk;
