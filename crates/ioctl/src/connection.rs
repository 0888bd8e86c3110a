//! Connections: the records of `ADD_CONNECTION`, `DELETE_CONNECTION`, `GET_CONNECTION` and `ENUM_CONNECTIONS`.
//!
//! A connection name is what the redirector sees of a path: `\;X:\server\share` for a drive, `\server\share`
//! without one, where `server` may carry a port (`host@port`). This module checks that a name is a clean counted
//! string; what it says is judged by the name parser of the redirector.

mod list;
mod view;

use bitflags::bitflags;
use nt::name::MAX_UNITS;
use nt::{Name, NameBuf, Result, Status};
use zerocopy::little_endian::{U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

pub use list::{ConnectionList, ConnectionListWriter};
pub use view::{Connection, ConnectionFlags, ConnectionState, ConnectionView};

use crate::record::{Encode, Fixed, Header, Sink, Tail, byte_len, name_len, read};

/// The longest user name in units (`UNLEN`).
pub const MAX_USER_UNITS: usize = 256;

/// The longest local name in units, such as `X:` (`DEVLEN`).
pub const MAX_LOCAL_UNITS: usize = 80;

bitflags! {
    /// How a connection is added.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct AddFlags: u32 {
        /// Do not contact the server until the connection is used. Reserved: a driver without
        /// [`crate::Features::DEFERRED`] answers [`Status::NOT_SUPPORTED`].
        const DEFERRED = 0x1;
    }
}

/// `ADD_CONNECTION`: make a connection that stays until it is deleted.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct AddConnection {
    /// The connection name, never empty.
    pub name: NameBuf,
    /// The user to be at the server: a name or a decimal user id; empty means the configured default.
    pub user: NameBuf,
    /// How it is added.
    pub flags: AddFlags,
}

#[derive(FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
struct AddLayout {
    header: Header,
    flags: U32,
    name_len: U32,
    user_len: U32,
    reserved: U32,
}

impl Fixed for AddLayout {}

impl AddConnection {
    /// The request for these names.
    ///
    /// # Errors
    /// [`Status::INSUFFICIENT_RESOURCES`]; [`Status::NAME_TOO_LONG`].
    pub fn try_new(name: Name<'_>, user: Name<'_>) -> Result<Self> {
        Ok(Self {
            name: NameBuf::try_from_name(name)?,
            user: NameBuf::try_from_name(user)?,
            flags: AddFlags::empty(),
        })
    }

    /// Checks the record. It holds the connection name and the user name, in this order.
    ///
    /// # Errors
    /// As [`crate::request`] says.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        let (layout, rest) = read::<AddLayout>(bytes)?;
        let flags = AddFlags::from_bits(layout.flags.get()).ok_or(Status::INVALID_PARAMETER)?;
        require_zero(layout.reserved)?;
        let mut tail = Tail(rest);
        let name = not_empty(tail.name(layout.name_len, MAX_UNITS)?)?;
        let user = tail.name(layout.user_len, MAX_USER_UNITS)?;
        tail.finish()?;
        Ok(Self { name, user, flags })
    }
}

impl Encode for AddConnection {
    fn encoded_len(&self) -> usize {
        AddLayout::SIZE + byte_len(self.name.as_name()) + byte_len(self.user.as_name())
    }

    fn write(&self, out: &mut [u8]) -> Result<usize> {
        let (name, user) = (self.name.as_name(), self.user.as_name());
        let layout = AddLayout {
            header: Header::new(self.encoded_len()),
            flags: U32::new(self.flags.bits()),
            name_len: name_len(name),
            user_len: name_len(user),
            reserved: U32::ZERO,
        };
        Ok(Sink::new(out)
            .bytes(layout.as_bytes())?
            .name(name)?
            .name(user)?
            .finish())
    }
}

/// How far deleting a connection goes (the third argument of `RxFinalizeConnection`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u32)]
pub enum DeleteLevel {
    /// Refuse while files are open (`FALSE`).
    Refuse = 0,
    /// Delete in any case; open files become unusable (`TRUE`).
    Force = 1,
    /// Give up what keeps the connection alive, then as `Refuse`: if files are open it is refused, and the
    /// connection goes when the last of them closes.
    DropReference = 0xFF,
}

impl DeleteLevel {
    /// The level with this value.
    ///
    /// # Errors
    /// [`Status::INVALID_PARAMETER`] for anything but 0, 1 and 255.
    pub const fn from_value(value: u32) -> Result<Self> {
        match value {
            0 => Ok(Self::Refuse),
            1 => Ok(Self::Force),
            0xFF => Ok(Self::DropReference),
            _ => Err(Status::INVALID_PARAMETER),
        }
    }

    /// The value in the record.
    #[must_use]
    pub const fn value(self) -> u32 {
        // CAST: the discriminant of a `repr(u32)` enumeration.
        self as u32
    }
}

/// `DELETE_CONNECTION`: the opposite of [`AddConnection`].
#[derive(Debug, PartialEq, Eq)]
pub struct DeleteConnection {
    /// The local name (`X:`) or the connection name, never empty.
    pub name: NameBuf,
    /// How far it goes.
    pub level: DeleteLevel,
}

#[derive(FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
struct DeleteLayout {
    header: Header,
    level: U32,
    name_len: U32,
}

impl Fixed for DeleteLayout {}

impl DeleteConnection {
    /// The request for this name.
    ///
    /// # Errors
    /// [`Status::INSUFFICIENT_RESOURCES`]; [`Status::NAME_TOO_LONG`].
    pub fn try_new(name: Name<'_>, level: DeleteLevel) -> Result<Self> {
        Ok(Self {
            name: NameBuf::try_from_name(name)?,
            level,
        })
    }

    /// Checks the record.
    ///
    /// # Errors
    /// As [`crate::request`] says.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        let (layout, rest) = read::<DeleteLayout>(bytes)?;
        let level = DeleteLevel::from_value(layout.level.get())?;
        let mut tail = Tail(rest);
        let name = not_empty(tail.name(layout.name_len, MAX_UNITS)?)?;
        tail.finish()?;
        Ok(Self { name, level })
    }
}

impl Encode for DeleteConnection {
    fn encoded_len(&self) -> usize {
        DeleteLayout::SIZE + byte_len(self.name.as_name())
    }

    fn write(&self, out: &mut [u8]) -> Result<usize> {
        let name = self.name.as_name();
        let layout = DeleteLayout {
            header: Header::new(self.encoded_len()),
            level: U32::new(self.level.value()),
            name_len: name_len(name),
        };
        Ok(Sink::new(out).bytes(layout.as_bytes())?.name(name)?.finish())
    }
}

/// `GET_CONNECTION`: the connection behind a local name. Answered by one [`Connection`].
#[derive(Debug, PartialEq, Eq)]
pub struct GetConnection {
    /// The local name, such as `X:`, never empty.
    pub local: NameBuf,
}

#[derive(FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
struct GetLayout {
    header: Header,
    local_len: U32,
    reserved: U32,
}

impl Fixed for GetLayout {}

impl GetConnection {
    /// The request for this local name.
    ///
    /// # Errors
    /// [`Status::INSUFFICIENT_RESOURCES`]; [`Status::NAME_TOO_LONG`].
    pub fn try_new(local: Name<'_>) -> Result<Self> {
        Ok(Self {
            local: NameBuf::try_from_name(local)?,
        })
    }

    /// Checks the record.
    ///
    /// # Errors
    /// As [`crate::request`] says.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        let (layout, rest) = read::<GetLayout>(bytes)?;
        require_zero(layout.reserved)?;
        let mut tail = Tail(rest);
        let local = not_empty(tail.name(layout.local_len, MAX_LOCAL_UNITS)?)?;
        tail.finish()?;
        Ok(Self { local })
    }
}

impl Encode for GetConnection {
    fn encoded_len(&self) -> usize {
        GetLayout::SIZE + byte_len(self.local.as_name())
    }

    fn write(&self, out: &mut [u8]) -> Result<usize> {
        let local = self.local.as_name();
        let layout = GetLayout {
            header: Header::new(self.encoded_len()),
            local_len: name_len(local),
            reserved: U32::ZERO,
        };
        Ok(Sink::new(out).bytes(layout.as_bytes())?.name(local)?.finish())
    }
}

/// `ENUM_CONNECTIONS`: the caller's connections, a buffer at a time. Answered by a [`ConnectionList`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EnumConnections {
    /// Where to go on: 0 at first, then [`ConnectionList::resume`] of the answer before.
    pub resume: u64,
}

#[derive(FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
struct EnumLayout {
    header: Header,
    resume: U64,
}

impl Fixed for EnumLayout {}

impl EnumConnections {
    /// Checks the record.
    ///
    /// # Errors
    /// As [`crate::request`] says.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        let (layout, rest) = read::<EnumLayout>(bytes)?;
        Tail(rest).finish()?;
        Ok(Self {
            resume: layout.resume.get(),
        })
    }
}

impl Encode for EnumConnections {
    fn encoded_len(&self) -> usize {
        EnumLayout::SIZE
    }

    fn write(&self, out: &mut [u8]) -> Result<usize> {
        let layout = EnumLayout {
            header: Header::new(EnumLayout::SIZE),
            resume: U64::new(self.resume),
        };
        Ok(Sink::new(out).bytes(layout.as_bytes())?.finish())
    }
}

fn require_zero(reserved: U32) -> Result {
    if reserved.get() == 0 {
        Ok(())
    } else {
        Err(Status::INVALID_PARAMETER)
    }
}

fn not_empty(name: NameBuf) -> Result<NameBuf> {
    if name.is_empty() {
        Err(Status::INVALID_PARAMETER)
    } else {
        Ok(name)
    }
}
