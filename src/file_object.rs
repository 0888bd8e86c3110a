//! FILE_OBJECTs: what this driver keeps in them, and what it reads.
//!
//! `FsContext` points to an [`AdvancedFcbHeader`](crate::fcb::AdvancedFcbHeader), as every file system's must: the
//! file's FCB, or the device's own for a handle to the bare device (a control handle). `FsContext2` is an owned
//! reference to the open file, and null for a control handle.

use core::ffi::c_void;
use core::marker::PhantomData;
use core::ptr::{self, NonNull};
use core::sync::atomic::{AtomicU32, Ordering};

use executive::mem::Arc;
use nt::{Name, Status};
use wdk_sys::{FILE_OBJECT, FO_CLEANUP_COMPLETE, FO_SYNCHRONOUS_IO, LARGE_INTEGER};

use crate::fcb::FcbHeader;
use crate::platform::OpenFile;
use crate::unicode;

/// What a handle is open on.
pub(crate) enum Target {
    /// The bare device: the handle takes IOCTLs.
    Control,
    /// A file or directory on a server.
    File(Arc<OpenFile>),
}

/// A file object of this driver's device, referenced for `'a`.
///
/// # Invariants
/// `raw` points to a live FILE_OBJECT, opened or being opened on a device of this driver or on MUP's: in the latter case
/// it may be another file system's, whose `FsContext` is null or begins with an FSRTL_COMMON_FCB_HEADER, too.
#[derive(Clone, Copy)]
pub(crate) struct FileObject<'a> {
    raw: NonNull<FILE_OBJECT>,
    referenced: PhantomData<&'a FILE_OBJECT>,
}

// SAFETY: file objects belong to no thread; every access here is to a field that the I/O manager serialises, or atomic.
unsafe impl Send for FileObject<'_> {}

impl<'a> FileObject<'a> {
    /// # Safety
    /// `raw` is null or satisfies the invariant for `'a`.
    pub(crate) unsafe fn new(raw: *mut FILE_OBJECT) -> Option<Self> {
        Some(Self {
            raw: NonNull::new(raw)?,
            referenced: PhantomData,
        })
    }

    /// What is behind the handle.
    ///
    /// # Errors
    /// `INVALID_DEVICE_REQUEST` for a file object that no successful open of ours has marked. That it is opened on our
    /// device does not say that it is ours: below MUP all providers' files are opened on MUP's, and the directory that a
    /// rename or link leads to may be another provider's.
    pub(crate) fn target(self) -> nt::Result<Target> {
        // SAFETY: live by the invariant; the field changes only during CREATE and CLOSE, which are not concurrent
        // with other requests on the file object.
        let header = unsafe { (*self.raw.as_ptr()).FsContext };
        // SAFETY: as above.
        let file = unsafe { (*self.raw.as_ptr()).FsContext2 };
        // SAFETY: null, or what the file system behind the file object put there: a header (documented of FsContext).
        if header.is_null() || !unsafe { FcbHeader::is_ours(header) } {
            return Err(Status::INVALID_DEVICE_REQUEST);
        }
        if file.is_null() {
            return Ok(Target::Control);
        }
        // SAFETY: FsContext2 of a file object of ours came from Arc::into_raw in `open`, and `close` has not run yet.
        Ok(Target::File(unsafe { Arc::clone_from_raw(file.cast()) }))
    }

    /// The open file behind the handle.
    ///
    /// # Errors
    /// `INVALID_DEVICE_REQUEST` for a control handle and for a file object that was never opened.
    pub(crate) fn file(self) -> nt::Result<Arc<OpenFile>> {
        match self.target()? {
            Target::File(file) => Ok(file),
            Target::Control => Err(Status::INVALID_DEVICE_REQUEST),
        }
    }

    /// Makes this a control handle.
    pub(crate) fn open_control(self, device: &FcbHeader) {
        // SAFETY: live by the invariant; during CREATE the file object is the driver's to fill in.
        unsafe { (*self.raw.as_ptr()).FsContext = device.as_fs_context() };
        // SAFETY: as above.
        unsafe { (*self.raw.as_ptr()).FsContext2 = ptr::null_mut() };
    }

    /// Ties the file object to an open file, whose reference it owns until [`Self::close`].
    pub(crate) fn open(self, file: Arc<OpenFile>) {
        let header = file.fcb_header();
        let (context, sections) = (header.as_fs_context(), header.section_object_pointers());
        // SAFETY: live by the invariant; during CREATE the file object is the driver's to fill in.
        unsafe { (*self.raw.as_ptr()).FsContext = context };
        // A directory has no bytes to map: without this pointer, nobody makes a section of it.
        if !file.is_directory() {
            // SAFETY: as above.
            unsafe { (*self.raw.as_ptr()).SectionObjectPointer = sections };
        }
        let file: *mut c_void = Arc::into_raw(file).cast_mut().cast();
        // SAFETY: as above.
        unsafe { (*self.raw.as_ptr()).FsContext2 = file };
    }

    /// Takes back what `open` or `open_control` put here: the last thing done to a file object, in CLOSE.
    ///
    /// # Errors
    /// `INVALID_DEVICE_REQUEST` for a file object that no successful open of ours has marked.
    pub(crate) fn close(self) -> nt::Result<Target> {
        let target = self.target()?;
        // SAFETY: live by the invariant; no other request is on a file object that is being closed.
        let file = unsafe { (*self.raw.as_ptr()).FsContext2 };
        // SAFETY: as above.
        unsafe { (*self.raw.as_ptr()).FsContext2 = ptr::null_mut() };
        // SAFETY: as above.
        unsafe { (*self.raw.as_ptr()).FsContext = ptr::null_mut() };
        // SAFETY: as above.
        unsafe { (*self.raw.as_ptr()).SectionObjectPointer = ptr::null_mut() };
        if !file.is_null() {
            // SAFETY: it came from Arc::into_raw in `open`; the field was emptied, so it is taken back once.
            drop(unsafe { Arc::<OpenFile>::from_raw(file.cast()) });
        }
        Ok(target)
    }

    /// The name being opened, relative to the device or to [`Self::related`]. Stable during CREATE.
    pub(crate) fn name(self) -> Name<'a> {
        // SAFETY: live by the invariant; nobody but the driver changes the name during CREATE.
        let name = unsafe { (*self.raw.as_ptr()).FileName };
        // SAFETY: the I/O manager keeps the buffer as long as the file object.
        unsafe { unicode::view(&name) }
    }

    /// The file object that the name is relative to. Stable during CREATE.
    pub(crate) fn related(self) -> Option<FileObject<'a>> {
        // SAFETY: live by the invariant.
        let related = unsafe { (*self.raw.as_ptr()).RelatedFileObject };
        // SAFETY: the I/O manager keeps it referenced during CREATE, and opens relative names on its device only.
        unsafe { FileObject::new(related) }
    }

    /// Whether requests on the file object run one after another, with a current byte offset.
    pub(crate) fn is_synchronous(self) -> bool {
        self.flags().load(Ordering::Relaxed) & FO_SYNCHRONOUS_IO != 0
    }

    /// Notes that CLEANUP has been done; the result tells whether it had been before.
    pub(crate) fn set_cleanup_complete(self) -> bool {
        self.flags().fetch_or(FO_CLEANUP_COMPLETE, Ordering::Relaxed) & FO_CLEANUP_COMPLETE != 0
    }

    /// `CurrentByteOffset`.
    pub(crate) fn position(self) -> i64 {
        // SAFETY: live by the invariant; for synchronous file objects the I/O manager serialises the requests, for
        // others the value means nothing.
        let position = unsafe { (*self.raw.as_ptr()).CurrentByteOffset };
        // SAFETY: every bit pattern is a number, in each of the union's views.
        unsafe { position.QuadPart }
    }

    /// Sets `CurrentByteOffset`.
    pub(crate) fn set_position(self, offset: i64) {
        // SAFETY: as for `position`.
        unsafe { (*self.raw.as_ptr()).CurrentByteOffset = LARGE_INTEGER { QuadPart: offset } };
    }

    fn flags(self) -> &'a AtomicU32 {
        // SAFETY: live by the invariant.
        let flags = unsafe { &raw mut (*self.raw.as_ptr()).Flags };
        // SAFETY: aligned and live for 'a; the I/O manager changes the word by interlocked operations.
        unsafe { AtomicU32::from_ptr(flags) }
    }
}
