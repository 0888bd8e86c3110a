//! FileRenameInformation and FileLinkInformation: new names for a file.

use nt::{AccessMask, Name, NameBuf, Status};
use rdbss::Effects;

use crate::create::disposition::{Outcome, other_spelling};
use crate::file::OpenFile;
use crate::information::set_information::{NewName, RenameFlags, last_component};
use crate::names::ServerPath;
use crate::namespace;
use crate::notify::NotifyAction;
use crate::objects::{Platform, View};
use crate::server::client::{after_change, leaves_doubt};

impl<P: Platform> OpenFile<P> {
    /// Gives the file a new name, in the directory `target` or its own.
    pub(crate) async fn rename(&self, new: &NewName, target: Option<&Self>) -> nt::Result {
        if !self.granted_access.contains(AccessMask::DELETE) {
            return Err(Status::ACCESS_DENIED);
        }
        let path = self.new_path(new, target)?;
        let view = self.view()?;
        let own = self.path()?;
        let taken = self.taken_spelling(&view, &path, &own, new.flags).await?;
        // Its own name in another case is what the rename is to change.
        let Some(taken) = taken.filter(|taken| taken.as_bytes() != own.as_bytes()) else {
            return self.rename_to(&view, &path, new.flags).await;
        };
        // The file that differs only in case is what is replaced; then the name gets the case that is wanted.
        self.rename_to(&view, &taken, new.flags).await?;
        let respelled = self.rename_to(&view, &path, new.flags).await;
        respelled.map_err(after_change)
    }

    async fn rename_to(&self, view: &View, path: &ServerPath, flags: RenameFlags) -> nt::Result {
        let place = self.place().await?;
        let old_path = self.nt_path()?;
        let new_path = path.to_nt()?;
        let mut effects = Effects::new();
        let begun =
            self.redirector
                .tree()
                .begin_rename(self.fobx, new_path.as_name(), flags.replace(), &mut effects);
        self.redirector.perform(effects);
        let fcb = begun?;
        let mut pending = PendingRename {
            file: self,
            fcb,
            view,
            paths: [&place.path, path],
            renamed: false,
            in_doubt: true,
        };
        let renamed = namespace::rename(&place, path, flags).await;
        pending.in_doubt = renamed.is_err_and(leaves_doubt);
        let replaced = renamed?;
        pending.done();
        let is_regular = view.known_files.is_regular(&place.path);
        view.removed(&place.path);
        view.removed(path);
        view.added(path);
        // By its id it can be found all along.
        view.known_files.note(path, place.file_id, is_regular);
        if replaced {
            self.report_at(new_path.as_name(), NotifyAction::REMOVED);
        }
        self.report_renamed(&old_path);
        Ok(())
    }

    /// Gives the file one more name, in the directory `target` or its own. That takes no right to the file (`[MS-FSA]`
    /// 2.1.5.15.6), only one to the directory.
    pub(crate) async fn link(&self, new: &NewName, target: Option<&Self>) -> nt::Result {
        if self.is_directory {
            return Err(Status::FILE_IS_A_DIRECTORY);
        }
        let path = self.new_path(new, target)?;
        let view = self.view()?;
        let own = self.path()?;
        let taken = self.taken_spelling(&view, &path, &own, new.flags).await?;
        let place = self.place().await?;
        let new_path = path.to_nt()?;
        let old_path = taken.as_ref().unwrap_or(&path).to_nt()?;
        let mut effects = Effects::new();
        let checked = self.redirector.tree().check_new_name(
            self.fobx,
            old_path.as_name(),
            new.flags.replace(),
            &mut effects,
        );
        self.redirector.perform(effects);
        checked?;
        if taken
            .as_ref()
            .is_some_and(|taken| taken.as_bytes() == own.as_bytes())
        {
            // It is linked there, if case does not matter.
            return if new.flags.contains(RenameFlags::REPLACE_IF_EXISTS) {
                Ok(())
            } else {
                Err(Status::OBJECT_NAME_COLLISION)
            };
        }
        let at = taken.as_ref().unwrap_or(&path);
        let mut left = None;
        let linked = namespace::link(&place, at, new.flags, &mut left).await;
        if linked.is_err_and(leaves_doubt) {
            view.doubtful(at);
        }
        if let Some(temporary) = left {
            self.take_back(at, &temporary, false).await;
        }
        let replaced = linked?;
        if let Some(taken) = &taken {
            view.doubtful(taken);
            let respelled = namespace::respell(&place, taken, &path).await;
            respelled.map_err(after_change)?;
            view.removed(taken);
        }
        view.removed(&path);
        view.added(&path);
        if replaced {
            self.report_at(old_path.as_name(), NotifyAction::REMOVED);
        }
        self.report_at(new_path.as_name(), NotifyAction::ADDED);
        Ok(())
    }

    /// The path of the file whose name differs from `path`'s only in case: NT has one of them at a time. It may be `own`,
    /// this file's.
    ///
    /// # Errors
    /// `OBJECT_NAME_COLLISION` where there is another file that is not to be replaced.
    async fn taken_spelling(
        &self,
        view: &View,
        path: &ServerPath,
        own: &ServerPath,
        flags: RenameFlags,
    ) -> nt::Result<Option<ServerPath>> {
        if self.redirector.settings().case_sensitive {
            return Ok(None);
        }
        let root = self.root().await?;
        match other_spelling(view, &root, path).await? {
            Outcome::At(taken) if taken.as_bytes() == own.as_bytes() => Ok(Some(taken)),
            Outcome::At(_) if !flags.contains(RenameFlags::REPLACE_IF_EXISTS) => {
                Err(Status::OBJECT_NAME_COLLISION)
            }
            Outcome::At(taken) => Ok(Some(taken)),
            Outcome::Here(()) | Outcome::Link(..) => Ok(None),
        }
    }

    /// The path below the share that a new name leads to.
    ///
    /// # Errors
    /// `INVALID_PARAMETER` for a path without the directory it is in; `NOT_SAME_DEVICE` for another share's directory;
    /// `ACCESS_DENIED` for the share's root; a bad name's.
    fn new_path(&self, new: &NewName, target: Option<&Self>) -> nt::Result<ServerPath> {
        let name = new.name.as_name();
        if target.is_none() && name.contains(nt::name::SEPARATOR) {
            return Err(Status::INVALID_PARAMETER);
        }
        let path = self.path_beside(last_component(name)?, target)?;
        ServerPath::parse(path.as_name())
    }

    fn path_beside(&self, last: Name<'_>, target: Option<&Self>) -> nt::Result<NameBuf> {
        let tree = self.redirector.tree();
        let own = tree.fcb(tree.srv_open(self.srv_open)?.fcb())?;
        // The share's root has no name to change.
        let (beside, _) = own
            .path()
            .rsplit_once(nt::name::SEPARATOR)
            .ok_or(Status::ACCESS_DENIED)?;
        let mut path = NameBuf::default();
        match target {
            None => path.try_push_name(beside)?,
            Some(target) => {
                let directory = tree.fcb(tree.srv_open(target.srv_open)?.fcb())?;
                if directory.net_root() != own.net_root() {
                    return Err(Status::NOT_SAME_DEVICE);
                }
                path.try_push_name(directory.path())?;
            }
        }
        path.try_push(nt::name::SEPARATOR)?;
        path.try_push_name(last)?;
        Ok(path)
    }
}

/// A rename that the tree has begun; dropped before it is done, it has failed.
struct PendingRename<'a, P: Platform> {
    file: &'a OpenFile<P>,
    fcb: rdbss::FcbId,
    view: &'a View,
    /// The old one and the new one.
    paths: [&'a ServerPath; 2],
    renamed: bool,
    /// Nobody knows whether the server has done it.
    in_doubt: bool,
}

impl<P: Platform> PendingRename<'_, P> {
    fn done(mut self) {
        self.renamed = true;
    }
}

impl<P: Platform> Drop for PendingRename<'_, P> {
    fn drop(&mut self) {
        if self.in_doubt {
            for path in self.paths {
                self.view.doubtful(path);
            }
        }
        let mut effects = Effects::new();
        // INVALID_PARAMETER would mean that the file is gone, and with it what was to be renamed.
        let _ = self
            .file
            .redirector
            .tree()
            .complete_rename(self.fcb, self.renamed, &mut effects);
        self.file.redirector.perform(effects);
    }
}
