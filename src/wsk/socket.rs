//! A socket, connection-oriented or for datagrams: who may call it, what runs on it, and how it is closed.

use super::address::{IPPROTO_TCP, IPPROTO_UDP};
use super::bindings::{
    SOCK_DGRAM, SOCK_STREAM, WSK_FLAG_CONNECTION_SOCKET, WSK_FLAG_DATAGRAM_SOCKET,
    WSK_PROVIDER_BASIC_DISPATCH, WSK_PROVIDER_CONNECTION_DISPATCH, WSK_PROVIDER_DATAGRAM_DISPATCH,
    WSK_SOCKET,
};
use super::client::{Client, Live, Orphan};
use super::operation::{Operation, Outcome, Pending, Request};
use core::future::poll_fn;
use core::ptr::{self, NonNull};
use core::task::{Poll, Waker};
use executive::irql::Irql;
use executive::mem::Arc;
use executive::sync::SpinLock;
use executive::task::Semaphore;
use nt::Status;
use wdk_sys::{IRP, NTSTATUS, STATUS_NOT_IMPLEMENTED};

/// Sends that may be pending on one socket. Providers bound the requests of a socket (Wine's to ten); a receive, a
/// disconnect and a few more have to fit beside the sends.
const SENDS_PENDING: usize = 6;

/// What a socket is for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Connection,
    Datagram,
}

impl Kind {
    /// Type, protocol and flag to create it with.
    fn parameters(self) -> (u16, u32, u32) {
        // CAST: small constants.
        match self {
            Kind::Connection => (SOCK_STREAM as u16, IPPROTO_TCP, WSK_FLAG_CONNECTION_SOCKET),
            Kind::Datagram => (SOCK_DGRAM as u16, IPPROTO_UDP, WSK_FLAG_DATAGRAM_SOCKET),
        }
    }
}

/// The provider's table of a kind of socket's routines.
///
/// # Safety
/// A socket of this kind has a table of this type.
pub(super) unsafe trait Routines: 'static {
    const KIND: Kind;
}

// SAFETY: documented for WSK_FLAG_CONNECTION_SOCKET.
unsafe impl Routines for WSK_PROVIDER_CONNECTION_DISPATCH {
    const KIND: Kind = Kind::Connection;
}

// SAFETY: documented for WSK_FLAG_DATAGRAM_SOCKET.
unsafe impl Routines for WSK_PROVIDER_DATAGRAM_DISPATCH {
    const KIND: Kind = Kind::Datagram;
}

/// The provider's socket.
#[derive(Clone, Copy)]
pub(super) struct Handle(NonNull<WSK_SOCKET>);

// SAFETY: a socket of the provider belongs to no thread.
unsafe impl Send for Handle {}

impl Handle {
    /// The routines of the socket, which is valid until it is closed, for which every caller is waited.
    ///
    /// # Safety
    /// It is of the kind that `D` is for.
    unsafe fn dispatch<'a, D: Routines>(self) -> &'a D {
        // SAFETY: the provider's socket is live.
        let table = unsafe { (*self.0.as_ptr()).Dispatch };
        // SAFETY: by the caller's word and the trait's, its table is this type, and constant.
        unsafe { &*table.cast() }
    }

    /// The routines that every kind of socket has, with which the table begins.
    fn basic<'a>(self) -> &'a WSK_PROVIDER_BASIC_DISPATCH {
        // SAFETY: the provider's socket is live.
        let table = unsafe { (*self.0.as_ptr()).Dispatch };
        // SAFETY: every table begins with these, and is constant.
        unsafe { &*table.cast() }
    }
}

/// A socket. Freed when its endpoint, its requests and its close operation are gone.
///
/// Documented rules that the gate keeps: nobody may be inside one of the socket's routines when WskCloseSocket is
/// called, or call one after that; requests that are pending then are cancelled by the provider.
pub(super) struct Socket {
    kind: Kind,
    gate: SpinLock<Gate>,
    /// Made in advance, so that closing cannot fail.
    close: SpinLock<Option<Arc<Operation<Close>>>>,
    pub(super) sends: Semaphore,
    live: Live,
}

struct Gate {
    phase: Phase,
    handle: Option<Handle>,
    /// Threads inside one of the socket's routines.
    callers: usize,
    /// Requests that have not ended, but for closing.
    running: usize,
    /// The client's orphans have been told.
    orphaned: bool,
    /// Who waits for [`Socket::close`].
    waiter: Option<Waker>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Requests are taken. The provider's socket may still be being created.
    Open,
    /// No more requests; the last caller out, or the creation, closes.
    Closing,
    /// WskCloseSocket has been called.
    Closed,
    /// The provider's socket is gone, or never was.
    Gone,
}

impl Socket {
    fn try_new(live: Live, kind: Kind) -> nt::Result<Arc<Self>> {
        let close = Operation::try_new(Close(SpinLock::new(None)))?;
        let gate = Gate {
            phase: Phase::Open,
            handle: None,
            callers: 0,
            running: 0,
            orphaned: false,
            waiter: None,
        };
        Ok(Arc::try_new(Socket {
            kind,
            gate: SpinLock::new(gate),
            close: SpinLock::new(Some(close)),
            sends: Semaphore::new(SENDS_PENDING),
            live,
        })?)
    }

    /// Creates a socket of the family (AF_INET, AF_INET6). IRQL = PASSIVE_LEVEL.
    pub(super) async fn create(client: &Arc<Client>, family: u16, kind: Kind) -> nt::Result<SocketGuard> {
        let socket = SocketGuard(Socket::try_new(Client::enter(client)?, kind)?);
        let (socket_type, protocol, flags) = kind.parameters();
        let operation = Operation::try_new(Creation(socket.0.clone()))?;
        client.announce()?;
        socket.0.gate.lock().running += 1;
        let pending = Operation::start(operation, |_, irp| {
            let (provider, dispatch) = client.provider();
            let Some(routine) = dispatch.WskSocket else {
                return STATUS_NOT_IMPLEMENTED;
            };
            // SAFETY: the provider is captured; there are no callbacks, so neither context nor dispatch table; the IRP
            // is the operation's and set up.
            unsafe {
                routine(
                    provider,
                    family,
                    socket_type,
                    protocol,
                    flags,
                    ptr::null_mut(),
                    ptr::null(),
                    ptr::null_mut(),
                    ptr::null_mut(),
                    ptr::null_mut(),
                    irp,
                )
            }
        });
        pending.await.result()?;
        Ok(socket)
    }

    /// Starts a request on the socket, which must tell [`Socket::ended`].
    ///
    /// # Errors
    /// CANCELLED if the socket has been given up; NOT_SUPPORTED if it is not of the kind that has such routines.
    pub(super) fn start<R: Request, D: Routines>(
        this: &Arc<Self>,
        operation: Arc<Operation<R>>,
        call: impl FnOnce(&R, *mut WSK_SOCKET, &D, *mut IRP) -> NTSTATUS,
    ) -> nt::Result<Pending<R>> {
        if this.kind != D::KIND {
            return Err(Status::NOT_SUPPORTED);
        }
        let handle = {
            let mut gate = this.gate.lock();
            match gate.handle {
                Some(handle) if gate.phase == Phase::Open => {
                    gate.callers += 1;
                    gate.running += 1;
                    handle
                }
                _ => return Err(Status::CANCELLED),
            }
        };
        let pending = Operation::start(operation, |request, irp| {
            // SAFETY: the kind was looked at above.
            let dispatch = unsafe { handle.dispatch::<D>() };
            call(request, handle.0.as_ptr(), dispatch, irp)
        });
        this.gate.lock().callers -= 1;
        Self::close_if_due(this);
        Ok(pending)
    }

    /// [`Self::start`], and the wait for the end, as the engine is told of it.
    ///
    /// # Errors
    /// Those of [`Self::start`]; [`Self::told`].
    pub(super) async fn run<R: Request, D: Routines>(
        this: &Arc<Self>,
        operation: Arc<Operation<R>>,
        call: impl FnOnce(&R, *mut WSK_SOCKET, &D, *mut IRP) -> NTSTATUS,
    ) -> nt::Result<usize> {
        let pending = Self::start(this, operation, call)?;
        this.told(pending.await)
    }

    /// A request that was started on the socket has ended. IRQL <= DISPATCH_LEVEL.
    pub(super) fn ended(&self) {
        self.change(|gate| gate.running -= 1);
    }

    /// Takes no more requests and has the pending ones cancelled. Idempotent. IRQL <= DISPATCH_LEVEL; above
    /// PASSIVE_LEVEL, where WskCloseSocket must not be called, this is left to the next connect or close of the client.
    pub(super) fn abort(this: &Arc<Self>) {
        {
            let mut gate = this.gate.lock();
            if gate.phase == Phase::Open {
                gate.phase = Phase::Closing;
            }
        }
        if Irql::current() == Irql::PASSIVE {
            Self::close_if_due(this);
        } else {
            Self::orphan(this);
        }
    }

    /// Whether it has been aborted.
    fn is_aborted(&self) -> bool {
        self.gate.lock().phase != Phase::Open
    }

    /// What the engine is told of a request's end.
    fn told(&self, outcome: Outcome) -> nt::Result<usize> {
        outcome.result().map_err(|status| match status {
            // However the provider says it.
            _ if self.is_aborted() => Status::CANCELLED,
            Status::FILE_FORCED_CLOSED => Status::CONNECTION_ABORTED,
            status => status,
        })
    }

    /// Aborts it, and waits until it is closed and all its requests have ended. One waiter.
    pub(super) async fn close(this: &Arc<Self>) {
        Self::abort(this);
        poll_fn(|context| {
            let waiter = context.waker().clone();
            let mut gate = this.gate.lock();
            if gate.is_finished() {
                return Poll::Ready(());
            }
            let before = gate.waiter.replace(waiter);
            drop(gate);
            drop(before);
            Poll::Pending
        })
        .await;
    }

    /// Calls WskCloseSocket, if it is time for that. IRQL = PASSIVE_LEVEL.
    fn close_if_due(this: &Arc<Self>) {
        let handle = {
            let mut gate = this.gate.lock();
            if gate.phase != Phase::Closing || gate.callers != 0 {
                return;
            }
            // Without one, the socket is still being created.
            let Some(handle) = gate.handle.take() else { return };
            gate.phase = Phase::Closed;
            handle
        };
        this.live.settle();
        // It is there: the phase becomes Closed once.
        let Some(operation) = this.close.lock().take() else {
            return;
        };
        *operation.request.0.lock() = Some(this.clone());
        let _detached = Operation::start(operation, |_, irp| {
            let Some(routine) = handle.basic().WskCloseSocket else {
                return STATUS_NOT_IMPLEMENTED;
            };
            // SAFETY: nobody is inside a routine of the socket or will be; the IRP is the operation's and set up.
            unsafe { routine(handle.0.as_ptr(), irp) }
        });
    }

    /// Leaves the closing to the client. IRQL <= DISPATCH_LEVEL.
    fn orphan(this: &Arc<Self>) {
        let first = {
            let mut gate = this.gate.lock();
            let first = gate.phase == Phase::Closing && gate.handle.is_some() && !gate.orphaned;
            gate.orphaned |= first;
            first
        };
        if first {
            this.live.adopt(Orphan::Socket(this.clone()));
        }
    }

    /// Changes the gate, and wakes who waits for the end if this was it.
    fn change(&self, change: impl FnOnce(&mut Gate)) {
        let waiter = {
            let mut gate = self.gate.lock();
            change(&mut gate);
            if gate.is_finished() {
                gate.waiter.take()
            } else {
                None
            }
        };
        if let Some(waiter) = waiter {
            waiter.wake();
        }
    }
}

impl Gate {
    fn is_finished(&self) -> bool {
        self.phase == Phase::Gone && self.running == 0
    }
}

/// The request for the provider's socket.
struct Creation(Arc<Socket>);

impl Request for Creation {
    fn ended(&self, outcome: Outcome) {
        let socket = &self.0;
        // A creation that succeeds returns the socket in the place of the count.
        let handle = outcome
            .result()
            .ok()
            .and_then(|address| NonNull::new(address as *mut WSK_SOCKET))
            .map(Handle);
        if handle.is_none() {
            socket.live.settle();
        }
        socket.change(|gate| {
            gate.handle = handle;
            gate.running -= 1;
            if handle.is_none() {
                gate.phase = Phase::Gone;
            }
        });
        // Given up before it was there: this is no place to close it.
        Socket::orphan(socket);
    }
}

/// The closing of the provider's socket.
struct Close(SpinLock<Option<Arc<Socket>>>);

impl Request for Close {
    fn ended(&self, _: Outcome) {
        let socket = self.0.lock().take();
        if let Some(socket) = socket {
            socket.change(|gate| gate.phase = Phase::Gone);
        }
    }
}

/// The owner of a socket: dropped, it aborts.
pub(super) struct SocketGuard(pub(super) Arc<Socket>);

impl Drop for SocketGuard {
    fn drop(&mut self) {
        Socket::abort(&self.0);
    }
}
