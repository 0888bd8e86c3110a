//! What statuses say.

use nt::Status;

/// Whether the status says that the server is not to be had.
pub(crate) fn is_lost(status: Status) -> bool {
    matches!(
        status,
        Status::IO_TIMEOUT
            | Status::CONNECTION_DISCONNECTED
            | Status::CONNECTION_ABORTED
            | Status::BAD_NETWORK_PATH
    )
}
