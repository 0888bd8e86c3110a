//! Connecting over several local addresses at once.

use crate::address::Address;
use crate::circuit::VirtualCircuit;
use crate::connection::{ConnectOptions, Connection};
use crate::event::ConnectionEvents;
use crate::transport::Transport;
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::future::{Future, poll_fn};
use core::mem;
use core::net::SocketAddr;
use core::pin::Pin;
use core::task::Poll;
use executive::mem::{TryVec, try_box};
use nt::Status;

/// Which of the connections that come about are kept (RXCE_CONNECTION_CREATE_OPTIONS).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Selection {
    /// The first (RxCeSelectFirstSuccessfulTransport): the others are called off as soon as there is one.
    First,
    /// The one of the lowest rank, and of the lowest index among equals, once all have ended
    /// (RxCeSelectBestSuccessfulTransport).
    Best,
    /// Every one (RxCeSelectAllSuccessfulTransports).
    All,
}

/// One way to connect.
pub struct Attempt<T: Transport> {
    /// From where.
    pub address: Address<T>,
    /// To where: addresses of one host, best first, as for [`Connection::build_any`].
    pub remotes: Vec<SocketAddr>,
    /// The lower, the better.
    pub rank: u32,
    /// Who hears of what happens, should this one win.
    pub events: Box<dyn ConnectionEvents>,
}

/// A connection that was kept.
pub struct Winner<T: Transport> {
    /// Which attempt it comes from.
    pub index: usize,
    /// The connection.
    pub connection: Connection<T>,
    /// Its circuit, paused: [`VirtualCircuit::resume`] brings it to life.
    pub circuit: VirtualCircuit<T>,
}

type Built<T> = nt::Result<(Connection<T>, VirtualCircuit<T>)>;

/// An attempt under way.
struct Running<T: Transport> {
    index: usize,
    rank: u32,
    /// `None` once it has ended.
    building: Option<Pin<Box<dyn Future<Output = Built<T>> + Send>>>,
}

/// Connects by all `attempts` at once and keeps what `selection` says, in the order of the attempts
/// (RxCeBuildConnectionOverMultipleTransports). `options.paused` is taken as set. When this returns, every attempt has
/// ended, and whatever the losers had is given back; no event of a loser's has come.
///
/// # Errors
/// `INVALID_PARAMETER` for no attempt at all; `INSUFFICIENT_RESOURCES`; when none succeeds, what the last one reported.
pub async fn race<T: Transport>(
    attempts: Vec<Attempt<T>>,
    selection: Selection,
    options: ConnectOptions,
) -> nt::Result<Vec<Winner<T>>> {
    let options = ConnectOptions {
        paused: true,
        ..options
    };
    let mut winners = Vec::try_with_room(attempts.len())?;
    let mut ranks = Vec::try_with_room(attempts.len())?;
    let mut running = Vec::try_with_room(attempts.len())?;
    for (index, attempt) in attempts.into_iter().enumerate() {
        let Attempt {
            address,
            remotes,
            rank,
            events,
        } = attempt;
        let building = async move { Connection::build_any(&address, &remotes, options, events).await };
        running.try_push(Running {
            index,
            rank,
            building: Some(Box::into_pin(try_box(building)?)),
        })?;
    }
    let mut last = Status::INVALID_PARAMETER;
    while let Some((index, rank, built)) = next_ended(&mut running).await {
        match built {
            Ok((connection, circuit)) => {
                // Room for all of them was reserved.
                winners.try_push(Winner {
                    index,
                    connection,
                    circuit,
                })?;
                ranks.try_push(rank)?;
                if selection == Selection::First {
                    running.clear();
                }
            }
            Err(status) => last = status,
        }
    }
    if selection == Selection::Best {
        keep_best(&mut winners, &ranks).await;
    }
    winners.sort_unstable_by_key(|winner| winner.index);
    if winners.is_empty() {
        Err(last)
    } else {
        Ok(winners)
    }
}

/// The next attempt that has ended; `None` when there is none left.
async fn next_ended<T: Transport>(running: &mut Vec<Running<T>>) -> Option<(usize, u32, Built<T>)> {
    if running.is_empty() {
        return None;
    }
    let (at, built) = poll_fn(|context| {
        for (at, attempt) in running.iter_mut().enumerate() {
            let Some(building) = attempt.building.as_mut() else {
                continue;
            };
            if let Poll::Ready(built) = building.as_mut().poll(context) {
                return Poll::Ready((at, built));
            }
        }
        Poll::Pending
    })
    .await;
    let ended = running.remove(at);
    Some((ended.index, ended.rank, built))
}

/// Tears down all but the best.
async fn keep_best<T: Transport>(winners: &mut Vec<Winner<T>>, ranks: &[u32]) {
    let of = |at: usize, winner: &Winner<T>| (ranks.get(at).copied(), winner.index);
    let best = winners
        .iter()
        .enumerate()
        .map(|(at, winner)| of(at, winner))
        .min();
    let Some((_, best)) = best else { return };
    for at in (0..winners.len()).rev() {
        if winners.get(at).is_some_and(|winner| winner.index != best) {
            let loser = winners.swap_remove(at);
            // Nobody has heard of it: there is nobody to tell that closing it went wrong.
            let _closed = loser.circuit.tear_down().await;
            let _left = loser.connection.tear_down();
            mem::drop(loser);
        }
    }
}
