//! The parameters of an open: access, sharing, disposition, options, attributes.
//!
//! Values are those documented for `NtCreateFile`. Bits from outside that have no name here are kept, so that
//! nothing is lost between an IRP and whoever judges it.

use bitflags::bitflags;

bitflags! {
    /// `ACCESS_MASK` of a file object (`[MS-DTYP]` 2.4.3, `FILE_*` rights of `NtCreateFile`).
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
    pub struct AccessMask: u32 {
        /// `FILE_READ_DATA`; on a directory `FILE_LIST_DIRECTORY`.
        const READ_DATA = 0x0000_0001;
        /// `FILE_WRITE_DATA`; on a directory `FILE_ADD_FILE`.
        const WRITE_DATA = 0x0000_0002;
        /// `FILE_APPEND_DATA`; on a directory `FILE_ADD_SUBDIRECTORY`.
        const APPEND_DATA = 0x0000_0004;
        /// `FILE_READ_EA`.
        const READ_EA = 0x0000_0008;
        /// `FILE_WRITE_EA`.
        const WRITE_EA = 0x0000_0010;
        /// `FILE_EXECUTE`; on a directory `FILE_TRAVERSE`.
        const EXECUTE = 0x0000_0020;
        /// `FILE_DELETE_CHILD`.
        const DELETE_CHILD = 0x0000_0040;
        /// `FILE_READ_ATTRIBUTES`.
        const READ_ATTRIBUTES = 0x0000_0080;
        /// `FILE_WRITE_ATTRIBUTES`.
        const WRITE_ATTRIBUTES = 0x0000_0100;
        /// `DELETE`.
        const DELETE = 0x0001_0000;
        /// `READ_CONTROL`.
        const READ_CONTROL = 0x0002_0000;
        /// `WRITE_DAC`.
        const WRITE_DAC = 0x0004_0000;
        /// `WRITE_OWNER`.
        const WRITE_OWNER = 0x0008_0000;
        /// `SYNCHRONIZE`.
        const SYNCHRONIZE = 0x0010_0000;
        /// `ACCESS_SYSTEM_SECURITY`.
        const SYSTEM_SECURITY = 0x0100_0000;
        /// `MAXIMUM_ALLOWED`.
        const MAXIMUM_ALLOWED = 0x0200_0000;
        /// `GENERIC_ALL`.
        const GENERIC_ALL = 0x1000_0000;
        /// `GENERIC_EXECUTE`.
        const GENERIC_EXECUTE = 0x2000_0000;
        /// `GENERIC_WRITE`.
        const GENERIC_WRITE = 0x4000_0000;
        /// `GENERIC_READ`.
        const GENERIC_READ = 0x8000_0000;
        const _ = !0;
    }

    /// What other opens of the same file may do (`ShareAccess` of `NtCreateFile`).
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
    pub struct ShareAccess: u32 {
        /// `FILE_SHARE_READ`.
        const READ = 0x1;
        /// `FILE_SHARE_WRITE`.
        const WRITE = 0x2;
        /// `FILE_SHARE_DELETE`.
        const DELETE = 0x4;
        const _ = !0;
    }

    /// `SECURITY_INFORMATION`: parts of a security descriptor (`[MS-DTYP]` 2.4.7).
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
    pub struct SecurityInformation: u32 {
        /// `OWNER_SECURITY_INFORMATION`.
        const OWNER = 0x1;
        /// `GROUP_SECURITY_INFORMATION`.
        const GROUP = 0x2;
        /// `DACL_SECURITY_INFORMATION`: who may do what.
        const DACL = 0x4;
        /// `SACL_SECURITY_INFORMATION`: what is audited.
        const SACL = 0x8;
        /// `LABEL_SECURITY_INFORMATION`: the integrity label, which is in the audit list.
        const LABEL = 0x10;
        /// `ATTRIBUTE_SECURITY_INFORMATION`: resource attributes, in the audit list.
        const ATTRIBUTE = 0x20;
        /// `SCOPE_SECURITY_INFORMATION`: the central access policy, in the audit list.
        const SCOPE = 0x40;
        const _ = !0;
    }

    /// File attributes (`[MS-FSCC]` 2.6).
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
    pub struct FileAttributes: u32 {
        /// The file may not be written or deleted.
        const READONLY = 0x0000_0001;
        /// The file is left out of ordinary listings.
        const HIDDEN = 0x0000_0002;
        /// The file belongs to the operating system.
        const SYSTEM = 0x0000_0004;
        /// The file is a directory.
        const DIRECTORY = 0x0000_0010;
        /// The file changed since its last backup.
        const ARCHIVE = 0x0000_0020;
        /// The file has no other attribute; valid alone only.
        const NORMAL = 0x0000_0080;
        /// The file is short-lived.
        const TEMPORARY = 0x0000_0100;
        /// Unwritten ranges occupy no space.
        const SPARSE_FILE = 0x0000_0200;
        /// The file carries a reparse point, such as a symbolic link.
        const REPARSE_POINT = 0x0000_0400;
        /// The data is compressed.
        const COMPRESSED = 0x0000_0800;
        /// The data is not at hand.
        const OFFLINE = 0x0000_1000;
        /// The content indexer skips the file.
        const NOT_CONTENT_INDEXED = 0x0000_2000;
        /// The data is encrypted.
        const ENCRYPTED = 0x0000_4000;
        const _ = !0;
    }

    /// `CreateOptions` of `NtCreateFile`, without the disposition that IRPs keep in the top byte.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
    pub struct CreateOptions: u32 {
        /// The file must be, or is created as, a directory.
        const DIRECTORY_FILE = 0x0000_0001;
        /// Writes reach the server before they complete.
        const WRITE_THROUGH = 0x0000_0002;
        /// The caller will read and write in sequence.
        const SEQUENTIAL_ONLY = 0x0000_0004;
        /// No caching of this open's data.
        const NO_INTERMEDIATE_BUFFERING = 0x0000_0008;
        /// Synchronous with alertable waits.
        const SYNCHRONOUS_IO_ALERT = 0x0000_0010;
        /// Synchronous with waits that cannot be alerted.
        const SYNCHRONOUS_IO_NONALERT = 0x0000_0020;
        /// The file must not be a directory.
        const NON_DIRECTORY_FILE = 0x0000_0040;
        /// Opens a connection to a share rather than a file.
        const CREATE_TREE_CONNECTION = 0x0000_0080;
        /// Complete at once with success even if an oplock is being broken.
        const COMPLETE_IF_OPLOCKED = 0x0000_0100;
        /// Fail if the file has extended attributes the caller cannot understand.
        const NO_EA_KNOWLEDGE = 0x0000_0200;
        /// The caller will read and write at random.
        const RANDOM_ACCESS = 0x0000_0800;
        /// Delete the file when its last handle closes.
        const DELETE_ON_CLOSE = 0x0000_1000;
        /// The name contains a file id.
        const OPEN_BY_FILE_ID = 0x0000_2000;
        /// The open is for backup: privileges may replace access checks.
        const OPEN_FOR_BACKUP_INTENT = 0x0000_4000;
        /// Do not compress the new file.
        const NO_COMPRESSION = 0x0000_8000;
        /// Reserve an opportunistic filter.
        const RESERVE_OPFILTER = 0x0010_0000;
        /// Open the reparse point itself.
        const OPEN_REPARSE_POINT = 0x0020_0000;
        /// Do not recall offline data.
        const OPEN_NO_RECALL = 0x0040_0000;
        /// Query of free space only.
        const OPEN_FOR_FREE_SPACE_QUERY = 0x0080_0000;
        const _ = !0;
    }
}

open_enum! {
    /// `CreateDisposition` of `NtCreateFile`.
    pub struct CreateDisposition {
        /// Replace the file if it exists, else create it.
        SUPERSEDE = 0,
        /// Open the file; it must exist.
        OPEN = 1,
        /// Create the file; it must not exist.
        CREATE = 2,
        /// Open the file, creating it if it does not exist.
        OPEN_IF = 3,
        /// Open the file and cut it to length zero; it must exist.
        OVERWRITE = 4,
        /// As `OVERWRITE`, creating the file if it does not exist.
        OVERWRITE_IF = 5,
    }
}

open_enum! {
    /// What an open did: `IoStatus.Information` of a successful create.
    pub struct CreateAction {
        /// An existing file was replaced.
        SUPERSEDED = 0,
        /// An existing file was opened.
        OPENED = 1,
        /// A new file was created.
        CREATED = 2,
        /// An existing file was cut to length zero.
        OVERWRITTEN = 3,
        /// The file exists (of a failed create).
        EXISTS = 4,
        /// The file does not exist (of a failed open).
        DOES_NOT_EXIST = 5,
    }
}

impl CreateDisposition {
    /// Whether the open may bring a file into being.
    #[must_use]
    pub fn may_create(self) -> bool {
        matches!(
            self,
            Self::SUPERSEDE | Self::CREATE | Self::OPEN_IF | Self::OVERWRITE_IF
        )
    }

    /// Whether the open destroys the data of an existing file.
    #[must_use]
    pub fn truncates(self) -> bool {
        matches!(self, Self::SUPERSEDE | Self::OVERWRITE | Self::OVERWRITE_IF)
    }
}

impl AccessMask {
    /// The rights that `GENERIC_READ` stands for on a file (`FILE_GENERIC_READ`).
    pub const FILE_GENERIC_READ: Self = Self::READ_DATA
        .union(Self::READ_ATTRIBUTES)
        .union(Self::READ_EA)
        .union(Self::READ_CONTROL)
        .union(Self::SYNCHRONIZE);
    /// The rights that `GENERIC_WRITE` stands for on a file (`FILE_GENERIC_WRITE`).
    pub const FILE_GENERIC_WRITE: Self = Self::WRITE_DATA
        .union(Self::WRITE_ATTRIBUTES)
        .union(Self::WRITE_EA)
        .union(Self::APPEND_DATA)
        .union(Self::READ_CONTROL)
        .union(Self::SYNCHRONIZE);
    /// The rights that `GENERIC_EXECUTE` stands for on a file (`FILE_GENERIC_EXECUTE`).
    pub const FILE_GENERIC_EXECUTE: Self = Self::READ_ATTRIBUTES
        .union(Self::EXECUTE)
        .union(Self::READ_CONTROL)
        .union(Self::SYNCHRONIZE);
    /// Every right on a file (`FILE_ALL_ACCESS`).
    pub const FILE_ALL_ACCESS: Self = Self::from_bits_retain(0x001F_01FF);

    /// The mask with its generic rights replaced by the file rights they stand for (`RtlMapGenericMask`).
    #[must_use]
    pub fn map_generic(self) -> Self {
        let mut mapped = self;
        for (generic, specific) in [
            (Self::GENERIC_READ, Self::FILE_GENERIC_READ),
            (Self::GENERIC_WRITE, Self::FILE_GENERIC_WRITE),
            (Self::GENERIC_EXECUTE, Self::FILE_GENERIC_EXECUTE),
            (Self::GENERIC_ALL, Self::FILE_ALL_ACCESS),
        ] {
            if mapped.contains(generic) {
                mapped.remove(generic);
                mapped.insert(specific);
            }
        }
        mapped
    }
}

#[cfg(test)]
mod tests {
    use super::{AccessMask, CreateDisposition};

    #[test]
    fn generic_rights_map_to_the_documented_masks() {
        assert_eq!(AccessMask::GENERIC_READ.map_generic().bits(), 0x0012_0089);
        assert_eq!(AccessMask::GENERIC_WRITE.map_generic().bits(), 0x0012_0116);
        assert_eq!(AccessMask::GENERIC_EXECUTE.map_generic().bits(), 0x0012_00A0);
        assert_eq!(AccessMask::GENERIC_ALL.map_generic().bits(), 0x001F_01FF);
        let mixed = AccessMask::DELETE | AccessMask::GENERIC_READ;
        assert_eq!(mixed.map_generic().bits(), 0x0013_0089);
    }

    #[test]
    fn dispositions() {
        for (value, creates, truncates) in [
            (0, true, true),
            (1, false, false),
            (2, true, false),
            (3, true, false),
            (4, false, true),
            (5, true, true),
            (6, false, false),
        ] {
            let disposition = CreateDisposition(value);
            assert_eq!(
                (disposition.may_create(), disposition.truncates()),
                (creates, truncates),
                "{value}"
            );
        }
    }
}
