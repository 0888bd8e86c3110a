//! Opening and closing: IRP_MJ_CREATE, IRP_MJ_CLEANUP, IRP_MJ_CLOSE.

use alloc::vec::Vec;

use executive::mem::{Arc, TryVec};
use minirdr::{CreateRequest, LogonId};
use nt::{AccessMask, CreateDisposition, CreateOptions, FileAttributes, NameBuf, ShareAccess, Status};
use wdk_sys::{
    IO_SECURITY_CONTEXT, NTSTATUS, SL_CASE_SENSITIVE, SL_OPEN_PAGING_FILE, SL_OPEN_TARGET_DIRECTORY,
};

use crate::driver::{Driver, Pass};
use crate::file_object::Target;
use crate::irp::{Irp, pend, pend_always};
use crate::logon;
use crate::platform::OpenFile;
use crate::sections::Unwritten;
#[cfg(feature = "selftest")]
use crate::selftest::close_control;

/// IRP_MJ_CREATE: without a name a control handle, else a file on a server.
pub(crate) fn create(driver: &Driver, irp: Irp) -> NTSTATUS {
    let Some(file_object) = irp.file_object() else {
        return irp.answer(Err(Status::INVALID_DEVICE_REQUEST));
    };
    if file_object.name().is_empty() && file_object.related().is_none() {
        if let Err(status) = driver.device().check_access(&irp) {
            return irp.answer(Err(status));
        }
        if let Err(status) = driver.gate().enter() {
            return irp.answer(Err(status));
        }
        file_object.open_control(driver.control_header());
        // FILE_OPENED: the device is always there.
        return irp.complete(Status::SUCCESS, nt::CreateAction::OPENED.0 as usize);
    }
    let open = match Open::decode(&irp, driver) {
        Ok(open) => open,
        Err(status) => return irp.answer(Err(status)),
    };
    let redirector = driver.redirector().clone();
    let pass = match Pass::new(driver.gate(), redirector.clone()) {
        Ok(pass) => pass,
        Err(status) => return irp.answer(Err(status)),
    };
    pend(driver.runtime(), irp, |pending, cancel| async move {
        let created = redirector
            .create_with_ea(&open.request(), &open.attributes, &cancel)
            .await;
        let result = created.and_then(|created| {
            let file_object = pending.file_object().ok_or(Status::INVALID_DEVICE_REQUEST)?;
            file_object.open(created.file);
            pass.keep();
            Ok((Status::SUCCESS, created.action.0 as usize))
        });
        pending.complete(result);
    })
}

/// An open as the I/O manager describes it, decoded and owned.
struct Open {
    name: NameBuf,
    related: Option<Arc<OpenFile>>,
    logon: LogonId,
    desired_access: AccessMask,
    share_access: ShareAccess,
    disposition: CreateDisposition,
    options: CreateOptions,
    file_attributes: FileAttributes,
    /// Extended attributes of a new file.
    attributes: Vec<u8>,
    /// Opens the directory that the name is in, on behalf of a rename to that name.
    open_target_directory: bool,
    /// Only the name as it is written is meant.
    case_sensitive: bool,
}

impl Open {
    /// # Errors
    /// `INVALID_PARAMETER` for a name relative to something that is no open file; `ACCESS_DENIED` for a paging file;
    /// what the caller's token comes to; `INSUFFICIENT_RESOURCES`.
    fn decode(irp: &Irp, driver: &Driver) -> nt::Result<Self> {
        let stack = irp.stack();
        let file_object = irp.file_object().ok_or(Status::INVALID_DEVICE_REQUEST)?;
        let related = match file_object.related() {
            None => None,
            Some(related) => match related.target() {
                Ok(Target::File(file)) => Some(file),
                Ok(Target::Control) | Err(_) => return Err(Status::INVALID_PARAMETER),
            },
        };
        if u32::from(stack.Flags) & SL_OPEN_PAGING_FILE != 0 {
            return Err(Status::ACCESS_DENIED);
        }
        // SAFETY: this is a CREATE request, so its parameters are the Create member.
        let create = unsafe { stack.Parameters.Create };
        let context: *mut IO_SECURITY_CONTEXT = create.SecurityContext;
        let mut attributes = Vec::new();
        attributes.try_extend_from_slice(irp.create_attributes(create.EaLength as usize)?)?;
        // SAFETY: null, or the I/O manager's security context, which lives as long as the CREATE request.
        let desired_access = unsafe { context.as_ref() }.map_or(0, |context| context.DesiredAccess);
        Ok(Self {
            name: NameBuf::try_from_name(file_object.name())?,
            related,
            logon: logon::of_create(irp, driver.parameters().global_mappings)?,
            desired_access: AccessMask::from_bits_retain(desired_access),
            share_access: ShareAccess::from_bits_retain(create.ShareAccess.into()),
            // The disposition is in the top byte (documented of IRP_MJ_CREATE).
            disposition: CreateDisposition(create.Options >> 24),
            options: CreateOptions::from_bits_retain(create.Options & 0x00FF_FFFF),
            file_attributes: FileAttributes::from_bits_retain(create.FileAttributes.into()),
            attributes,
            open_target_directory: u32::from(stack.Flags) & SL_OPEN_TARGET_DIRECTORY != 0,
            case_sensitive: u32::from(stack.Flags) & SL_CASE_SENSITIVE != 0,
        })
    }

    fn request(&self) -> CreateRequest<'_, crate::platform::PlatformKernel> {
        CreateRequest {
            name: self.name.as_name(),
            related: self.related.as_deref(),
            logon: self.logon,
            desired_access: self.desired_access,
            share_access: self.share_access,
            disposition: self.disposition,
            options: self.options,
            file_attributes: self.file_attributes,
            open_target_directory: self.open_target_directory,
            case_sensitive: self.case_sensitive,
        }
    }
}

/// IRP_MJ_CLEANUP: the last handle to the file object is gone. Never fails, cannot be cancelled.
pub(crate) fn cleanup(driver: &Driver, irp: Irp) -> NTSTATUS {
    let Some(file_object) = irp.file_object() else {
        return irp.answer(Ok(()));
    };
    let Ok(file) = file_object.file() else {
        return irp.answer(Ok(()));
    };
    if file_object.set_cleanup_complete() {
        return irp.answer(Ok(()));
    }
    let sections = file.fcb_header().sections();
    sections.close_unused(Unwritten::Kept, || true);
    pend_always(driver.runtime(), irp, || {
        let file = file.clone();
        async move { file.cleanup().await }
    })
}

/// IRP_MJ_CLOSE: the last reference to the file object is gone. Never fails, cannot be cancelled. Where the I/O manager
/// has sent no CLEANUP, its work is done first.
///
/// Closing needs nobody else and is done here: it takes the tree's lock for a moment, and waits for nothing, so that it may
/// come in any thread and up to APC_LEVEL, as CLOSE does. Whoever completes a request may be the one who lets go of its file object
/// last, and the I/O manager then waits for CLOSE in that very thread: one of the few that poll tasks. A CLOSE that was
/// left to a task could find all of them waiting for such as itself.
pub(crate) fn close(driver: &Driver, irp: Irp) -> NTSTATUS {
    let Some(file_object) = irp.file_object() else {
        return irp.answer(Ok(()));
    };
    let cleaned = file_object.set_cleanup_complete();
    let file = match file_object.close() {
        Ok(Target::File(file)) => file,
        Ok(Target::Control) => return close_control(driver, irp),
        Err(_) => return irp.answer(Ok(())),
    };
    if !cleaned {
        return close_uncleaned(driver, irp, file);
    }
    file.close();
    drop(file);
    driver.gate().leave(driver.redirector());
    irp.answer(Ok(()))
}

/// IRP_MJ_CLOSE of a file object that has seen no CLEANUP. Not inlined: CLOSE comes on stacks of which much is in use.
#[cold]
#[inline(never)]
fn close_uncleaned(driver: &Driver, irp: Irp, file: Arc<OpenFile>) -> NTSTATUS {
    let (gate, redirector) = (driver.gate(), driver.redirector());
    pend_always(driver.runtime(), irp, || {
        let (file, gate, redirector) = (file.clone(), gate.clone(), redirector.clone());
        async move {
            file.cleanup().await;
            file.close();
            drop(file);
            gate.leave(&redirector);
        }
    })
}

/// IRP_MJ_CLOSE of a control handle.
#[cfg(not(feature = "selftest"))]
fn close_control(driver: &Driver, irp: Irp) -> NTSTATUS {
    driver.gate().leave(driver.redirector());
    irp.answer(Ok(()))
}
