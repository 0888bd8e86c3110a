//! How much data to have under way at once.

/// Data messages that are under way at least, if anybody wants that many: what a pipe over no distance needs for both ends
/// to be busy.
const WINDOW_MIN: u16 = 6;
/// Most data messages under way at once.
pub const WINDOW_MAX: u16 = 64;
/// Data messages under way until it is known what the way takes.
pub(super) const WINDOW_START: u16 = 16;
/// Bytes of data under way that are enough where fewer than [`WINDOW_MIN`] messages hold as much; two messages always are.
const BYTES_ENOUGH: u64 = 384 << 10;
/// Most bytes of data under way, where that is more than [`WINDOW_START`] messages.
const BYTES_MAX: u64 = 16 << 20;
/// How many times what the way holds is under way: some of it waits at either end, so that neither end has to.
const GAIN: u64 = 2;
/// What was measured counts for this long, and for as long again.
const PERIOD_NS: u64 = 10_000_000_000;
/// A round takes at least so long.
const ROUND_NS: u64 = 1_000_000;
/// Messages under way while the round trip of an idle way is measured anew.
const FEW: u16 = 4;

/// A limit on the data under way: reads and writes of a session, all transfers together, counted in bytes.
///
/// It is what the way to the server and back holds, the product of bandwidth and delay, by the best of both that were seen of
/// late: twice that, as both are never best at once. More would only queue, at the server's expense and the caches'. A window
/// that is too small shows a rate of just what it lets through, so that twice the product doubles it with each round trip
/// until the way is full.
#[derive(Debug)]
pub(super) struct DataWindow {
    /// Full messages.
    size: u16,
    /// Not to be changed.
    fixed: bool,
    in_flight: u64,
    /// Bytes that have been answered.
    answered: u64,
    /// Least time in nanoseconds from a message to its answer.
    round_trip: Least,
    /// Least time in nanoseconds that 1 MiB took to be answered, on the average of a round.
    pace: Least,
    round: Round,
    /// Until so many bytes have been answered, few are under way: otherwise no message would find the way idle.
    idling_until: u64,
}

/// A window's worth of answers, at least: fewer say nothing of bandwidth, as answers come in bursts.
#[derive(Debug, Default)]
struct Round {
    began_ns: u64,
    bytes: u64,
}

/// The least value that was seen of late.
#[derive(Debug, Default)]
struct Least {
    /// Of this period, and when it began.
    now: Option<(u64, u64)>,
    /// Of the one before.
    before: Option<u64>,
}

impl Least {
    /// Takes note of a value; whether a new period has begun, which has seen no other.
    fn note(&mut self, value: u64, now_ns: u64) -> bool {
        match &mut self.now {
            Some((least, began)) if now_ns.saturating_sub(*began) < PERIOD_NS => {
                *least = value.min(*least);
                false
            }
            former => {
                self.before = former.map(|(least, _)| least);
                *former = Some((value, now_ns));
                self.before.is_some()
            }
        }
    }

    fn get(&self) -> Option<u64> {
        let now = self.now.map(|(least, _)| least);
        now.into_iter().chain(self.before).min()
    }
}

impl DataWindow {
    /// `size` full messages; 0: as many as pay.
    pub(super) fn new(size: u16) -> Self {
        Self {
            size: if size == 0 {
                WINDOW_START
            } else {
                size.min(WINDOW_MAX)
            },
            fixed: size != 0,
            in_flight: 0,
            answered: 0,
            round_trip: Least::default(),
            pace: Least::default(),
            round: Round::default(),
            idling_until: 0,
        }
    }

    /// Full messages that may be under way now.
    pub(super) fn size(&self) -> u16 {
        if self.answered < self.idling_until {
            self.size.min(FEW)
        } else {
            self.size
        }
    }

    fn limit(&self, payload: u32) -> u64 {
        let floor = u64::from(self.size.min(WINDOW_START)).saturating_mul(payload.into());
        let wanted = u64::from(self.size()).saturating_mul(payload.into());
        wanted.min(BYTES_MAX.max(floor))
    }

    /// Whether `bytes` more may be under way, in messages of at most `payload`. One message always may.
    pub(super) fn has_room(&self, bytes: u32, payload: u32) -> bool {
        bytes == 0
            || self.in_flight == 0
            || self.in_flight.saturating_add(bytes.into()) <= self.limit(payload)
    }

    /// `bytes` more are under way from `now_ns` on.
    pub(super) fn sent(&mut self, bytes: u32, now_ns: u64) {
        if self.in_flight == 0 {
            self.round = Round {
                began_ns: now_ns,
                bytes: 0,
            };
        }
        self.in_flight = self.in_flight.saturating_add(bytes.into());
    }

    /// `bytes` are under way no more, without having been answered.
    pub(super) fn lost(&mut self, bytes: u32) {
        self.in_flight = self.in_flight.saturating_sub(bytes.into());
    }

    /// A message that was sent at `sent_ns` was answered at `now_ns`. It was about `bytes` of data, at most `payload`, or about
    /// none.
    pub(super) fn answered(&mut self, bytes: u32, sent_ns: u64, now_ns: u64, payload: u32) {
        self.lost(bytes);
        self.answered = self.answered.saturating_add(bytes.into());
        if self.fixed {
            return;
        }
        let took = now_ns.saturating_sub(sent_ns).max(1);
        // Those without data tell best how long the way is.
        if self.round_trip.note(took, now_ns) {
            let few = u64::from(FEW).saturating_mul(payload.into());
            self.idling_until = self.answered.saturating_add(self.in_flight).saturating_add(few);
        }
        self.round.bytes = self.round.bytes.saturating_add(bytes.into());
        let took = now_ns.saturating_sub(self.round.began_ns);
        if took < ROUND_NS || self.round.bytes < self.limit(payload) {
            return;
        }
        let pace = scaled(took).checked_div(self.round.bytes).unwrap_or(0);
        self.pace.note(pace.max(1), now_ns);
        self.round = Round {
            began_ns: now_ns,
            bytes: 0,
        };
        self.size = self.wanted(payload);
    }

    /// Messages of `payload` bytes that the way holds, and a reserve.
    fn wanted(&self, payload: u32) -> u16 {
        let least = BYTES_ENOUGH.checked_div(payload.into()).unwrap_or(u64::MAX);
        let least = least.clamp(GAIN, WINDOW_MIN.into());
        let (Some(round_trip), Some(pace)) = (self.round_trip.get(), self.pace.get()) else {
            return self.size;
        };
        let holds = scaled(round_trip).checked_div(pace).unwrap_or(0);
        let messages = holds.saturating_mul(GAIN).div_ceil(u64::from(payload).max(1));
        // At most [`WINDOW_MAX`].
        u16::try_from(messages.clamp(least, WINDOW_MAX.into())).unwrap_or(WINDOW_MAX)
    }

    /// A data message ran into its deadline: what is under way is too much for the server or the network, whatever was
    /// seen before.
    pub(super) fn timed_out(&mut self) {
        if !self.fixed {
            self.size = (self.size / 2).max(WINDOW_MIN);
            self.pace = Least::default();
        }
    }
}

/// A time, to be divided by bytes for the time of 1 MiB, or by that for bytes.
fn scaled(time_ns: u64) -> u64 {
    time_ns.saturating_mul(1 << 20)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    const PAYLOAD: u32 = 65_512;

    /// A way on which each byte takes `ns_per_message / PAYLOAD`, and the way there and back `delay_ns`.
    struct Way {
        delay_ns: u64,
        ns_per_message: u64,
        now: u64,
    }

    impl Way {
        fn new(delay_ns: u64, ns_per_message: u64) -> Self {
            Self {
                delay_ns,
                ns_per_message,
                now: 1,
            }
        }

        /// Reads `count` messages, as many at once as there may be; the result is the time that took.
        fn transfer(&mut self, window: &mut DataWindow, count: usize) -> u64 {
            let (start, mut line_free) = (self.now, self.now);
            let mut messages = Vec::new();
            for done in 0..count {
                while messages.len() < count && window.has_room(PAYLOAD, PAYLOAD) {
                    line_free = (self.now + self.delay_ns / 2).max(line_free) + self.ns_per_message;
                    messages.push((self.now, line_free + self.delay_ns / 2));
                    window.sent(PAYLOAD, self.now);
                }
                let (sent, arrival) = messages[done];
                self.now = arrival;
                window.answered(PAYLOAD, sent, self.now, PAYLOAD);
            }
            self.now - start
        }
    }

    #[test]
    fn it_grows_on_a_long_fat_line() {
        let mut window = DataWindow::new(0);
        // 6 ms, 1 GB/s: about a hundred messages under way would fill it.
        let mut way = Way::new(6_000_000, 65_000);
        way.transfer(&mut window, 100);
        assert_eq!(window.size(), WINDOW_MAX);
        way.transfer(&mut window, 2000);
        assert_eq!(window.size(), WINDOW_MAX);
    }

    #[test]
    fn it_is_small_where_more_only_queues() {
        let mut window = DataWindow::new(0);
        let mut way = Way::new(100_000, 65_000);
        way.transfer(&mut window, usize::from(2 * WINDOW_START));
        assert_eq!(window.size(), WINDOW_MIN);
        way.transfer(&mut window, 5000);
        assert_eq!(window.size(), WINDOW_MIN);
    }

    #[test]
    fn it_finds_what_a_line_needs() {
        // 31 messages fill it.
        let mut window = DataWindow::new(0);
        let mut way = Way::new(3_000_000, 100_000);
        let took = way.transfer(&mut window, 5000);
        assert!((60..=64).contains(&window.size()), "{}", window.size());
        assert!(took < 5000 * 100_000 * 11 / 10, "{took} ns");
        // 11 do.
        let mut window = DataWindow::new(0);
        Way::new(1_000_000, 100_000).transfer(&mut window, 5000);
        assert!((20..=25).contains(&window.size()), "{}", window.size());
    }

    #[test]
    fn it_follows_a_way_that_becomes_longer_and_shorter() {
        let mut window = DataWindow::new(0);
        let mut way = Way::new(1_000_000, 1_000_000);
        for (delay_ns, sizes) in [
            (1_000_000, WINDOW_MIN..=WINDOW_MIN),
            (60_000_000, WINDOW_MAX..=WINDOW_MAX),
            (1_000_000, WINDOW_MIN..=WINDOW_MIN),
        ] {
            way.delay_ns = delay_ns;
            let end = way.now + 3 * PERIOD_NS;
            while way.now < end {
                way.transfer(&mut window, 1000);
            }
            // Not `size()`: it may be idling.
            assert!(sizes.contains(&window.size), "{delay_ns} ns: {}", window.size);
        }
    }

    #[test]
    fn its_own_queue_is_not_taken_for_a_long_way() {
        let mut window = DataWindow::new(0);
        let mut way = Way::new(10_000_000, 1_000_000);
        // Without a pause, in which the way would be idle.
        let count = usize::try_from(10 * PERIOD_NS / way.ns_per_message).unwrap();
        let took = way.transfer(&mut window, count);
        assert!((20..=30).contains(&window.size()), "{}", window.size());
        assert!(took < 10 * PERIOD_NS * 101 / 100, "{took} ns");
    }

    #[test]
    fn a_fixed_one_keeps_its_size() {
        for size in [1, 4, 16] {
            let mut window = DataWindow::new(size);
            Way::new(6_000_000, 65_000).transfer(&mut window, 500);
            window.timed_out();
            assert_eq!(window.size(), size);
        }
        let slow = Way::new(6_000_000, 65_000).transfer(&mut DataWindow::new(1), 1000);
        let quick = Way::new(6_000_000, 65_000).transfer(&mut DataWindow::new(0), 1000);
        assert!(slow / quick >= 8, "{slow} and {quick} ns");
    }

    #[test]
    fn one_at_a_time_says_nothing() {
        let mut window = DataWindow::new(0);
        for n in 0..10_000 {
            window.sent(4096, n * 1_000_000);
            window.answered(4096, n * 1_000_000, n * 1_000_000 + 50_000, PAYLOAD);
        }
        assert_eq!(window.size(), WINDOW_START);
    }

    #[test]
    fn a_timeout_shrinks_it() {
        let mut window = DataWindow::new(0);
        Way::new(6_000_000, 65_000).transfer(&mut window, 2000);
        window.timed_out();
        assert_eq!(window.size(), WINDOW_MAX / 2);
        for _ in 0..3 {
            window.timed_out();
        }
        assert_eq!(window.size(), WINDOW_MIN);
    }

    #[test]
    fn one_message_always_has_room() {
        let mut window = DataWindow::new(1);
        assert!(window.has_room(u32::MAX, 1));
        window.sent(u32::MAX, 0);
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
            window.sent(payload, 0);
            sent += 1;
        }
        assert_eq!(sent, 16);
        // Where there is no way to speak of, two of them are enough.
        let mut window = DataWindow::new(0);
        for sent in 0..2 * u64::from(WINDOW_START) {
            window.sent(payload, sent * 500_000);
            if sent > 0 {
                window.answered(payload, (sent - 1) * 500_000, sent * 500_000, payload);
            }
        }
        assert_eq!(window.size(), 2);
    }

    #[test]
    fn no_times_upset_it() {
        let mut window = DataWindow::new(0);
        for (sent, answered) in [(0, 0), (u64::MAX, 0), (0, u64::MAX), (5, 5)] {
            window.sent(u32::MAX, sent);
            window.answered(u32::MAX, sent, answered, 1);
            assert!((GAIN..=u64::from(WINDOW_MAX)).contains(&window.size.into()));
        }
    }
}
