//! Create, read, write, enumerate and rename; names in other cases, through links, and by id.

use executive::task::{CancelToken, join};
use minirdr::{DirectoryQuery, LockRequest, NotifyFilter, NotifyRequest, Requestor, Unlock, WritePosition};
use nt::{AccessMask, CreateDisposition, CreateOptions, FileInformationClass, Name, Status};

use crate::drive::{File, ME, end};
use crate::open::Open;
use crate::records::new_name;
use crate::{Session, every_allocation_fails};

#[test]
fn every_allocation_fails_in_turn() {
    every_allocation_fails("one file's life", 200, async |session| {
        session
            .mapped(async |session| session.life_of_a_file().await)
            .await
    });
}

#[test]
fn every_allocation_of_names_fails_in_turn() {
    every_allocation_fails("names", 100, async |session| {
        session.mapped(async |session| session.names().await).await
    });
}

#[test]
fn every_allocation_of_listings_fails_in_turn() {
    every_allocation_fails("listings", 50, async |session| {
        session.mapped(async |session| session.listings().await).await
    });
}

fn any() -> Open {
    Open::write().access(AccessMask::MAXIMUM_ALLOWED)
}

impl Session<'_> {
    async fn life_of_a_file(&mut self) -> nt::Result {
        let file = self.drive.open("file", &Open::create()).await?;
        let written = file
            .write(WritePosition::At(0), self.data, &CancelToken::try_new()?)
            .await?;
        if written < self.data.len() {
            return Err(Status::INSUFFICIENT_RESOURCES);
        }
        let read = file.read(0, self.buffer, &CancelToken::try_new()?).await?;
        if read < self.data.len() {
            return Err(Status::INSUFFICIENT_RESOURCES);
        }
        assert!(self.buffer[..read] == *self.data);
        file.flush(&CancelToken::try_new()?).await?;
        self.lock(&file).await?;
        self.watch().await?;
        let (record, cancel) = (new_name("other", 0), CancelToken::try_new()?);
        file.set_information(FileInformationClass::RENAME, &record, None, &cancel)
            .await?;
        file.set_information(FileInformationClass::DISPOSITION, &[1], None, &cancel)
            .await?;
        end(file).await;
        self.list("folder", FileInformationClass::ID_BOTH_DIRECTORY).await
    }

    /// Spellings, symbolic links, hard links, renames and deletions.
    async fn names(&mut self) -> nt::Result {
        let cancel = CancelToken::try_new()?;
        let drive = self.drive;
        let volume = drive.open("", &Open::directory()).await?;
        // In another case, through a link.
        let file = drive.open("WAY\\7", &any()).await?;
        let class = FileInformationClass::INTERNAL;
        let (length, _) = file.query_information(class, 0, self.buffer, &cancel).await?;
        assert_eq!(length, 8);
        let id = self.buffer.first_chunk::<8>().copied().unwrap();
        for (class, new) in [
            (FileInformationClass::LINK, "linked"),
            (FileInformationClass::RENAME_EX, "8"),
            (FileInformationClass::RENAME, "eight"),
            (FileInformationClass::RENAME, "EIGHT"),
        ] {
            file.set_information(class, &new_name(new, 1), None, &cancel)
                .await?;
        }
        let units: [u16; 4] =
            core::array::from_fn(|unit| u16::from_le_bytes([id[2 * unit], id[2 * unit + 1]]));
        let by_id = any().options(CreateOptions::OPEN_BY_FILE_ID);
        let request = by_id.request(Name::new(&units), Some(&*volume), ME);
        // Without memory to take note of a file it is not found by its id: a hint may be lost.
        let same = drive.redirector.create(&request, &cancel).await;
        let same = same.map_err(|status| match status {
            Status::INVALID_PARAMETER => Status::INSUFFICIENT_RESOURCES,
            other => other,
        })?;
        let disposition = FileInformationClass::DISPOSITION_EX;
        same.file
            .set_information(disposition, &[3, 0, 0, 0], None, &cancel)
            .await?;
        for file in [same.file, file, volume] {
            end(file).await;
        }
        Ok(())
    }

    async fn listings(&mut self) -> nt::Result {
        for class in [1, 12, 37, 81] {
            self.list("folder", FileInformationClass(class)).await?;
        }
        // Names in another case, one by one.
        self.list("FOLDER", FileInformationClass::BOTH_DIRECTORY).await
    }

    /// Locks, meets the lock with another handle, waits for it, and leaves one for cleanup.
    async fn lock(&mut self, file: &File) -> nt::Result {
        let (who, cancel) = (Requestor::default(), CancelToken::try_new()?);
        let range = |start, fail_immediately| LockRequest {
            start,
            length: 10,
            exclusive: true,
            fail_immediately,
        };
        let single = |start| Unlock::Single { start, length: 10 };
        file.lock(&range(0, true), &who, &cancel).await?;
        file.lock(&range(100, true), &who, &cancel).await?;
        let other = self.drive.open("file", &Open::write()).await?;
        let read = other.read(0, &mut self.buffer[..20], &cancel).await;
        assert!(matches!(
            read,
            Err(Status::FILE_LOCK_CONFLICT | Status::INSUFFICIENT_RESOURCES)
        ));
        let unlocking = CancelToken::try_new()?;
        let free = async {
            let unlocked = file.unlock(single(0), &who, &unlocking).await;
            if unlocked.is_err() {
                cancel.cancel();
            }
            unlocked
        };
        let request = range(0, false);
        let waiting = other.lock(&request, &who, &cancel);
        let (waited, freed) = join(waiting, free).await;
        freed.and(waited)
    }

    /// Watches a directory while something is made in it.
    async fn watch(&self) -> nt::Result {
        let folder = self.drive.open("folder", &Open::directory()).await?;
        let (mut told, cancel) = ([0; 64], CancelToken::try_new()?);
        let request = NotifyRequest {
            filter: NotifyFilter::FILE_NAME,
            watch_tree: false,
        };
        let passing = Open::create().options(CreateOptions::DELETE_ON_CLOSE);
        let make = async {
            let made = self.drive.open("folder\\new", &passing).await;
            if made.is_err() {
                cancel.cancel();
            }
            made.map(drop)
        };
        let waiting = folder.notify_change(request, &mut told, &cancel);
        let (waited, made) = join(waiting, make).await;
        made?;
        // Without memory for what happened, the watcher is told to look for itself.
        assert!(matches!(
            waited,
            Ok((_, Status::SUCCESS | Status::NOTIFY_ENUM_DIR)) | Err(Status::INSUFFICIENT_RESOURCES)
        ));
        waited.map(drop)
    }

    /// Lists all of a directory.
    pub(crate) async fn list(&mut self, path: &str, class: FileInformationClass) -> nt::Result {
        let open = Open::directory().disposition(CreateDisposition::OPEN_IF);
        let folder = self.drive.open(path, &open).await?;
        let query = DirectoryQuery {
            class,
            pattern: None,
            restart: false,
            single: false,
        };
        let mut seen = 0;
        loop {
            let listed = folder
                .query_directory(&query, &mut self.buffer[..600], &CancelToken::try_new()?)
                .await;
            match listed {
                Ok((len, _)) => seen += len,
                Err(Status::NO_MORE_FILES) => break,
                Err(status) => return Err(status),
            }
        }
        assert!(seen > 12 * 12);
        Ok(())
    }
}
