//! Identities of the objects of a tree.

use core::fmt;
use core::hash::{Hash, Hasher};
use core::marker::PhantomData;
use core::num::NonZeroU32;

/// The kinds of object an [`Id`] can name.
pub mod kind {
    /// A server.
    #[derive(Debug)]
    pub enum SrvCall {}
    /// A share of a server.
    #[derive(Debug)]
    pub enum NetRoot {}
    /// A view of a share: a drive letter, a prefix below the share, a user.
    #[derive(Debug)]
    pub enum VNetRoot {}
    /// A file or directory, shared by all its opens.
    #[derive(Debug)]
    pub enum Fcb {}
    /// An open on the server.
    #[derive(Debug)]
    pub enum SrvOpen {}
    /// A file object's extension: one handle of the caller.
    #[derive(Debug)]
    pub enum Fobx {}
    /// A request.
    #[derive(Debug)]
    pub enum Context {}
    /// A directory with something open below it.
    #[derive(Debug)]
    pub(crate) enum Directory {}
}

/// The identity of one object of kind `K`: a slot and the serial number of its present occupant.
///
/// An id never becomes valid for another object: when the object goes, every operation answers
/// `STATUS_INVALID_PARAMETER` to its id, as RDBSS does to a structure whose signature is wrong. (A serial number
/// returns after 2³² further objects of the same kind.)
pub struct Id<K> {
    index: u32,
    serial: NonZeroU32,
    kind: PhantomData<fn() -> K>,
}

/// Names a server.
pub type SrvCallId = Id<kind::SrvCall>;
/// Names a share.
pub type NetRootId = Id<kind::NetRoot>;
/// Names a view of a share.
pub type VNetRootId = Id<kind::VNetRoot>;
/// Names a file.
pub type FcbId = Id<kind::Fcb>;
/// Names an open on the server.
pub type SrvOpenId = Id<kind::SrvOpen>;
/// Names a handle of the caller.
pub type FobxId = Id<kind::Fobx>;
/// Names a request.
pub type ContextId = Id<kind::Context>;

impl<K> Id<K> {
    pub(crate) const fn new(index: u32, serial: NonZeroU32) -> Self {
        Self {
            index,
            serial,
            kind: PhantomData,
        }
    }

    pub(crate) const fn index(self) -> u32 {
        self.index
    }

    pub(crate) const fn serial(self) -> NonZeroU32 {
        self.serial
    }

    /// The id as a number that is never zero, fit for a pointer-sized field such as `FsContext2` on 64-bit Windows.
    #[must_use]
    pub const fn to_raw(self) -> u64 {
        (self.serial.get() as u64) << 32 | self.index as u64
    }

    /// The id that [`Id::to_raw`] gave as `raw`; `None` for a number that no id has.
    ///
    /// A number made up by a caller yields an id that no object answers to.
    #[must_use]
    pub const fn from_raw(raw: u64) -> Option<Self> {
        match NonZeroU32::new((raw >> 32) as u32) {
            Some(serial) => Some(Self::new((raw & 0xFFFF_FFFF) as u32, serial)),
            None => None,
        }
    }
}

// Derives would ask the same of `K`, which is only a marker.
impl<K> Clone for Id<K> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<K> Copy for Id<K> {}

impl<K> PartialEq for Id<K> {
    fn eq(&self, other: &Self) -> bool {
        self.index == other.index && self.serial == other.serial
    }
}

impl<K> Eq for Id<K> {}

impl<K> Hash for Id<K> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.to_raw().hash(state);
    }
}

impl<K> fmt::Debug for Id<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.index, self.serial)
    }
}
