//! A connection as the engine sees it.

use super::address::{self, RawAddress};
use super::bindings::{WSK_FLAG_NODELAY, WSK_PROVIDER_CONNECTION_DISPATCH};
use super::client::Client;
use super::operation::{Operation, Outcome, Request};
use super::socket::{Kind, Socket, SocketGuard};
use super::transfer::Transfer;
use alloc::vec::Vec;
use core::net::SocketAddr;
use executive::mem::Arc;
use nt::Status;
use rxce::Endpoint;
use wdk_sys::STATUS_NOT_IMPLEMENTED;

/// A connected socket.
pub(crate) struct WskEndpoint(SocketGuard);

impl WskEndpoint {
    /// Binds a new socket (WSK connects no unbound one) and connects it. Dropped half-way, the socket is closed.
    pub(super) async fn connect(
        client: &Arc<Client>,
        local: SocketAddr,
        remote: SocketAddr,
    ) -> nt::Result<Self> {
        client.reap();
        let socket = Socket::create(client, address::family(remote), Kind::Connection).await?;
        let bound = addressed(&socket.0, Step::Bind, address::binding(local, remote)).await;
        bound.map_err(|status| not_bound(status, remote))?;
        addressed(&socket.0, Step::Connect, remote).await?;
        Ok(WskEndpoint(socket))
    }

    fn socket(&self) -> &Arc<Socket> {
        &self.0.0
    }
}

impl Endpoint for WskEndpoint {
    async fn send(&self, data: Vec<u8>) -> (Vec<u8>, nt::Result<usize>) {
        let len = data.len();
        if len == 0 {
            return (data, Ok(0));
        }
        let _turn = self.socket().sends.acquire().await;
        let operation = match Transfer::prepare(self.socket(), data, 0) {
            Ok(operation) => operation,
            Err((data, status)) => return (data, Err(status)),
        };
        let send = |transfer: &Transfer, socket, dispatch: &WSK_PROVIDER_CONNECTION_DISPATCH, irp| {
            let Some(routine) = dispatch.WskSend else {
                return STATUS_NOT_IMPLEMENTED;
            };
            // SAFETY: buffer description, MDL and memory belong to the operation and live until the IRP completes; the
            // IRP is the operation's and set up; the socket is open.
            unsafe { routine(socket, transfer.description(), WSK_FLAG_NODELAY, irp) }
        };
        let result = Socket::run(self.socket(), operation.clone(), send).await;
        (operation.request.take(), result)
    }

    /// Wine tells of a reset as of an orderly end when no receive was pending as it came.
    async fn receive(&self, buffer: Vec<u8>, offset: usize) -> (Vec<u8>, nt::Result<usize>) {
        let operation = match Transfer::prepare(self.socket(), buffer, offset) {
            Ok(operation) => operation,
            Err((buffer, status)) => return (buffer, Err(status)),
        };
        let receive = |transfer: &Transfer, socket, dispatch: &WSK_PROVIDER_CONNECTION_DISPATCH, irp| {
            let Some(routine) = dispatch.WskReceive else {
                return STATUS_NOT_IMPLEMENTED;
            };
            // SAFETY: as for a send.
            unsafe { routine(socket, transfer.description(), 0, irp) }
        };
        let result = Socket::run(self.socket(), operation.clone(), receive).await;
        (operation.request.take(), result)
    }

    fn abort(&self) {
        Socket::abort(self.socket());
    }

    async fn close(&self) -> nt::Result {
        Socket::close(self.socket()).await;
        Ok(())
    }
}

/// Why an address of the family of `like` cannot be bound to.
pub(super) fn not_bound(status: Status, like: SocketAddr) -> Status {
    match status {
        // An address that is not this machine's; providers differ in what they call it.
        Status::INVALID_PARAMETER | Status::INVALID_ADDRESS_COMPONENT => Status::NOT_SUPPORTED,
        // Wine's, of any IPv6 address: its WskBind takes the length of IPv4's.
        Status::NO_MEMORY if like.is_ipv6() => Status::NOT_SUPPORTED,
        status => status,
    }
}

/// The two requests that take an address.
#[derive(Clone, Copy)]
enum Step {
    Bind,
    Connect,
}

/// A request with an address.
pub(super) struct Addressed {
    pub(super) socket: Arc<Socket>,
    pub(super) address: RawAddress,
}

impl Request for Addressed {
    fn ended(&self, _: Outcome) {
        self.socket.ended();
    }
}

async fn addressed(socket: &Arc<Socket>, step: Step, address: SocketAddr) -> nt::Result {
    let operation = Operation::try_new(Addressed {
        socket: socket.clone(),
        address: RawAddress::new(address),
    })?;
    let start = |request: &Addressed, socket, dispatch: &WSK_PROVIDER_CONNECTION_DISPATCH, irp| {
        // WskBind and WskConnect have the same type.
        let routine = match step {
            Step::Bind => dispatch.WskBind,
            Step::Connect => dispatch.WskConnect,
        };
        let Some(routine) = routine else {
            return STATUS_NOT_IMPLEMENTED;
        };
        // SAFETY: the address belongs to the operation and lives until the IRP completes; the IRP is the operation's and
        // set up; the socket is open.
        unsafe { routine(socket, request.address.as_ptr(), 0, irp) }
    };
    let pending = Socket::start(socket, operation, start)?;
    pending.await.result().map(drop)
}
