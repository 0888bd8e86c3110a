//! Growing a vector without the risk of an abort.

use super::AllocError;
use alloc::vec::Vec;

/// What a kernel may call on a `Vec` in place of `push`, `extend` and `with_capacity`.
///
/// On failure the vector is as it was. All of it is callable up to DISPATCH_LEVEL.
pub trait TryVec<T>: Sized {
    /// An empty vector with room for `capacity` elements.
    ///
    /// # Errors
    /// [`AllocError`] when there is no memory for it.
    fn try_with_room(capacity: usize) -> Result<Self, AllocError>;

    /// Appends one element; on failure it is dropped.
    ///
    /// # Errors
    /// [`AllocError`] when the vector is full and cannot grow.
    fn try_push(&mut self, value: T) -> Result<(), AllocError>;

    /// Appends a copy of every element of `slice`, or none of them.
    ///
    /// # Errors
    /// [`AllocError`] when the vector cannot grow by that many.
    fn try_extend_from_slice(&mut self, slice: &[T]) -> Result<(), AllocError>
    where
        T: Copy;
}

impl<T> TryVec<T> for Vec<T> {
    fn try_with_room(capacity: usize) -> Result<Self, AllocError> {
        let mut vec = Vec::new();
        vec.try_reserve_exact(capacity)?;
        Ok(vec)
    }

    fn try_push(&mut self, value: T) -> Result<(), AllocError> {
        self.try_reserve(1)?;
        self.push(value);
        Ok(())
    }

    fn try_extend_from_slice(&mut self, slice: &[T]) -> Result<(), AllocError>
    where
        T: Copy,
    {
        self.try_reserve(slice.len())?;
        self.extend_from_slice(slice);
        Ok(())
    }
}

/// A buffer of zeroes.
pub trait TryZeroed: Sized {
    /// A buffer of `len` zero bytes.
    ///
    /// # Errors
    /// [`AllocError`] when there is no memory for it.
    fn try_zeroed(len: usize) -> Result<Self, AllocError>;
}

impl TryZeroed for Vec<u8> {
    fn try_zeroed(len: usize) -> Result<Self, AllocError> {
        let mut vec = Self::try_with_room(len)?;
        vec.resize(len, 0);
        Ok(vec)
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_vector_grows_and_refuses_the_impossible() {
        let mut vec = Vec::try_with_room(1).unwrap();
        vec.try_push(1_u16).unwrap();
        vec.try_extend_from_slice(&[2, 3]).unwrap();
        assert_eq!(vec, [1, 2, 3]);
        assert_eq!(Vec::<u64>::try_with_room(usize::MAX), Err(AllocError));
        assert_eq!(<Vec<u8>>::try_zeroed(5).unwrap(), [0; 5]);
    }
}
