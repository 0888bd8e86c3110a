//! Version: the first message of a connection.

use super::codec::Request;

/// The dialect's name in Tversion and Rversion.
pub const DIALECT: &[u8] = b"9P2000.L";

message! {
    /// Opens a session: proposes the largest frame and the dialect. Sent under [`Tag::NONE`](super::Tag::NONE).
    TVERSION: Tversion<'a> {
        /// Largest frame in bytes that the client will send or take.
        msize: u32,
        /// Dialect.
        version: &'a [u8],
    }
}

message! {
    /// The server's choice.
    RVERSION: Rversion<'a> {
        /// Largest frame in bytes, at most what was proposed.
        msize: u32,
        /// Dialect, or `unknown`.
        version: &'a [u8],
    }
}

impl Request for Tversion<'_> {
    type Reply<'r> = Rversion<'r>;

    fn is_repeatable(&self) -> bool {
        true
    }
}
