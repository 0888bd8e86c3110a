//! The connection engine: what RDBSS calls RxCe, over any transport.
//!
//! Four objects, each built on the one before and torn down in the reverse order:
//!
//! | here | RxCe | is |
//! |---|---|---|
//! | [`Binding`] | RXCE_TRANSPORT | a transport in use under a name |
//! | [`Address`] | RXCE_ADDRESS | a local address on it |
//! | [`Connection`] | RXCE_CONNECTION | a remote address, and who hears of what happens there |
//! | [`VirtualCircuit`] | RXCE_VC | one stream of bytes |
//!
//! A parent counts its children and refuses to go before them: `INVALID_PARAMETER`. So does every routine of an object that
//! has been torn down. An object whose last handle is dropped without tear-down goes as well, and returns all it holds; only
//! then nobody waits for its callbacks to end.
//!
//! Everything here is callable up to APC_LEVEL unless it says otherwise, and holds no lock while it calls out.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(any(test, feature = "std"))]
extern crate std;

mod address;
mod binding;
mod circuit;
mod connect;
mod connection;
mod datagram;
mod event;
mod family;
#[cfg(all(test, loom))]
mod model;
mod race;
pub mod state;
mod transport;
mod turn;

#[cfg(feature = "conformance")]
pub mod conformance;
#[cfg(feature = "memory")]
pub mod memory;
#[cfg(feature = "std")]
pub mod sockets;

pub use address::Address;
pub use binding::{Binding, TransportInformation};
pub use circuit::VirtualCircuit;
pub use connection::{ConnectOptions, Connection};
pub use datagram::{AddressEvents, DatagramAddress, Datagrams, Port};
pub use event::{CircuitId, ConnectionEvents, Disconnection, Indication};
pub use family::Counts;
pub use race::{Attempt, Selection, Winner, race};
pub use transport::{Endpoint, Transport, unspecified};
