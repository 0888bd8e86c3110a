//! Wakers made of our own reference count, by a hand-written table as there is no `alloc::task::Wake` for it.

use super::task_cell::Task;
use crate::mem::Arc;
use core::mem::ManuallyDrop;
use core::ptr;
use core::task::{RawWaker, RawWakerVTable, Waker};

/// What can be woken. `wake` is called at up to DISPATCH_LEVEL: it must not allocate, wait, or run foreign code. The last
/// owner may also be dropped there.
pub(super) trait Wake: Send + Sync + Sized + 'static {
    /// The functions of its wakers.
    const TABLE: &'static RawWakerVTable = Table::<Self>::TABLE;

    fn wake(this: &Arc<Self>);
}

/// The functions of tasks' wakers: a static, so that nothing else is at its address.
pub(super) static TASK_TABLE: RawWakerVTable = *Table::<Task>::TABLE;

/// Wakes what `waker` stands for. If that is a task that waits, the calling thread polls it, and has done so when this
/// returns: for who would only hand over to a worker and then wait, too. Under no lock, and up to APC_LEVEL.
pub(super) fn wake_here(waker: Waker) {
    if !ptr::eq(waker.vtable(), &TASK_TABLE) {
        waker.wake();
        return;
    }
    let waker = ManuallyDrop::new(waker);
    // SAFETY: wakers with this table are made by `raw::<Task>` alone, from a count of an Arc<Task>; that count is taken back
    // here and nowhere else, as the waker itself is not dropped.
    let task = unsafe { Arc::from_raw(waker.data().cast::<Task>()) };
    Task::run_here(task);
}

/// A waker that owns one count of `target`.
pub(super) fn waker<W: Wake>(target: Arc<W>) -> Waker {
    // SAFETY: the table's functions keep RawWaker's contract for the pointers `raw` makes, see there; W is Send and Sync.
    unsafe { Waker::from_raw(raw(target)) }
}

fn raw<W: Wake>(target: Arc<W>) -> RawWaker {
    RawWaker::new(Arc::into_raw(target).cast(), W::TABLE)
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
