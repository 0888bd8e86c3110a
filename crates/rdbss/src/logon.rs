//! Whose connection it is.

/// A logon session (`LUID` of the caller's token): the one whose drive letters and connections an object belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LogonId(pub u64);

impl LogonId {
    /// Stands for everybody, where mappings are global to the machine.
    pub const GLOBAL: Self = Self(0);
}
