//! Deletion, in all ways in which NT asks for it.

use executive::task::CancelToken;
use nt::{AccessMask, CreateDisposition, CreateOptions, FileInformationClass as Class, Status};

use crate::drive::end;
use crate::open::Open;
use crate::{Session, every_allocation_fails, or};

#[test]
fn every_allocation_of_deletions_fails_in_turn() {
    every_allocation_fails("deletions", 50, async |session| {
        session.mapped(async |session| session.deletions().await).await
    });
}

impl Session<'_> {
    async fn deletions(&mut self) -> nt::Result {
        let cancel = CancelToken::try_new()?;
        let every = Open::with(AccessMask::MAXIMUM_ALLOWED, CreateDisposition::OPEN);
        // What NtDeleteFile does, and what is told of it.
        let file = self.drive.open("folder\\0", &every).await?;
        file.delete(&cancel).await?;
        end(file).await;
        assert!(
            self.server.file("folder/0").is_none(),
            "it was said to be deleted"
        );
        let on_close = Open::delete().options(CreateOptions::DELETE_ON_CLOSE);
        end(self.drive.open("folder\\1", &on_close).await?).await;
        // With a further handle, by NT's rules and by POSIX's.
        for (path, flags) in [("folder\\2", 1), ("folder\\3", 3), ("folder\\4", 0x13)] {
            let (one, two) = (
                self.drive.open(path, &every).await?,
                self.drive.open(path, &every).await?,
            );
            one.set_information(Class::DISPOSITION_EX, &[flags, 0, 0, 0], None, &cancel)
                .await?;
            end(one).await;
            let gone = [Status::DELETE_PENDING, Status::OBJECT_NAME_NOT_FOUND];
            or(self.drive.open(path, &every).await, &gone)?;
            end(two).await;
        }
        let folder = self.drive.open("folder", &every).await?;
        let full = folder.set_information(Class::DISPOSITION, &[1], None, &cancel);
        or(full.await, &[Status::DIRECTORY_NOT_EMPTY])?;
        end(folder).await;
        Ok(())
    }
}
