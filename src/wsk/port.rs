//! An address for datagrams as the engine sees it.

use super::address::{self, RawAddress};
use super::bindings::{PFN_WSK_BIND, WSK_PROVIDER_DATAGRAM_DISPATCH as Routines};
use super::client::Client;
use super::endpoint::{Addressed, not_bound};
use super::operation::{Operation, Outcome, Request};
use super::socket::{Kind, Socket, SocketGuard};
use super::transfer::Transfer;
use alloc::vec::Vec;
use core::cell::UnsafeCell;
use core::net::SocketAddr;
use core::ptr;
use executive::mem::Arc;
use nt::Status;
use rxce::Port;
use wdk_sys::{NTSTATUS, STATUS_NOT_IMPLEMENTED};

/// What is left of a packet after the headers.
const LARGEST: usize = 65_507;

/// A bound datagram socket.
pub(crate) struct WskPort {
    socket: SocketGuard,
    local: SocketAddr,
}

impl WskPort {
    pub(super) async fn open(client: &Arc<Client>, local: SocketAddr) -> nt::Result<Self> {
        client.reap();
        let creating = Socket::create(client, address::family(local), Kind::Datagram);
        let socket = creating.await.map_err(|status| match status {
            // Wine's Winsock Kernel, which makes none.
            Status::NOT_IMPLEMENTED => Status::NOT_SUPPORTED,
            status => status,
        })?;
        let request = Addressed {
            socket: socket.0.clone(),
            address: RawAddress::new(local),
        };
        let bind = |request: &Addressed, socket, routines: &Routines, irp| {
            let routine: PFN_WSK_BIND = routines.WskBind;
            let Some(routine) = routine else {
                return STATUS_NOT_IMPLEMENTED;
            };
            // SAFETY: the address belongs to the operation and lives until the IRP completes; the IRP is the operation's
            // and set up; the socket is open.
            unsafe { routine(socket, request.address.as_ptr(), 0, irp) }
        };
        let bound = Socket::start(&socket.0, Operation::try_new(request)?, bind)?.await;
        bound.result().map_err(|status| not_bound(status, local))?;
        let local = bound_to(&socket.0).await?;
        Ok(WskPort { socket, local })
    }

    fn socket(&self) -> &Arc<Socket> {
        &self.socket.0
    }

    /// Starts `call` for all of `buffer` and `peer`, and waits for its end.
    async fn run(
        &self,
        buffer: Vec<u8>,
        peer: RawAddress,
        call: impl FnOnce(&Letter, *mut super::bindings::WSK_SOCKET, &Routines, *mut wdk_sys::IRP) -> NTSTATUS,
    ) -> (Vec<u8>, nt::Result<(usize, Option<SocketAddr>)>) {
        let prepared = Transfer::prepare_as(self.socket(), buffer, 0, |transfer| Letter {
            transfer,
            peer: Written(UnsafeCell::new(peer)),
        });
        let letter = match prepared {
            Ok(letter) => letter,
            Err((buffer, status)) => return (buffer, Err(status)),
        };
        let ended = Socket::run(self.socket(), letter.clone(), call).await;
        // SAFETY: the request has ended, or never began.
        let peer = ended.map(|count| (count, unsafe { letter.request.peer.read() }));
        (letter.request.transfer.take(), peer)
    }
}

impl Port for WskPort {
    fn local(&self) -> SocketAddr {
        self.local
    }

    async fn send_to(&self, data: Vec<u8>, remote: SocketAddr) -> (Vec<u8>, nt::Result<usize>) {
        if data.len() > LARGEST {
            return (data, Err(Status::INVALID_BUFFER_SIZE));
        }
        let _turn = self.socket().sends.acquire().await;
        let send = |letter: &Letter, socket, routines: &Routines, irp| {
            let Some(routine) = routines.WskSendTo else {
                return STATUS_NOT_IMPLEMENTED;
            };
            let (buffer, peer) = (letter.transfer.description(), letter.peer.place().cast());
            // SAFETY: buffer description, MDL, memory and address belong to the operation and live until the IRP completes;
            // the IRP is the operation's and set up; the socket is open.
            unsafe { routine(socket, buffer, 0, peer, 0, ptr::null_mut(), irp) }
        };
        let (data, sent) = self.run(data, RawAddress::new(remote), send).await;
        (data, sent.map(|(count, _)| count))
    }

    async fn receive_from(&self, mut buffer: Vec<u8>) -> (Vec<u8>, nt::Result<(usize, SocketAddr)>) {
        loop {
            let receive = |letter: &Letter, socket, routines: &Routines, irp| {
                let Some(routine) = routines.WskReceiveFrom else {
                    return STATUS_NOT_IMPLEMENTED;
                };
                let (buffer, peer) = (letter.transfer.description(), letter.peer.place().cast());
                let (length, information, flags) = (ptr::null_mut(), ptr::null_mut(), ptr::null_mut());
                // SAFETY: as for a send; control information is not asked for.
                unsafe { routine(socket, buffer, 0, peer, length, information, flags, irp) }
            };
            let (back, received) = self.run(buffer, RawAddress::room(), receive).await;
            buffer = back;
            match received {
                Ok((count, Some(source))) => return (buffer, Ok((count, source))),
                // From an address that is none, or about a datagram that this side has sent: no receive of ours failed.
                Ok((_, None)) | Err(Status::CONNECTION_RESET | Status::PORT_UNREACHABLE) => {}
                Err(status) => return (buffer, Err(status)),
            }
        }
    }

    fn abort(&self) {
        Socket::abort(self.socket());
    }

    async fn close(&self) -> nt::Result {
        Socket::close(self.socket()).await;
        Ok(())
    }
}

/// An address that the provider may write.
struct Written(UnsafeCell<RawAddress>);

// SAFETY: the cell is the provider's alone until the request has ended.
unsafe impl Send for Written {}
// SAFETY: as above.
unsafe impl Sync for Written {}

impl Written {
    fn place(&self) -> *mut RawAddress {
        self.0.get()
    }

    /// # Safety
    /// The request that it belongs to is not running.
    unsafe fn read(&self) -> Option<SocketAddr> {
        // SAFETY: by the caller's word, nobody writes to it.
        let address = unsafe { &*self.0.get() };
        address.get()
    }
}

/// A datagram that is sent or received.
struct Letter {
    transfer: Transfer,
    peer: Written,
}

impl AsRef<Transfer> for Letter {
    fn as_ref(&self) -> &Transfer {
        &self.transfer
    }
}

impl Request for Letter {
    fn ended(&self, outcome: Outcome) {
        self.transfer.ended(outcome);
    }
}

/// The question which address a socket has.
struct Question {
    socket: Arc<Socket>,
    answer: Written,
}

impl Request for Question {
    fn ended(&self, _: Outcome) {
        self.socket.ended();
    }
}

async fn bound_to(socket: &Arc<Socket>) -> nt::Result<SocketAddr> {
    let question = Operation::try_new(Question {
        socket: socket.clone(),
        answer: Written(UnsafeCell::new(RawAddress::room())),
    })?;
    let ask = |question: &Question, socket, routines: &Routines, irp| {
        let Some(routine) = routines.WskGetLocalAddress else {
            return STATUS_NOT_IMPLEMENTED;
        };
        // SAFETY: the room belongs to the operation and lives until the IRP completes; the IRP is the operation's and set
        // up; the socket is open.
        unsafe { routine(socket, question.answer.place().cast(), irp) }
    };
    let asked = Socket::start(socket, question.clone(), ask)?.await;
    asked.result()?;
    // SAFETY: the request has ended.
    let local = unsafe { question.request.answer.read() };
    local.ok_or(Status::UNEXPECTED_NETWORK_ERROR)
}
