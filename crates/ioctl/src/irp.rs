//! The interface of the test driver in `tests/irpdrv`, which builds IRPs for `mrx9p.sys` on request.
//!
//! Some hosts cannot open a path below a device from user mode, and no program can send every IRP at will; the
//! test driver can. It keeps FILE_OBJECTs under handle numbers of its own, builds one IRP per request, waits for it
//! and answers with a [`Reply`]: the IRP's status and information, and the data it produced. The control itself
//! succeeds as soon as the IRP was sent; [`Reply::status`] is the IRP's outcome.
//!
//! Checks and statuses are those of [`crate::request`]; there is no compatibility between versions, as test
//! driver and harness are always built together.

pub mod code;
mod open;
mod reply;

use nt::name::MAX_UNITS;
use nt::{FileInformationClass, FsInformationClass, NameBuf, Result, Status};
use zerocopy::little_endian::{U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

pub use open::Open;
pub use reply::{Live, Reply};

use crate::code::ControlCode;
use crate::record::{Encode, Fixed, Header, Sink, Tail, byte_len, data_len, name_len, read};

/// The test driver's device in the object manager.
pub const DEVICE_NAME: &str = r"\Device\Mrx9pIrp";

/// The symbolic link to it.
pub const LINK_NAME: &str = r"\DosDevices\Global\Mrx9pIrp";

/// What the harness opens.
pub const USER_PATH: &str = r"\\.\Mrx9pIrp";

/// The longest buffer an IRP is given, in bytes: bounds what a request can make the test driver allocate.
pub const MAX_TRANSFER: u32 = 16 << 20;

bitflags::bitflags! {
    /// Flags of a directory query (`SL_*` of the I/O stack location).
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct DirectoryFlags: u32 {
        /// Start at the first entry again.
        const RESTART_SCAN = 0x1;
        /// Return one entry only.
        const RETURN_SINGLE_ENTRY = 0x2;
        /// Start at a given index.
        const INDEX_SPECIFIED = 0x4;
        const _ = !0;
    }
}

/// A FILE_OBJECT in the test driver. Never 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(transparent)]
pub struct Handle(pub u32);

impl Handle {
    /// No FILE_OBJECT.
    pub const NONE: Self = Self(0);
}

/// One request to the test driver.
#[derive(Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are the parameters of the named IRP")]
pub enum Request<'a> {
    /// See [`code::OPEN`].
    Open(Open),
    /// See [`code::CLEANUP`].
    Cleanup { handle: Handle },
    /// See [`code::CLOSE`].
    Close { handle: Handle },
    /// See [`code::READ`].
    Read {
        handle: Handle,
        offset: u64,
        length: u32,
    },
    /// See [`code::WRITE`].
    Write {
        handle: Handle,
        offset: u64,
        data: &'a [u8],
    },
    /// See [`code::QUERY_INFORMATION`].
    QueryInformation {
        handle: Handle,
        class: FileInformationClass,
        length: u32,
    },
    /// See [`code::SET_INFORMATION`]. `target` is the directory of a rename or link, or [`Handle::NONE`].
    SetInformation {
        handle: Handle,
        class: FileInformationClass,
        target: Handle,
        data: &'a [u8],
    },
    /// See [`code::QUERY_DIRECTORY`]. An empty pattern is given as none.
    QueryDirectory {
        handle: Handle,
        class: FileInformationClass,
        flags: DirectoryFlags,
        pattern: NameBuf,
        length: u32,
    },
    /// See [`code::FLUSH`].
    Flush { handle: Handle },
    /// See [`code::QUERY_VOLUME`].
    QueryVolume {
        handle: Handle,
        class: FsInformationClass,
        length: u32,
    },
    /// See [`code::CANCEL`].
    Cancel { handle: Handle },
    /// See [`code::COUNT`].
    Count,
}

/// Every request but `Open`. Fields that a request does not use are zero.
#[derive(FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
struct Layout {
    header: Header,
    handle: U32,
    class: U32,
    offset: U64,
    /// The length of the buffer the IRP is given, for requests that produce data.
    length: U32,
    flags: U32,
    target: U32,
    data_len: U32,
}

impl Fixed for Layout {}

impl Layout {
    fn empty(handle: Handle) -> Self {
        Self {
            header: Header::new(Self::SIZE),
            handle: U32::new(handle.0),
            class: U32::ZERO,
            offset: U64::ZERO,
            length: U32::ZERO,
            flags: U32::ZERO,
            target: U32::ZERO,
            data_len: U32::ZERO,
        }
    }
}

impl<'a> Request<'a> {
    /// The control code the request travels under.
    #[must_use]
    pub fn code(&self) -> ControlCode {
        match self {
            Self::Open(_) => code::OPEN,
            Self::Cleanup { .. } => code::CLEANUP,
            Self::Close { .. } => code::CLOSE,
            Self::Read { .. } => code::READ,
            Self::Write { .. } => code::WRITE,
            Self::QueryInformation { .. } => code::QUERY_INFORMATION,
            Self::SetInformation { .. } => code::SET_INFORMATION,
            Self::QueryDirectory { .. } => code::QUERY_DIRECTORY,
            Self::Flush { .. } => code::FLUSH,
            Self::QueryVolume { .. } => code::QUERY_VOLUME,
            Self::Cancel { .. } => code::CANCEL,
            Self::Count => code::COUNT,
        }
    }

    /// The length of the buffer the IRP is given for data to come back.
    #[must_use]
    pub fn data_capacity(&self) -> u32 {
        match self {
            Self::Read { length, .. }
            | Self::QueryInformation { length, .. }
            | Self::QueryDirectory { length, .. }
            | Self::QueryVolume { length, .. } => *length,
            // CAST: a small constant.
            Self::Count => Live::SIZE as u32,
            _ => 0,
        }
    }

    /// The output buffer the request needs.
    #[must_use]
    pub fn output_len(&self) -> usize {
        Reply::FIXED_SIZE.saturating_add(usize::try_from(self.data_capacity()).unwrap_or(usize::MAX))
    }

    /// Checks a request and the length of its output buffer.
    ///
    /// # Errors
    /// As [`crate::request`] says; [`Status::INVALID_PARAMETER`] also for a length over [`MAX_TRANSFER`].
    pub fn parse(code: ControlCode, input: &'a [u8], output_len: usize) -> Result<Self> {
        let request = match code {
            code::OPEN => Self::Open(Open::parse(input)?),
            code::COUNT if input.is_empty() => Self::Count,
            code::COUNT => return Err(Status::INFO_LENGTH_MISMATCH),
            _ => Self::parse_on_handle(code, input)?,
        };
        if request.data_capacity() > MAX_TRANSFER {
            return Err(Status::INVALID_PARAMETER);
        }
        if output_len < request.output_len() {
            Err(Status::BUFFER_TOO_SMALL)
        } else {
            Ok(request)
        }
    }

    fn parse_on_handle(code: ControlCode, input: &'a [u8]) -> Result<Self> {
        let handle_code = code.0 >= code::CLEANUP.0 && code.0 <= code::CANCEL.0 && code.0 & 3 == 0;
        if !handle_code {
            return Err(Status::INVALID_DEVICE_REQUEST);
        }
        let (layout, rest) = read::<Layout>(input)?;
        let handle = Handle(layout.handle.get());
        let length = layout.length.get();
        let file_class = FileInformationClass(layout.class.get());
        let mut tail = Tail(rest);
        let request = match code {
            code::CLEANUP => Self::Cleanup { handle },
            code::CLOSE => Self::Close { handle },
            code::READ => Self::Read {
                handle,
                offset: layout.offset.get(),
                length,
            },
            code::WRITE => Self::Write {
                handle,
                offset: layout.offset.get(),
                data: tail.bytes(layout.data_len)?,
            },
            code::QUERY_INFORMATION => Self::QueryInformation {
                handle,
                class: file_class,
                length,
            },
            code::SET_INFORMATION => Self::SetInformation {
                handle,
                class: file_class,
                target: Handle(layout.target.get()),
                data: tail.bytes(layout.data_len)?,
            },
            code::QUERY_DIRECTORY => Self::QueryDirectory {
                handle,
                class: file_class,
                flags: DirectoryFlags::from_bits_retain(layout.flags.get()),
                pattern: tail.name(layout.data_len, MAX_UNITS)?,
                length,
            },
            code::FLUSH => Self::Flush { handle },
            code::QUERY_VOLUME => Self::QueryVolume {
                handle,
                class: FsInformationClass(layout.class.get()),
                length,
            },
            _ => Self::Cancel { handle },
        };
        tail.finish()?;
        // A field that the request does not use would be lost: it must be zero.
        if request.layout().as_bytes() == layout.as_bytes() {
            Ok(request)
        } else {
            Err(Status::INVALID_PARAMETER)
        }
    }

    fn layout(&self) -> Layout {
        let header = Header::new(self.encoded_len());
        match self {
            Self::Open(_) | Self::Count => Layout::empty(Handle::NONE),
            Self::Cleanup { handle }
            | Self::Close { handle }
            | Self::Flush { handle }
            | Self::Cancel { handle } => Layout::empty(*handle),
            Self::Read {
                handle,
                offset,
                length,
            } => Layout {
                offset: U64::new(*offset),
                length: U32::new(*length),
                ..Layout::empty(*handle)
            },
            Self::Write { handle, offset, data } => Layout {
                header,
                offset: U64::new(*offset),
                data_len: data_len(data.len()),
                ..Layout::empty(*handle)
            },
            Self::QueryInformation {
                handle,
                class,
                length,
            } => Layout {
                class: U32::new(class.0),
                length: U32::new(*length),
                ..Layout::empty(*handle)
            },
            Self::SetInformation {
                handle,
                class,
                target,
                data,
            } => Layout {
                header,
                class: U32::new(class.0),
                target: U32::new(target.0),
                data_len: data_len(data.len()),
                ..Layout::empty(*handle)
            },
            Self::QueryDirectory {
                handle,
                class,
                flags,
                pattern,
                length,
            } => Layout {
                header,
                class: U32::new(class.0),
                flags: U32::new(flags.bits()),
                length: U32::new(*length),
                data_len: name_len(pattern.as_name()),
                ..Layout::empty(*handle)
            },
            Self::QueryVolume {
                handle,
                class,
                length,
            } => Layout {
                class: U32::new(class.0),
                length: U32::new(*length),
                ..Layout::empty(*handle)
            },
        }
    }
}

impl Encode for Request<'_> {
    fn encoded_len(&self) -> usize {
        match self {
            Self::Count => 0,
            Self::Open(open) => open.encoded_len(),
            Self::Write { data, .. } | Self::SetInformation { data, .. } => Layout::SIZE + data.len(),
            Self::QueryDirectory { pattern, .. } => Layout::SIZE + byte_len(pattern.as_name()),
            _ => Layout::SIZE,
        }
    }

    fn write(&self, out: &mut [u8]) -> Result<usize> {
        let mut sink = Sink::new(out);
        match self {
            Self::Count => {}
            Self::Open(open) => return open.write(out),
            Self::Write { data, .. } | Self::SetInformation { data, .. } => {
                sink.bytes(self.layout().as_bytes())?.bytes(data)?;
            }
            Self::QueryDirectory { pattern, .. } => {
                sink.bytes(self.layout().as_bytes())?.name(pattern.as_name())?;
            }
            _ => {
                sink.bytes(self.layout().as_bytes())?;
            }
        }
        Ok(sink.finish())
    }
}

#[cfg(test)]
mod tests;
