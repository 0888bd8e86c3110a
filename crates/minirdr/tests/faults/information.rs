//! Every class of information, of files and of volumes, asked and set.

use executive::task::CancelToken;
use minirdr::WritePosition;
use nt::{
    AccessMask, CreateDisposition, CreateOptions, FileAttributes, FileInformationClass as Class,
    FsInformationClass, Status,
};

use crate::drive::{File, end};
use crate::open::Open;
use crate::{Session, every_allocation_fails, or};

/// What a class says that is not answered, or not of this kind of file.
const NOT_ANSWERED: [Status; 3] = [
    Status::INVALID_INFO_CLASS,
    Status::INVALID_PARAMETER,
    Status::OBJECT_NAME_NOT_FOUND,
];

#[test]
fn every_allocation_of_queries_fails_in_turn() {
    every_allocation_fails("every class of information asked", 100, async |session| {
        session.mapped(async |session| session.queries().await).await
    });
}

#[test]
fn every_allocation_of_changes_fails_in_turn() {
    every_allocation_fails("every class of information set", 100, async |session| {
        session.mapped(async |session| session.changes().await).await
    });
}

impl Session<'_> {
    async fn queries(&mut self) -> nt::Result {
        let every = Open::with(AccessMask::MAXIMUM_ALLOWED, CreateDisposition::OPEN);
        let link = every.options(CreateOptions::OPEN_REPARSE_POINT);
        for (path, open) in [("folder\\1", every), ("Way", link)] {
            let file = self.drive.open(path, &open).await?;
            self.query_all(&file).await?;
            end(file).await;
        }
        Ok(())
    }

    async fn query_all(&mut self, file: &File) -> nt::Result {
        let cancel = CancelToken::try_new()?;
        let mut answered = 0;
        for class in 1..=81 {
            let asked = file.query_information(Class(class), 0, self.buffer, &cancel);
            answered += u32::from(or(asked.await, &NOT_ANSWERED)?.is_some());
        }
        assert!(answered > 15, "{answered} classes are answered");
        for class in 1..=11 {
            let asked = file.query_volume(FsInformationClass(class), self.buffer, &cancel);
            or(asked.await, &NOT_ANSWERED)?;
        }
        Ok(())
    }

    async fn changes(&mut self) -> nt::Result {
        let every = Open::with(AccessMask::MAXIMUM_ALLOWED, CreateDisposition::OPEN_IF);
        let hidden = every.attributes(FileAttributes::HIDDEN | FileAttributes::ARCHIVE);
        let file = self.drive.open("kept", &hidden).await?;
        let cancel = CancelToken::try_new()?;
        file.write(WritePosition::EndOfFile, b"0123456789", &cancel)
            .await?;
        for attributes in [
            FileAttributes::SYSTEM | FileAttributes::HIDDEN,
            FileAttributes::READONLY,
            FileAttributes::NORMAL,
        ] {
            let mut basic = [0; 40];
            // 2020, in 100 ns since 1601.
            basic[8..16].copy_from_slice(&132_223_104_000_000_000_u64.to_le_bytes());
            basic[32..36].copy_from_slice(&attributes.bits().to_le_bytes());
            file.set_information(Class::BASIC, &basic, None, &cancel).await?;
        }
        let eight = 8_u64.to_le_bytes();
        for (class, record) in [
            (Class::END_OF_FILE, &eight[..]),
            (Class::VALID_DATA_LENGTH, &eight),
            (Class::ALLOCATION, &eight),
            (Class::MODE, &[2, 0, 0, 0]),
            (Class::DISPOSITION, &[1]),
            (Class::DISPOSITION, &[0]),
            (Class::DISPOSITION_EX, &[0x11, 0, 0, 0]),
            (Class::DISPOSITION_EX, &[0, 0, 0, 0]),
            (Class::CASE_SENSITIVE, &[1, 0, 0, 0]),
        ] {
            let set = file.set_information(class, record, None, &cancel).await;
            or(set, &[Status::NOT_SUPPORTED])?;
        }
        end(file).await;
        // What is overwritten loses its attributes.
        let anew = every.disposition(CreateDisposition::SUPERSEDE);
        let anew = anew.attributes(FileAttributes::HIDDEN | FileAttributes::SYSTEM);
        or(self.drive.open("kept", &anew).await, &[Status::ACCESS_DENIED])?;
        let overwriting = anew.disposition(CreateDisposition::OVERWRITE);
        or(
            self.drive.open("kept", &overwriting).await,
            &[Status::ACCESS_DENIED],
        )?;
        Ok(())
    }
}
