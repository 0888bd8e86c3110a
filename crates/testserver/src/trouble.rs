//! What hostile servers do to an honest reply.

use crate::frame::{Frame, HEADER, kind};

/// What a server does instead of an honest reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// Ends the connection in good order.
    Close,
    /// Breaks it.
    Reset,
    /// Says nothing, ever.
    Stall,
    /// Sends noise.
    Garbage,
    /// Leaves the last byte off, with a size that says so; of a reply without a body, a part of the header.
    Truncated,
    /// Sends a frame larger than was agreed.
    Oversized,
    /// Answers a tag that nobody uses.
    WrongTag,
    /// Answers twice.
    DuplicateReply,
    /// Answers when its client has stopped waiting.
    LateReply,
    /// Answers with a message of another type.
    WrongType,
}

impl Trouble {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Close,
        Self::Reset,
        Self::Stall,
        Self::Garbage,
        Self::Truncated,
        Self::Oversized,
        Self::WrongTag,
        Self::DuplicateReply,
        Self::LateReply,
        Self::WrongType,
    ];

    /// What is sent in the place of `reply`, an honest frame of a session whose messages have `msize` bytes at the most;
    /// `None`: nothing, or not now.
    ///
    /// # Panics
    /// If `reply` is no frame.
    #[must_use]
    pub fn spoil(self, mut reply: Vec<u8>, msize: u32) -> Option<Vec<u8>> {
        /// A tag that no client of few requests comes to.
        const NOBODY: u16 = 0x7777;
        let set_size = |reply: &mut Vec<u8>, size: usize| {
            // CAST: frames here are far below 4 GiB.
            reply[..4].copy_from_slice(&(size as u32).to_le_bytes());
        };
        match self {
            Self::Close | Self::Reset | Self::Stall | Self::LateReply => return None,
            Self::Garbage => reply = vec![0xa5; 64],
            Self::Truncated => {
                let size = reply.len() - 1;
                set_size(&mut reply, size);
                reply.truncate(size.max(HEADER));
            }
            Self::Oversized => {
                reply.resize(msize as usize + 1, 0);
                let size = reply.len();
                set_size(&mut reply, size);
            }
            Self::WrongTag => reply[5..HEADER].copy_from_slice(&NOBODY.to_le_bytes()),
            Self::DuplicateReply => reply.extend_from_within(..),
            Self::WrongType => {
                let kind = match reply[4] {
                    kind if kind == kind::TCLUNK + 1 => kind::TFSYNC + 1,
                    _ => kind::TCLUNK + 1,
                };
                let tag = u16::from_le_bytes([reply[5], reply[6]]);
                let body = Vec::new();
                reply = Frame { kind, tag, body }.bytes();
            }
        }
        Some(reply)
    }
}
