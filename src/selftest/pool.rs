//! The pool, noting how deep on the stack it is asked for memory.

use core::alloc::{GlobalAlloc, Layout};

use executive::stack::{self, Call};
use wdk_alloc::WdkAllocator;

/// [`WdkAllocator`] with notes.
pub(crate) struct Pool;

// SAFETY: every call goes on to an allocator that keeps the contract.
unsafe impl GlobalAlloc for Pool {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        stack::note(Call::Pool);
        // SAFETY: the caller's word is what the allocator asks for.
        unsafe { WdkAllocator.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        stack::note(Call::Pool);
        // SAFETY: as above; the block came from there.
        unsafe { WdkAllocator.dealloc(block, layout) };
    }
}
