//! The network provider DLL called directly, without the router: for what the router never asks, or changes on the
//! way. Results are `WN_*` codes, 0 for success.

use std::ffi::c_void;
use std::{mem, ptr};

use windows_sys::Win32::Foundation::{FARPROC, FreeLibrary, GetLastError, HANDLE, HMODULE, HWND};
use windows_sys::Win32::NetworkManagement::WNet::NETRESOURCEW;
use windows_sys::Win32::System::LibraryLoader::{GetProcAddress, LoadLibraryW};

use crate::drives::terminated;

type GetCaps = unsafe extern "system" fn(u32) -> u32;
type AddConnection3 =
    unsafe extern "system" fn(HWND, *const NETRESOURCEW, *const u16, *const u16, u32) -> u32;
type CancelConnection = unsafe extern "system" fn(*const u16, i32) -> u32;
type GetConnection = unsafe extern "system" fn(*const u16, *mut u16, *mut u32) -> u32;
type OpenEnum = unsafe extern "system" fn(u32, u32, u32, *const NETRESOURCEW, *mut HANDLE) -> u32;
type EnumResource = unsafe extern "system" fn(HANDLE, *mut u32, *mut c_void, *mut u32) -> u32;
type CloseEnum = unsafe extern "system" fn(HANDLE) -> u32;

/// The loaded DLL with its entry points.
pub struct Provider {
    module: HMODULE,
    get_caps: GetCaps,
    add_connection3: AddConnection3,
    cancel_connection: CancelConnection,
    get_connection: GetConnection,
    open_enum: OpenEnum,
    enum_resource: EnumResource,
    close_enum: CloseEnum,
}

/// What an enumeration call gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Portion {
    /// The `WN_*` code.
    pub result: u32,
    /// Entries given, as the count that came back says.
    pub count: u32,
    /// The buffer size that came back: what is needed, when it was too small.
    pub size: u32,
    /// Local and remote name of each entry given.
    pub names: Vec<(String, String)>,
}

impl Provider {
    /// Loads the DLL by its file name. Errors are Win32 codes.
    pub fn load(file: &str) -> Result<Self, u32> {
        let units: Vec<u16> = file.encode_utf16().collect();
        let name = terminated(&units);
        // SAFETY: the name is NUL-terminated. The DLL's entry code runs; it is our own.
        let module = unsafe { LoadLibraryW(name.as_ptr()) };
        if module.is_null() {
            // SAFETY: no arguments; reads the calling thread's last error.
            return Err(unsafe { GetLastError() });
        }
        macro_rules! entry {
            ($name:literal, $kind:ty) => {{
                // SAFETY: the module is loaded and the name is NUL-terminated.
                let found: FARPROC = unsafe { GetProcAddress(module, $name.as_ptr().cast()) };
                let found = found.ok_or(127_u32)?;
                // SAFETY: the documented type of the entry point of this name; both are function pointers.
                unsafe { mem::transmute::<unsafe extern "system" fn() -> isize, $kind>(found) }
            }};
        }
        Ok(Self {
            module,
            get_caps: entry!(c"NPGetCaps", GetCaps),
            add_connection3: entry!(c"NPAddConnection3", AddConnection3),
            cancel_connection: entry!(c"NPCancelConnection", CancelConnection),
            get_connection: entry!(c"NPGetConnection", GetConnection),
            open_enum: entry!(c"NPOpenEnum", OpenEnum),
            enum_resource: entry!(c"NPEnumResource", EnumResource),
            close_enum: entry!(c"NPCloseEnum", CloseEnum),
        })
    }

    /// Whether the DLL exports this name. `name` must not hold a NUL.
    pub fn exports(&self, name: &str) -> bool {
        let mut name = name.as_bytes().to_vec();
        name.push(0);
        // SAFETY: the module is loaded and the name is NUL-terminated.
        unsafe { GetProcAddress(self.module, name.as_ptr()) }.is_some()
    }

    /// `NPGetCaps`.
    pub fn capability(&self, index: u32) -> u32 {
        // SAFETY: takes a number and gives one.
        unsafe { (self.get_caps)(index) }
    }

    /// `NPAddConnection3`; names that are not given are NULL.
    pub fn add(&self, kind: u32, local: Option<&str>, remote: Option<&str>, user: Option<&str>) -> u32 {
        let mut local = local.map(wide);
        let mut remote = remote.map(wide);
        let user = user.map(wide);
        let resource = NETRESOURCEW {
            dwScope: 0,
            dwType: kind,
            dwDisplayType: 0,
            dwUsage: 0,
            lpLocalName: local.as_mut().map_or(ptr::null_mut(), |name| name.as_mut_ptr()),
            lpRemoteName: remote.as_mut().map_or(ptr::null_mut(), |name| name.as_mut_ptr()),
            lpComment: ptr::null_mut(),
            lpProvider: ptr::null_mut(),
        };
        let user = user.as_ref().map_or(ptr::null(), |name| name.as_ptr());
        // SAFETY: the structure and its NUL-terminated strings live through the call.
        unsafe { (self.add_connection3)(ptr::null_mut(), &raw const resource, ptr::null(), user, 0) }
    }

    /// `NPAddConnection3` without a resource.
    pub fn add_nothing(&self) -> u32 {
        // SAFETY: NULL is allowed by the contract of the entry point.
        unsafe { (self.add_connection3)(ptr::null_mut(), ptr::null(), ptr::null(), ptr::null(), 0) }
    }

    /// `NPCancelConnection`.
    pub fn cancel(&self, name: Option<&str>, force: bool) -> u32 {
        let name = name.map(wide);
        let name = name.as_ref().map_or(ptr::null(), |name| name.as_ptr());
        // SAFETY: NULL or NUL-terminated, and alive through the call.
        unsafe { (self.cancel_connection)(name, i32::from(force)) }
    }

    /// `NPGetConnection` into a buffer of `room` units: the code, the length that came back, and the name.
    pub fn remote_name(&self, local: &str, room: u32) -> (u32, u32, String) {
        let local = wide(local);
        let mut buffer = vec![0_u16; usize::try_from(room).unwrap_or(0)];
        let mut length = room;
        // SAFETY: the name is NUL-terminated, the buffer is `length` units long, the length is a local.
        let result = unsafe { (self.get_connection)(local.as_ptr(), buffer.as_mut_ptr(), &raw mut length) };
        let name = buffer.split(|&unit| unit == 0).next().unwrap_or_default();
        (result, length, String::from_utf16_lossy(name))
    }

    /// `NPOpenEnum`: the code and the handle's number.
    pub fn open_enumeration(&self, scope: u32, kind: u32) -> (u32, usize) {
        let mut handle: HANDLE = ptr::null_mut();
        // SAFETY: the handle is a local; no resource is given.
        let result = unsafe { (self.open_enum)(scope, kind, 0, ptr::null(), &raw mut handle) };
        (result, handle.addr())
    }

    /// `NPEnumResource` for at most `most` entries into a buffer of `room` bytes.
    pub fn next_portion(&self, handle: usize, most: u32, room: u32) -> Portion {
        let words = usize::try_from(room).unwrap_or(0).div_ceil(size_of::<u64>());
        // A word more than is told, so that the address is valid even for no room at all.
        let mut buffer = vec![0_u64; words.saturating_add(1)];
        let (mut count, mut size) = (most, room);
        // SAFETY: count and size are locals, the buffer is at least `size` bytes long.
        let result = unsafe {
            (self.enum_resource)(
                ptr::without_provenance_mut(handle),
                &raw mut count,
                buffer.as_mut_ptr().cast(),
                &raw mut size,
            )
        };
        let names = if result == 0 {
            crate::wnet::names_in(&buffer, count)
        } else {
            Vec::new()
        };
        Portion {
            result,
            count,
            size,
            names,
        }
    }

    /// `NPCloseEnum`.
    pub fn close_enumeration(&self, handle: usize) -> u32 {
        // SAFETY: the handle is a number to the provider, checked by it.
        unsafe { (self.close_enum)(ptr::without_provenance_mut(handle)) }
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        // SAFETY: loaded by `load`; the entry points die with `self`.
        unsafe { FreeLibrary(self.module) };
    }
}

fn wide(text: &str) -> Vec<u16> {
    let units: Vec<u16> = text.encode_utf16().collect();
    terminated(&units)
}
