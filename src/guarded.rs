//! Calling a routine of the kernel that raises exceptions, which Rust can neither raise nor catch.
//!
//! The few routines that look at a caller's memory say by an exception that it is not there. The function below is one in the
//! assembler: what a compiler of C makes of `__try { routine(…); } __except (EXCEPTION_EXECUTE_HANDLER)`. Nothing of Rust's
//! is on the stack between the routine and the handler, so nothing is left undropped.

use core::ffi::c_void;

use nt::Status;
use wdk_sys::NTSTATUS;

/// A routine that may raise an exception; what it returns is not looked at.
pub(crate) type Raising = unsafe extern "C" fn(*mut c_void, usize, usize);

/// Calls `routine`.
///
/// # Errors
/// The code of the exception that it raised, an error whatever it says; `UNSUCCESSFUL` for one of no severity.
///
/// # Safety
/// As the routine's.
pub(crate) unsafe fn call(routine: Raising, first: *mut c_void, second: usize, third: usize) -> nt::Result {
    // SAFETY: the caller's word.
    let raised = unsafe { mrx9p_guarded_call(first, second, third, routine) };
    match Status::from_ntstatus(raised) {
        Status::SUCCESS => Ok(()),
        // An error, or a warning such as that of an address that is not aligned.
        exception if raised < 0 => Err(exception),
        _ => Err(Status::UNSUCCESSFUL),
    }
}

unsafe extern "C" {
    fn mrx9p_guarded_call(first: *mut c_void, second: usize, third: usize, routine: Raising) -> NTSTATUS;
}

// The arguments are in the registers that the routine expects them in. The frame is its shadow space, 32 bytes, and 8 that
// align it. The table behind `.seh_handlerdata` is what __C_specific_handler reads: one range of code, the filter
// EXCEPTION_EXECUTE_HANDLER, and where to go on, with the exception's code in eax; some kernels (Wine's) do not tell it, and
// leave 0 there, which is taken for an access violation. The range ends behind the `nop`, so that the address that the routine
// returns to is within.
core::arch::global_asm!(
    ".text",
    ".def mrx9p_guarded_call",
    ".scl 2",
    ".type 32",
    ".endef",
    ".globl mrx9p_guarded_call",
    ".p2align 4",
    "mrx9p_guarded_call:",
    ".seh_proc mrx9p_guarded_call",
    ".seh_handler __C_specific_handler, @unwind, @except",
    "sub rsp, 40",
    ".seh_stackalloc 40",
    ".seh_endprologue",
    "20:",
    "call r9",
    "nop",
    "21:",
    "xor eax, eax",
    "22:",
    "add rsp, 40",
    "ret",
    "23:",
    "test eax, eax",
    "jnz 22b",
    "mov eax, 0xC0000005",
    "jmp 22b",
    ".seh_handlerdata",
    ".long 1",
    ".long 20b@IMGREL",
    ".long 21b@IMGREL",
    ".long 1",
    ".long 23b@IMGREL",
    ".text",
    ".seh_endproc",
);
