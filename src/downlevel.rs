//! `ExAllocatePool2` for kernels that do not export it (before Windows 10 2004).

use wdk_sys::{PVOID, SIZE_T, ULONG};

/// Non-paged, non-executable pool, as POOL_FLAG_NON_PAGED asks for.
const NON_PAGED_POOL_NX: i32 = 512;

unsafe extern "system" {
    fn ExAllocatePoolWithTag(pool_type: i32, bytes: SIZE_T, tag: ULONG) -> PVOID;
}

/// The allocation routine that `wdk-alloc` imports, for the one kind of memory that it asks for.
///
/// # Safety
/// As the documented routine: IRQL at most DISPATCH_LEVEL, `bytes` not zero. `flags` must be POOL_FLAG_NON_PAGED.
// SAFETY: the definition stands in for the kernel's export; the signature is the documented one.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "system" fn ExAllocatePool2(_flags: u64, bytes: SIZE_T, tag: ULONG) -> PVOID {
    // SAFETY: the caller keeps the same rules.
    let memory = unsafe { ExAllocatePoolWithTag(NON_PAGED_POOL_NX, bytes, tag) };
    if !memory.is_null() {
        // SAFETY: the pool returned `bytes` bytes.
        unsafe { memory.cast::<u8>().write_bytes(0, bytes as usize) };
    }
    memory
}
