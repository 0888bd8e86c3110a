//! The requests beside reading and writing: locks, extended attributes, security, notification and controls of the file
//! system.
//!
//! They serve files that are opened by path, which no kernel that the tests run on can do: compiled, not run.

use std::os::windows::io::AsRawHandle;
use std::ptr;

use nt::Status;
use windows_sys::Wdk::Storage::FileSystem as wdk;
use windows_sys::Win32::Foundation::{HANDLE, NTSTATUS};
use windows_sys::Win32::System::IO::{IO_STATUS_BLOCK, PIO_APC_ROUTINE};

use super::{Completion, File, Pending};

// The two routines that `windows-sys` does not have.
#[link(name = "ntdll", kind = "raw-dylib")]
unsafe extern "system" {
    fn NtNotifyChangeDirectoryFile(
        file: HANDLE,
        event: HANDLE,
        apc_routine: PIO_APC_ROUTINE,
        apc_context: *const core::ffi::c_void,
        block: *mut IO_STATUS_BLOCK,
        buffer: *mut core::ffi::c_void,
        length: u32,
        filter: u32,
        watch_tree: u8,
    ) -> NTSTATUS;
    fn RtlValidRelativeSecurityDescriptor(
        descriptor: *const core::ffi::c_void,
        length: u32,
        required: u32,
    ) -> u8;
}

/// A range of bytes, and whose it is.
#[derive(Clone, Copy, Debug)]
pub struct LockRange {
    /// Where it begins.
    pub offset: u64,
    /// How long it is.
    pub length: u64,
    /// Tells the locks of one process apart.
    pub key: u32,
}

/// Which extended attributes are asked for.
#[derive(Clone, Copy, Debug)]
pub struct EaSelection<'a> {
    /// `FILE_GET_EA_INFORMATION` records; empty: all attributes.
    pub list: &'a [u8],
    /// The number of the first, from 1; without it, the one after the last that was given.
    pub index: Option<u32>,
    /// From the first on.
    pub restart: bool,
    /// One at most.
    pub single: bool,
}

impl File {
    /// Starts to lock a range; with `at_once`, one that is locked is not waited for.
    pub fn lock(&self, range: LockRange, exclusive: bool, at_once: bool) -> Result<Pending, Status> {
        let (offset, length) = (range.offset.cast_signed(), range.length.cast_signed());
        self.submit(Vec::new(), 0, |file, event, request| {
            // SAFETY: `submit` keeps the status block alive until the event is set; offset and length are captured
            // before the call returns.
            unsafe {
                wdk::NtLockFile(
                    file,
                    event,
                    None,
                    ptr::null(),
                    request.block(),
                    &raw const offset,
                    &raw const length,
                    range.key,
                    at_once,
                    exclusive,
                )
            }
        })
    }

    /// Unlocks a range just as it was locked.
    pub fn unlock(&self, range: LockRange) -> Result<Completion, Status> {
        let (offset, length) = (range.offset.cast_signed(), range.length.cast_signed());
        self.at_once(Vec::new(), 0, |file, request| {
            // SAFETY: the I/O manager waits for this request itself: everything outlives the call.
            unsafe {
                wdk::NtUnlockFile(
                    file,
                    request.block(),
                    &raw const offset,
                    &raw const length,
                    range.key,
                )
            }
        })
    }

    /// Queries extended attributes into a buffer of `length` bytes.
    pub fn query_ea(&self, selection: EaSelection<'_>, length: usize) -> Result<Completion, Status> {
        let index = selection.index.as_ref().map_or(ptr::null(), ptr::from_ref);
        self.at_once(selection.list.to_vec(), length, |file, request| {
            let (input, input_len) = request.input();
            let (output, output_len) = request.output();
            let list = if input_len == 0 {
                ptr::null()
            } else {
                input.cast_const().cast()
            };
            // SAFETY: as in `unlock`.
            unsafe {
                wdk::NtQueryEaFile(
                    file,
                    request.block(),
                    output.cast(),
                    output_len,
                    selection.single,
                    list,
                    input_len,
                    index,
                    selection.restart,
                )
            }
        })
    }

    /// Sets extended attributes, `FILE_FULL_EA_INFORMATION` records.
    pub fn set_ea(&self, records: &[u8]) -> Result<Completion, Status> {
        self.at_once(records.to_vec(), 0, |file, request| {
            let (input, input_len) = request.input();
            // SAFETY: as in `unlock`.
            unsafe { wdk::NtSetEaFile(file, request.block(), input.cast(), input_len) }
        })
    }

    /// Queries the parts `information` (`*_SECURITY_INFORMATION`) of the security descriptor. One that does not fit is
    /// `STATUS_BUFFER_TOO_SMALL` here, whatever the driver says.
    pub fn query_security(&self, information: u32, length: usize) -> Result<Completion, Status> {
        let mut output = vec![0; length];
        let length = u32::try_from(length).map_err(|_| Status::INVALID_PARAMETER)?;
        let mut needed = 0;
        // SAFETY: the handle is open, the buffer is as long as stated, and the call is over when it returns.
        let status = unsafe {
            wdk::NtQuerySecurityObject(
                self.handle.as_raw_handle(),
                information,
                output.as_mut_ptr().cast(),
                length,
                &raw mut needed,
            )
        };
        let status = Status(status.cast_unsigned());
        let needed = usize::try_from(needed).unwrap_or(usize::MAX);
        Ok(Completion {
            status,
            information: if status.is_error() { 0 } else { needed },
            output,
        })
    }

    /// Sets the parts `information` of the security descriptor from a self-relative one.
    pub fn set_security(&self, information: u32, descriptor: &[u8]) -> Result<Completion, Status> {
        // The kernel reads as much as the descriptor's own words say: what they say must be there.
        let valid = u32::try_from(descriptor.len()).is_ok_and(|length| {
            // SAFETY: there are `length` bytes, which the routine only reads.
            unsafe { RtlValidRelativeSecurityDescriptor(descriptor.as_ptr().cast(), length, 0) != 0 }
        });
        if !valid {
            return Err(Status::INVALID_SECURITY_DESCR);
        }
        // SAFETY: the handle is open; the descriptor is a whole one (checked), which the call only reads.
        let status = unsafe {
            wdk::NtSetSecurityObject(
                self.handle.as_raw_handle(),
                information,
                descriptor.as_ptr().cast_mut().cast(),
            )
        };
        Ok(Completion {
            status: Status(status.cast_unsigned()),
            information: 0,
            output: Vec::new(),
        })
    }

    /// Starts to wait for changes in a directory (`FILE_NOTIFY_CHANGE_*`), told into a buffer of `length` bytes.
    pub fn notify_change(&self, filter: u32, watch_tree: bool, length: usize) -> Result<Pending, Status> {
        self.submit(Vec::new(), length, |file, event, request| {
            let (output, output_len) = request.output();
            // SAFETY: `submit` keeps buffer and status block alive and untouched until the event is set; the
            // declaration above is the documented one.
            unsafe {
                NtNotifyChangeDirectoryFile(
                    file,
                    event,
                    None,
                    ptr::null(),
                    request.block(),
                    output.cast(),
                    output_len,
                    filter,
                    watch_tree.into(),
                )
            }
        })
    }
}
