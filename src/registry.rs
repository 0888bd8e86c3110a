//! The service's `Parameters` key: what an administrator may set. `docs/parameters.md` describes the values for users.
//!
//! A value that is missing has its default. One of the wrong type or out of range is logged and replaced by the default,
//! as a typing error in the registry must not keep a machine from its files.

use core::mem::offset_of;
use core::ops::RangeInclusive;
use core::ptr;
use core::time::Duration;

use minirdr::Settings;
use nt::{Name, NameBuf, Status, ascii};
use wdk_sys::ntddk::{ZwClose, ZwOpenKey, ZwQueryValueKey};
use wdk_sys::{
    HANDLE, KEY_READ, KEY_VALUE_PARTIAL_INFORMATION, OBJ_CASE_INSENSITIVE, OBJ_KERNEL_HANDLE,
    OBJECT_ATTRIBUTES, REG_DWORD,
};

use crate::unicode;

/// `KEY_VALUE_INFORMATION_CLASS.KeyValuePartialInformation`.
const KEY_VALUE_PARTIAL: wdk_sys::KEY_VALUE_INFORMATION_CLASS = 2;

/// The driver's parameters, every one within its range.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Parameters {
    /// `GlobalMappings`: all logon sessions share one set of mappings (1); else each has its own (0, the default).
    pub(crate) global_mappings: bool,
    /// What the mini-redirector takes: `MSize`, `RequestTimeoutMs`, `Window`, `DefaultUser`.
    pub(crate) settings: Settings,
}

impl Parameters {
    /// Reads `Parameters` below the service's key. IRQL = PASSIVE_LEVEL.
    ///
    /// # Errors
    /// `INSUFFICIENT_RESOURCES` only: whatever is wrong with the registry, there are defaults.
    pub(crate) fn read(service_key: Name<'_>) -> nt::Result<Self> {
        let mut path = NameBuf::try_from_name(service_key)?;
        path.try_push_str(r"\Parameters")?;
        let key = match Key::open(path.as_name()) {
            Ok(key) => Some(key),
            Err(Status::OBJECT_NAME_NOT_FOUND) => None,
            Err(status) => {
                wdk::println!("mrx9p: cannot open the Parameters key, using defaults: {status}");
                None
            }
        };
        let value = |name: &[u16], range, default| {
            key.as_ref()
                .map_or(default, |key| key.ranged(name, range, default))
        };
        let default = Settings::default();
        let timeout = u32::try_from(default.request_timeout.as_millis()).unwrap_or(u32::MAX);
        let timeout = value(&ascii!("RequestTimeoutMs"), Settings::REQUEST_TIMEOUT_MS, timeout);
        let window = value(&ascii!("Window"), Settings::WINDOW, u32::from(default.window));
        Ok(Self {
            global_mappings: value(&ascii!("GlobalMappings"), 0..=1, 0) == 1,
            settings: Settings {
                msize: value(&ascii!("MSize"), Settings::MSIZE, default.msize),
                request_timeout: Duration::from_millis(timeout.into()),
                window: u16::try_from(window).unwrap_or(default.window),
                default_user: value(&ascii!("DefaultUser"), 0..=u32::MAX - 1, default.default_user),
                umask: value(&ascii!("Umask"), 0..=0o777, default.umask),
                case_sensitive: value(&ascii!("CaseSensitive"), 0..=1, 0) == 1,
            },
        })
    }
}

/// An open registry key.
struct Key(HANDLE);

impl Key {
    fn open(path: Name<'_>) -> nt::Result<Self> {
        let mut name = unicode::describe(path.as_units())?;
        let mut attributes = OBJECT_ATTRIBUTES {
            Length: size_of::<OBJECT_ATTRIBUTES>() as u32,
            RootDirectory: ptr::null_mut(),
            ObjectName: &raw mut name,
            Attributes: OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE,
            SecurityDescriptor: ptr::null_mut(),
            SecurityQualityOfService: ptr::null_mut(),
        };
        let mut handle = ptr::null_mut();
        // SAFETY: PASSIVE_LEVEL (DriverEntry); all three outlive the call, and so does the path behind the name.
        let status = unsafe { ZwOpenKey(&raw mut handle, KEY_READ, &raw mut attributes) };
        Status::from_ntstatus(status).ok()?;
        Ok(Self(handle))
    }

    /// A `REG_DWORD` of the key, if it is within `range`; else `default`.
    fn ranged(&self, name: &[u16], range: RangeInclusive<u32>, default: u32) -> u32 {
        let reason = match self.dword(name) {
            Ok(value) if range.contains(&value) => return value,
            Err(Status::OBJECT_NAME_NOT_FOUND) => return default,
            Ok(_) => Status::INVALID_PARAMETER,
            Err(status) => status,
        };
        let (name, low, high) = (Name::new(name), range.start(), range.end());
        wdk::println!("mrx9p: {name} must be a REG_DWORD of {low} to {high}, using {default}: {reason}");
        default
    }

    fn dword(&self, name: &[u16]) -> nt::Result<u32> {
        /// KEY_VALUE_PARTIAL_INFORMATION whose data is a DWORD.
        #[repr(C)]
        #[derive(Default)]
        struct Dword {
            title_index: u32,
            kind: u32,
            data_length: u32,
            data: [u8; 4],
        }
        const _: () = assert!(offset_of!(Dword, kind) == offset_of!(KEY_VALUE_PARTIAL_INFORMATION, Type));
        const _: () = assert!(offset_of!(Dword, data) == offset_of!(KEY_VALUE_PARTIAL_INFORMATION, Data));
        let mut name = unicode::describe(name)?;
        let mut value = Dword::default();
        let mut length = 0;
        // SAFETY: the handle is open, the buffers outlive the call and are as long as stated. PASSIVE_LEVEL.
        let status = unsafe {
            ZwQueryValueKey(
                self.0,
                &raw mut name,
                KEY_VALUE_PARTIAL,
                (&raw mut value).cast(),
                size_of::<Dword>() as u32,
                &raw mut length,
            )
        };
        match Status::from_ntstatus(status) {
            // Longer than a DWORD.
            Status::BUFFER_OVERFLOW => return Err(Status::OBJECT_TYPE_MISMATCH),
            status => status.ok()?,
        }
        if value.kind != REG_DWORD || value.data_length as usize != value.data.len() {
            return Err(Status::OBJECT_TYPE_MISMATCH);
        }
        Ok(u32::from_ne_bytes(value.data))
    }
}

impl Drop for Key {
    fn drop(&mut self) {
        // SAFETY: opened by `open`, closed once. PASSIVE_LEVEL.
        let _ = unsafe { ZwClose(self.0) };
    }
}
