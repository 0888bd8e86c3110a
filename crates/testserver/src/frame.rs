//! 9P frames: `size[4] type[1] tag[2] body`, little-endian, the size counting itself.

use std::io::{self, Read};

/// The length of the part before the body.
pub(crate) const HEADER: usize = 7;

/// The tag of `Tversion`.
pub(crate) const NO_TAG: u16 = 0xFFFF;

/// The types of messages, by the protocol's numbers: all requests, and the replies that the servers here look into.
#[expect(missing_docs, reason = "the names are those of the protocol")]
pub mod kind {
    pub const RLERROR: u8 = 7;
    pub const RVERSION: u8 = 101;
    pub const RATTACH: u8 = 105;
    pub const RFLUSH: u8 = 109;
    pub const RWALK: u8 = 111;

    macro_rules! requests {
        ($($name:ident = $number:literal,)*) => {
            $(pub const $name: u8 = $number;)*
            /// Every request, with its name.
            pub const REQUESTS: &[(u8, &str)] = &[$(($number, stringify!($name))),*];
        };
    }

    requests! {
        TSTATFS = 8,
        TLOPEN = 12,
        TLCREATE = 14,
        TSYMLINK = 16,
        TMKNOD = 18,
        TRENAME = 20,
        TREADLINK = 22,
        TGETATTR = 24,
        TSETATTR = 26,
        TXATTRWALK = 30,
        TXATTRCREATE = 32,
        TREADDIR = 40,
        TFSYNC = 50,
        TLOCK = 52,
        TGETLOCK = 54,
        TLINK = 70,
        TMKDIR = 72,
        TRENAMEAT = 74,
        TUNLINKAT = 76,
        TVERSION = 100,
        TAUTH = 102,
        TATTACH = 104,
        TFLUSH = 108,
        TWALK = 110,
        TREAD = 116,
        TWRITE = 118,
        TCLUNK = 120,
        TREMOVE = 122,
    }
}

/// One message, the size field left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// The message type.
    pub kind: u8,
    /// The tag.
    pub tag: u16,
    /// What follows the tag.
    pub body: Vec<u8>,
}

impl Frame {
    /// Reads one frame; `None` if the peer closed between frames.
    ///
    /// # Errors
    /// Of the stream; `InvalidData` for a size below the header's or above `limit`; `UnexpectedEof` in mid-frame.
    pub(crate) fn read(stream: &mut impl Read, limit: u32) -> io::Result<Option<Self>> {
        let mut size = [0; 4];
        let mut have = 0;
        while have < size.len() {
            match stream.read(&mut size[have..]) {
                Ok(0) if have == 0 => return Ok(None),
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(more) => have += more,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        let size = u32::from_le_bytes(size);
        if size > limit || (size as usize) < HEADER {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                format!("frame of {size} bytes"),
            ));
        }
        let mut rest = vec![0; size as usize - 4];
        stream.read_exact(&mut rest)?;
        let body = rest.split_off(3);
        Ok(Some(Self {
            kind: rest[0],
            tag: u16::from_le_bytes([rest[1], rest[2]]),
            body,
        }))
    }

    /// The frame's bytes.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(HEADER + self.body.len());
        // CAST: frames here are far below 4 GiB.
        bytes.extend(((HEADER + self.body.len()) as u32).to_le_bytes());
        bytes.push(self.kind);
        bytes.extend(self.tag.to_le_bytes());
        bytes.extend(&self.body);
        bytes
    }

    /// `Rlerror` in answer to the message with this tag.
    #[must_use]
    pub fn error(tag: u16, errno: u32) -> Self {
        Self {
            kind: kind::RLERROR,
            tag,
            body: errno.to_le_bytes().to_vec(),
        }
    }

    /// The body's fields, to be taken one by one.
    pub(crate) fn fields(&self) -> Fields<'_> {
        Fields(&self.body)
    }
}

/// Takes fields off a body; `None` once one does not fit.
pub(crate) struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (head, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*head)
    }

    pub(crate) fn bytes(&mut self, count: usize) -> Option<&'a [u8]> {
        let (head, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(head)
    }

    pub(crate) fn u8(&mut self) -> Option<u8> {
        self.take::<1>().map(|[byte]| byte)
    }

    pub(crate) fn u64(&mut self) -> Option<u64> {
        self.take().map(u64::from_le_bytes)
    }

    /// The field at the end.
    pub(crate) fn last_u32(&self) -> Option<u32> {
        self.0.last_chunk().copied().map(u32::from_le_bytes)
    }

    pub(crate) fn u16(&mut self) -> Option<u16> {
        self.take().map(u16::from_le_bytes)
    }

    pub(crate) fn u32(&mut self) -> Option<u32> {
        self.take().map(u32::from_le_bytes)
    }

    pub(crate) fn string(&mut self) -> Option<&'a [u8]> {
        let len = usize::from(self.u16()?);
        self.bytes(len)
    }
}

/// Appends a counted string as the protocol writes it.
pub(crate) fn put_string(body: &mut Vec<u8>, text: &[u8]) {
    let len = u16::try_from(text.len()).expect("strings in tests are short");
    body.extend(len.to_le_bytes());
    body.extend(text);
}

#[cfg(test)]
mod tests {
    use super::{Frame, kind};
    use std::io;

    #[test]
    fn frames_round_trip_and_end_between_frames() {
        let frame = Frame {
            kind: kind::TCLUNK,
            tag: 3,
            body: vec![1, 0, 0, 0],
        };
        let bytes = [frame.bytes(), frame.bytes()].concat();
        let mut stream = &bytes[..];
        for _ in 0..2 {
            assert_eq!(Frame::read(&mut stream, 100).unwrap().as_ref(), Some(&frame));
        }
        assert_eq!(Frame::read(&mut stream, 100).unwrap(), None);
    }

    #[test]
    fn bad_sizes_and_cut_frames_are_errors() {
        for (bytes, expected) in [
            (&[6, 0, 0, 0, 1, 1, 1][..], io::ErrorKind::InvalidData),
            (&[101, 0, 0, 0], io::ErrorKind::InvalidData),
            (&[7, 0], io::ErrorKind::UnexpectedEof),
            (&[8, 0, 0, 0, 1, 1, 1], io::ErrorKind::UnexpectedEof),
        ] {
            assert_eq!(
                Frame::read(&mut &bytes[..], 100).unwrap_err().kind(),
                expected,
                "{bytes:?}"
            );
        }
    }
}
