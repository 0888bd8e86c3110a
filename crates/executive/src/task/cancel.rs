//! Calling off work from outside.

use super::combine::{Either, Mapped, select};
use super::wait_list::{Ticket, WaitList};
use crate::mem::{AllocError, Arc};
use crate::sync::{Rank, SpinLock};
use core::fmt;
use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll};

/// Calls off everything that runs under it. Clones are the same token.
#[derive(Clone)]
pub struct CancelToken(Arc<SpinLock<State>>);

#[derive(Default)]
struct State {
    cancelled: bool,
    waiters: WaitList,
}

impl CancelToken {
    /// A token that has not been cancelled.
    ///
    /// # Errors
    /// [`AllocError`] when there is no memory for it.
    pub fn try_new() -> Result<Self, AllocError> {
        Ok(CancelToken(Arc::try_new(SpinLock::ranked(
            State::default(),
            Rank::EXECUTIVE,
        ))?))
    }

    /// Calls off, now and for good. Callable up to DISPATCH_LEVEL (as an IRP's cancel routine is).
    pub fn cancel(&self) {
        let mut state = self.0.lock();
        state.cancelled = true;
        while let Some(waker) = state.waiters.grant() {
            drop(state);
            waker.wake();
            state = self.0.lock();
        }
    }

    /// Whether it has been cancelled.
    pub fn is_cancelled(&self) -> bool {
        self.0.lock().cancelled
    }

    /// What `future` comes to, unless the token is cancelled first; then `future` is dropped, or never polled at all if the
    /// token was cancelled before. If both are due at once, cancellation wins.
    pub fn run<F: Future>(&self, future: F) -> impl Future<Output = Result<F::Output, Cancelled>> + use<F> {
        Mapped::new(select(self.when_cancelled(), future), |first| match first {
            Either::Left(()) => Err(Cancelled),
            Either::Right(output) => Ok(output),
        })
    }

    /// [`Self::run`] for a future that can fail, and fails in the same way when it is cancelled.
    pub fn run_fallible<F, T, E>(&self, future: F) -> impl Future<Output = Result<T, E>> + use<F, T, E>
    where
        F: Future<Output = Result<T, E>>,
        E: From<Cancelled>,
    {
        Mapped::new(select(self.when_cancelled(), future), |first| match first {
            Either::Left(()) => Err(Cancelled.into()),
            Either::Right(output) => output,
        })
    }

    /// Ready when the token is cancelled.
    pub fn cancelled(&self) -> impl Future<Output = ()> + Send + use<> {
        self.when_cancelled()
    }

    fn when_cancelled(&self) -> WhenCancelled {
        WhenCancelled {
            token: self.clone(),
            ticket: None,
        }
    }
}

impl fmt::Debug for CancelToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CancelToken")
            .field("cancelled", &self.is_cancelled())
            .finish()
    }
}

struct WhenCancelled {
    token: CancelToken,
    ticket: Option<Ticket>,
}

impl Future for WhenCancelled {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let mut waker = context.waker().clone();
        let mut state = self.token.0.lock();
        if state.cancelled {
            return Poll::Ready(());
        }
        if let Some(ticket) = self.ticket {
            return state.waiters.poll(ticket, &mut waker);
        }
        let joined = state.waiters.join(waker);
        drop(state);
        match joined {
            Ok(ticket) => self.ticket = Some(ticket),
            Err(_) => context.waker().wake_by_ref(),
        }
        Poll::Pending
    }
}

impl Drop for WhenCancelled {
    fn drop(&mut self) {
        if let Some(ticket) = self.ticket {
            let left = self.token.0.lock().waiters.leave(ticket);
            drop(left);
        }
    }
}

/// The work was called off. Its NT name is `STATUS_CANCELLED`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Cancelled;

impl fmt::Display for Cancelled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("cancelled")
    }
}

impl core::error::Error for Cancelled {}

impl From<Cancelled> for nt::Status {
    fn from(_: Cancelled) -> Self {
        nt::Status::CANCELLED
    }
}
