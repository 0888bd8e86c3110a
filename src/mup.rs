//! Registration with MUP as a provider of UNC names (`ProvideUnc`).
//!
//! A provider's device has no name of its own: MUP makes the name, as a link to itself, and sends what is opened there
//! on to the device. So whoever opens the device's name has been let in by MUP's security descriptor, not by the
//! device's, and [`check_access`] looks again.

use core::ptr;

use nt::{AccessMask, Status, ascii};
use wdk_sys::ntddk::{
    IoGetFileObjectGenericMapping, ObGetObjectSecurity, ObReleaseObjectSecurity, SeAccessCheck,
};
use wdk_sys::{DEVICE_OBJECT, HANDLE, NTSTATUS, PSECURITY_DESCRIPTOR, PUNICODE_STRING, PVOID, ULONG};

use crate::irp::Irp;
use crate::unicode::{self, routine};

/// `FsRtlRegisterUncProviderEx`. It is looked for, not linked: without it the driver still loads, and serves drives.
type Register = unsafe extern "C" fn(*mut HANDLE, PUNICODE_STRING, *mut DEVICE_OBJECT, ULONG) -> NTSTATUS;
/// `FsRtlDeregisterUncProvider`.
type Deregister = unsafe extern "C" fn(HANDLE);

/// The kernel's two routines.
#[derive(Clone, Copy)]
pub(crate) struct Mup {
    register: Register,
    deregister: Deregister,
}

impl Mup {
    /// Finds the routines; `None` where the kernel has none. IRQL = PASSIVE_LEVEL.
    pub(crate) fn find() -> Option<Self> {
        let register = routine(&ascii!("FsRtlRegisterUncProviderEx"))?;
        let deregister = routine(&ascii!("FsRtlDeregisterUncProvider"))?;
        Some(Self {
            // SAFETY: the address is that of the routine of this name, which has this documented type.
            register: unsafe { core::mem::transmute::<PVOID, Register>(register) },
            // SAFETY: as above.
            deregister: unsafe { core::mem::transmute::<PVOID, Deregister>(deregister) },
        })
    }

    /// Registers a device without a name under `name`. IRQL = PASSIVE_LEVEL.
    ///
    /// # Errors
    /// Those of FsRtlRegisterUncProviderEx.
    ///
    /// # Safety
    /// `device` is live until the registration is dropped.
    pub(crate) unsafe fn register(
        self,
        name: &[u16],
        device: *mut DEVICE_OBJECT,
    ) -> nt::Result<Registration> {
        let mut name = unicode::describe(name)?;
        let mut handle = ptr::null_mut();
        // SAFETY: name and handle live through the call; the device is live (the caller's word). PASSIVE_LEVEL.
        let status = unsafe { (self.register)(&raw mut handle, &raw mut name, device, 0) };
        Status::from_ntstatus(status).ok()?;
        Ok(Registration { handle, mup: self })
    }
}

/// A registration, given up when dropped.
pub(crate) struct Registration {
    handle: HANDLE,
    mup: Mup,
}

// SAFETY: MUP's handle belongs to the system, not to a thread.
unsafe impl Send for Registration {}
// SAFETY: as above; nothing is done through a shared reference.
unsafe impl Sync for Registration {}

impl Drop for Registration {
    fn drop(&mut self) {
        // SAFETY: the handle is the one that registering gave, and is given back once. PASSIVE_LEVEL.
        unsafe { (self.mup.deregister)(self.handle) };
    }
}

/// Whether who opens the bare device by a name of MUP's may do so by the device's own security descriptor. To be called
/// in the opener's thread at PASSIVE_LEVEL, for a CREATE request.
///
/// # Errors
/// `ACCESS_DENIED`, or what the check comes to.
pub(crate) fn check_access(device: *mut DEVICE_OBJECT, irp: &Irp) -> nt::Result {
    if irp.is_from_kernel() {
        return Ok(());
    }
    // SAFETY: this is a CREATE request, so its parameters are the Create member.
    let create = unsafe { irp.stack().Parameters.Create };
    // SAFETY: null, or the I/O manager's security context, which lives as long as the CREATE request.
    let context = unsafe { create.SecurityContext.as_ref() }.ok_or(Status::ACCESS_DENIED)?;
    // SAFETY: as above: the access state belongs to the security context.
    let state = unsafe { context.AccessState.as_mut() }.ok_or(Status::ACCESS_DENIED)?;
    let asked = AccessMask::from_bits_retain(context.DesiredAccess);
    // The handle has got all that MUP allows: so whoever asks for all there is must be allowed everything.
    let asked = if asked.contains(AccessMask::MAXIMUM_ALLOWED) {
        AccessMask::FILE_ALL_ACCESS
    } else {
        asked
    };
    let (mut descriptor, mut allocated): (PSECURITY_DESCRIPTOR, u8) = (ptr::null_mut(), 0);
    // SAFETY: a live device object; the outputs live through the call. PASSIVE_LEVEL.
    let status = unsafe { ObGetObjectSecurity(device.cast(), &raw mut descriptor, &raw mut allocated) };
    Status::from_ntstatus(status).ok()?;
    // SAFETY: the routine has no conditions.
    let mapping = unsafe { IoGetFileObjectGenericMapping() };
    let (mut granted, mut status) = (0, 0);
    // SAFETY: the descriptor was given for this; the subject context is captured and not locked; the outputs live
    // through the call. PASSIVE_LEVEL.
    let allowed = unsafe {
        SeAccessCheck(
            descriptor,
            &raw mut state.SubjectSecurityContext,
            0,
            asked.bits(),
            0,
            ptr::null_mut(),
            mapping,
            USER_MODE,
            &raw mut granted,
            &raw mut status,
        )
    };
    // SAFETY: given by ObGetObjectSecurity, given back once.
    unsafe { ObReleaseObjectSecurity(descriptor, allocated) };
    if allowed != 0 {
        Ok(())
    } else {
        Err(Status::from_ntstatus(status)
            .ok()
            .err()
            .unwrap_or(Status::ACCESS_DENIED))
    }
}

/// `MODE.UserMode`.
const USER_MODE: i8 = 1;
