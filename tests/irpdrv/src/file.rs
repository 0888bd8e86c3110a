//! A FILE_OBJECT of our own making.

use crate::inner::Inner;
use crate::target::Target;
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::cell::UnsafeCell;
use core::{mem, ptr};
use executive::mem::{AllocError, Arc, TryVec, try_box};
use executive::sync::SpinLock;
use executive::task::Notify;
use nt::CreateOptions;
use wdk_sys::ntddk::KeInitializeEvent;
use wdk_sys::{
    _EVENT_TYPE, FILE_OBJECT, FO_DELETE_ON_CLOSE, FO_HANDLE_CREATED, FO_NO_INTERMEDIATE_BUFFERING,
    FO_RANDOM_ACCESS, FO_SEQUENTIAL_ONLY, FO_SYNCHRONOUS_IO, FO_WRITE_THROUGH, IO_TYPE_FILE, UNICODE_STRING,
};

/// The FILE_OBJECT, with zeroed room where the kernel keeps an object's header: a driver that counts references of it
/// changes a number there, and nothing else.
#[repr(C)]
struct Body {
    header: [u64; 16],
    object: FILE_OBJECT,
}

/// A file object, what it points to, and the IRPs that are pending on it.
pub(crate) struct File {
    body: Box<UnsafeCell<Body>>,
    /// The characters of its FileName.
    _name: Vec<u16>,
    /// What its RelatedFileObject points to.
    _related: Option<Arc<File>>,
    pub(crate) target: Target,
    state: SpinLock<State>,
    /// Told when `pending` becomes empty.
    quiet: Notify,
}

// SAFETY: the file object is mrx9p's to change, in the course of the IRPs that it is sent; here only its address is used.
unsafe impl Send for File {}
// SAFETY: as above.
unsafe impl Sync for File {}

#[derive(Default)]
struct State {
    /// A create succeeded.
    opened: bool,
    /// A cleanup was sent.
    cleaned: bool,
    /// A close was sent.
    closed: bool,
    /// The close that is to be sent by who ends the last IRP.
    close: Option<Arc<Inner>>,
    /// IRPs that have not ended.
    under_way: usize,
    pending: Vec<Arc<Inner>>,
}

impl File {
    /// A file object as the I/O manager hands it to IRP_MJ_CREATE.
    pub(crate) fn try_new(
        target: Target,
        name: Vec<u16>,
        related: Option<Arc<File>>,
        options: CreateOptions,
    ) -> Result<Arc<Self>, AllocError> {
        // CAST: the size of the structure, and a name that was bounded when it was parsed.
        let bytes = (name.len() * 2) as u16;
        let object = FILE_OBJECT {
            Type: IO_TYPE_FILE as i16,
            Size: size_of::<FILE_OBJECT>() as i16,
            DeviceObject: target.device(),
            RelatedFileObject: related.as_ref().map_or(ptr::null_mut(), |file| file.object()),
            Flags: flags(options),
            FileName: UNICODE_STRING {
                Length: bytes,
                MaximumLength: bytes,
                Buffer: name.as_ptr().cast_mut(),
            },
            ..FILE_OBJECT::default()
        };
        let body = try_box(UnsafeCell::new(Body {
            header: [0; 16],
            object,
        }))?;
        let file = File {
            body,
            _name: name,
            _related: related,
            target,
            state: SpinLock::default(),
            quiet: Notify::new(),
        };
        let object = file.object();
        // SAFETY: the object lies in a box of our own.
        let lock = unsafe { &raw mut (*object).Lock };
        // SAFETY: the event lies in memory that is ours, resident and fixed.
        unsafe { KeInitializeEvent(lock, _EVENT_TYPE::SynchronizationEvent, 0) };
        // SAFETY: as above.
        let event = unsafe { &raw mut (*object).Event };
        // SAFETY: as above.
        unsafe { KeInitializeEvent(event, _EVENT_TYPE::NotificationEvent, 0) };
        Arc::try_new(file)
    }

    pub(crate) fn object(&self) -> *mut FILE_OBJECT {
        let body = self.body.get();
        // SAFETY: the box is live; only an address is taken.
        unsafe { &raw mut (*body).object }
    }

    /// Notes that the create succeeded.
    pub(crate) fn opened(&self) {
        // SAFETY: the create is over, and nothing else has been sent yet.
        unsafe { (*self.object()).Flags |= FO_HANDLE_CREATED };
        self.state.lock().opened = true;
    }

    /// Whether a create succeeded, and whether a cleanup was sent since.
    pub(crate) fn stage(&self) -> (bool, bool) {
        let state = self.state.lock();
        (state.opened, state.cleaned)
    }

    /// Whether a close was sent.
    pub(crate) fn is_closed(&self) -> bool {
        self.state.lock().closed
    }

    /// Notes that a close is about to be sent; whether it is the first, which alone may be.
    pub(crate) fn closes(&self) -> bool {
        let (first, unsent) = {
            let mut state = self.state.lock();
            (!mem::replace(&mut state.closed, true), state.close.take())
        };
        drop(unsent);
        first
    }

    /// Has `close` sent by the thread that ends the last IRP after the cleanup.
    pub(crate) fn close_with_last(&self, close: Arc<Inner>) {
        let before = self.state.lock().close.replace(close);
        drop(before);
    }

    /// An IRP has ended, but the close. Gives the close that is to be sent now.
    pub(crate) fn one_ended(&self) -> Option<Arc<Inner>> {
        let mut state = self.state.lock();
        state.under_way = state.under_way.saturating_sub(1);
        if state.under_way != 0 || !state.cleaned {
            return None;
        }
        let close = state.close.take();
        state.closed |= close.is_some();
        close
    }

    pub(crate) fn cleaned(&self) {
        self.state.lock().cleaned = true;
    }

    pub(crate) fn is_quiet(&self) -> bool {
        self.state.lock().pending.is_empty()
    }

    /// Waits until no IRP is pending.
    pub(crate) async fn until_quiet(&self) {
        loop {
            let quiet = self.quiet.notified();
            if self.is_quiet() {
                return;
            }
            quiet.await;
        }
    }

    /// Notes an IRP that is about to be sent.
    pub(crate) fn begin(&self, inner: &Arc<Inner>) -> Result<(), AllocError> {
        let mut state = self.state.lock();
        state.pending.try_push(inner.clone())?;
        state.under_way += 1;
        Ok(())
    }

    /// Forgets an IRP that has completed.
    pub(crate) fn end(&self, inner: &Arc<Inner>) {
        let (gone, empty) = {
            let pending = &mut self.state.lock().pending;
            let at = pending.iter().position(|other| Arc::ptr_eq(other, inner));
            (at.map(|at| pending.swap_remove(at)), pending.is_empty())
        };
        drop(gone);
        if empty {
            self.quiet.notify_all();
        }
    }

    /// Cancels every IRP that is pending now, and says how many that were.
    pub(crate) fn cancel(&self) -> Result<usize, AllocError> {
        let mut pending = Vec::new();
        {
            let state = self.state.lock();
            pending.try_reserve_exact(state.pending.len())?;
            pending.extend(state.pending.iter().cloned());
        }
        // Not under the lock: a cancel routine may complete its IRP at once.
        pending.iter().for_each(|inner| inner.cancel());
        Ok(pending.len())
    }
}

/// The flags that the I/O manager derives from the options of a create.
fn flags(options: CreateOptions) -> u32 {
    let both = CreateOptions::SYNCHRONOUS_IO_ALERT | CreateOptions::SYNCHRONOUS_IO_NONALERT;
    let pairs = [
        (both, FO_SYNCHRONOUS_IO),
        (CreateOptions::WRITE_THROUGH, FO_WRITE_THROUGH),
        (CreateOptions::SEQUENTIAL_ONLY, FO_SEQUENTIAL_ONLY),
        (CreateOptions::RANDOM_ACCESS, FO_RANDOM_ACCESS),
        (
            CreateOptions::NO_INTERMEDIATE_BUFFERING,
            FO_NO_INTERMEDIATE_BUFFERING,
        ),
        (CreateOptions::DELETE_ON_CLOSE, FO_DELETE_ON_CLOSE),
    ];
    pairs
        .into_iter()
        .filter(|(option, _)| options.intersects(*option))
        .fold(0, |all, (_, flag)| all | flag)
}
