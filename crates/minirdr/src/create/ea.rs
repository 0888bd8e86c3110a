//! IRP_MJ_CREATE with extended attributes for the file that it makes.

use alloc::boxed::Box;

use executive::mem::try_box;
use executive::task::CancelToken;
use nt::{CreateAction, CreateOptions, Status};

use crate::MiniRedirector;
use crate::create::{CreateRequest, Created};
use crate::ea;
use crate::namespace;
use crate::notify::NotifyAction;
use crate::objects::Platform;

impl<P: Platform> MiniRedirector<P> {
    /// [`Self::create`] with extended attributes, FILE_FULL_EA_INFORMATION entries, for a file that it makes or replaces;
    /// one that is opened as it is keeps its own. No entries are no attributes.
    ///
    /// A file that cannot have the attributes is not made: if it was new, it is removed again. What it replaced is gone.
    ///
    /// # Errors
    /// As [`Self::create`]; `EA_LIST_INCONSISTENT`, `INVALID_EA_NAME`, `INVALID_EA_FLAG`, before anything is sent;
    /// `ACCESS_DENIED` with FILE_NO_EA_KNOWLEDGE, which contradicts them; as [`OpenFile::set_ea`].
    ///
    /// [`OpenFile::set_ea`]: crate::OpenFile::set_ea
    pub async fn create_with_ea(
        &self,
        request: &CreateRequest<'_, P>,
        attributes: &[u8],
        cancel: &CancelToken,
    ) -> nt::Result<Created<P>> {
        if attributes.is_empty() {
            return self.create(request, cancel).await;
        }
        if request.options.contains(CreateOptions::NO_EA_KNOWLEDGE) {
            return Err(Status::ACCESS_DENIED);
        }
        ea::check_list(attributes)?;
        let created = self.create(request, cancel).await?;
        if !matches!(
            created.action,
            CreateAction::CREATED | CreateAction::SUPERSEDED | CreateAction::OVERWRITTEN
        ) {
            return Ok(created);
        }
        // Boxed: few opens need the room, and all of them would have it on their callers' stacks.
        let set = Box::into_pin(try_box(created.file.set_ea_as_creator(attributes, cancel))?).await;
        match set {
            Ok((_, Status::SUCCESS)) => Ok(created),
            Ok((_, status)) | Err(status) => Err(self.undo(created, status).await),
        }
    }

    /// Takes a create back that failed after all, and gives the status of its failure.
    async fn undo(&self, created: Created<P>, status: Status) -> Status {
        if created.action == CreateAction::CREATED
            && let Ok(place) = created.file.place().await
            && namespace::remove(&place).await.is_ok()
            && let Ok(view) = created.file.view()
        {
            view.removed(&place.path);
            self.note_change();
            created.file.report_name(NotifyAction::REMOVED);
        }
        created.file.cleanup().await;
        created.file.close();
        status
    }
}
