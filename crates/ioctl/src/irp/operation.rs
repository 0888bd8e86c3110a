//! What can be asked of a FILE_OBJECT: one IRP each.

use alloc::vec::Vec;

use nt::name::MAX_UNITS;
use nt::{FileInformationClass, FsInformationClass, Name, NameBuf, Result, Status};
use zerocopy::little_endian::{U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use super::flags::{ControlFlags, LockFlags, ScanFlags, TransferFlags, WatchFlags};
use super::{Handle, Reply, code};
use crate::code::ControlCode;
use crate::record::{Fixed, Header, Sink, Tail, byte_len, data_len, name_len, read, zeroed};

/// A minor function of `IRP_MJ_LOCK_CONTROL`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(transparent)]
pub struct LockFunction(pub u32);

impl LockFunction {
    /// `IRP_MN_LOCK`.
    pub const LOCK: Self = Self(1);
    /// `IRP_MN_UNLOCK_SINGLE`.
    pub const UNLOCK_SINGLE: Self = Self(2);
    /// `IRP_MN_UNLOCK_ALL`.
    pub const UNLOCK_ALL: Self = Self(3);
    /// `IRP_MN_UNLOCK_ALL_BY_KEY`.
    pub const UNLOCK_ALL_BY_KEY: Self = Self(4);
}

/// An IRP on a FILE_OBJECT that is open.
///
/// `length` is always that of the buffer the IRP is given for data to come back.
#[derive(Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are the parameters of the named IRP")]
pub enum Operation<'a> {
    /// See [`code::CLEANUP`].
    Cleanup,
    /// See [`code::CLOSE`].
    Close,
    /// See [`code::READ`].
    Read {
        offset: u64,
        length: u32,
        key: u32,
        flags: TransferFlags,
    },
    /// See [`code::WRITE`].
    Write {
        offset: u64,
        data: &'a [u8],
        key: u32,
        flags: TransferFlags,
    },
    /// See [`code::QUERY_INFORMATION`].
    QueryInformation {
        class: FileInformationClass,
        length: u32,
    },
    /// See [`code::SET_INFORMATION`]. `target` is the directory of a rename or link, or [`Handle::NONE`].
    SetInformation {
        class: FileInformationClass,
        target: Handle,
        data: &'a [u8],
    },
    /// See [`code::QUERY_DIRECTORY`]. An empty pattern is given as none.
    QueryDirectory {
        class: FileInformationClass,
        flags: ScanFlags,
        index: u32,
        pattern: NameBuf,
        length: u32,
    },
    /// See [`code::NOTIFY_CHANGE`]. `filter` is of `FILE_NOTIFY_CHANGE_*`.
    NotifyChange {
        filter: u32,
        flags: WatchFlags,
        length: u32,
    },
    /// See [`code::FLUSH`].
    Flush,
    /// See [`code::QUERY_VOLUME`].
    QueryVolume { class: FsInformationClass, length: u32 },
    /// See [`code::SET_VOLUME`].
    SetVolume {
        class: FsInformationClass,
        data: &'a [u8],
    },
    /// See [`code::LOCK`]. `span` is the length of the range; what a function does not need is 0.
    Lock {
        function: LockFunction,
        offset: u64,
        span: u64,
        key: u32,
        flags: LockFlags,
    },
    /// See [`code::QUERY_EA`]. `list` holds `FILE_GET_EA_INFORMATION` records; an empty one is given as none.
    QueryEa {
        flags: ScanFlags,
        index: u32,
        list: &'a [u8],
        length: u32,
    },
    /// See [`code::SET_EA`].
    SetEa { data: &'a [u8] },
    /// See [`code::QUERY_SECURITY`]. `information` is of `*_SECURITY_INFORMATION`.
    QuerySecurity { information: u32, length: u32 },
    /// See [`code::SET_SECURITY`]. `descriptor` is a self-relative one.
    SetSecurity { information: u32, descriptor: &'a [u8] },
    /// See [`code::FS_CONTROL`]. The transfer method is in the two low bits of `control`.
    FsControl {
        control: u32,
        flags: ControlFlags,
        input: &'a [u8],
        length: u32,
    },
    /// See [`code::DEVICE_CONTROL`]; as `FsControl`.
    DeviceControl {
        control: u32,
        flags: ControlFlags,
        input: &'a [u8],
        length: u32,
    },
    /// See [`code::QUERY_PATH`]; the reply's data is the accepted length in bytes, four bytes.
    QueryPath { flags: ControlFlags, path: NameBuf },
    /// See [`code::CANCEL`].
    Cancel,
}

/// Every request on a handle. Fields that an operation does not use are zero.
#[derive(FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
struct Layout {
    header: Header,
    handle: U32,
    /// The class, the control code, the filter, the security information or the minor function.
    selector: U32,
    offset: U64,
    span: U64,
    length: U32,
    flags: U32,
    target: U32,
    /// The key of a lock, the index of a scan.
    key: U32,
    data_len: U32,
}

impl Fixed for Layout {}

/// What stands behind the fixed part.
#[derive(Clone, Copy)]
enum Payload<'p> {
    Bytes(&'p [u8]),
    Text(Name<'p>),
}

impl<'a> Operation<'a> {
    /// The control code the operation travels under.
    #[must_use]
    pub fn code(&self) -> ControlCode {
        match self {
            Self::Cleanup => code::CLEANUP,
            Self::Close => code::CLOSE,
            Self::Read { .. } => code::READ,
            Self::Write { .. } => code::WRITE,
            Self::QueryInformation { .. } => code::QUERY_INFORMATION,
            Self::SetInformation { .. } => code::SET_INFORMATION,
            Self::QueryDirectory { .. } => code::QUERY_DIRECTORY,
            Self::NotifyChange { .. } => code::NOTIFY_CHANGE,
            Self::Flush => code::FLUSH,
            Self::QueryVolume { .. } => code::QUERY_VOLUME,
            Self::SetVolume { .. } => code::SET_VOLUME,
            Self::Lock { .. } => code::LOCK,
            Self::QueryEa { .. } => code::QUERY_EA,
            Self::SetEa { .. } => code::SET_EA,
            Self::QuerySecurity { .. } => code::QUERY_SECURITY,
            Self::SetSecurity { .. } => code::SET_SECURITY,
            Self::FsControl { .. } => code::FS_CONTROL,
            Self::DeviceControl { .. } => code::DEVICE_CONTROL,
            Self::QueryPath { .. } => code::QUERY_PATH,
            Self::Cancel => code::CANCEL,
        }
    }

    /// The length of the buffer the IRP is given for data to come back.
    #[must_use]
    pub fn data_capacity(&self) -> u32 {
        match self {
            Self::Read { length, .. }
            | Self::QueryInformation { length, .. }
            | Self::QueryDirectory { length, .. }
            | Self::NotifyChange { length, .. }
            | Self::QueryVolume { length, .. }
            | Self::QueryEa { length, .. }
            | Self::QuerySecurity { length, .. }
            | Self::FsControl { length, .. }
            | Self::DeviceControl { length, .. } => *length,
            Self::QueryPath { .. } => 4,
            _ => 0,
        }
    }

    /// The output buffer the request needs.
    #[must_use]
    pub fn output_len(&self) -> usize {
        Reply::FIXED_SIZE.saturating_add(usize::try_from(self.data_capacity()).unwrap_or(usize::MAX))
    }

    /// The request for this operation on a handle, in memory of its own.
    ///
    /// # Errors
    /// [`Status::INSUFFICIENT_RESOURCES`].
    pub fn build_on(&self, handle: Handle) -> Result<Vec<u8>> {
        let mut bytes = zeroed(self.encoded_len())?;
        self.write(handle, &mut bytes)?;
        Ok(bytes)
    }

    /// Reads the handle and what is asked of it.
    pub(super) fn parse(code: ControlCode, input: &'a [u8]) -> Result<(Handle, Self)> {
        let ours = code.0 >= code::CLEANUP.0 && code.0 <= code::CANCEL.0 && code.0 & 3 == 0;
        if !ours {
            return Err(Status::INVALID_DEVICE_REQUEST);
        }
        let (layout, rest) = read::<Layout>(input)?;
        let mut tail = Tail(rest);
        let operation = match Self::information(code, layout, &mut tail)? {
            Some(operation) => operation,
            None => Self::other(code, layout, &mut tail)?,
        };
        tail.finish()?;
        let handle = Handle(layout.handle.get());
        // A field that the operation does not use would be lost: it must be zero.
        if operation.layout(handle).as_bytes() == layout.as_bytes() {
            Ok((handle, operation))
        } else {
            Err(Status::INVALID_PARAMETER)
        }
    }

    /// The operations on data, information and directories.
    fn information(code: ControlCode, layout: &Layout, tail: &mut Tail<'a>) -> Result<Option<Self>> {
        let (offset, length, key) = (layout.offset.get(), layout.length.get(), layout.key.get());
        let class = FileInformationClass(layout.selector.get());
        let transfer = TransferFlags::from_bits_retain(layout.flags.get());
        Ok(Some(match code {
            code::READ => Self::Read {
                offset,
                length,
                key,
                flags: transfer,
            },
            code::WRITE => Self::Write {
                offset,
                data: tail.bytes(layout.data_len)?,
                key,
                flags: transfer,
            },
            code::QUERY_INFORMATION => Self::QueryInformation { class, length },
            code::SET_INFORMATION => Self::SetInformation {
                class,
                target: Handle(layout.target.get()),
                data: tail.bytes(layout.data_len)?,
            },
            code::QUERY_DIRECTORY => Self::QueryDirectory {
                class,
                flags: ScanFlags::from_bits_retain(layout.flags.get()),
                index: key,
                pattern: tail.name(layout.data_len, MAX_UNITS)?,
                length,
            },
            code::NOTIFY_CHANGE => Self::NotifyChange {
                filter: layout.selector.get(),
                flags: WatchFlags::from_bits_retain(layout.flags.get()),
                length,
            },
            code::QUERY_VOLUME => Self::QueryVolume {
                class: FsInformationClass(layout.selector.get()),
                length,
            },
            code::SET_VOLUME => Self::SetVolume {
                class: FsInformationClass(layout.selector.get()),
                data: tail.bytes(layout.data_len)?,
            },
            _ => return Ok(None),
        }))
    }

    fn other(code: ControlCode, layout: &Layout, tail: &mut Tail<'a>) -> Result<Self> {
        let (selector, length) = (layout.selector.get(), layout.length.get());
        let control = ControlFlags::from_bits_retain(layout.flags.get());
        Ok(match code {
            code::CLEANUP => Self::Cleanup,
            code::CLOSE => Self::Close,
            code::FLUSH => Self::Flush,
            code::LOCK => Self::Lock {
                function: LockFunction(selector),
                offset: layout.offset.get(),
                span: layout.span.get(),
                key: layout.key.get(),
                flags: LockFlags::from_bits_retain(layout.flags.get()),
            },
            code::QUERY_EA => Self::QueryEa {
                flags: ScanFlags::from_bits_retain(layout.flags.get()),
                index: layout.key.get(),
                list: tail.bytes(layout.data_len)?,
                length,
            },
            code::SET_EA => Self::SetEa {
                data: tail.bytes(layout.data_len)?,
            },
            code::QUERY_SECURITY => Self::QuerySecurity {
                information: selector,
                length,
            },
            code::SET_SECURITY => Self::SetSecurity {
                information: selector,
                descriptor: tail.bytes(layout.data_len)?,
            },
            code::FS_CONTROL => Self::FsControl {
                control: selector,
                flags: control,
                input: tail.bytes(layout.data_len)?,
                length,
            },
            code::DEVICE_CONTROL => Self::DeviceControl {
                control: selector,
                flags: control,
                input: tail.bytes(layout.data_len)?,
                length,
            },
            code::QUERY_PATH => Self::QueryPath {
                flags: control,
                path: tail.name(layout.data_len, MAX_UNITS)?,
            },
            _ => Self::Cancel,
        })
    }

    fn layout(&self, handle: Handle) -> Layout {
        let (offset, span) = match self {
            Self::Read { offset, .. } | Self::Write { offset, .. } => (*offset, 0),
            Self::Lock { offset, span, .. } => (*offset, *span),
            _ => (0, 0),
        };
        let target = match self {
            Self::SetInformation { target, .. } => *target,
            _ => Handle::NONE,
        };
        let key = match self {
            Self::Read { key, .. } | Self::Write { key, .. } | Self::Lock { key, .. } => *key,
            Self::QueryDirectory { index, .. } | Self::QueryEa { index, .. } => *index,
            _ => 0,
        };
        // The length is said by the code where it is always the same.
        let length = match self {
            Self::QueryPath { .. } => 0,
            _ => self.data_capacity(),
        };
        let data_len = match self.payload() {
            Payload::Bytes(bytes) => data_len(bytes.len()),
            Payload::Text(text) => name_len(text),
        };
        Layout {
            header: Header::new(self.encoded_len()),
            handle: U32::new(handle.0),
            selector: U32::new(self.selector()),
            offset: U64::new(offset),
            span: U64::new(span),
            length: U32::new(length),
            flags: U32::new(self.flag_bits()),
            target: U32::new(target.0),
            key: U32::new(key),
            data_len,
        }
    }

    fn selector(&self) -> u32 {
        match self {
            Self::QueryInformation { class, .. }
            | Self::SetInformation { class, .. }
            | Self::QueryDirectory { class, .. } => class.0,
            Self::QueryVolume { class, .. } | Self::SetVolume { class, .. } => class.0,
            Self::NotifyChange { filter, .. } => *filter,
            Self::Lock { function, .. } => function.0,
            Self::QuerySecurity { information, .. } | Self::SetSecurity { information, .. } => *information,
            Self::FsControl { control, .. } | Self::DeviceControl { control, .. } => *control,
            _ => 0,
        }
    }

    fn flag_bits(&self) -> u32 {
        match self {
            Self::Read { flags, .. } | Self::Write { flags, .. } => flags.bits(),
            Self::QueryDirectory { flags, .. } | Self::QueryEa { flags, .. } => flags.bits(),
            Self::NotifyChange { flags, .. } => flags.bits(),
            Self::Lock { flags, .. } => flags.bits(),
            Self::FsControl { flags, .. }
            | Self::DeviceControl { flags, .. }
            | Self::QueryPath { flags, .. } => flags.bits(),
            _ => 0,
        }
    }

    fn payload(&self) -> Payload<'_> {
        match self {
            Self::Write { data, .. }
            | Self::SetInformation { data, .. }
            | Self::SetVolume { data, .. }
            | Self::SetEa { data } => Payload::Bytes(data),
            Self::QueryEa { list, .. } => Payload::Bytes(list),
            Self::SetSecurity { descriptor, .. } => Payload::Bytes(descriptor),
            Self::FsControl { input, .. } | Self::DeviceControl { input, .. } => Payload::Bytes(input),
            Self::QueryDirectory { pattern, .. } => Payload::Text(pattern.as_name()),
            Self::QueryPath { path, .. } => Payload::Text(path.as_name()),
            _ => Payload::Bytes(&[]),
        }
    }

    pub(super) fn encoded_len(&self) -> usize {
        Layout::SIZE
            + match self.payload() {
                Payload::Bytes(bytes) => bytes.len(),
                Payload::Text(text) => byte_len(text),
            }
    }

    pub(super) fn write(&self, handle: Handle, out: &mut [u8]) -> Result<usize> {
        let mut sink = Sink::new(out);
        sink.bytes(self.layout(handle).as_bytes())?;
        match self.payload() {
            Payload::Bytes(bytes) => sink.bytes(bytes)?,
            Payload::Text(text) => sink.name(text)?,
        };
        Ok(sink.finish())
    }
}
