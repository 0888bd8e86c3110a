//! The seam to the system: what the routines need of it beyond transports.

use crate::abi::{Irp, Mdl};
use core::ffi::c_void;
use core::ptr::NonNull;

/// A rule on where a routine may be called.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Rule {
    /// IRQL <= APC_LEVEL.
    ApcLevel,
    /// In the context of a system worker thread.
    WorkerThread,
    /// Not in an event handler: the routine waits for what handlers bring about.
    NotInHandler,
}

/// The system that the engine runs on: the NT kernel, or a host that plays its part.
pub trait Platform: Send + Sync + 'static {
    /// Tells the calling thread apart from all others that live; never zero.
    fn current_thread(&self) -> usize;

    /// Whether the calling thread is one of the system's own worker threads (PsIsSystemThread). The engine knows its own
    /// threads by itself.
    fn is_system_worker(&self) -> bool;

    /// A caller has broken `rule` with `routine`, and is about to be refused. To be made known to whoever debugs it.
    fn violation(&self, routine: &'static str, rule: Rule);

    /// Where the memory that `mdl` describes can be reached (MmGetSystemAddressForMdlSafe); `None` when it cannot be mapped.
    ///
    /// # Safety
    /// `mdl` points to a valid MDL.
    unsafe fn map(&self, mdl: *mut Mdl) -> Option<NonNull<u8>>;

    /// An IRP with `stack_size` stack locations (IoAllocateIrp) and `mdl` as its buffer; null when there is no memory.
    fn allocate_irp(&self, stack_size: i8, charge_quota: bool, mdl: *mut Mdl) -> *mut Irp;

    /// Frees an IRP (IoFreeIrp).
    ///
    /// # Safety
    /// `irp` came from [`Platform::allocate_irp`] and has not been freed.
    unsafe fn free_irp(&self, irp: *mut Irp);

    /// Keeps a device object, and thereby its driver, in memory (ObReferenceObject).
    ///
    /// # Errors
    /// [`executive::mem::AllocError`] when that cannot be noted.
    ///
    /// # Safety
    /// `device` points to a device object.
    unsafe fn reference_device(&self, device: *mut c_void) -> Result<(), executive::mem::AllocError>;

    /// Takes that back (ObDereferenceObject). Allocates nothing.
    ///
    /// # Safety
    /// `device` was referenced before, once for each call.
    unsafe fn dereference_device(&self, device: *mut c_void);
}
