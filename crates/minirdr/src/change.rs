//! IRP_MJ_SET_INFORMATION, carried out.

use executive::task::CancelToken;
use nt::FileInformationClass;
use rdbss::MajorFunction;

use crate::file::OpenFile;
use crate::information::set_information::Change;
use crate::notify::NotifyAction;
use crate::objects::Platform;
use crate::server::client::retried;

impl<P: Platform> OpenFile<P> {
    /// Sets `class` from the caller's `record`. `target` is the directory a rename or link leads to, as the I/O manager
    /// opened it (`Parameters.SetFile.FileObject`); without one it stays in its directory.
    ///
    /// # Errors
    /// - `INVALID_INFO_CLASS`, `INFO_LENGTH_MISMATCH`, `INVALID_PARAMETER` for the record;
    /// - `ACCESS_DENIED`, `CANNOT_DELETE`, `DIRECTORY_NOT_EMPTY`, `OBJECT_NAME_COLLISION`, `NOT_SAME_DEVICE`,
    ///   `DELETE_PENDING`, `FILE_IS_A_DIRECTORY`;
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
            .run(async { retried!(self.carry_out(&change, target)) })
            .await;
        if let (Ok(()), Some(filter)) = (outcome, news) {
            self.report(filter, NotifyAction::MODIFIED);
        }
        outcome
    }

    async fn carry_out(&self, change: &Change, target: Option<&Self>) -> nt::Result {
        match change {
            Change::Basic {
                last_access,
                last_write,
                attributes,
            } => self.set_basic(*last_access, *last_write, *attributes).await,
            Change::EndOfFile(size) => self.set_size(*size).await,
            Change::Allocation(size) => self.set_allocation(*size).await,
            Change::ValidDataLength(length) => self.set_valid_data(*length).await,
            Change::Mode(mode) => self.set_mode(*mode),
            Change::Disposition(flags) => self.set_disposition(*flags).await,
            Change::Rename(new) => self.rename(new, target).await,
            Change::Link(new) => self.link(new, target).await,
        }
    }
}
