//! RXCE_CONNECTION.

use super::address::{self, AddressState};
use super::circuit::{self, CircuitState};
use super::read::{self, Information};
use super::sink::{Listener, Sink};
use super::{answer, transport::RECEIVE_BUFFER};
use crate::abi::{
    ConnectionHandler, NtStatus, Owned, RxceAddress, RxceConnection, RxceVc, TdiConnectionInformation,
    UnicodeString,
};
use crate::engine::{self, Claim, Engine, Object};
use crate::platform::Rule;
use crate::provider::Registered;
use crate::shown::Shown;
use alloc::vec::Vec;
use core::ffi::c_void;
use core::mem::offset_of;
use core::net::SocketAddr;
use core::ptr;
use executive::mem::{Arc, TryVec, try_box};
use nt::Status;
use rxce::{ConnectOptions, Connection, VirtualCircuit};

/// What the engine keeps of a connection.
pub(crate) struct ConnectionState {
    place: usize,
    pub(crate) address: Arc<AddressState>,
    pub(crate) connection: Connection<Registered>,
    pub(crate) listener: Arc<Listener>,
    pub(super) information: Arc<Information>,
    shown_handler: Shown,
}

impl ConnectionState {
    pub(super) fn place(&self) -> *mut RxceConnection {
        ptr::with_exposed_provenance_mut(self.place)
    }

    /// Whether the caller's structures, from this one up, are in order.
    pub(super) fn is_sound(&self) -> bool {
        let place = self.place();
        let parent = place
            .wrapping_byte_add(offset_of!(RxceConnection, address))
            .cast::<*mut RxceAddress>();
        // SAFETY: a connection is built for as long as a circuit stands on it, and while the table knows it.
        let signed = unsafe { read::signed(place) };
        // SAFETY: as above; a member of it.
        let parent = unsafe { parent.read() };
        signed && ptr::eq(parent, self.address.place()) && self.address.is_sound()
    }

    /// Notes so many circuits more, or fewer, in the caller's structures.
    pub(super) fn count_circuits(&self, circuits: i32) {
        let count = self
            .place()
            .wrapping_byte_add(offset_of!(RxceConnection, virtual_circuit_count))
            .cast::<u32>();
        // SAFETY: a connection is built for as long as a circuit stands on it.
        unsafe { read::add(count, circuits) };
        self.address.count(0, circuits);
    }
}

/// The connection that is built at `place`.
///
/// # Errors
/// `INVALID_PARAMETER` when there is none, or it or a parent of it has been written over.
pub(super) fn find(engine: &Engine, place: *const RxceConnection) -> nt::Result<Arc<ConnectionState>> {
    engine.look(place, |object| match object {
        Object::Connection(connection) if connection.is_sound() => Ok(connection.clone()),
        _ => Err(Status::INVALID_PARAMETER),
    })
}

/// What a connection is made of, besides the two places that it goes to.
pub(super) struct Plan {
    pub(super) address: Arc<AddressState>,
    pub(super) information: Arc<Information>,
    pub(super) listener: Arc<Listener>,
    shown_handler: Shown,
}

/// The two places that a connection and its circuit go to.
pub(super) struct Places {
    connection: *mut RxceConnection,
    circuit: *mut RxceVc,
    claims: [Claim; 2],
}

// SAFETY: while they are claimed, the places are the engine's to write to, from whichever thread.
unsafe impl Send for Places {}

impl Places {
    /// Takes both places, and makes them uninitialised.
    ///
    /// # Errors
    /// As for [`Engine::claim`].
    ///
    /// # Safety
    /// Each is null or a caller's storage.
    pub(super) unsafe fn claim(
        engine: &Arc<Engine>,
        connection: *mut RxceConnection,
        circuit: *mut RxceVc,
    ) -> nt::Result<Self> {
        let claims = [
            Engine::claim(engine, connection)?,
            Engine::claim(engine, circuit)?,
        ];
        // SAFETY: claimed: the caller's storage, not in use.
        unsafe { read::clear(connection) };
        // SAFETY: claimed: the caller's storage, not in use.
        unsafe { read::clear(circuit) };
        Ok(Places {
            connection,
            circuit,
            claims,
        })
    }
}

impl Plan {
    pub(super) fn new(
        engine: &Arc<Engine>,
        address: Arc<AddressState>,
        information: Arc<Information>,
        handler: ConnectionHandler,
        context: *mut c_void,
    ) -> nt::Result<Self> {
        Ok(Plan {
            address,
            information,
            listener: Arc::try_new(Listener::new(engine, handler, context))?,
            shown_handler: Shown::value(handler)?,
        })
    }

    /// The remote addresses that the address's transport can reach.
    ///
    /// # Errors
    /// `INVALID_PARAMETER` when there is none; `INSUFFICIENT_RESOURCES`.
    pub(super) fn remotes(&self) -> nt::Result<Vec<SocketAddr>> {
        let mut remotes = Vec::new();
        for &remote in &self.information.remotes {
            if self.address.transport.device.accepts(&remote) && remote.port() != 0 {
                remotes.try_push(remote)?;
            }
        }
        if remotes.is_empty() {
            return Err(Status::INVALID_PARAMETER);
        }
        Ok(remotes)
    }

    pub(super) fn sink(&self) -> nt::Result<alloc::boxed::Box<Sink>> {
        Ok(try_box(Sink(self.listener.clone()))?)
    }

    /// Makes the caller's two structures out of what was connected, and lets events come. The caller puts away the
    /// connection and circuit on failure, when the structures are uninitialised again.
    pub(super) fn establish(
        self,
        engine: &Arc<Engine>,
        places: Places,
        connection: &Connection<Registered>,
        circuit: &VirtualCircuit<Registered>,
    ) -> nt::Result<Arc<ConnectionState>> {
        let state = Arc::try_new(ConnectionState {
            place: places.connection.expose_provenance(),
            address: self.address,
            connection: connection.clone(),
            listener: self.listener,
            information: self.information,
            shown_handler: self.shown_handler,
        })?;
        let circuit = CircuitState::new(places.circuit, &state, circuit)?;
        let structure = RxceConnection {
            signature: RxceConnection::SIGNATURE,
            address: state.address.place(),
            virtual_circuit_count: 0,
            context: state.listener.context(),
            handler: state.shown_handler.as_ptr(),
            connection_information: state.information.shown.as_ptr(),
        };
        // SAFETY: claimed: the caller's storage, aligned and not in use.
        unsafe { places.connection.write(structure) };
        state.address.count(1, 0);
        let [for_connection, for_circuit] = places.claims;
        for_connection.fulfil(Object::Connection(state.clone()));
        let begun = circuit::begin(engine, places.circuit, for_circuit, &circuit);
        // As for the circuit.
        if begun.is_err()
            && let Ok(claim) = Engine::detach(engine, places.connection, &Object::Connection(state.clone()))
        {
            state.address.count(-1, 0);
            // SAFETY: it was built until now, and its place is claimed.
            unsafe { read::clear(places.connection) };
            drop(claim);
        }
        begun.map(|()| state)
    }
}

/// How connections are made for callers.
pub(super) fn options(engine: &Engine) -> ConnectOptions {
    ConnectOptions {
        deadline: engine.connect_timeout,
        receive_buffer: RECEIVE_BUFFER as usize,
        paused: true,
    }
}

/// Connects from `pLocalAddress` to the first remote address that answers, and makes a connection and its first circuit.
/// Waits for that. IRQL <= APC_LEVEL, in a system worker thread (not checked: it is only recommended), not in an event
/// handler.
///
/// STATUS_SUCCESS; STATUS_INVALID_PARAMETER for a bad pointer, address (for datagrams, or one that has failed) or connection
/// information, or storage that is in use; STATUS_INSUFFICIENT_RESOURCES; what the transport says: STATUS_CONNECTION_REFUSED,
/// STATUS_IO_TIMEOUT, STATUS_HOST_UNREACHABLE and others. On failure both structures are zeroed, unless in use.
///
/// # Safety
/// The pointers are null or valid; the two structures stay where they are until torn down, and so does what handlers use.
#[unsafe(no_mangle)]
#[expect(non_snake_case, reason = "documented names")]
pub unsafe extern "system" fn RxCeBuildConnection(
    pLocalAddress: *mut RxceAddress,
    pConnectionInformation: *const TdiConnectionInformation,
    pHandler: *const ConnectionHandler,
    pEventContext: *mut c_void,
    pConnection: *mut RxceConnection,
    pVc: *mut RxceVc,
) -> NtStatus {
    // SAFETY: handed down.
    answer(unsafe {
        build(
            pLocalAddress,
            pConnectionInformation,
            pHandler,
            pEventContext,
            pConnection,
            pVc,
        )
    })
}

unsafe fn build(
    local: *mut RxceAddress,
    information: *const TdiConnectionInformation,
    handler: *const ConnectionHandler,
    context: *mut c_void,
    connection: *mut RxceConnection,
    circuit: *mut RxceVc,
) -> nt::Result {
    let engine = engine::enter("RxCeBuildConnection", &[Rule::ApcLevel, Rule::NotInHandler])?;
    // SAFETY: handed down.
    let places = unsafe { Places::claim(&engine, connection, circuit)? };
    let address = address::find(&engine, local)?;
    // SAFETY: handed down.
    let information = Arc::try_new(unsafe { Information::copy(information)? })?;
    // SAFETY: handed down.
    let handler = unsafe { read::value(handler)? };
    let plan = Plan::new(&engine, address, information, handler, context)?;
    let (from, remotes, sink) = (plan.address.streams()?.clone(), plan.remotes()?, plan.sink()?);
    let connecting = Connection::build_any(&from, &remotes, options(&engine), sink);
    let (connection, circuit) = engine.runtime.block_on(connecting)??;
    let established = plan.establish(&engine, places, &connection, &circuit);
    if established.is_err() {
        put_away(&engine, &connection, &circuit);
    }
    established.map(drop)
}

/// Tears down what no caller has got.
pub(super) fn put_away(
    engine: &Engine,
    connection: &Connection<Registered>,
    circuit: &VirtualCircuit<Registered>,
) {
    // There is nobody to tell how that went.
    let _closed = engine.wait_for(|| circuit.tear_down());
    let _left = connection.tear_down();
}

/// Ends the connection and makes the structure uninitialised; its handlers are not called any more. IRQL <= APC_LEVEL.
///
/// STATUS_SUCCESS; STATUS_INVALID_PARAMETER when no connection is built there, it or a parent of it has been written over, or
/// a circuit stands on it. (STATUS_INSUFFICIENT_RESOURCES, though documented, does not come: nothing is allocated.)
///
/// # Safety
/// The pointer is null, points to nothing of the engine's, or to a structure that is built.
#[unsafe(no_mangle)]
#[expect(non_snake_case, reason = "documented names")]
pub unsafe extern "system" fn RxCeTearDownConnection(pConnection: *mut RxceConnection) -> NtStatus {
    answer(tear_down(pConnection))
}

fn tear_down(place: *mut RxceConnection) -> nt::Result {
    let engine = engine::enter("RxCeTearDownConnection", &[Rule::ApcLevel])?;
    let connection = find(&engine, place)?;
    let object = Object::Connection(connection.clone());
    let claim = Engine::detach(&engine, place, &object)?;
    // While the parents are sure to stay.
    connection.address.count(-1, 0);
    if let Err(status) = connection.connection.tear_down() {
        connection.address.count(1, 0);
        claim.fulfil(object);
        return Err(status);
    }
    // SAFETY: it was built until now, and only the one tear-down that got here takes it out.
    unsafe { read::clear(place) };
    Ok(())
}

/// Is not implemented, as documented: a connect under way cannot be called off by its parameters.
///
/// STATUS_NOT_IMPLEMENTED, always.
///
/// # Safety
/// Nothing is looked at.
#[unsafe(no_mangle)]
#[expect(non_snake_case, reason = "documented names")]
pub unsafe extern "system" fn RxCeCancelConnectRequest(
    pLocalAddress: *mut RxceAddress,
    pServerName: *const UnicodeString,
    pConnectionInformation: *const TdiConnectionInformation,
) -> NtStatus {
    let _unused = (pLocalAddress, pServerName, pConnectionInformation);
    answer(Err(Status::NOT_IMPLEMENTED))
}
