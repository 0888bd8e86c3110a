//! What can go wrong, sorted by whose fault it is.

use crate::wire::{DecodeError, EncodeError, Errno, MessageType, Tag};

/// Why a call on the session, or a request, failed. No variant owns memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Error {
    /// Caller: as many requests are outstanding as the session allows. Try again when one is done
    /// ([`has_room`](super::Session::has_room)).
    WindowFull,
    /// Caller: the version is not agreed yet.
    NoVersion,
    /// Caller: the version exchange was started before, or the message is the session's own to send.
    Reserved,
    /// Caller: the tag is not of an outstanding request of this type.
    UnknownTag,
    /// Caller: a fid in the request was never allocated or was given back.
    UnknownFid,
    /// Caller: as many fids are in use as the session allows.
    FidsExhausted,
    /// Caller: a string, list or payload does not fit the wire or msize.
    TooLong,
    /// Local resources: no memory.
    OutOfMemory,
    /// The server answered Rlerror.
    Remote(Errno),
    /// The deadline passed without a reply. The server may have done the work or may still do it.
    TimedOut,
    /// The server speaks no 9P2000.L, or not with a usable msize.
    DialectRefused,
    /// The session is over because the connection is.
    Disconnected(Disconnect),
    /// The session is over because the server broke the protocol.
    Poisoned(Violation),
    /// A reply body does not decode. The session checks bodies on arrival, so no accepted reply gives this.
    Malformed(DecodeError),
}

impl From<EncodeError> for Error {
    fn from(_: EncodeError) -> Self {
        Self::TooLong
    }
}

impl From<DecodeError> for Error {
    fn from(error: DecodeError) -> Self {
        Self::Malformed(error)
    }
}

impl From<alloc::collections::TryReserveError> for Error {
    fn from(_: alloc::collections::TryReserveError) -> Self {
        Self::OutOfMemory
    }
}

/// How a connection ended, told by whoever drives the session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Disconnect {
    /// We closed it.
    Local,
    /// The server closed it in order.
    Remote,
    /// The transport failed.
    Error,
    /// The version was not answered in time.
    TimedOut,
    /// The server gave no sign of life when it was asked for one.
    Silent,
    /// The server answered neither the requests that had been given up nor their flushes, until there was room for no more.
    Exhausted,
}

/// A broken rule of the protocol: the first one ends the session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Violation {
    /// Which rule.
    pub rule: Rule,
    /// Type of the frame that broke it.
    pub message: MessageType,
    /// Tag of that frame.
    pub tag: Tag,
    /// What the rule wants, in the rule's own terms.
    pub expected: u32,
    /// What came.
    pub got: u32,
}

/// The rules a server can break. In brackets: what `expected` and `got` of the [`Violation`] mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// A frame is at least its header [least size, size].
    FrameTooShort,
    /// A frame is at most msize [msize, size].
    FrameTooLong,
    /// A reply's tag is of an unanswered request [0, tag].
    UnknownTag,
    /// A reply is of the request's reply type or Rlerror [type, type].
    UnexpectedType,
    /// A reply's body is what its type says [0, body length].
    Malformed(DecodeError),
    /// What was made is a directory exactly if one was to be made, and no walk leads on from a file [0, size].
    QidType,
    /// A reply carries no more than was asked [count asked, count].
    CountExceeded,
    /// Rlerror carries an error number [1, 0].
    ErrorWithoutCode,
    /// The server lowers the proposed msize or keeps it [proposed, chosen].
    MsizeRaised,
}
