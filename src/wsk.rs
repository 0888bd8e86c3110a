//! The transport over Winsock Kernel.
//!
//! Nothing here waits but registering and deregistering: every request is an IRP whose completion routine notes the outcome
//! and wakes the task that waits for it. Used are the routines that every provider has (those of Wine included, whose
//! limits are noted where they matter). All of it is called at PASSIVE_LEVEL, where tasks are polled; completion routines
//! run up to DISPATCH_LEVEL.
//!
//! IPv6 is `NOT_SUPPORTED` where the provider cannot bind such an address, and datagrams are where it makes no sockets for
//! them (Wine's does neither).
//!
//! - [`Wsk`]: the registration, as [`rxce::Transport`].
//! - `socket`: who may call a socket and when it is closed.
//! - `operation`: a request and its IRP; the memory that the provider uses lives as long as that.
//! - `keep_loaded`: the driver stays until the last completion routine has returned.
//! - [`WskEndpoint`]: a connection, as [`rxce::Endpoint`].
//! - [`WskPort`]: an address for datagrams, as [`rxce::Port`].

mod address;
mod bindings;
mod client;
mod endpoint;
mod irp;
mod keep_loaded;
mod operation;
mod port;
mod resolve;
mod socket;
mod transfer;

pub(crate) use client::Wsk;
pub(crate) use endpoint::WskEndpoint;
pub(crate) use port::WskPort;

use alloc::vec::Vec;
use core::net::SocketAddr;
use nt::Name;
use rxce::{Datagrams, Transport};

impl Transport for Wsk {
    type Endpoint = WskEndpoint;

    async fn resolve(&self, host: Name<'_>, port: u16) -> nt::Result<Vec<SocketAddr>> {
        resolve::resolve(&self.0, host, port).await
    }

    async fn connect(&self, local: SocketAddr, remote: SocketAddr) -> nt::Result<WskEndpoint> {
        WskEndpoint::connect(&self.0, local, remote).await
    }
}

impl Datagrams for Wsk {
    type Port = WskPort;

    async fn open(&self, local: SocketAddr) -> nt::Result<WskPort> {
        WskPort::open(&self.0, local).await
    }
}
