//! The header that NT expects at the head of every FCB.
//!
//! Memory manager, cache manager and file system filters find a file's locks, sizes and sections through
//! `FILE_OBJECT.FsContext` and `FILE_OBJECT.SectionObjectPointer`. One [`FcbHeader`] belongs to each FCB, however many
//! handles are open on it.

use alloc::boxed::Box;
use core::cell::UnsafeCell;
use core::ffi::c_void;
use core::mem::offset_of;
use core::ptr;

use executive::mem::{AllocError, try_box};
use wdk_sys::ntddk::{
    ExDeleteResourceLite, ExInitializeResourceLite, FsRtlTeardownPerStreamContexts, KeInitializeEvent,
};
use wdk_sys::{
    ERESOURCE, FAST_MUTEX, FSRTL_COMMON_FCB_HEADER, LIST_ENTRY, PSECTION_OBJECT_POINTERS,
    SECTION_OBJECT_POINTERS,
};

use crate::sections::Sections;

/// `NodeTypeCode` of our FCBs: any value but zero tells file systems' own structures apart.
const NODE_TYPE_FCB: i16 = 0x3970;
/// `FSRTL_FLAG_ADVANCED_HEADER`.
const FLAG_ADVANCED_HEADER: u8 = 0x40;
/// `FSRTL_FLAG2_SUPPORTS_FILTER_CONTEXTS`.
const FLAG2_SUPPORTS_FILTER_CONTEXTS: u8 = 0x02;
/// `FSRTL_FCB_HEADER_V1`, in the upper half of its byte: the header ends with the fields below.
const VERSION_1: u8 = 1 << 4;
/// `FastIoIsNotPossible`: every request comes as an IRP.
const FAST_IO_IS_NOT_POSSIBLE: u8 = 0;
/// `EVENT_TYPE.SynchronizationEvent`.
const SYNCHRONIZATION_EVENT: wdk_sys::EVENT_TYPE = 1;

/// FSRTL_ADVANCED_FCB_HEADER as of version 1 (Windows Vista): the part that later versions only append to. Declared
/// here because its version field, not the headers compiled against, tells the kernel where it ends.
#[repr(C)]
pub(crate) struct AdvancedFcbHeader {
    pub(crate) node_type_code: i16,
    pub(crate) node_byte_size: i16,
    pub(crate) flags: u8,
    pub(crate) is_fast_io_possible: u8,
    pub(crate) flags2: u8,
    pub(crate) version: u8,
    pub(crate) resource: *mut ERESOURCE,
    pub(crate) paging_io_resource: *mut ERESOURCE,
    pub(crate) allocation_size: i64,
    pub(crate) file_size: i64,
    pub(crate) valid_data_length: i64,
    pub(crate) fast_mutex: *mut FAST_MUTEX,
    pub(crate) filter_contexts: LIST_ENTRY,
    pub(crate) push_lock: usize,
    pub(crate) file_context_support_pointer: *mut *mut c_void,
}

/// One FCB's header with everything it points to, at an address that does not change.
///
/// # Invariants
/// `parts` is fully initialised; its resources are on the system's resource list until they are deleted in `drop`.
pub(crate) struct FcbHeader {
    parts: Box<UnsafeCell<Parts>>,
}

#[repr(C)]
struct Parts {
    header: AdvancedFcbHeader,
    sections: SECTION_OBJECT_POINTERS,
    resource: ERESOURCE,
    paging_io_resource: ERESOURCE,
    fast_mutex: FAST_MUTEX,
}

// SAFETY: the kernel guards every part by its own rules; this driver only hands out the addresses.
unsafe impl Send for FcbHeader {}
// SAFETY: as above.
unsafe impl Sync for FcbHeader {}

impl FcbHeader {
    /// A header for a new FCB. IRQL: up to DISPATCH_LEVEL.
    ///
    /// # Errors
    /// Out of pool.
    pub(crate) fn new() -> Result<Self, AllocError> {
        let parts = try_box(UnsafeCell::new(Parts::blank()))?;
        let raw = parts.get();
        // SAFETY: `raw` is the box's own memory, which nobody else knows yet.
        unsafe { Parts::link(raw) };
        // SAFETY: as above.
        let resource = unsafe { &raw mut (*raw).resource };
        // SAFETY: zeroed non-paged memory that stays where it is until ExDeleteResourceLite. It always succeeds.
        let _ = unsafe { ExInitializeResourceLite(resource) };
        // SAFETY: as above.
        let paging_io_resource = unsafe { &raw mut (*raw).paging_io_resource };
        // SAFETY: as above.
        let _ = unsafe { ExInitializeResourceLite(paging_io_resource) };
        // SAFETY: as above.
        let event = unsafe { &raw mut (*raw).fast_mutex.Event };
        // SAFETY: non-paged memory that stays where it is; ExInitializeFastMutex does just this.
        unsafe { KeInitializeEvent(event, SYNCHRONIZATION_EVENT, 0) };
        // INVARIANT: every part was written by `blank` and `link`, and initialised above where it takes a routine.
        Ok(Self { parts })
    }

    /// What `FILE_OBJECT.FsContext` holds.
    pub(crate) fn as_fs_context(&self) -> *mut c_void {
        self.parts.get().cast()
    }

    /// Whether a file object's `FsContext` is one of ours: it has our node type, and its resources are where only our
    /// headers have theirs. Any IRQL.
    ///
    /// # Safety
    /// `context` points to a live FSRTL_COMMON_FCB_HEADER, whosever.
    pub(crate) unsafe fn is_ours(context: *mut c_void) -> bool {
        let header: *const FSRTL_COMMON_FCB_HEADER = context.cast_const().cast();
        // SAFETY: the caller's word.
        let node_type = unsafe { (*header).NodeTypeCode };
        // SAFETY: as above.
        let resource = unsafe { (*header).Resource };
        // SAFETY: as above.
        let paging_io_resource = unsafe { (*header).PagingIoResource };
        let distance = |part: *mut ERESOURCE| part.addr().wrapping_sub(context.addr());
        node_type == NODE_TYPE_FCB
            && distance(resource) == offset_of!(Parts, resource)
            && distance(paging_io_resource) == offset_of!(Parts, paging_io_resource)
    }

    /// The file's mapped views.
    pub(crate) fn sections(&self) -> Sections<'_> {
        // SAFETY: they are part of the box, which is live as long as `self` is borrowed.
        unsafe { Sections::new(self.section_object_pointers()) }
    }

    /// What `FILE_OBJECT.SectionObjectPointer` holds.
    pub(crate) fn section_object_pointers(&self) -> PSECTION_OBJECT_POINTERS {
        // SAFETY: the box is live; only the address is taken.
        unsafe { &raw mut (*self.parts.get()).sections }
    }
}

impl Parts {
    fn blank() -> Self {
        Self {
            header: AdvancedFcbHeader {
                node_type_code: NODE_TYPE_FCB,
                node_byte_size: size_of::<AdvancedFcbHeader>() as i16,
                flags: FLAG_ADVANCED_HEADER,
                is_fast_io_possible: FAST_IO_IS_NOT_POSSIBLE,
                flags2: FLAG2_SUPPORTS_FILTER_CONTEXTS,
                version: VERSION_1,
                resource: ptr::null_mut(),
                paging_io_resource: ptr::null_mut(),
                allocation_size: 0,
                file_size: 0,
                valid_data_length: 0,
                fast_mutex: ptr::null_mut(),
                filter_contexts: LIST_ENTRY {
                    Flink: ptr::null_mut(),
                    Blink: ptr::null_mut(),
                },
                push_lock: 0,
                file_context_support_pointer: ptr::null_mut(),
            },
            sections: SECTION_OBJECT_POINTERS::default(),
            resource: ERESOURCE::default(),
            paging_io_resource: ERESOURCE::default(),
            // A fast mutex that is free counts one.
            fast_mutex: FAST_MUTEX {
                Count: 1,
                ..FAST_MUTEX::default()
            },
        }
    }

    /// Points the header at its companions (FsRtlSetupAdvancedHeader's work).
    ///
    /// # Safety
    /// `parts` is live, at its final address, and not shared yet.
    unsafe fn link(parts: *mut Self) {
        // SAFETY: the caller's word.
        let parts = unsafe { &mut *parts };
        let head = &raw mut parts.header.filter_contexts;
        parts.header.filter_contexts = LIST_ENTRY {
            Flink: head,
            Blink: head,
        };
        parts.header.resource = &raw mut parts.resource;
        parts.header.paging_io_resource = &raw mut parts.paging_io_resource;
        parts.header.fast_mutex = &raw mut parts.fast_mutex;
    }
}

impl Drop for FcbHeader {
    fn drop(&mut self) {
        let raw = self.parts.get();
        // SAFETY: no file object points to the FCB any more, so nobody else touches the list.
        let contexts = unsafe { &raw mut (*raw).header.filter_contexts };
        // SAFETY: as above.
        if unsafe { (*contexts).Flink } != contexts {
            // SAFETY: a filter left its contexts here, and asked for this call by it (documented of file systems that
            // support filter contexts). The header is a complete one of its version.
            unsafe { FsRtlTeardownPerStreamContexts(raw.cast()) };
        }
        // SAFETY: the box is live.
        let resource = unsafe { &raw mut (*raw).resource };
        // SAFETY: initialised in `new`, not held: no request is left on the FCB. It fails for no other reason.
        let _ = unsafe { ExDeleteResourceLite(resource) };
        // SAFETY: the box is live.
        let paging_io_resource = unsafe { &raw mut (*raw).paging_io_resource };
        // SAFETY: as above.
        let _ = unsafe { ExDeleteResourceLite(paging_io_resource) };
    }
}
