//! A server and the circuit to it: the extension of SRV_CALL.

use core::sync::atomic::AtomicU64;

use executive::mem::Arc;
use executive::sync::{Mutex, Rank};
use executive::task::{Runtime, Semaphore};
use nt::{Name, NameBuf, Status};
use rxce::{Address, Transport};

use crate::circuit::Circuit;
use crate::client::Client;
use crate::host::transport_name;
use crate::settings::Settings;

/// One server, reached through at most one circuit at a time.
pub(crate) struct Server {
    host: NameBuf,
    port: u16,
    circuit: Mutex<Option<Circuit>>,
    /// One dials, the others wait and use what it got.
    dialling: Semaphore,
}

impl Server {
    /// A server that nobody has connected to yet.
    ///
    /// # Errors
    /// `INSUFFICIENT_RESOURCES`.
    pub(crate) fn try_new(host: Name<'_>, port: u16) -> nt::Result<Arc<Self>> {
        Ok(Arc::try_new(Self {
            host: NameBuf::try_from_name(host)?,
            port,
            circuit: Mutex::try_new(None, Rank(15))?,
            dialling: Semaphore::new(1),
        })?)
    }

    /// A usable session with the server: the present one, or a new one where there is none or (`true`) it was lost.
    /// `sessions` counts those that are up.
    ///
    /// # Errors
    /// `BAD_NETWORK_PATH` where the server cannot be reached, whatever the transport says: as Windows names a server
    /// that is not there. `NOT_SUPPORTED` and `INVALID_NETWORK_RESPONSE` as [`Circuit::dial`].
    pub(crate) async fn client<T: Transport>(
        &self,
        local: &Address<T>,
        runtime: &Runtime,
        settings: &Settings,
        sessions: &Arc<AtomicU64>,
    ) -> nt::Result<(Arc<Client>, bool)> {
        let _permit = self.dialling.acquire().await;
        let old = {
            let mut circuit = self.circuit.lock();
            match &*circuit {
                Some(present) if present.client().is_usable() => {
                    return Ok((Arc::clone(present.client()), false));
                }
                _ => circuit.take(),
            }
        };
        let was_lost = old.is_some();
        if let Some(old) = old {
            old.close().await;
        }
        let dialled = runtime.timeout(settings.request_timeout, async {
            let binding = local.binding();
            let host = transport_name(self.host.as_name())?;
            let remotes = binding.transport().resolve(host.as_name(), self.port).await?;
            Circuit::dial(local, &remotes, runtime, settings, sessions).await
        });
        let circuit = dialled
            .await
            .unwrap_or(Err(Status::IO_TIMEOUT))
            .map_err(unreachable_status)?;
        let client = Arc::clone(circuit.client());
        *self.circuit.lock() = Some(circuit);
        Ok((client, was_lost))
    }

    /// Disconnects.
    pub(crate) async fn close(&self) {
        let circuit = self.circuit.lock().take();
        if let Some(circuit) = circuit {
            circuit.close().await;
        }
    }
}

/// What a caller learns of a failed connect: shortage and cancellation as they are, a server that answers wrongly as
/// such, everything else as a server that is not there.
fn unreachable_status(status: Status) -> Status {
    match status {
        Status::INSUFFICIENT_RESOURCES
        | Status::CANCELLED
        | Status::NOT_SUPPORTED
        | Status::INVALID_NETWORK_RESPONSE => status,
        _ => Status::BAD_NETWORK_PATH,
    }
}
