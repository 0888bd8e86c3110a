//! The request to open a FILE_OBJECT.

use nt::name::MAX_UNITS;
use nt::{AccessMask, CreateDisposition, CreateOptions, FileAttributes, NameBuf, Result, ShareAccess};
use zerocopy::little_endian::{U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use super::{Handle, OpenFlags};
use crate::record::{Encode, Fixed, Header, Sink, Tail, byte_len, data_len, name_len, read};

/// The parameters of an open.
#[derive(Debug, PartialEq, Eq)]
pub struct Open<'a> {
    /// The path relative to the device, with its leading backslash; empty opens the device itself. With
    /// [`CreateOptions::OPEN_BY_FILE_ID`] the bytes of a file's number, four units or eight.
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
    /// `SL_*` of the I/O stack location.
    pub flags: OpenFlags,
    /// The size to set aside for a new file.
    pub allocation: u64,
    /// The room for a reparse point's data, which an open that ends at a symbolic link answers with.
    pub length: u32,
    /// `FILE_FULL_EA_INFORMATION` records for a new file; an empty list is given as none.
    pub ea: &'a [u8],
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
    flags: U32,
    allocation: U64,
    length: U32,
    ea_len: U32,
}

impl Fixed for OpenLayout {}

impl<'a> Open<'a> {
    pub(super) fn parse(bytes: &'a [u8]) -> Result<Self> {
        let (layout, rest) = read::<OpenLayout>(bytes)?;
        let options = CreateOptions::from_bits_retain(layout.options.get());
        let mut tail = Tail(rest);
        // A file's number may hold what no name does.
        let path = if options.contains(CreateOptions::OPEN_BY_FILE_ID) {
            tail.units(layout.path_len, MAX_UNITS)?
        } else {
            tail.name(layout.path_len, MAX_UNITS)?
        };
        let ea = tail.bytes(layout.ea_len)?;
        tail.finish()?;
        Ok(Self {
            path,
            related: Handle(layout.related.get()),
            access: AccessMask::from_bits_retain(layout.access.get()),
            share: ShareAccess::from_bits_retain(layout.share.get()),
            disposition: CreateDisposition(layout.disposition.get()),
            options,
            attributes: FileAttributes::from_bits_retain(layout.attributes.get()),
            flags: OpenFlags::from_bits_retain(layout.flags.get()),
            allocation: layout.allocation.get(),
            length: layout.length.get(),
            ea,
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
            flags: U32::new(self.flags.bits()),
            allocation: U64::new(self.allocation),
            length: U32::new(self.length),
            ea_len: data_len(self.ea.len()),
        }
    }
}

impl Encode for Open<'_> {
    fn encoded_len(&self) -> usize {
        OpenLayout::SIZE + byte_len(self.path.as_name()) + self.ea.len()
    }

    fn write(&self, out: &mut [u8]) -> Result<usize> {
        Ok(Sink::new(out)
            .bytes(self.layout().as_bytes())?
            .name(self.path.as_name())?
            .bytes(self.ea)?
            .finish())
    }
}
