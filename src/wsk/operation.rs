//! One request to Winsock Kernel, from the call to its completion.
//!
//! An [`Operation`] owns everything that the provider may touch until the IRP completes: the IRP, and inside the request
//! the MDL, the buffer, the addresses. It has two owners: the future that waits for it and the completion routine. A
//! dropped future therefore leaves a sound operation behind, which frees itself at completion.

use super::irp::Irp;
use core::ffi::c_void;
use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll, Waker};
use executive::mem::{AllocError, Arc};
use executive::stack::{self, Call};
use executive::sync::SpinLock;
use nt::Status;
use wdk_sys::{DEVICE_OBJECT, IRP, NTSTATUS, STATUS_MORE_PROCESSING_REQUIRED, STATUS_NOT_IMPLEMENTED};

/// How an IRP ended.
#[derive(Clone, Copy, Debug)]
pub(super) struct Outcome {
    pub(super) status: Status,
    /// The count or pointer that the request's documentation says.
    pub(super) information: usize,
}

impl Outcome {
    pub(super) fn result(self) -> nt::Result<usize> {
        if self.status.is_error() {
            Err(self.status)
        } else {
            Ok(self.information)
        }
    }
}

/// What a kind of request keeps for its operation.
pub(super) trait Request: Send + Sync + Sized + 'static {
    /// The request has ended; its waiter does not know yet.
    ///
    /// # Invocation context
    /// Once per operation, from the completion routine: IRQL <= DISPATCH_LEVEL, no lock held, must not wait.
    fn ended(&self, outcome: Outcome);
}

/// A request and its IRP.
pub(super) struct Operation<R> {
    irp: Irp,
    progress: SpinLock<Progress>,
    pub(super) request: R,
}

#[derive(Default)]
struct Progress {
    outcome: Option<Outcome>,
    waiter: Option<Waker>,
}

impl<R: Request> Operation<R> {
    /// IRQL <= DISPATCH_LEVEL.
    pub(super) fn try_new(request: R) -> Result<Arc<Self>, AllocError> {
        Arc::try_new(Operation {
            irp: Irp::try_new()?,
            progress: SpinLock::default(),
            request,
        })
    }

    /// Makes the `call` with the operation's IRP, for the first and only time, and returns the wait for its end.
    ///
    /// The outcome is taken from the IRP: the provider completes it whatever it returns. The one exception are routines
    /// that a provider does not have and returns STATUS_NOT_IMPLEMENTED from, without completing the IRP (Wine's); `call`
    /// does the same where the provider's table has no entry.
    pub(super) fn start(this: Arc<Self>, call: impl FnOnce(&R, *mut IRP) -> NTSTATUS) -> Pending<R> {
        let context = Arc::into_raw(this.clone());
        // SAFETY: the IRP is fresh; `completed::<R>` takes the count that `context` stands for over.
        unsafe {
            this.irp
                .set_completion(Some(completed::<R>), context.cast_mut().cast())
        };
        stack::note(Call::Network);
        let returned = call(&this.request, this.irp.as_ptr());
        if returned == STATUS_NOT_IMPLEMENTED && this.progress.lock().outcome.is_none() {
            // SAFETY: its completion routine was set above; nobody began anything, so nobody else will complete the IRP.
            unsafe { this.irp.fail(Status(returned.cast_unsigned())) };
        }
        Pending {
            operation: this,
            cancel: false,
        }
    }

    fn end(&self, outcome: Outcome) {
        self.request.ended(outcome);
        let waiter = {
            let mut progress = self.progress.lock();
            progress.outcome = Some(outcome);
            progress.waiter.take()
        };
        if let Some(waiter) = waiter {
            waiter.wake();
        }
    }
}

/// The completion routine of every operation.
///
/// # Safety
/// The I/O manager calls it once, with the context that [`Operation::start`] made.
unsafe extern "C" fn completed<R: Request>(
    _: *mut DEVICE_OBJECT,
    _: *mut IRP,
    context: *mut c_void,
) -> NTSTATUS {
    // SAFETY: `start` gave this count to the routine.
    let operation = unsafe { Arc::<Operation<R>>::from_raw(context.cast_const().cast()) };
    // SAFETY: the I/O manager has completed the IRP and leaves it to us.
    let outcome = unsafe { operation.irp.outcome() };
    operation.end(outcome);
    // The IRP is the operation's: the I/O manager must not touch it after this routine, which may have freed it.
    STATUS_MORE_PROCESSING_REQUIRED
}

/// The wait for the end of an operation.
pub(super) struct Pending<R: Request> {
    operation: Arc<Operation<R>>,
    cancel: bool,
}

impl<R: Request> Pending<R> {
    /// Cancels the request if this is dropped before it ended.
    pub(super) fn cancel_on_drop(mut self) -> Self {
        self.cancel = true;
        self
    }
}

// Nothing in it is pinned: the operation has its own place.
impl<R: Request> Unpin for Pending<R> {}

impl<R: Request> Future for Pending<R> {
    type Output = Outcome;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Outcome> {
        let this = self.get_mut();
        let mut progress = this.operation.progress.lock();
        if let Some(outcome) = progress.outcome {
            return Poll::Ready(outcome);
        }
        let waiter = context.waker().clone();
        let before = progress.waiter.replace(waiter);
        drop(progress);
        drop(before);
        Poll::Pending
    }
}

impl<R: Request> Drop for Pending<R> {
    fn drop(&mut self) {
        let running = self.operation.progress.lock().outcome.is_none();
        if running && self.cancel {
            // The operation, and with it the IRP, lives at least as long as `self`.
            self.operation.irp.cancel();
        }
    }
}
