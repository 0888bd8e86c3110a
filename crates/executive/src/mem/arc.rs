//! Shared ownership by a count, as std's `Arc`, with a constructor that can fail.

use super::{AllocError, allocate};
use crate::atomic::{AtomicUsize, Ordering, fence};
use alloc::alloc::{Layout, dealloc};
use core::fmt;
use core::marker::PhantomData;
use core::mem::{ManuallyDrop, offset_of};
use core::ops::Deref;
use core::ptr::{self, NonNull};

/// From here on a count is saturated: its object is never freed. A leak is the mild end of an overflow.
const SATURATED: usize = isize::MAX as usize;
/// Where a saturated count is put back to: far from both ends, so that no number of racing threads can leave it.
const PARKED: usize = SATURATED + SATURATED / 2;

/// Shared ownership of a `T`: the last owner to go drops and frees it.
///
/// Differs from std's in that creation can fail, and in that a count that would overflow leaks its object instead
/// of aborting. There are no weak owners. Cloning and reading are callable at any IRQL; dropping runs T's destructor
/// if it is the last, so the last owner must go at an IRQL that T's destructor bears.
///
/// # Invariants
/// `inner` points to a live `Inner<T>` allocated by [`Arc::try_new`], of whose `count` this owner holds one.
pub struct Arc<T> {
    inner: NonNull<Inner<T>>,
    /// For the drop check: an `Arc<T>` may drop a `T`.
    _owns: PhantomData<Inner<T>>,
}

struct Inner<T> {
    count: AtomicUsize,
    value: T,
}

// SAFETY: an Arc gives shared references on every thread that has a clone (hence T: Sync) and drops the T on the
// thread that lets go last (hence T: Send); the count itself is atomic.
unsafe impl<T: Send + Sync> Send for Arc<T> {}
// SAFETY: as for Send: a shared Arc can be cloned into an owned one.
unsafe impl<T: Send + Sync> Sync for Arc<T> {}

impl<T> Arc<T> {
    /// Moves `value` into shared ownership; on failure the value is dropped.
    ///
    /// # Errors
    /// [`AllocError`] when there is no memory for it.
    pub fn try_new(value: T) -> Result<Self, AllocError> {
        let inner = allocate(Layout::new::<Inner<T>>())?.cast::<Inner<T>>();
        // SAFETY: `inner` is fresh memory of Inner<T>'s layout, ours alone.
        unsafe {
            inner.write(Inner {
                count: AtomicUsize::new(1),
                value,
            })
        };
        // INVARIANT: allocated and written just now, with a count of one: ours.
        Ok(Arc {
            inner,
            _owns: PhantomData,
        })
    }

    /// Whether both own the same object.
    pub fn ptr_eq(this: &Self, other: &Self) -> bool {
        this.inner == other.inner
    }

    /// The value, if this is its only owner.
    pub fn get_mut(this: &mut Self) -> Option<&mut T> {
        // Acquire: what former owners did to the value happens before what the caller will do. The count cannot rise
        // behind our back: to clone, one must own, and the only owner is borrowed mutably.
        if this.shared().count.load(Ordering::Acquire) != 1 {
            return None;
        }
        // SAFETY: the only owner is `this`, which is borrowed mutably for as long as the result lives.
        Some(unsafe { &mut this.inner.as_mut().value })
    }

    /// Gives up the Arc for a pointer to its value; the count stays. [`Arc::from_raw`] takes it back.
    pub fn into_raw(this: Self) -> *const T {
        let this = ManuallyDrop::new(this);
        // SAFETY: `inner` points to a live Inner<T>, so its field lies in the same allocation.
        unsafe { &raw const (*this.inner.as_ptr()).value }
    }

    /// Takes back what [`Arc::into_raw`] gave up.
    ///
    /// # Safety
    /// `value` came from `Arc::<T>::into_raw`, and each such pointer is taken back at most once.
    pub unsafe fn from_raw(value: *const T) -> Self {
        // SAFETY: by the caller's word, `value` is the field of an Inner<T>, which starts that many bytes before it.
        let inner = unsafe { value.byte_sub(offset_of!(Inner<T>, value)) };
        // SAFETY: a field's container is never at address zero.
        let inner = unsafe { NonNull::new_unchecked(inner.cast::<Inner<T>>().cast_mut()) };
        // INVARIANT: the count that into_raw left behind is ours again.
        Arc {
            inner,
            _owns: PhantomData,
        }
    }

    /// One more owner of what is behind a raw pointer, which keeps its own count.
    ///
    /// # Safety
    /// `value` came from `Arc::<T>::into_raw` and has not been taken back yet.
    pub unsafe fn clone_from_raw(value: *const T) -> Self {
        // SAFETY: handed down; ManuallyDrop leaves the raw pointer's own count alone.
        let kept = ManuallyDrop::new(unsafe { Self::from_raw(value) });
        Arc::clone(&kept)
    }

    fn shared(&self) -> &Inner<T> {
        // SAFETY: by the invariant `inner` is live as long as `self`, and nobody borrows it mutably but get_mut and
        // drop, which hold `self` mutably.
        unsafe { self.inner.as_ref() }
    }
}

impl<T> Clone for Arc<T> {
    fn clone(&self) -> Self {
        // Relaxed: a new owner is made from one that already has access.
        if self.shared().count.fetch_add(1, Ordering::Relaxed) >= SATURATED {
            self.shared().count.store(PARKED, Ordering::Relaxed);
        }
        Arc {
            inner: self.inner,
            _owns: PhantomData,
        }
    }
}

impl<T> Drop for Arc<T> {
    fn drop(&mut self) {
        // Release: what this owner did to the value happens before the last owner drops it.
        match self.shared().count.fetch_sub(1, Ordering::Release) {
            1 => {}
            count if count >= SATURATED => {
                self.shared().count.store(PARKED, Ordering::Relaxed);
                return;
            }
            _ => return,
        }
        fence(Ordering::Acquire);
        // SAFETY: the count fell to zero, so nobody else has access, and nobody can gain it.
        unsafe { ptr::drop_in_place(self.inner.as_ptr()) };
        // SAFETY: allocated by try_new with this layout (never of size zero: it has a count) and not freed before.
        unsafe { dealloc(self.inner.as_ptr().cast(), Layout::new::<Inner<T>>()) };
    }
}

impl<T> Deref for Arc<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.shared().value
    }
}

impl<T: fmt::Debug> fmt::Debug for Arc<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use std::cell::Cell;

    struct CountsDrops<'a>(&'a Cell<u32>);
    impl Drop for CountsDrops<'_> {
        fn drop(&mut self) {
            self.0.set(self.0.get() + 1);
        }
    }

    #[test]
    fn the_last_owner_drops_once() {
        let drops = Cell::new(0);
        let first = Arc::try_new(CountsDrops(&drops)).unwrap();
        let second = first.clone();
        assert!(Arc::ptr_eq(&first, &second));
        drop(first);
        assert_eq!(drops.get(), 0);
        drop(second);
        assert_eq!(drops.get(), 1);
    }

    #[test]
    fn only_a_sole_owner_may_change_the_value() {
        let mut first = Arc::try_new(1).unwrap();
        let second = first.clone();
        assert!(Arc::get_mut(&mut first).is_none());
        drop(second);
        *Arc::get_mut(&mut first).unwrap() = 2;
        assert_eq!(*first, 2);
    }

    #[test]
    fn raw_pointers_carry_their_count() {
        let drops = Cell::new(0);
        let raw = Arc::into_raw(Arc::try_new((1_u8, CountsDrops(&drops))).unwrap());
        // SAFETY: `raw` came from into_raw and is still out.
        let extra = unsafe { Arc::clone_from_raw(raw) };
        assert_eq!(extra.0, 1);
        drop(extra);
        assert_eq!(drops.get(), 0);
        // SAFETY: `raw` came from into_raw and is taken back once.
        drop(unsafe { Arc::from_raw(raw) });
        assert_eq!(drops.get(), 1);
    }

    #[test]
    fn a_saturated_count_leaks_instead_of_freeing() {
        let drops = Cell::new(0);
        let arc = Arc::try_new(CountsDrops(&drops)).unwrap();
        arc.shared().count.store(SATURATED, Ordering::Relaxed);
        drop(arc.clone());
        assert_eq!(arc.shared().count.load(Ordering::Relaxed), PARKED);
        // What follows would free the object, were the count not saturated. The test frees it by hand.
        arc.shared().count.store(1, Ordering::Relaxed);
        drop(arc);
        assert_eq!(drops.get(), 1);
    }
}

#[cfg(all(test, loom))]
mod model {
    use super::*;
    use loom::cell::UnsafeCell;

    struct Payload(UnsafeCell<u32>);
    // SAFETY: loom's cell panics on a race, which is what the test looks for.
    unsafe impl Sync for Payload {}
    impl Drop for Payload {
        fn drop(&mut self) {
            // SAFETY: loom checks that this access races with none of the readers'.
            self.0.with_mut(|value| unsafe { *value += 1 });
        }
    }

    #[test]
    fn the_drop_happens_after_every_use() {
        loom::model(|| {
            let arc = Arc::try_new(Payload(UnsafeCell::new(0))).unwrap();
            let other = arc.clone();
            let thread = loom::thread::spawn(move || {
                let again = other.clone();
                drop(other);
                // SAFETY: loom checks that this access races with no writer.
                again.0.with(|value| unsafe { assert_eq!(*value, 0) });
            });
            // SAFETY: as above.
            arc.0.with(|value| unsafe { assert_eq!(*value, 0) });
            drop(arc);
            thread.join().unwrap();
        });
    }
}
