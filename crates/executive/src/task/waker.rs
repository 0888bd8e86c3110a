//! Wakers made of our own reference count, by a hand-written table as there is no `alloc::task::Wake` for it.

use crate::mem::Arc;
use core::mem::ManuallyDrop;
use core::task::{RawWaker, RawWakerVTable, Waker};

/// What can be woken. `wake` is called at up to DISPATCH_LEVEL: it must not allocate, wait, or run foreign code. The last
/// owner may also be dropped there.
pub(super) trait Wake: Send + Sync + Sized + 'static {
    fn wake(this: &Arc<Self>);
}

/// A waker that owns one count of `target`.
pub(super) fn waker<W: Wake>(target: Arc<W>) -> Waker {
    // SAFETY: the table's functions keep RawWaker's contract for the pointers `raw` makes, see there; W is Send and Sync.
    unsafe { Waker::from_raw(raw(target)) }
}

fn raw<W: Wake>(target: Arc<W>) -> RawWaker {
    RawWaker::new(Arc::into_raw(target).cast(), Table::<W>::TABLE)
}

/// The functions for a data pointer that is an `Arc<W>` turned raw.
struct Table<W>(core::marker::PhantomData<W>);

impl<W: Wake> Table<W> {
    const TABLE: &'static RawWakerVTable =
        &RawWakerVTable::new(Self::clone, Self::wake, Self::wake_by_ref, Self::drop);

    /// # Safety
    /// `data` is the data pointer of a live RawWaker made by `raw::<W>`.
    unsafe fn clone(data: *const ()) -> RawWaker {
        // SAFETY: the live waker's pointer came from into_raw and has not been taken back.
        raw(unsafe { Arc::clone_from_raw(data.cast::<W>()) })
    }

    /// # Safety
    /// As for `clone`; the waker is consumed.
    unsafe fn wake(data: *const ()) {
        // SAFETY: the waker is consumed, so its count is taken back here and nowhere else.
        W::wake(&unsafe { Arc::from_raw(data.cast::<W>()) });
    }

    /// # Safety
    /// As for `clone`.
    unsafe fn wake_by_ref(data: *const ()) {
        // SAFETY: the live waker keeps its count: ManuallyDrop leaves it alone.
        let target = ManuallyDrop::new(unsafe { Arc::from_raw(data.cast::<W>()) });
        W::wake(&target);
    }

    /// # Safety
    /// As for `clone`; the waker is consumed.
    unsafe fn drop(data: *const ()) {
        // SAFETY: the waker is consumed, so its count is taken back here and nowhere else.
        drop(unsafe { Arc::from_raw(data.cast::<W>()) });
    }
}
