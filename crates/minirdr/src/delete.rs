//! FileDispositionInformation: deletion, which happens when handles are cleaned up.

use ninep::wire::{Entries, OpenFlags, Tlopen};
use nt::{AccessMask, Status};
use rdbss::Effects;

use crate::create::access;
use crate::create::lookup::Lookup;
use crate::dialect::{self, Listed, look_up};
use crate::directory::DOTS;
use crate::file::OpenFile;
use crate::information::attributes::ANY_WRITE;
use crate::information::set_information::DispositionFlags;
use crate::names::ServerPath;
use crate::namespace;
use crate::objects::Platform;
use crate::server::client::OwnedFid;

/// Bytes of entries asked for at a time, and how often, to see whether a directory is empty: two entries need no more.
const LIST_BYTES: u32 = 4096;
const LISTS_MAX: usize = 16;

impl<P: Platform> OpenFile<P> {
    /// Marks the file for deletion, or takes that back.
    pub(crate) async fn set_disposition(&self, flags: DispositionFlags) -> nt::Result {
        if !self.granted_access.contains(AccessMask::DELETE) {
            return Err(Status::ACCESS_DENIED);
        }
        let delete = flags.contains(DispositionFlags::DELETE);
        if delete {
            self.check_deletable(flags).await?;
        }
        if flags.contains(DispositionFlags::ON_CLOSE) {
            return self.redirector.tree().set_delete_on_close(self.fobx, delete);
        }
        let posix = flags.contains(DispositionFlags::POSIX_SEMANTICS);
        let mut effects = Effects::new();
        let set = {
            let mut tree = self.redirector.tree();
            tree.set_posix_delete(self.fobx, posix)
                .and_then(|()| tree.set_delete_pending(self.fobx, delete, &mut effects))
        };
        self.redirector.perform(effects);
        set?;
        if delete && self.is_directory {
            self.end_watches();
        }
        Ok(())
    }

    async fn check_deletable(&self, flags: DispositionFlags) -> nt::Result {
        let place = self.place().await?;
        if place.path.is_root() {
            return Err(Status::CANNOT_DELETE);
        }
        let attributes = self.getattr().await?;
        // When it goes there is nobody left to tell that it may not.
        let (directory, _) = place.path.split_last().unwrap_or_default();
        let directory = ServerPath::from_components(ServerPath::components_of(directory))?;
        if let Lookup::Found(directory) = look_up(&place.root, &directory, None).await? {
            access::check_removal(&directory.reply, &attributes, self.view()?.uid)?;
        }
        let is_read_only = attributes.mode.is_regular() && attributes.mode.permissions() & ANY_WRITE == 0;
        if is_read_only && !flags.contains(DispositionFlags::IGNORE_READONLY_ATTRIBUTE) {
            return Err(Status::CANNOT_DELETE);
        }
        if attributes.mode.is_directory() && !is_empty(namespace::find(&place).await?).await? {
            return Err(Status::DIRECTORY_NOT_EMPTY);
        }
        Ok(())
    }
}

/// Whether a directory holds nothing but itself and its parent. A server may tell of these two alone first, and of what else
/// there is later.
///
/// # Errors
/// As [`dialect::list`]; `INVALID_NETWORK_RESPONSE` of a server that goes on telling of them.
pub(crate) async fn is_empty(directory: OwnedFid) -> nt::Result<bool> {
    let open = Tlopen {
        fid: directory.fid(),
        flags: OpenFlags::DIRECTORY,
    };
    directory.client().call(&open, |_| ()).await?;
    let count = directory.client().payload_max().min(LIST_BYTES);
    let mut cookie = 0;
    for _ in 0..LISTS_MAX {
        let Listed { raw, next } = dialect::list(&directory, cookie, count).await?;
        let entries = Entries::new(&raw).map_err(|_| Status::INVALID_NETWORK_RESPONSE)?;
        if entries.iter().any(|entry| !DOTS.contains(&entry.name)) {
            return Ok(false);
        }
        match next {
            Some(next) => cookie = next,
            None => return Ok(true),
        }
    }
    Err(Status::INVALID_NETWORK_RESPONSE)
}
