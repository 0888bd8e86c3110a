//! The parameters of a create.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::cell::UnsafeCell;
use core::ptr;
use executive::mem::{AllocError, TryVec, try_box};
use ioctl::irp::{Open, OpenFlags};
use wdk_sys::{ACCESS_STATE, IO_SECURITY_CONTEXT};

/// What the stack location of a create says and points to.
pub(crate) struct Create {
    security: Box<UnsafeCell<Security>>,
    pub(super) options: u32,
    pub(super) attributes: u16,
    pub(super) share: u16,
    /// The flags of the stack location.
    pub(super) flags: u8,
    /// Whether the driver object says meanwhile that an unload has begun.
    pub(crate) unload_begun: bool,
    /// `Irp->Overlay.AllocationSize`.
    pub(crate) allocation: u64,
    ea: Vec<u8>,
}

struct Security {
    context: IO_SECURITY_CONTEXT,
    state: ACCESS_STATE,
}

impl Create {
    pub(crate) fn try_new(open: &Open<'_>) -> Result<Self, AllocError> {
        let access = open.access.bits();
        let options = open.options.bits();
        let mut ea = Vec::new();
        ea.try_extend_from_slice(open.ea)?;
        Ok(Create {
            security: security(access, options)?,
            // The disposition travels in the high byte.
            options: open.disposition.0 << 24 | options & 0x00FF_FFFF,
            // CAST: the fields have sixteen bits, and the flags eight; what lies above is for this driver.
            attributes: open.attributes.bits() as u16,
            share: open.share.bits() as u16,
            flags: open.flags.bits() as u8,
            unload_begun: open.flags.contains(OpenFlags::UNLOAD_BEGUN),
            allocation: open.allocation,
            ea,
        })
    }

    /// The extended attributes, which the I/O manager keeps in the system buffer.
    pub(super) fn ea(&self) -> *mut u8 {
        if self.ea.is_empty() {
            ptr::null_mut()
        } else {
            self.ea.as_ptr().cast_mut()
        }
    }

    pub(super) fn ea_len(&self) -> u32 {
        // CAST: requests are bounded when they are parsed.
        self.ea.len() as u32
    }

    pub(super) fn security(&self) -> *mut IO_SECURITY_CONTEXT {
        context_in(&self.security)
    }
}

/// What a caller asks for, with the state of the check of its access.
fn security(access: u32, options: u32) -> Result<Box<UnsafeCell<Security>>, AllocError> {
    let security = Security {
        context: IO_SECURITY_CONTEXT {
            DesiredAccess: access,
            FullCreateOptions: options,
            ..IO_SECURITY_CONTEXT::default()
        },
        state: ACCESS_STATE {
            OriginalDesiredAccess: access,
            RemainingDesiredAccess: access,
            ..ACCESS_STATE::default()
        },
    };
    let security = try_box(UnsafeCell::new(security))?;
    let place = security.get();
    // SAFETY: the box is live; only an address is taken.
    let state = unsafe { &raw mut (*place).state };
    // SAFETY: the box is ours alone so far.
    unsafe { (*place).context.AccessState = state };
    Ok(security)
}

fn context_in(security: &UnsafeCell<Security>) -> *mut IO_SECURITY_CONTEXT {
    // SAFETY: the cell is live; only an address is taken.
    unsafe { &raw mut (*security.get()).context }
}

/// A security context by itself, at an address that does not change.
pub(crate) struct Context(Box<UnsafeCell<Security>>);

impl Context {
    pub(crate) fn try_new(access: u32) -> Result<Self, AllocError> {
        Ok(Context(security(access, 0)?))
    }

    pub(crate) fn get(&self) -> *mut IO_SECURITY_CONTEXT {
        context_in(&self.0)
    }
}
