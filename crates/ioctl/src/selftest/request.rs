//! What the harness asks for.

use alloc::vec::Vec;
use core::net::SocketAddr;

use nt::name::MAX_UNITS;
use nt::{NameBuf, Result, Status};
use zerocopy::little_endian::{U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use super::attempt::{Attempt, AttemptLayout, Peers};
use super::{Handle, MAX_INPUT};
use crate::record::{Encode, Fixed, Header, Sink, Tail, byte_len, data_len, name_len, read};

/// The most addresses in one request.
const MAX_ATTEMPTS: usize = 8;

bitflags::bitflags! {
    /// How the circuits of a connection behave.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct ConnectFlags: u32 {
        /// Circuits wait for [`Request::Resume`] before they receive.
        const PAUSED = 0x1;
        /// The event handler takes none of the bytes that arrive.
        const REFUSE_DATA = 0x2;
        const _ = !0;
    }
}

/// How to connect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConnectOptions {
    /// How long connecting may take, in milliseconds.
    pub timeout_ms: u32,
    /// Bytes of each circuit's receive buffer.
    pub receive_buffer: u32,
    /// How the circuits behave.
    pub flags: ConnectFlags,
}

impl Default for ConnectOptions {
    fn default() -> Self {
        Self {
            timeout_ms: 10_000,
            receive_buffer: 16 * 1024,
            flags: ConnectFlags::empty(),
        }
    }
}

/// Which connections of a race are kept (RXCE_CONNECTION_CREATE_OPTIONS).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Selection {
    /// The first that comes about.
    First = 0,
    /// The best, once all have ended.
    Best = 1,
    /// Every one.
    All = 2,
}

impl TryFrom<u32> for Selection {
    type Error = Status;

    fn try_from(value: u32) -> Result<Self> {
        [Self::First, Self::Best, Self::All]
            .into_iter()
            .find(|selection| *selection as u32 == value)
            .ok_or(Status::INVALID_PARAMETER)
    }
}

/// An operation of the engine.
#[derive(Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are the parameters of the routine named")]
pub enum Request<'a> {
    /// RxCeBuildTransport on Winsock Kernel. Answers one object.
    Bind { name: NameBuf, quality_of_service: u32 },
    /// RxCeBuildAddress. Answers one object.
    OpenAddress {
        binding: Handle,
        local: Option<SocketAddr>,
    },
    /// RxCeBuildConnection, with addresses that are tried in order. Answers the connection and its circuit.
    Connect {
        address: Handle,
        remotes: Vec<SocketAddr>,
        options: ConnectOptions,
    },
    /// RxCeBuildConnectionOverMultipleTransports. Answers a connection and a circuit for each that was kept.
    Race {
        attempts: Vec<Attempt>,
        selection: Selection,
        options: ConnectOptions,
    },
    /// RxCeBuildVC. Answers one object.
    BuildCircuit { connection: Handle },
    /// Lets a paused circuit begin.
    Resume { circuit: Handle },
    /// RxCeSend, waiting for the end. Answers a count.
    Send { circuit: Handle, data: &'a [u8] },
    /// RxCeSend, not waiting: the connection's events tell of the end.
    Submit {
        circuit: Handle,
        context: u64,
        data: &'a [u8],
    },
    /// RxCeInitiateVCDisconnect.
    Disconnect { circuit: Handle },
    /// RxCeTearDownVC, RxCeTearDownConnection, RxCeTearDownAddress, RxCeTearDownTransport, as the object is.
    TearDown { object: Handle },
    /// Forgets a handle; an object without tear-down goes with its last one.
    Release { object: Handle },
    /// RxCeQueryInformation, RxCeQueryTransportInformation. Answers facts.
    Query { object: Handle },
    /// What a connection's handler has heard. Answers events, with the bytes that no earlier answer had.
    Events { connection: Handle },
    /// The addresses of a host. Answers addresses.
    Resolve {
        binding: Handle,
        host: NameBuf,
        port: u16,
    },
    /// The objects that have handles, from the first handle after `after` on, as many as fit. Answers objects.
    List { after: Handle },
    /// The names of the conformance checks. Answers text, one name a line, after [`super::MARKER`].
    Checks,
    /// Runs one conformance check. Answers text: nothing if it passes, else the reason. `routines::…` is a part of the C
    /// program that uses the documented routines, and answers how many of its checks have passed, failed and been skipped,
    /// and which have failed; its servers are `rxce.c`'s, in the places of those that they resemble.
    Check { name: NameBuf, peers: Peers },
    /// How far the driver's code has gone down its stacks since this was asked last. Answers text, a line for each place where
    /// it begins and each kind of call that it comes to: `BEGINNING CALL BYTES`.
    Stacks,
    /// Raises this exception below the guard that stands around the kernel's routines that raise some. Answers nothing; the
    /// status is what the guard makes of it.
    Raise { exception: u32 },
}

/// Fields that an operation does not use are zero.
#[derive(FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
struct Layout {
    header: Header,
    operation: U32,
    handle: U32,
    argument: U64,
    selection: U32,
    flags: U32,
    timeout_ms: U32,
    receive_buffer: U32,
    attempts: U32,
    name_len: U32,
    data_len: U32,
    reserved: U32,
}

impl Fixed for Layout {}

/// The operations' numbers.
mod operation {
    pub(super) const BIND: u32 = 1;
    pub(super) const OPEN_ADDRESS: u32 = 2;
    pub(super) const CONNECT: u32 = 3;
    pub(super) const RACE: u32 = 4;
    pub(super) const BUILD_CIRCUIT: u32 = 5;
    pub(super) const RESUME: u32 = 6;
    pub(super) const SEND: u32 = 7;
    pub(super) const SUBMIT: u32 = 8;
    pub(super) const DISCONNECT: u32 = 9;
    pub(super) const TEAR_DOWN: u32 = 10;
    pub(super) const RELEASE: u32 = 11;
    pub(super) const QUERY: u32 = 12;
    pub(super) const EVENTS: u32 = 13;
    pub(super) const RESOLVE: u32 = 14;
    pub(super) const LIST: u32 = 15;
    pub(super) const CHECKS: u32 = 16;
    pub(super) const CHECK: u32 = 17;
    pub(super) const STACKS: u32 = 18;
    pub(super) const RAISE: u32 = 19;
}

/// What follows the fixed part of a request.
struct Parts<'a> {
    attempts: Vec<Attempt>,
    name: NameBuf,
    data: &'a [u8],
}

impl<'a> Request<'a> {
    /// Reads a request.
    ///
    /// # Errors
    /// As [`crate::request`] says; `INVALID_PARAMETER` also for an unknown operation and for a field that it does not use.
    pub fn parse(bytes: &'a [u8]) -> Result<Self> {
        let (layout, rest) = read::<Layout>(bytes)?;
        if bytes.len() > MAX_INPUT {
            return Err(Status::INVALID_PARAMETER);
        }
        let mut tail = Tail(rest);
        let parts = Parts {
            attempts: attempts(&mut tail, layout.attempts)?,
            name: tail.name(layout.name_len, MAX_UNITS)?,
            data: tail.bytes(layout.data_len)?,
        };
        tail.finish()?;
        let request = Self::decode(layout, parts)?;
        // Whatever the operation does not use would be lost by writing it again.
        if request.layout().as_bytes() == layout.as_bytes() {
            Ok(request)
        } else {
            Err(Status::INVALID_PARAMETER)
        }
    }

    fn decode(layout: &Layout, parts: Parts<'a>) -> Result<Self> {
        let Parts { attempts, name, data } = parts;
        let handle = Handle(layout.handle.get());
        let argument = layout.argument.get();
        let options = ConnectOptions {
            timeout_ms: layout.timeout_ms.get(),
            receive_buffer: layout.receive_buffer.get(),
            flags: ConnectFlags::from_bits_retain(layout.flags.get()),
        };
        Ok(match layout.operation.get() {
            operation::BIND => Self::Bind {
                name,
                quality_of_service: narrow(argument)?,
            },
            operation::OPEN_ADDRESS => Self::OpenAddress {
                binding: handle,
                local: remotes(&attempts)?.first().copied(),
            },
            operation::CONNECT => Self::Connect {
                address: handle,
                remotes: remotes(&attempts)?,
                options: options.checked()?,
            },
            operation::RACE => Self::Race {
                attempts,
                selection: Selection::try_from(layout.selection.get())?,
                options: options.checked()?,
            },
            operation::BUILD_CIRCUIT => Self::BuildCircuit { connection: handle },
            operation::RESUME => Self::Resume { circuit: handle },
            operation::SEND => Self::Send {
                circuit: handle,
                data,
            },
            operation::SUBMIT => Self::Submit {
                circuit: handle,
                context: argument,
                data,
            },
            operation::DISCONNECT => Self::Disconnect { circuit: handle },
            operation::TEAR_DOWN => Self::TearDown { object: handle },
            operation::RELEASE => Self::Release { object: handle },
            operation::QUERY => Self::Query { object: handle },
            operation::EVENTS => Self::Events { connection: handle },
            operation::RESOLVE => Self::Resolve {
                binding: handle,
                host: name,
                port: narrow(argument)?,
            },
            operation::LIST => Self::List { after: handle },
            operation::CHECKS => Self::Checks,
            operation::CHECK => Self::Check {
                name,
                peers: Peers::from_remotes(&remotes(&attempts)?)?,
            },
            operation::STACKS => Self::Stacks,
            operation::RAISE => Self::Raise {
                exception: narrow(argument)?,
            },
            _ => return Err(Status::INVALID_PARAMETER),
        })
    }

    /// The fixed part.
    fn layout(&self) -> Layout {
        let mut layout = Layout {
            header: Header::new(self.encoded_len()),
            operation: U32::new(self.operation()),
            handle: U32::ZERO,
            argument: U64::ZERO,
            selection: U32::ZERO,
            flags: U32::ZERO,
            timeout_ms: U32::ZERO,
            receive_buffer: U32::ZERO,
            attempts: data_len(self.attempt_count()),
            name_len: U32::ZERO,
            data_len: data_len(self.data().len()),
            reserved: U32::ZERO,
        };
        if let Some(name) = self.name() {
            layout.name_len = name_len(name.as_name());
        }
        let handle = match self {
            Self::Bind {
                quality_of_service, ..
            } => {
                layout.argument = U64::new((*quality_of_service).into());
                Handle::NONE
            }
            Self::Connect { address, options, .. } => {
                options.put(&mut layout);
                *address
            }
            Self::Race {
                selection, options, ..
            } => {
                options.put(&mut layout);
                layout.selection = U32::new(*selection as u32);
                Handle::NONE
            }
            Self::Submit { circuit, context, .. } => {
                layout.argument = U64::new(*context);
                *circuit
            }
            Self::Resolve { binding, port, .. } => {
                layout.argument = U64::new((*port).into());
                *binding
            }
            Self::Raise { exception } => {
                layout.argument = U64::new((*exception).into());
                Handle::NONE
            }
            Self::OpenAddress { binding: handle, .. }
            | Self::BuildCircuit { connection: handle }
            | Self::Resume { circuit: handle }
            | Self::Send { circuit: handle, .. }
            | Self::Disconnect { circuit: handle }
            | Self::TearDown { object: handle }
            | Self::Release { object: handle }
            | Self::Query { object: handle }
            | Self::Events { connection: handle }
            | Self::List { after: handle } => *handle,
            Self::Checks | Self::Check { .. } | Self::Stacks => Handle::NONE,
        };
        layout.handle = U32::new(handle.0);
        layout
    }

    fn operation(&self) -> u32 {
        match self {
            Self::Bind { .. } => operation::BIND,
            Self::OpenAddress { .. } => operation::OPEN_ADDRESS,
            Self::Connect { .. } => operation::CONNECT,
            Self::Race { .. } => operation::RACE,
            Self::BuildCircuit { .. } => operation::BUILD_CIRCUIT,
            Self::Resume { .. } => operation::RESUME,
            Self::Send { .. } => operation::SEND,
            Self::Submit { .. } => operation::SUBMIT,
            Self::Disconnect { .. } => operation::DISCONNECT,
            Self::TearDown { .. } => operation::TEAR_DOWN,
            Self::Release { .. } => operation::RELEASE,
            Self::Query { .. } => operation::QUERY,
            Self::Events { .. } => operation::EVENTS,
            Self::Resolve { .. } => operation::RESOLVE,
            Self::List { .. } => operation::LIST,
            Self::Checks => operation::CHECKS,
            Self::Check { .. } => operation::CHECK,
            Self::Stacks => operation::STACKS,
            Self::Raise { .. } => operation::RAISE,
        }
    }

    fn attempt_count(&self) -> usize {
        match self {
            Self::OpenAddress { local, .. } => usize::from(local.is_some()),
            Self::Connect { remotes, .. } => remotes.len(),
            Self::Race { attempts, .. } => attempts.len(),
            Self::Check { peers, .. } => peers.attempts().len(),
            _ => 0,
        }
    }

    fn name(&self) -> Option<&NameBuf> {
        match self {
            Self::Bind { name, .. } | Self::Resolve { host: name, .. } | Self::Check { name, .. } => {
                Some(name)
            }
            _ => None,
        }
    }

    fn data(&self) -> &'a [u8] {
        match self {
            Self::Send { data, .. } | Self::Submit { data, .. } => data,
            _ => &[],
        }
    }
}

impl ConnectOptions {
    fn checked(self) -> Result<Self> {
        let known = ConnectFlags::PAUSED | ConnectFlags::REFUSE_DATA;
        if known.contains(self.flags) {
            Ok(self)
        } else {
            Err(Status::INVALID_PARAMETER)
        }
    }

    fn put(&self, layout: &mut Layout) {
        layout.timeout_ms = U32::new(self.timeout_ms);
        layout.receive_buffer = U32::new(self.receive_buffer);
        layout.flags = U32::new(self.flags.bits());
    }
}

impl Encode for Request<'_> {
    fn encoded_len(&self) -> usize {
        Layout::SIZE
            + self.attempt_count() * size_of::<AttemptLayout>()
            + self.name().map_or(0, |name| byte_len(name.as_name()))
            + self.data().len()
    }

    fn write(&self, out: &mut [u8]) -> Result<usize> {
        let mut sink = Sink::new(out);
        sink.bytes(self.layout().as_bytes())?;
        let mut put = |attempt: Attempt| sink.bytes(AttemptLayout::new(&attempt).as_bytes()).map(|_| ());
        match self {
            Self::OpenAddress { local, .. } => local.iter().try_for_each(|local| put((*local).into()))?,
            Self::Connect { remotes, .. } => {
                remotes.iter().try_for_each(|remote| put((*remote).into()))?;
            }
            Self::Race { attempts, .. } => attempts.iter().try_for_each(|attempt| put(*attempt))?,
            Self::Check { peers, .. } => peers.attempts().into_iter().try_for_each(put)?,
            _ => {}
        }
        if let Some(name) = self.name() {
            sink.name(name.as_name())?;
        }
        Ok(sink.bytes(self.data())?.finish())
    }
}

fn attempts(tail: &mut Tail<'_>, count: U32) -> Result<Vec<Attempt>> {
    let count = usize::try_from(count.get()).map_err(|_| Status::INVALID_PARAMETER)?;
    if count > MAX_ATTEMPTS {
        return Err(Status::INVALID_PARAMETER);
    }
    let mut attempts = Vec::new();
    attempts.try_reserve_exact(count)?;
    let size = data_len(size_of::<AttemptLayout>());
    for _ in 0..count {
        let layout =
            AttemptLayout::ref_from_bytes(tail.bytes(size)?).map_err(|_| Status::INVALID_PARAMETER)?;
        attempts.push(layout.attempt()?);
    }
    Ok(attempts)
}

/// Attempts that are nothing but addresses.
fn remotes(attempts: &[Attempt]) -> Result<Vec<SocketAddr>> {
    let mut remotes = Vec::new();
    remotes.try_reserve_exact(attempts.len())?;
    for attempt in attempts {
        if *attempt != Attempt::from(attempt.remote) {
            return Err(Status::INVALID_PARAMETER);
        }
        remotes.push(attempt.remote);
    }
    Ok(remotes)
}

fn narrow<T: TryFrom<u64>>(argument: u64) -> Result<T> {
    T::try_from(argument).map_err(|_| Status::INVALID_PARAMETER)
}
