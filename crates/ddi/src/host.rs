//! An ordinary process in the part of the NT kernel: what `include/rxcehost.h` declares.

mod memory;
mod system;
mod tree;

pub use memory::RxCeHostInitializeMdl;
pub use system::Host;
pub use tree::{
    RxHostAcquireExclusiveFcb, RxHostActFor, RxHostAddConnection, RxHostBeginOpen, RxHostBeginRequest,
    RxHostCancel, RxHostClose, RxHostCompleteOpen, RxHostFindDrive, RxHostInitialize, RxHostIsCancelled,
    RxHostOpen, RxHostReferences, RxHostUninitialize,
};

use crate::abi::{HostOptions, NtStatus, RxceAddress, ntstatus, status};
use crate::engine::{self, Parts};
use crate::provider::Over;
use alloc::boxed::Box;
use core::ffi::c_void;
use executive::irql::at_dispatch;
use executive::task::Runtime;
use nt::Status;
use rxce::sockets::Sockets;
use std::sync::{Mutex, PoisonError};

/// The runtime of the engine that RxCeHostInitialize started.
static RUNTIME: Mutex<Option<Runtime>> = Mutex::new(None);

fn answer(result: nt::Result) -> NtStatus {
    ntstatus(result.err().unwrap_or(Status::SUCCESS))
}

/// Starts the engine on the host's sockets, as `pOptions` says (null: two threads, no adapter address).
///
/// STATUS_SUCCESS; STATUS_REDIRECTOR_STARTED when it runs already; STATUS_INSUFFICIENT_RESOURCES.
///
/// # Safety
/// `pOptions` is null or valid.
#[unsafe(no_mangle)]
#[expect(non_snake_case, reason = "named like the routines that it goes with")]
pub unsafe extern "system" fn RxCeHostInitialize(pOptions: *const HostOptions) -> NtStatus {
    // SAFETY: by the caller's word.
    answer(initialize(unsafe { pOptions.as_ref() }))
}

fn initialize(options: Option<&HostOptions>) -> nt::Result {
    let mut runtime = RUNTIME.lock().unwrap_or_else(PoisonError::into_inner);
    if runtime.is_some() {
        return Err(Status::REDIRECTOR_STARTED);
    }
    let options = options.copied().unwrap_or_default();
    let started = Runtime::start(options.threads())?;
    let parts = Parts {
        runtime: started.clone(),
        threads: options.threads(),
        provider: Box::new(Over::new(Sockets, options.adapter_address())),
        platform: Box::new(Host::default()),
        connect_timeout: options.connect_timeout(),
    };
    if let Err(status) = engine::start(parts) {
        started.shutdown();
        return Err(status);
    }
    *runtime = Some(started);
    Ok(())
}

/// Stops the engine. Waits for connects over multiple transports, losers included. Not in an event handler.
///
/// STATUS_SUCCESS; STATUS_REDIRECTOR_NOT_STARTED; STATUS_CONNECTION_IN_USE while something is built that has not been torn
/// down (or freed): it stays, and the engine runs on.
#[unsafe(no_mangle)]
pub extern "system" fn RxCeHostUninitialize() -> NtStatus {
    answer(uninitialize())
}

fn uninitialize() -> nt::Result {
    let mut runtime = RUNTIME.lock().unwrap_or_else(PoisonError::into_inner);
    let started = runtime.as_ref().ok_or(Status::REDIRECTOR_NOT_STARTED)?;
    engine::stop()?;
    started.shutdown();
    *runtime = None;
    Ok(())
}

/// Calls `Routine` with `Context` in a system worker thread, waits for it and answers what it returned.
///
/// # Safety
/// `Routine` may be called with `Context` on another thread.
#[unsafe(no_mangle)]
#[expect(non_snake_case, reason = "named like the routines that it goes with")]
pub unsafe extern "system" fn RxCeHostRunInWorkerThread(
    Routine: unsafe extern "system" fn(*mut c_void) -> NtStatus,
    Context: *mut c_void,
) -> NtStatus {
    let context = Context.expose_provenance();
    let work = move || {
        system::become_worker();
        // SAFETY: by the caller's word.
        unsafe { Routine(core::ptr::with_exposed_provenance_mut(context)) }
    };
    let joined = std::thread::Builder::new()
        .spawn(work)
        .map(std::thread::JoinHandle::join);
    match joined {
        Ok(Ok(status)) => status,
        _ => ntstatus(Status::INSUFFICIENT_RESOURCES),
    }
}

/// Calls `Routine` with `Context` on this thread at (simulated) DISPATCH_LEVEL, and answers what it returned.
///
/// # Safety
/// `Routine` may be called with `Context`.
#[unsafe(no_mangle)]
#[expect(non_snake_case, reason = "named like the routines that it goes with")]
pub unsafe extern "system" fn RxCeHostRunAtDispatchLevel(
    Routine: unsafe extern "system" fn(*mut c_void) -> NtStatus,
    Context: *mut c_void,
) -> NtStatus {
    // SAFETY: by the caller's word.
    at_dispatch(|| unsafe { Routine(Context) })
}

/// The transport reports `Failure` of `pAddress`, as a provider that goes away does: its circuits are disconnected, and its
/// Error handler is called.
///
/// STATUS_SUCCESS; STATUS_INVALID_PARAMETER when no address is built there, or it has failed before.
#[unsafe(no_mangle)]
#[expect(non_snake_case, reason = "named like the routines that it goes with")]
pub extern "system" fn RxCeHostFailAddress(pAddress: *const RxceAddress, Failure: NtStatus) -> NtStatus {
    answer(crate::rxce::fail_address(pAddress, status(Failure)))
}

/// How often device object `pDevice` is referenced.
#[unsafe(no_mangle)]
#[expect(non_snake_case, reason = "named like the routines that it goes with")]
pub extern "system" fn RxCeHostDeviceReferences(pDevice: *const c_void) -> u32 {
    system::device_references(pDevice.addr())
}

/// How often a rule on where a routine may be called was broken so far.
#[unsafe(no_mangle)]
pub extern "system" fn RxCeHostViolations() -> u32 {
    system::violations()
}
