//! The eighteen RxCe routines.

pub(crate) mod address;
pub(crate) mod circuit;
pub(crate) mod connection;
mod irp;
mod mdl;
mod multiple;
mod query;
mod read;
mod send;
mod sink;
pub(crate) mod transport;

pub use address::{RxCeBuildAddress, RxCeTearDownAddress};
pub use circuit::{RxCeBuildVC, RxCeInitiateVCDisconnect, RxCeTearDownVC};
pub use connection::{RxCeBuildConnection, RxCeCancelConnectRequest, RxCeTearDownConnection};
pub use irp::{RxCeAllocateIrpWithMDL, RxCeFreeIrp};
pub use multiple::RxCeBuildConnectionOverMultipleTransports;
pub use query::{RxCeQueryAdapterStatus, RxCeQueryInformation, RxCeQueryTransportInformation};
pub use send::{RxCeSend, RxCeSendDatagram};
pub use transport::{RxCeBuildTransport, RxCeTearDownTransport};

pub use address::fail_address;

use crate::abi::{NtStatus, ntstatus};
use nt::Status;

/// A result as C has it.
fn answer(result: nt::Result) -> NtStatus {
    ntstatus(result.err().unwrap_or(Status::SUCCESS))
}
