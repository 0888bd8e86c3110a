//! IRP_MJ_SET_INFORMATION, carried out.

use executive::task::CancelToken;
use ninep::wire::{OpenFlags, Tlopen, Treaddir};
use nt::{AccessMask, FileInformationClass, Name, NameBuf, Status};
use rdbss::{Effects, MajorFunction};

use crate::attributes::ANY_WRITE;
use crate::client::OwnedFid;
use crate::file::OpenFile;
use crate::names::ServerPath;
use crate::namespace;
use crate::notify::NotifyAction;
use crate::objects::Platform;
use crate::set_information::{Change, last_component};

impl<P: Platform> OpenFile<P> {
    /// Sets `class` from the caller's `record`. `target` is the directory a rename leads to, as the I/O manager opened
    /// it (`Parameters.SetFile.FileObject`); without one a rename stays in its directory.
    ///
    /// # Errors
    /// - `INVALID_INFO_CLASS`, `INFO_LENGTH_MISMATCH`, `INVALID_PARAMETER` for the record;
    /// - `ACCESS_DENIED`, `CANNOT_DELETE`, `DIRECTORY_NOT_EMPTY`, `OBJECT_NAME_COLLISION`, `NOT_SAME_DEVICE`,
    ///   `DELETE_PENDING`;
    /// - otherwise as [`OpenFile::read`].
    pub async fn set_information(
        &self,
        class: FileInformationClass,
        record: &[u8],
        target: Option<&OpenFile<P>>,
        cancel: &CancelToken,
    ) -> nt::Result {
        let change = Change::parse(class, record)?;
        let running = self.begin(MajorFunction::SET_INFORMATION, cancel)?;
        let news = change.news();
        let outcome = running
            .run(async {
                match change {
                    Change::Basic {
                        last_access,
                        last_write,
                        attributes,
                    } => self.set_basic(last_access, last_write, attributes).await,
                    Change::EndOfFile(size) => self.set_size(size).await,
                    Change::Allocation(size) => self.set_allocation(size).await,
                    Change::ValidDataLength(length) => self.set_valid_data(length).await,
                    Change::Mode(mode) => {
                        self.set_mode(mode);
                        Ok(())
                    }
                    Change::Disposition { delete } => self.set_disposition(delete).await,
                    Change::Rename { replace, name } => self.rename(&name, target, replace).await,
                }
            })
            .await;
        if let (Ok(()), Some(filter)) = (outcome, news) {
            self.report(filter, NotifyAction::MODIFIED);
        }
        outcome
    }

    async fn set_disposition(&self, delete: bool) -> nt::Result {
        if delete {
            let place = self.place().await?;
            if place.path.split_last().is_none() {
                return Err(Status::CANNOT_DELETE);
            }
            let attributes = self.getattr().await?;
            if attributes.mode.is_regular() && attributes.mode.permissions() & ANY_WRITE == 0 {
                return Err(Status::CANNOT_DELETE);
            }
            if self.is_directory && !is_empty(namespace::find(&place).await?).await? {
                return Err(Status::DIRECTORY_NOT_EMPTY);
            }
        }
        let mut effects = Effects::new();
        let set = self
            .redirector
            .tree()
            .set_delete_pending(self.fobx, delete, &mut effects);
        self.redirector.perform(effects);
        set?;
        if delete && self.is_directory {
            self.end_watches();
        }
        Ok(())
    }

    async fn rename(&self, name: &NameBuf, target: Option<&OpenFile<P>>, replace: bool) -> nt::Result {
        if !self.granted_access.contains(AccessMask::DELETE) {
            return Err(Status::ACCESS_DENIED);
        }
        let name = name.as_name();
        if target.is_none() && name.contains(u16::from(b'\\')) {
            return Err(Status::INVALID_PARAMETER);
        }
        let new_path = self.renamed_path(last_component(name)?, target)?;
        let to = ServerPath::parse(new_path.as_name())?;
        let place = self.place().await?;
        let old_path = self.nt_path()?;
        let mut effects = Effects::new();
        let begun = self
            .redirector
            .tree()
            .begin_rename(self.fobx, new_path.as_name(), replace, &mut effects);
        self.redirector.perform(effects);
        let fcb = begun?;
        let pending = PendingRename {
            file: self,
            fcb,
            renamed: false,
        };
        namespace::rename(&place, &to, replace).await?;
        pending.done();
        let view = self.view()?;
        view.removed(&place.path);
        view.added(&to);
        self.report_renamed(&old_path);
        Ok(())
    }

    /// The path below the share that a rename leads to.
    fn renamed_path(&self, last: Name<'_>, target: Option<&OpenFile<P>>) -> nt::Result<NameBuf> {
        let tree = self.redirector.tree();
        let own = tree.fcb(tree.srv_open(tree.fobx(self.fobx)?.srv_open())?.fcb())?;
        let mut path = NameBuf::default();
        match target {
            None => {
                let (directory, _) = own
                    .path()
                    .rsplit_once(u16::from(b'\\'))
                    .ok_or(Status::ACCESS_DENIED)?;
                path.try_push_name(directory)?;
            }
            Some(target) => {
                let directory = tree.fcb(tree.srv_open(tree.fobx(target.fobx)?.srv_open())?.fcb())?;
                if directory.net_root() != own.net_root() {
                    return Err(Status::NOT_SAME_DEVICE);
                }
                path.try_push_name(directory.path())?;
            }
        }
        path.try_push(u16::from(b'\\'))?;
        path.try_push_name(last)?;
        Ok(path)
    }
}

/// A rename that the tree has begun; dropped before it is done, it has failed.
struct PendingRename<'a, P: Platform> {
    file: &'a OpenFile<P>,
    fcb: rdbss::FcbId,
    renamed: bool,
}

impl<P: Platform> PendingRename<'_, P> {
    fn done(mut self) {
        self.renamed = true;
    }
}

impl<P: Platform> Drop for PendingRename<'_, P> {
    fn drop(&mut self) {
        // INVALID_PARAMETER would mean that the file is gone, and with it what was to be renamed.
        let _ = self
            .file
            .redirector
            .tree()
            .complete_rename(self.fcb, self.renamed);
    }
}

/// Whether a directory holds nothing but itself and its parent.
async fn is_empty(directory: OwnedFid) -> nt::Result<bool> {
    let (client, fid) = (directory.client(), directory.fid());
    client
        .call(
            &Tlopen {
                fid,
                flags: OpenFlags::DIRECTORY,
            },
            |_| (),
        )
        .await?;
    let request = Treaddir {
        fid,
        offset: 0,
        count: 4096,
    };
    client
        .call(&request, |reply| {
            reply
                .entries
                .iter()
                .all(|entry| entry.name == b"." || entry.name == b"..")
        })
        .await
}
