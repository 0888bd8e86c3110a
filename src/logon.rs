//! Whose mappings a request sees: the logon session of who makes it.

use core::ptr;

use minirdr::{LogonId, Sid};
use nt::Status;
use wdk_sys::ntddk::{
    SeCaptureSubjectContext, SeQueryAuthenticationIdToken, SeReleaseSubjectContext, ZwClose,
    ZwOpenProcessTokenEx, ZwOpenThreadTokenEx, ZwQueryInformationToken,
};
use wdk_sys::{
    HANDLE, IO_SECURITY_CONTEXT, LUID, OBJ_KERNEL_HANDLE, PACCESS_TOKEN, SECURITY_SUBJECT_CONTEXT,
    TOKEN_QUERY,
};

use crate::irp::Irp;

/// `SECURITY_IMPERSONATION_LEVEL.SecurityImpersonation`: from here on a server may act as its client.
const SECURITY_IMPERSONATION: wdk_sys::SECURITY_IMPERSONATION_LEVEL = 2;

/// The logon id of everyone when mappings are global.
const EVERYONE: LogonId = LogonId(0);

/// The logon session of the calling thread: its client's where it impersonates one. PASSIVE_LEVEL, in the context of
/// the caller, which a dispatch routine of a topmost driver is called in.
///
/// # Errors
/// `BAD_IMPERSONATION_LEVEL` for a client that may be identified only; `ACCESS_DENIED` without a token.
pub(crate) fn of_caller(global_mappings: bool) -> nt::Result<LogonId> {
    if global_mappings {
        return Ok(EVERYONE);
    }
    let mut subject = SECURITY_SUBJECT_CONTEXT::default();
    // SAFETY: the routine fills in the context, which is released below.
    unsafe { SeCaptureSubjectContext(&raw mut subject) };
    let logon = of_subject(&subject);
    // SAFETY: captured above, released once.
    unsafe { SeReleaseSubjectContext(&raw mut subject) };
    logon
}

/// The logon session that an open is made for.
///
/// # Errors
/// As [`of_caller`].
pub(crate) fn of_create(irp: &Irp, global_mappings: bool) -> nt::Result<LogonId> {
    // SAFETY: this is a CREATE request, so its parameters are the Create member.
    let create = unsafe { irp.stack().Parameters.Create };
    // SAFETY: null, or the I/O manager's security context, which lives as long as the CREATE request.
    unsafe { of_context(create.SecurityContext, global_mappings) }
}

/// The logon session that a security context belongs to; without one, that of the calling thread.
///
/// # Errors
/// As [`of_caller`].
///
/// # Safety
/// `context` is null, or points to a security context whose subject context is captured.
pub(crate) unsafe fn of_context(
    context: *mut IO_SECURITY_CONTEXT,
    global_mappings: bool,
) -> nt::Result<LogonId> {
    if global_mappings {
        return Ok(EVERYONE);
    }
    // SAFETY: the caller's word.
    let Some(context) = (unsafe { context.as_ref() }) else {
        return of_caller(false);
    };
    // SAFETY: as above: the access state belongs to the security context.
    let Some(state) = (unsafe { context.AccessState.as_ref() }) else {
        return of_caller(false);
    };
    of_subject(&state.SubjectSecurityContext)
}

/// `SeQuerySubjectContextToken`, and the logon session of that token.
fn of_subject(subject: &SECURITY_SUBJECT_CONTEXT) -> nt::Result<LogonId> {
    let token: PACCESS_TOKEN = if subject.ClientToken.is_null() {
        subject.PrimaryToken
    } else if subject.ImpersonationLevel < SECURITY_IMPERSONATION {
        return Err(Status::BAD_IMPERSONATION_LEVEL);
    } else {
        subject.ClientToken
    };
    if token.is_null() {
        return Err(Status::ACCESS_DENIED);
    }
    let mut luid = LUID::default();
    // SAFETY: a captured subject context holds references to its tokens. PASSIVE_LEVEL.
    let status = unsafe { SeQueryAuthenticationIdToken(token, &raw mut luid) };
    Status::from_ntstatus(status).ok()?;
    let high = u64::from(luid.HighPart.cast_unsigned());
    Ok(LogonId(high << 32 | u64::from(luid.LowPart)))
}

/// `NtCurrentProcess()` and `NtCurrentThread()`.
const CURRENT_PROCESS: isize = -1;
const CURRENT_THREAD: isize = -2;
/// `TOKEN_INFORMATION_CLASS.TokenUser`.
const TOKEN_USER_CLASS: wdk_sys::TOKEN_INFORMATION_CLASS = 1;

/// The user of the calling thread, or of its client where it impersonates one. PASSIVE_LEVEL, in the context of the
/// caller. `None` where that cannot be found out: the user is wanted to be shown, nothing is decided by it.
pub(crate) fn user_of_caller() -> Option<Sid> {
    /// TOKEN_USER and the SID that it points to.
    #[repr(C, align(8))]
    struct User([u8; 16 + 68]);
    let token = Token::of_caller()?;
    let mut user = User([0; 16 + 68]);
    let mut length = 0;
    // SAFETY: the handle is open, the buffer outlives the call and is as long as stated. PASSIVE_LEVEL.
    let status = unsafe {
        ZwQueryInformationToken(
            token.0,
            TOKEN_USER_CLASS,
            (&raw mut user).cast(),
            size_of::<User>() as u32,
            &raw mut length,
        )
    };
    Status::from_ntstatus(status).ok().ok()?;
    // The structure begins with the address of the SID, which lies behind it.
    let address = usize::from_ne_bytes(*user.0.first_chunk()?);
    let offset = address.checked_sub((&raw const user).addr())?;
    Sid::parse(user.0.get(offset..)?)
}

/// An open token.
struct Token(HANDLE);

impl Token {
    fn of_caller() -> Option<Self> {
        let mut token = ptr::null_mut();
        let (thread, process) = (
            ptr::without_provenance_mut(CURRENT_THREAD.cast_unsigned()),
            ptr::without_provenance_mut(CURRENT_PROCESS.cast_unsigned()),
        );
        // SAFETY: the handle stands for the calling thread; the token's outlives the call. PASSIVE_LEVEL.
        let status =
            unsafe { ZwOpenThreadTokenEx(thread, TOKEN_QUERY, 1, OBJ_KERNEL_HANDLE, &raw mut token) };
        if Status::from_ntstatus(status).is_success() {
            return Some(Self(token));
        }
        // SAFETY: as above, of the calling process.
        let status = unsafe { ZwOpenProcessTokenEx(process, TOKEN_QUERY, OBJ_KERNEL_HANDLE, &raw mut token) };
        Status::from_ntstatus(status).is_success().then_some(Self(token))
    }
}

impl Drop for Token {
    fn drop(&mut self) {
        // SAFETY: opened by `of_caller`, closed once. PASSIVE_LEVEL.
        let _ = unsafe { ZwClose(self.0) };
    }
}
