//! Why something did not work: whose number it is decides how it is shown.

use std::{fmt, io};

use nt::{Status, Win32Error};

/// A failure of a command, a script line or a test.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The command line or the script line is wrong.
    Usage(String),
    /// NT refused.
    Status(Status),
    /// Win32 (the WNet calls, drive letters) refused.
    Win32(u32),
    /// The local file system refused.
    Local(io::Error),
    /// Something is not as it should be.
    Wrong(String),
    /// What was waited for still runs.
    StillRunning,
    /// It cannot be tested here, and why.
    Skipped(String),
}

impl From<Status> for Failure {
    fn from(status: Status) -> Self {
        Self::Status(status)
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Local(error)
    }
}

impl From<String> for Failure {
    fn from(what: String) -> Self {
        Self::Wrong(what)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usage(what) | Self::Wrong(what) | Self::Skipped(what) => f.write_str(what),
            Self::Status(status) => {
                let name = status.name().unwrap_or("UNKNOWN");
                write!(f, "STATUS_{name} 0x{:08X}", status.0)
            }
            Self::Win32(error) => {
                let name = Win32Error(*error).name().unwrap_or("UNKNOWN");
                write!(f, "ERROR_{name} {error}")
            }
            Self::StillRunning => f.write_str("STILL_RUNNING 0"),
            Self::Local(error) => write!(f, "local file: {error}"),
        }
    }
}
