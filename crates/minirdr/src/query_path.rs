//! Whose is this path? What MUP asks every redirector of a name that nobody has claimed yet.

use executive::task::CancelToken;
use nt::{Name, Status};
use rdbss::names::PathName;
use rdbss::{LogonId, MajorFunction, Owner, Resolved};

use crate::MiniRedirector;
use crate::objects::Platform;

/// The answer to a name that is not ours; MUP asks the next provider.
const NOT_OURS: Status = Status::BAD_NETWORK_PATH;

/// Shares that are no directories, or another protocol's by agreement.
const FOREIGN_SHARES: [&str; 4] = ["IPC$", "PIPE", "MAILSLOT", "DavWWWRoot"];

impl<P: Platform> MiniRedirector<P> {
    /// How much of `name` (`\server@port\share\path`) is ours: the length of `\server@port\share` at its front, in
    /// units.
    ///
    /// Names below a share that is known are claimed as they are. Of the others those that state a port are tried: they
    /// can hardly mean another network. All the rest is answered from the text alone, as every name that anybody in the
    /// system mistypes comes by here.
    ///
    /// # Errors
    /// `BAD_NETWORK_PATH`: not ours, whatever the reason. `BAD_NETWORK_NAME`, `ACCESS_DENIED`, `LOGON_FAILURE`: it
    /// names one of our servers, which refuses. `CANCELLED`, `INSUFFICIENT_RESOURCES`.
    pub async fn query_path(
        &self,
        name: Name<'_>,
        logon: LogonId,
        cancel: &CancelToken,
    ) -> nt::Result<usize> {
        let parsed = PathName::parse(name).map_err(|_| NOT_OURS)?;
        if parsed.drive.is_some() || is_foreign(&parsed) {
            return Err(NOT_OURS);
        }
        let claimed = self.claim(&parsed, logon, cancel).await.map_err(translated)?;
        // What was forgiven at the front belongs to what is claimed.
        let front = name
            .len()
            .saturating_sub(usize::from(parsed.trailing_backslash))
            .saturating_sub(parsed.full.len());
        Ok(front.saturating_add(claimed))
    }

    /// How much of `name.full` is the server and a share of it.
    async fn claim(&self, name: &PathName<'_>, logon: LogonId, cancel: &CancelToken) -> nt::Result<usize> {
        self.check_started()?;
        let server_units = name.full.len().saturating_sub(name.path.len());
        let resolved = self.tree().resolve(name, logon)?;
        match resolved {
            Resolved::Path { path, .. } => return Ok(name.full.len().saturating_sub(path.len())),
            Resolved::NotConnected { share_units: 0 } => {}
            Resolved::NotConnected { share_units } => return Ok(server_units.saturating_add(share_units)),
        }
        if name.server.port.is_none() {
            return Err(NOT_OURS);
        }
        let running = self.begin(Owner::Device, MajorFunction::DEVICE_CONTROL, cancel)?;
        running
            .run(async {
                let view = self.connect_for_open(name, 0, logon, &running).await?;
                let share = self.tree().v_net_root(view.id)?.path().len();
                Ok(server_units.saturating_add(share))
            })
            .await
    }
}

/// Whether the first component below the server says that the name is another's.
fn is_foreign(name: &PathName<'_>) -> bool {
    let share = name.path.components().next().unwrap_or_default();
    FOREIGN_SHARES
        .iter()
        .any(|foreign| share.eq_str_ignore_case(foreign))
}

/// MUP takes few statuses; what befell the network on the way is nothing to it.
fn translated(status: Status) -> Status {
    match status {
        Status::BAD_NETWORK_NAME
        | Status::ACCESS_DENIED
        | Status::LOGON_FAILURE
        | Status::CANCELLED
        | Status::INSUFFICIENT_RESOURCES => status,
        _ => NOT_OURS,
    }
}
