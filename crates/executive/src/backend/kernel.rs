//! The backend on the NT kernel.
//!
//! UNSAFETY: every block is one call of a documented `Ke`/`Ex`/`Ps`/`Ob` routine, or one access to memory that this
//! module allocated for the kernel object in question. What the kernel links into its own lists (FAST_MUTEX, KEVENT)
//! lives in a box, thus in non-paged pool and at one address for its whole life.

use super::RawLock;
use crate::mem::{AllocError, try_box};
use alloc::boxed::Box;
use core::cell::UnsafeCell;
use core::ffi::c_void;
use core::mem::transmute;
use core::ptr::{self, NonNull};
use core::sync::atomic::{AtomicPtr, Ordering};
use wdk_sys::ntddk::{
    ExAcquireFastMutex, ExReleaseFastMutex, KeAcquireSpinLockRaiseToDpc, KeClearEvent, KeInitializeEvent,
    KeQueryTimeIncrement, KeReleaseSpinLock, KeSetEvent, KeWaitForSingleObject, MmGetSystemRoutineAddress,
    ObReferenceObjectByHandle, ObfDereferenceObject, PsCreateSystemThread, PsTerminateSystemThread, ZwClose,
    ZwWaitForSingleObject,
};
use wdk_sys::{
    _EVENT_TYPE, _KWAIT_REASON, _MODE, FAST_MUTEX, HANDLE, KEVENT, KSPIN_LOCK, LARGE_INTEGER, NTSTATUS,
    OBJ_KERNEL_HANDLE, OBJECT_ATTRIBUTES, STATUS_SUCCESS, SYNCHRONIZE, THREAD_ALL_ACCESS, UNICODE_STRING,
};

/// Nanoseconds in the kernel's unit of time.
const NS_PER_UNIT: u64 = 100;

pub(crate) fn current_irql() -> u8 {
    let level: u64;
    // SAFETY: on x64 the IRQL is the task priority register by definition of the architecture port (the documented
    // KeGetCurrentIrql is this instruction, inline); reading it changes nothing.
    unsafe { core::arch::asm!("mov {}, cr8", out(reg) level, options(nomem, nostack, preserves_flags)) };
    // CAST: the register has four bits.
    level as u8
}

/// A number of the calling thread's own, which is not 0. Any IRQL.
#[cfg(feature = "stack")]
pub(crate) fn current_thread() -> usize {
    // SAFETY: the routine only reads what the thread is called.
    unsafe { wdk_sys::ntddk::PsGetCurrentThreadId() }.addr()
}

/// The address of a routine that the kernel does not have.
const ABSENT: *mut c_void = ptr::without_provenance_mut(1);

/// A routine of the kernel that is looked up by name, since not every kernel that this driver runs on exports it.
struct Routine {
    /// NUL-terminated.
    name: &'static [u16],
    /// What was found: null before the search, `ABSENT` if there is no such export.
    address: AtomicPtr<c_void>,
}

/// Interrupt time without the time spent asleep, in units of 100 ns. Exported since Windows 7.
static UNBIASED_INTERRUPT_TIME: Routine = Routine::named(&wide(b"KeQueryUnbiasedInterruptTime\0"));
/// Ticks since the start, for kernels without the above; it counts in units of what KeQueryTimeIncrement says.
static TICK_COUNT: Routine = Routine::named(&wide(b"KeQueryTickCount\0"));
/// System time (UTC), exact. Exported since Windows 8.
static SYSTEM_TIME_PRECISE: Routine = Routine::named(&wide(b"KeQuerySystemTimePrecise\0"));
/// System time (UTC), for kernels without the above.
static SYSTEM_TIME: Routine = Routine::named(&wide(b"KeQuerySystemTime\0"));

impl Routine {
    const fn named(name: &'static [u16]) -> Self {
        Routine {
            name,
            address: AtomicPtr::new(ptr::null_mut()),
        }
    }

    /// The routine, if this kernel has it.
    ///
    /// The look-up needs PASSIVE_LEVEL. It is done when the first thread is made, before which nothing asks for the
    /// time at a higher level.
    fn find(&self) -> Option<NonNull<c_void>> {
        let mut address = self.address.load(Ordering::Relaxed);
        if address.is_null() {
            address = system_routine(self.name).map_or(ABSENT, NonNull::as_ptr);
            self.address.store(address, Ordering::Relaxed);
        }
        NonNull::new(address).filter(|found| found.as_ptr() != ABSENT)
    }
}

/// The kernel's export of that NUL-terminated name. IRQL = PASSIVE_LEVEL.
fn system_routine(name: &'static [u16]) -> Option<NonNull<c_void>> {
    let bytes = u16::try_from(size_of_val(name)).ok()?;
    let mut name = UNICODE_STRING {
        Length: bytes.saturating_sub(2),
        MaximumLength: bytes,
        Buffer: name.as_ptr().cast_mut(),
    };
    // SAFETY: `name` describes units that live for ever; the routine only reads them.
    NonNull::new(unsafe { MmGetSystemRoutineAddress(&raw mut name) })
}

const fn wide<const N: usize>(text: &[u8; N]) -> [u16; N] {
    let mut units = [0; N];
    let mut at = 0;
    while at < N {
        // CAST: ASCII.
        units[at] = text[at] as u16;
        at += 1;
    }
    units
}

pub(crate) fn monotonic_ns() -> u64 {
    let units = match UNBIASED_INTERRUPT_TIME.find() {
        Some(routine) => {
            // SAFETY: the routine of that name takes nothing and returns 64 bits.
            let query = unsafe { transmute::<*mut c_void, extern "C" fn() -> u64>(routine.as_ptr()) };
            query()
        }
        None => ticks().saturating_mul(increment()),
    };
    units.saturating_mul(NS_PER_UNIT)
}

/// Ticks of the system clock since the start.
fn ticks() -> u64 {
    read_clock(&TICK_COUNT).map_or(0, i64::cast_unsigned)
}

/// Units of 100 ns in a tick.
fn increment() -> u64 {
    // SAFETY: the routine has no conditions.
    u64::from(unsafe { KeQueryTimeIncrement() })
}

pub(crate) fn system_time() -> i64 {
    read_clock(&SYSTEM_TIME_PRECISE)
        .or_else(|| read_clock(&SYSTEM_TIME))
        .unwrap_or(0)
}

/// What `clock`, one of the routines that fill in a LARGE_INTEGER, tells.
fn read_clock(clock: &Routine) -> Option<i64> {
    let routine = clock.find()?;
    // SAFETY: each of these routines takes the address of a LARGE_INTEGER and returns nothing.
    let query = unsafe { transmute::<*mut c_void, unsafe extern "C" fn(*mut i64)>(routine.as_ptr()) };
    let mut now = 0;
    // SAFETY: `now` has the size and alignment of a LARGE_INTEGER.
    unsafe { query(&raw mut now) };
    Some(now)
}

/// A KSPIN_LOCK.
pub struct RawSpin(UnsafeCell<KSPIN_LOCK>);

// SAFETY: a spin lock is made to be acquired from any processor; the cell is touched by the kernel's routines alone.
unsafe impl Sync for RawSpin {}

impl RawSpin {
    pub(crate) const fn new() -> Self {
        // A free spin lock is a zero (what KeInitializeSpinLock writes).
        RawSpin(UnsafeCell::new(0))
    }
}

// SAFETY: a KSPIN_LOCK has one holder.
unsafe impl RawLock for RawSpin {
    fn acquire(&self) -> u8 {
        // SAFETY: the lock is resident, initialised, and does not move while it is held (its guard borrows it).
        unsafe { KeAcquireSpinLockRaiseToDpc(self.0.get()) }
    }

    unsafe fn release(&self, before: u8) {
        // SAFETY: the caller's promise is the routine's condition.
        unsafe { KeReleaseSpinLock(self.0.get(), before) };
    }
}

/// A FAST_MUTEX.
pub struct RawMutex(Box<UnsafeCell<FAST_MUTEX>>);

// SAFETY: a fast mutex has no tie to the thread that made it; ownership is the kernel's to track.
unsafe impl Send for RawMutex {}
// SAFETY: it is made to be acquired from any thread; the cell is touched by the kernel's routines alone.
unsafe impl Sync for RawMutex {}

impl RawMutex {
    pub(crate) fn try_new() -> Result<Self, AllocError> {
        // What ExInitializeFastMutex, an inline routine, does: free, without owner or contention.
        let mutex = try_box(UnsafeCell::new(FAST_MUTEX {
            Count: 1,
            ..FAST_MUTEX::default()
        }))?;
        // SAFETY: the box gives the address of a live FAST_MUTEX.
        let event = unsafe { &raw mut (*mutex.get()).Event };
        // SAFETY: the event lies in memory that is ours, resident and fixed.
        unsafe { KeInitializeEvent(event, _EVENT_TYPE::SynchronizationEvent, 0) };
        Ok(RawMutex(mutex))
    }
}

// SAFETY: a FAST_MUTEX has one holder.
unsafe impl RawLock for RawMutex {
    fn acquire(&self) -> u8 {
        // SAFETY: the mutex is initialised and resident; the seam's contract asks for IRQL <= APC_LEVEL and no
        // recursion, as the routine does.
        unsafe { ExAcquireFastMutex(self.0.get()) };
        // The mutex itself remembers the level.
        0
    }

    unsafe fn release(&self, _before: u8) {
        // SAFETY: the caller's promise is the routine's condition.
        unsafe { ExReleaseFastMutex(self.0.get()) };
    }
}

/// A KEVENT.
pub(crate) struct RawEvent(Box<UnsafeCell<KEVENT>>);

// SAFETY: an event has no tie to the thread that made it.
unsafe impl Send for RawEvent {}
// SAFETY: it is made to be set and waited for from any thread; the cell is touched by the kernel's routines alone.
unsafe impl Sync for RawEvent {}

impl RawEvent {
    pub(crate) fn try_new(auto_reset: bool, signalled: bool) -> Result<Self, AllocError> {
        let event = try_box(UnsafeCell::new(KEVENT::default()))?;
        let kind = if auto_reset {
            _EVENT_TYPE::SynchronizationEvent
        } else {
            _EVENT_TYPE::NotificationEvent
        };
        // SAFETY: the event lies in memory that is ours, resident and fixed.
        unsafe { KeInitializeEvent(event.get(), kind, u8::from(signalled)) };
        Ok(RawEvent(event))
    }

    pub(crate) fn set(&self) {
        // SAFETY: the event is initialised; no wait follows the call (FALSE), so DISPATCH_LEVEL is allowed.
        let _before = unsafe { KeSetEvent(self.0.get(), 0, 0) };
    }

    pub(crate) fn clear(&self) {
        // SAFETY: the event is initialised.
        unsafe { KeClearEvent(self.0.get()) };
    }

    pub(crate) fn wait(&self, timeout_ns: Option<u64>) -> bool {
        wait_for(self.0.get().cast(), timeout_ns)
    }
}

/// Waits for a dispatcher object; whether it was signalled before the time was up.
fn wait_for(object: *mut c_void, timeout_ns: Option<u64>) -> bool {
    // Relative times are negative. A time beyond the type's range is as good as none.
    let units = timeout_ns.and_then(|ns| i64::try_from(ns.div_ceil(NS_PER_UNIT)).ok());
    let mut timeout = LARGE_INTEGER {
        QuadPart: -units.unwrap_or(0),
    };
    let timeout = if units.is_some() {
        &raw mut timeout
    } else {
        ptr::null_mut()
    };
    // SAFETY: every caller passes a live dispatcher object and keeps it alive through the wait; the timeout is null or
    // lives through it; the seam's contract bounds the IRQL as the routine does.
    let status = unsafe {
        KeWaitForSingleObject(
            object,
            _KWAIT_REASON::Executive,
            _MODE::KernelMode as i8,
            0,
            timeout,
        )
    };
    status == STATUS_SUCCESS
}

/// A system thread.
pub(crate) struct Thread(Hold);

/// What keeps hold of a thread.
enum Hold {
    /// A reference to the thread object.
    Object(NonNull<c_void>),
    /// The kernel handle, should the object not be had.
    Handle(HANDLE),
}

// SAFETY: object references and kernel handles belong to the whole system, not to a thread.
unsafe impl Send for Thread {}
// SAFETY: there is nothing to do with a shared Thread.
unsafe impl Sync for Thread {}

type Body = Box<dyn FnOnce() + Send>;

impl Thread {
    pub(crate) fn spawn(body: Body) -> nt::Result<Thread> {
        // Here the level is PASSIVE_LEVEL: see `Routine::find`.
        let _known = (monotonic_ns(), system_time());
        let context = Box::into_raw(try_box(body)?);
        let mut attributes = OBJECT_ATTRIBUTES {
            Length: size_of::<OBJECT_ATTRIBUTES>() as u32,
            // Without it the handle would be open to the process that happens to call.
            Attributes: OBJ_KERNEL_HANDLE,
            ..OBJECT_ATTRIBUTES::default()
        };
        let mut handle: HANDLE = ptr::null_mut();
        // SAFETY: the outputs and attributes live through the call; `run` takes the context over, once.
        let status = unsafe {
            PsCreateSystemThread(
                &raw mut handle,
                THREAD_ALL_ACCESS,
                &raw mut attributes,
                ptr::null_mut(),
                ptr::null_mut(),
                Some(run),
                context.cast(),
            )
        };
        if status < 0 {
            // SAFETY: there is no thread, so the context is still ours.
            drop(unsafe { Box::from_raw(context) });
            return Err(nt_status(status));
        }
        Ok(Thread(Self::hold(handle)))
    }

    /// Swaps the handle for a reference to the object, which can be waited for at APC_LEVEL.
    fn hold(handle: HANDLE) -> Hold {
        let mut object = ptr::null_mut();
        // SAFETY: the handle is open and ours; no type is demanded, which KernelMode allows; the output lives through
        // the call.
        let status = unsafe {
            ObReferenceObjectByHandle(
                handle,
                SYNCHRONIZE,
                ptr::null_mut(),
                _MODE::KernelMode as i8,
                &raw mut object,
                ptr::null_mut(),
            )
        };
        match NonNull::new(object) {
            Some(object) if status >= 0 => {
                // SAFETY: the handle is ours and is not used again.
                let _closed = unsafe { ZwClose(handle) };
                Hold::Object(object)
            }
            _ => Hold::Handle(handle),
        }
    }

    pub(crate) fn join(self) {
        match self.0 {
            Hold::Object(object) => {
                let _ended = wait_for(object.as_ptr(), None);
            }
            Hold::Handle(handle) => {
                // SAFETY: the handle is a kernel handle and stays open until `self` is dropped.
                let _ended = unsafe { ZwWaitForSingleObject(handle, 0, ptr::null_mut()) };
            }
        }
    }
}

impl Drop for Thread {
    fn drop(&mut self) {
        match self.0 {
            Hold::Object(object) => {
                // SAFETY: this gives back the one reference that `hold` took.
                let _left = unsafe { ObfDereferenceObject(object.as_ptr()) };
            }
            Hold::Handle(handle) => {
                // SAFETY: the handle is ours and is not used again.
                let _closed = unsafe { ZwClose(handle) };
            }
        }
    }
}

/// The start routine of every thread.
///
/// # Safety
/// `context` is a `Box<Body>` that is given away.
unsafe extern "C" fn run(context: *mut c_void) {
    // SAFETY: `spawn` made the box for this thread alone.
    let body = unsafe { Box::from_raw(context.cast::<Body>()) };
    body();
    // SAFETY: this is a system thread's own stack, on which nothing is left to drop.
    let _never = unsafe { PsTerminateSystemThread(STATUS_SUCCESS) };
}

fn nt_status(status: NTSTATUS) -> nt::Status {
    nt::Status(status.cast_unsigned())
}
