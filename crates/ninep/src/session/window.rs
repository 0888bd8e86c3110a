//! How much data to have under way at once.

/// Data messages that are always worth having under way, if anybody wants that many.
pub const WINDOW_MIN: u16 = 16;
/// Most data messages under way at once.
pub const WINDOW_MAX: u16 = 64;
/// Most bytes of data under way, where that is more than [`WINDOW_MIN`] messages.
const BYTES_MAX: u64 = 16 << 20;
/// A larger window pays if the rate grows by more than 1/16 with each of its steps, which are of a quarter.
const GAIN_SHIFT: u32 = 4;
/// Rounds between two looks whether a larger window would pay by now.
const REST_ROUNDS: u8 = 32;

/// A limit on the data under way: reads and writes of a session, all transfers together, counted in bytes. It grows from
/// [`WINDOW_MIN`] full messages while that pays, which is as long as it is smaller than the product of bandwidth and delay;
/// where more under way only queues, it goes back.
#[derive(Debug)]
pub(super) struct DataWindow {
    /// Full messages.
    size: u16,
    /// Not to be changed.
    fixed: bool,
    in_flight: u64,
    phase: Phase,
    round: Round,
}

/// One window's worth of data.
#[derive(Debug, Default)]
struct Round {
    began_ns: Option<u64>,
    bytes: u64,
    /// Somebody wanted more under way than is allowed.
    limited: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// The last step paid, or was the first: it had this rate, in bytes per 2^20 ns.
    Growing { rate: u64 },
    /// Growing did not pay; so many rounds until the next try.
    Resting { rounds: u8 },
}

impl DataWindow {
    /// `size` full messages; 0: as many as pay.
    pub(super) fn new(size: u16) -> Self {
        Self {
            size: if size == 0 {
                WINDOW_MIN
            } else {
                size.min(WINDOW_MAX)
            },
            fixed: size != 0,
            in_flight: 0,
            phase: Phase::Growing { rate: 0 },
            round: Round::default(),
        }
    }

    /// Full messages that may be under way now.
    pub(super) fn size(&self) -> u16 {
        self.size
    }

    fn limit(&self, payload: u32) -> u64 {
        let floor = u64::from(self.size.min(WINDOW_MIN)).saturating_mul(payload.into());
        let wanted = u64::from(self.size).saturating_mul(payload.into());
        wanted.min(BYTES_MAX.max(floor))
    }

    /// Whether `bytes` more may be under way, in messages of at most `payload`. One message always may.
    pub(super) fn has_room(&self, bytes: u32, payload: u32) -> bool {
        bytes == 0
            || self.in_flight == 0
            || self.in_flight.saturating_add(bytes.into()) <= self.limit(payload)
    }

    /// Somebody would have sent more, had there been room.
    pub(super) fn was_short(&mut self) {
        self.round.limited = true;
    }

    /// `bytes` more are under way.
    pub(super) fn sent(&mut self, bytes: u32) {
        self.in_flight = self.in_flight.saturating_add(bytes.into());
    }

    /// `bytes` are under way no more, without having been answered.
    pub(super) fn lost(&mut self, bytes: u32) {
        self.in_flight = self.in_flight.saturating_sub(bytes.into());
    }

    /// A message of `bytes` was answered at `now_ns`.
    pub(super) fn answered(&mut self, bytes: u32, now_ns: u64, payload: u32) {
        self.lost(bytes);
        if self.fixed || bytes == 0 {
            return;
        }
        let Some(began_ns) = self.round.began_ns else {
            self.round.began_ns = Some(now_ns);
            return;
        };
        self.round.bytes = self.round.bytes.saturating_add(bytes.into());
        if self.round.bytes < self.limit(payload) {
            return;
        }
        let time = now_ns.saturating_sub(began_ns).max(1);
        let rate = (self.round.bytes << 20).checked_div(time).unwrap_or(0);
        let limited = self.round.limited;
        self.round = Round {
            began_ns: Some(now_ns),
            ..Round::default()
        };
        // A round that nobody hurried says nothing.
        if limited {
            self.judge(rate);
        }
    }

    fn judge(&mut self, rate: u64) {
        let step = (self.size / 4).max(1);
        self.phase = match self.phase {
            Phase::Growing { .. } | Phase::Resting { rounds: 0, .. } if self.size >= WINDOW_MAX => {
                Phase::Resting { rounds: REST_ROUNDS }
            }
            Phase::Growing { rate: before } if rate > before.saturating_add(before >> GAIN_SHIFT) => {
                self.size = self.size.saturating_add(step).min(WINDOW_MAX);
                Phase::Growing { rate }
            }
            Phase::Growing { .. } => {
                // The step that did not pay is taken back: more under way only queued.
                self.size = (self.size - self.size / 5).max(WINDOW_MIN);
                Phase::Resting { rounds: REST_ROUNDS }
            }
            Phase::Resting { rounds: 0, .. } => {
                self.size = self.size.saturating_add(step).min(WINDOW_MAX);
                Phase::Growing { rate }
            }
            Phase::Resting { rounds } => Phase::Resting {
                rounds: rounds.saturating_sub(1),
            },
        };
    }

    /// A data message ran into its deadline: what is under way is too much for the server or the network.
    pub(super) fn timed_out(&mut self) {
        if !self.fixed {
            self.size = (self.size / 2).max(WINDOW_MIN);
            self.phase = Phase::Resting { rounds: REST_ROUNDS };
            self.round = Round::default();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    const PAYLOAD: u32 = 65_512;

    /// Reads `count` messages over a line: each byte takes `ns_per_message / PAYLOAD`, the way there and back `delay_ns`.
    /// The result is the time that took.
    fn transfer(window: &mut DataWindow, start: u64, count: u32, delay_ns: u64, ns_per_message: u64) -> u64 {
        let (mut now, mut line_free, mut sent, mut done) = (start, start, 0, 0);
        let mut arrivals = Vec::new();
        while done < count {
            while sent < count {
                if !window.has_room(PAYLOAD, PAYLOAD) {
                    window.was_short();
                    break;
                }
                window.sent(PAYLOAD);
                sent += 1;
                line_free = (now + delay_ns / 2).max(line_free) + ns_per_message;
                arrivals.push(line_free + delay_ns / 2);
            }
            now = arrivals[done as usize];
            window.answered(PAYLOAD, now, PAYLOAD);
            done += 1;
        }
        now - start
    }

    #[test]
    fn it_grows_on_a_long_fat_line() {
        let mut window = DataWindow::new(0);
        // 6 ms, 1 GB/s: about a hundred messages under way would fill it.
        transfer(&mut window, 0, 2000, 6_000_000, 65_000);
        assert_eq!(window.size(), WINDOW_MAX);
    }

    #[test]
    fn it_stays_small_where_more_only_queues() {
        let mut window = DataWindow::new(0);
        transfer(&mut window, 0, 5000, 100_000, 65_000);
        assert!(window.size() <= WINDOW_MIN + WINDOW_MIN / 4, "{}", window.size());
    }

    #[test]
    fn it_finds_what_a_line_needs() {
        // 30 messages fill it.
        let mut window = DataWindow::new(0);
        transfer(&mut window, 0, 5000, 3_000_000, 100_000);
        assert!((30..=50).contains(&window.size()), "{}", window.size());
    }

    #[test]
    fn a_fixed_one_keeps_its_size() {
        for size in [1, 4, 16] {
            let mut window = DataWindow::new(size);
            transfer(&mut window, 0, 500, 6_000_000, 65_000);
            window.timed_out();
            assert_eq!(window.size(), size);
        }
        let slow = transfer(&mut DataWindow::new(1), 0, 1000, 6_000_000, 65_000);
        let quick = transfer(&mut DataWindow::new(0), 0, 1000, 6_000_000, 65_000);
        assert!(slow / quick >= 8, "{slow} and {quick} ns");
    }

    #[test]
    fn nobody_who_is_not_short_makes_it_grow() {
        let mut window = DataWindow::new(0);
        for n in 0..10_000 {
            window.sent(PAYLOAD);
            window.answered(PAYLOAD, n * 1_000_000, PAYLOAD);
        }
        assert_eq!(window.size(), WINDOW_MIN);
    }

    #[test]
    fn a_timeout_shrinks_it() {
        let mut window = DataWindow::new(0);
        transfer(&mut window, 0, 2000, 6_000_000, 65_000);
        window.timed_out();
        assert_eq!(window.size(), WINDOW_MAX / 2);
        window.timed_out();
        window.timed_out();
        assert_eq!(window.size(), WINDOW_MIN);
    }

    #[test]
    fn one_message_always_has_room() {
        let mut window = DataWindow::new(1);
        assert!(window.has_room(u32::MAX, 1));
        window.sent(u32::MAX);
        assert!(!window.has_room(1, PAYLOAD));
        assert!(window.has_room(0, PAYLOAD), "what carries no data");
        window.lost(u32::MAX);
        assert!(window.has_room(1, PAYLOAD));
    }

    #[test]
    fn large_messages_are_bounded_in_bytes() {
        let mut window = DataWindow::new(WINDOW_MAX);
        let payload = 1 << 20;
        let mut sent = 0;
        while window.has_room(payload, payload) {
            window.sent(payload);
            sent += 1;
        }
        assert_eq!(sent, 16);
    }
}
