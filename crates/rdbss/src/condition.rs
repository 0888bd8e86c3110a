//! Conditions of objects that come into being with the help of the network.

/// `RX_BLOCK_CONDITION`: how far along an object is. Ordered as documented.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u32)]
pub enum Condition {
    /// Nothing is known of it yet.
    Uninitialized = 0,
    /// One request is making it; others wait.
    InTransition = 1,
    /// It is being taken down.
    Closing = 2,
    /// It can be used.
    Good = 3,
    /// It could not be made.
    Bad = 4,
    /// It was taken down.
    Closed = 5,
}

impl Condition {
    /// Whether waiting is over. `Bad` and `Closed` are stable too: whoever waited must look which it is.
    #[must_use]
    pub fn is_stable(self) -> bool {
        self >= Self::Good
    }
}
