//! MDLs of the host.

use crate::abi::Mdl;
use core::ffi::c_void;

/// Makes `pMdl` describe `Length` bytes at `Base` (MmInitializeMdl and MmBuildMdlForNonPagedPool in one). It is chained to
/// nothing.
///
/// # Safety
/// `pMdl` points to room for an MDL; `Base` to the bytes, for as long as the MDL is used.
#[unsafe(no_mangle)]
#[expect(non_snake_case, reason = "named like the routines that it goes with")]
pub unsafe extern "system" fn RxCeHostInitializeMdl(pMdl: *mut Mdl, Base: *mut c_void, Length: u32) {
    // SAFETY: by the caller's word.
    unsafe { pMdl.write(Mdl::of(Base, Length)) };
}
