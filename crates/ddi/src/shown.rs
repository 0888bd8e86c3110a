//! Copies that the engine keeps of what callers gave it, and shows them through the members of their structures.

use alloc::vec::Vec;
use core::ptr;
use executive::mem::{AllocError, TryVec};

/// Memory that C code may look at (and scribble on: the engine itself never reads it again).
///
/// # Invariants
/// `place` is the start of `storage`'s buffer, through which alone it is written once it is shared.
pub(crate) struct Shown {
    place: *mut u64,
    /// Owns the memory; not touched again before it is dropped.
    _storage: Vec<u64>,
}

// SAFETY: the engine only hands the pointer out; what C does with the memory is not seen by Rust.
unsafe impl Send for Shown {}
// SAFETY: as for Send.
unsafe impl Sync for Shown {}

impl Shown {
    /// A copy of `bytes`, aligned to 8.
    pub(crate) fn bytes(bytes: &[u8]) -> Result<Self, AllocError> {
        let this = Self::room(bytes.len())?;
        // SAFETY: `room` has made at least that many bytes, apart from `bytes` as it is new.
        unsafe { ptr::copy_nonoverlapping(bytes.as_ptr(), this.place.cast::<u8>(), bytes.len()) };
        Ok(this)
    }

    /// A copy of `units`.
    pub(crate) fn units(units: &[u16]) -> Result<Self, AllocError> {
        let this = Self::room(size_of_val(units))?;
        // SAFETY: `room` has made at least that many bytes, aligned to 8, apart from `units` as it is new.
        unsafe { ptr::copy_nonoverlapping(units.as_ptr(), this.place.cast::<u16>(), units.len()) };
        Ok(this)
    }

    /// A copy of `value`.
    pub(crate) fn value<T: Copy>(value: T) -> Result<Self, AllocError> {
        const { assert!(align_of::<T>() <= align_of::<u64>()) };
        let this = Self::room(size_of::<T>())?;
        // SAFETY: `room` has made at least T's size, aligned to 8, which T's alignment does not exceed.
        unsafe { this.place.cast::<T>().write(value) };
        Ok(this)
    }

    fn room(bytes: usize) -> Result<Self, AllocError> {
        let mut storage = Vec::try_with_room(bytes.div_ceil(8).max(1))?;
        storage.resize(storage.capacity(), 0);
        Ok(Shown {
            place: storage.as_mut_ptr(),
            _storage: storage,
        })
    }

    pub(crate) fn as_ptr<T>(&self) -> *mut T {
        self.place.cast::<T>()
    }
}
