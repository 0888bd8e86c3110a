//! Work for a thread of the system's: what waits, where a task must not.

use alloc::boxed::Box;
use core::ffi::c_void;

use executive::mem::try_box;
use executive::task::oneshot;
use nt::Status;
use wdk_sys::ntddk::{IoAllocateWorkItem, IoFreeWorkItem, IoQueueWorkItem};
use wdk_sys::{_WORK_QUEUE_TYPE, DEVICE_OBJECT, PIO_WORKITEM};

use crate::device;

/// Has a system thread do `work` at PASSIVE_LEVEL, and waits for what comes of it. Dropped before, it is done all the same;
/// the driver stays loaded until then.
///
/// # Errors
/// `INSUFFICIENT_RESOURCES`; nothing is done then.
pub(crate) async fn elsewhere<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> nt::Result<T> {
    let (sender, receiver) = oneshot()?;
    queue(move || {
        // Nobody may be waiting any more.
        let _unwanted = sender.send(work());
    })?;
    receiver.await.map_err(|_| Status::INSUFFICIENT_RESOURCES)
}

/// What a system thread is given.
struct Work<F> {
    item: PIO_WORKITEM,
    work: F,
}

fn queue<F: FnOnce() + Send + 'static>(work: F) -> nt::Result {
    let device = device::live().ok_or(Status::DEVICE_NOT_READY)?;
    // SAFETY: a live device of this driver. IRQL <= DISPATCH_LEVEL.
    let item = unsafe { IoAllocateWorkItem(device.as_ptr()) };
    if item.is_null() {
        return Err(Status::INSUFFICIENT_RESOURCES);
    }
    let context = match try_box(Work { item, work }) {
        Ok(boxed) => Box::into_raw(boxed),
        Err(error) => {
            // SAFETY: allocated above and not queued.
            unsafe { IoFreeWorkItem(item) };
            return Err(error.into());
        }
    };
    // SAFETY: the item is allocated and queued once; `run::<F>` takes the context over, which is for it.
    unsafe {
        IoQueueWorkItem(
            item,
            Some(run::<F>),
            _WORK_QUEUE_TYPE::DelayedWorkQueue,
            context.cast(),
        )
    };
    Ok(())
}

/// The routine of every work item.
///
/// # Safety
/// The I/O manager calls it once, with the context that [`queue`] made, at PASSIVE_LEVEL.
unsafe extern "C" fn run<F: FnOnce()>(_: *mut DEVICE_OBJECT, context: *mut c_void) {
    // SAFETY: `queue` leaked this box for this call.
    let boxed = unsafe { Box::from_raw(context.cast::<Work<F>>()) };
    let Work { item, work } = *boxed;
    work();
    // SAFETY: allocated by `queue`; it is off the queue, as its routine runs.
    unsafe { IoFreeWorkItem(item) };
}
