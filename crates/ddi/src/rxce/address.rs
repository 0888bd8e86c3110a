//! RXCE_ADDRESS.

use super::mdl::Chain;
use super::transport::{self, TransportState};
use super::{answer, read};
use crate::abi::{
    AddressHandler, NtStatus, Owned, RECEIVE_ENTIRE_MESSAGE, RECEIVE_NORMAL, RxceAddress, RxceTransport,
    VC_ACTIVE, VC_DISCONNECTED, ntstatus,
};
use crate::engine::{self, Engine, Object};
use crate::platform::Rule;
use crate::provider::{Registered, Traffic};
use crate::shown::Shown;
use crate::tdi;
use core::ffi::c_void;
use core::mem::offset_of;
use core::net::SocketAddr;
use core::ptr;
use core::sync::atomic::{AtomicBool, Ordering};
use executive::mem::{Arc, try_box};
use nt::Status;
use rxce::{Address, AddressEvents, DatagramAddress};

/// What the engine keeps of an address.
pub(crate) struct AddressState {
    place: usize,
    pub(crate) transport: Arc<TransportState>,
    pub(crate) opened: Opened,
    handler: AddressHandler,
    context: usize,
    failed: AtomicBool,
    /// What the members point to.
    shown_handler: Shown,
    shown_address: Shown,
}

/// An address, by what its transport carries.
pub(crate) enum Opened {
    Streams(Address<Registered>),
    Datagrams(DatagramAddress<Registered>),
}

impl Opened {
    fn datagrams(&self) -> Option<&DatagramAddress<Registered>> {
        match self {
            Opened::Streams(_) => None,
            Opened::Datagrams(port) => Some(port),
        }
    }
}

/// The address that is built at `place`, and whose transport is in order.
///
/// # Errors
/// `INVALID_PARAMETER` when there is none, or it or its transport has been written over.
pub(super) fn find(engine: &Engine, place: *const RxceAddress) -> nt::Result<Arc<AddressState>> {
    engine.look(place, |object| match object {
        Object::Address(address) if address.is_sound() => Ok(address.clone()),
        _ => Err(Status::INVALID_PARAMETER),
    })
}

impl AddressState {
    pub(super) fn place(&self) -> *mut RxceAddress {
        ptr::with_exposed_provenance_mut(self.place)
    }

    /// Whether the caller's structures, from this one up, are in order.
    pub(super) fn is_sound(&self) -> bool {
        let place = self.place();
        let parent = place
            .wrapping_byte_add(offset_of!(RxceAddress, transport))
            .cast::<*mut RxceTransport>();
        // SAFETY: an address is built for as long as anything stands on it, and while the table knows it.
        let signed = unsafe { read::signed(place) };
        // SAFETY: as above; a member of it.
        let parent = unsafe { parent.read() };
        signed && parent.addr() == self.transport.place && self.transport.is_sound()
    }

    /// What connections can be made from: not one for datagrams, nor one that has failed.
    pub(super) fn streams(&self) -> nt::Result<&Address<Registered>> {
        match &self.opened {
            Opened::Streams(address) if !self.failed.load(Ordering::Acquire) => Ok(address),
            Opened::Streams(_) | Opened::Datagrams(_) => Err(Status::INVALID_PARAMETER),
        }
    }

    /// Notes `connections` and `circuits` more, or fewer, in the caller's structures.
    pub(super) fn count(&self, connections: i32, circuits: i32) {
        let (address, transport) = (self.place(), self.transport.place());
        let members = [
            address
                .wrapping_byte_add(offset_of!(RxceAddress, connection_count))
                .cast::<u32>(),
            transport
                .wrapping_byte_add(offset_of!(RxceTransport, connection_count))
                .cast::<u32>(),
        ];
        for of_connections in members {
            // SAFETY: an address is built for as long as anything stands on it; so is its transport.
            unsafe { read::add(of_connections, connections) };
        }
        let members = [
            address
                .wrapping_byte_add(offset_of!(RxceAddress, virtual_circuit_count))
                .cast::<u32>(),
            transport
                .wrapping_byte_add(offset_of!(RxceTransport, virtual_circuit_count))
                .cast::<u32>(),
        ];
        for of_circuits in members {
            // SAFETY: as above.
            unsafe { read::add(of_circuits, circuits) };
        }
    }
}

/// Opens the first address of the list `pTransportAddress` that is of the transport's kind, and registers copies of the
/// handlers. IRQL <= APC_LEVEL, not in an event handler.
///
/// STATUS_SUCCESS; STATUS_INVALID_PARAMETER for a bad pointer, transport or list, or storage that is in use;
/// STATUS_INSUFFICIENT_RESOURCES; for datagrams, what the transport says of the address. On failure the storage is zeroed,
/// unless it is in use.
///
/// # Safety
/// The pointers are null or valid; `pAddress` stays where it is until it is torn down, and so does what handlers use.
#[unsafe(no_mangle)]
#[expect(non_snake_case, reason = "documented names")]
pub unsafe extern "system" fn RxCeBuildAddress(
    pAddress: *mut RxceAddress,
    pTransport: *mut RxceTransport,
    pTransportAddress: *const u8,
    pHandler: *const AddressHandler,
    pEventContext: *mut c_void,
) -> NtStatus {
    // SAFETY: handed down.
    answer(unsafe { build(pAddress, pTransport, pTransportAddress, pHandler, pEventContext) })
}

unsafe fn build(
    place: *mut RxceAddress,
    transport: *mut RxceTransport,
    list: *const u8,
    handler: *const AddressHandler,
    context: *mut c_void,
) -> nt::Result {
    let engine = engine::enter("RxCeBuildAddress", &[Rule::ApcLevel, Rule::NotInHandler])?;
    let claim = Engine::claim(&engine, place)?;
    // SAFETY: claimed: the caller's storage, not in use.
    unsafe { read::clear(place) };
    let transport = transport::find(&engine, transport)?;
    // SAFETY: handed down.
    let list = unsafe { read::transport_address(list)? };
    // SAFETY: handed down.
    let handler = unsafe { read::value(handler)? };
    let device = transport.device;
    let local = tdi::parse(&list)?
        .into_iter()
        .find(|address| device.accepts(address))
        .ok_or(Status::INVALID_PARAMETER)?;
    let (shown_handler, shown_address) = (Shown::value(handler)?, Shown::bytes(&list)?);
    let context = context.expose_provenance();
    let opened = open(&engine, &transport, local, handler, context)?;
    let state = AddressState {
        place: place.expose_provenance(),
        transport,
        opened,
        handler,
        context,
        failed: AtomicBool::new(false),
        shown_handler,
        shown_address,
    };
    // When this fails, the address goes with the last handle on it, as nothing stands on it; but what receives datagrams on
    // it must have ended before the caller hears of that.
    let receiving = state.opened.datagrams().cloned();
    let state = match (Arc::try_new(state), receiving) {
        (Ok(state), _) => state,
        (Err(error), Some(port)) => {
            // As when it is torn down later: what the transport says of closing it is of no use to anyone.
            let _closed = engine.wait_for(|| port.tear_down());
            return Err(error.into());
        }
        (Err(error), None) => return Err(error.into()),
    };
    let structure = RxceAddress {
        signature: RxceAddress::SIGNATURE,
        transport: state.transport.place(),
        transport_address: state.shown_address.as_ptr(),
        context: ptr::with_exposed_provenance_mut(context),
        handler: state.shown_handler.as_ptr(),
        receive_mdl: ptr::null_mut(),
        h_address: engine.next_number(),
        file_object: ptr::null_mut(),
        connection_count: 0,
        virtual_circuit_count: 0,
    };
    // SAFETY: claimed: the caller's storage, aligned and not in use.
    unsafe { place.write(structure) };
    claim.fulfil(Object::Address(state));
    Ok(())
}

fn open(
    engine: &Arc<Engine>,
    transport: &TransportState,
    local: SocketAddr,
    handler: AddressHandler,
    context: usize,
) -> nt::Result<Opened> {
    match transport.device.traffic {
        Traffic::Streams => {
            let any = local.ip().is_unspecified() && local.port() == 0;
            let local = if any { None } else { Some(local) };
            Ok(Opened::Streams(Address::build(&transport.binding, local)?))
        }
        Traffic::Datagrams => {
            let events = try_box(Mailbox {
                engine: engine.clone(),
                handler,
                context,
            })?;
            let building = DatagramAddress::build(&transport.binding, local, events);
            Ok(Opened::Datagrams(engine.runtime.block_on(building)??))
        }
    }
}

/// Closes the address, waits until its handlers have ended, and makes the structure uninitialised. IRQL <= APC_LEVEL, not in
/// an event handler.
///
/// STATUS_SUCCESS; STATUS_INVALID_PARAMETER when no address is built there, the structure has been written over, or a
/// connection stands on it.
///
/// # Safety
/// The pointer is null, points to nothing of the engine's, or to a structure that is built.
#[unsafe(no_mangle)]
#[expect(non_snake_case, reason = "documented names")]
pub unsafe extern "system" fn RxCeTearDownAddress(pAddress: *mut RxceAddress) -> NtStatus {
    answer(tear_down(pAddress))
}

fn tear_down(place: *mut RxceAddress) -> nt::Result {
    let engine = engine::enter("RxCeTearDownAddress", &[Rule::ApcLevel, Rule::NotInHandler])?;
    let address = find(&engine, place)?;
    let object = Object::Address(address.clone());
    let claim = Engine::detach(&engine, place, &object)?;
    match &address.opened {
        Opened::Streams(opened) => {
            if let Err(status) = opened.tear_down() {
                claim.fulfil(object);
                return Err(status);
            }
        }
        // What the transport says of closing it is of no use to anyone: it is closed.
        Opened::Datagrams(opened) => drop(engine.wait_for(|| opened.tear_down())),
    }
    // SAFETY: it was built until now, and only the one tear-down that got here takes it out.
    unsafe { read::clear(place) };
    Ok(())
}

/// The transport says that the address at `place` is of no use any more: its circuits are disconnected, no connection is made
/// from it again, and its error handler is told. It still has to be torn down. For the one who supplies the provider.
///
/// # Errors
/// `INVALID_PARAMETER` when no address is built there, or it has failed before.
pub fn fail_address(place: *const RxceAddress, status: Status) -> nt::Result {
    let engine = engine::enter("fail_address", &[Rule::ApcLevel])?;
    let address = find(&engine, place)?;
    if address.failed.swap(true, Ordering::AcqRel) {
        return Err(Status::INVALID_PARAMETER);
    }
    let on_it = |circuit: &super::circuit::CircuitState| {
        let found = circuit.connection.address.place == address.place && circuit.is_active();
        if found {
            circuit.change_state(VC_ACTIVE, VC_DISCONNECTED);
        }
        found
    };
    while let Some(circuit) = engine.find_circuit(on_it) {
        let _torn_down_meanwhile = circuit.circuit.initiate_disconnect();
    }
    if let Some(error) = address.handler.error {
        let context = ptr::with_exposed_provenance_mut(address.context);
        engine.handle(|| {
            // SAFETY: the caller's handler, with the context that it asked for.
            unsafe { error(context, ntstatus(status)) }
        });
    }
    Ok(())
}

/// What happens on a datagram address, told to its handlers.
struct Mailbox {
    engine: Arc<Engine>,
    handler: AddressHandler,
    context: usize,
}

impl Mailbox {
    fn context(&self) -> *mut c_void {
        ptr::with_exposed_provenance_mut(self.context)
    }

    /// Copies the rest of a datagram into the handler's buffer, and gives that back.
    fn deliver(&self, buffer: Chain, room: usize, rest: &[u8]) {
        let now = rest.get(..room).unwrap_or(rest);
        // SAFETY: the handler gave the buffer away until data_ready.
        let copied = unsafe { buffer.write(&*self.engine.platform, 0, now) };
        let status = match copied {
            Ok(()) if now.len() < rest.len() => Status::BUFFER_OVERFLOW,
            Ok(()) => Status::SUCCESS,
            Err(status) => status,
        };
        let count = if copied.is_ok() { now.len() } else { 0 };
        if let Some(data_ready) = self.handler.data_ready {
            // SAFETY: the caller's handler, with what it asked for.
            unsafe { data_ready(self.context(), buffer.first, count as u32, ntstatus(status)) };
        }
    }

    fn indicate(&self, source: SocketAddr, data: &[u8]) {
        let Some(receive) = self.handler.receive_datagram else {
            return;
        };
        let (mut source, source_length) = tdi::write(source);
        let length = data.len() as u32;
        let (mut taken, mut buffer, mut room) = (0_u32, ptr::null_mut(), 0_u32);
        // SAFETY: the caller's handler; every pointer is good for the length of the call, and the data is not written to.
        let status = unsafe {
            receive(
                self.context(),
                source_length as i32,
                source.as_mut_ptr().cast::<c_void>(),
                0,
                ptr::null_mut(),
                RECEIVE_NORMAL | RECEIVE_ENTIRE_MESSAGE,
                length,
                length,
                &raw mut taken,
                data.as_ptr().cast_mut().cast::<c_void>(),
                &raw mut buffer,
                &raw mut room,
            )
        };
        if status != ntstatus(Status::MORE_PROCESSING_REQUIRED) {
            return;
        }
        let rest = data.get(taken as usize..).unwrap_or_default();
        // SAFETY: by the handler's contract an MDL, or null.
        if let Ok(chain) = unsafe { Chain::measure(buffer) } {
            let room = chain.length.min(room as usize);
            if room > 0 {
                self.deliver(chain, room, rest);
            }
        }
    }
}

impl AddressEvents for Mailbox {
    fn receive(&self, source: SocketAddr, data: &[u8]) {
        self.engine.handle(|| self.indicate(source, data));
    }

    fn error(&self, status: Status) {
        let Some(error) = self.handler.error else { return };
        self.engine.handle(|| {
            // SAFETY: the caller's handler, with the context that it asked for.
            unsafe { error(self.context(), ntstatus(status)) }
        });
    }

    fn send_complete(&self, context: usize, result: nt::Result<usize>) {
        let Some(complete) = self.handler.send_complete else {
            return;
        };
        let status = result.err().unwrap_or(Status::SUCCESS);
        let sent: *mut c_void = ptr::with_exposed_provenance_mut(context);
        self.engine.handle(|| {
            // SAFETY: the caller's handler, with the contexts that it asked for.
            unsafe { complete(self.context(), sent, ntstatus(status)) }
        });
    }
}
