//! A connection as the engine sees it.

use super::address::{self, RawAddress};
use super::bindings::{WSK_BUF, WSK_FLAG_NODELAY};
use super::client::Client;
use super::irp::Mdl;
use super::operation::{Operation, Outcome, Request};
use super::socket::{Socket, SocketGuard};
use alloc::vec::Vec;
use core::net::SocketAddr;
use executive::mem::Arc;
use executive::sync::SpinLock;
use nt::Status;
use rxce::Endpoint;
use wdk_sys::STATUS_NOT_SUPPORTED;

/// The most that one request carries: far below what an MDL can describe.
const MAX_TRANSFER: usize = 256 << 20;

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
        let socket = Socket::create(client, address::family(remote)).await?;
        let bound = addressed(&socket.0, Step::Bind, address::binding(local, remote)).await;
        bound.map_err(|status| match status {
            // An address that is not this machine's; providers differ in what they call it.
            Status::INVALID_PARAMETER | Status::INVALID_ADDRESS_COMPONENT => Status::NOT_SUPPORTED,
            // Wine's, of any IPv6 address: its WskBind takes the length of IPv4's.
            Status::NO_MEMORY if remote.is_ipv6() => Status::NOT_SUPPORTED,
            status => status,
        })?;
        addressed(&socket.0, Step::Connect, remote).await?;
        Ok(WskEndpoint(socket))
    }

    fn socket(&self) -> &Arc<Socket> {
        &self.0.0
    }

    /// What the engine is told of a request's end.
    fn told(&self, outcome: Outcome) -> nt::Result<usize> {
        outcome.result().map_err(|status| match status {
            // However the provider says it.
            _ if self.socket().is_aborted() => Status::CANCELLED,
            Status::FILE_FORCED_CLOSED => Status::CONNECTION_ABORTED,
            status => status,
        })
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
        let started = Socket::start(
            self.socket(),
            operation.clone(),
            |transfer, socket, dispatch, irp| {
                let Some(routine) = dispatch.WskSend else {
                    return STATUS_NOT_SUPPORTED;
                };
                // SAFETY: buffer description, MDL and memory belong to the operation and live until the IRP completes; the
                // IRP is the operation's and set up; the socket is open.
                unsafe { routine(socket, transfer.description(), WSK_FLAG_NODELAY, irp) }
            },
        );
        let result = match started {
            Ok(pending) => self.told(pending.await),
            Err(status) => Err(status),
        };
        (operation.request.take(), result)
    }

    /// Wine tells of a reset as of an orderly end when no receive was pending as it came.
    async fn receive(&self, buffer: Vec<u8>, offset: usize) -> (Vec<u8>, nt::Result<usize>) {
        let operation = match Transfer::prepare(self.socket(), buffer, offset) {
            Ok(operation) => operation,
            Err((buffer, status)) => return (buffer, Err(status)),
        };
        let started = Socket::start(
            self.socket(),
            operation.clone(),
            |transfer, socket, dispatch, irp| {
                let Some(routine) = dispatch.WskReceive else {
                    return STATUS_NOT_SUPPORTED;
                };
                // SAFETY: as for a send.
                unsafe { routine(socket, transfer.description(), 0, irp) }
            },
        );
        let result = match started {
            Ok(pending) => self.told(pending.await),
            Err(status) => Err(status),
        };
        (operation.request.take(), result)
    }

    fn abort(&self) {
        Socket::abort(self.socket());
    }

    async fn close(&self) -> nt::Result {
        Socket::abort(self.socket());
        self.socket().closed().await;
        Ok(())
    }
}

/// The two requests that take an address.
#[derive(Clone, Copy)]
enum Step {
    Bind,
    Connect,
}

/// A request with an address.
struct Addressed {
    socket: Arc<Socket>,
    address: RawAddress,
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
    let pending = Socket::start(socket, operation, |request, socket, dispatch, irp| {
        // WskBind and WskConnect have the same type.
        let routine = match step {
            Step::Bind => dispatch.WskBind,
            Step::Connect => dispatch.WskConnect,
        };
        let Some(routine) = routine else {
            return STATUS_NOT_SUPPORTED;
        };
        // SAFETY: the address belongs to the operation and lives until the IRP completes; the IRP is the operation's and
        // set up; the socket is open.
        unsafe { routine(socket, request.address.as_ptr(), 0, irp) }
    })?;
    pending.await.result().map(drop)
}

/// A send or receive.
struct Transfer {
    socket: Arc<Socket>,
    description: WSK_BUF,
    /// What `description` points to.
    _mdl: Mdl,
    /// The memory that the MDL describes. Moving the vector does not move it.
    data: SpinLock<Vec<u8>>,
}

// SAFETY: the description's pointer is the MDL's, which belongs to no thread.
unsafe impl Send for Transfer {}
// SAFETY: the description is never written to.
unsafe impl Sync for Transfer {}

impl Request for Transfer {
    fn ended(&self, _: Outcome) {
        self.socket.ended();
    }
}

impl Transfer {
    /// A request for `data[offset..]`, which gives `data` back if there is none.
    fn prepare(
        socket: &Arc<Socket>,
        mut data: Vec<u8>,
        offset: usize,
    ) -> Result<Arc<Operation<Self>>, (Vec<u8>, Status)> {
        let part = data.get_mut(offset..).filter(|part| !part.is_empty());
        let made = match part {
            Some(part) if part.len() <= MAX_TRANSFER => Self::describe(socket, part),
            _ => Err(Status::INVALID_PARAMETER),
        };
        match made {
            Ok(operation) => {
                *operation.request.data.lock() = data;
                Ok(operation)
            }
            Err(status) => Err((data, status)),
        }
    }

    fn describe(socket: &Arc<Socket>, part: &mut [u8]) -> nt::Result<Arc<Operation<Self>>> {
        // CAST: at most `MAX_TRANSFER`.
        let len = part.len() as u32;
        // SAFETY: vectors are made by the driver's allocator, and this one moves into the operation beside the MDL.
        let mdl = unsafe { Mdl::try_new(part.as_mut_ptr(), len) }?;
        let description = WSK_BUF {
            Mdl: mdl.as_ptr(),
            Offset: 0,
            Length: u64::from(len),
        };
        let transfer = Transfer {
            socket: socket.clone(),
            description,
            _mdl: mdl,
            data: SpinLock::new(Vec::new()),
        };
        Ok(Operation::try_new(transfer)?)
    }

    /// For the provider, which takes it as writable but only reads it.
    fn description(&self) -> *mut WSK_BUF {
        (&raw const self.description).cast_mut()
    }

    /// The memory, once the request has ended or if it was never started.
    fn take(&self) -> Vec<u8> {
        core::mem::take(&mut *self.data.lock())
    }
}
