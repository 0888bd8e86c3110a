//! Extended attributes and security descriptors.

use executive::task::CancelToken;
use minirdr::{Caller, EaQuery};
use nt::{AccessMask, CreateDisposition, SecurityInformation as Parts, Status};

use crate::drive::{ME, end};
use crate::open::Open;
use crate::records::full_ea;
use crate::{Session, every_allocation_fails, or, whole};

#[test]
fn every_allocation_of_extended_attributes_fails_in_turn() {
    every_allocation_fails("extended attributes", 50, async |session| {
        session
            .mapped(async |session| session.extended_attributes().await)
            .await
    });
}

#[test]
fn every_allocation_of_security_fails_in_turn() {
    every_allocation_fails("security descriptors", 10, async |session| {
        session.mapped(async |session| session.security().await).await
    });
}

impl Session<'_> {
    async fn extended_attributes(&mut self) -> nt::Result {
        let cancel = CancelToken::try_new()?;
        let new = Open::with(AccessMask::MAXIMUM_ALLOWED, CreateDisposition::CREATE);
        let first = full_ea(&[("FIRST", b"1")]);
        let file = self.drive.create("attributed", &new, &first).await?.file;
        let more = full_ea(&[
            ("second", b"two"),
            ("THIRD", &[3; 300]),
            ("Second", b"2"),
            ("FIRST", b""),
        ]);
        whole(file.set_ea(&more, &cancel).await)?;
        let all = EaQuery::default();
        let length = whole(file.query_ea(&all, self.buffer, &cancel).await)?;
        assert!(length > 300);
        // FILE_GET_EA_INFORMATION of one that is there.
        let named = EaQuery {
            names: Some(b"\0\0\0\0\x06SECOND\0"),
            ..all
        };
        whole(file.query_ea(&named, self.buffer, &cancel).await)?;
        let one_by_one = EaQuery {
            restart: true,
            single: true,
            ..all
        };
        whole(file.query_ea(&one_by_one, self.buffer, &cancel).await)?;
        let indexed = EaQuery {
            index: Some(2),
            ..all
        };
        whole(file.query_ea(&indexed, self.buffer, &cancel).await)?;
        end(file).await;
        let anew = new.disposition(CreateDisposition::OVERWRITE);
        let file = self.drive.create("attributed", &anew, &first).await?.file;
        end(file).await;
        Ok(())
    }

    async fn security(&mut self) -> nt::Result {
        let cancel = CancelToken::try_new()?;
        let caller = Caller {
            logon: ME,
            user: None,
        };
        let every = Open::with(AccessMask::MAXIMUM_ALLOWED, CreateDisposition::OPEN);
        for path in ["folder\\1", "folder"] {
            let file = self.drive.open(path, &every).await?;
            for parts in [
                Parts::OWNER,
                Parts::GROUP,
                Parts::DACL,
                Parts::OWNER | Parts::DACL,
            ] {
                let query = file.query_security(parts, &caller, self.buffer, &cancel);
                let (length, _) = query.await?;
                let set = file.set_security(parts, &self.buffer[..length], &caller, &cancel);
                or(set.await, &[Status::INVALID_OWNER, Status::INVALID_PRIMARY_GROUP])?;
            }
            end(file).await;
        }
        Ok(())
    }
}
