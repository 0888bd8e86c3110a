//! Times, attributes, sizes and mode of an open file, set.

use alloc::boxed::Box;
use core::sync::atomic::Ordering;

use executive::mem::try_box;
use ninep::wire::{Fid, Mode, Rgetattr, SetAttrMask, Time, Tsetattr};
use nt::{AccessMask, CreateOptions, FileAttributes, FileTime, Status};

use crate::file::OpenFile;
use crate::information::attributes::ANY_WRITE;
use crate::information::set_information::{SETTABLE_MODE, SYNCHRONOUS};
use crate::objects::Platform;

impl<P: Platform> OpenFile<P> {
    /// FileBasicInformation. `ACCESS_DENIED` without FILE_WRITE_ATTRIBUTES; `INVALID_PARAMETER` for attributes that the
    /// file cannot have.
    pub(crate) async fn set_basic(
        &self,
        access: Option<FileTime>,
        write: Option<FileTime>,
        attributes: FileAttributes,
    ) -> nt::Result {
        if !self.granted_access.contains(AccessMask::WRITE_ATTRIBUTES) {
            return Err(Status::ACCESS_DENIED);
        }
        self.check_attributes(attributes)?;
        let mut request = Tsetattr::new(Fid::NONE);
        if let Some(time) = access {
            request.valid |= SetAttrMask::ATIME | SetAttrMask::ATIME_SET;
            request.atime = server_time(time);
        }
        if let Some(time) = write {
            request.valid |= SetAttrMask::MTIME | SetAttrMask::MTIME_SET;
            request.mtime = server_time(time);
        }
        if attributes.is_empty() {
            return self.set_if_any(request).await;
        }
        let (now, moved) = self.look().await?;
        if let Some(permissions) = permissions(&now, attributes) {
            request.valid |= SetAttrMask::MODE;
            request.mode = Mode(permissions);
        }
        // Linux lets nobody set attributes of a file that he may not write: it is writable first, or last.
        let keeping = try_box(self.keep(&now, moved.as_ref(), attributes))?;
        if attributes.contains(FileAttributes::READONLY) {
            Box::into_pin(keeping).await?;
            self.set_if_any(request).await
        } else {
            self.set_if_any(request).await?;
            Box::into_pin(keeping).await
        }
    }

    async fn set_if_any(&self, request: Tsetattr) -> nt::Result {
        if request.valid.is_empty() {
            Ok(())
        } else {
            self.change(|fid| Tsetattr { fid, ..request }).await
        }
    }

    /// What NT refuses of attributes whatever the file system makes of them (`[MS-FSA]` 2.1.5.15.2).
    fn check_attributes(&self, attributes: FileAttributes) -> nt::Result {
        let impossible = if self.is_directory {
            FileAttributes::TEMPORARY
        } else {
            FileAttributes::DIRECTORY
        };
        if attributes.intersects(impossible) {
            Err(Status::INVALID_PARAMETER)
        } else {
            Ok(())
        }
    }

    /// FileAllocationInformation. 9P cannot preallocate; only giving space back changes what a reader sees.
    pub(crate) async fn set_allocation(&self, size: u64) -> nt::Result {
        self.check_resizable()?;
        if size < self.getattr().await?.size {
            self.set_size(size).await
        } else {
            Ok(())
        }
    }

    /// FileEndOfFileInformation.
    pub(crate) async fn set_size(&self, size: u64) -> nt::Result {
        self.check_resizable()?;
        let request = |fid| Tsetattr {
            valid: SetAttrMask::SIZE,
            size,
            ..Tsetattr::new(fid)
        };
        self.change(request).await
    }

    /// FileValidDataLengthInformation. A server's files have no invalid part: whatever was not written reads as zeroes,
    /// and stays so.
    pub(crate) async fn set_valid_data(&self, length: u64) -> nt::Result {
        self.check_resizable()?;
        if length > self.getattr().await?.size {
            Err(Status::INVALID_PARAMETER)
        } else {
            Ok(())
        }
    }

    /// FileModeInformation, of what can be changed (`[MS-FSA]` 2.1.5.15.7). `INVALID_PARAMETER` where a synchronous handle
    /// would become an asynchronous one, or the other way round.
    pub(crate) fn set_mode(&self, mode: CreateOptions) -> nt::Result {
        let now = self.options();
        if mode.intersects(SYNCHRONOUS) != now.intersects(SYNCHRONOUS) {
            return Err(Status::INVALID_PARAMETER);
        }
        let mut changed = SETTABLE_MODE;
        // What nothing buffers is written through anyway.
        if now.contains(CreateOptions::NO_INTERMEDIATE_BUFFERING) {
            changed -= CreateOptions::WRITE_THROUGH;
        }
        let mode = (now - changed) | (mode & changed);
        self.options.store(mode.bits(), Ordering::Relaxed);
        Ok(())
    }

    fn check_resizable(&self) -> nt::Result {
        if self.is_directory {
            Err(Status::INVALID_PARAMETER)
        } else if self.granted_access.contains(AccessMask::WRITE_DATA) {
            Ok(())
        } else {
            Err(Status::ACCESS_DENIED)
        }
    }
}

/// The permission bits that take READONLY on or off, if any must change. On a directory the bit means something else to
/// NT, and a symbolic link has no permissions: a server would change those of its target.
fn permissions(now: &Rgetattr, attributes: FileAttributes) -> Option<u32> {
    if !now.mode.is_regular() {
        return None;
    }
    let permissions = now.mode.permissions();
    match (
        attributes.contains(FileAttributes::READONLY),
        permissions & ANY_WRITE != 0,
    ) {
        (true, true) => Some(permissions & !ANY_WRITE),
        // The owner gets back what READONLY took; nobody else is let in that way.
        (false, false) => Some(permissions | 0o200),
        _ => None,
    }
}

/// NT time in the server's units.
fn server_time(time: FileTime) -> Time {
    let (seconds, nanoseconds) = time.to_unix();
    Time {
        seconds,
        nanoseconds: u64::from(nanoseconds),
    }
}
