//! Mapped views of files, which the memory manager keeps: written out, and given up, when handles, names or connections
//! go.
//!
//! Nothing is cached through the cache manager, so a view that was written to is the only place where data can wait for
//! the server. The routines below wait for paging writes, which this driver answers by its own tasks: they are for
//! dispatch routines, in the thread of whoever asks, and never for a task.

use core::marker::PhantomData;
use core::ptr;

use minirdr::MappedOpen;
use nt::Status;
use wdk_sys::ntddk::{
    CcFlushCache, CcPurgeCacheSection, MmCanFileBeTruncated, MmDoesFileHaveUserWritableReferences,
    MmFlushImageSection, MmForceSectionClosed,
};
use wdk_sys::{IO_STATUS_BLOCK, LARGE_INTEGER, PSECTION_OBJECT_POINTERS, SECTION_OBJECT_POINTERS};

/// `MMFLUSH_TYPE.MmFlushForDelete`.
const FOR_DELETE: wdk_sys::MMFLUSH_TYPE = 0;
/// `MMFLUSH_TYPE.MmFlushForWrite`.
const FOR_WRITE: wdk_sys::MMFLUSH_TYPE = 1;

/// STATUS_USER_MAPPED_FILE.
pub(crate) const USER_MAPPED_FILE: Status = Status(0xC000_0243);

/// What becomes of changed pages that could not be written when a section is to be given up.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unwritten {
    /// They stay, and the section with them: the memory manager goes on trying.
    Kept,
    /// They are lost: the file is taken away by force.
    Lost,
}

/// The sections of one file.
///
/// # Invariants
/// The pointers' memory is live for `'a`.
#[derive(Clone, Copy)]
pub(crate) struct Sections<'a> {
    pointers: PSECTION_OBJECT_POINTERS,
    file: PhantomData<&'a SECTION_OBJECT_POINTERS>,
}

impl Sections<'_> {
    /// # Safety
    /// `pointers` is what the file's FILE_OBJECTs point to, and live for the value's lifetime.
    pub(crate) unsafe fn new(pointers: PSECTION_OBJECT_POINTERS) -> Self {
        Self {
            pointers,
            file: PhantomData,
        }
    }

    /// Whether there is a section for data. Without one, none of the routines below is called: there is nothing to do,
    /// and kernels that have no memory manager to speak of (Wine's) cannot do it.
    fn has_data(self) -> bool {
        // SAFETY: live by the invariant; only an address is taken.
        let word = unsafe { &raw const (*self.pointers).DataSectionObject };
        // SAFETY: as above; the memory manager sets the word atomically.
        !unsafe { word.read_volatile() }.is_null()
    }

    fn has_image(self) -> bool {
        // SAFETY: as in `has_data`.
        let word = unsafe { &raw const (*self.pointers).ImageSectionObject };
        // SAFETY: as in `has_data`.
        !unsafe { word.read_volatile() }.is_null()
    }

    /// Whether the file is, or was, mapped. Without that, everything below does nothing. Any IRQL.
    pub(crate) fn exist(self) -> bool {
        self.has_data() || self.has_image()
    }

    /// Whether the views allow another open: sections outlive the handles that they were made from, whose share access is
    /// given back by then. If they do, and the open is to take the file's data away, they keep nothing of it.
    /// IRQL = PASSIVE_LEVEL.
    ///
    /// # Errors
    /// - `SHARING_VIOLATION`: the file runs as a program and is to be written; or it is mapped to be written, and nobody is to
    ///   write it;
    /// - `CANNOT_DELETE`: it runs as a program and is to be deleted;
    /// - [`USER_MAPPED_FILE`]: views show what is to be taken away; as [`Self::flush`].
    pub(crate) fn allow(self, open: MappedOpen) -> nt::Result {
        if (open.writes || open.deletes) && !self.may_be_written() {
            return Err(if open.deletes {
                Status::CANNOT_DELETE
            } else {
                Status::SHARING_VIOLATION
            });
        }
        if open.uses_data && !open.shares_writing && self.is_mapped_to_be_written() {
            return Err(Status::SHARING_VIOLATION);
        }
        if open.truncates {
            if !self.may_end_at(0) {
                return Err(USER_MAPPED_FILE);
            }
            // The server may refuse yet: until then the data are the file's.
            self.flush()?;
            self.purge_range(None);
        }
        Ok(())
    }

    /// Whether the file does not run as a program. What is kept of one that ran is given up. IRQL <= APC_LEVEL.
    fn may_be_written(self) -> bool {
        // SAFETY: the pointers are a live file's. IRQL <= APC_LEVEL.
        !self.has_image() || unsafe { MmFlushImageSection(self.pointers, FOR_WRITE) } != 0
    }

    /// Whether somebody has a view that can be written. IRQL <= APC_LEVEL.
    fn is_mapped_to_be_written(self) -> bool {
        // SAFETY: as in `may_be_written`.
        self.has_data() && unsafe { MmDoesFileHaveUserWritableReferences(self.pointers) } != 0
    }

    /// Writes what views have changed to the server, and waits for that. IRQL <= APC_LEVEL.
    ///
    /// # Errors
    /// What a paging write came to.
    pub(crate) fn flush(self) -> nt::Result {
        self.flush_range(None)
    }

    /// [`Self::flush`] of a range: before it is read from the server.
    ///
    /// # Errors
    /// What a paging write came to.
    pub(crate) fn flush_range(self, range: Option<(i64, u32)>) -> nt::Result {
        if !self.has_data() {
            return Ok(());
        }
        let (mut offset, length) = offset_of(range);
        let mut outcome = IO_STATUS_BLOCK::default();
        let from = range.map_or(ptr::null_mut(), |_| &raw mut offset);
        // SAFETY: the pointers are a live file's, offset and outcome outlive the call. IRQL <= APC_LEVEL.
        unsafe { CcFlushCache(self.pointers, from, length, &raw mut outcome) };
        // SAFETY: the routine stores a status, not the pointer that shares its place.
        Status::from_ntstatus(unsafe { outcome.__bindgen_anon_1.Status }).ok()
    }

    /// Makes views read a range anew that is about to change on the server; without one, the whole file. IRQL <=
    /// APC_LEVEL. What a view keeps in use stays: two who change one place at a time have no order.
    pub(crate) fn purge_range(self, range: Option<(i64, u32)>) {
        if !self.has_data() {
            return;
        }
        let (mut offset, length) = offset_of(range);
        let from = range.map_or(ptr::null_mut(), |_| &raw mut offset);
        // SAFETY: as in `flush_range`.
        let _purged = unsafe { CcPurgeCacheSection(self.pointers, from, length, 0) };
    }

    /// Whether the file may be deleted: not while it runs as a program. IRQL <= APC_LEVEL.
    pub(crate) fn may_be_deleted(self) -> bool {
        // SAFETY: the pointers are a live file's. IRQL <= APC_LEVEL.
        !self.has_image() || unsafe { MmFlushImageSection(self.pointers, FOR_DELETE) } != 0
    }

    /// Whether the file may end at `size`: not while views show what lies behind that, nor while it runs as a program.
    /// IRQL <= APC_LEVEL.
    pub(crate) fn may_end_at(self, size: i64) -> bool {
        let mut size = LARGE_INTEGER { QuadPart: size };
        // SAFETY: the pointers are a live file's, the size outlives the call. IRQL <= APC_LEVEL.
        !self.has_data() && !self.has_image()
            || unsafe { MmCanFileBeTruncated(self.pointers, &raw mut size) } != 0
    }

    /// Gives up what is kept of views that nobody has any more; with it go the references to the file objects that they
    /// were made from. What is still in use stays. `reachable` says whether it is worth while to write what is changed,
    /// and is asked only where there may be something. IRQL <= APC_LEVEL.
    pub(crate) fn close_unused(self, unwritten: Unwritten, reachable: impl FnOnce() -> bool) {
        let written = !self.has_data() || reachable() && self.flush().is_ok();
        // To close a section is to throw away what is changed in it.
        if !written && unwritten == Unwritten::Kept {
            return;
        }
        let _unused = self.may_be_written();
        if self.has_data() {
            // SAFETY: the pointers are a live file's. IRQL <= APC_LEVEL. What is in use is closed later, when it is not.
            let _closed = unsafe { MmForceSectionClosed(self.pointers, 1) };
        }
    }
}

/// A range in the routines' terms: without one, the whole file.
fn offset_of(range: Option<(i64, u32)>) -> (LARGE_INTEGER, u32) {
    let (offset, length) = range.unwrap_or((0, 0));
    (LARGE_INTEGER { QuadPart: offset }, length)
}
