//! A local address.

use crate::binding::{Binding, Bound};
use crate::family::{Counts, Family, Kind, Membership};
use crate::transport::Transport;
use core::net::SocketAddr;
use executive::mem::Arc;
use executive::sync::SpinLock;
use nt::Status;

/// A local address on a bound transport: RXCE_ADDRESS. Handles may be cloned; all are the same object.
pub struct Address<T: Transport>(pub(crate) Arc<Opened<T>>);

pub(crate) struct Opened<T: Transport> {
    pub(crate) bound: Arc<Bound<T>>,
    pub(crate) family: Arc<Family>,
    /// `None`: any.
    pub(crate) local: Option<SocketAddr>,
    membership: SpinLock<Option<Membership>>,
}

impl<T: Transport> Address<T> {
    /// Opens `local` on the transport, or with `None` whatever local address the transport chooses for each connection
    /// (RxCeBuildAddress).
    ///
    /// # Errors
    /// `INSUFFICIENT_RESOURCES`; `INVALID_PARAMETER` when the binding has been torn down.
    pub fn build(binding: &Binding<T>, local: Option<SocketAddr>) -> nt::Result<Self> {
        let membership = Family::admit(&binding.0.family, Kind::Address)?;
        let opened = Opened {
            bound: binding.0.clone(),
            family: Family::try_new()?,
            local,
            membership: SpinLock::new(Some(membership)),
        };
        Ok(Address(Arc::try_new(opened)?))
    }

    /// What it is an address of.
    pub fn binding(&self) -> Binding<T> {
        Binding(self.0.bound.clone())
    }

    /// What stands on it.
    ///
    /// # Errors
    /// `INVALID_PARAMETER` after tear-down.
    pub fn counts(&self) -> nt::Result<Counts> {
        self.0.family.counts()
    }

    /// Closes the address (RxCeTearDownAddress).
    ///
    /// # Errors
    /// `INVALID_PARAMETER` while anything stands on it, and when that has been done already.
    pub fn tear_down(&self) -> nt::Result {
        self.0.family.dissolve()?;
        let membership = self.0.membership.lock().take();
        drop(membership);
        Ok(())
    }
}

impl<T: Transport> Clone for Address<T> {
    fn clone(&self) -> Self {
        Address(self.0.clone())
    }
}

impl<T: Transport> Opened<T> {
    /// The local address to connect to `remote` from.
    pub(crate) fn local_for(&self, remote: SocketAddr) -> nt::Result<SocketAddr> {
        match self.local {
            None => Ok(crate::transport::unspecified(remote)),
            Some(local) if local.is_ipv4() == remote.is_ipv4() => Ok(local),
            Some(_) => Err(Status::INVALID_ADDRESS),
        }
    }
}
