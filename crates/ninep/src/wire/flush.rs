//! Flush: giving up a request.

use super::Tag;
use super::codec::Request;

message! {
    /// Asks the server to drop the request `oldtag`. Its reply, if it comes before Rflush, still counts.
    TFLUSH: Tflush {
        /// The request's tag; free for reuse after Rflush.
        oldtag: Tag,
    }
}

message! {
    /// No reply to the flushed request follows.
    RFLUSH: Rflush {}
}

impl Request for Tflush {
    type Reply<'r> = Rflush;

    fn is_repeatable(&self) -> bool {
        true
    }
}
