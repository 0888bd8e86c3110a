//! RXCE_VC.

use super::connection::{self, ConnectionState};
use super::sink::{Fill, Sends, Statistics};
use super::{answer, read};
use crate::abi::{NtStatus, Owned, RxceConnection, RxceVc, VC_ACTIVE, VC_DISCONNECTED, VC_TEARDOWN};
use crate::engine::{self, Claim, Engine, Object};
use crate::platform::Rule;
use crate::provider::Registered;
use core::mem::offset_of;
use core::ptr;
use core::sync::atomic::{AtomicI32, Ordering};
use executive::mem::Arc;
use executive::sync::SpinLock;
use nt::Status;
use rxce::VirtualCircuit;
use rxce::state::State;

/// What the engine keeps of a circuit.
pub(crate) struct CircuitState {
    place: usize,
    pub(crate) connection: Arc<ConnectionState>,
    pub(crate) circuit: VirtualCircuit<Registered>,
    /// The handler's buffer that is being filled.
    pub(super) fill: SpinLock<Option<Fill>>,
    pub(super) sends: SpinLock<Sends>,
    pub(super) statistics: SpinLock<Statistics>,
}

impl CircuitState {
    pub(super) fn new(
        place: *mut RxceVc,
        connection: &Arc<ConnectionState>,
        circuit: &VirtualCircuit<Registered>,
    ) -> nt::Result<Arc<Self>> {
        Ok(Arc::try_new(CircuitState {
            place: place.expose_provenance(),
            connection: connection.clone(),
            circuit: circuit.clone(),
            fill: SpinLock::new(None),
            sends: SpinLock::new(Sends::new()),
            statistics: SpinLock::new(Statistics::default()),
        })?)
    }

    pub(super) fn place(&self) -> *mut RxceVc {
        ptr::with_exposed_provenance_mut(self.place)
    }

    /// Whether the caller's structures, from this one up, are in order.
    fn is_sound(&self) -> bool {
        let place = self.place();
        let parent = place
            .wrapping_byte_add(offset_of!(RxceVc, connection))
            .cast::<*mut RxceConnection>();
        // SAFETY: the table knows it, so it is built.
        let signed = unsafe { read::signed(place) };
        // SAFETY: as above; a member of it.
        let parent = unsafe { parent.read() };
        signed && ptr::eq(parent, self.connection.place()) && self.connection.is_sound()
    }

    pub(crate) fn is_active(&self) -> bool {
        self.circuit.state() == State::Active
    }

    fn state(&self) -> &AtomicI32 {
        let state = self
            .place()
            .wrapping_byte_add(offset_of!(RxceVc, state))
            .cast::<i32>();
        // SAFETY: whoever asks does so before the tear-down has ended, until when the structure is built.
        unsafe { read::state(state) }
    }

    /// Changes the state that the caller sees, if it is the one expected.
    pub(crate) fn change_state(&self, from: i32, to: i32) {
        let _other = self
            .state()
            .compare_exchange(from, to, Ordering::AcqRel, Ordering::Acquire);
    }

    /// Notes in the caller's structure which buffer is being filled.
    pub(super) fn show_receive_mdl(&self, mdl: *mut crate::abi::Mdl) {
        let shown = self
            .place()
            .wrapping_byte_add(offset_of!(RxceVc, receive_mdl))
            .cast::<*mut crate::abi::Mdl>();
        // SAFETY: as for `state`; only the circuit's one receive at a time writes this member.
        unsafe { shown.write_volatile(mdl) };
    }
}

/// The circuit that is built at `place`.
///
/// # Errors
/// `INVALID_PARAMETER` when there is none, or it or a parent of it has been written over.
pub(super) fn find(engine: &Engine, place: *const RxceVc) -> nt::Result<Arc<CircuitState>> {
    engine.look(place, |object| match object {
        Object::Circuit(circuit) if circuit.is_sound() => Ok(circuit.clone()),
        _ => Err(Status::INVALID_PARAMETER),
    })
}

/// Makes the caller's structure, and lets events come. On failure the structure is uninitialised again.
pub(super) fn begin(
    engine: &Arc<Engine>,
    place: *mut RxceVc,
    claim: Claim,
    circuit: &Arc<CircuitState>,
) -> nt::Result {
    let structure = RxceVc {
        signature: RxceVc::SIGNATURE,
        connection: circuit.connection.place(),
        h_endpoint: engine.next_number(),
        endpoint_file_object: ptr::null_mut(),
        state: VC_ACTIVE,
        connection_id: place.cast(),
        receive_mdl: ptr::null_mut(),
        clean_up_event: ptr::null_mut(),
    };
    circuit.connection.listener.add(circuit)?;
    // SAFETY: claimed: the caller's storage, aligned and not in use.
    unsafe { place.write(structure) };
    circuit.connection.count_circuits(1);
    claim.fulfil(Object::Circuit(circuit.clone()));
    let resumed = circuit.circuit.resume();
    // Should the caller have it torn down on another thread before its routine has returned, there is nothing to undo.
    if resumed.is_err()
        && let Ok(claim) = Engine::detach(engine, place, &Object::Circuit(circuit.clone()))
    {
        circuit.connection.listener.remove(circuit);
        circuit.connection.count_circuits(-1);
        // SAFETY: it was built until now, and its place is claimed.
        unsafe { read::clear(place) };
        drop(claim);
    }
    resumed
}

/// Connects once more to the remote address of `pConnection`, and adds the circuit to it. Waits for that. IRQL <= APC_LEVEL,
/// not in an event handler.
///
/// As [`RxCeBuildConnection`](super::RxCeBuildConnection).
///
/// # Safety
/// The pointers are null or valid; `pVc` stays where it is until it is torn down.
#[unsafe(no_mangle)]
#[expect(non_snake_case, reason = "documented names")]
pub unsafe extern "system" fn RxCeBuildVC(pVc: *mut RxceVc, pConnection: *mut RxceConnection) -> NtStatus {
    // SAFETY: handed down.
    answer(unsafe { build(pVc, pConnection) })
}

unsafe fn build(place: *mut RxceVc, connection: *mut RxceConnection) -> nt::Result {
    let engine = engine::enter("RxCeBuildVC", &[Rule::ApcLevel, Rule::NotInHandler])?;
    let claim = Engine::claim(&engine, place)?;
    // SAFETY: claimed: the caller's storage, not in use.
    unsafe { read::clear(place) };
    let connection = connection::find(&engine, connection)?;
    connection.address.streams()?;
    let built = engine.runtime.block_on(connection.connection.build_circuit())??;
    let begun = CircuitState::new(place, &connection, &built)
        .and_then(|circuit| begin(&engine, place, claim, &circuit));
    if begun.is_err() {
        // There is nobody to tell how that went.
        let _closed = engine.wait_for(|| built.tear_down());
    }
    begun
}

/// Begins to disconnect: sends under way end with an error, and no Disconnect event comes. The circuit still has to be torn
/// down; one that is disconnected already stays so. IRQL <= APC_LEVEL, in a system worker thread.
///
/// STATUS_SUCCESS; STATUS_INVALID_PARAMETER when no circuit is built there, it is being torn down, it or a parent of it has
/// been written over, or the thread is not a system worker thread.
///
/// # Safety
/// The pointer is null, points to nothing of the engine's, or to a structure that is built.
#[unsafe(no_mangle)]
#[expect(non_snake_case, reason = "documented names")]
pub unsafe extern "system" fn RxCeInitiateVCDisconnect(pVc: *mut RxceVc) -> NtStatus {
    answer(initiate_disconnect(pVc))
}

fn initiate_disconnect(place: *mut RxceVc) -> nt::Result {
    let rules = [Rule::ApcLevel, Rule::WorkerThread];
    let engine = engine::enter("RxCeInitiateVCDisconnect", &rules)?;
    let circuit = find(&engine, place)?;
    circuit.circuit.initiate_disconnect()?;
    // Unless somebody has torn it down meanwhile.
    let _gone = engine.look(place, |object| {
        if let Object::Circuit(there) = object
            && Arc::ptr_eq(there, &circuit)
        {
            circuit.change_state(VC_ACTIVE, VC_DISCONNECTED);
        }
        Ok(())
    });
    Ok(())
}

/// Ends the circuit: disconnects it, waits until every send has ended, with its SendComplete, and every handler has returned,
/// and makes the structure uninitialised. A buffer that a Receive handler gave is the caller's again, without a DataReady.
/// IRQL <= APC_LEVEL, not in an event handler.
///
/// STATUS_SUCCESS; STATUS_INVALID_PARAMETER when no circuit is built there, it is being torn down already, or it or a parent
/// of it has been written over; what the transport says of the disconnect, and the circuit is gone all the same.
///
/// # Safety
/// The pointer is null, points to nothing of the engine's, or to a structure that is built.
#[unsafe(no_mangle)]
#[expect(non_snake_case, reason = "documented names")]
pub unsafe extern "system" fn RxCeTearDownVC(pVc: *mut RxceVc) -> NtStatus {
    answer(tear_down(pVc))
}

fn tear_down(place: *mut RxceVc) -> nt::Result {
    let engine = engine::enter("RxCeTearDownVC", &[Rule::ApcLevel, Rule::NotInHandler])?;
    let circuit = find(&engine, place)?;
    let claim = Engine::detach(&engine, place, &Object::Circuit(circuit.clone()))?;
    circuit.state().store(VC_TEARDOWN, Ordering::Release);
    // While the parents are sure to stay.
    circuit.connection.count_circuits(-1);
    let closed = engine.wait_for(|| circuit.circuit.tear_down());
    circuit.connection.listener.remove(&circuit);
    // SAFETY: it was built until now, and only the one tear-down that got here takes it out.
    unsafe { read::clear(place) };
    drop(claim);
    closed
}
