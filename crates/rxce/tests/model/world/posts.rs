//! Addresses for datagrams. Which datagrams the network loses is known by their number alone, as they may overtake each
//! other on their way to it.

use super::*;
use rxce::memory::Mail;
use rxce::{AddressEvents, DatagramAddress};

/// Every so-many-th datagram is lost.
const LOSE_EVERY: u64 = 5;
/// Every so-many-th comes after those that were sent later.
const DELAY_EVERY: u64 = 3;

#[derive(Clone, PartialEq, Eq, Debug)]
enum Said {
    Received(SocketAddr, Vec<u8>),
    Failed(Status),
    Completed(usize, nt::Result<usize>),
}

type Log = Arc<SpinLock<Vec<Said>>>;

struct Mailbox(Log);

impl AddressEvents for Mailbox {
    fn receive(&self, source: SocketAddr, data: &[u8]) {
        self.0.lock().push(Said::Received(source, data.to_vec()));
    }
    fn error(&self, status: Status) {
        self.0.lock().push(Said::Failed(status));
    }
    fn send_complete(&self, context: usize, result: nt::Result<usize>) {
        self.0.lock().push(Said::Completed(context, result));
    }
}

pub(super) struct PostSlot {
    real: DatagramAddress<Network>,
    pub(super) binding: usize,
    pub(super) standing: bool,
    failed: bool,
    said: Log,
    /// Datagrams on their way to it, each with its sender.
    coming: Vec<(SocketAddr, Vec<u8>)>,
    /// How many of them get lost.
    lost: usize,
    /// Contexts of the sends that have not ended, with their lengths.
    sending: Vec<(usize, usize)>,
    /// It was torn down while they were under way.
    broken_off: bool,
    fails: bool,
}

fn local(number: u16) -> SocketAddr {
    SocketAddr::from(([10, 0, 0, 2], 100 + number))
}

impl World {
    pub(super) fn mail() -> Mail {
        Mail {
            latency: Duration::from_millis(LATENCY_MS),
            lose_every: LOSE_EVERY,
            delay_every: DELAY_EVERY,
            delay: Duration::from_micros(500),
        }
    }

    pub(super) fn open_post(&mut self, number: usize, port: u16) {
        if self.posts.len() == 6 {
            return;
        }
        let (binding, slot) = pick(&mut self.bindings, number).unwrap();
        let taken = self
            .posts
            .iter()
            .any(|post| post.standing && post.real.local() == local(port));
        let wanted = match (slot.standing, taken) {
            (false, _) => Some(Status::INVALID_PARAMETER),
            (true, true) => Some(Status::ADDRESS_ALREADY_EXISTS),
            (true, false) => None,
        };
        let said: Log = Arc::try_new(SpinLock::new(Vec::new())).unwrap();
        let events = Box::new(Mailbox(said.clone()));
        let building = DatagramAddress::build(&slot.real, local(port), events);
        let built = self.runtime.block_on(building).unwrap();
        assert_eq!(built.as_ref().err().copied(), wanted);
        let Ok(real) = built else { return };
        assert_eq!(real.local(), local(port));
        self.posts.push(PostSlot {
            real,
            binding,
            standing: true,
            failed: false,
            said,
            coming: Vec::new(),
            lost: 0,
            sending: Vec::new(),
            broken_off: false,
            fails: false,
        });
    }

    /// Sends `lens.len()` datagrams at once to the address at `port`, whether anybody is there or not.
    pub(super) fn post(&mut self, number: usize, port: u16, lens: &[usize]) {
        let first_tag = self.next_tag;
        self.next_tag += lens.len();
        let Some((_, slot)) = pick(&mut self.posts, number) else {
            return;
        };
        let (source, good) = (slot.real.local(), slot.standing && !slot.failed);
        let mut sent = Vec::new();
        for (tag, &len) in (first_tag..).zip(lens) {
            let data = vec![tag as u8; len];
            let result = slot.real.submit(data.clone(), local(port), tag);
            assert_eq!(result, if good { Ok(()) } else { INVALID });
            if good {
                slot.sending.push((tag, len));
                sent.push((source, data));
            }
        }
        let before = self.datagrams / LOSE_EVERY;
        self.datagrams += sent.len() as u64;
        let lost = (self.datagrams / LOSE_EVERY - before) as usize;
        let hears = |post: &&mut PostSlot| post.standing && !post.failed && post.real.local() == local(port);
        if let Some(post) = self.posts.iter_mut().find(hears) {
            post.coming.extend(sent);
            post.lost += lost;
        }
    }

    /// The adapter goes away.
    pub(super) fn fail_post(&mut self, number: usize) {
        let Some((_, slot)) = pick(&mut self.posts, number) else {
            return;
        };
        if slot.standing {
            let (network, status) = (&self.network, Status::UNEXPECTED_NETWORK_ERROR);
            network.fail_port(slot.real.local(), status).unwrap();
            slot.fails = !std::mem::replace(&mut slot.failed, true);
        }
    }

    /// Sends some, and tears down before they are gone.
    pub(super) fn close_post(&mut self, number: usize, sends: usize) {
        let first_tag = self.next_tag;
        self.next_tag += sends;
        let Some((_, slot)) = pick(&mut self.posts, number) else {
            return;
        };
        let good = slot.standing && !slot.failed;
        for tag in first_tag..first_tag + sends {
            // To nobody. Whether one still reaches the network is open, and so is which ones that loses from here on.
            let result = slot.real.submit(vec![tag as u8; 4], local(99), tag);
            assert_eq!(result, if good { Ok(()) } else { INVALID });
            if good {
                slot.sending.push((tag, 4));
            }
        }
        let wanted = if slot.standing { Ok(()) } else { INVALID };
        assert_eq!(self.runtime.block_on(slot.real.tear_down()).unwrap(), wanted);
        slot.broken_off = slot.standing;
        slot.standing = false;
        // Told by the time that the tear-down returns.
        slot.check();
        self.datagrams = self.network.datagrams_sent();
    }

    pub(super) fn check_posts(&mut self) {
        for slot in &mut self.posts {
            slot.check();
        }
    }
}

impl PostSlot {
    /// Everything that was under way has arrived or got lost.
    fn check(&mut self) {
        let mut failed = None;
        for said in std::mem::take(&mut *self.said.lock()) {
            match said {
                Said::Received(source, data) => {
                    assert_eq!(failed, None, "received after the end");
                    let letter = (source, data);
                    let at = self.coming.iter().position(|known| *known == letter);
                    self.coming
                        .swap_remove(at.expect("a datagram that was sent, once"));
                }
                Said::Failed(status) => {
                    assert_eq!(failed.replace(status), None, "told once");
                }
                Said::Completed(context, result) => {
                    let at = self.sending.iter().position(|&(known, _)| known == context);
                    let (_, len) = self
                        .sending
                        .swap_remove(at.expect("a send that was accepted, once"));
                    let cancelled = self.broken_off && result == Err(Status::CANCELLED);
                    assert!(cancelled || result == Ok(len), "{result:?}");
                }
            }
        }
        assert_eq!(self.sending, [], "sends that have not ended");
        assert_eq!(self.coming.len(), self.lost, "datagrams that are not lost arrive");
        assert_eq!(failed.is_some(), self.fails);
        self.coming.clear();
        (self.lost, self.fails, self.broken_off) = (0, false, false);
    }
}
