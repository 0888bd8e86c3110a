//! Memory that callers describe by MDLs.

use crate::abi::Mdl;
use crate::platform::Platform;
use alloc::vec::Vec;
use core::ptr::{self, NonNull};
use core::slice;
use executive::mem::TryVec;
use nt::Status;

/// No chain of a caller's has more MDLs than this; a longer one runs in a circle.
const LONGEST_CHAIN: usize = 4096;

/// A chain of MDLs that a caller vouches for until it is handed back.
#[derive(Clone, Copy)]
pub(super) struct Chain {
    pub(super) first: *mut Mdl,
    pub(super) length: usize,
}

// SAFETY: the memory is locked down and may be touched by any thread; whoever holds a Chain has it to itself, by the
// contract of the routine or handler that it came through.
unsafe impl Send for Chain {}

impl Chain {
    /// Measures the chain that begins with `first`.
    ///
    /// # Errors
    /// `INVALID_PARAMETER` when `first` is null or not aligned, or there is no end to it.
    ///
    /// # Safety
    /// If not null, `first` points to an MDL, and so does each one's `Next`.
    pub(super) unsafe fn measure(first: *mut Mdl) -> nt::Result<Self> {
        let mut length = 0_usize;
        let mut next = first;
        for _ in 0..LONGEST_CHAIN {
            if next.is_null() && !first.is_null() {
                return Ok(Chain { first, length });
            }
            if next.is_null() || !next.is_aligned() {
                return Err(Status::INVALID_PARAMETER);
            }
            // SAFETY: not null, so by the caller's word it is an MDL.
            let mdl = unsafe { &*next };
            length = length.saturating_add(mdl.byte_count as usize);
            next = mdl.next;
        }
        Err(Status::INVALID_PARAMETER)
    }

    /// A copy of its first `length` bytes.
    ///
    /// # Errors
    /// `INSUFFICIENT_RESOURCES`, also when the memory cannot be mapped.
    ///
    /// # Safety
    /// The chain is still there, and nobody writes to it meanwhile.
    pub(super) unsafe fn read(&self, platform: &dyn Platform, length: usize) -> nt::Result<Vec<u8>> {
        let mut copy = Vec::try_with_room(length)?;
        let mut take = |part: NonNull<u8>, room: usize| {
            // SAFETY: `walk` gives parts of mapped memory, to which nobody writes by the caller's word.
            let part = unsafe { slice::from_raw_parts(part.as_ptr(), room) };
            copy.try_extend_from_slice(part).map_err(Status::from)
        };
        // SAFETY: handed down.
        unsafe { self.walk(platform, 0, length, &mut take)? };
        Ok(copy)
    }

    /// Copies `data` into it, from byte `at` on; what does not fit is left out.
    ///
    /// # Errors
    /// `INSUFFICIENT_RESOURCES` when the memory cannot be mapped.
    ///
    /// # Safety
    /// The chain is still there, and nobody else uses it meanwhile.
    pub(super) unsafe fn write(&self, platform: &dyn Platform, at: usize, data: &[u8]) -> nt::Result {
        let mut rest = data;
        let mut put = |part: NonNull<u8>, room: usize| {
            let (now, later) = rest.split_at(room.min(rest.len()));
            // SAFETY: `walk` gives `room` bytes of mapped memory, apart from `data`, which is the engine's own.
            unsafe { ptr::copy_nonoverlapping(now.as_ptr(), part.as_ptr(), now.len()) };
            rest = later;
            Ok(())
        };
        // SAFETY: handed down.
        unsafe { self.walk(platform, at, data.len(), &mut put) }
    }

    /// Calls `visit` with the parts of `length` bytes from byte `at` on, as far as the chain goes.
    ///
    /// # Safety
    /// The chain is still there.
    unsafe fn walk(
        &self,
        platform: &dyn Platform,
        at: usize,
        length: usize,
        visit: &mut dyn FnMut(NonNull<u8>, usize) -> nt::Result,
    ) -> nt::Result {
        let (mut skip, mut left) = (at, length);
        let mut next = self.first;
        while left > 0 && !next.is_null() {
            let current = next;
            // SAFETY: part of the chain, which was measured and is still there.
            let mdl = unsafe { &*current };
            let count = mdl.byte_count as usize;
            next = mdl.next;
            if skip >= count {
                skip -= count;
                continue;
            }
            // SAFETY: as above, an MDL.
            let mapped = unsafe { platform.map(current) }.ok_or(Status::INSUFFICIENT_RESOURCES)?;
            let room = (count - skip).min(left);
            // SAFETY: `skip` is less than the length of the memory that is mapped there.
            visit(unsafe { mapped.add(skip) }, room)?;
            left -= room;
            skip = 0;
        }
        Ok(())
    }
}
