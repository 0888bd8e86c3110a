//! A channel for one value: how a completion routine hands its result to the task that waits.

use super::waker::wake_here;
use crate::mem::{AllocError, Arc};
use crate::sync::{Rank, SpinLock};
use core::fmt;
use core::future::Future;
use core::mem;
use core::pin::Pin;
use core::task::{Context, Poll, Waker};

/// A channel for one value.
///
/// # Errors
/// [`AllocError`] when there is no memory for it.
pub fn oneshot<T: Send>() -> Result<(Sender<T>, Receiver<T>), AllocError> {
    let channel = Arc::try_new(SpinLock::ranked(State::Empty(None), Rank::EXECUTIVE))?;
    Ok((
        Sender {
            channel: Some(Arc::clone(&channel)),
        },
        Receiver { channel },
    ))
}

enum State<T> {
    /// Nothing sent yet; whom to wake when something is.
    Empty(Option<Waker>),
    Sent(T),
    /// One end is gone, or the value has been taken.
    Closed,
}

/// The end that sends.
pub struct Sender<T> {
    /// `None` once sent.
    channel: Option<Arc<SpinLock<State<T>>>>,
}

impl<T> Sender<T> {
    /// Hands `value` over and wakes the receiver. Callable up to DISPATCH_LEVEL; allocates nothing.
    ///
    /// # Errors
    /// Gives `value` back when the receiver is gone.
    pub fn send(self, value: T) -> Result<(), T> {
        if let Some(waker) = self.put(value)? {
            waker.wake();
        }
        Ok(())
    }

    /// As [`Sender::send`]; if the receiver is a task that waits, the calling thread polls it, and has done so when this
    /// returns: for a thread that only brings news. Up to APC_LEVEL, under no lock.
    ///
    /// # Errors
    /// Gives `value` back when the receiver is gone.
    pub fn send_here(self, value: T) -> Result<(), T> {
        if let Some(waker) = self.put(value)? {
            wake_here(waker);
        }
        Ok(())
    }

    /// Hands `value` over; the result is whom to wake.
    fn put(mut self, value: T) -> Result<Option<Waker>, T> {
        let Some(channel) = self.channel.take() else {
            return Err(value);
        };
        let mut state = channel.lock();
        if !matches!(*state, State::Empty(_)) {
            return Err(value);
        }
        match mem::replace(&mut *state, State::Sent(value)) {
            State::Empty(waker) => Ok(waker),
            State::Sent(_) | State::Closed => Ok(None),
        }
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        let Some(channel) = self.channel.take() else {
            return;
        };
        let mut state = channel.lock();
        let former = mem::replace(&mut *state, State::Closed);
        drop(state);
        if let State::Empty(Some(waker)) = former {
            waker.wake();
        }
    }
}

impl<T> fmt::Debug for Sender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sender { .. }")
    }
}

/// The end that receives: a future of the value.
#[must_use = "futures do nothing unless polled"]
pub struct Receiver<T> {
    channel: Arc<SpinLock<State<T>>>,
}

impl<T> Future for Receiver<T> {
    type Output = Result<T, Closed>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let waker = context.waker().clone();
        let mut state = self.channel.lock();
        match mem::replace(&mut *state, State::Closed) {
            State::Sent(value) => Poll::Ready(Ok(value)),
            State::Closed => Poll::Ready(Err(Closed)),
            State::Empty(former) => {
                *state = State::Empty(Some(waker));
                drop(state);
                drop(former);
                Poll::Pending
            }
        }
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        let former = mem::replace(&mut *self.channel.lock(), State::Closed);
        drop(former);
    }
}

impl<T> fmt::Debug for Receiver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Receiver { .. }")
    }
}

/// The sender went without sending.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Closed;

impl fmt::Display for Closed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the sender is gone")
    }
}

impl core::error::Error for Closed {}
