//! How files are opened.

use ioctl::irp::OpenFlags;
use nt::{AccessMask, CreateDisposition, CreateOptions, FileAttributes, ShareAccess};

/// The most that one request moves, in bytes.
pub(crate) const CHUNK: usize = 1 << 20;

/// How a file is opened.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OpenRequest {
    pub(crate) access: AccessMask,
    pub(crate) share: ShareAccess,
    pub(crate) disposition: CreateDisposition,
    pub(crate) options: CreateOptions,
}

/// What few opens ask for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OpenExtras<'a> {
    /// Attributes of a new file.
    pub(crate) attributes: FileAttributes,
    /// `FILE_FULL_EA_INFORMATION` records for a new file.
    pub(crate) ea: &'a [u8],
    /// The size to set aside for a new file.
    pub(crate) allocation: u64,
    /// What only the I/O manager says: for IRPs alone.
    pub(crate) flags: OpenFlags,
    /// Room for a reparse point's data, for IRPs alone.
    pub(crate) reparse_length: u32,
}

impl Default for OpenExtras<'_> {
    fn default() -> Self {
        Self {
            attributes: FileAttributes::NORMAL,
            ea: &[],
            allocation: 0,
            flags: OpenFlags::empty(),
            reparse_length: 0,
        }
    }
}

impl OpenRequest {
    fn new(access: AccessMask, disposition: CreateDisposition, options: CreateOptions) -> Self {
        let share = ShareAccess::READ | ShareAccess::WRITE | ShareAccess::DELETE;
        Self {
            access,
            share,
            disposition,
            options,
        }
    }

    /// An existing file, to be read.
    pub(crate) fn read() -> Self {
        let access = AccessMask::READ_DATA | AccessMask::READ_ATTRIBUTES | AccessMask::SYNCHRONIZE;
        Self::new(access, CreateDisposition::OPEN, CreateOptions::NON_DIRECTORY_FILE)
    }

    /// A file to be read and written, with this disposition.
    pub(crate) fn write(disposition: CreateDisposition) -> Self {
        let access = AccessMask::READ_DATA
            | AccessMask::WRITE_DATA
            | AccessMask::APPEND_DATA
            | AccessMask::READ_ATTRIBUTES
            | AccessMask::WRITE_ATTRIBUTES
            | AccessMask::SYNCHRONIZE;
        Self::new(access, disposition, CreateOptions::NON_DIRECTORY_FILE)
    }

    /// An existing directory, to be listed.
    pub(crate) fn list() -> Self {
        let access = AccessMask::READ_DATA | AccessMask::READ_ATTRIBUTES | AccessMask::SYNCHRONIZE;
        Self::new(access, CreateDisposition::OPEN, CreateOptions::DIRECTORY_FILE)
    }

    /// A new directory.
    pub(crate) fn make_directory() -> Self {
        let access = AccessMask::READ_DATA | AccessMask::READ_ATTRIBUTES | AccessMask::SYNCHRONIZE;
        Self::new(access, CreateDisposition::CREATE, CreateOptions::DIRECTORY_FILE)
    }

    /// Whatever is there, file or directory, for its attributes.
    pub(crate) fn attributes() -> Self {
        let access = AccessMask::READ_ATTRIBUTES | AccessMask::SYNCHRONIZE;
        Self::new(access, CreateDisposition::OPEN, CreateOptions::empty())
    }

    /// Whatever is there, to be deleted or renamed.
    pub(crate) fn delete() -> Self {
        let access = AccessMask::DELETE | AccessMask::READ_ATTRIBUTES | AccessMask::SYNCHRONIZE;
        Self::new(access, CreateDisposition::OPEN, CreateOptions::OPEN_REPARSE_POINT)
    }

    /// The same with other sharing.
    pub(crate) fn sharing(self, share: ShareAccess) -> Self {
        Self { share, ..self }
    }

    /// The same with more options.
    pub(crate) fn with_options(self, more: CreateOptions) -> Self {
        Self {
            options: self.options | more,
            ..self
        }
    }
}
