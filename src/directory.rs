//! IRP_MJ_DIRECTORY_CONTROL: listing a directory and watching one.

use minirdr::{DirectoryQuery, NotifyFilter, NotifyRequest};
use nt::{FileInformationClass, NameBuf, Status};
use wdk_sys::{
    IRP_MN_NOTIFY_CHANGE_DIRECTORY, IRP_MN_QUERY_DIRECTORY, NTSTATUS, SL_RESTART_SCAN,
    SL_RETURN_SINGLE_ENTRY, SL_WATCH_TREE, UNICODE_STRING,
};

use crate::driver::Driver;
use crate::information::number;
use crate::irp::{Irp, Use, pend};
use crate::unicode;

/// IRP_MJ_DIRECTORY_CONTROL.
pub(crate) fn control(driver: &Driver, irp: Irp) -> NTSTATUS {
    match u32::from(irp.stack().MinorFunction) {
        IRP_MN_QUERY_DIRECTORY => query(driver, irp),
        IRP_MN_NOTIFY_CHANGE_DIRECTORY => notify(driver, irp),
        _ => irp.answer(Err(Status::NOT_SUPPORTED)),
    }
}

/// Waits for changes, for as long as it takes.
fn notify(driver: &Driver, mut irp: Irp) -> NTSTATUS {
    // SAFETY: this is a NOTIFY_CHANGE_DIRECTORY request, so its parameters are the NotifyDirectory member.
    let notify = unsafe { irp.stack().Parameters.NotifyDirectory };
    let length = notify.Length as usize;
    let request = NotifyRequest {
        filter: NotifyFilter(notify.CompletionFilter),
        watch_tree: u32::from(irp.stack().Flags) & SL_WATCH_TREE != 0,
    };
    let file = match irp.file() {
        Ok(file) => file,
        Err(status) => return irp.answer(Err(status)),
    };
    if let Err(status) = irp.lock_buffer(length, Use::Output) {
        return irp.answer(Err(status));
    }
    pend(driver.runtime(), irp, move |mut pending, cancel| async move {
        let result = match pending.irp().direct_buffer(length) {
            Ok(buffer) => file.notify_change(request, buffer, &cancel).await,
            Err(status) => Err(status),
        };
        pending.complete(result.map(|(written, status)| (status, written)));
    })
}

fn query(driver: &Driver, mut irp: Irp) -> NTSTATUS {
    let flags = u32::from(irp.stack().Flags);
    // SAFETY: this is a QUERY_DIRECTORY request, so its parameters are the QueryDirectory member.
    let query = unsafe { irp.stack().Parameters.QueryDirectory };
    let length = query.Length as usize;
    let class = FileInformationClass(number(query.FileInformationClass));
    let pattern: *mut UNICODE_STRING = query.FileName.cast();
    // SAFETY: null, or the I/O manager's own copy of the pattern, which lives as long as the request.
    let pattern = match unsafe { pattern.as_ref() } {
        None => Ok(None),
        // SAFETY: as above, and nobody writes to it.
        Some(pattern) => NameBuf::try_from_name(unsafe { unicode::view(pattern) }).map(Some),
    };
    let (file, pattern) = match (irp.file(), pattern) {
        (Ok(file), Ok(pattern)) => (file, pattern),
        (Err(status), _) | (_, Err(status)) => return irp.answer(Err(status)),
    };
    if let Err(status) = irp.lock_buffer(length, Use::Output) {
        return irp.answer(Err(status));
    }
    let listing = Listing {
        class,
        pattern,
        flags,
    };
    pend(driver.runtime(), irp, move |mut pending, cancel| async move {
        let result = match pending.irp().direct_buffer(length) {
            Ok(buffer) => file.query_directory(&listing.query(), buffer, &cancel).await,
            Err(status) => Err(status),
        };
        pending.complete(result.map(|(written, status)| (status, written)));
    })
}

/// A query as the I/O manager describes it, owned.
struct Listing {
    class: FileInformationClass,
    pattern: Option<NameBuf>,
    flags: u32,
}

impl Listing {
    fn query(&self) -> DirectoryQuery<'_> {
        DirectoryQuery {
            class: self.class,
            pattern: self.pattern.as_ref().map(NameBuf::as_name),
            restart: self.flags & SL_RESTART_SCAN != 0,
            single: self.flags & SL_RETURN_SINGLE_ENTRY != 0,
        }
    }
}
