//! Hard links and symbolic ones, replaced and taken away.

use executive::task::CancelToken;
use nt::{AccessMask, CreateDisposition, CreateOptions, FileInformationClass as Class, Status};

use crate::drive::{File, end};
use crate::open::Open;
use crate::records::{new_name, symbolic_link};
use crate::{Session, every_allocation_fails, or};

const SET: u32 = 0x0009_00a4;
const GET: u32 = 0x0009_00a8;
const DELETE: u32 = 0x0009_00ac;

#[test]
fn every_allocation_of_links_fails_in_turn() {
    every_allocation_fails("hard links", 50, async |session| {
        session.mapped(async |session| session.hard_links().await).await
    });
}

#[test]
fn every_allocation_of_reparse_points_fails_in_turn() {
    every_allocation_fails("reparse points", 50, async |session| {
        session
            .mapped(async |session| session.reparse_points().await)
            .await
    });
}

impl Session<'_> {
    async fn hard_links(&mut self) -> nt::Result {
        let cancel = CancelToken::try_new()?;
        let every = Open::with(AccessMask::MAXIMUM_ALLOWED, CreateDisposition::OPEN);
        let file = self.drive.open("folder\\1", &every).await?;
        let target = self.drive.open("", &Open::directory()).await?;
        for (class, name, flags) in [
            (Class::LINK, "linked", 0),
            // In the place of another file, and of itself.
            (Class::LINK, "2", 1),
            (Class::LINK_EX, "3", 3),
            (Class::LINK, "linked", 1),
        ] {
            file.set_information(class, &new_name(name, flags), None, &cancel)
                .await?;
        }
        let there = file
            .set_information(Class::LINK, &new_name("root", 0), Some(&*target), &cancel)
            .await;
        there?;
        let taken = file
            .set_information(Class::LINK, &new_name("4", 0), None, &cancel)
            .await;
        or(taken, &[Status::OBJECT_NAME_COLLISION])?;
        // One of two names onto the other, and a file with POSIX rules onto an open one.
        file.set_information(Class::RENAME, &new_name("linked", 1), None, &cancel)
            .await?;
        let open = self.drive.open("folder\\5", &every).await?;
        file.set_information(Class::RENAME_EX, &new_name("5", 3), None, &cancel)
            .await?;
        for file in [file, target, open] {
            end(file).await;
        }
        Ok(())
    }

    async fn reparse_points(&mut self) -> nt::Result {
        let new = Open::with(AccessMask::MAXIMUM_ALLOWED, CreateDisposition::CREATE);
        let file = self.drive.open("pointer", &new).await?;
        self.reparse(&file, SET, &symbolic_link("folder")).await?;
        self.reparse(&file, GET, &[]).await?;
        end(file).await;
        let itself = new.disposition(CreateDisposition::OPEN);
        let itself = itself.options(CreateOptions::OPEN_REPARSE_POINT);
        let link = self.drive.open("pointer", &itself).await?;
        // Another target, then none.
        self.reparse(&link, SET, &symbolic_link("folder\\1")).await?;
        self.reparse(&link, DELETE, &[0x0c, 0, 0, 0xa0, 0, 0, 0, 0])
            .await?;
        end(link).await;
        let folder = new.options(CreateOptions::DIRECTORY_FILE);
        let folder = self.drive.open("directory", &folder).await?;
        self.reparse(&folder, SET, &symbolic_link("folder")).await?;
        self.reparse(&folder, DELETE, &[0x0c, 0, 0, 0xa0, 0, 0, 0, 0])
            .await?;
        end(folder).await;
        // Links lead to links, and in circles.
        let through = new.disposition(CreateDisposition::OPEN_IF);
        end(self.drive.open("Way\\through", &through).await?).await;
        Ok(())
    }

    async fn reparse(&mut self, file: &File, code: u32, record: &[u8]) -> nt::Result {
        let cancel = CancelToken::try_new()?;
        self.buffer[..record.len()].copy_from_slice(record);
        let room = &mut self.buffer[..400];
        file.fs_control(code, room, record.len(), 400, &cancel)
            .await
            .map(drop)
    }
}
