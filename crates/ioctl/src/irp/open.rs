//! The request to open a FILE_OBJECT.

use nt::name::MAX_UNITS;
use nt::{
    AccessMask, CreateDisposition, CreateOptions, FileAttributes, NameBuf, Result, ShareAccess, Status,
};
use zerocopy::little_endian::U32;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use super::Handle;
use crate::record::{Encode, Fixed, Header, Sink, Tail, byte_len, name_len, read};

/// The parameters of an open.
#[derive(Debug, PartialEq, Eq)]
pub struct Open {
    /// The path relative to the device, with its leading backslash; empty opens the device itself.
    pub path: NameBuf,
    /// The directory the path is relative to, or [`Handle::NONE`].
    pub related: Handle,
    /// Desired access.
    pub access: AccessMask,
    /// What others may do meanwhile.
    pub share: ShareAccess,
    /// What to do if the file exists or does not.
    pub disposition: CreateDisposition,
    /// Options.
    pub options: CreateOptions,
    /// Attributes of a new file.
    pub attributes: FileAttributes,
}

#[derive(FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
struct OpenLayout {
    header: Header,
    related: U32,
    access: U32,
    share: U32,
    disposition: U32,
    options: U32,
    attributes: U32,
    path_len: U32,
    reserved: U32,
}

impl Fixed for OpenLayout {}

impl Open {
    pub(super) fn parse(bytes: &[u8]) -> Result<Self> {
        let (layout, rest) = read::<OpenLayout>(bytes)?;
        if layout.reserved.get() != 0 {
            return Err(Status::INVALID_PARAMETER);
        }
        let mut tail = Tail(rest);
        let path = tail.name(layout.path_len, MAX_UNITS)?;
        tail.finish()?;
        Ok(Self {
            path,
            related: Handle(layout.related.get()),
            access: AccessMask::from_bits_retain(layout.access.get()),
            share: ShareAccess::from_bits_retain(layout.share.get()),
            disposition: CreateDisposition(layout.disposition.get()),
            options: CreateOptions::from_bits_retain(layout.options.get()),
            attributes: FileAttributes::from_bits_retain(layout.attributes.get()),
        })
    }

    fn layout(&self) -> OpenLayout {
        OpenLayout {
            header: Header::new(self.encoded_len()),
            related: U32::new(self.related.0),
            access: U32::new(self.access.bits()),
            share: U32::new(self.share.bits()),
            disposition: U32::new(self.disposition.0),
            options: U32::new(self.options.bits()),
            attributes: U32::new(self.attributes.bits()),
            path_len: name_len(self.path.as_name()),
            reserved: U32::ZERO,
        }
    }
}

impl Encode for Open {
    fn encoded_len(&self) -> usize {
        OpenLayout::SIZE + byte_len(self.path.as_name())
    }

    fn write(&self, out: &mut [u8]) -> Result<usize> {
        Ok(Sink::new(out)
            .bytes(self.layout().as_bytes())?
            .name(self.path.as_name())?
            .finish())
    }
}
