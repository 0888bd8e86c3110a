//! Parents and children: who stands on whom, and who may go.

use executive::mem::{AllocError, Arc};
use executive::sync::SpinLock;
use nt::Status;

/// The children of an object, of every generation.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Counts {
    /// Addresses on a binding.
    pub addresses: usize,
    /// Connections on an address or binding (ConnectionCount).
    pub connections: usize,
    /// Circuits on a connection, address or binding (VirtualCircuitCount).
    pub circuits: usize,
}

/// The part of an object that its children hold on to.
pub(crate) struct Family(SpinLock<Members>);

struct Members {
    /// Not torn down.
    standing: bool,
    counts: Counts,
}

#[derive(Clone, Copy)]
pub(crate) enum Kind {
    Address,
    Connection,
    Circuit,
}

impl Family {
    pub(crate) fn try_new() -> Result<Arc<Self>, AllocError> {
        Arc::try_new(Family(SpinLock::new(Members {
            standing: true,
            counts: Counts::default(),
        })))
    }

    /// Takes a child in: refused with `INVALID_PARAMETER` by one that has been torn down.
    pub(crate) fn admit(this: &Arc<Self>, kind: Kind) -> nt::Result<Membership> {
        let mut members = this.0.lock();
        if !members.standing {
            return Err(Status::INVALID_PARAMETER);
        }
        *members.counts.of(kind) += 1;
        drop(members);
        Ok(Membership {
            family: Arc::clone(this),
            kind,
        })
    }

    /// The counts, or `INVALID_PARAMETER` for one that has been torn down.
    pub(crate) fn counts(&self) -> nt::Result<Counts> {
        let members = self.0.lock();
        if members.standing {
            Ok(members.counts)
        } else {
            Err(Status::INVALID_PARAMETER)
        }
    }

    /// Tears down, unless there are children or that has been done: `INVALID_PARAMETER`.
    pub(crate) fn dissolve(&self) -> nt::Result {
        let mut members = self.0.lock();
        if !members.standing || members.counts != Counts::default() {
            return Err(Status::INVALID_PARAMETER);
        }
        members.standing = false;
        Ok(())
    }
}

impl Counts {
    fn of(&mut self, kind: Kind) -> &mut usize {
        match kind {
            Kind::Address => &mut self.addresses,
            Kind::Connection => &mut self.connections,
            Kind::Circuit => &mut self.circuits,
        }
    }
}

/// A child's place in a family, until it is dropped.
pub(crate) struct Membership {
    family: Arc<Family>,
    kind: Kind,
}

impl Drop for Membership {
    fn drop(&mut self) {
        *self.family.0.lock().counts.of(self.kind) -= 1;
    }
}
