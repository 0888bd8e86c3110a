//! Threads, IRPs and device objects of the host.

use crate::abi::{Irp, Mdl};
use crate::platform::{Platform, Rule};
use alloc::alloc::{Layout, alloc_zeroed, dealloc};
use alloc::vec::Vec;
use core::cell::Cell;
use core::ffi::c_void;
use core::ptr::{self, NonNull};
use core::sync::atomic::{AtomicU32, Ordering};
use executive::mem::{AllocError, TryVec};
use std::sync::{Mutex, MutexGuard, PoisonError};

std::thread_local! {
    static IS_WORKER: Cell<bool> = const { Cell::new(false) };
}

static VIOLATIONS: AtomicU32 = AtomicU32::new(0);

/// Device objects by their place, and how often each is referenced.
static DEVICES: Mutex<Vec<(usize, u32)>> = Mutex::new(Vec::new());

/// IO_TYPE_IRP.
const IO_TYPE_IRP: i16 = 6;
/// sizeof(IRP) and sizeof(IO_STACK_LOCATION) of 64-bit Windows.
const IRP_SIZE: usize = 208;
const STACK_LOCATION_SIZE: usize = 72;
/// MDL_MAPPED_TO_SYSTEM_VA | MDL_SOURCE_IS_NONPAGED_POOL: MappedSystemVa is good.
const MAPPED: i16 = 0x1 | 0x4;

/// This thread is a system worker thread from now on.
pub(super) fn become_worker() {
    IS_WORKER.set(true);
}

pub(super) fn violations() -> u32 {
    VIOLATIONS.load(Ordering::Relaxed)
}

pub(super) fn device_references(place: usize) -> u32 {
    let devices = devices();
    devices
        .iter()
        .find(|(other, _)| *other == place)
        .map_or(0, |&(_, references)| references)
}

fn devices() -> MutexGuard<'static, Vec<(usize, u32)>> {
    DEVICES.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The host. Any thread may be made a system worker thread with RxCeHostRunInWorkerThread.
#[derive(Default)]
pub struct Host {
    _made_by_default: (),
}

impl Platform for Host {
    fn current_thread(&self) -> usize {
        IS_WORKER.with(|here| ptr::from_ref(here).addr())
    }

    fn is_system_worker(&self) -> bool {
        IS_WORKER.get()
    }

    fn violation(&self, routine: &'static str, rule: Rule) {
        VIOLATIONS.fetch_add(1, Ordering::Relaxed);
        if std::env::var_os("RXCE_TRACE").is_some() {
            std::eprintln!("{routine}: the caller breaks the rule {rule:?}");
        }
    }

    unsafe fn map(&self, mdl: *mut Mdl) -> Option<NonNull<u8>> {
        // SAFETY: by the caller's word a valid MDL.
        let mdl = unsafe { &*mdl };
        if mdl.mdl_flags & MAPPED != 0 {
            return NonNull::new(mdl.mapped_system_va.cast::<u8>());
        }
        // There is one address space: what is described can be reached where it is.
        let start = NonNull::new(mdl.start_va.cast::<u8>())?;
        // SAFETY: an MDL's memory begins so far into its first page.
        Some(unsafe { start.add(mdl.byte_offset as usize) })
    }

    fn allocate_irp(&self, stack_size: i8, _: bool, mdl: *mut Mdl) -> *mut Irp {
        let Some((size, layout)) = irp_layout(stack_size) else {
            return ptr::null_mut();
        };
        // SAFETY: the layout has a size.
        let irp = unsafe { alloc_zeroed(layout) }.cast::<Irp>();
        if !irp.is_null() {
            let head = Irp {
                kind: IO_TYPE_IRP,
                size,
                mdl_address: mdl,
            };
            // SAFETY: new memory of more than its size, aligned as it needs.
            unsafe { irp.write(head) };
        }
        irp
    }

    unsafe fn free_irp(&self, irp: *mut Irp) {
        // SAFETY: by the caller's word it came from allocate_irp, which has written the head.
        let size = unsafe { &raw const (*irp).size };
        // SAFETY: as above.
        let size = usize::from(unsafe { size.read() });
        if let Ok(layout) = Layout::from_size_align(size, align_of::<usize>()) {
            // SAFETY: as above, with this layout.
            unsafe { dealloc(irp.cast::<u8>(), layout) };
        }
    }

    unsafe fn reference_device(&self, device: *mut c_void) -> Result<(), AllocError> {
        let mut devices = devices();
        match devices.iter_mut().find(|(place, _)| *place == device.addr()) {
            Some((_, references)) => *references += 1,
            None => devices.try_push((device.addr(), 1))?,
        }
        Ok(())
    }

    unsafe fn dereference_device(&self, device: *mut c_void) {
        let mut devices = devices();
        if let Some(at) = devices.iter().position(|(place, _)| *place == device.addr())
            && let Some((_, references)) = devices.get_mut(at)
        {
            *references -= 1;
            if *references == 0 {
                devices.swap_remove(at);
            }
        }
        if devices.is_empty() {
            *devices = Vec::new();
        }
    }
}

fn irp_layout(stack_size: i8) -> Option<(u16, Layout)> {
    let locations = usize::try_from(stack_size).ok()?;
    let size = IRP_SIZE + locations * STACK_LOCATION_SIZE;
    let layout = Layout::from_size_align(size, align_of::<usize>()).ok()?;
    Some((u16::try_from(size).ok()?, layout))
}
