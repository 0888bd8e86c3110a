//! What `include/rxce.h` declares, as Rust sees it: the structures that callers own, member by member.
//!
//! The names of types and members follow Rust's habits; the header gives the documented ones. Sizes and offsets are
//! checked against a C compiler by the tests.

use core::ffi::c_void;
use core::ptr;
use core::slice;
use core::time::Duration;
use nt::{NameBuf, Status};

/// NTSTATUS as C has it.
pub type NtStatus = i32;

/// `status` as C has it.
pub const fn ntstatus(status: Status) -> NtStatus {
    status.0.cast_signed()
}

/// What a handler returned.
pub const fn status(status: NtStatus) -> Status {
    Status(status.cast_unsigned())
}

/// UNICODE_STRING: lengths are in bytes.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct UnicodeString {
    /// Bytes in use.
    pub length: u16,
    /// Bytes that there is room for.
    pub maximum_length: u16,
    /// UTF-16 units, without a terminator.
    pub buffer: *mut u16,
}

impl UnicodeString {
    /// A copy.
    ///
    /// # Errors
    /// `INVALID_PARAMETER` for lengths or a buffer that cannot be; `INSUFFICIENT_RESOURCES`.
    ///
    /// # Safety
    /// The buffer, if it is not null, holds `length` bytes that nobody writes to meanwhile.
    pub(crate) unsafe fn copy(&self) -> nt::Result<NameBuf> {
        if self.length == 0 {
            return Ok(NameBuf::new());
        }
        let well_formed = self.length.is_multiple_of(2)
            && self.length <= self.maximum_length
            && !self.buffer.is_null()
            && self.buffer.is_aligned();
        if !well_formed {
            return Err(Status::INVALID_PARAMETER);
        }
        // SAFETY: not null, aligned, and by the caller's word that many bytes are there and stay as they are.
        let units = unsafe { slice::from_raw_parts(self.buffer, usize::from(self.length / 2)) };
        NameBuf::try_from_units(units)
    }
}

/// MDL: describes memory that is locked down.
#[repr(C)]
pub struct Mdl {
    /// The next of a chain.
    pub next: *mut Mdl,
    /// Of this structure and what follows it.
    pub size: i16,
    /// MDL_MAPPED_TO_SYSTEM_VA and others.
    pub mdl_flags: i16,
    /// Whose memory it is.
    pub process: *mut c_void,
    /// Where it can be reached, if it has been mapped.
    pub mapped_system_va: *mut c_void,
    /// The page that it begins in.
    pub start_va: *mut c_void,
    /// Its length.
    pub byte_count: u32,
    /// Where in its first page it begins.
    pub byte_offset: u32,
}

impl Mdl {
    /// MDL_SOURCE_IS_NONPAGED_POOL: `mapped_system_va` is good.
    const SOURCE_IS_NONPAGED_POOL: i16 = 0x4;
    const PAGE: usize = 4096;

    /// One that describes `length` bytes at `base`, which are always in memory, and is chained to nothing.
    pub fn of(base: *mut c_void, length: u32) -> Self {
        let offset = base.addr() % Self::PAGE;
        Mdl {
            next: ptr::null_mut(),
            size: size_of::<Mdl>() as i16,
            mdl_flags: Self::SOURCE_IS_NONPAGED_POOL,
            process: ptr::null_mut(),
            mapped_system_va: base,
            start_va: base.wrapping_byte_sub(offset),
            byte_count: length,
            byte_offset: offset as u32,
        }
    }
}

/// The first members of an IRP.
#[repr(C)]
pub struct Irp {
    /// IO_TYPE_IRP.
    pub kind: i16,
    /// With its stack locations.
    pub size: u16,
    /// The buffer.
    pub mdl_address: *mut Mdl,
}

/// RXCE_TRANSPORT.
#[repr(C)]
pub struct RxceTransport {
    /// Node type and size.
    pub signature: u32,
    /// A copy of the name that it is bound under.
    pub name: UnicodeString,
    /// Not used: there is no TDI device behind it.
    pub device_object: *mut c_void,
    /// The number of this binding.
    pub control_channel: usize,
    /// Not used.
    pub control_channel_file_object: *mut c_void,
    /// What the provider says of itself.
    pub provider_info: *mut TdiProviderInfo,
    /// Connections on it.
    pub connection_count: u32,
    /// Circuits on it.
    pub virtual_circuit_count: u32,
    /// As it was given.
    pub quality_of_service: u32,
}

/// RXCE_ADDRESS.
#[repr(C)]
pub struct RxceAddress {
    /// Node type and size.
    pub signature: u32,
    /// What it is an address of.
    pub transport: *mut RxceTransport,
    /// A copy of the TRANSPORT_ADDRESS.
    pub transport_address: *mut u8,
    /// First argument of its handlers.
    pub context: *mut c_void,
    /// A copy of the handlers.
    pub handler: *mut AddressHandler,
    /// Not used: datagrams are copied at once.
    pub receive_mdl: *mut Mdl,
    /// The number of this address.
    pub h_address: usize,
    /// Not used.
    pub file_object: *mut c_void,
    /// Connections on it.
    pub connection_count: u32,
    /// Circuits on it.
    pub virtual_circuit_count: u32,
}

/// RXCE_CONNECTION.
#[repr(C)]
pub struct RxceConnection {
    /// Node type and size.
    pub signature: u32,
    /// Where it comes from.
    pub address: *mut RxceAddress,
    /// Circuits on it.
    pub virtual_circuit_count: u32,
    /// First argument of its handlers.
    pub context: *mut c_void,
    /// A copy of the handlers.
    pub handler: *mut ConnectionHandler,
    /// A copy of the connection information.
    pub connection_information: *mut TdiConnectionInformation,
}

/// RXCE_VC.
#[repr(C)]
pub struct RxceVc {
    /// Node type and size.
    pub signature: u32,
    /// What it belongs to.
    pub connection: *mut RxceConnection,
    /// The number of this circuit.
    pub h_endpoint: usize,
    /// Not used.
    pub endpoint_file_object: *mut c_void,
    /// [`VC_ACTIVE`], [`VC_DISCONNECTED`] or [`VC_TEARDOWN`]; changes while the circuit lives.
    pub state: i32,
    /// CONNECTION_CONTEXT: the structure itself.
    pub connection_id: *mut c_void,
    /// The handler's buffer that is being filled.
    pub receive_mdl: *mut Mdl,
    /// Not used: tear-down waits on an event of its own.
    pub clean_up_event: *mut c_void,
}

/// RXCE_VC_STATE_ACTIVE.
pub const VC_ACTIVE: i32 = 0xAA;
/// RXCE_VC_STATE_DISCONNECTED.
pub const VC_DISCONNECTED: i32 = 0xDD;
/// RXCE_VC_STATE_TEARDOWN.
pub const VC_TEARDOWN: i32 = 0xBB;

/// A structure that a caller owns.
pub trait Owned: Sized {
    /// Its node type.
    const NODE_TYPE: u16;

    /// What its signature word says while it is built.
    const SIGNATURE: u32 = ((size_of::<Self>() as u32) << 16) | Self::NODE_TYPE as u32;
}

impl Owned for RxceTransport {
    const NODE_TYPE: u16 = 0xEBE0;
}

impl Owned for RxceAddress {
    const NODE_TYPE: u16 = 0xEBE1;
}

impl Owned for RxceConnection {
    const NODE_TYPE: u16 = 0xEBE2;
}

impl Owned for RxceVc {
    const NODE_TYPE: u16 = 0xEBE3;
}

/// TDI_CONNECTION_INFORMATION, which is RXCE_CONNECTION_INFORMATION.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct TdiConnectionInformation {
    /// Bytes of user data.
    pub user_data_length: i32,
    /// User data; not used by these transports, but kept.
    pub user_data: *mut c_void,
    /// Bytes of options.
    pub options_length: i32,
    /// Options; not used by these transports, but kept.
    pub options: *mut c_void,
    /// Bytes of the remote address.
    pub remote_address_length: i32,
    /// A TRANSPORT_ADDRESS.
    pub remote_address: *mut c_void,
}

/// TDI_PROVIDER_INFO, which is RXCE_TRANSPORT_PROVIDER_INFO.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct TdiProviderInfo {
    /// Of the interface: 2.0.
    pub version: u32,
    /// The most that one send takes.
    pub max_send_size: u32,
    /// None here.
    pub max_connection_user_data: u32,
    /// The most that one datagram holds; zero for a stream transport.
    pub max_datagram_size: u32,
    /// TDI_SERVICE_*.
    pub service_flags: u32,
    /// The least that a receive indication shows.
    pub minimum_lookahead_data: u32,
    /// The most that a receive indication shows.
    pub maximum_lookahead_data: u32,
    /// None.
    pub number_of_resources: u32,
    /// When the engine was started, in 100 ns since 1601.
    pub start_time: i64,
}

/// TDI_CONNECTION_INFO, which is RXCE_CONNECTION_INFO.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct TdiConnectionInfo {
    /// RXCE_VC's state.
    pub state: u32,
    /// None.
    pub event: u32,
    /// Sends that have ended well.
    pub transmitted_tsdus: u32,
    /// Receive indications.
    pub received_tsdus: u32,
    /// Sends that have failed.
    pub transmission_errors: u32,
    /// Error events.
    pub receive_errors: u32,
    /// Not known: -1.
    pub throughput: i64,
    /// Not known: -1.
    pub delay: i64,
    /// Bytes under way beyond which a non-blocking send is refused.
    pub send_buffer_size: u32,
    /// The most that a receive indication shows.
    pub receive_buffer_size: u32,
    /// FALSE: a stream loses nothing.
    pub unreliable: u8,
    /// Padding by name, so that it is written.
    pub padding: [u8; 7],
}

/// RXCE_TRANSPORT_INFORMATION.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct RxceTransportInformation {
    /// What the provider says of itself.
    pub provider_info: TdiProviderInfo,
    /// Connections on the transport.
    pub connection_count: u32,
    /// As it was given.
    pub quality_of_service: u32,
}

/// ADAPTER_STATUS.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct AdapterStatus {
    /// The adapter's address.
    pub adapter_address: [u8; 6],
    /// Everything that these transports do not know: zero. (`rev_major` … `reserved0`, `adapter_type`, `rev_minor`.)
    pub revisions: [u8; 4],
    /// `duration` … `xmit_aborts`.
    pub troubles: [u16; 5],
    /// `xmit_success`, `recv_success`.
    pub successes: [u32; 2],
    /// `iframe_xmit_err` … `ti_timeouts`.
    pub timeouts: [u16; 4],
    /// `reserved1`.
    pub reserved: u32,
    /// `free_ncbs` … `name_count`.
    pub limits: [u16; 10],
}

/// RXCE_CONNECTION_COMPLETION_CONTEXT.
#[repr(C)]
pub struct CompletionContext {
    /// How it went.
    pub status: NtStatus,
    /// The winner's place in the array of addresses; of several, the first.
    pub address_index: u32,
    /// The caller's storage.
    pub connection: *mut RxceConnection,
    /// The caller's storage.
    pub vc: *mut RxceVc,
    /// Not used: room for a work item.
    pub work_queue_item: [usize; 6],
    /// The winner's copy of the connection information.
    pub connection_information: *mut TdiConnectionInformation,
}

/// PRXCE_CONNECTION_COMPLETION_ROUTINE.
pub type CompletionRoutine = unsafe extern "system" fn(*mut CompletionContext) -> NtStatus;

/// An event handler of some shape, or none.
macro_rules! handler {
    ($(#[$doc:meta])* $name:ident($($argument:ty),* $(,)?)) => {
        $(#[$doc])*
        pub type $name = Option<unsafe extern "system" fn(*mut c_void, $($argument),*) -> NtStatus>;
    };
}

handler! {
    /// `EvtContext, Status`.
    AddressError(NtStatus)
}
handler! {
    /// `EvtContext, SourceAddressLength, SourceAddress, OptionsLength, Options, Flags, BytesIndicated, BytesAvailable,
    /// BytesTaken, Tsdu, DataBuffer, DataBufferSize`.
    AddressReceiveDatagram(
        i32,
        *mut c_void,
        i32,
        *mut c_void,
        u32,
        u32,
        u32,
        *mut u32,
        *mut c_void,
        *mut *mut Mdl,
        *mut u32,
    )
}
handler! {
    /// `EvtContext, pMdl, CopiedDataSize, CopyStatus`.
    DataReady(*mut Mdl, u32, NtStatus)
}
handler! {
    /// `EvtContext, pVc, BytesAvailable`.
    SendPossible(*mut RxceVc, u32)
}
handler! {
    /// `EvtContext, pCompletionContext, Status`.
    AddressSendComplete(*mut c_void, NtStatus)
}
handler! {
    /// `EvtContext, pVc, DisconnectDataLength, DisconnectData, DisconnectInformationLength, DisconnectInformation, Flags`.
    Disconnect(*mut RxceVc, i32, *mut c_void, i32, *mut c_void, u32)
}
handler! {
    /// `EvtContext, pVc, Status`.
    ConnectionError(*mut RxceVc, NtStatus)
}
handler! {
    /// `EvtContext, pVc, Flags, BytesIndicated, BytesAvailable, BytesTaken, Tsdu, DataBuffer, DataBufferSize`.
    Receive(*mut RxceVc, u32, u32, u32, *mut u32, *mut c_void, *mut *mut Mdl, *mut u32)
}
handler! {
    /// `EvtContext, pVc, pCompletionContext, Status`.
    SendComplete(*mut RxceVc, *mut c_void, NtStatus)
}

/// RXCE_ADDRESS_EVENT_HANDLER.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct AddressHandler {
    /// The whole address is of no use any more.
    pub error: AddressError,
    /// A datagram.
    pub receive_datagram: AddressReceiveDatagram,
    /// The handler's buffer comes back.
    pub data_ready: DataReady,
    /// Never called: datagrams are not refused.
    pub send_possible: SendPossible,
    /// A datagram has been sent.
    pub send_complete: AddressSendComplete,
}

/// RXCE_CONNECTION_EVENT_HANDLER.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct ConnectionHandler {
    /// The other side has ended the circuit.
    pub disconnect: Disconnect,
    /// The transport has failed.
    pub error: ConnectionError,
    /// Bytes have arrived.
    pub receive: Receive,
    /// Never called: a stream has no datagrams.
    pub receive_datagram: Receive,
    /// Never called: these transports have no expedited data.
    pub receive_expedited: Receive,
    /// There is room again after a refused send.
    pub send_possible: SendPossible,
    /// The handler's buffer comes back.
    pub data_ready: DataReady,
    /// A send has ended.
    pub send_complete: SendComplete,
    /// A send was handed to the transport.
    pub send_submitted: SendComplete,
}

/// RXCE_HOST_OPTIONS: how whoever plays the system for a C program starts the engine.
#[repr(C)]
#[derive(Clone, Copy, Default)]
pub struct HostOptions {
    /// Threads that handlers are called on; at least 2.
    pub threads: u32,
    /// How long a connect may take, in milliseconds; zero: 30 seconds.
    pub connect_timeout_ms: u32,
    /// The adapter's address; all zero: there is none.
    pub adapter_address: [u8; 6],
}

impl HostOptions {
    /// Threads, at least as many as there must be.
    pub fn threads(&self) -> usize {
        self.threads.max(2) as usize
    }

    /// How long a connect may take.
    pub fn connect_timeout(&self) -> Duration {
        match self.connect_timeout_ms {
            0 => Duration::from_secs(30),
            ms => Duration::from_millis(ms.into()),
        }
    }

    /// The adapter's address, if there is one.
    pub fn adapter_address(&self) -> Option<[u8; 6]> {
        Some(self.adapter_address).filter(|address| *address != [0; 6])
    }
}

/// RXCE_SEND_NON_BLOCKING.
pub const SEND_NON_BLOCKING: u32 = 0x100;
/// RXCE_SEND_SYNCHRONOUS.
pub const SEND_SYNCHRONOUS: u32 = 0x1000_0000;
/// RXCE_SEND_PARTIAL.
pub const SEND_PARTIAL: u32 = 0x2000_0000;

/// TDI_RECEIVE_NORMAL.
pub const RECEIVE_NORMAL: u32 = 0x20;
/// TDI_RECEIVE_ENTIRE_MESSAGE.
pub const RECEIVE_ENTIRE_MESSAGE: u32 = 0x400;
/// TDI_DISCONNECT_ABORT.
pub const DISCONNECT_ABORT: u32 = 2;
/// TDI_DISCONNECT_RELEASE.
pub const DISCONNECT_RELEASE: u32 = 4;

// What the header asserts of the same structures on the same machines.
#[cfg(target_pointer_width = "64")]
const _: () = {
    assert!(size_of::<RxceTransport>() == 72);
    assert!(size_of::<RxceAddress>() == 72);
    assert!(size_of::<RxceConnection>() == 48);
    assert!(size_of::<RxceVc>() == 64);
    assert!(size_of::<TdiConnectionInformation>() == 48);
    assert!(size_of::<TdiProviderInfo>() == 40);
    assert!(size_of::<TdiConnectionInfo>() == 56);
    assert!(size_of::<RxceTransportInformation>() == 48);
    assert!(size_of::<AdapterStatus>() == 60);
    assert!(size_of::<CompletionContext>() == 80);
    assert!(size_of::<AddressHandler>() == 40);
    assert!(size_of::<ConnectionHandler>() == 72);
    assert!(size_of::<Mdl>() == 48);
};
