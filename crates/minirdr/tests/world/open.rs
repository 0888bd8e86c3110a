//! How a test opens a file.

use minirdr::{CreateRequest, LogonId, OpenFile, Platform};
use nt::{AccessMask, CreateDisposition, CreateOptions, FileAttributes, Name, ShareAccess};

/// How to open a file.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Open {
    pub(crate) access: AccessMask,
    pub(crate) share: ShareAccess,
    pub(crate) disposition: CreateDisposition,
    pub(crate) options: CreateOptions,
    pub(crate) attributes: FileAttributes,
    pub(crate) target_directory: bool,
    pub(crate) case_sensitive: bool,
}

impl Open {
    pub(crate) fn with(access: AccessMask, disposition: CreateDisposition) -> Self {
        Self {
            access,
            share: ShareAccess::all(),
            disposition,
            options: CreateOptions::empty(),
            attributes: FileAttributes::NORMAL,
            target_directory: false,
            case_sensitive: false,
        }
    }

    /// An existing file, to read.
    pub(crate) fn read() -> Self {
        Self::with(AccessMask::GENERIC_READ, CreateDisposition::OPEN)
    }

    /// An existing file, to read and write.
    pub(crate) fn write() -> Self {
        Self::with(
            AccessMask::GENERIC_READ | AccessMask::GENERIC_WRITE,
            CreateDisposition::OPEN,
        )
    }

    /// A new file, to read, write and delete.
    pub(crate) fn create() -> Self {
        Self::with(
            AccessMask::GENERIC_READ | AccessMask::GENERIC_WRITE | AccessMask::DELETE,
            CreateDisposition::CREATE,
        )
    }

    /// An existing file, to delete or rename.
    pub(crate) fn delete() -> Self {
        Self::with(
            AccessMask::DELETE | AccessMask::READ_ATTRIBUTES,
            CreateDisposition::OPEN,
        )
    }

    /// An existing directory, to list.
    pub(crate) fn directory() -> Self {
        Self::read().options(CreateOptions::DIRECTORY_FILE)
    }

    pub(crate) fn access(mut self, access: AccessMask) -> Self {
        self.access = access;
        self
    }

    pub(crate) fn share(mut self, share: ShareAccess) -> Self {
        self.share = share;
        self
    }

    pub(crate) fn disposition(mut self, disposition: CreateDisposition) -> Self {
        self.disposition = disposition;
        self
    }

    pub(crate) fn options(mut self, options: CreateOptions) -> Self {
        self.options = options;
        self
    }

    pub(crate) fn attributes(mut self, attributes: FileAttributes) -> Self {
        self.attributes = attributes;
        self
    }

    pub(crate) fn case_sensitive(mut self) -> Self {
        self.case_sensitive = true;
        self
    }

    pub(crate) fn target_directory(mut self) -> Self {
        self.target_directory = true;
        self
    }

    /// The request for `name`, below `related` if that is given.
    pub(crate) fn request<'a, P: Platform>(
        &self,
        name: Name<'a>,
        related: Option<&'a OpenFile<P>>,
        logon: LogonId,
    ) -> CreateRequest<'a, P> {
        CreateRequest {
            name,
            related,
            logon,
            desired_access: self.access,
            share_access: self.share,
            disposition: self.disposition,
            options: self.options,
            file_attributes: self.attributes,
            open_target_directory: self.target_directory,
            case_sensitive: self.case_sensitive,
        }
    }
}
