//! NT file and device I/O with owned buffers.
//!
//! Handles are opened for asynchronous I/O, every request waits on its own event. So one path serves both plain
//! calls and requests that are watched, timed out or cancelled, and the buffers of a request belong to it until
//! the kernel is done with them.

mod other;

use core::ffi::c_void;
use std::mem;
use std::os::windows::io::{AsRawHandle, FromRawHandle, OwnedHandle};
use std::ptr;
use std::sync::Arc;
use std::time::Duration;

use nt::Status;
use windows_sys::Wdk::Foundation::OBJECT_ATTRIBUTES;
use windows_sys::Wdk::Storage::FileSystem as wdk;
use windows_sys::Wdk::System::IO::NtDeviceIoControlFile;
use windows_sys::Win32::Foundation::{HANDLE, NTSTATUS, OBJ_CASE_INSENSITIVE, UNICODE_STRING, WAIT_OBJECT_0};
use windows_sys::Win32::System::IO::{IO_STATUS_BLOCK, IO_STATUS_BLOCK_0, PIO_APC_ROUTINE};
use windows_sys::Win32::System::Threading::{CreateEventW, INFINITE, WaitForSingleObject};

pub use other::{EaSelection, LockRange};

/// The arguments of an open, as `NtCreateFile` takes them.
#[derive(Clone, Copy, Debug)]
pub struct OpenOptions {
    /// `ACCESS_MASK`; SYNCHRONIZE is not needed and not added.
    pub access: u32,
    /// `FILE_ATTRIBUTE_*` of a file that is created.
    pub attributes: u32,
    /// `FILE_SHARE_*`.
    pub share: u32,
    /// `FILE_OPEN`, `FILE_CREATE` ….
    pub disposition: u32,
    /// `FILE_DIRECTORY_FILE` …; the synchronous options are not allowed here.
    pub options: u32,
}

/// How a request ended.
#[derive(Clone, Debug)]
pub struct Completion {
    /// The final status.
    pub status: Status,
    /// `IoStatus.Information`; 0 when the request failed.
    pub information: usize,
    /// The output buffer in its full length.
    pub output: Vec<u8>,
}

/// `NtQueryInformationFile` and its like.
type QueryClass = unsafe extern "system" fn(HANDLE, *mut IO_STATUS_BLOCK, *mut c_void, u32, i32) -> NTSTATUS;
/// `NtSetInformationFile` and its like.
type SetClass = unsafe extern "system" fn(HANDLE, *mut IO_STATUS_BLOCK, *const c_void, u32, i32) -> NTSTATUS;
/// `NtDeviceIoControlFile` and its like.
type Control = unsafe extern "system" fn(
    HANDLE,
    HANDLE,
    PIO_APC_ROUTINE,
    *const c_void,
    *mut IO_STATUS_BLOCK,
    u32,
    *const c_void,
    u32,
    *mut c_void,
    u32,
) -> NTSTATUS;

/// An open file or device. Clones share the handle, the last one closes it.
#[derive(Clone, Debug)]
pub struct File {
    handle: Arc<OwnedHandle>,
}

impl File {
    /// `NtCreateFile` on a full NT name (`\??\Mrx9p`, `\??\X:\file`). Gives the file and the create action.
    pub fn open(name: &[u16], options: &OpenOptions) -> Result<(Self, u32), Status> {
        let bytes = u16::try_from(name.len().saturating_mul(2)).map_err(|_| Status::OBJECT_NAME_INVALID)?;
        let counted = UNICODE_STRING {
            Length: bytes,
            MaximumLength: bytes,
            Buffer: name.as_ptr().cast_mut(),
        };
        let attributes = OBJECT_ATTRIBUTES {
            Length: size_of::<OBJECT_ATTRIBUTES>() as u32,
            RootDirectory: ptr::null_mut(),
            ObjectName: &raw const counted,
            Attributes: OBJ_CASE_INSENSITIVE,
            SecurityDescriptor: ptr::null(),
            SecurityQualityOfService: ptr::null(),
        };
        let mut handle: HANDLE = ptr::null_mut();
        let mut block = empty_block();
        // SAFETY: every pointer is to a local that lives through the call. `NtCreateFile` reads the name, never
        // writes it, and always completes before it returns.
        let status = unsafe {
            wdk::NtCreateFile(
                &raw mut handle,
                options.access,
                &raw const attributes,
                &raw mut block,
                ptr::null(),
                options.attributes,
                options.share,
                options.disposition,
                options.options,
                ptr::null(),
                0,
            )
        };
        let status = Status(status.cast_unsigned());
        if !status.is_success() || handle.is_null() {
            return Err(status);
        }
        // SAFETY: the call succeeded, so the handle is open and nobody else knows it.
        let handle = unsafe { OwnedHandle::from_raw_handle(handle) };
        Ok((
            Self {
                handle: Arc::new(handle),
            },
            u32::try_from(block.Information).unwrap_or(0),
        ))
    }

    /// Starts a device control request; `output` gives the length of the output buffer in bytes.
    pub fn control(&self, code: u32, input: Vec<u8>, output: usize) -> Result<Pending, Status> {
        // SAFETY: it is a routine of controls.
        unsafe { self.start_control(NtDeviceIoControlFile, code, input, output) }
    }

    /// Starts a control of the file system; `output` gives the length of the output buffer in bytes.
    pub fn fs_control(&self, code: u32, input: Vec<u8>, output: usize) -> Result<Pending, Status> {
        // SAFETY: as in `control`.
        unsafe { self.start_control(wdk::NtFsControlFile, code, input, output) }
    }

    /// Starts a read of up to `length` bytes at `offset`.
    pub fn read(&self, offset: u64, length: usize) -> Result<Pending, Status> {
        let offset = offset.cast_signed();
        self.submit(Vec::new(), length, |file, event, request| {
            let (output, output_len) = request.output();
            // SAFETY: as in `start_control`; the offset is read before the call returns.
            unsafe {
                wdk::NtReadFile(
                    file,
                    event,
                    None,
                    ptr::null(),
                    request.block(),
                    output.cast(),
                    output_len,
                    &raw const offset,
                    ptr::null(),
                )
            }
        })
    }

    /// Starts a write of `data` at `offset`.
    pub fn write(&self, offset: u64, data: Vec<u8>) -> Result<Pending, Status> {
        let offset = offset.cast_signed();
        self.submit(data, 0, |file, event, request| {
            let (input, input_len) = request.input();
            // SAFETY: as in `start_control`; the offset is read before the call returns.
            unsafe {
                wdk::NtWriteFile(
                    file,
                    event,
                    None,
                    ptr::null(),
                    request.block(),
                    input.cast(),
                    input_len,
                    &raw const offset,
                    ptr::null(),
                )
            }
        })
    }

    /// Starts a directory query into a buffer of `length` bytes. `pattern` counts only with the first query.
    pub fn query_directory(
        &self,
        class: u32,
        pattern: Option<&[u16]>,
        restart: bool,
        length: usize,
    ) -> Result<Pending, Status> {
        let units = pattern.unwrap_or_default();
        let bytes = u16::try_from(units.len().saturating_mul(2)).map_err(|_| Status::OBJECT_NAME_INVALID)?;
        let counted = UNICODE_STRING {
            Length: bytes,
            MaximumLength: bytes,
            Buffer: units.as_ptr().cast_mut(),
        };
        let pattern = if pattern.is_some() {
            &raw const counted
        } else {
            ptr::null()
        };
        self.submit(Vec::new(), length, |file, event, request| {
            let (output, output_len) = request.output();
            // SAFETY: as in `start_control`; the pattern is captured before the call returns.
            unsafe {
                wdk::NtQueryDirectoryFile(
                    file,
                    event,
                    None,
                    ptr::null(),
                    request.block(),
                    output.cast(),
                    output_len,
                    class.cast_signed(),
                    false,
                    pattern,
                    restart,
                )
            }
        })
    }

    /// Queries an information class into a buffer of `length` bytes.
    pub fn query_information(&self, class: u32, length: usize) -> Result<Completion, Status> {
        // SAFETY: it is a routine that queries a class.
        unsafe { self.query(wdk::NtQueryInformationFile, class, length) }
    }

    /// Sets an information class.
    pub fn set_information(&self, class: u32, data: &[u8]) -> Result<Completion, Status> {
        // SAFETY: it is a routine that sets a class.
        unsafe { self.set(wdk::NtSetInformationFile, class, data) }
    }

    /// Queries a volume information class into a buffer of `length` bytes.
    pub fn query_volume(&self, class: u32, length: usize) -> Result<Completion, Status> {
        // SAFETY: as in `query_information`.
        unsafe { self.query(wdk::NtQueryVolumeInformationFile, class, length) }
    }

    /// Sets a volume information class.
    pub fn set_volume(&self, class: u32, data: &[u8]) -> Result<Completion, Status> {
        // SAFETY: as in `set_information`.
        unsafe { self.set(wdk::NtSetVolumeInformationFile, class, data) }
    }

    /// Flushes the file's buffers.
    pub fn flush(&self) -> Result<Completion, Status> {
        self.at_once(Vec::new(), 0, |file, request| {
            // SAFETY: as in `query`.
            unsafe { wdk::NtFlushBuffersFile(file, request.block()) }
        })
    }

    /// Asks for everything that runs on the file to be cancelled; [`Status::NOT_FOUND`] when nothing does.
    pub fn cancel_all(&self) -> Status {
        let mut block = empty_block();
        // SAFETY: the handle is open, NULL stands for every request, the block is a local that the call fills
        // before it returns.
        let status =
            unsafe { wdk::NtCancelIoFileEx(self.handle.as_raw_handle(), ptr::null(), &raw mut block) };
        Status(status.cast_unsigned())
    }

    /// Closes this clone's share of the handle; the handle itself goes with the last clone.
    pub fn close(self) {}

    /// # Safety
    /// `routine` fills the block and at most as many bytes as it is told, before it returns.
    unsafe fn query(&self, routine: QueryClass, class: u32, length: usize) -> Result<Completion, Status> {
        self.at_once(Vec::new(), length, |file, request| {
            let (output, output_len) = request.output();
            // SAFETY: the I/O manager waits for this request itself: the buffers outlive the call. The rest is the
            // caller's word.
            unsafe {
                routine(
                    file,
                    request.block(),
                    output.cast(),
                    output_len,
                    class.cast_signed(),
                )
            }
        })
    }

    /// # Safety
    /// `routine` fills the block and reads at most as many bytes as it is told, before it returns.
    unsafe fn set(&self, routine: SetClass, class: u32, data: &[u8]) -> Result<Completion, Status> {
        self.at_once(data.to_vec(), 0, |file, request| {
            let (input, input_len) = request.input();
            // SAFETY: as in `query`.
            unsafe {
                routine(
                    file,
                    request.block(),
                    input.cast(),
                    input_len,
                    class.cast_signed(),
                )
            }
        })
    }

    /// # Safety
    /// `routine` makes a request of the control, whose buffers it leaves alone when that has ended.
    unsafe fn start_control(
        &self,
        routine: Control,
        code: u32,
        input: Vec<u8>,
        output: usize,
    ) -> Result<Pending, Status> {
        self.submit(input, output, |file, event, request| {
            let (input, input_len) = request.input();
            let (output, output_len) = request.output();
            // SAFETY: `submit` keeps the buffers and the status block alive and untouched until the event is set. The
            // rest is the caller's word.
            unsafe {
                routine(
                    file,
                    event,
                    None,
                    ptr::null(),
                    request.block(),
                    code,
                    input.cast(),
                    input_len,
                    output.cast(),
                    output_len,
                )
            }
        })
    }

    fn submit(
        &self,
        input: Vec<u8>,
        output: usize,
        call: impl FnOnce(HANDLE, HANDLE, &Request) -> NTSTATUS,
    ) -> Result<Pending, Status> {
        let event = new_event()?;
        let request = Request::new(input, output)?;
        let returned = call(self.handle.as_raw_handle(), event.as_raw_handle(), &request);
        let returned = Status(returned.cast_unsigned());
        let state = if returned == Status::PENDING {
            State::Running
        } else {
            State::Returned(returned)
        };
        Ok(Pending {
            file: self.clone(),
            event,
            request: Some(request),
            state,
        })
    }

    fn at_once(
        &self,
        input: Vec<u8>,
        output: usize,
        call: impl FnOnce(HANDLE, &Request) -> NTSTATUS,
    ) -> Result<Completion, Status> {
        let request = Request::new(input, output)?;
        let status = Status(call(self.handle.as_raw_handle(), &request).cast_unsigned());
        Ok(request.finish(Some(status)))
    }
}

/// A request on its way. Dropping it cancels the request and waits until the kernel has let go of the buffers.
#[derive(Debug)]
pub struct Pending {
    file: File,
    event: OwnedHandle,
    /// `None` once the result was taken.
    request: Option<Request>,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// The kernel holds the buffers.
    Running,
    /// The call itself gave the final status.
    Returned(Status),
    /// The event was seen: the status block holds the result.
    Signalled,
}

impl Pending {
    /// Waits without limit and gives the result.
    pub fn wait(mut self) -> Completion {
        self.settle(INFINITE);
        self.take()
    }

    /// Waits for at most `limit`; the request itself comes back when it is still running.
    pub fn wait_for(mut self, limit: Duration) -> Result<Completion, Self> {
        let ms = u32::try_from(limit.as_millis()).unwrap_or(INFINITE.saturating_sub(1));
        if self.settle(ms) {
            Ok(self.take())
        } else {
            Err(self)
        }
    }

    /// Asks for the request to be cancelled. It still completes, with `STATUS_CANCELLED` or with its result.
    pub fn cancel(&self) -> Status {
        let Some(request) = &self.request else {
            return Status::SUCCESS;
        };
        let mut block = empty_block();
        // SAFETY: the handle is open, the request's status block is alive (it names the request to cancel), and
        // the second block is a local that the call fills before it returns.
        let status = unsafe {
            wdk::NtCancelIoFileEx(self.file.handle.as_raw_handle(), request.block(), &raw mut block)
        };
        Status(status.cast_unsigned())
    }

    fn settle(&mut self, ms: u32) -> bool {
        if self.state != State::Running {
            return true;
        }
        // SAFETY: the event is open for as long as `self` lives.
        let waited = unsafe { WaitForSingleObject(self.event.as_raw_handle(), ms) };
        if waited == WAIT_OBJECT_0 {
            self.state = State::Signalled;
        }
        waited == WAIT_OBJECT_0
    }

    fn take(&mut self) -> Completion {
        let returned = match self.state {
            State::Returned(status) => Some(status),
            State::Running | State::Signalled => None,
        };
        match self.request.take() {
            Some(request) => request.finish(returned),
            None => Completion {
                status: Status::INVALID_PARAMETER,
                information: 0,
                output: Vec::new(),
            },
        }
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        if self.request.is_some() && self.state == State::Running {
            // Cancelled or not, the wait below ends with the request.
            let _status = self.cancel();
            if !self.settle(INFINITE) {
                // The wait itself failed: leak the buffers rather than free what the kernel may still write to.
                mem::forget(self.request.take());
            }
        }
    }
}

/// The memory of one request: status block, input and output, at addresses that stay fixed while it runs.
#[derive(Debug)]
struct Request {
    memory: *mut Memory,
    input: (*mut u8, u32),
    output: (*mut u8, u32),
}

// SAFETY: the memory is owned by the request alone and is reached through it only; no thread affinity.
unsafe impl Send for Request {}

struct Memory {
    block: IO_STATUS_BLOCK,
    input: Vec<u8>,
    output: Vec<u8>,
}

impl Request {
    fn new(input: Vec<u8>, output: usize) -> Result<Self, Status> {
        let input_len = u32::try_from(input.len()).map_err(|_| Status::INVALID_PARAMETER)?;
        let output_len = u32::try_from(output).map_err(|_| Status::INVALID_PARAMETER)?;
        let mut buffer = Vec::new();
        buffer
            .try_reserve_exact(output)
            .map_err(|_| Status::INSUFFICIENT_RESOURCES)?;
        buffer.resize(output, 0);
        let mut memory = Box::new(Memory {
            block: empty_block(),
            input,
            output: buffer,
        });
        let input = (memory.input.as_mut_ptr(), input_len);
        let output = (memory.output.as_mut_ptr(), output_len);
        Ok(Self {
            memory: Box::into_raw(memory),
            input,
            output,
        })
    }

    fn input(&self) -> (*mut u8, u32) {
        self.input
    }

    fn output(&self) -> (*mut u8, u32) {
        self.output
    }

    fn block(&self) -> *mut IO_STATUS_BLOCK {
        // SAFETY: the memory is alive while the request is; only the address of the field is taken.
        unsafe { &raw mut (*self.memory).block }
    }

    /// Takes the result. `returned` is the call's own status when it did not stay pending.
    fn finish(self, returned: Option<Status>) -> Completion {
        // SAFETY: made by `Box::into_raw`; the kernel is done with it (the caller saw the final status), and
        // `self` is forgotten below, so that it is freed once.
        let memory = unsafe { Box::from_raw(self.memory) };
        mem::forget(self);
        let status = returned.unwrap_or_else(|| {
            // SAFETY: both views of the union are plain integers; a completed request stores the status.
            let raw = unsafe { memory.block.Anonymous.Status };
            Status(raw.cast_unsigned())
        });
        let information = if status.is_error() {
            0
        } else {
            memory.block.Information
        };
        Completion {
            status,
            information,
            output: memory.output,
        }
    }
}

impl Drop for Request {
    fn drop(&mut self) {
        // SAFETY: made by `Box::into_raw`; whoever drops a request has seen it complete (see `Pending::drop`).
        drop(unsafe { Box::from_raw(self.memory) });
    }
}

fn empty_block() -> IO_STATUS_BLOCK {
    IO_STATUS_BLOCK {
        Anonymous: IO_STATUS_BLOCK_0 { Status: 0 },
        Information: 0,
    }
}

fn new_event() -> Result<OwnedHandle, Status> {
    // SAFETY: no pointers are passed; manual reset, so that a wait can be repeated.
    let event = unsafe { CreateEventW(ptr::null(), 1, 0, ptr::null()) };
    if event.is_null() {
        return Err(Status::INSUFFICIENT_RESOURCES);
    }
    // SAFETY: the event was just created and nobody else knows the handle.
    Ok(unsafe { OwnedHandle::from_raw_handle(event) })
}
