//! The error reply.

/// A Linux error number, as the server reports it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Errno(pub u32);

newtype_field!(Errno);

message! {
    /// The answer to any request that failed.
    RLERROR: Rlerror {
        /// Linux errno.
        ecode: Errno,
    }
}
