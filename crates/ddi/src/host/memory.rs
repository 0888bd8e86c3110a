//! MDLs of the host.

use crate::abi::Mdl;
use core::ffi::c_void;
use core::ptr;

/// MDL_SOURCE_IS_NONPAGED_POOL: MappedSystemVa is good.
const SOURCE_IS_NONPAGED_POOL: i16 = 0x4;
const PAGE: usize = 4096;

/// Makes `pMdl` describe `Length` bytes at `Base` (MmInitializeMdl and MmBuildMdlForNonPagedPool in one). It is chained to
/// nothing.
///
/// # Safety
/// `pMdl` points to room for an MDL; `Base` to the bytes, for as long as the MDL is used.
#[unsafe(no_mangle)]
#[expect(non_snake_case, reason = "named like the routines that it goes with")]
pub unsafe extern "system" fn RxCeHostInitializeMdl(pMdl: *mut Mdl, Base: *mut c_void, Length: u32) {
    let offset = Base.addr() % PAGE;
    let mdl = Mdl {
        next: ptr::null_mut(),
        size: size_of::<Mdl>() as i16,
        mdl_flags: SOURCE_IS_NONPAGED_POOL,
        process: ptr::null_mut(),
        mapped_system_va: Base,
        start_va: Base.wrapping_byte_sub(offset),
        byte_count: Length,
        byte_offset: offset as u32,
    };
    // SAFETY: by the caller's word.
    unsafe { pMdl.write(mdl) };
}
