//! What each kind of IRP carries, and where the I/O manager puts it.

mod create;
mod fill;
mod query_path;

use crate::file::File;
use alloc::vec::Vec;
use core::cell::UnsafeCell;
use core::ptr;
use executive::mem::{AllocError, Arc, TryVec, TryZeroed};
use ioctl::irp::{ControlFlags, LockFlags, LockFunction, ScanFlags, TransferFlags, WatchFlags};
use nt::{FileInformationClass, FsInformationClass, Name};
use wdk_sys::{
    _MODE, IRP_BUFFERED_IO, IRP_CLOSE_OPERATION, IRP_CREATE_OPERATION, IRP_INPUT_OPERATION, IRP_NOCACHE,
    IRP_PAGING_IO, IRP_READ_OPERATION, IRP_SYNCHRONOUS_API, IRP_WRITE_OPERATION, LARGE_INTEGER,
    UNICODE_STRING,
};

pub(crate) use create::Create;
pub(crate) use query_path::QueryPath;

/// FileRenameInformation, FileLinkInformation, and their Ex forms, whose first byte has the bit that says whether to
/// replace the target.
const RENAME_CLASSES: [u32; 4] = [10, 11, 65, 72];

/// A kind of IRP with its parameters; what they point to is here as well.
pub(crate) enum Parameters {
    Create(Create),
    Cleanup,
    Close,
    Read {
        offset: u64,
        key: u32,
        flags: TransferFlags,
    },
    Write {
        offset: u64,
        key: u32,
        flags: TransferFlags,
    },
    QueryInformation(FileInformationClass),
    SetInformation {
        class: FileInformationClass,
        target: Option<Arc<File>>,
        replace: bool,
    },
    QueryDirectory {
        class: FileInformationClass,
        flags: ScanFlags,
        index: u32,
        pattern: Option<Text>,
    },
    NotifyChange {
        filter: u32,
        flags: WatchFlags,
    },
    Flush,
    QueryVolume(FsInformationClass),
    SetVolume(FsInformationClass),
    Lock(Lock),
    QueryEa {
        flags: ScanFlags,
        index: u32,
        list: Vec<u8>,
    },
    SetEa,
    QuerySecurity(u32),
    SetSecurity {
        information: u32,
        descriptor: Vec<u8>,
    },
    Control(Control),
    QueryPath(QueryPath),
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
    /// UserBuffer, of which nobody has looked at the address.
    User,
}

/// The parameters of a lock or unlock.
pub(crate) struct Lock {
    pub(crate) function: LockFunction,
    pub(crate) offset: u64,
    /// The length of the range, which the stack location points to.
    pub(crate) span: UnsafeCell<LARGE_INTEGER>,
    pub(crate) key: u32,
    pub(crate) flags: LockFlags,
}

impl Lock {
    pub(crate) fn new(function: LockFunction, offset: u64, span: u64, key: u32, flags: LockFlags) -> Self {
        Lock {
            function,
            offset,
            span: UnsafeCell::new(LARGE_INTEGER {
                QuadPart: span.cast_signed(),
            }),
            key,
            flags,
        }
    }
}

/// A device or file system control.
pub(crate) struct Control {
    pub(crate) file_system: bool,
    pub(crate) code: u32,
    pub(crate) flags: ControlFlags,
    /// The length of the input, and the input itself where the buffer is not for it, too.
    input_len: u32,
    input: Vec<u8>,
    output_len: u32,
}

impl Control {
    /// The low bits of METHOD_BUFFERED and METHOD_NEITHER; those between are METHOD_IN_DIRECT and METHOD_OUT_DIRECT.
    const BUFFERED: u32 = 0;
    const NEITHER: u32 = 3;

    /// A control and its buffer.
    pub(crate) fn try_new(
        file_system: bool,
        code: u32,
        flags: ControlFlags,
        data: &[u8],
        output_len: u32,
    ) -> Result<(Self, Vec<u8>), AllocError> {
        let mut input = Vec::new();
        input.try_extend_from_slice(data)?;
        // CAST: requests are bounded when they are parsed.
        let mut control = Control {
            file_system,
            code,
            flags,
            input_len: data.len() as u32,
            input,
            output_len,
        };
        if control.method() != Self::BUFFERED {
            return Ok((control, Vec::try_zeroed(output_len as usize)?));
        }
        // One buffer for both ways, as long as the longer of them.
        let mut buffer = Vec::try_zeroed(data.len().max(output_len as usize))?;
        if let Some(start) = buffer.get_mut(..data.len()) {
            start.copy_from_slice(data);
        }
        control.input = Vec::new();
        Ok((control, buffer))
    }

    fn method(&self) -> u32 {
        self.code & 3
    }

    fn passing(&self) -> Passing {
        match self.method() {
            Self::BUFFERED => Passing::System,
            Self::NEITHER => Passing::User,
            _ => Passing::Mdl,
        }
    }

    /// Where the input is if it has a place of its own: the system buffer of the direct methods, Type3InputBuffer.
    fn own_input(&self) -> *mut u8 {
        if self.input.is_empty() {
            ptr::null_mut()
        } else {
            self.input.as_ptr().cast_mut()
        }
    }
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

impl Parameters {
    /// Whether `data` of a set is to replace an existing target.
    pub(crate) fn replaces(class: FileInformationClass, data: &[u8]) -> bool {
        RENAME_CLASSES.contains(&class.0) && data.first().is_some_and(|byte| *byte & 1 != 0)
    }

    pub(crate) fn passing(&self) -> Passing {
        match self {
            Self::Create(_)
            | Self::Cleanup
            | Self::Close
            | Self::Flush
            | Self::Lock(_)
            | Self::SetSecurity { .. } => Passing::Nothing,
            Self::QueryInformation(_)
            | Self::SetInformation { .. }
            | Self::QueryVolume(_)
            | Self::SetVolume(_) => Passing::System,
            Self::Read { flags, .. } | Self::Write { flags, .. }
                if flags.contains(TransferFlags::AS_USER) =>
            {
                Passing::User
            }
            Self::Read { .. }
            | Self::Write { .. }
            | Self::QueryDirectory { .. }
            | Self::NotifyChange { .. }
            | Self::QueryEa { .. }
            | Self::SetEa => Passing::Mdl,
            Self::QuerySecurity(_) | Self::QueryPath(_) => Passing::User,
            Self::Control(control) => control.passing(),
        }
    }

    /// `AssociatedIrp.SystemBuffer`, if it is not the IRP's buffer.
    pub(crate) fn system_buffer(&self) -> *mut u8 {
        match self {
            Self::Create(create) => create.ea(),
            Self::Control(control) if control.passing() == Passing::Mdl => control.own_input(),
            _ => ptr::null_mut(),
        }
    }

    /// How much of the buffer can be data that came back: nothing if the IRP only brings data.
    pub(crate) fn answer_len(&self, buffer: usize) -> usize {
        match self {
            Self::Read { .. }
            | Self::QueryInformation(_)
            | Self::QueryDirectory { .. }
            | Self::NotifyChange { .. }
            | Self::QueryVolume(_)
            | Self::QueryEa { .. }
            | Self::QuerySecurity(_)
            | Self::QueryPath(_) => buffer,
            Self::Control(control) => buffer.min(control.output_len as usize),
            _ => 0,
        }
    }

    /// Whether the file is to be closed by the thread that ends the IRP.
    pub(crate) fn closes(&self) -> bool {
        match self {
            Self::Read { flags, .. } | Self::Write { flags, .. } => flags.contains(TransferFlags::CLOSES),
            _ => false,
        }
    }

    fn control_flags(&self) -> ControlFlags {
        match self {
            Self::Control(control) => control.flags,
            Self::QueryPath(query) => query.flags,
            _ => ControlFlags::empty(),
        }
    }

    /// Whether the IRP is to be cancelled before it is sent.
    pub(crate) fn is_cancelled(&self) -> bool {
        self.control_flags().contains(ControlFlags::CANCELLED)
    }

    /// `Irp->RequestorMode`.
    pub(crate) fn requestor(&self) -> i8 {
        let as_user = match self {
            Self::Read { flags, .. } | Self::Write { flags, .. } => flags.contains(TransferFlags::AS_USER),
            _ => self.control_flags().contains(ControlFlags::AS_USER),
        };
        // CAST: the modes are 0 and 1.
        if as_user {
            _MODE::UserMode as i8
        } else {
            _MODE::KernelMode as i8
        }
    }

    /// `Irp->Flags` as the I/O manager sets them.
    pub(crate) fn flags(&self) -> u32 {
        match self {
            Self::Create(_) => IRP_CREATE_OPERATION | IRP_SYNCHRONOUS_API,
            Self::Cleanup | Self::Close => IRP_CLOSE_OPERATION | IRP_SYNCHRONOUS_API,
            Self::Read { flags, .. } => IRP_READ_OPERATION | transfer(*flags),
            Self::Write { flags, .. } => IRP_WRITE_OPERATION | transfer(*flags),
            Self::QueryInformation(_) | Self::QueryVolume(_) => {
                IRP_BUFFERED_IO | IRP_INPUT_OPERATION | IRP_SYNCHRONOUS_API
            }
            Self::SetInformation { .. } | Self::SetVolume(_) => IRP_BUFFERED_IO | IRP_SYNCHRONOUS_API,
            Self::QueryDirectory { .. } | Self::NotifyChange { .. } | Self::Lock(_) => 0,
            Self::Flush
            | Self::QueryEa { .. }
            | Self::SetEa
            | Self::QuerySecurity(_)
            | Self::SetSecurity { .. } => IRP_SYNCHRONOUS_API,
            Self::Control(_) | Self::QueryPath(_) => 0,
        }
    }
}

fn transfer(flags: TransferFlags) -> u32 {
    let pairs = [
        (TransferFlags::NO_CACHE, IRP_NOCACHE),
        (TransferFlags::PAGING, IRP_PAGING_IO),
    ];
    pairs
        .into_iter()
        .filter(|(flag, _)| flags.contains(*flag))
        .fold(0, |all, (_, flag)| all | flag)
}
