//! The device, its security and its visible name.

mod security;

use core::ffi::c_void;
use core::ptr::{self, NonNull};
use core::sync::atomic::{AtomicPtr, Ordering};

use executive::sync::SpinLock;
use nt::{Status, ascii};
use wdk_sys::ntddk::{
    IoCreateDevice, IoCreateSymbolicLink, IoDeleteDevice, IoDeleteSymbolicLink, ObOpenObjectByPointer,
    ZwClose, ZwSetSecurityObject,
};
use wdk_sys::{
    DACL_SECURITY_INFORMATION, DEVICE_OBJECT, DO_DIRECT_IO, DRIVER_OBJECT, FILE_DEVICE_NETWORK_FILE_SYSTEM,
    FILE_REMOTE_DEVICE, HANDLE, OBJ_KERNEL_HANDLE, UNICODE_STRING, WRITE_DAC,
};

use crate::irp::Irp;
use crate::mup::{self, Mup};
use crate::unicode;

/// [`ioctl::DEVICE_NAME`].
const DEVICE_NAME: &[u16] = &ascii!(r"\Device\Mrx9p");
/// [`ioctl::LINK_NAME`].
const LINK_NAME: &[u16] = &ascii!(r"\DosDevices\Global\Mrx9p");

/// The driver's one device while it lives.
static LIVE: AtomicPtr<DEVICE_OBJECT> = AtomicPtr::new(ptr::null_mut());

/// The driver's device object, from [`Device::create`] on until the driver is taken apart.
pub(crate) fn live() -> Option<NonNull<DEVICE_OBJECT>> {
    NonNull::new(LIVE.load(Ordering::Acquire))
}

/// `\Device\Mrx9p`. Deleted when dropped.
pub(crate) struct Device {
    object: NonNull<DEVICE_OBJECT>,
    /// Whether MUP has let in who opens the device.
    behind_mup: bool,
    registration: SpinLock<Option<mup::Registration>>,
}

// SAFETY: a device object belongs to no thread.
unsafe impl Send for Device {}
// SAFETY: shared references only read the pointer.
unsafe impl Sync for Device {}

impl Device {
    /// Creates the device, secured but without a context; with `mup`, as a provider of UNC names if MUP takes it.
    /// IRQL = PASSIVE_LEVEL, in DriverEntry: until that returns, DO_DEVICE_INITIALIZING keeps everybody out.
    ///
    /// # Errors
    /// `OBJECT_NAME_COLLISION` when the name is taken, `INSUFFICIENT_RESOURCES`, or what setting the security came to.
    pub(crate) fn create(driver: NonNull<DRIVER_OBJECT>, mup: Option<Mup>) -> nt::Result<Self> {
        if let Some(mup) = mup {
            match Self::create_provider(driver, mup) {
                Ok(device) => return Ok(device),
                Err(status) => wdk::println!("mrx9p: MUP refuses, only drives are served: {status}"),
            }
        }
        let mut name = unicode::describe(DEVICE_NAME)?;
        Self::make(driver, &raw mut name)
    }

    /// A device whose name is MUP's.
    fn create_provider(driver: NonNull<DRIVER_OBJECT>, mup: Mup) -> nt::Result<Self> {
        let mut device = Self::make(driver, ptr::null_mut())?;
        device.behind_mup = true;
        // SAFETY: the device is live until `drop`, which gives the registration up first.
        let registration = unsafe { mup.register(DEVICE_NAME, device.object.as_ptr()) }?;
        *device.registration.lock() = Some(registration);
        Ok(device)
    }

    /// Whether it is a provider of UNC names.
    pub(crate) fn is_behind_mup(&self) -> bool {
        self.behind_mup
    }

    /// Gives the registration with MUP up, if there is one: MUP asks without having opened the device, so nothing but
    /// this keeps its questions from a driver that is being taken apart. IRQL = PASSIVE_LEVEL.
    pub(crate) fn leave_mup(&self) {
        let registration = self.registration.lock().take();
        drop(registration);
    }

    /// `name` is null or lives through the call.
    fn make(driver: NonNull<DRIVER_OBJECT>, name: *mut UNICODE_STRING) -> nt::Result<Self> {
        let mut device = ptr::null_mut();
        // SAFETY: the driver object is the one DriverEntry was given; the name outlives the call. PASSIVE_LEVEL.
        let status = unsafe {
            IoCreateDevice(
                driver.as_ptr(),
                size_of::<AtomicPtr<c_void>>() as u32,
                name,
                FILE_DEVICE_NETWORK_FILE_SYSTEM,
                FILE_REMOTE_DEVICE,
                0,
                &raw mut device,
            )
        };
        Status::from_ntstatus(status).ok()?;
        let device = Self {
            object: NonNull::new(device).ok_or(Status::UNSUCCESSFUL)?,
            behind_mup: false,
            registration: SpinLock::default(),
        };
        device.secure()?;
        // READ, WRITE and QUERY_DIRECTORY buffers then arrive locked, probed by the I/O manager.
        // SAFETY: just created; nobody sends requests to it yet.
        unsafe { (*device.object.as_ptr()).Flags |= DO_DIRECT_IO };
        LIVE.store(device.object.as_ptr(), Ordering::Release);
        Ok(device)
    }

    /// Replaces the default access control list by [`security::DESCRIPTOR`].
    fn secure(&self) -> nt::Result {
        let mut handle: HANDLE = ptr::null_mut();
        // SAFETY: the object is a live device object; kernel mode needs no type. PASSIVE_LEVEL.
        let status = unsafe {
            ObOpenObjectByPointer(
                self.object.as_ptr().cast(),
                OBJ_KERNEL_HANDLE,
                ptr::null_mut(),
                WRITE_DAC,
                ptr::null_mut(),
                KERNEL_MODE,
                &raw mut handle,
            )
        };
        Status::from_ntstatus(status).ok()?;
        let descriptor = (&raw const security::DESCRIPTOR).cast_mut().cast();
        // SAFETY: the handle is open for WRITE_DAC; the descriptor is a valid self-relative one, and only read.
        let status = unsafe { ZwSetSecurityObject(handle, DACL_SECURITY_INFORMATION, descriptor) };
        // SAFETY: opened above, closed once.
        let _ = unsafe { ZwClose(handle) };
        Status::from_ntstatus(status).ok()
    }

    /// Whether who opens the bare device may.
    ///
    /// # Errors
    /// As [`mup::check_access`]. Without MUP the I/O manager has looked already.
    pub(crate) fn check_access(&self, irp: &Irp) -> nt::Result {
        if self.behind_mup {
            mup::check_access(self.object.as_ptr(), irp)
        } else {
            Ok(())
        }
    }

    /// Lets the dispatch routines find what belongs to the device; null: nothing any more.
    pub(crate) fn set_context(&self, context: *mut c_void) {
        // SAFETY: a live device of ours.
        unsafe { context_of(self.object.as_ptr()) }.store(context, Ordering::Release);
    }
}

impl Drop for Device {
    fn drop(&mut self) {
        self.leave_mup();
        LIVE.store(ptr::null_mut(), Ordering::Release);
        // SAFETY: created by us and deleted once; no handle is open on it, or the driver would not unload.
        unsafe { IoDeleteDevice(self.object.as_ptr()) };
    }
}

/// The device's extension: one word, null until [`Device::set_context`].
///
/// # Safety
/// `device` is a live device of this driver for as long as the result is used.
pub(crate) unsafe fn context_of<'a>(device: *mut DEVICE_OBJECT) -> &'a AtomicPtr<c_void> {
    // SAFETY: the caller's word; the field never changes.
    let extension = unsafe { (*device).DeviceExtension };
    // SAFETY: IoCreateDevice was asked for an extension of this size, and zeroed it; only atomics access it.
    unsafe { AtomicPtr::from_ptr(extension.cast()) }
}

/// `\DosDevices\Global\Mrx9p`, by which programs find the device. Deleted when dropped.
pub(crate) struct Link(());

impl Link {
    /// Creates the link. IRQL = PASSIVE_LEVEL.
    ///
    /// # Errors
    /// `OBJECT_NAME_COLLISION`, `INSUFFICIENT_RESOURCES`.
    pub(crate) fn create() -> nt::Result<Self> {
        let mut name = unicode::describe(LINK_NAME)?;
        let mut target = unicode::describe(DEVICE_NAME)?;
        // SAFETY: both names outlive the call. PASSIVE_LEVEL.
        let status = unsafe { IoCreateSymbolicLink(&raw mut name, &raw mut target) };
        Status::from_ntstatus(status).ok()?;
        Ok(Self(()))
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        if let Ok(mut name) = unicode::describe(LINK_NAME) {
            // SAFETY: the name outlives the call. PASSIVE_LEVEL.
            let _ = unsafe { IoDeleteSymbolicLink(&raw mut name) };
        }
    }
}

/// `MODE.KernelMode`.
const KERNEL_MODE: i8 = 0;
