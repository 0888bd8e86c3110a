//! The dialect seam: what file semantics ask of a server in one piece, and which messages that becomes.
//!
//! Everything else (reading, writing, attributes, locks) is one message in every dialect of 9P2000.L and its kin. What is
//! here is what compound dialects do in one trip where 9P2000.L takes several: looking a path up and opening it,
//! listing with attributes, removing and renaming by name. A dialect is a variant of [`Dialect`] and a module beside
//! [`linux`]; the compiler then names every place that has to know of it.

mod linux;

use alloc::vec::Vec;

use ninep::wire::OpenFlags;

use crate::create::lookup::{self, Lookup};
use crate::information::attributes::Attributes;
use crate::names::ServerPath;
use crate::server::client::OwnedFid;

/// What is spoken with a server: agreed on when its session begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// 9P2000.L.
    Linux,
}

/// A run of a directory's entries.
pub(crate) struct Listed {
    /// Whole entries as Rreaddir carries them.
    pub(crate) raw: Vec<u8>,
    /// Where the next run begins; `None`: the directory has no more.
    pub(crate) next: Option<u64>,
}

/// Looks `path` up below `root`, and opens it `ahead` where the caller knows that to be harmless.
///
/// # Errors
/// As [`lookup::look_up`].
pub(crate) async fn look_up(
    root: &OwnedFid,
    path: &ServerPath,
    ahead: Option<OpenFlags>,
) -> nt::Result<Lookup> {
    match root.client().dialect() {
        Dialect::Linux => lookup::look_up(root, path, ahead).await,
    }
}

/// Removes `name`, which leads to `target`, from a directory.
///
/// # Errors
/// The server's.
pub(crate) async fn remove_name(
    parent: &OwnedFid,
    name: &[u8],
    target: OwnedFid,
    is_directory: bool,
) -> nt::Result {
    match parent.client().dialect() {
        Dialect::Linux => linux::remove_name(parent, name, target, is_directory).await,
    }
}

/// Gives `old_name`, which leads to `source`, another place and name; what has that name is replaced.
///
/// # Errors
/// The server's.
pub(crate) async fn move_name(
    old_parent: &OwnedFid,
    old_name: &[u8],
    source: OwnedFid,
    new_parent: &OwnedFid,
    new_name: &[u8],
) -> nt::Result {
    match old_parent.client().dialect() {
        Dialect::Linux => linux::move_name(old_parent, old_name, source, new_parent, new_name).await,
    }
}

/// The entries of an open directory from the place `cookie` on, at most `count` bytes of them.
///
/// # Errors
/// The server's; `INSUFFICIENT_RESOURCES`.
pub(crate) async fn list(directory: &OwnedFid, cookie: u64, count: u32) -> nt::Result<Listed> {
    match directory.client().dialect() {
        Dialect::Linux => linux::list(directory, cookie, count).await,
    }
}

/// The attributes of the entries `names` of a directory, in their order; `None` for one that is gone, or not to be looked
/// at. Dots are no entries here. `kept` says that they may have attributes that the server keeps for NT.
///
/// # Errors
/// The server's.
pub(crate) async fn attributes_of<'a>(
    directory: &'a OwnedFid,
    names: &'a [&'a [u8]],
    kept: bool,
) -> nt::Result<Vec<Option<Attributes>>> {
    match directory.client().dialect() {
        Dialect::Linux => linux::attributes_of(directory, names, kept).await,
    }
}
