//! The device `\\.\Mrx9pIrp` and the IRPs that users send to it.

use crate::file::File;
use crate::handles::{Handles, Owner};
use crate::serve::{abandon, serve};
use crate::stack;
use crate::target::{counted, wide};
use core::ptr::{self, NonNull};
use core::slice;
use core::sync::atomic::AtomicU64;
use executive::mem::Arc;
use executive::sync::SpinLock;
use executive::task::Runtime;
use ioctl::irp::Handle;
use nt::Status;
use wdk_sys::ntddk::{
    IoCreateDevice, IoCreateSymbolicLink, IoDeleteDevice, IoDeleteSymbolicLink, IofCompleteRequest,
};
use wdk_sys::{
    DEVICE_OBJECT, DO_DEVICE_INITIALIZING, DRIVER_OBJECT, FILE_DEVICE_UNKNOWN, IO_STACK_LOCATION, IRP,
    IRP_MJ_CLEANUP, IRP_MJ_CLOSE, IRP_MJ_CREATE, IRP_MJ_DEVICE_CONTROL, NTSTATUS, SL_PENDING_RETURNED,
    STATUS_PENDING,
};

static DEVICE_NAME: [u16; 17] = wide(b"\\Device\\Mrx9pIrp\0");
static LINK_NAME: [u16; 28] = wide(b"\\DosDevices\\Global\\Mrx9pIrp\0");

/// What the driver has.
pub(crate) struct World {
    runtime: Runtime,
    pub(crate) handles: SpinLock<Handles>,
    /// IRPs that were sent and have not completed.
    pub(crate) pending: AtomicU64,
    /// IRPs ever sent.
    pub(crate) sent: AtomicU64,
}

impl World {
    /// The file of a handle number.
    ///
    /// # Errors
    /// INVALID_HANDLE if it is none of this owner's.
    pub(crate) fn file(&self, handle: Handle, owner: Owner) -> nt::Result<Arc<File>> {
        self.handles
            .lock()
            .get(handle, owner)
            .ok_or(Status::INVALID_HANDLE)
    }
}

/// What the device's extension holds: an `Arc<World>` as a pointer.
type Extension = *const World;

/// Makes the device. IRQL = PASSIVE_LEVEL.
pub(crate) fn start(driver: &mut DRIVER_OBJECT) -> nt::Result {
    let world = Arc::try_new(World {
        runtime: Runtime::start(1)?,
        handles: SpinLock::default(),
        pending: AtomicU64::new(0),
        sent: AtomicU64::new(0),
    })?;
    let made = make_device(driver, &world);
    if made.is_err() {
        world.runtime.shutdown();
    }
    made
}

fn make_device(driver: &mut DRIVER_OBJECT, world: &Arc<World>) -> nt::Result {
    driver.DriverUnload = Some(unload);
    for major in [IRP_MJ_CREATE, IRP_MJ_CLEANUP, IRP_MJ_CLOSE, IRP_MJ_DEVICE_CONTROL] {
        if let Some(entry) = driver.MajorFunction.get_mut(major as usize) {
            *entry = Some(dispatch);
        }
    }
    let (mut name, mut link) = (counted(&DEVICE_NAME), counted(&LINK_NAME));
    let mut device = ptr::null_mut();
    // SAFETY: the arguments live through the call; the driver object is the one being initialised.
    check(unsafe {
        // CAST: the size of a pointer.
        IoCreateDevice(
            driver,
            size_of::<Extension>() as u32,
            &raw mut name,
            FILE_DEVICE_UNKNOWN,
            0,
            0,
            &raw mut device,
        )
    })?;
    // SAFETY: both names live through the call.
    if let Err(status) = check(unsafe { IoCreateSymbolicLink(&raw mut link, &raw mut name) }) {
        // SAFETY: the device was made above and nobody else refers to it.
        unsafe { IoDeleteDevice(device) };
        return Err(status);
    }
    // SAFETY: the device was just made.
    let extension = unsafe { (*device).DeviceExtension }.cast::<Extension>();
    // SAFETY: the extension is as large as was asked for, aligned for a pointer, and ours.
    unsafe { extension.write(Arc::into_raw(world.clone())) };
    // SAFETY: the device was just made; until this nobody can have opened it.
    unsafe { (*device).Flags &= !DO_DEVICE_INITIALIZING };
    Ok(())
}

/// DriverUnload: every handle to the device has been closed.
unsafe extern "C" fn unload(driver: *mut DRIVER_OBJECT) {
    let mut link = counted(&LINK_NAME);
    // SAFETY: the name lives through the call.
    let _deleted = unsafe { IoDeleteSymbolicLink(&raw mut link) };
    // SAFETY: the I/O manager passes the driver object that DriverEntry saw.
    let device = unsafe { (*driver).DeviceObject };
    if device.is_null() {
        return;
    }
    // SAFETY: the device is ours and made by `make_device`; no request is running with it any more.
    let world = unsafe { world_of(device) };
    // SAFETY: as above.
    let extension = unsafe { (*device).DeviceExtension }.cast::<Extension>();
    // SAFETY: `make_device` wrote it.
    let held = unsafe { *extension };
    // SAFETY: this takes back what `make_device` put there, once.
    drop(unsafe { Arc::from_raw(held) });
    world.runtime.shutdown();
    // SAFETY: nobody refers to the device any more.
    unsafe { IoDeleteDevice(device) };
}

/// # Safety
/// `device` was made by `make_device` and is not being unloaded.
unsafe fn world_of(device: *mut DEVICE_OBJECT) -> Arc<World> {
    // SAFETY: the caller's promise.
    let extension = unsafe { (*device).DeviceExtension }.cast::<Extension>();
    // SAFETY: `make_device` wrote it.
    let world = unsafe { *extension };
    // SAFETY: the extension's count stays until the driver is unloaded.
    unsafe { Arc::clone_from_raw(world) }
}

/// The dispatch routine. It never waits: one thread may serve both this driver and mrx9p.
///
/// # Safety
/// The I/O manager calls it with a device of this driver and an IRP for it.
unsafe extern "C" fn dispatch(device: *mut DEVICE_OBJECT, irp: *mut IRP) -> NTSTATUS {
    // SAFETY: the caller's promise.
    let world = unsafe { world_of(device) };
    // SAFETY: the caller's promise, and the IRP is taken only here.
    let Some(mut outer) = (unsafe { Outer::take(irp) }) else {
        return Status::INVALID_PARAMETER.as_ntstatus();
    };
    match u32::from(outer.location().MajorFunction) {
        IRP_MJ_DEVICE_CONTROL => {
            outer.mark_pending();
            // If there is no memory for the task, dropping its future completes the IRP.
            let _task = world.runtime.spawn(serve(world.clone(), outer));
            STATUS_PENDING
        }
        IRP_MJ_CLOSE => {
            let _task = world.runtime.spawn(abandon(world.clone(), outer.owner()));
            outer.complete(Status::SUCCESS, 0);
            Status::SUCCESS.as_ntstatus()
        }
        _ => {
            outer.complete(Status::SUCCESS, 0);
            Status::SUCCESS.as_ntstatus()
        }
    }
}

/// An IRP of a user's, which is owed its completion: dropped, it is completed with INSUFFICIENT_RESOURCES.
pub(crate) struct Outer {
    irp: NonNull<IRP>,
    location: NonNull<IO_STACK_LOCATION>,
}

// SAFETY: an IRP belongs to its driver, not to a thread.
unsafe impl Send for Outer {}
// SAFETY: through a shared reference only what stays the same until completion is read.
unsafe impl Sync for Outer {}

impl Outer {
    /// # Safety
    /// The I/O manager handed `irp` to this driver, and nobody else completes it.
    unsafe fn take(irp: *mut IRP) -> Option<Self> {
        let irp = NonNull::new(irp)?;
        // SAFETY: an IRP in dispatch is live and has a current stack location.
        let location = unsafe { stack::current(irp) }?;
        Some(Outer { irp, location })
    }

    fn location(&self) -> &IO_STACK_LOCATION {
        // SAFETY: it lives until completion; only `mark_pending` changes it.
        unsafe { self.location.as_ref() }
    }

    fn mark_pending(&mut self) {
        // SAFETY: it lives until completion, and `self` is borrowed mutably.
        let location = unsafe { self.location.as_mut() };
        // CAST: a bit of a byte.
        location.Control |= SL_PENDING_RETURNED as u8;
    }

    /// Whose request it is.
    pub(crate) fn owner(&self) -> Owner {
        self.location().FileObject.addr()
    }

    pub(crate) fn code(&self) -> u32 {
        // SAFETY: used for device controls alone.
        unsafe { self.location().Parameters.DeviceIoControl.IoControlCode }
    }

    pub(crate) fn output_len(&self) -> usize {
        // SAFETY: used for device controls alone.
        unsafe { self.location().Parameters.DeviceIoControl.OutputBufferLength as usize }
    }

    /// The input, in the buffer that is also the output.
    pub(crate) fn input(&self) -> nt::Result<&[u8]> {
        // SAFETY: used for device controls alone.
        let len = unsafe { self.location().Parameters.DeviceIoControl.InputBufferLength as usize };
        if len == 0 {
            return Ok(&[]);
        }
        let start = self.system_buffer()?;
        // SAFETY: the system buffer is at least as long as the input, which the I/O manager copied there; it changes
        // only through `&mut self`.
        Ok(unsafe { slice::from_raw_parts(start.as_ptr(), len) })
    }

    /// The output buffer.
    pub(crate) fn output(&mut self) -> nt::Result<&mut [u8]> {
        let len = self.output_len();
        if len == 0 {
            return Ok(&mut []);
        }
        let start = self.system_buffer()?;
        // SAFETY: the system buffer is at least as long as the output, and ours until completion.
        Ok(unsafe { slice::from_raw_parts_mut(start.as_ptr(), len) })
    }

    fn system_buffer(&self) -> nt::Result<NonNull<u8>> {
        // SAFETY: the IRP is live until it is completed.
        let associated = unsafe { (*self.irp.as_ptr()).AssociatedIrp };
        // SAFETY: the method is METHOD_BUFFERED: this arm is in use.
        NonNull::new(unsafe { associated.SystemBuffer }.cast()).ok_or(Status::INVALID_PARAMETER)
    }

    /// Completes the IRP with that many bytes of output.
    pub(crate) fn complete(self, status: Status, len: usize) {
        self.finish(status, len);
        core::mem::forget(self);
    }

    fn finish(&self, status: Status, len: usize) {
        // SAFETY: the IRP is live until it is completed, just below.
        let irp = unsafe { &mut *self.irp.as_ptr() };
        irp.IoStatus.__bindgen_anon_1.Status = status.as_ntstatus();
        irp.IoStatus.Information = len as u64;
        // SAFETY: the IRP is ours, and is completed once: `complete` forgets `self`, and drop is the end.
        unsafe { IofCompleteRequest(self.irp.as_ptr(), 0) };
    }
}

impl Drop for Outer {
    fn drop(&mut self) {
        self.finish(Status::INSUFFICIENT_RESOURCES, 0);
    }
}

fn check(status: NTSTATUS) -> nt::Result {
    let status = Status(status.cast_unsigned());
    if status.is_error() { Err(status) } else { Ok(()) }
}
