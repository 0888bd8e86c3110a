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
//!
//! A [`Transport`] makes the connections; [`ConnectionEvents`] hear of what happens on them. Here over the network in memory,
//! on the simulator's clock:
//!
//! ```
//! # #[cfg(feature = "memory")]
//! # fn main() -> nt::Result {
//! use executive::task::Runtime;
//! use nt::{NameBuf, Status};
//! use rxce::memory::Network;
//! use rxce::{
//!     Address, Binding, CircuitId, ConnectOptions, Connection, ConnectionEvents, Disconnection, Indication,
//! };
//!
//! /// Takes whatever comes.
//! struct Ear;
//! impl ConnectionEvents for Ear {
//!     fn receive(&self, _: CircuitId, data: &[u8]) -> Indication {
//!         println!("{} bytes", data.len());
//!         Indication::Taken
//!     }
//!     fn data_ready(&self, _: CircuitId, _: Vec<u8>, _: usize, _: Status) {}
//!     fn disconnect(&self, _: CircuitId, how: Disconnection) {
//!         println!("the other side has gone: {how:?}");
//!     }
//!     fn error(&self, _: CircuitId, _: Status) {}
//! }
//!
//! let runtime = Runtime::simulated(1)?;
//! let network = Network::new(&runtime)?;
//! let server = "10.0.0.1:564".parse().unwrap();
//! let listener = network.listen(server)?;
//!
//! let name = NameBuf::try_from_str(r"\Device\Tcp")?;
//! let binding = Binding::build(&runtime, network, name.as_name(), 0)?;
//! let address = Address::build(&binding, None)?;
//! let building = Connection::build(&address, server, ConnectOptions::default(), Box::new(Ear));
//! let (connection, circuit) = runtime.block_on(building)??;
//! let peer = runtime.block_on(listener.accept())?;
//!
//! let (_data, sent) = runtime.block_on(circuit.send(b"hello".to_vec()))?;
//! assert_eq!(sent, Ok(5));
//! // Children first.
//! assert_eq!(connection.tear_down(), Err(Status::INVALID_PARAMETER));
//! runtime.block_on(circuit.tear_down())??;
//! connection.tear_down()?;
//! address.tear_down()?;
//! binding.tear_down()
//! # }
//! # #[cfg(not(feature = "memory"))]
//! # fn main() {}
//! ```
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
