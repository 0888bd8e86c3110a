//! The service's `Parameters` key: what an administrator may set. `docs/parameters.md` describes the values for users.
//!
//! A value that is missing has its default. One of the wrong type or out of range is logged and replaced by the default,
//! as a typing error in the registry must not keep a machine from its files.

use core::mem::offset_of;
use core::ops::RangeInclusive;
use core::ptr;
use core::time::Duration;

use minirdr::{FileSystemName, Settings};
use nt::{Name, NameBuf, Status, ascii};
use wdk_sys::ntddk::{ZwClose, ZwOpenKey, ZwQueryValueKey};
use wdk_sys::{
    HANDLE, KEY_READ, KEY_VALUE_PARTIAL_INFORMATION, OBJ_CASE_INSENSITIVE, OBJ_KERNEL_HANDLE,
    OBJECT_ATTRIBUTES, REG_DWORD, REG_SZ,
};

use crate::unicode;

/// `KEY_VALUE_INFORMATION_CLASS.KeyValuePartialInformation`.
const KEY_VALUE_PARTIAL: wdk_sys::KEY_VALUE_INFORMATION_CLASS = 2;

/// The driver's parameters, every one within its range.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Parameters {
    /// `GlobalMappings`: all logon sessions share one set of mappings (1); else each has its own (0, the default).
    pub(crate) global_mappings: bool,
    /// `ProvideUnc`: UNC names without a mapping are served, too, as MUP asks (1); else mappings alone (0, the default).
    pub(crate) provide_unc: bool,
    /// What the mini-redirector takes: all others.
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
        let dormant_files = value(
            &ascii!("DormantFiles"),
            Settings::DORMANT_FILES,
            default.dormant_files,
        );
        let dormant_seconds = u32::try_from(default.dormant_time.as_secs()).unwrap_or(0);
        let dormant_seconds = value(
            &ascii!("DormantSeconds"),
            Settings::DORMANT_SECONDS,
            dormant_seconds,
        );
        let window = value(&ascii!("Window"), Settings::WINDOW, u32::from(default.window));
        Ok(Self {
            global_mappings: value(&ascii!("GlobalMappings"), 0..=1, 0) == 1,
            provide_unc: value(&ascii!("ProvideUnc"), 0..=1, 0) == 1,
            settings: Settings {
                msize: value(&ascii!("MSize"), Settings::MSIZE, default.msize),
                request_timeout: Duration::from_millis(timeout.into()),
                window: u16::try_from(window).unwrap_or(default.window),
                default_user: value(&ascii!("DefaultUser"), 0..=u32::MAX - 1, default.default_user),
                umask: value(&ascii!("Umask"), 0..=0o777, default.umask),
                case_sensitive: value(&ascii!("CaseSensitive"), 0..=1, 0) == 1,
                dos_attributes: value(&ascii!("DosAttributes"), 0..=1, 1) == 1,
                assume_order: value(&ascii!("AssumeOrder"), 0..=1, 0) == 1,
                file_system_name: key.as_ref().map_or(default.file_system_name, |key| {
                    key.file_system_name(&ascii!("FileSystemName"), default.file_system_name)
                }),
                dormant_files,
                dormant_time: Duration::from_secs(dormant_seconds.into()),
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

    /// A `REG_SZ` of the key, if it can name a file system; else `default`.
    fn file_system_name(&self, name: &[u16], default: FileSystemName) -> FileSystemName {
        let reason = match self.text(name) {
            Ok((units, len)) => match FileSystemName::new(Name::new(units.get(..len).unwrap_or_default())) {
                Some(name) => return name,
                None => Status::INVALID_PARAMETER,
            },
            Err(Status::OBJECT_NAME_NOT_FOUND) => return default,
            Err(status) => status,
        };
        let (name, most) = (Name::new(name), FileSystemName::MAX_UNITS);
        let default_name = default.as_name();
        wdk::println!(
            "mrx9p: {name} must be a REG_SZ of 1 to {most} characters, using {default_name}: {reason}"
        );
        default
    }

    fn dword(&self, name: &[u16]) -> nt::Result<u32> {
        let value = self.value::<4>(name, REG_DWORD)?;
        if value.data_length as usize != value.data.len() {
            return Err(Status::OBJECT_TYPE_MISMATCH);
        }
        Ok(u32::from_ne_bytes(value.data))
    }

    /// A string's units and how many there are, without its NULs at the end.
    fn text(&self, name: &[u16]) -> nt::Result<([u16; TEXT_UNITS], usize)> {
        let value = self.value::<{ TEXT_UNITS * 2 }>(name, REG_SZ)?;
        let data = value.data.get(..value.data_length as usize).unwrap_or_default();
        let mut units = [0; TEXT_UNITS];
        for (unit, bytes) in units.iter_mut().zip(data.chunks_exact(2)) {
            *unit = bytes.first_chunk().map_or(0, |bytes| u16::from_ne_bytes(*bytes));
        }
        let len = units
            .iter()
            .rposition(|&unit| unit != 0)
            .map_or(0, |last| last + 1);
        Ok((units, len))
    }

    /// A value of this type, of at most `N` bytes.
    ///
    /// # Errors
    /// `OBJECT_NAME_NOT_FOUND`; `OBJECT_TYPE_MISMATCH` for another type or a longer value.
    fn value<const N: usize>(&self, name: &[u16], kind: u32) -> nt::Result<Value<N>> {
        const { assert!(offset_of!(Value<N>, kind) == offset_of!(KEY_VALUE_PARTIAL_INFORMATION, Type)) };
        const { assert!(offset_of!(Value<N>, data) == offset_of!(KEY_VALUE_PARTIAL_INFORMATION, Data)) };
        let mut name = unicode::describe(name)?;
        let mut value = Value {
            title_index: 0,
            kind: 0,
            data_length: 0,
            data: [0; N],
        };
        let mut length = 0;
        // SAFETY: the handle is open, the buffers outlive the call and are as long as stated. PASSIVE_LEVEL.
        let status = unsafe {
            ZwQueryValueKey(
                self.0,
                &raw mut name,
                KEY_VALUE_PARTIAL,
                (&raw mut value).cast(),
                size_of::<Value<N>>() as u32,
                &raw mut length,
            )
        };
        match Status::from_ntstatus(status) {
            // Longer than allowed.
            Status::BUFFER_OVERFLOW => return Err(Status::OBJECT_TYPE_MISMATCH),
            status => status.ok()?,
        }
        if value.kind != kind {
            return Err(Status::OBJECT_TYPE_MISMATCH);
        }
        Ok(value)
    }
}

/// Longest string read, its NUL included.
const TEXT_UNITS: usize = FileSystemName::MAX_UNITS + 1;

/// KEY_VALUE_PARTIAL_INFORMATION with up to `N` bytes of data.
#[repr(C)]
struct Value<const N: usize> {
    title_index: u32,
    kind: u32,
    data_length: u32,
    data: [u8; N],
}

impl Drop for Key {
    fn drop(&mut self) {
        // SAFETY: opened by `open`, closed once. PASSIVE_LEVEL.
        let _ = unsafe { ZwClose(self.0) };
    }
}
