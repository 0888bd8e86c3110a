//! One connection as the driver reports it.

use bitflags::bitflags;
use nt::name::MAX_UNITS;
use nt::{Name, NameBuf, Result, Status};
use zerocopy::little_endian::{U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use super::{MAX_LOCAL_UNITS, MAX_USER_UNITS, require_zero};
use crate::record::{Encode, Fixed, Header, Sink, Tail, byte_len, name_len, read};

/// Whether a connection can be used now. Any value is allowed when read: a newer driver may know more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(transparent)]
pub struct ConnectionState(pub u32);

impl ConnectionState {
    /// The session is up, as far as anybody knows.
    pub const CONNECTED: Self = Self(0);
    /// The session is being set up.
    pub const CONNECTING: Self = Self(1);
    /// The server cannot be reached: requests fail at once, and it is dialled again from time to time. Or the session has
    /// not been set up yet (DEFERRED).
    pub const DISCONNECTED: Self = Self(2);
    /// The connection was deleted by force and waits for its last handle.
    pub const ORPHANED: Self = Self(3);
    /// The session is up, but the server has missed a deadline in silence and is asked for a sign of life.
    pub const SUSPECT: Self = Self(4);
}

bitflags! {
    /// Further facts on a connection.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct ConnectionFlags: u32 {
        /// Visible to every logon session.
        const GLOBAL = 0x1;
        /// Added with [`super::AddFlags::DEFERRED`] and not used since.
        const DEFERRED = 0x2;
        const _ = !0;
    }
}

/// A connection to be written as a record, its names borrowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConnectionView<'a> {
    /// `X:`, or empty for a connection without a local name.
    pub local: Name<'a>,
    /// `\\server\share`.
    pub remote: Name<'a>,
    /// The user at the server; empty for the configured default.
    pub user: Name<'a>,
    /// Whether it can be used now.
    pub state: ConnectionState,
    /// Further facts.
    pub flags: ConnectionFlags,
    /// Handles open on it.
    pub open_files: u32,
    /// The logon session it belongs to (`LUID`, high half in the upper 32 bits).
    pub logon_id: u64,
}

/// A connection as read from a record.
#[derive(Debug, PartialEq, Eq)]
pub struct Connection {
    /// See [`ConnectionView::local`].
    pub local: NameBuf,
    /// See [`ConnectionView::remote`].
    pub remote: NameBuf,
    /// See [`ConnectionView::user`].
    pub user: NameBuf,
    /// See [`ConnectionView::state`].
    pub state: ConnectionState,
    /// See [`ConnectionView::flags`].
    pub flags: ConnectionFlags,
    /// See [`ConnectionView::open_files`].
    pub open_files: u32,
    /// See [`ConnectionView::logon_id`].
    pub logon_id: u64,
}

#[derive(FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
struct Layout {
    header: Header,
    logon_id: U64,
    state: U32,
    flags: U32,
    open_files: U32,
    local_len: U32,
    remote_len: U32,
    user_len: U32,
    reserved: [U32; 2],
}

impl Fixed for Layout {}

impl ConnectionView<'_> {
    /// Writes the answer to `GET_CONNECTION`: the status of the request and the bytes written.
    ///
    /// If the record does not fit, its fixed part alone is written, whose size field says how many bytes are
    /// needed, and the status is [`Status::BUFFER_OVERFLOW`]; if not even that fits, nothing and
    /// [`Status::BUFFER_TOO_SMALL`].
    pub fn answer(&self, out: &mut [u8]) -> (Status, usize) {
        if let Ok(written) = self.write(out) {
            return (Status::SUCCESS, written);
        }
        match Sink::new(out).bytes(self.layout().as_bytes()) {
            Ok(sink) => (Status::BUFFER_OVERFLOW, sink.finish()),
            Err(status) => (status, 0),
        }
    }

    fn layout(&self) -> Layout {
        Layout {
            header: Header::new(self.encoded_len()),
            logon_id: U64::new(self.logon_id),
            state: U32::new(self.state.0),
            flags: U32::new(self.flags.bits()),
            open_files: U32::new(self.open_files),
            local_len: name_len(self.local),
            remote_len: name_len(self.remote),
            user_len: name_len(self.user),
            reserved: [U32::ZERO; 2],
        }
    }
}

impl Encode for ConnectionView<'_> {
    fn encoded_len(&self) -> usize {
        let names = byte_len(self.local) + byte_len(self.remote) + byte_len(self.user);
        (Layout::SIZE + names).next_multiple_of(8)
    }

    fn write(&self, out: &mut [u8]) -> Result<usize> {
        if out.len() < self.encoded_len() {
            return Err(Status::BUFFER_TOO_SMALL);
        }
        let mut sink = Sink::new(out);
        sink.bytes(self.layout().as_bytes())?;
        Ok(sink
            .name(self.local)?
            .name(self.remote)?
            .name(self.user)?
            .pad()?
            .finish())
    }
}

impl Connection {
    /// The length of the record's fixed part: the least output buffer of `GET_CONNECTION`.
    pub const FIXED_SIZE: usize = Layout::SIZE;

    /// The bytes the whole record needs, read from the fixed part that came with [`Status::BUFFER_OVERFLOW`].
    #[must_use]
    pub fn required_size(fixed_part: &[u8]) -> Option<usize> {
        crate::record::stated_size(fixed_part)
    }

    /// Reads a record that is the whole of `bytes`.
    ///
    /// # Errors
    /// As [`crate::request`] says.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        let (layout, rest) = read::<Layout>(bytes)?;
        layout.reserved.into_iter().try_for_each(require_zero)?;
        if !bytes.len().is_multiple_of(8) {
            return Err(Status::INVALID_PARAMETER);
        }
        let mut tail = Tail(rest);
        let local = tail.name(layout.local_len, MAX_LOCAL_UNITS)?;
        let remote = tail.name(layout.remote_len, MAX_UNITS)?;
        let user = tail.name(layout.user_len, MAX_USER_UNITS)?;
        tail.finish_padded()?;
        Ok(Self {
            local,
            remote,
            user,
            state: ConnectionState(layout.state.get()),
            flags: ConnectionFlags::from_bits_retain(layout.flags.get()),
            open_files: layout.open_files.get(),
            logon_id: layout.logon_id.get(),
        })
    }

    /// The borrowed form, which can be written.
    #[must_use]
    pub fn view(&self) -> ConnectionView<'_> {
        ConnectionView {
            local: self.local.as_name(),
            remote: self.remote.as_name(),
            user: self.user.as_name(),
            state: self.state,
            flags: self.flags,
            open_files: self.open_files,
            logon_id: self.logon_id,
        }
    }
}
