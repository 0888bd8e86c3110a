//! What each kind of IRP carries, and where the I/O manager puts it.

use crate::file::File;
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::cell::UnsafeCell;
use core::ptr;
use executive::mem::{AllocError, Arc, TryVec, try_box};
use ioctl::irp::{DirectoryFlags, Open};
use nt::{FileInformationClass, FsInformationClass, Name};
use wdk_sys::{
    ACCESS_STATE, IO_SECURITY_CONTEXT, IO_STACK_LOCATION, IRP_BUFFERED_IO, IRP_CLOSE_OPERATION,
    IRP_CREATE_OPERATION, IRP_INPUT_OPERATION, IRP_MJ_CLEANUP, IRP_MJ_CLOSE, IRP_MJ_CREATE,
    IRP_MJ_DIRECTORY_CONTROL, IRP_MJ_FLUSH_BUFFERS, IRP_MJ_QUERY_INFORMATION,
    IRP_MJ_QUERY_VOLUME_INFORMATION, IRP_MJ_READ, IRP_MJ_SET_INFORMATION, IRP_MJ_WRITE,
    IRP_MN_QUERY_DIRECTORY, IRP_READ_OPERATION, IRP_SYNCHRONOUS_API, IRP_WRITE_OPERATION, UNICODE_STRING,
};

/// FileRenameInformation and FileLinkInformation, whose first byte says whether to replace the target.
const RENAME_CLASSES: [u32; 2] = [10, 11];

/// A kind of IRP with its parameters; what they point to is here as well.
pub(crate) enum Parameters {
    Create(Create),
    Cleanup,
    Close,
    Read {
        offset: u64,
    },
    Write {
        offset: u64,
    },
    QueryInformation(FileInformationClass),
    SetInformation {
        class: FileInformationClass,
        target: Option<Arc<File>>,
        replace: bool,
    },
    QueryDirectory {
        class: FileInformationClass,
        flags: DirectoryFlags,
        pattern: Option<Text>,
    },
    Flush,
    QueryVolume(FsInformationClass),
}

// SAFETY: the pointers lead to memory that the same value owns, and nothing of it belongs to a thread.
unsafe impl Send for Parameters {}
// SAFETY: nothing is changed through a shared reference but by the driver that gets the IRP.
unsafe impl Sync for Parameters {}

/// How an IRP names its buffer.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Passing {
    /// There is none.
    Nothing,
    /// AssociatedIrp.SystemBuffer, as always for information.
    System,
    /// MdlAddress, as on a device with DO_DIRECT_IO.
    Mdl,
}

/// The parameters of a create.
pub(crate) struct Create {
    security: Box<UnsafeCell<Security>>,
    options: u32,
    attributes: u16,
    share: u16,
}

struct Security {
    context: IO_SECURITY_CONTEXT,
    state: ACCESS_STATE,
}

/// A counted string with its characters.
pub(crate) struct Text {
    counted: UnsafeCell<UNICODE_STRING>,
    _units: Vec<u16>,
}

impl Text {
    pub(crate) fn try_new(name: Name<'_>) -> Result<Self, AllocError> {
        let mut units = Vec::new();
        units.try_extend_from_slice(name.as_units())?;
        // CAST: names are bounded when they are parsed.
        let bytes = (units.len() * 2) as u16;
        let counted = UNICODE_STRING {
            Length: bytes,
            MaximumLength: bytes,
            Buffer: units.as_mut_ptr(),
        };
        Ok(Text {
            counted: UnsafeCell::new(counted),
            _units: units,
        })
    }
}

impl Create {
    pub(crate) fn try_new(open: &Open) -> Result<Self, AllocError> {
        let access = open.access.bits();
        let options = open.options.bits();
        let security = Security {
            context: IO_SECURITY_CONTEXT {
                DesiredAccess: access,
                FullCreateOptions: options,
                ..IO_SECURITY_CONTEXT::default()
            },
            state: ACCESS_STATE {
                OriginalDesiredAccess: access,
                RemainingDesiredAccess: access,
                ..ACCESS_STATE::default()
            },
        };
        let security = try_box(UnsafeCell::new(security))?;
        let place = security.get();
        // SAFETY: the box is live; only an address is taken.
        let state = unsafe { &raw mut (*place).state };
        // SAFETY: the box is ours alone so far.
        unsafe { (*place).context.AccessState = state };
        Ok(Create {
            security,
            // The disposition travels in the high byte.
            options: open.disposition.0 << 24 | options & 0x00FF_FFFF,
            // CAST: the fields have sixteen bits.
            attributes: open.attributes.bits() as u16,
            share: open.share.bits() as u16,
        })
    }
}

impl Parameters {
    /// Whether `data` of a set is to replace an existing target.
    pub(crate) fn replaces(class: FileInformationClass, data: &[u8]) -> bool {
        RENAME_CLASSES.contains(&class.0) && data.first().is_some_and(|byte| *byte != 0)
    }

    pub(crate) fn passing(&self) -> Passing {
        match self {
            Self::Create(_) | Self::Cleanup | Self::Close | Self::Flush => Passing::Nothing,
            Self::QueryInformation(_) | Self::SetInformation { .. } | Self::QueryVolume(_) => Passing::System,
            Self::Read { .. } | Self::Write { .. } | Self::QueryDirectory { .. } => Passing::Mdl,
        }
    }

    /// Whether the buffer is for data to come back.
    pub(crate) fn answers(&self) -> bool {
        matches!(
            self,
            Self::Read { .. }
                | Self::QueryInformation(_)
                | Self::QueryDirectory { .. }
                | Self::QueryVolume(_)
        )
    }

    /// `Irp->Flags` as the I/O manager sets them.
    pub(crate) fn flags(&self) -> u32 {
        match self {
            Self::Create(_) => IRP_CREATE_OPERATION | IRP_SYNCHRONOUS_API,
            Self::Cleanup | Self::Close => IRP_CLOSE_OPERATION | IRP_SYNCHRONOUS_API,
            Self::Read { .. } => IRP_READ_OPERATION,
            Self::Write { .. } => IRP_WRITE_OPERATION,
            Self::QueryInformation(_) | Self::QueryVolume(_) => {
                IRP_BUFFERED_IO | IRP_INPUT_OPERATION | IRP_SYNCHRONOUS_API
            }
            Self::SetInformation { .. } => IRP_BUFFERED_IO | IRP_SYNCHRONOUS_API,
            Self::QueryDirectory { .. } => 0,
            Self::Flush => IRP_SYNCHRONOUS_API,
        }
    }

    /// Fills in the stack location, which is zeroed; `len` is the length of the buffer.
    pub(crate) fn fill(&self, location: &mut IO_STACK_LOCATION, len: u32) {
        // CAST: the major functions are small numbers; so are the flags of a directory query.
        location.MajorFunction = self.major() as u8;
        let parameters = &mut location.Parameters;
        match self {
            Self::Cleanup | Self::Close | Self::Flush => {}
            Self::Create(create) => {
                // SAFETY: the box is live as long as the parameters; only an address is taken.
                parameters.Create.SecurityContext = unsafe { &raw mut (*create.security.get()).context };
                parameters.Create.Options = create.options;
                parameters.Create.FileAttributes = create.attributes;
                parameters.Create.ShareAccess = create.share;
            }
            Self::Read { offset } => {
                parameters.Read.Length = len;
                parameters.Read.ByteOffset.QuadPart = offset.cast_signed();
            }
            Self::Write { offset } => {
                parameters.Write.Length = len;
                parameters.Write.ByteOffset.QuadPart = offset.cast_signed();
            }
            Self::QueryInformation(class) => {
                parameters.QueryFile.Length = len;
                parameters.QueryFile.FileInformationClass = class.0 as _;
            }
            Self::SetInformation {
                class,
                target,
                replace,
            } => {
                parameters.SetFile.Length = len;
                parameters.SetFile.FileInformationClass = class.0 as _;
                parameters.SetFile.FileObject = target.as_ref().map_or(ptr::null_mut(), |file| file.object());
                parameters
                    .SetFile
                    .__bindgen_anon_1
                    .__bindgen_anon_1
                    .ReplaceIfExists = u8::from(*replace);
            }
            Self::QueryDirectory {
                class,
                flags,
                pattern,
            } => {
                location.MinorFunction = IRP_MN_QUERY_DIRECTORY as u8;
                location.Flags = flags.bits() as u8;
                parameters.QueryDirectory.Length = len;
                parameters.QueryDirectory.FileInformationClass = class.0 as _;
                parameters.QueryDirectory.FileName = pattern
                    .as_ref()
                    .map_or(ptr::null_mut(), |pattern| pattern.counted.get());
            }
            Self::QueryVolume(class) => {
                parameters.QueryVolume.Length = len;
                parameters.QueryVolume.FsInformationClass = class.0 as _;
            }
        }
    }

    fn major(&self) -> u32 {
        match self {
            Self::Create(_) => IRP_MJ_CREATE,
            Self::Cleanup => IRP_MJ_CLEANUP,
            Self::Close => IRP_MJ_CLOSE,
            Self::Read { .. } => IRP_MJ_READ,
            Self::Write { .. } => IRP_MJ_WRITE,
            Self::QueryInformation(_) => IRP_MJ_QUERY_INFORMATION,
            Self::SetInformation { .. } => IRP_MJ_SET_INFORMATION,
            Self::QueryDirectory { .. } => IRP_MJ_DIRECTORY_CONTROL,
            Self::Flush => IRP_MJ_FLUSH_BUFFERS,
            Self::QueryVolume(_) => IRP_MJ_QUERY_VOLUME_INFORMATION,
        }
    }
}
