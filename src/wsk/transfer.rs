//! The memory of a send or receive.

use super::bindings::WSK_BUF;
use super::irp::Mdl;
use super::operation::{Operation, Outcome, Request};
use super::socket::Socket;
use alloc::vec::Vec;
use executive::mem::Arc;
use executive::sync::SpinLock;
use nt::Status;

/// The most that one request carries: far below what an MDL can describe.
const MAX_TRANSFER: usize = 256 << 20;

/// A send or receive.
pub(super) struct Transfer {
    socket: Arc<Socket>,
    description: WSK_BUF,
    /// What `description` points to.
    _mdl: Mdl,
    /// The memory that the MDL describes. Moving the vector does not move it.
    data: SpinLock<Vec<u8>>,
}

// SAFETY: the description's pointer is the MDL's, which belongs to no thread.
unsafe impl Send for Transfer {}
// SAFETY: the description is never written to.
unsafe impl Sync for Transfer {}

impl Request for Transfer {
    fn ended(&self, _: Outcome) {
        self.socket.ended();
    }
}

impl AsRef<Transfer> for Transfer {
    fn as_ref(&self) -> &Transfer {
        self
    }
}

impl Transfer {
    /// A request for `data[offset..]`, which gives `data` back if there is none.
    pub(super) fn prepare(
        socket: &Arc<Socket>,
        data: Vec<u8>,
        offset: usize,
    ) -> Result<Arc<Operation<Self>>, (Vec<u8>, Status)> {
        Self::prepare_as(socket, data, offset, |transfer| transfer)
    }

    /// As [`Transfer::prepare`], for a request that has one.
    pub(super) fn prepare_as<R: Request + AsRef<Transfer>>(
        socket: &Arc<Socket>,
        mut data: Vec<u8>,
        offset: usize,
        wrap: impl FnOnce(Transfer) -> R,
    ) -> Result<Arc<Operation<R>>, (Vec<u8>, Status)> {
        let part = data.get_mut(offset..).filter(|part| !part.is_empty());
        let described = match part {
            Some(part) if part.len() <= MAX_TRANSFER => Self::describe(socket, part),
            _ => Err(Status::INVALID_PARAMETER),
        };
        let made = described.and_then(|transfer| Ok(Operation::try_new(wrap(transfer))?));
        match made {
            Ok(operation) => {
                *operation.request.as_ref().data.lock() = data;
                Ok(operation)
            }
            Err(status) => Err((data, status)),
        }
    }

    fn describe(socket: &Arc<Socket>, part: &mut [u8]) -> nt::Result<Self> {
        // CAST: at most `MAX_TRANSFER`.
        let len = part.len() as u32;
        // SAFETY: vectors are made by the driver's allocator, and this one moves into the operation beside the MDL.
        let mdl = unsafe { Mdl::try_new(part.as_mut_ptr(), len) }?;
        let description = WSK_BUF {
            Mdl: mdl.as_ptr(),
            Offset: 0,
            Length: u64::from(len),
        };
        Ok(Transfer {
            socket: socket.clone(),
            description,
            _mdl: mdl,
            data: SpinLock::new(Vec::new()),
        })
    }

    /// For the provider, which takes it as writable but only reads it.
    pub(super) fn description(&self) -> *mut WSK_BUF {
        (&raw const self.description).cast_mut()
    }

    /// The memory, once the request has ended or if it was never started.
    pub(super) fn take(&self) -> Vec<u8> {
        core::mem::take(&mut *self.data.lock())
    }
}
