//! Two futures at once.

use crate::mem::{AllocError, TryVec, try_box};
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;
use core::future::{Future, poll_fn};
use core::pin::{Pin, pin};
use core::task::{Context, Poll};

/// Which of two was first.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Either<A, B> {
    /// The first.
    Left(A),
    /// The second.
    Right(B),
}

/// What the first to be ready comes to; the other is dropped. `left` is always polled first, and wins a draw.
pub fn select<A: Future, B: Future>(left: A, right: B) -> Select<A, B> {
    Select { left, right }
}

/// The future of [`select`].
///
/// Written by hand, as are the others that wrap whole requests: an `async fn` keeps its arguments beside the locals
/// that they are moved to, so each such layer would double the size of what it wraps, and futures pass over kernel
/// stacks on their way into a box.
#[must_use = "futures do nothing unless polled"]
pub struct Select<A, B> {
    left: A,
    right: B,
}

impl<A: Future, B: Future> Future for Select<A, B> {
    type Output = Either<A::Output, B::Output>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        // SAFETY: both fields are pinned with the whole: nothing moves them out, there is no Drop, and Unpin follows
        // from theirs.
        let this = unsafe { self.get_unchecked_mut() };
        // SAFETY: as above.
        let left = unsafe { Pin::new_unchecked(&mut this.left) };
        if let Poll::Ready(output) = left.poll(context) {
            return Poll::Ready(Either::Left(output));
        }
        // SAFETY: as above.
        let right = unsafe { Pin::new_unchecked(&mut this.right) };
        right.poll(context).map(Either::Right)
    }
}

impl<A, B> fmt::Debug for Select<A, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Select { .. }")
    }
}

/// A future whose output is changed by a plain function; as [`Select`], no larger than what it wraps.
#[must_use = "futures do nothing unless polled"]
pub(super) struct Mapped<F: Future, V> {
    future: F,
    change: fn(F::Output) -> V,
}

impl<F: Future, V> Mapped<F, V> {
    pub(super) fn new(future: F, change: fn(F::Output) -> V) -> Self {
        Mapped { future, change }
    }
}

impl<F: Future, V> Future for Mapped<F, V> {
    type Output = V;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<V> {
        // SAFETY: `future` is pinned with the whole: nothing moves it out, there is no Drop, and Unpin follows from it.
        let this = unsafe { self.get_unchecked_mut() };
        // SAFETY: as above.
        let future = unsafe { Pin::new_unchecked(&mut this.future) };
        future.poll(context).map(this.change)
    }
}

/// `future`, polled by a function of its own: what its polls keep on the stack is there only while they run. Otherwise it is
/// part of the frame of who awaits it, and there as well while another of its futures goes deep.
pub fn apart<F: Future>(future: F) -> Apart<F> {
    Apart(future)
}

/// The future of [`apart`].
#[must_use = "futures do nothing unless polled"]
pub struct Apart<F>(F);

impl<F: Future> Future for Apart<F> {
    type Output = F::Output;

    #[inline(never)]
    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        // SAFETY: the field is pinned with the whole: nothing moves it out, there is no Drop, and Unpin follows from it.
        let future = unsafe { self.map_unchecked_mut(|apart| &mut apart.0) };
        future.poll(context)
    }
}

impl<F> fmt::Debug for Apart<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Apart { .. }")
    }
}

/// What both come to, polled side by side.
pub async fn join<A: Future, B: Future>(left: A, right: B) -> (A::Output, B::Output) {
    let (mut left, mut right) = (pin!(left), pin!(right));
    let (mut left_output, mut right_output) = (None, None);
    poll_fn(|context| {
        if left_output.is_none()
            && let Poll::Ready(output) = left.as_mut().poll(context)
        {
            left_output = Some(output);
        }
        if right_output.is_none()
            && let Poll::Ready(output) = right.as_mut().poll(context)
        {
            right_output = Some(output);
        }
        match (left_output.take(), right_output.take()) {
            (Some(left), Some(right)) => Poll::Ready((left, right)),
            (left, right) => {
                (left_output, right_output) = (left, right);
                Poll::Pending
            }
        }
    })
    .await
}

/// What all come to, polled side by side, in the order given.
///
/// # Errors
/// [`AllocError`] when there is no memory to hold them; none has been polled then.
pub async fn join_all<F: Future>(futures: Vec<F>) -> Result<Vec<F::Output>, AllocError> {
    let mut running = Vec::try_with_room(futures.len())?;
    let mut outputs = Vec::try_with_room(futures.len())?;
    let mut joined = Vec::try_with_room(futures.len())?;
    for future in futures {
        running.try_push(Some(Box::into_pin(try_box(future)?)))?;
        outputs.try_push(None)?;
    }
    poll_fn(|context| {
        let mut left = false;
        for (slot, output) in running.iter_mut().zip(&mut outputs) {
            let Some(future) = slot else { continue };
            match future.as_mut().poll(context) {
                Poll::Ready(value) => (*slot, *output) = (None, Some(value)),
                Poll::Pending => left = true,
            }
        }
        if left { Poll::Pending } else { Poll::Ready(()) }
    })
    .await;
    for output in outputs.into_iter().flatten() {
        joined.try_push(output)?;
    }
    Ok(joined)
}

/// Takes the first that is ready out of `running`, and returns its key and what it comes to; `None` when there is none. Of
/// several that are ready at once it is the one that comes first.
pub async fn take_first<K, F: Future + ?Sized>(
    running: &mut Vec<(K, Pin<Box<F>>)>,
) -> Option<(K, F::Output)> {
    if running.is_empty() {
        return None;
    }
    let (at, output) = poll_fn(|context| {
        for (at, (_, future)) in running.iter_mut().enumerate() {
            if let Poll::Ready(output) = future.as_mut().poll(context) {
                return Poll::Ready((at, output));
            }
        }
        Poll::Pending
    })
    .await;
    let (key, _ended) = running.remove(at);
    Some((key, output))
}

/// Lets other ready tasks go first, once.
pub async fn yield_now() {
    let mut yielded = false;
    poll_fn(|context| {
        if yielded {
            return Poll::Ready(());
        }
        yielded = true;
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}
