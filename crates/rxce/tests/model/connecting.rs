//! The reference model of connecting: what comes of it, and when.

use super::steps::{Place, Way};
use nt::Status;
use rxce::Selection;
use std::net::SocketAddr;

/// How long the network takes to connect or to refuse.
pub(crate) const LATENCY_MS: u64 = 1;
/// How long an address is tried before the next is, too.
const HEAD_START_MS: u64 = 250;

impl Place {
    pub(crate) fn address(self) -> SocketAddr {
        let on_4 = |port| SocketAddr::from(([10, 0, 0, 1], port));
        let on_6 = |port| SocketAddr::from(([0xfd00, 0, 0, 0, 0, 0, 0, 1], port));
        match self {
            Place::Accepts(number) => on_4(1 + u16::from(number)),
            Place::AcceptsOn6 => on_6(1),
            Place::Refuses => on_4(8),
            Place::RefusesOn6 => on_6(8),
            Place::Silent => on_4(9),
        }
    }
}

/// What an attempt comes to, and after how many milliseconds.
pub(crate) type Outcome = (nt::Result<Place>, u64);

/// One attempt, from an address of `family` if that matters (`Some(true)`: IPv4).
pub(crate) fn attempt(places: &[Place], family: Option<bool>, deadline: u64) -> Outcome {
    let ends = |place: Place| {
        if family.is_some_and(|ipv4| ipv4 != place.address().is_ipv4()) {
            return Some((0, Err(Status::INVALID_ADDRESS)));
        }
        match place {
            Place::Silent => None,
            Place::Refuses | Place::RefusesOn6 => Some((LATENCY_MS, Err(Status::CONNECTION_REFUSED))),
            Place::Accepts(_) | Place::AcceptsOn6 => Some((LATENCY_MS, Ok(place))),
        }
    };
    let mut rest = places.iter();
    let mut running: Vec<(u64, nt::Result<Place>)> = Vec::new();
    let (mut next_start, mut silent, mut last) = (0, false, Status::INVALID_PARAMETER);
    loop {
        let next_end = running.iter().map(|&(at, _)| at).min();
        let now = match (next_end, rest.as_slice().is_empty()) {
            (Some(end), true) => end,
            (Some(end), false) => end.min(next_start),
            (None, false) => next_start,
            (None, true) if silent => return (Err(Status::IO_TIMEOUT), deadline),
            (None, true) => return (Err(last), next_start),
        };
        if now > deadline {
            return (Err(Status::IO_TIMEOUT), deadline);
        }
        if let Some(at) = running.iter().position(|&(at, _)| at == now) {
            match running.swap_remove(at).1 {
                Ok(place) => return (Ok(place), now),
                Err(status) => last = status,
            }
            next_start = now;
            continue;
        }
        if let Some(&place) = rest.next() {
            match ends(place) {
                Some((after, result)) => running.push((now + after, result)),
                None => silent = true,
            }
            next_start = now + HEAD_START_MS;
        }
    }
}

/// What a race comes to.
pub(crate) struct Prize {
    /// Each of these sets of attempts may be kept.
    pub(crate) kept: Vec<Vec<usize>>,
    /// When nothing is kept, any of these is reported.
    pub(crate) statuses: Vec<Status>,
    pub(crate) after_ms: u64,
}

/// A race of `ways`, with what each would come to by itself.
pub(crate) fn race(ways: &[Way], outcomes: &[Outcome], selection: Selection) -> Prize {
    let good: Vec<usize> = (0..ways.len()).filter(|&at| outcomes[at].0.is_ok()).collect();
    let last = outcomes.iter().map(|&(_, at)| at).max().unwrap_or(0);
    let mut prize = Prize {
        kept: vec![good.clone()],
        statuses: Vec::new(),
        after_ms: last,
    };
    let first = good.iter().map(|&at| outcomes[at].1).min();
    match (selection, first) {
        (_, None) => {
            let latest = outcomes.iter().filter(|&&(_, at)| at == last);
            prize.statuses = latest.filter_map(|(result, _)| result.err()).collect();
            if ways.is_empty() {
                prize.statuses.push(Status::INVALID_PARAMETER);
            }
        }
        (Selection::First, Some(first)) => {
            prize.after_ms = first;
            let winners = good.iter().filter(|&&at| outcomes[at].1 == first);
            prize.kept = winners.map(|&at| vec![at]).collect();
        }
        (Selection::Best, Some(_)) => {
            let best = good.iter().copied().min_by_key(|&at| (ways[at].rank, at));
            prize.kept = vec![best.into_iter().collect()];
        }
        (Selection::All, Some(_)) => {}
    }
    prize
}
