//! Connections: of a drive and without one, twice, refused, listed, asked for by MUP, and gone again.

use executive::task::CancelToken;
use minirdr::{Level, LogonId};
use nt::Status;

use crate::drive::{Drive, ME, end, text, token};
use crate::open::Open;
use crate::{SHARE, Session, every_allocation_fails, or};

#[test]
fn every_allocation_of_connections_fails_in_turn() {
    every_allocation_fails("connections", 100, async |session| session.connections().await);
}

impl Session<'_> {
    async fn connections(&mut self) -> nt::Result {
        let redirector = self.drive.redirector;
        let drives = ["X:", "Y:", ""].map(|letter| Drive { letter, ..self.drive });
        let done = async {
            for drive in drives {
                drive.map().await?;
                end(drive.open("folder", &Open::directory()).await?).await;
            }
            let again = drives[0].map().await;
            or(again, &[Status::CONNECTION_ACTIVE])?;
            // Somebody else's, as another user; a share below the export; a name that nobody has.
            let cancel = token();
            for (name, user, logon) in [
                ("\\;X:\\10.0.0.1\\export", "1000", LogonId(2)),
                ("\\;Z:\\10.0.0.1\\export\\folder", "", ME),
                ("\\;W:\\10.0.0.9\\export", "", ME),
            ] {
                let (name, user) = (text(name), text(user));
                let mapped = redirector.add_connection(name.as_name(), user.as_name(), logon, &cancel);
                or(mapped.await, &[Status::BAD_NETWORK_PATH])?;
            }
            let mut index = 0;
            while let Some(found) = or(redirector.connection(index, ME), &[Status::NO_MORE_ENTRIES])? {
                index = found.next_index;
            }
            let asked = text(SHARE);
            redirector
                .query_path(asked.as_name(), ME, &CancelToken::try_new()?)
                .await?;
            redirector.each_open_file(text("X:").as_name(), ME, |()| {})
        };
        let done = done.await;
        // Whatever came of it, all can be taken away.
        let all = [
            ("X:", LogonId(2)),
            ("Z:", ME),
            ("Y:", ME),
            (SHARE, ME),
            ("X:", ME),
        ];
        for (name, logon) in all {
            let gone = crate::spared(async {
                let (name, cancel) = (text(name), token());
                redirector
                    .delete_connection(name.as_name(), logon, Level::Force, &cancel)
                    .await
            });
            or(gone.await, &[Status::NOT_FOUND])?;
        }
        done
    }
}
