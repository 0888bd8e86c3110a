//! Bytes to fields and back: reader, writers, the message traits and the macro that derives them.

use super::{Fid, MessageType, Tag};

/// Length of `size[4] type[1] tag[2]`, which every frame starts with.
pub const HEADER_LEN: usize = 7;

/// Why bytes are not the message they should be. Always the peer's fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DecodeError {
    /// The bytes end inside a field.
    Truncated,
    /// Bytes are left over after the last field.
    TrailingBytes,
    /// A counted list is longer than the protocol allows.
    TooMany,
}

/// Why a message cannot be written. Always the caller's fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EncodeError {
    /// A string, list or payload does not fit its counter on the wire.
    TooLong,
    /// The output has no room left.
    Full,
}

/// Where an encoder puts its bytes.
pub trait Output {
    /// Appends `bytes`, or fails and may leave the output partly written.
    fn put(&mut self, bytes: &[u8]) -> Result<(), EncodeError>;
}

/// An [`Output`] that only counts.
#[derive(Debug, Default, Clone, Copy)]
pub struct Length(
    /// Bytes put so far.
    pub usize,
);

impl Output for Length {
    fn put(&mut self, bytes: &[u8]) -> Result<(), EncodeError> {
        self.0 = self.0.checked_add(bytes.len()).ok_or(EncodeError::TooLong)?;
        Ok(())
    }
}

/// An [`Output`] over a fixed buffer.
#[derive(Debug)]
pub struct Writer<'a> {
    buffer: &'a mut [u8],
    written: usize,
}

impl<'a> Writer<'a> {
    /// Starts at the beginning of `buffer`.
    pub fn new(buffer: &'a mut [u8]) -> Self {
        Self { buffer, written: 0 }
    }

    /// Bytes written so far.
    pub fn written(&self) -> usize {
        self.written
    }
}

impl Output for Writer<'_> {
    fn put(&mut self, bytes: &[u8]) -> Result<(), EncodeError> {
        let end = self.written.checked_add(bytes.len()).ok_or(EncodeError::Full)?;
        let room = self.buffer.get_mut(self.written..end).ok_or(EncodeError::Full)?;
        room.copy_from_slice(bytes);
        self.written = end;
        Ok(())
    }
}

/// A cursor over bytes from outside; every read is checked.
#[derive(Debug, Clone, Copy)]
pub struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// Starts at the beginning of `bytes`.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// The next `count` bytes.
    pub fn take(&mut self, count: usize) -> Result<&'a [u8], DecodeError> {
        let (taken, rest) = self.rest.split_at_checked(count).ok_or(DecodeError::Truncated)?;
        self.rest = rest;
        Ok(taken)
    }

    /// The next `N` bytes as an array.
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let (taken, rest) = self.rest.split_first_chunk::<N>().ok_or(DecodeError::Truncated)?;
        self.rest = rest;
        Ok(*taken)
    }

    /// What has not been read yet.
    pub fn rest(&self) -> &'a [u8] {
        self.rest
    }
}

/// A value that can be part of a message body.
pub(crate) trait Field<'a>: Sized {
    fn put<O: Output>(&self, out: &mut O) -> Result<(), EncodeError>;
    fn take(reader: &mut Reader<'a>) -> Result<Self, DecodeError>;
}

macro_rules! integer_field {
    ($($int:ty),*) => {$(
        impl<'a> Field<'a> for $int {
            fn put<O: Output>(&self, out: &mut O) -> Result<(), EncodeError> {
                out.put(&self.to_le_bytes())
            }
            fn take(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
                Ok(<$int>::from_le_bytes(reader.array()?))
            }
        }
    )*};
}
integer_field!(u8, u16, u32, u64, i64);

/// Field of a newtype over an integer.
macro_rules! newtype_field {
    ($($name:ident),*) => {$(
        impl<'a> $crate::wire::codec::Field<'a> for $name {
            fn put<O: $crate::wire::Output>(&self, out: &mut O) -> Result<(), $crate::wire::EncodeError> {
                $crate::wire::codec::Field::put(&self.0, out)
            }
            fn take(reader: &mut $crate::wire::Reader<'a>) -> Result<Self, $crate::wire::DecodeError> {
                Ok(Self($crate::wire::codec::Field::take(reader)?))
            }
        }
    )*};
}

/// Field of a `bitflags` set; unknown bits are kept.
macro_rules! flags_field {
    ($($name:ident),*) => {$(
        impl<'a> $crate::wire::codec::Field<'a> for $name {
            fn put<O: $crate::wire::Output>(&self, out: &mut O) -> Result<(), $crate::wire::EncodeError> {
                $crate::wire::codec::Field::put(&self.bits(), out)
            }
            fn take(reader: &mut $crate::wire::Reader<'a>) -> Result<Self, $crate::wire::DecodeError> {
                Ok(Self::from_bits_retain($crate::wire::codec::Field::take(reader)?))
            }
        }
    )*};
}

/// A string: `len[2]` and that many bytes.
impl<'a> Field<'a> for &'a [u8] {
    fn put<O: Output>(&self, out: &mut O) -> Result<(), EncodeError> {
        let len = u16::try_from(self.len()).map_err(|_| EncodeError::TooLong)?;
        len.put(out)?;
        out.put(self)
    }
    fn take(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        let len = u16::take(reader)?;
        reader.take(usize::from(len))
    }
}

/// A 9P message: its type and how its body is written.
pub trait Message {
    /// The type byte of the frame.
    const TYPE: MessageType;

    /// Writes the body (everything after the frame header).
    fn encode_body<O: Output>(&self, out: &mut O) -> Result<(), EncodeError>;
}

/// A message that can be read, borrowing its strings and payload from the input.
pub trait Decode<'a>: Message + Sized {
    /// Reads a whole body. Bytes left over are an error. Never panics.
    fn decode_body(body: &'a [u8]) -> Result<Self, DecodeError>;

    /// How many items or bytes a counted reply carries (read, write, readdir: bytes; walk: qids), else 0.
    /// Never more than the request's [`Request::asked`] in an honest reply.
    fn count(&self) -> u32 {
        0
    }
}

/// A message that a client sends.
pub trait Request: Message {
    /// What the server answers, unless it answers [`Rlerror`](super::Rlerror).
    type Reply<'r>: Decode<'r>;

    /// Which fids the request touches, and what its success does to them.
    fn fids(&self) -> FidUse {
        FidUse::default()
    }

    /// Upper bound of [`Decode::count`] of the reply.
    fn asked(&self) -> u32 {
        0
    }

    /// Whether `reply` can be true of any request of this type: what was made is of the kind that was to be made.
    fn is_plausible(reply: &Self::Reply<'_>) -> bool {
        let _ = reply;
        true
    }

    /// Whether it may be sent again, on a new session, when nobody knows what became of it: it changes nothing that
    /// outlives its session.
    fn is_repeatable(&self) -> bool {
        false
    }
}

/// The fids in a request.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct FidUse {
    /// Fids that must be known to the server when the request arrives.
    pub used: [Option<Fid>; 2],
    /// What the request does to the server's fid table.
    pub effect: FidEffect,
}

impl FidUse {
    /// One fid, left as it is.
    pub fn one(fid: Fid) -> Self {
        Self {
            used: [Some(fid), None],
            effect: FidEffect::Keeps,
        }
    }

    /// Two fids, left as they are.
    pub fn two(first: Fid, second: Fid) -> Self {
        Self {
            used: [Some(first), Some(second)],
            effect: FidEffect::Keeps,
        }
    }

    /// The same, and success makes `fid` known to the server.
    pub fn creating(self, fid: Fid) -> Self {
        Self {
            effect: FidEffect::Creates(fid),
            ..self
        }
    }

    /// `fid` is gone after the reply, whether it says success or failure.
    pub fn releasing(fid: Fid) -> Self {
        Self {
            used: [Some(fid), None],
            effect: FidEffect::Releases(fid),
        }
    }
}

/// What a request does to the server's fid table.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub enum FidEffect {
    /// Nothing.
    #[default]
    Keeps,
    /// A successful reply whose count equals what was asked makes this fid known to the server.
    Creates(Fid),
    /// Any reply, an error as well, makes the server forget this fid (clunk, remove).
    Releases(Fid),
}

/// The first seven bytes of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// Length of the whole frame in bytes, these seven included.
    pub size: u32,
    /// What the body is.
    pub kind: MessageType,
    /// Which request this is or answers.
    pub tag: Tag,
}

impl Header {
    /// Reads a header; judges nothing but its fields' presence.
    pub fn decode(bytes: &[u8; HEADER_LEN]) -> Self {
        let [s0, s1, s2, s3, kind, t0, t1] = *bytes;
        Self {
            size: u32::from_le_bytes([s0, s1, s2, s3]),
            kind: MessageType(kind),
            tag: Tag(u16::from_le_bytes([t0, t1])),
        }
    }
}

/// Length in bytes of the frame that carries `message`.
///
/// # Errors
/// [`EncodeError::TooLong`] when a field or the frame does not fit its counter.
pub fn frame_len<M: Message>(message: &M) -> Result<u32, EncodeError> {
    let mut length = Length(HEADER_LEN);
    message.encode_body(&mut length)?;
    u32::try_from(length.0).map_err(|_| EncodeError::TooLong)
}

/// Writes the whole frame of `message` under `tag`.
///
/// # Errors
/// As [`frame_len`]; [`EncodeError::Full`] when `out` is too small (it may hold a part of the frame then).
pub fn encode_frame<M: Message, O: Output>(message: &M, tag: Tag, out: &mut O) -> Result<(), EncodeError> {
    out.put(&frame_len(message)?.to_le_bytes())?;
    out.put(&[M::TYPE.0])?;
    out.put(&tag.0.to_le_bytes())?;
    message.encode_body(out)
}

/// Declares a message: fields in wire order. An optional `count = expr` gives [`Decode::count`].
macro_rules! message {
    (
        $(#[$meta:meta])*
        $kind:ident: $name:ident<$lt:lifetime> { $($(#[$field_meta:meta])* $field:ident: $ty:ty,)* }
        $(count = |$this:ident| $count:expr)?
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub struct $name<$lt> { $($(#[$field_meta])* pub $field: $ty,)* }

        message!(@encode [$lt] [$name<$lt>] $kind $($field)*);
        message!(@decode $lt [$name<$lt>] { $($field)* } $(|$this| $count)?);
    };
    (
        $(#[$meta:meta])*
        $kind:ident: $name:ident { $($(#[$field_meta:meta])* $field:ident: $ty:ty,)* }
        $(count = |$this:ident| $count:expr)?
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub struct $name { $($(#[$field_meta])* pub $field: $ty,)* }

        message!(@encode [] [$name] $kind $($field)*);
        message!(@decode 'a [$name] { $($field)* } $(|$this| $count)?);
    };
    (@encode [$($lt:lifetime)?] [$name:ty] $kind:ident $($field:ident)*) => {
        impl<$($lt)?> $crate::wire::Message for $name {
            const TYPE: $crate::wire::MessageType = $crate::wire::MessageType::$kind;
            fn encode_body<O: $crate::wire::Output>(&self, _out: &mut O) -> Result<(), $crate::wire::EncodeError> {
                $($crate::wire::codec::Field::put(&self.$field, _out)?;)*
                Ok(())
            }
        }
    };
    (@decode $lt:lifetime [$name:ty] { $($field:ident)* } $(|$this:ident| $count:expr)?) => {
        impl<$lt> $crate::wire::Decode<$lt> for $name {
            fn decode_body(body: &$lt [u8]) -> Result<Self, $crate::wire::DecodeError> {
                let mut _reader = $crate::wire::Reader::new(body);
                let message = Self { $($field: $crate::wire::codec::Field::take(&mut _reader)?,)* };
                if _reader.rest().is_empty() { Ok(message) } else { Err($crate::wire::DecodeError::TrailingBytes) }
            }
            $(fn count(&self) -> u32 { let $this = self; $count })?
        }
    };
}
