//! A session that is lost, and what is taken up again on the next.

use executive::task::CancelToken;
use minirdr::{DirectoryQuery, Level, LockRequest, Requestor, WritePosition};
use nt::{AccessMask, CreateDisposition, FileInformationClass as Class, Status};

use crate::drive::end;
use crate::open::Open;
use crate::records::full_ea;
use crate::{Session, every_allocation_fails, or, whole};

#[test]
fn every_allocation_of_reconnects_fails_in_turn() {
    every_allocation_fails("reconnects", 50, async |session| {
        session.mapped(async |session| session.reconnects().await).await
    });
}

#[test]
fn every_allocation_of_forced_disconnects_fails_in_turn() {
    every_allocation_fails("disconnects by force", 50, async |session| {
        session.drive.map().await?;
        session.forced().await
    });
}

impl Session<'_> {
    async fn reconnects(&mut self) -> nt::Result {
        let cancel = CancelToken::try_new()?;
        let every = Open::with(AccessMask::MAXIMUM_ALLOWED, CreateDisposition::OPEN);
        let file = self.drive.open("folder\\1", &every).await?;
        let folder = self.drive.open("folder", &Open::directory()).await?;
        file.write(WritePosition::At(0), b"0123456789", &cancel).await?;
        let request = LockRequest {
            start: 0,
            length: 5,
            exclusive: true,
            fail_immediately: true,
        };
        file.lock(&request, &Requestor::default(), &cancel).await?;
        let query = DirectoryQuery {
            class: Class::ID_BOTH_DIRECTORY,
            pattern: None,
            restart: false,
            single: true,
        };
        let listed = folder.query_directory(&query, &mut self.buffer[..600], &cancel);
        whole(listed.await)?;
        self.lose().await;
        file.read(0, &mut self.buffer[..10], &cancel).await?;
        assert!(self.server.is_locked("folder/1"), "the lock is held again");
        self.lose().await;
        let listed = folder.query_directory(&query, &mut self.buffer[..600], &cancel);
        whole(listed.await)?;
        self.lose().await;
        let asked = file.query_information(Class::ALL, 0, self.buffer, &cancel);
        whole(asked.await)?;
        self.lose().await;
        whole(file.set_ea(&full_ea(&[("LATER", b"1")]), &cancel).await)?;
        self.lose().await;
        let other = self.drive.open("folder\\2", &every).await?;
        self.lose().await;
        other
            .set_information(Class::DISPOSITION, &[1], None, &cancel)
            .await?;
        self.lose().await;
        for file in [other, file, folder] {
            end(file).await;
        }
        Ok(())
    }

    /// With open handles, and requests under way.
    async fn forced(&mut self) -> nt::Result {
        let cancel = CancelToken::try_new()?;
        let every = Open::with(AccessMask::MAXIMUM_ALLOWED, CreateDisposition::OPEN);
        let file = self.drive.open("folder\\1", &every).await?;
        let drive = self.drive;
        let refused = or(
            drive.unmap(Level::Refuse).await,
            &[Status::FILES_OPEN, Status::CONNECTION_IN_USE],
        )?;
        assert!(refused.is_none(), "a file is open");
        let mut buffer = [0; 10];
        let reading = file.read(0, &mut buffer, &cancel);
        let (read, gone) = executive::task::join(reading, drive.unmap(Level::Force)).await;
        or(
            read,
            &[
                Status::CANCELLED,
                Status::UNEXPECTED_NETWORK_ERROR,
                Status::END_OF_FILE,
            ],
        )?;
        gone?;
        let orphan = file.read(0, &mut buffer, &cancel).await;
        or(orphan, &[Status::UNEXPECTED_NETWORK_ERROR])?;
        end(file).await;
        Ok(())
    }
}
