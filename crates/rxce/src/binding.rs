//! A transport in use.

use crate::family::{Counts, Family};
use crate::transport::Transport;
use executive::mem::Arc;
use executive::task::Runtime;
use nt::{Name, NameBuf};

/// A transport bound under a name: RXCE_TRANSPORT. Handles may be cloned; all are the same object.
pub struct Binding<T: Transport>(pub(crate) Arc<Bound<T>>);

pub(crate) struct Bound<T: Transport> {
    pub(crate) runtime: Runtime,
    pub(crate) transport: T,
    pub(crate) family: Arc<Family>,
    name: NameBuf,
    quality_of_service: u32,
}

/// What RxCeQueryTransportInformation answers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TransportInformation {
    /// Connections on the transport.
    pub connection_count: usize,
    /// As given when it was bound; the engine makes nothing of it.
    pub quality_of_service: u32,
}

impl<T: Transport> Binding<T> {
    /// Binds `transport` under a copy of `name` (RxCeBuildTransport). `runtime` polls everything that happens on it.
    ///
    /// # Errors
    /// `INSUFFICIENT_RESOURCES`; `INVALID_PARAMETER` for an empty name.
    pub fn build(
        runtime: &Runtime,
        transport: T,
        name: Name<'_>,
        quality_of_service: u32,
    ) -> nt::Result<Self> {
        if name.is_empty() {
            return Err(nt::Status::INVALID_PARAMETER);
        }
        let bound = Bound {
            runtime: runtime.clone(),
            transport,
            family: Family::try_new()?,
            name: NameBuf::try_from_name(name)?,
            quality_of_service,
        };
        Ok(Binding(Arc::try_new(bound)?))
    }

    /// The transport itself.
    pub fn transport(&self) -> &T {
        &self.0.transport
    }

    /// The runtime that everything on this binding runs on.
    pub fn runtime(&self) -> &Runtime {
        &self.0.runtime
    }

    /// The name it is bound under.
    pub fn name(&self) -> Name<'_> {
        self.0.name.as_name()
    }

    /// RxCeQueryTransportInformation.
    ///
    /// # Errors
    /// `INVALID_PARAMETER` after tear-down.
    pub fn information(&self) -> nt::Result<TransportInformation> {
        Ok(TransportInformation {
            connection_count: self.counts()?.connections,
            quality_of_service: self.0.quality_of_service,
        })
    }

    /// What stands on it.
    ///
    /// # Errors
    /// `INVALID_PARAMETER` after tear-down.
    pub fn counts(&self) -> nt::Result<Counts> {
        self.0.family.counts()
    }

    /// Unbinds the transport (RxCeTearDownTransport); of one that is not bound any more, too.
    ///
    /// # Errors
    /// `INVALID_PARAMETER` while anything stands on it.
    pub fn tear_down(&self) -> nt::Result {
        match self.0.family.dissolve() {
            // Whoever has been faster.
            Err(_) if self.0.family.counts().is_err() => Ok(()),
            dissolved => dissolved,
        }
    }
}

impl<T: Transport> Clone for Binding<T> {
    fn clone(&self) -> Self {
        Binding(self.0.clone())
    }
}
