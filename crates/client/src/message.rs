//! The system's text for an error number.

use std::ptr;

use windows_sys::Win32::System::Diagnostics::Debug::{
    FORMAT_MESSAGE_FROM_SYSTEM, FORMAT_MESSAGE_IGNORE_INSERTS, FormatMessageW,
};

/// `FORMAT_MESSAGE_MAX_WIDTH_MASK`: no line breaks but those of the text itself, each given as a blank.
const ONE_LINE: u32 = 0xFF;

/// The text of a Win32 error in one line, without its closing white space; `None` when the system has none.
pub fn text(error: u32) -> Option<String> {
    let mut buffer = [0_u16; 512];
    let flags = FORMAT_MESSAGE_FROM_SYSTEM | FORMAT_MESSAGE_IGNORE_INSERTS | ONE_LINE;
    // SAFETY: the buffer is as long as stated, inserts are ignored so that no argument array is read.
    let units = unsafe {
        FormatMessageW(
            flags,
            ptr::null(),
            error,
            0,
            buffer.as_mut_ptr(),
            buffer.len() as u32,
            ptr::null(),
        )
    };
    let text = String::from_utf16_lossy(buffer.get(..units as usize)?);
    let text = text.trim_end();
    (!text.is_empty()).then(|| text.to_owned())
}
