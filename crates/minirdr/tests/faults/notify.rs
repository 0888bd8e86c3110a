//! Change notification: every kind of change, kept ones, too many, and waits that end otherwise.

use executive::task::{CancelToken, join};
use minirdr::{NotifyFilter, NotifyRequest, WritePosition};
use nt::{AccessMask, CreateDisposition, CreateOptions, FileInformationClass as Class, Status};

use crate::drive::end;
use crate::open::Open;
use crate::records::{full_ea, new_name};
use crate::{Session, every_allocation_fails, or, whole};

#[test]
fn every_allocation_of_notification_fails_in_turn() {
    every_allocation_fails("change notification", 50, async |session| {
        session.mapped(async |session| session.notification().await).await
    });
}

impl Session<'_> {
    async fn notification(&mut self) -> nt::Result {
        let cancel = CancelToken::try_new()?;
        let root = self.drive.open("", &Open::directory()).await?;
        let folder = self.drive.open("folder", &Open::directory()).await?;
        let every = NotifyRequest {
            filter: NotifyFilter(0xfff),
            watch_tree: true,
        };
        // The first request is of no use to anybody, but its handle watches from then on.
        for watcher in [&root, &folder] {
            let never = CancelToken::try_new()?;
            let mut told = [0; 400];
            let waiting = watcher.notify_change(every, &mut told, &never);
            let giving_up = async { never.cancel() };
            let (given_up, ()) = join(waiting, giving_up).await;
            or(given_up, &[Status::CANCELLED])?;
        }
        self.change_everything().await?;
        let kept = root
            .notify_change(every, &mut self.buffer[..400], &cancel)
            .await?;
        assert!(matches!(kept.1, Status::SUCCESS | Status::NOTIFY_ENUM_DIR));
        // The end of the handle is the end of the wait.
        let mut told = [0; 400];
        let kept = folder.notify_change(every, &mut told, &cancel).await?;
        assert!(matches!(kept.1, Status::SUCCESS | Status::NOTIFY_ENUM_DIR));
        let waiting = folder.notify_change(every, &mut told, &cancel);
        let (ended, ()) = join(waiting, folder.cleanup()).await;
        or(ended, &[Status::CANCELLED])?;
        end(folder).await;
        end(root).await;
        Ok(())
    }

    async fn change_everything(&mut self) -> nt::Result {
        let cancel = CancelToken::try_new()?;
        let new = Open::with(AccessMask::MAXIMUM_ALLOWED, CreateDisposition::CREATE);
        let file = self.drive.open("folder\\news", &new).await?;
        file.write(WritePosition::At(0), b"news", &cancel).await?;
        whole(file.set_ea(&full_ea(&[("NEWS", b"1")]), &cancel).await)?;
        let mut basic = [0; 40];
        basic[32] = 1;
        file.set_information(Class::BASIC, &basic, None, &cancel).await?;
        basic[32] = 0x80;
        file.set_information(Class::BASIC, &basic, None, &cancel).await?;
        for (class, name) in [(Class::RENAME, "older"), (Class::LINK, "further")] {
            file.set_information(class, &new_name(name, 0), None, &cancel)
                .await?;
        }
        file.set_information(Class::DISPOSITION, &[1], None, &cancel)
            .await?;
        end(file).await;
        let passing = Open::create().options(CreateOptions::DIRECTORY_FILE | CreateOptions::DELETE_ON_CLOSE);
        end(self.drive.open("folder\\passing", &passing).await?).await;
        Ok(())
    }
}
