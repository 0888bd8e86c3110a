//! RxCeBuildConnectionOverMultipleTransports.

use super::connection::{self, Places, Plan};
use super::read::{self, Information};
use super::{address, answer};
use crate::abi::{
    CompletionContext, CompletionRoutine, ConnectionHandler, NtStatus, RxceAddress, TdiConnectionInformation,
    UnicodeString, ntstatus,
};
use crate::engine::{self, Engine, UnderWay};
use crate::platform::Rule;
use crate::provider::Registered;
use alloc::vec::Vec;
use core::ffi::c_void;
use core::ptr;
use executive::mem::{Arc, TryVec};
use nt::Status;
use rxce::{Attempt, Selection, Winner, race};

/// No caller has more transports than this; a number beyond it is garbage.
const MOST_ADDRESSES: u32 = 64;

/// Connects from all of `pLocalAddressPointers` at once; those that cannot be connected from are passed over. `CreateOption`
/// says which connection is kept: the first, the best (by the transports' rank, then by the order given), or all.
///
/// `pCompletionContext` names the storage for the connection and its circuit; for "all" it names an array for each, with room
/// for `NumberOfAddresses`, of which those of transports that failed stay zeroed. With a completion routine
/// STATUS_PENDING is answered as soon as the attempts are under way, and the routine is called when all of them have ended and
/// what the losers had is given back; Status and AddressIndex of the context are set by then. Without one the routine waits
/// for that. `pMiniRedirectorDeviceObject` is referenced until then, once for each attempt. IRQL <= APC_LEVEL, in a system
/// worker thread; without a completion routine not in an event handler.
///
/// STATUS_SUCCESS; STATUS_PENDING; STATUS_INVALID_HANDLE when no transport gave a connection; STATUS_INVALID_PARAMETER for a
/// bad pointer, option, number, name or connection information, storage that is in use, or the wrong thread;
/// STATUS_INSUFFICIENT_RESOURCES. Unless it is a success, the storage is zeroed if it is not in use.
///
/// # Safety
/// The pointers are null or valid, those in the array may point to nothing of the engine's; context and storage stay where
/// they are until the outcome is known, connections and circuits until they are torn down.
#[unsafe(no_mangle)]
#[expect(non_snake_case, reason = "documented names")]
pub unsafe extern "system" fn RxCeBuildConnectionOverMultipleTransports(
    pMiniRedirectorDeviceObject: *mut c_void,
    CreateOption: i32,
    NumberOfAddresses: u32,
    pLocalAddressPointers: *const *mut RxceAddress,
    pServerName: *const UnicodeString,
    pConnectionInformation: *const TdiConnectionInformation,
    pHandler: *const ConnectionHandler,
    pEventContext: *mut c_void,
    pCompletionRoutine: Option<CompletionRoutine>,
    pCompletionContext: *mut CompletionContext,
) -> NtStatus {
    let given = Given {
        device: pMiniRedirectorDeviceObject,
        option: CreateOption,
        count: NumberOfAddresses,
        addresses: pLocalAddressPointers,
        server: pServerName,
        information: pConnectionInformation,
        handler: pHandler,
        context: pEventContext,
        completion: pCompletionContext,
    };
    // SAFETY: handed down.
    answer(unsafe { build(&given, pCompletionRoutine) })
}

/// The parameters.
struct Given {
    device: *mut c_void,
    option: i32,
    count: u32,
    addresses: *const *mut RxceAddress,
    server: *const UnicodeString,
    information: *const TdiConnectionInformation,
    handler: *const ConnectionHandler,
    context: *mut c_void,
    completion: *mut CompletionContext,
}

/// A race, and what its outcome is written to.
struct Race {
    engine: Arc<Engine>,
    selection: Selection,
    attempts: Vec<Attempt<Registered>>,
    /// For each attempt: where it stands in the caller's array, and what its connection is made of.
    entrants: Vec<(usize, Option<Plan>)>,
    /// One, or one for each address of the caller's.
    places: Vec<Option<Places>>,
    completion: Completion,
    kept: Kept,
}

/// What must stay until the outcome has been told: the mini-redirector, and the engine.
struct Kept {
    _device: Device,
    /// Last, so that it is let go of last: then the engine may stop.
    _under_way: UnderWay,
}

#[derive(Clone, Copy)]
struct Completion(*mut CompletionContext);

// SAFETY: until the outcome is known, the context is the engine's to write to, from whichever thread.
unsafe impl Send for Completion {}

/// The references that keep the mini-redirector in memory.
struct Device {
    engine: Arc<Engine>,
    object: *mut c_void,
    references: usize,
}

// SAFETY: the pointer is only handed to the platform, which takes it on any thread.
unsafe impl Send for Device {}

impl Drop for Device {
    fn drop(&mut self) {
        for _ in 0..self.references {
            // SAFETY: referenced that often.
            unsafe { self.engine.platform.dereference_device(self.object) };
        }
    }
}

unsafe fn build(given: &Given, routine: Option<CompletionRoutine>) -> nt::Result {
    let rules: &[Rule] = if routine.is_some() {
        &[Rule::ApcLevel, Rule::WorkerThread]
    } else {
        &[Rule::ApcLevel, Rule::WorkerThread, Rule::NotInHandler]
    };
    let engine = engine::enter("RxCeBuildConnectionOverMultipleTransports", rules)?;
    // SAFETY: handed down.
    let race = unsafe { prepare(&engine, given)? };
    let Some(routine) = routine else {
        return engine.runtime.block_on(race.run())?.0;
    };
    let running = async move {
        let (engine, context) = (race.engine.clone(), race.completion);
        let (_result_is_in_the_context, kept) = race.run().await;
        engine.handle(|| complete(routine, context));
        drop(engine);
        // Until the routine has returned, nothing may stop.
        drop(kept);
    };
    engine.runtime.spawn(running)?;
    Err(Status::PENDING)
}

fn complete(routine: CompletionRoutine, context: Completion) {
    // SAFETY: the caller's routine, with the context that it gave.
    unsafe { routine(context.0) };
}

unsafe fn prepare(engine: &Arc<Engine>, given: &Given) -> nt::Result<Race> {
    let selection = match given.option {
        0 => Selection::First,
        1 => Selection::Best,
        2 => Selection::All,
        _ => return Err(Status::INVALID_PARAMETER),
    };
    if !is_usable(given) {
        return Err(Status::INVALID_PARAMETER);
    }
    // SAFETY: not null; handed down.
    let places = unsafe { claim(engine, given, selection)? };
    // SAFETY: handed down.
    let _server = unsafe { read::name(given.server)? };
    // SAFETY: handed down.
    let information = Arc::try_new(unsafe { Information::copy(given.information)? })?;
    // SAFETY: handed down.
    let handler = unsafe { read::value(given.handler)? };
    let mut attempts = Vec::try_with_room(given.count as usize)?;
    let mut entrants = Vec::try_with_room(given.count as usize)?;
    for index in 0..given.count as usize {
        // SAFETY: within the array, by the caller's word on its length.
        let place = unsafe { given.addresses.add(index) };
        // SAFETY: as above.
        let local = unsafe { place.read() };
        let Ok(from) = address::find(engine, local) else {
            continue;
        };
        let plan = Plan::new(engine, from, information.clone(), handler, given.context)?;
        match enter(&plan) {
            Ok(attempt) => {
                attempts.try_push(attempt)?;
                entrants.try_push((index, Some(plan)))?;
            }
            Err(Status::INSUFFICIENT_RESOURCES) => return Err(Status::INSUFFICIENT_RESOURCES),
            // For datagrams, failed, or without a remote address of its kind.
            Err(_) => {}
        }
    }
    if attempts.is_empty() {
        return Err(Status::INVALID_HANDLE);
    }
    let mut device = Device {
        engine: engine.clone(),
        object: given.device,
        references: 0,
    };
    for _ in &attempts {
        // SAFETY: not null, so by the caller's word a device object.
        unsafe { engine.platform.reference_device(given.device)? };
        device.references += 1;
    }
    Ok(Race {
        engine: engine.clone(),
        selection,
        attempts,
        entrants,
        places,
        completion: Completion(given.completion),
        kept: Kept {
            _device: device,
            _under_way: Engine::begin_attempt(engine),
        },
    })
}

/// Whether what has to be there is, at addresses that it can have.
fn is_usable(given: &Given) -> bool {
    !given.device.is_null()
        && (1..=MOST_ADDRESSES).contains(&given.count)
        && !given.addresses.is_null()
        && given.addresses.is_aligned()
        && !given.completion.is_null()
        && given.completion.is_aligned()
}

/// Takes the storage that the completion context names.
unsafe fn claim(
    engine: &Arc<Engine>,
    given: &Given,
    selection: Selection,
) -> nt::Result<Vec<Option<Places>>> {
    // SAFETY: not null and aligned; until the outcome is known, nobody else uses it.
    let context = unsafe { &*given.completion };
    let (connections, circuits) = (context.connection, context.vc);
    if connections.is_null() || circuits.is_null() {
        return Err(Status::INVALID_PARAMETER);
    }
    let count = match selection {
        Selection::First | Selection::Best => 1,
        Selection::All => given.count as usize,
    };
    let mut places = Vec::try_with_room(count)?;
    for index in 0..count {
        let (connection, circuit) = (connections.wrapping_add(index), circuits.wrapping_add(index));
        // SAFETY: handed down.
        places.try_push(Some(unsafe { Places::claim(engine, connection, circuit)? }))?;
    }
    Ok(places)
}

fn enter(plan: &Plan) -> nt::Result<Attempt<Registered>> {
    Ok(Attempt {
        address: plan.address.streams()?.clone(),
        remotes: plan.remotes()?,
        rank: plan.address.transport.device.rank,
        events: plan.sink()?,
    })
}

impl Race {
    /// Runs to the end and writes the outcome to the caller's structures.
    async fn run(self) -> (nt::Result, Kept) {
        let Race {
            engine,
            selection,
            attempts,
            mut entrants,
            mut places,
            completion,
            kept,
        } = self;
        let raced = race(attempts, selection, connection::options(&engine)).await;
        let mut outcome = Err(Status::INVALID_HANDLE);
        match raced {
            Ok(winners) => {
                for winner in winners {
                    let entrant = entrants.get_mut(winner.index);
                    let Some((index, plan)) = entrant.map(|(index, plan)| (*index, plan.take())) else {
                        continue;
                    };
                    let at = if selection == Selection::All { index } else { 0 };
                    let place = places.get_mut(at).and_then(Option::take);
                    let established = settle(&engine, winner, plan, place).await;
                    outcome = match (outcome, established) {
                        (Ok(first), _) => Ok(first),
                        (Err(_), Ok(information)) => Ok((index, information)),
                        (Err(_), Err(status)) => Err(status),
                    };
                }
            }
            // Why each failed is lost in the one status that is documented, except for want of memory.
            Err(Status::INSUFFICIENT_RESOURCES) => outcome = Err(Status::INSUFFICIENT_RESOURCES),
            Err(_) => {}
        }
        // The storage of those that failed is free again before anyone hears of the end.
        drop(places);
        report(completion, &outcome);
        (outcome.map(drop), kept)
    }
}

/// A pointer to the winner's copy of the connection information, for the caller.
struct Told(*mut TdiConnectionInformation);

// SAFETY: the pointer is only written down.
unsafe impl Send for Told {}

/// Makes the caller's structures out of a winner; puts it away when that fails.
async fn settle(
    engine: &Arc<Engine>,
    winner: Winner<Registered>,
    plan: Option<Plan>,
    places: Option<Places>,
) -> nt::Result<Told> {
    let Winner {
        connection, circuit, ..
    } = winner;
    let established = match (plan, places) {
        (Some(plan), Some(places)) => plan.establish(engine, places, &connection, &circuit),
        _ => Err(Status::INVALID_HANDLE),
    };
    match established {
        Ok(state) => Ok(Told(state.information.shown.as_ptr())),
        Err(status) => {
            // There is nobody to tell how that went.
            let _closed = circuit.tear_down().await;
            let _left = connection.tear_down();
            Err(status)
        }
    }
}

fn report(completion: Completion, outcome: &nt::Result<(usize, Told)>) {
    let (status, index, information) = match outcome {
        Ok((index, told)) => (Status::SUCCESS, *index, told.0),
        Err(status) => (*status, 0, ptr::null_mut()),
    };
    let context = completion.0;
    // SAFETY: until the outcome is known, the context stays where it is and is the engine's.
    let context = unsafe { &mut *context };
    context.status = ntstatus(status);
    context.address_index = index as u32;
    context.connection_information = information;
}
