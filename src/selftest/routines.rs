//! The documented routines in the kernel, over Winsock Kernel, used by a C program: the one of `crates/ddi/tests` that uses
//! every routine and checks every status, compiled into this driver (build.rs). What `include/rxcehost.h` and
//! `crates/ddi/tests/driver.h` declare is here.

mod kernel;

use super::operate::Text;
use crate::wsk::Wsk;
use alloc::vec::Vec;
use core::ffi::{CStr, c_char, c_void};
use core::fmt::Write;
use core::sync::atomic::{AtomicPtr, AtomicU32, Ordering};
use core::time::Duration;
use core::{mem, ptr};
use ddi::abi::{HostOptions, Mdl, NtStatus, RxceAddress, ntstatus, status};
use ddi::provider::Over;
use executive::mem::{AllocError, TryVec, try_box};
use executive::sync::SpinLock;
use executive::task::{Runtime, oneshot};
use ioctl::selftest::{Reply, Request};
use kernel::Kernel;
use nt::Status;
use wdk_sys::DEVICE_OBJECT;

/// With which the names of the parts begin, as those of other checks do with theirs.
const FAMILY: &str = "routines::";

/// RXCE_PROGRAM_RESULT.
#[repr(C)]
struct PartResult {
    name: *const c_char,
    passed: u32,
    failed: u32,
    skipped: u32,
}

unsafe extern "system" {
    /// In `rxce.c`.
    fn RxCeProgram(part: u32, ports: *const u16, result: *mut PartResult) -> u8;
}

/// The transport and the device of the program that runs. One at a time.
static WSK: SpinLock<Option<Wsk>> = SpinLock::new(None);
static DEVICE: AtomicPtr<c_void> = AtomicPtr::new(ptr::null_mut());
/// The engine's runtime while it runs.
static RUNTIME: SpinLock<Option<Runtime>> = SpinLock::new(None);
/// What the program has said of failures.
static SAID: SpinLock<Vec<u8>> = SpinLock::new(Vec::new());
static FAILURES: AtomicU32 = AtomicU32::new(0);

/// The name of a part, if there are so many.
fn name(part: u32) -> Option<&'static str> {
    let mut result = PartResult {
        name: ptr::null(),
        passed: 0,
        failed: 0,
        skipped: 0,
    };
    // SAFETY: without ports it only tells the name.
    let found = unsafe { RxCeProgram(part, ptr::null(), &raw mut result) };
    if found == 0 {
        return None;
    }
    // SAFETY: the program's names are constant strings.
    unsafe { CStr::from_ptr(result.name) }.to_str().ok()
}

/// Adds the names of the parts to a list of checks.
pub(super) fn list(names: &mut Vec<u8>) -> Result<(), AllocError> {
    for name in (0..).map_while(name) {
        names.try_push(b'\n')?;
        names.try_extend_from_slice(FAMILY.as_bytes())?;
        names.try_extend_from_slice(name.as_bytes())?;
    }
    Ok(())
}

/// Which part a request is about, if it is about one, and the ports of the servers.
pub(super) fn wanted(input: &[u8]) -> Option<(u32, [u16; 5])> {
    let Ok(Request::Check { name: asked, peers }) = Request::parse(input) else {
        return None;
    };
    let is_asked = |part: &u32| {
        let units = FAMILY.bytes().chain(name(*part).into_iter().flat_map(str::bytes));
        units
            .map(u16::from)
            .eq(asked.as_name().as_units().iter().copied())
    };
    let part = (0..)
        .take_while(|part| name(*part).is_some())
        .find(|part| is_asked(part))?;
    let servers = [
        peers.echo,
        peers.closing,
        peers.resetting,
        peers.silent,
        peers.refusing,
    ];
    Some((part, servers.map(|server| server.port())))
}

/// Runs a part, and says how many of its checks have passed, failed and been skipped, and which have failed.
/// IRQL = PASSIVE_LEVEL, in a thread that is none of the system's.
///
/// # Errors
/// DEVICE_BUSY while another one runs; INSUFFICIENT_RESOURCES.
pub(super) fn run(
    transport: &Wsk,
    device: *mut DEVICE_OBJECT,
    part: u32,
    ports: [u16; 5],
) -> nt::Result<Vec<u8>> {
    {
        let mut wsk = WSK.lock();
        if wsk.is_some() {
            return Err(Status::DEVICE_BUSY);
        }
        *wsk = Some(transport.clone());
    }
    DEVICE.store(device.cast(), Ordering::Release);
    FAILURES.store(0, Ordering::Relaxed);
    let mut result = PartResult {
        name: ptr::null(),
        passed: 0,
        failed: 0,
        skipped: 0,
    };
    // SAFETY: the ports are five, and the result lives through the call.
    unsafe { RxCeProgram(part, ports.as_ptr(), &raw mut result) };
    let said = mem::take(&mut *SAID.lock());
    let wsk = WSK.lock().take();
    drop(wsk);
    let PartResult {
        passed,
        failed,
        skipped,
        ..
    } = result;
    let mut answer = Vec::new();
    write!(
        Text(&mut answer),
        "{passed} passed, {failed} failed, {skipped} skipped"
    )
    .map_err(|_| Status::INSUFFICIENT_RESOURCES)?;
    let room = Reply::MAX_TEXT.saturating_sub(answer.len());
    answer.try_extend_from_slice(said.get(..room).unwrap_or(&said))?;
    Ok(answer)
}

fn answer(result: nt::Result) -> NtStatus {
    ntstatus(result.err().unwrap_or(Status::SUCCESS))
}

/// See `rxcehost.h`.
///
/// # Safety
/// `options` is null or valid.
#[unsafe(no_mangle)]
unsafe extern "system" fn RxCeHostInitialize(options: *const HostOptions) -> NtStatus {
    // SAFETY: by the caller's word.
    let options = unsafe { options.as_ref() }.copied().unwrap_or_default();
    answer(initialize(options))
}

fn initialize(options: HostOptions) -> nt::Result {
    if RUNTIME.lock().is_some() {
        return Err(Status::REDIRECTOR_STARTED);
    }
    let wsk = WSK.lock().clone().ok_or(Status::DEVICE_NOT_READY)?;
    let (provider, platform) = (
        try_box(Over::new(wsk, options.adapter_address()))?,
        try_box(Kernel)?,
    );
    let runtime = Runtime::start(options.threads())?;
    let started = ddi::start(ddi::Parts {
        runtime: runtime.clone(),
        threads: options.threads(),
        provider,
        platform,
        connect_timeout: options.connect_timeout(),
    });
    if started.is_err() {
        runtime.shutdown();
    } else {
        *RUNTIME.lock() = Some(runtime);
    }
    started
}

/// See `rxcehost.h`.
#[unsafe(no_mangle)]
extern "system" fn RxCeHostUninitialize() -> NtStatus {
    answer(ddi::stop().map(|()| {
        let runtime = RUNTIME.lock().take();
        if let Some(runtime) = runtime {
            runtime.shutdown();
        }
    }))
}

/// See `rxcehost.h`.
///
/// # Safety
/// `routine` may be called with `context` in another thread.
#[unsafe(no_mangle)]
unsafe extern "system" fn RxCeHostRunInWorkerThread(
    routine: unsafe extern "system" fn(*mut c_void) -> NtStatus,
    context: *mut c_void,
) -> NtStatus {
    let context = context.expose_provenance();
    let run = || -> nt::Result<NtStatus> {
        let (done, ended) = oneshot()?;
        let worker = Runtime::start(1)?;
        let spawned = worker.spawn(async move {
            // SAFETY: by the caller's word.
            let status = unsafe { routine(ptr::with_exposed_provenance_mut(context)) };
            // Somebody waits.
            let _told = done.send(status);
        });
        // When it could not be spawned, the channel is closed.
        let status = worker.block_on(ended);
        worker.shutdown();
        spawned?;
        status?.map_err(|_| Status::INSUFFICIENT_RESOURCES)
    };
    run().unwrap_or_else(ntstatus)
}

/// See `rxcehost.h`.
///
/// # Safety
/// `routine` may be called with `context`.
#[unsafe(no_mangle)]
unsafe extern "system" fn RxCeHostRunAtDispatchLevel(
    routine: unsafe extern "system" fn(*mut c_void) -> NtStatus,
    context: *mut c_void,
) -> NtStatus {
    // SAFETY: by the caller's word.
    kernel::at_dispatch(|| unsafe { routine(context) })
}

/// See `driver.h`.
#[unsafe(no_mangle)]
extern "system" fn RxCeHostHasIrql() -> u8 {
    use executive::irql::Irql;
    u8::from(kernel::at_dispatch(Irql::current) == Irql::DISPATCH)
}

/// See `rxcehost.h`.
#[unsafe(no_mangle)]
extern "system" fn RxCeHostFailAddress(address: *const RxceAddress, failure: NtStatus) -> NtStatus {
    answer(ddi::rxce::fail_address(address, status(failure)))
}

/// See `rxcehost.h`.
///
/// # Safety
/// `mdl` points to room for an MDL, `base` to memory that is always there.
#[unsafe(no_mangle)]
unsafe extern "system" fn RxCeHostInitializeMdl(mdl: *mut Mdl, base: *mut c_void, length: u32) {
    // SAFETY: by the caller's word.
    unsafe { mdl.write(Mdl::of(base, length)) };
}

/// See `rxcehost.h`: there is one device that is referenced.
#[unsafe(no_mangle)]
extern "system" fn RxCeHostDeviceReferences(_: *const c_void) -> u32 {
    kernel::device_references()
}

/// See `rxcehost.h`.
#[unsafe(no_mangle)]
extern "system" fn RxCeHostViolations() -> u32 {
    kernel::violations()
}

/// See `driver.h`.
#[unsafe(no_mangle)]
extern "system" fn RxCeHostDevice() -> *mut c_void {
    DEVICE.load(Ordering::Acquire)
}

/// See `driver.h`.
#[unsafe(no_mangle)]
extern "system" fn RxCeHostSleep(milliseconds: u32) {
    kernel::sleep(Duration::from_millis(milliseconds.into()));
}

/// See `driver.h`.
#[unsafe(no_mangle)]
extern "system" fn RxCeHostSeconds() -> u32 {
    let runtime = RUNTIME.lock().clone();
    // Nobody waits for anything before the engine runs. CAST: seconds since some start.
    runtime.map_or(0, |runtime| {
        (runtime.system_time().0 / 10_000_000 % i64::from(u32::MAX)) as u32
    })
}

/// See `driver.h`.
///
/// # Safety
/// `what` is a string.
#[unsafe(no_mangle)]
unsafe extern "system" fn RxCeHostFailed(what: *const c_char, line: i32, got: NtStatus, wanted: NtStatus) {
    const TOLD: u32 = 40;
    if FAILURES.fetch_add(1, Ordering::Relaxed) >= TOLD {
        return;
    }
    // SAFETY: by the caller's word.
    let what = unsafe { CStr::from_ptr(what) }.to_str().unwrap_or_default();
    let mut line_of_text = Vec::new();
    let written = write!(
        Text(&mut line_of_text),
        "\n{what} (line {line}): {got:08x} instead of {wanted:08x}"
    );
    // Without memory the count still tells.
    if written.is_ok() {
        let _said = SAID.lock().try_extend_from_slice(&line_of_text);
    }
}
