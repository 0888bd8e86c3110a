//! The two registry values that concern a network provider: its name and its place in the provider order.
//! Errors are Win32 codes.

use std::ptr;

use windows_sys::Win32::Foundation::{
    ERROR_FILE_NOT_FOUND, ERROR_MORE_DATA, ERROR_NOT_ENOUGH_MEMORY, ERROR_SUCCESS,
};
use windows_sys::Win32::System::Registry::{
    HKEY, HKEY_LOCAL_MACHINE, KEY_SET_VALUE, REG_OPTION_NON_VOLATILE, REG_SZ, RRF_NOEXPAND,
    RRF_RT_REG_EXPAND_SZ, RRF_RT_REG_SZ, RegCloseKey, RegCreateKeyExW, RegGetValueW, RegSetValueExW,
};

use crate::drives::terminated;

/// The service key of the driver; its name is also the entry in the provider order.
pub const SERVICE_NAME: &str = "Mrx9p";
/// The provider's name when the registry has none.
pub const DEFAULT_PROVIDER_NAME: &str = "mrx9p";

const PROVIDER_KEY: &str = r"SYSTEM\CurrentControlSet\Services\Mrx9p\NetworkProvider";
const ORDER_KEY: &str = r"SYSTEM\CurrentControlSet\Control\NetworkProvider\Order";
const ORDER_VALUE: &str = "ProviderOrder";
const MOST_BYTES: u32 = 64 * 1024;

/// The registered name of our provider: what `NETRESOURCE.lpProvider` holds for our connections.
pub fn provider_name() -> String {
    read_string(PROVIDER_KEY, "Name")
        .ok()
        .filter(|name| !name.is_empty())
        .unwrap_or_else(|| DEFAULT_PROVIDER_NAME.to_owned())
}

/// The provider order: service key names with commas between them; empty when there is none yet.
pub fn provider_order() -> Result<String, u32> {
    match read_string(ORDER_KEY, ORDER_VALUE) {
        Err(ERROR_FILE_NOT_FOUND) => Ok(String::new()),
        order => order,
    }
}

/// Replaces the provider order.
pub fn set_provider_order(order: &str) -> Result<(), u32> {
    write_string(ORDER_KEY, ORDER_VALUE, order)
}

fn read_string(key: &str, value: &str) -> Result<String, u32> {
    let key = wide(key);
    let value = wide(value);
    let mut bytes: u32 = 512;
    loop {
        let mut buffer = Vec::new();
        let units = usize::try_from(bytes.div_ceil(2)).map_err(|_| ERROR_NOT_ENOUGH_MEMORY)?;
        buffer
            .try_reserve_exact(units)
            .map_err(|_| ERROR_NOT_ENOUGH_MEMORY)?;
        buffer.resize(units, 0_u16);
        let mut length = bytes;
        // SAFETY: both names are NUL-terminated, the buffer is at least `length` bytes long, no type is asked for.
        let error = unsafe {
            RegGetValueW(
                HKEY_LOCAL_MACHINE,
                key.as_ptr(),
                value.as_ptr(),
                RRF_RT_REG_SZ | RRF_RT_REG_EXPAND_SZ | RRF_NOEXPAND,
                ptr::null_mut(),
                buffer.as_mut_ptr().cast(),
                &raw mut length,
            )
        };
        match error {
            ERROR_SUCCESS => {
                let text = buffer.split(|&unit| unit == 0).next().unwrap_or_default();
                return Ok(String::from_utf16_lossy(text));
            }
            ERROR_MORE_DATA if bytes < MOST_BYTES => bytes = length.max(bytes.saturating_mul(2)),
            error => return Err(error),
        }
    }
}

fn write_string(key: &str, value: &str, data: &str) -> Result<(), u32> {
    let key = Key::create(key)?;
    let value = wide(value);
    let data = wide(data);
    let bytes = u32::try_from(size_of_val(data.as_slice())).map_err(|_| ERROR_NOT_ENOUGH_MEMORY)?;
    // SAFETY: the key is open, the name is NUL-terminated, and the data is `bytes` bytes long with its NUL.
    let error = unsafe { RegSetValueExW(key.0, value.as_ptr(), 0, REG_SZ, data.as_ptr().cast(), bytes) };
    if error == ERROR_SUCCESS {
        Ok(())
    } else {
        Err(error)
    }
}

struct Key(HKEY);

impl Key {
    /// Opens the key for writing; makes it when it is not there.
    fn create(name: &str) -> Result<Self, u32> {
        let name = wide(name);
        let mut key: HKEY = ptr::null_mut();
        // SAFETY: the name is NUL-terminated, the key is a local, no class and no security descriptor are given.
        let error = unsafe {
            RegCreateKeyExW(
                HKEY_LOCAL_MACHINE,
                name.as_ptr(),
                0,
                ptr::null(),
                REG_OPTION_NON_VOLATILE,
                KEY_SET_VALUE,
                ptr::null(),
                &raw mut key,
                ptr::null_mut(),
            )
        };
        if error == ERROR_SUCCESS {
            Ok(Self(key))
        } else {
            Err(error)
        }
    }
}

impl Drop for Key {
    fn drop(&mut self) {
        // SAFETY: opened by `Key::create`, closed once.
        unsafe { RegCloseKey(self.0) };
    }
}

fn wide(text: &str) -> Vec<u16> {
    let units: Vec<u16> = text.encode_utf16().collect();
    terminated(&units)
}
