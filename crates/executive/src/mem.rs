//! Fallible memory: boxes, reference counts and vectors that report a failed allocation instead of aborting.
//!
//! In the kernel all of it comes from non-paged pool, so that it may be touched and freed at DISPATCH_LEVEL.
//! Alignments above 16 bytes are not supported there; no type of this project needs one.

mod arc;
mod counting;
mod vec;

pub use arc::Arc;
pub use counting::{Counting, Usage};
#[cfg(not(feature = "kernel"))]
pub use counting::{Run, Sweep, fail_nth, sweep, unfailing};
pub use vec::{TryVec, TryZeroed};

use alloc::alloc::{Layout, alloc};
use alloc::boxed::Box;
use alloc::collections::TryReserveError;
use core::fmt;
use core::ptr::NonNull;

/// An allocation failed. Its NT name is `STATUS_INSUFFICIENT_RESOURCES`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct AllocError;

impl fmt::Display for AllocError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("out of memory")
    }
}

impl core::error::Error for AllocError {}

impl From<TryReserveError> for AllocError {
    fn from(_: TryReserveError) -> Self {
        AllocError
    }
}

impl From<AllocError> for nt::Status {
    fn from(_: AllocError) -> Self {
        nt::Status::INSUFFICIENT_RESOURCES
    }
}

/// Moves `value` into a box of its own; on failure the value is dropped.
///
/// The result coerces as any box does: `let boxed: Box<dyn Trait> = try_box(value)?;`.
/// Callable up to DISPATCH_LEVEL.
///
/// # Errors
/// [`AllocError`] when there is no memory for it.
pub fn try_box<T>(value: T) -> Result<Box<T>, AllocError> {
    let place = allocate(Layout::new::<T>())?.cast::<T>();
    // SAFETY: `place` is fresh memory of T's layout (or dangling and aligned, when T has no size), ours alone.
    unsafe { place.write(value) };
    // SAFETY: `place` holds a T and came from the global allocator with T's layout, as Box demands.
    Ok(unsafe { Box::from_raw(place.as_ptr()) })
}

/// Memory for `layout` from the global allocator; dangling but aligned when the layout has no size.
fn allocate(layout: Layout) -> Result<NonNull<u8>, AllocError> {
    if layout.size() == 0 {
        return Ok(layout.dangling_ptr());
    }
    // SAFETY: the layout's size was just seen not to be zero.
    NonNull::new(unsafe { alloc(layout) }).ok_or(AllocError)
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn boxes_hold_their_value_and_coerce() {
        let shown: Box<dyn fmt::Display> = try_box(17_u64).unwrap();
        assert_eq!(std::format!("{shown}"), "17");
        let nothing = try_box(()).unwrap();
        assert_eq!(*nothing, ());
    }

    #[test]
    #[cfg_attr(miri, ignore = "the interpreter gives up where an allocator refuses")]
    fn an_impossible_size_is_refused() {
        let half_of_everything = Layout::from_size_align(isize::MAX as usize / 2, 8).unwrap();
        assert_eq!(allocate(half_of_everything), Err(AllocError));
    }
}
