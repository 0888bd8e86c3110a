//! The sends that were submitted, on their way through the transport.

use super::{Circuit, InFlight};
use crate::state::State;
use crate::transport::Transport;
use crate::turn::Turn;
use alloc::vec::Vec;
use core::future::{Future, poll_fn};
use core::pin::{Pin, pin};
use core::task::{Context, Poll};
use executive::mem::Arc;

/// Submitted sends that the transport has at the same time: while the end of one is told, it is busy with the others.
const LANES: usize = 4;
/// Sends that may end without a wait before others on the same thread, receives among them, have a turn.
const SENDS_PER_TURN: usize = 16;

/// A send that has ended, and still counts as in flight.
struct Ended<T: Transport> {
    flight: InFlight<T>,
    context: usize,
    data: Vec<u8>,
    result: nt::Result<usize>,
}

async fn carry<T: Transport>(flight: InFlight<T>, data: Vec<u8>, context: usize) -> Ended<T> {
    let (data, result) = flight.send(data).await;
    Ended {
        flight,
        context,
        data,
        result,
    }
}

/// Sends what is submitted until the circuit is not active any more. Sends begin, and their ends are told, in the order of
/// submission.
pub(super) async fn send_until_end<T: Transport>(circuit: &Arc<Circuit<T>>) {
    let mut under_way = UnderWay {
        lanes: [pin!(None), pin!(None), pin!(None), pin!(None)],
        ended: [const { None }; LANES],
        oldest: 0,
        count: 0,
    };
    let mut turn = Turn::of(SENDS_PER_TURN);
    loop {
        let mut work = pin!(circuit.work.notified());
        let active = circuit.life.lock().state == State::Active;
        while under_way.has_room()
            && let Some((data, context)) = circuit.next_submitted()
        {
            let flight = InFlight(circuit.clone());
            let Some(sink) = circuit.sink() else { continue };
            sink.send_submitted(circuit.id, context);
            under_way.begin(carry(flight, data, context));
        }
        if under_way.count == 0 && !active {
            return;
        }
        let next = poll_fn(|poll| match under_way.poll(poll) {
            Poll::Ready(ended) => Poll::Ready(Some(ended)),
            // With no room, what is submitted meanwhile is no reason to wake up.
            Poll::Pending if under_way.has_room() => work.as_mut().poll(poll).map(|()| None),
            Poll::Pending => Poll::Pending,
        });
        let Some(ended) = next.await else { continue };
        if let Some(sink) = circuit.sink() {
            sink.send_complete(circuit.id, ended.context, ended.data, ended.result);
        }
        drop(ended.flight);
        turn.step().await;
    }
}

/// The sends that the transport has: a ring, the oldest first.
struct UnderWay<'a, F: Future> {
    lanes: [Pin<&'a mut Option<F>>; LANES],
    /// What a lane has come to before it is the oldest.
    ended: [Option<F::Output>; LANES],
    oldest: usize,
    count: usize,
}

impl<F: Future> UnderWay<'_, F> {
    fn has_room(&self) -> bool {
        self.count < LANES
    }

    /// Puts a send behind the others. There is room.
    fn begin(&mut self, sending: F) {
        let at = (self.oldest + self.count) % LANES;
        if let Some(lane) = self.lanes.get_mut(at) {
            lane.set(Some(sending));
            self.count += 1;
        }
    }

    /// Polls all of them, and takes the oldest out if it has ended.
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<F::Output> {
        for age in 0..self.count {
            let at = (self.oldest + age) % LANES;
            let (Some(lane), Some(ended)) = (self.lanes.get_mut(at), self.ended.get_mut(at)) else {
                continue;
            };
            if let Some(sending) = lane.as_mut().as_pin_mut()
                && let Poll::Ready(output) = sending.poll(context)
            {
                lane.set(None);
                *ended = Some(output);
            }
        }
        match self.ended.get_mut(self.oldest).and_then(Option::take) {
            Some(output) => {
                self.oldest = (self.oldest + 1) % LANES;
                self.count -= 1;
                Poll::Ready(output)
            }
            None => Poll::Pending,
        }
    }
}
