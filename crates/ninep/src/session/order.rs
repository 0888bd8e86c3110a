//! Whether the server answers in the order in which it is asked.
//!
//! 9P does not ask for it, and no message tells. A server that works on several requests at a time shows it sooner or later:
//! an answer overtakes another. One that never does, with many requests under way, works on one after the other.

/// How many requests must be behind one for its answer to say anything.
const DEPTH: u64 = 8;
/// How many such answers it takes.
const ENOUGH: u32 = 64;

/// What the answers so far say.
#[derive(Debug, Default)]
pub(super) struct Order {
    /// The number of the last request queued; the first is 1.
    queued: u64,
    /// The highest number that has been answered.
    answered: u64,
    /// Answers that came in their turn although others could have come before.
    in_turn: u32,
    overtaken: bool,
    /// Nothing need be shown.
    assumed: bool,
}

impl Order {
    /// Of a server that has not answered anything; it may be `assumed` to keep the order.
    pub(super) fn new(assumed: bool) -> Self {
        Self {
            assumed,
            ..Self::default()
        }
    }

    /// The number of a request that is queued now.
    pub(super) fn queue(&mut self) -> u64 {
        self.queued = self.queued.saturating_add(1);
        self.queued
    }

    /// The request of this number has been answered.
    pub(super) fn answer(&mut self, number: u64) {
        if number < self.answered {
            self.overtaken = true;
            return;
        }
        self.answered = number;
        if self.queued.saturating_sub(number) >= DEPTH {
            self.in_turn = self.in_turn.saturating_add(1);
        }
    }

    /// The server does not keep it, as somebody has found out otherwise.
    pub(super) fn break_up(&mut self) {
        self.overtaken = true;
    }

    /// Whether the server has shown that it keeps the order, or is taken to.
    pub(super) fn is_kept(&self) -> bool {
        !self.overtaken && (self.assumed || self.in_turn >= ENOUGH)
    }
}

#[cfg(test)]
mod tests {
    use super::{DEPTH, ENOUGH, Order};

    fn ask(order: &mut Order, requests: u64) {
        (0..requests).for_each(|_| {
            order.queue();
        });
    }

    #[test]
    fn answers_in_turn_are_believed_when_there_are_enough() {
        let mut order = Order::default();
        let enough = u64::from(ENOUGH);
        ask(&mut order, enough + DEPTH);
        for number in 1..enough {
            order.answer(number);
            assert!(!order.is_kept());
        }
        order.answer(enough);
        assert!(order.is_kept());
    }

    #[test]
    fn what_is_assumed_holds_until_something_speaks_against_it() {
        let mut order = Order::new(true);
        assert!(order.is_kept());
        ask(&mut order, 2);
        order.answer(2);
        assert!(order.is_kept());
        order.answer(1);
        assert!(!order.is_kept());
        let mut order = Order::new(true);
        order.break_up();
        assert!(!order.is_kept());
    }

    #[test]
    fn one_at_a_time_says_nothing() {
        let mut order = Order::default();
        for _ in 0..10 * ENOUGH {
            let number = order.queue();
            order.answer(number);
        }
        assert!(!order.is_kept());
    }

    #[test]
    fn one_overtaken_answer_is_never_forgotten() {
        let mut order = Order::default();
        ask(&mut order, 1_000);
        order.answer(2);
        order.answer(1);
        (3..900).for_each(|number| order.answer(number));
        assert!(!order.is_kept());
    }
}
